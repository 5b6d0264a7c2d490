"""What policies count for themselves: which tallies are kept for them, and for how many days."""

from __future__ import annotations

from collections.abc import Sequence

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
