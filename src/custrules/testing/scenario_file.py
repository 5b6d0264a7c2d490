"""A scenario file: reading it, checking its shape, and one case for every row of examples.

Every fault is a Diagnostic with line and column. What happens in a case is still plain data here: it is read against a
program in ``scenario_events`` and ``scenario_then``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import PydanticCustomError

from custrules.documents.reading import Reading, read
from custrules.errors import Diagnostic, ScenarioError
from custrules.fields import Frozen, describe, read_name, read_text
from custrules.messages import render_all
from custrules.testing.scenario_examples import Row, rows_of
from custrules.validation import in_family, nearest, path_text

Path = tuple[int | str, ...]

FILE_FIELDS = ("program", "scenarios")
SCENARIO_FIELDS = ("name", "tags", "customer", "customers", "subjects", "opening", "given", "steps", "examples")
SUBJECT_KINDS = ("household",)
LATER_SUBJECTS = ("activity", "partner", "staff")
STEP_FIELDS = ("when", "then")
MOST_SCENARIOS = 5000


class Page:
    """A scenario file while it is read: its data, the places in it, and every fault found so far, each once."""

    reading: Reading
    text: str

    def __init__(self, reading: Reading, text: str) -> None:
        self.reading, self.text = reading, text
        self.faults: list[Diagnostic] = [_renamed(fault) for fault in reading.diagnostics]

    def note(self, path: Path, code: str, /, *, key: bool = False, row: Row | None = None, **params: object) -> None:
        told = {name: str(value)[:500] for name, value in params.items()}
        self.add(path, Diagnostic(f"scenario.{code}", params=told), key=key, row=row)

    def add(self, path: Path, fault: Diagnostic, *, key: bool = False, row: Row | None = None) -> None:
        """A fault found elsewhere, at its place in this file."""
        line, column = self.place(path, key=key, row=row)
        placed = Diagnostic(fault.code, path_text(path), fault.params, self.reading.source, line, column)
        if placed not in self.faults:
            self.faults.append(placed)

    def place(self, path: Path, *, key: bool = False, row: Row | None = None) -> tuple[int, int]:
        """Line and column of a value (or its key); of the cell that it was filled in from."""
        column = self._column(path) if row is not None else ""
        if row is not None and column in row.places:
            return row.places[column]
        return self.reading.place(path, key=key)

    def _column(self, path: Path) -> str:
        """The column that a value is filled in from; '' where it is written out."""
        data: Any = self.reading.data
        for step in path:
            if isinstance(data, list):
                data = dict(enumerate(data))
            data = data.get(step) if isinstance(data, dict) else data
        return data[1:] if isinstance(data, str) and data.startswith("$") else ""

    # -- shapes ----------------------------------------------------------------------------------------------------

    def mapping(self, value: object, path: Path, expected: str, row: Row | None = None) -> Mapping[str, Any]:
        """A mapping, or a fault and an empty one."""
        if isinstance(value, Mapping):
            return value
        self.note(path, "wrong_type", expected=expected, found=describe(value), row=row)
        return {}

    def items(self, value: object, path: Path, expected: str, row: Row | None = None) -> Sequence[Any]:
        """A list, or a fault and an empty one."""
        if isinstance(value, list):
            return value
        self.note(path, "wrong_type", expected=expected, found=describe(value), row=row)
        return ()

    def only(self, data: Mapping[str, Any], path: Path, known: Sequence[str], later: Sequence[str] = (), row: Row | None = None) -> None:
        """Faults for every key that is not known here, or not yet."""
        for name in data:
            if name in later:
                self.unavailable((*path, name), f"the field '{name}'", row)
            elif name not in known:
                near = nearest(name, known)
                self.note((*path, name), "unknown_field", key=True, row=row, field=name, known=", ".join(known), nearest=near)

    def unavailable(self, path: Path, what: str, row: Row | None = None) -> None:
        self.note(path, "not_available", key=True, row=row, what=what)

    def error(self) -> ScenarioError:
        """All faults in the order of the text, told in English."""
        faults = sorted(self.faults, key=lambda fault: (fault.line, fault.column))
        return ScenarioError(faults, render_all(faults, "en"))


def _renamed(fault: Diagnostic) -> Diagnostic:
    return Diagnostic(in_family(fault.code, "scenario"), fault.path, fault.params, fault.source, fault.line, fault.column)


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario, with one row of its examples filled in. ``several`` tells that its customers have names; ``openings`` is what they
    bring along, with the place of it; subjects that are no customers stand among them."""

    name: str
    line: int
    tags: tuple[str, ...]
    path: Path
    row: Row | None
    customers: Mapping[str, Mapping[str, Any]]
    several: bool
    given: Sequence[Any]
    steps: Sequence[Any]
    openings: Mapping[str, tuple[Mapping[str, Any], Path]] = Frozen()


@dataclass(slots=True)
class ScenarioFile:
    """What a file says: the programs it names (with their paths in the data), and its cases. Faults are on the ``page``."""

    page: Page
    programs: list[tuple[str, Path]] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)


ONE = "customer"
"""The id of the customer of a scenario that has only one."""


def read_scenarios(text: str | bytes, source: str = "", *, needs_program: bool = True) -> ScenarioFile:
    """The cases of a scenario file. Faults are collected on the ``page``; MissingExtra where PyYAML is needed and missing."""
    reading = read(text, source=source)
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    page = Page(reading, plain.removeprefix("\ufeff"))
    file = ScenarioFile(page)
    if reading.data == {} and page.faults:
        return file
    data = page.mapping(reading.data, (), "a mapping of program and scenarios")
    page.only(data, (), FILE_FIELDS)
    if "program" in data:
        file.programs = _programs(page, data["program"])
    elif needs_program:
        page.note(("program",), "missing_field", field="program")
    if "scenarios" not in data:
        page.note(("scenarios",), "missing_field", field="scenarios")
        return file
    scenarios = page.items(data["scenarios"], ("scenarios",), "a list of scenarios")
    if len(scenarios) > MOST_SCENARIOS:
        page.note(("scenarios",), "too_many", what="scenarios", most=MOST_SCENARIOS)
        scenarios = ()
    file.cases = _Scenarios(page).cases(scenarios)
    return file


def _programs(page: Page, value: object) -> list[tuple[str, Path]]:
    """The paths under ``program:``, one or a list."""
    rows: list[tuple[object, Path]] = [(value, ("program",))]
    if isinstance(value, list):
        rows = [(item, ("program", index)) for index, item in enumerate(value)]
    found = []
    for item, path in rows:
        if isinstance(item, str):
            found.append((item, path))
        else:
            page.note(path, "wrong_type", expected="the path of a program, or a list of them", found=describe(item))
    if not rows:
        page.note(("program",), "wrong_type", expected="the path of a program, or a list of them", found="an empty list")
    return found


class _Scenarios:
    """Turns the list of scenarios into cases."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.names: set[str] = set()

    def cases(self, scenarios: Sequence[Any]) -> list[Case]:
        return [case for index, scenario in enumerate(scenarios) for case in self._scenario(scenario, ("scenarios", index))]

    def _scenario(self, scenario: object, path: Path) -> list[Case]:
        data = self.page.mapping(scenario, path, "a scenario: name, given, steps")
        if not data:
            return []
        self.page.only(data, path, SCENARIO_FIELDS)
        name, tags = self._name(data, path), self._tags(data, path)
        rows = rows_of(self.page, data["examples"], (*path, "examples")) if "examples" in data else None
        if rows is None:
            self._without_examples(data, path)
            return [self._case(name, tags, data, path, None)]
        body = {key: value for key, value in data.items() if key not in ("name", "tags", "examples")}
        self._unused(body, rows, path)
        filled = [self._case(name, tags, _filled(self.page, body, path, row), path, row) for row in rows]
        return _told_apart(filled)

    def _name(self, data: Mapping[str, Any], path: Path) -> str:
        if "name" not in data:
            self.page.note((*path, "name"), "missing_field", field="name")
            return path_text(path)
        try:
            name = " ".join(read_text(data["name"]).split())
        except PydanticCustomError:
            self.page.note((*path, "name"), "wrong_type", expected="the name of the scenario", found=describe(data["name"]))
            return path_text(path)
        if name in self.names:
            self.page.note((*path, "name"), "name_taken", name=name)
        self.names.add(name)
        return name

    def _tags(self, data: Mapping[str, Any], path: Path) -> tuple[str, ...]:
        found = data.get("tags", [])
        found = [found] if isinstance(found, str) else self.page.items(found, (*path, "tags"), "a list of words")
        tags = []
        for index, tag in enumerate(found):
            if isinstance(tag, str) and tag.strip():
                tags.append(tag.strip())
            else:
                self.page.note((*path, "tags", index), "wrong_type", expected="a word", found=describe(tag))
        return tuple(dict.fromkeys(tags))

    def _case(self, name: str, tags: tuple[str, ...], data: Mapping[str, Any], path: Path, row: Row | None) -> Case:
        customers, several = self._customers(data, path, row)
        openings = self._openings(data, path, row)
        subjects = self._subjects(data, path, row)
        if subjects:
            customers, several = {**customers, **dict.fromkeys(subjects, Frozen())}, True
            openings |= subjects
        given = self.page.items(data.get("given", []), (*path, "given"), "a list of events", row)
        steps = self.page.items(data.get("steps", []), (*path, "steps"), "a list of steps: {when: ..., then: ...}", row)
        if "steps" not in data or (not steps and isinstance(data["steps"], list)):
            self.page.note((*path, "steps"), "missing_field", field="steps", row=row)
        for index, step in enumerate(steps):
            self._step(step, (*path, "steps", index), row)
        shown = f"{name} [{row.title}]" if row is not None else name
        line = self.page.reading.place(path)[0] if row is None else row.line
        played = [step for step in steps if isinstance(step, Mapping)]
        return Case(shown, line, tags, path, row, customers, several, given, played, Frozen(openings))

    def _step(self, step: object, path: Path, row: Row | None) -> None:
        data = self.page.mapping(step, path, "a step: {when: ..., then: ...}", row)
        self.page.only(data, path, STEP_FIELDS, row=row)
        if isinstance(step, Mapping) and "when" not in step:
            self.page.note((*path, "when"), "missing_field", field="when", row=row)

    def _customers(self, data: Mapping[str, Any], path: Path, row: Row | None) -> tuple[Mapping[str, Mapping[str, Any]], bool]:
        if "customers" not in data:
            return {ONE: self._customer(data.get("customer", {}), (*path, "customer"), row)}, False
        if "customer" in data:
            self.page.note((*path, "customer"), "not_with", key=True, field="customer", other="customers", row=row)
        named = self.page.mapping(data["customers"], (*path, "customers"), "a mapping of names to customers", row)
        for name in named:
            self._customer_name(name, (*path, "customers", name), row)
        if not named and isinstance(data["customers"], Mapping):
            self.page.note((*path, "customers"), "wrong_type", expected="a mapping of names to customers", found="an empty mapping", row=row)
        return {name: self._customer(value, (*path, "customers", name), row) for name, value in named.items()}, True

    def _customer_name(self, name: str, path: Path, row: Row | None) -> None:
        try:
            read_name(name)
        except PydanticCustomError:
            self.page.note(path, "bad_name", key=True, name=name, row=row)

    def _customer(self, value: object, path: Path, row: Row | None) -> Mapping[str, Any]:
        data = self.page.mapping(value, path, "a mapping of profile fields", row)
        return {name: item for name, item in data.items() if name != "opening"}

    def _openings(self, data: Mapping[str, Any], path: Path, row: Row | None) -> dict[str, tuple[Mapping[str, Any], Path]]:
        """What each customer brings along, by name: under ``opening`` of the scenario, or of the customer."""
        one, named = data.get("customer"), data.get("customers")
        found: dict[str, tuple[Any, Path]] = {}
        if isinstance(one, Mapping) and "opening" in one:
            found[ONE] = (one["opening"], (*path, "customer", "opening"))
        if "opening" in data:
            if ONE in found or named is not None:
                other = "customers" if named is not None else "customer.opening"
                self.page.note((*path, "opening"), "not_with", key=True, field="opening", other=other, row=row)
            found[ONE] = (data["opening"], (*path, "opening"))
        for name, value in named.items() if isinstance(named, Mapping) else ():
            if isinstance(value, Mapping) and "opening" in value:
                found[name] = (value["opening"], (*path, "customers", name, "opening"))
        return {name: (self.page.mapping(value, place, "what the customer brings along", row), place) for name, (value, place) in found.items()}

    def _subjects(self, data: Mapping[str, Any], path: Path, row: Row | None) -> dict[str, tuple[Mapping[str, Any], Path]]:
        """Subjects that are no customers, each with its kind; all else that is said of one is what it brings along."""
        subjects = self.page.mapping(data.get("subjects", {}), (*path, "subjects"), "a mapping of names to subjects", row)
        found: dict[str, tuple[Mapping[str, Any], Path]] = {}
        for name, value in subjects.items():
            place = (*path, "subjects", name)
            told = self.page.mapping(value, place, "a subject: {kind: household}", row)
            self._customer_name(name, place, row)
            self._kind(told, place, row)
            named = data.get("customers")
            if isinstance(named, Mapping) and name in named:
                self.page.note(place, "name_taken", key=True, name=name, row=row)
            found[name] = ({key: item for key, item in told.items() if key != "kind"}, place)
        return found

    def _kind(self, told: Mapping[str, Any], place: Path, row: Row | None) -> None:
        kind = told.get("kind")
        if kind in LATER_SUBJECTS:
            self.page.unavailable((*place, "kind"), f"the kind '{kind}'", row)
        elif "kind" not in told:
            self.page.note((*place, "kind"), "missing_field", field="kind", row=row)
        elif kind not in SUBJECT_KINDS:
            near = nearest(str(kind), SUBJECT_KINDS)
            self.page.note((*place, "kind"), "unknown_choice", found=describe(kind), choices=", ".join(SUBJECT_KINDS), nearest=near, row=row)

    def _without_examples(self, data: Mapping[str, Any], path: Path) -> None:
        if _references(data):
            self.page.note((*path, "examples"), "missing_field", field="examples")

    def _unused(self, body: Mapping[str, Any], rows: Sequence[Row], path: Path) -> None:
        """A column that nothing reads is a slip of the pen: what it was meant to drive would stay as it is."""
        used = set(_references(body))
        for name in rows[0].cells if rows else ():
            if name not in used:
                self.page.note((*path, "examples"), "unknown_choice", found=f"the column {name!r}", choices=", ".join(sorted(used)) or "-")


def _filled(page: Page, value: Any, path: Path, row: Row) -> Any:
    """Plain data in which every ``$name`` that is a whole value is the cell of that name."""
    if isinstance(value, Mapping):
        return {key: _filled(page, item, (*path, key), row) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(page, item, (*path, index), row) for index, item in enumerate(value)]
    if not _is_reference(value):
        return value
    if value[1:] not in row.cells:
        page.note(path, "unknown_choice", found=value, choices=", ".join(f"${name}" for name in row.cells), nearest=nearest(value[1:], row.cells))
        return value
    return row.cells[value[1:]]


def _references(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [name for item in value.values() for name in _references(item)]
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    return [value[1:]] if _is_reference(value) else []


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and value.startswith("$") and value[1:].replace("-", "_").isidentifier()


def _told_apart(cases: list[Case]) -> list[Case]:
    """Cases of equal rows get a number, so that every name is one case's."""
    seen: dict[str, int] = {}
    result = []
    for case in cases:
        seen[case.name] = seen.get(case.name, 0) + 1
        name = case.name if seen[case.name] == 1 else f"{case.name} #{seen[case.name]}"
        fields = (case.line, case.tags, case.path, case.row, case.customers, case.several, case.given, case.steps, case.openings)
        result.append(Case(name, *fields))
    return result
