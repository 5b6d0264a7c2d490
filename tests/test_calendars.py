"""Local days, months from an anchor, spans, windows, and the facts of the calendar."""

from __future__ import annotations

import pickle
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from custrules.calendars import (
    ONE_DAY,
    Duration,
    Length,
    MissingZoneData,
    Span,
    Window,
    add_months,
    anniversary,
    end_of_day,
    known_zone,
    local_day,
    start_of_day,
)
from custrules.calendars.birthdays import Birthday
from custrules.calendars.rules import WEEKDAYS, DayRule, birthday_month, birthday_today, birthday_week, next_difference, tomorrow
from custrules.calendars.spans import end_of_period, start_of_period
from custrules.calendars.windows import Standing, Years
from custrules.errors import MissingExtra

days = st.dates(date(2019, 12, 1), date(2025, 3, 31))
ODD_COUNTS = [
    "",
    "12",
    "months",
    "0 days",
    "010 days",
    "-1 days",
    "+1 days",
    "1.5 days",
    "1_0 days",
    "４ days",
    "1e2 days",
    "12  months",
    "12\tmonths",
]


def every_day(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))


def code_of(read: Callable[[str], object], text: str) -> str:
    with pytest.raises(PydanticCustomError) as caught:
        read(text)
    return caught.value.type


# -- local days ----------------------------------------------------------------------------------------------------------

# Each zone with days on which its clocks change near midnight.
CHANGES = [
    ("America/Sao_Paulo", date(2018, 11, 4)),  # 00:00 becomes 01:00: there is no midnight
    ("America/Sao_Paulo", date(2018, 2, 18)),  # 00:00 becomes 23:00 of the day before
    ("Asia/Beirut", date(2023, 3, 30)),  # 00:00 becomes 01:00
    ("Asia/Beirut", date(2023, 10, 29)),  # 00:00 becomes 23:00 of the day before
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that was left out
    ("Pacific/Kwajalein", date(1993, 8, 21)),  # another
    ("Pacific/Kwajalein", date(1969, 9, 30)),  # a day that came twice
    ("America/St_Johns", date(2009, 3, 8)),  # 00:01 becomes 01:01
    ("America/St_Johns", date(2009, 11, 1)),  # 00:01 becomes 23:01 of the day before
    ("America/Havana", date(2023, 11, 5)),  # 01:00 becomes 00:00: midnight comes twice
    ("America/Toronto", date(1919, 3, 31)),  # 23:30 becomes 00:30 of the next day
    ("America/Scoresbysund", date(2025, 3, 30)),  # 23:00 becomes 00:00
    ("Asia/Shanghai", date(2026, 3, 31)),  # nothing happens
]


def around(zone: ZoneInfo, day: date) -> Iterator[datetime]:
    """Instants every five minutes, and those beside them, of the days around a day."""
    first = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    for step in range(4 * 24 * 12):
        instant = first + timedelta(minutes=5 * step)
        yield from (instant - timedelta(microseconds=1), instant)


@pytest.mark.parametrize(("name", "day"), CHANGES)
def test_every_instant_lies_in_one_local_day_and_days_never_run_backwards(name: str, day: date) -> None:
    zone = ZoneInfo(name)
    found = [local_day(instant, zone) for instant in around(zone, day)]
    assert found == sorted(found)
    for instant, own in zip(around(zone, day), found, strict=True):
        assert start_of_day(own, zone) <= instant <= end_of_day(own, zone)


@pytest.mark.parametrize(("name", "day"), CHANGES)
def test_a_day_starts_with_the_first_instant_whose_clock_shows_it(name: str, day: date) -> None:
    zone = ZoneInfo(name)
    first = next(instant for instant in around(zone, day) if instant.astimezone(zone).date() >= day)
    start = start_of_day(day, zone)
    assert start <= first
    assert start.astimezone(zone).date() >= day
    assert (start - timedelta(microseconds=1)).astimezone(zone).date() < day


@pytest.mark.parametrize(
    ("name", "day", "start"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC)),  # the offset was -03:00 until then
        ("America/Toronto", date(1919, 3, 31), datetime(1919, 3, 31, 4, 30, tzinfo=UTC)),  # 23:30 at -05:00
        ("America/Havana", date(2023, 11, 5), datetime(2023, 11, 5, 4, tzinfo=UTC)),  # the first of two, at -04:00
        ("Asia/Shanghai", date(2026, 3, 31), datetime(2026, 3, 30, 16, tzinfo=UTC)),
    ],
)
def test_a_day_starts_at_midnight_or_when_the_clocks_jump(name: str, day: date, start: datetime) -> None:
    assert start_of_day(day, ZoneInfo(name)) == start


def test_a_day_that_was_left_out_is_the_day_of_no_instant() -> None:
    apia, left_out = ZoneInfo("Pacific/Apia"), date(2011, 12, 30)
    assert start_of_day(left_out, apia) == start_of_day(date(2011, 12, 31), apia) == datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert left_out not in {local_day(instant, apia) for instant in around(apia, left_out)}


@pytest.mark.parametrize("name", ["Asia/Shanghai", "America/Sao_Paulo", "UTC"])
def test_a_known_zone_is_found(name: str) -> None:
    assert known_zone(name) == ZoneInfo(name)


@pytest.mark.parametrize("name", ["Asia/Beijing", "", "../etc/passwd", "/etc/passwd", "Asia", "UTC+8", "a\0b", "a" * 10_000, "localtime", 5])
def test_no_other_name_is_a_zone(name: Any) -> None:
    assert known_zone(name) is None


def test_a_machine_without_zones_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> ZoneInfo:
        raise LookupError(name)

    monkeypatch.setattr("custrules.calendars.days.ZoneInfo", nothing)
    with pytest.raises(MissingZoneData, match=r"'Asia/Shanghai' on this machine.*pip install tzdata$") as caught:
        known_zone("Asia/Shanghai")
    assert isinstance(caught.value, MissingExtra)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


# -- months and spans ----------------------------------------------------------------------------------------------------


@given(days, st.integers(-1200, 1200))
def test_months_are_added_from_the_anchor_and_clamped_at_the_end_of_the_month(day: date, months: int) -> None:
    found = add_months(day, months)
    ahead = day.year * 12 + day.month - 1 + months
    assert (found.year, found.month) == (ahead // 12, ahead % 12 + 1)
    assert found.day == day.day or (found.day < day.day and (found + ONE_DAY).day == 1)


@pytest.mark.parametrize(
    ("span", "anchor", "last"),
    [
        ("12 months", date(2024, 2, 29), date(2025, 2, 28)),
        ("48 months", date(2024, 2, 29), date(2028, 2, 29)),
        ("1 month", date(2026, 1, 31), date(2026, 2, 28)),
        ("1 year", date(2026, 3, 31), date(2027, 3, 31)),
        ("2 quarters", date(2026, 8, 31), date(2027, 2, 28)),
        ("1 week", date(2026, 12, 28), date(2027, 1, 4)),
        ("30 days", date(2026, 1, 31), date(2026, 3, 2)),
        ({"length": "12 months", "rounded_to": "end_of_month"}, date(2024, 2, 29), date(2025, 2, 28)),
        ({"length": "1 month", "rounded_to": "end_of_month"}, date(2026, 1, 31), date(2026, 2, 28)),
        ({"length": "1 day", "rounded_to": "end_of_quarter"}, date(2026, 3, 31), date(2026, 6, 30)),
        ({"length": "1 day", "rounded_to": "end_of_half"}, date(2026, 6, 29), date(2026, 6, 30)),
        ({"length": "12 months", "rounded_to": "end_of_year"}, date(2026, 1, 1), date(2027, 12, 31)),
        ({"length": "12 months", "rounded_to": "end_of_year", "plus": "2 months"}, date(2026, 5, 5), date(2028, 2, 29)),
        ({"length": "1 month", "plus": "10 days"}, date(2026, 1, 31), date(2026, 3, 10)),
    ],
)
def test_the_last_day_is_anchor_plus_length_rounded_plus_more(span: Any, anchor: date, last: date) -> None:
    assert Span.model_validate(span).last_day(anchor) == last


lengths = st.builds(lambda count, unit: Length.parse(f"{count} {unit}"), st.integers(1, 40), st.sampled_from(["days", "weeks", "months", "quarters"]))


@given(days, lengths)
def test_a_length_is_what_relativedelta_says(day: date, length: Length) -> None:
    step = relativedelta(months=length.months, days=length.days)
    assert (length.after(day), length.before(day)) == (day + step, day - step)


spans = st.builds(
    lambda length, rounded_to, plus: Span(length=length, rounded_to=rounded_to, plus=plus),
    lengths,
    st.sampled_from([None, "end_of_month", "end_of_quarter", "end_of_half", "end_of_year"]),
    st.none() | lengths,
)


@given(days, spans)
def test_no_span_is_longer_than_it_says_it_is_at_most(day: date, span: Span) -> None:
    assert 0 <= (span.last_day(day) - day).days <= span.at_most_days


@given(spans)
def test_a_span_is_read_back_from_what_it_writes(span: Span) -> None:
    assert Span.model_validate(span.model_dump()) == span
    assert Span.model_validate_json(span.model_dump_json()) == span


@pytest.mark.parametrize("months", [1, 3, 6, 12])
def test_a_period_holds_its_days_and_no_others(months: int) -> None:
    for day in every_day(date(2023, 12, 1), date(2025, 1, 31)):
        first, last = start_of_period(day, months), end_of_period(day, months)
        inside = [other for other in every_day(date(2023, 1, 1), date(2025, 12, 31)) if first <= other <= last]
        index = (day.month - 1) // months
        assert {(other.year, (other.month - 1) // months) for other in inside} == {(day.year, index)}
        assert len({other.month for other in inside}) == months
        assert (first.day, (last + ONE_DAY).day) == (1, 1)


@pytest.mark.parametrize(("text", "written"), [("1 months", "1 month"), ("12 month", "12 months"), ("3 weeks", "3 weeks"), (" 1 year ", "1 year")])
def test_a_length_is_written_in_one_way(text: str, written: str) -> None:
    length = Length._validate(text)
    assert str(length) == written
    assert repr(length) == f"Length.parse({written!r})"
    assert length == pickle.loads(pickle.dumps(length)) == Length.parse(written)
    assert hash(length) == hash(Length.parse(written))


@pytest.mark.parametrize("text", [*ODD_COUNTS, "1 fortnight", "2 hours", "1 monthss", "1 Month", "P1M"])
def test_nothing_else_is_a_length(text: str) -> None:
    assert code_of(Length.parse, text) == "document.wrong_type"


@pytest.mark.parametrize("text", ["101 years", "1201 months", "36601 days", "999999 weeks"])
def test_a_length_of_more_than_a_century_is_refused(text: str) -> None:
    assert code_of(Length.parse, text) == "document.too_long"


@pytest.mark.parametrize(
    ("text", "delta"),
    [
        ("3 days", timedelta(days=3)),
        ("24 hours", timedelta(days=1)),
        ("90 minutes", timedelta(hours=1, minutes=30)),
        ("1 week", timedelta(days=7)),
        ("0 days", timedelta(0)),
    ],
)
def test_a_duration_is_an_exact_stretch_of_time(text: str, delta: timedelta) -> None:
    duration = Duration.parse(text)
    assert (duration.delta, str(duration)) == (delta, text)
    assert duration == pickle.loads(pickle.dumps(duration))
    assert (repr(duration), hash(duration)) == (f"Duration.parse({text!r})", hash(Duration.parse(text)))


@pytest.mark.parametrize("text", [*(text for text in ODD_COUNTS if text != "0 days"), "1 month", "1 year", "24h", "1 second", "00 days"])
def test_nothing_else_is_a_duration(text: str) -> None:
    assert code_of(Duration.parse, text) == "document.wrong_type"


def test_a_duration_of_more_than_ten_years_is_refused() -> None:
    assert Duration.parse("3660 days").delta == timedelta(days=3660)
    assert code_of(Duration.parse, "3661 days") == "document.too_long"


class Holder(BaseModel):
    length: Length = Length.parse("1 day")
    window: Window = Window.parse("lifetime")
    span: Span = Span(length=Length.parse("1 day"))


@pytest.mark.parametrize("value", [12, None, True, [], {}, 1.5])
@pytest.mark.parametrize("field", ["length", "window", "span"])
def test_what_is_no_text_is_no_length_window_or_span(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Holder.model_validate({field: value})


@pytest.mark.parametrize("part", [{"rounded_to": "end_of_week"}, {"length": "x"}, {"plus": "2"}, {"pluss": "2 days"}])
def test_a_span_of_parts_refuses_what_it_does_not_know(part: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Span.model_validate({"length": "1 day"} | part)


# -- windows -------------------------------------------------------------------------------------------------------------

WINDOWS = [
    "1 day",
    "30 days",
    "2 weeks",
    "1 month",
    "3 months",
    "12 months",
    "1 quarter",
    "1 year",
    "this calendar week",
    "this calendar month",
    "this 2 calendar quarters",
    "this calendar half",
    "this calendar year",
    "last calendar week",
    "last 3 calendar months",
    "last calendar quarter",
    "last 2 calendar halves",
    "last calendar year",
    "lifetime",
]
EDGES = [
    *every_day(date(2024, 1, 27), date(2024, 4, 2)),
    *every_day(date(2023, 2, 26), date(2023, 3, 3)),
    *every_day(date(2024, 12, 25), date(2025, 1, 8)),
    date(2024, 6, 30),
    date(2024, 7, 1),
    date(2024, 8, 31),
]


def number_of(period: str, day: date) -> int:
    """Which week, month, quarter, half or year since the beginning a day lies in; 1 January of the year 1 was a Monday."""
    if period == "week":
        return (day.toordinal() - 1) // 7
    return (day.year * 12 + day.month - 1) // {"month": 1, "quarter": 3, "half": 6, "year": 12}[period]


def holds(text: str, on: date, day: date) -> bool:
    """Whether a window holds a day, by its definition."""
    words = text.split()
    if text == "lifetime":
        return day <= on
    if "calendar" not in words:
        count, unit = int(words[0]), words[1].removesuffix("s")
        step = {"day": {"days": 1}, "week": {"days": 7}, "month": {"months": 1}, "quarter": {"months": 3}, "year": {"months": 12}}[unit]
        return on - relativedelta(**{name: number * count for name, number in step.items()}) < day <= on  # type: ignore[arg-type]  # a unit of time
    count = int(words[1]) if len(words) == 4 else 1
    period = "half" if words[-1] == "halves" else words[-1].removesuffix("s")
    ago = number_of(period, on) - number_of(period, day)
    return 0 <= ago < count and day <= on if words[0] == "this" else 1 <= ago <= count


def inside(window: Window, on: date, day: date) -> bool:
    after, upto = window.bounds(on)
    return (after is None or after < day) and day <= upto


@pytest.mark.parametrize("text", WINDOWS)
def test_a_window_holds_the_days_of_its_definition(text: str) -> None:
    window = Window.parse(text)
    for on in EDGES:
        for day in every_day(on - timedelta(days=400), on + timedelta(days=2)):
            assert inside(window, on, day) == holds(text, on, day), (on, day)


@pytest.mark.parametrize("text", WINDOWS)
def test_no_window_reaches_back_further_than_it_says(text: str) -> None:
    window = Window.parse(text)
    for on in EDGES:
        after, _ = window.bounds(on)
        assert (after is None) == (window.at_most_days is None)
        assert after is None or (on - after).days <= (window.at_most_days or 0)


@given(st.sampled_from(WINDOWS), st.sampled_from(EDGES) | days, st.lists(st.integers(-420, 60), max_size=8, unique=True))
def test_what_a_window_holds_never_changes_before_the_day_it_names(text: str, on: date, offsets: list[int]) -> None:
    window, counted = Window.parse(text), sorted(on + timedelta(days=offset) for offset in offsets)

    def held(day: date) -> list[date]:
        return [other for other in counted if inside(window, day, other)]

    earliest = next(iter(held(on)), None)
    following = next((day for day in counted if day > on), None)
    named = window.next_change(on, earliest, following)
    changed = next((day for day in every_day(on + ONE_DAY, on + timedelta(days=800)) if held(day) != held(on)), None)
    assert named is None or named > on
    assert changed is None or (named is not None and named <= changed)


@pytest.mark.parametrize("text", [text for text in WINDOWS if "calendar" not in text])
def test_a_rolling_window_names_the_very_day_on_which_it_changes(text: str) -> None:
    window = Window.parse(text)
    for day in EDGES:
        later = every_day(day + ONE_DAY, day + timedelta(days=400))
        assert window.next_change(day, day, None) == next((on for on in later if not inside(window, on, day)), None)


def test_a_rolling_window_in_which_nothing_is_counted_never_changes() -> None:
    assert Window.parse("30 days").next_change(date(2026, 1, 1), None, None) is None
    assert Window.parse("lifetime").next_change(date(2026, 1, 1), date(2025, 1, 1), None) is None


def test_a_day_counted_on_the_31st_leaves_a_window_of_a_month_on_the_first_of_march() -> None:
    # as of 28 February the window holds the days after 28 January, as of 1 March those after 1 February
    assert Window.parse("1 month").next_change(date(2026, 1, 31), date(2026, 1, 31), None) == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("text", "written"), [("12 month", "12 months"), ("last  3 calendar months", "last 3 calendar months"), ("lifetime", "lifetime")]
)
def test_a_window_is_written_in_one_way(text: str, written: str) -> None:
    window = Window.parse(text)
    assert str(window) == written
    assert repr(window) == f"Window.parse({written!r})"
    assert window == Window.parse(written)
    assert hash(window) == hash(Window.parse(written))


ODD_WINDOWS = [
    "next calendar month",
    "this calendar day",
    "last 0 calendar months",
    "last 01 calendar months",
    "last calendar",
    "calendar month",
    "Lifetime",
]
LONG_WINDOWS = ["last 1201 calendar years", "last " + "9" * 5000 + " calendar years", "last ４ calendar weeks", "200 years"]


@pytest.mark.parametrize("text", [*ODD_COUNTS, *ODD_WINDOWS, *LONG_WINDOWS, "24 hours"])
def test_nothing_else_is_a_window(text: str) -> None:
    assert code_of(Window.parse, text) == "document.wrong_type"


# -- windows that depend on how a customer stands ------------------------------------------------------------------------

JOINED = [date(2020, 2, 29), date(2021, 1, 1), date(2021, 3, 31), date(2021, 12, 31), date(2024, 2, 28)]


def calendar_year(day: date) -> int:
    return day.year


def year_of_membership(joined: date) -> Callable[[date], int]:
    """The number of the membership year that holds a day: how many anniversaries have come, the 29th of February kept on the 28th."""
    anniversaries = [joined + relativedelta(years=number) for number in range(-20, 20)]
    return lambda day: bisect_right(anniversaries, day)


def years_of(window: Window, standing: Standing) -> Callable[[date], int]:
    by_joining = window.kind == "membership" or standing.years == "membership"
    return year_of_membership(standing.joined) if by_joining and standing.joined is not None else calendar_year


def held_days(window: Window, standing: Standing, on: date) -> set[date]:
    """The days of a window, by its definition, among those about ``on``."""
    number = years_of(window, standing)
    around = list(every_day(on - timedelta(days=800), on + timedelta(days=3)))
    if window.kind == "level":
        assert standing.level_since is not None
        return {day for day in around if standing.level_since <= day <= on}
    complete = standing.complete and window.kind == "qualifying" and number(on + ONE_DAY) == number(on)
    return {day for day in around if day <= on and number(day) == number(on) - complete}


def within(window: Window, standing: Standing, on: date) -> tuple[date, date] | None:
    """The first and the last day that a window holds; None where it holds none."""
    found = window.within(on, standing)
    if found is None:
        return None
    assert found[0] is not None
    return found[0] + ONE_DAY, found[1]


@pytest.mark.parametrize("joined", JOINED)
@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize(("text", "years"), [("qualifying year", "calendar"), ("qualifying year", "membership"), ("membership year", "calendar")])
def test_a_year_holds_the_days_of_its_definition(text: str, years: Years, complete: bool, joined: date) -> None:
    window, standing = Window.parse(text), Standing(joined, None, years, complete)
    for on in EDGES[::3]:
        held = sorted(held_days(window, standing, on))
        assert within(window, standing, on) == (held[0], held[-1])
        assert len(held) == (held[-1] - held[0]).days + 1
        assert (on - held[0]).days < (window.at_most_days or 0)


@pytest.mark.parametrize("since", [date(2024, 3, 1), date(2024, 3, 31), date(2023, 1, 1)])
def test_since_level_holds_the_days_since_the_level_is_held(since: date) -> None:
    window, standing = Window.parse("since level"), Standing(level_since=since)
    for on in EDGES:
        held = sorted(held_days(window, standing, on))
        assert within(window, standing, on) == ((held[0], held[-1]) if held else None)


@pytest.mark.parametrize(("text", "years"), [("membership year", "calendar"), ("qualifying year", "membership"), ("since level", "calendar")])
def test_what_is_counted_from_an_unknown_day_holds_nothing_that_could_be_told(text: str, years: Years) -> None:
    window = Window.parse(text)
    assert window.within(date(2026, 3, 1), Standing(years=years)) is None
    assert window.next_change(date(2026, 3, 1), None, None, Standing(years=years)) is None


def test_the_complete_year_on_its_last_day_is_the_one_that_ends() -> None:
    window = Window.parse("qualifying year")
    for on, year in ((date(2026, 12, 30), 2025), (date(2026, 12, 31), 2026), (date(2027, 1, 1), 2026)):
        assert window.year(on, Standing(complete=True)) == (date(year, 1, 1), date(year, 12, 31))


@given(
    st.sampled_from(["qualifying year", "membership year", "since level"]),
    st.sampled_from(["calendar", "membership"]),
    st.booleans(),
    st.sampled_from(JOINED),
    st.sampled_from(EDGES) | days,
)
def test_another_year_never_begins_before_the_day_that_is_named(text: str, years: Years, complete: bool, joined: date, on: date) -> None:
    window, standing = Window.parse(text), Standing(joined, joined, years, complete)

    def first(day: date) -> date | None:
        bounds = window.within(day, standing)
        return bounds[0] if bounds is not None else None

    named = window.next_change(on, None, None, standing)
    changed = next((day for day in every_day(on + ONE_DAY, on + timedelta(days=800)) if first(day) != first(on)), None)
    assert named == changed


# -- days with a name ----------------------------------------------------------------------------------------------------


def rule(**parts: Any) -> DayRule:
    return DayRule.model_validate(parts)


def kept(of: DayRule, year: int) -> list[date]:
    return [day for day in every_day(date(year, 1, 1), date(year, 12, 31)) if of.holds(day)]


def test_a_rule_holds_on_the_days_that_fit_every_part() -> None:
    assert kept(rule(day_of_month="8"), 2026) == [date(2026, month, 8) for month in range(1, 13)]
    assert kept(rule(day_of_month="31", month="2"), 2026) == []
    assert kept(rule(month="12", day_of_month="25"), 2026) == [date(2026, 12, 25)]
    # 13 February, 13 March and 13 November of 2026 are Fridays
    assert kept(rule(day_of_month="13", weekday="friday"), 2026) == [date(2026, 2, 13), date(2026, 3, 13), date(2026, 11, 13)]


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5, -1])
@pytest.mark.parametrize("weekday", WEEKDAYS)
def test_the_nth_weekday_is_counted_within_its_month(weekday: str, nth: int) -> None:
    of = rule(weekday=weekday, nth=str(nth))
    for month in range(1, 13):
        fitting = [
            day for day in every_day(date(2024, month, 1), add_months(date(2024, month, 1), 1) - ONE_DAY) if WEEKDAYS[day.weekday()] == weekday
        ]
        expected = fitting[nth - 1 if nth > 0 else nth :][:1]
        assert [day for day in kept(of, 2024) if day.month == month] == expected


@pytest.mark.parametrize(
    "parts", [{"day_of_month": "0"}, {"day_of_month": "32"}, {"month": "13"}, {"weekday": "Monday"}, {"nth": "6"}, {"nth": "-2"}, {"day": "8"}]
)
def test_a_rule_refuses_days_that_there_are_not(parts: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        rule(**parts)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({}, "document.empty_rule"),
        ({"nth": "1"}, "document.nth_needs_weekday"),
        ({"nth": "0", "weekday": "monday"}, "document.nth_needs_weekday"),
        ({"nth": "1", "weekday": "monday"}, None),
        ({"month": "3"}, None),
    ],
)
def test_parts_that_say_nothing_together_are_a_fault(parts: dict[str, str], code: str | None) -> None:
    fault = rule(**parts).fault()
    assert (fault.type if isinstance(fault, PydanticCustomError) else None) == code


@pytest.mark.parametrize(
    ("born", "year", "kept_on"),
    [
        (date(2000, 2, 29), 2024, date(2024, 2, 29)),
        (date(2000, 2, 29), 2023, date(2023, 2, 28)),
        (date(2000, 2, 29), 2100, date(2100, 2, 28)),
        (date(1990, 5, 20), 2026, date(2026, 5, 20)),
    ],
)
def test_a_birthday_on_29_february_is_kept_on_the_28th_of_other_years(born: date, year: int, kept_on: date) -> None:
    assert anniversary(born, year) == kept_on
    assert [day for day in every_day(date(year, 1, 1), date(year, 12, 31)) if birthday_today(Birthday(born), day)] == [kept_on]


@pytest.mark.parametrize("born", [date(2000, 2, 29), date(1990, 12, 31), date(1990, 1, 1), date(1990, 5, 20)])
def test_a_birthday_week_is_the_monday_to_sunday_that_holds_a_birthday(born: date) -> None:
    kept_on = {anniversary(born, year) for year in range(2022, 2028)}
    for day in every_day(date(2023, 1, 1), date(2026, 12, 31)):
        week = [other for other in every_day(day - timedelta(days=6), day + timedelta(days=6)) if number_of("week", other) == number_of("week", day)]
        assert birthday_week(Birthday(born), day) == any(other in kept_on for other in week)
        assert birthday_month(Birthday(born), day) == (day.month == born.month)


@pytest.mark.parametrize(
    "parts", [{"day_of_month": "8"}, {"weekday": "monday"}, {"weekday": "sunday", "nth": "-1"}, {"month": "2", "day_of_month": "29"}, {"month": "6"}]
)
def test_the_next_difference_is_the_first_day_that_differs(parts: dict[str, str]) -> None:
    of = rule(**parts)
    for day in every_day(date(2024, 1, 25), date(2024, 3, 10)):
        later = every_day(day + ONE_DAY, date(2030, 1, 1))
        assert next_difference(of.holds, day) == next(other for other in later if of.holds(other) != of.holds(day))


@pytest.mark.parametrize("parts", [{"month": "2", "weekday": "monday", "nth": "5"}, {"month": "10", "day_of_month": "13", "weekday": "friday"}])
def test_of_a_rule_that_waits_for_many_years_the_next_difference_is_early_and_never_late(parts: dict[str, str]) -> None:
    # a fifth Monday of February comes every 28 years: 2044 and 2072; a 13 October on a Friday up to eleven years apart
    of, day = rule(**parts), date(2045, 1, 1)
    first = next(other for other in every_day(day, date(2099, 1, 1)) if of.holds(other))
    while (named := next_difference(of.holds, day)) < first:
        assert named > day
        day = named
    assert named == first


def test_tomorrow_and_the_first_of_the_month_are_what_they_say() -> None:
    assert tomorrow(date(2024, 2, 28)) == date(2024, 2, 29)
