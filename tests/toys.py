"""Small policies and programs that several tests use."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

import custrules as cr
from custrules.conditions import Condition
from custrules.events import AnyEvent
from custrules.facts import FactType
from custrules.fields import Rate
from custrules.policy import BalanceFact, Phase, StatusFact, reason


class Greeting(cr.Policy):
    """Says hello to everybody who comes by; a status keeps how often it was asked for on one day."""

    kind: ClassVar[str] = "toys.greeting"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("visit", "purchase", "new_day")

    words: str = "hello"
    rate: Rate | None = None
    when: Condition | None = None
    base: cr.Fact[cr.Money] | None = None
    status: str = "greeted"

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        if event.type == "new_day":
            return self._next_day(event, view)
        if self.when is not None and not view.test(self.when):
            return self.declined(event, [reason("toys.greeting.no", words=self.words)])
        held = cr.Status(self.status, self.words, view.day)
        return self.applied(event, [reason("toys.greeting.said", words=self.words)], [held])

    def _next_day(self, event: AnyEvent, view: cr.View) -> cr.Decision | None:
        held = view.state.statuses.get((self.status, ""))
        if held is None or held.value != self.words:
            return None
        return self.applied(event, [reason("toys.greeting.over")], [cr.Status(self.status, "over", view.day)])

    def due(self, view: cr.View, /) -> date | None:
        held = view.state.statuses.get((self.status, ""))
        return date.fromordinal(held.since.toordinal() + 1) if held is not None and held.value == self.words else None

    def gives(self) -> dict[str, StatusFact | BalanceFact]:
        return {self.status: StatusFact(FactType("text"), self.status)}

    def writes(self) -> tuple[str, ...]:
        return (self.status,)


class Gate(cr.Policy):
    """Refuses purchases below a fact."""

    kind: ClassVar[str] = "toys.gate"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = ("purchase",)

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        if isinstance(event, cr.Purchase) and event.amount.minor == 0:
            return self.declined(event, [reason("toys.gate.free")])
        return None


KINDS: dict[str, type[cr.Policy]] = {"toys.greeting": Greeting, "toys.gate": Gate}

AURORA = """\
custrules: 1
program: aurora
title: {en: Aurora Club, zh: 极光会}
zone: Asia/Shanghai
currency: CNY
late: 2 days
returns: {window: 30 days, tenders: pro_rata}
defaults: {effective_from: 2026-01-01, reference: Member terms 2026}
profile:
  birthday: {type: birthday}
  phone: {type: phone}
  segment: {type: text, values: [staff, regular]}
  income: {type: money}
  children: {type: whole}
activities:
  check_in: {city: text, fee: money, indoors: flag, on_day: date, stars: whole}
  flight: {quantity: km}
calendar:
  member_day: {day_of_month: 8}
measures:
  spend_12m: {sum: spend, window: 12 months}
  orders_90d: {count: purchase, window: 90 days, where: {channel: app}}
  half: {ratio: [spend_12m, spend_12m], base: ">= 20"}
policies:
  - id: honour
    kind: tiers.ladder
    levels:
      - {name: member}
      - {name: silver, title: {en: Silver, zh: 银卡}, enter: {any: [{spend_12m: ">= 2000"}, {orders_90d: ">= 6"}]}}
    term: {length: 12 months, rounded_to: end_of_month}
    downgrade: one_level
  - id: points
    kind: points.account
    expiry: {length: 12 months, rounded_to: end_of_year}
  - id: earn
    kind: points.accrual
    points_per_unit: {member: 1, silver: "1.2"}
    multiply: [{by: 2, when: {member_day: true}}]
    rounding: floor
  - id: earn
    kind: points.accrual
    effective_from: 2026-07-01
    reference: Notice of 1 June
    points_per_unit: "1/2"
  - id: greet
    kind: toys.greeting
    words: 你好
    when: {not: {segment: staff}, points: "[0..500)"}
"""


def aurora() -> cr.Program:
    return cr.loads(AURORA, source="aurora.yaml", kinds=KINDS)


def greeting_program(**fields: Any) -> cr.Program:
    return cr.Program(id="hall", zone="UTC", currency="EUR", policies=[Greeting(id="greet"), Gate(id="gate")], **fields)


def at(day: int, hour: int = 12, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def visit(id: str = "v1", day: int = 1, customer: str = "c-1") -> cr.Visit:
    return cr.Visit(id=id, customer_id=customer, occurred_at=at(day))
