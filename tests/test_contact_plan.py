"""Arranging contacts: what goes out on which day, over which channel and at which time, and why the rest does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cases.covering import covers

import custrules as cr
from custrules.calendars.working import WorkingRule, WorkingTime
from custrules.contacting import Contacting
from custrules.policies.care.arranging import Candidate, Desk, Person, Placed
from custrules.policies.care.contact_plan import ContactPlan
from custrules.policies.care.gates import Touch

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
MAY_20 = date(2026, 5, 20)
PRIORITY = ["birthday", "churn_warning", "daily", "secondary_marketing"]
YES = {"sms": "marketing", "wechat": "marketing", "email": "marketing", "phone": "marketing", "app": "marketing"}


def rules(**fields: Any) -> ContactPlan:
    return ContactPlan.read({"id": "contact", "priority": PRIORITY, **fields})


def ask(
    trigger: str,
    day: date = MAY_20,
    *,
    category: str = "daily",
    purpose: Any = "greeting",
    channels: Sequence[str] = ("sms",),
    last_day: date | None = None,
    **terms: Any,
) -> Candidate:
    return Candidate(trigger, f"{trigger}-{day}", day, last_day, category, "hello", Contacting(purpose, tuple(channels), **terms))


def arranged(
    plan: ContactPlan,
    candidates: Iterable[Candidate],
    *,
    made: Sequence[Touch] = (),
    days: tuple[date, date] = (MAY_20, date(2026, 6, 30)),
    zone: ZoneInfo = SHANGHAI,
    consent: Mapping[str, str] = YES,
    profile: Mapping[str, Any] | None = None,
    working: WorkingTime | None = None,
    customer: str = "c",
    chosen: str | None = None,
    stops: Sequence[str] = (),
    do_not_contact: bool = False,
) -> list[Placed]:
    who = Person(customer, zone, profile or {}, consent, do_not_contact, frozenset(stops), chosen)
    return Desk(defaultdict(lambda: plan), lambda candidate, day: who, made, working, days).arrange(candidates)


def told(placed: Iterable[Placed]) -> list[tuple[str, str, str]]:
    """Day of the month, trigger and outcome."""
    return [(f"{each.day:%m-%d}", each.candidate.trigger, each.outcome) for each in placed]


def why(placed: Sequence[Placed]) -> list[str]:
    return [each.reasons[0].code for each in placed]


def local(at: datetime | None, zone: ZoneInfo = SHANGHAI) -> str:
    assert at is not None
    return f"{at.astimezone(zone):%m-%d %H:%M}"


# -- quiet hours -------------------------------------------------------------------------------------------------------

NIGHT = {"from": "21:00", "to": "09:00", "then": "defer"}


def at_time(clock: str, quiet: Any, **more: Any) -> list[Placed]:
    return arranged(rules(send_at=clock, quiet_hours=quiet), [ask("wish", **more)])


@covers("QH-START-INCLUSIVE")
def test_quiet_hours_begin_with_their_first_minute_and_end_before_their_last() -> None:
    assert local(at_time("20:59", {"sms": NIGHT})[0].at) == "05-20 20:59"
    first, second = at_time("21:00", {"sms": NIGHT})
    assert (first.outcome, first.until, local(second.at)) == ("defer", date(2026, 5, 21), "05-21 09:00")
    assert local(at_time("08:59", {"sms": NIGHT})[0].at) == "05-20 09:00"
    assert local(at_time("09:00", {"sms": NIGHT})[0].at) == "05-20 09:00"


@covers("QH-DEGENERATE")
@pytest.mark.parametrize("window", [("09:00", "09:00"), ("12:00", "08:01")])
def test_quiet_hours_that_are_empty_or_leave_no_time_to_send_are_refused(window: tuple[str, str]) -> None:
    quiet = f'{{sms: {{from: "{window[0]}", to: "{window[1]}", then: defer}}}}'
    with pytest.raises(cr.DocumentError) as caught:
        cr.loads(f"program: p\nzone: UTC\ncurrency: CNY\npolicies:\n  - {{id: contact, kind: care.contact_plan, quiet_hours: {quiet}}}\n")
    assert [(fault.code, fault.path) for fault in caught.value.diagnostics] == [("document.quiet_hours", "policies[0].quiet_hours.sms")]


@covers("QH-BIRTHDAY-LATE")
def test_a_greeting_of_one_day_that_falls_into_quiet_hours_is_dropped_or_sent_before_them() -> None:
    (late,) = at_time("21:30", {"sms": NIGHT}, last_day=MAY_20)
    assert (late.outcome, late.reasons[0].code) == ("drop", "care.quiet_hours")
    (early,) = at_time("21:30", {"sms": {**NIGHT, "then": "advance"}}, last_day=MAY_20)
    assert local(early.at) == "05-20 20:59"


@covers("QH-STO-NEAREST-EDGE")
def test_advance_takes_the_last_minute_before_the_window_and_defer_waits_for_its_end() -> None:
    (before,) = at_time("22:40", {"sms": {"from": "22:00", "to": "08:00", "then": "advance"}})
    assert local(before.at) == "05-20 21:59"  # the other tool's 22:00 is inside: the window begins with its first minute
    (morning,) = at_time("05:00", {"sms": {"from": "22:00", "to": "08:00", "then": "advance"}})
    assert local(morning.at) == "05-20 08:00"  # what lies before it is yesterday


@covers("QH-DST")
def test_the_end_of_quiet_hours_is_a_time_of_the_clock_and_not_so_many_hours_later() -> None:
    day = date(2026, 3, 8)  # the clocks of New York jump from 02:00 to 03:00
    plan = rules(send_at="00:30", quiet_hours={"sms": NIGHT})
    (placed,) = arranged(plan, [ask("wish", day)], days=(day, day), zone=NEW_YORK)
    assert placed.at == datetime(2026, 3, 8, 13, tzinfo=UTC)


@covers("QH-CHANNEL-SPECIFIC")
def test_quiet_hours_are_of_a_channel() -> None:
    quiet = {"sms": {"from": "21:00", "to": "09:00"}, "phone": {"from": "20:00", "to": "09:30"}}
    plan = rules(send_at={"all": "20:30"}, quiet_hours=quiet)
    placed = arranged(plan, [ask("a", channels=["email"]), ask("b", channels=["sms"]), ask("c", channels=["phone"])])
    assert [(each.channel, each.outcome) for each in placed] == [("email", "send"), ("sms", "send"), ("phone", "defer"), ("phone", "task")]
    assert [local(each.at) for each in placed if each.outcome in ("send", "task")] == ["05-20 20:30", "05-20 20:30", "05-21 09:30"]


@covers("QH-PILE-UP")
def test_what_leaves_quiet_hours_is_arranged_by_priority_on_the_day_on_which_it_goes_out() -> None:
    day = date(2026, 5, 21)
    asked = [
        ask("second", category="secondary_marketing", purpose="marketing", last_day=day),
        ask("birthday", category="birthday", last_day=day),
        ask("daily", day, last_day=day),
    ]
    plan = rules(send_at={"all": "10:00"}, caps=[{"at_most": 1, "per": "calendar day"}], blackout=[{"days": ["2026-05-20"]}])
    placed = [each for each in arranged(plan, asked) if each.day == day]  # nothing goes out on the 20th
    assert [(each.candidate.trigger, each.outcome) for each in placed] == [("birthday", "send"), ("daily", "drop")]


@covers("QH-TRANSACTIONAL")
def test_a_statutory_notice_goes_out_at_any_hour_and_to_anybody() -> None:
    asked = ask("notice", purpose="service", statutory=True)
    (placed,) = arranged(rules(send_at="23:00", quiet_hours={"all": NIGHT}), [asked], do_not_contact=True)
    assert (placed.outcome, local(placed.at)) == ("send", "05-20 23:00")


@covers("TZ-DST-GAP", "TZ-MIDNIGHT-GAP")
def test_a_time_that_the_clocks_jump_over_is_when_they_have_jumped() -> None:
    (gap,) = arranged(rules(send_at="02:30"), [ask("a", date(2026, 3, 8))], days=(date(2026, 3, 8),) * 2, zone=NEW_YORK)
    assert gap.at == datetime(2026, 3, 8, 7, tzinfo=UTC)  # 03:00 on the clock: the case's 03:30 adds the hour that does not exist
    cairo = ZoneInfo("Africa/Cairo")
    (midnight,) = arranged(rules(send_at="00:00"), [ask("a", date(2026, 4, 24))], days=(date(2026, 4, 24),) * 2, zone=cairo)
    assert midnight.at == datetime(2026, 4, 23, 22, tzinfo=UTC)


# -- caps --------------------------------------------------------------------------------------------------------------


def one_more(caps: list[dict[str, Any]], made: Sequence[Touch], asked: Candidate, **fields: Any) -> list[Placed]:
    return arranged(rules(caps=caps, **fields), [asked], made=made)


def touch(day: date, channel: str = "sms", category: str = "daily", purpose: str = "greeting") -> Touch:
    return Touch(day, channel, category, purpose)


@covers("CAP-CALENDAR-DAY")
def test_a_calendar_day_begins_anew_at_midnight() -> None:
    caps = [{"at_most": 1, "per": "calendar day"}]
    assert told(one_more(caps, [touch(date(2026, 5, 19))], ask("a"))) == [("05-20", "a", "send")]
    assert told(one_more(caps, [touch(MAY_20)], ask("a", last_day=MAY_20))) == [("05-20", "a", "drop")]


@covers("CAP-ROLLING-WEEK")
def test_a_rolling_week_ends_seven_days_later() -> None:
    friday = touch(date(2026, 5, 15))
    placed = one_more([{"at_most": 1, "per": "7 days"}], [friday], ask("a", date(2026, 5, 21)))
    assert told(placed) == [("05-21", "a", "defer"), ("05-22", "a", "send")]
    assert placed[0].until == date(2026, 5, 22)


@covers("CAP-PER-CHANNEL-TIMERS")
def test_a_cap_of_a_channel_counts_that_channel_alone() -> None:
    caps = [{"at_most": 1, "per": "calendar day", "channel": "email"}, {"at_most": 1, "per": "calendar day", "channel": "sms"}]
    made = [touch(MAY_20, "email")]
    assert told(one_more(caps, made, ask("a", channels=["email"], last_day=MAY_20))) == [("05-20", "a", "drop")]
    assert told(one_more(caps, made, ask("a", channels=["sms"]))) == [("05-20", "a", "send")]


@covers("CAP-TYPE-OVERRIDES-CHANNEL")
def test_all_caps_hold_unless_the_most_specific_is_to_decide() -> None:
    caps = [{"at_most": 1, "per": "calendar day", "channel": "email"}, {"at_most": 3, "per": "calendar day", "channel": "email", "category": "promo"}]
    made = [touch(MAY_20, "email", "promo", "marketing")]
    asked = ask("a", category="promo", purpose="marketing", channels=["email"], last_day=MAY_20)
    assert told(one_more(caps, made, asked)) == [("05-20", "a", "drop")]
    assert told(one_more(caps, made, asked, combine="most_specific")) == [("05-20", "a", "send")]


@covers("CAP-EXEMPT-AND-NOT-COUNTED")
def test_what_is_exempt_neither_obeys_a_cap_nor_counts_towards_it() -> None:
    caps = [{"at_most": 1, "per": "calendar day"}]
    assert told(one_more(caps, [touch(MAY_20)], ask("receipt", purpose="service"))) == [("05-20", "receipt", "send")]
    assert told(one_more(caps, [touch(MAY_20, purpose="service")], ask("a"))) == [("05-20", "a", "send")]
    exempt = [{**caps[0], "exempt": ["birthday"]}]
    assert told(one_more(exempt, [touch(MAY_20)], ask("a", category="birthday"))) == [("05-20", "a", "send")]
    counted = [{**exempt[0], "counts_exempt": True}]
    assert told(one_more(counted, [touch(MAY_20, category="birthday")], ask("a", last_day=MAY_20))) == [("05-20", "a", "drop")]


@covers("CAP-TAG-AT-SEND-TIME")
def test_what_was_sent_counts_under_the_category_that_it_had_then() -> None:
    caps = [{"at_most": 1, "per": "calendar week", "category": "promo"}]
    placed = one_more(caps, [touch(date(2026, 5, 18), category="promo", purpose="marketing")], ask("b", category="promo", purpose="marketing"))
    assert placed[0].reasons[0].code == "care.cap.category"
    assert placed[0].until == date(2026, 5, 25)  # Monday


def test_a_cap_may_name_a_tag_and_is_more_specific_by_it() -> None:
    caps = [{"at_most": 1, "per": "calendar week", "tag": "promotional"}]
    made = [Touch(date(2026, 5, 18), "sms", "daily", "marketing", ("seasonal", "promotional"))]
    asked = ask("b", purpose="marketing", tags=("promotional",), last_day=MAY_20)
    placed = one_more(caps, made, asked)
    assert (told(placed), why(placed)) == ([("05-20", "b", "drop")], ["care.cap.tag"])
    assert "promotional" in cr.render(placed[0].reasons[0])
    assert told(one_more(caps, made, ask("b", purpose="marketing", tags=("other",)))) == [("05-20", "b", "send")]
    both = [{"at_most": 1, "per": "calendar week"}, {"at_most": 2, "per": "calendar week", "tag": "promotional"}]
    assert told(one_more(both, made, asked)) == [("05-20", "b", "drop")]
    assert told(one_more(both, made, asked, combine="most_specific")) == [("05-20", "b", "send")]


@pytest.mark.parametrize(
    ("obeys", "counted", "first", "second"),
    [(True, True, "send", "drop"), (True, False, "send", "send"), (False, False, "send", "send"), (False, True, "send", "drop")],
)
def test_whether_a_contact_obeys_caps_and_whether_it_counts_are_two_questions(obeys: bool, counted: bool, first: str, second: str) -> None:
    plan = rules(caps=[{"at_most": 1, "per": "calendar day"}])
    asked = [ask("receipt", category="birthday", obeys=obeys, counted=counted, last_day=MAY_20), ask("daily", last_day=MAY_20)]
    assert [each.outcome for each in arranged(plan, asked)] == [first, second]
    full = arranged(plan, asked[:1], made=[touch(MAY_20)])
    assert full[0].outcome == ("drop" if obeys else "send")


@covers("CAP-SKIP-VS-RETRY")
def test_what_is_capped_waits_while_it_makes_sense_and_is_dropped_after_that() -> None:
    caps = [{"at_most": 1, "per": "calendar day"}]
    assert told(one_more(caps, [touch(MAY_20)], ask("a", last_day=date(2026, 5, 22)))) == [("05-20", "a", "defer"), ("05-21", "a", "send")]
    assert told(one_more(caps, [touch(MAY_20)], ask("a", last_day=MAY_20))) == [("05-20", "a", "drop")]


@covers("CAP-ROLLING-LOOKAHEAD")
def test_a_cap_is_kept_free_for_what_has_priority_and_comes_later() -> None:
    plan = rules(caps=[{"at_most": 1, "per": "7 days"}])
    monday = date(2026, 5, 18)
    placed = arranged(plan, [ask("daily", monday, last_day=monday), ask("birthday", category="birthday", last_day=MAY_20)], days=(monday, MAY_20))
    assert told(placed) == [("05-18", "daily", "drop"), ("05-20", "birthday", "send")]
    assert why(placed) == ["care.cap.total", "care.planned.send"]


@covers("CAP-TIE-BREAK")
def test_of_equals_the_heavier_goes_first_then_what_ends_sooner_then_the_name() -> None:
    plan = rules(caps=[{"at_most": 1, "per": "calendar day"}])
    assert told(arranged(plan, [ask("r2"), ask("r1")]))[0] == ("05-20", "r1", "send")
    assert told(arranged(plan, [ask("r2", last_day=date(2026, 5, 22)), ask("r1")]))[0] == ("05-20", "r2", "send")
    assert told(arranged(plan, [ask("r2", weight=1), ask("r1", last_day=date(2026, 5, 22))]))[0] == ("05-20", "r2", "send")


@covers("CAP-MIN-GAP")
def test_a_contact_too_soon_after_another_waits_for_the_gap() -> None:
    placed = arranged(rules(send_at="13:00", minimum_gap="30 minutes"), [ask("a"), ask("b"), ask("receipt", purpose="service")])
    assert {each.candidate.trigger: local(each.at) for each in placed} == {"a": "05-20 13:00", "b": "05-20 13:30", "receipt": "05-20 13:00"}


def test_a_cap_of_months_counts_the_whole_month() -> None:
    caps = [{"at_most": 4, "per": "calendar month", "channel": "sms"}]
    made = [touch(date(2026, 5, day)) for day in (1, 5, 9, 31)]
    placed = one_more(caps, made, ask("a"))
    assert (placed[0].until, why(placed)) == (date(2026, 6, 1), ["care.cap.sms", "care.planned.send"])


def test_beyond_the_plan_a_contact_is_put_off_to_the_day_after_it() -> None:
    plan = rules(caps=[{"at_most": 1, "per": "calendar month"}])
    (placed,) = arranged(plan, [ask("a")], made=[touch(MAY_20)], days=(MAY_20, date(2026, 5, 24)))
    assert (placed.outcome, placed.until) == ("defer", date(2026, 5, 25))


# -- days --------------------------------------------------------------------------------------------------------------

WORKING = WorkingTime(WorkingRule.model_validate({"days": "CN"}), SHANGHAI)


@covers("TABOO-MEMORIAL-BLACKOUT")
def test_on_a_blackout_day_promotion_waits() -> None:
    day = date(2026, 12, 13)
    plan = rules(blackout=[{"name": "national memorial", "days": ["2026-12-13"], "purposes": ["marketing"]}])
    placed = arranged(plan, [ask("sale", day, purpose="marketing"), ask("wish", day)], days=(day, date(2026, 12, 20)))
    assert {(each.candidate.trigger, each.outcome, each.until) for each in placed if each.outcome == "defer"} == {
        ("sale", "defer", date(2026, 12, 14))
    }


@covers("CAP-HOLIDAY-DND")
def test_days_off_may_be_blackout_days() -> None:
    day = date(2026, 10, 1)  # the holiday runs to 7 October 2026
    placed = arranged(rules(blackout=[{"days_off": True}]), [ask("daily", day)], days=(day, date(2026, 10, 14)), working=WORKING)
    assert (placed[0].outcome, placed[0].until) == ("defer", date(2026, 10, 8))


def test_calls_wait_for_a_working_day_and_a_saturday_may_be_one() -> None:
    plan = rules(working_days_only=["phone"])
    saturday = date(2026, 5, 23)
    placed = arranged(plan, [ask("call", saturday, channels=["phone"])], working=WORKING)
    assert (placed[0].reasons[0].code, placed[0].until, placed[1].outcome) == ("care.working_day", date(2026, 5, 25), "task")
    made_up = date(2026, 5, 9)  # a Saturday that is worked for the holiday of May 2026
    assert told(arranged(plan, [ask("call", made_up, channels=["phone"])], days=(made_up, made_up), working=WORKING)) == [("05-09", "call", "task")]


def test_of_a_day_that_nobody_knows_yet_a_task_says_so() -> None:
    day = date(2027, 10, 5)  # no holidays of 2027 are decreed in the table: a Tuesday looks like a working day, a Saturday does not
    placed = arranged(rules(working_days_only=["phone"]), [ask("call", day, channels=["phone"])], days=(day, day), working=WORKING)
    assert [reason.code for reason in placed[0].reasons] == ["care.planned.task", "care.working_day.unknown"]
    saturday = date(2027, 10, 9)
    later = arranged(rules(working_days_only=["phone"]), [ask("call", saturday, channels=["phone"])], days=(saturday, saturday), working=WORKING)
    assert (later[0].outcome, why(later)) == ("defer", ["care.working_day.unknown"])


def test_a_channel_may_have_no_quiet_hours_where_all_others_have() -> None:
    placed = arranged(rules(send_at="23:00", quiet_hours={"all": NIGHT, "app": []}), [ask("a", channels=["app"]), ask("b")])
    assert [(each.channel, each.outcome) for each in placed][:2] == [("app", "send"), ("sms", "defer")]


def test_on_the_day_of_a_greeting_nothing_is_sold() -> None:
    plan = rules(greeting_day="no_marketing")
    asked = [ask("second", category="secondary_marketing", purpose="marketing"), ask("birthday", category="birthday")]
    placed = arranged(plan, asked)
    assert told(placed) == [("05-20", "birthday", "send"), ("05-20", "second", "defer"), ("05-21", "second", "send")]
    assert placed[1].reasons[0].code == "care.taboo.greeted_today"
    assert [each.outcome for each in arranged(rules(), asked)] == ["send", "send"]


@covers("HOL-BIRTHDAY-ON-SPRING-FESTIVAL")
def test_greetings_of_one_day_become_one() -> None:
    day = date(2027, 2, 6)
    asked = [ask("festival", day, last_day=day), ask("birthday", day, category="birthday", last_day=day)]
    placed = arranged(rules(merge=True), asked, days=(day, day))
    assert told(placed) == [("02-06", "birthday", "send"), ("02-06", "festival", "drop")]
    assert placed[1].reasons[0] == cr.Reason("care.merged", {"into": "birthday"})


def test_what_is_past_its_last_day_has_expired() -> None:
    (placed,) = arranged(rules(), [ask("late", date(2026, 5, 18), last_day=date(2026, 5, 19))])
    assert (placed.outcome, placed.day) == ("expired", MAY_20)


# -- consent, complaints, holdout, channel -------------------------------------------------------------------------------


@covers("CONSENT-FALLBACK")
def test_the_first_channel_with_consent_is_taken() -> None:
    asked = ask("a", channels=["phone", "wechat", "sms", "email"])
    (placed,) = arranged(rules(), [asked], consent={"wechat": "marketing", "email": "marketing"})
    assert placed.channel == "wechat"


@covers("CONSENT-NONE")
def test_without_consent_nothing_but_service_goes_out() -> None:
    asked = [ask("sale", purpose="marketing"), ask("wish"), ask("receipt", purpose="service")]
    placed = arranged(rules(), asked, consent={"sms": "service"})
    assert {each.candidate.trigger: each.outcome for each in placed} == {"sale": "drop", "wish": "drop", "receipt": "send"}
    assert why(placed).count("care.consent.none") == 2


@covers("SUPPRESS-COMPLAINT")
def test_an_open_complaint_stops_what_it_is_told_to_stop() -> None:
    asked = [ask("birthday"), ask("second", purpose="marketing"), ask("follow_up", purpose="service")]
    outcomes = {each.candidate.trigger: each.outcome for each in arranged(rules(), asked, stops=["marketing"])}
    assert outcomes == {"birthday": "send", "second": "drop", "follow_up": "send"}
    both = {each.candidate.trigger: each.outcome for each in arranged(rules(), asked, stops=["marketing", "greeting"])}
    assert both["birthday"] == "drop"  # no third answer: what a person should see is asked for as a task


def test_who_wants_no_contact_gets_none_but_what_the_law_asks_for() -> None:
    asked = [ask("receipt", purpose="service"), ask("notice", purpose="service", statutory=True)]
    assert [each.outcome for each in arranged(rules(), asked, do_not_contact=True)] == ["send", "drop"]


def test_who_has_left_is_neither_greeted_nor_sold_anything() -> None:
    asked = [ask("wish"), ask("sale", purpose="marketing"), ask("receipt", purpose="service")]
    who = Person("c", SHANGHAI, {}, YES, False, frozenset(), None, closed=date(2026, 5, 1))
    placed = Desk(defaultdict(rules), lambda candidate, day: who, [], None, (MAY_20, MAY_20)).arrange(asked)
    assert {each.candidate.trigger: each.reasons[0].code for each in placed} == {
        "wish": "care.closed", "sale": "care.closed", "receipt": "care.planned.send",
    }  # fmt: skip
    assert "2026-05-01" in cr.render(next(each for each in placed if each.outcome == "drop").reasons[0], "zh")


@covers("HOLDOUT-EXCLUSION-TAG")
def test_a_holdout_leaves_alone_whom_the_hash_chooses_and_no_exempt_category() -> None:
    plan = rules(holdout={"share": "1", "salt": "2026", "exempt": ["birthday"]})
    asked = [ask("daily"), ask("birthday", category="birthday"), ask("receipt", purpose="service")]
    assert {each.candidate.trigger: each.outcome for each in arranged(plan, asked)} == {"daily": "withhold", "birthday": "send", "receipt": "send"}


@covers("HOLDOUT-DUP-CONTACT")
def test_who_shares_a_telephone_is_held_out_together() -> None:
    plan = rules(holdout={"share": "50%", "salt": "s", "by": "phone"})
    outcomes = {
        phone: {arranged(plan, [ask("a")], customer=name, profile={"phone": phone})[0].outcome for name in ("a", "b", "c", "d")}
        for phone in (f"1380000000{digit}" for digit in range(10))
    }
    assert all(len(found) == 1 for found in outcomes.values())
    assert {outcome for found in outcomes.values() for outcome in found} == {"send", "withhold"}


def test_a_share_of_the_customers_is_held_out() -> None:
    plan = rules(holdout={"share": "10%", "salt": "2026"})
    held = sum(arranged(plan, [ask("a")], customer=f"c{number}")[0].outcome == "withhold" for number in range(2_000))
    assert 140 <= held <= 260  # 200 expected; five standard deviations are 67


@covers("CHANNEL-IMPORTANCE")
def test_the_table_chooses_the_channel_and_a_call_is_a_task() -> None:
    (placed,) = arranged(rules(), [ask("birthday", channels=["wechat"])], chosen="phone")
    assert (placed.channel, placed.outcome) == ("phone", "task")


def test_a_preference_of_the_customer_comes_before_the_order_of_the_trigger() -> None:
    asked = ask("a", channels=["sms", "wechat"])
    assert arranged(rules(preference="likes"), [asked], profile={"likes": "wechat"})[0].channel == "wechat"
    assert arranged(rules(preference="likes"), [asked], profile={"likes": "fax"})[0].channel == "sms"


# -- documents ---------------------------------------------------------------------------------------------------------


def test_a_plan_is_read_and_written_without_loss() -> None:
    text = """
program: p
zone: Asia/Shanghai
currency: CNY
profile: {phone: {type: text}}
calendar: {working: {days: CN}}
policies:
  - id: contact
    kind: care.contact_plan
    priority: [birthday, daily]
    send_at: {all: "10:00", phone: "14:00"}
    quiet_hours: {sms: {from: "21:00", to: "09:00", then: defer}, phone: [{from: "12:00", to: "14:00"}, {from: "20:00", to: "09:00", then: drop}]}
    working_days_only: [phone]
    channel: {hit: FIRST, inputs: [category, phone], outputs: [channel], rows: [[birthday, "not(missing)", phone], ["-", "-", sms]]}
    caps:
      - {at_most: 1, per: calendar day}
      - {channel: sms, at_most: 4, per: calendar month}
      - {at_most: 2, per: 7 days, exempt: [birthday], tag: promo}
    blackout: [{name: memorial, days: [2026-12-13], festivals: [qingming], purposes: [marketing], then: drop}]
    holdout: {share: 5%, salt: "2026", by: phone}
    greeting_day: no_marketing
    minimum_gap: 30 minutes
    merge: true
"""
    program = cr.loads(text)
    assert cr.loads(program.to_json()).to_json() == program.to_json()


FAULTS = {
    "quiet_hours: {sms: {from: '25:00', to: '09:00'}}": "quiet_hours.sms.from",
    "caps: [{at_most: -1, per: calendar day}]": "caps[0].at_most",
    "caps: [{at_most: 1, per: fortnight}]": "caps[0].per",
    "blackout: [{}]": "blackout[0]",
    "blackout: [{festivals: [chrismas]}]": "blackout[0].festivals[0]",
    "holdout: {share: 0%, salt: s}": "holdout.share",
    "holdout: {share: 5%, salt: s, by: telephone}": "holdout.by",
    "preference: likes": "preference",
    "preference: joined": "preference",
    "quiet_hours: {from: '21:00', to: '09:00'}": "quiet_hours",
    "greeting_day: never": "greeting_day",
    "channel: {hit: COLLECT, inputs: [category], outputs: [channel], rows: [[a, b]]}": "channel.hit",
}


@pytest.mark.parametrize("line", FAULTS)
def test_what_is_wrong_with_a_plan_is_told_with_its_place(line: str) -> None:
    with pytest.raises(cr.DocumentError) as caught:
        cr.loads(f"program: p\nzone: UTC\ncurrency: CNY\npolicies:\n  - id: contact\n    kind: care.contact_plan\n    {line}\n")
    assert [fault.path for fault in caught.value.diagnostics] == [f"policies[0].{FAULTS[line]}"]


def test_a_program_has_one_contact_plan() -> None:
    two = "".join(f"  - {{id: {name}, kind: care.contact_plan}}\n" for name in ("one", "two"))
    with pytest.raises(cr.DocumentError) as caught:
        cr.loads(f"program: p\nzone: UTC\ncurrency: CNY\npolicies:\n{two}")
    assert [fault.code for fault in caught.value.diagnostics] == ["document.one_contact_plan"]
