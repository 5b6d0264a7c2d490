"""The types of event fields: ids, flat values, tags, quantities; each reads a value strictly and keeps it exactly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, TypeGuard

from pydantic import PlainSerializer, PlainValidator

from custrules.calendars.birthdays import birthday_text
from custrules.errors import MoneyError
from custrules.fields import (
    MAX_TEXT,
    Frozen,
    encodable,
    fault,
    instant_text,
    plain,
    read_decimal,
    wrong_type,
)
from custrules.money import Money, to_units

MAX_ID = 200
MAX_EVENT_ID = 1000  # the id of a delivered signal is made of those of customer, event and policy
RESERVED_PREFIXES = ("day:", "at:")
Scalar = str | int | bool


def _read_id(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_ID or not value.isprintable():
        raise wrong_type(f"an id of 1 to {MAX_ID} printable characters", value)
    return value


def _is_long_signal(value: object) -> TypeGuard[str]:
    """Whether a long text is the id of a signal's event: customer, event, policy and number."""
    return isinstance(value, str) and MAX_ID < len(value) <= MAX_EVENT_ID and value.count("/") == 3 and value.isprintable()


def _read_event_id(value: object) -> str:
    text = value if _is_long_signal(value) else _read_id(value)
    if text.startswith(RESERVED_PREFIXES):
        raise fault("event.reserved_id", found=text)
    return text


def read_scalar(value: object) -> Scalar:
    """A flat value as it is kept: text, whole number or flag; decimals, money and dates as their exact text."""
    if type(value) is str and len(value) <= MAX_TEXT and value.isascii():
        return value
    if isinstance(value, bool | int) and abs(value) < 10**18:
        return value
    if isinstance(value, str) and len(value) <= MAX_TEXT and encodable(value):
        return value
    if isinstance(value, Decimal):
        return plain(read_decimal(value))
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise fault("event.naive_instant", found=value.isoformat())
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    raise wrong_type("text, a whole number, true or false, a Decimal, a date or Money (a float is not exact: write it as text)", value)


def _read_scalars(value: object) -> Frozen:
    if not isinstance(value, Mapping):
        raise wrong_type("a mapping of names to values", value)
    if len(value) > MAX_ID:
        raise fault("document.too_many", what="values", most=MAX_ID)
    return Frozen({_read_id(name): read_scalar(item) for name, item in value.items()})


def _read_profile(value: object) -> Frozen:
    if not isinstance(value, Mapping):
        raise wrong_type("a mapping of profile fields to values", value)
    if len(value) > MAX_ID:
        raise fault("document.too_many", what="profile fields", most=MAX_ID)
    return Frozen({_read_id(name): None if item is None else _read_profile_value(item) for name, item in value.items()})


def _read_profile_value(value: object) -> Scalar:
    """A flat value; a lunar birthday ``{lunar: 1987-06-10, leap: true}`` as its one text."""
    return birthday_text(value) if isinstance(value, Mapping) else read_scalar(value)


def _read_tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise wrong_type("a list of words", value)
    if len(value) > MAX_ID:
        raise fault("document.too_many", what="tags", most=MAX_ID)
    return tuple(_read_id(tag) for tag in value)


def read_quantity(value: object) -> Decimal:
    """An exact quantity of at most 12 digits and 6 decimals."""
    number = read_decimal(value)
    try:
        to_units(number, 6, "a quantity")
    except MoneyError:
        raise wrong_type("a quantity of at most 12 digits and 6 decimals", value) from None
    return number


def _read_positive(value: object) -> Decimal:
    number = read_quantity(value)
    if number <= 0:
        raise wrong_type("a quantity above zero", value)
    return number


def _read_not_negative(value: object) -> Decimal:
    number = read_quantity(value)
    if number < 0:
        raise wrong_type("a quantity that is not negative", value)
    return number


Id = Annotated[str, PlainValidator(_read_id)]
EventId = Annotated[str, PlainValidator(_read_event_id)]
ScalarValue = Annotated[Scalar, PlainValidator(read_scalar)]
Scalars = Annotated[Mapping[str, Scalar], PlainValidator(_read_scalars), PlainSerializer(dict)]
Profile = Annotated[Mapping[str, Scalar | None], PlainValidator(_read_profile), PlainSerializer(dict)]
Tags = Annotated[tuple[str, ...], PlainValidator(_read_tags), PlainSerializer(list, when_used="json")]
Quantity = Annotated[Decimal, PlainValidator(read_quantity), PlainSerializer(plain, when_used="json")]
NotNegative = Annotated[Decimal, PlainValidator(_read_not_negative), PlainSerializer(plain, when_used="json")]
Positive = Annotated[Decimal, PlainValidator(_read_positive), PlainSerializer(plain, when_used="json")]
