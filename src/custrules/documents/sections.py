"""The sections of a document as types: profile fields, activities, defaults, accepted findings; and the whole, which dumps itself as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules.calendars import Duration, Length
from custrules.calendars.rules import DayRule
from custrules.calendars.working import WorkingRule
from custrules.counting import ActivityType, AttributeKind, Declarations
from custrules.fields import MAX_NAME, Day, Frozen, Text, one_of, rate_text, wrong_type
from custrules.law import Law, LawSection
from custrules.measures import Measure
from custrules.money import SCALES
from custrules.naming import WORKING
from custrules.parts import Parts, ProfileField
from custrules.policy import Policy
from custrules.rates import Series
from custrules.returns import ReturnsRule

FORMAT = 1
DEFAULT_LATE = Duration.parse("3 days")
ATTRIBUTE_KINDS: tuple[AttributeKind, ...] = get_args(AttributeKind)
ProfileType = Literal["text", "number", "whole", "money", "flag", "date", "birthday", "phone", "subject"]
PROFILE_TYPES: tuple[ProfileType, ...] = get_args(ProfileType)
_KEPT_AS: dict[str, AttributeKind] = {"birthday": "date", "phone": "text", "subject": "text"}
_MOST_VALUES = 1000


def _read_values(value: object) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple) or not 0 < len(value) <= _MOST_VALUES or len(set(map(str, value))) != len(value):
        raise wrong_type("a list of values, each once: [staff, regular]", value)
    return tuple(value)


def _read_code(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_NAME or not value.replace(".", "").replace("_", "").isalnum():
        raise wrong_type("the code of a finding, such as check.cliff", value)
    return value


class ProfileSpec(BaseModel):
    """A declared profile field: its ``type``, and for text the closed list of its ``values`` where there is one."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    type: Annotated[ProfileType, one_of(*PROFILE_TYPES)]
    values: Annotated[tuple[Text, ...], BeforeValidator(_read_values)] | None = None

    @property
    def field(self) -> ProfileField:
        """As the rules keep it: a birthday is a date, a phone number and a subject are text."""
        kind = _KEPT_AS.get(self.type) or self.type
        assert kind in ATTRIBUTE_KINDS
        return ProfileField(kind, self.values or (), self.type == "birthday")


ReadingType = Literal["money", "number", "whole"]


class ReadingSpec(BaseModel):
    """A level that is read off from time to time: money in the program's currency, a number, or a whole one.

    ``horizon``: how far it looks ahead, of a score that was computed elsewhere (the probability of a purchase within 39 weeks).
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    type: Annotated[ReadingType, one_of(*get_args(ReadingType))]
    horizon: Length | None = None


class Defaults(BaseModel):
    """What every policy says that does not say it itself."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    effective_from: Day | None = None
    reference: Text | None = None


class Accepted(BaseModel):
    """A finding that was looked at and accepted: its code, for which ``reason``, and the last day on which that holds.

    ``at`` is the place inside a policy (``card.limit``, or ``card`` for all of it) or inside the document; anywhere where not said.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    finding: Annotated[str, BeforeValidator(_read_code)]
    at: Text | None = None
    reason: Text
    until: Day


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document, each section valid in itself."""

    id: str
    zone: ZoneInfo
    currency: str
    policies: tuple[Policy, ...]
    title: str | Mapping[str, str] = ""
    late: Duration = DEFAULT_LATE
    returns: ReturnsRule = field(default_factory=ReturnsRule)
    profile: Mapping[str, ProfileSpec] = field(default_factory=Frozen)
    activities: Mapping[str, ActivityType] = field(default_factory=Frozen)
    readings: Mapping[str, ReadingSpec] = field(default_factory=Frozen)
    calendar: Mapping[str, DayRule] = field(default_factory=Frozen)
    working: WorkingRule | None = None
    measures: Mapping[str, Measure] = field(default_factory=Frozen)
    accept: tuple[Accepted, ...] = ()
    rates: Mapping[str, Series] = field(default_factory=Frozen)
    law: LawSection | None = None
    in_law: Law | None = None
    """What the section comes to, with what it extends."""

    def parts(self, scale: int | None = None, paths: Sequence[tuple[int | str, ...]] = ()) -> Parts:
        """What the rules are built from; ``paths`` are the places of the policies in their document."""
        profile = {name: spec.field for name, spec in self.profile.items()}
        readings: Mapping[str, AttributeKind] = Frozen({name: spec.type for name, spec in self.readings.items()})
        horizons = Frozen({name: spec.horizon for name, spec in self.readings.items() if spec.horizon is not None})
        decimals = SCALES[self.currency] if scale is None else scale
        return Parts(
            id=self.id,
            zone=self.zone,
            currency=self.currency,
            scale=decimals,
            late=self.late.delta,
            returns=self.returns,
            profile=profile,
            declared=Declarations(self.activities, {name: kept.kind for name, kept in profile.items()}, decimals, readings, horizons),
            calendar=self.calendar,
            working=self.working,
            measures=self.measures,
            policies=self.policies,
            paths=tuple(paths),
            law=self.in_law,
            rates=self.rates,
        )

    def _calendar(self) -> Mapping[str, BaseModel]:
        return self.calendar if self.working is None else {**self.calendar, WORKING: self.working}

    def data(self) -> dict[str, Any]:
        """The document as plain data (dict, list, text, whole numbers, flags); what is at its default is left out."""
        head = {"custrules": FORMAT, "program": self.id, "title": _title_data(self.title), "zone": self.zone.key, "currency": self.currency}
        sections = {
            "law": _dumped(self.law) if self.law is not None else None,
            "rates": {name: {day.isoformat(): rate_text(rate) for day, rate in series} for name, series in self.rates.items()},
            "late": str(self.late) if self.late != DEFAULT_LATE else None,
            "returns": _dumped(self.returns),
            "profile": {name: _dumped(spec) for name, spec in self.profile.items()},
            "activities": {name: _activity_data(declared) for name, declared in self.activities.items()},
            "readings": {name: _dumped(spec) for name, spec in self.readings.items()},
            "calendar": {name: _dumped(rule) for name, rule in self._calendar().items()},
            "measures": {name: _dumped(measure) for name, measure in self.measures.items()},
        }
        filled = {name: value for name, value in (head | sections).items() if value}
        accepted = {"accept": [_dumped(one) for one in self.accept]} if self.accept else {}
        return filled | {"policies": [policy_data(policy) for policy in self.policies]} | accepted


def policy_data(policy: Policy) -> dict[str, Any]:
    """A policy in document form: kind first; fields at their default are left out, but for ``effective_from`` and ``reference``."""
    fields = _dumped(policy)
    always = {"id": policy.id, "effective_from": policy.effective_from.isoformat(), "reference": policy.reference}
    return {"kind": policy.kind, **always, **fields}


def _dumped(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_defaults=True, by_alias=True)


def _title_data(title: str | Mapping[str, str]) -> str | dict[str, str]:
    return title if isinstance(title, str) else dict(title)


def _activity_data(declared: ActivityType) -> dict[str, str]:
    quantity = {"quantity": declared.unit} if declared.unit is not None else {}
    return quantity | {name: str(kind) for name, kind in declared.attributes.items()}
