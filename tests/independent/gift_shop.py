"""The programme "gift-shop", computed plainly: what the library's answers on the same events must equal.

Written from the programme's rules alone; nothing is imported from the library. Money is whole pennies, rates are fractions, days are the shop's
(Europe/London). A customer's history comes sorted by instant. Time passes by the days on which something falls due: on each such day first the level
is reviewed, then lots mature (debt first), then lots lapse.
"""

import calendar
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

Event = Mapping[str, Any]

LONDON = ZoneInfo("Europe/London")
LEVELS = ("member", "silver", "gold", "platinum")
ENTER = (0, 1_000_00, 5_000_00, 20_000_00)  # pennies; nobody enters "member", everybody is
KEEP = (0, 800_00, 4_000_00, 16_000_00)
RATE = (Fraction(1), Fraction(5, 4), Fraction(3, 2), Fraction(2))  # points per pound
PENDING_DAYS = 14
TERM_MONTHS = 12
MEMBER_DAY = 8


@dataclass(frozen=True)
class Rules:
    """What a variant of the programme may set otherwise: in the programme itself no lot lapses before its purchase is past returning, so that points
    are never forgiven and, as nothing is redeemed, never owed."""

    expiry_months: int = 6
    matching_days: int = 90


GIFT_SHOP = Rules()


@dataclass(frozen=True)
class Result:
    """Where one customer stands when the last day ends. Money is in pennies; `until` is the level's last day, None for members."""

    level: str
    since: date
    until: date | None
    purchases: int
    returns: int
    unmatched: int
    issued: int
    taken_back: int
    forgiven: int
    settled: int
    expired: int
    owed: int
    usable: int
    pending: int


def months_on(day: date, months: int) -> date:
    """The same day of the month `months` later (or earlier), or that month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def pennies(text: str) -> int:
    """ "12.50" in pennies."""
    pounds, _, rest = text.partition(".")
    return int(pounds) * 100 + int((rest + "00")[:2])


# --- spend and level ---------------------------------------------------------------------------------------------------------------------------


@dataclass
class Spend:
    """Net pennies by local day: purchases less what was returned of that day, less what was returned on that day of no known purchase."""

    days: dict[date, int] = field(default_factory=dict)

    def add(self, day: date, amount: int) -> None:
        self.days[day] = self.days.get(day, 0) + amount

    def last_12_months(self, day: date) -> int:
        before = months_on(day, -12)
        return sum(amount for d, amount in self.days.items() if before < d <= day)

    def lifts(self) -> Iterator[date]:
        """Days on which a negative day leaves the twelve months, which alone raises the sum: a level may be reached by that."""
        for d, amount in self.days.items():
            if amount < 0:
                leaves = months_on(d, 12)
                while months_on(leaves, -12) < d:
                    leaves += timedelta(days=1)
                yield leaves


def earned(spend: int) -> int:
    """The highest level that this spend enters."""
    return max(level for level in range(len(LEVELS)) if level == 0 or spend >= ENTER[level])


@dataclass
class Rung:
    """A level that is or was held: 0 is member. One that was risen to is judged by returns as of `judged`; `terms` counts its terms."""

    level: int
    since: date
    anchor: date = date.min
    risen: bool = False
    judged: date = date.min
    terms: int = 1

    @property
    def until(self) -> date | None:
        return month_end(months_on(self.anchor, TERM_MONTHS * self.terms)) if self.level else None


@dataclass
class Ladder:
    """The rung held, and below it those it rose from, the last one last: a return that undoes a rise goes back to them."""

    spend: Spend
    rung: Rung
    below: list[Rung] = field(default_factory=list)

    @property
    def level(self) -> int:
        return self.rung.level

    @property
    def since(self) -> date:
        return self.rung.since

    @property
    def until(self) -> date | None:
        return self.rung.until

    @property
    def review_day(self) -> date | None:
        return self.until + timedelta(days=1) if self.until else None

    def rise(self, day: date) -> None:
        """After each event: the highest level entered as of its day, where that is above the one held."""
        level = earned(self.spend.last_12_months(day))
        if level > self.level:
            self.below += [self.rung] if self.level else []
            self.rung = Rung(level, day, anchor=day, risen=True, judged=day)

    def review(self, day: date) -> None:
        """The day after the term opens: another term, or one level down."""
        judged = day - timedelta(days=1)
        spend = self.spend.last_12_months(judged)
        self.below = []
        if spend >= KEEP[self.level] or earned(spend) >= self.level:
            self.rung.terms += 1
        else:
            self.rung = Rung(self.level - 1, day, anchor=judged)

    def after_return(self, day: date) -> None:
        """A level that was risen to must still be earned with the corrected spend, as of the day it was judged by, or as of today. What is left is
        the rung it rose from, while that one stands, or what is earned, if that is more."""
        if self.level == 0 or not self.rung.risen:
            return
        still = max(self.earned_on(self.rung.judged), self.earned_on(day))
        if still >= self.level:
            return
        while self.below and not self.stands(self.below[-1], day):
            self.below.pop()
        if self.below and self.below[-1].level >= still:
            self.rung = self.below.pop()
        else:
            self.rung = Rung(still, day, anchor=day, risen=True, judged=self.rung.judged)

    def stands(self, rung: Rung, day: date) -> bool:
        running = rung.until is None or rung.until >= day
        return running and (not rung.risen or rung.terms > 1 or self.earned_on(rung.judged) >= rung.level)

    def earned_on(self, day: date) -> int:
        return earned(self.spend.last_12_months(day))


# --- purchases, and what a return takes from them ----------------------------------------------------------------------------------------------


@dataclass
class Line:
    sku: str | None
    quantity: Fraction
    amount: int
    left: int

    def same_price(self, other: "Line") -> bool:
        return self.amount * other.quantity == other.amount * self.quantity


@dataclass(eq=False)
class Purchase:
    """A purchase with its lot of points. What happened to the lot: `remaining` is still there, `expired` lapsed, `forgiven` is the part of that
    which a return has already let go."""

    day: date
    lines: list[Line]
    rate: Fraction
    last_day: date
    awarded: int = 0
    reversed: int = 0
    remaining: int = 0
    expired: int = 0
    forgiven: int = 0

    @property
    def usable_from(self) -> date:
        return self.day + timedelta(days=PENDING_DAYS + 1)

    def worth(self) -> int:
        """The points for what is kept, at the rate recorded."""
        return sum(line.left for line in self.lines) * self.rate // 100


def lines_of(event: Event) -> list[Line]:
    amounts = [pennies(line["amount"]) for line in event["lines"]]
    pairs = zip(event["lines"], amounts, strict=True)
    return [Line(line.get("sku"), Fraction(line["quantity"]), amount, amount) for line, amount in pairs]


def candidates(purchases: list[Purchase], earliest: date) -> list[Purchase]:
    """Purchases that a return may be of, the latest first: of those so far, in order of time, the ones that are not too long ago."""
    return [purchase for purchase in reversed(purchases) if purchase.day >= earliest]


def match(line: Line, among: list[Purchase]) -> Iterator[tuple[Purchase, int]]:
    """What the returned line takes from earlier purchases: first of the same article, then of the same price. `line.left` is what found none.

    Quantities are not followed: a bought line is used up by its amount.
    """
    if line.sku is not None:
        yield from _take(line, ((p, bought) for p in among for bought in p.lines if bought.sku == line.sku))
    yield from _take(line, ((p, bought) for p in among for bought in p.lines if bought.same_price(line)))


def _take(line: Line, pairs: Iterable[tuple[Purchase, Line]]) -> Iterator[tuple[Purchase, int]]:
    for purchase, bought in pairs:
        if not line.left:
            return
        part = min(line.left, bought.left)
        if part:
            bought.left -= part
            line.left -= part
            yield purchase, part


# --- points ------------------------------------------------------------------------------------------------------------------------------------


@dataclass
class Account:
    """The lots of points, in order of purchase, with running totals of all that came and went."""

    lots: list[Purchase] = field(default_factory=list)
    issued: int = 0
    taken_back: int = 0
    forgiven: int = 0
    settled: int = 0
    expired: int = 0
    incurred: int = 0
    owed: int = 0

    def award(self, purchase: Purchase) -> None:
        purchase.awarded = purchase.remaining = purchase.worth()
        self.issued += purchase.awarded
        if purchase.awarded:
            self.lots.append(purchase)

    def open_day(self, day: date) -> None:
        for lot in self.lots:
            if lot.usable_from == day:
                self._settle(lot)
        for lot in self.lots:
            if lot.last_day < day:
                lot.expired += lot.remaining
                self.expired += lot.remaining
                lot.remaining = 0

    def _settle(self, lot: Purchase) -> None:
        paid = min(self.owed, lot.remaining)
        lot.remaining -= paid
        self.settled += paid
        self.owed -= paid

    def usable(self, day: date) -> list[Purchase]:
        """Usable lots, the soonest to lapse first, then the oldest."""
        return sorted((lot for lot in self.lots if lot.usable_from <= day <= lot.last_day), key=lambda lot: lot.last_day)

    def take_back(self, purchase: Purchase, day: date) -> None:
        """Points above what is kept go: from the purchase's own lot, then by forgiving what lapsed of it, then from other lots; the rest is owed."""
        missing = max(0, purchase.awarded - purchase.reversed - purchase.worth())
        purchase.reversed += missing
        missing -= self._draw(purchase, missing)
        forgiven = min(missing, purchase.expired - purchase.forgiven)
        purchase.forgiven += forgiven
        self.forgiven += forgiven
        missing -= forgiven
        for lot in self.usable(day) if missing else ():
            missing -= self._draw(lot, missing)
        self.owed += missing
        self.incurred += missing

    def _draw(self, lot: Purchase, wanted: int) -> int:
        part = min(wanted, lot.remaining)
        lot.remaining -= part
        self.taken_back += part
        return part


# --- one customer ------------------------------------------------------------------------------------------------------------------------------


@dataclass
class Customer:
    rules: Rules
    today: date  # days up to this one have opened
    ladder: Ladder
    account: Account = field(default_factory=Account)
    purchases: list[Purchase] = field(default_factory=list)
    bought: int = 0
    returned: int = 0
    unmatched: int = 0

    @classmethod
    def new(cls, rules: Rules, day: date) -> "Customer":
        return cls(rules, today=day, ladder=Ladder(Spend(), Rung(level=0, since=day)))

    def open_days(self, to: date) -> None:
        """Let the days up to `to` open, those on which something falls due."""
        while due := [day for day in self._dues() if self.today < day <= to]:
            self.today = min(due)
            if self.ladder.review_day == self.today:
                self.ladder.review(self.today)
            self.ladder.rise(self.today)
            self.account.open_day(self.today)
        self.today = max(self.today, to)

    def _dues(self) -> Iterator[date]:
        if self.ladder.review_day:
            yield self.ladder.review_day
        yield from self.ladder.spend.lifts()
        for lot in self.account.lots:
            if lot.remaining:
                yield lot.usable_from
                yield lot.last_day + timedelta(days=1)

    def accept(self, event: Event) -> None:
        day = instant(event).astimezone(LONDON).date()
        self.open_days(day)
        if event["type"] == "purchase":
            last_day = month_end(months_on(day, self.rules.expiry_months))
            self.buy(Purchase(day, lines_of(event), self.rate(day), last_day))
        else:
            self.give_back(lines_of(event), day)
        self.ladder.rise(day)

    def rate(self, day: date) -> Fraction:
        return RATE[self.ladder.level] * (2 if day.day == MEMBER_DAY else 1)

    def buy(self, purchase: Purchase) -> None:
        amount = sum(line.amount for line in purchase.lines)
        self.bought += amount
        self.ladder.spend.add(purchase.day, amount)
        self.purchases.append(purchase)
        self.account.award(purchase)

    def give_back(self, lines: list[Line], day: date) -> None:
        touched: list[Purchase] = []
        among = candidates(self.purchases, earliest=day - timedelta(days=self.rules.matching_days))
        for line in lines:
            for purchase, part in match(line, among):
                self.ladder.spend.add(purchase.day, -part)
                touched += [] if purchase in touched else [purchase]
            self.ladder.spend.add(day, -line.left)
            self.returned += line.amount
            self.unmatched += line.left
        for purchase in touched:
            self.account.take_back(purchase, day)
        self.ladder.after_return(day)

    def result(self) -> Result:
        """The totals as of the end of `today`, after checking that no point was lost or made."""
        account, ladder = self.account, self.ladder
        usable = sum(lot.remaining for lot in account.usable(self.today))
        pending = sum(lot.remaining for lot in account.lots if lot.usable_from > self.today)
        assert account.issued == usable + pending + account.taken_back + account.expired + account.settled
        assert account.incurred == account.settled + account.owed
        assert sum(ladder.spend.days.values()) == self.bought - self.returned
        return Result(
            level=LEVELS[ladder.level],
            since=ladder.since,
            until=ladder.until,
            purchases=self.bought,
            returns=self.returned,
            unmatched=self.unmatched,
            issued=account.issued,
            taken_back=account.taken_back,
            forgiven=account.forgiven,
            settled=account.settled,
            expired=account.expired,
            owed=account.owed,
            usable=usable,
            pending=pending,
        )


def instant(event: Event) -> datetime:
    return datetime.fromisoformat(event["occurred_at"]).astimezone(UTC)


def evaluate(events: Iterable[Event], until: date, rules: Rules = GIFT_SHOP) -> Result:
    """One customer's history, sorted by instant and not empty, and what has become of it when the local day `until` ends."""
    history = list(events)
    instants = [instant(event) for event in history]
    end = datetime.combine(until + timedelta(days=1), time(), LONDON)
    if not history or instants != sorted(instants) or instants[-1] >= end:
        raise ValueError(f"a history is events in order of time, at least one and none after {until}")
    customer = Customer.new(rules, instants[0].astimezone(LONDON).date())
    for event in history:
        customer.accept(event)
    customer.open_days(until)
    return customer.result()


def evaluate_all(events: Iterable[Event], until: date, rules: Rules = GIFT_SHOP) -> dict[str, Result]:
    """The result of each customer; `events` are grouped by customer, each customer's in order of time."""
    return {customer: evaluate(history, until, rules) for customer, history in groupby(events, key=lambda event: str(event["customer_id"]))}


def totals(results: Mapping[str, Result]) -> dict[str, int]:
    """The sums over all customers, by field of Result, and the number of customers at each level."""
    table = [asdict(result) for result in results.values()]
    numbers = [name for name, kind in Result.__annotations__.items() if kind is int]
    sums = {name: sum(row[name] for row in table) for name in numbers}
    return {"customers": len(table), **{level: sum(row["level"] == level for row in table) for level in LEVELS}, **sums}


def line_totals(events: Iterable[Event]) -> dict[str, tuple[int, int]]:
    """Per customer the pennies bought and the pennies returned, summed by Polars over the lines; no rule is asked."""
    rows = [(event["customer_id"], event["type"], line["amount"]) for event in events for line in event["lines"]]
    frame = pl.DataFrame(rows, schema={"customer": pl.String, "type": pl.String, "amount": pl.String}, orient="row")
    in_pennies = frame.with_columns(amount=pl.col("amount").str.replace(".", "", literal=True).cast(pl.Int64))
    bought = pl.col("amount").filter(pl.col("type") == "purchase").sum()
    returned = pl.col("amount").filter(pl.col("type") == "return").sum()
    sums = in_pennies.group_by("customer").agg(bought.alias("bought"), returned.alias("returned"))
    return {customer: (plus, minus) for customer, plus, minus in sums.iter_rows()}
