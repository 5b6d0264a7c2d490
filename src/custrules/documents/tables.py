"""Tables that are not written as rows: the CSV files that a loaded document names, and where each cell stands that a fault is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from custrules.conditions.grids import ARROW, FORMS, Form, Line, lines_of, place_in
from custrules.documents.places import FORBIDDEN, MAX_BYTES, Lines, Node, code_point
from custrules.fields import fault

PARTS = ("inputs", "outputs", "rows")
MAX_FILES = 200
NOT_THERE = "there is no such file, or it cannot be opened"

Step = str | int


class Files:
    """The CSV files beside a loaded document, each read once, by their path from its folder."""

    folder: Path
    texts: dict[str, str]

    def __init__(self, folder: Path) -> None:
        self.folder, self.texts = folder, {}

    def source(self, path: str) -> str:
        """A file as faults name it."""
        return str(self.folder / path)

    def __call__(self, path: str, ends: tuple[str, ...] = (".csv",)) -> str:
        """The text of a file whose name ends so; raises the fault of a path that is not one inside the folder, or of a file that cannot be
        read."""
        if path not in self.texts:
            if not (_is_inside(path) and path.endswith(ends)) or self._leads_outside(path):
                raise fault("document.bad_file_path", file=path)
            if len(self.texts) >= MAX_FILES:
                raise fault("document.too_many", what="CSV files", most=MAX_FILES)
            self.texts[path] = self._read(path)
        return self.texts[path]

    def _leads_outside(self, path: str) -> bool:
        """Whether a link on the way leaves the folder."""
        try:
            return not (self.folder / path).resolve().is_relative_to(self.folder.resolve())
        except (OSError, RuntimeError):
            return False  # links in a circle: reading says that it cannot be opened

    def _read(self, path: str) -> str:
        if not (self.folder / path).is_file():  # a pipe would wait for somebody to write
            raise fault("document.unreadable_file", file=path, reason=NOT_THERE)
        try:
            with (self.folder / path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError:
            raise fault("document.unreadable_file", file=path, reason=NOT_THERE) from None
        if len(data) > MAX_BYTES:
            raise fault("document.unreadable_file", file=path, reason=f"it has more than {MAX_BYTES} bytes")
        try:
            text = data.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError:
            raise fault("document.unreadable_file", file=path, reason="it is not UTF-8: save it as CSV UTF-8") from None
        if bad := FORBIDDEN.search(text):
            raise fault("document.unreadable_file", file=path, reason=f"it holds the control character {code_point(bad[0])}")
        return text


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    plain = not path.startswith("/") and "\\" not in path and ":" not in path and "\0" not in path
    return plain and bool(parts) and ".." not in parts


class Cells:
    """Where the cells of one document stand that are written as text or in CSV files; remembers what it has taken apart."""

    def __init__(self, root: Node | None, lines: Lines, files: Files | None) -> None:
        self._root, self._lines, self._files = root, lines, files
        self._grids: dict[tuple[str, Form], list[Line]] = {}
        self._offsets: dict[int, list[int]] = {}

    def place(self, path: Sequence[Step]) -> tuple[str, int, int] | None:
        """Source ('' is the document), line and column of what a path means inside such a table; None for other paths."""
        node = self._root
        for position, step in enumerate(path):
            child = node.child(step) if node is not None else None
            if child is None:
                return self._in_written(node, path[position:]) if node is not None and step in PARTS else None
            node = child
        return None

    def _in_written(self, table: Node, rest: Sequence[Step]) -> tuple[str, int, int] | None:
        for form in FORMS:
            node = table.child(form)
            if node is not None and isinstance(node.value, str):
                return self._cell(node, node.value, form, rest)
        return None

    def _cell(self, node: Node, written: str, form: Form, rest: Sequence[Step]) -> tuple[str, int, int]:
        text = written if form == "table" else self._files.texts.get(written) if self._files is not None else None
        found = _place(self._grid(text, form), rest) if text is not None else None
        if found is None:
            return ("", *self._lines.place(node.offset))
        if form == "csv" and self._files is not None:
            return self._files.source(written), found[0] + 1, found[1] + 1
        return ("", *self._in_scalar(node, written, found))

    def _grid(self, text: str, form: Form) -> list[Line]:
        if (text, form) not in self._grids:
            self._grids[text, form] = list(lines_of(text, form))
        return self._grids[text, form]

    def _in_scalar(self, node: Node, text: str, place: tuple[int, int]) -> tuple[int, int]:
        """Line and column in the document of a place inside a text of several lines; where the text was folded, those of its beginning."""
        line, column = self._lines.place(node.offset)
        raw, offset = self._lines.text, node.offset
        if raw.startswith("|", offset):
            return _in_block(text, place, line + 1, self._lines)
        if raw.startswith(('"""', "'''"), offset):
            trimmed = raw.startswith(("\n", "\r\n"), offset + 3)
            return line + place[0] + trimmed, place[1] + 1 + (column + 2 if not place[0] and not trimmed else 0)
        if raw.startswith('"', offset):
            return self._lines.place(self._in_quotes(offset, text, place))
        return line, column

    def _in_quotes(self, offset: int, text: str, place: tuple[int, int]) -> int:
        """The offset of a character of a text within double quotes, whose escapes are several characters for one."""
        if offset not in self._offsets:
            self._offsets[offset] = _offsets_in(self._lines.text, offset + 1, len(text))
        wanted = sum(len(line) + 1 for line in text.split("\n")[: place[0]]) + place[1]
        known = self._offsets[offset]
        return known[wanted] if wanted < len(known) else offset


def _place(grid: Sequence[Line], rest: Sequence[Step]) -> tuple[int, int] | None:
    """Line and column, from 0, of a part of a table in its text."""
    numbers = [step for step in rest[1:] if isinstance(step, int)]
    if rest[0] == "rows":
        return place_in(grid, numbers[0] + 1, numbers[1] if len(numbers) > 1 else None) if numbers else None
    columns = [piece.text for piece in grid[0].pieces] if grid else []
    first = next((place for place, name in enumerate(columns) if name.startswith(ARROW)), 0)
    return place_in(grid, 0, numbers[0] + (first if rest[0] == "outputs" else 0) if numbers else None)


def _in_block(text: str, place: tuple[int, int], first: int, lines: Lines) -> tuple[int, int]:
    """In a block of YAML: as deep as the block is indented."""
    raw = _REST_OF_LINE.match(lines.text, lines.offset(first + place[0], 1))
    return first + place[0], len(raw[0] if raw else "") - len(text.split("\n")[place[0]]) + place[1] + 1


_REST_OF_LINE = re.compile(r"[^\r\n]*")
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}|\\[^\r\n]|[^\r\n]"
)


def _offsets_in(raw: str, at: int, count: int) -> list[int]:
    """The offset of each of so many characters, as far as the text goes on in one line."""
    offsets: list[int] = []
    while len(offsets) < count and (found := _ESCAPE.match(raw, at)):
        offsets.append(at)
        at = found.end()
    return offsets
