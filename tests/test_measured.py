"""Measures that a policy needs for itself."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

import custrules as cr
from custrules.events import AnyEvent
from custrules.measures import Measure
from custrules.policy import Decision, Phase, Policy, View, reason


class Counting(Policy):
    """Tells how many visits there were in 30 days."""

    kind: ClassVar[str] = "test.counting"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("visit",)
    of: str = "visit"

    def measured(self) -> Mapping[str, Measure]:
        return {"visits": Measure.model_validate({"count": self.of, "window": "30 days"})}

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        return self.applied(event, [reason("test.counted", visits=view.value(f"{self.id}.visits"))])


def program(**fields: str) -> cr.Program:
    policy = {"kind": "test.counting", "id": "seen", **fields}
    return cr.Program(id="p", zone="UTC", currency="EUR", policies=[policy], kinds={"test.counting": Counting})


def test_a_policy_reads_a_measure_of_its_own() -> None:
    counting, state = program(), cr.State.new("c")
    told = []
    for number, day in enumerate(("2026-01-01", "2026-01-30", "2026-02-10")):
        event = counting.event({"type": "visit", "id": f"v{number}", "customer_id": "c", "occurred_at": f"{day}T10:00:00Z"})
        step = counting.step(state, event)
        state = step.state
        told.append(step.decisions[0].reasons[0].params["visits"])
    assert told == [1, 2, 2]  # 10 February looks back to 12 January


def test_conditions_do_not_read_it() -> None:
    with pytest.raises(cr.DocumentError, match="unknown_fact"):
        cr.Program(
            id="p",
            zone="UTC",
            currency="EUR",
            policies=[
                {"kind": "test.counting", "id": "seen"},
                {"kind": "points.account", "id": "points", "expiry": "never"},
                {"kind": "points.accrual", "id": "earn", "points": 1, "when": {"seen.visits": ">= 1"}},
            ],
            kinds={"test.counting": Counting},
        )


def test_a_fault_in_it_is_told_at_the_policy() -> None:
    with pytest.raises(cr.DocumentError) as raised:
        program(of="nothing_known")
    assert [fault.path for fault in raised.value.diagnostics] == ["policies[0]"]
