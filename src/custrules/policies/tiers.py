"""Levels: ``tiers.ladder``. Who reaches a level, how long it is held, and how it is lost.

A level is reached at once (after each event, with that event counted) or at a review day; it is held for a term; it falls
only at its review, on the day after the term's last day, or by a return that takes away what it was reached by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from custrules.calendars import ONE_DAY, Span, add_months
from custrules.calendars.spans import start_of_period
from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.events import AnyEvent, NewDay, Return, Scalar, Tick, TierGrant
from custrules.facts import FactType
from custrules.fields import Name, Text, Title, one_of, read_whole, wrong_type
from custrules.policy import BalanceFact, Decision, Known, Phase, Policy, Reason, Status, StatusFact, View, reason

Reached = Literal["base", "earned", "landed", "granted"]
_CYCLES = {"month": 1, "quarter": 3, "half": 6, "year": 12}


class LevelRule(BaseModel):
    """A step of the ladder: what it takes to ``enter`` it, and to ``keep`` it at a review (as to enter, where not said)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")
    later_fields: ClassVar[tuple[str, ...]] = ("benefits", "was")

    name: Name
    title: Title = ""
    enter: Condition | None = None
    keep: Condition | None = None

    @property
    def keeps(self) -> Condition | None:
        return self.keep if self.keep is not None else self.enter


class Exclusion(BaseModel):
    """Customers who have no level, and why."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    when: Condition
    reason: Text


def _day_of_month(value: object) -> int:
    day = read_whole(value)
    if not 1 <= day <= 28:
        raise wrong_type("a day of the month that every month has: 1 to 28", value)
    return day


class ReviewCycle(BaseModel):
    """The days on which upgrades are decided: the ``day`` of every month, or of the first month of every quarter, half or year."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    every: Annotated[Literal["month", "quarter", "half", "year"], one_of(*_CYCLES)]
    day: Annotated[int, BeforeValidator(_day_of_month)] = 1

    def holds(self, day: date) -> bool:
        return day.day == self.day and start_of_period(day, _CYCLES[self.every]).month == day.month

    def after(self, day: date) -> date:
        """The first review day after a day."""
        months = _CYCLES[self.every]
        this = start_of_period(day, months).replace(day=self.day)
        return this if this > day else add_months(start_of_period(day, months), months).replace(day=self.day)


def _read_term(value: object) -> object:
    return None if value == "none" else value


@dataclass(frozen=True, slots=True)
class Held:
    """A level as it is held: how it was reached, its term (``anchor`` and how many terms since), and a floor given by hand."""

    rank: int
    since: date
    until: date | None
    reached: Reached
    anchor: date
    terms: int = 1
    floor: int = 0
    floor_until: date | None = None

    def floor_on(self, day: date) -> int:
        """The rank below which the level does not fall on a day; 0 is no floor."""
        return self.floor if self.floor_until is None or self.floor_until >= day else 0


class Ladder(Policy):
    """Levels in order of rank. Thresholds are inclusive; several levels may be skipped; a first level without ``enter`` is everybody's."""

    kind: ClassVar[str] = "tiers.ladder"
    phase: ClassVar[Phase] = "rank"
    later_fields: ClassVar[tuple[str, ...]] = ("legacy", "qualifying_year", "rollover", "watch", "floor")

    levels: Annotated[tuple[LevelRule, ...], Field(min_length=1, max_length=100)]
    upgrade: Annotated[Literal["at_once", "at_review"], one_of("at_once", "at_review")] = "at_once"
    review: ReviewCycle | None = None
    term: Annotated[Span | None, BeforeValidator(_read_term)] = None
    downgrade: Annotated[Literal["one_level", "to_earned"], one_of("one_level", "to_earned")]
    lost_on_return: Annotated[Literal["at_once", "at_review"], one_of("at_once", "at_review")] = "at_once"
    exclude: Annotated[tuple[Exclusion, ...], Field(max_length=100)] = ()
    status: Name = "tier"

    # -- what the program asks of it -------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(level.name for level in self.levels)

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        everybodys = self.names[0] if self.levels[0].enter is None else None
        unless = tuple(row.when for row in self.exclude)
        return {self.status: StatusFact(FactType("level", self.names), self.status, everybodys, unless)}

    def writes(self) -> tuple[str, ...]:
        return (self.status,)

    def remembers(self) -> int:
        return self.term.at_most_days if self.term is not None else 0

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(self._faults())

    def _faults(self) -> Iterator[Diagnostic]:
        for index, level in enumerate(self.levels):
            if level.name in self.names[:index]:
                yield Diagnostic("document.name_taken", f"levels[{index}].name", {"name": level.name})
            if level.name == "none":
                yield Diagnostic("document.reserved_id", f"levels[{index}].name", {"id": level.name})
            if index and level.enter is None:
                yield Diagnostic("document.missing_field", f"levels[{index}]", {"field": "enter"})
            if level.keep is not None and level.enter is None:
                yield Diagnostic("document.not_with", f"levels[{index}].keep", {"field": "keep", "other": "a level without enter"})
        if (self.upgrade == "at_review") != (self.review is not None):
            missing = self.review is None
            yield Diagnostic("document.missing_field" if missing else "document.not_with", "" if missing else "review", _REVIEW[missing])

    def follows(self, before: Policy) -> list[Diagnostic]:
        gone = [name for name in before.names if name not in self.names] if isinstance(before, Ladder) else []
        return [Diagnostic("document.level_vanished", "levels", {"level": name, "since": before.effective_from.isoformat()}) for name in gone]

    # -- time ------------------------------------------------------------------------------------------------------

    def due(self, view: View, /) -> date | None:
        """The next review, the next day of the cycle, or the day on which an exclusion or an upgrade may come by time alone."""
        held = self._held(view)
        days = [held.until + ONE_DAY if held is not None and held.until is not None else None]
        if self.retired:
            return days[0]
        days += [view.next_change(row.when) for row in self.exclude]
        if self.review is not None:
            days.append(self.review.after(view.day))
        else:
            above = self.levels[held.rank + 1 if held is not None else 0 :]
            days += [view.next_change(level.enter) for level in above if level.enter is not None]
        return min((day for day in days if day is not None), default=None)

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, TierGrant) and event.status != self.status:
            return None
        excluded = next((row for row in self.exclude if view.test(row.when)), None)
        if excluded is not None and not self.retired:
            return self._without(event, view, excluded)
        before = self._held(view)
        held, reasons = before, list[Reason]()
        changes = (self._begin, self._granted, self._after_return, self._reviewed, self._upgraded)
        for change in changes if not self.retired else (self._reviewed,):  # time goes on for a level that was given: it falls, or is kept
            held, told = change(event, view, held)
            reasons += told
        if not reasons or held is None:
            return None
        if isinstance(event, TierGrant) and held == before:
            return self.declined(event, reasons)
        return self.applied(event, reasons, [self._status(held)])

    def _without(self, event: AnyEvent, view: View, excluded: Exclusion) -> Decision | None:
        known = view.state.statuses.get((self.status, ""))
        why = reason("tiers.exclusion.applied", why=excluded.reason)
        if known is not None and known.value is None:
            return self.declined(event, [why]) if isinstance(event, TierGrant) else None
        return self.applied(event, [why], [Status(self.status, None, view.day)])

    def _begin(self, event: AnyEvent, view: View, held: Held | None) -> tuple[Held | None, list[Reason]]:
        """The first level, everybody's from the start; nobody's where it has to be entered."""
        if held is not None or self.levels[0].enter is not None:
            return held, []
        base = Held(0, view.day, None, "base", view.day)
        return base, [reason("tiers.start.base", level=self.levels[0].name)]

    def _granted(self, event: AnyEvent, view: View, held: Held | None) -> tuple[Held | None, list[Reason]]:
        """A level given by hand: held at least until its last day; a floor under a level that is higher already."""
        if not isinstance(event, TierGrant):
            return held, []
        if event.until is not None and event.until < view.day:
            return held, [reason("tiers.grant.past", level=event.level, until=event.until)]
        rank = self.names.index(event.level)
        params = {"level": event.level, "until": event.until, "why": event.reason, "approver": event.approver}
        if held is not None and held.rank >= rank:
            return replace(held, floor=rank, floor_until=event.until), [reason("tiers.grant.floor", held=self.names[held.rank], **params)]
        return Held(rank, view.day, event.until, "granted", view.day, 1, rank, event.until), [reason("tiers.grant.applied", **params)]

    def _after_return(self, event: AnyEvent, view: View, held: Held | None) -> tuple[Held | None, list[Reason]]:
        """A return that takes away what a level was reached by takes the level: judged as of that day, and now."""
        if not isinstance(event, Return) or held is None or held.reached != "earned" or self.lost_on_return == "at_review":
            return held, []
        rank = max(self._earned_then(view, held), self._earned(view), held.floor_on(view.day))
        if rank >= held.rank:
            return held, []
        params = {"before": self.names[held.rank], "level": self.names[rank], "since": held.since}
        return self._fallen(held, rank, view.day, view.day, "earned"), [reason("tiers.downgrade.lost", **params)]

    def _earned_then(self, view: View, held: Held) -> int:
        """The rank earned on the day the level was reached, as the tallies stand now; where they reach back no more, the rank held."""
        then = view.in_force(self.id, held.since)
        ladder = then if isinstance(then, Ladder) and set(then.names) <= set(self.names) else self
        conditions = [level.enter for level in ladder.levels if level.enter is not None]
        if not all(view.evaluable(condition, held.since) for condition in conditions):
            return held.rank
        return self.names.index(ladder.names[ladder._earned(view, held.since)])

    def _earned(self, view: View, on: date | None = None) -> int:
        """The highest rank whose ``enter`` holds; 0 where none does."""
        ranks = range(len(self.levels) - 1, 0, -1)
        return next((rank for rank in ranks if self._enters(view, rank, on)), 0)

    def _enters(self, view: View, rank: int, on: date | None = None) -> bool:
        enter = self.levels[rank].enter
        return enter is None or view.test(enter, on)

    def _keeps(self, view: View, rank: int, on: date) -> bool:
        keeps = self.levels[rank].keeps
        return keeps is None or view.test(keeps, on)

    def _reviewed(self, event: AnyEvent, view: View, held: Held | None) -> tuple[Held | None, list[Reason]]:
        """The end of a term: judged as of its last day by the version in force on that day."""
        if not isinstance(event, NewDay) or held is None or held.until is None or held.until >= view.day:
            return held, []
        last = held.until
        judge = view.in_force(self.id, last)
        ladder = judge if isinstance(judge, Ladder) and self.names[held.rank] in judge.names else self
        rank = self.names.index(ladder.names[ladder._review(view, ladder.names.index(self.names[held.rank]), last)])
        name = self.names[held.rank]
        if rank >= held.rank:
            kept = replace(held, reached="earned" if held.reached == "granted" else held.reached)
            kept = self._renewed(kept, last)
            return kept, [reason("tiers.review.kept", level=name, until=kept.until)]
        if rank < held.floor_on(view.day):
            rank = held.floor_on(view.day)
            return replace(held, rank=rank, until=held.floor_until, reached="granted"), [reason("tiers.review.floor", level=self.names[rank])]
        fallen = self._fallen(held, rank, view.day, last, "landed")
        return fallen, [reason(f"tiers.downgrade.{self.downgrade}", before=name, level=self.names[rank], as_of=last, until=fallen.until)]

    def _review(self, view: View, rank: int, on: date) -> int:
        """The rank after a review as of a day: the one held where it is kept, else one lower or what is earned."""
        if self._keeps(view, rank, on) or self._earned(view, on) >= rank:
            return rank
        if self.downgrade == "one_level":
            return max(rank - 1, 0)
        below = range(rank - 1, 0, -1)
        return next((lower for lower in below if self._keeps(view, lower, on) or self._enters(view, lower, on)), 0)

    def _upgraded(self, event: AnyEvent, view: View, held: Held | None) -> tuple[Held | None, list[Reason]]:
        """The highest level earned, where that is above the one held; on review days only, where the ladder says so."""
        if self.review is not None and not (isinstance(event, NewDay) and self.review.holds(view.day)):
            return held, []
        if isinstance(event, Tick):
            return held, []
        rank = self._earned(view)
        if held is None and rank == 0 and not self._enters(view, 0):
            return held, []
        if held is not None and rank <= held.rank:
            return held, []
        until = self.term.last_day(view.day) if self.term is not None and (rank or self.levels[0].enter is not None) else None
        floor = (held.floor, held.floor_until) if held is not None else (0, None)
        before = self.names[held.rank] if held is not None else None
        risen = Held(rank, view.day, until, "earned", view.day, 1, *floor)
        return risen, [reason("tiers.upgrade.reached", level=self.names[rank], before=before, until=until)]

    # -- terms and status ------------------------------------------------------------------------------------------

    def _fallen(self, held: Held, rank: int, day: date, anchor: date, reached: Reached) -> Held:
        until = self.term.last_day(anchor) if self.term is not None and rank else None
        return Held(rank, day, until, reached if rank else "base", anchor, 1, held.floor, held.floor_until)

    def _renewed(self, held: Held, last: date) -> Held:
        """The next term: counted from the anchor, so that clamped month ends do not drift."""
        if self.term is None:
            return replace(held, until=None)
        terms = held.terms
        until = last
        while until <= last:
            terms += 1
            until = self.term.last_day(held.anchor, terms)
        return replace(held, until=until, terms=terms)

    def _held(self, view: View) -> Held | None:
        known = view.state.statuses.get((self.status, ""))
        if known is None or known.value is None:
            return None
        data = known.data
        floor_until = data.get("floor_until")
        name = str(known.value) if known.value in self.names else self.names[0]
        return Held(
            self.names.index(name),
            known.since,
            known.until,
            str(data["reached"]),  # type: ignore[arg-type]  # written by _status
            date.fromisoformat(str(data["anchor"])),
            int(data.get("terms", 1)),
            self.names.index(str(data["floor"])) if data.get("floor") in self.names else 0,
            date.fromisoformat(str(floor_until)) if floor_until else None,
        )

    def _status(self, held: Held) -> Status:
        data: dict[str, Scalar] = {"reached": held.reached, "anchor": held.anchor.isoformat()}
        extras: dict[str, Any] = {"terms": held.terms if held.terms > 1 else None}
        if held.floor:
            extras |= {"floor": self.names[held.floor], "floor_until": held.floor_until.isoformat() if held.floor_until else None}
        data |= {name: value for name, value in extras.items() if value is not None}
        return Status(self.status, self.names[held.rank], held.since, held.until, data=data)


_REVIEW = {True: {"field": "review"}, False: {"field": "review", "other": "upgrade: at_once"}}
