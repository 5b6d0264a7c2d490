"""``cr.metrics``: what a journal comes to by calendar period, account by account; opening plus in less out is closing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from custrules.analysis.comparison_text import flow_word, number_text, until_text
from custrules.analysis.flows import FLOWS, Account, Accounts, change
from custrules.analysis.holdings import UNKNOWN, Cell, Holdings
from custrules.analysis.journals import Dated, Line, Vintages, by_customer, lines
from custrules.analysis.periods import PERIODS, Per, between, first_of, last_of, name_of
from custrules.analysis.refusal import many_in, one_of, program_in
from custrules.calendars import local_day
from custrules.codec import canonical
from custrules.fields import Frozen
from custrules.messages import Speaker, speak
from custrules.messages.columns import table
from custrules.money import Money
from custrules.program import Program, aware
from custrules.replaying import Entry
from custrules.state import State
from custrules.state_parts import shown

By = Literal["source", "vintage", "expiry"]
GROUPS = ("source", "vintage", "expiry")
Key = tuple[str, ...]
Moved = Counter[tuple[date, str]]
Value = Money | Decimal | int


@dataclass(frozen=True, slots=True)
class Period:
    """One account, or one group of its points, in one period. ``closing`` is what is held when ``last_day`` ends, usable or not yet.

    ``moved`` is what happened in between: ``opening`` + issued + given_back + adjusted - redeemed - expired - reversed - settled (and
    what moved under other names, with its sign) = ``closing``. ``owed`` is what customers owe then: that of the period before +
    shortfall - settled; None for a group, as what is owed is of no lot.
    """

    name: str
    first_day: date
    last_day: date
    opening: Value
    moved: Mapping[str, Value]
    closing: Value
    owed: Value | None

    def to_data(self) -> dict[str, Any]:
        days = {"period": self.name, "first_day": self.first_day, "last_day": self.last_day}
        owed = {"owed": self.owed} if self.owed is not None else {}
        return {**days, "opening": self.opening, **self.moved, "outstanding": self.closing, **owed}


@dataclass(frozen=True, slots=True)
class Group:
    """The points of one kind, period by period: ``key`` tells which, by what was asked for (source, vintage, expiry)."""

    key: Mapping[str, str]
    periods: tuple[Period, ...]

    def to_data(self) -> dict[str, Any]:
        return {"key": dict(self.key), "periods": [period.to_data() for period in self.periods]}


@dataclass(frozen=True, slots=True)
class AccountMetrics:
    """An account, period by period without a gap; and the same by group, where that was asked for: groups sum to the account."""

    account: Account
    periods: tuple[Period, ...]
    groups: tuple[Group, ...] = ()

    def to_data(self) -> dict[str, Any]:
        data = {"account": self.account.name, "unit": self.account.unit, "periods": [period.to_data() for period in self.periods]}
        return data | ({"groups": [group.to_data() for group in self.groups]} if self.groups else {})


@dataclass(frozen=True, slots=True)
class Difference:
    """Where figures and states do not agree on what is held (``what`` outstanding) or owed. ``key`` is empty for a whole account."""

    account: Account
    what: str
    key: Mapping[str, str]
    figures: Value
    states: Value


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a journal comes to, by account and calendar period of the program's zone. ``cr.render`` puts it into words."""

    program: str
    zone: str
    until: str
    per: str
    by: tuple[str, ...]
    accounts: tuple[AccountMetrics, ...]

    def reconcile(self, program: Program, states: Iterable[State]) -> tuple[Difference, ...]:
        """Where the last closing is not what these states hold and owe; () when everything agrees.

        The states are those in which the same journal ended, of all its customers. Whole accounts are compared, and groups by source or
        expiry (of the day of its accrual a state keeps only the oldest where lots have become one).
        """
        held = Holdings(program)
        for state in states:
            held.take_in(state)
        by = () if "vintage" in self.by else self.by
        return tuple(found for account in self.accounts for found in _differences(account, held, by, self.per))

    def to_data(self) -> dict[str, Any]:
        accounts = [account.to_data() for account in self.accounts]
        head = {"program": self.program, "zone": self.zone, "until": self.until or None, "per": self.per, "by": list(self.by)}
        return {**head, "accounts": accounts}

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, amounts and quantities as exact text or whole numbers."""
        return canonical(self.to_data())


def metrics(program: Program, entries: Iterable[Entry], *, until: datetime | None = None, per: Per = "month", by: By | Sequence[By] = ()) -> Metrics:
    """Sum up the postings of a journal (``cr.replay``'s entries) by calendar period and account: month, quarter, half or year.

    ``by`` also groups them: by ``source`` (purchase, gratis …), ``vintage`` (the period of accrual), ``expiry`` (the period of the last
    usable day, or ``never``). Entries come in any order; for vintages each customer's together and in order, as a replay gives them.

    A posting counts in the period in which it was decided: for an event that came late, that of its acceptance, so that a period that
    is closed stays as it was. What is decided after ``until`` is left out, and periods go on to it; replay to the same instant,
    or what has not lapsed at a customer's last event still counts as outstanding. AnalysisError for what is no program or no journal, for
    an entry without its instant, a period or group that there is not, and for vintages of a journal that is not whole.
    """
    program_in(program, "program")
    many_in(entries, "entries")
    end = aware(until, "until") if until is not None else None
    one_of(per, PERIODS, "per")
    groups = tuple(one_of(name, GROUPS, "by") for name in ((by,) if isinstance(by, str) else by))
    sums = _Sums(program, per, groups)
    found = lines(program, entries, end)
    for dated in _dated(found) if "vintage" in groups else _plain(found):
        sums.add(*dated)
    last = local_day(end, program.zone) if end is not None else None
    told = until_text(end, program.zone) if end is not None else ""
    return Metrics(program.id, program.zone.key, told, per, groups, sums.accounts(last))


def _plain(found: Iterable[Line]) -> Iterator[tuple[date, Dated]]:
    return ((line.day, Dated(flow, flow.units, None)) for line in found for flow in line.flows)


def _dated(found: Iterable[Line]) -> Iterator[tuple[date, Dated]]:
    for line, begins in by_customer(found):
        if begins:
            vintages = Vintages(line.customer_id)
        for flow in line.flows:
            yield from ((line.day, dated) for dated in vintages.dated(flow))


class _Sums:
    """Movements by account, group and period: they grow with these, not with customers."""

    def __init__(self, program: Program, per: str, by: tuple[str, ...]) -> None:
        self._per, self._by = per, by
        self._total: dict[Account, Moved] = {account: Counter() for account in Accounts(program).known}
        self._groups: dict[Account, dict[Key, Moved]] = {}

    def add(self, day: date, dated: Dated) -> None:
        flow, units, vintage = dated
        first = first_of(day, self._per)
        self._total.setdefault(flow.account, Counter())[first, flow.name] += units
        if self._by and (flow.lot is not None or change(flow.name, units)):
            cell = Cell.of(flow.lot, vintage) if flow.lot is not None else Cell(UNKNOWN, None, None)
            key = tuple(cell.group(name, self._per) for name in self._by)
            self._groups.setdefault(flow.account, {}).setdefault(key, Counter())[first, flow.name] += units

    def accounts(self, last: date | None) -> tuple[AccountMetrics, ...]:
        days = [first for moved in self._total.values() for first, _ in moved]
        firsts = list(between(min(days), max(days) if last is None else last, self._per)) if days else []
        return tuple(self._account(account, moved, firsts, last) for account, moved in self._total.items())

    def _account(self, account: Account, moved: Moved, firsts: Sequence[date], last: date | None) -> AccountMetrics:
        ends = (last_of(first, self._per) for first in firsts)
        found = [(first, min(end, last) if last is not None else end) for first, end in zip(firsts, ends, strict=True)]
        groups = sorted(self._groups.get(account, {}).items())
        rows = [Group(Frozen(dict(zip(self._by, key, strict=True))), tuple(self._rows(account, part, found, False))) for key, part in groups]
        return AccountMetrics(account, tuple(self._rows(account, moved, found, True)), tuple(rows))

    def _rows(self, account: Account, moved: Moved, days: Iterable[tuple[date, date]], whole: bool) -> Iterator[Period]:
        names = (*FLOWS, *sorted({name for _, name in self._total[account]} - set(FLOWS)))
        held = owed = 0
        for first, last in days:
            flows = {name: moved[first, name] for name in names}
            opening, held = held, held + sum(change(name, units) for name, units in flows.items())
            owed += flows["shortfall"] - flows["settled"]
            told = Frozen({name: _shown(account, units) for name, units in flows.items()})
            left = _shown(account, owed) if whole else None
            yield Period(name_of(first, self._per), first, last, _shown(account, opening), told, _shown(account, held), left)


def _shown(account: Account, units: int) -> Value:
    return shown(units, account.unit, account.scale)


# -- against states ------------------------------------------------------------------------------------------------------


def _differences(account: AccountMetrics, held: Holdings, by: tuple[str, ...], per: str) -> Iterator[Difference]:
    """Where figures and states differ: the account as a whole, what is owed, then group by group."""
    of, cells = account.account, list(held.cells(account.account))
    last = account.periods[-1] if account.periods else None
    whole = _shown(of, sum(units for _, units in cells)), _shown(of, held.owed[of])
    told = (last.closing, last.owed or _shown(of, 0)) if last is not None else (_shown(of, 0), _shown(of, 0))
    for what, figures, states in zip(("outstanding", "owed"), told, whole, strict=True):
        if figures != states:
            yield Difference(of, what, Frozen(), figures, states)
    sums: Counter[Key] = Counter()
    for cell, units in cells if by else ():
        sums[tuple(cell.group(name, per) for name in by)] += units
    figures_of = {tuple(group.key.values()): group.periods[-1].closing for group in account.groups if by}
    for key in sorted(sums.keys() | figures_of.keys()):
        figures, states = figures_of.get(key, _shown(of, 0)), _shown(of, sums[key])
        if figures != states:
            yield Difference(of, "outstanding", Frozen(dict(zip(by, key, strict=True))), figures, states)


# -- in words ------------------------------------------------------------------------------------------------------------


@speak.register
def _(found: Metrics, speaker: Speaker) -> str:
    """A table for each account, a line for each period (and group); movements that never happened have no column."""
    lines = [speaker.word(f"metrics_head_{found.per}", {"program": found.program, "zone": found.zone})]
    lines += [speaker.word(f"metrics_until_{found.per}", {"until": found.until})] if found.until else []
    for account in found.accounts:
        about = {"account": account.account.name, "unit": account.account.unit}
        names = [name for name in account.periods[0].moved if any(row.moved[name] for row in account.periods)] if account.periods else []
        lines += ["", speaker.word("metrics_account", about)]
        lines += _table([({}, row) for row in account.periods], names, (), speaker) if names else [f"  {speaker.word('metrics_nothing', {})}"]
        if account.groups and names:
            moved = [name for name in names if any(row.moved[name] for group in account.groups for row in group.periods)]
            lines += ["", *_table([(group.key, row) for group in account.groups for row in group.periods if _stirs(row)], moved, found.by, speaker)]
    return "\n".join(lines)


def _stirs(row: Period) -> bool:
    """Whether there is anything to tell of a group in a period."""
    return bool(row.opening or row.closing or any(row.moved.values()))


def _table(rows: Sequence[tuple[Mapping[str, str], Period]], names: Sequence[str], by: Sequence[str], speaker: Speaker) -> list[str]:
    head = [*(speaker.word(f"metrics_{name}", {}) for name in (*by, "period", "opening")), *(flow_word(name, speaker) for name in names)]
    head += [speaker.word("metrics_closing", {}), *(() if by else (flow_word("owed", speaker),))]
    return table([head, *(_cells(key, row, names, by) for key, row in rows)], right=range(len(by) + 1, len(head)))


def _cells(key: Mapping[str, str], row: Period, names: Iterable[str], by: Sequence[str]) -> list[str]:
    values = [row.opening, *(row.moved[name] for name in names), row.closing, *(() if row.owed is None else (row.owed,))]
    return [*(key[name] or "-" for name in by), row.name, *map(number_text, values)]
