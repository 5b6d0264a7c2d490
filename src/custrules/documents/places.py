"""Where things stand in a text, and the tree that every reader of a language builds: values with places, within fixed limits."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from custrules.errors import Diagnostic
from custrules.validation import path_text

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 40
MAX_NODES = 200_000
MAX_CHARACTERS = 20_000
MAX_ALIASES = 20
MAX_ALIASED_NODES = 10_000
MAX_FAULTS = 1_000

_LONGEST_STEP = 80  # of a key as it stands in paths

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Path = tuple[str | int, ...]
_AWAITED = object()


class Unreadable(Exception):
    """Reading ends here; the fault that ended it is among the tree's diagnostics. Never leaves this package."""


class Lines:
    """Line and column, both from 1 and in characters, of each offset in a text."""

    text: str

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(found.end() for found in _LINE_BREAK.finditer(text))]

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a place, as far as the text has that line."""
        return self._starts[min(line, len(self._starts)) - 1] + column - 1


@dataclass(slots=True)
class Node:
    """One value: a text, or nodes by key or by number. ``size`` counts the nodes in it, ``height`` the containers on its deepest way."""

    offset: int
    value: str | list[Node] | dict[str, Node]
    key_offsets: dict[str, int] = field(default_factory=dict)
    size: int = 1
    height: int = 0

    def data(self) -> Any:
        """Plain data, a fresh copy. It recurses, never deeper than MAX_DEPTH: the tree refuses what is deeper."""
        if isinstance(self.value, dict):
            return {key: node.data() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        return self.value

    def child(self, step: str | int) -> Node | None:
        if isinstance(self.value, dict):
            return self.value.get(str(step))
        if isinstance(self.value, list) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None


@dataclass(slots=True)
class _Open:
    """A container that is being read, with the key whose value comes next. A key of None throws its value away."""

    node: Node
    key: Any = _AWAITED
    said: str | None = None  # the key as it stands in paths, also when its value is thrown away
    key_offset: int = 0
    is_key: bool = False

    @property
    def awaits_key(self) -> bool:
        return isinstance(self.node.value, dict) and self.key is _AWAITED

    def path(self) -> Path:
        if isinstance(self.node.value, list):
            return (len(self.node.value),)
        return () if self.said is None else (self.said[:_LONGEST_STEP],)


class Tree:
    """Built by a language's reader, event by event: ``open``, ``scalar``, ``share``, ``close``. Notes faults with their place; raises Unreadable."""

    lines: Lines
    source: str

    def __init__(self, lines: Lines, source: str) -> None:
        self.lines, self.source = lines, source
        self.diagnostics: list[Diagnostic] = []
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._nodes = 0

    @property
    def depth(self) -> int:
        return len(self._open)

    @property
    def awaits_key(self) -> bool:
        return bool(self._open) and self._open[-1].awaits_key

    @property
    def in_mapping(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].node.value, dict)

    @property
    def key_offset(self) -> int:
        """Where the key stands whose value comes next."""
        return self._open[-1].key_offset

    def path(self) -> Path:
        return tuple(step for frame in self._open for step in frame.path())

    def fault(self, code: str, offset: int, **params: object) -> None:
        line, column = self.lines.place(offset)
        self.diagnostics.append(Diagnostic(code, path_text(self.path()), params, self.source, line, column))

    def end(self, code: str, offset: int, **params: object) -> Unreadable:
        """The fault that ends the reading, to be raised."""
        self.fault(code, offset, **params)
        return Unreadable(code)

    def leave(self) -> None:
        """Faults noted from here on have no path: the reading ended before their place, or went past it."""
        self._open.clear()

    def open(self, value: list[Node] | dict[str, Node], offset: int) -> None:
        if self.depth >= MAX_DEPTH:
            raise self.end("document.too_deep", offset, most=MAX_DEPTH)
        is_key = self.awaits_key
        if is_key:
            self.throw_away("document.bad_key", offset, found="[…]" if isinstance(value, list) else "{…}")
        self._count(1, offset)
        self._open.append(_Open(Node(offset, value), is_key=is_key))

    def close(self) -> Node:
        frame = self._open.pop()
        if not frame.is_key:
            self._attach(frame.node)
        return frame.node

    def scalar(self, text: str, offset: int) -> Node:
        """A text: the key where one is awaited, otherwise the value."""
        self._count(1, offset)
        node = Node(offset, FORBIDDEN.sub("\ufffd", text))  # what escapes wrote must not break whoever prints it
        is_key = self.awaits_key
        if is_key:
            self._key(str(node.value), offset)
        self._inspect(text, offset)
        if not is_key:
            self._attach(node)
        return node

    def share(self, node: Node, offset: int) -> Node:
        """The same value once more, at another place."""
        if self.depth + node.height > MAX_DEPTH:
            raise self.end("document.too_deep", offset, most=MAX_DEPTH)
        shared = Node(offset, node.value, node.key_offsets, node.size, node.height)
        self._count(node.size, offset)
        self._attach(shared)
        return shared

    def throw_away(self, code: str, offset: int, said: str | None = None, **params: object) -> None:
        """A key that is a fault itself: its value is read and not kept."""
        frame = self._open[-1]
        frame.key, frame.said, frame.key_offset = None, said, offset
        self.fault(code, offset, **params)

    def _key(self, text: str, offset: int) -> None:
        frame = self._open[-1]
        first = frame.node.key_offsets.get(text)
        if first is not None:
            self.throw_away("document.repeated_key", offset, said=text, key=text, first_line=self.lines.place(first)[0])
            return
        frame.key = frame.said = text
        frame.key_offset = frame.node.key_offsets[text] = offset

    def _inspect(self, text: str, offset: int) -> None:
        if len(text) > MAX_CHARACTERS:
            self.fault("document.too_large", offset, found=len(text), most=MAX_CHARACTERS, unit="characters")
        if bad := FORBIDDEN.search(text):
            self.fault("document.bad_character", offset, found=code_point(bad[0]))

    def _count(self, nodes: int, offset: int) -> None:
        self._nodes += nodes
        if len(self.diagnostics) >= MAX_FAULTS:
            raise self.end("document.too_many_faults", offset, most=MAX_FAULTS)
        if self._nodes > MAX_NODES:
            raise self.end("document.too_many_nodes", offset, most=MAX_NODES)

    def _attach(self, node: Node) -> None:
        if isinstance(node.value, list | dict):
            _measure(node)
        if not self._open:
            self.root = node
            return
        frame = self._open[-1]
        if isinstance(frame.node.value, list):
            frame.node.value.append(node)
        elif isinstance(frame.node.value, dict):
            if frame.key is not None:
                frame.node.value[frame.key] = node
            frame.key, frame.said = _AWAITED, None


def _measure(node: Node) -> None:
    children = list(node.value.values() if isinstance(node.value, dict) else node.value)
    parts = [child for child in children if isinstance(child, Node)]
    node.size = 1 + sum(child.size for child in parts)
    node.height = 1 + max((child.height for child in parts), default=0)


def code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def locate(root: Node | None, path: Sequence[str | int], key: bool, place: Callable[[int], tuple[int, int]]) -> tuple[int, int]:
    """The place of the value (or of its key) at a path, or of its nearest known ancestor; (0, 0) when nothing was read."""
    if root is None:
        return 0, 0
    node, key_offset = root, None
    for step in path:
        child = node.child(step)
        if child is None:
            return place(node.offset)
        key_offset = node.key_offsets.get(str(step))
        node = child
    return place(key_offset if key and key_offset is not None else node.offset)
