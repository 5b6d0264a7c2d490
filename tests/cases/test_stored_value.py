"""Reference cases of stored value: top-ups, spending orders, rounding, holds, limits, chargebacks, and the exploits of a purse.

Figures and sources: tests/cases/stored_value_cases.json (SV-…).
"""

from __future__ import annotations

from typing import Any

import pytest
from test_stored_value import Customer, customer, shop

import custrules as cr
from cases.covering import covers

DAY = "2026-04-01"


def given(mode: str, *rows: tuple[str, str], pay: str) -> str:
    """The bonus that a ladder gives for an amount."""
    ann = customer(top_up={"ladder": [{"pay": pay_from, "give": give} for pay_from, give in rows], "mode": mode})
    ann.does("top_up", DAY, amount=pay)
    return ann.balance("card.bonus")


# -- top-ups -----------------------------------------------------------------------------------------------------------


@covers("SV-T01", "SV-T03", "SV-T04", "SV-T05", "SV-T07")
@pytest.mark.parametrize(
    ("mode", "rows", "pay", "bonus"),
    [
        ("highest", [("1000", "200")], "1000", "200.00"),
        ("highest", [("500", "80"), ("1000", "200"), ("2000", "500")], "1999", "200.00"),
        ("per_multiple", [("1000", "200")], "2500", "400.00"),  # floor(2500 / 1000) x 200
        ("largest_first", [("500", "80"), ("1000", "200"), ("2000", "500")], "2500", "580.00"),  # 2000 + 500
        ("highest", [("500", "80"), ("1000", "200"), ("2000", "500")], "2500", "500.00"),
        ("highest", [("500", "100"), ("1000", "150")], "1000", "150.00"),  # two top-ups of 500 give 200
        ("highest", [("500", "100"), ("1000", "150")], "500", "100.00"),
    ],
)
def test_a_ladder_gives_by_its_mode(mode: str, rows: list[tuple[str, str]], pay: str, bonus: str) -> None:
    assert given(mode, *rows, pay=pay) == bonus


@covers("SV-T06")
@pytest.mark.parametrize(("rounding", "bonus"), [("floor", "41.66"), ("half_up", "41.67")])
def test_a_percentage_is_rounded_by_name(rounding: str, bonus: str) -> None:
    ann = customer(top_up={"ladder": [{"pay": "0", "percent": "12.5%", "cap": "100"}], "mode": "highest", "rounding": rounding})
    ann.does("top_up", DAY, amount="333.33")
    assert ann.balance("card.bonus") == bonus  # 41.66625
    ann.does("top_up", DAY, amount="5000.00")
    assert ann.state.stored_value().lots[-1].quantity == cr.Money("100.00", "CNY")  # the cap


@covers("SV-T08", "SV-T09")
@pytest.mark.parametrize(("limit", "there", "more", "most"), [("5000", "4500", "600", "500.00"), ("1000", "800", "200", "")])
def test_a_limit_holds_after_the_top_up_and_is_inclusive(limit: str, there: str, more: str, most: str) -> None:
    ann = customer(account={"limit": {"per_card": limit}}, top_up={})
    ann.does("top_up", DAY, amount=there)
    step = ann.does("top_up", DAY, amount=more)
    assert step.accepted is not bool(most)
    if step.refusal is not None:
        assert step.refusal.code == "stored_value.top_up.over_card"
        assert str(step.refusal.params["most"]) == f"{most} CNY"
    else:
        assert ann.balance("stored_value") == "1000.00"


# -- spending ----------------------------------------------------------------------------------------------------------


@covers("SV-S01", "SV-S02")
@pytest.mark.parametrize(
    ("order", "principal", "bonus"), [("principal_first", "700.00", "200.00"), ("bonus_first", "900.00", "0.00"), ("pro_rata", "750.00", "150.00")]
)
def test_the_order_says_which_bucket_goes(order: str, principal: str, bonus: str) -> None:
    ann = customer(order)
    ann.does("top_up", DAY, amount="1000.00")
    ann.pays("300.00", DAY)
    assert (ann.balance("card.principal"), ann.balance("card.bonus")) == (principal, bonus)


@covers("SV-S05")
def test_a_cent_at_a_time_reaches_the_bonus_too() -> None:
    ann = customer("pro_rata", top_up={"ladder": [{"pay": "100", "give": "30"}], "mode": "highest"})
    ann.does("top_up", DAY, amount="100.00")
    used = []
    for _ in range(3):  # 0.769, 1.538 and 2.308 cents of principal in all: 1, 2 and 2
        before = ann.state.stored_value().principal
        ann.pays("0.01", DAY)
        used.append(str((before - ann.state.stored_value().principal).amount))  # type: ignore[operator,union-attr]  # money
    assert used == ["0.01", "0.01", "0.00"]
    assert (ann.balance("card.principal"), ann.balance("card.bonus")) == ("99.98", "29.99")


@covers("SV-S08")
def test_the_bonus_that_lapses_soonest_goes_first() -> None:
    ann = customer("bonus_first", account={"bonus_expiry": "never"}, top_ups="soonest_bonus")
    rows = [("b1", "50", "2026-03-31"), ("b2", "100", "2026-02-28")]
    told = [
        {"id": name, "day": "2026-01-01", "paid": 500, "given": bonus, "principal": 500, "bonus": bonus, "last_day": last}
        for name, bonus, last in rows
    ]
    ann.does("opening", "2026-01-15", balances={"card": {"top_ups": told}})
    ann.pays("120.00", "2026-02-01")
    assert {history.id: history.bonus for history in ann.told()} == {"b1": 3000, "b2": 0}


@covers("SV-S12")
def test_too_little_is_refused_whole() -> None:
    ann = customer(top_up={})
    ann.does("top_up", DAY, amount="80.00", given="20.00")
    step = ann.pays("100.01", DAY)
    assert step.refusal is not None
    assert step.refusal.code == "stored_value.spending.insufficient"
    assert (ann.balance("card.principal"), ann.balance("card.bonus")) == ("80.00", "20.00")


@covers("SV-S16")
def test_priority_goes_before_what_it_was_and_that_before_age() -> None:
    ann = customer("priority", top_up={})
    ann.does("top_up", "2026-01-01", amount="10.00")  # a
    ann.does("adjustment", "2026-01-02", account="card.bonus", quantity="10", reason="granted")  # d
    ann.does("adjustment", "2026-01-03", account="card.bonus", quantity="10", reason="granted")  # b
    ann.does("top_up", "2026-01-05", amount="10.00", priority=1)  # c
    gone = []
    for _ in range(4):
        before = {history.id for history in ann.told() if history.principal + history.bonus}
        ann.pays("10.00", "2026-01-06")
        gone += sorted(before - {history.id for history in ann.told() if history.principal + history.bonus})
    assert gone == ["e4", "e2", "e3", "e1"]


# -- holds -------------------------------------------------------------------------------------------------------------


def held(amount: str, paid: str = "100.00") -> Customer:
    ann = customer(top_up={})
    ann.does("top_up", DAY, amount=paid)
    ann.does("hold", DAY, amount=amount)
    return ann


@covers("SV-H02", "SV-H03")
@pytest.mark.parametrize(("first", "again"), [({"amount": "40.00"}, "capture"), ({}, "void"), ({}, "capture")])
def test_a_hold_is_resolved_once(first: dict[str, Any], again: str) -> None:
    ann = held("60.00")
    assert ann.does("capture", DAY, of="e2", **first).accepted
    step = ann.does(again, DAY, of="e2")
    assert step.refusal is not None
    assert step.refusal.code == "event.exceeds_order"
    assert (ann.balance("card.held"), ann.balance("stored_value")) == ("0.00", "60.00" if first else "40.00")


@covers("SV-H05")
def test_a_hold_is_refused_when_it_is_placed_and_not_when_it_is_captured() -> None:
    ann = held("70.00")
    step = ann.does("hold", DAY, amount="50.00")
    assert step.refusal is not None
    assert str(step.refusal.params["available"]) == "30.00 CNY"


@covers("SV-H06")
def test_no_more_is_captured_than_was_held() -> None:
    ann = held("60.00")
    step = ann.does("capture", DAY, of="e2", amount="60.01")
    assert step.refusal is not None
    assert step.refusal.code == "event.exceeds_order"
    assert (ann.balance("card.held"), ann.balance("stored_value")) == ("60.00", "40.00")


@covers("SV-H07")
def test_what_is_let_go_after_its_last_day_lapses_with_the_rest() -> None:
    ann = customer(account={"bonus_expiry": "27 days"}, top_up={})
    ann.does("top_up", "2026-02-01", amount="1.00", given="50.00")  # the bonus lapses after 28 February
    ann.pays("1.00", "2026-02-01")
    ann.does("hold", "2026-02-28", amount="30.00")
    ann.does("void", "2026-03-01", of="e3")
    assert (ann.balance("stored_value"), ann.balance("card.held")) == ("0.00", "0.00")
    (told,) = ann.told()
    assert told.bonus_expired == 5000


# -- chargebacks -------------------------------------------------------------------------------------------------------


@covers("SV-K01", "SV-K06")
def test_a_chargeback_takes_the_pair_and_a_dispute_that_is_won_restores_it_once() -> None:
    ann = customer()
    ann.does("top_up", DAY, amount="1000.00")
    ann.does("chargeback", DAY, of="e1")
    assert [ann.balance(f"card.{name}") for name in ("principal", "bonus", "owed")] == ["0.00", "0.00", "0.00"]
    ann.does("chargeback", DAY, of="e1", dispute="won")
    assert [ann.balance(f"card.{name}") for name in ("principal", "bonus", "owed")] == ["1000.00", "200.00", "0.00"]
    assert not ann.does("chargeback", DAY, of="e1", dispute="won").accepted
    assert ann.balance("stored_value") == "1200.00"


@covers("SV-K03")
def test_what_cannot_be_collected_is_recorded() -> None:
    ann = customer(top_up={})
    ann.does("top_up", DAY, amount="1000.00")
    ann.pays("50.00", DAY)
    ann.does("chargeback", DAY, of="e1")
    assert (ann.balance("stored_value"), ann.balance("card.owed")) == ("0.00", "50.00")


@pytest.mark.parametrize(("owed_as", "owed"), [("face", "300.00"), ("ratio", "250.00")])
@pytest.mark.parametrize("order", ["principal_first", "bonus_first", "pro_rata"])
def test_what_was_consumed_of_a_charged_back_top_up_is_owed_whatever_went_first(order: str, owed_as: str, owed: str) -> None:
    ann = customer(order, top_up={"ladder": [{"pay": "1000", "give": "200"}], "mode": "highest", "owed_on_chargeback": owed_as})
    ann.does("top_up", DAY, amount="1000.00")
    ann.pays("300.00", DAY)
    ann.does("chargeback", DAY, of="e1")
    assert [ann.balance(f"card.{name}") for name in ("principal", "bonus", "owed")] == ["0.00", "0.00", owed]  # 300 x 1000 / 1200


@pytest.mark.parametrize(("on", "bonus"), [("net", "0.00"), ("gross", "80.00")])
def test_the_next_top_up_settles_what_is_owed_first(on: str, bonus: str) -> None:
    ladder = [{"pay": "500", "give": "80"}]
    ann = customer(top_up={"ladder": ladder, "mode": "highest", "bonus_on": on})
    ann.does("top_up", DAY, amount="300.00")
    ann.pays("300.00", DAY)
    ann.does("chargeback", DAY, of="e1")
    ann.does("top_up", DAY, amount="500.00")
    assert [ann.balance(f"card.{name}") for name in ("principal", "bonus", "owed")] == ["200.00", bonus, "0.00"]


def test_no_more_is_charged_back_than_was_paid_and_not_refunded_or_disputed() -> None:
    ann = customer()
    ann.does("top_up", DAY, amount="1000.00")
    assert ann.does("chargeback", DAY, of="e1", amount="400.00").accepted
    step = ann.does("chargeback", DAY, of="e1", amount="600.01")
    assert step.refusal is not None
    assert step.refusal.code == "event.exceeds_order"
    assert ann.does("chargeback", DAY, of="e1").accepted  # what is left
    assert [ann.balance(f"card.{name}") for name in ("principal", "bonus", "owed")] == ["0.00", "0.00", "0.00"]


# -- exploits ----------------------------------------------------------------------------------------------------------


@covers("SV-E04")
def test_gift_cards_are_not_bought_with_stored_value_unless_that_is_switched_on() -> None:
    line = {"sku": "card-125", "category": "gift_card", "amount": "100.00", "list_amount": "125.00"}
    careful, careless = customer(top_up={}), customer(top_up={}, buys_gift_cards=True)
    for ann in (careful, careless):
        ann.does("top_up", DAY, amount="100.00")
    step = careful.does("purchase", DAY, lines=[line], tenders={"stored_value": "100.00"})
    assert step.refusal is not None
    assert step.refusal.code == "stored_value.spending.prepaid_goods"
    value = 100.0
    for _ in range(10):  # with the switch, each round turns 100 into 125: 100 x 1.25^10
        value *= 1.25
    assert round(value, 2) == 931.32
    assert careless.does("purchase", DAY, lines=[line], tenders={"stored_value": "100.00"}).accepted


@covers("SV-E12")
@pytest.mark.parametrize("order", ["bonus_first", "pro_rata", "principal_first"])
def test_what_was_paid_with_a_bonus_comes_back_as_a_bonus(order: str) -> None:
    ann = customer(order)
    ann.does("top_up", DAY, amount="1000.00")
    ann.pays("100.00", DAY)
    ann.does("return", DAY, of="e2")
    assert (ann.balance("card.principal"), ann.balance("card.bonus")) == ("1000.00", "200.00")


@covers("SV-E13")
def test_points_come_with_what_is_bought_and_not_with_a_top_up_too() -> None:
    policies = [
        {"id": "points", "kind": "points.account", "expiry": "never"},
        {"id": "earn", "kind": "points.accrual", "points_per_unit": "1"},
        *shop(top_up={}).document_data()["policies"],
    ]
    twice = [*policies, {"id": "extra", "kind": "points.accrual", "event": "top_up", "points": "1000"}]
    earned = []
    for rules in (policies, twice):
        ann = Customer(cr.Program(id="shop", zone="Asia/Shanghai", currency="CNY", policies=rules))
        ann.does("top_up", DAY, amount="1000.00")
        ann.pays("1000.00", DAY)
        earned.append(ann.state.points().available)
    assert earned == [1000, 2000]  # 10.00 and 20.00 at a cent each


def test_splitting_a_top_up_gains_where_the_ladder_lets_it() -> None:
    """E16: 2 x 500 give 200, 1000 give 150, where rows count once; largest_first never gives less for more at once than for parts in rows."""
    rows = [("500", "100"), ("1000", "150")]
    assert [given("highest", *rows, pay=pay) for pay in ("1000", "500")] == ["150.00", "100.00"]
    better = [("500", "80"), ("1000", "200")]
    assert [given("largest_first", *better, pay=pay) for pay in ("1000", "1500", "2500")] == ["200.00", "280.00", "480.00"]


def test_a_purse_is_not_spent_twice_by_two_checkouts() -> None:
    """E22: two holds on one balance, of which the second finds what the first has left."""
    ann = held("80.00")
    assert not ann.does("hold", DAY, amount="80.00").accepted
    assert not ann.pays("80.00", DAY).accepted


def test_a_return_gives_back_what_was_paid_and_not_the_list_price() -> None:
    """E20."""
    ann = customer(top_up={})
    ann.does("top_up", DAY, amount="100.00")
    ann.pays("80.00", DAY, list_amount="100.00")
    assert not ann.does("return", DAY, of="e2", amount="100.00").accepted
    ann.does("return", DAY, of="e2")
    assert ann.balance("stored_value") == "100.00"


def test_a_first_top_up_is_first_once() -> None:
    """E17: what is for first top-ups comes once, also after the money was taken back."""
    ann = customer(top_up={"ladder": [{"pay": "100", "give": "50", "first": True}], "mode": "highest"})
    ann.does("top_up", DAY, amount="100.00")
    assert ann.balance("card.bonus") == "50.00"
    ann.does("chargeback", DAY, of="e1")
    ann.does("top_up", DAY, amount="100.00")
    assert ann.balance("card.bonus") == "0.00"
