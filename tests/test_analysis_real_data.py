"""The books of the demo's programme close on UCI Online Retail II: on a third of the excerpt, and with ``-m thorough`` on an eighth of both years."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from independent import make_excerpt
from properties.books import closes, groups_sum_up

import custrules as cr
from custrules.calendars import end_of_day
from custrules.demo import figures
from custrules.demo.figures import LAST_DAY

needs_data = pytest.mark.skipif(make_excerpt.data_dir() is None, reason="the two data files are not here; CUSTRULES_DATA names their folder")
EIGHTHS = 8

pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def program() -> cr.Program:
    return figures.demo_program()


def the_books_close(program: cr.Program, events: Iterable[Any]) -> None:
    """Months by source, vintage and expiry close and sum up, agree with the closing states, and cohorts account for every point."""
    done = cr.replay(program, events, end_of_day(LAST_DAY, program.zone)).collect()
    found = cr.metrics(program, done.journal, until=end_of_day(LAST_DAY, program.zone), by=("source", "vintage", "expiry"))
    (account,) = found.accounts
    closes(account.periods)
    groups_sum_up(account)
    for group in account.groups:
        closes(group.periods)
    by_expiry = cr.metrics(program, done.journal, until=end_of_day(LAST_DAY, program.zone), by=("source", "expiry"))
    assert by_expiry.reconcile(program, done.states.values()) == ()
    (cohorts,) = cr.breakage(program, done.journal, on=LAST_DAY).accounts
    left = Counter({group.key["vintage"]: 0 for group in account.groups})
    for group in account.groups:
        left[group.key["vintage"]] += int(str(group.periods[-1].closing))
    assert {cohort.vintage: cohort.left for cohort in cohorts.cohorts} == dict(left)
    assert min(min(cohort.used, cohort.lapsed, cohort.left) for cohort in cohorts.cohorts) == 0


def test_the_books_of_a_third_of_the_excerpt_close(program: cr.Program) -> None:
    the_books_close(program, (event for event in make_excerpt.excerpt() if int(event["customer_id"]) % 3 == 0))


@needs_data
@pytest.mark.thorough
def test_the_books_of_an_eighth_of_both_years_close(program: cr.Program) -> None:
    the_books_close(program, (event for event in make_excerpt.whole() if int(event["customer_id"]) % EIGHTHS == 3))
