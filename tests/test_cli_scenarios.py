"""The command line about scenarios: ``record``, ``test --coverage`` and ``test --init``, in both languages and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_cli import DOCUMENT, EVENTS, purchase, write

from custrules.__main__ import main

pytest.importorskip("yaml")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(DOCUMENT, "utf-8")
    write(tmp_path / "events.jsonl", EVENTS)
    return tmp_path


def record_of(folder: Path, *more: str, customer: str = "ann") -> int:
    return main(["record", str(folder / "shop.yaml"), "--events", str(folder / "events.jsonl"), "--customer", customer, *more])


def played(*arguments: object) -> int:
    return main(["test", *map(str, arguments)])


# -- record ------------------------------------------------------------------------------------------------------------


def test_a_recorded_file_passes_when_it_is_run(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record_of(shop) == 0
    written = shop / "shop.ann.scenarios.yaml"
    assert capsys.readouterr().out.splitlines() == [
        f"{written}: 1 scenarios, 3 steps. What they expect was computed: please confirm it.",
        f"Run them with: custrules test {written}",
    ]
    assert played(written) == 0
    assert "1 passed, 0 failed" in capsys.readouterr().out


def test_a_recorded_file_says_that_its_values_were_computed(shop: Path) -> None:
    record_of(shop)
    lines = (shop / "shop.ann.scenarios.yaml").read_text("utf-8").splitlines()
    assert lines[:3] == [
        "# The history of the customer ann, recorded from events.jsonl.",
        "# What is expected was computed by the engine, not worked out by hand: confirm each value before you rely on it.",
        "program: shop.yaml",
    ]
    assert "        then: {points: 0, points.pending: 60, tier: member, because: [points.accrual.spend]}" in lines


def test_a_recorded_file_speaks_the_language_that_is_asked_for(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record_of(shop, "--lang", "zh") == 0
    assert "测试用例 1 个，共 3 步" in capsys.readouterr().out
    assert (shop / "shop.ann.scenarios.yaml").read_text("utf-8").startswith("# 客户 ann 的历史，录自 events.jsonl。\n# 预期值由引擎算出")


def test_a_recorded_file_may_lie_elsewhere(shop: Path) -> None:
    (shop / "tests").mkdir()
    out = shop / "tests" / "bob.scenarios.yaml"
    assert record_of(shop, "--out", str(out), "--last", "1", customer="bob") == 0
    assert 'program: "../shop.yaml"' in out.read_text("utf-8")
    assert played(out) == 0


def test_the_last_events_alone_become_steps(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record_of(shop, "--last", "1", "--until", "2026-09-01", "--format", "json") == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told == {"path": str(shop / "shop.ann.scenarios.yaml"), "scenarios": 1, "steps": 2, "differs": []}


def test_a_file_that_is_there_is_left_as_it_is(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = shop / "shop.ann.scenarios.yaml"
    mine.write_text("mine", "utf-8")
    assert record_of(shop) == 2
    assert mine.read_text("utf-8") == "mine"
    assert capsys.readouterr().err == f"{mine} is there already and is left as it is. Name another file, or move it away.\n"


def test_an_odd_customer_gives_a_tame_name(shop: Path) -> None:
    write(shop / "events.jsonl", [purchase("x", "../a b", "2026-01-10T12:00:00Z", "1.00")])
    assert record_of(shop, customer="../a b") == 0
    assert (shop / "shop.---a-b.scenarios.yaml").exists()


@pytest.mark.parametrize(
    ("more", "customer", "told"),
    [
        ((), "eve", "There is no event of the customer eve in"),
        (("--until", "soon"), "ann", "--until takes a day such as 2026-03-31; found soon."),
    ],
)
def test_what_cannot_be_recorded_is_told(shop: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], customer: str, told: str) -> None:
    assert record_of(shop, *more, customer=customer) == 2
    assert capsys.readouterr().err.startswith(told)


@pytest.mark.parametrize("number", ["0", "-1", "many", "٣"])
def test_a_number_of_steps_is_at_least_one(shop: Path, capsys: pytest.CaptureFixture[str], number: str) -> None:
    assert record_of(shop, f"--last={number}") == 2
    assert capsys.readouterr().err == f"--last takes a whole number from 1 to 999999; found {number}.\n"


def test_a_history_that_begins_after_the_last_day_is_told_and_not_written(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record_of(shop, "--until", "1999-01-01") == 5
    assert capsys.readouterr().err.startswith("The customer ann has no events up to 1999-01-01 in ")
    assert not list(shop.glob("*.scenarios.yaml"))


def test_the_last_day_of_a_record_is_written_as_everywhere(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record_of(shop, "--until", "20260901") == 2
    assert "--until takes a day such as 2026-03-31; found 20260901." in capsys.readouterr().err


def test_an_event_that_cannot_be_written_is_named(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = DOCUMENT.replace("measures:", "activities: {walk: {at: text}}\nmeasures:")
    (shop / "shop.yaml").write_text(document, "utf-8")
    odd = {"type": "activity", "name": "walk", "id": "w", "customer_id": "ann", "occurred_at": "2026-01-10T12:00:00Z"}
    (shop / "events.jsonl").write_text(json.dumps({**odd, "attributes": {"at": "2026-01-01"}}), "utf-8")
    assert record_of(shop) == 2
    assert capsys.readouterr().err == "The event w of the customer ann says something that scenarios cannot write.\n"


def test_readings_that_differ_are_noted(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A return of something never bought is refused: the history does not know the customer, a scenario always does."""
    write(shop / "events.jsonl", [{"type": "return", "id": "r", "customer_id": "ann", "occurred_at": "2026-01-10T12:00:00Z", "of": "nothing"}])
    assert record_of(shop) == 0
    assert "In the scenario these end otherwise than in the history: points, " in capsys.readouterr().err


# -- coverage ----------------------------------------------------------------------------------------------------------


SCENARIO = "program: shop.yaml\nscenarios: [{name: x, steps: [{when: {purchase: {at: 2026-01-10, amount: 60.00}}}]}]\n"


def test_coverage_tells_what_never_fired_with_its_line(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "x.scenarios.yaml").write_text(SCENARIO, "utf-8")
    assert played("--coverage", shop) == 0
    lines = capsys.readouterr().out.splitlines()
    head = lines.index(f"{shop / 'shop.yaml'}: 3 of 9 rules fired")
    assert [line.split("  ") for line in lines[head + 1 :]]
    ladder = next(number for number, line in enumerate(DOCUMENT.splitlines(), 1) if "levels:" in line)
    assert any(line.split()[:2] == [str(ladder), "levels"] and line.endswith("asked, never true") for line in lines)


def test_coverage_speaks_chinese(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "x.scenarios.yaml").write_text(SCENARIO, "utf-8")
    assert played("--coverage", shop, "--lang", "zh") == 0
    assert "9 条规则中触发了 3 条" in capsys.readouterr().out


def test_coverage_is_json_too(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "x.scenarios.yaml").write_text(SCENARIO, "utf-8")
    assert played("--coverage", "--format", "json", shop) == 0
    told = json.loads(capsys.readouterr().out)
    (covered,) = told["coverage"]
    assert (covered["total"], covered["fired"], covered["program"]) == (9, 3, "shop")
    assert told["passed"] == 1


def test_coverage_leaves_the_exit_code_alone(shop: Path) -> None:
    (shop / "x.scenarios.yaml").write_text(SCENARIO.replace("60.00}}", "60.00}}, then: {tier: silver}"), "utf-8")
    assert played("--coverage", shop) == 1


def test_where_everything_fired_it_says_so(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "shop.yaml").write_text("program: shop\nzone: UTC\ncurrency: GBP\npolicies: [{id: p, kind: points.account, expiry: never}]\n", "utf-8")
    adjusted = "{adjustment: {at: 2026-01-10, account: p, quantity: 5, reason: x}}"
    (shop / "x.scenarios.yaml").write_text(f"program: shop.yaml\nscenarios: [{{name: x, steps: [{{when: {adjusted}}}]}}]\n", "utf-8")
    assert played("--coverage", shop) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "  Every rule fired."


# -- init --------------------------------------------------------------------------------------------------------------


def test_boundaries_pass_when_they_are_run(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert played("--init", shop / "shop.yaml") == 0
    written = shop / "shop.boundaries.scenarios.yaml"
    assert capsys.readouterr().out.startswith(f"{written}: 4 scenarios, ")
    assert "computed by the engine" in written.read_text("utf-8")
    assert played(written) == 0


def test_boundaries_speak_chinese(shop: Path) -> None:
    assert played("--init", shop / "shop.yaml", "--lang", "zh") == 0
    assert "levels：升入 silver：spend_12m 为 99.99，不符合 >= 100" in (shop / "shop.boundaries.scenarios.yaml").read_text("utf-8")


def test_boundaries_never_take_the_place_of_a_file(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = shop / "shop.boundaries.scenarios.yaml"
    mine.write_text("mine", "utf-8")
    assert played("--init", shop / "shop.yaml") == 2
    assert mine.read_text("utf-8") == "mine"
    assert "is there already" in capsys.readouterr().err


def test_a_program_without_marks_has_no_boundaries(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "shop.yaml").write_text("program: shop\nzone: UTC\ncurrency: GBP\npolicies: []\n", "utf-8")
    assert played("--init", shop / "shop.yaml", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["scenarios"] == 1  # a purchase that comes back can be made of any program


def test_init_stands_alone(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert played("--init", shop / "shop.yaml", shop) == 2
    assert played("--init", shop / "shop.yaml", "--coverage") == 2
    assert "give it without files and without --coverage" in capsys.readouterr().err


def test_nothing_to_run_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert played() == 2
    usage, *_, told = capsys.readouterr().err.splitlines()
    assert usage.startswith("usage: custrules test")
    assert told == "Name scenario files, or folders that hold some."
