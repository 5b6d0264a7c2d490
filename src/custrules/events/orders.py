"""Orders: what is bought and how it is paid, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from custrules.event_fields import Id, NotNegative, Positive, Tags
from custrules.events.base import FILLED_IN, Event
from custrules.fields import Day, Whole, fault, one_of, read_flag
from custrules.money import Money

MAX_LINES = 10_000


def _not_negative(value: Money) -> Money:
    if value.minor < 0:
        raise fault("event.negative_amount", found=value)
    return value


TenderType = Literal["cash", "card", "points", "stored_value", "gift_card", "coupon"]
_TENDERS = ("cash", "card", "points", "stored_value", "gift_card", "coupon")


class Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")


class Line(Part):
    """One line of an order. ``amount`` is what is asked for the whole line, ``tax`` the part of it that is tax, ``list_amount`` what it
    costs undiscounted. A line of category or tag ``delivery``, ``tax``, ``gift_card`` or ``top_up`` is one of these."""

    sku: Id | None = None
    category: Id | None = None
    quantity: Positive = Decimal(1)
    amount: Money
    list_amount: Money | None = None
    cost: Money | None = None
    tax: Money | None = None
    tags: Tags = ()

    @model_validator(mode="after")
    def _tax_is_a_part(self) -> Self:
        if self.tax is not None and not 0 <= self.tax.minor <= self.amount.minor:
            raise fault("event.tax_above_amount", tax=self.tax, amount=self.amount)
        return self


class Tender(Part):
    """One way in which an order is paid: its ``amount``, for points also their ``quantity``; for a coupon the ``minimum`` that an order
    has to come to for it."""

    type: Annotated[TenderType, one_of(*_TENDERS)]
    amount: Money
    quantity: Positive | None = None
    reference: Id | None = None
    minimum: Money | None = None

    @model_validator(mode="after")
    def _points_say_how_many(self) -> Self:
        if (self.type == "points") != (self.quantity is not None):
            raise fault("event.points_quantity", tender=self.type)
        if self.minimum is not None and self.type != "coupon":
            raise fault("event.minimum_of_a_coupon", tender=self.type)
        return self


class ReturnLine(Part):
    """A returned line: named by ``line`` (counting from 1) or ``sku``; as much of it as ``amount`` or ``quantity`` says."""

    line: Whole | None = None
    sku: Id | None = None
    quantity: Positive | None = None
    amount: Money | None = None


def _read_tenders(value: object) -> object:
    """Tenders as a list, or as a mapping of type to amount or fields, in the order named."""
    if not isinstance(value, Mapping):
        return value
    rows = []
    for kind, item in value.items():
        rows.append({**item, "type": kind} if isinstance(item, Mapping) and "type" not in item else {"type": kind, "amount": item})
    return rows


class Purchase(Event):
    """An order: ``lines`` and ``tenders``, or simply ``amount``. What is given must agree; what is not is filled in."""

    type: Literal["purchase"] = "purchase"
    amount: Money = FILLED_IN
    lines: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES)] = ()
    tenders: Annotated[tuple[Tender, ...], BeforeValidator(_read_tenders), Field(max_length=100)] = ()
    list_amount: Money | None = None

    @model_validator(mode="after")
    def _amounts_agree(self) -> Self:
        totals = {"amount": self.amount, "lines": total_of(self.lines), "tenders": total_of(self.tenders)}
        given = {name: total for name, total in totals.items() if total is not None}
        if not given:
            raise fault("event.no_amount")
        _one_currency(self)
        amount, *others = given.values()
        if any(other != amount for other in others):
            raise fault("event.amounts_differ", totals=", ".join(f"{name} {total}" for name, total in given.items()))
        _not_negative(amount)
        for part in (*(line.amount for line in self.lines), *(tender.amount for tender in self.tenders)):
            _not_negative(part)
        object.__setattr__(self, "amount", amount)
        return self


class Return(Event):
    """Goods came back: of the purchase ``of``, or of none that is named (then ``returns.matching`` of the program says how one is found).

    What comes back: ``lines``, or an ``amount``, or, with neither, all that is left of the purchase. ``withdrawal``: by law, within
    the days in which the customer may withdraw from the contract: nothing is kept back from the refund.
    """

    type: Literal["return"] = "return"
    of: Id | None = None
    lines: Annotated[tuple[ReturnLine, ...], Field(max_length=MAX_LINES)] = ()
    amount: Money | None = None
    withdrawal: Annotated[bool, PlainValidator(read_flag)] = False

    @model_validator(mode="after")
    def _says_what_comes_back(self) -> Self:
        if self.lines and self.amount is not None and total_of(self.lines) != self.amount:
            raise fault("event.amounts_differ", totals=f"amount {self.amount}, lines {total_of(self.lines)}")
        for part in (self.amount, *(line.amount for line in self.lines)):
            if part is not None:
                _not_negative(part)
        if self.of is None:
            if self.amount is None and not self.lines:
                raise fault("event.return_of_nothing")
            if any(line.amount is None or line.line is not None for line in self.lines):
                raise fault("event.return_needs_amounts")
        elif any(line.line is None and line.sku is None for line in self.lines):
            raise fault("event.return_names_no_line")
        _one_currency(self)
        return self


class Gift(Part):
    """What is given in kind with a top-up, and what it is fairly worth."""

    item: Id
    value: Money


class TopUp(Event):
    """Money is paid in: ``amount`` (or ``tenders``) into ``account``, the program's first of stored value where none is named.

    What it brings where no ladder says so: ``given`` on top (in the account's unit), of an account in visits how many were ``paid``
    for and the ``list_price`` of one, of one for a period the day on which it ``starts``. ``gifts`` in kind with their fair value. Of two
    top-ups the one with the lower ``priority`` is spent first where the spending goes by it.
    """

    type: Literal["top_up"] = "top_up"
    brings_value: ClassVar[bool] = True
    amount: Money = FILLED_IN
    account: Id | None = None
    tenders: Annotated[tuple[Tender, ...], BeforeValidator(_read_tenders), Field(max_length=100)] = ()
    paid: Positive | None = None
    given: NotNegative | None = None
    list_price: Money | None = None
    starts: Day | None = None
    gifts: Annotated[tuple[Gift, ...], Field(max_length=100)] = ()
    priority: Whole | None = None

    @model_validator(mode="after")
    def _amounts_agree(self) -> Self:
        total = total_of(self.tenders)
        if self.amount is None and total is None:
            raise fault("event.no_amount")
        _same_currency(moneys_in(self))
        amount = self.amount if self.amount is not None else total
        if total is not None and total != amount:
            raise fault("event.amounts_differ", totals=f"amount {amount}, tenders {total}")
        for found in moneys_in(self):
            _not_negative(found)
        unpaid = next((tender.type for tender in self.tenders if tender.type in ("points", "coupon", "stored_value")), None)
        if unpaid is not None:
            raise fault("event.top_up_tender", tender=unpaid)
        object.__setattr__(self, "amount", amount)
        return self


class Chargeback(Event):
    """A bank takes back what a top-up had paid, ``of`` it: ``amount``, or all that is left of it where that is not said.

    ``dispute``: ``opened`` when the money goes; ``won`` when it comes back, and what it had bought with it; ``lost`` when it is gone.
    """

    type: Literal["chargeback"] = "chargeback"
    of: Id
    amount: Money | None = None
    dispute: Annotated[Literal["opened", "won", "lost"], one_of("opened", "won", "lost")] = "opened"

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.amount is not None and self.amount.minor <= 0:
            raise fault("event.negative_amount", found=self.amount)
        return self


def total_of(parts: tuple[Line, ...] | tuple[Tender, ...] | tuple[ReturnLine, ...]) -> Money | None:
    """The sum of the parts' amounts; None where there are none."""
    amounts = [part.amount for part in parts if part.amount is not None]
    _same_currency(amounts)
    return Money.from_minor(sum(amount.minor for amount in amounts), amounts[0].currency) if amounts else None


def moneys_in(event: Event) -> list[Money]:
    """Every amount that an event carries."""
    if isinstance(event, TopUp):
        moneys = [event.amount, event.list_price, *(gift.value for gift in event.gifts), *(tender.amount for tender in event.tenders)]
        return [amount for amount in moneys if amount is not None]
    if not isinstance(event, Purchase | Return):
        return []
    amounts = [event.amount, *(part.amount for part in event.lines)]
    if isinstance(event, Purchase):
        amounts += [event.list_amount, *(amount for part in event.tenders for amount in (part.amount, part.minimum))]
        amounts += [extra for line in event.lines for extra in (line.list_amount, line.cost, line.tax)]
    return [amount for amount in amounts if amount is not None]


def _one_currency(event: Purchase | Return) -> None:
    _same_currency(moneys_in(event))


def _same_currency(amounts: list[Money]) -> None:
    currencies = sorted({amount.currency for amount in amounts})
    if len(currencies) > 1:
        raise fault("event.currencies_mixed", found=", ".join(currencies))
