"""What customers hold and owe, added up by source, vintage and last usable day: out of states, or out of a journal as of a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from itertools import chain
from typing import NamedTuple, cast

from custrules.analysis.flows import Account, Accounts, change
from custrules.analysis.journals import Dated, Vintages, by_customer, lines
from custrules.analysis.periods import first_of, name_of
from custrules.analysis.refusal import refuse
from custrules.calendars import end_of_day
from custrules.ledger import Lot
from custrules.program import Program
from custrules.replaying import Entry
from custrules.state import State

NEVER, UNKNOWN = "never", ""


class Cell(NamedTuple):
    """Points that are alike to an accountant: where they came from, when they were accrued, and until when they can be used."""

    source: str
    vintage: date | None
    last_day: date | None

    @classmethod
    def of(cls, lot: Lot, vintage: date | None = None) -> Cell:
        return cls(lot.source, vintage or lot.day, lot.last_day)

    def group(self, name: str, per: str) -> str:
        """What it counts under, by source, vintage or expiry."""
        if name == "source":
            return self.source
        if name == "vintage":
            return name_of(first_of(self.vintage, per), per) if self.vintage is not None else UNKNOWN
        return name_of(first_of(self.last_day, per), per) if self.last_day is not None else NEVER


class Holdings:
    """Smallest units by account and cell, usable or not yet, and what is owed: never netted against one another.

    ``prepaid``: of stored value, what was paid for it, in smallest units of the currency: A/(A+G) for each unit of face that a top-up of A
    brought with a bonus of G. Only states know it; of a journal it is empty.
    """

    held: dict[Account, Counter[Cell]]
    owed: Counter[Account]
    stores: frozenset[str]
    prepaid: dict[Account, dict[Cell, Fraction]]

    def __init__(self, program: Program) -> None:
        self.held = {account: Counter() for account in Accounts(program).known}
        self.owed = Counter()
        self.stores = frozenset(program.rulebook.stores)
        self.prepaid = {}

    def add(self, account: Account, cell: Cell, units: int) -> None:
        self.held.setdefault(account, Counter())[cell] += units

    def take_in(self, state: State) -> None:
        """What one state holds and owes. Lots that have become one count under the oldest's day."""
        for name, bucket in state.ledger.accounts.items():
            account = Account(name.partition(".")[0], bucket.unit, bucket.scale)
            self.owed[account] += bucket.owed
            for lot, quantity in bucket:
                self.add(account, Cell.of(lot), quantity)
                if account.name in self.stores:
                    self._paid_for(account, lot, quantity, state)

    def _paid_for(self, account: Account, lot: Lot, quantity: int, state: State) -> None:
        """The share of the money of a lot's top-up that so much of it stands for."""
        order = state.order(lot.origin)
        deposit = order.deposit if order is not None else None
        money = deposit.paid if deposit is not None and deposit.form == "amount" else deposit.money if deposit is not None else 0
        face = deposit.paid + deposit.granted if deposit is not None else 0
        cells = self.prepaid.setdefault(account, {})
        cell = Cell.of(lot)
        cells[cell] = cells.get(cell, Fraction(0)) + (Fraction(quantity * money, face) if face else Fraction(0))

    def cells(self, account: Account) -> Iterator[tuple[Cell, int]]:
        return ((cell, units) for cell, units in self.held.get(account, Counter()).items() if units)


def of_states(program: Program, states: Iterable[State], on: date) -> Holdings:
    """What states hold when a day ends: each is advanced to it. AnalysisError for a state that is already later."""
    found, end = Holdings(program), end_of_day(on, program.zone)
    for state in states:
        if state.day is not None and state.day > on:
            refuse("analysis.later_state", "held", customer=state.customer_id, day=state.day.isoformat(), on=on.isoformat())
        found.take_in(program.advance(state, end).state if state.as_of is not None else state)
    return found


def of_entries(program: Program, entries: Iterable[Entry], on: date) -> Holdings:
    """What a journal comes to when a day ends, with the vintage of every point: of time that it does not tell, it knows nothing."""
    found = Holdings(program)
    for line, begins in by_customer(lines(program, entries, end_of_day(on, program.zone))):
        if begins:
            vintages = Vintages(line.customer_id)
        for flow in line.flows:
            for dated in vintages.dated(flow):
                _book(found, dated)
    return found


def _book(found: Holdings, dated: Dated) -> None:
    flow, units, vintage = dated
    by = change(flow.name, units)
    if by:
        cell = Cell.of(flow.lot, vintage) if flow.lot is not None else Cell(UNKNOWN, None, None)
        found.add(flow.account, cell, by)
    if flow.name in ("shortfall", "settled"):
        found.owed[flow.account] += units if flow.name == "shortfall" else -units


def holdings(program: Program, held: Iterable[State | Entry], on: date) -> Holdings:
    """Out of states or out of a journal, whichever is handed over: by its first item."""
    items = iter(held)
    first = next(items, None)
    if isinstance(first, State):
        return of_states(program, cast("Iterator[State]", chain([first], items)), on)
    return of_entries(program, cast("Iterator[Entry]", chain([first], items)), on) if first is not None else Holdings(program)
