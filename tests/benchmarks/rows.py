"""Raw rows, as they come from a file, to validated facts to the decisions of W1, W2 and W3; and the time of an import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

import custrules as cr
from benchmarks import w1, w2, w3
from benchmarks.timing import Contender

CHUNK = 250

Told = tuple[str, int, tuple[str, ...]]  # tier, points, reasons


def document() -> str:
    """The policies of W1, W2 and W3 in one program."""
    measures = w3.DOCUMENT[w3.DOCUMENT.index("measures:\n") + len("measures:\n") : w3.DOCUMENT.index("policies:\n")]
    policies = [text[text.index("policies:\n") + len("policies:\n") :] for text in (w1.DOCUMENT, w2.DOCUMENT, w3.DOCUMENT)]
    ladder = w2.DOCUMENT[w2.DOCUMENT.index("  - id: honour") : w2.DOCUMENT.index("  - {id: points")]
    return f"""
program: benchmark-rows
zone: UTC
currency: CNY
profile:
  birthday: {{type: birthday}}
  category: {{type: text}}
  complaint_open: {{type: flag}}
  nps: {{type: whole}}
activities:
  history: {{avg_interval: number, prev_90d: money}}
measures:
  spend: {{sum: spend, window: 12 months}}
  referrals: {{count: referral, window: 12 months}}
{measures}
policies:
{policies[0]}
{policies[1].replace(ladder, "")}
{policies[2]}
"""


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def raw(count: int) -> list[dict[str, Any]]:
    """Rows of fifteen fields: amounts as text, numbers and flags as JSON has them."""
    rows = []
    for place, (one, two, three) in enumerate(zip(w1.rows(count), w2.rows(count), w3.rows(count), strict=True)):
        facts: dict[str, Any] = dict(zip(w3.NAMES, three, strict=True))
        facts |= dict(zip(w2.NAMES, two, strict=True))
        facts |= dict(zip(w1.CODES, one, strict=True))  # the orders are those of W1
        texts = {name: money(facts[name]) for name in ("spend", "amount", "spend_90d", "prev_90d")}
        rows.append({"customer_id": f"c-{place}", **facts, **texts})
    return rows


def exact(count: int) -> list[Told]:
    told = []
    for one, two, three in zip(w1.rows(count), w2.rows(count), w3.rows(count), strict=True):
        days, gap, _, spend, before, complaint, nps = three
        told.append((w1.exact(one)[0], w2.exact(two)[0], w3.exact((days, gap, one[1], spend, before, complaint, nps))))
    return told


# -- custrules ---------------------------------------------------------------------------------------------------------


def in_bulk() -> Callable[[list[dict[str, Any]]], list[tuple[cr.Evaluation, cr.Evaluation, cr.Evaluation]]]:
    program = cr.loads(document())
    form = program.facts("honour", "earn", "churn")
    tier, points, churn = (program.evaluator(name, form=form).decide for name in ("honour", "earn", "churn"))

    def run(rows: list[dict[str, Any]]) -> list[tuple[cr.Evaluation, cr.Evaluation, cr.Evaluation]]:
        return [(tier(facts), points(facts), churn(facts)) for facts in form.read_all(rows, others=True)]

    return run


def told_of(decided: tuple[cr.Evaluation, cr.Evaluation, cr.Evaluation]) -> Told:
    tier, points, churn = decided
    assert isinstance(points.value, int)
    return str(tier.value), points.value, w3.told(churn)


# -- a pydantic model per event, rules composed of closures --------------------------------------------------------------


class Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    customer_id: str
    spend: Decimal
    orders: int
    referrals: int
    amount: Decimal
    tier: Literal["bronze", "silver", "gold", "platinum"]
    day_of_month: int
    birthday_month: bool
    category: str
    days_since_last: int
    avg_interval: Decimal
    spend_90d: Decimal
    prev_90d: Decimal
    complaint_open: bool
    nps: int


Rule = Callable[[Any], bool]


def at_least(name: str, value: Decimal | int) -> Rule:
    return lambda event: getattr(event, name) >= value


def equal(name: str, value: object) -> Rule:
    return lambda event: getattr(event, name) == value


def any_of(*rules: Rule) -> Rule:
    return lambda event: any(rule(event) for rule in rules)


def all_of(*rules: Rule) -> Rule:
    return lambda event: all(rule(event) for rule in rules)


LADDER: list[tuple[str, Rule]] = [
    (level, any_of(at_least("spend", Decimal(spend)), at_least("orders", orders), at_least("referrals", referrals)))
    for level, (spend, orders, referrals) in w1.MARKS.items()
]
FACTORS: list[tuple[int, Rule]] = [(2, equal("day_of_month", 8)), (3, equal("birthday_month", True))]
MUCH_COFFEE = all_of(at_least("amount", Decimal(200)), equal("category", "coffee"))
REASONS: list[tuple[str, Rule]] = [
    ("OVERDUE", all_of(lambda event: event.days_since_last > 2 * event.avg_interval, at_least("orders", 3))),
    ("SPEND_DROP", lambda event: event.spend_90d < Decimal("0.5") * event.prev_90d),
    ("UNHAPPY", all_of(equal("complaint_open", True), lambda event: event.nps <= 6)),
]


def by_closures(event: Any) -> Told:
    tier = next((level for level, rule in LADDER if rule(event)), "bronze")
    points = event.amount * w2.DECIMAL_RATES[event.tier]
    for factor, rule in FACTORS:
        if rule(event):
            points *= factor
    if MUCH_COFFEE(event):
        points += 50
    whole = int(min(points, Decimal(500)).to_integral_value(ROUND_FLOOR))
    return tier, whole, tuple(code for code, rule in REASONS if rule(event))


@dataclass(slots=True)
class SlottedEvent:
    """The same fields, for a TypeAdapter over a whole list."""

    customer_id: str
    spend: Decimal
    orders: int
    referrals: int
    amount: Decimal
    tier: str
    day_of_month: int
    birthday_month: bool
    category: str
    days_since_last: int
    avg_interval: Decimal
    spend_90d: Decimal
    prev_90d: Decimal
    complaint_open: bool
    nps: int


def contenders(count: int) -> dict[str, Contender]:
    rows = raw(count)
    chunks = [rows[begin : begin + CHUNK] for begin in range(0, count, CHUNK)]
    each = min(CHUNK, count)
    adapter = TypeAdapter(list[SlottedEvent])
    return {
        "pydantic model per event, closures over Decimal": Contender(lambda chunk: [by_closures(Event(**row)) for row in chunk], chunks, each=each),
        "custrules, read_all and three evaluators": Contender(in_bulk(), chunks, lambda decided: [told_of(each) for each in decided], each=each),
        "TypeAdapter of slotted dataclasses in bulk, closures over Decimal": Contender(
            lambda chunk: [by_closures(event) for event in adapter.validate_python(chunk)], chunks, each=each
        ),
    }


# -- imports -----------------------------------------------------------------------------------------------------------

IMPORTS = {
    "import pydantic": "import pydantic",
    "import custrules": "import custrules",
    "pydantic.BaseModel": "import pydantic; pydantic.BaseModel",
    "custrules.Program": "import custrules; custrules.Program",
}


def import_contenders() -> dict[str, Contender]:
    """Each in an interpreter of its own; the start of the interpreter itself is in every figure."""
    return {name: Contender(lambda code: subprocess.run([sys.executable, "-c", code], check=True), [code]) for name, code in IMPORTS.items()}
