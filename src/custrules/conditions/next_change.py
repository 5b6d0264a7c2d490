"""When time alone may next change what a condition says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any

from custrules.conditions.binding import Bound, Leaf
from custrules.conditions.cells import Between, Equals
from custrules.conditions.hits import BoundTable
from custrules.facts import Facts


def next_change(bound: Bound | BoundTable, facts: Facts) -> date | None:
    """The first local day on which any fact of the condition (or table) may change; None where time changes none of them.

    Early at worst, never late: between this day and that one the condition says the same. All facts count, also those
    that do not decide the answer now, for which of them decides may be what changes. Of facts that grow by one a day
    (``grows``) that is the day on which they come to the next number that a cell names.
    """
    grows = getattr(facts, "grows", None)
    grown = {name: grows(name) for name in bound.facts} if grows is not None else {}
    days = [facts.next_change(name) for name in bound.facts if grown.get(name) is None]
    if any(value is not None for value in grown.values()):
        days += [_reached(leaf, *grown[leaf.fact]) for leaf in _leaves(bound) if grown.get(leaf.fact) is not None]
    return min((day for day in days if day is not None), default=None)


def _reached(leaf: Leaf, day: date, value: int) -> date | None:
    """The day on which a fact that has a value on a day, and one more each day after, comes to where the cell may say otherwise."""
    ahead = [number - value for end in _ends(leaf) for number in (ceil(end), floor(end) + 1) if number > value]
    return day + timedelta(days=min(ahead)) if ahead and min(ahead) <= (date.max - day).days else None


def _ends(leaf: Leaf) -> Iterator[Fraction]:
    for test in leaf.tests:
        named: Iterable[Any] = (test.value,) if isinstance(test, Equals) else (test.low, test.high) if isinstance(test, Between) else ()
        yield from (Fraction(end) for end in named if end is not None)


def _leaves(bound: Bound | BoundTable) -> Iterator[Leaf]:
    if isinstance(bound, Leaf):
        yield bound
    elif isinstance(bound, BoundTable):
        yield from (leaf for row in bound.rows for leaf in row.leaves)
    else:
        for child in bound.children:
            yield from _leaves(child)
