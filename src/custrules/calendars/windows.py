"""Windows: which days a measure looks at, as of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Self, TypeAlias

from pydantic_core import PydanticCustomError

from custrules.calendars.days import ONE_DAY, add_months, anniversary
from custrules.calendars.spans import Length, end_of_period, start_of_period
from custrules.fields import TextValue, wrong_type

_PERIODS = {"week": 0, "month": 1, "quarter": 3, "half": 6, "year": 12}
PERIODS = ("day", *_PERIODS)


def calendar_period(text: str) -> str:
    """``calendar month`` for ``month``: a period in one word is one of the calendar. Other texts as they are."""
    return f"calendar {text}" if text in PERIODS else text


PeriodName = Literal["day", "week", "month", "quarter", "half", "year"]
STANDING_WINDOWS = {"qualifying year": "qualifying", "membership year": "membership", "since level": "level"}
_STANDING_KINDS = frozenset(STANDING_WINDOWS.values())
LONGEST_HELD = 36_600  # days for which rows are kept of what is counted since a level is held: a hundred years

Years = Literal["calendar", "membership"]
"""How qualifying years run: with the calendar, or from the day of joining and its anniversaries."""

Bounds: TypeAlias = tuple[date | None, date]
"""``(after, upto)``: the days after the first (None: all) up to the second."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What some windows depend on beside the day: when the customer joined, since when the level is held, how qualifying years run.

    ``complete``: a qualifying year is the last one that ended on or before the day, not the running one.
    """

    joined: date | None = None
    level_since: date | None = None
    years: Years = "calendar"
    complete: bool = False


STRANGER = Standing()


class Window(TextValue):
    """``12 months`` (rolling) · ``this|last [N] calendar week|month|quarter|half|year`` · ``lifetime`` · ``qualifying year`` ·
    ``membership year`` · ``since level``.

    A rolling window of 12 months on day D is the days after (D − 12 months) up to D. ``this calendar month`` runs up to
    D, ``last 3 calendar months`` are the three whole months before the one that holds D. Weeks begin on Monday. A
    membership year runs from the day of joining and its anniversaries (29 February is kept on the 28th of other years).
    """

    __slots__ = ("count", "kind", "length", "period", "text")
    grammar = "a window such as 12 months, last 3 calendar months, qualifying year or lifetime"
    count: int
    kind: str
    length: Length | None
    period: str
    text: str

    def __init__(self, kind: str, text: str, length: Length | None = None, period: str = "", count: int = 1) -> None:
        self.kind, self.text, self.length, self.period, self.count = kind, text, length, period, count

    @classmethod
    def parse(cls, text: str) -> Self:
        """A window out of its text; a fault that says what may be written where it is none."""
        if text == "lifetime":
            return cls("lifetime", text)
        if text in STANDING_WINDOWS:
            return cls(STANDING_WINDOWS[text], text)
        words = text.split()
        if len(words) in (3, 4) and words[0] in ("this", "last") and words[-2] == "calendar":
            return cls._calendar(words, text)
        try:
            length = Length.parse(text)
        except PydanticCustomError:
            raise wrong_type(cls.grammar, text) from None
        return cls("rolling", str(length), length=length)

    @classmethod
    def _calendar(cls, words: list[str], text: str) -> Self:
        count = words[1] if len(words) == 4 else "1"
        period = words[-1].removesuffix("s") if words[-1] != "halves" else "half"
        if period not in _PERIODS or not (count.isascii() and count.isdigit() and count[0] != "0" and len(count) <= 4) or int(count) > 1200:
            raise wrong_type(cls.grammar, text)
        return cls(words[0], " ".join(words), period=period, count=int(count))

    def within(self, day: date, standing: Standing) -> Bounds | None:
        """The bounds as of ``day`` for a customer who stands so; None where what they are counted from is missing."""
        if self.kind not in _STANDING_KINDS:
            return self.bounds(day)
        if self.kind == "level":
            since = standing.level_since
            return (since - ONE_DAY, day) if since is not None and since <= day else None
        year = self.year(day, standing)
        return (year[0] - ONE_DAY, min(year[1], day)) if year is not None else None

    def year(self, day: date, standing: Standing) -> tuple[date, date] | None:
        """First and last day of the year that a ``qualifying`` or ``membership year`` looks at as of ``day``; None before joining is known."""
        anchor = self._anchor(day, standing)
        if anchor is None:
            return None
        first, last = _year_with(anchor, day)
        return _year_with(anchor, first - ONE_DAY) if self._complete(standing) and last > day else (first, last)

    def _anchor(self, day: date, standing: Standing) -> date | None:
        """A day from which the years are counted."""
        by_joining = self.kind == "membership" or standing.years == "membership"
        return standing.joined if by_joining else date(day.year, 1, 1)

    def _complete(self, standing: Standing) -> bool:
        return self.kind == "qualifying" and standing.complete

    def bounds(self, day: date) -> Bounds:
        """The bounds as of ``day`` of a window that depends on nothing else."""
        if self.kind == "lifetime":
            return None, day
        if self.length is not None:
            return self.length.before(day), day
        this = self._start(day)
        if self.kind == "this":
            return self._back(this, self.count - 1) - ONE_DAY, day
        return self._back(this, self.count) - ONE_DAY, this - ONE_DAY

    def end(self, day: date) -> date:
        """The last day of the running period for ``this calendar …``, else ``day``: what came late counts in its period too."""
        return self._next_start(day) - ONE_DAY if self.kind == "this" else day

    def next_change(self, day: date, earliest: date | None, following: date | None, standing: Standing = STRANGER) -> date | None:
        """The first day after ``day`` on which what the window holds may differ, if nothing happens.

        ``earliest`` is the first day with a count inside the window as of ``day``, ``following`` the first one after ``day``.
        """
        if self.kind in ("lifetime", "level"):
            begins = standing.level_since if self.kind == "level" and standing.level_since is not None and standing.level_since > day else None
            return min(filter(None, (begins, following)), default=None)
        if self.has_years:
            return min(filter(None, (self._next_year(day, standing), following)), default=None)
        if self.length is None:
            return min(filter(None, (self._next_start(day), following)))
        return min(filter(None, (self._leaves(earliest) if earliest else None, following)), default=None)

    def _next_year(self, day: date, standing: Standing) -> date | None:
        """The day on which another year is looked at: its first, or, of complete ones, its last."""
        year, anchor = self.year(day, standing), self._anchor(day, standing)
        if year is None or anchor is None:
            return None
        following = year[1] + ONE_DAY
        return _year_with(anchor, following)[1] if self._complete(standing) else following

    def _leaves(self, counted: date) -> date:
        assert self.length is not None
        return first_after_length(self.length, counted)

    def periods(self, per: str, day: date, standing: Standing) -> int | None:
        """How many calendar periods it holds as of ``day``, of a window that ``divides_into`` them; None where it is missing or empty."""
        bounds = self.within(day, standing)
        if bounds is None or bounds[0] is None or bounds[0] >= bounds[1]:
            return None
        if self.length is None or per == "day":
            return period_number(per, bounds[1]) - period_number(per, bounds[0] + ONE_DAY) + 1
        return self.length.days // 7 if per == "week" else self.length.months // _PERIODS[per]

    def divides_into(self, per: str) -> bool:
        """Whether it is made of whole periods, or, where it runs from a day of the customer's own, of those that it touches."""
        if self.kind == "lifetime":
            return False
        if per == "day" or self.kind in _STANDING_KINDS:
            return True
        if self.length is not None:
            months = _PERIODS[per]
            return self.length.days > 0 and self.length.days % 7 == 0 if not months else self.length.months > 0 and self.length.months % months == 0
        return self.period == per or (_PERIODS[per] > 0 and _PERIODS[self.period] % _PERIODS[per] == 0 and self.period != "week")

    def _start(self, day: date) -> date:
        return period_start(self.period, day)

    def _back(self, start: date, periods: int) -> date:
        if self.period == "week":
            return start - timedelta(weeks=periods)
        return add_months(start, -_PERIODS[self.period] * periods)

    def _next_start(self, day: date) -> date:
        return next_period(self.period, day)

    @property
    def has_years(self) -> bool:
        return self.kind in ("qualifying", "membership")

    @property
    def of_days_alone(self) -> bool:
        """Whether the day alone says which days it holds: not how a customer stands."""
        return self.kind not in _STANDING_KINDS

    @property
    def holds_today(self) -> bool:
        """Whether it surely holds the day as of which it is asked; a qualifying year may be the last complete one."""
        return self.kind not in ("last", "qualifying")

    @property
    def follows_decisions(self) -> bool:
        """Whether decisions change what it says, not events and time alone: levels are reached, surplus is carried over."""
        return self.kind in ("qualifying", "level")

    @property
    def at_most_days(self) -> int | None:
        """How far back it reaches at most; None: from the start."""
        if self.kind == "lifetime":
            return None
        if self.kind == "level":
            return LONGEST_HELD
        if self.has_years:
            return 366 if self.kind == "membership" else 2 * 366
        if self.length is not None:
            return self.length.at_most_days
        days = 7 if self.period == "week" else 31 * _PERIODS[self.period]
        return days * (self.count + 1)


def _year_with(anchor: date, day: date) -> tuple[date, date]:
    """First and last day of the year, counted from an anchor, that holds a day."""
    number = day.year if anniversary(anchor, day.year) <= day else day.year - 1
    return anniversary(anchor, number), anniversary(anchor, number + 1) - ONE_DAY


def period_number(period: str, day: date) -> int:
    """Which day, week, month, quarter, half or year since the calendar begins holds a day."""
    if period in ("day", "week"):
        return (day.toordinal() - 1) // (7 if period == "week" else 1)
    return (day.year * 12 + day.month - 1) // _PERIODS[period]


def period_start(period: str, day: date) -> date:
    """The first day of the calendar period that holds a day."""
    if period in ("day", "week"):
        return day - timedelta(days=day.weekday() if period == "week" else 0)
    return start_of_period(day, _PERIODS[period])


def next_period(period: str, day: date) -> date:
    """The first day of the calendar period after the one that holds a day."""
    if period in ("day", "week"):
        return period_start(period, day) + timedelta(days=7 if period == "week" else 1)
    return end_of_period(day, _PERIODS[period]) + ONE_DAY


def first_after_length(length: Length, anchor: date) -> date:
    """The first day from which a length looks back to no day before ``anchor``."""
    day = length.after(anchor)
    while length.before(day) < anchor:
        day += ONE_DAY
    return day
