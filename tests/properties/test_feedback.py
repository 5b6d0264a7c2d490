"""The invariants of the model, over programs with complaints and surveys."""

from __future__ import annotations

from hypothesis import given, settings

from custrules.testing.strategies import passings
from custrules.testing.walks import Passing
from properties import invariants
from properties.amends import Amend, amends
from properties.feedback_programs import feedback_cases
from properties.histories import Case

FEW = settings(max_examples=8)
IN_ORDER, ANY = feedback_cases(), feedback_cases(late=True)


@FEW
@given(IN_ORDER, passings())
def test_new_days_and_advances_make_no_difference_to_complaints_and_surveys(case: Case, how: Passing) -> None:
    invariants.time_makes_no_difference(case, how)


@FEW
@given(ANY, passings())
def test_stored_events_replay_to_the_stored_complaints_and_surveys(case: Case, how: Passing) -> None:
    invariants.stored_events_replay_to_the_stored_state(case, how)


@FEW
@given(feedback_cases(late=True, most=8), passings(), amends())
def test_a_restatement_of_complaints_and_surveys_is_a_replay(case: Case, how: Passing, changes: list[Amend]) -> None:
    invariants.a_restatement_is_a_replay(case, how, changes)


@FEW
@given(ANY)
def test_complaints_and_surveys_are_never_due_late(case: Case) -> None:
    invariants.next_due_is_never_late(case)


@FEW
@given(ANY)
def test_complaints_and_surveys_survive_round_trips(case: Case) -> None:
    invariants.round_trips_lose_nothing(case)
    invariants.stepping_is_replay(case)
    invariants.effect_ids_are_unique(case)
