"""The occasion of a trigger as a document writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from custrules.calendars import Length
from custrules.calendars.rules import FestivalNames, TermNames
from custrules.conditions import BadCell, Condition, read_cell
from custrules.conditions.tree import bad_cell
from custrules.errors import Diagnostic
from custrules.fields import DAY_SCHEMA, Flag, Frozen, Name, Rate, Text, fault, one_of, rate_text, read_day, read_name, wrong_type

Again = Literal["restart", "parallel", "after_end", "never"]
KINDS = ("birthday", "anniversary", "festival", "solar_term", "date", "every", "after", "before", "absent", "visit_every", "reachable", "status")
TAKES: Mapping[str, tuple[str, ...]] = {
    "anniversary": ("every",),
    "after": ("by", "again", "stop"),
    "before": ("by",),
    "absent": ("for", "repeat"),
    "visit_every": ("since",),
    "reachable": ("within", "by"),
    "status": ("rises_to",),
}
"""What each kind of occasion takes beside its own field."""
NEEDS: Mapping[str, tuple[str, ...]] = {"after": ("by",), "before": ("by",), "absent": ("for",), "reachable": ("within",), "status": ("rises_to",)}
MOST_STEPS = 50
MOST_BANDS = 50
ANY = "-"


def _read_many(read: Any, what: str) -> PlainValidator:
    def many(value: object) -> tuple[Any, ...]:
        values = value if isinstance(value, list | tuple) else [value]
        if not 0 < len(values) <= MOST_STEPS:
            raise wrong_type(what, value)
        return tuple(map(read, values))

    return PlainValidator(many)


def _written(values: tuple[Any, ...]) -> Any:
    texts = [value.isoformat() if isinstance(value, date) else str(value) for value in values]
    return texts[0] if len(texts) == 1 else texts


def _read_length(value: object) -> Length:
    return value if isinstance(value, Length) else Length.parse(value) if isinstance(value, str) else _no_length(value)


def _no_length(value: object) -> Length:
    raise wrong_type(Length.grammar, value)


_STRING = {"type": "string"}
Lengths = Annotated[
    tuple[Length, ...],
    _read_many(_read_length, "a length, or a list of them"),
    PlainSerializer(_written),
    WithJsonSchema({"anyOf": [_STRING, {"type": "array", "items": _STRING, "minItems": 1, "maxItems": MOST_STEPS}]}),
]
Names = Annotated[
    tuple[str, ...],
    _read_many(read_name, "a name, or a list of them"),
    PlainSerializer(_written),
    WithJsonSchema({"anyOf": [_STRING, {"type": "array", "items": _STRING, "minItems": 1, "maxItems": MOST_STEPS}]}),
]
Dates = Annotated[
    tuple[date, ...],
    _read_many(read_day, "a date, or a list of them"),
    PlainSerializer(_written),
    WithJsonSchema({"anyOf": [dict(DAY_SCHEMA), {"type": "array", "items": dict(DAY_SCHEMA), "minItems": 1, "maxItems": MOST_STEPS}]}),
]


def _read_dotted(value: object) -> str:
    if not isinstance(value, str):
        raise wrong_type("the name of a fact", value)
    return ".".join(read_name(part) for part in value.split("."))


Dotted = Annotated[str, PlainValidator(_read_dotted)]


class Band(BaseModel):
    """How often a customer is seen for whom a condition holds; None: every customer left over."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    cell: str
    length: Length
    condition: Condition | None = None


def _read_bands(value: object) -> tuple[Band, ...]:
    """``{gold: 20 days, silver: 30 days}`` by level, or ``{when: <fact>, "<cell>": 15 days, "-": 90 days}`` by a fact's cells; or one length."""
    if isinstance(value, str | Length):
        return (Band(cell=ANY, length=_read_length(value)),)
    if isinstance(value, tuple) and all(isinstance(band, Band) for band in value):
        return value
    if not isinstance(value, Mapping) or not value or len(value) > MOST_BANDS:
        raise wrong_type('lengths by level ({gold: 20 days}), or by a fact ({when: stored_value, ">= 3000": 15 days})', value)
    fact = _read_dotted(value["when"]) if "when" in value else None
    found = tuple(_band(fact, key, length) for key, length in value.items() if key != "when")
    if not found:
        raise wrong_type("a length for each band", value)
    return found


def _band(fact: str | None, key: object, length: object) -> Band:
    cell = list(key) if isinstance(key, tuple) else key
    text = f"[{', '.join(map(str, key))}]" if isinstance(key, tuple) else str(key)
    if text in (ANY, "any"):
        return Band(cell=ANY, length=_read_length(length))
    try:
        read = read_cell(_listed(cell) if fact is not None else f">= {read_name(cell)}")
    except BadCell as error:
        raise bad_cell(fact or "tier", text, error) from None
    return Band(cell=text, length=_read_length(length), condition=Condition(Frozen({fact or "tier": read})))


def _listed(cell: object) -> object:
    """``[a, b]`` where a file format hands the key of a mapping over as text."""
    if isinstance(cell, str) and cell.startswith("[") and cell.endswith("]") and ".." not in cell:
        return [part.strip() for part in cell[1:-1].split(",")]
    return cell


def _bands_written(bands: tuple[Band, ...]) -> Any:
    if len(bands) == 1 and bands[0].cell == ANY:
        return str(bands[0].length)
    facts = {fact for band in bands if band.condition is not None for fact in band.condition.facts}
    by_level = all(band.condition is None or band.condition.document() == {"tier": f">= {band.cell}"} for band in bands)
    head = {} if by_level else {"when": min(facts)}
    return head | {band.cell: str(band.length) for band in bands}


Bands = Annotated[
    tuple[Band, ...],
    PlainValidator(_read_bands),
    PlainSerializer(_bands_written),
    WithJsonSchema({"anyOf": [_STRING, {"type": "object", "minProperties": 1, "additionalProperties": _STRING}]}),
]


class Occasion(BaseModel):
    """What a trigger waits for: ``birthday``, or one kind with what it takes.

    ``{anniversary: joined}`` (joined, first_purchase, a date of the profile; ``every: 1 month``) · ``{festival: […]}`` ·
    ``{solar_term: […]}`` · ``{date: 2026-11-11}`` · ``{every: member_day}`` · ``{after: visit, by: [1 day, 3 days], again: restart}`` ·
    ``{before: contract_end, by: 60 days}`` · ``{absent: visit, for: 60 days}`` · ``{visit_every: {gold: 20 days}, since: contact}`` ·
    ``{reachable: next_level, within: 10%}`` · ``{status: tier, rises_to: ">= silver"}``.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    birthday: Flag = False
    anniversary: Name | None = None
    festival: FestivalNames | None = None
    solar_term: TermNames | None = None
    date: Dates | None = None
    every: Text | None = None
    after: Name | None = None
    before: Dotted | None = None
    absent: Name | None = None
    visit_every: Bands | None = None
    reachable: Annotated[Literal["next_level"], one_of("next_level")] | None = None
    status: Dotted | None = None
    by: Lengths | None = None
    again: Annotated[Again, one_of("restart", "parallel", "after_end", "never")] | None = None
    stop: Names | None = None
    for_: Annotated[Length | None, Field(alias="for")] = None
    repeat: Length | None = None
    since: Name | None = None
    within: Rate | None = None
    rises_to: Annotated[Condition, WithJsonSchema({"type": ["string", "number", "boolean", "array"]})] | None = None

    @model_validator(mode="before")
    @classmethod
    def _forms(cls, value: Any) -> Any:
        if value == "birthday":
            return {"birthday": True}
        if isinstance(value, Occasion):
            return value
        if not isinstance(value, Mapping):
            raise wrong_type("birthday, or one occasion such as {festival: mid_autumn} or {after: visit, by: 1 day}", value)
        return {**value, **_risen(value)}

    @model_serializer
    def _short(self) -> Any:
        if self.birthday:
            return "birthday"
        told = {name: _document(getattr(self, name)) for name in type(self).model_fields if name not in ("birthday", "rises_to")}
        rises = {"rises_to": self.rises_to.document()[self.status]} if self.rises_to is not None and self.status is not None else {}
        return {name.removesuffix("_"): item for name, item in told.items() if item is not None} | rises

    @cached_property
    def kind(self) -> str:
        """Which kind of occasion it is; '' where it names none."""
        return next(iter(self.kinds), "")

    @cached_property
    def kinds(self) -> list[str]:
        named = [name for name in KINDS if getattr(self, name) not in (None, False)]
        return [name for name in named if not (name == "every" and "anniversary" in named)]

    @cached_property
    def steps(self) -> tuple[Length, ...]:
        """The times of ``by`` in order, each once."""
        return tuple(sorted(set(self.by or ()), key=lambda step: (step.at_most_days, str(step))))

    @cached_property
    def interval(self) -> Length:
        """How far anniversaries are apart."""
        return Length.parse(self.every) if self.every is not None else Length.parse("1 year")

    def faults(self) -> Iterator[Diagnostic]:
        """What is wrong with the parts taken together."""
        kinds = self.kinds
        if len(kinds) != 1:
            found = ", ".join(kinds) or "nothing"
            yield Diagnostic("care.one_occasion", "occasion", {"found": found, "known": ", ".join(KINDS)})
            return
        given = [name for name in ("by", "again", "stop", "for", "repeat", "since", "within", "rises_to") if self._part(name) is not None]
        takes = TAKES.get(self.kind, ())
        for name in given:
            if name not in takes:
                yield Diagnostic("document.not_with", f"occasion.{name}", {"field": name, "other": self.kind})
        for name in NEEDS.get(self.kind, ()):
            if self._part(name) is None:
                yield Diagnostic("document.missing_field", f"occasion.{name}", {"field": name})
        if self.anniversary is not None and self.every is not None:
            yield from self._interval_faults()
        if self.within is not None and not 0 < self.within < 1:
            expected = "a share above nothing and below the whole, such as 10%"
            yield Diagnostic("document.wrong_type", "occasion.within", {"expected": expected, "found": rate_text(self.within)})

    def _interval_faults(self) -> Iterator[Diagnostic]:
        try:
            Length.parse(self.every or "")
        except PydanticCustomError:
            yield Diagnostic("document.wrong_type", "occasion.every", {"expected": Length.grammar, "found": repr(self.every)})

    def _part(self, name: str) -> Any:
        return getattr(self, "for_" if name == "for" else name)


def _document(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, tuple) and value and isinstance(value[0], Band):
        return _bands_written(value)
    if isinstance(value, tuple):
        return _written(value)
    return str(value) if isinstance(value, Length) else rate_text(value)


def _risen(value: Mapping[str, Any]) -> dict[str, Any]:
    """``rises_to`` is the cell of the status that the occasion names."""
    cell, status = value.get("rises_to"), value.get("status")
    if cell is None or isinstance(cell, Condition) or not isinstance(status, str):
        return {}
    if isinstance(cell, Mapping):
        raise fault("document.wrong_type", expected='a cell such as ">= silver"', found="a mapping")
    return {"rises_to": {status: cell}}
