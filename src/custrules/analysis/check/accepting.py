"""Findings that the document accepts: left out while that holds; back when it has run out; and what accepts nothing."""

from __future__ import annotations

from collections.abc import Sequence

from custrules.analysis.check.findings import Findings
from custrules.documents.sections import Accepted
from custrules.errors import Diagnostic
from custrules.validation import path_text


def without_accepted(findings: Findings) -> list[Diagnostic]:
    """What is left to tell. Whether an acceptance has run out is judged on the day of the check, and not at all without one."""
    found = list(findings.found)
    left = found
    for index, accepted in enumerate(findings.program.accept):
        matched = [finding for finding in found if _matches(findings, accepted, finding)]
        if not matched:
            findings.add("check.accepts_nothing", ("accept", index), finding=accepted.finding, at=accepted.at or "-")
        elif findings.day is not None and accepted.until < findings.day:
            findings.add("check.accepted_until", ("accept", index), "info", finding=accepted.finding, until=accepted.until, reason=accepted.reason)
        else:
            left = [finding for finding in left if finding not in matched]
    return [*left, *findings.found[len(found) :]]


def _matches(findings: Findings, accepted: Accepted, finding: Diagnostic) -> bool:
    if finding.code != accepted.finding:
        return False
    return accepted.at is None or any(_inside(name, accepted.at) for name in _names(findings, finding.path))


def _inside(path: str, at: str) -> bool:
    return path == at or (path.startswith(at) and path[len(at)] in ".[")


def _names(findings: Findings, path: str) -> Sequence[str]:
    """A place as the document counts it, and as its policy is called: ``policies[2].limit``, ``card.limit``."""
    for policy in findings.rules.parts.policies:
        head = path_text(findings.path(policy))
        if _inside(path, head):
            return path, f"{policy.id}{path[len(head) :]}"
    return (path,)
