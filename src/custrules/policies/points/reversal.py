"""What a return takes back of an award: what was awarded above what the kept lines earn, cumulatively."""

from __future__ import annotations

from typing import TYPE_CHECKING

from custrules.events import Return
from custrules.ledger import ISSUED
from custrules.money import rounded
from custrules.orders import Order, Record
from custrules.policies.points.account import Account, account_of, moved
from custrules.policies.points.base import computed
from custrules.policy import Decision, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.accrual import Accrual


def taken_back(accrual: Accrual, event: Return, view: View) -> Decision | None:
    """The accrual's answer to a return; a reversal re-awards nothing: the room under a cap is the recorded one."""
    record, order = view.record(accrual), view.order
    if record is None or order is None:
        return None
    account = account_of(view, accrual.account)
    target = _kept(accrual, event, view, account, record, order)
    take = record.moved(source=ISSUED) - record.reversed - target
    if take <= 0:
        return None
    lots = list({part.lot.id: part.lot for part in record.parts(ISSUED)}.values())
    reversal = view.ledger.take_back(account.id, take, lots, record.unforgiven(order.expired))
    reasons = [reason("points.reversal.return", points=account.shown(take), account=account.id, order=order.id, kept=account.shown(target))]
    if reversal.forgiven:
        reasons.append(reason("points.reversal.forgiven", points=account.shown(reversal.forgiven), account=account.id))
    return accrual.applied(event, reasons + account.shortfall(view, event, record, reversal.owed), moved(view, account))


def _kept(accrual: Accrual, event: Return, view: View, account: Account, record: Record, order: Order) -> int:
    """What stays awarded: what the kept lines earn, and never more than was awarded."""
    if order.all_gone or (accrual.when is not None and not view.test(accrual.when)):
        return 0
    return min(rounded(computed(accrual, event, view, account).wanted, accrual.rounding), record.moved(source=ISSUED))
