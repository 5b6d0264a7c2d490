"""The verb ``check``: what is wrong with documents, what can hardly be meant, and with ``--diff`` what follows from a change."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date

import custrules as cr
from custrules.cli.asking import day_asked
from custrules.cli.output import FINDINGS, FINE, Misuse, Output


def check(output: Output, arguments: argparse.Namespace) -> int:
    """Every fault of every document, and what can hardly be meant in sound ones; 1 where there is more than information."""
    day = day_asked(arguments.on, "bad_on")
    if arguments.diff:
        return _diff(output, arguments, day)
    findings: list[cr.Diagnostic] = []
    lines: list[str] = []
    for path in arguments.documents:
        try:
            program = cr.load(path)
        except cr.DocumentError as error:
            found, last = error.diagnostics, output.say("check_faults", path=path, count=len(error.diagnostics))
        else:
            found = cr.check(program, on=day)
            last = _checked(output, path, program, found)
        findings += found
        lines += [*output.faults(found), last]
    return _told(output, findings, lines)


def _checked(output: Output, path: str, program: cr.Program, found: Sequence[cr.Diagnostic]) -> str:
    serious = sum(finding.severity != "info" for finding in found)
    if serious:
        return output.say("check_findings", path=path, count=serious)
    told = {"path": path, "program": program.id, "policies": len({policy.id for policy in program.policies})}
    return output.say("check_fine_information", count=len(found), **told) if found else output.say("check_fine", **told)


def _diff(output: Output, arguments: argparse.Namespace, day: date) -> int:
    """What the second document says differently than the first; 1 where something follows from it that is easily overlooked."""
    if len(arguments.documents) != 2:
        raise Misuse("diff_of_two", count=len(arguments.documents))
    old, new = (cr.load(path) for path in arguments.documents)
    changes = cr.diff(old, new, on=day)
    key = "diff_changes" if changes else "diff_none"
    last = output.say(key, old=arguments.documents[0], new=arguments.documents[1], count=sum(change.severity == "info" for change in changes))
    return _told(output, changes, [*output.faults(changes), last])


def _told(output: Output, findings: Sequence[cr.Diagnostic], lines: Sequence[str]) -> int:
    if output.shape == "json":
        output.json(output.told(findings))
    else:
        output.line("\n".join(lines))
    return FINDINGS if any(fault.severity != "info" for fault in findings) else FINE
