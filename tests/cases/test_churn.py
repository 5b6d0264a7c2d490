"""Reference cases of churn that are figures: what the default flag says of real customers, and how rules are counted."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import churn_data
import pytest

import custrules as cr
from cases.covering import covers
from custrules.analysis.backtest import CauseFigures

KNOWN = {case["id"]: case for case in json.loads((Path(__file__).parent / "churn_cases.json").read_text("utf-8"))}


def default() -> cr.Program:
    """The flag as it is when nothing is said but what it looks at."""
    signals = [{"name": "inactivity", "level": "at_risk", "of": "purchase"}]
    flag = {"id": "churn", "kind": "churn.flag", "levels": [{"name": "at_risk"}], "signals": signals}
    return cr.Program(id="shop", zone="UTC", currency="USD", measures={"idle": {"since": "purchase"}}, policies=[flag])


def as_published(found: cr.Backtest, case: str) -> None:
    """The four counts exactly, and the figures at the places that the case gives."""
    then = KNOWN[case]["then"]
    assert {name: getattr(found, name.lower()) for name in ("TP", "FP", "FN", "TN")} == {name: then[name] for name in ("TP", "FP", "FN", "TN")}
    for name in ("accuracy", "precision", "recall", "mcc"):
        if name in then:
            assert getattr(found, name) == Decimal(str(then[name])).quantize(Decimal("0.0001"))


@churn_data.needs("cdnow_sample.csv.gz")
@covers("CHURN-05")
def test_the_default_flag_on_cdnow() -> None:
    as_published(cr.backtest(default(), churn_data.cdnow(), "1997-09-30", "39 weeks"), "CHURN-05")


@churn_data.needs("cdnow_sample.csv.gz")
@covers("CHURN-03")
def test_thirty_weeks_of_silence_on_cdnow() -> None:
    as_published(cr.backtest(default(), churn_data.cdnow(), "1997-09-30", "39 weeks", flag={"idle": "> 210"}), "CHURN-03")


@churn_data.needs("btydplus_grocery.csv.gz")
@covers("CHURN-07")
def test_the_default_flag_on_an_online_grocer() -> None:
    as_published(cr.backtest(default(), churn_data.grocery(), "2006-12-31", 364), "CHURN-07")


@churn_data.needs("uci_online_retail_2009_2010.parquet")
@churn_data.needs("uci_online_retail_2010_2011.parquet")
@pytest.mark.slow
@covers("CHURN-08")
def test_the_default_flag_on_online_retail() -> None:
    as_published(cr.backtest(default(), churn_data.online_retail(), "2010-12-09", "365 days"), "CHURN-08")


@covers("CHURN-13", "CHURN-14", "CHURN-16", "CHURN-17")
@pytest.mark.parametrize("case", ["CHURN-13", "CHURN-14", "CHURN-16", "CHURN-17"])
def test_a_rule_is_counted_as_c50_counts_it(case: str) -> None:
    """Of 3,333 telephone customers 483 left; the last rule is about those who stay."""
    then, base = KNOWN[case]["then"], 3333 - 483 if case == "CHURN-17" else 483
    found = CauseFigures("rule", then["covered"], then["covered"] - then["errors"], 0, 0, 3333, base)
    assert found.confidence is not None
    assert found.lift is not None
    assert (round(found.confidence, 3), round(found.lift, 1)) == (Decimal(str(then["confidence"])), Decimal(str(then["lift"])))


@churn_data.needs("ibm_telco_churn.csv.gz")
@covers("CHURN-19")
def test_churn_by_contract() -> None:
    contracts = ("Month-to-month", "One year", "Two year")
    signals = [{"name": f"c{number}", "level": "high", "when": {"contract": f'"{name}"'}} for number, name in enumerate(contracts)]
    flag = {
        "id": "churn",
        "kind": "churn.flag",
        "levels": [{"name": "high"}],
        "signals": [signal | {"name": f"c{n}"} for n, signal in enumerate(signals)],
    }
    program = cr.Program(id="telco", zone="UTC", currency="USD", profile={"contract": {"type": "text"}}, policies=[flag])
    counted: Counter[tuple[str, bool]] = Counter()
    for row in churn_data.rows("ibm_telco_churn.csv.gz"):
        (why,) = program.evaluate("churn", {"contract": row["Contract"]}).reasons[1:]
        counted[contracts[int(str(why.params["signal"])[1:])], row["Churn"] == "Yes"] += 1
    told: dict[str, Any] = {}
    for name in contracts:
        cause = CauseFigures(name, counted[name, True] + counted[name, False], counted[name, True], 0, 0, 7043, 1869)
        told[name] = {"n": cause.flagged, "churned": cause.gone, "rate": float(cause.precision or 0)}
    assert told == KNOWN["CHURN-19"]["then"]
