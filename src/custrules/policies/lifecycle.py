"""``lifecycle.stages``: where a customer is in the life of the relationship, as a state machine.

A stage is entered when its condition holds, from the stages that it may be entered from. Of several the first in the document
counts, so that a customer moves on where the condition of an earlier one holds, or where that of the present one no longer does.
Where nothing that may be entered holds, the customer stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Annotated, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from custrules.assigning import Assigning, Found
from custrules.branching import Branch
from custrules.calendars import ONE_DAY, Length
from custrules.conditions import Condition
from custrules.conditions.compiler import node_text
from custrules.errors import Diagnostic
from custrules.evaluation import Answer, Results
from custrules.events import Opening
from custrules.facts import FactType
from custrules.fields import Frozen, Name, Names, Title, read_day
from custrules.given import FactsCode
from custrules.policy import BalanceFact, FactsView, Known, Policy, Reason, StatusFact, View, reason
from custrules.standing import Standing
from custrules.state_parts import StatusValue
from custrules.validation import nearest

NONE = "none"  # how ``from`` calls those who are in no stage yet
UNTIL = "stays_until"


class LifecycleStage(BaseModel):
    """A stage: its condition, from which others it may be entered (any, where not said; ``none``: by those in no stage yet), and how
    long at least a customer ``stays``. One stage without ``when`` is for all to whom no other's condition applies.

    ``was``: the name, or names, that an earlier version called it by.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: Name
    was: Names = ()
    title: Title = ""
    when: Condition | None = None
    from_: Names | None = Field(default=None, alias="from")
    stays: Length | None = None

    def open_to(self, stage: str | None) -> bool:
        """Whether it may be entered from a stage (None: from none)."""
        return self.from_ is None or (stage or NONE) in self.from_


Holds = Callable[[LifecycleStage], bool]
"""Whether the condition of a stage holds."""


class Place(NamedTuple):
    """In which stage a customer is (None: in none), the last day on which it cannot be left, and since when, where they are told."""

    stage: LifecycleStage | None
    until: date | None = None
    since: date | None = None


class Stages(Assigning):
    """The stages, and the status that says which is the customer's; ``lifecycle`` unless ``status`` names another."""

    kind: ClassVar[str] = "lifecycle.stages"

    stages: Annotated[tuple[LifecycleStage, ...], Field(min_length=1, max_length=100)]
    status: Name = "lifecycle"

    @property
    def called(self) -> str:
        return self.status

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(stage.name for stage in self.stages)

    @property
    def default(self) -> LifecycleStage | None:
        """The stage of those to whom no other's condition applies."""
        return next((stage for stage in self.stages if stage.when is None), None)

    def stage_of(self, name: object) -> LifecycleStage | None:
        """A stage by its name, or by what it was called before."""
        return next((stage for stage in self.stages if name == stage.name or name in stage.was), None)

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        former = tuple((was, stage.name) for stage in self.stages for was in stage.was)
        return {self.called: StatusFact(FactType("level", self.names, former=former), self.called, brought=True)}

    def due(self, view: View, /) -> date | None:
        """The first day on which the stage may be left; then the days on which time alone may change a condition."""
        if self.retired:
            return None
        place = self._held(view.state.statuses.get((self.called, "")))
        if place.until is not None and place.until >= view.day:
            return place.until + ONE_DAY
        days = [view.next_change(stage.when) for stage in self.stages if stage.when is not None]
        return min((day for day in days if day is not None), default=None)

    # -- moving ----------------------------------------------------------------------------------------------------

    def found(self, view: View, held: StatusValue | None, /) -> Found:
        place, reasons = self._brought(view) or (self._held(held), list[Reason]())
        if held is not None and place.stage is not None and held.value in place.stage.was and not reasons:
            reasons.append(reason("lifecycle.stage.renamed", before=held.value, stage=place.stage.name))
        holds = cache(lambda stage: stage.when is not None and view.test(stage.when, view.settled))
        while (place.until is None or place.until < view.settled) and (after := self._next(place.stage, holds)) is not None:
            before = place.stage.name if place.stage is not None else None
            place = Place(after, after.stays.after(view.settled) if after.stays is not None else None)
            reasons.append(reason("lifecycle.stage.entered", stage=after.name, before=before))
            reasons += _stays(place.until)
        data = {UNTIL: place.until.isoformat()} if place.until is not None else {}
        if place.stage is None:
            return Found(None, tuple(reasons) or (reason("lifecycle.stage.gone", before=held.value if held is not None else None),))
        return Found(place.stage.name, tuple(reasons) or (reason("lifecycle.stage.kept", stage=place.stage.name),), Frozen(data), place.since)

    def _held(self, held: StatusValue | None) -> Place:
        if held is None or held.value is None:
            return Place(None)
        until = held.data.get(UNTIL)
        return Place(self.stage_of(held.value), read_day(until) if until is not None else None)

    def _brought(self, view: View) -> tuple[Place, list[Reason]] | None:
        """The stage that an opening brings along, to its last day where that is told."""
        event = view.event
        told = event.levels.get(self.called) if isinstance(event, Opening) else None
        stage = self.stage_of(told.level) if told is not None else None
        if told is None or stage is None:
            return None
        return Place(stage, told.until, told.since), [reason("lifecycle.opening.stage", stage=stage.name), *_stays(told.until)]

    def _next(self, stage: LifecycleStage | None, holds: Holds) -> LifecycleStage | None:
        """The stage that is entered from another; None: it is stayed in. Each step leads to an earlier one, so there is an end to them."""
        name = stage.name if stage is not None else None
        for other in self.stages:
            if other.when is not None and (other is stage or other.open_to(name)) and holds(other):
                return other if other is not stage else None
        default = self.default
        if default is None or default is stage or not default.open_to(name):
            return None
        return default if not any(map(holds, self.stages)) else None

    def progress(self, view: View, /) -> Standing | None:
        held = view.state.statuses.get((self.called, ""))
        place = self._held(held)
        if held is None or place.stage is None:
            return None
        return Standing("", place.stage.name, held.since, place.until)

    # -- given facts -----------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        return frozenset().union(*(stage.when.facts for stage in self.stages if stage.when is not None))

    def evaluated(self, view: FactsView, /) -> Answer:
        """The stage of a customer who has been in none; one who passes through several is in the last."""
        return self._begun(cache(lambda stage: stage.when is not None and view.test(stage.when)))

    def _begun(self, holds: Holds) -> Answer:
        stage: LifecycleStage | None = None
        while (stage is None or stage.stays is None) and (after := self._next(stage, holds)) is not None:
            stage = after
        if stage is None:
            return Answer("DECLINED", None, (reason("lifecycle.stage.none", status=self.called),))
        return Answer("APPLIED", stage.name, (reason("lifecycle.stage.entered", stage=stage.name, before=None),))

    @property
    def _conditions(self) -> list[Condition]:
        return [stage.when for stage in self.stages if stage.when is not None]

    def _decoded(self, held: int) -> Answer:
        """The answer where the conditions of these bits hold, in the order of the stages that have one."""
        conditional = [stage for stage in self.stages if stage.when is not None]
        return self._begun(lambda stage: stage in conditional and bool(held >> conditional.index(stage) & 1))

    def branches(self, view: FactsView, /) -> tuple[Branch, ...]:
        return (Branch(None, tuple(map(view.bound, self._conditions)), self._decoded),)

    def write_evaluation(self, code: FactsCode, view: FactsView, /) -> bool:
        """A bit for each condition that holds, and the evaluation of these bits."""
        results = code.results("stages", lambda: Results(self.id, self.effective_from, self._decoded))
        code.add(1, "m = 0")
        for place, condition in enumerate(self._conditions):
            code.add(1, f"if {node_text(view.bound(condition), code.leaf)}: m |= {1 << place}")
        code.add(1, f"return {code.name(code.lookup(results))}[m]")
        return True

    # -- faults ----------------------------------------------------------------------------------------------------

    def faults(self, known: Known) -> list[Diagnostic]:
        return [*self._name_faults(), *self._from_faults(), *self._when_faults()]

    def _name_faults(self) -> Iterator[Diagnostic]:
        taken: set[str] = set()
        for index, stage in enumerate(self.stages):
            path = f"stages[{index}]"
            if stage.name in self.names[:index]:
                yield Diagnostic("document.name_taken", f"{path}.name", {"name": stage.name})
            if stage.name == NONE:
                yield Diagnostic("document.reserved_id", f"{path}.name", {"id": stage.name})
            for name in stage.was:
                if name in taken or name in self.names:
                    yield Diagnostic("document.name_taken", f"{path}.was", {"name": name})
                taken.add(name)

    def _from_faults(self) -> Iterator[Diagnostic]:
        choices = (*self.names, NONE)
        for index, stage in enumerate(self.stages):
            for name in stage.from_ or ():
                if name not in choices:
                    params = {"found": repr(name), "nearest": nearest(name, choices), "choices": ", ".join(choices)}
                    yield Diagnostic("document.unknown_choice", f"stages[{index}].from", params)
                elif name == stage.name:
                    yield Diagnostic("document.not_with", f"stages[{index}].from", {"field": "from", "other": f"the stage {name} itself"})

    def _when_faults(self) -> Iterator[Diagnostic]:
        """One stage at most is for the rest; no condition reads the stage itself, which it is to tell."""
        without = [index for index, stage in enumerate(self.stages) if stage.when is None]
        for index in without[1:]:
            yield Diagnostic("document.missing_field", f"stages[{index}]", {"field": "when"})
        for index, stage in enumerate(self.stages):
            if stage.when is not None and self.called in stage.when.facts:
                yield Diagnostic("document.fact_circle", f"stages[{index}].when", {"chain": f"{self.called} → {self.called}"})

    def follows(self, before: Policy) -> list[Diagnostic]:
        gone = [name for name in before.names if self.stage_of(name) is None] if isinstance(before, Stages) else []
        return [Diagnostic("document.level_vanished", "stages", {"level": name, "since": before.effective_from.isoformat()}) for name in gone]


def _stays(until: date | None) -> list[Reason]:
    return [reason("lifecycle.stage.stays", until=until)] if until is not None else []
