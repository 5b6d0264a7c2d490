"""The levels of a flag, in order: the more a customer seems to be leaving, the higher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from custrules.errors import Diagnostic
from custrules.fields import NAME_SCHEMA, Name, Title

NO_LEVEL = -1
_NAMES = WithJsonSchema({"anyOf": [dict(NAME_SCHEMA), {"type": "array", "items": dict(NAME_SCHEMA), "maxItems": 100}]})


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_written(value: tuple[str, ...]) -> str | list[str]:
    return value[0] if len(value) == 1 else list(value)


class FlagLevel(BaseModel):
    """A level of a flag. ``was``: the name, or names, that an earlier version called it by."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: Title = ""
    was: Annotated[tuple[Name, ...], BeforeValidator(_one_or_several), PlainSerializer(_as_written), Field(max_length=100), _NAMES] = ()


def rank_of(levels: Sequence[FlagLevel], name: str | None) -> int:
    """The rank of a level by its name, or by what it was called before; NO_LEVEL where there is none of that name."""
    return next((rank for rank, level in enumerate(levels) if name is not None and (name == level.name or name in level.was)), NO_LEVEL)


def level_faults(levels: Sequence[FlagLevel]) -> Iterator[Diagnostic]:
    """Names that are taken, or mean something else."""
    taken: set[str] = set()
    names = [level.name for level in levels]
    for index, level in enumerate(levels):
        if level.name in names[:index]:
            yield Diagnostic("document.name_taken", f"levels[{index}].name", {"name": level.name})
        if level.name in ("none", "absent"):
            yield Diagnostic("document.reserved_id", f"levels[{index}].name", {"id": level.name})
        for name in level.was:
            if name in taken or name in names:
                yield Diagnostic("document.name_taken", f"levels[{index}].was", {"name": name})
            taken.add(name)
