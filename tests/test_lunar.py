"""Lunar dates, solar terms, festivals, and birthdays by either calendar, against reference vectors and the cases of care."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cases.covering import covers
from dateutil.easter import EASTER_ORTHODOX
from dateutil.easter import easter as easter_of_dateutil
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

import custrules as cr
from custrules.calendars.birthdays import Birthday, Keeping, birthday_text, lunar_days, read_birthday, solar_day
from custrules.calendars.festivals import FESTIVALS, easter, festival_name, festivals_on, orthodox_easter
from custrules.calendars.lunar import (
    FIRST_DAY,
    LAST_DAY,
    PROVISIONAL_MONTHS,
    PROVISIONAL_TERMS,
    TERM_NAMES,
    TERM_SLUGS,
    LunarDate,
    days_in,
    leap_month,
    next_day,
    season_on,
    term_day,
    term_days,
    term_on,
    to_lunar,
    to_solar,
)
from custrules.calendars.rules import DayRule, festival_of, season_of, term_of
from custrules.errors import CalendarError

CASES = Path(__file__).parent / "cases"
VECTORS: dict[str, Any] = json.loads((CASES / "calendar_vectors.json").read_text("utf-8"))
CARE: dict[str, Any] = {case["id"]: case for case in json.loads((CASES / "care_cases.json").read_text("utf-8"))}
days = st.dates(FIRST_DAY, LAST_DAY)


def lunar_of(data: Mapping[str, Any]) -> LunarDate:
    return LunarDate(data.get("year", 2000), data["month"], data["day"], bool(data.get("leap")))


def iso(found: tuple[date, ...] | list[date]) -> list[str]:
    return [day.isoformat() for day in found]


def code_of(error: CalendarError) -> str:
    return error.diagnostics[0].code


# -- conversion ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS["lunar_to_solar"], ids=lambda vector: vector["id"])
def test_a_lunar_date_is_the_day_that_independent_sources_agree_on(vector: dict[str, Any]) -> None:
    lunar, solar = lunar_of(vector["lunar"]), date.fromisoformat(vector["solar"])
    assert to_solar(lunar) == solar
    assert to_lunar(solar) == lunar
    assert lunar.provisional == (vector["status"] != "agreed")


@covers("BD-LUNAR-OUT-OF-RANGE")
@pytest.mark.parametrize("vector", VECTORS["nonexistent"], ids=lambda vector: str(vector["lunar"]))
def test_a_lunar_date_that_does_not_exist_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(CalendarError) as caught:
        to_solar(lunar_of(vector["lunar"]))
    assert code_of(caught.value) == f"calendar.{vector['error']}"
    assert cr.render(caught.value.diagnostics[0], "zh") != cr.render(caught.value.diagnostics[0], "en")


def test_leap_months_are_those_of_the_reference() -> None:
    assert {str(year): leap_month(year) for year in range(1900, 2101) if leap_month(year)} == VECTORS["leap_months_1900_2100"]


@given(day=days)
def test_there_and_back_is_the_same_day(day: date) -> None:
    lunar = to_lunar(day)
    assert to_solar(lunar) == day
    assert 1 <= lunar.day <= days_in(lunar.year, lunar.month, lunar.leap)
    if day < LAST_DAY:
        assert next_day(lunar) == to_lunar(day + timedelta(days=1)) > lunar or lunar.leap


@pytest.mark.parametrize("day", [FIRST_DAY - timedelta(days=1), LAST_DAY + timedelta(days=1), date(1, 1, 1), date(9999, 12, 31)])
def test_nothing_is_reckoned_beyond_the_table(day: date) -> None:
    with pytest.raises(CalendarError) as caught:
        to_lunar(day)
    assert code_of(caught.value) == "calendar.out_of_range"
    assert isinstance(caught.value, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_first_and_the_last_day_of_the_table_are_converted() -> None:
    assert to_lunar(FIRST_DAY) == (1900, 1, 1, False)
    assert to_lunar(LAST_DAY) == (2100, 12, 29, False)


def test_three_months_are_provisional_and_say_so() -> None:
    # The new moons within two minutes of midnight about which the sources differ
    assert PROVISIONAL_MONTHS == ((2057, 9), (2089, 8), (2097, 7))
    for year, month in PROVISIONAL_MONTHS:
        assert to_lunar(to_solar(LunarDate(year, month, 1))).provisional
        assert LunarDate(year, month - 1, 30).provisional
        assert not LunarDate(year, month - 1, 29).provisional
        assert not LunarDate(year, month + 1, 1).provisional


@covers("BD-LUNAR-FROM-SOLAR-NEAR-NEW-YEAR", "BD-LUNAR-1954-TABLE-BUG")
@pytest.mark.parametrize(
    ("solar", "lunar"),
    [
        ("1990-01-20", (1989, 12, 24, False)),  # BD-LUNAR-FROM-SOLAR-NEAR-NEW-YEAR
        ("1954-12-10", (1954, 11, 16, False)),  # BD-LUNAR-1954-TABLE-BUG
    ],
)
def test_a_day_has_the_lunar_date_of_the_case(solar: str, lunar: tuple[int, int, int, bool]) -> None:
    assert to_lunar(date.fromisoformat(solar)) == lunar
    wanted = next(case["then"]["lunar"] for case in CARE.values() if case["given"].get("born_solar") == solar)
    assert lunar_of(wanted) == lunar


def test_a_lunar_date_is_written_as_people_read_it() -> None:
    assert str(LunarDate(1987, 6, 10, True)) == "1987-06-10 leap"
    assert str(LunarDate(1985, 8, 15)) == "1985-08-15"


@pytest.mark.parametrize("year", [1899, 2101])
def test_years_outside_the_table_are_refused(year: int) -> None:
    for ask in (leap_month, term_days, lambda year: term_day(year, "立春"), lambda year: lunar_days(LunarDate(2000, 1, 1), year)):
        with pytest.raises(CalendarError) as caught:
            ask(year)
        assert code_of(caught.value) == "calendar.out_of_range"
    assert days_in(year, 1) == 0


# -- solar terms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", VECTORS["solar_terms_2024_2035"])
def test_solar_terms_fall_on_the_days_of_the_reference(year: str) -> None:
    for name, row in VECTORS["solar_terms_2024_2035"][year].items():
        day = date.fromisoformat(row["date"])
        assert term_day(int(year), name) == day
        assert term_on(day) == name
        assert term_on(day + timedelta(days=1)) is None


def test_before_1929_the_terms_are_those_of_the_printed_almanac() -> None:
    early = [vector for vector in VECTORS["tricky_solar_terms"] if vector["year"] < 1929]
    assert len(early) == 5
    for vector in early:
        assert term_day(vector["year"], vector["term"]).isoformat() == vector["libs"]["borax"] == vector["libs"]["tyme4py.day"]


def test_terms_that_are_not_determined_are_named() -> None:
    tricky = {(vector["year"], vector["term"]) for vector in VECTORS["tricky_solar_terms"]}
    assert set(PROVISIONAL_TERMS) <= tricky
    assert all(year > 2026 for year, _ in PROVISIONAL_TERMS)


def test_terms_have_a_chinese_and_an_english_name() -> None:
    assert len(TERM_NAMES) == len(TERM_SLUGS) == len({*TERM_NAMES, *TERM_SLUGS}) // 2 == 24
    assert term_day(2026, "start_of_spring") == term_day(2026, "立春") == date(2026, 2, 4)
    with pytest.raises(CalendarError) as caught:
        term_day(2026, "春天")
    assert code_of(caught.value) == "calendar.no_such_term"


@pytest.mark.parametrize(
    ("day", "season"),
    [
        ("2026-01-01", "winter"),
        ("2026-02-03", "winter"),
        ("2026-02-04", "spring"),
        ("2026-05-05", "summer"),
        ("2026-08-07", "autumn"),
        ("2026-11-07", "winter"),
    ],
)
def test_seasons_change_on_the_four_beginnings(day: str, season: str) -> None:
    assert season_on(date.fromisoformat(day)) == season  # 立春 4 Feb, 立夏 5 May, 立秋 7 Aug, 立冬 7 Nov 2026


# -- festivals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", VECTORS["festivals_1990_2050"])
def test_chinese_festivals_fall_on_the_days_of_the_reference(year: str) -> None:
    for name, text in VECTORS["festivals_1990_2050"][year].items():
        if name == "chuxi_eve_of_next_year":
            assert FESTIVALS["chuxi"].in_year(int(year) + 1) == (date.fromisoformat(text),)
        elif name in FESTIVALS:
            day = date.fromisoformat(text)  # laba mostly falls into the next year of the common calendar
            assert day in FESTIVALS[name].in_year(day.year)
            assert name in festivals_on(day)


@covers("HOL-SPRING-2027", "HOL-CHUXI-29")
def test_spring_festival_of_2027_and_the_last_days_of_the_lunar_years() -> None:
    assert iso(FESTIVALS["spring_festival"].in_year(2027)) == [CARE["HOL-SPRING-2027"]["then"]["occurrence"]]
    eves = [iso(FESTIVALS["chuxi"].in_year(year))[0] for year in range(2025, 2032)]
    assert eves == CARE["HOL-CHUXI-29"]["then"]["occurrences"]


def test_easter_is_the_sunday_that_another_library_computes() -> None:
    years = range(1900, 2200)
    assert [easter(year) for year in years] == [easter_of_dateutil(year) for year in years]
    assert [orthodox_easter(year) for year in years] == [easter_of_dateutil(year, EASTER_ORTHODOX) for year in years]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        # Easter Sunday 2026 is 5 April
        ("good_friday", "2026-04-03"),
        ("shrove_tuesday", "2026-02-17"),
        ("ash_wednesday", "2026-02-18"),
        ("ascension", "2026-05-14"),
        ("pentecost", "2026-05-24"),
        ("corpus_christi", "2026-06-04"),
        ("mothers_day", "2026-05-10"),
        ("fathers_day", "2026-06-21"),
        ("thanksgiving", "2026-11-26"),
        ("black_friday", "2026-11-27"),
        ("advent", "2026-11-29"),
        ("christmas", "2026-12-25"),
    ],
)
def test_western_festivals_are_kept_on_their_days(name: str, day: str) -> None:
    assert iso(FESTIVALS[name].in_year(2026)) == [day]


def test_advent_begins_on_the_fourth_sunday_before_christmas() -> None:
    # Christmas 2022 was a Sunday, so that Advent began four weeks before; 2023 it was a Monday
    assert FESTIVALS["advent"].in_year(2022) == (date(2022, 11, 27),)
    assert FESTIVALS["advent"].in_year(2023) == (date(2023, 12, 3),)


def test_a_day_may_have_several_festivals() -> None:
    assert festivals_on(date(2020, 10, 1)) == ("mid_autumn", "national_day")
    assert festival_of(date(2020, 10, 1)) == "mid_autumn"
    assert festivals_on(date(2026, 10, 9)) == ()


def test_a_festival_of_the_moon_may_fall_twice_or_not_at_all_into_a_year() -> None:
    counts = {len(FESTIVALS["laba"].in_year(year)) for year in range(1901, 2100)}
    assert counts == {0, 1, 2}
    assert sum(len(FESTIVALS["laba"].in_year(year)) for year in range(1900, 2102)) == 201  # once a lunar year


def test_festivals_beyond_the_table_are_left_out() -> None:
    assert FESTIVALS["mid_autumn"].in_year(2150) == FESTIVALS["qingming"].in_year(2150) == FESTIVALS["chuxi"].in_year(2150) == ()
    assert FESTIVALS["chuxi"].in_year(2101) == (date(2101, 1, 28),)
    assert FESTIVALS["christmas"].in_year(2150) == (date(2150, 12, 25),)
    assert term_of(date(2150, 2, 4)) is season_of(date(2150, 2, 4)) is None


def test_festivals_are_named_in_english_and_chinese() -> None:
    assert festival_name("中秋") == festival_name("中秋节") == festival_name("mid_autumn") == "mid_autumn"
    assert festival_name("Mid-Autumn") is None
    assert len({festival.zh for festival in FESTIVALS.values()}) == len(FESTIVALS)
    assert {name for name, festival in FESTIVALS.items() if festival.solemn and festival.locale == "CN"} == {
        "qingming", "zhongyuan", "hanyi", "xiayuan", "martyrs_day", "memorial_day",
    }  # fmt: skip


# -- birthdays -----------------------------------------------------------------------------------------------------------


def occurrences(case: dict[str, Any]) -> Iterator[tuple[int, list[str]]]:
    """The lunar years of a case with the days on which its birthday is kept, by our rules."""
    data = case["given"]
    keeping = Keeping(lunar_leap=data.get("leap_policy", "LEAP_IF_EXISTS").lower(), lunar_day30=data.get("day30", "BACKWARD").lower())
    for year in case["then"]["occurrences"]:
        yield int(year), iso(lunar_days(lunar_of(data["lunar_birth"]), int(year), keeping))


KEPT = [name for name, case in CARE.items() if case["category"] == "birthday_lunar" and "occurrences" in case["then"]]


@covers(*KEPT)
@pytest.mark.parametrize("name", KEPT)
def test_a_lunar_birthday_is_kept_on_the_days_of_the_case(name: str) -> None:
    found = {str(year): kept for year, kept in occurrences(CARE[name])}
    assert found == CARE[name]["then"]["occurrences"]


@covers("BD-LUNAR-REGULAR-IN-LEAP-YEAR")
def test_a_plain_month_is_kept_once_unless_both_are_asked_for() -> None:
    case = CARE["BD-LUNAR-REGULAR-IN-LEAP-YEAR"]
    assert iso(lunar_days(lunar_of(case["given"]["lunar_birth"]), 2025)) == case["then"]["occurrences_default"]
    assert iso(lunar_days(lunar_of(case["given"]["lunar_birth"]), 2025, Keeping(lunar_leap="both"))) == case["then"]["occurrences_BOTH"]


@covers("BD-LUNAR-2033")
def test_the_year_2033_has_its_leap_month_after_the_eleventh() -> None:
    case = CARE["BD-LUNAR-2033"]
    for customer in case["given"]["customers"]:
        month, day, *leap = customer["lunar"]
        assert iso(lunar_days(LunarDate(2000, month, day, bool(leap)), 2033)) == case["then"][customer["id"]]


def test_a_day_of_the_last_lunar_year_that_lies_beyond_the_table_is_left_out() -> None:
    assert lunar_days(LunarDate(2000, 12, 30), 2100, Keeping(lunar_day30="forward")) == ()
    assert lunar_days(LunarDate(2000, 12, 30), 2100) == (LAST_DAY,)


# RFC 7529 as libical reads it: from 2013, day 10 of the leap month 9 (the next after 2014 is 2109, beyond the table).
RSCALE = {
    "RSCALE-9L-OMIT": ("omit", range(2014, 2101), 1),
    "RSCALE-9L-BACKWARD": ("leap_if_exists", range(2014, 2101), 3),
}


@covers(*RSCALE)
@pytest.mark.parametrize("name", RSCALE)
def test_leap_months_are_skipped_as_rfc_7529_has_it(name: str) -> None:
    rule, years, count = RSCALE[name]
    found = [day for year in years for day in lunar_days(LunarDate(2013, 9, 10, True), year, Keeping(lunar_leap=rule))]  # type: ignore[arg-type]  # one of its words
    assert iso(found[:count]) == CARE[name]["then"]["instances"][:count]
    assert rule != "omit" or len(found) == 1


@covers("RSCALE-CNY")
def test_the_first_day_of_the_lunar_year_comes_as_rfc_7529_expands_it() -> None:
    years = range(2013, 2018)
    assert iso([day for year in years for day in lunar_days(LunarDate(2013, 1, 1), year)]) == CARE["RSCALE-CNY"]["then"]["instances"]


def test_forward_is_the_month_after_where_there_is_no_leap_month() -> None:
    # libical's test file: BYMONTH=9L;BYMONTHDAY=10;SKIP=FORWARD gives 2013-11-12, 2014-11-02, 2015-11-21
    found = [lunar_days(LunarDate(2013, 9, 10, True), year, Keeping(lunar_leap="forward")) for year in (2013, 2014, 2015)]
    assert [iso(kept) for kept in found] == [["2013-11-12"], ["2014-11-02"], ["2015-11-21"]]


@covers("BD-SOLAR-FEB29-BACKWARD", "BD-SOLAR-FEB29-OMIT", "BD-SOLAR-FEB29-2100")
@pytest.mark.parametrize("name", ["BD-SOLAR-FEB29-BACKWARD", "BD-SOLAR-FEB29-OMIT", "BD-SOLAR-FEB29-2100"])
def test_29_february_is_kept_as_the_case_says(name: str) -> None:
    case = CARE[name]
    rule = case["given"]["feb29"].lower()
    kept = [solar_day(date.fromisoformat(case["given"]["birth_date"]), year, rule) for year in case["when"]["plan_years"]]
    assert [day.isoformat() if day else None for day in kept] == case["then"]["occurrences"]


@covers("BD-SOLAR-FEB29-LEAPYEAR-ONCE")
def test_29_february_is_kept_once_in_a_leap_year() -> None:
    case = CARE["BD-SOLAR-FEB29-LEAPYEAR-ONCE"]
    born = Birthday(date(1996, 2, 29))
    first, last = map(date.fromisoformat, case["when"]["plan_range"])
    assert (
        iso([day for day in (first + timedelta(days=ahead) for ahead in range((last - first).days + 1)) if born.is_kept(day)])
        == case["then"]["occurrences"]
    )


def test_forward_is_the_first_of_march() -> None:
    assert solar_day(date(1992, 2, 29), 2026, "forward") == date(2026, 3, 1)  # BD-SOLAR-LEAD-TIME


@given(born=st.dates(FIRST_DAY, date(2020, 12, 31)), today=st.dates(date(2021, 1, 1), date(2090, 1, 1)))
def test_the_next_birthday_is_the_first_day_on_which_it_is_kept(born: date, today: date) -> None:
    for birthday in (Birthday(born), Birthday(born, to_lunar(born))):
        kept = birthday.from_day(today)
        assert kept is not None
        between = [today + timedelta(days=ahead) for ahead in range((kept.day - today).days)]
        assert birthday.is_kept(kept.day)
        assert not any(map(birthday.is_kept, between))
        assert birthday.in_month(kept.day)
        assert 0 <= (kept.day - today).days <= 385


def test_cycles_of_birthdays_are_years_of_their_calendar() -> None:
    leap = Birthday(date(1987, 8, 4), LunarDate(1987, 6, 10, True))
    assert leap.in_cycle(2025) == ((date(2025, 8, 3), "lunar 2025"),)
    assert [kept.cycle for kept in leap.in_cycle(2025, Keeping(lunar_leap="both"))] == ["lunar 2025", "lunar 2025 2"]
    assert Birthday(date(1987, 8, 4)).in_cycle(2025) == ((date(2025, 8, 4), "2025"),)
    assert leap.in_cycle(1987) == leap.in_cycle(2101) == leap.in_cycle(1800) == ()  # the day of birth itself is none
    assert leap.from_day(date(2150, 1, 1)) is None
    assert not leap.is_kept(date(2150, 1, 1))
    assert not leap.in_month(date(2150, 1, 1))
    assert leap.in_month(date(2025, 8, 31))
    assert not leap.in_month(date(2025, 7, 31))


# -- in programs ---------------------------------------------------------------------------------------------------------


PROGRAM = """
program: p
zone: Asia/Shanghai
currency: CNY
profile: {birthday: {type: birthday}}
calendar:
  moon: {festival: 中秋}
  holidays: {festival: [national_day, spring_festival]}
  beginnings: {solar_term: [立春, start_of_summer]}
policies:
  - {id: points, kind: points.account, expiry: never}
  - id: earn
    kind: points.accrual
    points_per_unit: 1
    rounding: floor
    combine: best
    multiply:
      - {by: 2, when: {birthday_today: true}}
      - {by: 3, when: {moon: true}}
      - {by: 5, when: {solar_term: 立秋}}
      - {by: 7, when: {festival: christmas}}
      - {by: 11, when: {beginnings: true}}
"""


def points_on(day: str, birthday: object) -> object:
    program = cr.loads(PROGRAM)
    assert cr.loads(program.to_json()) == program
    at = f"{day}T12:00:00+08:00"
    joined = {"type": "enrolment", "id": "e", "customer_id": "c", "occurred_at": "2025-01-01T12:00:00+08:00", "profile": {"birthday": birthday}}
    state = program.step(cr.State.new("c"), program.event(joined)).state
    bought = program.step(state, program.event({"type": "purchase", "id": "o", "customer_id": "c", "occurred_at": at, "amount": "10.00"}))
    return cr.State.from_json(bought.state.to_json()).points("points").available


@pytest.mark.parametrize(
    ("day", "birthday", "points"),
    [
        # 10 of the leap 6th month 1987: 2025 has a leap 6th month (3 August), 2026 has none: 10 of the 6th month is 23 July
        ("2025-08-03", {"lunar": "1987-06-10", "leap": True}, 20),
        ("2025-07-04", {"lunar": "1987-06-10", "leap": True}, 10),
        ("2026-07-23", {"lunar": "1987-06-10", "leap": "true"}, 20),
        ("2026-07-23", "lunar 1987-06-10 leap", 20),
        ("2026-08-04", "1987-08-04", 20),
        ("2026-09-25", "1987-08-04", 30),  # Mid-Autumn
        ("2026-08-07", "1987-08-04", 50),  # 立秋
        ("2026-12-25", "1987-08-04", 70),
        ("2026-05-05", "1987-08-04", 110),  # 立夏
    ],
)
def test_birthdays_festivals_and_terms_are_facts(day: str, birthday: object, points: int) -> None:
    assert points_on(day, birthday) == points


@covers("BD-LUNAR-NONEXISTENT-INPUT")
@pytest.mark.parametrize(
    ("birthday", "code"),
    [
        ({"lunar": "2024-02-01", "leap": True}, "calendar.no_such_leap_month"),  # BD-LUNAR-NONEXISTENT-INPUT
        ({"lunar": "2026-12-30"}, "calendar.no_such_day"),
        ({"lunar": "1899-12-01"}, "calendar.out_of_range"),
        ({"lunar": "1987-6-10"}, "event.bad_profile_field"),
        ("lunar 1987-06", "event.bad_profile_field"),
        ("1987-02-30", "event.bad_profile_field"),
        ("4 August", "event.bad_profile_field"),
        (19870804, "event.bad_profile_field"),
        ("1812-01-01", "event.bad_profile_field"),
    ],
)
def test_a_birthday_that_cannot_be_is_refused(birthday: object, code: str) -> None:
    with pytest.raises(cr.EventError) as caught:
        points_on("2026-08-04", birthday)
    assert [(found.code, found.path) for found in caught.value.diagnostics] == [(code, "profile.birthday")]


@pytest.mark.parametrize("birthday", [{"leap": True}, {"lunar": "1987-06-10", "month": 1}, {"lunar": "1987-06-10", "leap": "maybe"}, {}])
def test_a_mapping_that_is_no_lunar_birthday_is_refused(birthday: dict[str, object]) -> None:
    with pytest.raises(PydanticCustomError):
        birthday_text(birthday)
    with pytest.raises(cr.EventError):
        points_on("2026-08-04", birthday)


def test_a_birthday_is_the_day_of_birth_by_both_calendars() -> None:
    assert read_birthday("lunar 1987-06-10 leap") == (date(1987, 8, 4), (1987, 6, 10, True))
    assert read_birthday("1987-08-04") == (date(1987, 8, 4), None)


@pytest.mark.parametrize("rule", [{"festival": "spring"}, {"festival": []}, {"solar_term": "春"}, {"solar_term": [1]}, {"festival": {}}])
def test_no_other_word_is_a_festival_or_a_term(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DayRule.model_validate(rule)


def test_a_named_day_may_be_of_several_festivals() -> None:
    rule = DayRule.model_validate({"festival": ["national_day", "国庆"], "month": "10"})
    assert rule.festival == ("national_day",)
    assert rule.holds(date(2026, 10, 1))
    assert not rule.holds(date(2026, 10, 2))
    assert rule.model_dump(mode="json", exclude_defaults=True) == {"festival": "national_day", "month": 10}
