"""An accrual on given facts: the points of one event, plainly and as generated code over whole numbers."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import lcm
from typing import TYPE_CHECKING

from custrules.conditions.compiler import node_text
from custrules.evaluation import Answer, Results
from custrules.fields import Frozen
from custrules.given import FactsCode
from custrules.money import Rounding
from custrules.policies.points.account import account_of
from custrules.policy import FactsView, Reason

if TYPE_CHECKING:
    from custrules.policies.points.accrual import Accrual, ByLevel

NO_LEVEL = "none"
MAX_ROWS = 6  # multipliers, up to which every combination has its factor from the start


def asks(accrual: Accrual, view: FactsView) -> frozenset[str]:
    """The facts of its conditions, the amount or quantity that earns, and the level where there is one. A line's fields are not among them."""
    conditions = [accrual.when, *(row.when for row in accrual.multiply), *(row.when for row in accrual.bonuses)]
    asked = {fact for condition in conditions if condition is not None for fact in condition.facts}
    asked |= {"amount"} if accrual.points_per_unit is not None else set()
    asked |= {"quantity"} if accrual.points_per_quantity is not None else set()
    return frozenset(asked | ({"tier"} if view.levels else set()))


def write(accrual: Accrual, code: FactsCode, view: FactsView) -> bool:
    """Whole numbers over one denominator: ``n = (amount * rate of the level) * factor of the multipliers + bonuses``, caps, one rounding.

    Not written: what reads lines, very many multipliers, and caps that are not whole.
    """
    account = account_of(view, accrual.account)
    rooms = [cap.at_most * 10**account.scale for cap in accrual.caps]
    if accrual.exclude_lines or accrual.multiply_lines or len(accrual.multiply) > MAX_ROWS or any(room.denominator > 1 for room in rooms):
        return False
    _Writer(accrual, code, view).write()
    return True


class _Writer:
    """Writes one accrual; the bits of ``m`` are its multipliers, then its caps."""

    def __init__(self, accrual: Accrual, code: FactsCode, view: FactsView) -> None:
        self.accrual, self.code, self.view = accrual, code, view
        self.account = account_of(view, accrual.account)
        self.factors = [_factor(accrual, found) for found in range(1 << len(accrual.multiply))]
        self.bits = len(accrual.multiply) + len(accrual.caps)
        levels = (*view.levels, None) if view.levels else (None,)
        self.rates = {level: self._rates(level) for level in levels}
        self.base = lcm(*(rate.denominator for rates in self.rates.values() for rate in rates))
        bonuses = [row.points * 10**self.account.scale for row in accrual.bonuses]
        self.extra = lcm(*(factor.denominator for factor in self.factors), *(bonus.denominator for bonus in bonuses))
        self.whole = self.base * self.extra
        self.bonuses = [int(bonus * self.whole) for bonus in bonuses]

    def _rates(self, level: str | None) -> tuple[Fraction, ...]:
        """What one smallest unit of the amount, one of the quantity, and the event itself earn at a level, in smallest units of points."""
        accrual, unit = self.accrual, Fraction(10**self.account.scale)
        found = (accrual.points_per_unit, accrual.points_per_quantity, accrual.points)
        per_amount, per_quantity, each = (_rate(rates, level, self.view.levels) * unit for rates in found)
        return per_amount / 10**self.view.scale, per_quantity, each

    def write(self) -> None:
        accrual, code = self.accrual, self.code
        if accrual.when is not None:
            declined = Results(accrual.id, accrual.effective_from, lambda _: accrual.unearned())[0]
            code.add(1, f"if not {node_text(self.view.bound(accrual.when), code.leaf)}: return {code.name(declined)}")
        self._write_base()
        self._write_factor()
        for row, units in zip(accrual.bonuses, self.bonuses, strict=True):
            test = f"if {node_text(self.view.bound(row.when), code.leaf)}: " if row.when is not None else ""
            code.add(1, f"{test}n += {code.name(units)}")
        for line in _divided(accrual.rounding, code.name(self.whole), code.name(2 * self.whole)):
            code.add(1, line)
        for place, cap in enumerate(accrual.caps):
            room = int(cap.at_most * 10**self.account.scale) * self.whole
            if cap.over != "soft" or room == 0:
                name = code.name(room)
                code.add(1, f"if n > {name}: m |= {1 << len(accrual.multiply) + place}; n = {name if cap.over == 'clip' else '0'}")
        code.add(1, f"return r[u << {self.bits} | m]")

    def _write_base(self) -> None:
        """``n`` over ``base``, and ``r``: the results of the level."""
        rows = {level: (*(int(rate * self.base) for rate in rates), self._results(level)) for level, rates in self.rates.items()}
        row = f"{self.code.name(rows)}[{self.code.variable('tier')}]" if self.view.levels else self.code.name(rows[None])
        self.code.add(1, f"a, b, n, r = {row}")
        for rates, fact, factor in ((self.accrual.points_per_unit, "amount", "a"), (self.accrual.points_per_quantity, "quantity", "b")):
            if rates is not None:
                self.code.add(1, f"n += {self._counted(fact)} * {factor}")

    def _counted(self, fact: str) -> str:
        variable = self.code.variable(fact, needed=True)
        return variable if self.code.careful is not None else f"({variable} or 0)"

    def _write_factor(self) -> None:
        """``m`` gets a bit for every multiplier that applies; ``n`` is from here on over ``whole``."""
        self.code.add(1, "m = 0")
        for place, row in enumerate(self.accrual.multiply):
            self.code.add(1, f"if {node_text(self.view.bound(row.when), self.code.leaf)}: m |= {1 << place}")
        if self.accrual.multiply:
            factors = tuple(int(factor * self.extra) for factor in self.factors)
            self.code.add(1, f"n *= {self.code.name(factors)}[m]")
        elif self.extra > 1:
            self.code.add(1, f"n *= {self.code.name(self.extra)}")

    def _results(self, level: str | None) -> Results:
        return Results(self.accrual.id, self.accrual.effective_from, partial(self._decoded, level))

    def _decoded(self, level: str | None, key: int) -> Answer:
        """The answer that a key stands for: the points before caps, and which multipliers and caps apply."""
        units, found = key >> self.bits, key & (1 << self.bits) - 1
        told: list[Reason] = []
        for place, cap in enumerate(self.accrual.caps):
            if found >> len(self.accrual.multiply) + place & 1:
                given = int(cap.at_most * 10**self.account.scale) if cap.over == "clip" else 0
                told.append(self.accrual.capped(cap, self.account, units - given))
                units = given
        factor = self.factors[found & (1 << len(self.accrual.multiply)) - 1]
        return self.accrual.answer(self.account, units, level, factor, told)


def _factor(accrual: Accrual, found: int) -> Fraction:
    return accrual.factor(row.by for place, row in enumerate(accrual.multiply) if found >> place & 1)


def _rate(rates: ByLevel | None, level: str | None, levels: tuple[str, ...]) -> Fraction:
    return Fraction(0) if rates is None else rate_at(rates, level, levels)


def rate_at(rates: ByLevel, level: str | None, levels: tuple[str, ...]) -> Fraction:
    """The rate of a level: its own, or the next lower one's that is named; None: no level, which has nothing unless ``none`` is named."""
    if not isinstance(rates, Frozen):
        return rates
    if level is None:
        return Fraction(rates.get(NO_LEVEL, 0))
    upto = levels[: levels.index(level) + 1] if level in levels else ()
    return next((Fraction(rates[name]) for name in reversed(upto) if name in rates), Fraction(0))


def _divided(rounding: Rounding, d: str, twice: str) -> tuple[str, ...]:
    """Lines that make ``u`` of ``n / d`` under a named rounding, where n is positive; any u that is not positive for other n."""
    return {
        Rounding.floor: (f"u = n // {d}",),
        Rounding.ceil: (f"u = -(-n // {d})",),
        Rounding.half_up: (f"u = (n + n + {d}) // {twice}",),
        Rounding.half_down: (f"u = -(({d} - n - n) // {twice})",),
        Rounding.half_even: (f"u = (n + n + {d}) // {twice}", f"if (n + n) % {twice} == {d}: u -= u & 1"),
    }[rounding]
