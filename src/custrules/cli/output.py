"""Where a verb writes: results to stdout, messages to stderr, in one language."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO, Literal, TextIO, TypeVar

from custrules.codec import canonical
from custrules.errors import Diagnostic
from custrules.messages import Speaker, render
from custrules.messages.columns import grouped

FINE, FINDINGS = 0, 1  # exit codes of a verb that was carried out
Shape = Literal["text", "json"]
T = TypeVar("T")
_EVERY = 250  # events between two signs of progress


class Misuse(Exception):
    """A command that cannot be carried out as it was given: the key of its sentence, and what fills it in."""

    key: str
    params: dict[str, object]

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key)
        self.key, self.params = key, params


@lru_cache(maxsize=2)
def _words(lang: str) -> Mapping[str, str]:
    table: Mapping[str, str] = tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))[lang]
    return table


def words(lang: str, key: str, **params: object) -> str:
    """One of the command line's own phrases, filled in."""
    return Speaker(lang).filled(_words(lang)[key], params)


@dataclass(frozen=True)
class Output:
    """Both streams of a command, its language and the shape of its results."""

    out: TextIO
    err: TextIO
    lang: str = "en"
    shape: Shape = "text"

    def say(self, key: str, **params: object) -> str:
        return words(self.lang, key, **params)

    def render(self, x: object) -> str:
        return render(x, self.lang)

    def line(self, text: str = "") -> None:
        self.out.write(text + "\n")

    def note(self, text: str) -> None:
        self.err.write(text + "\n")

    def json(self, data: object) -> None:
        """Plain data (Money, dates and decimals as text) as indented JSON."""
        self.line(_indented(data))

    def refuse(self, faults: Iterable[Mapping[str, object]]) -> None:
        """Why a command is not carried out, to stderr: the ``text`` of each fault, or all of them as one JSON object."""
        if self.shape == "json":
            self.note(_indented({"faults": list(faults)}))
        else:
            for fault in faults:
                self.note(str(fault["text"]))

    def refusal(self, key: str, **params: object) -> dict[str, object]:
        """A fault of the command itself: its code is ``command.`` and the key of its sentence."""
        return {"code": f"command.{key}", "text": self.say(key, **params)}

    def told(self, diagnostics: Iterable[Diagnostic]) -> list[dict[str, object]]:
        """Faults as plain data, each with its sentence."""
        return [fault.to_data() | {"text": self.render(placed(fault))} for fault in diagnostics]

    def heading(self, text: str) -> str:
        """Bold on a terminal, unless NO_COLOR is set (https://no-color.org)."""
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not self.out.isatty()
        return text if plain else f"\x1b[1m{text}\x1b[0m"

    def faults(self, diagnostics: Iterable[Diagnostic]) -> list[str]:
        return [render(placed(fault), self.lang) for fault in diagnostics]

    def counted(self, items: Iterable[T]) -> Iterator[T]:
        """The items, with their number on stderr while they pass, where stderr is a terminal."""
        if not self.err.isatty():
            yield from items
            return
        for number, item in enumerate(items, 1):
            if number % _EVERY == 0:
                self.err.write(f"\r{self.say('progress', events=grouped(number))}")
                self.err.flush()
            yield item
        self.err.write("\r\x1b[K")


def _indented(data: object) -> str:
    return json.dumps(json.loads(canonical(data)), ensure_ascii=False, indent=2)


def placed(fault: Diagnostic) -> Diagnostic:
    """A fault of one event among many shows its line in the file and its path in the event."""
    if not (fault.code.startswith("event.") and fault.line and fault.path):
        return fault
    return replace(fault, source=f"{fault.source}:{fault.line}", line=0, column=0)


def lenient(stream: TextIO) -> TextIO:
    """A stream that writes what its encoding has no letter for as an escape instead of failing."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return stream


def silence() -> None:
    """After a broken pipe: nothing more can be said on stdout, also not by the interpreter as it ends."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(devnull, sys.stdout.fileno())
    except (OSError, ValueError):
        pass
    finally:
        os.close(devnull)


@contextmanager
def written(target: Path) -> Iterator[BinaryIO]:
    """A file that takes its name when all went well, so that a failure leaves what was there before; any trouble is told of that name."""
    if target.is_dir():
        raise Misuse("file_folder", path=target)
    partial = target.with_name(f"{target.name}.part")
    try:
        with _opened(partial, target) as file:
            yield file
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _opened(partial: Path, target: Path) -> BinaryIO:
    try:
        return partial.open("wb")
    except OSError as error:
        error.filename = str(target)
        raise
