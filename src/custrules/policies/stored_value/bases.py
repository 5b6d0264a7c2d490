"""What a refund starts from: what of the money paid in is not yet worked off, by each basis, exact.

With A paid, G granted, f face consumed, L the same consumption at list price (China: 法释〔2025〕4号, arts 15, 18, 19, 20 and 22):
``paid_minus_ratio`` A - f·A/(A+G) · ``paid_minus_face`` A - f · ``paid_minus_list`` A - L · ``time_pro_rata`` A · days not served ÷ length ·
``principal_remaining`` and ``face_remaining``: what stands in the account. None is ever below nought. What is held counts as consumed: it
comes back when the hold is let go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

from custrules.calendars import ONE_DAY, add_months
from custrules.policies.stored_value.history import TopUpHistory

Basis = Literal["paid_minus_ratio", "paid_minus_face", "paid_minus_list", "principal_remaining", "face_remaining", "time_pro_rata"]
BASES: tuple[Basis, ...] = get_args(Basis)
REMAINING: tuple[Basis, ...] = ("principal_remaining", "face_remaining")


class Served(NamedTuple):
    """Up to when a period counts as served: the ``day`` of the request is, the day on which the merchant ``stopped`` is not; a later
    visit is, and all days before it.

    ``absent`` days of it do not count. By ``month``, a month that has begun counts as served, whoever was absent.
    """

    day: date
    stopped: date | None = None
    absent: int = 0
    by: Literal["day", "month"] = "day"


class Share(NamedTuple):
    """What one top-up comes to by a basis: ``deducted`` for what was consumed of it, and what of the money ``remains``, both exact."""

    deducted: Fraction
    remains: Fraction


def shares_of(histories: Sequence[TopUpHistory], basis: Basis, served: Served, *, pooled: bool = False) -> list[Share]:
    """What each top-up comes to by a basis; ``pooled``: one ratio over all of them, and what one cannot bear is borne by the others."""
    if pooled and basis not in (*REMAINING, "time_pro_rata"):
        return _pooled(histories, [_deducted(history, basis, served, _rate(histories)) for history in histories])
    return [_share(history, basis, served) for history in histories]


def _share(history: TopUpHistory, basis: Basis, served: Served) -> Share:
    if basis in REMAINING and history.form != "period":
        return _remaining(history, basis)
    deducted = min(_deducted(history, basis, served, _rate([history])), Fraction(history.paid))
    return Share(deducted, history.paid - deducted)


def _remaining(history: TopUpHistory, basis: Basis) -> Share:
    """What stands in the account, and what was taken out of it before by refunds and disputes."""
    left = history.principal + (history.bonus if basis == "face_remaining" else 0)
    worth = Fraction(history.paid * left, history.counted) if history.form == "visits" and history.counted else Fraction(left)
    remains = worth + history.refunded + history.disputed
    return Share(max(history.paid - remains, Fraction(0)), remains)


def _rate(histories: Sequence[TopUpHistory]) -> Fraction:
    """The money that was paid for one unit of face: A/(A+G)."""
    face = sum(history.counted + history.granted for history in histories)
    return Fraction(sum(history.paid for history in histories), face) if face else Fraction(0)


def consumed(history: TopUpHistory) -> int:
    """The face that has been taken out of a top-up, or is held."""
    return history.face + history.held


def _deducted(history: TopUpHistory, basis: Basis, served: Served, rate: Fraction) -> Fraction:
    """The price of what was consumed."""
    if basis == "time_pro_rata" or (history.form == "period" and history.visits):
        return history.paid * _share_served(history, served)
    if history.form == "period":
        return Fraction(0)  # nothing of it was used: its days are counted only by a refund that goes by them
    if basis == "paid_minus_ratio":
        return consumed(history) * rate
    if history.form == "visits" and (basis == "paid_minus_face" or history.list_price is None):
        return Fraction(history.paid * consumed(history), history.counted) if history.counted else Fraction(0)
    if basis == "paid_minus_face":
        return Fraction(consumed(history))
    return Fraction(history.listed + (history.held * history.list_price if history.list_price is not None else history.held))


def _pooled(histories: Sequence[TopUpHistory], deducted: Sequence[Fraction]) -> list[Share]:
    """What is deducted from all of them together: each bears its own, as far as it goes, and the oldest what others cannot."""
    borne = [min(value, Fraction(history.paid)) for history, value in zip(histories, deducted, strict=True)]
    left = sum(deducted, Fraction(0)) - sum(borne, Fraction(0))
    shares = []
    for history, own in zip(histories, borne, strict=True):
        more = min(left, history.paid - own)
        left -= more
        shares.append(Share(own + more, history.paid - own - more))
    return shares


# -- periods -----------------------------------------------------------------------------------------------------------


def _share_served(history: TopUpHistory, served: Served) -> Fraction:
    """The part of a period that has been served; a top-up without a period is served whole."""
    if history.starts is None or history.ends is None:
        return Fraction(1)
    if history.visited is not None and history.visited > served.day:  # who still came after asking was served until then
        served = served._replace(day=history.visited, stopped=None)
    gone, length = (_months if served.by == "month" else _days)(history.starts, history.ends, served)
    return Fraction(min(max(gone, 0), length), length)


def _days(starts: date, ends: date, served: Served) -> tuple[int, int]:
    """Days served, and days in all: the first day counts."""
    until = (served.day - starts).days + 1
    if served.stopped is not None:
        until = min(until, (served.stopped - starts).days)
    return until - served.absent, (ends - starts).days + 1


def _months(starts: date, ends: date, served: Served) -> tuple[int, int]:
    """Months served, and months in all; one that has begun counts."""
    last = served.day if served.stopped is None else min(served.day, served.stopped - ONE_DAY)
    return _months_begun(starts, last), max(_months_begun(starts, ends), 1)


def _months_begun(starts: date, last: date) -> int:
    """How many months, each beginning on the day of the month on which the first did, have begun up to a day."""
    whole = 12 * (last.year - starts.year) + last.month - starts.month
    return max(whole + (last >= add_months(starts, whole)), 0)
