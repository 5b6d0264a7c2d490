"""``cr.breakage``: what became of the points of each vintage; of those that have lapsed, how much was never claimed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from custrules.analysis.comparison_text import number_text
from custrules.analysis.flows import Account, Accounts, change
from custrules.analysis.journals import Line, Vintages, by_customer, lines
from custrules.analysis.periods import PERIODS, Per, first_of, name_of
from custrules.analysis.refusal import many_in, one_of, program_in
from custrules.analysis.worth import percent, read_on
from custrules.calendars import end_of_day
from custrules.codec import canonical
from custrules.fields import rate_text
from custrules.ledger import Lot
from custrules.messages import Speaker, speak
from custrules.messages.columns import table
from custrules.program import Program
from custrules.replaying import Entry
from custrules.state_parts import shown

NAMES = ("issued", "reversed", "used", "lapsed")
_SIGNED: Mapping[str, tuple[tuple[str, int], ...]] = {
    "issued": (("issued", 1),),
    "given_back": (("used", -1),),
    "redeemed": (("used", 1),),
    "settled": (("used", 1),),  # they pay for points that had been used before they were taken back
    "expired": (("lapsed", 1),),
    "reversed": (("reversed", 1),),
    "forgiven": (("lapsed", -1), ("reversed", 1)),
    "shortfall": (("reversed", 1), ("used", -1)),
    "reinstated": (("lapsed", -1),),
    "decayed": (("lapsed", -1),),  # what leaves to an outside of its own has a minus already
    "forfeited": (("lapsed", -1),),
    "fees": (("used", -1),),
}


class CohortKey(NamedTuple):
    """Points of one account and source that were accrued in one period, by its first day."""

    account: Account
    source: str
    first_day: date


class Came(NamedTuple):
    """So many smallest units of a cohort were issued, reversed, used or lapsed, by a decision on a day; ``flow`` is the movement's own name."""

    key: CohortKey
    name: str
    units: int
    line: Line
    lot: Lot | None
    flow: str


class _Customer:
    """One customer's points by cohort, and which cohort the points of each order are of."""

    def __init__(self, customer_id: str, per: str) -> None:
        self._vintages, self._per = Vintages(customer_id), per
        self._of_order: dict[tuple[Account, str], CohortKey] = {}

    def read(self, line: Line) -> Iterator[Came]:
        wanted = _returned(line)
        for flow in line.flows:
            name, lot = flow.name, flow.lot
            if lot is None:
                if name == "shortfall":
                    yield from self._owed_for(flow.account, flow.units, wanted, line)
                continue
            for _, units, vintage in self._vintages.dated(flow):
                key = CohortKey(flow.account, lot.source, first_of(vintage or lot.day, self._per))
                if name == "issued":
                    self._of_order[flow.account, lot.origin] = key
                own = min(units, wanted.get(lot.origin, 0)) if wanted and name == "reversed" else units
                if own:
                    yield from _came(key, name, own, line, lot)
                if own != units:  # points of another order pay for those that were used: that is debt, settled at once
                    yield from _came(key, "settled", units - own, line, lot)
                    yield from self._owed_for(flow.account, units - own, wanted, line)
                if wanted and name in ("reversed", "forgiven") and lot.origin in wanted:
                    wanted[lot.origin] -= own

    def _owed_for(self, account: Account, units: int, wanted: dict[str, int], line: Line) -> Iterator[Came]:
        """Points that were used before they were taken back: of the orders that came back, one after the other."""
        for order, left in tuple(wanted.items()):
            part = min(units, left)
            wanted[order] = left - part
            units -= part
            if part and (account, order) in self._of_order:
                yield from _came(self._of_order[account, order], "shortfall", part, line, None)


def _returned(line: Line) -> dict[str, int]:
    """The orders whose awards a decision took back, each with how much of it in smallest units."""
    found: dict[str, int] = {}
    scale = line.flows[0].account.scale if line.flows else 0
    for why in line.decision.reasons:
        if why.code == "points.reversal.return":
            order = str(why.params["order"])
            found[order] = found.get(order, 0) + int(Decimal(why.params["points"]).scaleb(scale))
    return found


def _came(key: CohortKey, name: str, units: int, line: Line, lot: Lot | None) -> Iterator[Came]:
    for what, sign in _SIGNED.get(name, (("issued", 1),)):
        yield Came(key, what, sign * (units if name in _SIGNED else change(name, units)), line, lot, name)


def cohorts(program: Program, entries: Iterable[Entry], on: date, per: str) -> Iterator[Came]:
    """What came of every cohort up to the end of a day, movement by movement."""
    for line, begins in by_customer(lines(program, entries, end_of_day(on, program.zone))):
        if begins:
            customer = _Customer(line.customer_id, per)
        yield from customer.read(line)


# -- breakage ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cohort:
    """Points of one vintage and source, in smallest units: ``issued`` - ``reversed`` - ``used`` - ``lapsed`` = ``left``.

    ``used`` is net of what was given back; ``lapsed`` expired unused. ``over`` says whether nothing of it can be used any more.
    """

    vintage: str
    source: str
    issued: int
    reversed: int
    used: int
    lapsed: int
    over: bool

    @property
    def left(self) -> int:
        return self.issued - self.reversed - self.used - self.lapsed

    @property
    def rate(self) -> Fraction | None:
        """The share of what was not reversed that lapsed; None where nothing was used or lapsed."""
        return Fraction(self.lapsed, ended) if (ended := self.used + self.lapsed) else None


@dataclass(frozen=True, slots=True)
class AccountBreakage:
    """The cohorts of one account, by vintage and source, and the share of the lapsed ones that was never claimed."""

    account: Account
    cohorts: tuple[Cohort, ...]

    @property
    def rate(self) -> Fraction | None:
        """Over all cohorts that are over; None where there is none yet."""
        return self.rate_of()

    def rate_of(self, source: str | None = None) -> Fraction | None:
        """The same for the points of one source."""
        over = [cohort for cohort in self.cohorts if cohort.over and source in (None, cohort.source)]
        lapsed = sum(cohort.lapsed for cohort in over)
        ended = lapsed + sum(cohort.used for cohort in over)
        return Fraction(lapsed, ended) if ended > 0 else None

    def to_data(self) -> dict[str, Any]:
        rate = rate_text(self.rate) if self.rate is not None else None
        return {"account": self.account.name, "unit": self.account.unit, "rate": rate, "cohorts": [self._row(cohort) for cohort in self.cohorts]}

    def _row(self, cohort: Cohort) -> dict[str, Any]:
        numbers = {name: self.shown(getattr(cohort, name)) for name in (*NAMES, "left")}
        rate = rate_text(cohort.rate) if cohort.rate is not None else None
        return {"vintage": cohort.vintage, "source": cohort.source, **numbers, "over": cohort.over, "rate": rate}

    def shown(self, units: int) -> Any:
        return shown(units, self.account.unit, self.account.scale)


@dataclass(frozen=True, slots=True)
class Breakage:
    """What was never claimed of the points that have had their time, account by account, as of the end of a day."""

    program: str
    on: date
    per: str
    accounts: tuple[AccountBreakage, ...]

    def of(self, account: Account) -> Fraction | None:
        """The breakage rate of an account; None where nothing of it has lapsed yet, so that there is none."""
        return next((found.rate for found in self.accounts if found.account == account), None)

    def to_data(self) -> dict[str, Any]:
        return {"program": self.program, "on": self.on, "per": self.per, "accounts": [account.to_data() for account in self.accounts]}

    def to_json(self) -> bytes:
        """Canonical JSON; rates as exact text."""
        return canonical(self.to_data())


@dataclass(slots=True)
class _Sum:
    moved: Counter[str] = field(default_factory=Counter)
    last_day: date | None = date.min

    def add(self, came: Came) -> None:
        self.moved[came.name] += came.units
        if came.lot is not None and self.last_day is not None:
            self.last_day = max(self.last_day, came.lot.last_day) if came.lot.last_day is not None else None

    def cohort(self, key: CohortKey, per: str, on: date) -> Cohort:
        issued, taken, used, lapsed = (self.moved[name] for name in NAMES)
        over = issued == taken + used + lapsed and (self.last_day is None or self.last_day < on)
        return Cohort(name_of(key.first_day, per), key.source, issued, taken, used, lapsed, over)


def breakage(program: Program, entries: Iterable[Entry], *, on: date | str, per: Per = "month") -> Breakage:
    """What became of the points of each vintage (month, quarter, half or year of accrual) and source, up to the end of a day.

    The rate of an account is taken over the cohorts of which nothing is left and whose last usable day lies before ``on``:
    lapsed ÷ (lapsed + used). It is a share of
    what is issued and not reversed, so the expected redemption of new points is 1 - rate. Points that settle what was owed count as
    used; what was taken back when it had been used counts as reversed. Entries are a whole journal, each customer's together and in
    order: a replay up to ``on`` or later. AnalysisError where it is not.
    """
    program_in(program, "program")
    many_in(entries, "entries")
    day = read_on(on)
    one_of(per, PERIODS, "per")
    sums: dict[CohortKey, _Sum] = {}
    for came in cohorts(program, entries, day, per):
        sums.setdefault(came.key, _Sum()).add(came)
    known = dict.fromkeys([*Accounts(program).known, *(key.account for key in sums)])
    found = {account: sorted((key.first_day, key.source) for key in sums if key.account == account) for account in known}
    rows = {
        account: tuple(sums[key].cohort(key, per, day) for key in (CohortKey(account, source, first) for first, source in keys))
        for account, keys in found.items()
    }
    return Breakage(program.id, day, per, tuple(AccountBreakage(account, cohort) for account, cohort in rows.items()))


@speak.register
def _(found: Breakage, speaker: Speaker) -> str:
    lines = [speaker.word("breakage_head", {"program": found.program, "on": found.on})]
    for account in found.accounts:
        about = {"account": account.account.name, "unit": account.account.unit}
        lines += ["", speaker.word("metrics_account", about), *_table(account, speaker)]
    return "\n".join(lines)


def _table(account: AccountBreakage, speaker: Speaker) -> list[str]:
    if not account.cohorts:
        return [f"  {speaker.word('metrics_nothing', {})}"]
    head = [speaker.word(f"breakage_{name}", {}) for name in ("vintage", "source", *NAMES, "left", "rate")]
    rows = [_cells(account, cohort, speaker) for cohort in account.cohorts]
    rate = speaker.word("breakage_rate_of", {"rate": percent(account.rate)}) if account.rate is not None else speaker.word("breakage_none", {})
    return [*table([head, *rows], right=range(2, len(head))), f"  {rate}"]


def _cells(account: AccountBreakage, cohort: Cohort, speaker: Speaker) -> list[str]:
    numbers = [number_text(account.shown(getattr(cohort, name))) for name in (*NAMES, "left")]
    rate = percent(cohort.rate) if cohort.rate is not None and cohort.over else speaker.word("breakage_running", {})
    return [cohort.vintage, cohort.source or "-", *numbers, rate]
