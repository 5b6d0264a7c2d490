"""What the kernel keeps of top-ups: what is consumed of each, at its price and at list price, and for how long it is remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from custrules.baskets import OrderFault
from custrules.calendars import start_of_day
from custrules.decisions import Decision
from custrules.deposits import Deposit
from custrules.event_parts import OpenedBalance, OpenedTopUp
from custrules.events import Adjustment, Chargeback, Opening
from custrules.ledger import GRANTED, PAID, SPENT, WORLD, Move
from custrules.money import Rounding, rounded, split, to_units
from custrules.order_lines import listed_at
from custrules.orders import Order, Record
from custrules.returns import Part, ReturnsRule
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.stores import Store


def note_top_up(state: State, move: Move, day: date) -> None:
    """Write a move of lots into the top-ups that they came of."""
    for order_id in dict.fromkeys(part.lot.origin for part in move.parts):
        order = state.order(order_id) if order_id in state.top_ups else None
        if order is not None and order.deposit is not None:
            _put(state, order, order.deposit.after(move, order_id, day))


def _put(state: State, order: Order, deposit: Deposit) -> None:
    if deposit is not order.deposit:
        state.change_order(order, deposit=deposit)


def deposited(order: Order, terms: Deposit | None, decision: Decision, day: date) -> Order:
    """The order of a top-up once a policy has answered it: on which terms, and with what was put in."""
    if terms is None:
        return order
    for move in decision.moves:
        terms = terms.after(move, order.id, day)
    return replace(order, deposit=terms)


def disputed(state: State, returns: ReturnsRule, event: Chargeback, day: date) -> Part:
    """The top-up that a bank disputes; OrderFault where it is unknown, or where less is left to dispute (or to decide)."""
    order = state.order(event.of)
    if order is None or order.deposit is None or order.occurred_at > event.occurred_at or over(returns, state, order, day):
        raise OrderFault("event.unknown_order", of=event.of)
    deposit = order.deposit
    left = deposit.money - deposit.refunded - deposit.disputed if event.dispute == "opened" else deposit.contested
    left = max(left, 0)  # a refund of bonus in money goes beyond what was paid
    asked = event.amount.minor if event.amount is not None else left
    if asked > left or not left:
        raise OrderFault("event.exceeds_order", of=order.id, asked=asked, left=left)
    return Part(order, replace(order, deposit=replace(deposit, contested=deposit.contested - asked)) if event.dispute == "lost" else order)


# -- brought from elsewhere --------------------------------------------------------------------------------------------


def put_brought(rules: Rulebook, state: State, event: Opening | Adjustment, day: date) -> None:
    """Put the orders of top-ups that an opening brings into the state, and one of what is given by hand: what is left is moved in then."""
    if isinstance(event, Adjustment):
        head, _, bucket = event.account.partition(".")
        store = rules.stores.get(rules.resolve(head))
        if store is not None and event.quantity > 0:
            units = to_units(event.quantity, store.scale, "the account")
            money = units if bucket == "principal" and store.form == "amount" else 0
            state.put_order(Order(event.id, "top_up", day, event.occurred_at, deposit=Deposit(store.name, store.form, money, touched=day)))
        return
    for name, balance in event.balances.items():
        store = rules.stores.get(rules.resolve(name))
        for order in _opened(rules, store, event, balance, day) if store is not None else ():
            state.put_order(order)


def _opened(rules: Rulebook, store: Store, event: Opening, balance: OpenedBalance, day: date) -> Iterator[Order]:
    for row in balance.top_ups:
        at = start_of_day(row.day, rules.zone)
        yield Order(row.id, "top_up", row.day, min(at, event.occurred_at), deposit=_brought(rules, store, row, day))
    if balance.lots:
        paid = sum((lot.quantity for lot in balance.lots if lot.source != GRANTED), Decimal(0)) if store.form == "amount" else Decimal(0)
        deposit = Deposit(store.name, store.form, to_units(paid, rules.scale, "the currency"), touched=day)
        yield Order(event.id, "top_up", day, event.occurred_at, deposit=deposit)


def _brought(rules: Rulebook, store: Store, row: OpenedTopUp, day: date) -> Deposit:
    """A top-up without what is left of it, which is counted when it is moved in."""
    numbers = (row.paid if row.counted is None else row.counted, row.given, row.principal, row.bonus)
    paid, given, principal, bonus = (to_units(number, store.scale, "the account") for number in numbers)
    paid = paid if store.form != "period" else 0
    face = paid + given - principal - bonus
    listed = to_units(row.listed, rules.scale, "the currency") if row.listed is not None and store.form == "amount" else face
    price = to_units(row.list_price, rules.scale, "the currency") if row.list_price is not None else None
    money = to_units(row.paid, rules.scale, "the currency")
    keeper = rules.keeper(store.name, row.starts) if row.starts is not None else None
    ends = keeper.period_end(row.starts) if keeper is not None and row.starts is not None else None
    terms = Deposit(store.name, store.form, money, paid - principal, given - bonus, face, listed, list_price=price, starts=row.starts, ends=ends)
    return replace(terms, touched=day)


# -- list prices -------------------------------------------------------------------------------------------------------


def relist(state: State, before: Order | None, after: Order) -> None:
    """Bring what top-ups have consumed at list price from what an order came to before to what it comes to now."""
    was = _discounts(before) if before is not None else {}
    now = _discounts(after)
    for order_id in {**was, **now}:
        order = state.order(order_id) if order_id in state.top_ups else None
        change = now.get(order_id, 0) - was.get(order_id, 0)
        if order is not None and order.deposit is not None and change:
            state.change_order(order, deposit=order.deposit.discounted(change))


def _discounts(order: Order) -> Mapping[str, int]:
    """By how much what is kept of an order costs more at list price than what stored value paid for it, shared over its top-ups by face."""
    if order.list_amount is None and all(line.list_amount is None for line in order.lines):
        return {}
    faces: dict[str, int] = {}
    for record in order.records.values():
        for top_up, quantity in _faces(record):
            faces[top_up] = faces.get(top_up, 0) + quantity
    face, paid = sum(faces.values()), _held(order) if order.type == "hold" else order.left
    if not face or not paid:
        return {}
    dearer = rounded(_listed(order) * face / paid, Rounding.half_up) - face
    shares = split(abs(dearer), list(faces.values()))
    return dict(zip(faces, shares if dearer > 0 else [-share for share in shares], strict=True))


def _listed(order: Order) -> Fraction:
    """What is kept of an order at list price; of what was captured of a hold, all that was held."""
    if order.type == "hold":
        return Fraction(order.list_amount or 0)
    rows = zip(order.lines, order.kept(), strict=True)
    listed = ((listed_at(line, order.amount, order.list_amount, len(order.lines)), line.share_kept(kept)) for line, kept in rows)
    return sum((price * share for price, share in listed), Fraction(0))


def _faces(record: Record) -> Iterator[tuple[str, int]]:
    """What was consumed of each top-up, less what came back."""
    for move in record.moves:
        sign = (move.target == SPENT) - (move.source == SPENT)
        if sign:
            yield from ((part.lot.origin, sign * part.quantity) for part in move.parts if part.lot.source in (PAID, GRANTED))


def _held(order: Order) -> int:
    moves = (move for record in order.records.values() for move in record.moves)
    return sum(move.quantity for move in moves if move.target.endswith(".held") and not move.source.startswith(WORLD))


# -- visits of a period ------------------------------------------------------------------------------------------------


def admitted(state: State, order: Order, top_up: str | None) -> Order:
    """The order of a visit, which notes the top-up whose period admitted it; and the top-up, when it last did."""
    paid = state.order(top_up) if top_up is not None else None
    if paid is None or paid.deposit is None:
        return order
    deposit = paid.deposit
    last = max(day for day in (order.day, deposit.visited) if day is not None)
    state.change_order(paid, deposit=replace(deposit, visits=deposit.visits + 1, visited=last))
    return replace(order, lines=tuple([line._replace(sku=paid.id) for line in order.lines]))


def unvisited(state: State, visit: Order) -> None:
    """A visit that is cancelled was none: the top-up was last used on the day of the last one that is left."""
    top_up = visit.lines[0].sku if visit.type == "visit" and visit.lines else None
    paid = state.order(top_up) if top_up is not None else None
    if paid is None or paid.deposit is None:
        return
    others = (order for order in state.orders.values() if order.type == "visit" and not order.done and order.lines[0].sku == top_up)
    last = max((order.day for order in others if order.id != visit.id), default=None)
    state.change_order(paid, deposit=replace(paid.deposit, visits=max(paid.deposit.visits - 1, 0), visited=last))


# -- remembering -------------------------------------------------------------------------------------------------------


def over(returns: ReturnsRule, state: State, order: Order, day: date) -> bool:
    """Whether a top-up is remembered no more: its window has closed, nothing of it is left, and what it paid for cannot come back."""
    deposit = order.deposit
    if deposit is None or returns.top_up_window.after(order.day) >= day:
        return False
    last = max(found for found in (order.day, deposit.touched, deposit.ends) if found is not None)
    return returns.window.after(last) < day and not deposit.contested and not _alive(state, order.id, deposit.account)


def _alive(state: State, order_id: str, account: str) -> bool:
    buckets = (state.ledger.accounts.get(f"{account}{bucket}") for bucket in (".principal", ".bonus", ".held"))
    return any(part.lot.origin == order_id for bucket in buckets if bucket is not None for part in bucket)


def forget_top_ups(returns: ReturnsRule, state: State, day: date) -> list[Order]:
    """Forget the top-ups that are remembered no more; when their account was used stays known as long as anything is left of it."""
    orders = (state.order(order_id) for order_id in state.top_ups)
    gone = [order for order in orders if order is not None and over(returns, state, order, day)]
    for order in gone:
        state.drop_order(order.id)
    for deposit in (order.deposit for order in gone):
        for left in [state.order(order_id) for order_id in state.top_ups]:
            if deposit is not None and left is not None and left.deposit is not None and left.deposit.account == deposit.account:
                _put(state, left, left.deposit.also_active(deposit.last_active))
    return gone
