"""How long a level is held: the last day of its term, counted from where the ladder says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import ClassVar, Self

from pydantic import Field, model_serializer

from custrules.calendars import ONE_DAY, Length, Span, Window, add_months
from custrules.calendars.windows import Standing, Years
from custrules.errors import Diagnostic
from custrules.fields import TextValue, wrong_type

ANCHORS = ("upgrade", "join_date", "end_of_qualifying_year")
_QUALIFYING = Window.parse("qualifying year")


class Anchor(TextValue):
    """What a term is counted from: ``upgrade``, ``join_date``, ``end_of_qualifying_year``, or a fixed day of the year such as ``01-01``."""

    __slots__ = ("day", "month", "text")
    grammar = "upgrade, join_date, end_of_qualifying_year, or a day of the year such as 01-01"
    text: str
    month: int
    day: int

    def __init__(self, text: str, month: int = 0, day: int = 0) -> None:
        self.text, self.month, self.day = text, month, day

    @classmethod
    def parse(cls, text: str) -> Self:
        if text in ANCHORS:
            return cls(text)
        if len(text) == 5 and text.isascii() and text[2] == "-" and (text[:2] + text[3:]).isdigit() and text != "02-29":
            try:
                found = date.fromisoformat(f"2000-{text}")
            except ValueError:
                raise wrong_type(cls.grammar, text) from None
            return cls(text, found.month, found.day)
        raise wrong_type(cls.grammar, text)

    @property
    def fixed(self) -> bool:
        return self.month > 0


@dataclass(frozen=True, slots=True)
class Course:
    """How a customer's years run: the day of joining, and whether qualifying years follow the calendar or that day."""

    joined: date
    years: Years = "calendar"

    def year(self, day: date, *, complete: bool = False) -> tuple[date, date]:
        """First and last day of the qualifying year that holds a day; ``complete``: of the last one that ended by then."""
        found = _QUALIFYING.year(day, Standing(self.joined, None, self.years, complete))
        assert found is not None
        return found


class Term(Span):
    """A span, from the upgrade; or ``{length: 14 months, from: end_of_qualifying_year}``, from what the ladder names.

    ``from: join_date``: terms of that length follow one another from the day of joining, and a level is held to the end of the one that
    runs. ``from: 01-01``: the same with fixed days of the year; the last day is the one before the next term begins. ``from:
    end_of_qualifying_year``: from the end of the year that was judged. ``minimum``: where less than that is left, to the end after it.
    """

    later_fields: ClassVar[tuple[str, ...]] = ()

    from_: Anchor = Field(default=Anchor("upgrade"), alias="from")
    minimum: Length | None = None

    @model_serializer
    def _short(self) -> str | dict[str, str]:
        parts = {"length": str(self.length), "rounded_to": self.rounded_to, "plus": str(self.plus) if self.plus else None}
        parts |= {"from": None if self.from_upgrade else str(self.from_), "minimum": str(self.minimum) if self.minimum else None}
        told = {name: text for name, text in parts.items() if text is not None}
        return str(self.length) if len(told) == 1 else told

    @property
    def from_upgrade(self) -> bool:
        return self.from_.text == "upgrade"

    def faults(self, path: str, qualifying: bool) -> Iterator[Diagnostic]:
        """What does not go together; ``qualifying``: the ladder says how its qualifying years run."""
        if self.from_.text == "end_of_qualifying_year" and not qualifying:
            yield Diagnostic("document.missing_field", "", {"field": "qualifying_year"})
        if self.from_.fixed and (not self.length.months or 12 % self.length.months):
            params = {"expected": "a length of which a year is made: 1 year, or 6, 4, 3, 2 or 1 months", "found": str(self.length)}
            yield Diagnostic("document.wrong_type", f"{path}.length", params)
        if self.minimum is not None and self.from_upgrade:
            yield Diagnostic("document.not_with", f"{path}.minimum", {"field": "minimum", "other": "from: upgrade"})

    def first(self, day: date, course: Course, *, complete: bool = False) -> date:
        """The last day of the term of a level that is reached on a day; ``complete``: where the last complete year was judged."""
        if self.from_upgrade:
            return self.last_day(day)
        least = self.minimum.after(day) if self.minimum is not None else day
        return self._next(day, least, course, complete)

    def renewed(self, anchor: date, terms: int, last: date, course: Course, *, complete: bool = False) -> tuple[date, int]:
        """The last day of the term after one that ended, and how many terms that makes: counted from the anchor, so that clamped month
        ends do not drift."""
        if not self.from_upgrade:
            return self._next(last, last, course, complete), terms + 1
        until = last
        while until <= last:
            terms += 1
            until = self.last_day(anchor, terms)
        return until, terms

    def _next(self, day: date, least: date, course: Course, complete: bool) -> date:
        return next(last for end in self._ends(day, course, complete) if (last := self.rounded(end)) > day and last >= least)

    def _ends(self, day: date, course: Course, complete: bool) -> Iterator[date]:
        """Days on which the terms that are counted from one thing end, before they are rounded; from the one that holds a day on."""
        if self.from_.text == "end_of_qualifying_year":
            return self._year_ends(day, course, complete)
        ends = self._cycle_ends(day) if self.from_.fixed else self._joined_ends(day, course.joined)
        return (end for end in ends if end >= day)

    def _year_ends(self, day: date, course: Course, complete: bool) -> Iterator[date]:
        """Year ends as they are judged: each with the length after it."""
        end = course.year(day, complete=complete)[1]
        while True:
            yield self.length.after(end)
            end = course.year(end + ONE_DAY)[1]

    def _joined_ends(self, day: date, joined: date) -> Iterator[date]:
        first = max(1, (day - joined).days // self.length.at_most_days)
        return (self.length.after(joined, times) for times in count(first))

    def _cycle_ends(self, day: date) -> Iterator[date]:
        anchor = date(day.year - 1, self.from_.month, self.from_.day)
        return (add_months(anchor, self.length.months * times) - ONE_DAY for times in count(1))

    @property
    def at_most_days(self) -> int:
        year = 0 if self.from_upgrade else 366
        return super().at_most_days + year + (self.minimum.at_most_days if self.minimum is not None else 0)
