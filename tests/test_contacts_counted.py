"""Contacts that were made: which of them caps count, as what, and what a plan knows of an ask that still waits."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from cases.covering import covers

import custrules as cr

DOCUMENT = """
program: p
zone: Asia/Shanghai
currency: CNY
policies:
  - {id: a, kind: care.trigger, occasion: {date: 2026-05-20}, category: daily, purpose: marketing, channels: [sms], template: one,
     validity: 10 days, tags: [promotional], sign: [store]}
  - {id: b, kind: care.trigger, occasion: {date: 2026-05-20}, category: daily, purpose: marketing, channels: [sms], template: two,
     validity: 10 days}
  - {id: c, kind: care.trigger, occasion: {date: 2026-05-20}, category: daily, purpose: marketing, channels: [sms], template: three,
     validity: 10 days}
  - {id: call, kind: care.trigger, occasion: {date: 2026-05-20}, category: calls, purpose: service, channels: [phone], template: call,
     validity: 10 days}
  - {id: contact, kind: care.contact_plan, caps: [{at_most: 2, per: calendar day}]}
"""
PROGRAM = cr.loads(DOCUMENT)
MAY_20, MAY_21 = date(2026, 5, 20), date(2026, 5, 21)


class Desk:
    """One customer with consent, on 20 May after the asks were made."""

    def __init__(self, program: cr.Program = PROGRAM) -> None:
        self.program, self.state, self.number = program, cr.State.new("c"), 0
        self.event("consent_update", "2026-05-01T04:00", consent={"sms": "marketing"})
        self.state = program.advance(self.state, to=datetime(2026, 5, 20, tzinfo=UTC)).state

    def event(self, kind: str, at: str, **fields: Any) -> Desk:
        self.number += 1
        head = {"type": kind, "id": f"e{self.number}", "customer_id": "c", "occurred_at": f"{at}:00Z"}
        step = self.program.step(self.state, self.program.event({**head, **fields}))
        assert step.accepted, step.refusal
        self.state = step.state
        return self

    def contact(self, trigger: str | None = None, at: str = "2026-05-20T04:00", **fields: Any) -> Desk:
        return self.event("contact", at, **({"trigger": trigger} if trigger else {}), **{"channel": "sms"} | fields)

    def plan(self, start: date = MAY_20, days: int = 1) -> list[tuple[str, str, str]]:
        return [
            (f"{item.day:%m-%d}", item.trigger, item.outcome)
            for item in cr.plan(self.program, self.state, start, days=days)
            if item.trigger != "call"
        ]


@covers("CAP-FAILED-SEND")
def test_what_was_handed_over_counts_though_it_bounced_and_what_failed_before_does_not() -> None:
    # the cap is two a day; a bounced message was sent, one that could not be rendered was not, the third still waits and takes its place
    bounced = Desk().contact("a", reason="bounced")
    assert bounced.plan() == [("05-20", "b", "send"), ("05-20", "c", "defer")]
    failed = Desk().contact("a", outcome="not_sent", reason="render_failed")
    assert failed.plan() == [("05-20", "b", "send"), ("05-20", "c", "send")]


@pytest.mark.parametrize(("purpose", "left"), [("marketing", 1), ("greeting", 1), ("service", 2), (None, 2)])
def test_a_contact_of_the_hosts_own_accord_counts_where_it_says_that_it_greets_or_sells(purpose: str | None, left: int) -> None:
    told = {"purpose": purpose} if purpose is not None else {}
    own = Desk().contact(**told, category="newsletter")
    assert [outcome for _, _, outcome in own.plan()].count("send") == left


def test_a_contact_of_the_hosts_own_accord_counts_by_its_channel_category_and_tags() -> None:
    caps = "caps: [{at_most: 1, per: calendar day, channel: sms}, {at_most: 1, per: 7 days, tag: promotional},"
    caps += " {at_most: 1, per: 7 days, category: daily}]"
    program = cr.loads(DOCUMENT.replace("caps: [{at_most: 2, per: calendar day}]", caps))
    contacts: dict[str, dict[str, Any]] = {
        "channel": {},
        "tag": {"channel": "email", "tags": ["x", "promotional"]},
        "category": {"channel": "email", "category": "daily"},
        "none": {"channel": "email"},
    }
    states = {name: Desk(program).contact(purpose="marketing", **fields).state for name, fields in contacts.items()}
    blocked = {name: [item.codes[0] for item in cr.plan(program, state, MAY_20, days=1) if item.trigger == "a"] for name, state in states.items()}
    assert blocked == {
        "channel": ["care.cap.sms"], "tag": ["care.cap.tag"], "category": ["care.cap.category"], "none": ["care.planned.send"],
    }  # fmt: skip


def test_a_contact_that_comes_twice_counts_once() -> None:
    desk = Desk()
    event = PROGRAM.event({"type": "contact", "id": "n", "customer_id": "c", "occurred_at": "2026-05-20T04:00:00Z", "purpose": "marketing"})
    once = PROGRAM.step(desk.state, event)
    assert PROGRAM.step(once.state, event).verdict == "duplicate"
    assert len([asked for asked in once.state.touchpoints.values() if not asked.policy_id]) == 1


def test_contacts_of_the_hosts_own_accord_leave_the_state_when_no_cap_looks_back_to_them() -> None:
    desk = Desk().contact(purpose="marketing")
    kept = PROGRAM.advance(desk.state, to=datetime(2026, 5, 27, tzinfo=UTC)).state
    gone = Desk.event(desk, "visit", "2026-07-01T04:00").state
    assert [sum(not asked.policy_id for asked in state.touchpoints.values()) for state in (kept, gone)] == [1, 0]


def test_where_nothing_counts_contacts_none_of_the_hosts_own_are_kept() -> None:
    bare = cr.loads("program: p\nzone: UTC\ncurrency: CNY\npolicies:\n  - {id: points, kind: points.account, expiry: never}\n")
    event = bare.event({"type": "contact", "id": "n", "customer_id": "c", "occurred_at": "2026-05-20T04:00:00Z", "purpose": "marketing"})
    assert bare.step(cr.State.new("c"), event).state.touchpoints == {}


def test_an_ask_that_waits_keeps_its_template_its_data_and_that_it_is_a_task() -> None:
    fresh = {item.trigger: item for item in cr.plan(PROGRAM, cr.State.from_json(Desk().state.to_json()), MAY_20, days=1)}
    assert (fresh["a"].template, fresh["a"].data["sign"], fresh["call"].template, fresh["call"].outcome) == ("one", "store", "call", "task")
    done = Desk().contact("a").state.touchpoints["a:2026-05-20"]
    assert (done.template, dict(done.data), done.at) == ("", {"purpose": "marketing", "tags": "promotional"}, datetime(2026, 5, 20, 4, tzinfo=UTC))


def test_what_was_asked_for_keeps_its_purpose_and_tags_when_its_trigger_is_gone() -> None:
    kept = [line for line in DOCUMENT.splitlines() if "id: a," not in line and "tags: [promotional]" not in line]
    later = cr.loads("\n".join(kept))
    desk = Desk().contact("a")
    left = [item.outcome for item in cr.plan(later, desk.state, MAY_20, days=1) if item.category == "daily"]
    assert left == ["send", "defer"]  # a counts as marketing still
    refused = Desk().event("consent_update", "2026-05-20T05:00", consent={"sms": "none"})
    outcomes = {item.trigger: item.outcome for item in cr.plan(later, refused.state, MAY_20, days=1)}
    assert outcomes == {"a": "drop", "b": "drop", "c": "drop", "call": "task"}


def test_a_state_that_was_stored_before_asks_told_more_reads_as_it_did() -> None:
    stored = json.loads(Desk().contact("a").state.to_json())
    stored["touchpoints"] = {key: row[:7] for key, row in stored["touchpoints"].items()}
    old = cr.State.from_json(json.dumps(stored))
    assert json.loads(old.to_json()) == stored
    assert [item.outcome for item in cr.plan(PROGRAM, old, MAY_20, days=1) if item.category == "daily"] == ["send", "defer"]


def test_a_minimum_gap_is_kept_to_what_was_made_already() -> None:
    program = cr.loads(DOCUMENT.replace("caps: [{at_most: 2, per: calendar day}]", "minimum_gap: 30 minutes, send_at: '13:15'"))
    desk = Desk(program).contact("a", at="2026-05-20T05:00")  # 13:00 in Shanghai
    at = {item.trigger: item.at for item in cr.plan(program, desk.state, MAY_20, days=1)}
    assert at["b"] == datetime(2026, 5, 20, 5, 30, tzinfo=UTC)
    assert at["c"] == datetime(2026, 5, 20, 6, 0, tzinfo=UTC)


def test_a_restated_contact_counts_on_the_day_on_which_it_was_made() -> None:
    desk = Desk()
    consent = PROGRAM.event(
        {"type": "consent_update", "id": "e1", "customer_id": "c", "occurred_at": "2026-05-01T04:00:00Z", "consent": {"sms": "marketing"}}
    )
    stamped = PROGRAM.step(cr.State.new("c"), consent).event
    settled = PROGRAM.advance(desk.state, to=datetime(2026, 5, 23, tzinfo=UTC)).state
    late = {"type": "contact", "id": "k", "customer_id": "c", "occurred_at": "2026-05-22T04:00:00Z", "trigger": "a", "channel": "sms"}
    found = PROGRAM.restate(cr.State.new("c"), [stamped], PROGRAM.event(late), current=settled).state
    assert (found.touchpoints["a:2026-05-20"].outcome, found.touchpoints["a:2026-05-20"].day) == ("sent", date(2026, 5, 22))


def test_a_restated_history_without_a_contact_of_the_hosts_own_has_it_no_more() -> None:
    own = PROGRAM.event({"type": "contact", "id": "n", "customer_id": "c", "occurred_at": "2026-05-20T04:00:00Z", "purpose": "marketing"})
    step = PROGRAM.step(cr.State.new("c"), own)
    found = PROGRAM.restate(cr.State.new("c"), [step.event], withdraw="n", current=step.state)
    assert found.state.touchpoints == {}
