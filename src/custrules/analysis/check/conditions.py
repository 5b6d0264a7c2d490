"""Conditions: those that can never hold, or never fail; parts that change nothing; ``not`` of what may be missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from custrules.analysis.check.domains import Scope
from custrules.analysis.check.findings import Findings, Path
from custrules.analysis.check.spaces import FALSE, TRUE, Space, all_of, differ, negation, told, value_text, values_of
from custrules.conditions import Always, Between, Bound, Condition, Equals, Leaf, Missing, Node, Test, holds
from custrules.conditions.cells import Cell
from custrules.conditions.compiler import leaves
from custrules.facts import FactValue
from custrules.policy import Policy, conditions_in
from custrules.rulebook import LINE_FIELDS

OWN_WORDS = ("levels", "exclude", "bands", "stages")  # such conditions have findings of their own where they never hold, or always


@dataclass(frozen=True, slots=True)
class Place:
    """A condition as a program holds it: where, what it reads, and what holds whenever it is asked."""

    path: Path
    condition: Condition
    bound: Bound
    scope: Scope
    context: Bound = TRUE


def scope_of(policy: Policy, path: Path = ()) -> Scope:
    """What conditions at a path inside a policy read."""
    if any(part in LINE_FIELDS for part in path):
        return Scope(policy.event_name(), lines=True)
    return Scope(policy.event_name(), counted=policy.phase != "pay")


def places(findings: Findings) -> Iterator[Place]:
    """Every condition of the policies and of the measures."""
    rules = findings.rules
    for policy in rules.parts.policies:
        for path, condition in conditions_in(policy):
            bound = rules.bound[id(condition), policy.event_name()]
            yield Place(findings.path(policy, *path), condition, bound, scope_of(policy, path), _context(findings, policy, path))
    for name, measure in rules.parts.measures.items():
        meter = rules.meters[name]
        for field, lines in (("where", False), ("lines", True)):
            condition, bounds = getattr(measure, field), [getattr(counted, field) for counted in meter.counted]
            if condition is not None and bounds[0] is not None:
                subject = "purchase" if meter.counted[0].subject in ("spend", "margin") else meter.counted[0].subject
                yield Place(("measures", name, field), condition, bounds[0], Scope(subject, lines))


def _context(findings: Findings, policy: Policy, path: Path) -> Bound:
    """What must hold before a row is asked: its policy's ``when``; of a line, that it is not excluded."""
    event = policy.event_name()
    excluded, when = getattr(policy, "exclude_lines", None), getattr(policy, "when", None)
    if path[0] == "multiply_lines" and excluded is not None:
        return negation(findings.rules.bound[id(excluded), event])
    if path[0] in ("multiply", "bonuses", "rewards") and when is not None:
        return findings.rules.bound[id(when), event]
    return TRUE


def check_conditions(findings: Findings) -> None:
    for place in places(findings):
        with findings.bounded(place.path):
            _check(findings, place)


def _check(findings: Findings, place: Place) -> None:
    space = findings.possible(place.scope)
    if _impossible_tests(findings, place, space):
        return
    own = place.path[2] in OWN_WORDS and place.path[0] == "policies"
    if space.never(place.bound):
        if not (own and place.path[-1] in ("enter", "when")):
            findings.warning("check.never_true", place.path)
    elif space.never(all_of(place.context, place.bound)):
        findings.warning("check.never_asked_for", place.path)
    elif space.never(negation(place.bound)):
        if not own:
            findings.warning("check.always_true", place.path)
    else:
        _parts(findings, place, space)
        _negations(findings, place)


# -- single tests ------------------------------------------------------------------------------------------------------


def _impossible_tests(findings: Findings, place: Place, space: Space) -> bool:
    """Tests of a cell that no value of its fact passes, and those that add nothing to the others; whether a whole cell is hopeless."""
    hopeless = False
    for path, cell, leaf in _cells(place):
        code = "check.counted_already" if _counted_already(findings, space, leaf) else "check.beyond_values"
        hopeless |= _tests(findings, code, path, (cell, leaf), _values(space, leaf))
    return hopeless


def _counted_already(findings: Findings, space: Space, leaf: Leaf) -> bool:
    """Whether a measure cannot be lower because the very event that is decided is in it."""
    return leaf.fact in findings.rules.meters and findings.world.domain(leaf.fact, space.scope).low == 1


def _values(space: Space, leaf: Leaf) -> list[FactValue | None]:
    """Values that a fact may have, one for each way in which the tests of a cell answer."""
    if space.world.is_calendar(leaf.fact, space.scope):
        return list(dict.fromkeys(row[leaf.fact] for row in space.world.days((leaf.fact,))))
    domain = space.world.domain(leaf.fact, space.scope)
    return [*values_of(domain, [leaf]), *([None] if domain.missing != "never" else [])]


def _tests(findings: Findings, code: str, path: Path, asked: tuple[Cell, Leaf], values: list[FactValue | None]) -> bool:
    cell, leaf = asked
    places = [item for item, _ in cell.tests()]
    findings.world.charge(len(values) * len(leaf.tests))
    single = [Leaf(leaf.fact, "", leaf.type, False, (test,)) for test in leaf.tests]
    passing = [{place for place, value in enumerate(values) if holds(one, value)} for one in single]
    hopeless = [index for index, passed in enumerate(passing) if not passed]
    for index in hopeless:
        findings.warning(code, _item(path, places[index]), fact=leaf.fact, test=_test_text(leaf, leaf.tests[index]))
    left = [index for index in range(len(passing)) if index not in hopeless]
    for index in reversed(left):
        others = set().union(*(passing[other] for other in left if other != index))
        if len(left) > 1 and passing[index] <= others:
            left.remove(index)
            findings.warning("check.test_without_effect", _item(path, places[index]), fact=leaf.fact, test=_test_text(leaf, leaf.tests[index]))
    return bool(hopeless) and not left and not leaf.negated


def _item(path: Path, item: int | None) -> Path:
    return path if item is None else (*path, item)


def _test_text(leaf: Leaf, test: Test) -> str:
    """A test as documents write it."""

    def shown(value: object) -> str:
        if leaf.type.kind == "level":
            return leaf.type.values[int(str(value))]
        return value_text(value, leaf.type)  # type: ignore[arg-type]  # an operand of this kind

    match test:
        case Equals(value=value):
            return shown(value)
        case Between(low=None):
            return f"{'<=' if test.high_closed else '<'} {shown(test.high)}"
        case Between(high=None):
            return f"{'>=' if test.low_closed else '>'} {shown(test.low)}"
        case Between():
            return f"{'[' if test.low_closed else '('}{shown(test.low)}..{shown(test.high)}{']' if test.high_closed else ')'}"
    return "missing" if isinstance(test, Missing) else "-"


def _cells(place: Place) -> Iterator[tuple[Path, Cell, Leaf]]:
    """Every cell with its path and as it is bound."""
    yield from ((path, cell, leaf) for (path, cell), leaf in zip(_paths(place.condition, place.path), leaves(place.bound), strict=True))


def _paths(condition: Condition, path: Path) -> Iterator[tuple[Path, Cell]]:
    for key, entry in condition.entries.items():
        if isinstance(entry, Cell):
            yield (*path, key), entry
        elif isinstance(entry, Condition):
            yield from _paths(entry, (*path, key))
        else:
            for index, child in enumerate(entry):
                yield from _paths(child, (*path, key, index))


# -- parts that change nothing -----------------------------------------------------------------------------------------


def _parts(findings: Findings, place: Place, space: Space) -> None:
    """Cells that the condition says the same without; the last of two equal ones is told."""
    cells = list(_cells(place))
    bound = place.bound
    for index in reversed(range(len(cells))):
        path, _, leaf = cells[index]
        if len(cells) == 1 or leaf.tests == (Always(),):
            continue
        for instead in (TRUE, FALSE):
            simpler = _replaced(bound, index, instead)
            if space.never(differ(bound, simpler)):
                findings.warning("check.part_without_effect", path, fact=leaf.fact, cell=leaf.cell)
                bound = simpler
                break


def _replaced(bound: Bound, index: int, instead: Bound) -> Bound:
    """The condition with its cell of that number (counted in document order, replaced ones too) turned into another part."""
    counter = iter(range(10**9))

    def walk(part: Bound) -> Bound:
        if isinstance(part, Leaf) or not part.children:
            return instead if next(counter) == index else part
        return Node(part.kind, tuple(walk(child) for child in part.children))

    return walk(bound)


# -- not of what may be missing ----------------------------------------------------------------------------------------


def _negations(findings: Findings, place: Place) -> None:
    """A negated comparison that holds because its fact is missing, where nothing else in the condition says that this is meant."""
    cells = list(_cells(place))
    signs = list(_signs(place.bound))
    named = {leaf.fact for _, _, leaf in cells if Missing() in leaf.tests}
    space = findings.likely(place.scope)
    for index, (path, _, leaf) in enumerate(cells):
        if leaf.fact in named or signs[index] != leaf.negated or Always() in leaf.tests or space.world.is_calendar(leaf.fact, place.scope):
            continue
        if space.world.domain(leaf.fact, place.scope).missing != "may":
            continue
        gone = Leaf(leaf.fact, "missing", leaf.type, False, (Missing(),))
        strict = _replaced(place.bound, index, TRUE if not signs[index] else FALSE)
        found = space.find(all_of(place.context, gone, place.bound, negation(strict)))
        if found is not None:
            findings.warning("check.not_of_missing", path, fact=leaf.fact, cell=leaf.cell, witness=told(found, space.world, place.scope))


def _signs(bound: Bound, positive: bool = True) -> Iterator[bool]:
    """For every cell, whether an even number of ``not`` stands around it."""
    if isinstance(bound, Leaf):
        yield positive
    else:
        for child in bound.children:
            yield from _signs(child, positive != (bound.kind == "not"))
