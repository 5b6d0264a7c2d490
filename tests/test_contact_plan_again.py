"""Plans that are made again: contacts made in between or ahead, customers of other zones, next versions of the rules, the last look."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from test_contact_plan import MAY_20, NEW_YORK, SHANGHAI, arranged, ask, local, rules, told, touch, why

import custrules as cr
from custrules.policies.care.gates import Touch

MAY_21 = date(2026, 5, 21)
HEAD = "program: p\nzone: {zone}\ncurrency: CNY\nprofile: {{birthday: {{type: birthday}}}}\npolicies:\n"
BIRTHDAY = "  - {id: birthday, kind: care.trigger, occasion: birthday, category: birthday, purpose: greeting, channels: [sms], template: wish%s}\n"
SALE = "  - {id: sale, kind: care.trigger, occasion: {date: 2026-05-20}, category: offers, purpose: marketing, channels: [sms], template: sale%s}\n"


def program(*lines: str, zone: str = "Asia/Shanghai", contact: str = "") -> cr.Program:
    return cr.loads(HEAD.format(zone=zone) + "".join(lines) + "  - {id: contact, kind: care.contact_plan" + contact + "}\n")


class Life:
    def __init__(self, rules: cr.Program, **profile: Any) -> None:
        self.rules, self.state, self.number = rules, cr.State.new("c"), 0
        self.event("enrolment", "2026-05-01T04:00", profile={"birthday": "1990-05-20", **profile})
        self.event("consent_update", "2026-05-01T04:00", consent={"sms": "marketing", "phone": "marketing"})

    def event(self, kind: str, at: str, **fields: Any) -> Life:
        self.number += 1
        head = {"type": kind, "id": f"e{self.number}", "customer_id": "c", "occurred_at": f"{at}:00Z"}
        step = self.rules.step(self.state, self.rules.event({**head, **fields}))
        assert step.accepted, step.refusal
        self.state = step.state
        return self

    def plan(self, start: date = MAY_20, days: int = 1) -> list[cr.PlanItem]:
        return list(cr.plan(self.rules, self.state, start, days=days))

    def recheck(self, item: cr.PlanItem, at: datetime) -> cr.PlanItem:
        return cr.recheck(self.rules, self.state, item, at)


# -- other zones ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "customer", "at"),
    [
        ("Asia/Shanghai", "America/Los_Angeles", datetime(2026, 5, 20, 17, tzinfo=UTC)),  # 10:00 there, 01:00 of the next day in Shanghai
        ("Asia/Shanghai", "Asia/Shanghai", datetime(2026, 5, 20, 2, tzinfo=UTC)),
        ("America/New_York", "Asia/Shanghai", datetime(2026, 5, 20, 4, tzinfo=UTC)),  # the day opens in New York at noon of Shanghai
    ],
)
def test_a_birthday_of_one_day_goes_out_on_the_customers_own_day(zone: str, customer: str, at: datetime) -> None:
    life = Life(program(BIRTHDAY % "", zone=zone), zone=customer)
    (item,) = life.plan()
    assert (item.outcome, item.at, item.day) == ("send", at, MAY_20)
    assert (life.recheck(item, at).outcome, life.recheck(item, at).day) == ("send", MAY_20)
    late = life.recheck(item, datetime(2026, 5, 21, 0, 1, tzinfo=ZoneInfo(customer)))
    assert (late.outcome, late.codes) == ("expired", ("care.expired",))


def test_caps_count_a_contact_on_the_day_of_the_customers_clock() -> None:
    contact = ", caps: [{at_most: 1, per: calendar day}]"
    life = Life(program(BIRTHDAY % "", SALE % ", validity: 5 days", contact=contact), zone="America/Los_Angeles")
    life.event("contact", "2026-05-20T17:00", trigger="birthday", channel="sms")  # the evening of the 20th there, the 21st in Shanghai
    (sale,) = life.plan(MAY_21)
    assert (sale.day, sale.outcome) == (MAY_21, "send")


# -- made ahead, or told late ----------------------------------------------------------------------------------------------


def test_a_contact_that_was_made_ahead_takes_the_cycle_that_the_plan_foretold() -> None:
    life = Life(program(BIRTHDAY % "", SALE % "", contact=", caps: [{at_most: 1, per: calendar week}]"))
    item = next(item for item in life.plan() if item.trigger == "birthday")
    life.event("contact", "2026-05-19T04:00", trigger="birthday", cycle=item.cycle, channel="sms")
    assert [(item.trigger, item.outcome, item.codes[0]) for item in life.plan()] == [("sale", "drop", "care.cap.total")]
    settled = life.event("visit", "2026-05-20T04:00")
    assert settled.recheck(item, datetime(2026, 5, 20, 5, tzinfo=UTC)).codes == ("care.done_already",)
    assert [item.cycle for item in life.plan(date(2027, 5, 20))] == ["2027"]


def test_a_contact_made_ahead_and_one_that_was_not_sent_are_two_things() -> None:
    life = Life(program(BIRTHDAY % "")).event("contact", "2026-05-19T04:00", trigger="birthday", cycle="2026", outcome="not_sent")
    assert [item.outcome for item in life.plan()] == ["send"]


def test_a_contact_of_a_trigger_that_nobody_knows_is_no_contact_made_ahead() -> None:
    life = Life(program(BIRTHDAY % "")).event("contact", "2026-05-19T04:00", trigger="nobody", cycle="2026")
    assert life.state.touchpoints == {}


def test_a_contact_that_is_told_when_its_last_day_is_over_answers_the_ask_all_the_same() -> None:
    life = Life(program(BIRTHDAY % "")).event("contact", "2026-05-21T01:00", trigger="birthday", channel="sms")
    assert life.state.touchpoints["birthday:2026"].outcome == "sent"


def test_what_waits_when_an_account_is_closed_is_not_sent() -> None:
    life = Life(program(BIRTHDAY % ", validity: 9 days")).event("visit", "2026-05-20T04:00").event("closure", "2026-05-21T04:00", reason="moved")
    (item,) = life.plan(date(2026, 5, 22))
    assert (item.outcome, item.codes) == ("drop", ("care.closed",))


# -- what is over before it goes out ---------------------------------------------------------------------------------------------

OVER: dict[str, tuple[str, list[tuple[str, str, dict[str, Any]]], list[tuple[str, str, dict[str, Any]]]]] = {
    # what is asked about, what brings the ask about, what makes an end of it
    "came back": ("{absent: visit, for: 10 days}", [("visit", "2026-05-05", {})], [("visit", "2026-05-17", {})]),
    "was stopped": (
        "{after: purchase, by: 3 days, stop: return}",
        [("purchase", "2026-05-13", {"id": "o", "amount": "9.00"})],
        [("return", "2026-05-17", {"of": "o"})],
    ),
    "began anew": ("{after: visit, by: 3 days}", [("visit", "2026-05-13", {})], [("visit", "2026-05-17", {})]),
    "was called": ("{visit_every: 10 days, since: contact}", [("visit", "2026-05-05", {})], [("contact", "2026-05-17", {"channel": "sms"})]),
    "was renewed": (
        "{before: end, by: 10 days}",
        [("profile_update", "2026-05-05", {"profile": {"end": "2026-05-25"}})],
        [("profile_update", "2026-05-17", {"profile": {"end": "2027-05-25"}})],
    ),
    "was corrected": (
        "birthday",
        [("profile_update", "2026-05-05", {"profile": {"birthday": "1990-05-15"}})],
        [("profile_update", "2026-05-17", {"profile": {"birthday": "1990-06-15"}})],
    ),
}


@pytest.mark.parametrize("case", OVER)
def test_what_is_over_before_it_goes_out_is_not_sent(case: str) -> None:
    occasion, before, after = OVER[case]
    usual = "category: daily, purpose: greeting, channels: [sms], template: x, validity: 9 days"
    trigger = f"  - {{id: t, kind: care.trigger, occasion: {occasion}, {usual}}}\n"
    made = cr.loads(HEAD.format(zone="Asia/Shanghai").replace("{birthday: {", "{end: {type: date}, birthday: {") + trigger)
    life = Life(made, birthday="1990-12-01")
    for kind, day, more in before:
        life.event(kind, f"{day}T04:00", **more)
    life.state = made.advance(life.state, to=datetime(2026, 5, 16, 12, tzinfo=UTC)).state
    (item,) = life.plan(date(2026, 5, 17))
    assert item.outcome == "send"
    for kind, day, more in after:
        life.event(kind, f"{day}T04:00", **more)
    assert life.recheck(item, datetime(2026, 5, 17, 5, tzinfo=UTC)).codes == ("care.asked_no_more",)
    assert [(each.outcome, each.codes) for each in life.plan(date(2026, 5, 17)) if each.id == item.id] == [("drop", ("care.asked_no_more",))]


# -- greetings made already --------------------------------------------------------------------------------------------------


def test_after_the_greeting_has_gone_out_nothing_is_sold_on_that_day_either() -> None:
    plan = rules(greeting_day="no_marketing")
    placed = arranged(plan, [ask("sale", purpose="marketing")], made=[touch(MAY_20)])
    assert told(placed) == [("05-20", "sale", "defer"), ("05-21", "sale", "send")]
    call = arranged(plan, [ask("sale", purpose="marketing")], made=[touch(MAY_20, "phone")])
    assert told(call) == [("05-20", "sale", "send")]  # a call by a person is no greeting that is sent


@pytest.mark.parametrize("more", [{"consent": {"email": "marketing"}}, {"stops": ["greeting"]}])
def test_a_greeting_that_nobody_gets_does_not_hold_marketing_back(more: dict[str, Any]) -> None:
    plan = rules(greeting_day="no_marketing")
    placed = arranged(plan, [ask("wish"), ask("sale", purpose="marketing", channels=["email"])], **more)
    assert {each.candidate.trigger: each.outcome for each in placed} == {"wish": "drop", "sale": "send"}


def test_greetings_become_one_with_what_has_gone_out_on_the_day_already() -> None:
    life = Life(
        program(
            BIRTHDAY % "",
            "  - {id: feast, kind: care.trigger, occasion: {date: 2026-05-20}, category: daily, purpose: greeting, channels: [sms], template: day,"
            " validity: 5 days}\n",
            contact=", merge: true",
        )
    )
    life.event("contact", "2026-05-20T04:00", trigger="birthday", channel="sms")
    for start in (MAY_20, MAY_21):  # on the next day it is not taken up again
        (item,) = life.plan(start)
        assert (item.trigger, item.outcome, item.codes, item.reasons[0].params["into"]) == ("feast", "drop", ("care.merged",), "birthday")
    assert life.recheck(item, datetime(2026, 5, 20, 6, tzinfo=UTC)).codes == ("care.merged",)


# -- next versions of the rules ------------------------------------------------------------------------------------------------


def test_every_day_of_a_plan_is_judged_by_the_rules_in_force_on_it() -> None:
    later = "  - {id: contact, kind: care.contact_plan, effective_from: 2026-05-21, blackout: [{days: [2026-05-21, 2026-05-22]}], send_at: '14:00'}\n"
    line = SALE % ", validity: 9 days"
    life = Life(program(line, line.replace("sale", "more").replace("2026-05-20", "2026-05-21"), later))
    placed = [(f"{item.day:%m-%d}", item.trigger, item.outcome, local(item.at)) for item in life.plan(days=5) if item.at is not None]
    assert placed == [("05-20", "sale", "send", "05-20 10:00"), ("05-23", "more", "send", "05-23 14:00")]


# -- quiet hours and gaps ------------------------------------------------------------------------------------------------------


def test_windows_that_push_back_into_one_another_leave_no_time_on_that_day() -> None:
    quiet = [{"from": "18:00", "to": "22:00", "then": "defer"}, {"from": "22:00", "to": "08:00", "then": "advance"}]
    placed = arranged(rules(send_at="19:00", quiet_hours={"sms": quiet}), [ask("a")])
    assert (placed[0].outcome, placed[0].reasons[0].code) == ("defer", "care.quiet_hours")
    assert local(placed[1].at) == "05-21 08:00"


def test_what_is_of_service_asks_for_no_gap() -> None:
    placed = arranged(rules(send_at="13:00", minimum_gap="30 minutes"), [ask("0-receipt", purpose="service"), ask("a")])
    assert {each.candidate.trigger: local(each.at) for each in placed} == {"0-receipt": "05-20 13:00", "a": "05-20 13:00"}


def test_a_gap_runs_over_midnight() -> None:
    late = Touch(date(2026, 5, 19), "sms", "daily", "greeting", at=datetime(2026, 5, 19, 15, 50, tzinfo=UTC))  # 23:50 in Shanghai
    (placed,) = arranged(rules(send_at="00:05", minimum_gap="30 minutes"), [ask("a")], made=[late])
    assert local(placed.at) == "05-20 00:20"


# -- the last look -------------------------------------------------------------------------------------------------------------

NIGHT = ', quiet_hours: {sms: {from: "21:00", to: "09:00", then: %s}}'


@pytest.mark.parametrize(
    ("then", "validity", "outcome", "until"),
    [
        ("defer", "", "drop", None),  # its one day is over before the night is
        ("defer", ", validity: 3 days", "defer", MAY_21),
        ("advance", "", "drop", None),  # 20:59 has passed
        ("advance", ", validity: 3 days", "defer", MAY_21),
        ("drop", ", validity: 3 days", "drop", None),
    ],
)
def test_at_night_a_contact_does_not_go_out_whatever_was_planned(then: str, validity: str, outcome: str, until: date | None) -> None:
    life = Life(program(BIRTHDAY % validity, contact=NIGHT % then))
    (item,) = life.plan()
    found = life.recheck(item, datetime(2026, 5, 20, 22, 30, tzinfo=SHANGHAI))
    assert (found.outcome, found.until, found.at, found.codes) == (outcome, until, None, ("care.quiet_hours",))


def test_in_the_morning_a_contact_is_put_off_to_the_end_of_quiet_hours() -> None:
    life = Life(program(BIRTHDAY % "", contact=NIGHT % "defer"))
    found = life.recheck(life.plan()[0], datetime(2026, 5, 20, 7, tzinfo=SHANGHAI))
    assert (found.outcome, found.until, found.at) == ("defer", MAY_20, datetime(2026, 5, 20, 1, tzinfo=UTC))


def test_too_soon_after_another_a_contact_is_put_off_to_the_end_of_the_gap() -> None:
    life = Life(program(BIRTHDAY % "", SALE % "", contact=", minimum_gap: 30 minutes"))
    life.event("contact", "2026-05-20T05:00", trigger="sale", channel="sms")
    (item,) = life.plan()
    found = life.recheck(item, datetime(2026, 5, 20, 5, 15, tzinfo=UTC))
    assert (found.outcome, found.codes, found.at) == ("defer", ("care.minimum_gap",), datetime(2026, 5, 20, 5, 30, tzinfo=UTC))
    assert life.recheck(item, datetime(2026, 5, 20, 5, 30, tzinfo=UTC)).outcome == "send"


def test_a_full_cap_puts_a_contact_off_to_the_day_on_which_there_is_room() -> None:
    life = Life(program(BIRTHDAY % ", validity: 9 days", SALE % "", contact=", caps: [{at_most: 1, per: 3 days}]"))
    item = next(item for item in life.plan() if item.trigger == "birthday")
    life.event("contact", "2026-05-20T01:00", trigger="sale", channel="sms")
    found = life.recheck(item, datetime(2026, 5, 20, 5, tzinfo=UTC))
    assert (found.outcome, found.until) == ("defer", date(2026, 5, 23))


def test_a_last_look_needs_an_instant() -> None:
    life = Life(program(BIRTHDAY % ""))
    with pytest.raises(cr.EventError):
        life.recheck(life.plan()[0], datetime(2026, 5, 20, 5))  # noqa: DTZ001 - what is refused


def test_nothing_is_planned_for_an_instant_that_has_passed() -> None:
    life = Life(program(BIRTHDAY % "")).event("visit", "2026-05-20T07:00")
    assert life.plan()[0].at == datetime(2026, 5, 20, 7, tzinfo=UTC)


def test_in_the_hour_that_comes_twice_quiet_hours_are_of_the_clock() -> None:
    # New York, 1 November 2026: 01:00 to 02:00 comes twice; quiet from midnight to 01:30, the first time (EDT)
    plan = rules(send_at="00:15", quiet_hours={"sms": {"from": "00:00", "to": "01:30"}})
    day = date(2026, 11, 1)
    (placed,) = arranged(plan, [ask("a", day)], days=(day, day), zone=NEW_YORK)
    assert placed.at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


# -- calendar files ------------------------------------------------------------------------------------------------------------

STAMP = datetime(2026, 5, 1, 8, tzinfo=UTC)


def test_a_shorter_plan_does_not_cancel_what_comes_after_it() -> None:
    life = Life(program(BIRTHDAY % ""))
    long = cr.plan(life.rules, life.state, date(2026, 5, 10), days=14).to_ics(STAMP)
    short = cr.plan(life.rules, life.state, date(2026, 5, 11), days=3).to_ics(STAMP + timedelta(days=1), previous=long)
    assert short == long
    gone = cr.plan(life.rules, cr.State.new("other"), date(2026, 5, 11), days=14).to_ics(STAMP + timedelta(days=1), previous=long)
    assert b"STATUS:CANCELLED" in gone


@pytest.mark.parametrize("previous", [b"", b"\xff", b"BEGIN:VCALENDAR\r\nPRODID:other\r\nEND:VCALENDAR\r\n", "text"])
def test_a_file_of_somebody_else_is_refused(previous: Any) -> None:
    life = Life(program(BIRTHDAY % ""))
    with pytest.raises(cr.AnalysisError):
        cr.plan(life.rules, life.state, MAY_20, days=1).to_ics(STAMP, previous=previous)


@pytest.mark.parametrize("line", [b"SEQUENCE:0", b"DTSTART;VALUE=DATE:20260520"])
def test_an_event_that_lacks_what_is_looked_for_is_refused(line: bytes) -> None:
    life = Life(program(BIRTHDAY % ""))
    plan = cr.plan(life.rules, life.state, MAY_20, days=1)
    written = plan.to_ics(STAMP)
    assert line in written
    with pytest.raises(cr.AnalysisError):
        plan.to_ics(STAMP, previous=written.replace(line + b"\r\n", b""))


def test_an_alarm_comes_before_the_event() -> None:
    life = Life(program(BIRTHDAY % ""))
    with pytest.raises(cr.AnalysisError):
        cr.plan(life.rules, life.state, MAY_20, days=1).to_ics(STAMP, alarm=timedelta(hours=-1))


def test_why_is_told_by_what_stands_in_the_way_first() -> None:
    asked = ask("a", last_day=MAY_20)
    plan = rules(blackout=[{"days": ["2026-05-20"]}], caps=[{"at_most": 0, "per": "calendar day"}])
    assert why(arranged(plan, [asked])) == ["care.blackout"]


# -- churn actions in the same plan --------------------------------------------------------------------------------------------

LEAVING = """  - id: leaving
    kind: churn.flag
    levels: [{name: warning}]
    signals: [{name: idle, level: warning, when: {idle: ">= 10"}}]
    actions: [{send: {channel: sms, template: offer}, category: offers, purpose: marketing}]
"""


def test_an_action_that_was_not_sent_is_asked_for_again_while_the_flag_stands() -> None:
    rules = cr.loads("program: p\nzone: Asia/Shanghai\ncurrency: CNY\nmeasures: {idle: {since: visit}}\npolicies:\n" + LEAVING)
    state = cr.State.new("c")

    def event(kind: str, at: str, **fields: Any) -> cr.Step:
        return rules.step(state, rules.event({"type": kind, "id": f"{kind}{at}", "customer_id": "c", "occurred_at": f"{at}T04:00:00Z", **fields}))

    state = event("visit", "2026-05-01").state
    asked = event("contact", "2026-05-11", trigger="leaving", outcome="not_sent")  # ten days are over on the 11th
    assert [effect.day for effect in asked.effects if isinstance(effect, cr.Touchpoint)] == [date(2026, 5, 11)]
    state = asked.state
    waiting = rules.advance(state, to=datetime(2026, 5, 12, tzinfo=UTC)).state
    (offer,) = [item for item in cr.plan(rules, waiting, date(2026, 5, 12), days=1) if item.outcome != "defer"]
    assert offer.codes == ("care.consent.none",)
    state = waiting
    back = rules.advance(event("visit", "2026-05-12").state, to=datetime(2026, 5, 13, tzinfo=UTC)).state  # the flag is left on the 13th
    assert [item.codes for item in cr.plan(rules, back, date(2026, 5, 13), days=1)] == [("care.asked_no_more",)]
    again = rules.advance(asked.state, to=datetime(2026, 5, 15, tzinfo=UTC))
    assert [effect.day for effect in again.effects if isinstance(effect, cr.Touchpoint)] == [date(2026, 5, 12)]
