"""A policy watched while a program asks it: each time it is asked more than the program would, and what breaks its contract is told."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, Literal, cast

from custrules.errors import ContractError
from custrules.events import AnyEvent, Event, NewDay, Tick
from custrules.policy import Decision, Policy
from custrules.rulebook import Rulebook
from custrules.settling import Answer, Settling
from custrules.views import Days, StepView

Decide = Callable[[Policy, AnyEvent, StepView], Decision | None]


class Breach(ContractError):
    """A clause that a policy broke on an event, and how; a ContractError, so that the kernel lets it pass as it is."""

    clause: str

    def __init__(self, clause: str, policy_id: str, event_id: str, rule: str) -> None:
        super().__init__(policy_id, event_id, rule)
        self.clause = clause


class Stranger(Event):
    """An event of a type that no policy knows."""

    type: Literal["an_event_of_tomorrow"] = "an_event_of_tomorrow"


class Probe:
    """Watches the policy of one id in a rulebook; ``codes`` maps every reason code that it gave to the names of its numbers."""

    rules: Rulebook
    policy_id: str
    clauses: Collection[str]
    codes: dict[str, frozenset[str]]

    def __init__(self, rules: Rulebook, policy_id: str, clauses: Collection[str]) -> None:
        self.policy_id, self.clauses, self.codes, self._busy = policy_id, clauses, {}, False
        policies = [self._twin(policy) if policy.id == policy_id else policy for policy in rules.parts.policies]
        self.rules = Rulebook(replace(rules.parts, policies=policies), rules.digest)

    def _twin(self, policy: Policy) -> Policy:
        """The same policy, of a class that lets the probe ask."""
        kind = type(policy)

        def decide(twin: Policy, event: AnyEvent, view: StepView, /) -> Decision | None:
            return self.asked(cast("Decide", kind.decide), twin, event, view)

        watched: type[Policy] = type(kind)(kind.__name__, (kind,), {"decide": decide, "__module__": kind.__module__})  # type: ignore[misc]  # a metaclass makes a class
        twin = policy.model_copy()
        object.__setattr__(twin, "__class__", watched)
        return twin

    def asked(self, decide: Decide, policy: Policy, event: AnyEvent, view: StepView) -> Decision | None:
        """The policy's answer; what the probe itself asks meanwhile is not watched."""
        if self._busy:
            return decide(policy, event, view)
        self._busy = True
        try:
            return self._watched(decide, policy, event, view)
        finally:
            self._busy = False

    def _watched(self, decide: Decide, policy: Policy, event: AnyEvent, view: StepView) -> Decision | None:
        before = _prints(policy, event, view)
        answer = decide(policy, event, view)
        changed = [name for name, found in _prints(policy, event, view).items() if found != before[name]]
        if changed:
            self._breach("unchanged", event, f"asking it changed {' and '.join(changed)}")
        second = view.again()
        again = decide(policy, event, second)
        if _told(answer) != _told(again):
            self._breach("same_answer", event, f"it answered {_said(answer)}, and asked again {_said(again)}")
        if isinstance(again, Decision):  # the second window is ours to fold: the kernel folds the first
            self._answered(policy, event, second, again)
        return answer

    def _answered(self, policy: Policy, event: AnyEvent, view: StepView, answer: Decision) -> None:
        work = Settling(self.rules, view.state, event)
        work.days, work.day, work.settled = Days(view.day, view.settled, view.instant), view.day, view.settled
        work.fold(policy, Answer(work.checked(policy, answer), view), view.order)
        if Decision.from_json(answer.to_json()) != answer:
            self._breach("answers", event, "its decision does not come back from JSON as it was: reasons and data hold text, whole numbers and flags")
        for why in answer.reasons:
            self.codes[why.code] = self.codes.get(why.code, frozenset(why.params)) & frozenset(why.params)
        if isinstance(event, NewDay | Tick):
            second = work.ask(policy)
            if second is not None:
                self._breach("quiescent", event, f"asked a second time it answered {_said(second.decision)}")
        if work.state.closed is None:  # of a closed account nothing unknown is ever asked
            self._meets_a_stranger(work, policy, event)

    def _meets_a_stranger(self, work: Settling, policy: Policy, event: AnyEvent) -> None:
        stranger: Any = Stranger(id="stranger", customer_id=event.customer_id, occurred_at=event.occurred_at)
        work.event = stranger
        try:
            answer = work.ask(policy)
        except ContractError as error:
            self._breach("unknown_event", event, f"asked next about an event of a type that it cannot know, it {error.rule}")
            return
        if answer is not None:
            self._breach("unknown_event", event, f"asked next about an event of a type that it cannot know, it answered {_said(answer.decision)}")

    def _breach(self, clause: str, event: AnyEvent, rule: str) -> None:
        if clause in self.clauses:
            raise Breach(clause, self.policy_id, event.id, rule)


def _prints(policy: Policy, event: AnyEvent, view: StepView) -> dict[str, Any]:
    return {"the policy": repr(sorted(policy.__dict__.items())), "the event": event.to_json(), "the state": view.state.to_json()}


def _told(answer: object) -> object:
    """An answer as it can be compared, also one that is none."""
    return answer.to_json() if isinstance(answer, Decision) and all(hasattr(effect, "to_data") for effect in answer.effects) else repr(answer)


def _said(answer: object) -> str:
    return f"{answer.outcome} {', '.join(answer.codes)}" if isinstance(answer, Decision) else repr(answer)
