"""Points for money: the part ``sell`` of ``points.transfer``. They are lines of an order, and go back with them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules import events
from custrules.conditions import Condition
from custrules.fields import Rate, read_rate
from custrules.forms import within
from custrules.ledger import ISSUED
from custrules.money import Money, Rounding, rounded
from custrules.policies.points.account import Account, account_of, owed_reason
from custrules.policies.points.sending import Limits, Quantity, quantities_of, remembered, units_of
from custrules.policy import Decision, Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.transfer import Transfer


_rate = within(read_rate, "a rate above zero", lambda number: number > 0)


class Sale(BaseModel):
    """Which ``lines`` of an order are points, how many each unit of their quantity gives, and how many may be bought at once and per period.

    An order that would go beyond a limit is refused. Lots have the source ``bought``; they expire as the account says.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    lines: Condition
    points_per_quantity: Annotated[Rate, BeforeValidator(_rate)] = Fraction(1)
    minimum: Quantity | None = None
    maximum: Quantity | None = None
    limits: Limits = ()

    def quantities(self) -> Iterator[tuple[str, Decimal]]:
        """Every number of points, by its place."""
        return quantities_of(self.minimum, self.maximum, self.limits)

    @property
    def remembers(self) -> int | None:
        return remembered(self.limits)

    def bought(self, policy: Transfer, event: events.Purchase, view: View) -> Decision | None:
        account = account_of(view, policy.account)
        units, paid = self._of_lines(view, account)
        if not units:
            return None
        failing = list(self._failing(units, policy, account, view))
        if failing:
            return policy.declined(event, failing)
        if over := account.grant(view, units, source="bought"):
            return policy.declined(event, over)
        told = reason("points.sale.bought", points=account.shown(units), account=account.id, paid=Money.from_minor(paid, view.currency))
        return policy.applied(event, [told], view.postings(account.id))

    def _of_lines(self, view: View, account: Account) -> tuple[int, int]:
        """What the lines that are kept give, in smallest units of points, and what they cost."""
        lines = [(line, kept) for line, kept in view.kept_lines() if view.line_matches(self.lines, line)]
        quantity = sum((line.quantity_kept(kept) for line, kept in lines), Fraction(0))
        return rounded(quantity * self.points_per_quantity * 10**account.scale, Rounding.floor), sum(kept for _, kept in lines)

    def _failing(self, units: int, policy: Transfer, account: Account, view: View) -> Iterator[Reason]:
        told = {"asked": account.shown(units), "account": account.id}
        if self.minimum is not None and units < units_of(self.minimum, account):
            yield reason("points.sale.below_minimum", minimum=self.minimum, **told)
        if self.maximum is not None and units > units_of(self.maximum, account):
            yield reason("points.sale.above_maximum", maximum=self.maximum, **told)
        for limit in self.limits:
            assert limit.per.window is not None
            assert limit.at_most is not None  # the document was checked
            left = units_of(limit.at_most, account) - view.awarded(policy, limit.per.window)
            if units > left:
                yield reason("points.sale.over_limit", at_most=limit.at_most, per=str(limit.per), left=account.shown(max(0, left)), **told)

    def returned(self, policy: Transfer, event: events.Return, view: View) -> Decision | None:
        """What the lines that came back had given is taken back."""
        record = view.record(policy)
        if record is None or view.order is None:
            return None
        account = account_of(view, policy.account)
        awarded = record.moved(source=ISSUED)
        kept = min(self._of_lines(view, account)[0], awarded)
        take = awarded - record.reversed - kept
        if take <= 0:
            return None
        lots = list({part.lot.id: part.lot for part in record.parts(ISSUED)}.values())
        back = view.ledger.take_back(account.id, take, lots, record.unforgiven(view.order.expired))
        reasons = [reason("points.reversal.return", points=account.shown(take), account=account.id, order=view.order.id, kept=account.shown(kept))]
        if back.forgiven:
            reasons.append(reason("points.reversal.forgiven", points=account.shown(back.forgiven), account=account.id))
        # what was paid for is never written off: its money goes back
        written_off = account.debt.then == "write_off"
        reasons += owed_reason(account, back.owed) if written_off else account.shortfall(view, event, record, back.owed)
        return policy.applied(event, reasons, view.postings(account.id))
