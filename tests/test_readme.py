"""What the READMEs show runs, and prints what they say it prints."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[yaml]' && .venv/bin/custrules demo",
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest -q",
)


def blocks(page: str, language: str) -> list[str]:
    parts = (ROOT / page).read_text("utf-8").split("```")
    return [part.partition("\n")[2] for part in parts[1::2] if part.partition("\n")[0] == language]


@pytest.mark.parametrize("page", ["README.md", "docs/zh/README.md"])
def test_the_examples_print_what_the_page_says(page: str) -> None:
    printed, names = io.StringIO(), dict[str, object]()
    with contextlib.redirect_stdout(printed):
        for code in blocks(page, "python"):
            exec(compile(code, page, "exec"), names)
    assert printed.getvalue() == "".join(blocks(page, "text"))


def test_the_first_example_is_short() -> None:
    code, *_ = blocks("README.md", "python")
    assert len(code.splitlines()) <= 22


def test_the_readme_has_the_two_commands() -> None:
    assert [block.strip() for block in blocks("README.md", "")] == list(COMMANDS)


def test_each_readme_links_the_other_in_its_first_line() -> None:
    assert "(docs/zh/README.md)" in (ROOT / "README.md").read_text("utf-8").splitlines()[0]
    assert "(../../README.md)" in (ROOT / "docs/zh/README.md").read_text("utf-8").splitlines()[0]
