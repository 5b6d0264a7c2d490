"""Scenario files: what they may say, what is wrong with them and where, and what a failure tells."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custrules import Program, ScenarioError, loads
from custrules.documents.reading import read
from custrules.testing.scenario_report import Failure, ScenarioResult, aligned, report, width
from custrules.testing.scenarios import collect, main_test, run

GOLDEN = Path(__file__).parent / "golden"
PROGRAM = """
program: shop
zone: Asia/Shanghai
currency: CNY
profile: {birthday: {type: birthday}, phone: {type: phone}, segment: {type: text, values: [staff, regular]}}
activities: {check_in: {city: text}, flight: {quantity: miles}}
calendar: {member_day: {day_of_month: 8}}
measures:
  spent: {sum: spend, window: lifetime}
  orders: {count: purchase, window: 12 months}
  mean: {average: purchase.amount, window: lifetime}
  share: {ratio: [orders, flights]}
  flights: {count: flight, window: 12 months}
policies:
  - id: levels
    kind: tiers.ladder
    levels: [{name: member}, {name: gold, enter: {spent: ">= 1000"}}]
    term: 12 months
    downgrade: one_level
    exclude: [{when: {segment: staff}, reason: not rated}]
  - {id: points, kind: points.account, expiry: never}
  - {id: award, kind: points.account, expiry: never}
  - {id: earn, kind: points.accrual, points_per_unit: 1}
  - {id: fly, kind: points.accrual, account: award, event: flight, points_per_quantity: 1}
  - {id: pay-with-points, kind: points.redemption, value: {points: 100, money: 1.00}, minimum: 200}
"""


@pytest.fixture(scope="module")
def shop() -> Program:
    return loads(PROGRAM, source="shop.yaml")


def results(program: Program, scenarios: str) -> list[ScenarioResult]:
    return run("shop.scenarios.yaml", text=scenarios, program=program)


def failures(program: Program, *lines: str) -> tuple[Failure, ...]:
    """The failures of one scenario, of which the lines below its name are given."""
    (result,) = results(program, "\n".join(["scenarios:", "  - name: it", *(f"    {line}" for line in lines)]))
    return result.failures


def missed(program: Program, *lines: str) -> list[tuple[str, str, str]]:
    return [(failure.path, failure.expected, failure.got) for failure in failures(program, *lines)]


def faults(program: Program, *lines: str) -> list[tuple[str, int, int]]:
    """Codes and places of the faults of one scenario; its first line stands in line 3, its first column is 5."""
    with pytest.raises(ScenarioError) as caught:
        failures(program, *lines)
    return [(fault.code, fault.line, fault.column) for fault in caught.value.diagnostics]


# -- what happens ------------------------------------------------------------------------------------------------------


def test_a_date_without_a_time_is_noon_of_the_local_day(shop: Program) -> None:
    (planned,) = collect("s.yaml", text="scenarios: [{name: n, steps: [{when: {visit: {at: 2026-03-01}}}]}]", program=shop)
    assert planned.script.stages[0].instant.isoformat() == "2026-03-01T04:00:00+00:00"  # Shanghai is at UTC+8


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-04-08T23:59", "2026-04-08T15:59:00+00:00"),
        ("2026-04-08 23:59:30", "2026-04-08T15:59:30+00:00"),
        ("2026-04-08T23:59+00:00", "2026-04-08T23:59:00+00:00"),
        ("2026-04-08T23:59:00Z", "2026-04-08T23:59:00+00:00"),
    ],
)
def test_a_time_without_an_offset_is_local_and_with_one_it_is_as_it_is(written: str, instant: str, shop: Program) -> None:
    text = f'scenarios: [{{name: n, steps: [{{when: {{advance: "{written}"}}}}]}}]'
    (planned,) = collect("s.yaml", text=text, program=shop)
    assert planned.script.stages[0].instant.isoformat() == instant


def test_the_end_of_a_day_is_its_last_instant(shop: Program) -> None:
    (planned,) = collect("s.yaml", text="scenarios: [{name: n, steps: [{when: {day_end: 2026-03-01}}]}]", program=shop)
    assert planned.script.stages[0].instant.isoformat() == "2026-03-01T15:59:59.999999+00:00"


def moments(program: Program, event: str) -> list[tuple[str, str]]:
    (planned,) = collect("s.yaml", text=f"scenarios: [{{name: n, given: [{event}], steps: [{{when: {{day_end: 2030-01-01}}}}]}}]", program=program)
    zone = program.zone
    return [(happening.event.id, happening.instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")) for happening in planned.script.given]


def test_repeats_are_counted_from_the_anchor_and_have_ids_of_their_own(shop: Program) -> None:
    assert moments(shop, "{visit: {id: v, at: 2026-01-31, every: month, times: 3}}") == [
        ("v", "2026-01-31 12:00"),
        ("v-2", "2026-02-28 12:00"),
        ("v-3", "2026-03-31 12:00"),
    ]


@pytest.mark.parametrize(
    ("every", "last"), [("day", "2026-01-02"), ("3 days", "2026-01-04"), ("week", "2026-01-08"), ("2 months", "2026-03-01"), ("year", "2027-01-01")]
)
def test_an_event_is_repeated_by_days_weeks_months_or_years(every: str, last: str, shop: Program) -> None:
    assert moments(shop, f"{{visit: {{at: 2026-01-01T09:30, every: {every}, times: 2}}}}") == [
        ("visit-1", "2026-01-01 09:30"),
        ("visit-1-2", f"{last} 09:30"),
    ]


def test_until_is_the_last_day_of_a_repeat(shop: Program) -> None:
    assert [at for _, at in moments(shop, "{visit: {at: 2026-01-01, every: week, until: 2026-01-15}}")] == [
        "2026-01-01 12:00",
        "2026-01-08 12:00",
        "2026-01-15 12:00",
    ]


def test_ids_are_made_up_where_there_is_none_and_avoid_those_that_are_written(shop: Program) -> None:
    assert [name for name, _ in moments(shop, "{visit: {at: 2026-01-01}}, {visit: {id: visit-2, at: 2026-01-02}}, {visit: {at: 2026-01-03}}")] == [
        "visit-1",
        "visit-2",
        "visit-3",
    ]


def test_a_grants_until_is_its_own_and_no_repeat(shop: Program) -> None:
    assert failures(
        shop,
        "given: [{tier_grant: {at: 2026-01-01, level: gold, until: 2026-06-30, reason: r}}]",
        "steps: [{when: {day_end: 2026-01-01}, then: {tier: gold, tier.until: 2026-06-30}}]",
    ) == ()  # fmt: skip


def test_points_pay_what_the_other_tenders_leave(shop: Program) -> None:
    text = "scenarios: [{name: n, steps: [{when: {purchase: {at: 2026-01-01, amount: 60.00, tenders: {points: 1200, card: 48.00}}}}]}]"
    (planned,) = collect("s.yaml", text=text, program=shop)
    tenders = planned.script.stages[0].happenings[0].event.model_dump(mode="json")["tenders"]
    assert [(tender["type"], tender["amount"], tender["quantity"]) for tender in tenders] == [
        ("points", "12.00 CNY", "1200"),
        ("card", "48.00 CNY", None),
    ]


def test_customers_who_do_nothing_have_readings_all_the_same(shop: Program) -> None:
    assert failures(
        shop,
        "customers: {ann: {}, bob: {birthday: 1990-01-01}}",
        "steps: [{when: {visit: {customer: ann, at: 2026-01-01}}, then: {bob: {points: 0, tier: member, measure.spent: 0}}}]",
    ) == ()  # fmt: skip


def test_time_runs_on_for_everybody_though_the_event_is_refused(shop: Program) -> None:
    assert failures(
        shop,
        "customers: {ann: {}, bob: {}}",
        "given: [{purchase: {customer: bob, at: 2026-01-10, amount: 1000.00}}]",
        "steps: [{when: {redemption: {customer: ann, points: 300, at: 2027-01-11}}, then: {refused: points.redemption.insufficient, bob: {tier: member}}}]",
    ) == ()  # fmt: skip  # held to 10 January 2027, on which (10 January 2026, 10 January 2027] is empty - but `spent` is for life
