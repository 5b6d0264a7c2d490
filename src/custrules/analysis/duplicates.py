"""Customers who may be the same: those whose records agree in a key, once both are normalised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from custrules.adopting import check_state
from custrules.analysis.refusal import many_in, program_in, refuse
from custrules.codec import canonical
from custrules.facts import FactValue
from custrules.moment import Moment
from custrules.money import exactly
from custrules.policies.profile import Quality, normalised
from custrules.program import Program
from custrules.state import State


class Duplicate(NamedTuple):
    """Customers, in the order in which they came, whose ``key`` (names of profile fields) has one ``value``, as it is compared."""

    key: tuple[str, ...]
    value: tuple[str, ...]
    customers: tuple[str, ...]

    def to_data(self) -> dict[str, Any]:
        return {"key": list(self.key), "value": list(self.value), "customers": list(self.customers)}

    def to_json(self) -> bytes:
        """Canonical JSON."""
        return canonical(self.to_data())


@exactly
def duplicates(program: Program, states: Iterable[State], policy_id: str = "") -> tuple[Duplicate, ...]:
    """Who has the same key as somebody else, by the ``duplicates`` of a program's ``profile.quality`` (its newest version).

    Telephone numbers are compared without separators (Chinese mobile ones without +86), texts without regard to case, width and double
    blanks. A key of which a field is missing, a sentinel ("unknown", 1900-01-01), or of no telephone number is nobody's. Closed accounts are
    left out. ``policy_id`` says which policy, where there are several. AnalysisError where none says by which fields.
    """
    program_in(program, "program")
    many_in(states, "states")
    policy = _policy(program, policy_id)
    checks = {row.name: row.check for row in policy.fields}
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for state in states:
        check_state(program.rulebook, state)
        if state.day is None or state.closed is not None:
            continue
        moment = Moment(program.rulebook, state, state.day)
        for key in policy.duplicates:
            value = _value([(moment.value(name), checks[name]) for name in key])
            if value is not None:
                found.setdefault((key, value), []).append(state.customer_id)
    return tuple(Duplicate(key, value, tuple(customers)) for (key, value), customers in found.items() if len(customers) > 1)


def _value(parts: Sequence[tuple[FactValue | None, str]]) -> tuple[str, ...] | None:
    read = [normalised(value, check) if value is not None else None for value, check in parts]
    return tuple(part for part in read if part is not None) if None not in read else None


def _policy(program: Program, policy_id: str) -> Quality:
    kept = {policy.id: policy for policy in program.policies if isinstance(policy, Quality) and policy.duplicates}
    if policy_id and policy_id not in kept:
        refuse("analysis.unknown_choice", "policy_id", found=policy_id, choices=", ".join(kept))
    if not kept:
        refuse("analysis.no_keys", "")
    return kept[policy_id] if policy_id else next(iter(kept.values()))
