"""``stored_value.top_up``: money is paid in; what it brings beside, by a ladder or as the top-up says; and a bank that takes it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from custrules import events
from custrules.deposits import NORMAL, Deposit
from custrules.errors import Diagnostic
from custrules.fields import Name, one_of
from custrules.ledger import GRANTED, ISSUED, PAID, Lot, LotPart
from custrules.measures import Measure
from custrules.money import Rounding, to_units
from custrules.policies.stored_value import bringing
from custrules.policies.stored_value.account import ValueAccount, account_of, owed_before
from custrules.policies.stored_value.amounts import minor, money
from custrules.policies.stored_value.bringing import points_scale
from custrules.policies.stored_value.disputes import answered
from custrules.policies.stored_value.ladder import MODES, CouponPack, Mode, TopUpRow, ladder_faults, reached
from custrules.policies.stored_value.limits import over_limits
from custrules.policy import Decision, Known, Phase, Policy, Reason, View, reason

_OF_FORM = {"paid": "visits", "list_price": "visits", "starts": "period"}


class Brought(NamedTuple):
    """What a top-up brings beside its amount: a bonus in the account's unit, gifts in kind with their values, points, coupons of each name:
    how many, and what one is worth."""

    bonus: int
    gifts: tuple[tuple[str, int], ...] = ()
    points: Decimal = Decimal(0)
    coupons: tuple[tuple[str, int, int], ...] = ()

    @property
    def rank(self) -> tuple[int, Decimal, int, int]:
        return self.bonus, self.points, sum(count for _, count, _ in self.coupons), len(self.gifts)


class TopUp(Policy):
    """Money is paid into an account. With a ``ladder`` the rows that its amount reaches give a bonus and gifts, counted by ``mode``;
    without one a top-up brings what it says itself: ``given`` on top, of visits how many are ``paid`` for, of a period when it ``starts``.
    Points of a row go into ``points_account``.

    ``bonus_on``: what reaches the ladder: the ``net`` amount, after what was owed is settled, or the ``gross``. When a bank takes the
    money back, what was consumed of it is owed: at its ``face``, or the share of it that had been paid (``ratio``).
    """

    kind: ClassVar[str] = "stored_value.top_up"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = ("top_up", "chargeback")
    serves: ClassVar[tuple[str, ...]] = ("top_up",)
    works_with: ClassVar[Literal["points", "stored_value"]] = "stored_value"

    account: Name = "stored_value"
    ladder: Annotated[tuple[TopUpRow, ...], Field(max_length=200)] = ()
    mode: Annotated[Mode, one_of(*MODES)] | None = None
    rounding: Annotated[Rounding, one_of(*Rounding)] = Rounding.floor
    owed_on_chargeback: Annotated[Literal["face", "ratio"], one_of("face", "ratio")] = "face"
    bonus_on: Annotated[Literal["net", "gross"], one_of("net", "gross")] = "net"
    points_account: Name = "points"

    # -- what the program asks of it -------------------------------------------------------------------------------

    def works_on(self) -> str:
        return self.account

    def writes(self) -> tuple[str, ...]:
        """Nobody else does; what stands beside it writes them."""
        return bringing.statuses(self.id) if self._packs() or any(row.points for row in self.ladder) else ()

    def passing(self) -> tuple[str, ...]:
        return tuple(name for name in self.writes() if name.endswith(bringing.COUPONS))

    def of_orders(self) -> tuple[str, ...]:
        return tuple(name for name in self.writes() if name.endswith(bringing.POINTS))

    def companions(self) -> tuple[Policy, ...]:
        """What gives points and coupons, and takes them back."""
        return (bringing.beside(self, self._packs()),)

    def _packs(self) -> tuple[CouponPack, ...]:
        return tuple({pack.coupon: pack for row in self.ladder for pack in row.coupons}.values())

    def measured(self) -> Mapping[str, Measure]:
        return {"top_ups": Measure.model_validate({"count": "top_up", "window": "lifetime"})} if any(row.first for row in self.ladder) else {}

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(self._faults(known))

    def _faults(self, known: Known) -> Iterator[Diagnostic]:
        if self.ladder and self.mode is None:
            yield Diagnostic("document.missing_field", "", {"field": "mode"})
        if not self.ladder and self.mode is not None:
            yield Diagnostic("document.missing_field", "", {"field": "ladder"})
        yield from ladder_faults(self.ladder, known.scale)
        yield from bringing.points_faults(self, known)
        form = known.stores.get(self.account)
        if self.ladder and form not in (None, "amount"):
            yield Diagnostic("document.not_with", "ladder", {"field": "ladder", "other": f"form: {form}"})

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: events.AnyEvent, view: View, /) -> Decision | None:
        account = account_of(view, self.account)
        if account is None:
            return None
        if isinstance(event, events.Chargeback):
            return answered(self, event, account, view)
        if not isinstance(event, events.TopUp) or not self._is_mine(event, account, view):
            return None
        if account.retired:  # what stands on it is still spent and refunded
            return self.declined(event, [reason("stored_value.account.retired", policy=account.id)])
        failing = [*self._wrong(event, account), *over_limits(account, self._brought(event, account, view).bonus, event, view)]
        if failing:
            return self.declined(event, failing)
        return self._pay_in(event, account, view)

    def _is_mine(self, event: events.TopUp, account: ValueAccount, view: View) -> bool:
        named = view.account(event.account or "stored_value")
        return named is not None and named.id == account.id

    def _wrong(self, event: events.TopUp, account: ValueAccount) -> Iterator[Reason]:
        """What a top-up says, or leaves out, that does not go with its account."""
        told = {"account": account.id, "form": account.form}
        if account.form == "visits" and event.paid is None:
            yield reason("stored_value.top_up.paid_missing", **told)
        if account.form == "period" and event.given:
            yield reason("stored_value.top_up.unexpected", field="given", **told)
        for field, form in _OF_FORM.items():
            if getattr(event, field) is not None and account.form != form:
                yield reason("stored_value.top_up.unexpected", field=field, **told)
        if self.ladder and event.given is not None:
            yield reason("stored_value.top_up.ladder_gives", account=account.id)
        if account.form == "amount" and not event.amount:
            yield reason("stored_value.top_up.nothing", account=account.id)

    # -- what it brings --------------------------------------------------------------------------------------------

    def _brought(self, event: events.TopUp, account: ValueAccount, view: View) -> Brought:
        own = tuple((gift.item, gift.value.minor) for gift in event.gifts)
        if not self.ladder:
            return Brought(account.units(event.given, view) if event.given is not None else 0, own)
        paid = event.amount.minor
        if self.bonus_on == "net":
            paid -= min(paid, owed_before(account, view))
        found = self._better(paid, view)
        return found._replace(gifts=(*found.gifts, *own))

    def bonus_for(self, paid: int, view: View) -> int:
        """The bonus that a payment of so much would bring now, as a first one or not, whichever is more; smallest units."""
        rows = [[row for row in self.ladder if row.first == first] for first in (False, True)]
        return max(self._of_rows(found, paid, view).bonus for found in rows)

    def _better(self, paid: int, view: View) -> Brought:
        """What the ladder brings; at a first top-up also what is for first ones only, if that is more."""
        ordinary = self._of_rows([row for row in self.ladder if not row.first], paid, view)
        if not any(row.first for row in self.ladder) or view.value(f"{self.id}.top_ups") != 0:
            return ordinary
        first = self._of_rows([row for row in self.ladder if row.first], paid, view)
        return first if first.rank >= ordinary.rank else ordinary

    def _of_rows(self, rows: list[TopUpRow], paid: int, view: View) -> Brought:
        found = reached(rows, self.mode, paid, view)
        gifts = tuple((gift.item, minor(gift.value, view)) for row in found for gift in row.row.gifts * row.times)
        coupons: dict[str, tuple[int, int]] = {}
        for row in found:
            for pack in row.row.coupons:
                coupons[pack.coupon] = (coupons.get(pack.coupon, (0, 0))[0] + pack.count * row.times, minor(pack.value, view))
        bonus = sum(row.row.bonus(row.paid, row.times, self.rounding, view) for row in found)
        points = sum((row.row.points * row.times for row in found if row.row.points is not None), Decimal(0))
        return Brought(bonus, gifts, points, tuple((name, count, value) for name, (count, value) in coupons.items()))

    # -- paying in -------------------------------------------------------------------------------------------------

    def _pay_in(self, event: events.TopUp, account: ValueAccount, view: View) -> Decision:
        brought = self._brought(event, account, view)
        if account.form == "period":
            return self.applied(event, [*self._told_period(event, account, view), *_told_gifts(brought, view)])
        paid = event.amount.minor if account.form == "amount" else account.units(event.paid, view)  # type: ignore[arg-type]  # it says so: see _wrong
        owed = min(owed_before(account, view), paid + brought.bonus)
        parts = [_lot(account, view, number, source, units, last) for number, (source, units, last) in enumerate(_pair(account, view, paid, brought))]
        account.receive(view, ISSUED, [part for part in parts if part.lot.source == PAID], [part for part in parts if part.lot.source == GRANTED])
        told = {"amount": event.amount, "account": account.id}
        reasons = [reason("stored_value.top_up.paid", bonus=account.shown(brought.bonus, view), **told)]
        if account.form == "visits":
            reasons = [reason("stored_value.top_up.visits", paid=account.shown(paid, view), given=account.shown(brought.bonus, view), **told)]
        if owed:
            reasons.append(reason("stored_value.top_up.debt", amount=account.shown(owed, view), account=account.id))
        return self.applied(event, [*reasons, *_told_gifts(brought, view)], account.postings(view))

    def _told_period(self, event: events.TopUp, account: ValueAccount, view: View) -> list[Reason]:
        starts = event.starts or view.day
        return [reason("stored_value.top_up.period", amount=event.amount, account=account.id, starts=starts, ends=account.period_end(starts))]

    def deposit(self, event: events.AnyEvent, view: View, /) -> Deposit | None:
        account = account_of(view, self.account)
        if not isinstance(event, events.TopUp) or account is None:
            return None
        starts = (event.starts or view.day) if account.form == "period" else None
        brought = self._brought(event, account, view)
        return Deposit(
            account.id,
            account.form,
            event.amount.minor,
            list_price=event.list_price.minor if event.list_price is not None else None,
            starts=starts,
            ends=account.period_end(starts) if starts is not None else None,
            priority=NORMAL if event.priority is None else event.priority,
            gifts=brought.gifts,
            coupons=brought.coupons,
            points=to_units(brought.points, points_scale(view, self.points_account), "the account") if brought.points else 0,
            touched=view.settled,
        )


def _pair(account: ValueAccount, view: View, paid: int, brought: Brought) -> list[tuple[str, int, date | None]]:
    rows = [(PAID, paid, None), (GRANTED, brought.bonus, account.given_until(view.day))]
    return [row for row in rows if row[1]]


def _lot(account: ValueAccount, view: View, number: int, source: str, units: int, last: date | None) -> LotPart:
    unit, _ = account.unit(view)
    return LotPart(Lot(view.ledger.lot_id(number), unit, view.event.id, view.day, view.day, last, units, source), units)


def _told_gifts(brought: Brought, view: View) -> list[Reason]:
    return [reason("stored_value.top_up.gift", item=item, value=money(value, view)) for item, value in brought.gifts]
