"""The tables in ``custrules.calendars`` against the packages that they were made from."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import custrules as cr
from custrules.calendars.decreed import country

chinese_calendar = pytest.importorskip("chinese_calendar")
pytest.importorskip("holidays")

import calendar_tables  # noqa: E402 - what it is made from is there
from calendar_tables import days_of  # noqa: E402

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
