"""State A: 365 purchases a year for two years, points that live 24 months to the end of a month. Its size, and what its codec costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import custrules as cr

from .rounds import Row, medians, show

START = datetime(2024, 1, 1, 2, 30, tzinfo=UTC)
DAYS = 730

PROGRAM = cr.Program(
    id="state-a",
    zone="Asia/Shanghai",
    currency="CNY",
    returns={"window": "30 days"},
    measures={"spend_12m": {"sum": "spend", "window": "12 months"}, "orders_12m": {"count": "purchase", "window": "12 months"}},
    policies=[
        {"id": "points", "kind": "points.account", "expiry": {"length": "24 months", "rounded_to": "end_of_month"}},
        {"id": "earn", "kind": "points.accrual", "points_per_unit": {"member": 1, "silver": "1.2", "gold": "1.5"}},
        {"id": "pay", "kind": "points.redemption", "value": {"points": 100, "money": "1.00"}},
        {
            "id": "level",
            "kind": "tiers.ladder",
            "levels": [
                {"name": "member"},
                {"name": "silver", "enter": {"any": [{"spend_12m": ">= 2000"}, {"orders_12m": ">= 20"}]}},
                {"name": "gold", "enter": {"any": [{"spend_12m": ">= 8000"}, {"orders_12m": ">= 100"}]}},
            ],
            "term": "12 months",
            "downgrade": "one_level",
        },
    ],
)


def purchase(number: int) -> dict[str, object]:
    amount = f"{20 + number * 37 % 180}.{number * 13 % 100:02}"
    return {
        "type": "purchase",
        "id": f"order-{20240000 + number}",
        "customer_id": "customer-1",
        "occurred_at": START + timedelta(number),
        "amount": amount,
    }


def state_a(days: int = DAYS) -> cr.State:
    state = cr.State.new("customer-1")
    for number in range(days):
        step = PROGRAM.step(state, PROGRAM.event(purchase(number)))
        assert step.accepted
        state = step.state
    return state


def rows() -> list[Row]:
    state = state_a()
    text = state.to_json()
    event = PROGRAM.event(purchase(DAYS))
    assert cr.State.from_json(text).to_json() == text

    def whole() -> None:
        step = PROGRAM.step(cr.State.from_json(text), event)
        PROGRAM.next_due(step.state)
        step.state.to_json()

    def plain() -> None:
        json.dumps(json.loads(text))

    parts = {
        "from_json": lambda: cr.State.from_json(text),
        "step": lambda: PROGRAM.step(state, event),
        "next_due": lambda: PROGRAM.next_due(state),
        "to_json": state.to_json,
    }
    repeated = {name: _times(20, run) for name, run in {"plain": plain, "whole": whole, **parts}.items()}
    seconds = medians(repeated, 9)
    told = [(f"State A: {name}, against json.loads and dumps", f"{seconds[name] / seconds['plain']:.2f}", "") for name in parts]
    return [
        ("State A as JSON", f"{len(text) / 1024:.1f} KB", "<= 32 KB"),
        ("State A: from_json, step, next_due, to_json, against json.loads and dumps", f"{seconds['whole'] / seconds['plain']:.2f}", "<= 3"),
        ("State A: json.loads and dumps", f"{seconds['plain'] / 20 * 1e6:.0f} us", ""),
        *told,
    ]


def _times(count: int, run: Callable[[], object]) -> Callable[[], None]:
    def repeat() -> None:
        for _ in range(count):
            run()

    return repeat


if __name__ == "__main__":
    show(rows())
