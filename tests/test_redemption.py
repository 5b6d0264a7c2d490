"""Redemption, sentence by sentence: what its document may say, limits at their edges, holds at theirs, and what is told."""

from __future__ import annotations

import pickle
from datetime import datetime
from typing import Any

import pytest

import custrules as cr
from custrules.policies.points import Redemption
from custrules.testing import check_policy, history
from custrules.views import Days, StepView

LADDER = """
  - id: tier
    kind: tiers.ladder
    levels: [{name: basic}, {name: silver, enter: {spent: ">= 100"}}]
    term: none
    downgrade: one_level
"""
HEAD = f"""
program: p
zone: UTC
currency: CNY
measures: {{spent: {{sum: spend, window: lifetime}}}}
policies:{LADDER}
  - {{id: points, kind: points.account, expiry: 12 months}}
  - {{id: stars, kind: points.account, expiry: never, unit: stars, scale: 1}}
"""
VALUE = "value: {points: 100, money: 1.00}"


def loaded(*fields: str) -> cr.Program:
    """A program with a redemption for each text of fields."""
    rows = [f"  - id: pay{number or ''}\n    kind: points.redemption\n    {text}\n" for number, text in enumerate(fields)]
    return cr.loads(HEAD + "".join(rows))


def faults(*fields: str) -> list[str]:
    with pytest.raises(cr.DocumentError) as caught:
        loaded(*fields)
    return [f"{fault.code} {fault.path.partition('].')[2]}".strip() for fault in caught.value.diagnostics]


def with_points(program: cr.Program, points: int = 1000) -> Any:
    return history(program).on("2026-03-01").adjustment(points)


def refusal_of(told: Any) -> str:
    """The code for which the last event was refused."""
    return str(told.last.refusal.code)


def codes(told: Any) -> list[str]:
    return [why.code for decision in told.steps[-1].decisions for why in decision.reasons]


# -- the document ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("when: {tier: silver}", "document.missing_field"),
        ("rewards: [{name: mug, points: 5}]\n    minimum: 5", "document.not_with minimum"),
        ("rewards: [{name: mug, points: 5}]\n    hold: {length: 1 day}", "document.not_with hold"),
        ("rewards: [{name: mug, points: 0}]", "document.wrong_type rewards[0].points"),
        ("rewards: [{name: mug, points: 2.5}]", "document.too_fine rewards[0].points"),
        ("rewards: [{name: mug, points: {basic: 2.5}}]", "document.too_fine rewards[0].points.basic"),
        ("rewards: [{name: mug, points: {}}]", "document.wrong_type rewards[0].points"),
        ("rewards: [{name: mug, points: {gold: 5}}]", "document.unknown_level rewards[0].points.gold"),
        ("rewards: [{name: mug, points: 5, money: 0.001}]", "document.bad_money rewards[0].money"),
        ("rewards: [{name: mug, points: 5}, {name: mug, points: 6}]", "document.name_taken rewards[1].name"),
        ("rewards: [{name: mug, points: 5, first_day: 2026-02-01, last_day: 2026-01-31}]", "document.wrong_type rewards[0].last_day"),
        ("rewards: [{name: mug, points: 5, limits: [{money: 5, per: lifetime}]}]", "document.not_with rewards[0].limits[0].money"),
        (f"{VALUE}\n    limits: [{{quantity: 5, per: lifetime}}]", "document.not_with limits[0].quantity"),
        (f"{VALUE}\n    limits: [{{at_most: 5, times: 1, per: lifetime}}]", "document.one_limit limits[0]"),
        (f"{VALUE}\n    limits: [{{per: lifetime}}]", "document.one_limit limits[0]"),
        (f"{VALUE}\n    limits: [{{at_most: 5}}]", "document.missing_field limits[0].per"),
        (f"{VALUE}\n    limits: [{{at_most: 5, per: sometimes}}]", "document.wrong_type limits[0].per"),
        (f"{VALUE}\n    limits: [{{at_most: -5, per: event}}]", "document.wrong_type limits[0].at_most"),
        (f"{VALUE}\n    limits: [{{times: 1.5, per: event}}]", "document.wrong_type limits[0].times"),
        (f"{VALUE}\n    limits: [{{times: {{gold: 1}}, per: event}}]", "document.unknown_level limits[0].times.gold"),
        (f"{VALUE}\n    maximum: {{gold: 1}}", "document.unknown_level maximum.gold"),
        (f"{VALUE}\n    max_share: {{basic: 120%}}", "document.wrong_type max_share"),
        (f"{VALUE}\n    hold: {{length: 0 minutes}}", "document.wrong_type hold.length"),
        (f"{VALUE}\n    hold: {{length: soon}}", "document.wrong_type hold.length"),
        (f"{VALUE}\n    over: soft", "document.unknown_choice over"),
        (f"{VALUE}\n    on_return: never", "document.unknown_choice on_return"),
        ("value: {points: 100, money: {gold: 1.00}}", "document.unknown_level value.money.gold"),
        ("value: {points: 100, money: {basic: 0.001}}", "document.bad_money value.money.basic"),
    ],
)
def test_a_mistake_in_a_redemption_is_told_with_its_place(fields: str, expected: str) -> None:
    assert faults(fields) == [expected]


def test_a_limit_of_no_measure_is_the_only_fault_told_of_it() -> None:
    assert faults(f"{VALUE}\n    limits: [{{per: event}}, {{times: 1, per: event}}]") == ["document.one_limit limits[0]"]


def test_two_policies_cannot_sell_the_same_reward() -> None:
    assert faults("rewards: [{name: mug, points: 5}]", "rewards: [{name: cup, points: 5}, {name: mug, points: 6}]") == ["document.two_servers kind"]


def test_money_off_and_rewards_may_stand_in_two_policies() -> None:
    program = loaded(VALUE, "rewards: [{name: mug, points: 5}]")
    assert codes(with_points(program).redemption(reward="mug")) == ["points.redemption.reward"]
    assert codes(with_points(program).redemption(100)) == ["points.redemption.paid"]


EVERYTHING = """value: {points: 100, money: {basic: 1.00, silver: 1.20}}
    minimum: 10
    maximum: {basic: 500, silver: 1000}
    step: 10
    max_share: {basic: 50%, silver: 1/3}
    over: clip
    with_coupon: false
    on_return: full_return_only
    hold: {length: 90 minutes}
    limits: [{at_most: {silver: 1000}, per: 30 days}, {money: 50.00, per: calendar week}, {times: 3, per: lifetime}]
    rewards:
      - {name: mug, title: {en: Mug, zh: 马克杯}, points: {basic: 50, silver: 40}, money: 1.50, when: {channel: app},
         first_day: 2026-01-01, last_day: 2026-12-31, limits: [{quantity: 2, per: event}]}
"""


def test_a_redemption_with_everything_is_written_back_as_it_was_read() -> None:
    program = loaded(EVERYTHING)
    again = cr.Program.from_json(program.to_json())
    assert again.to_json() == program.to_json()
    assert pickle.loads(pickle.dumps(program)).policies == program.policies == again.policies


def test_a_redemption_with_everything_keeps_the_contract() -> None:
    program = loaded(EVERYTHING)
    check_policy(program.policies[-1], program=program, examples=10, skip=("descriptions",))


# -- money off ---------------------------------------------------------------------------------------------------------


def test_a_level_below_the_first_that_is_named_has_nothing() -> None:
    program = loaded("value: {points: 100, money: {silver: 1.00}}")
    refused = with_points(program).redemption(100, verdict="refused")
    assert refused.steps[-1].refusal == cr.Reason("points.redemption.worth_nothing", {"asked": 100, "most": 0, "account": "points"})
    assert codes(with_points(program).purchase("100").redemption(100)) == ["points.redemption.paid"]


@pytest.mark.parametrize(("points", "told"), [(500, "points.redemption.paid"), (501, "points.redemption.above_maximum")])
def test_the_maximum_is_that_of_the_level(points: int, told: str) -> None:
    program = loaded(f"{VALUE}\n    maximum: {{basic: 500, silver: 800}}")
    assert codes(with_points(program).redemption(points, verdict=None)) == [told]


def test_a_clipped_redemption_is_cancelled_whole() -> None:
    spent = with_points(loaded(f"{VALUE}\n    over: clip\n    maximum: 300")).redemption(900)
    assert spent.state.points().available == 700
    assert spent.redemption_cancelled().state.points().available == 1000


def test_a_limit_counts_what_tenders_spend_until_they_are_returned() -> None:
    program = loaded(f"{VALUE}\n    limits: [{{at_most: 500, per: calendar month}}]")
    bought = with_points(program).purchase("10", id="o", tenders={"points": {"quantity": 400, "amount": "4"}, "cash": "6"})
    refused = bought.redemption(101, verdict="refused")
    assert dict(refused.steps[-1].refusal.params) == {
        "at_most": 500,
        "used": 400,
        "per": "calendar month",
        "asked": 101,
        "most": 100,
        "account": "points",
    }
    half = bought.return_("o", amount="8")  # 6.00 in cash, then 2.00 of the points: 200 come back
    assert codes(half.redemption(300)) == ["points.redemption.paid"]
    assert codes(half.redemption(301, verdict="refused")) == ["points.redemption.over_limit"]


def test_a_late_redemption_counts_in_the_window_of_its_own_day() -> None:
    program = loaded(f"{VALUE}\n    limits: [{{at_most: 500, per: 2 days}}]")
    spent = with_points(program).on("2026-03-03").redemption(400)
    late = spent.event("redemption", points=200, occurred_at="2026-03-02T12:00:00Z", verdict=None)
    assert codes(late) == ["points.redemption.over_limit"]  # 2 and 3 March are one window of two days


def test_limits_are_of_the_customer_as_far_as_the_state_remembers() -> None:
    before, limited = loaded(VALUE), loaded(f"{VALUE}\n    limits: [{{times: 1, per: lifetime}}]")
    state = with_points(before).redemption(100).state
    assert [gap.name for gap in limited.gaps(state)] == ["used:pay.times"]
    once = limited.step(
        state, limited.event({"type": "redemption", "id": "n", "customer_id": "c-1", "occurred_at": "2026-03-02T12:00:00Z", "points": 100})
    )
    assert once.accepted


# -- rewards -----------------------------------------------------------------------------------------------------------


def test_a_reward_of_another_account_names_it() -> None:
    program = loaded("account: stars\n    rewards: [{name: mug, points: 0.5}]")
    rich = history(program).on("2026-03-01").adjustment("1", "stars")
    assert rich.redemption(reward="mug", account="stars").state.points("stars").available == 0.5
    assert rich.redemption(reward="mug", quantity=2, account="stars").state.points("stars").available == 0
    assert rich.redemption(reward="mug", verdict="refused").steps[-1].refusal == cr.Reason("event.unserved", {"what": "redemption"})


def test_offers_tell_what_every_reward_is_to_the_customer() -> None:
    program = loaded("rewards: [{name: mug, points: 400, money: 2.00}, {name: bag, points: 1200}, {name: lounge, points: {silver: 10}}]")
    state = with_points(program).state
    [pay] = [policy for policy in program.policies if isinstance(policy, Redemption)]
    mug, bag, lounge = pay.offers(StepView(program.rulebook, state, None, Days(state.day, state.day, state.as_of), pay))
    assert (mug.points, mug.money, mug.missing, mug.redeemable) == (400, cr.Money("2.00", "CNY"), 0, True)
    assert (bag.missing, bag.affordable, [why.code for why in bag.reasons]) == (200, False, ["points.redemption.insufficient"])
    assert (lounge.redeemable, [why.code for why in lounge.reasons]) == (False, ["points.redemption.not_for_level"])


def test_a_redemption_without_points_names_a_reward() -> None:
    program = loaded(VALUE)
    for fields, code in (({}, "event.redemption_of_nothing"), ({"points": 5, "quantity": 2}, "event.quantity_without_reward")):
        with pytest.raises(cr.EventError) as caught:
            program.event({"type": "redemption", "id": "r", "customer_id": "c-1", "occurred_at": "2026-03-01T00:00:00Z", **fields})
        assert [fault.code for fault in caught.value.diagnostics] == [code]


# -- holds -------------------------------------------------------------------------------------------------------------

HELD = f"{VALUE}\n    hold: {{length: 1 day}}"


def test_a_hold_runs_out_after_it_began() -> None:
    with pytest.raises(cr.EventError) as caught:
        with_points(loaded(HELD)).hold(10, until="2026-03-01T12:00:00Z")
    assert [fault.code for fault in caught.value.diagnostics] == ["event.hold_ends_too_early"]


def test_the_event_says_until_when_before_the_policy_does() -> None:
    program = loaded(HELD)
    held = with_points(program).hold(10, until="2026-03-01T13:00:00Z")
    assert program.next_due(held.state) == datetime.fromisoformat("2026-03-01T13:00:00Z")
    assert program.next_due(with_points(program).hold(10).state) == datetime.fromisoformat("2026-03-02T12:00:00Z")


def test_a_hold_without_end_stands_beyond_the_window_of_returns() -> None:
    held = with_points(loaded(VALUE)).hold(10, id="h").advance("2027-03-02")  # 366 days later
    held = held.adjustment(5).advance("2027-06-01")
    assert held.state.points().held == 10
    assert codes(held.capture()) == ["points.redemption.paid"]


def test_a_resolved_hold_is_forgotten_with_the_window_of_returns() -> None:
    gone = with_points(loaded(HELD)).hold(10, id="h").void()
    assert gone.on("2027-03-03").void(verdict="refused").steps[-1].refusal == cr.Reason("event.unknown_order", {"of": "h"})


def test_holds_that_run_out_at_one_instant_are_told_in_one_decision() -> None:
    program = loaded(HELD)
    held = with_points(program).hold(10, id="a").hold(20, id="b").advance("2026-03-02T12:00")
    [decision] = held.steps[-1].decisions
    assert [(why.code, why.params["hold"]) for why in decision.reasons] == [("points.hold.run_out", "a"), ("points.hold.run_out", "b")]
    assert len({effect.id for effect in decision.effects}) == 2
    assert held.state.points().available == 1000


def test_a_hold_is_answered_by_the_version_under_which_it_began() -> None:
    dearer = "  - {id: pay, kind: points.redemption, effective_from: 2026-03-05, value: {points: 100, money: 2.00}}\n"
    program = cr.loads(HEAD + f"  - id: pay\n    kind: points.redemption\n    {VALUE}\n" + dearer)
    taken = with_points(program).hold(100).on("2026-03-06").capture()
    assert taken.steps[-1].decisions[0].reasons[0].params["money"] == cr.Money("1.00", "CNY")


def test_a_retired_policy_still_captures_what_it_held() -> None:
    program = cr.loads(
        HEAD + f"  - id: pay\n    kind: points.redemption\n    {VALUE}\n  - id: pay\n    kind: points.redemption\n"
        f"    effective_from: 2026-03-05\n    retired: true\n    {VALUE}\n"
    )
    held = with_points(program).hold(100).on("2026-03-06")
    assert codes(held.hold(10, verdict="refused")) == ["points.redemption.retired"]
    assert codes(held.capture()) == ["points.redemption.paid"]


def test_two_holds_share_a_lot_and_give_back_each_its_own_part() -> None:
    both = with_points(loaded(HELD)).hold(300, id="a").hold(500, id="b")
    first = both.void("a")
    assert (first.state.points().available, first.state.points().held) == (500, 500)
    assert first.capture(200, "b").state.points().available == 800


def test_a_state_with_holds_goes_through_json() -> None:
    held = with_points(loaded(HELD)).hold(300)
    again = cr.State.from_json(held.state.to_json())
    assert again == held.state
    assert held.program.next_due(again) == held.program.next_due(held.state)


def test_a_hold_of_an_account_that_nobody_serves_is_refused() -> None:
    rich = history(loaded(VALUE)).on("2026-03-01").adjustment("1", "stars")
    assert rich.hold("0.5", account="stars", verdict="refused").steps[-1].refusal == cr.Reason("event.unserved", {"what": "hold"})


def test_a_quantity_finer_than_the_account_is_told_for_holds_too() -> None:
    with pytest.raises(cr.EventError) as caught:
        with_points(loaded(VALUE)).hold("0.5")
    assert [fault.code for fault in caught.value.diagnostics] == ["event.too_many_decimals"]


def test_a_withdrawn_capture_leaves_the_hold_to_run_out() -> None:
    program = loaded(HELD)
    taken = with_points(program).hold(300, id="h").event("capture", of="h", id="x")
    answer = program.restate(cr.State.new("c-1"), taken.events, withdraw="x")
    assert answer.state.points().held == 300
    assert answer.deltas == {"points.held": 300}
    assert program.advance(answer.state, datetime.fromisoformat("2026-03-02T12:00:00Z")).state.points().available == 1000


# -- cancelled in part, and out of which account ---------------------------------------------------------------------------


def test_points_are_cancelled_in_the_smallest_unit_of_their_account() -> None:
    spent = history(loaded(f"{VALUE}, account: stars".replace(", account", "\n    account"))).on("2026-03-01")
    spent = spent.adjustment(10, "stars").event("redemption", id="r", points="5.5", account="stars")
    assert refusal_of(spent.event("redemption_cancelled", of="r", points="0.25", verdict="refused")) == "event.too_many_decimals"
    assert spent.event("redemption_cancelled", of="r", points="0.5").state.points("stars").available == 5


@pytest.mark.parametrize(
    ("part", "code"),
    [({"points": 1, "quantity": 1}, "event.cancelled_of_both"), ({"quantity": 0}, "event.cancelled_nothing")],
)
def test_a_part_that_makes_no_sense_is_no_event(part: dict[str, Any], code: str) -> None:
    spent = with_points(loaded(VALUE)).redemption(300, id="r")
    with pytest.raises(cr.EventError, match=code):
        spent.event("redemption_cancelled", of="r", **part)


def test_a_redemption_of_points_is_not_cancelled_by_pieces() -> None:
    spent = with_points(loaded(VALUE)).redemption(300, id="r")
    assert refusal_of(spent.event("redemption_cancelled", of="r", quantity=1, verdict="refused")) == "event.cancelled_otherwise"


def test_captured_points_are_cancelled_in_part() -> None:
    held = with_points(loaded(VALUE)).event("hold", id="h", points=300).event("capture", of="h", points=200)
    assert held.event("redemption_cancelled", of="h", points=50).state.points().available == 850  # 1000 - 200 + 50
    assert refusal_of(held.event("redemption_cancelled", of="h", points=201, verdict="refused")) == "event.exceeds_order"


def test_money_off_that_is_undone_in_parts_is_undone_whole() -> None:
    program = loaded(VALUE)
    events = [*with_points(program, 999).redemption(333, id="r").events]
    at = {"customer_id": events[0].customer_id, "occurred_at": "2026-03-02T00:00:00Z", "type": "redemption_cancelled", "of": "r"}
    parts: list[dict[str, Any]] = [{"id": "a", "points": 100}, {"id": "b", "points": 100}, {"id": "c"}]
    told = cr.compare(program, program, [*events, *(program.event({**at, **part}) for part in parts)])
    assert told.total.money["money_off_undone"].base == told.total.money["money_off"].base == cr.Money("3.33", "CNY")
