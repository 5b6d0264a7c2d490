"""Tables that are not written as rows: the CSV files that a loaded document names, and where each cell stands that a fault is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from custrules.conditions.grids import ARROW, FORMS, Form, lines_of, place_in
from custrules.documents.places import FORBIDDEN, MAX_BYTES, Lines, Node, code_point
from custrules.fields import fault

PARTS = ("inputs", "outputs", "rows")
MAX_FILES = 200

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

    def __call__(self, path: str) -> str:
        """The text of a file; raises the fault of a path that is not one inside the folder, or of a file that cannot be read."""
        if path not in self.texts:
            if not _is_inside(path):
                raise fault("document.bad_file_path", file=path)
            if len(self.texts) >= MAX_FILES:
                raise fault("document.too_many", what="CSV files", most=MAX_FILES)
            self.texts[path] = self._read(path)
        return self.texts[path]

    def _read(self, path: str) -> str:
        try:
            with (self.folder / path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError:
            raise fault("document.unreadable_file", file=path, reason="there is no such file, or it cannot be opened") from None
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
    plain = path.endswith(".csv") and not path.startswith("/") and "\\" not in path and ":" not in path and "\0" not in path
    return plain and bool(parts) and ".." not in parts


def place_of_cell(root: Node | None, path: Sequence[Step], lines: Lines, files: Files | None) -> tuple[str, int, int] | None:
    """Source ('' is the document), line and column of what a path means inside a table written as text or CSV; None for other paths."""
    node = root
    for position, step in enumerate(path):
        child = node.child(step) if node is not None else None
        if child is None:
            return _in_written(node, path[position:], lines, files) if node is not None and step in PARTS else None
        node = child
    return None


def _in_written(table: Node, rest: Sequence[Step], lines: Lines, files: Files | None) -> tuple[str, int, int] | None:
    for form in FORMS:
        node = table.child(form)
        if node is None or not isinstance(node.value, str):
            continue
        text = node.value if form == "table" else files.texts.get(node.value) if files is not None else None
        found = _place(text, form, rest) if text is not None else None
        if found is None:
            return ("", *lines.place(node.offset))
        if form == "csv" and files is not None:
            return files.source(node.value), found[0] + 1, found[1] + 1
        return ("", *place_in_scalar(node, found, lines))
    return None


def _place(text: str, form: Form, rest: Sequence[Step]) -> tuple[int, int] | None:
    numbers = [step for step in rest[1:] if isinstance(step, int)]
    if rest[0] == "rows":
        return place_in(text, form, numbers[0] + 1, numbers[1] if len(numbers) > 1 else None) if numbers else None
    header = next(lines_of(text, form), None)
    first = next((place for place, piece in enumerate(header.pieces) if piece.text.startswith(ARROW)), 0) if header is not None else 0
    return place_in(text, form, 0, numbers[0] + (first if rest[0] == "outputs" else 0) if numbers else None)


def place_in_scalar(node: Node, place: tuple[int, int], lines: Lines) -> tuple[int, int]:
    """Line and column in the document of a place inside a text of several lines; where the text was folded, that of its beginning."""
    line, column = lines.place(node.offset)
    raw, offset = lines.text, node.offset
    if raw.startswith("|", offset):
        return _in_block(str(node.value), place, line + 1, lines)
    if raw.startswith(('"""', "'''"), offset):
        trimmed = raw.startswith(("\n", "\r\n"), offset + 3)
        return line + place[0] + trimmed, place[1] + 1 + (column + 2 if not place[0] and not trimmed else 0)
    if raw.startswith('"', offset):
        return lines.place(_in_quotes(raw, offset, str(node.value), place))
    return line, column


def _in_block(text: str, place: tuple[int, int], first: int, lines: Lines) -> tuple[int, int]:
    """In a block of YAML: as deep as the block is indented."""
    start = lines.offset(first + place[0], 1)
    raw = re.match(r"[^\r\n]*", lines.text[start:])
    return first + place[0], len(raw[0] if raw else "") - len(text.split("\n")[place[0]]) + place[1] + 1


_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}|\\[^\r\n]|[^\r\n]"
)


def _in_quotes(raw: str, offset: int, text: str, place: tuple[int, int]) -> int:
    """The offset of a character of a text within double quotes, whose escapes are several characters for one."""
    wanted = sum(len(line) + 1 for line in text.split("\n")[: place[0]]) + place[1]
    at = offset + 1
    for _ in range(wanted):
        found = _ESCAPE.match(raw, at)
        if found is None:
            return offset
        at = found.end()
    return at
