"""``points.account``: what becomes usable when, what lapses when, corrections by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from custrules.calendars import Length, Window
from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.events import Adjustment, AnyEvent, Closure, Merge, Opening, Return
from custrules.facts import FactType
from custrules.fields import Name, Whole, one_of
from custrules.forms import OR_NEVER
from custrules.ledger import ADJUSTED, ISSUED, MAX_UNITS, SPENT, LotOrder, LotPart
from custrules.measures import Measure
from custrules.money import to_units
from custrules.orders import Record
from custrules.policies.points import passing
from custrules.policies.points.debt import Debt, Limit, owed_for, relieved, working_on
from custrules.policies.points.expiry import Expiry
from custrules.policies.points.keeping import status_name
from custrules.policies.points.lapsing import Decay, Reinstatement
from custrules.policies.points.moving import answered, forfeited
from custrules.policies.points.pending import Pending
from custrules.policy import BalanceFact, Decision, Known, Moved, Phase, Policy, Reason, StatusFact, View, reason
from custrules.state_parts import shown

MAX_SCALE = 6
_ORDERS = ("soonest_expiry", "oldest", "newest")


class Adjustments(BaseModel):
    """What is given by hand: an ``expiry`` of its own, and up to how many points it needs no approver."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    expiry: Expiry | None = None
    without_approver: Limit | None = None


class Account(Policy):
    """A points account. ``expiry`` says until when points are usable, ``pending`` from when, and ``debt`` what becomes of points that
    are gone when they have to come back.

    ``suspended``: while the condition holds nothing lapses; lots keep their dates. ``order``: which lots are spent first. ``grace``: so
    long live points that come back when they have expired already, once. Credits of ``purpose: rank`` are neither spent nor sent.
    """

    kind: ClassVar[str] = "points.account"
    phase: ClassVar[Phase] = "lapse"
    later_fields: ClassVar[tuple[str, ...]] = ("overdraft",)

    unit: Name = "points"
    scale: Whole = 0
    purpose: Annotated[Literal["spend", "rank"], one_of("spend", "rank")] = "spend"
    expiry: Annotated[Expiry | None, *OR_NEVER]
    pending: Pending | None = None
    order: Annotated[LotOrder, one_of(*_ORDERS)] = "soonest_expiry"
    debt: Debt = Debt(then="owed")
    grace: Length | None = None
    suspended: Condition | None = None
    decay: Decay | None = None
    reinstatement: Reinstatement | None = None
    adjustments: Adjustments | None = None
    on_closure: Annotated[Literal["forfeit", "keep"], one_of("forfeit", "keep")] = "forfeit"

    # -- what the program asks of it -------------------------------------------------------------------------------

    def opens(self) -> tuple[str, str, int]:
        return self.id, self.unit, self.scale

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        names = (self.id, f"{self.id}.pending", f"{self.id}.owed")
        return {name: BalanceFact(FactType("number"), name) for name in names}

    def writes(self) -> tuple[str, ...]:
        return (status_name(self.id),)

    def listens_to(self) -> tuple[str, ...] | None:
        """Days, corrections and accounts that come or go; where it looks at more than dates, every event."""
        return ("new_day", "adjustment", "opening", "merge", "closure") if self.plain else None

    @property
    def plain(self) -> bool:
        """Whether dates alone tell what becomes of a lot."""
        if self.suspended is not None or self.reinstatement is not None:
            return False
        return (self.expiry is None or self.expiry.inactivity is None) and (self.pending is None or self.pending.event is None)

    def measured(self) -> Mapping[str, Measure]:
        return self.expiry.measured() if self.expiry is not None else {}

    def counts_moves(self) -> Mapping[str, Window | None]:
        written_off = {self.debt.tally: self.debt.per} if self.debt.tally is not None else {}
        return (self.expiry.counted() if self.expiry is not None else {}) | written_off

    def lot_order(self) -> LotOrder:
        return self.order

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(self._faults(known))

    def _faults(self, known: Known) -> Iterator[Diagnostic]:
        if not 0 <= self.scale <= MAX_SCALE:
            params = {"expected": f"a number of decimals from 0 to {MAX_SCALE}", "found": str(self.scale)}
            yield Diagnostic("document.wrong_type", "scale", params)
        parts: dict[str, Iterable[Diagnostic]] = {"debt": self.debt.faults(self.id, known)}
        if self.expiry is not None:
            parts["expiry"] = self.expiry.faults()
        if self.pending is not None:
            parts["pending"] = self.pending.faults(known.events)
        if self.adjustments is not None and self.adjustments.expiry is not None:
            parts["adjustments.expiry"] = _dates_only(self.adjustments.expiry, "adjustments")
        if self.reinstatement is not None:
            parts["reinstatement"] = self.reinstatement.faults(known.events)
            parts["reinstatement.last_day"] = _dates_only(self.reinstatement.last_day, "reinstatement")
        for field, faults in parts.items():
            yield from (Diagnostic(found.code, f"{field}.{found.path}" if found.path else field, found.params) for found in faults)
        yield from self._purpose_faults(known)

    def _purpose_faults(self, known: Known) -> Iterator[Diagnostic]:
        if self.purpose == "rank":
            for policy in working_on(self.id, known):
                if policy.spends():
                    yield Diagnostic("document.rank_account", "purpose", {"account": self.id, "policy": policy.id})

    def follows(self, before: Policy) -> list[Diagnostic]:
        same = isinstance(before, Account) and (before.unit, before.scale) == (self.unit, self.scale)
        return [] if same else [Diagnostic("document.unit_changed", "", {"since": before.effective_from.isoformat()})]

    # -- dates of lots ---------------------------------------------------------------------------------------------

    def last_day(self, accrued: date) -> date | None:
        """The last usable day of what is accrued on a day, if nothing else happens; counted from when it is usable where the account says so."""
        return self.expiry.last_day(accrued) if self.expiry is not None else None

    def usable_from(self, accrued: date, window: Length) -> date:
        """The first usable day; ``window`` is for how long goods can be returned. date.max where only an event tells."""
        return self.pending.usable_from(accrued, window) if self.pending is not None else accrued

    def dates(self, accrued: date, window: Length) -> tuple[date, date | None]:
        """First and last usable day of what is accrued on a day; the first is date.max where only an event tells."""
        usable_from = self.usable_from(accrued, window)
        counted = usable_from if self.pending is not None and self.pending.expiry_from == "usable" else accrued
        return usable_from, self.last_day(counted)

    def given_until(self, day: date) -> date | None:
        """The last usable day of what is given by hand on a day, if nothing else happens."""
        own = self.adjustments.expiry if self.adjustments is not None else None
        return own.last_day(day) if own is not None else self.last_day(day)

    def grant(self, view: View, units: int, *, source: str, day: date | None = None, of: str = ISSUED) -> list[Reason]:
        """Put new points into the account on a draft: pending and expiry counted from a day (the event's where not said), debt settled first.

        What it cannot take is left out, and told.
        """
        usable_from, last_day = self.dates(day or view.day, view.return_window)
        given = min(units, view.ledger.room(self.id))
        view.ledger.credit(self.id, given, last_day=last_day, usable_from=usable_from, source=source, of=of)
        return [self.full(units - given)] if given < units else []

    def full(self, units: int) -> Reason:
        """So many points are more than the account can take."""
        return reason("points.account.full", points=self.shown(units), most=self.shown(MAX_UNITS), account=self.id)

    def give_back(self, view: View, parts: Iterable[LotPart], *, of: str = SPENT) -> tuple[int, list[Reason]]:
        """Undo a spending (or a hold) on a draft: into the lots it came from; how much of it had expired, and what is said of the rest.

        What is spent and comes back expired may have a grace; a closed account keeps nothing of what comes back where it forfeits.
        """
        grace = self.grace.after(view.settled) if self.grace is not None and of == SPENT else None
        expired, graced = view.ledger.give_back(self.id, parts, grace, of=of)
        forgiven = view.ledger.forgive(self.id, owed_for(self.id, expired, view)) if expired else 0
        told = [reason("points.expiry.graced", points=self.shown(graced), account=self.id, until=grace)] if graced else []
        told += [reason("points.debt.forgiven", points=self.shown(forgiven), account=self.id)] if forgiven else []
        told += forfeited(self, view) if view.state.closed is not None and self.on_closure == "forfeit" else []
        return sum(part.quantity for part in expired), told

    def shortfall(self, view: View, event: AnyEvent, record: Record, owed: int) -> list[Reason]:
        """What becomes of the debt that a reversal has just left on a draft: kept back from the refund, written off, or owed."""
        before = view.ledger.owed(self.id)
        told = relieved(self, view, event, record, owed)
        return told + owed_reason(self, owed - (before - view.ledger.owed(self.id)))

    # -- time ------------------------------------------------------------------------------------------------------

    def due(self, view: View, /) -> date | None:
        """The next day on which something becomes usable, lapses, withers, or may be kept or come back by time alone."""
        return min(passing.days(self, view), default=None)

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, Adjustment) and view.ledger.resolve(event.account) == self.id:
            return self._adjust(event, view)
        if isinstance(event, Opening | Merge | Closure):
            return answered(self, event, view)
        if isinstance(event, Return) and view.record(self) is not None:
            return None
        reasons, statuses = passing.passed(self, event, view)
        return self.applied(event, reasons, [*view.postings(self.id), *statuses]) if reasons else None

    # -- by hand ---------------------------------------------------------------------------------------------------

    def _adjust(self, event: Adjustment, view: View) -> Decision:
        units = in_units(event.quantity, self.scale)
        why = {"points": event.quantity, "account": self.id, "why": event.reason, "approver": event.approver}
        limit = self.adjustments.without_approver if self.adjustments is not None else None
        if units == 0:
            return self.declined(event, [reason("points.adjustment.nothing", account=self.id)])
        if limit is not None and event.approver is None and abs(event.quantity) > limit:
            return self.declined(event, [reason("points.adjustment.needs_approver", points=event.quantity, account=self.id, limit=limit)])
        if (over := units - view.ledger.room(self.id)) > 0:
            return self.declined(event, [self.full(over)])
        if units > 0:
            view.ledger.credit(self.id, units, last_day=self.given_until(view.day), source="adjustment", of=ADJUSTED)
            told = [reason("points.adjustment.added", **why)]
        else:
            taken = view.ledger.debit(self.id, -units, to=ADJUSTED, debt=True)
            told = [reason("points.adjustment.taken", **why), *owed_reason(self, taken.owed)]
        reasons, statuses = passing.passed(self, event, view, given=units > 0)
        return self.applied(event, told + reasons, [*view.postings(self.id), *statuses])

    def shown(self, units: int) -> int | Decimal:
        """Smallest units as people read them."""
        number = shown(units, self.unit, self.scale)
        assert isinstance(number, int | Decimal)
        return number


def _dates_only(expiry: Expiry, other: str) -> Iterator[Diagnostic]:
    """An expiry that is a date and nothing else."""
    yield from expiry.faults()
    if expiry.inactivity is not None:
        yield Diagnostic("document.not_with", "inactivity", {"field": "inactivity", "other": other})


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
