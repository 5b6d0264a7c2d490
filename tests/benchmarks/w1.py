"""W1: the tier of a customer from spend, orders and referrals, with the codes of the conditions met."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import custrules as cr
from benchmarks import engines
from benchmarks.timing import Contender

DOCUMENT = """
program: benchmark-w1
zone: UTC
currency: CNY
measures:
  spend: {sum: spend, window: 12 months}
  orders: {count: purchase, window: 12 months}
  referrals: {count: referral, window: 12 months}
policies:
  - id: honour
    kind: tiers.ladder
    levels:
      - {name: bronze}
      - {name: silver, enter: {any: [{spend: ">= 500"}, {orders: ">= 5"}, {referrals: ">= 1"}]}}
      - {name: gold, enter: {any: [{spend: ">= 2000"}, {orders: ">= 25"}, {referrals: ">= 10"}]}}
      - {name: platinum, enter: {any: [{spend: ">= 5000"}, {orders: ">= 40"}, {referrals: ">= 5"}]}}
    downgrade: one_level
"""
LEVELS = ("bronze", "silver", "gold", "platinum")
MARKS = {"platinum": (5000, 40, 5), "gold": (2000, 25, 10), "silver": (500, 5, 1)}
CODES = ("spend", "orders", "referrals")


@dataclass(frozen=True, slots=True)
class Decision:
    """What the code by hand decides."""

    level: str
    codes: tuple[str, ...]

    @property
    def told(self) -> Told:
        return self.level, self.codes


Row = tuple[int, int, int]  # spend in cents, orders, referrals
Told = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class DecimalFacts:
    spend: Decimal
    orders: int
    referrals: int


@dataclass(frozen=True, slots=True)
class UnitFacts:
    spend: int
    orders: int
    referrals: int


def rows(count: int, seed: int = 1) -> list[Row]:
    """Customers spread over all levels, some exactly on a mark."""
    random = Random(seed)
    found = []
    for _ in range(count):
        reach = random.choice((400, 1500, 3500, 6000))
        spend, orders = random.randrange(reach * 100), random.randrange(1 + reach // 120)
        if random.random() < 0.1:
            spend = random.choice((50_000, 49_999, 200_000, 199_999, 500_000))
        found.append((spend, orders, random.choice((0, 0, 0, 0, 0, 1, 4, 5, 12))))
    return found


def exact(row: Row) -> Told:
    spend, orders, referrals = row
    for level, marks in MARKS.items():
        met = tuple(code for code, value, mark in zip(CODES, (spend, orders * 100, referrals * 100), marks, strict=True) if value >= mark * 100)
        if met:
            return level, met
    return "bronze", ()


# -- by hand -----------------------------------------------------------------------------------------------------------

FIVE_THOUSAND, TWO_THOUSAND, FIVE_HUNDRED = Decimal(5000), Decimal(2000), Decimal(500)


def decimal_by_hand(facts: DecimalFacts) -> Decision:
    return Decision(*bare_by_hand(facts))


def bare_by_hand(facts: DecimalFacts) -> Told:
    """The same without a type of its own for the outcome."""
    spend, orders, referrals = facts.spend, facts.orders, facts.referrals
    if spend >= FIVE_THOUSAND or orders >= 40 or referrals >= 5:
        return "platinum", _codes(spend >= FIVE_THOUSAND, orders >= 40, referrals >= 5)
    if spend >= TWO_THOUSAND or orders >= 25 or referrals >= 10:
        return "gold", _codes(spend >= TWO_THOUSAND, orders >= 25, referrals >= 10)
    if spend >= FIVE_HUNDRED or orders >= 5 or referrals >= 1:
        return "silver", _codes(spend >= FIVE_HUNDRED, orders >= 5, referrals >= 1)
    return "bronze", ()


def _codes(spend: bool, orders: bool, referrals: bool) -> tuple[str, ...]:
    found = []
    if spend:
        found.append("spend")
    if orders:
        found.append("orders")
    if referrals:
        found.append("referrals")
    return tuple(found)


def silent_by_hand(facts: DecimalFacts) -> Decision:
    return Decision(bare_silent_by_hand(facts), ())


def bare_silent_by_hand(facts: DecimalFacts) -> str:
    spend, orders, referrals = facts.spend, facts.orders, facts.referrals
    if spend >= FIVE_THOUSAND or orders >= 40 or referrals >= 5:
        return "platinum"
    if spend >= TWO_THOUSAND or orders >= 25 or referrals >= 10:
        return "gold"
    if spend >= FIVE_HUNDRED or orders >= 5 or referrals >= 1:
        return "silver"
    return "bronze"


def units_by_hand(facts: UnitFacts) -> Told:
    spend, orders, referrals = facts.spend, facts.orders, facts.referrals
    if spend >= 500_000 or orders >= 40 or referrals >= 5:
        return "platinum", _codes(spend >= 500_000, orders >= 40, referrals >= 5)
    if spend >= 200_000 or orders >= 25 or referrals >= 10:
        return "gold", _codes(spend >= 200_000, orders >= 25, referrals >= 10)
    if spend >= 50_000 or orders >= 5 or referrals >= 1:
        return "silver", _codes(spend >= 50_000, orders >= 5, referrals >= 1)
    return "bronze", ()


# -- other engines: whole numbers in, eight times the rank plus a bit for each condition out ------------------------------


def expression() -> str:
    text = "0"
    for level, (spend, orders, referrals) in reversed(MARKS.items()):
        tests = (f"spend >= {spend * 100}", f"orders >= {orders}", f"referrals >= {referrals}")
        bits = " + ".join(f"({test} ? {1 << place} : 0)" for place, test in enumerate(tests))
        text = f"(({' or '.join(tests)}) ? {8 * LEVELS.index(level)} + {bits} : {text})"
    return text


def logic() -> Any:
    rule: Any = 0
    for level, (spend, orders, referrals) in reversed(MARKS.items()):
        tests = [{">=": [{"var": name}, mark]} for name, mark in (("spend", spend * 100), ("orders", orders), ("referrals", referrals))]
        bits = [{"if": [test, 1 << place, 0]} for place, test in enumerate(tests)]
        rule = {"if": [{"or": tests}, {"+": [8 * LEVELS.index(level), *bits]}, rule]}
    return rule


def decoded(output: Any) -> Told:
    number = int(output)
    return LEVELS[number // 8], tuple(code for place, code in enumerate(CODES) if number >> place & 1)


def noted() -> list[dict[str, Any]]:
    """The rules of business-rules: each mark of each level by itself."""
    return [
        {
            "conditions": {"all": [{"name": name, "operator": "greater_than_or_equal_to", "value": mark * (100 if name == "spend" else 1)}]},
            "actions": [{"name": "note", "params": {"code": f"{level} {name}"}}],
        }
        for level, marks in MARKS.items()
        for name, mark in zip(CODES, marks, strict=True)
    ]


def highest(noted_codes: tuple[str, ...]) -> Told:
    for level in MARKS:
        met = tuple(code for code in CODES if f"{level} {code}" in noted_codes)
        if met:
            return level, met
    return "bronze", ()


# -- all of them -------------------------------------------------------------------------------------------------------


def told(evaluation: cr.Evaluation) -> Told:
    return str(evaluation.value), tuple(why.params["fact"] for why in evaluation.reasons if why.code == "tiers.condition.met")


def contenders(given: list[Row]) -> dict[str, Contender]:
    """The baseline first: by hand, with Decimal."""
    evaluator = cr.loads(DOCUMENT).evaluator("honour")
    decimals = [DecimalFacts(Decimal(spend).scaleb(-2), orders, referrals) for spend, orders, referrals in given]
    dicts = [dict(zip(CODES, row, strict=True)) for row in given]
    facts = [evaluator.form.exact(row) for row in dicts]
    found = {
        "hand-written, Decimal": Contender(decimal_by_hand, decimals, lambda decision: decision.told),
        "custrules": Contender(evaluator.decide, facts, told),
        "hand-written, Decimal, bare tuple out": Contender(bare_by_hand, decimals),
        "hand-written, whole numbers, bare tuple out": Contender(units_by_hand, [UnitFacts(*row) for row in given]),
    }
    return found | engines.contenders(dicts, expression(), logic(), decoded) | engines.noting(dicts, noted(), dict.fromkeys(CODES, "number"), highest)


def silent(row: Row) -> Any:
    """What is left of the exact answer where nothing is explained."""
    return exact(row)[0]


def tracing(given: list[Row]) -> dict[str, Contender]:
    """Every cell compared and kept, against code that explains nothing."""
    evaluator = cr.loads(DOCUMENT).evaluator("honour")
    decimals = [DecimalFacts(Decimal(spend).scaleb(-2), orders, referrals) for spend, orders, referrals in given]
    facts = [evaluator.form.exact(dict(zip(CODES, row, strict=True))) for row in given]
    return {
        "hand-written, Decimal, explains nothing": Contender(silent_by_hand, decimals, lambda decision: decision.level),
        "hand-written, Decimal, explains nothing, bare value out": Contender(bare_silent_by_hand, decimals),
        "custrules, full trace": Contender(evaluator.trace, facts, lambda traced: traced.evaluation.value),
    }
