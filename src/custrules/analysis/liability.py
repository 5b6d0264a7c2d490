"""``cr.liability``: what outstanding points are expected to cost, by source, vintage and time until they expire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from custrules.analysis.cohorts import Breakage
from custrules.analysis.comparison_text import number_text
from custrules.analysis.flows import Account
from custrules.analysis.holdings import NEVER, Cell, Holdings, holdings
from custrules.analysis.periods import PERIODS, Per
from custrules.analysis.refusal import many_in, one_of, program_in, refuse
from custrules.analysis.worth import Price, Rate, Worth, percent, read_on, read_rounding, read_share
from custrules.codec import canonical
from custrules.fields import Frozen, rate_text
from custrules.messages import Speaker, speak
from custrules.messages.columns import table
from custrules.money import SCALES, Money, Rounding, rounded
from custrules.program import Program
from custrules.replaying import Entry
from custrules.state import State
from custrules.state_parts import shown

By = Literal["source", "vintage", "expiry"]
LIMITS = (30, 90, 180, 365)
LATER = "later"
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class LiabilityRow:
    """Points of one source and vintage that expire within one bucket, in smallest units; ``amount`` is their share of the liability.

    ``expiry`` is the limit in days (``"90"``: after the limit before it, at most 90 days from the day asked about), ``later`` or ``never``.
    """

    source: str
    vintage: str
    expiry: str
    units: int
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Sum:
    """So many points, and what they are expected to cost."""

    points: Money | Decimal | int
    amount: Money | None


@dataclass(frozen=True, slots=True)
class AccountLiability:
    """One account on one day. ``amount`` = outstanding × ``value`` × (1 - ``breakage``), rounded once; ``face`` the same without breakage.

    ``value`` is money for one point in units of the currency; None, and no amounts, where nothing redeems these points for money and no
    value was given. ``owed`` is what customers owe, never netted. Rows sum to the whole.

    Of stored value, ``face`` is what can be bought with it and ``amount`` what was paid for that: of a top-up of A with a bonus of G, each
    unit of face stands for A/(A+G), since a bonus is a reduction of the price; without breakage. Only states tell it (``prepaid``); a journal
    has no amount.
    """

    account: Account
    outstanding: Money | Decimal | int
    owed: Money | Decimal | int
    value: Fraction | None
    breakage: Fraction
    face: Money | None
    amount: Money | None
    rows: tuple[LiabilityRow, ...]
    prepaid: bool = False

    def by(self, name: By) -> Mapping[str, Sum]:
        """Points and amounts by source, by vintage, or by expiry bucket."""
        one_of(name, ("source", "vintage", "expiry"), "by")
        units, minor = Counter[str](), Counter[str]()
        for row in self.rows:
            units[getattr(row, name)] += row.units
            minor[getattr(row, name)] += row.amount.minor if row.amount is not None else 0
        currency = self.amount.currency if self.amount is not None else ""
        return Frozen({key: Sum(self._shown(units[key]), Money.from_minor(minor[key], currency) if currency else None) for key in units})

    def _shown(self, units: int) -> Money | Decimal | int:
        return shown(units, self.account.unit, self.account.scale)

    def to_data(self) -> dict[str, Any]:
        rows = [self._row(row) for row in self.rows]
        value = rate_text(self.value) if self.value is not None else None
        head = {"account": self.account.name, "unit": self.account.unit, "outstanding": self.outstanding, "owed": self.owed}
        return {**head, "value": value, "breakage": rate_text(self.breakage), "face": self.face, "amount": self.amount, "rows": rows}

    def _row(self, row: LiabilityRow) -> dict[str, Any]:
        return {"source": row.source, "vintage": row.vintage, "expiry": row.expiry, "points": self._shown(row.units), "amount": row.amount}


@dataclass(frozen=True, slots=True)
class Liability:
    """What is outstanding when a day ends and what it is expected to cost, account by account. ``cr.render`` puts it into words."""

    program: str
    on: date
    limits: tuple[int, ...]
    rounding: str
    accounts: tuple[AccountLiability, ...]

    def to_data(self) -> dict[str, Any]:
        accounts = [account.to_data() for account in self.accounts]
        return {"program": self.program, "on": self.on, "limits": list(self.limits), "rounding": self.rounding, "accounts": accounts}

    def to_json(self) -> bytes:
        """Canonical JSON: amounts and rates as exact text."""
        return canonical(self.to_data())


def liability(
    program: Program,
    held: Iterable[State] | Iterable[Entry],
    *,
    on: date | str,
    value: Price | Mapping[str, Price] | None = None,
    breakage: Rate | Breakage = 0,
    limits: Sequence[int] = LIMITS,
    per: Per = "month",
    rounding: Rounding | str = Rounding.half_up,
) -> Liability:
    """What customers hold when a day ends, and what it is expected to cost.

    ``held`` are states, which are advanced to the end of the day, or a journal: a whole replay up to that day or later, each
    customer's entries together and in order (of one that ends earlier, what has not
    lapsed by then still counts). Only a journal knows the vintage of every point: in a state, lots that have become one
    count under the day of the oldest.

    ``value`` is money per point of the first points account, or by account; without it, what redemption pays on that day. ``breakage``
    is the share of outstanding points that is expected never to be claimed, or the answer of ``cr.breakage``. ``limits`` are the
    expiry buckets in days (what is kept or held beyond its last day is in the
    first), ``per`` is how long a vintage is (month, quarter, half, year). AnalysisError where the value is not
    clear, for a state of a later day, a share outside 0 to 1, or an answer of ``cr.breakage`` in which nothing has lapsed yet.
    """
    program_in(program, "program")
    many_in(held, "held")
    day = read_on(on)
    asked = _Asked(day, one_of(per, PERIODS, "per"), _bounds(limits), read_rounding(rounding), program.currency)
    worth, found = Worth(program, value), holdings(program, held, day)
    accounts = tuple(_account(account, found, worth.on(account, day), breakage, asked) for account in found.held)
    return Liability(program.id, day, asked.limits, str(asked.rounding), accounts)


class _Asked(NamedTuple):
    on: date
    per: str
    limits: tuple[int, ...]
    rounding: Rounding
    currency: str

    def bucket(self, cell: Cell) -> str:
        """The expiry bucket of a cell, by its limit in days."""
        if cell.last_day is None:
            return NEVER
        days = (cell.last_day - self.on).days
        return next((str(limit) for limit in self.limits if days <= limit), LATER)

    def key(self, cell: Cell) -> _Key:
        return cell.source, cell.group("vintage", self.per), self.bucket(cell)

    def order(self, key: _Key) -> tuple[str, str, int]:
        source, vintage, expiry = key
        names = [*map(str, self.limits), LATER, NEVER]
        return source, vintage, names.index(expiry)

    def money(self, exact: Fraction) -> Money:
        return Money.from_minor(rounded(exact, self.rounding), self.currency)


def _bounds(limits: Sequence[int]) -> tuple[int, ...]:
    rising = tuple(limits)
    if any(type(limit) is not int or limit < 0 for limit in rising) or list(rising) != sorted(set(rising)):
        refuse("analysis.wrong_type", "limits", expected="rising whole numbers of days", found=str(list(rising))[:40])
    return rising


def _account(account: Account, held: Holdings, worth: Fraction | None, breakage: Rate | Breakage, asked: _Asked) -> AccountLiability:
    sums: Counter[_Key] = Counter()
    for cell, units in held.cells(account):
        sums[asked.key(cell)] += units
    total = sum(sums.values())
    if account.name in held.stores:
        return _prepaid(account, held, sums, asked)
    rate = Fraction(0) if worth is None else _rate(breakage, account, total)
    each = worth * (1 - rate) if worth is not None else None
    rows = tuple(_rows(sorted(sums.items(), key=lambda item: asked.order(item[0])), each, asked))
    outstanding, owed = (shown(units, account.unit, account.scale) for units in (total, held.owed[account]))
    face, amount = (asked.money(total * price) if price is not None else None for price in (worth, each))
    value = worth * Fraction(10) ** (account.scale - SCALES[asked.currency]) if worth is not None else None
    return AccountLiability(account, outstanding, owed, value, rate, face, amount, rows)


def _prepaid(account: Account, held: Holdings, sums: Counter[_Key], asked: _Asked) -> AccountLiability:
    """Stored value: a bonus is a reduction of the price, so that each unit of face stands for the share of it that was paid."""
    worth: dict[_Key, Fraction] = {}
    total = sum(sums.values())
    known = not total or account in held.prepaid  # a journal does not tell what was paid
    for cell, paid in held.prepaid.get(account, {}).items():
        worth[asked.key(cell)] = worth.get(asked.key(cell), Fraction(0)) + paid
    outstanding, owed = (shown(units, account.unit, account.scale) for units in (total, held.owed[account]))
    ordered = sorted(sums.items(), key=lambda item: asked.order(item[0]))
    parts = [(key, units, worth.get(key, Fraction(0))) for key, units in ordered]
    rows = tuple(_rounded(parts, asked) if known else (LiabilityRow(*key, units, None) for key, units, _ in parts))
    value = Fraction(1) if account.unit == asked.currency else None
    face = Money.from_minor(total, asked.currency) if value is not None else None
    amount = asked.money(sum(worth.values(), Fraction(0))) if known else None
    return AccountLiability(account, outstanding, owed, value, Fraction(0), face, amount, rows, prepaid=True)


def _rate(breakage: Rate | Breakage, account: Account, total: int) -> Fraction:
    """The share of an account's points that lapses; of an account that holds nothing it makes no difference."""
    if not isinstance(breakage, Breakage):
        return read_share(breakage, "breakage")
    rate = breakage.of(account)
    if rate is None and total:
        refuse("analysis.nothing_lapsed", "breakage", account=account.name, on=breakage.on.isoformat())
    return rate or Fraction(0)


def _rows(sums: Iterable[tuple[_Key, int]], each: Fraction | None, asked: _Asked) -> Iterator[LiabilityRow]:
    """The running total is rounded and each row has the difference, so that rows sum to the whole."""
    if each is None:
        yield from (LiabilityRow(*key, units, None) for key, units in sums)
        return
    yield from _rounded(((key, units, units * each) for key, units in sums), asked)


def _rounded(rows: Iterable[tuple[_Key, int, Fraction]], asked: _Asked) -> Iterator[LiabilityRow]:
    running, before = Fraction(0), 0
    for key, units, exact in rows:
        running += exact
        after = rounded(running, asked.rounding)
        yield LiabilityRow(*key, units, Money.from_minor(after - before, asked.currency))
        before = after


# -- in words ------------------------------------------------------------------------------------------------------------


@speak.register
def _(found: Liability, speaker: Speaker) -> str:
    lines = [speaker.word("liability_head", {"program": found.program, "on": found.on})]
    for account in found.accounts:
        about = {"account": account.account.name, "unit": account.account.unit}
        lines += ["", speaker.word("metrics_account", about), *_told(account, found, speaker)]
    return "\n".join(lines)


def _told(account: AccountLiability, found: Liability, speaker: Speaker) -> Iterator[str]:
    totals = {"outstanding": number_text(account.outstanding), "owed": number_text(account.owed)}
    yield f"  {speaker.word('liability_points', totals)}"
    if account.prepaid:
        known = account.amount is not None
        yield f"  {speaker.word('liability_prepaid' if known else 'liability_prepaid_unknown', {'amount': account.amount} if known else {})}"
    elif account.value is None:
        yield f"  {speaker.word('liability_no_value', {})}"
    else:
        said = {"value": rate_text(account.value), "breakage": percent(account.breakage), "face": account.face, "amount": account.amount}
        yield f"  {speaker.word('liability_amount', said)}"
    head = [speaker.word(name, {}) for name in ("metrics_source", "metrics_vintage", "liability_expiry", "liability_held", "liability_share")]
    rows = [[row.source or "-", row.vintage or "-", _bucket(row.expiry, found.limits, speaker), *_numbers(account, row)] for row in account.rows]
    if rows:
        yield from table([head, *rows], right=(3, 4))


def _numbers(account: AccountLiability, row: LiabilityRow) -> list[str]:
    points = number_text(shown(row.units, account.account.unit, account.account.scale))
    return [points, number_text(row.amount) if row.amount is not None else "-"]


def _bucket(expiry: str, limits: Sequence[int], speaker: Speaker) -> str:
    """``0-30``, ``31-90`` …, ``over 365``, ``never``: days until the last usable one."""
    if expiry in (LATER, NEVER):
        return speaker.word(f"liability_{expiry}", {"limit": limits[-1] if limits else 0})
    place = limits.index(int(expiry))
    return f"{limits[place - 1] + 1 if place else 0}-{expiry}"
