"""Conditions: one closed tree and its readers.

A document's mapping becomes a ``Condition`` (its shape and the grammar of its cells are checked), ``bind`` types it against
the facts of a program, and the readers take the bound tree: ``evaluate`` and ``trace`` are the specification, ``compiled``
a faster reader of the same tree.
"""

from custrules.conditions.binding import Bound, Leaf, Node, Operand, Test, bind, bind_cell
from custrules.conditions.cells import Always, BadCell, Between, Cell, Equals, Missing, read_cell
from custrules.conditions.compiler import ConditionTests, compiled, compiled_observer, trace_of
from custrules.conditions.interpreter import Gap, LeafTrace, NodeTrace, Trace, evaluate, holds, operand_of, trace
from custrules.conditions.next_change import next_change
from custrules.conditions.tree import Condition

__all__ = [
    "Always",
    "BadCell",
    "Between",
    "Bound",
    "Cell",
    "Condition",
    "ConditionTests",
    "Equals",
    "Gap",
    "Leaf",
    "LeafTrace",
    "Missing",
    "Node",
    "NodeTrace",
    "Operand",
    "Test",
    "Trace",
    "bind",
    "bind_cell",
    "compiled",
    "compiled_observer",
    "evaluate",
    "holds",
    "next_change",
    "operand_of",
    "read_cell",
    "trace",
    "trace_of",
]
