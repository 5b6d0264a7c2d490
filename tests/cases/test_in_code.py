"""Reference cases that are no scenarios: arithmetic of money, and figures."""

from __future__ import annotations

from fractions import Fraction

from cases.covering import covers
from custrules.money import Money, Rounding


@covers("SV-N04")
def test_decimals_come_from_the_currency() -> None:
    assert str(Money("1000", "JPY").times(Fraction(2, 3), Rounding.half_up)) == "667 JPY"


@covers("SV-N05")
def test_a_half_goes_up_or_to_the_even_neighbour_by_name() -> None:
    assert str(Money("1.00", "USD").times(Fraction("0.025"), Rounding.half_up)) == "0.03 USD"
    assert str(Money("1.00", "USD").times(Fraction("0.025"), Rounding.half_even)) == "0.02 USD"
