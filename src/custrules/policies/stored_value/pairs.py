"""The lot pairs of an account, one for each top-up, and how much of each bucket an amount takes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from custrules.calendars import start_of_day
from custrules.deposits import NORMAL, Deposit
from custrules.ledger import PAID, LotPart, Move
from custrules.money import Rounding, rounded
from custrules.policies.stored_value.parts import by_source, first, total
from custrules.policy import View

if TYPE_CHECKING:
    from custrules.policies.stored_value.account import ValueAccount

Order = Literal["principal_first", "bonus_first", "pro_rata", "priority"]
ORDERS = ("principal_first", "bonus_first", "pro_rata", "priority")
Among = Literal["fifo", "lifo", "soonest_bonus"]
AMONG = ("fifo", "lifo", "soonest_bonus")


class Pair(NamedTuple):
    """What can be spent of one top-up: parts of its paid and granted lots; and what it was, as far as that is remembered."""

    id: str
    at: tuple[date, datetime]
    paid: list[LotPart]
    granted: list[LotPart]
    deposit: Deposit | None

    @property
    def left(self) -> int:
        return total(self.paid) + total(self.granted)

    @property
    def bonus_until(self) -> date:
        return min((part.lot.last_day or date.max for part in self.granted), default=date.max)

    def shares(self) -> tuple[int, int, int]:
        """Paid, granted, and how much of both is gone already: what a pro rata share is taken of."""
        lots = [{part.lot.id: part.lot for part in parts}.values() for parts in (self.paid, self.granted)]
        paid, granted = (sum(lot.granted for lot in found) for found in lots)
        if self.deposit is not None:
            paid, granted = self.deposit.paid, self.deposit.granted
        return paid, granted, max(paid + granted - self.left, 0)


def pairs_of(account: ValueAccount, view: View, among: Among, only: str | None = None) -> list[Pair]:
    """The pairs out of which can be spent, in the order in which they are."""
    found: dict[str, Pair] = {}
    for bucket in ("principal", "bonus"):
        for part in view.ledger.ledger.accounts[account.bucket(bucket)].spendable(view.settled):
            pair = found.get(part.lot.origin) or _pair(part, view)
            found[part.lot.origin] = pair
            (pair.paid if bucket == "principal" else pair.granted).append(part)
    pairs = sorted((pair for pair in found.values() if only in (None, pair.id)), key=lambda pair: (pair.at, pair.id), reverse=among == "lifo")
    return sorted(pairs, key=lambda pair: pair.bonus_until) if among == "soonest_bonus" else pairs


def _pair(part: LotPart, view: View) -> Pair:
    order = view.state.order(part.lot.origin)
    at = order.occurred_at if order is not None else start_of_day(part.lot.day, view.zone)
    return Pair(part.lot.origin, (part.lot.day, at), [], [], order.deposit if order is not None else None)


def taken(pairs: Sequence[Pair], order: Order, amount: int) -> list[LotPart]:
    """Parts of lots that an amount takes, in the order in which they are taken; all there is where that is less."""
    if order == "pro_rata":
        return [part for pair, share in _in_turn(pairs, amount) for part in _pro_rata(pair, share)]
    return first([part for parts in _sequence(pairs, order) for part in parts], amount)


def _in_turn(pairs: Iterable[Pair], amount: int) -> Iterator[tuple[Pair, int]]:
    for pair in pairs:
        share = min(amount, pair.left)
        amount -= share
        if share:
            yield pair, share


def _sequence(pairs: Sequence[Pair], order: Order) -> list[list[LotPart]]:
    """Whole buckets in the order in which they are emptied."""
    if order == "priority":
        rows: list[tuple[Any, list[LotPart]]] = []
        for place, pair in enumerate(pairs):
            priority = pair.deposit.priority if pair.deposit is not None else NORMAL
            rows += [((priority, 0, place), pair.granted), ((priority, 1, place), pair.paid)]
        return [parts for _, parts in sorted(rows, key=lambda row: row[0])]
    paid, granted = [pair.paid for pair in pairs], [pair.granted for pair in pairs]
    return paid + granted if order == "principal_first" else granted + paid


def _pro_rata(pair: Pair, amount: int) -> list[LotPart]:
    """A share of one pair: of the principal what the running total comes to, rounded half up; the rest of the bonus."""
    paid, granted, gone = pair.shares()
    share = Fraction(paid, paid + granted) if paid + granted else Fraction(1)

    def target(face: int) -> int:
        return rounded(share * face, Rounding.half_up)

    principal = target(gone + amount) - target(gone)
    least, most = max(amount - total(pair.granted), 0), min(amount, total(pair.paid))
    principal = min(max(principal, least), most)
    return [*first(pair.paid, principal), *first(pair.granted, amount - principal)]


def moves_of(parts: Sequence[LotPart], account: ValueAccount, target: str) -> Iterator[Move]:
    """Parts of lots out of their buckets, runs of one bucket together."""
    run: list[LotPart] = []
    for part in (*parts, None):
        if run and (part is None or part.lot.source != run[0].lot.source):
            yield Move(account.bucket(bucket_of(run[0])), target, total(run), tuple(run))
            run = []
        run += [part] if part is not None else []


def bucket_of(part: LotPart) -> str:
    return "principal" if part.lot.source == PAID else "bonus"


def settle_out_of_lots(account: ValueAccount, view: View) -> int:
    """Nothing usable stands beside a debt: what there is settles it, oldest first; how much that was."""
    owed = view.ledger.owed(account.id)
    paid, granted = by_source(taken(pairs_of(account, view, "fifo"), "principal_first", owed))
    for bucket, parts in (("principal", paid), ("bonus", granted)):
        view.ledger.post(Move(account.bucket(bucket), account.bucket("owed"), total(parts), tuple(parts)))
    return total(paid) + total(granted)


def by_source_of(account: ValueAccount, view: View, source: str) -> list[LotPart]:
    """The parts that can be spent of one source, oldest first."""
    return [part for pair in pairs_of(account, view, "fifo") for part in (pair.paid if source == PAID else pair.granted)]
