"""Top-ups as they stand: what was paid and given, what has been consumed of it, what is left. Refunds are reckoned from these."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from custrules.deposits import Deposit
from custrules.ledger import GRANTED, PAID
from custrules.orders import Order
from custrules.policy import View


class TopUpHistory(NamedTuple):
    """One top-up as it stands now; amounts in smallest units of the currency, counts in visits.

    ``paid`` (A) is the money paid in, refunds and disputes not subtracted; ``granted`` (G) the face of the bonus, or the visits given;
    ``counted`` what was paid for (the money, the visits; a period: 0). ``face`` (f) is what was consumed of the pair, ``listed`` (L) the
    same at list price, in money. ``principal``, ``bonus`` and ``held`` (of which ``held_bonus``) are what is left of it, ``bonus_expired``
    what lapsed. ``refunded`` is what refunds have taken out before fees and interest, ``disputed`` what was charged back, ``surrendered``
    the bonus that was given up with either. A period has admitted so many ``visits``, the last on the day ``visited``.
    """

    id: str
    account: str
    day: date
    form: str
    paid: int
    granted: int
    counted: int
    face: int
    listed: int
    principal: int
    bonus: int
    held: int
    bonus_expired: int
    list_price: int | None
    starts: date | None
    ends: date | None
    tenders: tuple[tuple[str, int, str | None], ...]
    gifts: tuple[tuple[str, int], ...]
    refunded: int
    disputed: int
    surrendered: int
    at: datetime | None = None
    held_bonus: int = 0
    visits: int = 0
    visited: date | None = None


def histories(view: View, account: str) -> tuple[TopUpHistory, ...]:
    """The top-ups of an account that are remembered, in the order of payment."""
    keeper = view.account(account)
    name = keeper.id if keeper is not None else account
    orders = (view.state.order(order_id) for order_id in view.state.top_ups)
    found = [(order, order.deposit) for order in orders if order is not None and order.deposit is not None and order.deposit.account == name]
    found.sort(key=lambda pair: (pair[0].day, pair[0].occurred_at, pair[0].id))
    left = _left(view, name) if found else {}
    return tuple(_history(order, deposit, left.get(order.id, {})) for order, deposit in found)


def _history(order: Order, deposit: Deposit, left: dict[str, int]) -> TopUpHistory:
    amount = deposit.form == "amount"
    return TopUpHistory(
        id=order.id,
        account=deposit.account,
        day=order.day,
        form=deposit.form,
        paid=deposit.paid if amount else deposit.money,
        granted=deposit.granted,
        counted=deposit.paid,
        face=deposit.face,
        listed=deposit.listed if amount else deposit.face * (deposit.list_price or 0),
        principal=left.get("principal", 0),
        bonus=left.get("bonus", 0),
        held=left.get(PAID, 0) + left.get(GRANTED, 0),
        bonus_expired=deposit.expired,
        list_price=deposit.list_price,
        starts=deposit.starts,
        ends=deposit.ends,
        tenders=tuple((tender.type, tender.amount, tender.reference) for tender in order.tenders),
        gifts=(*deposit.gifts, *((name, count * value) for name, count, value in deposit.coupons)),
        refunded=deposit.refunded,
        disputed=deposit.disputed,
        surrendered=deposit.surrendered,
        at=order.occurred_at,
        held_bonus=left.get(GRANTED, 0),
        visits=deposit.visits,
        visited=deposit.visited,
    )


def _left(view: View, account: str) -> dict[str, dict[str, int]]:
    """What is left of each top-up: in principal, in the bonus as far as it can be spent, and held, by what it was."""
    found: dict[str, dict[str, int]] = {}
    for place, origin, quantity in _parts(view, account):
        parts = found.setdefault(origin, {})
        parts[place] = parts.get(place, 0) + quantity
    return found


def _parts(view: View, account: str) -> Iterator[tuple[str, str, int]]:
    accounts = view.state.ledger.accounts
    if f"{account}.held" not in accounts:
        return
    for bucket in ("principal", "bonus"):
        for lot, quantity in accounts[f"{account}.{bucket}"].spendable(view.settled):
            yield bucket, lot.origin, quantity
    for lot, quantity in accounts[f"{account}.held"]:
        yield lot.source, lot.origin, quantity
