"""Stages of the relationship: which are entered from which, how long one stays, and what check finds."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime
from typing import Any

import pytest

import custrules as cr
from custrules.policies.lifecycle import Stages
from custrules.testing import check_policy

MEASURES = {"orders": {"count": "purchase", "window": "lifetime"}, "idle": {"since": "purchase"}, "spend": {"sum": "spend", "window": "12 months"}}
# acquisition → development → retention → at risk → win-back → reactivated
STAGES: list[dict[str, Any]] = [
    {"name": "acquisition", "from": "none"},
    {"name": "win_back", "when": {"idle": "> 90"}},
    {"name": "at_risk", "when": {"idle": "> 45"}, "from": ["development", "retention", "reactivated"]},
    {"name": "development", "when": {"orders": "[1..2]"}, "from": ["none", "acquisition", "at_risk"]},
    {"name": "retention", "when": {"orders": ">= 3"}, "from": ["development", "at_risk", "reactivated"]},
    {"name": "reactivated", "when": {"idle": "<= 45"}, "from": "win_back", "stays": "30 days"},
]


def program(stages: list[dict[str, Any]] = STAGES, *others: dict[str, Any], **sections: Any) -> cr.Program:
    policy = {"id": "life", "kind": "lifecycle.stages", "stages": stages}
    return cr.Program(**{"id": "shop", "zone": "Asia/Shanghai", "currency": "CNY", "measures": MEASURES, **sections}, policies=[policy, *others])


def lived(shop: cr.Program, *days: str, state: cr.State | None = None) -> cr.State:
    state = state or cr.State.new("c")
    for day in days:
        event = {"type": "purchase", "id": f"o{day}", "customer_id": "c", "occurred_at": f"{day}T04:00:00Z", "amount": "10"}
        state = shop.step(state, shop.event(event)).state
    return state


def stage(shop: cr.Program, state: cr.State, day: str) -> Any:
    return shop.advance(state, datetime.fromisoformat(f"{day}T04:00:00+00:00")).state.status("lifecycle").value


def faults(*stages: dict[str, Any], others: list[dict[str, Any]] | None = None) -> list[tuple[str, str]]:
    with pytest.raises(cr.DocumentError) as caught:
        program(list(stages), *(others or []))
    return [(found.code, found.path) for found in caught.value.diagnostics]


# -- moving --------------------------------------------------------------------------------------------------------------


def test_a_customer_goes_through_the_stages_by_what_is_done_and_left_undone() -> None:
    shop = program()
    enrolled = shop.step(
        cr.State.new("c"), shop.event({"type": "enrolment", "id": "e", "customer_id": "c", "occurred_at": "2026-01-01T04:00:00Z"})
    ).state
    assert enrolled.status("lifecycle").value == "acquisition"
    state = lived(shop, "2026-01-02", state=enrolled)
    assert state.status("lifecycle").value == "development"
    state = lived(shop, "2026-01-03", "2026-01-04", state=state)
    assert state.status("lifecycle").value == "retention"
    # 4 January + 45 days = 18 February is still within, + 90 days = 4 April
    assert [stage(shop, state, day) for day in ("2026-02-18", "2026-02-19", "2026-04-04", "2026-04-05")] == [
        "retention",
        "at_risk",
        "at_risk",
        "win_back",
    ]
    back = lived(shop, "2026-05-01", state=state)
    assert back.status("lifecycle").value == "reactivated"
    assert back.status("lifecycle").data == {"stays_until": "2026-05-31"}
    assert [stage(shop, back, day) for day in ("2026-05-31", "2026-06-01")] == [
        "reactivated",
        "retention",
    ]  # 1 May + 30 days, then three orders and more


def test_a_stage_that_may_not_be_entered_from_the_present_one_is_not_though_its_condition_holds() -> None:
    shop = program()
    state = lived(shop, "2026-01-01", "2026-01-02", "2026-01-03")  # three orders: but development comes first on the way
    assert state.status("lifecycle").value == "retention"
    assert stage(shop, state, "2026-09-01") == "win_back"
    back = lived(shop, "2026-09-02", state=state)
    assert back.status("lifecycle").value == "reactivated"  # orders >= 3 holds too, but retention is not entered from win_back


def test_several_stages_may_be_passed_in_one_step_and_each_is_told() -> None:
    ladder = [{"name": "new", "when": {"orders": ">= 1"}, "from": "none"}, {"name": "known", "when": {"orders": ">= 1"}, "from": "new"}]
    shop = program(ladder)
    assert lived(shop, "2026-01-01").status("lifecycle").value == "new"  # it stays where its condition holds
    ladder = [{"name": "known", "when": {"orders": ">= 1"}, "from": "new"}, {"name": "new", "when": {"orders": ">= 1"}, "from": "none"}]
    shop = program(ladder)
    event = shop.event({"type": "purchase", "id": "o", "customer_id": "c", "occurred_at": "2026-01-01T04:00:00Z", "amount": "10"})
    (decision,) = shop.step(cr.State.new("c"), event).decisions
    assert [(why.params["before"], why.params["stage"]) for why in decision.reasons] == [(None, "new"), ("new", "known")]


def test_who_fits_nowhere_stays_and_who_is_in_no_stage_yet_has_none() -> None:
    shop = program([{"name": "fresh", "when": {"idle": "<= 10"}}, {"name": "old", "when": {"idle": "> 20"}}])
    state = lived(shop, "2026-01-01")
    assert [stage(shop, state, day) for day in ("2026-01-11", "2026-01-15", "2026-01-22")] == ["fresh", "fresh", "old"]
    nobody = shop.step(cr.State.new("c"), shop.event({"type": "enrolment", "id": "e", "customer_id": "c", "occurred_at": "2026-01-01T04:00:00Z"}))
    assert nobody.decisions == ()


def test_the_stage_without_a_condition_is_for_those_to_whom_no_other_applies() -> None:
    shop = program([{"name": "rest"}, {"name": "fresh", "when": {"idle": "<= 10"}}])
    state = lived(shop, "2026-01-01")
    assert [stage(shop, state, day) for day in ("2026-01-11", "2026-01-12")] == ["fresh", "rest"]


def test_a_stay_is_not_cut_short_by_time_nor_by_events() -> None:
    shop = program(
        [
            {"name": "gift", "when": {"orders": ">= 2"}, "from": "new", "stays": "1 month"},
            {"name": "new", "when": {"orders": ">= 1"}},
            {"name": "gone", "when": {"idle": "> 5"}},
        ]
    )
    state = lived(shop, "2026-01-31", "2026-01-31", "2026-02-01")
    assert state.status("lifecycle").value == "gift"
    assert shop.next_due(state) == datetime(2026, 3, 1, 16, tzinfo=UTC)  # 1 February + 1 month = 1 March is the last day of the stay


def test_the_stage_is_a_fact_with_the_order_in_which_stages_are_written() -> None:
    gate = {"id": "gate", "kind": "table", "inputs": ["lifecycle"], "outputs": ["x"], "rows": [[">= at_risk", "yes"]]}
    assert program(STAGES, gate).evaluate("gate", {"lifecycle": "retention"}).value == {"x": "yes"}


def test_stages_answer_on_facts_alone_as_for_a_new_customer() -> None:
    shop = program()
    assert [shop.evaluate("life", {"orders": orders, "idle": idle}).value for orders, idle in ((0, None), (1, 3), (3, 3), (3, 60), (3, 99))] == [
        "acquisition",
        "development",
        None,  # retention is not entered from none, and for the rest there is only acquisition where nothing else holds
        None,
        "win_back",
    ]


# -- versions, openings, the end -----------------------------------------------------------------------------------------


def test_a_stage_that_is_called_otherwise_is_renamed_on_the_first_day() -> None:
    later = {
        "id": "life",
        "kind": "lifecycle.stages",
        "effective_from": "2026-02-01",
        "stages": [{"name": "active", "was": ["fresh", "warm"], "when": {"idle": "<= 99"}}],
    }
    shop = program([{"name": "fresh", "when": {"idle": "<= 99"}}, {"name": "warm", "when": {"idle": "> 99"}}], later)
    state = lived(shop, "2026-01-10")
    step = shop.advance(state, datetime(2026, 2, 2, tzinfo=UTC))
    assert [decision.codes for decision in step.decisions] == [("lifecycle.stage.renamed",)]
    assert step.state.status("lifecycle").value == "active"


def test_a_stage_that_vanishes_is_a_fault() -> None:
    later = {"id": "life", "kind": "lifecycle.stages", "effective_from": "2026-02-01", "stages": [{"name": "active"}]}
    assert faults({"name": "fresh"}, others=[later]) == [("document.level_vanished", "policies[1].stages")]


def test_a_stage_is_brought_along_by_an_opening_and_cannot_be_granted() -> None:
    shop = program()
    head = {"customer_id": "c", "occurred_at": "2026-01-10T04:00:00Z"}
    opened = {"type": "opening", "id": "o", "levels": {"lifecycle": {"level": "win_back", "since": "2025-12-01", "until": "2026-01-20"}}, **head}
    state = shop.step(cr.State.new("c"), shop.event(opened)).state
    held = state.status("lifecycle")
    assert (held.value, held.since, dict(held.data)) == ("win_back", date(2025, 12, 1), {"stays_until": "2026-01-20"})
    back = lived(shop, "2026-01-22", state=state)
    assert back.status("lifecycle").value == "reactivated"
    with pytest.raises(cr.EventError, match="lifecycle"):
        shop.event({"type": "tier_grant", "id": "g", "status": "lifecycle", "level": "win_back", "reason": "x", **head})


def test_with_the_account_its_stage_ends() -> None:
    shop = program()
    event = shop.event({"type": "closure", "id": "x", "customer_id": "c", "occurred_at": "2026-01-10T04:00:00Z", "reason": "asked"})
    step = shop.step(lived(shop, "2026-01-01"), event)
    assert (step.decisions[-1].codes, step.state.status("lifecycle").value) == (("lifecycle.closure.ended",), None)


def test_a_retired_version_moves_nobody() -> None:
    shop = program(STAGES, {"id": "life", "kind": "lifecycle.stages", "effective_from": "2026-02-01", "stages": STAGES, "retired": True})
    assert stage(shop, lived(shop, "2026-01-10"), "2027-01-01") == "development"


def test_progress_tells_the_stage_and_what_time_will_bring() -> None:
    shop = program()
    (ladder,) = shop.progress(lived(shop, "2026-01-10")).ladders
    assert (ladder.level, [(change.on.isoformat(), change.level) for change in ladder.coming]) == (
        "development",
        [("2026-02-25", "at_risk"), ("2026-04-11", "win_back")],  # 10 January + 46 days, + 91 days
    )


# -- faults and findings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([{"name": "a"}, {"name": "a", "when": {"idle": "> 1"}}], [("document.name_taken", "policies[0].stages[1].name")]),
        ([{"name": "none"}], [("document.reserved_id", "policies[0].stages[0].name")]),
        ([{"name": "a"}, {"name": "b"}], [("document.missing_field", "policies[0].stages[1]")]),
        ([{"name": "a", "from": "c"}], [("document.unknown_choice", "policies[0].stages[0].from")]),
        ([{"name": "a", "from": ["a"]}], [("document.not_with", "policies[0].stages[0].from")]),
        ([{"name": "a", "was": "b"}, {"name": "b", "when": {"idle": "> 1"}}], [("document.name_taken", "policies[0].stages[0].was")]),
        ([{"name": "a", "when": {"lifecycle": "a"}}], [("document.fact_circle", "policies[0].stages[0].when")]),
        ([{"name": "a", "stays": "long"}], [("document.wrong_type", "policies[0].stages[0].stays")]),
        ([], [("document.too_few", "policies[0].stages")]),
    ],
)
def test_a_fault_is_told_with_its_place(stages: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    assert faults(*stages) == expected


def found(*stages: dict[str, Any]) -> list[tuple[str, str, str]]:
    told = [one for one in cr.check(program(list(stages))) if one.code not in ("check.unread_measure",)]
    return [(one.code, one.path.removeprefix("policies[0].stages"), str(one.params.get("witness") or one.params.get("before") or "")) for one in told]


def test_the_stages_of_the_guides_have_no_finding() -> None:
    assert found(*STAGES) == []


def test_a_stage_whose_customers_are_all_taken_by_one_before_it_is_unreachable() -> None:
    assert found({"name": "some", "when": {"orders": ">= 1"}}, {"name": "many", "when": {"orders": ">= 3"}}, {"name": "rest"}) == [
        ("check.stage_unreachable", "[1]", "")
    ]


def test_a_stage_that_is_entered_only_from_one_that_nobody_is_in_is_unreachable_too() -> None:
    chain: list[dict[str, Any]] = [
        {"name": "rest"},
        {"name": "b", "when": {"orders": ">= 2"}, "from": "c"},
        {"name": "c", "when": {"orders": ">= 3"}, "from": "b"},
    ]
    assert [row[:2] for row in found(*chain)] == [
        ("check.no_first_stage", ""),  # with two orders: rest is for those to whom no other applies
        ("check.stage_unreachable", "[1]"),
        ("check.stage_unreachable", "[2]"),
    ]


def test_a_way_that_nobody_goes_is_told() -> None:
    stages: list[dict[str, Any]] = [
        {"name": "big", "when": {"spend": ">= 100"}},
        {"name": "rest"},
        {"name": "mid", "when": {"spend": ">= 50"}, "from": ["rest", "big", "none"]},
    ]
    assert found(*stages) == []
    stages[2]["when"] = {"spend": ">= 50", "orders": ">= 1"}
    stages[1]["when"] = {"spend": "< 50"}
    stages[0]["when"] = {"spend": ">= 20", "orders": ">= 1"}
    assert ("check.stage_unreachable", "[2]", "") in found(*stages)
    stages[0]["from"] = "rest"
    assert [row for row in found(*stages) if row[0] == "check.transition_never"] == [
        ("check.transition_never", "[2].from", "rest"),
        ("check.transition_never", "[2].from", "big"),
    ]


def test_customers_who_begin_in_no_stage_are_told_with_an_example() -> None:
    assert found({"name": "some", "when": {"orders": "[2..5]"}}) == [("check.no_first_stage", "", "orders 0")]


# -- the contract --------------------------------------------------------------------------------------------------------


def test_stages_keep_the_contract_of_policies() -> None:
    stages = [
        {"name": "rest"},
        {"name": "gone", "when": {"idle": "> 40"}},
        {"name": "risk", "when": {"idle": "> 15"}, "from": ["new", "back"]},
        {"name": "new", "when": {"orders": ">= 1"}, "from": ["none", "rest", "risk"]},
        {"name": "back", "when": {"idle": "<= 15"}, "from": "gone", "stays": "10 days"},
    ]
    check_policy(Stages.read({"id": "life", "stages": stages}), examples=10, skip=("descriptions",))
    by_level = [
        {"name": "top", "when": {"tier": ">= silver"}, "stays": "1 month"},
        {"name": "base", "when": {"segment": "not(staff)"}},
        {"name": "rest"},
    ]
    check_policy(Stages.read({"id": "life", "stages": by_level}), examples=10, skip=("descriptions",))


def test_a_program_with_stages_comes_back_from_json_and_pickle() -> None:
    shop = program()
    assert cr.Program.from_json(shop.to_json()) == shop
    assert pickle.loads(pickle.dumps(shop)) == shop
