"""Choices out of numbers, and the history of a customer as far as it is written: what moves are made with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, TypeVar

from custrules import kernel
from custrules.calendars import local_day, start_of_day
from custrules.errors import CustrulesError
from custrules.events import AnyEvent, Tick
from custrules.moment import Moment
from custrules.money import from_units
from custrules.program import Program
from custrules.state import State
from custrules.testing.marks import Marks, marks_of

T = TypeVar("T")
Data = dict[str, Any]
MICROSECOND = timedelta(microseconds=1)


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


class Writing:
    """The history of one customer of a program as far as it is written, and what the next event may be made of."""

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

    @property
    def state(self) -> State:
        """Where the customer stands, stepped when it is asked for; a policy that breaks is the business of whoever plays the history."""
        for event in self.events[self._stepped :]:
            with suppress(CustrulesError):
                self._state = kernel.step(self.program.rulebook, self._state, event).state
        self._stepped = len(self.events)
        return self._state

    @property
    def today(self) -> date:
        return local_day(self.now, self.program.zone)

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


Maker = Callable[[Writing, list[Picks]], Data]
