"""One program's way through the events of one customer after the other, with everything that it answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from custrules.analysis.flows import Account, Accounts, Flow, MoneyFlows
from custrules.calendars import start_of_day
from custrules.errors import Diagnostic, EventError
from custrules.events import AnyEvent
from custrules.fields import read_day, read_instant
from custrules.policy import Decision, Reason
from custrules.program import Program
from custrules.replaying import decided_at
from custrules.state import State
from custrules.steps import Step

UNREADABLE = "unreadable"
Key = int | str  # an event's number, or the id of a day or instant that time opened


class Watcher(Protocol):
    """Somebody who looks on while the base program steps."""

    def note(self, customer_id: str, event: AnyEvent | None, step: Step, /) -> None:
        """One step; ``event`` is None for time that passed up to the end."""

    def close(self, state: State, /) -> None:
        """A customer's closing state."""


def instant_of(event_id: str, at: datetime | None, zone: ZoneInfo) -> datetime | None:
    """When a decision about an event was made: a day that opened and an instant tell it themselves; None where nobody does."""
    if event_id.startswith("day:"):
        return start_of_day(read_day(event_id.removeprefix("day:")), zone)
    return read_instant(event_id.removeprefix("at:")) if event_id.startswith("at:") else at


@dataclass(slots=True)
class Told:
    """What was answered to one event, or to time that passed."""

    event_id: str
    at: datetime
    verdict: str = ""
    refusal: Reason | None = None
    faults: tuple[Diagnostic, ...] = ()
    decisions: list[Decision] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return self.verdict == "accepted"

    @property
    def why(self) -> Reason | Diagnostic | None:
        """Why an event was not accepted."""
        return self.refusal if self.refusal is not None else next(iter(self.faults), None)


class Lane:
    """One program and one customer at a time: ``begin``, ``answer`` each event, ``end``; then read what came of it."""

    program: Program
    state: State
    answers: dict[Key, Told]
    moved: Counter[tuple[Account, str]]
    held: Counter[tuple[Account, str]]
    money: Counter[str]

    def __init__(self, program: Program, counted_as: Mapping[tuple[str, str], Account], watcher: Watcher | None = None) -> None:
        """``counted_as`` says by name and unit with how many decimals an account is counted, where both programs keep it."""
        self.program, self._counted_as, self._watcher = program, counted_as, watcher
        self._accounts = Accounts(program)

    def begin(self, customer_id: str) -> None:
        self.state = State.new(customer_id)
        self.answers, self.moved, self.held, self.money = {}, Counter(), Counter(), Counter()
        self._flows = MoneyFlows()

    def answer(self, number: int, event: AnyEvent) -> Told:
        """Step one event; an event that is none of this program's is told as unreadable."""
        told = self.answers[number] = Told(event.id, decided_at(event), UNREADABLE)
        try:
            step = self.program.step(self.state, event)
        except EventError as error:
            told.faults = error.diagnostics
            return told
        told.verdict, told.refusal, told.at = step.verdict, step.refusal, decided_at(step.event or event)
        self._take(step, number, event)
        return told

    def end(self, to: datetime | None) -> None:
        """Let time pass (where there is an end); what the customer then holds is counted too."""
        if to is not None:
            self._take(self.program.advance(self.state, to), -1, None)
        if self._watcher is not None and self.state.as_of is not None:
            self._watcher.close(self.state)
        self._add(self.held, self._accounts.balances(self.state))

    def _take(self, step: Step, number: int, event: AnyEvent | None) -> None:
        self.state = step.state
        if self._watcher is not None:
            self._watcher.note(self.state.customer_id, event, step)
        for decision in step.decisions:
            mine = event is not None and decision.event_id == event.id
            self._told(number if mine else decision.event_id, decision.event_id).decisions.append(decision)
        if step.accepted:
            self._count(step.decisions, event)

    def _told(self, key: Key, event_id: str) -> Told:
        if key not in self.answers:
            at = instant_of(event_id, self.state.as_of, self.program.zone)
            assert at is not None
            self.answers[key] = Told(event_id, at)
        return self.answers[key]

    def _count(self, decisions: Iterable[Decision], event: AnyEvent | None) -> None:
        self._add(self.moved, self._accounts.flows(decisions))
        self.money.update(self._flows.of(event, decisions))

    def _add(self, sums: Counter[tuple[Account, str]], flows: Iterable[Flow]) -> None:
        for account, name, units in flows:
            known = self._counted_as.get((account.name, account.unit), account)
            sums[known, name] += units * 10 ** (known.scale - account.scale)

    def level(self, status: str) -> str | None:
        """The closing level of a ladder; None where there is none, or no such ladder."""
        held = self.state.statuses.get((status, ""))
        return str(held.value) if held is not None and held.value is not None else None
