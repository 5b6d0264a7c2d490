"""What came of one customer under two programs, and the sums over many: figures grow with levels, accounts and codes, not with customers."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from custrules.analysis.comparison import (
    SIDES,
    AccountFigures,
    Answer,
    CustomerDifference,
    EventDifference,
    Figure,
    Moved,
    Movement,
    Part,
    Refusals,
    RefusedEvent,
    Side,
)
from custrules.analysis.flows import BALANCES, FLOWS, MONEY, Account
from custrules.analysis.lanes import Lane, Told
from custrules.calendars import local_day
from custrules.fields import Frozen
from custrules.money import SCALES
from custrules.policy import Decision

MOST_EVENTS = 20  # of one customer, kept with their decisions
MOST_REFUSED = 10  # events kept of those that were refused for one reason

Amounts = Mapping[tuple[Account, str], int]
BySide = Mapping[Side, Amounts]
Levels = Mapping[str, tuple[str | None, str | None]]
Ladders = Mapping[Side, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Case:
    """One customer: the closing levels by ladder, what moved and what is held, what was refused once and answered differently."""

    customer_id: str
    segment: str | None
    events: int
    levels: Levels
    moved: BySide
    held: BySide
    money: Mapping[Side, Counter[str]]
    refused: Sequence[tuple[Side, str, RefusedEvent]]
    differing: Sequence[EventDifference]

    def rank(self, accounts: Sequence[Account]) -> tuple[Any, ...]:
        """Smaller is more affected; the order is that of ``Comparison.order``."""
        levels = sum(before != after for before, after in self.levels.values())
        apart = tuple(-abs(self._net("candidate", account) - self._net("base", account)) for account in accounts)
        return -levels, apart, -len(self.differing), self.customer_id

    def _net(self, side: Side, account: Account) -> int:
        """What is held less what is owed."""
        return sum(-units if bucket == "owed" else units for (of, bucket), units in self.held[side].items() if of == account)


def case_of(customer_id: str, segment: str | None, events: int, lanes: Mapping[Side, Lane], ladders: Ladders, zone: ZoneInfo) -> Case:
    """What both lanes hold of a customer whose time has passed to the end."""
    base, candidate = lanes["base"], lanes["candidate"]
    pairs = [(base.answers.get(key), candidate.answers.get(key)) for key in dict.fromkeys([*base.answers, *candidate.answers])]
    statuses = dict.fromkeys(status for side in SIDES for status in ladders[side])
    return Case(
        customer_id,
        segment,
        events,
        levels={status: (base.level(status), candidate.level(status)) for status in statuses},
        moved={side: lane.moved for side, lane in lanes.items()},
        held={side: lane.held for side, lane in lanes.items()},
        money={side: lane.money for side, lane in lanes.items()},
        refused=[row for pair in pairs for row in _refused(customer_id, pair)],
        differing=[found for found in (_difference(pair, zone) for pair in sorted(pairs, key=_at)) if found is not None],
    )


def _at(pair: tuple[Told | None, Told | None]) -> Any:
    return min(told.at for told in pair if told is not None)


def _refused(customer_id: str, pair: tuple[Told | None, Told | None]) -> list[tuple[Side, str, RefusedEvent]]:
    """An event that was accepted under exactly one program, by the other."""
    base, candidate = pair
    if base is None or candidate is None or base.accepted == candidate.accepted:
        return []
    side: Side = "base" if candidate.accepted else "candidate"
    told = base if candidate.accepted else candidate
    return [(side, told.why.code, RefusedEvent(customer_id, told.event_id, told.why))] if told.why is not None else []


def _difference(pair: tuple[Told | None, Told | None], zone: ZoneInfo) -> EventDifference | None:
    """How two answers to one event differ; None where they do not."""
    base, candidate = (_answer(told, other) for told, other in (pair, pair[::-1]))
    if base == candidate:
        return None
    one = next(told for told in pair if told is not None)
    return EventDifference(one.event_id, local_day(one.at, zone), base, candidate)


def _answer(told: Told | None, other: Told | None) -> Answer:
    """An answer with those decisions alone that the other does not have; the version that decided makes no difference."""
    if told is None:
        return Answer(other.verdict if other is not None else "")
    left = [_content(decision) for decision in other.decisions] if other is not None else []
    own: list[Decision] = []
    for decision in told.decisions:
        content = _content(decision)
        if content in left:
            left.remove(content)
        else:
            own.append(decision)
    return Answer(told.verdict, told.refusal, told.faults, tuple(own))


def _content(decision: Decision) -> tuple[Any, ...]:
    return decision.policy_id, decision.outcome, decision.reasons, decision.effects


class Sums:
    """The figures of many customers, added up one by one, and the most affected among them."""

    customers: int
    affected: int
    events: int
    differing: int

    def __init__(self, currency: str, accounts: Sequence[Account], ladders: Ladders, top: int) -> None:
        self._currency, self._accounts, self._ladders, self._most = currency, tuple(accounts), ladders, top
        self.customers = self.affected = self.events = self.differing = 0
        self._levels: dict[str, Counter[tuple[str | None, str | None]]] = {}
        self._moved: dict[Side, Counter[tuple[Account, str]]] = {side: Counter() for side in SIDES}
        self._held: dict[Side, Counter[tuple[Account, str]]] = {side: Counter() for side in SIDES}
        self._money: dict[Side, Counter[str]] = {side: Counter() for side in SIDES}
        self._refused: dict[tuple[Side, str], list[RefusedEvent]] = {}
        self._refused_count: Counter[tuple[Side, str]] = Counter()
        self._top: list[tuple[tuple[Any, ...], CustomerDifference]] = []

    def add(self, case: Case) -> None:
        self.customers += 1
        self.events += case.events
        self.affected += bool(case.differing)
        self.differing += len(case.differing)
        for status, pair in case.levels.items():
            self._levels.setdefault(status, Counter())[pair] += 1
        for side in SIDES:
            self._moved[side].update(case.moved[side])
            self._held[side].update(case.held[side])
            self._money[side].update(case.money[side])
        for side, code, event in case.refused:
            self._refused_count[side, code] += 1
            first = self._refused.setdefault((side, code), [])
            first += [event] if len(first) < MOST_REFUSED else []
        if case.differing:
            self._rank(case)

    def _rank(self, case: Case) -> None:
        rank = case.rank(self._accounts)
        if len(self._top) < self._most or (self._top and rank < self._top[-1][0]):
            insort(self._top, (rank, self._told(case)), key=lambda row: row[0])
            del self._top[self._most :]

    def _told(self, case: Case) -> CustomerDifference:
        accounts = self._account_figures(case.moved, case.held)
        first = tuple(case.differing[:MOST_EVENTS])
        return CustomerDifference(case.customer_id, case.segment, Frozen(case.levels), accounts, len(case.differing), first)

    # -- as a result -----------------------------------------------------------------------------------------------

    def part(self) -> Part:
        return Part(
            self.customers,
            self.affected,
            self.events,
            self.differing,
            tuple(self._movements()),
            self._account_figures(self._moved, self._held),
            Frozen({name: self._money_figure(name) for name in MONEY}),
            tuple(Refusals(side, code, self._refused_count[side, code], tuple(first)) for (side, code), first in sorted(self._refused.items())),
            tuple(told for _, told in self._top),
        )

    def _movements(self) -> list[Movement]:
        """One ladder after the other, the highest levels first, customers without a level last."""
        return [self._movement(status) for status in dict.fromkeys(status for side in SIDES for status in self._ladders[side])]

    def _movement(self, status: str) -> Movement:
        base, candidate = (self._ladders[side].get(status, ()) for side in SIDES)
        counts = self._levels.get(status, Counter())
        pairs = [(before, after) for before in (*reversed(base), None) for after in (*reversed(candidate), None)]
        return Movement(status, base, candidate, tuple(Moved(*pair, counts[pair]) for pair in pairs if counts[pair]))

    def _money_figure(self, name: str) -> Figure:
        return Figure.of(self._currency, SCALES[self._currency], self._money["base"][name], self._money["candidate"][name])

    def _account_figures(self, moved: BySide, held: BySide) -> tuple[AccountFigures, ...]:
        found = {account for amounts in (moved, held) for side in SIDES for account, _ in amounts[side]}
        accounts = (*self._accounts, *sorted(found - set(self._accounts)))
        return tuple(AccountFigures(account, _figures(account, moved, FLOWS), _figures(account, held, BALANCES)) for account in accounts)


def _figures(account: Account, amounts: BySide, known: Sequence[str]) -> Frozen:
    """The figures of an account by name: the known ones, and whatever else moved."""
    found = {name for side in SIDES for of, name in amounts[side] if of == account}
    pairs = {name: [amounts[side].get((account, name), 0) for side in SIDES] for name in (*known, *sorted(found - set(known)))}
    return Frozen({name: Figure.of(account.unit, account.scale, *pair) for name, pair in pairs.items()})
