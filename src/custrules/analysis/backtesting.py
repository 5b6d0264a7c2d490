"""``cr.backtest``: replay a history up to a day, ask the flag then, and look at what became of everybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError

from custrules.analysis.backtest import Backtest, CauseFigures
from custrules.analysis.confusion import Confusion
from custrules.analysis.refusal import many_in, one_of, program_in, refuse
from custrules.calendars import Length, end_of_day, local_day
from custrules.conditions import Bound, Condition, bind
from custrules.counting import name_of
from custrules.errors import DocumentError
from custrules.events import AnyEvent, NewDay, Tick
from custrules.fields import describe, read_day
from custrules.moment import Moment
from custrules.policies.churn import Flag
from custrules.policies.churn.hysteresis import Position
from custrules.policy import Decision, Status
from custrules.program import Program
from custrules.replaying import Given, Turns, event_of
from custrules.state import State
from custrules.validation import nearest
from custrules.views import Days, StepView

MAX_HORIZON = 36_600


def backtest(
    program: Program,
    events: Iterable[Given],
    cutoff: date | str,
    horizon: str | int | timedelta | Length,
    *,
    flag: str | Mapping[str, Any] | None = None,
    level: str | None = None,
    returned: str | Sequence[str] | None = None,
    fit: Mapping[str, Sequence[Any]] | bool = False,
    target: str = "accuracy",
) -> Backtest:
    """What a flag would have said at the end of a day, held against what became of the customers in the time after it.

    Events are Event objects, plain data or JSON, grouped by customer as for ``replay``. ``cutoff`` is the last day of the past: what
    was known by its end is replayed, and the flag is judged as of it, with that day counted. ``horizon`` ("39 weeks", or days) is how
    long after it somebody has to come back: do one of ``returned`` (what the flag's inactivity looks at, else a purchase).

    ``flag`` names a ``churn.flag`` (the only one, where it is not said), or is a condition of the program's facts ({"idle": "> 84"}).
    ``level``: from which level on somebody counts as flagged; the lowest where it is not said. ``fit`` chooses thresholds of inactivity
    on the past alone, for ``target`` (accuracy or mcc): True, or the values to try by field ({"floor": ["56 days", "84 days"]}); it keeps
    the events in memory. AnalysisError for a flag, level, day or threshold that there is not, EventError for an event that cannot be read.
    """
    program_in(program, "program")
    many_in(events, "events")
    one_of(target, ("accuracy", "mcc"), "target")
    asked = Asked.of(program, cutoff, horizon, flag, level, returned)
    if not fit:
        return Run(program, asked).over(events)
    from custrules.analysis.thresholds import fitted  # noqa: PLC0415 - it backtests

    kept = list(events)
    return replace(Run(program, asked).over(kept), fitted=fitted(program, kept, asked, fit, target))


# -- what is asked -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """The question, read and checked. Of ``flag`` and ``condition`` one is None."""

    cutoff: date
    last_day: date
    flag: str | None
    condition: Condition | None
    level: str | None
    returned: tuple[str, ...]

    @classmethod
    def of(cls, program: Program, cutoff: Any, horizon: Any, flag: Any, level: Any, returned: Any) -> Asked:
        day = _day(cutoff)
        days = _horizon(horizon, day)
        condition = _condition(flag) if isinstance(flag, Mapping | Condition) else None
        name = _flag(program, flag) if condition is None else None
        if level is not None:
            known = _levels(program, name)
            if level not in known:
                refuse("analysis.unknown_level", "level", found=describe(level), known=", ".join(known), nearest=nearest(str(level), known))
        return cls(day, day + timedelta(days=days), name, condition, level, _returned(program, name, returned))

    @property
    def horizon(self) -> int:
        return (self.last_day - self.cutoff).days

    @property
    def called(self) -> str:
        if self.flag is not None:
            return self.flag
        assert self.condition is not None
        return ", ".join(f"{fact} {cell.text}" for fact, cell in self.condition.leaves())


def _day(cutoff: Any) -> date:
    try:
        return read_day(cutoff)
    except PydanticCustomError:
        refuse("analysis.wrong_type", "cutoff", expected="a date such as 2026-03-31", found=describe(cutoff))


def _horizon(horizon: Any, day: date) -> int:
    """Its days, counted from the cutoff."""
    try:
        if isinstance(horizon, str):
            horizon = Length.parse(horizon)
        if isinstance(horizon, Length):
            return (horizon.after(day) - day).days
    except PydanticCustomError:
        pass
    days = horizon.days if isinstance(horizon, timedelta) else horizon
    if isinstance(days, bool) or not isinstance(days, int) or not 0 < days <= MAX_HORIZON:
        refuse("analysis.wrong_type", "horizon", expected="a length such as 39 weeks, or a number of days", found=describe(horizon))
    return days


def _condition(flag: Any) -> Condition:
    try:
        return flag if isinstance(flag, Condition) else Condition.of(flag)
    except DocumentError as error:
        first = error.diagnostics[0]
        refuse("analysis.bad_condition", f"flag.{first.path}", reason=str(error).partition("\n")[0])


def _flags(program: Program) -> list[str]:
    return list(dict.fromkeys(policy.id for policy in program.policies if isinstance(policy, Flag)))


def _flag(program: Program, flag: Any) -> str:
    """The flag that is meant."""
    known = _flags(program)
    if flag is None and len(known) == 1:
        return known[0]
    if flag is None:
        refuse("analysis.which_flag", "flag", known=", ".join(known) or "none")
    if flag not in known:
        near = nearest(flag, known) if isinstance(flag, str) else ""
        refuse("analysis.unknown_flag", "flag", found=describe(flag), known=", ".join(known) or "none", nearest=near)
    return str(flag)


def _levels(program: Program, flag: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for policy in program.policies if isinstance(policy, Flag) and policy.id == flag for name in policy.names))


def _returned(program: Program, flag: str | None, returned: Any) -> tuple[str, ...]:
    """The events by which somebody comes back."""
    rules = program.rulebook
    looked_at = [signal.of for policy in program.policies if isinstance(policy, Flag) and policy.id == flag for signal in policy.signals]
    asked = (returned,) if isinstance(returned, str) else tuple(returned or dict.fromkeys(filter(None, looked_at)) or ("purchase",))
    known = (*rules.known_events(), *rules.parts.declared.readings)
    for name in asked:
        if name not in known:
            near = nearest(name, known) if isinstance(name, str) else ""
            refuse("analysis.unknown_event", "returned", found=describe(name), known=", ".join(known), nearest=near)
    return asked


# -- the pass ----------------------------------------------------------------------------------------------------------


class Judged(NamedTuple):
    """One customer at the cutoff: flagged or not, by which causes, which could not be evaluated; and whether she was gone afterwards."""

    flagged: bool
    causes: tuple[str, ...]
    unknown: tuple[str, ...]
    gone: bool


@dataclass
class Tally:
    """What is counted over all customers."""

    confusion: Confusion = field(default_factory=Confusion)
    left_out: int = 0
    closed: int = 0
    changes: int = 0
    days: int = 0
    flagged: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    def add(self, judged: Judged) -> None:
        self.confusion += Confusion.of(judged.flagged, judged.gone)
        self.unknown.update(judged.unknown)
        if not judged.flagged:
            return
        self.flagged.update(judged.causes)
        if judged.gone:
            self.gone.update(judged.causes)
        if len(judged.causes) == 1:
            self.alone.update(judged.causes)


class Run:
    """One pass over the events.

    ``on_state`` is given each customer's state at the end of the cutoff, and whether she was gone afterwards. ``judge`` is the version
    of the flag that is asked, where it is not the one in force.
    """

    program: Program
    asked: Asked
    on_state: Callable[[State, bool], object] | None
    tally: Tally

    def __init__(self, program: Program, asked: Asked, on_state: Callable[[State, bool], object] | None = None, judge: Flag | None = None) -> None:
        self.program, self.asked, self.on_state = program, asked, on_state
        self._end = end_of_day(asked.cutoff, program.zone)
        self._bound = _bound(program, asked.condition) if asked.condition is not None else None
        self._policy = judge or self._in_force()
        self._status = next((policy.status for policy in program.policies if isinstance(policy, Flag) and policy.id == asked.flag), "")
        self.tally = Tally()

    def _in_force(self) -> Flag | None:
        """The version of the flag that judges at the cutoff."""
        if self.asked.flag is None:
            return None
        found = self.program.rulebook.in_force(self.asked.flag, self.asked.cutoff)
        if not isinstance(found, Flag):
            first = self.program.rulebook.starts[self.asked.flag][0].isoformat()
            refuse("analysis.flag_not_in_force", "cutoff", flag=self.asked.flag, cutoff=self.asked.cutoff.isoformat(), first=first)
        return found

    def over(self, events: Iterable[Given]) -> Backtest:
        """The whole pass, and what it comes to."""
        self.pass_over(events)
        tally, asked = self.tally, self.asked
        if not tally.confusion.total:
            refuse("analysis.nobody", "events", cutoff=asked.cutoff.isoformat())
        changes = tally.changes if asked.flag is not None else None
        head = (self.program.id, self.program.digest, asked.called, asked.level, asked.cutoff, asked.horizon, asked.last_day, asked.returned)
        return Backtest(*head, tally.confusion, tally.left_out, tally.closed, changes, tally.days, tuple(self._causes()))

    def pass_over(self, events: Iterable[Given]) -> None:
        """Each customer, one after the other."""
        turns = Turns()
        history: list[tuple[int, AnyEvent]] = []
        for number, given in enumerate(events):
            event = event_of(self.program.event, given, number)
            if history and history[0][1].customer_id != event.customer_id:
                self._customer(history)
                history = []
            if not history:
                turns.begin(event.customer_id, number)
            history.append((number, event))
        if history:
            self._customer(history)

    def _customer(self, history: Sequence[tuple[int, AnyEvent]]) -> None:
        customer_id = history[0][1].customer_id
        past = [event for _, event in history if known_at(event) <= self._end]
        state = self._replayed(customer_id, past)
        if state is None or state.as_of is None:
            self.tally.left_out += 1
            return
        if state.closed is not None:
            self.tally.closed += 1
            return
        gone = not any(self._comes_back(event) for _, event in history)
        self.tally.days += (self.asked.cutoff - local_day(past[0].occurred_at, self.program.zone)).days + 1
        if self.on_state is not None:
            self.on_state(state, gone)
        else:
            self.tally.add(self.judged(state, gone))

    def _replayed(self, customer_id: str, past: Sequence[AnyEvent]) -> State | None:
        """The state at the end of the cutoff, of what was known by then."""
        if not past:
            return None
        state = State.new(customer_id)
        for event in past:
            step = self.program.step(state, event)
            self._note(step.decisions)
            state = step.state
        step = self.program.advance(state, self._end)
        self._note(step.decisions)
        return step.state

    def _note(self, decisions: Iterable[Decision]) -> None:
        """Count the changes of the flag's level: its causes and numbers may change without."""
        for decision in decisions:
            if decision.policy_id == self.asked.flag and not decision.moves_alone:
                written = any(isinstance(effect, Status) and effect.name == self._status for effect in decision.effects)
                self.tally.changes += written and "churn.flag.causes" not in decision.codes

    def _comes_back(self, event: AnyEvent) -> bool:
        if isinstance(event, NewDay | Tick) or name_of(event) not in self.asked.returned:
            return False
        return self.asked.cutoff < local_day(event.occurred_at, self.program.zone) <= self.asked.last_day

    # -- judging -------------------------------------------------------------------------------------------------------

    def judged(self, state: State, gone: bool) -> Judged:
        """What is said of a customer at the end of the cutoff."""
        if self._bound is not None:
            holds = Moment(self.program.rulebook, state, self.asked.cutoff).test(self._bound)
            return Judged(holds, (), (), gone)
        flag = self._policy
        assert flag is not None
        view = self.view(state)
        before = Position.of(flag, state)
        found = flag.assessed(view, before)
        after = before.evaluated(flag, found.said, self.asked.cutoff)
        least = flag.names.index(self.asked.level) if self.asked.level in flag.names else 0
        unknown = tuple(dict.fromkeys(one.signal.name for one in found.findings if one.said == "not_evaluable"))
        return Judged(after.rank >= least, after.causes, unknown, gone)

    def view(self, state: State) -> StepView:
        assert self._policy is not None
        return StepView(self.program.rulebook, state, None, Days(self.asked.cutoff, self.asked.cutoff, self._end), self._policy)

    def _causes(self) -> Iterator[CauseFigures]:
        """In document order."""
        if self._policy is None:
            return
        tally, customers, base = self.tally, self.tally.confusion.total, self.tally.confusion.gone
        for name in dict.fromkeys(signal.name for signal in self._policy.signals):
            yield CauseFigures(name, tally.flagged[name], tally.gone[name], tally.alone[name], tally.unknown[name], customers, base)


def known_at(event: AnyEvent) -> datetime:
    """When an event was known: a past that knows of what came late would know the future."""
    return max(at for at in (event.occurred_at, event.recorded_at, event.decided_at) if at is not None)


def _bound(program: Program, condition: Condition) -> Bound:
    bound, faults = bind(condition, program.rulebook.types, "flag")
    if bound is None:
        first = faults[0]
        refuse(first.code.replace("document.", "analysis."), first.path, **first.params)
    return bound
