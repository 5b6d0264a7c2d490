"""One event and the signals that it sends, for the customers whom they reach: all of it is accepted, or nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from custrules.codec import canonical
from custrules.errors import Diagnostic, EventError, StateError
from custrules.events import AnyEvent, Event
from custrules.fields import Frozen
from custrules.kernel import Verdict
from custrules.policy import Reason, Signal
from custrules.state import State
from custrules.steps import Step

MOST_SIGNALS = 10_000  # that follow from one event


@dataclass(frozen=True, slots=True)
class Together:
    """What an event makes of several customers: a merge of both cards, a transfer of both accounts.

    Accepted where the event is, and every signal that reaches one of the customers given: ``states`` are theirs then, changed or not, and
    ``steps`` the event's own and those of the signals, in the order in which they were delivered. Otherwise ``states`` are those that were
    given, ``steps`` holds the one step that was not accepted, and ``verdict`` and ``refusal`` are its own. ``undelivered`` are signals to
    others. A signal that was delivered before changes nothing, and stops nothing.
    """

    states: Mapping[str, State]
    steps: tuple[Step, ...]
    undelivered: tuple[Signal, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """That of the event, or of the signal that was not accepted."""
        return self.steps[-1].verdict if len(self.steps) == 1 else "accepted"

    @property
    def accepted(self) -> bool:
        """Whether the event was accepted, and with it every signal between the customers given."""
        return self.verdict == "accepted"

    @property
    def refusal(self) -> Reason | None:
        """The one reason to show where it was not accepted; else None."""
        return None if self.accepted else self.steps[-1].refusal

    def to_data(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "states": {name: state.to_data() for name, state in self.states.items()},
            "steps": [step.to_data() for step in self.steps],
            "undelivered": [signal.to_data() for signal in self.undelivered],
        }

    def to_json(self) -> bytes:
        """Canonical JSON."""
        return canonical(self.to_data())


def together(
    step: Callable[[State, Event], Step], read: Callable[[Mapping[str, object]], AnyEvent], states: Mapping[str, State], event: Event
) -> Together:
    """Step the event, then its signals at once, and what these say in turn."""
    after = dict(states)
    if event.customer_id not in after:
        raise StateError([Diagnostic("state.other_customer", params={"found": event.customer_id, "expected": ", ".join(after) or "-"})])
    steps: list[Step] = []
    undelivered: list[Signal] = []
    waiting: deque[tuple[Event, bool]] = deque([(event, False)])
    while waiting:
        asked, told = waiting.popleft()
        answer = step(after[asked.customer_id], asked)
        if not answer.accepted and not (told and answer.verdict == "duplicate"):
            return Together(Frozen(states), (answer,))
        steps.append(answer)
        after[asked.customer_id] = answer.state
        for signal in (effect for effect in answer.effects if isinstance(effect, Signal)):
            if signal.subject not in after:
                undelivered.append(signal)
                continue
            at = max(found for found in (answer.state.as_of, after[signal.subject].as_of) if found is not None)
            waiting.append((read(signal.delivered(at)), True))
        if len(steps) > MOST_SIGNALS:
            raise EventError([Diagnostic("event.endless_signals", params={"most": str(MOST_SIGNALS)})])
    return Together(Frozen(after), tuple(steps), tuple(undelivered))
