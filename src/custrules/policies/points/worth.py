"""What points are worth in money."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules.fields import Amount, Number, read_decimal, wrong_type


def positive(value: object) -> Decimal:
    number = read_decimal(value)
    if number <= 0:
        raise wrong_type("a number above zero", value)
    return number


class Value(BaseModel):
    """So many ``points`` stand for so much ``money``."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    points: Annotated[Number, BeforeValidator(positive)]
    money: Annotated[Amount, BeforeValidator(positive)]

    def of_unit(self, points_scale: int, money_scale: int) -> Fraction:
        """What one smallest unit of points is worth in smallest units of money."""
        return _quotient(self.money, money_scale, self.points, points_scale)


@lru_cache(maxsize=1024)
def _quotient(money: Decimal, money_scale: int, points: Decimal, points_scale: int) -> Fraction:
    return Fraction(money) * Fraction(10) ** (money_scale - points_scale) / Fraction(points)
