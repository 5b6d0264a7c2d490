"""Working time: which days are worked, make-up days (调休) among them, and what a number of working days or hours comes to.

What is decreed year by year is known up to a last day: beyond it the answer is None, "unknown", and never a guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema

from custrules.calendars.days import ONE_DAY, at_time, local_day, start_of_day
from custrules.calendars.decreed import Decreed, country
from custrules.calendars.rules import WEEKDAYS
from custrules.fields import DAY_SCHEMA, Day, TextValue, fault, read_day, wrong_type

FARTHEST = 3660  # days that are looked through for the end of a clock
MOST_NAMED = 1000
FIVE_DAYS = "weekdays"
_WHICH = "CN, weekdays, a list of weekdays, or another country's code such as US or DE-BY"


class TimeOfDay(TextValue):
    """A time of the local day: ``09:00``; ``24:00`` is its end."""

    __slots__ = ("minutes", "text")
    grammar = 'a time of day such as "09:00"'
    minutes: int
    text: str

    def __init__(self, minutes: int) -> None:
        self.minutes, self.text = minutes, f"{minutes // 60:02d}:{minutes % 60:02d}"

    @classmethod
    def parse(cls, text: str) -> Self:
        hours, colon, minutes = text.partition(":")
        if len(text) == 5 and colon and (hours + minutes).isascii() and (hours + minutes).isdigit() and int(minutes) < 60:
            total = 60 * int(hours) + int(minutes)
            if total <= 24 * 60:
                return cls(total)
        raise wrong_type(cls.grammar, text)

    def on(self, day: date, zone: ZoneInfo) -> datetime:
        """The first instant of a local day, in UTC, at which its clock shows this time or has jumped over it."""
        return at_time(day, self.minutes, zone)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TimeOfDay) and self.minutes == other.minutes

    def __hash__(self) -> int:
        return hash(self.minutes)


class WorkingHours(BaseModel):
    """The hours of a working day, from the first up to the second."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    from_: Annotated[TimeOfDay, Field(alias="from")]
    to: TimeOfDay

    def fault(self) -> Exception | None:
        return fault("document.hours_upside_down", start=self.from_, end=self.to) if self.from_.minutes >= self.to.minutes else None


def _read_days(value: object) -> str | tuple[str, ...]:
    if isinstance(value, list | tuple) and value and set(value) <= set(WEEKDAYS) and len(set(value)) == len(value):
        return tuple(value)
    if isinstance(value, str) and (value == FIVE_DAYS or _is_code(value)) and (value == FIVE_DAYS or country(value) is not None):
        return value
    raise wrong_type(_WHICH, value)


def _is_code(text: str) -> bool:
    code, dash, part = text.partition("-")
    return len(code) == 2 and text.isascii() and code.isalpha() and code.isupper() and (not dash or (part.isalnum() and len(part) <= 20))


def _read_named(value: object) -> tuple[date, ...]:
    if not isinstance(value, list | tuple) or len(value) > MOST_NAMED:
        raise wrong_type(f"a list of at most {MOST_NAMED} days such as [2027-02-05]", value)
    return tuple(map(read_day, value))


Weekdays = Annotated[
    str | tuple[str, ...],
    PlainValidator(_read_days),
    PlainSerializer(lambda value: value if isinstance(value, str) else list(value)),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"enum": list(WEEKDAYS)}, "minItems": 1, "uniqueItems": True}]}),
]
Named = Annotated[
    tuple[Day, ...],
    BeforeValidator(_read_named),
    WithJsonSchema({"type": "array", "items": dict(DAY_SCHEMA), "maxItems": MOST_NAMED}),
]


class WorkingRule(BaseModel):
    """The section ``calendar: {working: …}``: which ``days`` are worked, and between which ``hours``.

    ``days``: ``CN`` (with its make-up days), ``weekdays`` (Monday to Friday), a list of weekdays, or another country. Days that
    are ``days_off`` or ``worked`` all the same are named; ``known_until`` is the last day up to which all that is known: where a
    country's own table ends earlier, its weekdays hold with what is named.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    days: Weekdays
    hours: WorkingHours | None = None
    days_off: Named = ()
    worked: Named = ()
    known_until: Day | None = None

    def faults(self) -> Iterator[tuple[tuple[str, ...], Any]]:
        """What is wrong with the parts taken together, each with its place."""
        hours = self.hours.fault() if self.hours is not None else None
        if hours is not None:
            yield ("hours",), hours
        both = sorted({*self.days_off} & {*self.worked})
        if both:
            yield ("worked",), fault("document.off_and_worked", day=both[0])


class WorkingTime:
    """Working days and hours in a time zone."""

    __slots__ = ("_decreed", "_off", "_weekdays", "_worked", "rule", "zone")
    rule: WorkingRule
    zone: ZoneInfo
    _decreed: Decreed | None
    _weekdays: frozenset[int]
    _off: frozenset[date]
    _worked: frozenset[date]

    def __init__(self, rule: WorkingRule, zone: ZoneInfo) -> None:
        self.rule, self.zone = rule, zone
        named = rule.days if not isinstance(rule.days, str) else WEEKDAYS[:5]
        self._weekdays = frozenset(map(WEEKDAYS.index, named))
        self._decreed = country(rule.days) if isinstance(rule.days, str) and rule.days != FIVE_DAYS else None
        self._off, self._worked = frozenset(rule.days_off), frozenset(rule.worked)

    def is_working(self, day: date) -> bool | None:
        """Whether a day is worked; None where that is not known (yet)."""
        if day in self._off or day in self._worked:
            return day in self._worked
        if self._decreed is not None and self._decreed.first <= day <= self._decreed.last:
            return self._decreed.works(day)
        return self.likely(day) if self._is_known(day) else None

    holds = is_working

    def _is_known(self, day: date) -> bool:
        until = self.rule.known_until
        if self._decreed is None:
            return until is None or day <= until
        return until is not None and self._decreed.last < day <= until

    def likely(self, day: date) -> bool:
        """What the weekday alone says, for days that are not known: a guess, to be shown as one."""
        return day.weekday() in self._weekdays

    # -- days ------------------------------------------------------------------------------------------------------

    def add_days(self, start: date, count: int) -> date | None:
        """The last of so many working days after ``start``, which is left out itself; None where a day on the way is not known."""
        left, day = count, start
        while left > 0:
            day += ONE_DAY
            works = self.is_working(day) if (day - start).days <= FARTHEST else None
            if works is None:
                return None
            left -= works
        return day

    def next_working(self, day: date) -> date | None:
        """The first working day that is not before ``day``; None where a day on the way is not known."""
        return self.add_days(day - ONE_DAY, 1)

    # -- hours -----------------------------------------------------------------------------------------------------

    def opens(self, day: date) -> datetime:
        """When the working hours of a day begin, in UTC; where no hours are named, when the day begins."""
        return self.rule.hours.from_.on(day, self.zone) if self.rule.hours is not None else start_of_day(day, self.zone)

    def closes(self, day: date) -> datetime:
        """The instant, in UTC, at which the working hours of a day are over; where no hours are named, at which the next day begins."""
        return self.rule.hours.to.on(day, self.zone) if self.rule.hours is not None else start_of_day(day + ONE_DAY, self.zone)

    def add_hours(self, start: datetime, length: timedelta) -> datetime | None:
        """The instant at which so much working time has passed since ``start``; None where a day on the way is not known.

        What ends with the working hours of a day ends then, not when the next ones begin.
        """
        left, first = length, local_day(start, self.zone)
        for ahead in range(FARTHEST):
            day = first + timedelta(days=ahead)
            works = self.is_working(day)
            if works is None:
                return None
            begins = max(start, self.opens(day))
            there = self.closes(day) - begins if works else timedelta(0)
            if there > timedelta(0) and left <= there:
                return begins + left
            left -= max(there, timedelta(0))
        return None

    def worked(self, start: datetime, end: datetime) -> timedelta | None:
        """The working time between two instants; None where a day between them is not known."""
        total, day = timedelta(0), local_day(start, self.zone)
        while start_of_day(day, self.zone) < end:
            works = self.is_working(day)
            if works is None:
                return None
            if works:
                total += max(min(end, self.closes(day)) - max(start, self.opens(day)), timedelta(0))
            day += ONE_DAY
        return total
