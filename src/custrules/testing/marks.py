"""Where a program's answers may change: the thresholds of its conditions, the numbers of its policies, and the days of its calendar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from custrules.calendars import ONE_DAY, start_of_day
from custrules.conditions.binding import Bound, Leaf
from custrules.conditions.cells import Between, Equals
from custrules.money import Money
from custrules.program import Program

ORDINARY = (1, 100, 999, 1000, 3333, 4999, 5000, 5001, 9999, 10000, 10001, 19999, 20000, 30000)  # hundredths of a unit
FIRST_DAY = date(2011, 9, 30)  # where nothing in a program says when it began
LARGEST = 10**9


@dataclass(frozen=True, slots=True)
class Marks:
    """``amounts`` are smallest units of the currency; ``sums`` maps a money fact to its thresholds; ``numbers`` are all
    other thresholds and the numbers in policies; ``words`` maps a fact to the texts it is compared with."""

    amounts: tuple[int, ...]
    sums: Mapping[str, tuple[int, ...]]
    numbers: tuple[Fraction, ...]
    words: Mapping[str, tuple[str, ...]]
    starts: tuple[date, ...]


def marks_of(program: Program) -> Marks:
    """The marks of a program: its thresholds one smallest unit below, at and above, and ordinary values between them."""
    leaves = [leaf for bound in program.rulebook.bound.values() for leaf in _leaves(bound)]
    minor = 10**program.rulebook.scale
    sums: dict[str, tuple[int, ...]] = {}
    words: dict[str, tuple[str, ...]] = {}
    numbers: set[Fraction] = set()
    for leaf in leaves:
        operands = list(_operands(leaf))
        if leaf.type.kind == "money":
            sums[leaf.fact] = (*sums.get(leaf.fact, ()), *(int(value) for value in operands if isinstance(value, int | Fraction)))
        elif leaf.type.kind in ("number", "whole"):
            numbers |= {Fraction(value) for value in operands if isinstance(value, int | Fraction)}
        elif leaf.type.kind == "text":
            words[leaf.fact] = (*words.get(leaf.fact, ()), *(value for value in operands if isinstance(value, str)))
    numbers |= {number for policy in program.policies for number in _numbers_in(policy)}
    thresholds = {mark for found in sums.values() for mark in found} | {int(number * minor) for number in numbers}
    near = {mark + by for mark in thresholds for by in (-1, 0, 1) if 0 < mark + by < LARGEST}
    ordinary = [max(1, amount * minor // 100) for amount in ORDINARY]
    return Marks(
        amounts=tuple(dict.fromkeys([*ordinary, *sorted(near)])),
        sums={name: tuple(sorted(set(found))) for name, found in sums.items()},
        numbers=tuple(sorted(number for number in numbers if 0 < number < LARGEST)),
        words={name: tuple(dict.fromkeys(found)) for name, found in words.items()},
        starts=tuple(_starts(program)),
    )


def _leaves(bound: Bound) -> Iterator[Leaf]:
    if isinstance(bound, Leaf):
        yield bound
        return
    for child in bound.children:
        yield from _leaves(child)


def _operands(leaf: Leaf) -> Iterator[object]:
    for test in leaf.tests:
        if isinstance(test, Equals):
            yield test.value
        elif isinstance(test, Between):
            yield from (end for end in (test.low, test.high) if end is not None)


def _numbers_in(value: object) -> Iterator[Fraction]:
    """Every number in the fields of a policy, and in the models inside it."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _numbers_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _numbers_in(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _numbers_in(item)
    elif isinstance(value, Money):
        yield Fraction(value.amount)
    elif isinstance(value, int | Decimal | Fraction) and not isinstance(value, bool):
        yield Fraction(value)


# -- days --------------------------------------------------------------------------------------------------------------


def _starts(program: Program) -> Iterable[date]:
    """Days on which a history may begin: when the program does, at ends of months and years, before a leap day and a change of clocks."""
    begun = [day for day in program.rulebook.first_days if day.year > FIRST_DAY.year - 50]
    first = min(begun, default=FIRST_DAY)
    new_year = date(first.year + 1, 1, 1)
    later = (new_year - ONE_DAY, new_year - 8 * ONE_DAY, date(new_year.year, 1, 31), _leap_day(first) - ONE_DAY)
    return dict.fromkeys((first, *later, *(day - ONE_DAY for day in begun), *clock_changes(program.zone, new_year.year)))


def _leap_day(after: date) -> date:
    year = next(year for year in range(after.year, after.year + 9) if year % 4 == 0 and (year % 100 or year % 400 == 0) and date(year, 2, 29) > after)
    return date(year, 2, 29)


@lru_cache(maxsize=256)
def clock_changes(zone: ZoneInfo, year: int) -> tuple[date, ...]:
    """The local days of a year that do not last 24 hours."""
    days = (date(year, 1, 1) + timedelta(days=number) for number in range(365))
    return tuple(day for day in days if start_of_day(day + ONE_DAY, zone) - start_of_day(day, zone) != ONE_DAY)


def boundaries_after(program: Program, day: date) -> tuple[date, ...]:
    """The next days after ``day`` on which something begins or ends: a month, a leap day, a version, a change of clocks."""
    month = (day.replace(day=1) + 31 * ONE_DAY).replace(day=1)
    found = [month - ONE_DAY, month, _leap_day(day)]
    version = program.rulebook.next_first_day(day)
    found += [version - ONE_DAY, version] if version is not None else []
    found += [change for year in (day.year, day.year + 1) for change in clock_changes(program.zone, year)][:4]
    return tuple(sorted({found_day for found_day in found if found_day > day}))
