"""YAML by PyYAML's events, every scalar as its text; and plain data written as YAML. The one module that imports yaml.

A cell that lacks its quotes is noted, blanked out by letters of the same length, and the text is read again: so its place stays
true, what follows it is read as it was meant, and one such fault does not hide the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.scanner import ScannerError

from custrules.documents import unquoted
from custrules.documents.places import MAX_ALIASED_NODES, MAX_ALIASES, Lines, Node, Tree, Unreadable
from custrules.documents.unquoted import Cell

MOST_READINGS = 30
MOST_REREAD = 500_000  # characters read again in all, so that a long text with many faults is still answered soon

_EMPTY = ("", "~", "null", "Null", "NULL")
_TAG = re.compile(r"![^\s,\[\]{}]*")
_REASONS = (
    ("cannot start any token", "\\t", "a tab stands where spaces are needed"),
    ("expected <block end>", "", "the line does not fit: its indentation differs from the lines above, or text follows a finished value"),
    ("mapping values are not allowed here", "", "a key stands where none can: its line is indented too far, or the line above is not finished"),
    ("found unexpected end of stream", "", "a quote is opened and never closed"),
    ("but got '<stream end>'", "", "a bracket is opened and never closed"),
    ("could not find expected ':'", "", "a key without ':', or text at the wrong indentation"),
    ("sequence entries are not allowed here", "", "a list begins on the line of its key; it begins on the next line"),
    ("mapping keys are not allowed here", "", "a question mark stands where no key can begin: put the text in quotes"),
    ("expected ',' or", "", "a comma or the closing bracket is missing (the brackets open on line {})"),
    ("expected the node content", "", "a value is missing, or a sign stands in its place"),
    ("escape", "", "a backslash within double quotes goes with a letter that means nothing: use single quotes"),
    ("found unexpected document separator", "", "a quote is opened and never closed"),
    ("expected '<document start>'", "", "text follows the end of the document"),
    ("indentation", "", "behind | or > stands something that does not belong there"),
    ("cannot start any token", "", "no value begins with this sign: put the text in quotes"),
)
_OTHERWISE = "it is not written as YAML: put text that holds special signs in quotes"


def read_yaml(text: str, lines: Lines, source: str) -> tuple[Tree, bool]:
    """The tree of a YAML text, and whether it was read to its end. Faults are in the tree's diagnostics."""
    cells: dict[int, Cell] = {}
    readings_left = min(MOST_READINGS, MOST_REREAD // (len(text) + 1))
    while True:
        reader = _Reader(text, Tree(lines, source), cells)
        complete = reader.read()
        readings_left -= 1
        if not reader.new or readings_left <= 0:
            reader.report_the_rest()
            return reader.tree, complete and not reader.new
        cells = cells | {cell.start: cell for cell in reader.new}


class _Again(Exception):
    """What follows the cell just found is misread: blank it out and read again."""


@dataclass(slots=True)
class _Container:
    anchor: str | None
    offset: int
    flow: bool


class _Reader:
    """One reading of the text, with the cells found so far blanked out."""

    def __init__(self, text: str, tree: Tree, cells: dict[int, Cell]) -> None:
        self.text, self.tree, self.cells = _blanked(text, cells), tree, cells
        self.new: list[Cell] = []
        self.reported: set[int] = set()
        self.anchors: dict[str, Node] = {}
        self.containers: list[_Container] = []
        self.documents = self.aliases = self.aliased_nodes = 0

    def read(self) -> bool:
        loader = yaml.SafeLoader(self.text)
        try:
            while loader.check_event():
                self.event(loader.get_event())  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it out
        except yaml.MarkedYAMLError as fault:
            self.stopped(fault, flow=self.within_brackets(fault, loader.flow_level))
            return False
        except (ValueError, OverflowError):  # an escape such as "\UFFFFFFFF", which PyYAML does not guard
            self.tree.fault("document.syntax", loader.index, reason="an escape or a number that stands for nothing")
            return False
        except (_Again, Unreadable):
            return False
        finally:
            loader.dispose()
        if self.tree.root is None:
            self.tree.fault("document.empty_value", 0, found="")
        return self.tree.root is not None

    def event(self, event: Event) -> None:
        at = _offset(event.start_mark)
        if isinstance(event, NodeEvent):
            self.node(event, at)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self.remember(self.containers.pop().anchor, self.tree.close())
        elif isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self.tree.end("document.several", at)

    def node(self, event: NodeEvent, at: int) -> None:
        if isinstance(event, AliasEvent):
            self.alias(event.anchor or "", at)
        elif isinstance(event, ScalarEvent):
            self.tag(event, at, empty=not event.style and not event.value)
            self.scalar(event, at)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self.tag(event, at, empty=False)
            self.container(event, at)

    def container(self, event: MappingStartEvent | SequenceStartEvent, at: int) -> None:
        flow = bool(event.flow_style)
        if isinstance(event, SequenceStartEvent):
            self.misread(unquoted.interval_at(self.text, at) if flow else self.dash_in_list(at))
        self.tree.open({} if isinstance(event, MappingStartEvent) else [], at)
        self.containers.append(_Container(event.anchor, at, flow))

    def dash_in_list(self, at: int) -> Cell | None:
        """The second dash of ``- -``, which YAML reads as a list in a list."""
        before = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        return unquoted.dash_at(self.text, at) if before.strip() else None

    def tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent, at: int, empty: bool) -> None:
        if event.tag is None:
            return
        found = _TAG.search(self.text, at)
        word, start = (found[0], found.start()) if found else (event.tag, at)
        if empty or word == "!=":
            self.misread(unquoted.cell_from(self.text, start, self.in_flow))
        else:
            self.tree.fault("document.tag", start, found=word)

    @property
    def in_flow(self) -> bool:
        return bool(self.containers) and self.containers[-1].flow

    def within_brackets(self, fault: yaml.MarkedYAMLError, level: int) -> bool:
        """The scanner's own level, unless it is the parser that stops: the scanner is then further on."""
        if isinstance(fault, ScannerError):
            return level > 0
        return "flow" in (fault.context or "") or self.in_flow

    def misread(self, cell: Cell | None) -> None:
        if cell is None or cell.start in self.cells:
            return
        self.new.append(cell)
        if cell.broken:
            raise _Again

    def scalar(self, event: ScalarEvent, at: int) -> None:
        text, end = event.value, _offset(event.end_mark)
        cell = self.cells.get(at)
        if cell:
            text = cell.found + text[len(cell.found) :]
        elif not event.style:
            self.plain(event, at, end)
        elif event.style == ">" and re.match(r">[-+]?[0-9]", self.text[at : at + 3]):
            self.misread(unquoted.cell_from(self.text, at, flow=False))
        if self.tree.awaits_key:
            node = self.key(text, at, plain=not event.style and not cell)
        else:
            if not cell and event.style not in ("'", '"') and (not text or (not event.style and text in _EMPTY)):
                self.tree.fault("document.empty_value", self.place_of_nothing(text, at), found=text)
            if cell:
                self.report(cell)
            node = self.tree.scalar(text, at)
        self.remember(event.anchor, node)

    def plain(self, event: ScalarEvent, at: int, end: int) -> None:
        if not event.value and event.anchor:
            self.misread(unquoted.cell_from(self.text, self.text.index("&", at), self.in_flow))
        elif self.in_flow and event.value == "-":
            self.misread(Cell(at, end, "-", "dash", broken=False))
        elif self.in_flow:
            self.misread(unquoted.misread_in_braces(self.text, at, end))

    def place_of_nothing(self, text: str, at: int) -> int:
        """An author looks for a value that is not there at its key, or at the dash before it."""
        if text:
            return at
        if self.tree.in_mapping:
            return self.tree.key_offset
        return self.text.rfind("-", 0, at) if self.containers and not self.in_flow else at

    def key(self, text: str, at: int, plain: bool) -> Node:
        if plain and text == "<<":
            self.tree.throw_away("document.merge_key", at)
        elif plain and not text:
            self.tree.throw_away("document.bad_key", at, found="")
        else:
            node = self.tree.scalar(text, at)
            if at in self.cells:
                self.report(self.cells[at])
            return node
        return Node(at, text)

    def remember(self, anchor: str | None, node: Node) -> None:
        if anchor:
            self.anchors[anchor] = node

    def alias(self, name: str, at: int) -> None:
        if name not in self.anchors:
            if any(container.anchor == name for container in self.containers):
                raise self.tree.end("document.recursive_alias", at, found=f"*{name}")
            self.misread(unquoted.cell_from(self.text, at, self.in_flow))
        if self.tree.awaits_key:
            self.tree.throw_away("document.bad_key", at, found=f"*{name}")
            return
        node = self.anchors[name]
        self.aliases += 1
        self.aliased_nodes += node.size
        if self.aliases > MAX_ALIASES or self.aliased_nodes > MAX_ALIASED_NODES:
            raise self.tree.end("document.too_many_aliases", at, most=MAX_ALIASES, most_nodes=MAX_ALIASED_NODES)
        self.tree.share(node, at)

    def report(self, cell: Cell) -> None:
        self.reported.add(cell.start)
        self.tree.fault("document.unquoted_cell", cell.start, found=cell.found, mend=cell.mend, write=cell.quoted)

    def report_the_rest(self) -> None:
        """Cells that the last reading did not come to, or found when no further reading was left."""
        self.tree.leave()
        for cell in [*self.cells.values(), *self.new]:
            if cell.start not in self.reported:
                self.report(cell)

    def stopped(self, fault: yaml.MarkedYAMLError, flow: bool) -> None:
        """PyYAML cannot go on: because of a cell without quotes, or of something else that is then said in plain words."""
        if self.new:
            return
        problem = _offset(fault.problem_mark)
        context = _offset(fault.context_mark) if fault.context_mark else problem
        cell = _cell_of(self.text, fault, problem, context, flow)
        if cell and cell.start not in self.cells:
            self.new.append(cell)
            return
        reason = _reason(fault, self.tree.lines.place(context)[0])
        place = context if "never closed" in reason else problem
        self.tree.fault("document.syntax", min(place, len(self.text.rstrip())), reason=reason)


def _cell_of(text: str, fault: yaml.MarkedYAMLError, problem: int, context: int, flow: bool) -> Cell | None:
    said, doing = fault.problem or "", fault.context or ""
    if doing.startswith(("while scanning a block scalar", "while scanning an alias", "while scanning an anchor", "while scanning a tag")):
        return unquoted.cell_from(text, context, flow)
    if "undefined tag handle" in said:
        return unquoted.cell_from(text, problem, flow)
    if "cannot start any token" in said and text[problem : problem + 1] in "%@`>|":
        return unquoted.cell_from(text, problem, flow)
    if said == "mapping values are not allowed here" or said.endswith("but got ':'"):
        return unquoted.colon_before(text, problem, flow)
    return unquoted.interval_at(text, problem) or unquoted.dash_at(text, problem)


def _reason(fault: yaml.MarkedYAMLError, begins: int) -> str:
    """What PyYAML stumbled over in our own words, so that they can be said in any language."""
    problem = fault.problem or str(fault)
    said = next((reason for part, also, reason in _REASONS if part in problem and also in problem), _OTHERWISE)
    return said.replace("{}", str(begins))


def _offset(mark: Any) -> int:
    return int(mark.index) if mark else 0


def _blanked(text: str, cells: dict[int, Cell]) -> str:
    parts, at = [], 0
    for cell in sorted(cells.values(), key=lambda cell: cell.start):
        if cell.start >= at:
            parts += [text[at : cell.start], "x" * (cell.end - cell.start)]
            at = cell.end
    return "".join(parts) + text[at:]


# -- writing -----------------------------------------------------------------------------------------------------------

_PLAIN = re.compile(r"[^\W_][\w.+/@]*(?:[-:][\w.+/@]+)*|\$\w+")  # what no reader takes for anything but a text
_WIDTH = 150


class _Writer(yaml.SafeDumper):
    """Every scalar is a text: it is left without quotes where nobody can misread it."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]  # PyYAML keeps them on the class

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Items of a list stand two columns further in than their key."""
        super().increase_indent(flow, False)


def _write_text(writer: _Writer, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) and text not in _EMPTY
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _write_list(writer: _Writer, items: list[Any]) -> yaml.SequenceNode:
    """A list of words stands in one line, any other has a line for each item."""
    return writer.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=all(isinstance(item, str) for item in items))


_Writer.add_representer(str, _write_text)
_Writer.add_representer(list, _write_list)


def write_yaml(data: Any, flow: type) -> str:
    """Plain data as YAML; mappings of the type ``flow`` in braces."""

    class Writer(_Writer):
        pass

    Writer.add_representer(flow, lambda writer, found: writer.represent_mapping("tag:yaml.org,2002:map", found.items(), flow_style=True))
    text: str = yaml.dump(data, Dumper=Writer, allow_unicode=True, sort_keys=False, width=_WIDTH, default_flow_style=False)
    return text
