"""A table typed against the facts of a program, and what its hit policy makes of the rows that hold.

The meanings are those of OMG DMN 1.5, 8.2.11. Where DMN leaves the answer open or undefined, and a judge needs one:

- Several rows of a UNIQUE table hold, or rows of an ANY table that do not give the same: there is no answer. Every output is
  missing and ``clash`` says why; nothing is raised, and the first row does not win.
- No row holds: every output has its ``default``, or is missing; a count is 0 and a list is empty.
- PRIORITY and OUTPUT ORDER compare the outputs that have ``values``, from left to right; a missing one comes last, and rows that
  are equal in all of them stand in the order of the table. COLLECT lists in the order of the table too.
- An output that is ``missing`` adds nothing to a sum, minimum, maximum or count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from custrules.conditions.binding import Leaf, Node, Operand, bind_cell, read_operand
from custrules.conditions.cells import Always, BadCell, Cell, quoted_cell, unquoted
from custrules.conditions.interpreter import NodeTrace, agrees, evaluate, operand_of
from custrules.conditions.interpreter import trace as leaf_trace
from custrules.conditions.tables import LISTS, MAX_FAULTS, Hit, Output, Row, Table
from custrules.errors import Diagnostic
from custrules.facts import Facts, FactType, FactValue
from custrules.validation import nearest

Clash = Literal["unique", "any"]
Value = FactValue | None
_ADDED = ("money", "number", "whole")


@dataclass(frozen=True, slots=True)
class BoundOutput:
    """One output: what its cells hold, the values that have priorities (the highest first), and the value where no row holds.

    ``type`` is that of a row's value; ``gives`` that of the answer (a count is whole).
    """

    name: str
    type: FactType
    gives: FactType
    values: tuple[FactValue, ...]
    default: Value


@dataclass(frozen=True, slots=True)
class BoundRow:
    """One row: a leaf for each input, in order, and the value of each output (None: missing)."""

    leaves: tuple[Leaf, ...]
    outputs: tuple[Value, ...]

    def holds(self, facts: Facts) -> bool:
        return all(evaluate(leaf, facts) for leaf in self.leaves)

    @property
    def condition(self) -> Node:
        """All cells that ask something: without those that hold whatever the fact is."""
        return Node("all", tuple(leaf for leaf in self.leaves if leaf.negated or not any(isinstance(test, Always) for test in leaf.tests)))

    def trace(self, facts: Facts) -> NodeTrace:
        """What each cell said that asks something."""
        told: list[Any] = [leaf_trace(leaf, facts) for leaf in self.condition.children]
        return NodeTrace("all", all(child.result for child in told), tuple(told))


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """What a table answers. Rows are counted from 0.

    ``matched`` are the rows that hold, in the order of the table (FIRST looks no further than the first); ``rows`` those that the
    answer is made of, in its order. ``values`` has every output: None where it is missing, a tuple for the hit policies that
    list. ``clash`` tells why several rows that hold give no answer; ``defaulted``, that no row holds and defaults stand in.
    """

    matched: tuple[int, ...]
    rows: tuple[int, ...]
    values: Mapping[str, Value | tuple[Value, ...]]
    clash: Clash | None = None
    defaulted: bool = False


@dataclass(frozen=True, slots=True)
class BoundTable:
    """A table whose cells are typed: ``rows`` hold a leaf per input, in the order of ``inputs``. ``facts`` are the inputs that some row tests."""

    hit: Hit
    inputs: tuple[str, ...]
    outputs: tuple[BoundOutput, ...]
    rows: tuple[BoundRow, ...]
    facts: frozenset[str]

    def outcome(self, facts: Facts) -> TableOutcome:
        """The answer on facts; a missing fact fails every cell but ``-``, ``missing`` and ``not(...)``, as in conditions."""
        return self.decided(self._matched(facts))

    def _matched(self, facts: Facts) -> tuple[int, ...]:
        values = [facts.value(name) for name in self.inputs]
        read = [(operand_of(leaf, value), value is None) for leaf, value in zip(self.rows[0].leaves, values, strict=True)]
        found = (index for index, row in enumerate(self.rows) if all(map(_agrees, row.leaves, read)))
        return tuple(found) if self.hit != "FIRST" else tuple(index for index in [next(found, None)] if index is not None)

    def decided(self, matched: Sequence[int]) -> TableOutcome:
        """What the hit policy makes of the rows that hold."""
        if not matched:
            return self._defaults()
        clash = self._clash(matched)
        if clash is not None:
            return TableOutcome(tuple(matched), (), dict.fromkeys(self._names()), clash)
        rows = tuple(_CHOSEN.get(self.hit, _all)(self, matched))
        return TableOutcome(tuple(matched), rows, self._values(rows))

    def trace(self, facts: Facts) -> tuple[NodeTrace, ...]:
        """The rows that were looked at, in order; FIRST stops at the first that holds."""
        told: list[NodeTrace] = []
        for row in self.rows:
            told.append(row.trace(facts))
            if self.hit == "FIRST" and told[-1].result:
                break
        return tuple(told)

    def _names(self) -> list[str]:
        return [output.name for output in self.outputs]

    def _defaults(self) -> TableOutcome:
        defaulted = any(output.default is not None for output in self.outputs)
        values: dict[str, Any] = {output.name: output.default for output in self.outputs}
        if self.hit == "COLLECT COUNT":
            values = dict.fromkeys(values, 0)
        elif self.hit in LISTS:
            values = {name: (value,) if defaulted else () for name, value in values.items()}
        return TableOutcome((), (), values, defaulted=defaulted)

    def _clash(self, matched: Sequence[int]) -> Clash | None:
        if self.hit == "UNIQUE" and len(matched) > 1:
            return "unique"
        differ = self.hit == "ANY" and any(self.rows[index].outputs != self.rows[matched[0]].outputs for index in matched)
        return "any" if differ else None

    def _values(self, rows: Sequence[int]) -> dict[str, Any]:
        columns = {output.name: tuple(self.rows[index].outputs[place] for index in rows) for place, output in enumerate(self.outputs)}
        if self.hit in LISTS:
            return columns
        if self.hit in _COLLECTED:
            return {name: _COLLECTED[self.hit](self.outputs[0], [value for value in column if value is not None]) for name, column in columns.items()}
        return {name: column[0] for name, column in columns.items()}

    def priority(self, index: int) -> tuple[int, ...]:
        """The place of a row's outputs among the values that have priorities, from left to right; the lowest comes first."""
        pairs = zip(self.outputs, self.rows[index].outputs, strict=True)
        return tuple(output.values.index(value) if value is not None else len(output.values) for output, value in pairs if output.values)


def asks(leaf: Leaf) -> bool:
    """Whether a cell may say otherwise for another value."""
    return leaf.negated or not any(isinstance(test, Always) for test in leaf.tests)


def _agrees(leaf: Leaf, read: tuple[Operand | None, bool]) -> bool:
    return agrees(leaf, *read)


def _all(table: BoundTable, matched: Sequence[int]) -> Sequence[int]:
    return matched


_CHOSEN: Mapping[Hit, Callable[[BoundTable, Sequence[int]], Sequence[int]]] = {
    "FIRST": lambda table, matched: matched[:1],
    "PRIORITY": lambda table, matched: [min(matched, key=table.priority)],
    "OUTPUT ORDER": lambda table, matched: sorted(matched, key=table.priority),
}


def _sum(output: BoundOutput, values: Sequence[Any]) -> Value:
    return sum(values[1:], values[0]) if values else None


def _extreme(pick: Callable[..., Any]) -> Callable[[BoundOutput, Sequence[Any]], Value]:
    def among(output: BoundOutput, values: Sequence[Any]) -> Value:
        rank: Callable[[Any], Any] = output.type.rank if output.type.kind == "level" else lambda value: value
        found: Value = pick(values, key=rank, default=None)
        return found

    return among


_COLLECTED: Mapping[Hit, Callable[[BoundOutput, Sequence[Any]], Value]] = {
    "COLLECT SUM": _sum,
    "COLLECT MIN": _extreme(min),
    "COLLECT MAX": _extreme(max),
    "COLLECT COUNT": lambda output, values: len(values),
}


# -- binding -----------------------------------------------------------------------------------------------------------


def output_type(output: Output, scale: int, levels: Sequence[str]) -> FactType:
    """What the cells of an output hold, in a program with a currency of that many decimals and those levels."""
    values = output.values if output.type == "text" else tuple(levels) if output.type == "level" else ()
    return FactType(output.type, values, scale if output.type == "money" else 0)


def given_type(table: Table, output: Output, scale: int = 0, levels: Sequence[str] = ()) -> FactType:
    """What the table's answer for an output is."""
    return FactType("whole") if table.hit == "COLLECT COUNT" else output_type(output, scale, levels)


def bind_table(
    table: Table, facts: Mapping[str, FactType], scale: int = 0, levels: Sequence[str] = (), path: str = ""
) -> tuple[BoundTable | None, list[Diagnostic]]:
    """The table with every cell typed against its fact, or None and every fault, at paths below ``path``."""
    binder = _Binder(table, facts, scale, levels, f"{path}." if path else "")
    bound = binder.table_of()
    return (None if binder.faults else bound), binder.faults


class _Binder:
    table: Table
    facts: Mapping[str, FactType]
    scale: int
    levels: Sequence[str]
    path: str

    def __init__(self, table: Table, facts: Mapping[str, FactType], scale: int, levels: Sequence[str], path: str) -> None:
        self.table, self.facts, self.scale, self.levels, self.path = table, facts, scale, levels, path
        self.faults: list[Diagnostic] = []
        self._leaves: dict[tuple[str, Cell], Leaf] = {}

    def _fault(self, code: str, path: str, **params: object) -> None:
        self.faults.append(Diagnostic(code, self.path + path, {name: str(value) for name, value in params.items()}))

    def table_of(self) -> BoundTable:
        self._names()
        self._hit()
        for index, name in enumerate(self.table.inputs):
            if name not in self.facts:
                near, known = nearest(name, self.facts), ", ".join(sorted(self.facts))
                self._fault("document.unknown_fact", f"inputs[{index}]", fact=name, nearest=near, known=known)
        outputs = tuple(self._output(output, f"outputs[{index}]") for index, output in enumerate(self.table.outputs))
        rows = []
        for index, row in enumerate(self.table.rows):
            if len(self.faults) > MAX_FAULTS:
                break
            rows.append(self._row(row, outputs, f"rows[{index}]"))
        tested = frozenset(leaf.fact for row in rows for leaf in row.leaves if asks(leaf))
        return BoundTable(self.table.hit, self.table.inputs, outputs, tuple(rows), tested)

    def _names(self) -> None:
        """A column is named once: a row may be written as a mapping of columns to cells."""
        columns = [*((name, f"inputs[{index}]") for index, name in enumerate(self.table.inputs))]
        columns += [(output.name, f"outputs[{index}].name") for index, output in enumerate(self.table.outputs)]
        names = [name for name, _ in columns]
        for place, (name, path) in enumerate(columns):
            if name in names[:place]:
                self._fault("document.name_taken", path, name=name)

    def _hit(self) -> None:
        """Whether the outputs are such that the hit policy means something."""
        hit, outputs = self.table.hit, self.table.outputs
        if hit in ("PRIORITY", "OUTPUT ORDER") and not any(output.values for output in outputs):
            self._fault("document.priorities_needed", "outputs", hit=hit)
        if hit not in _COLLECTED:
            return
        if len(outputs) > 1:
            self._fault("document.one_output", "hit", hit=hit, found=len(outputs))
        first = outputs[0]
        if (hit == "COLLECT SUM" and first.type not in _ADDED) or (hit in ("COLLECT MIN", "COLLECT MAX") and not FactType(first.type).ordered):
            kinds = _ADDED if hit == "COLLECT SUM" else (*_ADDED, "date", "level")
            self._fault("document.output_of_other_kind", "outputs[0]", hit=hit, output=first.name, found=first.type, known=", ".join(kinds))
        if hit == "COLLECT COUNT" and first.default is not None:
            self._fault("document.not_with", "outputs[0].default", field="default", other=f"hit: {hit}")

    def _output(self, output: Output, path: str) -> BoundOutput:
        kind = output_type(output, self.scale, self.levels)
        read = [self._value(text, output, kind, f"{path}.values[{index}]") for index, text in enumerate(output.values)]
        values = tuple(value for value in read if value is not None)
        if len(set(values)) != len(values):
            self._misfit(f"{path}.values", output, ", ".join(output.values), "each value once")
        default = self._value(output.default, output, kind, f"{path}.default") if output.default is not None else None
        self._among(default, output, values, path=f"{path}.default", cell=str(output.default))
        return BoundOutput(output.name, kind, given_type(self.table, output, self.scale, self.levels), values, default)

    def _row(self, row: Row, outputs: Sequence[BoundOutput], path: str) -> BoundRow:
        steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in row.steps]
        leaves = []
        for name, cell, step in zip(self.table.inputs, row.cells, steps, strict=False):
            if name in self.facts:
                leaf = self._leaf(cell, name, path + step)
                leaves += [leaf] if leaf is not None else []
        values = []
        for output, bound, text, step in zip(self.table.outputs, outputs, row.outputs, steps[len(row.cells) :], strict=True):
            values.append(self._value(text, output, bound.type, path + step))
            self._among(values[-1], output, bound.values, path=path + step, cell=text)
        return BoundRow(tuple(leaves), tuple(values))

    def _leaf(self, cell: Cell, name: str, path: str) -> Leaf | None:
        """A cell typed against its fact, once for all rows that have it."""
        if (name, cell) not in self._leaves:
            leaf, faults = bind_cell(cell, name, self.facts[name], self.path + path)
            self.faults += faults
            if leaf is None:
                return None
            self._leaves[name, cell] = leaf
        return self._leaves[name, cell]

    def _misfit(self, path: str, output: Output, cell: str, expected: str, near: str = "") -> None:
        self._fault("document.bad_output", path, output=output.name, cell=quoted_cell(cell), expected=expected, nearest=near)

    def _value(self, text: str, output: Output, kind: FactType, path: str) -> Value:
        """The value of an output cell: None where it says ``missing``, or cannot be read, which is noted."""
        if text == "missing":
            return None
        try:
            return read_value(text, kind)
        except BadCell as bad:
            self._misfit(path, output, text, bad.expected, bad.nearest)
            return None

    def _among(self, value: Value, output: Output, values: Sequence[FactValue], *, path: str, cell: str) -> None:
        """Whether a value is one of those that its output may have; of text that is told when it is read."""
        if value is not None and output.values and output.type != "text" and value not in values:
            self._misfit(path, output, cell, f"one of {', '.join(output.values[:20])}")


def read_value(text: str, kind: FactType) -> FactValue:
    """A value out of an output cell; text in double quotes is taken literally. BadCell when it is none of the kind."""
    if text in ("-", "any"):
        raise BadCell(f"a value, or missing where there is none; {text} in double quotes where the word is meant")
    if text.startswith('"'):
        text = unquoted(text)
    operand = read_operand(text, kind)
    return text if kind.kind == "level" else operand
