"""Bands, matrices, RFM and stages over data frames say what ``program.evaluate`` says row by row, on Polars and DuckDB."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_lifecycle import STAGES
from test_rfm import CUTS, HIGH, SCORES, classic

import custrules as cr

pl = pytest.importorskip("polars")
duckdb = pytest.importorskip("duckdb")
batch = pytest.importorskip("custrules.batch")

READINGS: dict[str, Any] = {"spend_r": {"type": "money"}, "orders": {"type": "whole"}, "idle": {"type": "whole"}, "mean": {"type": "number"}}
PARTS: dict[str, Any] = {"recency": "idle", "frequency": "orders", "monetary": "spend_r"}
STAGED = [{name: value for name, value in stage.items() if name != "title"} for stage in STAGES]
GRID = {"inputs": ["worth", "idle"], "outputs": ["s"], "rows": [["high", "<= 30", "key"], [">= mid", "<= 60", "core"], ["low", "-", "rest"]]}
POLICIES: list[dict[str, Any]] = [
    {"id": "worth", "kind": "segments.bands", "measure": "spend_r", "bands": {"low": "< 100", "mid": "[100..300)", "high": ">= 300"}},
    {"id": "mean_of", "kind": "segments.bands", "measure": "mean", "bands": {"thin": "< 1/3", "fair": "[1/3..0.5]"}},
    {"id": "odd", "kind": "segments.bands", "measure": "orders", "bands": {"some": ["1", "3"], "unknown": "missing", "others": "not(1, 3)"}},
    {"id": "grid", "kind": "segments.matrix", "status": "grid", "table": {**GRID, "hit": "FIRST"}},
    {"id": "unique", "kind": "segments.matrix", "status": "unique", "table": {**GRID, "hit": "UNIQUE"}},
    {"id": "plain", "kind": "segments.rfm", "status": "plain", **PARTS, "cuts": CUTS},
    {"id": "below", "kind": "segments.rfm", "status": "below", **PARTS, "cuts": CUTS, "at_cut": "below", "map": "rf_map"},
    {"id": "eight", "kind": "segments.rfm", "status": "eight", **PARTS, "high": {**HIGH, "monetary": "> 199.99"}, "map": "eight"},
    {"id": "both", "kind": "segments.rfm", "status": "both", **PARTS, "cuts": CUTS, "high": HIGH, "map": classic()},
    {"id": "scored", "kind": "segments.rfm", "status": "scored", **PARTS, "cuts": CUTS, "high": SCORES, "map": "eight"},
    {"id": "life", "kind": "lifecycle.stages", "stages": STAGED},
]
NAMES = [str(policy["id"]) for policy in POLICIES]
PROGRAM = cr.Program(id="shop", zone="UTC", currency="CNY", readings=READINGS, policies=POLICIES)
SCHEMA = {"spend_r": pl.Int64, "orders": pl.Int64, "idle": pl.Int64, "mean": pl.Decimal(18, 3), "worth": pl.String}

rows = st.fixed_dictionaries(
    {
        "spend_r": st.none() | st.sampled_from((-1, 0, 9_999, 10_000, 19_999, 20_000, 29_999, 30_000, 40_049, 40_050)) | st.integers(0, 50_000),
        "orders": st.none() | st.integers(0, 7),
        "idle": st.none() | st.sampled_from((0, 9, 10, 11, 30, 45, 46, 90, 91)) | st.integers(0, 120),
        "mean": st.none() | st.sampled_from((Decimal("0.333"), Decimal("0.334"), Decimal("0.5"), Decimal("0.501"))),
        "worth": st.none() | st.sampled_from(("low", "mid", "high")),
    }
)


def by_row(policy_id: str, row: dict[str, Any]) -> cr.Evaluation:
    form = PROGRAM.facts(policy_id)
    money = cr.Money.from_minor(row["spend_r"], "CNY") if row["spend_r"] is not None else None
    return PROGRAM.evaluate(policy_id, {name: money if name == "spend_r" else row[name] for name in form.types})


@given(st.lists(rows, min_size=8, max_size=24))
@settings(max_examples=12, deadline=None)
def test_columns_say_what_evaluate_says(given_rows: list[dict[str, Any]]) -> None:
    over = batch.columns(PROGRAM, *NAMES, minor=True)
    frame = pl.DataFrame(given_rows, schema=SCHEMA)
    keys = over.keys(frame)
    con = duckdb.connect()
    con.register("given", frame.to_arrow())
    of_duckdb = over.keys(con.sql("SELECT * FROM given")).pl()
    for name in NAMES:
        expected = [by_row(name, row) for row in given_rows]
        for found in (keys, of_duckdb):
            assert [over.evaluation(name, key) for key in found[f"{name}_key"].to_list()] == expected


def test_answers_are_segments_in_words() -> None:
    over = batch.columns(PROGRAM, "worth", "eight", "life", minor=True)
    frame = pl.DataFrame([{"spend_r": 20_000, "orders": 3, "idle": 10, "mean": None, "worth": None}], schema=SCHEMA)
    (row,) = over.answers(frame).to_dicts()
    assert (row["worth"], row["eight"], row["life"], row["eight_codes"]) == ("mid", "重要价值", None, "segments.rfm.entered")


def test_the_quality_of_a_record_is_no_column_and_is_refused_by_name() -> None:
    shop = cr.Program(
        id="shop",
        zone="UTC",
        currency="CNY",
        profile={"city": {"type": "text"}},
        policies=[{"id": "q", "kind": "profile.quality", "fields": [{"name": "city"}]}],
    )
    with pytest.raises(cr.FactsError) as caught:
        batch.columns(shop, "q")
    assert [found.code for found in caught.value.diagnostics] == ["facts.no_columns"]
