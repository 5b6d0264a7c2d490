"""Scenario files that the command line writes: a history recorded, and the boundaries of a program."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from custrules.cli.output import Misuse, Output
from custrules.events import AnyEvent
from custrules.fields import read_day
from custrules.messages.columns import table
from custrules.program import Program
from custrules.testing.coverage import Coverage, NeverFired
from custrules.testing.recording import NothingLeft, Unwritable, record
from custrules.testing.scenario_boundaries import boundaries
from custrules.testing.scenario_writing import Scenario, file_text, passes

SUFFIX = ".scenarios.yaml"


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: its path, what is in it, and the lines that say so."""

    path: str
    scenarios: int
    steps: int
    lines: tuple[str, ...]
    differs: tuple[str, ...] = ()

    def to_data(self) -> dict[str, Any]:
        return {"path": self.path, "scenarios": self.scenarios, "steps": self.steps, "differs": list(self.differs)}


def recorded(output: Output, program: Program, events: Sequence[AnyEvent], arguments: argparse.Namespace) -> Written:
    """``custrules record``: the file beside the document, named after both, unless ``--out`` says where."""
    document, customer = Path(arguments.document), arguments.customer
    target = Path(arguments.out) if arguments.out is not None else document.with_name(f"{document.stem}.{_tame(customer)}{SUFFIX}")
    until = _day(arguments.until) if arguments.until is not None else None
    try:
        found = record(program, events, output.say("record_name", customer=customer), _count(arguments.last), until)
    except NothingLeft:
        raise Misuse("nothing_until", customer=customer, until=arguments.until, path=arguments.events) from None
    except Unwritable as event:
        raise Misuse("record_unwritable" if event.event_id else "record_unreadable", event=event.event_id, customer=customer) from None
    remarks = [output.say("record_head", customer=customer, events=Path(arguments.events).name), output.say("computed")]
    told = _write(output, program, target, document, [found.scenario], remarks)
    if found.differs:
        output.note(output.say("record_differs", names=", ".join(found.differs)))
    return Written(told.path, told.scenarios, told.steps, told.lines, found.differs)


def begun(output: Output, program: Program, path: str) -> Written:
    """``custrules test --init``: the boundaries of a program, in a file beside it."""
    document = Path(path)
    target = document.with_name(f"{document.stem}.boundaries{SUFFIX}")
    if target.exists():
        raise Misuse("exists", path=target)
    scenarios = boundaries(program, output.say)
    if not scenarios:
        raise Misuse("no_boundaries", path=path)
    return _write(output, program, target, document, scenarios, [output.say("init_head", program=program.id), output.say("computed")])


def _write(output: Output, program: Program, target: Path, document: Path, scenarios: Sequence[Scenario], remarks: Sequence[str]) -> Written:
    """A new file, never in the place of another; it passes as it is written."""
    text = file_text(Path(os.path.relpath(document, target.parent)).as_posix(), scenarios, remarks)
    if not passes(text, program):
        raise Misuse("record_unreadable", customer="", event="")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Misuse("exists", path=target) from None
    steps = sum(len(scenario["steps"]) for scenario in scenarios)
    line = output.say("scenarios_written", path=target, scenarios=len(scenarios), steps=steps)
    return Written(str(target), len(scenarios), steps, (line, output.say("scenarios_try", path=target)))


def covered_lines(output: Output, coverage: Coverage) -> Iterator[str]:
    """Per document how many rules fired, and each that did not: its line, policy, place inside it, and why."""
    for covered in coverage.covered():
        yield output.say("coverage_head", document=covered.document, fired=covered.fired, total=covered.total)
        versions = Counter(policy_id for policy_id, _ in {(rule.policy_id, rule.effective_from) for rule in covered.never})
        rows = [[_place(rule, covered.document), _versioned(rule, versions), rule.rule, output.say(f"coverage_{rule.why}")] for rule in covered.never]
        yield from table(rows, right=(0,))
        if not rows:
            yield "  " + output.say("coverage_all")


def _place(rule: NeverFired, document: str) -> str:
    """The line of a rule, with its file where that is not the document."""
    return str(rule.line) if rule.source in ("", document) else f"{rule.source}:{rule.line}"


def _versioned(rule: NeverFired, versions: Counter[str]) -> str:
    """A policy's id, with the first day of its version where there are several."""
    return f"{rule.policy_id} ({rule.effective_from})" if versions[rule.policy_id] > 1 else rule.policy_id


def _tame(customer: str) -> str:
    """A customer's id as a part of a file's name."""
    return "".join(char if char.isalnum() or char in "-_" else "-" for char in customer)[:60]


def _day(text: str) -> date:
    try:
        return read_day(text)
    except PydanticCustomError:
        raise Misuse("bad_day", found=text) from None


def _count(text: str) -> int:
    """A number of events, at least one."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**6):
        raise Misuse("bad_last", found=text)
    return int(text)
