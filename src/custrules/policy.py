"""What a policy is, what it sees, and what it answers: Policy, View, Fact, Decision, Reason and the four effects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar, cast, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from custrules.calendars import Window
from custrules.codec import canonical, parse_json, scalar_text
from custrules.conditions.tree import Condition
from custrules.errors import Diagnostic, EventError
from custrules.events import AnyEvent, Scalar
from custrules.facts import FactType, FactValue
from custrules.fields import Day, Flag, Frozen, Name, Title, read_name, wrong_type
from custrules.ledger import Draft, Lot, LotPart, Move
from custrules.money import Money
from custrules.orders import Order, OrderLine, Record
from custrules.state import State, shown

Phase = Literal["pay", "earn", "rank", "lapse", "care"]
PHASES: tuple[Phase, ...] = get_args(Phase)
Outcome = Literal["APPLIED", "DECLINED"]
T = TypeVar("T")


def _param(value: object) -> Any:
    """A parameter as it is kept: a scalar, Money or exact number; fractions and dates as their text."""
    if isinstance(value, Fraction | date):
        return scalar_text(value)
    if isinstance(value, float):
        raise TypeError("a reason's parameter is exact: a float is not")
    return value


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code of the form ``family.noun.case`` and its numbers. ``custrules.render`` puts it into words."""

    code: str
    params: Mapping[str, Any] = field(default_factory=Frozen)

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", Frozen({name: _param(value) for name, value in self.params.items()}))

    def to_data(self) -> dict[str, Any]:
        return {"code": self.code, "params": {name: _tagged(value) for name, value in self.params.items()}}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Reason:
        return cls(str(data["code"]), {name: _untagged(value) for name, value in data["params"].items()})


def reason(code: str, **params: Any) -> Reason:
    """A Reason out of keyword arguments."""
    return Reason(code, params)


def _tagged(value: object) -> Any:
    """Money and decimals keep their type on the wire: ``{"money": "12.50 CNY"}``, ``{"number": "1.5"}``."""
    if isinstance(value, Money):
        return {"money": str(value)}
    return {"number": scalar_text(value)} if isinstance(value, Decimal) else value


def _untagged(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Money(value["money"]) if "money" in value else Decimal(value["number"])
    return value


@dataclass(frozen=True, slots=True)
class Posting:
    """A quantity moved from ``source`` to ``target``; ``lots`` are the parts it is made of. ``units`` counts smallest units."""

    source: str
    target: str
    unit: str
    scale: int
    units: int
    lots: tuple[LotPart, ...] = ()
    id: str = ""
    effect: ClassVar[str] = "posting"

    @property
    def quantity(self) -> Money | int | Decimal:
        """As people read it: Money, or a whole number or decimal of points."""
        return shown(self.units, self.unit, self.scale)

    @property
    def move(self) -> Move:
        return Move(self.source, self.target, self.units, self.lots)

    def to_data(self) -> dict[str, Any]:
        lots = [[*part.lot.to_row(), part.quantity] for part in self.lots]
        names = ("id", "effect", "source", "target", "unit", "scale", "units")
        return {name: getattr(self, name) for name in names} | {"lots": lots}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Posting:
        lots = tuple(LotPart(Lot.from_row(row[:-1]), row[-1]) for row in data["lots"])
        return cls(data["source"], data["target"], data["unit"], data["scale"], data["units"], lots, data["id"])


@dataclass(frozen=True, slots=True)
class Status:
    """A status takes a value (None: none), since a day, until a last day (None: no end)."""

    name: str
    value: Scalar | None
    since: date
    until: date | None = None
    subject: str = ""
    data: Mapping[str, Scalar] = field(default_factory=Frozen)
    id: str = ""
    effect: ClassVar[str] = "status"

    def to_data(self) -> dict[str, Any]:
        return _flat(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Status:
        return cls(data["name"], data["value"], _day(data["since"]), _maybe_day(data["until"]), data["subject"], Frozen(data["data"]), data["id"])


@dataclass(frozen=True, slots=True)
class Touchpoint:
    """Someone should be contacted: planned for ``day``, not to be sent after ``last_day``; once per ``cycle``."""

    template: str
    cycle: str
    day: date
    last_day: date | None = None
    category: str = ""
    channel: str = ""
    outcome: str = "send"
    data: Mapping[str, Scalar] = field(default_factory=Frozen)
    id: str = ""
    effect: ClassVar[str] = "touchpoint"

    def to_data(self) -> dict[str, Any]:
        return _flat(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Touchpoint:
        days = _day(data["day"]), _maybe_day(data["last_day"])
        return cls(data["template"], data["cycle"], *days, data["category"], data["channel"], data["outcome"], Frozen(data["data"]), data["id"])


@dataclass(frozen=True, slots=True)
class Signal:
    """Another subject is told: the host delivers it as an event of that subject, with this effect's id."""

    subject: str
    name: str
    data: Mapping[str, Scalar] = field(default_factory=Frozen)
    id: str = ""
    effect: ClassVar[str] = "signal"

    def to_data(self) -> dict[str, Any]:
        return _flat(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Signal:
        return cls(data["subject"], data["name"], Frozen(data["data"]), data["id"])


Effect = Posting | Status | Touchpoint | Signal
EFFECTS: dict[str, type[Effect]] = {kind.effect: kind for kind in get_args(Effect)}


def _flat(effect: Effect) -> dict[str, Any]:
    row: dict[str, Any] = {"effect": effect.effect}
    for spec in fields(effect):
        value = getattr(effect, spec.name)
        row[spec.name] = dict(value) if isinstance(value, Mapping) else scalar_text(value) if isinstance(value, date) else value
    return row


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _maybe_day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Decision:
    """A policy's answer to one event: ``APPLIED`` or ``DECLINED``, why, and what follows from it."""

    policy_id: str
    effective_from: date
    event_id: str
    outcome: Outcome
    reasons: tuple[Reason, ...]
    effects: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        if not self.reasons:
            raise ValueError(f"policy {self.policy_id!r}: a decision has at least one reason")

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(why.code for why in self.reasons)

    def to_data(self) -> dict[str, Any]:
        return {
            "policy_id": self.policy_id,
            "effective_from": self.effective_from.isoformat(),
            "event_id": self.event_id,
            "outcome": self.outcome,
            "reasons": [why.to_data() for why in self.reasons],
            "effects": [effect.to_data() for effect in self.effects],
        }

    def to_json(self) -> bytes:
        """Canonical JSON; ``Decision.from_json`` reads it back."""
        return canonical(self.to_data())

    @classmethod
    def from_json(cls, text: bytes | str) -> Decision:
        return cls.from_data(parse_json(text, EventError))

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Decision:
        return cls(
            str(data["policy_id"]),
            _day(data["effective_from"]),
            str(data["event_id"]),
            cast("Outcome", data["outcome"]),
            tuple(Reason.from_data(why) for why in data["reasons"]),
            tuple(EFFECTS[effect["effect"]].from_data(effect) for effect in data["effects"]),
        )


class Fact(Generic[T]):
    """The name of a fact of type T, as a field of a policy: ``base: Fact[Money]``; ``view.fact(self.base)`` reads it.

    The loader checks that the program has a fact of that name and type.
    """

    __slots__ = ("kind", "name")
    KINDS: ClassVar[dict[Any, tuple[str, ...]]] = {
        Money: ("money",),
        int: ("whole",),
        Decimal: ("number", "whole"),
        Fraction: ("number", "whole"),
        str: ("text", "level"),
        bool: ("flag",),
        date: ("date",),
    }
    kind: type[T]
    name: str

    def __init__(self, name: str, kind: type[T]) -> None:
        self.name, self.kind = name, kind

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        (kind,) = get_args(source)

        def read(value: object) -> Fact[Any]:
            if isinstance(value, Fact):
                return value
            try:
                parts = str(value).split(".")
                return cls(".".join(read_name(part) for part in parts), kind)
            except PydanticCustomError:
                raise wrong_type("the name of a fact", value) from None

        return core_schema.no_info_plain_validator_function(read, serialization=core_schema.to_string_ser_schema(when_used="always"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fact) and (self.name, self.kind) == (other.name, other.kind)

    def __hash__(self) -> int:
        return hash((self.name, self.kind))

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Fact({self.name!r})"


class View(ABC):
    """The read-only window of a policy on one customer inside one program, while one event is decided.

    ``day`` is the event's local day: it chooses versions, tally days and lot dates. ``settled`` is the local day up to
    which time is settled (later than ``day`` for an event that came late): it tells what is usable. ``instant`` is when
    the event is decided.
    """

    state: State
    event: AnyEvent
    day: date
    settled: date
    instant: datetime
    currency: str
    scale: int
    zone: ZoneInfo
    levels: tuple[str, ...]
    order: Order | None

    @property
    @abstractmethod
    def ledger(self) -> Draft:
        """A draft on the customer's ledger: ``credit`` and ``debit`` build the postings of this decision."""

    @abstractmethod
    def test(self, condition: Condition, on: date | None = None) -> bool:
        """Whether a condition holds as of ``view.day``, or as of the end of another day."""

    @abstractmethod
    def next_change(self, condition: Condition) -> date | None:
        """The first local day after ``view.day`` on which the condition may change by time alone (may be early, never late)."""

    @abstractmethod
    def value(self, name: str, on: date | None = None) -> FactValue | None:
        """A fact by name as it is kept inside: money in smallest units, numbers exact; None where it is missing."""

    @abstractmethod
    def evaluable(self, condition: Condition, on: date) -> bool:
        """Whether every measure that a condition reads reaches back far enough as of a day."""

    @abstractmethod
    def in_force(self, policy_id: str, day: date) -> Policy | None:
        """The version of a policy in force on a day; None before its first."""

    @abstractmethod
    def record(self, policy: Policy) -> Record | None:
        """What a policy did for the order that this event follows up; None where it took no part."""

    @abstractmethod
    def tender_back(self, kind: str) -> tuple[int, Decimal, int]:
        """Of all tenders of a kind in the order followed up: amount, quantity, and how much of the amount has gone back."""

    @abstractmethod
    def awarded(self, policy: Policy, window: Window) -> int:
        """What a policy has awarded (less reversals) on the days of a window as of ``view.day``, in smallest units."""

    @abstractmethod
    def line_matches(self, condition: Condition, line: OrderLine) -> bool:
        """Whether a condition on lines (sku, category, quantity, amount) holds for a line."""

    @abstractmethod
    def account(self, name: str) -> Policy | None:
        """The version in force on ``view.day`` of the policy that keeps an account; before its first, the first."""

    @abstractmethod
    def kept_lines(self) -> Sequence[tuple[OrderLine, int]]:
        """The order's lines with what is kept of each, in smallest units."""

    @abstractmethod
    def earning_share(self) -> Fraction:
        """The share of what is kept of the order that was paid by tenders that earn."""

    def fact(self, fact: Fact[T]) -> T | None:
        """A declared fact in its public type: Money, Decimal, int, str, bool or date; None where it is missing."""
        raw = self.value(fact.name)
        if raw is None:
            return None
        if fact.kind is Money:
            if isinstance(raw, Fraction) and raw.denominator != 1:
                raise TypeError(f"{fact.name} is not a whole number of smallest units: read it with view.value")
            return cast("T", Money.from_minor(int(cast("int", raw)), self.currency))
        if fact.kind in (Decimal, Fraction):
            exact = Fraction(cast("Fraction", raw))
            return cast("T", exact if fact.kind is Fraction else Decimal(exact.numerator) / Decimal(exact.denominator))
        return cast("T", raw)


@dataclass(frozen=True, slots=True)
class StatusFact:
    """A fact that is the value of a status (subject ''); ``default`` where it was never written, ``unless`` a condition holds."""

    type: FactType
    status: str
    default: str | None = None
    unless: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class BalanceFact:
    """A fact that is the balance of an account, in its unit."""

    type: FactType
    account: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a program knows when its policies are checked against one another."""

    levels: tuple[str, ...]
    accounts: tuple[str, ...]
    events: tuple[str, ...]
    scale: int


class Policy(BaseModel):
    """One rule of a program: its fields are its document, ``decide`` its one pure method.

    Subclasses set ``kind`` ("points.accrual"), ``phase`` and ``hears`` (event types; None: all), and, in phase ``pay``,
    which value they ``serve`` (tender types, or the types of events that ask for value). ``decide`` answers with a
    Decision, or None where the event is not its business; it never raises, reads no clock and keeps nothing.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str] = ""
    phase: ClassVar[Phase] = "earn"
    hears: ClassVar[tuple[str, ...] | None] = None
    serves: ClassVar[tuple[str, ...]] = ()
    later_fields: ClassVar[tuple[str, ...]] = ()

    id: Name
    effective_from: Day = date(1900, 1, 1)
    reference: str = ""
    title: Title = ""
    retired: Flag = False
    note: str = ""

    @abstractmethod
    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        """The answer to an event, or None."""

    def due(self, view: View, /) -> date | datetime | None:
        """The next day or instant at which this policy must be asked though nothing happens; may be early, never late."""
        return None

    def reads(self) -> frozenset[str]:
        """Names of the facts that this policy may read: those of its conditions and of its Fact fields."""
        return frozenset(_facts_in(self))

    def event_name(self) -> str | None:
        """The event type (or declared activity) whose fields the conditions of this policy may read; None: no event's."""
        return None

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        """Facts that this policy gives to the conditions of others."""
        return {}

    def writes(self) -> tuple[str, ...]:
        """Names of the statuses that this policy writes; one writer per name in a program."""
        return ()

    def opens(self) -> tuple[str, str, int] | None:
        """The points account that this policy keeps: its name, unit and scale."""
        return None

    def works_on(self) -> str | None:
        """The account that this policy works on; None: none."""
        return None

    def remembers(self) -> int:
        """Days that it may look back beyond the windows of its measures (a term)."""
        return 0

    def counts_awards(self) -> int | None:
        """Days for which its own awards are tallied, for its caps; None: not at all."""
        return None

    def faults(self, known: Known) -> list[Diagnostic]:
        """What is wrong with this policy inside its program, at paths that begin at its fields."""
        return []

    def follows(self, before: Policy) -> list[Diagnostic]:
        """What is wrong with this policy as the next version of another."""
        return []

    def applied(self, event: AnyEvent, reasons: Iterable[Reason], effects: Iterable[Effect] = ()) -> Decision:
        return Decision(self.id, self.effective_from, event.id, "APPLIED", tuple(reasons), tuple(effects))

    def declined(self, event: AnyEvent, reasons: Iterable[Reason]) -> Decision:
        return Decision(self.id, self.effective_from, event.id, "DECLINED", tuple(reasons))

    @classmethod
    def read(cls, data: Mapping[str, Any], currency: str | None = None) -> Self:
        """A policy out of its document form (without ``kind``)."""
        return cls.model_validate(data, context={"currency": currency})


def conditions_in(value: object, path: tuple[int | str, ...] = ()) -> list[tuple[tuple[int | str, ...], Condition]]:
    """Every condition inside a policy (or a part of one) with its path."""
    if isinstance(value, Condition):
        return [(path, value)]
    if isinstance(value, BaseModel):
        return [found for name in type(value).model_fields for found in conditions_in(getattr(value, name), (*path, name))]
    if isinstance(value, Mapping):
        return [found for name, item in value.items() for found in conditions_in(item, (*path, str(name)))]
    if isinstance(value, tuple):
        return [found for index, item in enumerate(value) for found in conditions_in(item, (*path, index))]
    return []


def fact_fields(value: object, path: tuple[int | str, ...] = ()) -> list[tuple[tuple[int | str, ...], Fact[Any]]]:
    """Every Fact field inside a policy with its path."""
    if isinstance(value, Fact):
        return [(path, value)]
    if isinstance(value, BaseModel):
        return [found for name in type(value).model_fields for found in fact_fields(getattr(value, name), (*path, name))]
    if isinstance(value, tuple):
        return [found for index, item in enumerate(value) for found in fact_fields(item, (*path, index))]
    return []


def _facts_in(policy: Policy) -> set[str]:
    names = {fact for _, condition in conditions_in(policy) for fact in condition.facts}
    return names | {fact.name for _, fact in fact_fields(policy)}


__all__ = [
    "EFFECTS",
    "PHASES",
    "BalanceFact",
    "Decision",
    "Effect",
    "Fact",
    "Known",
    "Outcome",
    "Phase",
    "Policy",
    "Posting",
    "Reason",
    "Signal",
    "Status",
    "StatusFact",
    "Touchpoint",
    "View",
    "conditions_in",
    "fact_fields",
    "reason",
]
