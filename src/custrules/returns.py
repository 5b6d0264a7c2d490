"""The ``returns:`` section, and how an order is found for a return that names none. Amounts are split in ``orders``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from custrules.baskets import Basket
from custrules.calendars import Length
from custrules.events import Return
from custrules.fields import one_of, wrong_type
from custrules.order_lines import price_of
from custrules.orders import Order

Method = Literal["same_sku_latest", "same_price_latest"]
_METHODS = ("same_sku_latest", "same_price_latest")


def _read_methods(value: object) -> object:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not value or len(set(map(str, value))) != len(value):
        raise wrong_type("a list of methods, each once: [same_sku_latest, same_price_latest]", value)
    return tuple(value)


_METHOD_SCHEMA: dict[str, Any] = {"enum": list(_METHODS)}
_METHODS_SCHEMA = WithJsonSchema({"anyOf": [_METHOD_SCHEMA, {"type": "array", "items": _METHOD_SCHEMA, "minItems": 1, "uniqueItems": True}]})


class Matching(BaseModel):
    """How an order is found for a return that names none: the ``match`` methods in turn, over orders ``within`` a length.

    What finds no order is ``unmatched``: ``spend_only`` lowers the spend of the day of the return, ``to_person`` does so
    and asks for a person to look at it, ``decline`` refuses the return.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    match: Annotated[tuple[Annotated[Method, one_of(*_METHODS)], ...], BeforeValidator(_read_methods), _METHODS_SCHEMA] = ("same_sku_latest",)
    within: Length = Length.parse("90 days")
    unmatched: Annotated[Literal["spend_only", "decline", "to_person"], one_of("spend_only", "decline", "to_person")] = "spend_only"


class ReturnsRule(BaseModel):
    """The program's ``returns:`` section.

    ``coupons``: a coupon keeps its share of what is kept (``keep_share``), or is lost, and charged, where what is kept does not come to
    the ``minimum`` that its tender named (``requalify``). ``top_up_window``: for how long a top-up is remembered at least; it is as long
    as anything of it is left.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    window: Length = Length.parse("366 days")
    top_up_window: Length = Length.parse("18 months")
    tenders: Annotated[Literal["reverse", "pro_rata"], one_of("reverse", "pro_rata")] = "reverse"
    coupons: Annotated[Literal["keep_share", "requalify"], one_of("keep_share", "requalify")] = "keep_share"
    matching: Matching | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One order touched by a return: as it stood before and as it stands after."""

    before: Order
    after: Order

    @property
    def amount(self) -> int:
        return self.after.returned - self.before.returned


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a line of a return still looks for."""

    sku: str | None
    amount: int
    quantity: Decimal
    price: tuple[int, int]

    def less(self, amount: int, quantity: Decimal) -> Wanted:
        return Wanted(self.sku, self.amount - amount, self.quantity - quantity, self.price)


def find_orders(rule: Matching | None, event: Return, day: date, orders: Iterable[Order]) -> tuple[list[Part], list[Wanted]]:
    """The orders that a return without ``of`` belongs to, and what is left for which none was found.

    Lines look one after the other; each method takes the latest order with something left, then the next latest.
    """
    candidates = _candidates(rule, event, day, orders) if rule is not None else []
    baskets = [order.basket() for order in candidates]
    touched: dict[int, None] = {}
    unmatched: list[Wanted] = []
    for wanted in _wanted(event):
        left = wanted
        for method in rule.match if rule is not None else ():
            left = _look(method, left, baskets, touched)
        unmatched += [left] if left.amount else []
    return [Part(candidates[place], candidates[place].after(baskets[place])) for place in touched], unmatched


def _candidates(rule: Matching, event: Return, day: date, orders: Iterable[Order]) -> list[Order]:
    earlier = (order for order in orders if order.type == "purchase" and order.occurred_at <= event.occurred_at)
    fitting = [order for order in earlier if rule.within.after(order.day) >= day]
    return sorted(fitting, key=lambda order: (order.occurred_at, order.id), reverse=True)


def _wanted(event: Return) -> Iterator[Wanted]:
    if not event.lines:
        assert event.amount is not None
        yield Wanted(None, event.amount.minor, Decimal(1), price_of(event.amount.minor, Decimal(1)))
    for line in event.lines:
        assert line.amount is not None
        quantity = line.quantity or Decimal(1)
        yield Wanted(line.sku, line.amount.minor, quantity, price_of(line.amount.minor, quantity))


def _look(method: Method, wanted: Wanted, baskets: Sequence[Basket], touched: dict[int, None]) -> Wanted:
    """Take what a line wants out of the baskets that fit, in order; what is left of it. Notes which baskets were touched."""
    for number, basket in enumerate(baskets):
        if not wanted.amount:
            break
        for place in _fitting(method, wanted, basket):
            if wanted.amount and basket.lines[place].left:
                wanted = wanted.less(*basket.take(place, wanted.amount, wanted.quantity))
                touched[number] = None
    return wanted


def _fitting(method: Method, wanted: Wanted, basket: Basket) -> list[int]:
    if method == "same_sku_latest":
        return basket.of_sku(wanted.sku) if wanted.sku is not None else []
    return basket.of_price(wanted.price)
