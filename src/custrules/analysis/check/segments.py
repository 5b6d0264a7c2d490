"""Bands: values that fall into none, or into several, and bands that are never anybody's because those before them take all."""

from __future__ import annotations

from custrules.analysis.check.conditions import scope_of
from custrules.analysis.check.findings import Findings, Path
from custrules.analysis.check.rows import Grid
from custrules.analysis.check.spaces import Witness, told
from custrules.conditions import Leaf
from custrules.conditions.hits import asks
from custrules.policies.segments import Bands


def check_segments(findings: Findings) -> None:
    for policy in findings.rules.parts.policies:
        if isinstance(policy, Bands) and not policy.retired:
            with findings.bounded(findings.path(policy, "bands")):
                _Bands(findings, policy).check()


class _Bands:
    findings: Findings
    policy: Bands

    def __init__(self, findings: Findings, policy: Bands) -> None:
        self.findings, self.policy, self.scope = findings, policy, scope_of(policy)
        bound = (findings.rules.bound[id(condition), None] for condition in policy.bands.values())
        self.cells = [leaf for leaf in bound if isinstance(leaf, Leaf)]
        self.names = list(policy.bands)
        rows = [[leaf] for leaf in self.cells]
        self.possible, self.likely = Grid(findings.possible(self.scope), rows), Grid(findings.likely(self.scope), rows)

    def check(self) -> None:
        gone = {place for place in range(len(self.cells)) if self._never(place)}
        for place in range(len(self.cells)):
            if place not in gone and asks(self.cells[place]):
                self._overlap(place, gone)
        self._gap()

    def _path(self, place: int) -> Path:
        return self.findings.path(self.policy, "bands", self.names[place])

    def _told(self, witness: Witness) -> str:
        return told(witness, self.findings.world, self.scope)

    def _never(self, place: int) -> bool:
        """Whether a band is never anybody's; one whose cell never holds is told as a condition is."""
        if self.possible.only(place, 0) is None:
            return True
        before = (1 << place) - 1
        if before and self.possible.only(place, before) is None:
            self.findings.warning("check.band_never", self._path(place), band=self.names[place])
            return True
        return False

    def _overlap(self, place: int, gone: set[int]) -> None:
        for other in range(place):
            found = self.likely.together(other, place) if other not in gone and asks(self.cells[other]) else None
            if found is not None:
                names = {"band": self.names[place], "first": self.names[other]}
                self.findings.warning("check.bands_overlap", self._path(place), **names, witness=self._told(found))
                return

    def _gap(self) -> None:
        found = self.likely.none_of(lambda point: None not in point.values())
        if found is not None:
            self.findings.warning("check.band_gap", self.findings.path(self.policy, "bands"), witness=self._told(found))
