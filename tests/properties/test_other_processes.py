"""The same program, state and event give the same bytes in any process: hash seed, locale and machine zone say nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from properties.histories import Case, cases
from properties.worker import answered, packed

TESTS = Path(__file__).parent.parent
ELSEWHERE = (
    {"PYTHONHASHSEED": "0", "TZ": "Pacific/Apia", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "4242", "TZ": "America/New_York", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "7", "TZ": "Asia/Kolkata", "LC_ALL": "zh_CN.UTF-8", "PYTHONOPTIMIZE": "1"},
)


def generated(number: int) -> list[Case]:
    """A fixed set of cases."""
    made: list[Case] = []

    @settings(max_examples=number, derandomize=True, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(cases(late=True))
    def collect(case: Case) -> None:
        made.append(case)

    collect()
    return made


@pytest.fixture(scope="module")
def drawn() -> list[Case]:
    return generated(20)


@pytest.fixture(scope="module")
def text(drawn: list[Case]) -> str:
    return packed(drawn)


@pytest.fixture(scope="module")
def here(text: str) -> str:
    return answered(json.loads(text))


def elsewhere(text: str, environment: dict[str, str], *arguments: str) -> str:
    """The answer of another process."""
    command = [sys.executable, "-m", "properties.worker", *arguments]
    done = subprocess.run(command, input=text, env={**os.environ, **environment}, cwd=TESTS, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


@pytest.mark.parametrize("environment", ELSEWHERE, ids=lambda environment: environment["TZ"])
def test_another_process_gives_the_same_bytes(text: str, here: str, environment: dict[str, str]) -> None:
    assert elsewhere(text, environment) == here


def test_an_order_that_comes_from_a_hash_is_found_out(drawn: list[Case]) -> None:
    assert len({elsewhere(packed(drawn[:5]), environment, "--unsorted") for environment in ELSEWHERE[:2]}) > 1
