"""Days that are kept every year: solar ones, with a rule for 29 February, and lunar ones, with rules for leap months and 30th days.

The names and the meaning of the rules are those of RFC 7529 (SKIP), in which the month is settled first and then the day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from pydantic_core import PydanticCustomError

from custrules.calendars.days import ONE_DAY
from custrules.calendars.lunar import FIRST_DAY, LAST_DAY, LAST_YEAR, LunarDate, days_in, to_lunar, to_solar
from custrules.calendars.lunar_table import FIRST_YEAR
from custrules.fields import read_day, read_flag, wrong_type

Feb29 = Literal["backward", "forward", "omit"]
LunarLeap = Literal["leap_if_exists", "regular", "forward", "omit", "both"]
LunarDay30 = Literal["backward", "forward", "omit"]
Day31 = Literal["backward", "forward", "omit"]
GRAMMAR = "a birthday such as 1987-08-04, or {lunar: 1987-06-10, leap: true}"
LUNAR_CYCLE = "lunar "  # what the cycle of a lunar year begins with
_LUNAR, _LEAP = LUNAR_CYCLE, " leap"


class Keeping(NamedTuple):
    """How a day is kept in years that do not have it.

    ``feb29``: on 28 February, on 1 March, or not at all. ``lunar_leap``, for a day of a leap month: in the leap month where
    there is one, else in the plain month of its number (``leap_if_exists``) or in the next (``forward``) or not at all
    (``omit``); always in the plain one (``regular``); in either (``both``, which also keeps a day of a plain month again in
    the leap month). ``lunar_day30``, in a month of 29 days: on the 29th, on the first of the next month, or not at all.
    """

    feb29: Feb29 = "backward"
    lunar_leap: LunarLeap = "leap_if_exists"
    lunar_day30: LunarDay30 = "backward"


USUAL = Keeping()


def solar_day(born: date, year: int, feb29: Feb29 = "backward") -> date | None:
    """The day of a year on which a solar date is kept; None where it is left out."""
    with suppress(ValueError):
        return born.replace(year=year)
    if feb29 == "omit":
        return None
    return date(year, 2, 28) if feb29 == "backward" else date(year, 3, 1)


def monthly_day(anchor: date, months: int, day31: Day31 = "backward") -> date | None:
    """The day so many months after an anchor; where that month has no such day (31, 30, 29) its last, the first of the next, or none."""
    year, month = divmod(anchor.month - 1 + months, 12)
    first = date(anchor.year + year, month + 1, 1)
    days = monthrange(first.year, first.month)[1]
    if anchor.day <= days:
        return first.replace(day=anchor.day)
    if day31 == "omit":
        return None
    return first.replace(day=days) + (ONE_DAY if day31 == "forward" else timedelta(0))


def lunar_days(born: LunarDate, year: int, keeping: Keeping = USUAL) -> tuple[date, ...]:
    """The days on which a lunar date is kept in a lunar year (1900 … 2100), in order; mostly one, with ``both`` two, or none.

    CalendarError for a lunar year outside the table; of the last one a day beyond the table is left out.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        to_solar(LunarDate(year, 1, 1))
    return _lunar_days(born.month, born.day, born.leap, year, keeping)


@lru_cache(maxsize=16384)
def _lunar_days(month: int, day: int, leap: bool, year: int, keeping: Keeping) -> tuple[date, ...]:
    found = (_day_in(key, day, keeping.lunar_day30) for key in _months(month, leap, year, keeping.lunar_leap))
    return tuple(sorted({kept for kept in found if kept is not None}))


def _months(month: int, leap: bool, year: int, rule: LunarLeap) -> list[tuple[int, int, bool]]:
    """The months in which a day is kept, before it is looked whether they have it."""
    plain, there = (year, month, False), days_in(year, month, True) > 0
    if rule == "both":
        return [plain, (year, month, True)] if there else [plain]
    if not leap or rule == "regular":
        return [plain]
    if there:
        return [(year, month, True)]
    if rule == "forward":
        return [(year, month + 1, False) if month < 12 else (year + 1, 1, False)]
    return [plain] if rule == "leap_if_exists" else []


def _day_in(key: tuple[int, int, bool], day: int, rule: LunarDay30) -> date | None:
    days = days_in(*key)
    if days == 0 or (day > days and rule == "omit"):
        return None
    year, month, leap = key
    if day <= days or rule == "backward":
        return to_solar(LunarDate(year, month, min(day, days), leap))
    last = to_solar(LunarDate(year, month, days, leap))
    return last + ONE_DAY if last < LAST_DAY else None


class Kept(NamedTuple):
    """One time that a birthday is kept: on which day, and in which cycle: a year of the common calendar, or a lunar one."""

    day: date
    cycle: str


class Birthday(NamedTuple):
    """A day of birth as the customer gave it: by the common calendar, or by the lunar one (``born`` is the same day all the same)."""

    born: date
    lunar: LunarDate | None = None

    def in_cycle(self, year: int, keeping: Keeping = USUAL) -> tuple[Kept, ...]:
        """When it is kept in a year, after the day of birth itself: a year of the common calendar, or a lunar one within the table."""
        if self.lunar is not None:
            days = lunar_days(self.lunar, year, keeping) if FIRST_YEAR <= year <= LAST_YEAR else ()
            return tuple(Kept(day, f"{_LUNAR}{year}" + (f" {place}" if place > 1 else "")) for place, day in enumerate(days, 1) if day > self.born)
        kept = solar_day(self.born, year, keeping.feb29)
        return (Kept(kept, str(year)),) if kept is not None and kept > self.born else ()

    def from_day(self, day: date, keeping: Keeping = USUAL) -> Kept | None:
        """The first time that it is kept on or after a day; None where there is none within 12 years or the table."""
        first = self._cycle_of(day) - 1
        found = (kept for year in range(first, first + 14) for kept in self.in_cycle(year, keeping) if kept.day >= day)
        return next(found, None)

    def _cycle_of(self, day: date) -> int:
        if self.lunar is None:
            return day.year
        return to_lunar(min(max(day, FIRST_DAY), LAST_DAY)).year

    def is_kept(self, day: date) -> bool:
        """Whether it is kept on a day, by the usual rules. Years before the birth count as well: nobody asks about them."""
        if self.lunar is None:
            return solar_day(self.born, day.year) == day
        return FIRST_DAY <= day <= LAST_DAY and day in lunar_days(self.lunar, to_lunar(day).year)

    def in_month(self, day: date) -> bool:
        """Whether it is kept in the month of a day."""
        if self.lunar is None:
            return self.born.month == day.month
        if not FIRST_DAY <= day <= LAST_DAY:
            return False
        year = to_lunar(day).year
        days = (kept for cycle in (year - 1, year, year + 1) if FIRST_YEAR <= cycle <= LAST_YEAR for kept in lunar_days(self.lunar, cycle))
        return any((kept.year, kept.month) == (day.year, day.month) for kept in days)


def birthday_text(value: Mapping[Any, Any]) -> str:
    """``{lunar: 1987-06-10, leap: true}`` as the one text in which a profile keeps it: ``lunar 1987-06-10 leap``."""
    if not set(value) <= {"lunar", "leap"} or "lunar" not in value:
        raise wrong_type(GRAMMAR, value)
    leap = read_flag(value.get("leap", False))
    return f"{_LUNAR}{value['lunar']}{_LEAP if leap else ''}"


def read_birthday(value: object) -> Birthday:
    """A birthday out of a profile's value: a date, or the text of a lunar one. A fault of its kind, or CalendarError for no lunar date."""
    if isinstance(value, str) and value.startswith(_LUNAR):
        return _read_lunar(value)
    try:
        return Birthday(read_day(value))
    except PydanticCustomError as error:
        raise error if error.type != "document.wrong_type" else wrong_type(GRAMMAR, value) from None


@lru_cache(maxsize=4096)
def _read_lunar(text: str) -> Birthday:
    written = text.removeprefix(_LUNAR)
    leap = written.endswith(_LEAP)
    parts = written.removesuffix(_LEAP).split("-")
    if [len(part) for part in parts] != [4, 2, 2] or not all(part.isascii() and part.isdigit() for part in parts):
        raise wrong_type(GRAMMAR, text)
    year, month, day = map(int, parts)
    lunar = LunarDate(year, month, day, leap)
    return Birthday(to_solar(lunar), lunar)
