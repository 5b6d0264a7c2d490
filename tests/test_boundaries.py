"""Boundary scenarios that the engine writes: each mark from both sides, with marks that were worked out by hand here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import custrules as cr
from custrules.cli.output import words

pytest.importorskip("yaml")

from custrules.testing.scenario_boundaries import boundaries
from custrules.testing.scenario_writing import Scenario, file_text, passes

GOLDEN = sorted(path for path in (Path(__file__).parent / "golden").glob("*.yaml") if ".scenarios." not in path.name)
ACCOUNT: dict[str, Any] = {"id": "points", "kind": "points.account", "expiry": "never"}
SECTIONS: dict[str, Any] = {
    "zone": "UTC",
    "currency": "GBP",
    "profile": {"segment": {"type": "text", "values": ["staff", "regular"]}},
    "activities": {"check_in": {"steps": "number"}, "walk": {"quantity": "km"}},
    "calendar": {"member_day": {"day_of_month": 8}},
    "measures": {
        "spend": {"sum": "spend", "window": "12 months"},
        "orders": {"count": "purchase", "window": "12 months"},
        "referrals": {"count": "referral", "window": "12 months"},
        "steps": {"sum": "check_in", "window": "12 months"},
        "walked": {"sum": "walk", "window": "12 months"},
        "before": {"sum": "spend", "window": "last calendar month"},
        "food": {"sum": "spend", "window": "12 months", "lines": {"category": "food"}},
    },
}


def say(key: str, **params: object) -> str:
    return words("en", key, **params)


def found(*policies: dict[str, Any]) -> list[Scenario]:
    return boundaries(program(*policies), say)


def program(*policies: dict[str, Any]) -> cr.Program:
    return cr.Program(id="shop", policies=list(policies), **SECTIONS)


def ladder(enter: Any, **fields: Any) -> dict[str, Any]:
    level = {"name": "silver", "enter": enter, **({"keep": fields.pop("keep")} if "keep" in fields else {})}
    return {"id": "levels", "kind": "tiers.ladder", "levels": [{"name": "member"}, level], "downgrade": "one_level", **fields}


def tiers(scenarios: list[Scenario]) -> dict[str, str]:
    """By name, the level after the last step that tells one."""
    told: dict[str, str] = {}
    for scenario in scenarios:
        for step in scenario["steps"]:
            told[scenario["name"]] = step.get("then", {}).get("tier", told.get(scenario["name"], "?"))
    return {name: tier for name, tier in told.items() if "levels" in name}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_boundaries_of_every_golden_program_pass_as_they_are_written(path: Path) -> None:
    golden = cr.load(path)
    scenarios = boundaries(golden, say)
    assert scenarios
    assert passes(file_text("x.yaml", scenarios, ["a remark"]), golden)
    assert len({scenario["name"] for scenario in scenarios}) == len(scenarios)


def test_a_sum_is_tried_one_penny_below_its_mark_and_at_it() -> None:
    assert tiers(found(ladder({"spend": ">= 100"}))) == {
        "levels: reaching silver: spend 99.99 is outside >= 100": "member",
        "levels: reaching silver: spend 100.00 is inside >= 100": "silver",
    }


def test_an_open_end_is_tried_at_it_and_one_penny_above() -> None:
    assert tiers(found(ladder({"spend": "> 100"}))) == {
        "levels: reaching silver: spend 100.00 is outside > 100": "member",
        "levels: reaching silver: spend 100.01 is inside > 100": "silver",
    }


@pytest.mark.parametrize(("fact", "below", "at"), [("orders", "4", "5"), ("referrals", "4", "5"), ("steps", "4", "5"), ("walked", "4", "5")])
def test_a_number_is_tried_one_below_its_mark_and_at_it(fact: str, below: str, at: str) -> None:
    assert tiers(found(ladder({fact: ">= 5"}))) == {
        f"levels: reaching silver: {fact} {below} is outside >= 5": "member",
        f"levels: reaching silver: {fact} {at} is inside >= 5": "silver",
    }


def test_marks_that_hold_together_are_tried_one_by_one() -> None:
    assert set(tiers(found(ladder({"spend": ">= 100", "orders": ">= 3"})))) == {
        "levels: reaching silver: spend 99.99 is outside >= 100",
        "levels: reaching silver: spend 100.00 is inside >= 100",
        "levels: reaching silver: orders 2 is outside >= 3",
        "levels: reaching silver: orders 3 is inside >= 3",
    }


def test_each_way_into_a_level_is_tried() -> None:
    assert set(tiers(found(ladder({"any": [{"spend": ">= 100"}, {"referrals": ">= 2"}]})))) == {
        "levels: reaching silver: spend 99.99 is outside >= 100",
        "levels: reaching silver: spend 100.00 is inside >= 100",
        "levels: reaching silver: referrals 1 is outside >= 2",
        "levels: reaching silver: referrals 2 is inside >= 2",
    }


def test_a_balance_is_tried_with_points_given_by_hand() -> None:
    assert set(tiers(found(ladder({"points": ">= 50"}), ACCOUNT)).values()) == {"member", "silver"}


def test_a_level_is_kept_or_lost_at_its_review() -> None:
    keeping = {
        name: tier for name, tier in tiers(found(ladder({"spend": ">= 100"}, keep={"spend": ">= 60"}, term="13 months"))).items() if "keep" in name
    }
    assert keeping == {
        "levels: keeping silver: spend 59.99 is outside >= 60": "member",
        "levels: keeping silver: spend 60.00 is inside >= 60": "silver",
    }


def test_a_level_that_is_reached_at_reviews_is_read_on_the_review_day() -> None:
    reviewed = ladder({"spend": ">= 100"}, upgrade="at_review", review={"every": "month", "day": 5})
    scenarios = found(reviewed)
    assert set(tiers(scenarios).values()) == {"member", "silver"}
    assert scenarios[0]["steps"][-1]["when"] == {"day_end": "2026-02-05"}


@pytest.mark.parametrize("enter", [{"food": ">= 5"}, {"not": {"spend": "< 5"}}, {"before": ">= 100"}], ids=str)
def test_a_mark_that_made_up_events_do_not_reach_is_left_out(enter: Any) -> None:
    assert tiers(found(ladder(enter))) == {}


def test_an_exclusion_is_tried_from_both_sides() -> None:
    excluded = tiers(found({**ladder({"spend": ">= 5"}), "exclude": [{"when": {"segment": "staff"}, "reason": "staff"}]}))
    assert excluded["levels, exclude[0].when: segment staff is inside staff"] == "none"
    assert excluded["levels, exclude[0].when: segment is not staff"] == "member"


def earned(rows: dict[str, Any]) -> dict[str, str]:
    """By name, the points after an accrual with some more rules."""
    scenarios = found(ACCOUNT, {"id": "earn", "kind": "points.accrual", "points_per_unit": 1, **rows})
    return {scenario["name"]: scenario["steps"][-1]["then"]["points"] for scenario in scenarios if "earn" in scenario["name"]}


def test_an_amount_is_tried_one_penny_below_its_mark_and_at_it() -> None:
    assert earned({"bonuses": [{"points": 50, "when": {"amount": ">= 200"}}]}) == {
        "earn, bonuses[0].when: amount 199.99 is outside >= 200": "199",
        "earn, bonuses[0].when: amount 200.00 is inside >= 200": "250",
    }


def test_an_upper_mark_is_tried_at_it_and_one_penny_above() -> None:
    assert earned({"bonuses": [{"points": 5, "when": {"amount": "<= 50"}}]}) == {
        "earn, bonuses[0].when: amount 50.01 is outside <= 50": "50",
        "earn, bonuses[0].when: amount 50.00 is inside <= 50": "55",
    }


def test_an_accrual_of_another_event_is_tried_with_that_event() -> None:
    thanks = {"id": "earn", "kind": "points.accrual", "event": "referral", "points": 3, "when": {"spend": ">= 20"}}
    told = {scenario["name"]: scenario["steps"][-1]["then"]["points"] for scenario in found(ACCOUNT, thanks) if "earn" in scenario["name"]}
    assert told["earn, when: spend 19.99 is outside >= 20"] == "0"
    assert told["earn, when: spend 20.00 is inside >= 20"] == "3"


def test_a_number_that_no_made_up_history_holds_is_left_out() -> None:
    assert tiers(found(ladder({"orders": ">= 1000"}))) == {}
    assert tiers(found(ladder({"spend": "< 0"}))) == {}


def test_a_day_is_tried_with_the_day_before() -> None:
    assert earned({"multiply": [{"by": 2, "when": {"member_day": True}}]}) == {
        "earn, multiply[0].when: member_day is not true": "100",
        "earn, multiply[0].when: member_day true is inside true": "200",
    }


def test_a_level_is_reached_first_where_a_rule_asks_for_it() -> None:
    scenarios = found(
        ladder({"spend": ">= 30"}),
        ACCOUNT,
        {"id": "earn", "kind": "points.accrual", "points_per_unit": 1, "bonuses": [{"points": 7, "when": {"tier": "silver"}}]},
    )
    bonus = {scenario["name"]: scenario["steps"][-1]["then"]["points"] for scenario in scenarios if "bonuses" in scenario["name"]}
    assert bonus == {"earn, bonuses[0].when: tier is not silver": "100", "earn, bonuses[0].when: tier silver is inside silver": "137"}


def test_lines_are_tried_by_their_category() -> None:
    assert earned({"multiply_lines": [{"by": 3, "lines": {"category": "tea"}}]}) == {
        "earn, multiply_lines[0].lines: category is not tea": "100",
        "earn, multiply_lines[0].lines: category tea is inside tea": "300",
    }


def test_a_rule_that_makes_no_difference_is_left_out() -> None:
    assert earned({"multiply": [{"by": 1, "when": {"member_day": True}}]}) == {}


def test_the_first_redemption_and_its_limits_are_tried() -> None:
    pay = {"id": "pay", "kind": "points.redemption", "value": {"points": 10, "money": "1"}, "minimum": 50, "step": 20, "maximum": 100}
    told = {scenario["name"]: scenario["steps"][0]["then"] for scenario in found(ACCOUNT, pay)}
    refused = {name: then.get("refused") for name, then in told.items() if name.startswith("pay")}
    assert refused == {
        "pay: 60 points, the least that can be redeemed": None,
        "pay: 40 points, one step less": "points.redemption.below_minimum",
        "pay: 80 points, more than there are": "points.redemption.insufficient",
        "pay: 61 points, which is no whole step": "points.redemption.not_a_step",
        "pay: 120 points, more than may be redeemed at once": "points.redemption.above_maximum",
    }


def test_points_are_read_on_their_last_day_and_the_day_after() -> None:
    (scenario,) = (scenario for scenario in found({**ACCOUNT, "expiry": "2 months"}) if "expiry" in scenario["tags"])
    assert scenario["name"] == "points: the last usable day is 2026-03-12"  # 12 January and two months
    assert [step["then"]["points"] for step in scenario["steps"]] == ["100", "0"]


def test_a_return_comes_in_two_parts() -> None:
    (scenario,) = (
        scenario for scenario in found(ACCOUNT, {"id": "earn", "kind": "points.accrual", "points_per_unit": 1}) if "return" in scenario["tags"]
    )
    assert [step["then"]["points"] for step in scenario["steps"]] == ["70", "0"]


def test_the_last_versions_are_tried() -> None:
    later = {**ladder({"spend": ">= 200"}), "effective_from": "2030-05-01"}
    assert set(tiers(found(ladder({"spend": ">= 100"}), later))) == {
        "levels: reaching silver: spend 199.99 is outside >= 200",
        "levels: reaching silver: spend 200.00 is inside >= 200",
    }


def test_bands_and_stages_have_boundaries_too() -> None:
    measures = {"spend": {"sum": "spend", "window": "lifetime"}, "orders": {"count": "purchase", "window": "lifetime"}}
    bands = {"id": "value", "kind": "segments.bands", "measure": "spend", "bands": {"low": "< 30", "high": ">= 30"}}
    stages = {"id": "life", "kind": "lifecycle.stages", "stages": [{"name": "known", "when": {"orders": ">= 2"}}, {"name": "new"}]}
    shop = cr.Program(id="shop", zone="Asia/Shanghai", currency="CNY", measures=measures, policies=[bands, stages])
    ends = [
        step["then"]
        for scenario in boundaries(shop, lambda word, **told: f"{word} {told}")
        for step in scenario["steps"]
        if "day_end" in step["when"]
    ]
    assert [end["value"] for end in ends[:4]] == ["high", "low", "low", "high"]  # outside and inside of each cell, at 30.00 and 29.99
    assert [end["lifecycle"] for end in ends[4:]] == ["new", "known"]
