"""What a ladder is written of: levels, exclusions, review days."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from custrules.calendars import add_months
from custrules.calendars.spans import start_of_period
from custrules.conditions import Condition
from custrules.fields import Name, Text, Title, one_of, read_whole, wrong_type
from custrules.policies.tiers.benefits import Benefit

_CYCLES = {"month": 1, "quarter": 3, "half": 6, "year": 12}


class LevelRule(BaseModel):
    """A step of the ladder: what it takes to ``enter`` it, and to ``keep`` it at a review (as to enter, where not said)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")
    later_fields: ClassVar[tuple[str, ...]] = ("was",)

    name: Name
    title: Title = ""
    enter: Condition | None = None
    keep: Condition | None = None
    benefits: Annotated[tuple[Benefit, ...], Field(max_length=100)] = ()

    @property
    def keeps(self) -> Condition | None:
        return self.keep if self.keep is not None else self.enter


class Exclusion(BaseModel):
    """Customers who have no level, and why."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    when: Condition
    reason: Text


def _day_of_month(value: object) -> int:
    day = read_whole(value)
    if not 1 <= day <= 28:
        raise wrong_type("a day of the month that every month has: 1 to 28", value)
    return day


class ReviewCycle(BaseModel):
    """The days on which upgrades are decided: the ``day`` of every month, or of the first month of every quarter, half or year."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    every: Annotated[Literal["month", "quarter", "half", "year"], one_of(*_CYCLES)]
    day: Annotated[int, BeforeValidator(_day_of_month)] = 1

    def holds(self, day: date) -> bool:
        return day.day == self.day and start_of_period(day, _CYCLES[self.every]).month == day.month

    def after(self, day: date) -> date:
        """The first review day after a day."""
        months = _CYCLES[self.every]
        this = start_of_period(day, months).replace(day=self.day)
        return this if this > day else add_months(start_of_period(day, months), months).replace(day=self.day)
