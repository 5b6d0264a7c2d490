"""Coverage: which rules fired while scenarios were played, and which never did, with their lines."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from custrules import loads

pytest.importorskip("yaml")

from custrules.testing.coverage import Coverage
from custrules.testing.scenarios import collect

DOCUMENT = """
program: shop
zone: UTC
currency: GBP
profile: {segment: {type: text, values: [staff, regular]}}
measures: {spend: {sum: spend, window: 12 months}}
policies:
  - id: levels
    kind: tiers.ladder
    levels:
      - {name: member}
      - name: silver
        enter: {spend: ">= 100"}
        keep: {spend: ">= 50"}
      - name: gold
        enter: {spend: ">= 1000"}
    exclude: [{when: {segment: staff}, reason: staff}]
    term: 1 month
    downgrade: one_level
  - {id: points, kind: points.account, expiry: 2 months, pending: 3 days}
  - id: earn
    kind: points.accrual
    points_per_unit: {member: 1, gold: 2}
    bonuses: [{points: 5}, {points: 7, when: {amount: ">= 500"}}]
    exclude_lines: {category: gift}
    caps: [{at_most: 40, per: event}, {at_most: 90, per: calendar month}]
  - id: earn
    kind: points.accrual
    effective_from: 2030-01-01
    points_per_unit: 3
  - {id: old, kind: points.accrual, points_per_unit: 1, retired: true}
  - {id: pay, kind: points.redemption, value: {points: 10, money: 1.00}, minimum: 20, maximum: 30, when: {tier: silver}}
"""


def played(folder: Path, scenario: str, document: str = DOCUMENT) -> Coverage:
    (folder / "shop.yaml").write_text(document, "utf-8")
    file = folder / "shop.scenarios.yaml"
    file.write_text("program: shop.yaml\nscenarios:\n" + scenario, "utf-8")
    coverage = Coverage()
    for planned in collect(file):
        result = planned.run(coverage)
        assert result.passed, result.failures
    return coverage


def never(folder: Path, *whens: str) -> dict[tuple[str, str], str]:
    """By policy and rule, why it never fired; of the versions in force in 2026."""
    steps = "".join(f"\n      - when: {when}" for when in whens)
    (covered,) = played(folder, f"  - name: x\n    steps:{steps}\n").covered()
    return {(rule.policy_id, rule.rule): rule.why for rule in covered.never if rule.effective_from != date(2030, 1, 1)}


BOUGHT = "{purchase: {at: 2026-01-10, amount: 20.00}}"


def test_a_condition_that_was_never_asked_is_told_apart_from_one_that_was_never_true(tmp_path: Path) -> None:
    found = never(tmp_path, BOUGHT)
    assert found["levels", "levels[1].enter"] == "not_held"
    assert found["levels", "levels[1].keep"] == "not_asked"
    assert found["earn", "exclude_lines"] == "not_held"
    assert found["pay", "when"] == "not_asked"


def test_a_policy_that_decided_nothing_never_fired(tmp_path: Path) -> None:
    found = never(tmp_path, BOUGHT)
    assert found["pay", ""] == "not_fired"
    assert ("earn", "") not in found
    assert ("levels", "") not in found


def test_levels_fire_when_they_are_reached(tmp_path: Path) -> None:
    found = never(tmp_path, "{purchase: {at: 2026-01-10, amount: 100.00}}")
    assert {("levels", "levels[0]"), ("levels", "levels[1]"), ("levels", "levels[1].enter")}.isdisjoint(found)
    assert found["levels", "levels[2]"] == "not_fired"


def test_rates_by_level_fire_by_the_level_whose_rate_was_taken(tmp_path: Path) -> None:
    found = never(tmp_path, "{purchase: {at: 2026-01-10, amount: 100.00}}", "{purchase: {at: 2026-01-11, amount: 10.00}}")
    assert ("earn", "points_per_unit.member") not in found  # silver has none of its own
    assert found["earn", "points_per_unit.gold"] == "not_fired"


def test_a_bonus_without_a_condition_fires_with_its_policy(tmp_path: Path) -> None:
    found = never(tmp_path, BOUGHT)
    assert ("earn", "bonuses[0]") not in found
    assert found["earn", "bonuses[1].when"] == "not_held"


def test_a_cap_fires_when_something_is_cut(tmp_path: Path) -> None:
    assert ("earn", "caps[0]") in never(tmp_path, BOUGHT)
    found = never(tmp_path, "{purchase: {at: 2026-01-10, amount: 50.00}}")
    assert ("earn", "caps[0]") not in found
    assert found["earn", "caps[1]"] == "not_fired"


def test_conditions_on_lines_fire_too(tmp_path: Path) -> None:
    found = never(tmp_path, "{purchase: {at: 2026-01-10, lines: [{category: gift, amount: 5.00}, {category: tea, amount: 5.00}]}}")
    assert ("earn", "exclude_lines") not in found


def test_limits_of_a_redemption_fire_when_they_refuse(tmp_path: Path) -> None:
    found = never(
        tmp_path,
        "{purchase: {at: 2026-01-10, amount: 100.00}}",
        "{redemption: {at: 2026-01-20, points: 10}}\n        then: {refused: points.redemption.below_minimum}",
    )
    assert ("pay", "minimum") not in found
    assert found["pay", "maximum"] == "not_fired"
    assert found["pay", ""] == "not_fired"


def test_time_fires_rules_as_well(tmp_path: Path) -> None:
    found = never(tmp_path, "{purchase: {at: 2026-01-10, amount: 100.00}}", "{day_end: 2026-04-30}")
    assert {("points", "pending"), ("points", "expiry"), ("levels", "term"), ("levels", "levels[1].keep")}.isdisjoint(found)


def test_a_quote_asks_rules_too(tmp_path: Path) -> None:
    assert ("earn", "bonuses[1].when") not in never(tmp_path, "{quote: {purchase: {at: 2026-01-10, amount: 500.00}}}")


def test_versions_are_told_apart_and_retired_ones_left_out(tmp_path: Path) -> None:
    (covered,) = played(tmp_path, f"  - name: x\n    steps: [{{when: {BOUGHT}}}]\n").covered()
    versions = [(rule.policy_id, rule.effective_from) for rule in covered.never if rule.rule == ""]
    assert ("earn", date(2030, 1, 1)) in versions
    assert "old" not in {policy for policy, _ in versions}


def test_each_rule_has_its_place_in_the_document(tmp_path: Path) -> None:
    (covered,) = played(tmp_path, f"  - name: x\n    steps: [{{when: {BOUGHT}}}]\n").covered()
    lines = DOCUMENT.splitlines()
    places = {rule.rule: (rule.line, rule.column) for rule in covered.never if rule.policy_id == "levels"}
    line, column = places["levels[1].keep"]
    assert lines[line - 1][column - 1 :] == '{spend: ">= 50"}'
    line, _ = places["exclude[0].when"]
    assert "segment: staff" in lines[line - 1]
    assert [(rule.line, rule.column) for rule in covered.never] == sorted((rule.line, rule.column) for rule in covered.never)


def test_the_count_of_rules_is_that_of_the_document(tmp_path: Path) -> None:
    (covered,) = played(tmp_path, f"  - name: x\n    steps: [{{when: {BOUGHT}}}]\n").covered()
    # levels: itself, 3 levels, 3 enter and keep, exclude, term = 9; points: itself, expiry, pending = 3;
    # earn: itself, 2 rates, 2 bonuses, lines, 2 caps = 8; earn of 2030: 1; pay: itself, minimum, maximum, when = 4
    assert covered.total == 25
    assert covered.fired == covered.total - len(covered.never)


def test_several_files_of_one_program_add_up(tmp_path: Path) -> None:
    first, second = BOUGHT, "{purchase: {at: 2026-01-10, amount: 500.00}}"
    (covered,) = played(tmp_path, f"  - name: x\n    steps: [{{when: {first}}}]\n  - name: y\n    steps: [{{when: {second}}}]\n").covered()
    rules = {(rule.policy_id, rule.rule) for rule in covered.never}
    assert {("levels", "levels[0]"), ("earn", "bonuses[1].when")}.isdisjoint(rules)


TABLES = """
program: shop
zone: UTC
currency: GBP
profile: {region: {type: text, values: [north, south]}}
policies:
  - id: care
    kind: table
    hit: FIRST
    inputs: [region]
    outputs: [owner]
    rows:
      - [north, ann]
      - ["-", bob]
      - [south, eve]
  - id: gift
    kind: table
    inputs: [care.owner]
    outputs: [{name: points, type: whole}]
    csv: gifts.csv
  - id: levels
    kind: tiers.ladder
    levels: [{name: member}, {name: friend, enter: {gift.points: ">= 5"}}]
    downgrade: one_level
"""


def test_rows_of_tables_fire_when_an_answer_is_made_of_them(tmp_path: Path) -> None:
    (tmp_path / "gifts.csv").write_text("care.owner,-> points\nann,5\nbob,7\n", "utf-8")
    (covered,) = played(tmp_path, "  - name: x\n    customer: {region: north}\n    steps: [{when: {day_end: 2026-01-10}}]\n", TABLES).covered()
    never = {(rule.policy_id, rule.rule): (rule.why, Path(rule.source).name, rule.line) for rule in covered.never if rule.policy_id != "levels"}
    line = TABLES.splitlines().index('      - ["-", bob]') + 1
    assert never == {
        ("care", "rows[1]"): ("not_asked", "shop.yaml", line),  # the row above it held: FIRST looked no further
        ("care", "rows[2]"): ("not_asked", "shop.yaml", line + 1),
        ("gift", "rows[1]"): ("not_held", "gifts.csv", 3),
    }


def test_coverage_is_plain_data(tmp_path: Path) -> None:
    (covered,) = played(tmp_path, f"  - name: x\n    steps: [{{when: {BOUGHT}}}]\n").covered()
    data: dict[str, Any] = covered.to_data()
    assert data["program"] == "shop"
    assert data["document"] == str(tmp_path / "shop.yaml")
    assert set(data["never"][0]) == {"policy_id", "effective_from", "rule", "why", "source", "line", "column"}


def test_a_program_that_was_given_in_code_has_no_lines(tmp_path: Path) -> None:
    text = f"scenarios: [{{name: x, steps: [{{when: {BOUGHT}}}]}}]"
    coverage = Coverage()
    (planned,) = collect("x", text=text, program=loads(DOCUMENT))
    assert planned.run(coverage).passed
    (covered,) = coverage.covered()
    assert covered.document == "shop"
    assert covered.never
