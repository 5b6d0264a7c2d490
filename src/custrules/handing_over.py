"""A whole card goes to another customer: what is left of it with its lots, and its top-ups with what was consumed of them.

The claim moves as it is (法释〔2025〕4号, art. 11), so that a refund comes to the same on the other side. What stays behind of a top-up is what was
consumed of it: a return of a purchase that it paid for has somewhere to go, and no more can be asked back than that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from custrules.codec import canonical
from custrules.decisions import Reason, reason
from custrules.deposits import Deposit
from custrules.errors import EventError
from custrules.fields import Frozen, frozen
from custrules.lots import GRANTED, PAID, Lot, LotPart, whole
from custrules.orders import Order
from custrules.state import State


class Card(NamedTuple):
    """A card on its way: its top-ups, and what is left of them."""

    orders: tuple[Order, ...]
    paid: tuple[LotPart, ...]
    granted: tuple[LotPart, ...]


def packed_card(state: State, account: str, paid: Sequence[LotPart], granted: Sequence[LotPart]) -> Frozen:
    """What the receiver is told of a card."""
    orders = {order.id: replace(order, records={}).to_data() for order in _of(state, account)}
    content = frozen({"orders": orders, "paid": [part.to_row() for part in paid], "granted": [part.to_row() for part in granted]})
    assert isinstance(content, Frozen)
    return content


def unpacked_card(brought: Mapping[str, Any]) -> Card:
    """The card that a transfer brings. ValueError where it is none."""
    try:
        card = json.loads(canonical(brought))
        orders = tuple([Order.from_data(order_id, row) for order_id, row in card["orders"].items()])
        paid, granted = (tuple([LotPart(Lot.from_row(row[:-1]), whole(row[-1])) for row in card[name]]) for name in ("paid", "granted"))
    except (KeyError, TypeError, AttributeError, IndexError, EventError) as error:
        raise ValueError("no card") from error
    if any(order.deposit is None or order.deposit.form != "amount" for order in orders):
        raise ValueError("a top-up without what it was")
    for parts, source in ((paid, PAID), (granted, GRANTED)):
        if any(lot.source != source or quantity <= 0 for lot, quantity in parts):
            raise ValueError(f"lots that are not {source}")
    return Card(orders, paid, granted)


def wrong_card(brought: Mapping[str, Any], currency: str) -> str | None:
    """Why what a transfer brings is no card of money in a currency; None: it is one."""
    try:
        card = unpacked_card(brought)
    except ValueError as error:
        return str(error)
    return None if all(part.lot.unit == currency for part in (*card.paid, *card.granted)) else "lots of another currency"


def put_card(state: State, account: str, brought: Mapping[str, Any]) -> Reason | None:
    """Put the top-ups of a card that is received into the state, before its lots are moved in; a reason where one of the same id is there
    that is not what stayed behind of it."""
    for order in unpacked_card(brought).orders:
        assert order.deposit is not None
        known = state.order(order.id)
        deposit = replace(order.deposit, account=account)
        if known is not None:
            if known.deposit is None or known.deposit.money or known.occurred_at != order.occurred_at:
                return reason("event.transfer_meets", id=order.id)
            deposit = _again(deposit, known.deposit)  # it comes back: with it what was given back here meanwhile
        state.put_order(replace(order, deposit=deposit))
    return None


def _again(brought: Deposit, left: Deposit) -> Deposit:
    back = min(max(left.paid + left.granted - left.face, 0), brought.face)
    listed = brought.listed - brought.listed * back // brought.face if brought.face else brought.listed
    return replace(brought, face=brought.face - back, listed=listed)


def keep_remainders(state: State, account: str) -> None:
    """What stays behind of the top-ups of a card that was sent: what was consumed of them, at what it cost by its share of what was paid."""
    for order in _of(state, account):
        deposit = order.deposit
        assert deposit is not None
        put_in = deposit.paid + deposit.granted
        paid = deposit.paid * deposit.face // put_in if put_in else 0
        kept = Deposit(account, deposit.form, 0, paid, deposit.face - paid, deposit.face, deposit.listed, priority=deposit.priority)
        state.change_order(order, deposit=replace(kept, touched=deposit.touched, active=deposit.active))


def _of(state: State, account: str) -> list[Order]:
    orders = (state.order(order_id) for order_id in state.top_ups)
    return [order for order in orders if order is not None and order.deposit is not None and order.deposit.account == account]
