"""What holds of spending and of holds, for every program and every history: each check walks one case and fails with an AssertionError."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import custrules as cr
from custrules.calendars import local_day
from custrules.policies.points import Redemption
from custrules.policies.points.levels import at_level
from custrules.policies.points.limits import Limit
from custrules.policy import Decision, Posting
from custrules.testing.walks import walked
from properties.histories import CUSTOMER, Case
from properties.invariants import follow, in_period

TAKING = ("purchase", "redemption", "hold")
BACK = {
    "points.redemption.returned": "order",
    "points.hold.released": "hold",
    "points.hold.run_out": "hold",
}


def closing(case: Case) -> cr.State:
    state = cr.State.new(CUSTOMER)
    for _, step in walked(case.program, case.events):
        state = step.state
    return state


def value(state: cr.State) -> dict[str, Any]:
    """What is held of each lot, what is owed, and what counts under limits."""
    accounts = state.ledger.to_data()["accounts"]
    used = {key: tally.to_data() for key, tally in state.activity.tallies.items() if key.startswith("used:")}
    return {"accounts": accounts, "used": used}


def held_and_let_go_is_nothing(case: Case, points: int) -> None:
    """A hold that is let go leaves every lot, debt and limit as it was."""
    state = closing(case)
    held = follow(case.program, state, type="hold", id="h", points=points) if state.as_of is not None else None
    if held is None or not held.accepted:
        return
    gone = follow(case.program, held.state, type="void", id="v", of="h")
    assert gone.accepted
    assert value(gone.state) == value(state)


def held_and_captured_is_redeemed(case: Case, points: int) -> None:
    """Held and captured takes the very points that a redemption takes, and is refused for the same reasons."""
    state = closing(case)
    if state.as_of is None:
        return
    redeemed = follow(case.program, state, type="redemption", id="h", points=points)
    held = follow(case.program, state, type="hold", id="h", points=points)
    if not held.accepted or not redeemed.accepted:
        unserved = {held.refusal.code if held.refusal else "", redeemed.refusal.code if redeemed.refusal else ""} == {"event.unserved"}
        assert unserved or codes(held) == codes(redeemed)
        return
    captured = follow(case.program, held.state, type="capture", id="x", of="h")
    assert value(captured.state) == value(redeemed.state)
    some = follow(case.program, state, type="redemption", id="h", points=max(points // 2, 1))
    if some.accepted:
        part = follow(case.program, held.state, type="capture", id="x", of="h", points=max(points // 2, 1))
        assert value(part.state) == value(some.state) or "points.redemption.clipped" in {*codes(held), *codes(some)}
    back = [follow(case.program, step.state, type="redemption_cancelled", id="b", of="h") for step in (captured, redeemed)]
    assert value(back[0].state) == value(back[1].state)


def codes(step: cr.Step) -> list[str]:
    return [why.code for decision in step.decisions for why in decision.reasons]


@dataclass
class Holds:
    """What stands in holds, kept from the journal alone."""

    standing: dict[str, Counter[str]] = field(default_factory=dict)  # what each set aside, by held account
    over: set[str] = field(default_factory=set)

    def take(self, step: cr.Step) -> None:
        for decision in step.decisions:
            for why in decision.reasons:
                if why.code.endswith(".hold.run_out"):
                    self._end(str(why.params["hold"]))
        event = step.event
        if isinstance(event, cr.Capture | cr.Void):
            assert event.of in self.standing, "a hold was resolved that does not stand"
            self._end(event.of)
        if isinstance(event, cr.Hold):
            aside: Counter[str] = Counter()
            for posting in postings(step, event.id):
                aside[posting.target] += posting.units if posting.target.endswith(".held") else 0
            self.standing[event.id] = aside

    def _end(self, hold: str) -> None:
        assert hold not in self.over, "a hold was resolved twice"
        self.over.add(hold)
        self.standing.pop(hold, None)


def postings(step: cr.Step, event_id: str) -> list[Posting]:
    return [effect for one in step.decisions if one.event_id == event_id for effect in one.effects if isinstance(effect, Posting)]


def a_hold_is_resolved_once(case: Case) -> None:
    """What the held bucket holds is what the holds that stand set aside, and none is captured, let go or run out twice."""
    holds = Holds()
    for _, step in walked(case.program, case.events):
        if step.accepted:
            holds.take(step)
        if step.state.as_of is None:
            continue
        held = Counter({name: account.total for name, account in step.state.ledger.accounts.items() if name.endswith(".held")})
        assert +held == +sum(holds.standing.values(), Counter[str]())
        ends = [step.state.orders[hold].until for hold in holds.standing]
        assert all(until is None or until > step.state.as_of for until in ends), "a hold stands past its instant"


@dataclass
class Spent:
    """What each redemption came to, less what went back: by its id, with its day."""

    days: dict[str, date] = field(default_factory=dict)
    units: Counter[str] = field(default_factory=Counter)

    def back(self, decision: Decision, scale: int) -> None:
        for why in decision.reasons:
            if why.code in BACK and decision.outcome == "APPLIED":
                self.units[str(why.params[BACK[why.code]])] -= int(why.params["points"] * 10**scale)

    def used(self, limit: Limit, day: date, now: str) -> int:
        """What counts under a limit as of a day."""
        ids = [one for one, other in self.days.items() if self.units[one] and _counts(str(limit.per), day, other, one == now)]
        return len(ids) if limit.measure == "times" else sum(self.units[one] for one in ids)


def _counts(period: str, day: date, other: date, same: bool) -> bool:
    return same if period == "event" else True if period == "lifetime" else in_period(period, day, other)


def spending_never_exceeds_its_limits(case: Case) -> None:
    """Events in order: after each redemption, what its limits' periods hold, less what was given back, is within the limits."""
    spent, scale = Spent(), case.program.rulebook.accounts["points"][1]
    for before, step in walked(case.program, case.events):
        if not step.accepted or step.event is None:
            continue
        for decision in step.decisions:
            spent.back(decision, scale)
        if step.event.type in TAKING:
            _within(case.program, before, step, spent, scale)


def _within(program: cr.Program, before: cr.State, step: cr.Step, spent: Spent, scale: int) -> None:
    assert step.event is not None
    day = local_day(step.event.occurred_at, program.zone)
    units = sum(posting.units for posting in postings(step, step.event.id) if posting.target in ("world.spent", "points.held"))
    policy = program.rulebook.in_force("pay", day)
    if not units or not isinstance(policy, Redemption):
        return
    spent.days[step.event.id], spent.units[step.event.id] = day, units
    level = settled_level(program, before, step.event)
    for limit in policy.limits:
        if limit.measure in ("at_most", "times"):
            most = at_level(limit.most, level, program.rulebook.levels) * (10**scale if limit.measure == "at_most" else 1)
            assert spent.used(limit, day, step.event.id) <= most, f"more than {limit.most} per {limit.per}"


def settled_level(program: cr.Program, before: cr.State, event: Any) -> str | None:
    """The level held as the event comes."""
    state = program.advance(before, event.occurred_at).state if before.as_of is not None else before
    held = state.tier() if state.as_of is not None else None
    if held is None and ("tier", "") not in state.statuses:
        ladder: Any = program.rulebook.in_force("tier", local_day(event.occurred_at, program.zone))
        return str(ladder.names[0]) if ladder is not None else None
    return held.name if held is not None else None
