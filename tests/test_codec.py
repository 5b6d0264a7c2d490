"""Canonical JSON, and its strict reader."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custrules.codec import MAX_BYTES, MAX_DEPTH, canonical, parse_json, scalar_text
from custrules.errors import Diagnostic, EventError
from custrules.fields import Frozen
from custrules.money import Money

scalars = st.none() | st.booleans() | st.integers(-(10**18) + 1, 10**18 - 1) | st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
plain_data = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20)


def fault_of(text: Any) -> Diagnostic:
    with pytest.raises(EventError) as caught:
        parse_json(text, EventError, "a source")
    [fault] = caught.value.diagnostics
    assert fault.source == "a source"
    return fault


@given(plain_data)
def test_plain_data_is_read_back(data: Any) -> None:
    assert parse_json(canonical(data), EventError) == data


@given(plain_data)
def test_the_text_is_that_of_the_json_module_with_sorted_keys_and_no_spaces(data: Any) -> None:
    assert canonical(data).decode() == json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def test_the_order_of_keys_makes_no_difference() -> None:
    assert canonical({"b": 1, "a": Frozen({"d": 1, "c": 2})}) == canonical({"a": {"c": 2, "d": 1}, "b": 1}) == b'{"a":{"c":2,"d":1},"b":1}'


class Word(StrEnum):
    yes = "yes"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Money("12.50 CNY"), "12.50 CNY"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.10"), "0.10"),
        (Fraction(1, 3), "1/3"),
        (Fraction(5, 4), "1.25"),
        (datetime(2026, 3, 31, 10, tzinfo=timezone(timedelta(hours=8))), "2026-03-31T02:00:00Z"),
        (datetime(2026, 3, 31, 2, 0, 0, 5, tzinfo=UTC), "2026-03-31T02:00:00.000005Z"),
        (date(2026, 3, 31), "2026-03-31"),
    ],
)
def test_what_json_has_no_type_for_is_written_as_its_exact_text(value: object, text: str) -> None:
    assert scalar_text(value) == text
    assert json.loads(canonical([value])) == [text]


def test_a_word_out_of_a_list_is_text() -> None:
    assert canonical(Word.yes) == b'"yes"'


@pytest.mark.parametrize("value", [0.5, float("nan"), object(), {1, 2}, b"bytes"])
def test_a_float_is_never_written_nor_what_has_no_text(value: object) -> None:
    with pytest.raises(TypeError, match="canonical JSON"):
        canonical({"a": value})


# -- reading -------------------------------------------------------------------------------------------------------------


def test_decimals_stay_text() -> None:
    assert parse_json('{"a": 0.1, "b": 1e5, "c": 12}', EventError) == {"a": "0.1", "b": "1e5", "c": 12}


def test_a_whole_number_that_no_column_holds_stays_text() -> None:
    assert parse_json("9" * 5000, EventError) == "9" * 5000


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_what_is_no_number_is_refused(text: str) -> None:
    assert fault_of(text).code == "document.not_a_number"


def test_a_repeated_key_is_refused_by_its_name() -> None:
    fault = fault_of('{"a": 1, "b": {"c": 1, "d": 2, "c": 1}}')
    assert (fault.code, fault.params["key"]) == ("document.repeated_key", "c")


def test_a_repeated_key_among_very_many_is_found_at_once() -> None:
    text = "{" + ",".join(f'"{number}":0' for number in range(200_000)) + ',"199999":0}'
    assert fault_of(text).params["key"] == "199999"


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "[1,]", "01", "+1", ".5", "1 2", "// no", "\ufeff{}"])
def test_what_is_no_json_is_refused_with_its_place(text: str) -> None:
    fault = fault_of(text)
    assert (fault.code, fault.line) == ("document.syntax", 1)


def test_a_byte_order_mark_is_read_over() -> None:
    assert parse_json(b"\xef\xbb\xbf[1]", EventError) == [1]


def test_bytes_that_are_not_utf8_are_refused() -> None:
    fault = fault_of(b'"\xff"')
    assert (fault.code, fault.params["byte"]) == ("document.not_utf8", 1)


@pytest.mark.parametrize("text", ['"\\ud800"', '{"\\uDC00a": 1}', b'["\\ud83d"]', '"\ud800"'])
def test_half_of_a_surrogate_pair_is_refused_because_it_could_not_be_written(text: Any) -> None:
    assert fault_of(text).code == "document.syntax"


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse_json('"\\ud83c\\udf81"', EventError) == "\U0001f381"


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000])
def test_json_that_is_too_deep_is_refused(bracket: str, depth: int) -> None:
    closing = "]" if bracket == "[" else "}"
    assert fault_of(bracket * depth + "1" + closing * depth).code == "document.too_deep"


def test_json_of_the_greatest_depth_is_read() -> None:
    depth = MAX_DEPTH - 1
    assert parse_json("[" * depth + "1" + "]" * depth, EventError)


def test_json_that_is_too_large_is_refused_before_it_is_read() -> None:
    assert fault_of(b" " * (MAX_BYTES + 1)).code == "document.too_large"


@pytest.mark.parametrize("value", [None, 5, {}, bytearray(b"{}")])
def test_what_is_no_text_is_refused(value: Any) -> None:
    assert fault_of(value).code == "document.wrong_type"
