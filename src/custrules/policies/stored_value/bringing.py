"""Points and coupons that come with a top-up: given with it, and taken back as the money goes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from custrules.brought import unpacked
from custrules.deposits import Deposit
from custrules.errors import Diagnostic
from custrules.events import AnyEvent, Chargeback, Merge, RefundPaid, TopUp
from custrules.fields import Frozen, Name
from custrules.ledger import REVERSED, Lot
from custrules.policies.stored_value.amounts import money
from custrules.policies.stored_value.ladder import CouponPack
from custrules.policy import Decision, Effect, Known, Phase, Policy, Reason, Status, View, reason
from custrules.state_parts import StatusValue, shown
from custrules.validation import nearest

if TYPE_CHECKING:
    from custrules.policies.stored_value.top_up import TopUp as TopUpPolicy

COUPONS, POINTS = ".coupons", ".points"
GIVEN, WITHDRAWN = "given", "withdrawn"


class PointsAccount(Protocol):
    """What a gift of points needs of the account that keeps them."""

    id: str
    unit: str
    scale: int

    def grant(self, view: View, units: int, *, source: str) -> list[Reason]: ...


class Bringing(Policy):
    """The part of a ``stored_value.top_up`` that gives points and coupons once the top-up stands.

    Points are taken back in proportion to the money that goes back, by refunds and by a bank, as a running total, and given again where a
    dispute is won. Coupons are withdrawn where a refund names them as returned, or a bank has taken back all that was paid. Of both a
    status is kept: of the points as long as the top-up is known, of coupons until their last day.
    """

    kind: ClassVar[str] = "stored_value.top_up"
    phase: ClassVar[Phase] = "lapse"
    hears: ClassVar[tuple[str, ...] | None] = ("top_up", "chargeback", "refund_paid", "merge")
    recorded: ClassVar[bool] = False

    id: str
    top_up: Name
    account: Name
    points_account: Name
    coupons: tuple[CouponPack, ...] = ()

    def writes(self) -> tuple[str, ...]:
        return statuses(self.top_up)

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        reasons: list[Reason] = []
        effects: list[Effect] = []
        if isinstance(event, Merge):
            effects += self._joined(event, view) if event.of is not None else ()
            reasons += [reason("stored_value.top_up.brought_along", of=event.of)] if effects else []
        elif isinstance(event, TopUp):
            self._give(event, view, reasons, effects)
        elif isinstance(event, Chargeback | RefundPaid):
            self._adjust(event, view, reasons, effects)
        if not reasons:
            return None
        return self.applied(event, reasons, [*effects, *(view.postings(self.points_account) if view.ledger.moves else ())])

    # -- giving ----------------------------------------------------------------------------------------------------

    def _give(self, event: TopUp, view: View, reasons: list[Reason], effects: list[Effect]) -> None:
        order = view.state.order(event.id)
        deposit, named = order.deposit if order is not None else None, view.account(self.account)
        if deposit is None or named is None or deposit.account != named.id:
            return
        if deposit.points:
            effects.append(self._move_points(event.id, 0, deposit.points, deposit.points, view, reasons))
        for name, count, value in deposit.coupons:
            last = self._last_day(name, view.day)
            told = {"coupon": name, "count": count, "value": money(value, view)}
            effects.append(Status(self._coupons, GIVEN, view.day, last, f"{event.id}:{name}", Frozen({"top_up": event.id, **told})))
            reasons.append(reason("stored_value.top_up.coupons", until=last, **told))

    def _last_day(self, coupon: str, day: date) -> date | None:
        return next((pack.valid.last_day(day) for pack in self.coupons if pack.coupon == coupon), None)

    # -- taking back -----------------------------------------------------------------------------------------------

    def _adjust(self, event: Chargeback | RefundPaid, view: View, reasons: list[Reason], effects: list[Effect]) -> None:
        """Everything that was given, as it should stand now that money went back, or came back from a bank."""
        returned = _returned(event, view) if isinstance(event, RefundPaid) else frozenset[str]()
        for (name, subject), held in view.state.statuses.items():
            top_up = subject if name == self._points else str(held.data.get("top_up", ""))
            order = view.state.order(top_up) if name in self.writes() else None
            if order is None or order.deposit is None:
                continue
            if name == self._points:
                given, kept = int(str(held.data["given"])), int(str(held.data["kept"]))
                goal = given - _share_back(order.deposit, given)
                if goal != kept:
                    effects.append(self._move_points(subject, kept, goal, given, view, reasons))
            elif held.until is None or held.until >= view.day:
                effects += self._coupon_now(subject, held, order.deposit, returned, view, reasons)

    def _move_points(self, top_up: str, kept: int, goal: int, given: int, view: View, reasons: list[Reason]) -> Status:
        """Bring the points of a top-up from what is kept of them to what should be."""
        account = cast("PointsAccount", view.account(self.points_account))
        told = {"points": shown(abs(goal - kept), account.unit, account.scale), "top_up": top_up, "account": account.id}
        if goal > kept:
            over = account.grant(view, goal - kept, source="gratis")
            reasons += [reason("stored_value.top_up.points", **told), *over]
        else:
            lots = list(_lots(account, top_up, view))
            view.ledger.debit(account.id, kept - goal, to=REVERSED, prefer=lots, debt=True)
            reasons.append(reason("stored_value.top_up.points_back", **told))
        data = Frozen({"given": given, "kept": goal, "account": account.id})
        return Status(self._points, str(shown(goal, account.unit, account.scale)), view.day, None, top_up, data)

    def _coupon_now(
        self, subject: str, held: StatusValue, deposit: Deposit, returned: frozenset[str], view: View, reasons: list[Reason]
    ) -> Iterator[Effect]:
        coupon, sent_back = str(held.data["coupon"]), held.data.get("returned") is True or str(held.data["coupon"]) in returned
        gone = sent_back or (deposit.disputed > 0 and deposit.disputed >= deposit.money - deposit.refunded)
        value = WITHDRAWN if gone else GIVEN
        if value != held.value:
            told = {"coupon": coupon, "count": held.data["count"], "top_up": held.data["top_up"]}
            reasons.append(reason("stored_value.top_up.coupons_withdrawn" if gone else "stored_value.top_up.coupons_again", **told))
            yield Status(self._coupons, value, view.day, held.until, subject, Frozen({**held.data, **({"returned": True} if sent_back else {})}))

    # -- merge -----------------------------------------------------------------------------------------------------

    def _joined(self, event: Merge, view: View) -> Iterator[Status]:
        """What another card was given comes along with its top-ups."""
        for (name, subject), held in unpacked(event).statuses.items():
            if name in self.writes() and (name, subject) not in view.state.statuses:
                yield Status(name, held.value, held.since, held.until, subject, Frozen(held.data))

    @property
    def _coupons(self) -> str:
        return self.top_up + COUPONS

    @property
    def _points(self) -> str:
        return self.top_up + POINTS


def statuses(top_up: str) -> tuple[str, ...]:
    """The names under which the points and coupons of top-ups are kept."""
    return top_up + POINTS, top_up + COUPONS


def beside(policy: TopUpPolicy, packs: tuple[CouponPack, ...]) -> Bringing:
    """What stands beside one version of a top-up; one that is retired still takes back."""
    head = {"effective_from": policy.effective_from, "reference": policy.reference}
    parts = {"top_up": policy.id, "account": policy.account, "points_account": policy.points_account, "coupons": packs}
    return Bringing(id=f"{policy.id}.brings", **head, **parts)


def _share_back(deposit: Deposit, units: int) -> int:
    """How much of what was given goes back with the money that did: the part of a unit that is over stays with the customer."""
    back = min(deposit.refunded + deposit.disputed, deposit.money)
    return units * back // deposit.money if deposit.money else 0


def _lots(account: PointsAccount, top_up: str, view: View) -> Iterator[Lot]:
    """What is left of the lots that a top-up brought."""
    accounts = view.state.ledger.accounts
    held = [part.lot for name in (f"{account.id}.pending", account.id) for part in accounts[name]]
    return (lot for lot in held if lot.origin == top_up and lot.source == "gratis")


def _returned(event: RefundPaid, view: View) -> frozenset[str]:
    """What the request that is paid names as returned."""
    found = (held.data.get("returned") for (_, subject), held in view.state.statuses.items() if subject == event.of)
    return frozenset(name for text in found if text for name in str(text).split("\n"))


# -- points in a program -----------------------------------------------------------------------------------------------


def points_scale(view: View, account: str) -> int:
    return cast("PointsAccount", view.account(account)).scale


def points_faults(policy: TopUpPolicy, known: Known) -> Iterator[Diagnostic]:
    """Points that the program does not have, or not so finely."""
    rows = [(f"ladder[{place}].points", row.points) for place, row in enumerate(policy.ladder) if row.points is not None]
    scale = known.scales.get(policy.points_account)
    if rows and scale is None:
        params = {"account": policy.points_account, "known": ", ".join(known.accounts), "nearest": nearest(policy.points_account, known.accounts)}
        path = "points_account" if "points_account" in policy.model_fields_set else rows[0][0]
        yield Diagnostic("document.unknown_account" if known.accounts else "document.no_account", path, params)
    for path, points in rows:
        if scale is not None and points is not None and (points * Decimal(10) ** scale) % 1:
            yield Diagnostic("document.too_fine", path, {"found": str(points), "most": str(scale)})
