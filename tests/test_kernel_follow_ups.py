"""One step, sentence by sentence: what undoes an order, retired policies, what a state remembers, ids, misuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from kernel_toys import CUSTOMER, EARN, LADDER, PAY, POINTS, at, declines, heard, lived, postings, program, says, signed, stepped, toy

import custrules as cr
from custrules.decisions import joined
from custrules.policy import reason
from custrules.state_parts import TouchpointAsked

NEW, TODAY = cr.State.new(CUSTOMER), date(2026, 3, 1)
PLAIN = program(POINTS, EARN)

# -- follow-ups --------------------------------------------------------------------------------------------------------


BOUGHT = ("purchase", "2026-03-01", "p-1", {"amount": "100"})


def test_a_reversing_event_is_asked_earn_before_pay() -> None:
    rules = program(heard("d", phase="pay"), heard("e"), heard("f", phase="rank"), heard("g", phase="care"))
    step = stepped(rules, lived(rules, BOUGHT), "return", "2026-03-02", "b-1", of="p-1")
    assert [policy for policy, _ in signed(step)] == ["returns", "e", "d", "f", "g"]


def test_a_reversing_event_cannot_be_refused_once_it_is_known() -> None:
    rules = program(toy("no", lambda policy, event, view: declines(policy, event) if event.type == "return" else None, phase="pay"))
    step = stepped(rules, lived(rules, BOUGHT), "return", "2026-03-02", "b-1", of="p-1")
    assert (step.verdict, [decision.outcome for decision in step.decisions]) == ("accepted", ["APPLIED", "DECLINED"])


def test_a_shortfall_comes_before_the_points_that_go_back() -> None:
    rules = program(POINTS, EARN, PAY)
    state = lived(
        rules,
        ("purchase", "2026-03-01", "p-1", {"amount": "100"}),
        ("purchase", "2026-03-02", "p-2", {"tenders": [{"type": "points", "amount": "8", "quantity": "80"}, {"type": "cash", "amount": "30"}]}),
        ("redemption", "2026-03-03", "r-1", {"points": "50"}),
    )
    step = stepped(rules, state, "return", "2026-03-04", "b-1", of="p-2")
    assert postings(step) == [  # of the 30 earned none is left: they are owed, and settled out of the 80 that come back
        ("points.owed", "world.reversed", 30),
        ("world.spent", "points.owed", 30),
        ("world.spent", "points", 50),
    ]


def test_a_level_by_a_balance_is_lost_with_the_purchase_of_the_same_day() -> None:
    ladder = {**LADDER, "levels": [{"name": "member"}, {"name": "gold", "enter": {"any": [{"points": ">= 100"}]}}]}
    rules = program(POINTS, EARN, ladder)
    state = lived(rules, ("purchase", "2026-03-01", "p-1", {"amount": "100"}))
    reached = state.tier()
    assert reached is not None
    assert reached.name == "gold"
    back = stepped(rules, state, "return", "2026-03-01", "b-1", of="p-1").state.tier()
    assert back is not None
    assert back.name == "member"


def test_an_unknown_order_is_refused() -> None:
    step = stepped(PLAIN, lived(PLAIN, BOUGHT), "return", "2026-03-02", "b-1", of="p-9")
    assert (step.verdict, step.refusal, step.decisions) == ("refused", reason("event.unknown_order", of="p-9"), ())


@pytest.mark.parametrize(("day", "verdict"), [("2026-03-31", "accepted"), ("2026-04-01", "refused")])
def test_an_order_is_kept_for_its_window_whose_last_day_is_inclusive(day: str, verdict: str) -> None:
    rules = program(POINTS, EARN, returns={"window": "30 days"})
    step = stepped(rules, lived(rules, BOUGHT), "return", day, "b-1", of="p-1")
    assert (step.verdict, step.refusal and step.refusal.code) == (verdict, None if verdict == "accepted" else "event.unknown_order")


def test_more_than_is_left_is_refused() -> None:
    state = lived(PLAIN, BOUGHT, ("return", "2026-03-02", "b-1", {"of": "p-1", "amount": "60"}))
    step = stepped(PLAIN, state, "return", "2026-03-03", "b-2", of="p-1", amount="40.01")
    assert step.refusal is not None
    assert (step.refusal.code, step.refusal.params["left"]) == ("event.exceeds_order", cr.Money("40", "CNY"))


def test_a_redemption_is_cancelled_once() -> None:
    rules = program(POINTS, EARN, PAY)
    state = lived(rules, BOUGHT, ("redemption", "2026-03-02", "r-1", {"points": "10"}), ("redemption_cancelled", "2026-03-03", "x-1", {"of": "r-1"}))
    step = stepped(rules, state, "redemption_cancelled", "2026-03-03", "x-2", of="r-1")
    assert (state.points("points").available, step.refusal and step.refusal.code) == (100, "event.exceeds_order")


def test_an_order_remembers_all_that_expired_of_its_lots_piece_by_piece() -> None:
    rules = program({**POINTS, "expiry": "1 month"}, EARN, PAY)
    spent = [("redemption", f"2026-03-0{day}", f"r-{day}", {"points": str(10 * day)}) for day in (2, 3)]
    undone = [("redemption_cancelled", f"2026-04-1{day}", f"x-{day}", {"of": f"r-{day}"}) for day in (2, 3)]
    expired = [lived(rules, BOUGHT, *spent, *undone[:count]).orders["p-1"].expired for count in (1, 2)]
    assert expired == [{"p-1/earn/0": 70}, {"p-1/earn/0": 100}]  # 50 lapsed unspent, 20 and 30 as they came back


def test_a_return_corrects_the_day_of_the_purchase() -> None:
    rules = program(POINTS, LADDER)
    state = lived(rules, ("purchase", "2026-03-01", "p-1", {"amount": "60"}), ("return", "2026-03-20", "b-1", {"of": "p-1", "amount": "25"}))
    assert state.activity.tallies["sum:spend"].to_data()["rows"] == [date(2026, 3, 1).toordinal(), 3500]


def test_a_return_that_finds_no_order_counts_on_its_own_day() -> None:
    rules = program(POINTS, LADDER)
    state = lived(rules, ("return", "2026-03-20", "b-1", {"amount": "25"}))
    assert state.activity.tallies["sum:spend"].to_data()["rows"] == [date(2026, 3, 20).toordinal(), -2500]


def test_the_latest_value_is_that_of_the_latest_instant_whenever_it_came() -> None:
    seen: list[Any] = []
    eye = toy("eye", lambda policy, event, view: seen.append(view.value("last")), hears=("visit",))
    rules = program(eye, measures={"last": {"latest": "purchase.amount", "window": "lifetime"}})
    at_ten, at_nine = (("purchase", f"2026-03-01T{hour}:00", f"p-{hour}", {"amount": amount}) for hour, amount in (("10", "30"), ("09", "20")))
    visit: tuple[str, str, str, dict[str, Any]] = ("visit", "2026-03-02", "v-1", {})
    for events in ((at_ten, visit), (at_nine, visit), (at_nine, at_ten, visit), (at_ten, at_nine, visit)):
        lived(rules, *events)
    assert seen == [3000, 2000, 3000, 3000]


def test_a_return_that_finds_no_order_counts_where_its_lines_fit() -> None:
    measures = {
        "tea": {"sum": "spend", "window": "lifetime", "lines": {"sku": "tea"}},
        "big": {"sum": "spend", "window": "lifetime", "lines": {"quantity": ">= 2"}},
    }
    rules = program(toy("eye"), measures=measures)
    lines = [{"sku": "tea", "quantity": "1", "amount": "7"}, {"sku": "cup", "quantity": "2", "amount": "5"}]
    step = stepped(rules, NEW, "return", "2026-03-20", "b-1", lines=lines)
    rows = [tally.to_data()["rows"][1::2] for _, tally in sorted(step.state.activity.tallies.items())]
    assert sorted(rows) == [[-700], [-500]]


def test_what_a_cap_counted_is_taken_back_on_the_day_of_the_purchase() -> None:
    rules = program(POINTS, {**EARN, "caps": [{"at_most": 80, "per": "calendar day"}]})
    state = lived(rules, ("purchase", "2026-03-01", "p-1", {"amount": "60"}), ("return", "2026-03-02", "b-1", {"of": "p-1"}))
    again = stepped(rules, state, "purchase", "2026-03-01T13:00", "p-2", amount="80")
    today = stepped(rules, state, "purchase", "2026-03-02T13:00", "p-2", amount="100")
    assert [step.state.points("points").available for step in (again, today)] == [80, 80]


def test_a_follow_up_is_answered_by_the_version_of_the_order() -> None:
    rules = program(POINTS, EARN, {**EARN, "effective_from": date(2026, 3, 10), "points_per_unit": 7})
    step = stepped(rules, lived(rules, BOUGHT), "return", "2026-03-20", "b-1", of="p-1", amount="50")
    earn = next(decision for decision in step.decisions if decision.policy_id == "earn")
    assert (earn.effective_from, postings(step)) == (date(1900, 1, 1), [("points", "world.reversed", 50)])


def test_a_return_of_two_orders_is_one_decision_of_each_policy() -> None:
    matching = {"match": "same_sku_latest", "within": "90 days", "unmatched": "spend_only"}
    rules = program(POINTS, EARN, {**EARN, "effective_from": date(2026, 3, 10), "points_per_unit": 7}, returns={"matching": matching})
    line = {"sku": "a", "quantity": "1", "amount": "10"}
    state = lived(rules, ("purchase", "2026-03-01", "p-1", {"lines": [line]}), ("purchase", "2026-03-11", "p-2", {"lines": [line]}))
    step = stepped(rules, state, "return", "2026-03-20", "b-1", lines=[{"sku": "a", "quantity": "2", "amount": "20"}])
    [earn] = [decision for decision in step.decisions if decision.policy_id == "earn"]
    assert (earn.outcome, earn.effective_from, len(earn.reasons)) == ("APPLIED", date(2026, 3, 10), 2)
    assert sorted(posting[2] for posting in postings(step)) == [10, 70]
    assert [effect.id for effect in earn.effects] == ["c-1/b-1/earn/0", "c-1/b-1/earn/1"]


def split(step: cr.Step) -> dict[str, Any]:
    [why] = [why for decision in step.decisions for why in decision.reasons if why.code == "returns.tenders.split"]
    return {name: str(value) for name, value in why.params.items()}


def test_what_goes_back_to_tenders_is_told_of_each_return_by_the_rule_of_the_program() -> None:
    # 8.00 in points and 30.00 in cash: of 19.00, a half, 4.00 and 15.00 go back; of 9.50, a quarter, 2.00 and 7.50
    rules = program(POINTS, EARN, PAY, returns={"tenders": "pro_rata"})
    tenders = [{"type": "points", "amount": "8", "quantity": "80"}, {"type": "cash", "amount": "30"}]
    state = lived(rules, BOUGHT, ("purchase", "2026-03-02", "p-2", {"tenders": tenders}))
    first = stepped(rules, state, "return", "2026-03-03", "b-1", of="p-2", amount="19")
    second = stepped(rules, first.state, "return", "2026-03-04", "b-2", of="p-2", amount="9.50")
    assert split(first) == {"refund": "15.00 CNY", "points": "4.00 CNY"}
    assert split(second) == {"refund": "7.50 CNY", "points": "2.00 CNY"}


def test_what_goes_back_to_tenders_is_told_over_all_orders() -> None:
    rules = program(toy("eye"), returns={"matching": {"match": "same_sku_latest", "within": "90 days", "unmatched": "spend_only"}})
    tenders = [{"type": "coupon", "amount": "2"}, {"type": "cash", "amount": "8"}]
    bought = {"lines": [{"sku": "a", "quantity": "1", "amount": "10"}], "tenders": tenders}
    state = lived(rules, ("purchase", "2026-03-01", "p-1", bought), ("purchase", "2026-03-02", "p-2", bought))
    step = stepped(rules, state, "return", "2026-03-03", "b-1", lines=[{"sku": "a", "quantity": "2", "amount": "20"}])
    assert split(step) == {"refund": "16.00 CNY", "coupon": "4.00 CNY"}


def test_several_answers_of_a_policy_are_one_that_is_applied_when_any_is() -> None:
    policy, event = heard(), cr.Visit(id="v-1", customer_id=CUSTOMER, occurred_at=at("2026-03-01"))
    no, yes = declines(policy, event), replace(says(policy, event, cr.Status("flag", "x", TODAY)), effective_from=TODAY)
    assert joined([no]) is no
    assert joined([no, no]).outcome == "DECLINED"
    for answers in ([no, yes], [yes, no]):
        one = joined(answers)
        assert (one.outcome, one.effective_from, one.effects) == ("APPLIED", TODAY, yes.effects)
        assert one.reasons == tuple(why for answer in answers for why in answer.reasons)


def test_a_contact_that_was_asked_for_is_kept_with_its_days() -> None:
    asked = cr.Touchpoint("hello", "2026", TODAY, date(2026, 3, 9), "care", "sms")
    rules = program(toy("ask", lambda policy, event, view: says(policy, event, asked), phase="care"))
    kept = stepped(rules, NEW, "visit", "2026-03-01", "v-1").state.touchpoints
    assert kept == {"ask:2026": TouchpointAsked("ask", "2026", "care", "sms", TODAY, date(2026, 3, 9), template="hello")}


# -- retired policies --------------------------------------------------------------------------------------------------


def retiring(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return [policy, {**policy, "effective_from": date(2026, 3, 10), "retired": True}]


def test_a_retired_policy_in_pay_declines() -> None:
    rules = program(POINTS, EARN, *retiring(PAY))
    step = stepped(rules, lived(rules, BOUGHT), "redemption", "2026-03-10", "r-1", points="10")
    assert (step.verdict, step.refusal) == ("refused", reason("points.redemption.retired", policy="pay"))


def test_a_retired_policy_elsewhere_says_nothing() -> None:
    rules = program(POINTS, *retiring(EARN))
    step = stepped(rules, lived(rules, BOUGHT), "purchase", "2026-03-10", "p-2", amount="50")
    assert (step.accepted, signed(step), step.state.points("points").available) == (True, [], 100)


def test_follow_ups_of_a_retired_policy_go_on() -> None:
    rules = program(POINTS, *retiring(EARN))
    step = stepped(rules, lived(rules, BOUGHT), "return", "2026-03-20", "b-1", of="p-1")
    assert postings(step) == [("points", "world.reversed", 100)]


def test_time_goes_on_for_what_a_retired_policy_gave() -> None:
    rules = program(*retiring({**POINTS, "expiry": "1 month"}), EARN)
    step = rules.advance(lived(rules, BOUGHT), at("2026-04-02"))
    assert postings(step) == [("points", "world.expired", 100)]


def test_a_retired_ladder_gives_no_level_as_time_passes_and_reviews_those_it_gave() -> None:
    rules = program(*retiring(LADDER))
    newcomer = lived(rules, ("purchase", "2026-03-11", "p-1", {"amount": "500"}))
    assert rules.advance(newcomer, at("2026-12-01")).decisions == ()
    member = rules.advance(lived(rules, BOUGHT), at("2027-03-02")).state.tier()
    assert member == ("member", date(2027, 3, 2), None)


# -- what a state remembers of a customer ------------------------------------------------------------------------------


def test_joined_is_the_day_of_the_first_event_until_an_enrolment_says_otherwise() -> None:
    state = lived(PLAIN, ("visit", "2026-03-01", "v-1", {}), ("visit", "2026-03-04", "v-2", {}))
    assert state.joined == date(2026, 3, 1)
    assert stepped(PLAIN, state, "enrolment", "2026-03-05", "e-1").state.joined == date(2026, 3, 5)


def test_profile_fields_are_kept_changed_and_taken_away() -> None:
    rules = program(POINTS, profile={"city": {"type": "text"}, "name": {"type": "text"}})
    state = lived(rules, ("enrolment", "2026-03-01", "e-1", {"profile": {"city": "Oslo", "name": "Ada"}}))
    assert state.profile == {"city": "Oslo", "name": "Ada"}
    state = stepped(rules, state, "profile_update", "2026-03-02", "u-1", profile={"city": None, "name": "Bea"}).state
    assert state.profile == {"name": "Bea"}


def test_a_policy_reads_the_profile_that_the_event_brings() -> None:
    seen: list[Any] = []
    rules = program(toy("eye", lambda policy, event, view: seen.append(view.value("city"))), profile={"city": {"type": "text"}})
    stepped(rules, NEW, "profile_update", "2026-03-01", "u-1", profile={"city": "Oslo"})
    assert seen == ["Oslo"]


def test_consent_is_kept_by_channel() -> None:
    state = lived(PLAIN, ("consent_update", "2026-03-01", "k-1", {"consent": {"sms": "marketing", "email": "marketing"}}))
    state = stepped(PLAIN, state, "consent_update", "2026-03-02", "k-2", consent={"sms": "none"}, do_not_contact=True).state
    assert (state.consent, state.do_not_contact) == ({"sms": "none", "email": "marketing"}, True)


def test_a_state_is_of_the_program_that_made_it() -> None:
    state = lived(PLAIN, BOUGHT)
    assert (state.program, state.digest) == (PLAIN.id, PLAIN.digest)


def test_another_digest_is_welcome() -> None:
    state = lived(PLAIN, BOUGHT)
    other = program(POINTS, {**EARN, "points_per_unit": 2})
    assert stepped(other, state, "purchase", "2026-03-02", "p-2", amount="10").state.points("points").available == 120


def test_a_tally_that_a_changed_program_begins_reaches_back_no_further() -> None:
    rules = program(POINTS, LADDER)
    state = lived(program(POINTS, measures={}), BOUGHT)
    step = stepped(rules, state, "purchase", "2026-03-01T13:00", "p-2", amount="500")
    tier = step.state.tier()
    assert tier is not None
    assert tier.name == "member"  # the year before is not known, so no sum of it is


# -- the ids of effects ------------------------------------------------------------------------------------------------


def test_the_id_of_an_effect_names_customer_event_policy_and_number() -> None:
    rules = program(POINTS, EARN, LADDER)
    step = stepped(rules, NEW, "purchase", "2026-03-01", "p-1", amount="100")
    assert [effect.id for effect in step.effects] == ["c-1/p-1/earn/0", "c-1/p-1/tier/0"]


def test_a_return_that_matches_no_order_is_a_task_with_an_id_of_its_own() -> None:
    rules = program(POINTS, EARN, returns={"matching": {"match": "same_price_latest", "within": "90 days", "unmatched": "to_person"}})
    event = rules.event({"type": "return", "id": "b/1", "customer_id": "c/1", "occurred_at": at("2026-03-01"), "amount": "7"})
    (effect,) = rules.step(cr.State.new("c/1"), event).effects
    assert effect.id == "c%2F1/b%2F1/returns/0"


def test_a_slash_inside_a_part_of_an_id_is_escaped() -> None:
    rules = program(POINTS, EARN)
    event = rules.event({"type": "purchase", "id": "p/1%", "customer_id": "c/1", "occurred_at": at("2026-03-01"), "amount": "1"})
    (effect,) = rules.step(cr.State.new("c/1"), event).effects
    assert effect.id == "c%2F1/p%2F1%25/earn/0"


# -- misuse ------------------------------------------------------------------------------------------------------------


def test_the_state_of_another_program_is_refused() -> None:
    other = cr.Program(id="other", zone="UTC", currency="CNY", policies=[POINTS])
    with pytest.raises(cr.StateError) as caught:
        other.step(lived(PLAIN, BOUGHT), cr.Visit(id="v-1", customer_id=CUSTOMER, occurred_at=at("2026-03-02")))
    assert caught.value.diagnostics[0].code == "state.other_program"


def test_the_event_of_another_customer_is_refused() -> None:
    with pytest.raises(cr.StateError) as caught:
        PLAIN.step(NEW, cr.Visit(id="v-1", customer_id="c-2", occurred_at=at("2026-03-02")))
    assert caught.value.diagnostics[0].code == "state.other_customer"


@pytest.mark.parametrize("ask", [PLAIN.next_due, lambda state: PLAIN.advance(state, at("2026-03-02"))])
def test_what_is_no_state_is_refused(ask: Any) -> None:
    with pytest.raises(cr.StateError, match=r"state\.not_a_state"):
        ask("c-1")
