"""``custrules statement``: one customer's stored value, line by line, out of a file of events."""

from __future__ import annotations

import argparse

import custrules as cr
from custrules.cli.event_files import EventFile
from custrules.cli.output import Misuse, Output
from custrules.cli.passing import end_of


def statement(output: Output, arguments: argparse.Namespace) -> int:
    """The complete statement of an account: what was paid in, consumed, returned, refunded, and the balance after each."""
    program = cr.load(arguments.document)
    history = list(EventFile(arguments.events, program).of_customer(arguments.customer))
    if not history:
        raise Misuse("no_customer", customer=arguments.customer, path=arguments.events)
    until = end_of(arguments.until, program.zone) if arguments.until is not None else None
    found = cr.statement(program, history, account=arguments.account, first=arguments.first, until=until)
    if output.shape == "json":
        output.json(found.to_data() | {"text": output.render(found)})
    else:
        output.line(output.render(found))
    return 0
