"""``cr.deferred_revenue``: what a journal defers for points granted with purchases, and when it becomes revenue."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from custrules.analysis.cohorts import NAMES, Came, CohortKey, cohorts
from custrules.analysis.comparison_text import number_text
from custrules.analysis.deferral import share_recognised
from custrules.analysis.periods import PERIODS, Per, between, first_of, last_of, name_of
from custrules.analysis.refusal import many_in, one_of, program_in, refuse
from custrules.analysis.worth import Price, Rate, Worth, read_on, read_rounding, read_share
from custrules.codec import canonical
from custrules.messages import Speaker, speak
from custrules.messages.columns import table
from custrules.money import Money, Rounding, rounded
from custrules.program import Program
from custrules.replaying import Entry

PURCHASE, BOUGHT = "purchase", "bought"


@dataclass(frozen=True, slots=True)
class DeferredPeriod:
    """One period: ``opening`` + ``deferred`` - ``reversed`` - ``recognised`` = ``closing``, which is still owed as points.

    ``deferred`` is the points' share of what was bought, ``reversed`` what returns took out of it, ``recognised`` revenue from points
    that were used or lapsed; ``catch_up`` is the part of that which a changed expectation made up for.
    """

    name: str
    first_day: date
    last_day: date
    opening: Money
    deferred: Money
    reversed: Money
    recognised: Money
    catch_up: Money
    closing: Money

    def to_data(self) -> dict[str, Any]:
        names = ("first_day", "last_day", "opening", "deferred", "reversed", "recognised", "catch_up", "closing")
        return {"period": self.name} | {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class DeferredRevenue:
    """The roll-forward of revenue deferred for points, over all accounts. ``cr.render`` puts it into words."""

    program: str
    on: date
    per: str
    rounding: str
    periods: tuple[DeferredPeriod, ...]

    def to_data(self) -> dict[str, Any]:
        head = {"program": self.program, "on": self.on, "per": self.per, "rounding": self.rounding}
        return {**head, "periods": [period.to_data() for period in self.periods]}

    def to_json(self) -> bytes:
        """Canonical JSON: amounts as exact text."""
        return canonical(self.to_data())


def deferred_revenue(
    program: Program,
    entries: Iterable[Entry],
    prices: Mapping[tuple[str, str], Money],
    *,
    on: date | str,
    breakage: Rate | Mapping[date | str, Rate],
    value: Price | Mapping[str, Price] | None = None,
    per: Per = "month",
    rounding: Rounding | str = Rounding.half_up,
) -> DeferredRevenue:
    """What points that were bought or granted with purchases defer, and what of it becomes revenue, period by period up to the end of a day.

    ``prices`` are what customers paid, by (customer id, event id): it is divided between goods, at that price, and points, at their value ×
    (1 - breakage) on that day. ``breakage`` is the share of points expected never to be used, or shares by the first day from which each is
    expected. Points of a vintage are revenue in the proportion used ÷ expected to be used; what is left when they have lapsed is
    revenue then. ``value`` as for ``cr.liability``. Points of the source ``purchase`` defer their share, points that were ``bought``
    all that was paid for them; gratis points are a cost, not part of a price. Entries are a whole journal, each customer's together
    and in order. AnalysisError for a purchase without a price.
    """
    program_in(program, "program")
    many_in(entries, "entries")
    day, named = read_on(on), read_rounding(rounding)
    expected = _Expected(breakage)
    book = _Book(one_of(per, PERIODS, "per"), Worth(program, value), expected, prices, program.currency)
    book.read(program, entries, day)
    return DeferredRevenue(program.id, day, per, str(named), tuple(book.periods(day, named)))


class _Expected:
    """The share of points that is expected to be used, from day to day."""

    def __init__(self, breakage: Rate | Mapping[date | str, Rate]) -> None:
        dated = breakage if isinstance(breakage, Mapping) else {date.min: breakage}
        found = sorted((day if day == date.min else read_on(day), 1 - read_share(rate, "breakage")) for day, rate in dated.items())
        if not found:
            refuse("analysis.wrong_type", "breakage", expected="a share, or shares by first day", found="{}")
        self._days, self._shares = [day for day, _ in found], [share for _, share in found]

    def on(self, day: date) -> Fraction:
        """Before the first day that is named, the first share."""
        return self._shares[max(bisect_right(self._days, day) - 1, 0)]


class _Standing(NamedTuple):
    """One cohort at the end of a period: what was deferred for it, what of that returns have left, and how much of its points was used."""

    deferred: Fraction
    left: Fraction
    used: int
    net: int
    over: bool

    def recognised(self, expected: Fraction) -> Fraction:
        return self.left * share_recognised(self.used, self.net * expected, self.over)


class _Cohort:
    """The points of one vintage: what happened to them by period, in smallest units, and what was deferred for them, exactly."""

    moved: Counter[tuple[date, str]]
    deferred: dict[date, Fraction]

    def __init__(self) -> None:
        self.moved, self.deferred = Counter(), {}

    def award(self, first: date, units: int, deferred: Fraction) -> None:
        self.moved[first, "awarded"] += units
        self.deferred[first] = self.deferred.get(first, Fraction(0)) + deferred

    def standings(self, periods: Iterable[tuple[date, date]]) -> Iterator[_Standing]:
        """At the end of each period, one after the other."""
        sums, deferred = Counter[str](), Fraction(0)
        for first, _ in periods:
            sums.update({name: self.moved[first, name] for name in (*NAMES, "awarded")})
            deferred += self.deferred.get(first, 0)
            awarded = sums["awarded"]
            net = max(awarded - sums["reversed"], 0)
            left = deferred * Fraction(min(net, awarded), awarded) if awarded else Fraction(0)
            gone = sums["issued"] == sums["reversed"] + sums["used"] + sums["lapsed"]
            yield _Standing(deferred, left, sums["used"], net, gone)


class _Award(NamedTuple):
    """Points of one order: at their stand-alone selling price, or, where they were bought, at what was paid for them."""

    key: CohortKey
    first: date
    units: int
    selling_price: Fraction
    paid: Fraction | None = None


class _Book:
    """Cohorts of points that were bought or granted with purchases, as a journal is read."""

    def __init__(self, per: str, worth: Worth, expected: _Expected, prices: Mapping[tuple[str, str], Money], currency: str) -> None:
        self._per, self._worth, self._expected, self._prices, self._currency = per, worth, expected, prices, currency
        self._cohorts: dict[CohortKey, _Cohort] = {}
        self._order: tuple[str, str] | None = None
        self._awards: list[_Award] = []

    def read(self, program: Program, entries: Iterable[Entry], on: date) -> None:
        for came in cohorts(program, entries, on, self._per):
            if came.key.source in (PURCHASE, BOUGHT):
                self._note(came)
        self._close()

    def _note(self, came: Came) -> None:
        cohort = self._cohorts.setdefault(came.key, _Cohort())
        first = first_of(came.line.day, self._per)
        cohort.moved[first, came.name] += came.units
        if came.flow != "issued" or came.lot is None or came.lot.origin != came.line.decision.event_id:
            return
        worth, paid = self._worth.on(came.key.account, came.line.day), _paid(came)
        if worth is not None or paid is not None:
            self._begin((came.line.customer_id, came.lot.origin))
            price = came.units * (worth or 0) * self._expected.on(came.line.day)
            self._awards.append(_Award(came.key, first, came.units, price, paid))

    def _begin(self, order: tuple[str, str]) -> None:
        """Awards of one order come one after the other: they share one price."""
        if order != self._order:
            self._close()
            self._order = order

    def _close(self) -> None:
        if self._order is not None:
            granted = [award for award in self._awards if award.paid is None]
            price = max(self._price(self._order) - sum(award.paid or 0 for award in self._awards), Fraction(0))
            whole = price + sum(award.selling_price for award in granted)
            for award in self._awards:
                share = price * award.selling_price / whole if whole else Fraction(0)
                self._cohorts[award.key].award(award.first, award.units, share if award.paid is None else award.paid)
        self._order, self._awards = None, []

    def _price(self, order: tuple[str, str]) -> Fraction:
        price = self._prices.get(order)
        if price is None:
            refuse("analysis.no_price", "prices", customer=order[0], event=order[1])
        if price.currency != self._currency:
            refuse("analysis.other_currency", "prices", base=self._currency, candidate=price.currency)
        return Fraction(price.minor)

    # -- period by period ------------------------------------------------------------------------------------------

    def periods(self, on: date, rounding: Rounding) -> Iterator[DeferredPeriod]:
        starts = [first for cohort in self._cohorts.values() for first, _ in cohort.moved]
        spans = [(first, min(last_of(first, self._per), on)) for first in between(min(starts), on, self._per)] if starts else []
        sums = [Counter[str]() for _ in spans]
        for cohort in self._cohorts.values():
            before = _Rounded()
            for number, (standing, (_, end)) in enumerate(zip(cohort.standings(spans), spans, strict=True)):
                after = before.then(standing, self._expected.on(end), rounding)
                sums[number].update(after.since(before))
                before = after
        opening = 0
        for (first, end), moved in zip(spans, sums, strict=True):
            closing = opening + moved["deferred"] - moved["reversed"] - moved["recognised"]
            told = (opening, moved["deferred"], moved["reversed"], moved["recognised"], moved["catch_up"], closing)
            yield DeferredPeriod(name_of(first, self._per), first, end, *(Money.from_minor(minor, self._currency) for minor in told))
            opening = closing


def _paid(came: Came) -> Fraction | None:
    """What was paid for points that were bought, in smallest units of the currency."""
    told = next((why for why in came.line.decision.reasons if why.code == "points.sale.bought"), None)
    return Fraction(told.params["paid"].minor) if told is not None and came.key.source == BOUGHT else None


_NOTHING = _Standing(Fraction(0), Fraction(0), 0, 0, over=False)


@dataclass(frozen=True, slots=True)
class _Rounded:
    """The running totals of a cohort in whole smallest units, and where it stood."""

    deferred: int = 0
    left: int = 0
    recognised: int = 0
    catch_up: int = 0
    standing: _Standing = _NOTHING

    def then(self, now: _Standing, expected: Fraction, rounding: Rounding) -> _Rounded:
        """The totals one period on; by how much a new expectation alone moves what was recognised before is its catch-up."""
        again = rounded(self.standing.recognised(expected), rounding)
        deferred, left, recognised = (rounded(exact, rounding) for exact in (now.deferred, now.left, now.recognised(expected)))
        return _Rounded(deferred, left, recognised, self.catch_up + again - self.recognised, now)

    def since(self, before: _Rounded) -> dict[str, int]:
        deferred = self.deferred - before.deferred
        return {
            "deferred": deferred,
            "reversed": deferred - (self.left - before.left),
            "recognised": self.recognised - before.recognised,
            "catch_up": self.catch_up - before.catch_up,
        }


# -- in words ------------------------------------------------------------------------------------------------------------


@speak.register
def _(found: DeferredRevenue, speaker: Speaker) -> str:
    head = speaker.word("deferred_head", {"program": found.program, "on": found.on})
    if not found.periods:
        return f"{head}\n\n  {speaker.word('metrics_nothing', {})}"
    names = ("opening", "deferred", "reversed", "recognised", "catch_up", "closing")
    titles = [speaker.word("metrics_period", {}), speaker.word("metrics_opening", {}), *(speaker.word(f"deferred_{name}", {}) for name in names[1:])]
    rows = [[period.name, *(number_text(getattr(period, name)) for name in names)] for period in found.periods]
    return "\n".join([head, "", *table([titles, *rows], right=range(1, len(titles)))])
