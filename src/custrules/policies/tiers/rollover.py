"""What is above the mark of the level held is carried over into the new qualifying year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from custrules.calendars import ONE_DAY
from custrules.conditions import Between, Condition
from custrules.conditions.binding import read_operand
from custrules.counting import exact
from custrules.events import AnyEvent, NewDay, Tick
from custrules.facts import FactType, FactValue
from custrules.fields import Name, one_of, rate_text, read_rate
from custrules.money import Money
from custrules.policies.tiers.held import Held
from custrules.policies.tiers.judging import Case
from custrules.policies.tiers.position import ROLLOVER
from custrules.policy import Reason, Status, reason
from custrules.state_parts import StatusValue

if TYPE_CHECKING:
    from custrules.policies.tiers.ladder import Ladder

_REMEMBERED = timedelta(days=4 * 366)  # for which it is told what was carried over: reviews look at complete years


class Rollover(BaseModel):
    """What a measure has above the mark of the level held, when a qualifying year ends, counts in the next one too.

    The mark is what the level's ``enter`` asks of that measure. ``from_level``: the lowest level for which it is so.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    measure: Name
    above: Annotated[Literal["level_held"], one_of("level_held")] = "level_held"
    from_level: Name | None = None


class Carried(NamedTuple):
    """What is carried over in one year: the amount, above which mark, of which level."""

    amount: int | Fraction
    above: int | Fraction
    level: str


def rolled_over(case: Case, event: AnyEvent, held: Held | None) -> tuple[list[Status], list[Reason]]:
    """On the first day of a qualifying year, for the level held then; what comes late, or is returned, corrects it."""
    statuses, reasons = list[Status](), list[Reason]()
    if not isinstance(event, Tick):
        for row in case.ladder.rollover:
            first = case.course.year(case.view.settled)[0]
            found = _found(case, event, held, row, first)
            if found is not None:
                status, told = _written(case, row, first, found)
                statuses.append(status)
                reasons.append(told)
    return statuses, reasons


def corrected(case: Case, event: AnyEvent, held: Held | None, on: date) -> dict[str, FactValue] | None:
    """What measures come to as of a day, where an event has changed what was carried over into its year; None where it has not."""
    if not case.ladder.rollover:
        return None
    found, first = dict[str, FactValue](), case.course.year(case.view.settled)[0]
    for row in case.ladder.rollover:
        known, value = _known(case, row), case.view.value(row.measure, on)
        if known is None or known.since != first or on < first or not isinstance(value, int | Fraction):
            continue
        now = _found(case, event, held, row, first)
        if now is not None:
            found[row.measure] = value + now.amount - _carried_in(known, first)
    return found or None


def rolled_over_on(case: Case, day: date) -> bool:
    """Whether something was carried over on a day."""
    known = (_known(case, row) for row in case.ladder.rollover)
    return any(status is not None and status.since == day for status in known)


def mark(level_enter: Condition | None, measure: str, kind: FactType) -> list[int | Fraction]:
    """From what on the cells of a condition ask for a measure; each once."""
    leaves = level_enter.leaves() if level_enter is not None else ()
    tests = [test for name, cell in leaves if name == measure and not cell.negated for _, test in cell.tests()]
    lows = [test.low for test in tests if isinstance(test, Between) and test.high is None and test.low is not None]
    found = (read_operand(low.text, kind) for low in lows)
    return list(dict.fromkeys(value for value in found if isinstance(value, int | Fraction)))


def ranks_of(ladder: Ladder, row: Rollover) -> Iterator[int]:
    """The ranks for which a row is: those from ``from_level`` on, that have to be entered."""
    lowest = ladder.rank_of(row.from_level) if row.from_level is not None else 0
    return (rank for rank, level in enumerate(ladder.levels) if lowest is not None and rank >= lowest and level.enter is not None)


def _known(case: Case, row: Rollover) -> StatusValue | None:
    return case.view.state.statuses.get((f"{case.ladder.status}.{ROLLOVER}", row.measure))


def _found(case: Case, event: AnyEvent, held: Held | None, row: Rollover, first: date) -> Carried | None:
    """What is to be written: at the year's first day, for a level that came late, or because what was written is no longer so."""
    known = _known(case, row)
    value = case.view.value(row.measure, first - ONE_DAY)
    if not isinstance(value, int | Fraction):
        return None
    if known is not None and known.since == first:
        above = exact(read_rate(str(known.data["above"])))
        now = Carried(max(value - above, 0), above, str(known.data["level"]))
        return now if now.amount != _carried_in(known, first) else None
    opens = isinstance(event, NewDay) and case.view.day == first
    late = held is not None and case.view.day < first and held.since < first
    above_held = _mark_of(case, held, row) if held is not None and (opens or late) else None
    if held is None or above_held is None:
        return None
    return Carried(max(value - above_held, 0), above_held, case.names[held.rank])


def _carried_in(known: StatusValue, first: date) -> int | Fraction:
    found = known.data.get(first.isoformat(), 0)
    return found if isinstance(found, int) else exact(read_rate(str(found)))


def _mark_of(case: Case, held: Held, row: Rollover) -> int | Fraction | None:
    own, kind = case.own(case.ladder, held), case.view.type_of(row.measure)
    if own is None or kind is None or own not in ranks_of(case.ladder, row):
        return None
    return next(iter(mark(case.ladder.levels[own].enter, row.measure, kind)), None)


def _written(case: Case, row: Rollover, first: date, found: Carried) -> tuple[Status, Reason]:
    known = _known(case, row)
    old = {name: value for name, value in (known.data if known is not None else {}).items() if name not in ("above", "level")}
    kept = {day: amount for day, amount in old.items() if date.fromisoformat(day) + _REMEMBERED > first}
    data = {**kept, first.isoformat(): _number(found.amount), "above": rate_text(Fraction(found.above)), "level": found.level}
    last = case.course.year(first)[1]
    corrected = known is not None and known.since == first
    code = "corrected" if corrected else "carried" if found.amount else "nothing"
    amount, above = (_shown(case, row, value) for value in (found.amount, found.above))
    told = reason(f"tiers.rollover.{code}", measure=row.measure, amount=amount, above=above, level=found.level, until=last)
    shown = str(amount) if isinstance(amount, Money) else amount
    return Status(f"{case.ladder.status}.{ROLLOVER}", shown, first, last, row.measure, data), told


def _number(value: int | Fraction) -> int | str:
    return value if isinstance(value, int) else rate_text(value)


def _shown(case: Case, row: Rollover, value: int | Fraction) -> Money | int | str:
    kind = case.view.type_of(row.measure)
    if kind is not None and kind.kind == "money" and isinstance(value, int):
        return Money.from_minor(value, case.view.currency)
    return _number(value)
