"""What becomes of touchpoints: an ask takes its cycle until a Contact says that it was not sent."""

from __future__ import annotations

from datetime import date

from custrules.decisions import Touchpoint
from custrules.events import Contact
from custrules.fields import Frozen
from custrules.state import State
from custrules.state_parts import OWN, TouchpointAsked


def asked_for(policy_id: str, effect: Touchpoint) -> TouchpointAsked:
    """What a state keeps of a contact that a policy asks for."""
    head = policy_id, effect.cycle, effect.category, effect.channel, effect.day, effect.last_day
    return TouchpointAsked(*head, template=effect.template, task=effect.outcome == "task", data=Frozen(effect.data))


def contacted(state: State, event: Contact, day: date, own: bool = True) -> None:
    """Write down what a contact says of the touchpoint that it answers: caps count it on the day and channel on which it was made.

    One of the host's own accord answers none; where ``own`` ones are kept, and it says that it greets or sells, caps count it too.
    """
    key = answered(state, event, day)
    if key is not None:
        state.touchpoints[key] = state.touchpoints[key].answered(event, day)
    elif own and event.counts and event.purpose in ("greeting", "marketing"):
        state.touchpoints[f"{OWN}:{event.id}"] = TouchpointAsked.made(event, day)


def answered(state: State, event: Contact, day: date) -> str | None:
    """The key of the touchpoint that a contact answers: of its trigger and cycle; without a cycle, the first that waits on that day."""
    if event.trigger is None:
        return None
    if event.cycle is not None:
        key = f"{event.trigger}:{event.cycle}"
        return key if key in state.touchpoints else None
    waiting = [
        (asked.day, key)
        for key, asked in state.touchpoints.items()
        if asked.policy_id == event.trigger and asked.day <= day and asked.reads(day) == "asked"
    ]
    return min(waiting, default=(day, None))[1]
