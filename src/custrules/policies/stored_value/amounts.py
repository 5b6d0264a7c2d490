"""Amounts in documents: decimals of the program's currency, above nought, in its smallest units; and shares by amounts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator

from custrules.errors import Diagnostic, MoneyError
from custrules.fields import Amount, read_decimal
from custrules.forms import within
from custrules.money import Money, to_units
from custrules.policy import View

_positive = within(read_decimal, "an amount above zero", lambda number: number > 0)
_not_negative = within(read_decimal, "an amount that is not negative", lambda number: number >= 0)


PositiveAmount = Annotated[Amount, BeforeValidator(_positive)]
AnyAmount = Annotated[Amount, BeforeValidator(_not_negative)]


def minor(amount: Decimal, view: View) -> int:
    """An amount of the document in smallest units; the document was checked to have no more decimals."""
    return to_units(amount, view.scale, "the currency")


def money(units: int, view: View) -> Money:
    return Money.from_minor(units, view.currency)


def money_faults(path: str, amount: Decimal | None, scale: int) -> Iterator[Diagnostic]:
    """An amount with more decimals than the currency has."""
    try:
        to_units(amount if amount is not None else Decimal(0), scale, "the currency")
    except MoneyError:
        yield Diagnostic("document.bad_money", path, {"reason": f"at most {scale} decimals"})


Shares = tuple[tuple[int | None, Fraction], ...]
"""Shares by what was paid, up to an amount in smallest units and with it; the last row holds above all of them."""


def share_at(rows: Shares, paid: int | None) -> Fraction:
    """The share for what was paid (None: for more than any row names); nought where there are no rows."""
    found = (share for up_to, share in rows if up_to is None or (paid is not None and paid <= up_to))
    return next(found, rows[-1][1] if rows else Fraction(0))
