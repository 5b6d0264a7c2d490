"""What a changed history comes to: the answer of ``program.restate``, as data and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Never

from custrules.codec import canonical, parse_json
from custrules.decisions import tagged, untagged
from custrules.errors import Diagnostic, StateError
from custrules.events import AnyEvent, read_event
from custrules.fields import Frozen
from custrules.kernel import Verdict
from custrules.messages import Speaker, speak
from custrules.money import Money
from custrules.policy import Decision, Reason
from custrules.shown import shown
from custrules.state import State
from custrules.state_parts import StatusValue

Kind = Literal["added", "removed", "changed"]


def _kind(before: object, now: object) -> Kind:
    return "added" if before is None else "removed" if now is None else "changed"


@dataclass(frozen=True, slots=True)
class DecisionChange:
    """A decision as it was and as it is now; None where there was none, or is none any more."""

    before: Decision | None
    now: Decision | None

    @property
    def kind(self) -> Kind:
        """What became of the decision: added, removed or changed."""
        return _kind(self.before, self.now)

    def to_data(self) -> dict[str, Any]:
        return {name: found.to_data() if found is not None else None for name, found in (("before", self.before), ("now", self.now))}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> DecisionChange:
        return cls(*(Decision.from_data(data[name]) if data[name] is not None else None for name in ("before", "now")))


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A status as it was and as it is now; None where it was, or is, not written."""

    name: str
    subject: str
    before: StatusValue | None
    now: StatusValue | None

    @property
    def kind(self) -> Kind:
        """What became of the status: added, removed or changed."""
        return _kind(self.before, self.now)

    def to_data(self) -> dict[str, Any]:
        sides = {name: found.to_data() if found is not None else None for name, found in (("before", self.before), ("now", self.now))}
        return {"name": self.name, "subject": self.subject, **sides}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> StatusChange:
        sides = (StatusValue.from_data(data[name]) if data[name] is not None else None for name in ("before", "now"))
        return cls(str(data["name"]), str(data["subject"]), *sides)


@dataclass(frozen=True, slots=True)
class Flip:
    """An event of the history that is answered otherwise now: refused though it had been accepted, or the other way round."""

    event: AnyEvent
    before: Verdict
    now: Verdict
    refusal: Reason | None = None

    def to_data(self) -> dict[str, Any]:
        refusal = self.refusal.to_data() if self.refusal is not None else None
        return {"event": event_data(self.event), "before": self.before, "now": self.now, "refusal": refusal}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Flip:
        refusal = Reason.from_data(data["refusal"]) if data["refusal"] is not None else None
        return cls(read_event(data["event"]), _verdict(data["before"]), _verdict(data["now"]), refusal)


@dataclass(frozen=True, slots=True)
class Restatement:
    """What a changed history comes to. Look at ``flipped`` first; then store ``state`` and ``event`` together.

    ``event`` is stamped: store it in the place of the one of its id, at ``place`` of the history (counting from 0); None for a
    withdrawal. ``replaced`` is the event that was taken out. ``deltas`` says per account (dotted name) how much more it holds now,
    as Money, int or Decimal; accounts that hold as much as before are not named. Book the deltas: the effects of a decision that changed
    have the ids that they had before. Contacts that were asked for stand in no decision again. Unless ``verdict`` is accepted nothing changed:
    ``state`` is what the history gives as it stands, and ``refusal`` says why.
    """

    state: State
    event: AnyEvent | None
    deltas: Mapping[str, Money | int | Decimal] = field(default_factory=Frozen)
    statuses: tuple[StatusChange, ...] = ()
    decisions: tuple[DecisionChange, ...] = ()
    flipped: tuple[Flip, ...] = ()
    verdict: Verdict = "accepted"
    refusal: Reason | None = None
    replaced: AnyEvent | None = None
    place: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether the history was changed: the verdict is accepted."""
        return self.verdict == "accepted"

    @property
    def added(self) -> tuple[Decision, ...]:
        """Decisions that there were not before."""
        return tuple(change.now for change in self.decisions if change.now is not None and change.before is None)

    @property
    def removed(self) -> tuple[Decision, ...]:
        """Decisions that there are no more."""
        return tuple(change.before for change in self.decisions if change.before is not None and change.now is None)

    @property
    def changed(self) -> tuple[DecisionChange, ...]:
        """Decisions of the same policy about the same event that say something else now."""
        return tuple(change for change in self.decisions if change.kind == "changed")

    def to_data(self) -> dict[str, Any]:
        return {
            "state": self.state.to_data(),
            "event": event_data(self.event),
            "deltas": {name: tagged(quantity) for name, quantity in self.deltas.items()},
            "statuses": [change.to_data() for change in self.statuses],
            "decisions": [change.to_data() for change in self.decisions],
            "flipped": [flip.to_data() for flip in self.flipped],
            "verdict": self.verdict,
            "refusal": self.refusal.to_data() if self.refusal is not None else None,
            "replaced": event_data(self.replaced),
            "place": self.place,
        }

    def to_json(self) -> bytes:
        """Canonical JSON; ``Restatement.from_json`` reads it back."""
        return canonical(self.to_data())

    @classmethod
    def from_json(cls, text: bytes | str) -> Restatement:
        """The restatement whose ``to_json`` this is. StateError or EventError for anything else."""
        data = parse_json(text, StateError)
        try:
            return cls._from_data(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            _unreadable(f"{type(error).__name__}: {error}")

    @classmethod
    def _from_data(cls, data: Mapping[str, Any]) -> Restatement:
        return cls(
            State.from_json(canonical(data["state"])),
            _event_of(data["event"]),
            Frozen({str(name): untagged(quantity) for name, quantity in data["deltas"].items()}),
            tuple(StatusChange.from_data(change) for change in data["statuses"]),
            tuple(DecisionChange.from_data(change) for change in data["decisions"]),
            tuple(Flip.from_data(flip) for flip in data["flipped"]),
            _verdict(data["verdict"]),
            Reason.from_data(data["refusal"]) if data["refusal"] is not None else None,
            _event_of(data["replaced"]),
            None if data["place"] is None else int(data["place"]),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Restatement.from_json, (self.to_json(),)


def event_data(event: AnyEvent | None) -> dict[str, Any] | None:
    return None if event is None else event.model_dump(mode="json", exclude_defaults=True) | {"type": event.type}


def _event_of(data: Mapping[str, Any] | None) -> AnyEvent | None:
    return None if data is None else read_event(data)


def _verdict(word: object) -> Verdict:
    if word not in ("accepted", "refused", "duplicate", "late"):
        _unreadable(f"there is no verdict {word!r}")
    return word


def _unreadable(reason: str) -> Never:
    raise StateError([Diagnostic("state.unreadable", params={"reason": reason[:200]})])


# -- words -------------------------------------------------------------------------------------------------------------


@speak.register
def _(restatement: Restatement, speaker: Speaker) -> str:
    """What became of it, then flipped events, balances, statuses and decisions, each on a line of its own."""
    return "\n".join([_head(restatement, speaker), *(f"  {line}" for line in _lines(restatement, speaker))])


def _head(restatement: Restatement, speaker: Speaker) -> str:
    event, replaced = restatement.event, restatement.replaced
    changed = event if event is not None else replaced
    reason = speaker.say(restatement.refusal) if restatement.refusal is not None else ""
    told = {"id": changed.id if changed is not None else "", "reason": reason}
    if not restatement.accepted:
        return speaker.word(f"restated_{restatement.verdict}", told)
    return speaker.word("restated_in" if replaced is None else "restated_corrected" if event is not None else "restated_out", told)


def _lines(restatement: Restatement, speaker: Speaker) -> Iterator[str]:
    yield from (speaker.say(flip) for flip in restatement.flipped)
    for account, quantity in restatement.deltas.items():
        more = quantity.minor > 0 if isinstance(quantity, Money) else quantity > 0
        yield speaker.word("restated_more" if more else "restated_less", {"account": account, "quantity": quantity if more else -quantity})
    yield from (speaker.say(change) for change in (*restatement.statuses, *restatement.decisions))


@speak.register
def _(flip: Flip, speaker: Speaker) -> str:
    reason = speaker.say(flip.refusal) if flip.refusal is not None else ""
    return speaker.word("flip_accepted" if flip.now == "accepted" else "flip_refused", {"id": flip.event.id, "reason": reason})


@speak.register
def _(change: StatusChange, speaker: Speaker) -> str:
    name = f"{change.name}.{change.subject}" if change.subject else change.name
    return speaker.word("status_change", {"name": name, "before": _status_text(change.before), "now": _status_text(change.now)})


def _status_text(held: StatusValue | None) -> str:
    if held is None:
        return "-"
    days = f" ({held.since.isoformat()}–{held.until.isoformat() if held.until is not None else ''})"
    return shown(held.value) + days


@speak.register
def _(change: DecisionChange, speaker: Speaker) -> str:
    sides = {"before": change.before, "now": change.now}
    about = change.now or change.before
    told = {name: speaker.say(decision) for name, decision in sides.items() if decision is not None}
    lines = speaker.word(f"decision_{change.kind}", {"event": about.event_id if about is not None else ""})
    return lines + "".join(f"\n    {text}" for text in told.values())
