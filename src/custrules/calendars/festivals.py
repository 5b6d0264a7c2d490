"""Festivals by name: Chinese ones of the lunar calendar, of solar terms and of fixed days; Western ones, those around Easter among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from custrules.calendars.lunar import LAST_DAY, LAST_YEAR, LunarDate, term_day, to_solar
from custrules.calendars.lunar_table import FIRST_YEAR
from custrules.errors import CalendarError

Locale = Literal["CN", "international", "western"]
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Festival:
    """A festival: its name in documents, what it is called, whose it is, whether it is solemn, and its days in a year.

    A solemn festival is no occasion for cheer: nobody is wished a happy one. ``lunar``: its cycle is a lunar year.
    """

    name: str
    en: str
    zh: str
    locale: Locale
    days: Callable[[int], tuple[date, ...]]
    solemn: bool = False
    lunar: bool = False

    def in_year(self, year: int) -> tuple[date, ...]:
        """Its days in a year of the common calendar; those that the table of lunar dates does not reach are left out."""
        return _in_year(self.name, year)


@lru_cache(maxsize=8192)
def _in_year(name: str, year: int) -> tuple[date, ...]:
    return FESTIVALS[name].days(year)


def _lunar(month: int, day: int) -> Callable[[int], tuple[date, ...]]:
    """A day of a plain lunar month: of the lunar years that touch a year of the common calendar."""

    def days(year: int) -> tuple[date, ...]:
        found = (to_solar(LunarDate(lunar, month, day)) for lunar in (year - 1, year) if FIRST_YEAR <= lunar <= LAST_YEAR)
        return tuple(day for day in found if day.year == year)

    return days


def _eve(year: int) -> tuple[date, ...]:
    """The day before the lunar year begins: the 29th or the 30th of the last month."""
    if FIRST_YEAR <= year <= LAST_YEAR:
        return (to_solar(LunarDate(year, 1, 1)) - ONE_DAY,)
    return (LAST_DAY,) if year == LAST_DAY.year else ()


def _term(name: str) -> Callable[[int], tuple[date, ...]]:
    def days(year: int) -> tuple[date, ...]:
        try:
            return (term_day(year, name),)
        except CalendarError:
            return ()

    return days


def _fixed(month: int, day: int) -> Callable[[int], tuple[date, ...]]:
    return lambda year: (date(year, month, day),)


def _weekday(month: int, weekday: int, nth: int, plus: int = 0) -> Callable[[int], tuple[date, ...]]:
    """The nth weekday (0: Monday) of a month, and so many days after."""

    def days(year: int) -> tuple[date, ...]:
        first = date(year, month, 1)
        return (first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1) + plus),)

    return days


def _advent(year: int) -> tuple[date, ...]:
    """The fourth Sunday before Christmas."""
    christmas = date(year, 12, 25)
    return (christmas - timedelta(days=(christmas.weekday() + 1) % 7 or 7) - timedelta(weeks=3),)


def easter(year: int) -> date:
    """Easter Sunday of the western churches: the Sunday after the full moon of the Gregorian tables on or after 21 March.

    By the epact (Clavius, 1582): golden number, the corrections of the sun and the moon, and the two exceptions.
    """
    golden, century = year % 19 + 1, year // 100 + 1
    sun, moon = 3 * century // 4 - 12, (8 * century + 5) // 25 - 5
    epact = (11 * golden + 20 + moon - sun) % 30
    epact += epact == 24 or (epact == 25 and golden > 11)
    full = 44 - epact
    full += 30 if full < 21 else 0  # the full moon, as a day counted from 1 March
    sunday = 5 * year // 4 - sun - 10
    return date(year, 3, 1) + timedelta(days=full + 7 - (sunday + full) % 7 - 1)


def orthodox_easter(year: int) -> date:
    """Easter Sunday of the eastern churches: by the Julian tables, as a day of the common calendar (1900 to 2199)."""
    moon = (19 * (year % 19) + 15) % 30
    weekday = (2 * (year % 4) + 4 * (year % 7) - moon + 34) % 7
    month, day = divmod(moon + weekday + 114, 31)
    return date(year, month, day + 1) + timedelta(days=13 if year < 2100 else 14)


def _easter(plus: int) -> Callable[[int], tuple[date, ...]]:
    return lambda year: (easter(year) + timedelta(days=plus),)


_OF_MOON = (  # the lunar month and day; whether it is solemn
    ("spring_festival", "Spring Festival", "春节", 1, 1, False),
    ("lantern", "Lantern Festival", "元宵节", 1, 15, False),
    ("dragon_head", "Dragon Head", "龙抬头", 2, 2, False),
    ("dragon_boat", "Dragon Boat Festival", "端午节", 5, 5, False),
    ("qixi", "Qixi", "七夕", 7, 7, False),
    ("zhongyuan", "Ghost Festival", "中元节", 7, 15, True),
    ("mid_autumn", "Mid-Autumn", "中秋节", 8, 15, False),
    ("double_ninth", "Double Ninth", "重阳节", 9, 9, False),
    ("hanyi", "Winter Clothes Day", "寒衣节", 10, 1, True),
    ("xiayuan", "Xiayuan", "下元节", 10, 15, True),
    ("laba", "Laba", "腊八节", 12, 8, False),
    ("little_new_year", "Little New Year", "小年", 12, 23, False),
)
_CHINESE = (  # month and day; whether it is solemn
    ("womens_day", "Women's Day", "妇女节", 3, 8, False),
    ("arbor_day", "Arbor Day", "植树节", 3, 12, False),
    ("labour_day", "Labour Day", "劳动节", 5, 1, False),
    ("youth_day", "Youth Day", "青年节", 5, 4, False),
    ("childrens_day", "Children's Day", "儿童节", 6, 1, False),
    ("army_day", "Army Day", "建军节", 8, 1, False),
    ("teachers_day", "Teachers' Day", "教师节", 9, 10, False),
    ("martyrs_day", "Martyrs' Day", "烈士纪念日", 9, 30, True),
    ("national_day", "National Day", "国庆节", 10, 1, False),
    ("memorial_day", "National Memorial Day", "国家公祭日", 12, 13, True),
)
_WESTERN = (  # month and day; whether it is solemn
    ("epiphany", "Epiphany", "主显节", 1, 6, False),
    ("valentines_day", "Valentine's Day", "情人节", 2, 14, False),
    ("st_patricks_day", "St Patrick's Day", "圣帕特里克节", 3, 17, False),
    ("halloween", "Halloween", "万圣夜", 10, 31, False),
    ("all_saints", "All Saints' Day", "诸圣节", 11, 1, True),
    ("all_souls", "All Souls' Day", "万灵节", 11, 2, True),
    ("christmas_eve", "Christmas Eve", "平安夜", 12, 24, False),
    ("christmas", "Christmas", "圣诞节", 12, 25, False),
    ("boxing_day", "Boxing Day", "节礼日", 12, 26, False),
    ("new_years_eve", "New Year's Eve", "跨年夜", 12, 31, False),
)
_AROUND_EASTER = (  # days after Easter Sunday; whether it is solemn
    ("shrove_tuesday", "Shrove Tuesday", "忏悔节", -47, False),
    ("ash_wednesday", "Ash Wednesday", "圣灰星期三", -46, True),
    ("palm_sunday", "Palm Sunday", "棕枝主日", -7, False),
    ("good_friday", "Good Friday", "耶稣受难日", -2, True),
    ("easter", "Easter Sunday", "复活节", 0, False),
    ("easter_monday", "Easter Monday", "复活节星期一", 1, False),
    ("ascension", "Ascension Day", "耶稣升天节", 39, False),
    ("pentecost", "Pentecost", "圣灵降临节", 49, False),
    ("whit_monday", "Whit Monday", "圣灵降临节星期一", 50, False),
    ("corpus_christi", "Corpus Christi", "基督圣体节", 60, False),
)


def _dated(locale: Locale, rows: Iterable[tuple[str, str, str, int, int, bool]]) -> Iterator[Festival]:
    """Festivals that have a day of the year of their own."""
    for name, en, zh, month, day, solemn in rows:
        yield Festival(name, en, zh, locale, _fixed(month, day), solemn)


def _chinese() -> Iterator[Festival]:
    for name, en, zh, month, day, solemn in _OF_MOON:
        yield Festival(name, en, zh, "CN", _lunar(month, day), solemn, lunar=True)
    yield Festival("chuxi", "Lunar New Year's Eve", "除夕", "CN", _eve)
    yield Festival("qingming", "Tomb-Sweeping Day", "清明节", "CN", _term("清明"), solemn=True)
    yield Festival("dongzhi", "Winter Solstice", "冬至", "CN", _term("冬至"))
    yield from _dated("CN", _CHINESE)


def _western() -> Iterator[Festival]:
    yield Festival("new_year", "New Year's Day", "元旦", "international", _fixed(1, 1))
    yield from _dated("western", _WESTERN)
    for name, en, zh, plus, solemn in _AROUND_EASTER:
        yield Festival(name, en, zh, "western", _easter(plus), solemn)
    yield Festival("orthodox_easter", "Orthodox Easter", "东正教复活节", "western", lambda year: (orthodox_easter(year),))
    yield Festival("mothers_day", "Mother's Day", "母亲节", "international", _weekday(5, 6, 2))
    yield Festival("fathers_day", "Father's Day", "父亲节", "international", _weekday(6, 6, 3))
    yield Festival("thanksgiving", "Thanksgiving", "感恩节", "western", _weekday(11, 3, 4))
    yield Festival("black_friday", "Black Friday", "黑色星期五", "western", _weekday(11, 3, 4, plus=1))
    yield Festival("advent", "First Sunday of Advent", "将临期第一主日", "western", _advent)


FESTIVALS: dict[str, Festival] = {festival.name: festival for festival in (*_chinese(), *_western())}
_BY_CHINESE = {spelling: festival.name for festival in FESTIVALS.values() for spelling in (festival.zh, festival.zh.removesuffix("节"))}


def festival_name(text: str) -> str | None:
    """The name of a festival that is written as it is called in documents or in Chinese (中秋节, 中秋); None where there is none."""
    return text if text in FESTIVALS else _BY_CHINESE.get(text)


@lru_cache(maxsize=256)
def _by_day(year: int) -> dict[date, tuple[str, ...]]:
    found: dict[date, tuple[str, ...]] = {}
    for name, festival in FESTIVALS.items():
        for day in festival.in_year(year):
            found[day] = (*found.get(day, ()), name)
    return found


def festivals_on(day: date) -> tuple[str, ...]:
    """The festivals of a day, in the order in which they are listed: Chinese ones first, of the lunar calendar before others."""
    return _by_day(day.year).get(day, ())
