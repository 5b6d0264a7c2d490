"""When an occasion occurs for a customer: the common shape of all occasions, and those that the calendar makes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from custrules.calendars import ONE_DAY
from custrules.calendars.birthdays import LUNAR_CYCLE, Birthday, monthly_day, solar_day
from custrules.calendars.festivals import FESTIVALS
from custrules.calendars.lunar import term_days, term_place, to_lunar
from custrules.calendars.lunar_table import FIRST_YEAR
from custrules.calendars.rules import next_difference
from custrules.errors import CalendarError
from custrules.event_fields import Scalar
from custrules.fields import MAX_YEAR
from custrules.policy import View

if TYPE_CHECKING:
    from custrules.policies.care.trigger import Trigger

MOST_LATE = 400  # days that an ask of the calendar stays open at most


class Occurrence(NamedTuple):
    """One time that an occasion occurs: its cycle, the day it is planned for, the last day on which it may be sent (None: no end)."""

    cycle: str
    planned: date
    last_day: date | None
    data: Mapping[str, Scalar] = {}

    def is_open(self, today: date) -> bool:
        return self.planned <= today and (self.last_day is None or today <= self.last_day)


class Occurring(ABC):
    """An occasion of a trigger, asked about one customer."""

    trigger: Trigger
    code: str = ""
    looks_ahead: bool = False
    """Whether it is about a day to come, so that it does not matter when it began to be known."""

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger

    @abstractmethod
    def open(self, view: View, today: date) -> Iterator[Occurrence]:
        """Every occurrence that is open on a day, asked already or not."""

    @abstractmethod
    def next_day(self, view: View, today: date) -> date | None:
        """The first later day on which another may be open though nothing happens; may be early, never late."""

    def stands(self, view: View, today: date, cycle: str) -> bool:
        """Whether a cycle that was asked about is open still."""
        return any(occurrence.cycle == cycle for occurrence in self.open(view, today))

    def last_day(self, planned: date, usual: int | None) -> date | None:
        """The last day of an ask: by the trigger's validity and grace; where none is said, so many days after the planned one."""
        trigger = self.trigger
        if trigger.validity is None and trigger.grace is None:
            return planned + timedelta(days=usual) if usual is not None else None
        last = trigger.validity.after(planned) if trigger.validity is not None else planned + timedelta(days=usual or 0)
        return trigger.grace.after(last) if trigger.grace is not None else last


class Dated(NamedTuple):
    """A day of the calendar on which an occasion falls, with its cycle."""

    day: date
    cycle: str
    data: Mapping[str, Scalar] = {}


class Calendar(Occurring):
    """Occasions that fall on days which the calendar alone makes for a customer; valid on the day itself where nothing else is said."""

    @abstractmethod
    def first(self, view: View, day: date) -> Dated | None:
        """The first on or after a day."""

    def open(self, view: View, today: date) -> Iterator[Occurrence]:
        late = (self.last_day(today, 0) or today) - today
        found = self.first(view, today - min(late + timedelta(days=3), timedelta(days=MOST_LATE)))  # months differ in length by three days
        while found is not None and found.day <= today:
            occurrence = Occurrence(found.cycle, found.day, self.last_day(found.day, 0), found.data)
            if occurrence.is_open(today):
                yield occurrence
            found = self.first(view, found.day + ONE_DAY)

    def next_day(self, view: View, today: date) -> date | None:
        found = self.first(view, today + ONE_DAY)
        return found.day if found is not None else None


class Birthdays(Calendar):
    code = "care.trigger.birthday"

    def first(self, view: View, day: date) -> Dated | None:
        kept = self.birthday(view)
        found = kept.from_day(day, self.trigger.keeping) if kept is not None else None
        return Dated(found.day, self._cycle(kept, found.cycle)) if kept is not None and found is not None else None

    def _cycle(self, born: Birthday, cycle: str) -> str:
        """In a group a birthday by the lunar calendar and the same one by the common calendar are one: both by the latter's year."""
        if born.lunar is None or self.trigger.group is None:
            return cycle
        year, *place = cycle.removeprefix(LUNAR_CYCLE).split(" ")
        return " ".join([str(born.born.year + int(year) - born.lunar.year), *place])

    def birthday(self, view: View) -> Birthday | None:
        """The birthday in the calendar in which it is to be kept; None where it is not known, or stands for a field that was left empty."""
        born = view.born()
        if born is None or (born.lunar is None and born.born in self.trigger.sentinels):
            return None
        if self.trigger.calendar == "solar":
            return Birthday(born.born)
        if self.trigger.calendar == "lunar" and born.lunar is None:
            return _lunar(born)
        return born


def _lunar(born: Birthday) -> Birthday:
    try:
        return Birthday(born.born, to_lunar(born.born))
    except CalendarError:  # born before the table begins
        return born


class Anniversaries(Calendar):
    """``joined``, ``first_<event>``, or a date of the profile: the day itself is none, the k-th is counted from it."""

    code = "care.trigger.anniversary"

    def first(self, view: View, day: date) -> Dated | None:
        anchor = self.anchor(view)
        if anchor is None:
            return None
        every, yearly = self.trigger.occasion.interval, self.yearly
        times = max(1, _times_before(anchor, day, every.months, every.days))
        for number in range(times, times + 14):
            kept = self._kept(anchor, number, yearly)
            if kept is not None and kept >= day:
                return Dated(kept, f"{kept.year}" if yearly else f"{anchor}+{number}", {"number": number}) if kept.year <= MAX_YEAR else None
        return None

    @property
    def yearly(self) -> bool:
        """Whether it comes in the same month always."""
        months = self.trigger.occasion.interval.months
        return months > 0 and months % 12 == 0

    def _kept(self, anchor: date, number: int, yearly: bool) -> date | None:
        every = self.trigger.occasion.interval
        if yearly:
            return solar_day(anchor, anchor.year + number * every.months // 12, self.trigger.keeping.feb29)
        return monthly_day(anchor, number * every.months, self.trigger.day31) if every.months else every.after(anchor, number)

    def anchor(self, view: View) -> date | None:
        name = self.trigger.occasion.anniversary or ""
        if name == "joined":
            return view.state.joined
        if name.startswith("first_"):
            kept = view.state.statuses.get((self.trigger.noted_as, ""))
            return date.fromisoformat(str(kept.value)) if kept is not None and kept.value is not None else None
        value = view.value(name, view.settled)
        return value if isinstance(value, date) else None


def _times_before(anchor: date, day: date, months: int, days: int) -> int:
    """A number of intervals after which a day has surely not been passed yet."""
    if months:
        return ((day.year - anchor.year) * 12 + day.month - anchor.month) // months - 1
    return (day - anchor).days // days - 1


class Festivals(Calendar):
    code = "care.trigger.festival"

    def first(self, view: View, day: date) -> Dated | None:
        names = self.trigger.occasion.festival or ()
        found = [Dated(kept, f"{_cycle(name, kept)}", {"festival": name}) for name in names for kept in _coming(name, day)]
        return min(found, key=lambda dated: dated.day, default=None)


def _coming(name: str, day: date) -> Iterator[date]:
    """The first day of a festival on or after a day, where there is one within two years."""
    festival = FESTIVALS[name]
    coming = (kept for year in range(day.year, day.year + 3) for kept in festival.in_year(year) if kept >= day)
    first = next(coming, None)
    if first is not None:
        yield first


def _cycle(name: str, kept: date) -> str:
    """Of a festival of the moon its lunar year: it may fall twice into a year of the common calendar."""
    return f"{name}/{to_lunar(kept).year if FESTIVALS[name].lunar else kept.year}"


class SolarTerms(Calendar):
    code = "care.trigger.solar_term"

    def first(self, view: View, day: date) -> Dated | None:
        places = [(term_place(name) or 0, name) for name in self.trigger.occasion.solar_term or ()]
        for year in range(max(day.year, FIRST_YEAR), day.year + 2):
            try:
                days = term_days(year)
            except CalendarError:
                return None
            coming = [Dated(days[place], f"{name}/{year}", {"solar_term": name}) for place, name in places if days[place] >= day]
            if coming:
                return min(coming, key=lambda dated: dated.day)
        return None


class Dates(Calendar):
    code = "care.trigger.date"

    def first(self, view: View, day: date) -> Dated | None:
        coming = [kept for kept in self.trigger.occasion.date or () if kept >= day]
        return Dated(min(coming), min(coming).isoformat()) if coming else None


class NamedDays(Calendar):
    """The days of a name in the program's calendar."""

    code = "care.trigger.day"

    def first(self, view: View, day: date) -> Dated | None:
        rule = view.named_day(self.name)
        if rule is None:
            return None
        if rule.holds(day):
            return Dated(day, day.isoformat(), {"day": self.name})
        found = next_difference(rule.holds, day)
        return Dated(found, found.isoformat(), {"day": self.name}) if rule.holds(found) else None

    def next_day(self, view: View, today: date) -> date | None:
        rule = view.named_day(self.name)
        if rule is None:
            return None
        return today + ONE_DAY if rule.holds(today + ONE_DAY) else next_difference(rule.holds, today + ONE_DAY)

    @property
    def name(self) -> str:
        return self.trigger.occasion.every or ""
