"""Reference cases that are no scenarios: arithmetic of money, and figures."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from cases.covering import covers
from custrules.analysis.scores import Score, score_of
from custrules.money import Money, Rounding


@covers("SV-N04")
def test_decimals_come_from_the_currency() -> None:
    assert str(Money("1000", "JPY").times(Fraction(2, 3), Rounding.half_up)) == "667 JPY"


@covers("SV-N05")
def test_a_half_goes_up_or_to_the_even_neighbour_by_name() -> None:
    assert str(Money("1.00", "USD").times(Fraction("0.025"), Rounding.half_up)) == "0.03 USD"
    assert str(Money("1.00", "USD").times(Fraction("0.025"), Rounding.half_even)) == "0.02 USD"


def _scores(name: str, *answers: int) -> Score:
    return score_of(name, map(Decimal, answers))


@covers("SAT-01")
def test_nps_is_promoters_less_detractors_in_percent() -> None:
    found = _scores("nps", *[9] * 30, *[8] * 50, *[6] * 20)
    assert found.value == 10
    assert found.margin == Decimal("13.72")  # 1.96 x sqrt((0.3 + 0.2 - 0.1 ** 2) / 100) = 1.96 x 0.07, in percent


@covers("SAT-02")
def test_nps_of_single_answers() -> None:
    found = _scores("nps", 10, 9, 9, 8, 7, 7, 6, 5, 0, 10)
    assert (found.promoters, found.passives, found.detractors, found.value) == (4, 3, 3, Decimal(10))


@covers("SAT-04")
def test_nps_of_nothing_is_undefined_and_not_zero() -> None:
    found = _scores("nps")
    assert (found.n, found.value, found.margin, found.mean) == (0, None, None, None)


@covers("SAT-06")
def test_ces_is_a_mean_and_the_share_of_those_who_found_it_easy() -> None:
    found = _scores("ces", 7, 6, 5, 7, 3, 2, 6, 5)
    assert (found.value, found.content) == (Decimal("5.13"), Decimal(75))  # 41 / 8 = 5.125, half up; 6 / 8
