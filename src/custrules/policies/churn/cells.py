"""Cells on values that are no fact of a program: how often, how much, what share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from custrules.calendars import Length
from custrules.conditions import BadCell, Cell, Leaf, bind_cell, holds, read_cell
from custrules.conditions.tree import bad_cell
from custrules.errors import Diagnostic
from custrules.facts import FactType, FactValue
from custrules.fields import Frozen, wrong_type

_SCHEMA = {"type": ["string", "number", "array"], "description": '">= 0.5", "[300..1000)"'}


def _read_band(value: object) -> Cell:
    if isinstance(value, Cell):
        return value
    try:
        return read_cell(value)
    except BadCell as bad:
        raise bad_cell("", value, bad) from None


Band = Annotated[Cell, PlainValidator(_read_band), PlainSerializer(lambda cell: cell.document), WithJsonSchema(_SCHEMA)]
"""A cell such as "<= 0.5"."""


def _key(value: object) -> str:
    cell = _read_band(value)
    return cell.text


def _length(value: object) -> Length:
    return Length._validate(value)


def _read_bands(value: object) -> Frozen:
    if not isinstance(value, Mapping):
        raise wrong_type("a mapping", value)
    return Frozen({_key(name): _length(item) for name, item in value.items()})


Bands = Annotated[
    Mapping[str, Length],
    PlainValidator(_read_bands),
    PlainSerializer(lambda value: {name: str(length) for name, length in value.items()}, return_type=dict),
    WithJsonSchema({"type": "object"}),
]
"""Cells, each with a length: ``{"1": 84 days, ">= 2": 60 days}``."""


@lru_cache(maxsize=4096)
def leaf_of(cell: Cell, fact: str, kind: FactType) -> Leaf | None:
    """A cell typed; None where it does not fit, which ``band_faults`` tells."""
    return bind_cell(cell, fact, kind)[0]


def fits(cell: Cell, value: FactValue | None, kind: FactType) -> bool:
    """Whether a value is within a cell; what is missing is within none."""
    leaf = leaf_of(cell, "", kind)
    return leaf is not None and value is not None and holds(leaf, value)


def band_faults(cell: Cell, fact: str, kind: FactType, path: str) -> list[Diagnostic]:
    return bind_cell(cell, fact, kind, path)[1]
