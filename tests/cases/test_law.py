"""Reference cases of law: limits, cooling-off, deadlines and cash-out by jurisdiction, each as its profile has it.

SV-T10 (Zhejiang: what is above the limit goes back, its bonus stays) is in test_refunds_by_hand.py too. That an expired Korean voucher may be taken
whole as points (SV-X10) is told in the data of its profile and not reckoned.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import custrules as cr
from cases.covering import covers
from custrules.law import Law

CASES = {case["id"]: case for case in json.loads((Path(__file__).parent / "law_cases.json").read_text("utf-8"))}
TODAY = date(2026, 6, 1)
SPEND = {"id": "spend", "kind": "stored_value.spending", "order": "principal_first"}


def law(profile: str, currency: str = "CNY") -> Law:
    found = cr.Program(id="p", zone="Asia/Shanghai", currency=currency, policies=[], law={"profile": profile}).law
    assert found is not None
    return found


def program(profile: str, causes: dict[str, Any] | None = None, card: dict[str, Any] | None = None, currency: str = "CNY", **more: Any) -> cr.Program:
    policies: list[dict[str, Any]] = [{"id": "card", "kind": "stored_value.account", "form": "amount"} | (card or {})]
    policies += [{"id": "top-up", "kind": "stored_value.top_up"}, SPEND]
    if causes is not None:
        policies.append({"id": "refund", "kind": "stored_value.refund", "causes": causes, **more})
    return cr.Program(id="p", zone="Asia/Shanghai", currency=currency, law={"profile": profile}, policies=policies)


def event(kind: str, id: str, at: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "id": id, "customer_id": "ann", "occurred_at": f"{at}T12:00:00+08:00" if len(at) == 10 else f"{at}+08:00", **fields}


def stepped(rules: cr.Program, *events: dict[str, Any]) -> cr.Step:
    """The step of the last event; those before are accepted."""
    state = cr.State.new("ann")
    for one in events[:-1]:
        step = rules.step(state, rules.event(one))
        assert step.accepted
        state = step.state
    return rules.step(state, rules.event(events[-1]))


def said(step: cr.Step, name: str) -> Any:
    """A number in the reasons of a step."""
    return next(why.params[name] for decision in step.decisions for why in decision.reasons if name in why.params)


def refusal(step: cr.Step) -> str:
    assert step.refusal is not None
    return step.refusal.code


# --- limits -----------------------------------------------------------------------------------------------------------


def limited(named: bool) -> cr.Program:
    rule = law("CN").limit(named, TODAY)
    assert rule is not None
    return program("CN", card={"named": named, "limit": {"per_card": rule.shown}})


@covers("SV-T08")
def test_a_named_card_takes_no_more_than_its_limit_by_law() -> None:
    step = stepped(limited(named=True), event("top_up", "t1", "2026-06-01", amount="4500.00"), event("top_up", "t2", "2026-06-02", amount="600.00"))
    assert not step.accepted
    assert said(step, "most") == cr.Money(CASES["SV-T08"]["then"]["max_topup"], "CNY")


@covers("SV-T09")
def test_an_anonymous_card_takes_its_limit_with_it() -> None:
    step = stepped(limited(named=False), event("top_up", "t1", "2026-06-01", amount="800.00"), event("top_up", "t2", "2026-06-02", amount="200.00"))
    assert step.accepted
    assert step.state.stored_value("card").principal == cr.Money(CASES["SV-T09"]["then"]["balance"], "CNY")


@covers("SV-T10")
def test_zhejiang_has_limits_of_its_own_for_sellers_that_are_no_enterprises() -> None:
    section = {"profile": "CN-ZJ", "issuer": "other"}
    zhejiang = cr.Program(id="p", zone="Asia/Shanghai", currency="CNY", policies=[], law=section).law
    assert zhejiang is not None
    rule = zhejiang.limit(named=True, day=TODAY)
    assert rule is not None
    given = CASES["SV-T10"]["given"]
    assert int(given["sold"]) - int(rule.value) == int(float(CASES["SV-T10"]["then"]["refund"]))  # 2600 - 2000
    assert zhejiang.value("limit.excess_refundable", TODAY) is True


# --- cooling-off ------------------------------------------------------------------------------------------------------


def cooling(rules: cr.Program, asked: str, *between: dict[str, Any], paid: str = "2026-06-01", **more: Any) -> cr.Step:
    top_up = event("top_up", "t1", paid, amount="1000.00")
    return stepped(rules, top_up, *between, event("refund_request", "q1", asked, of="t1", cause="cooling_off", **more))


@covers("SV-C01")
def test_seven_days_do_not_count_the_day_of_payment() -> None:
    last = CASES["SV-C01"]["then"]["last_day"]
    silent = program("CN", {"consumer": {"basis": "paid_minus_list"}})  # the law grants it, whatever the terms list
    step = cooling(silent, f"{last}T23:59:00")
    assert said(step, "refund") == cr.Money("1000.00", "CNY")
    assert refusal(cooling(silent, "2026-06-09T00:00:00")) == "stored_value.refund.too_late"


@covers("SV-C03")
def test_beijing_asked_that_nothing_was_redeemed_until_the_national_rule_came() -> None:
    silent = program("CN-BJ", {"consumer": {"basis": "paid_minus_list"}})
    bought = event("purchase", "p1", "2024-06-02", amount="1.00", tenders=[{"type": "stored_value", "amount": "1.00"}])
    assert refusal(cooling(silent, "2024-06-04", bought, paid="2024-06-01")) == "stored_value.refund.used"
    assert cooling(silent, "2024-06-04", paid="2024-06-01").accepted


@covers("SV-C04")
def test_who_had_the_same_service_before_has_no_cooling_off() -> None:
    silent = program("CN", {"consumer": {"basis": "paid_minus_list"}})
    assert refusal(cooling(silent, "2026-06-04", experienced=True)) == "stored_value.refund.experienced"
    assert cooling(silent, "2026-06-04").accepted


@covers("SV-C05")
def test_jiangsus_model_contract_deducts_what_was_used_within_fifteen_days() -> None:
    days = str(law("CN-JS").value("refund.cooling_off.within", TODAY))
    listed = program("CN-JS", {"cooling_off": {"basis": "paid_minus_list", "within": days}})
    bought = event("purchase", "p1", "2026-06-05", amount="120.00", tenders=[{"type": "stored_value", "amount": "120.00"}])
    assert said(cooling(listed, "2026-06-11", bought), "refund") == cr.Money(CASES["SV-C05"]["then"]["refund"], "CNY")
    assert refusal(cooling(listed, "2026-06-17", bought)) == "stored_value.refund.too_late"  # 1 June + 15 days = 16 June


def test_a_model_contract_does_not_take_the_seven_days_of_the_law_away() -> None:
    silent = program("CN-JS", {"consumer": {"basis": "paid_minus_list"}})
    assert cooling(silent, "2026-06-08").accepted
    assert refusal(cooling(silent, "2026-06-09")) == "stored_value.refund.too_late"


@covers("SV-C08")
def test_beijing_pays_within_five_days_and_within_fifteen() -> None:
    beijing, asked = law("CN-BJ"), date(2026, 6, 3)
    then = CASES["SV-C08"]["then"]
    for cause, due in (("cooling_off", then["due_cooling_off"]), ("consumer", then["due_ordinary"])):
        deadline = beijing.deadline(cause, asked)
        assert deadline is not None
        assert not deadline.working
        assert (asked + timedelta(days=deadline.count)).isoformat() == due


# --- what is left -----------------------------------------------------------------------------------------------------


@covers("SV-X07")
def test_principal_on_an_anonymous_card_is_still_there_after_its_three_years() -> None:
    rules = program("CN", card={"named": False})
    years = law("CN").value("validity.anonymous", TODAY)
    assert str(years) == "3 years"
    state = stepped(rules, event("top_up", "t1", "2020-01-01", amount="120.00")).state
    later = rules.advance(state, datetime.fromisoformat("2026-06-01T12:00:00+08:00")).state
    assert later.stored_value("card").principal == cr.Money(CASES["SV-X07"]["then"]["balance"], "CNY")
    assert law("CN").value("expired.balance", TODAY) == "restored"
    assert law("CN-ZJ").value("expired.fee", TODAY) == "forbidden"


@covers("SV-X10")
def test_korea_pays_nine_tenths_of_an_expired_voucher() -> None:
    korea = law("KR", "KRW")
    share = korea.value("refund.expiry.share", TODAY)
    assert isinstance(share, Fraction)
    assert share * 30_000 == int(CASES["SV-X10"]["then"]["refund"][2])
    large = korea.value("refund.expiry.share_large", TODAY)
    assert isinstance(large, Fraction)
    assert large * 60_000 == int(CASES["SV-X10"]["then"]["refund"][0])


@covers("SV-X11")
def test_japans_limit_over_all_customers_leaves_so_much_room() -> None:
    room = law("JP", "JPY").refund_room(issued=10_000_000, unused=0, refunded=1_950_000, day=TODAY)
    assert room == 50_000  # 20 % of 10,000,000 less 1,950,000: 60,000 are too much, 50,000 are not
    assert CASES["SV-X11"]["then"]["results"] == ["REJECT_PERIOD_CAP", "OK"]
    assert law("CN").refund_room(1, 1, 1, TODAY) is None


@covers("SV-X12")
def test_japans_deposit_is_half_of_what_is_unused_above_ten_million() -> None:
    japan = law("JP", "JPY")
    assert [str(japan.custody(unused, TODAY)) for unused in (10_000_000, 10_000_001)] == CASES["SV-X12"]["then"]["min_deposit"]
    assert law("CN").custody(10**12, TODAY) == 0


def cash_out(amount: str, asked: str, causes: dict[str, Any] | None = None) -> cr.Step:
    rules = program("US-CA", causes or {"consumer": {"basis": "paid_minus_face"}}, currency="USD")
    paid = event("top_up", "t1", "2026-01-05", amount=amount)
    return stepped(rules, paid, event("refund_request", "q1", asked, account="card", cause="cash_out"))


@pytest.mark.parametrize(
    ("amount", "asked", "accepted"),
    [("9.99", "2026-03-31", True), ("10.00", "2026-03-31", False), ("14.99", "2026-04-01", True), ("15.00", "2026-04-01", False)],
)
def test_california_pays_out_less_than_ten_and_less_than_fifteen_from_april_2026(amount: str, asked: str, accepted: bool) -> None:
    step = cash_out(amount, asked)
    assert step.accepted == accepted
    if not accepted:
        assert refusal(step) == "stored_value.refund.balance_too_large"


def test_terms_that_pay_out_less_give_way_to_the_law_and_terms_that_pay_out_more_stand() -> None:
    less = cash_out("12.00", "2026-04-01", {"cash_out": {"basis": "principal_remaining", "below": "5.00"}})
    assert less.accepted
    assert "cash_out.below" in [why.params.get("rule") for decision in less.decisions for why in decision.reasons]
    assert cash_out("99.00", "2026-04-01", {"cash_out": {"basis": "principal_remaining", "below": "100.00"}}).accepted
    assert cash_out("99.00", "2026-04-01", {"cash_out": {"basis": "principal_remaining"}}).accepted
