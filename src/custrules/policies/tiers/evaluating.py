"""A ladder on given facts: the level they reach and the conditions that are met, plainly and as generated code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from custrules.branching import Branch
from custrules.conditions import Bound, Leaf, LeafTrace, Trace
from custrules.conditions.compiler import leaves, node_text
from custrules.evaluation import Answer, Results
from custrules.given import FactsCode
from custrules.policy import FactsView, Reason, reason

if TYPE_CHECKING:
    from custrules.policies.tiers.ladder import Ladder

MAX_BRANCHED = 4  # leaves of a level, up to which every combination has a branch of its own


def answer(ladder: Ladder, view: FactsView) -> Answer:
    """The highest level that the facts reach, or the exclusion that holds; tests exclude first, then from the top."""
    excluded = next((place for place, row in enumerate(ladder.exclude) if view.test(row.when)), None)
    if excluded is not None:
        return _excluded(ladder, excluded)
    for rank, level in reversed(list(enumerate(ladder.levels))):
        if level.enter is None or view.test(level.enter):
            bound = view.bound(level.enter) if level.enter is not None else None
            return _reached(ladder, rank, bound, _found(view.trace(level.enter)) if level.enter is not None else 0)
    return _unreached(0)


def _found(told: Trace) -> int:
    """Which leaves of a condition hold, one bit each."""
    return sum(1 << place for place, leaf in enumerate(_leaf_traces(told)) if leaf.result)


def _leaf_traces(told: Trace) -> Iterator[LeafTrace]:
    if isinstance(told, LeafTrace):
        yield told
    else:
        for child in told.children:
            yield from _leaf_traces(child)


def _excluded(ladder: Ladder, place: int) -> Answer:
    return Answer("APPLIED", None, (reason("tiers.exclusion.applied", why=ladder.exclude[place].reason),))


def _unreached(key: int) -> Answer:
    return Answer("DECLINED", None, (reason("tiers.level.unreached"),))


def _reached(ladder: Ladder, rank: int, bound: Bound | None, found: int) -> Answer:
    name = ladder.levels[rank].name
    if bound is None:
        return Answer("APPLIED", name, (reason("tiers.start.base", level=name),))
    return Answer("APPLIED", name, (reason("tiers.level.reached", level=name), *_met(name, bound, found)))


def _met(level: str, bound: Bound, found: int) -> Iterator[Reason]:
    """The cells that speak for the level: those that hold, and under ``not`` those that do not."""
    for place, (leaf, wanted) in enumerate(_wanted(bound, True)):
        if bool(found >> place & 1) is wanted:
            yield reason("tiers.condition.met" if wanted else "tiers.condition.absent", level=level, fact=leaf.fact, cell=leaf.cell)


def _wanted(bound: Bound, wanted: bool) -> Iterator[tuple[Leaf, bool]]:
    if isinstance(bound, Leaf):
        yield bound, wanted
    else:
        for child in bound.children:
            yield from _wanted(child, wanted != (bound.kind == "not"))


def branches(ladder: Ladder, view: FactsView) -> tuple[Branch, ...]:
    """The same as branches: exclusions first, then the levels from the top, each with the cells of its condition."""
    found = [Branch(view.bound(row.when), (), partial(_excluded_by, ladder, place)) for place, row in enumerate(ladder.exclude)]
    for rank, level in reversed(list(enumerate(ladder.levels))):
        bound = view.bound(level.enter) if level.enter is not None else None
        found.append(Branch(bound, tuple(leaves(bound)) if bound is not None else (), partial(_reached, ladder, rank, bound)))
        if bound is None:
            return tuple(found)
    return (*found, Branch(None, (), _unreached))


def _excluded_by(ladder: Ladder, place: int, found: int) -> Answer:
    return _excluded(ladder, place)


# -- generated code ----------------------------------------------------------------------------------------------------


def write(ladder: Ladder, code: FactsCode, view: FactsView) -> bool:
    """``if <exclusion>: return …``; from the top, ``if <enter>: return <its evaluation for the leaves that hold>``."""
    for place, row in enumerate(ladder.exclude):
        excluded = _results(ladder, code, ("excluded", place), partial(_excluded_by, ladder, place))
        code.add(1, f"if {node_text(view.bound(row.when), code.leaf)}: return {code.name(excluded[0])}")
    for rank, level in reversed(list(enumerate(ladder.levels))):
        bound = view.bound(level.enter) if level.enter is not None else None
        results = _results(ladder, code, ("level", rank), partial(_reached, ladder, rank, bound))
        if bound is None:
            code.add(1, f"return {code.name(results[0])}")
            return True
        _write_level(bound, results, code)
    code.add(1, f"return {code.name(_results(ladder, code, 'unreached', _unreached)[0])}")
    return True


def _results(ladder: Ladder, code: FactsCode, key: object, decode: Callable[[int], Answer]) -> Results:
    return code.results(key, lambda: Results(ladder.id, ladder.effective_from, decode))


def _write_level(bound: Bound, results: Results, code: FactsCode) -> None:
    found = list(leaves(bound))
    if _are_leaves(bound, "all"):
        code.add(1, f"if {node_text(bound, code.leaf)}: return {code.name(results[(1 << len(found)) - 1])}")
    elif _are_leaves(bound, "any") and len(found) <= MAX_BRANCHED:
        code.branch([code.leaf(leaf) for leaf in found], lambda held: f"return {code.name(results[held])}" if held else None)
    else:
        code.add(1, f"if {node_text(bound, code.leaf)}:")
        code.add(2, "m = 0")
        for place, leaf in enumerate(found):
            code.add(2, f"if {code.leaf(leaf)}: m |= {1 << place}")
        code.add(2, f"return {code.name(code.lookup(results))}[m]")


def _are_leaves(bound: Bound, kind: str) -> bool:
    """Whether a condition is leaves alone, of which all must hold, or any."""
    return isinstance(bound, Leaf) or (bound.kind == kind and all(isinstance(child, Leaf) for child in bound.children))
