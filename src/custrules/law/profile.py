"""A law profile as data: rules with their values, dates and sources. Shipped ones are TOML files; an operator's stand in the document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_serializer,
    field_validator,
)

from custrules.fields import Day, Flag, Frozen, Name, Text, Title, describe, fault, one_of
from custrules.law.vocabulary import RULES
from custrules.money import SCALES
from custrules.validation import nearest

SourceKind = Literal["law", "regulation", "interpretation", "standard_terms", "model_contract", "accreditation", "draft", "own"]
ReadAs = Literal["primary", "secondary", "memory"]
Strength = Literal["hard", "default"]
Issuer = Literal["enterprise", "other"]
_OWN = ("title", "currency", "extends", "note", "sources", "rules")


def _read_rule(value: object) -> str:
    if not isinstance(value, str) or value not in RULES:
        raise fault("document.unknown_law_rule", found=describe(value), nearest=nearest(value, RULES) if isinstance(value, str) else "")
    return value


def _read_currency(value: object) -> str:
    if not isinstance(value, str) or value not in SCALES:
        raise fault("document.unknown_currency", found=describe(value), nearest=nearest(value.upper(), SCALES) if isinstance(value, str) else "")
    return value


class LawSource(BaseModel):
    """Where rules come from. A ``draft`` is told of and never applied; ``read``: the text itself, somebody's account of it, or neither."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    title: Title
    kind: Annotated[SourceKind, one_of(*get_args(SourceKind))] = "law"
    read: Annotated[ReadAs, one_of(*get_args(ReadAs))] = "primary"
    in_force: Day | None = None
    note: Title = ""


_WRITTEN = PlainSerializer(lambda sources: {name: source.model_dump(mode="json", exclude_defaults=True) for name, source in sources.items()})


class LawEntry(BaseModel):
    """One rule from a first to a last day, both inclusive. ``hard``: the terms cannot take it away; ``default``: it holds where they are silent.

    ``text`` says in our words what the source says. ``confirmed: false``: not checked against the text in force; ``missing`` says what is
    not known.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    rule: Annotated[str, PlainValidator(_read_rule), WithJsonSchema({"enum": sorted(RULES)})]
    value: Annotated[Any, WithJsonSchema({"type": ["string", "number", "boolean"]})]
    strength: Annotated[Strength, one_of("hard", "default")] = "default"
    effective_from: Day = date(1900, 1, 1)
    effective_to: Day | None = None
    source: Name
    article: Text | Literal[""] = ""
    text: Title = ""
    confirmed: Flag = True
    missing: Title = ""

    @field_validator("value", mode="plain")
    @classmethod
    def _read_value(cls, value: object, info: ValidationInfo) -> object:
        rule = info.data.get("rule")
        return RULES[rule].read(value) if rule is not None else value

    @field_serializer("value")
    def _write_value(self, value: Any) -> str:
        return RULES[self.rule].write(value)

    def holds_on(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


class LawProfile(BaseModel):
    """A law profile: its rules and their sources. What it ``extends`` holds where it has no rule of that name in force."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    profile: Name
    title: Title = ""
    currency: Annotated[str, PlainValidator(_read_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})] | None = None
    extends: Name | None = None
    note: Title = ""
    sources: Annotated[Mapping[Name, LawSource], AfterValidator(Frozen), _WRITTEN] = Field(default_factory=Frozen)
    rules: Annotated[tuple[LawEntry, ...], Field(max_length=500)] = ()

    @property
    def is_own(self) -> bool:
        """Whether it says anything itself; else it is the name of a shipped one."""
        return any(getattr(self, name) not in ("", None, ()) and getattr(self, name) != {} for name in _OWN)


class LawSection(LawProfile):
    """The ``law:`` section: which profile the program stands under, or an own one, and who confirmed that when.

    ``issuer``: ``enterprise``, or ``other`` for sole traders where the law tells them apart.
    """

    issuer: Annotated[Issuer, one_of(*get_args(Issuer))] = "enterprise"
    confirmed_by: Text | None = None
    confirmed_on: Day | None = None
