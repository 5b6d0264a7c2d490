"""``points.redemption``: points as money off, as a tender of an order or on their own, and for rewards; at once, or held first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from custrules import events
from custrules.calendars import Window
from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.fields import Flag, Frozen, Name, Number, one_of
from custrules.hold_terms import HoldTerms
from custrules.ledger import SPENT
from custrules.money import Money, Rounding, rounded
from custrules.orders import Order, Record
from custrules.policies.points import limits as limiting
from custrules.policies.points.account import Account, account_of, in_units, moved
from custrules.policies.points.asking import Asked, failing_of, money_of, most_of
from custrules.policies.points.catalogue import Offer, Reward
from custrules.policies.points.giving_back import give_back
from custrules.policies.points.holds import resolved
from custrules.policies.points.levels import PositiveByLevel, ShareByLevel, level_faults, positive, values_of
from custrules.policies.points.limits import Limit
from custrules.policies.points.worth import Value
from custrules.policy import Decision, Known, Phase, Policy, Reason, View, reason
from custrules.standing import Aim, Standing

_OF_VALUE = ("minimum", "maximum", "step", "max_share", "exclude_lines", "hold")


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

    def gives_rewards(self) -> tuple[str, ...]:
        return tuple(reward.name for reward in self.rewards)

    def reads(self) -> frozenset[str]:
        return super().reads() | ({"tier"} if any(isinstance(number, Frozen) for number in self._by_level()) else set())

    def tallies(self) -> Mapping[str, tuple[Window, ...]]:
        return limiting.windows_of({"": list(self.limits)} | {reward.name: list(reward.limits) for reward in self.rewards})

    def holds_until(self, event: events.Hold, /) -> datetime | None:
        if event.until is None and self.hold is not None:
            return event.occurred_at + self.hold.length.delta
        return event.until

    def _by_level(self) -> Iterator[object]:
        """Whatever may differ by level."""
        yield from (self.maximum, self.max_share, *(limit.most for limit in self.limits))
        if self.value is not None:
            yield self.value.money
        for reward in self.rewards:
            yield from (reward.points, reward.money, *(limit.most for limit in reward.limits))

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
        for path in ("maximum", "max_share"):
            yield from level_faults(path, getattr(self, path), known)
        yield from self.value.faults(known) if self.value is not None else ()
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
        return give_back(self, event, view) if isinstance(event, events.Return | events.RedemptionCancelled) else None

    def _tendered(self, event: events.Purchase, view: View) -> Decision | None:
        """Points as a tender are of the account that they name as their reference, else of the program's first."""
        resolve = view.ledger.resolve
        own = resolve(self.account)
        tenders = [tender for tender in event.tenders if tender.type == "points" and resolve(tender.reference or "points") == own]
        if not tenders:
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
        if self.value is None or event.points is None:
            return None
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
        if failing := failing_of(self, asked, view) + late:
            return self.declined(event, [*failing_of(self, wanted, view), *late] or failing)
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
        most = most_of(self, asked, min(asked.units, view.ledger.usable(asked.account.id)), view)
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

    def _hold_over(self, event: events.AnyEvent, view: View) -> Iterator[Reason]:
        """A hold that came when its time was over already."""
        until = self.holds_until(event) if isinstance(event, events.Hold) else None
        if until is not None and until <= view.instant:
            yield reason("points.hold.over", until=until)

    def paid(self, units: int, account: Account, view: View) -> Reason:
        return reason("points.redemption.paid", points=account.shown(units), account=account.id, money=self._money(units, account, view))

    def _money(self, units: int, account: Account, view: View) -> Money:
        return Money.from_minor(money_of(self, units, account, view), view.currency)

    # -- what rewards are to a customer ------------------------------------------------------------------------------

    def offers(self, view: View) -> tuple[Offer, ...]:
        """Every reward as it is for the customer now: its price, what is missing to it, and why it cannot be had."""
        account = account_of(view, self.account)
        return tuple(self._offer(reward, account, view) for reward in self.rewards)

    def _offer(self, reward: Reward, account: Account, view: View) -> Offer:
        price = reward.price(account, view)
        failing = failing_of(self, Asked(price, account, reward=reward, price=price), view)
        missing = max(price - view.ledger.usable(account.id), 0)
        return Offer(reward.name, account.shown(price), reward.cash(Decimal(1), view), account.shown(missing), tuple(failing))

    def progress(self, view: View, /) -> Standing | None:
        if not self.rewards or self.retired:
            return None
        open_to = self.when is None or view.test(self.when)
        return Standing(aims=tuple(self._aim(reward, offer, open_to, view) for reward, offer in zip(self.rewards, self.offers(view), strict=True)))

    def _aim(self, reward: Reward, offer: Offer, open_to: bool, view: View) -> Aim:
        """What a reward asks for: its points and its condition are told as such, what else stands against it as reasons."""
        told = {"points.redemption.insufficient", *(("points.redemption.condition",) if open_to else ())}
        closed = tuple(why for why in offer.reasons if why.code not in told)
        account = account_of(view, self.account).id
        return Aim("reward", reward.name, reward.when, points=Decimal(str(offer.points)), account=account, money=offer.money, closed=closed)

    # -- what limits count -----------------------------------------------------------------------------------------

    def comes_to(self, order: Order, record: Record, view: View, /) -> Mapping[str, int]:
        """What is spent or held of an order, less what went back."""
        account = account_of(view, self.account)
        bucket = f"{account.id}.held"
        units = sum(record.moved(target=name) - record.moved(source=name) for name in (SPENT, bucket))
        if not units:
            return {}
        line = order.lines[0] if order.type == "redemption" and order.lines else None
        if line is not None:
            rows = {"at_most": units, "times": 1, "quantity": int(line.quantity_left)}
            return rows | {f"{line.sku}.{name}": number for name, number in rows.items()}
        money = money_of(self, units, account, view)
        return {"at_most": units, "times": 1, "money": money}
