"""Scores and thresholds of RFM: cuts, what counts as high, and the maps from both to segments."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from custrules.conditions import BoundTable, Table, bind_table
from custrules.errors import Diagnostic
from custrules.facts import FactType, FactValue
from custrules.fields import Rate, TextValue, describe, fault, rate_text, read_rate, wrong_type
from custrules.validation import nearest

PARTS = ("recency", "frequency", "monetary")
MAX_CUTS = 8  # nine scores, so that each is one digit of the whole
AtCut = Literal["above", "below"]
Score = Annotated[tuple[Rate, ...], Field(min_length=1, max_length=MAX_CUTS)]

SCORE_TYPES: Mapping[str, FactType] = {name: FactType("whole") for name in PARTS} | {f"{name}_high": FactType("flag") for name in PARTS}
"""What an own map may read: the scores, and whether each measure is high."""


class Cuts(BaseModel):
    """Where scores change, in ascending order: four cuts make the scores 1 to 5. Few days since the last purchase score high."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    recency: Score
    frequency: Score
    monetary: Score | None = None

    def of(self, part: str) -> tuple[Fraction, ...] | None:
        found: tuple[Fraction, ...] | None = getattr(self, part)
        return found


def score(value: Fraction | int, cuts: tuple[Fraction, ...], part: str, at_cut: AtCut) -> int:
    """1 for the worst, one more with each cut; a value at a cut belongs above it or below it."""
    place = bisect_right(cuts, value) if at_cut == "above" else bisect_left(cuts, value)
    return len(cuts) + 1 - place if part == "recency" else place + 1


class Threshold(TextValue):
    """Which values are high: a number (inclusive), or one behind ``<=``, ``<``, ``>=`` or ``>``."""

    __slots__ = ("number", "sign")
    grammar = 'a number such as 10, or "<= 10", "< 10", ">= 3", "> 3"'
    sign: str
    number: Fraction
    _FORM: ClassVar[re.Pattern[str]] = re.compile(r"\s*(<=|>=|<|>)?\s*([0-9./%-]+)\s*")

    def __init__(self, sign: str, number: Fraction) -> None:
        self.sign, self.number = sign, number

    @classmethod
    def parse(cls, text: str) -> Self:
        found = cls._FORM.fullmatch(text)
        if found is None:
            raise wrong_type(cls.grammar, text)
        return cls(found[1] or "", read_rate(found[2]))

    @classmethod
    def _validate(cls, value: object) -> Self:
        return cls("", Fraction(value)) if isinstance(value, int | Fraction) and not isinstance(value, bool) else super()._validate(value)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": ["number", "string"]}

    def is_score(self, most: int) -> bool:
        """Whether it may be one of the scores from 1 to the greatest."""
        return not self.sign and self.number.denominator == 1 and 1 <= self.number <= most

    def sign_of(self, part: str) -> str:
        return self.sign or ("<=" if part == "recency" else ">=")

    def passed(self, value: Fraction | int, part: str, factor: int) -> bool:
        number = self.number * factor
        match self.sign_of(part):
            case "<=":
                return value <= number
            case "<":
                return value < number
            case ">":
                return value > number
        return value >= number

    def __str__(self) -> str:
        return f"{self.sign} {rate_text(self.number)}" if self.sign else rate_text(self.number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Threshold) and (self.sign, self.number) == (other.sign, other.number)

    def __hash__(self) -> int:
        return hash((self.sign, self.number))


class High(BaseModel):
    """What is high: a last purchase at most so many days ago, at least so many purchases, at least so much money.

    Beside cuts, three numbers that are scores are the least scores that are high; with a sign they are values.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    recency: Threshold
    frequency: Threshold
    monetary: Threshold | None = None

    def of(self, part: str) -> Threshold | None:
        found: Threshold | None = getattr(self, part)
        return found


# -- maps --------------------------------------------------------------------------------------------------------------

_RF = Table.of(
    {
        "inputs": ["recency", "frequency"],
        "outputs": ["segment"],
        "rows": [
            ["[1..2]", "[1..2]", "hibernating"],
            ["[1..2]", "[3..4]", "at_risk"],
            ["[1..2]", "5", "cant_lose"],
            ["3", "[1..2]", "about_to_sleep"],
            ["3", "3", "need_attention"],
            ["[3..4]", "[4..5]", "loyal_customers"],
            ["4", "1", "promising"],
            ["5", "1", "new_customers"],
            ["[4..5]", "[2..3]", "potential_loyalists"],
            ["5", "[4..5]", "champions"],
        ],
    }
)
"""The map of the 25 cells of recency and frequency in use since Putler: complete, and no two segments share a cell."""

_EIGHT = Table.of(
    {
        "inputs": ["recency_high", "frequency_high", "monetary_high"],
        "outputs": ["segment"],
        "rows": [
            ["true", "true", "true", "重要价值"],
            ["true", "false", "true", "重要发展"],
            ["false", "true", "true", "重要保持"],
            ["false", "false", "true", "重要挽留"],
            ["true", "true", "false", "一般价值"],
            ["true", "false", "false", "一般发展"],
            ["false", "true", "false", "一般保持"],
            ["false", "false", "false", "一般挽留"],
        ],
    }
)
"""The eight customer types in use in China: money decides 重要 (key) or 一般 (ordinary), recency and frequency the rest."""

MAPS: Mapping[str, Table] = {"rf_map": _RF, "eight": _EIGHT}
_ALSO: Mapping[str, str] = dict.fromkeys(("rf", "rf25", "rf_25", "r_f", "r_f_map"), "rf_map") | dict.fromkeys(
    ("eight_segments", "chinese_eight", "chinese_8", "cn_eight", "cn_8", "cn8", "rfm8", "8"), "eight"
)
"""What else people call them; a document that is written out again says the names above."""


@dataclass(frozen=True)
class ScoreMap:
    """From scores, or from what is high, to a segment: a map by its name, or a table of one's own."""

    name: str
    table: Table

    @classmethod
    def named(cls, name: str) -> ScoreMap:
        return cls(name, MAPS[name])

    @classmethod
    def _read(cls, value: object, info: ValidationInfo) -> ScoreMap:
        if isinstance(value, ScoreMap):
            return value
        if isinstance(value, Mapping | Table):
            return cls("", Table.model_validate(value, context=info.context))
        name = _ALSO.get(value, value) if isinstance(value, str) else value
        if not isinstance(name, str) or name not in MAPS:
            raise fault("document.unknown_choice", found=describe(value), choices=", ".join((*MAPS, "a table of your own")))
        return cls(name, MAPS[name])

    @property
    def document(self) -> Any:
        return self.name or self.table.model_dump(mode="json", exclude_defaults=True)

    @property
    def segments(self) -> tuple[str, ...]:
        """Every segment that it can give."""
        return given_by(self.table)

    @cached_property
    def _bound(self) -> tuple[BoundTable | None, list[Diagnostic]]:
        return bind_table(self.table, SCORE_TYPES, path="map")

    @property
    def bound(self) -> BoundTable:
        table, faults = self._bound
        assert table is not None, faults
        return table

    @property
    def faults(self) -> list[Diagnostic]:
        return self._bound[1]

    def segment(self, scores: Mapping[str, int | bool]) -> str | None:
        """The segment of scores; None where the map has none for them."""
        found = next(iter(self.bound.outcome(Scores(scores)).values.values()))
        return str(found) if found is not None else None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(lambda found: found.document)
        return core_schema.with_info_plain_validator_function(cls._read, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"enum": [*MAPS, *_ALSO]}, {"type": "object"}]}


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores as facts; what there is none of is missing."""

    scores: Mapping[str, int | bool]

    def value(self, name: str) -> FactValue | None:
        return self.scores.get(name)

    def next_change(self, name: str) -> date | None:
        return None


def given_by(table: Table) -> tuple[str, ...]:
    """Every text that the first output of a table may give, in the order in which they are written."""
    output = table.outputs[0]
    told = [*output.values, *(row.outputs[0] for row in table.rows), *([output.default] if output.default is not None else [])]
    return tuple(dict.fromkeys(text.strip('"') for text in told if text != "missing"))


def table_faults(table: Table, kind: str, path: str) -> list[Diagnostic]:
    """One output of text, of which one row gives the value."""
    output, found = table.outputs[0], list[Diagnostic]()
    if len(table.outputs) > 1:
        found.append(Diagnostic("document.one_output", f"{path}.outputs[1]", {"hit": kind, "found": str(len(table.outputs))}))
    if output.type != "text":
        expected = "an output of text, which is the segment"
        found.append(Diagnostic("document.wrong_type", f"{path}.outputs[0]", {"expected": expected, "found": output.type}))
    if table.hit not in SINGLE:
        found.append(Diagnostic("document.unknown_choice", f"{path}.hit", {"found": repr(table.hit), "choices": ", ".join(SINGLE)}))
    return found


def out_of_order(order: tuple[str, ...], segments: tuple[str, ...], path: str) -> list[Diagnostic]:
    """Segments that an order names twice, or not at all; the latter are told where they are given."""
    twice = [Diagnostic("document.name_taken", "order", {"name": name}) for place, name in enumerate(order) if name in order[:place]]
    lacking = [name for name in segments if name not in order]
    known = ", ".join(order)
    return twice + [
        Diagnostic("document.unknown_choice", path, {"found": repr(name), "nearest": nearest(name, order), "choices": known}) for name in lacking
    ]


SINGLE = ("UNIQUE", "ANY", "FIRST", "PRIORITY")
