"""What happens to a customer: frozen models with a discriminator ``type``. The set of kinds is closed.

Amounts are Money; in data a bare "12.50" takes the program's currency when it is read with ``program.event``.
Instants are aware and kept in UTC. Quantities are exact decimals. A host's own doings are an ``Activity``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError, model_validator

from custrules.codec import canonical, parse_json
from custrules.errors import Diagnostic, EventError
from custrules.event_fields import EventId, Id, Positive, Profile, Quantity, Scalars, ScalarValue, Tags
from custrules.fields import (
    MAX_YEAR,
    MIN_YEAR,
    Day,
    Frozen,
    Instant,
    Name,
    Text,
    Whole,
    fault,
    instant_text,
    one_of,
    read_flag,
)
from custrules.money import Money
from custrules.validation import diagnostics_of, nearest

MAX_LINES = 10_000
_FILLED_IN: Any = None  # an amount that is not given is the sum of the parts
_UNSET = datetime(2000, 1, 1, tzinfo=UTC)  # passing time has no instant of its own before its program's zone is known


def _not_negative(value: Money) -> Money:
    if value.minor < 0:
        raise fault("event.negative_amount", found=value)
    return value


TenderType = Literal["cash", "card", "points", "stored_value", "gift_card", "coupon"]
_TENDERS = ("cash", "card", "points", "stored_value", "gift_card", "coupon")


class Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")


class Line(Part):
    """One line of an order. ``amount`` is what is asked for the whole line, ``list_amount`` what it costs undiscounted."""

    sku: Id | None = None
    category: Id | None = None
    quantity: Positive = Decimal(1)
    amount: Money
    list_amount: Money | None = None
    cost: Money | None = None
    tags: Tags = ()


class Tender(Part):
    """One way in which an order is paid: its ``amount``, for points also their ``quantity``."""

    type: Annotated[TenderType, one_of(*_TENDERS)]
    amount: Money
    quantity: Positive | None = None
    reference: Id | None = None

    @model_validator(mode="after")
    def _points_say_how_many(self) -> Self:
        if (self.type == "points") != (self.quantity is not None):
            raise fault("event.points_quantity", tender=self.type)
        return self


class ReturnLine(Part):
    """A returned line: named by ``line`` (counting from 1) or ``sku``; as much of it as ``amount`` or ``quantity`` says."""

    line: Whole | None = None
    sku: Id | None = None
    quantity: Positive | None = None
    amount: Money | None = None


def _read_tenders(value: object) -> object:
    """Tenders as a list, or as a mapping of type to amount or fields, in the order named."""
    if not isinstance(value, Mapping):
        return value
    rows = []
    for kind, item in value.items():
        rows.append({**item, "type": kind} if isinstance(item, Mapping) and "type" not in item else {"type": kind, "amount": item})
    return rows


class Event(BaseModel):
    """What every event carries. ``decided_at`` is stamped by the step that accepted it; hosts store the stamped event."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")
    brings_value: ClassVar[bool] = False

    type: str
    id: EventId
    customer_id: Id
    occurred_at: Instant
    recorded_at: Instant | None = None
    decided_at: Instant | None = None
    channel: Id | None = None
    attributes: Scalars = Frozen()

    @model_validator(mode="after")
    def _decided_after_it_happened(self) -> Self:
        if self.decided_at is not None and self.decided_at < self.occurred_at:
            raise fault("event.decided_too_early", decided_at=instant_text(self.decided_at), occurred_at=instant_text(self.occurred_at))
        return self

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, UTC, no floats; fields at their default are left out."""
        return canonical(self.model_dump(mode="json", exclude_defaults=True) | {"type": self.type})

    @classmethod
    def from_json(cls, text: bytes | str) -> AnyEvent:
        """The event whose ``to_json`` this is; EventError names every fault."""
        return read_event(parse_json(text, EventError))

    def __reduce__(self) -> tuple[Any, ...]:
        return Event.from_json, (self.to_json(),)


E = TypeVar("E", bound=Event)


class Enrolment(Event):
    """The customer joined; may bring profile fields."""

    type: Literal["enrolment"] = "enrolment"
    profile: Profile = Frozen()


class ProfileUpdate(Event):
    """Profile fields changed; ``None`` takes one away."""

    type: Literal["profile_update"] = "profile_update"
    profile: Profile


class ConsentUpdate(Event):
    """Consent given or withdrawn, by channel: ``{"sms": "marketing"}`` or ``{"sms": "none"}``."""

    type: Literal["consent_update"] = "consent_update"
    consent: Annotated[
        Mapping[Id, Annotated[Literal["marketing", "none"], one_of("marketing", "none")]], AfterValidator(Frozen), PlainSerializer(dict)
    ] = Frozen()
    do_not_contact: Annotated[bool, PlainValidator(read_flag)] | None = None


class Purchase(Event):
    """An order: ``lines`` and ``tenders``, or simply ``amount``. What is given must agree; what is not is filled in."""

    type: Literal["purchase"] = "purchase"
    amount: Money = _FILLED_IN
    lines: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES)] = ()
    tenders: Annotated[tuple[Tender, ...], BeforeValidator(_read_tenders), Field(max_length=100)] = ()
    list_amount: Money | None = None

    @model_validator(mode="after")
    def _amounts_agree(self) -> Self:
        totals = {"amount": self.amount, "lines": total_of(self.lines), "tenders": total_of(self.tenders)}
        given = {name: total for name, total in totals.items() if total is not None}
        if not given:
            raise fault("event.no_amount")
        _one_currency(self)
        amount, *others = given.values()
        if any(other != amount for other in others):
            raise fault("event.amounts_differ", totals=", ".join(f"{name} {total}" for name, total in given.items()))
        _not_negative(amount)
        for part in (*(line.amount for line in self.lines), *(tender.amount for tender in self.tenders)):
            _not_negative(part)
        object.__setattr__(self, "amount", amount)
        return self


class Return(Event):
    """Goods came back: of the purchase ``of``, or of none that is named (then the program's ``returns.matching`` looks).

    What comes back: ``lines``, or an ``amount``, or, with neither, all that is left of the purchase.
    """

    type: Literal["return"] = "return"
    of: Id | None = None
    lines: Annotated[tuple[ReturnLine, ...], Field(max_length=MAX_LINES)] = ()
    amount: Money | None = None

    @model_validator(mode="after")
    def _says_what_comes_back(self) -> Self:
        if self.lines and self.amount is not None and total_of(self.lines) != self.amount:
            raise fault("event.amounts_differ", totals=f"amount {self.amount}, lines {total_of(self.lines)}")
        for part in (self.amount, *(line.amount for line in self.lines)):
            if part is not None:
                _not_negative(part)
        if self.of is None:
            if self.amount is None and not self.lines:
                raise fault("event.return_of_nothing")
            if any(line.amount is None or line.line is not None for line in self.lines):
                raise fault("event.return_needs_amounts")
        elif any(line.line is None and line.sku is None for line in self.lines):
            raise fault("event.return_names_no_line")
        _one_currency(self)
        return self


class Redemption(Event):
    """Points are spent outside an order: as money off, or for a ``quantity`` of a named ``reward``, whose price may be left out."""

    type: Literal["redemption"] = "redemption"
    brings_value: ClassVar[bool] = True
    points: Positive | None = None
    account: Id | None = None
    reward: Id | None = None
    quantity: Positive = Decimal(1)

    @model_validator(mode="after")
    def _says_what_is_redeemed(self) -> Self:
        if self.points is None and self.reward is None:
            raise fault("event.redemption_of_nothing")
        if self.reward is None and self.quantity != 1:
            raise fault("event.quantity_without_reward")
        return self


class RedemptionCancelled(Event):
    """A redemption is undone; ``of`` names it."""

    type: Literal["redemption_cancelled"] = "redemption_cancelled"
    of: Id


class Referral(Event):
    """The customer brought a friend."""

    type: Literal["referral"] = "referral"
    friend: Id
    friend_keys: Scalars = Frozen()


class Visit(Event):
    """The customer came by."""

    type: Literal["visit"] = "visit"


class Activity(Event):
    """The host's own doing, declared under ``activities:``; ``quantity`` where the declaration gives it a unit."""

    type: Literal["activity"] = "activity"
    name: Name
    quantity: Quantity | None = None


class Reading(Event):
    """The level that something stands at, declared under ``readings:``; it stands until the next one. A day's last reading is the day's."""

    type: Literal["reading"] = "reading"
    name: Name
    value: ScalarValue


class Adjustment(Event):
    """A correction by hand: ``quantity`` is added to (or, negative, taken from) ``account``."""

    type: Literal["adjustment"] = "adjustment"
    account: Id
    quantity: Quantity
    reason: Text
    approver: Text | None = None


class TierGrant(Event):
    """A level given by hand: never below ``level`` until ``until`` (a last day)."""

    type: Literal["tier_grant"] = "tier_grant"
    level: Id
    until: Day | None = None
    reason: Text
    approver: Text | None = None
    status: Name = "tier"


class NewDay(Event):
    """A local day opens. Its id is ``day:`` and the day; hosts call ``advance``, or send one to have a day asked."""

    type: Literal["new_day"] = "new_day"
    id: Id = ""
    occurred_at: Instant = _UNSET
    day: Day

    @model_validator(mode="after")
    def _named_after_its_day(self) -> Self:
        object.__setattr__(self, "id", f"day:{self.day.isoformat()}")
        if "occurred_at" not in self.model_fields_set:
            object.__setattr__(self, "occurred_at", datetime.combine(self.day, time(), UTC))
        return self


class Tick(Event):
    """An instant is reached. Its id is ``at:`` and the instant."""

    type: Literal["tick"] = "tick"
    id: Id = ""
    occurred_at: Instant = _UNSET
    at: Instant

    @model_validator(mode="after")
    def _named_after_its_instant(self) -> Self:
        object.__setattr__(self, "id", f"at:{instant_text(self.at)}")
        object.__setattr__(self, "occurred_at", self.at)
        return self


_A_DAY = NewDay(customer_id="-", day=date(2000, 1, 1))
_AN_INSTANT = Tick(customer_id="-", at=_UNSET)


def new_day(customer_id: str, day: date) -> NewDay:
    """``NewDay(customer_id=..., day=...)`` out of values that are known to be good."""
    if not MIN_YEAR <= day.year <= MAX_YEAR:
        return NewDay(customer_id=customer_id, day=day)  # which says what is wrong
    occurred_at = datetime.combine(day, time(), UTC)
    values = {"customer_id": customer_id, "day": day, "id": f"day:{day.isoformat()}", "occurred_at": occurred_at}
    return _like(_A_DAY, values, {"customer_id", "day"})


def tick(customer_id: str, at: datetime) -> Tick:
    """``Tick(customer_id=..., at=...)`` out of values that are known to be good: an instant in UTC."""
    if not MIN_YEAR <= at.year <= MAX_YEAR:
        return Tick(customer_id=customer_id, at=at)  # which says what is wrong
    values = {"customer_id": customer_id, "at": at, "id": f"at:{instant_text(at)}", "occurred_at": at}
    return _like(_AN_INSTANT, values, {"customer_id", "at"})


def stamped(event: E, decided_at: datetime) -> E:
    """The same event with the instant at which it was decided."""
    return _like(event, {"decided_at": decided_at}, event.model_fields_set | {"decided_at"})


_set = object.__setattr__


def _like(event: E, values: dict[str, object], given: set[str]) -> E:
    """A copy with other values, which nobody has to check: ``model_copy`` at a fifth of its price."""
    twin = object.__new__(type(event))
    _set(twin, "__dict__", event.__dict__ | values)
    _set(twin, "__pydantic_fields_set__", given)
    _set(twin, "__pydantic_extra__", None)
    _set(twin, "__pydantic_private__", None)
    return twin


AnyEvent = (
    Enrolment
    | ProfileUpdate
    | ConsentUpdate
    | Purchase
    | Return
    | Redemption
    | RedemptionCancelled
    | Referral
    | Visit
    | Activity
    | Reading
    | Adjustment
    | TierGrant
    | NewDay
    | Tick
)

KINDS: dict[str, type[Event]] = {kind.model_fields["type"].default: kind for kind in AnyEvent.__args__}
Time = NewDay | Tick


def total_of(parts: tuple[Line, ...] | tuple[Tender, ...] | tuple[ReturnLine, ...]) -> Money | None:
    """The sum of the parts' amounts; None where there are none."""
    amounts = [part.amount for part in parts if part.amount is not None]
    _same_currency(amounts)
    return Money.from_minor(sum(amount.minor for amount in amounts), amounts[0].currency) if amounts else None


def moneys_in(event: Event) -> list[Money]:
    """Every amount that an event carries."""
    if not isinstance(event, Purchase | Return):
        return []
    amounts = [event.amount, *(part.amount for part in event.lines)]
    if isinstance(event, Purchase):
        amounts += [event.list_amount, *(part.amount for part in event.tenders)]
        amounts += [extra for line in event.lines for extra in (line.list_amount, line.cost)]
    return [amount for amount in amounts if amount is not None]


def _one_currency(event: Purchase | Return) -> None:
    _same_currency(moneys_in(event))


def _same_currency(amounts: list[Money]) -> None:
    currencies = sorted({amount.currency for amount in amounts})
    if len(currencies) > 1:
        raise fault("event.currencies_mixed", found=", ".join(currencies))


def read_event(data: object, currency: str | None = None) -> AnyEvent:
    """An event out of plain data; EventError carries every fault with its path."""
    if isinstance(data, Event):
        data = data.model_dump()
    if not isinstance(data, Mapping):
        raise EventError([Diagnostic("event.wrong_type", params={"expected": "a mapping with a type", "found": type(data).__name__})])
    name = data.get("type")
    if name is None:
        raise EventError([Diagnostic("event.missing_field", "", {"field": "type"})])
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        params = {"found": name, "known": ", ".join(sorted(KINDS)), "nearest": nearest(str(name), KINDS)}
        raise EventError([Diagnostic("event.unknown_type", "type", params)])
    try:
        return kind.model_validate(dict(data), context={"currency": currency})  # type: ignore[return-value]  # KINDS holds the union's members
    except ValidationError as error:
        raise EventError(diagnostics_of(error, "event", kind)) from None
