"""What the README shows runs, and prints what it says it prints; the Chinese one is played with the pages of docs."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest
from pages import ROOT

COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[yaml]' && .venv/bin/custrules demo",
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest -q",
)


def blocks(page: str, language: str) -> list[str]:
    return [block.text for block in pages.blocks((ROOT / page).read_text("utf-8")) if block.language == language]


def test_the_examples_print_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pages.play(ROOT / "README.md", tmp_path)


def test_the_first_example_is_short() -> None:
    code, *_ = blocks("README.md", "python")
    assert len(code.splitlines()) <= 22


def test_the_readme_has_the_two_commands() -> None:
    assert [block.strip() for block in blocks("README.md", "")] == list(COMMANDS)


def test_each_readme_links_the_other_in_its_first_line() -> None:
    assert "(docs/zh/README.md)" in (ROOT / "README.md").read_text("utf-8").splitlines()[0]
    assert "(../../README.md)" in (ROOT / "docs/zh/README.md").read_text("utf-8").splitlines()[0]
