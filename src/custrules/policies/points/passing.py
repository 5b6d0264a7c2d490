"""What time and events do to the points in an account: they become usable, are kept, lapse, come back and wither, in this order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from custrules.calendars import ONE_DAY
from custrules.counting import name_of
from custrules.events import AnyEvent, NewDay
from custrules.ledger import LotPart
from custrules.policies.points.keeping import Keeping, keeping_now, known_keeping, status_name
from custrules.policies.points.lapsing import DECAY, LAPSED, Lapsed, carried_of, remembered, to_carry, to_remember
from custrules.policies.points.pending import OPEN
from custrules.policy import Reason, Status, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.account import Account

Told = tuple[list[Reason], list[Status]]


def passed(account: Account, event: AnyEvent, view: View, *, given: bool = False) -> Told:
    """What an event (a day that opens among them) does, drafted on the ledger: what is said of it, and the statuses that change."""
    reasons = _matured(account, event, view)
    told, statuses = kept(account, view, given)
    reasons += told
    opens = isinstance(event, NewDay)
    lapsed = list(_past(account, view)) if opens or statuses else []
    if opens or statuses:
        reasons += _expired(account, view)
    for step in (_revived, _withered):
        told, written = step(account, event, view, lapsed)
        reasons += told
        statuses += written
    return reasons, statuses


def days(account: Account, view: View) -> Iterator[date]:
    """The days on which time alone may do something to the account."""
    accounts = view.state.ledger.accounts
    pending, held = accounts[f"{account.id}.pending"], accounts[account.id]
    yield from (part.lot.usable_from for part in pending if part.lot.usable_from != OPEN)
    if pending.usable_from == OPEN:
        yield from _released_days(account, view)
    for bucket in (pending, held):
        last = bucket.first_last_day
        if last is not None:
            yield last + ONE_DAY
    if keeping_now(account, view) != Keeping.of(known_keeping(account, view)):
        yield view.day + ONE_DAY
    if account.plain and account.decay is None:
        return
    conditions = [account.suspended, account.reinstatement.when if account.reinstatement is not None and _remembered(account, view) else None]
    changes = [view.next_change(condition) for condition in conditions if condition is not None]
    yield from (day for day in changes if day is not None)
    if account.decay is not None and held.total:
        yield account.decay.next_opening(view.day)


# -- pending -----------------------------------------------------------------------------------------------------------


def _released_days(account: Account, view: View) -> Iterator[date]:
    """When lots that wait for an event are cancelled; at once where the account waits for none any more."""
    if account.pending is None or account.pending.event is None:
        if any(part.lot.usable_from == OPEN for part in view.state.ledger.accounts[f"{account.id}.pending"]):
            yield view.day + ONE_DAY
        return
    days = (account.pending.cancelled_on(part.lot) for part in view.state.ledger.accounts[f"{account.id}.pending"])
    yield from (day for day in days if day is not None)


def _matured(account: Account, event: AnyEvent, view: View) -> list[Reason]:
    """Points whose day has come, and those that the event releases; those that waited in vain are cancelled."""
    bucket = view.ledger.ledger.accounts[f"{account.id}.pending"]
    if not bucket.parts:
        return []
    pending = list(bucket) if bucket.usable_from == OPEN or not account.plain else []  # those that may wait for an event
    released = [part for part in pending if _releases(account, event, part)]
    matured = view.ledger.mature(account.id, released) if released or isinstance(event, NewDay) else 0
    reasons = [reason("points.pending.matured", points=account.shown(matured), account=account.id)] if matured else []
    cancelled = [part for part in pending if _cancelled(account, event, part)]
    gone = view.ledger.cancel(account.id, cancelled) if cancelled else 0
    return [*reasons, reason("points.pending.cancelled", points=account.shown(gone), account=account.id)] if gone else reasons


def _releases(account: Account, event: AnyEvent, part: LotPart) -> bool:
    rule = account.pending
    if rule is None or rule.event is None:
        return isinstance(event, NewDay) and part.lot.usable_from == OPEN
    return name_of(event) == rule.event and rule.released(event, part.lot)


def _cancelled(account: Account, event: AnyEvent, part: LotPart) -> bool:
    if not isinstance(event, NewDay) or account.pending is None:
        return False
    day = account.pending.cancelled_on(part.lot)
    return day is not None and day <= event.day


# -- lapsing -----------------------------------------------------------------------------------------------------------


def kept(account: Account, view: View, given: bool = False) -> Told:
    """What the account says of its lots, where that has changed."""
    known = known_keeping(account, view)
    before, now = Keeping.of(known), keeping_now(account, view, given=given)
    if now == before:
        return [], []
    view.ledger.ledger.keep(account.id, now.kept, now.undated_until)
    return now.told(before, account.id), [now.status(account.id, known, view.settled)]


def _past(account: Account, view: View) -> Iterator[LotPart]:
    for bucket in (account.id, f"{account.id}.pending"):
        yield from view.ledger.ledger.accounts[bucket].expired(view.settled)


def _expired(account: Account, view: View) -> list[Reason]:
    expired = view.ledger.expire(account.id) + view.ledger.expire(f"{account.id}.pending")
    return [reason("points.expiry.lapsed", points=account.shown(expired), account=account.id)] if expired else []


# -- coming back -------------------------------------------------------------------------------------------------------


def _remembered(account: Account, view: View) -> list[Lapsed]:
    known = view.state.statuses.get((status_name(account.id), LAPSED))
    return remembered(known.data) if known is not None else []


def _unforgiven(lapsed: list[Lapsed], view: View) -> Iterator[Lapsed]:
    """What expired and may live again: what a return forgave since then has been taken back."""
    left: dict[str, int] = {}
    for row in lapsed:
        lot = row.part.lot
        order = view.state.order(lot.origin)
        if order is None:
            yield row
            continue
        left.setdefault(lot.id, order.unforgiven.get(lot.id, 0))
        quantity = min(row.part.quantity, left[lot.id])
        left[lot.id] -= quantity
        if quantity > 0:
            yield row._replace(part=LotPart(lot, quantity))


def _revived(account: Account, event: AnyEvent, view: View, lapsed: list[LotPart]) -> Told:
    """What expired not long ago lives again, once, where the account says so; what expires now is remembered."""
    rule = account.reinstatement
    if rule is None:
        return [], []
    holds = rule.when is None or view.test(rule.when, view.settled)
    known = [row for row in _remembered(account, view) if row.on >= rule.first_day(view.settled)]
    before = list(_unforgiven(known, view))
    forgone = sum(row.part.quantity for row in known) - sum(row.part.quantity for row in before)
    reasons = [reason("points.expiry.forgone", points=account.shown(forgone), account=account.id)] if forgone else []
    if before and holds and (rule.event is None or name_of(event) == rule.event):
        until = rule.last_day.last_day(view.settled)
        revived = view.ledger.revive(account.id, [row.part for row in before], until)
        reasons += [reason("points.expiry.reinstated", points=account.shown(revived), account=account.id, until=until)]
        before = []
    if rule.event is None and holds:
        lapsed = []  # a condition that holds already does not come true any more
    new = [Lapsed(part, view.settled) for part in lapsed if not part.lot.again and part.lot.usable_from <= view.settled]
    if not reasons and not new:
        return [], []
    return reasons, [Status(status_name(account.id), None, view.settled, subject=LAPSED, data=to_remember([*before, *new]))]


# -- withering ---------------------------------------------------------------------------------------------------------


def _withered(account: Account, event: AnyEvent, view: View, _: list[LotPart]) -> Told:
    """A share of what is there goes as a period opens."""
    rule, known = account.decay, view.state.statuses.get((status_name(account.id), DECAY))
    if rule is None or not isinstance(event, NewDay) or not rule.opens(event.day) or (known is not None and known.since == event.day):
        return [], []
    usable = view.ledger.usable(account.id)
    if not usable or (rule.when is not None and not view.test(rule.when)):
        return [], []
    taken, carried = rule.taken(usable, carried_of(known.data) if known is not None else Fraction(0), account.scale)
    status = Status(status_name(account.id), None, event.day, subject=DECAY, data=to_carry(carried))
    gone = view.ledger.decay(account.id, taken)
    told = [reason("points.expiry.decayed", points=account.shown(gone), account=account.id, share=rule.share, left=account.shown(usable - gone))]
    return told, [status]
