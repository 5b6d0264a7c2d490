"""What a policy answers: a Decision, its Reasons, and the four effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, cast, get_args

from custrules.codec import canonical, parse_json, scalar_text
from custrules.errors import EventError
from custrules.event_fields import Scalar
from custrules.events import KINDS as EVENTS
from custrules.fields import Frozen, frozen, thawed
from custrules.ledger import Lot, LotPart, Move, escaped
from custrules.money import Money
from custrules.state_parts import shown

Outcome = Literal["APPLIED", "DECLINED"]


_KEPT = frozenset({str, int, bool, Money, Decimal, type(None)})
_TEXTS = frozenset({Fraction, date})
_set, _new = object.__setattr__, object.__new__


def _checked(params: Mapping[str, Any]) -> None:
    """TypeError where a parameter is something else than a scalar, Money, an exact number or a date."""
    for value in params.values():
        if type(value) not in _KEPT and type(value) not in _TEXTS and not isinstance(value, str | int | Money | Decimal | Fraction | date):
            raise TypeError(f"a reason's parameter is a scalar, Money, an exact number or a date, not {type(value).__name__}")


def _param(value: Any) -> Any:
    """A parameter as it is read: a scalar, Money or exact number; fractions and dates as their text."""
    return value if type(value) in _KEPT or not isinstance(value, Fraction | date) else scalar_text(value)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code of the form ``family.noun.case`` and its numbers. ``custrules.render`` puts it into words.

    Parameters are kept as they were given and rendered when they are first read.
    """

    code: str
    params: Mapping[str, Any] = field(default_factory=Frozen)
    _raw: Mapping[str, Any] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _checked(self.params)
        _set(self, "params", Frozen({name: _param(value) for name, value in self.params.items()}))

    if not TYPE_CHECKING:  # a slot that is still empty; what is no field at all stays an error to type checkers

        def __getattr__(self, name: str) -> Any:
            if name != "params":
                raise AttributeError(name)
            rendered = Frozen({key: _param(value) for key, value in self._raw.items()})
            _set(self, "params", rendered)
            _set(self, "_raw", None)
            return rendered

    def to_data(self) -> dict[str, Any]:
        return {"code": self.code, "params": {name: tagged(value) for name, value in self.params.items()}}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Reason:
        return cls(str(data["code"]), {name: untagged(value) for name, value in data["params"].items()})


def reason(code: str, **params: Any) -> Reason:
    """A Reason out of keyword arguments."""
    _checked(params)
    made = _new(Reason)
    _set(made, "code", code)
    _set(made, "_raw", params)
    return made


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
        lots = [part.to_row() for part in self.lots]
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
    """Another subject is told: the host delivers it as an event of that subject, with this effect's id.

    ``name`` is the event's type (or a declared activity), ``data`` its attributes, ``content`` its other fields.
    """

    subject: str
    name: str
    data: Mapping[str, Scalar] = field(default_factory=Frozen)
    id: str = ""
    content: Mapping[str, Any] = field(default_factory=Frozen)
    effect: ClassVar[str] = "signal"

    def delivered(self, occurred_at: datetime) -> dict[str, Any]:
        """The event that it becomes when it is delivered, as plain data for ``program.event``."""
        kind = {"type": self.name} if self.name in EVENTS else {"type": "activity", "name": self.name}
        head = {"id": self.id, "customer_id": self.subject, "occurred_at": occurred_at, "attributes": dict(self.data)}
        return {**kind, **head, **thawed(self.content)}

    def to_data(self) -> dict[str, Any]:
        row = _flat(self)
        content = thawed(row.pop("content"))
        return row | {"content": content} if content else row

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Signal:
        return cls(data["subject"], data["name"], Frozen(data["data"]), data["id"], frozen(data.get("content", {})))


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


class Moved(NamedTuple):
    """Moves of one draft that stand for their Postings, which are made when somebody reads them."""

    moves: tuple[Move, ...]
    unit: str
    scale: int

    def postings(self) -> tuple[Posting, ...]:
        return tuple(Posting(source, target, self.unit, self.scale, quantity, lots) for source, target, quantity, lots in self.moves)


class _Unread(NamedTuple):
    """Effects that nobody has read yet, and whose they are: the customer (None: no ids yet) and the number of the first."""

    effects: tuple[Effect, ...] | Moved
    customer_id: str | None = None
    first: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """A policy's answer to one event: ``APPLIED`` or ``DECLINED``, why, and what follows from it.

    Effects that are moves of a draft are rendered, with their ids, when they are first read.
    """

    policy_id: str
    effective_from: date
    event_id: str
    outcome: Outcome
    reasons: tuple[Reason, ...]
    effects: tuple[Effect, ...] = ()
    _unread: _Unread | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.reasons:
            raise ValueError(f"policy {self.policy_id!r}: a decision has at least one reason")

    if not TYPE_CHECKING:  # a slot that is still empty; what is no field at all stays an error to type checkers

        def __getattr__(self, name: str) -> Any:
            if name != "effects":
                raise AttributeError(name)
            effects = self._rendered()
            _set(self, "effects", effects)
            _set(self, "_unread", None)
            return effects

    def _rendered(self) -> tuple[Effect, ...]:
        assert self._unread is not None
        given, customer, first = self._unread
        effects = given.postings() if isinstance(given, Moved) else given
        if customer is None:
            return effects
        head = f"{escaped(customer)}/{escaped(self.event_id)}/{escaped(self.policy_id)}/"
        return tuple(replace(effect, id=f"{head}{number}") for number, effect in enumerate(effects, first))

    @property
    def moves(self) -> tuple[Move, ...]:
        """The moves that its postings make, in order."""
        unread = self._unread
        if unread is not None and isinstance(unread.effects, Moved):
            return unread.effects.moves
        return tuple(effect.move for effect in self.effects if isinstance(effect, Posting))

    @property
    def moves_alone(self) -> bool:
        """Whether it is known, without rendering them, that its effects are postings alone."""
        return self._unread is not None and isinstance(self._unread.effects, Moved)

    def signed(self, customer_id: str, first: int = 0) -> Decision:
        """The same decision as it is given to the host: its effects carry ids, numbered from ``first``."""
        unread = self._unread
        effects = unread.effects if unread is not None else self.effects
        return _decision(self.policy_id, self.effective_from, self.event_id, self.outcome, self.reasons, _Unread(effects, customer_id, first))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the reasons, in their order."""
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


def _decision(
    policy_id: str, effective_from: date, event_id: str, outcome: Outcome, reasons: tuple[Reason, ...], effects: _Unread | None = None
) -> Decision:
    made = _new(Decision)
    _set(made, "policy_id", policy_id)
    _set(made, "effective_from", effective_from)
    _set(made, "event_id", event_id)
    _set(made, "outcome", outcome)
    _set(made, "reasons", reasons)
    _set(made, "_unread", effects)
    if effects is None:
        _set(made, "effects", ())
    return made


def decided(
    policy_id: str, effective_from: date, event_id: str, outcome: Outcome, reasons: tuple[Reason, ...], effects: tuple[Effect, ...] | Moved = ()
) -> Decision:
    """A Decision whose effects may be the moves of a draft."""
    if not reasons:
        raise ValueError(f"policy {policy_id!r}: a decision has at least one reason")
    return _decision(policy_id, effective_from, event_id, outcome, reasons, _Unread(effects) if effects else None)


def joined(decisions: Sequence[Decision]) -> Decision:
    """One decision out of a policy's answers about several orders: applied when any was."""
    if len(decisions) == 1:
        return decisions[0]
    outcome: Outcome = "APPLIED" if any(decision.outcome == "APPLIED" for decision in decisions) else "DECLINED"
    latest = max(decisions, key=lambda decision: decision.effective_from)
    reasons = tuple(why for decision in decisions for why in decision.reasons)
    return replace(latest, outcome=outcome, reasons=reasons, effects=tuple(effect for decision in decisions for effect in decision.effects))
