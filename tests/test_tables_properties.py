"""Tables over random rows: held against hit policies written out by enumeration, in every form that a table can be written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from conditions_examples import Given
from hypothesis import given
from hypothesis import strategies as st

import custrules as cr
from custrules.conditions import Table, bind_table
from custrules.conditions.grids import lines_of, place_in
from custrules.facts import FactType

AGES = (0, 1, 2, 3)
PRIORITIES = ("high", "middle", "low", "none at all")
FACTS = {"age": FactType("whole"), "region": FactType("text")}


@st.composite
def cells(draw: st.DrawFn, values: Sequence[Any]) -> tuple[Any, Callable[[Any], bool]]:
    """A cell and what it accepts, by enumeration."""
    kind = draw(st.sampled_from(("dash", "list", "not", "missing")))
    chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True))
    text = ", ".join(map(str, chosen))
    if kind == "dash":
        return "-", lambda value: True
    if kind == "missing":
        return "missing", lambda value: value is None
    return (text, lambda value: value in chosen) if kind == "list" else (f"not({text})", lambda value: value not in chosen)


Row = tuple[tuple[Any, Callable[[Any], bool]], tuple[Any, Callable[[Any], bool]], str, int]
ROWS: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(cells(AGES), cells(("a", "b")), st.sampled_from(PRIORITIES[:3]), st.integers(0, 3)), min_size=1, max_size=6
)
FACTS_GIVEN = st.fixed_dictionaries({"age": st.sampled_from((*AGES, None)), "region": st.sampled_from(("a", "b", None))})


def said(hit: str, rows: Sequence[Row], facts: Mapping[str, Any]) -> Any:
    """What DMN says, written out: (name, number) or a list of them; "clash" where it leaves no answer; None where no row holds."""
    found = [(name, number) for age, region, name, number in rows if age[1](facts["age"]) and region[1](facts["region"])]
    ranked = sorted(found, key=lambda row: PRIORITIES.index(row[0]))
    lists = {"RULE ORDER": found, "COLLECT": found, "OUTPUT ORDER": ranked}
    if hit in lists:
        return lists[hit]
    if not found:
        return None
    clash = (hit == "UNIQUE" and len(found) > 1) or (hit == "ANY" and len(set(found)) > 1)
    return "clash" if clash else ranked[0] if hit == "PRIORITY" else found[0]


def document(hit: str, rows: Sequence[Row]) -> dict[str, Any]:
    outputs = [{"name": "name", "values": list(PRIORITIES)}, {"name": "number", "type": "whole"}]
    written = [[age[0], region[0], name, str(number)] for age, region, name, number in rows]
    return {"hit": hit, "inputs": ["age", "region"], "outputs": outputs, "rows": written}


def answer(data: Mapping[str, Any], facts: Mapping[str, Any]) -> Any:
    table, faults = bind_table(Table.of(data), FACTS)
    assert table is not None, faults
    outcome = table.outcome(Given(**facts))
    assert [row.result for row in table.trace(Given(**facts))].count(True) == len(outcome.matched)
    names, numbers = outcome.values["name"], outcome.values["number"]
    if isinstance(names, tuple) and isinstance(numbers, tuple):
        return list(zip(names, numbers, strict=True))
    return "clash" if outcome.clash else None if names is None else (names, numbers)


@pytest.mark.parametrize("hit", ["UNIQUE", "ANY", "FIRST", "PRIORITY", "RULE ORDER", "OUTPUT ORDER", "COLLECT"])
@given(rows=ROWS, facts=FACTS_GIVEN)
def test_a_hit_policy_says_what_enumeration_says(hit: str, rows: list[Row], facts: dict[str, Any]) -> None:
    assert answer(document(hit, rows), facts) == said(hit, rows, facts)


COLLECTED: dict[str, Callable[[list[int]], int | None]] = {
    "COLLECT SUM": lambda found: sum(found) if found else None,
    "COLLECT MIN": lambda found: min(found) if found else None,
    "COLLECT MAX": lambda found: max(found) if found else None,
    "COLLECT COUNT": len,
}


@pytest.mark.parametrize("hit", COLLECTED)
@given(rows=ROWS, facts=FACTS_GIVEN)
def test_what_is_collected_is_what_enumeration_collects(hit: str, rows: list[Row], facts: dict[str, Any]) -> None:
    data = document(hit, rows)
    data |= {"outputs": data["outputs"][1:], "rows": [[*row[:2], row[3]] for row in data["rows"]]}
    table, _ = bind_table(Table.of(data), FACTS)
    assert table is not None
    found = [number for age, region, _, number in rows if age[1](facts["age"]) and region[1](facts["region"])]
    assert table.outcome(Given(**facts)).values == {"number": COLLECTED[hit](found)}


@given(ROWS, st.data())
def test_text_and_csv_are_the_same_table_and_know_the_place_of_every_cell(rows: list[Row], data: st.DataObject) -> None:
    told = document("FIRST", rows)
    written = [["age", "region", "-> name", "number"], *told["rows"]]
    gaps = st.sampled_from(["", " ", "\u3000", "  "])
    lines, places = [], {}
    for number, cells_of in enumerate(written):
        lines += data.draw(st.sampled_from([[], [""], ["# a | b"]]))
        line = data.draw(gaps)
        for column, cell in enumerate(cells_of):
            line += (" |" if column else "") + data.draw(gaps)
            places[number, column] = (len(lines), len(line))
            line += cell
        lines.append(line)
    text = "\n".join(lines)
    beside = {name: told[name] for name in ("hit", "outputs")}
    assert Table.of(beside | {"table": text}) == Table.of(told)
    found = list(lines_of(text, "table"))
    assert {key: place_in(found, *key) for key in places} == places
    quoted = "\r\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in cells_of) for cells_of in written)
    assert Table.model_validate(beside | {"csv": "x.csv"}, context={"csv": lambda path: quoted}) == Table.of(told)


@given(ROWS)
def test_a_program_with_a_random_table_reads_back(rows: list[Row]) -> None:
    profile = {"age": {"type": "whole"}, "region": {"type": "text"}}
    policies = [{"id": "t", "kind": "table"} | document("PRIORITY", rows)]
    program = cr.Program(id="p", zone="UTC", currency="EUR", profile=profile, policies=policies)
    assert cr.Program.from_json(program.to_json()) == program
    assert cr.loads(program.to_json()) == program
