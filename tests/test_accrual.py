"""Accruals: steps, what counts, caps, and what returns take back, beyond what golden scenarios show."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import custrules as cr
from custrules.money import Rounding
from custrules.policies.points.counts import Counts
from custrules.policies.points.rates import PointsPer, named_at, rate_at
from custrules.testing import history
from custrules.testing.program_strategies import caps, counts

LEVELS = [{"name": "basic"}, {"name": "silver", "enter": {"spend": ">= 100"}}]
LADDER = {"id": "tier", "kind": "tiers.ladder", "levels": LEVELS, "downgrade": "one_level"}


def program(*accruals: dict[str, Any], currency: str = "CNY", scale: int = 0, **sections: Any) -> cr.Program:
    account = {"id": "points", "kind": "points.account", "expiry": "never", "scale": scale}
    named = [{"id": f"earn{number or ''}", "kind": "points.accrual", **accrual} for number, accrual in enumerate(accruals)]
    measures = {"spend": {"sum": "spend", "window": "lifetime"}}
    return cr.Program(id="p", zone="UTC", currency=currency, measures=measures, policies=[LADDER, account, *named], **sections)


def points(own: cr.Program, **purchase: Any) -> Any:
    return history(own).on("2026-03-05").event("purchase", **purchase).state.points().available


# -- steps -------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**12), st.fractions(Fraction(1, 1000), 10**6), st.integers(0, 100), st.sampled_from([("JPY", 0), ("CNY", 2), ("KWD", 3)]))
def test_whole_steps_are_the_floor_of_the_amount_over_the_step(minor: int, each: Fraction, per: int, unit: tuple[str, int]) -> None:
    own = program({"points_per": {"each": each, "points": per}}, currency=unit[0])
    assert points(own, amount=cr.Money.from_minor(minor, unit[0])) == floor(Fraction(minor, 10 ** unit[1]) / each) * per


@pytest.mark.parametrize("rounding", list(Rounding))
def test_in_proportion_the_account_s_unit_is_rounded_once_and_by_name(rounding: Rounding) -> None:
    own = program({"points_per": {"each": 8, "points": 1, "whole": False}, "rounding": rounding}, scale=2)
    wanted = {"floor": "12.37", "ceil": "12.38", "half_up": "12.38", "half_down": "12.37", "half_even": "12.38"}  # 99 / 8 = 12.375
    assert points(own, amount="99.00") == Decimal(wanted[rounding])


@pytest.mark.parametrize(("per", "told"), [("day", "calendar day"), ("month", "calendar month"), ("half", "calendar half"), ("lifetime", "campaign")])
def test_a_cap_s_period_in_one_word_is_the_calendar_s(per: str, told: str) -> None:
    own = program({"points_per_unit": 1, "caps": [{"at_most": 30, "per": per}]})
    assert f'"per":"{told}"' in own.to_json().decode()
    assert points(own, amount="99.00") == 30


def test_steps_round_no_second_time() -> None:
    own = program({"points_per": {"each": 10, "points": "1/3"}, "rounding": "ceil"})
    assert points(own, amount="39.99") == 1  # 3 steps x 1/3


def test_a_level_without_a_step_earns_nothing() -> None:
    assert points(program({"points_per": {"each": {"silver": 10}, "points": 1}}), amount="99.00") == 0


@pytest.mark.parametrize(("level", "wanted"), [("a", None), ("b", 2), ("c", 2), ("d", 5), (None, None)])
def test_a_number_by_level_is_the_next_lower_one_that_is_named(level: str | None, wanted: int | None) -> None:
    rates = PointsPer.model_validate({"each": {"b": 2, "d": 5}, "points": 1}).each
    assert named_at(rates, level, ("a", "b", "c", "d")) == wanted
    assert rate_at(rates, level, ("a", "b", "c", "d")) == (wanted or 0)


# -- what counts -------------------------------------------------------------------------------------------------------


def test_tax_is_taken_out_of_list_prices_in_proportion() -> None:
    own = program({"points_per_unit": 1, "counts": {"tax": False, "discounts": True}})
    assert points(own, lines=[{"amount": "113.00", "tax": "13.00", "list_amount": "226.00"}]) == 200  # 226 x 100/113


def test_a_discount_of_the_order_leaves_lines_alone_that_have_a_list_price_of_their_own() -> None:
    own = program({"points_per_unit": 1, "counts": {"discounts": True}})
    lines = [{"amount": "50.00", "list_amount": "60.00"}, {"amount": "50.00"}]
    assert points(own, lines=lines, list_amount="130.00") == 125  # 60 + 130 x 50/100


@pytest.mark.parametrize("switch", [{}, {"coupons": True}, {"tenders": {"card": False}}, {"tenders": {"gift_card": True, "points": True}}])
def test_switches_say_which_tenders_do_not_earn(switch: dict[str, Any]) -> None:
    told = Counts.model_validate(switch)
    wanted = {"points", "gift_card", "coupon"}
    wanted |= {"card"} if switch.get("tenders") == {"card": False} else set()
    wanted -= {"coupon"} if told.coupons else set()
    wanted -= {"points", "gift_card"} if told.tenders.get("gift_card") else set()
    assert told.not_earning == wanted | {"bonus"}


def test_points_that_earn_again_come_back_to_what_was_spent_at_most() -> None:
    earn = {"points_per_unit": "0.1", "multiply": [{"by": 10, "when": {"day_of_month": 8}}], "counts": {"tenders": {"points": True}}}
    pay = {"id": "pay", "kind": "points.redemption", "value": {"points": 1, "money": "1"}}
    own = program(earn, pay)
    at = history(own).on("2026-03-08").event("adjustment", account="points", quantity=100, reason="to begin with")
    for _ in range(3):
        at = at.event("purchase", amount="100.00", tenders={"points": {"quantity": 100, "amount": "100.00"}})
    assert at.state.points().available == 100  # 100 - 100 + 100 x 0.1 x 10, each time
    assert "check.earns_on_points" in [finding.code for finding in cr.check(own) if finding.severity == "warning"]


# -- where points come from --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("switch", "source"), [({}, "purchase"), ({"gratis": True}, "gratis"), ({"gratis": False}, "purchase")])
def test_points_of_a_purchase_are_granted_with_it_unless_they_are_given_away(switch: dict[str, Any], source: str) -> None:
    state = history(program({"points_per_unit": 1, **switch})).on("2026-03-05").event("purchase", amount="10.00").state
    assert [part.lot.source for part in state.ledger.accounts["points"]] == [source]


@pytest.mark.parametrize(("switch", "source"), [({}, "gratis"), ({"gratis": False}, "purchase")])
def test_points_for_what_is_no_purchase_are_given_away_unless_they_were_paid_for(switch: dict[str, Any], source: str) -> None:
    state = history(program({"event": "visit", "points": 1, **switch})).on("2026-03-05").event("visit").state
    assert [part.lot.source for part in state.ledger.accounts["points"]] == [source]


# -- caps --------------------------------------------------------------------------------------------------------------


def test_a_version_that_leaves_a_group_counts_in_it_still() -> None:
    cap = {"at_most": 100, "per": "calendar month", "group": "g"}
    first = {"points_per_unit": 1, "caps": [cap]}
    own = program(first, {"id": "earn", "points_per_unit": 1, "effective_from": "2026-03-10"}, {"event": "visit", "points": 90, "caps": [cap]})
    at = history(own).on("2026-03-12").event("purchase", amount="60.00").event("visit")
    assert at.state.points().available == 100  # 60 without a cap of its own, and 40 of 90


def test_a_late_purchase_finds_the_room_of_its_own_dates() -> None:
    own = program({"points_per_unit": 1, "caps": [{"at_most": 100, "per": "2026-03-01..2026-03-10"}]})
    at = history(own).on("2026-03-09").event("purchase", amount="70.00").on("2026-03-11").event("purchase", amount="70.00")
    late = at.on("2026-03-08").event("purchase", amount="70.00")
    assert late.state.points().available == 70 + 70 + 30


# -- returns -----------------------------------------------------------------------------------------------------------

BASES = (
    {"points_per_unit": "1.5"},
    {"points_per": {"each": "7.5", "points": 2}},
    {"points_per": {"each": 3, "of": "quantity", "points": 5}, "points": 4},
    {"points_per_quantity": "0.5", "points_per_unit": "1/3", "multiply_lines": [{"by": 2, "lines": {"sku": "s0"}}]},
    {"points_per": {"each": {"basic": 20, "silver": 10}, "points": 3}, "multiply_lines": [{"by": "1.5", "lines": {"sku": "s1"}}]},
)
LINES = st.lists(
    st.fixed_dictionaries(
        {"amount": st.integers(100, 9000), "quantity": st.integers(1, 5)},
        optional={"tags": st.sampled_from([["delivery"], ["gift_card"]]), "list_amount": st.integers(0, 12000), "tax": st.just(1)},
    ),
    min_size=1,
    max_size=3,
)


def money(minor: int) -> str:
    return str(cr.Money.from_minor(minor, "CNY"))


@given(st.sampled_from(BASES), counts(), st.lists(caps(), max_size=2), LINES, st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=4))
def test_many_returns_of_lines_take_what_one_return_of_them_takes(
    base: dict[str, Any], switches: dict[str, Any], limits: list[dict[str, Any]], lines: list[dict[str, Any]], parts: list[tuple[int, int]]
) -> None:
    own = program({**base, "counts": switches, "caps": limits})
    sold = [line | {"sku": f"s{place}"} for place, line in enumerate(lines)]
    rows = [row | {name: money(row[name]) for name in ("amount", "list_amount", "tax") if name in row} for row in sold]
    bought = history(own).on("2026-03-05").event("purchase", id="o", lines=rows)
    left = [row["quantity"] for row in sold]
    one: dict[int, int] = {}
    many = bought.on("2026-03-06")
    for place, wanted in parts:
        number = min(wanted, left[place]) if place < len(sold) else 0
        if number:
            left[place] -= number
            one[place] = one.get(place, 0) + number
            many = many.event("return", of="o", lines=[{"line": place + 1, "quantity": number}])
    assume(one)
    asked = [{"line": place + 1, "quantity": number} for place, number in one.items()]
    whole = bought.on("2026-03-06").event("return", of="o", lines=asked)
    assert many.state.points().available == whole.state.points().available
    if any(left):
        many = many.event("return", of="o")
    assert many.state.points().available == 0
