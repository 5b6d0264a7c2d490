"""The tables of a program as facts: what each gives, which others it reads, and that none reads itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from custrules.conditions import LISTS, Output, Table, given_type
from custrules.errors import Diagnostic
from custrules.facts import FactType
from custrules.policy import Policy
from custrules.validation import path_text

MAX_CHAIN = 20  # tables that read one another in a row
_MOST_CYCLES = 20  # told at once

Place = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class TableFact:
    """One output of a policy that is a table: the fact ``<policy_id>.<output>``."""

    policy_id: str
    output: str
    type: FactType


class Tables:
    """``facts`` by name; ``listed`` are the outputs that no condition can read, with their hit policy; ``faults`` of all together."""

    facts: dict[str, TableFact]
    listed: dict[str, str]
    faults: list[Diagnostic]

    def __init__(self, policies: Iterable[Policy], places: Mapping[int, Place], scale: int, levels: Sequence[str]) -> None:
        self.facts, self.listed, self.faults = {}, {}, []
        self._places = places
        self._versions: dict[str, list[tuple[Policy, Table]]] = {}
        for policy in policies:
            if isinstance(policy, Table):
                self._versions.setdefault(policy.id, []).append((policy, policy))
                for output in policy.outputs:
                    self._add(policy.id, policy, output, scale, levels)
        self._reads = {policy_id: self._read_by(versions) for policy_id, versions in self._versions.items()}
        self._check_cycles()

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

    # -- cycles ----------------------------------------------------------------------------------------------------

    def _check_cycles(self) -> None:
        left = {policy_id: list(others) for policy_id, others in self._reads.items()}
        depth = _without_ends(left)
        if depth > MAX_CHAIN:
            policy_id = next(iter(self._reads))
            self._fault("document.tables_too_deep", policy_id, "inputs", most=MAX_CHAIN)
        for _ in range(_MOST_CYCLES):
            if not left:
                return
            cycle = _cycle_in(left, list(self._reads))
            self._tell(cycle)
            for policy_id in cycle:
                left.pop(policy_id)
            _without_ends(left)

    def _tell(self, cycle: Sequence[str]) -> None:
        first, second = cycle[0], cycle[1 % len(cycle)]
        policy, index = next(
            (policy, index)
            for policy, table in self._versions[first]
            for index, name in enumerate(table.inputs)
            if name in self.facts and self.facts[name].policy_id == second
        )
        told = {"chain": " → ".join([*cycle, first])}
        self.faults.append(Diagnostic("document.table_cycle", path_text((*self._places[id(policy)], "inputs", index)), told))

    def _fault(self, code: str, policy_id: str, field: str, **params: object) -> None:
        place = (*self._places[id(self._versions[policy_id][0][0])], field)
        self.faults.append(Diagnostic(code, path_text(place), {name: str(value) for name, value in params.items()}))


def _without_ends(left: dict[str, list[str]]) -> int:
    """Takes out, round by round, what reads nothing that is left; the number of rounds. What stays reads in a circle."""
    rounds = 0
    while ends := [policy_id for policy_id, others in left.items() if not any(other in left for other in others)]:
        rounds += 1
        for policy_id in ends:
            del left[policy_id]
    return rounds


def _cycle_in(left: Mapping[str, Sequence[str]], order: Sequence[str]) -> list[str]:
    """One circle, from its first table in the order of the document. Everything that is left reads something that is left."""
    walked: dict[str, int] = {}
    at = next(iter(left))
    while at not in walked:
        walked[at] = len(walked)
        at = next(other for other in left[at] if other in left)
    cycle = list(walked)[walked[at] :]
    start = min(range(len(cycle)), key=lambda place: order.index(cycle[place]))
    return cycle[start:] + cycle[:start]
