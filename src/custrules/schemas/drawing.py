"""Classes -> JSON Schema, draft 7: pydantic's, made fit for what documents really take, with our words beside every field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from custrules.conditions import Condition, Table
from custrules.fields import FLAG_SCHEMA, NUMBER_SCHEMA, WHOLE_SCHEMA
from custrules.schemas import describing
from custrules.validation import spelled

DRAFT = "http://json-schema.org/draft-07/schema#"
REF = "#/definitions/{model}"
_TAKEN_AS: Mapping[str, Mapping[str, Any]] = {"integer": WHOLE_SCHEMA, "number": NUMBER_SCHEMA, "boolean": FLAG_SCHEMA}
_CELL = {"type": ["string", "number", "boolean"]}


class Drawing(GenerateJsonSchema):
    """A type without a schema takes anything; there is no null in a document, and a default that is none is not told."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def emit_warning(self, kind: Any, detail: str) -> None:
        """A default that is no JSON is left out, as it should be."""


_WORDS: tuple[str, ...] = ("Span", "Expiry", "Pending", "Debt", "Term", "Output", "Downgrade", "Legacy", "Closing", "Reopening")
_WORDS += ("RefundFee", "RefundPayout", "RefundBonus", "Occasion")  # also written as one word


def drawn(models: Iterable[type[BaseModel]], lang: str) -> dict[str, JsonSchemaValue]:
    """A definition for each class and for all that they are made of, by the class's name; conditions among them."""
    roots = list(models)
    mode: JsonSchemaMode = "validation"
    _, told = models_json_schema([(model, mode) for model in roots], ref_template=REF, schema_generator=Drawing)
    classes = {model.__name__: model for root in roots for model in made_of(root)}
    found = {name: _fit(schema) for name, schema in told.get("$defs", {}).items()}
    for name, schema in found.items():
        if name in classes:
            _describe(schema, classes[name], lang)
    for name in _WORDS:
        if name in found:
            found[name] = {"anyOf": [{"type": "string"}, found[name]], "description": found[name].pop("description")}
    for name, model in classes.items():
        if issubclass(model, Table) and name in found:
            _spelled_otherwise(found[name], lang)
    return found | _conditions(lang)


def _spelled_otherwise(schema: dict[str, Any], lang: str) -> None:
    """A table's rows may stand as text or in a file, whose head names the columns."""
    columns = ("inputs", "outputs", "rows")
    schema["properties"] |= {form: {"type": "string", "description": describing.words(f"table.{form}", lang)} for form in Table.spellings}
    schema["required"] = [name for name in schema.get("required", []) if name not in columns]
    schema["anyOf"] = [{"required": [form]} for form in Table.spellings] + [{"required": list(columns)}]


def made_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A class, and every class in its fields."""
    yield model
    for field in model.model_fields.values():
        for inner in _models_in(field.annotation):
            yield from made_of(inner)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _fit(schema: Any) -> Any:
    """A schema without titles and null defaults, whose scalars may also be written as text, whose conditions are a reference."""
    if isinstance(schema, list):
        return [_fit(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("properties") == _condition_inline()["properties"]:
        return {"$ref": REF.format(model="Condition")}
    kept = {key: _fit(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    if "properties" in schema:
        kept["properties"] = {name: _fit(part) for name, part in schema["properties"].items()}
    if kept.get("default", ...) in (None, ""):
        del kept["default"]
    return _scalar(kept)


def _scalar(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _TAKEN_AS and "pattern" not in schema:
        return {key: value for key, value in schema.items() if key != "type"} | dict(_TAKEN_AS[kind])
    return schema


@cache
def _condition_inline() -> dict[str, Any]:
    """How a condition is drawn where it stands; only compared with, never given away."""
    return TypeAdapter(Condition).json_schema()


def _describe(schema: dict[str, Any], model: type[BaseModel], lang: str) -> None:
    schema["description"] = describing.about(model, lang)
    for name, part in schema.get("properties", {}).items():
        said = describing.told(model, name, lang) if name in spelled(model) else ""
        schema["properties"][name] = described(part, said)


def described(schema: Mapping[str, Any], said: str) -> dict[str, Any]:
    """A schema with words beside it; draft 7 reads nothing beside a reference, so that one goes inside."""
    if not said:
        return dict(schema)
    if "$ref" not in schema:
        return {**schema, "description": said}
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return {"allOf": [{"$ref": schema["$ref"]}], **rest, "description": said}


def _conditions(lang: str) -> dict[str, JsonSchemaValue]:
    one = {"$ref": REF.format(model="Condition")}
    many: dict[str, Any] = {"type": "array", "items": one, "minItems": 1}
    parts: dict[str, Mapping[str, Any]] = {"all": many, "any": many, "not": one}
    cell = {"anyOf": [_CELL, {"type": "array", "items": _CELL, "minItems": 1}], "description": describing.words("cell", lang)}
    condition = {
        "type": "object",
        "minProperties": 1,
        "properties": {name: described(part, describing.words(f"condition.{name}", lang)) for name, part in parts.items()},
        "additionalProperties": {"$ref": REF.format(model="Cell")},
        "description": describing.words("condition", lang),
    }
    return {"Condition": condition, "Cell": cell}
