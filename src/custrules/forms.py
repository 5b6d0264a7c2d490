"""Forms of fields beyond a plain scalar: numbers within bounds, what may be written shortly, and never."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from types import UnionType
from typing import Any, TypeVar

from pydantic import BeforeValidator, SerializerFunctionWrapHandler, WrapSerializer

from custrules.fields import wrong_type

N = TypeVar("N", int, Decimal, Fraction)


def within(read: Callable[[object], N], expected: str, fits: Callable[[N], bool]) -> Callable[[object], N]:
    """A reader of numbers that takes only those that fit; of another one it says what was ``expected``."""

    def check(value: object) -> N:
        number = read(value)
        if not fits(number):
            raise wrong_type(expected, value)
        return number

    return check


def short_form(kind: type, value: Any, field: str, expected: str, short: type | UnionType = str) -> Any:
    """What a model of a kind is read from: of what is written shortly, its one ``field``; another value than a mapping is refused."""
    if isinstance(value, short):
        return {field: value}
    if not isinstance(value, Mapping | kind):
        raise wrong_type(expected, value)
    return value


def _read_never(value: object) -> object:
    return None if value == "never" else value


def _write_never(value: object, write: SerializerFunctionWrapHandler) -> object:
    return "never" if value is None else write(value)


OR_NEVER = (BeforeValidator(_read_never), WrapSerializer(_write_never))  # of a field that is None where a document says never
