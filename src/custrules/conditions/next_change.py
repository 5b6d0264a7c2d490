"""When time alone may next change what a condition says."""

from __future__ import annotations

from datetime import date

from custrules.conditions.binding import Bound
from custrules.conditions.hits import BoundTable
from custrules.facts import Facts


def next_change(bound: Bound | BoundTable, facts: Facts) -> date | None:
    """The first local day on which any fact of the condition (or table) may change; None where time changes none of them.

    Early at worst, never late: between this day and that one the condition says the same. All facts count, also those
    that do not decide the answer now, for which of them decides may be what changes.
    """
    days = (facts.next_change(name) for name in bound.facts)
    return min((day for day in days if day is not None), default=None)
