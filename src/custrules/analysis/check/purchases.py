"""What purchases earn: more paid and less given, more given for two than for one, caps, and points that pay for themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from custrules.analysis.check.awards import Award, Awards, Case, first_of
from custrules.analysis.check.findings import Findings, Path
from custrules.conditions.compiler import leaves
from custrules.errors import Severity
from custrules.fields import plain, rate_text
from custrules.money import Rounding, from_units
from custrules.policies.points import Account, Accrual, Redemption
from custrules.policies.points.levels import at_level
from custrules.policy import conditions_in
from custrules.state_parts import shown

MOST_NEAR, WORK = 250, 5_000  # amounts near a limit that are looked at for their rounding: at one place, and for all cases
MANY = 1000  # times the fewest points that may be spent: an order for which steps and rounding hardly matter
LARGE = 1000  # in units of the currency: the amount for which it is asked what comes back, where any will do


def check_purchases(findings: Findings) -> None:
    for awards, redemptions in together(findings):
        with findings.bounded(findings.path(awards.accruals[0])):
            _Purchases(findings, awards, redemptions).check()


def together(findings: Findings) -> Iterator[tuple[Awards, list[Redemption]]]:
    """The accruals on purchases that fill one account and are in force at the same time, and the redemptions; each such set once."""
    rules = findings.rules
    seen: set[tuple[int, ...]] = set()
    for day in rules.first_days:
        phases = rules.phases(day)
        earning = [policy for policy in phases["earn"] if isinstance(policy, Accrual) and not policy.retired and policy.event == "purchase"]
        paying = [policy for policy in phases["pay"] if isinstance(policy, Redemption) and policy.value is not None and not policy.retired]
        for name in dict.fromkeys(rules.resolve(policy.account) for policy in earning):
            accruals = [policy for policy in earning if rules.resolve(policy.account) == name]
            keeper = rules.keeper(name, day)
            redemptions = [policy for policy in paying if rules.resolve(policy.account) == name]
            key = (id(keeper), *map(id, accruals), *map(id, redemptions))
            if key not in seen and isinstance(keeper, Account):
                seen.add(key)
                yield Awards(findings, accruals, keeper), redemptions


class PaidInPoints(NamedTuple):
    """An order that so many points pay whole, and what it earns."""

    case: Case
    paid: int
    amount: int
    given: Award


class _Purchases:
    """What one account gives for purchases; of each kind of finding, a policy has one, with its first witness."""

    findings: Findings
    awards: Awards
    redemptions: list[Redemption]
    near: int

    def __init__(self, findings: Findings, awards: Awards, redemptions: list[Redemption]) -> None:
        self.findings, self.awards, self.redemptions = findings, awards, redemptions
        self.told: set[tuple[str, Path]] = set()

    def check(self) -> None:
        cases = list(self.awards.cases())
        self.near = min(MOST_NEAR, WORK // max(len(cases), 1))
        for case in cases:
            stretches = self.awards.stretches(case)
            self._cliff(case, stretches)
            if not self.awards.of_purchases:
                self._split(case, stretches)
        self._caps(cases)
        for redemption in self.redemptions:
            for case in cases:
                self._pays_back(redemption, case)
            self._paid_in_points(redemption, cases)

    def _tell(self, code: str, path: Path, severity: Severity, case: Case, **numbers: object) -> None:
        if (code, path) not in self.told and not self._known(code, path):
            self.told.add((code, path))
            self.findings.add(code, path, severity, witness=self.awards.told(case), **numbers)

    def _known(self, code: str, path: Path) -> bool:
        """Whether the same was said of the same policy beside others, in another time."""
        return any(found.code == code and found.path == self.findings.text(path) for found in self.findings.found)

    # -- more paid, less given -------------------------------------------------------------------------------------

    def _cliff(self, case: Case, stretches: list[tuple[int, int]]) -> None:
        best, at = Award((0,) * len(self.awards.accruals)), 0
        for start, end in stretches:
            first = self.awards.given(case, start)
            if first.units < best.units:
                culprit = _greatest(before - after for before, after in zip(best.parts, first.parts, strict=True))
                higher = {"amount": self._money(at), "gives": self._points(best.units)}
                lower = {"more": self._money(start), "only": self._points(first.units)}
                self._tell("check.cliff", self._path(culprit), "warning", case, **higher, **lower)
                return
            last = self.awards.given(case, end)
            if last.units > best.units:
                best, at = last, end

    # -- two for one -----------------------------------------------------------------------------------------------

    def _split(self, case: Case, stretches: list[tuple[int, int]]) -> None:
        """The greatest gain over the corners of the stretches, between which awards grow evenly."""
        marks = sorted({end for _, end in stretches[:-1]} | {start for start, _ in stretches} | set(self._favoured(case, stretches)))
        pairs = {(one, other) for one in marks for other in (*marks, *(mark - one for mark in marks)) if other > 0}
        gain, _, one, other = max((self._gain(case, one, other), -(one + other), one, other) for one, other in pairs)
        if gain <= 0:
            return
        both, single = self._two(case, one, other), self.awards.given(case, one + other)
        culprit = _greatest(two - whole for two, whole in zip(both.parts, single.parts, strict=True))
        numbers = {"one": self._money(one), "other": self._money(other), "gives": self._points(both.units)}
        numbers |= {"whole": self._money(one + other), "only": self._points(single.units)}
        code = self._why_split(self.awards.accruals[culprit])
        self._tell(code, self._path(culprit), "info" if code == "check.splitting_by_design" else "warning", case, **numbers)

    def _favoured(self, case: Case, stretches: list[tuple[int, int]]) -> Iterator[int]:
        """At both ends of each stretch, the amounts that rounding favours most."""
        for start, end in stretches:
            near = [range(start, min(end, start + self.near) + 1)]
            near += [range(max(start, end - self.near), end + 1)] if end != stretches[-1][1] else []
            for amounts in near:
                yield max(amounts, key=lambda amount: self.awards.rounded_up(case, amount))

    def _two(self, case: Case, one: int, other: int) -> Award:
        first = self.awards.given(case, one)
        second = self.awards.given(case, other, first)
        return Award(tuple(left + right for left, right in zip(first.parts, second.parts, strict=True)))

    def _gain(self, case: Case, one: int, other: int) -> int:
        return self._two(case, one, other).units - self.awards.given(case, one + other).units

    def _why_split(self, accrual: Accrual) -> str:
        """What rewards splitting: a cap or a limit of amount, something that every purchase gets alike, or nothing but rounding."""
        if not self._by_design(accrual):
            return "check.splitting"
        flat = accrual.points is not None or accrual.points_per_quantity is not None or accrual.bonuses
        return "check.splitting_by_design" if flat or accrual.rounding == Rounding.floor else "check.splitting_by_rounding"

    def _by_design(self, accrual: Accrual) -> bool:
        """Whether only rounding, and what is given for every purchase alike, rewards splitting: no cap and no limit of amount does."""
        read = (leaf for _, condition in conditions_in(accrual) for leaf in leaves(self.awards.bound(condition)))
        return not accrual.caps and all(leaf.fact != "amount" for leaf in read)

    # -- caps ------------------------------------------------------------------------------------------------------

    def _caps(self, cases: list[Case]) -> None:
        """Caps that the smallest award does not fit under."""
        for index, accrual in enumerate(self.awards.accruals):
            found = [(least, case) for case in cases if (least := self._least(case, index)) is not None] if accrual.caps else []
            for place, cap in enumerate(accrual.caps) if found else ():
                under = [(least, most, case) for least, case in found if (most := self.awards.most(cap, case.facts)) is not None]
                least, most, case = min(under, key=lambda row: row[0] - row[1], default=(0, Fraction(0), found[0][1]))
                if least > most:
                    path = self.findings.path(accrual, "caps", place, "at_most")
                    told = rate_text(most / 10**self.awards.account.scale)
                    self._tell("check.cap_below_award", path, "warning", case, at_most=told, smallest=self._points(least))

    def _least(self, case: Case, index: int) -> int | None:
        """The least that a policy gives where it gives anything, caps aside."""
        found = []
        for start, end in self.awards.stretches(case):

            def positive(amount: int) -> bool:
                return self.awards.uncapped(case, index, amount) > 0

            if positive(end):
                found.append(self.awards.uncapped(case, index, start if positive(start) else first_of(positive, start, end)))
        return min(found, default=None)

    # -- what points are worth -------------------------------------------------------------------------------------

    def _worth(self, redemption: Redemption, units: int, case: Case) -> Fraction:
        """What points are worth, in smallest units of the currency."""
        assert redemption.value is not None
        level, points = case.value("tier"), redemption.value.points
        money = at_level(redemption.value.money, str(level) if level is not None else None, self.findings.rules.levels)
        worth: Fraction = Fraction(money) * 10**self.awards.scale * units / (Fraction(points) * 10**self.awards.account.scale)
        return worth

    def _pays_back(self, redemption: Redemption, case: Case) -> None:
        """Purchases that bring points worth as much as was paid."""
        for start, end in self.awards.stretches(case):
            amount = min(end, max(start, LARGE * 10**self.awards.scale))
            given = self.awards.given(case, amount)
            if self._worth(redemption, given.units, case) >= amount:
                worth = self._money(int(self._worth(redemption, given.units, case)))
                numbers = {"amount": self._money(amount), "gives": self._points(given.units), "worth": worth}
                path = self.findings.path(redemption, "value")
                self._tell("check.pays_back_all", path, "warning", case, **numbers)
                return

    def _paid_in_points(self, redemption: Redemption, cases: list[Case]) -> None:
        """Orders that points pay whole, the smallest and a large one, and what they earn: of each policy the worst is told."""
        if redemption.max_share not in (None, 1) or redemption.limits or redemption.when is not None or redemption.exclude_lines is not None:
            return
        if self.findings.rules.resolve("points") != self.awards.account.id:
            return  # a tender of points is of the program's first account
        least = self._fewest(redemption)
        earned = [self._earned_on(redemption, case, least * pieces) for case in cases for pieces in (1, MANY)]
        for order in sorted(
            (order for order in earned if order is not None), key=lambda order: Fraction(order.given.units, order.paid), reverse=True
        ):
            numbers = {"amount": self._money(order.amount), "paid": self._points(order.paid), "gives": self._points(order.given.units)}
            culprit = _greatest(order.given.parts)
            meant = order.given.units < order.paid and not self.awards.accruals[culprit].counts.tenders.get("points", False)
            self._tell("check.earns_on_points", self._path(culprit), "info" if meant else "warning", order.case, **numbers)

    def _fewest(self, redemption: Redemption) -> int:
        """The fewest points that may be spent, in smallest units."""
        scale = self.awards.account.scale
        least = max(Fraction(redemption.minimum or 0), Fraction(redemption.step or 0), Fraction(1, 10**scale))
        paid = int(least * 10**scale)
        if redemption.step is None:
            return paid
        step = int(Fraction(redemption.step) * 10**scale)
        return -(-paid // step) * step

    def _earned_on(self, redemption: Redemption, case: Case, paid: int) -> PaidInPoints | None:
        amount = int(self._worth(redemption, paid, case))
        given = self.awards.given(case, amount, cash=False) if amount > 0 else None
        return PaidInPoints(case, paid, amount, given) if given is not None and given.units > 0 else None

    # -- words -----------------------------------------------------------------------------------------------------

    def _path(self, index: int) -> Path:
        return self.findings.path(self.awards.accruals[index])

    def _points(self, units: int) -> str:
        return str(shown(units, self.awards.account.unit, self.awards.account.scale))

    def _money(self, minor: int) -> str:
        return plain(from_units(minor, self.awards.scale))


def _greatest(numbers: Iterable[int]) -> int:
    """The place of the greatest."""
    found = list(numbers)
    return found.index(max(found))
