"""The ``examples`` of a scenario: a table written as text, or a list of mappings; one Row for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from custrules.documents.reading import read
from custrules.errors import Diagnostic
from custrules.fields import describe
from custrules.validation import in_family

if TYPE_CHECKING:
    from custrules.testing.scenario_file import Page, Path

MOST_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells by column, where each stands (line, column), and how its case is called."""

    cells: Mapping[str, Any]
    places: Mapping[str, tuple[int, int]]
    title: str
    line: int


def rows_of(page: Page, value: object, path: Path) -> list[Row]:
    """The rows of a table of examples; faults are noted on the page."""
    if isinstance(value, str):
        rows = _Table(page, path).rows(value)
    elif isinstance(value, list):
        rows = _listed(page, value, path)
    else:
        page.note(path, "wrong_type", expected="a table written as text, or a list of mappings", found=describe(value))
        return []
    if len(rows) > MOST_ROWS:
        page.note(path, "too_many", what="rows", most=MOST_ROWS)
    elif not rows:
        page.note(path, "wrong_type", expected="at least one row below the names of the columns", found="none")
    return rows[:MOST_ROWS]


def _listed(page: Page, value: Sequence[Any], path: Path) -> list[Row]:
    rows = []
    columns: list[str] = []
    for index, item in enumerate(value):
        cells = page.mapping(item, (*path, index), "a mapping of columns to cells")
        columns = columns or list(cells)
        if cells and sorted(cells) != sorted(columns):
            page.note((*path, index), "wrong_type", expected=f"the columns {', '.join(columns)}", found=", ".join(cells))
            continue
        places = {name: page.reading.place((*path, index, name)) for name in cells}
        rows.append(Row(cells, places, _title(cells), page.reading.place((*path, index))[0]))
    return rows


def _title(cells: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_brief(value)}" for name, value in cells.items())


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_brief(item)}" for name, item in value.items()) + "}"
    return "[" + ", ".join(map(_brief, value)) + "]" if isinstance(value, list) else str(value)


class _Table:
    """A table as text: names, then rows, their cells parted by ``|``; lines that begin with ``#`` are skipped."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page, self.path = page, path
        self.first, self.column = page.reading.place(path)
        lines = page.text.splitlines()
        self.source = lines if self._is_block(lines) else []

    def _is_block(self, lines: Sequence[str]) -> bool:
        """Whether the text begins on the line below its key, as a block of YAML does."""
        line = lines[self.first - 1] if 0 < self.first <= len(lines) else ""
        return line[self.column - 1 : self.column] in ("|", ">")

    def rows(self, text: str) -> list[Row]:
        rows: list[Row] = []
        columns: list[str] = []
        for number, line in enumerate(text.split("\n")):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            cells = _cells(line)
            if not columns:
                columns = self._columns(cells, number)
            elif len(cells) != len(columns):
                self._note(number, f"{len(columns)} cells: {' | '.join(columns)}", line.strip())
            else:
                rows.append(self._row(columns, cells, number))
        return rows

    def _columns(self, cells: list[str], number: int) -> list[str]:
        if any(not name.replace("-", "_").isidentifier() for name in cells) or len(set(cells)) != len(cells):
            self._note(number, "names of columns, each once: amount | tier", " | ".join(cells))
        return cells

    def _note(self, number: int, expected: str, found: str) -> None:
        row = Row({}, {"": self._place(number, "")}, "", 0)
        self.page.note(self.path, "wrong_type", expected=expected, found=repr(found[:80]), row=row if self.source else None)

    def _row(self, columns: Sequence[str], cells: Sequence[str], number: int) -> Row:
        places = {name: self._place(number, cell, index) for index, (name, cell) in enumerate(zip(columns, cells, strict=True))}
        values = {name: self._value(cell, number, places[name]) for name, cell in zip(columns, cells, strict=True)}
        return Row(values, places, _title(dict(zip(columns, cells, strict=True))), self._place(number, "")[0])

    def _value(self, cell: str, number: int, place: tuple[int, int]) -> Any:
        """A cell as it is written; one that begins with a bracket is flow YAML."""
        if not cell:
            self._note(number, "a cell", "nothing")
        if not cell.startswith(("{", "[")):
            return cell
        reading = read(cell, format="yaml")
        for fault in reading.diagnostics:
            renamed = Diagnostic(in_family(fault.code, "scenario"), params=fault.params)
            self.page.add(self.path, renamed, row=Row({}, {"": place}, "", 0))
        return reading.data

    def _place(self, number: int, cell: str, index: int = 0) -> tuple[int, int]:
        """Line and column of a cell in the file."""
        line = self.first + number + 1
        if not 0 < line <= len(self.source):
            return self.first, self.column
        text = self.source[line - 1]
        parts = text.split("|")
        skipped = len(parts[0]) + 1 if text.lstrip().startswith("|") else 0
        parts = parts[1:] if skipped else parts
        start = skipped + sum(len(part) + 1 for part in parts[:index])
        here = parts[index] if index < len(parts) else ""
        return line, start + len(here) - len(here.lstrip()) + 1 if cell else len(text) - len(text.lstrip()) + 1


def _cells(line: str) -> list[str]:
    """The cells of a line; a bar at either end frames it."""
    framed = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip() for cell in framed.split("|")]
