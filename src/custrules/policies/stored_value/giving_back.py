"""What a return gives back of what stored value paid: into the lots and buckets it came from, as if less had been bought at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from custrules.events import RedemptionCancelled, Return
from custrules.ledger import EXPIRED, SPENT, Lot, LotPart, Move
from custrules.money import Rounding, rounded
from custrules.orders import Order as Bought
from custrules.orders import Record
from custrules.policies.stored_value.account import ValueAccount
from custrules.policies.stored_value.pairs import Order
from custrules.policy import Decision, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.spending import Spending
from custrules.policies.stored_value.parts import by_source, first, total


def given_back(policy: Spending, event: Return | RedemptionCancelled, account: ValueAccount, view: View) -> Decision | None:
    """The answer to a return: what is kept stays paid by what a smaller purchase would have taken first; the rest goes back."""
    record, order = view.record(policy), view.order
    if record is None or order is None:
        return None
    kept = _visits_kept(order) if isinstance(event, RedemptionCancelled) else _kept(account, view)
    back = less(_outstanding(record), kept_parts(policy.order, record, kept))
    if not back:
        return None
    lapsed = put_back(account, back, SPENT, view)
    paid, granted = by_source(back)
    told = {"amount": total(back), "principal": total(paid), "bonus": total(granted)}
    shown = {name: account.shown(units, view) for name, units in told.items()}
    reasons = [reason("stored_value.spending.returned", account=account.id, order=order.id, **shown)]
    if lapsed:
        reasons.append(reason("stored_value.spending.returned_expired", amount=account.shown(lapsed, view), account=account.id))
    return policy.applied(event, reasons, account.postings(view))


def _visits_kept(order: Bought) -> int:
    """The visits that are still used; of anything else that is cancelled, nothing is kept."""
    return int(order.lines[0].quantity_left) if order.type == "visit" and not order.done else 0


def _kept(account: ValueAccount, view: View) -> int:
    """What the account still pays of the order."""
    return sum(amount - back for _, amount, back in view.tenders_back("stored_value", account.id))


def put_back(account: ValueAccount, back: Sequence[LotPart], source: str, view: View) -> int:
    """Into the buckets they came from, debt first; what has lapsed meanwhile is told, and enters no account; how much that was."""
    bonus = view.ledger.ledger.accounts[account.bucket("bonus")]
    paid, granted = by_source(back)
    lapsed = [part for part in granted if bonus.lapsed(part.lot, view.settled)]
    view.ledger.post(Move(source, EXPIRED, total(lapsed), tuple(lapsed)))
    account.receive(view, source, paid, [part for part in granted if not bonus.lapsed(part.lot, view.settled)])
    return total(lapsed)


def kept_parts(order: Order, record: Record, kept: int) -> list[LotPart]:
    """The parts of lots that pay for what is kept: the first ones that were taken, or, pro rata, of each top-up its share."""
    return kept_of(order, [part for move in record.moves if move.target == SPENT for part in move.parts], kept)


def kept_of(order: Order, spent: list[LotPart], kept: int) -> list[LotPart]:
    """So much of what was taken, as if no more had been taken."""
    if order != "pro_rata":
        return first(spent, kept)
    found: list[LotPart] = []
    for parts in _by_top_up(spent):
        here = min(kept, total(parts))
        kept -= here
        paid, granted = by_source(parts)
        principal = rounded(Fraction(here * total(paid), total(parts)), Rounding.half_up)
        found += [*first(paid, principal), *first(granted, here - principal)]
    return found


def _by_top_up(parts: Sequence[LotPart]) -> Iterator[list[LotPart]]:
    groups: dict[str, list[LotPart]] = {}
    for part in parts:
        groups.setdefault(part.lot.origin, []).append(part)
    yield from groups.values()


def _outstanding(record: Record) -> list[LotPart]:
    """What was spent and did not come back yet."""
    back = [part for move in record.moves if move.source == SPENT for part in move.parts]
    return less([part for move in record.moves if move.target == SPENT for part in move.parts], back)


def less(parts: Sequence[LotPart], others: Sequence[LotPart]) -> list[LotPart]:
    """Parts of lots less others of the same lots."""
    gone: dict[Lot, int] = {}
    for lot, quantity in others:
        gone[lot] = gone.get(lot, 0) + quantity
    found = []
    for lot, quantity in parts:
        less = min(gone.get(lot, 0), quantity)
        gone[lot] = gone.get(lot, 0) - less
        if quantity > less:
            found.append(LotPart(lot, quantity - less))
    return found


__all__ = ["given_back", "kept_of", "kept_parts", "less", "put_back"]
