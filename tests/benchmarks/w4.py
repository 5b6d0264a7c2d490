"""W4, a ledger of points: lots of 12 months' life, redeemed soonest expiry first or refused, clawed back by returns.

``python -m tests.benchmarks.w4`` (``--full``: a million customers). What the library answers with movements and reasons is
held against two programs written by hand for this task alone: a loop over integers that keeps balances only, and plain
objects with Decimals and dates. All three must come to the same balances, debts and refusals.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

import custrules as cr
from custrules.events import AnyEvent

from .rounds import Row, medians, show

EARN, REDEEM, RETURN = 0, 1, 2
START = date(2023, 1, 1)
EVENTS = 20
CUSTOMERS, FULL = 2_000, 1_000_000
NOON = time(4, tzinfo=UTC)  # in Shanghai

PROGRAM = cr.Program(
    id="w4",
    zone="Asia/Shanghai",
    currency="CNY",
    returns={"window": "60 days"},
    policies=[
        {"id": "points", "kind": "points.account", "expiry": "12 months"},
        {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
        {"id": "spend", "kind": "points.redemption", "value": {"points": 1, "money": "0.01"}},
    ],
)


class Happening(NamedTuple):
    """An event as the loop over integers reads it: days since the start, what, and how many points (of a return: which event)."""

    day: int
    kind: int
    value: int


class Balance(NamedTuple):
    """What every contestant must come to."""

    left: int
    owed: int
    refused: int


def history(seed: int) -> list[Happening]:
    """Twenty events over about three years: two in three earn, and what comes back was bought within 50 days.

    The last event earns: one that is refused would leave the state where the event before it left it.
    """
    dice = Random(seed)
    happenings: list[Happening] = []
    day, open_ = dice.randrange(60), dict[int, int]()
    for number in range(EVENTS):
        day += min(int(dice.expovariate(1 / 45)), 300)
        recent = [bought for bought, when in open_.items() if day - when <= 50]
        kind = dice.choices((EARN, REDEEM, RETURN), (65, 22, 13))[0] if number < EVENTS - 1 else EARN
        if kind == RETURN and recent:
            bought = dice.choice(recent)
            del open_[bought]
            happenings.append(Happening(day, RETURN, bought))
        elif kind == REDEEM:
            happenings.append(Happening(day, REDEEM, dice.randrange(20, 400)))
        else:
            open_[number] = day
            happenings.append(Happening(day, EARN, dice.randrange(5, 300)))
    return happenings


# -- the library ---------------------------------------------------------------------------------------------------


def events_of(customer: int, happenings: Iterable[Happening]) -> Iterator[AnyEvent]:
    for number, (day, kind, value) in enumerate(happenings):
        data = {"id": f"e{number:02}", "customer_id": f"c{customer}", "occurred_at": datetime.combine(START + timedelta(day), NOON)}
        if kind == EARN:
            data |= {"type": "purchase", "amount": str(value)}
        elif kind == REDEEM:
            data |= {"type": "redemption", "points": str(value)}
        else:
            data |= {"type": "return", "of": f"e{value:02}"}
        yield PROGRAM.event(data)


def by_replay(events: Iterable[AnyEvent]) -> list[Balance]:
    states: list[cr.State] = []
    refused: dict[str, int] = {}
    for entry in cr.replay(PROGRAM, events, on_state=states.append):
        declined = any(decision.outcome == "DECLINED" for decision in entry.decisions)
        refused[entry.customer_id] = refused.get(entry.customer_id, 0) + declined
    return [balance(state, refused[state.customer_id]) for state in states]


def by_step(customers: Iterable[list[AnyEvent]]) -> list[Balance]:
    balances = []
    for events in customers:
        state, refused = cr.State.new(events[0].customer_id), 0
        for event in events:
            step = PROGRAM.step(state, event)
            state, refused = step.state, refused + (not step.accepted)
        balances.append(balance(state, refused))
    return balances


def balance(state: cr.State, refused: int) -> Balance:
    points = state.points()
    assert isinstance(points.available, int)
    assert isinstance(points.owed, int)
    return Balance(points.available, points.owed, refused)


# -- a loop over integers, balances only ---------------------------------------------------------------------------

LAST_DAYS = [(START + timedelta(day) + relativedelta(months=12) - START).days for day in range(60 + EVENTS * 300)]


def by_integers(histories: Iterable[list[Happening]]) -> list[Balance]:
    balances = []
    for happenings in histories:
        first, owed, refused = 0, 0, 0
        ends: list[int] = []
        lefts: list[int] = []
        granted: dict[int, tuple[int, int]] = {}
        day = 0
        for number, (day, kind, points) in enumerate(happenings):
            value = points
            while first < len(ends) and ends[first] < day:
                first += 1
            if kind == EARN:
                granted[number] = (len(ends), value)
                ends.append(LAST_DAYS[day])
                settled = owed if owed < value else value
                owed -= settled
                lefts.append(value - settled)
                continue
            if kind == RETURN:
                place, value = granted[value]
                taken = lefts[place] if lefts[place] < value else value
                lefts[place] -= taken
                value -= taken
            elif value > sum(lefts[first:]):
                refused += 1
                continue
            place = first
            while value and place < len(lefts):
                taken = lefts[place] if lefts[place] < value else value
                lefts[place] -= taken
                value -= taken
                place += 1
            owed += value
        balances.append(Balance(sum(left for left, end in zip(lefts[first:], ends[first:], strict=True) if end >= day), owed, refused))
    return balances


# -- plain objects -------------------------------------------------------------------------------------------------


@dataclass
class PlainLot:
    granted: Decimal
    left: Decimal
    expires: date


@dataclass
class PlainEntry:
    day: date
    kind: str
    points: Decimal
    lot: int | None = None


@dataclass
class PlainAccount:
    lots: list[PlainLot] = field(default_factory=list)
    owed: Decimal = Decimal(0)
    refused: int = 0
    entries: list[PlainEntry] = field(default_factory=list)
    of_event: dict[int, int] = field(default_factory=dict)

    def usable(self, day: date) -> list[PlainLot]:
        return sorted((lot for lot in self.lots if lot.left and lot.expires >= day), key=lambda lot: lot.expires)

    def earn(self, number: int, day: date, points: Decimal) -> None:
        settled = min(self.owed, points)
        self.owed -= settled
        self.of_event[number] = len(self.lots)
        self.lots.append(PlainLot(points, points - settled, day + relativedelta(months=12)))
        self.entries.append(PlainEntry(day, "earned", points, self.of_event[number]))

    def take(self, day: date, points: Decimal, lots: list[PlainLot], why: str) -> Decimal:
        for lot in lots:
            taken = min(lot.left, points)
            if taken:
                lot.left -= taken
                points -= taken
                self.entries.append(PlainEntry(day, why, taken, self.lots.index(lot)))
        return points

    def redeem(self, day: date, points: Decimal) -> None:
        lots = self.usable(day)
        if points > sum(lot.left for lot in lots):
            self.refused += 1
        else:
            self.take(day, points, lots, "redeemed")

    def give_back(self, day: date, number: int) -> None:
        own = self.lots[self.of_event[number]]
        left = self.take(day, own.granted, [own], "reversed")
        self.owed += self.take(day, left, self.usable(day), "reversed")


def by_objects(histories: Iterable[list[Happening]]) -> list[Balance]:
    balances = []
    for happenings in histories:
        account, day = PlainAccount(), START
        for number, (offset, kind, value) in enumerate(happenings):
            day = START + timedelta(offset)
            if kind == EARN:
                account.earn(number, day, Decimal(value))
            elif kind == REDEEM:
                account.redeem(day, Decimal(value))
            else:
                account.give_back(day, value)
        balances.append(Balance(int(sum(lot.left for lot in account.usable(day))), int(account.owed), account.refused))
    return balances


# -- measuring -----------------------------------------------------------------------------------------------------


def check(histories: list[list[Happening]], grouped: list[list[AnyEvent]]) -> None:
    """AssertionError where a contestant comes to other balances."""
    expected = by_integers(histories)
    events = [event for group in grouped for event in group]
    for found in (by_objects(histories), by_replay(events), by_step(grouped)):
        assert found == expected, next(pair for pair in zip(expected, found, strict=True) if pair[0] != pair[1])


def rows(customers: int = CUSTOMERS, rounds: int = 3) -> list[Row]:
    histories = [history(seed) for seed in range(customers)]
    grouped = [list(events_of(number, happenings)) for number, happenings in enumerate(histories)]
    events = [event for group in grouped for event in group]
    check(histories, grouped)
    seconds = medians(
        {
            "integers": lambda: by_integers(histories),
            "objects": lambda: by_objects(histories),
            "replay": lambda: by_replay(events),
            "step": lambda: by_step(grouped),
        },
        rounds,
    )
    each = {name: taken / len(events) * 1e6 for name, taken in seconds.items()}
    return [
        ("W4 a loop over integers, balances only", f"{each['integers']:.3f} us", ""),
        ("W4 plain objects with Decimals and dates", f"{each['objects']:.3f} us", ""),
        ("W4 replay with movements and reasons", f"{each['replay']:.1f} us", ""),
        ("W4 replay, its speed against the loop over integers", f"{each['integers'] / each['replay']:.4f}", ">= 0.15"),
        ("W4 replay, its speed against plain objects", f"{each['objects'] / each['replay']:.3f}", ""),
        ("W4 pure step, its speed against replay", f"{each['replay'] / each['step']:.2f}", ">= 0.45"),
        *memory(),
    ]


def memory(few: int = 100, many: int = 1_000) -> list[Row]:
    """The peak of a replay whose events are made as they are asked for, with few customers and with many."""
    peaks = []
    for customers in (many, few, many):  # the first fills the caches of days
        stream = (event for number in range(customers) for event in events_of(number, history(number)))
        tracemalloc.start()
        for _ in cr.replay(PROGRAM, stream):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    grown = (peaks[2] - peaks[1]) / (many - few)
    return [(f"W4 replay, memory of each further customer (of {peaks[1] // 1024} KB)", f"{grown:.0f} bytes", "flat, but for the ids")]


if __name__ == "__main__":
    show(rows(FULL if "--full" in sys.argv else CUSTOMERS))
