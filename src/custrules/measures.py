"""Named measures: what is counted, over which window, and when time alone next changes it.

A measure reads tallies (one per thing counted, shared by measures that differ in their window only), so that its value
as of any day that the tallies still hold is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Annotated, ClassVar, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules.activity import ActivityLog
from custrules.calendars import ONE_DAY, Length, Window
from custrules.calendars.windows import PERIODS, Bounds, PeriodName, Standing
from custrules.conditions import Condition
from custrules.counting import Counted, exact
from custrules.facts import FactType, FactValue
from custrules.fields import Text, one_of, wrong_type
from custrules.given import Quotient
from custrules.tallies import Tally, Values

AGGREGATES = ("sum", "count", "average", "best", "latest", "open", "gap", "since", "until", "difference", "ratio")
MAX_PARTS = 20  # of a difference
_DAYS = FactType("whole")
_QUOTIENT = FactType("number")


def _read_pair(value: object) -> object:
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise wrong_type("two measures: [spend_90d, spend_before]", value)


def _read_parts(value: object) -> object:
    if isinstance(value, list | tuple) and 1 < len(value) <= MAX_PARTS and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise wrong_type("measures, the first less the others: [margin_12m, service_12m]", value)


class Measure(BaseModel):
    """One of sum, count, average, best, latest, open, gap, since, until, difference or ratio; see the document format for what each takes."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    sum: Text | None = None
    count: Text | None = None
    average: Text | None = None
    best: Text | None = None
    latest: Text | None = None
    open: Text | None = None
    gap: Text | None = None
    since: Text | None = None
    until: Text | None = None
    difference: Annotated[tuple[str, ...], BeforeValidator(_read_parts)] | None = None
    ratio: Annotated[tuple[str, str], BeforeValidator(_read_pair)] | None = None
    base: Text | None = None
    window: Window | None = None
    per: Annotated[PeriodName | None, one_of(*PERIODS)] = None
    skip: Length | None = None
    where: Condition | None = None
    lines: Condition | None = None

    @property
    def aggregates(self) -> list[str]:
        return [name for name in AGGREGATES if getattr(self, name) is not None]


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


def _nothing_carried(name: str, first_day: date) -> int | Fraction:
    return 0


@dataclass(frozen=True, slots=True)
class Source:
    """What measures read: the tallies, dates of the profile, and how the customer stands.

    ``carried(measure, first day of a qualifying year)`` is what a rollover adds to the measure in that year, in the unit that its
    value has inside (money in smallest units, numbers as they are). ``changed`` is the last day on which a decision changed anything.
    """

    log: ActivityLog
    dates: Callable[[str], date | None]
    standing: Standing = field(default_factory=Standing)
    carried: Callable[[str, date], int | Fraction] = _nothing_carried
    changed: date | None = None

    def unsettled(self, window: Window, day: date) -> bool:
        """Whether a decision of the day may have moved what a window says after a policy had been asked."""
        return window.follows_decisions and self.changed is not None and self.changed >= day


@dataclass(frozen=True, slots=True)
class WindowMeter:
    """sum, count and average over a window."""

    counted: tuple[Counted, ...]
    window: Window
    type: FactType
    factor: int = 1
    name: str = ""

    def value(self, source: Source, day: date) -> FactValue | None:
        bounds = self.window.within(day, source.standing)
        totals = [total_of(source, counted.key, bounds) for counted in self.counted]
        if None in totals:
            return None
        if len(totals) == 1:
            return self._with_carried(totals[0] or 0, source, day)
        total, number = totals
        return exact(Fraction(total or 0, (number or 0) * self.factor)) if number and number > 0 else None

    def _with_carried(self, total: int, source: Source, day: date) -> int | Fraction:
        """A total with what a rollover adds in the year that is looked at."""
        value = total if self.factor == 1 else exact(Fraction(total, self.factor))
        year = self.window.year(day, source.standing) if self.window.kind == "qualifying" else None
        return exact(Fraction(value + source.carried(self.name, year[0]))) if year is not None else value

    def evaluable(self, source: Source, day: date) -> bool:
        bounds = self.window.within(day, source.standing)
        tallies = [source.log.tally(counted.key) for counted in self.counted]
        return all(tally is not None and (bounds is None or tally.reaches(*bounds)) for tally in tallies)

    def next_change(self, source: Source, day: date) -> date | None:
        return earliest(change_of(self.window, source, source.log.tally(counted.key), day) for counted in self.counted)

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
        bounds = self.window.within(day, source.standing)
        found = latest.upto(bounds[1]) if latest is not None and bounds is not None else None
        if bounds is None or found is None or (bounds[0] is not None and found[0] <= bounds[0]):
            return None
        return exact(Fraction(found[1], self.factor)) if self.factor != 1 else found[1]

    def evaluable(self, source: Source, day: date) -> bool:
        latest = source.log.latest(self.counted[0].key)
        return latest is not None and (latest.held_from is None or latest.upto(day) is not None)

    def next_change(self, source: Source, day: date) -> date | None:
        latest = source.log.latest(self.counted[0].key)
        if source.unsettled(self.window, day):
            return day + ONE_DAY
        bounds = self.window.within(day, source.standing)
        if latest is None or bounds is None:
            return self.window.next_change(day, None, None, source.standing) if latest is not None else None
        found = latest.upto(day)
        inside = found[0] if found is not None and (bounds[0] is None or found[0] > bounds[0]) else None
        return self.window.next_change(day, inside, latest.first_after(day), source.standing)

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

    def grown(self, source: Source, day: date) -> int | None:
        """The value where it is one more each day from here on; None where it is missing, or an event is known that lies ahead."""
        tally = source.log.tally(self.counted[0].key)
        last = tally.last_upto(day) if tally is not None and tally.first_after(day) is None else None
        return (day - last).days if last is not None else None

    @property
    def reach(self) -> int | None:
        return 0


@dataclass(frozen=True, slots=True)
class OpenMeter:
    """How many are open: those that were begun, less those that were closed, by the end of the day."""

    counted: tuple[Counted, ...]
    type: FactType = _DAYS

    def value(self, source: Source, day: date) -> FactValue | None:
        tally = source.log.tally(self.counted[0].key)
        return tally.total(day) if tally is not None and tally.reaches(None, day) else None

    def evaluable(self, source: Source, day: date) -> bool:
        tally = source.log.tally(self.counted[0].key)
        return tally is not None and tally.reaches(None, day)

    def next_change(self, source: Source, day: date) -> date | None:
        """One that a policy closed today may have been closed after others had been asked: they see it when the next day opens."""
        tally = source.log.tally(self.counted[0].key)
        if tally is None:
            return None
        return day + ONE_DAY if tally.last_upto(day) == day else tally.first_after(day)

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
class DifferenceMeter:
    """The first of several measures less the others; missing where one of them is."""

    parts: tuple[Meter, ...]
    type: FactType

    @property
    def counted(self) -> tuple[Counted, ...]:
        return tuple(counted for part in self.parts for counted in part.counted)

    def value(self, source: Source, day: date) -> FactValue | None:
        first, *others = (part.value(source, day) for part in self.parts)
        if not isinstance(first, int | Fraction):
            return None
        for other in others:
            if not isinstance(other, int | Fraction):
                return None
            first -= other
        return exact(Fraction(first))

    def evaluable(self, source: Source, day: date) -> bool:
        return all(part.evaluable(source, day) for part in self.parts)

    def next_change(self, source: Source, day: date) -> date | None:
        return earliest(part.next_change(source, day) for part in self.parts)

    @property
    def reach(self) -> int | None:
        return furthest(self.parts)


@dataclass(frozen=True, slots=True)
class RatioMeter:
    """An exact fraction of two measures; as ``quotient`` tells it."""

    over: Meter
    under: Meter
    quotient: Quotient
    type: FactType = _QUOTIENT

    @property
    def counted(self) -> tuple[Counted, ...]:
        return self.over.counted + self.under.counted

    def value(self, source: Source, day: date) -> FactValue | None:
        return self.quotient.of(self.over.value(source, day), self.under.value(source, day))

    def evaluable(self, source: Source, day: date) -> bool:
        return self.over.evaluable(source, day) and self.under.evaluable(source, day)

    def next_change(self, source: Source, day: date) -> date | None:
        return earliest((self.over.next_change(source, day), self.under.next_change(source, day)))

    @property
    def reach(self) -> int | None:
        return furthest((self.over, self.under))


def of_years(meter: Meter) -> bool:
    """Whether a measure looks at a qualifying year, itself or in one of its parts."""
    if isinstance(meter, RatioMeter):
        return of_years(meter.over) or of_years(meter.under)
    if isinstance(meter, DifferenceMeter):
        return any(map(of_years, meter.parts))
    window = getattr(meter, "window", None)
    return isinstance(window, Window) and window.kind == "qualifying"


def furthest(meters: Iterable[Meter]) -> int | None:
    """How far the one looks back that looks back furthest."""
    reaches = [meter.reach for meter in meters]
    return None if None in reaches else max(reach for reach in reaches if reach is not None)


def change_of(window: Window, source: Source, rows: Tally | Values | None, day: date) -> date | None:
    """The first day after ``day`` on which what is counted within a window may differ."""
    if source.unsettled(window, day):
        return day + ONE_DAY
    bounds = window.within(day, source.standing)
    if rows is None or bounds is None:
        return window.next_change(day, None, None, source.standing) if rows is not None else None
    after, _ = bounds
    if not rows.reaches(after, day):  # it becomes evaluable one day, unless it looks back for ever: ask daily until then
        return day + ONE_DAY if after is not None and window.kind != "level" else None
    first = rows.first_after(after)
    if first is None and window.length is not None:
        return None
    inside = first if first is not None and first <= day else None
    return window.next_change(day, inside, rows.first_after(day), source.standing)


def total_of(source: Source, key: str, bounds: Bounds | None) -> int | None:
    """What was tallied within bounds; None where they are missing, or lie before what is held."""
    tally = source.log.tally(key)
    if tally is None or bounds is None:
        return None
    after, upto = bounds
    return tally.between(after, upto) if after is None or after <= upto else 0


def earliest(days: Iterable[date | None]) -> date | None:
    return min((day for day in days if day is not None), default=None)
