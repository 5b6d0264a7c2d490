"""Stored value set aside: what is captured of a hold is spent, the rest goes back to the lots it came from, with their own expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from custrules.events import Capture, Tick, Void
from custrules.ledger import SPENT, Move
from custrules.orders import Record
from custrules.policies.stored_value.account import ValueAccount
from custrules.policies.stored_value.giving_back import kept_of, less, put_back
from custrules.policy import Decision, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.spending import Spending
from custrules.policies.stored_value.parts import by_source, total


def resolved(policy: Spending, event: Capture | Void | Tick, account: ValueAccount, view: View) -> Decision | None:
    """What becomes of a hold: as much of it is spent as a purchase of what is captured would have taken, the rest is let go."""
    record, order = view.record(policy), view.order
    if record is None or order is None or not order.resolved:
        return None
    bucket = account.bucket("held")
    held = [part for move in record.moves if move.target == bucket for part in move.parts]
    captured = kept_of(policy.order, held, _captured(event, record, account, view))
    view.ledger.post(Move(bucket, SPENT, total(captured), tuple(captured)))
    released = less(held, captured)
    lapsed = put_back(account, released, bucket, view)
    reasons = []
    if captured:
        paid, granted = by_source(captured)
        told = {"amount": total(captured), "principal": total(paid), "bonus": total(granted)}
        shown = {name: account.shown(units, view) for name, units in told.items()}
        reasons.append(reason("stored_value.spending.paid", account=account.id, **shown))
    if released:
        code = "stored_value.hold.run_out" if isinstance(event, Tick) else "stored_value.hold.released"
        reasons.append(reason(code, amount=account.shown(total(released), view), account=account.id, hold=order.id))
    if lapsed:
        reasons.append(reason("stored_value.spending.returned_expired", amount=account.shown(lapsed, view), account=account.id))
    return policy.applied(event, reasons, account.postings(view))


def _captured(event: Capture | Void | Tick, record: Record, account: ValueAccount, view: View) -> int:
    if not isinstance(event, Capture):
        return 0
    held = record.moved(target=account.bucket("held"))
    return held if event.quantity is None else min(held, account.units(event.quantity, view))
