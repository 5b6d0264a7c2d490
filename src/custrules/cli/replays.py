"""The verb ``replay``: a pass over a file of events, its sums, and what is written of it: a journal of steps, the states at the end."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import custrules as cr
from custrules.cli.event_files import STDIN, EventFile, placing
from custrules.cli.output import FINE, Misuse, Output, written
from custrules.cli.passing import Passed, Summary, by_customer, end_of, pass_over
from custrules.cli.telling import replayed
from custrules.codec import canonical
from custrules.events import AnyEvent


def replay(output: Output, arguments: argparse.Namespace) -> int:
    """All events of a file, customer by customer, and what they add up to."""
    program = cr.load(arguments.document)
    file = EventFile(arguments.events, program)
    until = end_of(arguments.until, program.zone) if arguments.until is not None else None
    events: Iterable[AnyEvent] = by_customer(file) if arguments.sort else file
    summary = Summary(program)
    with _written(arguments.journal, arguments) as journal, _written(arguments.states, arguments) as states:

        def close(state: cr.State) -> None:
            summary.close(state)
            states.write(state.to_json() + b"\n")

        with placing(file):
            for passed in pass_over(program, output.counted(events), until, close):
                summary.note(passed)
                journal.write(_journal_line(passed))
    if not summary.events + summary.left_out:
        raise Misuse("nothing", path=arguments.events)
    if output.shape == "json":
        output.json({"program": program.id, "until": arguments.until, **summary.to_data()})
    else:
        output.line("\n".join(replayed(output, program, summary, arguments.until)))
    return FINE


class _Kept(NamedTuple):
    """What is kept in a file, if anywhere."""

    file: BinaryIO | None

    def write(self, text: bytes) -> None:
        if self.file is not None:
            self.file.write(text)


@contextmanager
def _written(path: str | None, arguments: argparse.Namespace) -> Iterator[_Kept]:
    """A file to write, where one is asked for and it is none that is read."""
    if path is None:
        yield _Kept(None)
        return
    target = Path(path)
    for read in (arguments.document, arguments.events):
        if target.exists() and read != STDIN and Path(read).exists() and target.samefile(read):
            raise Misuse("same_file", path=path)
    with written(target) as file:
        yield _Kept(file)


def _journal_line(passed: Passed) -> bytes:
    """One step as a line of JSON; nothing for time that decided nothing, and for events after the end."""
    step, event = passed.step, passed.event
    if step is None or (event is None and not step.decisions):
        return b""
    refusal = step.refusal.to_data() if step.refusal is not None else None
    head = {"customer_id": passed.customer_id, "event_id": event.id if event is not None else "", "verdict": step.verdict, "refusal": refusal}
    return canonical(head | {"decisions": [decision.to_data() for decision in step.decisions]}) + b"\n"
