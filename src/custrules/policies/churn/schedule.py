"""The days on which a flag is judged: every day, a weekday, or a day of the month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules.calendars import ONE_DAY, add_months
from custrules.calendars.rules import WEEKDAYS, Weekday
from custrules.errors import Diagnostic
from custrules.fields import one_of, read_whole
from custrules.forms import within

Cycle = Literal["day", "week", "month"]
_day_of_month = within(read_whole, "a day of the month that every month has: 1 to 28", lambda number: 1 <= number <= 28)


class EvaluationDays(BaseModel):
    """``{every: day}``, ``{every: week, weekday: monday}`` or ``{every: month, day: 5}``. Monday and the 1st where it is not said."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    every: Annotated[Cycle, one_of("day", "week", "month")] = "day"
    weekday: Annotated[Weekday | None, one_of(*WEEKDAYS)] = None
    day: Annotated[int | None, BeforeValidator(_day_of_month)] = None

    def holds(self, day: date) -> bool:
        """Whether a day is one of them."""
        if self.every == "week":
            return day.weekday() == self._weekday
        return self.every == "day" or day.day == self._day

    @property
    def _weekday(self) -> int:
        return WEEKDAYS.index(self.weekday or "monday")

    @property
    def _day(self) -> int:
        return self.day or 1

    def upon(self, day: date) -> date:
        """The first of them that is not before a day."""
        if self.every == "day":
            return day
        if self.every == "week":
            return day + timedelta(days=(self._weekday - day.weekday()) % 7)
        this = day.replace(day=self._day)
        return this if this >= day else add_months(this, 1)

    def after(self, day: date) -> date:
        """The first of them after a day."""
        return self.upon(day + ONE_DAY)

    def number(self, first: date, last: date) -> int:
        """How many of them there are from one day to another."""
        if last < first:
            return 0
        if self.every == "day":
            return (last - first).days + 1
        begin = self.upon(first)
        if begin > last:
            return 0
        if self.every == "week":
            return (last - begin).days // 7 + 1
        return (last.year - begin.year) * 12 + last.month - begin.month + (last.day >= self._day)

    def later(self, first: date, times: int) -> date:
        """The ``times``-th of them, counted from a day on."""
        begin = self.upon(first)
        if self.every == "month":
            return add_months(begin, times - 1)
        return begin + timedelta(days=(7 if self.every == "week" else 1) * (times - 1))

    def faults(self) -> Iterator[Diagnostic]:
        for field, cycle in (("weekday", "week"), ("day", "month")):
            if getattr(self, field) is not None and self.every != cycle:
                yield Diagnostic("document.not_with", f"evaluate.{field}", {"field": field, "other": f"every: {self.every}"})
