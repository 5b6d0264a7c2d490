"""Values as people read them: facts in their public types, and anything as the text that stands in a sentence."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from custrules.codec import scalar_text
from custrules.facts import FactType, FactValue
from custrules.fields import rate_text
from custrules.money import Money, Rounding, rounded

LONGEST = 200  # characters of one value inside a sentence
LONGEST_LIST = 600  # of a list of names that may be chosen from

Shown: TypeAlias = Money | Decimal | str | int | date | None


def shown(value: object) -> str:
    """A parameter as a person reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = scalar_text(value) if isinstance(value, Money | Decimal | Fraction | date) else "-" if value is None else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def listed(value: object) -> str:
    """A list of names as a person reads it: a long one ends after a name, never within one."""
    text = str(value)
    return text if len(text) <= LONGEST_LIST else text[:LONGEST_LIST].rpartition(", ")[0] + ", …"


def shown_value(value: FactValue | None, kind: FactType, currency: str) -> Shown:
    """A fact as people read it: Money (an average half up), a decimal or a fraction's text, else as it is."""
    if kind.kind == "money" and isinstance(value, int | Fraction) and not isinstance(value, bool):
        return Money.from_minor(rounded(Fraction(value), Rounding.half_up), currency)
    if isinstance(value, Fraction):
        text = rate_text(value)
        return text if "/" in text else Decimal(text)
    return value
