"""Why, why not and by how much: an explanation is the step with what was compared."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

import custrules as cr
from custrules.explaining import Combined, Compared, Explained, Explanation
from custrules.facts import FactType
from custrules.shown import shown_value
from custrules.standings import Goal

DOCUMENT = """
program: shop
zone: Asia/Shanghai
currency: CNY
profile: {segment: {type: text, values: [staff, regular]}}
measures:
  spend_12m: {sum: spend, window: 12 months}
  orders_12m: {count: purchase, window: 12 months}
  idle: {since: purchase}
  half: {ratio: [spend_12m, orders_12m]}
policies:
  - id: levels
    kind: tiers.ladder
    exclude: [{when: {segment: staff}, reason: 员工不评级}]
    levels:
      - {name: member}
      - {name: silver, enter: {any: [{spend_12m: ">= 500"}, {orders_12m: ">= 15"}]}, keep: {spend_12m: ">= 300"}}
      - {name: gold, enter: {spend_12m: ">= 1500", idle: "<= 30"}}
    term: {length: 12 months, rounded_to: end_of_month}
    downgrade: one_level
  - {id: points, kind: points.account, expiry: 12 months}
  - {id: earn, kind: points.accrual, points_per_unit: 1}
  - {id: pay, kind: points.redemption, value: {points: 100, money: 1.00}, step: 100}
"""


@pytest.fixture(scope="module")
def program() -> cr.Program:
    return cr.loads(DOCUMENT)


def bought(program: cr.Program, *amounts: tuple[str, str]) -> cr.State:
    state = cr.State.new("c")
    for number, (day, amount) in enumerate(amounts):
        state = program.step(state, purchase(program, f"p{number}", day, amount)).state
    return state


def purchase(program: cr.Program, event_id: str, day: str, amount: str) -> cr.Event:
    return program.event({"type": "purchase", "id": event_id, "customer_id": "c", "occurred_at": f"{day}T12:00:00+08:00", "amount": amount})


def tree_of(explanation: Explanation, policy: str, rule: str) -> Compared | Combined:
    (found,) = (tested.tree for tested in own_entry(explanation, policy).tested if tested.rule == rule)
    return found


def own_entry(explanation: Explanation, policy: str) -> Explained:
    """What a policy said and tested about the event itself (time settled before it has entries of its own)."""
    (found,) = (entry for entry in explanation.entries if entry.policy_id == policy and not entry.event_id.startswith("day:"))
    return found


def test_an_explanation_holds_the_very_step(program: cr.Program) -> None:
    state = bought(program, ("2026-03-05", "320.50"))
    event = purchase(program, "x", "2026-03-06", "100.00")
    assert program.explain(state, event).step.to_json() == program.step(state, event).to_json()


def test_a_rule_that_failed_says_what_was_missing_to_the_cent(program: cr.Program) -> None:
    explanation = program.explain(bought(program, ("2026-03-05", "320.50")), purchase(program, "x", "2026-03-06", "100.00"))
    tree = tree_of(explanation, "levels", "levels[1].enter")
    # 320.50 + 100.00 = 420.50: 79.50 short of 500; 2 orders: 13 short of 15
    assert tree == Combined(
        "any",
        False,
        (
            Compared("spend_12m", ">= 500", cr.Money("420.50", "CNY"), False, cr.Money("79.50", "CNY")),
            Compared("orders_12m", ">= 15", 2, False, 13),
        ),
    )


def test_near_misses_are_the_failed_comparisons_of_rules_that_failed(program: cr.Program) -> None:
    explanation = program.explain(bought(program, ("2026-03-05", "320.50")), purchase(program, "x", "2026-03-06", "200.00"))
    # silver is reached by spend, so its 15 orders are no near miss; gold is short by 1500 - 520.50
    assert {(miss.rule, miss.compared.fact, miss.compared.gap) for miss in explanation.near_misses} == {
        ("levels[2].enter", "spend_12m", cr.Money("979.50", "CNY"))
    }


def test_a_policy_that_had_nothing_to_decide_still_says_what_it_tested(program: cr.Program) -> None:
    explanation = program.explain(bought(program, ("2026-03-05", "10.00")), purchase(program, "x", "2026-03-06", "10.00"))
    levels = own_entry(explanation, "levels")
    assert levels.outcome is None
    assert {tested.rule for tested in levels.tested} >= {"levels[1].enter", "levels[2].enter", "exclude[0].when"}


def test_a_refusal_is_explained_with_every_limit_that_failed(program: cr.Program) -> None:
    asked = program.event({"type": "redemption", "id": "r", "customer_id": "c", "occurred_at": "2026-03-06T12:00:00+08:00", "points": 9999})
    explanation = program.explain(bought(program, ("2026-03-05", "320.50")), asked)
    assert explanation.step.verdict == "refused"
    pay = own_entry(explanation, "pay")
    assert [why.code for why in pay.reasons] == ["points.redemption.insufficient", "points.redemption.not_a_step"]


def test_an_explanation_reads_in_both_languages(program: cr.Program) -> None:
    explanation = program.explain(bought(program, ("2026-03-05", "320.50")), purchase(program, "x", "2026-03-06", "100.00"))
    assert "missing: 79.50 CNY" in cr.render(explanation)
    assert "还差 79.50 CNY" in cr.render(explanation, "zh")
    assert b"79.50 CNY" in explanation.to_json()


def test_a_value_that_is_too_high_says_by_how_much(program: cr.Program) -> None:
    state = bought(program, ("2026-01-05", "600.00"))
    visit = program.event({"type": "visit", "id": "v", "customer_id": "c", "occurred_at": "2026-03-01T12:00:00+08:00"})
    tree = tree_of(program.explain(state, visit), "levels", "levels[2].enter")
    assert isinstance(tree, Combined)
    # 5 January to 1 March are 26 + 28 + 1 = 55 days: 25 more than the 30 that are allowed
    assert Compared("idle", "<= 30", 55, False, -25) in tree.children
    assert "idle is 55; asked for: <= 30; too much by 25" in cr.render(program.explain(state, visit))


def test_progress_tells_the_next_level_and_what_keeping_this_one_asks(program: cr.Program) -> None:
    progress = program.progress(bought(program, ("2026-03-05", "320.50"), ("2026-03-08", "200.00")))
    (ladder,) = progress.ladders
    assert (ladder.level, ladder.since, ladder.until) == ("silver", date(2026, 3, 8), date(2027, 3, 31))
    assert ladder.next is not None
    assert [(row.fact, row.gap) for row in ladder.next.missing] == [("spend_12m", cr.Money("979.50", "CNY"))]
    # the review looks at (31 March 2026, 31 March 2027]: nothing is counted there yet
    assert ladder.keep is not None
    assert (ladder.keep.by, [(row.observed, row.gap) for row in ladder.keep.missing]) == (
        date(2027, 3, 31),
        [(cr.Money("0.00", "CNY"), cr.Money("300.00", "CNY"))],
    )


def test_the_top_level_has_nothing_above_it(program: cr.Program) -> None:
    (ladder,) = program.progress(bought(program, ("2026-03-05", "2000.00"))).ladders
    assert (ladder.level, ladder.next) == ("gold", None)


def test_the_excluded_have_no_level_and_none_to_reach(program: cr.Program) -> None:
    update = program.event(
        {"type": "profile_update", "id": "u", "customer_id": "c", "occurred_at": "2026-03-05T12:00:00+08:00", "profile": {"segment": "staff"}}
    )
    state = program.step(cr.State.new("c"), update).state
    (ladder,) = program.progress(state).ladders
    assert (ladder.level, ladder.next, ladder.keep) == (None, None, None)
    assert ladder.why is not None
    assert cr.render(program.progress(state)).splitlines()[0] == f"levels: no level. Not rated: {ladder.why.params['why']}."


def test_a_new_state_has_no_progress_yet(program: cr.Program) -> None:
    assert program.progress(cr.State.new("c")).ladders == ()


def test_a_fraction_is_shown_as_it_is() -> None:
    assert shown_value(Fraction(1, 3), FactType("number"), "CNY") == "1/3"
    assert shown_value(Fraction(5, 4), FactType("number"), "CNY") == Decimal("1.25")
    assert shown_value(Fraction(2001, 2), FactType("money", scale=2), "CNY") == cr.Money("10.01", "CNY")  # 1000.5 cents, half up


def test_a_goal_that_is_met_says_so(program: cr.Program) -> None:
    state = bought(program, ("2026-03-05", "600.00"), ("2026-04-05", "350.00"))
    (ladder,) = program.progress(state).ladders
    assert isinstance(ladder.keep, Goal)
    assert ladder.keep.met  # 350.00 lies in the window of the review, 300 are asked for
    assert "Enough to keep silver" in cr.render(program.progress(state))


def test_of_marks_on_one_fact_only_the_nearest_is_a_near_miss(program: cr.Program) -> None:
    explanation = program.explain(bought(program, ("2026-03-05", "320.50")), purchase(program, "x", "2026-03-06", "100.00"))
    # 420.50 is 79.50 below silver and 1079.50 below gold
    assert {miss.compared.fact: miss.compared.gap for miss in explanation.near_misses} == {"spend_12m": cr.Money("79.50", "CNY"), "orders_12m": 13}
