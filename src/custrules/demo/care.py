"""Whom the gift shop should contact over the fortnight after the last day, over what, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from custrules.analysis.plan import Plan
from custrules.analysis.planning import plan
from custrules.cli.output import Output
from custrules.demo.figures import LAST_DAY
from custrules.demo.leaving import AT_RISK
from custrules.messages.columns import grouped, table
from custrules.program import Program
from custrules.state import State

DAYS = 14
SHOWN = 6


def fortnight(program: Program, states: Sequence[State]) -> Plan:
    """The plan of everybody from the day after the last one."""
    return plan(program, states, LAST_DAY + timedelta(days=1), days=DAYS)


def planned(output: Output, found: Plan) -> Iterator[str]:
    """How many contacts of which kind there are, and the first of them."""
    yield output.heading(output.say("demo_care", file=AT_RISK, start=found.start, end=found.end))
    going = [item for item in found if item.outcome in ("send", "task")]
    counts = Counter((item.trigger, item.channel) for item in going)
    told = ", ".join(f"{trigger} ({channel}) {grouped(number)}" for (trigger, channel), number in sorted(counts.items()))
    yield "  " + output.say("demo_care_counts", counts=told, deferred=grouped(sum(item.outcome == "defer" for item in found)))
    rows = [[item.day.isoformat(), item.customer_id, item.trigger, item.channel, item.template] for item in going[:SHOWN]]
    yield from table(rows)
