"""What a customer's accounts hold, out of the ledger, as a state tells it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from custrules.ledger import Account, Ledger
from custrules.money import Money
from custrules.state_parts import Points, StoredValue, left_of, shown


def points_held(ledger: Ledger, name: str, day: date | None) -> Points | None:
    """A points account on a day (None: before the first); None where there is none of this name."""
    buckets = _buckets(ledger, name, ("pending", "held", "owed"))
    if buckets is None:
        return None
    pending, held, owed = buckets
    account = ledger.accounts[name]
    unit, scale = account.unit, account.scale
    expiring: dict[date, int] = {}
    for lot, left in account:
        last = account.last_day(lot)
        if last is not None and last != date.max:
            expiring[last] = expiring.get(last, 0) + left
    return Points(
        shown(ledger.usable(name, day) if day is not None else 0, unit, scale),
        shown(pending.total, unit, scale),
        shown(held.total, unit, scale),
        shown(owed.owed, unit, scale),
        tuple(left_of(part, unit, scale) for part in account),
        tuple((last, shown(left, unit, scale)) for last, left in sorted(expiring.items())),
    )


def value_held(ledger: Ledger, name: str, day: date | None) -> StoredValue | None:
    """A stored value account on a day (None: before the first); None where there is none of this name."""
    buckets = _buckets(ledger, name, ("principal", "bonus", "held"))
    if buckets is None:
        return None
    principal, bonus, held = buckets
    unit, scale = principal.unit, principal.scale
    lots = tuple(left_of(part, unit, scale) for bucket in (principal, bonus) for part in bucket)
    return StoredValue(shown(_usable(principal, day), unit, scale), shown(_usable(bonus, day), unit, scale), shown(held.total, unit, scale), lots)


def value_spendable(ledger: Ledger, name: str, day: date | None) -> Money | int | Decimal | None:
    """What can be spent of a stored value account on a day, principal and bonus; None where there is none of this name."""
    buckets = _buckets(ledger, name, ("principal", "bonus"))
    return shown(sum(_usable(bucket, day) for bucket in buckets), buckets[0].unit, buckets[0].scale) if buckets is not None else None


def _buckets(ledger: Ledger, name: str, buckets: tuple[str, ...]) -> list[Account] | None:
    names = [f"{name}.{bucket}" for bucket in buckets]
    return [ledger.accounts[each] for each in names] if all(each in ledger.accounts for each in names) else None


def _usable(bucket: Account, day: date | None) -> int:
    return bucket.usable(day) if day is not None else 0
