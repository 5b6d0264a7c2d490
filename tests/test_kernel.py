"""One step, sentence by sentence: verdicts, when an event is decided, how time is settled, phases and refusals."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from kernel_toys import CUSTOMER, EARN, LADDER, PAY, POINTS, at, declines, heard, lived, program, says, signed, stepped, toy

import custrules as cr
from custrules.events import AnyEvent
from custrules.policy import reason

NEW = cr.State.new(CUSTOMER)
PLAIN = program(POINTS, EARN)


def daily(name: str = "clock", **more: Any) -> cr.Policy:
    """A policy that is due every day, and says so."""
    return toy(
        name, lambda policy, event, view: says(policy, event) if event.type == "new_day" else None, due=lambda view: view.day + timedelta(1), **more
    )


# -- verdicts ----------------------------------------------------------------------------------------------------------


def test_an_event_that_is_decided_is_accepted() -> None:
    step = stepped(PLAIN, NEW, "purchase", "2026-03-01", "p-1", amount="12.50")
    assert (step.verdict, step.accepted, step.refusal, step.state.points("points").available) == ("accepted", True, None, 12)


def test_a_known_id_is_a_duplicate_and_changes_nothing() -> None:
    state = lived(PLAIN, ("purchase", "2026-03-01", "p-1", {"amount": "10"}))
    step = stepped(PLAIN, state, "purchase", "2026-03-02", "p-1", amount="99")
    assert (step.verdict, step.refusal and step.refusal.code, step.decisions) == ("duplicate", "event.duplicate", ())
    assert step.state is state


def test_the_id_of_an_order_is_known_as_long_as_the_order_is_kept() -> None:
    state = lived(PLAIN, ("purchase", "2026-03-01", "p-1", {"amount": "10"}), ("visit", "2026-12-01", "v-1", {}))
    assert stepped(PLAIN, state, "purchase", "2026-12-01", "p-1", amount="10").verdict == "duplicate"


@pytest.mark.parametrize(("when", "verdict"), [("2026-03-07T12:00", "accepted"), ("2026-03-07T11:59:59.999999", "late")])
def test_an_event_is_late_when_it_lies_more_than_the_tolerance_before_as_of(when: str, verdict: str) -> None:
    state = lived(PLAIN, ("visit", "2026-03-10", "v-1", {}))
    assert stepped(PLAIN, state, "visit", when, "v-2").verdict == verdict


def test_a_late_event_says_so_and_changes_nothing() -> None:
    state = lived(PLAIN, ("visit", "2026-03-10", "v-1", {}))
    step = stepped(PLAIN, state, "visit", "2026-03-01", "v-2")
    assert (step.state is state, step.decisions, step.refusal and step.refusal.code) == (True, (), "event.late")


def test_the_tolerance_is_the_programs() -> None:
    strict = program(POINTS, late="0 days")
    state = lived(strict, ("visit", "2026-03-10T12:00", "v-1", {}))
    assert stepped(strict, state, "visit", "2026-03-10T11:59:59", "v-2").verdict == "late"
    assert stepped(strict, state, "visit", "2026-03-10T12:00", "v-2").verdict == "accepted"


def test_a_duplicate_that_is_also_late_is_a_duplicate_while_it_is_known() -> None:
    state = lived(PLAIN, ("purchase", "2026-03-01", "p-1", {"amount": "10"}), ("visit", "2026-04-01", "v-1", {}))
    assert stepped(PLAIN, state, "purchase", "2026-03-01", "p-1", amount="10").verdict == "duplicate"


def test_an_id_without_an_order_is_forgotten_once_it_would_be_late() -> None:
    state = lived(PLAIN, ("visit", "2026-03-01", "v-1", {}), ("visit", "2026-03-20", "v-2", {}))
    assert stepped(PLAIN, state, "visit", "2026-03-01", "v-1").verdict == "late"
    assert stepped(PLAIN, state, "visit", "2026-03-20", "v-1").verdict == "accepted"


def test_a_refused_id_may_come_again() -> None:
    rules = program(POINTS, EARN, PAY)
    refused = stepped(rules, NEW, "redemption", "2026-03-01", "r-1", points="10")
    assert refused.verdict == "refused"
    state = lived(rules, ("purchase", "2026-03-01", "p-1", {"amount": "10"}))
    assert stepped(rules, state, "redemption", "2026-03-02", "r-1", points="10").verdict == "accepted"


# -- when it is decided ------------------------------------------------------------------------------------------------


def test_an_event_in_order_is_decided_when_it_occurred() -> None:
    step = stepped(PLAIN, NEW, "visit", "2026-03-01T09:00", "v-1")
    assert (step.event and step.event.decided_at, step.state.as_of) == (at("2026-03-01T09:00"), at("2026-03-01T09:00"))


def test_an_event_that_comes_late_is_decided_at_as_of() -> None:
    state = lived(PLAIN, ("visit", "2026-03-10", "v-1", {}))
    step = stepped(PLAIN, state, "visit", "2026-03-09", "v-2")
    assert (step.event and step.event.decided_at, step.state.as_of) == (at("2026-03-10"), at("2026-03-10"))


def test_a_stamp_at_as_of_or_later_is_honoured() -> None:
    state = lived(PLAIN, ("visit", "2026-03-10", "v-1", {}))
    step = stepped(PLAIN, state, "visit", "2026-03-09", "v-2", decided_at=at("2026-03-11"))
    assert (step.event and step.event.decided_at, step.state.as_of) == (at("2026-03-11"), at("2026-03-11"))


def test_a_stamp_before_as_of_is_stamped_anew() -> None:
    state = lived(PLAIN, ("visit", "2026-03-10", "v-1", {}))
    step = stepped(PLAIN, state, "visit", "2026-03-09", "v-2", decided_at=at("2026-03-09T18:00"))
    assert step.event is not None
    assert step.event.decided_at == at("2026-03-10")


def test_what_comes_late_has_its_own_day_for_version_view_and_lots() -> None:
    days: list[tuple[date, date]] = []

    def note(policy: cr.Policy, event: AnyEvent, view: cr.View) -> None:
        if event.type == "purchase":
            days.append((view.day, view.settled))

    new = {**EARN, "effective_from": date(2026, 3, 10), "points_per_unit": 100}
    rules = program(POINTS, EARN, new, toy("note", note))
    state = lived(rules, ("visit", "2026-03-11", "v-1", {}), ("purchase", "2026-03-09", "p-1", {"amount": "5"}))
    (lot,) = state.points("points").lots
    assert days == [(date(2026, 3, 9), date(2026, 3, 11))]
    assert (lot.quantity, lot.usable_from, lot.last_day) == (5, date(2026, 3, 9), date(2027, 3, 9))


def test_what_comes_late_is_tallied_on_its_own_day() -> None:
    rules = program(POINTS, LADDER, measures={"spend": {"sum": "spend", "window": "1 day"}})
    state = lived(rules, ("purchase", "2026-03-11", "p-1", {"amount": "60"}), ("purchase", "2026-03-10", "p-2", {"amount": "60"}))
    assert state.activity.tallies["sum:spend"].to_data()["rows"] == [date(2026, 3, 10).toordinal(), 6000, 1, 6000]


# -- settlement --------------------------------------------------------------------------------------------------------


def test_a_lot_lapses_on_the_day_after_its_last_usable_day() -> None:
    rules = program({**POINTS, "expiry": "1 month"}, EARN)
    state = lived(rules, ("purchase", "2026-01-31", "p-1", {"amount": "10"}))
    assert rules.next_due(state) == at("2026-03-01T00:00")
    assert rules.advance(state, at("2026-02-28T23:59:59.999999")).state.points("points").available == 10
    step = rules.advance(state, at("2026-03-01T00:00"))
    assert (step.state.points("points").available, signed(step)) == (0, [("points", "day:2026-03-01")])


def test_time_settled_is_told_before_the_event() -> None:
    rules = program({**POINTS, "expiry": "1 month"}, EARN)
    state = lived(rules, ("purchase", "2026-01-31", "p-1", {"amount": "10"}))
    step = stepped(rules, state, "purchase", "2026-04-01", "p-2", amount="3")
    assert signed(step) == [("points", "day:2026-03-01"), ("earn", "p-2")]


def test_a_level_is_reviewed_on_the_day_after_its_term_by_the_version_of_its_last_day() -> None:
    easy = {**LADDER, "effective_from": date(2027, 3, 2), "levels": [{"name": "member"}, {"name": "silver", "enter": {"spend": ">= 1"}}]}
    rules = program(LADDER, easy)
    state = lived(rules, ("purchase", "2026-03-01", "p-1", {"amount": "100"}), ("purchase", "2026-12-01", "p-2", {"amount": "50"}))
    assert state.tier() == ("silver", date(2026, 3, 1), date(2027, 3, 1))
    step = rules.advance(state, at("2027-03-02T00:00"))
    codes = [why.code for decision in step.decisions for why in decision.reasons]
    assert codes == ["tiers.downgrade.one_level", "tiers.upgrade.reached"]  # 50.00 in the year: too little for the old, enough for the new


def test_dues_are_asked_in_order_of_time_days_before_the_instants_of_their_first_moment() -> None:
    asked: list[str] = []

    def note(policy: cr.Policy, event: AnyEvent, view: cr.View) -> None:
        if event.type in ("new_day", "tick"):
            asked.append(event.id)

    def ahead(stops: list[Any]) -> Any:
        return lambda view: next(
            (stop for stop in stops if (f"day:{stop}" if not isinstance(stop, datetime) else f"at:{stop:%Y-%m-%dT%H:%M:%S}Z") not in asked), None
        )

    rules = program(
        toy("first", note, due=ahead([at("2026-03-02T00:00"), at("2026-03-02T10:00")])),
        toy("second", due=ahead([date(2026, 3, 2), date(2026, 3, 3)])),
    )
    rules.advance(lived(rules, ("visit", "2026-03-01", "v-1", {})), at("2026-03-05"))
    assert asked == ["day:2026-03-02", "at:2026-03-02T00:00:00Z", "at:2026-03-02T10:00:00Z", "day:2026-03-03"]


def test_a_day_is_asked_as_it_opens_by_the_versions_of_that_day() -> None:
    old = daily()
    rules = program(old, old.model_copy(update={"effective_from": date(2026, 3, 3)}))
    step = rules.advance(lived(rules, ("visit", "2026-03-01", "v-1", {})), at("2026-03-04"))
    assert [(decision.event_id, decision.effective_from.year) for decision in step.decisions] == [
        ("day:2026-03-02", 1900),
        ("day:2026-03-03", 2026),
        ("day:2026-03-04", 2026),
    ]


def test_as_of_is_the_start_of_the_day_that_opens() -> None:
    seen: list[tuple[date, datetime, datetime | None]] = []

    def note(policy: cr.Policy, event: AnyEvent, view: cr.View) -> None:
        if event.type == "new_day":
            seen.append((view.day, view.instant, view.state.as_of))

    rules = program(toy("note", note, due=lambda view: date(2026, 3, 29)), zone="America/Havana")  # no midnight on 8 March there; the 29th has one
    rules.advance(lived(rules, ("visit", "2026-03-20", "v-1", {})), at("2026-03-29"))
    assert seen == [(date(2026, 3, 29), at("2026-03-29T04:00"), at("2026-03-29T04:00"))]


def test_the_first_day_of_a_version_is_always_due() -> None:
    rules = program(POINTS, {**POINTS, "effective_from": date(2026, 5, 1)})
    assert rules.next_due(lived(rules, ("visit", "2026-03-01", "v-1", {}))) == at("2026-05-01T00:00")


def test_a_due_beyond_the_next_version_is_cut_to_its_first_day() -> None:
    later = toy("clock", due=lambda view: date(2026, 12, 1))
    other = toy("other", effective_from=date(2026, 5, 1))
    rules = program(later, other)
    assert rules.next_due(lived(rules, ("visit", "2026-03-01", "v-1", {}))) == at("2026-05-01T00:00")


def test_a_due_that_has_passed_is_asked_when_the_next_day_opens() -> None:
    rules = program(toy("clock", due=lambda view: date(2020, 1, 1)))
    assert rules.next_due(lived(rules, ("visit", "2026-03-01", "v-1", {}))) == at("2026-03-02T00:00")


def test_two_days_that_open_at_one_instant_are_both_asked() -> None:
    """Samoa had no 30 December 2011: that day and the 31st begin together."""

    def on(day: date) -> cr.Policy:
        return toy(
            f"on-{day.day}",
            lambda policy, event, view: says(policy, event) if event.type == "new_day" and view.day == day else None,
            due=lambda view: day if view.day < day else None,
        )

    rules = program(on(date(2011, 12, 31)), on(date(2011, 12, 30)), zone="Pacific/Apia")
    step = rules.advance(lived(rules, ("visit", "2011-12-29", "v-1", {})), at("2012-01-02"))
    assert signed(step) == [("on-30", "day:2011-12-30"), ("on-31", "day:2011-12-31")]


def test_two_days_that_open_at_one_instant_may_both_be_sent() -> None:
    clock = toy("clock", lambda policy, event, view: says(policy, event) if event.type == "new_day" else None)
    rules = program(clock, zone="Pacific/Apia")
    state = lived(rules, ("visit", "2011-12-29", "v-1", {}))
    for day in (30, 31):
        step = rules.step(state, cr.NewDay(customer_id=CUSTOMER, day=date(2011, 12, day)))
        assert (step.verdict, signed(step)) == ("accepted", [("clock", f"day:2011-12-{day}")])
        state = step.state


def test_time_cannot_be_refused() -> None:
    rules = program(toy("pay", lambda policy, event, view: declines(policy, event) if event.type == "new_day" else None, phase="pay"))
    step = rules.step(lived(rules, ("visit", "2026-03-01", "v-1", {})), cr.NewDay(customer_id=CUSTOMER, day=date(2026, 3, 2)))
    assert (step.verdict, [decision.outcome for decision in step.decisions]) == ("accepted", ["DECLINED"])


def test_a_status_that_changed_after_its_reader_was_asked_is_read_again_when_the_next_day_opens() -> None:
    levels = [{"name": "low"}, {"name": "high", "enter": {"tier": "silver"}}]
    rules = program({**LADDER, "id": "first", "status": "standing", "term": "none", "levels": levels}, LADDER)
    state = lived(rules, ("purchase", "2026-03-01", "p-1", {"amount": "100"}))
    assert (state.tier("standing"), rules.next_due(state)) == (("low", date(2026, 3, 1), None), at("2026-03-02T00:00"))
    later = rules.advance(state, at("2026-03-05")).state
    assert later.tier("standing") == ("high", date(2026, 3, 2), None)


# -- days and instants that are sent -----------------------------------------------------------------------------------


def test_a_new_day_that_is_sent_settles_the_days_before_and_is_asked_itself() -> None:
    rules = program(daily())
    state = lived(rules, ("visit", "2026-03-01", "v-1", {}))
    step = rules.step(state, cr.NewDay(customer_id=CUSTOMER, day=date(2026, 3, 3)))
    assert signed(step) == [("clock", "day:2026-03-02"), ("clock", "day:2026-03-03")]
    assert (step.state.day, step.state.as_of) == (date(2026, 3, 3), at("2026-03-03T00:00"))


def test_a_new_day_is_asked_due_or_not() -> None:
    rules = program(toy("clock", lambda policy, event, view: says(policy, event) if event.type == "new_day" else None))
    state = lived(rules, ("visit", "2026-03-01", "v-1", {}))
    assert signed(rules.step(state, cr.NewDay(customer_id=CUSTOMER, day=date(2026, 3, 9)))) == [("clock", "day:2026-03-09")]


@pytest.mark.parametrize("day", [1, 2])
def test_a_day_that_has_opened_is_a_duplicate(day: int) -> None:
    state = lived(PLAIN, ("visit", "2026-03-02", "v-1", {}))
    step = PLAIN.step(state, cr.NewDay(customer_id=CUSTOMER, day=date(2026, 3, day)))
    assert (step.verdict, step.state is state, step.decisions) == ("duplicate", True, ())
    assert (step.event and step.event.id, step.refusal) == (f"day:2026-03-0{day}", reason("event.duplicate", id=f"day:2026-03-0{day}"))


def test_a_tick_that_is_sent_opens_the_day_that_begins_then_where_it_is_due() -> None:
    rules = program({**POINTS, "expiry": "1 month"}, EARN)
    state = lived(rules, ("purchase", "2026-01-31", "p-1", {"amount": "10"}))
    step = rules.step(state, cr.Tick(customer_id=CUSTOMER, at=at("2026-03-01T00:00")))
    assert (signed(step), step.state.points("points").available) == ([("points", "day:2026-03-01")], 0)


def test_a_tick_at_or_before_as_of_is_a_duplicate() -> None:
    state = lived(PLAIN, ("visit", "2026-03-02", "v-1", {}))
    assert PLAIN.step(state, cr.Tick(customer_id=CUSTOMER, at=at("2026-03-02"))).verdict == "duplicate"


def test_a_new_day_that_is_sent_asks_the_instants_of_its_first_moment_too() -> None:
    midnight = at("2026-03-02T00:00")
    rules = program(
        toy(
            "bell",
            lambda policy, event, view: says(policy, event, cr.Status("bell", "rang", view.day)) if event.type == "tick" else None,
            due=lambda view: midnight if ("bell", "") not in view.state.statuses else None,
            writes=("bell",),
        )
    )
    state = lived(rules, ("visit", "2026-03-01", "v-1", {}))
    sent = rules.step(state, cr.NewDay(customer_id=CUSTOMER, day=date(2026, 3, 2)))
    assert signed(sent) == signed(rules.advance(state, midnight)) == [("bell", "at:2026-03-02T00:00:00Z")]


def test_advance_is_idempotent() -> None:
    state = lived(PLAIN, ("purchase", "2026-03-01", "p-1", {"amount": "10"}))
    once = PLAIN.advance(state, at("2026-06-01"))
    twice = PLAIN.advance(once.state, at("2026-06-01"))
    assert (twice.state is once.state, twice.decisions, twice.event, twice.verdict) == (True, (), None, "accepted")


def test_before_the_first_event_no_time_passes() -> None:
    assert PLAIN.advance(NEW, at("2026-06-01")).state is NEW
    assert PLAIN.next_due(NEW) is None


# -- phases ------------------------------------------------------------------------------------------------------------


def test_policies_are_asked_by_phase_and_in_document_order_within_one() -> None:
    rules = program(heard("a", phase="care"), heard("b", phase="rank"), heard("c", phase="lapse"), heard("d"), heard("e", phase="pay"), heard("f"))
    assert [policy for policy, _ in signed(stepped(rules, NEW, "visit", "2026-03-01", "v-1"))] == ["e", "d", "f", "b", "c", "a"]


def test_a_policy_is_asked_only_about_what_it_hears() -> None:
    rules = program(heard("ear", hears=("referral",)))
    assert stepped(rules, NEW, "visit", "2026-03-01", "v-1").decisions == ()
    assert signed(stepped(rules, NEW, "referral", "2026-03-01", "r-1", friend="f")) == [("ear", "r-1")]


def test_accrual_uses_the_level_held_before_the_event() -> None:
    rules = program(LADDER, POINTS, {**EARN, "points_per_unit": {"member": 1, "silver": 2}})
    state = lived(rules, ("purchase", "2026-03-01", "p-1", {"amount": "100"}))
    tier = state.tier()
    assert (state.points("points").available, tier and tier.name) == (100, "silver")
    assert stepped(rules, state, "purchase", "2026-03-02", "p-2", amount="100").state.points("points").available == 300


def test_measures_include_the_event_from_earn_on_and_not_in_pay() -> None:
    orders: dict[str, Any] = {}

    def count(policy: cr.Policy, event: AnyEvent, view: cr.View) -> None:
        orders[policy.id] = view.value("orders")

    rules = program(toy("pay", count, phase="pay"), toy("earn", count))
    stepped(rules, NEW, "purchase", "2026-03-01", "p-1", amount="1")
    assert orders == {"pay": 0, "earn": 1}


def test_before_its_first_version_an_account_is_as_that_one_says() -> None:
    rules = program({**POINTS, "effective_from": date(2026, 5, 1)}, EARN)
    (lot,) = stepped(rules, NEW, "purchase", "2026-03-01", "p-1", amount="7").state.points("points").lots
    assert (lot.quantity, lot.last_day) == (7, date(2027, 3, 1))


def test_each_policy_sees_what_those_before_it_left() -> None:
    seen: list[int] = []
    rules = program(POINTS, EARN, toy("eye", lambda policy, event, view: seen.append(view.ledger.usable("points"))))
    stepped(rules, NEW, "purchase", "2026-03-01", "p-1", amount="7")
    assert seen == [7]


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_a_decline_in_pay_refuses_and_only_the_declines_are_told() -> None:
    rules = program(heard("yes", phase="pay"), toy("no", lambda policy, event, view: declines(policy, event), phase="pay"), heard("late"))
    step = stepped(rules, NEW, "visit", "2026-03-01", "v-1")
    assert (step.verdict, step.state is NEW, signed(step), step.refusal) == ("refused", True, [("no", "v-1")], reason("toy.said.no", policy="no"))


def test_the_refusal_is_the_first_decline() -> None:
    no = [toy(name, lambda policy, event, view: declines(policy, event), phase="pay") for name in ("first", "second")]
    step = stepped(program(*no), NEW, "visit", "2026-03-01", "v-1")
    assert (signed(step), step.refusal) == ([("first", "v-1"), ("second", "v-1")], reason("toy.said.no", policy="first"))


def test_a_decline_after_pay_is_only_a_decision() -> None:
    rules = program(toy("no", lambda policy, event, view: declines(policy, event)))
    step = stepped(rules, NEW, "visit", "2026-03-01", "v-1")
    assert (step.verdict, [decision.outcome for decision in step.decisions]) == ("accepted", ["DECLINED"])


def test_a_refusal_settles_nothing() -> None:
    rules = program({**POINTS, "expiry": "1 month"}, EARN, PAY)
    state = lived(rules, ("purchase", "2026-01-01", "p-1", {"amount": "10"}))
    step = stepped(rules, state, "redemption", "2026-06-01", "r-1", points="10")
    assert (step.verdict, step.state is state, signed(step)) == ("refused", True, [("pay", "r-1")])


TENDERS = [
    ("points", {"amount": "1", "quantity": "10"}),
    ("stored_value", {"amount": "1"}),
    ("gift_card", {"amount": "1", "reference": "G-1"}),
]


@pytest.mark.parametrize(("tender", "fields"), TENDERS)
def test_value_that_nobody_takes_is_refused(tender: str, fields: dict[str, str]) -> None:
    step = stepped(program(POINTS, EARN), NEW, "purchase", "2026-03-01", "p-1", tenders=[{"type": tender, **fields}])
    assert (step.verdict, step.refusal, step.decisions) == ("refused", reason("event.unserved", what=tender), ())


def test_a_redemption_that_nobody_answers_is_refused() -> None:
    step = stepped(PLAIN, NEW, "redemption", "2026-03-01", "r-1", points="10")
    assert (step.verdict, step.refusal) == ("refused", reason("event.unserved", what="redemption"))


def test_value_that_a_policy_serves_and_answers_is_taken() -> None:
    rules = program(heard("cards", phase="pay", serves=("gift_card",)))
    assert stepped(rules, NEW, "purchase", "2026-03-01", "p-1", tenders=[{"type": "gift_card", "amount": "1"}]).accepted


def test_a_policy_that_serves_a_tender_and_answers_none_has_not_taken_it() -> None:
    rules = program(toy("cards", phase="pay", serves=("gift_card",)))
    assert stepped(rules, NEW, "purchase", "2026-03-01", "p-1", tenders=[{"type": "gift_card", "amount": "1"}]).verdict == "refused"


@pytest.mark.parametrize("tender", ["cash", "card", "coupon"])
def test_money_and_coupons_need_nobody(tender: str) -> None:
    assert stepped(PLAIN, NEW, "purchase", "2026-03-01", "p-1", tenders=[{"type": tender, "amount": "1"}]).accepted
