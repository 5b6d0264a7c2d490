"""RFM: scores by cuts, the map of 25 cells, the Chinese eight, own maps; cuts and bands fitted from a population."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from cases.covering import covers
from hypothesis import given
from hypothesis import strategies as st

import custrules as cr
from custrules.policies.segments import Rfm, ScoreMap, Threshold
from custrules.policies.segments.scores import score
from custrules.policy import Policy
from custrules.testing import check_policy

CUTS = {"recency": [10, 20, 30, 40], "frequency": [2, 3, 4, 5], "monetary": [100, 200, 300, "400.50"]}
HIGH = {"recency": 10, "frequency": 3, "monetary": 200}
SCORES = {"recency": 4, "frequency": 3, "monetary": 3}
PARTS: dict[str, Any] = {"recency": "idle", "frequency": "orders", "monetary": "spend"}
MEASURES = {"spend": {"sum": "spend", "window": "12 months"}, "orders": {"count": "purchase", "window": "12 months"}, "idle": {"since": "purchase"}}
CLASSIC = (  # the ten rows of the R package rfm: R, F and M each in these bands, the first that holds counts
    ("Champions", "[4..5]", "[4..5]"),
    ("Loyal Customers", "[2..5]", "[3..5]"),
    ("Potential Loyalist", "[3..5]", "[1..3]"),
    ("New Customers", "[4..5]", "1"),
    ("Promising", "[3..4]", "1"),
    ("Need Attention", "[2..3]", "[2..3]"),
    ("About To Sleep", "[2..3]", "[1..2]"),
    ("At Risk", "[1..2]", "[2..5]"),
    ("Can't Lose Them", "1", "[4..5]"),
    ("Lost", "[1..2]", "[1..2]"),
)


def classic(**output: str) -> dict[str, Any]:
    rows = [[recency, other, other, name] for name, recency, other in CLASSIC]
    return {"hit": "FIRST", "inputs": ["recency", "frequency", "monetary"], "outputs": [{"name": "segment", **output}], "rows": rows}


def rfm(**more: Any) -> dict[str, Any]:
    return {"id": "rfm", "kind": "segments.rfm", **PARTS, **({"cuts": CUTS} if "high" not in more else {}), **more}


def program(*policies: dict[str, Any] | Policy, **sections: Any) -> cr.Program:
    return cr.Program(**{"id": "shop", "zone": "Asia/Shanghai", "currency": "CNY", "measures": MEASURES, **sections}, policies=list(policies))


def bought(shop: cr.Program, *orders: tuple[str, str]) -> cr.State:
    state = cr.State.new("c")
    for number, (day, amount) in enumerate(orders):
        event = {"type": "purchase", "id": f"o{number}", "customer_id": "c", "occurred_at": f"{day}T04:00:00Z", "amount": amount}
        state = shop.step(state, shop.event(event)).state
    return state


def segment(shop: cr.Program, recency: int, frequency: int, monetary: str) -> Any:
    return shop.evaluate("rfm", {"idle": recency, "orders": frequency, "spend": monetary}).value


def faults(*policies: dict[str, Any], **sections: Any) -> list[tuple[str, str]]:
    with pytest.raises(cr.DocumentError) as caught:
        program(*policies, **sections)
    return [(found.code, found.path) for found in caught.value.diagnostics]


# -- scores --------------------------------------------------------------------------------------------------------------


def test_scores_are_kept_beside_the_segment_and_are_facts() -> None:
    gate = {"id": "gate", "kind": "table", "inputs": ["segment.recency", "segment.score"], "outputs": ["x"], "rows": [["5", ">= 500", "yes"]]}
    shop = program(rfm(map="rf_map"), gate)
    state = bought(shop, ("2026-01-10", "100"), ("2026-01-11", "300.50"))
    held = state.status("segment")
    assert (held.value, dict(held.data)) == ("potential_loyalists", {"recency": 5, "frequency": 2, "monetary": 5, "score": 525})
    assert shop.evaluate("gate", {"segment.recency": 5, "segment.score": 525}).value == {"x": "yes"}


def test_a_value_at_a_cut_belongs_above_it_or_below_it_as_the_document_says() -> None:
    # a recency of 10 days: one band worse (4), or still the best (5); 2 orders: score 2 or 1; 100.00: score 2 or 1
    assert segment(program(rfm()), 10, 2, "100") == "422"
    assert segment(program(rfm(at_cut="below")), 10, 2, "100") == "511"


def test_money_is_cut_in_the_programs_currency() -> None:
    assert [segment(program(rfm()), 0, 1, amount) for amount in ("400.49", "400.50")] == ["514", "515"]


def test_without_money_there_are_two_scores() -> None:
    parts = {"recency": "idle", "frequency": "orders"}
    shop = program({"id": "rfm", "kind": "segments.rfm", **parts, "cuts": {"recency": [10], "frequency": [3, 9]}})
    assert shop.evaluate("rfm", {"idle": 3, "orders": 9}).value == "23"


def test_time_lowers_the_score_of_recency_on_the_day_of_its_cut() -> None:
    shop = program(rfm())
    state = bought(shop, ("2026-01-01", "50"))
    assert [shop.advance(state, datetime(2026, 1, day, 4, tzinfo=UTC)).state.status("segment").value for day in (10, 11)] == ["511", "411"]


def test_a_segment_that_stays_is_told_with_its_new_scores_and_keeps_its_first_day() -> None:
    shop = program(rfm(map="rf_map"))
    state = bought(shop, ("2026-01-01", "50"), ("2026-01-02", "200"))
    step = shop.step(state, shop.event({"type": "purchase", "id": "x", "customer_id": "c", "occurred_at": "2026-01-03T04:00:00Z", "amount": "1"}))
    assert [why.code for why in step.decisions[0].reasons] == ["segments.rfm.rescored"] + ["segments.rfm.part"] * 3
    assert step.state.status("segment").since.isoformat() == "2026-01-02"


def test_a_measure_that_goes_missing_takes_the_segment() -> None:
    shop = program(
        rfm(frequency="last", cuts={**CUTS, "frequency": [1]}),
        readings={"aum": {"type": "whole"}},
        measures={**MEASURES, "last": {"latest": "aum", "window": "10 days"}},
    )
    head = {"customer_id": "c", "type": "reading", "name": "aum", "id": "r", "value": 3, "occurred_at": "2026-01-02T04:00:00Z"}
    state = shop.step(bought(shop, ("2026-01-01", "50")), shop.event(head)).state
    assert state.status("segment").value == "521"
    step = shop.advance(state, datetime(2026, 1, 20, tzinfo=UTC))
    assert (step.decisions[-1].codes, step.state.status("segment").value) == (("segments.rfm.missing",), None)


@given(
    st.integers(0, 60) | st.none(),
    st.integers(0, 8) | st.none(),
    st.integers(0, 50_000) | st.none(),
    st.sampled_from(
        [
            {},
            {"at_cut": "below"},
            {"map": "rf_map"},
            {"high": HIGH},
            {"high": HIGH, "cuts": CUTS, "map": "eight"},
            {"high": SCORES, "cuts": CUTS, "map": "eight"},
        ]
    ),
)
def test_generated_code_and_the_policys_own_say_the_same(
    recency: int | None, frequency: int | None, monetary: int | None, more: dict[str, Any]
) -> None:
    evaluator = program(rfm(**more)).evaluator("rfm")
    facts = evaluator.form.exact({"idle": recency, "orders": frequency, "spend": monetary})
    assert evaluator.decide(facts) == evaluator.plainly(facts)


def test_a_mark_is_a_value_like_any_other() -> None:
    mark = Threshold.parse("<= 10")
    assert (repr(mark), str(Threshold.parse("93.06")), mark.sign_of("recency")) == ("Threshold.parse('<= 10')", "93.06", "<=")
    assert (mark == Threshold.parse("<= 10"), mark == Threshold.parse("10"), len({mark, Threshold.parse("<=10")})) == (True, False, 1)
    assert Rfm.read({"id": "x", **PARTS, "high": {"recency": 10, "frequency": Fraction(3), "monetary": "> 1/3"}}).high is not None


# -- maps ----------------------------------------------------------------------------------------------------------------


def test_the_map_of_25_cells_is_complete_and_disjoint() -> None:
    table = ScoreMap.named("rf_map")
    found = {(r, f): [row.outputs[0] for row in table.bound.rows if row.holds(_Cell(r, f))] for r in range(1, 6) for f in range(1, 6)}
    assert {len(rows) for rows in found.values()} == {1}
    assert len({rows[0] for rows in found.values()}) == 10


class _Cell:
    def __init__(self, recency: int, frequency: int) -> None:
        self.scores = {"recency": recency, "frequency": frequency}

    def value(self, name: str) -> int:
        return self.scores[name]

    def next_change(self, name: str) -> None:
        return None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((8, 3, "200"), "重要价值"),
        ((10, 2, "200"), "重要发展"),
        ((11, 3, "200"), "重要保持"),
        ((11, 2, "200"), "重要挽留"),
        ((8, 5, "199.99"), "一般价值"),
        ((8, 2, "80"), "一般发展"),
        ((30, 4, "100"), "一般保持"),
        ((60, 1, "60"), "一般挽留"),
    ],
)
def test_the_eight_segments_follow_from_what_is_high(facts: tuple[int, int, str], expected: str) -> None:
    assert segment(program(rfm(high=HIGH, map="eight")), *facts) == expected
    assert segment(program(rfm(high=HIGH)), *facts) == expected  # all three marks and no cuts: the eight


def test_beside_cuts_marks_that_are_scores_are_the_least_scores_that_are_high() -> None:
    shop = program(rfm(cuts=CUTS, high={"recency": 4, "frequency": 3, "monetary": 3}, map="eight"))
    # 19 days: score 4; 20 days: 3. 3 orders: score 3. 200.00: score 3; 199.99: 2
    assert [segment(shop, *facts) for facts in ((19, 3, "200"), (20, 3, "200"), (19, 2, "200"), (19, 3, "199.99"))] == [
        "重要价值",
        "重要保持",
        "重要发展",
        "一般价值",
    ]
    step = shop.step(
        cr.State.new("c"), shop.event({"type": "purchase", "id": "o", "customer_id": "c", "occurred_at": "2026-01-01T04:00:00Z", "amount": "50"})
    )
    assert [why.params["mark"] for why in step.decisions[0].reasons if why.code in ("segments.rfm.high", "segments.rfm.low")] == [
        "score >= 4",
        "score >= 3",
        "score >= 3",
    ]


def test_beside_cuts_marks_beyond_the_scores_or_with_a_sign_are_values() -> None:
    for high in (HIGH, {"recency": "<= 10", "frequency": ">= 3", "monetary": ">= 200"}):
        shop = program(rfm(cuts=CUTS, high=high, map="eight"))
        assert [segment(shop, *facts) for facts in ((10, 3, "200"), (11, 3, "200"))] == ["重要价值", "重要保持"]


def test_a_mark_may_say_on_which_side_it_lies() -> None:
    strict = program(rfm(high={"recency": "< 10", "frequency": "> 3", "monetary": "> 1/3"}))
    assert [segment(strict, *facts) for facts in ((9, 4, "0.34"), (10, 4, "0.34"), (9, 3, "0.34"), (9, 4, "0.33"))] == [
        "重要价值",
        "重要保持",
        "重要发展",
        "一般价值",
    ]


def test_both_scores_and_marks_may_be_given_and_mapped() -> None:
    own = {"hit": "FIRST", "inputs": ["score", "recency_high"], "outputs": ["s"], "rows": [["-", "true", "fresh"], ["-", "-", "old"]]}
    assert faults(rfm(high=HIGH, cuts=CUTS, map=own)) == [("document.unknown_fact", "policies[0].map.inputs[0]")]
    own["inputs"] = ["frequency", "recency_high"]
    shop = program(rfm(high=HIGH, cuts=CUTS, map=own))
    assert segment(shop, 3, 1, "1") == "fresh"
    assert dict(bought(shop, ("2026-01-01", "50")).status("segment").data) == {
        "recency": 5,
        "recency_high": True,
        "frequency": 1,
        "frequency_high": False,
        "monetary": 1,
        "monetary_high": False,
        "score": 511,
    }


def test_scores_that_a_map_has_no_segment_for_give_none_or_its_default() -> None:
    shop = program(rfm(map=classic()))
    assert shop.evaluate("rfm", {"idle": 99, "orders": 1, "spend": "1000"}).codes == ("segments.rfm.unmapped",)
    state = bought(shop, ("2026-01-02", "900"))
    late = shop.advance(state, datetime(2026, 6, 1, tzinfo=UTC)).state.status("segment")
    assert (late.value, late.data["score"]) == (None, 115)
    assert segment(program(rfm(map=classic(default="Others"))), 99, 1, "1000") == "Others"


def test_an_own_map_may_be_written_as_text_and_have_an_order() -> None:
    text = "recency | frequency | -> segment\n>= 4 | >= 3 | best\n- | - | rest\n"
    gate = {"id": "gate", "kind": "table", "inputs": ["segment"], "outputs": ["x"], "rows": [["> rest", "yes"]]}
    shop = program(rfm(map={"hit": "FIRST", "table": text}, order=["rest", "best"]), gate)
    assert (segment(shop, 1, 3, "1"), segment(shop, 99, 3, "1")) == ("best", "rest")
    assert cr.Program.from_json(shop.to_json()) == shop
    assert pickle.loads(pickle.dumps(shop)) == shop


def test_a_map_is_also_known_by_other_names() -> None:
    assert program(rfm(map="rf")) == program(rfm(map="rf_map"))
    assert program(rfm(high=HIGH, map="cn8")) == program(rfm(high=HIGH, map="eight"))


# -- faults --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"recency": "idel"}, [("document.unknown_fact", "policies[0].recency")]),
        ({"frequency": "weekday"}, [("document.fact_of_other_kind", "policies[0].frequency")]),
        ({"cuts": {**CUTS, "recency": [10, 30, 20]}}, [("document.wrong_type", "policies[0].cuts.recency[2]")]),
        ({"cuts": {**CUTS, "recency": list(range(9))}}, [("document.wrong_length", "policies[0].cuts.recency")]),
        ({"cuts": {**CUTS, "recency": ["x"]}}, [("document.wrong_type", "policies[0].cuts.recency[0]")]),
        ({"cuts": {"recency": [1], "frequency": [1]}}, [("document.missing_field", "policies[0].cuts")]),
        (
            {"high": {"recency": 1, "frequency": 1}, "map": "rf_map"},
            [("document.missing_field", "policies[0].high"), ("document.missing_field", "policies[0]")],
        ),
        ({"high": {**HIGH, "recency": ">= 3"}}, [("document.wrong_type", "policies[0].high.recency")]),
        ({"high": {**HIGH, "frequency": "<= 3"}}, [("document.wrong_type", "policies[0].high.frequency")]),
        ({"high": {**HIGH, "frequency": "about 3"}}, [("document.wrong_type", "policies[0].high.frequency")]),
        ({"map": "squares"}, [("document.unknown_choice", "policies[0].map")]),
        ({"map": "eight"}, [("document.missing_field", "policies[0]")]),
        ({"map": {"inputs": ["recency"], "outputs": ["s"], "rows": [["often", "x"]]}}, [("document.bad_cell", "policies[0].map.rows[0][0]")]),
        ({"map": {"inputs": ["recency"], "outputs": ["s"], "rows": [["5"]]}}, [("document.wrong_cells", "policies[0].map.rows[0]")]),
        ({"map": {**classic(), "hit": "COLLECT"}}, [("document.unknown_choice", "policies[0].map.hit")]),
        ({"map": "rf_map", "order": ["champions"]}, [("document.unknown_choice", "policies[0].map")] * 9),
    ],
)
def test_a_fault_is_told_with_its_place(more: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults(rfm(**more)) == expected


def test_neither_cuts_nor_marks_is_a_fault() -> None:
    assert faults({"id": "rfm", "kind": "segments.rfm", **PARTS}) == [("document.missing_field", "policies[0]")]
    two = {"id": "rfm", "kind": "segments.rfm", "recency": "idle", "frequency": "orders", "cuts": CUTS}
    assert faults(two) == [("document.missing_field", "policies[0]")]


# -- what check finds ----------------------------------------------------------------------------------------------------


def found(shop: cr.Program) -> list[tuple[str, str, dict[str, Any]]]:
    return [(one.code, one.path, dict(one.params)) for one in cr.check(shop) if one.code.startswith("check.map")]


@covers("RFM-07")
def test_the_classic_table_leaves_36_cells_uncovered_39_in_several_rows_and_three_segments_unreached() -> None:
    told = found(program(rfm(map=classic())))
    assert [(code, params.get("cells")) for code, _, params in told if "cells" in params] == [("check.map_gap", "36"), ("check.map_overlap", "39")]
    assert [path for code, path, _ in told if code == "check.map_row_never"] == [f"policies[0].map.rows[{row}]" for row in (3, 4, 8)]
    assert next(params["witness"] for code, _, params in told if code == "check.map_gap") == "recency 1, frequency 1, monetary 3"


def test_a_default_closes_the_gap_and_a_map_by_name_has_none() -> None:
    assert "check.map_gap" not in {code for code, _, _ in found(program(rfm(map=classic(default="Others"))))}
    assert found(program(rfm(map="rf_map"))) == []


def test_rows_of_a_unique_map_that_hold_together_are_an_error() -> None:
    own = {"inputs": ["recency_high"], "outputs": ["s"], "rows": [["true", "a"], ["-", "b"]]}
    told = [one for one in cr.check(program(rfm(high=HIGH, map=own))) if one.code.startswith("check.map")]
    assert [(one.code, one.severity, one.params["witness"]) for one in told] == [("check.map_overlap", "error", "recency_high true")]


# -- quantiles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [  # of 1, 2, 4, 8, 16 at 30 %; n p = 1.5
        (1, "2"),  # ceil(1.5) = 2nd
        (2, "2"),  # no tie
        (3, "2"),  # 1.5 - 0.5 = 1, exactly and odd: the one after, the 2nd
        (4, "3/2"),  # 1 + 0.5 (2 - 1)
        (5, "2"),  # 1.5 + 0.5 = 2: the 2nd
        (6, "9/5"),  # 1.5 + 0.3 = 1.8: 1 + 0.8
        (7, "12/5"),  # 1.5 + 0.7 = 2.2: 2 + 0.2 * 2
        (8, "29/15"),  # 1.5 + 1.3/3 = 1.9333: 1 + 14/15
        (9, "39/20"),  # 1.5 + 0.075 + 0.375 = 1.95: 1 + 0.95
    ],
)
def test_the_nine_types_of_quantiles_are_exact(kind: int, expected: str) -> None:
    assert cr.quantile([16, 8, 4, 2, 1], "30%", kind) == Fraction(expected)


def test_the_types_that_do_not_interpolate_take_a_value_or_the_middle_of_two() -> None:
    values = [1, 2, 4, 8]  # at 50 % n p = 2, exactly
    assert [cr.quantile(values, "1/2", kind) for kind in (1, 2, 3)] == [2, 3, 2]
    assert [cr.quantile(values, "1/4", kind) for kind in (1, 2, 3)] == [1, Fraction(3, 2), 1]  # n p + m = 0.5: the 1st


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=20), st.fractions(Fraction(1, 50), Fraction(49, 50), max_denominator=60), st.integers(1, 9)
)
def test_a_quantile_lies_among_the_values_and_does_not_mind_their_order(values: list[int], share: Fraction, kind: int) -> None:
    found = cr.quantile(values, share, kind)
    assert min(values) <= found <= max(values)
    assert found == cr.quantile(sorted(values, reverse=True), share, kind)


# -- fits ----------------------------------------------------------------------------------------------------------------


def rows(*values: tuple[Any, Any, Any]) -> list[dict[str, Any]]:
    return [dict(zip(("idle", "orders", "spend"), value, strict=True)) for value in values]


def fitted(population: Sequence[dict[str, Any]], **options: Any) -> Rfm:
    return cr.fit_rfm(population, **PARTS, **options)


def test_what_does_not_fit_into_the_policy_is_the_callers_fault() -> None:
    with pytest.raises(cr.AnalysisError) as caught:
        fitted(rows((1, 1, 1)), status="1x", colour="red")
    assert {found.code for found in caught.value.diagnostics} == {"document.wrong_type", "document.unknown_field"}


def test_a_fit_is_a_policy_with_the_numbers_in_it() -> None:
    population = rows((1, 9, cr.Money("10.00", "CNY")), (2, 7, Decimal("20")), (3, 5, "30"), (4, 3, Fraction(40)), (5, 1, 50), (None, 3, 4))
    policy = fitted(population, scores=2, map=None, effective_from="2026-01-01")
    assert policy.cuts is not None
    assert (policy.cuts.recency, policy.cuts.frequency, policy.cuts.monetary) == ((Fraction(3),), (Fraction(5),), (Fraction(30),))
    shop = program(policy)
    assert segment(shop, 3, 5, "30") == "211"  # a value at a cut is below it: the better half by recency, the lower by the others
    assert cr.Program.from_json(shop.to_json()) == shop


def test_equal_values_have_equal_scores_whatever_their_order() -> None:
    population = rows(*[(number, 1, number) for number in range(8)], *[(number, 2, number) for number in range(2)])
    first, second = fitted(population), fitted(population[::-1])
    assert first == second
    assert first.cuts is not None
    assert [*map(str, first.cuts.frequency)] == ["1", "1", "1", "6/5"]  # type 7 of eight 1s and two 2s: at 80 % the place 1 + 9 * 0.8 = 8.2
    assert [score(value, first.cuts.frequency, "frequency", "below") for value in (1, 2)] == [1, 5]


def test_what_is_high_may_be_what_is_better_than_the_mean_or_the_median() -> None:
    population = rows((1, 1, 1), (2, 2, 2), (9, 9, 9))
    assert (
        fitted(population, scores=None, high="mean").high
        == Rfm.read({"id": "x", **PARTS, "high": {"recency": "< 4", "frequency": "> 4", "monetary": "> 4"}}).high
    )
    assert str(getattr(fitted(population, scores=None, high="median").high, "recency", None)) == "< 2"


@covers("VALUE-02")
def test_abc_goes_by_the_share_before_each_customer() -> None:
    bands = cr.fit_abc([{"spend": value} for value in (90, 5, 3, 2)], measure="spend")  # before: 0, .90, .95, .98
    shop = program(bands)
    assert [shop.evaluate("abc", {"spend": value}).value for value in (90, 5, 3, 2)] == ["A", "B", "C", "C"]


def test_bands_by_number_of_customers_keep_equal_values_together() -> None:
    values = [1, 1, 1, 5, 5, 9, 9, 9, 9, 9]  # 9s: before 0 of 10; 5s: before 5; 1s: before 7
    bands = cr.fit_bands([{"spend": value} for value in values], measure="spend", names=["high", "mid", "low"], shares=["20%", "60%"], by="customers")
    shop = program(bands)
    assert [shop.evaluate("value", {"spend": value}).value for value in (9, 5, 1)] == ["high", "mid", "low"]
    assert list(bands.bands) == ["low", "mid", "high"]


def test_a_band_in_which_nobody_is_is_left_out() -> None:
    bands = cr.fit_bands([{"spend": 7}] * 3, measure="spend", names=["high", "mid", "low"], shares=["20%", "60%"])
    assert list(bands.bands) == ["low", "high"]


def test_the_population_of_a_program_is_read_off_its_states() -> None:
    shop = program({**rfm(), "id": "rfm"}, measures={**MEASURES, "mean": {"average": "spend", "window": "lifetime"}})
    state = bought(shop, ("2026-01-01", "10.00"), ("2026-01-03", "20.01"))
    assert list(cr.population(shop, [state, cr.State.new("d")], "idle", "spend", "segment", "mean")) == [
        {"idle": 0, "spend": cr.Money("30.01", "CNY"), "segment": "521", "mean": Fraction(3001, 200)},
        {"idle": None, "spend": None, "segment": None, "mean": None},
    ]
    assert fitted(list(cr.population(shop, [state], "idle", "orders", "spend")), scores=2).cuts is not None


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: fitted([]), "analysis.no_population"),
        (lambda: fitted(rows((None, 1, 1))), "analysis.no_population"),
        (lambda: fitted([{"idle": 1}]), "analysis.bad_row"),
        (lambda: fitted(rows((1, 1, 0.5))), "analysis.no_number"),
        (lambda: fitted(rows((1, 1, True))), "analysis.no_number"),
        (lambda: fitted(rows((1, 1, 1)), scores=10), "analysis.out_of_range"),
        (lambda: fitted(rows((1, 1, 1)), quantile=0), "analysis.unknown_choice"),
        (lambda: fitted(rows((1, 1, 1)), at_cut="between"), "analysis.unknown_choice"),
        (lambda: fitted(rows((1, 1, 1)), map="squares"), "document.unknown_choice"),
        (lambda: cr.fit_abc([{"spend": -1}], measure="spend"), "analysis.no_total"),
        (lambda: cr.fit_bands([{"spend": 1}], measure="spend", names=["a"], shares=["80%"]), "analysis.out_of_range"),
        (lambda: cr.fit_bands([{"spend": 1}], measure="spend", names=["a", "b", "c"], shares=["80%", "70%"]), "analysis.not_ascending"),
        (lambda: cr.fit_bands([{"spend": 1}], measure="spend", names=["a", "b"], shares=["100%"]), "analysis.no_share"),
        (lambda: cr.quantile([], "50%"), "analysis.no_population"),
        (lambda: list(cr.population(program(rfm()), [], "spent")), "analysis.unknown_fact"),
    ],
)
def test_what_cannot_be_fitted_is_refused_by_name(call: Any, code: str) -> None:
    with pytest.raises(cr.AnalysisError) as caught:
        call()
    assert [found.code for found in caught.value.diagnostics] == [code]


# -- the contract --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"cuts": {"recency": [5, 20], "frequency": [2, 3], "monetary": [50, 200]}},
        {"cuts": {"recency": [3, 9, 20, 40], "frequency": [2, 3, 4, 5], "monetary": [10, 50, 100, 200]}, "map": "rf_map"},
        {"high": {"recency": 10, "frequency": 2, "monetary": 50}, "map": "eight"},
    ],
)
def test_rfm_keeps_the_contract_of_policies(more: dict[str, Any]) -> None:
    policy = Rfm.read({"id": "rfm", "status": "rfm", "recency": "idle", "frequency": "orders", "monetary": "spend", **more})
    check_policy(policy, examples=8, skip=("descriptions",))
