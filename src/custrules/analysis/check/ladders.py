"""Ladders: levels that nobody reaches, or reaches only together with a higher one; a keep that asks for more than its enter."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from custrules.analysis.check.conditions import scope_of
from custrules.analysis.check.domains import Scope
from custrules.analysis.check.findings import Findings
from custrules.analysis.check.spaces import TRUE, Witness, all_of, negation, told
from custrules.calendars import ONE_DAY
from custrules.conditions import Bound, Condition, Node
from custrules.policies.tiers import Ladder
from custrules.policy import StatusFact


def check_ladders(findings: Findings) -> None:
    for policy in findings.live(Ladder):
        _Ladder(findings, policy).check()


def unreached(findings: Findings, ladder: Ladder) -> set[str]:
    """Levels that nobody is raised to."""
    return {ladder.names[rank] for rank in _Ladder(findings, ladder).unreached()}


class _Ladder:
    findings: Findings
    ladder: Ladder
    scope: Scope
    included: Bound

    def __init__(self, findings: Findings, ladder: Ladder) -> None:
        self.findings, self.ladder, self.scope = findings, ladder, scope_of(ladder)
        self.possible, self.likely = findings.possible(self.scope), findings.likely(self.scope)
        self.enters = [self._bound(level.enter) for level in ladder.levels]
        self.included = negation(Node("any", tuple(self._bound(row.when) for row in ladder.exclude)))

    def _bound(self, condition: Condition | None) -> Bound:
        return TRUE if condition is None else self.findings.rules.bound[id(condition), None]

    def unreached(self) -> Iterator[int]:
        return (rank for rank, enter in enumerate(self.enters) if self.possible.never(all_of(enter, self.included)))

    def check(self) -> None:
        self._legacy()
        with self.findings.bounded(self.findings.path(self.ladder, "levels")):
            if self._excludes_everyone():
                return
            gone = set(self.unreached())
            for rank in gone:
                self._unreachable(rank)
            reached = [rank for rank in range(len(self.enters)) if rank not in gone]
            passed = {rank for rank in reached if self._passed_over(rank, reached)}
            for lower, higher in pairwise(reached):
                if lower not in passed:
                    self._skipped(lower, higher)
            for rank in reached:
                self._keep(rank)

    def _legacy(self) -> None:
        """What is to become of those qualified under an older version, where there is none."""
        older = self.findings.rules.in_force(self.ladder.id, self.ladder.effective_from - ONE_DAY)
        if older is None and "legacy" in self.ladder.model_fields_set:
            self.findings.info("check.legacy_of_nobody", self.findings.path(self.ladder, "legacy"), id=self.ladder.id)

    def _excludes_everyone(self) -> bool:
        """Whether the exclusions, one or all together, leave nobody a level."""
        rows = [self._bound(row.when) for row in self.ladder.exclude]
        for index in range(len(rows)):
            if self.possible.never(negation(Node("any", tuple(rows[: index + 1])))):
                self.findings.warning("check.excludes_everyone", self.findings.path(self.ladder, "exclude", index, "when"))
                return True
        for index, row in enumerate(rows):
            if self.possible.never(row):
                self.findings.warning("check.never_true", self.findings.path(self.ladder, "exclude", index, "when"))
        return False

    def _unreachable(self, rank: int) -> None:
        name = self.ladder.names[rank]
        code = "check.level_unreachable" if self.possible.never(self.enters[rank]) else "check.level_excluded"
        self.findings.warning(code, self.findings.path(self.ladder, "levels", rank, "enter"), level=name)

    def _passed_over(self, rank: int, reached: list[int]) -> bool:
        """Whether all who enter a level enter a higher one with it."""
        for higher in reached:
            if higher > rank and self.possible.never(all_of(self.enters[rank], negation(self.enters[higher]), self.included)):
                steps = ("levels", rank, "enter") if self.ladder.levels[rank].enter is not None else ("levels", rank)
                found = self.possible.find(all_of(self.enters[rank], self.included)) or {}
                names = {"level": self.ladder.names[rank], "higher": self.ladder.names[higher]}
                self.findings.warning("check.level_passed_over", self.findings.path(self.ladder, *steps), **names, witness=self._told(found))
                return True
        return False

    def _skipped(self, lower: int, higher: int) -> None:
        found = self.likely.find(all_of(self.enters[higher], negation(self.enters[lower]), self.included))
        if found is not None:
            names = {"level": self.ladder.names[higher], "lower": self.ladder.names[lower]}
            self.findings.info("check.level_skips", self.findings.path(self.ladder, "levels", higher, "enter"), **names, witness=self._told(found))

    def _keep(self, rank: int) -> None:
        """A keep that whoever holds it would enter by as well, and that some who enter do not meet."""
        level = self.ladder.levels[rank]
        if level.keep is None or level.enter is None:
            return
        path = self.findings.path(self.ladder, "levels", rank, "keep")
        keep, enter = self._bound(level.keep), self.enters[rank]
        if self.ladder.term is None and not self.ladder.rerates:
            self.findings.info("check.keep_without_term", path, level=level.name)
        if self.possible.never(keep) or not self.possible.never(all_of(keep, negation(enter))):
            return
        found = self.likely.find(all_of(enter, negation(keep), self.included))
        if found is not None:
            self.findings.warning("check.keep_stricter", path, level=level.name, witness=self._told(found))

    def _told(self, witness: Witness) -> str:
        return told(witness, self.findings.world, self.scope)


def ladder_of(findings: Findings) -> list[Ladder]:
    """The versions of the ladder by whose levels points are awarded."""
    given = findings.rules.given.get("tier")
    giver = findings.rules.given_by.get("tier") if isinstance(given, StatusFact) else None
    return [policy for policy in findings.rules.versions.get(giver or "", []) if isinstance(policy, Ladder)]
