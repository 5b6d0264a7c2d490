"""Rows of cells over the same facts: which rows can hold together, which never come to their turn, what none of them answers.

Every fact is cut into the parts between which no cell tells a difference; of each part it is known, as one bit a row, which rows
hold there. A question is then a walk through the parts of one fact after another, on whole sets of rows at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import and_, or_

from custrules.analysis.check.domains import GaveUp
from custrules.analysis.check.spaces import Axis, Pairs, Space, Witness, axes_of, fits, pairs_of
from custrules.conditions import Leaf
from custrules.facts import FactValue

MOST_STEPS = 100_000  # of all questions about one table

Rows = int
"""A set of rows, one bit each: row 0 is the lowest."""


class Grid:
    """Rows, each a sequence of cells all of which must hold."""

    space: Space
    count: int
    axes: list[Axis]
    pairs: Pairs
    holding: list[list[Rows]]
    points_of: list[list[int]]
    steps: int

    def __init__(self, space: Space, rows: Sequence[Sequence[Leaf]], asked: Sequence[Leaf] = ()) -> None:
        """``asked`` are further cells that cut the facts, though no row has them."""
        self.space, self.count, self.steps = space, len(rows), 0
        self.axes = axes_of(space, [*(leaf for row in rows for leaf in row), *asked])
        self.pairs = pairs_of(space, [name for axis in self.axes for name in axis.names])
        self.points_of = [self._rows_on(rows, axis) for axis in self.axes]
        self.holding = [_turned(points, len(axis.points)) for axis, points in zip(self.axes, self.points_of, strict=True)]

    def _rows_on(self, rows: Sequence[Sequence[Leaf]], axis: Axis) -> list[int]:
        """For each row, the points of an axis at which its cells hold, one bit each; a row without such a cell holds at all."""
        own = [[leaf for leaf in row if leaf.fact in axis.names] for row in rows]
        distinct = {leaf for row in own for leaf in row}
        self.space.world.charge(len(distinct) * len(axis.points))
        held = {leaf: axis.held(leaf) for leaf in distinct}
        every = (1 << len(axis.points)) - 1
        return [reduce(and_, (held[leaf] for leaf in row), every) for row in own]

    @property
    def every(self) -> Rows:
        return (1 << self.count) - 1

    def meeting(self, row: int) -> list[int]:
        """The rows before one that no single fact keeps apart from it."""
        found = (1 << row) - 1
        for points, holding in zip(self.points_of, self.holding, strict=True):
            found &= reduce(or_, (holding[place] for place in _bits(points[row])), 0)
        return list(_bits(found))

    def together(self, first: int, second: int) -> Witness | None:
        """Facts for which both rows hold."""
        both = 1 << first | 1 << second
        return self.find(lambda rows: rows & both == both, keep=both)

    def none_of(self, within: Callable[[Witness], bool] | None = None) -> Witness | None:
        """Facts for which no row holds, of those that are ``within``."""
        return self.find(lambda rows: not rows, keep=0, within=within)

    def only(self, row: int, before: Rows) -> Witness | None:
        """Facts for which a row holds, and none of those ``before`` it."""
        bit = 1 << row
        return self.find(lambda rows: bool(rows & bit) and not rows & before, keep=bit, matter=before)

    def find(
        self, wanted: Callable[[Rows], bool], *, keep: Rows, matter: Rows | None = None, within: Callable[[Witness], bool] | None = None
    ) -> Witness | None:
        """Facts for which the set of rows that hold is wanted; all of ``keep`` must hold on the way. GaveUp where that takes too long."""
        if self.space.blind(name for axis in self.axes for name in axis.names):
            return None
        return _Walk(self, wanted, keep, self.every if matter is None else keep | matter, within).run()


class _Walk:
    """One question; sets of rows from which the rest of the way led nowhere are not tried twice."""

    grid: Grid
    keep: Rows
    matter: Rows

    def __init__(self, grid: Grid, wanted: Callable[[Rows], bool], keep: Rows, matter: Rows, within: Callable[[Witness], bool] | None) -> None:
        self.grid, self.wanted, self.keep, self.matter, self.within = grid, wanted, keep, matter, within
        self.futile: set[tuple[int, Rows]] = set()

    def run(self) -> Witness | None:
        return self._walk(0, self.grid.every, {})

    def _points(self, place: int) -> Iterator[int]:
        """The points of an axis at which all rows hold that must."""
        found = (1 << len(self.grid.axes[place].points)) - 1
        for row in _bits(self.keep):
            found &= self.grid.points_of[place][row]
        return _bits(found)

    def _walk(self, place: int, rows: Rows, given: dict[str, FactValue | None]) -> Witness | None:
        self.grid.steps += 1
        if self.grid.steps > MOST_STEPS:
            raise GaveUp
        if place == len(self.grid.axes):
            return given if self.wanted(rows) else None
        known = (place, rows & self.matter)
        if known in self.futile:
            return None
        for index in self._points(place):
            point, left = self.grid.axes[place].points[index], rows & self.grid.holding[place][index]
            if left & self.keep != self.keep or (self.within is not None and not self.within(point)) or not fits(self.grid.pairs, given, point):
                continue
            found = self._walk(place + 1, left, {**given, **point})
            if found is not None:
                return found
        if not self.grid.pairs:
            self.futile.add(known)
        return None


def _turned(points: Sequence[int], count: int) -> list[Rows]:
    """The other way round: for each point, the rows that hold there."""
    holding = [0] * count
    for row, held in enumerate(points):
        for place in _bits(held):
            holding[place] |= 1 << row
    return holding


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
