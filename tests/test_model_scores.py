"""Scores of a fitted model come in as readings that carry their horizon, and are held against the rule: end to end on CDNOW.

The model is fitted by clvkit; without it, or without the data, these tests are skipped.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import churn_data
import pytest
from cases.covering import covers

import custrules as cr

WITHOUT = "clvkit, which fits the models, is not installed (pip install 'custrules[models]')"
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("clvkit") is None, reason=WITHOUT),
    churn_data.needs("cdnow_sample.csv.gz"),
    pytest.mark.filterwarnings("ignore"),  # the library tells of eight free orders, and of what pandas will be like one day
]
CUTOFF = "1997-09-30"


@pytest.fixture(scope="module")
def example() -> Any:
    return importlib.import_module("model_scores")


@pytest.fixture(scope="module")
def fitted(example: Any) -> Mapping[str, Any]:
    """The models of the literature on the first 39 weeks, and what they say of each customer."""
    clvkit = importlib.import_module("clvkit")
    log = example.log_of(churn_data.cdnow())
    base = clvkit.CustomerBase.from_transactions(log[log["date"] <= CUTOFF], time_unit="W", collapse="D", observation_period_end=CUTOFF)
    return {"bg": clvkit.BGNBD().fit(base), "mbg": clvkit.MBGNBD().fit(base), "gg": clvkit.GammaGamma().fit(base)}


@covers("BTYD-06")
def test_the_library_finds_the_published_parameters(fitted: Mapping[str, Any]) -> None:
    """Fader, Hardie & Lee 2005, table 2; and of Gamma-Gamma, their note 025."""
    assert [round(float(fitted["bg"].params_[name]), 3) for name in ("r", "alpha", "a", "b")] == [0.243, 4.414, 0.793, 2.426]
    assert [round(float(fitted["gg"].params_[name]), 2) for name in ("p", "q", "gamma")] == [6.25, 3.74, 15.44]


@covers("BTYD-01", "BTYD-02", "BTYD-05")
def test_the_library_tells_the_published_expectations(fitted: Mapping[str, Any]) -> None:
    """The first customer has two repeat purchases, the last in week 30.43 of 38.86; the ten first ones what note 025 expects them to spend."""
    assert round(float(fitted["bg"].predict(39).to_pandas().loc["1", "expected_purchases"]), 3) == 1.226
    assert float(fitted["bg"].probability_alive().to_pandas().loc["1", "probability_alive"]) == pytest.approx(0.7266, abs=0.0002)
    spend = fitted["gg"].predict().to_pandas()["expected_spend"]
    published = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert [float(spend[str(number)]) for number in range(1, 11)] == pytest.approx(published, abs=0.01)


def counts(found: cr.Backtest) -> tuple[int, int, int, int]:
    return found.tp, found.fp, found.fn, found.tn


def judged(example: Any, alive: Any) -> cr.Backtest:
    """A probability of being alive, taken for a flag below one half."""
    frame = alive.to_pandas().rename(columns={"probability_alive": "p_return"}).assign(expected_spend=0.0)
    events = [*churn_data.cdnow(), *example.readings(frame, CUTOFF)]
    events.sort(key=lambda event: (event["customer_id"], event["occurred_at"]))
    (model,) = [policy for policy in cr.loads(example.DOCUMENT).policies if policy.id == "model"]
    readings = {"p_return": {"type": "number", "horizon": "39 weeks"}, "expected_spend": {"type": "money"}}
    program = cr.Program(id="scored", zone="UTC", currency="USD", readings=readings, policies=[model])
    return cr.backtest(program, events, CUTOFF, "39 weeks", returned="purchase")


@pytest.mark.thorough
def test_being_alive_is_no_flag(example: Any, fitted: Mapping[str, Any]) -> None:
    """Of those who bought once BG/NBD thinks that all are alive; MBG/NBD, which does not, tells more."""
    bg, mbg = (judged(example, fitted[name].probability_alive()) for name in ("bg", "mbg"))
    assert (counts(bg), bg.accuracy) == ((254, 139, 1419, 545), Decimal("0.3390"))
    assert (counts(mbg), mbg.accuracy) == ((1489, 346, 184, 338), Decimal("0.7751"))


def test_the_rule_is_held_against_the_probability_of_return(example: Any) -> None:
    events = example.scored(churn_data.cdnow(), CUTOFF)
    program = cr.loads(example.DOCUMENT)
    rule = cr.backtest(program, events, CUTOFF, "39 weeks", flag="rule")
    model = cr.backtest(program, events, CUTOFF, "39 weeks", flag="model", returned="purchase")
    assert counts(rule) == (1520, 368, 153, 316)
    assert model.confusion.total == 2357
    assert model.causes[0].not_evaluable == 0
    assert rule.accuracy is not None
    assert model.accuracy is not None
    assert rule.accuracy >= model.accuracy - Decimal("0.005")  # no worse by more than half a point
    assert rule.mcc is not None
    assert model.mcc is not None
    assert rule.mcc > model.mcc


def test_a_score_comes_in_as_a_reading_and_says_how_far_it_looks(example: Any) -> None:
    events = [event for event in example.scored(churn_data.cdnow(), CUTOFF) if event["customer_id"] == "3"]  # one purchase, long ago
    program, state = cr.loads(example.DOCUMENT), cr.State.new("3")
    for event in events:
        state = program.step(state, program.event(event)).state
    after = program.advance(state, datetime(1997, 10, 1, 12, tzinfo=UTC)).state
    held = after.status("model")
    assert (held.value, held.data["causes"], held.data["model.horizon"]) == ("at_risk", "model", "39 weeks")
