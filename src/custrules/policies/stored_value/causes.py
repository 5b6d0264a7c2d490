"""The table of causes: for each, the basis of its refund, until when it can be asked for, what it costs and what it bears."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    WrapSerializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from custrules.calendars import Length
from custrules.calendars.clocks import Clock, Days
from custrules.errors import Diagnostic, MoneyError
from custrules.fields import RATE_SCHEMA, Amount, Flag, Name, Rate, one_of, rate_text, read_name, read_rate, wrong_type
from custrules.forms import within
from custrules.money import to_units
from custrules.policies.stored_value.bases import BASES, Basis
from custrules.policies.stored_value.charges import FeeTerms
from custrules.policies.stored_value.reckoning import BonusTreatment, GiftTreatment

CAUSES = ("cooling_off", "consumer", "merchant", "force_majeure", "closure", "expiry", "cash_out", "chargeback", "minor", "death")
"""Why a refund is asked for."""

InterestFrom = Literal["request", "rescission", "payment"]
_BONUS = ("forfeit", "keep", "surrender_pro_rata", "requalify", "convert")
_RULES_OUT = ("used", "experienced", "none")
_share = within(read_rate, "a share between 0 and 1, such as 2%", lambda number: 0 <= number <= 1)


def _percent(value: object) -> object:
    """A share; a bare number from 1 on is so many per cent."""
    text = str(value)
    return f"{text}%" if text[:1] in "123456789" and text.replace(".", "", 1).isdigit() else value


def _not_negative(value: object) -> object:
    if str(value).startswith("-"):
        raise wrong_type("an amount that is not negative", value)
    return value


Share = Annotated[Rate, BeforeValidator(_share)]
Fine = Annotated[Amount, BeforeValidator(_not_negative)]
Roll = Literal["next_working_day", "none"]


class _Terms(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    def amounts(self) -> Iterator[tuple[str, Decimal]]:
        """The amounts of money in it, by field."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Decimal):
                yield name, value
            elif isinstance(value, _Terms):
                yield from ((f"{name}.{field}", amount) for field, amount in value.amounts())
            elif isinstance(value, tuple):
                rows = ((place, row) for place, row in enumerate(value) if isinstance(row, _Terms))
                yield from ((f"{name}[{place}].{field}", amount) for place, row in rows for field, amount in row.amounts())


class RefundFee(_Terms):
    """What is kept of a refund: a ``percent`` of it and a ``fixed`` amount, at least ``min``, at most ``max``, never more than it; or the
    word ``forbidden``."""

    forbidden: Flag = False
    percent: Annotated[Share, BeforeValidator(_percent)] = Fraction(0)
    fixed: Fine = Decimal(0)
    min: Fine = Decimal(0)
    max: Fine | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"forbidden": True} if value == "forbidden" else value

    def terms(self, scale: int) -> FeeTerms | None:
        if self.forbidden:
            return None

        def units(amount: Decimal) -> int:
            return to_units(amount, scale, "the currency")

        return FeeTerms(self.percent, units(self.fixed), units(self.min), units(self.max) if self.max is not None else None)

    def faults(self) -> Iterator[Diagnostic]:
        if self.max is not None and self.min > self.max:
            yield Diagnostic("document.fee_upside_down", "min", {"min": str(self.min), "max": str(self.max)})


def _short_fee(value: RefundFee, write: SerializerFunctionWrapHandler) -> object:
    return "forbidden" if value.forbidden else write(value)


FeeOrNone = Annotated[RefundFee, WrapSerializer(_short_fee)]


def _read_interest_rate(value: object) -> str:
    """A rate itself, or the name of a dated one in ``rates:``."""
    text = str(value).strip()
    if text[:1].isalpha():
        return read_name(text)
    return rate_text(_share(text))


InterestRate = Annotated[str, BeforeValidator(_read_interest_rate), WithJsonSchema({"anyOf": [dict(RATE_SCHEMA), {"type": "string"}]})]


class RefundInterest(_Terms):
    """A yearly ``rate`` (or the name of one in ``rates:``, as it stood when the top-up was paid), ``from`` the request, the rescission
    or the payment of the top-up."""

    rate: InterestRate
    from_: Annotated[InterestFrom, one_of("request", "rescission", "payment")] = "request"

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True, alias_generator=lambda name: name.rstrip("_")
    )

    @property
    def fixed(self) -> Fraction | None:
        return None if self.rate[:1].isalpha() else read_rate(self.rate)


class RefundPayout(_Terms):
    """Where a refund goes: ``to`` the tenders that paid (``split`` pro_rata or lifo), an account in the same name, or whom else it names;
    cash ``cash_up_to`` an amount; nothing below a ``minimum``."""

    to: Name = "original_tender"
    split: Annotated[Literal["pro_rata", "lifo"], one_of("pro_rata", "lifo")] = "pro_rata"
    cash_up_to: Fine | None = None
    minimum: Fine | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, str) else value


def _short_payout(value: RefundPayout, write: SerializerFunctionWrapHandler) -> object:
    return value.to if value == RefundPayout(to=value.to) else write(value)


PayoutTerms = Annotated[RefundPayout, WrapSerializer(_short_payout)]


class RefundBonus(_Terms):
    """What becomes of the bonus that is left: a word, or ``{convert: 50%}``, which turns it into money at a share of its face. ``keep``: it
    stays with a refund in part."""

    treatment: Annotated[BonusTreatment, one_of(*_BONUS)] = "forfeit"
    convert: Share = Fraction(0)

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and set(value) == {"convert"}:
            return {"treatment": "convert", **value}
        if value == "convert":
            raise wrong_type("{convert: 50%}: at which share of its face", value)
        return {"treatment": value} if isinstance(value, str) else value


def _short_bonus(value: RefundBonus, write: SerializerFunctionWrapHandler) -> object:
    return {"convert": rate_text(value.convert)} if value.treatment == "convert" else value.treatment


BonusTerms = Annotated[RefundBonus, WrapSerializer(_short_bonus)]


class ShareRow(_Terms):
    """A ``share`` for cards for which ``up_to`` an amount was paid, with it; the last row names none."""

    up_to: Fine | None = None
    share: Share


def _read_rows(value: object) -> object:
    """One share for all, or rows by what was paid."""
    return value if isinstance(value, list | tuple) else ({"share": value},)


def _short_rows(value: tuple[ShareRow, ...], write: SerializerFunctionWrapHandler) -> object:
    return rate_text(value[0].share) if len(value) == 1 and value[0].up_to is None else write(value)


class _OrOneShare:
    """In a schema: one share, or the rows."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [dict(RATE_SCHEMA), handler(schema)]}


Shares = Annotated[
    tuple[ShareRow, ...],
    Field(min_length=1, max_length=20),
    BeforeValidator(_read_rows),
    WrapSerializer(_short_rows),
    _OrOneShare(),
]


class RefundCause(_Terms):
    """One cause. Without ``basis`` it is what the law says, else the one that is best for the customer.

    ``within`` a time of the payment (its day is not counted), ``not_before`` another; where the last day of it is none that is worked, it
    may ``roll`` to the next one that is. ``unless`` something rules it out; only a balance ``below`` an amount, or once a ``used_share``
    of what was paid in is used. ``share``: the part of what is left that is paid. Both shares may go by what was paid.
    """

    basis: Annotated[Basis, one_of(*BASES)] | None = None
    within: Days | None = None
    roll: Annotated[Roll, one_of("next_working_day", "none")] | None = None
    not_before: Length | None = None
    unless: Annotated[Literal["used", "experienced", "none"], one_of(*_RULES_OUT)] | None = None
    below: Fine | None = None
    used_share: Shares | None = None
    share: Shares | None = None
    fee: FeeOrNone | None = None
    interest: RefundInterest | None = None
    sla: Clock | None = None
    bonus: BonusTerms | None = None
    gifts: Annotated[GiftTreatment, one_of("return_or_pay", "discretionary", "none")] | None = None
    payout: PayoutTerms | None = None


def money_faults(terms: BaseModel, path: str, scale: int) -> Iterator[Diagnostic]:
    """Amounts with more decimals than the currency has."""
    for field, amount in terms.amounts() if isinstance(terms, _Terms) else ():
        try:
            to_units(amount, scale, "the currency")
        except MoneyError:
            yield Diagnostic("document.bad_money", f"{path}.{field}", {"reason": f"at most {scale} decimals"})


class RefundCauses(_Terms):
    """The causes for which there is a refund; one that is not here is declined, unless the law grants it all the same."""

    cooling_off: RefundCause | None = None
    consumer: RefundCause | None = None
    merchant: RefundCause | None = None
    force_majeure: RefundCause | None = None
    closure: RefundCause | None = None
    expiry: RefundCause | None = None
    cash_out: RefundCause | None = None
    chargeback: RefundCause | None = None
    minor: RefundCause | None = None
    death: RefundCause | None = None

    def listed(self) -> dict[str, RefundCause]:
        """Those that are there, by name."""
        found = {name: getattr(self, name) for name in CAUSES}
        return {name: cause for name, cause in found.items() if cause is not None}


__all__ = [
    "CAUSES",
    "BonusTerms",
    "PayoutTerms",
    "RefundBonus",
    "RefundCause",
    "RefundCauses",
    "RefundFee",
    "RefundInterest",
    "RefundPayout",
    "Roll",
    "ShareRow",
    "money_faults",
]
