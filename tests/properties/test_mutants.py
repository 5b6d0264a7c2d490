"""Every invariant finds out at least one wrong rule: a property that no mutant fails proves nothing."""

from __future__ import annotations

import inspect
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from properties import invariants
from properties.histories import Case
from properties.mutants import MUTANTS, Mutant

pytestmark = pytest.mark.thorough
SEARCH = settings(max_examples=3000, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


def fails(mutant: Mutant, case: tuple[Any, ...]) -> bool:
    try:
        mutant.check(*case)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "_"))
def test_a_wrong_rule_is_found_out(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.patch(monkeypatch)
    try:
        find(mutant.among, lambda case: fails(mutant, case), settings=SEARCH, random=Random(1))
    except NoSuchExample:
        pytest.fail(f"no case shows that {mutant.name}")


def test_every_invariant_has_a_wrong_rule_to_find_out() -> None:
    checks = {
        name
        for name, found in vars(invariants).items()
        if inspect.isfunction(found) and next(iter(inspect.signature(found).parameters), "") == "case"
    }
    helpers = {"closing_of"}
    assert checks - helpers == {mutant.check.__name__ for mutant in MUTANTS}
    assert Case in inspect.get_annotations(invariants.stepping_is_replay, eval_str=True).values()
