"""``stored_value.spending``: stored value as a tender of an order, visits out of a card; out of which bucket and which top-up first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from custrules import events
from custrules.fields import Flag, Name, one_of
from custrules.hold_terms import HoldTerms
from custrules.ledger import SPENT
from custrules.money import Money
from custrules.orders import Order as Bought
from custrules.orders import Record
from custrules.policies.stored_value.account import ValueAccount, account_of
from custrules.policies.stored_value.cards import lost
from custrules.policies.stored_value.giving_back import given_back, kept_parts
from custrules.policies.stored_value.holds import resolved
from custrules.policies.stored_value.pairs import AMONG, ORDERS, Among, Order, moves_of, pairs_of, taken
from custrules.policies.stored_value.parts import by_source, total
from custrules.policies.stored_value.periods import periods
from custrules.policies.stored_value.sending import transferred
from custrules.policy import Decision, Phase, Policy, Reason, View, reason

PREPAID = frozenset({"gift_card", "top_up"})


class Spending(Policy):
    """Stored value pays. ``order``: principal first, bonus first, both pro rata (by running totals, the remainder out of principal), or by
    the ``priority`` that top-ups name. ``top_ups``: of several, the first one paid in (``fifo``), the last one (``lifo``), or the one
    whose bonus lapses soonest.

    Gift cards and top-ups are not paid with it, unless ``buys_gift_cards`` says so. ``hold``: how long a hold stands that does not say.
    """

    kind: ClassVar[str] = "stored_value.spending"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = ("purchase", "visit", "hold", "capture", "void", "tick", "return", "redemption_cancelled", "transfer")
    serves: ClassVar[tuple[str, ...]] = ("stored_value", "visit", "hold", "transfer")
    works_with: ClassVar[Literal["points", "stored_value"]] = "stored_value"

    account: Name = "stored_value"
    order: Annotated[Order, one_of(*ORDERS)]
    top_ups: Annotated[Among, one_of(*AMONG)] = "fifo"
    buys_gift_cards: Flag = False
    hold: HoldTerms | None = None

    def works_on(self) -> str:
        return self.account

    def event_name(self) -> str:
        return "purchase"

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: events.AnyEvent, view: View, /) -> Decision | None:
        account = account_of(view, self.account)
        if account is None:
            return None
        if isinstance(event, events.Purchase):
            return self._tendered(event, account, view) if event.tenders and account.form == "amount" else None
        if isinstance(event, events.Visit):
            return self._visited(event, account, view) if event.of is not None else None
        if isinstance(event, events.Hold):
            return self._hold(event, account, view)
        if isinstance(event, events.Transfer):
            return transferred(self, event, account, view)
        if isinstance(event, events.Capture | events.Void | events.Tick):
            return resolved(self, event, account, view)
        return given_back(self, event, account, view) if isinstance(event, events.Return | events.RedemptionCancelled) else None

    def _tendered(self, event: events.Purchase, account: ValueAccount, view: View) -> Decision | None:
        amount = sum(tender.amount.minor for tender in event.tenders if tender.type == "stored_value" and names(tender.reference, account, view))
        if not any(tender.type == "stored_value" and names(tender.reference, account, view) for tender in event.tenders):
            return None
        failing = lost(account, view) or list(self._failing(amount, account, view))
        return self.declined(event, failing) if failing else self._spend(event, amount, account, view)

    def holds_until(self, event: events.Hold, /) -> datetime | None:
        if event.until is None and self.hold is not None:
            return event.occurred_at + self.hold.length.delta
        return event.until

    def _hold(self, event: events.Hold, account: ValueAccount, view: View) -> Decision | None:
        """Value is set aside out of the lots that would be spent: refused where there is too little, now and not when it is captured."""
        asked = event.amount if account.form == "amount" else event.used
        if asked is None or account.form == "period" or not names(event.account, account, view):
            return None
        units = account.units(asked.amount if isinstance(asked, Money) else asked, view)
        until = self.holds_until(event)
        failing = lost(account, view) or list(self._missing(units, account, view))
        if until is not None and until <= view.instant:
            failing.append(reason("stored_value.hold.over", until=until))
        if failing:
            return self.declined(event, failing)
        for move in moves_of(taken(pairs_of(account, view, self.top_ups), self.order, units), account, account.bucket("held")):
            view.ledger.post(move)
        told = [reason("stored_value.hold.placed", amount=account.shown(units, view), account=account.id)]
        told += [reason("stored_value.hold.until", until=until)] if until is not None else []
        return self.applied(event, told, account.postings(view))

    def _failing(self, amount: int, account: ValueAccount, view: View) -> Iterator[Reason]:
        told = {"amount": account.shown(amount, view), "account": account.id}
        yield from self._missing(amount, account, view)
        if not self.buys_gift_cards and view.order is not None:
            most = sum(line.amount for line in view.order.lines if not line.is_of(PREPAID))
            if amount > most:
                yield reason("stored_value.spending.prepaid_goods", most=account.shown(most, view), **told)

    def _missing(self, amount: int, account: ValueAccount, view: View, only: str | None = None) -> Iterator[Reason]:
        there = sum(pair.left for pair in pairs_of(account, view, self.top_ups, only))
        if amount > there:
            shown = {"amount": amount, "available": there, "missing": amount - there}
            yield reason(
                "stored_value.spending.insufficient", account=account.id, **{name: account.shown(units, view) for name, units in shown.items()}
            )

    def _spend(self, event: events.AnyEvent, amount: int, account: ValueAccount, view: View, only: str | None = None) -> Decision:
        parts = taken(pairs_of(account, view, self.top_ups, only), self.order, amount)
        for move in moves_of(parts, account, SPENT):
            view.ledger.post(move)
        paid, granted = by_source(parts)
        told = {"amount": amount, "principal": total(paid), "bonus": total(granted)}
        shown = {name: account.shown(units, view) for name, units in told.items()}
        return self.applied(event, [reason("stored_value.spending.paid", account=account.id, **shown)], account.postings(view))

    # -- visits ----------------------------------------------------------------------------------------------------

    def _visited(self, event: events.Visit, account: ValueAccount, view: View) -> Decision | None:
        """A visit names the account, or one top-up of it."""
        assert event.of is not None
        order = view.state.order(event.of)
        deposit = order.deposit if order is not None else None
        only = event.of if deposit is not None and deposit.account == account.id else None
        if only is None and not names(event.of, account, view):
            return None
        failing = lost(account, view)
        if failing:
            return self.declined(event, failing)
        if account.form == "period":
            return self._admitted(event, account, view, only)
        if account.form == "amount":
            return self.declined(event, [reason("stored_value.spending.no_visits", account=account.id)])
        used = account.units(event.used, view) if event.used is not None else 1
        failing = list(self._missing(used, account, view, only))
        return self.declined(event, failing) if failing else self._spend(event, used, account, view, only)

    def admits(self, event: events.Visit, view: View, /) -> str | None:
        account = account_of(view, self.account)
        if account is None or account.form != "period" or event.of is None:
            return None
        running = periods(account, view, None if names(event.of, account, view) else event.of)
        return running[0].top_up if running and not running[0].frozen else None

    def _admitted(self, event: events.Visit, account: ValueAccount, view: View, only: str | None) -> Decision:
        """Whether a period runs on the day of the visit, and is not asked back."""
        running = periods(account, view, only)
        if not running:
            return self.declined(event, [reason("stored_value.spending.no_period", account=account.id, day=view.day)])
        first = running[0]
        if first.frozen:
            return self.declined(event, [reason("stored_value.spending.asked_back", account=account.id, of=first.request)])
        return self.applied(event, [reason("stored_value.spending.admitted", account=account.id, ends=first.ends)])

    # -- returns ---------------------------------------------------------------------------------------------------

    def given_of(self, order: Bought, record: Record, backs: Sequence[int], view: View, /) -> int:
        account = account_of(view, self.account)
        if account is None:
            return 0
        rows = zip(order.tenders, backs, strict=True)
        kept = sum(tender.amount - back for tender, back in rows if tender.type == "stored_value" and names(tender.reference, account, view))
        return total(by_source(kept_parts(self.order, record, kept))[1])


def names(reference: str | None, account: ValueAccount, view: View) -> bool:
    """Whether a name, or none, is that of an account."""
    named = view.account(reference or "stored_value")
    return named is not None and named.id == account.id
