"""What a comparison tells: in total and by segment, who moves between levels, what it costs, what is refused, whom it touches most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, NamedTuple

from custrules.analysis.comparison_text import told
from custrules.analysis.flows import Account
from custrules.codec import canonical
from custrules.errors import Diagnostic
from custrules.messages import Speaker, speak
from custrules.money import Money
from custrules.policy import Decision, Reason
from custrules.state_parts import shown

Value = Money | Decimal | int
Side = Literal["base", "candidate"]
SIDES: tuple[Side, Side] = ("base", "candidate")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure under both programs, and candidate less base."""

    base: Value
    candidate: Value
    difference: Value

    @classmethod
    def of(cls, unit: str, scale: int, base: int, candidate: int) -> Figure:
        """Out of smallest units."""
        return cls(*(shown(units, unit, scale) for units in (base, candidate, candidate - base)))

    def to_data(self) -> dict[str, Any]:
        return {"base": self.base, "candidate": self.candidate, "difference": self.difference}


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """One account: what moved, by the name of the movement (``issued``, ``redeemed`` …), and what is held at the end, by bucket."""

    account: Account
    moved: Mapping[str, Figure]
    held: Mapping[str, Figure]

    def to_data(self) -> dict[str, Any]:
        return {"account": self.account.name, "unit": self.account.unit, "moved": _data(self.moved), "held": _data(self.held)}


class Moved(NamedTuple):
    """So many customers close at one level under base and at one under the candidate; None: no level."""

    base: str | None
    candidate: str | None
    customers: int


@dataclass(frozen=True, slots=True)
class Movement:
    """Who closes at which level of a ladder under which program.

    ``base`` and ``candidate`` name the levels of each program in order of rank; ``rows`` leaves out pairs without customers.
    """

    status: str
    base: tuple[str, ...]
    candidate: tuple[str, ...]
    rows: tuple[Moved, ...]

    @property
    def moved(self) -> int:
        """How many customers close at another level."""
        return sum(row.customers for row in self.rows if row.base != row.candidate)

    def count(self, base: str | None, candidate: str | None) -> int:
        return next((row.customers for row in self.rows if row[:2] == (base, candidate)), 0)

    def to_data(self) -> dict[str, Any]:
        rows = [{"base": row.base or "none", "candidate": row.candidate or "none", "customers": row.customers} for row in self.rows]
        return {"status": self.status, "levels": {"base": self.base, "candidate": self.candidate}, "customers": rows}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one program made of an event: the verdict ('' for time that passed; ``unreadable``: not an event of this program),
    the refusal, the faults, and those of its decisions that the other program did not make."""

    verdict: str
    refusal: Reason | None = None
    faults: tuple[Diagnostic, ...] = ()
    decisions: tuple[Decision, ...] = ()

    def to_data(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "refusal": self.refusal.to_data() if self.refusal is not None else None,
            "faults": [fault.to_data() for fault in self.faults],
            "decisions": [decision.to_data() for decision in self.decisions],
        }


@dataclass(frozen=True, slots=True)
class EventDifference:
    """An event, or a day or instant that time opened, that the two programs answered differently; ``day`` is its local day."""

    event_id: str
    day: date
    base: Answer
    candidate: Answer

    def to_data(self) -> dict[str, Any]:
        return {"event_id": self.event_id, "day": self.day, "base": self.base.to_data(), "candidate": self.candidate.to_data()}


@dataclass(frozen=True, slots=True)
class CustomerDifference:
    """One customer: levels and accounts under both programs, how many events were answered differently, and the first of these."""

    customer_id: str
    segment: str | None
    levels: Mapping[str, tuple[str | None, str | None]]
    accounts: tuple[AccountFigures, ...]
    differing: int
    events: tuple[EventDifference, ...]

    def to_data(self) -> dict[str, Any]:
        levels = {status: {"base": before or "none", "candidate": after or "none"} for status, (before, after) in self.levels.items()}
        return {
            "customer_id": self.customer_id,
            "segment": self.segment,
            "levels": levels,
            "accounts": [account.to_data() for account in self.accounts],
            "differing": self.differing,
            "events": [event.to_data() for event in self.events],
        }


class RefusedEvent(NamedTuple):
    """An event that one program did not accept, and why."""

    customer_id: str
    event_id: str
    why: Reason | Diagnostic


@dataclass(frozen=True, slots=True)
class Refusals:
    """Events that were accepted under one program and not ``under`` the other, with one code: how many, and the first of them."""

    under: Side
    code: str
    events: int
    first: tuple[RefusedEvent, ...]

    def to_data(self) -> dict[str, Any]:
        first = [{"customer_id": one.customer_id, "event_id": one.event_id, "why": one.why.to_data()} for one in self.first]
        return {"under": self.under, "code": self.code, "events": self.events, "first": first}


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of all customers, or of one segment.

    ``affected`` customers have at least one event that was answered differently; ``differing`` counts these events. Money
    is ``money_off`` by points, what of it was undone, and ``refunds`` in cash or card. ``most_affected`` is in the order
    that the comparison names.
    """

    customers: int
    affected: int
    events: int
    differing: int
    levels: tuple[Movement, ...]
    accounts: tuple[AccountFigures, ...]
    money: Mapping[str, Figure]
    refused: tuple[Refusals, ...]
    most_affected: tuple[CustomerDifference, ...]

    def to_data(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("customers", "affected", "events", "differing")}
        lists = {name: [row.to_data() for row in getattr(self, name)] for name in ("levels", "accounts", "refused", "most_affected")}
        return counts | lists | {"money": _data(self.money)}


@dataclass(frozen=True, slots=True)
class Segment:
    """The customers whose profile closes with one value of a field; None: with none."""

    value: str | None
    part: Part

    def to_data(self) -> dict[str, Any]:
        return {"value": self.value, **self.part.to_data()}


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the two programs."""

    program: str
    digest: str
    zone: str

    def to_data(self) -> dict[str, Any]:
        return {"program": self.program, "digest": self.digest, "zone": self.zone}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same events under two programs. ``cr.render`` puts it into words.

    ``until`` is the instant up to which time passed for everybody; None: for each customer up to the own last event. ``left_out``
    counts the events after it. Customers are ranked by ``order``: first those of whom more levels differ, then by how far what they hold less
    what they owe lies apart (account by account, the base's first account first), then by the number of events answered differently,
    then by id.
    """

    order: ClassVar[tuple[str, ...]] = ("levels", "balances", "events", "customer_id")

    base: Compared
    candidate: Compared
    currency: str
    until: datetime | None
    left_out: int
    total: Part
    by: str | None = None
    segments: tuple[Segment, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether any event was answered differently."""
        return self.total.differing > 0

    def to_data(self) -> dict[str, Any]:
        return {
            "base": self.base.to_data(),
            "candidate": self.candidate.to_data(),
            "currency": self.currency,
            "until": self.until,
            "left_out": self.left_out,
            "differs": self.differs,
            "order": self.order,
            "total": self.total.to_data(),
            "by": self.by,
            "segments": [segment.to_data() for segment in self.segments],
        }

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, amounts and quantities as exact text or whole numbers."""
        return canonical(self.to_data())


def _data(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {name: figure.to_data() for name, figure in figures.items()}


@speak.register
def _(comparison: Comparison, speaker: Speaker) -> str:
    """Sums in columns, then refusals, the customers most affected with what was decided differently, and the segments."""
    return "\n".join(told(comparison, speaker))
