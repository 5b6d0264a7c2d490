"""Program: what one operator's document says, ready to be asked. Reading one, events against it, steps, and time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Never
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from custrules import explaining, kernel
from custrules.checking import faults_of
from custrules.codec import canonical, parse_json
from custrules.documents.document import read_document
from custrules.documents.kinds import Kinds
from custrules.documents.places import MAX_BYTES
from custrules.documents.reading import Format, Reading, read
from custrules.documents.sections import Document
from custrules.documents.tables import Files
from custrules.errors import Diagnostic, DocumentError, EventError, Faults
from custrules.events import AnyEvent, Event, read_event
from custrules.explaining import Explanation, Progress
from custrules.fields import describe, read_instant
from custrules.messages import render_all
from custrules.money import exactly
from custrules.policies import KINDS, built_in
from custrules.policy import Policy
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.steps import Step
from custrules.validation import in_family

KindTable = Mapping[str, type[Policy]]


def load(path: str | Path, *, kinds: KindTable | None = None) -> Program:
    """The program in a file; its suffix (.yaml, .yml, .json, .toml) tells the format.

    DocumentError carries every fault with line and column; OSError where there is no such file. A kind that is neither
    ours nor in ``kinds`` is looked up among the entry points of group ``custrules.policies``.
    """
    with Path(path).open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    reading = replace(read(text, source=str(path)), files=Files(Path(path).parent))
    return _program(reading, Kinds(dict(kinds or {}), plugins=True))


def loads(text: bytes | str, *, source: str = "", format: Format | None = None, kinds: KindTable | None = None) -> Program:
    """The program in a text. Opens no file and loads no entry point: for documents from strangers.

    ``source`` names the text in faults; ``format`` is told, else by the suffix of ``source``, else by the text.
    """
    return _program(read(text, source=source, format=format), Kinds(dict(kinds or {})))


class Program:
    """All policies of one operator, with their versions. Immutable; equal when its canonical JSON is equal.

    In code: ``Program(id="aurora", zone="Asia/Shanghai", currency="CNY", policies=[...])``; policies are Policy instances
    or their document form, sections are document-form data or models. Faults raise DocumentError.
    """

    __slots__ = ("_digest", "_document", "_json", "rulebook")
    rulebook: Rulebook
    _document: Document
    _json: bytes
    _digest: str

    def __init__(
        self,
        *,
        id: str,
        zone: str | ZoneInfo,
        currency: str,
        policies: Iterable[Policy | Mapping[str, Any]],
        title: str | Mapping[str, str] | None = None,
        late: Any = None,
        returns: Any = None,
        profile: Mapping[str, Any] | None = None,
        activities: Mapping[str, Any] | None = None,
        calendar: Mapping[str, Any] | None = None,
        measures: Mapping[str, Any] | None = None,
        kinds: KindTable | None = None,
    ) -> None:
        sections = {"title": title, "late": late, "returns": returns, "profile": profile}
        sections |= {"activities": activities, "calendar": calendar, "measures": measures}
        given = {name: value for name, value in sections.items() if value is not None}
        data = {"program": id, "zone": zone, "currency": currency, **given, "policies": list(policies)}
        self._fill(*_checked(data, Kinds(dict(kinds or {}))))

    def _fill(self, document: Document, rulebook: Rulebook) -> None:
        text = canonical(document.data())
        rulebook.digest = sha256(text).hexdigest()
        for name, value in (("_document", document), ("rulebook", rulebook), ("_json", text), ("_digest", rulebook.digest)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError("a Program does not change: make a new one")

    # -- what it says ----------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self._document.id

    @property
    def title(self) -> str | Mapping[str, str]:
        """In one language, or by language; empty where the document has none."""
        return self._document.title

    @property
    def zone(self) -> ZoneInfo:
        return self._document.zone

    @property
    def currency(self) -> str:
        return self._document.currency

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Every version of every policy, in document order."""
        return self._document.policies

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal."""
        return self._digest

    def document_data(self) -> dict[str, Any]:
        """The document as plain data (dict, list, text, whole numbers); reading it gives an equal program."""
        return self._document.data()

    def to_json(self) -> bytes:
        """The document as canonical JSON; ``Program.from_json`` reads it back."""
        return self._json

    @classmethod
    def from_json(cls, text: bytes | str, *, kinds: KindTable | None = None) -> Program:
        """The program whose ``to_json`` this is; opens no file and loads no entry point. DocumentError for anything else."""
        data = parse_json(text, DocumentError)
        return _made(*_checked(data, Kinds(dict(kinds or {}))))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and self._json == other._json

    def __hash__(self) -> int:
        return hash(self._json)

    def __repr__(self) -> str:
        return f"<Program {self.id!r}, {len(self.policies)} policies, {self._digest[:12]}>"

    def __reduce__(self) -> tuple[Any, ...]:
        foreign = {policy.kind: type(policy) for policy in self.policies if policy.kind not in KINDS or built_in(policy.kind) is not type(policy)}
        return _revived, (self._json, foreign)

    # -- asking it -------------------------------------------------------------------------------------------------

    @exactly
    def event(self, data: bytes | str | Mapping[str, Any] | Event) -> AnyEvent:
        """An event of this program out of JSON, plain data or an Event; bare amounts take the program's currency.

        EventError carries every fault with its path.
        """
        try:
            plain = parse_json(data, EventError) if isinstance(data, bytes | str) else data
            event = plain if isinstance(plain, Event) else read_event(plain, self.currency)
        except EventError as error:
            raise _worded(EventError, [replace(fault, code=in_family(fault.code, "event")) for fault in error.diagnostics]) from None
        return self._fitting(event)

    def _fitting(self, event: object) -> AnyEvent:
        if not isinstance(event, Event):
            expected = "an event: program.event(...) reads one"
            raise _worded(EventError, [Diagnostic("event.wrong_type", params={"expected": expected, "found": describe(event)})])
        faults = faults_of(self.rulebook, event)  # type: ignore[arg-type]  # the kinds are closed
        if faults:
            raise _worded(EventError, faults)
        return event  # type: ignore[return-value]  # the kinds are closed

    def step(self, state: State, event: Event) -> Step:
        """Decide one event. Pure and deterministic: the same program, state and event give the same bytes.

        EventError for an event that is not this program's, StateError for another program's or customer's state.
        """
        return Step.of(kernel.step(self.rulebook, state, self._fitting(event)))

    def advance(self, state: State, to: datetime) -> Step:
        """Let time pass up to an aware instant; always accepted. To an instant not after ``as_of``: the same state."""
        return Step.of(kernel.advance(self.rulebook, state, aware(to, "to")))

    def next_due(self, state: State) -> datetime | None:
        """The next instant (UTC) at which time alone may change something; None when there is none. Early at worst, never late."""
        return kernel.next_due(self.rulebook, state)

    def explain(self, state: State, event: Event) -> Explanation:
        """The step of an event with every rule that was tested and the values compared: why, why not and by how much."""
        return explaining.explain(self.rulebook, state, self._fitting(event))

    def progress(self, state: State) -> Progress:
        """What is missing to the next level and to keep this one, with dates; read it from an advanced state."""
        return explaining.progress(self.rulebook, state)


@exactly
def _checked(source: Reading | Mapping[str, Any], kinds: Kinds) -> tuple[Document, Rulebook]:
    result = read_document(source, kinds)
    if result.document is None or result.rulebook is None:
        raise _worded(DocumentError, result.diagnostics, kinds.plugins)
    return result.document, result.rulebook


def _made(document: Document, rulebook: Rulebook) -> Program:
    program = Program.__new__(Program)
    program._fill(document, rulebook)
    return program


def _program(reading: Reading, kinds: Kinds) -> Program:
    return _made(*_checked(reading, kinds))


def _revived(text: bytes, kinds: KindTable) -> Program:
    return Program.from_json(text, kinds=kinds)


def _worded(error: type[Faults], faults: Sequence[Diagnostic], plugins: bool = False) -> Faults:
    """An error whose message tells every fault in English, one to a line."""
    return error(faults, render_all(faults, "en", plugins=plugins))


def aware(instant: object, name: str) -> datetime:
    """An aware instant given in code, in UTC; EventError names what was given for ``name`` otherwise."""
    try:
        return read_instant(instant)
    except PydanticCustomError as error:
        params = {key: value for key, value in (error.context or {}).items() if key != "code"}
        raise _worded(EventError, [Diagnostic(in_family(error.type, "event"), name, params)]) from None
