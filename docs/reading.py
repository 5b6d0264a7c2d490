"""What the code says of itself: fields of models with their types and defaults, signatures, codes of reasons."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, WithJsonSchema

import custrules
from custrules import event_fields, fields
from custrules.calendars import Length, Span, Window
from custrules.conditions import Condition
from custrules.events import Event
from custrules.money import Money, Rounding
from custrules.policies import KINDS
from custrules.policies.points import account, accrual, redemption
from custrules.policies.tiers import ladder, reviews, rules
from custrules.schemas.describing import spelling, told
from custrules.tallying import RETURNS

Model: TypeAlias = type[BaseModel]
KINDS_OF_TEXT: tuple[tuple[Any, str], ...] = (
    (fields.Whole, "whole"),
    (fields.Number, "number"),
    (fields.Rate, "rate"),
    (fields.Flag, "flag"),
    (fields.Day, "day"),
    (fields.Instant, "instant"),
    (fields.Text, "text"),
    (fields.Name, "name"),
    (fields.Title, "title"),
    (event_fields.Id, "id"),
    (event_fields.EventId, "id"),
    (event_fields.Scalars, "scalars"),
    (event_fields.Profile, "profile"),
    (event_fields.Tags, "tags"),
    (event_fields.Quantity, "quantity"),
    (event_fields.Positive, "positive"),
    (accrual.Rates, "rates"),
)
CLASSES: Mapping[Any, str] = {
    Length: "length",
    Span: "span",
    Window: "window",
    accrual.Period: "period",
    Condition: "condition",
    Money: "money",
    int: "until_31",
    bool: "flag",
    str: "text",
}
BY_PLACE = {
    (account.Account, "expiry"): "span_or_never",
    (account.Account, "debt"): "owed",
    (ladder.Ladder, "term"): "span_or_none",
    (ladder.Ladder, "downgrade"): "downgrade",
    (ladder.Ladder, "legacy"): "legacy",
    (reviews.Watch, "then"): "downgrade",
    (rules.LevelRule, "was"): "names",
    (redemption.Redemption, "max_share"): "share",
    (redemption.Value, "money"): "amount",
}
"""Types that say more than their annotation does."""
INTERNAL = ("change_order", "effect", "fork", "forget_seen", "grammar", "known_from", "move", "rulebook", "saw")
"""Members without an underscore that the library itself uses."""


@dataclass(frozen=True)
class Words:
    """The words of one language, by name."""

    lang: str
    texts: Mapping[str, Any]

    def heading(self, name: str) -> str:
        return str(self.texts["headings"][name])

    def text(self, name: str) -> str:
        return str(self.texts["text"][name])


def plain(text: str) -> str:
    """A sentence as Markdown shows it: parameters in code, and what Markdown would take for its own escaped."""
    parts = re.split(r"(\{[a-z_]+\})", text)
    return "".join(f"`{part}`" if re.fullmatch(r"\{[a-z_]+\}", part) else re.sub(r"([*_<>])", r"\\\1", part) for part in parts)


def own_fields(model: Model, base: Model | None = None) -> list[str]:
    """Names of a model's fields, without those of its base and without an event's ``type``, which is fixed."""
    inherited = set(base.model_fields) if base is not None else {"type"} if issubclass(model, Event) else set()
    return [name for name in model.model_fields if name not in inherited]


def inner_models(model: Model) -> Iterator[tuple[str, Model]]:
    """The models that a policy's fields are lists of, or are, each once, with the field."""
    seen: set[Model] = set()
    for name in model.model_fields:
        for found in _models_in(_hint(model, name)):
            if found not in seen:
                seen.add(found)
                yield name, found


def _models_in(hint: Any) -> Iterator[Model]:
    if _is_model(hint):
        yield hint
    for inner in get_args(hint):
        yield from _models_in(inner)


def _is_model(hint: Any) -> bool:
    """Whether a type is a model that is written as a mapping of fields; those in ``CLASSES`` have a short form."""
    return isinstance(hint, type) and issubclass(hint, BaseModel) and hint not in CLASSES


def _hint(model: Model, name: str) -> Any:
    return get_type_hints(model, include_extras=True)[name]


def field_rows(model: Model, said: Words, names: Iterable[str]) -> Iterator[list[str]]:
    """Field, type, default and meaning."""
    for name in names:
        kind = BY_PLACE.get((model, name))
        shown = str(said.texts["types"][kind]) if kind is not None else type_words(_hint(model, name), said)
        yield [f"`{spelling(model, name)}`", shown, default_words(model, name, said), plain(told(model, name, said.lang))]


def default_words(model: Model, name: str, said: Words) -> str:
    info = model.model_fields[name]
    if info.is_required():
        return str(said.texts["required"])
    value = info.default
    if value is None or value in ((), "") or isinstance(value, fields.Frozen) or name in ("amount", "occurred_at", "id"):
        return str(said.texts["nothing"])
    if isinstance(value, BaseModel):
        return f"`{value.model_dump()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def type_words(hint: Any, said: Words) -> str:
    """A type as the reader of a document needs it."""
    types = said.texts["types"]
    known = next((name for alias, name in KINDS_OF_TEXT if _is(hint, alias)), None)
    if known is not None:
        return str(types[known])
    origin = get_origin(hint)
    if origin is Annotated:
        drawn = next((said_so for said_so in hint.__metadata__ if isinstance(said_so, WithJsonSchema)), None)
        return type_words(get_args(hint)[0], said) if drawn is None else drawn_words((drawn.json_schema or {}).get("type"), said)
    if origin is Literal:
        return str(said.texts["comma"]).join(f"`{choice}`" for choice in get_args(hint))
    if origin is tuple:
        inner = get_args(hint)[0]
        return str(said.texts["rows"] if _is_model(inner) else said.texts["list_of"].format(type_words(inner, said)))
    if origin is Union or isinstance(hint, type(int | str)):
        return f" {said.texts['or']} ".join(type_words(part, said) for part in get_args(hint) if part is not type(None))
    if hint is Rounding:
        return str(said.texts["comma"]).join(f"`{choice}`" for choice in Rounding)
    if isinstance(hint, type) and hint in CLASSES:
        return str(types[CLASSES[hint]])
    if _is_model(hint):
        return str(said.texts["row"])
    if origin is not None and issubclass(origin, Mapping):
        return str(types["consent"])
    return str(types["text"])


def drawn_words(kind: str | list[str] | None, said: Words) -> str:
    """A type of which only its JSON Schema is known."""
    types = said.texts["drawn"]
    return f" {said.texts['or']} ".join(types[name] for name in ([kind] if isinstance(kind, str) else kind or ["string"]))


def _is(hint: Any, alias: Any) -> bool:
    """Whether a type is an alias, or that alias with more said about it."""
    if get_origin(hint) is not Annotated:
        return False
    mine, other = hint.__metadata__, alias.__metadata__
    return bool(get_args(hint)[0] == get_args(alias)[0] and mine[: len(other)] == other)


# -- codes -------------------------------------------------------------------------------------------------------------


def codes_of_reasons(codes: Iterable[str]) -> frozenset[str]:
    """Those of the codes that a Reason can have: those of the policies' families, and what the kernel itself refuses with."""
    families = {kind.partition(".")[0] for kind in KINDS} | {RETURNS}
    return frozenset(code for code in codes if code.partition(".")[0] in families or code in _refusals())


@lru_cache(maxsize=1)
def _refusals() -> frozenset[str]:
    folder = Path(inspect.getfile(custrules)).parent
    return frozenset(code for path in folder.rglob("*.py") for code in _made_in(ast.parse(path.read_text("utf-8"))))


def _made_in(tree: ast.AST) -> Iterator[str]:
    """Codes that stand as text in the first argument of what makes reasons."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("reason", "OrderFault") and node.args:
            yield from (leaf.value for leaf in ast.walk(node.args[0]) if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str))


# -- the public API ----------------------------------------------------------------------------------------------------


def signature_of(name: str, thing: Any) -> str:
    """How a public name is called; a class that is not made by hand is only named."""
    if inspect.isfunction(thing):
        return f"{name}{_signature(thing)}"
    if isinstance(thing, type) and not issubclass(thing, BaseModel | BaseException | Enum) and not getattr(thing, "__abstractmethods__", None):
        return f"class {name}{_signature(thing)}"
    return f"class {name}"


def _signature(thing: Any) -> str:
    try:
        shown = inspect.signature(thing)
    except ValueError:
        return ""
    plain = [parameter.replace(annotation=parameter.empty) for parameter in shown.parameters.values() if parameter.name not in ("self", "cls")]
    return str(shown.replace(parameters=plain, return_annotation=shown.empty))


def summary_of(thing: Any) -> str:
    """The docstring as Markdown."""
    text = inspect.getdoc(thing) or ""
    return text.replace("``", "`")


def api_members(thing: Any) -> Iterator[tuple[str, str]]:
    """Public methods, properties and attributes of a class of ours, each with the first paragraph of its docstring."""
    if not isinstance(thing, type) or issubclass(thing, BaseException | Event):
        return
    if issubclass(thing, Enum):
        yield from ((name, "") for name in thing.__members__)
        return
    for name in _member_names(thing):
        member = inspect.getattr_static(thing, name, None)
        doc = (inspect.getdoc(member) or "").partition("\n\n")[0].replace("\n", " ").replace("``", "`")
        if isinstance(member, staticmethod | classmethod) or inspect.isfunction(member):
            yield f"{name}{_signature(getattr(thing, name))}", doc
        else:
            yield name, doc if isinstance(member, property) else ""


def _member_names(thing: type) -> list[str]:
    """In the order of the source; of a model, its methods only: what its fields are stands on other pages."""
    own = [base for base in thing.__mro__ if base.__module__.startswith("custrules.")]
    names = [name for base in own for name in (*inspect.get_annotations(base), *base.__dict__)]
    shown = [name for name in dict.fromkeys(names) if not name.startswith("_") and name not in INTERNAL]
    if not issubclass(thing, BaseModel):
        return shown
    return [name for name in shown if callable(getattr(thing, name, None)) and name not in thing.model_fields]
