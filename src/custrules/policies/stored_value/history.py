"""One top-up as it stands: what was paid and given, what has been consumed of it, and what is left."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class TopUpHistory(NamedTuple):
    """One top-up as it stands now; amounts in smallest units of the currency, counts in visits.

    ``form`` is amount, visits or period. ``paid`` is the money paid in; what was refunded or disputed is not subtracted from it. In form
    amount ``counted`` is ``paid``, ``granted``, ``principal``, ``bonus``, ``held`` and ``face`` are money; in form visits they are visits;
    a period counts nothing. ``listed`` is what the same consumption costs at list price, in money. ``refunded`` is what refunds have taken
    out before fees and interest, ``disputed`` what was charged back, ``surrendered`` the bonus that partial refunds gave up.
    """

    id: str
    account: str
    day: date
    form: str
    paid: int
    granted: int
    counted: int
    face: int
    listed: int
    principal: int
    bonus: int
    held: int
    bonus_expired: int
    list_price: int | None
    starts: date | None
    ends: date | None
    tenders: tuple[tuple[str, int, str | None], ...]
    gifts: tuple[tuple[str, int], ...]
    refunded: int
    disputed: int
    surrendered: int
