"""Generated programs with complaints and surveys: clocks, ladders, cadences and rests; and histories of those who complain and are asked."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from custrules.testing import program_strategies
from custrules.testing.moves import kinds_for
from custrules.testing.strategies import histories
from properties.histories import CUSTOMER, Case

Data = dict[str, Any]

CLOCKS: tuple[list[Data], ...] = (
    [{"name": "acknowledge", "within": "24 hours"}, {"name": "resolve", "within": "5 days", "extended": "9 days"}],
    [{"name": "resolve", "within": "2 days", "when": {"severity": "high"}}, {"name": "resolve", "within": "1 month"}],
    [{"name": "answer", "within": "90 minutes", "until": "acknowledged"}, {"name": "answer", "within": "3 days", "effective_from": "2012-02-01"}],
)
LADDERS: tuple[list[Data], ...] = (
    [{"at": "50%", "tell": "lead"}, {"at": "100%", "tell": "boss"}],
    [{"at": "0%", "tell": "desk"}, {"at": "150%", "tell": "boss"}],
)
CLOSINGS: tuple[Any, ...] = ("at_will", "with_agreement", {"needs": "with_agreement", "after": "7 days"}, "3 days")
OCCASIONS: tuple[list[Data], ...] = (
    [{"purchase": "1 day"}, {"visit": "0 days"}],
    [{"every": "month"}],
    [{"closed": "complaint", "by": "2 days"}, {"every": "10 days"}],
    [{"every": "half_year"}, {"check_in": "3 days"}],
)


@st.composite
def complaints(draw: st.DrawFn) -> Data:
    parts: Data = {
        "clocks": draw(st.sampled_from(CLOCKS)),
        "ladder": draw(st.sampled_from(LADDERS)),
        "reopen": draw(st.sampled_from(("5 days", "2 months"))),
        "close": draw(st.sampled_from(CLOSINGS)),
        "compensation": {"credit": [{"up_to": "50", "by": "agent"}, {"by": "manager"}]},
        "route": {"hit": "FIRST", "inputs": ["category", "tier"], "outputs": ["owner"], "rows": [["billing", "-", "finance"], ["-", "-", "agent"]]},
    }
    chosen = {"clocks"} | draw(st.sets(st.sampled_from(sorted(parts)), max_size=4))
    return {"id": "desk", "kind": "feedback.complaints"} | {name: part for name, part in parts.items() if name in chosen}


@st.composite
def surveys(draw: st.DrawFn) -> Data:
    parts: Data = {
        "rest": draw(st.sampled_from(("5 days", "1 month"))),
        "resting": "wait",
        "valid": "3 days",
        "when": {"orders": ">= 1"},
        "low": {"when": "<= 2", "task": {"channel": "phone", "within": "24 hours"}},
    }
    chosen = draw(st.sets(st.sampled_from(sorted(parts)), max_size=3))
    fixed: Data = {
        "id": "survey",
        "kind": "feedback.survey",
        "score": draw(st.sampled_from(("csat", "nps"))),
        "after": draw(st.sampled_from(OCCASIONS)),
    }
    return fixed | {name: part for name, part in parts.items() if name in chosen}


@st.composite
def feedback_policies(draw: st.DrawFn) -> list[Data]:
    """A policy of complaints, which a later version may change or retire, and at times a survey, before it or behind."""
    desk = draw(complaints())
    changed: Data = draw(st.sampled_from(({}, {}, {"retired": True}, {"close": "at_will", "ladder": LADDERS[0], "clocks": CLOCKS[0]})))
    rows = [desk, *([{**desk, **changed, "effective_from": "2012-02-20"}] if changed else [])]
    return draw(st.sampled_from(([draw(surveys()), *rows], [*rows, draw(surveys())], rows)))


KINDS = ("complaint",) * 2 + ("complaint_update",) * 4 + ("visit", "purchase", "survey_response", "contact", "activity", "merge")


@st.composite
def documents(draw: st.DrawFn) -> Data:
    """A program whose levels and points look at complaints, too."""
    calm = {"name": "noticed", "enter": {"open": ">= 1", "orders": ">= 1"}}
    return {
        "program": "feedback",
        "zone": draw(st.sampled_from(("Asia/Shanghai", "Europe/London", "America/Sao_Paulo"))),
        "currency": "CNY",
        "late": draw(st.sampled_from(("3 days", "0 days"))),
        "returns": {"window": draw(st.sampled_from(("366 days", "5 days")))},
        "activities": {"check_in": {"steps": "number"}},
        "measures": {
            "orders": {"count": "purchase", "window": "30 days"},
            "open": {"open": "complaint"},
            "grave": {"open": "complaint", "where": {"severity": "high"}},
        },
        "policies": [
            {"id": "levels", "kind": "tiers.ladder", "levels": [{"name": "member"}, calm], "term": "10 days", "downgrade": "one_level"},
            {"id": "points", "kind": "points.account", "expiry": "never"},
            {"id": "sorry", "kind": "points.accrual", "event": "visit", "points": 1, "when": {"complaint": "open", "grave": ">= 0"}},
            *draw(feedback_policies()),
        ],
    }


@st.composite
def feedback_cases(draw: st.DrawFn, late: bool = False, most: int = 12) -> Case:
    """Such a program, and a history of one customer."""
    document = draw(documents())
    program = program_strategies.made(document)
    kinds = [kind for kind in KINDS if kind in kinds_for(program)]
    return Case(document, draw(histories(program, customer_id=CUSTOMER, kinds=kinds, late=late, min_size=2, max_size=most)), program)
