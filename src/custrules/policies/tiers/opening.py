"""A level that is brought along, that two cards hold, or that ends with its account."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from custrules.brought import unpacked
from custrules.calendars import Span
from custrules.events import AnyEvent, Closure, Merge, Opening
from custrules.policies.tiers.held import Held
from custrules.policy import Decision, Reason, Status, View, reason

if TYPE_CHECKING:
    from custrules.policies.tiers.ladder import Ladder

Change = tuple[Held | None, list[Reason]]


def leaves(event: AnyEvent) -> bool:
    """Whether the account ends with an event."""
    return isinstance(event, Closure) or (isinstance(event, Merge) and event.of is None)


def ended(ladder: Ladder, event: AnyEvent, view: View) -> Decision | None:
    """The level of an account that ends; a card that is merged has told it to the survivor."""
    held = view.state.statuses.get((ladder.status, ""))
    if held is None or held.value is None:
        return None
    code = "tiers.closure.ended" if isinstance(event, Closure) else "tiers.merge.left"
    return ladder.applied(event, [reason(code, level=held.value)], [Status(ladder.status, None, view.day)])


def brought(ladder: Ladder, event: AnyEvent, view: View, held: Held | None) -> Change:
    """The level that an opening or another card brings, where it is the better one."""
    if isinstance(event, Opening):
        return _opened(ladder, event, view, held)
    return _merged(ladder, event, view, held) if isinstance(event, Merge) and event.of is not None else (held, [])


def _opened(ladder: Ladder, event: Opening, view: View, held: Held | None) -> Change:
    """A level from elsewhere runs to its last day; where none is told, a full term from here."""
    told = event.levels.get(ladder.status)
    if told is None or told.level not in ladder.names:
        return held, []
    rank, since = ladder.names.index(told.level), told.since or view.day
    until, anchor = told.until, since
    if until is None:
        until, anchor = ladder.until_of(rank, view.day), view.day
    elif ladder.term is not None:
        anchor = _anchor(ladder.term, until, since)
    level = Held(rank, since, until, "base" if ladder.levels[rank].enter is None else "granted", anchor)
    return level, [reason("tiers.opening.level", level=told.level, since=since, until=until)]


def _anchor(term: Span, until: date, since: date) -> date:
    """From which day a term that ends on a day was counted: the next one is a whole one then. The level's first day where there is none."""
    days = (until - timedelta(days=back) for back in range(term.at_most_days + 1))
    return next((day for day in days if term.last_day(day) == until), since)


def _merged(ladder: Ladder, event: Merge, view: View, held: Held | None) -> Change:
    """Of two levels the higher stands with its own term, of two equal ones that which runs longer; so does the higher floor."""
    known = unpacked(event).statuses.get((ladder.status, ""))
    other = Held.of(known, ladder.names) if known is not None and known.value in ladder.names else None
    if other is None or (held is not None and other.reached == "base"):
        return held, []  # everybody's level is nothing to bring
    if held is not None and _better(held, other):
        return held.with_floor_of(max(held, other, key=lambda level: _floor(level, view.day))), [
            reason("tiers.merge.kept", level=ladder.names[held.rank], other=ladder.names[other.rank], of=event.of)
        ]
    floors = [level for level in (held, other) if level is not None]
    taken = replace(other, prior=None).with_floor_of(max(floors, key=lambda level: _floor(level, view.day)))
    return taken, [reason("tiers.merge.taken", level=ladder.names[other.rank], until=other.until, of=event.of)]


def _better(held: Held, other: Held) -> bool:
    return (held.rank, held.until or date.max) >= (other.rank, other.until or date.max)


def _floor(level: Held, day: date) -> tuple[int, date]:
    return level.floor_on(day), level.floor_until or date.max
