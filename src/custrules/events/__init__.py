"""What happens to a customer: frozen models with a discriminator ``type``. The set of kinds is closed.

Amounts are Money; in data a bare "12.50" takes the program's currency when it is read with ``program.event``.
Instants are aware and kept in UTC. Quantities are exact decimals. A host's own doings are an ``Activity``.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from custrules.errors import Diagnostic, EventError
from custrules.events.base import Event, stamped
from custrules.events.cards import CardUpdate
from custrules.events.customers import (
    Activity,
    Attendance,
    Closure,
    ConsentUpdate,
    Enrolment,
    Merge,
    Opening,
    ProfileUpdate,
    Reading,
    Referral,
    TierGrant,
    Visit,
)
from custrules.events.feedback import Complaint, ComplaintUpdate, Contact, SurveyResponse
from custrules.events.orders import MAX_LINES, Chargeback, Gift, Line, Purchase, Return, ReturnLine, Tender, TopUp, moneys_in, total_of
from custrules.events.passing import NewDay, Tick, new_day, tick
from custrules.events.points import Adjustment, Capture, Hold, Redemption, RedemptionCancelled, Transfer, Void
from custrules.events.refunds import RefundDecision, RefundPaid, RefundRequest
from custrules.validation import diagnostics_of, nearest

AnyEvent = (
    Enrolment
    | ProfileUpdate
    | ConsentUpdate
    | Purchase
    | Return
    | TopUp
    | Chargeback
    | RefundRequest
    | RefundDecision
    | RefundPaid
    | CardUpdate
    | Redemption
    | RedemptionCancelled
    | Hold
    | Capture
    | Void
    | Transfer
    | Referral
    | Visit
    | Attendance
    | SurveyResponse
    | Complaint
    | ComplaintUpdate
    | Contact
    | Activity
    | Reading
    | Adjustment
    | TierGrant
    | Opening
    | Merge
    | Closure
    | NewDay
    | Tick
)
KINDS: dict[str, type[Event]] = {kind.model_fields["type"].default: kind for kind in AnyEvent.__args__}
Time = NewDay | Tick


def read_event(data: object, currency: str | None = None) -> AnyEvent:
    """An event out of plain data; EventError carries every fault with its path."""
    if isinstance(data, Event):
        data = data.model_dump()
    if not isinstance(data, Mapping):
        raise EventError([Diagnostic("event.wrong_type", params={"expected": "a mapping with a type", "found": type(data).__name__})])
    name = data.get("type")
    if name is None:
        raise EventError([Diagnostic("event.missing_field", "", {"field": "type"})])
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        params = {"found": name, "known": ", ".join(sorted(KINDS)), "nearest": nearest(str(name), KINDS)}
        raise EventError([Diagnostic("event.unknown_type", "type", params)])
    try:
        return kind.model_validate(dict(data), context={"currency": currency})  # type: ignore[return-value]  # KINDS holds the union's members
    except ValidationError as error:
        raise EventError(diagnostics_of(error, "event", kind)) from None


__all__ = [
    "KINDS",
    "MAX_LINES",
    "Activity",
    "Adjustment",
    "AnyEvent",
    "Attendance",
    "Capture",
    "CardUpdate",
    "Chargeback",
    "Closure",
    "Complaint",
    "ComplaintUpdate",
    "ConsentUpdate",
    "Contact",
    "Enrolment",
    "Event",
    "Gift",
    "Hold",
    "Line",
    "Merge",
    "NewDay",
    "Opening",
    "ProfileUpdate",
    "Purchase",
    "Reading",
    "Redemption",
    "RedemptionCancelled",
    "Referral",
    "RefundDecision",
    "RefundPaid",
    "RefundRequest",
    "Return",
    "ReturnLine",
    "SurveyResponse",
    "Tender",
    "Tick",
    "TierGrant",
    "Time",
    "TopUp",
    "Transfer",
    "Visit",
    "Void",
    "moneys_in",
    "new_day",
    "read_event",
    "stamped",
    "tick",
    "total_of",
]
