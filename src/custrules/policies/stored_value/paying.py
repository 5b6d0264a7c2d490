"""What a refund moves: value that is held meanwhile, principal that goes back, bonus that lapses, debt that is settled first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from custrules.ledger import EXPIRED, FORFEITED, GRANTED, PAID, REFUND, REFUNDED, Lot, LotPart, Move
from custrules.money import split
from custrules.orders import Record
from custrules.policies.stored_value.account import ValueAccount
from custrules.policies.stored_value.amounts import money
from custrules.policies.stored_value.history import TopUpHistory
from custrules.policies.stored_value.parts import after, by_source, first, total
from custrules.policies.stored_value.payout import Paid, in_cash, to_tenders
from custrules.policies.stored_value.quoting import Quote
from custrules.policies.stored_value.reckoning import Line
from custrules.policy import Reason, View, reason

# -- holding -----------------------------------------------------------------------------------------------------------


def freeze(account: ValueAccount, top_ups: Iterable[str], view: View) -> int:
    """Set aside what can be spent of some top-ups; how much that was."""
    wanted, frozen = frozenset(top_ups), 0
    if account.form == "period":
        return 0
    for bucket in ("principal", "bonus"):
        held = view.ledger.ledger.accounts[account.bucket(bucket)].spendable(view.settled)
        parts = [part for part in held if part.lot.origin in wanted]
        view.ledger.post(Move(account.bucket(bucket), account.bucket("held"), total(parts), tuple(parts)))
        frozen += total(parts)
    return frozen


def frozen_parts(record: Record | None, account: ValueAccount) -> list[LotPart]:
    """What a request set aside and did not let go of yet."""
    held: dict[Lot, int] = {}
    bucket = account.bucket("held")
    for move in record.moves if record is not None else ():
        for lot, quantity in move.parts:
            held[lot] = held.get(lot, 0) + quantity * ((move.target == bucket) - (move.source == bucket))
    return [LotPart(lot, quantity) for lot, quantity in held.items() if quantity > 0]


def thawed(histories: Iterable[TopUpHistory], parts: Sequence[LotPart]) -> list[TopUpHistory]:
    """Top-ups as if what a request set aside were still there."""
    found = []
    for history in histories:
        paid, granted = by_source(part for part in parts if part.lot.origin == history.id)
        found.append(
            history._replace(
                principal=history.principal + total(paid),
                bonus=history.bonus + total(granted),
                held=history.held - total(paid) - total(granted),
                held_bonus=history.held_bonus - total(granted),
            )
        )
    return found


def release(account: ValueAccount, parts: Sequence[LotPart], view: View) -> None:
    """Let go of what was set aside: into the lots it came from, debt first; what has lapsed meanwhile lapses."""
    if not parts:
        return
    held, bonus = account.bucket("held"), view.ledger.ledger.accounts[account.bucket("bonus")]
    paid, granted = by_source(parts)
    gone = [part for part in granted if bonus.lapsed(part.lot, view.settled)]
    view.ledger.post(Move(held, EXPIRED, total(gone), tuple(gone)))
    account.receive(view, held, paid, [part for part in granted if part not in gone])


def unfreeze(account: ValueAccount, parts: Sequence[LotPart], view: View) -> None:
    """Put what was set aside back where it was, to be paid out."""
    for bucket, chosen in zip(("principal", "bonus"), by_source(parts), strict=True):
        view.ledger.post(Move(account.bucket("held"), account.bucket(bucket), total(chosen), tuple(chosen)))


# -- paying out --------------------------------------------------------------------------------------------------------


def pay_out(account: ValueAccount, lines: Sequence[Line], view: View) -> None:
    """Post what leaves the account for a refund: as much to ``world.refunded`` as the refund is, before fees; what else goes, forfeited."""
    for number, line in enumerate(lines):
        history = line.history
        paid, granted = (_parts(account, bucket, history.id, view) for bucket in ("principal", "bonus"))
        if account.form != "period":
            back = line.principal - line.spent
            _post(account, "principal", paid, ((back, REFUNDED), (line.spent, FORFEITED)), view)
            _post(account, "bonus", granted, ((line.bonus, FORFEITED),), view)
        moved = line.principal - line.spent if account.form == "amount" else 0
        if line.gross > moved:
            _beside(view, FORFEITED, REFUNDED, PAID, line.gross - moved, history, number)
        if line.kept:
            _beside(view, REFUNDED, FORFEITED, GRANTED, line.kept, history, number)


def _parts(account: ValueAccount, bucket: str, top_up: str, view: View) -> list[LotPart]:
    held = view.ledger.ledger.accounts.get(account.bucket(bucket))
    return [part for part in held if part.lot.origin == top_up] if held is not None else []


def _post(account: ValueAccount, bucket: str, parts: list[LotPart], shares: Iterable[tuple[int, str]], view: View) -> None:
    for units, target in shares:
        chosen = first(parts, units)
        view.ledger.post(Move(account.bucket(bucket), target, total(chosen), tuple(chosen)))
        parts = after(parts, units)


def _beside(view: View, source: str, target: str, of: str, units: int, history: TopUpHistory, number: int) -> None:
    """Money that moves beside the lots: what goes back above the principal that is left, and what is kept for bonus that was used."""
    lot = Lot(f"{view.ledger.lot_id(number)}", view.currency, history.id, view.day, view.day, None, units, of)
    view.ledger.post(Move(source, target, units, (LotPart(lot, units),)))


def settle_debt(account: ValueAccount, net: int, view: View) -> int:
    """What is owed is settled out of a refund before any of it is paid; how much that was."""
    if account.form != "amount":
        return 0
    settled = min(net, view.ledger.owed(account.id))
    view.ledger.post(Move(REFUND, account.bucket("owed"), settled))
    return settled


def paid_to(quote: Quote, settled: int, view: View) -> Iterator[Reason]:
    """Where a refund goes: its shares of the tenders that paid, or the account or person that the terms name; the interest beside."""
    result, payout = quote.result, quote.rule.payout
    net = result.net - settled
    limit = payout.cash_up_to
    if limit is not None and in_cash(net + quote.interest, int(limit * 10**view.scale)):
        yield reason("stored_value.refund.in_cash", amount=money(net + quote.interest, view), limit=money(int(limit * 10**view.scale), view))
    if payout.to != "original_tender":
        yield reason("stored_value.refund.paid_to", to=payout.to, amount=money(net + quote.interest, view))
        return
    weights = [line.gross - line.kept for line in result.lines]
    shares = split(net, weights) if net and sum(weights) else [0] * len(weights)
    for line, share in zip(result.lines, shares, strict=True):
        for paid in _tenders(line, share, quote):
            yield reason(
                "stored_value.refund.to_tender", of=paid.top_up, tender=paid.tender, reference=paid.reference or "-", amount=money(paid.amount, view)
            )


def _tenders(line: Line, share: int, quote: Quote) -> list[Paid]:
    """Where nobody said how a top-up was paid, it was paid by one tender that is not known."""
    if not line.history.tenders:
        return [Paid(line.history.id, "unknown", None, share)] if share else []
    return to_tenders(line.history, line.gross, share, quote.rule.payout.split)


__all__ = ["freeze", "frozen_parts", "paid_to", "pay_out", "release", "settle_debt", "thawed", "unfreeze"]
