"""The Chinese calendar from 1900 to 2100: lunar dates and the 24 solar terms, out of an embedded table.

Days are those of the fixed offset UTC+8, as the calendar is reckoned (not of Asia/Shanghai, whose clocks were changed in some
years). Up to 1928, when it was reckoned by the mean time of Beijing, they are the days of the printed almanac.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from typing import NamedTuple, Never

from custrules.calendars.lunar_table import FIRST_YEAR, TERM_FIRST, TERMS, YEARS
from custrules.errors import CalendarError, Diagnostic

LAST_YEAR = FIRST_YEAR + len(YEARS) - 1
PROVISIONAL_MONTHS = ((2057, 9), (2089, 8), (2097, 7))
"""Months whose first day is not determined: their new moons come within two minutes of midnight, and the rotation of the Earth
decides (2057-09-29 00:00:40, 2089-09-04 23:59:11, 2097-08-08 00:01:32, by JPL DE441)."""
PROVISIONAL_TERMS = ((2051, "春分"), (2083, "立春"), (2084, "春分"))
"""Terms within a minute of midnight, of which the Hong Kong Observatory says that they may be off by a day."""
TERM_NAMES = (
    "小寒", "大寒", "立春", "雨水", "惊蛰", "春分", "清明", "谷雨", "立夏", "小满", "芒种", "夏至",
    "小暑", "大暑", "立秋", "处暑", "白露", "秋分", "寒露", "霜降", "立冬", "小雪", "大雪", "冬至",
)  # fmt: skip
TERM_SLUGS = (
    "minor_cold", "major_cold", "start_of_spring", "rain_water", "awakening_of_insects", "spring_equinox",
    "clear_and_bright", "grain_rain", "start_of_summer", "grain_buds", "grain_in_ear", "summer_solstice",
    "minor_heat", "major_heat", "start_of_autumn", "end_of_heat", "white_dew", "autumn_equinox",
    "cold_dew", "frost_descent", "start_of_winter", "minor_snow", "major_snow", "winter_solstice",
)  # fmt: skip
SEASONS = ("spring", "summer", "autumn", "winter")
_SEASON_STARTS = (2, 8, 14, 20)  # 立春, 立夏, 立秋, 立冬


class LunarDate(NamedTuple):
    """A day of the Chinese calendar; ``leap``: of the leap month that follows the plain one of that number."""

    year: int
    month: int
    day: int
    leap: bool = False

    @property
    def provisional(self) -> bool:
        """Whether the day may turn out to be another: it lies in a month whose first day is not determined, or just before it."""
        before = (self.year, self.month + 1) in PROVISIONAL_MONTHS and self.day == 30
        return (self.year, self.month) in PROVISIONAL_MONTHS or before

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02d}-{self.day:02d}{' leap' if self.leap else ''}"


MonthKey = tuple[int, int, bool]


class _Months(NamedTuple):
    """The first days (as ordinals) of all months, in order and with the end of the last one, which they are, and their places."""

    starts: list[int]
    keys: list[MonthKey]
    places: Mapping[MonthKey, int]


@cache
def _months() -> _Months:
    starts: list[int] = []
    keys: list[MonthKey] = []
    end = 0
    for year, row in enumerate(YEARS, FIRST_YEAR):
        end = date(year, 1, 1).toordinal() + (row >> 17)
        for place, (month, leap) in enumerate(_order(row >> 13 & 15)):
            starts.append(end)
            keys.append((year, month, leap))
            end += 29 + (row >> place & 1)
    return _Months([*starts, end], keys, {key: place for place, key in enumerate(keys)})


def _order(leap: int) -> list[tuple[int, bool]]:
    """The months of a year in order; the leap one (0: none) follows the plain one of its number."""
    return [(month, later) for month in range(1, 13) for later in ((False, True) if month == leap else (False,))]


FIRST_DAY, LAST_DAY = date(1900, 1, 31), date(2101, 1, 28)


def to_lunar(day: date) -> LunarDate:
    """The lunar date of a day. CalendarError outside 1900-01-31 … 2101-01-28: nothing is reckoned beyond the table."""
    starts, keys, _ = _months()
    number = day.toordinal()
    place = bisect_right(starts, number) - 1
    if not 0 <= place < len(keys):
        _refuse("calendar.out_of_range", found=day, first=FIRST_DAY, last=LAST_DAY)
    year, month, leap = keys[place]
    return LunarDate(year, month, number - starts[place] + 1, leap)


def to_solar(lunar: LunarDate) -> date:
    """The day of a lunar date. CalendarError where there is no such month or day, and outside the table."""
    starts, _, places = _months()
    year, month, day, leap = lunar
    place = places.get((year, month, leap))
    if place is None:
        _refuse_month(lunar)
    if not 1 <= day <= starts[place + 1] - starts[place]:
        _refuse("calendar.no_such_day", found=lunar, days=starts[place + 1] - starts[place])
    return date.fromordinal(starts[place] + day - 1)


def days_in(year: int, month: int, leap: bool = False) -> int:
    """How many days a lunar month has, 29 or 30; 0 where there is no such month in the table."""
    starts, _, places = _months()
    place = places.get((year, month, leap))
    return starts[place + 1] - starts[place] if place is not None else 0


def leap_month(year: int) -> int | None:
    """The month after which a lunar year has a leap month; None where it has none. CalendarError outside 1900 … 2100."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        _refuse("calendar.out_of_range", found=year, first=FIRST_YEAR, last=LAST_YEAR)
    return YEARS[year - FIRST_YEAR] >> 13 & 15 or None


def next_day(lunar: LunarDate) -> LunarDate:
    """The lunar date of the day after."""
    return to_lunar(date.fromordinal(to_solar(lunar).toordinal() + 1))


def _refuse_month(lunar: LunarDate) -> Never:
    if not FIRST_YEAR <= lunar.year <= LAST_YEAR:
        _refuse("calendar.out_of_range", found=lunar, first=FIRST_DAY, last=LAST_DAY)
    if not 1 <= lunar.month <= 12:
        _refuse("calendar.no_such_month", found=lunar)
    _refuse("calendar.no_such_leap_month", found=lunar, year=lunar.year, leap=leap_month(lunar.year) or "none")


def _refuse(code: str, **params: object) -> Never:
    raise CalendarError([Diagnostic(code, params={name: str(value) for name, value in params.items()})])


# -- solar terms -----------------------------------------------------------------------------------------------------


def term_days(year: int) -> tuple[date, ...]:
    """The days of the 24 solar terms of a year of the common calendar, from 小寒 to 冬至. CalendarError outside 1900 … 2100."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        _refuse("calendar.out_of_range", found=year, first=FIRST_YEAR, last=LAST_YEAR)
    return _term_days(year)


@lru_cache(maxsize=256)
def _term_days(year: int) -> tuple[date, ...]:
    row = TERMS[year - FIRST_YEAR]
    return tuple(date(year, place // 2 + 1, first + (row >> 2 * place & 3)) for place, first in enumerate(TERM_FIRST))


def term_place(name: str) -> int | None:
    """Which term (0: 小寒 … 23: 冬至) a name stands for, in Chinese (立春) or in English (start_of_spring); None for another word."""
    names = TERM_NAMES if name in TERM_NAMES else TERM_SLUGS
    return names.index(name) if name in names else None


def term_day(year: int, name: str) -> date:
    """The day of a solar term in a year of the common calendar. CalendarError for another word, and outside 1900 … 2100."""
    place = term_place(name)
    if place is None:
        _refuse("calendar.no_such_term", found=name, known=", ".join(TERM_NAMES))
    return term_days(year)[place]


def term_on(day: date) -> str | None:
    """The solar term (in Chinese) that begins on a day; None on other days. CalendarError outside 1900 … 2100."""
    days = term_days(day.year)
    place = 2 * (day.month - 1) + (day.day > 14)
    return TERM_NAMES[place] if days[place] == day else None


def season_on(day: date) -> str:
    """The season of a day as the Chinese calendar has it: from 立春 spring, from 立夏 summer, from 立秋 autumn, from 立冬 winter."""
    days = term_days(day.year)
    begun = [SEASONS[place] for place, start in enumerate(_SEASON_STARTS) if days[start] <= day]
    return begun[-1] if begun else SEASONS[-1]
