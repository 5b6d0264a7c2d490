"""Every reference case is a scenario, a test, or stands in a list with its reason."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import exploits.test_exploits
import exploits.test_refund_exploits
import pytest
import test_analysis_accounting
import test_care_triggers
import test_check_law
import test_contact_plan
import test_contacts_counted
import test_ics
import test_lunar
import test_model_scores
import test_planning
import test_proofreading
import test_reckoning
import test_rfm
import test_segments_real_data
import test_working_days

import cases.test_churn
import cases.test_in_code
import cases.test_law
import cases.test_stored_value
from cases.covering import COVERED
from custrules.documents.reading import read

HERE = Path(__file__).parent
SCENARIOS = sorted(HERE.glob("scenarios/*.scenarios.yaml"))
IN_CODE = (
    cases.test_churn,
    exploits.test_exploits,
    exploits.test_refund_exploits,
    test_analysis_accounting,
    test_care_triggers,
    test_contact_plan,
    test_contacts_counted,
    test_ics,
    test_proofreading,
    test_lunar,
    test_reckoning,
    test_model_scores,
    test_planning,
    test_rfm,
    test_segments_real_data,
    test_working_days,
    cases.test_in_code,
    cases.test_stored_value,
    cases.test_law,
    test_check_law,
)  # importing them fills COVERED

pytest.importorskip("yaml")


def known() -> dict[str, dict[str, Any]]:
    return {case["id"]: case for path in sorted(HERE.glob("*_cases.json")) for case in json.loads(path.read_text("utf-8"))}


def tags(paths: list[Path]) -> set[str]:
    documents = [read(path.read_bytes(), source=path.name).data for path in paths]
    return {tag for document in documents for scenario in document["scenarios"] for tag in scenario.get("tags", ())}


def elsewhere() -> dict[str, list[str]]:
    found = tomllib.loads((HERE / "elsewhere.toml").read_text("utf-8"))
    assert all(part["reason"] for part in found.values())
    return {family: part["cases"] for family, part in found.items()}


def test_every_case_has_its_place() -> None:
    listed = {case for cases in elsewhere().values() for case in cases}
    assert known().keys() - tags(SCENARIOS) - COVERED.keys() - listed == set()


def test_no_case_is_both_run_and_listed_as_of_another_family() -> None:
    listed = Counter(case for cases in elsewhere().values() for case in cases)
    assert max(listed.values()) == 1
    assert listed.keys() & (tags(SCENARIOS) | COVERED.keys()) == set()
    assert listed.keys() <= known().keys()


def test_every_tag_and_mark_is_a_case() -> None:
    assert (tags(SCENARIOS) | COVERED.keys()) - known().keys() == set()


def test_every_case_tells_its_source() -> None:
    assert all(case["source"] for case in known().values())


@pytest.mark.parametrize("page", ["docs/reference/source-systems.md", "docs/zh/reference/source-systems.md"])
def test_the_page_on_source_systems_names_every_case_that_is_run_and_no_other(page: str) -> None:
    named = re.findall(r"`((?:SV-)?[A-Za-z]+[-0-9][a-zA-Z0-9.-]*)`", (HERE.parent.parent / page).read_text("utf-8"))
    named = [name for name in named if "-" in name]
    assert sorted(set(named)) == sorted(tags(SCENARIOS) | COVERED.keys())
