"""Policies out of plain functions, and programs of them, for tests of the step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import custrules as cr
from custrules.events import AnyEvent
from custrules.policy import Phase, Posting, reason

Decide = Callable[[cr.Policy, AnyEvent, cr.View], Any]
Due = Callable[[cr.View], Any]
CUSTOMER = "c-1"


def says(policy: cr.Policy, event: AnyEvent, *effects: Any) -> cr.Decision:
    return policy.applied(event, [reason("toy.said.so", policy=policy.id)], effects)


def declines(policy: cr.Policy, event: AnyEvent) -> cr.Decision:
    return policy.declined(event, [reason("toy.said.no", policy=policy.id)])


def silent(policy: cr.Policy, event: AnyEvent, view: cr.View) -> None:
    return None


def toy(
    policy_id: str,
    decide: Decide = silent,
    *,
    due: Due | None = None,
    phase: Phase = "earn",
    hears: tuple[str, ...] | None = None,
    serves: tuple[str, ...] = (),
    writes: tuple[str, ...] = (),
    **fields: Any,
) -> cr.Policy:
    """A policy that does what the functions say."""
    told = (decide, due, phase, hears, serves, writes)

    class Scripted(cr.Policy):
        kind: ClassVar[str] = f"toy.{policy_id}"
        phase: ClassVar[Phase] = told[2]
        hears: ClassVar[tuple[str, ...] | None] = told[3]
        serves: ClassVar[tuple[str, ...]] = told[4]

        def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
            answer: cr.Decision | None = told[0](self, event, view)
            return answer

        def due(self, view: cr.View, /) -> date | datetime | None:
            answer: date | datetime | None = told[1](view) if told[1] is not None else None
            return answer

        def writes(self) -> tuple[str, ...]:
            return told[5]

    return Scripted(id=policy_id, **fields)


def heard(name: str = "ear", **more: Any) -> cr.Policy:
    """A policy that answers to every event that is not time."""
    return toy(name, lambda policy, event, view: None if event.type in ("new_day", "tick") else says(policy, event), **more)


POINTS: dict[str, Any] = {"id": "points", "kind": "points.account", "expiry": "12 months"}
EARN: dict[str, Any] = {"id": "earn", "kind": "points.accrual", "points_per_unit": 1}
PAY: dict[str, Any] = {"id": "pay", "kind": "points.redemption", "value": {"points": 10, "money": "1.00"}}
LADDER: dict[str, Any] = {
    "id": "tier",
    "kind": "tiers.ladder",
    "levels": [{"name": "member"}, {"name": "silver", "enter": {"spend": ">= 100"}}],
    "term": "12 months",
    "downgrade": "one_level",
}


def program(*policies: Any, zone: str = "UTC", **sections: Any) -> cr.Program:
    sections.setdefault("measures", {"spend": {"sum": "spend", "window": "12 months"}, "orders": {"count": "purchase", "window": "12 months"}})
    return cr.Program(id="toys", zone=zone, currency="CNY", policies=list(policies), **sections)


def at(text: str) -> datetime:
    """An instant in UTC: a day alone is noon."""
    return datetime.fromisoformat(text if "T" in text else f"{text}T12:00").replace(tzinfo=UTC)


def stepped(rules: cr.Program, state: cr.State, kind: str, when: str, event_id: str, **fields: Any) -> cr.Step:
    data = {"type": kind, "id": event_id, "customer_id": CUSTOMER, "occurred_at": at(when), **fields}
    return rules.step(state, rules.event(data))


def lived(rules: cr.Program, *events: tuple[str, str, str, dict[str, Any]]) -> cr.State:
    """The state after events, each of which is accepted: (type, when, id, fields)."""
    state = cr.State.new(CUSTOMER)
    for kind, when, event_id, fields in events:
        step = stepped(rules, state, kind, when, event_id, **fields)
        assert step.accepted, step.refusal
        state = step.state
    return state


def signed(step: cr.Step) -> list[tuple[str, str]]:
    """Who answered, and to what."""
    return [(decision.policy_id, decision.event_id) for decision in step.decisions]


def postings(step: cr.Step) -> list[tuple[str, str, int]]:
    return [(effect.source, effect.target, effect.units) for effect in step.effects if isinstance(effect, Posting)]
