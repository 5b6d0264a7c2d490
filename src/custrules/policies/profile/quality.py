"""``profile.quality``: how complete and valid a customer's record is, and what to ask for next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from custrules.assigning import Assigning, Found
from custrules.calendars import ONE_DAY
from custrules.conditions import BadCell, Cell, Leaf, bind_cell, holds, read_cell
from custrules.errors import Diagnostic
from custrules.evaluation import Answer
from custrules.events import AnyEvent
from custrules.facts import FactType, FactValue
from custrules.fields import Flag, Frozen, Name, Names, Rate, TextValue, fault, one_of, rate_text, read_name, wrong_type
from custrules.policies.profile.checks import CHECKS, KINDS, OLDEST, is_sentinel
from custrules.policy import BalanceFact, FactsView, Known, Reason, StatusFact, View, reason
from custrules.state_parts import StatusValue
from custrules.validation import nearest

GRADES = ("incomplete", "usable", "complete")
MAX_FIELDS = 200
_SCORE = FactType("number")


class QualityField(BaseModel):
    """A profile field that belongs to a record: how much it weighs, whether the record is of use without it, and how it is checked."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: Name
    weight: Rate = Fraction(1)
    required: Flag = False
    check: Annotated[str, one_of(*CHECKS)] = "filled"

    def says(self, value: FactValue | None, day: date | None) -> str:
        """``good``, ``missing`` or ``invalid``."""
        if value is None or is_sentinel(value) or (isinstance(value, str) and not value.strip()):
            return "missing"
        return "good" if CHECKS[self.check](value, day) else "invalid"


class AskWhen(TextValue):
    """When something is asked for: by the score, as a cell (``< 80%``, or ``< 80`` of 100), or the event at which it is (``visit``)."""

    __slots__ = ("event", "leaf", "percent", "text")
    grammar = 'a cell for the score, such as "< 80%", or the name of an event, such as visit'
    text: str
    event: str
    leaf: Leaf | None
    percent: bool

    def __init__(self, text: str, event: str = "", leaf: Leaf | None = None) -> None:
        self.text, self.event, self.leaf = text, event, leaf
        ends = (
            [end for test in leaf.tests for end in (getattr(test, "low", None), getattr(test, "high", None), getattr(test, "value", None))]
            if leaf
            else []
        )
        self.percent = any(isinstance(end, int | Fraction) and end > 1 for end in ends)

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            return cls(text, read_name(text))
        except PydanticCustomError:
            pass
        try:
            leaf, faults = bind_cell(Cell(str(read_cell(text).document)), "score", _SCORE)
        except BadCell as bad:
            raise fault("document.bad_cell", fact="score", cell=text, expected=bad.expected, nearest=bad.nearest) from None
        if leaf is None or faults:
            raise wrong_type(cls.grammar, text)
        return cls(text, leaf=leaf)

    def asks(self, score: Fraction, event: str) -> bool:
        if self.leaf is None:
            return self.event == event
        found = score * 100 if self.percent else score
        return holds(self.leaf, found.numerator if found.denominator == 1 else found)


@dataclass(frozen=True, slots=True)
class Record:
    """What the fields of a record say, by name; what is not good, the next to ask for first."""

    said: Mapping[str, str]
    score: Fraction
    grade: str
    wanted: tuple[str, ...]

    def names(self, what: str) -> str:
        return ", ".join(name for name, said in self.said.items() if said == what)

    @property
    def data(self) -> dict[str, Any]:
        counts = {what: sum(said == what for said in self.said.values()) for what in ("missing", "invalid")}
        return {"score": rate_text(self.score), **counts}


def _read_keys(value: object) -> object:
    """Keys of one field each, or of several together."""
    if not isinstance(value, list | tuple):
        raise wrong_type("a list of fields, or of lists of fields: [phone, [name, birthday]]", value)
    return tuple(value)


class Quality(Assigning):
    """A record is ``complete`` where every field is there and passes its check, ``usable`` where every required one does, else
    ``incomplete``. The score is the share of the weights that is good. ``duplicates`` name the fields by which two customers are the same.
    """

    kind: ClassVar[str] = "profile.quality"

    fields: Annotated[tuple[QualityField, ...], Field(min_length=1, max_length=MAX_FIELDS)]
    ask_when: AskWhen | None = None
    duplicates: Annotated[tuple[Names, ...], BeforeValidator(_read_keys), Field(max_length=20)] = ()
    status: Name = "profile"

    @property
    def called(self) -> str:
        return self.status

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        names = tuple(row.name for row in self.fields)
        types = {"score": _SCORE, "missing": FactType("whole"), "invalid": FactType("whole"), "ask": FactType("text", names)}
        parts = {f"{self.called}.{name}": StatusFact(kind, self.called, field=name) for name, kind in types.items()}
        return {self.called: StatusFact(FactType("level", GRADES), self.called), **parts}

    def reads(self) -> frozenset[str]:
        return frozenset(row.name for row in self.fields)

    def due(self, view: View, /) -> date | None:
        """The day on which a date ahead is none any more, or somebody would be too old."""
        if self.retired:
            return None
        days = [day for row in self.fields for day in _turns(row, view.value(row.name)) if day > view.day]
        return min(days, default=None)

    # -- deciding --------------------------------------------------------------------------------------------------

    def record(self, values: Mapping[str, FactValue | None], day: date | None) -> Record:
        """What the fields say as of a day (None: whatever the day)."""
        said = {row.name: row.says(values[row.name], day) for row in self.fields}
        weights = sum((row.weight for row in self.fields), Fraction(0))
        good = sum((row.weight for row in self.fields if said[row.name] == "good"), Fraction(0))
        wanted = sorted((row for row in self.fields if said[row.name] != "good"), key=lambda row: (not row.required, -row.weight))
        grade = "complete" if not wanted else "incomplete" if wanted[0].required else "usable"
        return Record(said, good / weights, grade, tuple(row.name for row in wanted))

    def found(self, view: View, held: StatusValue | None, /) -> Found:
        record = self.record({row.name: view.value(row.name, view.settled) for row in self.fields}, view.settled)
        ask = self._asked(record, view.event, held)
        data = record.data | ({"ask": ask} if ask is not None else {})
        return Found(record.grade, tuple(self._told(record, ask)), Frozen(data))

    def _asked(self, record: Record, event: AnyEvent, held: StatusValue | None) -> str | None:
        """The field to ask for: with an event in ``ask_when`` it is chosen then, and stands until it is good."""
        if self.ask_when is None or not record.wanted:
            return None
        if self.ask_when.asks(record.score, getattr(event, "name", event.type) if event.type == "activity" else event.type):
            return record.wanted[0]
        before = held.data.get("ask") if held is not None and self.ask_when.leaf is None else None
        return str(before) if before in record.wanted else None

    def _told(self, record: Record, ask: str | None) -> Iterator[Reason]:
        lists = {what: record.names(what) or None for what in ("missing", "invalid")}
        yield reason("profile.quality.scored", status=self.called, grade=record.grade, score=record.score, **lists)
        if ask is not None:
            yield reason("profile.quality.ask", status=self.called, field=ask)

    # -- given facts -----------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        return self.reads()

    def evaluated(self, view: FactsView, /) -> Answer:
        """The grade of a record, whatever the day: a date that lies ahead is not told."""
        record = self.record({row.name: view.value(row.name) for row in self.fields}, None)
        return Answer("APPLIED", record.grade, tuple(self._told(record, None)))

    # -- faults ----------------------------------------------------------------------------------------------------

    def faults(self, known: Known) -> list[Diagnostic]:
        return [*self._field_faults(known), *self._key_faults(), *self._ask_faults(known)]

    def _field_faults(self, known: Known) -> Iterator[Diagnostic]:
        names = [row.name for row in self.fields]
        for index, row in enumerate(self.fields):
            path, kind = f"fields[{index}]", known.profile.get(row.name)
            if row.name in names[:index]:
                yield Diagnostic("document.name_taken", f"{path}.name", {"name": row.name})
            if kind is None:
                params = {"found": repr(row.name), "nearest": nearest(row.name, known.profile), "choices": ", ".join(known.profile)}
                yield Diagnostic("document.unknown_choice", f"{path}.name", params)
            elif KINDS.get(row.check, kind.kind) != kind.kind:
                params = {"fact": row.name, "found": kind.kind, "expected": KINDS[row.check]}
                yield Diagnostic("document.fact_of_other_kind", f"{path}.check", params)
            if row.weight < 0:
                yield Diagnostic("document.wrong_type", f"{path}.weight", {"expected": "a weight of 0 or more", "found": rate_text(row.weight)})
        if not any(row.weight > 0 for row in self.fields):
            yield Diagnostic("document.wrong_type", "fields", {"expected": "a weight of more than 0", "found": "0"})

    def _key_faults(self) -> Iterator[Diagnostic]:
        names = [row.name for row in self.fields]
        for index, key in enumerate(self.duplicates):
            for name in key:
                if name not in names:
                    params = {"found": repr(name), "nearest": nearest(name, names), "choices": ", ".join(names)}
                    yield Diagnostic("document.unknown_choice", f"duplicates[{index}]", params)

    def _ask_faults(self, known: Known) -> Iterator[Diagnostic]:
        event = self.ask_when.event if self.ask_when is not None else ""
        if event and event not in known.events:
            params = {"found": repr(event), "nearest": nearest(event, known.events), "choices": ", ".join(known.events)}
            yield Diagnostic("document.unknown_choice", "ask_when", params)


def _turns(row: QualityField, value: FactValue | None) -> Iterator[date]:
    """Days on which time alone makes a date say otherwise."""
    if isinstance(value, date) and row.check in ("past", "birthday"):
        yield value
        if row.check == "birthday" and value.year + OLDEST < date.max.year:
            yield date(value.year + OLDEST, 12, 31) + ONE_DAY
