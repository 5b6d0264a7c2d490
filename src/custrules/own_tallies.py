"""What policies count for themselves: which tallies are kept for them, and for how many days."""

from __future__ import annotations

from collections.abc import Sequence

from custrules.ledger import ADJUSTED, ISSUED, REVERSED, WORLD, WRITTEN_OFF, Move
from custrules.policy import Policy


class OwnTallies:
    """Keys of tallies: ``keys`` of a policy's own ones, by policy and name; ``sent`` what customers send by a policy that limits it (how much,
    and how often), by policy; ``days`` for how many days rows are needed, by key."""

    keys: dict[str, dict[str, str]]
    sent: dict[str, tuple[str, str]]
    days: dict[str, int]

    def __init__(self, policies: Sequence[Policy]) -> None:
        self.keys = {}
        self.sent = {}
        self.days = {}
        for policy in policies:
            for name, windows in policy.tallies().items():
                key = f"used:{policy.id}.{name}"
                self.keys.setdefault(policy.id, {})[name] = key
                self._keep(key, max((window.at_most_days or 0 for window in windows), default=0))
            days = policy.counts_sent()
            if days is not None:
                keys = self.sent[policy.id] = (f"sent:{policy.id}", f"sent_times:{policy.id}")
                for key in keys:
                    self._keep(key, days)

    def _keep(self, key: str, days: int) -> None:
        self.days[key] = max(self.days.get(key, 0), days)


def side_of(move: Move) -> str:
    """The account of a move: the side that is no outside."""
    return (move.source if move.target.startswith(WORLD) else move.target).partition(".")[0]


def counted_move(name: str, policy: Policy, move: Move, about: str) -> int:
    """What a move adds to a tally of moves (see ``Policy.counts_moves``); ``about`` is the type of the event or order that it is for."""
    if name == "written_off":
        return move.quantity if move.source == WRITTEN_OFF else 0
    if name == "given":
        given = move.source == ADJUSTED or (move.source == ISSUED and policy.phase != "earn")
        return move.quantity if given else 0
    if policy.phase != "earn" or (name == "earned_by_purchase" and about != "purchase"):
        return 0
    return move.quantity if move.source == ISSUED else -move.quantity if move.target == REVERSED else 0
