"""JSON Schemas of documents, for editors: what may stand where, and what it means. Generated from the classes that read them.

A schema knows shapes, words and scalar grammars; what needs the whole document (names of facts, levels, accounts) only
``custrules check`` knows. It never refuses what the reader takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from custrules.messages import LANGUAGES
from custrules.policy import Policy
from custrules.schemas.programs import program_schema
from custrules.schemas.scenarios import scenarios_schema

Of = Literal["program", "scenarios"]
SCHEMAS: tuple[Of, ...] = ("program", "scenarios")
VERSION = 1


def schema(of: Of = "program", lang: str = "en", *, kinds: Mapping[str, type[Policy]] | None = None) -> dict[str, Any]:
    """The JSON Schema (draft 7) of a program, or of a file of scenarios, as plain data; descriptions in en or zh.

    ``kinds`` adds policies of other packages to a program's (kind -> class). ValueError for another name or language.
    """
    if of not in SCHEMAS or lang not in LANGUAGES:
        raise ValueError(f"there are schemas of {' and '.join(SCHEMAS)} in {' and '.join(LANGUAGES)}, not of {of!r} in {lang!r}")
    return program_schema(lang, kinds or {}) if of == "program" else scenarios_schema(lang)


def file_name(of: Of, lang: str = "en") -> str:
    """``program.v1.json``, ``program.v1.zh.json``: the number is that of the format."""
    return f"{of}.v{VERSION}.json" if lang == "en" else f"{of}.v{VERSION}.{lang}.json"


def text_of(content: Mapping[str, Any]) -> str:
    """A schema as its file has it."""
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=False) + "\n"


def write(folder: Path) -> None:
    """Draw every schema in every language into a folder."""
    for of in SCHEMAS:
        for lang in LANGUAGES:
            (folder / file_name(of, lang)).write_text(text_of(schema(of, lang)), "utf-8")


def stored(of: Of, lang: str = "en") -> str:
    """The text of the schema that ships with this version."""
    return files(__name__).joinpath(file_name(of, lang)).read_text("utf-8")
