"""Conditions: one closed tree and its readers; and tables, rows of the same cells.

A document's mapping becomes a ``Condition`` (its shape and the grammar of its cells are checked), ``bind`` types it against
the facts of a program, and the readers take the bound tree: ``evaluate`` and ``trace`` are the specification. A ``Table``
becomes a ``BoundTable`` by ``bind_table``; its ``outcome`` is what its hit policy makes of the rows that hold.
"""

from custrules.conditions.binding import Bound, Leaf, Node, Operand, Test, bind, bind_cell
from custrules.conditions.cells import Always, BadCell, Between, Cell, Equals, Missing, read_cell
from custrules.conditions.hits import BoundOutput, BoundRow, BoundTable, TableOutcome, bind_table, given_type
from custrules.conditions.interpreter import Gap, LeafTrace, NodeTrace, Trace, evaluate, holds, operand_of, trace
from custrules.conditions.next_change import next_change
from custrules.conditions.tables import LISTS, Output, Row, Table, tables_in
from custrules.conditions.tree import Condition

__all__ = [
    "LISTS",
    "Always",
    "BadCell",
    "Between",
    "Bound",
    "BoundOutput",
    "BoundRow",
    "BoundTable",
    "Cell",
    "Condition",
    "Equals",
    "Gap",
    "Leaf",
    "LeafTrace",
    "Missing",
    "Node",
    "NodeTrace",
    "Operand",
    "Output",
    "Row",
    "Table",
    "TableOutcome",
    "Test",
    "Trace",
    "bind",
    "bind_cell",
    "bind_table",
    "evaluate",
    "given_type",
    "holds",
    "next_change",
    "operand_of",
    "read_cell",
    "tables_in",
    "trace",
]
