"""``points.accrual``: points for what was bought or done.

Order of operations: per line base (``exclude_lines``, ``multiply_lines``) → sum → order multipliers → flat bonuses → caps →
rounding, once. A return asks the same again with what is kept, and takes back what was awarded above that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import Field

from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.evaluation import Answer
from custrules.events import Activity, AnyEvent, Purchase, Return
from custrules.fields import Flag, Name, one_of
from custrules.given import FactsCode
from custrules.money import Rounding, rounded
from custrules.policies.points import caps, evaluating
from custrules.policies.points.account import Account, account_of, moved
from custrules.policies.points.base import computed
from custrules.policies.points.caps import Cap
from custrules.policies.points.counts import Counts
from custrules.policies.points.rates import Bonus, Combine, LineMultiplier, Multiplier, PointsPer, Rates, combined, level_faults, level_of
from custrules.policies.points.reversal import taken_back
from custrules.policy import Decision, FactsView, Known, Phase, Policy, Reason, View, reason
from custrules.validation import nearest

BASES = ("points_per_unit", "points_per", "points_per_quantity", "points", "bonuses")
_NOT_EARNING = ("new_day", "tick", "return", "redemption_cancelled", "adjustment", "hold", "capture", "void", "merge", "closure")
_OF_PURCHASES = ("points_per_unit", "exclude_lines", "multiply_lines", "counts")


class Accrual(Policy):
    """Points for a purchase (by default) or for another event or declared activity.

    ``points_per_unit`` per 1.00 of the currency, ``points_per`` for each step of it (or of the quantity), ``points_per_quantity`` per
    unit of an activity's quantity (or of the lines' quantities), ``points`` per event; where there are several, their sum. The level
    is the one held before the event; the excluded have nothing unless ``none`` is named. What of a purchase earns is ``counts``.
    ``gratis`` says that nothing was paid for these points; where it is not said, nothing is for what is no purchase.
    """

    kind: ClassVar[str] = "points.accrual"
    phase: ClassVar[Phase] = "earn"

    account: Name = "points"
    event: Name = "purchase"
    when: Condition | None = None
    points_per_unit: Rates | None = None
    points_per: PointsPer | None = None
    points_per_quantity: Rates | None = None
    points: Rates | None = None
    counts: Counts = Counts()
    exclude_lines: Condition | None = None
    multiply_lines: Annotated[tuple[LineMultiplier, ...], Field(max_length=200)] = ()
    multiply: Annotated[tuple[Multiplier, ...], Field(max_length=200)] = ()
    combine: Annotated[Combine, one_of("best", "product", "sum_of_extras")] | None = None
    bonuses: Annotated[tuple[Bonus, ...], Field(max_length=200)] = ()
    caps: Annotated[tuple[Cap, ...], Field(max_length=50)] = ()
    rounding: Annotated[Rounding, one_of(*Rounding)] = Rounding.floor
    gratis: Flag | None = None

    # -- what the program asks of it -------------------------------------------------------------------------------

    def listens_to(self) -> tuple[str, ...]:
        return (self.event, "activity", "return")

    def event_name(self) -> str:
        return self.event

    def works_on(self) -> str:
        return self.account

    def reads(self) -> frozenset[str]:
        return super().reads() | {"tier"}

    def counts_awards(self) -> int | None:
        return caps.tallied_days(cap for cap in self.caps if cap.group is None)

    def award_groups(self) -> Mapping[str, int]:
        return caps.groups(self.caps)

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(self._faults(known))

    def _faults(self, known: Known) -> Iterator[Diagnostic]:
        if self.event not in known.events or self.event in _NOT_EARNING:
            params = {
                "found": self.event,
                "known": ", ".join(sorted(set(known.events) - set(_NOT_EARNING))),
                "nearest": nearest(self.event, known.events),
            }
            yield Diagnostic("document.unknown_event", "event", params)
        if all(getattr(self, field) in (None, ()) for field in BASES):
            yield Diagnostic("document.missing_field", "", {"field": "points_per_unit"})
        if self.combine is None and max(len(self.multiply), len(self.multiply_lines)) > 1:
            yield Diagnostic("document.combine_needed", "", {"choices": "best, product, sum_of_extras"})
        for field in self._of_purchases() if self.event != "purchase" else ():
            yield Diagnostic("document.not_with", field, {"field": field, "other": f"event: {self.event}"})
        for path, rates in self.rates().items():
            yield from level_faults(path, rates, known.levels)
        yield from caps.faults_of(self.caps, self.event, known.levels)

    def _of_purchases(self) -> Iterator[str]:
        """The fields that say something which only a purchase has."""
        yield from (field for field in _OF_PURCHASES if getattr(self, field) not in (None, (), Counts()))
        if self.points_per is not None and self.points_per.of == "amount":
            yield "points_per"

    def rates(self) -> dict[str, object]:
        """Every number that may be by level, caps aside, by its place."""
        found: dict[str, object] = {field: getattr(self, field) for field in ("points_per_unit", "points_per_quantity", "points")}
        if self.points_per is not None:
            found |= {"points_per.each": self.points_per.each, "points_per.points": self.points_per.points}
        return found

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, Return):
            return taken_back(self, event, view)
        name = event.name if isinstance(event, Activity) else event.type
        if name != self.event:
            return None
        if self.when is not None and not view.test(self.when):
            return self.declined(event, self.unearned().reasons)
        return self._award(event, view)

    def unearned(self) -> Answer:
        return Answer("DECLINED", 0, (reason("points.accrual.condition", policy=self.id),))

    def _award(self, event: AnyEvent, view: View) -> Decision:
        account = account_of(view, self.account)
        units, answer = self._answered(event, view, account)
        if answer.outcome == "DECLINED":
            return self.declined(event, answer.reasons)
        gratis = not isinstance(event, Purchase) if self.gratis is None else self.gratis
        told = account.grant(view, units, source="gratis" if gratis else "purchase")
        return self.applied(event, (*answer.reasons, *told), moved(view, account))

    def _answered(self, event: AnyEvent | None, view: View, account: Account) -> tuple[int, Answer]:
        """The points in smallest units, and what is said about them."""
        wanted, multiplier = computed(self, event, view, account)
        allowed, told = self._capped(wanted, view, account) if self.caps else (wanted, [])
        units = rounded(allowed, self.rounding)
        return units, self.answer(account, units, level_of(view), multiplier, told)

    def answer(self, account: Account, units: int, level: str | None, multiplier: Fraction, told: list[Reason]) -> Answer:
        """What is said about so many points; ``told`` is what caps took."""
        if units <= 0:
            return Answer("DECLINED", account.shown(0), (*told, reason("points.accrual.nothing", policy=self.id, level=level)))
        points = account.shown(units)
        spend = {"points": points, "account": account.id, "level": level, "multiplier": multiplier}
        return Answer("APPLIED", points, (reason("points.accrual.spend" if self.event == "purchase" else "points.accrual.event", **spend), *told))

    def factor(self, factors: Iterable[Fraction]) -> Fraction:
        """What the multipliers that apply come to together."""
        return combined(self.combine, factors)

    def _capped(self, wanted: Fraction, view: View, account: Account) -> tuple[Fraction, list[Reason]]:
        """What is left of an award under its caps: each takes its part of what those before it have left."""
        allowed, told = wanted, []
        for cap, most, left in caps.rooms(self, view, account):
            given = caps.under(cap.over, allowed, left)
            if given < allowed:
                told.append(cap.told(account, most, rounded(allowed, self.rounding) - rounded(given, self.rounding)))
            allowed = given
        return allowed, told

    # -- given facts -----------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        return evaluating.asks(self, view)

    def evaluated(self, view: FactsView, /) -> Answer:
        if not evaluating.facts_tell(self):
            return super().evaluated(view)
        if self.when is not None and not view.test(self.when):
            return self.unearned()
        return self._answered(None, view, account_of(view, self.account))[1]

    def write_evaluation(self, code: FactsCode, view: FactsView, /) -> bool:
        return evaluating.write(self, code, view)
