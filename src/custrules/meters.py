"""Measures of a further kind: per calendar period, the best of single events, gaps between days, levels that are read off, windows moved back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from custrules.calendars import ONE_DAY, Length, Window
from custrules.calendars.windows import LONGEST_HELD, first_after_length, next_period, period_number
from custrules.conditions import Leaf, holds
from custrules.counting import Counted, exact
from custrules.facts import FactType, FactValue
from custrules.measures import Meter, Source, change_of, earliest, total_of
from custrules.tallies import Latest

_NUMBER = FactType("number")


@dataclass(frozen=True, slots=True)
class AveragePerMeter:
    """What is counted in a window, over the number of its calendar periods; one in which nothing was counts as 0."""

    counted: tuple[Counted, ...]
    window: Window
    per: str
    type: FactType
    factor: int = 1

    def value(self, source: Source, day: date) -> FactValue | None:
        total = total_of(source, self.counted[0].key, self.window.within(day, source.standing))
        periods = self.window.periods(self.per, day, source.standing)
        return exact(Fraction(total, periods * self.factor)) if total is not None and periods else None

    def evaluable(self, source: Source, day: date) -> bool:
        return _reaches(self.window, source, self.counted[0].key, day)

    def next_change(self, source: Source, day: date) -> date | None:
        """Also the day on which another period begins."""
        if self.window.within(day, source.standing) is None:
            return change_of(self.window, source, source.log.tally(self.counted[0].key), day)
        return earliest((change_of(self.window, source, source.log.tally(self.counted[0].key), day), next_period(self.per, day)))

    @property
    def reach(self) -> int | None:
        return self.window.at_most_days


@dataclass(frozen=True, slots=True)
class BestPerMeter:
    """The most that was counted in a calendar period of a window: nothing counts as 0; of a period that the window cuts, what is inside."""

    counted: tuple[Counted, ...]
    window: Window
    per: str
    type: FactType
    factor: int = 1

    def value(self, source: Source, day: date) -> FactValue | None:
        tally, bounds = source.log.tally(self.counted[0].key), self.window.within(day, source.standing)
        if tally is None or bounds is None or not self.evaluable(source, day):
            return None
        totals: dict[int, int] = {}
        for counted, quantity in tally.each(*bounds):
            number = period_number(self.per, counted)
            totals[number] = totals.get(number, 0) + quantity
        first = period_number(self.per, bounds[0] + ONE_DAY) if bounds[0] is not None else 0
        empty = period_number(self.per, bounds[1]) - first + 1 > len(totals)
        return exact(Fraction(max([*totals.values(), *([0] if empty else [])], default=0), self.factor))

    def evaluable(self, source: Source, day: date) -> bool:
        return _keeps(self.window, source, self.counted[0].key, day)

    def next_change(self, source: Source, day: date) -> date | None:
        """Also the day on which another period begins, in which there is nothing yet."""
        change = change_of(self.window, source, source.log.tally(self.counted[0].key), day)
        return earliest((change, next_period(self.per, day))) if self.window.within(day, source.standing) is not None else change

    @property
    def reach(self) -> int | None:
        return _kept_days(self.window)


@dataclass(frozen=True, slots=True)
class BestMeter:
    """The most that a single event of a window was worth; an order, what is kept of it. Missing where there was none."""

    counted: tuple[Counted, ...]
    window: Window
    type: FactType
    factor: int = 1

    def value(self, source: Source, day: date) -> FactValue | None:
        values, bounds = source.log.values(self.counted[0].key), self.window.within(day, source.standing)
        if values is None or bounds is None or not values.reaches(*bounds):
            return None
        most = values.most(*bounds)
        return exact(Fraction(most, self.factor)) if most is not None else None

    def evaluable(self, source: Source, day: date) -> bool:
        values, bounds = source.log.values(self.counted[0].key), self.window.within(day, source.standing)
        return values is not None and (bounds is None or values.reaches(*bounds))

    def next_change(self, source: Source, day: date) -> date | None:
        return change_of(self.window, source, source.log.values(self.counted[0].key), day)

    @property
    def reach(self) -> int | None:
        return self.window.at_most_days


@dataclass(frozen=True, slots=True)
class GapMeter:
    """The mean number of days from one day with such an event to the next, within a window; missing below two such days.

    ``base``: how many gaps there must be.
    """

    counted: tuple[Counted, ...]
    window: Window
    type: FactType = _NUMBER
    base: Leaf | None = None

    def value(self, source: Source, day: date) -> FactValue | None:
        tally, bounds = source.log.tally(self.counted[0].key), self.window.within(day, source.standing)
        if tally is None or bounds is None or not self.evaluable(source, day):
            return None
        days = [counted for counted, quantity in tally.each(*bounds) if quantity > 0]
        if len(days) < 2 or (self.base is not None and not holds(self.base, len(days) - 1)):
            return None
        return exact(Fraction((days[-1] - days[0]).days, len(days) - 1))

    def evaluable(self, source: Source, day: date) -> bool:
        return _keeps(self.window, source, self.counted[0].key, day)

    def next_change(self, source: Source, day: date) -> date | None:
        return change_of(self.window, source, source.log.tally(self.counted[0].key), day)

    @property
    def reach(self) -> int | None:
        return _kept_days(self.window)


@dataclass(frozen=True, slots=True)
class ReadingMeter:
    """average and best of a level that is read off: over the days of a window, each with the last value by its end.

    Days before the first value are not counted; missing where no day has one.
    """

    counted: tuple[Counted, ...]
    window: Window
    type: FactType
    best: bool
    factor: int = 1

    def value(self, source: Source, day: date) -> FactValue | None:
        spans = self._spans(source, day) if self.evaluable(source, day) else []
        if not spans:
            return None
        if self.best:
            return exact(Fraction(max(value for value, _ in spans), self.factor))
        return exact(Fraction(sum(value * days for value, days in spans), sum(days for _, days in spans) * self.factor))

    def _spans(self, source: Source, day: date) -> list[tuple[int, int]]:
        latest, bounds = source.log.latest(self.counted[0].key), self.window.within(day, source.standing)
        return latest.spans(*bounds) if latest is not None and bounds is not None else []

    def evaluable(self, source: Source, day: date) -> bool:
        latest, bounds = source.log.latest(self.counted[0].key), self.window.within(day, source.standing)
        return latest is not None and (bounds is None or latest.reaches(bounds[0]))

    def next_change(self, source: Source, day: date) -> date | None:
        """Tomorrow, while several values stand side by side in a window that moves with the days."""
        latest, bounds = source.log.latest(self.counted[0].key), self.window.within(day, source.standing)
        if source.unsettled(self.window, day):
            return day + ONE_DAY
        if latest is None or bounds is None:
            return self.window.next_change(day, None, None, source.standing) if latest is not None else None
        if not latest.reaches(bounds[0]):
            return day + ONE_DAY if latest.rows and bounds[0] is not None else None
        if len({value for value, _ in latest.spans(*bounds)}) > 1 and bounds[1] == day:
            return day + ONE_DAY
        return self._when_another_stands(latest, source, day)

    def _when_another_stands(self, latest: Latest, source: Source, day: date) -> date | None:
        following = latest.first_after(day)
        if self.window.length is not None:
            return following
        return self.window.next_change(day, None, following, source.standing)

    @property
    def reach(self) -> int | None:
        return _kept_days(self.window)


@dataclass(frozen=True, slots=True)
class SkipMeter:
    """A measure as it was so long before: its window moved back."""

    inner: Meter
    window: Window
    skip: Length

    @property
    def type(self) -> FactType:
        return self.inner.type

    @property
    def counted(self) -> tuple[Counted, ...]:
        return self.inner.counted

    def value(self, source: Source, day: date) -> FactValue | None:
        return self.inner.value(source, self.skip.before(day))

    def evaluable(self, source: Source, day: date) -> bool:
        return self.inner.evaluable(source, self.skip.before(day))

    def next_change(self, source: Source, day: date) -> date | None:
        if source.unsettled(self.window, day):
            return day + ONE_DAY
        change = self.inner.next_change(replace(source, changed=None), self.skip.before(day))
        return first_after_length(self.skip, change) if change is not None else None

    @property
    def reach(self) -> int | None:
        return (self.inner.reach or 0) + self.skip.at_most_days


def _reaches(window: Window, source: Source, key: str, day: date) -> bool:
    tally, bounds = source.log.tally(key), window.within(day, source.standing)
    return tally is not None and (bounds is None or tally.reaches(*bounds))


def _keeps(window: Window, source: Source, key: str, day: date) -> bool:
    """Whether every row of a window is there: also of all days, where running totals alone would not do."""
    tally, bounds = source.log.tally(key), window.within(day, source.standing)
    if tally is None or bounds is None:
        return tally is not None
    return tally.keeps_all() if bounds[0] is None else tally.reaches(*bounds)


def _kept_days(window: Window) -> int:
    return LONGEST_HELD if window.at_most_days is None else window.at_most_days
