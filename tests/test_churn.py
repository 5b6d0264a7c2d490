"""Who seems to be leaving: signals, levels, gates, evaluation days, and what is asked to be done."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import custrules as cr
from custrules.policies.churn import EvaluationDays, Flag
from custrules.testing import check_policy

INACTIVE = {"name": "inactivity", "level": "low", "of": "purchase"}
NOON = timedelta(hours=12)


def program(*signals: dict[str, Any], sections: dict[str, Any] | None = None, **fields: Any) -> cr.Program:
    """A shop with one flag of the levels low and high."""
    flag = {"id": "churn", "kind": "churn.flag", "levels": [{"name": "low"}, {"name": "high"}], "signals": list(signals) or [INACTIVE], **fields}
    return cr.Program(id="shop", zone="UTC", currency="EUR", policies=[flag], **(sections or {}))


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+00:00")


def stepped(rules: cr.Program, *events: dict[str, Any], state: cr.State | None = None) -> cr.State:
    """Purchases of 10.00 where nothing else is said; the state after them."""
    state = state or cr.State.new("c")
    for number, told in enumerate(events):
        event = {"type": "purchase", "id": f"{told['at']}-{number}", "customer_id": "c", **told}
        event |= {"amount": "10.00"} if event["type"] == "purchase" and "amount" not in told else {}
        step = rules.step(state, rules.event({name: value for name, value in event.items() if name != "at"} | {"occurred_at": at(told["at"])}))
        assert step.accepted
        state = step.state
    return state


def decisions(rules: cr.Program, state: cr.State, upto: str) -> list[tuple[str, tuple[str, ...]]]:
    """The day and codes of each decision that time makes."""
    return [(found.event_id.removeprefix("day:"), found.codes) for found in rules.advance(state, at(upto)).decisions]


def level(rules: cr.Program, state: cr.State, upto: str) -> Any:
    after = rules.advance(state, at(upto)).state
    return after.statuses["churn", ""].value if ("churn", "") in after.statuses else "absent"


# -- inactivity -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "last_quiet"),
    [
        (["2025-01-01"], "2025-03-26"),  # no gap: 84 days
        (["2025-01-01", "2025-02-10"], "2025-05-05"),  # one gap is too few: 84 days
        (["2025-01-01", "2025-01-11", "2025-01-21"], "2025-04-15"),  # 3 x 10 = 30 is less than 84
        (["2025-01-01", "2025-02-10", "2025-03-22"], "2025-07-20"),  # 3 x 40 = 120
        (["2025-01-01", "2025-03-12", "2025-05-21"], "2025-11-19"),  # 3 x 70 = 210 is more than 182
    ],
)
def test_silence_is_flagged_on_the_day_after_the_last_quiet_one(days: list[str], last_quiet: str) -> None:
    rules = program()
    state = stepped(rules, *({"at": day} for day in days))
    assert level(rules, state, last_quiet) == "absent"
    flagged = date.fromisoformat(last_quiet) + timedelta(days=1)
    assert level(rules, state, flagged.isoformat()) == "low"
    due = rules.next_due(state)
    assert due is not None
    assert due.date() == flagged  # nobody is asked on the days between


def test_two_purchases_on_one_day_are_no_gap() -> None:
    rules = program()
    state = stepped(rules, {"at": "2025-01-01"}, {"at": "2025-01-01"}, {"at": "2025-02-20"})
    assert decisions(rules, state, "2025-07-01") == [("2025-05-16", ("churn.flag.raised", "churn.inactivity.fallback"))]  # 20 February + 84 + 1


def test_a_threshold_between_whole_days_is_passed_by_the_next_whole_one() -> None:
    # gaps of 40 and 41 days: 3 x 40.5 = 121.5; the 121st day is usual, the 122nd is not. 23 March + 122 = 23 July
    rules = program()
    state = stepped(rules, {"at": "2025-01-01"}, {"at": "2025-02-10"}, {"at": "2025-03-23"})
    told = rules.advance(state, at("2025-07-23")).decisions
    assert [found.event_id for found in told] == ["day:2025-07-23"]
    assert {name: str(value) for name, value in told[0].reasons[1].params.items()} == {
        "signal": "inactivity", "level": "low", "of": "purchase", "days": "122", "threshold": "121.5", "gap": "40.5", "times": "3",
    }  # fmt: skip


def test_the_limits_can_be_moved_and_left_out() -> None:
    naive = INACTIVE | {"times_own_gap": "1.5", "floor": "none", "cap": "none", "fallback": "none", "least_gaps": 1}
    rules = program(naive)
    once = stepped(rules, {"at": "2025-01-01"})
    assert decisions(rules, once, "2026-01-01") == []
    twice = stepped(rules, {"at": "2025-01-01"}, {"at": "2025-01-11"})
    assert decisions(rules, twice, "2026-01-01") == [("2025-01-27", ("churn.flag.raised", "churn.inactivity.own_gap"))]  # 15 days, then one more


def test_bands_say_how_long_silence_is_usual_by_how_often_somebody_came() -> None:
    rules = program({"name": "silent", "level": "high", "of": "purchase", "bands": {"1": "10 days", "[2..3]": "20 days"}})
    one, two = stepped(rules, {"at": "2025-01-01"}), stepped(rules, {"at": "2025-01-01"}, {"at": "2025-01-02"})
    four = stepped(rules, *({"at": f"2025-01-0{day}"} for day in (1, 2, 3, 4)))
    assert decisions(rules, one, "2026-01-01") == [("2025-01-12", ("churn.flag.raised", "churn.inactivity.band"))]
    assert decisions(rules, two, "2026-01-01") == [("2025-01-23", ("churn.flag.raised", "churn.inactivity.band"))]
    assert level(rules, four, "2026-01-01") == "absent"  # no band holds four: it cannot be said


def test_a_return_of_the_last_purchase_moves_the_silence_back() -> None:
    rules = program()
    state = stepped(rules, {"at": "2025-01-01"}, {"at": "2025-03-20", "id": "o"})
    state = stepped(rules, {"type": "return", "of": "o", "at": "2025-03-27"}, state=state)
    assert decisions(rules, state, "2025-06-01") == [("2025-03-28", ("churn.flag.raised", "churn.inactivity.fallback"))]  # 1 January + 86


# -- the other signals ----------------------------------------------------------------------------------------------------


def test_who_was_not_activated_in_time_is_flagged() -> None:
    rules = program({"name": "never", "level": "low", "activation": {"of": "purchase", "times": 2, "within": "30 days"}})
    assert decisions(rules, stepped(rules, {"at": "2025-01-01"}), "2026-01-01") == [("2025-02-01", ("churn.flag.raised", "churn.activation.missing"))]
    assert decisions(rules, stepped(rules, {"at": "2025-01-01"}, {"at": "2025-01-31"}), "2026-01-01") == []


def test_a_decline_compares_the_recent_time_with_as_long_a_time_before() -> None:
    """40.00 in 12 weeks are 13.33 in 4; 5.00 are 0.375 of that. Below a base of 10.00 nothing is said."""
    decline = {"name": "decline", "level": "high", "decline": "spend", "recent": "4 weeks", "earlier": "12 weeks", "base": ">= 10", "ratio": "< 0.5"}
    rules = program(decline, evaluate={"every": "week", "weekday": "wednesday"})
    state = stepped(rules, {"at": "2025-01-25", "amount": "40.00"}, {"at": "2025-02-20", "amount": "5.00"})
    told = rules.advance(state, at("2025-02-26")).decisions
    assert [found.codes for found in told] == [("churn.flag.raised", "churn.decline.fallen")]
    params = {name: str(value) for name, value in told[0].reasons[1].params.items()}
    assert params | {"signal": "", "level": ""} == {
        "signal": "", "level": "", "of": "spend", "recent": "5.00 EUR", "usual": "13.33 EUR", "share": "0.3750", "ratio": "< 0.5",
    }  # fmt: skip
    small = stepped(rules, {"at": "2025-01-25", "amount": "29.97"}, {"at": "2025-02-20", "amount": "1.00"})
    assert level(rules, small, "2025-02-26") == "absent"  # 9.99 in four weeks: too little to compare with


def test_a_cause_that_cannot_be_evaluated_any_more_keeps_the_flag() -> None:
    decline = {"name": "decline", "level": "high", "decline": "spend", "recent": "4 weeks", "earlier": "4 weeks", "base": ">= 10", "ratio": "< 0.5"}
    rules = program(decline, evaluate={"every": "week"})
    state = stepped(rules, {"at": "2025-01-01", "amount": "40.00"})
    # 29 January is the first day of which the four weeks hold nothing; from 26 February nothing is usual either
    assert decisions(rules, state, "2026-01-01") == [("2025-02-03", ("churn.flag.raised", "churn.decline.fallen"))]


def test_a_count_flags_until_it_leaves_its_window() -> None:
    slips: dict[str, Any] = {"activities": {"slip": {}}}
    rules = program({"name": "slips", "level": "high", "count": "slip", "window": "10 days", "at_least": 2}, sections=slips)
    slip = {"type": "activity", "name": "slip"}
    state = stepped(rules, {"at": "2025-01-01", **slip}, {"at": "2025-01-05", **slip})
    assert decisions(rules, state, "2025-03-01") == [
        ("2025-01-06", ("churn.flag.raised", "churn.count.reached")),
        ("2025-01-11", ("churn.flag.left",)),
    ]


def test_a_term_that_ends_is_flagged_up_to_its_day() -> None:
    rules = program({"name": "term", "level": "low", "ends": "contract", "within": "30 days"}, sections={"profile": {"contract": {"type": "date"}}})
    state = stepped(rules, {"type": "enrolment", "at": "2025-01-01", "profile": {"contract": "2025-04-10"}})
    assert decisions(rules, state, "2025-06-01") == [
        ("2025-03-11", ("churn.flag.raised", "churn.contract.ends")),
        ("2025-04-11", ("churn.flag.left",)),
    ]
    nobody = stepped(rules, {"type": "enrolment", "at": "2025-01-01"})
    assert decisions(rules, nobody, "2025-06-01") == []


def test_a_low_score_and_a_band_of_usage_are_facts_in_bands() -> None:
    readings = {"readings": {"nps": {"type": "whole"}, "usage": {"type": "number"}}}
    low, band = (
        {"name": "unhappy", "level": "high", "score": "nps", "band": "<= 6"},
        {"name": "usage", "level": "low", "usage": "usage", "band": "[0.5..0.7)"},
    )
    rules = program(low, band, sections=readings)
    state = stepped(
        rules,
        {"type": "reading", "name": "usage", "value": "0.5", "at": "2025-01-01"},
        {"type": "reading", "name": "nps", "value": 7, "at": "2025-01-01"},
        {"type": "reading", "name": "nps", "value": 6, "at": "2025-01-03"},
        {"type": "reading", "name": "usage", "value": "0.7", "at": "2025-01-05"},
    )
    assert level(rules, state, "2025-01-06") == "high"
    held = rules.advance(state, at("2025-01-06")).state.status("churn")
    assert (held.data["causes"], held.data["unhappy.value"]) == ("unhappy", 6)


def test_a_condition_narrows_another_signal() -> None:
    narrowed = INACTIVE | {"when": {"segment": "regular"}}
    rules = program(narrowed, sections={"profile": {"segment": {"type": "text"}}})
    staff, regular = ({"type": "enrolment", "at": "2025-01-01", "profile": {"segment": kind}} for kind in ("staff", "regular"))
    assert level(rules, stepped(rules, staff, {"at": "2025-01-01"}), "2026-01-01") == "absent"
    assert level(rules, stepped(rules, regular, {"at": "2025-01-01"}), "2026-01-01") == "low"


def test_a_score_of_somebody_elses_counts_as_long_as_its_horizon() -> None:
    scores = {"readings": {"p_return": {"type": "number", "horizon": "14 days"}}}
    model = {"name": "model", "level": "high", "external": "p_return", "band": "< 0.5"}
    rules = program(model, sections=scores, exit={"when": {"p_return": ">= 0.5"}})
    state = stepped(rules, {"at": "2025-01-01"}, {"type": "reading", "name": "p_return", "value": "0.3", "at": "2025-01-02"})
    (raised,) = rules.advance(state, at("2025-01-20")).decisions
    assert raised.reasons[1].params["horizon"] == "14 days"
    better = stepped(rules, {"type": "reading", "name": "p_return", "value": "0.6", "at": "2025-01-20"}, state=state)
    assert level(rules, better, "2025-01-21") is None
    fresh = rules.evaluate("churn", {"p_return": "0.3", "churn.since_p_return": 14})
    stale = rules.evaluate("churn", {"p_return": "0.3", "churn.since_p_return": 15})
    assert (fresh.value, stale.value, stale.codes) == ("high", None, ("churn.flag.none", "churn.signal.not_evaluable"))


# -- levels and gates -----------------------------------------------------------------------------------------------------

RATIO = {"name": "drop", "when": {"share": "< 0.5"}, "level": "low"}
DEEP = {"name": "drop", "when": {"share": "< 0.2"}, "level": "high"}
SHARES = {"readings": {"share": {"type": "number"}}}


def weekly(rules: cr.Program, *shares: str) -> list[Any]:
    """One reading each Monday, judged as Tuesday opens; what the flag says after each evaluation."""
    state, said = cr.State.new("c"), []
    for week, share in enumerate(shares):
        day = date(2025, 1, 6) + timedelta(weeks=week)
        state = stepped(rules, {"type": "reading", "name": "share", "value": share, "at": day.isoformat()}, state=state)
        state = rules.advance(state, at((day + timedelta(days=1)).isoformat())).state
        said.append(state.statuses["churn", ""].value if ("churn", "") in state.statuses else None)
    return said


TUESDAYS = {"every": "week", "weekday": "tuesday"}


def test_the_level_is_the_highest_that_a_signal_asks_for_and_falls_to_what_is_left() -> None:
    rules = program(RATIO, DEEP, sections=SHARES, evaluate=TUESDAYS)
    assert weekly(rules, "0.9", "0.4", "0.1", "0.3", "0.6") == [None, "low", "high", "low", None]


def test_leaving_may_ask_for_more_than_entering() -> None:
    rules = program(RATIO, DEEP, sections=SHARES, evaluate=TUESDAYS, exit={"when": {"share": ">= 0.8"}, "confirm": 2})
    # easing from high to low takes two evaluations too; then 0.8 twice in a row
    assert weekly(rules, "0.1", "0.4", "0.4", "0.6", "0.8", "0.7", "0.8", "0.9") == ["high", "high", "low", "low", "low", "low", "low", None]


def test_entering_may_be_confirmed_and_a_rise_is_confirmed_by_itself() -> None:
    rules = program(RATIO, DEEP, sections=SHARES, evaluate=TUESDAYS, enter={"confirm": 2})
    assert weekly(rules, "0.4", "0.6", "0.4", "0.1", "0.1", "0.9") == [None, None, None, "low", "high", None]


def test_a_level_is_held_for_its_dwell_and_a_flag_rests_for_its_cool_down() -> None:
    rules = program(RATIO, sections=SHARES, evaluate=TUESDAYS, dwell="3 weeks", cool_down="2 weeks")
    assert weekly(rules, "0.4", "0.9", "0.9", "0.9", "0.4", "0.4", "0.4") == ["low", "low", "low", None, None, "low", "low"]


def test_entering_may_ask_for_a_condition_that_staying_does_not() -> None:
    sections = SHARES | {"profile": {"vip": {"type": "flag"}}}
    rules = program(RATIO, sections=sections, enter={"when": {"vip": "true"}})
    state = stepped(rules, {"type": "reading", "name": "share", "value": "0.4", "at": "2025-01-01"})
    assert level(rules, state, "2025-01-02") == "absent"
    state = stepped(rules, {"type": "profile_update", "profile": {"vip": True}, "at": "2025-01-03"}, state=state)
    assert level(rules, state, "2025-01-04") == "low"
    state = stepped(rules, {"type": "profile_update", "profile": {"vip": False}, "at": "2025-01-05"}, state=state)
    assert level(rules, state, "2025-01-08") == "low"


def test_what_is_to_be_confirmed_is_kept_by_its_first_day_and_not_by_counting() -> None:
    rules = program(RATIO, sections=SHARES, enter={"confirm": 3})
    state = stepped(rules, {"type": "reading", "name": "share", "value": "0.4", "at": "2025-01-06"})
    assert decisions(rules, state, "2025-02-01") == [
        ("2025-01-07", ("churn.flag.pending",)),
        ("2025-01-09", ("churn.flag.raised", "churn.signal.condition")),
    ]
    pending = rules.advance(state, at("2025-01-08")).state.status("churn.pending")
    assert (pending.value, pending.data) == ("enter", {"enter.low": "2025-01-07"})


def test_a_retired_flag_ends() -> None:
    first = {"id": "churn", "kind": "churn.flag", "levels": [{"name": "low"}], "signals": [INACTIVE]}
    rules = cr.Program(id="shop", zone="UTC", currency="EUR", policies=[first, first | {"effective_from": "2025-06-01", "retired": True}])
    state = stepped(rules, {"at": "2025-01-01"})
    assert decisions(rules, state, "2026-01-01") == [
        ("2025-03-27", ("churn.flag.raised", "churn.inactivity.fallback")),
        ("2025-06-01", ("churn.flag.ended",)),
    ]


def test_a_renamed_level_stays_what_it_is() -> None:
    first = {"id": "churn", "kind": "churn.flag", "levels": [{"name": "low"}], "signals": [INACTIVE]}
    second = first | {"effective_from": "2025-06-01", "levels": [{"name": "mild", "was": "low"}], "signals": [INACTIVE | {"level": "mild"}]}
    rules = cr.Program(id="shop", zone="UTC", currency="EUR", policies=[first, second])
    state = rules.advance(stepped(rules, {"at": "2025-01-01"}), at("2025-07-01")).state
    assert state.status("churn").value == "low"
    assert level(rules, stepped(rules, {"at": "2025-07-02"}, state=state), "2025-07-03") is None
    with pytest.raises(cr.DocumentError, match="level_vanished"):
        cr.Program(id="shop", zone="UTC", currency="EUR", policies=[first, second | {"levels": [{"name": "mild"}]}])


# -- evaluation days ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "days", [{"every": "day"}, {"every": "week"}, {"every": "week", "weekday": "sunday"}, {"every": "month", "day": 28}, {"every": "month"}]
)
def test_evaluation_days_are_found_counted_and_reached_alike(days: dict[str, Any]) -> None:
    """Against a plain walk over two years."""
    cycle = EvaluationDays.model_validate(days)
    every = [date(2024, 1, 1) + timedelta(days=number) for number in range(731)]
    held = [day for day in every if cycle.holds(day)]
    for day in every[:400:7]:
        following = [found for found in held if found >= day]
        assert cycle.upon(day) == following[0]
        assert cycle.after(day) == next(found for found in held if found > day)
        assert [cycle.later(day, times) for times in (1, 2, 5)] == [following[0], following[1], following[4]]
        for last in (day - timedelta(days=1), day, day + timedelta(days=45)):
            assert cycle.number(day, last) == sum(day <= found <= last for found in held)


# -- actions --------------------------------------------------------------------------------------------------------------


def test_an_action_is_asked_once_each_time_the_flag_is_raised() -> None:
    call = {"task": {"channel": "phone", "template": "call", "within": "24 hours"}}
    rules = program(RATIO, DEEP, sections=SHARES, actions=[call])
    asked = []
    state = cr.State.new("c")
    for number, share in enumerate(("0.4", "0.1", "0.9", "0.4")):
        day = date(2025, 1, 1) + timedelta(days=2 * number)
        state = stepped(rules, {"type": "reading", "name": "share", "value": share, "at": day.isoformat()}, state=state)
        step = rules.advance(state, at((day + timedelta(days=1)).isoformat()))
        asked += [effect for found in step.decisions for effect in found.effects if isinstance(effect, cr.Touchpoint)]
        state = step.state
    assert [(touch.day.isoformat(), touch.last_day, touch.cycle) for touch in asked] == [
        ("2025-01-02", date(2025, 1, 2), "2025-01-02:call"),
        ("2025-01-08", date(2025, 1, 8), "2025-01-08:call"),
    ]
    assert (asked[0].outcome, asked[0].channel, asked[0].category) == ("task", "phone", "churn")
    assert dict(asked[0].data) == {"level": "low", "causes": "drop", "purpose": "service", "deadline": "24 hours", "due_by": "2025-01-03T00:00:00Z"}


def test_an_action_waits_for_its_condition_while_the_flag_stands() -> None:
    sections = {"measures": {"spend_30d": {"sum": "spend", "window": "30 days"}}, "activities": {"slip": {}}}
    slips = {"name": "slips", "level": "low", "count": "slip", "window": "60 days", "at_least": 1}
    message = {
        "when": {"spend_30d": ">= 50", "churn": ">= low"},
        "send": {"channel": "sms", "template": "sorry"},
        "offer": "ten",
        "purpose": "marketing",
    }
    rules = program(slips, sections=sections, actions=[message])
    state = rules.advance(stepped(rules, {"type": "activity", "name": "slip", "at": "2025-01-01"}), at("2025-01-05")).state
    assert state.touchpoints == {}
    state = stepped(rules, {"at": "2025-01-06", "amount": "50.00"}, state=state)
    (found,) = rules.advance(state, at("2025-02-01")).decisions
    assert (found.event_id, found.codes) == ("day:2025-01-07", ("churn.action.asked",))
    touch = found.effects[0]
    assert isinstance(touch, cr.Touchpoint)
    assert (touch.outcome, touch.last_day, touch.data["offer"], touch.data["purpose"]) == ("send", None, "ten", "marketing")


def test_of_two_actions_of_one_name_the_first_that_holds_is_asked() -> None:
    worth = {"name": "winback", "when": {"spend": ">= 100"}, "task": {"channel": "phone", "template": "call"}}
    plain = {"name": "winback", "send": {"channel": "sms", "template": "miss you"}}
    rules = program(
        sections={"measures": {"spend": {"sum": "spend", "window": "12 months"}}}, actions=[worth | {"name": "winback"}, plain | {"name": "winback"}]
    )
    for amount, template in (("100.00", "call"), ("99.99", "miss you")):
        state = rules.advance(stepped(rules, {"at": "2025-01-01", "amount": amount}), at("2025-06-01"))
        asked = [effect.template for found in state.decisions for effect in found.effects if isinstance(effect, cr.Touchpoint)]
        assert asked == [template]


# -- as a policy ----------------------------------------------------------------------------------------------------------


def test_other_conditions_read_the_flag_by_its_order() -> None:
    table = {
        "id": "desk",
        "kind": "table",
        "hit": "FIRST",
        "inputs": ["churn"],
        "outputs": ["who"],
        "rows": [[">= high", "manager"], [">= low", "clerk"], ["-", "none"]],
    }
    flag = {"id": "churn", "kind": "churn.flag", "levels": [{"name": "low"}, {"name": "high"}], "signals": [INACTIVE]}
    rules = cr.Program(id="shop", zone="UTC", currency="EUR", policies=[table, flag])
    assert rules.evaluate("desk", {"churn": "low"}).value == {"who": "clerk"}
    assert rules.evaluate("desk", {"churn": "high"}).value == {"who": "manager"}
    assert rules.evaluate("desk", {"churn": None}).value == {"who": "none"}


def test_two_flags_stand_side_by_side_under_names_of_their_own() -> None:
    flags = [{"id": name, "kind": "churn.flag", "levels": [{"name": "low"}], "signals": [INACTIVE], "status": name} for name in ("slow", "fast")]
    rules = cr.Program(id="shop", zone="UTC", currency="EUR", policies=flags)
    state = rules.advance(stepped(rules, {"at": "2025-01-01"}), at("2025-06-01")).state
    assert [state.status(name).value for name in ("slow", "fast")] == ["low", "low"]
    with pytest.raises(cr.DocumentError, match="two_writers"):
        cr.Program(
            id="shop", zone="UTC", currency="EUR", policies=[{name: value for name, value in flag.items() if name != "status"} for flag in flags]
        )


def test_given_facts_are_judged_as_a_customer_would_be() -> None:
    rules = program(INACTIVE, {"name": "never", "level": "high", "activation": {"of": "purchase", "within": "30 days"}})
    form = rules.facts("churn")
    assert sorted(form.types) == ["churn.count_purchase_lifetime", "churn.gap_purchase", "churn.since_purchase"]
    found = rules.evaluate("churn", {"churn.since_purchase": 121, "churn.gap_purchase": "40", "churn.count_purchase_lifetime": 3})
    assert (found.outcome, found.value, found.codes[:2]) == ("APPLIED", "low", ("churn.flag.raised", "churn.inactivity.own_gap"))
    found = rules.evaluate("churn", {"churn.since_purchase": 120, "churn.gap_purchase": "40", "churn.count_purchase_lifetime": 3})
    assert (found.outcome, found.value, found.codes[0]) == ("DECLINED", None, "churn.flag.none")


def test_a_regular_customer_costs_a_due_for_each_purchase_and_not_for_each_day() -> None:
    rules = program()
    state = stepped(rules, *({"at": (date(2020, 1, 1) + timedelta(weeks=week)).isoformat()} for week in range(60)))
    due = rules.next_due(state)
    assert due == datetime(2021, 2, 17, tzinfo=UTC) + timedelta(days=85)  # 52 + 7 weeks after 1 January 2020, and 84 days


@pytest.mark.parametrize(
    "fields",
    [
        {"signals": [INACTIVE | {"floor": "3 days", "cap": "20 days", "fallback": "5 days"}]},
        {
            "evaluate": {"every": "week", "weekday": "wednesday"},
            "signals": [
                INACTIVE | {"times_own_gap": "1.5", "floor": "3 days", "cap": "20 days", "fallback": "5 days"},
                {"name": "banded", "level": "high", "of": "purchase", "bands": {"1": "10 days", ">= 2": "6 days"}},
                {"name": "decline", "level": "high", "decline": "spend", "recent": "2 weeks", "earlier": "4 weeks", "base": ">= 5", "ratio": "< 0.5"},
                {"name": "condition", "level": "high", "when": {"spend": "< 100", "segment": "vip"}},
            ],
            "enter": {"confirm": 2, "when": {"tier": ">= member"}},
            "exit": {"when": {"lifetime_orders": ">= 3"}, "confirm": 2},
            "dwell": "10 days",
            "cool_down": "15 days",
            "actions": [
                {"when": {"churn": ">= low", "tier": ">= silver"}, "task": {"channel": "phone", "template": "call", "within": "24 hours"}},
                {"send": {"channel": "sms", "template": "miss you"}, "offer": "ten"},
            ],
        },
    ],
    ids=["plain", "gated"],
)
def test_a_flag_keeps_the_contract_of_a_policy(fields: dict[str, Any]) -> None:
    flag = Flag.read({"id": "churn", "levels": [{"name": "low"}, {"name": "high"}], **fields})
    check_policy(flag, examples=6, skip=("descriptions",))


# -- a balance that runs off ----------------------------------------------------------------------------------------------

RUN_OFF = {"name": "run_off", "level": "low", "month_average_ratio": "<= 0.5"}
MONTHLY = {"every": "month", "day": 1}


def with_balance(balance: str, **sections: Any) -> cr.Program:
    flag = {"id": "churn", "kind": "churn.flag", "evaluate": MONTHLY, "levels": [{"name": "low"}], "signals": [RUN_OFF | {"balance": balance}]}
    policies = [*sections.pop("policies", []), flag]
    return cr.Program(id="shop", zone="UTC", currency="EUR", policies=policies, **sections)


def test_a_reading_that_halves_from_month_to_month_runs_off() -> None:
    """January: 1000.00 on all days; February: 400.00 from the 8th, so (7 x 1000 + 21 x 400) / 28 = 550; March: 400 / 550 = 0.7273."""
    rules = with_balance("aum", readings={"aum": {"type": "money"}})
    state = stepped(rules, {"type": "reading", "name": "aum", "value": "1000.00", "at": "2024-12-31"})
    state = stepped(rules, {"type": "reading", "name": "aum", "value": "400.00", "at": "2025-02-08"}, state=state)
    assert decisions(rules, state, "2025-06-01") == []
    lower = stepped(rules, {"type": "reading", "name": "aum", "value": "100.00", "at": "2025-03-02"}, state=state)
    # March: (400 + 30 x 100) / 31 = 109.68, a share of 0.1994; April: 100 / 109.68 = 0.9118
    found = rules.advance(lower, at("2025-06-01")).decisions
    assert [one.event_id for one in found] == ["day:2025-04-01", "day:2025-05-01"]
    assert {name: str(value) for name, value in found[0].reasons[1].params.items()} == {
        "signal": "run_off", "level": "low", "balance": "aum", "last": "109.68 EUR", "before": "550.00 EUR", "share": "0.1994", "ratio": "<= 0.5",
    }  # fmt: skip


POINTS = [{"id": "points", "kind": "points.account", "expiry": "never"}, {"id": "earn", "kind": "points.accrual", "points_per_unit": 1}]
SPEND = {"id": "pay", "kind": "points.redemption", "value": {"points": 1, "money": "0.01"}}


def test_a_balance_of_points_runs_off_by_its_daily_closings() -> None:
    """100 points from 1 January; 60 are spent on 1 February: 31 x 100 / 31 = 100, then 40 on all days of February."""
    rules = with_balance("points", policies=[*POINTS, SPEND])
    state = stepped(rules, {"at": "2025-01-01", "amount": "100.00"}, {"type": "redemption", "points": "60", "at": "2025-02-01"})
    assert [day for day, _ in decisions(rules, state, "2025-06-01")] == ["2025-03-01", "2025-04-01"]  # 40 / 100; then 40 / 40
    kept = stepped(rules, {"at": "2025-01-01", "amount": "100.00"}, {"type": "redemption", "points": "40", "at": "2025-02-01"})
    assert decisions(rules, kept, "2025-06-01") == []  # 60 / 100


def test_balances_are_written_down_alike_whether_days_are_sent_or_not() -> None:
    rules = with_balance("points", policies=[*POINTS, SPEND])
    plain = sent = stepped(rules, {"at": "2025-01-05", "amount": "100.00"})
    for number in range(1, 40):
        sent = rules.step(sent, cr.NewDay(customer_id="c", day=date(2025, 1, 5) + timedelta(days=number))).state
    plain, sent = (stepped(rules, {"type": "redemption", "points": "60", "at": "2025-02-14"}, state=one) for one in (plain, sent))
    assert rules.advance(plain, at("2025-05-02")).state.to_json() == rules.advance(sent, at("2025-05-02")).state.to_json()


def test_stored_value_runs_off_by_principal_and_bonus_together() -> None:
    """1000.00 and 100.00 from 1 January; 660.00 are spent on 1 February: 1100, then 440: a share of 0.4."""
    card = [
        {"id": "card", "kind": "stored_value.account", "form": "amount", "named": True, "bonus_expiry": "never"},
        {"id": "top-up", "kind": "stored_value.top_up", "ladder": [{"pay": "1000.00", "give": "100.00"}], "mode": "highest"},
        {"id": "spend", "kind": "stored_value.spending", "order": "principal_first"},
    ]
    rules = with_balance("stored_value", policies=card)
    paid = {"tenders": [{"type": "stored_value", "amount": "660.00"}], "amount": "660.00"}
    state = stepped(rules, {"type": "top_up", "amount": "1000.00", "at": "2025-01-01"}, {"at": "2025-02-01", **paid})
    (raised, *_) = rules.advance(state, at("2025-04-01")).decisions
    assert (raised.event_id, raised.reasons[1].params["before"], raised.reasons[1].params["last"]) == (
        "day:2025-03-01",
        cr.Money("1100.00", "EUR"),
        cr.Money("440.00", "EUR"),
    )


# -- what is refused ------------------------------------------------------------------------------------------------------

CALL = {"channel": "phone", "template": "call"}


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"levels": [{"name": "none"}]}, "document.reserved_id", "levels[0].name"),
        ({"levels": [{"name": "low", "was": "mild"}, {"name": "high", "was": "mild"}]}, "document.name_taken", "levels[1].was"),
        ({"levels": [{"name": "low", "was": ["high"]}, {"name": "high"}]}, "document.name_taken", "levels[0].was"),
        ({"actions": [{"task": CALL, "send": CALL}]}, "document.not_with", "actions[0].send"),
        ({"enter": {"confirm": 0}}, "document.wrong_type", "enter.confirm"),
        ({"evaluate": {"every": "month", "day": 31}}, "document.wrong_type", "evaluate.day"),
        ({"evaluate": {"every": "week", "day": 3}}, "document.not_with", "evaluate.day"),
        ({"signals": [INACTIVE | {"times_own_gap": 0}]}, "document.wrong_type", "signals[0].times_own_gap"),
        ({"signals": [INACTIVE | {"least_gaps": 0}]}, "document.wrong_type", "signals[0].least_gaps"),
        ({"signals": [INACTIVE | {"bands": {">= many": "3 days"}}]}, "document.bad_cell", "signals[0].bands"),
        ({"signals": [INACTIVE | {"bands": {"1": "3 days"}, "floor": "2 days"}]}, "document.not_with", "signals[0].floor"),
        ({"signals": [{"name": "s", "level": "low", "score": "zone", "band": "=> 6"}]}, "document.bad_cell", "signals[0].band"),
        ({"signals": [{"name": "s", "level": "low", "ends": "zone", "within": "3 days"}]}, "document.fact_of_other_kind", "signals[0].ends"),
    ],
)
def test_what_a_flag_cannot_mean_is_refused_with_its_place(fields: dict[str, Any], code: str, path: str) -> None:
    with pytest.raises(cr.DocumentError) as told:
        program(**({"levels": [{"name": "low"}, {"name": "high"}]} | fields))
    assert (code, f"policies[0].{path}") in [(fault.code, fault.path) for fault in told.value.diagnostics]


def test_visits_decline_by_their_number_and_an_activity_by_what_it_brings() -> None:
    ratio = {"recent": "4 weeks", "earlier": "4 weeks", "ratio": "<= 0.5", "level": "low"}
    sections = {"activities": {"bill": {"amount": "money"}}}
    rules = program({"name": "visits", "decline": "visit", **ratio}, {"name": "bills", "decline": "bill", **ratio}, sections=sections)
    visit, bill = {"type": "visit"}, {"type": "activity", "name": "bill"}
    state = stepped(
        rules,
        {**visit, "at": "2025-01-01"},
        {**bill, "at": "2025-01-01", "attributes": {"amount": "30.00"}},
        {**visit, "at": "2025-01-02"},
        {**visit, "at": "2025-02-10"},
        {**bill, "at": "2025-02-10", "attributes": {"amount": "20.00"}},
    )
    # on 10 February, as it opens: no visit in four weeks where two were usual, 0.00 where 30.00 was
    assert (state.status("churn").value, state.status("churn").data["causes"]) == ("low", "visits, bills")
    # on the 11th: one visit of two is still half, 20.00 of 30.00 is not
    assert rules.advance(state, at("2025-02-11")).state.status("churn").data["causes"] == "visits"


def test_open_complaints_and_a_low_score_make_somebody_unhappy() -> None:
    sections = {
        "readings": {"nps": {"type": "whole"}},
        "measures": {"open_complaints": {"open": "complaint"}},
    }
    unhappy = {"name": "unhappy", "level": "high", "when": {"open_complaints": ">= 1", "nps": "<= 6"}}
    rules = program(unhappy, sections=sections)
    complaint = {"type": "complaint", "category": "service", "severity": "high"}
    state = stepped(rules, {**complaint, "at": "2025-01-02"}, {"type": "reading", "name": "nps", "value": 8, "at": "2025-01-03"})
    assert level(rules, state, "2025-01-05") == "absent"
    state = stepped(rules, {"type": "reading", "name": "nps", "value": 6, "at": "2025-01-05"}, state=state)
    assert level(rules, state, "2025-01-06") == "high"


def test_an_explanation_tells_what_was_decided_and_not_what_was_looked_ahead() -> None:
    rules = program(INACTIVE, RATIO | {"when": {"share": "< 0.5"}}, sections=SHARES, actions=[{"when": {"churn": "high"}, "task": CALL}])
    state = stepped(rules, {"at": "2025-01-01"})
    later = rules.event({"type": "purchase", "id": "late", "customer_id": "c", "occurred_at": at("2025-05-01"), "amount": "10.00"})
    told = rules.explain(state, later)
    asked = {entry.event_id for entry in told.entries if entry.policy_id == "churn"}
    assert "day:2025-03-27" in asked
    assert all(event_id.startswith("day:") for event_id in asked)
    (raised,) = [entry for entry in told.entries if entry.outcome == "APPLIED" and entry.event_id == "day:2025-03-27"]
    assert [why.code for why in raised.reasons] == ["churn.flag.raised", "churn.inactivity.fallback", "churn.signal.not_evaluable"]


def test_a_gap_may_ask_for_so_many_gaps() -> None:
    measures = {"rhythm": {"gap": "purchase", "base": ">= 2"}}
    rules = program({"name": "known", "level": "low", "when": {"rhythm": ">= 1"}}, sections={"measures": measures})
    two, three = ("2025-01-01", "2025-01-11"), ("2025-01-01", "2025-01-11", "2025-02-10")
    assert level(rules, stepped(rules, *({"at": day} for day in two)), "2025-03-01") == "absent"  # one gap
    assert level(rules, stepped(rules, *({"at": day} for day in three)), "2025-03-01") == "low"  # (10 + 30) / 2 = 20
