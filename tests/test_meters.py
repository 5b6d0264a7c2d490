"""Measures per calendar period, of single events, of gaps, of levels that are read off, and of windows moved back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custrules as cr
from custrules.calendars.windows import Standing
from custrules.conditions import Condition
from custrules.events import AnyEvent
from custrules.facts import FactType, FactValue
from custrules.measures import Source
from custrules.moment import Moment, carried
from custrules.policy import Phase
from custrules.state_parts import StatusValue
from custrules.testing import History, history

HEAD: dict[str, Any] = {
    "id": "p",
    "zone": "UTC",
    "currency": "CNY",
    "activities": {"bill": {"amount": "money"}, "walk": {"quantity": "km"}, "check_in": {"city": "text"}},
    "readings": {"aum": {"type": "money"}, "level": {"type": "number"}, "members": {"type": "whole"}},
}


def program(policies: Iterable[cr.Policy] = (), **measures: Mapping[str, Any]) -> cr.Program:
    return cr.Program(**HEAD, measures=measures, policies=list(policies))


def begun(**measure: Any) -> History:
    """A customer of a program with one measure, x."""
    return history(program(x=measure))


def value(told: History, on: str, name: str = "x") -> FactValue | None:
    """A measure as of the end of a day, whatever came after."""
    return Moment(told.program.rulebook, told.state, date.fromisoformat(on)).value(name)


def kind(**measure: Any) -> FactType:
    return program(x=measure).rulebook.types["x"]


# -- per calendar period -------------------------------------------------------------------------------------------------


def billed(told: History, *bills: tuple[str, str]) -> History:
    for day, amount in bills:
        told = told.on(day).event("bill", amount=amount)
    return told


ARPU = {"average": "bill", "per": "month", "window": "last 3 calendar months"}
BILLS = (("2026-01-31", "90.00"), ("2026-02-28", "100.00"), ("2026-03-31", "200.00"), ("2026-04-30", "1000.00"))


def test_an_average_per_month_is_the_sum_over_the_window_by_the_number_of_its_months() -> None:
    """(90.00 + 100.00 + 200.00) / 3 = 130.00 as of any day in April; (100 + 200 + 1000) / 3 in May."""
    told = billed(begun(**ARPU), *BILLS)
    assert [value(told, day) for day in ("2026-04-01", "2026-04-30", "2026-05-01")] == [13000, 13000, Fraction(130000, 3)]
    assert kind(**ARPU) == FactType("money", scale=2)


def test_a_month_in_which_nothing_was_counts_as_nought() -> None:
    """Only March lies in the window with a bill as of April: 200.00 / 3; no bill at all is 0, not missing."""
    told = billed(begun(**ARPU), BILLS[2])
    assert [value(told, day) for day in ("2026-03-31", "2026-04-01", "2026-07-01")] == [0, Fraction(20000, 3), 0]


def test_a_window_that_still_runs_has_as_many_periods_as_have_begun() -> None:
    """January: 90.00 / 1; February up to the 28th: (90.00 + 100.00) / 2; March begins a third month."""
    told = billed(begun(average="bill", per="month", window="this calendar year"), *BILLS)
    assert [value(told, day) for day in ("2026-01-31", "2026-02-28", "2026-03-01")] == [9000, 9500, Fraction(19000, 3)]


def test_a_rolling_window_of_whole_months_has_so_many_periods() -> None:
    """As of 30 April the last 2 months are 1 March (28 February is 2 months before) to 30 April: (200.00 + 1000.00) / 2."""
    told = billed(begun(average="bill", per="month", window="2 months"), *BILLS)
    assert value(told, "2026-04-30") == 60000


def test_events_that_bring_no_number_are_averaged_by_how_many_there_were() -> None:
    told = begun(average="check_in", per="week", window="last 2 calendar weeks")
    for day in ("2026-03-02", "2026-03-03", "2026-03-09"):
        told = told.on(day).event("check_in", city="Wuhan")
    assert value(told, "2026-03-16") == Fraction(3, 2)
    assert kind(average="check_in", per="week", window="last 2 calendar weeks") == FactType("number")


def test_the_best_month_is_the_one_in_which_most_was() -> None:
    told = billed(begun(best="bill", per="month", window="12 months"), ("2026-01-05", "30.00"), ("2026-01-31", "40.00"), ("2026-02-01", "60.00"))
    assert [value(told, day) for day in ("2026-01-05", "2026-02-01", "2027-01-04", "2027-01-05", "2027-02-01")] == [3000, 7000, 7000, 6000, 0]


def test_the_best_of_counted_periods_is_a_whole_number() -> None:
    told = begun(best="purchase", per="quarter", window="lifetime")
    for day in ("2026-01-05", "2026-03-31", "2026-04-01"):
        told = told.on(day).purchase("10")
    assert (value(told, "2026-04-01"), kind(best="purchase", per="quarter", window="lifetime")) == (2, FactType("whole"))


def test_quantities_per_period_are_exact() -> None:
    told = begun(average="walk", per="month", window="last calendar month").on("2026-01-10").event("walk", quantity="0.1")
    assert value(told.later("1 day").event("walk", quantity="0.2"), "2026-02-01") == Fraction(3, 10)


@pytest.mark.parametrize(
    ("window", "per", "fits"),
    [
        ("3 months", "month", True),
        ("3 months", "quarter", True),
        ("4 months", "quarter", False),
        ("1 year", "half", True),
        ("30 days", "day", True),
        ("28 days", "week", True),
        ("30 days", "week", False),
        ("30 days", "month", False),
        ("3 months", "week", False),
        ("last calendar quarter", "month", True),
        ("last calendar quarter", "quarter", True),
        ("last calendar quarter", "half", False),
        ("last calendar month", "week", False),
        ("last 2 calendar weeks", "week", True),
        ("last 2 calendar weeks", "month", False),
        ("qualifying year", "month", True),
        ("since level", "week", True),
        ("lifetime", "month", False),
    ],
)
def test_an_average_per_period_needs_a_window_of_whole_ones(window: str, per: str, fits: bool) -> None:
    if fits:
        assert kind(average="bill", per=per, window=window).kind == "money"
        return
    with pytest.raises(cr.DocumentError) as caught:
        kind(average="bill", per=per, window=window)
    assert [(fault.code, fault.path) for fault in caught.value.diagnostics] == [("document.not_of_periods", "measures.x.per")]


# -- single events -------------------------------------------------------------------------------------------------------


def test_the_best_order_is_the_one_of_which_most_is_kept() -> None:
    told = begun(best="spend", window="30 days").on("2026-03-01").purchase("80").on("2026-03-02").purchase("100", id="big")
    assert value(told, "2026-03-02") == 10000
    part = told.on("2026-03-05").return_("big", amount="50")
    assert value(part, "2026-03-05") == 8000
    assert value(part.return_("big"), "2026-03-31") is None
    assert [value(part, day) for day in ("2026-03-31", "2026-04-01")] == [5000, None]


def test_an_order_that_went_back_whole_is_no_best_order() -> None:
    told = begun(best="purchase.amount", window="lifetime").on("2026-03-01").purchase("80")
    assert (value(told, "2026-03-01"), value(told.return_(), "2026-03-01")) == (8000, None)


def test_the_best_order_of_lines_looks_at_those_lines_only() -> None:
    food = {"sku": "A", "category": "food", "amount": "30"}
    told = begun(best="spend", window="30 days", lines={"category": "food"}).on("2026-03-01").purchase(lines=[food, {"sku": "B", "amount": "70"}])
    assert value(told.purchase("500"), "2026-03-01") == 3000


def test_the_best_value_of_an_activity_outlives_the_rows_that_were_let_go() -> None:
    """The rows of 2020 are long gone; of a lifetime the most of them is kept."""
    told = billed(begun(best="bill", window="lifetime"), ("2020-01-01", "900.00"), ("2026-01-01", "100.00"))
    assert told.state.activity.values("each:bill.amount").days == [date(2026, 1, 1).toordinal()]  # type: ignore[union-attr]  # it is there
    assert value(told, "2026-01-01") == 90000
    assert cr.State.from_json(told.state.to_json()) == told.state


def test_like_orders_of_one_day_are_corrected_one_by_one() -> None:
    told = begun(best="spend", window="30 days").on("2026-03-01").purchase("50", id="a").purchase("50", id="b")
    assert value(told.return_("a"), "2026-03-01") == 5000
    assert value(told.return_("a").return_("b"), "2026-03-01") is None


# -- gaps ----------------------------------------------------------------------------------------------------------------


def test_a_gap_is_the_mean_of_the_days_from_one_purchase_day_to_the_next() -> None:
    """1, 4 and 11 March: (3 + 7) / 2 = 5; two on one day are one day."""
    told = begun(gap="purchase")
    for day in ("2026-03-01", "2026-03-04", "2026-03-04", "2026-03-11"):
        told = told.on(day).purchase("10")
    assert [value(told, day) for day in ("2026-03-03", "2026-03-04", "2026-03-11", "2030-01-01")] == [None, 3, 5, 5]
    assert value(told.return_(), "2026-03-11") == 3


def test_a_gap_within_a_window_forgets_what_left_it() -> None:
    told = begun(gap="purchase", window="10 days")
    for day in ("2026-03-01", "2026-03-04", "2026-03-10"):
        told = told.on(day).purchase("10")
    assert [value(told, day) for day in ("2026-03-10", "2026-03-11", "2026-03-14")] == [Fraction(9, 2), 6, None]


def test_the_gap_of_a_lifetime_keeps_its_days() -> None:
    told = begun(gap="check_in").on("2010-01-01").event("check_in").on("2026-01-01").event("check_in")
    assert value(told, "2026-01-01") == (date(2026, 1, 1) - date(2010, 1, 1)).days


# -- levels that are read off --------------------------------------------------------------------------------------------


def read_off(told: History, *rows: tuple[str, str], name: str = "aum") -> History:
    for at, amount in rows:
        told = told.on(at).reading(name, amount)
    return told


AUM = (("2026-03-01", "100.00"), ("2026-03-05", "400.00"), ("2026-03-09", "40.00"))


def test_a_reading_stands_until_the_next() -> None:
    told = read_off(begun(latest="aum"), *AUM)
    assert [value(told, day) for day in ("2026-02-28", "2026-03-01", "2026-03-04", "2026-03-05", "2026-12-31")] == [None, 10000, 10000, 40000, 4000]
    assert value(told, "2026-03-04", "aum") == 10000


def test_the_average_of_a_reading_is_over_days() -> None:
    """As of 5 March: 4 days of 100, 1 of 400: 800 / 5. As of 12 March, the last 10 days: 2 of 100, 4 of 400, 4 of 40: 1960 / 10."""
    told = read_off(begun(average="aum", window="10 days"), *AUM)
    assert [value(told, day) for day in ("2026-02-28", "2026-03-05", "2026-03-12", "2026-04-30")] == [None, 16000, 19600, 4000]


def test_the_average_of_past_months_is_over_their_days() -> None:
    """As of April: March alone, of which every day has a reading: 4 of 100, 4 of 400, 23 of 40 = 2920 over 31 days."""
    told = read_off(begun(average="aum", window="last calendar month"), *AUM)
    assert [value(told, day) for day in ("2026-03-31", "2026-04-01", "2026-05-01")] == [None, Fraction(292000, 31), 4000]


def test_the_best_of_a_reading_is_its_highest_day() -> None:
    told = read_off(begun(best="aum", window="3 days"), *AUM)
    assert [value(told, day) for day in ("2026-03-04", "2026-03-08", "2026-03-10", "2026-03-11")] == [10000, 40000, 40000, 4000]


def test_the_last_reading_of_a_day_is_the_days() -> None:
    told = read_off(begun(average="aum", window="5 days"), ("2026-03-01T10:00", "100.00"), ("2026-03-01T18:00", "300.00"))
    late = told.on("2026-03-01T12:00").reading("aum", "900.00")
    assert value(late, "2026-03-01") == 30000
    assert value(read_off(late, ("2026-03-01T18:00", "500.00")), "2026-03-01") == 50000


def test_readings_are_counted_and_their_days_looked_back_to() -> None:
    for measure, expected in (({"count": "aum", "window": "30 days"}, 3), ({"since": "aum"}, 2), ({"gap": "aum"}, 4)):
        assert value(read_off(begun(**measure), *AUM), "2026-03-11") == expected


def test_a_reading_may_be_of_some_kind_only() -> None:
    told = begun(latest="aum", where={"value": ">= 100"})
    assert value(read_off(told, *AUM), "2026-03-31") == 40000


@pytest.mark.parametrize(("name", "amount", "expected"), [("level", "2.5", Fraction(5, 2)), ("members", "3", 3)])
def test_readings_are_numbers_too(name: str, amount: str, expected: FactValue) -> None:
    told = read_off(begun(average=name, window="30 days"), ("2026-03-01", amount), name=name)
    assert (value(told, "2026-03-02"), value(told, "2026-03-02", name)) == (expected, expected)


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"name": "amu", "value": "1"}, "event.unknown_reading", "name"),
        ({"name": "aum", "value": "1.005"}, "event.bad_reading", "value"),
        ({"name": "aum", "value": "1 EUR"}, "event.other_currency", "value"),
        ({"name": "members", "value": "1.5"}, "event.bad_reading", "value"),
        ({"name": "level", "value": True}, "event.bad_reading", "value"),
        ({"name": "level", "value": 1.5}, "event.wrong_type", "value"),
        ({"name": "level"}, "event.missing_field", "value"),
    ],
)
def test_a_reading_that_does_not_fit_is_told(fields: dict[str, Any], code: str, path: str) -> None:
    event = {"type": "reading", "id": "r", "customer_id": "c", "occurred_at": "2026-03-01T12:00:00Z", **fields}
    with pytest.raises(cr.EventError) as caught:
        program().event(event)
    assert [(fault.code, fault.path) for fault in caught.value.diagnostics] == [(code, path)]


def test_a_reading_that_comes_late_is_put_where_it_belongs() -> None:
    measured = program(x={"average": "aum", "window": "10 days"})
    told = read_off(history(measured), AUM[0], AUM[2])
    late = measured.event(
        {"type": "reading", "id": "late", "customer_id": "c-1", "occurred_at": "2026-03-05T12:00:00Z", "name": "aum", "value": "400"}
    )
    restated = measured.restate(cr.State.new("c-1"), told.events, late)
    in_order = read_off(history(measured), *AUM)
    assert restated.state.activity.to_data() == in_order.state.activity.to_data()


# -- moved back ----------------------------------------------------------------------------------------------------------


def test_skip_moves_whole_calendar_months_back() -> None:
    """As of June the three months before the one that is skipped: February, March, April: 1300.00 / 3."""
    told = billed(begun(**ARPU, skip="1 month"), *BILLS)
    assert [value(told, day) for day in ("2026-05-31", "2026-06-01", "2026-06-30")] == [13000, Fraction(130000, 3), Fraction(130000, 3)]


def test_skip_moves_a_rolling_window_back() -> None:
    told = billed(begun(sum="bill", window="10 days", skip="5 days"), ("2026-03-01", "7.00"))
    assert [value(told, day) for day in ("2026-03-05", "2026-03-06", "2026-03-15", "2026-03-16")] == [0, 700, 700, 0]


def test_a_lifetime_moved_back_is_what_it_was_then() -> None:
    told = billed(begun(sum="bill", window="lifetime", skip="2 months"), ("2019-03-01", "5.00"), ("2026-03-01", "7.00"))
    assert [value(told, day) for day in ("2026-04-30", "2026-05-01")] == [500, 1200]


# -- time ----------------------------------------------------------------------------------------------------------------

TIMED: list[dict[str, Any]] = [
    {"average": "bill", "per": "month", "window": "this calendar quarter"},
    {"average": "bill", "per": "day", "window": "1 month"},
    {"average": "bill", "per": "week", "window": "since level"},
    {"best": "bill", "per": "month", "window": "2 months"},
    {"best": "bill", "per": "week", "window": "membership year"},
    {"best": "bill", "window": "20 days"},
    {"best": "bill", "window": "qualifying year"},
    {"gap": "bill", "window": "25 days"},
    {"gap": "bill"},
    {"average": "aum", "window": "20 days"},
    {"average": "aum", "window": "this calendar month"},
    {"average": "aum", "window": "last calendar month"},
    {"average": "aum", "window": "qualifying year"},
    {"best": "aum", "window": "15 days"},
    {"best": "aum", "window": "last 2 calendar weeks"},
    {"sum": "bill", "window": "20 days", "skip": "1 month"},
    {"average": "bill", "per": "month", "window": "last 2 calendar months", "skip": "1 month"},
    {"best": "aum", "window": "10 days", "skip": "7 days"},
    {"gap": "bill", "window": "30 days", "skip": "1 month"},
    {"sum": "bill", "window": "qualifying year", "skip": "1 month"},
    {"sum": "bill", "window": "since level", "skip": "10 days"},
]
START = date(2026, 1, 1)
rows = st.lists(st.tuples(st.integers(-40, 60), st.integers(-5, 300)), max_size=6)
standings = st.builds(
    Standing,
    st.none() | st.integers(-400, 20).map(lambda number: START + timedelta(days=number)),
    st.none() | st.integers(-40, 20).map(lambda number: START + timedelta(days=number)),
    st.sampled_from(["calendar", "membership"]),
    st.booleans(),
)
PROGRAMS = {repr(measure): program(x=measure).rulebook for measure in TIMED}


def source_of(measure: dict[str, Any], drawn: list[tuple[int, int]], held_from: date | None, forgotten: int | None, standing: Standing) -> Source:
    """What is tallied of some bills or readings, of which the oldest may be gone."""
    rules = PROGRAMS[repr(measure)]
    log = cr.State.new("c-1").activity
    for counted in rules.meters["x"].counted:
        log.open(counted.key, counted.what == "latest", held_from, counted.what == "each")
        for number, amount in drawn:
            day = START + timedelta(days=number)
            if counted.what == "latest":
                log.put(counted.key, day, "", amount)
            elif counted.what == "each":
                log.change(counted.key, day, None, amount)
            else:
                log.add(counted.key, day, amount if counted.what == "sum" else 1)
        if forgotten is not None:
            log.forget(counted.key, START + timedelta(days=forgotten))
    return Source(log, lambda name: None, standing)


@given(st.sampled_from(TIMED), rows, st.integers(-20, 60), st.none() | st.integers(-30, 0), st.none() | st.integers(-60, -20), standings)
def test_no_measure_changes_by_time_before_the_day_it_names(
    measure: dict[str, Any], drawn: list[tuple[int, int]], number: int, held: int | None, forgotten: int | None, standing: Standing
) -> None:
    source = source_of(measure, drawn, START + timedelta(days=held) if held is not None else None, forgotten, standing)
    meter, day = PROGRAMS[repr(measure)].meters["x"], START + timedelta(days=number)
    named, now = meter.next_change(source, day), meter.value(source, day)
    later = (day + timedelta(days=ahead) for ahead in range(1, 200))
    changed = next((other for other in later if meter.value(source, other) != now), None)
    assert named is None or named > day
    assert changed is None or (named is not None and named <= changed)


@given(st.sampled_from(TIMED), rows, st.integers(-20, 60), st.integers(-30, 0), standings)
def test_a_measure_that_is_not_evaluable_is_missing_and_else_as_if_it_had_always_been_kept(
    measure: dict[str, Any], drawn: list[tuple[int, int]], number: int, held: int, standing: Standing
) -> None:
    begun = START + timedelta(days=held)
    short = source_of(measure, [row for row in drawn if row[0] >= held], begun, None, standing)
    whole = source_of(measure, drawn, None, None, standing)
    meter, day = PROGRAMS[repr(measure)].meters["x"], START + timedelta(days=number)
    assert meter.value(short, day) == (meter.value(whole, day) if meter.evaluable(short, day) else None)


def test_a_decision_of_the_day_is_seen_when_the_next_opens_however_far_the_window_is_moved_back() -> None:
    measure = {"sum": "bill", "window": "since level", "skip": "10 days"}
    source = replace(source_of(measure, [], None, None, Standing(level_since=START)), changed=date(2026, 3, 31))
    assert PROGRAMS[repr(measure)].meters["x"].next_change(source, date(2026, 3, 31)) == date(2026, 4, 1)


# -- in a program --------------------------------------------------------------------------------------------------------


class Asking(cr.Policy):
    """Tells on each visit whether a condition holds as of a day, of the running qualifying year or of the last complete one."""

    kind: ClassVar[str] = "test.asking"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("visit",)

    when: Condition
    as_of: date
    since: date | None = None

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        told = {
            "running": view.test(self.when, self.as_of, level_since=self.since),
            "complete": view.test(self.when, self.as_of, complete=True, level_since=self.since),
            "known": view.evaluable(self.when, self.as_of, complete=True),
            "next": view.next_change(self.when),
            "next_complete": view.next_change(self.when, complete=True),
            "value": view.value("x", self.as_of, complete=True),
        }
        return self.applied(event, [cr.Reason("test.asking.told", told)])


def asked(told: History, on: str, measure: Mapping[str, Any], cell: str, **fields: Any) -> Mapping[str, Any]:
    """What a policy is told of a measure on a day."""
    policy = Asking(id="ask", when=Condition.of({"x": cell}), as_of=date.fromisoformat(on), **fields)
    other = cr.Program(**HEAD, measures={"x": measure}, policies=[policy], kinds={policy.kind: Asking})
    after = history(other)
    for event in told.events:
        after = after.on(event.occurred_at).event(event.type, **event.model_dump(exclude={"type", "customer_id", "occurred_at", "decided_at"}))
    return after.visit().decisions[-1].reasons[0].params


YEAR = {"sum": "spend", "window": "qualifying year"}


def test_a_review_reads_the_last_complete_year_and_an_upgrade_the_running_one() -> None:
    """2025: 300.00; 2026: 100.00. As of 1 March 2026 the complete year is 2025, as of 31 December 2026 it is 2026."""
    told = begun(**YEAR).on("2025-06-01").purchase("300").on("2026-02-01").purchase("100")
    march = asked(told, "2026-03-01", YEAR, ">= 200")
    assert (march["running"], march["complete"], march["known"], march["value"]) == (False, True, True, 30000)
    assert (march["next"], march["next_complete"]) == ("2027-01-01", "2026-12-31")
    assert asked(told, "2026-12-31", YEAR, ">= 200")["complete"] is False


def test_a_condition_may_be_asked_as_if_the_level_had_been_held_since_a_day() -> None:
    measure = {"sum": "spend", "window": "since level"}
    told = begun(**measure).on("2026-01-10").purchase("300").on("2026-02-01").purchase("100")
    assert asked(told, "2026-03-01", measure, ">= 200")["running"] is False
    assert asked(told, "2026-03-01", measure, ">= 200", since=date(2026, 1, 10))["running"] is True
    assert asked(told, "2026-03-01", measure, ">= 200", since=date(2026, 1, 11))["running"] is False


def ladder(**fields: Any) -> dict[str, Any]:
    return {"id": "levels", "kind": "tiers.ladder", "levels": [{"name": "member"}], "downgrade": "one_level", **fields}


def test_each_version_of_a_ladder_says_how_its_years_run() -> None:
    versions = [ladder(qualifying_year="calendar"), ladder(qualifying_year="membership", effective_from="2027-01-01")]
    rules = cr.Program(**HEAD, measures={"x": YEAR}, policies=versions).rulebook
    assert [rules.qualifying_years(date(year, 6, 1)) for year in (1800, 2026, 2027)] == ["calendar", "calendar", "membership"]


def test_years_run_with_the_calendar_where_nobody_says_otherwise() -> None:
    assert cr.Program(**HEAD, measures={"x": YEAR}, policies=[ladder()]).rulebook.qualifying_years(date(2026, 6, 1)) == "calendar"


def test_what_is_carried_over_is_read_from_the_status_of_its_measure() -> None:
    told = begun(**YEAR).on("2027-02-01").purchase("100")
    state = told.state.fork()
    state.statuses = {("tier.rollover", "x"): StatusValue(2027, date(2027, 1, 1), data={"2027-01-01": 2500, "2026-01-01": "0.5"})}
    kept = Moment(told.program.rulebook, state, date(2027, 2, 1))
    assert kept.value("x") == 10000 + 2500
    assert [carried(state, "x", date(year, 1, 1)) for year in (2026, 2027, 2028)] == [Fraction(1, 2), 2500, 0]
    assert carried(state, "y", date(2027, 1, 1)) == 0


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ({"best": "spend", "window": "30 days"}, ("each:spend", date(2026, 4, 30))),
        ({"average": "bill", "per": "month", "window": "last 2 calendar months"}, ("sum:bill.amount", date(2026, 6, 1))),
        ({"sum": "bill", "window": "10 days", "skip": "20 days"}, ("sum:bill.amount", date(2026, 4, 30))),
        ({"gap": "bill"}, ("count:bill", None)),
        ({"best": "bill", "per": "month", "window": "lifetime"}, ("sum:bill.amount", None)),
        ({"average": "aum", "window": "7 days"}, ("latest:aum.value", None)),
    ],
)
def test_a_measure_that_is_new_knows_when_it_will_be_whole(measure: dict[str, Any], expected: tuple[str, date | None]) -> None:
    """The customer was last seen on 31 March: what is counted from 1 April on fills 30 days by 30 April, and all of April and May in June."""
    old = cr.Program(**{**HEAD, "readings": {}}, measures={}, policies=[])
    seen = history(old).on("2026-03-31").visit()
    new = cr.Program(**{**HEAD, "readings": {"aum": {"type": "money"}}}, measures={"x": measure}, policies=[])
    assert [(gap.name, gap.complete_on) for gap in new.gaps(seen.state) if "x" in gap.measures] == [expected]


def test_the_time_at_a_level_that_was_not_counted_from_its_start_is_never_whole() -> None:
    levels = ladder(levels=[{"name": "member"}])
    seen = history(cr.Program(**HEAD, policies=[levels])).on("2026-03-31").visit()
    new = cr.Program(**HEAD, measures={"x": {"sum": "bill", "window": "since level"}}, policies=[levels])
    assert [(gap.name, gap.complete_on) for gap in new.gaps(seen.state) if gap.kind == "tally_missing" and "x" in gap.measures] == [
        ("sum:bill.amount", None)
    ]


def test_a_reading_that_nothing_reads_is_a_finding() -> None:
    levels = ladder(levels=[{"name": "member"}, {"name": "rich", "enter": {"aum": ">= 100"}}])
    found = cr.Program(**HEAD, measures={"x": {"best": "level", "window": "30 days"}}, policies=[levels])
    assert [row.params["name"] for row in cr.check(found) if row.params.get("section") == "readings"] == ["members"]


def test_measures_of_every_kind_are_facts_that_can_be_given() -> None:
    levels = ladder(levels=[{"name": "member"}, {"name": "gold", "enter": {"x": ">= 130", "aum": ">= 5000"}}])
    given = cr.Program(**HEAD, measures={"x": ARPU}, policies=[levels])
    assert given.evaluate("levels", {"x": "130.00", "aum": "5000.00"}).value == "gold"
    assert given.evaluate("levels", {"x": "129.99", "aum": "5000.00"}).value == "member"


def test_a_level_by_time_alone_comes_on_its_day() -> None:
    """From 11 March on 80,000 stand: over 7 days 50,000 on average are reached with 14 March (3 × 10,000 + 4 × 80,000 = 350,000)."""
    levels = ladder(levels=[{"name": "member"}, {"name": "rich", "enter": {"x": ">= 50000"}}])
    told = history(cr.Program(**HEAD, measures={"x": {"average": "aum", "window": "7 days"}}, policies=[levels]))
    told = read_off(told, ("2026-03-01", "10000"), ("2026-03-11", "80000"))
    days = [told.day_end(day).state.tier() for day in ("2026-03-13", "2026-03-14")]
    assert [level.name if level is not None else None for level in days] == ["member", "rich"]


# -- against a plain reading of the history ------------------------------------------------------------------------------

moves = st.lists(st.tuples(st.sampled_from(["buy", "buy", "back", "read"]), st.integers(0, 25), st.integers(1, 400)), min_size=1, max_size=14)
EVERYTHING: dict[str, dict[str, Any]] = {
    "best": {"best": "spend", "window": "45 days"},
    "best_ever": {"best": "spend", "window": "lifetime"},
    "best_week": {"best": "spend", "per": "week", "window": "this 2 calendar months"},
    "monthly": {"average": "spend", "per": "month", "window": "last 2 calendar months", "skip": "1 month"},
    "gap": {"gap": "purchase", "window": "60 days"},
    "mean": {"average": "aum", "window": "20 days"},
    "top": {"best": "aum", "window": "last calendar month"},
    "own_year": {"sum": "spend", "window": "membership year"},
}
EVERY = program((), **EVERYTHING)


def played(made: list[tuple[str, int, int]]) -> tuple[History, dict[date, list[int]], dict[date, int]]:
    """A history, and by hand: what is kept of the orders of each day, and what was read last on each day."""
    told, day = history(EVERY), date(2026, 1, 1)
    orders: dict[str, tuple[date, int]] = {}
    read: dict[date, int] = {}
    for number, (move, gap, amount) in enumerate(made):
        day += timedelta(days=gap)
        told = told.on(day)
        if move == "read":
            told, read[day] = told.reading("aum", f"{amount}.00"), amount * 100
        elif move == "back" and any(kept for _, kept in orders.values()):
            order, (bought, kept) = next((name, row) for name, row in orders.items() if row[1])
            back = min(kept, amount * 100)
            told, orders[order] = told.return_(order, amount=f"{back // 100}.00"), (bought, kept - back)
        else:
            told, orders[f"o{number}"] = told.purchase(f"{amount}.00", id=f"o{number}"), (day, amount * 100)
    kept_by_day: dict[date, list[int]] = {}
    for bought, kept in orders.values():
        kept_by_day.setdefault(bought, []).extend([kept] if kept else [])
    return told, kept_by_day, read


def days_of(first: date, last: date) -> list[date]:
    return [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]


def back(day: date, months: int) -> date:
    """The first day of the month so many months before."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


@given(moves)
def test_measures_say_what_a_plain_reading_of_the_history_says(made: list[tuple[str, int, int]]) -> None:
    told, kept, read = played(made)
    day = told.state.day
    assert day is not None
    joined = date(2026, 1, 1) + timedelta(days=made[0][1])

    def spent(days: list[date]) -> int:
        return sum(sum(kept.get(one, [])) for one in days)

    stood = {one: read[max(at for at in read if at <= one)] for one in days_of(date(2025, 12, 1), day) if any(at <= one for at in read)}
    recent = days_of(day - timedelta(days=44), day)
    shopping = [one for one in days_of(day - timedelta(days=59), day) if kept.get(one)]
    weeks: dict[int, int] = {}
    for one in days_of(back(day, 1), day):
        weeks[(one.toordinal() - 1) // 7] = weeks.get((one.toordinal() - 1) // 7, 0) + spent([one])
    twenty = [stood[one] for one in days_of(day - timedelta(days=19), day) if one in stood]
    last_month = [stood[one] for one in days_of(back(day, 1), back(day, 0) - timedelta(days=1)) if one in stood]
    year = max(one for one in (joined, joined.replace(year=joined.year + 1)) if one <= day)
    assert {name: value(told, day.isoformat(), name) for name in EVERYTHING} == {
        "best": max((one for at in recent for one in kept.get(at, [])), default=None),
        "best_ever": max((one for rows in kept.values() for one in rows), default=None),
        "best_week": max(weeks.values()),
        "monthly": Fraction(spent(days_of(back(day, 3), back(day, 1) - timedelta(days=1))), 2),
        "gap": Fraction((shopping[-1] - shopping[0]).days, len(shopping) - 1) if len(shopping) > 1 else None,
        "mean": Fraction(sum(twenty), len(twenty)) if twenty else None,
        "top": max(last_month, default=None),
        "own_year": spent(days_of(year, day)),
    }
