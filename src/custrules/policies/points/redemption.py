"""``points.redemption``: points as money off, as a tender of an order or on their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules import events
from custrules.conditions import Condition
from custrules.errors import Diagnostic, MoneyError
from custrules.fields import Amount, Name, Number, Rate, read_decimal, read_rate, wrong_type
from custrules.ledger import SPENT, LotPart
from custrules.money import Money, Rounding, rounded, to_units
from custrules.orders import Record
from custrules.policies.points.account import Account, account_of, in_units, moved
from custrules.policy import Decision, Known, Phase, Policy, Reason, View, reason


def _positive(value: object) -> Decimal:
    number = read_decimal(value)
    if number <= 0:
        raise wrong_type("a number above zero", value)
    return number


def _share(value: object) -> Fraction:
    share = read_rate(value)
    if not 0 < share <= 1:
        raise wrong_type("a share between 0% and 100%", value)
    return share


class Value(BaseModel):
    """So many ``points`` stand for so much ``money``."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    points: Annotated[Number, BeforeValidator(_positive)]
    money: Annotated[Amount, BeforeValidator(_positive)]


class Redemption(Policy):
    """Money off: ``value`` says what points are worth, the limits how many may be spent at once.

    ``minimum``, ``maximum`` and ``step`` are points; ``max_share`` is the share of the order (without ``exclude_lines``)
    that points may pay. A refusal names every limit that fails, and the most that is allowed.
    """

    kind: ClassVar[str] = "points.redemption"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = ("purchase", "redemption", "return", "redemption_cancelled")
    serves: ClassVar[tuple[str, ...]] = ("points", "redemption")
    later_fields: ClassVar[tuple[str, ...]] = ("over", "limits", "hold", "with_coupon", "caps")

    account: Name = "points"
    value: Value
    minimum: Annotated[Number, BeforeValidator(_positive)] | None = None
    maximum: Annotated[Number, BeforeValidator(_positive)] | None = None
    step: Annotated[Number, BeforeValidator(_positive)] | None = None
    max_share: Annotated[Rate, BeforeValidator(_share)] | None = None
    exclude_lines: Condition | None = None
    when: Condition | None = None

    def event_name(self) -> str:
        return "purchase"

    def works_on(self) -> str:
        return self.account

    def faults(self, known: Known) -> list[Diagnostic]:
        scale = known.scales.get(self.account)
        limits = {name: getattr(self, name) for name in ("minimum", "maximum", "step")}
        uneven = [name for name, limit in limits.items() if scale is not None and limit is not None and (limit * 10**scale) % 1]
        if uneven:
            return [Diagnostic("document.too_fine", name, {"found": str(limits[name]), "most": str(scale)}) for name in uneven]
        try:
            to_units(self.value.money, known.scale, "the currency")
        except MoneyError:
            return [Diagnostic("document.bad_money", "value.money", {"reason": f"at most {known.scale} decimals"})]
        return []

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: events.AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, events.Purchase):
            return self._tendered(event, view) if event.tenders else None
        if isinstance(event, events.Redemption):
            mine = event.reward is None and view.ledger.resolve(event.account or "points") == view.ledger.resolve(self.account)
            return self._pay(event, view, event.points, None) if mine and event.points is not None else None
        if isinstance(event, events.Return):
            return self._give_back(event, view)
        return self._give_back(event, view) if isinstance(event, events.RedemptionCancelled) else None

    def _tendered(self, event: events.Purchase, view: View) -> Decision | None:
        """Points as a tender are of the program's first account."""
        tenders = [tender for tender in event.tenders if tender.type == "points"]
        if not tenders or view.ledger.resolve(self.account) != view.ledger.resolve("points"):
            return None
        quantity = sum((tender.quantity or Decimal(0) for tender in tenders), Decimal(0))
        return self._pay(event, view, quantity, sum(tender.amount.minor for tender in tenders))

    def _pay(self, event: events.AnyEvent, view: View, quantity: Decimal, amount: int | None) -> Decision:
        account = account_of(view, self.account)
        units = in_units(quantity, account.scale)
        money = self.money(units, account, view)
        failing = list(self._limits(units, amount, account, view))
        if failing:
            return self.declined(event, failing)
        view.ledger.debit(account.id, units, to=SPENT)
        paid = reason("points.redemption.paid", points=account.shown(units), account=account.id, money=Money.from_minor(money, view.currency))
        return self.applied(event, [paid], moved(view, account))

    def money(self, units: int, account: Account, view: View) -> int:
        """What points are worth in smallest units of the currency, rounded down."""
        return rounded(units * self._worth(account, view), Rounding.floor)

    def _worth(self, account: Account, view: View) -> Fraction:
        """What one smallest unit of points is worth in smallest units of the currency."""
        return _quotient(self.value.money, view.scale, self.value.points, account.scale)

    def _limits(self, units: int, amount: int | None, account: Account, view: View) -> Iterator[Reason]:
        """Every limit that a redemption fails, each with the most that is allowed."""
        available = view.ledger.usable(account.id)
        most = self._most(available, amount is not None, account, view)
        told = {"asked": account.shown(units), "most": account.shown(most), "account": account.id}
        if self.when is not None and not view.test(self.when):
            yield reason("points.redemption.condition", **told)
        if units > available:
            yield reason("points.redemption.insufficient", available=account.shown(available), missing=account.shown(units - available), **told)
        if self.money(units, account, view) <= 0:
            yield reason("points.redemption.worth_nothing", **told)
        if self.minimum is not None and units < in_units_floor(self.minimum, account):
            yield reason("points.redemption.below_minimum", minimum=self.minimum, **told)
        if self.maximum is not None and units > in_units_floor(self.maximum, account):
            yield reason("points.redemption.above_maximum", maximum=self.maximum, **told)
        if self.step is not None and units % in_units_floor(self.step, account):
            yield reason("points.redemption.not_a_step", step=self.step, **told)
        if amount is not None:
            yield from self._order_limits(units, amount, told, account, view)

    def _order_limits(self, units: int, amount: int, told: dict[str, int | Decimal | str], account: Account, view: View) -> Iterator[Reason]:
        share = self._share_of_order(view)
        if share is not None and amount > share:
            yield reason("points.redemption.over_share", share=self.max_share, allowed=Money.from_minor(share, view.currency), **told)
        worth = self.money(units, account, view)
        if worth != amount:
            found, expected = (Money.from_minor(minor, view.currency) for minor in (amount, worth))
            yield reason("points.redemption.amount_mismatch", found=found, expected=expected, **told)

    def _share_of_order(self, view: View) -> int | None:
        if view.order is None or (self.max_share is None and self.exclude_lines is None):
            return None
        lines = [line for line in view.order.lines if self.exclude_lines is None or not view.line_matches(self.exclude_lines, line)]
        return rounded((self.max_share or Fraction(1)) * sum(line.amount for line in lines), Rounding.floor)

    def _most(self, available: int, in_order: bool, account: Account, view: View) -> int:
        """The most points that every limit allows; 0 where none are."""
        most = available
        share = self._share_of_order(view) if in_order else None
        if share is None and in_order and view.order is not None:
            share = view.order.amount
        if share is not None:
            most = min(most, rounded(share / self._worth(account, view), Rounding.floor))
        if self.maximum is not None:
            most = min(most, in_units_floor(self.maximum, account))
        if self.step is not None:
            most -= most % in_units_floor(self.step, account)
        return most if self.minimum is None or most >= in_units_floor(self.minimum, account) else 0

    # -- undoing ---------------------------------------------------------------------------------------------------

    def _give_back(self, event: events.Return | events.RedemptionCancelled, view: View) -> Decision | None:
        """Points go back to the lots they came from, with their own expiry: the part that a return gives back to this tender."""
        record = view.record(self)
        if record is None or view.order is None:
            return None
        account = account_of(view, self.account)
        spent = record.moved(target=SPENT)
        amount, _, back = view.tender_back("points")
        target = spent if isinstance(event, events.RedemptionCancelled) else rounded(Fraction(spent * back, amount), Rounding.floor) if amount else 0
        give = target - record.moved(source=SPENT)
        if give <= 0:
            return None
        expired = view.ledger.give_back(account.id, self._lots_back(record, give))
        reasons = [reason("points.redemption.returned", points=account.shown(give), account=account.id, order=view.order.id)]
        if expired:
            reasons.append(reason("points.redemption.returned_expired", points=account.shown(expired), account=account.id))
        return self.applied(event, reasons, moved(view, account))

    @staticmethod
    def _lots_back(record: Record, give: int) -> Iterator[LotPart]:
        """The lots that were spent and not given back yet, the last taken first."""
        left = [part for move in record.moves if move.target == SPENT for part in move.parts]
        given = sum(move.quantity for move in record.moves if move.source == SPENT)
        for lot, quantity in _skipped(reversed(left), given):
            part = min(give, quantity)
            if part:
                yield LotPart(lot, part)
            give -= part


@lru_cache(maxsize=1024)
def _quotient(money: Decimal, money_scale: int, points: Decimal, points_scale: int) -> Fraction:
    return Fraction(money) * Fraction(10) ** (money_scale - points_scale) / Fraction(points)


def _skipped(parts: Iterable[LotPart], quantity: int) -> Iterator[LotPart]:
    """The parts after the first so many units."""
    for lot, held in parts:
        gone = min(quantity, held)
        quantity -= gone
        if held > gone:
            yield LotPart(lot, held - gone)


def in_units_floor(points: Decimal, account: Account) -> int:
    """A limit in smallest units of the account."""
    return rounded(Fraction(points) * 10**account.scale, Rounding.floor)
