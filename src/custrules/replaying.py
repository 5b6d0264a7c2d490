"""Many customers in one pass: events grouped by customer, each customer's in order of acceptance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Never

from custrules.errors import AnalysisError, Diagnostic, EventError
from custrules.events import AnyEvent, Event
from custrules.kernel import Result
from custrules.messages import render_all
from custrules.policy import Decision
from custrules.program import Program, aware
from custrules.state import State

Given = AnyEvent | Mapping[str, Any] | bytes | str


class _Line(NamedTuple):
    customer_id: str
    event_id: str
    decisions: tuple[Decision, ...]


class Entry(_Line):
    """One line of a journal: whose, which event ('' for time that passed up to ``until``), and what was decided.

    It unpacks into these three; beside them stands ``at``.
    """

    _at: datetime | None = None

    def __new__(cls, customer_id: str, event_id: str, decisions: tuple[Decision, ...], at: datetime | None = None) -> Entry:
        entry = super().__new__(cls, customer_id, event_id, decisions)
        entry._at = at
        return entry

    @property
    def at(self) -> datetime | None:
        """The instant at which the event was decided, or up to which time passed; None: not known."""
        return self._at


@dataclass(frozen=True, slots=True)
class Replayed:
    """A whole replay: its journal, and the closing state of every customer."""

    journal: tuple[Entry, ...]
    states: Mapping[str, State]


class Replay:
    """One pass over events, made as it is iterated. ``collect()`` makes it at once and keeps everything."""

    def __init__(
        self, program: Program, events: Iterable[Given], until: datetime | None = None, on_state: Callable[[State], object] | None = None
    ) -> None:
        program_in(program, "program")
        many_in(events, "events")
        self._program, self._events, self._on_state = program, events, on_state
        self._until = aware(until, "until") if until is not None else None
        self._turns = Turns()
        self._state: State | None = None
        self._entries = self._run()

    def __iter__(self) -> Iterator[Entry]:
        return self

    def __next__(self) -> Entry:
        return next(self._entries)

    def collect(self) -> Replayed:
        """The rest of the pass, kept: journal and states of all customers that it finishes."""
        states: dict[str, State] = {}
        hand_over = self._on_state

        def keep(state: State) -> None:
            states[state.customer_id] = state
            if hand_over is not None:
                hand_over(state)

        self._on_state = keep
        return Replayed(tuple(self), states)

    def _run(self) -> Iterator[Entry]:
        for number, given in enumerate(self._events):
            event = event_of(self._program.event, given, number)
            if self._state is None or self._state.customer_id != event.customer_id:
                yield from self._close()
                self._state = self._turns.begin(event.customer_id, number)
            result = self._step(event, number)
            self._state = result.state
            yield Entry(event.customer_id, event.id, result.decisions, decided_at(result.event or event))
        yield from self._close()

    def _step(self, event: AnyEvent, number: int) -> Result:
        assert self._state is not None
        try:
            return self._program._decided(self._state, event)
        except EventError as error:
            raise placed(error.diagnostics, number) from None

    def _close(self) -> Iterator[Entry]:
        """Let time pass to the end, hand the closing state over, and forget it."""
        state, self._state = self._state, None
        if state is None:
            return
        if self._until is not None:
            step = self._program.advance(state, self._until)
            state = step.state
            if step.decisions:
                yield Entry(state.customer_id, "", step.decisions, state.as_of)
        if self._on_state is not None:
            self._on_state(state)


def program_in(value: object, path: str) -> None:
    """AnalysisError for what is no program (the path to a document, say, that is not loaded yet)."""
    if not isinstance(value, Program):
        refuse_type(path, expected="a program, as load and loads give it", found=type(value).__name__)


def many_in(value: object, path: str) -> Iterable[Any]:
    """What can be gone through one by one, as it is; AnalysisError for what cannot."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        refuse_type(path, expected="several of them, such as a list, or what replay gives", found=type(value).__name__)
    return value


def refuse_type(path: str, expected: str, found: str) -> Never:
    faults = [Diagnostic("analysis.wrong_type", path, {"expected": expected, "found": found})]
    raise AnalysisError(faults, render_all(faults, "en", plugins=False))


class Turns:
    """Customers whose events stand together in a stream: each has one turn."""

    def __init__(self) -> None:
        self._begun: set[str] = set()

    def begin(self, customer_id: str, number: int) -> State:
        """The state with which a customer's turn begins, at the event of this number; EventError for one who has had it."""
        if customer_id in self._begun:
            raise placed([Diagnostic("event.customer_came_back", "customer_id", {"customer": customer_id})], number)
        self._begun.add(customer_id)
        return State.new(customer_id)


def event_of(read: Callable[[Given], AnyEvent], given: Given, number: int) -> AnyEvent:
    """One event of many, read where it is none yet; EventError at a path that says which one it is."""
    if isinstance(given, Event):
        return given  # the step checks it
    try:
        return read(given)
    except EventError as error:
        raise placed(error.diagnostics, number) from None


def decided_at(event: AnyEvent) -> datetime:
    """The instant of an event's decision; when it happened where it was not accepted."""
    return event.decided_at or event.occurred_at


def placed(faults: Iterable[Diagnostic], number: int) -> EventError:
    """Faults of one event of many, at paths that say which: ``events[16].amount``; those of its text at ``events[16]:1:2``."""
    event = f"events[{number}]"
    found = [replace(fault, path=f"{event}.{fault.path}" if fault.path else event, source=event if fault.line else "") for fault in faults]
    return EventError(found, render_all(found, "en", plugins=False))


def replay(program: Program, events: Iterable[Given], until: datetime | None = None, on_state: Callable[[State], object] | None = None) -> Replay:
    """Step through the events of many customers, each from nothing, in one pass whose memory does not grow with their number.

    Events are Event objects, plain data or JSON, grouped by customer; a customer who comes back later is an EventError.
    Iterates ``(customer_id, event_id, decisions)``, one per event whatever became of it, and one without event id for what time
    decides up to ``until``; ``entry.at`` is the instant of the decision. Each closing state, advanced to ``until`` where that is
    given, goes to ``on_state``. AnalysisError for what is no program, and for events that cannot be gone through one by one.
    """
    return Replay(program, events, until, on_state)
