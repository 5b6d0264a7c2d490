"""The measure ``open``: complaints that are open, where no policy looks after them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import custrules as cr
from custrules.moment import Moment
from custrules.testing import history
from custrules.testing.histories import History

MEASURES = {"open": {"open": "complaint"}, "grave": {"open": "complaint", "where": {"severity": "high", "category": "not(spam)"}}}


def program(measures: Mapping[str, Any] = MEASURES, **sections: Any) -> cr.Program:
    made = {"id": "a", "zone": "Asia/Shanghai", "currency": "CNY", "measures": dict(measures), "policies": []}
    return cr.Program(**made | sections)


def read(of: cr.Program, customer: History, name: str = "open", day: str | None = None) -> Any:
    state = customer.state
    assert state.day is not None
    return Moment(of.rulebook, state, date.fromisoformat(day) if day else state.day).value(name)


def complained(of: cr.Program) -> History:
    return history(of).on("2026-03-02").complaint("billing", id="k1", severity="high").later("1 day").complaint(id="k2")


def test_complaints_are_open_until_they_are_closed_and_every_day_keeps_its_own_number() -> None:
    of = program()
    customer = complained(of).on("2026-03-05").complaint_update("closed", of="k1").on("2026-03-09").visit()
    assert [read(of, customer, day=f"2026-03-0{day}") for day in (1, 2, 3, 4, 5, 9)] == [0, 1, 2, 2, 1, 1]
    assert [read(of, customer, "grave", f"2026-03-0{day}") for day in (1, 2, 4, 5)] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("stages", "left"),
    [
        (["acknowledged", "in_progress", "extended", "escalated", "resolved"], 2),  # none of these closes it
        (["closed", "closed"], 1),
        (["withdrawn"], 1),
        (["closed", "reopened"], 2),
        (["reopened"], 2),  # it never was closed
        (["closed", "reopened", "closed"], 1),
    ],
)
def test_only_closing_and_withdrawing_end_a_complaint(stages: list[str], left: int) -> None:
    of = program()
    customer = complained(of)
    for stage in stages:
        customer = customer.complaint_update(stage, of="k1")
    assert read(of, customer) == left


def test_updates_of_unknown_complaints_and_without_a_stage_change_nothing() -> None:
    of = program()
    customer = complained(of).complaint_update("closed", of="k9").complaint_update(of="k1", note="called")
    assert read(of, customer) == 2


def test_a_closed_complaint_leaves_the_state_with_its_orders_and_an_open_one_never_does() -> None:
    of = program()
    customer = complained(of).complaint_update("closed", of="k1")  # on 3 March 2026; 366 days later is 4 March 2027, and 3 days are late
    assert ("complaint", "k1") in customer.day_end("2027-03-07").state.statuses
    later = customer.day_end("2027-03-08").state
    assert set(later.statuses) == {("complaint", "k2")}
    assert read(of, customer.day_end("2027-03-08")) == 1


def test_a_program_without_such_a_measure_keeps_nothing_of_complaints() -> None:
    assert not complained(program({})).state.statuses


def test_a_measure_that_comes_later_is_missing_for_those_whose_complaints_were_not_kept() -> None:
    before, after = program({}), program()
    state = complained(before).state
    step = after.step(state, after.event({"type": "visit", "id": "v", "customer_id": "c-1", "occurred_at": "2026-03-09T10:00:00Z"}))
    assert Moment(after.rulebook, step.state, date(2026, 3, 9)).value("open") is None
    assert [gap.kind for gap in after.gaps(step.state)] == ["tally_short", "tally_short"]


def test_an_opening_leaves_open_complaints_to_the_events_that_tell_them() -> None:
    of = program()
    customer = history(of).on("2026-03-01").event("opening").complaint(id="k1")
    assert read(of, customer) == 1
    told = {"type": "opening", "id": "o", "customer_id": "c", "occurred_at": "2026-03-01T10:00:00Z", "tallies": {"open": {"2026-02-01": 1}}}
    with pytest.raises(cr.EventError):
        of.event(told)


def test_the_survivor_of_a_merge_takes_over_complaints() -> None:
    of = program()
    other = (
        history(of, "c-2")
        .on("2026-03-04")
        .complaint(id="k1", severity="high")
        .complaint(id="k3")
        .complaint(id="k4")
        .complaint_update("closed", of="k4")
    )
    merged = other.event("merge", into="c-1").last
    assert merged is not None
    [signal] = [effect for effect in merged.effects if isinstance(effect, cr.Signal)]
    mine = complained(of)
    delivered = of.event(signal.delivered(mine.state.as_of))  # type: ignore[arg-type]  # it has been stepped
    step = of.step(mine.state, delivered)
    assert step.accepted
    day = step.state.day
    assert day is not None
    assert {subject: held.value for (_, subject), held in step.state.statuses.items()} == {"k1": "open", "k2": "open", "k3": "open", "k4": "closed"}
    assert [Moment(of.rulebook, step.state, date(2026, 3, 4)).value(name) for name in ("open", "grave")] == [3, 1]


def test_conditions_on_open_complaints_are_asked_again_as_soon_as_one_is_closed() -> None:
    levels = [{"name": "member"}, {"name": "calm", "enter": {"open": "0", "visits": ">= 1"}}]
    ladder = {"id": "l", "kind": "tiers.ladder", "levels": levels, "term": "none", "downgrade": "to_earned"}
    of = program({**MEASURES, "visits": {"count": "visit", "window": "lifetime"}}, policies=[ladder])
    customer = history(of).on("2026-03-02").complaint(id="k1").visit()
    assert customer.state.status("tier").value == "member"
    closed = customer.on("2026-03-03").complaint_update("closed", of="k1").day_end("2026-03-04")
    assert closed.state.status("tier").value == "calm"


@pytest.mark.parametrize(
    ("measure", "code"), [({"open": "purchase"}, "document.unknown_subject"), ({"open": "complaint", "window": "3 days"}, "document.not_with")]
)
def test_open_takes_complaints_and_no_window(measure: dict[str, str], code: str) -> None:
    with pytest.raises(cr.DocumentError) as caught:
        program({"m": measure})
    assert [fault.code for fault in caught.value.diagnostics] == [code]


def test_scores_are_averaged_by_their_kind() -> None:
    measures = {
        "nps": {"latest": "survey_response.value", "window": "lifetime", "where": {"score": "nps"}},
        "csat": {"average": "survey_response.value", "window": "90 days", "where": {"score": "csat"}},
        "worst": {"best": "survey_response", "window": "90 days", "where": {"score": "ces"}},
    }
    of = program(measures)
    customer = (
        history(of)
        .on("2026-03-02")
        .survey_response(6, "nps")
        .survey_response(4)
        .survey_response(1)
        .survey_response(2, "ces")
        .survey_response(9, "nps")
    )
    assert [read(of, customer, name) for name in measures] == [9, Fraction(5, 2), 2]


@pytest.mark.parametrize(("score", "value"), [("nps", "11"), ("nps", "-1"), ("csat", "0"), ("csat", "6"), ("ces", "8"), ("csat", "4.5")])
def test_a_score_off_its_scale_is_refused(score: str, value: str) -> None:
    with pytest.raises(cr.EventError) as caught:
        program().event(
            {"type": "survey_response", "id": "s", "customer_id": "c", "occurred_at": "2026-03-01T10:00:00Z", "score": score, "value": value}
        )
    assert [fault.code for fault in caught.value.diagnostics] == ["event.score_off_scale"]


def test_an_own_score_has_its_own_scale() -> None:
    answer = program().event(
        {"type": "survey_response", "id": "s", "customer_id": "c", "occurred_at": "2026-03-01T10:00:00Z", "score": "stars", "value": "87.5"}
    )
    assert isinstance(answer, cr.SurveyResponse)
    assert answer.value == Decimal("87.5")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "event.empty_update"),
        ({"credit": "0.00"}, "event.wrong_type"),
        ({"credit": "1.00 EUR"}, "event.other_currency"),
        ({"stage": "done"}, "event.unknown_choice"),
    ],
)
def test_an_update_that_says_nothing_or_something_odd_is_refused(fields: dict[str, str], code: str) -> None:
    with pytest.raises(cr.EventError) as caught:
        program().event({"type": "complaint_update", "id": "u", "customer_id": "c", "occurred_at": "2026-03-01T10:00:00Z", "of": "k1", **fields})
    assert [fault.code for fault in caught.value.diagnostics] == [code]
