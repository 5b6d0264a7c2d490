"""What the gift shop's programme comes to on its real transactions: where every customer stands on the last day, and the sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from typing import Any

from custrules.analysis.flows import Accounts
from custrules.cli.event_files import EventFile
from custrules.cli.passing import movements
from custrules.events import AnyEvent, Purchase, Return, total_of
from custrules.explaining import Compared
from custrules.money import Money
from custrules.program import Program, load
from custrules.standings import LadderProgress
from custrules.state import State
from custrules.state_parts import Level, Points
from custrules.steps import Step

HERE = files(__package__)
PROGRAM, EVENTS = "program.yaml", "transactions.jsonl.xz"
LAST_DAY = date(2011, 12, 9)
NEAR = 2  # customers shown for each level who nearly reached it
FEW = 7  # events of a customer whose history is told whole
ACCOUNT = "points"
_FELL, _LOST = ("tiers.downgrade.one_level", "tiers.downgrade.to_earned"), "tiers.downgrade.lost"


@dataclass(slots=True)
class Standing:
    """One customer at the end: level, points, what moved on the way (in points), money bought and returned, and what is missing to the next level."""

    customer_id: str
    events: int = 0
    purchases: int = 0
    returns: int = 0
    bought: int = 0
    returned: int = 0
    level: Level | None = None
    points: Points | None = None
    progress: LadderProgress | None = None
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    rose: Counter[str] = field(default_factory=Counter)
    fell: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    kinds: set[tuple[str, str]] = field(default_factory=set)

    @property
    def held(self) -> str | None:
        return self.level.name if self.level is not None else None

    @property
    def next_level(self) -> str | None:
        return self.progress.next.level if self.progress is not None and self.progress.next is not None else None

    @property
    def short(self) -> Compared | None:
        """The one comparison that keeps this customer from the next level."""
        goal = self.progress.next if self.progress is not None else None
        return goal.missing[0] if goal is not None and len(goal.missing) == 1 else None

    @property
    def missing(self) -> Money | None:
        """How much money is missing to the next level."""
        gap = self.short.gap if self.short is not None else None
        return gap if isinstance(gap, Money) else None

    def points_moved(self, name: str) -> int:
        return self.moved[ACCOUNT, name]

    def note(self, event: AnyEvent | None, step: Step, accounts: Accounts) -> None:
        self._note_event(event)
        self.moved.update(movements(accounts, step))
        for decision in step.decisions:
            for why in decision.reasons:
                self.kinds.add((decision.policy_id, why.code))
                if why.code == "tiers.upgrade.reached":
                    self.rose[why.params["level"]] += 1
                elif why.code in _FELL:
                    self.fell[why.params["before"]] += 1
                elif why.code == _LOST:
                    self.lost[why.params["before"]] += 1

    def _note_event(self, event: AnyEvent | None) -> None:
        self.events += event is not None
        if isinstance(event, Purchase):
            self.purchases, self.bought = self.purchases + 1, self.bought + event.amount.minor
        elif isinstance(event, Return):
            total = event.amount or total_of(event.lines)
            self.returns, self.returned = self.returns + 1, self.returned + (total.minor if total is not None else 0)


def demo_program() -> Program:
    """The gift shop's programme; MissingExtra without PyYAML."""
    return load(_inside(PROGRAM))


def demo_events(program: Program) -> Iterator[AnyEvent]:
    """The excerpt in the wheel, grouped by customer."""
    return iter(EventFile(_inside(EVENTS), program))


def _inside(name: str) -> str:
    return str(HERE.joinpath(name))


class Standings:
    """Where every customer of a program stands, noted step by step, in the order of the events."""

    found: dict[str, Standing]

    def __init__(self, program: Program) -> None:
        self._program, self._accounts = program, Accounts(program)
        self.found = {}

    def note(self, customer_id: str, event: AnyEvent | None, step: Step) -> None:
        self.found.setdefault(customer_id, Standing(customer_id)).note(event, step, self._accounts)

    def close(self, state: State) -> None:
        one = self.found[state.customer_id]
        one.level, one.points = state.tier(), state.points(ACCOUNT)
        one.progress = self._program.progress(state).ladders[0]


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A level: customers who hold it at the end; how often it was risen to, fallen from at a review, and lost by a return."""

    name: str
    customers: int
    rose: int
    fell: int
    lost: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums of the demo, and the customers it speaks of."""

    customers: int
    purchases: int
    returns: int
    first_day: date
    last_day: date
    bought: Money
    returned: Money
    points: Mapping[str, int]
    levels: tuple[LevelRow, ...]
    near: tuple[Standing, ...]
    told: str

    @property
    def nearest(self) -> str:
        """The customer to whom the least money is missing to any level."""
        return next(one.customer_id for one in sorted(self.near, key=lambda one: (one.missing, one.customer_id)))

    def to_data(self) -> dict[str, Any]:
        near = [{"customer_id": one.customer_id, "level": one.held, "next": one.next_level, "missing": one.missing} for one in self.near]
        rows = self.levels
        levels = {row.name: {"customers": row.customers, "rose_to": row.rose, "fell_from": row.fell, "lost_by_return": row.lost} for row in rows}
        counts = {"customers": self.customers, "purchases": self.purchases, "returns": self.returns}
        days = {"first_day": self.first_day, "last_day": self.last_day}
        money = {"spend": self.bought, "returned": self.returned, "net": self.bought - self.returned}
        return {**counts, **days, "money": money, "points": dict(self.points), "levels": levels, "nearly": near, "told": self.told}


def figures(program: Program, found: Mapping[str, Standing], first_day: date, last_day: date = LAST_DAY) -> Figures:
    """The sums over all standings."""
    everyone = list(found.values())
    names = program.rulebook.levels
    return Figures(
        customers=len(everyone),
        purchases=sum(one.purchases for one in everyone),
        returns=sum(one.returns for one in everyone),
        first_day=first_day,
        last_day=last_day,
        bought=Money.from_minor(sum(one.bought for one in everyone), program.currency),
        returned=Money.from_minor(sum(one.returned for one in everyone), program.currency),
        points=_points(everyone),
        levels=tuple(_level_row(name, everyone) for name in reversed(names)),
        near=tuple(one for name in reversed(names) for one in nearly(everyone, name)),
        told=most_told(everyone),
    )


def _points(everyone: Sequence[Standing]) -> dict[str, int]:
    """Points that moved on the way, then those that are there at the end."""
    moved = {name: sum(one.points_moved(name) for one in everyone) for name in ("issued", "taken_back", "forgiven", "expired")}
    ends = [one.points for one in everyone if one.points is not None]
    names = {"usable": "available", "pending": "pending", "owed": "owed"}
    return moved | {name: sum(int(getattr(end, reading)) for end in ends) for name, reading in names.items()}


def _level_row(name: str, everyone: Sequence[Standing]) -> LevelRow:
    held = sum(one.held == name for one in everyone)
    return LevelRow(name, held, *(sum(getattr(one, moves)[name] for one in everyone) for moves in ("rose", "fell", "lost")))


def nearly(everyone: Iterable[Standing], level: str, most: int = NEAR) -> tuple[Standing, ...]:
    """The customers for whom a level is the next and to whom the least money is missing for it, the closest first."""
    close = [(one.missing, one.customer_id, one) for one in everyone if one.next_level == level and one.missing is not None]
    return tuple(one for _, _, one in sorted(close, key=lambda row: row[:2])[:most])


def most_told(everyone: Iterable[Standing]) -> str:
    """The customer of few events about whom the most kinds of things were decided; of those, the fewest events, then the first number."""
    few = [one for one in everyone if one.events <= FEW]
    return min(few, key=lambda one: (-len(one.kinds), one.events, one.customer_id)).customer_id
