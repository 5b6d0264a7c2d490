"""Occasions that follow from what a customer does, or does not do, and from what she has: their days depend on her."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from custrules.calendars import ONE_DAY, Length
from custrules.conditions import Condition
from custrules.event_fields import Scalar
from custrules.facts import FactValue
from custrules.policies.care.occasion import Band
from custrules.policies.care.occurring import Birthdays, Occurrence, Occurring
from custrules.policy import View
from custrules.standing import Aim
from custrules.state_parts import shown

if TYPE_CHECKING:
    from custrules.policies.care.trigger import Trigger

LATE = 3  # days for which a follow-up may be late, where nothing else is said
VISITED = "visited"
CONTACT = "contact"
EXPIRY = "_expiry"
BONUS = "bonus"


class FollowUps(Occurring):
    """``{after: visit, by: [1 day, 3 days]}``: so long after the day of the event; a step is open until the next one."""

    code = "care.trigger.after"

    def open(self, view: View, today: date) -> Iterator[Occurrence]:
        for anchor in self.anchors(view, today):
            for step, occurrence in self._steps(anchor):
                if occurrence.is_open(today) and not self._stopped(view, anchor, min(today, occurrence.planned)):
                    yield occurrence._replace(data={"after": self.event, "step": str(step), "of": anchor.isoformat()})

    def next_day(self, view: View, today: date) -> date | None:
        later = [
            occurrence.planned
            for anchor in self.anchors(view, today)
            if not self._stopped(view, anchor, today)
            for _, occurrence in self._steps(anchor)
            if occurrence.planned > today
        ]
        return min(later, default=None)

    def stands(self, view: View, today: date, cycle: str) -> bool:
        """A sequence that was stopped after its step was asked for is over, too."""
        return super().stands(view, today, cycle) and not self._stopped(view, date.fromisoformat(cycle.partition("/")[0]), today)

    def _steps(self, anchor: date) -> Iterator[tuple[Length, Occurrence]]:
        steps = self.trigger.occasion.steps
        planned = [step.after(anchor) for step in steps]
        for place, (step, day) in enumerate(zip(steps, planned, strict=True)):
            last = self.last_day(day, LATE) or day
            if place + 1 < len(steps):
                last = max(day, min(last, planned[place + 1] - ONE_DAY))
            yield step, Occurrence(f"{anchor}/{step}", day, last)

    def anchors(self, view: View, today: date) -> list[date]:
        """The days whose follow-ups run: every one, the last one, or the one that was written down when its sequence began."""
        mode = self.trigger.occasion.again or "restart"
        if mode in ("after_end", "never"):
            kept = view.state.statuses.get((self.trigger.noted_as, ""))
            return [date.fromisoformat(str(kept.value))] if kept is not None and kept.value is not None else []
        found = list(view.days_counted(self.trigger, self.counted(self.event), today - timedelta(days=self.reach + 1), today))
        return found[-1:] if mode == "restart" else found

    def _stopped(self, view: View, anchor: date, upto: date) -> bool:
        return any(view.days_counted(self.trigger, self.counted(name), anchor - ONE_DAY, upto) for name in self.trigger.occasion.stop or ())

    @property
    def event(self) -> str:
        return self.trigger.occasion.after or ""

    def counted(self, name: str) -> str:
        """The measure of a kind of event, by a name that tells it from those of other versions."""
        return f"{name}_within_{self.reach}_days"

    @property
    def reach(self) -> int:
        """Days after the event in which its last step may still be open."""
        longest = self.trigger.occasion.steps[-1].at_most_days
        return longest + (self.last_day(date(2000, 1, 1), LATE) or date(2000, 1, 1)).toordinal() - date(2000, 1, 1).toordinal() + 3


class Deadlines(Occurring):
    """``{before: contract_end, by: [30 days, 7 days]}``: so long before a day that is known; open until the next step, the last until the day."""

    code = "care.trigger.before"
    looks_ahead = True

    def open(self, view: View, today: date) -> Iterator[Occurrence]:
        return (occurrence for occurrence in self._all(view, today) if occurrence.is_open(today))

    def next_day(self, view: View, today: date) -> date | None:
        return min((occurrence.planned for occurrence in self._all(view, today) if occurrence.planned > today), default=None)

    def _all(self, view: View, today: date) -> Iterator[Occurrence]:
        for end, told in self._ends(view, today):
            steps = sorted(((step.before(end), step) for step in self.trigger.occasion.steps), key=lambda pair: pair[0])
            for (day, step), (following, _) in pairwise([*steps, (end + ONE_DAY, steps[0][1])]):
                last = following - ONE_DAY
                if self.trigger.validity is not None:
                    last = min(last, self.last_day(day, 0) or last)
                yield Occurrence(f"{end}/{step}", day, max(day, last), {"before": self.what, "step": str(step), "end": end.isoformat(), **told})

    def _ends(self, view: View, today: date) -> Iterator[tuple[date, Mapping[str, Scalar]]]:
        """The days that are waited for, from today on."""
        found: list[tuple[date, Mapping[str, Scalar]]]
        if self.what == "birthday":
            found = [(day, {}) for day in self._birthdays(view, today)]
        elif self.what.endswith(EXPIRY):
            found = [(day, {"quantity": shown}) for day, shown in expiring(view, self.what.removesuffix(EXPIRY))]
        elif self.what.endswith(".until"):
            held = view.state.statuses.get((self.what.removesuffix(".until"), ""))
            found = [(held.until, {"value": str(held.value)})] if held is not None and held.until is not None and held.value is not None else []
        else:
            value = view.value(self.what, today)
            found = [(value, {})] if isinstance(value, date) else []
        yield from ((day, told) for day, told in found if day >= today)

    def _birthdays(self, view: View, today: date) -> Iterator[date]:
        """The coming birthdays up to the first about which nothing is asked yet."""
        birthdays = Birthdays(self.trigger)
        kept = birthdays.first(view, today)
        while kept is not None:
            yield kept.day
            asks = min(step.before(kept.day) for step in self.trigger.occasion.steps)
            kept = birthdays.first(view, kept.day + ONE_DAY) if asks <= today else None

    @property
    def what(self) -> str:
        return {"level_end": "tier.until"}.get(self.trigger.occasion.before or "", self.trigger.occasion.before or "")


def expiring(view: View, account: str) -> list[tuple[date, str]]:
    """What of an account, or of every account's bonus, lapses after which last day, as the account's rules now say."""
    ledger = view.state.ledger
    names = [name for name in ledger.accounts if name.endswith(".bonus")] if account == BONUS else [ledger.resolve(account)]
    found: dict[date, dict[tuple[str, int], int]] = {}
    for held in (ledger.accounts[name] for name in names if name in ledger.accounts):
        for lot, left in held:
            last = held.last_day(lot)
            if last is not None and last != date.max:
                of_day = found.setdefault(last, {})
                of_day[held.unit, held.scale] = of_day.get((held.unit, held.scale), 0) + left
    return [(day, ", ".join(str(shown(left, *unit)) for unit, left in of_day.items())) for day, of_day in sorted(found.items())]


class Absence(Occurring):
    """``{absent: visit, for: 60 days}``: so long since the last one, once an absence; with ``repeat`` again and again."""

    code = "care.trigger.absent"

    def open(self, view: View, today: date) -> Iterator[Occurrence]:
        anchor = self.anchor(view, today)
        for number, planned in self._planned(anchor, today) if anchor is not None else ():
            if planned <= today:
                last = self.last_day(planned, None)
                told: dict[str, Scalar] = {"absent": self.event, "since": f"{anchor}", "days": (today - anchor).days if anchor is not None else 0}
                occurrence = Occurrence(f"{anchor}" + (f"+{number}" if number else ""), planned, last, told)
                if occurrence.is_open(today):
                    yield occurrence

    def next_day(self, view: View, today: date) -> date | None:
        anchor = self.anchor(view, today)
        return next((planned for _, planned in self._planned(anchor, today) if planned > today), None) if anchor is not None else None

    def _planned(self, anchor: date, today: date) -> Iterator[tuple[int, date]]:
        """The running repetition, and the next."""
        first = (self.trigger.occasion.for_ or Length.parse("1 day")).after(anchor)
        repeat = self.trigger.occasion.repeat
        if repeat is None or today < first:
            yield 0, first
            return
        number = _times(first, today, repeat)
        yield number, repeat.after(first, number) if number else first
        yield number + 1, repeat.after(first, number + 1)

    def anchor(self, view: View, today: date) -> date | None:
        return last_of(view, self.trigger, self.last, today)

    @property
    def event(self) -> str:
        return self.trigger.occasion.absent or ""

    @property
    def last(self) -> str:
        """The measure of the last one, by a name that tells it from those of other versions."""
        return f"last_{self.event}"


def last_of(view: View, trigger: Trigger, name: str, today: date) -> date | None:
    """The last day of what one of the trigger's own measures counts; None before the first."""
    days = view.value(f"{trigger.id}.{name}", today)
    return today - timedelta(days=int(days)) if isinstance(days, int) else None


def _times(first: date, today: date, every: Length) -> int:
    """How often a length fits between two days."""
    number = max(0, (today - first).days // every.at_most_days)
    while every.after(first, number + 1) <= today:
        number += 1
    return number


class Visits(Occurring):
    """``{visit_every: {gold: 20 days}, since: contact}``: again and again since the last one, as often as the band of the customer says.

    Counted from the last contact (through a channel of the trigger), else from the last visit, else from the day of joining. A
    contact that was asked for and not made is asked for again when the next one is due.
    """

    code = "care.trigger.visit"

    def open(self, view: View, today: date) -> Iterator[Occurrence]:
        anchor, length = self.anchor(view, today), self.length(view, today)
        if anchor is None or length is None or length.after(anchor) > today:
            return
        number = _times(anchor, today, length)
        last = length.after(anchor, number + 1) - ONE_DAY
        if self.trigger.validity is not None:
            last = min(last, self.last_day(length.after(anchor, number), 0) or last)
        occurrence = Occurrence(f"{anchor}+{number}", length.after(anchor, number), last, {"since": anchor.isoformat(), "every": str(length)})
        if occurrence.is_open(today):
            yield occurrence

    def next_day(self, view: View, today: date) -> date | None:
        anchor, length = self.anchor(view, today), self.length(view, today)
        changes = [view.next_change(condition) for condition in self._conditions()]
        if anchor is not None and length is not None:
            changes.append(length.after(anchor, _times(anchor, today, length) + 1))
        return min((day for day in changes if day is not None), default=None)

    def planned_next(self, view: View, today: date) -> date | None:
        """The next visit as the band now stands, whatever time may do to that."""
        anchor, length = self.anchor(view, today), self.length(view, today)
        return length.after(anchor, _times(anchor, today, length) + 1) if anchor is not None and length is not None else None

    def length(self, view: View, today: date) -> Length | None:
        bands = self.trigger.occasion.visit_every or ()
        holding = [band for band in bands if band.condition is None or view.test(band.condition, today)]
        if not holding:
            return None
        return min(holding, key=lambda band: self._place(band, view)).length

    def _place(self, band: Band, view: View) -> int:
        """By level the highest counts, else the first that is written; what is left over comes last."""
        if band.condition is None:
            return len(view.levels) + len(self.trigger.occasion.visit_every or ())
        if band.cell in view.levels and "tier" in band.condition.facts:
            return -view.levels.index(band.cell)
        return list(self.trigger.occasion.visit_every or ()).index(band)

    def _conditions(self) -> list[Condition]:
        return [band.condition for band in self.trigger.occasion.visit_every or () if band.condition is not None]

    def anchor(self, view: View, today: date) -> date | None:
        trigger = self.trigger
        visited = last_of(view, trigger, VISITED, today) if self.since == CONTACT else None
        return last_of(view, trigger, self.last, today) or visited or view.state.joined

    @property
    def since(self) -> str:
        return self.trigger.occasion.since or "visit"

    @property
    def event(self) -> str:
        return self.since

    @property
    def last(self) -> str:
        """The measure of the last one, by a name that tells it from those of other versions: of contacts, through which channels."""
        return f"last_{self.since}" + (f"_by_{'_'.join(self.trigger.channels)}" if self.since == CONTACT else "")


class Rises(Occurring):
    """``{status: tier, rises_to: ">= silver"}``: on the day on which a status comes to satisfy the cell by rising."""

    code = "care.trigger.risen"

    def open(self, view: View, today: date) -> Iterator[Occurrence]:
        kept = self.trigger.seen(view) or view.state.statuses.get((self.trigger.noted_as, ""))
        since = kept.data.get("rose") if kept is not None else None
        if kept is None or since is None:
            return
        day = date.fromisoformat(str(since))
        occurrence = Occurrence(f"{kept.value}/{day}", day, self.last_day(day, LATE), {"status": self.status, "value": str(kept.value)})
        if occurrence.is_open(today) and self.trigger.occasion.rises_to is not None and view.test(self.trigger.occasion.rises_to, today):
            yield occurrence

    def next_day(self, view: View, today: date) -> date | None:
        return view.next_change(self.trigger.occasion.rises_to) if self.trigger.occasion.rises_to is not None else None

    @property
    def status(self) -> str:
        return self.trigger.occasion.status or ""


class NearLevels(Occurring):
    """``{reachable: next_level, within: 10%}``: what is missing to the next level is at most that share of it; once a level and period."""

    code = "care.trigger.reachable"

    def open(self, view: View, today: date) -> Iterator[Occurrence]:
        aim = self._aim(view)
        if aim is None or aim.condition is None:
            return
        deadline = self._deadline(view, aim)
        if not self._is_time(deadline, today) or not self._is_near(view, aim.condition, today):
            return
        period = deadline or date(today.year, 12, 31)
        last = self.last_day(today, None) if self.trigger.validity is not None else deadline
        told: dict[str, Scalar] = {"level": aim.name}
        if deadline is not None:
            told["end"] = period.isoformat()
        yield Occurrence(f"{aim.name}/{period}", today, last, told)

    def next_day(self, view: View, today: date) -> date | None:
        aim = self._aim(view)
        if aim is None or aim.condition is None:
            return None
        deadline = self._deadline(view, aim)
        days = [view.next_change(aim.condition), date(today.year + 1, 1, 1)]
        if deadline is not None:
            days += [deadline + ONE_DAY, *(step.before(deadline) for step in self.trigger.occasion.by or ())]
        return min((day for day in days if day is not None and day > today), default=None)

    def _aim(self, view: View) -> Aim | None:
        """The next level, as the ladder tells it."""
        standing = view.standing("tier")
        return next((aim for aim in standing.aims if aim.kind == "reach"), None) if standing is not None else None

    def _deadline(self, view: View, aim: Aim) -> date | None:
        """The last day on which something may be done for it: as the ladder says, else the end of the period that is counted."""
        ends = [view.period_end(name) for name in sorted(aim.condition.facts)] if aim.condition is not None else []
        return aim.deadline or min((day for day in ends if day is not None), default=None)

    def _is_time(self, deadline: date | None, today: date) -> bool:
        """``by``: only so long before the end of what is counted; not at all where that has no end."""
        steps = self.trigger.occasion.by
        return steps is None or (deadline is not None and min(step.before(deadline) for step in steps) <= today)

    def _is_near(self, view: View, condition: Condition, today: date) -> bool:
        """Whether the condition does not hold, but would with every number raised by as much as may be missing."""
        if view.test(condition, today):
            return False
        share = 1 - (self.trigger.occasion.within or 0)
        raised: dict[str, FactValue] = {}
        for name in condition.facts:
            value, kind = view.value(name, today), view.type_of(name)
            if kind is not None and kind.kind in ("money", "number", "whole") and value is not None and share > 0:
                number = Fraction(value) / share  # type: ignore[arg-type]  # a number, by its kind
                raised[name] = int(number) if kind.kind in ("money", "whole") else number  # down: what it is compared with is whole
        return view.test(condition, today, given=raised)
