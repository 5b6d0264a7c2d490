"""The check against brute force: on small programs, a finding is told exactly when trying everything finds it too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise, product
from typing import Any

import pytest
from conditions_examples import Still
from hypothesis import given
from hypothesis import strategies as st

import custrules as cr
from custrules.analysis.check.conditions import places
from custrules.analysis.check.findings import Findings
from custrules.calendars import Window
from custrules.conditions import Bound, Leaf, Node, evaluate
from custrules.facts import FactValue

HEAD: dict[str, Any] = {"program": "p", "zone": "Asia/Tokyo", "currency": "JPY", "defaults": {"effective_from": "2020-01-01"}}
MEASURES = {
    "spend": {"sum": "spend", "window": "90 days"},
    "orders": {"count": "purchase", "window": "90 days"},
    "recent": {"count": "purchase", "window": "30 days"},
}
PROFILE = {"segment": {"type": "text", "values": ["a", "b"]}, "vip": {"type": "flag"}}
POINTS = {"id": "points", "kind": "points.account", "expiry": "never"}

numbers = st.integers(0, 5)
signs = st.sampled_from([">=", ">", "<=", "<"])
number_cells = st.one_of(
    st.builds(lambda sign, number: f"{sign} {number}", signs, numbers),
    numbers.map(str),
    st.builds(lambda low, more: f"[{low}..{low + more}]", numbers, st.integers(0, 2)),
    st.builds(lambda low, high: f"not({low}, {high})", numbers, numbers),
    st.lists(numbers.map(str), min_size=2, max_size=3),
)
leaves = st.one_of(
    st.builds(lambda fact, cell: {fact: cell}, st.sampled_from(["spend", "orders", "recent"]), number_cells),
    st.sampled_from(["a", "b", "not(a)", "missing", ["a", "b"], "not(a, missing)"]).map(lambda cell: {"segment": cell}),
    st.sampled_from(["true", "false", "missing"]).map(lambda cell: {"vip": cell}),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=4,
)


NAMES = ("spend", "orders", "recent", "segment", "vip")
NUMBERS = (None, *range(8))


def customer(*values: FactValue | None) -> Still:
    return Still(dict(zip(NAMES, values, strict=True)))


EVERYTHING = [
    customer(spend, orders, recent, segment, vip)
    for spend, orders, recent, segment, vip in product((-1, *NUMBERS), NUMBERS, NUMBERS, (None, "a", "b"), (None, True, False))
    if orders is None or recent is None or recent <= orders
]


def holding(bound: Bound, among: Iterable[Still]) -> bool:
    return any(evaluate(bound, facts) for facts in among)


def findings_of(*levels: Mapping[str, Any], **more: Any) -> tuple[cr.Program, tuple[cr.Diagnostic, ...]]:
    ladder = {"id": "levels", "kind": "tiers.ladder", "levels": list(levels), "term": "12 months", "downgrade": "one_level", **more}
    data = HEAD | {"measures": MEASURES, "profile": PROFILE, "policies": [ladder]}
    program = cr.Program(**{("id" if name == "program" else name): value for name, value in data.items() if name != "defaults"})
    return program, cr.check(program)


@given(conditions)
def test_a_condition_never_holds_or_always_holds_exactly_when_no_facts_say_otherwise(condition: Any) -> None:
    program, _ = findings_of({"name": "base"}, {"name": "up", "enter": {"orders": ">= 1"}, "keep": condition})
    findings = Findings(program)
    place = next(place for place in places(findings) if place.path[-1] == "keep")
    space = findings.possible(place.scope)
    assert space.never(place.bound) == (not holding(place.bound, EVERYTHING))
    found = space.find(place.bound)
    assert found is None or evaluate(place.bound, Still({**customer(0, 0, 0, "a", True).facts, **found}))


@given(conditions)
def test_a_part_without_effect_can_be_left_out(condition: Any) -> None:
    """Whatever is told to change nothing is replaced by what never, or always, holds: one of the two says the same for all facts."""
    program, found = findings_of({"name": "base"}, {"name": "up", "enter": {"orders": ">= 1"}, "keep": condition})
    findings = Findings(program)
    place = next(place for place in places(findings) if place.path[-1] == "keep")
    told = [finding.path for finding in found if finding.code == "check.part_without_effect"]
    for path in told[:1]:
        said = [evaluate(place.bound, facts) for facts in EVERYTHING]
        same = [_without(place.bound, path.rpartition(".")[2], constant) for constant in (True, False)]
        assert any(said == [evaluate(bound, facts) for facts in EVERYTHING] for bounds in same for bound in bounds)


def _without(bound: Any, fact: str, constant: bool) -> list[Any]:
    """The condition with each one of the cells of a fact replaced by a constant."""
    instead = Node("all" if constant else "any", ())
    if isinstance(bound, Leaf):
        return [instead] if bound.fact == fact else []
    return [
        Node(bound.kind, (*bound.children[:index], changed, *bound.children[index + 1 :]))
        for index, child in enumerate(bound.children)
        for changed in _without(child, fact, constant)
    ]


# -- ladders -----------------------------------------------------------------------------------------------------------

asked = st.one_of(
    st.builds(lambda number: {"spend": f">= {number}"}, st.integers(1, 5)),
    st.builds(lambda number: {"orders": f">= {number}"}, st.integers(1, 5)),
    st.builds(lambda one, other: {"spend": f">= {one}", "orders": f">= {other}"}, st.integers(1, 5), st.integers(1, 5)),
    st.builds(lambda one, other: {"any": [{"spend": f">= {one}"}, {"orders": f">= {other}"}]}, st.integers(1, 5), st.integers(1, 5)),
    st.builds(lambda one, other: {"spend": [f">= {one}"], "all": [{"spend": f"< {other}"}]}, st.integers(1, 5), st.integers(1, 5)),
)
LIKELY = [
    facts
    for facts in EVERYTHING
    if None not in (facts.facts["spend"], facts.facts["orders"])
    and facts.facts["spend"] >= 0  # type: ignore[operator]  # numbers
    and (facts.facts["orders"] or not facts.facts["spend"])
]


@given(asked, asked, st.none() | asked)
def test_findings_of_a_ladder_are_those_that_trying_all_customers_finds(first: Any, second: Any, keep: Any) -> None:
    silver = {"name": "silver", "enter": first} | ({"keep": keep} if keep is not None else {})
    program, found = findings_of({"name": "base"}, silver, {"name": "gold", "enter": second})
    bounds = {place.path[-2:]: place.bound for place in places(Findings(program))}
    enter, higher, kept = bounds[1, "enter"], bounds[2, "enter"], bounds.get((1, "keep"))
    expected = set()
    reached = [holding(enter, EVERYTHING), holding(higher, EVERYTHING)]
    expected |= {f"level_unreachable {name}" for name, is_reached in zip(("silver", "gold"), reached, strict=True) if not is_reached}
    if all(reached):
        passed = all(evaluate(higher, facts) for facts in EVERYTHING if evaluate(enter, facts))
        skips = any(evaluate(higher, facts) and not evaluate(enter, facts) for facts in LIKELY)
        expected |= {"level_passed_over silver"} if passed else {"level_skips gold"} if skips else set()
    if kept is not None and reached[0] and holding(kept, EVERYTHING):
        stricter = all(evaluate(enter, facts) for facts in EVERYTHING if evaluate(kept, facts))
        fails = any(evaluate(enter, facts) and not evaluate(kept, facts) for facts in LIKELY)
        expected |= {"keep_stricter silver"} if stricter and fails else set()
    told = {f"{finding.code.removeprefix('check.')} {finding.params['level']}" for finding in found if "level" in finding.params}
    assert told == expected


# -- purchases ---------------------------------------------------------------------------------------------------------

MOST = 26  # yen; all limits lie under half of it
limits = st.integers(2, 9)
amounts = st.one_of(
    limits.map(lambda limit: f">= {limit}"), limits.map(lambda limit: f"< {limit}"), limits.map(lambda limit: f"[{limit}..{limit + 3}]")
)
rates = st.sampled_from(["0.1", "0.5", "1", "1.5", "1/3"])
accruals = st.fixed_dictionaries(
    {"points_per_unit": rates, "rounding": st.sampled_from(["floor", "ceil", "half_up", "half_even"])},
    optional={
        "multiply": st.lists(
            st.fixed_dictionaries({"by": st.sampled_from(["0.5", "2", "3"]), "when": st.builds(lambda cell: {"amount": cell}, amounts)}), max_size=2
        ),
        "bonuses": st.lists(
            st.fixed_dictionaries({"points": st.integers(1, 6).map(str), "when": st.builds(lambda cell: {"amount": cell}, amounts)}), max_size=2
        ),
        "caps": st.lists(
            st.fixed_dictionaries(
                {
                    "at_most": st.integers(1, 9).map(str),
                    "per": st.sampled_from(["event", "calendar month"]),
                    "over": st.sampled_from(["clip", "soft", "decline"]),
                }
            ),
            max_size=1,
        ),
        "when": st.builds(lambda cell: {"amount": cell}, amounts),
    },
)


def engine(accrual: Mapping[str, Any]) -> tuple[cr.Program, dict[int, cr.State]]:
    """The program of one accrual, and the state after one purchase of each small amount."""
    policy = {"id": "earn", "kind": "points.accrual", "combine": "product", **accrual}
    program = cr.Program(id="p", zone="Asia/Tokyo", currency="JPY", policies=[POINTS, policy])
    return program, {amount: bought(program, cr.State.new("c"), amount) for amount in range(1, MOST)}


def bought(program: cr.Program, state: cr.State, amount: int) -> cr.State:
    number = len(state.orders)
    event = {"type": "purchase", "id": f"o{number}-{amount}", "customer_id": "c", "occurred_at": "2026-03-10T12:00:00+09:00", "amount": str(amount)}
    return program.step(state, program.event(event)).state


def points(state: cr.State) -> int:
    return int(str(state.points().available))


def finding_of(program: cr.Program, *codes: str) -> Mapping[str, str] | None:
    return next((finding.params for finding in cr.check(program) if finding.code in codes), None)


@given(accruals)
def test_a_cliff_is_found_where_some_amount_earns_less_than_a_smaller_one_and_its_witness_is_one(accrual: Any) -> None:
    program, states = engine(accrual)
    given_for = [points(states[amount]) for amount in sorted(states)]
    found = finding_of(program, "check.cliff")
    if any(after < before for before, after in pairwise(given_for)):
        assert found is not None
    if found is not None:
        lower, higher = (points(bought(program, cr.State.new("c"), int(found[name]))) for name in ("amount", "more"))
        assert (int(found["amount"]) < int(found["more"]), lower, higher) == (True, int(found["gives"]), int(found["only"]))
        assert lower > higher


@given(accruals)
def test_splitting_is_found_where_two_purchases_earn_more_than_one_and_its_witness_is_one(accrual: Any) -> None:
    program, states = engine(accrual)
    found = finding_of(program, "check.splitting", "check.splitting_by_design", "check.splitting_by_rounding")
    if any(points(bought(program, states[one], other)) > points(states[one + other]) for one in range(1, MOST) for other in range(1, MOST - one)):
        assert found is not None
    if found is not None:
        first = bought(program, cr.State.new("c"), int(found["one"]))
        both = points(bought(program, first, int(found["other"])))
        whole = points(bought(program, cr.State.new("c"), int(found["one"]) + int(found["other"])))
        assert (both, whole) == (int(found["gives"]), int(found["only"]))
        assert both > whole


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_a_condition_too_hard_to_decide_is_given_up_and_the_rest_is_checked() -> None:
    """A condition and its opposite, over many facts, and a title without its translation."""
    facts = {f"f{number}": {"type": "whole"} for number in range(45)}
    clauses = [{"any": [{f"f{one}": ">= 5"}, {f"f{(one * 7 + 3) % 45}": "< 5"}, {f"f{(one * 11 + 5) % 45}": ">= 9"}]} for one in range(33)]
    levels = [{"name": "base", "title": {"en": "Base"}}, {"name": "up", "enter": {"all": clauses, "not": {"all": clauses}}}]
    ladder = {"id": "levels", "kind": "tiers.ladder", "downgrade": "one_level", "levels": levels}
    program = cr.Program(id="p", zone="UTC", currency="CNY", profile=facts, policies=[ladder])
    assert {"check.gave_up", "check.missing_translation"} <= {finding.code for finding in cr.check(program)}


def test_windows_are_laid_out_once_however_many_conditions_name_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ladder over sixty measures, twenty to a level: this once took a minute."""
    measures = {f"m{number}": {"sum": "spend", "window": f"{number + 1} days"} for number in range(60)}
    levels = [{"name": f"l{rank}", "enter": {f"m{rank * place % 60}": f">= {rank * 100 + place}" for place in range(20)}} for rank in range(1, 60)]
    ladder = {"id": "levels", "kind": "tiers.ladder", "downgrade": "one_level", "term": "12 months", "levels": [{"name": "base"}, *levels]}
    laid, bounds = Counter[str](), Window.bounds

    def counted(self: Window, day: date) -> Any:
        laid[str(self)] += 1
        return bounds(self, day)

    monkeypatch.setattr(Window, "bounds", counted)
    found = cr.check(cr.Program(id="p", zone="UTC", currency="CNY", measures=measures, policies=[ladder]))
    assert "check.gave_up" in {finding.code for finding in found}
    assert max(laid.values(), default=0) < 12_000
