"""W1 and W3 as columns: the keys of a frame of whole numbers, against expressions and SQL that a good engineer would write by hand.

By hand there is one whole number for each rule too: eight times the rank plus a bit for each mark, and a bit for each reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any

import duckdb
import polars as pl

import custrules as cr
from benchmarks import w1, w3
from benchmarks.timing import Contender, Goal, Report, race
from custrules import batch

EACH = 1_000_000
GOALS = {"Polars": 1.8, "Polars, ten times as many": 1.15, "DuckDB": 1.1}


def frames(count: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of W1 and of W3, repeated to ``count``."""
    few = 20_000
    found = []
    for module, names in ((w1, w1.CODES), (w3, w3.NAMES)):
        frame = pl.DataFrame(module.rows(few), schema=list(names), orient="row")
        found.append(pl.concat([frame] * -(-count // few)).head(count).rechunk())
    return found[0], found[1]


def _bits(tests: list[pl.Expr]) -> pl.Expr:
    return reduce(add, (pl.when(test).then(pl.lit(1 << place, dtype=pl.Int64)).otherwise(0) for place, test in enumerate(tests)))


def polars_w1() -> pl.Expr:
    found: pl.Expr = pl.lit(0, dtype=pl.Int64)
    for level, marks in reversed(w1.MARKS.items()):
        units = (marks[0] * 100, marks[1], marks[2])
        tests = [pl.col(name) >= mark for name, mark in zip(w1.CODES, units, strict=True)]
        found = pl.when(tests[0] | tests[1] | tests[2]).then(8 * w1.LEVELS.index(level) + _bits(tests)).otherwise(found)
    return found.alias("key")


def polars_w3() -> pl.Expr:
    overdue = (pl.col("days_since_last") > 2 * pl.col("avg_interval")) & (pl.col("orders") >= 3)
    drop = 2 * pl.col("spend_90d") < pl.col("prev_90d")
    unhappy = pl.col("complaint_open") & (pl.col("nps") <= 6)
    return _bits([overdue, drop, unhappy]).alias("key")


def sql_w1() -> str:
    text = "0"
    for level, (spend, orders, referrals) in reversed(w1.MARKS.items()):
        tests = (f"spend >= {spend * 100}", f"orders >= {orders}", f"referrals >= {referrals}")
        bits = " + ".join(f"(CASE WHEN {test} THEN {1 << place} ELSE 0 END)" for place, test in enumerate(tests))
        text = f"CASE WHEN {' OR '.join(tests)} THEN {8 * w1.LEVELS.index(level)} + {bits} ELSE {text} END"
    return text


SQL_W3 = (
    "(CASE WHEN days_since_last > 2 * avg_interval AND orders >= 3 THEN 1 ELSE 0 END)"
    " + (CASE WHEN 2 * spend_90d < prev_90d THEN 2 ELSE 0 END) + (CASE WHEN complaint_open AND nps <= 6 THEN 4 ELSE 0 END)"
)


def _same(found: tuple[pl.DataFrame, pl.DataFrame], ours: tuple[batch.Columns, batch.Columns]) -> None:
    """AssertionError where the keys stand for anything else than the numbers by hand."""
    first, second = found
    for key, number in first.select("honour_key", "key").unique().iter_rows():
        assert w1.told(ours[0].evaluation("honour", key)) == w1.decoded(number)
    for key, number in second.select("churn_key", "key").unique().iter_rows():
        assert w3.told(ours[1].evaluation("churn", key)) == w3.decoded(number)


def on_polars(count: int, rounds: int) -> float:
    """Times as long as by hand, on Polars."""
    first, second = frames(count)
    ours = _ours()
    by_hand = [(first, polars_w1()), (second, polars_w3())]

    def hand(pair: tuple[pl.DataFrame, pl.Expr]) -> pl.DataFrame:
        return pair[0].lazy().with_columns(pair[1]).collect()

    _same((ours[0].keys(hand(by_hand[0])), ours[1].keys(hand(by_hand[1]))), ours)
    ready = [(ours[0], first), (ours[1], second)]
    return _ratio({"by hand": Contender(hand, by_hand), "custrules": Contender(lambda pair: pair[0].keys(pair[1].lazy()).collect(), ready)}, rounds)


def on_duckdb(count: int, rounds: int) -> float:
    """Times as long as SQL by hand, on DuckDB; both only add up what they find, so that nothing is handed over."""
    con = duckdb.connect()
    con.execute("SET threads = 1")
    for name, frame in zip(("first", "second"), frames(count), strict=True):
        con.register("arrow", frame.to_arrow())
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow")
    ours = _ours()
    by_hand = [f"SELECT sum(key) FROM (SELECT *, {text} AS key FROM {name})" for name, text in (("first", sql_w1()), ("second", SQL_W3))]
    keyed = [ours[0].keys(con.table("first")).aggregate("sum(honour_key)"), ours[1].keys(con.table("second")).aggregate("sum(churn_key)")]
    written = [relation.sql_query() for relation in keyed]

    def run(text: str) -> Any:
        return con.execute(text).fetchall()

    return _ratio({"by hand": Contender(run, by_hand), "custrules": Contender(run, written)}, rounds)


def _ours() -> tuple[batch.Columns, batch.Columns]:
    return batch.columns(cr.loads(w1.DOCUMENT), "honour", minor=True), batch.columns(cr.loads(w3.DOCUMENT), "churn", minor=True)


def _ratio(contenders: Mapping[str, Contender], rounds: int) -> float:
    from time import process_time_ns  # noqa: PLC0415  # these engines use threads of their own

    return race(contenders, rounds, process_time_ns)[1].ratio


def report(count: int, rounds: int) -> Report:
    found = {
        "Polars": on_polars(EACH, rounds),
        "Polars, ten times as many": on_polars(10 * EACH, max(3, rounds // 3)),
        "DuckDB": on_duckdb(EACH, rounds),
    }
    goals = [Goal(f"W1 + W3 as columns on {engine} vs by hand, {EACH:,} rows", GOALS[engine], ratio) for engine, ratio in found.items()]
    return Report("W1 and W3 as columns", [], goals)
