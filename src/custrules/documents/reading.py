"""Text in YAML, JSON or TOML -> plain data, in which every scalar is still its text, with the place of each key and value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal

from custrules.documents.json_text import read_json
from custrules.documents.places import FORBIDDEN, MAX_BYTES, Lines, Node, Tree, Unreadable, code_point, locate
from custrules.documents.tables import Cells, Files
from custrules.documents.toml_text import read_toml
from custrules.errors import Diagnostic, MissingExtra

Format = Literal["yaml", "json", "toml"]

SUFFIXES: dict[str, Format] = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says and where. ``data`` holds only dict (keys are text), list and str: a scalar is handed over as it is written.

    ``diagnostics`` are all faults found, in the order of the text. When it could not be read to its end, ``data`` is an empty dict.
    ``files`` reads the CSV files that the document names; None: it may name none.
    """

    data: Any
    diagnostics: tuple[Diagnostic, ...]
    source: str
    files: Files | None = field(default=None, repr=False, compare=False)
    _root: Node | None = field(default=None, repr=False, compare=False)
    _lines: Lines | None = field(default=None, repr=False, compare=False)

    def place(self, path: Sequence[str | int], *, key: bool = False) -> tuple[int, int]:
        """Line and column (from 1) of the value at a path, or of its key; of the nearest known ancestor where the text has no such
        path; (0, 0) when nothing is known."""
        return locate(self._root, path, key, self._lines.place) if self._lines else (0, 0)

    def where(self, path: Sequence[str | int], *, key: bool = False) -> tuple[str, int, int]:
        """Source, line and column of what a path means, also inside a table written as text or in a CSV file."""
        cells = self.cells()
        inside = cells.place(path) if cells is not None else None
        return (inside[0] or self.source, *inside[1:]) if inside is not None else (self.source, *self.place(path, key=key))

    def cells(self) -> Cells | None:
        """Where the cells of its tables stand that are written as text or in files; None when nothing is known of its text."""
        return Cells(self._root, self._lines, self.files) if self._lines else None


def read(text: bytes | str, *, source: str = "", format: Format | None = None) -> Reading:
    """Read a document. The format is told by ``format``, else by the suffix of ``source``, else by the text: ``{`` or ``[`` begins JSON.

    Faults of the text are diagnostics, never exceptions. Raises MissingExtra for YAML when PyYAML is not installed.
    """
    size = len(text) if isinstance(text, bytes) or len(text) > MAX_BYTES else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        return _refused(source, Diagnostic("document.too_large", params={"found": size, "most": MAX_BYTES, "unit": "bytes"}))
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as fault:
            return _refused(source, _not_utf8(fault))
    return _read_text(text.removeprefix("\ufeff"), source, format)


def _read_text(text: str, source: str, format: Format | None) -> Reading:
    lines = Lines(text)
    if bad := FORBIDDEN.search(text):
        tree = Tree(lines, source)
        tree.fault("document.bad_character", bad.start(), found=code_point(bad[0]))
        return _reading(tree, False, lines)
    if (format or _format_of(text, source)) == "yaml":
        return _reading(*_read_yaml(text, lines, source), lines)
    tree = Tree(lines, source)
    strict = read_json if (format or _format_of(text, source)) == "json" else read_toml
    try:
        strict(text, tree)
    except Unreadable:
        return _reading(tree, False, lines)
    return _reading(tree, True, lines)


def _read_yaml(text: str, lines: Lines, source: str) -> tuple[Tree, bool]:
    try:
        from custrules.documents.yaml_text import read_yaml  # noqa: PLC0415  (an optional package stands behind it)
    except ModuleNotFoundError as missing:
        raise MissingExtra("reading YAML", "yaml") from missing
    return read_yaml(text, lines, source)


def _format_of(text: str, source: str) -> Format:
    by_text: Format = "json" if text.lstrip().startswith(("{", "[")) else "yaml"
    return SUFFIXES.get(PurePath(source).suffix.lower(), by_text)


def _reading(tree: Tree, complete: bool, lines: Lines) -> Reading:
    faults = tuple(sorted(tree.diagnostics, key=lambda fault: (fault.line, fault.column)))
    if not complete or tree.root is None:
        return Reading({}, faults, tree.source)
    return Reading(tree.root.data(), faults, tree.source, _root=tree.root, _lines=lines)


def _refused(source: str, fault: Diagnostic) -> Reading:
    return Reading({}, (fault.at(source, fault.line, fault.column),), source)


def _not_utf8(fault: UnicodeDecodeError) -> Diagnostic:
    before = fault.object[: fault.start].decode("utf-8").removeprefix("\ufeff")
    line, column = Lines(before).place(len(before))
    return Diagnostic("document.not_utf8", params={"byte": f"0x{fault.object[fault.start]:02x}"}, line=line, column=column)
