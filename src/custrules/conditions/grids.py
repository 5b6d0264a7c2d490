"""Tables written as text or as CSV: the lines of cells in them, each with its place, and the document form they stand for.

As text, cells are parted by ``|`` (one at either end frames the line) and text in double quotes may hold a bar. A CSV file is
parted by commas as in RFC 4180: double quotes around a whole cell, doubled inside it, one row to a line. In both the first
line names the columns, ``->`` stands before the first output, and blank lines and lines that begin with ``#`` are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from custrules.fields import fault

Form = Literal["table", "csv"]
FORMS: tuple[Form, ...] = ("table", "csv")
ARROW = "->"


@dataclass(frozen=True, slots=True)
class Piece:
    """A cell as it is written; line and column count from 0 within the text."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of one line, or what was expected where it cannot be parted into cells."""

    pieces: tuple[Piece, ...]
    line: int
    column: int
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A part of a table that could not be read: stands in its place until the field that it belongs to raises ``error``."""

    error: PydanticCustomError


_BREAK = re.compile(r"\r\n|\n|\r")
_IN_TEXT = re.compile(r'((?:"(?:[^"\\]|\\.)*+"|[^|"])*+)(\||$)')
_IN_CSV = re.compile(r'("(?:[^"]|"")*+"|[^",]*+)(,|$)')
_NOT_CLOSED: Mapping[Form, str] = {"table": "a closing double quote", "csv": 'double quotes around the whole cell, and "" for one inside it'}
_PARTED: Mapping[Form, tuple[str, str]] = {"table": ("｜,;\t", "the bar | between cells"), "csv": (";\t|，", "the comma , between cells")}


def lines_of(text: str, form: Form) -> Iterator[Line]:
    """The lines that hold cells: first the names of the columns, then the rows."""
    for number, line in enumerate(_BREAK.split(text)):
        if line.strip() and not line.lstrip().startswith("#"):
            parted = _parted(line, number, form)
            if parted.expected or any(piece.text for piece in parted.pieces):
                yield parted


def _parted(line: str, number: int, form: Form) -> Line:
    indent = len(line) - len(line.lstrip())
    start, end = (indent, len(line.rstrip())) if form == "table" else (0, len(line))
    if form == "table":
        start += line.startswith("|", start)
        end -= line.endswith("|", start, end)
    pieces = []
    while start <= end:
        found = (_IN_TEXT if form == "table" else _IN_CSV).match(line[:end], start)
        if found is None:
            return Line((), number, start + len(line[start:]) - len(line[start:].lstrip()), _NOT_CLOSED[form])
        pieces.append(_piece(found[1], number, start, form))
        start = found.end() if found[2] else end + 1
    return Line(tuple(pieces), number, indent)


def _piece(raw: str, number: int, start: int, form: Form) -> Piece:
    text = raw.strip()
    column = start + len(raw) - len(raw.lstrip()) if text else start
    if form == "csv" and text.startswith('"'):
        text = text[1:-1].replace('""', '"').strip()
    return Piece(text, number, column)


def expanded(text: str, form: Form, beside: Mapping[str, Any]) -> dict[str, Any]:
    """``inputs``, ``outputs`` and ``rows`` as documents write them; a Misfit where a part cannot be read.

    ``beside`` is what the document says of inputs and outputs itself: it must name the columns of the text.
    """
    lines = list(lines_of(text, form))
    if not lines:
        return unread(_misfit(_HEADER[form], ""))
    header, *rows = lines
    names = [piece.text for piece in header.pieces]
    first = next((index for index, name in enumerate(names) if name.startswith(ARROW)), None)
    if header.expected or first is None:
        return {"inputs": _misfit(_expected(header, form), " | ".join(names)), "outputs": ["unread"], "rows": [[]]}
    outputs = [name.removeprefix(ARROW).strip() for name in names[first:]]
    return {
        "inputs": _columns("inputs", names[:first], beside),
        "outputs": _columns("outputs", outputs, beside),
        "rows": [_row(row, [*names[:first], *outputs]) for row in rows],
    }


def unread(why: Misfit) -> dict[str, Any]:
    """The parts of a table that could not be read at all: one fault, and nothing that only follows from it."""
    return {"inputs": ["unread"], "outputs": ["unread"], "rows": why}


_HEADER: Mapping[Form, str] = {
    "table": "the names of the columns, with -> before the first output: tier | region | -> owner",
    "csv": "the names of the columns, with -> before the first output: tier,region,-> owner",
}


def _expected(header: Line, form: Form) -> str:
    if header.expected:
        return header.expected
    others, expected = _PARTED[form]
    return expected if len(header.pieces) == 1 and any(mark in header.pieces[0].text for mark in others) else _HEADER[form]


def _misfit(expected: str, found: str) -> Misfit:
    return Misfit(fault("document.bad_table", expected=expected, found=repr(found[:80])))


def _columns(field: str, names: Sequence[str], beside: Mapping[str, Any]) -> Any:
    """The names in the text; what the document says of them beside it, where it names the same."""
    said = beside.get(field)
    if said is None:
        return list(names)
    listed = [_name(item) for item in said] if isinstance(said, list | tuple) else None
    if listed is not None and listed != list(names) and all(listed):
        return Misfit(fault("document.columns_differ", field=field, expected=", ".join(names), found=", ".join(map(str, listed))))
    return said


def _name(item: object) -> Any:
    return item.get("name") if isinstance(item, Mapping) else getattr(item, "name", item)


def _row(row: Line, columns: Sequence[str]) -> Any:
    if row.expected:
        return _misfit(row.expected, "")
    return [piece.text for piece in row.pieces]


def place_in(text: str, form: Form, row: int, column: int | None) -> tuple[int, int] | None:
    """Line and column, from 0, of a cell (or of a row); row 0 names the columns. None where the text has no such row."""
    lines = list(lines_of(text, form))
    if not 0 <= row < len(lines):
        return None
    line = lines[row]
    if column is not None and 0 <= column < len(line.pieces):
        return line.pieces[column].line, line.pieces[column].column
    return line.line, line.column
