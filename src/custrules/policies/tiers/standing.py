"""What a ladder tells of a customer: the level held or why there is none, the next review, and what may be aimed at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from custrules.calendars import ONE_DAY
from custrules.policies.tiers.judging import Case
from custrules.policies.tiers.position import LEGACY, WATCH
from custrules.policy import Reason, View, reason
from custrules.standing import Aim, Beside, Standing

if TYPE_CHECKING:
    from custrules.policies.tiers.held import Held
    from custrules.policies.tiers.ladder import Ladder


def standing(ladder: Ladder, view: View) -> Standing:
    """Where a customer stands on a ladder as of the view's day."""
    case = Case.of(ladder, view)
    held, review = case.held(), ladder.review.after(view.day) if ladder.review is not None else None
    upgrade = review if ladder.upgrade == "at_review" else None
    if held is None:
        why = _excluded(ladder, view)
        aims = () if why is not None else tuple(_next(ladder, -1, upgrade))
        return Standing(why=why, review=review if why is None else None, aims=aims)
    judged = min((day for day in (review, held.until) if day is not None), default=None)
    aims = (*_next(ladder, held.rank, upgrade), *_keep(case, held, review))
    notes = tuple(_beside(ladder, view))
    return Standing("", ladder.names[held.rank], held.since, held.until, None, judged, aims, beside=notes)


def _excluded(ladder: Ladder, view: View) -> Reason | None:
    row = next((row for row in ladder.exclude if view.test(row.when)), None)
    return reason("tiers.exclusion.applied", why=row.reason) if row is not None else None


def _beside(ladder: Ladder, view: View) -> Iterator[Beside]:
    """A level that reviews found too low, or that is held under an older version's terms."""
    for name in (WATCH, LEGACY):
        known = view.state.statuses.get((f"{ladder.status}.{name}", ""))
        if known is not None and known.value is not None:
            yield Beside(name, str(known.value), known.since, known.until)


def _next(ladder: Ladder, rank: int, review: date | None) -> Iterator[Aim]:
    """The lowest level above; reached at the next review day where the ladder has them."""
    above = rank + 1
    if above < len(ladder.levels) and ladder.levels[above].enter is not None:
        deadline = review - ONE_DAY if review is not None else None
        yield Aim("reach", ladder.names[above], ladder.levels[above].enter, review, review, deadline, opens=True)


def _keep(case: Case, held: Held, review: date | None) -> Iterator[Aim]:
    """The level held, at the review as of its last day, or, without a term, on the next review day; by the version in force then.

    With qualifying years it is judged by the last complete one; the running one may be enough as well.
    """
    on = held.until or (review if case.ladder.rerates and held.rank > case.now.lowest else None)
    if on is None:
        return
    judge = case.version(on)
    own = case.own(judge, held)
    if own is None:
        yield Aim("keep", case.names[held.rank], None, on, on)
        return
    complete, at_review = judge.qualifying_year is not None, held.until is None
    keep = Aim("keep", case.names[held.rank], judge.levels[own].keeps, on, on, on - ONE_DAY if at_review else on, opens=at_review)
    keep = replace(keep, complete=complete, met=case.passed(judge, held, on) is not None)
    yield replace(keep, year=case.course.year(on, complete=True)[1], running=judge.levels[own].enter) if complete else keep
