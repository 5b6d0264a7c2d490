"""How the analyses refuse what they are asked."""

from __future__ import annotations

from collections.abc import Sequence

from custrules.errors import AnalysisError, Diagnostic
from custrules.messages import render_all


def worded(faults: Sequence[Diagnostic]) -> AnalysisError:
    """An error whose message tells every fault in English, one to a line."""
    return AnalysisError(faults, render_all(faults, "en", plugins=False))
