"""The scalar types of documents: one strict grammar each, read from text or from the exact Python value."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from custrules.fields import (
    Amount,
    Day,
    Flag,
    Frozen,
    Instant,
    Name,
    Rate,
    Text,
    Title,
    Whole,
    describe,
    frozen_map,
    instant_text,
    plain,
    rate_text,
    read_day,
    read_decimal,
    read_flag,
    read_instant,
    read_name,
    read_rate,
    read_text,
    read_whole,
)

ODD_NUMBERS = [
    "",
    " ",
    "21:00",
    "NO",
    "010",
    "1_000",
    "1,000",
    "1e5",
    "1E5",
    "+5",
    "４",
    "٤",
    " 5",
    "5 ",
    "5\n",
    "0x10",
    "0b1",
    "0o7",
    "--5",
    "²",
    "½",
]
SHANGHAI = timezone(timedelta(hours=8))


def code_of(read: Any, value: object) -> str:
    with pytest.raises(PydanticCustomError) as caught:
        read(value)
    return caught.value.type


# -- numbers -------------------------------------------------------------------------------------------------------------


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_a_whole_number_is_its_digits(number: int) -> None:
    assert read_whole(str(number)) == read_whole(number) == number


@pytest.mark.parametrize("value", [*ODD_NUMBERS, "1.0", "1" * 19, 1.0, True, None, [], Decimal(1), 10**18, pytest.param(10**5000, id="very long")])
def test_nothing_else_is_a_whole_number(value: Any) -> None:
    assert code_of(read_whole, value) == "document.wrong_type"


@given(st.decimals(-(10**9), 10**9, places=6))
def test_a_number_is_its_decimal_text(number: Decimal) -> None:
    assert read_decimal(plain(number)) == number


@pytest.mark.parametrize("value", [*ODD_NUMBERS, ".5", "5.", "1.2.3", "NaN", "Infinity", 0.1, True, None, Decimal("NaN"), Decimal("1E+99"), "1" * 19])
def test_nothing_else_is_a_number(value: Any) -> None:
    assert code_of(read_decimal, value) == "document.wrong_type"


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1.15", Fraction(23, 20)),
        ("1/100", Fraction(1, 100)),
        ("15%", Fraction(3, 20)),
        ("12.5 %", Fraction(1, 8)),
        ("2", Fraction(2)),
        (2, Fraction(2)),
    ],
)
def test_a_rate_is_an_exact_fraction(text: Any, rate: Fraction) -> None:
    assert read_rate(text) == rate


@pytest.mark.parametrize(
    "value", [*ODD_NUMBERS, "1/0", "1/", "/2", "1/02", "01/2", "1/-2", "1/2/3", "1 / 2", "%", "1%%", "1/2%", "1/٢", 0.5, True, None]
)
def test_nothing_else_is_a_rate(value: Any) -> None:
    assert code_of(read_rate, value) == "document.wrong_type"


@given(st.fractions(max_denominator=10**24))
def test_the_text_of_a_rate_is_read_back(rate: Fraction) -> None:
    assert read_rate(rate_text(rate)) == rate


@given(st.integers(0, 80), st.integers(0, 40), st.integers(-(10**25), 10**25))
def test_the_text_of_a_long_decimal_fraction_is_read_back(twos: int, fives: int, numerator: int) -> None:
    rate = Fraction(numerator, 2**twos * 5**fives)
    assert read_rate(rate_text(rate)) == rate


@pytest.mark.parametrize(("rate", "text"), [("1/8", "0.125"), ("1/3", "1/3"), ("-3/2", "-1.5"), ("2", "2"), ("0", "0"), ("100", "100")])
def test_a_rate_that_ends_is_written_as_a_decimal(rate: str, text: str) -> None:
    assert rate_text(Fraction(rate)) == text


# -- words ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "flag"), [("true", True), ("false", False), (True, True), (False, False)])
def test_a_flag_is_true_or_false(value: Any, flag: bool) -> None:
    assert read_flag(value) is flag


@pytest.mark.parametrize("value", ["NO", "no", "yes", "on", "off", "True", "TRUE", "y", "1", 1, 0, "", None])
def test_nothing_else_is_a_flag(value: Any) -> None:
    assert code_of(read_flag, value) == "document.wrong_type"


@pytest.mark.parametrize("name", ["spend_12m", "a", "会员", "Über-uns", "a4"])
def test_a_name_is_letters_digits_and_dashes_of_any_script(name: str) -> None:
    assert read_name(name) == name


@pytest.mark.parametrize("value", ["", "_a", "4a", "-a", "a b", "a.b", "a/b", "a\n", "a" * 101, "a:b", 5, None])
def test_nothing_else_is_a_name(value: Any) -> None:
    assert code_of(read_name, value) == "document.wrong_type"


@pytest.mark.parametrize("value", ["", "  \n", "a" * 2001, "half a pair \ud800", 5, None])
def test_text_is_neither_empty_nor_too_long_nor_unwritable(value: Any) -> None:
    assert code_of(read_text, value) == "document.wrong_type"


def test_text_keeps_every_character() -> None:
    assert read_text(" 年终 🎁\n") == " 年终 🎁\n"


# -- days and instants ---------------------------------------------------------------------------------------------------


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_a_day_is_its_iso_date(day: date) -> None:
    assert read_day(day.isoformat()) == read_day(day) == day


@pytest.mark.parametrize(
    "value", ["2026-3-31", "20260331", "2026-W13-2", "2026-02-29", "31-03-2026", "2026/03/31", " 2026-03-31", "２０26-03-31", 20260331, None, ""]
)
def test_nothing_else_is_a_day(value: Any) -> None:
    assert code_of(read_day, value) == "document.wrong_type"


def test_an_instant_is_not_a_day() -> None:
    assert code_of(read_day, datetime(2026, 3, 31, tzinfo=UTC)) == "document.wrong_type"


@pytest.mark.parametrize("value", ["1899-12-31", "2200-01-01", "0001-01-01", "9999-12-31", date(1, 1, 1), date(9999, 12, 31)])
def test_a_day_lies_between_1900_and_2199(value: Any) -> None:
    assert code_of(read_day, value) == "document.year_out_of_range"


@pytest.mark.parametrize("text", ["2026-03-31T10:00:00+08:00", "2026-03-31 10:00+08:00", "2026-03-31T02:00:00Z", "2026-03-31T02:00:00.000000Z"])
def test_an_instant_is_kept_in_utc(text: str) -> None:
    found = read_instant(text)
    assert found == datetime(2026, 3, 31, 10, tzinfo=SHANGHAI)
    assert found.utcoffset() == timedelta(0)
    assert instant_text(found) == "2026-03-31T02:00:00Z"


def test_fractions_of_a_second_are_kept() -> None:
    assert instant_text(read_instant("2026-03-31T02:00:00.000001Z")) == "2026-03-31T02:00:00.000001Z"


@pytest.mark.parametrize("value", ["2026-03-31T10:00:00", datetime(2026, 3, 31)])  # noqa: DTZ001 - naive on purpose
def test_a_naive_instant_is_refused(value: Any) -> None:
    assert code_of(read_instant, value) == "event.naive_instant"


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-31",
        "2026-03-31T25:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-W13-2T10:00:00Z",
        "yesterday, 10 o'clock",
        1774915200,
        date(2026, 3, 31),
        None,
    ],
)
def test_nothing_else_is_an_instant(value: Any) -> None:
    assert code_of(read_instant, value) == "document.wrong_type"


EDGES = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1899-12-31T23:59:59Z", "2200-01-01T00:00:00Z"]


@pytest.mark.parametrize("text", [*EDGES, "1900-01-01T00:00:00+14:00", "2199-12-31T23:59:59-12:00"])
def test_an_instant_lies_between_1900_and_2199_in_utc_too(text: str) -> None:
    assert code_of(read_instant, text) == "document.year_out_of_range"


@given(st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30), timezones=st.just(SHANGHAI)))  # noqa: DTZ001 - naive on purpose
def test_the_text_of_an_instant_is_read_back(instant: datetime) -> None:
    assert read_instant(instant_text(read_instant(instant))) == instant


# -- frozen mappings -----------------------------------------------------------------------------------------------------


def test_a_frozen_mapping_equals_and_hashes_by_content() -> None:
    first, second = Frozen({"a": 1, "b": 2}), Frozen({"b": 2, "a": 1})
    assert first == second == {"a": 1, "b": 2}
    assert hash(first) == hash(second)
    assert first != Frozen({"a": 1})


def test_a_frozen_mapping_keeps_its_order_and_pickles() -> None:
    frozen = Frozen({"b": 1, "a": 2})
    assert list(pickle.loads(pickle.dumps(frozen))) == list(frozen) == ["b", "a"]
    assert repr(frozen) == "{'b': 1, 'a': 2}"


def test_a_frozen_mapping_neither_changes_nor_follows_what_it_was_made_of() -> None:
    made_of = {"a": 1}
    frozen: Any = Frozen(made_of)
    made_of["a"] = 2
    with pytest.raises(TypeError):
        frozen["a"] = 3
    with pytest.raises(AttributeError):
        frozen._items = {}
    assert frozen["a"] == 1


# -- in models -----------------------------------------------------------------------------------------------------------


class Everything(BaseModel):
    whole: Whole = 5
    amount: Amount = Decimal("12.50")
    rate: Rate = Fraction(1, 3)
    flag: Flag = True
    day: Day = date(2026, 3, 31)
    instant: Instant = datetime(2026, 3, 31, 2, tzinfo=UTC)
    text: Text = "text"
    name: Name = "name"
    title: Title = "title"
    rates: frozen_map(read_rate, rate_text) = Frozen({"gold": Fraction(6, 5)})  # type: ignore[valid-type]  # pydantic reads it, mypy cannot


def test_a_model_is_read_back_from_the_text_that_it_writes() -> None:
    written = Everything().model_dump_json()
    assert Everything.model_validate_json(written) == Everything()


def test_a_model_writes_scalars_as_exact_text() -> None:
    written = Everything().model_dump(mode="json")
    assert (written["whole"], written["amount"], written["rate"], written["rates"]) == ("5", "12.50", "1/3", {"gold": "1.2"})


def test_a_title_is_text_or_text_by_language() -> None:
    assert Everything.model_validate({"title": {"en": "Club", "zh": "会"}}).title == {"en": "Club", "zh": "会"}
    for wrong in ({}, {"fr": "Club"}, {"en": ""}, 5):
        with pytest.raises(ValidationError):
            Everything.model_validate({"title": wrong})


def test_a_mapping_field_is_a_mapping_of_names() -> None:
    wrongs: list[Any] = [[], {"a b": "1"}, {"a": "x"}, {5: "1"}]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            Everything.model_validate({"rates": wrong})


@pytest.mark.parametrize(
    ("value", "described"),
    [("a" * 100, repr("a" * 60)), ({"a": 1, "b": 2}, "a mapping {a, b}"), ([1], "a list"), (1.5, "float 1.5"), (None, "NoneType None")],
)
def test_a_fault_quotes_what_was_found_briefly(value: Any, described: str) -> None:
    assert describe(value) == described


def test_a_number_of_very_many_digits_is_described_without_them() -> None:
    assert len(describe(10**100_000)) < 80
