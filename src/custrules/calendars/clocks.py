"""Clocks: by when something is to be done, in calendar time or in working time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Self
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from custrules.calendars.days import ONE_DAY, local_day, start_of_day
from custrules.calendars.spans import Duration, Length
from custrules.calendars.working import WorkingTime
from custrules.fields import TextValue, fault, wrong_type

MOST_WORKING = {"days": 1000, "hours": 5000}
_MICROSECOND = timedelta(microseconds=1)


class Clock(TextValue):
    """``24 hours`` · ``15 days`` · ``2 months`` · ``5 working days`` · ``8 working hours``.

    Hours and minutes run exactly. Days, weeks, months and years leave out the day on which the clock starts and end with
    their last day; working days end with the working hours of the last; working hours run while there are any.
    An end is half-open: in time is what happens before it.
    """

    __slots__ = ("exact", "length", "text", "working_days", "working_time")
    grammar = "a time such as 24 hours, 15 days, 5 working days or 8 working hours"
    text: str
    exact: timedelta | None
    length: Length | None
    working_days: int
    working_time: timedelta | None

    def __init__(
        self, text: str, exact: timedelta | None = None, length: Length | None = None, working_days: int = 0, working_time: timedelta | None = None
    ) -> None:
        self.text, self.exact, self.length, self.working_days, self.working_time = text, exact, length, working_days, working_time

    @classmethod
    def parse(cls, text: str) -> Self:
        words = text.split(" ")
        try:
            if len(words) == 3 and words[1] == "working":
                return cls._working(words[0], f"{words[2].removesuffix('s')}s", text)
            if words[-1].removesuffix("s") in ("hour", "minute"):
                duration = Duration.parse(text)
                return cls(str(duration), exact=duration.delta)
            length = Length.parse(text)
        except PydanticCustomError as error:
            raise error if error.type != "document.wrong_type" else wrong_type(cls.grammar, text) from None
        return cls(str(length), length=length)

    @classmethod
    def _working(cls, count: str, unit: str, text: str) -> Self:
        if unit not in MOST_WORKING or not (count.isascii() and count.isdigit() and count[0] != "0" and len(count) <= 6):
            raise wrong_type(cls.grammar, text)
        if int(count) > MOST_WORKING[unit]:
            raise fault("document.too_long", found=text, most=f"{MOST_WORKING[unit]} working {unit}")
        plain = f"{count} working {unit if count != '1' else unit[:-1]}"
        return cls(plain, working_days=int(count)) if unit == "days" else cls(plain, working_time=timedelta(hours=int(count)))

    @property
    def is_working(self) -> bool:
        """Whether it runs in working time, so that a program with it has to say which time that is."""
        return self.working_days > 0 or self.working_time is not None

    def ends(self, start: datetime, zone: ZoneInfo, working: WorkingTime | None = None) -> datetime | None:
        """The instant, in UTC, before which it has to be done; None where the working days up to there are not known (yet)."""
        if self.exact is not None:
            return start + self.exact
        if self.length is not None:
            return start_of_day(self.length.after(local_day(start, zone)) + ONE_DAY, zone)
        if working is None:
            return None
        if self.working_time is not None:
            return working.add_hours(start, self.working_time)
        last = working.add_days(local_day(start, zone), self.working_days)
        return working.closes(last) if last is not None else None

    def last_day(self, start: datetime, zone: ZoneInfo, working: WorkingTime | None = None) -> date | None:
        """The local day on which the last of its time lies; None as for ``ends``."""
        end = self.ends(start, zone, working)
        return local_day(end - _MICROSECOND, zone) if end is not None else None

    def at_share(self, start: datetime, share: Fraction, zone: ZoneInfo, working: WorkingTime | None = None) -> datetime | None:
        """The instant at which a share of it has run, in the time in which it runs (rounded down to a microsecond); None as for ``ends``."""
        end = self.ends(start, zone, working)
        if end is None or not self.is_working or working is None:
            return start + _part(end - start, share) if end is not None else None
        total = working.worked(start, end)
        return working.add_hours(start, _part(total, share)) if total is not None else None


class Days(Clock):
    """A clock of whole days: ``7 days``, ``2 months``, ``5 working days``. Its last day counts."""

    __slots__ = ()
    grammar = "a length such as 12 months, 30 days or 5 working days"

    @classmethod
    def parse(cls, text: str) -> Self:
        found = super().parse(text)
        if found.length is None and not found.working_days:
            raise wrong_type(cls.grammar, text)
        return found

    @property
    def at_most_days(self) -> int:
        """No shorter than this anywhere in the calendar; working days as if each week had five and no holiday."""
        return self.length.at_most_days if self.length is not None else self.working_days + 2 * -(-self.working_days // 5)

    def last(self, day: date, working: WorkingTime | None) -> date | None:
        """The last day where a day is left out as the first; None where a working day on the way is not known (yet)."""
        if self.length is not None:
            return self.length.after(day)
        return working.add_days(day, self.working_days) if working is not None else day + timedelta(days=self.at_most_days)


def _part(whole: timedelta, share: Fraction) -> timedelta:
    """A share of a stretch of time, rounded down to a microsecond: exact, without a float."""
    return _MICROSECOND * ((whole // _MICROSECOND) * share.numerator // share.denominator)
