"""Decision tables: each hit policy by cases worked out by hand from the meanings in OMG DMN 1.5, 8.2.11."""

from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from conditions_examples import Given

from custrules import DocumentError
from custrules.conditions import BoundTable, Table, TableOutcome, bind_table
from custrules.facts import FactType

FACTS = {
    "age": FactType("whole"),
    "region": FactType("text", ("city", "county")),
    "tier": FactType("level", ("member", "silver", "gold")),
}
LEVELS = ("member", "silver", "gold")
OVERLAPPING = [[">= 0", "low"], [">= 18", "middle"], [">= 65", "high"]]
RANKED = {"name": "risk", "values": ["high", "middle", "low"]}


def bound(**document: Any) -> BoundTable:
    found, faults = bind_table(Table.of(document), FACTS, 2, LEVELS)
    assert found is not None, faults
    return found


def by_age(hit: str, output: Any = RANKED, rows: Any = OVERLAPPING) -> BoundTable:
    return bound(hit=hit, inputs=["age"], outputs=[output], rows=rows)


def answer(table: BoundTable, **facts: Any) -> Any:
    (value,) = table.outcome(Given(**facts)).values.values()
    return value


def amounts(hit: str, **output: Any) -> BoundTable:
    return by_age(hit, {"name": "fee", "type": "money", **output}, [[">= 0", "5.00"], [">= 18", "2.50"], [">= 65", "2.50"]])


# --- hit policies -----------------------------------------------------------------------------------------------------


def test_unique_gives_the_only_row_that_holds() -> None:
    table = by_age("UNIQUE", rows=[["< 18", "low"], ["[18..65)", "middle"], [">= 65", "high"]])
    assert table.outcome(Given(age=18)) == TableOutcome((1,), (1,), {"risk": "middle"})


def test_unique_gives_no_answer_when_two_rows_hold_and_names_both() -> None:
    assert by_age("UNIQUE").outcome(Given(age=20)) == TableOutcome((0, 1), (), {"risk": None}, "unique")


def test_any_gives_what_all_rows_that_hold_agree_on() -> None:
    table = by_age("ANY", rows=[[">= 0", "low"], [">= 18", "low"], [">= 65", "high"]])
    assert table.outcome(Given(age=20)) == TableOutcome((0, 1), (0, 1), {"risk": "low"})


def test_any_gives_no_answer_when_rows_differ() -> None:
    assert by_age("ANY").outcome(Given(age=20)) == TableOutcome((0, 1), (), {"risk": None}, "any")


def test_any_compares_all_outputs() -> None:
    table = bound(hit="ANY", inputs=["age"], outputs=["a", "b"], rows=[["-", "x", "y"], ["-", "x", "z"]])
    assert table.outcome(Given(age=1)).clash == "any"


def test_first_gives_the_first_row_that_holds_and_looks_no_further() -> None:
    assert by_age("FIRST").outcome(Given(age=70)) == TableOutcome((0,), (0,), {"risk": "low"})


def test_priority_gives_the_row_whose_output_stands_first_among_the_values() -> None:
    assert by_age("PRIORITY").outcome(Given(age=20)) == TableOutcome((0, 1), (1,), {"risk": "middle"})


def test_priority_goes_by_the_outputs_from_left_to_right() -> None:
    outputs = [{"name": "a", "values": ["x", "y"]}, {"name": "b", "values": ["1", "2"]}]
    table = bound(hit="P", inputs=["age"], outputs=outputs, rows=[["-", "y", "1"], ["-", "x", "2"], ["-", "x", "1"]])
    assert table.outcome(Given(age=1)).rows == (2,)


def test_an_output_without_values_plays_no_part_in_priorities() -> None:
    table = bound(hit="P", inputs=["age"], outputs=["a", RANKED], rows=[["-", "first", "low"], ["-", "second", "high"]])
    assert table.outcome(Given(age=1)).values == {"a": "second", "risk": "high"}


def test_rows_of_equal_priority_stand_in_the_order_of_the_table() -> None:
    table = bound(hit="P", inputs=["age"], outputs=["a", RANKED], rows=[["-", "first", "low"], ["-", "second", "low"]])
    assert table.outcome(Given(age=1)).values == {"a": "first", "risk": "low"}


def test_rule_order_lists_all_in_the_order_of_the_table() -> None:
    assert answer(by_age("RULE ORDER"), age=70) == ("low", "middle", "high")


def test_output_order_lists_all_in_the_order_of_the_values() -> None:
    assert answer(by_age("OUTPUT ORDER"), age=70) == ("high", "middle", "low")


def test_a_missing_output_has_the_last_priority() -> None:
    assert answer(by_age("OUTPUT ORDER", rows=[["-", "missing"], ["-", "low"]]), age=1) == ("low", None)


def test_collect_lists_all_with_repetitions() -> None:
    assert answer(amounts("COLLECT"), age=70) == (500, 250, 250)


@pytest.mark.parametrize(("hit", "expected"), [("COLLECT SUM", 1000), ("COLLECT MIN", 250), ("COLLECT MAX", 500), ("COLLECT COUNT", 3)])
def test_collect_makes_one_value_of_all_outputs_repetitions_included(hit: str, expected: int) -> None:
    assert answer(amounts(hit), age=70) == expected


@pytest.mark.parametrize(("hit", "expected"), [("C+", Fraction(3, 5)), ("C<", Fraction(1, 10)), ("C>", Fraction(1, 2))])
def test_collected_fractions_are_exact(hit: str, expected: Fraction) -> None:
    assert answer(by_age(hit, {"name": "rate", "type": "number"}, [["-", "0.1"], ["-", "1/2"]]), age=1) == expected


def test_the_least_of_levels_goes_by_their_rank() -> None:
    assert answer(by_age("C<", {"name": "floor", "type": "level"}, [["-", "silver"], ["-", "member"], ["-", "gold"]]), age=1) == "member"


def test_the_greatest_of_dates_is_the_latest() -> None:
    table = by_age("C>", {"name": "by", "type": "date"}, [["-", "2026-12-31"], ["-", "2027-01-01"]])
    assert answer(table, age=1) == date(2027, 1, 1)


def test_what_is_missing_adds_nothing() -> None:
    rows = [["-", "missing"], ["-", "3"]]
    assert [answer(by_age(hit, {"name": "n", "type": "whole"}, rows), age=1) for hit in ("C+", "C<", "C>", "C#")] == [3, 3, 3, 1]


# --- no row holds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hit", "expected"),
    [("U", None), ("A", None), ("F", None), ("P", None), ("R", ()), ("O", ()), ("C", ()), ("C+", None), ("C<", None), ("C>", None), ("C#", 0)],
)
def test_without_a_row_the_answer_is_missing_an_empty_list_or_no_hits(hit: str, expected: Any) -> None:
    output = {"name": "n", "type": "whole", "values": ["1"]}
    outcome = by_age(hit, output, [["> 100", "1"]]).outcome(Given(age=1))
    assert outcome == TableOutcome((), (), {"n": expected})


@pytest.mark.parametrize(("hit", "expected"), [("F", "low"), ("R", ("low",)), ("P", "low")])
def test_without_a_row_the_default_stands(hit: str, expected: Any) -> None:
    outcome = by_age(hit, RANKED | {"default": "low"}, [["> 100", "high"]]).outcome(Given(age=1))
    assert outcome == TableOutcome((), (), {"risk": expected}, defaulted=True)


def test_an_output_without_a_default_is_missing_beside_one_that_has_one() -> None:
    table = bound(inputs=["age"], outputs=[{"name": "a", "default": "x"}, "b"], rows=[["> 100", "y", "z"]])
    assert table.outcome(Given(age=1)).values == {"a": "x", "b": None}


def test_the_default_does_not_stand_in_for_a_row_that_gives_nothing() -> None:
    assert answer(by_age("F", {"name": "a", "default": "x"}, [["-", "missing"]]), age=1) is None


# --- missing facts ----------------------------------------------------------------------------------------------------


def test_a_missing_fact_fails_a_comparison_and_passes_a_dash_missing_and_not() -> None:
    table = by_age("R", "said", [[">= 0", "compared"], ["-", "dash"], ["missing", "missing"], ["not(5)", "not"]])
    assert table.outcome(Given(age=None)).rows == (1, 2, 3)


def test_every_cell_of_a_row_must_hold() -> None:
    table = bound(hit="F", inputs=["age", "region", "tier"], outputs=["o"], rows=[[">= 18", "city", ">= silver", "x"], ["-", "-", "-", "y"]])
    told = [answer(table, age=18, region=region, tier=tier) for region in ("city", "county") for tier in ("member", "gold")]
    assert told == ["y", "x", "y", "y"]


# --- outputs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("money", "12.50", 1250),
        ("money", "-3", -300),
        ("number", "1/3", Fraction(1, 3)),
        ("number", "15%", Fraction(3, 20)),
        ("whole", "7", 7),
        ("text", "call centre, evenings", "call centre, evenings"),
        ("text", '"missing"', "missing"),
        ("text", '"a \\"b\\""', 'a "b"'),
        ("flag", "true", True),
        ("date", "2026-02-28", date(2026, 2, 28)),
        ("level", "gold", "gold"),
    ],
)
def test_an_output_is_read_by_its_type(kind: str, text: str, expected: Any) -> None:
    found = answer(by_age("F", {"name": "o", "type": kind}, [["-", text]]), age=1)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("money", "1.005"),
        ("number", "many"),
        ("whole", "010"),
        ("whole", "1_000"),
        ("flag", "yes"),
        ("date", "2026-02-30"),
        ("level", "platinum"),
        ("text", "-"),
        ("text", '"open'),
    ],
)
def test_an_output_of_another_grammar_is_a_fault(kind: str, text: str) -> None:
    table = Table.of({"inputs": ["age"], "outputs": [{"name": "o", "type": kind}], "rows": [["-", text]]})
    none, faults = bind_table(table, FACTS, 2, LEVELS, "t")
    assert (none, [(fault.code, fault.path) for fault in faults]) == (None, [("document.bad_output", "t.rows[0][1]")])


def test_exact_python_values_may_stand_for_their_text() -> None:
    table = by_age("F", {"name": "o", "type": "number"}, [[18, Decimal("0.5")], ["-", 2]])
    assert [answer(table, age=age) for age in (18, 19)] == [Fraction(1, 2), 2]


def test_a_float_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        Table.of({"inputs": ["age"], "outputs": ["o"], "rows": [["-", 0.5]]})
    assert [fault.code for fault in caught.value.diagnostics] == ["document.bad_output"]


# --- the document form ------------------------------------------------------------------------------------------------

ROWS = {"hit": "FIRST", "inputs": ["tier", "region"], "outputs": ["owner"], "rows": [[">= silver", "city", "centre"], ["-", "-", "branch"]]}


@pytest.mark.parametrize(
    "text",
    [
        "tier | region | -> owner\n>= silver | city | centre\n- | - | branch",
        "\n# who\n| tier | region | -> owner |\n\n|>= silver|city|centre|\n   # else\n| - | - | branch |\n",
        "tier　　　|　region　| -> owner\r\n>= silver　|　city　　|　centre\r\n-　　　　　|　-　　　　| branch\r\n",
    ],
)
def test_a_table_written_as_text_is_the_table_written_as_rows(text: str) -> None:
    assert Table.of({"hit": "FIRST", "table": text}) == Table.of(ROWS)


def test_a_row_may_be_a_mapping_in_any_order_that_leaves_inputs_out() -> None:
    rows = [{"owner": "centre", "region": "city", "tier": ">= silver"}, {"owner": "branch"}]
    assert Table.of(ROWS | {"rows": rows}) == Table.of(ROWS)


def test_a_text_cell_in_double_quotes_may_hold_a_bar() -> None:
    table = Table.of({"table": 'region | -> said\n"a | b" | "c | d"'})
    assert (table.rows[0].cells[0].text, table.rows[0].outputs) == ('"a | b"', ('"c | d"',))


def test_outputs_may_be_typed_beside_a_table_written_as_text() -> None:
    outputs = [{"name": "fee", "type": "money"}, "owner"]
    table = Table.of({"table": "age | -> fee | owner\n- | 1.00 | x", "outputs": outputs})
    assert [(output.name, output.type) for output in table.outputs] == [("fee", "money"), ("owner", "text")]


@pytest.mark.parametrize(
    ("letters", "hit"),
    [
        *[("U", "UNIQUE"), ("A", "ANY"), ("F", "FIRST"), ("P", "PRIORITY"), ("R", "RULE ORDER"), ("O", "OUTPUT ORDER")],
        *[("C", "COLLECT"), ("C+", "COLLECT SUM"), ("C<", "COLLECT MIN"), ("C>", "COLLECT MAX"), ("C#", "COLLECT COUNT")],
    ],
)
def test_the_letters_of_dmn_are_understood(letters: str, hit: str) -> None:
    assert Table.of(ROWS | {"hit": letters}).hit == hit


def test_a_table_is_unique_where_it_does_not_say() -> None:
    assert Table.of({name: value for name, value in ROWS.items() if name != "hit"}).hit == "UNIQUE"


def test_the_document_form_reads_back_as_the_same_table() -> None:
    table = Table.of(ROWS | {"outputs": [RANKED | {"default": "low"}], "hit": "P", "rows": [[["gold", "silver"], "not(city)", "high"]]})
    assert Table.of(table.model_dump(mode="json")) == table


def test_a_table_and_its_bound_form_can_be_pickled() -> None:
    table = Table.of(ROWS)
    assert pickle.loads(pickle.dumps(table)) == table
    assert pickle.loads(pickle.dumps(bound(**ROWS))) == bound(**ROWS)


# --- faults of the whole ----------------------------------------------------------------------------------------------


def codes(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Codes and paths of the faults of a table, of reading it or of typing it."""
    try:
        _, faults = bind_table(Table.of(document), FACTS, 2, LEVELS)
    except DocumentError as error:
        faults = list(error.diagnostics)
    return [(fault.code.removeprefix("document."), fault.path) for fault in faults]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"hit": "FRIST"}, [("unknown_choice", "hit")]),
        ({"hit": "PRIORITY"}, [("priorities_needed", "outputs")]),
        ({"hit": "C+"}, [("output_of_other_kind", "outputs[0]")]),
        ({"hit": "C#", "outputs": [{"name": "n", "default": "x"}]}, [("not_with", "outputs[0].default")]),
        ({"inputs": ["region", "region"], "rows": [["-", "-", "x"]]}, [("name_taken", "inputs[1]")]),
        ({"outputs": ["tier"]}, [("name_taken", "outputs[0].name")]),
        ({"inputs": ["tire", "region"]}, [("unknown_fact", "inputs[0]")]),
        ({"inputs": [], "rows": [["x"]]}, [("too_few", "inputs")]),
        ({"rows": []}, [("wrong_type", "rows")]),
        ({"rows": [["-", "-"]]}, [("wrong_cells", "rows[0]")]),
        ({"rows": [["-", "", "x"]]}, [("empty_cell", "rows[0][1]")]),
        ({"rows": [["-", "-", ""]]}, [("empty_cell", "rows[0][2]")]),
        ({"rows": [["=> gold", "-", "x"]]}, [("bad_cell", "rows[0][0]")]),
        ({"rows": [[["gold", ">"], "-", "x"]]}, [("bad_cell", "rows[0][0][1]")]),
        ({"rows": [{"tear": "gold", "owner": "x"}]}, [("unknown_column", "rows[0].tear")]),
        ({"rows": [{"tier": "gold"}]}, [("missing_field", "rows[0].owner")]),
        ({"rows": [["-", "-", "x"]] * 2001}, [("too_many", "rows")]),
        ({"outputs": [{"name": "o", "values": ["a", "a"]}], "rows": [["-", "-", "a"]]}, [("bad_output", "outputs[0].values")]),
        ({"outputs": [{"name": "o", "values": ["a"]}], "rows": [["-", "-", "b"]]}, [("bad_output", "rows[0][2]")]),
        ({"outputs": [{"name": "o", "type": "whole", "values": ["1"]}], "rows": [["-", "-", "2"]]}, [("bad_output", "rows[0][2]")]),
        (
            {"outputs": [{"name": "o", "type": "whole", "values": ["1"], "default": "2"}], "rows": [["-", "-", "1"]]},
            [("bad_output", "outputs[0].default")],
        ),
        ({"table": "tier | -> owner"}, [("several_spellings", "rows")]),
        ({"row": []}, [("unknown_field", "row")]),
    ],
)
def test_a_fault_has_its_code_and_place(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert codes(ROWS | change) == expected


def test_many_outputs_cannot_be_made_one_value() -> None:
    outputs = [{"name": "a", "type": "whole"}, {"name": "b", "type": "whole"}]
    assert codes({"hit": "C+", "inputs": ["age"], "outputs": outputs, "rows": [["-", "1", "2"]]}) == [("one_output", "hit")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("bad_table", "rows")]),
        ("tier | owner\n- | x", [("bad_table", "inputs")]),
        ("tier，-> owner\n-，x", [("bad_table", "inputs")]),
        ('"tier | -> owner\n- | x', [("bad_table", "inputs")]),
        ("tier | -> owner", [("bad_table", "rows")]),
        ("tier | -> owner\n- | x | y\n-", [("wrong_cells", "rows[0]"), ("wrong_cells", "rows[1]")]),
        ('tier | -> owner\n"- | x', [("bad_table", "rows[0]")]),
        ("-> owner\nx", [("too_few", "inputs")]),
    ],
)
def test_a_text_that_is_no_table_is_a_fault(text: str, expected: list[tuple[str, str]]) -> None:
    assert codes({"table": text}) == expected


def test_columns_told_twice_must_be_the_same() -> None:
    assert codes({"table": "tier | -> owner\n- | x", "outputs": ["onwer"]}) == [("columns_differ", "outputs")]


def test_faults_of_one_table_are_told_to_a_limit() -> None:
    assert len(codes(ROWS | {"rows": [["platinum", "-", "x"]] * 2000})) < 300
