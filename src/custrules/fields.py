"""The scalar types of documents: each reads a value from its text by one strict grammar, or from the exact Python value.

YAML, JSON and TOML hand every scalar over as text, so nothing depends on what a file format would have guessed
(21:00 is not 1260, NO is not false, 0.1 is not a binary float, 010 is not 8).
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Never, Self, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from custrules.errors import MoneyError
from custrules.money import decimal_of

MIN_YEAR, MAX_YEAR = 1900, 2199
MAX_TEXT = 2000
MAX_NAME = 100
MAX_RATE_DIGITS = 100  # of the numerator or denominator of an exact quotient


def fault(code: str, **params: object) -> PydanticCustomError:
    """The error that a field raises: a diagnostic code and its numbers, picked up where the place is known."""
    return PydanticCustomError(code, "{code}", {"code": code, **{name: str(value)[:200] for name, value in params.items()}})


def wrong_type(expected: str, found: object) -> PydanticCustomError:
    return fault("document.wrong_type", expected=expected, found=describe(found))


def describe(value: object) -> str:
    """A value as a fault quotes it: its text, or what kind of thing it is."""
    if isinstance(value, str):
        return repr(value[:60])
    if isinstance(value, Mapping):
        return "a mapping {" + ", ".join(str(key)[:20] for key in list(value)[:3]) + "}"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, int) and value.bit_length() > 256:  # Python refuses to write out very long ones
        return "a number of very many digits"
    return f"{type(value).__name__} {str(value)[:60]}"


class TextValue:
    """A value written as text in documents: subclasses give ``parse``. Two are equal when their texts are."""

    __slots__ = ()
    grammar = "text"
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        raise NotImplementedError

    @classmethod
    def _validate(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise wrong_type(cls.grammar, value)
        return cls.parse(value.strip())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._validate, serialization=core_schema.to_string_ser_schema(when_used="always"))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string"}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{type(self).__name__}.parse({str(self)!r})"


def read_whole(value: object) -> int:
    """A whole number: digits without signs other than a leading minus, leading zeros, underscores or points."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return value
    if isinstance(value, str):
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) <= 18 and (digits == "0" or digits[0] != "0"):
            return int(value)
    raise wrong_type("a whole number such as 12", value)


def read_decimal(value: object) -> Decimal:
    try:
        result = decimal_of(value)
    except MoneyError:
        raise wrong_type("a number such as 12 or 12.50", value) from None
    _, digits, exponent = result.as_tuple()
    if len(digits) > 18 or not isinstance(exponent, int) or not -18 <= exponent <= 18:
        raise wrong_type("a number of at most 18 digits", value)
    return result


def read_rate(value: object) -> Fraction:
    """An exact rate: "1.15", "1/100", "15%" or a whole number."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, str):
        numerator, slash, denominator = value.partition("/")
        if slash and _is_digits(numerator.removeprefix("-")) and _is_digits(denominator) and denominator != "0":
            return Fraction(int(numerator), int(denominator))
        if value.endswith("%"):
            return Fraction(read_decimal(value.removesuffix("%").rstrip())) / 100
    try:
        return Fraction(read_decimal(value))
    except PydanticCustomError:
        raise wrong_type('a rate such as 2, "1.15", "1/100" or 15%', value) from None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_RATE_DIGITS and (text == "0" or text[0] != "0")


def rate_text(rate: Fraction) -> str:
    """The exact text of a fraction, which ``read_rate`` reads back: a decimal where it ends within 18 digits, else p/q."""
    denominator = rate.denominator
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    places = max(twos, fives)
    digits = str(abs(rate.numerator) * 10**places // rate.denominator) if denominator == 1 and places <= 18 else ""
    if not digits or len(digits) > 18:
        return f"{rate.numerator}/{rate.denominator}"
    return plain(Decimal((rate < 0, tuple(map(int, digits)), -places)))


def plain(value: Decimal) -> str:
    """A decimal without an exponent."""
    text = str(value)
    return text if "E" not in text else f"{value:f}"


def read_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    raise wrong_type("true or false", value)


def read_day(value: object) -> date:
    """An ISO date (2026-03-31) between the years 1900 and 2199."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return check_year(value)
    if isinstance(value, str) and len(value) == 10 and value.isascii() and value[4] == value[7] == "-":
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise wrong_type("a date such as 2026-03-31", value) from None
        return check_year(day)
    raise wrong_type("a date such as 2026-03-31", value)


Dated = TypeVar("Dated", bound=date)


def check_year(value: Dated) -> Dated:
    if not MIN_YEAR <= value.year <= MAX_YEAR:
        raise fault("document.year_out_of_range", found=value.year, first=MIN_YEAR, last=MAX_YEAR)
    return value


def read_instant(value: object) -> datetime:
    """An aware datetime, kept in UTC; from text with an offset (2026-03-31T10:00:00+08:00 or ...Z)."""
    if isinstance(value, str) and 16 <= len(value) <= 40 and value.isascii() and value[4] == value[7] == "-" and value[10] in "T ":
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise wrong_type("an instant such as 2026-03-31T10:00:00+08:00", value) from None
    if not isinstance(value, datetime):
        raise wrong_type("an instant such as 2026-03-31T10:00:00+08:00", value)
    if value.tzinfo is UTC and MIN_YEAR <= value.year <= MAX_YEAR:
        return value
    if value.tzinfo is None or value.utcoffset() is None:
        raise fault("event.naive_instant", found=value.isoformat())
    return check_year(check_year(value).astimezone(UTC))


def instant_text(value: datetime) -> str:
    """UTC with a Z; fractions of a second only where there are any."""
    return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat()[:-6] + "Z"  # without +00:00


def read_text(value: object) -> str:
    if not isinstance(value, str):
        raise wrong_type("text", value)
    if not value.strip() or len(value) > MAX_TEXT or not encodable(value):
        raise wrong_type(f"text of 1 to {MAX_TEXT} characters", value)
    return value


def encodable(text: str) -> bool:
    """Whether a text can be written as UTF-8: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_name(value: object) -> str:
    """A name: letters (of any script), digits, ``_`` and ``-``, beginning with a letter."""
    if isinstance(value, str) and len(value) <= MAX_NAME and value[:1].isalpha() and value.replace("_", "").replace("-", "").isalnum():
        return value
    raise wrong_type("a name of letters, digits, _ and -", value)


def one_of(*choices: str) -> Any:
    """A validator for a word out of a closed list; pair it with a Literal type."""

    def read(value: object) -> str:
        if isinstance(value, str) and value in choices:
            return value
        raise fault("document.unknown_choice", found=describe(value), choices=", ".join(choices))

    return BeforeValidator(read)


def _serialised(write: Callable[[Any], str]) -> PlainSerializer:
    return PlainSerializer(write, return_type=str)


# What an editor may tell of a scalar before the reader does: never less than what the reader takes.
WHOLE_SCHEMA: Mapping[str, Any] = {"type": ["integer", "string"], "pattern": "^(0|-?[1-9][0-9]*|-0)$"}
NUMBER_SCHEMA: Mapping[str, Any] = {"type": ["number", "string"], "pattern": "^-?[0-9]+(\\.[0-9]+)?$"}
RATE_SCHEMA: Mapping[str, Any] = {"type": ["number", "string"], "pattern": "^-?[0-9]+(\\.[0-9]+)?\\s*%?$|^-?[0-9]+/[0-9]+$"}
FLAG_SCHEMA: Mapping[str, Any] = {"enum": [True, False, "true", "false"]}
DAY_SCHEMA: Mapping[str, Any] = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
TEXT_SCHEMA: Mapping[str, Any] = {"type": ["string", "number", "boolean"], "maxLength": MAX_TEXT}
NAME_SCHEMA: Mapping[str, Any] = {"type": "string", "maxLength": MAX_NAME, "pattern": "^[^\\s0-9_.-][^\\s.]*$"}
TITLE_SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        TEXT_SCHEMA,
        {"type": "object", "properties": {"en": TEXT_SCHEMA, "zh": TEXT_SCHEMA}, "additionalProperties": False, "minProperties": 1},
    ]
}


def _drawn(schema: Mapping[str, Any]) -> WithJsonSchema:
    return WithJsonSchema(dict(schema))


Whole = Annotated[int, PlainValidator(read_whole), _serialised(str), _drawn(WHOLE_SCHEMA)]
Number = Annotated[Decimal, PlainValidator(read_decimal), _serialised(plain), _drawn(NUMBER_SCHEMA)]
Amount = Annotated[Decimal, PlainValidator(read_decimal), _serialised(plain), _drawn(NUMBER_SCHEMA)]
"""An amount of the program's currency, written without it: 12.50."""
Rate = Annotated[Fraction, PlainValidator(read_rate), _serialised(rate_text), _drawn(RATE_SCHEMA)]
Flag = Annotated[bool, PlainValidator(read_flag), _serialised(lambda value: "true" if value else "false"), _drawn(FLAG_SCHEMA)]
Day = Annotated[date, PlainValidator(read_day), _serialised(date.isoformat), _drawn(DAY_SCHEMA)]
Instant = Annotated[
    datetime, PlainValidator(read_instant), PlainSerializer(instant_text, when_used="json"), WithJsonSchema({"type": "string", "format": "date-time"})
]
Text = Annotated[str, PlainValidator(read_text), _drawn(TEXT_SCHEMA)]
Name = Annotated[str, PlainValidator(read_name), _drawn(NAME_SCHEMA)]


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_written(value: tuple[str, ...]) -> str | list[str]:
    return value[0] if len(value) == 1 else list(value)


Names = Annotated[
    tuple[Name, ...],
    BeforeValidator(_one_or_several),
    PlainSerializer(_as_written),
    Field(max_length=100),
    WithJsonSchema({"anyOf": [dict(NAME_SCHEMA), {"type": "array", "items": dict(NAME_SCHEMA), "maxItems": 100}]}),
]
"""One name, or a list of them."""


class Frozen(Mapping[str, Any]):
    """A read-only mapping that compares, hashes and pickles by its content; keeps the order it was given."""

    __slots__ = ("_items",)
    _items: dict[str, Any]

    def __init__(self, items: Mapping[str, Any] | None = None) -> None:
        object.__setattr__(self, "_items", dict(items or {}))

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    # what Mapping makes out of __getitem__, by raising and catching where a key is missing

    def get(self, key: str, default: Any = None) -> Any | None:
        return self._items.get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def items(self) -> ItemsView[str, Any]:
        return self._items.items()

    def values(self) -> ValuesView[Any]:
        return self._items.values()

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError("a frozen mapping does not change")

    def __reduce__(self) -> tuple[Any, ...]:
        return Frozen, (dict(self._items),)


def frozen(value: Any) -> Any:
    """Plain data that does not change: mappings and lists all the way down."""
    if isinstance(value, Mapping):
        return Frozen({str(name): frozen(item) for name, item in value.items()})
    return tuple(frozen(item) for item in value) if isinstance(value, list | tuple) else value


def thawed(value: Any) -> Any:
    """What ``frozen`` froze, as dicts and lists."""
    if isinstance(value, Mapping):
        return {name: thawed(item) for name, item in value.items()}
    return [thawed(item) for item in value] if isinstance(value, list | tuple) else value


def frozen_map(read: Callable[[object], Any], write: Callable[[Any], Any] = str, key: Callable[[object], str] = read_name) -> Any:
    """Annotation of a mapping field: every value read by ``read``, kept in order, never changed."""

    def validate(value: object) -> Frozen:
        if not isinstance(value, Mapping):
            raise wrong_type("a mapping", value)
        return Frozen({key(name): read(item) for name, item in value.items()})

    return Annotated[
        Mapping[str, Any],
        PlainValidator(validate),
        PlainSerializer(lambda value: {name: write(item) for name, item in value.items()}, return_type=dict),
        WithJsonSchema({"type": "object"}),
    ]


def _read_title(value: object) -> str | Frozen:
    if isinstance(value, Mapping):
        if not value or set(value) - {"en", "zh"}:
            raise wrong_type("text, or {en: …, zh: …}", value)
        return Frozen({language: read_text(text) for language, text in value.items()})
    return read_text(value)


Title = Annotated[
    str | Mapping[str, str],
    PlainValidator(_read_title),
    PlainSerializer(lambda value: value if isinstance(value, str) else dict(value)),
    _drawn(TITLE_SCHEMA),
]
"""A title in one language, or ``{en: …, zh: …}``."""
