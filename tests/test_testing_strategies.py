"""Generated histories and programs: they are read by their program, stand at its boundaries, and shrink."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import accumulate
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import custrules as cr
from custrules.events import AnyEvent
from custrules.testing import strategies
from custrules.testing.marks import clock_changes, marks_of
from custrules.testing.walks import walked

History = tuple[AnyEvent, ...]
PROGRAM = cr.loads("""
program: shop
zone: Europe/London
currency: GBP
late: 1 days
profile: {segment: {type: text, values: [staff, vip]}, born: {type: birthday}, income: {type: money}, note: {type: text}}
activities: {check_in: {steps: number, place: text}, flight: {quantity: km, abroad: flag, on_day: date}}
measures: {spend_12m: {sum: spend, window: 12 months}}
policies:
  - {id: tier, kind: tiers.ladder, downgrade: one_level, term: 1 month, levels: [{name: member}, {name: gold, enter: {spend_12m: ">= 437.50"}}]}
  - {id: points, kind: points.account, expiry: 1 month, effective_from: 2026-03-01}
  - {id: earn, kind: points.accrual, points_per_unit: 1}
  - {id: pay, kind: points.redemption, value: {points: 10, money: "1"}, minimum: 70}
""")
BARE = cr.Program(id="bare", zone="UTC", currency="JPY", policies=[])
PUNCTUAL = cr.Program(id="punctual", zone="UTC", currency="GBP", late="1 days", policies=[])
QUIET = settings(max_examples=600, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def some(condition: Callable[[History], bool], **options: Any) -> History:
    """A history that fits, as it was first drawn."""
    quick = settings(QUIET, phases=[Phase.generate])
    return find(strategies.histories(PROGRAM, **options), condition, settings=quick, random=Random(7))


def shortest(condition: Callable[[History], bool], **options: Any) -> History:
    return find(strategies.histories(PUNCTUAL, **options), condition, settings=QUIET, random=Random(7))


def verdicts(history: History, program: cr.Program = PROGRAM) -> list[tuple[str, str]]:
    return [(event.type, step.verdict) for event, (_, step) in zip(history, walked(program, history), strict=True)]


@given(strategies.histories(PROGRAM, customer_id=strategies.customers()))
def test_a_history_is_of_one_customer_in_order_and_read_by_its_program(history: History) -> None:
    assert {event.customer_id for event in history} == {history[0].customer_id}
    assert [event.occurred_at for event in history] == sorted(event.occurred_at for event in history)
    assert [program_event.to_json() for program_event in map(PROGRAM.event, history)] == [event.to_json() for event in history]
    assert len({event.id for event in history}) == len(history) <= 20


@given(strategies.histories(BARE))
def test_a_program_without_points_and_levels_has_histories_too(history: History) -> None:
    assert {event.type for event in history}.isdisjoint({"redemption", "adjustment", "tier_grant", "activity", "profile_update"})


@given(strategies.events(PROGRAM, kinds=["activity"]))
def test_one_event_may_be_drawn_alone(event: AnyEvent) -> None:
    assert isinstance(event, cr.Activity)


def test_late_events_come_only_where_they_are_asked_for() -> None:
    late = shortest(lambda history: any(verdict == "late" for _, verdict in verdicts(history, PUNCTUAL)), late=True)
    assert len(late) == 2
    assert timedelta(days=1) < late[0].occurred_at - late[1].occurred_at <= timedelta(days=4)


def test_an_amount_stands_at_a_threshold_and_a_penny_below() -> None:
    for wanted in (cr.Money("437.50 GBP"), cr.Money("437.49 GBP")):
        history = some(lambda history: wanted in [getattr(event, "amount", None) for event in history])  # noqa: B023 - it is called at once
        assert wanted in [getattr(event, "amount", None) for event in history]


def test_a_purchase_brings_exactly_what_is_missing_to_a_threshold() -> None:
    def reached(history: History) -> bool:
        totals = list(accumulate(event.amount.minor for event in history if isinstance(event, cr.Purchase)))
        return 43750 in totals[1:]

    assert reached(some(reached, kinds=["purchase"]))


def test_points_are_spent_to_the_last() -> None:
    def spent(history: History) -> bool:
        return any(
            step.accepted and event.type == "redemption" and step.state.points().available == 0
            for event, (_, step) in zip(history, walked(PROGRAM, history), strict=True)
        )

    assert spent(some(spent, kinds=["adjustment", "redemption"]))


def test_a_redemption_is_cancelled() -> None:
    kinds = ["adjustment", "redemption", "redemption_cancelled"]
    history = some(lambda history: ("redemption_cancelled", "accepted") in verdicts(history), kinds=kinds)
    assert {event.type for event in history} == set(kinds)


def test_an_event_comes_at_the_instant_at_which_something_is_due() -> None:
    def at_a_due(history: History) -> bool:
        steps = zip(history, walked(PROGRAM, history), strict=True)
        return any(before.as_of is not None and PROGRAM.next_due(before) == event.occurred_at for event, (before, _) in steps)

    assert at_a_due(some(at_a_due))


def test_histories_begin_where_the_program_does_and_before_clocks_change() -> None:
    starts = [str(day) for day in marks_of(PROGRAM).starts]
    assert {"2026-03-01", "2026-02-28", "2026-12-31", "2028-02-28", "2027-03-28", "2027-10-31"} <= set(starts)
    assert [str(day) for day in clock_changes(PROGRAM.zone, 2026)] == ["2026-03-29", "2026-10-25"]


def test_a_history_shrinks_to_what_matters() -> None:
    history = shortest(lambda history: ("return", "accepted") in verdicts(history, PUNCTUAL) and len(history) > 1)
    assert len(history) == 2
    assert history[0].occurred_at == history[1].occurred_at


def test_kinds_that_a_program_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="no events of type redemption here; it has visit, purchase"):
        strategies.histories(BARE, kinds=["redemption"])


@pytest.mark.parametrize("sizes", [(0, 5), (3, 2)])
def test_sizes_that_make_no_history_are_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least one event"):
        strategies.histories(BARE, min_size=sizes[0], max_size=sizes[1])


@given(st.data())
def test_programs_are_drawn_with_histories_of_their_own(data: st.DataObject) -> None:
    program = data.draw(strategies.programs())
    kinds = {policy.kind for policy in program.policies}
    assert kinds >= {"tiers.ladder", "points.account", "points.accrual", "points.redemption"}
    history = data.draw(strategies.histories(program, max_size=3))
    assert program.step(cr.State.new(history[0].customer_id), history[0]).verdict in ("accepted", "refused")
