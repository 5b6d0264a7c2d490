"""Where findings gather: each with its code, severity, numbers and place in the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from custrules.analysis.check.domains import GaveUp, Scope, World
from custrules.analysis.check.spaces import Space
from custrules.analysis.refusal import worded
from custrules.errors import Diagnostic, Severity
from custrules.fields import read_day
from custrules.policy import Policy
from custrules.rulebook import Rulebook
from custrules.validation import path_text, read_argument

if TYPE_CHECKING:
    from custrules.program import Program

Path = tuple[int | str, ...]
P = TypeVar("P", bound=Policy)


def day_of(on: object) -> date | None:
    """The day on which it is judged what has run out, where one is given; AnalysisError for what is no day."""
    return read_argument(read_day, on, "on", "analysis", worded) if on is not None else None


class Findings:
    """What a check has found so far, and what it needs to look at a program. ``day`` is None where nobody said which day it is."""

    program: Program
    rules: Rulebook
    world: World
    day: date | None

    def __init__(self, program: Program, day: date | None = None) -> None:
        self.program, self.rules, self.day = program, program.rulebook, day
        self.world = World(program.rulebook)
        self.found: list[Diagnostic] = []

    def add(self, code: str, path: Sequence[int | str], severity: Severity = "warning", /, **params: object) -> None:
        """A finding about what stands at a place."""
        self._note(code, path, severity, params)

    def add_of_name(self, code: str, path: Sequence[int | str], severity: Severity = "warning", /, **params: object) -> None:
        """A finding about a name: it points to the key, not to what stands behind it."""
        self._note(code, path, severity, params, key=True)

    def _note(self, code: str, path: Sequence[int | str], severity: Severity, params: Mapping[str, object], key: bool = False) -> None:
        source, line, column = self.program.place(path, key=key)
        texts = {name: str(value) for name, value in params.items() if (name, value) != ("witness", "")}
        self.found.append(Diagnostic(code, path_text(path), texts, source, line, column, severity))

    def warning(self, code: str, path: Sequence[int | str], /, **params: object) -> None:
        self.add(code, path, "warning", **params)

    def info(self, code: str, path: Sequence[int | str], /, **params: object) -> None:
        self.add(code, path, "info", **params)

    @contextmanager
    def bounded(self, path: Sequence[int | str]) -> Iterator[None]:
        """A question that may take too long: then it is told that it was given up."""
        try:
            yield
        except GaveUp:
            self.info("check.gave_up", path)

    @staticmethod
    def text(path: Sequence[int | str]) -> str:
        return path_text(path)

    # -- shorthands ------------------------------------------------------------------------------------------------

    def live(self, kind: type[P]) -> list[P]:
        """The policies of a kind, every version that is not retired."""
        return [policy for policy in self.rules.parts.policies if isinstance(policy, kind) and not policy.retired]

    def path(self, policy: Policy, *steps: int | str) -> Path:
        return (*self.rules.places[id(policy)], *steps)

    def possible(self, scope: Scope) -> Space:
        """Everything that the facts may ever be: what cannot hold there can never hold."""
        return Space(self.world, scope)

    def likely(self, scope: Scope) -> Space:
        """What the facts are known to be able to be side by side: a witness out of it is one."""
        return Space(self.world, scope, likely=True)
