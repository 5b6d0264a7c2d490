"""``points.redemption``: points as money off, as a tender of an order or on their own, and for rewards; at once, or held first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from custrules import events
from custrules.calendars import Window
from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.fields import Flag, Frozen, Name, Number, one_of
from custrules.ledger import SPENT, LotPart
from custrules.money import Money, Rounding, rounded
from custrules.orders import Order, Record
from custrules.policies.points import limits as limiting
from custrules.policies.points.account import Account, account_of, in_units, moved
from custrules.policies.points.catalogue import Offer, Reward, money_faults
from custrules.policies.points.holds import HoldTerms, resolved, rest
from custrules.policies.points.levels import PositiveByLevel, ShareByLevel, at_level, level_faults, level_of, positive, values_of
from custrules.policies.points.limits import Limit
from custrules.policy import Decision, Known, Phase, Policy, Reason, View, reason

_OF_VALUE = ("minimum", "maximum", "step", "max_share", "exclude_lines", "hold")
_GATES = ("points.redemption.condition", "points.redemption.with_coupon", "points.redemption.not_for_level")


class Value(BaseModel):
    """So many ``points`` stand for so much ``money``, which may differ by level."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    points: Annotated[Number, BeforeValidator(positive)]
    money: PositiveByLevel


class Asked(NamedTuple):
    """What is asked of a redemption: smallest units of points, as an ``amount`` of an order, or for a ``quantity`` of a reward."""

    units: int
    account: Account
    amount: int | None = None
    reward: Reward | None = None
    quantity: Decimal = Decimal(1)
    price: int = 0
    coupon: bool = False


class Redemption(Policy):
    """Money off: ``value`` says what points are worth, the limits how many may be spent at once. Rewards: what each costs in points.

    ``minimum``, ``maximum`` and ``step`` are points; ``max_share`` is the share of the order (without ``exclude_lines``)
    that points may pay; ``limits`` run over periods, and a redemption that is cancelled leaves its room again. A refusal names every
    limit that fails, and the most that is allowed; with ``over: clip`` a redemption of more is lowered to that. A tender is not:
    its amount is fixed.
    """

    kind: ClassVar[str] = "points.redemption"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = ("purchase", "redemption", "hold", "capture", "void", "return", "redemption_cancelled", "tick")
    serves: ClassVar[tuple[str, ...]] = ("points", "redemption", "hold")
    later_fields: ClassVar[tuple[str, ...]] = ("caps",)

    account: Name = "points"
    value: Value | None = None
    minimum: Annotated[Number, BeforeValidator(positive)] | None = None
    maximum: PositiveByLevel | None = None
    step: Annotated[Number, BeforeValidator(positive)] | None = None
    max_share: ShareByLevel | None = None
    exclude_lines: Condition | None = None
    when: Condition | None = None
    over: Annotated[Literal["refuse", "clip"], one_of("refuse", "clip")] = "refuse"
    with_coupon: Flag = True
    limits: Annotated[tuple[Limit, ...], Field(max_length=50)] = ()
    rewards: Annotated[tuple[Reward, ...], Field(max_length=1000)] = ()
    hold: HoldTerms | None = None
    on_return: Annotated[Literal["proportional", "full_return_only"], one_of("proportional", "full_return_only")] = "proportional"

    # -- what the program asks of it -------------------------------------------------------------------------------

    def event_name(self) -> str:
        return "purchase"

    def works_on(self) -> str:
        return self.account

    def answers_for(self) -> tuple[str, ...]:
        return (*(self.serves if self.value is not None else ()), *(f"reward {reward.name}" for reward in self.rewards))

    def reads(self) -> frozenset[str]:
        by_level = any(isinstance(number, Frozen) for _, number in self._by_level())
        return super().reads() | ({"tier"} if by_level else set())

    def tallies(self) -> Mapping[str, tuple[Window, ...]]:
        return limiting.windows_of({"": list(self.limits)} | {reward.name: list(reward.limits) for reward in self.rewards})

    def holds_until(self, event: events.Hold, /) -> datetime | None:
        if event.until is None and self.hold is not None:
            return event.occurred_at + self.hold.length.delta
        return event.until

    def _by_level(self) -> Iterator[tuple[str, Any]]:
        """Whatever may differ by level, with its place."""
        yield from (("maximum", self.maximum), ("max_share", self.max_share))
        if self.value is not None:
            yield "value.money", self.value.money
        for place, limit in enumerate(self.limits):
            yield f"limits[{place}]", limit.most
        for reward in self.rewards:
            yield from (("rewards", number) for number in (reward.points, reward.money, *(limit.most for limit in reward.limits)))

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(self._faults(known))

    def _faults(self, known: Known) -> Iterator[Diagnostic]:
        scale = known.scales.get(self.account)
        if self.value is None:
            if not self.rewards:
                yield Diagnostic("document.missing_field", "", {"field": "value"})
            for field in (field for field in _OF_VALUE if getattr(self, field) is not None):
                yield Diagnostic("document.not_with", field, {"field": field, "other": "rewards without value"})
        for field in ("minimum", "maximum", "step"):
            for level, limit in values_of(getattr(self, field)) if getattr(self, field) is not None else ():
                if scale is not None and (limit * 10**scale) % 1:
                    path = f"{field}.{level}" if level else field
                    yield Diagnostic("document.too_fine", path, {"found": str(limit), "most": str(scale)})
        for level, money in values_of(self.value.money) if self.value is not None else ():
            yield from money_faults(f"value.money.{level}" if level else "value.money", money, known.scale)
        for path in ("maximum", "max_share"):
            yield from level_faults(path, getattr(self, path), known)
        yield from level_faults("value.money", self.value.money if self.value is not None else None, known)
        yield from self._row_faults(scale, known)

    def _row_faults(self, scale: int | None, known: Known) -> Iterator[Diagnostic]:
        for place, limit in enumerate(self.limits):
            yield from limit.faults(f"limits[{place}]", False, known)
        names: set[str] = set()
        for place, reward in enumerate(self.rewards):
            yield from reward.faults(f"rewards[{place}]", scale, known)
            if reward.name in names:
                yield Diagnostic("document.name_taken", f"rewards[{place}].name", {"name": reward.name})
            names.add(reward.name)

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: events.AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, events.Purchase):
            return self._tendered(event, view) if event.tenders and self.value is not None else None
        if isinstance(event, events.Redemption | events.Hold):
            mine = view.ledger.resolve(event.account or "points") == view.ledger.resolve(self.account)
            return self._asked(event, view) if mine else None
        if isinstance(event, events.Capture | events.Void | events.Tick):
            return resolved(self, event, view)
        return self._give_back(event, view) if isinstance(event, events.Return | events.RedemptionCancelled) else None

    def _tendered(self, event: events.Purchase, view: View) -> Decision | None:
        """Points as a tender are of the program's first account."""
        tenders = [tender for tender in event.tenders if tender.type == "points"]
        if not tenders or view.ledger.resolve(self.account) != view.ledger.resolve("points"):
            return None
        account = account_of(view, self.account)
        units = in_units(sum((tender.quantity or Decimal(0) for tender in tenders), Decimal(0)), account.scale)
        coupon = any(tender.type == "coupon" for tender in event.tenders)
        return self._pay(event, view, Asked(units, account, sum(tender.amount.minor for tender in tenders), coupon=coupon))

    def _asked(self, event: events.Redemption | events.Hold, view: View) -> Decision | None:
        account = account_of(view, self.account)
        if isinstance(event, events.Redemption) and event.reward is not None:
            reward = next((reward for reward in self.rewards if reward.name == event.reward), None)
            return self._claim(event, view, account, reward) if reward is not None else None
        if self.value is None:
            return None
        assert event.points is not None
        return self._pay(event, view, Asked(in_units(event.points, account.scale), account))

    def _claim(self, event: events.Redemption, view: View, account: Account, reward: Reward) -> Decision:
        """A reward at its price; what the event says it costs must be that."""
        price = reward.price(account, view)
        cost = price * Fraction(event.quantity)
        units = in_units(event.points, account.scale) if event.points is not None else rounded(cost, Rounding.ceil)
        return self._pay(event, view, Asked(units, account, None, reward, event.quantity, price))

    def _pay(self, event: events.AnyEvent, view: View, asked: Asked) -> Decision:
        wanted = asked
        if self.over == "clip" and asked.amount is None and asked.reward is None:
            asked = self._clipped(asked, view)
        late = list(self._hold_over(event, view))
        if failing := self._failing(asked, view) + late:
            return self.declined(event, [*self._failing(wanted, view), *late] or failing)
        account = asked.account
        held = isinstance(event, events.Hold)
        view.ledger.debit(account.id, asked.units, to=f"{account.id}.held" if held else SPENT)
        reasons = self._told(event, asked, view)
        if asked.units != wanted.units:
            params = {"asked": account.shown(wanted.units), "points": account.shown(asked.units), "account": account.id}
            reasons.append(reason("points.redemption.clipped", **params))
        return self.applied(event, reasons, moved(view, account))

    def _clipped(self, asked: Asked, view: View) -> Asked:
        """The most that is allowed of what is asked; all of it where nothing is."""
        most = self._most(asked, min(asked.units, view.ledger.usable(asked.account.id)), view)
        return asked._replace(units=most) if most else asked

    def _told(self, event: events.AnyEvent, asked: Asked, view: View) -> list[Reason]:
        account = asked.account
        points = {"points": account.shown(asked.units), "account": account.id}
        if asked.reward is not None:
            told = [reason("points.redemption.reward", reward=asked.reward.name, quantity=int(asked.quantity), **points)]
            cash = asked.reward.cash(asked.quantity, view)
            return [*told, reason("points.redemption.cash", reward=asked.reward.name, cash=cash)] if cash is not None else told
        if not isinstance(event, events.Hold):
            return [self.paid(asked.units, account, view)]
        until = self.holds_until(event)
        told = [reason("points.hold.placed", money=self._money(asked.units, account, view), **points)]
        return [*told, reason("points.hold.until", until=until)] if until is not None else told

    def paid(self, units: int, account: Account, view: View) -> Reason:
        return reason("points.redemption.paid", points=account.shown(units), account=account.id, money=self._money(units, account, view))

    def _money(self, units: int, account: Account, view: View) -> Money:
        return Money.from_minor(self.money(units, account, view), view.currency)

    def money(self, units: int, account: Account, view: View) -> int:
        """What points are worth in smallest units of the currency, rounded down."""
        return rounded(units * self._worth(account, view), Rounding.floor)

    def _worth(self, account: Account, view: View, level: str | None = None) -> Fraction:
        """What one smallest unit of points is worth in smallest units of the currency."""
        if self.value is None:
            return Fraction(0)
        money = self.value.money
        named = money if isinstance(money, Decimal) else at_level(money, level or level_of(view), view.levels)
        return _quotient(named, view.scale, self.value.points, account.scale)

    # -- limits ----------------------------------------------------------------------------------------------------

    def _failing(self, asked: Asked, view: View) -> list[Reason]:
        """Every limit that a redemption fails, each with the most that is allowed."""
        gates = list(self._gates(asked, view))
        account, available = asked.account, view.ledger.usable(asked.account.id)
        most = 0 if gates else self._most(asked, available, view)
        told = {"asked": account.shown(asked.units), "most": account.shown(most), "account": account.id}
        failing = [reason(why.code, **{**why.params, **told}) if why.code in _GATES else why for why in gates]
        if asked.units > available:
            short = {"available": account.shown(available), "missing": account.shown(asked.units - available)}
            failing.append(reason("points.redemption.insufficient", **short, **told))
        failing += self._reward_limits(asked, told) if asked.reward is not None else self._money_limits(asked, told, view)
        money, quantity = self.money(asked.units, account, view) if asked.reward is None else 0, Fraction(asked.quantity)
        rooms = self._rooms(asked, view)
        return failing + [limiting.failed(room, account, view, told) for room in rooms if limiting.over(room, asked.units, money, quantity)]

    def _gates(self, asked: Asked, view: View) -> Iterator[Reason]:
        """What closes the whole redemption, however little is asked."""
        if self.when is not None and not view.test(self.when):
            yield reason("points.redemption.condition")
        if asked.coupon and not self.with_coupon:
            yield reason("points.redemption.with_coupon")
        reward = asked.reward
        if reward is None:
            return
        if reward.when is not None and not view.test(reward.when):
            yield reason("points.redemption.condition")
        if not asked.price:
            yield reason("points.redemption.not_for_level", reward=reward.name, level=level_of(view) or "none")
        if not reward.offered_on(view.day):
            yield reward.not_offered(view.day)

    def _reward_limits(self, asked: Asked, told: Mapping[str, Any]) -> Iterator[Reason]:
        assert asked.reward is not None
        cost = asked.price * Fraction(asked.quantity)
        if asked.quantity % 1:
            yield reason("points.redemption.not_whole", reward=asked.reward.name, quantity=asked.quantity)
        elif asked.price and cost != asked.units:
            price = asked.account.shown(int(cost))
            yield reason("points.redemption.other_price", reward=asked.reward.name, quantity=int(asked.quantity), price=price, **told)

    def _money_limits(self, asked: Asked, told: Mapping[str, Any], view: View) -> Iterator[Reason]:
        units, account = asked.units, asked.account
        if self.money(units, account, view) <= 0:
            yield reason("points.redemption.worth_nothing", **told)
        if self.minimum is not None and units < in_units_floor(self.minimum, account):
            yield reason("points.redemption.below_minimum", minimum=self.minimum, **told)
        maximum = self._maximum(account, view)
        if maximum is not None and units > maximum:
            yield reason("points.redemption.above_maximum", maximum=account.shown(maximum), **told)
        if self.step is not None and units % in_units_floor(self.step, account):
            yield reason("points.redemption.not_a_step", step=self.step, **told)
        if asked.amount is not None:
            yield from self._order_limits(units, asked.amount, told, account, view)

    def _order_limits(self, units: int, amount: int, told: Mapping[str, Any], account: Account, view: View) -> Iterator[Reason]:
        share = self._share_of_order(view)
        if share is not None and amount > share:
            part = self._share(view) if self.max_share is not None else None
            yield reason("points.redemption.over_share", share=part, allowed=Money.from_minor(share, view.currency), **told)
        worth = self.money(units, account, view)
        if worth != amount:
            found, expected = (Money.from_minor(minor, view.currency) for minor in (amount, worth))
            yield reason("points.redemption.amount_mismatch", found=found, expected=expected, **told)

    def _hold_over(self, event: events.AnyEvent, view: View) -> Iterator[Reason]:
        """A hold that came when its time was over already."""
        until = self.holds_until(event) if isinstance(event, events.Hold) else None
        if until is not None and until <= view.instant:
            yield reason("points.hold.over", until=until)

    def _share(self, view: View) -> Fraction:
        return at_level(self.max_share, level_of(view), view.levels) if self.max_share is not None else Fraction(1)

    def _share_of_order(self, view: View) -> int | None:
        if view.order is None or (self.max_share is None and self.exclude_lines is None):
            return None
        lines = [line for line in view.order.lines if self.exclude_lines is None or not view.line_matches(self.exclude_lines, line)]
        return rounded(self._share(view) * sum(line.amount for line in lines), Rounding.floor)

    def _maximum(self, account: Account, view: View) -> int | None:
        if self.maximum is None:
            return None
        return rounded(at_level(self.maximum, level_of(view), view.levels) * 10**account.scale, Rounding.floor)

    def _rooms(self, asked: Asked, view: View) -> list[limiting.Room]:
        """What is left under each limit that runs over a period."""
        reward = asked.reward
        rows = [(limit, "") for limit in self.limits] + ([(limit, reward.name) for limit in reward.limits] if reward is not None else [])
        return [limiting.room(limit, self, of, asked.account, view) for limit, of in rows if reward is None or limit.measure != "money"]

    def _most(self, asked: Asked, available: int, view: View) -> int:
        """The most points that every limit allows; 0 where none are."""
        worth = self._worth(asked.account, view)
        rooms = (limiting.points_within(room, worth, asked.price) for room in self._rooms(asked, view))
        most = min((bound for bound in rooms if bound is not None), default=available)
        most = min(most, available)
        if asked.reward is not None:
            return most - most % asked.price if asked.price else 0
        return self._most_money_off(most, asked, worth, view)

    def _most_money_off(self, most: int, asked: Asked, worth: Fraction, view: View) -> int:
        account = asked.account
        share = self._share_of_order(view) if asked.amount is not None else None
        if share is None and asked.amount is not None and view.order is not None:
            share = view.order.amount
        if not worth:
            return 0
        if share is not None:
            most = min(most, rounded(share / worth, Rounding.floor))
        maximum = self._maximum(account, view)
        most = most if maximum is None else min(most, maximum)
        if self.step is not None:
            most -= most % in_units_floor(self.step, account)
        return most if self.minimum is None or most >= in_units_floor(self.minimum, account) else 0

    # -- what rewards are to a customer ------------------------------------------------------------------------------

    def offers(self, view: View) -> tuple[Offer, ...]:
        """Every reward as it is for the customer now: its price, what is missing to it, and why it cannot be had."""
        account = account_of(view, self.account)
        return tuple(self._offer(reward, account, view) for reward in self.rewards)

    def _offer(self, reward: Reward, account: Account, view: View) -> Offer:
        price = reward.price(account, view)
        failing = self._failing(Asked(price, account, reward=reward, price=price), view)
        missing = max(price - view.ledger.usable(account.id), 0)
        return Offer(reward.name, account.shown(price), reward.cash(Decimal(1), view), account.shown(missing), tuple(failing))

    # -- undoing ---------------------------------------------------------------------------------------------------

    def _give_back(self, event: events.Return | events.RedemptionCancelled, view: View) -> Decision | None:
        """Points go back to the lots they came from, with their own expiry: the part that a return gives back to this tender."""
        record = view.record(self)
        if record is None or view.order is None:
            return None
        account = account_of(view, self.account)
        kept = self._kept_until_whole(event, record, view)
        if kept:
            why = reason("points.redemption.returned_when_whole", points=account.shown(kept), account=account.id, order=view.order.id)
            return self.declined(event, [why])
        give = self._given_back(event, record, view) - record.moved(source=SPENT)
        if give <= 0:
            return None
        expired = view.ledger.give_back(account.id, self._lots_back(record, give))
        reasons = [reason("points.redemption.returned", points=account.shown(give), account=account.id, order=view.order.id)]
        if expired:
            reasons.append(reason("points.redemption.returned_expired", points=account.shown(expired), account=account.id))
        return self.applied(event, reasons, moved(view, account))

    def _given_back(self, event: events.Return | events.RedemptionCancelled, record: Record, view: View) -> int:
        """How many points have gone back in all for what has come back so far."""
        spent = record.moved(target=SPENT)
        amount, _, back = view.tender_back("points")
        if isinstance(event, events.RedemptionCancelled):
            return spent
        return rounded(Fraction(spent * back, amount), Rounding.floor) if amount else 0

    def _kept_until_whole(self, event: events.Return | events.RedemptionCancelled, record: Record, view: View) -> int:
        """What would go back by now, where nothing does before the whole order has come back."""
        if self.on_return != "full_return_only" or isinstance(event, events.RedemptionCancelled) or view.order is None or view.order.all_gone:
            return 0
        return self._given_back(event, record, view)

    @staticmethod
    def _lots_back(record: Record, give: int) -> Iterator[LotPart]:
        """The lots that were spent and not given back yet, the last taken first."""
        left = [part for move in record.moves if move.target == SPENT for part in move.parts]
        given = sum(move.quantity for move in record.moves if move.source == SPENT)
        for lot, quantity in rest(reversed(left), given):
            part = min(give, quantity)
            if part:
                yield LotPart(lot, part)
            give -= part

    # -- what limits count -----------------------------------------------------------------------------------------

    def counts(self, order: Order, record: Record, view: View, /) -> Mapping[str, int]:
        """What is spent or held of an order, less what went back."""
        account = account_of(view, self.account)
        bucket = f"{account.id}.held"
        units = sum(record.moved(target=name) - record.moved(source=name) for name in (SPENT, bucket))
        if not units:
            return {}
        line = order.lines[0] if order.type == "redemption" and order.lines else None
        if line is not None:
            rows = {"at_most": units, "times": 1, "quantity": int(line.quantity)}
            return rows | {f"{line.sku}.{name}": number for name, number in rows.items()}
        level = record.facts.get("tier")
        money = rounded(units * self._worth(account, view, str(level) if level is not None else None), Rounding.floor)
        return {"at_most": units, "times": 1, "money": money}


@lru_cache(maxsize=1024)
def _quotient(money: Decimal | Fraction, money_scale: int, points: Decimal, points_scale: int) -> Fraction:
    return Fraction(money) * Fraction(10) ** (money_scale - points_scale) / Fraction(points)


def in_units_floor(points: Decimal, account: Account) -> int:
    """A limit in smallest units of the account."""
    return rounded(Fraction(points) * 10**account.scale, Rounding.floor)
