"""The verb ``plan``: whom to contact over the next days, out of a file of events."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import timedelta

import custrules as cr
from custrules.calendars import start_of_day
from custrules.cli.asking import day_asked
from custrules.cli.event_files import EventFile, placing
from custrules.cli.output import Misuse, Output
from custrules.cli.passing import by_customer, pass_over
from custrules.events import AnyEvent


def plan(output: Output, arguments: argparse.Namespace) -> int:
    """Every customer's contacts from a day on; events of that day and after are left out."""
    program = cr.load(arguments.document)
    start = day_asked(arguments.start, "bad_start")
    file = EventFile(arguments.events, program)
    events: Iterable[AnyEvent] = by_customer(file) if arguments.sort else file
    before = start_of_day(start, program.zone) - timedelta(microseconds=1)
    states: list[cr.State] = []
    with placing(file):
        passed = sum(each.event is not None for each in pass_over(program, output.counted(events), before, states.append))
    if not passed:
        raise Misuse("nothing", path=arguments.events)
    chosen = [state for state in states if arguments.customer in (None, state.customer_id)]
    if not chosen:
        raise Misuse("no_customer", customer=arguments.customer, path=arguments.events)
    found = cr.plan(program, chosen, start, days=arguments.days)
    if output.shape == "json":
        output.json(found.to_data())
    else:
        output.line(output.render(found))
    return 0
