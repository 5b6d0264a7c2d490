"""A journal, read posting by posting: on which local day what entered or left an account, out of which lot, and of which vintage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from custrules.analysis.flows import Account, Accounts, PartFlow, change
from custrules.analysis.lanes import instant_of
from custrules.analysis.refusal import entry_in, refuse
from custrules.calendars import local_day
from custrules.ledger import Lot
from custrules.policy import Decision
from custrules.program import Program
from custrules.replaying import Entry


class Line(NamedTuple):
    """What one decision moved, on the local day on which it was decided."""

    customer_id: str
    day: date
    decision: Decision
    flows: Sequence[PartFlow]


class Dated(NamedTuple):
    """So much of a flow, with the day on which its points were accrued."""

    flow: PartFlow
    units: int
    vintage: date | None


def lines(program: Program, entries: Iterable[Entry], end: datetime | None) -> Iterator[Line]:
    """The decisions of a journal that moved something, up to an instant; AnalysisError for an entry without its own."""
    accounts = Accounts(program)
    for entry in entries:
        customer_id, _, decisions = entry_in(entry)
        for decision in decisions:
            at = _decided(customer_id, getattr(entry, "at", None), decision, program) if decision.effects else None
            if at is not None and (end is None or at <= end):
                yield Line(customer_id, local_day(at, program.zone), decision, tuple(accounts.parts(decision)))


def _decided(customer_id: str, told: datetime | None, decision: Decision, program: Program) -> datetime:
    at = instant_of(decision.event_id, told, program.zone)
    if at is None:
        refuse("analysis.no_instant", "entries", customer=customer_id, event=decision.event_id)
    return at


def by_customer(found: Iterable[Line]) -> Iterator[tuple[Line, bool]]:
    """Lines, each with whether its customer begins with it; AnalysisError for one who comes back after another."""
    current, finished = None, set[str]()
    for line in found:
        begins = line.customer_id != current
        if begins and line.customer_id in finished:
            refuse("analysis.customer_came_back", "entries", customer=line.customer_id)
        current = line.customer_id
        finished.add(current)
        yield line, begins


class Vintages:
    """What one customer holds by the day of its accrual.

    Lots that no rule can tell apart become one, which keeps the day of the oldest: so the journal alone knows how much is of which day.
    What leaves a joined lot is taken from its own day first, then from the oldest like it.
    """

    held: dict[tuple[object, ...], dict[date, int]]

    def __init__(self, customer_id: str) -> None:
        self._customer_id = customer_id
        self.held = {}

    def dated(self, flow: PartFlow) -> Iterator[Dated]:
        """A flow in parts, each of one vintage; AnalysisError where more leaves than had entered."""
        lot, by = flow.lot, change(flow.name, flow.units)
        if lot is None or not by:
            yield Dated(flow, flow.units, lot.day if lot is not None else None)
        elif by > 0:
            days = self._days(flow.account, lot)
            days[lot.day] = days.get(lot.day, 0) + by
            yield Dated(flow, flow.units, lot.day)
        else:
            sign = 1 if flow.units > 0 else -1
            yield from (Dated(flow, sign * units, day) for day, units in self._taken(flow.account, lot, -by))

    def _days(self, account: Account, lot: Lot) -> dict[date, int]:
        return self.held.setdefault((account, *lot.kind), {})

    def _taken(self, account: Account, lot: Lot, wanted: int) -> Iterator[tuple[date, int]]:
        days = self._days(account, lot)
        for day in sorted(days, key=lambda day: (day != lot.day, day)):
            taken = min(wanted, days[day])
            wanted -= taken
            days[day] -= taken
            if not days[day]:
                del days[day]
            if taken:
                yield day, taken
            if not wanted:
                return
        refuse("analysis.incomplete_journal", "entries", customer=self._customer_id, account=account.name)
