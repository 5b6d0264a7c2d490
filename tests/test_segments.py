"""Bands and matrices: what a customer is by one measure, and by several."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime
from typing import Any

import pytest

import custrules as cr
from custrules.policies.segments import Bands, Matrix
from custrules.testing import check_policy

BANDS = {"low": "< 100", "mid": "[100..300)", "high": ">= 300"}
HEAD: dict[str, Any] = {
    "id": "shop",
    "zone": "Asia/Shanghai",
    "currency": "CNY",
    "profile": {"city": {"type": "text"}},
    "measures": {
        "spend": {"sum": "spend", "window": "12 months"},
        "idle": {"since": "purchase"},
        "orders": {"count": "purchase", "window": "90 days"},
    },
}
TABLE = {"hit": "FIRST", "inputs": ["value", "idle"], "outputs": ["segment"], "rows": [["high", "<= 30", "key"], ["-", "<= 90", "core"]]}


def bands(**more: Any) -> dict[str, Any]:
    return {"id": "value", "kind": "segments.bands", "measure": "spend", "bands": BANDS, **more}


def matrix(**more: Any) -> dict[str, Any]:
    return {"id": "grid", "kind": "segments.matrix", "table": TABLE, **more}


def program(*policies: dict[str, Any], **sections: Any) -> cr.Program:
    return cr.Program(**{**HEAD, **sections}, policies=list(policies))


def event(shop: cr.Program, kind: str, id: str, day: str, **more: Any) -> Any:
    return shop.event({"type": kind, "id": id, "customer_id": "c", "occurred_at": f"{day}T04:00:00Z", **more})


def bought(shop: cr.Program, *orders: tuple[str, str]) -> cr.State:
    state = cr.State.new("c")
    for number, (day, amount) in enumerate(orders):
        state = shop.step(state, event(shop, "purchase", f"o{number}", day, amount=amount)).state
    return state


def faults(*policies: dict[str, Any], **sections: Any) -> list[tuple[str, str]]:
    with pytest.raises(cr.DocumentError) as caught:
        program(*policies, **sections)
    return [(found.code, found.path) for found in caught.value.diagnostics]


# -- bands ---------------------------------------------------------------------------------------------------------------


def test_a_band_is_written_once_with_the_value_that_put_the_customer_there() -> None:
    shop = program(bands())
    step = shop.step(cr.State.new("c"), event(shop, "purchase", "a", "2026-01-10", amount="120"))
    (decision,) = step.decisions
    assert decision.reasons[0].params["value"] == cr.Money("120.00", "CNY")
    assert (decision.reasons[0].params["segment"], decision.reasons[0].params["before"]) == ("mid", None)
    assert step.state.status("value").value == "mid"
    assert shop.step(step.state, event(shop, "purchase", "b", "2026-01-11", amount="1")).decisions == ()


def test_a_band_is_kept_under_another_name_where_the_document_says_so() -> None:
    shop = program(bands(status="worth"))
    assert bought(shop, ("2026-01-10", "5")).status("worth").value == "low"


def test_the_day_on_which_time_changes_a_band_is_due() -> None:
    shop = program(bands())
    state = bought(shop, ("2026-01-10", "120"))
    assert shop.next_due(state) == datetime(2027, 1, 9, 16, tzinfo=UTC)
    after = shop.advance(state, datetime(2027, 1, 9, 16, tzinfo=UTC)).state
    assert (after.status("value").value, after.status("value").since) == ("low", date(2027, 1, 10))
    assert shop.next_due(after) is None


def test_a_measure_that_becomes_missing_leaves_no_band() -> None:
    shop = program(bands(measure="idle", bands={"fresh": "<= 5", "cool": "(5..9]"}))
    state = bought(shop, ("2026-01-10", "1"))
    step = shop.advance(state, datetime(2026, 2, 1, tzinfo=UTC))
    assert [decision.codes for decision in step.decisions] == [("segments.bands.entered",), ("segments.bands.left",)]
    assert step.state.status("value").value is None


def test_where_cells_overlap_the_first_band_counts() -> None:
    shop = program(bands(measure="idle", bands={"fresh": "<= 30", "cool": "<= 90", "gone": "-"}))
    state = bought(shop, ("2026-01-01", "1"))
    assert [shop.advance(state, datetime(2026, *day, tzinfo=UTC)).state.status("value").value for day in ((1, 30), (2, 15), (5, 1))] == [
        "fresh",
        "cool",
        "gone",
    ]


def test_bands_are_a_fact_with_the_order_in_which_they_are_written() -> None:
    gate = {"id": "gate", "kind": "table", "hit": "FIRST", "inputs": ["value"], "outputs": ["pass"], "rows": [[">= mid", "yes"], ["-", "no"]]}
    shop = program(bands(), gate)
    assert [shop.evaluate("gate", {"value": name}).value for name in BANDS] == [{"pass": "no"}, {"pass": "yes"}, {"pass": "yes"}]


def test_a_band_may_be_read_off_a_profile_field_and_a_balance() -> None:
    points = {"id": "points", "kind": "points.account", "expiry": "never"}
    earn = {"id": "earn", "kind": "points.accrual", "points_per_unit": 1}
    where = bands(id="where", measure="city", bands={"home": "Shanghai", "away": "not(Shanghai)"})
    shop = program(points, earn, where, bands(id="rich", measure="points", bands={"few": "< 50", "many": ">= 50"}))
    state = bought(shop, ("2026-01-10", "60"))
    assert state.status("rich").value == "many"
    state = shop.step(state, event(shop, "profile_update", "p", "2026-01-11", profile={"city": "Shanghai"})).state
    assert state.status("where").value == "home"


def test_a_new_version_puts_everybody_into_its_bands_on_its_first_day() -> None:
    shop = program(bands(), bands(effective_from="2026-03-01", bands={"small": "< 1000", "big": ">= 1000"}))
    state = bought(shop, ("2026-01-10", "500"))
    assert state.status("value").value == "high"
    after = shop.advance(state, datetime(2026, 3, 2, tzinfo=UTC)).state
    assert (after.status("value").value, after.status("value").since) == ("small", date(2026, 3, 1))


def test_an_event_that_comes_late_is_banded_by_the_version_of_today() -> None:
    shop = program(bands(), bands(effective_from="2026-03-01", bands={"small": "< 1000", "big": ">= 1000"}))
    state = shop.advance(bought(shop, ("2026-01-10", "500")), datetime(2026, 3, 2, tzinfo=UTC)).state
    step = shop.step(state, event(shop, "purchase", "late", "2026-02-28", amount="500"))
    assert step.state.status("value").value == "big"


def test_a_retired_version_says_nothing_new() -> None:
    shop = program(bands(), bands(effective_from="2026-03-01", retired=True))
    state = shop.advance(bought(shop, ("2026-01-10", "500")), datetime(2026, 3, 2, tzinfo=UTC)).state
    later = shop.advance(state, datetime(2028, 1, 1, tzinfo=UTC))
    assert (later.decisions, later.state.status("value").value) == ((), "high")


def test_a_band_cannot_be_granted_or_brought_along() -> None:
    shop = program(bands())
    with pytest.raises(cr.EventError) as caught:
        event(shop, "tier_grant", "g", "2026-01-10", status="value", level="high", reason="x")
    assert [found.code for found in caught.value.diagnostics] == ["event.unknown_status"]


def test_progress_tells_what_is_missing_to_the_next_band() -> None:
    shop = program(bands())
    (ladder,) = shop.progress(bought(shop, ("2026-01-10", "120"))).ladders
    assert ladder.next is not None
    assert (ladder.level, ladder.next.level, ladder.next.missing[0].gap) == ("mid", "high", cr.Money("180.00", "CNY"))


def test_bands_answer_on_facts_alone() -> None:
    shop = program(bands(bands={"low": "< 100", "mid": "[100..300)"}))
    assert [shop.evaluate("value", {"spend": amount}).value for amount in ("99.99", "100", "299.99", "300", None)] == [
        "low",
        "mid",
        "mid",
        None,
        None,
    ]
    assert shop.evaluate("value", {"spend": "100"}).codes == ("segments.bands.held",)
    assert shop.evaluate("value", {"spend": None}).outcome == "DECLINED"


def test_generated_code_and_the_policys_own_say_the_same() -> None:
    shop = program(bands())
    evaluator = shop.evaluator("value")
    for amount in (-1, 0, 9999, 10000, 29999, 30000, None):
        facts = evaluator.form.exact({"spend": amount})
        assert evaluator.decide(facts) == evaluator.plainly(facts)


# -- matrices ------------------------------------------------------------------------------------------------------------


def test_a_matrix_reads_bands_that_stand_before_it_in_the_same_step() -> None:
    shop = program(bands(), matrix())
    state = bought(shop, ("2026-01-10", "500"))
    assert state.status("segment").value == "key"


def test_a_matrix_that_stands_before_its_bands_sees_them_when_the_next_day_opens() -> None:
    shop = program(matrix(), bands())
    state = bought(shop, ("2026-01-10", "500"))
    assert state.status("segment").value == "core"
    assert shop.advance(state, datetime(2026, 1, 11, tzinfo=UTC)).state.status("segment").value == "key"


def test_where_no_row_holds_there_is_the_default_or_no_segment() -> None:
    state = bought(program(bands(), matrix()), ("2026-01-10", "500"))
    late = datetime(2026, 6, 1, tzinfo=UTC)
    assert program(bands(), matrix()).advance(state, late).state.status("segment").value is None
    rest = matrix(table={**TABLE, "outputs": [{"name": "segment", "default": "rest"}]})
    assert program(bands(), rest).advance(state, late).state.status("segment").value == "rest"


def test_segments_have_an_order_only_where_the_document_gives_one() -> None:
    gate = {"id": "gate", "kind": "table", "inputs": ["segment"], "outputs": ["x"], "rows": [[">= core", "a"]]}
    assert faults(bands(), matrix(), gate) == [("document.bad_cell", "policies[2].rows[0][0]")]
    program(bands(), matrix(order=["core", "key"]), gate)


def test_a_matrix_answers_on_facts_alone() -> None:
    shop = program(bands(), matrix())
    assert shop.evaluate("grid", {"value": "high", "idle": 3}).value == "key"
    assert shop.evaluate("grid", {"value": "high", "idle": 300}).outcome == "DECLINED"


# -- faults --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"bands": {}}, [("document.wrong_type", "policies[0].bands")]),
        ({"bands": ["low"]}, [("document.wrong_type", "policies[0].bands")]),
        ({"bands": {"low": "[1..", "1x": "> 2"}}, [("document.bad_cell", "policies[0].bands.low"), ("document.wrong_type", "policies[0].bands.1x")]),
        ({"bands": {"none": "> 2"}}, [("document.reserved_id", "policies[0].bands.none")]),
        ({"bands": {"low": "cheap"}}, [("document.bad_cell", "policies[0].bands.low.spend")]),
        ({"measure": "spent"}, [("document.unknown_fact", f"policies[0].bands.{name}.spent") for name in BANDS]),
        ({"measure": 3}, [("document.wrong_type", "policies[0].measure")]),
        ({"bands": {f"b{number}": "-" for number in range(101)}}, [("document.too_many", "policies[0].bands")]),
    ],
)
def test_a_fault_of_bands_is_told_with_its_place(more: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults(bands(**more)) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"table": {**TABLE, "outputs": ["a", "b"], "rows": [["-", "-", "x", "y"]]}}, [("document.one_output", "policies[1].table.outputs[1]")]),
        ({"table": {**TABLE, "hit": "COLLECT"}}, [("document.unknown_choice", "policies[1].table.hit")]),
        (
            {"table": {**TABLE, "outputs": [{"name": "n", "type": "whole"}], "rows": [["-", "-", "1"]]}},
            [("document.wrong_type", "policies[1].table.outputs[0]")],
        ),
        ({"order": ["key", "key"]}, [("document.name_taken", "policies[1].order"), ("document.unknown_choice", "policies[1].table")]),
    ],
)
def test_a_fault_of_a_matrix_is_told_with_its_place(more: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults(bands(), matrix(**more)) == expected


def test_a_name_that_another_fact_has_is_refused() -> None:
    assert faults(bands(), matrix(), profile={"segment": {"type": "text"}}) == [("document.name_taken", "profile.segment")]


# -- the contract --------------------------------------------------------------------------------------------------------


def test_bands_and_matrices_keep_the_contract_of_policies() -> None:
    by_spend = Bands.read({"id": "value", "measure": "spend", "bands": BANDS})
    check_policy(by_spend, examples=8, skip=("descriptions",))
    check_policy(Bands.read({"id": "rest", "measure": "idle", "bands": {"fresh": "<= 20", "cool": "(20..60]"}}), examples=8, skip=("descriptions",))
    grid = {"hit": "FIRST", "inputs": ["tier", "idle"], "outputs": ["s"], "rows": [[">= silver", "<= 30", "key"], ["-", "<= 60", "core"]]}
    check_policy(Matrix.read({"id": "grid", "status": "grid", "table": grid}), examples=8, skip=("descriptions",))


def test_a_program_with_segments_comes_back_from_json_and_pickle() -> None:
    shop = program(
        bands(bands={"a": ["1", "2"], "b": "not(1, 2)"}),
        matrix(order=["core", "key"]) | {"table": {**TABLE, "inputs": ["spend", "idle"], "rows": [["-", "-", "key"]]}},
    )
    assert cr.Program.from_json(shop.to_json()) == shop
    assert pickle.loads(pickle.dumps(shop)) == shop
