"""Benefits over generated programs and histories: never more uses than there may be, and a use that is cancelled was none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache, partial
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import custrules as cr
from custrules.calendars import add_months, local_day
from custrules.policies.tiers.uses import Uses
from custrules.testing.value_strategies import Data
from custrules.testing.walks import walked
from properties.finding_out import fails, found_out
from properties.histories import CUSTOMER, Case
from properties.invariants import closing_of, follow
from properties.programs import made

PERIODS = ("calendar day", "calendar month", "10 days", "lifetime", "birthday year", "membership year", "term")
START = date(2011, 12, 20)
SEARCH = settings(max_examples=400, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


@lru_cache(maxsize=64)
def club(per: str, quantity: int) -> tuple[Data, cr.Program]:
    """A club whose base level, but for terms, and whose gold level have a benefit of one name."""
    uses = {"name": "upsize", "per": per}
    base = {"name": "base"} | ({"benefits": [{**uses, "quantity": quantity}]} if per != "term" else {})
    gold = {"name": "gold", "enter": {"spend": ">= 100"}, "benefits": [{**uses, "quantity": quantity + 1}]}
    ladder = {"id": "tier", "kind": "tiers.ladder", "levels": [base, gold], "term": "1 month", "downgrade": "one_level"}
    data = {
        "program": "club",
        "zone": "Europe/London",
        "currency": "GBP",
        "late": "20 days",
        "profile": {"birthday": {"type": "birthday"}},
        "measures": {"spend": {"sum": "spend", "window": "30 days"}},
        "policies": [ladder],
    }
    return data, made(data)


@st.composite
def clubs(draw: st.DrawFn) -> Case:
    """A member who uses a benefit often, cancels, moves the birthday, rises and falls; some of it comes late."""
    per, quantity = draw(st.sampled_from(PERIODS)), draw(st.integers(1, 2))
    data, program = club(per, quantity)
    moves = st.tuples(st.sampled_from("uuuuuuccbpr"), st.sampled_from((0, 0, 0, 1, 1, 5, 9, 10, 25, 31, 200, 365)), st.integers(0, 8))
    events, day = [written("b", START, 0, 3)], START
    for number, (kind, gap, pick) in enumerate(draw(st.lists(moves, min_size=3, max_size=14)), 1):
        day += timedelta(days=gap)
        late = timedelta(days=pick if kind == "u" and pick > 5 else 0)
        events.append(written(kind, day - late, number, pick))
    return Case(data, tuple(program.event(event) for event in events), program)


def written(kind: str, day: date, number: int, pick: int) -> Data:
    """One event by its letter: use, cancel, birthday, purchase, return."""
    earlier = f"e{max(0, number - 1 - pick % 4)}"
    fields: dict[str, Data] = {
        "u": {"type": "redemption", "reward": "upsize", "quantity": 1 + pick % 5 // 4},
        "c": {"type": "redemption_cancelled", "of": earlier},
        "b": {"type": "profile_update", "profile": {"birthday": f"1990-{1 + pick:02d}-28"}},
        "p": {"type": "purchase", "amount": "100"},
        "r": {"type": "return", "of": earlier},
    }
    return {"id": f"e{number}", "customer_id": CUSTOMER, "occurred_at": f"{day.isoformat()}T12:00:00Z", **fields[kind]}


ANY = clubs()


def told(step: cr.Step, code: str) -> Iterator[Mapping[str, Any]]:
    return (why.params for decision in step.decisions for why in decision.reasons if why.code == code)


def windows(per: str, used_on: date) -> Iterator[tuple[date, date]]:
    """Stretches that hold a day of use and must not hold more uses than there may be, written by hand for each kind of period."""
    if per == "calendar day":
        yield used_on, used_on
    elif per == "calendar month":
        first = used_on.replace(day=1)
        yield first, add_months(first, 1) - timedelta(days=1)
    elif per == "10 days":
        yield used_on - timedelta(days=9), used_on
        yield used_on, used_on + timedelta(days=9)
    elif per == "lifetime":
        yield date.min, date.max


def uses_never_exceed_quantity(case: Case) -> None:
    """After each use, what its period holds of uses that stand is within the quantity."""
    standing: dict[str, tuple[str, date, int]] = {}
    for _, step in walked(case.program, case.events):
        event = step.event
        if not step.accepted or event is None:
            continue
        if isinstance(event, cr.RedemptionCancelled):
            standing.pop(event.of, None)
        for use in told(step, "tiers.benefit.used"):
            used_on = local_day(event.occurred_at, case.program.zone)
            standing[event.id] = str(use["benefit"]), used_on, int(use["quantity"])
            for first, last in windows(str(use["per"]), used_on):
                assert counted(standing, str(use["benefit"]), first, last) <= int(use["of"])


def counted(standing: Mapping[str, tuple[str, date, int]], benefit: str, first: date, last: date) -> int:
    return sum(quantity for name, used_on, quantity in standing.values() if name == benefit and first <= used_on <= last)


def birthdays_open_no_second_year_early(case: Case) -> None:
    """However birthdays are moved: within any half year, no more uses per birthday year than two years have."""
    days: list[tuple[date, int]] = []
    for _, step in walked(case.program, case.events):
        for use in told(step, "tiers.benefit.used") if step.accepted and step.event is not None else ():
            if use["per"] in ("birthday year", "membership year"):
                assert step.event is not None
                days += [(local_day(step.event.occurred_at, case.program.zone), int(use["quantity"]))]
                near = sum(quantity for day, quantity in days if abs(day - days[-1][0]) < timedelta(days=180))
                assert near <= 2 * int(use["of"])


def use_and_cancel_is_nothing(case: Case) -> None:
    """A use that is cancelled at once leaves every benefit as it was."""
    state = closing_of(case)
    if state is None:
        return
    for name in {name for policy in case.program.rulebook.companions for name in policy.gives_rewards()}:
        used = follow(case.program, state, type="redemption", id="used", reward=name)
        if used.accepted:
            back = follow(case.program, used.state, type="redemption_cancelled", id="back", of="used")
            assert back.accepted
            assert benefits(case.program, back.state) == benefits(case.program, state)


def benefits(program: cr.Program, state: cr.State) -> list[tuple[object, ...]]:
    return [ladder.benefits for ladder in program.progress(state, until=state.day).ladders]


CHECKS = (uses_never_exceed_quantity, birthdays_open_no_second_year_early, use_and_cancel_is_nothing)


@given(ANY)
def test_uses_never_exceed_their_quantity(case: Case) -> None:
    uses_never_exceed_quantity(case)


@given(ANY)
def test_a_moved_birthday_opens_no_second_year_early(case: Case) -> None:
    birthdays_open_no_second_year_early(case)


@given(ANY)
def test_a_use_that_is_cancelled_was_none(case: Case) -> None:
    use_and_cancel_is_nothing(case)


WRONG: tuple[tuple[str, Callable[[Case], None], Callable[..., Any]], ...] = (
    ("plus", uses_never_exceed_quantity, lambda self, stretch, quantity: self),
    ("during", birthdays_open_no_second_year_early, lambda self, stretch: 0),
    ("less", use_and_cancel_is_nothing, lambda self, day, quantity: (self, 0)),
)


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "check", "wrong"), WRONG, ids=[name for name, _, _ in WRONG])
def test_a_wrong_count_is_found_out(name: str, check: Callable[[Case], None], wrong: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Uses, name, wrong)
    found_out(f"{name} is wrong", ANY, lambda case: fails(check, case), SEARCH)


def test_benefits_are_used_in_generated_histories() -> None:
    """The search finds histories in which a benefit is used, is used up, and is given back."""
    for code in ("tiers.benefit.used", "tiers.benefit.used_up", "tiers.benefit.restored", "tiers.benefit.over"):
        find(ANY, partial(says, code), settings=SEARCH, random=Random(2))


def says(code: str, case: Case) -> bool:
    return any(next(told(step, code), None) is not None for _, step in walked(case.program, case.events))
