"""What a customer holds, as a state tells it: levels, points by their lots, statuses, contacts that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from custrules.event_fields import Scalar, read_scalar
from custrules.fields import Frozen, instant_text, read_instant
from custrules.ledger import LotPart, text
from custrules.money import SCALES, Money, from_units

if TYPE_CHECKING:
    from custrules.events import Contact


def shown(units: int, unit: str, scale: int) -> Money | int | Decimal:
    """Smallest units as people read them: Money in a currency, else a whole number or a decimal."""
    if unit in SCALES:
        return Money.from_minor(units, unit)
    return from_units(units, scale) if scale else units


class Level(NamedTuple):
    """A level held: its name, the day it was reached, and the last day of its term (None: no end)."""

    name: str
    since: date
    until: date | None


class Closed(NamedTuple):
    """The end of an account: since which day, and into whom it was merged ('': into nobody, it was closed)."""

    day: date
    into: str = ""


class LotLeft(NamedTuple):
    """What is left of a lot: quantity, the event it came from, usable from, last usable day (None: never expires)."""

    quantity: Money | int | Decimal
    origin: str
    usable_from: date
    last_day: date | None


class Points(NamedTuple):
    """A points account: what can be spent, is pending, held and owed; its lots, and what expires on which last day."""

    available: int | Decimal | Money
    pending: int | Decimal | Money
    held: int | Decimal | Money
    owed: int | Decimal | Money
    lots: tuple[LotLeft, ...]
    expiring: tuple[tuple[date, int | Decimal | Money], ...]


class StoredValue(NamedTuple):
    """A stored value account: principal and bonus that can be spent, what is held of both, and the lots, principal before bonus."""

    principal: Money | int | Decimal
    bonus: Money | int | Decimal
    held: Money | int | Decimal
    lots: tuple[LotLeft, ...]


@dataclass(frozen=True, slots=True)
class StatusValue:
    """A status: its value (None: none), the day since when, the last day (None: no end), and flat data."""

    value: Scalar | None
    since: date
    until: date | None = None
    data: Mapping[str, Scalar] = field(default_factory=Frozen)

    def to_data(self) -> dict[str, Any]:
        until = self.until.isoformat() if self.until else None
        return {"value": self.value, "since": self.since.isoformat(), "until": until, "data": dict(self.data)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> StatusValue:
        value, until = data["value"], data["until"]
        kept = {str(name): read_scalar(item) for name, item in data["data"].items()}
        since = date.fromisoformat(data["since"])
        return cls(None if value is None else read_scalar(value), since, date.fromisoformat(until) if until is not None else None, kept)


OWN = ""  # the policy of contacts of the host's own accord
COUNTED_BY = ("purpose", "tags", "uncounted", "ahead")  # what of an ask's data caps look at


@dataclass(frozen=True, slots=True)
class TouchpointAsked:
    """A contact that was asked for: by which policy, for which cycle, planned for ``day``, not to be sent after ``last_day``.

    ``outcome`` is ``asked`` until a Contact says what became of it: ``sent``, ``done`` or ``not_sent``; ``at`` is when it was made then.
    ``template``, ``task`` and ``data`` are those of the ask, kept while it waits; of one that was made, what caps count it by (its ``purpose``
    and ``tags``). A contact of the host's own accord has no policy, and the event's id as its cycle.
    """

    policy_id: str
    cycle: str
    category: str
    channel: str
    day: date
    last_day: date | None
    outcome: str = "asked"
    template: str = ""
    task: bool = False
    data: Mapping[str, Scalar] = field(default_factory=Frozen)
    at: datetime | None = None

    @classmethod
    def made(cls, event: Contact, day: date) -> TouchpointAsked:
        """A contact of the host's own accord."""
        said: dict[str, Scalar] = {"purpose": event.purpose or "", **({"tags": ", ".join(event.tags)} if event.tags else {})}
        head = OWN, event.id, event.category or "", event.channel or "", day, day
        return cls(*head, outcome=event.outcome, data=Frozen(said), at=event.occurred_at)

    @classmethod
    def foretold(cls, event: Contact, day: date) -> TouchpointAsked:
        """A contact that a plan foretold, made before it was asked for."""
        said = {"ahead": True, **({"purpose": event.purpose} if event.purpose else {}), **({"tags": ", ".join(event.tags)} if event.tags else {})}
        head = event.trigger or OWN, event.cycle or event.id, event.category or "", event.channel or "", day, day
        return cls(*head, outcome=event.outcome, data=Frozen(said), at=event.occurred_at)

    @property
    def ahead(self) -> bool:
        """Whether it was made before anybody asked for it."""
        return "ahead" in self.data

    def answered(self, event: Contact, day: date) -> TouchpointAsked:
        """What a contact says became of it: on which day, at what time and over which channel, unless it was not made."""
        counted = Frozen({name: value for name, value in self.data.items() if name in COUNTED_BY})
        if not event.counts:
            return replace(self, outcome=event.outcome, template="", task=False, data=counted, at=None)
        channel = event.channel or self.channel
        return replace(self, outcome=event.outcome, day=day, channel=channel, template="", task=False, data=counted, at=event.occurred_at)

    def reads(self, day: date) -> str:
        """What became of it as of a day: ``asked``, ``sent``, ``done`` or ``not_sent``; ``expired`` once its last day has passed without a word."""
        return "expired" if self.outcome == "asked" and self.last_day is not None and self.last_day < day else self.outcome

    @property
    def takes_cycle(self) -> bool:
        """Whether nothing else may be asked in its cycle: only what was not sent may be asked again."""
        return self.outcome != "not_sent"

    def counts(self, day: date) -> bool:
        """Whether it counts as a contact as of a day: from its planned day, unless it was not sent or has expired."""
        return self.day <= day and self.reads(day) in ("asked", "sent", "done")

    def to_row(self) -> list[Any]:
        last = self.last_day.isoformat() if self.last_day else None
        head = [self.policy_id, self.cycle, self.category, self.channel, self.day.isoformat(), last, self.outcome]
        more = {
            "template": self.template,
            "task": self.task,
            "data": dict(self.data),
            "at": instant_text(self.at) if self.at is not None else "",
        }
        told = {name: value for name, value in more.items() if value}
        return [*head, told] if told else head

    @classmethod
    def from_row(cls, row: list[Any]) -> TouchpointAsked:
        policy, cycle, category, channel, day, last, outcome, *more = row  # states of before had no more
        last_day = date.fromisoformat(last) if last is not None else None
        head = text(policy), text(cycle), text(category), text(channel), date.fromisoformat(day), last_day, text(outcome)
        told = more[0] if more else {}
        data = Frozen({str(name): read_scalar(value) for name, value in told.get("data", {}).items()})
        at = read_instant(told["at"]) if "at" in told else None
        return cls(*head, text(told.get("template", "")), told.get("task") is True, data, at)


def left_of(part: LotPart, unit: str, scale: int) -> LotLeft:
    return LotLeft(shown(part.quantity, unit, scale), part.lot.origin, part.lot.usable_from, part.lot.last_day)


def closed_of(row: list[Any]) -> Closed:
    day, into = row
    return Closed(date.fromisoformat(day), text(into))
