"""The benchmarks compare equals: every implementation gives what exact arithmetic gives. Nothing is timed here."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from benchmarks import __main__ as command
from benchmarks import engines, lunar, rows, w1, w2, w3
from benchmarks.timing import Contender, Figure, Goal, check_outputs, race

COUNT = 300
WORK = [w1, w2, w3]


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_every_implementation_gives_what_exact_arithmetic_gives(work: ModuleType) -> None:
    given = work.rows(COUNT)
    check_outputs(work.contenders(given), [work.exact(row) for row in given])


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_a_trace_decides_as_code_does_that_explains_nothing(work: ModuleType) -> None:
    given = work.rows(COUNT)
    check_outputs(work.tracing(given), [work.silent(row) for row in given])


OUTCOMES: list[tuple[ModuleType, set[object]]] = [(w1, {"bronze", "silver", "gold", "platinum"}), (w2, {499, 500}), (w3, {True, False})]


@pytest.mark.parametrize(("work", "outcomes"), OUTCOMES)
def test_every_outcome_of_a_workload_occurs(work: ModuleType, outcomes: set[object]) -> None:
    assert outcomes <= {work.silent(row) for row in work.rows(3000)}


def test_raw_rows_give_what_exact_arithmetic_gives() -> None:
    check_outputs(rows.contenders(rows.CHUNK), [rows.exact(rows.CHUNK)])


def test_lunar_dates_come_back_as_the_days_they_were() -> None:
    given = lunar.days(COUNT)
    check_outputs({"custrules": lunar.there_and_back(given)}, given)
    assert {contender.each for contender in lunar.contenders(given).values()} == {1}


def test_a_wrong_output_is_told_by_its_row() -> None:
    with pytest.raises(AssertionError, match="wrong, row 1: 3, exact 2"):
        check_outputs({"wrong": Contender(lambda item: item, [1, 3])}, [1, 2])


def test_the_first_contender_is_the_baseline() -> None:
    ticks = iter(range(0, 10_000, 10))
    figures = race({"base": Contender(abs, [1, 2]), "other": Contender(abs, [1, 2], each=2)}, 3, lambda: next(ticks))
    assert figures == [Figure("base", 5, 1), Figure("other", 2.5, 0.5)]


def test_goals_are_met_from_either_side() -> None:
    assert [Goal("a", 0.3, 0.3).met, Goal("a", 0.3, 0.31).met, Goal("b", 4, 4.1, at_least=True).met, Goal("b", 4, 3.9, at_least=True).met] == [
        True,
        False,
        True,
        False,
    ]


def test_an_engine_that_is_not_installed_takes_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert engines.absent() == ["zen-engine", "datalogic-py", "rule-engine", "business-rules"]
    assert [name for name in w1.contenders(w1.rows(1)) if "custrules" not in name and "hand-written" not in name] == []


def test_the_command_prints_and_writes_its_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["w3-trace", "--rows", "20", "--rounds", "1", "--markdown", str(tmp_path / "figures.md")]) == 0
    assert "custrules, full trace" in capsys.readouterr().out
    assert "| W3 with full trace vs code that explains nothing | ≤ 2.2 |" in (tmp_path / "figures.md").read_text("utf-8")


def test_the_tables_go_below_the_mark_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Figures\n\n{command.MARK}\nolder ones\n", "utf-8")
    assert command.main(["imports", "--rounds", "1", "--markdown", str(page)]) == 0
    text = page.read_text("utf-8")
    assert text.startswith(f"# Figures\n\n{command.MARK}\n")
    assert "older" not in text
    assert "| import custrules |" in text
