"""Scenarios: what an analyst writes to pin a program down. Reading, playing and reporting them.

``run`` gives results as data, ``collect`` one Planned for each scenario, row of examples and program, ``main_test`` is
what the command line prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path as FilePath
from typing import Any, Literal

from custrules.codec import canonical
from custrules.documents.places import MAX_BYTES
from custrules.errors import CustrulesError, DocumentError, MissingExtra, ScenarioError
from custrules.messages import LANGUAGES, render_all
from custrules.program import Program, load
from custrules.testing.coverage import Coverage
from custrules.testing.scenario_events import Happening, Script, Stage, script_of
from custrules.testing.scenario_file import Case, Page, Path, read_scenarios
from custrules.testing.scenario_readings import Names
from custrules.testing.scenario_report import WORDS, Failure, ScenarioResult, report
from custrules.testing.scenario_run import Answer, Play
from custrules.testing.scenario_then import ABOUT_EVENTS, Binder, Expectation
from custrules.validation import path_text
from custrules.views import Watch

PATTERNS = ("*.scenarios.yaml", "*.scenarios.yml", "*.scenarios.json")
Programs = Program | Sequence[Program]
__all__ = ["PATTERNS", "Failure", "Planned", "ScenarioResult", "collect", "main_test", "report", "run"]


@dataclass(frozen=True, slots=True)
class Planned:
    """One scenario, with one row of its examples, bound to one program and ready to be run as often as one likes."""

    case: Case
    program: Program
    source: str
    page: Page
    script: Script
    expectations: tuple[tuple[Stage, tuple[Expectation, ...]], ...]
    several: bool = False
    document: str = ""

    @property
    def name(self) -> str:
        """The scenario's name with its row, and its program where the file names several."""
        return f"{self.case.name} ({self.program.id})" if self.several else self.case.name

    def run(self, coverage: Coverage | None = None) -> ScenarioResult:
        """Play it and compare; with ``coverage``, what fired is noted there."""
        case = self.case
        play = Play(self.program, list(case.customers), Watch() if coverage is not None else None)
        result = ScenarioResult(case.name, self.program.id, self.source, case.line, case.tags, tuple(self._failures(play)))
        if coverage is not None and play.watch is not None:
            coverage.note(self.document, self.program, play.watch, play.decisions)
        return result

    def _failures(self, play: Play) -> Iterator[Failure]:
        try:
            refused = play.give(self.script)
            if refused is not None:
                yield self._refused(*refused)
                return
            for stage, expectations in self.expectations:
                answers = play.stage(stage)
                yield from self._compared(stage, expectations, answers)
                yield from self._undelivered(stage, expectations, answers)
        except CustrulesError as error:
            yield self._failure(self.case.path, "", "an answer", f"{type(error).__name__}: {error}")

    def _refused(self, happening: Happening, answer: Answer) -> Failure:
        step = answer.steps[-1]
        got = f"{step.verdict} ({step.refusal.code})" if step.refusal is not None else step.verdict
        return self._failure(happening.path, "", "accepted", got, why=tuple(answer.refusals))

    def _compared(self, stage: Stage, expectations: Sequence[Expectation], answers: dict[str, Answer]) -> Iterator[Failure]:
        number = stage.path[-1]
        title = f"steps[{number}] {stage.title}"
        for expected in expectations:
            answer = answers[expected.customer]
            missed = expected.check(answer)
            if missed is not None:
                names = Names(self.program)
                facts = names.explained(expected.status, answer) if expected.status else ()
                told = (missed.expected, missed.got, missed.delta)
                yield self._failure(expected.path, title, *told, why=tuple(answer.reasons), facts=facts)

    def _undelivered(self, stage: Stage, expectations: Sequence[Expectation], answers: dict[str, Answer]) -> Iterator[Failure]:
        """A signal that is refused fails the scenario, unless something is expected of the event that it became."""
        told = {expected.customer for expected in expectations if expected.key in ABOUT_EVENTS and expected.customer != stage.customer}
        for name, answer in answers.items():
            lost = next((step for step in answer.delivered if not step.accepted), None)
            if lost is not None and name not in told:
                why = f" ({lost.refusal.code})" if lost.refusal is not None else ""
                yield self._failure(stage.path, f"steps[{stage.path[-1]}] {stage.title}", f"a signal delivered to {name}", f"{lost.verdict}{why}")

    def _failure(self, path: Path, title: str, expected: str, got: str, delta: str = "", **told: Any) -> Failure:
        line, column = self.page.place(path, key=True, row=self.case.row)
        inside = path_text(path[len(self.case.path) :]) or path_text(path)
        return Failure(inside, expected, got, delta, line, column, title, **told)


def collect(source: str | PathLike[str], *, text: str | None = None, program: Programs | None = None) -> list[Planned]:
    """Every scenario of a file, bound to its programs. ``program`` goes in place of the file's own ``program:``.

    With ``text``, that is read and ``source`` only names it. Programs are looked for beside ``source``. ScenarioError
    carries every fault with its place; OSError where there is no such file.
    """
    place = FilePath(source)
    if text is None:
        with place.open("rb") as opened:
            content: str | bytes = opened.read(MAX_BYTES + 1)
    else:
        content = text
    file = read_scenarios(content, str(source), needs_program=program is None)
    given = (program,) if isinstance(program, Program) else program
    programs = [(one, one.id) for one in given] if given is not None else _loaded(file.page, file.programs, place.parent)
    planned = [
        replace(_planned(file.page, case, found, str(source), len(programs) > 1), document=at) for case in file.cases for found, at in programs
    ]
    if file.page.faults:
        raise file.page.error()
    return planned


def _planned(page: Page, case: Case, program: Program, source: str, several: bool) -> Planned:
    script = script_of(page, case, program)
    binder = Binder(page, case, program)
    expectations = tuple((stage, tuple(binder.expectations(stage))) for stage in script.stages)
    return Planned(case, program, source, page, script, expectations, several)


def _loaded(page: Page, paths: Sequence[tuple[str, Path]], folder: FilePath) -> list[tuple[Program, str]]:
    """The programs that a file names, with the paths of their documents; a program's own faults are told with their own places."""
    programs = []
    for text, path in paths:
        try:
            programs.append((load(folder / text), str(folder / text)))
        except DocumentError as error:
            page.faults += error.diagnostics
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            page.note(path, "wrong_type", expected="the path of a program, from this file", found=f"{text!r} ({reason})")
    return programs


def run(source: str | PathLike[str], *, text: str | None = None, program: Programs | None = None) -> list[ScenarioResult]:
    """Run every scenario of a file (or of ``text``) against its programs, or against those given. See ``collect`` for errors."""
    return [planned.run() for planned in collect(source, text=text, program=program)]


# -- the command line --------------------------------------------------------------------------------------------------


def main_test(
    paths: Sequence[str | PathLike[str]], lang: str = "en", format: Literal["text", "json"] = "text", coverage: Coverage | None = None
) -> tuple[str, int]:
    """What ``custrules test`` prints, and its exit code: 0 all passed, 1 failures, 2 something cannot be read, 5 nothing collected.

    With ``coverage``, what fired is noted there, and told in JSON.
    """
    if lang not in LANGUAGES:
        return f"there are words in {' and '.join(LANGUAGES)}, not in {lang!r}", 2
    files, faults = _found(paths)
    results: list[ScenarioResult] = []
    for file in files:
        try:
            results += [planned.run(coverage) for planned in collect(file)]
        except ScenarioError as error:
            faults.append(f"{file} {WORDS[lang]['faults']}\n{render_all(error.diagnostics, lang)}")
        except (OSError, MissingExtra) as error:
            faults.append(f"{file} {WORDS[lang]['faults']} {error}")
    code = 2 if faults else 5 if not results else int(not all(result.passed for result in results))
    return (_json(results, faults, coverage) if format == "json" else _text(results, faults, lang)), code


def _found(paths: Sequence[str | PathLike[str]]) -> tuple[list[FilePath], list[str]]:
    """Scenario files in folders, and files that are named; what is neither."""
    files: dict[FilePath, None] = {}
    faults = []
    for path in map(FilePath, paths):
        if path.is_dir():
            files |= dict.fromkeys(sorted(found for pattern in PATTERNS for found in path.rglob(pattern) if found.is_file()))
        elif path.is_file():
            files[path] = None
        else:
            faults.append(f"{path}: no such file or folder")
    return list(files), faults


def _text(results: Sequence[ScenarioResult], faults: Sequence[str], lang: str) -> str:
    told = [report(results, lang)] if results else [WORDS[lang]["none"]] if not faults else []
    return "\n".join([*faults, *told])


def _json(results: Sequence[ScenarioResult], faults: Sequence[str], coverage: Coverage | None) -> str:
    failed = sum(not result.passed for result in results)
    covered = {"coverage": [found.to_data() for found in coverage.covered()]} if coverage is not None else {}
    data = {
        **covered,
        "passed": len(results) - failed,
        "failed": failed,
        "results": [result.to_data() for result in results],
        "faults": list(faults),
    }
    return canonical(data).decode()
