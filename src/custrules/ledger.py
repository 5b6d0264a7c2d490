"""Quantities with an origin: lots in accounts, moved by postings and never edited.

Account names are dotted: the id of the account's policy, then the bucket (``points``, ``points.pending``, ``points.held``,
``points.owed``). ``.owed`` is the debt: postings out of it raise what is owed, postings into it settle it. Outsides are
named ``world.…`` and hold nothing. Quantities are whole numbers of the unit's smallest part.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from custrules.lots import (
    ADJUSTED,
    DECAYED,
    EXPIRED,
    FEES,
    FORFEITED,
    ISSUED,
    MAX_UNITS,
    MERGED,
    OPENED,
    REFUND,
    REVERSED,
    SPENT,
    TRANSFERRED,
    WORLD,
    WRITTEN_OFF,
    LedgerFault,
    Lot,
    LotOrder,
    LotPart,
    Move,
    escaped,
    text,
    whole,
)
from custrules.money import MAX_DIGITS

__all__ = [
    "ADJUSTED",
    "DECAYED",
    "EXPIRED",
    "FEES",
    "FORFEITED",
    "ISSUED",
    "MAX_UNITS",
    "MERGED",
    "OPENED",
    "REFUND",
    "REVERSED",
    "SPENT",
    "TRANSFERRED",
    "WORLD",
    "WRITTEN_OFF",
    "Account",
    "Ledger",
    "LedgerFault",
    "Lot",
    "LotOrder",
    "LotPart",
    "Move",
    "escaped",
    "text",
    "whole",
]

Entry = tuple[tuple[date, date, str], LotPart]
"""A part of a lot under its lot's order."""


class Account:
    """What remains of each lot in one bucket, in lot order; or, for a debt, how much is owed.

    ``total`` is the sum of the parts, ``usable_from`` no earlier than any part's. ``loose`` are the places (lot orders) where
    parts have become neighbours since like lots were last joined. ``kept`` and ``ends`` are rules of the account, not dates of
    its lots: up to ``kept`` nothing here lapses; ``ends`` is the last usable day of lots that have none of their own.
    """

    __slots__ = ("ends", "kept", "loose", "owed", "owner", "parts", "scale", "total", "unit", "usable_from")
    ends: date | None
    kept: date | None
    loose: list[tuple[date, date, str]]
    owed: int
    owner: object
    parts: list[Entry]
    scale: int
    total: int
    unit: str
    usable_from: date

    def __init__(self, unit: str, scale: int, owner: object, owed: int = 0) -> None:
        self.unit, self.scale, self.owner, self.owed = unit, scale, owner, owed
        self.parts, self.total, self.usable_from, self.loose = [], 0, date.min, []
        self.kept = self.ends = None

    def copy(self, owner: object) -> Account:
        twin = Account.__new__(Account)
        twin.unit, twin.scale, twin.owner, twin.owed = self.unit, self.scale, owner, self.owed
        twin.parts, twin.total, twin.usable_from = self.parts.copy(), self.total, self.usable_from
        twin.loose, twin.kept, twin.ends = self.loose.copy(), self.kept, self.ends
        return twin

    def __iter__(self) -> Iterator[LotPart]:
        return (part for _, part in self.parts)

    @property
    def first_last_day(self) -> date | None:
        """The soonest last usable day; None where nothing here expires as things stand."""
        if not self.parts or self.kept == date.max:
            return None
        lasts = [self.last_day(part.lot) for _, part in (self.parts[0], self.parts[-1])]  # lots without a date come last
        return min((last for last in lasts if last is not None), default=None)

    def last_day(self, lot: Lot) -> date | None:
        """The last usable day of a lot here: its own, or up to when everything is kept, where that is later."""
        own = lot.last_day
        if own is None and self.ends is not None and lot.day <= self.ends:
            own = self.ends
        return own if own is None or self.kept is None else max(own, self.kept)

    def lapsed(self, lot: Lot, day: date) -> bool:
        """Whether a lot here has passed its last usable day."""
        last = self.last_day(lot)
        return last is not None and last < day

    def expired(self, day: date) -> Iterator[LotPart]:
        """The parts whose last usable day has passed."""
        if self.kept is not None and self.kept >= day:
            return
        for _, part in self.parts:
            if not part.lot.expired(day):
                break
            yield part
        if self.ends is not None and self.ends < day:
            yield from (part for part in self.undated() if self.lapsed(part.lot, day))

    def undated(self) -> Iterator[LotPart]:
        """The parts whose lots have no last day of their own."""
        return (part for _, part in self.parts[bisect_left(self.parts, ((date.max,),)) :])

    @property
    def has_undated(self) -> bool:
        return bool(self.parts) and self.parts[-1][1].lot.last_day is None  # they come last

    def usable(self, day: date) -> int:
        """What can be spent on a day."""
        if self.usable_from > day:
            return sum(part.quantity for part in self.spendable(day))
        return self.total - sum(part.quantity for part in self.expired(day)) if self.parts else 0

    def spendable(self, day: date, order: LotOrder = "soonest_expiry") -> Iterator[LotPart]:
        """The parts that can be spent on a day, in the order in which they are."""
        if self.kept is None and self.ends is None:
            return (part for part in self._ordered(order) if part.lot.usable(day))
        return (part for part in self._ordered(order) if part.lot.usable_from <= day and not self.lapsed(part.lot, day))

    def _ordered(self, order: LotOrder) -> Iterable[LotPart]:
        """By expiry (what never expires last), or by age and, of one day, by expiry."""
        if order == "soonest_expiry":
            return self if self.ends is None else sorted(self, key=self._expiry)
        oldest = sorted(self, key=lambda part: (part.lot.day, self._expiry(part)))
        return oldest if order == "oldest" else sorted(oldest, key=lambda part: part.lot.day, reverse=True)

    def _expiry(self, part: LotPart) -> tuple[date, date, str]:
        _, day, name = part.lot.order
        return (part.lot.last_day or self.ends or date.max, day, name)

    def remaining(self, lot: Lot) -> int:
        place = self._place(lot.order)
        return self.parts[place][1].quantity if place is not None else 0

    def change(self, lot: Lot, by: int) -> None:
        """Add to (or take from) what remains of a lot; a lot at nothing leaves."""
        key = lot.order
        place = bisect_left(self.parts, (key,))
        there = place < len(self.parts) and self.parts[place][0] == key
        before = self.parts[place][1].quantity if there else 0
        left = before + by
        if left < 0:
            raise LedgerFault(f"lot {lot.id} has {before} left, {-by} were taken")
        if left >= MAX_UNITS:
            raise LedgerFault(f"an account holds less than {MAX_UNITS} smallest units of a lot")
        self.total += by
        if there and left:
            self.parts[place] = (key, LotPart(self.parts[place][1].lot, left))
            return
        if there:
            del self.parts[place]
        else:
            self.parts.insert(place, (key, LotPart(lot, by)))
            self.usable_from = max(self.usable_from, lot.usable_from)
        if self._has_twin(place, key):
            self.loose.append(key)

    def _place(self, key: tuple[date, date, str]) -> int | None:
        place = bisect_left(self.parts, (key,))
        return place if place < len(self.parts) and self.parts[place][0] == key else None

    # -- joining lots that nothing can tell apart ------------------------------------------------------------------

    def _has_twin(self, place: int, key: tuple[date, date, str]) -> bool:
        """Whether a part just beside a place (where ``key`` is, or was) has its last day: no other can be joined there."""
        last_day, parts = key[0], self.parts
        if place and parts[place - 1][0][0] == last_day:
            return True
        after = place + (place < len(parts) and parts[place][0] == key)
        return after < len(parts) and parts[after][0][0] == last_day

    def may_join(self, lots: Iterable[Lot]) -> bool:
        """Whether ``join`` may find something: parts have become neighbours, or lots that can be undone no more have some."""
        if self.loose:
            return True
        for lot in lots:
            key = lot.order
            if self._has_twin(bisect_left(self.parts, (key,)), key):
                return True
        return False

    def join(self, closed: Callable[[str], bool], day: date, lots: Iterable[Lot] = ()) -> None:
        """Join neighbours that have become alike by a day: where parts have moved, and beside ``lots``, which can be undone no more."""
        places, self.loose = self.loose, []
        for key in (*places, *(lot.order for lot in lots)):
            self._join_at(bisect_left(self.parts, (key,)), closed, day)

    def _join_at(self, place: int, closed: Callable[[str], bool], day: date) -> None:
        """Join the part at a place with what is like it on its right, then on its left."""
        while self._join_left(place + 1, closed, day):
            pass
        while self._join_left(place, closed, day):
            place -= 1

    def _join_left(self, place: int, closed: Callable[[str], bool], day: date) -> bool:
        """Join a part into the one before it, where they are alike."""
        if not 0 < place < len(self.parts) or self.parts[place - 1][0][0] != self.parts[place][0][0]:
            return False
        (key, left), (right_key, right) = self.parts[place - 1 : place + 1]
        if not closed(right.lot.origin) or not closed(left.lot.origin) or left.lot.kind != right.lot.kind:
            return False
        if left.lot.usable_from != right.lot.usable_from and max(left.lot.usable_from, right.lot.usable_from) > day:
            self.loose.append(right_key)  # alike once both are usable
            return False
        whole_lot = left.lot._replace(granted=left.lot.granted + right.lot.granted)
        self.parts[place - 1 : place + 1] = [(key, LotPart(whole_lot, left.quantity + right.quantity))]
        return True

    # -- wire ------------------------------------------------------------------------------------------------------

    def read(self, rows: Iterable[list[Any]]) -> None:
        """Take in parts of lots as they stand on the wire; ValueError, TypeError or LedgerFault where a row is none."""
        for row in rows:
            lot, left = Lot.from_row(row[:-1]), whole(row[-1])
            key = lot.order
            if (self.parts and key <= self.parts[-1][0]) or not 0 < left < MAX_UNITS:
                self.change(lot, left)  # which refuses it, or finds its place
                continue
            if self.parts and self.parts[-1][1].lot.kind == lot.kind:
                self.loose.append(key)
            self.parts.append((key, LotPart(lot, left)))
            self.total += left
            self.usable_from = max(self.usable_from, lot.usable_from)


class Ledger:
    """All accounts of one customer. Read it through ``state``; it changes only by folding moves."""

    __slots__ = ("_owner", "accounts", "first")
    accounts: dict[str, Account]
    first: Mapping[str, str]

    def __init__(self, accounts: dict[str, Account] | None = None, first: Mapping[str, str] | None = None) -> None:
        self.accounts = accounts if accounts is not None else {}
        self.first = first if first is not None else {}
        self._owner = object()

    def fork(self) -> Ledger:
        """A copy that shares every account until it is changed."""
        return Ledger(self.accounts.copy(), self.first)

    def open(self, name: str, unit: str, scale: int) -> None:
        """Make sure that an account and its buckets exist."""
        for bucket in (name, f"{name}.pending", f"{name}.held", f"{name}.owed"):
            if bucket not in self.accounts:
                self.accounts[bucket] = Account(unit, scale, self._owner)
        if "points" not in self.first:
            self.first = {**self.first, "points": name}

    def resolve(self, name: str) -> str:
        """The account a name stands for: ``points`` also names the program's first points account."""
        if name in self.accounts:
            return name
        head, dot, bucket = name.partition(".")
        return self.first[head] + dot + bucket if head in self.first else name

    def usable(self, account: str, day: date) -> int:
        """What can be spent on a day: the only gate, whether expired lots were swept or not."""
        return self.accounts[account].usable(day)

    def keep(self, name: str, kept: date | None, ends: date | None) -> None:
        """Say up to when nothing lapses in an account and its buckets, and when lots without a date of their own do."""
        for bucket in (name, f"{name}.pending", f"{name}.held"):
            account = self.accounts[bucket]
            if (account.kept, account.ends) != (kept, ends):
                account = self.own(bucket)
                account.kept, account.ends = kept, ends

    def own(self, name: str) -> Account:
        account = self.accounts[name]
        if account.owner is not self._owner:
            account = self.accounts[name] = account.copy(self._owner)
        return account

    def fold(self, move: Move) -> None:
        """Make one move, after every check that can fail."""
        if not self._sound(move):
            self._check(move)
        for name, sign in ((move.source, -1), (move.target, 1)):
            if name.startswith(WORLD):
                continue
            account = self.own(name)
            if name.endswith(".owed"):
                account.owed -= sign * move.quantity
                if account.owed < 0:
                    raise LedgerFault(f"{name} would be settled by more than is owed")
                continue
            for lot, quantity in move.parts:
                account.change(lot, sign * quantity)

    def _sound(self, move: Move) -> bool:
        """Whether a move passes every check; where this says no, ``_check`` says why."""
        source, target, quantity, parts = move
        out = self.accounts.get(source)
        into = self.accounts.get(target)
        unit = out.unit if out is not None else into.unit if into is not None else ""
        if type(quantity) is not int or quantity <= 0 or (out is None and not source.startswith(WORLD)):
            return False
        if (into is None and not target.startswith(WORLD)) or (into is not None and into.unit != unit):
            return False
        left = quantity
        for lot, part in parts:
            if part <= 0 or lot.unit != unit:
                return False
            left -= part
        return not left

    def _check(self, move: Move) -> None:
        """LedgerFault where a move cannot be made, with the reason."""
        sides = [name for name in (move.source, move.target) if not name.startswith(WORLD)]
        unknown = [name for name in sides if name not in self.accounts]
        if unknown:
            raise LedgerFault(f"there is no account {unknown[0]}")
        if isinstance(move.quantity, bool) or not isinstance(move.quantity, int):
            raise LedgerFault(f"a posting moves a whole number of smallest units, not {type(move.quantity).__name__}")
        if move.quantity <= 0:
            raise LedgerFault(f"a posting moves more than nothing, not {move.quantity}")
        units = {self.accounts[name].unit for name in sides} | {part.lot.unit for part in move.parts}
        if len(units) > 1:
            raise LedgerFault(f"one posting, one unit, not {', '.join(sorted(units))}")
        needs_lots = any(not name.endswith(".owed") for name in sides)
        if (needs_lots or move.parts) and sum(part.quantity for part in move.parts) != move.quantity:
            raise LedgerFault(f"the lots sum to {sum(part.quantity for part in move.parts)}, the posting moves {move.quantity}")
        if any(part.quantity <= 0 for part in move.parts):
            raise LedgerFault("a posting names a lot without taking any of it")

    def merge(self, closed: Callable[[str], bool], day: date, lots: Sequence[Lot] = ()) -> None:
        """Lots that no rule and no order can tell apart become one.

        ``closed`` tells whether an origin can be undone no more; ``lots`` are those for which that has become so by ``day``.
        """
        for name, account in self.accounts.items():
            if name.endswith(".held"):
                continue  # a hold goes back into the lots it came from: its record tells them apart
            if account.parts and account.may_join(lots):
                self.own(name).join(closed, day, lots)

    def to_data(self) -> dict[str, Any]:
        """Accounts by name: unit, scale, and lots as rows (the lot's fields, then what remains); empty ones by name alone."""
        return {
            "first": self.first,
            "accounts": {
                name: {"unit": account.unit, "scale": account.scale, "owed": account.owed, "lots": [part.to_row() for _, part in account.parts]}
                for name, account in self.accounts.items()
            },
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Ledger:
        ledger = cls({}, {text(kind): text(name) for kind, name in data["first"].items()})
        for name, row in data["accounts"].items():
            account = Account(text(row["unit"]), whole(row["scale"]), ledger._owner, owed=whole(row["owed"]))
            if not 0 <= account.scale <= MAX_DIGITS or not 0 <= account.owed < 10**MAX_DIGITS:
                raise ValueError(f"account {name}: a scale from 0 to {MAX_DIGITS}, and a debt of as many digits that is not negative")
            account.read(row["lots"])
            if not all(quantity > 0 for _, quantity in account) or account.total >= 10**MAX_DIGITS:
                raise ValueError(f"account {name}: a lot of which nothing is left, or lots of more than {MAX_DIGITS} digits")
            ledger.accounts[name] = account
        return ledger
