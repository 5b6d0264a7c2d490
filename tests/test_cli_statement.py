"""``custrules statement``: one customer's stored value out of a file of events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_statement import CARD, TEA, event, program

from custrules.__main__ import main


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    document, events = tmp_path / "tea.json", tmp_path / "events.jsonl"
    document.write_bytes(program(CARD).to_json())
    others = [event("top_up", "t9", "2026-04-01", "ben", amount="500.00")]
    events.write_text("\n".join(json.dumps(one) for one in [*TEA, *others]), "utf-8")
    return ["statement", str(document), "--events", str(events)]


def test_it_tells_the_lines_of_one_customer(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*files, "--customer", "ann"]) == 0
    told = capsys.readouterr().out
    assert "Closing balance: principal 850.00 CNY, bonus 170.00 CNY" in told
    assert "t9" not in told


def test_it_runs_on_to_a_day_and_begins_with_one(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--customer", "ann", "--until", "2026-10-02", "--first", "2026-04-12", "--account", "card", "--format", "json"]
    assert main([*files, *options]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["opening"]["principal"], data["closing"]["bonus"]) == ("750.00 CNY", "0.00 CNY")
    assert [line["kind"] for line in data["lines"]] == ["return", "time"]
    assert data["text"].startswith("tea: statement of card for ann")


def test_it_is_told_in_chinese(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*files, "--customer", "ann", "--lang", "zh"]) == 0
    assert "期末余额：本金 850.00 CNY" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--customer", "cem"], "no event of the customer cem"),
        (["--customer", "ann", "--account", "crad"], "crad"),
        (["--customer", "ann", "--first", "April"], "first"),
        (["--customer", "ann", "--until", "April"], "April"),
    ],
)
def test_what_is_not_there_is_misuse(files: list[str], options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*files, *options]) == 2
    assert told in capsys.readouterr().err
