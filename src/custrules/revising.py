"""A document with some fields of one policy changed, and where faults of it are said to be: ``policies[earn].points_per_unit``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple, Never

from custrules.documents.sections import Document
from custrules.errors import Diagnostic, DocumentError
from custrules.fields import describe, read_day
from custrules.policy import Policy
from custrules.validation import nearest, read_argument

_PLACE = re.compile(r"policies\[(\d+)\]")
Entry = dict[str, Any]


def revised(document: Document, policy_id: str, effective_from: date | str | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The document's data with ``fields`` in every version of a policy, or in the one of a first day; None takes a field out."""
    data = document.data()
    for entry in _chosen(data["policies"], policy_id, effective_from):
        entry |= {name: value for name, value in fields.items() if value is not None}
        for name in (name for name, value in fields.items() if value is None):
            entry.pop(name, None)
    return data


def _chosen(entries: Sequence[Entry], policy_id: str, effective_from: date | str | None) -> list[Entry]:
    mine = [entry for entry in entries if entry["id"] == policy_id]
    if not mine:
        known = list(dict.fromkeys(str(entry["id"]) for entry in entries))
        near = nearest(policy_id, known) if isinstance(policy_id, str) else ""
        _refuse("document.unknown_policy", "policies", found=describe(policy_id), nearest=near, known=", ".join(known))
    if effective_from is None:
        return mine
    day = read_argument(read_day, effective_from, "effective_from", "document", DocumentError).isoformat()
    chosen = [entry for entry in mine if entry["effective_from"] == day]
    if not chosen:
        versions = ", ".join(sorted(str(entry["effective_from"]) for entry in mine))
        _refuse("document.unknown_version", f"policies[{policy_id}].effective_from", policy=policy_id, found=day, known=versions)
    return chosen


def _refuse(code: str, path: str, **params: object) -> Never:
    raise DocumentError([Diagnostic(code, path, params)])


def by_id(faults: Iterable[Diagnostic], policies: Sequence[Policy]) -> list[Diagnostic]:
    """Faults at the ids of policies instead of their numbers; one that every version of a policy has is told once."""
    found = [_of(fault, policies) for fault in faults]
    versions = Counter(policy.id for policy in policies)
    told: dict[tuple[str, ...], Diagnostic] = {}
    for fault in found:
        everywhere = sum(other.kind == fault.kind for other in found) >= versions[fault.policy_id]
        told.setdefault((*fault.kind, "" if everywhere else fault.version), replace(fault.diagnostic, path=fault.path(everywhere)))
    return list(told.values())


class _Fault(NamedTuple):
    """A fault, of which version of which policy it is ('': of none), and the path inside it."""

    diagnostic: Diagnostic
    policy_id: str
    version: str
    rest: str

    @property
    def kind(self) -> tuple[str, ...]:
        return self.policy_id, self.rest, self.diagnostic.code, str(self.diagnostic.params)

    def path(self, everywhere: bool) -> str:
        if not self.policy_id:
            return self.rest
        return f"policies[{self.policy_id}]{self.rest}" if everywhere else f"policies[{self.policy_id} {self.version}]{self.rest}"


def _of(fault: Diagnostic, policies: Sequence[Policy]) -> _Fault:
    place = _PLACE.match(fault.path)
    if place is None:
        return _Fault(fault, "", "", fault.path)
    policy = policies[int(place[1])]
    return _Fault(fault, policy.id, policy.effective_from.isoformat(), fault.path[place.end() :])
