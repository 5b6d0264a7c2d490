"""What the accruals of an account give for one purchase, as a function of its amount, all other facts held still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod

from custrules.analysis.check.conditions import scope_of
from custrules.analysis.check.domains import GaveUp, Scope
from custrules.analysis.check.findings import Findings
from custrules.analysis.check.spaces import Axis, Space, axes_of, told, value_text
from custrules.conditions import Bound, Condition, Leaf, holds
from custrules.conditions.cells import Between, Equals
from custrules.conditions.compiler import leaves
from custrules.facts import FactValue
from custrules.fields import Frozen
from custrules.measures import WindowMeter
from custrules.money import rounded
from custrules.policies.points import Account, Accrual
from custrules.policies.points.caps import Cap, under
from custrules.policies.points.rates import NO_LEVEL, ByLevel, combined, rate_at
from custrules.rulebook import Rulebook

MOST_CASES = 2_000  # combinations of other facts that are tried for one account
LINE = "line "  # facts of the one line, beside those of the order
SPENT = "spent before"  # what was bought before: sums of spend are that and the amount
FAR = 10**6  # amounts, in units of the currency, beyond every limit that is named


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that an award depends on but the amount: the facts of customer, day and line."""

    facts: dict[str, FactValue | None]

    def value(self, name: str) -> FactValue | None:
        return self.facts.get(name)


@dataclass(frozen=True, slots=True)
class Award:
    """Smallest units of points, by policy."""

    parts: tuple[int, ...]

    @property
    def units(self) -> int:
        return sum(self.parts)


@dataclass(frozen=True, slots=True)
class Done:
    """What was awarded before an accrual is asked, in smallest units: by each for the purchase ``before``, and for this one, ``now``."""

    accruals: Sequence[Accrual]
    before: tuple[int, ...]
    now: tuple[int, ...]
    own: int

    def under(self, cap: Cap) -> int:
        """What of it a cap counts."""
        before = self.before if cap.per.window is not None else (0,) * len(self.before)
        if cap.group is None:
            return before[self.own]
        rows = zip(self.accruals, before, self.now, strict=True)
        return sum(earlier + now for accrual, earlier, now in rows if cap.group in accrual.award_groups())


class Awards:
    """The accruals in force together that fill one account from purchases."""

    findings: Findings
    accruals: Sequence[Accrual]
    account: Account
    rules: Rulebook
    scale: int
    scope: Scope
    line_scope: Scope

    def __init__(self, findings: Findings, accruals: Sequence[Accrual], account: Account) -> None:
        self.findings, self.accruals, self.account = findings, accruals, account
        self.rules = findings.rules
        self.scale = self.rules.scale
        self.scope, self.line_scope = scope_of(accruals[0]), Scope("purchase", lines=True)

    # -- what they read --------------------------------------------------------------------------------------------

    def bound(self, condition: Condition) -> Bound:
        return self.rules.bound[id(condition), "purchase"]

    def _conditions(self) -> Iterator[tuple[Condition, bool]]:
        for accrual in self.accruals:
            yield from ((row.when, False) for row in accrual.multiply)
            yield from ((row.when, False) for row in accrual.bonuses if row.when is not None)
            yield from ((cap.when, False) for cap in accrual.caps if cap.when is not None)
            yield from ((condition, True) for condition in (accrual.exclude_lines, *(row.lines for row in accrual.multiply_lines)) if condition)
            if accrual.when is not None:
                yield accrual.when, False

    @cached_property
    def cells(self) -> tuple[list[Leaf], list[Leaf]]:
        """All cells: those on the order, those on its lines."""
        found: tuple[list[Leaf], list[Leaf]] = ([], [])
        for condition, lines in self._conditions():
            found[lines].extend(leaves(self.bound(condition)))
        return found

    @cached_property
    def work(self) -> int:
        return 10 + sum(len(leaf.tests) for read in self.cells for leaf in read)

    @property
    def by_level(self) -> bool:
        return any(isinstance(rates, Frozen) for rates in self._numbers())

    def _numbers(self) -> Iterator[object]:
        """Everything that may be by level."""
        for accrual in self.accruals:
            yield from accrual.rates().values()
            yield from (cap.at_most for cap in accrual.caps)

    @cached_property
    def of_purchases(self) -> set[str]:
        """Measures of purchases, this one among them."""
        read = {leaf.fact for leaf in self.cells[0]} & set(self.rules.meters)
        return {name for name in read if self.findings.world.family(name, self.scope) == "purchase" and not self._past(name)}

    def _past(self, name: str) -> bool:
        meter = self.rules.meters[name]
        return isinstance(meter, WindowMeter) and meter.window.kind == "last"

    @cached_property
    def sums(self) -> set[str]:
        """Measures that this purchase adds its amount to."""
        return {name for name in self.of_purchases if self.findings.world.sums_spend(name)}

    @property
    def moving(self) -> set[str]:
        """Measures that move with the purchase in a way that is not followed here."""
        return {name for name in self.of_purchases - self.sums if self.rules.meters[name].type.kind != "whole"}

    @cached_property
    def places(self) -> dict[int, int]:
        """Which place each policy has, by its identity."""
        return {id(accrual): place for place, accrual in enumerate(self.accruals)}

    @cached_property
    def limits(self) -> list[int]:
        """Amounts that conditions name, in smallest units."""
        return _limits(leaf for leaf in (*self.cells[0], *self.cells[1]) if leaf.fact == "amount")

    @cached_property
    def marks(self) -> list[int]:
        """What conditions ask of the sums of spend."""
        return _limits(leaf for leaf in self.cells[0] if leaf.fact in self.sums)

    def _spent(self) -> list[int]:
        """What may have been bought before: nothing, or something under a mark that this purchase passes."""
        unit = 10**self.scale
        short = {1, unit, 100 * unit, 1000 * unit, *self.limits}
        return sorted({0, *(mark - by for mark in self.marks for by in short if mark > by)})

    def cases(self) -> Iterator[Case]:
        """Every way in which the conditions may answer at once, each with facts for which they do; GaveUp where there are too many."""
        space = Space(self.findings.world, self.scope, likely=True)
        if self.moving:
            raise GaveUp
        axes = axes_of(space, [leaf for leaf in self.cells[0] if leaf.fact != "amount" and leaf.fact not in self.sums])
        if self.by_level and not any("tier" in axis.names for axis in axes):
            levels = [*self.rules.levels, *([None] if NO_LEVEL in self._named_levels else [])]
            axes.append(Axis(("tier",), tuple({"tier": level} for level in levels)))
        line = axes_of(Space(self.findings.world, self.line_scope, likely=True), [leaf for leaf in self.cells[1] if leaf.fact != "amount"])
        axes += [Axis(axis.names, tuple({LINE + name: value for name, value in point.items()} for point in axis.points)) for axis in line]
        if _hang_together(space, axes) or (self.sums and self.of_purchases - self.sums):
            raise GaveUp
        if self.sums:
            axes.append(Axis((SPENT,), tuple({SPENT: spent} for spent in self._spent())))
        if prod(len(axis.points) for axis in axes) > MOST_CASES:
            raise GaveUp
        for points in product(*(axis.points for axis in axes)):
            yield Case({name: value for point in points for name, value in point.items()})

    @property
    def _named_levels(self) -> set[str]:
        return {name for found in self._numbers() if isinstance(found, Frozen) for name in found}

    # -- what they give --------------------------------------------------------------------------------------------

    def given(self, case: Case, amount: int, before: Award | None = None, cash: bool = True) -> Award:
        """For one purchase of one line, where ``before`` was given already in the same period; ``cash``: paid in money, not in points."""
        facts = self._facts(case, amount)
        given: list[int] = []
        for accrual in self.accruals:
            given.append(max(rounded(self._allowed(accrual, facts, amount, self._done(accrual, given, before), cash), accrual.rounding), 0))
        return Award(tuple(given))

    def _done(self, accrual: Accrual, given: Sequence[int], before: Award | None) -> Done:
        """What was awarded already: by each in the purchase before, and by those asked before for this one."""
        earlier = before.parts if before is not None else (0,) * len(self.accruals)
        own = self.places[id(accrual)]
        return Done(self.accruals, earlier, tuple(given[:own]) + (0,) * (len(self.accruals) - own), own)

    def uncapped(self, case: Case, index: int, amount: int) -> int:
        """What one policy would give without its caps."""
        accrual, facts = self.accruals[index], self._facts(case, amount)
        if accrual.when is not None and not self._holds(accrual.when, facts):
            return 0
        return max(rounded(self.wanted(accrual, facts, amount), accrual.rounding), 0)

    def _facts(self, case: Case, amount: int) -> dict[str, FactValue | None]:
        spent = case.facts.get(SPENT, 0)
        assert isinstance(spent, int)
        return {**case.facts, **dict.fromkeys(self.sums, spent + amount), "amount": amount, LINE + "amount": amount}

    def _allowed(self, accrual: Accrual, facts: dict[str, FactValue | None], amount: int, done: Done, cash: bool) -> Fraction:
        """What the rules give under their caps, before rounding."""
        if accrual.when is not None and not self._holds(accrual.when, facts):
            return Fraction(0)
        wanted = self.wanted(accrual, facts, amount, cash)
        for cap in accrual.caps:
            most = self.most(cap, facts)
            if most is not None:
                wanted = under(cap.over, wanted, max(most - done.under(cap), Fraction(0)))
        return wanted

    def most(self, cap: Cap, facts: dict[str, FactValue | None]) -> Fraction | None:
        """What a cap allows in all, in smallest units of points; None where it does not apply."""
        most = cap.most(_level(facts), self.rules.levels)
        if most is None or (cap.when is not None and not self._holds(cap.when, facts)):
            return None
        return most * Fraction(10**self.account.scale)

    def rounded_up(self, case: Case, amount: int) -> Fraction:
        """What rounding adds to the awards of a purchase; negative where it takes away."""
        facts = self._facts(case, amount)
        given = self.given(case, amount)
        done = [self._done(accrual, given.parts, None) for accrual in self.accruals]
        exact = sum((self._allowed(accrual, facts, amount, before, True) for accrual, before in zip(self.accruals, done, strict=True)), Fraction(0))
        return given.units - exact

    def wanted(self, accrual: Accrual, facts: dict[str, FactValue | None], amount: int, cash: bool = True) -> Fraction:
        """What the rules give before caps and rounding, in smallest units of points."""
        self.findings.world.charge(self.work)
        if facts.get(LINE + "category") in accrual.counts.left_out:
            return Fraction(0)
        factor = combined(accrual.combine, (row.by for row in accrual.multiply if self._holds(row.when, facts)))
        base = self._rate(accrual.points, facts) if accrual.points is not None else Fraction(0)
        if accrual.exclude_lines is None or not self._holds(accrual.exclude_lines, facts, lines=True):
            base += self._of_line(accrual, facts, amount if _earns(accrual, cash) else 0)
        base *= factor
        base += sum(row.points for row in accrual.bonuses if row.when is None or self._holds(row.when, facts))
        return base * Fraction(10**self.account.scale)

    def _of_line(self, accrual: Accrual, facts: dict[str, FactValue | None], amount: int) -> Fraction:
        """What the one line earns, of whose amount so much counts."""
        pieces = facts.get(LINE + "quantity") or 1
        spent, quantity = Fraction(amount, 10**self.scale), Fraction(pieces if isinstance(pieces, int | Fraction) else 1)
        base = self._rate(accrual.points_per_unit, facts) * spent if accrual.points_per_unit is not None else Fraction(0)
        if accrual.points_per_quantity is not None:
            base += self._rate(accrual.points_per_quantity, facts) * quantity
        if accrual.points_per is not None:
            base += accrual.points_per.earned(spent if accrual.points_per.of == "amount" else quantity, _level(facts), self.rules.levels)
        return base * combined(accrual.combine, (row.by for row in accrual.multiply_lines if self._holds(row.lines, facts, lines=True)))

    def _holds(self, condition: Condition, facts: dict[str, FactValue | None], lines: bool = False) -> bool:
        return _evaluated(self.bound(condition), facts, LINE if lines else "")

    def _rate(self, rates: ByLevel, facts: dict[str, FactValue | None]) -> Fraction:
        return rate_at(rates, _level(facts), self.rules.levels)

    # -- where they turn -------------------------------------------------------------------------------------------

    def stretches(self, case: Case) -> list[tuple[int, int]]:
        """Amounts from 1 on, cut where a condition turns or an award no longer fits under a cap: between cuts more never gives less."""
        spent = case.facts.get(SPENT, 0)
        assert isinstance(spent, int)
        turns = [*self.limits, *(mark - spent for mark in self.marks)]
        cuts = {1, *(turn + step for turn in turns for step in (0, 1) if turn + step > 1)}
        last = max(cuts) + FAR * 10**self.scale
        starts = sorted(cuts)
        for start, end in zip(starts, [*(cut - 1 for cut in starts[1:]), last], strict=True):
            cuts |= set(self._crossings(case, start, end))
        starts = sorted(cuts)
        return list(zip(starts, [*(cut - 1 for cut in starts[1:]), last], strict=True))

    def _crossings(self, case: Case, start: int, end: int) -> Iterator[int]:
        """The first amount of a stretch whose award goes beyond a cap."""
        for index, accrual in enumerate(self.accruals):
            for cap in accrual.caps:

                def beyond(amount: int, index: int = index, cap: Cap = cap) -> bool:
                    return self._beyond(case, index, cap, amount)

                if not beyond(start) and beyond(end):
                    yield first_of(beyond, start, end)

    def _beyond(self, case: Case, index: int, cap: Cap, amount: int) -> bool:
        """Whether an award goes beyond a cap, beside what others of its group are given."""
        accrual, facts = self.accruals[index], self._facts(case, amount)
        most = self.most(cap, facts)
        if most is None:
            return False
        given = self.given(case, amount).parts if cap.group is not None else ()
        return self.wanted(accrual, facts, amount) > most - self._done(accrual, given, None).under(cap)

    def told(self, case: Case) -> str:
        """The facts of a case in words; empty where nothing but the amount matters."""
        order = {name: value for name, value in case.facts.items() if not name.startswith(LINE) and name != SPENT}
        line = {name.removeprefix(LINE): value for name, value in case.facts.items() if name.startswith(LINE)}
        words = [told(order, self.findings.world, self.scope), told(line, self.findings.world, self.line_scope)]
        spent = case.facts.get(SPENT)
        words += [f"{name} {value_text(spent, self.rules.types[name])} + amount" for name in sorted(self.sums)]
        return ", ".join(word for word in words if word)


def _level(facts: dict[str, FactValue | None]) -> str | None:
    level = facts.get("tier")
    return str(level) if level is not None else None


def _earns(accrual: Accrual, cash: bool) -> bool:
    """Whether an order that is paid in money, or else in points, earns by its amount."""
    return not {*(("cash", "card") if cash else ("points",))} <= accrual.counts.not_earning


def first_of(holds_for: object, start: int, end: int) -> int:
    """The first number for which something holds that goes on holding; it does for ``end`` and not for ``start``."""
    assert callable(holds_for)
    while end - start > 1:
        middle = (start + end) // 2
        start, end = (start, middle) if holds_for(middle) else (middle, end)
    return end


def _evaluated(bound: Bound, facts: dict[str, FactValue | None], prefix: str) -> bool:
    if isinstance(bound, Leaf):
        return holds(bound, facts.get(prefix + bound.fact))
    found = (_evaluated(child, facts, prefix) for child in bound.children)
    if bound.kind == "any":
        return any(found)
    return all(found) if bound.kind == "all" else not all(found)


def _limits(read: Iterable[Leaf]) -> list[int]:
    return sorted({int(end) for leaf in read for test in leaf.tests for end in _ends(test)})


def _ends(test: object) -> list[int]:
    if isinstance(test, Equals):
        return [test.value]
    return [end for end in (test.low, test.high) if end is not None] if isinstance(test, Between) else []


def _hang_together(space: Space, axes: Sequence[Axis]) -> bool:
    """Whether two of the facts may not be combined freely."""
    world, scope = space.world, space.scope
    names = [name for axis in axes for name in axis.names if not name.startswith(LINE) and not world.is_calendar(name, scope)]
    families = [world.family(name, scope) for name in names]
    return len(set(families)) < len(families)
