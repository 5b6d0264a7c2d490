"""What was sold, and how it was paid: lines and tenders of an order, and what a price is.

Amounts are whole numbers of the currency's smallest unit; quantities have at most six decimals.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Any, NamedTuple

from custrules.fields import plain, read_decimal
from custrules.ledger import text, whole
from custrules.money import Rounding, rounded

# The tenders that are neither money nor stored value: they do not earn, and no cash goes back for them.
NOT_EARNING = frozenset({"points", "gift_card", "coupon"})
MONEY = frozenset({"cash", "card"})


class OrderLine(NamedTuple):
    """A line as it was sold, and how much of it came back (by its own name; amounts spread over the order not counted)."""

    sku: str | None
    category: str | None
    quantity: Decimal
    amount: int
    cost: int
    back: int = 0
    back_quantity: Decimal = Decimal(0)

    @property
    def left(self) -> int:
        return self.amount - self.back

    @property
    def quantity_left(self) -> Decimal:
        return self.quantity - self.back_quantity

    def to_row(self) -> list[Any]:
        return [self.sku, self.category, plain(self.quantity), self.amount, self.cost, self.back, plain(self.back_quantity)]

    @classmethod
    def from_row(cls, row: list[Any]) -> OrderLine:
        sku, category, quantity, amount, cost, back, back_quantity = row
        if not type(amount) is type(cost) is type(back) is int:
            raise TypeError("amounts and costs of a line are whole numbers")
        sold, returned = _quantity(quantity), _quantity(back_quantity)
        if not 0 <= back <= amount or not 0 <= returned <= sold or not sold:
            raise ValueError("a line of which more came back than was sold")
        return cls(_optional_text(sku), _optional_text(category), sold, amount, cost, back, returned)


class OrderTender(NamedTuple):
    """A way in which an order was paid; ``quantity`` (points) in smallest units of its account."""

    type: str
    amount: int
    quantity: Decimal | None = None
    reference: str | None = None

    def to_row(self) -> list[Any]:
        return [self.type, self.amount, plain(self.quantity) if self.quantity is not None else None, self.reference]

    @classmethod
    def from_row(cls, row: list[Any]) -> OrderTender:
        kind, amount, quantity, reference = row
        return cls(text(kind), whole(amount), read_decimal(quantity) if quantity is not None else None, _optional_text(reference))


def price_of(amount: int, quantity: Decimal) -> tuple[int, int]:
    """Amount ÷ quantity in lowest terms; quantities have at most six decimals."""
    number = int(quantity.scaleb(6))
    common = gcd(amount, number)
    return amount // common, number // common


def cost_of(number: Decimal, line: OrderLine) -> int:
    """What so many pieces of a line cost: the running total rounded, so that parts sum to the whole."""
    if number == line.quantity_left:
        return line.left if number else 0
    kept = rounded(line.amount * Fraction(line.quantity_left - number) / Fraction(line.quantity), Rounding.half_up)
    return max(0, line.left - kept)


def _quantity(value: object) -> Decimal:
    return _quantity_of(value) if type(value) is str else read_decimal(value)


@lru_cache(maxsize=4096)
def _quantity_of(value: str) -> Decimal:
    return read_decimal(value)


def _optional_text(value: object) -> str | None:
    return None if value is None else text(value)
