"""Gaps: what a changed program misses in a state that was made under the one before; and how they fill with time."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import pytest

import custrules as cr
from custrules.events import AnyEvent

ACCOUNT: dict[str, Any] = {"id": "points", "kind": "points.account", "expiry": "never"}
EARN: dict[str, Any] = {"id": "earn", "kind": "points.accrual", "points_per_unit": 1}
LADDER: dict[str, Any] = {"id": "levels", "kind": "tiers.ladder", "downgrade": "one_level"}


def program(policies: list[dict[str, Any]], **sections: Any) -> cr.Program:
    sections = {"activities": {"check_in": {"steps": "number"}}, **sections}
    return cr.Program(id="shop", zone="UTC", currency="GBP", policies=policies, **sections)


def ladder(*levels: dict[str, Any]) -> dict[str, Any]:
    return {**LADDER, "levels": [{"name": "member"}, *levels]}


def counting(**measures: Any) -> cr.Program:
    """A program that counts something, and a ladder that reads the first of it."""
    first = next(iter(measures))
    return program([ladder({"name": "silver", "enter": {first: ">= 100"}}), ACCOUNT], measures=measures)


SPEND = "sum:spend"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
LAST = date(2026, 5, 31)  # a purchase every ten days for 150 days


def bought(of: cr.Program, times: int = 16) -> cr.State:
    state = cr.State.new("c")
    for number in range(times):
        at = START + timedelta(days=10 * number)
        event = of.event({"type": "purchase", "id": f"p{number}", "customer_id": "c", "occurred_at": at, "amount": "10"})
        state = of.step(state, event).state
    return state


def later(of: cr.Program, state: cr.State, days: int) -> cr.State:
    assert state.as_of is not None
    return of.advance(state, state.as_of + timedelta(days=days)).state


MONTH = counting(spend={"sum": "spend", "window": "30 days"})
YEAR = counting(spend={"sum": "spend", "window": "300 days"})
SHORT = program(MONTH.document_data()["policies"], measures={"spend": {"sum": "spend", "window": "30 days"}}, returns={"window": "20 days"})


def test_a_program_misses_nothing_in_a_state_of_its_own() -> None:
    found = MONTH.gaps(bought(MONTH))
    assert not found
    assert (len(found), list(found), found.day) == (0, [], LAST)


def test_a_new_customer_has_no_gaps() -> None:
    assert not YEAR.gaps(cr.State.new("c"))


# -- tallies -----------------------------------------------------------------------------------------------------------


def test_a_longer_window_misses_the_days_that_were_let_go() -> None:
    (gap,) = YEAR.gaps(bought(SHORT))
    assert (gap.kind, gap.name, gap.measures, gap.policies) == ("tally_short", SPEND, ("spend",), ("levels",))
    # kept: 30 days of the window, 20 for returns and one more; rows up to 10 April are gone, the last of them of 1 April
    assert gap.since == date(2026, 4, 2)
    assert gap.complete_on == gap.since - timedelta(days=1) + timedelta(days=300)


def test_a_gap_closes_on_its_day_and_not_before() -> None:
    state = bought(SHORT)
    (gap,) = YEAR.gaps(state)
    assert gap.complete_on is not None
    days = (gap.complete_on - LAST).days
    assert YEAR.gaps(later(YEAR, state, days - 1))
    assert not YEAR.gaps(later(YEAR, state, days))


def test_a_measure_over_something_new_begins_tomorrow() -> None:
    wider = counting(orders={"count": "purchase", "window": "30 days"})
    (gap,) = wider.gaps(bought(MONTH))
    assert (gap.kind, gap.name, gap.measures) == ("tally_missing", "count:purchase", ("orders",))
    assert gap.since == LAST + timedelta(days=1)
    assert gap.complete_on == LAST + timedelta(days=30)


def test_a_tally_that_began_after_the_start_is_short_until_its_window_has_filled() -> None:
    wider = counting(orders={"count": "purchase", "window": "30 days"})
    state = later(wider, bought(MONTH), 1)
    (gap,) = wider.gaps(state)
    assert (gap.kind, gap.since, gap.complete_on) == ("tally_short", LAST + timedelta(days=1), LAST + timedelta(days=30))
    assert not wider.gaps(later(wider, state, 29))


def test_a_lifetime_that_was_not_counted_from_the_start_is_never_whole() -> None:
    ever = counting(visits={"count": "visit", "window": "lifetime"})
    (gap,) = ever.gaps(bought(MONTH))
    assert gap.complete_on is None
    assert ever.gaps(later(ever, bought(MONTH), 20_000))


def test_a_lifetime_reads_what_was_let_go_of_by_days() -> None:
    assert not counting(spend={"sum": "spend", "window": "lifetime"}).gaps(bought(SHORT))


def test_a_calendar_window_is_whole_when_its_first_day_is_known() -> None:
    (gap,) = counting(orders={"count": "purchase", "window": "last calendar month"}).gaps(bought(MONTH))
    assert (gap.since, gap.complete_on) == (date(2026, 6, 1), date(2026, 7, 1))  # all of June is known as July begins


def test_days_since_the_last_time_are_known_again_with_the_next_event() -> None:
    wider = counting(idle={"since": "visit"})
    state = bought(MONTH)
    (gap,) = wider.gaps(state)
    assert gap.complete_on is None
    visit = wider.event({"type": "visit", "id": "v", "customer_id": "c", "occurred_at": START + timedelta(days=160)})
    assert not wider.gaps(wider.step(state, visit).state)


def test_the_latest_value_is_known_again_with_the_next_one() -> None:
    wider = counting(steps={"latest": "check_in.steps", "window": "30 days"})
    (gap,) = wider.gaps(bought(MONTH))
    assert (gap.kind, gap.complete_on) == ("tally_missing", None)


def test_a_ratio_misses_what_its_measures_miss() -> None:
    measures = {"spend": {"sum": "spend", "window": "30 days"}, "orders": {"count": "purchase", "window": "30 days"}}
    wider = program(
        [ladder({"name": "silver", "enter": {"basket": ">= 100"}}), ACCOUNT], measures=measures | {"basket": {"ratio": ["spend", "orders"]}}
    )
    (gap,) = wider.gaps(bought(MONTH))
    assert (gap.name, gap.measures, gap.policies) == ("count:purchase", ("orders", "basket"), ("levels",))


def test_an_average_misses_only_the_tally_that_is_short() -> None:
    summed = counting(steps={"sum": "check_in.steps", "window": "30 days"})
    (gap,) = counting(pace={"average": "check_in.steps", "window": "30 days"}).gaps(bought(summed))
    assert (gap.name, gap.measures) == ("count:check_in.steps", ("pace",))


def test_a_measure_that_nobody_reads_is_told_without_policies() -> None:
    wider = program(MONTH.document_data()["policies"], measures={**MONTH.document_data()["measures"], "v": {"count": "visit", "window": "7 days"}})
    (gap,) = wider.gaps(bought(MONTH))
    assert (gap.measures, gap.policies) == (("v",), ())


def test_a_policy_that_reads_a_measure_through_a_table_is_named() -> None:
    table = {"id": "worth", "kind": "table", "inputs": ["v"], "outputs": ["class"], "rows": [[">= 5", "a"], ["-", "b"]], "hit": "FIRST"}
    reads = ladder({"name": "silver", "enter": {"worth.class": "a"}})
    (gap,) = program([table, reads, ACCOUNT], measures={"v": {"count": "visit", "window": "7 days"}}).gaps(bought(MONTH))
    assert gap.policies == ("worth", "levels")


def test_a_version_that_has_ended_needs_nothing_any_more() -> None:
    old = ladder({"name": "silver", "enter": {"visits": ">= 5"}})
    new = {**ladder({"name": "silver", "enter": {"spend": ">= 5"}}), "effective_from": "2026-02-01"}
    measures = {"visits": {"count": "visit", "window": "7 days"}, "spend": {"sum": "spend", "window": "30 days"}}
    (gap,) = program([old, new, ACCOUNT], measures=measures).gaps(bought(MONTH))
    assert (gap.measures, gap.policies) == (("visits",), ())


# -- caps --------------------------------------------------------------------------------------------------------------


def capped(per: str) -> cr.Program:
    return program([ACCOUNT, {**EARN, "caps": [{"at_most": 100, "per": per}]}])


def test_a_shared_cap_is_told_of_all_that_share_it() -> None:
    cap = {"at_most": 100, "per": "30 days", "group": "g"}
    both = program([ACCOUNT, {**EARN, "caps": [cap]}, {**EARN, "id": "more", "caps": [cap]}])
    (gap,) = both.gaps(bought(program([ACCOUNT, EARN])))
    assert (gap.kind, gap.name, gap.policies) == ("tally_missing", "awards:g", ("earn", "more"))


def test_a_cap_over_a_campaign_never_knows_what_came_before_it() -> None:
    (gap,) = capped("campaign").gaps(bought(program([ACCOUNT, EARN])))
    assert (gap.name, gap.complete_on) == ("awarded:earn", None)


def test_a_cap_over_dates_is_of_no_account_once_they_are_over() -> None:
    state = bought(program([ACCOUNT, EARN]))
    (gap,) = capped("2026-05-01..2026-06-10").gaps(state)
    assert gap.complete_on == date(2026, 6, 11)
    assert not capped("2026-01-01..2026-02-01").gaps(state)


def test_a_new_cap_does_not_know_what_was_awarded_before() -> None:
    (gap,) = capped("30 days").gaps(bought(program([ACCOUNT, EARN])))
    assert (gap.kind, gap.name, gap.policies) == ("tally_missing", "awarded:earn", ("earn",))
    assert (gap.since, gap.complete_on) == (date(2026, 6, 1), date(2026, 6, 30))


def test_a_cap_of_a_calendar_month_is_whole_as_the_next_month_begins() -> None:
    wider = capped("calendar month")
    state = bought(program([ACCOUNT, EARN]))
    (gap,) = wider.gaps(state)
    assert gap.complete_on == date(2026, 6, 1)
    assert not wider.gaps(later(wider, state, 1))


class Counting(cr.Policy):
    """A policy of another maker that counts its awards for five days."""

    kind: ClassVar[str] = "toy.counting"

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        return None

    def counts_awards(self) -> int | None:
        return 5


def test_a_policy_of_another_maker_says_how_far_back_it_counts() -> None:
    counted = cr.Program(id="shop", zone="UTC", currency="GBP", policies=[Counting(id="x")])
    (gap,) = counted.gaps(bought(program([]), 1))
    assert (gap.name, gap.complete_on) == ("awarded:x", START.date() + timedelta(days=5))


def test_a_cap_per_event_needs_no_past() -> None:
    assert not capped("event").gaps(bought(program([ACCOUNT, EARN])))


# -- ids ---------------------------------------------------------------------------------------------------------------


def test_a_more_tolerant_program_misses_ids_that_were_let_go() -> None:
    strict, lenient = (program([ACCOUNT, EARN], late=late) for late in ("1 day", "30 days"))
    state = bought(strict)
    (gap,) = lenient.gaps(state)
    assert (gap.kind, gap.since) == ("ids_forgotten", LAST - timedelta(days=10))
    assert gap.complete_on == LAST + timedelta(days=20)
    assert not lenient.gaps(later(lenient, state, 20))


# -- what is gone ------------------------------------------------------------------------------------------------------


def test_an_account_that_is_gone_is_told_with_what_it_holds() -> None:
    renamed = program([{**ACCOUNT, "id": "stars"}, {**EARN, "account": "stars"}])
    found = renamed.gaps(bought(program([ACCOUNT, EARN]), 3))
    assert [(gap.kind, gap.name, gap.holds) for gap in found] == [("account_vanished", "points", "30 points")]


def test_an_account_that_is_owed_to_is_told_too() -> None:
    redeemed = program([ACCOUNT, EARN, {"id": "pay", "kind": "points.redemption", "value": {"points": 1, "money": "1"}}])
    state = bought(redeemed, 1)
    for number, fields in enumerate(({"type": "redemption", "points": "10"}, {"type": "return", "of": "p0"})):
        event = redeemed.event({"id": f"x{number}", "customer_id": "c", "occurred_at": START + timedelta(days=number + 1), **fields})
        state = redeemed.step(state, event).state
    assert [(gap.name, gap.holds) for gap in program([]).gaps(state) if gap.kind == "account_vanished"] == [("points.owed", "10 points")]


def test_a_status_without_a_value_is_no_gap() -> None:
    staff = {**ladder(), "exclude": [{"when": {"segment": "staff"}, "reason": "staff"}]}
    profile = {"segment": {"type": "text"}}
    excluding = program([staff], profile=profile)
    joined = {"type": "enrolment", "id": "e", "customer_id": "c", "occurred_at": START, "profile": {"segment": "staff"}}
    state = excluding.step(cr.State.new("c"), excluding.event(joined)).state
    assert state.statuses["tier", ""].value is None
    assert not program([], profile=profile).gaps(state)


def test_an_empty_account_that_is_gone_is_no_gap() -> None:
    assert not program([]).gaps(bought(program([ACCOUNT])))


def test_a_status_that_nobody_writes_any_more_is_told() -> None:
    (gap,) = program([ACCOUNT]).gaps(bought(program([ladder(), ACCOUNT])))
    assert (gap.kind, gap.name, gap.holds, gap.since) == ("status_vanished", "tier", "member", START.date())


def test_a_level_that_the_ladder_has_no_more_is_told() -> None:
    (gap,) = program([{**LADDER, "levels": [{"name": "base"}]}]).gaps(bought(program([ladder()])))
    assert (gap.kind, gap.name, gap.holds) == ("level_vanished", "tier", "member")


def test_a_policy_that_is_gone_is_told_while_its_orders_may_come_back() -> None:
    extra = {**EARN, "id": "extra"}
    without = program([ACCOUNT, EARN])
    (gap,) = without.gaps(bought(program([ACCOUNT, EARN, extra]), 3))
    assert (gap.kind, gap.name, gap.holds) == ("policy_vanished", "extra", "3")
    assert not without.gaps(later(without, bought(program([ACCOUNT, EARN, extra]), 3), 400))


# -- the answer --------------------------------------------------------------------------------------------------------


def test_asking_changes_nothing() -> None:
    state = bought(SHORT)
    before = state.to_json()
    YEAR.gaps(state)
    assert state.to_json() == before


def test_a_state_of_another_program_is_refused() -> None:
    other = cr.Program(id="other", zone="UTC", currency="GBP", policies=[])
    with pytest.raises(cr.StateError):
        other.gaps(bought(MONTH))


def test_gaps_are_json() -> None:
    data = json.loads(YEAR.gaps(bought(SHORT)).to_json())
    assert data["customer_id"] == "c"
    assert data["day"] == "2026-05-31"
    assert data["gaps"] == [
        {
            "kind": "tally_short",
            "name": SPEND,
            "since": "2026-04-02",
            "complete_on": "2027-01-26",
            "measures": ["spend"],
            "policies": ["levels"],
            "holds": "",
        }
    ]


def test_gaps_have_words() -> None:
    assert cr.render(MONTH.gaps(bought(MONTH))) == "c: as of 2026-05-31 nothing is missing."
    assert cr.render(YEAR.gaps(bought(SHORT))).splitlines() == [
        "c, as of 2026-05-31:",
        "  sum:spend is known from 2026-04-02 on only. Read by spend (policies: levels). Whole again on 2027-01-26.",
    ]
    ever = counting(visits={"count": "visit", "window": "lifetime"})
    assert cr.render(ever.gaps(bought(MONTH))).endswith("Time alone does not fill it.")


def test_gaps_have_chinese_words() -> None:
    told = cr.render(program([ACCOUNT]).gaps(bought(program([ladder(), ACCOUNT]))), "zh")
    assert told.splitlines() == ["c，截至 2026-05-31：", "  状态 tier 自 2026-01-01 起为 member，但已没有规则维护它。"]
    assert cr.render(YEAR.gaps(bought(SHORT)), "zh").endswith("2027-01-26 起恢复完整。")


# -- what was sent to others -------------------------------------------------------------------------------------------


def sending(*limits: dict[str, Any]) -> cr.Program:
    return program([ACCOUNT, EARN, {"id": "gifts", "kind": "points.transfer", "send": {"limits": list(limits)}}], returns={"window": "20 days"})


def sent(of: cr.Program) -> cr.State:
    """A state of somebody who sent a point on 2 January and on 25 May."""
    state = cr.State.new("c")
    for number, day in enumerate(("01-02", "05-25")):
        for kind, fields in (("purchase", {"amount": "10"}), ("transfer", {"to": "d", "points": 1})):
            event = {"type": kind, "id": f"{kind}{number}", "customer_id": "c", "occurred_at": f"2026-{day}T12:00:00Z", **fields}
            state = of.step(state, of.event(event)).state
    return later(of, state, 6)


def test_what_was_sent_is_missed_by_a_limit_that_reaches_further_back() -> None:
    short, long = sending({"at_most": 50, "per": "10 days"}), sending({"at_most": 50, "per": "180 days"}, {"times": 3, "per": "170 days"})
    state = sent(short)
    assert not short.gaps(state)
    found = {gap.name: (gap.kind, gap.since, gap.complete_on, gap.policies) for gap in long.gaps(state)}
    # 2 January is forgotten; a window of 180 days is whole once that is its eve: 2 January + 180 days
    assert found == {
        "sent:gifts": ("tally_short", date(2026, 1, 3), date(2026, 7, 1), ("gifts",)),
        "sent_times:gifts": ("tally_short", date(2026, 1, 3), date(2026, 6, 21), ("gifts",)),
    }
    assert not long.gaps(later(long, state, 31))


def test_a_program_that_limits_what_is_sent_misses_it_in_a_state_that_did_not_count() -> None:
    state = sent(sending())
    [gap] = [gap for gap in sending({"times": 3, "per": "calendar month"}).gaps(state) if gap.name == "sent_times:gifts"]
    assert (gap.kind, gap.since, gap.complete_on) == ("tally_missing", LAST + timedelta(days=1), date(2026, 6, 1))
