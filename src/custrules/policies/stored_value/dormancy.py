"""A fee on an account that is not used: after how long, how much, how often, of which balances, out of which bucket first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from custrules.calendars import ONE_DAY, Length
from custrules.decisions import Status
from custrules.errors import Diagnostic
from custrules.fields import Frozen, one_of
from custrules.ledger import FEES
from custrules.policies.stored_value.amounts import PositiveAmount, minor, money_faults
from custrules.policies.stored_value.pairs import moves_of, pairs_of, taken
from custrules.policies.stored_value.parts import by_source, total
from custrules.policy import Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.account import ValueAccount

Per = Literal["month", "quarter", "half", "year"]
PERIODS: dict[Per, Length] = {
    "month": Length.parse("1 month"),
    "quarter": Length.parse("3 months"),
    "half": Length.parse("6 months"),
    "year": Length.parse("1 year"),
}
STATUS = "dormancy"


class Dormancy(BaseModel):
    """``fee``, once ``per`` month, quarter, half or year, while nothing was paid in or spent for longer than ``after``.

    The first is taken on the day after the last day of that length. Only balances ``below`` an amount bear one; it is never more than
    there is. ``order``: the bonus first, or principal first. Some laws forbid such fees (see ``check``).
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    after: Length
    fee: PositiveAmount
    per: Annotated[Per, one_of(*PERIODS)] = "month"
    below: PositiveAmount | None = None
    order: Annotated[Literal["bonus_first", "principal_first"], one_of("bonus_first", "principal_first")] = "bonus_first"

    def faults(self, scale: int) -> Iterator[Diagnostic]:
        for name in ("fee", "below"):
            yield from money_faults(f"dormancy.{name}", getattr(self, name), scale)

    def fee_day(self, active: date, number: int) -> date:
        """The day of a fee, numbered from 0, after activity on a day."""
        return PERIODS[self.per].after(self.after.after(active) + ONE_DAY, number)


def status_name(account: ValueAccount) -> str:
    return f"{account.id}.{STATUS}"


def last_active(account: ValueAccount, view: View) -> date | None:
    """The last day on which something was paid in or spent; None where nothing was ever paid in."""
    orders = (view.state.order(order_id) for order_id in view.state.top_ups)
    found = (order.deposit for order in orders if order is not None)
    return max((day for deposit in found if deposit is not None and deposit.account == account.id and (day := deposit.last_active)), default=None)


def next_fee(account: ValueAccount, view: View) -> tuple[date, date] | None:
    """The day of the next fee as things stand, not before the day that is settled, and the last day of activity; None: none is to come."""
    terms, active = account.dormancy, last_active(account, view)
    left = _left(account, view)
    if terms is None or active is None or not left or (terms.below is not None and left >= minor(terms.below, view)):
        return None
    known = view.state.statuses.get((status_name(account), ""))
    first = terms.fee_day(active, 0)
    if known is not None:  # never two within one period, whatever was spent between them or changed in the terms
        first = max(first, PERIODS[terms.per].after(known.since))
    number = max((view.settled - terms.fee_day(active, 0)).days // (PERIODS[terms.per].at_most_days + 1), 0)
    while terms.fee_day(active, number) < max(first, view.settled):
        number += 1
    return terms.fee_day(active, number), active


def charged(account: ValueAccount, view: View) -> tuple[list[Reason], list[Status]]:
    """Take the fee of the day, where there is one; what is taken is drafted on the view's ledger."""
    due = next_fee(account, view)
    if account.dormancy is None or due is None or due[0] != view.day:
        return [], []
    parts = taken(pairs_of(account, view, "fifo"), account.dormancy.order, minor(account.dormancy.fee, view))
    if not parts:
        return [], []
    for move in moves_of(parts, account, FEES):
        view.ledger.post(move)
    paid, granted = by_source(parts)
    units = {"amount": total(parts), "principal": total(paid), "bonus": total(granted)}
    shown = {name: account.shown(number, view) for name, number in units.items()}
    told = reason("stored_value.dormancy.fee", account=account.id, active=due[1], after=str(account.dormancy.after), **shown)
    return [told], [Status(status_name(account), "dormant", view.day, data=Frozen({"active": due[1].isoformat()}))]


def _left(account: ValueAccount, view: View) -> int:
    return sum(pair.left for pair in pairs_of(account, view, "fifo"))
