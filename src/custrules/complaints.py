"""Which complaints are open: each is a status under its id, whether or not a policy looks after it, and measures count them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from custrules.event_fields import Scalar
from custrules.events import Complaint, ComplaintUpdate
from custrules.facts import FactValue
from custrules.fields import Frozen
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.state_parts import StatusValue

OVER = ("closed", "withdrawn")


def is_open(held: StatusValue | None) -> bool:
    """Whether a complaint is open: until it is closed, or the customer takes it back."""
    return held is not None and held.value is not None and held.value not in OVER


def told(event: Complaint) -> Mapping[str, Scalar]:
    """What is kept of a complaint for as long as it is: by these, measures tell complaints apart."""
    parts = {"category": event.category, "severity": event.severity, "channel": event.channel}
    return Frozen({name: value for name, value in parts.items() if value is not None})


def noted(rules: Rulebook, state: State, event: Complaint | ComplaintUpdate, day: date, *, kept: bool) -> None:
    """A complaint is open from its event on; where no policy looks after it (``kept``), its updates say what becomes of it."""
    if isinstance(event, Complaint):
        opened = StatusValue("open", day, None, told(event))
        state.put_status((rules.complaint_status, event.id), opened)
        _count(rules, state, opened, day, 1)
    elif not kept:
        _updated(rules, state, event, day)


def _updated(rules: Rulebook, state: State, event: ComplaintUpdate, day: date) -> None:
    name = rules.complaint_status
    before = state.statuses.get((name, event.of))
    if before is None or event.stage is None:
        return
    until = rules.returns.window.after(day) if event.stage in OVER else None
    state.statuses[name, event.of] = StatusValue(event.stage, day, until, before.data)
    state.changed = state.day
    count_change(rules, state, event.of, before, day)


def count_change(rules: Rulebook, state: State, subject: str, before: StatusValue, day: date) -> None:
    """Count a complaint that was closed, or is open again."""
    now = state.statuses[rules.complaint_status, subject]
    if subject and is_open(now) != is_open(before):
        _count(rules, state, before, day, 1 if is_open(now) else -1)


def _count(rules: Rulebook, state: State, held: StatusValue, day: date, change: int) -> None:
    for counted in rules.open_tallies:
        if counted.where is None or rules.tests.of(counted.where)(_Told(held.data)):
            state.activity.add(counted.key, day, change)


@dataclass(frozen=True, slots=True)
class _Told:
    """A complaint's fields as facts, out of what is kept of it."""

    data: Mapping[str, Scalar]

    def value(self, name: str) -> FactValue | None:
        return self.data.get(name)

    def next_change(self, name: str) -> date | None:
        return None


def take_over(rules: Rulebook, state: State, other: State, day: date) -> None:
    """The complaints of a card that is merged; of two by one id, the survivor's own stays, and the other is counted no more."""
    for (name, subject), held in other.statuses.items():
        if name != rules.complaint_status or not subject:
            continue
        if (name, subject) not in state.statuses:
            state.put_status((name, subject), held)
        elif is_open(held) and rules.open_tallies:
            _count(rules, state, held, day, -1)
