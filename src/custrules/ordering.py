"""The order that an event begins: of a purchase, a redemption, a hold, a top-up, or a visit that is used of a card."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from custrules.events import AnyEvent, Hold, Line, Purchase, Redemption, RefundRequest, Tender, TopUp, Visit
from custrules.fields import Frozen
from custrules.money import Money
from custrules.order_lines import LINE_KINDS, OrderLine, OrderTender
from custrules.orders import Order, Record

_ONE = Decimal(1)


def begun(event: AnyEvent, day: date, tallied: tuple[str, ...], records: Mapping[str, Record], *, requalify: bool = False) -> Order | None:
    """The order of an event that moves value; None for other events. ``records`` is filled in while the event is decided.

    The line of a redemption is its reward, which costs no money here. ``requalify``: coupons are lost when their minimum is not kept.
    """
    if isinstance(event, Redemption):
        lines = (OrderLine(event.reward, None, event.quantity, 0, 0),) if event.reward is not None else ()
        return Order(event.id, event.type, day, event.occurred_at, lines, tallied=tallied, records=records)
    if isinstance(event, RefundRequest):
        return Order(event.id, event.type, day, event.occurred_at, tallied=tallied, records=records)
    if isinstance(event, Hold):
        listed = _minor(event.list_amount)
        return Order(event.id, event.type, day, event.occurred_at, list_amount=listed, tallied=tallied, records=records, until=event.until)
    if isinstance(event, TopUp):
        tenders = tuple([_paid(tender, False) for tender in event.tenders])
        return Order(event.id, event.type, day, event.occurred_at, tenders=tenders, tallied=tallied, records=records)
    if isinstance(event, Visit) and event.of is not None:
        lines = (OrderLine(None, None, event.used or _ONE, 0, 0),)
        return Order(event.id, event.type, day, event.occurred_at, lines, tallied=tallied, records=records)
    return order_of(event, day, tallied, records, requalify=requalify) if isinstance(event, Purchase) else None


def order_of(
    event: Purchase, day: date, tallied: tuple[str, ...] = (), records: Mapping[str, Record] = Frozen(), *, requalify: bool = False
) -> Order:
    """The order of a purchase; one that is given only by its amount is one line without sku or category."""
    lines = tuple([_sold(line) for line in event.lines]) or (OrderLine(None, None, _ONE, event.amount.minor, 0),)
    tenders = tuple([_paid(tender, requalify) for tender in event.tenders])
    list_amount = _minor(event.list_amount)
    return Order(event.id, event.type, day, event.occurred_at, lines, tenders, list_amount=list_amount, tallied=tallied, records=records)


def _sold(line: Line) -> OrderLine:
    kinds = tuple([kind for kind in LINE_KINDS if kind in line.tags]) if line.tags else ()
    cost, tax = _minor(line.cost) or 0, _minor(line.tax) or 0
    return OrderLine(line.sku, line.category, line.quantity, line.amount.minor, cost, list_amount=_minor(line.list_amount), tax=tax, tags=kinds)


def _paid(tender: Tender, requalify: bool) -> OrderTender:
    return OrderTender(tender.type, tender.amount.minor, tender.quantity, tender.reference, _minor(tender.minimum) if requalify else None)


def _minor(amount: Money | None) -> int | None:
    return amount.minor if amount is not None else None
