"""The transactions on which rules about churn were measured, as events of purchase, one a customer and day; where the data are here."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from independent import make_excerpt

Data = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]


def folder() -> Path:
    return Path(os.environ.get("CUSTRULES_DATA") or ROOT.parent / "shared" / "data")


def needs(name: str) -> pytest.MarkDecorator:
    """Skips where a file of data is not here."""
    return pytest.mark.skipif(not (folder() / name).is_file(), reason=f"{name} is not here; CUSTRULES_DATA names its folder")


def rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(folder() / name, "rt", encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def _purchases(days: Iterator[tuple[str, str, str]]) -> list[Data]:
    found = [{"type": "purchase", "customer_id": customer, "occurred_at": f"{day}T12:00:00Z", "amount": amount} for customer, day, amount in days]
    found.sort(key=lambda event: (event["customer_id"], event["occurred_at"]))
    return [event | {"id": f"o{number}"} for number, event in enumerate(found)]


@cache
def cdnow() -> list[Data]:
    """A tenth of CDNOW's first customers: 2,357 of them, January 1997 to June 1998."""
    return _purchases((row["cust"], row["date"], row["spend"]) for row in rows("cdnow_sample.csv.gz"))


@cache
def grocery() -> list[Data]:
    """1,525 customers of an online grocer, 2006 and 2007; what they paid is not known."""
    return _purchases((row["cust"], row["date"], "1.00") for row in rows("btydplus_grocery.csv.gz"))


@cache
def online_retail() -> list[Data]:
    """UCI Online Retail II: the days on which its customers bought, December 2009 to December 2011. Cancellations are left out."""
    bought = make_excerpt.rows().filter(pl.col("qty") > 0, pl.col("pennies") > 0)
    days = bought.select("cust", pl.col("ts").dt.date().alias("day")).unique()
    return _purchases((str(customer), str(day), "1.00") for customer, day in days.iter_rows())
