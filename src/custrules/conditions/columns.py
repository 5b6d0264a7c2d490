"""A bound condition over columns, through narwhals: the same answers as the interpreter's, row by row.

Nothing is computed with decimals or floats, for data-frame engines differ there: every column is whole numbers (int64), every end of an
interval is made a whole number before the engine sees it, and a quotient is compared by multiplying across, only as far as int64
reaches. A comparison with a missing fact is false, and ``not`` of it true, as in conditions: an expression may be null in place of
false, which ``when`` takes for the same, but never under a ``not``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import ceil, floor
from operator import and_, or_
from typing import Any, TypeAlias

import narwhals as nw

from custrules.conditions.binding import Bound, Leaf, Ratio, Test
from custrules.conditions.cells import Always, Between, Equals, Missing
from custrules.conditions.interpreter import holds

Expr: TypeAlias = nw.Expr
Sign: TypeAlias = Callable[[Expr, Expr], Expr]
LIMIT = 2**63 - 1


@dataclass(frozen=True)
class Column:
    """A fact as a column: ``expr`` holds ``units`` times the value (of money: of its smallest units), or the value itself where
    ``units`` is None; ``present`` is true where it is not null."""

    expr: Expr
    present: Expr
    units: Fraction | None = None


@dataclass(frozen=True)
class QuotientColumn:
    """A fact that is the quotient of two columns, where ``base`` (None: always) holds for the second."""

    over: Column
    under: Column
    base: Leaf | None = None


Columns: TypeAlias = Mapping[str, Column | QuotientColumn]


class Reader:
    """Makes expressions out of conditions. Where any of ``beyond`` holds, a row cannot be answered: products would not fit."""

    columns: Columns
    beyond: dict[str, Expr]

    def __init__(self, columns: Columns) -> None:
        self.columns, self.beyond = columns, {}

    def expression(self, bound: Bound, strict: bool = False) -> Expr:
        """True where the condition holds, else false or null; ``strict``: never null."""
        if isinstance(bound, Leaf):
            return self.leaf(bound, strict)
        strict = strict or bound.kind == "not"
        parts = [self.expression(child, strict) for child in bound.children]
        if bound.kind == "any":
            return reduce(or_, parts) if parts else _constant(False)
        every = reduce(and_, parts) if parts else _constant(True)
        return every if bound.kind == "all" else ~every

    def ratio(self, ratio: Ratio) -> Expr:
        """A cell on the quotient of two columns."""
        over, under = self.columns[ratio.over], self.columns[ratio.under]
        assert isinstance(over, Column)
        assert isinstance(under, Column)
        name = f"{ratio.over}/{ratio.under}"
        return _any_of(self._compared(test, name, QuotientColumn(over, under)) for test in ratio.leaf.tests)

    def together(self, parts: Iterable[Bound | Ratio]) -> Expr:
        """Whether all of them hold."""
        return reduce(and_, [self.ratio(part) if isinstance(part, Ratio) else self.expression(part) for part in parts])

    def leaf(self, leaf: Leaf, strict: bool = False) -> Expr:
        """One cell: true where it holds, else false or null; ``strict``: never null."""
        if any(isinstance(test, Always) for test in leaf.tests):
            return _constant(not leaf.negated)
        column = self.columns[leaf.fact]
        parts = self._quotient(leaf, column) if isinstance(column, QuotientColumn) else _plain(leaf, column)
        found = _any_of(parts)
        if strict or leaf.negated:
            found = found.fill_null(False)
        return ~found if leaf.negated else found

    # -- quotients -------------------------------------------------------------------------------------------------

    def _quotient(self, leaf: Leaf, column: QuotientColumn) -> Iterator[Expr]:
        based = [self._based(column.base, column.under)] if column.base is not None else []
        for test in leaf.tests:
            if isinstance(test, Missing):
                there = [*based, column.under.expr != 0, column.over.present]
                yield ~reduce(and_, there).fill_null(False)
            else:
                yield reduce(and_, [*based, self._compared(test, leaf.fact, column)])

    def _based(self, base: Leaf, under: Column) -> Expr:
        """Whether the divisor is such that there is a quotient."""
        found = _any_of(_plain(base, under))
        return ~found.fill_null(False) & under.present if base.negated else found

    def _compared(self, test: Test, fact: str, column: QuotientColumn) -> Expr:
        if isinstance(test, Equals):
            return self._crossed(fact, column, test.value, _same, _same)
        assert isinstance(test, Between)
        ends = [(end, (upwards, closed), (not upwards, closed)) for end, closed, upwards in _sides(test) if end is not None]
        return reduce(and_, [self._crossed(fact, column, end, _SIGNS[way], _SIGNS[back]) for end, way, back in ends])

    def _crossed(self, fact: str, column: QuotientColumn, end: Any, sign: Sign, turned: Sign) -> Expr:
        """``over / under >= p / q`` as ``over * a >= under * b``; the sign turns where ``under`` is negative."""
        over, under = column.over, column.under
        assert over.units is not None
        assert under.units is not None
        ratio = Fraction(end) * over.units / under.units
        a, b = ratio.denominator, ratio.numerator
        left, right = self._times(over, a, f"{fact} over"), self._times(under, b, f"{fact} under")
        return ((under.expr > 0) & sign(left, right)) | ((under.expr < 0) & turned(left, right))

    def _times(self, column: Column, number: int, name: str) -> Expr:
        """A column times a whole number, where that fits."""
        if abs(number) <= 1:
            return column.expr * number if number != 1 else column.expr
        most = LIMIT // abs(number)
        self.beyond[f"{name} {most}"] = (column.expr < -most) | (column.expr > most)
        return column.expr * number


_SIGNS: Mapping[tuple[bool, bool], Sign] = {  # upwards, with the end itself
    (True, True): lambda left, right: left >= right,
    (True, False): lambda left, right: left > right,
    (False, True): lambda left, right: left <= right,
    (False, False): lambda left, right: left < right,
}


def _same(left: Expr, right: Expr) -> Expr:
    return left == right


def _constant(value: bool) -> Expr:
    return nw.lit(value, dtype=nw.Boolean)


def _any_of(parts: Iterable[Expr]) -> Expr:
    found = list(parts)
    return reduce(or_, found) if found else _constant(False)


def _plain(leaf: Leaf, column: Column) -> Iterator[Expr]:
    """The tests of a cell on a column, each false or null where that is null."""
    if leaf.type.kind == "level":
        yield from _levels(leaf, column)
        return
    if any(isinstance(test, Missing) for test in leaf.tests):
        yield ~column.present
    for test in leaf.tests:
        if isinstance(test, Equals):
            yield _equals(test.value, column)
        elif isinstance(test, Between):
            yield _between(test, column)


def _levels(leaf: Leaf, column: Column) -> Iterator[Expr]:
    """The names that a cell accepts, apart from ``not``, and whether it accepts that there is none."""
    accepted = [name for name in leaf.type.values if holds(leaf, name) != leaf.negated]
    if accepted:
        yield column.expr.is_in(accepted)
    if holds(leaf, None) != leaf.negated:
        yield ~column.present


def _equals(value: Any, column: Column) -> Expr:
    if isinstance(value, bool):
        return column.expr if value else ~column.expr
    if column.units is None:
        return column.expr == nw.lit(value)
    exact = value * column.units
    return column.expr == int(exact) if exact.denominator == 1 and abs(exact) <= LIMIT else _constant(False)


def _between(test: Between[Any], column: Column) -> Expr:
    sides = [_side(end, column, closed, upwards) for end, closed, upwards in _sides(test) if end is not None]
    return reduce(and_, sides) if sides else column.present


def _sides(test: Between[Any]) -> tuple[tuple[Any, bool, bool], tuple[Any, bool, bool]]:
    """The two ends, each with whether it is inside and whether values go upwards from it."""
    return (test.low, test.low_closed, True), (test.high, test.high_closed, False)


def _side(end: Any, column: Column, closed: bool, upwards: bool) -> Expr:
    """Whether a column is on the inner side of an end, which is made a whole number first."""
    if column.units is None:
        return _SIGNS[upwards, closed](column.expr, nw.lit(end))
    inside = _inside(Fraction(end) * column.units, closed, upwards)
    if abs(inside) > LIMIT:
        return _constant((inside < 0) is upwards)
    return _SIGNS[upwards, True](column.expr, nw.lit(inside, dtype=nw.Int64))


def _inside(end: Fraction, closed: bool, upwards: bool) -> int:
    """The first whole number inside, on the way from an end."""
    if upwards:
        return ceil(end) if closed else floor(end) + 1
    return floor(end) if closed else ceil(end) - 1
