"""Returns: how a returned amount is split, and how an order is found for a return that names none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules.calendars import Length
from custrules.events import Return
from custrules.fields import one_of, wrong_type
from custrules.orders import Order

Method = Literal["same_sku_latest", "same_price_latest"]
_METHODS = ("same_sku_latest", "same_price_latest")


def _read_methods(value: object) -> object:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not value or len(set(map(str, value))) != len(value):
        raise wrong_type("a list of methods, each once: [same_sku_latest, same_price_latest]", value)
    return tuple(value)


class Matching(BaseModel):
    """How an order is found for a return that names none: the ``match`` methods in turn, over orders ``within`` a length.

    What finds no order is ``unmatched``: ``spend_only`` lowers the spend of the day of the return, ``to_person`` does so
    and asks for a person to look at it, ``decline`` refuses the return.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: Annotated[tuple[Annotated[Method, one_of(*_METHODS)], ...], BeforeValidator(_read_methods)] = ("same_sku_latest",)
    within: Length = Length.parse("90 days")
    unmatched: Annotated[Literal["spend_only", "decline", "to_person"], one_of("spend_only", "decline", "to_person")] = "spend_only"


class ReturnsRule(BaseModel):
    """The program's ``returns:`` section."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    later_fields: ClassVar[tuple[str, ...]] = ("top_up_window",)

    window: Length = Length.parse("366 days")
    tenders: Annotated[Literal["reverse", "pro_rata"], one_of("reverse", "pro_rata")] = "reverse"
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
    price: Fraction

    def less(self, amount: int, quantity: Decimal) -> Wanted:
        return Wanted(self.sku, self.amount - amount, self.quantity - quantity, self.price)


def find_orders(rule: Matching | None, event: Return, day: date, orders: Iterable[Order]) -> tuple[list[Part], list[Wanted]]:
    """The orders that a return without ``of`` belongs to, and what is left for which none was found.

    Lines look one after the other; each method takes the latest order with something left, then the next latest.
    """
    touched: dict[str, Part] = {}
    unmatched: list[Wanted] = []
    candidates = _candidates(rule, event, day, orders) if rule is not None else []
    for wanted in _wanted(event):
        left = wanted
        for method in rule.match if rule is not None else ():
            left = _look(method, left, candidates, touched)
        unmatched += [left] if left.amount else []
    return list(touched.values()), unmatched


def _candidates(rule: Matching, event: Return, day: date, orders: Iterable[Order]) -> list[Order]:
    fitting = [
        order for order in orders if order.type == "purchase" and order.occurred_at <= event.occurred_at and rule.within.after(order.day) >= day
    ]
    return sorted(fitting, key=lambda order: (order.occurred_at, order.id), reverse=True)


def _wanted(event: Return) -> Iterator[Wanted]:
    if not event.lines:
        assert event.amount is not None
        yield Wanted(None, event.amount.minor, Decimal(1), Fraction(event.amount.minor))
    for line in event.lines:
        assert line.amount is not None
        quantity = line.quantity or Decimal(1)
        yield Wanted(line.sku, line.amount.minor, quantity, Fraction(line.amount.minor) / Fraction(quantity))


def _look(method: Method, wanted: Wanted, candidates: Sequence[Order], touched: dict[str, Part]) -> Wanted:
    for candidate in candidates:
        if not wanted.amount:
            break
        part = touched.get(candidate.id) or Part(candidate, candidate)
        wanted, part = _take(method, wanted, part)
        if part.after is not part.before:
            touched[candidate.id] = part
    return wanted


def _take(method: Method, wanted: Wanted, part: Part) -> tuple[Wanted, Part]:
    order = part.after
    lefts = order.kept()
    for place, line in enumerate(order.lines):
        if not wanted.amount or not lefts[place] or not _fits(method, wanted, line.sku, line.amount, line.quantity):
            continue
        amount, quantity = min(wanted.amount, lefts[place]), min(wanted.quantity, line.quantity_left)
        order = order.matched(place, amount, quantity)
        wanted = wanted.less(amount, quantity)
    return wanted, Part(part.before, order)


def _fits(method: Method, wanted: Wanted, sku: str | None, amount: int, quantity: Decimal) -> bool:
    if method == "same_sku_latest":
        return wanted.sku is not None and wanted.sku == sku
    return Fraction(amount) / Fraction(quantity) == wanted.price
