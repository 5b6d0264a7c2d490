"""``custrules schema``: a folder in which editors know the schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from custrules import schemas
from custrules.__main__ import main
from custrules.schemas import folder

PROGRAM = "program: a\nzone: UTC\ncurrency: GBP\npolicies: []\n"


def run(*given: object) -> int:
    return main(["schema", *map(str, given)])


def settings(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / folder.SETTINGS).read_text("utf-8"))
    return found


def test_schemas_and_settings_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 0
    for of in schemas.SCHEMAS:
        written = json.loads((tmp_path / "schemas" / schemas.file_name(of)).read_text("utf-8"))
        assert written == json.loads(schemas.stored(of))
    assert set(settings(tmp_path)["yaml.schemas"]) == {"./schemas/program.v1.json", "./schemas/scenarios.v1.json"}
    assert "schemas/program.v1.json" in capsys.readouterr().out


def test_in_chinese_the_descriptions_are_chinese(tmp_path: Path) -> None:
    run(tmp_path, "--lang", "zh")
    written = json.loads((tmp_path / "schemas" / "program.v1.json").read_text("utf-8"))
    assert written == json.loads(schemas.stored("program", "zh"))
    assert "时区" in written["properties"]["zone"]["description"]


def test_programs_in_the_folder_are_found_whatever_they_are_called(tmp_path: Path) -> None:
    (tmp_path / "aurora.yaml").write_text(PROGRAM, "utf-8")
    (tmp_path / "compose.yaml").write_text("services: {}\n", "utf-8")
    (tmp_path / "aurora.scenarios.yaml").write_text("program: aurora.yaml\nscenarios: []\n", "utf-8")
    run(tmp_path, "--programs", "plans/*.yaml")
    assert settings(tmp_path)["yaml.schemas"]["./schemas/program.v1.json"] == ["program.yaml", "*.program.yaml", "plans/*.yaml", "aurora.yaml"]


def test_a_program_in_json_gets_its_schema_as_json(tmp_path: Path) -> None:
    (tmp_path / "aurora.json").write_text(json.dumps({"program": "a", "policies": []}), "utf-8")
    run(tmp_path)
    assert settings(tmp_path)["json.schemas"][0]["fileMatch"][0] == "aurora.json"


def test_other_settings_are_kept_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".vscode").mkdir()
    mine = {"editor.tabSize": 2, "yaml.schemas": {"other.json": ["other.yaml"]}, "json.schemas": [{"url": "./mine.json"}]}
    (tmp_path / folder.SETTINGS).write_text(json.dumps(mine), "utf-8")
    run(tmp_path)
    once = settings(tmp_path)
    assert once["editor.tabSize"] == 2
    assert once["yaml.schemas"]["other.json"] == ["other.yaml"]
    assert len(once["json.schemas"]) == 2
    run(tmp_path)
    assert settings(tmp_path) == once


def test_settings_with_comments_are_left_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".vscode").mkdir()
    commented = "{\n  // mine\n}\n"
    (tmp_path / folder.SETTINGS).write_text(commented, "utf-8")
    assert run(tmp_path) == 0
    assert (tmp_path / folder.SETTINGS).read_text("utf-8") == commented
    assert "./schemas/program.v1.json" in capsys.readouterr().out


@pytest.mark.parametrize("odd", ["[]", '{"yaml.schemas": 1}', '{"json.schemas": 1}'])
def test_settings_of_an_odd_shape_break_nothing(odd: str, tmp_path: Path) -> None:
    (tmp_path / ".vscode").mkdir()
    (tmp_path / folder.SETTINGS).write_text(odd, "utf-8")
    assert run(tmp_path) == 0


def test_the_folder_must_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none") == 2
    (tmp_path / "file").touch()
    assert run(tmp_path / "file") == 2
    assert capsys.readouterr().out == ""


def test_the_listing_can_be_read_by_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, "--format", "json")
    told = json.loads(capsys.readouterr().out)
    assert told["written"] == ["schemas/program.v1.json", "schemas/scenarios.v1.json", ".vscode/settings.json"]
