"""Returns that name no order: which orders they are found to belong to, on histories worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from custrules.calendars import Length
from custrules.events import Return, read_event
from custrules.order_lines import OrderLine
from custrules.orders import Order
from custrules.returns import Matching, ReturnsRule, find_orders

DAY = date(2026, 3, 31)
BOTH = Matching(match=("same_sku_latest", "same_price_latest"))
Row = tuple[str, int, int]


def order(name: str, ago: int, *rows: Row, kind: str = "purchase") -> Order:
    """An order some days ago of lines (sku, quantity, amount)."""
    day = DAY - timedelta(days=ago)
    lines = tuple(OrderLine(sku, None, Decimal(quantity), amount, 0) for sku, quantity, amount in rows)
    return Order(name, kind, day, datetime(day.year, day.month, day.day, 12, tzinfo=UTC), lines)


def returned(*rows: Row, amount: int | None = None) -> Return:
    lines = [{"sku": sku, "quantity": quantity, "amount": f"{minor // 100}.{minor % 100:02d} CNY"} for sku, quantity, minor in rows]
    fields: dict[str, Any] = {"amount": f"{amount // 100}.{amount % 100:02d} CNY"} if amount is not None else {"lines": lines}
    event = read_event({"type": "return", "id": "r1", "customer_id": "c1", "occurred_at": datetime(2026, 3, 31, 18, tzinfo=UTC)} | fields)
    assert isinstance(event, Return)
    return event


def found(rule: Matching | None, event: Return, *orders: Order) -> tuple[dict[str, int], list[int]]:
    """The amounts found by order, in the order in which they were, and the amounts for which none was found."""
    parts, unmatched = find_orders(rule, event, DAY, orders)
    assert all(part.amount == part.after.returned - part.before.returned for part in parts)
    return {part.before.id: part.amount for part in parts}, [wanted.amount for wanted in unmatched]


# -- which order ---------------------------------------------------------------------------------------------------------


def test_the_latest_order_of_the_same_sku_is_found() -> None:
    history = [order("o1", 3, ("a", 1, 500)), order("o2", 2, ("a", 1, 500)), order("o3", 1, ("b", 1, 500))]
    assert found(Matching(), returned(("a", 1, 500)), *history) == ({"o2": 500}, [])


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_the_order_in_which_a_state_holds_them_makes_no_difference(turn: int) -> None:
    history = [order("o1", 3, ("a", 1, 500)), order("o2", 2, ("a", 1, 500)), order("o3", 2, ("a", 1, 500))]
    assert found(Matching(), returned(("a", 1, 500)), *history[turn:], *history[:turn]) == ({"o3": 500}, [])


def test_what_one_order_cannot_take_runs_over_to_the_next_latest() -> None:
    history = [order("o1", 3, ("a", 2, 1000)), order("o2", 2, ("a", 1, 500)), order("o3", 1, ("a", 1, 400))]
    assert found(Matching(), returned(("a", 3, 1200)), *history) == ({"o3": 400, "o2": 500, "o1": 300}, [])


def test_what_no_order_can_take_is_left_over() -> None:
    assert found(Matching(), returned(("a", 2, 900), ("z", 1, 50)), order("o1", 3, ("a", 1, 500))) == ({"o1": 500}, [400, 50])


def test_lines_look_one_after_the_other_and_nothing_is_taken_twice() -> None:
    history = [order("o1", 3, ("a", 1, 500)), order("o2", 2, ("a", 1, 500))]
    assert found(Matching(), returned(("a", 1, 500), ("a", 1, 500), ("a", 1, 100)), *history) == ({"o2": 500, "o1": 500}, [100])


def test_what_came_back_before_is_not_found_again() -> None:
    before = order("o1", 3, ("a", 1, 500), ("b", 1, 100)).all_back()
    assert found(Matching(), returned(("a", 1, 500)), before) == ({}, [500])


def test_what_was_spread_over_an_order_is_no_longer_there() -> None:
    # 300 of 600 came back as an amount: 250 of a are left, and 50 of b
    history = order("o1", 3, ("a", 1, 500), ("b", 1, 100))
    spread = Order(history.id, history.type, history.day, history.occurred_at, history.lines, spread=300)
    parts, unmatched = find_orders(Matching(), returned(("a", 1, 500)), DAY, [spread])
    assert [part.amount for part in parts] == [250]
    assert [wanted.amount for wanted in unmatched] == [250]
    assert parts[0].after.kept() == [0, 50]


def test_several_lines_of_one_order_are_one_part() -> None:
    assert found(Matching(), returned(("a", 1, 500), ("b", 1, 100)), order("o1", 3, ("a", 1, 500), ("b", 1, 100))) == ({"o1": 600}, [])


# -- methods -------------------------------------------------------------------------------------------------------------


def test_after_the_sku_the_price_is_looked_for() -> None:
    history = [order("o1", 3, ("x", 2, 1000)), order("o2", 2, ("y", 1, 499)), order("o3", 1, ("a", 1, 400))]
    # of 900 for two pieces (450 each) 400 are found by sku; nothing else costs 450 a piece
    assert found(BOTH, returned(("a", 2, 900)), *history) == ({"o3": 400}, [500])
    # 500 a piece: the rest is found at o1, where two cost 1000
    assert found(BOTH, returned(("a", 2, 1000)), *history) == ({"o3": 400, "o1": 600}, [])


def test_the_methods_are_tried_in_the_order_named() -> None:
    history = [order("o1", 3, ("x", 1, 500)), order("o2", 5, ("a", 1, 300))]
    price_first = Matching(match=("same_price_latest", "same_sku_latest"))
    assert found(price_first, returned(("a", 1, 500)), *history) == ({"o1": 500}, [])
    assert found(BOTH, returned(("a", 1, 500)), *history) == ({"o2": 300, "o1": 200}, [])


def test_a_return_of_a_mere_amount_is_found_by_its_price_only() -> None:
    history = [order("o1", 3, ("x", 1, 500)), order("o2", 2, ("y", 2, 500))]
    assert found(BOTH, returned(amount=500), *history) == ({"o1": 500}, [])
    assert found(Matching(), returned(amount=500), *history) == ({}, [500])


# -- which orders are looked at ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ago", "matched"), [(89, {"o1": 500}), (90, {"o1": 500}), (91, {})])
def test_orders_within_the_length_are_looked_at(ago: int, matched: dict[str, int]) -> None:
    assert found(Matching(within=Length.parse("90 days")), returned(("a", 1, 500)), order("o1", ago, ("a", 1, 500)))[0] == matched


@pytest.mark.parametrize("other", [order("o1", -1, ("a", 1, 500)), order("o1", 1, ("a", 1, 500), kind="redemption")])
def test_later_orders_and_what_is_no_purchase_are_not(other: Order) -> None:
    assert found(Matching(), returned(("a", 1, 500)), other) == ({}, [500])


def test_without_a_rule_nothing_is_found() -> None:
    assert found(None, returned(("a", 1, 500)), order("o1", 1, ("a", 1, 500))) == ({}, [500])


rows = st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.integers(0, 500))


@given(st.lists(st.lists(rows, min_size=1, max_size=3), max_size=4), st.lists(rows, min_size=1, max_size=4), st.booleans())
def test_what_is_found_and_what_is_not_sum_to_what_came_back(history: list[list[Row]], wanted: list[Row], price_too: bool) -> None:
    orders = [order(f"o{index}", index, *lines) for index, lines in enumerate(history)]
    parts, unmatched = find_orders(BOTH if price_too else Matching(), returned(*wanted), DAY, orders)
    assert sum(part.amount for part in parts) + sum(left.amount for left in unmatched) == sum(amount for _, _, amount in wanted)
    assert len({part.before.id for part in parts}) == len(parts)
    for part in parts:
        assert part.amount > 0
        assert all(0 <= line.back <= line.amount and 0 <= line.back_quantity <= line.quantity for line in part.after.lines)


# -- the rule itself -----------------------------------------------------------------------------------------------------


def test_one_method_may_be_written_as_a_word() -> None:
    assert Matching.model_validate({"match": "same_price_latest"}).match == ("same_price_latest",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"match": []},
        {"match": ["same_sku_latest", "same_sku_latest"]},
        {"match": ["nearest"]},
        {"match": 5},
        {"unmatched": "guess"},
        {"within": "90"},
        {"with": "90 days"},
    ],
)
def test_a_rule_for_matching_refuses_what_it_does_not_know(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Matching.model_validate(wrong)


def test_returns_are_reversed_for_a_year_where_nothing_is_said() -> None:
    rule = ReturnsRule()
    assert (str(rule.window), rule.tenders, rule.matching) == ("366 days", "reverse", None)


@pytest.mark.parametrize("wrong", [{"tenders": "first"}, {"window": 366}, {"matching": {"match": "x"}}, {"windows": "1 day"}])
def test_the_section_refuses_what_it_does_not_know(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReturnsRule.model_validate(wrong)
