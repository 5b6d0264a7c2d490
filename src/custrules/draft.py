"""Building the moves of one decision on a copy of the ledger: ``credit`` and ``debit``, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from operator import is_
from typing import NamedTuple

from custrules.ledger import DECAYED, EXPIRED, ISSUED, MAX_UNITS, REVERSED, SPENT, Ledger, Lot, LotOrder, LotPart, Move, escaped


class Debit(NamedTuple):
    """What a debit took: from lots, from debt, and what could not be taken."""

    taken: int
    owed: int
    missing: int


class GivenBack(NamedTuple):
    """What became of points that came back: the parts that had expired by then, and how much lives again by grace."""

    expired: tuple[LotPart, ...]
    graced: int


class Reversal(NamedTuple):
    """How an accrual was taken back: out of lots, forgiven because it had expired unspent, and owed."""

    taken: int
    forgiven: int
    owed: int


class Draft:
    """Builds the moves of one decision on a copy of the ledger by two verbs, ``credit`` and ``debit``.

    The others are what time and returns make of them: ``settle``, ``mature`` and ``expire``, ``take_back`` and ``give_back``.

    ``day`` is the event's local day (lots are dated by it), ``settled`` the day up to which time is settled (what is
    usable is judged by it). ``order`` tells which lots of an account are spent first. Nothing is posted until the decision
    is folded.
    """

    ledger: Ledger
    day: date
    settled: date

    def __init__(
        self, ledger: Ledger, day: date, settled: date, event_id: str, policy_id: str, order: Callable[[str], LotOrder] | None = None
    ) -> None:
        self.ledger, self.day, self.settled = ledger.fork(), day, settled
        self._order = order
        self._base = ledger
        self._event_id, self._policy_id = event_id, policy_id
        self.moves: list[Move] = []

    def made(self, moves: Sequence[Move], ledger: Ledger) -> bool:
        """Whether this draft made exactly these moves, on that ledger."""
        return self._base is ledger and len(moves) == len(self.moves) and all(map(is_, moves, self.moves))

    def release(self) -> Ledger:
        """The ledger with all moves made; the draft can make no more."""
        ledger = self.ledger
        del self.ledger
        return ledger

    def resolve(self, account: str) -> str:
        return self.ledger.resolve(account)

    def usable(self, account: str) -> int:
        return self.ledger.usable(account, self.settled)

    def owed(self, account: str) -> int:
        return self.ledger.accounts[f"{account}.owed"].owed

    def post(self, move: Move) -> None:
        """Note a move and make it on the copy; a move of nothing is none."""
        if move.quantity:
            self.ledger.fold(move)
            self.moves.append(move)

    def room(self, account: str) -> int:
        """How many smallest units may still be put into an account: all that it holds is less than what one lot may be."""
        held = (self.ledger.accounts[account + bucket].total for bucket in ("", ".pending", ".held"))
        return max(MAX_UNITS - 1 - sum(held), 0)

    def credit(
        self, account: str, quantity: int, *, last_day: date | None, usable_from: date | None = None, source: str = "gratis", of: str = ISSUED
    ) -> None:
        """Put a new quantity into an account: debt is settled first, the rest becomes a lot.

        What is usable only later goes to ``.pending`` whole and settles debt when it matures.
        """
        usable_from = usable_from or self.day
        lot_id = f"{escaped(self._event_id)}/{escaped(self._policy_id)}/{len(self.moves)}"
        lot = Lot(lot_id, self.ledger.accounts[account].unit, self._event_id, self.day, usable_from, last_day, quantity, source)
        if usable_from > self.settled:
            self.post(Move(of, f"{account}.pending", quantity, (LotPart(lot, quantity),)))
        elif self.ledger.accounts[account].lapsed(
            lot, self.settled
        ):  # it came too late to be of use: it lapses as the next day opens, and settles nothing
            self.post(Move(of, account, quantity, (LotPart(lot, quantity),)))
        else:
            self.settle(of, account, [LotPart(lot, quantity)])

    def receive(self, source: str, account: str, parts: Iterable[LotPart]) -> None:
        """Take in lots as they are, each with its own dates: what is usable settles debt first, what is usable later is pending.

        What has expired meanwhile lapses as the next day opens, and settles nothing.
        """
        held = self.ledger.accounts[account]
        usable, gone, later = list[LotPart](), list[LotPart](), list[LotPart]()
        for part in parts:
            chosen = later if part.lot.usable_from > self.settled else gone if held.lapsed(part.lot, self.settled) else usable
            chosen.append(part)
        for bucket, kept in ((f"{account}.pending", later), (account, gone)):
            self.post(Move(source, bucket, sum(part.quantity for part in kept), tuple(kept)))
        self.settle(source, account, usable)

    def lot_id(self, number: int) -> str:
        """The id of a lot that this decision makes; the lots of one move are told apart by a second number."""
        return f"{escaped(self._event_id)}/{escaped(self._policy_id)}/{len(self.moves)}.{number}"

    def settle(self, source: str, account: str, parts: Iterable[LotPart]) -> None:
        """Move parts of lots into an account where they become usable: what is owed is settled out of them first."""
        owed = self.owed(account)
        if not owed:
            chosen = tuple(parts)
            self.post(Move(source, account, sum(part.quantity for part in chosen), chosen))
            return
        to_debt, to_lots = [], []
        for lot, quantity in parts:
            settling = min(owed, quantity)
            owed -= settling
            to_debt += [LotPart(lot, settling)] if settling else []
            to_lots += [LotPart(lot, quantity - settling)] if quantity > settling else []
        for target, picked in ((f"{account}.owed", to_debt), (account, to_lots)):
            self.post(Move(source, target, sum(part.quantity for part in picked), tuple(picked)))

    def debit(self, account: str, quantity: int, *, to: str, prefer: Iterable[Lot] = (), debt: bool = False) -> Debit:
        """Take a quantity: the preferred lots first (pending too), then usable lots in lot order, then, if allowed, debt.

        Without ``debt`` it takes what there is and says what is missing.
        """
        left = quantity
        for lot in prefer:
            for bucket in (f"{account}.pending", account):
                left -= self._take(bucket, lot, left, to)
        left -= self._take_usable(account, left, to) if left else 0
        owed = left if debt else 0
        self.post(Move(f"{account}.owed", to, owed))
        return Debit(quantity - left, owed, left - owed)

    def _take(self, bucket: str, lot: Lot, wanted: int, to: str) -> int:
        taken = min(wanted, self.ledger.accounts[bucket].remaining(lot))
        self.post(Move(bucket, to, taken, (LotPart(lot, taken),) if taken else ()))
        return taken

    def _take_usable(self, account: str, wanted: int, to: str) -> int:
        """Take usable lots, in the account's order; how much that was."""
        parts, left = [], wanted
        for lot, quantity in self.ledger.accounts[account].spendable(self.settled, self._order(account) if self._order else "soonest_expiry"):
            taken = min(left, quantity)
            parts.append(LotPart(lot, taken))
            left -= taken
            if not left:
                break
        self.post(Move(account, to, wanted - left, tuple(parts)))
        return wanted - left

    def take_back(self, account: str, quantity: int, lots: Sequence[Lot], expired: Mapping[str, int]) -> Reversal:
        """Reverse an earlier accrual: out of its own lots, then what of them expired unspent is forgiven, then others, then debt.

        ``expired`` says how much of each lot expired and was not forgiven yet.
        """
        left = quantity
        for lot in lots:
            for bucket in (f"{account}.pending", account):
                left -= self._take(bucket, lot, left, REVERSED)
        forgiven = 0
        for lot in lots:
            part = min(left - forgiven, expired.get(lot.id, 0))
            self.post(Move(EXPIRED, REVERSED, part, (LotPart(lot, part),) if part else ()))
            forgiven += part
        debit = self.debit(account, left - forgiven, to=REVERSED, debt=True)
        return Reversal(quantity - left + debit.taken, forgiven, debit.owed)

    def give_back(self, account: str, parts: Iterable[LotPart], grace: date | None = None, *, of: str = SPENT) -> GivenBack:
        """Undo a spending (or a hold): into the lots it came from, with their own expiry.

        With ``grace``, what had expired lives again up to that day, once.
        """
        held = self.ledger.accounts[account]
        live, graced, expired = list[LotPart](), list[LotPart](), list[LotPart]()
        for part in parts:
            if not held.lapsed(part.lot, self.settled):
                live.append(part)
            elif grace is not None and not part.lot.again:
                graced.append(LotPart(part.lot.renewed(grace), part.quantity))
            else:
                expired.append(part)
        self.post(Move(of, EXPIRED, sum(part.quantity for part in expired), tuple(expired)))
        self.settle(of, account, [*live, *graced])
        return GivenBack(tuple(expired), sum(part.quantity for part in graced))

    def forgive(self, account: str, quantity: int) -> int:
        """Owe so much less, as far as anything is owed, for lots that were to come back and have expired; how much that was.

        The lots stay expired: their orders remember that, so that no later return is forgiven for them again.
        """
        forgiven = max(min(quantity, self.owed(account)), 0)
        self.post(Move(EXPIRED, f"{account}.owed", forgiven))
        return forgiven

    def revive(self, account: str, parts: Iterable[LotPart], last_day: date | None) -> int:
        """Let lots that expired live again up to another last day, settling debt first; how much that was."""
        renewed = [LotPart(part.lot.renewed(last_day), part.quantity) for part in parts]
        self.settle(EXPIRED, account, renewed)
        return sum(part.quantity for part in renewed)

    def decay(self, account: str, quantity: int) -> int:
        """Let so much wither away, of what expires soonest first; how much that was."""
        left = quantity
        for lot, held in list(self.ledger.accounts[account].spendable(self.settled)):
            left -= self._take(account, lot, min(left, held), DECAYED)
        return quantity - left

    def expire(self, bucket: str) -> int:
        """Let every lot go whose last usable day has passed; how much that was."""
        parts = tuple(self.ledger.accounts[bucket].expired(self.settled))
        quantity = sum(part.quantity for part in parts)
        self.post(Move(bucket, EXPIRED, quantity, parts))
        return quantity

    def cancel(self, account: str, parts: Iterable[LotPart]) -> int:
        """Let pending lots go that became usable never; how much that was."""
        chosen = tuple(parts)
        quantity = sum(part.quantity for part in chosen)
        self.post(Move(f"{account}.pending", EXPIRED, quantity, chosen))
        return quantity

    def mature(self, account: str, early: Iterable[LotPart] = ()) -> int:
        """Let pending lots whose day has come, and those of ``early``, become usable, settling debt first; how much that was."""
        pending = self.ledger.accounts[f"{account}.pending"]
        parts = list(pending.spendable(self.settled))
        parts += [LotPart(lot._replace(usable_from=max(self.day, lot.day)), left) for lot, left in early if lot.usable_from > self.settled]
        self.settle(f"{account}.pending", account, parts)
        return sum(part.quantity for part in parts)
