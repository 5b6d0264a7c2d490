"""Writes the tables of ``custrules.calendars``: ``python -m tests.calendar_tables``.

Needs chinesecalendar, holidays, tyme4py and borax, all MIT, of the extra ``test``.

The working days of China are decreed year by year; where the two packages disagree the later reading of the notice is
written down here, with the reason. So it is with lunar months and solar terms: tyme4py and borax agree but for two months and one
term. ``tests/test_calendar_tables.py`` compares the tables with all of them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
from borax.calendars.lunardate import LCalendars, TermUtils
from borax.calendars.lunardate import LunarDate as BoraxDate
from tyme4py.lunar import LunarYear
from tyme4py.solar import SolarTerm

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


# -- lunar months and solar terms ----------------------------------------------------------------------------------------

FIRST_LUNAR, LAST_LUNAR = 1900, 2100
TERM_FIRST = (4, 19, 3, 18, 4, 19, 4, 19, 4, 20, 4, 20, 6, 22, 6, 22, 6, 22, 7, 22, 6, 21, 6, 21)
# The moments are those of JPL DE441 at UTC+8; the months are told apart by which of the two libraries has them.
DECIDED = {
    2089: "tyme4py",  # new moon 2089-09-04 23:59:11: the 8th month begins on the 4th
    2097: "borax",  # new moon 2097-08-08 00:01:32: the 7th month begins on the 8th
}
DECIDED_TERMS = {(1979, 1): "borax"}  # 大寒 at 23:59:55: the printed almanac, and with it borax, has 21 January
LUNAR_HEAD = '''"""The months of the Chinese calendar from lunar 1900 to 2100 and the solar terms of these years, packed.

Written by ``python -m tests.calendar_tables`` from tyme4py and borax (both MIT), which agree but for the months 2089-8 and
2097-7 and the term 大寒 of 1979: there it says which was taken, and why.
"""

from __future__ import annotations

# fmt: off
FIRST_YEAR = {first}
"""The first year of both tables."""

YEARS: tuple[int, ...] = (
{years}
)
"""Each lunar year: bit k is set where its k-th month has 30 days, not 29; bits 13 to 16 are the number of its leap month (0: none);
the bits above are the days from 1 January to its first day."""

TERM_FIRST: tuple[int, ...] = {term_first}
"""The earliest day of the month on which each of the 24 terms falls, from 小寒 (January) to 冬至 (December)."""

TERMS: tuple[int, ...] = (
{terms}
)
"""Each year: bits 2k and 2k + 1 are the days by which the k-th term is later than that."""
'''
Month = tuple[int, bool, int, date]


def tyme_months(year: int) -> list[Month]:
    """Number, leap, days and first day of the months of a lunar year, as tyme4py has them."""
    found = []
    for month in LunarYear.from_year(year).get_months():
        first = month.get_first_julian_day().get_solar_day()
        found.append((month.get_month(), month.is_leap(), month.get_day_count(), date(first.get_year(), first.get_month(), first.get_day())))
    return found


def borax_months(year: int) -> list[Month]:
    """The same as borax has them."""
    rows = LCalendars.iter_year_month(year)
    return [(month, bool(leap), days, BoraxDate(year, month, 1, leap).to_solar_date()) for month, days, leap in rows]


def months(year: int) -> list[Month]:
    ours, theirs = tyme_months(year), borax_months(year)
    if ours != theirs and year not in DECIDED:
        raise SystemExit(f"the sources disagree about the months of {year}")
    return theirs if DECIDED.get(year) == "borax" else ours


def tyme_term(year: int, place: int) -> date:
    day = SolarTerm.from_index(year, place + 1).get_solar_day()
    return date(day.get_year(), day.get_month(), day.get_day())


def borax_term(year: int, place: int) -> date:
    return date(year, place // 2 + 1, TermUtils.parse_term_days(year)[place])


def term(year: int, place: int) -> date:
    ours, theirs = tyme_term(year, place), borax_term(year, place)
    if ours != theirs and (year, place) not in DECIDED_TERMS:
        raise SystemExit(f"the sources disagree about the term {place} of {year}")
    return theirs


def packed_year(year: int) -> int:
    rows = months(year)
    leap = next((month for month, is_leap, _, _ in rows if is_leap), 0)
    long = sum(1 << place for place, (_, _, days, _) in enumerate(rows) if days == 30)
    return (rows[0][3] - date(year, 1, 1)).days << 17 | leap << 13 | long


def packed_terms(year: int) -> int:
    return sum((term(year, place).day - first) << 2 * place for place, first in enumerate(TERM_FIRST))


def rows_of(numbers: list[int], width: int) -> str:
    words = [f"0x{number:0{width}X}," for number in numbers]
    each = 8 if width < 10 else 6
    return "\n".join("    " + " ".join(words[at : at + each]) for at in range(0, len(words), each))


def lunar_table() -> str:
    years = range(FIRST_LUNAR, LAST_LUNAR + 1)
    packed = rows_of([packed_year(year) for year in years], 6), rows_of([packed_terms(year) for year in years], 12)
    return LUNAR_HEAD.format(first=FIRST_LUNAR, years=packed[0], term_first=TERM_FIRST, terms=packed[1])


if __name__ == "__main__":
    (TABLES / "working_cn.toml").write_text(working_days(), encoding="utf-8")
    (TABLES.parent / "lunar_table.py").write_text(lunar_table(), encoding="utf-8")
