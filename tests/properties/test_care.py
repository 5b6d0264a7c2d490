"""A plan asks for what asking each customer on each day asks for, whatever the occasion."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

import custrules as cr
from custrules.calendars import start_of_day
from properties.care_programs import CareCase, care_cases

END = date(2026, 6, 30)
Ask = tuple[str, str, date, date | None]
FEW = settings(max_examples=10)


def asked(step: cr.Step) -> list[Ask]:
    found = ((decision.policy_id, effect) for decision in step.decisions for effect in decision.effects if isinstance(effect, cr.Touchpoint))
    return [(policy, effect.cycle, effect.day, effect.last_day) for policy, effect in found]


def opened(program: cr.Program, state: cr.State, upto: date, found: list[Ask]) -> cr.State:
    """A NewDay for each day up to one."""
    while state.day is not None and state.day < upto:
        step = program.step(state, cr.NewDay(customer_id="c", day=state.day + timedelta(days=1)))
        state = step.state
        found += asked(step)
    return state


def lived(case: CareCase, daily: bool) -> tuple[cr.State, list[Ask]]:
    state, found = cr.State.new("c"), list[Ask]()
    for data in case.events:
        event = case.program.event(data)
        if daily:
            state = opened(case.program, state, event.occurred_at.astimezone(case.program.zone).date(), found)
        step = case.program.step(state, event)
        assert step.accepted, step.refusal
        state = step.state
        found += asked(step)
    if daily:
        return opened(case.program, state, END, found), found
    step = case.program.advance(state, to=start_of_day(END, case.program.zone))
    return step.state, [*found, *asked(step)]


@FEW
@given(care_cases())
def test_asking_on_every_day_asks_for_nothing_else_than_asking_when_something_is_due(case: CareCase) -> None:
    often, seldom = lived(case, daily=True), lived(case, daily=False)
    assert often[1] == seldom[1]
    assert often[0] == seldom[0]


@FEW
@given(care_cases(), st.booleans())
def test_a_plan_stands_for_asking_on_every_day(case: CareCase, index: bool) -> None:
    state = cr.State.new("c")
    for data in case.events:
        state = case.program.step(state, case.program.event(data)).state
    assert state.day is not None
    start, days = state.day + timedelta(days=1), 400
    found: list[Ask] = []
    opened(case.program, state, start + timedelta(days=days - 1), found)
    plan = cr.plan(case.program, cr.PlanIndex(case.program, [state]) if index else state, start, days=days)
    waiting = {(each.policy_id, each.cycle) for each in state.touchpoints.values() if each.reads(start) == "asked"}
    assert {(item.trigger, item.cycle) for item in plan} - waiting == {(policy, cycle) for policy, cycle, *_ in found}
    first = {(policy, cycle): day for policy, cycle, day, _ in reversed(found)}
    assert all(item.day >= first.get((item.trigger, item.cycle), start) for item in plan)


@FEW
@given(care_cases())
def test_a_cycle_is_asked_about_once_unless_it_was_not_sent(case: CareCase) -> None:
    state, found = lived(case, daily=False)
    taken = [(policy, cycle) for policy, cycle, *_ in found]
    unsent = any(data.get("outcome") == "not_sent" for data in case.events)
    assert unsent or len(taken) == len(set(taken))
    assert all(last is None or last >= day for _, _, day, last in found)
    assert cr.State.from_json(state.to_json()) == state
