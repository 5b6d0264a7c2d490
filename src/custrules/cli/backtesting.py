"""``custrules backtest``: reads what is asked, and writes a fitted program down."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import custrules as cr
from custrules.cli.event_files import EventFile, placing
from custrules.cli.output import Misuse, Output
from custrules.cli.passing import by_customer
from custrules.documents.writing import yaml_of
from custrules.events import AnyEvent


def tested(output: Output, arguments: argparse.Namespace) -> cr.Backtest:
    """The backtest that is asked for."""
    if arguments.write is not None and not arguments.fit:
        raise Misuse("write_without_fit")
    if arguments.write is not None and Path(arguments.write).exists():
        raise Misuse("exists", path=arguments.write)
    program = cr.load(arguments.document)
    file = EventFile(arguments.events, program)
    events: Iterable[AnyEvent] = by_customer(file) if arguments.sort else file
    asked = {"flag": arguments.flag, "level": arguments.level, "returned": arguments.returned, "target": arguments.target}
    horizon = int(arguments.horizon) if arguments.horizon.isdigit() else arguments.horizon
    with placing(file):
        return cr.backtest(program, output.counted(events), arguments.cutoff, horizon, fit=arguments.fit, **asked)


def written(path: str, program: cr.Program) -> None:
    """A program as a new document, in the format that the file's name tells; never in the place of another."""
    data = program.document_data()
    text = json.dumps(data, ensure_ascii=False, indent=2) + "\n" if path.endswith(".json") else yaml_of(_texts(data))
    try:
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Misuse("exists", path=path) from None


def _texts(data: Any) -> Any:
    """Plain data with every number as its text."""
    if isinstance(data, dict):
        return {name: _texts(value) for name, value in data.items()}
    return [_texts(value) for value in data] if isinstance(data, list) else data if data is None else str(data)
