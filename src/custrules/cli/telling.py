"""Results in words, for more than one verb: an event's title, where a customer stands, what a replay adds up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from custrules.cli.output import Output
from custrules.cli.passing import Summary
from custrules.events import AnyEvent, Purchase, Return, total_of
from custrules.explaining import Explanation
from custrules.messages.columns import beside, grouped, table
from custrules.program import Program
from custrules.standings import Progress
from custrules.state import State

_ABREAST = 3  # blocks next to each other


def local(event: AnyEvent, zone: ZoneInfo) -> date:
    return event.occurred_at.astimezone(zone).date()


def event_title(output: Output, event: AnyEvent) -> str:
    """``purchase 524726  1,554.17 GBP``"""
    if not isinstance(event, Purchase | Return):
        return f"{event.type} {event.id}"
    amount = event.amount or total_of(event.lines)
    told = f"{output.say(f'event_{event.type}')} {event.id}"
    return f"{told}  {grouped(amount.amount)} {amount.currency}" if amount is not None else told


def near_misses(output: Output, explanation: Explanation) -> list[str]:
    """Each comparison that failed by a number, once."""
    return list(dict.fromkeys(f"  {miss.policy_id}, {miss.rule}: {output.render(miss.compared)}" for miss in explanation.near_misses))


def standing(output: Output, program: Program, state: State, progress: Progress) -> Iterator[str]:
    """Balances, then the level, what the next one asks for, and what keeps this one."""
    if state.as_of is None:
        return
    for account in program.rulebook.accounts:
        points = state.points(account)
        yield "  " + output.say("explain_points", account=account, usable=points.available, pending=points.pending, owed=points.owed)
    yield from ("  " + line for line in output.render(progress).splitlines())


def replayed(output: Output, program: Program, summary: Summary, until: str | None) -> Iterator[str]:
    """Customers and events, then verdicts, levels and accounts in blocks."""
    yield output.heading(output.say("replay_head", program=program.id, customers=grouped(summary.customers), events=grouped(summary.events)))
    yield output.say("replay_until", until=until) if until is not None else output.say("replay_open")
    if summary.left_out:
        yield output.say("replay_left_out", count=grouped(summary.left_out))
    blocks = list(_blocks(output, summary))
    for place in range(0, len(blocks), _ABREAST):
        yield ""
        yield from _joined(blocks[place : place + _ABREAST])


def _blocks(output: Output, summary: Summary) -> Iterator[list[str]]:
    yield _block(output.say("replay_verdicts"), [(output.say(name), count) for name, count in summary.verdicts.items()])
    for status, rows in summary.level_rows():
        yield _block(output.say("replay_levels", status=status), [(name or output.say("no_level"), count) for name, count in rows])
    for account, sums in summary.account_rows():
        yield _block(output.say("replay_points", account=account), [(output.say(name), value) for name, value in sums.items()])


def _block(title: str, rows: Sequence[tuple[str, Any]]) -> list[str]:
    return [title, *table([[name, grouped(value)] for name, value in rows], right=(1,))]


def _joined(blocks: Sequence[list[str]]) -> list[str]:
    lines: list[str] = []
    for block in blocks:
        lines = beside(lines, block) if lines else block
    return lines
