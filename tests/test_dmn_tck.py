"""The hit-policy models of the DMN TCK, from a checkout that CUSTRULES_DMN_TCK names; and the reader of them, on a model of ours."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from dmn_tck import NotCovered, cases_of, decisions_of, models_in, parsed, run

ROOT = os.environ.get("CUSTRULES_DMN_TCK", "")
MODELS = models_in(Path(ROOT)) if ROOT else []
HIT_POLICIES = re.compile(r"simpletable|hitpolicy|multi-output")

MODEL = """<?xml version="1.0"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" xmlns:f="urn:feel" name="shipping">
  <itemDefinition name="tZone"><typeRef>f:string</typeRef></itemDefinition>
  <decision name="Fee">
    <decisionTable hitPolicy="COLLECT" {more}>
      <input><inputExpression typeRef="number"><text>Weight</text></inputExpression></input>
      <input><inputExpression typeRef="tZone"><text>Zone</text></inputExpression></input>
      <output name="fee">{values}</output>
      <rule><inputEntry><text>&lt;= 5</text></inputEntry><inputEntry><text>-</text></inputEntry><outputEntry><text>2</text></outputEntry></rule>
      <rule><inputEntry><text>[3..9]</text></inputEntry><inputEntry><text>"far","out"</text></inputEntry><outputEntry><text>{second}</text></outputEntry></rule>
    </decisionTable>
  </decision>
  <inputData name="Weight"><variable name="Weight" typeRef="number"/></inputData>
  <inputData name="Zone"><variable name="Zone" typeRef="tZone"/></inputData>
</definitions>"""
CASES = """<?xml version="1.0"?>
<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <testCase id="a"><inputNode name="Weight"><value>4</value></inputNode><inputNode name="Zone"><value>far</value></inputNode>
    <resultNode name="Fee" type="decision"><expected>{both}</expected></resultNode></testCase>
  <testCase id="b"><inputNode name="Weight"><value>10</value></inputNode><inputNode name="Zone"><value xsi:nil="true"/></inputNode>
    <resultNode name="Fee" type="decision"><expected>{none}</expected></resultNode></testCase>
</testCases>"""


def saved(folder: Path, *, more: str = "", values: str = "", second: str = "1.5", both: str = "<list/>", none: str = "<list/>") -> Path:
    (folder / "m.dmn").write_text(MODEL.format(more=more, values=values, second=second), "utf-8")
    (folder / "m-test-01.xml").write_text(CASES.format(both=both, none=none), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("aggregation", "both", "none"),
    [
        ('aggregation="SUM"', "<value>3.5</value>", '<value xsi:nil="true"/>'),
        ('aggregation="MIN"', "<value>1.5</value>", '<value xsi:nil="true"/>'),
        ('aggregation="MAX"', "<value>2</value>", '<value xsi:nil="true"/>'),
        ('aggregation="COUNT"', "<value>2</value>", "<value>0</value>"),
        ("", "<list><item><value>2</value></item><item><value>1.50</value></item></list>", "<list/>"),
    ],
)
def test_the_reader_runs_a_model_against_its_cases(tmp_path: Path, aggregation: str, both: str, none: str) -> None:
    results = list(run(saved(tmp_path, more=aggregation, both=both, none=none)))
    assert [case for case, _, _ in results] == ["m-test-01/a", "m-test-01/b"]
    assert [found for _, found, _ in results] == [expected for _, _, expected in results]


def test_the_reader_sees_an_answer_that_is_not_expected(tmp_path: Path) -> None:
    results = list(run(saved(tmp_path, more='aggregation="SUM"', both="<value>3.4</value>", none="<value>0</value>")))
    assert all(found != expected for _, found, expected in results)


@pytest.mark.parametrize("second", ["Weight * 2", "sum(1, 2)", 'date("2026-01-01")'])
def test_an_expression_is_not_covered(tmp_path: Path, second: str) -> None:
    saved(tmp_path, second=second.replace('"', "&quot;"))
    with pytest.raises(NotCovered, match="is an expression"):
        decisions_of(parsed(tmp_path / "m.dmn"))


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.dmn").write_text('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "utf-8")
    with pytest.raises(NotCovered, match="document type"):
        parsed(tmp_path / "m.dmn")


def test_a_case_names_what_it_gives_and_expects(tmp_path: Path) -> None:
    saved(tmp_path)
    first = next(cases_of(parsed(tmp_path / "m-test-01.xml")))
    assert (first.id, list(first.given), list(first.expected)) == ("a", ["Weight", "Zone"], ["Fee"])


@pytest.mark.skipif(not MODELS, reason="no checkout of the DMN TCK; CUSTRULES_DMN_TCK names one")
@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_a_model_of_the_tck_answers_as_expected(folder: Path) -> None:
    try:
        results = list(run(folder))
    except NotCovered as why:
        if folder.parent.name == "compliance-level-2" and HIT_POLICIES.search(folder.name):
            raise  # these are S-FEEL, all of them
        pytest.skip(str(why))
    assert results
    for case, found, expected in results:
        assert found == expected, case
