"""JSON Schemas for editors: nothing that the reader takes is refused, slips are found, and the shipped files are fresh."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from pydantic_core import PydanticCustomError

import custrules as cr
from custrules import fields, schemas
from custrules.calendars.rules import DayRule
from custrules.calendars.working import WorkingRule
from custrules.conditions import Table
from custrules.documents.document import SECTIONS
from custrules.documents.reading import read
from custrules.documents.sections import Accepted, Defaults, ProfileSpec, ReadingSpec
from custrules.events import KINDS as EVENTS
from custrules.law import LawProfile, LawSection
from custrules.measures import Measure
from custrules.messages import LANGUAGES
from custrules.policies import KINDS, built_in
from custrules.policy import Decision, Phase, Policy, View
from custrules.returns import ReturnsRule
from custrules.schemas.describing import owner, told
from custrules.schemas.drawing import made_of
from custrules.testing.scenario_file import FILE_FIELDS, SCENARIO_FIELDS, STEP_FIELDS
from custrules.validation import spelled

HERE = Path(__file__).parent
DEMO = Path(str(files("custrules.demo")))
SHARED = Path(os.environ.get("CUSTRULES_SHARED", HERE / "../../shared"))
BOTH = [(of, lang) for of in schemas.SCHEMAS for lang in LANGUAGES]


class _Editor(yaml.SafeLoader):
    """YAML as editors read it: dates are text."""


_Editor.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def documents() -> Iterator[Path]:
    yield from (path for path in sorted([*HERE.glob("golden/*.yaml"), *DEMO.glob("*.yaml")]) if "scenarios" not in path.name)


def scenario_files() -> Iterator[Path]:
    yield from sorted([*HERE.glob("golden/*.scenarios.yaml"), *DEMO.glob("*.scenarios.yaml"), *SHARED.glob("programs/*.scenarios.yaml")])


@cache
def drawn(of: schemas.Of) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(cr.schema(of))


def faults(of: schemas.Of, data: object, **more: Any) -> list[str]:
    validator = jsonschema.Draft7Validator(cr.schema(of, **more)) if more else drawn(of)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in validator.iter_errors(data)]


def program(**policy: Any) -> dict[str, Any]:
    return {"program": "a", "zone": "UTC", "currency": "GBP", "policies": [{"id": "p", "kind": "points.account", "expiry": "never"} | policy]}


# -- what is taken --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("of", "lang"), BOTH)
def test_a_schema_is_a_schema(of: schemas.Of, lang: str) -> None:
    jsonschema.Draft7Validator.check_schema(cr.schema(of, lang))


@pytest.mark.parametrize("path", list(documents()), ids=lambda path: path.name)
def test_a_document_that_loads_fits_the_schema(path: Path) -> None:
    loaded = cr.load(path)
    assert faults("program", yaml.load(path.read_text("utf-8"), _Editor)) == []
    assert faults("program", read(path.read_bytes(), source=str(path)).data) == []
    assert faults("program", json.loads(loaded.to_json())) == []


@pytest.mark.parametrize("path", list(scenario_files()), ids=lambda path: path.name)
def test_a_scenario_file_fits_the_schema(path: Path) -> None:
    found = faults("scenarios", yaml.load(path.read_text("utf-8"), _Editor))
    if SHARED in path.parents:  # these also use what this version does not have yet
        found = [
            fault for fault in found if not any(word in fault for word in ("when.plan", "subjects", "opening", "Additional properties", "absent"))
        ]
    assert found == []


@given(st.one_of(st.from_regex(r"-?[0-9./%_ ]{1,12}", fullmatch=True), st.text(max_size=8), st.integers(), st.booleans()))
def test_no_scalar_grammar_is_stricter_than_its_reader(value: object) -> None:
    for reader, schema in (
        (fields.read_whole, fields.WHOLE_SCHEMA),
        (fields.read_decimal, fields.NUMBER_SCHEMA),
        (fields.read_rate, fields.RATE_SCHEMA),
        (fields.read_flag, fields.FLAG_SCHEMA),
        (fields.read_day, fields.DAY_SCHEMA),
        (fields.read_text, fields.TEXT_SCHEMA),
        (fields.read_name, fields.NAME_SCHEMA),
    ):
        try:
            reader(value)
        except PydanticCustomError:
            continue
        assert jsonschema.Draft7Validator(dict(schema)).is_valid(value), (reader, value)


# -- what is found --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "slip",
    [
        {"kind": "points.acount"},
        {"expiri": "never"},
        {"expiry": {"length": "12 months", "rounded_to": "end_of_decade"}},
        {"scale": "two"},
        {"id": "two words"},
        {"effective_from": "1 March 2026"},
        {"retired": "yes"},
    ],
    ids=str,
)
def test_a_slip_in_a_policy_is_found(slip: Mapping[str, Any]) -> None:
    assert faults("program", program()) == []
    assert faults("program", program(**slip))


def test_a_section_that_does_not_exist_is_found() -> None:
    assert "polices" in faults("program", program() | {"polices": []})[0]


@pytest.mark.parametrize(
    "scenario",
    [
        {"steps": [{"when": {"day_end": "2026-01-01"}}]},
        {"name": "a", "steps": []},
        {"name": "a", "steps": [{"when": {"purchase": {"amount": 5}}}]},
        {"name": "a", "steps": [{"when": {"purchase": {"at": "today", "amount": 5}}}]},
        {"name": "a", "steps": [{"when": {"purchase": {"at": "2026-01-01", "amuont": 5}}}]},
        {"name": "a", "steps": [{"when": {"day_end": "2026-01-01"}, "than": {"points": 1}}]},
        {"name": "a", "steps": [{"when": {"day_end": "2026-01-01"}, "then": {"verdict": "accept"}}]},
    ],
    ids=str,
)
def test_a_slip_in_a_scenario_is_found(scenario: Mapping[str, Any]) -> None:
    assert faults("scenarios", {"program": "a.yaml", "scenarios": [scenario]})


def test_a_cell_of_the_examples_may_stand_for_any_value() -> None:
    when = {"purchase": {"at": "$at", "amount": "$amount", "tenders": {"points": "$points"}}}
    step = {"when": when, "then": {"verdict": "$verdict", "because": "$why", "points": "$left"}}
    assert faults("scenarios", {"program": "a.yaml", "scenarios": [{"name": "a", "steps": [step], "examples": "at | x"}]}) == []


TABLE = {"program": "a", "zone": "UTC", "currency": "GBP"}


@pytest.mark.parametrize(
    "form",
    [
        {"table": "tier -> owner\ngold -> ann"},
        {"csv": "owners.csv"},
        {"inputs": ["tier"], "outputs": ["owner"], "rows": [["gold", "ann"]]},
        {"inputs": ["tier"], "outputs": [{"name": "owner", "values": ["ann", "bob"], "default": "bob"}], "rows": [{"tier": "gold", "owner": "ann"}]},
    ],
    ids=str,
)
def test_a_table_may_be_spelled_in_every_form(form: Mapping[str, Any]) -> None:
    assert faults("program", TABLE | {"policies": [{"id": "t", "kind": "table", "hit": "F", **form}]}) == []


def test_a_table_without_rows_is_found() -> None:
    assert faults("program", TABLE | {"policies": [{"id": "t", "kind": "table", "inputs": ["tier"], "outputs": ["owner"]}]})


# -- plug-ins -------------------------------------------------------------------------------------------------------------


class Stamps(Policy):
    """A stamp for every visit."""

    kind: ClassVar[str] = "acme.stamps"
    phase: ClassVar[Phase] = "earn"
    per_visit: Annotated[fields.Whole, Field(description="Stamps for a visit.")] = 1
    mode: Literal["plain", "double"] = "plain"

    def decide(self, event: cr.Event, view: View, /) -> Decision | None:
        return None


def test_a_policy_of_another_package_is_drawn_with_its_own_words() -> None:
    drawn = cr.schema(kinds={"acme.stamps": Stamps})
    assert drawn["definitions"]["Stamps"]["properties"]["per_visit"]["description"] == "Stamps for a visit."
    entry = {"id": "s", "kind": "acme.stamps", "mode": "triple"}
    data = program() | {"policies": [entry]}
    assert faults("program", data, kinds={"acme.stamps": Stamps})
    assert faults("program", data) == [], "an unknown kind of another package is its own business"


# -- words ----------------------------------------------------------------------------------------------------------------


def models() -> Iterator[type[BaseModel]]:
    roots: list[type[BaseModel]] = [
        Policy,
        *filter(None, map(built_in, KINDS)),
        Measure,
        DayRule,
        WorkingRule,
        ReturnsRule,
        ProfileSpec,
        ReadingSpec,
        Defaults,
        Accepted,
        LawSection,
        LawProfile,
        *EVENTS.values(),
    ]
    yield from dict.fromkeys(model for root in roots for model in made_of(root))


def words(lang: str) -> dict[str, str]:
    return tomllib.loads(files("custrules.messages").joinpath(f"fields_{lang}.toml").read_text("utf-8"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_field_has_words(lang: str) -> None:
    spoken = words(lang)
    missing = [f"{owner(model)}.{name}" for model in models() for name in model.model_fields if told(model, name, lang) not in spoken.values()]
    missing += [owner(model) for model in models() if model is not Policy and owner(model) not in words(lang)]
    missing += [f"program.{name}" for name in SECTIONS if f"program.{name}" not in words(lang)]
    missing += [f"scenarios.{name}" for name in FILE_FIELDS if f"scenarios.{name}" not in words(lang)]
    missing += [f"scenario.{name}" for name in SCENARIO_FIELDS if f"scenario.{name}" not in words(lang)]
    missing += [f"scenarios.step.{name}" for name in STEP_FIELDS if f"scenarios.step.{name}" not in words(lang)]
    assert missing == []


def test_no_words_stand_for_a_field_that_is_gone() -> None:
    known = {f"{owner(model)}.{name}" for model in models() for name in spelled(model)} | {owner(model) for model in models()}
    known |= {f"event.{name}" for name in cr.Event.model_fields} | {f"table.{form}" for form in Table.spellings} | {"law_section.file"}
    ours = ("program", "scenarios", "scenario", "condition", "cell", "policy.kind")
    assert [key for key in words("en") if key not in known and not key.startswith(ours)] == []


def test_both_languages_have_the_same_keys_in_order() -> None:
    assert list(words("en")) == list(words("zh")) == sorted(words("en"))


# -- the shipped files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("of", "lang"), BOTH)
def test_the_shipped_schema_is_the_generated_one(of: schemas.Of, lang: str) -> None:
    fresh = schemas.text_of(cr.schema(of, lang))
    assert schemas.stored(of, lang) == fresh, "run: python -m custrules.schemas"


def test_the_files_that_ship_are_written_by_one_command(tmp_path: Path) -> None:
    schemas.write(tmp_path)
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == {
        schemas.file_name(of, lang): schemas.stored(of, lang) for of, lang in BOTH
    }


def test_a_schema_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="there are schemas of program and scenarios"):
        cr.schema("events")  # type: ignore[arg-type]  # that is the fault


def test_the_schema_loads_no_optional_package() -> None:
    code = "import custrules as cr, sys; cr.schema('scenarios'); print(*(name for name in ('yaml', 'pytest', 'hypothesis') if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
