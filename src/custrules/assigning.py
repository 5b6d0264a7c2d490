"""A policy that says what a customer is at present: one status, found anew after every event and as days pass, written where it changes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, TypeVar

from custrules.brought import leaves
from custrules.decisions import Decision, Reason, Status, reason
from custrules.event_fields import Scalar
from custrules.events import AnyEvent, Closure
from custrules.facts import FactType, FactValue
from custrules.fields import Frozen
from custrules.policy import Phase, Policy
from custrules.shown import Shown, shown_value
from custrules.standing import Standing
from custrules.state_parts import StatusValue
from custrules.view import View

Own = TypeVar("Own", bound="Assigning")


@dataclass(frozen=True, slots=True)
class Found:
    """What a customer is: the status' value (None: nothing of the kind), its data, and why; ``since`` where that is told."""

    value: str | None
    reasons: tuple[Reason, ...]
    data: Mapping[str, Scalar] = field(default_factory=Frozen)
    since: date | None = None


class Assigning(Policy):
    """What bands, stages and the like have in common. A version that is retired finds nothing new: what it said last stays.

    Subclasses say which status (``called``) and what a customer is (``found``).
    """

    phase: ClassVar[Phase] = "rank"
    recorded: ClassVar[bool] = False  # what a customer is follows from how things stand, not from what was known at a purchase

    @property
    @abstractmethod
    def called(self) -> str:
        """The name of the status."""

    @abstractmethod
    def found(self, view: View, held: StatusValue | None, /) -> Found:
        """What the customer is as of ``view.settled``; ``held``: what the status says so far (None: never written)."""

    def writes(self) -> tuple[str, ...]:
        return (self.called,)

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        held = view.state.statuses.get((self.called, ""))
        if leaves(event):
            return self._ended(event, view, held)
        now = self.in_force(view)
        if now.retired:
            return None
        found = now.found(view, held)
        if (found.value, dict(found.data)) == ((held.value, dict(held.data)) if held is not None else (None, {})):
            return None
        return self.applied(event, found.reasons, [self._status(found, view.settled, held)])

    def in_force(self: Own, view: View) -> Own:
        """The version that says what the customer is now: of an event that comes late, another than that of its day."""
        now = view.in_force(self.id, view.settled) if view.settled != view.day else self
        return now if isinstance(now, type(self)) else self

    def _status(self, found: Found, day: date, held: StatusValue | None) -> Status:
        since = held.since if held is not None and held.value == found.value else found.since or day
        return Status(self.called, found.value, since, data=Frozen(found.data))

    def _ended(self, event: AnyEvent, view: View, held: StatusValue | None) -> Decision | None:
        """With the account the status ends."""
        if held is None or held.value is None:
            return None
        family = self.kind.partition(".")[0]
        code = f"{family}.closure.ended" if isinstance(event, Closure) else f"{family}.merge.left"
        return self.applied(event, [reason(code, status=self.called, value=held.value)], [Status(self.called, None, view.day)])

    def progress(self, view: View, /) -> Standing | None:
        held = view.state.statuses.get((self.called, ""))
        return Standing("", str(held.value) if held.value is not None else None, held.since) if held is not None else None


def spoken(value: FactValue | None, kind: FactType, currency: str) -> Shown:
    """A value as a reason tells it; None where there is none."""
    return shown_value(value, kind, currency)
