"""Program: what one operator's document says, ready to be asked. Reading one, events against it, steps, and time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any, Never, cast
from zoneinfo import ZoneInfo

from custrules import explaining, kernel, progressing, remembering, restating
from custrules.checking import faults_of
from custrules.codec import canonical, parse_json
from custrules.documents.document import read_document
from custrules.documents.kinds import Kinds
from custrules.documents.places import MAX_BYTES
from custrules.documents.reading import SUFFIXES, Format, Reading, read
from custrules.documents.sections import Accepted, Document
from custrules.documents.tables import Files
from custrules.errors import Diagnostic, DocumentError, EventError, Faults
from custrules.evaluating import Evaluator, evaluator_of, form_of, version
from custrules.evaluation import Evaluation
from custrules.events import AnyEvent, Event, read_event
from custrules.explaining import Explanation
from custrules.fields import describe, read_instant
from custrules.given import FactsForm, GivenFacts
from custrules.law import Law
from custrules.messages import render_all
from custrules.money import exactly
from custrules.policies import KINDS, built_in
from custrules.policy import Policy
from custrules.remembering import Gaps
from custrules.restatement import Restatement
from custrules.revising import by_id, revised
from custrules.rulebook import Rulebook
from custrules.standings import Progress
from custrules.state import State
from custrules.steps import Step
from custrules.together import Together, together
from custrules.validation import in_family, read_argument

KindTable = Mapping[str, type[Policy]]


def load(path: str | Path, *, kinds: KindTable | None = None) -> Program:
    """The program in a file; its suffix (.yaml, .yml, .json, .toml) tells the format.

    DocumentError carries every fault with line and column; OSError where there is no such file. A kind that is neither
    ours nor in ``kinds`` is looked up among the entry points of group ``custrules.policies``.
    """
    if not isinstance(path, str | Path):
        _misread("document.wrong_type", expected="the path of a file; custrules.Program(...) takes data", found=describe(path))
    with Path(path).open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    reading = replace(read(text, source=str(path)), files=Files(Path(path).parent))
    return _program(reading, Kinds(dict(kinds or {}), plugins=True))


def loads(text: bytes | str, *, source: str = "", format: Format | None = None, kinds: KindTable | None = None) -> Program:
    """The program in a text. Opens no file and loads no entry point: for documents from strangers.

    ``source`` names the text in faults; ``format`` is told, else by the suffix of ``source``, else by the text.
    """
    if not isinstance(text, bytes | str):
        _misread("document.wrong_type", expected="text; custrules.Program(...) takes data", found=describe(text))
    if isinstance(text, str) and "\n" not in text and PurePath(text).suffix.lower() in SUFFIXES:
        _misread("document.text_is_path", found=text[:80])
    return _program(read(text, source=source, format=format), Kinds(dict(kinds or {})))


def _misread(code: str, **params: str) -> Never:
    raise DocumentError([Diagnostic(code, params=params)])


class Program:
    """All policies of one operator, with their versions. Immutable; equal when its canonical JSON is equal.

    In code: ``Program(id="aurora", zone="Asia/Shanghai", currency="CNY", policies=[...])``; policies are Policy instances
    or their document form, sections are document-form data or models. Faults raise DocumentError.
    """

    __slots__ = ("_digest", "_document", "_forms", "_json", "_text", "rulebook")
    rulebook: Rulebook
    _text: Reading | None
    _document: Document
    _json: bytes
    _digest: str
    _forms: dict[int, FactsForm]

    def __init__(
        self,
        *,
        id: str,
        zone: str | ZoneInfo,
        currency: str,
        policies: Iterable[Policy | Mapping[str, Any]],
        title: str | Mapping[str, str] | None = None,
        law: Any = None,
        late: Any = None,
        returns: Any = None,
        profile: Mapping[str, Any] | None = None,
        activities: Mapping[str, Any] | None = None,
        readings: Mapping[str, Any] | None = None,
        calendar: Mapping[str, Any] | None = None,
        measures: Mapping[str, Any] | None = None,
        rates: Mapping[str, Any] | None = None,
        accept: Iterable[Accepted | Mapping[str, Any]] | None = None,
        kinds: KindTable | None = None,
    ) -> None:
        sections = {"title": title, "law": law, "late": late, "returns": returns, "profile": profile}
        sections |= {"activities": activities, "readings": readings, "calendar": calendar, "measures": measures, "rates": rates}
        sections["accept"] = list(accept) if accept is not None else None
        given = {name: value for name, value in sections.items() if value is not None}
        data = {"program": id, "zone": zone, "currency": currency, **given, "policies": list(policies)}
        self._fill(*_checked(data, Kinds(dict(kinds or {}))))

    def _fill(self, document: Document, rulebook: Rulebook, text: Reading | None = None) -> None:
        data = canonical(document.data())
        rulebook.digest = sha256(data).hexdigest()
        slots = {"_document": document, "rulebook": rulebook, "_json": data, "_digest": rulebook.digest, "_text": text, "_forms": {}}
        for name, value in slots.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError("a Program does not change: make a new one")

    # -- what it says ----------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The name of the program, as ``program:`` in the document says it."""
        return self._document.id

    @property
    def title(self) -> str | Mapping[str, str]:
        """In one language, or by language; empty where the document has none."""
        return self._document.title

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which local days are told."""
        return self._document.zone

    @property
    def currency(self) -> str:
        """The currency of every amount (ISO 4217)."""
        return self._document.currency

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Every version of every policy, in document order."""
        return self._document.policies

    @property
    def law(self) -> Law | None:
        """The law that it stands under, as its policies ask it; None where it names none."""
        return self.rulebook.law

    @property
    def accept(self) -> tuple[Accepted, ...]:
        """Findings of ``check`` that were accepted, in document order."""
        return self._document.accept

    def place(self, path: Sequence[int | str], *, key: bool = False) -> tuple[str, int, int]:
        """Source, line and column (from 1) of a path in the document that was loaded, or of its nearest known ancestor.

        ("", 0, 0) for a program that was built in code or unpickled: a place is no part of what a program says.
        """
        return self._text.where(path, key=key) if self._text is not None else ("", 0, 0)

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
        return _revived, (self._json, self._foreign())

    def _foreign(self) -> dict[str, type[Policy]]:
        """The kinds of this program that are not ours."""
        return {policy.kind: type(policy) for policy in self.policies if policy.kind not in KINDS or built_in(policy.kind) is not type(policy)}

    # -- changing it -----------------------------------------------------------------------------------------------

    def revise(self, policy_id: str, /, *, effective_from: date | str | None = None, **fields: Any) -> Program:
        """Another program, for experiments, with some fields of one policy changed: ``program.revise("earn", points_per_unit="2")``.

        Fields are given as a document says them; None takes one out, so that its default holds. Every version of the policy is
        changed, or the one whose first day is ``effective_from``. DocumentError for an unknown policy or version (with the nearest
        id), and for every fault of the changed document, at ``policies[earn].points_per_unit``.
        """
        try:
            data = revised(self._document, policy_id, effective_from, fields)
            return _made(*_checked(data, Kinds(self._foreign())))
        except DocumentError as error:
            raise _worded(DocumentError, by_id(error.diagnostics, self.policies)) from None

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
        known = cast("AnyEvent", event)  # the kinds are closed
        faults = faults_of(self.rulebook, known)
        if faults:
            raise _worded(EventError, faults)
        return known

    def step(self, state: State, event: Event) -> Step:
        """Decide one event. Pure and deterministic: the same program, state and event give the same bytes.

        EventError for an event that is not this program's, StateError for another program's or customer's state.
        """
        return Step.of(self._decided(state, event))

    def step_together(self, states: Mapping[str, State], event: Event) -> Together:
        """Decide an event of one of several customers, by id, and the signals that it sends to the others: all of it, or nothing.

        So that two cards become one, or a card changes hands, only where the other side takes it in. StateError where the event's customer
        is none of them; otherwise as ``step``.
        """
        return together(self.step, self.event, states, event)

    def _decided(self, state: State, event: Event) -> kernel.Result:
        """``step``, without the dress that it wears for hosts."""
        return kernel.step(self.rulebook, state, self._fitting(event))

    def advance(self, state: State, to: datetime) -> Step:
        """Let time pass up to an aware instant; always accepted. To an instant not after ``as_of``: the same state."""
        return Step.of(kernel.advance(self.rulebook, state, aware(to, "to")))

    def restate(
        self,
        opening: State,
        history: Iterable[Any],
        event: bytes | str | Mapping[str, Any] | Event | None = None,
        *,
        withdraw: str | None = None,
        current: State | None = None,
    ) -> Restatement:
        """What a late or corrected ``event``, or one that is taken out (``withdraw`` its id), makes of the stored history after an opening.

        ``history`` holds the stored events (stamped, of one customer, each once, in order of acceptance). A late event is put in at its own
        ``occurred_at``, behind what was decided up to then; one whose id is known takes the old one's place, or its own time where that
        changed; with equal content it is a duplicate. ``current`` is the state that is stored now, where there is one: time runs on to where
        it stands, what differs is told against it, and its contacts stay. EventError names what does not fit, with its place.
        """
        return restating.restate(self.rulebook, self.event, opening, history, event, withdraw, current)

    def next_due(self, state: State) -> datetime | None:
        """The next instant (UTC) at which time alone may change something; None when there is none. Early at worst, never late."""
        return kernel.next_due(self.rulebook, state)

    def explain(self, state: State, event: Event) -> Explanation:
        """The step of an event with every rule that was tested and the values compared: why, why not and by how much."""
        return explaining.explain(self.rulebook, state, self._fitting(event))

    def progress(self, state: State, *, until: date | None = None) -> Progress:
        """What is missing to the next level, to keep this one and to a reward, with dates; which benefits there are, and what is left of them.

        Read it from an advanced state. What time alone will bring (levels, points that lapse or become usable) is told up to the day
        ``until``; without it a year on, or to the end of a term that lies further off.
        """
        return progressing.progress(self.rulebook, state, until)

    def gaps(self, state: State) -> Gaps:
        """What this program would like to remember and the state does not: tallies that it lacks or knows only since a day, and what is gone."""
        return remembering.gaps(self.rulebook, state)

    # -- given facts -----------------------------------------------------------------------------------------------

    def evaluate(self, policy_id: str, facts: Mapping[str, Any] | GivenFacts, *, on: date | None = None) -> Evaluation:
        """What one policy says about given facts, of no customer: what a step of a new customer with these facts would decide.

        ``facts`` maps the name of every fact that the policy reads to its value as documents write it ("12.50", 3, true,
        "2026-03-31", a level; None: missing), or are facts that a form has read. ``on`` chooses the version in force on
        a day; without it the newest answers. FactsError tells every fault. For many rows see ``evaluator``.
        """
        if isinstance(facts, GivenFacts):
            return self.evaluator(policy_id, on=on, form=facts.form).decide(facts)
        evaluator = self.evaluator(policy_id, on=on)
        return evaluator.decide(evaluator.form.read(facts))

    def evaluator(self, policy_id: str, *, on: date | None = None, form: FactsForm | None = None) -> Evaluator:
        """One policy ready for many facts: ``evaluator.decide(facts)`` with facts that ``evaluator.form`` has read.

        ``form``: one that serves several policies, from ``facts``; without it, the facts of this policy alone.
        """
        policy = version(self.rulebook, policy_id, on)
        if form is None:
            form = self._forms.get(id(policy)) or self._forms.setdefault(id(policy), form_of(self.rulebook, [policy]))
        return evaluator_of(self.rulebook, policy, form)

    def facts(self, *policy_ids: str, on: date | None = None) -> FactsForm:
        """The form of the facts that some policies read together, so that each row is read once for all of them."""
        return form_of(self.rulebook, [version(self.rulebook, policy_id, on) for policy_id in policy_ids])


@exactly
def _checked(source: Reading | Mapping[str, Any], kinds: Kinds) -> tuple[Document, Rulebook]:
    result = read_document(source, kinds)
    if result.document is None or result.rulebook is None:
        raise _worded(DocumentError, result.diagnostics, kinds.plugins)
    return result.document, result.rulebook


def _made(document: Document, rulebook: Rulebook, text: Reading | None = None) -> Program:
    program = Program.__new__(Program)
    program._fill(document, rulebook, text)
    return program


def _program(reading: Reading, kinds: Kinds) -> Program:
    return _made(*_checked(reading, kinds), replace(reading, data=None))


def _revived(text: bytes, kinds: KindTable) -> Program:
    return Program.from_json(text, kinds=kinds)


def _worded(error: type[Faults], faults: Sequence[Diagnostic], plugins: bool = False) -> Faults:
    """An error whose message tells every fault in English, one to a line."""
    return error(faults, render_all(faults, "en", plugins=plugins))


def aware(instant: object, name: str) -> datetime:
    """An aware instant given in code, in UTC; EventError names what was given for ``name`` otherwise."""
    return read_argument(read_instant, instant, name, "event", partial(_worded, EventError))
