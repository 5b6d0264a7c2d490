"""What caps count: which tallies the awards of a policy go to, its own and those that it shares with a group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from custrules.policy import Policy


class Clash(NamedTuple):
    """Two policies of one group that work on different accounts."""

    group: str
    first: Policy
    second: Policy


class AwardTallies:
    """Keys of tallies: ``own`` by policy, ``groups`` by group; ``keys`` are all to which a policy's awards are added, ``members`` who is
    in a group, ``days`` for how many days rows are needed, by key."""

    own: dict[str, str]
    groups: dict[str, str]
    members: dict[str, tuple[str, ...]]
    keys: dict[str, tuple[str, ...]]
    days: dict[str, int]

    def __init__(self, policies: Sequence[Policy]) -> None:
        self.own = {}
        self.groups = {}
        self.members = {}
        self.keys = {}
        self.days = {}
        for policy in policies:
            days = policy.counts_awards()
            if days is not None:
                self.own[policy.id] = self._tally(policy, f"awarded:{policy.id}", days)
            for group, shared in policy.award_groups().items():
                self.groups[group] = self._tally(policy, f"awards:{group}", shared)
                self.members[group] = tuple(dict.fromkeys((*self.members.get(group, ()), policy.id)))

    def _tally(self, policy: Policy, key: str, days: int) -> str:
        self.days[key] = max(self.days.get(key, 0), days)
        self.keys[policy.id] = tuple(dict.fromkeys((*self.keys.get(policy.id, ()), key)))
        return key

    def key(self, policy: Policy, group: str | None) -> str:
        """The tally that a cap of a policy reads; '' where there is none."""
        return self.own.get(policy.id, "") if group is None else self.groups.get(group, "")

    def clashes(self, policies: Sequence[Policy], account: Callable[[str], str]) -> Iterator[Clash]:
        """Groups over two accounts, whose units cannot be added; ``account`` is the account's own name."""
        first: dict[str, Policy] = {}
        for policy in policies:
            for group in policy.award_groups():
                other = first.setdefault(group, policy)
                if account(other.works_on() or "") != account(policy.works_on() or ""):
                    yield Clash(group, other, policy)
