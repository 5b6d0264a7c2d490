"""Every invariant finds out at least one wrong rule: a property that no mutant fails proves nothing."""

from __future__ import annotations

import inspect

import pytest

from properties import invariants
from properties.finding_out import fails, found_out
from properties.histories import Case
from properties.mutants import MUTANTS, Mutant

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "_"))
def test_a_wrong_rule_is_found_out(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.patch(monkeypatch)
    found_out(mutant.name, mutant.among, lambda case: fails(mutant.check, *case))


def test_every_invariant_has_a_wrong_rule_to_find_out() -> None:
    checks = {
        name
        for name, found in vars(invariants).items()
        if inspect.isfunction(found) and next(iter(inspect.signature(found).parameters), "") == "case"
    }
    helpers = {"closing_of"}
    assert checks - helpers == {mutant.check.__name__ for mutant in MUTANTS}
    assert Case in inspect.get_annotations(invariants.stepping_is_replay, eval_str=True).values()
