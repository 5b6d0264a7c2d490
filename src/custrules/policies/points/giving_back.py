"""Points that were spent go back to the lots they came from, with their own expiry: by a return in part or whole, or a cancellation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from custrules.events import RedemptionCancelled, Return
from custrules.ledger import SPENT, LotPart
from custrules.money import Rounding, rounded
from custrules.orders import Record
from custrules.policies.points.account import Account, account_of, in_units, moved
from custrules.policies.points.holds import rest
from custrules.policy import Decision, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.redemption import Redemption


def give_back(policy: Redemption, event: Return | RedemptionCancelled, view: View) -> Decision | None:
    """Points go back to the lots they came from, with their own expiry: the part that a return gives back to this tender."""
    record = view.record(policy)
    if record is None or view.order is None:
        return None
    account = account_of(view, policy.account)
    kept = _kept_until_whole(policy, event, record, account, view)
    if kept:
        why = reason("points.redemption.returned_when_whole", points=account.shown(kept), account=account.id, order=view.order.id)
        return policy.declined(event, [why])
    give = _given_back(event, record, account, view) - record.moved(source=SPENT)
    if give <= 0:
        return None
    expired, told = account.give_back(view, _lots_back(record, give))
    reasons = [reason("points.redemption.returned", points=account.shown(give), account=account.id, order=view.order.id)]
    if expired:
        reasons.append(reason("points.redemption.returned_expired", points=account.shown(expired), account=account.id))
    return policy.applied(event, reasons + told, moved(view, account))


def _given_back(event: Return | RedemptionCancelled, record: Record, account: Account, view: View) -> int:
    """How many points have gone back in all for what has come back so far."""
    spent = record.moved(target=SPENT)
    if isinstance(event, RedemptionCancelled):
        return _cancelled(event, record, account, view)
    rows = view.tenders_back("points", account.id)
    amount, back = sum(paid for _, paid, _ in rows), sum(gone for _, _, gone in rows)
    return rounded(Fraction(spent * back, amount), Rounding.floor) if amount else 0


def _cancelled(event: RedemptionCancelled, record: Record, account: Account, view: View) -> int:
    """Of points, as many as it says; of a reward, what so much of it cost, rounded down over all that was cancelled of it."""
    order, spent = view.order, record.moved(target=SPENT)
    if order is None or order.done:
        return spent
    if event.points is not None:
        return record.moved(source=SPENT) + in_units(event.points, account.scale)
    line = order.lines[0]
    return rounded(Fraction(spent) * Fraction(line.back_quantity) / Fraction(line.quantity), Rounding.floor)


def _kept_until_whole(policy: Redemption, event: Return | RedemptionCancelled, record: Record, account: Account, view: View) -> int:
    """What would go back by now, where nothing does before the whole order has come back."""
    if policy.on_return != "full_return_only" or isinstance(event, RedemptionCancelled) or view.order is None or view.order.all_gone:
        return 0
    return _given_back(event, record, account, view)


def _lots_back(record: Record, give: int) -> Iterator[LotPart]:
    """The lots that were spent and not given back yet, the last taken first."""
    left = [part for move in record.moves if move.target == SPENT for part in move.parts]
    given = sum(move.quantity for move in record.moves if move.source == SPENT)
    for lot, quantity in rest(reversed(left), given):
        part = min(give, quantity)
        if part:
            yield LotPart(lot, part)
        give -= part
