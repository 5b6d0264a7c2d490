"""``cr.feedback``: NPS, CSAT and CES with n and margin, causes and clocks of complaints, over many customers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

import custrules as cr
from custrules.analysis.scores import score_of

PROGRAM = cr.loads("""
program: desk
zone: Asia/Shanghai
currency: CNY
policies:
  - {id: survey, kind: feedback.survey, score: nps, after: [{visit: 0 days}]}
  - id: desk
    kind: feedback.complaints
    clocks: [{name: acknowledge, within: 24 hours}, {name: resolve, within: 10 days}]
    ladder: [{at: 100%, tell: boss}]
    reopen: 10 days
    compensation: {credit: {by: agent}, points: {by: agent}}
""")


def event(type: str, id: str, customer: str, at: str, **fields: Any) -> dict[str, Any]:
    return {"type": type, "id": id, "customer_id": customer, "occurred_at": f"2026-{at}:00:00Z", **fields}


EVENTS = [
    event("visit", "a1", "ann", "01-10T04"),
    event("survey_response", "a2", "ann", "01-11T04", score="nps", value=9),
    event("complaint", "ka", "ann", "01-12T00", category="billing", channel="app"),
    event("complaint_update", "a3", "ann", "01-12T10", of="ka", stage="resolved", cause="error", credit="12.50", by="agent"),  # after ten hours
    event("complaint_update", "a4", "ann", "01-12T11", of="ka", stage="closed"),
    event("visit", "b1", "bob", "02-10T04"),
    event("survey_response", "b2", "bob", "02-11T04", score="nps", value=6),
    event("survey_response", "b3", "bob", "02-11T05", score="csat", value=5),
    event("complaint", "kb", "bob", "02-12T00", category="service", severity="high"),
    event("complaint_update", "b4", "bob", "02-14T00", of="kb", stage="acknowledged", points=100, by="agent"),  # a day late
    event("visit", "c1", "cid", "02-10T04"),
    event("complaint", "kc", "cid", "02-12T00", category="billing"),
    event("complaint_update", "c2", "cid", "02-12T20", of="kc", stage="closed", cause="error", credit="7.50", by="agent"),  # after twenty hours
    event("complaint_update", "c3", "cid", "02-13T20", of="kc", stage="reopened"),
    event("complaint_update", "c4", "cid", "02-13T20", of="kx", stage="closed", credit="99.00", by="agent"),  # declined
]
END = datetime(2026, 2, 20, tzinfo=UTC)


def figures(**given: Any) -> cr.Feedback:
    return cr.feedback(PROGRAM, EVENTS, **given)


def test_scores_are_told_with_n_and_margin() -> None:
    nps = figures().total.score("nps")
    assert (nps.n, nps.promoters, nps.detractors, nps.value) == (2, 1, 1, Decimal(0))
    assert nps.margin == Decimal("138.59")  # 1.96 x sqrt((0.5 + 0.5 - 0) / 2) = 1.96 x 0.70711, in percent
    assert figures().total.score("ces").value is None


def test_asked_and_answered_are_counted_where_the_survey_asked() -> None:
    total = figures().total
    assert (total.asked, total.answered, total.response_rate) == (3, 2, Decimal("66.67"))


def test_complaints_are_told_by_what_they_were_about_and_what_became_of_them() -> None:
    found = figures().total.complaints
    assert (found.n, found.open, found.reopened, found.escalated) == (3, 2, 1, 0)
    assert dict(found.groups["category"]) == {"billing": 2, "service": 1}
    assert dict(found.groups["cause"]) == {"": 1, "error": 2}
    assert dict(found.groups["severity"]) == {"": 2, "high": 1}
    assert (found.credit, found.points) == (cr.Money("20.00", "CNY"), Decimal(100))


def test_time_that_passes_up_to_the_end_lets_clocks_run_out() -> None:
    until = figures(until=datetime(2026, 3, 1, tzinfo=UTC)).total.complaints
    clocks = {clock.name: clock for clock in until.clocks}
    # bob: acknowledged late and never resolved; cid: open again, neither; ann: both in time
    assert (clocks["acknowledge"].met, clocks["acknowledge"].missed, clocks["resolve"].met, clocks["resolve"].missed) == (1, 2, 1, 2)
    assert clocks["resolve"].in_time == Decimal("33.33")
    assert until.escalated == 2


def test_what_still_runs_is_neither_in_time_nor_late() -> None:
    clocks = {clock.name: clock for clock in figures(until=END).total.complaints.clocks}
    assert (clocks["resolve"].met, clocks["resolve"].running) == (1, 2)
    assert clocks["resolve"].in_time == 100


def test_the_time_to_resolve_is_a_median_in_hours() -> None:
    assert figures().total.complaints.hours_to_resolve == Decimal("10.0")  # cid's was opened again
    without = [one for one in EVENTS if one["id"] != "c3"]
    assert cr.feedback(PROGRAM, without).total.complaints.hours_to_resolve == Decimal("15.0")  # of ten and twenty


def test_periods_are_those_in_which_it_was_asked_answered_and_received() -> None:
    january, february = figures(per="month").periods
    assert (january.name, january.score("nps").value, january.complaints.n) == ("2026-01", Decimal(100), 1)
    assert (february.name, february.score("nps").value, february.complaints.n) == ("2026-02", Decimal(-100), 2)
    assert (february.asked, february.answered) == (2, 1)
    assert january.complaints.n + february.complaints.n == figures().total.complaints.n


def test_an_end_leaves_out_what_comes_after_it() -> None:
    found = figures(until=datetime(2026, 2, 1, tzinfo=UTC)).total
    assert (found.score("nps").n, found.complaints.n, found.asked) == (1, 1, 1)


def test_events_that_are_not_accepted_do_not_count() -> None:
    twice = [EVENTS[0], EVENTS[1], EVENTS[1], {**EVENTS[1], "id": "late", "occurred_at": "2026-01-01T00:00:00Z"}]
    assert cr.feedback(PROGRAM, twice).total.score("nps").n == 1


def test_a_program_without_policies_of_feedback_counts_what_its_events_say() -> None:
    bare = cr.Program(id="a", zone="Asia/Shanghai", currency="CNY", policies=[], measures={"open": {"open": "complaint"}})
    found = cr.feedback(bare, EVENTS).total
    assert (found.score("nps").n, found.asked, found.complaints.n, found.complaints.open) == (2, 0, 3, 2)
    assert (found.response_rate, found.complaints.hours_to_resolve, found.complaints.credit, found.complaints.clocks) == (None, None, None, ())


def test_nothing_at_all_is_undefined_in_words_and_data() -> None:
    empty = cr.feedback(PROGRAM, [])
    assert "None." in cr.render(empty)
    assert json.loads(empty.to_json())["total"]["scores"] == []


@pytest.mark.parametrize(("confidence", "margin"), [("90%", "11.52"), ("95%", "13.72"), ("99%", "18.03")])
def test_the_margin_follows_the_confidence(confidence: str, margin: str) -> None:
    answers = [Decimal(9)] * 30 + [Decimal(8)] * 50 + [Decimal(6)] * 20
    assert score_of("nps", answers, confidence).margin == Decimal(margin)  # 7 x 1.645, 1.96, 2.576


def test_csat_is_the_share_of_the_two_best_answers() -> None:
    found = score_of("csat", [Decimal(5)] * 50 + [Decimal(4)] * 24 + [Decimal(3)] * 20 + [Decimal(1)] * 13)
    assert (found.n, found.value, found.content) == (107, Decimal("69.16"), Decimal("69.16"))  # 74 / 107
    assert found.margin == Decimal("8.75")  # 1.96 x sqrt(0.6916 x 0.3084 / 107), in percent
    assert found.mean == Decimal("3.92")  # (250 + 96 + 60 + 13) / 107 = 3.9159


def test_any_other_score_is_a_mean_with_the_samples_own_spread() -> None:
    found = score_of("stars", map(Decimal, ("2", "4", "4.5")))
    assert (found.value, found.margin) == (Decimal("3.50"), Decimal("1.50"))  # s = sqrt((2.25 + 0.25 + 1) / 2) = 1.3229; 1.96 x 1.3229 / sqrt(3)
    assert score_of("stars", [Decimal(3)]).margin is None
    assert dict(found.counts) == {"2": 1, "4": 1, "4.5": 1}


def test_figures_are_told_in_both_languages() -> None:
    english, chinese = (cr.render(figures(per="month", until=END), lang) for lang in ("en", "zh"))
    assert "desk: what customers say (Asia/Shanghai)" in english
    assert "2026-01  nps" in english
    assert "billing   2" in english
    assert "3 asked, 2 of them answered (66.67 %)" in english
    assert "desk：客户反馈" in chinese
    assert "按时率 %" in chinese


def test_the_data_are_exact_text() -> None:
    data = json.loads(figures().to_json())
    assert data["total"]["complaints"]["credit"] == "20.00 CNY"
    assert data["total"]["response_rate"] == "66.67"
    assert {score["score"]: score["value"] for score in data["total"]["scores"]} == {"csat": "100.00", "nps": "0.00"}


def _alternating() -> Iterator[dict[str, Any]]:
    yield from (EVENTS[0], EVENTS[5], EVENTS[1])


@pytest.mark.parametrize(
    ("given", "error"),
    [({"per": "day"}, cr.AnalysisError), ({"confidence": "80%"}, cr.AnalysisError)],
)
def test_odd_arguments_are_refused(given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        figures(**given)


def test_a_customer_who_comes_back_later_is_refused() -> None:
    with pytest.raises(cr.EventError):
        cr.feedback(PROGRAM, _alternating())
