"""A compiled condition answers as the interpreter does, and leaks nothing of the document into what is executed."""

from __future__ import annotations

import gc
import linecache
import re
import traceback
import types
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conditions_examples import ROWS, TABLE, Example, Given, Row, conditions
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

import custrules
from custrules.conditions import (
    Bound,
    Condition,
    ConditionTests,
    Equals,
    Leaf,
    LeafTrace,
    Node,
    Trace,
    bind,
    compiled,
    compiled_observer,
    compiler,
    evaluate,
    trace,
    trace_of,
)
from custrules.facts import FactType


def bound_of(document: Any, table: dict[str, FactType] = TABLE) -> Bound:
    bound, faults = bind(Condition.of(document), table)
    assert bound is not None, faults
    return bound


def source_of(function: Callable[..., Any]) -> str:
    assert isinstance(function, types.FunctionType)
    return "".join(linecache.getlines(function.__code__.co_filename))


def leaf_results(told: Trace) -> list[bool]:
    if isinstance(told, LeafTrace):
        return [told.result]
    return [result for child in told.children for result in leaf_results(child)]


def same_answer(example: Example, row: Row) -> None:
    bound = bound_of(example[0])
    assert compiled(bound)(Given.of(row)) is evaluate(bound, Given.of(row))


def same_reads(example: Example, row: Row) -> None:
    bound = bound_of(example[0])
    interpreted, fast = Given.of(row), Given.of(row)
    evaluate(bound, interpreted)
    compiled(bound)(fast)
    assert list(dict.fromkeys(fast.read)) == list(dict.fromkeys(interpreted.read))


def same_mask(example: Example, row: Row) -> None:
    bound = bound_of(example[0])
    found, _ = compiled_observer(bound)(Given.of(row))
    results = leaf_results(trace(bound, Given.of(row)))
    assert f"{found:b}"[::-1].ljust(len(results), "0") == "".join("01"[result] for result in results)


def same_trace(example: Example, row: Row) -> None:
    bound = bound_of(example[0])
    assert trace_of(bound, compiled_observer(bound)(Given.of(row))) == trace(bound, Given.of(row))


PROPERTIES = (same_answer, same_reads, same_mask, same_trace)


@pytest.mark.parametrize("holds", PROPERTIES)
@given(example=conditions(), row=ROWS)
def test_compiled_conditions_answer_as_the_interpreter_does(holds: Callable[[Example, Row], None], example: Example, row: Row) -> None:
    holds(example, row)


@given(conditions(), ROWS)
def test_a_condition_that_is_too_long_to_compile_answers_the_same(example: Example, row: Row) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "MAX_COMPILED", 0)
        same_answer(example, row)
        same_mask(example, row)
        same_trace(example, row)


def _always_strict(interval: Any, variable: str, code: Any) -> str:
    return f"({code.name(interval.low)} < {variable})" if interval.low is not None else f"({variable} < {code.name(interval.high)})"


def _any_for_all(kind: str, parts: Any) -> str:
    text: str = INTACT["combined_text"]("any" if kind == "all" else kind, parts)
    return text


def _reads_too_early(self: Any, bound: Bound, known: frozenset[str] = frozenset()) -> Any:
    text, after = INTACT["text"](self, bound, known)
    reads = [f"({self.asked(leaf)} is ...)" for leaf in compiler.leaves(bound)]
    return f"({' or '.join(reads)} or {text})", after


def _one_bit_off(bound: Bound) -> Any:
    inner = INTACT["compiled_observer"](bound)
    return lambda facts: (inner(facts)[0] << 1, inner(facts)[1])


def _without_the_gap(leaf: Leaf, value: Any, result: bool) -> LeafTrace:
    return LeafTrace(leaf.fact, leaf.cell, leaf.type, value, result)


INTACT: dict[str, Any] = {
    "combined_text": compiler.combined_text,
    "text": compiler._Asking.text,
    "compiled_observer": compiler.compiled_observer,
}
MUTANTS: list[tuple[Callable[[Example, Row], None], Any, str, Any]] = [
    (same_answer, compiler, "_interval_text", _always_strict),
    (same_answer, compiler, "combined_text", _any_for_all),
    (same_reads, compiler._Asking, "text", _reads_too_early),
    (same_trace, compiler, "leaf_trace", _without_the_gap),
]


def fails(check: Callable[[Example, Row], None], example: Example, row: Row) -> bool:
    try:
        check(example, row)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(("check", "where", "name", "wrong"), MUTANTS, ids=[mutant[3].__name__ for mutant in MUTANTS])
def test_a_wrong_compiler_is_found_out(
    check: Callable[[Example, Row], None], where: Any, name: str, wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, wrong)
    search = settings(max_examples=2000, database=None, phases=[Phase.generate], deadline=None)
    try:
        find(st.tuples(conditions(), ROWS), lambda case: fails(check, *case), settings=search, random=Random(1))
    except NoSuchExample:
        pytest.fail("no example shows the fault")


def test_a_mask_that_is_one_bit_off_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.compiled_observer", _one_bit_off)
    with pytest.raises(AssertionError):
        same_mask(({"orders": "5"}, lambda row: True), {**dict.fromkeys(TABLE), "orders": 5})


WRONG_VALUES = [("spend", 12.5), ("spend", True), ("orders", 5.0), ("channel", 5), ("member_day", 1), ("tier", 2), ("joined", datetime(2026, 1, 1))]  # noqa: DTZ001 - naive on purpose


@pytest.mark.parametrize(("fact", "value"), WRONG_VALUES)
@pytest.mark.parametrize("reader", [compiled, compiled_observer])
def test_a_value_of_another_kind_is_refused_by_name(reader: Any, fact: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"'{fact}' is of kind {TABLE[fact].kind}"):
        reader(bound_of({fact: "not(missing)"}))(Given(**{fact: value}))


def test_a_subclass_of_a_fact_s_type_is_admitted() -> None:
    class Name(str):
        __slots__ = ()

    assert compiled(bound_of({"channel": "app"}))(Given(channel=Name("app"))) is True


def test_a_fact_that_was_surely_read_is_not_read_again() -> None:
    facts = Given(orders=7)
    compiled(bound_of({"all": [{"orders": ">= 5"}, {"any": [{"orders": "6"}, {"orders": "7"}]}]}))(facts)
    assert facts.read == ["orders"]


# -- what is executed --------------------------------------------------------------------------------------------------

HOSTILE = (
    "__import__('os').system('true')",
    "x\n    raise SystemExit",
    '"""',
    "'; exit() #",
    "{value}",
    "\\N{BULLET}",
    "北京",
    "zqzqzq",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_character_of_a_cell_stands_in_the_generated_source(text: str) -> None:
    leaf = Leaf("city", text, FactType("text"), False, (Equals(text),))
    for function in (compiled(leaf), compiled_observer(leaf)):
        assert re.fullmatch(r"[a-z0-9_ \n():=<>|,.{}]+", source_of(function))
        assert text not in source_of(function)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_of_a_fact_stands_in_the_generated_source(name: str) -> None:
    leaf = Leaf(name, "x", FactType("text"), False, (Equals("x"),))
    assert compiled(leaf)(Given(**{name: "x"})) is True
    assert name not in source_of(compiled(leaf))


def test_the_generated_source_depends_on_the_shape_alone() -> None:
    one, other = bound_of({"orders": ">= 7", "channel": "app"}), bound_of({"orders": ">= 31337", "channel": "wechat"})
    assert source_of(compiled(one)) == source_of(compiled(other))


def test_generated_code_has_no_builtins() -> None:
    function = compiled(bound_of({"orders": "5"}))
    assert isinstance(function, types.FunctionType)
    assert function.__globals__["__builtins__"] == {}


def test_a_traceback_shows_the_generated_line() -> None:
    class Broken:
        def value(self, name: str) -> Any:
            raise LookupError(name)

        next_change: Any = None

    with pytest.raises(LookupError) as caught:
        compiled(bound_of({"orders": ">= 5"}))(Broken())
    assert "(v0 := value(" in "".join(traceback.format_exception(caught.value))


def test_the_source_is_forgotten_with_its_function() -> None:
    before = {name for name in linecache.cache if name.startswith("<custrules")}
    function = compiled(bound_of({"orders": ">= 5"}))
    assert isinstance(function, types.FunctionType)
    name = function.__code__.co_filename
    assert name in linecache.cache
    del function
    gc.collect()
    assert name not in {found for found in linecache.cache if found not in before}


def test_two_functions_have_two_sources() -> None:
    first, second = compiled(bound_of({"orders": ">= 5"})), compiled(bound_of({"channel": "app"}))
    assert source_of(first) != source_of(second)


def test_a_condition_of_very_many_tests_is_not_compiled() -> None:
    many = Node("any", tuple(Leaf("orders", "", TABLE["orders"], False, tuple(Equals(n) for n in range(200))) for _ in range(11)))
    assert not isinstance(compiled(many), types.FunctionType)


def test_exec_stands_in_one_place() -> None:
    root = Path(custrules.__file__).parent
    called = re.compile(r"(?<![\w.])(exec|eval)\(")
    assert [path.relative_to(root).as_posix() for path in root.rglob("*.py") if called.search(path.read_text("utf-8"))] == ["conditions/compiler.py"]


# -- the conditions of a program ---------------------------------------------------------------------------------------


def test_a_condition_is_compiled_when_it_is_asked_often() -> None:
    tests, bound = ConditionTests(), bound_of({"orders": ">= 5"})
    assert [isinstance(tests.of(bound), types.FunctionType) for _ in range(compiler.OFTEN)] == [False] * (compiler.OFTEN - 1) + [True]


def test_a_compiled_condition_is_kept() -> None:
    tests, bound = ConditionTests(), bound_of({"orders": ">= 5"})
    for _ in range(compiler.OFTEN):
        tests.of(bound)
    assert tests.of(bound) is tests.of(bound)
