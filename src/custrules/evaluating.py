"""Policies asked about given facts: ``program.evaluate``, ``program.evaluator`` and ``program.facts``.

The plain answer is the policy's own code under a view of the given facts. Where the policy writes generated code, that is
what is run; both say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, Never, cast
from zoneinfo import ZoneInfo

from custrules.calendars import Length, Window
from custrules.calendars.birthdays import Birthday
from custrules.calendars.working import WorkingTime
from custrules.conditions import Bound, BoundTable, Condition, Table, TableOutcome, Trace, evaluate, tables_in, trace
from custrules.conditions.compiler import leaves, trace_of
from custrules.counting import LineFacts, event_fact_types
from custrules.draft import Draft
from custrules.errors import Diagnostic, FactsError
from custrules.evaluation import MAX_INTERNED, Evaluation
from custrules.facts import FactType, FactValue
from custrules.fields import read_day
from custrules.given import FactsCode, FactsForm, GivenFacts, Quotient
from custrules.law import Law
from custrules.measures import RatioMeter
from custrules.messages import render_all
from custrules.order_lines import OrderLine
from custrules.orders import Order, Record
from custrules.policy import FactsView, Policy, conditions_in
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.validation import nearest, read_argument

Decide = Callable[[GivenFacts], Evaluation]
_NOBODY = State.new("nobody")


class GivenView(FactsView):
    """The view of a policy on given facts: a customer of whom nothing else is known, and no event.

    An ``amount`` is an order of one line, all of which earns; nothing has been awarded before.
    """

    state: State
    day: date
    settled: date
    instant: datetime
    currency: str
    scale: int
    zone: ZoneInfo
    levels: tuple[str, ...]
    return_window: Length
    working: WorkingTime | None
    order: Order | None
    before: Order | None

    def __init__(self, rules: Rulebook, policy: Policy, facts: GivenFacts) -> None:
        self._rules, self._policy, self._facts = rules, policy, facts
        self._scope = rules.scopes[id(policy)]
        self.state, self.order, self.before, self.return_window = _NOBODY, None, None, rules.returns.window
        self.working = rules.working
        self.day = self.settled = policy.effective_from
        self.instant = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        self.currency, self.scale, self.zone, self.levels = rules.currency, rules.scale, rules.zone, rules.levels

    def bound(self, condition: Condition) -> Bound:
        return self._rules.bound[id(condition), self._scope]

    def law(self) -> Law | None:
        return self._rules.law

    def test(
        self,
        condition: Condition,
        on: date | None = None,
        *,
        complete: bool = False,
        level_since: date | None = None,
        given: Mapping[str, FactValue] | None = None,
    ) -> bool:
        return evaluate(self.bound(condition), self._facts)

    def outcome(self, table: Table, on: date | None = None) -> TableOutcome:
        return self.bound_table(table).outcome(self._facts)

    def bound_table(self, table: Table) -> BoundTable:
        return self._rules.bound_tables[id(table), self._scope]

    def trace(self, condition: Condition) -> Trace:
        return trace(self.bound(condition), self._facts)

    def value(self, name: str, on: date | None = None, *, complete: bool = False) -> FactValue | None:
        return self._facts.value(name)

    def next_change(self, condition: Condition | Table | str, *, complete: bool = False) -> date | None:
        return None

    def type_of(self, name: str) -> FactType | None:
        return self._facts.form.types.get(name)

    def horizon(self, reading: str) -> Length | None:
        return self._rules.parts.declared.horizons.get(reading)

    def evaluable(self, condition: Condition, on: date, *, complete: bool = False, level_since: date | None = None) -> bool:
        return False

    @property
    def ledger(self) -> Draft:
        return Draft(self.state.ledger, self.day, self.settled, "", self._policy.id)

    def in_force(self, policy_id: str, day: date) -> Policy | None:
        return self._rules.in_force(policy_id, day)

    def account(self, name: str) -> Policy | None:
        return self._rules.keeper(name, self.day)

    def on_account(self, name: str, day: date) -> tuple[Policy, ...]:
        return self._rules.on_account(name, day)

    def refunded(self, order: Order) -> int:
        return 0

    def born(self) -> Birthday | None:
        return None

    def record(self, policy: Policy) -> Record | None:
        return None

    def tender_back(self, kind: str) -> tuple[int, Decimal, int]:
        return 0, Decimal(0), 0

    def awarded(self, policy: Policy, window: Window | None, group: str | None = None) -> int:
        return 0

    def counted(self, policy: Policy, name: str, window: Window) -> int:
        return 0

    def sent(self, policy: Policy, window: Window) -> tuple[int, int]:
        return 0, 0

    def line_matches(self, condition: Condition, line: OrderLine) -> bool:
        return evaluate(self.bound(condition), LineFacts(line))

    def kept_lines(self) -> Sequence[tuple[OrderLine, int]]:
        amount = cast("int | None", self._facts.value("amount"))
        return ((OrderLine(None, None, Decimal(1), amount, 0), amount),) if amount is not None else ()

    def earning_share(self, without: Collection[str] | None = None) -> Fraction:
        return Fraction(without is None or "cash" not in without)


class Traced(NamedTuple):
    """An evaluation with everything that was compared: all leaves of the policy were asked, one bit each in ``found``."""

    evaluation: Evaluation
    found: int
    facts: GivenFacts
    asked: Mapping[str, Bound]

    @property
    def rules(self) -> dict[str, Trace]:
        """The Trace of each condition by its place inside the policy (``levels[1].enter``)."""
        told, found = {}, self.found
        for rule, bound in self.asked.items():
            count = sum(1 for _ in leaves(bound))
            told[rule] = trace_of(bound, (found & (1 << count) - 1, {fact: self.facts.value(fact) for fact in bound.facts}))
            found >>= count
        return told


class Evaluator:
    """One version of a policy, ready to be asked about facts: ``decide(facts)`` for facts that ``form`` has read.

    ``decide`` is a plain function: keep it in a variable where it is called often. ``trace(facts)`` asks every cell and
    keeps what it saw.
    """

    policy: Policy
    form: FactsForm
    decide: Decide

    def __init__(self, rules: Rulebook, policy: Policy, form: FactsForm) -> None:
        self.policy, self.form = policy, form
        self._rules = rules
        self._counts, self._known = True, dict[int, Evaluation]()
        self.decide = self._compiled() or self.plainly
        self._trace: Callable[[GivenFacts], Traced] | None = None

    def plainly(self, facts: GivenFacts) -> Evaluation:
        """The same by the policy's own code: the specification of ``decide``."""
        answer = self.policy.evaluated(GivenView(self._rules, self.policy, facts))
        return Evaluation.of(self.policy.id, self.policy.effective_from, answer)

    def trace(self, facts: GivenFacts) -> Traced:
        if self._trace is None:
            self._trace = self._compiled_trace()
        return self._trace(facts)

    def _compiled(self) -> Decide | None:
        view = GivenView(self._rules, self.policy, nothing_of(self.form))
        careful = FactsCode(self.form)
        if not self.policy.write_evaluation(careful, view):
            return None
        fast = FactsCode(self.form, careful.function("decide(facts)"), careful.made)
        self.policy.write_evaluation(fast, view)
        self._counts = fast.counts
        return fast.function("decide(facts)")

    # -- tracing ---------------------------------------------------------------------------------------------------

    def _compiled_trace(self) -> Callable[[GivenFacts], Traced]:
        """Asks every leaf, whatever decides; where nothing but leaves decides, the evaluation is known by which of them hold."""
        asked = self._asked()
        careful = self._written_trace(FactsCode(self.form), asked)
        return self._written_trace(FactsCode(self.form, careful), asked)

    def _written_trace(self, code: FactsCode, asked: Mapping[str, Bound]) -> Callable[[GivenFacts], Traced]:
        code.add(1, "m = 0")
        for place, leaf in enumerate(leaf for bound in asked.values() for leaf in leaves(bound)):
            code.add(1, f"if {code.leaf(leaf)}: m |= {1 << place}")
        if self._counts:
            told = f"{code.name(self.decide)}(facts)"
        else:
            told = f"{code.name(self._remembered)}(m, facts)" if code.careful is None else f"{code.name(self._known)}[m]"
        code.add(1, f"return {code.name(tuple.__new__)}({code.name(Traced)}, ({told}, m, facts, {code.name(asked)}))")
        return code.function("trace(facts)")

    def _remembered(self, found: int, facts: GivenFacts) -> Evaluation:
        told = self.decide(facts)
        if len(self._known) < MAX_INTERNED:
            self._known[found] = told
        return told

    def _asked(self) -> dict[str, Bound]:
        """The conditions and rows of tables that read given facts, by their place."""
        scope, rules = self._rules.scopes[id(self.policy)], self._rules.rules_of
        found = {rules[id(when), scope]: self._rules.bound[id(when), scope] for _, when in conditions_in(self.policy)}
        for _, table in tables_in(self.policy):
            for index, row in enumerate(self._rules.bound_tables[id(table), scope].rows):
                found[f"{rules[id(table), scope]}.rows[{index}]".removeprefix(".")] = row.condition
        return {rule: bound for rule, bound in found.items() if bound.facts <= self.form.types.keys() | self.form.quotients.keys()}


def nothing_of(form: FactsForm) -> GivenFacts:
    return form.exact(dict.fromkeys(form.types))


def version(rules: Rulebook, policy_id: str, on: date | None) -> Policy:
    """The version of a policy in force on a day; None: the newest. FactsError where there is none that answers, and for what is no day."""
    on = read_argument(read_day, on, "on", "facts", _worded) if on is not None else None
    if policy_id not in rules.versions:
        near = nearest(policy_id, rules.versions) if isinstance(policy_id, str) else ""
        _refuse("facts.unknown_policy", policy=str(policy_id), known=", ".join(rules.versions), nearest=near)
    found = rules.versions[policy_id][-1] if on is None else rules.in_force(policy_id, on)
    if found is None:
        _refuse("facts.not_in_force", policy=policy_id, on=str(on), first=rules.starts[policy_id][0].isoformat())
    if found.retired:
        _refuse("facts.retired", policy=policy_id, since=found.effective_from.isoformat())
    return found


def form_of(rules: Rulebook, policies: Sequence[Policy]) -> FactsForm:
    """The facts that some policies ask for, by name. FactsError where two mean different facts by one name."""
    types: dict[str, FactType] = {}
    quotients: dict[str, Quotient] = {}
    for policy in policies:
        asked = _asked(rules, policy)
        quotients |= asked.quotients
        for name, kind in asked.types.items():
            if types.setdefault(name, kind) != kind:
                _refuse("facts.two_meanings", fact=name, policy=policy.id)
    return FactsForm(dict(sorted(types.items())), rules.currency, quotients, _worded)


class Asked(NamedTuple):
    """The facts that a policy asks for; of a measure that is a ratio, the two that it is the quotient of."""

    types: dict[str, FactType]
    quotients: dict[str, Quotient]


def _asked(rules: Rulebook, policy: Policy) -> Asked:
    scope = rules.scopes[id(policy)]
    known = rules.types | (event_fact_types(scope, rules.parts.declared) if scope else {})
    names = policy.asks(GivenView(rules, policy, nothing_of(FactsForm({}, rules.currency))))
    meters = {name: rules.meters.get(name) for name in names}
    quotients = {name: meter.quotient for name, meter in meters.items() if isinstance(meter, RatioMeter)}
    known |= {name: meter.type for name, meter in meters.items() if meter is not None}
    plain = names - quotients.keys() | {part for quotient in quotients.values() for part in (quotient.over, quotient.under)}
    return Asked({name: known[name] for name in plain if name in known}, quotients)


def evaluator_of(rules: Rulebook, policy: Policy, form: FactsForm) -> Evaluator:
    """The evaluator of a policy for facts of a form; FactsError where the form lacks a fact, or the policy has no answer to facts alone."""
    found = form.made.get(id(policy))
    if found is None:
        asked = _asked(rules, policy)
        for name, wanted in {**asked.types, **asked.quotients}.items():
            if {**form.types, **form.quotients}.get(name) != wanted or form.currency != rules.currency:
                _refuse("facts.not_in_form", fact=name, policy=policy.id)
        _check_answers(rules, policy, form)
        found = form.made[id(policy)] = Evaluator(rules, policy, form)
    assert isinstance(found, Evaluator)
    return found


def _check_answers(rules: Rulebook, policy: Policy, form: FactsForm) -> None:
    """A policy that would refuse every row refuses now."""
    try:
        policy.evaluated(GivenView(rules, policy, nothing_of(form)))
    except FactsError as error:
        raise _worded(error.diagnostics) from None


def _worded(faults: Sequence[Diagnostic]) -> FactsError:
    """An error whose message tells every fault in English, one to a line."""
    return FactsError(faults, render_all(faults, "en", plugins=False))


def _refuse(code: str, **params: Any) -> Never:
    raise _worded([Diagnostic(code, params=params)])
