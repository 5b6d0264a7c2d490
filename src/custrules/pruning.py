"""What a state lets go of as the days pass: nothing that could still be asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from custrules.calendars import local_day, start_of_day
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.top_ups import forget_top_ups


def prune(rules: Rulebook, state: State, day: date) -> None:
    """Let go of what has left the state by its dates: closed orders, old rows of tallies, ids that would be late; join like lots."""
    last = rules.returns.window.ended_before(day)
    closed = state.close_orders(last)
    closed += forget_top_ups(rules.returns, state, day) if state.top_ups else []
    for key, days in rules.retention.items():
        state.activity.forget(key, day - timedelta(days=days))
    late = start_of_day(day, rules.zone) - rules.late
    state.forget_seen(late)
    if rules.asks_kept:
        _forget_asks(rules, state, day)
    if rules.passing:
        state.forget_statuses(rules.passing, local_day(late, rules.zone))
    for name, policy_id in rules.of_orders.items():
        _forget_asks_of(policy_id, state, state.forget_statuses_of_orders(name, day))
    state.ledger.merge(lambda origin: not state.has_order(origin), day, [lot for order in closed for lot in order.lots()] if closed else ())


def _forget_asks_of(policy_id: str, state: State, orders: Iterable[str]) -> None:
    """Let go of the touchpoints that a policy asked for an order, which begin their cycle with its id."""
    for order in orders:
        for key in [key for key in state.touchpoints if key.startswith(f"{policy_id}:{order}:")]:
            del state.touchpoints[key]


def _forget_asks(rules: Rulebook, state: State, day: date) -> None:
    """Let go of touchpoints whose last day has long passed, where their policy cannot ask in that cycle again."""
    old = [
        key
        for key, asked in state.touchpoints.items()
        if asked.last_day is not None and asked.policy_id in rules.asks_kept and (day - asked.last_day).days > rules.asks_kept[asked.policy_id]
    ]
    for key in old:
        del state.touchpoints[key]
