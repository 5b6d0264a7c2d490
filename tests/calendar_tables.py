"""Writes the tables of ``custrules.calendars``: ``python -m tests.calendar_tables``. Needs chinesecalendar and holidays (MIT), of the dev extra.

The working days of China are decreed year by year; where the two packages disagree the later reading of the notice is
written down here, with the reason. ``tests/test_working_days.py`` compares the table with both.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays

TABLES = Path(__file__).parent.parent / "src" / "custrules" / "calendars" / "tables"
FIRST, LAST = 2004, 2026
# The notice for New Year 2006 makes Saturday 31 December 2005 a working day: holidays has it, chinesecalendar has not.
CORRECTED = {date(2005, 12, 31): True}
HEAD = """\
# The working days of mainland China as they differ from Monday to Friday: the State Council's yearly notices.
# Written by `python -m tests.calendar_tables` from chinesecalendar and holidays (both MIT), which agree but for
# 2005-12-31 (worked, for New Year 2006); the addresses are those of the notices in the State Council's gazette.
# The notice for a year comes out in the autumn before: after `last` nothing is known.

country = "CN"
first = "{first}-01-01"
last = "{last}-12-31"
"""


def days_of(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += timedelta(days=1)


def official(*years: int) -> holidays.HolidayBase:
    return holidays.country_holidays("CN", years=years)


def is_working(day: date, days: holidays.HolidayBase) -> bool:
    mine, other = chinese_calendar.is_workday(day), days.is_working_day(day)
    if mine != other and day not in CORRECTED:
        raise SystemExit(f"the sources disagree about {day}")
    return CORRECTED.get(day, other)


def notices() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for year, url in re.findall(r"\* \[(\d{4})[^\]]*\]\(\S*?(https://www\.gov\.cn/\S+?)\)", inspect.getdoc(type(official(LAST))) or ""):
        found.setdefault(int(year), []).append(url)
    return found


def working_days() -> str:
    days, sources = official(*range(FIRST, LAST + 2)), notices()
    text = HEAD.format(first=FIRST, last=LAST)
    for year in range(FIRST, LAST + 1):
        off = [day for day in days_of(year) if day.weekday() < 5 and not is_working(day, days)]
        worked = [day for day in days_of(year) if day.weekday() >= 5 and is_working(day, days)]
        text += f"\n[{year}]\n"
        text += "".join(f"# {url}\n" for url in sources.get(year, ()))
        for name, named in (("off", off), ("worked", worked)):
            written = ", ".join(f'"{day:%m-%d}"' for day in named)
            text += f"{name} = [{written}]\n"
    return text


if __name__ == "__main__":
    (TABLES / "working_cn.toml").write_text(working_days(), encoding="utf-8")
