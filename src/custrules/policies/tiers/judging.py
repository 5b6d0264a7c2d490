"""One customer on one ladder: the versions that judge, and the rank that is earned or kept as of a day.

Ranks are those of the version in force on the day up to which time is settled: statuses are written in its names. What came late
is decided by the version of its own day, and a review by that of the term's last day; what they say is translated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from custrules.calendars import ONE_DAY
from custrules.facts import FactValue
from custrules.policies.tiers.held import NOBODY, Held
from custrules.policies.tiers.rules import Downgrade
from custrules.policies.tiers.terms import Course
from custrules.policy import View

if TYPE_CHECKING:
    from custrules.policies.tiers.ladder import Ladder


class Passed(NamedTuple):
    """A review was passed: whether by the last complete qualifying year, or by the running one (or without any)."""

    complete: bool


@dataclass(frozen=True, slots=True)
class Case:
    """A customer on a ladder, as one policy is asked: ``ladder`` is the version that decides, ``now`` the one in whose ranks it does."""

    ladder: Ladder
    now: Ladder
    view: View

    @classmethod
    def of(cls, ladder: Ladder, view: View) -> Case:
        return cls(ladder, _version(ladder, view, view.settled), view)

    @property
    def names(self) -> tuple[str, ...]:
        return self.now.names

    @property
    def course(self) -> Course:
        return Course(self.view.state.joined or self.view.day, self.ladder.qualifying_year or "calendar")

    def version(self, day: date) -> Ladder:
        """The version in force on a day; before its first, the one that decides."""
        return _version(self.ladder, self.view, day)

    def held(self) -> Held | None:
        known = self.view.state.statuses.get((self.ladder.status, ""))
        return Held.of(known, self.rank) if known is not None and known.value is not None else None

    # -- names and ranks -------------------------------------------------------------------------------------------

    def rank(self, name: str) -> int | None:
        """The rank of a level by any name that it ever had; None where there is none of that name."""
        return rank_in(self.now, name, self.view)

    def translated(self, judge: Ladder, rank: int) -> int:
        """A rank of another version in ranks of this one."""
        if judge is self.now or rank == NOBODY:
            return rank
        found = self.rank(judge.names[rank])
        return found if found is not None else NOBODY

    def own(self, judge: Ladder, held: Held) -> int | None:
        """The rank that another version gives to the level held; None where it has no such level."""
        if judge is self.now:
            return held.rank
        called = judge.rank_of(held.called)
        if called is not None:
            return called
        return max((rank for rank in range(len(judge.levels)) if self.translated(judge, rank) == held.rank), default=None)

    # -- judging ---------------------------------------------------------------------------------------------------

    def since(self, held: Held | None) -> date | None:
        """Since when a level is held, where that is not what the status says already."""
        known = self.view.state.statuses.get((self.ladder.status, ""))
        same = held is None or (known is not None and known.since == held.since and self.ladder.status == "tier")
        return held.since if held is not None and not same else None

    def earned(self, on: date, held: Held | None, given: Given | None = None) -> int:
        """The rank that the version in force on a day gives to what is counted as of it, in the running year."""
        judge = self.version(on)
        return self.translated(judge, self.entered(judge, on, since=self.since(held), given=given))

    def entered(self, judge: Ladder, on: date, *, complete: bool = False, since: date | None = None, given: Given | None = None) -> int:
        """The highest rank whose ``enter`` holds; a first level without it is everybody's, else NOBODY. In ranks of the judge."""
        ranks = range(len(judge.levels) - 1, NOBODY, -1)
        return next((rank for rank in ranks if self._enters(judge, rank, on, complete, since, given)), NOBODY)

    def _enters(self, judge: Ladder, rank: int, on: date, complete: bool, since: date | None, given: Given | None) -> bool:
        enter = judge.levels[rank].enter
        return enter is None or self.view.test(enter, on, complete=complete, level_since=since, given=given)

    def _keeps(self, judge: Ladder, rank: int, on: date, complete: bool, since: date | None) -> bool:
        keeps = judge.levels[rank].keeps
        return keeps is None or self.view.test(keeps, on, complete=complete, level_since=since)

    def passed(self, judge: Ladder, held: Held, on: date) -> Passed | None:
        """Whether a review as of a day leaves the level held: it is kept, or would be entered; None where it is neither.

        With qualifying years the last complete one counts, and the running one where it is enough already.
        """
        own, complete = self.own(judge, held), judge.qualifying_year is not None
        if own is None:
            return Passed(complete=False)
        since = self.since(held)
        if self._keeps(judge, own, on, complete, since) or self.entered(judge, on, complete=complete, since=since) >= own:
            return Passed(complete)
        return Passed(complete=False) if complete and self.entered(judge, on, since=since) >= own else None

    def lower(self, judge: Ladder, held: Held, on: date, downgrade: Downgrade, days: Callable[[], Iterable[date]]) -> int:
        """The rank that a review leaves which is not passed, the one held at most. ``days``: among whose values ``best_of`` looks."""
        own = self.own(judge, held)
        if own is None:
            return held.rank
        if downgrade.to == "best_of":
            rank = self._best(judge, on, held, str(downgrade.measure), days)
        else:
            rank = max(own - 1, judge.lowest) if downgrade.to == "one_level" else self._earned_below(judge, own, on, held)
        return held.rank if rank >= own else self.translated(judge, rank)

    def _earned_below(self, judge: Ladder, own: int, on: date, held: Held) -> int:
        complete, since = judge.qualifying_year is not None, self.since(held)
        below = range(own - 1, NOBODY, -1)
        kept = (rank for rank in below if self._keeps(judge, rank, on, complete, since) or self._enters(judge, rank, on, complete, since, None))
        return next(kept, NOBODY)

    def _best(self, judge: Ladder, on: date, held: Held, measure: str, days: Callable[[], Iterable[date]]) -> int:
        """The highest rank that any value of a measure enters, put in the place of what the levels ask for."""
        asked, complete = judge.stood_in_for(measure, self.view), judge.qualifying_year is not None
        on_days = days() if asked == measure else (on,)
        values = {self.view.value(measure, day, complete=complete) for day in on_days}
        found = (self.entered(judge, on, complete=complete, since=self.since(held), given={asked: value}) for value in values if value is not None)
        return max(found, default=judge.lowest)


Given = Mapping[str, FactValue]


def _version(ladder: Ladder, view: View, day: date) -> Ladder:
    found = view.in_force(ladder.id, day)
    return found if isinstance(found, type(ladder)) else ladder


def before(ladder: Ladder, view: View) -> Ladder | None:
    """The version before a version."""
    found = view.in_force(ladder.id, ladder.effective_from - ONE_DAY)
    return found if isinstance(found, type(ladder)) and found is not ladder else None


def rank_in(ladder: Ladder, name: str, view: View) -> int | None:
    """The rank of a level in a version, by its name there or in any version before."""
    found = ladder.rank_of(name)
    older = before(ladder, view) if found is None else None
    while found is None and older is not None:
        meanwhile = older.rank_of(name)
        if meanwhile is not None and older.names[meanwhile] != name:
            return rank_in(ladder, older.names[meanwhile], view)
        older = before(older, view)
    return found
