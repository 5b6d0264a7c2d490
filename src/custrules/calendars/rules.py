"""Facts of the calendar: which day it is, birthdays, and days that a program names (``member_day: {day_of_month: 8}``)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules.calendars.days import ONE_DAY, anniversary
from custrules.fields import fault, one_of, read_whole, wrong_type

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
FAR = 1500  # days that are searched: longer than nearly any rule goes without its day (29 February, 13 October on a Friday)


def _within(first: int, last: int, what: str) -> BeforeValidator:
    def read(value: object) -> int:
        number = read_whole(value)
        if not first <= number <= last:
            raise wrong_type(f"{what}: {first} to {last}", value)
        return number

    return BeforeValidator(read)


class DayRule(BaseModel):
    """Days with a name: those that fit every part given. ``nth`` counts a weekday within its month, -1 is the last."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")
    later_fields: ClassVar[tuple[str, ...]] = ("days", "hours", "festival", "solar_term")

    day_of_month: Annotated[int, _within(1, 31, "a day of the month")] | None = None
    month: Annotated[int, _within(1, 12, "a month")] | None = None
    weekday: Annotated[Weekday, one_of(*WEEKDAYS)] | None = None
    nth: Annotated[int, _within(-1, 5, "which one in the month, or -1 for the last")] | None = None

    def holds(self, day: date) -> bool:
        return (
            self.day_of_month in (None, day.day)
            and self.month in (None, day.month)
            and self.weekday in (None, WEEKDAYS[day.weekday()])
            and (self.nth is None or self._is_nth(day))
        )

    def _is_nth(self, day: date) -> bool:
        if self.nth == -1:
            return (day + timedelta(days=7)).month != day.month
        return (day.day - 1) // 7 + 1 == self.nth

    def fault(self) -> Exception | None:
        """What is wrong with the parts taken together."""
        if self.nth is not None and (self.weekday is None or self.nth == 0):
            return fault("document.nth_needs_weekday")
        if self == DayRule():
            return fault("document.empty_rule")
        return None


def birthday_today(born: date, day: date) -> bool:
    """29 February is kept on the 28th of other years."""
    return anniversary(born, day.year) == day


def birthday_week(born: date, day: date) -> bool:
    """Whether the birthday lies in the week (from Monday) of ``day``."""
    monday = day - timedelta(days=day.weekday())
    return any(birthday_today(born, monday + timedelta(days=offset)) for offset in range(7))


def birthday_month(born: date, day: date) -> bool:
    return born.month == day.month


def next_difference(read: Callable[[date], object], day: date) -> date:
    """The first day after ``day`` on which a fact of the calendar differs; where none is found, the end of the search: early, never late."""
    now = read(day)
    later = (day + timedelta(days=ahead) for ahead in range(1, FAR))
    return next((other for other in later if read(other) != now), day + timedelta(days=FAR))


def tomorrow(day: date) -> date:
    return day + ONE_DAY
