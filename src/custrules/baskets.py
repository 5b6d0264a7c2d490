"""The lines of an order while something comes back: what a return asks for is found among them, and taken out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Never

from custrules.events import ReturnLine
from custrules.money import Rounding, rounded
from custrules.order_lines import OrderLine, cost_of, price_of


class OrderFault(Exception):
    """A return that asks for what is not there: a reason code and its numbers."""

    code: str
    params: dict[str, Any]

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


class Basket:
    """An order's lines while something comes back. Lines are found by an index: thousands of them cost in proportion."""

    order_id: str
    lines: list[OrderLine]
    changed: bool

    def __init__(self, order_id: str, lines: Sequence[OrderLine]) -> None:
        self.order_id, self.lines, self.changed = order_id, list(lines), False
        self._index: dict[str, dict[Any, list[int]]] = {}

    def of_sku(self, sku: str | None) -> list[int]:
        return self._places("sku", lambda line: line.sku).get(sku, [])

    def of_price(self, price: tuple[int, int]) -> list[int]:
        """Lines whose amount ÷ quantity is a price, as ``price_of`` tells it."""
        return self._places("price", lambda line: price_of(line.amount, line.quantity)).get(price, [])

    def _places(self, name: str, key: Callable[[OrderLine], Any]) -> dict[Any, list[int]]:
        if name not in self._index:
            places: dict[Any, list[int]] = {}
            for place, line in enumerate(self.lines):
                places.setdefault(key(line), []).append(place)
            self._index[name] = places
        return self._index[name]

    def take(self, place: int, amount: int, quantity: Decimal) -> tuple[int, Decimal]:
        """Take at most so much out of one line; how much that was."""
        line = self.lines[place]
        taken, number = min(amount, line.left), min(quantity, line.quantity_left)
        self.lines[place] = line._replace(back=line.back + taken, back_quantity=line.back_quantity + number)
        self.changed = True
        return taken, number

    def give(self, asked: ReturnLine) -> None:
        """Take back what a line of a return asks for; OrderFault when that is more than is left."""
        places = self._named(asked)
        left = sum(self.lines[place].left for place in places)
        if asked.amount is None and asked.quantity is not None:
            short = self._give_quantity(asked.quantity, places)
        else:
            short = self._give_amount(asked, places)
        if short:
            self._refuse(asked, left)

    def _give_quantity(self, quantity: Decimal, places: Sequence[int]) -> bool:
        """Pieces come back with what they cost, line by line; whether there are too few."""
        for place in places:
            number = min(quantity, self.lines[place].quantity_left)
            self.take(place, cost_of(number, self.lines[place]), number)
            quantity -= number
        return quantity > 0

    def _give_amount(self, asked: ReturnLine, places: Sequence[int]) -> bool:
        """An amount comes back, line by line, and as many pieces as it says or stands for; whether there is too little."""
        amount, quantity = self._wanted(asked, [self.lines[place] for place in places])
        for place in places:
            taken, number = self.take(place, amount, quantity)
            amount, quantity = amount - taken, quantity - number
        return bool(amount or quantity > 0)

    def _named(self, asked: ReturnLine) -> list[int]:
        if asked.line is None:
            places = self.of_sku(asked.sku)
        else:
            fits = 1 <= asked.line <= len(self.lines) and asked.sku in (None, self.lines[asked.line - 1].sku)
            places = [asked.line - 1] if fits else []
        if not places:
            self._refuse(asked, 0)
        return places

    def _refuse(self, asked: ReturnLine, left: int) -> Never:
        raise OrderFault("event.exceeds_order", of=self.order_id, asked=asked.sku or str(asked.line), left=left)

    def _wanted(self, asked: ReturnLine, lines: Sequence[OrderLine]) -> tuple[int, Decimal]:
        """Amount and quantity that a line asks back: what it does not say follows from what it says."""
        left, quantity_left = sum(line.left for line in lines), sum((line.quantity_left for line in lines), Decimal(0))
        if asked.amount is None and asked.quantity is None:
            if not left and not quantity_left:
                self._refuse(asked, 0)
            return left, quantity_left
        assert asked.amount is not None
        share = Fraction(asked.amount.minor, left) if left else Fraction(0)
        quantity = asked.quantity if asked.quantity is not None else _decimal(Fraction(quantity_left) * min(share, Fraction(1)))
        return asked.amount.minor, quantity


def _decimal(value: Fraction) -> Decimal:
    """A fraction of a quantity in at most six decimals, rounded down: a quantity is never overdrawn by an amount."""
    return Decimal(rounded(value * 10**6, Rounding.floor)).scaleb(-6).normalize()
