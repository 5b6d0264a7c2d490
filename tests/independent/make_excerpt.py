"""UCI Online Retail II as the events of a customer programme, and the excerpt of it that ships with the demo.

Run `python tests/independent/make_excerpt.py` to write the excerpt again. The two data files are looked for in the folder that the environment
variable CUSTRULES_DATA names, else in `shared/data` beside the repository.

What becomes of the raw rows:

- The two files overlap from 1 to 9 December 2010, row for row: the first is taken up to 30 November, the second from 1 December.
- Rows without a customer are dropped; they belong to nobody's history.
- An amount is quantity x price, rounded half up to the penny per row, exact from the decimal text of the price.
- One invoice is one event. A few invoices are stamped over two or three minutes: the first minute counts.
- A negative row is a return. In the first file returns have an invoice ("C489449"); in the second, as it is circulated, they have lost invoice
  and stock code: such rows of one customer and minute are one return, named after the minute ("R20101201T0941"), and its lines have no sku.
- Free articles and the few prices of a tenth of a penny stay, as lines of amount 0.00.
- Postage, carriage, manual corrections, bank charges, samples (POST, C2, DOT, M, D, ADJUST, BANK CHARGES, PADS, TEST001 ...) stay, as articles of
  that name: they are on the customer's invoice, and the totals are those of the data.
- No invoice mixes purchases and returns; one that did would stop the script.
- Times are the shop's wall clock (Europe/London) and are written as UTC instants.

The excerpt holds every STEP-th customer, in order of customer number and beginning with the first: whole histories, chosen by nothing they contain.
"""

import importlib.util
import json
import lzma
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

Event = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
EXCERPT = ROOT / "src" / "custrules" / "demo" / "transactions.jsonl.xz"
if not EXCERPT.exists() and (_installed := importlib.util.find_spec("custrules")) is not None and _installed.origin is not None:
    EXCERPT = Path(_installed.origin).parent / "demo" / EXCERPT.name  # the tests of a built wheel stand apart from src
LONDON = ZoneInfo("Europe/London")
FIRST, SECOND = "2009-2010", "2010-2011"
YEARS = (FIRST, SECOND)
FILES = {FIRST: "uci_online_retail_2009_2010.parquet", SECOND: "uci_online_retail_2010_2011.parquet"}
SEAM = datetime(2010, 12, 1)  # noqa: DTZ001 - the shop's wall clock, as in the files
STEP = 10  # the smallest step whose excerpt fits the limit
LIMIT = 300_000  # bytes, compressed


def data_dir() -> Path | None:
    """The folder with both data files, or None where there is none on this machine."""
    folder = Path(os.environ.get("CUSTRULES_DATA") or ROOT.parent / "shared" / "data")
    return folder if all((folder / name).is_file() for name in FILES.values()) else None


def rows(years: Iterable[str] = YEARS) -> pl.DataFrame:
    """The rows that count, in the files' order: invoice, stock, qty, ts, cust and pennies (never negative)."""
    folder = data_dir()
    if folder is None:
        raise FileNotFoundError(f"set CUSTRULES_DATA to the folder that holds {' and '.join(FILES.values())}")
    return pl.concat([_with_pennies(_year(folder, year)) for year in YEARS if year in set(years)])


def _year(folder: Path, year: str) -> pl.DataFrame:
    mine = pl.col("ts") < SEAM if year == FIRST else pl.col("ts") >= SEAM
    text = pl.col("invoice", "stock").cast(pl.String)
    frame = pl.read_parquet(folder / FILES[year]).with_columns(text, pl.col("ts").cast(pl.Datetime("us")), pl.col("qty").cast(pl.Int64))
    return frame.filter(mine, pl.col("cust").is_not_null()).drop("country")


def _with_pennies(frame: pl.DataFrame) -> pl.DataFrame:
    mills = (pl.col("price").cast(pl.String).cast(pl.Decimal(18, 4)) * 1000).cast(pl.Int64)
    return frame.with_columns(pennies=(pl.col("qty").abs() * mills + 5) // 10).drop("price")


def raw_totals(years: Iterable[str] = YEARS) -> dict[str, tuple[int, int]]:
    """Per customer the pennies bought and the pennies returned, summed over the rows; no event is built."""
    bought = pl.col("pennies").filter(pl.col("qty") > 0).sum()
    returned = pl.col("pennies").filter(pl.col("qty") < 0).sum()
    sums = rows(years).group_by("cust").agg(bought.alias("bought"), returned.alias("returned"))
    return {str(cust): (plus, minus) for cust, plus, minus in sums.iter_rows()}


@cache
def whole() -> tuple[Event, ...]:
    """All events of both years, read once."""
    return tuple(events())


def events(years: Iterable[str] = YEARS) -> Iterator[Event]:
    """The data set as events, sorted by customer, then time, then id. `years` is a choice of YEARS."""
    name = pl.col("invoice").fill_null(pl.col("ts").dt.strftime("R%Y%m%dT%H%M"))
    lists = pl.col("stock", "qty", "pennies")
    grouped = rows(years).with_columns(id=name).group_by("cust", "id", maintain_order=True).agg(pl.col("ts").min(), lists)
    for cust, event_id, ts, skus, quantities, amounts in grouped.sort("cust", "ts", "id").iter_rows():
        yield _event(str(cust), event_id, ts, list(zip(skus, quantities, amounts, strict=True)))


def _event(customer: str, event_id: str, ts: datetime, lines: list[tuple[str | None, int, int]]) -> Event:
    bought = {quantity > 0 for _, quantity, _ in lines}
    if len(bought) > 1:
        raise ValueError(f"invoice {event_id} of customer {customer} mixes purchases and returns: decide how to split it")
    instant = ts.replace(tzinfo=LONDON).astimezone(UTC)
    return {
        "type": "purchase" if bought.pop() else "return",
        "id": event_id,
        "customer_id": customer,
        "occurred_at": f"{instant:%Y-%m-%dT%H:%M:%SZ}",
        "lines": [_line(*line) for line in lines],
    }


def _line(sku: str | None, quantity: int, pennies: int) -> dict[str, str]:
    named = {} if sku is None else {"sku": sku}
    return {**named, "quantity": str(abs(quantity)), "amount": f"{pennies // 100}.{pennies % 100:02d}"}


def every(step: int, history: Iterable[Event]) -> Iterator[Event]:
    """The events of the first customer and of every `step`-th after it; a customer's events stand together."""
    place, customer = -1, None
    for event in history:
        if event["customer_id"] != customer:
            place, customer = place + 1, event["customer_id"]
        if place % step == 0:
            yield event


def packed(history: Iterable[Mapping[str, Any]]) -> bytes:
    """The events as JSON lines, compressed."""
    text = "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in history)
    return lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)


def excerpt() -> Iterator[Event]:
    """The events of the excerpt as it ships."""
    with lzma.open(EXCERPT, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def main() -> None:
    content = packed(every(STEP, events()))
    if len(content) > LIMIT:
        raise SystemExit(f"{len(content)} bytes are more than {LIMIT}: take a larger STEP")
    EXCERPT.write_bytes(content)
    print(f"{EXCERPT.name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
