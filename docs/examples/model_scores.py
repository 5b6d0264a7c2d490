"""Scores of a fitted model as readings of a programme: who will be back within 39 weeks, and what an order of theirs will be worth.

The model is fitted by clvkit (pip install clvkit), not by custrules: MBG/NBD for the purchases, Gamma-Gamma for what is spent. What comes
out becomes ``reading`` events, whose declaration in the programme says how far they look ahead. docs/how-to/model-scores.md tells the story.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pandas as pd
from clvkit import MBGNBD, CustomerBase, GammaGamma

WEEKS = 39
DOCUMENT = f"""
program: scored
zone: UTC
currency: USD
readings:
  p_return: {{type: number, horizon: {WEEKS} weeks}}
  expected_spend: {{type: money, horizon: {WEEKS} weeks}}
policies:
  - id: rule
    kind: churn.flag
    levels: [{{name: at_risk}}]
    signals: [{{name: inactivity, level: at_risk, of: purchase}}]
  - id: model
    kind: churn.flag
    status: model
    levels: [{{name: at_risk}}]
    signals: [{{name: model, level: at_risk, external: p_return, band: "< 0.5"}}]
"""


def log_of(purchases: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Events of purchase as the table that the library fits to."""
    rows = [(event["customer_id"], event["occurred_at"][:10], float(event["amount"])) for event in purchases]
    log = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    return log.assign(date=pd.to_datetime(log["date"]))


def scores(purchases: Iterable[dict[str, Any]], cutoff: str) -> pd.DataFrame:
    """By customer: the probability of a purchase within 39 weeks of the cutoff, and the expected value of one."""
    log = log_of(purchases)
    past = log[log["date"] <= cutoff]
    now = CustomerBase.from_transactions(past, time_unit="W", collapse="D", observation_period_end=cutoff)
    model, spend = MBGNBD().fit(now), GammaGamma().fit(now)
    end = pd.Timestamp(cutoff) + pd.Timedelta(weeks=WEEKS)
    silent = CustomerBase.from_transactions(past, time_unit="W", collapse="D", observation_period_end=end)
    gone_now = 1 - model.probability_alive().to_pandas()["probability_alive"]
    gone_then = 1 - model.probability_alive(silent).to_pandas()["probability_alive"]
    # Bayes: whoever is gone stays silent, and in this model nobody leaves but with a purchase. So of those who stay silent until then
    # the share that is gone is P(gone now) / P(silent), and P(silent) = P(gone now) / P(gone, having been silent until then).
    return pd.DataFrame({"p_return": 1 - gone_now / gone_then, "expected_spend": spend.predict().to_pandas()["expected_spend"]})


def readings(found: pd.DataFrame, cutoff: str) -> Iterator[dict[str, Any]]:
    """The scores as events: decimals of four and two places, rounded by name; a float is where it belongs, in the model."""
    places = {"p_return": Decimal("0.0001"), "expected_spend": Decimal("0.01")}
    for row in found.itertuples():
        for name, place in places.items():
            value = Decimal(repr(float(getattr(row, name)))).quantize(place, ROUND_HALF_EVEN)
            head = {"type": "reading", "name": name, "id": f"{name}-{cutoff}-{row.Index}", "customer_id": str(row.Index)}
            yield {**head, "occurred_at": f"{cutoff}T20:00:00Z", "value": str(value)}


def scored(purchases: list[dict[str, Any]], cutoff: str) -> list[dict[str, Any]]:
    """Purchases and readings, customer by customer, each in the order of time."""
    events = [*purchases, *readings(scores(purchases, cutoff), cutoff)]
    return sorted(events, key=lambda event: (event["customer_id"], event["occurred_at"]))
