"""One mistake to a file: each is found under its code, at its place, and told in two languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import sentences

import custrules as cr

FOLDER = Path(__file__).parent / "bad_documents"
TABLE = tomllib.loads((FOLDER / "expected.toml").read_text("utf-8"))
FILES = sorted(path for path in FOLDER.iterdir() if path.name != "expected.toml")


def expected(path: Path) -> list[str]:
    """``document.unknown_field 7:5; …`` from the table, or from the first line of the file."""
    text = TABLE.get(path.name) or path.read_text("utf-8").partition("\n")[0].removeprefix("# expect: ")
    return [str(one) for one in text.split("; ")]


def diagnostics(path: Path) -> tuple[cr.Diagnostic, ...]:
    with pytest.raises(cr.DocumentError) as caught:
        cr.load(path)
    return caught.value.diagnostics


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_bad_document_is_told_by_code_line_and_column(path: Path) -> None:
    assert [f"{found.code} {found.line}:{found.column}" for found in diagnostics(path)] == expected(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_bad_document_is_told_in_whole_sentences(path: Path) -> None:
    for found in diagnostics(path):
        sentences.whole(found, path)


def test_every_file_says_what_is_expected_of_it() -> None:
    assert all(re.fullmatch(r"[a-z]+\.[a-z_0-9]+ \d+:\d+", one) for path in FILES for one in expected(path))


def test_the_table_names_files_that_exist() -> None:
    assert TABLE.keys() <= {path.name for path in FILES}
