"""The tree that the readers read: every cell typed against its fact. Binding finds all faults, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from pydantic_core import PydanticCustomError

from custrules.conditions.cells import Always, BadCell, Between, Cell, Equals, Missing, Word, WordTest, quoted_cell
from custrules.conditions.tree import Condition
from custrules.errors import Diagnostic, MoneyError
from custrules.facts import FactType
from custrules.fields import read_day, read_decimal, read_flag, read_rate, read_whole
from custrules.money import to_units
from custrules.validation import nearest

Operand: TypeAlias = int | Fraction | str | bool | date
"""What a test compares with: money in smallest units, a level as its rank (0 the lowest), other kinds as the fact holds them."""

Test: TypeAlias = Equals[Operand] | Between[Operand] | Missing | Always


@dataclass(frozen=True, slots=True)
class Leaf:
    """One fact and its tests: true when any of them is, or, ``negated``, when none is. ``cell`` is the text for people."""

    fact: str
    cell: str
    type: FactType
    negated: bool
    tests: tuple[Test, ...]

    @property
    def facts(self) -> frozenset[str]:
        return frozenset({self.fact})


@dataclass(frozen=True, slots=True)
class Node:
    """``all`` or ``any`` of its children, or ``not`` its only child."""

    kind: Literal["all", "any", "not"]
    children: tuple[Bound, ...]

    @property
    def facts(self) -> frozenset[str]:
        return frozenset().union(*(child.facts for child in self.children))


@dataclass(frozen=True, slots=True)
class Ratio:
    """A cell on the exact quotient of two facts, false where there is none. Policies make it for columns; no document writes it."""

    over: str
    under: str
    leaf: Leaf

    @property
    def facts(self) -> frozenset[str]:
        return frozenset({self.over, self.under})


Bound: TypeAlias = Leaf | Node


def bind(condition: Condition, table: Mapping[str, FactType], path: str = "") -> tuple[Bound | None, list[Diagnostic]]:
    """The condition with every cell typed against its fact in ``table``, or None and every fault, at paths below ``path``."""
    faults: list[Diagnostic] = []
    bound = _bound(condition, table, path, faults)
    return (None if faults else bound), faults


def _bound(condition: Condition, table: Mapping[str, FactType], path: str, faults: list[Diagnostic]) -> Bound | None:
    children: list[Bound | None] = []
    for key, entry in condition.entries.items():
        place = f"{path}.{key}" if path else key
        if isinstance(entry, Cell):
            children.append(_leaf(entry, key, table, place, faults))
        elif isinstance(entry, Condition):
            children.append(_node("not", [_bound(entry, table, place, faults)]))
        else:
            inner = [_bound(child, table, f"{place}[{index}]", faults) for index, child in enumerate(entry)]
            children.append(_node("all" if key == "all" else "any", inner))
    return children[0] if len(children) == 1 else _node("all", children)


def _node(kind: Literal["all", "any", "not"], children: Iterable[Bound | None]) -> Node:
    return Node(kind, tuple(child for child in children if child is not None))


def _leaf(cell: Cell, fact: str, table: Mapping[str, FactType], path: str, faults: list[Diagnostic]) -> Leaf | None:
    if fact not in table:
        params = {"fact": fact, "nearest": nearest(fact, table), "known": ", ".join(sorted(table))}
        faults.append(Diagnostic("document.unknown_fact", path, params))
        return None
    leaf, found = bind_cell(cell, fact, table[fact], path)
    faults.extend(found)
    return leaf


def bind_cell(cell: Cell, fact: str, kind: FactType, path: str = "") -> tuple[Leaf | None, list[Diagnostic]]:
    """One cell typed against its fact, for tables and bands too; or None and every fault of its tests."""
    tests, faults = [], []
    for item, test in cell.tests():
        try:
            tests.append(_typed(test, kind))
        except BadCell as bad:
            faults.append(_bad_cell(cell, fact, item, bad, path))
    return (None if faults else Leaf(fact, cell.text, kind, cell.negated, tuple(tests))), faults


def _bad_cell(cell: Cell, fact: str, item: int | None, bad: BadCell, path: str) -> Diagnostic:
    quoted = cell.text if item is None else cell.source[item]
    params = {"fact": fact, "cell": quoted_cell(quoted), "expected": bad.expected, "nearest": bad.nearest}
    return Diagnostic("document.bad_cell", path if item is None else f"{path}[{item}]", params)


def _typed(test: WordTest, kind: FactType) -> Test:
    if isinstance(test, Always):
        return test
    if isinstance(test, Equals):
        return Missing() if _means_missing(test.value, kind) else Equals(_operand(test.value, kind))
    if not kind.ordered:
        raise BadCell(f"a value without sign or brackets: {_CALLED[kind.kind]} has no order")
    low, high = (None if word is None else _operand(word, kind) for word in (test.low, test.high))
    _check_order(low, high, test.low_closed and test.high_closed)
    return Between(low, test.low_closed, high, test.high_closed)


def _means_missing(word: Word, kind: FactType) -> bool:
    return not word.quoted and (word.text == "missing" or (word.text == "none" and kind.kind == "level"))


def _check_order(low: Any, high: Any, closed: bool) -> None:
    if low is None or high is None:
        return
    if low > high or (low == high and not closed):
        raise BadCell("an interval with something in it, the lower end first")


def _operand(word: Word, kind: FactType) -> Operand:
    return read_operand(word.text, kind)


def read_operand(text: str, kind: FactType) -> Operand:
    """The value that a text stands for; BadCell when it is none of the fact's kind."""
    try:
        return _READERS[kind.kind](text, kind)
    except (PydanticCustomError, MoneyError):
        raise BadCell(_expected(kind)) from None


def _money(text: str, kind: FactType) -> int:
    return to_units(read_decimal(text), kind.scale, "the currency")


def _number(text: str, kind: FactType) -> int | Fraction:
    rate = read_rate(text)
    return rate.numerator if rate.denominator == 1 else rate


def _text(text: str, kind: FactType) -> str:
    if kind.values and text not in kind.values:
        raise BadCell(f"one of {_listed(kind)}", nearest(text, kind.values))
    return text


def _rank(text: str, kind: FactType) -> int:
    if text not in kind.values:
        raise BadCell(f"one of the levels {_listed(kind)}", nearest(text, kind.values))
    return kind.rank(text)


_READERS: Mapping[str, Callable[[str, FactType], Operand]] = {
    "money": _money,
    "number": _number,
    "whole": lambda text, _: read_whole(text),
    "text": _text,
    "flag": lambda text, _: read_flag(text),
    "date": lambda text, _: read_day(text),
    "level": _rank,
}

_CALLED: Mapping[str, str] = {"text": "text", "flag": "a flag"}


def _expected(kind: FactType) -> str:
    if kind.kind == "money":
        return f"an amount in the program's currency with at most {kind.scale} decimals, such as 200"
    return {
        "number": 'a number such as 2, "0.5", "1/2" or 50%',
        "whole": "a whole number such as 12",
        "flag": "true or false",
        "date": "a date such as 2026-03-31",
    }[kind.kind]


def _listed(kind: FactType) -> str:
    shown = ", ".join(kind.values[:20])
    return f"{shown}, …" if len(kind.values) > 20 else shown
