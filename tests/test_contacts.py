"""What becomes of touchpoints when hosts tell of contacts, and how contacts are counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

import pytest

import custrules as cr
from custrules.events import AnyEvent
from custrules.moment import Moment
from custrules.policy import reason
from custrules.state_parts import TouchpointAsked
from custrules.testing import history
from custrules.testing.histories import History


class Caller(cr.Policy):
    """Asks for a call on every visit, once a month, to be made within seven days."""

    kind: ClassVar[str] = "test.caller"
    phase: ClassVar = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("visit",)

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        cycle = f"{view.day:%Y-%m}"
        asked = view.state.touchpoints.get(f"{self.id}:{cycle}")
        if asked is not None and asked.takes_cycle:
            return None
        last = date(view.day.year, view.day.month, 7)
        return self.applied(event, [reason("test.call", cycle=cycle)], [cr.Touchpoint("call", cycle, view.day, last, "daily", "phone", "task")])


def program(measures: Mapping[str, Any] | None = None) -> cr.Program:
    data = {"program": "a", "zone": "Asia/Shanghai", "currency": "CNY", "measures": dict(measures or {})}
    calls = [{"id": "calls", "kind": "test.caller"}, {"id": "others", "kind": "test.caller"}]
    return cr.loads(json.dumps(data | {"policies": calls}), kinds={"test.caller": Caller})


def asked(customer: History, key: str = "calls:2026-03") -> TouchpointAsked:
    return customer.state.touchpoints[key]


def visited() -> History:
    return history(program()).on("2026-03-02").visit()


def test_a_touchpoint_reads_asked_until_its_last_day_has_passed_and_expired_then() -> None:
    call = asked(visited())
    assert [call.reads(date(2026, 3, day)) for day in (2, 7, 8)] == ["asked", "asked", "expired"]
    assert [call.counts(date(2026, 3, day)) for day in (1, 2, 7, 8)] == [False, True, True, False]


def test_a_contact_that_names_trigger_and_cycle_answers_that_touchpoint_alone() -> None:
    customer = visited().later("1 day").contact("calls", cycle="2026-03", outcome="done")
    assert (asked(customer).outcome, asked(customer, "others:2026-03").outcome) == ("done", "asked")
    assert asked(customer).reads(date(2027, 1, 1)) == "done"
    assert asked(customer).counts(date(2027, 1, 1))


def test_a_contact_without_a_cycle_answers_the_first_that_waits() -> None:
    customer = visited().on("2026-04-01").visit().contact("calls")  # the call of March has expired by then
    assert (asked(customer).outcome, asked(customer, "calls:2026-04").outcome) == ("asked", "sent")


def test_what_was_not_sent_does_not_count_and_may_be_asked_again() -> None:
    customer = visited().contact("calls", outcome="not_sent", reason="no number")
    assert not asked(customer).counts(date(2026, 3, 3))
    again = customer.later("1 day").visit()
    assert (asked(again).outcome, asked(again).day) == ("asked", date(2026, 3, 3))
    assert len([decision for decision in again.steps[-1].decisions if decision.policy_id == "calls"]) == 1
    assert not [decision for decision in again.steps[-1].decisions if decision.policy_id == "others"]  # its cycle is taken


def test_a_cycle_that_is_taken_cannot_be_asked_again_even_by_mistake() -> None:
    class Careless(Caller):
        def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
            return self.applied(event, [reason("test.call")], [cr.Touchpoint("call", "always", view.day)])

    careless = cr.loads(
        '{"policies": [{"id": "calls", "kind": "test.caller"}], "program": "a", "zone": "UTC", "currency": "CNY"}', kinds={"test.caller": Careless}
    )
    state = history(careless).on("2026-03-02").visit().state
    with pytest.raises(cr.ContractError, match="asked twice in the cycle"):
        history(careless, events=[]).on("2026-03-02").visit().visit()
    assert state.touchpoints["calls:always"].outcome == "asked"


@pytest.mark.parametrize("fields", [{}, {"trigger": "newsletter"}, {"trigger": "calls", "cycle": "2026-02"}])
def test_a_contact_of_the_hosts_own_accord_answers_nothing(fields: dict[str, Any]) -> None:
    customer = visited().contact(**fields)
    assert [one.outcome for one in customer.state.touchpoints.values()] == ["asked", "asked"]


def test_contacts_are_counted_but_not_those_that_were_not_made() -> None:
    measures = {
        "calls_30d": {"count": "contact", "window": "30 days", "where": {"channel": "phone"}},
        "daily": {"count": "contact", "window": "30 days", "where": {"category": "daily", "trigger": "calls"}},
        "silence": {"since": "contact"},
    }
    of = program(measures)
    customer = history(of).on("2026-03-01").contact("calls", channel="phone", category="daily").on("2026-03-03").contact(channel="sms")
    customer = customer.on("2026-03-05").contact("calls", outcome="not_sent", channel="phone").on("2026-03-10").visit()
    table = {name: _value(of, customer, name) for name in measures}
    assert table == {"calls_30d": 1, "daily": 1, "silence": 7}  # 3 to 10 March


def _value(of: cr.Program, customer: History, name: str) -> object:
    assert customer.state.day is not None
    return Moment(of.rulebook, customer.state, customer.state.day).value(name)


def test_touchpoints_with_their_outcomes_are_read_back_from_json() -> None:
    state = visited().contact("calls").state
    assert cr.State.from_json(state.to_json()).touchpoints["calls:2026-03"].outcome == "sent"


def test_contacts_of_a_restated_history_stay_and_what_was_not_sent_may_be_asked_again() -> None:
    of = program()
    customer = history(of).on("2026-03-02").visit().contact("calls", outcome="not_sent", id="k1").on("2026-03-04").visit()
    late = of.event({"type": "visit", "id": "late", "customer_id": "c-1", "occurred_at": "2026-03-03T10:00:00Z"})
    restated = of.restate(cr.State.new("c-1"), list(customer.events), late)
    assert restated.state is not None
    assert restated.state.touchpoints["calls:2026-03"].outcome == "asked"
