"""``custrules schema``: the schemas of documents, and the settings by which editors find them."""

from __future__ import annotations

import argparse
from importlib.metadata import entry_points
from pathlib import Path

from custrules.cli.output import Misuse, Output
from custrules.documents.kinds import GROUP, Kinds
from custrules.errors import Diagnostic
from custrules.policy import Policy
from custrules.schemas import folder as schema_folder
from custrules.schemas.folder import SETTINGS


def schema(output: Output, arguments: argparse.Namespace) -> int:
    """Write schemas and settings into a folder; settings that cannot be read are left, and what to add is told."""
    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise Misuse("file_not_folder" if folder.exists() else "file_missing", path=arguments.folder)
    programs = [*arguments.programs, *schema_folder.programs_in(folder)]
    contents = schema_folder.files_of(output.lang, programs, _installed() if arguments.plugins else None)
    before = folder / SETTINGS
    settings = schema_folder.merged(before.read_text("utf-8"), programs) if before.exists() else contents[SETTINGS]
    told = contents.pop(SETTINGS)
    if settings is not None:
        contents[SETTINGS] = settings
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    _tell(output, arguments.folder, list(contents), None if settings is not None else told)
    return 0


def _tell(output: Output, folder: str, written: list[str], left: str | None) -> None:
    if output.shape == "json":
        output.json({"folder": folder, "written": written, "left": [SETTINGS] if left is not None else []})
        return
    output.line(output.say("schema_written", folder=folder, files=", ".join(written)))
    if left is not None:
        output.line(output.say("schema_left", path=f"{folder}/{SETTINGS}"))
        output.line(left.rstrip("\n"))


def _installed() -> dict[str, type[Policy]]:
    """Kinds of other packages that are installed here; a broken one is not drawn."""
    kinds = Kinds(plugins=True)
    found = {name: kinds.find(name) for name in sorted({point.name for point in entry_points(group=GROUP)})}
    return {name: kind for name, kind in found.items() if not isinstance(kind, Diagnostic)}
