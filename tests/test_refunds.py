"""``stored_value.refund``: the process from request to payment, payouts, partial refunds, what versions, time and disputes make of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import custrules as cr
from custrules.testing import History, check_policy, history

pytest.importorskip("yaml")

HEAD = """
program: p
zone: Asia/Shanghai
currency: CNY
rates: {lpr_1y: {2025-05-20: 3.00%, 2026-06-01: 2.90%}}
policies:
  - {id: card, kind: stored_value.account, form: amount, bonus_expiry: BONUS}
  - {id: top-up, kind: stored_value.top_up, ladder: [{pay: 500.00, give: 80.00}, {pay: 1000.00, give: 200.00}], mode: highest}
  - {id: spend, kind: stored_value.spending, order: ORDER}
"""


def program(refund: str = "causes: {merchant: {basis: paid_minus_ratio}}", order: str = "pro_rata", bonus: str = "never") -> cr.Program:
    text = HEAD.replace("ORDER", order).replace("BONUS", bonus)
    return cr.loads(f"{text}  - id: refund\n    kind: stored_value.refund\n" + "".join(f"    {line}\n" for line in refund.splitlines()))


def card(refund: str = "causes: {merchant: {basis: paid_minus_ratio}}", order: str = "pro_rata", bonus: str = "never") -> History:
    """A card with 1000 + 200 out of the top-up ``t1`` of 1 April."""
    return history(program(refund, order, bonus)).on("2026-04-01").event("top_up", id="t1", tenders={"card": "600.00", "cash": "400.00"})


def spend(found: History, amount: str, on: str = "2026-04-10", name: str = "p1") -> History:
    return found.on(on).event("purchase", id=name, amount=amount, tenders={"stored_value": amount})


def ask(found: History, on: str = "2026-05-06", cause: str = "merchant", **fields: Any) -> History:
    name = fields.pop("id", "r1")
    verdict = fields.pop("verdict", "accepted")
    of = {} if "account" in fields else {"of": "t1"}
    return found.on(on).event("refund_request", id=name, cause=cause, verdict=verdict, **{**of, **fields})


def pay(found: History, on: str = "2026-05-08", of: str = "r1", **fields: Any) -> History:
    verdict = fields.pop("verdict", "accepted")
    return found.on(on).event("refund_paid", of=of, verdict=verdict, **fields)


def told(found: History, name: str) -> Any:
    """A parameter of the last step's reasons, the first that has it; amounts as their text."""
    reasons = [why for decision in found.last.decisions for why in decision.reasons]
    return next(str(why.params[name]) for why in reasons if name in why.params)


def left(found: History) -> tuple[str, str, str]:
    value = found.state.stored_value()
    return str(value.principal), str(value.bonus), str(value.held)


# -- without a process -----------------------------------------------------------------------------------------------------


def test_without_a_process_a_request_stands_until_it_is_paid() -> None:
    asked = ask(spend(card(), "300.00"))
    assert told(asked, "refund") == "750.00 CNY"
    assert left(asked) == ("750.00 CNY", "150.00 CNY", "0.00 CNY")  # nothing is set aside where nobody says so
    paid = pay(asked, amount="750.00")
    assert left(paid) == ("0.00 CNY", "0.00 CNY", "0.00 CNY")
    assert paid.state.status("refund", "r1").value == "paid"


def test_a_refund_posts_what_goes_back_and_what_lapses() -> None:
    paid = pay(ask(spend(card(order="principal_first"), "300.00")))
    moved = {(effect.source, effect.target): str(effect.quantity) for effect in paid.last.effects if isinstance(effect, cr.Posting)}
    # 700 of the principal are left, 750 go back: 50 more than that, for which bonus lapses
    assert moved == {
        ("card.principal", "world.refunded"): "700.00 CNY",
        ("card.bonus", "world.forfeited"): "200.00 CNY",
        ("world.forfeited", "world.refunded"): "50.00 CNY",
    }


def test_principal_that_pays_for_bonus_used_does_not_go_back() -> None:
    paid = pay(ask(spend(card("causes: {merchant: {basis: paid_minus_face}}", "bonus_first"), "300.00")))
    moved = {(effect.source, effect.target): str(effect.quantity) for effect in paid.last.effects if isinstance(effect, cr.Posting)}
    assert moved == {("card.principal", "world.refunded"): "700.00 CNY", ("card.principal", "world.forfeited"): "200.00 CNY"}


def test_a_quote_that_is_not_frozen_goes_stale_with_the_next_purchase_and_can_be_renewed() -> None:
    asked = spend(ask(card()), "60.00", "2026-05-07")
    stale = pay(asked, verdict="refused")
    assert stale.codes == ("stored_value.refund.stale",)
    assert told(stale, "refund") == "950.00 CNY"
    again = ask(asked, "2026-05-08", of="r1", id="r1-again")
    assert again.state.status("refund", "r1").data["refund"] == "950.00 CNY"
    assert pay(again, "2026-05-09", amount="950.00").last.accepted


def test_a_request_is_of_one_top_up_or_of_all_of_an_account() -> None:
    two = spend(card(), "120.00").on("2026-04-20").event("top_up", id="t2", amount="500.00")
    whole = ask(two, account="card")
    assert told(whole, "refund") == "1400.00 CNY"  # 1000 - 100, 500
    assert [str(why.params["gross"]) for decision in whole.last.decisions for why in decision.reasons if why.code.endswith("of_top_up")] == [
        "900.00 CNY",
        "500.00 CNY",
    ]
    part = ask(two, account="stored_value", amount="600.00")
    assert told(part, "refund") == "600.00 CNY"
    assert left(pay(part)) == ("800.00 CNY", "0.00 CNY", "0.00 CNY")  # the newest first: 500, then 100 of 900; its bonus lapses


def test_only_top_ups_within_the_window_are_asked_back() -> None:
    two = card("causes: {cooling_off: {basis: paid_minus_list, within: 7 days, unless: used}}")
    two = two.on("2026-04-20").event("top_up", id="t2", amount="500.00")
    asked = ask(two, "2026-04-21", "cooling_off", account="card")
    assert told(asked, "refund") == "500.00 CNY"


# -- answers that come late, again, or against one another -------------------------------------------------------------------


def test_a_decision_of_nothing_is_unknown_and_one_too_many_is_refused() -> None:
    asked = ask(card())
    assert asked.event("refund_decision", of="r9", approved=True, verdict="refused").codes == ("event.unknown_order",)
    assert asked.event("refund_decision", of="t1", approved=True, verdict="refused").codes == ("event.unknown_order",)
    rejected = asked.event("refund_decision", of="r1", approved=False)
    for kind, fields in (("refund_decision", {"approved": True}), ("refund_paid", {}), ("refund_request", {"cause": "merchant"})):
        assert rejected.event(kind, of="r1", verdict="refused", **fields).codes == ("stored_value.refund.decided",)
    assert ask(rejected, "2026-05-07", id="r2").last.accepted


def test_a_request_is_completed_for_the_cause_that_it_was_made_for() -> None:
    both = ask(card("causes: {merchant: {basis: paid_minus_ratio}, closure: {basis: paid_minus_ratio}}"))
    assert ask(both, "2026-05-07", "closure", of="r1", id="x", verdict="refused").codes == ("stored_value.refund.other_cause",)
    assert ask(both, "2026-05-07", "closure", id="x", verdict="refused").codes == ("stored_value.refund.already_open",)


def test_an_approved_request_is_paid_though_the_terms_have_changed() -> None:
    process = "{approval: [{by: boss}], freeze_on_request: true}"
    later = cr.loads(
        HEAD.replace("ORDER", "pro_rata").replace("BONUS", "never")
        + f"  - {{id: refund, kind: stored_value.refund, causes: {{merchant: {{basis: paid_minus_ratio}}}}, process: {process}}}\n"
        + "  - {id: refund, kind: stored_value.refund, effective_from: 2026-05-07, causes: {merchant: {basis: paid_minus_list}}}\n"
    )
    found = spend(history(later).on("2026-04-01").event("top_up", id="t1", amount="1000.00"), "300.00")
    asked = ask(found)
    assert told(asked, "holds_until") == "2026-05-06"  # the new terms begin on the day after
    paid = pay(asked.on("2026-05-07").event("refund_decision", of="r1", approved=True, by="boss"), amount="750.00")
    assert left(paid) == ("0.00 CNY", "0.00 CNY", "0.00 CNY")


def test_a_request_stands_as_long_as_nobody_answers_and_its_order_leaves_when_it_is_over() -> None:
    asked = ask(card("causes: {merchant: {basis: paid_minus_ratio}}\nprocess: {freeze_on_request: true}")).day_end("2028-12-31")
    back = cr.State.from_json(asked.state.to_json())
    assert back.order("r1") is not None
    assert asked.program.step(
        back,
        asked.program.event(
            {"type": "refund_paid", "id": "x", "customer_id": back.customer_id, "of": "r1", "occurred_at": "2029-01-01T12:00:00+08:00"}
        ),
    ).accepted
    rejected = asked.on("2029-01-01").event("refund_decision", of="r1", approved=False).day_end("2031-01-01")
    assert rejected.state.order("r1") is None
    with pytest.raises(cr.StateError):
        rejected.state.status("refund", "r1")


REMIND = """causes: {merchant: {basis: paid_minus_ratio}}
gifts: discretionary
sla: 5 days
process: {approval: [{up_to: 300.00, by: clerk}, {by: boss}], aggregate: AGGREGATE, remind: [{at: 50%, to: boss}]}"""


def over_and_done(aggregate: str) -> History:
    """A refund of 200 that was asked for on 6 May 2026, reminded of, overdue and paid."""
    asked = ask(card(REMIND.replace("AGGREGATE", aggregate)), amount="200.00").day_end("2026-05-20")
    assert any(key.startswith("refund:r1:") for key in asked.state.touchpoints)
    return pay(asked.on("2026-05-21").event("refund_decision", of="r1", approved=True, by="clerk"), "2026-05-21")


def test_a_request_that_is_over_leaves_the_state_with_its_order_and_what_was_asked_for_it() -> None:
    paid = over_and_done("90 days")
    assert paid.state.status("refund", "r1").value == "paid"
    last = paid.day_end("2027-05-07")  # 366 days after the request
    assert (last.state.status("refund", "r1").value, last.state.knows("r1")) == ("paid", True)
    gone = last.day_end("2027-05-08").state
    assert not [subject for name, subject in gone.statuses if name == "refund"]
    assert not [key for key in gone.touchpoints if key.startswith("refund:")]


def test_what_was_paid_counts_towards_who_approves_for_as_long_as_the_terms_say() -> None:
    paid = over_and_done("2 years")
    assert ask(paid, "2028-05-06", id="r2", amount="150.00").state.status("refund", "r2").data["approver"] == "boss"  # 200 + 150 of 300
    assert ask(paid, "2028-05-07", id="r2", amount="150.00").state.status("refund", "r2").data["approver"] == "clerk"
    assert not [subject for name, subject in paid.day_end("2028-05-07").state.statuses if name == "refund"]


def test_points_of_a_top_up_are_remembered_as_long_as_it_is() -> None:
    text = HEAD.replace("{pay: 500.00, give: 80.00}", "{pay: 500.00, points: 10}") + "  - {id: points, kind: points.account, expiry: 12 months}"
    program = cr.loads(text.replace("BONUS", "never").replace("ORDER", "pro_rata"))
    found = history(program).on("2026-04-01").event("top_up", id="t", amount="500.00")
    spent = found.event("purchase", id="p", amount="500.00", tenders={"stored_value": "500.00"})
    assert spent.day_end("2027-09-30").state.status("top-up.points", "t").value == "10"
    assert not [name for name, _ in spent.day_end("2027-10-03").state.statuses if name == "top-up.points"]  # 18 months are over


# -- payouts ---------------------------------------------------------------------------------------------------------------


def shares(found: History) -> list[tuple[str, str]]:
    reasons = [why for decision in found.last.decisions for why in decision.reasons]
    return [(str(why.params["tender"]), str(why.params["amount"])) for why in reasons if why.code.endswith("to_tender")]


@pytest.mark.parametrize(
    ("payout", "paid"),
    [
        ("original_tender", [("card", "450.00 CNY"), ("cash", "300.00 CNY")]),
        ("{to: original_tender, split: lifo}", [("card", "350.00 CNY"), ("cash", "400.00 CNY")]),
        ("same_name_account", []),
    ],
)
def test_a_refund_goes_to_whom_the_terms_name(payout: str, paid: list[tuple[str, str]]) -> None:
    found = pay(ask(spend(card(f"causes: {{merchant: {{basis: paid_minus_ratio}}}}\npayout: {payout}"), "300.00")))
    assert shares(found) == paid
    assert paid or told(found, "to") == "same_name_account"


def test_how_nobody_said_it_was_paid_nobody_knows() -> None:
    found = history(program()).on("2026-04-01").event("top_up", id="t1", amount="1000.00")
    assert shares(pay(ask(found))) == [("unknown", "1000.00 CNY")]


def test_a_minimum_stands_unless_the_law_has_small_balances_paid() -> None:
    text = "causes: {merchant: {basis: paid_minus_face, payout: {minimum: 10.00, cash_up_to: 100.00}}}"
    few = ask(spend(card(text), "991.50"), verdict="refused")  # 8.50
    assert few.codes == ("stored_value.refund.below_minimum",)
    enough = pay(ask(spend(card(text), "990.00")))
    assert "stored_value.refund.in_cash" in enough.codes


# -- partial refunds and bonus -----------------------------------------------------------------------------------------------


def test_a_partial_refund_gives_up_bonus_in_proportion() -> None:
    found = pay(ask(card("causes: {merchant: {basis: principal_remaining}}\nbonus: surrender_pro_rata"), amount="400.00"))
    assert left(found) == ("600.00 CNY", "120.00 CNY", "0.00 CNY")


def test_a_partial_refund_leaves_the_bonus_of_what_is_still_paid_in() -> None:
    text = "causes: {merchant: {basis: principal_remaining}}\nbonus: requalify"
    found = pay(ask(card(text), amount="400.00"))
    assert left(found) == ("600.00 CNY", "80.00 CNY", "0.00 CNY")  # 600 would have brought 80
    spent = pay(ask(spend(card(text, "bonus_first"), "200.00"), amount="400.00"), amount="280.00")  # 400 less 120 of bonus that was used
    assert left(spent) == ("600.00 CNY", "0.00 CNY", "0.00 CNY")
    rest = pay(ask(spent, "2026-05-09", id="r2"), "2026-05-09", of="r2")
    assert told(rest, "refund") == "520.00 CNY"  # 600 less the other 80: 800 in all, as paid minus face


def test_bonus_may_be_turned_into_money() -> None:
    found = ask(spend(card("causes: {merchant: {basis: paid_minus_ratio, bonus: {convert: 50%}}}"), "300.00"))
    assert (told(found, "refund"), told(found, "converted")) == ("825.00 CNY", "75.00 CNY")


def test_a_share_of_what_is_left_is_paid() -> None:
    assert told(ask(card("causes: {merchant: {basis: principal_remaining, share: 90%}}")), "refund") == "900.00 CNY"


def test_all_top_ups_in_one_ratio() -> None:
    found = card("causes: {merchant: {basis: paid_minus_ratio}}\ntop_ups: pooled").on("2026-04-02").event("top_up", id="t2", amount="400.00")
    # 1400 paid and 200 given: 320 consumed cost 280
    assert told(ask(spend(found, "320.00"), account="card"), "refund") == "1120.00 CNY"


# -- causes ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "fields", "code"),
    [
        ("not_before: 3 months", {}, "too_early"),
        ("unless: experienced", {"experienced": True}, "experienced"),
        ("used_share: 60%", {}, "not_used_enough"),
        ("below: 100.00", {}, "balance_too_large"),
        ("within: 1 month", {}, "too_late"),
    ],
)
def test_what_rules_a_cause_out(terms: str, fields: dict[str, Any], code: str) -> None:
    found = card(f"causes: {{merchant: {{basis: paid_minus_face, {terms}}}}}")
    assert ask(found, verdict="refused", **fields).codes == (f"stored_value.refund.{code}",)


def test_what_a_cause_asks_for_can_be_there() -> None:
    text = "causes: {merchant: {basis: principal_remaining, used_share: 60%, not_before: 1 month, below: 600.00}}"
    assert told(ask(spend(card(text), "720.00")), "refund") == "400.00 CNY"  # 720 of 1200 used; 400 + 80 are left


def test_without_a_basis_and_a_law_the_one_that_is_best_for_the_customer_counts() -> None:
    assert told(ask(spend(card("causes: {merchant: {}}"), "300.00")), "basis") == "paid_minus_ratio"


def test_a_rate_that_is_not_known_on_that_day_is_told() -> None:
    text = "causes: {merchant: {basis: paid_minus_ratio, interest: {rate: lpr_1y, from: payment}}}"
    found = history(program(text)).on("2025-05-01").event("top_up", id="t1", amount="1000.00")
    assert "stored_value.refund.no_rate" in ask(found).codes
    # 1 April to 6 May 2026: 35 days of 1000 at 3.00 %
    assert told(ask(card(text)), "interest") == "2.88 CNY"


# -- gifts -------------------------------------------------------------------------------------------------------------------


def gift(treatment: str) -> History:
    found = history(program(f"causes: {{merchant: {{basis: paid_minus_face}}}}\ngifts: {treatment}")).on("2026-04-01")
    return found.event("top_up", id="t1", amount="1000.00", gifts=[{"item": "tumbler", "value": "80.00"}])


def test_gifts_are_returned_or_paid_for_or_left_to_a_person() -> None:
    assert told(ask(gift("return_or_pay")), "refund") == "920.00 CNY"
    assert told(ask(gift("return_or_pay"), returned=["tumbler"]), "refund") == "1000.00 CNY"
    asked = ask(gift("discretionary"))
    (task,) = [effect for effect in asked.last.effects if isinstance(effect, cr.Touchpoint)]
    assert (task.template, task.outcome, task.data["value"]) == ("gift_tumbler", "task", "80.00 CNY")
    again = ask(asked, "2026-05-07", of="r1", id="r1-more")
    assert [effect for effect in again.last.effects if isinstance(effect, cr.Touchpoint)] == []
    assert not any(isinstance(effect, cr.Touchpoint) for effect in ask(gift("none")).last.effects)


# -- frozen --------------------------------------------------------------------------------------------------------------------

FROZEN = "causes: {merchant: {basis: paid_minus_ratio}}\nprocess: {freeze_on_request: true}"


def test_a_bonus_that_lapses_while_it_is_frozen_lapses_when_it_is_let_go() -> None:
    asked = ask(card(FROZEN, bonus="2 months"))
    rejected = asked.on("2026-06-10").event("refund_decision", of="r1", approved=False)
    assert left(rejected) == ("1000.00 CNY", "0.00 CNY", "0.00 CNY")
    assert told(pay(asked, "2026-06-10"), "bonus_forfeited") == "200.00 CNY"


def test_a_return_during_a_freeze_comes_back_beside_it_and_the_quote_is_stale() -> None:
    asked = ask(spend(card(FROZEN), "300.00"))
    back = asked.on("2026-05-07").event("return", of="p1", amount="120.00")
    assert left(back) == ("100.00 CNY", "20.00 CNY", "900.00 CNY")
    assert told(pay(back, verdict="refused"), "refund") == "850.00 CNY"
    assert told(pay(ask(back, "2026-05-08", of="r1", id="again"), "2026-05-09"), "amount") == "850.00 CNY"


def test_a_card_does_not_close_while_something_is_frozen() -> None:
    assert ask(card(FROZEN)).on("2026-05-07").event("closure", reason="moves", verdict="refused").codes == ("event.still_held",)


def test_an_account_does_not_end_while_a_refund_is_asked_for() -> None:
    asked = ask(card())
    for kind, fields in (("closure", {"reason": "moves"}), ("merge", {"into": "c-2"})):
        assert asked.on("2026-05-07").event(kind, verdict="refused", **fields).codes == ("stored_value.refund.still_open",)
    assert pay(asked).on("2026-05-09").event("closure", reason="moves").last.accepted


def test_what_is_owed_is_settled_before_anything_is_paid() -> None:
    found = card().on("2026-04-02").event("top_up", id="t2", tenders={"card": "500.00"})
    found = spend(found, "1780.00")  # all of it
    disputed = found.on("2026-04-11").event("chargeback", of="t2")
    assert str(disputed.state.balance("card.owed")) == "580.00 CNY"
    kept = ask(disputed, verdict=None)
    assert kept.last.accepted
    assert told(kept, "refund") == "0.00 CNY"


# -- law ---------------------------------------------------------------------------------------------------------------------


def lawful(refund: str, order: str = "pro_rata") -> History:
    text = (
        HEAD.replace("ORDER", order)
        .replace("BONUS", "never")
        .replace("policies:", "law: {profile: CN, confirmed_by: me, confirmed_on: 2026-01-01}\npolicies:")
    )
    found = cr.loads(f"{text}  - id: refund\n    kind: stored_value.refund\n" + "".join(f"    {line}\n" for line in refund.splitlines()))
    return history(found).on("2026-04-01").event("top_up", id="t1", amount="1000.00")


def test_a_cause_that_the_terms_leave_out_is_granted_where_the_law_does() -> None:
    asked = ask(spend(lawful("causes: {consumer: {basis: paid_minus_list}}"), "300.00"))
    assert told(asked, "refund") == "750.00 CNY"
    assert "law.rule.applied" in asked.codes
    assert ask(lawful("causes: {consumer: {basis: paid_minus_list}}"), cause="death", verdict="refused").codes == ("stored_value.refund.not_listed",)


def test_a_hard_rule_prevails_where_it_gives_the_customer_more() -> None:
    worse = ask(spend(lawful("causes: {merchant: {basis: paid_minus_list, fee: {percent: 5%}}}"), "300.00"))
    assert (told(worse, "refund"), told(worse, "basis")) == ("750.00 CNY", "paid_minus_ratio")
    assert worse.codes.count("law.rule.applied") == 2  # the basis, and the fee
    better = ask(spend(lawful("causes: {merchant: {basis: principal_remaining}}", "bonus_first"), "300.00"))
    assert (told(better, "refund"), told(better, "basis")) == ("900.00 CNY", "principal_remaining")
    assert "law.rule.applied" not in better.codes
    assert told(better, "article") == "18(2)"  # the law behind it is told all the same


def test_small_balances_are_paid_out_where_the_law_says_below_which() -> None:
    # California: below 15.00 from 1 April 2026 on, 10.00 before
    head = HEAD.replace("ORDER", "pro_rata").replace("BONUS", "never").replace("CNY", "USD")
    head = head.replace("policies:", "law: {profile: US-CA, confirmed_by: me, confirmed_on: 2026-01-01}\npolicies:")
    found = cr.loads(head + "  - {id: refund, kind: stored_value.refund, causes: {merchant: {}}}\n")
    ann = history(found).on("2026-03-01").event("top_up", id="t1", amount="12.00")
    assert ask(ann, "2026-03-31", "cash_out", verdict="refused").codes == ("stored_value.refund.balance_too_large",)
    assert told(ask(ann, "2026-04-01", "cash_out"), "refund") == "12.00 USD"


def test_what_the_terms_do_not_say_the_law_does() -> None:
    asked = ask(spend(lawful("causes: {merchant: {}, consumer: {}}"), "300.00"), cause="consumer")
    assert told(asked, "basis") == "paid_minus_list"
    assert told(ask(spend(lawful("causes: {merchant: {}}"), "300.00")), "rate") == "lpr_1y"


# -- contract ------------------------------------------------------------------------------------------------------------------


def test_the_policy_keeps_the_contract() -> None:
    found = program("causes: {merchant: {basis: paid_minus_ratio}}\nprocess: {freeze_on_request: true, sla: 5 days, remind: [{at: 50%, to: boss}]}")
    policy = next(one for one in found.policies if one.id == "refund")
    check_policy(policy, program=found, examples=10, skip=("descriptions",))


def test_what_a_request_keeps_reads_back() -> None:
    text = "causes: {merchant: {basis: paid_minus_ratio}}\nprocess: {documents: [id_card, receipt], approval: [{by: boss}], sla: 5 days}"
    asked = ask(
        card(text), documents=["id_card"], by="son", stopped="2026-05-01", returned=["mug, large"], absent=3, rescinded="2026-05-02", amount="10.00"
    )
    kept = asked.state.status("refund", "r1")
    assert kept is not None
    assert dict(kept.data) == {
        "cause": "merchant",
        "account": "card",
        "asked": "2026-05-06",
        "of": "t1",
        "amount": "10.00 CNY",
        "stopped": "2026-05-01",
        "rescinded": "2026-05-02",
        "absent": 3,
        "documents": "id_card",
        "returned": "mug, large",
        "by": "son",
        "missing": "receipt",
        "refund": "10.00 CNY",
        "gross": "10.00 CNY",
        "holds_until": "2026-05-11",
        "pay_by": "2026-05-11",
        "approver": "boss",
    }
    more = ask(asked, "2026-05-07", of="r1", id="more", documents=["receipt"])
    assert more.state.status("refund", "r1").value == "requested"
    assert more.state.status("refund", "r1").since == date(2026, 5, 6)


@pytest.mark.parametrize(
    "fields",
    [
        {"of": "t1", "account": "card"},
        {"of": "t1", "amount": "0.00"},
        {"of": "t1", "absent": -1},
        {"of": "t1", "visits": 0},
        {"of": "t1", "visits": 1, "amount": "1.00"},
    ],
)
def test_a_request_that_makes_no_sense_is_no_event(fields: dict[str, Any]) -> None:
    with pytest.raises(cr.EventError):
        ask(card(), **fields)


def test_a_request_for_an_account_that_nobody_refunds_is_unserved() -> None:
    text = HEAD.replace("ORDER", "pro_rata").replace("BONUS", "never")
    text += "  - {id: other, kind: stored_value.account, form: amount}\n  - {id: other-in, kind: stored_value.top_up, account: other}\n"
    text += "  - {id: refund, kind: stored_value.refund, accounts: [card], causes: {merchant: {basis: paid_minus_ratio}}}\n"
    found = history(cr.loads(text)).on("2026-04-01").event("top_up", id="t1", account="other", amount="10.00")
    assert ask(found, verdict="refused").codes == ("event.unserved",)
    assert ask(found, verdict="refused", account="card").codes == ("stored_value.refund.nothing_left",)


@pytest.mark.parametrize(
    ("written", "kept"),
    [("day_count: 365", "act/365"), ("day_count: actual/360", "act/360"), ("day_count: ACT/ACT", "act/act"), ("day_count: 30/360", "30/360")],
)
def test_day_counts_may_be_written_as_elsewhere(written: str, kept: str) -> None:
    policy = program(f"causes: {{merchant: {{}}}}\n{written}").policies[-1]
    assert policy.day_count == kept  # type: ignore[attr-defined]  # it is a refund


@pytest.mark.parametrize(("percent", "fee"), [("2%", "20.00"), ("2", "20.00"), ("0.02", "20.00"), ("1/50", "20.00")])
def test_a_fee_is_a_share_or_so_many_per_cent(percent: str, fee: str) -> None:
    asked = ask(card(f"causes: {{merchant: {{basis: paid_minus_face, fee: {{percent: {percent}}}}}}}"))
    assert told(asked, "fee") == f"{fee} CNY"


def test_rates_are_rows_or_days() -> None:
    rows = "[{effective_from: 2025-05-20, rate: 3.00%}, {effective_from: 2026-06-01, rate: 2.90%}]"
    text = HEAD.replace("ORDER", "pro_rata").replace("BONUS", "never")
    found = cr.loads(text.replace("{2025-05-20: 3.00%, 2026-06-01: 2.90%}", rows))
    assert found == cr.loads(text)


# -- other countries, other forms ------------------------------------------------------------------------------------------------


def abroad(profile: str, currency: str, causes: str, rest: str = "") -> History:
    head = HEAD.replace("ORDER", "principal_first").replace("BONUS", "never").replace("CNY", currency)
    head = head.replace("policies:", f"law: {{profile: {profile}, confirmed_by: me, confirmed_on: 2026-01-01}}\npolicies:")
    found = cr.loads(f"{head}  - {{id: refund, kind: stored_value.refund, causes: {causes}{rest}}}\n")
    return history(found).on("2026-04-01").event("top_up", id="t1", amount="1000" if currency == "JPY" else "8.50")


def test_what_the_law_prohibits_is_declined_with_its_words() -> None:
    found = abroad("JP", "JPY", "{closure: {}}")
    asked = ask(found, cause="merchant", verdict="refused")
    assert asked.codes == ("stored_value.refund.prohibited",)
    assert "20" in told(asked, "article")


def test_a_statute_prevails_over_a_minimum() -> None:
    asked = ask(abroad("US-CA", "USD", "{cash_out: {basis: principal_remaining, below: 15.00}}", ", payout: {minimum: 10.00}"), cause="cash_out")
    assert told(asked, "refund") == "8.50 USD"
    assert "stored_value.refund.minimum_overridden" in asked.codes


YEAR = """
program: p
zone: Asia/Shanghai
currency: CNY
policies:
  - {id: year, kind: stored_value.account, form: period, length: 12 months}
  - {id: year-in, kind: stored_value.top_up, account: year}
  - {id: refund, kind: stored_value.refund, causes: {merchant: {}, cooling_off: {basis: paid_minus_list, within: 7 days}}, period_card: CARD}
"""


@pytest.mark.parametrize(
    ("card_terms", "fields", "refund"),
    [
        ("{by: month}", {}, "1400.00 CNY"),  # five months of twelve have begun by 6 May: 2400 x 7/12
        ("{own_absence: credited}", {"absent": 26}, "1742.47 CNY"),  # 126 - 26 = 100 of 365 days: 2400 x 265/365
        ("{own_absence: counts}", {"absent": 26}, "1571.51 CNY"),  # 126 of 365: 2400 x 239/365
        ("{own_absence: no_refund}", {"absent": 26}, "1571.51 CNY"),  # the same in the words of a contract
    ],
)
def test_a_card_for_a_period_goes_by_its_own_terms(card_terms: str, fields: dict[str, Any], refund: str) -> None:
    found = history(cr.loads(YEAR.replace("CARD", card_terms))).on("2026-01-01").event("top_up", id="t1", amount="2400.00", starts="2026-01-01")
    assert told(ask(found, **fields), "refund") == refund
    whole = ask(found, "2026-01-05", "cooling_off", id="at-once")
    assert told(whole, "refund") == "2400.00 CNY"  # asked back at once


def test_bonus_that_is_paid_out_leaves_as_bonus() -> None:
    part = pay(ask(card("causes: {merchant: {basis: face_remaining}}"), amount="1100.00"))
    assert left(part) == ("0.00 CNY", "100.00 CNY", "0.00 CNY")
    assert shares(part) == [("card", "600.00 CNY"), ("cash", "400.00 CNY"), ("other", "100.00 CNY")]  # no tender gets more than it paid
    rest = pay(ask(part, "2026-05-09", id="r2"), "2026-05-10", of="r2")
    assert told(rest, "refund") == "100.00 CNY"


def test_a_decision_on_a_stale_quote_is_refused() -> None:
    asked = spend(ask(card()), "60.00", "2026-05-07")
    assert asked.event("refund_decision", of="r1", approved=True, verdict="refused").codes == ("stored_value.refund.stale",)


def test_a_dispute_of_another_top_up_lets_nothing_go() -> None:
    found = card(FROZEN).on("2026-04-02").event("top_up", id="t2", tenders={"card": "500.00"})
    disputed = ask(found).on("2026-05-07").event("chargeback", of="t2")
    assert left(disputed) == ("0.00 CNY", "0.00 CNY", "1200.00 CNY")
    assert disputed.state.status("refund", "r1").value == "requested"


def test_a_reminder_may_come_a_length_after_the_request() -> None:
    text = "causes: {merchant: {basis: paid_minus_ratio}}\nprocess: {sla: 15 days, remind: [{at: 2 days, to: boss}], quote: 3 days}"
    asked = ask(card(text))
    assert told(asked, "holds_until") == "2026-05-09"
    days = [str(effect.day) for step in asked.day_end("2026-05-30").steps for effect in step.effects if isinstance(effect, cr.Touchpoint)]
    assert days == ["2026-05-08", "2026-05-22"]  # reminded; overdue on the day after 21 May
