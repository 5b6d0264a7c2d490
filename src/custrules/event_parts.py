"""Parts of events that bring value from elsewhere: lots, balances, levels, and what was counted before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from custrules.codec import parse_json
from custrules.errors import EventError
from custrules.event_fields import Id, NotNegative, Positive, Quantity, read_quantity
from custrules.fields import DAY_SCHEMA, Day, Frozen, fault, frozen, read_day, read_flag, thawed, wrong_type

MAX_LOTS = 10_000
NEVER: Literal["never"] = "never"
LastDay = date | Literal["never"] | None


def _read_last_day(value: object) -> date | Literal["never"]:
    return NEVER if value == NEVER else read_day(value)


def _write_last_day(value: LastDay) -> str | None:
    return value.isoformat() if isinstance(value, date) else value


_LAST_DAY_SCHEMA: dict[str, Any] = {"anyOf": [dict(DAY_SCHEMA), {"const": NEVER}]}
Last = Annotated[LastDay, PlainValidator(_read_last_day), PlainSerializer(_write_last_day, when_used="json"), WithJsonSchema(_LAST_DAY_SCHEMA)]


class MovedLot(BaseModel):
    """A lot as it is brought: ``day`` of its accrual, ``usable_from`` and ``last_day`` as they are, what kind of grant it was, whose;
    ``again``: it had expired before and was let live once more, which happens to no lot twice.

    Without ``day`` it was accrued on the event's day, without ``last_day`` it expires by the rules of its account; ``never``: not at all.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    quantity: Positive
    day: Day | None = None
    usable_from: Day | None = None
    last_day: Last = None
    source: Id | None = None
    provenance: Id | None = None
    again: Annotated[bool, PlainValidator(read_flag)] = False

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        if isinstance(self.last_day, date) and self.day is not None and self.last_day < self.day:
            raise fault("event.lot_upside_down", day=self.day.isoformat(), last_day=self.last_day.isoformat())
        return self


Lots = Annotated[tuple[MovedLot, ...], Field(max_length=MAX_LOTS)]


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise wrong_type("a quantity that is not negative", value)
    return value


def _balance(value: object) -> object:
    """A mere quantity is one lot of the event's day."""
    if isinstance(value, Mapping | BaseModel):
        return value
    try:
        empty = isinstance(value, str | int | Decimal) and Decimal(value) == 0
    except ArithmeticError:
        empty = False
    return {} if empty else {"lots": [{"quantity": value}]}


class OpenedTopUp(BaseModel):
    """A top-up as it is brought: of ``day``, ``paid`` (the money) and ``given``, of visits how many were ``counted`` as paid for; what of
    both is left, ``principal`` and ``bonus`` (usable until ``last_day``); what was consumed at list price (``listed``; at its face where
    not said); the ``list_price`` of one visit; for a period when it ``starts``.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    id: Id
    day: Day
    paid: NotNegative
    given: NotNegative = Decimal(0)
    counted: NotNegative | None = None
    principal: NotNegative = Decimal(0)
    bonus: NotNegative = Decimal(0)
    last_day: Last = None
    listed: NotNegative | None = None
    list_price: NotNegative | None = None
    starts: Day | None = None

    @model_validator(mode="after")
    def _no_more_left_than_put_in(self) -> Self:
        if self.principal > (self.paid if self.counted is None else self.counted) or self.bonus > self.given:
            raise fault("event.more_left_than_put_in")
        return self


class OpenedBalance(BaseModel):
    """What an account holds when it is opened: ``lots`` (those usable only later are pending), and what is ``owed``; of stored value
    the ``top_ups`` that it came of."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    lots: Lots = ()
    top_ups: Annotated[tuple[OpenedTopUp, ...], Field(max_length=1000)] = ()
    owed: Annotated[Quantity, AfterValidator(_not_negative)] = Decimal(0)


class OpenedLevel(BaseModel):
    """A level that was held elsewhere: ``since`` when (the event's day where not said), ``until`` which last day (a full term where not said)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    level: Id
    since: Day | None = None
    until: Day | None = None

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        if self.since is not None and self.until is not None and self.until < self.since:
            raise fault("event.lot_upside_down", day=self.since.isoformat(), last_day=self.until.isoformat())
        return self


def _level(value: object) -> object:
    return {"level": value} if isinstance(value, str) else value


def _read_days(value: object) -> Frozen:
    if not isinstance(value, Mapping):
        raise wrong_type("a mapping of days to quantities", value)
    if len(value) > MAX_LOTS:
        raise fault("document.too_many", what="days", most=MAX_LOTS)
    return Frozen({read_day(day).isoformat(): read_quantity(item) for day, item in value.items()})


class OpenedTally(BaseModel):
    """What a measure had counted: by ``days``, complete from the day ``since`` on (from the beginning where not said)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    since: Day | None = None
    days: Annotated[
        Mapping[str, Decimal],
        PlainValidator(_read_days),
        PlainSerializer(lambda days: {day: format(number, "f") for day, number in days.items()}),
        WithJsonSchema({"type": "object"}),
    ] = Frozen()


def _tally(value: object) -> object:
    return {"days": value} if isinstance(value, Mapping) and not {"days", "since"} & value.keys() else value


def _read_brought(value: object) -> Frozen:
    """A mapping, or its JSON as one text: where every value is read from its text, as in scenarios, numbers in it stay numbers."""
    if isinstance(value, str):
        try:
            value = parse_json(value, EventError)
        except EventError:
            raise wrong_type("the state of the customer who is merged, as the signal carries it", value) from None
    if not isinstance(value, Mapping):
        raise wrong_type("the state of the customer who is merged, as the signal carries it", value)
    found = frozen(value)
    assert isinstance(found, Frozen)
    return found


def _written(parts: Mapping[str, BaseModel]) -> dict[str, Any]:
    return {name: part.model_dump(mode="json", exclude_defaults=True) for name, part in parts.items()}


Balances = Annotated[
    Mapping[Id, Annotated[OpenedBalance, BeforeValidator(_balance, json_schema_input_type=OpenedBalance | str | int)]],
    AfterValidator(Frozen),
    PlainSerializer(_written),
]
Levels = Annotated[
    Mapping[Id, Annotated[OpenedLevel, BeforeValidator(_level, json_schema_input_type=OpenedLevel | str)]],
    AfterValidator(Frozen),
    PlainSerializer(_written),
]
Tallies = Annotated[
    Mapping[Id, Annotated[OpenedTally, BeforeValidator(_tally, json_schema_input_type=OpenedTally | dict[str, str | int])]],
    AfterValidator(Frozen),
    PlainSerializer(_written),
]
_BROUGHT_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "object"}, {"type": "string"}]}
Brought = Annotated[Mapping[str, Any], PlainValidator(_read_brought), PlainSerializer(thawed), WithJsonSchema(_BROUGHT_SCHEMA)]
