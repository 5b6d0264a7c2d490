"""Working days with make-up days, working hours, and the clocks that run in them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from cases.covering import covers
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

import custrules as cr
from custrules.calendars import at_time
from custrules.calendars.clocks import Clock
from custrules.calendars.decreed import country
from custrules.calendars.rules import WEEKDAYS
from custrules.calendars.working import TimeOfDay, WorkingRule, WorkingTime
from custrules.errors import Diagnostic, MissingExtra
from custrules.policy import Policy

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
OFFICE = {"days": "CN", "hours": {"from": "09:00", "to": "18:00"}}


def working(zone: ZoneInfo = SHANGHAI, **rule: object) -> WorkingTime:
    return WorkingTime(WorkingRule.model_validate(rule or OFFICE), zone)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


# -- days ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "works"),
    [
        # The notices of the State Council: gazette 2014/content_2561299 (2014) and 2025/content_7048922 (2026)
        ("2014-05-01", False),  # Labour Day, Thursday to Saturday
        ("2014-05-02", False),
        ("2014-05-04", True),  # a Sunday worked in its place
        ("2014-05-05", True),
        ("2014-05-06", True),
        ("2014-10-11", True),  # a Saturday, for National Day
        ("2026-02-14", True),  # a Saturday, for Spring Festival
        ("2026-02-16", False),  # New Year's Eve
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-02-28", True),  # a Saturday
        ("2026-10-08", True),
        ("2026-10-10", True),  # a Saturday, for National Day
        ("2026-10-11", False),
        ("2005-12-31", True),  # a Saturday worked for New Year 2006
        ("2027-10-09", None),  # the notice for 2027 is not in the table
        ("2003-12-31", None),
    ],
)
def test_chinese_working_days_know_make_up_days_and_where_they_end(day: str, works: bool | None) -> None:
    assert working().is_working(date.fromisoformat(day)) is works


@covers("WORKDAY-NOT-ANNOUNCED")
def test_what_is_not_known_may_be_guessed_by_the_weekday_but_is_not_by_itself() -> None:
    saturday = date(2027, 10, 9)
    assert working().is_working(saturday) is None
    assert not working().likely(saturday)
    assert working().likely(date(2027, 10, 8))


def test_weekdays_have_no_horizon_and_no_holidays() -> None:
    plain = working(days="weekdays")
    assert plain.is_working(date(2199, 12, 31)) is True  # a Tuesday
    assert plain.is_working(date(2026, 10, 1)) is True
    assert plain.is_working(date(2026, 10, 10)) is False


def test_a_shop_names_its_own_weekdays_and_the_days_that_differ() -> None:
    shop = working(days=["tuesday", "saturday"], days_off=["2026-10-03"], worked=["2026-10-04"], known_until="2026-12-31")
    first = [day for day in range(1, 8) if shop.is_working(date(2026, 10, day))]
    assert first == [4, 6]  # Saturday the 3rd is off, Sunday the 4th is worked in its place
    assert shop.is_working(date(2027, 1, 1)) is None


def test_a_notice_that_came_out_later_is_named_in_the_document() -> None:
    later = working(days="CN", days_off=["2027-02-08"], worked=["2027-02-20"], known_until="2027-12-31")
    assert [later.is_working(date(2027, 2, day)) for day in (8, 9, 20, 21)] == [False, True, True, False]
    assert later.is_working(date(2026, 10, 10)) is True
    assert later.is_working(date(2028, 1, 3)) is None
    assert working(days="CN", days_off=["2027-02-08"]).is_working(date(2027, 2, 8)) is False
    assert working(days="CN", days_off=["2027-02-08"]).is_working(date(2027, 2, 9)) is None


def test_other_countries_come_from_the_optional_package() -> None:
    pytest.importorskip("holidays")
    assert working(days="US").is_working(date(2026, 11, 26)) is False  # Thanksgiving: the fourth Thursday of November
    assert working(days="DE").is_working(date(2026, 1, 6)) is True
    assert working(days="DE-BY").is_working(date(2026, 1, 6)) is False  # Epiphany is kept in Bavaria


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    country.cache_clear()
    with pytest.raises(MissingExtra, match=r"pip install 'custrules\[holidays\]'"):
        WorkingRule.model_validate({"days": "US"})
    assert working(days="CN").is_working(date(2026, 10, 10)) is True
    country.cache_clear()


@pytest.mark.parametrize("days", ["XX", "US-nowhere", "CN-", "cn", "china", "Weekdays", [], ["monday", "monday"], ["Mon"], 5, None, [["monday"]]])
def test_no_other_word_names_working_days(days: object) -> None:
    with pytest.raises((ValidationError, TypeError)):
        WorkingRule.model_validate({"days": days})


# -- days and hours added ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "count", "last"),
    [
        ("2026-09-30", 1, "2026-10-08"),  # 1 to 7 October are off
        ("2026-09-30", 3, "2026-10-10"),  # 8, 9, and Saturday the 10th
        ("2026-09-30", 4, "2026-10-12"),
        ("2026-10-03", 1, "2026-10-08"),  # started on a day off
        ("2026-10-09", 1, "2026-10-10"),
        ("2014-04-30", 1, "2014-05-04"),  # a Sunday
        ("2026-12-30", 1, "2026-12-31"),
        ("2026-12-31", 1, None),
        ("2026-12-30", 2, None),
    ],
)
def test_working_days_leave_out_the_day_they_start(start: str, count: int, last: str | None) -> None:
    found = working().add_days(date.fromisoformat(start), count)
    assert (found.isoformat() if found else None) == last


def test_the_next_working_day_may_be_the_day_itself() -> None:
    assert working().next_working(date(2026, 10, 1)) == date(2026, 10, 8)
    assert working().next_working(date(2026, 10, 8)) == date(2026, 10, 8)


def test_days_that_are_never_worked_end_no_clock() -> None:
    never = working(days=["monday"], days_off=[date.fromordinal(date(2026, 1, 5).toordinal() + 7 * week).isoformat() for week in range(1000)])
    assert never.add_days(date(2026, 1, 1), 1) is None
    assert never.add_hours(at("2026-01-01T00:00"), timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-09-29T16:00", 2, "2026-09-29T18:00"),  # ends with the hours of the day, not when the next ones begin
        ("2026-09-29T16:00", 3, "2026-09-30T10:00"),
        ("2026-09-29T07:00", 1, "2026-09-29T10:00"),
        ("2026-09-29T18:00", 1, "2026-09-30T10:00"),
        ("2026-09-30T17:30", 9, "2026-10-08T17:30"),  # half an hour, then 8.5 after the holidays
        ("2026-10-09T12:00", 9, "2026-10-10T12:00"),  # into the Saturday that is worked
        ("2026-12-31T17:00", 1, "2026-12-31T18:00"),
    ],
)
def test_working_hours_run_while_there_are_any(start: str, hours: int, end: str) -> None:
    assert working().add_hours(at(start), timedelta(hours=hours)) == at(end)


def test_working_hours_beyond_the_horizon_are_unknown() -> None:
    assert working().add_hours(at("2026-12-31T17:00"), timedelta(hours=2)) is None
    assert working().worked(at("2026-12-31T17:00"), at("2027-01-02T00:00")) is None


def test_a_day_without_hours_is_worked_as_long_as_it_lasts() -> None:
    # 8 March 2026 has 23 hours in New York, 1 November 25
    plain = working(NEW_YORK, days=list(WEEKDAYS))
    assert plain.worked(at("2026-03-08T00:00", NEW_YORK), at("2026-03-09T00:00", NEW_YORK)) == timedelta(hours=23)
    assert plain.worked(at("2026-11-01T00:00", NEW_YORK), at("2026-11-02T00:00", NEW_YORK)) == timedelta(hours=25)
    assert plain.closes(date(2026, 3, 8)) == at("2026-03-09T00:00", NEW_YORK)


def test_a_time_that_the_clocks_jump_over_is_the_jump_and_one_that_comes_twice_the_first() -> None:
    assert at_time(date(2026, 3, 8), 150, NEW_YORK) == datetime(2026, 3, 8, 7, tzinfo=UTC)  # 02:30 is not there: 03:00 EDT
    assert at_time(date(2026, 11, 1), 90, NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 01:30 EDT, an hour before EST
    assert at_time(date(2026, 11, 1), 1440, NEW_YORK) == datetime(2026, 11, 2, 5, tzinfo=UTC)
    assert at_time(date(2026, 5, 20), 545, SHANGHAI) == datetime(2026, 5, 20, 1, 5, tzinfo=UTC)


instants = st.datetimes(datetime(2025, 3, 1), datetime(2026, 10, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside


@given(start=instants, minutes=st.integers(1, 30 * 60), zone=st.sampled_from([SHANGHAI, NEW_YORK]))
def test_hours_added_are_hours_worked(start: datetime, minutes: int, zone: ZoneInfo) -> None:
    time = working(zone)
    length = timedelta(minutes=minutes)
    end = time.add_hours(start, length)
    assert end is not None
    assert time.worked(start, end) == length
    assert time.worked(start, end - timedelta(microseconds=1)) == length - timedelta(microseconds=1)


@given(start=st.dates(date(2004, 1, 1), date(2026, 6, 30)), count=st.integers(1, 60))
def test_days_added_are_days_worked(start: date, count: int) -> None:
    last = working().add_days(start, count)
    assert last is not None
    between = [start + timedelta(days=ahead) for ahead in range(1, (last - start).days + 1)]
    assert sum(working().is_working(day) is True for day in between) == count
    assert working().is_working(last)


# -- clocks --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "start", "end", "last"),
    [
        ("24 hours", "2026-09-30T16:00", "2026-10-01T16:00", "2026-10-01"),
        ("15 days", "2026-04-01T10:00", "2026-04-17T00:00", "2026-04-16"),  # 1 April is left out: up to the end of the 16th
        ("1 month", "2026-01-31T10:00", "2026-03-01T00:00", "2026-02-28"),
        ("3 working days", "2026-09-30T16:00", "2026-10-10T18:00", "2026-10-10"),
        ("1 working day", "2026-10-09T23:00", "2026-10-10T18:00", "2026-10-10"),
        ("3 working hours", "2026-09-30T16:00", "2026-10-08T10:00", "2026-10-08"),
        ("2 working days", "2026-12-30T16:00", None, None),
    ],
)
def test_clocks_run_in_calendar_or_in_working_time(clock: str, start: str, end: str | None, last: str | None) -> None:
    read = Clock.parse(clock)
    assert read.ends(at(start), SHANGHAI, working()) == (at(end) if end else None)
    assert read.last_day(at(start), SHANGHAI, working()) == (date.fromisoformat(last) if last else None)
    assert str(read) == clock


def test_a_calendar_clock_is_exact_over_a_change_of_the_clocks() -> None:
    start = at("2026-03-07T12:00", NEW_YORK)
    assert Clock.parse("24 hours").ends(start, NEW_YORK) == at("2026-03-08T13:00", NEW_YORK)
    assert Clock.parse("1 day").ends(start, NEW_YORK) == at("2026-03-09T00:00", NEW_YORK)


def test_a_share_of_a_clock_runs_in_the_time_in_which_the_clock_runs() -> None:
    # From Wednesday 16:00: 2 hours on the 30th, 9 on the 8th, 9 on the 9th: 20 hours; half of it is 10, at 17:00 on the 8th
    start = at("2026-09-30T16:00")
    assert Clock.parse("2 working days").at_share(start, Fraction(1, 2), SHANGHAI, working()) == at("2026-10-08T17:00")
    assert Clock.parse("2 working days").at_share(start, Fraction(1), SHANGHAI, working()) == at("2026-10-09T18:00")
    assert Clock.parse("24 hours").at_share(start, Fraction(1, 2), SHANGHAI) == at("2026-10-01T04:00")
    assert Clock.parse("24 hours").at_share(start, Fraction(1, 7), SHANGHAI) == start + timedelta(microseconds=86_400_000_000 // 7)
    assert Clock.parse("2 working days").at_share(at("2026-12-31T16:00"), Fraction(1, 2), SHANGHAI, working()) is None


def test_working_time_that_no_program_names_is_unknown() -> None:
    assert Clock.parse("2 working days").ends(at("2026-09-30T16:00"), SHANGHAI) is None


@pytest.mark.parametrize(
    "text", ["", "5", "5 working", "0 working days", "05 working days", "5 working weeks", "five working days", "0 hours", "5  working days"]
)
def test_no_other_text_is_a_clock(text: str) -> None:
    if text == "0 hours":  # at once
        assert Clock.parse(text).exact == timedelta(0)
        return
    with pytest.raises(PydanticCustomError):
        Clock.parse(text)


def test_a_clock_is_not_longer_than_anybody_waits() -> None:
    with pytest.raises(PydanticCustomError) as caught:
        Clock.parse("1001 working days")
    assert caught.value.type == "document.too_long"
    assert Clock.parse("1 working hours") == Clock.parse("1 working hour")
    assert len({Clock.parse("1 working hours"), Clock.parse("1 working hour")}) == 1
    assert eval(repr(Clock.parse("24 hours"))) == Clock.parse("24 hours")


@pytest.mark.parametrize("text", ["9:00", "09:60", "24:01", "25:00", "09.00", "0900", "", "٠٩:٠٠"])
def test_no_other_text_is_a_time_of_day(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        TimeOfDay.parse(text)


def test_the_end_of_the_day_is_a_time_of_day() -> None:
    assert TimeOfDay.parse("24:00").on(date(2026, 5, 20), SHANGHAI) == at("2026-05-21T00:00")
    assert eval(repr(TimeOfDay.parse("09:00"))) == TimeOfDay.parse("09:00")
    assert len({TimeOfDay.parse("09:00"), TimeOfDay.parse("09:00")}) == 1


# -- in a program --------------------------------------------------------------------------------------------------------


def program(calendar: dict[str, object], policies: Sequence[Mapping[str, object]] = (), **kinds: type[Policy]) -> cr.Program:
    return cr.Program(
        id="p",
        zone="Asia/Shanghai",
        currency="CNY",
        calendar=calendar,
        policies=policies or [],
        kinds={k.replace("_", "."): v for k, v in kinds.items()},
    )


def test_a_document_says_again_what_it_said() -> None:
    rule = {"days": "CN", "hours": {"from": "09:00", "to": "18:00"}, "days_off": ["2027-02-08"], "known_until": "2027-12-31"}
    made = program({"member_day": {"day_of_month": "8"}, "working": rule})
    again = cr.loads(made.to_json())
    assert again == made
    assert made.rulebook.working is not None
    assert made.rulebook.working.is_working(date(2027, 2, 8)) is False


def test_whether_a_day_is_worked_is_a_fact_and_missing_where_it_is_not_known() -> None:
    account = {"id": "points", "kind": "points.account", "expiry": "never"}
    earn = {"id": "earn", "kind": "points.accrual", "points_per_unit": "1", "rounding": "floor"}
    rows = [{"by": "2", "when": {"working": "false"}}, {"by": "3", "when": {"working": "missing"}}]
    made = program({"working": {"days": "CN"}}, [account, earn | {"multiply": rows, "combine": "best"}])
    for day, points in (("2026-10-10", 10), ("2026-10-11", 20), ("2027-10-09", 30)):  # a Saturday that is worked, a Sunday, not known yet
        event = made.event({"type": "purchase", "id": "o", "customer_id": "c", "occurred_at": f"{day}T12:00:00+08:00", "amount": "10.00"})
        assert made.step(cr.State.new("c"), event).state.points("points").available == points, day


class Waiting(Policy):
    """A policy of a stranger that waits."""

    kind = "test.waiting"
    phase = "care"
    within: Clock

    def decide(self, event: object, view: object, /) -> None:
        return None


def test_a_clock_in_working_time_asks_for_a_program_that_says_which_days_are_worked() -> None:
    policy = {"id": "wait", "kind": "test.waiting", "within": "2 working days"}
    with pytest.raises(cr.DocumentError) as caught:
        program({}, [policy], test_waiting=Waiting)
    assert [(found.code, found.path) for found in caught.value.diagnostics] == [("document.no_working_time", "policies[0].within")]
    assert isinstance(caught.value.diagnostics[0], Diagnostic)
    assert program({"working": {"days": "CN"}}, [policy], test_waiting=Waiting).rulebook.working is not None
    assert program({}, [policy | {"within": "2 days"}], test_waiting=Waiting).rulebook.working is None
