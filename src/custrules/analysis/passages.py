"""Histories stepped through one event at a time, with the state before and after each: what statements and settlements are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from custrules.analysis.refusal import many_in, program_in
from custrules.events import AnyEvent
from custrules.policy import Decision
from custrules.program import Program, aware
from custrules.replaying import Given, Turns, decided_at, event_of
from custrules.state import State


class Passage(NamedTuple):
    """One event that was accepted (None: time that passed), with what was decided meanwhile and about it, in order."""

    event: AnyEvent | None
    before: State
    after: State
    decisions: tuple[Decision, ...]
    at: datetime


def passages(program: Program, events: Iterable[Given], until: datetime | None = None) -> Iterator[Passage]:
    """Every customer's history, each from nothing and, where it is given, on to ``until``; events are grouped by customer.

    EventError for an event that is not the program's, with its place, and for a customer who comes back after another.
    """
    program_in(program, "program")
    many_in(events, "events")
    end = aware(until, "until") if until is not None else None
    state: State | None = None
    turns = Turns()
    for number, given in enumerate(events):
        event = event_of(program.event, given, number)
        if state is None or state.customer_id != event.customer_id:
            yield from _rest(program, state, end)
            state = turns.begin(event.customer_id, number)
        step = program.step(state, event)
        if step.accepted:
            yield Passage(step.event or event, state, step.state, step.decisions, decided_at(step.event or event))
        state = step.state
    yield from _rest(program, state, end)


def _rest(program: Program, state: State | None, end: datetime | None) -> Iterator[Passage]:
    if state is not None and end is not None:
        step = program.advance(state, end)
        if step.decisions and step.state.as_of is not None:
            yield Passage(None, state, step.state, step.decisions, step.state.as_of)
