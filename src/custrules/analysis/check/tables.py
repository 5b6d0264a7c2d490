"""Decision tables: rows that hold together where only one may, rows that never fire, facts for which no row holds."""

from __future__ import annotations

from collections.abc import Iterator

from custrules.analysis.check.conditions import scope_of
from custrules.analysis.check.domains import Scope
from custrules.analysis.check.findings import Findings, Path
from custrules.analysis.check.rows import Grid, Rows
from custrules.analysis.check.spaces import Witness, told
from custrules.conditions import LISTS, BoundTable, tables_in

MOST_PAIRS = 20_000  # of rows of one table that are held against each other
MOST_TOLD = 20  # overlaps of one table


def check_tables(findings: Findings) -> None:
    for policy in findings.rules.parts.policies:
        for path, table in tables_in(policy):
            bound = findings.rules.bound_tables[id(table), policy.event_name()]
            whole = findings.path(policy, *path)
            with findings.bounded(whole):
                _Table(findings, bound, whole, scope_of(policy)).check()


class _Table:
    findings: Findings
    table: BoundTable
    path: Path
    scope: Scope

    def __init__(self, findings: Findings, table: BoundTable, path: Path, scope: Scope) -> None:
        self.findings, self.table, self.path, self.scope = findings, table, path, scope
        rows = [row.leaves for row in table.rows]
        self.possible, self.likely = Grid(findings.possible(scope), rows), Grid(findings.likely(scope), rows)

    def check(self) -> None:
        silent = set(self._silent())
        self._together({*range(len(self.table.rows))} - silent)
        self._gap()

    def _row(self, row: int) -> Path:
        return (*self.path, "rows", row)

    def _told(self, witness: Witness) -> str:
        return told(witness, self.findings.world, self.scope)

    # -- rows that never fire --------------------------------------------------------------------------------------

    def _silent(self) -> Iterator[int]:
        """Rows that hold for nobody, and those that another always goes before."""
        for row in range(len(self.table.rows)):
            if self.possible.only(row, 0) is None:
                self.findings.warning("check.row_never_holds", self._row(row))
                yield row
            elif (before := self._before(row)) and self.possible.only(row, before) is None:
                self.findings.warning("check.row_never_fires", self._row(row), hit=self.table.hit)
                yield row

    def _before(self, row: int) -> Rows:
        """The rows that are chosen rather than this one where both hold."""
        if self.table.hit == "FIRST":
            return (1 << row) - 1
        if self.table.hit != "PRIORITY":
            return 0
        own = (self.table.priority(row), row)
        return sum(1 << other for other in range(len(self.table.rows)) if (self.table.priority(other), other) < own)

    # -- rows that hold together -----------------------------------------------------------------------------------

    def _together(self, rows: set[int]) -> None:
        """Where one row alone may hold, or all that hold must say the same: of each row the first that it meets."""
        if self.table.hit not in ("UNIQUE", "ANY"):
            return
        left, shown = MOST_PAIRS, 0
        for second in sorted(rows):
            for first in (row for row in self.likely.meeting(second) if row in rows):
                left -= 1
                if left < 0 or shown >= MOST_TOLD:
                    self.findings.info("check.gave_up", self.path)
                    return
                if self._clash(first, second):
                    shown += 1
                    break

    def _clash(self, first: int, second: int) -> bool:
        if self.table.hit == "ANY" and self.table.rows[first].outputs == self.table.rows[second].outputs:
            return False
        found = self.likely.together(first, second)
        if found is None:
            return False
        code = "check.rows_overlap" if self.table.hit == "UNIQUE" else "check.rows_differ"
        self.findings.add(code, self._row(second), "error", first=first + 1, second=second + 1, witness=self._told(found))
        return True

    # -- what no row answers ---------------------------------------------------------------------------------------

    def _gap(self) -> None:
        """Facts for which no row holds and no default stands in; where only missing ones are such, that is said less loudly."""
        if self.table.hit in LISTS or self.table.hit.startswith("COLLECT") or all(output.default is not None for output in self.table.outputs):
            return
        known = self.likely.none_of(lambda point: None not in point.values())
        found = known or self.likely.none_of()
        if found is not None:
            tell, code = (self.findings.warning, "check.table_gap") if known is not None else (self.findings.info, "check.table_gap_of_missing")
            tell(code, (*self.path, "rows"), witness=self._told(found))
