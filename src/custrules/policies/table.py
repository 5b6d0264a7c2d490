"""``table``: a decision table whose answers are facts, ``<id>.<output>``, for conditions and for the host. It has no effects."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from custrules.branching import Branch
from custrules.conditions import Table, TableOutcome, given_type
from custrules.conditions.compiler import MAX_COMPILED, node_text
from custrules.errors import Diagnostic
from custrules.evaluation import Answer, Results
from custrules.events import AnyEvent
from custrules.fields import Frozen
from custrules.given import FactsCode
from custrules.policy import Decision, FactsView, Policy, View
from custrules.tabling import told_outcome

MAX_BRANCHED = 4  # rows, up to which every combination has a branch of its own


class DecisionTable(Policy, Table):
    """A table over facts: what its rows give are the facts ``<id>.<output>``, read by conditions, other tables and the host.

    Its facts are those of the version in force on the day asked; before the first version, and while a version is
    ``retired``, they are missing. Several rows of a UNIQUE table that hold, or rows of an ANY table that differ, leave them
    missing too, and an explanation names the rows. A table that lists (RULE ORDER, OUTPUT ORDER, COLLECT) is for the host
    alone: a condition reads single values.
    """

    kind: ClassVar[str] = "table"
    hears: ClassVar[tuple[str, ...] | None] = ()

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        """None, always: a table is read, it is not asked."""
        return None

    def asks(self, view: FactsView, /) -> frozenset[str]:
        return frozenset(self.inputs)

    def evaluated(self, view: FactsView, /) -> Answer:
        """The outputs, APPLIED where rows or defaults give them."""
        return self._answer(view, view.outcome(self))

    def _answer(self, view: FactsView, outcome: TableOutcome) -> Answer:
        told = told_outcome(self.id, view.bound_table(self), outcome, view.currency)
        given = bool(outcome.rows) or outcome.defaulted
        return Answer("APPLIED" if given else "DECLINED", Frozen(told.values), (told.reason,))

    def write_evaluation(self, code: FactsCode, view: FactsView, /) -> bool:
        """FIRST: ``if <row>: return …`` for one after the other; else the evaluation for the rows that hold."""
        table = view.bound_table(self)
        if sum(len(leaf.tests) for row in table.rows for leaf in row.leaves) > MAX_COMPILED:
            return False

        results = code.results("rows", lambda: Results(self.id, self.effective_from, partial(self._decoded, view)))
        tests = [node_text(row.condition, code.leaf) for row in table.rows]
        if table.hit == "FIRST":
            for index, test in enumerate(tests):
                code.add(1, f"if {test}: return {code.name(results[1 << index])}")
            code.add(1, f"return {code.name(results[0])}")
        elif len(tests) <= MAX_BRANCHED:
            code.branch(tests, lambda held: f"return {code.name(results[held])}")
        else:
            code.add(1, "m = 0")
            for index, test in enumerate(tests):
                code.add(1, f"if {test}: m |= {1 << index}")
            code.add(1, f"return {code.name(code.lookup(results))}[m]")
        return True

    def branches(self, view: FactsView, /) -> tuple[Branch, ...]:
        """FIRST: a branch for each row; else one whose answer depends on which rows hold."""
        conditions = [row.condition for row in view.bound_table(self).rows]
        if self.hit != "FIRST":
            return (Branch(None, tuple(conditions), partial(self._decoded, view)),)
        found = [Branch(condition, (), partial(self._first, view, index)) for index, condition in enumerate(conditions)]
        return (*found, Branch(None, (), partial(self._decoded, view)))

    def _decoded(self, view: FactsView, found: int) -> Answer:
        """The answer where the rows of these bits hold."""
        table = view.bound_table(self)
        return self._answer(view, table.decided([index for index in range(len(table.rows)) if found >> index & 1]))

    def _first(self, view: FactsView, index: int, found: int) -> Answer:
        return self._decoded(view, 1 << index)

    def follows(self, before: Policy) -> list[Diagnostic]:
        """A fact keeps its kind through all versions."""
        if not isinstance(before, DecisionTable):
            return []
        kinds = {output.name: given_type(before, output).kind for output in before.outputs}
        since = before.effective_from.isoformat()
        changed = [(index, output.name, given_type(self, output).kind) for index, output in enumerate(self.outputs)]
        return [
            Diagnostic("document.output_changed", f"outputs[{index}]", {"output": name, "before": kinds[name], "found": found, "since": since})
            for index, name, found in changed
            if kinds.get(name, found) != found
        ]
