"""The invariants of the model, over generated programs and histories."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from custrules.testing.strategies import passings
from custrules.testing.walks import Passing
from properties import invariants
from properties.amends import Amend, amends
from properties.histories import Case, cases

IN_ORDER, ANY = cases(), cases(late=True)
PASSING = passings()


@given(ANY)
def test_stepping_one_by_one_is_replay(case: Case) -> None:
    invariants.stepping_is_replay(case)


@given(ANY)
def test_a_prefix_of_a_history_gives_a_prefix_of_the_journal(case: Case) -> None:
    invariants.a_prefix_gives_a_prefix(case)


@given(cases(late=True, most=12))
def test_round_trips_lose_nothing(case: Case) -> None:
    invariants.round_trips_lose_nothing(case)


@given(IN_ORDER, PASSING)
def test_new_days_and_advances_make_no_difference(case: Case, how: Passing) -> None:
    invariants.time_makes_no_difference(case, how)


@given(ANY, PASSING)
def test_stored_events_replay_to_the_stored_state(case: Case, how: Passing) -> None:
    invariants.stored_events_replay_to_the_stored_state(case, how)


@given(cases(late=True, most=12), PASSING, amends())
def test_a_restatement_is_a_replay_of_the_changed_history(case: Case, how: Passing, changes: list[Amend]) -> None:
    invariants.a_restatement_is_a_replay(case, how, changes)


@given(cases(late=True, most=12), amends(2))
def test_a_restatement_tells_every_difference(case: Case, changes: list[Amend]) -> None:
    invariants.a_restatement_tells_every_difference(case, changes)


@given(ANY)
def test_the_next_due_is_never_late(case: Case) -> None:
    invariants.next_due_is_never_late(case)


@given(ANY)
def test_a_duplicate_changes_nothing(case: Case) -> None:
    invariants.a_duplicate_changes_nothing(case)


@given(ANY)
def test_a_refusal_changes_nothing(case: Case) -> None:
    invariants.a_refusal_changes_nothing(case)


@given(ANY)
def test_postings_add_up_to_the_balances(case: Case) -> None:
    invariants.postings_add_up(case)


@given(ANY)
def test_the_last_usable_day_of_a_lot_never_moves(case: Case) -> None:
    invariants.a_last_day_never_moves(case)


@given(ANY)
def test_nobody_owes_points_and_has_some_to_spend(case: Case) -> None:
    invariants.no_usable_lots_beside_debt(case)


@given(ANY)
def test_nothing_is_held_past_its_last_usable_day(case: Case) -> None:
    invariants.nothing_expired_is_held(case)


@given(ANY, st.sampled_from(("0.01", "99.99", "100", "300")))
def test_bought_and_returned_at_once_is_nothing(case: Case, amount: str) -> None:
    invariants.bought_and_returned_is_nothing(case, amount if case.program.currency != "JPY" else "100")


@given(ANY)
def test_returned_later_is_tallied_as_never_bought(case: Case) -> None:
    invariants.returned_later_is_never_bought(case)


@given(ANY, st.sampled_from(("little", "much")))
def test_two_partial_returns_are_one_full_return(case: Case, part: str) -> None:
    invariants.two_partial_returns_are_one(case, part)


@given(ANY)
def test_refunds_never_exceed_what_was_paid_in_money(case: Case) -> None:
    invariants.refunds_never_exceed_payments(case)


@given(IN_ORDER)
def test_awards_never_exceed_their_caps(case: Case) -> None:
    invariants.awards_never_exceed_caps(case)


@given(ANY)
def test_effect_ids_are_unique(case: Case) -> None:
    invariants.effect_ids_are_unique(case)


@given(ANY)
def test_the_books_close(case: Case) -> None:
    invariants.the_books_close(case)


@given(ANY)
def test_what_expired_lives_again_once(case: Case) -> None:
    invariants.nothing_lives_again_twice(case)


@given(IN_ORDER)
def test_no_level_falls_before_its_grace_is_over(case: Case) -> None:
    invariants.no_level_falls_before_its_grace(case)


@given(IN_ORDER)
def test_a_new_version_takes_no_level_before_its_time(case: Case) -> None:
    invariants.a_new_version_takes_no_level_before_its_time(case)
