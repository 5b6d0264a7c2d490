"""Histories written in Python: ``history(program, "c-1").on("2026-01-10").purchase("900").day_end("2026-02-01")``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from pydantic_core import PydanticCustomError

from custrules.calendars import Length, end_of_day, local_day
from custrules.errors import CustrulesError
from custrules.events import AnyEvent
from custrules.fields import instant_text, read_day, read_instant
from custrules.kernel import Verdict
from custrules.messages import render
from custrules.money import Money
from custrules.policy import Decision
from custrules.program import Program
from custrules.state import State
from custrules.steps import Step

NOON = time(12)
Amount = str | int | Decimal | Money
When = str | date | datetime


class UnexpectedVerdict(CustrulesError, AssertionError):
    """An event of a history was not taken as the history says; ``step`` is what became of it."""

    step: Step

    def __init__(self, step: Step, expected: str, told: str) -> None:
        self.step = step
        super().__init__(f"expected {expected}\n{told}")


@dataclass(frozen=True, slots=True)
class History:
    """What has happened to one customer so far, each event stepped as it is written. Immutable: every call gives a longer one.

    Read ``state``, ``events`` (as they were stamped, the accepted ones), ``steps``, ``last`` and ``decisions`` at any point. ``on``
    says when the next events happen. Each event has to be accepted; where another verdict is meant, say it:
    ``.redemption(500, verdict="refused")``. ``verdict=None`` takes any.
    """

    program: Program
    state: State
    at: datetime | None = None
    steps: tuple[Step, ...] = ()

    # -- what has become of it -------------------------------------------------------------------------------------

    @property
    def last(self) -> Step:
        """The last step, of an event or of time that passed. LookupError before the first."""
        if not self.steps:
            raise LookupError("nothing has happened in this history yet")
        return self.steps[-1]

    @property
    def events(self) -> tuple[AnyEvent, ...]:
        """The accepted events as a host would store them."""
        return tuple(step.event for step in self.steps if step.accepted and step.event is not None)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every decision of accepted events and of time that passed."""
        return tuple(decision for step in self.steps if step.accepted for decision in step.decisions)

    @property
    def codes(self) -> tuple[str, ...]:
        """The reason codes of the last step, of its refusal where it was refused by no policy."""
        told = [code for decision in self.last.decisions for code in decision.codes]
        refusal = self.last.refusal
        return tuple(told or ([refusal.code] if refusal is not None else []))

    def __str__(self) -> str:
        return "\n".join(render(step) for step in self.steps) or f"nothing has happened to {self.state.customer_id} yet"

    # -- when ------------------------------------------------------------------------------------------------------

    def on(self, when: When) -> History:
        """The next events happen then: a day ("2026-01-10") means noon of that local day, a time without an offset is local."""
        return replace(self, at=self._instant(when))

    def later(self, by: str | timedelta) -> History:
        """The next events happen so much later: "3 days", "1 month" (at the same local time), or a timedelta."""
        if isinstance(by, timedelta):
            return replace(self, at=self._now + by)
        local = self._now.astimezone(self.program.zone)
        try:
            day = Length.parse(by).after(local.date())
        except PydanticCustomError:
            raise ValueError(f"{by!r} is no length: write 3 days, 2 weeks, 1 month, or give a timedelta") from None
        return replace(self, at=datetime.combine(day, local.time(), self.program.zone).astimezone(UTC))

    def day_end(self, day: str | date | None = None) -> History:
        """Time passes up to the last instant of a local day; without one, of the day on which the history stands."""
        chosen = local_day(self._now, self.program.zone) if day is None else self._day(day)
        return self.advance(end_of_day(chosen, self.program.zone))

    def advance(self, to: When) -> History:
        """Time passes up to then."""
        at = self._instant(to)
        step = self.program.advance(self.state, to=at)
        return replace(self, at=at, state=step.state, steps=(*self.steps, step))

    @property
    def _now(self) -> datetime:
        if self.at is None:
            raise ValueError('a history begins with .on("2026-01-10"): nothing says when this happens')
        return self.at

    def _day(self, value: str | date) -> date:
        try:
            return read_day(value)
        except PydanticCustomError:
            raise ValueError(f"{value!r} is no day: write 2026-01-31") from None

    def _instant(self, value: When) -> datetime:
        if isinstance(value, str) and "T" not in value and " " not in value:
            value = self._day(value)
        try:
            found = datetime.fromisoformat(value) if isinstance(value, str) else value
            if not isinstance(found, datetime):
                found = datetime.combine(read_day(found), NOON)
            return read_instant(found if found.tzinfo is not None else found.replace(tzinfo=self.program.zone))
        except (PydanticCustomError, ValueError, OverflowError):
            raise ValueError(f"{value!r} is neither a day such as 2026-01-31 nor a time such as 2026-01-31T10:00") from None

    # -- what happens ----------------------------------------------------------------------------------------------

    def event(self, type: str, *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """An event of any type, or a declared activity by its name (its fields are attributes then).

        Fields are as ``program.event`` reads them; ``id`` is ``purchase-1``, ``purchase-2`` … where none is given. EventError for
        one that cannot be read, UnexpectedVerdict where another verdict came.
        """
        head = {"id": self._free_id(type), "customer_id": self.state.customer_id, "occurred_at": self._now}
        event = self.program.event(head | self._data(type, fields))
        step = self.program.step(self.state, event)
        if verdict is not None and step.verdict != verdict:
            raise UnexpectedVerdict(step, f"{event.id} ({instant_text(event.occurred_at)}) to be {verdict}, it is {step.verdict}", self._story(step))
        return replace(self, state=step.state, steps=(*self.steps, step))

    def _free_id(self, type: str) -> str:
        taken = {step.event.id for step in self.steps if step.event is not None}
        return next(made for number in count(1) if (made := f"{type}-{number}") not in taken)

    def _data(self, type: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        if type not in self.program.rulebook.parts.declared.activities:
            return {"type": type, **fields}
        own = {name: fields[name] for name in ("id", "quantity", "channel") if name in fields}
        attributes = {name: value for name, value in fields.items() if name not in own}
        return {"type": "activity", "name": type, **own, "attributes": attributes}

    def _story(self, step: Step) -> str:
        """What became of the event, behind the last of what happened before."""
        return "\n".join(render(told) for told in (*self.steps[-3:], step))

    def purchase(self, amount: Amount | None = None, *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """An order, by its amount or by ``lines=[...]``; ``tenders={"points": {...}, "cash": "5"}`` says how it was paid."""
        given = {} if amount is None else {"amount": amount}
        return self.event("purchase", verdict=verdict, **given, **fields)

    def return_(self, of: str | None = "", *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """Goods come back: of the last purchase, of the one named ``of``, or, with None, of none that is named."""
        order = self._last("purchase") if of == "" else of
        return self.event("return", verdict=verdict, **({"of": order} if order is not None else {}), **fields)

    def redemption(self, points: int | str | Decimal | None = None, *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """Points are spent outside an order: so many, or what ``reward="mug"`` costs."""
        given = {} if points is None else {"points": points}
        return self.event("redemption", verdict=verdict, **given, **fields)

    def hold(self, points: int | str | Decimal, *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """Points are set aside."""
        return self.event("hold", verdict=verdict, points=points, **fields)

    def capture(self, points: int | str | Decimal | None = None, of: str = "", *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """So many points of a hold are taken, or all: of the last one, or of the one named."""
        given = {} if points is None else {"points": points}
        return self.event("capture", verdict=verdict, of=of or self._last("hold"), **given, **fields)

    def void(self, of: str = "", *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """A hold is let go: the last, or the one named."""
        return self.event("void", verdict=verdict, of=of or self._last("hold"), **fields)

    def redemption_cancelled(self, of: str = "", *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """A redemption is undone: the last, or the one named."""
        return self.event("redemption_cancelled", verdict=verdict, of=of or self._last("redemption"), **fields)

    def adjustment(self, quantity: int | str | Decimal, account: str = "points", *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """A correction by hand."""
        return self.event("adjustment", verdict=verdict, **{"account": account, "quantity": quantity, "reason": "by hand", **fields})

    def visit(self, *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """The customer comes by."""
        return self.event("visit", verdict=verdict, **fields)

    def reading(self, name: str, value: Amount, *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """What something stands at is read off."""
        return self.event("reading", verdict=verdict, name=name, value=value, **fields)

    def referral(self, friend: str = "friend", *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """The customer brings a friend."""
        return self.event("referral", verdict=verdict, friend=friend, **fields)

    def attendance(self, activity: str = "evening", *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """The customer takes part in something."""
        return self.event("attendance", verdict=verdict, activity=activity, **fields)

    def survey_response(self, value: Amount, score: str = "csat", *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """A survey is answered."""
        return self.event("survey_response", verdict=verdict, score=score, value=value, **fields)

    def complaint(self, category: str = "service", *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """The customer complains."""
        return self.event("complaint", verdict=verdict, category=category, **fields)

    def complaint_update(self, stage: str | None = None, of: str = "", *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """What becomes of a complaint: of the last, or of the one named."""
        staged = {} if stage is None else {"stage": stage}
        return self.event("complaint_update", verdict=verdict, of=of or self._last("complaint"), **staged, **fields)

    def contact(self, trigger: str | None = None, *, verdict: Verdict | None = "accepted", **fields: Any) -> History:
        """The customer is contacted: for a touchpoint that a policy asked for, or of the host's own accord."""
        return self.event("contact", verdict=verdict, **({} if trigger is None else {"trigger": trigger}), **fields)

    def enrolment(self, *, verdict: Verdict | None = "accepted", **profile: Any) -> History:
        """The customer joins; keywords are profile fields."""
        return self.event("enrolment", verdict=verdict, **({"profile": profile} if profile else {}))

    def profile_update(self, *, verdict: Verdict | None = "accepted", **profile: Any) -> History:
        """Profile fields change; None takes one away."""
        return self.event("profile_update", verdict=verdict, profile=profile)

    def _last(self, type: str) -> str:
        ids = [event.id for event in self.events if event.type == type]
        if not ids:
            raise ValueError(f"there is no {type} in this history yet: say which one is meant with of=...")
        return ids[-1]


def history(program: Program, customer_id: str = "c-1", events: Iterable[AnyEvent | Mapping[str, Any]] = ()) -> History:
    """A customer of a program to whom nothing has happened, or the given ``events``, whatever becomes of them."""
    begun = History(program, State.new(customer_id))
    for given in events:
        event = program.event(given)
        step = program.step(begun.state, event)
        begun = replace(begun, at=event.occurred_at, state=step.state, steps=(*begun.steps, step))
    return begun
