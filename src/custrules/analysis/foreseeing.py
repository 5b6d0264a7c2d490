"""What time alone brings to customers: foreseen once, kept, and looked further ahead where it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeVar

from custrules import kernel
from custrules.analysis.plan import item_id
from custrules.analysis.refusal import program_in, states_in, worded
from custrules.calendars import end_of_day, local_day
from custrules.contacting import Contacting
from custrules.decisions import Decision
from custrules.fields import read_day
from custrules.policies.care.arranging import Candidate
from custrules.policy import Touchpoint
from custrules.program import Program
from custrules.state import State
from custrules.validation import read_argument

MICROSECOND = timedelta(microseconds=1)
When = TypeVar("When", date, datetime)


class Standing(NamedTuple):
    """A state as it stands from a local day on."""

    day: date
    state: State


class Foreseen(NamedTuple):
    """A contact that will be asked for at an instant."""

    at: datetime
    candidate: Candidate


class Ahead:
    """One customer's time to come if nothing happens, as far as somebody has looked: it stops only where something is due."""

    __slots__ = ("foreseen", "next", "program", "standing")
    program: Program
    standing: list[Standing]
    foreseen: list[Foreseen]
    next: datetime | None  # when time next has something to ask, beyond what has been looked at

    def __init__(self, program: Program, state: State) -> None:
        self.program = program
        self.standing = [Standing(date.min, state)]
        self.foreseen: list[Foreseen] = []
        self.next = program.next_due(state)

    @property
    def state(self) -> State:
        """The state with which it began."""
        return self.standing[0].state

    def reach(self, end: datetime) -> None:
        """Look ahead up to an instant; what was seen before is not looked at again."""
        while self.next is not None and self.next <= end:
            state = self.standing[-1].state
            assert state.as_of is not None
            due = max(self.next, state.as_of + MICROSECOND)
            passed, coming = kernel.passing(self.program.rulebook, state, due)
            self.standing.append(Standing(local_day(due, self.program.zone), passed.state))
            asked = ((decision, effect) for decision in passed.decisions for effect in decision.effects if isinstance(effect, Touchpoint))
            self.foreseen += [Foreseen(due, _candidate(self.program, state.customer_id, decision, effect, due)) for decision, effect in asked]
            self.next = coming

    def on(self, day: date) -> State:
        """The state as it stands on a day."""
        return next(each.state for each in reversed(self.standing) if each.day <= day)


def terms_of(program: Program, policy_id: str, day: date, category: str, channel: str) -> Contacting:
    """The terms of contact of a policy in the version in force on a day; of one that is no more, what was asked for says."""
    rulebook = program.rulebook
    policy = rulebook.in_force(policy_id, day) if policy_id in rulebook.versions else None
    return policy.contacting(category, channel) if policy is not None else Contacting(channels=(channel,) if channel else ())


def _candidate(program: Program, customer_id: str, decision: Decision, effect: Touchpoint, at: datetime) -> Candidate:
    return Candidate(
        decision.policy_id,
        effect.cycle,
        effect.day,
        effect.last_day,
        effect.category,
        effect.template,
        terms_of(program, decision.policy_id, effect.day, effect.category, effect.channel),
        effect.outcome == "task",
        str(effect.data.get("deadline", "")),
        str(effect.data.get("due_by", "")),
        effect.data,
        at,
        id=item_id(program.id, decision.policy_id, customer_id, effect.cycle),
    )


class Groups(dict[When, set[str]]):
    """Customers by a day or an instant: most share theirs with many others, for most are due where a day begins."""

    def __init__(self) -> None:
        super().__init__()
        self._of: dict[str, When] = {}

    def put(self, name: str, when: When | None) -> None:
        """Put a customer to another time, or to none."""
        before = self._of.pop(name, None)
        if before is not None:
            self[before].discard(name)
        if when is not None:
            self._of[name] = when
            self.setdefault(when, set()).add(name)


class PlanIndex:
    """When time next changes something for each of many customers, so that a plan of a few days looks only at those who have something due.

    Building it asks every state once; ``update`` puts in the states that have changed since. ``through`` is a day up to which what time brings
    is foreseen at once: plans that end by then have only to be arranged. Whatever a plan had to foresee is kept for the next one.
    AnalysisError for a ``through`` that is no day.
    """

    program: Program

    def __init__(self, program: Program, states: State | Iterable[State] | Mapping[str, State], *, through: date | None = None) -> None:
        program_in(program, "program")
        self.program = program
        self._through = None if through is None else end_of_day(read_argument(read_day, through, "through", "analysis", worded), program.zone)
        self._ahead: dict[str, Ahead] = {}
        self._due: Groups[datetime] = Groups()
        self._waiting: Groups[date] = Groups()
        self.update(states)

    def update(self, states: State | Iterable[State] | Mapping[str, State]) -> None:
        """Take in states that are new or have changed."""
        for state in states_in(states):
            self._take(state.customer_id, state, Ahead(self.program, state))

    def _take(self, name: str, state: State, ahead: Ahead) -> None:
        self._due.put(name, ahead.next)
        self._waiting.put(name, _waits_until(state))
        self._ahead[name] = ahead
        if self._through is not None:
            ahead.reach(self._through)

    def looked_at(self, start: date, end: datetime) -> Iterator[Ahead]:
        """Those who have something due up to an instant, or a contact that still waits on a day, by customer."""
        due = (names for at, names in self._due.items() if at <= end)
        waiting = (names for last, names in self._waiting.items() if last >= start)
        return (self._ahead[name] for name in sorted(set().union(*due, *waiting)))


def _waits_until(state: State) -> date | None:
    """The last day on which a contact that was asked for still makes sense; None where nothing waits."""
    return max((asked.last_day or date.max for asked in state.touchpoints.values() if asked.outcome == "asked"), default=None)
