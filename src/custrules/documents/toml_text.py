"""TOML by tomllib, which knows no places: a light locator walks the text first and notes where keys and values stand."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime, time
from typing import Any

from custrules.documents.places import MAX_DEPTH, Path, Tree

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*+")
_SPACE = re.compile(r"[ \t]*+")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\[^\n])*+"|'[^'\n]*'""")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}|' + r"'''(?:[^']|'(?!''))*+'{3,5}|" + r'"(?:[^"\\\n]|\\[^\n])*+"|' + r"'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\[\]{}#\r\n]+")
_TOO_MANY_DIGITS = re.compile(r"[0-9][0-9_]{4000}")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class _Number(str):
    """The text of a TOML float, as it was written."""

    __slots__ = ()


def read_toml(text: str, tree: Tree) -> None:
    """Fill the tree from TOML text. Stops with Unreadable at the first syntax fault, which is where tomllib stops."""
    places = _Locator(text, tree).places()
    try:
        data = tomllib.loads(text, parse_float=_Number)
    except tomllib.TOMLDecodeError as fault:
        offset, reason = _stopped(str(fault), text, tree)
        raise tree.end("document.syntax", offset, reason=reason) from fault
    except ValueError as fault:  # Python's own limit on the digits of a whole number
        digits = _TOO_MANY_DIGITS.search(text)
        raise tree.end("document.syntax", digits.start() if digits else 0, reason="a whole number has too many digits") from fault
    except RecursionError as fault:
        raise tree.end("document.too_deep", 0, most=MAX_DEPTH) from fault
    _fill(data, (), 0, places, tree)


def _stopped(message: str, text: str, tree: Tree) -> tuple[int, str]:
    found = _PLACE.search(message)
    reason = message[: found.start()] if found else message
    if found is None or found[1] is None:
        return len(text.rstrip()), reason
    return tree.lines.offset(int(found[1]), int(found[2])), reason


def _fill(value: Any, path: Path, above: int, places: dict[Path, tuple[int, int]], tree: Tree) -> None:
    """Hand one value over. It recurses, never deeper than MAX_DEPTH: the tree refuses what is deeper."""
    offset = places.get(path, (above, above))[0]
    if isinstance(value, dict):
        tree.open({}, offset)
        for key, item in value.items():
            tree.scalar(key, places.get((*path, key), (offset, offset))[1])
            _fill(item, (*path, key), offset, places, tree)
        tree.close()
    elif isinstance(value, list):
        tree.open([], offset)
        for number, item in enumerate(value):
            _fill(item, (*path, number), offset, places, tree)
        tree.close()
    else:
        tree.scalar(_scalar_text(value, offset, tree), offset)


def _scalar_text(value: Any, offset: int, tree: Tree) -> str:
    if isinstance(value, _Number):
        if value.strip("+-") in ("nan", "inf"):
            tree.fault("document.not_a_number", offset, found=str(value))
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() > 4096:  # hexadecimal digits without end, which str() refuses
            raise tree.end("document.syntax", offset, reason="a whole number has too many digits")
        return str(value)
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)


class _Lost(Exception):
    """The text here is none that the locator knows. No fault: tomllib says what it thinks of this place."""


class _Locator:
    """Offsets of values and keys by path, as far as the text is understood. Refuses what is nested too deep for tomllib to recurse into."""

    def __init__(self, text: str, tree: Tree) -> None:
        self.text, self.tree, self.at = text, tree, 0
        self.found: dict[Path, tuple[int, int]] = {}
        self.counts: dict[Path, int] = {}  # tables so far in each array of tables

    def places(self) -> dict[Path, tuple[int, int]]:
        table: Path = ()
        try:
            while self.skip(_BLANK) < len(self.text):
                if self.text[self.at] == "[":
                    table = self.header()
                else:
                    self.pair(table)
        except _Lost:
            pass
        return self.found

    def skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def takes(self, token: str) -> bool:
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def expect(self, token: str) -> None:
        if not self.takes(token):
            raise _Lost

    def key_parts(self) -> list[tuple[str, int]]:
        parts: list[tuple[str, int]] = []
        while True:
            start = self.skip(_SPACE)
            if self.skip(_KEY) == start:
                raise _Lost
            parts.append((_unquoted(self.text[start : self.at]), start))
            if len(parts) > MAX_DEPTH:
                raise self.tree.end("document.too_deep", start, most=MAX_DEPTH)
            self.skip(_SPACE)
            if not self.takes("."):
                return parts

    def header(self) -> Path:
        start, several = self.at, self.takes("[[")
        if not several:
            self.expect("[")
        parts = self.key_parts()
        self.expect("]]" if several else "]")
        path = self.walk((), parts[:-1])
        last, offset = parts[-1]
        path = (*path, last)
        self.found.setdefault(path, (start, offset))
        if several:
            self.counts[path] = self.counts.get(path, 0) + 1
        path = self.inside(path)
        self.found.setdefault(path, (start, offset))
        return path

    def inside(self, path: Path) -> Path:
        """The last table of an array of tables; any other path as it is."""
        return (*path, self.counts[path] - 1) if path in self.counts else path

    def walk(self, path: Path, parts: list[tuple[str, int]]) -> Path:
        for part, offset in parts:
            path = (*path, part)
            self.found.setdefault(path, (offset, offset))
            path = self.inside(path)
        return path

    def pair(self, table: Path) -> None:
        parts = self.key_parts()
        self.expect("=")
        path = (*self.walk(table, parts[:-1]), parts[-1][0])
        self.skip(_SPACE)
        self.found.setdefault(path, (self.at, parts[-1][1]))
        if not self.opens(path):
            self.plain()

    def plain(self) -> None:
        start = self.at
        if self.skip(_STRING) == start and self.skip(_BARE) == start:
            raise _Lost

    def opens(self, path: Path) -> bool:
        """A container from its bracket to its end, by a stack of (path, number of the next item or None in a table)."""
        stack: list[tuple[Path, int | None]] = []
        self.push(stack, path)
        if not stack:
            return False
        while stack:
            self.inner(stack)
        return True

    def push(self, stack: list[tuple[Path, int | None]], path: Path) -> None:
        character = self.text[self.at : self.at + 1]
        if character not in ("[", "{") or not character:
            return
        if len(stack) >= MAX_DEPTH:
            raise self.tree.end("document.too_deep", self.at, most=MAX_DEPTH)
        stack.append((path, 0 if character == "[" else None))
        self.at += 1

    def inner(self, stack: list[tuple[Path, int | None]]) -> None:
        """The next item of the innermost container, or its end."""
        path, number = stack[-1]
        self.skip(_BLANK)
        if self.takes("}" if number is None else "]"):
            stack.pop()
            return
        if self.takes(","):
            return
        if number is None:
            parts = self.key_parts()
            self.expect("=")
            item, key_offset = (*self.walk(path, parts[:-1]), parts[-1][0]), parts[-1][1]
        else:
            item, key_offset = (*path, number), self.at
            stack[-1] = path, number + 1
        self.skip(_SPACE)
        self.found.setdefault(item, (self.at, key_offset))
        depth = len(stack)
        self.push(stack, item)
        if len(stack) == depth:
            self.plain()


def _unquoted(key: str) -> str:
    if key.startswith("'"):
        return key[1:-1]
    if not key.startswith('"'):
        return key
    try:
        return str(next(iter(tomllib.loads(f"{key} = 0"))))
    except tomllib.TOMLDecodeError as fault:
        raise _Lost from fault
