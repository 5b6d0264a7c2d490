"""What an accrual gives before its caps: the base per line, its sum, the order's multipliers, flat bonuses."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, cast

from custrules.events import Activity, AnyEvent
from custrules.order_lines import OrderLine
from custrules.policies.points.account import Account
from custrules.policies.points.rates import ByLevel, combined, level_of, rate_at
from custrules.policy import View

if TYPE_CHECKING:
    from custrules.policies.points.accrual import Accrual

_ONCE = Fraction(1)
Times = dict[Fraction | int, Fraction | int]  # by how many times it counts: how much there is of it


class Computed(NamedTuple):
    """What the rules give before caps, in smallest units of points, and the order multiplier in it."""

    wanted: Fraction
    multiplier: Fraction


def computed(accrual: Accrual, event: AnyEvent | None, view: View, account: Account) -> Computed:
    """What an event earns, or what is kept of an order; without an event, what given facts earn."""
    factor = accrual.factor(row.by for row in accrual.multiply if view.test(row.when)) if accrual.multiply else _ONCE
    earning = _Earning(accrual, event, view)
    if not earning.anything:
        return Computed(Fraction(0), factor)
    base = earning.base()
    if factor is not _ONCE:
        base *= factor
    if accrual.bonuses:
        base += sum(row.points for row in accrual.bonuses if row.when is None or view.test(row.when))
    return Computed(base * 10**account.scale if account.scale else base, factor)


class _Earning:
    """One order, event or row of facts, and what of it counts."""

    accrual: Accrual
    event: AnyEvent | None
    view: View
    left_out: frozenset[str]
    special: bool

    def __init__(self, accrual: Accrual, event: AnyEvent | None, view: View) -> None:
        self.accrual, self.event, self.view = accrual, event, view
        self.left_out = accrual.counts.left_out
        self.special = view.order is not None and any(line.is_of(self.left_out) for line in view.order.lines)

    @property
    def anything(self) -> bool:
        """Whether anything that counts is kept: an order of gift cards alone earns nothing, nothing flat either."""
        if not self.special:
            return True
        return any(line.is_kept(kept) and not line.is_of(self.left_out) for line, kept in self.view.kept_lines())

    def base(self) -> Fraction:
        accrual = self.accrual
        base = self._of_amounts(accrual.points_per_unit) if accrual.points_per_unit is not None else Fraction(0)
        if accrual.points is not None and (self.view.order is None or not self.view.order.all_gone):
            base += self._rate(accrual.points)
        if accrual.points_per_quantity is not None:
            base += self._rate(accrual.points_per_quantity) * _summed(self._quantities())
        if accrual.points_per is not None:
            base += self._of_steps()
        return base

    def _rate(self, rates: ByLevel) -> Fraction:
        return rate_at(rates, level_of(self.view), self.view.levels)

    def _of_amounts(self, rates: ByLevel) -> Fraction:
        """Rate × share that earns × amounts kept, as one fraction: each in between would cost a common divisor."""
        amounts, rate, share = self._amount(), self._rate(rates), self._share()
        over = rate.numerator * share.numerator * amounts.numerator
        return Fraction(over, rate.denominator * share.denominator * amounts.denominator * 10**self.view.scale)

    def _of_steps(self) -> Fraction:
        """Steps are taken of what counts equally often together, and then multiplied."""
        points_per, level, levels = self.accrual.points_per, level_of(self.view), self.view.levels
        assert points_per is not None
        if points_per.of == "quantity":
            counted = self._quantities()
        else:
            unit = self._share() / 10**self.view.scale
            counted = {times: amount * unit for times, amount in self._amounts().items()}
        return sum((times * points_per.earned(much, level, levels) for times, much in counted.items()), Fraction(0))

    # -- what counts -----------------------------------------------------------------------------------------------

    def _share(self) -> Fraction:
        return self.view.earning_share(self.accrual.counts.not_earning)

    def _amount(self) -> Fraction | int:
        """What counts of the order, each line as often as it does, in smallest units; whoever paid for it."""
        accrual, order = self.accrual, self.view.order
        plain = accrual.exclude_lines is None and not accrual.multiply_lines and not self.special
        if order is not None and plain and accrual.counts.as_charged:
            return order.left
        return _summed(self._amounts())

    def _amounts(self) -> Times:
        found: Times = {}
        for line, kept, times in self._lines():
            found[times] = found.get(times, 0) + self.accrual.counts.amount(line, kept, self.view.order)
        return found

    def _quantities(self) -> Times:
        if self.event is None:
            return {1: Fraction(cast("Fraction | None", self.view.value("quantity")) or 0)}
        if self.view.order is None:
            event = self.event
            return {1: Fraction(event.quantity) if isinstance(event, Activity) and event.quantity is not None else Fraction(0)}
        found: Times = {}
        for line, kept, times in self._lines():
            found[times] = found.get(times, 0) + line.quantity_kept(kept)
        return found

    def _lines(self) -> Iterator[tuple[OrderLine, int, Fraction | int]]:
        """The lines that count, what is kept of each, and how often it does."""
        excluded, view = self.accrual.exclude_lines, self.view
        for line, kept in view.kept_lines():
            if (self.special and line.is_of(self.left_out)) or (excluded is not None and view.line_matches(excluded, line)):
                continue
            yield line, kept, self._times(line)

    def _times(self, line: OrderLine) -> Fraction | int:
        if not self.accrual.multiply_lines:
            return 1
        return combined(self.accrual.combine, (row.by for row in self.accrual.multiply_lines if self.view.line_matches(row.lines, line)))


def _summed(counted: Times) -> Fraction | int:
    return sum(times * much for times, much in counted.items())
