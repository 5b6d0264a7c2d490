"""Several customers who send, pool, merge and close: points are neither made nor lost between them, and live no longer for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import custrules as cr

NAMES = ("ann", "ben", "home")
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
Move = tuple[str, int, int, int, int]
MOVES = st.lists(
    st.tuples(
        st.sampled_from(("purchase", "purchase", "transfer", "transfer", "back", "return", "redemption", "join", "merge", "closure")),
        st.integers(0, 2),
        st.integers(0, 2),
        st.sampled_from((1, 10, 50, 100, 1000)),
        st.sampled_from((0, 0, 1, 8, 31, 200)),
    ),
    min_size=3,
    max_size=14,
)


def club(expiry: str, pending: str | None, closure: str, send: dict[str, Any]) -> cr.Program:
    account = {"id": "points", "kind": "points.account", "expiry": expiry, "on_closure": closure} | ({"pending": pending} if pending else {})
    ladder: dict[str, Any] = {"id": "tier", "kind": "tiers.ladder", "term": "3 months", "downgrade": "one_level"}
    ladder["levels"] = [{"name": "member"}, {"name": "gold", "enter": {"spend": ">= 100"}}]
    return cr.Program(
        id="club",
        zone="UTC",
        currency="EUR",
        profile={"household": {"type": "text"}},
        measures={"spend": {"sum": "spend", "window": "12 months"}},
        policies=[
            ladder,
            account,
            {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
            {"id": "pay", "kind": "points.redemption", "value": {"points": 1, "money": "1"}},
            {"id": "gifts", "kind": "points.transfer", "send": send, "pool": {"to": "household"}},
        ],
    )


PROGRAMS = st.builds(
    club,
    st.sampled_from(("never", "1 month", "12 months")),
    st.sampled_from((None, "7 days")),
    st.sampled_from(("forfeit", "keep")),
    st.sampled_from(({}, {"fee": {"points": 1, "share": "1%"}}, {"received": False}, {"limits": [{"times": 2, "per": "30 days"}]})),
)


class Town:
    """A few customers of one program; what they say to one another waits until it is delivered, in any order of customers."""

    def __init__(self, program: cr.Program) -> None:
        self.program, self.now = program, START
        self.states = {name: cr.State.new(name) for name in NAMES}
        self.waiting: list[cr.Signal] = []
        self.effects: list[cr.Posting] = []
        self.bought: dict[str, list[str]] = {name: [] for name in NAMES}
        self.stored: dict[str, list[Any]] = {name: [] for name in NAMES}
        self.lost = 0

    def step(self, customer: str, **fields: Any) -> cr.Step:
        head = {"id": f"e{sum(map(len, self.stored.values()))}-{self.now:%j%H}", "customer_id": customer, "occurred_at": self.now}
        step = self.program.step(self.states[customer], self.program.event(head | fields))
        self._took(customer, step)
        return step

    def _took(self, customer: str, step: cr.Step) -> None:
        if step.accepted:
            self.states[customer] = step.state
            self.effects += [effect for effect in step.effects if isinstance(effect, cr.Posting)]
            self.waiting += [effect for effect in step.effects if isinstance(effect, cr.Signal)]
            self.stored[customer] += [step.event] if step.event is not None else []

    def play(self, move: Move) -> None:
        kind, who, whom, points, gap = move
        name, other = NAMES[who], NAMES[whom]
        self.now += timedelta(days=gap, hours=1)
        if kind == "purchase" and self.step(name, type="purchase", amount=points).accepted:
            self.bought[name].append(self.stored[name][-1].id)
        elif kind in ("transfer", "back"):
            self.step(name, type="transfer", to=other, points=points, **({"back": True} if kind == "back" else {}))
        elif kind == "return" and self.bought[name]:
            self.step(name, type="return", of=self.bought[name][-1])
        elif kind == "redemption":
            self.step(name, type="redemption", points=points)
        elif kind == "join" and name != "home":
            self.step(name, type="enrolment", profile={"household": "home"})
        elif kind == "closure":
            self.step(name, type="closure", reason="asked")
        elif kind == "merge" and name != other:
            self.merge(name, other)

    def merge(self, name: str, other: str) -> None:
        """Both in one go, or neither."""
        left = self.program.step(self.states[name], self.program.event(self._merge(name, other)))
        for signal in left.effects if left.accepted else ():
            if isinstance(signal, cr.Signal) and signal.name == "merge":
                joined = self.program.step(self.states[other], self.program.event(signal.delivered(self.now)))
                if joined.accepted:
                    self._took(name, left)
                    self._took(other, joined)
                    self.waiting = [waiting for waiting in self.waiting if waiting.id != signal.id]

    def _merge(self, name: str, other: str) -> dict[str, Any]:
        return {"type": "merge", "id": f"merge-{name}-{self.now:%j%H}", "customer_id": name, "occurred_at": self.now, "into": other}

    def deliver(self) -> None:
        """Everything that waits, and what follows from it; what a closed account refuses goes to nobody."""
        while self.waiting:
            signal = self.waiting.pop(0)
            event = self.program.event(signal.delivered(self.now))
            step = self.program.step(self.states[signal.subject], event)
            self.lost += 0 if step.accepted else int(signal.content["points"])
            self._took(signal.subject, step)
            if step.accepted:
                again = self.program.step(self.states[signal.subject], event)
                assert (again.verdict, again.state is self.states[signal.subject]) == ("duplicate", True)

    def pass_time(self) -> None:
        for name in NAMES:
            self._took(name, self.program.advance(self.states[name], self.now))


def played(program: cr.Program, moves: list[Move], often: int) -> Iterator[Town]:
    """The town after each move; signals are delivered after every so many."""
    town = Town(program)
    for number, move in enumerate(moves):
        town.play(move)
        if number % often == 0:
            town.pass_time()
            town.deliver()
        yield town
    town.deliver()
    yield town


@given(PROGRAMS, MOVES, st.integers(1, 4))
def test_points_are_conserved_between_customers(program: cr.Program, moves: list[Move], often: int) -> None:
    """What all accounts hold, less what is owed, is what came from the outsides less what went there, and what is on its way came from an account."""
    for town in played(program, moves, often):
        held = sum(account.total - account.owed for state in town.states.values() for account in state.ledger.accounts.values())
        outside: dict[str, int] = {}
        for posting in town.effects:
            for name, sign in ((posting.source, 1), (posting.target, -1)):
                if name.startswith("world."):
                    outside[name] = outside.get(name, 0) + sign * posting.units
        assert held == sum(outside.values())
        on_its_way = sum(int(signal.content["points"]) for signal in town.waiting)
        assert -outside.get("world.transferred", 0) == on_its_way + town.lost
        assert outside.get("world.merged", 0) == 0


@given(PROGRAMS, MOVES, st.integers(1, 4))
def test_moving_about_never_lengthens_a_last_day(program: cr.Program, moves: list[Move], often: int) -> None:
    """Every lot anywhere lapses on a day on which points that somebody earned lapse."""
    granted: set[date | None] = set()
    for town in played(program, moves, often):
        granted |= {part.lot.last_day for posting in town.effects if posting.source == "world.issued" for part in posting.lots}
        for state in town.states.values():
            assert {part.lot.last_day for account in state.ledger.accounts.values() for part in account} <= granted


@given(PROGRAMS, MOVES, st.integers(1, 4))
def test_each_customers_stored_events_replay_to_the_stored_state(program: cr.Program, moves: list[Move], often: int) -> None:
    *_, town = played(program, moves, often)
    for name in NAMES:
        state = cr.State.new(name)
        for event in town.stored[name]:
            state = program.step(state, event).state
        if state.as_of is not None and town.states[name].as_of is not None:
            until = max(state.as_of, town.states[name].as_of or state.as_of)
            assert program.advance(state, until).state.to_json() == program.advance(town.states[name], until).state.to_json()


@given(PROGRAMS, MOVES)
def test_taking_an_event_out_of_the_senders_history_tells_what_differs(program: cr.Program, moves: list[Move]) -> None:
    """The deltas are the balances of the changed history less those of the stored one."""
    *_, town = played(program, moves, 1)
    history = town.stored["ann"]
    sent = [event.id for event in history if event.type in ("purchase", "transfer")]
    if not sent:
        return
    answer = program.restate(cr.State.new("ann"), history, withdraw=sent[0])
    before = cr.State.new("ann")
    for event in history:
        before = program.step(before, event).state
    end = max(found for found in (before.as_of, answer.state.as_of or before.as_of) if found is not None)
    old, new = (program.advance(state, end).state for state in (before, answer.state))
    names = ("points", "points.pending", "points.owed")
    differ = {name: held(new, name) - held(old, name) for name in names}
    assert {name: units for name, units in differ.items() if units} == answer.deltas


def held(state: cr.State, name: str) -> int:
    account = state.ledger.accounts.get(name)
    return 0 if account is None else account.owed if name.endswith(".owed") else account.total
