"""What customers say, and what is said to them: answers to surveys, complaints and what becomes of them, contacts."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import PlainValidator, model_validator

from custrules.event_fields import EventId, Id, Positive, Quantity, Tags
from custrules.events.base import Event
from custrules.fields import Name, Text, fault, one_of, plain, read_flag, wrong_type
from custrules.money import Money

Stage = Literal["acknowledged", "in_progress", "extended", "escalated", "resolved", "closed", "withdrawn", "reopened"]
ContactOutcome = Literal["sent", "done", "not_sent"]
ContactPurpose = Literal["service", "greeting", "marketing"]
STAGES: tuple[Stage, ...] = get_args(Stage)
CONTACT_OUTCOMES: tuple[ContactOutcome, ...] = get_args(ContactOutcome)
CONTACT_PURPOSES: tuple[ContactPurpose, ...] = get_args(ContactPurpose)
SCALES: dict[str, tuple[int, int]] = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
"""The worst and the best answer of the scores that everybody means the same by: whole numbers."""


class SurveyResponse(Event):
    """An answer to a survey: which ``score`` it is (nps 0 to 10, csat 1 to 5, ces 1 to 7 with 7 the easiest, or one of your own) and
    its ``value``; ``survey`` is the id of the policy that asked, ``of`` the event that it was asked about."""

    type: Literal["survey_response"] = "survey_response"
    score: Name
    value: Quantity
    survey: Name | None = None
    of: EventId | None = None
    comment: Text | None = None

    @model_validator(mode="after")
    def _on_its_scale(self) -> Self:
        lowest, highest = SCALES.get(self.score, (self.value, self.value))
        if not lowest <= self.value <= highest or (self.score in SCALES and self.value != int(self.value)):
            raise fault("event.score_off_scale", score=self.score, lowest=lowest, highest=highest, found=plain(self.value))
        return self


class Complaint(Event):
    """The customer complains; its id is the complaint's. ``about`` names what it is about, such as an order's id."""

    type: Literal["complaint"] = "complaint"
    category: Id
    severity: Id | None = None
    about: Id | None = None
    text: Text | None = None


class ComplaintUpdate(Event):
    """What became of a complaint: its next ``stage``, what it was caused by, whether the customer agrees, what was given for it.

    ``credit`` (an amount) and ``points`` are a compensation that ``by`` gave; the host books it.
    """

    type: Literal["complaint_update"] = "complaint_update"
    of: EventId
    stage: Annotated[Stage, one_of(*STAGES)] | None = None
    customer_agrees: Annotated[bool, PlainValidator(read_flag)] | None = None
    cause: Id | None = None
    credit: Money | None = None
    points: Positive | None = None
    by: Id | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.credit is not None and self.credit.minor <= 0:
            raise wrong_type("an amount above zero", self.credit)
        told = (self.stage, self.customer_agrees, self.cause, self.credit, self.points, self.note)
        if all(part is None for part in told):
            raise fault("event.empty_update", of=self.of)
        return self


class Contact(Event):
    """What the host did with a touchpoint, or of its own accord.

    ``trigger`` is the id of the policy that asked for it, ``cycle`` the touchpoint's cycle (without it, the first contact of that
    policy that is still waiting is meant). ``sent`` is what was handed over, even where it came back; ``not_sent`` is what failed before
    that, and gives the cycle back: it does not count, and may be asked again. A contact of the host's own accord counts against caps where
    it says its ``purpose`` (greeting, marketing; without one it is of service), with its ``category`` and ``tags``.
    """

    type: Literal["contact"] = "contact"
    trigger: Id | None = None
    cycle: Id | None = None
    outcome: Annotated[ContactOutcome, one_of(*CONTACT_OUTCOMES)] = "sent"
    category: Id | None = None
    purpose: Annotated[ContactPurpose, one_of(*CONTACT_PURPOSES)] | None = None
    tags: Tags = ()
    reason: Text | None = None

    @property
    def counts(self) -> bool:
        """Whether the customer was contacted."""
        return self.outcome != "not_sent"
