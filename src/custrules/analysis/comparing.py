"""``cr.compare``: the same events under two programs, customer by customer, in one pass whose memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Never

from custrules.analysis.cases import Case, Sums, case_of
from custrules.analysis.comparison import Compared, Comparison, Segment, Side
from custrules.analysis.flows import Account, Accounts
from custrules.analysis.lanes import Lane, Watcher, instant_of
from custrules.analysis.refusal import many_in, program_in, worded
from custrules.errors import Diagnostic, EventError
from custrules.events import AnyEvent
from custrules.fields import describe
from custrules.policy import StatusFact
from custrules.program import Program, aware
from custrules.replaying import Given, Turns, event_of, placed
from custrules.validation import nearest

MOST_SEGMENTS = 1_000


def compare(
    base: Program, candidate: Program, events: Iterable[Given], *, until: datetime | None = None, by: str | None = None, top: int = 10
) -> Comparison:
    """Step the same events under both programs, each customer from nothing, and tell what comes out differently.

    Events are Event objects, plain data or JSON, grouped by customer as for ``replay``; those that happened after ``until`` are
    left out. ``by`` is a declared profile field: everything is told for each of its values too, as it stands in the closing profile
    (under base; where it has none, under the candidate). ``top`` customers are told with their decisions. An event that only one of
    the programs can read is told as not accepted by the other; one that neither can is an EventError at ``events[16].amount``.
    AnalysisError for what is no program, for programs of different currencies, a field that neither declares, and a field of more than 1,000 values.
    """
    program_in(base, "base")
    program_in(candidate, "candidate")
    many_in(events, "events")
    return Experiment(base, candidate, until=until, by=by, top=top).run(events)


class Either:
    """Reads events of the base program, else of the candidate."""

    def __init__(self, base: Program, candidate: Program) -> None:
        self._base, self._candidate = base, candidate

    def event(self, data: Given) -> AnyEvent:
        """EventError, as the base program words it, where neither can read it."""
        try:
            return self._base.event(data)
        except EventError as error:
            try:
                return self._candidate.event(data)
            except EventError:
                raise error from None


class Experiment:
    """One comparison being made; ``watcher`` looks on while the base program steps."""

    def __init__(
        self,
        base: Program,
        candidate: Program,
        *,
        until: datetime | None = None,
        by: str | None = None,
        top: int = 10,
        watcher: Watcher | None = None,
    ) -> None:
        self._programs: dict[Side, Program] = {"base": base, "candidate": candidate}
        self._check(by, top)
        self._until = aware(until, "until") if until is not None else None
        self._by, self._top = by, top
        self._accounts = _shared_accounts(base, candidate)
        self._lanes: dict[Side, Lane] = {"base": Lane(base, self._accounts, watcher), "candidate": Lane(candidate, self._accounts)}
        self._statuses = {side: _ladders(program) for side, program in self._programs.items()}
        self._reader = Either(base, candidate)
        self._customer: str | None = None
        self._turns = Turns()
        self._events = self._left_out = 0
        self._total = self._sums()
        self._segments: dict[str | None, Sums] = {}

    # -- what is asked ---------------------------------------------------------------------------------------------

    def _check(self, by: str | None, top: int) -> None:
        base, candidate = self._programs.values()
        if base.currency != candidate.currency:
            _refuse("analysis.other_currency", "currency", base=base.currency, candidate=candidate.currency)
        known = list(dict.fromkeys(name for program in (base, candidate) for name in program.rulebook.parts.profile))
        if by is not None and by not in known:
            near = nearest(by, known) if isinstance(by, str) else ""
            _refuse("analysis.unknown_field", "by", found=describe(by), nearest=near, known=", ".join(known))
        if isinstance(top, bool) or not isinstance(top, int) or not 0 <= top <= 1_000:
            _refuse("analysis.wrong_type", "top", expected="a whole number from 0 to 1000", found=describe(top))

    def _sums(self) -> Sums:
        return Sums(self._programs["base"].currency, tuple(self._accounts.values()), self._statuses, self._top)

    # -- one pass --------------------------------------------------------------------------------------------------

    def run(self, events: Iterable[Given]) -> Comparison:
        """The whole pass."""
        for number, given in enumerate(events):
            event = event_of(self._reader.event, given, number)
            if event.customer_id != self._customer:
                self._next(event.customer_id, number)
            if self._after_the_end(event):
                self._left_out += 1
            else:
                self._answer(event, number)
        self._close()
        return self._comparison()

    def _after_the_end(self, event: AnyEvent) -> bool:
        """Whether an event happened after the end; a day that is sent happens when it opens."""
        at = instant_of(event.id, event.occurred_at, self._programs["base"].zone)
        return self._until is not None and at is not None and at > self._until

    def _next(self, customer_id: str, number: int) -> None:
        self._close()
        self._turns.begin(customer_id, number)
        self._customer, self._events = customer_id, 0

    def _answer(self, event: AnyEvent, number: int) -> None:
        if not self._events:
            for lane in self._lanes.values():
                lane.begin(event.customer_id)
        self._events += 1
        told = [lane.answer(number, event) for lane in self._lanes.values()]
        if all(one.faults for one in told):
            raise placed(told[0].faults, number)

    def _close(self) -> None:
        """Let the customer's time pass to one instant under both programs, and count what came of it."""
        if self._customer is None or not self._events:
            return
        ends = [self._until] if self._until is not None else [lane.state.as_of for lane in self._lanes.values()]
        known = [end for end in ends if end is not None]
        for lane in self._lanes.values():
            lane.end(max(known, default=None))
        case = case_of(self._customer, self._segment(), self._events, self._lanes, self._statuses, self._programs["base"].zone)
        self._total.add(case)
        if self._by is not None:
            self._of_segment(case).add(case)

    def _segment(self) -> str | None:
        values = [lane.state.profile.get(self._by) for lane in self._lanes.values()] if self._by is not None else []
        return next((str(value).lower() if isinstance(value, bool) else str(value) for value in values if value is not None), None)

    def _of_segment(self, case: Case) -> Sums:
        if case.segment not in self._segments:
            if len(self._segments) >= MOST_SEGMENTS:
                _refuse("analysis.too_many_segments", "by", field=self._by, most=MOST_SEGMENTS)
            self._segments[case.segment] = self._sums()
        return self._segments[case.segment]

    # -- what came of it -------------------------------------------------------------------------------------------

    def _comparison(self) -> Comparison:
        base, candidate = (Compared(program.id, program.digest, program.zone.key) for program in self._programs.values())
        segments = tuple(Segment(value, self._segments[value].part()) for value in self._in_order())
        currency = self._programs["base"].currency
        return Comparison(base, candidate, currency, self._until, self._left_out, self._total.part(), self._by, segments)

    def _in_order(self) -> list[str | None]:
        """Declared values in their order, then the others as text; those without a value come last."""
        fields = [program.rulebook.parts.profile.get(self._by or "") for program in self._programs.values()]
        declared = list(dict.fromkeys(value for field in fields if field is not None for value in field.values))
        place = {value: number for number, value in enumerate(declared)}
        return sorted(self._segments, key=lambda value: (value is None, place.get(value or "", len(declared)), value or ""))


def _shared_accounts(base: Program, candidate: Program) -> Mapping[tuple[str, str], Account]:
    """The accounts of both programs by name and unit, each with the decimals of the finer one."""
    found: dict[tuple[str, str], Account] = {}
    for account in (*Accounts(base).known, *Accounts(candidate).known):
        key = account.name, account.unit
        found[key] = max(found.get(key, account), account, key=lambda one: one.scale)
    return found


def _ladders(program: Program) -> dict[str, tuple[str, ...]]:
    """By status, the levels of all versions in order of rank."""
    facts = program.rulebook.given.values()
    return {fact.status: fact.type.values for fact in facts if isinstance(fact, StatusFact) and fact.type.kind == "level"}


def _refuse(code: str, path: str, **params: object) -> Never:
    raise worded([Diagnostic(code, path, {name: str(value) for name, value in params.items()})])
