"""An accrual on given facts: the points of one event, plainly and as generated code over whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from math import lcm
from typing import TYPE_CHECKING, Any

from custrules.conditions.compiler import node_text
from custrules.evaluation import Answer, Results, Room
from custrules.facts import upto_level
from custrules.fields import Frozen
from custrules.given import FactsCode
from custrules.money import Rounding
from custrules.policies.points.account import Account, account_of
from custrules.policy import FactsView, Reason

if TYPE_CHECKING:
    from custrules.policies.points.accrual import Accrual, ByLevel

NO_LEVEL = "none"
MAX_BRANCHED = 3  # multipliers, up to which every combination has a branch of its own
MAX_CAPS = 4
MAX_COMBINATIONS = 4096  # of levels, multipliers and caps, each with its factor and its results from the start


def asks(accrual: Accrual, view: FactsView) -> frozenset[str]:
    """The facts of its conditions, the amount or quantity that earns, and the level where there is one. A line's fields are not among them."""
    conditions = [accrual.when, *(row.when for row in accrual.multiply), *(row.when for row in accrual.bonuses)]
    asked = {fact for condition in conditions if condition is not None for fact in condition.facts}
    asked |= {"amount"} if accrual.points_per_unit is not None else set()
    asked |= {"quantity"} if accrual.points_per_quantity is not None and accrual.event != "purchase" else set()
    return frozenset(asked | ({"tier"} if view.levels else set()))


def write(accrual: Accrual, code: FactsCode, view: FactsView) -> bool:
    """Whole numbers over one denominator: ``n = amount * (rate of the level * factor of the multipliers) + bonuses``, caps, one rounding.

    Not written: what reads lines, caps that are not whole, and more combinations than anybody writes.
    """
    account = account_of(view, accrual.account)
    whole = all((cap.at_most * 10**account.scale).denominator == 1 for cap in accrual.caps)
    combinations = (len(view.levels) + 1) << len(accrual.multiply) + len(accrual.caps)
    if accrual.exclude_lines or accrual.multiply_lines or not whole or combinations > MAX_COMBINATIONS or len(accrual.caps) > MAX_CAPS:
        return False
    _Writer(accrual, code, view, account).write()
    return True


class _Writer:
    """Writes one accrual. Multipliers that apply, and caps, are told apart by a bit each."""

    def __init__(self, accrual: Accrual, code: FactsCode, view: FactsView, account: Account) -> None:
        self.accrual, self.code, self.view, self.account = accrual, code, view, account
        self.room = Room()
        self.unit = 10**account.scale
        self.facts = {
            "amount": (accrual.points_per_unit, Fraction(self.unit, 10**view.scale)),
            "quantity": (accrual.points_per_quantity, Fraction(self.unit)),
            "": (accrual.points, Fraction(self.unit)),
        }
        self.factors = [_factor(accrual, found) for found in range(1 << len(accrual.multiply))]
        self.levels = (*view.levels, None) if view.levels else (None,)
        self.rates = {level: [self._rates(level, factor) for factor in self.factors] for level in self.levels}
        bonuses = [row.points * self.unit for row in accrual.bonuses]
        self.whole = lcm(
            *(rate.denominator for rows in self.rates.values() for row in rows for rate in row), *(bonus.denominator for bonus in bonuses)
        )
        self.bonuses = [int(bonus * self.whole) for bonus in bonuses]

    def _rates(self, level: str | None, factor: Fraction) -> list[Fraction]:
        """What a smallest unit of the amount, one of the quantity, and the event itself earn at a level under some multipliers."""
        return [rate_at(rates, level, self.view.levels) * unit * factor for rates, unit in self.facts.values() if rates is not None]

    def write(self) -> None:
        self._write_condition()
        self._write_multiplied()
        for row, units in zip(self.accrual.bonuses, self.bonuses, strict=True):
            test = f"if {node_text(self.view.bound(row.when), self.code.leaf)}: " if row.when is not None else ""
            self.code.add(1, f"{test}n += {self.code.name(units)}")
        for line in _divided(self.accrual.rounding, self.code.name(self.whole), self.code.name(2 * self.whole)):
            self.code.add(1, line)
        self._write_caps()

    def _write_condition(self) -> None:
        if self.accrual.when is not None:
            declined = self._results("declined", lambda _: self.accrual.unearned())[0]
            self.code.add(1, f"if not {node_text(self.view.bound(self.accrual.when), self.code.leaf)}: return {self.code.name(declined)}")

    def _write_multiplied(self) -> None:
        """``n`` over ``whole``, and the results ``r0``, ``r1`` … by which caps apply."""
        code = self.code
        table = {level: tuple(self._row(level, found) for found in range(len(self.factors))) for level in self.levels}
        row = f"{code.name(table)}[{code.variable('tier')}]" if self.view.levels else code.name(table[None])
        earning = [fact for fact, (rates, _) in self.facts.items() if rates is not None]
        names = [*(f"f{place}" for place, _ in enumerate(earning)), *(f"r{caps}" for caps in range(1 << len(self.accrual.caps)))]
        code.add(1, f"{', '.join(names)}, = {row}[{self._multipliers()}]")
        terms = [f"{code.number(fact)} * f{place}" if fact else f"f{place}" for place, fact in enumerate(earning)]
        code.add(1, f"n = {' + '.join(terms) or '0'}")

    def _multipliers(self) -> str:
        """An expression with a bit for every multiplier that applies."""
        tests = [node_text(self.view.bound(row.when), self.code.leaf) for row in self.accrual.multiply]
        if len(tests) <= MAX_BRANCHED:
            return _chosen(tests, 0)
        return " | ".join(f"({1 << place} if {test} else 0)" for place, test in enumerate(tests))

    def _row(self, level: str | None, found: int) -> tuple[Any, ...]:
        keys = ((level, found, caps) for caps in range(1 << len(self.accrual.caps)))
        results = (self.code.lookup(self._results(key, partial(self._decoded, *key))) for key in keys)
        return *(int(rate * self.whole) for rate in self.rates[level][found]), *results

    def _write_caps(self, place: int = 0, held: int = 0) -> None:
        """Each cap that takes something has a way of its own; what goes on to the next is what is left."""
        depth = 1 + held.bit_count()
        if place == len(self.accrual.caps):
            self.code.add(depth, f"return r{held}[u]")
            return
        cap = self.accrual.caps[place]
        room = int(cap.at_most * self.unit) * self.whole
        if cap.over != "soft" or room == 0:
            name = self.code.name(room)
            self.code.add(depth, f"if n > {name}:")
            if place + 1 < len(self.accrual.caps):
                self.code.add(depth + 1, f"n = {name if cap.over == 'clip' else '0'}")
            self._write_caps(place + 1, held | 1 << place)
        self._write_caps(place + 1, held)

    def _results(self, key: object, decode: Callable[[int], Answer]) -> Results:
        return self.code.results(key, lambda: Results(self.accrual.id, self.accrual.effective_from, decode, self.room))

    def _decoded(self, level: str | None, found: int, caps: int, units: int) -> Answer:
        """The answer that a level, multipliers, caps and points before caps stand for."""
        told: list[Reason] = []
        for place, cap in enumerate(self.accrual.caps):
            if caps >> place & 1:
                given = int(cap.at_most * self.unit) if cap.over == "clip" else 0
                told.append(self.accrual.capped(cap, self.account, units - given))
                units = given
        return self.accrual.answer(self.account, units, level, self.factors[found], told)


def _chosen(tests: Sequence[str], found: int, place: int = 0) -> str:
    """A number with a bit for every test that holds, by nested choices: each test runs once."""
    if place == len(tests):
        return str(found)
    return f"({_chosen(tests, found | 1 << place, place + 1)} if {tests[place]} else {_chosen(tests, found, place + 1)})"


def _factor(accrual: Accrual, found: int) -> Fraction:
    return accrual.factor(row.by for place, row in enumerate(accrual.multiply) if found >> place & 1)


def rate_at(rates: ByLevel, level: str | None, levels: tuple[str, ...]) -> Fraction:
    """The rate of a level: its own, or the next lower one's that is named; None: no level, which has nothing unless ``none`` is named."""
    if not isinstance(rates, Frozen):
        return rates
    if level is None:
        return Fraction(rates.get(NO_LEVEL, 0))
    upto = upto_level(level, levels)
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
