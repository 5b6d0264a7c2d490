"""Hypothesis strategies for tests of programs and policies: customers, events, histories, and whole programs.

Needs the optional package hypothesis (``pip install 'custrules[test]'``). What they draw is biased towards boundaries:
thresholds of the program's conditions and the numbers of its policies, one smallest unit below, at and above; what a customer
still lacks to one; balances; first and last days of months and versions, leap days, days on which clocks change, the instant
at which the program waits for something and its neighbours; several events at one instant; returns of every kind.

>>> from hypothesis import given
>>> from custrules.testing import strategies
>>>
>>> @given(strategies.histories(program))
... def test_nobody_has_points_and_debt(history):
...     state = cr.State.new(history[0].customer_id)
...     for event in history:
...         state = program.step(state, event).state
...     points = state.points()
...     assert not (points.available and points.owed)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from custrules.errors import MissingExtra
from custrules.events import AnyEvent
from custrules.policy import Policy
from custrules.program import Program
from custrules.testing.marks import Marks, marks_of
from custrules.testing.moves import CLOCKS, GAPS, LATE, MAKERS, MOST_PICKED, PICKS, Move, Writer, kinds_for
from custrules.testing.walks import Passing

try:
    from hypothesis import strategies as st

    from custrules.testing.program_strategies import made, program_documents
    from custrules.testing.value_strategies import Data
except ImportError:
    raise MissingExtra("custrules.testing.strategies (hypothesis)", "test") from None

__all__ = ["customers", "events", "histories", "passings", "program_documents", "programs"]

CUSTOMERS = ("c-1", "c/1", "客户-7", "day:2026-01-01", "two words", "%2F")
MOST_EVENTS = 20


def customers() -> st.SearchStrategy[str]:
    """Ids of customers: a plain one, and ones with what ids have to escape."""
    return st.sampled_from(CUSTOMERS)


def events(program: Program, *, customer_id: str = "c-1", kinds: Sequence[str] | None = None) -> st.SearchStrategy[AnyEvent]:
    """One event that a program reads, as a customer of whom nothing is known may have it; ``kinds`` are types of events."""
    return histories(program, customer_id=customer_id, kinds=kinds, max_size=1).map(lambda history: history[0])


def histories(
    program: Program,
    *,
    customer_id: str | st.SearchStrategy[str] = "c-1",
    kinds: Sequence[str] | None = None,
    late: bool = False,
    min_size: int = 1,
    max_size: int = MOST_EVENTS,
) -> st.SearchStrategy[tuple[AnyEvent, ...]]:
    """Histories of one customer, in order of acceptance: ``min_size`` to ``max_size`` events that the program reads.

    ``kinds`` are the types of events that may occur (those of the program by default; one named twice occurs more often), with
    ``late`` some happened up to four days before they come. Not every event is accepted: some ask for more than there is.
    """
    chosen = tuple(kinds) if kinds is not None else kinds_for(program)
    possible = kinds_for(program)
    unknown = sorted(set(chosen) - set(possible))
    if unknown:
        raise ValueError(f"the program {program.id!r} has no events of type {', '.join(unknown)} here; it has {', '.join(dict.fromkeys(possible))}")
    if not 1 <= min_size <= max_size:
        raise ValueError(f"a history has at least one event, and at most as many as at least: not {min_size} to {max_size}")
    marks = marks_of(program)

    customer = st.just(customer_id) if isinstance(customer_id, str) else customer_id
    many = _lists(_moves(chosen, late), min_size, max_size)
    return st.builds(_written, st.just(program), st.just(marks), customer, st.sampled_from(marks.starts), many)


def _lists(moves: st.SearchStrategy[Move], least: int, most: int) -> st.SearchStrategy[list[Move]]:
    """Three lists in a row: one alone is seldom long, and a list whose length is drawn first shrinks badly."""
    first = max(least, -(-most // 3))
    rest = (most - first + 1) // 2
    forced = least if least > 1 else 0  # one that is forced into the first list could not be left out for another
    parts = st.lists(moves, min_size=forced, max_size=first), st.lists(moves, max_size=rest), st.lists(moves, max_size=most - first - rest)
    return st.tuples(*parts).map(lambda drawn: [move for part in drawn for move in part]).filter(lambda drawn: len(drawn) >= least)


def _written(program: Program, marks: Marks, customer_id: str, start: date, moves: list[Move]) -> tuple[AnyEvent, ...]:
    writer = Writer(program, customer_id, start, marks)
    return tuple(writer.write(move) for move in moves)


def _moves(kinds: Sequence[str], late: bool) -> st.SearchStrategy[Move]:
    picks = st.tuples(*[st.integers(0, MOST_PICKED)] * PICKS)
    simple_first = sorted(kinds, key=tuple(MAKERS).index)
    return st.builds(
        Move, st.sampled_from(simple_first), st.sampled_from(GAPS), st.sampled_from(CLOCKS), st.sampled_from(LATE) if late else st.just(0), picks
    )


def passings() -> st.SearchStrategy[Passing]:
    """How a host lets time pass between events: days it sends daily or sometimes, instants, advances; or nothing at all."""
    return st.one_of(
        st.builds(Passing, every=st.sampled_from((1, 2, 7))),
        st.builds(Passing, hours=st.tuples(st.sampled_from((0, 1, 12, 24)), st.integers(0, 2000))),
        st.builds(Passing, every=st.sampled_from((0, 1, 3)), ticks=st.tuples(st.integers(0, 100)), hours=st.tuples(st.integers(0, 100))),
    )


def programs(policies: st.SearchStrategy[list[Data]] | None = None, kinds: Mapping[str, type[Policy]] | None = None) -> st.SearchStrategy[Program]:
    """Whole programs: a ladder, a points account, accruals, a redemption, returns, in one or more versions.

    ``policies`` draws policies of your own, in document form, that stand before them; ``kinds`` tells their classes. Facts that
    they may read: the measures spend, spend_before, orders, referrals, idle, visits, food, further; the reading aum; the profile fields
    segment and birthday; points and tier. ``program_documents(policies)`` draws the same as data.
    """
    return program_documents(policies).map(lambda data: made(data, kinds))
