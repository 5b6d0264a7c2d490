"""``cr.metrics``: what a journal comes to month by month, account by account; opening plus in less out is closing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from custrules.analysis.comparison_text import flow_word, number_text, until_text
from custrules.analysis.flows import FLOWS, Account, Accounts, change
from custrules.analysis.lanes import instant_of
from custrules.analysis.refusal import worded
from custrules.calendars import add_months, local_day
from custrules.codec import canonical
from custrules.errors import Diagnostic
from custrules.fields import Frozen
from custrules.messages import Speaker, speak
from custrules.messages.columns import table
from custrules.money import Money
from custrules.policy import Decision
from custrules.program import Program, aware
from custrules.replaying import Entry
from custrules.state import shown

Value = Money | Decimal | int


@dataclass(frozen=True, slots=True)
class Month:
    """One account in one month. ``closing`` is what all customers hold when ``last_day`` ends, usable or not yet; ``owed`` what they owe then.

    ``moved`` is what happened in between: ``opening`` + issued + given_back + adjusted - redeemed - expired - reversed - settled (and
    what moved under other names, with its sign) = ``closing``; ``owed`` is that of the month before + shortfall - settled.
    """

    first_day: date
    last_day: date
    opening: Value
    moved: Mapping[str, Value]
    closing: Value
    owed: Value

    @property
    def name(self) -> str:
        """``2026-03``"""
        return self.first_day.isoformat()[:7]

    def to_data(self) -> dict[str, Any]:
        days = {"month": self.name, "last_day": self.last_day}
        return {**days, "opening": self.opening, **self.moved, "outstanding": self.closing, "owed": self.owed}


@dataclass(frozen=True, slots=True)
class AccountMetrics:
    """An account, month by month without a gap."""

    account: Account
    months: tuple[Month, ...]

    def to_data(self) -> dict[str, Any]:
        return {"account": self.account.name, "unit": self.account.unit, "months": [month.to_data() for month in self.months]}


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a journal comes to, by account and calendar month of the program's zone. ``cr.render`` puts it into words."""

    program: str
    zone: str
    until: str
    accounts: tuple[AccountMetrics, ...]

    def to_data(self) -> dict[str, Any]:
        accounts = [account.to_data() for account in self.accounts]
        return {"program": self.program, "zone": self.zone, "until": self.until or None, "accounts": accounts}

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, amounts and quantities as exact text or whole numbers."""
        return canonical(self.to_data())


def metrics(program: Program, entries: Iterable[Entry], *, until: datetime | None = None) -> Metrics:
    """Sum up the postings of a journal (``cr.replay``'s entries, whatever their order) by calendar month and account.

    A posting counts in the month in which it was decided: for an event that came late, the month of its acceptance, so that a month
    that is closed stays as it was. What is decided after ``until`` is left out, and months go on to it; replay to the same instant,
    or what has not lapsed at a customer's last event still counts as outstanding. AnalysisError for an entry without its instant.
    """
    end = aware(until, "until") if until is not None else None
    sums: dict[Account, Counter[tuple[date, str]]] = {account: Counter() for account in Accounts(program).known}
    for day, account, name, units in _postings(program, entries, end):
        sums.setdefault(account, Counter())[day.replace(day=1), name] += units
    days = [first for counter in sums.values() for first, _ in counter]
    last = local_day(end, program.zone) if end is not None else None
    months = _months(min(days), max(days) if last is None else last) if days else []
    rows = tuple(AccountMetrics(account, tuple(_rows(account, moved, months, last))) for account, moved in sums.items())
    return Metrics(program.id, program.zone.key, until_text(end, program.zone) if end is not None else "", rows)


def _postings(program: Program, entries: Iterable[Entry], end: datetime | None) -> Iterator[tuple[date, Account, str, int]]:
    accounts = Accounts(program)
    for entry in entries:
        customer_id, _, decisions = entry
        for decision in decisions:
            at = _decided(customer_id, getattr(entry, "at", None), decision, program) if decision.effects else None
            if at is not None and (end is None or at <= end):
                day = local_day(at, program.zone)
                yield from ((day, *flow) for flow in accounts.flows([decision]))


def _decided(customer_id: str, told: datetime | None, decision: Decision, program: Program) -> datetime:
    at = instant_of(decision.event_id, told, program.zone)
    if at is None:
        fault = Diagnostic("analysis.no_instant", "entries", {"customer": customer_id, "event": decision.event_id})
        raise worded([fault])
    return at


def _months(first: date, last: date) -> list[date]:
    """The first days of the months from one day's to another's."""
    start = first.replace(day=1)
    count = (last.year - start.year) * 12 + last.month - start.month + 1
    return [add_months(start, number) for number in range(count)]


def _rows(account: Account, moved: Counter[tuple[date, str]], months: Iterable[date], last: date | None) -> Iterator[Month]:
    names = (*FLOWS, *sorted({name for _, name in moved} - set(FLOWS)))
    held = owed = 0
    for first in months:
        flows = {name: moved[first, name] for name in names}
        opening, held = held, held + sum(change(name, units) for name, units in flows.items())
        owed += flows["shortfall"] - flows["settled"]
        end = add_months(first, 1) - timedelta(days=1)
        shown_flows = Frozen({name: _shown(account, units) for name, units in flows.items()})
        closing = min(end, last) if last is not None else end
        yield Month(first, closing, _shown(account, opening), shown_flows, _shown(account, held), _shown(account, owed))


def _shown(account: Account, units: int) -> Value:
    return shown(units, account.unit, account.scale)


# -- in words ------------------------------------------------------------------------------------------------------------


@speak.register
def _(found: Metrics, speaker: Speaker) -> str:
    """A table for each account, a line for each month; movements that never happened have no column."""
    lines = [speaker.word("metrics_head", {"program": found.program, "zone": found.zone})]
    lines += [speaker.word("metrics_until", {"until": found.until})] if found.until else []
    for account in found.accounts:
        about = {"account": account.account.name, "unit": account.account.unit}
        lines += ["", speaker.word("metrics_account", about), *_table(account, speaker)]
    return "\n".join(lines)


def _table(account: AccountMetrics, speaker: Speaker) -> list[str]:
    names = [name for name in account.months[0].moved if any(month.moved[name] for month in account.months)] if account.months else []
    if not names:
        return [f"  {speaker.word('metrics_nothing', {})}"]
    head = [speaker.word(f"metrics_{name}", {}) for name in ("month", "opening")]
    head += [*(flow_word(name, speaker) for name in names), speaker.word("metrics_closing", {}), flow_word("owed", speaker)]
    rows = [_cells(month, names) for month in account.months]
    return table([head, *rows], right=range(1, len(head)))


def _cells(month: Month, names: Iterable[str]) -> list[str]:
    values = [month.opening, *(month.moved[name] for name in names), month.closing, month.owed]
    return [month.name, *map(number_text, values)]
