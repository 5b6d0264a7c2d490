"""Top-ups as values, for the tests of what refunds come to; amounts are smallest units of a currency of two decimals."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from custrules.policies.stored_value.bases import Served
from custrules.policies.stored_value.history import TopUpHistory
from custrules.policies.stored_value.reckoning import Reckoning, Terms, reckoned

DAY = date(2026, 4, 1)
BARE = TopUpHistory(
    id="t1",
    account="card",
    day=DAY,
    form="amount",
    paid=0,
    granted=0,
    counted=0,
    face=0,
    listed=0,
    principal=0,
    bonus=0,
    held=0,
    bonus_expired=0,
    list_price=None,
    starts=None,
    ends=None,
    tenders=(),
    gifts=(),
    refunded=0,
    disputed=0,
    surrendered=0,
    at=datetime(2026, 4, 1, tzinfo=UTC),
)


def cents(amount: str) -> int:
    whole, _, part = amount.partition(".")
    return int(whole) * 100 + int((part + "00")[:2])


def shown(units: int) -> str:
    return f"{units // 100}.{units % 100:02d}"


def top_up(paid: str, granted: str = "0", *, face: str = "0", listed: str | None = None, bonus_used: str = "0", **more: Any) -> TopUpHistory:
    """A top-up of which ``face`` was consumed, ``bonus_used`` of it out of the bonus."""
    out, from_bonus = cents(face), cents(bonus_used)
    left = {"principal": cents(paid) - (out - from_bonus), "bonus": cents(granted) - from_bonus}
    values = {"paid": cents(paid), "counted": cents(paid), "granted": cents(granted), "face": out, "listed": cents(listed or face), **left}
    return BARE._replace(**{"tenders": (("card", cents(paid), None),), **values, **more})


def period(paid: str, starts: date, ends: date) -> TopUpHistory:
    return top_up(paid)._replace(form="period", counted=0, principal=0, starts=starts, ends=ends)


def visits(paid: str, counted: int, granted: int = 0, *, used: int = 0, list_price: str | None = None, listed: str = "0") -> TopUpHistory:
    """A card of visits; those paid for are used first."""
    price = cents(list_price) if list_price is not None else None
    left = {"principal": max(counted - used, 0), "bonus": granted - max(used - counted, 0)}
    values: dict[str, Any] = {
        "form": "visits",
        "counted": counted,
        "granted": granted,
        "face": used,
        "list_price": price,
        "listed": cents(listed),
        **left,
    }
    return top_up(paid)._replace(**values)


def refund(*histories: TopUpHistory, basis: Any = "paid_minus_ratio", amount: str | None = None, on: date = DAY, **terms: Any) -> Reckoning:
    """A refund of these top-ups, asked for on a day."""
    served = Served(on, **{name: terms.pop(name) for name in ("stopped", "absent", "by") if name in terms})
    asked: dict[str, Any] = {"amount": cents(amount) if amount is not None else None, "visits": terms.pop("visits", None)}
    return reckoned(histories, Terms(basis, served, **terms), **asked)


def after(history: TopUpHistory, result: Reckoning) -> TopUpHistory:
    """A top-up once a refund of it alone has been paid."""
    (line,) = result.lines
    return history._replace(
        principal=history.principal - line.principal,
        bonus=history.bonus - line.bonus,
        refunded=history.refunded + line.gross,
        surrendered=history.surrendered + line.given_up,
    )
