"""Playing a script: every event through ``program.step``, passing time through ``program.advance`` (or the same lines, watched)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from custrules import kernel
from custrules.analysis.plan import PlanItem
from custrules.analysis.planning import plan
from custrules.errors import Diagnostic, EventError
from custrules.events import AnyEvent
from custrules.policy import Decision, Effect, Reason, Signal
from custrules.program import Program
from custrules.state import State
from custrules.steps import Step
from custrules.testing.scenario_events import Happening, Script, Stage
from custrules.views import Watch

MOST_SIGNALS = 10_000  # that follow from one event


@dataclass(slots=True)
class Answer:
    """What one stage did to one customer.

    ``before`` is the state before the stage's first event (time has run on to it; before the stage where it has none), ``shown``
    the one whose balances and statuses are read: after the stage, and before a quote. ``steps`` answer its own events, a quote's
    too; ``asked`` holds those events, each with the state that it met. ``delivered`` are those of the steps that answer signals of others,
    ``planned`` is what a plan says of the customer.
    """

    before: State
    shown: State
    decisions: list[Decision] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    asked: list[tuple[State, AnyEvent]] = field(default_factory=list)
    delivered: list[Step] = field(default_factory=list)
    planned: list[PlanItem] = field(default_factory=list)

    @property
    def refusals(self) -> list[Reason]:
        return [step.refusal for step in self.steps if step.refusal is not None]

    @property
    def reasons(self) -> list[Reason]:
        """Every reason of the stage: of time that passed, of the events, and why they were refused."""
        told = [why for decision in self.decisions for why in decision.reasons]
        return told + [why for why in self.refusals if why not in told]

    @property
    def effects(self) -> list[Effect]:
        return [effect for decision in self.decisions for effect in decision.effects]


class Play:
    """The customers of one case as they stand while it is played, and all that was decided; a ``watch`` writes down what was tested."""

    program: Program
    watch: Watch | None
    states: dict[str, State]

    def __init__(self, program: Program, customers: list[str], watch: Watch | None = None) -> None:
        self.program, self.watch = program, watch
        self.decisions: list[Decision] = []
        self.states = {name: State.new(name) for name in customers}

    def give(self, script: Script) -> tuple[Happening, Answer] | None:
        """Step the opening and what is given; the first event that was not accepted, with its answer, stops it."""
        for happening in (*script.opening, *script.given):
            answers = self.watched()
            self.advance(happening.instant, answers)
            self.step(happening, answers)
            answer = answers[happening.event.customer_id]
            if not answer.steps[-1].accepted:
                return happening, answer
        return None

    def _deliver(self, signals: list[Signal], instant: datetime, answers: dict[str, Answer]) -> None:
        """Signals reach those who are played here at once, and what these say in turn; whom nobody plays, nobody tells."""
        for number, signal in enumerate(signals):
            if signal.subject in self.states:
                at = max(instant, self.states[signal.subject].as_of or instant)
                happening = Happening(self.program.event(signal.delivered(at)), ())
                answers[signal.subject].delivered.append(self._decide(happening, answers))
                signals += _signals(answers[signal.subject].delivered[-1])
            if number > MOST_SIGNALS:
                raise EventError([Diagnostic("event.endless_signals", params={"most": str(MOST_SIGNALS)})])

    def watched(self) -> dict[str, Answer]:
        return {name: Answer(state, state) for name, state in self.states.items()}

    def stage(self, stage: Stage) -> dict[str, Answer]:
        """Play one stage; every customer's answer."""
        answers = self.watched()
        for number, happening in enumerate(stage.happenings):
            self.advance(happening.instant, answers)
            if number == 0:
                for name, answer in answers.items():
                    answer.before = self.states[name]
            self.step(happening, answers, kept=stage.kind != "quote")
        if not stage.happenings and stage.plan is None:
            self.advance(stage.instant, answers)
        for name, answer in answers.items():
            answer.shown = self.states[name]
            answer.planned += plan(self.program, answer.shown, *stage.plan) if stage.plan is not None else ()
        return answers

    def step(self, happening: Happening, answers: dict[str, Answer], kept: bool = True) -> None:
        """Every customer has been advanced to the event's instant; now it is stepped, and its signals are delivered."""
        step = self._decide(happening, answers, kept)
        if kept:
            self._deliver(_signals(step), happening.instant, answers)

    def _decide(self, happening: Happening, answers: dict[str, Answer], kept: bool = True) -> Step:
        name = happening.event.customer_id
        state, event = self.states[name], happening.event
        step = self.program.step(state, event) if self.watch is None else Step.of(kernel.step(self.program.rulebook, state, event, self.watch))
        self.decisions += step.decisions
        answers[name].asked.append((self.states[name], happening.event))
        answers[name].steps.append(step)
        answers[name].decisions += step.decisions
        if kept:
            self.states[name] = step.state
        return step

    def advance(self, instant: datetime, answers: dict[str, Answer]) -> None:
        """Time runs on for everybody: from one day or instant that somebody waits for to the next, so that signals arrive on time."""
        while len(self.states) > 1 and (due := self._next_due()) is not None and due < instant:
            self._advance(due, answers)
        self._advance(instant, answers)

    def _next_due(self) -> datetime | None:
        return min((due for state in self.states.values() if (due := self.program.next_due(state)) is not None), default=None)

    def _advance(self, instant: datetime, answers: dict[str, Answer]) -> None:
        signals: list[Signal] = []
        for name, state in self.states.items():
            watch = self.watch
            step = self.program.advance(state, to=instant) if watch is None else Step.of(kernel.advance(self.program.rulebook, state, instant, watch))
            self.decisions += step.decisions
            self.states[name] = step.state
            answers[name].decisions += step.decisions
            signals += _signals(step)
        self._deliver(signals, instant, answers)


def _signals(step: Step) -> list[Signal]:
    return [effect for effect in step.effects if isinstance(effect, Signal)] if step.accepted else []
