"""Points outside of orders: spent, set aside, sent to others, corrected by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import PlainValidator, model_validator

from custrules.event_fields import Id, Positive, Quantity
from custrules.event_parts import Brought, Lots
from custrules.events.base import Event
from custrules.fields import Frozen, Instant, Text, Whole, fault, instant_text, plain, read_flag
from custrules.money import Money


def _one_quantity(found: tuple[object, ...]) -> None:
    if len([one for one in found if one is not None]) != 1:
        raise fault("event.hold_of_one")


class Redemption(Event):
    """Points are spent outside an order: as money off, or for a ``quantity`` of a named ``reward``, whose price may be left out."""

    type: Literal["redemption"] = "redemption"
    brings_value: ClassVar[bool] = True
    points: Positive | None = None
    account: Id | None = None
    reward: Id | None = None
    quantity: Positive = Decimal(1)

    @model_validator(mode="after")
    def _says_what_is_redeemed(self) -> Self:
        if self.points is None and self.reward is None:
            raise fault("event.redemption_of_nothing")
        if self.reward is None and self.quantity != 1:
            raise fault("event.quantity_without_reward")
        return self


class RedemptionCancelled(Event):
    """A redemption is undone; ``of`` names it. All that is left of it, or so many ``points``; of a reward, or of visits, a ``quantity``."""

    type: Literal["redemption_cancelled"] = "redemption_cancelled"
    of: Id
    points: Positive | None = None
    quantity: Whole | None = None

    @model_validator(mode="after")
    def _at_most_one_part(self) -> Self:
        if self.quantity is not None and self.quantity <= 0:
            raise fault("event.cancelled_nothing", found=self.quantity)
        if self.points is not None and self.quantity is not None:
            raise fault("event.cancelled_of_both", points=self.points, quantity=self.quantity)
        return self


class Hold(Event):
    """Points, an ``amount`` of stored value, or visits (``used``) are set aside, to be captured or let go; ``until`` is the instant at
    which they go back if neither happened. ``list_amount``: what the amount would buy undiscounted."""

    type: Literal["hold"] = "hold"
    brings_value: ClassVar[bool] = True
    points: Positive | None = None
    amount: Money | None = None
    used: Positive | None = None
    account: Id | None = None
    until: Instant | None = None
    list_amount: Money | None = None

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        _one_quantity((self.points, self.amount, self.used))
        if self.amount is not None and self.amount.minor <= 0:
            raise fault("event.negative_amount", found=self.amount)
        if self.until is not None and self.until <= self.occurred_at:
            raise fault("event.hold_ends_too_early", until=instant_text(self.until), occurred_at=instant_text(self.occurred_at))
        return self


class Capture(Event):
    """What a hold set aside is taken, all of it or so many ``points`` (so much ``amount``, so many visits ``used``); the rest of it goes
    back. ``of`` names the hold."""

    type: Literal["capture"] = "capture"
    of: Id
    points: Positive | None = None
    amount: Money | None = None
    used: Positive | None = None

    @model_validator(mode="after")
    def _at_most_one_quantity(self) -> Self:
        if len([found for found in (self.points, self.amount, self.used) if found is not None]) > 1:
            raise fault("event.hold_of_one")
        return self

    @property
    def quantity(self) -> Decimal | None:
        """How much of the hold, in whatever it is of; None: all."""
        return self.amount.amount if self.amount is not None else self.points if self.points is not None else self.used


class Void(Event):
    """A hold is let go: all of it goes back. ``of`` names the hold."""

    type: Literal["void"] = "void"
    of: Id


class Transfer(Event):
    """Points go to another customer: out of the account of the sender, who names ``to``; into that of the receiver, when the signal that
    this makes is delivered as an event of the receiver's, which names the ``sender`` and the ``lots``.

    The whole of a stored value account goes where it names one: ``brought`` is what is told the receiver of it then, in place of ``lots``.
    ``back``: only points that came from ``to`` go there again, all of them where ``points`` does not say how many.
    """

    type: Literal["transfer"] = "transfer"
    brings_value: ClassVar[bool] = True
    to: Id | None = None
    points: Positive | None = None
    account: Id | None = None
    back: Annotated[bool, PlainValidator(read_flag)] = False
    sender: Id | None = None
    lots: Lots = ()
    brought: Brought = Frozen()

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.to is None) == (self.sender is None):
            raise fault("event.transfer_sides")
        if self.sender is None:
            return self._sent()
        if self.back or bool(self.lots) == bool(self.brought) or self.sender == self.customer_id:
            raise fault("event.transfer_received")
        if self.brought:
            return self
        total = sum((lot.quantity for lot in self.lots), Decimal(0))
        if self.points is not None and self.points != total:
            raise fault("event.lots_differ", points=plain(self.points), lots=plain(total))
        object.__setattr__(self, "points", total)
        return self

    def _sent(self) -> Self:
        if self.lots or self.brought:
            raise fault("event.transfer_sent")
        if self.points is None and not self.back and self.account is None:
            raise fault("event.transfer_of_nothing")
        return self

    @property
    def delivered(self) -> bool:
        """Whether it tells of what has happened elsewhere, and asks for nothing."""
        return self.sender is not None


class Adjustment(Event):
    """A correction by hand: ``quantity``, in the unit of the ``account``, is added to it or, where it is negative, taken from it."""

    type: Literal["adjustment"] = "adjustment"
    account: Id
    quantity: Quantity
    reason: Text
    approver: Text | None = None
