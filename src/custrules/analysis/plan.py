"""A plan of contacts: its items, each with its reason, as text, as data, and as a calendar file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from custrules.analysis.refusal import refuse
from custrules.codec import canonical
from custrules.decisions import Reason, reason
from custrules.event_fields import Scalar
from custrules.fields import Frozen, describe, instant_text
from custrules.messages import Speaker, render, speak
from custrules.policies.care.arranging import Placed
from custrules.policies.care.ics import CalendarEvent, Foreign, calendar
from custrules.program import aware

NAMESPACE = UUID("6f1d2c1e-6b0e-5d0a-9d1c-8f0a2b7c3e41")


def item_id(program: str, trigger: str, customer_id: str, cycle: str) -> str:
    """The id of a contact: the same in every plan in which it stands, and in the calendar file."""
    return str(uuid5(NAMESPACE, "|".join(part.replace("%", "%25").replace("|", "%7C") for part in (program, trigger, customer_id, cycle))))


@dataclass(frozen=True, slots=True)
class PlanItem:
    """What becomes of one contact on one day.

    ``outcome`` is send, task (a person does it), defer (``until`` a later day, on which it stands again), drop, withhold (the holdout) or
    expired. ``at`` is the instant in UTC at which it goes out, ``deadline`` how long a task may take. ``reasons`` tell why. ``data`` is what
    was asked for with it: which festival, which step, who signs, the template of a belated wish.
    """

    id: str
    customer_id: str
    day: date
    trigger: str
    cycle: str
    outcome: str
    category: str
    purpose: str
    template: str
    channel: str
    at: datetime | None
    until: date | None
    deadline: str
    reasons: tuple[Reason, ...]
    data: Mapping[str, Scalar] = field(default_factory=Frozen)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the reasons, in their order."""
        return tuple(why.code for why in self.reasons)

    def because(self, outcome: str, day: date, why: Reason) -> PlanItem:
        """The same contact with what stops it now."""
        return replace(self, outcome=outcome, day=day, at=None, until=None, reasons=(why,))

    def now(self, outcome: str, day: date, code: str, **params: Any) -> PlanItem:
        return self.because(outcome, day, reason(code, **params))

    def after(self, placed: Placed) -> PlanItem:
        """The same contact with what becomes of it on another day, or at another instant."""
        found = replace(self, outcome=placed.outcome, channel=placed.channel, reasons=placed.reasons)
        return replace(found, day=placed.day, at=placed.at, until=placed.until)

    def to_data(self) -> dict[str, Any]:
        names = ("id", "customer_id", "trigger", "cycle", "outcome", "category", "purpose", "template", "channel", "deadline")
        days = {"day": self.day.isoformat(), "until": self.until.isoformat() if self.until is not None else None}
        at = {"at": instant_text(self.at) if self.at is not None else None}
        return (
            {name: getattr(self, name) for name in names} | days | at | {"reasons": [why.to_data() for why in self.reasons], "data": dict(self.data)}
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The contacts of some customers over the local days from ``start`` to ``end``, by day, customer and priority."""

    program: str
    start: date
    end: date
    items: tuple[PlanItem, ...]

    def __iter__(self) -> Iterator[PlanItem]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def of(self, customer_id: str) -> tuple[PlanItem, ...]:
        """The items of one customer."""
        return tuple(item for item in self.items if item.customer_id == customer_id)

    def to_ics(self, stamp: datetime, *, previous: bytes | str | None = None, alarm: timedelta | None = None, lang: str = "en") -> bytes:
        """The contacts that go out as a calendar file (RFC 5545): care as all-day events, tasks at their time, in UTC.

        ``stamp`` is when the file is written. ``previous`` is the file of an earlier plan: what is as it was keeps its sequence, what has
        changed is told as an update, and what no longer stands in the plan, on one of its days, as cancelled; what comes after them stays.
        ``alarm``: how long before an event a reminder comes; of an all-day one before the midnight with which it begins (15 hours: 09:00 the
        day before).
        EventError for a stamp without a zone; AnalysisError for an alarm after the event, and for a previous file of somebody else's.
        """
        events = [_event(item, alarm, lang) for item in self.items if item.outcome in ("send", "task")]
        return calendar_file(events, stamp, previous, self)

    def to_data(self) -> dict[str, Any]:
        items = [item.to_data() for item in self.items]
        return {"program": self.program, "start": self.start.isoformat(), "end": self.end.isoformat(), "items": items}

    def to_json(self) -> bytes:
        """Canonical JSON."""
        return canonical(self.to_data())


def calendar_file(events: Sequence[CalendarEvent], stamp: datetime, previous: bytes | str | None, plan: Plan | None = None) -> bytes:
    """The file of some events, after a previous one; of a plan its days alone are told anew."""
    at, previous = aware(stamp, "stamp"), previous.encode() if isinstance(previous, str) else previous
    late = next((event.alarm for event in events if event.alarm is not None and event.alarm < timedelta(0)), None)
    if late is not None:
        refuse("analysis.wrong_type", "alarm", expected="a length of time before the event", found=str(late))
    try:
        span = (plan.start, plan.end) if plan is not None else (None, None)
        return calendar(events, at, previous, since=span[0], until=span[1])
    except Foreign:
        refuse("analysis.wrong_type", "previous", expected="the bytes that to_ics gave before", found=describe(previous))


def _event(item: PlanItem, alarm: timedelta | None, lang: str) -> CalendarEvent:
    summary = f"{item.trigger}: {item.customer_id}"
    told = "\n".join([*([item.template] if item.template else []), *(render(why, lang) for why in item.reasons)])
    at = item.at if item.outcome == "task" else None
    return CalendarEvent(item.id, summary, item.day, at, description=told, category=item.category, alarm=alarm)


@speak.register
def _(plan: Plan, speaker: Speaker) -> str:
    lines = [speaker.word("plan_head", {"program": plan.program, "start": plan.start, "end": plan.end})]
    day: date | None = None
    for item in plan.items:
        if item.day != day:
            day = item.day
            lines += ["", speaker.word("plan_day", {"day": day})]
        lines.append("  " + item_text(item, speaker))
    return "\n".join(lines if plan.items else [*lines, speaker.word("plan_empty", {})])


def item_text(item: PlanItem, speaker: Speaker) -> str:
    """One line: who, what, and why."""
    until = speaker.word("plan_until", {"until": item.until}) if item.until is not None else ""
    due = speaker.word("plan_deadline", {"deadline": item.deadline}) if item.deadline and item.outcome == "task" else ""
    outcome = speaker.word(f"plan_{item.outcome}", {})
    told = " ".join(speaker.say(why) for why in item.reasons)
    return speaker.word("plan_item", {"customer": item.customer_id, "trigger": item.trigger, "outcome": outcome + until + due, "reasons": told})
