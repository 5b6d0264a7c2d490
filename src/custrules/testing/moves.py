"""What a customer may do next, as a choice without numbers (a Move), and the event that it comes to as the customer stands.

Moves are what generated histories are made of: all of a move's choices are small numbers, of which nought is the simplest, so
that a history shrinks move by move and choice by choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple, TypeVar

from custrules import kernel
from custrules.calendars import local_day, start_of_day
from custrules.counting import AttributeKind
from custrules.errors import CustrulesError
from custrules.events import AnyEvent, Tick
from custrules.moment import Moment
from custrules.money import from_units
from custrules.policy import StatusFact
from custrules.program import Program
from custrules.state import State
from custrules.testing.marks import Marks, boundaries_after, marks_of

T = TypeVar("T")
Data = dict[str, Any]
Gap = int | Literal["due", "before_due", "after_due", "boundary"]

# Days until the next event, or up to what the program waits for next.
GAPS: tuple[Gap, ...] = (*(0,) * 10, *(1,) * 6, 2, 2, 3, 6, 7, 8, 8, 14, 29, 30, 31, 61, 92, 183, 366, "due", "before_due", "after_due", "boundary")
CLOCKS: tuple[str | None, ...] = (None, None, "00:00:01", "09:00", "12:00", "23:59:59.999999", "+1us", "+0us")
LATE = (0, 0, 0, 0, 0, 0, 1, 12, 24, 36, 71, 96)  # hours by which an event comes after it happened
SKUS, CATEGORIES, CHANNELS = ("A", "B", "C"), ("food", "gift"), ("app", "shop")
MOST_PICKED = 2**24 - 1
PICKS = 4
LONGEST_GAP = timedelta(days=800)
MICROSECOND = timedelta(microseconds=1)


class Move(NamedTuple):
    """One thing that a customer does: the kind of event, when it happens after the one before, and numbers that choose the rest."""

    kind: str
    gap: Gap = 0
    clock: str | None = None
    late: int = 0
    picks: tuple[int, ...] = ()


class Picks:
    """Choices out of one number: each takes its share of it; of nought, the first of everything."""

    left: int

    def __init__(self, number: int) -> None:
        self.left = number

    def one(self, options: Sequence[T]) -> T:
        self.left, place = divmod(self.left, len(options))
        return options[place]

    def yes(self, of: int = 2) -> bool:
        """True once in ``of`` times, and never for nought."""
        return self.one(range(of)) == of - 1


class Writer:
    """Writes the events of one customer of a program, one move after the other, and steps them to know where the customer stands."""

    program: Program
    marks: Marks
    now: datetime

    def __init__(self, program: Program, customer_id: str, start: date, marks: Marks | None = None) -> None:
        self.program, self.marks = program, marks or marks_of(program)
        self.customer_id = customer_id
        self.now = start_of_day(start, program.zone)
        self.events: list[AnyEvent] = []
        self.known: list[Data] = []
        self._state = State.new(customer_id)
        self._stepped = 0

    def write(self, move: Move) -> AnyEvent:
        """The event of a move, added to the history."""
        at = self._go(move) - timedelta(hours=move.late if self.events else 0)
        picks = [Picks(number) for number in (*move.picks, *(0,) * PICKS)[:PICKS]]
        data = MAKERS[move.kind](self, picks)
        head = {"id": f"e{len(self.events)}", "customer_id": self.customer_id, "occurred_at": at}
        event = self.program.event(data | head)
        self.events.append(event)
        self.known.append(data | head)
        return event

    @property
    def state(self) -> State:
        """Where the customer stands, stepped when it is asked for; a policy that breaks is the business of whoever plays the history."""
        for event in self.events[self._stepped :]:
            with suppress(CustrulesError):
                self._state = kernel.step(self.program.rulebook, self._state, event).state
        self._stepped = len(self.events)
        return self._state

    # -- when ------------------------------------------------------------------------------------------------------

    @property
    def today(self) -> date:
        return local_day(self.now, self.program.zone)

    def _go(self, move: Move) -> datetime:
        if isinstance(move.gap, int):
            day = self.today + timedelta(days=move.gap if self.events else 0)
            self.now = max(self.now, self._at(day, move.clock))
        elif move.gap == "boundary":
            days = boundaries_after(self.program, self.today)
            self.now = max(self.now, self._at(days[sum(move.picks) % len(days)], move.clock))
        else:
            self.now = max(self.now, self._due() + {"due": 0, "before_due": -1, "after_due": 1}[move.gap] * MICROSECOND)
        return self.now

    def _due(self) -> datetime:
        """When the program next waits for something, unless that is years away."""
        try:
            due = kernel.next_due(self.program.rulebook, self.state)
        except CustrulesError:
            due = None
        return due if due is not None and due - self.now < LONGEST_GAP else self.now

    def _at(self, day: date, clock: str | None) -> datetime:
        zone = self.program.zone
        if clock is None:
            return start_of_day(day, zone)
        if clock.startswith("+"):
            return max(self.now, start_of_day(day, zone)) + int(clock[1]) * MICROSECOND
        return datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=zone).astimezone(UTC)

    # -- how much --------------------------------------------------------------------------------------------------

    def amount(self, picks: Picks) -> int:
        """An amount in smallest units: an ordinary one, one at the program's marks, or what is missing to one of them."""
        missing = self._missing() if picks.yes(4) else []
        return picks.one(missing or self.marks.amounts)

    def _missing(self) -> list[int]:
        if not self.marks.sums or self.state.day is None:
            return []
        tick = Tick(customer_id=self.customer_id, at=self.now)
        moment = Moment(self.program.rulebook, self.state, self.today, tick)
        held = {name: moment.value(name) for name in self.marks.sums if name in self.program.rulebook.types}
        parts = [mark - int(value) for name, value in held.items() if isinstance(value, int | Fraction) for mark in self.marks.sums[name]]
        return [part + by for part in parts if part > 1 for by in (0, -1, 1)]

    def shown(self, minor: int) -> str:
        return format(from_units(minor, self.program.rulebook.scale), "f")

    def points(self, picks: Picks, account: str) -> int:
        """A quantity in smallest units of an account: a round one, what it holds or one less or more, or a number of the program."""
        one = int(10 ** self.program.rulebook.accounts[account][1])
        if picks.yes(5):
            return picks.one([int(mark * one) + by for mark in self.marks.numbers for by in (0, -1, 1) if mark * one + by >= 1] or [one])
        if not picks.yes(3):
            return picks.one((10, 100, 20, 50, 150, 5, 25, 1)) * one
        held = self.state.ledger.usable(account, self.today) if account in self.state.ledger.accounts else 0
        tens = held // (10 * one) * 10 * one
        return max(1, picks.one((tens, held, tens, tens // 2, held - 1, held + 1)))

    def quantity(self, units: int, account: str) -> str:
        return format(from_units(units, self.program.rulebook.accounts[account][1]), "f")


Maker = Callable[[Writer, list[Picks]], Data]

# -- orders ------------------------------------------------------------------------------------------------------------


def _purchase(writer: Writer, picks: list[Picks]) -> Data:
    head, *parts = picks
    channel = head.one((*CHANNELS, None, *writer.marks.words.get("channel", ())))
    data: Data = {"type": "purchase"} | ({"channel": channel} if channel else {})
    if head.yes():
        lines = [_line(writer, part) for part in parts[: head.one((1, 2, 3))]]
        data["lines"] = [line | {"amount": writer.shown(line["amount"])} for line in lines]
        total = sum(line["amount"] for line in lines)
    else:
        total = writer.amount(parts[0])
        data["amount"] = writer.shown(total)
    if head.yes(3):
        data["tenders"] = [row | {"amount": writer.shown(row["amount"])} for row in _tenders(writer, parts[-1], total)]
    return data


def _line(writer: Writer, picks: Picks) -> Data:
    words = writer.marks.words
    sku, category = picks.one((*SKUS, *words.get("sku", ()))), picks.one((*CATEGORIES, None, *words.get("category", ())))
    line: Data = {"sku": sku, "quantity": picks.one(("1", "2", "3", "0.5")), "amount": writer.amount(picks)}
    return line | ({"category": category} if category else {})


def _tenders(writer: Writer, picks: Picks, total: int) -> list[Data]:
    """Ways to pay a total of smallest units: points first or last, a coupon, a gift card, the rest in cash or by card."""
    rows: list[Data] = []
    left = total
    account = writer.program.rulebook.first_account
    for kind in picks.one((("points",), (), ("coupon",), ("gift_card",), ("points", "coupon"), ("coupon", "points"), ("stored_value",))):
        if kind == "points" and account is None:
            continue
        units = writer.points(picks, account) if kind == "points" and account is not None else 0
        amount = min(left, picks.one((*(max(1, left // part) for part in (1, 2, 10)), _worth(writer, units))))
        if amount <= 0:
            continue
        left -= amount
        extra = {"quantity": writer.quantity(units, account)} if kind == "points" and account is not None else {}
        rows.append({"type": kind, "amount": amount, **extra, **({"reference": picks.one(("G1", "X1"))} if kind == "gift_card" else {})})
    if left or not rows:
        rows.insert(picks.one(range(len(rows) + 1)), {"type": picks.one(("cash", "card")), "amount": left})
    return rows


def _worth(writer: Writer, units: int) -> int:
    """What points are worth where the program lets them be spent, in smallest units; the units themselves where it does not."""
    for policy in writer.program.policies:
        value = getattr(policy, "value", None)
        points, money = getattr(value, "points", None), getattr(value, "money", None)
        if isinstance(points, Decimal) and isinstance(money, Decimal) and writer.program.rulebook.first_account is not None:
            scale = writer.program.rulebook.accounts[writer.program.rulebook.first_account][1]
            return int(Fraction(units, 10**scale) * Fraction(money) * 10**writer.program.rulebook.scale / Fraction(points))
    return units


def _return(writer: Writer, picks: list[Picks]) -> Data:
    head, part = picks[0], picks[1]
    bought = [event for event in writer.known if event["type"] == "purchase"]
    amount = writer.shown(writer.amount(part))
    if not bought:
        return {"type": "return", "amount": amount}
    order = head.one((bought[-1], *bought[-3:]))
    how = head.one(("all", "all", "amount", "amount", "line", "line", "sku", "unnamed", "unnamed", "unnamed", "unknown"))
    if how == "unnamed":
        return _unnamed(order, amount, part)
    answer: Data = {"type": "return", "of": "no-such-order" if how == "unknown" else order["id"]}
    if how == "amount":
        return answer | {"amount": amount}
    if how not in ("line", "sku") or "lines" not in order:
        return answer
    place = part.one(range(len(order["lines"])))
    line: Data = {"line": place + 1} if how == "line" else {"sku": order["lines"][place]["sku"]}
    return answer | {"lines": [line | part.one(({}, {"quantity": "1"}, {"quantity": "0.5"}, {"amount": amount}))]}


def _unnamed(order: Data, amount: str, picks: Picks) -> Data:
    """A return that names no purchase: of an article of one that is known, at its price or at another."""
    if "lines" not in order:
        return {"type": "return", "amount": picks.one((order["amount"], amount))}
    line = picks.one(order["lines"])
    return {"type": "return", "lines": [{"sku": line["sku"], "amount": picks.one((line["amount"], amount)), "quantity": line["quantity"]}]}


# -- points and levels -------------------------------------------------------------------------------------------------


def _redemption(writer: Writer, picks: list[Picks]) -> Data:
    """Points are spent; where levels have benefits, one of them is used as often as not."""
    if _benefits(writer.program) and (picks[3].yes() or not writer.program.rulebook.accounts):
        return _benefit(writer, picks)
    account = picks[0].one(tuple(writer.program.rulebook.accounts))
    named = {} if account == writer.program.rulebook.first_account else {"account": account}
    return {"type": "redemption", "points": writer.quantity(writer.points(picks[1], account), account), **named}


def _redemption_cancelled(writer: Writer, picks: list[Picks]) -> Data:
    spent = [event["id"] for event in writer.known if event["type"] == "redemption"]
    return {"type": "redemption_cancelled", "of": picks[0].one(spent[-3:])} if spent else _redemption(writer, picks)


def _benefit(writer: Writer, picks: list[Picks]) -> Data:
    """A benefit is used, at times more of it than there may be."""
    data: Data = {"type": "redemption", "reward": picks[0].one(_benefits(writer.program))}
    return data | ({"quantity": picks[1].one((2, 3))} if picks[1].yes(4) else {})


def _benefits(program: Program) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for policy in program.rulebook.companions for name in policy.rewards()))


def _adjustment(writer: Writer, picks: list[Picks]) -> Data:
    account = picks[0].one(tuple(writer.program.rulebook.accounts))
    quantity = Decimal(writer.quantity(writer.points(picks[1], account), account))
    return {"type": "adjustment", "account": account, "quantity": picks[0].one((1, 10, 1, -1)) * quantity, "reason": "by hand"}


def _ladders(program: Program) -> dict[str, tuple[str, ...]]:
    """The statuses that hold levels, with their levels."""
    given = program.rulebook.given.values()
    return {fact.status: fact.type.values for fact in given if isinstance(fact, StatusFact) and fact.type.kind == "level"}


def _tier_grant(writer: Writer, picks: list[Picks]) -> Data:
    status, levels = picks[0].one(tuple(_ladders(writer.program).items()))
    until = picks[0].one((None, 30, 365, 0, -1))
    data = {"type": "tier_grant", "status": status, "level": picks[0].one(levels), "reason": "match"}
    return data | ({"until": writer.today + timedelta(days=until)} if until is not None else {})


# -- the customer's own ------------------------------------------------------------------------------------------------


def _profile_update(writer: Writer, picks: list[Picks]) -> Data:
    profile = writer.program.rulebook.parts.profile
    name = picks[0].one(tuple(profile))
    known = profile[name].values or (*writer.marks.words.get(name, ()), *_values(writer, profile[name].kind, picks[1])) or ("some",)
    value = picks[0].one(known) if not picks[0].yes(5) else None
    return {"type": "profile_update", "profile": {name: value}}


def _values(writer: Writer, kind: AttributeKind, picks: Picks) -> tuple[Any, ...]:
    """Values of a declared kind; none for text, which may be a closed set."""
    if kind == "money":
        return (writer.shown(writer.amount(picks)),)
    if kind in ("number", "whole"):
        return (picks.one((1, 10, 15, 30, *map(int, writer.marks.numbers))),)
    if kind == "date":
        today = writer.today
        return (date(1980, 2, 29), date(1990, today.month, min(today.day, 28)), date(1975, 12, 31), today)
    return (True, False) if kind == "flag" else ()


def _activity(writer: Writer, picks: list[Picks]) -> Data:
    activities = writer.program.rulebook.parts.declared.activities
    name, declared = picks[0].one(tuple(activities.items()))
    data: Data = {"type": "activity", "name": name}
    if declared.unit is not None:
        data["quantity"] = picks[0].one((1, 10, *map(int, writer.marks.numbers)))
    attributes = {key: _attribute(writer, key, kind, picks[1 + place % 3]) for place, (key, kind) in enumerate(declared.attributes.items())}
    return data | {"attributes": attributes}


def _reading(writer: Writer, picks: list[Picks]) -> Data:
    name, kind = picks[0].one(tuple(writer.program.rulebook.parts.declared.readings.items()))
    return {"type": "reading", "name": name, "value": picks[0].one(_values(writer, kind, picks[1]))}


def _attribute(writer: Writer, name: str, kind: AttributeKind, picks: Picks) -> Any:
    return picks.one(_values(writer, kind, picks) or (*writer.marks.words.get(name, ()), "here", "there"))


def _consent(writer: Writer, picks: list[Picks]) -> Data:
    return {"type": "consent_update", "consent": {picks[0].one(("sms", "email")): picks[0].one(("marketing", "none"))}}


def _plain(kind: str, **fields: Any) -> Maker:
    return lambda writer, picks: {"type": kind, **fields}


MAKERS: Mapping[str, Maker] = {
    "visit": _plain("visit"),
    "purchase": _purchase,
    "return": _return,
    "redemption": _redemption,
    "redemption_cancelled": _redemption_cancelled,
    "adjustment": _adjustment,
    "tier_grant": _tier_grant,
    "profile_update": _profile_update,
    "activity": _activity,
    "reading": _reading,
    "referral": _plain("referral", friend="f-1"),
    "consent_update": _consent,
    "enrolment": _plain("enrolment"),
}
WEIGHTS = {"purchase": 7, "return": 4, "redemption": 2, "adjustment": 2, "activity": 2, "visit": 2}


def kinds_for(program: Program) -> tuple[str, ...]:
    """The kinds of events that a program can read, the frequent ones several times."""
    rules = program.rulebook
    without = set() if rules.accounts else {"adjustment"}
    without |= set() if rules.accounts or _benefits(program) else {"redemption", "redemption_cancelled"}
    without |= set() if _ladders(program) else {"tier_grant"}
    without |= set() if rules.parts.profile else {"profile_update"}
    without |= set() if rules.parts.declared.activities else {"activity"}
    without |= set() if rules.parts.declared.readings else {"reading"}
    return tuple(kind for kind in MAKERS if kind not in without for _ in range(WEIGHTS.get(kind, 1)))
