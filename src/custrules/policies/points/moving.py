"""What becomes of a points account when the whole customer comes, goes, or becomes one with another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from custrules.brought import unpacked
from custrules.event_parts import NEVER, MovedLot
from custrules.events import Closure, Merge, Opening
from custrules.ledger import EXPIRED, FORFEITED, MERGED, OPENED, Lot, LotPart, Move
from custrules.money import to_units
from custrules.policies.points.keeping import status_name
from custrules.policies.points.lapsing import DECAY, LAPSED, Lapsed, carried_of, remembered, to_carry, to_remember
from custrules.policies.points.passing import kept
from custrules.policy import Decision, Reason, Status, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.account import Account
    from custrules.state import State


def answered(account: Account, event: Opening | Merge | Closure, view: View) -> Decision | None:
    """An account's answer; None where nothing of it is concerned."""
    statuses: list[Status] = []
    if isinstance(event, Closure):
        reasons = _closed(account, event, view)
    elif isinstance(event, Merge) and event.of is None:
        reasons = _left(account, event, view)
    else:  # what is told of other times may keep what comes
        reasons, statuses = kept(account, view)
        reasons += _opened(account, event, view) if isinstance(event, Opening) else _joined(account, event, view)
        if isinstance(event, Merge):
            memory = list(_joined_memory(account, event, view))
            reasons += [reason("points.merge.remembered", account=account.id, of=event.of)] if memory else []
            statuses += memory
    return account.applied(event, reasons, [*view.postings(account.id), *statuses]) if reasons else None


def lots_of(account: Account, rows: Iterable[MovedLot], view: View, source: str, sender: str = "") -> list[LotPart]:
    """Lots as an event brings them, as parts of new lots of the account: day, last day and kind as they are told."""
    parts = []
    for number, row in enumerate(rows):
        day, units = row.day or view.day, to_units(row.quantity, account.scale, "the account")
        usable_from = row.usable_from or (view.day if row.day is None or sender else day)
        provenance = row.provenance or "" if not sender else "" if row.provenance == view.state.customer_id else sender
        named = (view.ledger.lot_id(number), account.unit, view.event.id, day, usable_from, _last_day(account, row, day), units)
        lot = Lot(*named, row.source or source, provenance)
        parts.append(LotPart(lot.renewed(lot.last_day) if row.again else lot, units))
    return parts


def _last_day(account: Account, row: MovedLot, day: date) -> date | None:
    if row.last_day is None:
        return account.last_day(day)
    return None if row.last_day == NEVER else row.last_day


# -- opening -----------------------------------------------------------------------------------------------------------


def _opened(account: Account, event: Opening, view: View) -> list[Reason]:
    balance = next((held for name, held in event.balances.items() if view.ledger.resolve(name) == account.id), None)
    if balance is None:
        return []
    owed = to_units(balance.owed, account.scale, "the account")
    view.ledger.post(Move(f"{account.id}.owed", OPENED, owed))
    parts = lots_of(account, balance.lots, view, "opening")
    return [*_received(account, view, parts, OPENED, "points.opening.balance", owed=account.shown(owed))]


def _received(account: Account, view: View, parts: Sequence[LotPart], source: str, code: str, **told: object) -> list[Reason]:
    """Lots are taken in; what has expired by now is told, and enters no account."""
    held = view.ledger.ledger.accounts[account.id]
    gone = tuple(part for part in parts if held.lapsed(part.lot, view.settled))
    alive = [part for part in parts if not held.lapsed(part.lot, view.settled)]
    expired = sum(part.quantity for part in gone)
    view.ledger.post(Move(source, EXPIRED, expired, gone))
    view.ledger.receive(source, account.id, alive)
    points = sum(part.quantity for part in alive)
    reasons = [reason(code, points=account.shown(points), account=account.id, **told)]
    return reasons + ([reason("points.opening.expired", points=account.shown(expired), account=account.id)] if expired else [])


# -- merge -------------------------------------------------------------------------------------------------------------


def _left(account: Account, event: Merge, view: View) -> list[Reason]:
    """The absorbed account is emptied; its debt goes along."""
    points = _emptied(account, view, MERGED)
    owed = view.ledger.owed(account.id)
    view.ledger.post(Move(MERGED, f"{account.id}.owed", owed))
    told = {"points": account.shown(points), "owed": account.shown(owed), "account": account.id, "into": event.into}
    return [reason("points.merge.left", **told)] if points or owed else []


def _emptied(account: Account, view: View, target: str) -> int:
    """Everything usable and pending leaves; how much that was."""
    total = 0
    for bucket in (account.id, f"{account.id}.pending"):
        parts = tuple(view.ledger.ledger.accounts[bucket])
        quantity = sum(part.quantity for part in parts)
        view.ledger.post(Move(bucket, target, quantity, parts))
        total += quantity
    return total


def _joined(account: Account, event: Merge, view: View) -> list[Reason]:
    """What the other account held comes as it is: days, kinds and provenance; debts and balances are netted."""
    other = unpacked(event)
    buckets = [other.ledger.accounts[name] for name in (account.id, f"{account.id}.pending") if name in other.ledger.accounts]
    parts = [part for bucket in buckets for part in bucket]
    debt = other.ledger.accounts.get(f"{account.id}.owed")
    owed = debt.owed if debt is not None else 0
    if not parts and not owed:
        return []
    view.ledger.debit(account.id, owed, to=MERGED, debt=True)
    own = [LotPart(_own(part.lot, number, other, view), part.quantity) for number, part in enumerate(parts)]
    return _received(account, view, own, MERGED, "points.merge.joined", owed=account.shown(owed), of=event.of)


def _joined_memory(account: Account, event: Merge, view: View) -> Iterator[Status]:
    """What the other card remembers of what lapsed not long ago, and what it carried on of what withers, is added to the own."""
    other, name = unpacked(event), status_name(account.id)
    theirs, own = ({subject: known.get((name, subject)) for subject in (LAPSED, DECAY)} for known in (other.statuses, view.state.statuses))
    if (came := theirs[LAPSED]) is not None and account.reinstatement is not None:
        known = own[LAPSED]
        rows = [*(remembered(known.data) if known is not None else []), *_own_rows(remembered(came.data), other, view)]
        yield Status(name, None, view.settled, subject=LAPSED, data=to_remember(sorted(rows, key=lambda row: (row.on, row.part.lot.id))))
    if (came := theirs[DECAY]) is not None and account.decay is not None:
        known = own[DECAY]
        carried = carried_of(came.data) + (carried_of(known.data) if known is not None else 0)
        yield Status(name, None, known.since if known is not None else came.since, subject=DECAY, data=to_carry(carried))


def _own_rows(rows: Iterable[Lapsed], other: State, view: View) -> Iterator[Lapsed]:
    """Lots that lapsed, named so that none is called like one that lives."""
    for number, row in enumerate(rows):
        lot = row.part.lot
        own = lot if other.has_order(lot.origin) else lot._replace(id=f"{view.ledger.lot_id(number)}.lapsed", origin=view.event.id)
        yield row._replace(part=LotPart(own, row.part.quantity))


def _own(lot: Lot, number: int, other: State, view: View) -> Lot:
    """A lot that an order may still undo keeps its name; any other has one of this event's, so that no two are called alike."""
    if other.has_order(lot.origin):
        return lot
    own = lot._replace(id=view.ledger.lot_id(number), origin=view.event.id)
    return own.renewed(own.last_day) if lot.again else own


# -- closure -----------------------------------------------------------------------------------------------------------


def _closed(account: Account, event: Closure, view: View) -> list[Reason]:
    """What is there is forfeited, or stays until it expires; what is owed stays owed."""
    owed = view.ledger.owed(account.id)
    told = [reason("points.closure.owed", points=account.shown(owed), account=account.id)] if owed else []
    if account.on_closure == "keep":
        held = view.ledger.ledger.accounts
        total = held[account.id].total + held[f"{account.id}.pending"].total
        return told + ([reason("points.closure.kept", points=account.shown(total), account=account.id)] if total else [])
    return told + forfeited(account, view)


def forfeited(account: Account, view: View) -> list[Reason]:
    """Nothing is left in an account that closes, or was closed already when something came back."""
    points = _emptied(account, view, FORFEITED)
    return [reason("points.closure.forfeited", points=account.shown(points), account=account.id)] if points else []
