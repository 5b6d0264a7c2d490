"""W2: the points of a purchase: amount x tier, x 2 on the 8th, x 3 in the birthday month, + 50 for much coffee, at most 500, floor once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from random import Random
from typing import Any

import custrules as cr
from benchmarks import engines
from benchmarks.timing import Contender

DOCUMENT = """
program: benchmark-w2
zone: UTC
currency: CNY
profile:
  birthday: {type: birthday}
  category: {type: text}
measures:
  orders: {count: purchase, window: lifetime}
policies:
  - id: honour
    kind: tiers.ladder
    levels:
      - {name: bronze}
      - {name: silver, enter: {orders: ">= 5"}}
      - {name: gold, enter: {orders: ">= 25"}}
      - {name: platinum, enter: {orders: ">= 40"}}
    downgrade: one_level
  - {id: points, kind: points.account, expiry: never}
  - id: earn
    kind: points.accrual
    points_per_unit: {bronze: 1, silver: "1.25", gold: "1.5", platinum: 2}
    multiply: [{by: 2, when: {day_of_month: 8}}, {by: 3, when: {birthday_month: true}}]
    combine: product
    bonuses: [{points: 50, when: {amount: ">= 200", category: coffee}}]
    caps: [{at_most: 500, per: event}]
    rounding: floor
"""
LEVELS = ("bronze", "silver", "gold", "platinum")
RATES = {"bronze": Fraction(1), "silver": Fraction(5, 4), "gold": Fraction(3, 2), "platinum": Fraction(2)}
NAMES = ("amount", "tier", "day_of_month", "birthday_month", "category")

Row = tuple[int, str, int, bool, str]  # amount in cents, tier, day, whether it is the birthday month, category
Told = tuple[int, bool]  # points, and whether the cap took some


@dataclass(frozen=True, slots=True)
class DecimalFacts:
    amount: Decimal
    tier: str
    day_of_month: int
    birthday_month: bool
    category: str


@dataclass(frozen=True, slots=True)
class UnitFacts:
    amount: int
    tier: str
    day_of_month: int
    birthday_month: bool
    category: str


def rows(count: int, seed: int = 2) -> list[Row]:
    random = Random(seed)
    return [
        (
            random.choice((random.randrange(100, 40_000), random.randrange(100, 40_000), 20_000, 19_999)),
            random.choice(LEVELS),
            random.choice((8, *range(1, 29, 3))),
            random.random() < 1 / 6,
            random.choice(("coffee", "tea", "bakery")),
        )
        for _ in range(count)
    ]


def exact(row: Row) -> Told:
    amount, tier, day, birthday, category = row
    points = Fraction(amount, 100) * RATES[tier] * (2 if day == 8 else 1) * (3 if birthday else 1)
    points += 50 if amount >= 20_000 and category == "coffee" else 0
    return min(points, Fraction(500)) // 1, points > 500


@dataclass(frozen=True, slots=True)
class Decision:
    """What the code by hand decides."""

    points: int
    codes: tuple[str, ...]


# -- by hand -----------------------------------------------------------------------------------------------------------

DECIMAL_RATES = {"bronze": Decimal(1), "silver": Decimal("1.25"), "gold": Decimal("1.5"), "platinum": Decimal(2)}
UNIT_RATES = {"bronze": 100, "silver": 125, "gold": 150, "platinum": 200}
MUCH, MOST = Decimal(200), Decimal(500)
EARNED, CAPPED = ("spend",), ("spend", "capped")


def decimal_by_hand(facts: DecimalFacts) -> Decision:
    return Decision(*bare_by_hand(facts))


def bare_by_hand(facts: DecimalFacts) -> tuple[int, tuple[str, ...]]:
    """The same without a type of its own for the outcome."""
    points = facts.amount * DECIMAL_RATES[facts.tier]
    if facts.day_of_month == 8:
        points *= 2
    if facts.birthday_month:
        points *= 3
    if facts.amount >= MUCH and facts.category == "coffee":
        points += 50
    if points > MOST:
        return 500, CAPPED
    return int(points.to_integral_value(ROUND_FLOOR)), EARNED


def silent_by_hand(facts: DecimalFacts) -> Decision:
    return Decision(bare_silent_by_hand(facts), ())


def bare_silent_by_hand(facts: DecimalFacts) -> int:
    return bare_by_hand(facts)[0]


def units_by_hand(facts: UnitFacts) -> tuple[int, tuple[str, ...]]:
    points = facts.amount * UNIT_RATES[facts.tier]
    if facts.day_of_month == 8:
        points *= 2
    if facts.birthday_month:
        points *= 3
    if facts.amount >= 20_000 and facts.category == "coffee":
        points += 500_000
    if points > 5_000_000:
        return 500, CAPPED
    return points // 10_000, EARNED


# -- other engines: whole numbers in, twice the points, plus one where capped, out ---------------------------------------


def expression() -> str:
    rate = "(tier == 'platinum' ? 200 : (tier == 'gold' ? 150 : (tier == 'silver' ? 125 : 100)))"
    points = f"(amount * {rate} * (day_of_month == 8 ? 2 : 1) * (birthday_month ? 3 : 1)"
    points += " + ((amount >= 20000 and category == 'coffee') ? 500000 : 0))"
    return f"({points} > 5000000) ? 1001 : 2 * floor({points} / 10000)"


def logic() -> Any:
    def var(name: str) -> Any:
        return {"var": name}

    rate: Any = 100
    for tier in ("silver", "gold", "platinum"):
        rate = {"if": [{"==": [var("tier"), tier]}, UNIT_RATES[tier], rate]}
    factors = [{"if": [{"==": [var("day_of_month"), 8]}, 2, 1]}, {"if": [var("birthday_month"), 3, 1]}]
    much = {"and": [{">=": [var("amount"), 20_000]}, {"==": [var("category"), "coffee"]}]}
    points = {"+": [{"*": [var("amount"), rate, *factors]}, {"if": [much, 500_000, 0]}]}
    return {"if": [{">": [points, 5_000_000]}, 1001, {"*": [2, {"floor": [{"/": [points, 10_000]}]}]}]}


def decoded(output: Any) -> Told:
    return int(output) // 2, bool(int(output) % 2)


# -- all of them -------------------------------------------------------------------------------------------------------


def told(evaluation: cr.Evaluation) -> Told:
    assert isinstance(evaluation.value, int)
    return evaluation.value, "points.accrual.capped" in evaluation.codes


def by_hand_told(output: tuple[int, tuple[str, ...]]) -> Told:
    return output[0], output[1] == CAPPED


def contenders(given: list[Row]) -> dict[str, Contender]:
    evaluator = cr.loads(DOCUMENT).evaluator("earn")
    dicts: list[dict[str, Any]] = [dict(zip(NAMES, row, strict=True)) for row in given]
    found = {
        "hand-written, Decimal": Contender(decimal_by_hand, decimals(given), lambda decision: (decision.points, decision.codes == CAPPED)),
        "custrules": Contender(evaluator.decide, [evaluator.form.exact(row) for row in dicts], told),
        "hand-written, Decimal, bare tuple out": Contender(bare_by_hand, decimals(given), by_hand_told),
        "hand-written, whole numbers, bare tuple out": Contender(units_by_hand, [UnitFacts(*row) for row in given], by_hand_told),
    }
    return found | engines.contenders(dicts, expression(), logic(), decoded)


def decimals(given: list[Row]) -> list[DecimalFacts]:
    return [DecimalFacts(Decimal(row[0]).scaleb(-2), *row[1:]) for row in given]


def silent(row: Row) -> Any:
    """What is left of the exact answer where nothing is explained."""
    return exact(row)[0]


def tracing(given: list[Row]) -> dict[str, Contender]:
    evaluator = cr.loads(DOCUMENT).evaluator("earn")
    facts = [evaluator.form.exact(dict(zip(NAMES, row, strict=True))) for row in given]
    return {
        "hand-written, Decimal, explains nothing": Contender(silent_by_hand, decimals(given), lambda decision: decision.points),
        "hand-written, Decimal, explains nothing, bare value out": Contender(bare_silent_by_hand, decimals(given)),
        "custrules, full trace": Contender(evaluator.trace, facts, lambda traced: traced.evaluation.value),
    }
