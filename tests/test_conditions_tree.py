"""Conditions as documents write them: shape, faults with their places, bounds, round trip."""

from __future__ import annotations

import json
import pickle
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from conditions_examples import Example, conditions
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from custrules.conditions import Cell, Condition
from custrules.errors import DocumentError
from custrules.fields import Frozen
from custrules.validation import diagnostics_of


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    when: Condition | None = None


class Table(BaseModel):
    rows: tuple[Row, ...]


def faults_of(data: Any) -> list[tuple[str, str]]:
    with pytest.raises(DocumentError) as caught:
        Condition.of(data)
    return [(fault.code, fault.path) for fault in caught.value.diagnostics]


def params_of(data: Any) -> dict[str, Any]:
    with pytest.raises(DocumentError) as caught:
        Condition.of(data)
    [fault] = caught.value.diagnostics
    return dict(fault.params)


@given(conditions())
def test_a_condition_written_out_reads_back_equal(example: Example) -> None:
    condition = Condition.of(example[0])
    assert Condition.of(condition.document()) == condition


@given(conditions())
def test_the_document_form_is_what_was_written(example: Example) -> None:
    assert Condition.of(example[0]).document() == example[0]


@given(conditions())
def test_a_field_writes_its_condition_as_the_document_has_it(example: Example) -> None:
    row = Row.model_validate({"when": example[0]})
    assert json.loads(row.model_dump_json()) == row.model_dump() == {"when": example[0]}


def shuffled(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: shuffled(data[key]) for key in reversed(data)}
    return [shuffled(item) for item in data] if isinstance(data, list) else data


@given(conditions())
def test_the_order_of_facts_makes_no_difference_to_equality(example: Example) -> None:
    one, other = Condition.of(example[0]), Condition.of(shuffled(example[0]))
    assert one == other
    assert hash(one) == hash(other)


@given(conditions())
def test_a_condition_pickles(example: Example) -> None:
    condition = Condition.of(example[0])
    assert pickle.loads(pickle.dumps(condition)) == condition


def test_conditions_with_other_cells_differ() -> None:
    assert Condition.of({"orders": ">= 5"}) != Condition.of({"orders": "> 5"})


def test_any_and_all_of_the_same_differ() -> None:
    assert Condition.of({"any": [{"a": "1"}, {"b": "2"}]}) != Condition.of({"all": [{"a": "1"}, {"b": "2"}]})


def test_a_condition_does_not_change() -> None:
    with pytest.raises(AttributeError):
        Condition.of({"orders": "5"}).entries = Frozen()  # type: ignore[misc]  # that is the fault


def test_facts_are_found_at_every_depth() -> None:
    condition = Condition.of({"a": "1", "any": [{"b.c": "1"}, {"not": {"d": "1", "all": [{"e": "1"}]}}]})
    assert condition.facts == {"a", "b.c", "d", "e"}


def test_leaves_come_in_document_order() -> None:
    condition = Condition.of({"z": "1", "any": [{"y": "2"}, {"x": "3"}], "w": ["4", "5"]})
    assert list(condition.leaves()) == [("z", Cell("1")), ("y", Cell("2")), ("x", Cell("3")), ("w", Cell(("4", "5")))]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (-5, "-5"),
        (True, "true"),
        (Decimal("12.50"), "12.50"),
        (Fraction(1, 3), "1/3"),
        (date(2026, 1, 2), "2026-01-02"),
        ("  gold ", "gold"),
    ],
)
def test_an_exact_value_of_code_becomes_its_text(value: Any, text: str) -> None:
    assert Condition.of({"fact": value}).document() == {"fact": text}


def test_a_condition_may_be_built_out_of_conditions() -> None:
    inner = Condition.of({"orders": ">= 5"})
    assert Condition.of({"any": [inner, {"tier": "gold"}]}) == Condition.of({"any": [{"orders": ">= 5"}, {"tier": "gold"}]})


def test_a_condition_that_was_built_by_hand_is_checked_as_a_field() -> None:
    with pytest.raises(ValidationError, match=r"document\.bad_cell"):
        Row(when=Condition(Frozen({"orders": Cell("[5")})))


@pytest.mark.parametrize("data", ["gold", None, 5, [], [{"a": "1"}], {}])
def test_a_condition_is_a_mapping_with_something_in_it(data: Any) -> None:
    assert faults_of(data) == [("document.bad_condition", "")]


@pytest.mark.parametrize("key", ["all", "any"])
@pytest.mark.parametrize("data", [[], {}, {"a": "1"}, "a", None])
def test_all_and_any_take_a_list_of_conditions(key: str, data: Any) -> None:
    assert faults_of({key: data}) == [("document.bad_condition", key)]


@pytest.mark.parametrize("data", [[], {}, [{"a": "1"}], "a", None])
def test_not_takes_one_condition(data: Any) -> None:
    assert faults_of({"not": data}) == [("document.bad_condition", "not")]


@pytest.mark.parametrize("key", ["", "a b", ">= 5", "a..b", ".a", "a.", "1a", "x" * 101, 5, None, True])
def test_a_key_that_cannot_name_a_fact_is_refused(key: Any) -> None:
    assert faults_of({key: "1"}) == [("document.bad_condition", str(key))]


def test_a_bad_shape_tells_what_was_expected_and_found() -> None:
    assert params_of({"any": {"a": "1"}}) == {"expected": "a list of at least one condition", "found": "a mapping {a}"}


def test_a_bad_cell_tells_its_fact_and_text_and_what_to_write() -> None:
    assert params_of({"orders": "!= 5"}) == {"fact": "orders", "cell": "!= 5", "expected": "not(x) for anything but x", "nearest": ""}


def test_a_bad_item_of_a_list_is_quoted_alone() -> None:
    assert params_of({"orders": ["5", "!= 5"]})["cell"] == "!= 5"


def test_a_field_tells_what_it_was_given() -> None:
    with pytest.raises(ValidationError) as caught:
        Row.model_validate({"when": {"orders": ["5", "!= 5"], "any": []}})
    assert [fault["input"] for fault in caught.value.errors()] == ["!= 5", []]


def test_all_faults_come_at_once_each_with_its_place() -> None:
    data = {"a": "[1..", "any": [{"b.c": "!= 5"}, {}, {"not": {"d": 0.5}}], "all": [], "e": ["x", "(", "-"], "f g": "1"}
    assert faults_of(data) == [
        ("document.bad_cell", "a"),
        ("document.bad_cell", "any[0].b.c"),
        ("document.bad_condition", "any[1]"),
        ("document.bad_cell", "any[2].not.d"),
        ("document.bad_condition", "all"),
        ("document.bad_cell", "e[1]"),
        ("document.bad_condition", "f g"),
    ]


def test_a_field_tells_the_place_in_the_whole_document() -> None:
    with pytest.raises(ValidationError) as caught:
        Table.model_validate({"rows": [{}, {"when": {"any": [{"a": "1"}, {"b": "!= 1", "c": ">"}]}}]})
    found = diagnostics_of(caught.value, "document", Table, prefix=("policies", 3))
    assert [fault.path for fault in found] == ["policies[3].rows[1].when.any[1].b", "policies[3].rows[1].when.any[1].c"]


def nested(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {"a": "1"}
    for _ in range(depth - 1):
        data = {"not": data}
    return data


def test_a_condition_may_be_ten_deep() -> None:
    assert Condition.of(nested(10)).facts == {"a"}


def test_a_condition_that_is_deeper_is_refused() -> None:
    assert faults_of(nested(11)) == [("document.condition_too_big", ".".join(["not"] * 10))]


def test_a_very_deep_condition_is_refused_without_walking_down() -> None:
    assert params_of(nested(5000)) == {"what": "depth", "found": "11", "most": "10"}


def test_a_condition_may_have_200_cells() -> None:
    assert len(list(Condition.of({"any": [{"a": "1"}] * 200}).leaves())) == 200


def test_a_condition_of_more_cells_is_refused() -> None:
    assert params_of({"any": [{"a": "1"}] * 201}) == {"what": "cells", "found": "201", "most": "200"}


def test_a_condition_of_very_many_bad_cells_is_refused_after_the_first_two_hundred() -> None:
    assert len(faults_of({f"fact{number}": "!= 1" for number in range(10_000)})) == 202


def test_a_list_of_very_many_bad_conditions_is_refused_after_the_first_two_thousand() -> None:
    assert len(faults_of({"any": ["x"] * 10_000})) == 2001


def test_a_cell_may_have_200_tests() -> None:
    assert Condition.of({"a": ["1"] * 200}).facts == {"a"}


@pytest.mark.parametrize("cell", [["1"] * 201, ",".join("1" * 201), [",".join("1" * 101)] * 2])
def test_a_cell_of_more_tests_is_refused(cell: Any) -> None:
    assert faults_of({"a": cell}) == [("document.condition_too_big", "a")]


def test_a_cell_of_very_much_text_is_refused() -> None:
    assert params_of({"a": "x" * 2001}) == {"what": "characters in a cell", "found": "2001", "most": "2000"}


def test_a_mapping_that_holds_itself_is_refused() -> None:
    data: dict[str, Any] = {}
    data["any"] = [data] * 100
    assert ("document.condition_too_big", "") in faults_of(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["all", "any", "not", "a", "b c"]), inner),
    )
)
def test_whatever_is_given_is_read_or_refused_with_diagnostics(data: Any) -> None:
    codes: set[str] = set()
    try:
        condition = Condition.of(data)
        again = Condition.of(condition.document()) == condition
    except DocumentError as refused:
        codes = {fault.code for fault in refused.diagnostics}
        again = bool(codes)
    assert again
    assert codes <= {"document.bad_condition", "document.bad_cell", "document.condition_too_big"}


def test_the_json_schema_names_the_three_combinators() -> None:
    schema = Row.model_json_schema()["properties"]["when"]["anyOf"][0]
    assert set(schema["properties"]) == {"all", "any", "not"}
