"""The benefits of a ladder in phase ``pay``: what may be used, how often, and what a price would be; beside each ladder that has benefits.

No part of the document: a ladder brings it along (``Policy.companions``), under the id ``<ladder>.benefits``. A redemption that
names a benefit as its reward uses it; cancelling that redemption gives the use back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from custrules.brought import unpacked
from custrules.calendars import ONE_DAY
from custrules.events import AnyEvent, Merge, Purchase, Redemption, RedemptionCancelled
from custrules.money import Money, Rounding, rounded
from custrules.policies.tiers.benefits import Benefit, BenefitPeriod, Stretch
from custrules.policies.tiers.gifts import gift_status
from custrules.policies.tiers.rules import Exclusion, LevelRule
from custrules.policies.tiers.uses import KEPT, Uses, oldest
from custrules.policy import Decision, Phase, Policy, Reason, Status, View, reason
from custrules.standing import Entitled, Standing

if TYPE_CHECKING:
    from custrules.policies.tiers.ladder import Ladder


def uses_status(status: str) -> str:
    """The status that remembers uses, one subject for each benefit."""
    return f"{status}.benefit"


def benefit_statuses(levels: Sequence[LevelRule], status: str) -> tuple[str, ...]:
    """The statuses that the benefits of a ladder are remembered in, beside the level's own."""
    kinds = {benefit.kind for level in levels for benefit in level.benefits}
    return tuple(name(status) for kind, name in (("uses", uses_status), ("gift", gift_status)) if kind in kinds)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What there is of a benefit on a day: the stretch that it is for, how often it was used within it, and when it can be used again."""

    benefit: Benefit
    stretch: Stretch
    used: int
    again: date | None = None

    @property
    def quantity(self) -> int:
        return self.benefit.quantity or 0

    @property
    def left(self) -> int:
        return max(0, self.quantity - self.used)


class Entitlements(Policy):
    """The uses and prices of one version of a ladder."""

    kind: ClassVar[str] = "tiers.benefit"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = ("purchase", "redemption", "redemption_cancelled", "merge")
    serves: ClassVar[tuple[str, ...]] = ("redemption",)

    id: str
    ladder: str
    status: str
    levels: tuple[LevelRule, ...]
    exclude: tuple[Exclusion, ...]
    years: str | None = None

    def listens_to(self) -> tuple[str, ...]:
        found = {benefit.kind for level in self.levels for benefit in level.benefits}
        return (("purchase",) if "price" in found else ()) + (("redemption", "redemption_cancelled", "merge") if found else ())

    def reads(self) -> frozenset[str]:
        """None that an order would have to record: a use is given back by its day."""
        return frozenset()

    def writes(self) -> tuple[str, ...]:
        return (uses_status(self.status),)

    def gives_rewards(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(benefit.name for level in self.levels for benefit in level.benefits))

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, Purchase):
            return self._price(event, view)
        if isinstance(event, Redemption):
            return self._use(event, view, event.reward) if event.reward in self.gives_rewards() else None
        if isinstance(event, Merge):
            return self._joined(event, view) if event.of is not None else None
        return self._restore(event, view) if isinstance(event, RedemptionCancelled) else None

    # -- whose benefits --------------------------------------------------------------------------------------------

    def _level(self, view: View) -> LevelRule | None:
        held = view.value(self.status)
        return next((level for level in self.levels if held == level.name or held in level.was), None)

    def _why_none(self, view: View, benefit: str) -> Reason:
        """Why somebody has no level, and so no benefit."""
        excluded = next((row for row in self.exclude if view.test(row.when)), None)
        if excluded is not None:
            return reason("tiers.benefit.excluded", benefit=benefit, why=excluded.reason)
        return reason("tiers.benefit.no_level", benefit=benefit)

    def _not_at(self, level: LevelRule, benefit: str) -> Reason:
        others = [other.name for other in self.levels if any(row.name == benefit for row in other.benefits)]
        return reason("tiers.benefit.not_at_level", benefit=benefit, level=level.name, levels=", ".join(others))

    # -- using it up -----------------------------------------------------------------------------------------------

    def _use(self, event: Redemption, view: View, name: str) -> Decision:
        level = self._level(view)
        benefit = next((row for row in level.benefits if row.name == name), None) if level is not None else None
        if level is None or benefit is None:
            return self.declined(event, [self._not_at(level, name) if level is not None else self._why_none(view, name)])
        failing = list(self._unusable(event, view, level, benefit))
        if failing:
            return self.declined(event, failing)
        per, asked = benefit.per, int(event.quantity)
        assert per is not None
        before = self._allowance(view, benefit, asked)
        if before is None:
            return self.declined(event, [reason("tiers.benefit.no_birthday", benefit=name)])
        if before.left < asked:
            return self.declined(event, [_used_up(before, level, asked)])
        uses = self._uses(view, name, per).plus(before.stretch, asked).kept_on(view.settled)
        told = {"benefit": name, "level": level.name, "quantity": asked, "used": before.used + asked, "of": before.quantity}
        left = {"left": before.left - asked, "per": str(per), "until": before.stretch.last if per.length is None else None}
        return self.applied(event, [reason("tiers.benefit.used", **told, **left)], [self._status(name, uses, before.stretch, before.used + asked)])

    def _unusable(self, event: Redemption, view: View, level: LevelRule, benefit: Benefit) -> Iterator[Reason]:
        """What keeps a benefit of the level from being used, whatever is left of it."""
        name = benefit.name
        if benefit.quantity is None:
            yield reason("tiers.benefit.not_counted", benefit=name, level=level.name)
        if event.points is not None:
            yield reason("tiers.benefit.costs_nothing", benefit=name, points=event.points)
        if event.quantity % 1:
            yield reason("tiers.benefit.not_whole", benefit=name, asked=event.quantity)
        if benefit.when is not None and not view.test(benefit.when):
            yield reason("tiers.benefit.condition", benefit=name, level=level.name)
        if view.day < oldest(view.settled):
            yield reason("tiers.benefit.too_late", benefit=name, days=KEPT.days)

    # -- what is left ----------------------------------------------------------------------------------------------

    def _uses(self, view: View, name: str, per: BenefitPeriod) -> Uses:
        return Uses.of(view.state.statuses.get((uses_status(self.status), name)), per)

    def _allowance(self, view: View, benefit: Benefit, asked: int = 1) -> Allowance | None:
        """What there is of a benefit on the event's day; None where the customer's birthday is not known and would have to be."""
        per, day = benefit.per, view.day
        assert per is not None
        uses = self._uses(view, benefit.name, per)
        if per.length is not None:
            again = next((later for later in _freed(uses, day) if _rolling(uses, later) + asked <= (benefit.quantity or 0)), None)
            return Allowance(benefit, Stretch(day, day), _rolling(uses, day), again)
        if str(per) == "term":
            return self._of_term(view, benefit, uses)
        joined, new_year = view.state.joined or day, date(day.year, 1, 1)
        anchors = {"birthday year": view.birthday(), "membership year": joined}
        anchors["qualifying year"] = joined if self.years == "membership" else new_year
        anchor = anchors.get(str(per))
        if anchor is None and str(per) == "birthday year":
            return None
        stretch = per.on(day, anchor)
        return Allowance(benefit, stretch, uses.during(stretch), _begins_again(benefit, uses, stretch, anchor, asked))

    def _of_term(self, view: View, benefit: Benefit, uses: Uses) -> Allowance:
        """Uses of terms that have not ended count, so that rising again within a term does not begin a new allowance."""
        held = view.state.statuses.get((self.status, ""))
        since, until = (held.since, held.until) if held is not None else (view.day, None)
        used = uses.during(Stretch(view.day, until))
        return Allowance(benefit, Stretch(min(since, view.day), until), used, until + ONE_DAY if until is not None else None)

    def _status(self, name: str, uses: Uses, stretch: Stretch, used: int) -> Status:
        return Status(uses_status(self.status), used, stretch.start, stretch.last, name, uses.to_data())

    # -- two cards that become one -------------------------------------------------------------------------------------

    def _joined(self, event: Merge, view: View) -> Decision | None:
        """What both cards used of a benefit adds up, period by period."""
        reasons, effects = list[Reason](), list[Status]()
        for (name, benefit), theirs in sorted(unpacked(event).statuses.items()):
            per = self._per(benefit) if name == uses_status(self.status) else None
            used = Uses.of(theirs, per) if per is not None else None
            if used is None or not used.rows:
                continue
            known = view.state.statuses.get((name, benefit)) or theirs
            both, stretch = self._uses(view, benefit, used.per), Stretch(known.since, known.until)
            for row, count in used.rows.items():
                both = both.plus(row, count)
            both = both.kept_on(view.settled)
            total = _rolling(both, stretch.start) if used.per.length is not None else both.during(stretch)
            effects.append(self._status(benefit, both, stretch, total))
            reasons.append(reason("tiers.benefit.joined", benefit=benefit, used=sum(used.rows.values()), of=event.of))
        return self.applied(event, reasons, effects) if reasons else None

    def _per(self, benefit: str) -> BenefitPeriod | None:
        return next((row.per for level in self.levels for row in level.benefits if row.name == benefit and row.per is not None), None)

    # -- giving it back --------------------------------------------------------------------------------------------

    def _restore(self, event: RedemptionCancelled, view: View) -> Decision | None:
        order, record = view.order, view.record(self)
        if order is None or record is None or order.reward is None:
            return None
        name, asked = order.reward.sku or "", int(event.quantity if event.quantity is not None else _not_yet_back(view))
        per = self._per(name)
        known = view.state.statuses.get((uses_status(self.status), name))
        if per is None or known is None:
            return self.applied(event, [reason("tiers.benefit.over", benefit=name, quantity=asked, used_on=order.day)])
        uses, restored = Uses.of(known, per).less(order.day, asked)
        if not restored:
            return self.applied(event, [reason("tiers.benefit.over", benefit=name, quantity=asked, used_on=order.day)])
        stretch = Stretch(known.since, known.until)
        used = _rolling(uses, stretch.start) if per.length is not None else max(0, int(known.value or 0) - restored * stretch.holds(order.day))
        told = reason("tiers.benefit.restored", benefit=name, quantity=restored, used_on=order.day)
        return self.applied(event, [told], [self._status(name, uses, stretch, used)])

    # -- prices ----------------------------------------------------------------------------------------------------

    def _price(self, event: Purchase, view: View) -> Decision | None:
        """What the best factor of the level would make of the price; nothing is changed by it."""
        level = self._level(view)
        if level is None:
            return None
        rows = [(row.factor, row.name) for row in level.benefits if row.factor is not None and (row.when is None or view.test(row.when))]
        if not rows:
            return None
        factor, name = min(rows)
        full = (event.list_amount or event.amount).minor
        price = rounded(factor * full, Rounding.half_up)
        amounts = {name: Money.from_minor(minor, view.currency) for name, minor in (("full", full), ("price", price), ("off", full - price))}
        return self.applied(event, [reason("tiers.benefit.price", benefit=name, level=level.name, factor=factor, **amounts)])

    # -- what a customer has now -----------------------------------------------------------------------------------

    def progress(self, view: View, /) -> Standing | None:
        level = self._level(view)
        rows = level.benefits if level is not None and not self.retired else ()
        return Standing(of=self.ladder, benefits=tuple(self._entitled(row, view) for row in rows))

    def _entitled(self, benefit: Benefit, view: View) -> Entitled:
        holds = benefit.when is None or view.test(benefit.when)
        told = Entitled(benefit.name, benefit.kind, holds, benefit.title, factor=benefit.factor, points=benefit.points, response=benefit.response)
        if benefit.quantity is None:
            return told
        found = self._allowance(view, benefit)
        if found is None:
            return told.counted(benefit.quantity, None, None, str(benefit.per), None, None)
        until = found.stretch.last if benefit.per is not None and benefit.per.length is None else None
        again = found.again if not found.left else None
        return told.counted(found.quantity, found.used, found.left, str(benefit.per), until, again)


def beside(ladder: Ladder) -> Entitlements:
    """The entitlements of one version of a ladder."""
    head = {"effective_from": ladder.effective_from, "retired": ladder.retired, "reference": ladder.reference}
    own = {"ladder": ladder.id, "status": ladder.status, "levels": ladder.levels, "exclude": ladder.exclude, "years": ladder.qualifying_year}
    return Entitlements(id=f"{ladder.id}.benefits", **head, **own)


def _used_up(allowance: Allowance, level: LevelRule, asked: int) -> Reason:
    told = {"benefit": allowance.benefit.name, "level": level.name, "used": allowance.used, "of": allowance.quantity}
    told |= {"per": str(allowance.benefit.per), "asked": asked, "left": allowance.left}
    if asked > allowance.quantity:
        return reason("tiers.benefit.too_many", **told)
    if allowance.again is None:
        return reason("tiers.benefit.used_up_for_good", **told)
    return reason("tiers.benefit.used_up", **told, again=allowance.again)


def _rolling(uses: Uses, day: date) -> int:
    """The most that was used within any window of the length that holds a day: with what was used after it, too."""
    length = uses.per.length
    assert length is not None
    ends = [day, *(row.start for row in uses.rows if row.start > day and length.before(row.start) < day)]
    return max(sum(count for row, count in uses.rows.items() if length.before(end) < row.start <= end) for end in ends)


def _freed(uses: Uses, day: date) -> Iterator[date]:
    """The days after ``day`` on which a use leaves a rolling window."""
    length = uses.per.length
    assert length is not None
    for row in uses.rows:
        leaves = length.after(row.start)
        while length.before(leaves) < row.start:  # months are not all of one length
            leaves += ONE_DAY
        if leaves > day:
            yield leaves


def _begins_again(benefit: Benefit, uses: Uses, stretch: Stretch, anchor: date | None, asked: int) -> date | None:
    """The first day of the next stretch that has enough left: the one after this, unless a birthday was moved in between."""
    while stretch.last is not None:
        stretch = (benefit.per or BenefitPeriod("lifetime")).on(stretch.last + ONE_DAY, anchor)
        if uses.during(stretch) + asked <= (benefit.quantity or 0):
            return stretch.start
        if not uses.during(stretch):
            return None
    return None


def _not_yet_back(view: View) -> Decimal:
    """What was left of a reward before it was cancelled."""
    line = view.before.reward if view.before is not None else None
    return line.quantity_left if line is not None else Decimal(0)
