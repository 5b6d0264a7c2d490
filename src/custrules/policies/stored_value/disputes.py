"""A bank takes back what a top-up had paid, and gives it again where the dispute is won.

What is taken is captured less refunded less disputed: the kernel has checked it. Principal of the same top-up goes, and its bonus in
proportion; what of it was consumed already is owed, and settled out of other top-ups while there are any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from custrules.deposits import Deposit
from custrules.events import Chargeback
from custrules.ledger import DISPUTED, GRANTED, PAID, SPENT, Lot, LotPart, Move
from custrules.money import Rounding, rounded
from custrules.orders import Order, Record
from custrules.policies.stored_value.account import ValueAccount
from custrules.policies.stored_value.amounts import money
from custrules.policies.stored_value.pairs import settle_out_of_lots
from custrules.policy import Decision, Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.top_up import TopUp
from custrules.policies.stored_value.parts import after, by_source, first, total


def answered(policy: TopUp, event: Chargeback, account: ValueAccount, view: View) -> Decision | None:
    order, record = view.order, view.record(policy)
    if order is None or order.deposit is None or order.deposit.account != account.id:
        return None
    deposit = order.deposit
    left = deposit.money - deposit.refunded - deposit.disputed if event.dispute == "opened" else deposit.contested
    amount = event.amount.minor if event.amount is not None else left
    told = {"amount": money(amount, view), "account": account.id, "of": order.id}
    if event.dispute == "lost":
        return policy.applied(event, [reason("stored_value.chargeback.lost", **told)])
    lots = _lots(order, record, account, view)
    if event.dispute == "won":
        reasons = _given_back(account, amount, deposit, record, view) if record is not None else []
        return policy.applied(event, [reason("stored_value.chargeback.won", **told), *reasons], account.postings(view))
    reasons = _taken(policy, account, amount, order, lots, view) if account.form != "period" else []
    _cash(account, amount, order, view)
    return policy.applied(event, [reason("stored_value.chargeback.opened", **told), *reasons], account.postings(view))


def _lots(order: Order, record: Record | None, account: ValueAccount, view: View) -> list[Lot]:
    """The lots of a top-up, as it put them in, or as they were brought; of what is gone, one that stands for it."""
    moves = record.moves if record is not None else ()
    found = [part.lot for move in moves if move.source.startswith("world.") and move.source != DISPUTED for part in move.parts]
    buckets = (view.ledger.ledger.accounts.get(account.bucket(name)) for name in ("principal", "bonus", "held"))
    found += [part.lot for bucket in buckets if bucket is not None for part in bucket]
    lots = {lot.id: lot for lot in found if lot.origin == order.id}
    for source in (PAID, GRANTED):
        if all(lot.source != source for lot in lots.values()):
            unit, _ = account.unit(view)
            gone = Lot(view.ledger.lot_id(len(lots)), unit, order.id, order.day, order.day, None, 0, source)
            lots[gone.id] = gone
    return list(lots.values())


def _cash(account: ValueAccount, amount: int, order: Order, view: View) -> None:
    """Of what is not kept in money, the money that went is told beside."""
    if account.form != "amount":
        lot = Lot(view.ledger.lot_id(0), view.currency, order.id, view.day, view.day, None, amount, PAID)
        view.ledger.post(Move(SPENT, DISPUTED, amount, (LotPart(lot, amount),)))


# -- taking ------------------------------------------------------------------------------------------------------------


def _taken(policy: TopUp, account: ValueAccount, amount: int, order: Order, lots: list[Lot], view: View) -> list[Reason]:
    deposit = order.deposit
    assert deposit is not None
    paid = amount if account.form == "amount" else _share(deposit.paid, deposit, amount)
    bonus = _share(deposit.granted, deposit, amount)
    short_paid = paid - _take(account, "principal", PAID, paid, lots, view)
    short_bonus = bonus - _take(account, "bonus", GRANTED, bonus, lots, view)
    there = sum(view.ledger.ledger.accounts[account.bucket("bonus")].remaining(lot) for lot in lots if lot.source == GRANTED)
    gone = deposit.granted - deposit.expired - deposit.surrendered - (bonus - short_bonus) - there
    short_bonus = min(short_bonus, max(gone, 0))  # a bonus that lapsed unused is owed by nobody
    owed = _owe(policy, account, (short_paid, short_bonus), deposit, lots, view)
    return [reason("stored_value.chargeback.owed", amount=account.shown(owed, view), account=account.id)] if owed else []


def _share(quantity: int, deposit: Deposit, amount: int) -> int:
    """The part of a quantity that goes with an amount of the money: the running total rounded down, all of it with the last."""
    before, now = deposit.disputed + deposit.refunded, deposit.disputed + deposit.refunded + amount
    target = [rounded(Fraction(quantity * gone, deposit.money), Rounding.floor) if deposit.money else 0 for gone in (before, now)]
    return target[1] - target[0]


def _take(account: ValueAccount, bucket: str, source: str, quantity: int, lots: Iterable[Lot], view: View) -> int:
    held = view.ledger.ledger.accounts[account.bucket(bucket)]
    parts = first([LotPart(lot, held.remaining(lot)) for lot in lots if lot.source == source and held.remaining(lot)], quantity)
    view.ledger.post(Move(account.bucket(bucket), DISPUTED, total(parts), tuple(parts)))
    return total(parts)


def _owe(policy: TopUp, account: ValueAccount, short: tuple[int, int], deposit: Deposit, lots: list[Lot], view: View) -> int:
    """What was consumed is owed: at its face, or at the share of it that had been paid; other top-ups settle it first."""
    paid, bonus = short
    owed = paid + bonus
    if policy.owed_on_chargeback == "ratio":
        owed = rounded(Fraction(owed * deposit.paid, deposit.paid + deposit.granted), Rounding.half_up)
    parts = [*_named(lots, PAID, paid), *_named(lots, GRANTED, bonus)]
    for source, chosen in ((account.bucket("owed"), first(parts, owed)), (SPENT, after(parts, owed))):
        view.ledger.post(Move(source, DISPUTED, total(chosen), tuple(chosen)))
    return owed - settle_out_of_lots(account, view)


def _named(lots: Iterable[Lot], source: str, quantity: int) -> Iterator[LotPart]:
    """So much of what was put in of a source."""
    named = next(lot for lot in lots if lot.source == source)
    if quantity:
        yield LotPart(named, quantity)


# -- giving back -------------------------------------------------------------------------------------------------------


def _given_back(account: ValueAccount, amount: int, deposit: Deposit, record: Record, view: View) -> list[Reason]:
    """Of what disputes took and did not give back yet returns what was won: of each kind its share, first to what is owed for it; what was
    lost stays gone."""
    before: dict[tuple[str, str], int] = {}
    for move in _outstanding(record):
        ((lot, quantity),) = move.parts
        kind = (lot.unit, lot.source)
        running = [before.get(kind, 0), before.get(kind, 0) + quantity]
        before[kind] = running[1]
        share = [rounded(Fraction(units * amount, deposit.disputed), Rounding.floor) for units in running]
        parts = first(list(move.parts), share[1] - share[0])
        if move.source.endswith(".owed"):
            owed = view.ledger.owed(account.id)
            settling = first(parts, owed)
            view.ledger.post(Move(DISPUTED, move.source, total(settling), tuple(settling)))
            account.receive(view, DISPUTED, *by_source(after(parts, owed)))
        elif move.source == SPENT:
            view.ledger.post(Move(DISPUTED, SPENT, total(parts), tuple(parts)))
        else:
            account.receive(view, DISPUTED, *by_source(parts))
    return []


def _outstanding(record: Record) -> Iterator[Move]:
    """What went to disputes and did not come back, as moves: of each source and lot what is left; debts first, then what was paid."""
    left: dict[tuple[str, Lot], int] = {}
    back: dict[tuple[bool, Lot], int] = {}  # what had been consumed is told apart: it comes back to nobody
    for move in record.moves:
        for lot, quantity in move.parts if DISPUTED in (move.source, move.target) else ():
            if move.target == DISPUTED:
                left[move.source, lot] = left.get((move.source, lot), 0) + quantity
            else:
                back[move.target == SPENT, lot] = back.get((move.target == SPENT, lot), 0) + quantity
    for source, lot in sorted(left, key=lambda key: (not key[0].endswith(".owed"), key[1].source != PAID, key[0], key[1].order)):
        key = (source == SPENT, lot)
        gone = min(left[source, lot], back.get(key, 0))
        back[key] = back.get(key, 0) - gone
        if left[source, lot] > gone:
            yield Move(source, DISPUTED, left[source, lot] - gone, (LotPart(lot, left[source, lot] - gone),))
