"""An accrual on given facts: the points of one event, plainly and as generated code over whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from math import lcm
from typing import TYPE_CHECKING, Any, NamedTuple

from custrules.conditions.compiler import node_text
from custrules.evaluation import Answer, Results, Room
from custrules.given import FactsCode
from custrules.money import Rounding
from custrules.policies.points.account import Account, account_of
from custrules.policies.points.caps import Cap, Dates
from custrules.policies.points.rates import Bonus, ByLevel, Multiplier, rate_at
from custrules.policy import FactsView, Reason

if TYPE_CHECKING:
    from custrules.policies.points.accrual import Accrual

MAX_BRANCHED = 3  # multipliers, up to which every combination has a branch of its own
MAX_CAPS = 4
MAX_COMBINATIONS = 4096  # of levels, multipliers and caps, each with its factor and its results from the start


def asks(accrual: Accrual, view: FactsView) -> frozenset[str]:
    """The facts of its conditions, the amount or quantity that earns, and the level where there is one. A line's fields are not among them."""
    rows: list[Multiplier | Bonus | Cap] = [*accrual.multiply, *accrual.bonuses, *accrual.caps]
    asked = {fact for condition in (accrual.when, *(row.when for row in rows)) if condition is not None for fact in condition.facts}
    asked |= {"amount"} if accrual.points_per_unit is not None or _steps_of(accrual) == "amount" else set()
    asked |= {"quantity"} if _counts_quantities(accrual) and accrual.event != "purchase" else set()
    return frozenset(asked | ({"tier"} if view.levels else set()))


def facts_tell(accrual: Accrual) -> bool:
    """Whether facts alone tell an award: not the quantities of lines, nor which day it is, nor what others award beside it."""
    if _counts_quantities(accrual) and accrual.event == "purchase":
        return False
    return not any(cap.group is not None or isinstance(cap.per.window, Dates) for cap in accrual.caps)


def _steps_of(accrual: Accrual) -> str:
    return accrual.points_per.of if accrual.points_per is not None else ""


def _counts_quantities(accrual: Accrual) -> bool:
    return accrual.points_per_quantity is not None or _steps_of(accrual) == "quantity"


def write(accrual: Accrual, code: FactsCode, view: FactsView) -> bool:
    """Whole numbers over one denominator: ``n = amount * (rate of the level * factor of the multipliers) + bonuses``, caps, one rounding.

    Not written: what reads lines, steps by level, caps by level, with a condition or not whole, and more combinations than anybody writes.
    """
    account = account_of(view, accrual.account)
    plain = all(_is_plain(cap, account) for cap in accrual.caps) and "cash" not in accrual.counts.not_earning and facts_tell(accrual)
    steps = accrual.points_per is None or isinstance(accrual.points_per.each, Fraction)
    combinations = (len(view.levels) + 1) << len(accrual.multiply) + len(accrual.caps)
    if accrual.exclude_lines or accrual.multiply_lines or not (plain and steps) or combinations > MAX_COMBINATIONS or len(accrual.caps) > MAX_CAPS:
        return False
    _Writer(accrual, code, view, account).write()
    return True


def _is_plain(cap: Cap, account: Account) -> bool:
    """Whether a cap is the same whole number of units for everybody, always."""
    return isinstance(cap.at_most, Fraction) and cap.when is None and (cap.at_most * 10**account.scale).denominator == 1


class _Term(NamedTuple):
    """One base: by what it is counted (nothing: once per event), in steps of how many (None: none), and what a ``per`` of it earns."""

    fact: str
    step: Fraction | None
    rates: ByLevel
    per: Fraction = Fraction(1)

    def written(self, code: FactsCode, factor: str) -> str:
        if not self.fact:
            return factor
        counted = code.number(self.fact)
        if self.step is None:
            return f"{counted} * {factor}"
        return f"({counted} * {code.name(self.step.denominator)} // {code.name(self.step.numerator)}) * {factor}"


def _terms(accrual: Accrual, scale: int) -> list[_Term]:
    """The bases of an accrual over facts as they are kept: amounts in smallest units."""
    unit = Fraction(10**scale)
    fields = (("amount", accrual.points_per_unit, unit), ("quantity", accrual.points_per_quantity, Fraction(1)), ("", accrual.points, Fraction(1)))
    terms = [_Term(fact, None, rates, per) for fact, rates, per in fields if rates is not None]
    points_per = accrual.points_per
    if points_per is not None and isinstance(points_per.each, Fraction):
        step = points_per.each * (unit if points_per.of == "amount" else 1)
        whole = points_per.whole
        terms.append(_Term(points_per.of, step if whole else None, points_per.points, Fraction(1) if whole else step))
    return terms


class _Writer:
    """Writes one accrual. Multipliers that apply, and caps, are told apart by a bit each."""

    def __init__(self, accrual: Accrual, code: FactsCode, view: FactsView, account: Account) -> None:
        self.accrual, self.code, self.view, self.account = accrual, code, view, account
        self.room = Room()
        self.unit = 10**account.scale
        self.terms = _terms(accrual, view.scale)
        self.factors = [_factor(accrual, found) for found in range(1 << len(accrual.multiply))]
        self.levels = (*view.levels, None) if view.levels else (None,)
        self.rates = {level: [self._rates(level, factor) for factor in self.factors] for level in self.levels}
        bonuses = [row.points * self.unit for row in accrual.bonuses]
        self.whole = lcm(
            *(rate.denominator for rows in self.rates.values() for row in rows for rate in row), *(bonus.denominator for bonus in bonuses)
        )
        self.bonuses = [int(bonus * self.whole) for bonus in bonuses]

    def _rates(self, level: str | None, factor: Fraction) -> list[Fraction]:
        """What one of each term earns at a level under some multipliers, in smallest units of points."""
        return [rate_at(term.rates, level, self.view.levels) / term.per * self.unit * factor for term in self.terms]

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
        names = [*(f"f{place}" for place, _ in enumerate(self.terms)), *(f"r{caps}" for caps in range(1 << len(self.accrual.caps)))]
        code.add(1, f"{', '.join(names)}, = {row}[{self._multipliers()}]")
        terms = [term.written(code, f"f{place}") for place, term in enumerate(self.terms)]
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
        room = self._most(cap) * self.whole
        if cap.over != "soft" or room == 0:
            name = self.code.name(room)
            self.code.add(depth, f"if n > {name}:")
            if place + 1 < len(self.accrual.caps):
                self.code.add(depth + 1, f"n = {name if cap.over == 'clip' else '0'}")
            self._write_caps(place + 1, held | 1 << place)
        self._write_caps(place + 1, held)

    def _most(self, cap: Cap) -> int:
        """What a cap allows, in smallest units of points."""
        assert isinstance(cap.at_most, Fraction)
        return int(cap.at_most * self.unit)

    def _results(self, key: object, decode: Callable[[int], Answer]) -> Results:
        return self.code.results(key, lambda: Results(self.accrual.id, self.accrual.effective_from, decode, self.room))

    def _decoded(self, level: str | None, found: int, caps: int, units: int) -> Answer:
        """The answer that a level, multipliers, caps and points before caps stand for."""
        told: list[Reason] = []
        for place, cap in enumerate(self.accrual.caps):
            if caps >> place & 1:
                given = self._most(cap) if cap.over == "clip" else 0
                told.append(cap.told(self.account, Fraction(self._most(cap), self.unit), units - given))
                units = given
        return self.accrual.answer(self.account, units, level, self.factors[found], told)


def _chosen(tests: Sequence[str], found: int, place: int = 0) -> str:
    """A number with a bit for every test that holds, by nested choices: each test runs once."""
    if place == len(tests):
        return str(found)
    return f"({_chosen(tests, found | 1 << place, place + 1)} if {tests[place]} else {_chosen(tests, found, place + 1)})"


def _factor(accrual: Accrual, found: int) -> Fraction:
    return accrual.factor(row.by for place, row in enumerate(accrual.multiply) if found >> place & 1)


def _divided(rounding: Rounding, d: str, twice: str) -> tuple[str, ...]:
    """Lines that make ``u`` of ``n / d`` under a named rounding, where n is positive; any u that is not positive for other n."""
    return {
        Rounding.floor: (f"u = n // {d}",),
        Rounding.ceil: (f"u = -(-n // {d})",),
        Rounding.half_up: (f"u = (n + n + {d}) // {twice}",),
        Rounding.half_down: (f"u = -(({d} - n - n) // {twice})",),
        Rounding.half_even: (f"u = (n + n + {d}) // {twice}", f"if (n + n) % {twice} == {d}: u -= u & 1"),
    }[rounding]
