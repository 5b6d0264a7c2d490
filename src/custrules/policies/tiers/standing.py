"""What a ladder tells of a customer: the level held or why there is none, the next review, and what may be aimed at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from custrules.policy import Reason, View, reason
from custrules.standing import Aim, Standing

if TYPE_CHECKING:
    from custrules.policies.tiers.ladder import Ladder


def standing(ladder: Ladder, view: View) -> Standing:
    """Where a customer stands on a ladder as of the view's day."""
    held = view.state.statuses.get((ladder.status, ""))
    review = ladder.review.after(view.day) if ladder.review is not None else None
    if held is None or held.value not in ladder.names:
        why = _excluded(ladder, view)
        aims = () if why is not None else tuple(_next(ladder, -1, review))
        return Standing(why=why, review=review if why is None else None, aims=aims)
    rank = ladder.names.index(str(held.value))
    aims = (*_next(ladder, rank, review), *_keep(ladder, rank, held.until, view))
    judged = min((day for day in (review, held.until) if day is not None), default=None)
    return Standing("", ladder.names[rank], held.since, held.until, None, judged, aims)


def _excluded(ladder: Ladder, view: View) -> Reason | None:
    row = next((row for row in ladder.exclude if view.test(row.when)), None)
    return reason("tiers.exclusion.applied", why=row.reason) if row is not None else None


def _next(ladder: Ladder, rank: int, review: date | None) -> Iterator[Aim]:
    """The lowest level above; reached at the next review day where the ladder has them."""
    above = rank + 1
    if above < len(ladder.levels) and ladder.levels[above].enter is not None:
        yield Aim("reach", ladder.names[above], ladder.levels[above].enter, None, review)


def _keep(ladder: Ladder, rank: int, until: date | None, view: View) -> Iterator[Aim]:
    """The level held, at the review as of its last day; judged by the version in force then."""
    if until is None:
        return
    name, judge = ladder.names[rank], view.in_force(ladder.id, until)
    judging = judge if isinstance(judge, type(ladder)) and name in judge.names else ladder
    yield Aim("keep", name, judging.levels[judging.names.index(name)].keeps, until, until)
