"""What one step answers: the verdict, the state after it, the stamped event and the decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Never

from custrules.codec import canonical, parse_json
from custrules.errors import Diagnostic, StateError
from custrules.events import AnyEvent, read_event
from custrules.kernel import Result, Verdict
from custrules.messages import Speaker, speak
from custrules.policy import Decision, Effect, Reason
from custrules.state import State


@dataclass(frozen=True, slots=True)
class Step:
    """The answer to an event, or to time that passed (``event`` is None then).

    ``verdict`` is accepted, refused, duplicate or late. Unless accepted, ``state`` is the state that was given and
    ``decisions`` holds the declines alone; ``refusal`` is the one reason to show. A quote is a step that is not stored.
    """

    state: State
    verdict: Verdict
    event: AnyEvent | None
    decisions: tuple[Decision, ...]
    refusal: Reason | None = None

    @classmethod
    def of(cls, result: Result) -> Step:
        return cls(result.state, result.verdict, result.event, result.decisions, result.refusal)

    @property
    def accepted(self) -> bool:
        """Whether the event was accepted: ``state`` is then the one to store."""
        return self.verdict == "accepted"

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The effects of all decisions, in the order in which they happened."""
        return tuple(effect for decision in self.decisions for effect in decision.effects)

    def to_data(self) -> dict[str, Any]:
        return {
            "state": self.state.to_data(),
            "verdict": self.verdict,
            "event": self.event.model_dump(mode="json", exclude_defaults=True) | {"type": self.event.type} if self.event is not None else None,
            "decisions": [decision.to_data() for decision in self.decisions],
            "refusal": self.refusal.to_data() if self.refusal is not None else None,
        }

    def to_json(self) -> bytes:
        """Canonical JSON; ``Step.from_json`` reads it back."""
        return canonical(self.to_data())

    @classmethod
    def from_json(cls, text: bytes | str) -> Step:
        """The step whose ``to_json`` this is. StateError or EventError for anything else."""
        data = parse_json(text, StateError)
        try:
            return cls._from_data(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            _refuse(f"{type(error).__name__}: {error}"[:200])

    @classmethod
    def _from_data(cls, data: Mapping[str, Any]) -> Step:
        if data["verdict"] not in ("accepted", "refused", "duplicate", "late"):
            _refuse(f"there is no verdict {data['verdict']!r}"[:200])
        return cls(
            State.from_json(canonical(data["state"])),
            data["verdict"],
            read_event(data["event"]) if data["event"] is not None else None,
            tuple(Decision.from_data(decision) for decision in data["decisions"]),
            Reason.from_data(data["refusal"]) if data["refusal"] is not None else None,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Step.from_json, (self.to_json(),)


def _refuse(reason: str) -> Never:
    raise StateError([Diagnostic("state.unreadable", params={"reason": reason})])


@speak.register
def _(step: Step, speaker: Speaker) -> str:
    """What became of the event, then each decision on a line of its own."""
    told = {"id": step.event.id if step.event is not None else "", "reason": speaker.say(step.refusal) if step.refusal is not None else ""}
    head = speaker.word(f"step_{step.verdict}" if step.event is not None else "step_time", told)
    return "\n".join([head, *(f"  {speaker.say(decision)}" for decision in step.decisions)])
