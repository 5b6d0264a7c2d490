"""How a level is reached: from the start, by hand, by what is bought, or earned; and the term that begins then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from custrules.calendars import Span
from custrules.conditions import Condition
from custrules.counting import name_of
from custrules.events import AnyEvent, NewDay, Tick, TierGrant
from custrules.fields import Name
from custrules.policies.tiers.held import NOBODY, Floor, Held, Reached
from custrules.policies.tiers.judging import Case
from custrules.policies.tiers.position import Change, Position
from custrules.policies.tiers.rollover import corrected, rolled_over_on
from custrules.policy import Reason, reason


class Bought(BaseModel):
    """A level that comes with an event, such as a membership fee: held at least so long, from the day of the event.

    Bought again before it is over, it lasts so much longer. ``when`` is about the customer, not about the event.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    event: Name
    level: Name
    length: Span
    when: Condition | None = None


def begun(case: Case, event: AnyEvent, position: Position) -> Change:
    """The first level, everybody's from the start; nobody's where it has to be entered."""
    if position.held is not None or case.now.lowest == NOBODY:
        return position, []
    day = case.view.day
    return replace(position, held=Held(0, day, None, "base", day)), [reason("tiers.start.base", level=case.names[0])]


def granted(case: Case, event: AnyEvent, position: Position) -> Change:
    """A level given by hand: held at least until its last day; a floor under a level that is higher already."""
    if not isinstance(event, TierGrant):
        return position, []
    day = case.view.day
    if event.until is not None and event.until < day:
        return position, [reason("tiers.grant.past", level=event.level, until=event.until)]
    rank = case.rank(event.level)
    if rank is None:
        return position, [reason("tiers.grant.unknown", level=event.level)]
    params = {"level": case.names[rank], "until": event.until, "why": event.reason, "approver": event.approver}
    held, code = _with_floor(case, position.held, Floor(rank, event.until))
    if code == "covered":
        return position, [reason("tiers.grant.covered", **_covering(case, position.held), **params)]
    if code == "floor":
        return replace(position, held=held), [reason("tiers.grant.floor", held=case.names[held.rank], **params)]
    return replace(position, held=held), [reason("tiers.grant.applied", **params)]


def bought(case: Case, event: AnyEvent, position: Position) -> Change:
    """A level that comes with what the customer did; bought again in time, it lasts longer."""
    reasons: list[Reason] = []
    for row in case.ladder.bought:
        if row.event == name_of(event) and (row.when is None or case.view.test(row.when)):
            position, told = _bought(case, row, position)
            reasons += told
    return position, reasons


def _bought(case: Case, row: Bought, position: Position) -> Change:
    rank, day = case.rank(row.level), case.view.day
    if rank is None:
        return position, []
    running = [floor.until for floor in (position.held.floors if position.held else ()) if floor.rank == rank and floor.holds_on(day)]
    last = max((until for until in running if until is not None), default=None)
    until = None if None in running else row.length.last_day(last or day)
    held, code = _with_floor(case, position.held, Floor(rank, until))
    if code == "covered":
        return position, []
    told = reason(f"tiers.bought.{code}", level=case.names[rank], held=case.names[held.rank], until=until, by=row.event)
    return replace(position, held=held), [told]


def _with_floor(case: Case, held: Held | None, floor: Floor) -> tuple[Held, str]:
    """A floor under the level held, or the level itself; and which: ``floor``, ``applied``, or ``covered`` by what there is."""
    day = case.view.day
    if held is not None and any(other.covers(floor) for other in held.floors if other.holds_on(day)):
        return held, "covered"
    if held is not None and held.rank >= floor.rank:
        return held.with_floor(floor, day), "floor"
    new = Held(floor.rank, day, floor.until, "granted", day, floors=held.floors if held else (), prior=worth_keeping(held))
    return new.with_floor(floor, day), "applied"


def _covering(case: Case, held: Held | None) -> dict[str, Any]:
    floor = held.best_floor(case.view.day) if held is not None else None
    return {"floor": case.names[floor.rank], "floor_until": floor.until} if floor is not None else {}


def upgraded(case: Case, event: AnyEvent, position: Position) -> Change:
    """The highest level earned, where that is above the one held; on review days only, where the ladder says so.

    An event that came late is judged as of its own day and as of the day up to which time is settled: no day in between is asked again.
    """
    if isinstance(event, Tick) or not _decides(case, event):
        return position, []
    held, view = position.held, case.view
    rank, number = max((case.earned(day, held, corrected(case, event, held, day)), -day.toordinal()) for day in {view.day, view.settled})
    if rank <= (held.rank if held is not None else NOBODY):
        return position, []
    since = date.fromordinal(-number)
    risen = Held(rank, since, last_day(case, rank, since), "earned", since, prior=worth_keeping(held), risen_from=_risen_from(case, held))
    told = reason("tiers.upgrade.reached", level=case.names[rank], before=case.names[held.rank] if held else None, until=risen.until)
    return replace(position, held=risen.with_floors_of(held) if held else risen), [told]


def _decides(case: Case, event: AnyEvent) -> bool:
    """Whether levels are reached now: on the days of the reviews, or always; what rolled over today counts from its events on."""
    ladder, day = case.ladder, case.view.day
    if ladder.upgrade == "at_review":
        return isinstance(event, NewDay) and ladder.review is not None and ladder.review.holds(day)
    return not (isinstance(event, NewDay) and rolled_over_on(case, day))


def _risen_from(case: Case, held: Held | None) -> date | None:
    """Since when the level before it was held, where nothing else tells."""
    return held.since if held is not None and held.reached == "base" and held.since != case.view.state.joined else None


def worth_keeping(held: Held | None) -> Held | None:
    """A level to fall back to; everybody's needs no keeping."""
    return held if held is not None and held.reached != "base" else None


def last_day(case: Case, rank: int, day: date, *, complete: bool = False) -> date | None:
    """The last day of the term of a level that is reached on a day; everybody's level has none."""
    term = case.ladder.term
    return term.first(day, case.course, complete=complete) if term is not None and rank > case.now.lowest else None


def fallen(case: Case, held: Held, rank: int, anchor: date, reached: Reached, *, judged: date | None = None, complete: bool = False) -> Held | None:
    """A lower level, with a term of its own; None where there is none."""
    if rank == NOBODY:
        return None
    base, day = rank == case.now.lowest, case.view.day
    until = last_day(case, rank, anchor, complete=complete)
    how: Reached = "base" if base else reached
    return Held(rank, day, until, how, anchor, 1, None if base else judged, held.floors, held.prior, risen_from=held.risen_from)
