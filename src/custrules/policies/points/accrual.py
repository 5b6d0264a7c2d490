"""``points.accrual``: points for what was bought or done.

Order of operations: per line base (``exclude_lines``, ``multiply_lines``) → sum → order multipliers → flat bonuses → caps →
rounding, once. A return asks the same again with what is kept, and takes back what was awarded above that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import reduce
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from custrules.calendars import Window
from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.evaluation import Answer
from custrules.events import Activity, AnyEvent, Purchase, Return
from custrules.fields import RATE_SCHEMA, Frozen, Name, Rate, TextValue, one_of, rate_text, read_name, read_rate, wrong_type
from custrules.given import FactsCode
from custrules.ledger import EXPIRED, ISSUED, REVERSED
from custrules.money import Rounding, rounded
from custrules.orders import OrderLine, Record
from custrules.policies.points.account import Account, account_of, moved, owed_reason
from custrules.policies.points.evaluating import NO_LEVEL, asks, rate_at, write
from custrules.policy import Decision, FactsView, Known, Phase, Policy, Reason, View, reason
from custrules.validation import nearest

_ONCE = Fraction(1)
ByLevel = Fraction | Frozen
Combine = Literal["best", "product", "sum_of_extras"]
Over = Literal["clip", "soft", "decline"]


def _not_negative(rate: Fraction, value: object) -> Fraction:
    if rate < 0:
        raise wrong_type("a rate that is not negative", value)
    return rate


def _read_rate(value: object) -> Fraction:
    return _not_negative(read_rate(value), value)


def _read_by_level(value: object) -> ByLevel:
    """One rate, or rates by level; a level not named has the next lower one's."""
    if isinstance(value, Mapping):
        if not value:
            raise wrong_type("a rate, or rates by level", value)
        return Frozen({read_name(name): _read_rate(rate) for name, rate in value.items()})
    return _read_rate(value)


def _write_by_level(value: ByLevel) -> str | dict[str, str]:
    return {name: rate_text(rate) for name, rate in value.items()} if isinstance(value, Frozen) else rate_text(value)


_RATES_SCHEMA: dict[str, Any] = {"anyOf": [dict(RATE_SCHEMA), {"type": "object", "additionalProperties": dict(RATE_SCHEMA), "minProperties": 1}]}
Rates = Annotated[Fraction | Frozen, PlainValidator(_read_by_level), PlainSerializer(_write_by_level), WithJsonSchema(_RATES_SCHEMA)]
Factor = Annotated[Rate, BeforeValidator(_read_rate)]


class Multiplier(BaseModel):
    """The whole order counts ``by`` times ``when`` a condition holds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    by: Factor
    when: Condition


class LineMultiplier(BaseModel):
    """Lines that fit count ``by`` times."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    by: Factor
    lines: Condition


class Bonus(BaseModel):
    """Flat points on top, ``when`` a condition holds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    points: Factor
    when: Condition | None = None


class Period(TextValue):
    """What a cap runs over: ``event``, a ``calendar day|week|month|quarter|half|year``, or a rolling length such as ``30 days``."""

    __slots__ = ("text", "window")
    grammar = "event, a calendar period such as calendar month, or a length such as 30 days"
    text: str
    window: Window | None

    def __init__(self, text: str, window: Window | None) -> None:
        self.text, self.window = text, window

    @classmethod
    def parse(cls, text: str) -> Self:
        if text == "event":
            return cls(text, None)
        known = {"calendar day": "1 day"}.get(text, f"this {text}" if text.startswith("calendar ") else text)
        if known in ("lifetime", *NOT_PERIODS) or known.startswith("last "):
            raise wrong_type(cls.grammar, text)
        try:
            return cls(text, Window.parse(known))
        except PydanticCustomError:
            raise wrong_type(cls.grammar, text) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Period) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text


NOT_PERIODS = ("qualifying year", "membership year", "since level")


class Cap(BaseModel):
    """At most so many points per period. ``over``: ``clip`` gives what is left, ``soft`` lets the last award overshoot,
    ``decline`` gives nothing of an award that does not fit."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")
    later_fields: ClassVar[tuple[str, ...]] = ("group", "level", "campaign")

    at_most: Factor
    per: Period
    over: Annotated[Over, one_of("clip", "soft", "decline")] = "clip"


class Accrual(Policy):
    """Points for a purchase (by default) or for another event or declared activity.

    ``points_per_unit`` per 1.00 of the currency, ``points_per_quantity`` per unit of an activity's quantity (or of the lines'
    quantities), ``points`` per event. The level is the one held before the event; the excluded have nothing unless ``none``
    is named. Money tenders and stored-value principal earn; points, gift cards and coupons do not.
    """

    kind: ClassVar[str] = "points.accrual"
    phase: ClassVar[Phase] = "earn"
    later_fields: ClassVar[tuple[str, ...]] = ("points_per", "counts", "group", "gratis")

    account: Name = "points"
    event: Name = "purchase"
    when: Condition | None = None
    points_per_unit: Rates | None = None
    points_per_quantity: Rates | None = None
    points: Rates | None = None
    exclude_lines: Condition | None = None
    multiply_lines: Annotated[tuple[LineMultiplier, ...], Field(max_length=200)] = ()
    multiply: Annotated[tuple[Multiplier, ...], Field(max_length=200)] = ()
    combine: Annotated[Combine, one_of("best", "product", "sum_of_extras")] | None = None
    bonuses: Annotated[tuple[Bonus, ...], Field(max_length=200)] = ()
    caps: Annotated[tuple[Cap, ...], Field(max_length=50)] = ()
    rounding: Annotated[Rounding, one_of(*Rounding)] = Rounding.floor

    # -- what the program asks of it -------------------------------------------------------------------------------

    def listens_to(self) -> tuple[str, ...]:
        return (self.event, "activity", "return")

    def event_name(self) -> str:
        return self.event

    def works_on(self) -> str:
        return self.account

    def reads(self) -> frozenset[str]:
        return super().reads() | {"tier"}

    def counts_awards(self) -> int | None:
        periods = [cap.per.window.at_most_days or 0 for cap in self.caps if cap.per.window is not None]
        return max(periods) if periods else None

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(self._faults(known))

    def _faults(self, known: Known) -> Iterator[Diagnostic]:
        if self.event not in known.events or self.event in _NOT_EARNING:
            params = {
                "found": self.event,
                "known": ", ".join(sorted(set(known.events) - set(_NOT_EARNING))),
                "nearest": nearest(self.event, known.events),
            }
            yield Diagnostic("document.unknown_event", "event", params)
        if not any((self.points_per_unit is not None, self.points_per_quantity is not None, self.points is not None, self.bonuses)):
            yield Diagnostic("document.missing_field", "", {"field": "points_per_unit"})
        if self.combine is None and max(len(self.multiply), len(self.multiply_lines)) > 1:
            yield Diagnostic("document.combine_needed", "", {"choices": "best, product, sum_of_extras"})
        for field in ("points_per_unit", "exclude_lines", "multiply_lines"):
            if getattr(self, field) not in (None, ()) and self.event != "purchase":
                yield Diagnostic("document.not_with", field, {"field": field, "other": f"event: {self.event}"})
        for field in ("points_per_unit", "points_per_quantity", "points"):
            yield from self._level_faults(field, known)

    def _level_faults(self, field: str, known: Known) -> Iterator[Diagnostic]:
        rates = getattr(self, field)
        for name in rates if isinstance(rates, Frozen) else ():
            if name not in known.levels and name != NO_LEVEL:
                params = {"found": name, "known": ", ".join(known.levels) or "none", "nearest": nearest(name, known.levels)}
                yield Diagnostic("document.unknown_level", f"{field}.{name}", params)

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, Return):
            return self._take_back(event, view)
        name = event.name if isinstance(event, Activity) else event.type
        if name != self.event:
            return None
        if self.when is not None and not view.test(self.when):
            return self.declined(event, self.unearned().reasons)
        return self._award(event, view)

    def unearned(self) -> Answer:
        return Answer("DECLINED", 0, (reason("points.accrual.condition", policy=self.id),))

    def _award(self, event: AnyEvent, view: View) -> Decision:
        account = account_of(view, self.account)
        units, answer = self._answered(event, view, account)
        if answer.outcome == "DECLINED":
            return self.declined(event, answer.reasons)
        source = "purchase" if isinstance(event, Purchase) else "gratis"
        account.grant(view, units, source=source)
        return self.applied(event, answer.reasons, moved(view, account))

    def _answered(self, event: AnyEvent | None, view: View, account: Account) -> tuple[int, Answer]:
        """The points in smallest units, and what is said about them."""
        wanted, multiplier = self._computed(event, view, account)
        allowed, told = self._capped(wanted, view, account)
        units = rounded(allowed, self.rounding)
        return units, self.answer(account, units, self._level(view), multiplier, told)

    def answer(self, account: Account, units: int, level: str | None, multiplier: Fraction, told: list[Reason]) -> Answer:
        """What is said about so many points; ``told`` is what caps took."""
        if units <= 0:
            return Answer("DECLINED", account.shown(0), (*told, reason("points.accrual.nothing", policy=self.id, level=level)))
        points = account.shown(units)
        spend = {"points": points, "account": account.id, "level": level, "multiplier": multiplier}
        return Answer("APPLIED", points, (reason("points.accrual.spend" if self.event == "purchase" else "points.accrual.event", **spend), *told))

    def _computed(self, event: AnyEvent | None, view: View, account: Account) -> tuple[Fraction, Fraction]:
        """What the rules give before caps, in smallest units of points, and the order multiplier in it."""
        factor = self.factor(row.by for row in self.multiply if view.test(row.when)) if self.multiply else _ONCE
        base = self._base(event, view)
        if factor is not _ONCE:
            base *= factor
        if self.bonuses:
            base += sum(row.points for row in self.bonuses if row.when is None or view.test(row.when))
        return base * 10**account.scale if account.scale else base, factor

    def factor(self, factors: Iterable[Fraction]) -> Fraction:
        """What the multipliers that apply come to together."""
        return combined(self.combine, factors)

    def _base(self, event: AnyEvent | None, view: View) -> Fraction:
        base = self._of_amounts(view) if self.points_per_unit is not None else Fraction(0)
        if self.points is not None:
            base += self._rate(self.points, view) if view.order is None or not view.order.all_gone else 0
        if self.points_per_quantity is not None:
            base += self._rate(self.points_per_quantity, view) * self._quantity(event, view)
        return base

    def _of_amounts(self, view: View) -> Fraction:
        """Rate × share that earns × amounts kept, as one fraction: each in between would cost a common divisor."""
        assert self.points_per_unit is not None
        amounts: Fraction | int
        if view.order is not None and self.exclude_lines is None and not self.multiply_lines:
            amounts = view.order.left
        else:
            amounts = sum(kept * self._line_factor(line, view) for line, kept in self._lines(view))
        rate, share = self._rate(self.points_per_unit, view), view.earning_share()
        over = rate.numerator * share.numerator * amounts.numerator
        return Fraction(over, rate.denominator * share.denominator * amounts.denominator * 10**view.scale)

    def _lines(self, view: View) -> Iterator[tuple[OrderLine, int]]:
        excluded = self.exclude_lines
        return ((line, kept) for line, kept in view.kept_lines() if excluded is None or not view.line_matches(excluded, line))

    def _line_factor(self, line: OrderLine, view: View) -> Fraction | int:
        if not self.multiply_lines:
            return 1
        return combined(self.combine, (row.by for row in self.multiply_lines if view.line_matches(row.lines, line)))

    def _quantity(self, event: AnyEvent | None, view: View) -> Fraction:
        if event is None:
            return Fraction(cast("Fraction | None", view.value("quantity")) or 0)
        if view.order is None:
            return Fraction(event.quantity) if isinstance(event, Activity) and event.quantity is not None else Fraction(0)
        return sum((Fraction(line.quantity_left) * self._line_factor(line, view) for line, _ in self._lines(view)), Fraction(0))

    def _rate(self, rates: ByLevel, view: View) -> Fraction:
        return rate_at(rates, self._level(view), view.levels)

    @staticmethod
    def _level(view: View) -> str | None:
        level = view.value("tier") if view.levels else None
        return str(level) if level is not None else None

    # -- caps ------------------------------------------------------------------------------------------------------

    def _capped(self, wanted: Fraction, view: View, account: Account) -> tuple[Fraction, list[Reason]]:
        allowed, told = wanted, []
        for cap in self.caps:
            room = max(cap.at_most * 10**account.scale - (view.awarded(self, cap.per.window) if cap.per.window else 0), Fraction(0))
            given = under(cap.over, allowed, room)
            if given < allowed:
                told.append(self.capped(cap, account, rounded(allowed, self.rounding) - rounded(given, self.rounding)))
            allowed = given
        return allowed, told

    def capped(self, cap: Cap, account: Account, lost: int) -> Reason:
        return reason("points.accrual.capped", at_most=cap.at_most, per=str(cap.per), lost=account.shown(lost))

    # -- given facts -----------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        return asks(self, view)

    def evaluated(self, view: FactsView, /) -> Answer:
        if self.points_per_quantity is not None and self.event == "purchase":
            return super().evaluated(view)  # the quantities of lines are no facts
        if self.when is not None and not view.test(self.when):
            return self.unearned()
        return self._answered(None, view, account_of(view, self.account))[1]

    def write_evaluation(self, code: FactsCode, view: FactsView, /) -> bool:
        return write(self, code, view)

    # -- returns ---------------------------------------------------------------------------------------------------

    def _take_back(self, event: Return, view: View) -> Decision | None:
        """What was awarded above what the kept lines earn is reversed; a reversal re-awards nothing."""
        record, order = view.record(self), view.order
        if record is None or order is None:
            return None
        account = account_of(view, self.account)
        awarded = record.moved(source=ISSUED)
        kept = self.when is None or view.test(self.when)
        target = min(rounded(self._computed(event, view, account)[0], self.rounding) if kept and not order.all_gone else 0, awarded)
        take = awarded - record.reversed - target
        if take <= 0:
            return None
        lots = list({part.lot.id: part.lot for part in record.parts(ISSUED)}.values())
        reversal = view.ledger.take_back(account.id, take, lots, _unforgiven(record, order.expired))
        reasons = [reason("points.reversal.return", points=account.shown(take), account=account.id, order=order.id, kept=account.shown(target))]
        if reversal.forgiven:
            reasons.append(reason("points.reversal.forgiven", points=account.shown(reversal.forgiven), account=account.id))
        return self.applied(event, reasons + owed_reason(account, reversal.owed), moved(view, account))


def combined(combine: Combine | None, factors: Iterable[Fraction]) -> Fraction:
    """Multipliers that meet: the best, their product, or one plus the sum of what each adds; none is 1."""
    found = list(factors)
    if not found:
        return Fraction(1)
    if combine == "sum_of_extras":
        return max(Fraction(0), 1 + sum((factor - 1 for factor in found), Fraction(0)))
    return reduce(lambda left, right: left * right, found) if combine == "product" else max(found)


def under(over: Over, wanted: Fraction, room: Fraction) -> Fraction:
    if wanted <= room:
        return wanted
    if over == "soft":
        return wanted if room > 0 else Fraction(0)
    return room if over == "clip" else Fraction(0)


def _unforgiven(record: Record, expired: Mapping[str, int]) -> dict[str, int]:
    """What of each lot expired unspent, less what was forgiven already."""
    left = dict(expired)
    for move in record.moves:
        if move.source == EXPIRED and move.target == REVERSED:
            for lot, quantity in move.parts:
                left[lot.id] = left.get(lot.id, 0) - quantity
    return left


_NOT_EARNING = ("new_day", "tick", "return", "redemption_cancelled", "adjustment", "merge", "closure")
