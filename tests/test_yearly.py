"""Days that come every year as a calendar file: rules that every calendar reads, lunar days written out, updates and cancellations."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dateutil.rrule import rrulestr

import custrules as cr

icalendar = pytest.importorskip("icalendar", reason="icalendar is not installed: pip install 'custrules[test]'")

STAMP = datetime(2026, 5, 1, 8, tzinfo=UTC)
START = date(2026, 1, 1)
DOCUMENT = """
program: salon
zone: Asia/Shanghai
currency: CNY
profile: {{birthday: {{type: birthday}}, wedding: {{type: date}}, vip: {{type: flag}}}}
policies:
  - {{id: birthday, kind: care.trigger, occasion: birthday, category: birthday, purpose: greeting, channels: [sms], template: wish{more}}}
"""


def program(more: str = "", *triggers: str) -> cr.Program:
    usual = "category: daily, purpose: service, channels: [sms], template: x"
    lines = [f"  - {{id: t{place}, kind: care.trigger, {usual}, {text}}}\n" for place, text in enumerate(triggers, 1)]
    return cr.loads(DOCUMENT.format(more=more) + "".join(lines))


def customer(rules: cr.Program, name: str = "ann", joined: str = "2025-03-31", **profile: Any) -> cr.State:
    head = {"type": "enrolment", "id": "e", "customer_id": name, "occurred_at": f"{joined}T04:00:00Z"}
    return rules.step(cr.State.new(name), rules.event({**head, "profile": profile})).state


def written(rules: cr.Program, states: Any, **more: Any) -> bytes:
    return cr.yearly_ics(rules, states, **{"start": START, "years": 6, "stamp": STAMP, **more})


def events(text: bytes) -> list[Any]:
    return list(icalendar.Calendar.from_ical(text).walk("VEVENT"))


def days_of(event: Any, until: int) -> list[str]:
    """The days of an event up to the end of a year: icalendar reads it, dateutil repeats it."""
    first = event.decoded("DTSTART")
    if "RRULE" not in event:
        return [f"{day}" for day in (first, *(each.dt for each in (event["RDATE"].dts if "RDATE" in event else ())))]
    repeated = rrulestr(event["RRULE"].to_ical().decode(), dtstart=datetime(first.year, first.month, first.day))  # noqa: DTZ001 - a day without a zone
    return [f"{each:%Y-%m-%d}" for each in repeated.between(datetime(2000, 1, 1), datetime(until, 12, 31), inc=True)]  # noqa: DTZ001 - as above


@pytest.mark.parametrize(
    ("feb29", "days"),
    [
        ("backward", ["2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("forward", ["2026-03-01", "2027-03-01", "2028-02-29", "2029-03-01", "2030-03-01", "2031-03-01", "2032-02-29"]),
        ("omit", ["2028-02-29", "2032-02-29"]),
    ],
)
def test_a_birthday_on_29_february_is_one_event_with_the_rule_of_its_trigger(feb29: str, days: list[str]) -> None:
    rules = program(f", feb29: {feb29}")
    (event,) = events(written(rules, customer(rules, birthday="1996-02-29")))
    assert "RRULE" in event
    assert days_of(event, 2032) == days


def test_lunar_days_are_written_out_for_the_years_that_are_asked_for() -> None:
    rules = program(", lunar_day30: forward")
    (event,) = events(written(rules, customer(rules, birthday={"lunar": "1984-12-30"})))
    assert "RRULE" not in event
    # 30 December of the lunar years 2025 to 2030, where the month has 29 days the first day of the next year: of the vectors
    assert days_of(event, 2032) == ["2026-02-17", "2027-02-06", "2028-01-26", "2029-02-13", "2030-02-02", "2031-01-23"]


def test_a_lunar_day_that_is_kept_twice_in_a_leap_year_is_written_twice() -> None:
    rules = program(", lunar_leap: both")
    (event,) = events(
        written(rules, customer(rules, joined="2024-12-01", birthday={"lunar": "1987-06-10", "leap": True}), start=date(2025, 1, 1), years=2)
    )
    assert days_of(event, 2032) == ["2025-07-04", "2025-08-03", "2026-07-23"]


def test_a_lunar_day_that_no_year_asked_for_has_is_no_event() -> None:
    rules = program(", lunar_leap: omit")  # a leap sixth month comes in 2025 and 2036
    state = customer(rules, birthday={"lunar": "1987-06-10", "leap": True})
    assert events(written(rules, state, start=date(2026, 1, 1), years=9)) == []
    assert len(events(written(rules, state, start=date(2026, 1, 1), years=11))) == 1


def test_anniversaries_of_years_repeat_and_others_do_not() -> None:
    triggers = (
        "occasion: {anniversary: joined}",
        "occasion: {anniversary: wedding, every: 5 years}, feb29: forward",
        "occasion: {anniversary: joined, every: 1 month}",
        "occasion: {festival: mid_autumn}",
    )
    rules = program("", *triggers)
    found = {str(event["SUMMARY"]): days_of(event, 2037) for event in events(written(rules, customer(rules, wedding="2016-02-29")))}
    assert set(found) == {"t1: ann", "t2: ann"}  # no birthday is known
    assert found["t1: ann"][:2] == ["2026-03-31", "2027-03-31"]
    assert found["t2: ann"] == ["2026-03-01", "2031-03-01", "2036-02-29"]  # 2016 + 10, 15, 20 years


@pytest.mark.parametrize("feb29", ["backward", "forward", "omit"])
@pytest.mark.parametrize(
    "birthday", ["1996-02-29", "1996-02-28", "1996-03-01", "1990-12-31", {"lunar": "1985-08-15"}, {"lunar": "1987-06-10", "leap": True}]
)
def test_calendars_show_the_days_on_which_the_trigger_asks(birthday: Any, feb29: Any) -> None:
    rules = program(f", feb29: {feb29}")
    state = customer(rules, joined="2025-12-30", birthday=birthday)
    (event,) = events(written(rules, state, years=8))
    plan = cr.plan(rules, state, START, days=1096)
    asked = [item.day.isoformat() for item in plan if item.trigger == "birthday" and item.outcome != "expired"]  # 31 December 2025 is over
    assert [day for day in days_of(event, 2033) if "2026-01-01" <= day <= plan.end.isoformat()] == asked


def test_an_event_is_the_same_in_every_file_until_something_changes() -> None:
    rules = program()
    before = written(rules, customer(rules, birthday="1996-02-29"))
    assert (
        written(rules, customer(rules, birthday="1996-02-29"), start=date(2029, 1, 1), previous=before, stamp=STAMP + timedelta(days=900)) == before
    )
    moved = written(rules, customer(rules, birthday="1996-03-05"), previous=before, stamp=STAMP + timedelta(days=1))
    (old,), (new,) = events(before), events(moved)
    assert (old["UID"], int(old["SEQUENCE"])) == (new["UID"], 0)
    assert (int(new["SEQUENCE"]), new.decoded("DTSTART")) == (1, date(2025, 3, 31).replace(year=2026, month=3, day=5))


def test_who_leaves_or_wants_no_contact_is_cancelled() -> None:
    rules = program()
    state = customer(rules, birthday="1996-02-29")
    before = written(rules, state)
    head = {"id": "x", "customer_id": "ann", "occurred_at": "2026-05-02T04:00:00Z"}
    for event in ({"type": "closure", "reason": "moved"}, {"type": "consent_update", "do_not_contact": True}):
        gone = rules.step(state, rules.event({**head, **event})).state
        (cancelled,) = events(written(rules, gone, previous=before))
        assert (cancelled["STATUS"], int(cancelled["SEQUENCE"])) == ("CANCELLED", 1)


def test_conditions_and_groups_are_asked_as_the_customer_stands() -> None:
    rules = program(", group: birthday, when: {vip: true}", "occasion: birthday, group: birthday")
    found = {name: events(written(rules, customer(rules, name, birthday="1990-05-20", vip=vip))) for name, vip in (("ann", True), ("ben", False))}
    assert {name: [str(event["SUMMARY"]) for event in each] for name, each in found.items()} == {"ann": ["birthday: ann"], "ben": ["t1: ben"]}


def test_customers_stand_in_the_order_of_their_names_and_nobody_without_a_day() -> None:
    rules = program()
    states = [customer(rules, name, birthday="1990-05-20") for name in ("ben", "ann")] + [cr.State.new("new")]
    assert [str(event["SUMMARY"]) for event in events(written(rules, states))] == ["birthday: ann", "birthday: ben"]


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"start": "soon"}, cr.AnalysisError),
        ({"years": 0}, cr.AnalysisError),
        ({"years": True}, cr.AnalysisError),
        ({"stamp": datetime(2026, 5, 1)}, cr.EventError),  # noqa: DTZ001 - what is refused
    ],
)
def test_days_years_and_stamps_that_are_none_are_refused(bad: dict[str, Any], error: type[Exception]) -> None:
    rules = program()
    with pytest.raises(error):
        written(rules, customer(rules, birthday="1990-05-20"), **bad)


def test_a_plan_is_not_stamped_without_a_zone() -> None:
    rules = program()
    with pytest.raises(cr.EventError):
        cr.plan(rules, customer(rules), START, days=1).to_ics(datetime(2026, 5, 1))  # noqa: DTZ001 - what is refused
