"""How the analyses refuse what they are asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Never

from custrules.errors import AnalysisError, Diagnostic
from custrules.fields import describe
from custrules.messages import render_all
from custrules.replaying import Entry, many_in, program_in, refuse_type
from custrules.state import State


def worded(faults: Sequence[Diagnostic]) -> AnalysisError:
    """An error whose message tells every fault in English, one to a line."""
    return AnalysisError(faults, render_all(faults, "en", plugins=False))


def refuse(code: str, path: str, **params: Any) -> Never:
    raise worded([Diagnostic(code, path, params)])


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


def entry_in(value: object) -> Entry:
    """One entry of a journal, or what is one in form; AnalysisError for anything else, such as the steps themselves."""
    if not isinstance(value, tuple) or len(value) != 3:
        refuse_type(
            "entries", expected="the entries of a journal (customer_id, event_id, decisions), as replay gives them", found=type(value).__name__
        )
    return value  # type: ignore[return-value]  # it unpacks like one


def one_of(value: object, choices: Iterable[str], path: str) -> str:
    """A choice by its name; AnalysisError for what is none."""
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        refuse("analysis.unknown_choice", path, found=str(value)[:40], choices=", ".join(known))
    return value


__all__ = ["entry_in", "many_in", "one_of", "program_in", "refuse", "states_in", "worded"]
