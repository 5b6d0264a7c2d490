"""What a policy must not answer: each breach is a ContractError that names policy and event, and leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from kernel_toys import CUSTOMER, EARN, LADDER, POINTS, at, declines, lived, program, says, stepped, toy

import custrules as cr
from custrules.events import AnyEvent
from custrules.ledger import EXPIRED, ISSUED, SPENT, Lot, LotPart
from custrules.policy import Posting

TODAY = date(2026, 3, 1)
LOT = Lot("v-1/bad/0", "points", "v-1", TODAY, TODAY, None, 10)
BROKEN = Callable[[cr.Policy, AnyEvent, cr.View], Any]


class _Other:
    """Not one of ours: a fifth effect."""


def breach(decide: BROKEN, **fields: Any) -> cr.ContractError:
    """What the step says of a policy that answers a visit so."""
    rules = program(POINTS, EARN, LADDER, toy("bad", decide, hears=("visit",), **fields))
    state = lived(rules, ("purchase", "2026-03-01", "p-1", {"amount": "5"}))
    before = state.to_json()
    with pytest.raises(cr.ContractError) as caught:
        stepped(rules, state, "visit", "2026-03-01T13:00", "v-1")
    assert state.to_json() == before
    assert (caught.value.policy_id, caught.value.event_id) == ("bad", "v-1")
    return caught.value


def posts(source: str, target: str, units: int, *parts: LotPart, unit: str = "points") -> BROKEN:
    return lambda policy, event, view: says(policy, event, Posting(source, target, unit, 0, units, parts))


def test_a_breach_names_policy_event_and_rule() -> None:
    error = breach(lambda policy, event, view: "yes")
    assert (error.policy_id, error.event_id, error.rule) == ("bad", "v-1", "answered with str, not with a Decision or None")


@pytest.mark.parametrize(
    "changed", [{"policy_id": "earn"}, {"event_id": "p-1"}, {"effective_from": date(2026, 1, 1)}], ids=["policy", "event", "version"]
)
def test_a_policy_signs_as_itself(changed: dict[str, Any]) -> None:
    error = breach(lambda policy, event, view: replace(says(policy, event), **changed))
    assert "signed its decision as another" in error.rule


def test_who_declines_moves_nothing() -> None:
    status = cr.Status("flag", "x", TODAY)
    error = breach(lambda policy, event, view: replace(declines(policy, event), effects=(status,)), writes=("flag",))
    assert "declined and moved something" in error.rule


def test_what_a_policy_raises_is_told_with_its_type() -> None:
    error = breach(lambda policy, event, view: 1 // 0)
    assert error.rule == "raised ZeroDivisionError: integer division or modulo by zero"
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_an_effect_is_one_of_the_four() -> None:
    error = breach(lambda policy, event, view: says(policy, event, cr.Status("flag", "x", TODAY), _Other()), writes=("flag",))
    assert error.rule == "_Other is none of the four effects"


def test_a_status_is_written_by_those_who_name_it() -> None:
    assert "'tier'" in breach(lambda policy, event, view: says(policy, event, cr.Status("tier", "silver", TODAY))).rule


def test_a_cycle_is_asked_once() -> None:
    asks = [cr.Touchpoint("hello", "2026", TODAY), cr.Touchpoint("hello again", "2026", TODAY)]
    assert breach(lambda policy, event, view: says(policy, event, *asks)).rule == "asked twice in the cycle '2026'"


# -- postings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("posting", "rule"),
    [
        (posts(ISSUED, "points", 10, LotPart(LOT, 9)), "the lots sum to 9, the posting moves 10"),
        (posts(ISSUED, "points", 10), "the lots sum to 0, the posting moves 10"),
        (posts(ISSUED, "miles", 10, LotPart(LOT, 10)), "there is no account miles"),
        (posts("points", SPENT, 10, LotPart(LOT, 10)), "lot v-1/bad/0 has 0 left, 10 were taken"),
        (posts(ISSUED, "points", 10, LotPart(LOT._replace(unit="miles"), 10)), "one posting, one unit, not miles, points"),
        (posts(ISSUED, "points", 0), "a posting moves more than nothing, not 0"),
        (posts("points", ISSUED, -5, LotPart(LOT, -5)), "a posting moves more than nothing, not -5"),
        (posts(ISSUED, "points", 10, LotPart(LOT, 12), LotPart(LOT, -2)), "a posting names a lot without taking any of it"),
        (posts(ISSUED, "points.owed", 3, LotPart(LOT, 3)), "points.owed would be settled by more than is owed"),
    ],
)
def test_a_move_that_cannot_be_made_is_told(posting: BROKEN, rule: str) -> None:
    assert breach(posting).rule == rule


def test_what_is_spent_is_usable() -> None:
    """A lot whose day has not come is there, but not to be spent; that it lapses or is taken back is another matter."""
    coming = LOT._replace(usable_from=TODAY + timedelta(10))

    def decide(policy: cr.Policy, event: AnyEvent, view: cr.View) -> cr.Decision:
        grant = Posting(ISSUED, "points", "points", 0, 10, (LotPart(coming, 10),))
        return says(policy, event, grant, Posting("points", SPENT, "points", 0, 10, (LotPart(coming, 10),)))

    assert breach(decide).rule == "lot v-1/bad/0 is not usable on 2026-03-01"


def test_what_lapses_need_not_be_usable() -> None:
    past = LOT._replace(last_day=TODAY - timedelta(1))
    effects = [Posting(ISSUED, "points", "points", 0, 10, (LotPart(past, 10),)), Posting("points", EXPIRED, "points", 0, 10, (LotPart(past, 10),))]
    rules = program(POINTS, toy("good", lambda policy, event, view: says(policy, event, *effects), hears=("visit",)))
    assert stepped(rules, cr.State.new(CUSTOMER), "visit", "2026-03-01", "v-1").accepted


# -- dues --------------------------------------------------------------------------------------------------------------


def overdue(due: Callable[[cr.View], Any]) -> cr.ContractError:
    rules = program(toy("bad", due=due))
    state = lived(rules, ("visit", "2026-03-01", "v-1", {}))
    with pytest.raises(cr.ContractError) as caught:
        rules.advance(state, at("2026-03-02"))
    return caught.value


def test_an_instant_that_is_due_is_aware() -> None:
    assert overdue(lambda view: datetime(2026, 3, 1, 13)).rule == "named a due without a time zone"  # noqa: DTZ001 - naive on purpose


def test_a_due_is_a_day_or_an_instant() -> None:
    assert overdue(lambda view: "2026-03-02").rule == "named str as its due, not a day or an instant"


def test_what_a_due_raises_is_told() -> None:
    assert overdue(lambda view: int("never")).rule.startswith("raised ValueError")


def test_instants_that_never_end_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custrules.settling.MAX_INSTANTS", 50)
    error = overdue(lambda view: view.instant)
    assert (error.policy_id, error.rule) == ("bad", "was due at more than 50 instants in one step")
