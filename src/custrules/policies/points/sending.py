"""What a customer may send to another, and what goes into a pool: the parts of ``points.transfer`` that say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from custrules.conditions import Condition
from custrules.fields import Flag, Number, Rate, Whole, fault, one_of, read_whole, wrong_type
from custrules.forms import within
from custrules.ledger import LotPart
from custrules.money import Rounding, rounded
from custrules.policies.points.account import Account
from custrules.policies.points.caps import Period
from custrules.policies.points.levels import positive, read_share
from custrules.policy import Fact, Policy, Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.transfer import Transfer


_times = within(read_whole, "how often: 1 or more", lambda number: number >= 1)


def _period(value: object) -> object:
    if str(value) == "event":
        raise wrong_type("a calendar period such as calendar year, or a length such as 30 days: maximum limits one event", value)
    return value


Source = Literal["purchase", "gratis", "adjustment", "bought", "opening", "transfer"]
SOURCES = get_args(Source)
Quantity = Annotated[Number, BeforeValidator(positive)]


class SendLimit(BaseModel):
    """At most so many points, or so many ``times``, per period."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    at_most: Quantity | None = None
    times: Annotated[Whole, BeforeValidator(_times)] | None = None
    per: Annotated[Period, BeforeValidator(_period)]

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.at_most is None and self.times is None:
            raise fault("document.missing_field", field="at_most")
        return self


Limits = Annotated[tuple[SendLimit, ...], Field(max_length=20)]


class SendFee(BaseModel):
    """What sending costs, on top of what is sent: so many ``points``, a ``share`` of it (rounded up), or both."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    points: Quantity | None = None
    share: Annotated[Rate, BeforeValidator(read_share)] | None = None


class Send(BaseModel):
    """What customers may send: limits of one transfer and of a period, what it costs, of which ``sources`` the points may be, whether
    points that were ``received`` may go on, and ``when`` it is allowed. Without ``sources`` all may be sent.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    minimum: Quantity | None = None
    maximum: Quantity | None = None
    limits: Limits = ()
    fee: SendFee | None = None
    sources: Annotated[tuple[Annotated[Source, one_of(*SOURCES)], ...], Field(max_length=20)] = ()
    received: Flag = True
    when: Condition | None = None

    def quantities(self) -> Iterator[tuple[str, Decimal]]:
        """Every number of points, by its place."""
        yield from quantities_of(self.minimum, self.maximum, self.limits)
        if self.fee is not None and self.fee.points is not None:
            yield "fee.points", self.fee.points

    @property
    def remembers(self) -> int | None:
        return remembered(self.limits)

    def eligible(self, account: Account, view: View) -> list[LotPart]:
        """The parts of lots that may be sent, in the order in which they go."""
        held = view.ledger.ledger.accounts[account.id]
        return [part for part in held.spendable(view.settled, account.order) if self._may_go(part)]

    def _may_go(self, part: LotPart) -> bool:
        return (not self.sources or part.lot.source in self.sources) and (self.received or not part.lot.provenance)

    def fee_for(self, units: int, account: Account) -> int:
        if self.fee is None:
            return 0
        flat = units_of(self.fee.points, account) if self.fee.points is not None else 0
        return flat + (rounded(self.fee.share * units, Rounding.ceil) if self.fee.share is not None else 0)

    def failing(self, units: int, policy: Transfer, account: Account, view: View) -> Iterator[Reason]:
        """Every limit that sending so much fails, each with the most that is allowed."""
        eligible = sum(part.quantity for part in self.eligible(account, view))
        usable, fee = view.ledger.usable(account.id), self.fee_for(units, account)
        told = {"asked": account.shown(units), "most": account.shown(self._most(eligible, usable, policy, account, view)), "account": account.id}
        if self.when is not None and not view.test(self.when):
            yield reason("points.transfer.condition", **told)
        if units > eligible:
            yield reason("points.transfer.insufficient", available=account.shown(eligible), **told)
        elif units + fee > usable:
            yield reason("points.transfer.fee_missing", fee=account.shown(fee), available=account.shown(usable), **told)
        if self.minimum is not None and units < units_of(self.minimum, account):
            yield reason("points.transfer.below_minimum", minimum=self.minimum, **told)
        if self.maximum is not None and units > units_of(self.maximum, account):
            yield reason("points.transfer.above_maximum", maximum=self.maximum, **told)
        for limit in self.limits:
            sent, times = _window(limit, policy, view)
            if limit.at_most is not None and sent + units > units_of(limit.at_most, account):
                left = max(0, units_of(limit.at_most, account) - sent)
                yield reason("points.transfer.over_limit", at_most=limit.at_most, per=str(limit.per), left=account.shown(left), **told)
            if limit.times is not None and times >= limit.times:
                yield reason("points.transfer.too_often", times=limit.times, per=str(limit.per), **told)

    def _most(self, eligible: int, usable: int, policy: Transfer, account: Account, view: View) -> int:
        """The most that every limit allows; 0 where none does."""
        most = min(eligible, self._with_fee(usable, account))
        if self.maximum is not None:
            most = min(most, units_of(self.maximum, account))
        for limit in self.limits:
            sent, times = _window(limit, policy, view)
            if limit.at_most is not None:
                most = min(most, units_of(limit.at_most, account) - sent)
            if limit.times is not None and times >= limit.times:
                most = 0
        least = units_of(self.minimum, account) if self.minimum is not None else 1
        return most if most >= least and (self.when is None or view.test(self.when)) else 0

    def _with_fee(self, usable: int, account: Account) -> int:
        """How much can be sent so that the fee is there as well."""
        if self.fee is None:
            return usable
        flat = units_of(self.fee.points, account) if self.fee.points is not None else 0
        return rounded(max(0, usable - flat) / (1 + (self.fee.share or Fraction(0))), Rounding.floor)


class Pool(BaseModel):
    """What a customer earns goes to a household: ``to`` is the profile field that holds the household's customer id."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    to: Fact[str]
    when: Condition | None = None

    def quantities(self) -> Iterator[tuple[str, Decimal]]:
        return iter(())


def quantities_of(minimum: Decimal | None, maximum: Decimal | None, limits: Limits) -> Iterator[tuple[str, Decimal]]:
    named = [("minimum", minimum), ("maximum", maximum), *((f"limits[{place}].at_most", limit.at_most) for place, limit in enumerate(limits))]
    return ((name, quantity) for name, quantity in named if quantity is not None)


def remembered(limits: Limits) -> int | None:
    return max((limit.per.window.at_most_days or 0 for limit in limits if limit.per.window is not None), default=None)


def _window(limit: SendLimit, policy: Policy, view: View) -> tuple[int, int]:
    assert limit.per.window is not None
    return view.sent(policy, limit.per.window)


def taken(parts: Iterable[LotPart], units: int) -> list[LotPart]:
    """So many units out of parts of lots, in their order."""
    chosen = []
    for lot, quantity in parts:
        part = min(units, quantity)
        if part:
            chosen.append(LotPart(lot, part))
        units -= part
    return chosen


def units_of(points: Decimal, account: Account) -> int:
    """A number of points in smallest units of the account; the document was checked to have no more decimals."""
    return rounded(Fraction(points) * 10**account.scale, Rounding.floor)
