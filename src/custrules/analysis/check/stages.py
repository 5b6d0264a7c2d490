"""Stages: those that nobody is ever in, ways that nobody goes, customers who begin in none."""

from __future__ import annotations

from collections.abc import Iterator

from custrules.analysis.check.conditions import scope_of
from custrules.analysis.check.findings import Findings
from custrules.analysis.check.spaces import FALSE, TRUE, all_of, any_of, negation, told
from custrules.conditions import Bound
from custrules.policies.lifecycle import NONE, LifecycleStage, Stages


def check_stages(findings: Findings) -> None:
    for policy in findings.live(Stages):
        with findings.bounded(findings.path(policy, "stages")):
            _Course(findings, policy).check()


class _Course:
    """The stages as a graph: a way leads from one to another where customers exist who go it."""

    findings: Findings
    policy: Stages

    def __init__(self, findings: Findings, policy: Stages) -> None:
        self.findings, self.policy, self.scope = findings, policy, scope_of(policy)
        self.possible, self.likely = findings.possible(self.scope), findings.likely(self.scope)
        self.whens = [self._bound(stage) for stage in policy.stages]

    def _bound(self, stage: LifecycleStage) -> Bound:
        return self.findings.rules.bound[id(stage.when), None] if stage.when is not None else FALSE

    def _way(self, start: int | None, end: int) -> Bound:
        """What holds for those who enter a stage from another (None: from none)."""
        stages = self.policy.stages
        name = stages[start].name if start is not None else None
        if not stages[end].open_to(name):
            return FALSE
        if stages[end].when is None:
            return negation(any_of(*self.whens))
        before = [self.whens[place] for place in range(end) if stages[place].when is not None and (place == start or stages[place].open_to(name))]
        return all_of(self.whens[end], negation(any_of(*before)))

    def _goes(self, start: int | None, end: int) -> bool:
        return not self.possible.never(self._way(start, end))

    def check(self) -> None:
        places = range(len(self.policy.stages))
        reached = {None, *self._reached(None)}
        for end in places:
            if end not in reached:
                self.findings.warning("check.stage_unreachable", self._path(end), stage=self.policy.names[end])
                continue
            for name in self.policy.stages[end].from_ or ():
                start = self.policy.names.index(name) if name != NONE else None
                if start in reached and not self._goes(start, end):
                    self.findings.warning("check.transition_never", (*self._path(end), "from"), stage=self.policy.names[end], before=name)
        self._beginning()

    def _path(self, place: int) -> tuple[int | str, ...]:
        return self.findings.path(self.policy, "stages", place)

    def _reached(self, start: int | None) -> Iterator[int]:
        """Every stage that some way from the beginning leads to."""
        found, open_ends = set[int](), [start]
        while open_ends:
            at = open_ends.pop()
            for end in range(len(self.policy.stages)):
                if end != at and end not in found and self._goes(at, end):
                    found.add(end)
                    open_ends.append(end)
                    yield end

    def _beginning(self) -> None:
        """Facts with which no stage is entered by one who is in none; where none of them is missing, or else they may well be told later."""
        ways = [self._way(None, end) for end in range(len(self.policy.stages))]
        found = self.likely.find(all_of(TRUE, negation(any_of(*ways))))
        if found is not None and None not in found.values():
            self.findings.info(
                "check.no_first_stage", self.findings.path(self.policy, "stages"), witness=told(found, self.findings.world, self.scope)
            )
