"""Facts of the calendar: which day it is, birthdays, and days that a program names (``member_day: {day_of_month: 8}``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, PlainValidator, WithJsonSchema

from custrules.calendars.birthdays import Birthday
from custrules.calendars.days import ONE_DAY
from custrules.calendars.festivals import FESTIVALS, festival_name, festivals_on
from custrules.calendars.lunar import LAST_YEAR, TERM_NAMES, TERM_SLUGS, season_on, term_on, term_place
from custrules.calendars.lunar_table import FIRST_YEAR
from custrules.fields import describe, fault, one_of, read_whole, wrong_type

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


def _named(read: Callable[[str], str | None], known: Sequence[str], what: str) -> PlainValidator:
    """One name out of many, or a list of them, each by its one spelling."""

    def one(value: object) -> str:
        name = read(value) if isinstance(value, str) else None
        if name is None:
            raise fault("document.unknown_choice", found=describe(value), choices=", ".join(known))
        return name

    def many(value: object) -> tuple[str, ...]:
        values = value if isinstance(value, list | tuple) else [value]
        if not values or len(values) > len(known):
            raise wrong_type(what, value)
        return tuple(dict.fromkeys(map(one, values)))

    return PlainValidator(many)


def _schema(*words: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"enum": list(words)}, {"type": "array", "items": {"enum": list(words)}, "minItems": 1}]})


def _term_name(text: str) -> str | None:
    place = term_place(text)
    return TERM_NAMES[place] if place is not None else None


_as_list = PlainSerializer(lambda names: names[0] if len(names) == 1 else list(names))
FestivalNames = Annotated[
    tuple[str, ...],
    _named(festival_name, tuple(FESTIVALS), "a festival, or a list of them"),
    _as_list,
    _schema(*FESTIVALS, *(festival.zh for festival in FESTIVALS.values()), "中秋", "端午", "重阳", "元宵", "腊八"),
]
TermNames = Annotated[tuple[str, ...], _named(_term_name, TERM_NAMES, "a solar term, or a list of them"), _as_list, _schema(*TERM_NAMES, *TERM_SLUGS)]


class DayRule(BaseModel):
    """Days with a name: those that fit every part given. ``nth`` counts a weekday within its month, -1 is the last."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")
    day_of_month: Annotated[int, _within(1, 31, "a day of the month")] | None = None
    month: Annotated[int, _within(1, 12, "a month")] | None = None
    weekday: Annotated[Weekday, one_of(*WEEKDAYS)] | None = None
    nth: Annotated[int, _within(-1, 5, "which one in the month, or -1 for the last")] | None = None
    festival: FestivalNames | None = None
    solar_term: TermNames | None = None

    def holds(self, day: date) -> bool:
        return (
            self.day_of_month in (None, day.day)
            and self.month in (None, day.month)
            and self.weekday in (None, WEEKDAYS[day.weekday()])
            and (self.nth is None or self._is_nth(day))
            and (self.festival is None or not set(self.festival).isdisjoint(festivals_on(day)))
            and (self.solar_term is None or term_of(day) in self.solar_term)
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


def festival_of(day: date) -> str | None:
    """The festival of a day; of several the first: Chinese ones before others, of the lunar calendar before those of fixed days."""
    return next(iter(festivals_on(day)), None)


def term_of(day: date) -> str | None:
    """The solar term that begins on a day; None on other days, and where the table does not reach."""
    return term_on(day) if FIRST_YEAR <= day.year <= LAST_YEAR else None


def season_of(day: date) -> str | None:
    """The season as the Chinese calendar has it; None where the table does not reach."""
    return season_on(day) if FIRST_YEAR <= day.year <= LAST_YEAR else None


def birthday_today(born: Birthday, day: date) -> bool:
    """By the usual rules: 29 February is kept on the 28th of other years, a day of a leap month in the plain one where there is none."""
    return born.is_kept(day)


def birthday_week(born: Birthday, day: date) -> bool:
    """Whether the birthday lies in the week (from Monday) of ``day``."""
    monday = day - timedelta(days=day.weekday())
    return any(birthday_today(born, monday + timedelta(days=offset)) for offset in range(7))


def birthday_month(born: Birthday, day: date) -> bool:
    return born.in_month(day)


def next_difference(read: Callable[[date], object], day: date) -> date:
    """The first day after ``day`` on which a fact of the calendar differs; where none is found, the end of the search: early, never late."""
    now = read(day)
    later = (day + timedelta(days=ahead) for ahead in range(1, FAR))
    return next((other for other in later if read(other) != now), day + timedelta(days=FAR))


def tomorrow(day: date) -> date:
    return day + ONE_DAY
