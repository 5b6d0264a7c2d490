"""One customer's history as a scenario: what happened first is given, the last events are steps, with what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from custrules.calendars import end_of_day
from custrules.documents.writing import Flow
from custrules.events import AnyEvent, NewDay, Opening, Tick
from custrules.program import Program
from custrules.state import State
from custrules.steps import Step
from custrules.testing.scenario_writing import Filler, Scenario, local_text, written


class Row(NamedTuple):
    """An event of the history, its step, and up to when time was settled before it."""

    event: AnyEvent
    step: Step
    before: datetime | None

    @property
    def passed(self) -> datetime | None:
        """Up to when time had passed before the event came, where its stamp says so and nothing else in the scenario would."""
        stamp = self.event.decided_at
        known = max(self.event.occurred_at, self.before) if self.before is not None else self.event.occurred_at
        return stamp if stamp is not None and stamp > known else None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A scenario that passes as it is written. ``differs`` names the readings at its end that are others than the history's own:
    in a scenario the customer is known from the first instant on, which a policy may tell apart."""

    scenario: Scenario
    differs: tuple[str, ...]


class Unwritable(Exception):
    """An event says something that scenarios have no words for; ``event_id`` names it ('' where it is not clear which)."""

    event_id: str

    def __init__(self, event_id: str) -> None:
        super().__init__(event_id)
        self.event_id = event_id


class NothingLeft(Unwritable):
    """Every event lies after the day up to which is recorded."""


def record(program: Program, events: Iterable[AnyEvent], name: str, last: int = 10, until: date | None = None) -> Recorded:
    """The scenario of one customer's events, in order of acceptance: the ``last`` of them are steps; Unwritable where it cannot be written.

    An event that was not accepted is only told as a step. Passing time that was sent, or that a stamp speaks of, is a step too, and
    the steps begin there at the latest. With ``until`` time passes to the end of that day as a last step; events after it are left out,
    and NothingLeft says so where there are no others.
    """
    upto = end_of_day(until, program.zone) if until is not None else None
    rows = list(_walked(program, (event for event in events if upto is None or event.occurred_at <= upto)))
    if not rows:
        raise NothingLeft("")
    end = rows[-1].step.state
    opening, rows = _opening(rows, program)
    first = min([max(len(rows) - last, 0), *(number for number, row in enumerate(rows) if _needs_a_step(row))])
    given = [written(row.event, program) for row in rows[:first] if row.step.accepted]
    steps = [{"when": when} for row in rows[first:] for when in _whens(row, program)]
    if until is not None and upto is not None:
        steps.append({"when": Flow({"day_end": until.isoformat()})})
        end = program.advance(end, upto).state
    scenario: Scenario = {"name": name, "tags": ["recorded"], **opening, **({"given": given} if given else {}), "steps": steps}
    return _checked(program, scenario, rows, first, end)


def _opening(rows: list[Row], program: Program) -> tuple[Scenario, list[Row]]:
    """What the customer brought along, which scenarios say beside the events; and the events that are left."""
    event = rows[0].event
    if not isinstance(event, Opening):
        return {}, rows
    fields = dict(next(iter(written(event, program).values())))
    return {"opening": Flow({"complete": "false", **{name: value for name, value in fields.items() if name != "id"}})}, rows[1:]


def _walked(program: Program, events: Iterable[AnyEvent]) -> Iterator[Row]:
    """Every event with its step; time that says nothing new is left out."""
    state: State | None = None
    for event in events:
        state = state or State.new(event.customer_id)
        step = program.step(state, event)
        if step.accepted or not isinstance(event, NewDay | Tick):
            yield Row(event, step, state.as_of)
        state = step.state


def _needs_a_step(row: Row) -> bool:
    return isinstance(row.event, NewDay | Tick) or row.passed is not None


def _whens(row: Row, program: Program) -> Iterator[Flow]:
    """What a scenario says for an event: time that had passed before it, then the event."""
    passed = row.step.event.occurred_at if isinstance(row.event, NewDay | Tick) and row.step.event is not None else row.passed
    if passed is not None:
        yield Flow({"advance": local_text(passed, program.zone)})
    if not isinstance(row.event, NewDay | Tick):
        yield written(row.event, program)


def _checked(program: Program, scenario: Scenario, rows: list[Row], first: int, end: State) -> Recorded:
    filler = Filler(program)
    filled = filler.filled(scenario)
    if filled is None:
        raise Unwritable("")
    told = [row.event for number, row in enumerate(rows) if not isinstance(row.event, NewDay | Tick) and (number >= first or row.step.accepted)]
    for event, read in zip(told, filled.events, strict=True):
        if not _same(program, event, read):
            raise Unwritable(event.id)
    own, there = filler.readings(end), filler.readings(filled.state)
    return Recorded(filled.scenario, tuple(name for name in dict.fromkeys((*own, *there)) if own.get(name) != there.get(name)))


def _same(program: Program, event: AnyEvent, read: AnyEvent) -> bool:
    """Whether an event was read back as it was: an attribute may be called like a field of scenarios."""
    alike = (event.id, event.occurred_at, event.attributes.keys()) == (read.id, read.occurred_at, read.attributes.keys())
    return alike and written(event, program) == written(read, program)
