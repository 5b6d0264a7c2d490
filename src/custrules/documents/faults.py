"""Where a fault stands in its text, and which faults only follow from others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from custrules.conditions.grids import FORMS
from custrules.documents.reading import Reading
from custrules.documents.tables import PARTS
from custrules.errors import Diagnostic
from custrules.policy import Policy
from custrules.validation import path_text

Path = tuple[int | str, ...]

_AT_ITS_KEY = {
    "document.unknown_field": "field",
    "document.not_with": "field",
    "document.unknown_fact": "fact",
    "document.fact_is_a_list": "fact",
    "document.unknown_column": "found",
    "document.name_taken": "name",
    "document.bad_name": "name",
    "document.reserved_name": "name",
}


def true_path(loc: Sequence[int | str], data: object) -> Path:
    """A place as pydantic tells it, without the steps that are pydantic's own; the last is kept: a missing field has no data."""
    steps: list[int | str] = []
    for position, step in enumerate(loc):
        inside = _inside(data, step)
        if inside is None and step in PARTS and any(isinstance(_inside(data, form), str) for form in FORMS):
            return (*steps, *loc[position:])  # the parts of a table that is written as text
        if inside is not None:
            data = inside
        elif position < len(loc) - 1:
            continue
        steps.append(step)
    return tuple(steps)


def without_counts(found: Sequence[tuple[Path, Diagnostic]]) -> list[tuple[Path, Diagnostic]]:
    """Without the complaint that a list is too short when it is so only because entries of it have faults."""
    return [
        (loc, fault)
        for loc, fault in found
        if fault.code != "document.too_few" or not any(len(other) > len(loc) and other[: len(loc)] == loc for other, _ in found)
    ]


def _inside(data: object, step: int | str) -> Any:
    if isinstance(data, Mapping):
        return data.get(step)
    if isinstance(data, list | tuple) and isinstance(step, int) and step < len(data):
        return data[step]
    return None


def steps_of(text: str, data: object) -> Path:
    """The steps of a path's text inside data; keys may have dots themselves (``where.stored_value.principal``)."""
    steps: list[int | str] = []
    while text:
        step, text = _next_step(text.removeprefix("."), data)
        data = _inside(data, step)
        steps.append(step)
    return tuple(steps)


def _next_step(text: str, data: object) -> tuple[int | str, str]:
    if text.startswith("["):
        number, _, rest = text[1:].partition("]")
        return (int(number) if number.isdigit() else number), rest
    keys = [str(key) for key in data if text.startswith(str(key))] if isinstance(data, Mapping) else []
    fitting = [key for key in keys if text[len(key) :][:1] in ("", ".", "[")]
    key = max(fitting, key=len, default=None) or text.split(".", 1)[0].split("[", 1)[0] or text
    return key, text[len(key) :]


class Placing:
    """Gives diagnostics their path, source, line and column out of the reading they concern."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._cells = reading.cells()

    def placed(self, faults: Iterable[tuple[Path, Diagnostic]]) -> list[Diagnostic]:
        """Faults by their path, together with those of the reading; what a fault of the reading brought about is left out."""
        told = {fault.path for fault in self.reading.diagnostics}
        gaps = told | {_above(path) for path in told}  # mappings in which something was read and thrown away
        placed = [self._at(path, fault) for path, fault in faults]
        own = [fault for fault in placed if fault.path not in told and not (fault.code == "document.missing_field" and _above(fault.path) in gaps)]
        return self.sorted([*self.reading.diagnostics, *own])

    def resolved(self, faults: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Faults that tell their path as text."""
        return [self._at(steps_of(fault.path, self.reading.data), fault) for fault in faults]

    def _at(self, path: Path, fault: Diagnostic) -> Diagnostic:
        last = str(path[-1]) if path else ""
        keyed = str(fault.params.get(_AT_ITS_KEY.get(fault.code, ""), "")) == last or _names_a_field(fault, last)
        inside = self._cells.place(path) if self._cells is not None else None
        source, line, column = inside if inside is not None else ("", *self.reading.place(path, key=keyed))
        return replace(fault, path=path_text(path), source=source or self.reading.source, line=line, column=column)

    def sorted(self, faults: Iterable[Diagnostic]) -> list[Diagnostic]:
        """In the order of the text, each once; those of other files after it."""
        once: dict[tuple[object, ...], Diagnostic] = {}
        for fault in faults:
            once.setdefault((fault.source, fault.line, fault.column, fault.path, fault.code, str(fault.params)), fault)
        return sorted(once.values(), key=lambda fault: (fault.source != self.reading.source, fault.source, fault.line, fault.column))


def _names_a_field(fault: Diagnostic, last: str) -> bool:
    """Whether what is not there yet is the key itself, not its value."""
    what = fault.params.get("what", "")
    return fault.code == "document.not_available" and what in (f"the field '{last}'", f"the section '{last}'", f"the calendar name '{last}'")


def _above(path: str) -> str:
    return path[: max(path.rfind("."), path.rfind("["), 0)]


class Broken:
    """What the first pass could not read, by the names that others may refer to it by."""

    any_account: bool
    any_giver: bool
    any_event: bool

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.any_account = self.any_giver = self.any_event = False

    def note(self, section: str, name: str) -> None:
        """An entry of a section that cannot be read."""
        self.names.add(name)
        self.any_event |= section in ("activities", "attributes")

    def policy(self, entry: Mapping[str, Any], kind: type[Policy] | None) -> None:
        """A policy that cannot be read: the facts, statuses and accounts that it may have given."""
        family = str(entry.get("kind", "")).partition(".")[0]
        heads = (entry.get("id"), entry.get("status"), family, family.removesuffix("s"))
        self.names |= {str(head) for head in heads if head}
        self.any_account |= kind is None or kind.opens is not Policy.opens
        self.any_giver |= kind is None or kind.gives is not Policy.gives

    def follow_ups_removed(self, faults: Iterable[Diagnostic]) -> list[Diagnostic]:
        return [fault for fault in faults if not self._follows(fault)]

    def _follows(self, fault: Diagnostic) -> bool:
        if fault.code in ("document.no_account", "document.unknown_account", "document.points_not_first"):
            return self.any_account
        if fault.code in ("document.unknown_level", "document.level_vanished"):
            return self.any_giver
        if fault.code == "document.unknown_event":
            return self.any_event
        told = (str(fault.params.get(name, "")) for name in ("fact", "found", "activity"))
        return any(name in self.names or name.partition(".")[0] in self.names for name in told if name)
