"""``segments.matrix``: a segment out of several measures, bands or other facts, by a decision table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Annotated, ClassVar

from pydantic import Field

from custrules.assigning import Assigning, Found
from custrules.branching import Branch
from custrules.conditions import BoundTable, Table, TableOutcome
from custrules.errors import Diagnostic
from custrules.evaluation import Answer
from custrules.facts import FactType
from custrules.fields import Name
from custrules.policies.segments.scores import given_by, out_of_order, table_faults
from custrules.policy import BalanceFact, FactsView, Known, StatusFact, View, reason
from custrules.state_parts import StatusValue

MAX_SEGMENTS = 1_000


class Matrix(Assigning):
    """A table of one output, which is the segment: ``{hit, inputs, outputs, rows}``, as text or a CSV file.

    ``order`` names the segments from the lowest to the highest, so that ``{segment: ">= core"}`` means something; without
    it they have no order. Where no row holds the output's ``default`` is the segment, or there is none.
    """

    kind: ClassVar[str] = "segments.matrix"

    table: Table
    order: Annotated[tuple[Name, ...], Field(max_length=MAX_SEGMENTS)] = ()
    status: Name = "segment"

    @property
    def called(self) -> str:
        return self.status

    @property
    def segments(self) -> tuple[str, ...]:
        """Every segment that the table can give, in the order of its rows."""
        return given_by(self.table)

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        kind = FactType("level", self.order) if self.order else FactType("text", self.segments)
        return {self.called: StatusFact(kind, self.called)}

    def due(self, view: View, /) -> date | None:
        return view.next_change(self.table) if not self.retired else None

    def found(self, view: View, held: StatusValue | None, /) -> Found:
        value, rows = _read(view.outcome(self.table, view.settled))
        before = held.value if held is not None else None
        if value is None:
            return Found(None, (reason("segments.matrix.left", status=self.called, before=before),))
        code = "segments.matrix.entered" if rows else "segments.matrix.default"
        return Found(value, (reason(code, status=self.called, segment=value, before=before, rows=rows),))

    def faults(self, known: Known) -> list[Diagnostic]:
        """A table that gives one text; an ``order`` that has every segment once."""
        return table_faults(self.table, self.kind, "table") + (out_of_order(self.order, self.segments, "table") if self.order else [])

    # -- given facts -----------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        return frozenset(self.table.inputs)

    def evaluated(self, view: FactsView, /) -> Answer:
        """The segment that the table gives, APPLIED; DECLINED where it gives none."""
        return self._answer(view.outcome(self.table))

    def _answer(self, outcome: TableOutcome) -> Answer:
        value, rows = _read(outcome)
        if value is None:
            return Answer("DECLINED", None, (reason("segments.matrix.outside", status=self.called),))
        code = "segments.matrix.entered" if rows else "segments.matrix.default"
        return Answer("APPLIED", value, (reason(code, status=self.called, segment=value, before=None, rows=rows),))

    def branches(self, view: FactsView, /) -> tuple[Branch, ...]:
        """FIRST: a branch for each row; else one whose answer depends on which rows hold."""
        bound = view.bound_table(self.table)
        conditions = [row.condition for row in bound.rows]
        if self.table.hit != "FIRST":
            return (Branch(None, tuple(conditions), partial(self._decoded, bound)),)
        rows = [Branch(condition, (), partial(self._row, bound, index)) for index, condition in enumerate(conditions)]
        return (*rows, Branch(None, (), partial(self._decoded, bound)))

    def _row(self, bound: BoundTable, index: int, held: int) -> Answer:
        return self._decoded(bound, 1 << index)

    def _decoded(self, bound: BoundTable, held: int) -> Answer:
        return self._answer(bound.decided([index for index in range(len(bound.rows)) if held >> index & 1]))


def _read(outcome: TableOutcome) -> tuple[str | None, str]:
    """The segment, and the rows that it is made of, counted from 1."""
    value = next(iter(outcome.values.values()))
    return (str(value) if value is not None else None), ", ".join(str(row + 1) for row in outcome.rows)
