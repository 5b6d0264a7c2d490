"""What comes every year as a calendar file: one event for each customer and occasion, which a calendar repeats by itself.

A plan looks ahead for days and knows what goes out; this is for the calendar on the wall: birthdays and anniversaries. Those of the common
calendar repeat by a rule that every calendar understands, 29 February too; lunar ones have their days written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from custrules.analysis.plan import calendar_file, item_id
from custrules.analysis.refusal import program_in, refuse, states_in, worded
from custrules.calendars import ONE_DAY, start_of_day
from custrules.fields import read_day
from custrules.policies.care.ics import CalendarEvent, repeating
from custrules.policies.care.occurring import Anniversaries, Birthdays, Calendar
from custrules.policies.care.trigger import Trigger
from custrules.program import Program
from custrules.state import State
from custrules.validation import read_argument
from custrules.views import Days, StepView

MOST_YEARS = 100


class Kept(NamedTuple):
    """A day that comes every year: its trigger, the day that it is counted from (None: it is lunar), how many years apart, and its next days."""

    trigger: Trigger
    anchor: date | None
    every: int
    days: tuple[date, ...]


def yearly_ics(
    program: Program,
    states: State | Iterable[State] | Mapping[str, State],
    start: date,
    years: int = 10,
    *,
    stamp: datetime,
    previous: bytes | str | None = None,
    alarm: timedelta | None = None,
) -> bytes:
    """Customers' birthdays and yearly anniversaries, as the triggers in force on a day keep them, as a calendar file (RFC 5545).

    An event for each customer and trigger: of the common calendar with a rule (RRULE, from joining on and without end, so that it is the same
    in every file; 29 February by the trigger's ``feb29``), of the lunar one with its days of so many ``years`` from ``start`` on (RDATE). A
    trigger whose ``when`` does not hold as the customer stands is left out, and so is the second of a group; nobody whose account is closed or
    who wants no contact is in it. ``stamp``, ``previous`` and ``alarm`` are those of ``Plan.to_ics``; what is in the previous file and no more in
    this one is cancelled.

    AnalysisError for days or years that are none, EventError for a stamp without a zone.
    """
    program_in(program, "program")
    first = read_argument(read_day, start, "start", "analysis", worded)
    if not isinstance(years, int) or isinstance(years, bool) or not 1 <= years <= MOST_YEARS:
        refuse("analysis.out_of_range", "years", found=str(years)[:40], least=1, most=MOST_YEARS)
    given = sorted(states_in(states), key=lambda state: state.customer_id)
    events = [_event(program, state, kept, alarm) for state in given for kept in _kept(program, state, first, years)]
    return calendar_file(events, stamp, previous)


def _event(program: Program, state: State, kept: Kept, alarm: timedelta | None) -> CalendarEvent:
    trigger = kept.trigger
    rule = repeating(kept.anchor, trigger.feb29, kept.every) if kept.anchor is not None else ""
    return CalendarEvent(
        item_id(program.id, trigger.id, state.customer_id, "yearly"),
        f"{trigger.id}: {state.customer_id}",
        kept.days[0],
        description=trigger.template,
        category=trigger.category,
        rule=rule,
        also=() if rule else kept.days[1:],
        alarm=alarm,
    )


def _kept(program: Program, state: State, start: date, years: int) -> Iterator[Kept]:
    """The days that triggers keep for a customer every year."""
    if state.day is None or state.as_of is None or state.closed is not None or state.do_not_contact:
        return
    day, groups = max(start, state.day), set[str]()
    at = max(state.as_of, start_of_day(day, program.zone))
    for policy in program.rulebook.phases(day)["care"]:
        if not isinstance(policy, Trigger) or policy.retired or policy.group in groups:
            continue
        view = StepView(program.rulebook, state, None, Days(day, day, at), policy)
        found = _of(policy, view, start, years) if policy.when is None or view.test(policy.when, day) else None
        if found is not None:
            groups |= {policy.group} if policy.group is not None else set()
            yield found


def _of(trigger: Trigger, view: StepView, start: date, years: int) -> Kept | None:
    occurring = trigger.occurring
    if isinstance(occurring, Birthdays):
        born = occurring.birthday(view)
        return _found(trigger, occurring, view, (start, years), born.born if born is not None and born.lunar is None else None, 1)
    if isinstance(occurring, Anniversaries) and occurring.yearly:
        return _found(trigger, occurring, view, (start, years), occurring.anchor(view), trigger.occasion.interval.months // 12)
    return None


def _found(trigger: Trigger, occurring: Calendar, view: StepView, span: tuple[date, int], anchor: date | None, every: int) -> Kept | None:
    """The first day after joining, of a lunar day those of all years from the start on."""
    joined = view.state.joined or span[0]
    start = joined if anchor is not None else max(span[0], joined)
    end = start.replace(year=start.year + span[1], day=min(start.day, 28))
    dated = occurring.first(view, start)
    days = [dated.day] if dated is not None and (anchor is not None or dated.day < end) else []
    while anchor is None and dated is not None and (dated := occurring.first(view, dated.day + ONE_DAY)) is not None and dated.day < end:
        days.append(dated.day)
    return Kept(trigger, anchor, every, tuple(days)) if days else None
