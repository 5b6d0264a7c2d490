"""Published scores and segments come out of the data that they were published on: the R package rfm, and UCI Online Retail 2010-11.

The data is read where CUSTRULES_DATA points; figures and their sources stand in tests/cases.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from cases.covering import covers
from test_rfm import classic

import custrules as cr

DATA = Path(os.environ.get("CUSTRULES_DATA", "."))
ORDERS, RETAIL = DATA / "r_rfm_orders.csv.gz", DATA / "uci_online_retail_2010_2011.parquet"
needs_orders = pytest.mark.skipif(not ORDERS.exists(), reason="r_rfm_orders.csv.gz is not here; CUSTRULES_DATA names its folder")
needs_retail = pytest.mark.skipif(not RETAIL.exists(), reason="uci_online_retail_2010_2011.parquet is not here; CUSTRULES_DATA names its folder")
PARTS: dict[str, Any] = {"recency": "idle", "frequency": "orders", "monetary": "spend"}
BOUGHT: dict[str, Any] = {**PARTS, "monetary": "paid"}
MEASURES = {"spend": {"sum": "spend", "window": "lifetime"}, "orders": {"count": "purchase", "window": "lifetime"}, "idle": {"since": "purchase"}}
READINGS = {"idle": {"type": "whole"}, "orders": {"type": "whole"}, "paid": {"type": "number"}}


def program(*policies: Any, **sections: Any) -> cr.Program:
    return cr.Program(**{"id": "data", "zone": "UTC", "currency": "USD", **sections}, policies=list(policies))


def segments(policy: Any, rows: Iterable[Mapping[str, Any]]) -> list[str | None]:
    """The segment of each row, as ``program.evaluate`` gives it."""
    evaluator = program(policy, readings=READINGS).evaluator(policy.id)
    return [evaluator.decide(evaluator.form.exact({name: row[name] for name in evaluator.form.types})).value for row in rows]  # type: ignore[misc]  # names


# -- the R package rfm ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shoppers() -> dict[str, dict[str, Any]]:
    """The measures of each customer as of the end of 2006, read off states that 4,906 purchases were replayed into."""
    pl = pytest.importorskip("polars")
    shop, day = program(measures=MEASURES), datetime(2006, 12, 31, 12, tzinfo=UTC)
    orders = pl.read_csv(ORDERS).sort("customer_id", "order_date").rows()
    events = [
        shop.event({"type": "purchase", "id": f"o-{number}", "customer_id": name, "occurred_at": f"{when}T12:00:00Z", "amount": f"{revenue}.00"})
        for number, (name, when, revenue) in enumerate(orders)
    ]
    states = cr.replay(shop, events, until=day).collect().states
    return dict(zip(states, cr.population(shop, states.values(), "idle", "orders", "spend"), strict=True))


@needs_orders
def test_the_cuts_and_scores_of_the_r_package_come_out(shoppers: Mapping[str, Mapping[str, Any]]) -> None:
    policy = cr.fit_rfm(shoppers.values(), **PARTS, plus=1, at_cut="above")
    assert policy.cuts is not None
    assert [str(float(cut)) for cut in policy.cuts.recency] == ["115.0", "181.0", "297.4", "482.0"]
    assert [str(float(cut)) for cut in policy.cuts.frequency] == ["4.0", "5.0", "6.0", "8.0"]
    assert [str(float(cut)) for cut in policy.cuts.monetary or ()] == ["255.8", "382.0", "506.4", "666.0"]
    shop = program(policy, measures=MEASURES)
    assert [shop.evaluate("rfm", shoppers[name]).value for name in ("Aden Murphy", "Admiral Senger")] == ["544", "433"]


@needs_orders
@covers("RFM-06")
def test_the_segments_of_the_r_package_come_out(shoppers: Mapping[str, Mapping[str, Any]]) -> None:
    policy = cr.fit_rfm(shoppers.values(), **PARTS, plus=1, at_cut="above", map=classic(default="Others"))
    shop = program(policy, measures=MEASURES)
    totals: dict[str, list[int]] = {}
    for row in shoppers.values():
        found = totals.setdefault(str(shop.evaluate("rfm", row).value), [0, 0, 0])
        for place, more in enumerate((1, row["orders"], row["spend"].minor // 100)):
            found[place] += more
    assert totals == {
        "About To Sleep": [50, 127, 10914],
        "At Risk": [86, 438, 44178],
        "Champions": [158, 1234, 120178],
        "Lost": [111, 244, 20955],
        "Loyal Customers": [278, 1708, 166712],
        "Need Attention": [35, 144, 13287],
        "Others": [48, 210, 22061],
        "Potential Loyalist": [229, 801, 65873],
    }


# -- UCI Online Retail ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def buyers() -> list[dict[str, Any]]:
    """4,338 customers as of 10 December 2011: days, invoices, and what they paid (in thousandths: some prices have three decimals)."""
    pl = pytest.importorskip("polars")
    lines = pl.read_parquet(RETAIL).filter(pl.col("cust").is_not_null() & (pl.col("qty") > 0) & (pl.col("price") > 0))
    days = (pl.lit(date(2011, 12, 10)) - pl.col("ts").max().dt.date()).dt.total_days()
    paid = (pl.col("qty") * (pl.col("price") * 1000).round().cast(pl.Int64)).sum()
    found = lines.group_by("cust").agg(idle=days, orders=pl.col("invoice").n_unique(), paid=paid)
    return [{"idle": idle, "orders": orders, "paid": Fraction(thousandths, 1000)} for _, idle, orders, thousandths in found.rows()]


@needs_retail
def test_the_map_of_25_cells_by_value_comes_out(buyers: list[dict[str, Any]]) -> None:
    policy = cr.fit_rfm(buyers, **BOUGHT, map="rf_map")
    assert Counter(segments(policy, buyers)) == {
        "hibernating": 1335,
        "at_risk": 357,
        "cant_lose": 35,
        "about_to_sleep": 478,
        "need_attention": 121,
        "loyal_customers": 688,
        "promising": 169,
        "new_customers": 67,
        "potential_loyalists": 484,
        "champions": 604,
    }


@needs_retail
def test_the_chinese_eight_by_means_come_out(buyers: list[dict[str, Any]]) -> None:
    policy = cr.fit_rfm(buyers, **BOUGHT, scores=None, high="mean", map="eight")
    assert policy.high is not None
    assert [f"{float(mark.number):.2f}" for mark in (policy.high.recency, policy.high.frequency)] == ["93.06", "4.27"]
    found = segments(policy, buyers)
    assert Counter(found) == {
        "重要价值": 689,
        "一般发展": 1750,
        "一般挽留": 1319,
        "一般价值": 358,
        "重要发展": 117,
        "一般保持": 40,
        "重要挽留": 38,
        "重要保持": 27,
    }
    key = sum(row["paid"] for row, segment in zip(buyers, found, strict=True) if segment == "重要价值")
    assert round(key / sum(row["paid"] for row in buyers), 3) == Fraction("0.639")


@needs_retail
@covers("VALUE-03")
def test_the_classes_by_share_of_revenue_come_out(buyers: list[dict[str, Any]]) -> None:
    policy = cr.fit_abc(buyers, measure="paid")
    assert Counter(segments(policy, buyers)) == {"A": 1133, "B": 1469, "C": 1736}
    greatest = sorted((row["paid"] for row in buyers), reverse=True)
    assert round(sum(greatest[:868]) / sum(greatest), 4) == Fraction("0.7462")  # the top 20 %: 868 customers
