"""A policy as a stranger writes it who knows the public names alone; type checkers read this file, with and without pydantic's plug-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal, assert_type

import custrules as cr
from custrules.testing import BrokenContract, check_policy, history


class Streak(cr.Policy):
    """Thanks whoever spent enough and came back, in every way that there is."""

    kind: ClassVar[str] = "stranger.streak"
    phase: ClassVar[Literal["pay", "earn", "rank", "lapse", "care"]] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("visit", "new_day", "purchase")

    base: cr.Fact[cr.Money]
    visits: cr.Fact[int]
    rate: cr.Fact[Decimal]
    when: cr.Condition | None = None
    points: int = 10
    window: cr.Window | None = None
    thanks: tuple[str, ...] = ()

    def writes(self) -> tuple[str, ...]:
        return ("streak",)

    def decide(self, event: cr.Event, view: cr.View, /) -> cr.Decision | None:
        if isinstance(event, cr.NewDay):
            return self._forget(event, view)
        if self.when is not None and not view.test(self.when):
            return self.declined(event, [cr.Reason("stranger.streak.not_yet", {"visits": view.fact(self.visits)})])
        spent = view.fact(self.base)
        assert_type(spent, cr.Money | None)
        assert_type(view.fact(self.visits), int | None)
        assert_type(view.fact(self.rate), Decimal | None)
        if spent is None or spent < cr.Money("10", view.currency):
            return None
        return self.applied(event, [cr.Reason("stranger.streak.thanked", {"spent": spent})], self._effects(view))

    def _effects(self, view: cr.View) -> Iterator[cr.Posting | cr.Status | cr.Touchpoint | cr.Signal]:
        view.ledger.credit("points", self.points, last_day=view.day + timedelta(days=30))
        taken = view.ledger.debit("points", 1, to="world.spent")
        assert_type(taken.missing, int)
        yield from view.postings("points")
        yield cr.Status("streak", "on", view.day, view.day + timedelta(days=7), data={"spent": self.points})
        yield cr.Touchpoint("thanks", str(view.day.year), view.day, channel="sms")
        yield cr.Signal("friend", "thanked", {"by": view.state.customer_id})

    def _forget(self, event: cr.NewDay, view: cr.View) -> cr.Decision | None:
        known = view.state.statuses.get(("streak", ""))
        if known is None or known.value is None or known.until is None or known.until >= view.day:
            return None
        return self.applied(event, [cr.Reason("stranger.streak.over")], [cr.Status("streak", None, view.day)])

    def due(self, view: cr.View, /) -> date | datetime | None:
        known = view.state.statuses.get(("streak", ""))
        return known.until + timedelta(days=1) if known is not None and known.until is not None else None


def program_of(text: str) -> cr.Program:
    try:
        return cr.loads(text, source="stranger.yaml", kinds={"stranger.streak": Streak})
    except cr.DocumentError as error:
        for diagnostic in error.diagnostics:
            assert_type(diagnostic, cr.Diagnostic)
            assert_type(diagnostic.line, int)
        raise


def lived(program: cr.Program, now: datetime) -> cr.State:
    state = cr.State.new("c-1")
    event = program.event({"type": "visit", "id": "v-1", "customer_id": state.customer_id, "occurred_at": now})
    step = program.step(state, event)
    assert_type(step, cr.Step)
    assert_type(step.decisions, tuple[cr.Decision, ...])
    for effect in step.effects:
        if isinstance(effect, cr.Posting):
            assert_type(effect.quantity, cr.Money | int | Decimal)
    text: str = cr.render(step, "zh") + cr.render(program.explain(state, event)) + cr.render(program.progress(step.state))
    wire: bytes = step.state.to_json() + text.encode()
    assert wire
    due = program.next_due(step.state)
    assert_type(due, datetime | None)
    level = step.state.tier()
    assert level is None or assert_type(level.until, date | None) is None
    for customer, event_id, decisions in cr.replay(program, [event]):
        assert_type((customer, event_id, decisions), tuple[str, str, tuple[cr.Decision, ...]])
    return cr.State.from_json(program.advance(step.state, to=now + timedelta(days=1)).state.to_json())


def tested(program: cr.Program, policy: Streak) -> frozenset[str]:
    past = history(program, "c-1").on("2026-01-10").purchase("900").later("1 day").visit(verdict=None).day_end("2026-02-01")
    assert_type(past.state, cr.State)
    try:
        return check_policy(policy, program=program, examples=10, skip=["sentences"])
    except BrokenContract as error:
        print(error.clause, error.history)
        raise


def built() -> Streak:
    return Streak.read({"id": "streak", "base": "spend", "visits": "visits", "rate": "rate", "points": 3})
