"""Small policies of no family: each does one thing that the kernel has to carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import ClassVar

import custrules as cr
from custrules import events
from custrules.calendars import ONE_DAY, anniversary, start_of_day
from custrules.facts import FactType
from custrules.ledger import ISSUED
from custrules.policy import BalanceFact, Phase, StatusFact, reason


class Toy(cr.Policy):
    """What the toys share: one reason for everything."""

    def says(self, event: events.AnyEvent, effects: Iterable[cr.Posting | cr.Status | cr.Touchpoint | cr.Signal] = ()) -> cr.Decision:
        return self.applied(event, [reason("toy.said.so", policy=self.id)], effects)


class Timer(Toy):
    """A visit sets a timer (status ``timer``), which goes off at an exact instant."""

    kind: ClassVar[str] = "toy.timer"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("visit", "tick", "new_day")
    minutes: int = 30

    def writes(self) -> tuple[str, ...]:
        return (self.id,)

    def decide(self, event: events.AnyEvent, view: cr.View, /) -> cr.Decision | None:
        if isinstance(event, cr.Visit):
            rings = event.occurred_at + timedelta(minutes=self.minutes)
            return self.says(event, [cr.Status(self.id, "set", view.day, data={"rings": rings.isoformat()})])
        rings_at = self.rings(view)
        overdue = isinstance(event, cr.NewDay) and rings_at is not None and rings_at < view.instant  # its own instant is a Tick's
        if overdue or (isinstance(event, cr.Tick) and rings_at is not None and rings_at <= view.instant):
            return self.says(event, [cr.Status(self.id, "rang", view.day, data={"at": view.instant.isoformat()})])
        return None

    def rings(self, view: cr.View) -> datetime | None:
        held = view.state.statuses.get((self.id, ""))
        return datetime.fromisoformat(str(held.data["rings"])) if held is not None and held.value == "set" else None

    def due(self, view: cr.View, /) -> date | datetime | None:
        return self.rings(view)


class LateTimer(Timer):
    """A timer whose due comes a day late, as no due may."""

    kind: ClassVar[str] = "toy.late_timer"

    def due(self, view: cr.View, /) -> date | datetime | None:
        rings = self.rings(view)
        return rings + ONE_DAY if rings is not None else None


class Midnight(Toy):
    """A visit asks for the first instant of the next local day: a day and an instant that begin together."""

    kind: ClassVar[str] = "toy.midnight"
    phase: ClassVar[Phase] = "rank"
    hears: ClassVar[tuple[str, ...] | None] = ("visit", "tick")

    def writes(self) -> tuple[str, ...]:
        return (self.id,)

    def decide(self, event: events.AnyEvent, view: cr.View, /) -> cr.Decision | None:
        if isinstance(event, cr.Visit):
            return self.says(event, [cr.Status(self.id, "waiting", view.settled)])
        at = self.due(view)
        if isinstance(event, cr.Tick) and at is not None and at <= event.at:
            return self.says(event, [cr.Status(self.id, event.id, view.day)])
        return None

    def due(self, view: cr.View, /) -> datetime | None:
        held = view.state.statuses.get((self.id, ""))
        return start_of_day(held.since + ONE_DAY, view.zone) if held is not None and held.value == "waiting" else None


class Greeting(Toy):
    """Once a year, on the anniversary of a day: a touchpoint with the year as its cycle and a last day."""

    kind: ClassVar[str] = "toy.greeting"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("new_day",)
    born: date
    days: int = 7

    def decide(self, event: events.AnyEvent, view: cr.View, /) -> cr.Decision | None:
        cycle = str(view.day.year)
        if view.day != anniversary(self.born, view.day.year) or f"{self.id}:{cycle}" in view.state.touchpoints:
            return None
        return self.says(event, [cr.Touchpoint("greeting", cycle, view.day, view.day + timedelta(days=self.days), channel="sms")])

    def due(self, view: cr.View, /) -> date:
        this = anniversary(self.born, view.day.year)
        return this if this > view.day else anniversary(self.born, view.day.year + 1)


class Herald(Toy):
    """A referral is told to the friend."""

    kind: ClassVar[str] = "toy.herald"
    phase: ClassVar[Phase] = "earn"
    hears: ClassVar[tuple[str, ...] | None] = ("referral",)

    def decide(self, event: events.AnyEvent, view: cr.View, /) -> cr.Decision | None:
        assert isinstance(event, cr.Referral)
        return self.says(event, [cr.Signal(event.friend, "referred", {"by": event.customer_id})])


class GiftCards(Toy):
    """Takes gift cards whose reference begins with a G, and no others; a follow-up is declined, which refuses nothing."""

    kind: ClassVar[str] = "toy.gift_cards"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = ("purchase", "return")
    serves: ClassVar[tuple[str, ...]] = ("gift_card",)

    def decide(self, event: events.AnyEvent, view: cr.View, /) -> cr.Decision | None:
        if isinstance(event, cr.Return):
            return self.declined(event, [reason("toy.gift.kept")])
        assert isinstance(event, cr.Purchase)
        cards = [tender.reference or "" for tender in event.tenders if tender.type == "gift_card"]
        if not cards:
            return None
        return self.says(event) if all(card.startswith("G") for card in cards) else self.declined(event, [reason("toy.gift.unknown")])


class Cashback(Toy):
    """A visit is worth a point for every whole unit of a money fact."""

    kind: ClassVar[str] = "toy.cashback"
    phase: ClassVar[Phase] = "earn"
    hears: ClassVar[tuple[str, ...] | None] = ("visit",)
    base: cr.Fact[cr.Money]

    def decide(self, event: events.AnyEvent, view: cr.View, /) -> cr.Decision | None:
        spent = view.fact(self.base)
        units = spent.minor // 10**view.scale if spent is not None else 0
        if units <= 0:
            return None
        account = view.account("points")
        expiry = getattr(account, "expiry", None)
        view.ledger.credit(view.ledger.resolve("points"), units, last_day=expiry.last_day(view.day) if expiry is not None else None)
        return self.says(event, view.postings())


class Flag(Toy):
    """Whether a condition holds, as a status of its own name: ``yes`` or ``no``."""

    kind: ClassVar[str] = "toy.flag"
    phase: ClassVar[Phase] = "rank"
    when: cr.Condition

    def writes(self) -> tuple[str, ...]:
        return (self.id,)

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        return {self.id: StatusFact(FactType("text", ("yes", "no")), self.id)}

    def decide(self, event: events.AnyEvent, view: cr.View, /) -> cr.Decision | None:
        told = "yes" if view.test(self.when) else "no"
        held = view.state.statuses.get((self.id, ""))
        return None if held is not None and held.value == told else self.says(event, [cr.Status(self.id, told, view.day)])

    def due(self, view: cr.View, /) -> date | None:
        return view.next_change(self.when)


class Issuer(Toy):
    """A visit brings points past the account's rules: usable at once, and for ever."""

    kind: ClassVar[str] = "toy.issuer"
    phase: ClassVar[Phase] = "earn"
    hears: ClassVar[tuple[str, ...] | None] = ("visit",)
    points: int = 10
    last_day: date | None = None

    def decide(self, event: events.AnyEvent, view: cr.View, /) -> cr.Decision | None:
        view.ledger.credit(view.ledger.resolve("points"), self.points, last_day=self.last_day, of=ISSUED)
        return self.says(event, view.postings())


TOYS: tuple[type[cr.Policy], ...] = (Timer, LateTimer, Midnight, Greeting, Herald, GiftCards, Cashback, Flag, Issuer)
KINDS: dict[str, type[cr.Policy]] = {toy.kind: toy for toy in TOYS}
