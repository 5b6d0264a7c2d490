"""A folder in which editors know the schemas: the schema files, and the settings that say which files they are for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from custrules import schemas
from custrules.documents.places import MAX_BYTES
from custrules.documents.reading import read
from custrules.errors import MissingExtra
from custrules.policy import Policy

PLACE, SETTINGS = "schemas", ".vscode/settings.json"
PROGRAMS = ("program.yaml", "*.program.yaml")
SCENARIOS = ("*.scenarios.yaml", "*.scenarios.yml")


def files_of(lang: str, programs: Sequence[str] = (), kinds: Mapping[str, type[Policy]] | None = None) -> dict[str, str]:
    """The schema files and the settings of a folder, by path; ``programs`` are globs beside the usual names."""
    drawn = {f"{PLACE}/{schemas.file_name(of)}": _drawn(of, lang, kinds) for of in schemas.SCHEMAS}
    return drawn | {SETTINGS: _text(settings(programs))}


def _drawn(of: schemas.Of, lang: str, kinds: Mapping[str, type[Policy]] | None) -> str:
    return schemas.text_of(schemas.schema(of, lang, kinds=kinds)) if kinds else schemas.stored(of, lang)


def settings(programs: Sequence[str] = ()) -> dict[str, Any]:
    """What Visual Studio Code and editors with the YAML language server are told."""
    program, scenarios = (f"./{PLACE}/{schemas.file_name(of)}" for of in schemas.SCHEMAS)
    globs = list(dict.fromkeys([*PROGRAMS, *programs]))
    as_json = [glob for glob in globs if glob.endswith(".json")]
    as_json += ["program.json", "*.program.json"]
    return {
        "yaml.schemas": {program: [glob for glob in globs if not glob.endswith(".json")], scenarios: list(SCENARIOS)},
        "json.schemas": [{"fileMatch": as_json, "url": program}],
    }


def merged(before: str, programs: Sequence[str] = ()) -> str | None:
    """Settings with ours added and the rest as it was; None where they cannot be read (they may hold comments)."""
    try:
        found = json.loads(before)
    except ValueError:
        return None
    kept, listed = (found.get("yaml.schemas", {}), found.get("json.schemas", [])) if isinstance(found, dict) else (None, None)
    if not isinstance(kept, dict) or not isinstance(listed, list):
        return None
    ours = settings(programs)
    urls = {entry["url"] for entry in ours["json.schemas"]}
    others = [entry for entry in listed if not (isinstance(entry, dict) and entry.get("url") in urls)]
    return _text({**found, "yaml.schemas": {**kept, **ours["yaml.schemas"]}, "json.schemas": [*others, *ours["json.schemas"]]})


def programs_in(folder: Path) -> list[str]:
    """Names of the files in a folder that hold a program."""
    found = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml"), *folder.glob("*.json")]):
        if ".scenarios." in path.name or not path.is_file() or path.stat().st_size > MAX_BYTES:
            continue
        try:
            data = read(path.read_bytes(), source=str(path)).data
        except MissingExtra:
            continue
        if isinstance(data, Mapping) and {"program", "policies"} <= set(data):
            found.append(path.name)
    return found


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
