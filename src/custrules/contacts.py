"""What becomes of touchpoints: an ask takes its cycle until a Contact says that it was not sent."""

from __future__ import annotations

from collections.abc import Collection
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


def contacted(state: State, event: Contact, day: date, keepers: Collection[str]) -> None:
    """Write down what a contact says of the touchpoint that it answers: caps count it on the day and channel on which it was made.

    One that names a cycle which nobody has asked about takes it: it was made ahead, as a plan foretold it. One of the host's own accord answers
    none; caps count it where it says that it greets or sells. ``keepers`` are the policies whose asks are let go of in time.
    """
    key = answered(state, event, day)
    if key is not None and key in state.touchpoints:
        state.touchpoints[key] = state.touchpoints[key].answered(event, day)
    elif event.trigger in keepers and key is not None and event.counts:
        state.touchpoints[key] = TouchpointAsked.foretold(event, day)
    elif key is None and OWN in keepers and event.counts and event.purpose in ("greeting", "marketing"):
        state.touchpoints[f"{OWN}:{event.id}"] = TouchpointAsked.made(event, day)


def answered(state: State, event: Contact, day: date) -> str | None:
    """The key of the touchpoint that a contact answers: of its trigger and cycle; without a cycle, the first that waits on that day, else the
    last whose last day has passed without a word."""
    if event.trigger is None:
        return None
    if event.cycle is not None:
        return f"{event.trigger}:{event.cycle}"
    asked_for = [
        (asked.day, key, asked.reads(day)) for key, asked in state.touchpoints.items() if asked.policy_id == event.trigger and asked.day <= day
    ]
    waiting = [(since, key) for since, key, reads in asked_for if reads == "asked"]
    expired = [(since, key) for since, key, reads in asked_for if reads == "expired"]
    return min(waiting)[1] if waiting else max(expired, default=(day, None))[1]
