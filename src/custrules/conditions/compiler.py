"""A bound condition as one Python function: the same answers as the interpreter's, several times faster.

The only ``exec`` of the library is ``define`` below. No character of a document stands in what it runs: names are v0, v1 …
for what is read and c0, c1 … for what comes from a document, which the namespace holds as values.
"""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from custrules.conditions.binding import Bound, Leaf
from custrules.conditions.cells import Always, Between, Equals, Missing
from custrules.conditions.interpreter import NodeTrace, Trace, combined, evaluate, holds, leaf_trace, operand_of
from custrules.facts import HELD_AS, Facts, FactValue

MAX_COMPILED = 2_000  # tests; beyond them a condition is interpreted, so that no document makes the generated source long
OFTEN = 50  # questions after which compiling pays

Test = Callable[[Facts], bool]
Observed = tuple[int, Mapping[str, FactValue | None]]
"""Which leaves hold, one bit each in document order (the first is bit 0), and the facts as they were read."""


def define(name: str, source: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    """The function ``name`` that ``source`` defines over ``namespace``. Tracebacks show its lines; they go when its code goes."""
    filename = f"<custrules {name} {id(namespace):x}>"  # the function holds its namespace: while it lives, no other has that id
    namespace["__builtins__"] = {}
    exec(compile(source, filename, "exec"), namespace)
    function: Callable[..., Any] = namespace.pop(name)
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    weakref.finalize(function.__code__, linecache.cache.pop, filename, None).atexit = False
    return function


class Code:
    """A function under construction: lines of ours, and names for the values that come from elsewhere."""

    namespace: dict[str, Any]
    lines: list[str]

    def __init__(self) -> None:
        self.namespace, self.lines = {}, []

    def name(self, value: object) -> str:
        """A name that stands for a value in the lines."""
        name = f"c{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def add(self, depth: int, line: str) -> None:
        self.lines.append(f"{'    ' * depth}{line}\n")

    def function(self, head: str) -> Callable[..., Any]:
        """The function with this head, such as ``test(facts)``, and the lines added."""
        source = f"def {head}:\n{''.join(self.lines)}"
        return define(head.partition("(")[0], source, self.namespace)


def leaves(bound: Bound) -> Iterator[Leaf]:
    """Every leaf in document order."""
    if isinstance(bound, Leaf):
        yield bound
    else:
        for child in bound.children:
            yield from leaves(child)


# -- expressions -------------------------------------------------------------------------------------------------------


def leaf_text(leaf: Leaf, variable: str, code: Code, *, present: bool = False) -> str:
    """An expression that is True where a leaf holds for the value of its fact, else False; ``present``: it is never None."""
    if any(isinstance(test, Always) for test in leaf.tests):
        return str(not leaf.negated)
    if leaf.type.kind == "level":
        return _level_text(leaf, variable, code)
    if leaf.type.kind == "flag" and len(leaf.tests) == 1 and isinstance(leaf.tests[0], Equals):
        return f"({variable} is {'not ' if leaf.negated else ''}{code.name(leaf.tests[0].value)})"  # there is one True and one False
    parts = list(_parts(leaf, variable, code, present))
    text = parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"
    return f"(not {text})" if leaf.negated else text


def _parts(leaf: Leaf, variable: str, code: Code, present: bool) -> Iterator[str]:
    if any(isinstance(test, Missing) for test in leaf.tests):
        yield f"({variable} is None)"
    equals = [test.value for test in leaf.tests if isinstance(test, Equals)]
    if equals:
        yield _among(equals, variable, code)
    intervals = [_interval_text(test, variable, code) for test in leaf.tests if isinstance(test, Between)]
    if intervals:
        inside = intervals[0] if len(intervals) == 1 else f"({' or '.join(intervals)})"
        yield inside if present else f"({variable} is not None and {inside})"


def _among(values: Iterable[object], variable: str, code: Code, *, outside: bool = False) -> str:
    found = list(dict.fromkeys(values))
    if len(found) == 1:
        return f"({variable} {'!=' if outside else '=='} {code.name(found[0])})"
    return f"({variable} {'not in' if outside else 'in'} {code.name(frozenset(found))})"


def _interval_text(interval: Between[Any], variable: str, code: Code) -> str:
    low = f"{code.name(interval.low)} {'<=' if interval.low_closed else '<'} " if interval.low is not None else ""
    high = f" {'<=' if interval.high_closed else '<'} {code.name(interval.high)}" if interval.high is not None else ""
    return f"({low}{variable}{high})" if low or high else "True"


def _level_text(leaf: Leaf, variable: str, code: Code) -> str:
    """Levels are few, and so is what a cell accepts of them; a name that the ladder has no more passes ``not(...)`` only."""
    accepted = {name for name in (*leaf.type.values, None) if holds(leaf, name)}
    if not leaf.negated:
        return _among(accepted, variable, code)
    return _among({*leaf.type.values, None} - accepted, variable, code, outside=True)


def combined_text(kind: str, parts: Iterable[str]) -> str:
    """``all``, ``any`` or ``not`` of expressions."""
    joined = (" or " if kind == "any" else " and ").join(parts) or str(kind != "any")
    return f"(not ({joined}))" if kind == "not" else f"({joined})"


def node_text(bound: Bound, leaf: Callable[[Leaf], str]) -> str:
    """A whole tree as one expression, its leaves written by ``leaf``."""
    if isinstance(bound, Leaf):
        return leaf(bound)
    return combined_text(bound.kind, (node_text(child, leaf) for child in bound.children))


# -- conditions on facts that are asked for ----------------------------------------------------------------------------


class _Asking:
    """Writes expressions that ask ``value`` for a fact where it first matters, and check that it is of its kind."""

    def __init__(self) -> None:
        self.code = Code()
        self._variables: dict[str, str] = {}
        self._admitted = self.code.name(_admitted)

    def variable(self, fact: str) -> str:
        return self._variables.setdefault(fact, f"v{len(self._variables)}")

    def check(self, leaf: Leaf, read: str) -> str:
        kinds = self.code.name(frozenset({type(None), *HELD_AS[leaf.type.kind]}))
        return f"({read}.__class__ in {kinds} or {self._admitted}({self.code.name(leaf)}, {self.variable(leaf.fact)}))"

    def asked(self, leaf: Leaf) -> str:
        return f"value({self.code.name(leaf.fact)})"

    def text(self, bound: Bound, known: frozenset[str] = frozenset()) -> tuple[str, frozenset[str]]:
        """The expression, given facts ``known`` before it, and the facts known wherever it has been evaluated."""
        if isinstance(bound, Leaf):
            return self._leaf(bound, bound.fact in known), known | {bound.fact}
        parts, after_first = [], None
        for child in bound.children:
            part, known = self.text(child, known)
            after_first = known if after_first is None else after_first  # the others may have been passed over
            parts.append(part)
        return combined_text(bound.kind, parts), known if after_first is None else after_first

    def _leaf(self, leaf: Leaf, known: bool) -> str:
        variable = self.variable(leaf.fact)
        text = leaf_text(leaf, variable, self.code)
        return text if known else f"({self.check(leaf, f'({variable} := {self.asked(leaf)})')} and {text})"


def _admitted(leaf: Leaf, value: Any) -> bool:
    """True for a value of a subclass of its kind; TypeError for any other, as the interpreter raises it."""
    operand_of(leaf, value)
    return True


def compiled(bound: Bound) -> Test:
    """The function that tells of any ``Facts`` what ``evaluate(bound, facts)`` tells, reading no fact that no longer matters."""
    if _too_long(bound):
        return partial(evaluate, bound)
    asking = _Asking()
    text, _ = asking.text(bound)
    asking.code.add(1, "value = facts.value")
    asking.code.add(1, f"return {text}")
    return asking.code.function("test(facts)")


def compiled_observer(bound: Bound) -> Callable[[Facts], Observed]:
    """The function that reads every fact once and tells which leaves hold; ``trace_of`` makes the trace of it."""
    if _too_long(bound):
        return partial(_observed, bound)
    asking = _Asking()
    code = asking.code
    code.add(1, "value = facts.value")
    for leaf in {leaf.fact: leaf for leaf in leaves(bound)}.values():
        code.add(1, f"{asking.variable(leaf.fact)} = {asking.asked(leaf)}")
        code.add(1, asking.check(leaf, asking.variable(leaf.fact)))
    code.add(1, "found = 0")
    for place, leaf in enumerate(leaves(bound)):
        code.add(1, f"if {leaf_text(leaf, asking.variable(leaf.fact), code)}: found |= {1 << place}")
    read = ", ".join(f"{code.name(fact)}: {asking.variable(fact)}" for fact in dict.fromkeys(leaf.fact for leaf in leaves(bound)))
    code.add(1, f"return found, {{{read}}}")
    return code.function("observe(facts)")


def _too_long(bound: Bound) -> bool:
    return sum(len(leaf.tests) for leaf in leaves(bound)) > MAX_COMPILED


def _observed(bound: Bound, facts: Facts) -> Observed:
    values = {leaf.fact: facts.value(leaf.fact) for leaf in leaves(bound)}
    return sum(1 << place for place, leaf in enumerate(leaves(bound)) if holds(leaf, values[leaf.fact])), values


def trace_of(bound: Bound, observed: Observed) -> Trace:
    """The interpreter's trace, out of what a compiled observer tells."""
    found, values = observed
    return _traced(bound, iter([bool(found >> place & 1) for place, _ in enumerate(leaves(bound))]), values)


def _traced(bound: Bound, results: Iterator[bool], values: Mapping[str, FactValue | None]) -> Trace:
    if isinstance(bound, Leaf):
        return leaf_trace(bound, values[bound.fact], next(results))
    children = tuple(_traced(child, results, values) for child in bound.children)
    return NodeTrace(bound.kind, combined(bound.kind, (child.result for child in children)), children)


class ConditionTests:
    """The conditions of one program as functions: interpreted at first, compiled when they are asked often.

    They live as long as their program, and their generated source with them.
    """

    def __init__(self) -> None:
        self._compiled: dict[int, Test] = {}
        self._asked: dict[int, tuple[Bound, int]] = {}  # it holds the conditions, so that an id is never another's

    def of(self, bound: Bound) -> Test:
        """A function for ``bound``, which must be the very object that the program holds."""
        found = self._compiled.get(id(bound))
        return found if found is not None else self._uncompiled(bound)

    def _uncompiled(self, bound: Bound) -> Test:
        _, asked = self._asked.get(id(bound), (bound, 0))
        self._asked[id(bound)] = bound, asked + 1
        if asked + 1 < OFTEN:
            return partial(evaluate, bound)
        self._compiled[id(bound)] = found = compiled(bound)
        return found
