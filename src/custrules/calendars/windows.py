"""Windows: which days a measure looks at, as of a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Self

from pydantic_core import PydanticCustomError

from custrules.calendars.days import ONE_DAY, add_months
from custrules.calendars.spans import Length, end_of_period, start_of_period
from custrules.fields import TextValue, fault, wrong_type

_PERIODS = {"week": 0, "month": 1, "quarter": 3, "half": 6, "year": 12}
LATER_WINDOWS = ("qualifying year", "membership year", "since level")


class Window(TextValue):
    """``12 months`` (rolling) · ``this|last [N] calendar week|month|quarter|half|year`` · ``lifetime``.

    A rolling window of 12 months on day D is the days after (D − 12 months) up to D. ``this calendar month`` runs up to
    D, ``last 3 calendar months`` are the three whole months before the one that holds D. Weeks begin on Monday.
    """

    __slots__ = ("count", "kind", "length", "period", "text")
    grammar = "a window such as 12 months, last 3 calendar months or lifetime"
    count: int
    kind: str
    length: Length | None
    period: str
    text: str

    def __init__(self, kind: str, text: str, length: Length | None = None, period: str = "", count: int = 1) -> None:
        self.kind, self.text, self.length, self.period, self.count = kind, text, length, period, count

    @classmethod
    def parse(cls, text: str) -> Self:
        if text == "lifetime":
            return cls("lifetime", text)
        if text in LATER_WINDOWS:
            raise fault("document.not_available", what=f"the window '{text}'")
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

    def bounds(self, day: date) -> tuple[date | None, date]:
        """``(after, upto)`` as of ``day``: the window holds the days after the first (None: all) up to the second."""
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

    def next_change(self, day: date, earliest: date | None, following: date | None) -> date | None:
        """The first day after ``day`` on which what the window holds may differ, if nothing happens.

        ``earliest`` is the first day with a count inside the window as of ``day``, ``following`` the first one after ``day``.
        """
        if self.kind == "lifetime":
            return following
        if self.length is None:
            return min(filter(None, (self._next_start(day), following)))
        return min(filter(None, (self._leaves(earliest) if earliest else None, following)), default=None)

    def _leaves(self, counted: date) -> date:
        assert self.length is not None
        day = self.length.after(counted)
        while self.length.before(day) < counted:
            day += ONE_DAY
        return day

    def _start(self, day: date) -> date:
        if self.period == "week":
            return day - timedelta(days=day.weekday())
        return start_of_period(day, _PERIODS[self.period])

    def _back(self, start: date, periods: int) -> date:
        if self.period == "week":
            return start - timedelta(weeks=periods)
        return add_months(start, -_PERIODS[self.period] * periods)

    def _next_start(self, day: date) -> date:
        if self.period == "week":
            return self._start(day) + timedelta(weeks=1)
        return end_of_period(day, _PERIODS[self.period]) + ONE_DAY

    @property
    def at_most_days(self) -> int | None:
        """How far back it reaches at most; None: from the start."""
        if self.kind == "lifetime":
            return None
        if self.length is not None:
            return self.length.at_most_days
        days = 7 if self.period == "week" else 31 * _PERIODS[self.period]
        return days * (self.count + 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Window.parse({self.text!r})"
