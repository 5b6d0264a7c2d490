"""Lots, parts of lots and moves of them: what accounts hold and what postings say; and the outsides they come from and go to.

Quantities are whole numbers of the unit's smallest part.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, NamedTuple

WORLD = "world."
ISSUED, SPENT, EXPIRED, REVERSED = "world.issued", "world.spent", "world.expired", "world.reversed"
ADJUSTED = "world.adjusted"
TRANSFERRED, FEES = "world.transferred", "world.fees"
OPENED, MERGED, FORFEITED = "world.opened", "world.merged", "world.forfeited"
REFUND, WRITTEN_OFF, DECAYED = "world.refund", "world.written_off", "world.decayed"  # what settles debt in place of points; what withers away
REFUNDED, DISPUTED = "world.refunded", "world.disputed"  # money that went back to who had paid it in, or was taken back by a bank
PAID, GRANTED = "paid", "granted"  # the sources of stored value: what was paid in, and what was given on top
LotOrder = Literal["soonest_expiry", "oldest", "newest"]
_AGAIN = "/again:"  # a part of an id has no slash, and a policy no colon
MAX_UNITS = 10**17  # smallest units in one lot, so that totals of accounts stay within 64 bits


class Lot(NamedTuple):
    """A quantity with one origin and one expiry; what remains of it belongs to the account that holds it.

    ``usable_from`` and ``last_day`` are local days, inclusive; ``last_day`` None never expires. ``origin`` is the id of the
    event that granted it, ``source`` what kind of grant it was (purchase, gratis, adjustment, bought; transfer and opening where
    nobody said; of stored value paid or granted). ``provenance`` is the customer from whom it came ('': it was granted here).
    """

    id: str
    unit: str
    origin: str
    day: date
    usable_from: date
    last_day: date | None
    granted: int
    source: str = ""
    provenance: str = ""

    @property
    def order(self) -> tuple[date, date, str]:
        """Soonest expiry, then oldest, then id; what never expires comes last."""
        return (self.last_day or date.max, self.day, self.id)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What rules can tell of a lot that is usable, once no order can undo it."""
        return (self.unit, self.last_day, self.source, self.provenance, self.again)

    @property
    def again(self) -> bool:
        """Whether it was let live again once, after its own last day: that happens to no lot twice."""
        return _AGAIN in self.id

    def renewed(self, last_day: date | None) -> Lot:
        """The same lot let live again, with another last day."""
        return self._replace(id=f"{self.id}{_AGAIN}{last_day or 'never'}", last_day=last_day)

    @property
    def first_id(self) -> str:
        """The id under which it was granted."""
        return self.id.partition(_AGAIN)[0]

    def usable(self, day: date) -> bool:
        return self.usable_from <= day and not self.expired(day)

    def expired(self, day: date) -> bool:
        return self.last_day is not None and self.last_day < day

    def to_row(self) -> list[Any]:
        """The fields in order; a provenance only where there is one."""
        last = self.last_day.isoformat() if self.last_day else None
        row = [self.id, self.unit, self.origin, self.day.isoformat(), self.usable_from.isoformat(), last, self.granted, self.source]
        return [*row, self.provenance] if self.provenance else row

    @classmethod
    def from_row(cls, row: list[Any]) -> Lot:
        lot, unit, origin, day, usable_from, last, granted, source, *whose = row
        if not type(lot) is type(unit) is type(origin) is type(source) is str or type(granted) is not int:
            raise TypeError("a lot's id, unit, origin and source are text, what was granted is a whole number")
        first, usable = date.fromisoformat(day), date.fromisoformat(usable_from)
        last_day = date.fromisoformat(last) if last is not None else None
        return cls(lot, unit, origin, first, usable, last_day, granted, source, _provenance(whose) if whose else "")


class LotPart(NamedTuple):
    """So much of a lot."""

    lot: Lot
    quantity: int

    def to_row(self) -> list[Any]:
        """The lot's fields, then how much of it."""
        (lot, unit, origin, day, usable_from, last, granted, source, whose), left = self
        ends = last.isoformat() if last is not None else None
        if whose:
            return [lot, unit, origin, day.isoformat(), usable_from.isoformat(), ends, granted, source, whose, left]
        return [lot, unit, origin, day.isoformat(), usable_from.isoformat(), ends, granted, source, left]


class Move(NamedTuple):
    """One movement before it has an id: source account, target account, quantity, and the lots it is made of."""

    source: str
    target: str
    quantity: int
    parts: tuple[LotPart, ...] = ()

    def to_row(self) -> list[Any]:
        return [self.source, self.target, self.quantity, [part.to_row() for part in self.parts]]

    @classmethod
    def from_row(cls, row: list[Any]) -> Move:
        source, target, quantity, parts = row
        return cls(text(source), text(target), whole(quantity), tuple([LotPart(Lot.from_row(part[:-1]), whole(part[-1])) for part in parts]))


class LedgerFault(Exception):
    """A move that cannot be made; the kernel names the policy and the event."""


def _provenance(rest: list[Any]) -> str:
    (whose,) = rest
    if not text(whose):
        raise ValueError("a lot that came from nobody has no provenance on the wire")
    return str(whose)


def escaped(part: str) -> str:
    """A part of an effect's or lot's id: a slash inside is escaped."""
    return part.replace("%", "%25").replace("/", "%2F")


def whole(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected a whole number, found {type(value).__name__}")
    return value


def text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {type(value).__name__}")
    return value
