"""What a ladder is written of: levels, exclusions, review days, downgrades."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_serializer, model_validator

from custrules.calendars import ONE_DAY, add_months
from custrules.calendars.spans import start_of_period
from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.fields import Name, Names, Text, Title, one_of, read_whole
from custrules.forms import within
from custrules.policies.tiers.benefits import Benefit

_CYCLES = {"month": 1, "quarter": 3, "half": 6, "year": 12}


class LevelRule(BaseModel):
    """A step of the ladder: what it takes to ``enter`` it, and to ``keep`` it at a review (as to enter, where not said).

    ``was``: the name, or names, that an earlier version called it by.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: Name
    was: Names = ()
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


_day_of_month = within(read_whole, "a day of the month that every month has: 1 to 28", lambda number: 1 <= number <= 28)


class ReviewCycle(BaseModel):
    """The days on which levels are decided: the ``day`` of every month, or of the first month of every quarter, half or year."""

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

    def later(self, day: date, times: int) -> date:
        """The review day so many reviews after a day."""
        for _ in range(times):
            day = self.after(day)
        return day

    def between(self, first: date, last: date) -> Iterator[date]:
        """The review days from one day to another."""
        day = self.after(first - ONE_DAY)
        while day <= last:
            yield day
            day = self.after(day)

    @property
    def at_most_days(self) -> int:
        """No shorter than the time from one review to the next."""
        return 31 * _CYCLES[self.every]


class Downgrade(BaseModel):
    """What a review that is not passed leaves: ``one_level`` lower, what is earned (``to_earned``), or ``{to: best_of, measure: …}``.

    ``best_of``: the level that the best value of a measure would reach, were it the value now. A measure that the levels ask for
    themselves has its best value among the review days since it was first too low (under a watch) or since the level was reached or
    last kept (at the end of a term); another one, such as ``{best: …, per: …}``, stands in for the one measure of its kind that they
    ask for.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    to: Annotated[Literal["one_level", "to_earned", "best_of"], one_of("one_level", "to_earned", "best_of")]
    measure: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, str) else value

    @model_serializer
    def _short(self) -> str | dict[str, str]:
        return self.to if self.measure is None else {"to": self.to, "measure": self.measure}

    def faults(self, path: str) -> Iterator[Diagnostic]:
        if self.to == "best_of" and self.measure is None:
            yield Diagnostic("document.missing_field", path, {"field": "measure"})
        if self.to != "best_of" and self.measure is not None:
            yield Diagnostic("document.not_with", f"{path}.measure", {"field": "measure", "other": f"to: {self.to}"})
