"""A request as it stands: what was asked, what it came to, and who has to answer. It is kept as the data of a status, flat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from custrules.event_fields import Scalar
from custrules.events import RefundRequest
from custrules.fields import Frozen
from custrules.money import Money
from custrules.policy import Status, View

REQUESTED, INCOMPLETE, APPROVED = "requested", "incomplete", "approved"
REJECTED, PAID_OUT, CANCELLED = "rejected", "paid", "cancelled"
OPEN = (REQUESTED, INCOMPLETE, APPROVED)


class Request(NamedTuple):
    """A request. ``amount`` is what was asked in part, in smallest units, or ``visits``; ``refund`` what the quote came to, interest aside."""

    id: str
    value: str
    cause: str
    account: str
    asked: date
    of: str | None = None
    amount: int | None = None
    visits: int | None = None
    stopped: date | None = None
    rescinded: date | None = None
    absent: int = 0
    experienced: bool = False
    documents: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    by: str | None = None
    missing: tuple[str, ...] = ()
    refund: int = 0
    gross: int = 0
    holds_until: date | None = None
    pay_by: date | None = None
    unknown: bool = False
    approver: str | None = None
    approved_by: str | None = None
    frozen: bool = False
    overdue: date | None = None
    since: date | None = None

    @property
    def open(self) -> bool:
        return self.value in OPEN

    def status(self, name: str, view: View, until: date | None = None) -> Status:
        """The status that keeps it, ``until`` a day where it outlives its order."""
        data: dict[str, Scalar] = {}
        for field in _FIELDS:
            value = getattr(self, field)
            if value in (None, (), False) or (value == 0 and field == "absent"):
                continue
            if field in _MONEY:
                data[field] = str(Money.from_minor(value, view.currency))
            else:
                data[field] = _JOINED[field].join(value) if field in _JOINED else value.isoformat() if isinstance(value, date) else value
        if self.unknown:
            data["pay_by"] = "unknown"
        return Status(name, self.value, self.since or self.asked, until, self.id, Frozen(data))


_MONEY = ("amount", "refund", "gross")
_FIELDS = tuple(name for name in Request._fields if name not in ("id", "value", "since", "unknown"))
_DAYS = ("asked", "stopped", "rescinded", "holds_until", "pay_by", "overdue")
_JOINED = {"documents": ", ", "missing": ", ", "returned": "\n"}  # documents are names; what gifts are called is up to the host


def request_of(view: View, name: str, request_id: str) -> Request | None:
    """The request of an id; None where there is none."""
    held = view.state.statuses.get((name, request_id))
    if held is None or held.value is None:
        return None
    return _read(request_id, str(held.value), held.data)._replace(since=held.since)


def requests_of(view: View, name: str) -> Iterator[Request]:
    """Every request of the customer, by their ids."""
    for status, subject in list(view.state.statuses):
        if status == name and subject:
            found = request_of(view, name, subject)
            if found is not None:
                yield found


def standing_of(view: View, account: str, top_up: str) -> tuple[str, bool] | None:
    """The request that stands for a top-up of an account, and whether what it asks back is frozen; None where there is none."""
    for (_, subject), held in view.state.statuses.items():
        order = view.state.order(subject) if subject and held.data.get("account") == account else None
        if order is not None and order.open_request and held.data.get("of") in (None, top_up):
            return subject, held.data.get("frozen") is True
    return None


def _read(request_id: str, value: str, data: Mapping[str, Scalar]) -> Request:
    found: dict[str, Any] = {}
    for field, text in data.items():
        if field in _MONEY:
            found[field] = Money(str(text)).minor
        elif field in _DAYS:
            found[field] = None if text == "unknown" else date.fromisoformat(str(text))
        elif field in _JOINED:
            found[field] = tuple(str(text).split(_JOINED[field]))
        elif field in _FIELDS:
            found[field] = text
    return Request(request_id, value, unknown=data.get("pay_by") == "unknown", **found)


def asked(event: RefundRequest, account: str, day: date) -> Request:
    """A request as it is first made."""
    return Request(
        event.id,
        REQUESTED,
        event.cause,
        account,
        day,
        of=event.of,
        amount=event.amount.minor if event.amount is not None else None,
        visits=event.visits,
        stopped=event.stopped,
        rescinded=event.rescinded,
        absent=event.absent,
        experienced=event.experienced,
        documents=event.documents,
        returned=event.returned,
        by=event.by,
    )


def added(request: Request, event: RefundRequest) -> Request:
    """A request with what it lacked; an ``amount``, ``visits`` or a day that is told anew takes the place of what was said before."""
    part = (event.amount.minor if event.amount is not None else None, event.visits)
    amount, visits = part if part != (None, None) else (request.amount, request.visits)
    return request._replace(
        amount=amount,
        visits=visits,
        stopped=event.stopped or request.stopped,
        rescinded=event.rescinded or request.rescinded,
        absent=event.absent or request.absent,
        experienced=event.experienced or request.experienced,
        by=event.by or request.by,
        documents=tuple(dict.fromkeys((*request.documents, *event.documents))),
        returned=tuple(dict.fromkeys((*request.returned, *event.returned))),
    )
