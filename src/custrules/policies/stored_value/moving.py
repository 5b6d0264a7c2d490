"""What becomes of stored value when it is corrected by hand, and when the whole customer comes, goes, or becomes one with another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from custrules.brought import unpacked
from custrules.event_parts import NEVER, LastDay, OpenedBalance
from custrules.events import Adjustment, Closure, Merge, Opening
from custrules.ledger import ADJUSTED, EXPIRED, FORFEITED, GRANTED, MERGED, OPENED, PAID, Lot, LotPart, Move
from custrules.policies.stored_value.pairs import by_source_of, settle_out_of_lots
from custrules.policies.stored_value.parts import by_source, first, total
from custrules.policy import Decision, Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.account import ValueAccount


def adjusted(account: ValueAccount, event: Adjustment, view: View) -> Decision | None:
    """A correction of principal or of the bonus by hand: a top-up of its own, or taken of what there is, oldest first."""
    bucket = view.ledger.resolve(event.account)
    if bucket not in (account.bucket("principal"), account.bucket("bonus")):
        return None
    units, source = account.units(event.quantity, view), PAID if bucket.endswith(".principal") else GRANTED
    told = {"amount": account.shown(abs(units), view), "account": bucket, "why": event.reason, "approver": event.approver}
    if not units:
        return account.declined(event, [reason("stored_value.adjustment.nothing", account=bucket)])
    if units > 0:
        part = _lot(account, view, event.id, view.day, source, units, account.given_until(view.day) if source == GRANTED else None)
        account.receive(view, ADJUSTED, *by_source([part]))
        return account.applied(event, [reason("stored_value.adjustment.added", **told)], account.postings(view))
    parts = first(by_source_of(account, view, source), -units)
    if total(parts) < -units:
        most = account.shown(total(parts), view)
        return account.declined(event, [reason("stored_value.adjustment.too_much", most=most, **told)])
    view.ledger.post(Move(bucket, ADJUSTED, -units, tuple(parts)))
    return account.applied(event, [reason("stored_value.adjustment.taken", **told)], account.postings(view))


def _lot(account: ValueAccount, view: View, origin: str, day: date, source: str, units: int, last: date | None, number: int = 0) -> LotPart:
    unit, _ = account.unit(view)
    return LotPart(Lot(view.ledger.lot_id(number), unit, origin, day, day, last, units, source), units)


def answered(account: ValueAccount, event: Opening | Merge | Closure, view: View) -> Decision | None:
    """An account's answer; None where nothing of it is concerned."""
    if isinstance(event, Closure):
        reasons = list(_closed(account, view))
    elif isinstance(event, Opening):
        reasons = list(_opened(account, event, view))
    else:
        reasons = list(_left(account, event, view) if event.of is None else _joined(account, event, view))
    return account.applied(event, reasons, account.postings(view)) if reasons else None


# -- opening -----------------------------------------------------------------------------------------------------------


def _opened(account: ValueAccount, event: Opening, view: View) -> Iterator[Reason]:
    rows = [held for name, held in event.balances.items() if view.ledger.resolve(name) == account.id]
    if not rows:
        return
    owed = account.units(rows[0].owed, view)
    view.ledger.post(Move(account.bucket("owed"), OPENED, owed))
    parts = list(_brought(account, rows[0], view))
    bonus = view.ledger.ledger.accounts[account.bucket("bonus")]
    alive = [part for part in parts if not bonus.lapsed(part.lot, view.settled)]
    paid, granted = by_source(alive)
    gone = [part for part in parts if bonus.lapsed(part.lot, view.settled)]
    view.ledger.post(Move(OPENED, EXPIRED, total(gone), tuple(gone)))  # what lapsed elsewhere was given all the same
    account.receive(view, OPENED, paid, granted)
    told = {"principal": total(paid), "bonus": total(granted), "owed": owed}
    yield reason("stored_value.opening.balance", account=account.id, **{name: account.shown(units, view) for name, units in told.items()})
    if gone:
        yield reason("stored_value.opening.expired", amount=account.shown(total(gone), view), account=account.id)


def _brought(account: ValueAccount, balance: OpenedBalance, view: View) -> Iterator[LotPart]:
    """Lots as an opening brings them: of top-ups that are told, and plain ones, which are paid unless they say that they were granted."""
    number = 0
    for row in balance.top_ups:
        for source, quantity, last in ((PAID, row.principal, NEVER), (GRANTED, row.bonus, row.last_day)):
            if quantity:
                yield _lot(account, view, row.id, row.day, source, account.units(quantity, view), _last_day(account, last, row.day), number)
                number += 1
    for lot in balance.lots:
        source, day = GRANTED if lot.source == GRANTED else PAID, lot.day or view.day
        last = _last_day(account, lot.last_day, day) if source == GRANTED else None
        yield _lot(account, view, view.event.id, day, source, account.units(lot.quantity, view), last, number)
        number += 1


def _last_day(account: ValueAccount, told: LastDay, day: date) -> date | None:
    if isinstance(told, date):
        return told
    return None if told == NEVER else account.given_until(day)


# -- merge -------------------------------------------------------------------------------------------------------------


def _left(account: ValueAccount, event: Merge, view: View) -> Iterator[Reason]:
    """The absorbed account is emptied; its debt goes along."""
    units = {"principal": _emptied(account, "principal", MERGED, view), "bonus": _emptied(account, "bonus", MERGED, view)}
    units["owed"] = view.ledger.owed(account.id)
    view.ledger.post(Move(MERGED, account.bucket("owed"), units["owed"]))
    if any(units.values()):
        shown = {name: account.shown(number, view) for name, number in units.items()}
        yield reason("stored_value.merge.left", account=account.id, into=event.into, **shown)


def _emptied(account: ValueAccount, bucket: str, target: str, view: View) -> int:
    parts = list(view.ledger.ledger.accounts[account.bucket(bucket)])
    view.ledger.post(Move(account.bucket(bucket), target, total(parts), tuple(parts)))
    return total(parts)


def _joined(account: ValueAccount, event: Merge, view: View) -> Iterator[Reason]:
    """What the other account held comes as it is; debts and balances are netted."""
    accounts = unpacked(event).ledger.accounts
    if account.bucket("held") not in accounts:
        return
    paid, granted = list(accounts[account.bucket("principal")]), list(accounts[account.bucket("bonus")])
    owed = accounts[account.bucket("owed")].owed
    if not paid and not granted and not owed:
        return
    view.ledger.post(Move(account.bucket("owed"), MERGED, owed))
    settle_out_of_lots(account, view)
    account.receive(view, MERGED, paid, granted)
    told = {"principal": total(paid), "bonus": total(granted), "owed": owed}
    yield reason("stored_value.merge.joined", account=account.id, of=event.of, **{name: account.shown(units, view) for name, units in told.items()})


# -- closure -----------------------------------------------------------------------------------------------------------


def _closed(account: ValueAccount, view: View) -> Iterator[Reason]:
    """Principal stays; the bonus too, or it is forfeited."""
    accounts = view.ledger.ledger.accounts
    gone = _emptied(account, "bonus", FORFEITED, view) if account.on_closure == "forfeit_bonus" else 0
    if gone:
        yield reason("stored_value.closure.forfeited", amount=account.shown(gone, view), account=account.id)
    left = {"principal": accounts[account.bucket("principal")].total, "bonus": accounts[account.bucket("bonus")].total}
    left["owed"] = view.ledger.owed(account.id)
    if any(left.values()):
        yield reason("stored_value.closure.kept", account=account.id, **{name: account.shown(units, view) for name, units in left.items()})
