"""The schema of a file of scenarios: given, when, then; every event by its class, with ``at`` for when it happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custrules.documents.document import LATER_EVENTS
from custrules.events import KINDS as EVENTS
from custrules.events import Event
from custrules.fields import DAY_SCHEMA, NAME_SCHEMA, TEXT_SCHEMA, WHOLE_SCHEMA
from custrules.messages import LANGUAGES
from custrules.schemas import describing
from custrules.schemas.drawing import DRAFT, REF, described, drawn
from custrules.testing.scenario_checks import PLANNED
from custrules.testing.scenario_events import TIME_STEPS
from custrules.testing.scenario_file import SUBJECT_KINDS
from custrules.testing.scenario_then import VERDICTS

_UNWRITTEN = ("type", "customer_id", "occurred_at", "decided_at", "attributes")
_SENT = {"new_day", "tick", "activity"}
_FILLED_IN = {"type": "string", "pattern": "^\\$[^\\s]+$"}  # a cell of the examples
_NUMBER = {"type": ["number", "string"]}


def scenarios_schema(lang: str) -> dict[str, Any]:
    events = {name: kind for name, kind in EVENTS.items() if name not in _SENT and name not in LATER_EVENTS}
    parts = drawn(events.values(), lang)
    for condition in ("Condition", "Cell"):
        parts.pop(condition)
    for kind in events.values():
        parts[kind.__name__] = _as_written(parts[kind.__name__], kind, lang)
    definitions = {name: _fillable(part) for name, part in parts.items()} | _shapes(events, lang)
    path = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    sections: dict[str, Mapping[str, Any]] = {"program": path, "scenarios": {"type": "array", "items": {"$ref": REF.format(model="Scenario")}}}
    return {
        "$schema": DRAFT,
        "title": describing.words("scenarios", lang),
        "type": "object",
        "required": ["scenarios"],
        "properties": {name: described(part, describing.words(f"scenarios.{name}", lang)) for name, part in sections.items()},
        "additionalProperties": False,
        "definitions": definitions,
    }


def _as_written(schema: dict[str, Any], kind: type[Event], lang: str) -> dict[str, Any]:
    """An event as scenarios write it: ``at`` and ``customer``, an id where something refers to it, and repeats."""
    fields = {name: part for name, part in schema["properties"].items() if name not in _UNWRITTEN}
    if "tenders" in fields:
        fields["tenders"] = {
            "anyOf": [fields["tenders"], {"type": "object", "minProperties": 1}],
            "description": fields["tenders"].get("description", ""),
        }
    written = {"at": _instant(), "id": TEXT_SCHEMA, "customer": NAME_SCHEMA, "every": {"type": "string"}, "times": WHOLE_SCHEMA, "until": DAY_SCHEMA}
    if "until" in kind.model_fields:  # the last day of a grant, unless the event is repeated
        written.pop("until")
    head = {name: described(part, describing.words(f"scenarios.event.{name}", lang)) for name, part in written.items()}
    required = ["at", *(name for name in schema.get("required", []) if name in fields and name != "id")]
    return {**schema, "properties": {**head, **fields}, "required": required}


def _instant() -> dict[str, Any]:
    return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].+)?$", "examples": ["2026-03-31", "2026-03-31T10:00"]}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": REF.format(model=name)}


def _told(parts: Mapping[str, Mapping[str, Any]], where: str, lang: str) -> dict[str, Any]:
    """The parts of a mapping, each with what it means."""
    return {name: described(part, describing.words(f"{where}.{name}", lang)) for name, part in parts.items()}


def _shapes(events: Mapping[str, type[Event]], lang: str) -> dict[str, Any]:
    happening = {name: _ref(kind.__name__) for name, kind in events.items()}
    activity = {"type": "object", "required": ["at"]}
    time = {name: _fillable(_instant() if name != "day_end" else DAY_SCHEMA) for name in TIME_STEPS if name in ("day_end", "advance")}
    days = {"from": _fillable(DAY_SCHEMA), "days": _fillable(WHOLE_SCHEMA)}
    planned = {"type": "object", "required": ["from"], "properties": days, "additionalProperties": False}
    given = {"type": "object", "minProperties": 1, "maxProperties": 1, "properties": happening, "additionalProperties": activity}
    when = {**given, "properties": {**_told({**time, "quote": _ref("Given"), "plan": planned}, "scenarios.when", lang), **happening}}
    step = _told({"when": when, "then": _ref("Then")}, "scenarios.step", lang)
    scenario = _told(_scenario(), "scenario", lang)
    return {
        "Scenario": {"type": "object", "required": ["name", "steps"], "properties": scenario, "additionalProperties": False},
        "Given": given,
        "Step": {"type": "object", "required": ["when"], "properties": step, "additionalProperties": False},
        "Then": _then(lang),
    }


def _scenario() -> dict[str, Any]:
    profile = {"type": "object"}
    kinds = {"enum": list(SUBJECT_KINDS)}
    return {
        "name": TEXT_SCHEMA,
        "tags": {"anyOf": [TEXT_SCHEMA, {"type": "array", "items": TEXT_SCHEMA}]},
        "customer": profile,
        "customers": {"type": "object", "minProperties": 1, "additionalProperties": profile},
        "subjects": {"type": "object", "additionalProperties": {"type": "object", "required": ["kind"], "properties": {"kind": _fillable(kinds)}}},
        "opening": {"type": "object"},
        "given": {"type": "array", "items": _ref("Given")},
        "steps": {"type": "array", "items": _ref("Step"), "minItems": 1},
        "examples": {"type": "string"},
    }


def _then(lang: str) -> dict[str, Any]:
    codes = {"type": "string", "pattern": "\\.|^\\$"}
    words = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    keys = {
        "refused": codes,
        "declined": codes,
        "because": {"anyOf": [codes, {"type": "array", "items": codes, "minItems": 1}]},
        "unchanged": words,
        "verdict": _fillable({"enum": list(VERDICTS)}),
        "says": {"type": "object", "properties": {key: {"type": "string"} for key in LANGUAGES}, "additionalProperties": False},
        "task": {"type": "string"},
        "absent": words,
        "touchpoints": words,
        "plan": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": _planned(codes), "additionalProperties": False}},
    }
    told = {name: described(part, describing.words(f"scenarios.then.{name}", lang)) for name, part in keys.items()}
    return {"type": "object", "properties": told, "description": describing.words("scenarios.then", lang)}


def _planned(codes: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {key: {"type": "string"} for key in PLANNED}
    return fields | {"because": {"anyOf": [codes, {"type": "array", "items": codes, "minItems": 1}]}}


def _fillable(schema: Any) -> Any:
    """A schema in which every scalar may also be a cell of the examples: $name."""
    if not isinstance(schema, dict) or "$ref" in schema:
        return schema
    if "properties" in schema:
        return {**schema, "properties": {name: _fillable(part) for name, part in schema["properties"].items()}}
    inner = {key: _fillable(schema[key]) for key in ("items", "additionalProperties") if key in schema}
    if any(key in schema for key in ("pattern", "enum", "const")):
        outside = {key: schema[key] for key in ("description", "default") if key in schema}
        return {"anyOf": [{key: value for key, value in schema.items() if key not in outside}, _FILLED_IN], **outside}
    if "anyOf" in schema:
        inner["anyOf"] = [*map(_fillable, schema["anyOf"]), _FILLED_IN]
    return {**schema, **inner}
