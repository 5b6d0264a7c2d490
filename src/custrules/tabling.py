"""The tables of a program as facts: what each gives, which others it reads, and that no fact is read on the way to itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from custrules.conditions import LISTS, BoundTable, Output, Table, TableOutcome, given_type
from custrules.errors import Diagnostic
from custrules.facts import FactType, FactValue
from custrules.policy import Policy, Reason, StatusFact, conditions_in, reason
from custrules.shown import Shown, shown, shown_value
from custrules.validation import path_text

MAX_CHAIN = 20  # tables that read one another in a row
_MOST_CIRCLES = 20  # told at once

Place = tuple[int | str, ...]
Node = tuple[Literal["table", "fact"], str]


@dataclass(frozen=True, slots=True)
class TableFact:
    """One output of a policy that is a table: the fact ``<policy_id>.<output>``."""

    policy_id: str
    output: str
    type: FactType


class _Use(NamedTuple):
    """One fact that a table, or the default of a status, reads, and where."""

    node: Node
    fact: str
    policy: Policy
    path: Place


class Tables:
    """``facts`` by name; ``listed`` are the outputs that no condition can read, with their hit policy; ``faults`` of all together."""

    facts: dict[str, TableFact]
    listed: dict[str, str]
    faults: list[Diagnostic]

    def __init__(self, policies: Sequence[Policy], places: Mapping[int, Place], scale: int, levels: Sequence[str]) -> None:
        self.facts, self.listed, self.faults = {}, {}, []
        self._places = places
        self._versions: dict[str, list[tuple[Policy, Table]]] = {}
        for policy in policies:
            if isinstance(policy, Table):
                self._versions.setdefault(policy.id, []).append((policy, policy))
                for output in policy.outputs:
                    self._add(policy.id, policy, output, scale, levels)
        self._reads = {policy_id: self._read_by(versions) for policy_id, versions in self._versions.items()}
        self._check_circles(policies)

    def _add(self, policy_id: str, table: Table, output: Output, scale: int, levels: Sequence[str]) -> None:
        name = f"{policy_id}.{output.name}"
        if table.hit in LISTS:
            self.listed[name] = table.hit
            return
        kind, before = given_type(table, output, scale, levels), self.facts.get(name)
        if before is not None and kind.kind == "text":
            values = tuple(dict.fromkeys((*before.type.values, *kind.values))) if before.type.values and kind.values else ()
            kind = replace(kind, values=values)
        self.facts[name] = TableFact(policy_id, output.name, kind)

    def _read_by(self, versions: Sequence[tuple[Policy, Table]]) -> list[str]:
        """The tables that some version of a table reads."""
        names = [name for _, table in versions for name in table.inputs]
        return list(dict.fromkeys(self.facts[name].policy_id for name in names if name in self.facts))

    def behind(self, names: Iterable[str]) -> list[str]:
        """Every table that stands behind facts, also behind other tables: first those that read, then those that are read."""
        found = list(dict.fromkeys(self.facts[name].policy_id for name in names if name in self.facts))
        for policy_id in found:
            found += [other for other in self._reads[policy_id] if other not in found]
        return found

    def roots(self, names: Iterable[str]) -> frozenset[str]:
        """The facts that stand behind facts: for those of tables, what the tables read; without the facts of tables themselves."""
        given = frozenset(names)
        behind = [table for policy_id in self.behind(given) for _, table in self._versions[policy_id]]
        return frozenset(name for name in given.union(*(table.inputs for table in behind)) if name not in self.facts)

    # -- circles ---------------------------------------------------------------------------------------------------

    def _check_circles(self, policies: Iterable[Policy]) -> None:
        """No fact may be read on the way to itself: by tables, or by the exclusions that take a status from those who never had one."""
        uses = [*self._by_tables(), *_by_statuses(policies)]
        left: dict[Node, list[Node]] = {}
        for use in uses:
            left.setdefault(use.node, []).append(self._node(use.fact))
        order = list(left)
        if _without_ends(left) > MAX_CHAIN:
            self._fault("document.tables_too_deep", (*self._places[id(uses[0].policy)], *uses[0].path), most=MAX_CHAIN)
        for _ in range(_MOST_CIRCLES):
            if not left:
                return
            circle = _circle_in(left, order)
            use = next(use for use in uses if use.node == circle[0] and self._node(use.fact) == circle[1 % len(circle)])
            chain = " → ".join(name for _, name in (*circle, circle[0]))
            self._fault("document.fact_circle", (*self._places[id(use.policy)], *use.path), chain=chain)
            for node in circle:
                left.pop(node)
            _without_ends(left)

    def _by_tables(self) -> Iterator[_Use]:
        for policy_id, versions in self._versions.items():
            for policy, table in versions:
                yield from (_Use(("table", policy_id), name, policy, ("inputs", index)) for index, name in enumerate(table.inputs))

    def _node(self, fact: str) -> Node:
        return ("table", self.facts[fact].policy_id) if fact in self.facts else ("fact", fact)

    def _fault(self, code: str, place: Place, **params: object) -> None:
        self.faults.append(Diagnostic(code, path_text(place), {name: str(value) for name, value in params.items()}))


def _by_statuses(policies: Iterable[Policy]) -> Iterator[_Use]:
    """What is asked before a status that was never written has its default."""
    for policy in policies:
        given = {name: fact for name, fact in policy.gives().items() if isinstance(fact, StatusFact) and fact.default is not None}
        paths = {id(condition): path for path, condition in conditions_in(policy)} if given else {}
        for name, fact in given.items():
            for condition in fact.unless:
                yield from (_Use(("fact", name), read, policy, paths.get(id(condition), ())) for read in sorted(condition.facts))


def _without_ends(left: dict[Node, list[Node]]) -> int:
    """Takes out, round by round, what reads nothing that is left; the number of rounds. What stays reads in a circle."""
    rounds = 0
    while ends := [node for node, others in left.items() if not any(other in left for other in others)]:
        rounds += 1
        for node in ends:
            del left[node]
    return rounds


def _circle_in(left: Mapping[Node, Sequence[Node]], order: Sequence[Node]) -> list[Node]:
    """One circle, from its first part in the order of the document. Everything that is left reads something that is left."""
    walked: dict[Node, int] = {}
    at = next(iter(left))
    while at not in walked:
        walked[at] = len(walked)
        at = next(other for other in left[at] if other in left)
    circle = list(walked)[walked[at] :]
    start = min(range(len(circle)), key=lambda place: order.index(circle[place]))
    return circle[start:] + circle[:start]


# -- what a table answered -----------------------------------------------------------------------------------------------


class ToldOutcome(NamedTuple):
    """An outcome as people read it: the rows it is made of (counted from 1; those that clash, where they do), the outputs, and why."""

    rows: tuple[int, ...]
    values: Mapping[str, Shown | tuple[Shown, ...]]
    reason: Reason


def told_outcome(policy_id: str, table: BoundTable, outcome: TableOutcome, currency: str) -> ToldOutcome:
    types = {output.name: output.gives for output in table.outputs}
    values = {name: _shown_all(value, types[name], currency) for name, value in outcome.values.items()}
    rows = tuple(index + 1 for index in (outcome.matched if outcome.clash else outcome.rows))
    return ToldOutcome(rows, values, _why(outcome, policy_id, ", ".join(map(str, rows)), _outputs_text(values)))


def _why(outcome: TableOutcome, table: str, rows: str, outputs: str) -> Reason:
    if outcome.clash is not None:
        return reason("table.unique.several" if outcome.clash == "unique" else "table.any.differ", table=table, rows=rows)
    if not outcome.rows:
        return reason("table.none.default" if outcome.defaulted else "table.none.missing", table=table, outputs=outputs)
    return reason("table.rows.fired", table=table, rows=rows, outputs=outputs)


def _shown_all(value: FactValue | tuple[FactValue | None, ...] | None, kind: FactType, currency: str) -> Shown | tuple[Shown, ...]:
    if isinstance(value, tuple):
        return tuple(shown_value(item, kind, currency) for item in value)
    return shown_value(value, kind, currency)


def _outputs_text(values: Mapping[str, Shown | tuple[Shown, ...]]) -> str:
    said = {name: ", ".join(map(shown, value)) if isinstance(value, tuple) else shown(value) for name, value in values.items()}
    return "; ".join(f"{name} = {text}" for name, text in said.items())
