"""What an event adds to a tally: its facts, its lines, and what an order is worth as it stands now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from custrules.activity import NUMBER_SCALE
from custrules.calendars import Length
from custrules.conditions import Bound, evaluate
from custrules.event_fields import Scalar
from custrules.events import Activity, AnyEvent, Chargeback, Purchase, Reading, Return, SurveyResponse, TopUp
from custrules.events.feedback import CONTACT_OUTCOMES, STAGES
from custrules.facts import FactType, FactValue
from custrules.fields import Frozen, read_day, read_decimal, read_flag, wrong_type
from custrules.money import Rounding, rounded, to_units
from custrules.order_lines import OrderLine
from custrules.orders import Order

MONEY_SUBJECTS = ("spend", "margin")
NAMED = ("activity", "reading")
What = Literal["count", "sum", "latest", "each", "open"]
AttributeKind = Literal["money", "number", "whole", "text", "flag", "date"]
LINE_FACTS = ("sku", "category", "quantity", "amount")
_TEXT = FactType("text")
FIELDS: Mapping[str, Mapping[str, FactType]] = {
    "attendance": {"activity": _TEXT},
    "survey_response": {"score": _TEXT, "value": FactType("number"), "survey": _TEXT},
    "complaint": {"category": _TEXT, "severity": _TEXT},
    "complaint_update": {"stage": FactType("text", STAGES), "customer_agrees": FactType("flag"), "cause": _TEXT},
    "contact": {"trigger": _TEXT, "outcome": FactType("text", CONTACT_OUTCOMES), "category": _TEXT},
}
"""Fields of events that conditions may read, beside the channel, and an order's amount."""
NUMBERS: Mapping[str, Mapping[str, AttributeKind]] = {
    "survey_response": {"value": "number"},
    "top_up": {"amount": "money"},
}
"""Numbers that events bring, which measures may sum and average."""


@dataclass(frozen=True, slots=True)
class ActivityType:
    """What a declared activity carries: attributes by kind, and the unit of its quantity where it has one."""

    attributes: Mapping[str, AttributeKind]
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """One thing counted: a tally's key and how an event adds to it."""

    key: str
    subject: str
    attribute: str | None
    what: What
    type: FactType
    where: Bound | None = None
    lines: Bound | None = None


def name_of(event: AnyEvent) -> str:
    """What measures and conditions call an event: its type, or the name of the activity or of what is read off."""
    return event.name if event.type == "activity" or event.type == "reading" else event.type  # noqa: PLR1714 - type checkers read it so


def exact(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


@dataclass(frozen=True, slots=True)
class EventFacts:
    """Fields and declared attributes of one event as facts: channel, amount, quantity, and an activity's attributes."""

    event: AnyEvent
    declared: Mapping[str, AttributeKind]
    scale: int

    def value(self, name: str) -> FactValue | None:
        event = self.event
        if name == "channel":
            return event.channel
        if name == "amount" and isinstance(event, Purchase | Return | TopUp | Chargeback):
            return event.amount.minor if event.amount is not None else None
        if name == "quantity" and isinstance(event, Activity) and name not in self.declared:
            return exact(Fraction(event.quantity)) if event.quantity is not None else None
        if name == "value" and isinstance(event, Reading):
            return attribute_value(event.value, self.declared[name], self.scale)
        kind = self.declared.get(name)
        if kind is not None:
            return attribute_value(event.attributes.get(name), kind, self.scale)
        fields = FIELDS.get(event.type)
        return _field(getattr(event, name)) if fields is not None and name in fields else None

    def next_change(self, name: str) -> date | None:
        return None


def _field(value: Decimal | str | bool | None) -> FactValue | None:
    return exact(Fraction(value)) if isinstance(value, Decimal) else value


@dataclass(frozen=True, slots=True)
class LineFacts:
    """Fields of one line as facts: sku, category, quantity, amount."""

    line: OrderLine

    def value(self, name: str) -> FactValue | None:
        line = self.line
        if name == "quantity":
            return exact(Fraction(line.quantity))
        return {"sku": line.sku, "category": line.category, "amount": line.amount}.get(name)

    def next_change(self, name: str) -> date | None:
        return None


def line_types(scale: int) -> dict[str, FactType]:
    return {"sku": FactType("text"), "category": FactType("text"), "quantity": FactType("number"), "amount": FactType("money", scale=scale)}


def attribute_value(value: Scalar | None, kind: AttributeKind, scale: int) -> FactValue | None:
    """A declared attribute or profile field as a fact; None where it is missing. Raises ValueError where its text is of another kind."""
    if value is None:
        return None
    if kind == "flag":
        return read_flag(value)
    if isinstance(value, bool):
        raise wrong_type(kind, value)
    if kind == "text":
        return str(value)
    if kind == "date":
        return read_day(value)
    if kind == "money":
        text = str(value).partition(" ")[0]
        return to_units(read_decimal(text), scale, "the currency")
    number = Fraction(read_decimal(value if isinstance(value, int) else str(value)))
    if kind == "whole" and number.denominator != 1:
        raise wrong_type("a whole number", value)
    return exact(number)


def matching_lines(counted: Counted, lines: Iterable[OrderLine]) -> list[bool]:
    bound = counted.lines
    return [bound is None or evaluate(bound, LineFacts(line)) for line in lines]


def in_order(counted: Counted, order: Order, rule: str) -> int:
    """What an order as it stands now adds to a tally: 1 while anything of it is kept, or its spend or margin."""
    if counted.what == "count":
        return int(_kept_any(counted, order))
    if not order.lines:
        return order.deposit.money if order.deposit is not None else 0
    kept = order.kept()
    chosen = sum(amount for amount, fit in zip(kept, matching_lines(counted, order.lines), strict=True) if fit)
    if counted.subject not in MONEY_SUBJECTS:
        return chosen
    spend = _net(order, rule)
    if chosen != sum(kept):
        spend = rounded(Fraction(spend * chosen, sum(kept)), Rounding.half_up)
    return spend - _cost(order, counted, kept) if counted.subject == "margin" else spend


def single(counted: Counted, order: Order, rule: str) -> int | None:
    """What an order as it stands now is worth as one event; None while nothing of it is kept."""
    return in_order(counted, order, rule) if _kept_any(counted, order) else None


def _kept_any(counted: Counted, order: Order) -> bool:
    """Whether anything that is counted is kept: of an amount, or of the quantity of a line that cost nothing."""
    if not order.lines or order.type != "purchase":
        return not order.done  # a redemption, a top-up, a visit
    if counted.lines is None:
        return not order.all_gone
    rows = zip(order.lines, order.kept(), matching_lines(counted, order.lines), strict=True)
    return any(fit and line.is_kept(amount) for line, amount, fit in rows)


def _net(order: Order, rule: str) -> int:
    """What is kept of an order, less what coupons and points paid of it."""
    backs = order.tenders_back(rule) if order.tenders else []
    unpaid = sum(tender.amount - back for tender, back in zip(order.tenders, backs, strict=True) if tender.type in ("coupon", "points"))
    return order.left - unpaid


def _cost(order: Order, counted: Counted, kept: list[int]) -> int:
    rows = zip(order.lines, kept, matching_lines(counted, order.lines), strict=True)
    return sum(rounded(line.cost * line.share_kept(amount), Rounding.half_up) for line, amount, fit in rows if fit)


@dataclass(frozen=True, slots=True)
class Declarations:
    """What measures may count: declared activities, profile fields and readings, and the currency's decimals.

    ``horizons`` tells of readings that look ahead how far they do.
    """

    activities: Mapping[str, ActivityType]
    profile: Mapping[str, AttributeKind]
    scale: int
    readings: Mapping[str, AttributeKind] = field(default_factory=Frozen)
    horizons: Mapping[str, Length] = field(default_factory=Frozen)

    def attributes(self, event: AnyEvent) -> Mapping[str, AttributeKind]:
        """What an event carries beside the fields of its type: an activity's attributes, the value that is read off."""
        if event.type == "reading":
            return {"value": self.readings[event.name]}
        activity = self.activities.get(event.name) if event.type == "activity" else None
        return activity.attributes if activity is not None else {}


def event_fact_types(event: str, declared: Declarations) -> dict[str, FactType]:
    """Names and types of the facts that an event of a kind (or a declared activity) brings."""
    types = {"channel": FactType("text"), **FIELDS.get(event, {})}
    if event in ("purchase", "return", "top_up", "chargeback"):
        types["amount"] = FactType("money", scale=declared.scale)
    if event in declared.activities:
        activity = declared.activities[event]
        if activity.unit is not None:
            types["quantity"] = FactType("number")
        types |= {name: FactType(kind, scale=declared.scale if kind == "money" else 0) for name, kind in activity.attributes.items()}
    if event in declared.readings:
        types["value"] = reading_type(event, declared)
    return types


def reading_type(name: str, declared: Declarations) -> FactType:
    """What is read off, as a fact."""
    kind = declared.readings[name]
    return FactType(kind, scale=declared.scale if kind == "money" else 0)


def event_value(counted: Counted, event: AnyEvent, declared: Declarations) -> int | None:
    """What one event (not an order) adds to a tally, in the tally's smallest unit; None where it says nothing."""
    if counted.attribute is None:
        return 1
    value = _event_number(counted.attribute, event, declared)
    return value if counted.what != "count" else int(value is not None)


def _event_number(attribute: str, event: AnyEvent, declared: Declarations) -> int | None:
    if isinstance(event, Purchase | TopUp):
        return event.amount.minor
    if isinstance(event, Reading):
        kind = declared.readings[event.name]
        read = attribute_value(event.value, kind, declared.scale)
        return read if kind == "money" and isinstance(read, int) else _scaled(read)
    if isinstance(event, SurveyResponse):
        return _scaled(event.value)
    assert isinstance(event, Activity)
    if attribute == "quantity" and declared.activities[event.name].unit is not None:
        return _scaled(event.quantity)
    kind = declared.activities[event.name].attributes[attribute]
    value = attribute_value(event.attributes.get(attribute), kind, declared.scale)
    return value if kind == "money" and isinstance(value, int) else _scaled(value)


def _scaled(value: object) -> int | None:
    if value is None:
        return None
    assert isinstance(value, int | Fraction | Decimal)
    return rounded(Fraction(value) * 10**NUMBER_SCALE, Rounding.half_even)
