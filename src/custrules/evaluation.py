"""What a policy says about given facts, of no customer: an Evaluation, made once per reason mask and rendered when read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Never, TypeAlias

from custrules.codec import canonical
from custrules.decisions import Decision, Outcome, Reason

MAX_INTERNED = 50_000  # evaluations that one evaluator keeps

Value: TypeAlias = "int | Decimal | str | bool | Mapping[str, Any] | None"


@dataclass(frozen=True, slots=True)
class Answer:
    """A policy's answer to given facts: its outcome, what it comes to (a level, points, outputs), and why."""

    outcome: Outcome
    value: Value
    reasons: tuple[Reason, ...]


class Evaluation:
    """What one version of a policy says about given facts.

    ``outcome`` is APPLIED or DECLINED; ``value`` the level (None: no level), the points, or the outputs of a table;
    ``reasons`` and ``codes`` tell why. Equality, repr and JSON are those of the rendered values. It is immutable.
    """

    __slots__ = ("_answer", "_key", "_results")
    _results: Results
    _key: int
    _answer: Answer | None

    def __init__(self, results: Results, key: int) -> None:
        _set_results(self, results)
        _set_key(self, key)
        _set_answer(self, None)

    @classmethod
    def of(cls, policy_id: str, effective_from: date, answer: Answer) -> Evaluation:
        """One that was rendered already."""
        return cls(Results(policy_id, effective_from, lambda _: answer), 0)

    @property
    def _rendered(self) -> Answer:
        if self._answer is None:
            _set_answer(self, self._results.decode(self._key))
        assert self._answer is not None
        return self._answer

    @property
    def policy_id(self) -> str:
        """The policy that was asked."""
        return self._results.policy_id

    @property
    def effective_from(self) -> date:
        """The first day of the version that answered."""
        return self._results.effective_from

    @property
    def outcome(self) -> Outcome:
        """APPLIED or DECLINED."""
        return self._rendered.outcome

    @property
    def value(self) -> Value:
        """The level (None: no level), the points, or the outputs of a table."""
        return self._rendered.value

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why, at least one reason."""
        return self._rendered.reasons

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the reasons, in their order."""
        return tuple(why.code for why in self.reasons)

    @property
    def decision(self) -> Decision:
        """The same as a Decision about no event; without effects, for there is no customer whom it could touch."""
        return Decision(self.policy_id, self.effective_from, "", self.outcome, self.reasons)

    def to_data(self) -> dict[str, Any]:
        return {
            "policy_id": self.policy_id,
            "effective_from": self.effective_from.isoformat(),
            "outcome": self.outcome,
            "value": self.value,
            "reasons": [why.to_data() for why in self.reasons],
        }

    def to_json(self) -> bytes:
        """Canonical JSON."""
        return canonical(self.to_data())

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Evaluation) and self._all == other._all)

    def __hash__(self) -> int:
        return hash((self.policy_id, self.effective_from, self.outcome, self.codes))

    @property
    def _all(self) -> tuple[str, date, Answer]:
        return self.policy_id, self.effective_from, self._rendered

    def __repr__(self) -> str:
        return f"<Evaluation {self.policy_id!r} {self.outcome} {self.value!r}: {', '.join(self.codes)}>"

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError("an evaluation does not change")

    def __reduce__(self) -> tuple[Any, ...]:
        return Evaluation.of, self._all


_set_results = Evaluation.__dict__["_results"].__set__
_set_key = Evaluation.__dict__["_key"].__set__
_set_answer = Evaluation.__dict__["_answer"].__set__


class Room:
    """How many more evaluations are kept, for all Results of one evaluator together."""

    __slots__ = ("left",)
    left: int

    def __init__(self, left: int = MAX_INTERNED) -> None:
        self.left = left


class Results:
    """Evaluations of one version of a policy by key (which reasons, how many points); what a key means ``decode`` tells.

    One that was asked for is ``kept`` while there is room, so that the same answer is the same object.
    """

    __slots__ = ("decode", "effective_from", "kept", "policy_id", "room")
    policy_id: str
    effective_from: date
    decode: Callable[[int], Answer]
    room: Room
    kept: dict[int, Evaluation]

    def __init__(self, policy_id: str, effective_from: date, decode: Callable[[int], Answer], room: Room | None = None) -> None:
        self.policy_id, self.effective_from, self.decode = policy_id, effective_from, decode
        self.room, self.kept = room or Room(), {}

    def __getitem__(self, key: int) -> Evaluation:
        found = self.kept.get(key)
        if found is None:
            found = Evaluation(self, key)
            if self.room.left > 0:
                self.room.left -= 1
                self.kept[key] = found
        return found
