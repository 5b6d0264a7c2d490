"""The verb ``plan``: whom to contact over the next days, out of a file of events."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import custrules as cr
from custrules.calendars import start_of_day
from custrules.cli.asking import day_asked
from custrules.cli.event_files import EventFile, placing
from custrules.cli.output import Misuse, Output, written
from custrules.cli.passing import by_customer, pass_over
from custrules.events import AnyEvent
from custrules.messages import Speaker
from custrules.messages.columns import grouped, table


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
    if arguments.ics is not None:
        _calendar(Path(arguments.ics), found, output.lang)
    if output.shape == "json":
        output.json(found.to_data())
        return 0
    output.line("\n".join([output.render(found), *_sums(output, found)]))
    if arguments.ics is not None:
        output.line("\n" + output.say("ics_written", path=arguments.ics))
    return 0


def _sums(output: Output, plan: cr.Plan) -> list[str]:
    """How many contacts there are, by what asks for them, what becomes of them and over which channel."""
    counts = Counter((item.trigger, item.outcome, item.channel) for item in plan)
    speaker = Speaker(output.lang)
    rows = [
        [trigger, speaker.word(f"plan_{outcome}", {}), channel or "-", grouped(count)]
        for (trigger, outcome, channel), count in sorted(counts.items())
    ]
    head = [output.say(key) for key in ("plan_trigger", "plan_outcome", "plan_channel", "plan_contacts")]
    return ["", output.heading(output.say("plan_sums")), *table([head, *rows], right=[3])] if rows else []


def _calendar(path: Path, plan: cr.Plan, lang: str) -> None:
    """Write the calendar file; one that is there is updated: what has moved, and what is cancelled."""
    previous = path.read_bytes() if path.is_file() else None
    if previous is not None and not previous.startswith(b"BEGIN:VCALENDAR"):
        raise Misuse("exists", path=path)
    stamp = datetime.now(UTC).replace(microsecond=0)
    with written(path) as file:
        file.write(plan.to_ics(stamp, previous=previous, lang=lang))
