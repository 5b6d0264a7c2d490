"""Stored value goes back in money: what is asked for, what is decided, what was paid."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import PlainValidator, model_validator

from custrules.event_fields import Id, Tags
from custrules.events.base import Event
from custrules.fields import Day, Name, Text, Whole, fault, read_flag
from custrules.money import Money


class RefundRequest(Event):
    """A refund is asked for, because of a ``cause``: ``of`` one top-up, or of all of an ``account`` (the program's first of stored value
    where neither is named); of all that can be refunded, or of an ``amount``, before fees, or of so many ``visits`` of a card.

    ``of`` a request that stands: what it lacked is added (``documents``, gifts that were ``returned``), and it is reckoned anew.
    ``stopped``: the first day on which the merchant no longer served; ``rescinded``: the day of rescission, where it was before the
    request; ``absent``: days on which the customer could not be served; ``experienced``: whether she had had the same before she paid;
    ``by``: who asks on her behalf.
    """

    type: Literal["refund_request"] = "refund_request"
    brings_value: ClassVar[bool] = True
    cause: Name
    of: Id | None = None
    account: Id | None = None
    amount: Money | None = None
    visits: Whole | None = None
    stopped: Day | None = None
    rescinded: Day | None = None
    absent: Whole = 0
    experienced: Annotated[bool, PlainValidator(read_flag)] = False
    documents: Tags = ()
    returned: Tags = ()
    by: Id | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.of is not None and self.account is not None:
            raise fault("event.refund_of_both", of=self.of, account=self.account)
        if self.amount is not None and self.amount.minor <= 0:
            raise fault("event.refund_of_nothing", found=self.amount)
        if self.visits is not None and self.visits <= 0:
            raise fault("event.refund_of_nothing", found=self.visits)
        if self.visits is not None and self.amount is not None:
            raise fault("event.refund_of_amount_and_visits", amount=self.amount, visits=self.visits)
        if self.absent < 0:
            raise fault("event.refund_absent", found=self.absent)
        return self


class RefundDecision(Event):
    """The request ``of`` was approved or rejected, by a role of the approval ladder, or by whoever decides."""

    type: Literal["refund_decision"] = "refund_decision"
    of: Id
    approved: Annotated[bool, PlainValidator(read_flag)]
    by: Id | None = None
    reason: Text = ""


class RefundPaid(Event):
    """The refund asked for with ``of`` was paid; the ``amount``, where it is told, is what was due."""

    type: Literal["refund_paid"] = "refund_paid"
    of: Id
    amount: Money | None = None
