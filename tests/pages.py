"""Runs a page: its code blocks in order, in one namespace and one folder, and holds what they print against what the page shows.

What a block is, is told by its language; a language that is not listed in ``PLAYERS`` is a fault of the page, so that
nothing is left out silently. A block with a ``:caption:`` is a file of that name in the page's folder. What a page shows as
wrong (a file whose name begins with ``wrong``) must be wrong.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import custrules as cr
from custrules.__main__ import main
from custrules.demo.folder import leave
from custrules.documents.reading import read
from custrules.events import read_event
from custrules.testing.scenarios import main_test

ROOT = Path(__file__).parent.parent
INSTALLS = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[yaml]' && .venv/bin/custrules demo",
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[yaml]' && .venv/bin/custrules demo --lang zh",
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest -q",
)
"""Commands that .ci/run runs on a clean checkout: they install, so no test does."""
MARKUP = ("toctree", "include", "literalinclude", "image", "figure")
FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=ticks)$", re.MULTILINE | re.DOTALL)
CAPTION = re.compile(r"\A:caption: (?P<name>[^\n]+)\n(?::[^\n]*\n)*\n")
STRAY = re.compile(r"^(?:[ \t]+```|[ \t]*~~~)", re.MULTILINE)  # blocks that FENCE does not see: they would be left out silently
HEAD = {"program": "page", "zone": "Europe/London", "currency": "GBP", "policies": []}
ANY = "…"  # a shown line that stands for any lines


@dataclass(frozen=True)
class Block:
    """A code block: its language, the file that it is (where its caption says so), its text, and the line of its fence."""

    language: str
    name: str
    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    """Every code block of a page that is no markup."""
    for found in FENCE.finditer(text):
        info, body, name = found["info"].strip(), found["body"], ""
        directive, _, rest = info.removeprefix("{").partition("}") if info.startswith("{") else ("", "", info)
        if directive in MARKUP:
            continue
        caption = CAPTION.match(body)
        if caption is not None:
            name, body = caption["name"], body[caption.end() :]
        yield Block(rest.strip(), name, body, text.count("\n", 0, found.start()) + 1)


@dataclass
class Page:
    """A page while it is played: its folder, its names, and what was printed and not yet shown."""

    title: str
    folder: Path
    names: dict[str, Any] = field(default_factory=dict)
    printed: str = ""
    tests: set[str] = field(default_factory=set)

    def play(self, text: str) -> None:
        stray = STRAY.search(text)
        assert stray is None, f"{self.title}: write code blocks with backticks at the beginning of the line: {stray}"
        for block in blocks(text):
            if block.name:
                (self.folder / block.name).write_text(block.text, "utf-8")
            player = PLAYERS.get(block.language)
            assert player is not None, f"{self.place(block)}: nothing says how {block.language!r} is run"
            if block.language != "text":
                self.all_shown(block)
            player(self, block)
        assert not self.printed, f"{self.title}: printed and not shown: {self.printed}"
        assert not self.tests, f"{self.title}: no command runs {self.tests}"

    def place(self, block: Block) -> str:
        return f"{self.title}:{block.line}"

    def all_shown(self, block: Block) -> None:
        if block.language != "python":
            assert not self.printed, f"{self.place(block)}: printed above and not shown: {self.printed}"

    # -- by language -----------------------------------------------------------------------------------------------

    def python(self, block: Block) -> None:
        if block.name.startswith("test_"):
            self.tests.add(block.name)  # for pytest, which a console block below it calls
            return
        printed = io.StringIO()
        code = compile("\n" * block.line + block.text, self.title, "exec", dont_inherit=True)
        self.names.setdefault("__name__", "page")
        with contextlib.redirect_stdout(printed):
            exec(code, self.names)
        self.printed += printed.getvalue()

    def text(self, block: Block) -> None:
        printed, self.printed = self.printed, ""
        assert printed, f"{self.place(block)}: nothing was printed"
        self.same(block, printed, block.text)

    def same(self, block: Block, printed: str, shown: str) -> None:
        pattern = "".join(_pattern(line.rstrip()) for line in shown.splitlines())
        if re.fullmatch(pattern, printed.rstrip("\n") + "\n") is None:
            assert printed.rstrip("\n") == shown.rstrip("\n"), self.place(block)

    def yaml(self, block: Block) -> None:
        data = read(block.text, source="page.yaml").data
        assert isinstance(data, Mapping), f"{self.place(block)}: a document or some of its sections"
        if "scenarios" in data:
            self.scenarios(block)
        elif block.name.startswith("wrong"):
            with pytest.raises(cr.DocumentError):
                cr.load(block.name)
        elif block.name:
            cr.load(block.name)
        elif "program" in data:
            cr.loads(block.text, source=self.place(block), format="yaml")
        else:
            head = {name: value for name, value in HEAD.items() if name not in data}
            cr.loads(_headed(head, block.text), source=self.place(block), format="yaml")

    def scenarios(self, block: Block) -> None:
        assert block.name, f"{self.place(block)}: scenarios are a file: give it a caption"
        told, code = main_test([block.name])
        assert code == (1 if block.name.startswith("wrong") else 0), f"{self.place(block)}: {told}"

    def json(self, block: Block) -> None:
        """An event, or one to a line."""
        text = block.text.strip()
        rows = [text] if not block.name.endswith("l") else text.splitlines()
        for row in rows:
            data = json.loads(row)
            if "type" in data:
                read_event(data, "GBP")

    def none(self, block: Block) -> None:
        """A file that a document on the page names (CSV), so that a fault in it is found there."""
        assert block.name, f"{self.place(block)}: a block without a language is a file: give it a caption"

    def toml(self, block: Block) -> None:
        data = tomllib.loads(block.text)
        if "program" in data:
            cr.loads(block.text, source=self.place(block), format="toml")

    def installs(self, block: Block) -> None:
        """Lines that are commands without ``$``: only what a checkout is installed with."""
        for line in block.text.splitlines():
            self.installed(block, line)

    def installed(self, block: Block, line: str) -> None:
        """What such a command leaves: the demo's folder; what it prints has tests of its own."""
        assert line in INSTALLS, f"{self.place(block)}: .ci/run does not run this"
        if "custrules demo" in line:
            leave(self.folder / "custrules-demo")

    def console(self, block: Block) -> None:
        """Commands after ``$``, each with what it prints below it."""
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            if command in INSTALLS:
                assert not shown.strip(), f"{self.place(block)}: what an installation prints is not compared"
                self.installed(block, command)
                continue
            self.same(block, self.ran(block, command), shown)

    def ran(self, block: Block, command: str) -> str:
        program, *arguments = shlex.split(command)
        self.tests -= set(arguments)
        if program == "custrules":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                main(arguments)
            return printed.getvalue()
        tools = {"pytest": [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly"], "python": [sys.executable]}
        assert program in tools, f"{self.place(block)}: nothing says how {program!r} is run"
        return subprocess.run([*tools[program], *arguments], capture_output=True, text=True, check=False, encoding="utf-8").stdout


def _pattern(line: str) -> str:
    """A shown line as a regular expression: one that is ``…`` stands for any lines, one that ends with it for any ending."""
    if line == ANY:
        return r"(?:.*\n)*?"
    return (re.escape(line.removesuffix(ANY)) + ".*" if line.endswith(ANY) else re.escape(line) + " *") + r"\n"


def _headed(head: Mapping[str, Any], text: str) -> str:
    """Sections of a document with what makes them a whole one."""
    return "\n".join([text, *(f"{name}: {json.dumps(value)}" for name, value in head.items())])


PLAYERS: dict[str, Callable[[Page, Block], None]] = {
    "": Page.installs,
    "python": Page.python,
    "text": Page.text,
    "yaml": Page.yaml,
    "json": Page.json,
    "none": Page.none,
    "toml": Page.toml,
    "console": Page.console,
}


def play(page: Path, folder: Path) -> None:
    """Run every block of a page in a folder that is the current one; the first that is not as shown fails."""
    Page(page.relative_to(ROOT).as_posix(), folder).play(page.read_text("utf-8"))
