"""The tree as documents write it: facts mapped to cells, combined by ``all``, ``any`` and ``not``; not yet typed against facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from custrules.conditions.cells import BadCell, Cell, quoted_cell, read_cell
from custrules.errors import DocumentError
from custrules.fields import MAX_NAME, Frozen, describe, fault, read_name
from custrules.validation import Loc, diagnostics_of

MAX_LEAVES = 200
MAX_DEPTH = 10
MAX_CONDITIONS = MAX_LEAVES * MAX_DEPTH

Entry: TypeAlias = "Cell | Condition | tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as the document has it: every entry must hold.

    ``entries`` maps a fact to its Cell, ``all`` and ``any`` to their Conditions and ``not`` to its Condition, in the order
    written; two conditions that differ in that order alone are equal. A field of this type reads itself from a mapping.
    """

    entries: Frozen

    @classmethod
    def of(cls, data: object) -> Self:
        """Reads the document form; DocumentError with every fault."""
        try:
            return cast(Self, _validated(data))
        except ValidationError as error:
            raise DocumentError(diagnostics_of(error, "document")) from None

    @property
    def facts(self) -> frozenset[str]:
        """The names of all facts that the condition reads."""
        return frozenset(name for name, _ in self.leaves())

    def leaves(self) -> Iterator[tuple[str, Cell]]:
        """Every fact with its cell, in document order."""
        for key, entry in self.entries.items():
            if isinstance(entry, Cell):
                yield key, entry
            else:
                for child in entry if isinstance(entry, tuple) else (entry,):
                    yield from child.leaves()

    def document(self) -> dict[str, Any]:
        """The document form, of dicts, lists and texts; reading it gives an equal condition."""
        return {key: _entry_document(entry) for key, entry in self.entries.items()}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _validated, serialization=core_schema.plain_serializer_function_ser_schema(Condition.document)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        cell = {"type": ["string", "number", "boolean", "array"], "description": 'gold, ">= 200", "[300..1000)", [app, wechat], "not(a, b)", missing'}
        some = {"type": "array", "items": {"type": "object"}, "minItems": 1}
        combined = {"all": some, "any": some, "not": {"type": "object"}}
        return {"type": "object", "minProperties": 1, "properties": combined, "additionalProperties": cell}


def _entry_document(entry: Entry) -> Any:
    if isinstance(entry, Cell):
        return entry.document
    if isinstance(entry, Condition):
        return entry.document()
    return [child.document() for child in entry]


def _validated(data: object) -> Condition:
    """A Condition out of its document form; ValidationError with every fault and its place."""
    reader = _Reader()
    condition = reader.condition(data, (), 1)
    reader.finish(data)
    assert condition is not None
    return condition


class _Reader:
    """Reads a mapping into a Condition, noting every fault with its place; work is bounded, whatever is given."""

    def __init__(self) -> None:
        self._faults: list[InitErrorDetails] = []
        self._leaves = self._conditions = 0

    def finish(self, data: object) -> None:
        for what, found, most in (("cells", self._leaves, MAX_LEAVES), ("conditions", self._conditions, MAX_CONDITIONS)):
            if found > most:
                self._note(_too_big(what, found, most), (), data)
        if self._faults:
            raise ValidationError.from_exception_data("Condition", self._faults)

    def condition(self, data: object, loc: Loc, depth: int) -> Condition | None:
        self._conditions += 1
        if isinstance(data, Condition):
            data = data.document()  # one built by hand passes the same gate
        if depth > MAX_DEPTH:
            self._note(_too_big("depth", depth, MAX_DEPTH), loc, data)
            return None
        if not isinstance(data, Mapping):
            self._note(_bad('a mapping of facts to cells, such as {spend_12m: ">= 500"}', data), loc, data)
            return None
        if not data:
            self._note(_bad("at least one fact with its cell", data), loc, data)
            return None
        entries = {key: self._entry(key, value, (*loc, str(key)), depth) for key, value in data.items() if not self._full}
        return Condition(Frozen(entries))

    @property
    def _full(self) -> bool:
        return self._leaves > MAX_LEAVES or self._conditions > MAX_CONDITIONS

    def _entry(self, key: object, value: object, loc: Loc, depth: int) -> Entry | None:
        if key == "not":
            return self.condition(value, loc, depth + 1)
        if key in ("all", "any"):
            return self._list(value, loc, depth)
        self._leaves += 1
        if not is_fact_name(key):
            self._note(_bad("the name of a fact, or all, any, not", key), loc, value)
            return None
        return self._cell(str(key), value, loc)

    def _list(self, value: object, loc: Loc, depth: int) -> Entry | None:
        if not isinstance(value, list | tuple) or not value:
            self._note(_bad("a list of at least one condition", value), loc, value)
            return None
        children = [self.condition(item, (*loc, index), depth + 1) for index, item in enumerate(value) if not self._full]
        return tuple(child for child in children if child)

    def _cell(self, fact: str, value: object, loc: Loc) -> Cell | None:
        try:
            return read_cell(value)
        except BadCell as bad:
            place, quoted = (loc, value) if bad.item is None else ((*loc, bad.item), _item_of(value, bad.item))
            self._note(bad_cell(fact, quoted, bad), place, quoted)
            return None

    def _note(self, error: PydanticCustomError, loc: Loc, found: object) -> None:
        self._faults.append({"type": error, "loc": loc, "input": found})


def is_fact_name(key: object) -> bool:
    """Whether a key can name a fact: names joined by dots, such as ``tier`` or ``stored_value.principal``."""
    if not isinstance(key, str) or len(key) > MAX_NAME:
        return False
    try:
        return bool([read_name(part) for part in key.split(".")])
    except PydanticCustomError:
        return False


def _item_of(value: object, item: int) -> object:
    return value[item] if isinstance(value, list | tuple) else value


def _bad(expected: str, found: object) -> PydanticCustomError:
    return fault("document.bad_condition", expected=expected, found=describe(found))


def bad_cell(fact: str, value: object, bad: BadCell) -> PydanticCustomError:
    """The fault of a cell that cannot be read, or is too big."""
    if bad.limit:
        return _too_big(*bad.limit)
    return fault("document.bad_cell", fact=fact, cell=quoted_cell(value), expected=bad.expected, nearest=bad.nearest)


def _too_big(what: str, found: int, most: int) -> PydanticCustomError:
    return fault("document.condition_too_big", what=what, found=found, most=most)
