"""Which reference cases a test is about: ``@covers("SV-A01")``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])
COVERED: dict[str, list[str]] = {}


def covers(*cases: str) -> Callable[[Test], Test]:
    """Mark a test as the one of these reference cases."""

    def mark(test: Test) -> Test:
        for case in cases:
            COVERED.setdefault(case, []).append(test.__name__)
        return test

    return mark
