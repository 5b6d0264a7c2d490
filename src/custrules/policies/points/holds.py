"""Points set aside: what is captured of a hold is spent, the rest goes back to the lots it came from, with their own expiry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from custrules.events import Capture, Tick, Void
from custrules.ledger import SPENT, LotPart, Move
from custrules.orders import Record
from custrules.policies.points.account import Account, account_of, in_units, moved
from custrules.policy import Decision, Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.redemption import Redemption


def resolved(policy: Redemption, event: Capture | Void | Tick, view: View) -> Decision | None:
    """What becomes of a hold in which a policy took part."""
    record = view.record(policy)
    if record is None or view.order is None or not view.order.resolved:
        return None
    account = account_of(view, policy.account)
    held, bucket = list(_held(record, account)), f"{account.id}.held"
    taken = sum(part.quantity for part in held) if isinstance(event, Capture) else 0
    if isinstance(event, Capture) and event.points is not None:
        taken = min(taken, in_units(event.points, account.scale))
    parts = tuple(_first(held, taken))
    view.ledger.post(Move(bucket, SPENT, sum(part.quantity for part in parts), parts))
    released = list(rest(held, taken))
    expired, told = account.give_back(view, released, of=bucket)
    reasons = _told(policy, event, account, view, (taken, sum(part.quantity for part in released), expired))
    return policy.applied(event, reasons + told, moved(view, account))


def _told(policy: Redemption, event: Capture | Void | Tick, account: Account, view: View, units: tuple[int, int, int]) -> list[Reason]:
    taken, released, expired = units
    reasons = [policy.paid(taken, account, view)] if taken else []
    if released:
        assert view.order is not None
        code = "points.hold.run_out" if isinstance(event, Tick) else "points.hold.released"
        reasons.append(reason(code, points=account.shown(released), account=account.id, hold=view.order.id))
    if expired:
        reasons.append(reason("points.hold.expired", points=account.shown(expired), account=account.id))
    return reasons


def _held(record: Record, account: Account) -> Iterator[LotPart]:
    return (part for move in record.moves if move.target == f"{account.id}.held" for part in move.parts)


def _first(parts: list[LotPart], quantity: int) -> Iterator[LotPart]:
    """The first so many units: what expires soonest was held first."""
    for lot, held in parts:
        taken = min(quantity, held)
        quantity -= taken
        if taken:
            yield LotPart(lot, taken)


def rest(parts: Iterable[LotPart], quantity: int) -> Iterator[LotPart]:
    """The parts after the first so many units."""
    for lot, held in parts:
        gone = min(quantity, held)
        quantity -= gone
        if held > gone:
            yield LotPart(lot, held - gone)
