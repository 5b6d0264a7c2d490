"""Why, why not and by how much: the same step under a tracing view, and what is missing to the next level.

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
from custrules.conditions import LeafTrace, NodeTrace, TableOutcome, Trace
from custrules.events import AnyEvent
from custrules.facts import FactType, FactValue
from custrules.fields import rate_text
from custrules.messages import Speaker, shown, speak
from custrules.moment import Moment
from custrules.money import Money, Rounding, exactly, rounded
from custrules.policies.tiers import Ladder
from custrules.policy import Decision, Outcome, Reason, reason
from custrules.rulebook import Rulebook
from custrules.settling import check_state
from custrules.state import State
from custrules.steps import Step
from custrules.views import Answered, Tested, Watch

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
    """One policy about one event: its decision (None: it had nothing to say), every condition it tested and table it read."""

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
    for event_id, policy_id in sorted(asked, key=lambda key: events.index(key[0])):
        decision = decided.get((event_id, policy_id))
        rows = dict.fromkeys(test for test in watch.tests if (test.event_id, test.policy_id) == (event_id, policy_id))
        read = {(note.table, note.day): note for note in watch.answers if (note.event_id, note.policy_id) == (event_id, policy_id)}
        tables = tuple(_answered(note, rules.currency) for note in read.values())
        tested = tuple(TestedRule(row.rule, row.day, _rule(row.trace, rules.currency)) for row in rows)
        yield Explained(policy_id, event_id, decision.outcome if decision else None, decision.reasons if decision else (), tested, tables)


def _answered(note: Answered, currency: str) -> AnsweredTable:
    outcome, types = note.outcome, {output.name: output.gives for output in note.bound.outputs}
    values = {name: _shown_all(value, types[name], currency) for name, value in outcome.values.items()}
    fired = tuple(index + 1 for index in (outcome.matched if outcome.clash else outcome.rows))
    told = {"table": note.table, "rows": ", ".join(map(str, fired)), "outputs": _outputs_text(values)}
    return AnsweredTable(note.table, note.day, tuple(_rule(row, currency) for row in note.rows), fired, values, _why(outcome, told))


def _why(outcome: TableOutcome, told: Mapping[str, Any]) -> Reason:
    if outcome.clash is not None:
        return reason("table.unique.several" if outcome.clash == "unique" else "table.any.differ", table=told["table"], rows=told["rows"])
    if not outcome.rows:
        return reason("table.none.default" if outcome.defaulted else "table.none.missing", table=told["table"], outputs=told["outputs"])
    return reason("table.rows.fired", **told)


def _shown_all(value: FactValue | tuple[FactValue | None, ...] | None, kind: FactType, currency: str) -> Value | tuple[Value, ...]:
    if isinstance(value, tuple):
        return tuple(shown_value(item, kind, currency) for item in value)
    return shown_value(value, kind, currency)


def _outputs_text(values: Mapping[str, Value | tuple[Value, ...]]) -> str:
    said = {name: ", ".join(map(shown, value)) if isinstance(value, tuple) else shown(value) for name, value in values.items()}
    return "; ".join(f"{name} = {text}" for name, text in said.items())


def _rule(trace: Trace, currency: str) -> Rule:
    if isinstance(trace, NodeTrace):
        return Combined(trace.kind, trace.result, tuple(_rule(child, currency) for child in trace.children))
    observed, gap = shown_value(trace.observed, trace.type, currency), _gap(trace, currency)
    return Compared(trace.fact, trace.cell, observed, trace.result, gap)


def _gap(trace: LeafTrace, currency: str) -> Value:
    """What is missing, as people read it; of levels, which have no distance in numbers, none."""
    if trace.gap is None or trace.type.kind == "level":
        return None
    return int(trace.gap) if trace.type.kind == "date" else shown_value(trace.gap, trace.type, currency)


def shown_value(value: FactValue | None, kind: FactType, currency: str) -> Value:
    """A fact as people read it: Money (an average half up), a decimal or a fraction's text, else as it is."""
    if kind.kind == "money" and isinstance(value, int | Fraction) and not isinstance(value, bool):
        return Money.from_minor(rounded(Fraction(value), Rounding.half_up), currency)
    if isinstance(value, Fraction):
        text = rate_text(value)
        return text if "/" in text else Decimal(text)
    return value


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


# -- progress ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Goal:
    """A level to reach or to keep: whether what is counted so far is enough, and if not, what is missing, until which last day."""

    level: str
    met: bool
    by: date | None
    missing: tuple[Compared, ...]
    tree: Rule | None

    def to_data(self) -> dict[str, Any]:
        tree = self.tree.to_data() if self.tree is not None else None
        return {"level": self.level, "met": self.met, "by": self.by, "missing": [row.to_data() for row in self.missing], "tree": tree}


@dataclass(frozen=True, slots=True)
class LadderProgress:
    """Where a customer stands on one ladder: the level held, the next one, and what keeping this one asks for."""

    policy_id: str
    level: str | None
    since: date | None
    until: date | None
    next: Goal | None
    keep: Goal | None

    def to_data(self) -> dict[str, Any]:
        goals = {"next": self.next.to_data() if self.next else None, "keep": self.keep.to_data() if self.keep else None}
        return {"policy_id": self.policy_id, "level": self.level, "since": self.since, "until": self.until, **goals}


@dataclass(frozen=True, slots=True)
class Progress:
    """What is missing on each ladder as of the state's day. Read it from an advanced state."""

    customer_id: str
    day: date | None
    ladders: tuple[LadderProgress, ...]

    def to_data(self) -> dict[str, Any]:
        return {"customer_id": self.customer_id, "day": self.day, "ladders": [ladder.to_data() for ladder in self.ladders]}

    def to_json(self) -> bytes:
        return canonical(self.to_data())


@exactly
def progress(rules: Rulebook, state: State) -> Progress:
    """What is missing to the next level and to keep the one held, counted as of the state's day (or the term's last day)."""
    check_state(rules, state)
    if state.day is None:
        return Progress(state.customer_id, None, ())
    ladders = [policy for policy in rules.phases(state.day)["rank"] if isinstance(policy, Ladder)]
    return Progress(state.customer_id, state.day, tuple(_on(rules, state, state.day, ladder) for ladder in ladders))


def _on(rules: Rulebook, state: State, day: date, ladder: Ladder) -> LadderProgress:
    held = state.statuses.get((ladder.status, ""))
    name = str(held.value) if held is not None and held.value in ladder.names else None
    excluded = any(Moment(rules, state, day).test(rules.bound[id(row.when), None]) for row in ladder.exclude)
    if held is None or name is None:
        return LadderProgress(ladder.id, None, None, None, None if excluded else _next(rules, state, day, ladder, -1), None)
    rank = ladder.names.index(name)
    keep = _goal(rules, state, held.until, ladder, rank) if held.until is not None else None
    return LadderProgress(ladder.id, name, held.since, held.until, _next(rules, state, day, ladder, rank), keep)


def _next(rules: Rulebook, state: State, day: date, ladder: Ladder, rank: int) -> Goal | None:
    """The lowest level above; reached at the next review day where the ladder has them."""
    above = rank + 1
    if above >= len(ladder.levels) or ladder.levels[above].enter is None:
        return None
    condition = ladder.levels[above].enter
    tree = _rule(Moment(rules, state, day).trace(rules.bound[id(condition), None]), rules.currency)
    by = ladder.review.after(day) if ladder.review is not None else None
    return Goal(ladder.names[above], tree.result, by, tuple(missing(tree)), tree)


def _goal(rules: Rulebook, state: State, until: date, ladder: Ladder, rank: int) -> Goal:
    """What a review as of ``until`` asks for, and what is counted in its window so far; judged by the version in force then."""
    judge = rules.in_force(ladder.id, until)
    judging = judge if isinstance(judge, Ladder) and ladder.names[rank] in judge.names else ladder
    condition = judging.levels[judging.names.index(ladder.names[rank])].keeps
    if condition is None:
        return Goal(ladder.names[rank], True, until, (), None)
    tree = _rule(Moment(rules, state, until).trace(rules.bound[id(condition), None]), rules.currency)
    return Goal(ladder.names[rank], tree.result, until, tuple(missing(tree)), tree)


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


@speak.register
def _(progress: Progress, speaker: Speaker) -> str:
    """Per ladder a line for the level held, one for the next level and one for keeping this one."""
    return "\n".join(line for ladder in progress.ladders for line in _ladder_lines(ladder, speaker))


def _ladder_lines(ladder: LadderProgress, speaker: Speaker) -> Iterator[str]:
    told: Mapping[str, Any] = {"policy": ladder.policy_id, "level": ladder.level, "since": ladder.since, "until": ladder.until}
    yield speaker.word("progress_none" if ladder.level is None else "progress_held" if ladder.until else "progress_open", told)
    for name, goal in (("next", ladder.next), ("keep", ladder.keep)):
        if goal is not None:
            word = f"progress_{name}_met" if goal.met else f"progress_{name}_by" if goal.by else f"progress_{name}"
            yield "  " + speaker.word(word, {"level": goal.level, "by": goal.by})
            yield from ("    " + speaker.say(row) for row in goal.missing)
