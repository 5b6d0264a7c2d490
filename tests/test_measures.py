"""Measures: what events add to tallies, what measures read out of them, when time next changes them, and wrong measures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from custrules.activity import ActivityLog
from custrules.calendars.windows import Standing
from custrules.counting import (
    ActivityType,
    Counted,
    Declarations,
    EventFacts,
    LineFacts,
    attribute_value,
    event_fact_types,
    event_value,
    in_order,
    line_types,
    matching_lines,
)
from custrules.errors import Diagnostic
from custrules.events import AnyEvent, Purchase, read_event
from custrules.facts import FactType, FactValue
from custrules.measures import Measure, Meter, Source
from custrules.metering import Compiler
from custrules.order_lines import OrderLine, OrderTender
from custrules.ordering import order_of
from custrules.orders import Order

DAY = date(2026, 1, 1)
BILL = ActivityType({"amount": "money", "city": "text", "paid": "flag"})
WALK = ActivityType({"weather": "text"}, unit="km")
DECLARED = Declarations({"bill": BILL, "walk": WALK, "check_in": ActivityType({})}, {"card_until": "date", "segment": "text"}, 2)


def on(number: int) -> date:
    return DAY + timedelta(days=number)


def compiled(**measures: dict[str, Any]) -> Compiler:
    return Compiler({name: Measure.model_validate(measure) for name, measure in measures.items()}, DECLARED)


def meter_of(**measure: Any) -> Meter:
    compiler = compiled(x=measure)
    assert compiler.faults == []
    return compiler.meters["x"]


def purchase(number: int, amount: str = "10.00", **fields: Any) -> AnyEvent:
    return event("purchase", number, **({"amount": amount} if "lines" not in fields else {}), **fields)


def event(kind: str, number: int, **fields: Any) -> AnyEvent:
    at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=number)
    return read_event({"type": kind, "id": f"{kind} {number}", "customer_id": "c1", "occurred_at": at} | fields, "CNY")


def source_of(meter: Meter, events: Iterable[tuple[int, AnyEvent]], held_from: date | None = None) -> Source:
    """Tallies of what the events add, each on its day; those that a ``where`` does not want are left out by the caller."""
    log = ActivityLog()
    for counted in {counted.key: counted for counted in meter.counted}.values():
        log.open(counted.key, counted.what == "latest", held_from)
        for number, one in events:
            day = on(number)
            if isinstance(one, Purchase) and counted.what != "latest":
                log.add(counted.key, day, in_order(counted, order_of(one, day), "reverse"))
            elif (value := event_value(counted, one, DECLARED)) is not None:
                log.put(counted.key, day, one.occurred_at.isoformat(), value) if counted.what == "latest" else log.add(counted.key, day, value)
    return Source(log, {"card_until": on(30)}.get)


def value_of(meter: Meter, events: Iterable[tuple[int, AnyEvent]], number: int) -> FactValue | None:
    return meter.value(source_of(meter, events), on(number))


BOUGHT = [(number, purchase(number, amount)) for number, amount in [(0, "10.00"), (10, "20.00"), (10, "5.00"), (40, "1.00")]]

# -- values --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "spend"), [(0, 1000), (9, 1000), (10, 3500), (29, 3500), (30, 2500), (40, 100), (39, 2500), (69, 100), (70, 0)])
def test_a_sum_is_over_the_days_of_its_window(number: int, spend: int) -> None:
    assert value_of(meter_of(sum="spend", window="30 days"), BOUGHT, number) == spend


@pytest.mark.parametrize(("number", "count"), [(0, 1), (10, 3), (30, 2), (40, 1), (70, 0)])
def test_a_count_is_of_events(number: int, count: int) -> None:
    assert value_of(meter_of(count="purchase", window="30 days"), BOUGHT, number) == count


def test_an_average_is_exact_and_missing_where_there_is_nothing() -> None:
    meter = meter_of(average="spend", window="30 days")
    assert meter.type == FactType("money", scale=2)
    assert value_of(meter, BOUGHT, 10) == Fraction(3500, 3)
    assert value_of(meter, BOUGHT, 30) == 1250
    assert value_of(meter, BOUGHT, 70) is None


def test_a_lifetime_counts_from_the_start() -> None:
    assert value_of(meter_of(sum="spend", window="lifetime"), BOUGHT, 10_000) == 3600


@pytest.mark.parametrize(("number", "days"), [(0, 0), (9, 9), (10, 0), (40, 0), (400, 360)])
def test_since_is_the_days_since_the_last_event(number: int, days: int) -> None:
    assert value_of(meter_of(since="purchase"), BOUGHT, number) == days


def test_since_is_missing_before_the_first_event() -> None:
    assert value_of(meter_of(since="purchase"), BOUGHT, -1) is None


@pytest.mark.parametrize(("number", "days"), [(0, 30), (29, 1), (30, 0), (31, None)])
def test_until_is_the_days_to_a_date_of_the_profile(number: int, days: int | None) -> None:
    assert value_of(meter_of(until="card_until"), [], number) == days


def test_until_is_missing_where_the_profile_has_no_date() -> None:
    source = Source(ActivityLog(), lambda name: None)
    meter = meter_of(until="card_until")
    assert (meter.value(source, DAY), meter.next_change(source, DAY), meter.evaluable(source, DAY)) == (None, None, True)


BILLS = [
    (number, event("activity", number, name="bill", attributes=attributes))
    for number, attributes in [(0, {"amount": "12.50"}), (3, {"amount": 7}), (3, {"city": "上海"}), (9, {"amount": "0.50 CNY"})]
]


def test_an_activity_is_summed_by_the_one_number_that_it_declares() -> None:
    for subject in ("bill", "bill.amount"):
        meter = meter_of(sum=subject, window="30 days")
        assert meter.type == FactType("money", scale=2)
        assert [value_of(meter, BILLS, number) for number in (0, 3, 9)] == [1250, 1950, 2000]


def test_an_average_is_of_the_events_that_bring_the_number() -> None:
    # 12.50 and 7.00; the bill without an amount is none of them
    assert value_of(meter_of(average="bill.amount", window="30 days"), BILLS, 3) == 975
    assert value_of(meter_of(count="bill", window="30 days"), BILLS, 3) == 3


def test_the_latest_value_is_carried_forward_within_its_window() -> None:
    meter = meter_of(latest="bill.amount", window="5 days")
    assert [value_of(meter, BILLS, number) for number in (-1, 0, 2, 3, 7, 8, 9)] == [None, 1250, 1250, 700, 700, None, 50]


def test_the_latest_purchase_is_a_value_too() -> None:
    assert value_of(meter_of(latest="purchase.amount", window="lifetime"), BOUGHT, 39) == 500


def test_a_quantity_is_summed_in_its_unit_exactly() -> None:
    walks = [(number, event("activity", number, name="walk", quantity=quantity)) for number, quantity in enumerate(["0.1", "0.2", "2.5"])]
    meter = meter_of(sum="walk", window="30 days")
    assert meter.type == FactType("number")
    assert [value_of(meter, walks, number) for number in (1, 2)] == [Fraction(3, 10), Fraction(14, 5)]
    assert value_of(meter_of(average="walk.quantity", window="30 days"), walks, 1) == Fraction(3, 20)
    assert value_of(meter_of(latest="walk", window="30 days"), walks, 2) == Fraction(5, 2)


def test_an_activity_without_its_quantity_adds_nothing() -> None:
    walks = [(0, event("activity", 0, name="walk"))]
    assert value_of(meter_of(sum="walk", window="30 days"), walks, 0) == 0
    assert value_of(meter_of(average="walk", window="30 days"), walks, 0) is None
    assert value_of(meter_of(latest="walk", window="30 days"), walks, 0) is None


# -- ratios --------------------------------------------------------------------------------------------------------------


def ratio(base: str | None = None) -> Meter:
    parts = {"recent": {"sum": "spend", "window": "10 days"}, "all": {"sum": "spend", "window": "30 days"}}
    compiler = compiled(**parts, x={"ratio": ["recent", "all"]} | ({"base": base} if base else {}))
    assert compiler.faults == []
    return compiler.meters["x"]


def test_a_ratio_is_an_exact_fraction_of_two_measures() -> None:
    # as of day 10 the last ten days hold 25.00 of 35.00, as of day 29 nothing of it
    assert value_of(ratio(), BOUGHT, 10) == Fraction(5, 7)
    assert value_of(ratio(), BOUGHT, 29) == 0
    assert value_of(ratio(), BOUGHT, 0) == 1
    assert ratio().type == FactType("number")


def test_a_ratio_to_nothing_is_missing() -> None:
    assert value_of(ratio(), BOUGHT, 200) is None


@pytest.mark.parametrize(("base", "found"), [(">= 35", Fraction(5, 7)), (">= 35.01", None), ("[30..40)", Fraction(5, 7))])
def test_a_ratio_is_missing_below_its_base(base: str, found: Fraction | None) -> None:
    assert value_of(ratio(base), BOUGHT, 10) == found


# -- orders --------------------------------------------------------------------------------------------------------------


def counted(**measure: Any) -> Counted:
    return meter_of(**measure, window="lifetime").counted[0]


def sold(*lines: OrderLine, tenders: tuple[OrderTender, ...] = ()) -> Order:
    return Order("o1", "purchase", DAY, datetime(2026, 1, 1, 12, tzinfo=UTC), lines, tenders)


COFFEE = OrderLine("c1", "coffee", Decimal(2), 700, 300)
CAKE = OrderLine("k1", "cake", Decimal(1), 300, 100)
GIFT = OrderLine("g1", "gift", Decimal(2), 0, 50)
PAID = (OrderTender("coupon", 100), OrderTender("points", 200, Decimal(20)), OrderTender("gift_card", 100), OrderTender("card", 600))


def test_spend_is_what_is_kept_less_what_coupons_and_points_paid() -> None:
    spend = counted(sum="spend")
    assert in_order(spend, sold(COFFEE, CAKE), "reverse") == 1000
    assert in_order(spend, sold(COFFEE, CAKE, tenders=PAID), "reverse") == 700
    # 400 came back: the coupon keeps 40, the card gets 360; 600 are kept, of which 60 and 200 were unpaid
    assert in_order(spend, replace(sold(COFFEE, CAKE, tenders=PAID), spread=400), "reverse") == 340


def test_spend_on_some_lines_is_their_share_of_it() -> None:
    spend = counted(sum="spend", lines={"category": "coffee"})
    assert in_order(spend, sold(COFFEE, CAKE), "reverse") == 700
    assert in_order(spend, sold(COFFEE, CAKE, tenders=PAID), "reverse") == 490
    assert in_order(spend, sold(CAKE), "reverse") == 0


def test_margin_is_spend_less_the_cost_of_what_is_kept() -> None:
    margin = counted(sum="margin")
    assert in_order(margin, sold(COFFEE, CAKE), "reverse") == 600
    # half of the coffee came back: 350 and 300 are kept, at a cost of 150 and 100
    assert in_order(margin, sold(COFFEE._replace(back=350), CAKE), "reverse") == 400


def test_what_is_given_away_still_costs() -> None:
    margin = counted(sum="margin")
    assert in_order(margin, sold(CAKE, GIFT), "reverse") == 300 - 100 - 50
    assert in_order(margin, sold(CAKE, GIFT._replace(back_quantity=Decimal(1))), "reverse") == 300 - 100 - 25


@pytest.mark.parametrize(
    ("order", "count"),
    [
        (sold(COFFEE), 1),
        (replace(sold(COFFEE), spread=699), 1),
        (sold(COFFEE).all_back(), 0),
        (sold(GIFT), 1),
        (sold(GIFT).all_back(), 0),
    ],
)
def test_an_order_counts_while_anything_of_it_is_kept(order: Order, count: int) -> None:
    assert in_order(counted(count="purchase"), order, "reverse") == count


def test_an_order_counts_while_any_line_that_is_wanted_is_kept() -> None:
    coffees, gifts = counted(count="purchase", lines={"category": "coffee"}), counted(count="purchase", lines={"category": "gift"})
    assert in_order(coffees, sold(COFFEE, CAKE), "reverse") == 1
    assert in_order(coffees, sold(COFFEE._replace(back=700), CAKE), "reverse") == 0
    assert in_order(coffees, sold(GIFT), "reverse") == 0
    assert in_order(gifts, sold(CAKE, GIFT), "reverse") == 1
    assert in_order(gifts, sold(CAKE, GIFT).all_back(), "reverse") == 0


def test_a_redemption_counts_until_it_is_cancelled() -> None:
    redemption = Order("r1", "redemption", DAY, datetime(2026, 1, 1, 12, tzinfo=UTC))
    redeemed = counted(count="redemption")
    assert [in_order(redeemed, order, "reverse") for order in (redemption, replace(redemption, done=True))] == [1, 0]


@given(st.integers(0, 1000), st.sampled_from(["reverse", "pro_rata"]))
def test_spend_and_what_goes_back_by_tenders_that_are_spend_sum_to_the_whole(spread: int, rule: str) -> None:
    order = replace(sold(COFFEE, CAKE, tenders=PAID), spread=spread)
    money_back = sum(back for tender, back in zip(PAID, order.tenders_back(rule), strict=True) if tender.type in ("card", "gift_card"))
    assert in_order(counted(sum="spend"), order, rule) + money_back == 700


# -- facts of events and lines -------------------------------------------------------------------------------------------


def facts_of(one: AnyEvent, activity: ActivityType | None = None) -> dict[str, FactValue | None]:
    names = ("channel", "amount", "quantity", "city", "paid", "weather")
    facts = EventFacts(one, activity.attributes if activity else {}, 2)
    return {name: value for name in names if (value := facts.value(name)) is not None}


def test_an_event_brings_its_fields_and_declared_attributes_as_facts() -> None:
    assert facts_of(purchase(0, channel="app", attributes={"city": "x"})) == {"channel": "app", "amount": 1000}
    bill = event("activity", 0, name="bill", attributes={"amount": "12.5", "city": "上海", "paid": "true", "colour": "red"})
    assert facts_of(bill, BILL) == {"amount": 1250, "city": "上海", "paid": True}
    assert facts_of(event("activity", 0, name="walk", quantity="1.5"), WALK) == {"quantity": Fraction(3, 2)}


def test_a_line_brings_its_fields_as_facts() -> None:
    facts = LineFacts(COFFEE)
    assert [facts.value(name) for name in line_types(2)] == ["c1", "coffee", 2, 700]
    assert facts.next_change("sku") is None
    assert matching_lines(counted(sum="spend", lines={"amount": ">= 5", "quantity": "2"}), [COFFEE, CAKE]) == [True, False]


def test_every_fact_of_an_event_has_a_type() -> None:
    money = FactType("money", scale=2)
    assert event_fact_types("purchase", DECLARED) == {"channel": FactType("text"), "amount": money}
    assert event_fact_types("bill", DECLARED) == {"channel": FactType("text"), "amount": money, "city": FactType("text"), "paid": FactType("flag")}
    assert event_fact_types("walk", DECLARED) == {"channel": FactType("text"), "quantity": FactType("number"), "weather": FactType("text")}


@pytest.mark.parametrize(
    ("value", "kind", "fact"),
    [
        ("12.50", "money", 1250),
        ("12.50 CNY", "money", 1250),
        (12, "money", 1200),
        ("1.5", "number", Fraction(3, 2)),
        ("2.0", "number", 2),
        (2, "whole", 2),
        ("2", "whole", 2),
        ("x", "text", "x"),
        (5, "text", "5"),
        (True, "flag", True),
        ("false", "flag", False),
        ("2026-03-31", "date", date(2026, 3, 31)),
        (None, "text", None),
    ],
)
def test_an_attribute_is_read_as_its_kind(value: Any, kind: Any, fact: FactValue | None) -> None:
    found = attribute_value(value, kind, 2)
    assert found == fact
    assert type(found) is type(fact)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", "money"),
        ("0.001", "money"),
        (True, "money"),
        ("x", "number"),
        (True, "text"),
        ("1.5", "whole"),
        ("yes", "flag"),
        (1, "flag"),
        ("31.3.2026", "date"),
        (5, "date"),
    ],
)
def test_an_attribute_of_another_kind_is_a_value_error(value: Any, kind: Any) -> None:
    with pytest.raises(ValueError):
        attribute_value(value, kind, 2)


# -- what is kept --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", [{"sum": "spend"}, {"count": "purchase"}, {"average": "spend"}])
def test_a_measure_that_reaches_behind_what_is_kept_is_missing_and_not_smaller(measure: dict[str, str]) -> None:
    meter = meter_of(**measure, window="30 days")
    source = source_of(meter, BOUGHT, held_from=on(5))
    assert [meter.evaluable(source, on(number)) for number in (10, 33, 34, 40)] == [False, False, True, True]
    assert meter.value(source, on(33)) is None
    assert meter.value(source, on(34)) == value_of(meter, BOUGHT, 34) is not None
    assert meter.next_change(source, on(33)) == on(34)


def test_a_lifetime_that_was_not_kept_from_the_start_stays_missing() -> None:
    meter = meter_of(sum="spend", window="lifetime")
    source = source_of(meter, BOUGHT, held_from=on(5))
    assert (meter.value(source, on(50)), meter.evaluable(source, on(50)), meter.next_change(source, on(50))) == (None, False, None)


@pytest.mark.parametrize("measure", [{"sum": "spend", "window": "1 day"}, {"since": "purchase"}, {"latest": "bill.amount", "window": "1 day"}])
def test_a_measure_whose_tally_is_not_kept_is_missing(measure: dict[str, str]) -> None:
    meter = meter_of(**measure)
    source = Source(ActivityLog(), lambda name: None)
    assert (meter.value(source, DAY), meter.next_change(source, DAY), meter.evaluable(source, DAY)) == (None, None, False)


def test_since_and_latest_are_evaluable_once_something_was_counted() -> None:
    for meter, events in ((meter_of(since="purchase"), BOUGHT), (meter_of(latest="bill.amount", window="lifetime"), BILLS)):
        source = source_of(meter, events, held_from=on(0))
        assert [meter.evaluable(source, on(number)) for number in (-1, 0)] == [False, True]


# -- when time changes them ----------------------------------------------------------------------------------------------

CHANGING = [
    {"sum": "spend", "window": "30 days"},
    {"count": "purchase", "window": "2 months"},
    {"average": "spend", "window": "this calendar month"},
    {"sum": "spend", "window": "last 2 calendar weeks"},
    {"sum": "spend", "window": "lifetime"},
    {"latest": "purchase.amount", "window": "20 days"},
    {"latest": "purchase.amount", "window": "lifetime"},
    {"since": "purchase"},
    {"until": "card_until"},
    {"sum": "spend", "window": "qualifying year"},
    {"average": "spend", "window": "membership year"},
    {"count": "purchase", "window": "since level"},
    {"latest": "purchase.amount", "window": "qualifying year"},
]
standings = st.builds(
    Standing,
    st.none() | st.integers(-400, 20).map(on),
    st.none() | st.integers(-40, 20).map(on),
    st.sampled_from(["calendar", "membership"]),
    st.booleans(),
)
bought = st.lists(st.tuples(st.integers(-40, 60), st.integers(1, 999)), max_size=6)


@given(st.sampled_from(CHANGING), bought, st.integers(-30, 60), st.none() | st.integers(-20, 0), standings)
def test_no_measure_changes_by_time_before_the_day_it_names(
    measure: dict[str, str], rows: list[tuple[int, int]], number: int, held_from: int | None, standing: Standing
) -> None:
    meter = meter_of(**measure)
    start = on(held_from) if held_from is not None else None
    source = replace(source_of(meter, [(day, purchase(day, f"{amount}.00")) for day, amount in rows], held_from=start), standing=standing)
    named, now = meter.next_change(source, on(number)), meter.value(source, on(number))
    changed = next((on(later) for later in range(number + 1, number + 200) if meter.value(source, on(later)) != now), None)
    assert named is None or named > on(number)
    assert changed is None or (named is not None and named <= changed)


STANDING = [("qualifying year", 900), ("membership year", 3400), ("since level", 600)]


@pytest.mark.parametrize(("window", "total"), STANDING)
def test_a_sum_looks_at_the_days_for_which_the_customer_stands_so(window: str, total: int) -> None:
    meter = meter_of(sum="spend", window=window)
    bought = [(-40, purchase(-40, "1.00")), (-10, purchase(-10, "25.00")), (2, purchase(2, "3.00")), (5, purchase(5, "6.00"))]
    source = replace(source_of(meter, bought), standing=Standing(joined=on(-10), level_since=on(3)))
    assert meter.value(source, on(5)) == total


@pytest.mark.parametrize("window", ["membership year", "since level"])
def test_what_is_counted_from_an_unknown_day_is_missing(window: str) -> None:
    meter = meter_of(count="purchase", window=window)
    source = source_of(meter, BOUGHT)
    assert (meter.value(source, on(20)), meter.evaluable(source, on(20)), meter.next_change(source, on(20))) == (None, True, None)


def test_what_is_carried_over_counts_in_its_qualifying_year_only() -> None:
    """2026-01-01 is day 0: 10.00 + 25.00 of that year, and 7.00 carried into it; nothing is carried into the year after."""
    meter = meter_of(sum="spend", window="qualifying year")
    source = replace(source_of(meter, BOUGHT), carried=lambda name, first: 700 if (name, first) == ("x", DAY) else 0)
    assert meter.value(source, on(20)) == 3500 + 700
    assert meter.value(replace(source, standing=Standing(complete=True)), on(366)) == 3600 + 700
    assert meter.value(source, on(366)) == 0


def test_a_year_is_asked_about_the_day_after_a_decision() -> None:
    meter = meter_of(sum="spend", window="qualifying year")
    source = replace(source_of(meter, BOUGHT), changed=on(20))
    assert [meter.next_change(source, on(number)) for number in (20, 21)] == [on(21), on(40)]


@given(bought, st.integers(-30, 60))
def test_a_ratio_never_changes_before_the_day_it_names(rows: list[tuple[int, int]], number: int) -> None:
    meter = ratio()
    source = source_of(meter, [(day, purchase(day, f"{amount}.00")) for day, amount in rows])
    named, now = meter.next_change(source, on(number)), meter.value(source, on(number))
    changed = next((on(later) for later in range(number + 1, number + 200) if meter.value(source, on(later)) != now), None)
    assert changed is None or (named is not None and named <= changed)


@pytest.mark.parametrize(
    ("measure", "reach"),
    [
        ({"sum": "spend", "window": "30 days"}, 30),
        ({"sum": "spend", "window": "lifetime"}, None),
        ({"sum": "spend", "window": "qualifying year"}, 732),
        ({"sum": "spend", "window": "membership year"}, 366),
        ({"sum": "spend", "window": "since level"}, 36600),
        ({"latest": "bill.amount", "window": "7 days"}, 7),
        ({"since": "purchase"}, 0),
        ({"until": "card_until"}, 0),
    ],
)
def test_a_measure_says_how_far_it_looks_back(measure: dict[str, str], reach: int | None) -> None:
    assert meter_of(**measure).reach == reach


def test_a_ratio_looks_back_as_far_as_the_further_of_its_two() -> None:
    assert ratio().reach == 30
    compiler = compiled(a={"sum": "spend", "window": "lifetime"}, b={"sum": "spend", "window": "1 day"}, x={"ratio": ["b", "a"]})
    assert compiler.meters["x"].reach is None


# -- keys ----------------------------------------------------------------------------------------------------------------


def test_measures_that_differ_in_their_window_share_a_tally() -> None:
    keys = {meter_of(sum="spend", window=window).counted[0].key for window in ("30 days", "1 year", "lifetime")}
    assert len(keys) == 1


def test_measures_that_count_differently_share_none() -> None:
    measures: list[dict[str, Any]] = [
        {"sum": "spend"},
        {"count": "purchase"},
        {"sum": "margin"},
        {"sum": "spend", "where": {"channel": "app"}},
        {"sum": "spend", "where": {"channel": "web"}},
        {"sum": "spend", "lines": {"sku": "app"}},
        {"latest": "bill.amount"},
        {"sum": "bill.amount"},
    ]
    assert len({meter_of(**measure, window="1 day").counted[0].key for measure in measures}) == len(measures)


# -- wrong measures ------------------------------------------------------------------------------------------------------


def faults_of(**measures: dict[str, Any]) -> list[Diagnostic]:
    compiler = compiled(**measures)
    assert set(compiler.meters) != set(measures) or not compiler.faults
    return compiler.faults


WINDOW = {"window": "30 days"}


@pytest.mark.parametrize(
    ("measure", "code", "path"),
    [
        ({"window": "30 days"}, "document.one_aggregate", "measures.x"),
        ({"sum": "spend", "count": "purchase"} | WINDOW, "document.one_aggregate", "measures.x"),
        ({"sum": "spend", "ratio": ["a", "b"]}, "document.one_aggregate", "measures.x"),
        ({"sum": "spend"}, "document.missing_field", "measures.x.window"),
        ({"since": "purchase"} | WINDOW, "document.not_with", "measures.x.window"),
        ({"until": "card_until"} | WINDOW, "document.not_with", "measures.x.window"),
        ({"until": "card_until", "where": {"channel": "app"}}, "document.not_with", "measures.x.where"),
        ({"sum": "spend", "base": ">= 1"} | WINDOW, "document.not_with", "measures.x.base"),
        ({"count": "visit", "lines": {"sku": "a"}} | WINDOW, "document.not_with", "measures.x.lines"),
        ({"sum": "spent"} | WINDOW, "document.unknown_subject", "measures.x.sum"),
        ({"latest": "spend"} | WINDOW, "document.unknown_subject", "measures.x.latest"),
        ({"sum": "purchase.amount"} | WINDOW, "document.unknown_subject", "measures.x.sum"),
        ({"count": "spend"} | WINDOW, "document.unknown_subject", "measures.x.count"),
        ({"count": "new_day"} | WINDOW, "document.unknown_subject", "measures.x.count"),
        ({"since": "bill.amount"}, "document.unknown_subject", "measures.x.since"),
        ({"sum": "check_in"} | WINDOW, "document.no_number", "measures.x.sum"),
        ({"sum": "bill.city"} | WINDOW, "document.no_number", "measures.x.sum"),
        ({"average": "bill.total"} | WINDOW, "document.no_number", "measures.x.average"),
        ({"until": "segment"}, "document.unknown_date", "measures.x.until"),
        ({"until": "card_till"}, "document.unknown_date", "measures.x.until"),
        ({"sum": "spend", "where": {"chanel": "app"}} | WINDOW, "document.unknown_fact", "measures.x.where.chanel"),
        ({"sum": "spend", "lines": {"category": ">= 5"}} | WINDOW, "document.bad_cell", "measures.x.lines.category"),
        ({"ratio": ["y", "z"]}, "document.unknown_measure", "measures.x.ratio[0]"),
    ],
)
def test_a_wrong_measure_is_told_with_its_code_and_path(measure: dict[str, Any], code: str, path: str) -> None:
    found = compiled(x=measure).faults
    assert (code, path) in {(fault.code, fault.path) for fault in found}


@pytest.mark.parametrize(("wrong", "meant"), [({"sum": "spent"}, "spend"), ({"count": "purchases"}, "purchase"), ({"sum": "bil"}, "bill")])
def test_an_unknown_subject_says_which_was_meant(wrong: dict[str, str], meant: str) -> None:
    [fault] = compiled(x=wrong | WINDOW).faults
    assert fault.params["nearest"] == meant


def test_every_wrong_field_of_a_measure_is_told() -> None:
    faults = compiled(x={"until": "card_until", "window": "1 day", "base": ">= 1", "lines": {"sku": "a"}}).faults
    assert [(fault.path, fault.params["field"]) for fault in faults] == [
        ("measures.x.base", "base"),
        ("measures.x.window", "window"),
        ("measures.x.lines", "lines"),
    ]


PARTS = {"a": {"sum": "spend", "window": "1 day"}, "b": {"sum": "spend", "window": "2 days"}}


@pytest.mark.parametrize(
    ("measure", "code", "path"),
    [
        ({"window": "1 day"}, "document.not_with", "measures.x.window"),
        ({"where": {"channel": "app"}}, "document.not_with", "measures.x.where"),
        ({"base": ">= x"}, "document.bad_cell", "measures.x.base"),
        ({"base": "[5..1]"}, "document.bad_cell", "measures.x.base"),
        ({"base": "20 <"}, "document.bad_cell", "measures.x.base"),
    ],
)
def test_a_wrong_ratio_is_told_with_its_code_and_path(measure: dict[str, Any], code: str, path: str) -> None:
    [fault] = compiled(**PARTS, x={"ratio": ["a", "b"]} | measure).faults
    assert (fault.code, fault.path) == (code, path)


def test_a_ratio_of_a_ratio_is_refused() -> None:
    faults = compiled(**PARTS, x={"ratio": ["a", "b"]}, y={"ratio": ["a", "x"]}).faults
    assert [(fault.code, fault.path) for fault in faults] == [("document.unknown_measure", "measures.y.ratio[1]")]


@pytest.mark.parametrize("wrong", [{"ratio": ["a"]}, {"ratio": "a"}, {"ratio": ["a", 5]}, {"sum": 5}, {"total": "spend"}, {"window": "24 hours"}])
def test_what_is_no_measure_at_all_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Measure.model_validate(wrong)


def test_the_latest_of_spend_is_not_said_to_be_spend() -> None:
    [fault] = compiled(x={"latest": "spend", "window": "lifetime"}).faults
    assert fault.params["nearest"] != "spend"
    assert "spend" not in fault.params["known"].split(", ")


MONEYS = {**PARTS, "n": {"count": "purchase", "window": "1 day"}, "m": {"count": "visit", "window": "1 day"}}


@pytest.mark.parametrize(
    ("measure", "code", "path"),
    [
        ({"difference": ["a", "b"], "window": "1 day"}, "document.not_with", "measures.x.window"),
        ({"difference": ["a", "b"], "base": ">= 1"}, "document.not_with", "measures.x.base"),
        ({"difference": ["a", "c"]}, "document.unknown_measure", "measures.x.difference[1]"),
        ({"difference": ["a", "n"]}, "document.fact_of_other_kind", "measures.x.difference[1]"),
        ({"difference": ["n", "a"]}, "document.fact_of_other_kind", "measures.x.difference[1]"),
        ({"difference": ["a", "b"], "sum": "spend"}, "document.one_aggregate", "measures.x"),
    ],
)
def test_a_wrong_difference_is_told_with_its_code_and_path(measure: dict[str, Any], code: str, path: str) -> None:
    [fault] = compiled(**MONEYS, x=measure).faults
    assert (fault.code, fault.path) == (code, path)


def test_a_difference_has_the_kind_of_its_parts_and_a_ratio_may_be_made_of_it() -> None:
    found = compiled(**MONEYS, x={"difference": ["b", "a"]}, y={"difference": ["n", "m"]}, z={"ratio": ["x", "b"]})
    assert found.faults == []
    assert [found.meters[name].type.kind for name in ("x", "y", "z")] == ["money", "whole", "number"]
    assert compiled(**MONEYS, x={"difference": ["b", "a"]}, y={"difference": ["x", "a"]}).faults[0].code == "document.unknown_measure"


@pytest.mark.parametrize("wrong", [{"difference": ["a"]}, {"difference": "a"}, {"difference": ["a", 5]}])
def test_what_is_no_difference_at_all_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Measure.model_validate(wrong)
