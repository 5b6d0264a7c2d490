"""A fee on a stored value account that is not used: when, how much, out of what; what is activity; what the law says about it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from test_stored_value import Customer, shop

import custrules as cr
from custrules.policies.stored_value import ValueAccount
from custrules.testing import check_policy

TERMS = {"after": "12 months", "fee": "1.00", "below": "5.00"}


def customer(**terms: str) -> Customer:
    return Customer(shop(account={"dormancy": TERMS | terms}, top_up={}))


def waits(who: Customer, day: str) -> cr.Step:
    step = who.program.advance(who.state, to=datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC))
    who.state = step.state
    return step


def fees(step: cr.Step) -> list[str]:
    return [str(why.params["amount"]) for decision in step.decisions for why in decision.reasons if why.code == "stored_value.dormancy.fee"]


@pytest.mark.parametrize(("order", "principal", "bonus"), [("bonus_first", "3.00", "0.20"), ("principal_first", "2.00", "1.20")])
def test_a_fee_is_taken_out_of_the_bucket_that_is_named_first(order: str, principal: str, bonus: str) -> None:
    ann = customer(order=order)
    ann.does("top_up", "2026-04-01", amount="3.00", given="1.20")
    step = waits(ann, "2027-04-02")
    assert fees(step) == ["1.00 CNY"]
    assert (ann.balance("card.principal"), ann.balance("card.bonus")) == (principal, bonus)
    (told,) = ann.told()
    assert told.face == 100  # what was taken is consumed: a refund by what was paid less its face is 1.00 less


@pytest.mark.parametrize(("per", "second"), [("month", "2027-05-30"), ("quarter", "2027-07-30"), ("half", "2027-10-30"), ("year", "2028-04-30")])
def test_fees_come_once_in_their_period_counted_from_the_first_one(per: str, second: str) -> None:
    ann = customer(per=per)
    ann.does("top_up", "2026-04-29", amount="4.00")
    assert fees(waits(ann, "2027-04-30")) == ["1.00 CNY"]
    assert fees(waits(ann, second.replace("-30", "-29"))) == []
    assert fees(waits(ann, second)) == ["1.00 CNY"]


def test_a_month_that_is_too_short_does_not_move_the_later_fees() -> None:
    ann = customer()
    ann.does("top_up", "2026-01-30", amount="4.50")
    waits(ann, "2027-04-30")  # 31 January, 28 February, 31 March, 30 April 2027
    assert ann.balance("card.principal") == "0.50"
    assert fees(waits(ann, "2027-05-30")) == []
    assert fees(waits(ann, "2027-05-31")) == ["0.50 CNY"]


def test_what_is_spent_on_the_day_of_a_fee_is_activity_after_it() -> None:
    ann = customer()
    ann.does("top_up", "2026-04-01", amount="4.00")
    ann.pays("0.50", "2027-04-02")  # the fee was taken as the day opened
    assert ann.balance("card.principal") == "2.50"
    assert fees(waits(ann, "2028-04-02")) == []
    assert fees(waits(ann, "2028-04-03")) == ["1.00 CNY"]


def test_a_hold_that_is_let_go_and_a_visit_are_no_activity() -> None:
    ann = customer()
    ann.does("top_up", "2026-04-01", amount="4.00")
    ann.does("hold", "2027-03-01", amount="2.00")
    ann.does("void", "2027-03-02", of="e2")
    ann.does("visit", "2027-03-03")
    assert fees(waits(ann, "2027-04-02")) == ["1.00 CNY"]


def test_a_bonus_that_lapses_is_no_activity_and_brings_a_balance_below_the_limit() -> None:
    ann = Customer(shop(account={"dormancy": TERMS, "bonus_expiry": "14 months"}, top_up={}))
    ann.does("top_up", "2026-04-01", amount="4.00", given="2.00")
    assert fees(waits(ann, "2027-06-01")) == []  # 6.00 are not below 5.00; the bonus can be spent up to 1 June
    assert fees(waits(ann, "2027-06-02")) == ["1.00 CNY"]  # the day on which it is gone is that of a fee: 2 April and two months
    assert ann.balance("card.principal") == "3.00"


def test_use_stays_known_when_the_top_up_that_it_emptied_is_forgotten() -> None:
    ann = customer(after="36 months")
    ann.does("top_up", "2026-01-01", amount="1.00")
    ann.does("top_up", "2026-01-02", amount="4.00")
    ann.pays("1.00", "2026-06-01")  # all of the first
    assert fees(waits(ann, "2029-01-03")) == []
    assert [history.id for history in ann.told()] == ["e2"]
    assert fees(waits(ann, "2029-06-01")) == []
    assert fees(waits(ann, "2029-06-02")) == ["1.00 CNY"]


def test_a_state_comes_back_with_what_it_knows_of_use() -> None:
    ann = customer()
    ann.does("top_up", "2026-04-01", amount="4.00")
    waits(ann, "2027-04-02")
    again = cr.State.from_json(ann.state.to_json())
    assert again == ann.state
    deposit = again.order("e1").deposit  # type: ignore[union-attr]  # it is remembered
    assert deposit is not None
    assert (str(deposit.touched), str(deposit.active)) == ("2027-04-02", "2026-04-01")


def test_terms_that_begin_later_take_no_fee_for_the_time_before() -> None:
    head: dict[str, Any] = {"id": "card", "kind": "stored_value.account", "form": "amount"}
    policies = [head, head | {"dormancy": TERMS, "effective_from": "2028-01-15"}, {"id": "top-up", "kind": "stored_value.top_up"}]
    ann = Customer(cr.Program(id="p", zone="UTC", currency="CNY", policies=policies))
    ann.does("top_up", "2026-04-01", amount="4.00")
    assert fees(waits(ann, "2028-02-01")) == []
    assert fees(waits(ann, "2028-02-02")) == ["1.00 CNY"]  # the next one that is counted from 2 April 2027


def test_an_account_with_dormancy_keeps_the_contract_of_policies() -> None:
    terms = {"after": "5 days", "fee": "1.00"}
    policy = ValueAccount.read({"id": "card", "form": "amount", "bonus_expiry": "10 days", "dormancy": terms})
    assert "stored_value.dormancy.fee" in check_policy(policy, examples=10, skip=("descriptions",))


# -- the law -----------------------------------------------------------------------------------------------------------


def found(profile: str, **terms: str) -> list[tuple[str, str]]:
    card = {"id": "card", "kind": "stored_value.account", "form": "amount", "dormancy": TERMS | terms}
    law = {"profile": profile, "confirmed_by": "counsel", "confirmed_on": "2026-01-01"}
    program = cr.Program(id="p", zone="UTC", currency="USD", policies=[card], law=law)
    return [(one.code, one.path) for one in cr.check(program, on=date(2026, 6, 1)) if ".dormancy" in one.code]


@pytest.mark.parametrize(
    ("profile", "terms", "expected"),
    [
        ("US", {}, []),  # Reg E 1005.20(d): after a year, at most one a month
        ("US", {"after": "11 months"}, [("law.us.stored_value.dormancy", "policies[0].dormancy.after")]),
        ("US-CA", {"after": "24 months", "below": "5.01"}, []),  # Civ. 1749.5(e): 5.00 and less
        ("US-CA", {"after": "24 months", "below": "5.02"}, [("law.us_ca.stored_value.dormancy", "policies[0].dormancy.below")]),
        ("US-CA", {"after": "24 months", "fee": "1.01"}, [("law.us_ca.stored_value.dormancy", "policies[0].dormancy.fee")]),
        ("US-CA", {}, [("law.us_ca.stored_value.dormancy", "policies[0].dormancy.after")]),
    ],
)
def test_a_fee_that_the_law_does_not_allow_is_told(profile: str, terms: dict[str, str], expected: list[tuple[str, str]]) -> None:
    assert found(profile, **terms) == expected


def test_a_fee_that_the_law_forbids_is_told() -> None:
    sources = {"house": {"title": {"en": "House rules", "zh": "店规"}, "kind": "own"}}
    rule = {
        "rule": "dormancy.fee",
        "value": "forbidden",
        "strength": "hard",
        "source": "house",
        "article": "1",
        "text": {"en": "None.", "zh": "不收。"},
    }
    law = {"profile": "own", "extends": "US", "sources": sources, "rules": [rule], "confirmed_by": "counsel", "confirmed_on": "2026-01-01"}
    card = {"id": "card", "kind": "stored_value.account", "form": "amount", "dormancy": TERMS}
    program = cr.Program(id="p", zone="UTC", currency="USD", policies=[card], law=law)
    assert "law.own.stored_value.dormancy_fee" in [one.code for one in cr.check(program, on=date(2026, 6, 1))]
