"""Cells: the S-FEEL forms that are taken, the slips that are refused, and their types."""

from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from conditions_examples import TABLE
from hypothesis import given
from hypothesis import strategies as st

from custrules.conditions import Always, BadCell, Between, Condition, Equals, Leaf, Missing, bind, bind_cell, holds, read_cell
from custrules.errors import Diagnostic
from custrules.facts import FactType

WHOLE, MONEY, NUMBER, FLAG, DATE = FactType("whole"), FactType("money", scale=2), FactType("number"), FactType("flag"), FactType("date")
CHANNEL, CITY = FactType("text", values=("app", "wechat", "store")), FactType("text")
TIER = FactType("level", values=("member", "silver", "gold"))


def leaf_of(cell: Any, kind: FactType) -> Leaf:
    leaf, faults = bind_cell(read_cell(cell), "fact", kind)
    assert leaf is not None, faults
    return leaf


def refusal(cell: Any, kind: FactType) -> Diagnostic:
    leaf, faults = bind_cell(read_cell(cell), "fact", kind, "when.fact")
    assert leaf is None
    [fault] = faults
    return fault


FORMS: list[tuple[Any, FactType, tuple[Any, ...]]] = [
    ("5", WHOLE, (Equals(5),)),
    ("-5", WHOLE, (Equals(-5),)),
    (">= 5", WHOLE, (Between(5, True, None, False),)),
    (">5", WHOLE, (Between(5, False, None, False),)),
    ("<=-5", WHOLE, (Between(None, False, -5, True),)),
    ("< 5", WHOLE, (Between(None, False, 5, False),)),
    ("[3..10)", WHOLE, (Between(3, True, 10, False),)),
    ("(3..10]", WHOLE, (Between(3, False, 10, True),)),
    ("[ 3 .. 10 ]", WHOLE, (Between(3, True, 10, True),)),
    ("]3..10[", WHOLE, (Between(3, False, 10, False),)),
    ("[3..3]", WHOLE, (Between(3, True, 3, True),)),
    ("1, >= 5,[2..3)", WHOLE, (Equals(1), Between(5, True, None, False), Between(2, True, 3, False))),
    (["1", "2, 3"], WHOLE, (Equals(1), Equals(2), Equals(3))),
    ("missing", WHOLE, (Missing(),)),
    ("-", WHOLE, (Always(),)),
    ("any", FLAG, (Always(),)),
    ("12.50", MONEY, (Equals(1250),)),
    (">= 12", MONEY, (Between(1200, True, None, False),)),
    ("0.5", NUMBER, (Equals(Fraction(1, 2)),)),
    ("1/3", NUMBER, (Equals(Fraction(1, 3)),)),
    ("(30%..50%]", NUMBER, (Between(Fraction(3, 10), False, Fraction(1, 2), True),)),
    ("true", FLAG, (Equals(True),)),
    (False, FLAG, (Equals(False),)),
    (">= 2026-03-31", DATE, (Between(date(2026, 3, 31), True, None, False),)),
    ("[2026-01-01..2026-12-31]", DATE, (Between(date(2026, 1, 1), True, date(2026, 12, 31), True),)),
    ("app, wechat", CHANNEL, (Equals("app"), Equals("wechat"))),
    (["app", "wechat"], CHANNEL, (Equals("app"), Equals("wechat"))),
    ("New York", CITY, (Equals("New York"),)),
    ("重要价值", CITY, (Equals("重要价值"),)),
    ('"a, b"', CITY, (Equals("a, b"),)),
    ('"a, b", c', CITY, (Equals("a, b"), Equals("c"))),
    ('"-"', CITY, (Equals("-"),)),
    ('"any"', CITY, (Equals("any"),)),
    ('"missing"', CITY, (Equals("missing"),)),
    ('" spaced "', CITY, (Equals(" spaced "),)),
    (r'"say \"a\\b\", c:\d"', CITY, (Equals(r'say "a\b", c:\d'),)),
    ("1.5-litre", CITY, (Equals("1.5-litre"),)),
    ("not", CITY, (Equals("not"),)),
    ("gold", TIER, (Equals(2),)),
    (">= silver", TIER, (Between(1, True, None, False),)),
    ("[member..gold)", TIER, (Between(0, True, 2, False),)),
    (["silver", "gold"], TIER, (Equals(1), Equals(2))),
    ("none", TIER, (Missing(),)),
    ("none", CITY, (Equals("none"),)),
]


@pytest.mark.parametrize(("cell", "kind", "tests"), FORMS)
def test_a_form_of_cell_is_read(cell: Any, kind: FactType, tests: tuple[Any, ...]) -> None:
    leaf = leaf_of(cell, kind)
    assert (leaf.negated, leaf.tests) == (False, tests)


@pytest.mark.parametrize(("cell", "kind", "tests"), [form for form in FORMS if isinstance(form[0], str) and Always() not in form[2]])
def test_not_takes_every_form_but_always(cell: str, kind: FactType, tests: tuple[Any, ...]) -> None:
    leaf = leaf_of(f"not({cell})", kind)
    assert (leaf.negated, leaf.tests) == (True, tests)


def test_not_may_stand_apart_from_its_parenthesis() -> None:
    assert leaf_of("not (1, 2)", WHOLE).negated


SLIPS: list[tuple[Any, str]] = [
    ("", "a value"),
    ("   ", "a value"),
    ("!= 5", "not(x)"),
    ("== 5", "value alone"),
    ("= 5", "value alone"),
    ("=> 5", ">= and <="),
    ("≥ 5", "signs >=, <="),
    ("app，wechat", "comma ,"),
    ("“app”", "straight double quotes"),
    ("not（app）", "plain parentheses"),
    ("not app", "parentheses: not(x)"),
    ("not(app", "one not(...) around the whole cell"),
    ("not(a), b", "one not(...) around the whole cell"),
    ("not(-)", "as the whole cell"),
    ("not(any)", "as the whole cell"),
    ("not()", "a value"),
    ("not(not(a))", "a comma between two tests"),
    ("app, -", "as the whole cell"),
    ("any, app", "as the whole cell"),
    (["app", "-"], "as the whole cell"),
    (["app", "not(b)"], "around the whole cell"),
    ([], "at least one value"),
    ([["a"]], "a test such as"),
    ([0.5], "a float is not exact"),
    (0.5, 'text such as "0.5"'),
    (None, "a test such as"),
    ({}, "a test such as"),
    ("300..1000", "with its brackets"),
    ("[300..1000", "closing bracket"),
    ("[300,1000]", "two dots"),
    ("[300]", "two dots"),
    ("[..5]", "a value"),
    ("[5..]", "a value"),
    ("[-..5]", "after a sign or in an interval"),
    (">= missing", "after a sign or in an interval"),
    (">= >= 5", "a value"),
    (">=", "a value"),
    ("app,", "a value"),
    (",app", "a value"),
    ("a)", "a comma between two tests"),
    ("Plus (old)", "a comma between two tests"),
    ('"open', "closing double quote"),
    ('a "b"', "a comma between two tests"),
    ("5 >= 3", "a comma between two tests"),
    (10**40, "18 digits"),
]


@pytest.mark.parametrize(("cell", "expected"), SLIPS)
def test_a_slip_is_refused_with_what_to_write(cell: Any, expected: str) -> None:
    with pytest.raises(BadCell) as caught:
        read_cell(cell)
    assert expected in caught.value.expected


@pytest.mark.parametrize("most", [10**18 - 1, -(10**18) + 1, Fraction(1, 10**18 - 1), Decimal("-999999999999999999")])
def test_a_number_may_have_eighteen_digits(most: Any) -> None:
    assert read_cell(most).text == str(most)


@pytest.mark.parametrize("number", [10**18, -(10**18), Fraction(1, 10**18), Decimal(10**18)])
def test_a_number_of_more_than_eighteen_digits_is_refused(number: Any) -> None:
    with pytest.raises(BadCell) as caught:
        read_cell(number)
    assert str(caught.value) == caught.value.expected == "a number of at most 18 digits"


MISTYPED: list[tuple[Any, FactType, str]] = [
    ("12.505", MONEY, "at most 2 decimals"),
    (">= 12.50 CNY", MONEY, "an amount"),
    ("50%", MONEY, "an amount"),
    ("1000000000000000000", MONEY, "an amount"),
    ("12.50", FactType("money", scale=0), "at most 0 decimals"),
    ("1_000", MONEY, "an amount"),
    ("five", NUMBER, "a number"),
    ("1/0", NUMBER, "a number"),
    ("1e3", NUMBER, "a number"),
    ("5.0", WHOLE, "a whole number"),
    ("010", WHOLE, "a whole number"),
    ("yes", FLAG, "true or false"),
    ("1", FLAG, "true or false"),
    (">= true", FLAG, "a flag has no order"),
    ("[false..true]", FLAG, "a flag has no order"),
    ("2026-02-30", DATE, "a date such as"),
    ("31.03.2026", DATE, "a date such as"),
    (">= app", CHANNEL, "text has no order"),
    ("(a..b)", CITY, "text has no order"),
    ("web", CHANNEL, "one of app, wechat, store"),
    ("platinum", TIER, "one of the levels member, silver, gold"),
    ("[gold..silver]", TIER, "lower end first"),
    ("[10..3]", WHOLE, "lower end first"),
    ("(3..3]", WHOLE, "something in it"),
    ("not(x)", WHOLE, "a whole number"),
]


@pytest.mark.parametrize(("cell", "kind", "expected"), MISTYPED)
def test_a_cell_of_another_type_is_refused(cell: Any, kind: FactType, expected: str) -> None:
    fault = refusal(cell, kind)
    assert (fault.code, fault.path) == ("document.bad_cell", "when.fact")
    assert expected in fault.params["expected"]


def test_a_refused_cell_is_quoted_with_its_fact() -> None:
    assert refusal(">= app", CHANNEL).params == {
        "fact": "fact",
        "cell": ">= app",
        "expected": "a value without sign or brackets: text has no order",
        "nearest": "",
    }


def test_a_value_outside_a_closed_set_is_told_the_nearest() -> None:
    assert refusal("wecaht", CHANNEL).params["nearest"] == "wechat"


def test_an_unknown_level_is_told_the_nearest() -> None:
    assert refusal(">= sliver", TIER).params["nearest"] == "silver"


def test_quotes_do_not_hide_an_unknown_value() -> None:
    assert refusal('"web"', CHANNEL).code == "document.bad_cell"


def test_a_fault_in_a_list_is_told_at_its_item() -> None:
    fault = refusal(["app", "web"], CHANNEL)
    assert (fault.path, fault.params["cell"]) == ("when.fact[1]", "web")


@pytest.mark.parametrize(("count", "more"), [(20, ""), (21, ", …")])
def test_at_most_twenty_values_of_a_closed_set_are_told(count: int, more: str) -> None:
    values = tuple(f"v{number}" for number in range(count))
    assert refusal("x", FactType("text", values=values)).params["expected"] == f"one of {', '.join(values[:20])}{more}"


def test_a_long_cell_is_quoted_by_its_first_sixty_characters() -> None:
    assert refusal("x" * 61, CHANNEL).params["cell"] == "x" * 60


def test_every_bad_test_of_a_cell_is_told() -> None:
    leaf, faults = bind_cell(read_cell(["app", "web", "shop"]), "fact", CHANNEL)
    assert leaf is None
    assert [fault.params["cell"] for fault in faults] == ["web", "shop"]


def test_a_cell_never_names_another_fact() -> None:
    bound, faults = bind(Condition.of({"spend": "> orders"}), TABLE)
    assert bound is None
    assert [(fault.code, fault.path) for fault in faults] == [("document.bad_cell", "spend")]


def test_binding_tells_all_faults_with_their_places() -> None:
    condition = Condition.of({"any": [{"spend": "gold"}, {"not": {"ordes": "5", "tier": ["gold", "lead"]}}], "orders": "1.5"})
    bound, faults = bind(condition, TABLE, "policies[2].levels[0].enter")
    assert bound is None
    assert [(fault.code, fault.path.removeprefix("policies[2].levels[0].enter.")) for fault in faults] == [
        ("document.bad_cell", "any[0].spend"),
        ("document.unknown_fact", "any[1].not.ordes"),
        ("document.bad_cell", "any[1].not.tier[1]"),
        ("document.bad_cell", "orders"),
    ]


def test_an_unknown_fact_is_told_the_nearest_and_all_that_are_known() -> None:
    _, [fault] = bind(Condition.of({"ordes": "5"}), {"orders": WHOLE, "tier": TIER})
    assert fault.params == {"fact": "ordes", "nearest": "orders", "known": "orders, tier"}


def test_the_cell_is_kept_as_text_for_people() -> None:
    assert [leaf_of(cell, CHANNEL).cell for cell in ("not(app, store)", ["app", "store"])] == ["not(app, store)", "[app, store]"]


def test_a_leaf_pickles() -> None:
    leaf = leaf_of("not((1/3..0.5], missing)", NUMBER)
    assert pickle.loads(pickle.dumps(leaf)) == leaf


@given(st.text(max_size=40))
def test_any_text_in_double_quotes_is_taken_literally(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    assert leaf_of(f'"{escaped}"', CITY).tests == (Equals(text),)


@given(st.text(alphabet='ab"\\()[]<>=!.,-≥not missing5 ', max_size=20), st.sampled_from([WHOLE, MONEY, NUMBER, FLAG, DATE, CHANNEL, CITY, TIER]))
def test_any_text_is_read_or_refused(text: str, kind: FactType) -> None:
    try:
        cell = read_cell(text)
    except BadCell:
        return
    leaf, faults = bind_cell(cell, "fact", kind)
    assert (leaf is None) == bool(faults)
    assert leaf is None or holds(leaf, None) in (True, False)


@given(st.text(max_size=12))
def test_a_cell_reads_its_own_document_again(text: str) -> None:
    try:
        cell = read_cell(text)
    except BadCell:
        return
    assert read_cell(cell.document) == cell
