"""A step costs the same after ten years as after one, and not much more beside ten thousand live lots."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import custrules as cr

from .rounds import Row, medians, show

END = datetime(2021, 1, 1, 2, 30, tzinfo=UTC)

PROGRAM = cr.Program(
    id="flat",
    zone="Asia/Shanghai",
    currency="CNY",
    returns={"window": "30 days"},
    measures={"spend": {"sum": "spend", "window": "3 months"}, "orders": {"count": "purchase", "window": "3 months"}},
    policies=[
        {"id": "points", "kind": "points.account", "expiry": "6 months"},
        {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
        {"id": "pay", "kind": "points.redemption", "value": {"points": 100, "money": "1.00"}},
        {
            "id": "level",
            "kind": "tiers.ladder",
            "levels": [{"name": "member"}, {"name": "silver", "enter": {"any": [{"spend": ">= 200"}, {"orders": ">= 5"}]}}],
            "term": "3 months",
            "downgrade": "one_level",
        },
    ],
)


def event(number: int, at: datetime, kind: str = "purchase") -> cr.Event:
    what = {"amount": "50.00"} if kind == "purchase" else {"points": "70"}
    return PROGRAM.event({"type": kind, "id": f"e{number:06}", "customer_id": "c-1", "occurred_at": at, **what})


def lived(years: int) -> cr.State:
    """A purchase every third day for so many years, up to one day."""
    state = cr.State.new("c-1")
    for number in range(years * 365 // 3, 0, -1):
        state = PROGRAM.step(state, event(number, END - timedelta(3) * number)).state
    return state


def with_lots(state: cr.State, count: int) -> cr.State:
    """The same customer with so many lots, each of a last day of its own and of an event long past."""
    data = json.loads(state.to_json())
    account = data["ledger"]["accounts"]["points"]
    (row, *_) = account["lots"]
    account["lots"] = [_row(row, number) for number in range(count)]
    return cr.State.from_json(json.dumps(data))


def _row(row: list[object], number: int) -> list[object]:
    last = (date(2031, 1, 1) + timedelta(number)).isoformat()
    return [f"old{number:06}/earn/0", row[1], f"old{number:06}", "2020-12-01", "2020-12-01", last, 50, row[7], 50]


def rows() -> list[Row]:
    one, ten = lived(1), lived(10)
    few, many = with_lots(one, 30), with_lots(one, 10_000)
    contestants: dict[str, Callable[[], object]] = {}
    for name, state in (("one", one), ("ten", ten), ("few", few), ("many", many)):
        assert state.as_of is not None
        bought, spent = event(999_998, state.as_of + timedelta(1)), event(999_999, state.as_of + timedelta(1), "redemption")
        assert PROGRAM.step(state, bought).accepted
        assert PROGRAM.step(state, spent).accepted
        contestants[f"{name} buys"] = _repeated(state, bought)
        contestants[f"{name} spends"] = _repeated(state, spent)
    seconds = medians(contestants, 9)
    found: list[Row] = []
    for what in ("buys", "spends"):
        each = seconds[f"one {what}"] / 50 * 1e6
        found += [
            (f"step ({what}) after ten years against one, live state equal", f"{seconds[f'ten {what}'] / seconds[f'one {what}']:.2f}", "<= 1.2"),
            (f"step ({what}) with 10,000 live lots against 30", f"{seconds[f'many {what}'] / seconds[f'few {what}']:.2f}", "<= 2.5"),
            (f"step ({what})", f"{each:.0f} us", ""),
        ]
    return found


def _repeated(state: cr.State, what: cr.Event) -> Callable[[], object]:
    def repeat() -> None:
        for _ in range(50):
            PROGRAM.step(state, what)

    return repeat


if __name__ == "__main__":
    show(rows())
