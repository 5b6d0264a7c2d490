"""Exact amounts: integers of the smallest unit inside, ``Decimal`` and "12.50 CNY" outside, every rounding named.

Currency scales follow ISO 4217 (minor units as published by SIX, list one).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal, localcontext
from enum import StrEnum
from fractions import Fraction
from functools import total_ordering, wraps
from typing import Any, ParamSpec, Self, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from custrules.errors import MoneyError

P = ParamSpec("P")
R = TypeVar("R")

# ISO 4217 list one: every active currency, by the number of its decimals; BGN and HRK, withdrawn of late, for histories.
_SCALES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY "
        "COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS "
        "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR "
        "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
        "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
}
SCALES: dict[str, int] = {code: scale for scale, codes in _SCALES.items() for code in codes.split()}

MAX_DIGITS = 18  # digits of the smallest unit: what a 64-bit column holds, so that every back end can carry it


def exactly(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function under a decimal context of our own: what the host set (precision, traps) changes no answer."""

    context = Context(prec=80)

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext(context):
            return function(*args, **kwargs)

    return run


class Rounding(StrEnum):
    """How an exact fraction becomes a whole number. Halves go away from zero (up), towards it (down), or to even."""

    floor = "floor"
    ceil = "ceil"
    half_up = "half_up"
    half_down = "half_down"
    half_even = "half_even"


def rounded(value: Fraction, rounding: Rounding) -> int:
    """The whole number that ``value`` becomes under a named rounding."""
    whole, rest = divmod(value.numerator, value.denominator)
    if rounding is Rounding.floor or rest == 0:
        return whole
    if rounding is Rounding.ceil:
        return whole + 1
    twice = 2 * rest - value.denominator
    if twice:
        return whole + 1 if twice > 0 else whole
    if rounding is Rounding.half_even:
        return whole + (whole & 1)
    away_from_zero_is_up = value >= 0
    return whole + 1 if away_from_zero_is_up == (rounding is Rounding.half_up) else whole


def cumulative(total: Fraction, before: Fraction, after: Fraction, rounding: Rounding) -> int:
    """What to post when the part taken of ``total`` grows from ``before`` to ``after`` (shares between 0 and 1).

    The running total is rounded and the difference posted, so that the parts always sum to the rounded whole.
    """
    return rounded(total * after, rounding) - rounded(total * before, rounding)


def split(total: int, weights: Sequence[int], rounding: Rounding = Rounding.half_up) -> list[int]:
    """Divide a whole number exactly in proportion to ``weights``; the remainder goes to the last weight that is not zero.

    Each share is rounded out of what is still left, so shares sum to ``total`` and none shrinks when ``total`` grows:
    splitting a running total and posting the differences never takes a unit back.
    """
    if min(weights, default=0) < 0:
        raise MoneyError("a weight is not negative: give each share 0 or more")
    left, weight_left, shares = total, sum(weights), []
    for weight in weights:
        share = rounded(Fraction(left * weight, weight_left), rounding) if weight else 0
        shares.append(share)
        left, weight_left = left - share, weight_left - weight
    if left:
        raise MoneyError(f"{total} cannot be split over weights that are all zero")
    return shares


def scale_of(currency: str) -> int:
    """Decimals of an ISO 4217 currency; MoneyError when there is no such code."""
    try:
        return SCALES[currency]
    except (KeyError, TypeError):
        raise MoneyError(f"{currency!r} is not an ISO 4217 currency code; write for example 'CNY' or 'EUR'") from None


def decimal_of(value: object) -> Decimal:
    """An exact decimal out of text, int or Decimal; a float is refused because its text is not what was meant."""
    if isinstance(value, float):
        raise MoneyError(f"a float is not exact: write {str(value)!r} as text, or Decimal({str(value)!r}), instead of {value!r}")
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise MoneyError(f"expected an amount such as '12.50', found {type(value).__name__}")
    if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        raise MoneyError(f"a number of more than {MAX_DIGITS} digits is too large")
    if isinstance(value, str) and not _is_plain_decimal(value):
        raise MoneyError(f"{value[:40]!r} is not an amount: write digits and at most one point, such as '12.50'")
    result = Decimal(value)
    if not result.is_finite():
        raise MoneyError(f"{value} is not an amount: write a finite number such as '12.50'")
    return result


def _is_plain_decimal(text: str) -> bool:
    digits, point, places = text.removeprefix("-").partition(".")
    return (
        len(text) <= 40
        and text.isascii()
        and digits.isdigit()
        and (places.isdigit() if point else True)
        and (digits == "0" or not digits.startswith("0"))
    )


def to_units(value: Decimal, scale: int, what: str) -> int:
    """A decimal as a whole number of its smallest unit; MoneyError when it has too many decimals or digits."""
    if value.adjusted() + scale >= MAX_DIGITS:
        raise MoneyError(f"{value} is too large: at most {MAX_DIGITS} digits of {what}'s smallest unit")
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    shift = exponent + scale
    if shift >= 0:
        magnitude, rest = _whole_of(digits) * _power_of_ten(shift), 0
    elif shift < -40:  # before any arithmetic: a Decimal may have a million decimals
        magnitude, rest = 0, 1
    else:
        magnitude, rest = divmod(_whole_of(digits), _power_of_ten(-shift))
    if rest:
        raise MoneyError(f"{str(value)[:40]} has more decimals than {what} (which has {scale}): round it before, by a named rule")
    return -magnitude if sign else magnitude


def _whole_of(digits: tuple[int, ...]) -> int:
    return int("".join(map(str, digits)))


def _power_of_ten(exponent: int) -> int:
    return int(10**exponent)


def from_units(units: int, scale: int) -> Decimal:
    """The decimal that a whole number of smallest units stands for, with all its decimals (1250 at scale 2 is 12.50)."""
    return Decimal((units < 0, tuple(map(int, str(abs(units)))), -scale))


@total_ordering
class Money:
    """An exact amount in one currency.

    ``Money("12.50", "CNY")``, ``Money("12.50 CNY")``, ``Money(Decimal("12.50"), "CNY")`` or, from smallest units,
    ``Money.from_minor(1250, "CNY")``. Currencies never mix: adding or comparing two raises MoneyError.
    """

    __slots__ = ("currency", "minor")
    minor: int
    currency: str

    def __init__(self, amount: str | Decimal, currency: str | None = None) -> None:
        if isinstance(amount, int):
            raise MoneyError("an int could mean units or cents: write text such as '12', or Money.from_minor(1200, ...)")
        if currency is None:
            amount, currency = _amount_and_currency(amount)
        scale = scale_of(currency)
        _set(self, to_units(decimal_of(amount), scale, currency), currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Self:
        """From a whole number of the currency's smallest unit: ``Money.from_minor(1250, "CNY")`` is 12.50 CNY."""
        scale_of(currency)
        if isinstance(minor, bool) or not isinstance(minor, int):
            raise MoneyError(f"smallest units are whole numbers, found {type(minor).__name__}")
        self = object.__new__(cls)
        _set(self, minor, currency)
        return self

    @property
    def amount(self) -> Decimal:
        """The amount in whole units of the currency, with as many decimals as it has: Decimal("12.50")."""
        return from_units(self.minor, SCALES[self.currency])

    def times(self, factor: Fraction, rounding: Rounding) -> Money:
        """This amount times an exact factor, rounded by name."""
        if isinstance(factor, bool) or not isinstance(factor, int | Fraction):
            raise MoneyError(f"a factor is exact: write Fraction('1.15') or a whole number, not {type(factor).__name__}")
        return Money.from_minor(rounded(self.minor * factor, _named(rounding)), self.currency)

    def split(self, weights: Sequence[int], rounding: Rounding = Rounding.half_up) -> list[Money]:
        """This amount in exact shares; see ``custrules.money.split`` for the remainder rule."""
        return [Money.from_minor(share, self.currency) for share in split(self.minor, weights, _named(rounding))]

    def __add__(self, other: Money) -> Money:
        return Money.from_minor(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money.from_minor(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money.from_minor(-self.minor, self.currency)

    def __mul__(self, count: int) -> Money:
        if isinstance(count, bool) or not isinstance(count, int):
            raise MoneyError("multiply by whole numbers, or use times(factor, rounding), which names its rounding")
        return Money.from_minor(self.minor * count, self.currency)

    __rmul__ = __mul__

    def __bool__(self) -> bool:
        return self.minor != 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor == other.minor and self.currency == other.currency

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __hash__(self) -> int:
        return hash((self.minor, self.currency))

    def _same(self, other: object) -> int:
        if not isinstance(other, Money):
            raise MoneyError(f"money goes with money, found {type(other).__name__}: write Money('12.50', '{self.currency}')")
        if other.currency != self.currency:
            raise MoneyError(f"currencies never mix: {self.currency} and {other.currency}")
        return other.minor

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def __repr__(self) -> str:
        return f"Money('{self.amount}', '{self.currency}')"

    def __reduce__(self) -> tuple[Any, ...]:
        return Money.from_minor, (self.minor, self.currency)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Money does not change; make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("Money does not change; make a new one")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _validated_money, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": ["string", "number"], "examples": ["12.50", "12.50 CNY"]}


def _named(rounding: Rounding | str) -> Rounding:
    try:
        return Rounding(rounding)
    except ValueError:
        raise MoneyError(f"{rounding!r} is no rounding; one of {', '.join(Rounding)}") from None


def _set(money: Money, minor: int, currency: str) -> None:
    if abs(minor) >= 10**MAX_DIGITS:
        raise MoneyError(f"amount too large: at most {MAX_DIGITS} digits of {currency}'s smallest unit")
    object.__setattr__(money, "minor", minor)
    object.__setattr__(money, "currency", currency)


def _amount_and_currency(text: object) -> tuple[str, str]:
    amount, space, currency = text.partition(" ") if isinstance(text, str) else ("", "", "")
    if not space:
        raise MoneyError(f"{text!r} names no currency: write '12.50 CNY' or give the currency as second argument")
    return amount, currency


def _validated_money(value: object, info: core_schema.ValidationInfo[Any]) -> Money:
    """Money out of Money, text with or without its currency, int (whole units) or Decimal.

    A bare amount takes the currency of the validation context, which ``program.event`` fills in.
    """
    if isinstance(value, Money):
        return value
    try:
        return read_money(value, (info.context or {}).get("currency"))
    except MoneyError as error:
        raise PydanticCustomError("money", "{reason}", {"reason": str(error)}) from None


def read_money(value: object, currency: str | None) -> Money:
    """Money out of text with or without its currency, an int (whole units) or Decimal; a bare amount is in ``currency``."""
    if isinstance(value, str) and " " in value:
        return Money(value)
    number = decimal_of(value)
    if currency is None:
        raise MoneyError(f"{value} names no currency: write '{value} CNY', or read the event with program.event, which fills it in")
    return Money(number, currency)
