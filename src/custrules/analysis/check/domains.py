"""What each fact may be, as far as the library itself knows it: bounds, grids, whether it may be missing, which facts hang together."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Literal

from custrules.calendars import ONE_DAY, Window
from custrules.calendars.rules import WEEKDAYS, festival_of, season_of, term_of
from custrules.counting import LINE_FACTS, MONEY_SUBJECTS, Counted, event_fact_types, line_types
from custrules.facts import FactType, FactValue
from custrules.fields import MAX_YEAR, MIN_YEAR
from custrules.measures import LatestMeter, Meter, RatioMeter, SinceMeter, UntilMeter, WindowMeter
from custrules.meters import AveragePerMeter, BestPerMeter, GapMeter, SkipMeter
from custrules.naming import BIRTHDAY_FACTS, CONSENT
from custrules.policy import StatusFact
from custrules.rulebook import Rulebook

Missing = Literal["never", "unknown", "may"]
"""``unknown``: only where a state does not reach back far enough; never in a witness."""

Pair = Callable[[FactValue, FactValue], bool]
MOON_FACTS = ("festival", "solar_term", "season")
CALENDAR_FACTS = ("weekday", "day_of_month", "month", *MOON_FACTS, *BIRTHDAY_FACTS)
_FIRST, _DAYS = date(2001, 1, 1), 28 * 365 + 7  # after which the days of the week and leap years come round again
_NEVER_MISSING = ("zone", "do_not_contact")


MOST_WORK = 600_000  # comparisons of a cell with a value, for one program: a few seconds at most


class GaveUp(Exception):
    """A question came to its bound without an answer."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What a fact may be. ``low`` is the least value of all, ``likely_low`` the least that a witness takes; ``step`` is the grid
    of its values in the unit that conditions compare (None: any exact number)."""

    type: FactType
    missing: Missing = "may"
    low: int | date | None = None
    likely_low: int | date | None = None
    high: int | date | None = None
    step: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which facts a condition reads: those of an event kind (or none), or those of a line; whether the event is counted already."""

    event: str | None = None
    lines: bool = False
    counted: bool = False


class World:
    """The facts of one program, and the work that may go into questions about them."""

    rules: Rulebook
    work: int
    known_axes: dict[object, object]
    all_days: Callable[[bool, bool], list[dict[str, FactValue | None]]]
    days: Callable[[tuple[str, ...]], list[dict[str, FactValue | None]]]

    def __init__(self, rules: Rulebook) -> None:
        self.rules, self.work, self.known_axes = rules, 0, {}
        self.all_days = lru_cache(maxsize=4)(lambda birthdays, moon: _days(rules, birthdays, moon))
        self.days = lru_cache(maxsize=100)(self._days_of)

    def _days_of(self, names: tuple[str, ...]) -> list[dict[str, FactValue | None]]:
        """What some facts of the calendar are together on any day, each way once."""
        rows = self.all_days(any(name in BIRTHDAY_FACTS for name in names), any(name in MOON_FACTS for name in names))
        found = {tuple(row[name] for name in names): row for row in rows}
        return [dict(zip(names, values, strict=True)) for values in found]

    def charge(self, work: int) -> None:
        """Count work that is about to be done; GaveUp where it is too much."""
        if self.work + work > MOST_WORK:
            raise GaveUp
        self.work += work

    def is_calendar(self, name: str, scope: Scope) -> bool:
        named = name in CALENDAR_FACTS or name in self.rules.calendar
        return named and not scope.lines and name not in self._event_types(scope)

    def _event_types(self, scope: Scope) -> Mapping[str, FactType]:
        return event_fact_types(scope.event, self.rules.parts.declared) if scope.event is not None else {}

    def domain(self, name: str, scope: Scope) -> Domain:
        if scope.lines:
            return _line_domain(name, self.rules.scale)
        types = self._event_types(scope)
        if name in types:
            return _event_domain(name, types[name])
        if name in self.rules.tables.facts:
            return Domain(self.rules.types[name], "may", step=_grid(self.rules.types[name]))
        meter = self.rules.meters.get(name)
        if meter is not None:
            return self._measured(meter, scope)
        if name in self.rules.given:
            return self._given(name)
        kind = self.rules.types[name]
        if kind.kind == "date":
            return Domain(kind, "may", date(MIN_YEAR, 1, 1), None, date(MAX_YEAR, 12, 31))
        return Domain(kind, "never" if name in _NEVER_MISSING or name.startswith(CONSENT) else "may", step=_grid(kind))

    def _given(self, name: str) -> Domain:
        """A status or a balance. Balances are never negative: what is owed stands in an account of its own."""
        given = self.rules.given[name]
        if not isinstance(given, StatusFact):
            account = self.rules.accounts.get(self.rules.resolve(name.partition(".")[0]))
            return Domain(given.type, "never", 0, 0, step=Fraction(1, 10 ** account[1]) if account else None)
        always = given.default is not None and not given.unless
        return Domain(given.type, "unknown" if always else "may")  # unknown: before the first version of the ladder

    def _measured(self, meter: Meter, scope: Scope) -> Domain:
        whole = Fraction(1)
        match meter:
            case SinceMeter():
                here = scope.counted and _plain(meter.counted[0], scope)
                return Domain(meter.type, "unknown" if here else "may", 0, 0, 0 if here else None, whole)
            case UntilMeter():
                return Domain(meter.type, "may", 0, 0, step=whole)
            case GapMeter():
                return Domain(meter.type, "may", 1, 1)
            case SkipMeter():
                return self._measured(meter.inner, Scope())
            case WindowMeter() | AveragePerMeter() | BestPerMeter():
                return self._windowed(meter, scope)
        return Domain(meter.type, "may")

    def _windowed(self, meter: WindowMeter | AveragePerMeter | BestPerMeter, scope: Scope) -> Domain:
        """A sum, a count, or one per period: never missing where the window itself is known; sums may be negative by returns of no order."""
        missing: Missing = "unknown" if meter.window.of_days_alone else "may"
        if meter.type.kind == "whole":
            least = int(scope.counted and _plain(meter.counted[0], scope) and meter.window.holds_today)
            return Domain(meter.type, missing, least, least, step=Fraction(1))
        if isinstance(meter, WindowMeter) and len(meter.counted) > 1:
            return Domain(meter.type, "may", None, 0)
        averaged = isinstance(meter, AveragePerMeter)
        low = 0 if meter.counted[0].what == "count" else None
        return Domain(meter.type, missing, low, 0, step=_grid(meter.type) if not averaged else None)

    def sums_spend(self, name: str) -> bool:
        """Whether a measure is the sum of all spend of a window that holds today."""
        meter = self.rules.meters[name]
        if not isinstance(meter, WindowMeter) or len(meter.counted) > 1 or meter.window.kind in ("last", "level"):
            return False
        counted = meter.counted[0]
        return counted.subject == "spend" and counted.what == "sum" and counted.where is None and counted.lines is None

    def follows(self, name: str) -> bool:
        """Whether a fact follows from others in a way that is not looked into: the answer of a table."""
        return name in self.rules.tables.facts

    # -- facts that hang together ----------------------------------------------------------------------------------

    def family(self, name: str, scope: Scope) -> str:
        """Facts of one family may hang together; those of different ones may be anything side by side."""
        if scope.lines:
            return f"line {name}"
        if name in self._event_types(scope):
            return "purchase" if (name, scope.event) == ("amount", "purchase") else f"event {name}"
        meter = self.rules.meters.get(name)
        if isinstance(meter, UntilMeter):
            return f"profile {meter.field}"
        if meter is not None:
            subject = meter.counted[0].subject
            return "purchase" if subject in MONEY_SUBJECTS else subject
        return f"profile {name}"

    def pair(self, first: str, second: str, scope: Scope, likely: bool) -> Pair | None:
        """Which values two facts of a family may have together; None: any. In a witness (``likely``), only what is known to go together."""
        if "amount" in (first, second) and scope.event == "purchase":
            return self._with_amount(first, second, scope) if likely else None
        one, other = self.rules.meters.get(first), self.rules.meters.get(second)
        if one is None or other is None:
            return _never if likely else None
        known = _known_pair(one, other, likely) or _turned(_known_pair(other, one, likely))
        return known or (_never if likely else None)

    def _with_amount(self, first: str, second: str, scope: Scope) -> Pair:
        """What is bought now is in the spend of a window that holds today."""
        measure = self.rules.meters.get(second if first == "amount" else first)
        if isinstance(measure, WindowMeter) and len(measure.counted) == 1 and measure.counted[0].what == "count":
            return _any
        spend = isinstance(measure, WindowMeter) and len(measure.counted) == 1 and _plain(measure.counted[0], scope)
        if not spend or not scope.counted:
            return _never
        assert isinstance(measure, WindowMeter)
        if measure.counted[0].subject != "spend":
            return _never
        if not measure.window.holds_today:
            return _any
        return le if first == "amount" else ge


def _plain(counted: Counted, scope: Scope) -> bool:
    """Whether every event of the scope is counted."""
    subjects = (scope.event, *MONEY_SUBJECTS) if scope.event == "purchase" else (scope.event,)
    return counted.subject in subjects and counted.where is None and counted.lines is None and counted.attribute is None


def _any(first: FactValue, second: FactValue) -> bool:
    return True


def _never(first: FactValue, second: FactValue) -> bool:
    return False


def _none_of_nothing(count: FactValue, total: FactValue) -> bool:
    return bool(count) or not total


def _turned(pair: Pair | None) -> Pair | None:
    return (lambda first, second: pair(second, first)) if pair is not None else None


def _known_pair(inner: Meter, outer: Meter, likely: bool) -> Pair | None:
    """What is known of a measure and another whose window holds the first one's."""
    if isinstance(inner, RatioMeter | LatestMeter) or not (isinstance(inner, WindowMeter) and isinstance(outer, WindowMeter)):
        return None
    if len(inner.counted) > 1 or len(outer.counted) > 1:
        return None
    first, second = inner.counted[0], outer.counted[0]
    if first.key == second.key and inner.window == outer.window:
        return eq
    if not nested(inner.window, outer.window):
        return None
    if _base(first) == _base(second) and (first.key == second.key or (second.where is None and second.lines is None)):
        return le if likely or first.what == "count" else None
    counts = second.what == "count" and second.where is None and second.lines is None
    return _turned(_none_of_nothing) if likely and counts and first.what == "sum" else None


def _base(counted: Counted) -> str:
    return counted.key.partition(" ")[0]


@lru_cache(maxsize=4096)
def nested(inner: Window, outer: Window) -> bool:
    """Whether the days of the one are always days of the other."""
    if outer.kind == "lifetime" or inner == outer:
        return True
    if inner.kind == "lifetime" or not (inner.of_days_alone and outer.of_days_alone):
        return False
    (after, upto), (start, end) = _bounds(inner), _bounds(outer)
    return not any(map(lt, after, start)) and not any(map(gt, upto, end))


@lru_cache(maxsize=256)
def _bounds(window: Window) -> tuple[array[int], array[int]]:
    """The eve of a window's first day and its last day as numbers, for every day that there is to look at."""
    bounds = [window.bounds(_FIRST + timedelta(days=ahead)) for ahead in range(_DAYS)]
    return array("i", [after.toordinal() for after, _ in bounds if after is not None]), array("i", [upto.toordinal() for _, upto in bounds])


def _line_domain(name: str, scale: int) -> Domain:
    assert name in LINE_FACTS
    kind = line_types(scale)[name]
    if kind.kind == "text":
        return Domain(kind, "may")
    return Domain(kind, "never", 0, 0, step=Fraction(1) if kind.kind == "money" else None)


def _event_domain(name: str, kind: FactType) -> Domain:
    if name == "amount" and kind.kind == "money":
        return Domain(kind, "unknown", 0, 0, step=Fraction(1))
    return Domain(kind, "may", step=_grid(kind))


def _grid(kind: FactType) -> Fraction | None:
    """Money and whole numbers come in units."""
    return Fraction(1) if kind.kind in ("money", "whole") else None


def _days(rules: Rulebook, birthdays: bool, moon: bool) -> list[dict[str, FactValue | None]]:
    """The facts of every kind of day that there is, with a birthday near it or far away."""
    found: dict[tuple[object, ...], dict[str, FactValue | None]] = {}
    for ahead in range(_DAYS):
        day = _FIRST + timedelta(days=ahead)
        facts: dict[str, FactValue | None] = {"weekday": WEEKDAYS[day.weekday()], "day_of_month": day.day, "month": day.month}
        facts |= {name: rule.holds(day) is True for name, rule in rules.calendar.items()}  # what is not known is as if it were not
        if moon:
            facts |= dict(zip(MOON_FACTS, (festival_of(day), term_of(day), season_of(day)), strict=True))
        for flags in sorted(_birthday_flags(day), reverse=True) if birthdays else ((),):
            row = facts | dict(zip(BIRTHDAY_FACTS, flags, strict=False))
            found.setdefault(tuple(row.values()), row)
    return list(found.values())


def _birthday_flags(day: date) -> set[tuple[bool, ...]]:
    """Today, this week, this month: what a birthday may be as seen from a day."""
    monday = day - day.weekday() * ONE_DAY
    week = {(False, True, (monday + number * ONE_DAY).month == day.month) for number in range(7) if number != day.weekday()}
    return {(True, True, True), (False, False, True), (False, False, False), *week}
