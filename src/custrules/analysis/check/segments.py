"""Bands, scores and their maps: what falls into none of them, or into several, and what is never anybody's because others take it all."""

from __future__ import annotations

from itertools import pairwise, product

from custrules.analysis.check.conditions import scope_of
from custrules.analysis.check.findings import Findings, Path
from custrules.analysis.check.rows import Grid
from custrules.analysis.check.spaces import Witness, told, value_text
from custrules.conditions import Leaf
from custrules.conditions.hits import asks
from custrules.errors import Severity
from custrules.policies.segments import Bands, Rfm
from custrules.policies.segments.scores import PARTS, SCORE_TYPES, Scores


def check_segments(findings: Findings) -> None:
    for bands in findings.live(Bands):
        with findings.bounded(findings.path(bands, "bands")):
            _Bands(findings, bands).check()
    for policy in findings.live(Rfm):
        _scores(findings, policy)
        if policy.map is not None and not policy.map.name:
            _Map(findings, policy).check()


def _scores(findings: Findings, policy: Rfm) -> None:
    """Scores between two equal cuts, as many equal values leave them: nobody has one."""
    for part in PARTS if policy.cuts is not None else ():
        cuts = (policy.cuts.of(part) if policy.cuts is not None else None) or ()
        equal = [place for place, (low, high) in enumerate(pairwise(cuts), 1) if low == high]
        scores = sorted(len(cuts) + 1 - place if part == "recency" else place + 1 for place in equal)
        if scores:
            findings.info("check.score_never", findings.path(policy, "cuts", part), part=part, scores=", ".join(map(str, scores)))


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


class _Map:
    """Every combination of scores is looked at: there are no more than some thousands."""

    findings: Findings
    policy: Rfm

    def __init__(self, findings: Findings, policy: Rfm) -> None:
        assert policy.map is not None
        self.findings, self.policy, self.table = findings, policy, policy.map.bound
        names = [name for name in policy.map.table.inputs if name in policy.map.bound.facts]
        cells = product(*(self._values(name) for name in names))
        self.cells = [dict(zip(names, cell, strict=True)) for cell in cells]
        self.held = [[place for place, row in enumerate(self.table.rows) if row.holds(Scores(cell))] for cell in self.cells]

    def _values(self, name: str) -> list[int]:
        part, high, _ = name.partition("_high")
        cuts = self.policy.cuts.of(part) if self.policy.cuts is not None and part in PARTS and not high else None
        return [False, True] if cuts is None else list(range(1, len(cuts) + 2))

    def check(self) -> None:
        path = self.findings.path(self.policy, "map")
        found = {self.table.decided(rows).rows[:1] for rows in self.held}
        for place in range(len(self.table.rows)):
            if (place,) not in found and not (self.table.hit == "UNIQUE" and any(place in rows for rows in self.held)):
                self.findings.warning("check.map_row_never", (*path, "rows", place))
        several = [place for place, rows in enumerate(self.held) if len(rows) > 1]
        if several and self.table.hit != "ANY":
            rows = ", ".join(str(row + 1) for row in self.held[several[0]])
            severity: Severity = "error" if self.table.hit == "UNIQUE" else "info"
            self.findings.add("check.map_overlap", path, severity, cells=len(several), rows=rows, witness=self._told(several[0]))
        gaps = [place for place, rows in enumerate(self.held) if not rows]
        if gaps and self.table.outputs[0].default is None:
            self.findings.warning("check.map_gap", path, cells=len(gaps), witness=self._told(gaps[0]))

    def _told(self, place: int) -> str:
        return ", ".join(f"{name} {value_text(value, SCORE_TYPES[name])}" for name, value in self.cells[place].items())
