"""``cr.plan``: what policies ask for over the next days, arranged; and the same question once more before a contact goes out."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime
from typing import Any

import pytest
from cases.covering import covers

import custrules as cr

DOCUMENT = """
program: p
zone: Asia/Shanghai
currency: CNY
profile: {level: {type: text}}
measures: {idle_days: {since: visit}}
policies:
  - id: leaving
    kind: churn.flag
    levels: [{name: warning}]
    signals: [{name: idle, level: warning, when: {idle_days: ">= 10"}}]
    actions:
      - {task: {channel: phone, within: 72 hours, template: call}, category: churn_warning, purpose: greeting}
      - {send: {channel: sms, template: offer}, name: offer, category: offers, purpose: marketing}
  - id: contact
    kind: care.contact_plan
    priority: [churn_warning, offers]
    caps: [{at_most: 1, per: calendar day}]
    working_days_only: [phone]
    channel: {hit: FIRST, inputs: [category, level], outputs: [channel], rows: [[offers, vip, wechat], ["-", "-", missing]]}
calendar: {working: {days: CN}}
"""
PROGRAM = cr.loads(DOCUMENT)
CONSENT = {"phone": "marketing", "sms": "marketing", "wechat": "marketing"}
MAY_5 = date(2026, 5, 5)


def state(customer: str = "c", at: str = "2026-04-25T02:00:00Z", **profile: Any) -> cr.State:
    """A customer whose last visit was on 25 April: ten days are over on 5 May, the last day of that holiday."""
    found = cr.State.new(customer)
    for event in ({"type": "enrolment", "profile": profile}, {"type": "consent_update", "consent": CONSENT}, {"type": "visit"}):
        head = {"id": event["type"], "customer_id": customer, "occurred_at": at}
        found = PROGRAM.step(found, PROGRAM.event({**head, **event})).state
    return found


def told(plan: Any) -> list[tuple[str, str, str, str]]:
    return [(item.day.isoformat()[5:], item.category, item.outcome, item.channel) for item in plan]


def test_a_plan_settles_a_copy_day_by_day_and_arranges_what_is_asked_for() -> None:
    before = state()
    found = cr.plan(PROGRAM, before, date(2026, 5, 1), days=14)
    # asked on 5 May, a day off: the call waits for the 6th and takes that day's one contact from the offer, which went out on the 5th
    assert told(found) == [
        ("05-05", "churn_warning", "defer", "phone"),
        ("05-05", "offers", "send", "sms"),
        ("05-06", "churn_warning", "task", "phone"),
    ]
    assert found.items[2].deadline == "72 hours"
    assert found.items[2].at == datetime(2026, 5, 6, 2, tzinfo=UTC)
    assert before == state()


def test_before_and_after_its_days_a_plan_is_empty() -> None:
    assert told(cr.plan(PROGRAM, state(), date(2026, 4, 26), days=9)) == []


def test_the_table_of_the_plan_reads_the_customer_and_the_contact() -> None:
    found = cr.plan(PROGRAM, state(level="vip"), MAY_5, days=1)
    assert [item.channel for item in found if item.category == "offers"] == ["wechat"]


def test_what_waits_since_before_is_planned_until_a_contact_says_what_became_of_it() -> None:
    settled = PROGRAM.advance(state(), to=datetime(2026, 5, 8, tzinfo=UTC)).state
    waiting = cr.plan(PROGRAM, settled, date(2026, 5, 8), days=1)
    assert told(waiting) == [("05-08", "offers", "send", "sms")]  # 72 hours are over: the call had expired before
    contact = {"type": "contact", "id": "k", "customer_id": "c", "occurred_at": "2026-05-08T03:00:00Z", "trigger": "leaving", "channel": "sms"}
    (offer,) = [item for item in waiting if item.category == "offers"]
    after = PROGRAM.step(settled, PROGRAM.event({**contact, "cycle": offer.cycle})).state
    assert list(cr.plan(PROGRAM, after, date(2026, 5, 8), days=1)) == []


def test_what_expired_on_days_on_which_nobody_looked_is_told_once() -> None:
    late = cr.plan(PROGRAM, state(), date(2026, 5, 8), days=1)  # the state was never advanced: the call was asked for on 5 May
    assert told(late) == [("05-08", "churn_warning", "expired", ""), ("05-08", "offers", "send", "sms")]


@covers("PLAN-STABLE-IDS", "CATCHUP-OUT-OF-ORDER", "DEDUPE-CONCURRENT-WORKERS")
def test_plans_of_other_days_call_a_contact_by_the_same_id() -> None:
    first = {item.id: item.cycle for item in cr.plan(PROGRAM, state(), date(2026, 5, 1), days=7)}
    second = {item.id: item.cycle for item in cr.plan(PROGRAM, state(), date(2026, 5, 2), days=7)}
    assert first == second
    assert len(first) == 2


def test_an_index_looks_only_at_those_who_have_something_due() -> None:
    monthly = cr.loads(DOCUMENT.replace("kind: churn.flag", "kind: churn.flag\n    evaluate: {every: month, day: 28}"))
    states = [state(f"c{number}", at=f"2026-04-{number:02}T02:00:00Z") for number in range(1, 27)]
    index = cr.PlanIndex(monthly, states)
    day = date(2026, 4, 20)
    assert list(index.looked_at(day, datetime(2026, 4, 27, tzinfo=UTC))) == []
    assert len(list(index.looked_at(day, datetime(2026, 4, 28, tzinfo=UTC)))) == 18  # last seen by the 18th: ten days are over on the 28th
    window = (date(2026, 4, 20), 20)
    assert cr.plan(monthly, index, *window).to_json() == cr.plan(monthly, reversed(states), *window).to_json()


def test_an_index_takes_in_states_that_have_changed() -> None:
    settled = PROGRAM.advance(state(), to=datetime(2026, 5, 6, tzinfo=UTC)).state
    index = cr.PlanIndex(PROGRAM, [state()])
    assert told(cr.plan(PROGRAM, index, date(2026, 5, 7), days=1)) == told(cr.plan(PROGRAM, state(), date(2026, 5, 7), days=1))
    index.update([settled])
    assert told(cr.plan(PROGRAM, index, date(2026, 5, 7), days=1)) == told(cr.plan(PROGRAM, settled, date(2026, 5, 7), days=1))
    looked_at = index.looked_at(date(2030, 1, 1), datetime(2026, 5, 1, tzinfo=UTC))
    assert [ahead.state for ahead in looked_at] == [settled]  # an offer without a last day waits for good


def test_a_plan_is_what_asking_every_day_gives() -> None:
    start, days = date(2026, 5, 1), 12
    at_once = cr.plan(PROGRAM, state(), start, days=days)
    current, asked = state(), []
    for number in range(days):
        opened = PROGRAM.advance(current, to=datetime(2026, 5, 1 + number, tzinfo=UTC).replace(hour=0))
        asked += [effect for effect in opened.effects if isinstance(effect, cr.Touchpoint)]
        current = opened.state
    assert {(effect.cycle, effect.day) for effect in asked} == {(item.cycle, min(i.day for i in at_once if i.id == item.id)) for item in at_once}


def test_a_plan_reads_in_both_languages_and_as_json() -> None:
    found = cr.plan(PROGRAM, state(), MAY_5, days=2)
    assert cr.render(found).splitlines()[0] == "p: contacts from 2026-05-05 to 2026-05-06"
    assert "until 2026-05-06" in cr.render(found)
    assert "延后" in cr.render(found, "zh")
    assert pickle.loads(pickle.dumps(found)) == found
    assert b'"outcome":"defer"' in found.to_json()


def test_an_empty_plan_says_so() -> None:
    assert cr.render(cr.plan(PROGRAM, [], MAY_5)).endswith("Nothing is due.")


@pytest.mark.parametrize(("start", "days"), [("soon", 14), (MAY_5, 0), (MAY_5, 1101), (MAY_5, True), (MAY_5, 1.5)])
def test_days_that_are_none_are_refused(start: Any, days: Any) -> None:
    with pytest.raises(cr.AnalysisError):
        cr.plan(PROGRAM, state(), start, days=days)


# -- once more ---------------------------------------------------------------------------------------------------------

OFFER = next(item for item in cr.plan(PROGRAM, state(), MAY_5, days=1) if item.category == "offers")
AT = datetime(2026, 5, 5, 2, tzinfo=UTC)


def rechecked(*events: dict[str, Any], at: datetime = AT, item: cr.PlanItem = OFFER) -> cr.PlanItem:
    current = state()
    for number, event in enumerate(events):
        head = {"id": f"x{number}", "customer_id": "c", "occurred_at": "2026-05-05T01:00:00Z"}
        step = PROGRAM.step(current, PROGRAM.event({**head, **event}))
        assert step.accepted
        current = step.state
    return cr.recheck(PROGRAM, current, item, at)


def test_what_nothing_has_changed_goes_out() -> None:
    found = rechecked()
    assert (found.outcome, found.at, found.codes) == ("send", AT, ("care.planned.send",))


@covers("CONSENT-WITHDRAWN-AFTER-PLAN")
def test_consent_that_was_withdrawn_stops_a_planned_contact() -> None:
    found = rechecked({"type": "consent_update", "consent": {"sms": "none"}})
    assert (found.outcome, found.codes) == ("drop", ("care.consent.withdrawn",))


def test_what_was_done_already_is_not_done_again() -> None:
    found = rechecked({"type": "contact", "trigger": "leaving", "cycle": OFFER.cycle, "channel": "sms"})
    assert (found.outcome, found.codes) == ("drop", ("care.done_already",))


def test_a_cap_that_is_full_meanwhile_puts_a_contact_off() -> None:
    call = next(item for item in cr.plan(PROGRAM, state(), MAY_5, days=2) if item.outcome == "task")
    found = rechecked({"type": "contact", "trigger": "leaving", "cycle": call.cycle, "channel": "phone"})
    assert (found.outcome, found.codes) == ("defer", ("care.cap.total",))


def test_what_nobody_asked_for_is_dropped() -> None:
    early = cr.recheck(PROGRAM, state(), OFFER, datetime(2026, 5, 1, 2, tzinfo=UTC))
    assert (early.outcome, early.codes) == ("drop", ("care.asked_no_more",))


def test_a_customer_who_wants_no_contact_meanwhile_gets_none() -> None:
    found = rechecked({"type": "consent_update", "do_not_contact": True})
    assert (found.outcome, found.codes) == ("drop", ("care.do_not_contact",))


DESK = """
program: desk
zone: Asia/Shanghai
currency: CNY
policies:
  - id: desk
    kind: feedback.complaints
    categories: [billing]
    route: {hit: FIRST, inputs: [category], outputs: [owner], rows: [["-", agent]]}
    clocks: [{name: acknowledge, within: 10 hours}]
    ladder: [{at: 50%, tell: team_lead}, {at: 100%, tell: director}]
"""


def test_what_is_asked_for_in_the_middle_of_a_day_is_planned_for_that_day_and_not_before_its_instant() -> None:
    program = cr.loads(DESK)
    complaint = {"type": "complaint", "id": "k", "customer_id": "c", "occurred_at": "2026-03-02T10:00:00+08:00", "category": "billing"}
    complained = program.step(cr.State.new("c"), program.event(complaint)).state
    plan = cr.plan(program, complained, date(2026, 3, 2), days=1)
    # half of ten hours from ten o'clock is 15:00, all of them 20:00, which is 07:00 and 12:00 in UTC; what goes out usually goes at 10:00
    at = {item.template: item.at for item in plan if item.template in ("team_lead", "director")}
    assert at == {"team_lead": datetime(2026, 3, 2, 7, tzinfo=UTC), "director": datetime(2026, 3, 2, 12, tzinfo=UTC)}


def test_an_index_that_foresees_a_day_says_the_same_as_one_that_does_not() -> None:
    states = [state(f"c{number}", at=f"2026-04-{number:02}T02:00:00Z") for number in range(1, 27)]
    foreseen, plain = cr.PlanIndex(PROGRAM, states, through=date(2026, 5, 10)), cr.PlanIndex(PROGRAM, states)
    for start, days in ((date(2026, 4, 20), 3), (date(2026, 4, 28), 14), (date(2026, 5, 1), 30), (date(2026, 4, 20), 3)):
        assert cr.plan(PROGRAM, foreseen, start, days).to_json() == cr.plan(PROGRAM, plain, start, days).to_json()
        assert cr.plan(PROGRAM, foreseen, start, days).to_json() == cr.plan(PROGRAM, states, start, days).to_json()


def test_an_index_through_no_day_is_refused() -> None:
    with pytest.raises(cr.AnalysisError) as caught:
        cr.PlanIndex(PROGRAM, [], through="soon")  # type: ignore[arg-type]  # that is the fault
    assert caught.value.diagnostics[0].path == "through"


def test_the_rules_of_contact_are_those_in_force_on_the_day_that_they_are_about() -> None:
    later = '  - {id: contact, kind: care.contact_plan, effective_from: 2026-05-06, send_at: "16:00"}'
    program = cr.loads(DOCUMENT.replace("calendar:", f"{later}\ncalendar:"))
    (offer, call) = [item for item in cr.plan(program, state(), date(2026, 5, 1), days=14) if item.outcome != "defer"]
    assert (offer.day, offer.at) == (date(2026, 5, 5), datetime(2026, 5, 5, 2, tzinfo=UTC))  # ten o'clock by the first version
    assert (call.day, call.at) == (date(2026, 5, 6), datetime(2026, 5, 6, 8, tzinfo=UTC))  # by the second one 16:00


def test_an_index_takes_the_states_of_a_replay_and_serves_the_program_that_it_was_built_for() -> None:
    window = (date(2026, 5, 1), 14)
    index = cr.PlanIndex(PROGRAM, {"c": state()})
    assert cr.plan(PROGRAM, index, *window) == cr.plan(PROGRAM, [state()], *window)
    with pytest.raises(cr.AnalysisError, match="an index that was built for this program"):
        cr.plan(PROGRAM.revise("leaving", title="called otherwise"), index, *window)
