"""``segments.matrix``: a segment out of several measures, bands or other facts, by a decision table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from custrules.assigning import Assigning, Found
from custrules.conditions import LISTS, Table, TableOutcome
from custrules.errors import Diagnostic
from custrules.evaluation import Answer
from custrules.facts import FactType
from custrules.fields import Name
from custrules.policy import BalanceFact, FactsView, Known, StatusFact, View, reason
from custrules.state_parts import StatusValue
from custrules.validation import nearest

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
        (output, *_) = self.table.outputs
        told = [*output.values, *(row.outputs[0] for row in self.table.rows), *([output.default] if output.default is not None else [])]
        return tuple(dict.fromkeys(text.strip('"') for text in told if text != "missing"))

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
        """One output of text, and one row that gives it; an ``order`` that has every segment once."""
        output, found = self.table.outputs[0], list[Diagnostic]()
        if len(self.table.outputs) > 1:
            found.append(Diagnostic("document.one_output", _path("outputs[1]"), {"hit": self.kind, "found": str(len(self.table.outputs))}))
        if output.type != "text":
            expected = "an output of text, which is the segment"
            found.append(Diagnostic("document.wrong_type", _path("outputs[0]"), {"expected": expected, "found": output.type}))
        if self.table.hit in LISTS or self.table.hit.startswith("COLLECT"):
            choices = "UNIQUE, ANY, FIRST, PRIORITY"
            found.append(Diagnostic("document.unknown_choice", _path("hit"), {"found": repr(self.table.hit), "choices": choices}))
        return found + ([*self._out_of_order()] if self.order else [])

    def _out_of_order(self) -> list[Diagnostic]:
        twice = [name for place, name in enumerate(self.order) if name in self.order[:place]]
        lacking = [name for name in self.segments if name not in self.order]
        told = [Diagnostic("document.name_taken", "order", {"name": name}) for name in twice]
        params = {"choices": ", ".join(self.order)}
        return told + [
            Diagnostic("document.unknown_choice", "table", {"found": repr(name), "nearest": nearest(name, self.order), **params}) for name in lacking
        ]

    # -- given facts -----------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        return frozenset(self.table.inputs)

    def evaluated(self, view: FactsView, /) -> Answer:
        """The segment that the table gives, APPLIED; DECLINED where it gives none."""
        value, rows = _read(view.outcome(self.table))
        if value is None:
            return Answer("DECLINED", None, (reason("segments.matrix.outside", status=self.called),))
        code = "segments.matrix.entered" if rows else "segments.matrix.default"
        return Answer("APPLIED", value, (reason(code, status=self.called, segment=value, before=None, rows=rows),))


def _path(step: str) -> str:
    return f"table.{step}"


def _read(outcome: TableOutcome) -> tuple[str | None, str]:
    """The segment, and the rows that it is made of, counted from 1."""
    value = next(iter(outcome.values.values()))
    return (str(value) if value is not None else None), ", ".join(str(row + 1) for row in outcome.rows)
