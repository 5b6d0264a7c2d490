"""Changes of a stored history: a late event, a correction, a withdrawal; made by hand, and replayed by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

import custrules as cr
from custrules.events import AnyEvent
from custrules.policy import Decision
from custrules.testing.walks import Walk
from properties.histories import CUSTOMER

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Amend:
    """What is changed: ``kind``, near which of the stored events (by its number, from the first again after the last), moved by some hours."""

    kind: str
    place: int
    hours: int
    amount: str = "50"


def amends(most: int = 3) -> st.SearchStrategy[list[Amend]]:
    kinds = st.sampled_from(("late", "late", "visit", "redeem", "correct", "correct", "move", "withdraw", "again"))
    hours = st.sampled_from((0, 0, 1, 12, 24, 100, 1000, -1, -24, -500))
    one = st.builds(Amend, kinds, st.integers(0, 24), hours, st.sampled_from(("1", "50", "100", "300")))
    return st.lists(one, min_size=1, max_size=most)


def taken_up(amend: Amend, walk: Walk) -> dict[str, Any] | None:
    """What ``restate`` is asked for; None where the history has nothing of the kind."""
    if not walk.stored:
        return None
    near = walk.stored[amend.place % len(walk.stored)]
    at = near.occurred_at + amend.hours * HOUR
    fresh: dict[str, Any] = {"id": f"late{len(walk.stored)}-{amend.place}-{amend.hours}", "customer_id": CUSTOMER, "occurred_at": at}
    if any(event.id == fresh["id"] for event in walk.stored):
        return None
    if amend.kind in ("late", "visit", "redeem"):
        own: dict[str, dict[str, Any]] = {
            "late": {"type": "purchase", "amount": amend.amount},
            "visit": {"type": "visit"},
            "redeem": {"type": "redemption", "points": 5},
        }
        return {"event": walk.program.event(fresh | own[amend.kind])}
    if amend.kind == "correct":
        return {"event": walk.program.event({**fresh, "type": "purchase", "amount": amend.amount, "id": near.id, "occurred_at": near.occurred_at})}
    if amend.kind == "move" and isinstance(near, cr.Hold):
        return None  # it would have to run out later too
    if amend.kind == "move":
        return {"event": near.model_copy(update={"occurred_at": at, "decided_at": None})}
    return {"withdraw": near.id} if amend.kind == "withdraw" else {"event": near.model_copy(update={"recorded_at": at})}


def changed_by_hand(history: list[AnyEvent], answer: cr.Restatement, withdraw: str | None) -> list[AnyEvent]:
    """The history with the event that the answer gives back: in the place of an old one that happened then, else sorted in by its stamp."""
    if answer.event is None:
        return [event for event in history if event.id != withdraw]
    old = next((event for event in history if event.id == answer.event.id), None)
    if old is not None and old.occurred_at == answer.event.occurred_at:
        assert answer.event.decided_at == old.decided_at
        return [answer.event if event is old else event for event in history]
    assert answer.event.decided_at == answer.event.occurred_at
    rest = [event for event in history if event is not old]
    return sorted([*rest, answer.event], key=lambda event: event.decided_at or event.occurred_at)


@dataclass
class Replay:
    """A history stepped from nothing: the state, the verdicts, and the decisions by event and policy."""

    state: cr.State = field(default_factory=lambda: cr.State.new(CUSTOMER))
    verdicts: dict[str, str] = field(default_factory=dict)
    decisions: dict[tuple[str, str], Decision] = field(default_factory=dict)

    def took(self, step: cr.Step) -> None:
        if step.event is not None:
            self.verdicts[step.event.id] = step.verdict
        if step.accepted:
            self.state = step.state
            self.decisions |= {(decision.event_id, decision.policy_id): decision for decision in step.decisions}


def replayed_with_verdicts(program: cr.Program, history: list[AnyEvent], until: datetime | None) -> Replay:
    replay = Replay()
    for event in history:
        replay.took(program.step(replay.state, event))
    if until is not None:
        replay.took(program.advance(replay.state, until))
    return replay


def without_contacts(state: cr.State) -> dict[str, Any]:
    return {name: value for name, value in cr.State.from_json(state.to_json()).to_data().items() if name != "touchpoints"}
