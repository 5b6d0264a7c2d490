"""The folder that the demo leaves: the program, one with a changed rule, its scenarios, the data and a README. Nothing that is there is touched."""

from __future__ import annotations

import lzma
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from custrules.demo.card import CARD, card_text
from custrules.demo.change import CHANGED, changed_text
from custrules.demo.figures import EVENTS, HERE, LAST_DAY, PROGRAM
from custrules.demo.leaving import AT_RISK
from custrules.schemas.folder import files_of

SCENARIOS, DATA, README = "gift-shop.scenarios.yaml", "events.jsonl", "README.md"


def _events() -> bytes:
    return lzma.decompress(HERE.joinpath(EVENTS).read_bytes())


def _readme() -> bytes:
    return HERE.joinpath("folder_readme.md").read_bytes()


FILES: dict[str, Callable[[], bytes]] = {
    PROGRAM: lambda: HERE.joinpath(PROGRAM).read_bytes(),
    AT_RISK: lambda: HERE.joinpath(AT_RISK).read_bytes(),
    CHANGED: lambda: changed_text().encode(),
    CARD: lambda: card_text().encode(),
    SCENARIOS: lambda: HERE.joinpath(SCENARIOS).read_bytes(),
    DATA: _events,
    README: _readme,
}


def _for_editors(lang: str) -> dict[str, Callable[[], bytes]]:
    return {name: text.encode for name, text in files_of(lang).items()}


class Left(NamedTuple):
    """The names of the files that were written, and of those that were there and are left as they are."""

    written: list[str]
    kept: list[str]


def leave(folder: Path, lang: str = "en") -> Left:
    """Write what is not there yet. OSError where it cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = list[str](), list[str]()
    for name, content in {**FILES, **_for_editors(lang)}.items():
        try:
            (folder / name).parent.mkdir(exist_ok=True)
            with (folder / name).open("xb") as file:
                file.write(content())
            written.append(name)
        except FileExistsError:
            kept.append(name)
    return Left(written, kept)


def commands(folder: str, customer: str) -> list[str]:
    """Three commands to try next, as they work where the demo was called; one explains a customer."""
    ours = invocation()
    program, changed, events = (shlex.quote(f"{folder}/{name}") for name in (PROGRAM, CHANGED, DATA))
    return [
        f"{ours} test {shlex.quote(folder)}",
        f"{ours} explain {program} --events {events} --customer {shlex.quote(customer)}",
        f"{ours} compare {program} {changed} {events} --until {LAST_DAY}",
    ]


def invocation() -> str:
    """How this program was called: its name where the shell finds it under that, else its path, or python -m."""
    called = Path(sys.argv[0]) if sys.argv else Path()
    if called.name != "custrules":
        return f"{shlex.quote(_python())} -m custrules"
    found = shutil.which("custrules")
    return "custrules" if found is not None and Path(found).resolve() == called.resolve() else shlex.quote(str(called))


def _python() -> str:
    name = Path(sys.executable).name
    found = shutil.which(name)
    return name if found is not None and Path(found).absolute() == Path(sys.executable).absolute() else sys.executable
