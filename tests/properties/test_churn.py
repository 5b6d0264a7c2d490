"""The invariants of the model, over small programs with a churn flag."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from custrules.testing.churn_strategies import flags
from custrules.testing.program_strategies import made
from custrules.testing.strategies import histories, passings
from custrules.testing.value_strategies import Data
from custrules.testing.walks import Passing
from properties import invariants
from properties.histories import CUSTOMER, Case

FEW = settings(max_examples=8)
KINDS = ("purchase", "purchase", "purchase", "return", "visit", "adjustment", "closure", "merge")


@st.composite
def flagged(draw: st.DrawFn, late: bool = False, most: int = 14) -> Case:
    """A program with one flag over spend, points and returns, and a history of one customer."""
    document: Data = {
        "program": "generated",
        "zone": draw(st.sampled_from(("Asia/Shanghai", "America/New_York"))),
        "currency": "CNY",
        "measures": {
            "spend": {"sum": "spend", "window": "30 days"},
            "orders": {"count": "purchase", "window": "lifetime"},
            "idle": {"since": "purchase"},
        },
        "policies": [
            {"id": "points", "kind": "points.account", "expiry": "20 days"},
            {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
            draw(flags()),
        ],
    }
    program = made(document)
    return Case(document, draw(histories(program, customer_id=CUSTOMER, kinds=KINDS, late=late, min_size=2, max_size=most)), program)


@FEW
@given(flagged(), passings())
def test_new_days_and_advances_make_no_difference_to_a_flag(case: Case, how: Passing) -> None:
    invariants.time_makes_no_difference(case, how)


@FEW
@given(flagged(late=True))
def test_a_flag_is_never_due_late_and_survives_round_trips(case: Case) -> None:
    invariants.next_due_is_never_late(case)
    invariants.round_trips_lose_nothing(case)
    invariants.stepping_is_replay(case)
    invariants.effect_ids_are_unique(case)
