"""What a condition says: held against an oracle that knows its meaning by enumeration."""

from __future__ import annotations

import pickle
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from conditions_examples import DOMAINS, ROWS, TABLE, Example, Given, Row, conditions
from hypothesis import given
from hypothesis import strategies as st

from custrules.conditions import Bound, Condition, Leaf, LeafTrace, Node, NodeTrace, Trace, bind, evaluate, holds, trace
from custrules.facts import FactType


def bound_of(document: Any, table: dict[str, FactType] = TABLE) -> Bound:
    bound, faults = bind(Condition.of(document), table)
    assert bound is not None, faults
    return bound


def says(document: Any, **facts: Any) -> bool:
    return evaluate(bound_of(document), Given(**facts))


def leaf_trace(document: Any, **facts: Any) -> LeafTrace:
    found = trace(bound_of(document), Given(**facts))
    assert isinstance(found, LeafTrace)
    return found


@given(conditions(), ROWS)
def test_a_condition_says_what_enumeration_says(example: Example, row: Row) -> None:
    document, meaning = example
    assert evaluate(bound_of(document), Given.of(row)) is meaning(row)


@given(conditions(), ROWS)
def test_the_trace_answers_as_evaluation_does(example: Example, row: Row) -> None:
    bound = bound_of(example[0])
    assert trace(bound, Given.of(row)).result is evaluate(bound, Given.of(row))


@given(conditions(), ROWS)
def test_every_part_of_a_trace_is_the_trace_of_that_part(example: Example, row: Row) -> None:
    def check(bound: Bound, told: Trace) -> None:
        assert told.result is evaluate(bound, Given.of(row))
        if isinstance(bound, Leaf):
            assert isinstance(told, LeafTrace)
            assert (told.fact, told.cell, told.type, told.observed) == (bound.fact, bound.cell, bound.type, row[bound.fact])
            return
        assert isinstance(told, NodeTrace)
        assert told.kind == bound.kind
        for child, inner in zip(bound.children, told.children, strict=True):
            check(child, inner)

    bound = bound_of(example[0])
    check(bound, trace(bound, Given.of(row)))


@given(conditions())
def test_a_bound_condition_pickles(example: Example) -> None:
    bound = bound_of(example[0])
    assert pickle.loads(pickle.dumps(bound)) == bound


@given(conditions(), ROWS)
def test_a_trace_pickles(example: Example, row: Row) -> None:
    told = trace(bound_of(example[0]), Given.of(row))
    assert pickle.loads(pickle.dumps(told)) == told


@pytest.mark.parametrize("cell", [">= 5", "<= 5", "5", "[0..9]", "5, 6", ["5"]])
def test_a_comparison_with_a_missing_fact_is_false(cell: Any) -> None:
    assert says({"orders": cell}) is False


def test_not_in_a_cell_is_true_of_a_missing_fact() -> None:
    assert says({"orders": "not(>= 5)"}) is True


def test_the_not_of_a_comparison_is_true_of_a_missing_fact() -> None:
    assert says({"not": {"orders": ">= 5"}}) is True


@pytest.mark.parametrize("cell", ["-", "any", "missing", "missing, 5", ["5", "missing"]])
def test_some_cells_are_true_of_a_missing_fact(cell: Any) -> None:
    assert says({"orders": cell}) is True


def test_missing_is_false_where_the_fact_is_there() -> None:
    assert says({"orders": "missing"}, orders=0) is False


def test_not_missing_asks_only_that_the_fact_is_there() -> None:
    assert says({"orders": "not(missing)"}, orders=0) is True


def test_none_is_the_level_of_a_customer_without_one() -> None:
    assert says({"tier": "none"}) is True


def test_none_is_an_ordinary_word_for_text() -> None:
    assert says({"profile.city": "none"}, **{"profile.city": "none"}) is True


def test_no_level_is_below_the_lowest() -> None:
    assert says({"tier": "< 银卡"}) is False


def test_a_level_that_the_program_no_longer_has_is_neither_missing_nor_compared() -> None:
    assert [says({"tier": cell}, tier="bronze") for cell in (">= zinc", "<= apex", "missing", "not(zinc)")] == [False, False, False, True]


def test_levels_compare_by_the_ladder_not_by_the_alphabet() -> None:
    assert says({"tier": "> gold"}, tier="apex") is True


def test_an_average_of_money_compares_exactly() -> None:
    assert says({"spend": ">= 0.01"}, spend=Fraction(999, 1000)) is False


def test_evaluation_reads_no_fact_that_no_longer_matters() -> None:
    facts = Given(orders=9, spend=0)
    evaluate(bound_of({"any": [{"orders": ">= 5"}, {"spend": ">= 1"}]}), facts)
    assert facts.read == ["orders"]


def test_a_trace_reads_every_fact() -> None:
    facts = Given(orders=9, spend=0)
    trace(bound_of({"any": [{"orders": ">= 5"}, {"spend": ">= 1"}]}), facts)
    assert facts.read == ["orders", "spend"]


WRONG_VALUES = [
    ("spend", 12.5),
    ("spend", Decimal("12.5")),
    ("spend", True),
    ("ratio", 0.5),
    ("orders", 5.0),
    ("orders", Fraction(5)),
    ("orders", False),
    ("channel", 5),
    ("member_day", 1),
    ("joined", "2026-01-01"),
    ("joined", datetime(2026, 1, 1)),  # noqa: DTZ001 - naive on purpose
    ("tier", 2),
]


@pytest.mark.parametrize(("fact", "value"), WRONG_VALUES)
def test_a_value_of_another_kind_is_refused_by_name(fact: str, value: Any) -> None:
    bound = bound_of({fact: f"not({DOMAINS[fact].values[0][1]})"})
    with pytest.raises(TypeError, match=f"'{fact}' is of kind {TABLE[fact].kind}, found {type(value).__name__}"):
        evaluate(bound, Given(**{fact: value}))


def test_the_trace_refuses_a_float_too() -> None:
    with pytest.raises(TypeError, match="float"):
        trace(bound_of({"ratio": "-"}), Given(ratio=0.5))


GAPS = [
    ({"spend": ">= 500"}, {"spend": 40000}, 10000),
    ({"spend": "> 500"}, {"spend": 40000}, 10001),
    ({"spend": ">= 500"}, {"spend": Fraction(99999, 2)}, Fraction(1, 2)),
    ({"orders": "<= 5"}, {"orders": 8}, -3),
    ({"orders": "< 5"}, {"orders": 8}, -4),
    ({"orders": "[10..20]"}, {"orders": 8}, 2),
    ({"orders": "[1..5)"}, {"orders": 8}, -4),
    ({"orders": "3, 15"}, {"orders": 6}, -3),
    ({"orders": ["0", ">= 8"]}, {"orders": 6}, 2),
    ({"ratio": "< 0.5"}, {"ratio": Fraction(3, 4)}, Fraction(-1, 4)),
    ({"ratio": ["0.5", "1.5"]}, {"ratio": Fraction(3, 4)}, Fraction(-1, 4)),
    ({"ratio": ["0.2", "0.9"]}, {"ratio": Fraction(3, 4)}, Fraction(3, 20)),
    ({"joined": ">= 2026-01-01"}, {"joined": date(2025, 12, 25)}, 7),
    ({"tier": ">= apex"}, {"tier": "zinc"}, 3),
]


@pytest.mark.parametrize(("document", "facts", "gap"), GAPS)
def test_a_failed_comparison_tells_by_how_much(document: Any, facts: Any, gap: Any) -> None:
    assert leaf_trace(document, **facts).gap == gap


NO_GAPS: list[tuple[Any, Any]] = [
    ({"spend": ">= 500"}, {"spend": 50000}),
    ({"spend": ">= 500"}, {}),
    ({"spend": "missing"}, {"spend": 50000}),
    ({"spend": "not(>= 500)"}, {"spend": 50000}),
    ({"channel": "app"}, {"channel": "store"}),
    ({"member_day": "true"}, {"member_day": False}),
    ({"tier": ">= gold"}, {"tier": "bronze"}),
]


@pytest.mark.parametrize(("document", "facts"), NO_GAPS)
def test_there_is_no_gap_where_nothing_can_be_added(document: Any, facts: Any) -> None:
    assert leaf_trace(document, **facts).gap is None


WHOLE_TESTS = st.one_of(
    st.integers(-9, 9).map(str),
    st.tuples(st.sampled_from([">=", ">", "<=", "<"]), st.integers(-9, 9)).map(lambda parts: f"{parts[0]} {parts[1]}"),
    st.tuples(st.sampled_from("[("), st.integers(-9, 0), st.integers(2, 9), st.sampled_from("])")).map(
        lambda parts: f"{parts[0]}{parts[1]}..{parts[2]}{parts[3]}"
    ),
)


@given(st.lists(WHOLE_TESTS, min_size=1, max_size=3), st.integers(-20, 20))
def test_the_gap_is_the_nearest_way_to_make_a_cell_true(texts: list[str], value: int) -> None:
    leaf = bound_of({"orders": texts})
    assert isinstance(leaf, Leaf)
    ways = [step for step in range(-40, 41) if holds(leaf, value + step)]
    told = leaf_trace({"orders": texts}, orders=value)
    assert (0 if told.result else abs(told.gap or 0)) == min(map(abs, ways))
    assert told.result or told.gap in ways


def test_one_fact_alone_is_a_leaf() -> None:
    assert isinstance(bound_of({"orders": "5"}), Leaf)


def test_facts_of_one_mapping_are_anded_in_the_order_written() -> None:
    bound = bound_of({"tier": "gold", "orders": "5"})
    assert isinstance(bound, Node)
    assert (bound.kind, [child.fact for child in bound.children if isinstance(child, Leaf)]) == ("all", ["tier", "orders"])
