"""Facts: the named values that conditions are tested on, and their types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Literal, Protocol, Self, TypeAlias

Kind = Literal["money", "number", "whole", "text", "flag", "date", "level"]

FactValue: TypeAlias = Fraction | int | str | bool | date
"""By kind: money is an int or Fraction of smallest units (an average may be a Fraction), number an int or Fraction,
whole an int, text and level a str, flag a bool, date a date. Never a float, never a Money, never a datetime."""

ORDERED: frozenset[Kind] = frozenset({"money", "number", "whole", "date", "level"})
"""Kinds whose values have an order, so that ``>= x`` and ``[a..b]`` mean something."""

HELD_AS: Mapping[Kind, tuple[type, ...]] = {
    "money": (int, Fraction),
    "number": (int, Fraction),
    "whole": (int,),
    "text": (str,),
    "flag": (bool,),
    "date": (date,),
    "level": (str,),
}


@dataclass(frozen=True, slots=True)
class FactType:
    """What a fact may hold.

    ``values`` is, for text, the closed set where one is declared (empty: any text), for a level its names in order of
    rank. ``scale`` is, for money, the number of the currency's decimals. ``former`` are pairs of what a level was called and
    is called: two names of one level have one rank.
    """

    kind: Kind
    values: tuple[str, ...] = ()
    scale: int = 0
    former: tuple[tuple[str, str], ...] = ()

    @property
    def ordered(self) -> bool:
        return self.kind in ORDERED

    def rank(self, level: str) -> int:
        """The rank of a level by any of its names; ValueError for a name that no level has."""
        return self.values.index(self.current(level))

    def current(self, level: str) -> str:
        """What a level is called that was called otherwise before."""
        for old, new in self.former:  # in the order of the versions
            level = new if level == old else level
        return level

    def admits(self, value: object) -> bool:
        """Whether ``value`` is of the Python type in which this kind is held."""
        if isinstance(value, bool):  # a bool is an int to Python, and must not pass for a number
            return self.kind == "flag"
        return isinstance(value, HELD_AS[self.kind]) and not isinstance(value, datetime)


class Levels(tuple[str, ...]):
    """The names of a ladder's levels in order of rank, those of all versions; two names of one level have one rank."""

    type: FactType

    def __new__(cls, names: Iterable[str], kind: FactType) -> Self:
        levels = super().__new__(cls, names)
        levels.type = kind
        return levels


def upto_level(level: str, levels: tuple[str, ...]) -> list[str]:
    """A level and all below it, by all their names, in order of rank; nothing for a name that no level has."""
    if level not in levels:
        return []
    if not isinstance(levels, Levels) or not levels.type.former:
        return list(levels[: levels.index(level) + 1])
    rank = levels.type.rank(level)
    return [name for name in levels if levels.type.rank(name) <= rank]


def merged(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Two ladders in one order: the second's, with levels that only the first has before the level they stood under."""
    result = list(second)
    for place, name in reversed(list(enumerate(first))):
        if name not in result:
            above = next((other for other in first[place + 1 :] if other in result), None)
            result.insert(result.index(above) if above is not None else len(result), name)
    return tuple(result)


def merged_levels(before: FactType, given: FactType) -> FactType:
    """The levels of the versions so far and of the next, in one order; those that are only called otherwise have one rank.

    What is called otherwise stands before its new name; what becomes part of a level that was there already stays where it was.
    """
    renamed = [(old, new) for old, new in given.former if new not in before.values]
    names = [name for new in given.values for name in (*(old for old, called in renamed if called == new), new)]
    alone = tuple((old, new) for old, new in renamed if sum(called == new for _, called in renamed) == 1)
    return FactType("level", merged(before.values, names), former=before.former + alone)


class Facts(Protocol):
    """The values of all facts as they stand on one local day."""

    def value(self, name: str) -> FactValue | None:
        """The value of the fact; None where it is missing."""

    def next_change(self, name: str) -> date | None:
        """The first local day after this one on which time alone may change the fact: early at worst, never late. None: no such day."""
