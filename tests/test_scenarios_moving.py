"""Scenarios of several customers and subjects: what they bring along, and signals that are delivered at once."""

from __future__ import annotations

import pytest

from custrules import Program, loads
from custrules.errors import ScenarioError
from custrules.testing.histories import history
from custrules.testing.recording import record
from custrules.testing.scenarios import run

PROGRAM = """
program: club
zone: Asia/Shanghai
currency: CNY
profile: {household: {type: text}, segment: {type: text, values: [staff, regular]}}
measures: {spend: {sum: spend, window: 12 months}, mean: {average: purchase.amount, window: 12 months}}
policies:
  - {id: tier, kind: tiers.ladder, levels: [{name: member}, {name: gold, enter: {spend: ">= 500"}}], downgrade: one_level}
  - {id: points, kind: points.account, expiry: 12 months}
  - {id: earn, kind: points.accrual, points_per_unit: 1}
  - {id: pay, kind: points.redemption, value: {points: 100, money: 1.00}}
  - {id: family, kind: points.transfer, send: {}, pool: {to: household}}
"""


@pytest.fixture(scope="module")
def club() -> Program:
    return loads(PROGRAM, source="club.yaml")


def missed(program: Program, *lines: str) -> list[tuple[str, str, str]]:
    (result,) = run("club.scenarios.yaml", text="\n".join(["scenarios:", "  - name: it", *(f"    {line}" for line in lines)]), program=program)
    return [(failure.path, failure.expected, failure.got) for failure in result.failures]


def faults(program: Program, *lines: str) -> list[tuple[str, int, int]]:
    with pytest.raises(ScenarioError) as caught:
        missed(program, *lines)
    return [(fault.code, fault.line, fault.column) for fault in caught.value.diagnostics]


STEP = "steps: [{when: {visit: {at: 2026-01-10}}}]"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("opening: {pionts: 5}", STEP), [("scenario.unknown_choice", 3, 15)]),
        (("opening: {points: -5}", STEP), [("event.wrong_type", 3, 15)]),
        (("opening: {tier: bronze}", STEP), [("event.unknown_level", 3, 15)]),
        (("opening: {mean: 5}", STEP), [("scenario.unknown_choice", 3, 15)]),
        (("opening: [points]", STEP), [("scenario.wrong_type", 3, 14)]),
        (("opening: {points: 1}", "customer: {opening: {points: 1}}", STEP), [("scenario.not_with", 3, 5)]),
        (("subjects: {home: {points: 1}}", "steps: [{when: {day_end: 2026-01-10}}]"), [("scenario.missing_field", 3, 22)]),
        (("subjects: {home: {kind: house}}", "steps: [{when: {day_end: 2026-01-10}}]"), [("scenario.unknown_choice", 3, 29)]),
        (
            ("customers: {home: {}}", "subjects: {home: {kind: household}}", "steps: [{when: {day_end: 2026-01-10}}]"),
            [("scenario.name_taken", 4, 16)],
        ),
        (
            ("customers: {ann: {opening: {at: 2026-01-01}}, ben: {}}", "steps: [{when: {day_end: 2026-01-10}}]"),
            [("scenario.not_with", 3, 33)],
        ),
        (("steps: [{when: {visit: {at: 2026-01-10}}, then: {absent: {}}}]",), [("scenario.wrong_type", 3, 62)]),
    ],
)
def test_a_fault_of_what_is_brought_has_its_place(lines: tuple[str, ...], expected: list[tuple[str, int, int]], club: Program) -> None:
    found = faults(club, *lines)
    assert [code for code, _, _ in found] == [code for code, _, _ in expected]
    assert {line for _, line, _ in found} == {line for _, line, _ in expected}


def test_an_opening_stands_before_the_first_event_with_what_is_known_of_the_customer(club: Program) -> None:
    lines = (
        "customer: {segment: staff, opening: {points: 5, points.owed: 2, spend: 450.00, tier: {level: member}}}",
        "given: [{purchase: {at: 2026-01-10, amount: 50.00}}]",
        "steps: [{when: {day_end: 2026-01-10}, then: {points: 53, measure.spend: 500.00, tier: gold}}]",
    )
    assert missed(club, *lines) == []


def test_signals_go_on_until_nothing_is_left(club: Program) -> None:
    """What ann sends ben on 10 January goes to his household on 11 January, before anybody asks on the 20th."""
    lines = (
        "customers: {ann: {opening: {points: 100}}, ben: {household: home}}",
        "subjects: {home: {kind: household}}",
        "steps:",
        "  - when: {transfer: {customer: ann, to: ben, points: 60, at: 2026-01-10}}",
        "    then: {ann: {points: 40}, ben: {points: 60}, home: {points: 0}}",
        "  - {when: {day_end: 2026-01-20}, then: {ben: {points: 0}, home: {points: 60, because: points.transfer.received}}}",
    )
    assert missed(club, *lines) == []


def test_a_signal_to_somebody_who_is_not_played_goes_nowhere(club: Program) -> None:
    lines = ("opening: {points: 100}", "steps: [{when: {transfer: {to: eve, points: 60, at: 2026-01-10}}, then: {points: 40}}]")
    assert missed(club, *lines) == []


CLOSED = (
    "customers: {ann: {opening: {points: 100}}, ben: {}}",
    "given: [{closure: {customer: ben, reason: asked, at: 2026-01-09}}]",
)


def test_a_signal_that_is_refused_fails_the_scenario(club: Program) -> None:
    step = "steps: [{when: {transfer: {customer: ann, to: ben, points: 60, at: 2026-01-10}}, then: {ann: {points: 40}}}]"
    assert missed(club, *CLOSED, step) == [("steps[0]", "a signal delivered to ben", "refused (event.closed)")]


def test_a_refused_signal_may_be_expected(club: Program) -> None:
    step = "steps: [{when: {transfer: {customer: ann, to: ben, points: 60, at: 2026-01-10}}, then: {ben: {refused: event.closed}}}]"
    assert missed(club, *CLOSED, step) == []


def test_a_quote_tells_nobody(club: Program) -> None:
    lines = (
        "customers: {ann: {opening: {points: 100}}, ben: {}}",
        "steps: [{when: {quote: {transfer: {customer: ann, to: ben, points: 60, at: 2026-01-10}}}, then: {ann: {points: 100}, ben: {points: 0}}}]",
    )
    assert missed(club, *lines) == []


def test_no_touchpoint_of_a_name_is_expected(club: Program) -> None:
    assert missed(club, "steps: [{when: {visit: {at: 2026-01-10}}, then: {absent: [marketing]}}]") == []
    matching = loads(PROGRAM.replace("measures:", "returns: {matching: {unmatched: to_person}}\nmeasures:"), source="club.yaml")
    step = "steps: [{when: {return: {amount: 5.00, at: 2026-01-10}}, then: {absent: return_unmatched}}]"
    assert missed(matching, step) == [("steps[0].then.absent", "none of return_unmatched", "return_unmatched")]


def test_who_brought_something_along_is_recorded_with_it(club: Program) -> None:
    lots = [{"quantity": 50, "day": "2025-06-01"}]
    told = history(club, "ann").on("2026-01-01").event("opening", balances={"points": {"lots": lots, "owed": 20}}, levels={"tier": "gold"})
    recorded = record(club, told.on("2026-01-05").purchase("10").event("closure", reason="asked").events, "ann's")
    assert recorded.differs == ()
    assert recorded.scenario["opening"]["at"] == "2026-01-01"
    assert [next(iter(step["when"])) for step in recorded.scenario["steps"]] == ["purchase", "closure"]
