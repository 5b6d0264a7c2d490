"""Stored value where its parts meet: requests that fall through, small balances beside large ones, disputes of cards in visits."""

from __future__ import annotations

from typing import Any

import pytest

import custrules as cr
from custrules.deposits import Deposit
from custrules.testing import History, history

pytest.importorskip("yaml")

HEAD = """
program: p
zone: Asia/Shanghai
currency: CNY
policies:
  - {id: card, kind: stored_value.account, form: amount}
  - id: top-up
    kind: stored_value.top_up
    ladder: [{pay: 500.00, give: 80.00}, {pay: 1000.00, give: 200.00}]
    mode: highest
    owed_on_chargeback: OWED
  - {id: spend, kind: stored_value.spending, order: pro_rata}
  - {id: lessons, kind: stored_value.account, form: visits}
  - {id: lessons-in, kind: stored_value.top_up, account: lessons}
  - {id: lessons-out, kind: stored_value.spending, account: lessons, order: principal_first}
  - {id: year, kind: stored_value.account, form: period, length: 365 days}
  - {id: year-in, kind: stored_value.top_up, account: year}
  - {id: year-out, kind: stored_value.spending, account: year, order: principal_first}
"""
REFUND = """  - id: refund
    kind: stored_value.refund
    causes: {merchant: {basis: paid_minus_ratio}, cash_out: {basis: principal_remaining, below: 15.00}}
    process: PROCESS
"""
APPROVED = "{freeze_on_request: true, approval: [{by: boss}]}"


def start(process: str = APPROVED, owed: str = "face") -> History:
    """A customer of a program with a card in money, one in visits and one for a year, on 1 April."""
    return history(cr.loads(HEAD.replace("OWED", owed) + REFUND.replace("PROCESS", process))).on("2026-04-01")


def card(process: str = APPROVED, owed: str = "face") -> History:
    """1000 + 200 out of the top-up ``t1``, of which a purchase ``p1`` of 300 took 250 + 50."""
    paid_in = start(process, owed).event("top_up", id="t1", tenders={"card": "1000.00"})
    return paid_in.on("2026-04-10").event("purchase", id="p1", amount="300.00", tenders={"stored_value": "300.00"})


def ask(found: History, on: str = "2026-05-06", cause: str = "merchant", verdict: Any = "accepted", **fields: Any) -> History:
    name = fields.pop("id", "r1")
    return found.on(on).event("refund_request", id=name, cause=cause, verdict=verdict, **fields)


def decide(found: History, *, approved: bool, verdict: Any = "accepted") -> History:
    return found.event("refund_decision", of="r1", approved=approved, by="boss", verdict=verdict)


def told(found: History, name: str) -> str:
    reasons = [why for decision in found.last.decisions for why in decision.reasons]
    return next(str(why.params[name]) for why in reasons if name in why.params)


def left(found: History) -> tuple[str, str, str]:
    value = found.state.stored_value("card")
    return str(value.principal), str(value.bonus), str(value.held)


def deposit(found: History, name: str) -> Deposit:
    of = found.state.orders[name].deposit
    assert of is not None
    return of


# -- an approval that nothing can be paid on any more ----------------------------------------------------------------------


def fallen_through() -> History:
    """A frozen request over 750 that was approved; then a return of 120 of the purchase: 100 + 20 come back beside it."""
    approved = decide(ask(card(), of="t1"), approved=True)
    back = approved.on("2026-05-07").event("return", of="p1", amount="120.00")
    assert back.event("refund_paid", of="r1", verdict="refused").codes == ("stored_value.refund.stale",)
    return back


def test_an_approved_request_that_fell_through_is_turned_down_and_its_value_is_free_again() -> None:
    turned_down = decide(fallen_through(), approved=False)
    assert left(turned_down) == ("850.00 CNY", "170.00 CNY", "0.00 CNY")
    assert turned_down.state.status("refund", "r1").value == "rejected"


def test_an_approved_request_that_fell_through_is_quoted_anew_and_takes_another_approval() -> None:
    anew = ask(fallen_through(), "2026-05-08", of="r1", id="again")
    assert told(anew, "refund") == "850.00 CNY"  # 1000 - 180 x 1000/1200
    assert left(anew) == ("0.00 CNY", "0.00 CNY", "1020.00 CNY")  # what came back is held with the rest
    assert anew.event("refund_paid", of="r1", verdict="refused").codes == ("stored_value.refund.not_approved",)
    paid = decide(anew, approved=True).event("refund_paid", of="r1", amount="850.00")
    assert left(paid) == ("0.00 CNY", "0.00 CNY", "0.00 CNY")


def test_an_approved_request_that_stands_is_not_quoted_anew_and_not_turned_down() -> None:
    approved = decide(ask(card(), of="t1"), approved=True)
    assert decide(approved, approved=False, verdict="refused").codes == ("stored_value.refund.decided",)
    assert ask(approved, of="r1", id="again", verdict="refused").codes == ("stored_value.refund.decided",)


def test_a_top_up_after_an_approval_of_the_whole_account_does_not_lock_it() -> None:
    approved = decide(ask(card(), account="card"), approved=True)
    more = approved.on("2026-05-07").event("top_up", id="t2", amount="500.00")
    assert more.event("refund_paid", of="r1", verdict="refused").codes == ("stored_value.refund.stale",)
    anew = decide(ask(more, "2026-05-07", of="r1", id="again"), approved=True)
    assert told(anew.event("refund_paid", of="r1"), "amount") == "1250.00 CNY"  # 750 and 500


# -- small balances --------------------------------------------------------------------------------------------------------


def test_the_rest_of_one_top_up_is_no_small_balance_while_the_card_holds_more() -> None:
    used = card().event("purchase", id="p2", amount="890.00", tenders={"stored_value": "890.00"})  # 10 are left of 1200
    assert ask(used, of="t1", cause="cash_out").last.accepted
    more = used.on("2026-04-20").event("top_up", id="t2", amount="500.00")
    refused = ask(more, of="t1", cause="cash_out", verdict="refused")
    assert refused.codes == ("stored_value.refund.balance_too_large",)
    assert told(refused, "balance") == "590.00 CNY"  # 10 + 500 + 80


def test_cards_in_visits_and_for_a_period_are_small_by_what_they_come_to() -> None:
    cards = start().event("top_up", id="v1", account="lessons", amount="100.00", paid=10).event("top_up", id="y1", account="year", amount="365.00")
    assert told(ask(cards, of="v1", cause="cash_out", verdict="refused"), "balance") == "100.00 CNY"
    assert told(ask(cards, "2026-04-10", of="y1", cause="cash_out", verdict="refused"), "balance") == "355.00 CNY"  # ten days are served
    used = cards.event("visit", of="lessons", used=9)
    assert told(ask(used, of="v1", cause="cash_out"), "refund") == "10.00 CNY"
    assert told(ask(cards, "2027-03-20", of="y1", cause="cash_out"), "refund") == "11.00 CNY"  # 354 of 365 days are served


# -- disputes --------------------------------------------------------------------------------------------------------------


def test_a_dispute_about_visits_that_is_won_brings_them_back() -> None:
    paid_in = start().event("top_up", id="v1", account="lessons", amount="1000.00", paid=10, given=2).event("visit", of="lessons", used=3)
    opened = paid_in.on("2026-04-20").event("chargeback", of="v1", amount="500.00")
    accounts = opened.state.ledger.accounts
    assert (accounts["lessons.principal"].total, accounts["lessons.bonus"].total) == (2, 1)  # half of 10 and of 2
    won = opened.event("chargeback", of="v1", dispute="won")
    accounts = won.state.ledger.accounts
    assert (accounts["lessons.principal"].total, accounts["lessons.bonus"].total) == (7, 2)
    assert told(ask(won, of="v1"), "refund") == "750.00 CNY"  # 1000 - 3 x 1000/12


def test_a_dispute_about_a_period_that_is_won_opens_the_door_again() -> None:
    opened = start().event("top_up", id="y1", account="year", amount="365.00").on("2026-04-20").event("chargeback", of="y1")
    assert opened.event("visit", of="year", verdict="refused").codes == ("stored_value.spending.no_period",)
    won = opened.event("chargeback", of="y1", dispute="won")
    assert won.event("visit", of="year").last.accepted


def test_a_dispute_that_is_won_where_only_the_paid_share_was_owed_brings_all_back() -> None:
    opened = card(owed="ratio").on("2026-04-20").event("chargeback", of="t1")
    assert opened.state.ledger.accounts["card.owed"].owed == 25000  # 300 x 1000/1200
    won = opened.event("chargeback", of="t1", dispute="won")
    assert left(won) == ("750.00 CNY", "150.00 CNY", "0.00 CNY")
    assert won.state.ledger.accounts["card.owed"].owed == 0


# -- documents and events that would break the above -----------------------------------------------------------------------


def test_a_refund_keeps_the_name_of_its_status_from_version_to_version() -> None:
    versions = "".join(
        f"  - {{id: refund, kind: stored_value.refund, effective_from: {day}, status: {name}, causes: {{merchant: {{basis: paid_minus_face}}}}}}\n"
        for day, name in (("2026-01-01", "refund"), ("2026-05-07", "other"))
    )
    with pytest.raises(cr.DocumentError) as caught:
        cr.loads(HEAD.replace("OWED", "face") + versions)
    assert [(found.code, found.params["before"]) for found in caught.value.diagnostics] == [("document.status_changed", "refund")]


def test_stored_value_is_not_paid_in_with_stored_value() -> None:
    with pytest.raises(cr.EventError) as caught:
        card().event("top_up", tenders={"stored_value": "500.00"})
    assert [(found.code, found.params["tender"]) for found in caught.value.diagnostics] == [("event.top_up_tender", "stored_value")]


def test_what_a_lost_dispute_took_does_not_come_back_when_another_is_won() -> None:
    paid_in = start().event("top_up", id="v1", account="lessons", amount="400.00", paid=4, given=4).event("top_up", id="t1", amount="1000.00")
    for name in ("v1", "t1"):
        opened = paid_in.on("2026-04-20").event("chargeback", of=name, amount="100.00").event("chargeback", of=name, amount="100.00", dispute="lost")
        paid_in = opened.event("chargeback", of=name, amount="200.00").event("chargeback", of=name, amount="200.00", dispute="won")
        assert (deposit(paid_in, name).disputed, deposit(paid_in, name).contested) == (10000, 0)
    accounts = paid_in.state.ledger.accounts
    assert (accounts["lessons.principal"].total, accounts["lessons.bonus"].total) == (3, 3)  # a quarter is gone
    assert left(paid_in) == ("900.00 CNY", "180.00 CNY", "0.00 CNY")  # a tenth is gone


def test_disputes_that_are_won_in_parts_leave_nothing_between_them() -> None:
    opened = card(owed="ratio").on("2026-04-20").event("chargeback", of="t1")  # of 1000 stand 750; of the 250 + 50 consumed 250 are owed
    won = opened.event("chargeback", of="t1", amount="333.33", dispute="won")
    assert deposit(won, "t1").disputed == 66667
    won = won.event("chargeback", of="t1", amount="333.33", dispute="won").event("chargeback", of="t1", amount="333.34", dispute="won")
    assert deposit(won, "t1").disputed == 0
    assert left(won) == ("750.00 CNY", "150.00 CNY", "0.00 CNY")


def test_a_top_up_of_which_bonus_was_paid_out_beyond_its_price_has_nothing_left_to_dispute() -> None:
    text = HEAD.replace("OWED", "face") + "  - {id: refund, kind: stored_value.refund, causes: {merchant: {basis: face_remaining}}}\n"
    paid_in = history(cr.loads(text)).on("2026-04-01").event("top_up", id="t1", amount="1000.00")
    paid = ask(paid_in, of="t1").event("refund_paid", of="r1", amount="1200.00")
    refused = paid.event("chargeback", of="t1", verdict="refused")
    assert refused.codes == ("event.exceeds_order",)
    assert refused.last.refusal is not None
    assert str(refused.last.refusal.params["left"]) == "0.00 CNY"


# -- interest --------------------------------------------------------------------------------------------------------------


# 750 at 3%, asked on 6 May and paid on 11 May: since 1 April (40 days) 2.466, since 26 April (15 days) 0.925, since 6 May (5 days) 0.308
@pytest.mark.parametrize(("rescinded", "interest"), [("1999-01-01", "2.47 CNY"), ("2026-04-26", "0.92 CNY"), ("2030-01-01", "0.31 CNY")])
def test_interest_runs_from_the_rescission_but_never_before_the_payment_or_after_the_request(rescinded: str, interest: str) -> None:
    text = HEAD.replace("OWED", "face") + REFUND.replace("PROCESS", "{sla: 5 days}").replace(
        "ratio}", "ratio, interest: {rate: 3%, from: rescission}}"
    )
    found = history(cr.loads(text)).on("2026-04-01").event("top_up", id="t1", amount="1000.00")
    found = found.on("2026-04-10").event("purchase", id="p1", amount="300.00", tenders={"stored_value": "300.00"})
    asked = ask(found, of="t1", rescinded=rescinded)
    assert told(asked.on("2026-05-11").event("refund_paid", of="r1"), "interest") == interest


# -- brought from elsewhere ------------------------------------------------------------------------------------------------


def test_a_bonus_that_lapsed_before_a_card_was_brought_over_counts_as_it_would_have_here() -> None:
    text = HEAD.replace("form: amount}", "form: amount, bonus_expiry: 40 days}").replace("OWED", "face") + REFUND.replace("PROCESS", "{}")
    row = {"id": "t1", "day": "2026-01-01", "principal": "500.00", "bonus": "100.00", "paid": "1000.00", "given": "200.00"}
    brought = history(cr.loads(text)).on("2026-04-01").event("opening", balances={"card": {"top_ups": [row]}})
    assert (deposit(brought, "t1").granted, deposit(brought, "t1").expired) == (20000, 10000)
    assert told(ask(brought, of="t1"), "refund") == "500.00 CNY"  # 1000 - 600 x 1000/1200


# -- periods ---------------------------------------------------------------------------------------------------------------


def test_a_period_that_is_frozen_admits_nobody_until_its_refund_is_decided() -> None:
    asked = ask(start().event("top_up", id="y1", account="year", amount="365.00"), "2026-04-10", of="y1")
    refused = asked.on("2026-04-20").event("visit", of="year", verdict="refused")
    assert (refused.codes, told(refused, "of")) == (("stored_value.spending.asked_back",), "r1")
    other = asked.on("2026-04-20").event("top_up", id="y2", account="year", amount="365.00")
    assert other.event("visit", of="year").last.accepted
    assert other.event("visit", of="y1", verdict="refused").codes == ("stored_value.spending.asked_back",)
    assert decide(asked, approved=False).on("2026-04-21").event("visit", of="year").last.accepted


def test_a_period_that_is_asked_back_without_a_freeze_goes_on() -> None:
    visited = unfrozen().on("2026-04-20").event("visit", id="v1", of="year")
    assert visited.last.accepted
    assert deposit(visited, "y1").visits == 1


def unfrozen() -> History:
    """A year for 365.00 from 1 April on, asked back on 10 April: 10 days are served, 355.00 are quoted."""
    asked = ask(start("{sla: 5 days}").event("top_up", id="y1", account="year", amount="365.00"), "2026-04-10", of="y1")
    assert told(asked, "refund") == "355.00 CNY"
    return asked


def test_a_visit_after_the_request_is_served_and_every_day_before_it() -> None:
    visited = unfrozen().on("2026-04-20").event("visit", id="v1", of="year")
    stale = visited.on("2026-04-21").event("refund_paid", of="r1", verdict="refused")
    assert (stale.codes, told(stale, "refund")) == (("stored_value.refund.stale",), "345.00 CNY")  # 20 of 365 days
    anew = ask(visited, "2026-04-21", of="r1", id="again")
    assert told(anew, "refund") == "345.00 CNY"
    paid = anew.event("refund_paid", of="r1", amount="345.00")
    assert paid.event("visit", of="year", verdict="refused").codes == ("stored_value.spending.no_period",)


def test_a_visit_after_the_request_shows_that_the_merchant_had_not_stopped() -> None:
    asked = ask(start("{sla: 5 days}").event("top_up", id="y1", account="year", amount="365.00"), "2026-04-10", of="y1", stopped="2026-04-06")
    assert told(asked, "refund") == "360.00 CNY"  # 1 to 5 April were served
    anew = ask(asked.on("2026-04-20").event("visit", of="y1"), "2026-04-21", of="r1", id="again")
    assert told(anew, "refund") == "345.00 CNY"


def test_a_visit_that_is_cancelled_moves_no_refund() -> None:
    first = unfrozen().on("2026-04-15").event("visit", id="v1", of="year")
    visited = first.on("2026-04-20").event("visit", id="v2", of="year")
    one_left = visited.on("2026-04-21").event("redemption_cancelled", of="v2")
    assert (deposit(one_left, "y1").visits, str(deposit(one_left, "y1").visited)) == (1, "2026-04-15")
    none_left = one_left.event("redemption_cancelled", of="v1")
    assert (deposit(none_left, "y1").visits, deposit(none_left, "y1").visited) == (0, None)
    assert none_left.event("refund_paid", of="r1", amount="355.00").last.accepted
    assert cr.State.from_json(one_left.state.to_json()) == one_left.state


def test_a_visit_goes_by_a_period_that_is_not_asked_back_where_there_is_one() -> None:
    both = unfrozen().on("2026-04-12").event("top_up", id="y2", account="year", amount="365.00")
    visited = both.on("2026-04-20").event("visit", of="year")
    assert (deposit(visited, "y1").visits, deposit(visited, "y2").visits) == (0, 1)
    assert visited.event("refund_paid", of="r1", amount="355.00").last.accepted


def test_a_period_that_was_visited_is_used() -> None:
    causes = REFUND.replace("PROCESS", "{}").replace("causes: {", "causes: {cooling_off: {within: 7 days, unless: used}, ")
    bought = history(cr.loads(HEAD.replace("OWED", "face") + causes)).on("2026-04-01").event("top_up", id="y1", account="year", amount="365.00")
    assert ask(bought, "2026-04-03", "cooling_off", of="y1").last.accepted
    visited = bought.on("2026-04-02").event("visit", of="year")
    assert ask(visited, "2026-04-03", "cooling_off", of="y1", verdict="refused").codes == ("stored_value.refund.used",)


# -- completing a request --------------------------------------------------------------------------------------------------


def test_what_a_request_is_completed_with_counts_whatever_it_is() -> None:
    causes = REFUND.replace("PROCESS", "{documents: [id_card]}").replace(
        "causes: {", "causes: {cooling_off: {within: 60 days, unless: experienced}, "
    )
    paid_in = history(cr.loads(HEAD.replace("OWED", "face") + causes)).on("2026-04-01").event("top_up", id="t1", amount="1000.00")
    asked = ask(paid_in, of="t1", cause="cooling_off")
    completed: dict[str, Any] = {"of": "r1", "id": "again", "cause": "cooling_off", "documents": ["id_card"]}
    assert ask(asked, experienced=True, verdict="refused", **completed).codes == ("stored_value.refund.experienced",)
    assert ask(asked, by="daughter", **completed).state.status("refund", "r1").data["by"] == "daughter"


def test_who_has_left_still_gets_his_prepaid_money_back() -> None:
    gone = card("{approval: [{by: boss}]}").on("2026-05-01").event("closure", reason="moves")
    assert left(gone) == ("750.00 CNY", "150.00 CNY", "0.00 CNY")
    asked = ask(gone)
    paid = decide(asked, approved=True).event("refund_paid", id="paid", of="r1")
    assert told(asked, "refund") == "750.00 CNY"  # 1000 - 300 x 1000/1200
    assert paid.last.accepted
    assert left(paid) == ("0.00 CNY", "0.00 CNY", "0.00 CNY")
