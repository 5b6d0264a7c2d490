"""How the analyses refuse what they are asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Never

from custrules.errors import AnalysisError, Diagnostic
from custrules.fields import describe
from custrules.messages import render_all
from custrules.program import Program
from custrules.state import State


def worded(faults: Sequence[Diagnostic]) -> AnalysisError:
    """An error whose message tells every fault in English, one to a line."""
    return AnalysisError(faults, render_all(faults, "en", plugins=False))


def refuse(code: str, path: str, **params: Any) -> Never:
    raise worded([Diagnostic(code, path, params)])


def program_in(value: object, path: str) -> None:
    """AnalysisError for what is no program (the path to a document, say, that is not loaded yet)."""
    if not isinstance(value, Program):
        refuse("analysis.wrong_type", path, expected="a program, as load and loads give it", found=type(value).__name__)


def states_in(states: object) -> Iterable[State]:
    """One state, or many: a list, a replay's ``states``, whatever gives them one by one. AnalysisError for what holds anything else."""
    if isinstance(states, State):
        return [states]
    given = states.values() if isinstance(states, Mapping) else states
    return (_state(found) for found in many_in(given, "states"))


def _state(found: object) -> State:
    if not isinstance(found, State):
        refuse("analysis.wrong_type", "states", expected="states, as State.from_json and replay give them", found=describe(found))
    return found


def many_in(value: object, path: str) -> Iterable[Any]:
    """What can be gone through one by one, as it is; AnalysisError for what cannot."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        refuse("analysis.wrong_type", path, expected="several of them, such as a list, or what replay gives", found=type(value).__name__)
    return value


def one_of(value: object, choices: Iterable[str], path: str) -> str:
    """A choice by its name; AnalysisError for what is none."""
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        refuse("analysis.unknown_choice", path, found=str(value)[:40], choices=", ".join(known))
    return value
