"""Revenue deferred for points granted with a purchase, recognised in proportion to the points used: on plain numbers.

The method of IFRS 15 (B39 to B47), which ASC 606 and CAS 14 share: the price of a sale is divided over what was promised by stand-alone
selling prices, the points' share waits, and as much of it is revenue as points used are of all that are expected to be used. When
the expectation changes, the difference is made up at once. How to apply it is the accountant's to say; this is the arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from custrules.analysis.refusal import refuse
from custrules.analysis.worth import read_rounding
from custrules.money import Money, Rounding, rounded, split


def allocate(price: Money, selling_prices: Mapping[str, Money], *, rounding: Rounding | str = Rounding.half_up) -> dict[str, Money]:
    """A price divided over what was promised, in proportion to stand-alone selling prices; the shares sum to the price.

    The selling price of points is what they are worth × the share that is expected to be used. AnalysisError where all of
    these prices are zero, or one is in another currency.
    """
    named = read_rounding(rounding)
    other = next((each.currency for each in selling_prices.values() if each.currency != price.currency), None)
    if other is not None:
        refuse("analysis.other_currency", "selling_prices", base=price.currency, candidate=other)
    weights = [each.minor for each in selling_prices.values()]
    if min(weights, default=0) < 0 or not sum(weights):
        refuse("analysis.wrong_type", "selling_prices", expected="amounts from nothing up, not all nothing", found=", ".join(map(str, weights)))
    shares = split(price.minor, weights, named)
    return {name: Money.from_minor(share, price.currency) for name, share in zip(selling_prices, shares, strict=True)}


def share_recognised(used: int, expected: Fraction, over: bool = False) -> Fraction:
    """How much of what was deferred is revenue: used ÷ expected, at most the whole; the whole once nothing can be used any more."""
    if over:
        return Fraction(1)
    return min(max(used / expected, Fraction(0)), Fraction(1)) if expected > 0 else Fraction(int(used > 0))


def recognise(deferred: Money, periods: Iterable[Sequence[int]], *, rounding: Rounding | str = Rounding.half_up) -> tuple[Money, ...]:
    """The revenue of each period, given (points used so far, points expected to be used in all) at its end.

    The running total is rounded and each period has the difference: what an expectation that has changed makes up for is in the period in
    which it changed, and the periods of points that were all used sum to what was deferred.
    """
    named, found, before = read_rounding(rounding), [], 0
    for used, expected in periods:
        after = rounded(deferred.minor * share_recognised(used, Fraction(expected)), named)
        found.append(Money.from_minor(after - before, deferred.currency))
        before = after
    return tuple(found)
