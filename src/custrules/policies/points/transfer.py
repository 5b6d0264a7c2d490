"""``points.transfer``: points that customers send to one another, pool in a household, or buy.

A transfer is two events: one of the sender, whose answer carries a Signal, and one of the receiver, which is that Signal as it is
delivered. Lots keep their last usable day, the day on which they were accrued, and what kind of grant they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import ClassVar

from custrules import events
from custrules.brought import signal_fits
from custrules.calendars import ONE_DAY
from custrules.errors import Diagnostic
from custrules.fields import Frozen, Name, frozen, instant_text, plain
from custrules.ledger import FEES, TRANSFERRED, LotPart, Move
from custrules.money import from_units
from custrules.policies.points.account import Account, account_of, in_units
from custrules.policies.points.moving import lots_of
from custrules.policies.points.selling import Sale
from custrules.policies.points.sending import Pool, Send, taken
from custrules.policy import Decision, Known, Phase, Policy, Reason, Signal, View, reason


class Transfer(Policy):
    """Points move between customers: ``send`` by a customer's own wish, ``pool`` of itself into a household's account as a day opens;
    ``sell`` gives points for money. What is not there is not offered; what another customer sent is always taken in.
    """

    kind: ClassVar[str] = "points.transfer"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = ("transfer", "purchase", "return", "new_day")
    serves: ClassVar[tuple[str, ...]] = ("transfer",)

    account: Name = "points"
    send: Send | None = None
    pool: Pool | None = None
    sell: Sale | None = None

    # -- what the program asks of it -------------------------------------------------------------------------------

    def event_name(self) -> str:
        return "transfer"

    def works_on(self) -> str:
        return self.account

    def listens_to(self) -> tuple[str, ...]:
        return ("transfer", *(("purchase", "return") if self.sell is not None else ()), *(("new_day",) if self.pool is not None else ()))

    def spends(self) -> bool:
        return self.send is not None or self.pool is not None

    def counts_sent(self) -> int | None:
        return self.send.remembers if self.send is not None else None

    def counts_awards(self) -> int | None:
        return self.sell.remembers if self.sell is not None else None

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(self._faults(known.scales.get(self.account)))

    def _faults(self, scale: int | None) -> Iterator[Diagnostic]:
        parts = {"send": self.send, "pool": self.pool, "sell": self.sell}
        if not any(part is not None for part in parts.values()):
            yield Diagnostic("document.missing_field", "", {"field": "send"})
        for place, limit in enumerate(self.sell.limits if self.sell is not None else ()):
            if limit.times is not None:
                yield Diagnostic("document.not_with", f"sell.limits[{place}].times", {"field": "times", "other": "sell"})
        for name, part in parts.items():
            for field, points in part.quantities() if part is not None and scale is not None else ():
                if (points * 10 ** (scale or 0)) % 1:
                    yield Diagnostic("document.too_fine", f"{name}.{field}", {"found": str(points), "most": str(scale)})

    def due(self, view: View, /) -> date | None:
        """The next day, while there is something that goes into a pool."""
        if self.pool is None or self.retired or not self._pool_of(view) or not view.state.ledger.accounts[account_of(view, self.account).id].parts:
            return None
        if self.pool.when is None or view.test(self.pool.when):
            return view.day + ONE_DAY
        return view.next_change(self.pool.when)

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: events.AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, events.NewDay):
            return self._pooled(event, view)
        if isinstance(event, events.Purchase):
            return self.sell.bought(self, event, view) if self.sell is not None else None
        if isinstance(event, events.Return):
            return self.sell.returned(self, event, view) if self.sell is not None else None
        if not isinstance(event, events.Transfer) or view.ledger.resolve(event.account or "points") != view.ledger.resolve(self.account):
            return None
        if event.delivered:
            return self._received(event, view)
        return self._given_back(event, view) if event.back else self._sent(event, view)

    def _sent(self, event: events.Transfer, view: View) -> Decision:
        account = account_of(view, self.account)
        if self.send is None:
            return self.declined(event, [reason("points.transfer.not_offered", account=account.id)])
        assert event.points is not None  # one that says neither how many nor a card is no event
        units = in_units(event.points, account.scale)
        failing = [*self._misdirected(event), *self.send.failing(units, self, account, view)]
        if failing:
            return self.declined(event, failing)
        parts = taken(self.send.eligible(account, view), units)
        fee = self.send.fee_for(units, account)
        view.ledger.post(Move(account.id, TRANSFERRED, units, tuple(parts)))
        view.ledger.debit(account.id, fee, to=FEES)
        told = [reason("points.transfer.sent", points=account.shown(units), account=account.id, to=event.to)]
        told += [reason("points.transfer.fee", points=account.shown(fee), account=account.id)] if fee else []
        return self._told(event, view, account, parts, str(event.to), told)

    def _misdirected(self, event: events.Transfer) -> Iterator[Reason]:
        if event.to == event.customer_id:
            yield reason("points.transfer.to_self", to=event.to)
        if not signal_fits(event.customer_id, event.id, self.id):
            yield reason("event.id_too_long", id=event.id)

    def _given_back(self, event: events.Transfer, view: View) -> Decision:
        """What came from another customer goes back there: no limit holds for that, and it costs nothing."""
        account = account_of(view, self.account)
        held = view.ledger.ledger.accounts[account.id].spendable(view.settled, account.order)
        own = [part for part in held if part.lot.provenance == event.to]
        left = sum(part.quantity for part in own)
        units = left if event.points is None else in_units(event.points, account.scale)
        failing = list(self._misdirected(event))
        if units > left or not left:
            told = {"asked": account.shown(units), "most": account.shown(left), "account": account.id, "to": event.to}
            failing.append(reason("points.transfer.nothing_back", **told))
        if failing:
            return self.declined(event, failing)
        parts = taken(own, units)
        view.ledger.post(Move(account.id, TRANSFERRED, units, tuple(parts)))
        why = reason("points.transfer.given_back", points=account.shown(units), account=account.id, to=event.to)
        return self._told(event, view, account, parts, str(event.to), [why])

    # -- the other side --------------------------------------------------------------------------------------------

    def _told(self, event: events.AnyEvent, view: View, account: Account, parts: Sequence[LotPart], to: str, reasons: list[Reason]) -> Decision:
        """A decision with its postings, and the signal that carries the lots to their receiver."""
        points = plain(_shown(sum(part.quantity for part in parts), account))
        lots = [_row(part, account) for part in parts]
        content = frozen({"account": account.id, "points": points, "sender": view.state.customer_id, "lots": lots})
        data = Frozen({**event.attributes, "caused_at": instant_text(event.occurred_at)})
        return self.applied(event, reasons, [*view.postings(account.id), Signal(to, "transfer", data, content=content)])

    def _received(self, event: events.Transfer, view: View) -> Decision:
        account = account_of(view, self.account)
        parts = lots_of(account, event.lots, view, "transfer", str(event.sender))
        owed, points = view.ledger.owed(account.id), sum(part.quantity for part in parts)
        view.ledger.receive(TRANSFERRED, account.id, parts)
        settled = owed - view.ledger.owed(account.id)
        told = [reason("points.transfer.received", points=account.shown(points), account=account.id, sender=event.sender)]
        told += [reason("points.transfer.settled", points=account.shown(settled), account=account.id)] if settled else []
        return self.applied(event, told, view.postings(account.id))

    # -- households ------------------------------------------------------------------------------------------------

    def _pool_of(self, view: View) -> str | None:
        """Into whose account what the customer earns goes."""
        found = view.fact(self.pool.to) if self.pool is not None else None
        return found if found and found != view.state.customer_id else None

    def _pooled(self, event: events.NewDay, view: View) -> Decision | None:
        """What was usable before a day opens goes to the household then: whoever returns on the same day still has it."""
        to = self._pool_of(view)
        if self.pool is None or to is None or self.retired or (self.pool.when is not None and not view.test(self.pool.when)):
            return None
        account = account_of(view, self.account)
        held = view.ledger.ledger.accounts[account.id].spendable(view.settled, account.order)
        parts = [part for part in held if part.lot.usable_from < view.day]
        if not parts or not signal_fits(event.customer_id, event.id, self.id):
            return None
        units = sum(part.quantity for part in parts)
        view.ledger.post(Move(account.id, TRANSFERRED, units, tuple(parts)))
        return self._told(event, view, account, parts, to, [reason("points.transfer.pooled", points=account.shown(units), account=account.id, to=to)])


def _row(part: LotPart, account: Account) -> dict[str, str | bool]:
    """A lot as it is carried: nothing but what the receiver keeps of it."""
    lot = part.lot
    row: dict[str, str | bool] = {"quantity": plain(_shown(part.quantity, account)), "day": lot.day.isoformat()}
    row["last_day"] = lot.last_day.isoformat() if lot.last_day is not None else "never"
    return row | {name: told for name, told in (("source", lot.source), ("provenance", lot.provenance), ("again", lot.again)) if told}


def _shown(units: int, account: Account) -> Decimal:
    return from_units(units, account.scale)
