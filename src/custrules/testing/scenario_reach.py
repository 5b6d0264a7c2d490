"""How a fact is brought to a value: the events, the profile or the day that do it. What cannot be brought about is None.

Nothing here knows what the engine will make of it: whoever uses it plays it and looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import islice, product
from typing import Any

from custrules.calendars import ONE_DAY
from custrules.conditions import Between, Bound, Equals, Leaf, Node, holds
from custrules.counting import MONEY_SUBJECTS, Counted
from custrules.documents.writing import Flow
from custrules.fields import rate_text
from custrules.measures import LatestMeter, OpenMeter, WindowMeter
from custrules.meters import BestMeter, BestPerMeter, ReadingMeter
from custrules.moment import Moment
from custrules.money import Money
from custrules.policies.tiers import Ladder
from custrules.policy import BalanceFact
from custrules.program import Program
from custrules.state import State
from custrules.testing.scenario_readings import shown

EARLIEST = date(2026, 1, 12)  # a plain Monday
MOST_EVENTS = 60
MOST_CLAUSES = 20
DAY_FACTS = ("weekday", "day_of_month", "month")
NEEDED: Mapping[str, Mapping[str, str]] = {
    "referral": {"friend": "friend-1"},
    "survey_response": {"score": "csat", "value": "5"},
    "card_update": {"stage": "found"},
    "complaint": {"category": "service"},
    "complaint_update": {"of": "complaint-1", "note": "boundary"},
}
"""What an event cannot do without, beside when it happens."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A value just inside a test, and the next one outside; ``outside`` None where nothing at all is outside too."""

    leaf: Leaf
    inside: Any
    outside: Any


@dataclass(slots=True)
class Setting:
    """What has to be so: the day, the profile, points given by hand, and how much of what is bought and done."""

    day: date
    profile: dict[str, str] = field(default_factory=dict)
    points: dict[str, str] = field(default_factory=dict)
    spend: int | None = None
    orders: int | None = None
    others: dict[str, int] = field(default_factory=dict)
    activities: list[Flow] = field(default_factory=list)
    amount: int | None = None


def start_of(program: Program) -> date:
    """A day on which the last version of every policy is in force."""
    return max(EARLIEST, program.rulebook.first_days[-1] + timedelta(days=40)) if program.rulebook.first_days else EARLIEST


def clauses(bound: Bound) -> list[tuple[Leaf, ...]]:
    """Ways to make a condition true, each a list of cells that hold together; what only comes by denial is left out."""
    if isinstance(bound, Leaf):
        return [] if bound.negated else [(bound,)]
    return list(islice(_of_node(bound), MOST_CLAUSES))


def _of_node(node: Node) -> Iterator[tuple[Leaf, ...]]:
    children = [clauses(child) for child in node.children]
    if node.kind == "any":
        yield from (clause for child in children for clause in child)
    elif node.kind == "all":
        yield from (tuple(leaf for clause in combination for leaf in clause) for combination in product(*children))


def edges(leaf: Leaf) -> Iterator[Edge]:
    """Every edge of a cell, each with the nearest value on either side."""
    for test in leaf.tests:
        if isinstance(test, Equals):
            yield Edge(leaf, test.value, None)
        elif isinstance(test, Between) and isinstance(test.low, int | Fraction):
            yield Edge(leaf, test.low if test.low_closed else test.low + 1, test.low - 1 if test.low_closed else test.low)
        elif isinstance(test, Between) and isinstance(test.high, int | Fraction):
            yield Edge(leaf, test.high if test.high_closed else test.high - 1, test.high + 1 if test.high_closed else test.high)


class Reach:
    """Brings facts of one program to values."""

    program: Program
    start: date

    def __init__(self, program: Program) -> None:
        self.program, self.start = program, start_of(program)
        self._rules = program.rulebook

    def setting(self, wanted: Iterable[tuple[Leaf, Any]]) -> Setting | None:
        """A setting in which every cell's fact has its value; None where one of them cannot be brought about."""
        setting = Setting(self.start)
        return setting if all(value is None or self._bring(setting, leaf, value) for leaf, value in wanted) else None

    def _bring(self, setting: Setting, leaf: Leaf, value: Any) -> bool:
        rules, name = self._rules, leaf.fact
        if name in rules.meters:
            return self._measure(setting, name, value)
        if name in rules.parts.profile:
            setting.profile[name] = shown(value)
            return True
        if name in rules.calendar or name in DAY_FACTS:
            return self._day(setting, leaf)
        given = rules.given.get(name)
        if isinstance(given, BalanceFact) and rules.resolve(given.account) in rules.accounts and isinstance(value, int | Fraction) and value >= 0:
            setting.points[rules.resolve(given.account)] = rate_text(Fraction(value))
            return True
        if given is not None and leaf.type.kind == "level":
            return self._level(setting, int(value))
        if name == "amount" and isinstance(value, int):
            setting.amount = value
            return value >= 0
        return False

    def _measure(self, setting: Setting, name: str, value: Any) -> bool:
        meter = self._rules.meters[name]
        if len(meter.counted) != 1 or not isinstance(value, int | Fraction) or value < 0:
            return False
        (counted,) = meter.counted
        if counted.where is not None or counted.lines is not None:
            return False
        if isinstance(meter, LatestMeter | ReadingMeter) and counted.subject in self._rules.parts.declared.readings:
            setting.activities.append(Flow({"reading": Flow(name=counted.subject, value=self._shown(counted, value))}))
            return True
        return isinstance(meter, WindowMeter | BestMeter | BestPerMeter | OpenMeter) and self._counted(setting, counted, value)

    def _shown(self, counted: Counted, value: int | Fraction) -> str:
        return shown(Money.from_minor(int(value), self.program.currency)) if counted.type.kind == "money" else rate_text(Fraction(value))

    def _counted(self, setting: Setting, counted: Counted, value: int | Fraction) -> bool:
        """As much as that of what is counted, at once."""
        if counted.subject in MONEY_SUBJECTS and counted.what in ("sum", "each"):
            setting.spend = max(setting.spend or 0, int(value))
        elif counted.what in ("count", "open") and counted.attribute is None and int(value) <= MOST_EVENTS:
            if counted.subject == "purchase":
                setting.orders = max(setting.orders or 0, int(value))
            else:
                setting.others[counted.subject] = int(value)
        elif counted.what in ("sum", "each") and counted.subject in self._rules.parts.declared.activities:
            field = counted.attribute or "quantity"
            setting.activities.append(Flow({counted.subject: Flow({field: self._shown(counted, value)})}))
        else:
            return False
        return True

    def _day(self, setting: Setting, leaf: Leaf) -> bool:
        """The first day from the start on which the calendar says so, and not on the day before."""
        days = (setting.day + timedelta(days=number) for number in range(1, 400))
        found = next((day for day in days if self._holds(leaf, day) and not self._holds(leaf, day - ONE_DAY)), None)
        setting.day = found or setting.day
        return found is not None

    def _holds(self, leaf: Leaf, day: date) -> bool:
        return holds(leaf, Moment(self._rules, State.new("nobody"), day).value(leaf.fact))

    def _level(self, setting: Setting, rank: int) -> bool:
        """A level by the first way into it that can be brought about."""
        for ladder in self.ladders():
            name = self._rules.levels[rank] if 0 <= rank < len(self._rules.levels) else ""
            level = next((level for level in ladder.levels if level.name == name), None)
            if level is not None and level.enter is None:
                return True
            for clause in clauses(self._rules.bound[id(level.enter), None]) if level is not None else []:
                if all(any(self._bring(setting, leaf, edge.inside) for edge in edges(leaf)) for leaf in clause):
                    return True
        return False

    def ladders(self) -> list[Ladder]:
        return [policy for policy in self._rules.phases(self.start)["rank"] if isinstance(policy, Ladder)]

    # -- as events -------------------------------------------------------------------------------------------------

    def events(self, setting: Setting, day: date | None = None) -> list[Flow]:
        """The events of a setting, on its day (or another): points first, then what is done, purchases last."""
        at = (day or setting.day).isoformat()
        rows = [Flow({"adjustment": Flow(at=at, account=name, quantity=points, reason="boundary")}) for name, points in setting.points.items()]
        rows += [Flow({name: Flow(at=at, **self._needed(name))}) for name, number in setting.others.items() for _ in range(number)]
        rows += [Flow({name: Flow(at=at, **fields)}) for row in setting.activities for name, fields in row.items()]
        return rows + [Flow({"purchase": Flow(at=at, amount=amount)}) for amount in self._amounts(setting)]

    @staticmethod
    def _needed(name: str) -> Mapping[str, str]:
        return NEEDED.get(name, {})

    def _amounts(self, setting: Setting) -> Iterator[str]:
        """What is bought: the orders asked for, which sum to the spend asked for; all but the last of them as small as can be."""
        orders = setting.orders if setting.orders is not None else int(bool(setting.spend))
        if not orders:
            return
        one = 10**self._rules.scale
        spend = setting.spend if setting.spend is not None else orders * one
        small = one if setting.spend is None else 1
        yield from (self.money(small) for _ in range(orders - 1))
        yield self.money(max(spend - small * (orders - 1), 0))

    def money(self, minor: int) -> str:
        return shown(Money.from_minor(minor, self.program.currency))
