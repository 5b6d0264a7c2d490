"""How much the generated tests search: a little by default; less, and each time the same, with
CUSTRULES_HYPOTHESIS=few; more with =much."""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

settings.register_profile("ci", max_examples=30, deadline=None, suppress_health_check=QUIET)
settings.register_profile("few", max_examples=8, deadline=None, derandomize=True, suppress_health_check=QUIET)
settings.register_profile("much", max_examples=2_000, deadline=None, suppress_health_check=QUIET)
settings.load_profile(os.environ.get("CUSTRULES_HYPOTHESIS", "ci"))

collect_ignore = ["plugin", "typing"]  # a distribution of its own, and a file for the type checkers: other tests use them


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was imported and collected stays to the end: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
