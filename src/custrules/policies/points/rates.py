"""What is earned at which rate: numbers by level, steps, and the rows that multiply or add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import reduce
from math import floor
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, PlainValidator, WithJsonSchema

from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.facts import upto_level
from custrules.fields import RATE_SCHEMA, Flag, Frozen, Rate, one_of, rate_text, read_name, read_rate, wrong_type
from custrules.forms import within
from custrules.policy import View
from custrules.validation import nearest

NO_LEVEL = "none"
ByLevel = Fraction | Frozen
Combine = Literal["best", "product", "sum_of_extras"]
Unit = Literal["amount", "quantity"]


def _not_negative(rate: Fraction, value: object) -> Fraction:
    if rate < 0:
        raise wrong_type("a rate that is not negative", value)
    return rate


def _read_rate(value: object) -> Fraction:
    return _not_negative(read_rate(value), value)


_read_step = within(read_rate, "a number above zero", lambda number: number > 0)


def _read_rates(value: object) -> ByLevel:
    """One rate, or rates by level; a level not named has the next lower one's."""
    if isinstance(value, Mapping):
        if not value:
            raise wrong_type("a rate, or rates by level", value)
        return Frozen({read_name(name): _read_rate(rate) for name, rate in value.items()})
    return _read_rate(value)


def _read_steps(value: object) -> ByLevel:
    rates = _read_rates(value)
    for rate in rates.values() if isinstance(rates, Frozen) else (rates,):
        _read_step(rate)
    return rates


def _write_rates(value: ByLevel) -> str | dict[str, str]:
    return {name: rate_text(rate) for name, rate in value.items()} if isinstance(value, Frozen) else rate_text(value)


_SCHEMA: dict[str, Any] = {"anyOf": [dict(RATE_SCHEMA), {"type": "object", "additionalProperties": dict(RATE_SCHEMA), "minProperties": 1}]}
Rates = Annotated[Fraction | Frozen, PlainValidator(_read_rates), PlainSerializer(_write_rates), WithJsonSchema(_SCHEMA)]
Steps = Annotated[Fraction | Frozen, PlainValidator(_read_steps), PlainSerializer(_write_rates), WithJsonSchema(_SCHEMA)]
Factor = Annotated[Rate, BeforeValidator(_read_rate)]


class PointsPer(BaseModel):
    """``points`` for ``each`` so much of the amount (or of the quantity): for ``whole`` steps alone, or in proportion."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    each: Steps
    points: Rates
    of: Annotated[Unit, one_of("amount", "quantity")] = "amount"
    whole: Flag = True

    def earned(self, counted: Fraction | int, level: str | None, levels: tuple[str, ...]) -> Fraction:
        """The points for so much of the currency, or so many; a level without a step has none."""
        each = rate_at(self.each, level, levels)
        if not each:
            return Fraction(0)
        steps = Fraction(counted) / each
        return rate_at(self.points, level, levels) * (floor(steps) if self.whole else steps)


class Multiplier(BaseModel):
    """The whole order counts ``by`` times ``when`` a condition holds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    by: Factor
    when: Condition


class LineMultiplier(BaseModel):
    """Lines that fit count ``by`` times."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    by: Factor
    lines: Condition


class Bonus(BaseModel):
    """Flat points on top, ``when`` a condition holds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    points: Factor
    when: Condition | None = None


def level_of(view: View) -> str | None:
    """The level held before the event."""
    level = view.value("tier") if view.levels else None
    return str(level) if level is not None else None


def named_at(rates: ByLevel, level: str | None, levels: tuple[str, ...]) -> Fraction | None:
    """The number of a level: its own, or the next lower one's that is named; None where none is. No level (None) has only what ``none`` names."""
    if not isinstance(rates, Frozen):
        return rates
    if level is None:
        return rates.get(NO_LEVEL)
    return next((rates[name] for name in reversed(upto_level(level, levels)) if name in rates), None)


def rate_at(rates: ByLevel, level: str | None, levels: tuple[str, ...]) -> Fraction:
    """The rate of a level; nothing where none is named."""
    return rates if isinstance(rates, Fraction) else named_at(rates, level, levels) or Fraction(0)


def combined(combine: Combine | None, factors: Iterable[Fraction]) -> Fraction:
    """Multipliers that meet: the best, their product, or one plus the sum of what each adds; none is 1."""
    found = list(factors)
    if not found:
        return Fraction(1)
    if combine == "sum_of_extras":
        return max(Fraction(0), 1 + sum((factor - 1 for factor in found), Fraction(0)))
    return reduce(lambda left, right: left * right, found) if combine == "product" else max(found)


def level_faults(path: str, rates: object, levels: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Levels that rates name and nobody has."""
    for name in rates if isinstance(rates, Frozen) else ():
        if name not in levels and name != NO_LEVEL:
            params = {"found": name, "known": ", ".join(levels) or "none", "nearest": nearest(name, levels)}
            yield Diagnostic("document.unknown_level", f"{path}.{name}", params)
