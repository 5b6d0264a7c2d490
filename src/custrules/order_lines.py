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
# The kinds of lines that rules may leave out; a line is of a kind by its category or one of its tags.
LINE_KINDS = ("delivery", "gift_card", "tax", "top_up")


class OrderLine(NamedTuple):
    """A line as it was sold, and how much of it came back (by its own name; amounts spread over the order not counted).

    ``tax`` is the part of the amount that is tax; of the ``tags``, those are kept that say of which kind the line is.
    """

    sku: str | None
    category: str | None
    quantity: Decimal
    amount: int
    cost: int
    back: int = 0
    back_quantity: Decimal = Decimal(0)
    list_amount: int | None = None
    tax: int = 0
    tags: tuple[str, ...] = ()

    @property
    def left(self) -> int:
        return self.amount - self.back

    @property
    def quantity_left(self) -> Decimal:
        return self.quantity - self.back_quantity

    def quantity_kept(self, kept: int) -> Fraction:
        """How many pieces are kept, of whose amount so much is: where money came back without them, in proportion to it."""
        pieces, sold = Fraction(self.quantity_left), Fraction(self.quantity)
        enough = kept >= rounded(self.amount * pieces / sold, Rounding.floor)
        return pieces if enough else sold * Fraction(kept, self.amount)

    def share_kept(self, kept: int) -> Fraction:
        """How much of it is kept, of whose amount so much is: by amount, or, where it cost nothing, by quantity."""
        return Fraction(kept, self.amount) if self.amount else Fraction(self.quantity_left) / Fraction(self.quantity)

    def is_kept(self, kept: int) -> bool:
        """Whether anything of it is kept, of whose amount so much is."""
        return kept > 0 or (not self.amount and self.quantity_left > 0)

    def is_of(self, kinds: frozenset[str]) -> bool:
        """Whether it is of one of some kinds."""
        return self.category in kinds or not kinds.isdisjoint(self.tags)

    def to_row(self) -> list[Any]:
        row: list[Any] = [self.sku, self.category, plain(self.quantity), self.amount, self.cost, self.back, plain(self.back_quantity)]
        more = [self.list_amount, self.tax, list(self.tags)]
        return row + more if more != [None, 0, []] else row

    @classmethod
    def from_row(cls, row: list[Any]) -> OrderLine:
        sku, category, quantity, amount, cost, back, back_quantity, *more = row
        list_amount, tax, tags = more or (None, 0, [])
        if not type(amount) is type(cost) is type(back) is int:
            raise TypeError("amounts and costs of a line are whole numbers")
        sold, returned = _quantity(quantity), _quantity(back_quantity)
        if not 0 <= back <= amount or not 0 <= returned <= sold or not sold:
            raise ValueError("a line of which more came back than was sold")
        if not 0 <= whole(tax) <= amount or not isinstance(tags, list):
            raise ValueError("a line whose tax is not a part of its amount, or whose tags are no list")
        names = tuple([text(tag) for tag in tags])
        listed = whole(list_amount) if list_amount is not None else None
        return cls(_optional_text(sku), _optional_text(category), sold, amount, cost, back, returned, listed, tax, names)


class OrderTender(NamedTuple):
    """A way in which an order was paid; ``quantity`` (points) in smallest units of its account. ``minimum``: what must be kept of the
    order for a coupon not to be lost; None: it keeps its share."""

    type: str
    amount: int
    quantity: Decimal | None = None
    reference: str | None = None
    minimum: int | None = None

    def to_row(self) -> list[Any]:
        row: list[Any] = [self.type, self.amount, plain(self.quantity) if self.quantity is not None else None, self.reference]
        return [*row, self.minimum] if self.minimum is not None else row

    @classmethod
    def from_row(cls, row: list[Any]) -> OrderTender:
        kind, amount, quantity, reference, *more = row
        (minimum,) = more or (None,)
        points = read_decimal(quantity) if quantity is not None else None
        return cls(text(kind), whole(amount), points, _optional_text(reference), whole(minimum) if minimum is not None else None)


def listed_at(line: OrderLine, order_amount: int, order_listed: int | None, lines: int) -> Fraction:
    """What a line costs undiscounted; where only the order says so, its share of that by amount."""
    if line.list_amount is not None or order_listed is None:
        return Fraction(line.amount if line.list_amount is None else line.list_amount)
    return Fraction(order_listed * line.amount, order_amount) if order_amount else Fraction(order_listed, lines)


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
