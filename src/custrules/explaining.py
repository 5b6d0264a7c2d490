"""Why, why not and by how much: the same step under a tracing view.

An Explanation cannot disagree with the step: it is the step, with every condition that was tested written down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from custrules import kernel
from custrules.codec import canonical
from custrules.conditions import LeafTrace, NodeTrace, Trace
from custrules.events import AnyEvent
from custrules.messages import Speaker, speak
from custrules.money import Money
from custrules.policy import Decision, Outcome, Policy, Reason
from custrules.rulebook import Rulebook
from custrules.shown import shown_value
from custrules.standing import Standing
from custrules.state import State
from custrules.steps import Step
from custrules.tabling import told_outcome
from custrules.views import Answered, Days, StepView, Tested, Watch

Value = Money | Decimal | int | str | bool | date | None


@dataclass(frozen=True, slots=True)
class Compared:
    """One fact held against one cell. ``gap`` is what must be added to make it true (negative: taken away); None where there is no such number."""

    fact: str
    cell: str
    observed: Value
    result: bool
    gap: Value = None

    def to_data(self) -> dict[str, Any]:
        return {"fact": self.fact, "cell": self.cell, "observed": self.observed, "result": self.result, "gap": self.gap}


@dataclass(frozen=True, slots=True)
class Combined:
    """``all``, ``any`` or ``not`` of what stands below it."""

    kind: Literal["all", "any", "not"]
    result: bool
    children: tuple[Rule, ...]

    def to_data(self) -> dict[str, Any]:
        return {"kind": self.kind, "result": self.result, "children": [child.to_data() for child in self.children]}


Rule = Compared | Combined


@dataclass(frozen=True, slots=True)
class TestedRule:
    """A condition of a policy as it was tested: its place in the policy, as of which day, and the values compared."""

    rule: str
    day: date
    tree: Rule

    @property
    def result(self) -> bool:
        return self.tree.result

    def to_data(self) -> dict[str, Any]:
        return {"rule": self.rule, "day": self.day, "tree": self.tree.to_data()}


@dataclass(frozen=True, slots=True)
class AnsweredTable:
    """A table that a policy read, as it answered: the rows that were looked at, in order, and those that the answer is made of.

    Rows are counted from 1. ``reason`` tells why: a row fired, none did, or several did and the hit policy lets no answer stand.
    """

    table: str
    day: date
    rows: tuple[Rule, ...]
    fired: tuple[int, ...]
    values: Mapping[str, Value | tuple[Value, ...]]
    reason: Reason

    def to_data(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "day": self.day,
            "rows": [row.to_data() for row in self.rows],
            "fired": list(self.fired),
            "values": dict(self.values),
            "reason": self.reason.to_data(),
        }


@dataclass(frozen=True, slots=True)
class Explained:
    """One policy about one event: its decision, every condition it tested and table it read.

    Without an ``outcome`` it had nothing to decide; ``reasons`` then tell why the customer stands as before (excluded, say).
    """

    policy_id: str
    event_id: str
    outcome: Outcome | None
    reasons: tuple[Reason, ...]
    tested: tuple[TestedRule, ...]
    tables: tuple[AnsweredTable, ...] = ()

    def to_data(self) -> dict[str, Any]:
        return {
            "policy_id": self.policy_id,
            "event_id": self.event_id,
            "outcome": self.outcome,
            "reasons": [why.to_data() for why in self.reasons],
            "tested": [rule.to_data() for rule in self.tested],
            "tables": [table.to_data() for table in self.tables],
        }


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A comparison that failed and could have come out otherwise: by whom it was asked, and what was missing."""

    policy_id: str
    rule: str
    compared: Compared

    def to_data(self) -> dict[str, Any]:
        return {"policy_id": self.policy_id, "rule": self.rule, **self.compared.to_data()}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A step and the tree of rules behind it: those of the time settled first, then the event's own.

    ``near_misses`` are the comparisons about the event itself that failed and have a distance.
    """

    step: Step
    entries: tuple[Explained, ...]

    @property
    def near_misses(self) -> tuple[NearMiss, ...]:
        """Of each fact that a policy asked for in vain, the nearest mark only."""
        nearest: dict[tuple[str, str], NearMiss] = {}
        for miss in self._misses():
            key = miss.policy_id, miss.compared.fact
            if key not in nearest or _distance(miss.compared) < _distance(nearest[key].compared):
                nearest[key] = miss
        return tuple(nearest.values())

    def _misses(self) -> Iterator[NearMiss]:
        event = self.step.event
        own = [entry for entry in self.entries if event is not None and entry.event_id == event.id]
        failed = [(entry, tested) for entry in own for tested in entry.tested if not tested.result]
        return (NearMiss(entry.policy_id, tested.rule, leaf) for entry, tested in failed for leaf in missing(tested.tree) if leaf.gap is not None)

    def to_data(self) -> dict[str, Any]:
        step = self.step
        return {
            "event_id": step.event.id if step.event is not None else None,
            "verdict": step.verdict,
            "refusal": step.refusal.to_data() if step.refusal is not None else None,
            "entries": [entry.to_data() for entry in self.entries],
            "near_misses": [miss.to_data() for miss in self.near_misses],
        }

    def to_json(self) -> bytes:
        return canonical(self.to_data())


def explain(rules: Rulebook, state: State, event: AnyEvent) -> Explanation:
    """The step of an event with everything that was compared on the way."""
    watch = Watch()
    step = Step.of(kernel.step(rules, state, event, watch))
    return Explanation(step, tuple(_entries(rules, step, watch)))


def _entries(rules: Rulebook, step: Step, watch: Watch) -> Iterator[Explained]:
    """In the order in which policies were asked: those that tested something or decided."""
    decided: dict[tuple[str, str], Decision] = {(decision.event_id, decision.policy_id): decision for decision in step.decisions}
    noted: list[Tested | Answered] = [*watch.tests, *watch.answers]
    asked = dict.fromkeys([(note.event_id, note.policy_id) for note in noted] + list(decided))
    events = list(dict.fromkeys(event_id for event_id, _ in asked))
    standing = {policy.id: [found.why] for policy, found in standings(rules, step.state) if found.why is not None}
    for event_id, policy_id in sorted(asked, key=lambda key: events.index(key[0])):
        decision = decided.get((event_id, policy_id))
        rows = dict.fromkeys(test for test in watch.tests if (test.event_id, test.policy_id) == (event_id, policy_id))
        read = {(note.table, note.day): note for note in watch.answers if (note.event_id, note.policy_id) == (event_id, policy_id)}
        tables = tuple(_answered(note, rules.currency) for note in read.values())
        tested = tuple(TestedRule(row.rule, row.day, rule_of(row.trace, rules.currency)) for row in rows)
        reasons = decision.reasons if decision else tuple(standing.get(policy_id, ()))
        yield Explained(policy_id, event_id, decision.outcome if decision else None, reasons, tested, tables)


def standings(rules: Rulebook, state: State) -> Iterator[tuple[Policy, Standing]]:
    """Where a customer stands with each policy in force on the state's day that tells it."""
    if state.day is None or state.as_of is None:
        return
    days = Days(state.day, state.day, state.as_of)
    for policies in rules.phases(state.day).values():
        for policy in policies:
            found = policy.progress(StepView(rules, state, None, days, policy))
            if found is not None:
                yield policy, found


def _answered(note: Answered, currency: str) -> AnsweredTable:
    told = told_outcome(note.table, note.bound, note.outcome, currency)
    return AnsweredTable(note.table, note.day, tuple(rule_of(row, currency) for row in note.rows), told.rows, told.values, told.reason)


def rule_of(trace: Trace, currency: str) -> Rule:
    if isinstance(trace, NodeTrace):
        return Combined(trace.kind, trace.result, tuple(rule_of(child, currency) for child in trace.children))
    observed, gap = shown_value(trace.observed, trace.type, currency), _gap(trace, currency)
    return Compared(trace.fact, trace.cell, observed, trace.result, gap)


def _gap(trace: LeafTrace, currency: str) -> Value:
    """What is missing, as people read it; of levels, which have no distance in numbers, none."""
    if trace.gap is None or trace.type.kind == "level":
        return None
    return int(trace.gap) if trace.type.kind == "date" else shown_value(trace.gap, trace.type, currency)


def missing(tree: Rule) -> Iterator[Compared]:
    """The comparisons that keep a rule from holding; under ``any`` every one of them would do."""
    if isinstance(tree, Compared):
        if not tree.result:
            yield tree
    elif tree.kind != "not" and not tree.result:
        for child in tree.children:
            yield from missing(child)


def _distance(compared: Compared) -> Fraction:
    gap = compared.gap
    if isinstance(gap, Money):
        return Fraction(abs(gap.minor))
    return abs(Fraction(str(gap)))


# -- words -------------------------------------------------------------------------------------------------------------


@speak.register
def _(explanation: Explanation, speaker: Speaker) -> str:
    """The verdict, then policy by policy: its reasons, and below them what was compared."""
    lines = [speaker.say(explanation.step).partition("\n")[0]]
    for entry in explanation.entries:
        about = {"policy": entry.policy_id, "event": entry.event_id}
        head = "explain_none" if entry.outcome is None else f"explain_{entry.outcome.lower()}"
        lines.append("  " + speaker.word(head, about))
        lines += ["    " + speaker.say(why) for why in entry.reasons]
        lines += [line for table in entry.tables for line in _table_lines(table, speaker)]
        lines += [f"    {tested.rule}{row}" for tested in entry.tested for row in _tree_lines(tested.tree, speaker, "")]
    return "\n".join(lines)


def _table_lines(table: AnsweredTable, speaker: Speaker) -> Iterator[str]:
    """What the table answered, then the rows that were looked at."""
    yield f"    {speaker.say(table.reason)}"
    for number, row in enumerate(table.rows, 1):
        yield from (f"      {number}{line}" for line in _tree_lines(row, speaker, ""))


def _tree_lines(tree: Rule, speaker: Speaker, indent: str) -> list[str]:
    mark = "✓" if tree.result else "✗"
    if isinstance(tree, Compared):
        return [f"{indent} {mark} {speaker.say(tree)}"]
    rows = [f"{indent} {mark} {speaker.word(f'explain_{tree.kind}', {})}"]
    return rows + [line for child in tree.children for line in _tree_lines(child, speaker, indent + "    ")]


@speak.register
def _(compared: Compared, speaker: Speaker) -> str:
    told: Mapping[str, Any] = {"fact": compared.fact, "cell": compared.cell, "observed": compared.observed}
    if compared.observed is None:
        return speaker.word("compared_missing", told)
    if compared.result or compared.gap is None:
        return speaker.word("compared_holds" if compared.result else "compared_fails", told)
    short, gap = _size(compared.gap)
    return speaker.word("compared_short" if short else "compared_over", {**told, "gap": gap})


def _size(gap: Value) -> tuple[bool, Value]:
    """Whether something is missing (or too much), and how much; a fraction comes as its text."""
    if isinstance(gap, Money):
        return gap.minor >= 0, gap if gap.minor >= 0 else -gap
    if isinstance(gap, int | Decimal):
        return gap >= 0, gap if gap >= 0 else -gap
    return not str(gap).startswith("-"), str(gap).removeprefix("-")
