"""When a condition may next change: held against brute force over days, and against readers that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from conditions_examples import DOMAINS, TABLE, Example, Given, conditions
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from custrules.conditions import Bound, Condition, Leaf, bind, evaluate, next_change
from custrules.facts import Facts, FactValue

FIRST = date(2026, 1, 1)
DAYS = 10  # days that are looked at; nothing changes after them


@dataclass(frozen=True)
class History:
    """What each fact was on each day, and by how many days too early its change is announced."""

    values: Mapping[str, tuple[FactValue | None, ...]]
    early: Mapping[str, int]

    def on(self, number: int) -> OneDay:
        return OneDay(self, number)


@dataclass(frozen=True)
class OneDay:
    history: History
    number: int

    def value(self, name: str) -> FactValue | None:
        return self.history.values[name][self.number]

    def next_change(self, name: str) -> date | None:
        values = self.history.values[name]
        later = [day for day in range(self.number + 1, DAYS) if values[day] != values[self.number]]
        if not later:
            return None
        return FIRST + timedelta(days=max(self.number + 1, later[0] - self.history.early[name]))


@st.composite
def histories(draw: st.DrawFn) -> History:
    values = {}
    for name, domain in DOMAINS.items():
        steps = draw(st.lists(st.integers(1, DAYS - 1), max_size=3, unique=True))
        levels = [draw(st.none() | st.sampled_from(domain.all)) for _ in range(len(steps) + 1)]
        values[name] = tuple(levels[sum(day >= step for step in steps)] for day in range(DAYS))
    return History(values, {name: draw(st.integers(0, 2)) for name in DOMAINS})


Reader = Callable[[Bound, Facts], date | None]


def bound_of(example: Example) -> Bound:
    bound, faults = bind(Condition.of(example[0]), TABLE)
    assert bound is not None, faults
    return bound


def ever_late(reader: Reader, bound: Bound, history: History) -> bool:
    """Whether, on some day, the reader names a day after one on which the answer has already changed."""
    for today in range(DAYS):
        named = reader(bound, history.on(today))
        until = DAYS if named is None else min(DAYS, (named - FIRST).days)
        answers = {evaluate(bound, history.on(day)) for day in range(today, until)}
        if len(answers) > 1:
            return True
    return False


@given(conditions(), histories())
def test_an_answer_never_changes_before_the_day_named(example: Example, history: History) -> None:
    assert not ever_late(next_change, bound_of(example), history)


@given(conditions(), histories(), st.integers(0, DAYS - 1))
def test_the_day_named_lies_after_today(example: Example, history: History, today: int) -> None:
    named = next_change(bound_of(example), history.on(today))
    assert named is None or named > FIRST + timedelta(days=today)


def the_latest(bound: Bound, facts: Facts) -> date | None:
    return max((day for name in bound.facts if (day := facts.next_change(name))), default=None)


def deaf_to_not(bound: Bound, facts: Facts) -> date | None:
    if isinstance(bound, Leaf):
        return facts.next_change(bound.fact)
    days = [] if bound.kind == "not" else [deaf_to_not(child, facts) for child in bound.children]
    return min((day for day in days if day), default=None)


def only_the_first_child(bound: Bound, facts: Facts) -> date | None:
    return facts.next_change(bound.fact) if isinstance(bound, Leaf) else only_the_first_child(bound.children[0], facts)


def only_what_is_there(bound: Bound, facts: Facts) -> date | None:
    return min((day for name in bound.facts if facts.value(name) is not None and (day := facts.next_change(name))), default=None)


def a_day_late(bound: Bound, facts: Facts) -> date | None:
    day = next_change(bound, facts)
    return day and day + timedelta(days=1)


def never(bound: Bound, facts: Facts) -> date | None:
    return None


MUTANTS = [the_latest, deaf_to_not, only_the_first_child, only_what_is_there, a_day_late, never]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_brute_force_catches_a_wrong_reader(mutant: Reader) -> None:
    search = settings(max_examples=3000, derandomize=True, database=None, phases=[Phase.generate], deadline=None)
    example, history = find(st.tuples(conditions(), histories()), lambda case: ever_late(mutant, bound_of(case[0]), case[1]), settings=search)
    assert not ever_late(next_change, bound_of(example), history)


def test_time_changes_nothing_where_it_changes_no_fact() -> None:
    bound, _ = bind(Condition.of({"orders": ">= 5", "tier": "gold"}), TABLE)
    assert bound is not None
    assert next_change(bound, Given(orders=1)) is None


def test_the_earliest_day_of_all_facts_is_named() -> None:
    still: dict[str, tuple[FactValue | None, ...]] = dict.fromkeys(DOMAINS, (None,) * DAYS)
    orders, spend = (0,) * 4 + (1,) * 6, (0,) * 7 + (1,) * 3
    history = History({**still, "orders": orders, "spend": spend}, dict.fromkeys(DOMAINS, 0))
    bound, _ = bind(Condition.of({"any": [{"orders": "-"}, {"not": {"spend": ">= 0.01"}}]}), TABLE)
    assert bound is not None
    assert [next_change(bound, history.on(day)) for day in (0, 4, 7)] == [date(2026, 1, 5), date(2026, 1, 8), None]
