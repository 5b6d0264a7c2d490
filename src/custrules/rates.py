"""Dated reference rates: the section ``rates:``, each a series of yearly rates and the day from which each holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from custrules.fields import DAY_SCHEMA, RATE_SCHEMA, fault, rate_text, read_day, read_rate, wrong_type

MOST_RATES = 2000
_GRAMMAR = "a mapping of days to rates: {2025-05-20: 3.00%}, or a list of {from: day, rate: 3.00%}"


_ROWS = ({"from", "rate"}, {"effective_from", "rate"})


def _rows(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple) and all(isinstance(row, Mapping) and set(row) in _ROWS for row in value):
        yield from ((row.get("from", row.get("effective_from")), row["rate"]) for row in value)
    elif isinstance(value, tuple) and all(isinstance(row, tuple) and len(row) == 2 for row in value):
        yield from value
    else:
        raise wrong_type(_GRAMMAR, value)


def _read(value: object) -> tuple[tuple[date, Fraction], ...]:
    rows = sorted((read_day(day), read_rate(rate)) for day, rate in _rows(value))
    if not rows or len(rows) > MOST_RATES:
        raise wrong_type(_GRAMMAR, value)
    for (day, rate), (other, _) in zip(rows, [*rows[1:], (date.min, None)], strict=True):
        if day == other:
            raise fault("document.rate_twice", day=day.isoformat())
        if not -1 < rate < 1:
            raise wrong_type("a yearly rate below 100%", rate_text(rate))
    return tuple(rows)


def _write(series: tuple[tuple[date, Fraction], ...]) -> dict[str, str]:
    return {day.isoformat(): rate_text(rate) for day, rate in series}


_DRAWN: dict[str, Any] = {
    "anyOf": [
        {"type": "object", "additionalProperties": dict(RATE_SCHEMA), "minProperties": 1, "maxProperties": MOST_RATES},
        {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_RATES,
            "items": {"type": "object", "required": ["from", "rate"], "properties": {"from": dict(DAY_SCHEMA), "rate": dict(RATE_SCHEMA)}},
        },
    ]
}
Series: TypeAlias = tuple[tuple[date, Fraction], ...]
RateSeries = Annotated[Series, PlainValidator(_read), PlainSerializer(_write, return_type=dict), WithJsonSchema(_DRAWN)]
"""Yearly rates by the day from which each holds, in order."""


def rate_on(series: Series, day: date) -> Fraction | None:
    """The rate that holds on a day; None before the first."""
    return next((rate for since, rate in reversed(series) if since <= day), None)
