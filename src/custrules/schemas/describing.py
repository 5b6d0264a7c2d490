"""Words beside the fields of documents: ``fields_en.toml`` and ``fields_zh.toml``, by owner and field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel

from custrules import messages
from custrules.events import Event
from custrules.policy import Policy
from custrules.validation import spelled

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def owner(model: type[BaseModel]) -> str:
    """Under which name the words for a class stand: a policy's kind, an event's type, else its name in snake_case."""
    if issubclass(model, Policy):
        return model.kind or "policy"
    if issubclass(model, Event):
        return f"event.{model.model_fields['type'].default}" if model is not Event else "event"
    return _HUMP.sub("_", model.__name__).lower()


def told(model: type[BaseModel], field: str, lang: str) -> str:
    """What a field is for: our words for it, a base class's, or what its own class says (in whatever language); '' for none."""
    words, field = _words(lang), spelling(model, field)
    owners = [owner(kind) for kind in model.__mro__ if issubclass(kind, BaseModel) and kind is not BaseModel]
    found = next((words[f"{name}.{field}"] for name in owners if f"{name}.{field}" in words), "")
    return found or spelled(model)[field].description or ""


def spelling(model: type[BaseModel], field: str) -> str:
    """A field as documents spell it."""
    info = model.model_fields.get(field)
    return info.alias or field if info is not None else field


def about(model: type[BaseModel], lang: str) -> str:
    """What a class is for; the first lines of its docstring where we have no words for it."""
    return _words(lang).get(owner(model)) or (model.__doc__ or "").strip().partition("\n\n")[0].replace("``", "`")


def words(key: str, lang: str) -> str:
    """Words for what is no field of a class: a section, a key of scenarios. KeyError where there are none."""
    return _words(lang)[key]


@lru_cache(maxsize=4)
def _words(lang: str) -> Mapping[str, str]:
    found: dict[str, Any] = tomllib.loads(files(messages).joinpath(f"fields_{lang}.toml").read_text("utf-8"))
    return {key: str(text) for key, text in found.items()}
