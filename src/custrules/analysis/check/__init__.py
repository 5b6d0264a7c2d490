"""``check``: what a sound document says that can hardly be meant, each finding exact and with a witness. ``diff``: what changed."""

from __future__ import annotations

from datetime import date

from custrules.analysis.check.accepting import without_accepted
from custrules.analysis.check.benefits import check_benefits
from custrules.analysis.check.changes import Change, diff
from custrules.analysis.check.conditions import check_conditions
from custrules.analysis.check.exploits import check_exploits
from custrules.analysis.check.findings import Findings, day_of
from custrules.analysis.check.ladders import check_ladders
from custrules.analysis.check.laws import check_laws
from custrules.analysis.check.points import check_points
from custrules.analysis.check.purchases import check_purchases
from custrules.analysis.check.refunds import check_refunds
from custrules.analysis.check.sections import check_sections
from custrules.analysis.check.segments import check_segments
from custrules.analysis.check.stages import check_stages
from custrules.analysis.check.stored_value import check_stored_value
from custrules.analysis.check.tables import check_tables
from custrules.analysis.check.transfers import check_transfers
from custrules.analysis.refusal import program_in
from custrules.errors import Diagnostic
from custrules.money import exactly
from custrules.program import Program


@exactly
def check(program: Program, *, on: date | None = None) -> tuple[Diagnostic, ...]:
    """What the document says that can hardly be meant, in its order; nothing for a program without findings.

    Each finding has a code (``check.…``, or ``law.<profile>.…``), its place, a severity (error: no answer; warning; info: may well be
    meant), and where there is one a ``witness`` among its params: facts for which it is so. A question that takes too long is told as
    ``check.gave_up``. The findings that the document accepts are left out; with ``on``, an acceptance that had run out by that day counts
    no more. AnalysisError where ``on`` is no day, or ``program`` no program.
    """
    program_in(program, "program")
    findings = Findings(program, day_of(on))
    parts = (
        check_conditions,
        check_tables,
        check_ladders,
        check_segments,
        check_stages,
        check_benefits,
        check_points,
        check_transfers,
        check_exploits,
        check_purchases,
        check_stored_value,
        check_refunds,
        check_laws,
        check_sections,
    )
    for part in parts:
        part(findings)
    return tuple(sorted(without_accepted(findings), key=lambda found: (found.line, found.column, found.path, found.code)))


__all__ = ["Change", "check", "diff"]
