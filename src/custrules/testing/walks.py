"""A customer whose host steps, sends days and instants, and lets time pass in its own way; and a history stepped plainly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from custrules.calendars import local_day, start_of_day
from custrules.events import AnyEvent, NewDay, Tick
from custrules.policy import Decision
from custrules.program import Program
from custrules.state import State
from custrules.steps import Step


def walked(program: Program, events: tuple[AnyEvent, ...]) -> Iterator[tuple[State, Step]]:
    """Every event of a customer stepped, each from the state that the one before left: the state before, and the step."""
    state = State.new(events[0].customer_id) if events else None
    for event in events:
        assert state is not None
        step = program.step(state, event)
        yield state, step
        state = step.state


@dataclass(frozen=True)
class Passing:
    """How a host lets time pass after an event: NewDay on ``every``-th days near what happens, Ticks and advances so many hours after it."""

    every: int = 0
    ticks: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()


@dataclass
class Walk:
    """A customer whose host lets time pass in its own way, with all that is decided and stored."""

    program: Program
    state: State
    decisions: list[Decision] = field(default_factory=list)
    stored: list[AnyEvent] = field(default_factory=list)

    def event(self, event: AnyEvent) -> Step:
        step = self._took(self.program.step(self.state, event))
        if step.accepted and step.event is not None:
            self.stored.append(step.event)
        return step

    def send(self, time: NewDay | Tick) -> None:
        self._took(self.program.step(self.state, time))

    def advance(self, to: datetime) -> None:
        self._took(self.program.advance(self.state, to))

    def _took(self, step: Step) -> Step:
        if step.accepted:
            self.state = step.state
            self.decisions += step.decisions
        return step

    def pass_time(self, upto: datetime, how: Passing) -> None:
        """Let time pass up to an instant, at most; days far from anything that happens are left out."""
        if self.state.as_of is None or self.state.day is None:
            return
        zone, start = self.program.zone, self.state.as_of
        stops: list[tuple[datetime, NewDay | Tick | None]] = [(start + timedelta(hours=hours), None) for hours in how.hours]
        days = self._days(self.state.day, local_day(upto, zone), how.every)
        stops += [(start_of_day(day, zone), NewDay(customer_id=self.state.customer_id, day=day)) for day in days]
        instants = [start + timedelta(hours=hours) for hours in how.ticks]
        stops += [(at, Tick(customer_id=self.state.customer_id, at=at)) for at in instants]
        for at, time in sorted(stops, key=lambda stop: stop[0]):
            if at <= upto:
                self.send(time) if time is not None else self.advance(at)

    def _days(self, first: date, last: date, every: int) -> list[date]:
        if not every:
            return []
        days = [first + timedelta(days=number) for number in range(1, (last - first).days + 1, every)]
        return [day for day in days if (day - first).days < 32 or (last - day).days < 3]
