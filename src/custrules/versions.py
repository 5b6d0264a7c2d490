"""Which version of each policy is in force on a day, and which policies are asked then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date

from custrules.policy import PHASES, Phase, Policy


class Versions:
    """The versions of every policy by its id, in the order of their first days; policies stand in document order."""

    versions: dict[str, list[Policy]]
    starts: dict[str, list[date]]
    first_days: list[date]

    def __init__(self, versions: dict[str, list[Policy]]) -> None:
        self.versions = versions
        for others in self.versions.values():
            others.sort(key=lambda policy: policy.effective_from)
        self.starts = {policy_id: [policy.effective_from for policy in others] for policy_id, others in self.versions.items()}
        self.first_days = sorted({day for days in self.starts.values() for day in days})
        self._in_force: dict[int, dict[Phase, tuple[Policy, ...]]] = {}
        self._hearing: dict[tuple[int, str], dict[Phase, tuple[Policy, ...]]] = {}
        self._with_due: dict[int, tuple[Policy, ...]] = {}

    def in_force(self, policy_id: str, day: date) -> Policy | None:
        """The version of a policy in force on a local day; None before its first."""
        place = bisect_right(self.starts.get(policy_id, []), day)
        return self.versions[policy_id][place - 1] if place else None

    def version(self, policy_id: str, effective_from: date, day: date) -> Policy | None:
        """The version that was recorded; where the program has it no longer, the one in force on the order's day."""
        recorded = next((policy for policy in self.versions.get(policy_id, ()) if policy.effective_from == effective_from), None)
        return recorded or self.in_force(policy_id, day)

    def phases(self, day: date) -> Mapping[Phase, tuple[Policy, ...]]:
        """The policies in force on a day, by phase, in document order."""
        return self._phases(day, bisect_right(self.first_days, day))

    def _phases(self, day: date, period: int) -> Mapping[Phase, tuple[Policy, ...]]:
        """The same; ``period`` counts the first days up to ``day``: between two of them nothing changes."""
        if period not in self._in_force:
            present = [policy for policy in (self.in_force(policy_id, day) for policy_id in self.versions) if policy is not None]
            self._in_force[period] = {phase: tuple(policy for policy in present if policy.phase == phase) for phase in PHASES}
        return self._in_force[period]

    def hearing(self, day: date, event_type: str) -> Mapping[Phase, tuple[Policy, ...]]:
        """The policies in force on a day that hear a type of events, by phase, in document order."""
        period = bisect_right(self.first_days, day)
        found = self._hearing.get((period, event_type))
        if found is None:
            phases = self._phases(day, period)
            found = {phase: tuple(policy for policy in phases[phase] if _hears(policy, event_type)) for phase in PHASES}
            self._hearing[period, event_type] = found
        return found

    def with_due(self, day: date) -> tuple[Policy, ...]:
        """The policies in force on a day that may name a due, in the order in which they are asked."""
        period = bisect_right(self.first_days, day)
        found = self._with_due.get(period)
        if found is None:
            phases = self._phases(day, period)
            found = tuple(policy for phase in PHASES for policy in phases[phase] if type(policy).due is not Policy.due)
            self._with_due[period] = found
        return found

    def next_first_day(self, day: date) -> date | None:
        """The first day after ``day`` on which some version begins."""
        place = bisect_right(self.first_days, day)
        return self.first_days[place] if place < len(self.first_days) else None


def _hears(policy: Policy, event_type: str) -> bool:
    heard = policy.listens_to()
    return heard is None or event_type in heard
