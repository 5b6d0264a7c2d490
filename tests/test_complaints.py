"""``feedback.complaints`` where scenarios do not reach: versions, merges, calendars that end, and its contract."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import custrules as cr
from custrules.moment import Moment
from custrules.policies.feedback import Complaints
from custrules.testing import check_policy, history
from custrules.testing.histories import History

CLOCKS = [{"name": "acknowledge", "within": "24 hours"}, {"name": "resolve", "within": "10 days"}]
OFFICE = {"working": {"days": "weekdays", "hours": {"from": "09:00", "to": "18:00"}, "known_until": "2026-03-31"}}


def program(*versions: dict[str, Any], policies: list[dict[str, Any]] | None = None, **sections: Any) -> cr.Program:
    desk = {"id": "desk", "kind": "feedback.complaints"}
    rows = [desk | version for version in versions] or [desk | {"clocks": CLOCKS}]
    made = {"id": "a", "zone": "Asia/Shanghai", "currency": "CNY", "policies": [*rows, *(policies or [])]}
    return cr.Program(**made | sections)


def data(customer: History, complaint: str = "k1") -> dict[str, Any]:
    return dict(customer.state.status("complaint", complaint).data)


def told(customer: History) -> list[str]:
    return [why.code.rpartition(".")[2] for step in customer.steps for decision in step.decisions for why in decision.reasons]


def touchpoints(customer: History) -> list[cr.Touchpoint]:
    return [effect for step in customer.steps for effect in step.effects if isinstance(effect, cr.Touchpoint)]


def test_a_complaint_keeps_the_clocks_and_the_ladder_of_the_version_by_which_it_was_received() -> None:
    old = {"clocks": [{"name": "resolve", "within": "10 days"}], "ladder": [{"at": "50%", "tell": "lead"}]}
    new = {"effective_from": "2026-03-03", "clocks": [{"name": "resolve", "within": "2 days"}], "ladder": [{"at": "50%", "tell": "boss"}]}
    customer = history(program(old, new)).on("2026-03-02").complaint(id="k1").on("2026-03-03").complaint(id="k2")
    assert (data(customer)["resolve_by"], data(customer, "k2")["resolve_by"]) == ("2026-03-12", "2026-03-05")
    customer = customer.day_end("2026-03-31")
    assert [data(customer, name)["escalated_to"] for name in ("k1", "k2")] == ["lead", "boss"]
    again = customer.complaint_update("reopened", of="k1").complaint_update("resolved", of="k1").complaint_update("reopened", of="k1")
    assert data(again)["resolve_within"] == "2 days"  # opened again, it is treated as of that day


def test_complaints_from_before_the_first_version_are_looked_after_without_clocks() -> None:
    of = program({"effective_from": "2026-03-10", "clocks": CLOCKS, "ladder": [{"at": "50%", "tell": "lead"}], "reopen": "10 days"})
    customer = history(of).on("2026-03-02").complaint(id="k1").on("2026-03-11").complaint_update("acknowledged")
    assert customer.state.status("complaint", "k1").value == "acknowledged"
    customer = customer.complaint_update("closed").day_end("2026-03-12").complaint_update("reopened")
    assert data(customer)["resolve_by"] == "2026-03-22"


def test_a_retired_policy_takes_in_nothing_new_and_lets_the_kernel_note_what_becomes_of_the_rest() -> None:
    of = program({"clocks": CLOCKS}, {"clocks": CLOCKS, "effective_from": "2026-03-05", "retired": True}, measures={"open": {"open": "complaint"}})
    customer = history(of).on("2026-03-02").complaint(id="k1").on("2026-03-06").complaint(id="k2").day_end("2026-03-31")
    assert data(customer)["resolve"] == "missed"  # what time does goes on
    assert data(customer, "k2") == {"category": "service"}
    closed = customer.complaint_update("closed", of="k1").complaint_update("closed", of="k2")
    assert closed.state.status("complaint", "k1").value == "closed"
    assert Moment(of.rulebook, closed.state, date(2026, 3, 31)).value("open") == 0


def test_beyond_the_known_working_days_a_clock_is_unknown_and_never_a_guess() -> None:
    of = program({"clocks": [{"name": "resolve", "within": "3 working days"}], "ladder": [{"at": "50%", "tell": "lead"}]}, calendar=OFFICE)
    customer = history(of).on("2026-03-30").complaint(id="k1")  # a Monday: 31 March, and then nobody knows
    assert data(customer)["resolve_by"] == "unknown"
    assert of.next_due(customer.state) is None
    later = OFFICE["working"] | {"known_until": "2026-12-31"}
    wider = program(
        {"clocks": [{"name": "resolve", "within": "3 working days"}], "ladder": [{"at": "50%", "tell": "lead"}]}, calendar={"working": later}
    )
    due = wider.next_due(customer.state)
    assert due is not None  # a program that knows more finds the end after all
    assert due < datetime(2026, 4, 2, 10, tzinfo=UTC)  # Thursday, 18:00 in Shanghai


def test_the_survivor_of_a_merge_looks_after_the_complaints_of_both() -> None:
    of = program(measures={"open": {"open": "complaint"}})
    other = history(of, "c-2").on("2026-03-02").complaint(id="k1")
    merged = other.event("merge", into="c-1").last
    assert merged is not None
    [signal] = [effect for effect in merged.effects if isinstance(effect, cr.Signal)]
    mine = history(of).on("2026-03-03").visit()
    step = of.step(mine.state, of.event(signal.delivered(datetime(2026, 3, 3, 9, tzinfo=UTC))))
    assert [why.code for decision in step.decisions for why in decision.reasons][-1] == "feedback.complaints.taken_over"
    assert (step.state.status("complaint").value, step.state.status("complaint").data["open"]) == ("open", 1)
    late = of.advance(step.state, to=datetime(2026, 3, 20, tzinfo=UTC)).state
    assert late.status("complaint", "k1").data["resolve"] == "missed"  # its clocks go on here


def test_an_open_complaint_is_a_fact_for_others_and_one_that_is_closed_is_none() -> None:
    thanks = {"id": "points", "kind": "points.account", "expiry": "never"}
    earn = {"id": "earn", "kind": "points.accrual", "event": "visit", "points": 5, "when": {"complaint": "open"}}
    customer = history(program(policies=[thanks, earn])).on("2026-03-02").visit().complaint(id="k1").visit()
    assert customer.state.points().available == 5
    assert customer.complaint_update("closed").visit().state.points().available == 5


@pytest.mark.parametrize(
    ("word", "stops"),
    [("no_marketing", "marketing"), ("suppress_marketing", "marketing"), ("service_only", "marketing, greeting"), ("as_usual", None)],
)
def test_what_an_open_complaint_stops_stands_in_the_status(word: str, stops: str | None) -> None:
    customer = history(program({"while_open": word})).on("2026-03-02").complaint(id="k1")
    assert customer.state.status("complaint").data.get("suppresses") == stops
    assert "suppresses" not in customer.complaint_update("closed").state.status("complaint").data


def test_the_task_goes_to_the_owner_until_the_first_clock_ends() -> None:
    route = {"hit": "FIRST", "inputs": ["channel"], "outputs": ["owner"], "rows": [["app", "robot"], ["-", "agent"]]}
    of = program({"clocks": CLOCKS, "route": route, "channel": "desk"})
    [task] = touchpoints(history(of).on("2026-03-02").complaint(id="k1", channel="app"))
    assert (task.template, task.cycle, task.outcome, task.channel, task.data["to"]) == ("complaint", "k1", "task", "desk", "robot")
    assert (task.day, task.last_day) == (date(2026, 3, 2), date(2026, 3, 3))  # 24 hours


def test_a_step_of_the_ladder_is_told_once_and_its_task_says_of_what() -> None:
    of = program({"clocks": CLOCKS, "ladder": [{"at": "0%", "tell": "desk"}, {"at": "150%", "tell": "board", "of": "acknowledge"}]})
    customer = history(of).on("2026-03-02T10:00").complaint(id="k1").day_end("2026-03-10")
    _, first, board = touchpoints(customer)
    assert (first.template, first.day, first.data["clock"], first.data["due_by"]) == ("desk", date(2026, 3, 2), "resolve", "2026-03-12")
    assert (board.template, board.day, board.data["at"]) == ("board", date(2026, 3, 3), "150%")  # 36 hours after 10:00: 22:00 the next day
    assert told(customer).count("told") == 2


def test_a_late_complaint_has_clocks_that_may_have_run_out() -> None:
    of = program({"clocks": CLOCKS, "ladder": [{"at": "50%", "tell": "lead", "of": "acknowledge"}]}, late="3 days")
    customer = history(of).on("2026-03-05").visit()
    step = of.step(
        customer.state, of.event({"type": "complaint", "id": "k1", "customer_id": "c-1", "occurred_at": "2026-03-03T04:00:00Z", "category": "x"})
    )
    assert [why.code.rpartition(".")[2] for why in step.decisions[-1].reasons] == ["received", "clock", "clock", "told", "missed"]


def test_clocks_are_compared_with_when_it_happened_not_with_when_it_was_told() -> None:
    of = program({"clocks": CLOCKS}, late="3 days")
    customer = history(of).on("2026-03-02T10:00").complaint(id="k1").on("2026-03-03T09:00").visit()
    done = {"type": "complaint_update", "id": "u", "customer_id": "c-1", "of": "k1", "stage": "acknowledged", "occurred_at": "2026-03-03T00:59:59Z"}
    assert of.step(customer.state, of.event(done)).state.status("complaint", "k1").data["acknowledge"] == "met"
    assert (
        of.step(customer.state, of.event(done | {"occurred_at": "2026-03-03T02:00:00Z"})).state.status("complaint", "k1").data["acknowledge"]
        == "missed"
    )


def test_a_restated_history_has_the_complaint_as_it_would_have_been() -> None:
    of = program({"clocks": CLOCKS}, late="3 days")
    customer = history(of).on("2026-03-02T10:00").complaint(id="k1").on("2026-03-20").visit()
    done = {"type": "complaint_update", "id": "u", "customer_id": "c-1", "of": "k1", "stage": "resolved", "occurred_at": "2026-03-02T03:00:00Z"}
    restated = of.restate(cr.State.new("c-1"), list(customer.events), of.event(done))
    assert restated.state.status("complaint", "k1").data["resolve"] == "met"
    assert any(change.name == "complaint" for change in restated.statuses)


def test_the_longest_of_several_days_without_anybody_asking_comes_to_the_same() -> None:
    of = program(
        {
            "clocks": CLOCKS,
            "ladder": [{"at": "50%", "tell": "lead"}, {"at": "100%", "tell": "boss"}],
            "close": {"needs": "at_will", "after": "7 days"},
        }
    )
    customer = history(of).on("2026-03-02T10:00").complaint(id="k1").complaint_update("resolved").complaint(id="k2")
    end = datetime(2026, 4, 1, tzinfo=UTC)
    at_once = of.advance(customer.state, to=end).state
    daily = customer.state
    for hours in range(0, 24 * 29, 7):
        daily = of.advance(daily, to=datetime(2026, 3, 2, 2, tzinfo=UTC) + timedelta(hours=hours)).state
    assert of.advance(daily, to=end).state == at_once


def test_the_policy_keeps_its_contract() -> None:
    policy = Complaints.read(
        {
            "id": "desk",
            "categories": ["billing", "service"],
            "causes": ["error"],
            "clocks": [
                {"name": "acknowledge", "within": "24 hours"},
                {"name": "resolve", "within": "5 days", "extended": "10 days", "regulation": "R1"},
            ],
            "ladder": [{"at": "50%", "tell": "lead"}, {"at": "120%", "tell": "boss"}],
            "reopen": "30 days",
            "close": {"needs": "with_agreement", "after": "14 days"},
            "compensation": {"credit": [{"up_to": "50", "by": "agent"}, {"by": "manager"}], "points": {"up_to": "500", "by": "agent"}},
        },
        "CNY",
    )
    assert "feedback.complaints.received" in check_policy(policy, examples=15, skip=["descriptions"])
