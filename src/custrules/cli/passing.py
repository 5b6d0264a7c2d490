"""One pass over the events of many customers, and what it adds up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from custrules.analysis.flows import BALANCES, Accounts
from custrules.calendars import ONE_DAY, start_of_day
from custrules.cli.output import Misuse
from custrules.errors import Diagnostic, EventError
from custrules.events import AnyEvent
from custrules.policies.tiers import Ladder
from custrules.program import Program
from custrules.state import State
from custrules.state_parts import shown
from custrules.steps import Step

MOVEMENTS = ("issued", "taken_back", "forgiven", "expired", "spent", "given_back", "adjusted", "settled")
_CALLED = {"reversed": "taken_back", "redeemed": "spent"}  # as the command line names them


class Passed(NamedTuple):
    """An event and its step; ``step`` is None for an event after the end, ``event`` is None for time that passed up to the end."""

    customer_id: str
    event: AnyEvent | None
    step: Step | None


def pass_over(
    program: Program, events: Iterable[AnyEvent], until: datetime | None = None, on_state: Callable[[State], object] | None = None
) -> Iterator[Passed]:
    """Step each customer from nothing through their events, which stand together. Events after ``until`` are left out.

    The closing state goes to ``on_state``, unless nothing of the customer was accepted.
    EventError for a customer who comes back later.
    """
    finished: set[str] = set()
    for customer_id, history in groupby(events, key=lambda event: event.customer_id):
        if customer_id in finished:
            raise EventError([Diagnostic("event.customer_came_back", "customer_id", {"customer": customer_id})])
        finished.add(customer_id)
        state = State.new(customer_id)
        for event in history:
            step = program.step(state, event) if until is None or event.occurred_at <= until else None
            state = step.state if step is not None else state
            yield Passed(customer_id, event, step)
        if until is not None:
            step = program.advance(state, until)
            state = step.state
            yield Passed(customer_id, None, step)
        if on_state is not None and state.as_of is not None:
            on_state(state)


def by_customer(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """All events in memory, grouped by customer, each customer's in the order in which they were decided, else happened."""
    return sorted(events, key=lambda event: (event.customer_id, event.decided_at or event.occurred_at))


def end_of(text: str, zone: ZoneInfo) -> datetime:
    """What ``--until`` says: an aware instant, or the last instant of a local day."""
    try:
        if len(text) == 10:
            return start_of_day(date.fromisoformat(text) + ONE_DAY, zone) - timedelta(microseconds=1)
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Misuse("bad_until", found=text) from None
    if instant.tzinfo is None:
        raise Misuse("bad_until", found=text)
    return instant


# -- sums --------------------------------------------------------------------------------------------------------------


def movements(accounts: Accounts, step: Step) -> Counter[tuple[str, str]]:
    """How much each account gained or lost in a step, by kind of movement, in smallest units."""
    sums: Counter[tuple[str, str]] = Counter()
    for account, name, units in accounts.flows(step.decisions):
        sums[account.name, _CALLED.get(name, name)] += units
    return sums


class Summary:
    """What a pass adds up to: customers, events by verdict, levels, and points by account. ``day`` is the last local day reached."""

    customers: int
    left_out: int

    def __init__(self, program: Program) -> None:
        self._accounts = Accounts(program)
        self._ladders = {policy.status: policy for policy in program.policies if isinstance(policy, Ladder)}
        self.customers = self.left_out = 0
        self.verdicts: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.levels: dict[str, Counter[str]] = {status: Counter() for status in self._ladders}
        self.moved: Counter[tuple[str, str]] = Counter()

    @property
    def events(self) -> int:
        return sum(self.verdicts.values())

    def note(self, passed: Passed) -> None:
        if passed.step is None:
            self.left_out += 1
            return
        if passed.event is not None:
            self.verdicts[passed.step.verdict] += 1
            if passed.step.refusal is not None:
                self.refusals[passed.step.refusal.code] += 1
        self.moved.update(movements(self._accounts, passed.step))

    def close(self, state: State) -> None:
        """One customer's closing state."""
        self.customers += 1
        for status, counts in self.levels.items():
            held = state.statuses.get((status, ""))
            counts[str(held.value) if held is not None and held.value is not None else ""] += 1
        for account, bucket, units in self._accounts.balances(state):
            self.moved[account.name, bucket] += units

    def level_rows(self) -> Iterator[tuple[str, list[tuple[str, int]]]]:
        """Per ladder the number of customers at each level, the highest first; '' are those without one."""
        for status, counts in self.levels.items():
            names = [*reversed(self._ladders[status].names), *([""] if counts[""] else [])]
            yield status, [(name, counts[name]) for name in names]

    def account_rows(self) -> Iterator[tuple[str, dict[str, int | Decimal]]]:
        """Per account every movement and balance, as people read them."""
        for account, unit, scale in self._accounts.known:
            sums = {name: shown(self.moved[account, name], unit, scale) for name in (*MOVEMENTS, *BALANCES)}
            yield account, {name: value for name, value in sums.items() if isinstance(value, int | Decimal)}

    def to_data(self) -> dict[str, Any]:
        return {
            "customers": self.customers,
            "events": {"total": self.events, **self.verdicts, **({"after_until": self.left_out} if self.left_out else {})},
            "refusals": dict(self.refusals),
            "levels": {status: {name or "none": count for name, count in rows} for status, rows in self.level_rows()},
            "accounts": dict(self.account_rows()),
        }
