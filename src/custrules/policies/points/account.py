"""``points.account``: what becomes usable when, what lapses when, corrections by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, SerializerFunctionWrapHandler, WrapSerializer

from custrules.calendars import ONE_DAY, Length, Span
from custrules.errors import Diagnostic
from custrules.events import Adjustment, AnyEvent, Closure, Merge, NewDay, Opening
from custrules.facts import FactType
from custrules.fields import Name, Whole, fault, one_of, wrong_type
from custrules.ledger import ADJUSTED, ISSUED
from custrules.money import to_units
from custrules.policies.points.moving import answered
from custrules.policy import BalanceFact, Decision, Known, Moved, Phase, Policy, Reason, StatusFact, View, reason
from custrules.state import shown

MAX_SCALE = 6


def _read_expiry(value: object) -> object:
    return None if value == "never" else value


def _write_expiry(value: Span | None, write: SerializerFunctionWrapHandler) -> object:
    return "never" if value is None else write(value)


def _read_debt(value: object) -> object:
    if value in ("from_refund", "write_off"):
        raise fault("document.not_available", what=f"debt: {value}")
    if value != "owed":
        raise wrong_type("owed", value)
    return value


class Account(Policy):
    """A points account. ``expiry`` is the span after the day of accrual whose last day is the last usable day, or ``never``.

    ``pending`` is a length whose last day is inclusive: ``7 days`` of 1 March is usable from 9 March.
    """

    kind: ClassVar[str] = "points.account"
    phase: ClassVar[Phase] = "lapse"
    hears: ClassVar[tuple[str, ...] | None] = ("new_day", "adjustment", "opening", "merge", "closure")
    later_fields: ClassVar[tuple[str, ...]] = ("purpose", "order", "grace", "decay", "suspended", "reinstatement")

    unit: Name = "points"
    scale: Whole = 0
    expiry: Annotated[Span | None, BeforeValidator(_read_expiry), WrapSerializer(_write_expiry)]
    pending: Length | None = None
    debt: Annotated[Literal["owed"], BeforeValidator(_read_debt)] = "owed"
    on_closure: Annotated[Literal["forfeit", "keep"], one_of("forfeit", "keep")] = "forfeit"

    def opens(self) -> tuple[str, str, int]:
        return self.id, self.unit, self.scale

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        names = (self.id, f"{self.id}.pending", f"{self.id}.owed")
        return {name: BalanceFact(FactType("number"), name) for name in names}

    def faults(self, known: Known) -> list[Diagnostic]:
        if 0 <= self.scale <= MAX_SCALE:
            return []
        return [Diagnostic("document.wrong_type", "scale", {"expected": f"a number of decimals from 0 to {MAX_SCALE}", "found": str(self.scale)})]

    def follows(self, before: Policy) -> list[Diagnostic]:
        same = isinstance(before, Account) and (before.unit, before.scale) == (self.unit, self.scale)
        return [] if same else [Diagnostic("document.unit_changed", "", {"since": before.effective_from.isoformat()})]

    def last_day(self, accrued: date) -> date | None:
        """The last usable day of what is accrued on a day."""
        return self.expiry.last_day(accrued) if self.expiry is not None else None

    def usable_from(self, accrued: date) -> date:
        return self.pending.after(accrued) + ONE_DAY if self.pending is not None else accrued

    def grant(self, view: View, units: int, *, source: str, day: date | None = None, of: str = ISSUED) -> None:
        """Put new points into the account on a draft: pending and expiry counted from a day (the event's where not said), debt settled first."""
        accrued = day or view.day
        view.ledger.credit(self.id, units, last_day=self.last_day(accrued), usable_from=self.usable_from(accrued), source=source, of=of)

    def due(self, view: View, /) -> date | None:
        """The day on which the next pending lot becomes usable, or after which the next lot lapses."""
        accounts = view.state.ledger.accounts
        pending, held = accounts[f"{self.id}.pending"], accounts[self.id]
        if not pending.parts:
            last = held.first_last_day
            return last + ONE_DAY if last is not None else None
        days = [part.lot.usable_from for part in pending]
        days += [account.first_last_day + ONE_DAY for account in (pending, held) if account.first_last_day is not None]
        return min(days)

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, NewDay):
            return self._open_day(event, view)
        if isinstance(event, Adjustment) and view.ledger.resolve(event.account) == self.id:
            return self._adjust(event, view)
        return answered(self, event, view) if isinstance(event, Opening | Merge | Closure) else None

    def _open_day(self, event: NewDay, view: View) -> Decision | None:
        """Pending points become usable first, then what has passed its last day lapses."""
        draft = view.ledger
        matured = draft.mature(self.id)
        expired = draft.expire(self.id) + draft.expire(f"{self.id}.pending")
        told = (("points.pending.matured", matured), ("points.expiry.lapsed", expired))
        reasons = [reason(code, points=self.shown(units), account=self.id) for code, units in told if units]
        return self.applied(event, reasons, view.postings(self.id)) if reasons else None

    def _adjust(self, event: Adjustment, view: View) -> Decision:
        units = in_units(event.quantity, self.scale)
        why = {"points": event.quantity, "account": self.id, "why": event.reason, "approver": event.approver}
        if units == 0:
            return self.declined(event, [reason("points.adjustment.nothing", account=self.id)])
        if units > 0:
            view.ledger.credit(self.id, units, last_day=self.last_day(view.day), source="adjustment", of=ADJUSTED)
            return self.applied(event, [reason("points.adjustment.added", **why)], view.postings(self.id))
        taken = view.ledger.debit(self.id, -units, to=ADJUSTED, debt=True)
        reasons = [reason("points.adjustment.taken", **why), *owed_reason(self, taken.owed)]
        return self.applied(event, reasons, view.postings(self.id))

    def shown(self, units: int) -> int | Decimal:
        """Smallest units as people read them."""
        number = shown(units, self.unit, self.scale)
        assert isinstance(number, int | Decimal)
        return number


def owed_reason(account: Account, owed: int) -> list[Reason]:
    return [reason("points.debt.owed", points=account.shown(owed), account=account.id)] if owed else []


def account_of(view: View, name: str) -> Account:
    """The points account that a policy works on, in the version in force on the event's day; before its first, the first."""
    account = view.account(name)
    if not isinstance(account, Account):
        raise TypeError(f"there is no points account {name!r} in force on {view.day}")
    return account


def moved(view: View, account: Account) -> Moved:
    """The moves of the draft as the decision keeps them: made into postings when somebody reads them."""
    return Moved(tuple(view.ledger.moves), account.unit, account.scale)


def in_units(quantity: Decimal, scale: int) -> int:
    """A quantity of points in smallest units; events were checked to have no more decimals."""
    return to_units(quantity, scale, "the account")
