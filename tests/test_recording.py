"""Histories recorded as scenarios: they pass as they are written, they say what happened, and they read well."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from properties.histories import CUSTOMER, Case, cases

import custrules as cr
from custrules.events import AnyEvent
from custrules.testing.walks import Passing, Walk

pytest.importorskip("yaml")

from custrules.testing.recording import Unwritable, record
from custrules.testing.scenario_writing import file_text, local_text, passes, written

DOCUMENT: dict[str, Any] = {
    "zone": "Asia/Shanghai",
    "currency": "CNY",
    "profile": {"segment": {"type": "text", "values": ["staff", "regular"]}},
    "activities": {"check_in": {"city": "text", "steps": "number", "vip": "flag", "every": "text", "at": "text"}},
    "measures": {"spend": {"sum": "spend", "window": "12 months"}},
    "policies": [
        {
            "id": "levels",
            "kind": "tiers.ladder",
            "levels": [{"name": "member"}, {"name": "silver", "enter": {"spend": ">= 100"}}],
            "term": "12 months",
            "downgrade": "one_level",
        },
        {"id": "points", "kind": "points.account", "expiry": "6 months", "pending": "14 days"},
        {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
        {"id": "pay", "kind": "points.redemption", "value": {"points": 10, "money": "1"}},
    ],
}
SHOP = cr.Program(id="shop", **DOCUMENT)
NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)  # in Shanghai


def event(kind: str, event_id: str, days: int = 0, **fields: Any) -> AnyEvent:
    at = NOON + timedelta(days=days)
    return SHOP.event({"type": kind, "id": event_id, "customer_id": "ann/7", "occurred_at": at, **fields})


HISTORY = [
    event("purchase", "a", 0, amount="60"),
    event("purchase", "b", 20, amount="45.50"),
    event("redemption", "r", 21, points="500"),
    event("return", "back", 22, of="a"),
]


def text_of(events: list[AnyEvent], **how: Any) -> str:
    return file_text("shop.yaml", [record(SHOP, events, "ann", **how).scenario], [])


def steps_of(events: list[AnyEvent], **how: Any) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = record(SHOP, events, "ann", **how).scenario["steps"]
    return steps


def test_a_recorded_history_passes_as_it_is_written() -> None:
    assert passes(text_of(HISTORY), SHOP)


def test_each_event_is_a_step_with_what_came_of_it() -> None:
    # 60 points wait until 15 March; 105.50 spent is silver for a year, the return leaves 45.50 and takes it back
    assert steps_of(HISTORY) == [
        {
            "when": {"purchase": {"id": "a", "at": "2026-03-01", "amount": "60.00"}},
            "then": {"points": "0", "points.pending": "60", "tier": "member", "because": ["points.accrual.spend"]},
        },
        {
            "when": {"purchase": {"id": "b", "at": "2026-03-21", "amount": "45.50"}},
            "then": {
                "points": "60",
                "points.pending": "45",
                "tier": "silver",
                "tier.until": "2027-03-21",
                "because": ["points.pending.matured", "points.accrual.spend", "tiers.upgrade.reached"],
            },
        },
        {"when": {"redemption": {"id": "r", "at": "2026-03-22", "points": "500"}}, "then": {"refused": "points.redemption.insufficient"}},
        {
            "when": {"return": {"id": "back", "at": "2026-03-23", "of": "a"}},
            "then": {
                "points": "0",
                "tier": "member",
                "tier.until": "none",
                "because": ["returns.tenders.split", "points.reversal.return", "tiers.downgrade.lost"],
            },
        },
    ]


def test_what_came_before_the_last_events_is_given() -> None:
    scenario = record(SHOP, HISTORY, "ann", last=1).scenario
    assert scenario["given"] == [{"purchase": {"id": "a", "at": "2026-03-01", "amount": "60.00"}}, written(HISTORY[1], SHOP)]
    assert [list(step["when"]) for step in scenario["steps"]] == [["return"]]
    assert passes(text_of(HISTORY, last=1), SHOP)


def test_time_may_pass_to_the_end_of_a_day() -> None:
    last = steps_of(HISTORY[:1], until=date(2026, 9, 2))[-1]
    assert last == {"when": {"day_end": "2026-09-02"}, "then": {"points.pending": "0", "because": ["points.pending.matured", "points.expiry.lapsed"]}}


def test_events_after_that_day_are_left_out() -> None:
    steps = steps_of(HISTORY, until=date(2026, 3, 2))
    assert [list(step["when"]) for step in steps] == [["purchase"], ["day_end"]]


def test_a_history_without_events_cannot_be_recorded() -> None:
    with pytest.raises(Unwritable):
        record(SHOP, HISTORY, "ann", until=date(2026, 2, 1))


def test_a_duplicate_says_so() -> None:
    assert steps_of([*HISTORY[:1], HISTORY[0]])[-1]["then"] == {"verdict": "duplicate"}
    assert passes(text_of([*HISTORY[:1], HISTORY[0]]), SHOP)


def test_time_that_was_sent_and_time_that_a_stamp_speaks_of_are_steps() -> None:
    late = event("purchase", "c", 1, amount="5", decided_at=NOON + timedelta(days=3))
    history = [HISTORY[0], late, cr.NewDay(customer_id="ann/7", day=date(2026, 3, 6)), cr.Tick(customer_id="ann/7", at=NOON + timedelta(days=6))]
    whens = [step["when"] for step in steps_of(history, last=1)]
    assert whens == [
        {"advance": "2026-03-04"},
        {"purchase": {"id": "c", "at": "2026-03-02", "amount": "5.00"}},
        {"advance": "2026-03-06T00:00"},
        {"advance": "2026-03-07"},
    ]
    assert passes(text_of(history), SHOP)


def test_time_that_says_nothing_new_is_left_out() -> None:
    history = [HISTORY[0], cr.NewDay(customer_id="ann/7", day=date(2026, 3, 1))]
    assert len(steps_of(history)) == 1


EVENTS = [
    event("enrolment", "e", profile={"segment": "staff"}),
    event("profile_update", "u", profile={"segment": "regular"}),
    event("consent_update", "k", consent={"sms": "marketing"}, do_not_contact=True),
    event("purchase", "lines", lines=[{"sku": "A", "quantity": "2", "amount": "20", "cost": "1"}, {"category": "tea: 中文", "amount": "5"}]),
    event("purchase", "mixed", amount="30", tenders=[{"type": "points", "amount": "5", "quantity": "50"}, {"type": "cash", "amount": "25"}]),
    event("purchase", "card", amount="30", tenders=[{"type": "coupon", "amount": "5", "reference": "c1"}, {"type": "cash", "amount": "25"}]),
    event("purchase", "two", amount="30", tenders=[{"type": "cash", "amount": "5"}, {"type": "cash", "amount": "25"}]),
    event("purchase", "tags", lines=[{"sku": "null", "amount": "5", "tags": ["x y", "~"]}], channel="app", attributes={"till": 7}),
    event("activity", "act", name="check_in", channel="app", recorded_at=NOON, attributes={"city": ">= 5", "steps": "7.5", "vip": True}),
    event("referral", "f", friend="bob", friend_keys={"phone": "1"}),
    event("adjustment", "adj", account="points", quantity="-3", reason="by hand", approver="kim"),
    event("tier_grant", "g", level="silver", until="2026-12-31", reason="match"),
    event("visit", "odd", 0).model_copy(update={"occurred_at": NOON + timedelta(hours=1, microseconds=5)}),
    event("visit", "-x: y #1"),
]


@pytest.mark.parametrize("told", EVENTS, ids=lambda told: told.id)
def test_every_kind_of_event_is_written_and_read_back(told: AnyEvent) -> None:
    recorded = record(SHOP, [event("adjustment", "start", -1, account="points", quantity="100", reason="opening"), told], "ann")
    assert passes(file_text("shop.yaml", [recorded.scenario], []), SHOP)
    assert recorded.differs == ()


@pytest.mark.parametrize(
    "told",
    [
        event("profile_update", "none", profile={"segment": None}),
        event("activity", "every", name="check_in", attributes={"every": "day"}),
        event("visit", "dollar", attributes={"x": "$amount"}),
    ],
    ids=lambda told: told.id,
)
def test_what_scenarios_have_no_words_for_is_refused(told: AnyEvent) -> None:
    with pytest.raises(Unwritable):
        record(SHOP, [told], "ann")


def test_an_event_that_reads_back_as_another_is_named() -> None:
    odd = event("activity", "odd", name="check_in", attributes={"at": "2026-03-05"})  # would be read as when it happened
    with pytest.raises(Unwritable, match="odd"):
        record(SHOP, [HISTORY[0], odd], "ann")


def test_readings_that_differ_are_told() -> None:
    """A customer whose only event was refused is not known to the history; a scenario knows everybody from the start."""
    recorded = record(SHOP, [event("redemption", "r", points="5")], "ann")
    assert recorded.differs == ("points", "points.pending", "points.held", "points.owed", "tier", "tier.until")
    assert passes(file_text("shop.yaml", [recorded.scenario], []), SHOP)


@pytest.mark.parametrize(
    ("instant", "zone", "text"),
    [
        ("2026-03-01T04:00:00Z", "Asia/Shanghai", "2026-03-01"),
        ("2026-03-01T04:00:01Z", "Asia/Shanghai", "2026-03-01T12:00:01"),
        ("2026-02-28T16:00:00Z", "Asia/Shanghai", "2026-03-01T00:00"),
        ("2026-10-25T00:30:00Z", "Europe/London", "2026-10-25T01:30"),  # the first of two hours that read alike
        ("2026-10-25T01:30:00Z", "Europe/London", "2026-10-25T01:30:00+00:00"),
    ],
)
def test_an_instant_is_written_as_people_read_their_clocks(instant: str, zone: str, text: str) -> None:
    program = cr.Program(id="z", zone=zone, currency="CNY", policies=[])
    assert local_text(datetime.fromisoformat(instant), program.zone) == text


@settings(suppress_health_check=list(HealthCheck), max_examples=20)
@given(cases(late=True, most=10))
def test_any_history_is_recorded_as_it_was_stored(case: Case) -> None:
    walk = Walk(case.program, cr.State.new(CUSTOMER))
    for told in case.events:
        walk.pass_time(told.occurred_at, Passing(hours=(30,)))
        walk.event(told)
    if any(value is None for told in walk.stored for value in getattr(told, "profile", {}).values()) or not walk.stored:
        return  # a field that is taken away cannot be written
    recorded = record(case.program, walk.stored, "c", last=4)
    assert passes(file_text("x.yaml", [recorded.scenario], ["a remark"]), case.program)


def test_a_card_that_another_brings_along_is_recorded_with_all_that_it_brings() -> None:
    program = cr.Program(
        id="cards",
        zone="UTC",
        currency="CNY",
        policies=[
            {"id": "points", "kind": "points.account", "expiry": "never"},
            {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
        ],
    )

    def event(customer: str, kind: str, id: str, **fields: Any) -> Any:
        return program.event({"type": kind, "id": id, "customer_id": customer, "occurred_at": "2026-01-10T10:00:00Z", **fields})

    old = program.step(cr.State.new("old"), event("old", "purchase", "o", amount="12.00")).state
    (signal,) = (effect for effect in program.step(old, event("old", "merge", "m", into="new")).effects if isinstance(effect, cr.Signal))
    merge = program.event(signal.delivered(datetime.fromisoformat("2026-01-10T10:00:00+00:00")))
    recorded = record(program, [event("new", "visit", "v"), merge], "two cards", last=4)
    text = file_text("x.yaml", [recorded.scenario], [])
    assert passes(text, program)
    assert "points: 12" in text
