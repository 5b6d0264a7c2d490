"""Calendar files: every calendar reads them, a day that not every year has keeps its rule, and updates and cancellations are told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import test_planning
from cases.covering import covers
from dateutil.rrule import rrulestr

import custrules as cr
from custrules.policies.care.ics import CalendarEvent, calendar, yearly

STAMP = datetime(2026, 5, 1, 8, tzinfo=UTC)
MAY_20 = date(2026, 5, 20)


def lines(*events: CalendarEvent, **more: Any) -> list[str]:
    return calendar(events, STAMP, **more).decode().split("\r\n")


def parsed(text: bytes) -> list[Any]:
    icalendar = pytest.importorskip("icalendar", reason="icalendar is not installed: pip install 'custrules[test]'")
    return list(icalendar.Calendar.from_ical(text).walk("VEVENT"))


@covers("ICS-ALLDAY")
def test_care_of_a_day_is_a_date_without_a_zone_that_ends_the_day_after() -> None:
    found = lines(CalendarEvent("u", "birthday", MAY_20))
    for line in ("DTSTART;VALUE=DATE:20260520", "DTEND;VALUE=DATE:20260521", "TRANSP:TRANSPARENT"):
        assert line in found


@covers("ICS-CALL-TIMED")
def test_a_call_stands_at_its_instant_in_utc() -> None:
    found = lines(CalendarEvent("u", "call", MAY_20, datetime(2026, 5, 20, 2, tzinfo=UTC)))
    assert "DTSTART:20260520T020000Z" in found
    assert "DURATION:PT30M" in found


@covers("ICS-ALARM-ALLDAY")
def test_a_reminder_at_nine_the_day_before_comes_fifteen_hours_before_midnight() -> None:
    found = lines(CalendarEvent("u", "birthday", MAY_20, alarm=timedelta(hours=24 - 9)))
    start = found.index("BEGIN:VALARM")
    assert found[start : start + 5] == ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:birthday", "TRIGGER:-PT15H", "END:VALARM"]


@pytest.mark.parametrize(
    ("length", "text"),
    [(timedelta(hours=15), "PT15H"), (timedelta(minutes=90), "PT1H30M"), (timedelta(days=1), "P1D"), (timedelta(days=2, hours=3), "P2DT3H")],
)
def test_lengths_are_written_as_calendars_read_them(length: timedelta, text: str) -> None:
    assert f"TRIGGER:-{text}" in lines(CalendarEvent("u", "x", MAY_20, alarm=length))


@covers("ICS-FOLDING-UTF8")
def test_lines_are_folded_by_octets_and_never_inside_a_character() -> None:
    summary = "生日关怀：" + "王" * 32
    text = calendar([CalendarEvent("u", summary, MAY_20)], STAMP)
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert all(line.decode() for line in text.split(b"\r\n") if line)
    assert str(parsed(text)[0]["SUMMARY"]) == summary


def test_signs_that_mean_something_to_calendars_are_escaped() -> None:
    told = "a, b; c\\d\ne"
    assert "SUMMARY:a\\, b\\; c\\\\d\\ne" in lines(CalendarEvent("u", told, MAY_20))
    assert str(parsed(calendar([CalendarEvent("u", told, MAY_20)], STAMP))[0]["SUMMARY"]) == told


# -- days that repeat --------------------------------------------------------------------------------------------------


@covers("ICS-FEB29-BACKWARD", "ICS-FEB29-FORWARD")
@pytest.mark.parametrize(
    ("feb29", "rule", "days"),
    [
        ("backward", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28"]),
        ("forward", "FREQ=YEARLY;BYYEARDAY=60", ["2024-02-29", "2025-03-01", "2026-03-01", "2027-03-01"]),
        ("omit", "FREQ=YEARLY", ["2024-02-29", "2028-02-29", "2032-02-29", "2036-02-29"]),
    ],
)
def test_the_29th_of_february_has_a_rule_that_every_calendar_understands(feb29: Any, rule: str, days: list[str]) -> None:
    assert yearly(date(2024, 2, 29), feb29) == rule
    assert [f"{each:%Y-%m-%d}" for each in rrulestr(f"{rule};COUNT=4", dtstart=datetime(2024, 2, 29))] == days  # noqa: DTZ001 - a day without a zone


# -- updates -----------------------------------------------------------------------------------------------------------


@covers("ICS-UID-STABLE", "DEDUPE-DOB-CORRECTED-BEFORE")
def test_what_has_moved_is_an_update_of_the_same_event() -> None:
    first = calendar([CalendarEvent("u", "birthday", date(2026, 11, 25))], STAMP)
    second = calendar([CalendarEvent("u", "birthday", date(2026, 11, 23))], STAMP + timedelta(days=1), first)
    (before,), (after,) = parsed(first), parsed(second)
    assert (before["UID"], int(before["SEQUENCE"]), before.decoded("DTSTART")) == ("u", 0, date(2026, 11, 25))
    assert (after["UID"], int(after["SEQUENCE"]), after.decoded("DTSTART")) == ("u", 1, date(2026, 11, 23))


def test_what_is_as_it_was_keeps_its_sequence_and_stamp() -> None:
    first = calendar([CalendarEvent("u", "birthday", MAY_20)], STAMP)
    assert calendar([CalendarEvent("u", "birthday", MAY_20)], STAMP + timedelta(days=1), first) == first


def test_what_is_gone_is_cancelled_once_and_what_is_over_is_left_out() -> None:
    first = calendar([CalendarEvent("gone", "birthday", MAY_20), CalendarEvent("over", "birthday", date(2026, 5, 1))], STAMP)
    second = calendar([], STAMP + timedelta(days=1), first, since=date(2026, 5, 2))
    (cancelled,) = parsed(second)
    assert (cancelled["UID"], cancelled["STATUS"], int(cancelled["SEQUENCE"])) == ("gone", "CANCELLED", 1)
    assert calendar([], STAMP + timedelta(days=2), second, since=date(2026, 5, 2)) == second


def test_a_plan_is_written_with_what_goes_out_and_why() -> None:
    plan = cr.plan(test_planning.PROGRAM, test_planning.state(), date(2026, 5, 1), days=14)
    offer, call = sorted(parsed(plan.to_ics(STAMP)), key=lambda event: str(event.decoded("DTSTART")))
    assert offer.decoded("DTSTART") == date(2026, 5, 5)
    assert call.decoded("DTSTART") == datetime(2026, 5, 6, 2, tzinfo=UTC)
    assert {str(offer["UID"]), str(call["UID"])} == {item.id for item in plan if item.outcome in ("send", "task")}
    assert "由专人" in str(parsed(plan.to_ics(STAMP, lang="zh"))[1]["DESCRIPTION"])
