"""The tables in ``custrules.calendars`` against the packages that they were made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import pytest

import custrules as cr
from custrules.calendars.decreed import country
from custrules.calendars.lunar import FIRST_DAY, LAST_DAY, LunarDate, days_in, leap_month, term_days, to_lunar, to_solar

borax = pytest.importorskip("borax.calendars.lunardate")
tyme4py = pytest.importorskip("tyme4py.solar")
chinese_calendar = pytest.importorskip("chinese_calendar")
pytest.importorskip("holidays")

import calendar_tables  # noqa: E402 - what it is made from is there
from calendar_tables import days_of  # noqa: E402 - the same

TABLES = Path(cr.__file__).parent / "calendars" / "tables"


@pytest.mark.parametrize("year", range(2004, 2027))
def test_the_table_says_what_two_other_sources_say(year: int) -> None:
    official = calendar_tables.official(year, year + 1)
    ours = country("CN")
    assert ours is not None
    for day in days_of(year):
        assert ours.works(day) == official.is_working_day(day), day
        if day != date(2005, 12, 31):  # see tests/calendar_tables.py
            assert ours.works(day) == chinese_calendar.is_workday(day), day


def test_the_table_of_working_days_is_the_generated_one() -> None:
    assert (TABLES / "working_cn.toml").read_text("utf-8") == calendar_tables.working_days()


# -- the lunar calendar --------------------------------------------------------------------------------------------------

# Where the two libraries differ one of them has it as we do: see DECIDED in tests/calendar_tables.py for why.
OTHERWISE = {
    "borax": range(date(2089, 9, 4).toordinal(), date(2089, 10, 4).toordinal()),
    "tyme4py": range(date(2097, 8, 7).toordinal(), date(2097, 9, 6).toordinal()),
}


def by_borax(day: date) -> LunarDate:
    found = borax.LunarDate.from_solar(day)
    return LunarDate(found.year, found.month, found.day, bool(found.leap))


def by_tyme(day: date) -> LunarDate:
    found = tyme4py.SolarDay.from_ymd(day.year, day.month, day.day).get_lunar_day()
    month = found.get_month()  # a leap month is told by a number below zero
    return LunarDate(found.get_year(), abs(month), found.get_day(), month < 0)


def test_the_table_of_the_lunar_calendar_is_the_generated_one() -> None:
    assert (TABLES.parent / "lunar_table.py").read_text("utf-8") == calendar_tables.lunar_table()


@pytest.mark.parametrize(("source", "months"), [("borax", calendar_tables.borax_months), ("tyme4py", calendar_tables.tyme_months)])
def test_every_month_begins_and_ends_as_in_the_source(source: str, months: Callable[[int], list[calendar_tables.Month]]) -> None:
    for year in range(1900, 2101):
        if year == {"borax": 2089, "tyme4py": 2097}[source]:
            continue
        rows = months(year)
        assert [days_in(year, month, leap) for month, leap, _, _ in rows] == [days for _, _, days, _ in rows], year
        assert [to_solar(LunarDate(year, month, 1, leap)) for month, leap, _, _ in rows] == [first for *_, first in rows], year
        assert [month for month, leap, _, _ in rows if leap] == ([leap_month(year)] if leap_month(year) else [])


def test_every_solar_term_falls_on_the_day_of_both_sources() -> None:
    for year in range(1900, 2101):
        found = term_days(year)
        assert found == tuple(calendar_tables.borax_term(year, place) for place in range(24)), year
        ours = [calendar_tables.tyme_term(year, place) for place in range(24)]
        assert [place for place in range(24) if found[place] != ours[place]] == ([1] if year == 1979 else [])


def compare(days: Iterable[int]) -> int:
    """How many days were compared; AssertionError for the first that differs from a source, but for the two months that are told."""
    count = 0
    for number in days:
        day = date.fromordinal(number)
        ours = to_lunar(day)
        assert to_solar(ours) == day
        assert (by_borax(day) == ours) == (number not in OTHERWISE["borax"]), day
        assert (by_tyme(day) == ours) == (number not in OTHERWISE["tyme4py"]), day
        count += 1
    return count


def test_days_taken_at_random_distances_are_those_of_both_sources() -> None:
    around = [date(year, month, 1).toordinal() for year, month in ((2033, 12), (2057, 9), (2089, 9), (2097, 8))]
    near = {first + ahead for first in around for ahead in range(-3, 40)}
    assert compare(sorted(near | set(range(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1, 97)))) > 900


@pytest.mark.thorough
def test_every_day_is_that_of_both_sources() -> None:
    assert compare(range(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1)) == 73_412
