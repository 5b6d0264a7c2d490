"""The specification of what a condition says: its value, and the trace that tells why.

Two-valued: a comparison with a missing fact is false, and ``not`` is plain negation, so that ``not`` of it is true.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from custrules.conditions.binding import Bound, Leaf, Operand, Test
from custrules.conditions.cells import Always, Between, Equals, Missing
from custrules.facts import Facts, FactType, FactValue

Gap: TypeAlias = int | Fraction


@dataclass(frozen=True, slots=True)
class LeafTrace:
    """What a cell was asked and what was there (``observed`` is None where the fact is missing).

    ``gap`` is, for a failed comparison of an ordered kind, what must be added to the observed value to make it true, by the
    nearest way: smallest units of money, numbers, days, ranks of levels; negative where the value is too high. It lands on
    the first unit inside, but for a number beyond an open end (``> 0.5``) on the end itself, which is to be passed. It is None
    where the cell holds, where the fact is missing, and for ``not(...)``.
    """

    fact: str
    cell: str
    type: FactType
    observed: FactValue | None
    result: bool
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class NodeTrace:
    """``all``, ``any`` or ``not`` with its answer, and what each child said."""

    kind: Literal["all", "any", "not"]
    result: bool
    children: tuple[Trace, ...]


Trace: TypeAlias = LeafTrace | NodeTrace


def evaluate(bound: Bound, facts: Facts) -> bool:
    """Whether the condition holds; facts that no longer matter are not read. TypeError where a fact is not of its declared kind."""
    if isinstance(bound, Leaf):
        return holds(bound, facts.value(bound.fact))
    return combined(bound.kind, (evaluate(child, facts) for child in bound.children))


def trace(bound: Bound, facts: Facts) -> Trace:
    """The same answer in ``.result``, with everything that was compared."""
    if isinstance(bound, Leaf):
        value = facts.value(bound.fact)
        return leaf_trace(bound, value, holds(bound, value))
    children = tuple(trace(child, facts) for child in bound.children)
    return NodeTrace(bound.kind, combined(bound.kind, (child.result for child in children)), children)


def combined(kind: str, results: Iterable[bool]) -> bool:
    """``all``, ``any`` or ``not`` of its children's answers."""
    if kind == "any":
        return any(results)
    return all(results) if kind == "all" else not all(results)


def holds(leaf: Leaf, value: FactValue | None) -> bool:
    """Whether a cell holds for a value of its fact; None is missing."""
    return agrees(leaf, operand_of(leaf, value), value is None)


def agrees(leaf: Leaf, operand: Operand | None, missing: bool) -> bool:
    """The same for a value made ready by ``operand_of``, which many cells of one fact may share."""
    return leaf.negated != any(_passes(test, operand, missing) for test in leaf.tests)


def _passes(test: Test, operand: Operand | None, missing: bool) -> bool:
    match test:
        case Always():
            return True
        case Missing():
            return missing
        case Equals(value=wanted):
            return operand is not None and operand == wanted
        case Between():
            return operand is not None and not _below(test, operand) and not _above(test, operand)


def _below(interval: Between[Any], operand: Any) -> bool:
    low = interval.low
    return low is not None and (operand < low or (operand == low and not interval.low_closed))


def _above(interval: Between[Any], operand: Any) -> bool:
    high = interval.high
    return high is not None and (operand > high or (operand == high and not interval.high_closed))


def operand_of(leaf: Leaf, value: FactValue | None) -> Operand | None:
    """The value as tests compare it: a level as its rank. None where it is missing, or a level that the program no longer has."""
    if value is None:
        return None
    kind = leaf.type
    if not kind.admits(value):
        raise TypeError(f"fact {leaf.fact!r} is of kind {kind.kind}, found {type(value).__name__} {value!r}; a float is never exact")
    if kind.kind == "level":
        return kind.rank(str(value)) if value in kind.values else None
    return value


def leaf_trace(leaf: Leaf, value: FactValue | None, result: bool) -> LeafTrace:
    """What a cell was asked and what was there, given whether it holds."""
    return LeafTrace(leaf.fact, leaf.cell, leaf.type, value, result, None if result else _gap(leaf, value))


def _gap(leaf: Leaf, value: FactValue | None) -> Gap | None:
    operand = operand_of(leaf, value)
    if operand is None or leaf.negated or not leaf.type.ordered:
        return None
    unit = 0 if leaf.type.kind == "number" else 1
    gaps = [gap for test in leaf.tests if (gap := _distance(test, operand, unit)) is not None]
    return min(gaps, key=_size, default=None)


def _size(gap: Gap) -> Gap:
    return -gap if gap < 0 else gap


def _distance(test: Test, operand: Any, unit: int) -> Gap | None:
    """The way from the operand into the test, which it fails."""
    match test:
        case Equals(value=wanted):
            return _difference(wanted, operand)
        case Between() if _below(test, operand):
            return _difference(test.low, operand) + (0 if test.low_closed else unit)
        case Between():
            return _difference(test.high, operand) - (0 if test.high_closed else unit)
    return None


def _difference(end: Any, operand: Any) -> Gap:
    gap: Gap = (end - operand).days if isinstance(end, date) else end - operand
    return gap
