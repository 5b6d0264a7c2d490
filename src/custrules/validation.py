"""From pydantic's errors to Diagnostics: one place that knows their types, so that codes and sentences stay ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from custrules.errors import Diagnostic, Faults, MoneyError
from custrules.fields import MAX_NAME, describe

Loc = tuple[int | str, ...]
Value = TypeVar("Value")
Part = TypeVar("Part")


def path_text(loc: Sequence[int | str]) -> str:
    """A place inside data as text: ``policies[2].levels[0].enter``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or ''."""
    if len(word) > MAX_NAME:
        return ""
    return next(iter(get_close_matches(word, sorted(known), n=1, cutoff=0.6)), "")


def read_argument(read: Callable[[object], Value], value: object, name: str, family: str, error: Callable[[list[Diagnostic]], Faults]) -> Value:
    """A value given in code; what ``error`` makes of its fault, at ``name`` and in the codes of ``family``, otherwise."""
    try:
        return read(value)
    except PydanticCustomError as bad:
        params = {key: found for key, found in (bad.context or {}).items() if key != "code"}
        raise error([Diagnostic(in_family(bad.type, family), name, params)]) from None


def located(error: ValidationError, model: type[BaseModel] | None = None) -> list[tuple[Loc, Diagnostic]]:
    """Every fault of a validation, with its place as pydantic tells it and as a Diagnostic without source and line."""
    return [(fault["loc"], _diagnostic(fault, model)) for fault in error.errors(include_url=False)]


def diagnostics_of(error: ValidationError, family: str, model: type[BaseModel] | None = None, prefix: Loc = ()) -> list[Diagnostic]:
    """Every fault of a validation as a Diagnostic whose path begins with ``prefix``; codes in ``family`` (event, state)."""
    return [Diagnostic(in_family(found.code, family), path_text(prefix + loc), found.params) for loc, found in located(error, model)]


def in_family(code: str, family: str) -> str:
    return f"{family}.{code.removeprefix('document.')}" if code.startswith("document.") else code


def _diagnostic(fault: Any, model: type[BaseModel] | None) -> Diagnostic:
    kind, loc, found = fault["type"], fault["loc"], fault.get("input")
    if "." in kind:
        params = {name: value for name, value in fault.get("ctx", {}).items() if name != "code"}
        return Diagnostic(kind, params=params)
    if kind == "money":
        return Diagnostic("document.bad_money", params={"reason": fault["ctx"]["reason"]})
    if kind == "value_error" and isinstance(fault["ctx"]["error"], MoneyError):  # a sum of many amounts that is too large
        return Diagnostic("document.bad_money", params={"reason": str(fault["ctx"]["error"])})
    if kind == "missing":
        choices = _choices_at(model, loc)
        return Diagnostic("document.missing_field", params={"field": loc[-1]} | ({"choices": ", ".join(choices)} if choices else {}))
    if kind == "extra_forbidden":
        around = model_at(model, loc[:-1])
        known = [*spelled(around), *getattr(around, "spellings", ())] if around else []
        word = str(loc[-1])
        if word in getattr(around, "later_fields", ()):
            return Diagnostic("document.not_available", params={"what": f"the field '{word}'"})
        return Diagnostic("document.unknown_field", params={"field": word, "known": ", ".join(sorted(known)), "nearest": nearest(word, known)})
    if kind == "too_long":
        return Diagnostic("document.wrong_length", params={"found": fault["ctx"].get("actual_length", "?"), "limit": fault["ctx"]["max_length"]})
    if kind == "too_short":
        return Diagnostic("document.too_few", params={"found": fault["ctx"]["actual_length"], "least": fault["ctx"]["min_length"]})
    expected = _EXPECTED.get(kind, kind.replace("_", " "))
    if expected == "a mapping" and isinstance(found, str) and "name" in spelled_at(model, loc):
        expected = f"a mapping such as {{name: {found[:MAX_NAME]}}}"
    return Diagnostic("document.wrong_type", params={"expected": expected, "found": describe(found)})


_EXPECTED = {
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "none_required": "nothing",
}


def spelled(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model as documents spell them: ``from`` is no name in Python."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def spelled_at(model: type[BaseModel] | None, loc: Loc) -> dict[str, FieldInfo]:
    """The fields of the model at a place; none where there is no model."""
    found = model_at(model, loc)
    return spelled(found) if found is not None else {}


def model_at(model: type[BaseModel] | None, loc: Loc) -> type[BaseModel] | None:
    """The model at a place inside a model, as far as its annotations tell."""
    for part in loc:
        if model is None:
            return None
        if isinstance(part, str):
            info = spelled(model).get(part)
            model = _model_inside(info.annotation) if info else None
    return model


def _choices_at(model: type[BaseModel] | None, loc: Loc) -> tuple[str, ...]:
    """The words that a field may be, where it is one of a few."""
    info = spelled_at(model, loc[:-1]).get(str(loc[-1]))
    return _choices(info.annotation) if info is not None else ()


def _choices(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(str(choice) for choice in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        first = next(iter(annotation.model_fields.values()), None)
        return _choices(first.annotation) if first is not None and hasattr(annotation, "_short_form") else ()
    return next((found for inner in get_args(annotation) if (found := _choices(inner))), ())


def _model_inside(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    arguments = getattr(annotation, "__args__", ())
    return next((model for argument in arguments if (model := _model_inside(argument))), None)


def inside(value: object, kind: type[Part], path: Loc = ()) -> list[tuple[Loc, Part]]:
    """Every part of a kind inside a model (or a part of one) with its path; of what stands inside such a part nothing is told."""
    if isinstance(value, kind):
        return [(path, value)]
    return [found for step, item in _parts(value) for found in inside(item, kind, (*path, step))]


def _parts(value: object) -> Iterable[tuple[int | str, object]]:
    if isinstance(value, BaseModel):
        return [(name, getattr(value, name)) for name in type(value).model_fields]
    if isinstance(value, Mapping):
        return [(str(name), item) for name, item in value.items()]
    return enumerate(value) if isinstance(value, tuple) else ()
