"""What points are worth in money."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules.errors import Diagnostic, MoneyError
from custrules.fields import Number
from custrules.money import to_units
from custrules.policies.points.levels import PositiveByLevel, level_faults, positive, values_of
from custrules.policy import Known


class Value(BaseModel):
    """So many ``points`` stand for so much ``money``, which may differ by level."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    points: Annotated[Number, BeforeValidator(positive)]
    money: PositiveByLevel

    @property
    def least(self) -> Decimal:
        """The money at the level that gets least for its points."""
        return min((Decimal(money) for _, money in values_of(self.money)))

    def of_unit(self, points_scale: int, money_scale: int, money: Decimal | Fraction) -> Fraction:
        """What one smallest unit of points is worth in smallest units of money, where all ``points`` are worth so much ``money``."""
        return _quotient(money, money_scale, self.points, points_scale)

    def faults(self, known: Known) -> Iterator[Diagnostic]:
        """Amounts finer than the currency, and levels that are none, at paths under ``value``."""
        for level, money in values_of(self.money):
            yield from money_faults(f"value.money.{level}" if level else "value.money", money, known.scale)
        yield from level_faults("value.money", self.money, known)


def money_faults(path: str, amount: Decimal, scale: int) -> Iterator[Diagnostic]:
    """An amount with more decimals than the currency has."""
    try:
        to_units(amount, scale, "the currency")
    except MoneyError:
        yield Diagnostic("document.bad_money", path, {"reason": f"at most {scale} decimals"})


@lru_cache(maxsize=1024)
def _quotient(money: Decimal | Fraction, money_scale: int, points: Decimal, points_scale: int) -> Fraction:
    return Fraction(money) * Fraction(10) ** (money_scale - points_scale) / Fraction(points)
