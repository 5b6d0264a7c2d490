"""What a flag asks to be done: a task with a deadline for a person, or a message, each once while the flag stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict

from custrules.calendars import Duration, local_day
from custrules.conditions import Condition
from custrules.contacting import PURPOSES, Purpose
from custrules.errors import Diagnostic
from custrules.event_fields import Scalar
from custrules.fields import Name, Text, instant_text, one_of
from custrules.policy import Touchpoint, View


class RetentionTask(BaseModel):
    """Something that a person has to do: over which channel, within which time of the day on which it is asked, by which template."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    channel: Name
    template: Text
    within: Duration | None = None


class RetentionMessage(RetentionTask):
    """Something that is sent: over which channel, by which template; ``within`` which time it is still worth sending."""


class RetentionAction(BaseModel):
    """What is asked for while the flag stands: once each time that it is raised, as soon as ``when`` holds.

    Two actions of one ``name`` (where not said: one template) are one: the first that holds is asked for.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    when: Condition | None = None
    task: RetentionTask | None = None
    send: RetentionMessage | None = None
    offer: Text | None = None
    category: Name = "churn"
    purpose: Annotated[Purpose, one_of(*PURPOSES)] = "service"

    @property
    def what(self) -> RetentionTask:
        found = self.task or self.send
        assert found is not None
        return found

    @property
    def called(self) -> str:
        return self.name or self.what.template

    def touchpoint(self, view: View, cycle: str, told: dict[str, Scalar]) -> Touchpoint:
        """The contact that is asked for on the day that opens."""
        within, last_day = self.what.within, None
        data = told | {"purpose": self.purpose} | ({"offer": self.offer} if self.offer is not None else {})
        if within is not None:
            end = view.instant + within.delta
            last_day = max(local_day(end - timedelta(microseconds=1), view.zone), view.day)
            data |= {"deadline": str(within), "due_by": instant_text(end)}
        outcome = "task" if self.task is not None else "send"
        return Touchpoint(self.what.template, cycle, view.day, last_day, self.category, self.what.channel, outcome, data)

    def faults(self, path: str) -> Iterator[Diagnostic]:
        if self.task is None and self.send is None:
            yield Diagnostic("document.missing_field", path, {"field": "task"})
        if self.task is not None and self.send is not None:
            yield Diagnostic("document.not_with", f"{path}.send", {"field": "send", "other": "task"})
