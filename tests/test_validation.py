"""From the validator's errors to Diagnostics: codes, paths and numbers of our own."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from custrules.errors import Diagnostic, MoneyError
from custrules.fields import Day, Flag, Name, Whole
from custrules.money import Money
from custrules.validation import diagnostics_of, in_family, located, model_at, nearest, path_text


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    amount: Money | None = None
    flag: Flag = True


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    later_fields: ClassVar[tuple[str, ...]] = ("soon",)

    name: Name
    day: Day | None = None
    inner: Inner = Inner()
    parts: tuple[Inner, ...] = Field(default=(), max_length=2)
    numbers: tuple[Whole, ...] = Field(default=(), min_length=1)
    text: str = ""
    maybe: Inner | None = None
    odd: int = 0

    @field_validator("odd")
    @classmethod
    def _too_large(cls, value: int) -> int:
        raise MoneyError("too large") if value == 5 else ValueError("odd")


def faults_of(**data: Any) -> list[Diagnostic]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"name": "a"} | data)
    return diagnostics_of(caught.value, "document", Outer)


@pytest.mark.parametrize(
    ("data", "code", "path", "params"),
    [
        ({"name": "a b"}, "document.wrong_type", "name", {"expected": "a name of letters, digits, _ and -"}),
        ({"day": "1800-01-01"}, "document.year_out_of_range", "day", {"found": "1800"}),
        ({"inner": {"flag": "NO"}}, "document.wrong_type", "inner.flag", {"expected": "true or false", "found": "'NO'"}),
        ({"parts": [{}, {"amount": 1.5}]}, "document.bad_money", "parts[1].amount", {}),
        ({"parts": [{}, {}, {}]}, "document.wrong_length", "parts", {"limit": 2}),
        ({"numbers": []}, "document.too_few", "numbers", {"found": 0, "least": 1}),
        ({"numbers": ["1", "x"]}, "document.wrong_type", "numbers[1]", {"found": "'x'"}),
        ({"inner": []}, "document.wrong_type", "inner", {"expected": "a mapping", "found": "a list"}),
        ({"parts": {}}, "document.wrong_type", "parts", {"expected": "a list"}),
        ({"text": 5}, "document.wrong_type", "text", {"expected": "text", "found": "int 5"}),
        ({"nam": "a"}, "document.unknown_field", "nam", {"nearest": "name"}),
        ({"parts": [{"flags": True}]}, "document.unknown_field", "parts[0].flags", {"nearest": "flag", "known": "amount, flag"}),
        ({"maybe": {"x": 1}}, "document.unknown_field", "maybe.x", {"nearest": "", "known": "amount, flag"}),
        ({"soon": 1}, "document.not_available", "soon", {"what": "the field 'soon'"}),
        ({"odd": 5}, "document.bad_money", "odd", {"reason": "too large"}),
    ],
)
def test_a_fault_has_our_code_path_and_numbers(data: dict[str, Any], code: str, path: str, params: dict[str, Any]) -> None:
    [fault] = faults_of(**data)
    assert (fault.code, fault.path) == (code, path)
    assert {name: fault.params[name] for name in params} == params


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({})
    [fault] = diagnostics_of(caught.value, "document", Outer)
    assert (fault.code, fault.path, fault.params["field"]) == ("document.missing_field", "name", "name")


def test_every_fault_is_told() -> None:
    assert [fault.path for fault in faults_of(day=1, inner={"flag": 1, "x": 1}, text=None)] == ["day", "inner.flag", "inner.x", "text"]


def test_a_path_begins_with_where_the_model_stands() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({})
    [fault] = diagnostics_of(caught.value, "event", Outer, ("events", 2))
    assert (fault.code, fault.path) == ("event.missing_field", "events[2].name")
    assert located(caught.value)[0][0] == ("name",)


@pytest.mark.parametrize(("loc", "text"), [((), ""), (("a",), "a"), (("a", 0, "b", 1, 2), "a[0].b[1][2]"), ((0, "a"), "[0].a")])
def test_a_place_is_written_with_dots_and_brackets(loc: tuple[int | str, ...], text: str) -> None:
    assert path_text(loc) == text


@pytest.mark.parametrize(
    ("code", "family", "found"),
    [
        ("document.wrong_type", "event", "event.wrong_type"),
        ("event.naive_instant", "state", "event.naive_instant"),
        ("document.a", "document", "document.a"),
    ],
)
def test_a_code_of_the_document_is_told_as_its_familys(code: str, family: str, found: str) -> None:
    assert in_family(code, family) == found


@pytest.mark.parametrize(("word", "found"), [("purchse", "purchase"), ("xyz", ""), ("", ""), ("purchase" * 1_000_000, "")])
def test_the_nearest_word_is_the_one_that_was_meant(word: str, found: str) -> None:
    assert nearest(word, ["return", "purchase", "visit"]) == found


def test_the_model_at_a_place_is_found_through_lists_and_unions() -> None:
    assert model_at(Outer, ()) is Outer
    assert [model_at(Outer, loc) for loc in (("inner",), ("parts", 0), ("maybe",))] == [Inner] * 3
    assert [model_at(Outer, loc) for loc in (("name",), ("nothing",), ("inner", "amount", "x"))] == [None] * 3
    assert model_at(None, ("a",)) is None
