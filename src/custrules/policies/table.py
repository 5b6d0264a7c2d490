"""``table``: a decision table whose answers are facts, ``<id>.<output>``, for conditions and for the host. It has no effects."""

from __future__ import annotations

from typing import ClassVar

from custrules.conditions import Table, given_type
from custrules.errors import Diagnostic
from custrules.events import AnyEvent
from custrules.policy import Decision, Phase, Policy, View


class DecisionTable(Policy, Table):
    """A table over facts: what its rows give are the facts ``<id>.<output>``, read by conditions, other tables and the host.

    Its facts are those of the version in force on the day asked; before the first version, and while a version is
    ``retired``, they are missing. Several rows of a UNIQUE table that hold, or rows of an ANY table that differ, leave them
    missing too, and an explanation names the rows. A table that lists (RULE ORDER, OUTPUT ORDER, COLLECT) is for the host
    alone: a condition reads single values.
    """

    kind: ClassVar[str] = "table"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = ()

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        """None, always: a table is read, it is not asked."""
        return None

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
