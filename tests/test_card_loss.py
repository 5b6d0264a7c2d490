"""A card that is lost: nothing is spent of it, what is on it stays what it is, and a new one lets it go again."""

from __future__ import annotations

from typing import Any

import pytest
from test_stored_value import Customer, shop

import custrules as cr
from custrules.testing import check_policy


def holder(**account: Any) -> Customer:
    """1000.00 with a bonus of 200.00, of which 300.00 of principal are spent."""
    ann = Customer(shop(account=account))
    ann.does("top_up", "2026-04-01", amount="1000.00")
    ann.pays("300.00", "2026-04-02")
    return ann


def refused(step: cr.Step) -> str | None:
    return step.refusal.code if step.refusal is not None else None


def declined(step: cr.Step) -> list[str]:
    return [why.code for decision in step.decisions if decision.outcome == "DECLINED" for why in decision.reasons]


def card(ann: Customer) -> tuple[Any, dict[str, Any]]:
    status = ann.state.status("card.card")
    return status.value, dict(status.data)


def test_nothing_is_spent_or_set_aside_of_a_card_that_is_lost() -> None:
    ann = holder()
    assert ann.does("card_update", "2026-04-03", stage="lost").accepted
    assert card(ann) == ("lost", {})
    before = ann.state
    assert refused(ann.pays("1.00", "2026-04-04")) == "stored_value.card.is_lost"
    assert refused(ann.does("hold", "2026-04-04", amount="1.00")) == "stored_value.card.is_lost"
    assert (ann.balance("card.principal"), ann.balance("card.bonus")) == ("700.00", "200.00")
    assert ann.state.ledger == before.ledger


def test_a_card_that_is_lost_is_paid_into_and_takes_returns() -> None:
    ann = holder()
    ann.does("card_update", "2026-04-03", stage="lost")
    assert ann.does("top_up", "2026-04-04", amount="10.00").accepted
    assert ann.does("return", "2026-04-05", of="e2").accepted
    assert ann.balance("card.principal") == "1010.00"


def test_what_was_set_aside_before_the_loss_is_captured() -> None:
    ann = holder()
    ann.does("hold", "2026-04-03", amount="50.00")
    ann.does("card_update", "2026-04-04", stage="lost")
    assert ann.does("capture", "2026-04-05", of="e3").accepted
    assert ann.balance("card.principal") == "650.00"


@pytest.mark.parametrize(("stage", "value"), [("found", "active"), ("reissued", "reissued")])
def test_a_card_that_comes_back_holds_the_same_lots_with_their_dates(stage: str, value: str) -> None:
    ann = holder(bonus_expiry="6 months")
    lots = ann.state.stored_value()
    ann.does("card_update", "2026-04-03", stage="lost")
    ann.does("card_update", "2026-04-10", stage=stage)
    assert card(ann) == (value, {})
    assert ann.state.stored_value() == lots
    assert ann.pays("1.00", "2026-04-11").accepted


def test_a_new_card_is_told_by_its_number_and_costs_its_fee_out_of_the_bonus_first() -> None:
    ann = holder(reissue_fee="15.00")
    ann.does("card_update", "2026-04-03", stage="lost")
    step = ann.does("card_update", "2026-04-10", stage="reissued", card="8800-2")
    assert card(ann) == ("reissued", {"card": "8800-2"})
    assert [why.code for decision in step.decisions for why in decision.reasons] == ["stored_value.card.reissued", "stored_value.card.fee"]
    assert (ann.balance("card.principal"), ann.balance("card.bonus")) == ("700.00", "185.00")


def test_a_new_card_never_costs_more_than_there_is() -> None:
    ann = Customer(shop(account={"reissue_fee": "15.00"}, top_up={}))
    assert ann.does("card_update", "2026-04-01", stage="reissued").accepted  # a card that was damaged, with nothing on it
    ann.does("top_up", "2026-04-02", amount="4.00")
    ann.does("card_update", "2026-04-03", stage="reissued")
    assert ann.balance("card.principal") == "0.00"


def test_an_anonymous_card_is_not_replaced() -> None:
    ann = holder(named=False)
    for stage in ("lost", "reissued", "found"):
        assert declined(ann.does("card_update", "2026-04-03", stage=stage)) == ["stored_value.card.anonymous"]
    assert ann.pays("1.00", "2026-04-04").accepted


def test_a_loss_is_reported_once_and_what_is_not_lost_is_not_found() -> None:
    ann = holder()
    assert declined(ann.does("card_update", "2026-04-03", stage="found")) == ["stored_value.card.not_lost"]
    ann.does("card_update", "2026-04-03", stage="lost")
    assert declined(ann.does("card_update", "2026-04-04", stage="lost")) == ["stored_value.card.is_lost"]


def test_news_of_a_card_names_an_account_of_the_program() -> None:
    ann = holder()
    with pytest.raises(cr.EventError, match="purse"):
        ann.does("card_update", "2026-04-03", stage="lost", account="purse")
    with pytest.raises(cr.EventError, match="stage"):
        ann.does("card_update", "2026-04-03", stage="stolen")


@pytest.mark.parametrize("form", [{"form": "visits"}, {"form": "period", "length": "30 days"}])
def test_no_visit_is_taken_of_a_card_that_is_lost(form: dict[str, Any]) -> None:
    ann = Customer(shop(account=form, top_up={}))
    ann.does("top_up", "2026-04-01", amount="100.00", **({"paid": "10"} if form["form"] == "visits" else {}))
    ann.does("card_update", "2026-04-02", stage="lost")
    assert refused(ann.does("visit", "2026-04-03", of="card")) == "stored_value.card.is_lost"
    ann.does("card_update", "2026-04-04", stage="reissued")
    assert ann.does("visit", "2026-04-05", of="card").accepted


def test_the_rightful_owner_is_refunded_while_the_card_is_lost_but_it_is_not_cashed_out() -> None:
    causes = {"consumer": {"basis": "paid_minus_face"}, "cash_out": {"basis": "principal_remaining"}}
    policies = [*shop().document_data()["policies"], {"id": "refund", "kind": "stored_value.refund", "causes": causes}]
    ann = Customer(cr.Program(id="shop", zone="Asia/Shanghai", currency="CNY", policies=policies))
    ann.does("top_up", "2026-04-01", amount="1000.00")
    ann.does("card_update", "2026-04-02", stage="lost")
    assert refused(ann.does("refund_request", "2026-04-03", cause="cash_out")) == "stored_value.card.is_lost"
    assert ann.does("refund_request", "2026-04-03", cause="consumer").accepted


def test_an_account_with_a_fee_for_new_cards_keeps_the_contract_of_policies() -> None:
    program = shop(account={"reissue_fee": "5.00"})
    codes = check_policy(program.policies[0], program=program, examples=25, skip=("descriptions",))
    assert {"stored_value.card.lost", "stored_value.card.reissued"} & codes
