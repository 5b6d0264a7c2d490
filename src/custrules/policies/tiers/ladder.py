"""Levels: ``tiers.ladder``. Who reaches a level, how long it is held, and how it is lost.

A level is reached at once (after each event, with that event counted) or at a review day; it is held for a term; it falls
only at its review, on the day after the term's last day, by a return that takes away what it was reached by, or while an
exclusion holds. What a return leaves is the level held before the rise, while its term runs, or what is earned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from custrules.calendars import ONE_DAY, Span
from custrules.errors import Diagnostic
from custrules.evaluation import Answer
from custrules.events import AnyEvent, NewDay, Return, Tick, TierGrant
from custrules.facts import FactType
from custrules.fields import Name, one_of
from custrules.given import FactsCode
from custrules.policies.tiers.benefits import benefit_faults
from custrules.policies.tiers.entitlements import Entitlements, benefit_statuses
from custrules.policies.tiers.evaluating import answer, write
from custrules.policies.tiers.gifts import Gifts
from custrules.policies.tiers.held import Held, Reached
from custrules.policies.tiers.rules import Exclusion, LevelRule, ReviewCycle
from custrules.policies.tiers.standing import standing
from custrules.policy import BalanceFact, Decision, FactsView, Known, Phase, Policy, Reason, Status, StatusFact, View, reason
from custrules.standing import Standing

NOBODY = -1  # the rank of a customer who has no level


def _read_term(value: object) -> object:
    return None if value == "none" else value


class Ladder(Policy):
    """Levels in order of rank. Thresholds are inclusive; several levels may be skipped; a first level without ``enter`` is everybody's."""

    kind: ClassVar[str] = "tiers.ladder"
    phase: ClassVar[Phase] = "rank"
    recorded: ClassVar[bool] = False  # after a return levels are judged anew, not by what was known at the purchase
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
        return (self.status, *benefit_statuses(self.levels, self.status))

    def companions(self) -> tuple[Policy, ...]:
        head = {"effective_from": self.effective_from, "retired": self.retired, "reference": self.reference}
        own = {"ladder": self.id, "status": self.status, "levels": self.levels, "exclude": self.exclude}
        return (Entitlements(id=f"{self.id}.benefits", **head, **own),)

    def remembers(self) -> int:
        return self.term.at_most_days if self.term is not None else 0

    def faults(self, known: Known) -> list[Diagnostic]:
        return [*self._faults(), *benefit_faults(self.levels, self.term is not None, known)]

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
            above = self.levels[(held.rank if held is not None else NOBODY) + 1 :]
            days += [view.next_change(level.enter) for level in above if level.enter is not None]
        return min((day for day in days if day is not None), default=None)

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, TierGrant) and event.status != self.status:
            return None
        excluded = next((row for row in self.exclude if view.test(row.when, view.settled)), None)
        if excluded is not None and not self.retired:
            return self._without(event, view, excluded)
        before = self._held(view)
        held, reasons = before, list[Reason]()
        changes = (self._begin, self._granted, self._after_return, self._reviewed, self._upgraded)
        for change in changes if not self.retired else (self._after_return, self._reviewed):  # what was given falls, or is kept
            held, told = change(event, view, held)
            reasons += told
        if not reasons:
            return None
        if isinstance(event, TierGrant) and held == before:
            return self.declined(event, reasons)
        gifts = Gifts(self.levels, self.status, view).moved(event, before, held)
        return self.applied(event, [*reasons, *gifts.reasons], [self._status(held, view), *gifts.effects])

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
        if held is not None and held.floor_on(view.day) > rank:
            floor = {"floor": self.names[held.floor], "floor_until": held.floor_until}
            return held, [reason("tiers.grant.covered", **floor, **params)]  # one floor at a time: the higher stands
        if held is not None and held.rank >= rank:
            return replace(held, floor=rank, floor_until=event.until), [reason("tiers.grant.floor", held=self.names[held.rank], **params)]
        granted = Held(rank, view.day, event.until, "granted", view.day, floor=rank, floor_until=event.until, prior=_worth_keeping(held))
        return granted, [reason("tiers.grant.applied", **params)]

    def _after_return(self, event: AnyEvent, view: View, held: Held | None) -> tuple[Held | None, list[Reason]]:
        """A return that takes away what a level was reached by takes the level: judged as of that day, and now."""
        if not isinstance(event, Return) or held is None or held.reached != "earned" or self.lost_on_return == "at_review":
            return held, []
        earned = max(self._earned_then(view, held), self._earned(view), held.floor_on(view.day))
        if earned >= held.rank:
            return held, []
        left = self._left(view, held, earned)
        params = {"before": self.names[held.rank], "level": self.names[left.rank] if left else None, "since": held.since}
        return left, [reason("tiers.downgrade.lost", **params)]

    def _left(self, view: View, held: Held, earned: int) -> Held | None:
        """What stands when a level is lost: the one held before the rise, while its term runs, or what is earned, if that is more."""
        prior = held.prior
        while prior is not None and not self._stands(view, prior):
            prior = prior.prior
        if prior is not None and prior.rank >= earned:
            return prior.with_floor_of(held)
        return self._fallen(replace(held, prior=prior), earned, view.day, view.day, "earned", judged=held.judged_on)

    def _stands(self, view: View, prior: Held) -> bool:
        """Whether a level that was held before still would be: by its term, and, unless a review kept it, by what it was reached by."""
        if not prior.runs_on(view.day):
            return False
        return prior.reached != "earned" or prior.terms > 1 or self._earned_then(view, prior) >= prior.rank

    def _earned_then(self, view: View, held: Held) -> int:
        """The rank earned on the day the level was reached, as the tallies stand now; where they reach back no more, the rank held."""
        day = held.judged_on
        then = view.in_force(self.id, day)
        ladder = then if isinstance(then, Ladder) and set(then.names) <= set(self.names) else self
        conditions = [level.enter for level in ladder.levels if level.enter is not None]
        if not all(view.evaluable(condition, day) for condition in conditions):
            return held.rank
        rank = ladder._earned(view, day)
        return self.names.index(ladder.names[rank]) if rank != NOBODY else NOBODY

    def _earned(self, view: View, on: date | None = None) -> int:
        """The highest rank whose ``enter`` holds; a first level without it is everybody's, else NOBODY."""
        ranks = range(len(self.levels) - 1, NOBODY, -1)
        return next((rank for rank in ranks if self._enters(view, rank, on)), NOBODY)

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
        judged = ladder._review(view, ladder.names.index(self.names[held.rank]), last)
        rank = self.names.index(ladder.names[judged]) if judged != NOBODY else NOBODY
        name = self.names[held.rank]
        if rank >= held.rank:
            kept = replace(held, reached="earned" if held.reached == "granted" else held.reached, prior=None)
            kept = self._renewed(kept, last)
            return kept, [reason("tiers.review.kept", level=name, until=kept.until)]
        if rank < held.floor_on(view.day):
            rank = held.floor_on(view.day)
            return replace(held, rank=rank, until=held.floor_until, reached="granted", prior=None), [
                reason("tiers.review.floor", level=self.names[rank])
            ]
        fallen = self._fallen(replace(held, prior=None), rank, view.day, last, "landed")
        params = {"before": name, "level": self.names[fallen.rank] if fallen else None, "as_of": last, "until": fallen.until if fallen else None}
        return fallen, [reason(f"tiers.downgrade.{self.downgrade}", **params)]

    def _review(self, view: View, rank: int, on: date) -> int:
        """The rank after a review as of a day: the one held where it is kept, else one lower or what is earned."""
        if self._keeps(view, rank, on) or self._earned(view, on) >= rank:
            return rank
        if self.downgrade == "one_level":
            return max(rank - 1, self._lowest)
        below = range(rank - 1, NOBODY, -1)
        return next((lower for lower in below if self._keeps(view, lower, on) or self._enters(view, lower, on)), NOBODY)

    @property
    def _lowest(self) -> int:
        """The first level where it is everybody's, else none."""
        return 0 if self.levels[0].enter is None else NOBODY

    def _upgraded(self, event: AnyEvent, view: View, held: Held | None) -> tuple[Held | None, list[Reason]]:
        """The highest level earned, where that is above the one held; on review days only, where the ladder says so.

        An event that came late is judged as of its own day and as of the day up to which time is settled: no day in between is asked again.
        """
        if self.review is not None and not (isinstance(event, NewDay) and self.review.holds(view.day)):
            return held, []
        if isinstance(event, Tick):
            return held, []
        rank, day = max((self._earned(view, day), -day.toordinal()) for day in sorted({view.day, view.settled}))
        since = date.fromordinal(-day)
        if rank <= (held.rank if held is not None else NOBODY):
            return held, []
        risen = Held(rank, since, self._until(rank, since), "earned", since, prior=_worth_keeping(held))
        before = self.names[held.rank] if held is not None else None
        told = reason("tiers.upgrade.reached", level=self.names[rank], before=before, until=risen.until)
        return risen.with_floor_of(held) if held is not None else risen, [told]

    def progress(self, view: View, /) -> Standing:
        return standing(self, view)

    # -- given facts -----------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        conditions = [level.enter for level in self.levels if level.enter is not None] + [row.when for row in self.exclude]
        return frozenset().union(*(condition.facts for condition in conditions))

    def evaluated(self, view: FactsView, /) -> Answer:
        return answer(self, view)

    def write_evaluation(self, code: FactsCode, view: FactsView, /) -> bool:
        return write(self, code, view)

    # -- terms and status ------------------------------------------------------------------------------------------

    def _until(self, rank: int, anchor: date) -> date | None:
        """The last day of a term; everybody's level has none."""
        return self.term.last_day(anchor) if self.term is not None and rank > self._lowest else None

    def _fallen(self, held: Held, rank: int, day: date, anchor: date, reached: Reached, judged: date | None = None) -> Held | None:
        """A lower level, with a term of its own; None where there is none."""
        if rank == NOBODY:
            return None
        base = rank == self._lowest
        lower = Held(rank, day, self._until(rank, anchor), "base" if base else reached, anchor, judged=None if base else judged, prior=held.prior)
        return lower.with_floor_of(held)

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
        return Held.of(known, self.names) if known is not None and known.value is not None else None

    def _status(self, held: Held | None, view: View) -> Status:
        if held is None:
            return Status(self.status, None, view.day)
        return Status(self.status, self.names[held.rank], held.since, held.until, data=held.to_data(self.names))


def _worth_keeping(held: Held | None) -> Held | None:
    """A level to fall back to; everybody's needs no keeping."""
    return held if held is not None and held.reached != "base" else None


_REVIEW = {True: {"field": "review"}, False: {"field": "review", "other": "upgrade: at_once"}}
