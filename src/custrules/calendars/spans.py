"""Spans of time: from an anchor day to a last day, inclusive."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, model_serializer, model_validator

from custrules.calendars.days import ONE_DAY, add_months
from custrules.fields import TextValue, fault, one_of, wrong_type
from custrules.forms import short_form

Rounded = Literal["end_of_month", "end_of_quarter", "end_of_half", "end_of_year"]
_MONTHS_OF = {"end_of_month": 1, "end_of_quarter": 3, "end_of_half": 6, "end_of_year": 12}
_UNITS = {"day": (0, 1), "week": (0, 7), "month": (1, 0), "quarter": (3, 0), "year": (12, 0)}
_CLOCK_UNITS = {"minute": 1, "hour": 60, "day": 24 * 60, "week": 7 * 24 * 60}
MAX_YEARS = 100


def _count_and_unit(text: str) -> tuple[int, str] | None:
    count, _, unit = text.partition(" ")
    if count.isascii() and count.isdigit() and count[0] != "0" and len(count) <= 6:
        return int(count), unit.removesuffix("s")
    return None


class Length(TextValue):
    """A number of days, weeks, months, quarters or years: ``12 months``."""

    __slots__ = ("days", "months", "text")
    grammar = "a length such as 12 months or 30 days"
    days: int
    months: int
    text: str

    def __init__(self, months: int, days: int, text: str) -> None:
        self.months, self.days, self.text = months, days, text

    @classmethod
    def parse(cls, text: str) -> Self:
        parts = _count_and_unit(text)
        if parts is None or parts[1] not in _UNITS:
            raise wrong_type(cls.grammar, text)
        count, unit = parts
        months, days = (count * step for step in _UNITS[unit])
        if months > 12 * MAX_YEARS or days > 366 * MAX_YEARS:
            raise fault("document.too_long", found=text, most=f"{MAX_YEARS} years")
        return cls(months, days, f"{count} {unit}{'s' if count != 1 else ''}")

    def after(self, anchor: date, times: int = 1) -> date:
        return add_months(anchor, self.months * times) if self.months else anchor + timedelta(days=self.days * times)

    def before(self, anchor: date) -> date:
        return add_months(anchor, -self.months) if self.months else anchor - timedelta(days=self.days)

    def ended_before(self, day: date) -> date:
        """The last anchor whose length has passed before a day begins: ``after(anchor) < day``."""
        return _last_ended(self.months, self.days, day)

    @property
    def at_most_days(self) -> int:
        """No shorter than this length anywhere in the calendar."""
        return self.months * 31 + self.days


@lru_cache(maxsize=4096)
def _last_ended(months: int, days: int, day: date) -> date:
    if not months:
        return day - timedelta(days=days) - ONE_DAY
    anchor = add_months(day, -months)
    while add_months(anchor, months) < day:
        anchor += ONE_DAY
    while add_months(anchor, months) >= day:
        anchor -= ONE_DAY
    return anchor


class Stretch(Length):
    """A length that may be nothing: ``0 days`` is the same day."""

    __slots__ = ()
    grammar = "a length such as 12 months, or 0 days"

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(0, 0, text) if text in ("0 days", "0 months") else super().parse(text)


class DayOfYear(TextValue):
    """A day that comes every year: ``12-31``; ``02-29`` is 28 February in other years."""

    __slots__ = ("day", "month", "text")
    grammar = "a day of the year (month and day) such as 12-31"
    day: int
    month: int
    text: str

    def __init__(self, month: int, day: int, text: str) -> None:
        self.month, self.day, self.text = month, day, text

    @classmethod
    def parse(cls, text: str) -> Self:
        month, dash, day = text.partition("-")
        if dash and len(month) == len(day) == 2 and (month + day).isascii() and (month + day).isdigit():
            with suppress(ValueError):
                date(2000, int(month), int(day))
                return cls(int(month), int(day), text)
        raise wrong_type(cls.grammar, text)

    def in_year(self, year: int) -> date:
        return add_months(date(2000, self.month, self.day), 12 * (year - 2000))

    def on_or_after(self, day: date) -> date:
        this = self.in_year(day.year)
        return this if this >= day else self.in_year(day.year + 1)


class Duration(TextValue):
    """An exact stretch of time: ``3 days``, ``24 hours``, ``30 minutes``."""

    __slots__ = ("delta", "text")
    grammar = "a duration such as 3 days or 24 hours"
    delta: timedelta
    text: str

    def __init__(self, delta: timedelta, text: str) -> None:
        self.delta, self.text = delta, text

    @classmethod
    def parse(cls, text: str) -> Self:
        if text in ("0 days", "0 hours", "0 minutes"):
            return cls(timedelta(0), text)
        parts = _count_and_unit(text)
        if parts is None or parts[1] not in _CLOCK_UNITS:
            raise wrong_type(cls.grammar, text)
        count, unit = parts
        delta = timedelta(minutes=count * _CLOCK_UNITS[unit])
        if delta > timedelta(days=3660):
            raise fault("document.too_long", found=text, most="3660 days")
        return cls(delta, f"{count} {unit}{'s' if count != 1 else ''}")


class Span(BaseModel):
    """``12 months``, or ``{length: 12 months, rounded_to: end_of_year, plus: 2 months}``.

    The last day is anchor + length, taken to the end of its month, quarter, half or year, plus a further length;
    inclusive: a lot with that last day lapses on the day after.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")
    later_fields: ClassVar[tuple[str, ...]] = ("from", "minimum", "inactivity", "of")

    length: Length
    rounded_to: Annotated[Rounded, one_of(*_MONTHS_OF)] | None = None
    plus: Length | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return short_form(cls, value, "length", "a span such as 12 months, or {length: 12 months, rounded_to: end_of_month}", short=str | Length)

    @model_serializer
    def _short(self) -> str | dict[str, str]:
        if self.rounded_to is None and self.plus is None:
            return str(self.length)
        parts = {"length": str(self.length), "rounded_to": self.rounded_to, "plus": str(self.plus) if self.plus else None}
        return {name: text for name, text in parts.items() if text is not None}

    def last_day(self, anchor: date, times: int = 1) -> date:
        """The last day of the span that begins with ``anchor``; with ``times``, of so many spans counted from it."""
        return self.rounded(self.length.after(anchor, times))

    def rounded(self, last: date) -> date:
        """A last day taken to the end of its period, with the further length."""
        if self.rounded_to is not None:
            last = end_of_period(last, _MONTHS_OF[self.rounded_to])
        return self.plus.after(last) if self.plus is not None else last

    @property
    def at_most_days(self) -> int:
        """The most days that the span can come to, whatever day it starts on."""
        rounding = 31 * _MONTHS_OF[self.rounded_to] if self.rounded_to else 0
        return self.length.at_most_days + rounding + (self.plus.at_most_days if self.plus else 0)


def start_of_period(day: date, months: int) -> date:
    """First day of the month, quarter, half or year (1, 3, 6, 12 months) that holds ``day``."""
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def end_of_period(day: date, months: int) -> date:
    """Last day of the month, quarter, half or year that holds ``day``."""
    return add_months(start_of_period(day, months), months) - ONE_DAY
