"""Exact amounts: construction and refusal, roundings held against the decimal module, splits and cumulative parts."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from custrules.errors import CustrulesError, MoneyError
from custrules.money import SCALES, Money, Rounding, cumulative, from_units, rounded, scale_of, split, to_units

DECIMAL = {
    Rounding.floor: ROUND_FLOOR,
    Rounding.ceil: ROUND_CEILING,
    Rounding.half_up: ROUND_HALF_UP,
    Rounding.half_down: ROUND_HALF_DOWN,
    Rounding.half_even: ROUND_HALF_EVEN,
}
roundings = st.sampled_from(list(Rounding))
totals = st.integers(-(10**9), 10**9)
weights = st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(any)
money = TypeAdapter(Money)


def cny(amount: str) -> Money:
    return Money(amount, "CNY")


# -- roundings -----------------------------------------------------------------------------------------------------------


@given(st.decimals(-1000, 1000, places=3), roundings)
def test_a_rounding_is_that_of_the_decimal_module(value: Decimal, rounding: Rounding) -> None:
    assert rounded(Fraction(value), rounding) == int(value.to_integral_value(DECIMAL[rounding], Context(prec=50)))


@given(st.integers(-50, 50), roundings)
def test_halves_are_rounded_as_the_decimal_module_rounds_them(whole: int, rounding: Rounding) -> None:
    half = Decimal(whole) + Decimal("0.5")
    assert rounded(Fraction(half), rounding) == int(half.to_integral_value(DECIMAL[rounding]))


def test_a_third_is_rounded_exactly_and_not_through_a_decimal() -> None:
    just_above_half = Fraction(1, 2) + Fraction(1, 10**60)
    assert rounded(just_above_half, Rounding.half_down) == 1


@given(totals, st.lists(st.integers(0, 100), min_size=1, max_size=6).filter(any), roundings)
def test_cumulative_parts_sum_to_the_rounded_whole(total: int, steps: list[int], rounding: Rounding) -> None:
    shares = [Fraction(sum(steps[:count]), sum(steps)) for count in range(len(steps) + 1)]
    amount = Fraction(total, 7)
    parts = [cumulative(amount, before, after, rounding) for before, after in pairwise(shares)]
    assert sum(parts) == rounded(amount, rounding)


# -- splits --------------------------------------------------------------------------------------------------------------


@given(totals, weights, roundings)
def test_shares_sum_to_the_whole(total: int, given_weights: list[int], rounding: Rounding) -> None:
    assert sum(split(total, given_weights, rounding)) == total


@given(st.integers(-200, 200), weights, roundings)
def test_no_share_shrinks_when_the_whole_grows(total: int, given_weights: list[int], rounding: Rounding) -> None:
    less, more = split(total, given_weights, rounding), split(total + 1, given_weights, rounding)
    assert all(after >= before for before, after in zip(less, more, strict=True))


@given(st.integers(0, 10**6), weights, roundings)
def test_each_share_is_rounded_out_of_what_is_still_left(total: int, given_weights: list[int], rounding: Rounding) -> None:
    left, weight = Decimal(total), sum(given_weights)
    for share, own in zip(split(total, given_weights, rounding), given_weights, strict=True):
        exact = Fraction(int(left) * own, weight) if own else Fraction(0)
        assert abs(share - exact) < 1  # the named rounding of an exact share, never a unit away
        left, weight = left - share, weight - own


@given(st.integers(0, 1000), weights)
def test_a_weight_of_zero_gets_nothing(total: int, given_weights: list[int]) -> None:
    shares = split(total, [*given_weights, 0])
    assert shares[-1] == 0
    assert all(share == 0 for share, weight in zip(shares, given_weights, strict=False) if not weight)


def test_the_remainder_goes_to_the_last_weight_that_is_not_zero() -> None:
    # 100 over 1:1:1 rounded down: 33, then floor(67 / 2) = 33, then what is left
    assert split(100, [1, 1, 1, 0], Rounding.floor) == [33, 33, 34, 0]


def test_a_share_that_was_rounded_up_is_taken_from_those_after_it() -> None:
    # 5 over 1:1: 2.5 is 3, which leaves 2; of -5 it is -3, which leaves -2
    assert split(5, [1, 1]) == [3, 2]
    assert split(-5, [1, 1]) == [-3, -2]


def test_nothing_can_be_split_over_no_weight_at_all() -> None:
    assert split(0, [0, 0]) == [0, 0]
    assert split(0, []) == []


@pytest.mark.parametrize("given_weights", [[0, 0], []])
def test_an_amount_is_not_split_over_weights_that_are_all_zero(given_weights: list[int]) -> None:
    with pytest.raises(MoneyError, match="all zero"):
        split(5, given_weights)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(MoneyError, match="not negative"):
        split(5, [1, -1])


def test_money_splits_into_money() -> None:
    assert cny("0.05").split([1, 1]) == [cny("0.03"), cny("0.02")]
    assert cny("0.05").split([1, 1], Rounding.floor) == [cny("0.02"), cny("0.03")]


# -- construction --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("same", [Money("12.50 CNY"), Money(Decimal("12.50"), "CNY"), Money(Decimal("12.5"), "CNY"), Money.from_minor(1250, "CNY")])
def test_an_amount_is_the_same_however_it_is_written(same: Money) -> None:
    assert same == cny("12.50")
    assert (same.minor, same.amount, str(same)) == (1250, Decimal("12.50"), "12.50 CNY")


def test_nothing_is_written_without_a_sign() -> None:
    assert [str(nothing) for nothing in (cny("0"), cny("-0.00"), Money.from_minor(0, "CNY"))] == ["0.00 CNY"] * 3


def test_an_amount_is_at_most_forty_characters_of_text() -> None:
    assert cny("0." + "0" * 38) == cny("0")
    with pytest.raises(MoneyError, match="is not an amount"):
        cny("0." + "0" * 39)


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("JPY", "1250", 1250), ("KWD", "1.250", 1250), ("CLF", "0.1250", 1250), ("CNY", "-0.01", -1), ("CNY", "-0", 0)]
)
def test_the_scale_is_that_of_the_currency(currency: str, amount: str, minor: int) -> None:
    assert Money(amount, currency).minor == minor


@given(st.integers(-(10**18) + 1, 10**18 - 1), st.sampled_from(sorted(SCALES)))
def test_text_repr_and_pickle_give_the_amount_back(minor: int, currency: str) -> None:
    amount = Money.from_minor(minor, currency)
    assert Money(str(amount)) == amount
    assert eval(repr(amount), {"Money": Money}) == amount
    assert pickle.loads(pickle.dumps(amount)) == amount
    assert amount.amount == Decimal(minor).scaleb(-SCALES[currency], Context(prec=40))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "12,50",
        "1_000",
        "1e5",
        "1E5",
        "+5",
        "٤",
        "４",
        "010",
        "00",
        ".5",
        "5.",
        "--5",
        " 5",
        "5 ",
        "5\n",
        "1.2.3",
        "NaN",
        "Infinity",
        "0x10",
        "½",
    ],
)
def test_an_amount_has_one_spelling(text: str) -> None:
    with pytest.raises(MoneyError):
        Money(text, "CNY")


@pytest.mark.parametrize("text", ["12.50", "CNY 12.50", "12.50CNY", "12.50  CNY", "12.50 CNY ", "12.50 cny", " 12.50 CNY"])
def test_amount_and_currency_in_one_text_have_one_spelling(text: str) -> None:
    with pytest.raises(MoneyError):
        Money(text)


def test_a_float_is_refused_with_what_to_write() -> None:
    with pytest.raises(MoneyError, match=r"write '0\.1' as text, or Decimal\('0\.1'\), instead of 0\.1"):
        Money(0.1, "CNY")  # type: ignore[arg-type]  # that is the fault


@pytest.mark.parametrize("number", [12, True])
def test_an_int_is_refused_because_it_could_mean_cents(number: Any) -> None:
    with pytest.raises(MoneyError, match="from_minor"):
        Money(number, "CNY")


@pytest.mark.parametrize(("value", "found"), [(None, "NoneType"), (b"12.50", "bytes"), ([], "list"), (Fraction(1, 2), "Fraction")])
def test_what_is_no_amount_is_refused_by_its_type(value: Any, found: str) -> None:
    with pytest.raises(MoneyError, match=rf"such as '12\.50', found {found}$"):
        Money(value, "CNY")


@pytest.mark.parametrize("value", ["12.50", Decimal("12.50"), None])
def test_an_amount_without_a_currency_is_asked_for_it(value: Any) -> None:
    with pytest.raises(MoneyError, match=r"names no currency: write '12\.50 CNY'"):
        Money(value)


@pytest.mark.parametrize("currency", ["RMB", "cny", "", "XXX", 5, ["CNY"]])
def test_an_unknown_currency_is_refused(currency: Any) -> None:
    with pytest.raises(MoneyError, match="ISO 4217"):
        Money("1", currency)
    with pytest.raises(MoneyError, match="ISO 4217"):
        Money.from_minor(1, currency)
    with pytest.raises(MoneyError, match="ISO 4217"):
        scale_of(currency)


@pytest.mark.parametrize(("amount", "currency"), [("0.001", "CNY"), ("0.5", "JPY"), ("1.2345", "KWD"), (Decimal("1E-50"), "CNY")])
def test_an_amount_with_too_many_decimals_is_refused_rather_than_rounded(amount: Any, currency: str) -> None:
    with pytest.raises(MoneyError, match=rf"^{amount} has more decimals than {currency} "):
        Money(amount, currency)


def test_decimals_that_are_zero_are_no_decimals() -> None:
    assert Money("1.2000", "CNY") == cny("1.20")


@pytest.mark.parametrize("value", [Decimal("1E+30"), Decimal("1E+1000000"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")])
def test_a_decimal_that_is_no_amount_is_refused(value: Decimal) -> None:
    with pytest.raises(MoneyError):
        Money(value, "CNY")


def test_a_decimal_of_very_many_digits_is_refused_like_any_other() -> None:
    with pytest.raises(MoneyError):
        Money(Decimal("0." + "1" * 100_000), "CNY")
    with pytest.raises(MoneyError):
        to_units(Decimal("1." + "0" * 5000 + "1"), 2, "CNY")


def test_eighteen_digits_of_the_smallest_unit_are_the_most() -> None:
    assert Money("9999999999999999.99", "CNY").minor == 10**18 - 1
    for amount in ("10000000000000000.00", "-10000000000000000.00"):
        with pytest.raises(MoneyError, match="too large"):
            Money(amount, "CNY")
    with pytest.raises(MoneyError, match="too large"):
        Money.from_minor(10**18, "CNY")
    with pytest.raises(MoneyError, match="too large"):
        _ = Money.from_minor(10**18 - 1, "CNY") + Money.from_minor(1, "CNY")


@pytest.mark.parametrize(("most", "scale"), [("999999999999999999", 0), ("9999999999999999.99", 2)])
def test_the_bound_of_eighteen_digits_counts_decimals(most: str, scale: int) -> None:
    assert to_units(Decimal(most), scale, "a unit") == 10**18 - 1
    with pytest.raises(MoneyError, match="a unit's smallest unit"):
        to_units(Decimal(10 ** (18 - scale)), scale, "a unit")


@pytest.mark.parametrize(("minor", "found"), [(1.0, "float"), ("1", "str"), (True, "bool"), (None, "NoneType")])
def test_smallest_units_are_whole_numbers(minor: Any, found: str) -> None:
    with pytest.raises(MoneyError, match=f"whole numbers, found {found}"):
        Money.from_minor(minor, "CNY")


@given(st.integers(-(10**17), 10**17), st.integers(0, 4))
def test_units_and_decimals_are_two_spellings_of_one_number(units: int, scale: int) -> None:
    decimal = from_units(units, scale)
    assert to_units(decimal, scale, "a unit") == units
    assert Fraction(decimal) == Fraction(units, 10**scale)


# -- arithmetic ----------------------------------------------------------------------------------------------------------


@given(totals, totals, st.integers(-99, 99))
def test_sums_and_products_are_those_of_whole_numbers(left: int, right: int, count: int) -> None:
    first, second = Money.from_minor(left, "EUR"), Money.from_minor(right, "EUR")
    assert (first + second).minor == left + right
    assert (first - second).minor == left - right
    assert (first * count).minor == (count * first).minor == left * count
    assert (-first).minor == -left
    assert bool(first) == bool(left)


@given(totals, totals)
def test_amounts_are_ordered_and_hashed_like_their_smallest_units(left: int, right: int) -> None:
    first, second = Money.from_minor(left, "EUR"), Money.from_minor(right, "EUR")
    assert (first < second, first <= second, first == second, first >= second, first > second) == (
        left < right,
        left <= right,
        left == right,
        left >= right,
        left > right,
    )
    assert hash(Money.from_minor(left, "EUR")) == hash(first)


def test_different_amounts_mostly_hash_differently() -> None:
    assert len({hash(Money.from_minor(minor, currency)) for minor in range(50) for currency in ("CNY", "EUR")}) > 90


def test_two_currencies_never_mix() -> None:
    yuan, euro = Money("1", "CNY"), Money("1", "EUR")
    for mix in (lambda: yuan + euro, lambda: yuan - euro, lambda: yuan < euro, lambda: yuan >= euro):
        with pytest.raises(MoneyError, match="never mix"):
            mix()
    assert yuan != euro


@pytest.mark.parametrize("other", [1, "1.00 CNY", Decimal(1), None])
def test_money_goes_with_money_only(other: Any) -> None:
    message = rf"money goes with money, found {type(other).__name__}: write Money\('12\.50', 'CNY'\)"
    mixes: list[Callable[[], object]] = [lambda: cny("1") + other, lambda: cny("1") - other, lambda: cny("1") < other]
    for mix in mixes:
        with pytest.raises(MoneyError, match=message):
            mix()
    assert cny("1") != other


def test_a_factor_names_its_rounding() -> None:
    # 12.50 times 1.15 is 14.375; -0.05 times a half is -0.025
    assert cny("12.50").times(Fraction("1.15"), Rounding.floor) == cny("14.37")
    assert cny("12.50").times(Fraction("1.15"), Rounding.half_up) == cny("14.38")
    assert cny("-0.05").times(Fraction(1, 2), Rounding.half_up) == cny("-0.03")
    assert cny("-0.05").times(Fraction(1, 2), Rounding.floor) == cny("-0.03")
    assert cny("12.50").times(2, Rounding.floor) == cny("25")  # type: ignore[arg-type]  # a whole number does too


@pytest.mark.parametrize("factor", [1.15, Decimal("1.15"), "1.15", True])
def test_a_factor_that_is_not_exact_is_refused(factor: Any) -> None:
    with pytest.raises(MoneyError, match=rf"write Fraction\('1\.15'\) or a whole number, not {type(factor).__name__}"):
        cny("1").times(factor, Rounding.floor)


@pytest.mark.parametrize("count", [1.5, Decimal(2), Fraction(2), True])
def test_a_product_without_a_rounding_takes_whole_numbers_only(count: Any) -> None:
    with pytest.raises(MoneyError, match="times"):
        _ = cny("1") * count


def test_a_rounding_may_be_named_by_its_text() -> None:
    rounding: Any = "floor"
    assert cny("0.07").times(Fraction(1, 10), rounding) == cny("0.00")


def test_an_unknown_rounding_is_refused() -> None:
    rounding: Any = "down"
    with pytest.raises(MoneyError, match="one of floor, ceil, half_up, half_down, half_even"):
        cny("1").times(Fraction(1, 3), rounding)
    with pytest.raises(MoneyError, match="half_even"):
        cny("1").split([1, 2], rounding)


def test_money_does_not_change() -> None:
    amount = cny("1")
    changes: list[Callable[[], None]] = [
        lambda: setattr(amount, "minor", 2),
        lambda: delattr(amount, "minor"),
        lambda: setattr(amount, "note", ""),
    ]
    for change in changes:
        with pytest.raises(AttributeError, match="Money does not change; make a new one"):
            change()
    assert copy.deepcopy(amount) == amount


def test_a_money_error_is_ours_and_a_value_error() -> None:
    assert issubclass(MoneyError, CustrulesError)
    assert issubclass(MoneyError, ValueError)


# -- in models -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["12.50 CNY", "12.50", Decimal("12.5"), cny("12.50")])
def test_a_model_reads_an_amount_in_the_currency_of_its_context(value: Any) -> None:
    assert money.validate_python(value, context={"currency": "CNY"}) == cny("12.50")


def test_an_int_of_json_is_whole_units() -> None:
    assert money.validate_python(12, context={"currency": "CNY"}) == cny("12.00")


def test_the_amounts_own_currency_goes_before_that_of_the_context() -> None:
    assert money.validate_python("12.50 EUR", context={"currency": "CNY"}) == Money("12.50", "EUR")


@pytest.mark.parametrize("value", [12.5, "12.50", None, True, [], "NaN CNY", pytest.param(10**5000, id="very long")])
def test_a_model_refuses_what_is_no_amount_with_its_reason(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        money.validate_python(value)
    assert caught.value.errors()[0]["type"] == "money"


def test_a_model_says_why_an_amount_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        money.validate_python("12.50")
    assert caught.value.errors()[0]["msg"].startswith("12.50 names no currency: write '12.50 CNY'")


def test_a_model_writes_an_amount_as_its_text() -> None:
    assert money.dump_json(cny("12.50")) == b'"12.50 CNY"'
    assert money.dump_python(cny("12.50")) == cny("12.50")
