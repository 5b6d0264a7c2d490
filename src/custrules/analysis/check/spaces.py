"""Whether a condition can hold, and for whom: a search over finitely many values that stand for all others.

Every fact is cut at the values that its cells name; between two cuts all values answer alike, so that one of them stands for
the rest and "nobody" is as exact as a witness. Facts of the calendar are tried day by day, because they hang together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, permutations
from typing import Any, TypeAlias

from custrules.analysis.check.domains import Domain, GaveUp, Scope, World
from custrules.codec import scalar_text
from custrules.conditions import Between, Bound, Equals, Leaf, Node, holds
from custrules.conditions.compiler import leaves
from custrules.counting import exact
from custrules.facts import FactType, FactValue
from custrules.fields import plain, rate_text
from custrules.money import from_units

MOST_SEARCHED = 100_000  # cells that are looked at in one search
MOST_POINTS = 2_000  # of one axis

Witness: TypeAlias = Mapping[str, FactValue | None]
Pairs: TypeAlias = dict[str, list[tuple[str, Any]]]
TRUE, FALSE = Node("all", ()), Node("any", ())


def all_of(*parts: Bound) -> Bound:
    return Node("all", parts)


def any_of(*parts: Bound) -> Bound:
    return Node("any", parts)


def negation(part: Bound) -> Bound:
    return Node("not", (part,))


def differ(first: Bound, second: Bound) -> Bound:
    return any_of(all_of(first, negation(second)), all_of(negation(first), second))


def answer(bound: Bound, given: Witness) -> bool | None:
    """What a condition says when only some facts are known; None where it depends on the others."""
    if isinstance(bound, Leaf):
        return holds(bound, given[bound.fact]) if bound.fact in given else None
    found = [answer(child, given) for child in bound.children]
    if bound.kind == "not":
        return None if found[0] is None else not found[0]
    decided = bound.kind == "any"
    if decided in found:
        return decided
    return None if None in found else not decided


@dataclass(frozen=True, slots=True)
class Space:
    """The values that the facts of a scope may take. ``likely``: only those that a witness may have."""

    world: World
    scope: Scope
    likely: bool = False

    def find(self, formula: Bound) -> Witness | None:
        """Facts for which a condition holds, or None when there are none at all; GaveUp where that takes too long."""
        return None if self.blind(leaf.fact for leaf in leaves(formula)) else _Search(self, formula).run()

    def blind(self, facts: Iterable[str]) -> bool:
        """Whether a witness cannot be vouched for: what a table answers may rule out the other facts."""
        names = set(facts)
        return self.likely and len(names) > 1 and any(self.world.follows(name) for name in names)

    def never(self, formula: Bound) -> bool:
        return self.find(formula) is None


class _Search:
    space: Space
    formula: Bound
    steps: int
    cells: int

    def __init__(self, space: Space, formula: Bound) -> None:
        self.space, self.formula, self.steps = space, formula, 0
        found = list(leaves(formula))
        self.cells = len(found)
        self.axes = axes_of(space, found)
        self.axis_of = {name: axis for axis in self.axes for name in axis.names}
        self.pairs = pairs_of(space, self.axis_of)

    def run(self) -> Witness | None:
        return self._search({})

    def _search(self, given: dict[str, FactValue | None]) -> Witness | None:
        self.steps += 1
        if self.steps * self.cells > MOST_SEARCHED:
            raise GaveUp
        self.space.world.charge(self.cells)
        truth = answer(self.formula, given)
        if truth is not None:
            return given if truth else None
        open_leaf = next(leaf for leaf in leaves(self.formula) if leaf.fact not in given)
        for point in self.axis_of[open_leaf.fact].points:
            if fits(self.pairs, given, point) and (found := self._search({**given, **point})) is not None:
                return found
        return None


def fits(pairs: Pairs, given: Witness, point: Witness) -> bool:
    """Whether what is added goes together with what is given; a missing value goes with everything."""
    return all(
        pair(given[first], value)
        for name, value in point.items()
        for first, pair in pairs.get(name, ())
        if given.get(first) is not None and value is not None
    )


@dataclass(frozen=True, slots=True)
class Axis:
    """One fact, or several that hang together by the calendar, with the values that stand for all others."""

    names: tuple[str, ...]
    points: tuple[Witness, ...]

    def held(self, leaf: Leaf) -> int:
        """The points at which a cell holds, one bit each."""
        return sum(1 << place for place, point in enumerate(self.points) if holds(leaf, point[leaf.fact]))


def axes_of(space: Space, found: Iterable[Leaf]) -> list[Axis]:
    by_fact: dict[str, list[Leaf]] = {}
    for leaf in found:
        by_fact.setdefault(leaf.fact, []).append(leaf)
    named = [name for name in by_fact if space.world.is_calendar(name, space.scope)]
    axes = [_calendar(space.world, named, [leaf for name in named for leaf in by_fact[name]])] if named else []
    families: dict[str, list[str]] = {}
    for name in by_fact:
        if name not in named:
            families.setdefault(space.world.family(name, space.scope), []).append(name)
    for names in families.values():
        together = [leaf for name in names for leaf in by_fact[name]]
        axes += [_axis(space, name, by_fact[name], together, len(names) > 1) for name in names]
    return axes


def pairs_of(space: Space, names: Iterable[str]) -> Pairs:
    """For each fact, the others of its family with what is known of both."""
    pairs: Pairs = {}
    apart = [name for name in names if not space.world.is_calendar(name, space.scope)]
    space.world.charge(len(apart) ** 2)
    for first, second in permutations(apart, 2):
        related = space.world.family(first, space.scope) == space.world.family(second, space.scope)
        pair = space.world.pair(first, second, space.scope, space.likely) if related else None
        if pair is not None:
            pairs.setdefault(second, []).append((first, pair))
    return pairs


def _calendar(world: World, names: list[str], read: list[Leaf]) -> Axis:
    known = world.known_axes.get(tuple(read))
    if isinstance(known, Axis):
        return known
    rows = world.days(tuple(sorted(names)))
    world.charge(len(rows) * len(read))
    found: dict[tuple[bool, ...], Witness] = {}
    for row in rows:
        found.setdefault(tuple(holds(leaf, row[leaf.fact]) for leaf in read), {name: row[name] for name in names})
    axis = Axis(tuple(names), tuple(found.values()))
    world.known_axes[tuple(read)] = axis
    return axis


def _axis(space: Space, name: str, own: list[Leaf], together: list[Leaf], linked: bool) -> Axis:
    """Values of a fact, one for each way in which its cells answer; all of them where other facts are measured against it."""
    domain, own = space.world.domain(name, space.scope), list(dict.fromkeys(own))
    values = list(dict.fromkeys(values_of(domain, together if linked else own, space.likely)))
    if domain.missing == "may" or (domain.missing == "unknown" and not space.likely):
        values.append(None)
    if linked:
        if len(values) > MOST_POINTS:
            raise GaveUp
        return Axis((name,), tuple({name: value} for value in values))
    tests = sum(len(leaf.tests) for leaf in own)
    space.world.charge(len(values) * tests)
    found: dict[tuple[bool, ...], Witness] = {}
    for value in values:
        found.setdefault(tuple(holds(leaf, value) for leaf in own), {name: value})
    return Axis((name,), tuple(found.values()))


# -- values that stand for others --------------------------------------------------------------------------------------


def values_of(domain: Domain, read: Iterable[Leaf], likely: bool = False) -> Iterator[FactValue | None]:
    """A value of every part into which the cells cut a fact; what is missing aside."""
    kind = domain.type
    named = list(dict.fromkeys(_named(read)))
    if kind.kind == "level" or (kind.kind == "text" and kind.values):
        yield from kind.values
    elif kind.kind == "flag":
        yield from (True, False)
    elif kind.kind == "text":
        yield from (str(value) for value in named)
        yield next(word for word in _others() if word not in named)
    elif kind.kind == "date":
        yield from sorted(_dates(domain, [value for value in named if isinstance(value, date)]))
    else:
        low = domain.likely_low if likely else domain.low
        numbers = [Fraction(value) for value in named if isinstance(value, int | Fraction)]
        yield from (exact(value) for value in _numbers(numbers, low, domain.high, domain.step))  # type: ignore[arg-type]  # numbers have numbers as bounds


def _others() -> Iterator[str]:
    yield "other"
    number = 1
    while True:
        number += 1
        yield f"other{number}"


def _named(read: Iterable[Leaf]) -> Iterator[Any]:
    for leaf in read:
        for test in leaf.tests:
            if isinstance(test, Equals):
                yield test.value
            elif isinstance(test, Between):
                yield from (end for end in (test.low, test.high) if end is not None)


def _dates(domain: Domain, named: list[date]) -> set[date]:
    assert isinstance(domain.low, date)
    assert isinstance(domain.high, date)
    near = {value + timedelta(days=days) for value in named for days in (-1, 0, 1) if domain.low < value < domain.high}
    return {value for value in {*near, *named, date(2000, 1, 1)} if domain.low <= value <= domain.high}


def _numbers(named: list[Fraction], low: int | None, high: int | None, step: Fraction | None) -> list[Fraction]:
    """Least first. On a grid: the points at, before and behind each cut; off it: each cut, and something between two."""
    ends = [Fraction(end) for end in (low, high) if end is not None]
    cuts = sorted({*named, *ends}) or [Fraction(0)]
    if step is not None:
        found = {(cut // step + place) * step for cut in cuts for place in (-1, 0, 1, 2)}
    else:
        between = {(left + right) / 2 for left, right in pairwise(cuts)}
        found = {*cuts, *between, cuts[0] - 1, cuts[-1] + 1}
    return sorted(value for value in found if (low is None or value >= low) and (high is None or value <= high))


# -- words -------------------------------------------------------------------------------------------------------------


def told(witness: Witness, world: World, scope: Scope) -> str:
    """``spend_12m 2000.00, orders_90d 6``: facts as documents write them."""
    parts = (f"{name} {value_text(value, world.domain(name, scope).type)}" for name, value in witness.items())
    return ", ".join(parts)


def value_text(value: FactValue | None, kind: FactType) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind.kind == "money" and isinstance(value, int):
        return plain(from_units(value, kind.scale))
    if isinstance(value, Fraction):
        return rate_text(value / 10**kind.scale if kind.kind == "money" else value)
    return scalar_text(value) if isinstance(value, date) else str(value)
