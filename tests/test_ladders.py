"""Ladders: terms, names, watch, legacy and rollover at their edges, beside the golden scenarios."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

import custrules as cr
from custrules.facts import FactType, Levels, merged_levels, upto_level
from custrules.policies.tiers import Ladder
from custrules.policies.tiers.held import Floor, Held
from custrules.policies.tiers.terms import Course, Term
from custrules.state_parts import Level
from custrules.testing import check_policy

SPEND: dict[str, Any] = {"spend": {"sum": "spend", "window": "12 months"}}
TWO: list[dict[str, Any]] = [{"name": "member"}, {"name": "gold", "enter": {"spend": ">= 100"}}]


def program(*ladders: dict[str, Any], measures: dict[str, Any] | None = None, **sections: Any) -> cr.Program:
    head = {"id": "levels", "kind": "tiers.ladder", "downgrade": "one_level", "levels": TWO}
    return cr.Program(id="p", zone="UTC", currency="EUR", measures=measures or SPEND, policies=[head | ladder for ladder in ladders], **sections)


def event(kind: str, day: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "id": f"{kind}-{day}", "customer_id": "c", "occurred_at": f"{day}T12:00:00Z", **fields}


def stepped(p: cr.Program, *events: dict[str, Any]) -> cr.Step:
    state = cr.State.new("c")
    for data in events:
        step = p.step(state, p.event(data))
        assert step.accepted, step.refusal
        state = step.state
    return step


def until(p: cr.Program, state: cr.State, day: str) -> cr.Step:
    return p.advance(state, to=datetime.fromisoformat(f"{day}T23:00:00").replace(tzinfo=UTC))


def codes(step: cr.Step) -> list[str]:
    return [why.code for decision in step.decisions for why in decision.reasons]


# -- terms -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "12 months",
        {"length": "12 months", "rounded_to": "end_of_month"},
        {"length": "12 months", "from": "join_date", "minimum": "3 months"},
        {"length": "1 year", "from": "01-01", "plus": "3 months"},
    ],
)
def test_a_term_is_written_back_as_it_was_read(written: object) -> None:
    assert Term.model_validate(written).model_dump() == written


def test_a_term_that_is_counted_from_the_upgrade_says_so_only_where_it_has_to() -> None:
    written: object = Term.model_validate({"length": "12 months", "from": "upgrade"}).model_dump()
    assert written == "12 months"


@pytest.mark.parametrize("day", ["02-29", "13-01", "00-10", "1-1", "01/01", "٠١-٠١"])
def test_a_term_begins_on_a_day_that_every_year_has(day: str) -> None:
    with pytest.raises(cr.DocumentError, match=r"document\.wrong_type"):
        program({"term": {"length": "1 year", "from": day}})


def test_terms_of_a_few_days_from_joining_follow_one_another() -> None:
    term, course = Term.model_validate({"length": "10 days", "from": "join_date"}), Course(date(2020, 1, 1))
    assert term.first(date(2026, 1, 1), course) == date(2026, 1, 9)  # 2192 days after joining; 220 terms make 2200
    assert term.renewed(date(2026, 1, 1), 1, date(2026, 1, 9), course) == (date(2026, 1, 19), 2)


@pytest.mark.parametrize("joined", ["2020-01-01", "2020-02-29", "2020-12-31"])
@pytest.mark.parametrize(
    "written",
    [
        "1 month",
        {"length": "1 month", "from": "join_date", "rounded_to": "end_of_quarter"},
        {"length": "1 week", "from": "join_date", "plus": "40 days"},
        {"length": "1 month", "from": "12-31", "minimum": "45 days"},
        {"length": "1 month", "from": "end_of_qualifying_year"},
        {"length": "30 months", "from": "end_of_qualifying_year"},
    ],
)
def test_a_term_ends_after_it_begins_and_is_never_longer_than_is_remembered(written: object, joined: str) -> None:
    term, course = Term.model_validate(written), Course(date.fromisoformat(joined), "membership")
    for number in range(date(2023, 12, 1).toordinal(), date(2024, 4, 1).toordinal()):
        day = date.fromordinal(number)
        last = term.first(day, course)
        assert 0 < (last - day).days <= term.at_most_days
        assert term.renewed(day, 1, last, course)[0] > last


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_level_that_was_renamed_twice_keeps_its_rank() -> None:
    names = [("gold", ()), ("platinum", ("gold",)), ("palladium", ("platinum",))]
    versions = [
        {"effective_from": f"202{year}-01-01", "levels": [{"name": "member"}, {"name": name, "was": list(was), "enter": {"spend": ">= 100"}}]}
        for year, (name, was) in enumerate(names, 4)
    ]
    p = program(*versions)
    state = stepped(p, event("purchase", "2024-12-30", amount="100.00")).state
    step = until(p, state, "2026-01-01")
    assert codes(step) == ["tiers.level.renamed", "tiers.review.kept"] or codes(step).count("tiers.level.renamed") == 2
    tier = p.rulebook.types["tier"]
    assert {tier.rank(name) for name in ("gold", "platinum", "palladium")} == {3}


def test_two_levels_that_become_one_have_ranks_of_their_own_before() -> None:
    first = FactType("level", ("member", "silver", "gold"))
    both = merged_levels(first, FactType("level", ("member", "premium"), former=(("silver", "premium"), ("gold", "premium"))))
    assert both.values == ("member", "silver", "gold", "premium")
    assert [both.rank(name) for name in both.values] == [0, 1, 2, 3]


def test_a_level_and_all_below_it_are_found_by_every_name() -> None:
    kind = FactType("level", ("member", "gold", "platinum"), former=(("gold", "platinum"),))
    assert upto_level("gold", Levels(kind.values, kind)) == ["member", "gold", "platinum"]
    assert upto_level("gold", ("member", "gold", "platinum")) == ["member", "gold"]
    assert upto_level("iron", Levels(kind.values, kind)) == []


def test_a_level_of_a_version_to_come_cannot_be_granted_yet() -> None:
    later = {"effective_from": "2027-01-01", "levels": [*TWO, {"name": "diamond", "enter": {"spend": ">= 900"}}]}
    p = program({}, later)
    step = stepped(p, event("visit", "2026-01-01"), event("tier_grant", "2026-01-02", level="diamond", reason="match"))
    assert [(decision.outcome, why.code) for decision in step.decisions for why in decision.reasons] == [("DECLINED", "tiers.grant.unknown")]
    assert step.state.tier() == Level("member", date(2026, 1, 1), None)


# -- floors ------------------------------------------------------------------------------------------------------------


def test_floors_under_a_level_are_remembered_with_their_last_days() -> None:
    held = Held(2, date(2026, 1, 1), None, "earned", date(2026, 1, 1))
    for floor in (Floor(1, date(2026, 3, 1)), Floor(1, date(2027, 1, 1)), Floor(2, date(2026, 6, 1))):
        held = held.with_floor(floor, date(2026, 1, 2))
    names = ("member", "silver", "gold")
    data = held.to_data(names)
    assert (data["floor"], data["floor_until"], data["floors"]) == ("gold", "2026-06-01", '[["silver","2027-01-01"]]')
    assert [held.floor_on(date(2026, month, 2)) for month in (1, 6)] == [2, 1]


# -- watch, legacy, exclusion, retirement ------------------------------------------------------------------------------

LAST_MONTH: dict[str, Any] = {"spend": {"sum": "spend", "window": "last calendar month"}}
MONTHLY: dict[str, Any] = {"review": {"every": "month"}, "watch": {"after": "2 reviews below", "lasts": "1 review"}}


def test_an_exclusion_ends_the_watch_with_the_level() -> None:
    rule = {"exclude": [{"when": {"segment": "staff"}, "reason": "staff"}], **MONTHLY}
    p = program(rule, measures=LAST_MONTH, profile={"segment": {"type": "text"}})
    state = until(p, stepped(p, event("purchase", "2026-01-10", amount="100.00")).state, "2026-03-01").state
    assert (state.tier(), state.status("tier.watch").value) == (Level("gold", date(2026, 2, 1), None), "below")
    state = p.step(state, p.event(event("profile_update", "2026-03-02", profile={"segment": "staff"}))).state
    assert state.tier() is None
    assert state.status("tier.watch").value is None


def test_a_retired_ladder_still_takes_levels_and_gives_none() -> None:
    p = program({"review": {"every": "month"}}, {"review": {"every": "month"}, "retired": True, "effective_from": "2026-02-15"}, measures=LAST_MONTH)
    state = until(p, stepped(p, event("purchase", "2026-01-10", amount="100.00")).state, "2026-02-20").state
    assert state.tier() == Level("gold", date(2026, 2, 1), None)
    step = until(p, p.step(state, p.event(event("purchase", "2026-02-21", amount="50.00"))).state, "2026-03-01")
    assert codes(step) == ["tiers.downgrade.one_level"]
    step = until(p, p.step(step.state, p.event(event("purchase", "2026-03-21", amount="500.00"))).state, "2026-05-01")
    assert step.state.tier() == Level("member", date(2026, 3, 1), None)


def test_a_version_that_asks_for_the_same_says_nothing_of_legacy() -> None:
    p = program({"term": "12 months"}, {"term": "24 months", "legacy": "review_at_once", "effective_from": "2026-07-01"})
    state = stepped(p, event("purchase", "2026-01-10", amount="100.00"), event("purchase", "2026-01-11", amount="1.00")).state
    assert codes(until(p, state, "2026-07-02")) == []


def test_the_first_event_on_the_first_day_of_a_version_is_no_legacy() -> None:
    dear = [{"name": "member"}, {"name": "gold", "enter": {"spend": ">= 1000"}}]
    p = program({}, {"levels": dear, "legacy": "review_at_once", "effective_from": "2026-07-01"})
    step = stepped(p, event("purchase", "2026-07-01", amount="100.00"))
    assert codes(step) == ["tiers.start.base"]


def test_why_a_level_came_under_watch_is_explained() -> None:
    p = program(MONTHLY, measures=LAST_MONTH)
    state = until(p, stepped(p, event("purchase", "2026-01-10", amount="100.00")).state, "2026-02-28").state
    told = cr.render(p.explain(state, p.event(event("visit", "2026-03-02"))))
    assert "low review 1 of the 2 in a row" in told
    assert "levels[1].enter" in told


# -- the contract ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"review": {"every": "month"}, "watch": {"after": "1 review below", "lasts": "2 reviews"}, "downgrade": "to_earned"},
        {"term": {"length": "3 months", "from": "join_date", "minimum": "1 month"}, "review": {"every": "quarter"}, "upgrade": "at_review"},
        {"bought": [{"event": "visit", "level": "gold", "length": "40 days"}], "term": "1 month"},
    ],
)
def test_a_ladder_keeps_the_contract_of_policies(fields: dict[str, Any]) -> None:
    levels = [{"name": "member"}, {"name": "silver", "enter": {"spend": ">= 50"}}, {"name": "gold", "enter": {"orders": ">= 3"}}]
    check_policy(Ladder.read({"id": "tier", "downgrade": "one_level", "levels": levels} | fields), examples=30, skip=("descriptions",))
