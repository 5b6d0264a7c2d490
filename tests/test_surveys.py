"""``feedback.survey`` where scenarios do not reach: cadences, several surveys, versions, and its contract."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import custrules as cr
from custrules.policies.feedback import Survey
from custrules.policies.feedback.asking import Every
from custrules.testing import check_policy, history
from custrules.testing.histories import History


def program(*surveys: dict[str, Any], **sections: Any) -> cr.Program:
    rows = [{"id": "survey", "kind": "feedback.survey", "score": "nps"} | survey for survey in surveys]
    made = {"id": "a", "zone": "Asia/Shanghai", "currency": "CNY", "policies": rows}
    return cr.Program(**made | sections)


def asks(customer: History, policy_id: str = "survey") -> list[date]:
    found = (decision for step in customer.steps for decision in step.decisions if decision.policy_id == policy_id)
    return [effect.day for decision in found for effect in decision.effects if isinstance(effect, cr.Touchpoint) and effect.outcome == "send"]


@pytest.mark.parametrize(
    ("every", "days"),
    [
        ("week", ["2026-03-02", "2026-03-09", "2026-03-16"]),  # Mondays
        ("month", ["2026-03-01", "2026-04-01", "2026-05-01"]),
        ("quarter", ["2026-04-01", "2026-07-01", "2026-10-01"]),
        ("half_year", ["2026-07-01", "2027-01-01", "2027-07-01"]),
        ("half", ["2026-07-01", "2027-01-01", "2027-07-01"]),
        ("year", ["2027-01-01", "2028-01-01", "2029-01-01"]),
        ("90 days", ["2026-05-26", "2026-08-24", "2026-11-22"]),  # from 25 February on
        ("1 month", ["2026-03-25", "2026-04-25", "2026-05-25"]),
    ],
)
def test_a_cadence_asks_on_its_own_days(every: str, days: list[str]) -> None:
    customer = history(program({"after": [{"every": every}]})).on("2026-02-25").visit().day_end(days[-1])
    assert [str(day) for day in asks(customer)] == days


def test_months_are_counted_from_the_day_of_joining_and_not_from_the_last_ask() -> None:
    every = Every.parse("1 month")
    day, found = date(2026, 1, 31), []
    for _ in range(4):
        day = every.next_after(day, date(2026, 1, 31))
        found.append(str(day))
    assert found == ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]


def test_of_two_asks_that_are_due_together_the_one_that_was_planned_first_goes_first_whether_the_state_was_stored_meanwhile_or_not() -> None:
    # asked on 13 March, at rest to 2 April: the ask of 1 April waits for the day on which that of 30 March + 3 days falls due
    of = program({"after": [{"purchase": "3 days"}, {"every": "month"}], "rest": "20 days", "resting": "wait", "valid": "30 days"})
    customer = history(of).on("2026-03-10").purchase("1.00", id="z").on("2026-03-30").purchase("1.00", id="a").day_end("2026-04-01")
    stored = cr.State.from_json(customer.state.to_json())
    then = datetime(2026, 4, 3, tzinfo=UTC)
    for state in (customer.state, stored):
        found = of.advance(state, to=then).state
        assert (found.status("survey", "every-2026-04-01").value, found.status("survey", "a").value) == ("asked", "waiting")
    assert of.advance(stored, to=then).to_json() == of.advance(customer.state, to=then).to_json()


def test_days_that_nobody_settled_are_caught_up_in_order() -> None:
    of = program({"after": [{"every": "month"}], "rest": "45 days", "valid": "60 days"})
    customer = history(of).on("2026-01-15").visit()
    late = customer.day_end("2026-06-30")
    daily = customer
    for number in range(166):
        daily = daily.day_end(date(2026, 1, 15) + timedelta(days=number))
    # 1 February; 1 March is 28 days later; 1 April; 1 May is 30 days later; 1 June
    assert [str(day) for day in asks(late)] == ["2026-02-01", "2026-04-01", "2026-06-01"]
    assert daily.day_end("2026-06-30").state == late.state


def test_the_rest_looks_at_every_survey_of_the_program() -> None:
    other = {"id": "other", "score": "csat", "status": "other", "after": [{"visit": "0 days"}], "rest": "10 days"}
    customer = history(program({"after": [{"every": "month"}], "rest": "10 days"}, other)).on("2026-02-25").visit().day_end("2026-03-01")
    assert asks(customer, "other") == [date(2026, 2, 25)]
    assert asks(customer) == []  # four days later
    assert customer.state.status("survey", "every-2026-03-01").value == "skipped"
    assert asks(customer.on("2026-03-07").visit(), "other") == [date(2026, 2, 25), date(2026, 3, 7)]


def test_an_answer_keeps_the_rest_even_where_nobody_told_that_it_was_sent() -> None:
    of = program({"after": [{"visit": "0 days"}], "rest": "60 days", "valid": "3 days"})
    answered = history(of).on("2026-03-01").visit().survey_response(9, "nps").on("2026-03-20").visit()
    assert asks(answered) == [date(2026, 3, 1)]
    silent = history(of).on("2026-03-01").visit().on("2026-03-20").visit()
    assert asks(silent) == [date(2026, 3, 1), date(2026, 3, 20)]


def test_a_follow_up_is_no_survey() -> None:
    low = {"when": "<= 6", "task": {"channel": "phone", "within": "24 hours"}}
    of = program({"after": [{"visit": "0 days"}], "rest": "30 days", "low": low})
    customer = history(of).on("2026-03-01").survey_response(2, "nps").visit()
    assert asks(customer) == [date(2026, 3, 1)]


def test_a_follow_up_says_by_when_and_about_what() -> None:
    low = {"when": "<= 6", "task": {"channel": "phone", "within": "24 hours", "to": "adviser"}}
    customer = history(program({"low": low})).on("2026-03-01T10:00").survey_response(2, "nps", id="r1")
    assert customer.last is not None
    [task] = [effect for effect in customer.last.effects if isinstance(effect, cr.Touchpoint)]
    assert (task.template, task.cycle, task.channel, task.outcome, task.day, task.last_day) == (
        "survey_follow_up", "low:r1", "phone", "task", date(2026, 3, 1), date(2026, 3, 2)
    )  # fmt: skip
    assert dict(task.data) == {
        "score": "nps", "value": "2", "deadline": "24 hours", "due_by": "2026-03-02T02:00:00Z", "to": "adviser", "purpose": "service"
    }  # fmt: skip


def test_answers_to_another_score_or_survey_are_none_of_its_business() -> None:
    of = program({"after": [{"visit": "0 days"}]})
    customer = (
        history(of)
        .on("2026-03-01")
        .visit(id="v1")
        .survey_response(5, "csat")
        .survey_response(9, "nps", survey="other")
        .survey_response(9, "nps", of="v9")
    )
    assert customer.state.status("survey", "v1").value == "asked"
    assert customer.survey_response(9, "nps", survey="survey", of="v1").state.status("survey", "v1").value == "answered"


def test_two_waits_after_one_event_are_two_asks() -> None:
    customer = history(program({"after": [{"visit": "1 day"}, {"visit": "30 days"}]})).on("2026-03-01").visit(id="v1").day_end("2026-03-31")
    assert asks(customer) == [date(2026, 3, 2), date(2026, 3, 31)]
    assert customer.survey_response(9, "nps", of="v1").state.status("survey", "v1+1 day").value == "answered"


def test_a_retired_survey_asks_nobody_any_more_and_still_takes_answers() -> None:
    first = {"after": [{"visit": "5 days"}, {"every": "month"}]}
    of = program(first, first | {"effective_from": "2026-03-03", "retired": True})
    customer = history(of).on("2026-03-01").visit(id="v1").day_end("2026-04-30")
    assert asks(customer) == []
    assert of.next_due(customer.state) is None


def test_asks_leave_the_state_a_year_after_they_could_be_sent() -> None:
    of = program({"after": [{"visit": "0 days"}], "valid": "14 days"})
    customer = history(of).on("2026-03-01").visit(id="v1")  # 15 March + 366 days: 16 March 2027, and three days that may be late
    assert ("survey", "v1") in customer.day_end("2027-03-19").state.statuses
    assert ("survey", "v1") not in customer.day_end("2027-03-20").state.statuses


def test_a_complaint_of_long_ago_is_not_asked_about_by_a_survey_that_is_new() -> None:
    desk = {"id": "desk", "kind": "feedback.complaints", "score": None}
    survey = {
        "id": "survey",
        "kind": "feedback.survey",
        "score": "nps",
        "after": [{"closed": "complaint", "by": "2 days"}],
        "effective_from": "2026-06-01",
    }
    desk.pop("score")
    of = cr.Program(id="a", zone="Asia/Shanghai", currency="CNY", policies=[desk, survey])
    customer = (
        history(of).on("2026-03-01").complaint(id="k1").complaint_update("closed").on("2026-05-30").complaint(id="k2").complaint_update("closed")
    )
    assert asks(customer.day_end("2026-07-31")) == [date(2026, 6, 1)]  # of k2, on 1 June


def test_settling_after_every_step_or_once_comes_to_the_same() -> None:
    of = program({"after": [{"visit": "3 days"}, {"every": "month"}], "rest": "20 days", "resting": "wait", "valid": "30 days"})
    customer = history(of).on("2026-01-10").visit(id="v1").on("2026-01-25").visit(id="v2").on("2026-02-27").visit(id="v3")
    end = datetime(2026, 6, 1, tzinfo=UTC)
    state = customer.state
    for days in range(0, 90, 2):
        state = of.advance(state, to=datetime(2026, 2, 27, 12, tzinfo=UTC) + timedelta(days=days)).state
    assert of.advance(state, to=end).state == of.advance(customer.state, to=end).state


@pytest.mark.parametrize(
    "fields",
    [
        {
            "score": "csat",
            "after": [{"purchase": "1 day"}, {"visit": "0 days"}, {"every": "month"}],
            "rest": "10 days",
            "resting": "wait",
            "low": {"when": "<= 2", "task": {"channel": "phone", "within": "24 hours"}},
            "when": {"orders": "< 5"},
        },
        {"score": "nps", "after": [{"every": "90 days"}, {"every": "week"}], "rest": "1 month"},
    ],
)
def test_the_policy_keeps_its_contract(fields: dict[str, Any]) -> None:
    assert "feedback.survey.asked" in check_policy(Survey.read({"id": "survey"} | fields, "CNY"), examples=10, skip=["descriptions"])
