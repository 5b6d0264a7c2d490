"""Named measures: what is counted, over which window, and when time alone next changes it.

A measure reads tallies (one per thing counted, shared by measures that differ in their window only), so that its value
as of any day that the tallies still hold is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules.activity import NUMBER_SCALE, ActivityLog
from custrules.calendars import ONE_DAY, Window
from custrules.codec import canonical
from custrules.conditions import Bound, Condition, bind, evaluate
from custrules.errors import Diagnostic, DocumentError
from custrules.events import KINDS, Activity, AnyEvent, Purchase, Return, Scalar
from custrules.facts import FactType, FactValue
from custrules.fields import Text, describe, instant_text, read_day, read_decimal, read_flag, wrong_type
from custrules.money import Money, Rounding, rounded, to_units
from custrules.orders import Order, OrderLine
from custrules.validation import nearest

AGGREGATES = ("sum", "count", "average", "latest", "since", "until", "ratio")
MONEY_SUBJECTS = ("spend", "margin")
AttributeKind = Literal["money", "number", "whole", "text", "flag", "date"]
LINE_FACTS = ("sku", "category", "quantity", "amount")
_DAYS, _QUOTIENT = FactType("whole"), FactType("number")


def _read_pair(value: object) -> object:
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise wrong_type("two measures: [spend_90d, spend_before]", value)


class Measure(BaseModel):
    """One of sum, count, average, latest, since, until or ratio; see the document format for what each takes."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")
    later_fields: ClassVar[tuple[str, ...]] = ("best", "open", "gap", "per", "skip")

    sum: Text | None = None
    count: Text | None = None
    average: Text | None = None
    latest: Text | None = None
    since: Text | None = None
    until: Text | None = None
    ratio: Annotated[tuple[str, str], BeforeValidator(_read_pair)] | None = None
    base: Text | None = None
    window: Window | None = None
    where: Condition | None = None
    lines: Condition | None = None

    @property
    def aggregates(self) -> list[str]:
        return [name for name in AGGREGATES if getattr(self, name) is not None]


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
    what: Literal["count", "sum", "latest"]
    type: FactType
    where: Bound | None = None
    lines: Bound | None = None


class Meter(Protocol):
    """A compiled measure."""

    @property
    def type(self) -> FactType: ...

    @property
    def counted(self) -> tuple[Counted, ...]: ...

    def value(self, source: Source, day: date) -> FactValue | None: ...

    def next_change(self, source: Source, day: date) -> date | None: ...

    def evaluable(self, source: Source, day: date) -> bool: ...

    @property
    def reach(self) -> int | None:
        """Days that it looks back at most; None: no rows of days at all."""


@dataclass(frozen=True, slots=True)
class Source:
    """What measures read: the tallies, and dates of the profile."""

    log: ActivityLog
    dates: Callable[[str], date | None]


@dataclass(frozen=True, slots=True)
class WindowMeter:
    """sum, count and average over a window."""

    counted: tuple[Counted, ...]
    window: Window
    type: FactType
    factor: int = 1

    def value(self, source: Source, day: date) -> FactValue | None:
        totals = [self._total(source, counted.key, day) for counted in self.counted]
        if None in totals:
            return None
        if len(totals) == 1:
            return exact(Fraction(totals[0] or 0, self.factor)) if self.factor != 1 else totals[0]
        total, number = totals
        return exact(Fraction(total or 0, (number or 0) * self.factor)) if number and number > 0 else None

    def _total(self, source: Source, key: str, day: date) -> int | None:
        tally = source.log.tally(key)
        after, upto = self.window.bounds(day)
        if tally is None:
            return None
        if after is not None and upto < after:
            return 0
        return tally.between(after, upto)

    def evaluable(self, source: Source, day: date) -> bool:
        after, _ = self.window.bounds(day)
        tallies = [source.log.tally(counted.key) for counted in self.counted]
        return all(tally is not None and tally.reaches(after) for tally in tallies)

    def next_change(self, source: Source, day: date) -> date | None:
        return earliest(self._change(source, counted.key, day) for counted in self.counted)

    def _change(self, source: Source, key: str, day: date) -> date | None:
        tally = source.log.tally(key)
        if tally is None:
            return None
        after, _ = self.window.bounds(day)
        first = tally.first_after(after)
        if not tally.reaches(after):  # it becomes evaluable one day, unless it looks back for ever: ask daily until then
            return day + ONE_DAY if after is not None else None
        inside = first if first is not None and first <= day else None
        return self.window.next_change(day, inside, tally.first_after(day)) if first or self.window.length is None else None

    @property
    def reach(self) -> int | None:
        return self.window.at_most_days


@dataclass(frozen=True, slots=True)
class LatestMeter:
    """The last value within a window, by the end of the day."""

    counted: tuple[Counted, ...]
    window: Window
    type: FactType
    factor: int = 1

    def value(self, source: Source, day: date) -> FactValue | None:
        latest = source.log.latest(self.counted[0].key)
        after, upto = self.window.bounds(day)
        found = latest.upto(upto) if latest is not None else None
        if found is None or (after is not None and found[0] <= after):
            return None
        return exact(Fraction(found[1], self.factor)) if self.factor != 1 else found[1]

    def evaluable(self, source: Source, day: date) -> bool:
        latest = source.log.latest(self.counted[0].key)
        return latest is not None and (latest.held_from is None or latest.upto(day) is not None)

    def next_change(self, source: Source, day: date) -> date | None:
        latest = source.log.latest(self.counted[0].key)
        if latest is None:
            return None
        after, _ = self.window.bounds(day)
        found = latest.upto(day)
        inside = found[0] if found is not None and (after is None or found[0] > after) else None
        return self.window.next_change(day, inside, latest.first_after(day))

    @property
    def reach(self) -> int | None:
        return self.window.at_most_days


@dataclass(frozen=True, slots=True)
class SinceMeter:
    """Days since the last event of a kind; missing before the first."""

    counted: tuple[Counted, ...]
    type: FactType = _DAYS

    def value(self, source: Source, day: date) -> FactValue | None:
        tally = source.log.tally(self.counted[0].key)
        last = tally.last_upto(day) if tally is not None else None
        return (day - last).days if last is not None else None

    def evaluable(self, source: Source, day: date) -> bool:
        tally = source.log.tally(self.counted[0].key)
        return tally is not None and (tally.held_from is None or tally.last_upto(day) is not None)

    def next_change(self, source: Source, day: date) -> date | None:
        tally = source.log.tally(self.counted[0].key)
        if tally is None:
            return None
        return day + ONE_DAY if tally.last_upto(day) is not None else tally.first_after(day)

    @property
    def reach(self) -> int | None:
        return 0


@dataclass(frozen=True, slots=True)
class UntilMeter:
    """Days to a date of the profile: 0 on the day, missing after it."""

    field: str
    type: FactType = _DAYS
    counted: tuple[Counted, ...] = ()

    def value(self, source: Source, day: date) -> FactValue | None:
        end = source.dates(self.field)
        return (end - day).days if end is not None and end >= day else None

    def evaluable(self, source: Source, day: date) -> bool:
        return True

    def next_change(self, source: Source, day: date) -> date | None:
        end = source.dates(self.field)
        return day + ONE_DAY if end is not None and end >= day else None

    @property
    def reach(self) -> int | None:
        return 0


@dataclass(frozen=True, slots=True)
class RatioMeter:
    """An exact fraction of two measures; missing where the second does not satisfy ``base``, or is zero."""

    over: Meter
    under: Meter
    base: Bound | None = None
    type: FactType = _QUOTIENT

    @property
    def counted(self) -> tuple[Counted, ...]:
        return self.over.counted + self.under.counted

    def value(self, source: Source, day: date) -> FactValue | None:
        over, under = self.over.value(source, day), self.under.value(source, day)
        if not isinstance(over, int | Fraction) or not isinstance(under, int | Fraction) or not under:
            return None
        if self.base is not None and not evaluate(self.base, One("base", under)):
            return None
        return exact(Fraction(over) / Fraction(under))

    def evaluable(self, source: Source, day: date) -> bool:
        return self.over.evaluable(source, day) and self.under.evaluable(source, day)

    def next_change(self, source: Source, day: date) -> date | None:
        return earliest((self.over.next_change(source, day), self.under.next_change(source, day)))

    @property
    def reach(self) -> int | None:
        reaches = [self.over.reach, self.under.reach]
        return None if None in reaches else max(reach for reach in reaches if reach is not None)


@dataclass(frozen=True, slots=True)
class One:
    """Facts of one name."""

    name: str
    held: FactValue | None

    def value(self, name: str) -> FactValue | None:
        return self.held if name == self.name else None

    def next_change(self, name: str) -> date | None:
        return None


def exact(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def earliest(days: Iterable[date | None]) -> date | None:
    return min((day for day in days if day is not None), default=None)


# -- what events add ---------------------------------------------------------------------------------------------------


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
        if name == "amount" and isinstance(event, Purchase | Return):
            return event.amount.minor if event.amount is not None else None
        if name == "quantity" and isinstance(event, Activity) and name not in self.declared:
            return exact(Fraction(event.quantity)) if event.quantity is not None else None
        kind = self.declared.get(name)
        return attribute_value(event.attributes.get(name), kind, self.scale) if kind is not None else None

    def next_change(self, name: str) -> date | None:
        return None


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
        return 0
    kept = order.kept()
    chosen = sum(amount for amount, fit in zip(kept, matching_lines(counted, order.lines), strict=True) if fit)
    if counted.subject not in MONEY_SUBJECTS:
        return chosen
    spend = _net(order, rule)
    if chosen != sum(kept):
        spend = rounded(Fraction(spend * chosen, sum(kept)), Rounding.half_up)
    return spend - _cost(order, counted, kept) if counted.subject == "margin" else spend


def _kept_any(counted: Counted, order: Order) -> bool:
    """Whether anything that is counted is kept: of an amount, or of the quantity of a line that cost nothing."""
    if not order.lines:
        return not order.done  # a redemption
    if counted.lines is None:
        return not order.all_gone
    rows = zip(order.lines, order.kept(), matching_lines(counted, order.lines), strict=True)
    return any(fit and (amount > 0 or (not line.amount and line.quantity_left > 0)) for line, amount, fit in rows)


def _net(order: Order, rule: str) -> int:
    """What is kept of an order, less what coupons and points paid of it."""
    backs = order.tenders_back(rule) if order.tenders else []
    unpaid = sum(tender.amount - back for tender, back in zip(order.tenders, backs, strict=True) if tender.type in ("coupon", "points"))
    return order.left - unpaid


def _cost(order: Order, counted: Counted, kept: list[int]) -> int:
    rows = zip(order.lines, kept, matching_lines(counted, order.lines), strict=True)
    return sum(rounded(line.cost * _share_kept(line, amount), Rounding.half_up) for line, amount, fit in rows if fit)


def _share_kept(line: OrderLine, amount: int) -> Fraction:
    """How much of a line is kept: by amount, or, where it cost nothing, by quantity."""
    return Fraction(amount, line.amount) if line.amount else Fraction(line.quantity_left) / Fraction(line.quantity)


# -- compiling ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Declarations:
    """What measures may count: declared activities and profile fields, and the currency's decimals."""

    activities: Mapping[str, ActivityType]
    profile: Mapping[str, AttributeKind]
    scale: int


class Compiler:
    """Turns measures into meters; every fault is noted with its place."""

    measures: Mapping[str, Measure]
    declared: Declarations

    def __init__(self, measures: Mapping[str, Measure], declared: Declarations) -> None:
        self.measures, self.declared = measures, declared
        self.faults: list[Diagnostic] = []
        self.meters: dict[str, Meter] = {}
        for name, measure in measures.items():
            if measure.ratio is None:
                self._compile(name, measure)
        for name, measure in measures.items():
            if measure.ratio is not None:
                self._ratio(name, measure)

    def _fault(self, code: str, name: str, part: str = "", /, **params: object) -> None:
        path = f"measures.{name}" + (f".{part}" if part else "")
        self.faults.append(Diagnostic(code, path, {key: str(value) for key, value in params.items()}))

    def _compile(self, name: str, measure: Measure) -> None:
        aggregates = measure.aggregates
        if len(aggregates) != 1:
            self._fault("document.one_aggregate", name, found=", ".join(aggregates) or "none", known=", ".join(AGGREGATES))
            return
        (aggregate,) = aggregates
        if self._misplaced(name, measure, aggregate):
            return
        if aggregate == "until":
            self._until(name, measure)
            return
        found = self._counted(name, measure, aggregate)
        if found is not None:
            self._windowed(name, measure, aggregate, found)

    def _misplaced(self, name: str, measure: Measure, aggregate: str) -> bool:
        """Fields that this kind of measure does not take, or lacks."""
        takes = {"until": set[str](), "since": {"where", "lines"}}.get(aggregate, {"window", "where", "lines"})
        wrong = [field for field in ("base", "window", "where", "lines") if getattr(measure, field) is not None and field not in takes]
        for field in wrong:
            self._fault("document.not_with", name, field, field=field, other=aggregate)
        if "window" in takes and measure.window is None:
            self._fault("document.missing_field", name, "window", field="window")
            return True
        return bool(wrong)

    def _until(self, name: str, measure: Measure) -> None:
        field = str(measure.until)
        if self.declared.profile.get(field) != "date":
            dates = [known for known, kind in self.declared.profile.items() if kind == "date"]
            self._fault("document.unknown_date", name, "until", found=field, known=", ".join(dates), nearest=nearest(field, dates))
            return
        self.meters[name] = UntilMeter(field)

    def _windowed(self, name: str, measure: Measure, aggregate: str, found: Counted) -> None:
        factor = 10**NUMBER_SCALE if found.type.kind == "number" and aggregate != "count" else 1
        if aggregate == "since":
            self.meters[name] = SinceMeter((found,))
            return
        assert measure.window is not None
        if aggregate == "latest":
            self.meters[name] = LatestMeter((found,), measure.window, found.type, factor)
        elif aggregate == "average":
            number = self._tally(found, "count")
            kind = FactType("money", scale=found.type.scale) if found.type.kind == "money" else FactType("number")
            self.meters[name] = WindowMeter((found, number), measure.window, kind, factor)
        else:
            kind = FactType("whole") if aggregate == "count" else found.type
            self.meters[name] = WindowMeter((found,), measure.window, kind, factor)

    def _counted(self, name: str, measure: Measure, aggregate: str) -> Counted | None:
        subject, attribute, kind = self._subject(name, str(getattr(measure, aggregate)), aggregate) or ("", None, None)
        if kind is None:
            return None
        ordered = subject in (*MONEY_SUBJECTS, "purchase")
        if measure.lines is not None and not ordered:
            self._fault("document.not_with", name, "lines", field="lines", other=subject)
            return None
        where = self._bound(measure.where, self.event_types(subject), f"measures.{name}.where")
        lines = self._bound(measure.lines, line_types(self.declared.scale), f"measures.{name}.lines")
        what: Literal["count", "sum", "latest"] = "latest" if aggregate == "latest" else "count" if aggregate in ("count", "since") else "sum"
        document = {"where": measure.where.document() if measure.where else None, "lines": measure.lines.document() if measure.lines else None}
        suffix = "" if not any(document.values()) else " " + canonical({key: value for key, value in document.items() if value}).decode()
        base = subject if attribute is None else f"{subject}.{attribute}"
        return Counted(f"{what}:{base}{suffix}", subject, attribute, what, kind, where, lines)

    @staticmethod
    def _tally(found: Counted, what: Literal["count"]) -> Counted:
        """The number of the events that a sum is made of."""
        head, space, suffix = found.key.partition(" ")
        base = head.partition(":")[2]
        return Counted(f"{what}:{base}{space}{suffix}", found.subject, found.attribute, what, found.type, found.where, found.lines)

    def _subject(self, name: str, text: str, aggregate: str) -> tuple[str, str | None, FactType] | None:
        """What a measure counts: its event type, spend, margin or activity; the attribute summed; and the type of one value."""
        money, whole = FactType("money", scale=self.declared.scale), FactType("whole")
        if aggregate in ("count", "since"):
            if text in self.declared.activities or text in COUNTABLE:
                return text, None, whole
            known = [*COUNTABLE, *self.declared.activities]
        else:
            head, dot, attribute = text.partition(".")
            if text in MONEY_SUBJECTS and aggregate != "latest":
                return text, None, money
            if head == "purchase" and attribute == "amount" and aggregate != "sum":
                return "purchase", "amount", money
            if head in self.declared.activities:
                return self._activity(name, head, attribute if dot else None, aggregate)
            known = [*MONEY_SUBJECTS, *self.declared.activities]
        self._fault("document.unknown_subject", name, aggregate, found=text, known=", ".join(sorted(known)), nearest=nearest(text, known))
        return None

    def _activity(self, name: str, activity: str, attribute: str | None, aggregate: str) -> tuple[str, str | None, FactType] | None:
        declared = self.declared.activities[activity]
        numbers = {field: kind for field, kind in declared.attributes.items() if kind in ("money", "number", "whole")}
        if attribute is None:
            attribute = "quantity" if declared.unit is not None else next(iter(numbers)) if len(numbers) == 1 else None
        kind = "number" if attribute == "quantity" and declared.unit is not None else numbers.get(attribute or "")
        if kind is None or attribute is None:
            self._fault("document.no_number", name, aggregate, activity=activity, known=", ".join(numbers) or "none")
            return None
        return activity, attribute, FactType("money", scale=self.declared.scale) if kind == "money" else FactType("number")

    def _ratio(self, name: str, measure: Measure) -> None:
        assert measure.ratio is not None
        if len(measure.aggregates) != 1:
            self._fault("document.one_aggregate", name, found=", ".join(measure.aggregates), known=", ".join(AGGREGATES))
            return
        for field in ("window", "where", "lines"):
            if getattr(measure, field) is not None:
                self._fault("document.not_with", name, field, field=field, other="ratio")
        plain = [known for known, other in self.measures.items() if other.ratio is None]
        for index, part in enumerate(measure.ratio):
            if part not in plain:
                self._fault("document.unknown_measure", name, f"ratio[{index}]", found=part, known=", ".join(plain), nearest=nearest(part, plain))
        over, under = (self.meters.get(part) for part in measure.ratio)
        if over is None or under is None:
            return
        base = self._base(name, measure, under.type)
        self.meters[name] = RatioMeter(over, under, base)

    def _base(self, name: str, measure: Measure, kind: FactType) -> Bound | None:
        if measure.base is None:
            return None
        try:
            condition = Condition.of({"base": measure.base})
        except DocumentError:
            self._fault("document.bad_cell", name, "base", fact="base", cell=describe(measure.base), expected='a cell such as ">= 20"', nearest="")
            return None
        return self._bound(condition, {"base": kind}, f"measures.{name}.base", strip="base")

    def _bound(self, condition: Condition | None, table: Mapping[str, FactType], path: str, strip: str = "") -> Bound | None:
        if condition is None:
            return None
        bound, faults = bind(condition, table, path)
        self.faults += [Diagnostic(fault.code, path if strip else fault.path, fault.params) for fault in faults]
        return bound

    def event_types(self, subject: str) -> dict[str, FactType]:
        """Facts of the events that a subject counts."""
        return event_fact_types("purchase" if subject in MONEY_SUBJECTS else subject, self.declared)


COUNTABLE = tuple(kind for kind in KINDS if kind not in ("activity", "new_day", "tick", "adjustment", "tier_grant"))


def event_fact_types(event: str, declared: Declarations) -> dict[str, FactType]:
    """Names and types of the facts that an event of a kind (or a declared activity) brings."""
    types = {"channel": FactType("text")}
    if event in ("purchase", "return"):
        types["amount"] = FactType("money", scale=declared.scale)
    if event in declared.activities:
        activity = declared.activities[event]
        if activity.unit is not None:
            types["quantity"] = FactType("number")
        types |= {name: FactType(kind, scale=declared.scale if kind == "money" else 0) for name, kind in activity.attributes.items()}
    return types


def event_value(counted: Counted, event: AnyEvent, declared: Declarations) -> int | None:
    """What one event (not an order) adds to a tally, in the tally's smallest unit; None where it says nothing."""
    if counted.attribute is None:
        return 1
    value = _event_number(counted.attribute, event, declared)
    return value if counted.what != "count" else int(value is not None)


def _event_number(attribute: str, event: AnyEvent, declared: Declarations) -> int | None:
    if isinstance(event, Purchase):
        return event.amount.minor
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


def money_of(units: FactValue | None, currency: str) -> Money | None:
    """A fact of kind money as people read it; an average is shown half up in the currency's scale."""
    if not isinstance(units, int | Fraction):
        return None
    return Money.from_minor(rounded(Fraction(units), Rounding.half_up), currency)


def instant_key(event: AnyEvent) -> str:
    return instant_text(event.occurred_at)
