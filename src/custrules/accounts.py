"""What remains of each lot in one account or bucket, in lot order; or, of a debt, how much is owed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

from custrules.lots import MAX_UNITS, LedgerFault, Lot, LotOrder, LotPart, whole

Entry = tuple[tuple[date, date, str], LotPart]
"""A part of a lot under its lot's order."""


class Account:
    """What remains of each lot in one bucket, in lot order; or, for a debt, how much is owed.

    ``total`` is the sum of the parts, ``usable_from`` no earlier than any part's. ``loose`` are the places (lot orders) where
    parts have become neighbours since like lots were last joined. ``kept`` and ``ends`` are rules of the account, not dates of
    its lots: up to ``kept`` nothing here lapses; ``ends`` is the last usable day of lots that have none of their own. ``only`` is the
    one source of lots that may enter, where there is one: of principal ``paid``, of a bonus ``granted``.
    """

    __slots__ = ("ends", "kept", "loose", "only", "owed", "owner", "parts", "scale", "total", "unit", "usable_from")
    ends: date | None
    kept: date | None
    loose: list[tuple[date, date, str]]
    only: str
    owed: int
    owner: object
    parts: list[Entry]
    scale: int
    total: int
    unit: str
    usable_from: date

    def __init__(self, unit: str, scale: int, owner: object, owed: int = 0, only: str = "") -> None:
        self.unit, self.scale, self.owner, self.owed, self.only = unit, scale, owner, owed, only
        self.parts, self.total, self.usable_from, self.loose = [], 0, date.min, []
        self.kept = self.ends = None

    def copy(self, owner: object) -> Account:
        twin = Account.__new__(Account)
        twin.unit, twin.scale, twin.owner, twin.owed, twin.only = self.unit, self.scale, owner, self.owed, self.only
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
