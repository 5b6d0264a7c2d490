"""What a policy sees while one event is decided, and what a tracing step writes down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from custrules.calendars import ONE_DAY, Window
from custrules.conditions import Condition, Trace, evaluate
from custrules.counting import LineFacts
from custrules.draft import Draft
from custrules.events import AnyEvent
from custrules.facts import FactValue
from custrules.moment import Moment
from custrules.orders import Order, OrderLine, Record
from custrules.policy import Policy, View
from custrules.rulebook import Rulebook
from custrules.state import State


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a policy is asked: the state and event, the days it stands on, and the order it is about."""

    rules: Rulebook
    state: State
    event: AnyEvent
    day: date
    settled: date
    instant: datetime
    order: Order | None = None
    record: Record | None = None
    watch: Watch | None = None


@dataclass(slots=True)
class Watch:
    """What a tracing step writes down: every condition that was tested, by whom, about which event, and what was compared."""

    tests: list[Tested] = field(default_factory=list)


class Tested(NamedTuple):
    """One condition as a policy tested it; ``rule`` is its place inside the policy."""

    policy_id: str
    event_id: str
    rule: str
    day: date
    trace: Trace


class StepView(View):
    """The view of one policy while one event is decided."""

    state: State
    event: AnyEvent
    day: date
    settled: date
    instant: datetime
    order: Order | None
    currency: str
    scale: int
    zone: ZoneInfo
    levels: tuple[str, ...]

    def __init__(self, asked: Asked, policy: Policy) -> None:
        self.state, self.event, self.day = asked.state, asked.event, asked.day
        self.settled, self.instant, self.order = asked.settled, asked.instant, asked.order
        self.currency, self.scale, self.zone = asked.rules.currency, asked.rules.scale, asked.rules.zone
        self.levels = asked.rules.levels
        self._rules, self._policy, self._record, self._watch = asked.rules, policy, asked.record, asked.watch
        self._scope = asked.rules.scopes[id(policy)]
        self._draft: Draft | None = None
        self._moments: dict[date, Moment] = {}

    def again(self) -> StepView:
        """The same window, on which nothing has been drafted yet."""
        asked = Asked(self._rules, self.state, self.event, self.day, self.settled, self.instant, self.order, self._record, self._watch)
        return StepView(asked, self._policy)

    @property
    def ledger(self) -> Draft:
        if self._draft is None:
            self._draft = Draft(self.state.ledger, self.day, self.settled, self.event.id, self._policy.id)
        return self._draft

    def moment(self, day: date | None = None) -> Moment:
        """Facts as of a day; for a follow-up that this policy took part in, the recorded facts and what is kept."""
        day = day or self.day
        if day not in self._moments:
            recorded = self._record.facts if self._record is not None else None
            amount = self.order.left if self._record is not None and self.order is not None else None
            self._moments[day] = Moment(self._rules, self.state, day, self.event, scope=self._scope, recorded=recorded, amount=amount)
        return self._moments[day]

    def test(self, condition: Condition, on: date | None = None) -> bool:
        bound = self._rules.bound[id(condition), self._scope]
        if self._watch is not None:
            told = self.moment(on).trace(bound)
            rule = self._rules.rules_of[id(condition), self._scope]
            self._watch.tests.append(Tested(self._policy.id, self.event.id, rule, on or self.day, told))
            return told.result
        return self.moment(on).test(bound)

    def next_change(self, condition: Condition) -> date | None:
        return self.moment().changes(self._rules.bound[id(condition), self._scope])

    def value(self, name: str, on: date | None = None) -> FactValue | None:
        return self.moment(on).value(name)

    def evaluable(self, condition: Condition, on: date) -> bool:
        if any(name in self._rules.given for name in condition.facts):
            return False  # statuses and balances are known as they are now only
        meters = [self._rules.meters[name] for name in condition.facts if name in self._rules.meters]
        return all(meter.evaluable(self.moment(on).source, on) for meter in meters)

    def in_force(self, policy_id: str, day: date) -> Policy | None:
        return self._rules.in_force(policy_id, day)

    def account(self, name: str) -> Policy | None:
        kept_by = self._rules.kept_by.get(self._rules.resolve(name))
        return self._rules.in_force(kept_by, self.day) or self._rules.versions[kept_by][0] if kept_by else None

    def record(self, policy: Policy) -> Record | None:
        return self._record if policy.id == self._policy.id else None

    def tender_back(self, kind: str) -> tuple[int, Decimal, int]:
        if self.order is None:
            return 0, Decimal(0), 0
        backs = self.order.tenders_back(self._rules.returns.tenders) if self.order.tenders else []
        rows = [(tender, back) for tender, back in zip(self.order.tenders, backs, strict=True) if tender.type == kind]
        quantity = sum((tender.quantity or Decimal(0) for tender, _ in rows), Decimal(0))
        return sum(tender.amount for tender, _ in rows), quantity, sum(back for _, back in rows)

    def kept_lines(self) -> Sequence[tuple[OrderLine, int]]:
        return tuple(zip(self.order.lines, self.order.kept(), strict=True)) if self.order is not None else ()

    def earning_share(self) -> Fraction:
        return self.order.earning(self._rules.returns.tenders) if self.order is not None else Fraction(0)

    def awarded(self, policy: Policy, window: Window) -> int:
        tally = self.state.activity.tally(self._rules.award_tallies.get(policy.id, ""))
        if tally is None:
            return 0
        ends = [self.day] if window.kind == "this" else [self.day + ONE_DAY * ahead for ahead in range((self.settled - self.day).days + 1)]
        return max(tally.between(window.bounds(end)[0], max(end, window.end(end))) or 0 for end in ends)

    def line_matches(self, condition: Condition, line: OrderLine) -> bool:
        return evaluate(self._rules.bound[id(condition), self._scope], LineFacts(line))
