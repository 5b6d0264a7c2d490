"""Levels: ``tiers.ladder``. Who reaches a level, how long it is held, and how it is lost.

A level is reached at once (after each event, with that event counted) or at a review day; it is held for a term, or from one
review day to the next; it falls only at its review, by a return that takes away what it was reached by, or while an exclusion
holds. The parts: ``rising`` how a level is reached, ``reviews`` how it is kept and lost, ``legacy`` what a new version does to it,
``rollover`` what is carried over, ``judging`` who judges, ``position`` what the statuses say.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from custrules.branching import Branch
from custrules.brought import leaves
from custrules.calendars import ONE_DAY
from custrules.calendars.windows import Years
from custrules.errors import Diagnostic
from custrules.evaluation import Answer
from custrules.events import AnyEvent, Merge, TierGrant
from custrules.facts import FactType
from custrules.fields import Name, one_of
from custrules.given import FactsCode
from custrules.policies.tiers.entitlements import benefit_statuses, beside
from custrules.policies.tiers.evaluating import answer, branches, write
from custrules.policies.tiers.faults import candidates, ladder_faults
from custrules.policies.tiers.gifts import Gifts
from custrules.policies.tiers.held import NOBODY
from custrules.policies.tiers.judging import Case
from custrules.policies.tiers.legacy import Legacy, after_late, on_first_day
from custrules.policies.tiers.opening import brought, ended
from custrules.policies.tiers.position import LEGACY, ROLLOVER, WATCH, Position
from custrules.policies.tiers.reviews import Watch, after_return, rerated, term_ended
from custrules.policies.tiers.rising import Bought, begun, bought, granted, upgraded
from custrules.policies.tiers.rollover import Rollover, rolled_over
from custrules.policies.tiers.rules import Downgrade, Exclusion, LevelRule, ReviewCycle
from custrules.policies.tiers.standing import standing
from custrules.policies.tiers.terms import Term
from custrules.policy import BalanceFact, Decision, FactsView, Known, Phase, Policy, Reason, Status, StatusFact, View, reason
from custrules.standing import Standing

_ALWAYS = (term_ended, rerated)  # what a version that gives nothing new still does: what was given falls, or is kept


def _read_term(value: object) -> object:
    return None if value == "none" else value


class Ladder(Policy):
    """Levels in order of rank. Thresholds are inclusive; several levels may be skipped; a first level without ``enter`` is everybody's."""

    kind: ClassVar[str] = "tiers.ladder"
    phase: ClassVar[Phase] = "rank"
    recorded: ClassVar[bool] = False  # after a return levels are judged anew, not by what was known at the purchase

    levels: Annotated[tuple[LevelRule, ...], Field(min_length=1, max_length=100)]
    upgrade: Annotated[Literal["at_once", "at_review"], one_of("at_once", "at_review")] = "at_once"
    review: ReviewCycle | None = None
    term: Annotated[Term | None, BeforeValidator(_read_term)] = None
    downgrade: Downgrade
    watch: Watch | None = None
    lost_on_return: Annotated[Literal["at_once", "at_review"], one_of("at_once", "at_review")] = "at_once"
    legacy: Legacy = Legacy()
    exclude: Annotated[tuple[Exclusion, ...], Field(max_length=100)] = ()
    bought: Annotated[tuple[Bought, ...], Field(max_length=100)] = ()
    qualifying_year: Annotated[Years | None, one_of("calendar", "membership")] = None
    rollover: Annotated[tuple[Rollover, ...], Field(max_length=20)] = ()
    status: Name = "tier"

    # -- what the program asks of it -------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(level.name for level in self.levels)

    def rank_of(self, name: str) -> int | None:
        """The rank of a level by its name, or by what it was called before."""
        return next((rank for rank, level in enumerate(self.levels) if name == level.name or name in level.was), None)

    @property
    def lowest(self) -> int:
        """The first level where it is everybody's, else none."""
        return 0 if self.levels[0].enter is None else NOBODY

    @property
    def rerates(self) -> bool:
        """Whether levels may fall on the days of the reviews: they have no term, or are watched."""
        return self.review is not None and (self.term is None or self.watch is not None)

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        everybodys = self.names[0] if self.levels[0].enter is None else None
        unless = tuple(row.when for row in self.exclude)
        former = tuple((was, level.name) for level in self.levels for was in level.was)
        return {self.status: StatusFact(FactType("level", self.names, former=former), self.status, everybodys, unless, granted=True)}

    def writes(self) -> tuple[str, ...]:
        names = (WATCH, LEGACY, ROLLOVER) if self.rollover else (WATCH, LEGACY)
        return (self.status, *(f"{self.status}.{name}" for name in names), *benefit_statuses(self.levels, self.status))

    def companions(self) -> tuple[Policy, ...]:
        return (beside(self),)

    def qualifying_years(self) -> Years | None:
        return self.qualifying_year

    def remembers(self) -> int:
        term = self.term.at_most_days if self.term is not None else 0
        watch = self.watch.after.number + self.watch.lasts.number + 1 if self.watch is not None else 0
        notice = self.legacy.notice.at_most_days if self.legacy.notice is not None else 0
        return max(term, watch * self.review.at_most_days if self.review is not None else 0, notice)

    def reads(self) -> frozenset[str]:
        best = {self.downgrade.measure, self.watch.then.measure if self.watch is not None and self.watch.then is not None else None}
        return super().reads() | {name for name in best if name is not None} | {row.measure for row in self.rollover}

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(ladder_faults(self, known))

    def follows(self, before: Policy) -> list[Diagnostic]:
        gone = [name for name in before.names if self.rank_of(name) is None] if isinstance(before, Ladder) else []
        return [Diagnostic("document.level_vanished", "levels", {"level": name, "since": before.effective_from.isoformat()}) for name in gone]

    def stood_in_for(self, measure: str, view: View) -> str:
        """What the levels ask for, in the place of which the best value of a measure is put."""
        asked = {name for level in self.levels if level.enter is not None for name in level.enter.facts}
        types = {name: kind for name in (*asked, measure) if (kind := view.type_of(name)) is not None}
        return candidates(self, measure, types)[0]

    # -- time ------------------------------------------------------------------------------------------------------

    def due(self, view: View, /) -> date | None:
        """The end of the term, the next review day or qualifying year, or the day on which an exclusion or an upgrade may come by time."""
        case = Case.of(self, view)
        held = case.held()
        days = [held.until + ONE_DAY if held is not None and held.until is not None else None]
        if held is not None and held.called not in self.names and case.rank(held.called) is not None:
            days.append(view.day + ONE_DAY)  # a document that calls it otherwise
        if self.review is not None and (self.rerates or not self.retired):
            days.append(self.review.after(view.day))
        if not self.retired:
            days += self._due_for_new(case, held.rank if held is not None else NOBODY)
        return min((day for day in days if day is not None), default=None)

    def _due_for_new(self, case: Case, rank: int) -> list[date | None]:
        view = case.view
        days = [view.next_change(row.when) for row in self.exclude]
        if self.upgrade == "at_once":
            days += [view.next_change(level.enter) for level in self.levels[rank + 1 :] if level.enter is not None]
        if self.rollover:
            days.append(case.course.year(view.day)[1] + ONE_DAY)
        return days

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, TierGrant) and event.status != self.status:
            return None
        case = Case.of(self, view)
        before = Position.of(case)
        if leaves(event):
            return ended(case, event, before)
        excluded = next((row for row in self.exclude if view.test(row.when, view.settled)), None)
        if excluded is not None and not self.retired:
            return self._without(event, case, before, excluded)
        position, reasons = self._moved(case, event, before)
        carried, told = rolled_over(case, event, position.held) if not self.retired else ([], [])
        reasons += told or _renamed(case, position, reasons)
        if isinstance(event, TierGrant) and reasons and position == before and not carried:
            return self.declined(event, reasons)
        if not reasons and not isinstance(event, Merge):
            return None
        gifts = Gifts(case.now.levels, self.status, view, case.rank).moved(event, before.held, position.held)
        if not reasons and not gifts.reasons:
            return None
        return self.applied(event, [*reasons, *gifts.reasons], [*position.statuses(before, case), *carried, *gifts.effects])

    def _moved(self, case: Case, event: AnyEvent, before: Position) -> tuple[Position, list[Reason]]:
        """What every part of the rules makes of the position, one after the other."""
        position, reasons = before, list[Reason]()
        new = (brought, begun, granted, bought, after_return, term_ended, on_first_day, rerated, upgraded)
        for change in new if not self.retired else (after_return, *_ALWAYS):
            position, told = change(case, event, position)
            reasons += told
        position, told = after_late(case, event, position, before.held)
        return position.settled(before), reasons + told

    def _without(self, event: AnyEvent, case: Case, before: Position, excluded: Exclusion) -> Decision | None:
        known = case.view.state.statuses.get((self.status, ""))
        why = reason("tiers.exclusion.applied", why=excluded.reason)
        if known is not None and known.value is None:
            return self.declined(event, [why]) if isinstance(event, TierGrant) else None
        ended = [Status(f"{self.status}.{name}", None, case.view.day) for name in before.running]
        return self.applied(event, [why], [Status(self.status, None, case.view.day), *ended])

    def progress(self, view: View, /) -> Standing:
        return standing(self, view)

    # -- given facts -----------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        conditions = [level.enter for level in self.levels if level.enter is not None] + [row.when for row in self.exclude]
        return frozenset().union(*(condition.facts for condition in conditions))

    def evaluated(self, view: FactsView, /) -> Answer:
        return answer(self, view)

    def branches(self, view: FactsView, /) -> tuple[Branch, ...]:
        return branches(self, view)

    def write_evaluation(self, code: FactsCode, view: FactsView, /) -> bool:
        return write(self, code, view)


def _renamed(case: Case, position: Position, reasons: list[Reason]) -> list[Reason]:
    """A level that is called otherwise from today on."""
    held = position.held
    if reasons or held is None or held.called in (case.names[held.rank], "") or case.rank(held.called) is None:
        return []
    return [reason("tiers.level.renamed", before=held.called, level=case.names[held.rank])]
