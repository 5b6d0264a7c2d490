"""Who seems to be leaving: ``churn.flag``. Signals are judged on evaluation days; the highest level that any of them asks for is the flag's.

A flag says yes, no, or that it cannot tell; it explains itself by every signal that fired, with its numbers, and by those that had nothing to
go by. It is raised and left through gates (``enter``, ``exit``, ``dwell``, ``cool_down``), and asks for what is to be done (``actions``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field

from custrules.branching import Branch
from custrules.calendars import Length
from custrules.contacting import Contacting
from custrules.errors import Diagnostic
from custrules.evaluation import Answer
from custrules.events import AnyEvent, NewDay
from custrules.facts import FactType
from custrules.fields import Name
from custrules.measures import Measure
from custrules.policies.churn.actions import RetentionAction
from custrules.policies.churn.assessing import Assessment, assess, highest, told
from custrules.policies.churn.columns import branches
from custrules.policies.churn.faults import flag_faults
from custrules.policies.churn.hysteresis import OPEN, PENDING, Gate, Position, Said
from custrules.policies.churn.judging import Judge
from custrules.policies.churn.levels import NO_LEVEL, FlagLevel, rank_of
from custrules.policies.churn.schedule import EvaluationDays
from custrules.policies.churn.signals import Signal
from custrules.policies.churn.telling import reasons_of, statuses_of
from custrules.policy import BalanceFact, Decision, FactsView, Known, Phase, Policy, StatusFact, Touchpoint, View, reason


class Flag(Policy):
    """A flag with its levels, the lowest first, and the signals that raise it. A customer without a flag has no level."""

    kind: ClassVar[str] = "churn.flag"
    phase: ClassVar[Phase] = "rank"
    hears: ClassVar[tuple[str, ...] | None] = ("new_day",)
    recorded: ClassVar[bool] = False

    evaluate: EvaluationDays = EvaluationDays()
    levels: Annotated[tuple[FlagLevel, ...], Field(min_length=1, max_length=20)]
    signals: Annotated[tuple[Signal, ...], Field(min_length=1, max_length=50)]
    enter: Gate | None = None
    exit: Gate | None = None
    dwell: Length | None = None
    cool_down: Length | None = None
    actions: Annotated[tuple[RetentionAction, ...], Field(max_length=50)] = ()
    status: Name = "churn"

    # -- what the program asks of it -----------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(level.name for level in self.levels)

    @property
    def entering(self) -> Gate:
        return self.enter or OPEN

    @property
    def leaving(self) -> Gate:
        return self.exit or OPEN

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        former = tuple((was, level.name) for level in self.levels for was in level.was)
        return {self.status: StatusFact(FactType("level", self.names, former=former), self.status)}

    def writes(self) -> tuple[str, ...]:
        return (self.status, f"{self.status}.{PENDING}")

    def measured(self) -> Mapping[str, Measure]:
        return {name: measure for signal in self.signals for name, measure in signal.measured().items()}

    def place_of(self, measure: str) -> tuple[int | str, ...]:
        places = (("signals", index, signal.head) for index, signal in enumerate(self.signals) if measure in signal.measured())
        return next(places, ())

    def averages(self) -> Mapping[str, tuple[str, int]]:
        balances = [signal for signal in self.signals if signal.head == "balance"]
        return {name: (str(signal.balance), back) for signal in balances for back, name in enumerate(signal.held)}

    def reads(self) -> frozenset[str]:
        return super().reads().union(*(signal.facts for signal in self.signals))

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(flag_faults(self, known))

    def follows(self, before: Policy) -> list[Diagnostic]:
        gone = [name for name in before.names if rank_of(self.levels, name) == NO_LEVEL] if isinstance(before, Flag) else []
        return [Diagnostic("document.level_vanished", "levels", {"level": name, "since": before.effective_from.isoformat()}) for name in gone]

    def contacting(self, category: str, channel: str, /) -> Contacting:
        """Of the first action of that category and channel."""
        found = (action for action in self.actions if action.category == category and action.what.channel == channel)
        return Contacting(next((action.purpose for action in found), "service"), (channel,) if channel else ())

    # -- deciding ------------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        """On an evaluation day: where the customer stands now, why, and what is to be done; None where nothing changes."""
        if not isinstance(event, NewDay) or not self.evaluate.holds(view.day):
            return None
        before = Position.of(self, view.state)
        found = self.assessed(view, before)
        after = before.evaluated(self, found.said, view.day)
        asked = list(self._asks(view, after))
        reasons = reasons_of(self, before, after, found, asked)
        if not reasons:
            return None
        return self.applied(event, reasons, [*statuses_of(self, before, after, found, view), *asked])

    def assessed(self, view: View, before: Position, judge: Judge | None = None) -> Assessment:
        """What every signal says as of the view's day; a retired version says nothing any more."""
        if self.retired:
            return Assessment((), Said(NO_LEVEL, NO_LEVEL, leaves=True, causes=()))
        return assess(self, view, before, judge or Judge(self.id, view))

    def _asks(self, view: View, position: Position) -> Iterator[Touchpoint]:
        """What is to be done and was not asked for yet since the flag was raised."""
        if not position.flagged or self.retired:
            return
        told = {"level": self.names[position.rank], "causes": ", ".join(position.causes)}
        taken: set[str] = set()
        for action in self.actions:
            cycle = self._cycle(position, action)
            if cycle not in taken and self._may_ask(view, position, action):
                taken.add(cycle)
                yield action.touchpoint(view, cycle, dict(told))

    def _cycle(self, position: Position, action: RetentionAction) -> str:
        return f"{position.raised}:{action.called}"

    def _may_ask(self, view: View, position: Position, action: RetentionAction) -> bool:
        if self._was_asked(view, position, action):
            return False
        return action.when is None or view.test(action.when, given={self.status: self.names[position.rank]})

    def still_asks(self, view: View, cycle: str, /) -> bool:
        """While the flag that was raised then stands."""
        position = Position.of(self, view.state)
        return position.flagged and cycle.startswith(f"{position.raised}:")

    def _was_asked(self, view: View, position: Position, action: RetentionAction) -> bool:
        """Whether it was asked for since the flag was raised; what was not sent may be asked for again."""
        asked = view.state.touchpoints.get(f"{self.id}:{self._cycle(position, action)}")
        return asked is not None and asked.takes_cycle

    # -- time ----------------------------------------------------------------------------------------------------------

    def due(self, view: View, /) -> date | None:
        """The first evaluation day on which something may change: at once where it would today, else when time may bring it."""
        following = self.evaluate.after(view.day)
        before = Position.of(self, view.state)
        if not before.flagged and not before.streaks and self.retired:
            return None
        judge = Judge(self.id, view)
        found = self.assessed(view, before, judge)
        after = before.evaluated(self, found.said, following)
        if reasons_of(self, before, after, found, [*self._asks(view, after)]):
            return following
        days = [*self._changes(judge, before), *after.turns(self)]
        later = min((day for day in days if day > view.day), default=None)
        return self.evaluate.upon(max(later, following)) if later is not None else None

    def _changes(self, judge: Judge, position: Position) -> Iterator[date]:
        """Days on which time alone may change what the signals, gates and actions say."""
        if self.retired:
            return
        view = judge.view
        for signal in self.signals:
            yield from judge.changes(signal)
        conditions = [gate.when for gate in (self.entering, self.leaving)]
        if position.flagged:
            conditions += [action.when for action in self.actions if not self._was_asked(view, position, action)]
        yield from (day for when in conditions if when is not None and (day := view.next_change(when)) is not None)

    # -- given facts ---------------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        """The facts of its signals, and its own measures (``churn.since_purchase``)."""
        own = {f"{self.id}.{name}" for name in (*self.measured(), *self.averages())}
        return frozenset(own.union(*(signal.facts for signal in self.signals)))

    def branches(self, view: FactsView, /) -> tuple[Branch, ...] | None:
        """What each signal says as conditions on columns; the reasons of a key are those of ``evaluated`` without the numbers of a row."""
        return branches(self, view)

    def evaluated(self, view: FactsView, /) -> Answer:
        """The level that the signals ask for, with every one that fires and every one that cannot be evaluated. Gates are of histories."""
        findings = Judge(self.id, view).findings(self.signals)
        rank = highest(self, findings)
        outcome: Any = "APPLIED" if rank != NO_LEVEL else "DECLINED"
        level = self.names[rank] if rank != NO_LEVEL else None
        head = reason("churn.flag.raised", level=level) if level is not None else reason("churn.flag.none")
        return Answer(outcome, level, (head, *told(findings)))
