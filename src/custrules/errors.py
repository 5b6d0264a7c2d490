"""What can go wrong, as types. Answers to customers are never exceptions: these are for documents, data, plug-ins and misuse.

CustrulesError
├── DocumentError     a document (or a Program built in code) has faults: every one of them in ``.diagnostics``
├── EventError        an event cannot be read, or does not belong to this program
├── FactsError        facts given to a policy cannot be read, or it cannot be asked about facts
├── StateError        a State cannot be read, or belongs to another customer or program
├── ScenarioError     a scenario file has faults
├── AnalysisError     what was asked of whole programs (a comparison, metrics) cannot be told
├── ContractError     a policy broke its contract; names the policy and the event
│   └── BrokenContract    check_policy found that it does; names the clause and the smallest history (also an AssertionError)
├── MoneyError        an amount cannot be read, or currencies were mixed (also a ValueError)
├── CalendarError     there is no such lunar date, or no table reaches it (also a ValueError)
└── MissingExtra      an optional package is not installed; says the one pip line (also an ImportError)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault in a document, an event or a state: what, where, and the numbers for its sentence.

    ``path`` is the place inside the data (``policies[2].levels[0].enter``), ``line`` and ``column`` count from 1 and are
    0 where the data has no text (a dict). ``params`` fill the sentence of ``code`` in ``messages/``. Faults that keep a document
    from being used are errors; what ``check`` finds in a sound one is a warning, or, where it may well be meant, info.
    """

    code: str
    path: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    line: int = 0
    column: int = 0
    severity: Severity = "error"

    def at(self, source: str, line: int, column: int) -> Diagnostic:
        """The same fault at a place in a text; line and column count from 1."""
        return replace(self, source=source, line=line, column=column)

    @property
    def place(self) -> str:
        """``aurora.yaml:12:22``, as far as it is known."""
        numbers = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.source}{numbers}"

    def to_data(self) -> dict[str, Any]:
        """Plain data for JSON: code, severity, source, path, line, column, params (as text)."""
        return {
            "code": self.code,
            "severity": self.severity,
            "source": self.source,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "params": {name: str(value) for name, value in self.params.items()},
        }

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return " ".join(part for part in (self.place, self.code, self.path, f"({told})" if told else "") if part)


class CustrulesError(Exception):
    """Everything this library raises on purpose."""


class Faults(CustrulesError):
    """An error that carries every fault found, not only the first."""

    words: ClassVar[Callable[[Iterable[Diagnostic]], str]] = staticmethod(lambda faults: "\n".join(map(str, faults)))
    """How faults are told where no message is given; ``custrules.messages`` puts its sentences here."""
    diagnostics: tuple[Diagnostic, ...]
    message: str

    def __init__(self, diagnostics: Iterable[Diagnostic], message: str = "") -> None:
        self.diagnostics = tuple(diagnostics)
        self.message = message or Faults.words(self.diagnostics)
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.diagnostics, self.message)


class DocumentError(Faults):
    """The document has faults; ``.diagnostics`` holds each with its place."""


class EventError(Faults):
    """The event has faults; ``.diagnostics`` holds each with its path."""


class FactsError(Faults):
    """The facts given to a policy have faults, or it cannot be evaluated on facts; ``.diagnostics`` says why."""


class StateError(Faults):
    """The state cannot be used here; ``.diagnostics`` says why."""


class ScenarioError(Faults):
    """The scenario file has faults; ``.diagnostics`` holds each with its place."""


class AnalysisError(Faults):
    """What was asked of whole programs cannot be told; ``.diagnostics`` says why."""


class ContractError(CustrulesError):
    """A policy broke its contract. ``policy_id`` and ``event_id`` name the culprit, ``rule`` what was broken."""

    policy_id: str
    event_id: str
    rule: str

    def __init__(self, policy_id: str, event_id: str, rule: str) -> None:
        self.policy_id, self.event_id, self.rule = policy_id, event_id, rule
        super().__init__(f"policy {policy_id!r} on event {event_id!r}: {rule}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.policy_id, self.event_id, self.rule)


class BrokenContract(ContractError, AssertionError):
    """What ``custrules.testing.check_policy`` found: the ``clause`` that a policy breaks, and the smallest ``history`` that shows it.

    ``history`` holds events; it is empty where no event is needed to see it. ``event_id`` is the event on which it showed, or "".
    """

    clause: str
    history: tuple[Any, ...]
    args: tuple[Any, ...]

    def __init__(self, policy_id: str, event_id: str, rule: str, clause: str = "", history: Iterable[Any] = ()) -> None:
        super().__init__(policy_id, event_id, rule)
        self.clause, self.history = clause, tuple(history)
        where = f", on event {event_id!r}" if event_id else ""
        lines = [f"policy {policy_id!r} breaks its contract ({clause}){where}: {rule}"]
        lines += ["the smallest history found:", *(f"  {event.to_json().decode()}" for event in self.history)] if self.history else []
        self.args = ("\n".join(lines),)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.policy_id, self.event_id, self.rule, self.clause, self.history)


class CalendarError(Faults, ValueError):
    """A lunar date, a solar term or a day that the calendar does not have, or that its table does not reach; ``.diagnostics`` says which."""


class MoneyError(CustrulesError, ValueError):
    """An amount that cannot be read exactly, an unknown currency, or two currencies in one sum."""


class MissingExtra(CustrulesError, ImportError):
    """An optional package is missing; the message ends with the pip line that installs it."""

    what: str
    extra: str

    def __init__(self, what: str, extra: str) -> None:
        self.what, self.extra = what, extra
        super().__init__(f"{what} needs an optional package. Install it with: pip install 'custrules[{extra}]'")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.extra)
