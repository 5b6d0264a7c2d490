"""Events out of files: JSON Lines and CSV, plain or compressed (.gz, .xz); every fault with file and line.

CSV has one event to a row and a header of field names: ``type,id,customer_id,occurred_at,amount,of,points`` and every other
flat field of an event. An empty cell says nothing. Fields that hold named values have a column for each name:
``profile.birthday``, ``attributes.city``, ``consent.sms``, ``tenders.card``. Lines of an order, and tenders of points with
their quantity, do not fit into a row: they need JSON Lines.
"""

from __future__ import annotations

import csv
import gzip
import lzma
import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Never, Protocol, cast

from custrules.cli.output import Misuse
from custrules.codec import MAX_BYTES, parse_json
from custrules.errors import Diagnostic, EventError
from custrules.events import KINDS, AnyEvent
from custrules.validation import nearest

NAMED = ("attributes", "profile", "consent", "tenders", "friend_keys")  # fields that are mappings: a column for each name
NOT_FLAT = ("lines", *NAMED)
REQUIRED = ("type", "id", "customer_id", "occurred_at")
SUFFIXES = (".jsonl", ".ndjson", ".csv")
PACKED = (".gz", ".xz")
STDIN = "-"
_NUMBER = re.compile(r"^events\[\d+\]\.?")


class Reader(Protocol):
    """What makes events out of plain data: a Program does."""

    def event(self, data: Any, /) -> AnyEvent: ...


class EventFile:
    """The events of a file, read as they are asked for. ``line`` is the line of the last one."""

    path: str
    line: int

    def __init__(self, path: str, reader: Reader) -> None:
        self.path, self._reader = path, reader
        self.line = 0
        self._format = _format(path)

    def __iter__(self) -> Iterator[AnyEvent]:
        return map(self.read, self.rows())

    def of_customer(self, customer_id: str) -> Iterator[AnyEvent]:
        """The events of one customer; those of others are not looked at closely."""
        mine = (row for row in self.rows() if not isinstance(row, Mapping) or row.get("customer_id") == customer_id)
        return map(self.read, mine)

    def read(self, row: Any) -> AnyEvent:
        try:
            return self._reader.event(row)
        except EventError as error:
            raise self.placed(error) from None

    def placed(self, error: EventError, line: int | None = None) -> EventError:
        """The same faults with this file and a line, the last one read where it is not told."""
        at = self.line if line is None else line
        return EventError([fault.at(self.path, at, fault.column or 1) for fault in error.diagnostics])

    def rows(self) -> Iterator[Any]:
        """Each event as plain data, not validated yet."""
        self.line = 0
        try:
            with _opened(self.path) as file:
                yield from self._csv_rows(file) if self._format == ".csv" else self._json_rows(file)
        except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
            raise Misuse("file_damaged", path=self.path, reason=str(error)) from None

    def _json_rows(self, file: IO[bytes]) -> Iterator[Any]:
        while text := file.readline(MAX_BYTES + 1):
            self.line += 1
            if text.strip():
                yield self._parsed(text)

    def _parsed(self, text: bytes) -> Any:
        try:
            return parse_json(text.rstrip(b"\r\n"), EventError)
        except EventError as error:
            raise self.placed(_in_event_words(error)) from None

    # -- CSV -------------------------------------------------------------------------------------------------------

    def _csv_rows(self, file: IO[bytes]) -> Iterator[dict[str, Any]]:
        reader = csv.reader(self._decoded(file), strict=True)
        try:
            yield from self._csv_events(reader)
        except csv.Error as error:
            self.line = reader.line_num
            self._refuse("event.syntax", reason=str(error))

    def _decoded(self, file: IO[bytes]) -> Iterator[str]:
        """The lines of a text, each with its number while it is decoded."""
        number = 0
        while line := file.readline(MAX_BYTES):
            number += 1
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                self.line = number
                self._refuse("event.not_utf8", byte=error.start)

    def _csv_events(self, reader: Any) -> Iterator[dict[str, Any]]:
        header: list[str] = []
        for cells in reader:
            self.line = reader.line_num
            if not header:
                header = self._header(cells)
            elif any(cells):
                yield self._row(header, cells)

    def _header(self, cells: list[str]) -> list[str]:
        known = columns()
        faults = []
        for name in cells:
            head, dot, rest = name.partition(".")
            if name not in known and not (dot and rest and head in NAMED):
                params = {"field": name, "known": ", ".join(known), "nearest": nearest(name, known)}
                faults.append(Diagnostic("event.unknown_field", "", params))
        faults += [Diagnostic("event.repeated_key", "", {"key": name}) for name in sorted(set(cells)) if cells.count(name) > 1]
        faults += [Diagnostic("event.missing_field", "", {"field": name}) for name in REQUIRED if name not in cells]
        if faults:
            raise self.placed(EventError(faults))
        return cells

    def _row(self, header: list[str], cells: list[str]) -> dict[str, Any]:
        if len(cells) != len(header):
            self._refuse("event.wrong_length", found=len(cells), limit=len(header))
        row: dict[str, Any] = {}
        for name, cell in zip(header, cells, strict=True):
            head, dot, rest = name.partition(".")
            if cell and dot:
                row.setdefault(head, {})[rest] = cell
            elif cell:
                row[name] = cell
        return row

    def _refuse(self, code: str, **params: object) -> Never:
        raise self.placed(EventError([Diagnostic(code, params=params)])) from None


class EventFiles:
    """The events of several files, one file after the other."""

    current: EventFile

    def __init__(self, paths: Sequence[str], reader: Reader) -> None:
        if list(paths).count(STDIN) > 1:
            raise Misuse("stdin_twice")
        self._files = [EventFile(path, reader) for path in paths]
        self.current = self._files[0]

    def __iter__(self) -> Iterator[AnyEvent]:
        for file in self._files:
            self.current = file
            yield from file

    def placed(self, error: EventError) -> EventError:
        """Faults of one event of many, ``events[16].amount``, with the file and line that were read last."""
        return self.current.placed(EventError([replace(fault, path=_NUMBER.sub("", fault.path)) for fault in error.diagnostics]))


@contextmanager
def placing(file: EventFile | EventFiles) -> Iterator[None]:
    """What is wrong with an event among those of a file that pass, with the line that was read last where it has no place yet."""
    try:
        yield
    except EventError as error:
        raise error if error.diagnostics[0].line else file.placed(error) from None


def columns() -> list[str]:
    """The flat fields of events, which are the columns of a CSV file."""
    return sorted({name for kind in KINDS.values() for name in kind.model_fields} - set(NOT_FLAT))


def _in_event_words(error: EventError) -> EventError:
    return EventError([replace(fault, code=fault.code.replace("document.", "event.")) for fault in error.diagnostics])


def _format(path: str) -> str:
    if path == STDIN:
        return ".jsonl"
    name = Path(path).name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    suffix = Path(name).suffix
    if suffix == ".parquet":
        raise Misuse("no_parquet", path=path)
    if suffix not in SUFFIXES:
        raise Misuse("unknown_suffix", path=path, suffixes=", ".join(SUFFIXES))
    return suffix


def _opened(path: str) -> IO[bytes]:
    if path == STDIN:
        return sys.stdin.buffer
    suffix = Path(path).suffix.lower()
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return lzma.open(path, "rb") if suffix == ".xz" else Path(path).open("rb")
