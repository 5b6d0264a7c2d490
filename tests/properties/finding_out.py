"""A rule that is wrong on purpose has to be found out: some case among those that are drawn must fail the check."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

SEARCH = settings(max_examples=3000, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


def fails(check: Callable[..., object], *case: Any) -> bool:
    try:
        check(*case)
    except AssertionError:
        return True
    return False


def found_out(name: str, among: st.SearchStrategy[Any], fails: Callable[[Any], bool], search: settings = SEARCH) -> None:
    """One of the cases shows that a rule of this name is wrong."""
    try:
        find(among, fails, settings=search, random=Random(1))
    except NoSuchExample:
        pytest.fail(f"no case shows that {name}")
