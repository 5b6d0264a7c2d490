"""The fields of a scenario's events as they are written, and as the program reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic_core import PydanticCustomError

from custrules.fields import read_decimal
from custrules.testing.scenario_file import Path


def mappings_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping inside a value, however deep."""
    if isinstance(value, Mapping):
        yield value
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ():
        yield from mappings_in(item)


def tenders_of(fields: Mapping[str, Any]) -> Any:
    """Tenders in the form that events have: points are written by their quantity, and their amount is what the others leave."""
    written = fields["tenders"]
    if not isinstance(written, Mapping):
        return written
    rows: list[dict[str, Any]] = []
    for kind, value in written.items():
        if isinstance(value, Mapping):
            rows.append({"type": kind, **value})
        else:
            how_much = "quantity" if kind == "points" else "amount"
            rows.append({"type": kind, how_much: value})
    for row in rows:
        if row["type"] == "points" and "amount" not in row:
            row["amount"] = _left_for_points(fields, rows)
    return rows


def _left_for_points(fields: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """The order's amount less the other tenders; nothing where they cannot be read: then that is the fault that is told."""
    lines = fields.get("lines", [])
    whole = [fields["amount"]] if "amount" in fields else [line.get("amount") for line in lines if isinstance(line, Mapping)]
    others = [row.get("amount") for row in rows if row["type"] != "points"]
    try:
        return str(sum(map(read_decimal, whole), Decimal(0)) - sum(map(read_decimal, others), Decimal(0)))
    except PydanticCustomError:
        return "0"


_WRITTEN = {"occurred_at": "at", "customer_id": "customer"}


def as_written(steps: Path, written: Mapping[str, Any] | None) -> Path:
    """A place inside an event as the scenario writes it."""
    if not steps:
        return ()
    head, *rest = steps
    if head in ("attributes", "profile") and (written is None or head not in written):
        return tuple(rest)
    tenders = (written or {}).get("tenders")
    if head == "tenders" and rest and isinstance(tenders, Mapping) and isinstance(rest[0], int) and rest[0] < len(tenders):
        return ("tenders", list(tenders)[rest[0]], *rest[1:])
    return (_WRITTEN.get(str(head), head), *rest)
