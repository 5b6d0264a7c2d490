"""What a top-up was, and what has become of it: the part of its order that outlives the purchases it paid for.

Amounts are whole numbers of the currency's smallest unit; of an account in visits, quantities of lots are visits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from custrules.lots import (
    ADJUSTED,
    DISPUTED,
    EXPIRED,
    FEES,
    FORFEITED,
    GRANTED,
    ISSUED,
    OPENED,
    PAID,
    REFUNDED,
    SPENT,
    WORLD,
    Move,
    text,
    whole,
)

FORMS = ("amount", "visits", "period")
_IN = (ISSUED, OPENED, ADJUSTED)
_MONEY = ("refunded", "disputed", "contested")  # what is told in money, whatever the account is kept in
VISITS = "visits"
_DAYS = ("starts", "ends", "touched", "active", "visited")
NORMAL = 50  # the priority of a top-up that names none


@dataclass(frozen=True, slots=True)
class Deposit:
    """A lot pair, paid and granted, into ``account`` of a ``form``, for so much ``money``.

    ``paid`` and ``granted`` are what was put in, as it stands after corrections. Consumed so far: ``face``, at list
    price ``listed``. Gone otherwise: ``expired`` bonus, cash ``refunded``, what a bank took back (``disputed``, of which
    ``contested`` is not decided yet), bonus ``surrendered``. ``touched`` is the last day on which any of it moved, ``active`` the last one
    on which something was paid in or spent, where that is another one (a fee was taken since, a bonus lapsed). A period has admitted its
    holder so many times (``visits``), the last time on the day ``visited``. What came with it beside: ``gifts`` and ``coupons`` by their
    value, points in the smallest unit of their account.
    """

    account: str
    form: str = "amount"
    money: int = 0
    paid: int = 0
    granted: int = 0
    face: int = 0
    listed: int = 0
    expired: int = 0
    refunded: int = 0
    disputed: int = 0
    contested: int = 0
    surrendered: int = 0
    list_price: int | None = None
    starts: date | None = None
    ends: date | None = None
    priority: int = NORMAL
    gifts: tuple[tuple[str, int], ...] = ()
    touched: date | None = None
    active: date | None = None
    visits: int = 0
    visited: date | None = None
    coupons: tuple[tuple[str, int, int], ...] = ()
    points: int = 0

    @property
    def last_active(self) -> date | None:
        """The last day on which something was paid in or spent."""
        return self.active or self.touched

    def after(self, move: Move, order_id: str, day: date) -> Deposit:
        """As it stands once a move is made; the same where none of its lots moved."""
        changes: dict[str, Any] = {}
        for lot, quantity in move.parts:
            if lot.origin != order_id or lot.source not in (PAID, GRANTED):
                continue  # another top-up's, or points that came with this one
            paid, granted = (quantity, 0) if lot.source == PAID else (0, quantity)
            for name, number in _changes(move.source, move.target, paid, granted):
                if self.form == "amount" or (name in _MONEY) == (lot.unit != VISITS):
                    changes[name] = changes.get(name, getattr(self, name)) + number
        if not changes:
            return self
        last = max(day, self.touched) if self.touched is not None else day
        used = self.last_active
        if not _by_itself(move):
            used = max(day, used) if used is not None else day
        return replace(self, touched=last, active=used if used != last else None, **changes)

    def also_active(self, day: date | None) -> Deposit:
        """The same, where the account was used on a day."""
        used = max((found for found in (day, self.last_active) if found is not None), default=None)
        return self if used == self.last_active else replace(self, active=used)

    def discounted(self, by: int) -> Deposit:
        """The same, where what it paid for costs so much more at list price."""
        return replace(self, listed=self.listed + by)

    def to_data(self) -> dict[str, Any]:
        """The fields that are not as they are by default."""
        data: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name) != field.default}
        for name in _DAYS:
            if name in data:
                data[name] = data[name].isoformat()
        lists = {name: [list(row) for row in getattr(self, name)] for name in ("gifts", "coupons")}
        return data | {name: rows for name, rows in lists.items() if rows}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Deposit:
        told: dict[str, Any] = {name: date.fromisoformat(data[name]) for name in _DAYS if name in data}
        told |= {name: text(data[name]) for name in ("account", "form") if name in data}
        told["gifts"] = tuple([(text(item), whole(value)) for item, value in data.get("gifts", ())])
        told["coupons"] = tuple([(text(name), whole(count), whole(value)) for name, count, value in data.get("coupons", ())])
        told |= {name: whole(value) for name, value in data.items() if name not in told}
        found = cls(**told)
        if found.form not in FORMS:
            raise ValueError(f"a top-up into an account of form {found.form}")
        return found


def _by_itself(move: Move) -> bool:
    """Whether nobody paid in or spent: a fee was taken, a bonus lapsed or was forfeited."""
    outside = {move.source, move.target}
    return not outside.isdisjoint((FEES, EXPIRED, FORFEITED)) and SPENT not in outside


def _changes(source: str, target: str, paid: int, granted: int) -> Iterable[tuple[str, int]]:
    """What a move of so much of a pair changes in what is told of it."""
    quantity = paid + granted
    for outside, sign in ((source, 1), (target, -1)):
        if outside in _IN:
            yield from (("paid", sign * paid), ("granted", sign * granted))
        elif outside in (SPENT, FEES):
            yield from _used(-sign * quantity, {source, target} - {outside})
        elif outside == EXPIRED:
            yield "expired", -sign * granted
        elif outside == FORFEITED:
            yield "surrendered", -sign * granted
        elif outside == REFUNDED:
            yield "refunded", -sign * paid
        elif outside == DISPUTED:
            yield from (("disputed", -sign * paid), ("contested", -sign * paid), ("surrendered", -sign * granted))
    if target.endswith(".owed") and source != DISPUTED:  # it pays for what was consumed before
        yield from (("face", quantity), ("listed", quantity))


def _used(quantity: int, others: set[str]) -> Iterable[tuple[str, int]]:
    """Face is consumed, or comes back; what goes from one outside to another was consumed and stays so, unless it expires then."""
    (other,) = others
    if not other.startswith(WORLD) or other == EXPIRED:
        yield from (("face", quantity), ("listed", quantity))
