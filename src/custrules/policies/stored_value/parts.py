"""Parts of lots: how much they are in all, the first so many units of them, and what is left after those."""

from __future__ import annotations

from collections.abc import Iterable

from custrules.ledger import GRANTED, PAID, LotPart


def total(parts: Iterable[LotPart]) -> int:
    return sum(part.quantity for part in parts)


def first(parts: Iterable[LotPart], quantity: int) -> list[LotPart]:
    """The first so many units of parts of lots."""
    found = []
    for lot, held in parts:
        taken = min(quantity, held)
        quantity -= taken
        if taken:
            found.append(LotPart(lot, taken))
    return found


def after(parts: Iterable[LotPart], quantity: int) -> list[LotPart]:
    """What is left after the first so many units."""
    found = []
    for lot, held in parts:
        gone = min(quantity, held)
        quantity -= gone
        if held > gone:
            found.append(LotPart(lot, held - gone))
    return found


def by_source(parts: Iterable[LotPart]) -> tuple[list[LotPart], list[LotPart]]:
    """What was paid, and what was given."""
    found = list(parts)
    return [part for part in found if part.lot.source == PAID], [part for part in found if part.lot.source == GRANTED]
