"""Whole programs of which some parts do not exist yet: drops what the library refuses as not available, and says what it dropped."""

import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from custrules import Diagnostic, DocumentError, Program, ScenarioError, loads
from custrules.documents.reading import read
from custrules.testing.scenarios import Planned, collect

NOT_THERE_YET = ("not_available", "unknown_kind", "unknown_field")
MOST_ROUNDS = 20

Steps = tuple[int | str, ...]


def shared_dir() -> Path | None:
    """The folder of the hand-written programs: CUSTRULES_SHARED, or ../shared beside the repository; None where there is none."""
    root = Path(os.environ.get("CUSTRULES_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    return root / "programs" if (root / "programs").is_dir() else None


def program_of(path: Path, tell: Callable[[str], object] = print) -> Program:
    """The program in a file, without what does not exist yet; every part that was dropped is told."""
    data = read(path.read_bytes(), source=path.name).data
    for _ in range(MOST_ROUNDS):
        try:
            return loads(json.dumps(data), source=f"{path.stem}.json")
        except DocumentError as error:
            _drop(data, error.diagnostics, _part_of_program, tell, path.name)
    raise AssertionError(f"{path.name} does not load, whatever is dropped")


def scenarios_of(path: Path, program: Program, tell: Callable[[str], object] = print) -> list[Planned]:
    """The scenarios in a file that need nothing but what the program has; the others are told."""
    data = read(path.read_bytes(), source=path.name).data
    for _ in range(MOST_ROUNDS):
        try:
            return collect(path.with_suffix(".json"), text=json.dumps(data), program=program)
        except ScenarioError as error:
            _drop(data, error.diagnostics, _part_of_scenarios, tell, path.name)
    raise AssertionError(f"{path.name} does not load, whatever is dropped")


def _part_of_program(steps: Steps, fault: Diagnostic) -> Steps:
    """What is dropped for a fault: the policy of a kind that is not there, the field or section; what only follows from a gap, whole."""
    if fault.code.rpartition(".")[2] not in NOT_THERE_YET or steps[-1] == "kind":
        return steps[:2]
    return steps


def _part_of_scenarios(steps: Steps, fault: Diagnostic) -> Steps:
    """What is dropped of a scenario: one expectation of what is not there; else, where it needs what is not there, all of it."""
    above, key = steps[:5], [step for step in steps[5:] if isinstance(step, str)]
    return (*above, ".".join(key)) if above[4:] == ("then",) and key else steps[:2]


def _drop(data: Any, faults: Iterable[Diagnostic], part: Callable[[Steps, Diagnostic], Steps], tell: Callable[[str], object], source: str) -> None:
    """Take the parts out that faults name, the last first, so that the numbers of those before stay true."""
    found = [(_steps(fault.path), fault) for fault in faults]
    chosen = {part(steps, fault): fault for steps, fault in reversed(found) if steps}
    assert chosen, f"{source}: a fault without a place: {[str(fault) for _, fault in found]}"
    inner_first = sorted(chosen, key=lambda steps: [(isinstance(step, int), step) for step in steps], reverse=True)
    for steps in inner_first:
        name = _name_at(data, steps)
        if _taken(data, steps):
            tell(f"{source}: dropped {_called(steps)}{name} ({chosen[steps].code})")


def _steps(path: str) -> Steps:
    return tuple(int(number) if number else name for name, number in re.findall(r"([^.\[\]]+)(?<!\d\])|\[(\d+)\]", path))


def _called(steps: Steps) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _name_at(data: Any, steps: Steps) -> str:
    """The id or name of what is dropped, where it has one."""
    for step in steps:
        data = data.get(step) if isinstance(data, dict) else data[step] if isinstance(step, int) and step < len(data) else None
    name = data.get("id", data.get("name")) if isinstance(data, dict) else None
    return f" {name}" if name else ""


def _taken(data: Any, steps: Steps) -> bool:
    *above, last = steps
    for step in above:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return False
    inside = last in data if isinstance(data, dict) else isinstance(last, int) and last < len(data)
    if inside:
        del data[last]
    return inside
