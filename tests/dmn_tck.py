"""Reads models and cases in the form of the DMN TCK (TestCases/compliance-level-N/<model>/*.dmn and *-test-*.xml).

A decision table whose cells are S-FEEL becomes one of ours; what needs more of FEEL raises NotCovered, which says why. XML is
read with the standard library; a document type or entity is refused before the parser sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from custrules import DocumentError
from custrules.conditions import BoundTable, Table, TableOutcome, bind_table
from custrules.facts import FactType, FactValue, Kind
from custrules.fields import read_rate

LEVELS = ("compliance-level-2", "compliance-level-3")
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_KINDS: Mapping[str, Kind] = {"number": "number", "string": "text", "boolean": "flag"}
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?|-?\.[0-9]+")
_STRING = re.compile(r'"(?:[^"\\]|\\["\\])*"')
_CELL_WORDS = re.compile(r'"(?:[^"\\]|\\["\\])*"|-?[0-9]+(?:\.[0-9]+)?|<=|>=|<|>|\.\.|[()\[\],]|\b(?:true|false|not)\b|-|\s+')


class NotCovered(Exception):
    """Why a model or a case cannot be run here."""


@dataclass(frozen=True)
class Decision:
    """One decision table of a model: its inputs by the names of the model, our table, and whether its answers are lists or records."""

    name: str
    inputs: tuple[tuple[str, Kind], ...]
    outputs: tuple[str, ...]
    table: BoundTable


@dataclass(frozen=True)
class Case:
    """One case: what is given, and what each decision is expected to say."""

    id: str
    given: Mapping[str, ET.Element]
    expected: Mapping[str, ET.Element]


@dataclass(frozen=True)
class Row:
    """Facts as one case gives them."""

    values: Mapping[str, FactValue | None]

    def value(self, name: str) -> FactValue | None:
        return self.values[name]

    def next_change(self, name: str) -> None:
        return None


def models_in(root: Path) -> list[Path]:
    """The folders of models below a checkout of the TCK (or its folder TestCases)."""
    cases = root / "TestCases" if (root / "TestCases").is_dir() else root
    return sorted(folder for level in LEVELS for folder in (cases / level).glob("*") if any(folder.glob("*.dmn")))


def parsed(path: Path) -> ET.Element:
    data = path.read_bytes()
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise NotCovered("a document type is refused")
    return ET.fromstring(data)  # no entities are left to expand


def run(folder: Path) -> Iterator[tuple[str, Any, Any]]:
    """Of every case of a model that can be run: its id, the answer and what was expected. NotCovered where none can."""
    decisions = [decision for path in sorted(folder.glob("*.dmn")) for decision in decisions_of(parsed(path))]
    found = False
    for path in sorted(folder.glob("*-test-*.xml")):
        for case in cases_of(parsed(path)):
            for decision in decisions:
                if decision.name in case.expected:
                    found = True
                    yield f"{path.stem}/{case.id}", answer(decision, case.given), wanted(decision, case.expected[decision.name])
    if not found:
        raise NotCovered("no case asks for a decision table")


# --- models -----------------------------------------------------------------------------------------------------------


def local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def children(element: ET.Element, name: str) -> list[ET.Element]:
    return [child for child in element if local(child) == name]


def child(element: ET.Element, name: str) -> ET.Element | None:
    return next(iter(children(element, name)), None)


def text_in(element: ET.Element | None) -> str:
    inner = child(element, "text") if element is not None else None
    return (inner.text or "").strip() if inner is not None else ""


def decisions_of(model: ET.Element) -> list[Decision]:
    """The decision tables of a model; NotCovered where it has none, or one that needs more than S-FEEL."""
    kinds = {
        str(data.get("name")): variable.get("typeRef", "")
        for data in children(model, "inputData")
        if (variable := child(data, "variable")) is not None
    }
    found = [(decision, table) for decision in children(model, "decision") if (table := child(decision, "decisionTable")) is not None]
    if not found:
        raise NotCovered("the model has no decision table")
    return [decision_of(decision, table, kinds, model) for decision, table in found]


def decision_of(decision: ET.Element, table: ET.Element, kinds: Mapping[str, str], model: ET.Element) -> Decision:
    inputs = tuple(input_of(column, kinds, model) for column in children(table, "input"))
    columns = children(table, "output")
    rules = [([text_in(cell) for cell in children(rule, "inputEntry")], [text_in(cell) for cell in children(rule, "outputEntry")]) for rule in
             children(table, "rule")]  # fmt: skip
    outputs = [output_of(number, column, [cells[number] for _, cells in rules]) for number, column in enumerate(columns)]
    hit = " ".join(filter(None, [table.get("hitPolicy", "UNIQUE"), table.get("aggregation", "")]))
    rows = [[*map(input_cell, cells), *map(output_cell, results)] for cells, results in rules]
    document = {"hit": hit, "inputs": [f"f{number}" for number in range(len(inputs))], "outputs": outputs, "rows": rows}
    facts = {f"f{number}": FactType(kind) for number, (_, kind) in enumerate(inputs)}
    names = tuple(column.get("name") or f"output {number}" for number, column in enumerate(columns))
    return Decision(str(decision.get("name")), inputs, names, bound(document, facts))


def bound(document: Mapping[str, Any], facts: Mapping[str, FactType]) -> BoundTable:
    try:
        table, faults = bind_table(Table.of(document), facts)
    except DocumentError as error:
        raise NotCovered(f"our grammar does not cover it: {error.diagnostics[0]}") from None
    if table is None:
        raise NotCovered(f"our grammar does not cover it: {faults[0]}")
    return table


def input_of(column: ET.Element, kinds: Mapping[str, str], model: ET.Element) -> tuple[str, Kind]:
    expression = child(column, "inputExpression")
    name = text_in(expression)
    if name not in kinds:
        raise NotCovered(f"the input {name!r} is no input data")
    return name, kind_of(expression.get("typeRef") if expression is not None else None, model, kinds[name])


def kind_of(type_ref: str | None, model: ET.Element, otherwise: str = "") -> Kind:
    """Ours for a type of the model, through one item definition."""
    name = (type_ref or otherwise).rpartition(":")[2]
    for item in children(model, "itemDefinition"):
        inner = child(item, "typeRef")
        if item.get("name") == name and inner is not None and item.get("isCollection", "false") == "false":
            name = (inner.text or "").strip().rpartition(":")[2]
    if name not in _KINDS:
        raise NotCovered(f"the type {name!r}")
    return _KINDS[name]


def output_of(number: int, column: ET.Element, cells: list[str]) -> dict[str, Any]:
    default = text_in(child(column, "defaultOutputEntry"))
    values = [literal for literal in re.split(r",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", text_in(child(column, "outputValues"))) if literal.strip()]
    literals = [cell for cell in (*cells, *values, default) if cell not in ("", "null")]
    kind = "text" if all(_STRING.fullmatch(cell.strip()) for cell in literals) else "flag" if set(literals) <= {"true", "false"} else "number"
    told: dict[str, Any] = {"name": f"o{number}", "type": kind}
    if values:
        told["values"] = [plain(value.strip()) for value in values]
    return told | ({"default": plain(default)} if default else {})


def plain(literal: str) -> str:
    return output_cell(literal) if not _STRING.fullmatch(literal) else literal[1:-1].replace('\\"', '"')


def input_cell(text: str) -> str:
    """A unary test as it is; NotCovered where it names anything but literals."""
    if not text or _CELL_WORDS.sub("", text):
        raise NotCovered(f"the input cell {text!r} is not S-FEEL over literals")
    return text


def output_cell(text: str) -> str:
    if text == "null":
        return "missing"
    if _STRING.fullmatch(text) or _NUMBER.fullmatch(text) or text in ("true", "false"):
        return text
    raise NotCovered(f"the output cell {text!r} is an expression")


# --- cases ------------------------------------------------------------------------------------------------------------


def cases_of(document: ET.Element) -> Iterator[Case]:
    for number, case in enumerate(children(document, "testCase"), 1):
        expected = {
            str(node.get("name")): inner
            for node in children(case, "resultNode")
            if (inner := child(node, "expected") if child(node, "expected") is not None else child(node, "computed")) is not None
        }
        yield Case(case.get("id", str(number)), {str(node.get("name")): node for node in children(case, "inputNode")}, expected)


def answer(decision: Decision, given: Mapping[str, ET.Element]) -> Any:
    """What our table says: a value, a record by output, or a list of either."""
    facts = {f"f{number}": value_of(given.get(name), kind) for number, (name, kind) in enumerate(decision.inputs)}
    outcome: TableOutcome = decision.table.outcome(Row(facts))
    columns = list(outcome.values.values())
    if isinstance(columns[0], tuple):
        return [record(decision, item) for item in zip(*columns, strict=True)]
    return record(decision, tuple(columns)) if any(column is not None for column in columns) else None


def record(decision: Decision, values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else dict(zip(decision.outputs, values, strict=True))


def wanted(decision: Decision, expected: ET.Element) -> Any:
    kinds = {name: output.gives.kind for name, output in zip(decision.outputs, decision.table.outputs, strict=True)}
    listed = child(expected, "list")
    if listed is not None:
        return [one_wanted(item, decision, kinds) for item in children(listed, "item")]
    return one_wanted(expected, decision, kinds)


def one_wanted(element: ET.Element, decision: Decision, kinds: Mapping[str, Kind]) -> Any:
    parts = children(element, "component")
    if parts:
        return {str(part.get("name")): value_of(part, kinds.get(str(part.get("name")), "text")) for part in parts}
    return value_of(element, kinds[decision.outputs[0]])


def value_of(node: ET.Element | None, kind: Kind) -> FactValue | None:
    """A simple value of a case; None where it is nil or not given."""
    inner = child(node, "value") if node is not None else None
    if inner is None or inner.get(NIL) == "true":
        if node is not None and inner is None and len(node):
            raise NotCovered("a case with a structured value")
        return None
    text = inner.text or ""
    if kind in ("number", "whole"):
        rate = read_rate(text.strip())
        return rate.numerator if rate.denominator == 1 else rate
    return text.strip() == "true" if kind == "flag" else text
