"""What a refund costs and what it bears: fees (never above what they are taken from) and interest by a named day count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

from custrules.money import Rounding, rounded

DayCount = Literal["act/365", "act/360", "act/act", "30/360", "30e/360"]
DAY_COUNTS: tuple[DayCount, ...] = get_args(DayCount)


class FeeTerms(NamedTuple):
    """A share of what is refunded, and a ``fixed`` amount; together at least ``least``, at most ``most`` (smallest units)."""

    share: Fraction = Fraction(0)
    fixed: int = 0
    least: int = 0
    most: int | None = None

    def on(self, gross: int, rounding: Rounding) -> int:
        """The fee on a refund of so much; never more than it."""
        fee = max(rounded(gross * self.share, rounding) + self.fixed, self.least)
        return min(fee if self.most is None else min(fee, self.most), gross)

    def between(self, before: int, after: int, rounding: Rounding) -> int:
        """The fee on the part of a refund that brings it from ``before`` to ``after``: parts cost what the whole costs."""
        return min(max(self.on(after, rounding) - self.on(before, rounding), 0), after - before)


def interest(amount: int, rate: Fraction, since: date, until: date, count: DayCount, rounding: Rounding) -> int:
    """Simple interest at a yearly rate from one day to another; the first is not counted, the last is."""
    return rounded(amount * rate * year_share(since, until, count), rounding) if until > since else 0


def year_share(since: date, until: date, count: DayCount) -> Fraction:
    """The part of a year between two days, by the conventions of ISDA 2006, section 4.16 (b, d, e, f, g)."""
    return _COUNTS[count](since, until)


def _thirties(since: date, until: date, first: int, last: int) -> Fraction:
    return Fraction(360 * (until.year - since.year) + 30 * (until.month - since.month) + last - first, 360)


def _thirty_360(since: date, until: date) -> Fraction:
    """The bond basis: the 31st is the 30th, at the end only where the beginning is at the end of its month too."""
    first = min(since.day, 30)
    return _thirties(since, until, first, 30 if until.day == 31 and first == 30 else until.day)


def _thirty_e_360(since: date, until: date) -> Fraction:
    return _thirties(since, until, min(since.day, 30), min(until.day, 30))


def _act_act(since: date, until: date) -> Fraction:
    """Each year's days over the days of that year."""
    total, day = Fraction(0), since
    while day < until:
        after = min(until, date(day.year + 1, 1, 1))
        total += Fraction((after - day).days, (date(day.year + 1, 1, 1) - date(day.year, 1, 1)).days)
        day = after
    return total


_COUNTS: dict[DayCount, Callable[[date, date], Fraction]] = {
    "act/365": lambda since, until: Fraction((until - since).days, 365),
    "act/360": lambda since, until: Fraction((until - since).days, 360),
    "act/act": _act_act,
    "30/360": _thirty_360,
    "30e/360": _thirty_e_360,
}
