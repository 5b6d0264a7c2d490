"""W3: why a customer may be leaving: overdue by twice the own rhythm, half the spend, or unhappy. A decision table that collects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import custrules as cr
from benchmarks import engines
from benchmarks.timing import Contender

DOCUMENT = """
program: benchmark-w3
zone: UTC
currency: CNY
profile:
  complaint_open: {type: flag}
  nps: {type: whole}
activities:
  history: {avg_interval: number, prev_90d: money}   # told by the host's warehouse
measures:
  days_since_last: {since: purchase}
  avg_interval: {latest: history.avg_interval, window: lifetime}
  orders: {count: purchase, window: lifetime}
  spend_90d: {sum: spend, window: 90 days}
  prev_90d: {latest: history.prev_90d, window: lifetime}
  rhythm: {ratio: [days_since_last, avg_interval]}
  spend_kept: {ratio: [spend_90d, prev_90d]}
policies:
  - id: churn
    kind: table
    hit: COLLECT
    inputs: [rhythm, orders, spend_kept, complaint_open, nps]
    outputs: [reason]
    rows:
      - ["> 2", ">= 3", "-", "-", "-", OVERDUE]
      - ["-", "-", "< 0.5", "-", "-", SPEND_DROP]
      - ["-", "-", "-", "true", "<= 6", UNHAPPY]
"""
NAMES = ("days_since_last", "avg_interval", "orders", "spend_90d", "prev_90d", "complaint_open", "nps")
CODES = ("OVERDUE", "SPEND_DROP", "UNHAPPY")

Row = tuple[int, int, int, int, int, bool, int]  # days, days, count, cents, cents, flag, 0 to 10
Told = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecimalFacts:
    days_since_last: int
    avg_interval: Decimal
    orders: int
    spend_90d: Decimal
    prev_90d: Decimal
    complaint_open: bool
    nps: int


@dataclass(frozen=True, slots=True)
class UnitFacts:
    days_since_last: int
    avg_interval: int
    orders: int
    spend_90d: int
    prev_90d: int
    complaint_open: bool
    nps: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What the code by hand decides."""

    reasons: tuple[str, ...]


def rows(count: int, seed: int = 3) -> list[Row]:
    random = Random(seed)
    found: list[Row] = []
    for _ in range(count):
        gap, before = random.randrange(5, 60), random.randrange(0, 80_000)
        days = random.choice((random.randrange(1, 4 * gap), 2 * gap, 2 * gap + 1))
        spend = random.choice((random.randrange(0, 80_000), before // 2, before))
        found.append((days, gap, random.randrange(1, 8), spend, before, random.random() < 0.3, random.randrange(0, 11)))
    return found


def exact(row: Row) -> Told:
    days, gap, orders, spend, before, complaint, nps = row
    held = (days > 2 * gap and orders >= 3, 2 * spend < before, complaint and nps <= 6)
    return tuple(code for code, holds in zip(CODES, held, strict=True) if holds)


# -- by hand -----------------------------------------------------------------------------------------------------------

HALF = Decimal("0.5")


def decimal_by_hand(facts: DecimalFacts) -> Decision:
    return Decision(bare_by_hand(facts))


def bare_by_hand(facts: DecimalFacts) -> Told:
    """The same without a type of its own for the outcome."""
    reasons = []
    if facts.days_since_last > 2 * facts.avg_interval and facts.orders >= 3:
        reasons.append("OVERDUE")
    if facts.spend_90d < HALF * facts.prev_90d:
        reasons.append("SPEND_DROP")
    if facts.complaint_open and facts.nps <= 6:
        reasons.append("UNHAPPY")
    return tuple(reasons)


def silent_by_hand(facts: DecimalFacts) -> Decision:
    return Decision(("LEAVING",) if bare_silent_by_hand(facts) else ())


def bare_silent_by_hand(facts: DecimalFacts) -> bool:
    """Whether there is any reason at all."""
    return (
        (facts.days_since_last > 2 * facts.avg_interval and facts.orders >= 3)
        or facts.spend_90d < HALF * facts.prev_90d
        or (facts.complaint_open and facts.nps <= 6)
    )


def units_by_hand(facts: UnitFacts) -> Told:
    reasons = []
    if facts.days_since_last > 2 * facts.avg_interval and facts.orders >= 3:
        reasons.append("OVERDUE")
    if 2 * facts.spend_90d < facts.prev_90d:
        reasons.append("SPEND_DROP")
    if facts.complaint_open and facts.nps <= 6:
        reasons.append("UNHAPPY")
    return tuple(reasons)


# -- other engines: whole numbers in, a bit for each reason out ----------------------------------------------------------


def expression() -> str:
    overdue = "(days_since_last > 2 * avg_interval and orders >= 3) ? 1 : 0"
    return f"({overdue}) + (2 * spend_90d < prev_90d ? 2 : 0) + ((complaint_open and nps <= 6) ? 4 : 0)"


def logic() -> Any:
    def var(name: str) -> Any:
        return {"var": name}

    tests = (
        {"and": [{">": [var("days_since_last"), {"*": [2, var("avg_interval")]}]}, {">=": [var("orders"), 3]}]},
        {"<": [{"*": [2, var("spend_90d")]}, var("prev_90d")]},
        {"and": [var("complaint_open"), {"<=": [var("nps"), 6]}]},
    )
    return {"+": [{"if": [test, 1 << place, 0]} for place, test in enumerate(tests)]}


def decoded(output: Any) -> Told:
    return tuple(code for place, code in enumerate(CODES) if int(output) >> place & 1)


# -- all of them -------------------------------------------------------------------------------------------------------


def told(evaluation: cr.Evaluation) -> Told:
    assert isinstance(evaluation.value, Mapping)
    reasons: Told = evaluation.value["reason"]
    return reasons


def decimals(given: list[Row]) -> list[DecimalFacts]:
    return [
        DecimalFacts(days, Decimal(gap), orders, Decimal(spend).scaleb(-2), Decimal(before).scaleb(-2), complaint, nps)
        for days, gap, orders, spend, before, complaint, nps in given
    ]


def contenders(given: list[Row]) -> dict[str, Contender]:
    evaluator = cr.loads(DOCUMENT).evaluator("churn")
    dicts: list[dict[str, Any]] = [dict(zip(NAMES, row, strict=True)) for row in given]
    found = {
        "hand-written, Decimal": Contender(decimal_by_hand, decimals(given), lambda decision: decision.reasons),
        "custrules": Contender(evaluator.decide, [evaluator.form.exact(row) for row in dicts], told),
        "hand-written, Decimal, bare tuple out": Contender(bare_by_hand, decimals(given)),
        "hand-written, whole numbers, bare tuple out": Contender(units_by_hand, [UnitFacts(*row) for row in given]),
    }
    return found | engines.contenders(dicts, expression(), logic(), decoded)


def silent(row: Row) -> Any:
    """What is left of the exact answer where nothing is explained."""
    return bool(exact(row))


def tracing(given: list[Row]) -> dict[str, Contender]:
    evaluator = cr.loads(DOCUMENT).evaluator("churn")
    facts = [evaluator.form.exact(dict(zip(NAMES, row, strict=True))) for row in given]
    return {
        "hand-written, Decimal, explains nothing": Contender(silent_by_hand, decimals(given), lambda decision: bool(decision.reasons)),
        "hand-written, Decimal, explains nothing, bare value out": Contender(bare_silent_by_hand, decimals(given)),
        "custrules, full trace": Contender(evaluator.trace, facts, lambda traced: bool(told(traced.evaluation))),
    }
