"""What a customer may do next, as a choice without numbers (a Move), and the event that it comes to as the customer stands.

Moves are what generated histories are made of: all of a move's choices are small numbers, of which nought is the simplest, so
that a history shrinks move by move and choice by choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from custrules import kernel
from custrules.calendars import start_of_day
from custrules.counting import AttributeKind
from custrules.errors import CustrulesError
from custrules.events import AnyEvent
from custrules.program import Program
from custrules.testing.feedback_moves import FEEDBACK_MAKERS, FEEDBACK_WEIGHTS, HEARD, heard_in
from custrules.testing.marks import boundaries_after
from custrules.testing.order_moves import purchase, returned
from custrules.testing.points_moves import (
    adjustment,
    benefits,
    capture,
    closure,
    hold,
    ladders,
    merge,
    opening,
    redemption,
    redemption_cancelled,
    tier_grant,
    transfer,
    void,
)
from custrules.testing.refund_moves import REFUND_MAKERS, refunds
from custrules.testing.value_moves import card_update, chargeback, stores, top_up, visit
from custrules.testing.writing import MICROSECOND, Data, Maker, Picks, Writing

Gap = int | Literal["due", "before_due", "after_due", "boundary"]
# Days until the next event, or up to what the program waits for next.
GAPS: tuple[Gap, ...] = (*(0,) * 10, *(1,) * 6, 2, 2, 3, 6, 7, 8, 8, 14, 29, 30, 31, 61, 92, 183, 366, "due", "before_due", "after_due", "boundary")
CLOCKS: tuple[str | None, ...] = (None, None, "00:00:01", "09:00", "12:00", "23:59:59.999999", "+1us", "+0us")
LATE = (0, 0, 0, 0, 0, 0, 1, 12, 24, 36, 71, 96)  # hours by which an event comes after it happened
MOST_PICKED = 2**24 - 1
PICKS = 4
LONGEST_GAP = timedelta(days=800)


class Move(NamedTuple):
    """One thing that a customer does: the kind of event, when it happens after the one before, and numbers that choose the rest."""

    kind: str
    gap: Gap = 0
    clock: str | None = None
    late: int = 0
    picks: tuple[int, ...] = ()


class Writer(Writing):
    """Writes the events of one customer of a program, one move after the other, and steps them to know where the customer stands."""

    now: datetime

    def write(self, move: Move) -> AnyEvent:
        """The event of a move, added to the history."""
        at = self._go(move) - timedelta(hours=move.late if self.events else 0)
        picks = [Picks(number) for number in (*move.picks, *(0,) * PICKS)[:PICKS]]
        data = MAKERS[move.kind](self, picks)
        head = {"id": f"e{len(self.events)}", "customer_id": self.customer_id, "occurred_at": at}
        event = self.program.event(data | head)
        self.events.append(event)
        self.known.append(data | head)
        return event

    def _go(self, move: Move) -> datetime:
        if isinstance(move.gap, int):
            day = self.today + timedelta(days=move.gap if self.events else 0)
            self.now = max(self.now, self._at(day, move.clock))
        elif move.gap == "boundary":
            days = boundaries_after(self.program, self.today)
            self.now = max(self.now, self._at(days[sum(move.picks) % len(days)], move.clock))
        else:
            self.now = max(self.now, self._due() + {"due": 0, "before_due": -1, "after_due": 1}[move.gap] * MICROSECOND)
        return self.now

    def _due(self) -> datetime:
        """When the program next waits for something, unless that is years away."""
        try:
            due = kernel.next_due(self.program.rulebook, self.state)
        except CustrulesError:
            due = None
        return due if due is not None and due - self.now < LONGEST_GAP else self.now

    def _at(self, day: date, clock: str | None) -> datetime:
        zone = self.program.zone
        if clock is None:
            return start_of_day(day, zone)
        if clock.startswith("+"):
            return max(self.now, start_of_day(day, zone)) + int(clock[1]) * MICROSECOND
        return datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=zone).astimezone(UTC)


def _profile_update(writer: Writing, picks: list[Picks]) -> Data:
    profile = writer.program.rulebook.parts.profile
    name = picks[0].one(tuple(profile))
    known = profile[name].values or (*writer.marks.words.get(name, ()), *_values(writer, profile[name].kind, picks[1])) or ("some",)
    value = picks[0].one(known) if not picks[0].yes(5) else None
    return {"type": "profile_update", "profile": {name: value}}


def _values(writer: Writing, kind: AttributeKind, picks: Picks) -> tuple[Any, ...]:
    """Values of a declared kind; none for text, which may be a closed set."""
    if kind == "money":
        return (writer.shown(writer.amount(picks)),)
    if kind in ("number", "whole"):
        return (picks.one((1, 10, 15, 30, *map(int, writer.marks.numbers))),)
    if kind == "date":
        today = writer.today
        return (date(1980, 2, 29), date(1990, today.month, min(today.day, 28)), date(1975, 12, 31), today)
    return (True, False) if kind == "flag" else ()


def _activity(writer: Writing, picks: list[Picks]) -> Data:
    activities = writer.program.rulebook.parts.declared.activities
    name, declared = picks[0].one(tuple(activities.items()))
    data: Data = {"type": "activity", "name": name}
    if declared.unit is not None:
        data["quantity"] = picks[0].one((1, 10, *map(int, writer.marks.numbers)))
    attributes = {key: _attribute(writer, key, kind, picks[1 + place % 3]) for place, (key, kind) in enumerate(declared.attributes.items())}
    return data | {"attributes": attributes}


def _reading(writer: Writing, picks: list[Picks]) -> Data:
    name, kind = picks[0].one(tuple(writer.program.rulebook.parts.declared.readings.items()))
    return {"type": "reading", "name": name, "value": picks[0].one(_values(writer, kind, picks[1]))}


def _attribute(writer: Writing, name: str, kind: AttributeKind, picks: Picks) -> Any:
    """A value of its kind; a text may name a purchase."""
    bought = [event["id"] for event in writer.known if event["type"] == "purchase"]
    return picks.one(_values(writer, kind, picks) or (*writer.marks.words.get(name, ()), *bought[:-4:-1], "here", "there"))


def _consent(writer: Writing, picks: list[Picks]) -> Data:
    return {"type": "consent_update", "consent": {picks[0].one(("sms", "email")): picks[0].one(("marketing", "none"))}}


def _plain(kind: str, **fields: Any) -> Maker:
    return lambda writer, picks: {"type": kind, **fields}


MAKERS: Mapping[str, Maker] = {
    "visit": visit,
    "purchase": purchase,
    "return": returned,
    "redemption": redemption,
    "redemption_cancelled": redemption_cancelled,
    "hold": hold,
    "capture": capture,
    "void": void,
    "adjustment": adjustment,
    "transfer": transfer,
    "opening": opening,
    "merge": merge,
    "closure": closure,
    "tier_grant": tier_grant,
    "profile_update": _profile_update,
    "activity": _activity,
    "reading": _reading,
    "referral": _plain("referral", friend="f-1"),
    "consent_update": _consent,
    "enrolment": _plain("enrolment"),
    "top_up": top_up,
    "chargeback": chargeback,
    **REFUND_MAKERS,
    **FEEDBACK_MAKERS,
    "card_update": card_update,
}
WEIGHTS = FEEDBACK_WEIGHTS | {"purchase": 7, "return": 4, "redemption": 2, "adjustment": 2, "activity": 2, "visit": 2, "top_up": 3}


def kinds_for(program: Program) -> tuple[str, ...]:
    """The kinds of events that a program can read, the frequent ones several times."""
    rules = program.rulebook
    of_points = {"hold", "capture", "void", "adjustment", "transfer", "opening"}
    without = set() if rules.accounts else of_points - ({"hold", "capture", "void", "adjustment"} if stores(program, "amount", "visits") else set())
    without -= {"transfer"} if stores(program, "amount") else set()
    without |= set() if stores(program) else {"top_up", "chargeback", "card_update"}
    without |= set() if refunds(program) else set(REFUND_MAKERS)
    without |= set() if rules.accounts or benefits(program) else {"redemption", "redemption_cancelled"}
    without |= set() if ladders(program) else {"tier_grant"}
    without |= set() if rules.parts.profile else {"profile_update"}
    without |= set() if rules.parts.declared.activities else {"activity"}
    without |= set() if rules.parts.declared.readings else {"reading"}
    without |= set(HEARD) - heard_in(program)
    return tuple(kind for kind in MAKERS if kind not in without for _ in range(WEIGHTS.get(kind, 1)))
