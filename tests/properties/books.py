"""Figures that have to close: movements against what is held, by account, source, vintage and expiry, in a journal and in states."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import custrules as cr
from custrules.analysis.periodic import AccountMetrics, Period
from custrules.calendars import end_of_day, local_day
from properties.histories import Case

INTO, OUT = {"issued", "given_back", "adjusted"}, {"redeemed", "expired", "reversed", "settled"}


def number(value: Any) -> Decimal:
    return Decimal(value.amount if isinstance(value, cr.Money) else value)


def closes(periods: tuple[Period, ...]) -> None:
    """Opening and what came in less what went out is closing, which is the next opening; nothing is held that never came."""
    for row in periods:
        moved = {name: number(units) for name, units in row.moved.items() if name not in ("shortfall", "forgiven")}
        change = sum((-units if name in OUT else units for name, units in moved.items()), Decimal(0))
        assert number(row.opening) + change == number(row.closing)
        assert number(row.closing) >= 0
    assert all(after.opening == before.closing for before, after in pairwise(periods))
    assert not periods or number(periods[0].opening) == 0


def groups_sum_up(account: AccountMetrics) -> None:
    """The groups of an account come to the account: what is held, and every movement of lots."""
    for place, row in enumerate(account.periods):
        parts = [group.periods[place] for group in account.groups]
        assert sum((number(part.closing) for part in parts), Decimal(0)) == number(row.closing)
        for name in row.moved.keys() - {"shortfall"}:
            assert sum((number(part.moved[name]) for part in parts), Decimal(0)) == number(row.moved[name])


def held_in(state: cr.State) -> dict[str, Counter[tuple[str, Any]]]:
    """What a state holds by account, source and last day: read off its lots."""
    found: dict[str, Counter[tuple[str, Any]]] = {}
    for name, account in state.ledger.accounts.items():
        cells = found.setdefault(name.partition(".")[0], Counter())
        for lot, quantity in account:
            cells[lot.source, lot.last_day] += quantity
    return found


def books_close(case: Case) -> None:
    last = max(event.occurred_at for event in case.events) + timedelta(days=40)
    day = local_day(last, case.program.zone)
    done = cr.replay(case.program, case.events, end_of_day(day, case.program.zone)).collect()
    states = list(done.states.values())
    for by in (("source", "expiry"), ("vintage",), ("source", "vintage", "expiry")):
        figures = cr.metrics(case.program, done.journal, until=end_of_day(day, case.program.zone), by=by)
        assert figures.reconcile(case.program, states) == ()
        for account in figures.accounts:
            closes(account.periods)
            groups_sum_up(account)
            for group in account.groups:
                closes(group.periods)
    holdings_agree(case, done, states)


def holdings_agree(case: Case, done: Any, states: list[cr.State]) -> None:
    """The liability of a journal is that of the states in which it ended; what cohorts have left is what is held."""
    day = max(state.day for state in states if state.day is not None)
    given = dict.fromkeys(case.program.rulebook.accounts, "0.01")
    told, held = (cr.liability(case.program, source, on=day, value=given, breakage="1/3") for source in (done.journal, states))
    left = {found.account.name: Counter[str]() for found in told.accounts}
    for found in cr.breakage(case.program, done.journal, on=day).accounts:
        for cohort in found.cohorts:
            assert min(cohort.used, cohort.lapsed, cohort.left) >= 0, cohort
            left[found.account.name][cohort.source] += cohort.left
    for journal, state in zip(told.accounts, held.accounts, strict=True):
        assert (journal.account, journal.outstanding, journal.owed, journal.face) == (state.account, state.outstanding, state.owed, state.face)
        if state.prepaid:  # what was paid for stored value only states know
            assert state.amount is not None
            assert state.amount.minor >= 0
            assert state.face is None or state.amount <= state.face
            assert sum(row.amount.minor for row in state.rows if row.amount) == state.amount.minor
        else:
            assert journal.amount == state.amount
        assert {key: found.points for key, found in journal.by("expiry").items()} == {key: found.points for key, found in state.by("expiry").items()}
        assert sum(row.amount.minor for row in journal.rows if row.amount) == (journal.amount.minor if journal.amount else 0)
        cells = held_in(states[0]).get(journal.account.name, Counter())
        sources = Counter[str]()
        for (source, _), units in cells.items():
            sources[source] += units
        assert +sources == +left[journal.account.name]
