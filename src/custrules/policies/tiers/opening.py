"""A level that is brought along, that two cards hold, or that ends with its account."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from custrules.brought import unpacked
from custrules.events import AnyEvent, Closure, Merge, Opening
from custrules.policies.tiers.held import Held
from custrules.policies.tiers.judging import Case
from custrules.policies.tiers.position import Change, Position, beside
from custrules.policies.tiers.rising import last_day
from custrules.policy import Decision, Status, reason


def ended(case: Case, event: AnyEvent, before: Position) -> Decision | None:
    """The level of an account that ends, and what stands beside it; a card that is merged has told it to the survivor."""
    if before.held is None:
        return None
    code = "tiers.closure.ended" if isinstance(event, Closure) else "tiers.merge.left"
    status, day = case.ladder.status, case.view.day
    names = [status, *(f"{status}.{name}" for name in before.running)]
    return case.ladder.applied(event, [reason(code, level=case.names[before.held.rank])], [Status(name, None, day) for name in names])


def brought(case: Case, event: AnyEvent, position: Position) -> Change:
    """The level that an opening or another card brings, where it is the better one."""
    if isinstance(event, Opening):
        return _opened(case, event, position)
    return _merged(case, event, position) if isinstance(event, Merge) and event.of is not None else (position, [])


def _opened(case: Case, event: Opening, position: Position) -> Change:
    """A level from elsewhere runs to its last day; where none is told, a full term from here."""
    told = event.levels.get(case.ladder.status)
    rank = case.rank(told.level) if told is not None else None
    if told is None or rank is None:
        return position, []
    day = case.view.day
    since = told.since or day
    until, anchor = told.until, since
    if until is None:
        until, anchor = last_day(case, rank, day), day
    elif case.ladder.term is not None:
        anchor = _anchor(case, until, since)
    level = Held(rank, since, until, "base" if case.now.levels[rank].enter is None else "granted", anchor)
    return replace(position, held=level), [reason("tiers.opening.level", level=case.names[rank], since=since, until=until)]


def _anchor(case: Case, until: date, since: date) -> date:
    """From which day a term that ends on a day was counted: the next one is a whole one then. The level's first day where there is none."""
    term = case.ladder.term
    assert term is not None
    days = (until - timedelta(days=back) for back in range(term.at_most_days + 1))
    return next((day for day in days if term.first(day, case.course) == until), since)


def _merged(case: Case, event: Merge, position: Position) -> Change:
    """Of two levels the higher stands with its own term, of two equal ones that which runs longer; the floors of both hold.

    A watch and the protection of older terms come with the level that they are about.
    """
    card = unpacked(event)
    known = card.statuses.get((case.ladder.status, ""))
    other = Held.of(known, case.rank) if known is not None and known.value is not None and case.rank(str(known.value)) is not None else None
    held, names = position.held, case.names
    if other is None or (held is not None and other.reached == "base"):
        return position, []  # everybody's level is nothing to bring
    if held is not None and _better(held, other):
        told = reason("tiers.merge.kept", level=names[held.rank], other=names[other.rank], of=event.of)
        return replace(position, held=_with_floors(held, other, case.view.day)), [told]
    taken = replace(other, prior=None)
    told = reason("tiers.merge.taken", level=names[other.rank], until=other.until, of=event.of)
    watch, legacy = beside(card, case.ladder.status)
    return Position(_with_floors(taken, held, case.view.day) if held is not None else taken, watch, legacy), [told]


def _better(held: Held, other: Held) -> bool:
    return (held.rank, held.until or date.max) >= (other.rank, other.until or date.max)


def _with_floors(held: Held, other: Held, day: date) -> Held:
    for floor in other.floors:
        if floor.holds_on(day) and not any(own.covers(floor) for own in held.floors if own.holds_on(day)):
            held = held.with_floor(floor, day)
    return held
