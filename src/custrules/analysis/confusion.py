"""How often a yes was right and a no was: counts of four kinds, and the figures that are made of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

from custrules.money import Rounding, from_units, rounded

PLACES = 4
PRECISION = 50  # digits in which roots are taken, before anything is rounded


def share(part: int, whole: int, places: int = PLACES) -> Decimal | None:
    """A share, rounded half to even; None where there is nothing to have a share of."""
    return from_units(rounded(Fraction(part * 10**places, whole), Rounding.half_even), places) if whole else None


@dataclass(frozen=True, slots=True)
class Confusion:
    """Customers by what was said of them (flagged or not) and what became of them (gone or not).

    ``tp`` were flagged and went, ``fp`` were flagged and came back, ``fn`` went unflagged, ``tn`` did neither.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    @classmethod
    def of(cls, flagged: bool, gone: bool, times: int = 1) -> Confusion:
        return cls(*(times if (flagged, gone) == kind else 0 for kind in ((True, True), (True, False), (False, True), (False, False))))

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def total(self) -> int:
        return self.tp + self.fp + self.fn + self.tn

    @property
    def flagged(self) -> int:
        return self.tp + self.fp

    @property
    def gone(self) -> int:
        return self.tp + self.fn

    @property
    def base_rate(self) -> Decimal | None:
        """The share of those who went."""
        return share(self.gone, self.total)

    @property
    def flag_share(self) -> Decimal | None:
        return share(self.flagged, self.total)

    @property
    def accuracy(self) -> Decimal | None:
        """The share of all that were judged rightly; to say of everybody the same may already be right of most."""
        return share(self.tp + self.tn, self.total)

    @property
    def precision(self) -> Decimal | None:
        """Of those flagged, the share that went."""
        return share(self.tp, self.flagged)

    @property
    def recall(self) -> Decimal | None:
        """Of those who went, the share that was flagged."""
        return share(self.tp, self.gone)

    @property
    def specificity(self) -> Decimal | None:
        """Of those who came back, the share that was not flagged."""
        return share(self.tn, self.tn + self.fp)

    @property
    def mcc(self) -> Decimal | None:
        """Matthews' correlation of what was said with what became: 1 always right, 0 no better than chance, -1 always wrong.

        The root is taken in decimals at 50 digits, then rounded half to even. 0 where all were judged alike, or all became alike.
        """
        if not self.total:
            return None
        product = self.flagged * self.gone * (self.tn + self.fp) * (self.tn + self.fn)
        if not product:
            return Decimal(0).scaleb(-PLACES)
        exact = Context(prec=PRECISION, rounding=ROUND_HALF_EVEN)
        found = exact.divide(Decimal(self.tp * self.tn - self.fp * self.fn), exact.sqrt(Decimal(product)))
        return found.quantize(Decimal(1).scaleb(-PLACES), rounding=ROUND_HALF_EVEN, context=exact)

    def figures(self) -> dict[str, Any]:
        names = ("base_rate", "accuracy", "precision", "recall", "specificity", "mcc", "flag_share")
        return {name: getattr(self, name) for name in names}

    def to_data(self) -> dict[str, Any]:
        return {"tp": self.tp, "fp": self.fp, "fn": self.fn, "tn": self.tn}
