"""What a policy answers: a Decision, its Reasons, and the four effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal, cast, get_args

from custrules.codec import canonical, parse_json, scalar_text
from custrules.errors import EventError
from custrules.event_fields import Scalar
from custrules.fields import Frozen
from custrules.ledger import Lot, LotPart, Move
from custrules.money import Money
from custrules.state import shown

Outcome = Literal["APPLIED", "DECLINED"]


def _param(value: object) -> Any:
    """A parameter as it is kept: a scalar, Money or exact number; fractions and dates as their text."""
    if isinstance(value, Fraction | date):
        return scalar_text(value)
    if value is None or isinstance(value, str | int | Money | Decimal):
        return value
    raise TypeError(f"a reason's parameter is a scalar, Money, an exact number or a date, not {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code of the form ``family.noun.case`` and its numbers. ``custrules.render`` puts it into words."""

    code: str
    params: Mapping[str, Any] = field(default_factory=Frozen)

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", Frozen({name: _param(value) for name, value in self.params.items()}))

    def to_data(self) -> dict[str, Any]:
        return {"code": self.code, "params": {name: tagged(value) for name, value in self.params.items()}}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Reason:
        return cls(str(data["code"]), {name: untagged(value) for name, value in data["params"].items()})


def reason(code: str, **params: Any) -> Reason:
    """A Reason out of keyword arguments."""
    return Reason(code, params)


def tagged(value: object) -> Any:
    """Money and decimals keep their type on the wire: ``{"money": "12.50 CNY"}``, ``{"number": "1.5"}``."""
    if isinstance(value, Money):
        return {"money": str(value)}
    return {"number": scalar_text(value)} if isinstance(value, Decimal) else value


def untagged(value: Any) -> Any:
    """What ``tagged`` wrote."""
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
