"""The customer: joining, profile and consent, what she does beside buying, levels by hand, and coming from elsewhere or going."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, PlainSerializer, PlainValidator, model_validator

from custrules.event_fields import Id, Positive, Profile, Quantity, Scalars, ScalarValue
from custrules.event_parts import Balances, Brought, Levels, Tallies
from custrules.events.base import Event
from custrules.fields import Day, Frozen, Name, Text, fault, one_of, read_flag


class Enrolment(Event):
    """The customer joined; may bring profile fields."""

    type: Literal["enrolment"] = "enrolment"
    profile: Profile = Frozen()


class ProfileUpdate(Event):
    """Profile fields changed; ``None`` takes one away."""

    type: Literal["profile_update"] = "profile_update"
    profile: Profile


class ConsentUpdate(Event):
    """Consent given or withdrawn, by channel: ``{"sms": "marketing"}`` (which allows greetings too), ``{"sms": "greeting"}`` (which
    allows them alone), or ``{"sms": "none"}``. The day on which it occurred is kept as the day of consent, or of its withdrawal."""

    type: Literal["consent_update"] = "consent_update"
    consent: Annotated[
        Mapping[Id, Annotated[Literal["marketing", "greeting", "none"], one_of("marketing", "greeting", "none")]],
        AfterValidator(Frozen),
        PlainSerializer(dict),
    ] = Frozen()
    do_not_contact: Annotated[bool, PlainValidator(read_flag)] | None = None


class Referral(Event):
    """The customer brought a friend."""

    type: Literal["referral"] = "referral"
    friend: Id
    friend_keys: Scalars = Frozen()


class Visit(Event):
    """The customer came by. ``of``: a stored value account (or one top-up of it) out of which so many visits are ``used``, one where not
    said; such a visit is undone like a redemption."""

    type: Literal["visit"] = "visit"
    of: Id | None = None
    used: Positive | None = None

    @model_validator(mode="after")
    def _used_of_something(self) -> Self:
        if self.used is not None and self.of is None:
            raise fault("event.used_of_nothing")
        return self


class Attendance(Event):
    """The customer took part in an ``activity`` (the id of its policy, or a name of the host's own)."""

    type: Literal["attendance"] = "attendance"
    activity: Id | None = None


class Activity(Event):
    """Something that the customer did at the host's, declared under ``activities:``; with a ``quantity`` where the declaration gives it a unit."""

    type: Literal["activity"] = "activity"
    name: Name
    quantity: Quantity | None = None


class Reading(Event):
    """A value that stands until the next one, such as a balance kept elsewhere, declared under ``readings:``. Of a day, the last one counts."""

    type: Literal["reading"] = "reading"
    name: Name
    value: ScalarValue


class TierGrant(Event):
    """A level given by hand: the customer does not fall below ``level`` up to and including the day ``until``."""

    type: Literal["tier_grant"] = "tier_grant"
    level: Id
    until: Day | None = None
    reason: Text
    approver: Text | None = None
    status: Name = "tier"


class Opening(Event):
    """What a customer brings from another system: the first event of all. ``complete``: whatever is not told did not happen;
    otherwise what is not among the ``tallies`` is known from this day on only."""

    type: Literal["opening"] = "opening"
    balances: Balances = Frozen()
    levels: Levels = Frozen()
    tallies: Tallies = Frozen()
    complete: Annotated[bool, PlainValidator(read_flag)] = False
    joined: Day | None = None
    profile: Profile = Frozen()


class Merge(Event):
    """Two cards become one: the absorbed customer's event names ``into``; the survivor's, which is the signal that it makes, names
    whom it is ``of`` and what that customer ``brought``."""

    type: Literal["merge"] = "merge"
    into: Id | None = None
    of: Id | None = None
    brought: Brought = Frozen()

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.into is None) == (self.of is None) or (self.of is None) == bool(self.brought) or self.customer_id in (self.into, self.of):
            raise fault("event.merge_sides")
        return self

    @property
    def delivered(self) -> bool:
        """Whether it tells of what has happened elsewhere, and asks for nothing."""
        return self.of is not None


class Closure(Event):
    """The customer's account is closed: what it holds is forfeited or kept, as ``on_closure`` of each account says. An Enrolment opens it again."""

    type: Literal["closure"] = "closure"
    reason: Text
    approver: Text | None = None
