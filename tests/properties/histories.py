"""Histories of one customer: clustered days, boundaries of days, months and amounts, returns of what was bought before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

import custrules as cr
from custrules.calendars import start_of_day
from custrules.events import AnyEvent
from custrules.money import SCALES
from properties.programs import Data, made, program_data

CUSTOMER = "c/1"  # with a slash, which ids have to escape
STARTS = (date(2011, 9, 30), date(2011, 12, 24), date(2011, 12, 31), date(2012, 1, 31), date(2012, 2, 28), date(2012, 10, 20))
GAPS = (*(0,) * 10, *(1,) * 6, 2, 2, 3, 6, 7, 8, 8, 14, 29, 30, 31, 61, 92, 183, 366)
CLOCKS = (None, None, "00:00:01", "09:00", "12:00", "23:59:59.999999", "+1us", "+0us")
AMOUNTS = ("0.01", "1", "9.99", "10", "33.33", "49.99", "50", "50.01", "99.99", "100", "100.01", "199.99", "200", "300")
WHOLE_AMOUNTS = ("1", "3", "10", "49", "50", "51", "99", "100", "101", "200", "300")
SKUS, CATEGORIES, CHANNELS = ("A", "B", "C"), ("food", "gift", None), ("app", "shop", None)
POINTS = (10, 10, 1, 5, 20, 25, 50, 99, 100, 150)


@dataclass(frozen=True)
class Case:
    """A program and a history of one customer; the data that they were made of are what a failure shows."""

    document: Data
    events: tuple[AnyEvent, ...]
    program: cr.Program

    def __repr__(self) -> str:
        lines = ",\n  ".join(event.to_json().decode() for event in self.events)
        return f"Case(document={self.document!r},\n events=[\n  {lines}])"


@dataclass
class Clock:
    """Where in time a history stands; it never goes back."""

    zone: ZoneInfo
    now: datetime

    def go(self, days: int, clock: str | None) -> datetime:
        day = self.now.astimezone(self.zone).date() + timedelta(days=days)
        at = self._at(day, clock)
        self.now = max(self.now, at)
        return self.now

    def _at(self, day: date, clock: str | None) -> datetime:
        if clock is None:
            return start_of_day(day, self.zone)
        if clock.startswith("+"):
            return max(self.now, start_of_day(day, self.zone)) + timedelta(microseconds=int(clock[1]))
        moment = datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=self.zone)
        return moment.astimezone(UTC)


@st.composite
def lines(draw: st.DrawFn, amounts: tuple[str, ...]) -> list[Data]:
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        row: Data = {
            "sku": draw(st.sampled_from(SKUS)),
            "amount": draw(st.sampled_from(amounts)),
            "quantity": draw(st.sampled_from(("1", "2", "3", "0.5"))),
        }
        category = draw(st.sampled_from(CATEGORIES))
        rows.append(row | ({"category": category} if category else {}))
    return rows


def _tenders(draw: st.DrawFn, total: int, unit: int) -> list[Data]:
    """Ways to pay a total of smallest units: points first or last, a coupon, a gift card, the rest in cash or by card."""
    rows: list[Data] = []
    left = total
    for kind in draw(st.lists(st.sampled_from(("points", "coupon", "gift_card", "stored_value")), max_size=2, unique=True)):
        if kind == "stored_value" and not draw(st.booleans()):
            continue
        points = draw(st.sampled_from((10, 50, 100)))
        amount = min(left, points * unit // 10)
        if amount <= 0:
            continue
        left -= amount
        row: Data = {"type": kind, "amount": amount}
        if kind == "points":
            row["quantity"] = str(amount * 10 // unit if amount * 10 % unit == 0 else points)
        elif kind == "gift_card":
            row["reference"] = draw(st.sampled_from(("G1", "X1")))
        rows.append(row)
    if left or not rows:
        money = draw(st.sampled_from(("cash", "card")))
        rows.insert(draw(st.integers(0, len(rows))), {"type": money, "amount": left})
    return rows


def shown(minor: int, unit: int) -> str:
    """Smallest units as a document writes them."""
    return str(minor) if unit == 1 else f"{minor // unit}.{minor % unit:02d}"


def _purchase(draw: st.DrawFn, currency: str) -> Data:
    unit = 10 ** SCALES[currency]
    amounts = AMOUNTS if unit > 1 else WHOLE_AMOUNTS
    purchase: Data = {"type": "purchase", "channel": draw(st.sampled_from(CHANNELS))}
    if draw(st.booleans()):
        purchase["lines"] = draw(lines(amounts))
        total = sum(int(Decimal(row["amount"]) * unit) for row in purchase["lines"])
    else:
        purchase["amount"] = draw(st.sampled_from(amounts))
        total = int(Decimal(purchase["amount"]) * unit)
    if draw(st.integers(0, 2)) == 0:
        purchase["tenders"] = [row | {"amount": shown(row["amount"], unit)} for row in _tenders(draw, total, unit)]
    return purchase


def _return(draw: st.DrawFn, currency: str, known: list[Data]) -> Data:
    unit = 10 ** SCALES[currency]
    amount = draw(st.sampled_from(AMOUNTS if unit > 1 else WHOLE_AMOUNTS))
    bought = [event for event in known if event["type"] == "purchase"]
    if not bought:
        return {"type": "return", "amount": amount}
    order = draw(st.sampled_from((bought[-1], *bought[-3:])))
    if draw(st.integers(0, 3)) == 0:
        return _unnamed(draw, order, amount)
    answer: Data = {"type": "return", "of": order["id"]}
    how = draw(st.sampled_from(("all", "all", "amount", "amount", "line", "line", "sku", "unknown")))
    if how == "amount":
        return answer | {"amount": amount}
    if how == "unknown":
        return answer | {"of": "no-such-order"}
    if how == "all" or "lines" not in order:
        return answer
    place = draw(st.integers(0, len(order["lines"]) - 1))
    line: Data = {"line": place + 1} if how == "line" else {"sku": order["lines"][place]["sku"]}
    part = draw(st.sampled_from(({}, {"quantity": "1"}, {"quantity": "0.5"}, {"amount": amount})))
    return answer | {"lines": [line | part]}


def _unnamed(draw: st.DrawFn, order: Data, amount: str) -> Data:
    """A return that names no purchase: of an article of one that is known, at its price or at another."""
    if "lines" not in order:
        return {"type": "return", "amount": draw(st.sampled_from((order["amount"], amount)))}
    line = draw(st.sampled_from(order["lines"]))
    row = {"sku": line["sku"], "amount": draw(st.sampled_from((line["amount"], amount))), "quantity": line["quantity"]}
    return {"type": "return", "lines": [row]}


def _event(draw: st.DrawFn, kind: str, currency: str, known: list[Data]) -> Data:
    if kind == "purchase":
        return _purchase(draw, currency)
    if kind == "return":
        return _return(draw, currency, known)
    if kind == "redemption":
        return {"type": kind, "points": draw(st.sampled_from(POINTS))}
    if kind == "redemption_cancelled":
        spent = [event["id"] for event in known if event["type"] == "redemption"]
        return {"type": kind, "of": draw(st.sampled_from(spent[-3:]))} if spent else {"type": "redemption", "points": 5}
    if kind == "adjustment":
        return {"type": kind, "account": "points", "quantity": draw(st.sampled_from((100, 150, 40, 1, -1, -30, -150))), "reason": "by hand"}
    if kind == "tier_grant":
        until = draw(st.sampled_from((None, "2012-03-31", "2013-12-31")))
        return {"type": kind, "level": draw(st.sampled_from(("basic", "silver"))), "reason": "match"} | ({"until": until} if until else {})
    if kind == "profile_update":
        return {
            "type": kind,
            "profile": draw(st.sampled_from(({"segment": "staff"}, {"segment": "vip"}, {"segment": None}, {"birthday": "1980-02-29"}))),
        }
    if kind == "activity":
        return {"type": kind, "name": "check_in", "attributes": {"steps": draw(st.sampled_from((1, 10, 15, 30)))}}
    return {"type": kind, "friend": "f-1"} if kind == "referral" else {"type": kind}


KINDS = (
    *("purchase",) * 7,
    *("return",) * 4,
    *("redemption",) * 2,
    "redemption_cancelled",
    *("adjustment",) * 2,
    "tier_grant",
    "profile_update",
    *("activity",) * 2,
    "referral",
    *("visit",) * 2,
    "enrolment",
)


@st.composite
def histories(draw: st.DrawFn, zone: str, currency: str, late: bool, most: int, kinds: tuple[str, ...]) -> list[Data]:
    """Events as data, in order of acceptance; with ``late`` some of them happened up to four days before they come."""
    clock = Clock(ZoneInfo(zone), start_of_day(draw(st.sampled_from(STARTS)), ZoneInfo(zone)))
    history: list[Data] = []
    for number in range(draw(st.integers(2, most))):
        at = clock.go(draw(st.sampled_from(GAPS)) if history else 0, draw(st.sampled_from(CLOCKS)))
        if late and history and draw(st.integers(0, 3)) == 0:
            at -= timedelta(hours=draw(st.sampled_from((1, 12, 24, 36, 71, 96))))
        kind = draw(st.sampled_from(kinds))
        event = _event(draw, kind, currency, history)
        history.append(event | {"id": f"e{number}", "customer_id": CUSTOMER, "occurred_at": at.isoformat()})
    return history


def read(program: cr.Program, history: list[Data]) -> tuple[AnyEvent, ...]:
    return tuple(program.event({name: value for name, value in event.items() if value is not None}) for event in history)


@st.composite
def cases(draw: st.DrawFn, late: bool = False, most: int = 25, wanted: str = "", kinds: tuple[str, ...] = KINDS) -> Case:
    """A program, with the toy that is wanted among others, and a history of some kinds of events that it can read."""
    document = draw(program_data(wanted))
    program = made(document)
    return Case(document, read(program, draw(histories(document["zone"], document["currency"], late, most, kinds))), program)
