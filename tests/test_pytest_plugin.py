"""The pytest plug-in, seen from a project that uses it."""

import subprocess
import sys

import pytest

import custrules.documents.yaml_text
import custrules.policies.points
import custrules.testing.scenarios  # noqa: F401  pytester forgets what is first imported inside of it: a class must not be imported twice

pytest_plugins = ["pytester"]

PROGRAM = """
program: shop
zone: Asia/Shanghai
currency: CNY
policies:
  - {id: points, kind: points.account, expiry: never}
  - {id: earn, kind: points.accrual, points_per_unit: 1}
"""
SCENARIOS = """\
program: shop.yaml
scenarios:
  - name: 金卡 earns
    tags: [points, 退货, not-a-word]
    given: [{purchase: {at: 2026-03-01, amount: 7.50}}]
    steps:
      - when: {day_end: 2026-03-01}
        then: {points: 7}
  - name: rows
    tags: [skip]
    given: [{purchase: {at: 2026-03-01, amount: $amount}}]
    steps: [{when: {day_end: 2026-03-01}, then: {points: $points}}]
    examples: |
      amount | points
      1.00   | 1
      2.00   | 3
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    write(pytester, "shop.yaml", PROGRAM)
    write(pytester, "shop.scenarios.yaml", SCENARIOS)
    return pytester


def write(project: pytest.Pytester, name: str, text: str) -> None:
    (project.path / name).write_text(text, "utf-8")


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", *arguments)


def test_every_row_of_examples_is_an_item_of_its_own(project: pytest.Pytester) -> None:
    result = run(project, "--collect-only", "-q")
    assert result.outlines[:3] == [
        "shop.scenarios.yaml::金卡 earns",
        "shop.scenarios.yaml::rows [amount=1.00 points=1]",
        "shop.scenarios.yaml::rows [amount=2.00 points=3]",
    ]


def test_a_failure_prints_the_readable_report_and_no_traceback(project: pytest.Pytester) -> None:
    result = run(project)
    result.assert_outcomes(passed=2, failed=1)
    text = result.stdout.str()
    assert "shop.scenarios.yaml:16: rows [amount=2.00 points=3]" in text
    assert "16: steps[0].then.points  3         2    -1" in text
    assert "Traceback" not in text
    assert "pytest_plugin.py" not in text


def test_the_place_of_an_item_is_its_line_in_the_file(project: pytest.Pytester) -> None:
    items, _ = project.inline_genitems(str(project.path / "shop.scenarios.yaml"), "-p", "no:randomly")
    assert [item.reportinfo() for item in items] == [
        (project.path / "shop.scenarios.yaml", 2, "金卡 earns"),
        (project.path / "shop.scenarios.yaml", 14, "rows [amount=1.00 points=1]"),
        (project.path / "shop.scenarios.yaml", 15, "rows [amount=2.00 points=3]"),
    ]


@pytest.mark.parametrize(("arguments", "passed"), [(("-k", "金卡"), 1), (("-m", "points"), 1), (("-m", "退货"), 1), (("-k", "not-a-word"), 1)])
def test_names_and_tags_select(arguments: tuple[str, str], passed: int, project: pytest.Pytester) -> None:
    run(project, *arguments).assert_outcomes(passed=passed, deselected=2)


def test_strict_markers_know_the_tags(project: pytest.Pytester) -> None:
    run(project, "--strict-markers", "-W", "error", "-k", "金卡").assert_outcomes(passed=1, deselected=2)


def test_a_tag_that_means_something_to_pytest_is_only_a_keyword(project: pytest.Pytester) -> None:
    run(project, "-k", "skip and 1.00").assert_outcomes(passed=1, deselected=2)


def test_a_bad_file_is_an_error_of_collection_with_line_and_column(project: pytest.Pytester) -> None:
    write(
        project,
        "shop.scenarios.yaml",
        SCENARIOS.replace("given: [{purchase: {at: 2026-03-01, amount: 7.50", "givn: [{purchase: {at: 2026-03-01, amount: 7.50"),
    )
    result = run(project)
    result.assert_outcomes(errors=1)
    assert "shop.scenarios.yaml:5:5 scenario.unknown_field" in result.stdout.str()
    assert 'Did you mean "given"?' in result.stdout.str()


def test_a_fault_of_the_program_is_told_with_its_own_place(project: pytest.Pytester) -> None:
    write(project, "shop.yaml", PROGRAM.replace("points_per_unit", "points_per_unt"))
    result = run(project)
    result.assert_outcomes(errors=1)
    assert "shop.yaml:7:38 document.unknown_field" in result.stdout.str()


def test_the_ini_option_chooses_the_files(project: pytest.Pytester) -> None:
    write(project, "tests_of_shop.yaml", SCENARIOS)
    project.makeini("[pytest]\ncustrules_files = tests_of_*.yaml\n")
    result = run(project, "--collect-only", "-q")
    assert result.outlines[0] == "tests_of_shop.yaml::金卡 earns"
    assert "shop.scenarios.yaml" not in result.stdout.str()


def test_yaml_that_cannot_be_read_for_want_of_pyyaml_says_how_to_install_it(project: pytest.Pytester) -> None:
    project.makeconftest("import sys\nsys.modules['yaml'] = None\n")
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    assert "pip install 'custrules[yaml]'" in result.stdout.str()


def test_json_needs_no_yaml(project: pytest.Pytester) -> None:
    program = '{"program": "s", "zone": "UTC", "currency": "EUR", "policies": [{"id": "points", "kind": "points.account", "expiry": "never"}]}'
    steps = '[{"when": {"visit": {"at": "2026-03-01"}}, "then": {"points": 0}}]'
    (project.path / "s.json").write_text(program, "utf-8")
    (project.path / "s.scenarios.json").write_text('{"program": "s.json", "scenarios": [{"name": "n", "steps": ' + steps + "}]}", "utf-8")
    run(project, "s.scenarios.json").assert_outcomes(passed=1)


def test_a_project_without_scenarios_is_left_alone(pytester: pytest.Pytester) -> None:
    check = "import sys\n\ndef test_it():\n    assert not [name for name in sys.modules if name in ('custrules.errors', 'custrules.program')]\n"
    pytester.makepyfile(test_it=check)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_importing_the_plug_in_imports_nothing_that_costs() -> None:
    code = (
        "import sys, custrules.testing.pytest_plugin\n"
        "heavy = [name for name in sys.modules if name.split('.')[0] in ('pydantic', 'pydantic_core', 'yaml', 'dateutil', 'zoneinfo')]\n"
        "ours = [name for name in sys.modules if name.startswith('custrules')]\n"
        "assert not heavy, heavy\n"
        "assert sorted(ours) == ['custrules', 'custrules.testing', 'custrules.testing.pytest_plugin'], ours\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
