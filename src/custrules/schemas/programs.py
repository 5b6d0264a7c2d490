"""The schema of a program: its sections, and each policy by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from custrules.calendars.rules import DayRule
from custrules.calendars.working import WorkingRule
from custrules.documents.document import MOST, MOST_ATTRIBUTES
from custrules.documents.sections import ATTRIBUTE_KINDS, FORMAT, Accepted, Defaults, ProfileSpec, ReadingSpec
from custrules.fields import NAME_SCHEMA, TEXT_SCHEMA, TITLE_SCHEMA
from custrules.law import LawSection
from custrules.measures import Measure
from custrules.naming import WORKING
from custrules.policies import KINDS, LATER_KINDS, built_in
from custrules.policy import Policy
from custrules.rates import RateSeries
from custrules.returns import ReturnsRule
from custrules.schemas import describing
from custrules.schemas.drawing import DRAFT, REF, described, drawn

_OURS = sorted({kind.partition(".")[0] for kind in (*KINDS, *LATER_KINDS)})
PLUG_IN = f"^(?!(?:{'|'.join(_OURS)})(?:\\.|$))[A-Za-z][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+)+$"


def program_schema(lang: str, kinds: Mapping[str, type[Policy]]) -> dict[str, Any]:
    classes = {kind: found for kind in KINDS if (found := built_in(kind)) is not None} | dict(kinds)
    parts = drawn([*classes.values(), Measure, DayRule, WorkingRule, ReturnsRule, ProfileSpec, ReadingSpec, Defaults, Accepted, LawSection], lang)
    for kind, model in classes.items():
        _as_kind(parts[model.__name__], kind, lang)
    _law_in_a_file(parts["LawSection"], lang)
    sections = {name: described(section, describing.words(f"program.{name}", lang)) for name, section in _sections().items()}
    return {
        "$schema": DRAFT,
        "title": describing.words("program", lang),
        "type": "object",
        "required": ["program", "zone", "currency", "policies"],
        "properties": sections,
        "additionalProperties": False,
        "definitions": {"Policy": _policy(classes, lang), **parts},
    }


def _as_kind(schema: dict[str, Any], kind: str, lang: str) -> None:
    """A policy's own definition also has its kind, and the texts that every policy has."""
    properties = schema["properties"]
    for name in ("reference", "note"):
        properties[name] = described(TEXT_SCHEMA, properties[name].get("description", ""))
    schema["properties"] = {"kind": described({"const": kind}, describing.words("policy.kind", lang)), **properties}
    schema["required"] = ["kind", *schema.get("required", [])]


def _law_in_a_file(schema: dict[str, Any], lang: str) -> None:
    """A law profile is named or written out, or stands in a file beside the document."""
    schema["properties"]["file"] = {"type": "string", "description": describing.words("law_section.file", lang)}
    schema["anyOf"] = [{"required": [name]} for name in ("profile", "file")]
    schema["required"] = [name for name in schema["required"] if name != "profile"]


def _policy(classes: Mapping[str, type[Policy]], lang: str) -> dict[str, Any]:
    """Any policy: what its kind says. A kind that is not known here is another package's."""
    of_kind = [
        {"if": {"properties": {"kind": {"const": kind}}}, "then": {"$ref": REF.format(model=model.__name__)}}
        for kind, model in sorted(classes.items())
    ]
    kind = {"anyOf": [{"enum": sorted(classes)}, {"type": "string", "pattern": PLUG_IN}]}
    return {
        "type": "object",
        "required": ["kind", "id"],
        "properties": {
            "kind": described(kind, describing.words("policy.kind", lang)),
            "id": described(NAME_SCHEMA, describing.words("policy.id", lang)),
        },
        "allOf": of_kind,
    }


def _sections() -> dict[str, dict[str, Any]]:
    named = {"type": "object", "propertyNames": NAME_SCHEMA}
    attributes = {"type": "object", "additionalProperties": {"enum": list(ATTRIBUTE_KINDS)}, "properties": {"quantity": NAME_SCHEMA}}

    def many(section: str, model: str) -> dict[str, Any]:
        return {**named, "maxProperties": MOST[section], "additionalProperties": {"$ref": REF.format(model=model)}}

    return {
        "custrules": {"enum": [FORMAT, str(FORMAT)]},
        "program": dict(NAME_SCHEMA),
        "title": dict(TITLE_SCHEMA),
        "zone": {"type": "string", "examples": ["Asia/Shanghai", "Europe/London", "UTC"]},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "law": {"$ref": REF.format(model="LawSection")},
        "late": {"type": "string", "examples": ["3 days", "12 hours"]},
        "returns": {"$ref": REF.format(model="ReturnsRule")},
        "defaults": {"$ref": REF.format(model="Defaults")},
        "profile": many("profile", "ProfileSpec"),
        "activities": {**named, "maxProperties": MOST["activities"], "additionalProperties": {**attributes, "maxProperties": MOST_ATTRIBUTES}},
        "readings": many("readings", "ReadingSpec"),
        "calendar": {**many("calendar", "DayRule"), "properties": {WORKING: {"$ref": REF.format(model="WorkingRule")}}},
        "measures": many("measures", "Measure"),
        "policies": {"type": "array", "maxItems": MOST["policies"], "items": {"$ref": REF.format(model="Policy")}},
        "rates": {**named, "maxProperties": MOST["rates"], "additionalProperties": TypeAdapter(RateSeries).json_schema()},
        "accept": {"type": "array", "maxItems": MOST["accept"], "items": {"$ref": REF.format(model="Accepted")}},
    }
