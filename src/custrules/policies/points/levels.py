"""Numbers that may differ by level: one for everybody, or a mapping in which a level not named has the next lower one's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from custrules.errors import Diagnostic
from custrules.fields import NUMBER_SCHEMA, RATE_SCHEMA, Frozen, plain, rate_text, read_decimal, read_name, read_rate, read_whole, wrong_type
from custrules.forms import within
from custrules.policies.points.rates import NO_LEVEL, rate_at
from custrules.policy import Known, View
from custrules.validation import nearest

Levelled = Decimal | Fraction | int | Frozen


def _by_level(read: Callable[[object], Any], write: Callable[[Any], str], one: Mapping[str, Any]) -> tuple[Any, ...]:
    """What pydantic needs to read and write one number, or one for each level named."""

    def validate(value: object) -> object:
        if not isinstance(value, Mapping):
            return read(value)
        if not value:
            raise wrong_type("a number, or numbers by level", value)
        return Frozen({read_name(name): read(item) for name, item in value.items()})

    def serialise(value: Any) -> str | dict[str, str]:
        return {name: write(item) for name, item in value.items()} if isinstance(value, Frozen) else write(value)

    mapping = {"type": "object", "additionalProperties": dict(one), "minProperties": 1}
    return PlainValidator(validate), PlainSerializer(serialise), WithJsonSchema({"anyOf": [dict(one), mapping]})


positive: Callable[[object], Decimal] = within(read_decimal, "a number above zero", lambda number: number > 0)
_not_negative = within(read_decimal, "a number that is not negative", lambda number: number >= 0)
_count = within(read_whole, "a number that is not negative", lambda number: number >= 0)
read_share: Callable[[object], Fraction] = within(read_rate, "a share between 0% and 100%", lambda number: 0 < number <= 1)


PositiveByLevel = Annotated[Decimal | Frozen, *_by_level(positive, plain, NUMBER_SCHEMA)]
NumberByLevel = Annotated[Decimal | Frozen, *_by_level(_not_negative, plain, NUMBER_SCHEMA)]
CountByLevel = Annotated[int | Frozen, *_by_level(_count, str, NUMBER_SCHEMA)]
ShareByLevel = Annotated[Fraction | Frozen, *_by_level(read_share, rate_text, RATE_SCHEMA)]


def values_of(number: Levelled) -> list[tuple[str, Any]]:
    """Each number with the level it is for; '' where there is one for everybody."""
    return list(number.items()) if isinstance(number, Frozen) else [("", number)]


def level_of(view: View) -> str | None:
    level = view.value("tier") if view.levels else None
    return str(level) if level is not None else None


def at_level(number: Levelled, level: str | None, levels: tuple[str, ...]) -> Fraction:
    """A level's number: its own, or the next lower one's that is named; nought below the first that is named."""
    return Fraction(rate_at(number, level, levels) if isinstance(number, Frozen) else number)


def level_faults(path: str, number: object, known: Known) -> Iterator[Diagnostic]:
    for name in number if isinstance(number, Frozen) else ():
        if name not in known.levels and name != NO_LEVEL:
            params = {"found": name, "known": ", ".join(known.levels) or "none", "nearest": nearest(name, known.levels)}
            yield Diagnostic("document.unknown_level", f"{path}.{name}", params)
