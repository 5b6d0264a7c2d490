"""How the analyses refuse what they are asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Never

from custrules.errors import AnalysisError, Diagnostic
from custrules.messages import render_all


def worded(faults: Sequence[Diagnostic]) -> AnalysisError:
    """An error whose message tells every fault in English, one to a line."""
    return AnalysisError(faults, render_all(faults, "en", plugins=False))


def refuse(code: str, path: str, **params: Any) -> Never:
    raise worded([Diagnostic(code, path, params)])


def one_of(value: object, choices: Iterable[str], path: str) -> str:
    """A choice by its name; AnalysisError for what is none."""
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        refuse("analysis.unknown_choice", path, found=str(value)[:40], choices=", ".join(known))
    return value
