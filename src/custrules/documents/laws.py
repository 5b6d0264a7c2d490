"""The ``law:`` section out of a document, or out of a file beside it, with every fault at its true place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from custrules.documents.faults import Path, true_path, without_counts
from custrules.documents.reading import Reading, read
from custrules.documents.tables import Files
from custrules.errors import Diagnostic
from custrules.fields import describe, fault
from custrules.law import Law, LawSection, law_of
from custrules.validation import located, path_text

BESIDE = ("issuer", "confirmed_by", "confirmed_on")
"""What stands in the document also where the profile stands in a file."""
ENDS = (".toml", ".yaml", ".yml", ".json")
_SECTION: TypeAdapter[LawSection] = TypeAdapter(LawSection)


@dataclass(slots=True)
class ReadLaw:
    """What came of the section: ``faults`` of the document at their paths, and those of a file, which are ``elsewhere``."""

    section: LawSection | None = None
    law: Law | None = None
    faults: list[tuple[Path, Diagnostic]] = field(default_factory=list)
    elsewhere: list[Diagnostic] = field(default_factory=list)


def read_law(data: object, currency: str, files: Files | None) -> ReadLaw:
    """The section and what it comes to; ``files`` are those beside the document, None where it may name none."""
    if isinstance(data, Mapping) and "file" in data:
        return _in_file(data, currency, files)
    read_in = ReadLaw()
    found = _validated(data, currency)
    if isinstance(found, list):
        read_in.faults = [(("law", *path), fault) for path, fault in found]
    else:
        read_in.section, read_in.law = found
    return read_in


def _validated(data: object, currency: str) -> tuple[LawSection, Law] | list[tuple[Path, Diagnostic]]:
    try:
        section = data if isinstance(data, LawSection) else _SECTION.validate_python(data)
    except ValidationError as error:
        return [(true_path(loc, data), found) for loc, found in without_counts(located(error, LawSection))]
    law, faults = law_of(section, currency)
    return (section, law) if law is not None else faults


def _in_file(data: Mapping[str, Any], currency: str, files: Files | None) -> ReadLaw:
    read_in = ReadLaw()
    others = [name for name in data if name not in ("file", *BESIDE)]
    read_in.faults += [(("law", name), Diagnostic("document.not_with", params={"field": name, "other": "file"})) for name in others]
    try:
        reading = _reading(data["file"], files)
    except PydanticCustomError as error:
        context = error.context or {}
        params = {name: value for name, value in context.items() if name != "code"}
        read_in.faults.append((("law", "file"), Diagnostic(error.type, params=params)))
        return read_in
    read_in.elsewhere += reading.diagnostics
    if read_in.faults or read_in.elsewhere:
        return read_in
    inside = reading.data if isinstance(reading.data, Mapping) else {}
    found = _validated({**inside, **{name: data[name] for name in BESIDE if name in data}}, currency)
    if isinstance(found, list):
        read_in.faults = [(("law", *path), fault) for path, fault in found if path[:1] and path[0] in BESIDE]
        read_in.elsewhere = _placed(reading, (pair for pair in found if not pair[0] or pair[0][0] not in BESIDE))
    else:
        read_in.section, read_in.law = found
    return read_in


def _reading(path: object, files: Files | None) -> Reading:
    if not isinstance(path, str):
        raise fault("document.wrong_type", expected="the path of a file", found=describe(path))
    if files is None:
        raise fault("document.no_law_file", file=path)
    return read(files(path, ENDS), source=files.source(path))


def _placed(reading: Reading, faults: Iterable[tuple[Path, Diagnostic]]) -> list[Diagnostic]:
    found = []
    for path, wrong in faults:
        line, column = reading.place(path)
        found.append(replace(wrong, path=path_text(path), source=reading.source, line=line, column=column))
    return found
