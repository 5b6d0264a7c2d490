"""Policies over data frames say what ``program.evaluate`` says row by row: on Polars, eager and lazy, and on DuckDB."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import duckdb
import narwhals as nw
import polars as pl
import pytest
from benchmarks import columns as workload
from benchmarks import w1, w3
from conditions_examples import ROWS, TABLE, Example, Row, conditions
from hypothesis import given, settings
from hypothesis import strategies as st

import custrules as cr
from custrules import batch
from custrules.batch import frames
from custrules.conditions import Condition, bind, evaluate
from custrules.conditions import columns as reading
from custrules.conditions.binding import Leaf
from custrules.conditions.columns import QuotientColumn, Reader
from custrules.facts import FactType
from custrules.given import FactsForm, Quotient

CONNECTION = duckdb.connect()
Run = Callable[[pl.DataFrame, nw.Expr], list[Any]]


def on_polars(frame: pl.DataFrame, expr: nw.Expr) -> list[Any]:
    return list(nw.from_native(frame).with_columns(found=expr)["found"].to_list())


def on_lazy_polars(frame: pl.DataFrame, expr: nw.Expr) -> list[Any]:
    return list(nw.from_native(frame.lazy()).with_columns(found=expr).collect()["found"].to_list())


def on_duckdb(frame: pl.DataFrame, expr: nw.Expr) -> list[Any]:
    return [found for (found,) in nw.from_native(relation(frame)).with_columns(found=expr).select("found").to_native().fetchall()]


def relation(frame: pl.DataFrame) -> Any:
    """The frame as a table of DuckDB, its rows in order."""
    con = CONNECTION.cursor()
    con.register("given", frame.to_arrow())
    return con.sql("SELECT * FROM given")


ENGINES: Sequence[Run] = (on_polars, on_lazy_polars, on_duckdb)
SCHEMA: dict[str, Any] = {
    "spend": pl.Int64,
    "ratio": pl.Decimal(38, 3),
    "orders": pl.Int16,
    "channel": pl.Categorical,
    "profile.city": pl.String,
    "member_day": pl.Boolean,
    "joined": pl.Date,
    "tier": pl.String,
}


def held(value: Any, name: str) -> Any:
    """A value as a column holds it; what no column holds exactly (a third) is left out: missing."""
    if isinstance(value, Fraction):
        scaled = value * 1000 if name == "ratio" else value
        return Decimal(int(scaled)).scaleb(-3) if name == "ratio" and scaled.denominator == 1 else None
    return Decimal(value) if name == "ratio" and value is not None else value


def given_back(value: Any, name: str) -> Any:
    return None if isinstance(value, Fraction) and held(value, name) is None else value


def framed(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame({name: [held(row[name], name) for row in rows] for name in SCHEMA}, schema=SCHEMA)


def reader_of(frame: pl.DataFrame) -> Reader:
    form = FactsForm(TABLE, "CNY")
    return Reader(frames._columns(form, nw.from_native(frame).collect_schema(), minor=True))


def as_whole(expr: nw.Expr) -> nw.Expr:
    """What a condition is to a key: 1 where it holds."""
    return nw.when(expr).then(nw.lit(1)).otherwise(nw.lit(0))


class Standing:
    def __init__(self, row: Row) -> None:
        self.row = {name: given_back(value, name) for name, value in row.items()}

    def value(self, name: str) -> Any:
        return self.row[name]

    def next_change(self, name: str) -> date | None:
        return None


# -- conditions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", ENGINES, ids=lambda run: run.__name__)
@given(examples=st.lists(conditions(), min_size=1, max_size=4), rows=st.lists(ROWS, min_size=1, max_size=30))
def test_a_condition_says_of_columns_what_the_interpreter_says_of_rows(run: Run, examples: list[Example], rows: list[Row]) -> None:
    frame = framed(rows)
    for document, _ in examples:
        bound, faults = bind(Condition.of(document), TABLE)
        assert bound is not None, faults
        found = run(frame, as_whole(reader_of(frame).expression(bound)))
        assert found == [int(evaluate(bound, Standing(row))) for row in rows]


RATIO = FactType("number")
Pair = tuple[int | None, int | None]
NUMBERS = st.none() | st.integers(-6, 6) | st.integers(-(2**63), 2**63 - 1)
CELLS = ("> 2", ">= 0.5", "< 0.5", "[1/3..2]", "(-1..1)", "2", "0", "-3", "not(2)", "not(>= 1)", "missing", "not(missing)", "< 0, missing", "-")
BASES = (None, ">= 2", "not(3)", "not(> 0)")


@pytest.mark.parametrize("run", ENGINES, ids=lambda run: run.__name__)
@settings(max_examples=20)
@given(cell=st.sampled_from(CELLS), base=st.sampled_from(BASES), rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=40))
def test_a_quotient_of_columns_is_compared_exactly_or_not_at_all(
    run: Run, cell: str, base: str | None, rows: list[tuple[int | None, int | None]]
) -> None:
    leaf = bound_leaf("share", cell, RATIO)
    quotient = Quotient("over", "under", bound_leaf("under", base, RATIO) if base is not None else None)
    frame = pl.DataFrame(rows, schema={"over": pl.Int64, "under": pl.Int64}, orient="row")
    form = FactsForm({"over": RATIO, "under": RATIO}, "CNY", {"share": quotient})
    reader = Reader(frames._columns(form, nw.from_native(frame).collect_schema(), minor=True))
    expr = as_whole(reader.leaf(leaf))
    for beyond in reader.beyond.values():
        expr = nw.when(beyond).then(nw.lit(None)).otherwise(expr)
    for (over, under), found in zip(rows, run(frame, expr), strict=True):
        wanted = int(evaluate(leaf, Share(quotient.of(over, under))))
        small = max(abs(over or 0), abs(under or 0)) < 2**60
        assert found == wanted or (found is None and not small)


def bound_leaf(fact: str, cell: str, kind: FactType) -> Leaf:
    bound, faults = bind(Condition.of({fact: cell}), {fact: kind})
    assert isinstance(bound, Leaf), faults
    return bound


class Share:
    def __init__(self, value: Any) -> None:
        self._value = value

    def value(self, name: str) -> Any:
        return self._value

    def next_change(self, name: str) -> date | None:
        return None


def test_a_wrong_end_of_an_interval_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_inside", lambda end, closed, upwards: int(end))
    frame = pl.DataFrame({"spend": [1999, 2000, 2001]})
    reader = Reader(frames._columns(FactsForm({"spend": TABLE["spend"]}, "CNY"), nw.from_native(frame).collect_schema(), minor=True))
    assert on_polars(frame, as_whole(reader.leaf(bound_leaf("spend", "> 20", TABLE["spend"])))) != [0, 0, 1]


# -- policies ----------------------------------------------------------------------------------------------------------

LADDER = """
program: p
zone: UTC
currency: CNY
profile: {segment: {type: text, values: [staff, regular]}}
measures:
  spend: {sum: spend, window: 12 months}
  before: {sum: spend, window: 12 months, skip: 12 months}
  orders: {count: purchase, window: 12 months}
  kept: {ratio: [spend, before], base: ">= 100"}
policies:
  - id: honour
    kind: tiers.ladder
    downgrade: one_level
    exclude: [{when: {segment: staff}, reason: staff}]
    levels:
      - {name: member, enter: {orders: ">= 1"}}
      - {name: silver, enter: {any: [{spend: ">= 500"}, {orders: ">= 5"}]}}
      - {name: gold, enter: {spend: ">= 2000", not: {kept: "< 0.5"}}}
  - {id: mood, kind: table, hit: FIRST, inputs: [kept, orders], outputs: [word], rows: [["< 0.5", "-", falling], ["-", ">= 3", loyal]]}
  - {id: points, kind: points.account, expiry: never}
  - {id: earn, kind: points.accrual, points_per_unit: {member: 1, gold: "1.5"}}
"""
PROGRAM = cr.loads(LADDER)
MONEY = st.none() | st.sampled_from([0, 9_999, 10_000, 19_999, 49_999, 50_000, 99_999, 100_000, 199_999, 200_000, 400_000])
FACTS = st.fixed_dictionaries(
    {"spend": MONEY, "before": MONEY, "orders": st.none() | st.integers(0, 6), "segment": st.sampled_from([None, "staff", "regular"])}
)
FRAME: dict[str, Any] = {"spend": pl.Int64, "before": pl.Int64, "orders": pl.Int8, "segment": pl.Enum(["staff", "regular"])}


def keys_on(engine: str, found: batch.Columns, frame: pl.DataFrame) -> list[dict[str, Any]]:
    if engine == "duckdb":
        keyed = found.keys(relation(frame))
        return [dict(zip(keyed.columns, row, strict=True)) for row in keyed.fetchall()]
    keyed = found.keys(frame.lazy() if engine == "lazy" else frame)
    rows: list[dict[str, Any]] = (keyed.collect() if engine == "lazy" else keyed).to_dicts()
    return rows


@pytest.mark.parametrize("engine", ["polars", "lazy", "duckdb"])
@settings(max_examples=15)
@given(rows=st.lists(FACTS, min_size=1, max_size=60))
def test_keys_stand_for_what_evaluate_says(engine: str, rows: list[dict[str, Any]]) -> None:
    found = batch.columns(PROGRAM, "honour", "mood", minor=True)
    for row, keyed in zip(rows, keys_on(engine, found, pl.DataFrame(rows, schema=FRAME)), strict=True):
        for policy_id in ("honour", "mood"):
            evaluator = PROGRAM.evaluator(policy_id)
            exact = evaluator.form.exact({name: row[name] for name in evaluator.form.types})
            assert found.evaluation(policy_id, keyed[f"{policy_id}_key"]) == evaluator.decide(exact)


def test_the_workloads_of_the_benchmarks_come_out_as_exact_arithmetic_says() -> None:
    first, second = workload.frames(2_000)
    ours = workload._ours()
    for row, key in zip(first.iter_rows(), ours[0].keys(first)["honour_key"].to_list(), strict=True):
        assert w1.told(ours[0].evaluation("honour", key)) == w1.exact(row)
    for row, (key,) in zip(second.iter_rows(), ours[1].keys(relation(second)).select("churn_key").fetchall(), strict=True):
        assert w3.told(ours[1].evaluation("churn", key)) == w3.exact(row)


@pytest.mark.parametrize("wrap", [lambda frame: frame, lambda frame: frame.lazy()])
def test_answers_are_what_people_read(wrap: Callable[[pl.DataFrame], Any]) -> None:
    rows = [(250_000, 0, 7, "regular"), (60_000, 200_000, 1, "regular"), (0, 0, 0, None), (0, 0, 9, "staff")]
    frame = pl.DataFrame(rows, schema=FRAME, orient="row")
    found = batch.columns(PROGRAM, "honour", "mood", minor=True).answers(wrap(frame))
    told = (found.collect() if isinstance(found, pl.LazyFrame) else found).to_dicts()
    assert [row["honour"] for row in told] == ["gold", "silver", None, None]
    assert [row["honour_outcome"] for row in told] == ["APPLIED", "APPLIED", "DECLINED", "APPLIED"]
    assert told[3]["honour_codes"] == "tiers.exclusion.applied"
    assert [row["mood_word"] for row in told] == ["loyal", "falling", None, "loyal"]


def test_answers_on_duckdb_are_a_relation_with_the_same_words() -> None:
    frame = pl.DataFrame([(250_000, 0, 7, "regular"), (0, 0, 0, None)], schema={**FRAME, "segment": pl.String}, orient="row")
    found = batch.columns(PROGRAM, "honour", minor=True).answers(relation(frame))
    assert found.select("honour").fetchall() == [("gold",), (None,)]


def test_decimals_of_money_are_read_to_the_smallest_unit() -> None:
    money = pl.Decimal(12, 4)
    frame = pl.DataFrame(
        {"spend": [Decimal("1999.9999"), Decimal("2000.0000"), Decimal("-0.0100")], "before": [None] * 3, "orders": [1, 1, 1], "segment": [None] * 3},
        schema={**FRAME, "spend": money, "before": money},
    )
    found = batch.columns(PROGRAM, "honour")
    for given_frame in (frame, relation(frame.with_columns(pl.col("segment").cast(pl.String)))):
        assert [row["honour"] for row in _dicts(found.answers(given_frame))] == ["silver", "gold", "member"]


def _dicts(found: Any) -> list[dict[str, Any]]:
    if isinstance(found, pl.DataFrame):
        return found.to_dicts()
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def test_a_narrow_column_does_not_wrap_when_it_is_multiplied() -> None:
    narrow = {"days_since_last": pl.Int8, "avg_interval": pl.Int8, "orders": pl.UInt8, "nps": pl.Int8}
    row = (121, 60, 3, 0, 0, False, 10)  # 121 > 2 x 60 = 120: overdue; 2 x 60 does not wrap, and 2 x 64 = 128 would
    more = (127, 64, 3, 0, 0, False, 10)  # 127 > 128 is false
    frame = pl.DataFrame([row, more], schema=list(w3.NAMES), orient="row").cast(narrow)  # type: ignore[arg-type]  # dtypes by column
    found = batch.columns(cr.loads(w3.DOCUMENT), "churn", minor=True)
    for engine in ("polars", "duckdb"):
        keyed = keys_on(engine, found, frame)
        assert [w3.told(found.evaluation("churn", each["churn_key"])) for each in keyed] == [("OVERDUE",), ()]


def test_numbers_too_large_to_be_compared_exactly_have_no_key() -> None:
    big = 2**62
    rows = [(10, 60, 3, big, 100, False, 10), (10, 60, 3, 49, 100, False, 10)]
    frame = pl.DataFrame(rows, schema=list(w3.NAMES), orient="row")
    found = batch.columns(cr.loads(w3.DOCUMENT), "churn", minor=True)
    for engine in ("polars", "lazy", "duckdb"):
        first, second = keys_on(engine, found, frame)
        assert first["churn_key"] is None
        assert w3.told(found.evaluation("churn", second["churn_key"])) == ("SPEND_DROP",)


# -- flags -------------------------------------------------------------------------------------------------------------

FLAG = """
program: p
zone: UTC
currency: CNY
profile: {open_complaint: {type: flag}, nps: {type: whole}}
measures: {orders: {count: purchase, window: 12 months}}
policies:
  - id: leaving
    kind: churn.flag
    levels: [{name: watch}, {name: at_risk}, {name: lost}]
    signals:
      - {name: idle, level: at_risk, of: purchase}
      - {name: quiet, level: watch, of: visit, times_own_gap: "2.5", floor: none, cap: 60 days, fallback: none}
      - {name: rare, level: watch, of: purchase, bands: {"1": 84 days, ">= 2": 60 days}}
      - {name: unhappy, level: lost, when: {open_complaint: true, nps: "<= 6"}}
      - {name: grumbling, level: watch, count: complaint, window: 90 days, at_least: 2, when: {orders: ">= 2"}}
      - {name: fallen, level: at_risk, decline: spend, recent: 90 days, earlier: 180 days, ratio: "<= 0.5", base: ">= 100"}
"""
LEAVING = cr.loads(FLAG)
DAYS = st.none() | st.sampled_from([0, 1, 24, 25, 26, 59, 60, 61, 83, 84, 85, 181, 182, 183, 400])
GAPS = st.none() | st.sampled_from([0, 1, 10, 24, 27, 28, 29, 60, 61, 100])
SPENT = st.none() | st.sampled_from([0, 1, 4_999, 5_000, 9_999, 10_000, 19_999, 20_000, 40_000])
COUNTS = st.none() | st.integers(0, 3)


def of_flag(name: str, kind: FactType) -> st.SearchStrategy[Any]:
    if kind.kind == "flag":
        return st.sampled_from([None, True, False])
    if kind.kind == "money":
        return SPENT
    return DAYS if "since" in name else GAPS if "gap" in name else COUNTS if "count" in name or name == "orders" else st.sampled_from([None, 6, 7])


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@settings(max_examples=15)
@given(data=st.data())
def test_a_flag_says_of_columns_what_evaluate_says_of_rows(engine: str, data: st.DataObject) -> None:
    found = batch.columns(LEAVING, "leaving", minor=True)
    facts = st.fixed_dictionaries({name: of_flag(name, kind) for name, kind in found.facts.items()})
    rows = data.draw(st.lists(facts, min_size=5, max_size=40))
    schema = {name: pl.Boolean if kind.kind == "flag" else pl.Int64 for name, kind in found.facts.items()}
    evaluator = LEAVING.evaluator("leaving")
    for row, keyed in zip(rows, keys_on(engine, found, pl.DataFrame(rows, schema=schema)), strict=True):
        told = found.evaluation("leaving", keyed["leaving_key"])
        wanted = evaluator.decide(evaluator.form.exact(row))
        assert (told.value, told.outcome, told.codes) == (wanted.value, wanted.outcome, wanted.codes)
        assert [why.params.get("signal") for why in told.reasons] == [why.params.get("signal") for why in wanted.reasons]


@pytest.mark.parametrize("signal", ["of: purchase, cap: 6 months", "activation: {of: purchase, within: 30 days}", "ends: until, within: 60 days"])
def test_a_signal_that_depends_on_the_day_cannot_be_a_column(signal: str) -> None:
    text = FLAG.replace("of: purchase}", f"{signal}}}", 1).replace("profile: {", "profile: {until: {type: date}, ")
    assert refused(lambda: batch.columns(cr.loads(text), "leaving")) == [("facts.no_columns", "")]


def test_bands_are_columns() -> None:
    text = LADDER + '  - {id: value, kind: segments.bands, measure: spend, bands: {low: "< 500", mid: "[500..2000)", high: ">= 2000"}}\n'
    frame = pl.DataFrame({"spend": [49_999, 50_000, 200_000, None]})
    assert batch.columns(cr.loads(text), "value", minor=True).answers(frame)["value"].to_list() == ["low", "mid", "high", None]


# -- what is refused ---------------------------------------------------------------------------------------------------


def refused(call: Callable[[], Any]) -> list[tuple[str, str]]:
    with pytest.raises(cr.FactsError) as caught:
        call()
    return [(fault.code, fault.path) for fault in caught.value.diagnostics]


def test_what_cannot_be_a_column_is_refused_by_name() -> None:
    assert refused(lambda: batch.columns(PROGRAM, "earn")) == [("facts.no_columns", "")]
    with pytest.raises(cr.FactsError, match=r"earn.*points\.accrual"):
        batch.columns(PROGRAM, "earn")


def test_no_policy_and_an_unknown_policy_are_refused() -> None:
    assert refused(lambda: batch.columns(PROGRAM)) == [("facts.no_policies", "")]
    assert refused(lambda: batch.columns(PROGRAM, "honor")) == [("facts.unknown_policy", "")]


UNFIT: list[tuple[str, Any]] = [
    ("spend", pl.Series([1.0])),
    ("spend", pl.Series([2**63], dtype=pl.UInt64)),
    ("spend", pl.Series(["12.00"])),
    ("orders", pl.Series([Decimal("1.0")], dtype=pl.Decimal(5, 1))),
    ("orders", pl.Series([True])),
    ("segment", pl.Series([1])),
]


@pytest.mark.parametrize(("name", "series"), UNFIT)
def test_a_column_that_does_not_hold_its_fact_exactly_is_refused_by_name(name: str, series: pl.Series) -> None:
    frame = pl.DataFrame([(1, 1, 1, "staff")], schema=FRAME, orient="row").with_columns(series.alias(name))
    assert refused(lambda: batch.columns(PROGRAM, "honour", minor=True).keys(frame)) == [("facts.column_type", name)]


def test_an_instant_is_no_local_day() -> None:
    program = cr.loads(
        LADDER.replace("profile: {", "profile: {since: {type: date}, ")
        + "\n  - {id: t, kind: table, inputs: [since], outputs: [x], rows: [['>= 2026-01-01', y]]}\n"
    )
    found = batch.columns(program, "t")
    days = pl.DataFrame({"since": [date(2025, 12, 31), date(2026, 1, 1), None]})
    assert [row["t_x"] for row in _dicts(found.answers(days))] == [None, "y", None]
    assert refused(lambda: found.keys(pl.DataFrame({"since": [datetime(2026, 1, 1)]}))) == [("facts.column_type", "since")]  # noqa: DTZ001  # a naive one is meant


def test_whole_numbers_of_money_are_taken_for_cents_only_when_that_is_said() -> None:
    frame = pl.DataFrame([(1, 1, 1, "staff")], schema=FRAME, orient="row")
    assert refused(lambda: batch.columns(PROGRAM, "honour").keys(frame)) == [("facts.column_type", "before"), ("facts.column_type", "spend")]


def test_every_missing_column_is_told() -> None:
    assert refused(lambda: batch.columns(PROGRAM, "mood", minor=True).keys(pl.DataFrame({"orders": [1]}))) == [
        ("facts.missing_field", "before"),
        ("facts.missing_field", "spend"),
    ]


def test_what_is_no_key_of_a_policy_is_refused() -> None:
    found = batch.columns(PROGRAM, "honour", minor=True)
    for key in (-1, 10**6):
        assert refused(partial(found.evaluation, "honour", key)) == [("facts.no_key", "")]
    assert refused(lambda: found.evaluation("mood", 0)) == [("facts.unknown_policy", "")]


def test_a_table_of_very_many_rows_that_all_count_is_refused_and_one_that_takes_the_first_is_not() -> None:
    rows = ", ".join(f'["{index}", r{index}]' for index in range(50))
    text = f"  - {{id: many, kind: table, hit: HIT, inputs: [orders], outputs: [x], rows: [{rows}]}}\n"
    with pytest.raises(cr.FactsError, match="many"):
        batch.columns(cr.loads(LADDER + text.replace("HIT", "COLLECT")), "many")
    found = batch.columns(cr.loads(LADDER + text.replace("HIT", "FIRST")), "many").answers(pl.DataFrame({"orders": [49, 50, None]}))
    assert found["many_x"].to_list() == ["r49", None, None]


def test_without_narwhals_the_message_says_what_to_install() -> None:
    code = "import sys; sys.modules['narwhals'] = None\ntry:\n    import custrules.batch\nexcept ImportError as error:\n    print(error)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'custrules[batch]'" in printed


def test_the_version_of_a_day_answers() -> None:
    later = LADDER.replace("id: mood, kind: table,", "id: mood, kind: table, effective_from: 2026-07-01,")
    program = cr.loads(
        later + '  - {id: mood, kind: table, effective_from: 2026-01-01, hit: FIRST, inputs: [orders], outputs: [word], rows: [["-", old]]}\n'
    )
    frame = pl.DataFrame([(0, 0, 3, None)], schema=FRAME, orient="row")
    assert batch.columns(program, "mood", on=date(2026, 3, 1), minor=True).answers(frame)["mood_word"].to_list() == ["old"]
    assert batch.columns(program, "mood", minor=True).answers(frame)["mood_word"].to_list() == ["loyal"]


def test_the_quotient_columns_of_a_form_are_the_two_that_it_is_made_of() -> None:
    found = batch.columns(PROGRAM, "mood", minor=True)
    schema = nw.from_native(pl.DataFrame(schema={"spend": pl.Int64, "before": pl.Int64, "orders": pl.Int64})).collect_schema()
    assert isinstance(frames._columns(found._form, schema, minor=True)["kept"], QuotientColumn)
    assert set(found.facts) == {"spend", "before", "orders"}
