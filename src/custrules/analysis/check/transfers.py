"""Transfers: limits that leave nothing to be sent or bought, and points for money that earn points themselves."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from custrules.analysis.check.findings import Findings
from custrules.policies.points import Accrual, Transfer
from custrules.policies.points.selling import Sale
from custrules.policies.points.sending import Send


def check_transfers(findings: Findings) -> None:
    for transfer in findings.live(Transfer):
        for name, part in (("send", transfer.send), ("sell", transfer.sell)):
            for place, most in _below(part) if part is not None else ():
                findings.warning("check.never_sent", findings.path(transfer, name, *place), least=part.minimum if part else None, most=most)
        if transfer.sell is not None:
            _earns(findings, transfer)


def _below(part: Send | Sale) -> Iterator[tuple[tuple[Any, ...], Decimal]]:
    """Limits below the least that may be sent or bought at once."""
    limits = [(("limits", number, "at_most"), limit.at_most) for number, limit in enumerate(part.limits)]
    for place, most in [(("maximum",), part.maximum), *limits]:
        if part.minimum is not None and most is not None and part.minimum > most:
            yield place, most


def _earns(findings: Findings, transfer: Transfer) -> None:
    """An accrual that leaves out no lines, and asks for nothing, awards points for those that are bought too."""
    for accrual in findings.live(Accrual):
        if _awards_every_line(accrual):
            findings.warning("check.bought_points_earn", findings.path(transfer, "sell", "lines"), accrual=accrual.id)


def _awards_every_line(accrual: Accrual) -> bool:
    by_line = accrual.points_per_unit is not None or accrual.points_per_quantity is not None
    return accrual.event == "purchase" and by_line and accrual.exclude_lines is None and accrual.when is None
