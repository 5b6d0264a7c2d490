"""The exception tree, and what a Diagnostic says."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from custrules import errors
from custrules.errors import (
    AnalysisError,
    ContractError,
    CustrulesError,
    Diagnostic,
    DocumentError,
    EventError,
    Faults,
    MissingExtra,
    MoneyError,
    ScenarioError,
    StateError,
)
from custrules.messages import render

FAULT = Diagnostic("document.wrong_type", "policies[2].enter", {"found": "'x'", "expected": "a number"}, "aurora.yaml", 12, 22)
OTHER = Diagnostic("document.empty_rule")


def test_everything_that_is_raised_on_purpose_is_one_kind() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) >= 9
    assert all(issubclass(kind, CustrulesError) for kind in kinds)


@pytest.mark.parametrize(("kind", "also"), [(MoneyError, ValueError), (MissingExtra, ImportError)])
def test_some_are_also_what_python_calls_them(kind: type[Exception], also: type[Exception]) -> None:
    assert issubclass(kind, also)


@pytest.mark.parametrize("kind", [DocumentError, EventError, StateError, ScenarioError, AnalysisError])
def test_faults_carry_every_diagnostic_and_pickle(kind: type[Faults]) -> None:
    error = kind(iter([FAULT, OTHER]))
    assert error.diagnostics == (FAULT, OTHER)
    assert str(error) == f"{render(FAULT)}\n{render(OTHER)}"
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), back.diagnostics, str(back)) == (kind, error.diagnostics, str(error))


def test_faults_may_bring_their_own_words() -> None:
    assert str(DocumentError([FAULT], "twelve words")) == "twelve words"


def test_a_diagnostic_says_where_and_what() -> None:
    assert str(FAULT) == "aurora.yaml:12:22 document.wrong_type policies[2].enter (found='x', expected=a number)"
    assert str(OTHER) == "document.empty_rule"


@pytest.mark.parametrize(("source", "line", "place"), [("a.yaml", 3, "a.yaml:3:7"), ("a.yaml", 0, "a.yaml"), ("", 3, ":3:7"), ("", 0, "")])
def test_a_place_is_told_as_far_as_it_is_known(source: str, line: int, place: str) -> None:
    assert OTHER.at(source, line, 7).place == place


def test_a_diagnostic_moves_to_a_place_and_stays_what_it_is() -> None:
    moved = FAULT.at("b.yaml", 1, 2)
    assert (moved.source, moved.line, moved.column) == ("b.yaml", 1, 2)
    assert moved.at(FAULT.source, FAULT.line, FAULT.column) == FAULT
    fault: Any = FAULT
    with pytest.raises(FrozenInstanceError):
        fault.line = 5


def test_a_diagnostic_is_plain_data() -> None:
    assert Diagnostic("a.b", "x", {"n": 5}, severity="warning").to_data() == {
        "code": "a.b",
        "severity": "warning",
        "source": "",
        "path": "x",
        "line": 0,
        "column": 0,
        "params": {"n": "5"},
    }


def test_a_broken_contract_names_policy_event_and_rule() -> None:
    error = ContractError("earn", "o1", "a posting moves more than nothing")
    assert str(error) == "policy 'earn' on event 'o1': a posting moves more than nothing"
    back = pickle.loads(pickle.dumps(error))
    assert (back.policy_id, back.event_id, back.rule) == ("earn", "o1", "a posting moves more than nothing")


def test_a_missing_extra_ends_with_the_line_that_installs_it() -> None:
    error = MissingExtra("Reading YAML", "yaml")
    assert str(error).endswith("pip install 'custrules[yaml]'")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
