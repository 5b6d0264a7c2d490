"""The pytest plug-in: collects ``*.scenarios.yaml|yml|json``, one item for each scenario, row of examples and program.

It imports nothing of ours, and nothing that we depend on, until a scenario file is met.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from custrules.testing.scenario_report import ScenarioResult
    from custrules.testing.scenarios import Planned

PATTERNS = ["*.scenarios.yaml", "*.scenarios.yml", "*.scenarios.json"]
WITH_A_MEANING = ("skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("custrules_files", "globs of the scenario files that custrules collects", type="args", default=PATTERNS)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    if any(file_path.match(pattern) for pattern in parent.config.getini("custrules_files")):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


class ScenarioFile(pytest.File):
    """A scenario file; one that cannot be read is an error of collection that tells every fault with its place."""

    def collect(self) -> Iterator[ScenarioItem]:
        from custrules.errors import Faults, MissingExtra  # noqa: PLC0415  (whoever has no scenario files pays for nothing)
        from custrules.testing.scenarios import collect  # noqa: PLC0415  (the same)

        try:
            found = collect(self.path)
        except (Faults, MissingExtra) as error:
            raise self.CollectError(str(error)) from None
        return (ScenarioItem.from_parent(self, name=planned.name, planned=planned) for planned in found)


class ScenarioFailed(Exception):
    """A scenario whose expectations were not met; ``result`` tells which."""

    def __init__(self, result: ScenarioResult) -> None:
        super().__init__(result.name)
        self.result = result


class ScenarioItem(pytest.Item):
    """One scenario. Its tags are markers for ``-m`` (where they can be: words that mean nothing to pytest itself) and keywords for ``-k``."""

    def __init__(self, *, planned: Planned, **rest: Any) -> None:
        super().__init__(**rest)
        self.planned = planned
        self.extra_keyword_matches.update(planned.case.tags)
        for tag in planned.case.tags:
            self._mark(tag)

    def _mark(self, tag: str) -> None:
        """A marker, registered first, so that ``--strict-markers`` knows it."""
        if tag.isidentifier() and not tag.startswith("_") and tag not in WITH_A_MEANING:
            line = f"{tag}: a tag of scenarios"
            if line not in self.config.getini("markers"):
                self.config.addinivalue_line("markers", line)
            self.add_marker(tag)

    def runtest(self) -> None:
        result = self.planned.run()
        if not result.passed:
            raise ScenarioFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if not isinstance(excinfo.value, ScenarioFailed):
            return super().repr_failure(excinfo, style)
        from custrules.testing.scenario_report import failures_text  # noqa: PLC0415  (the same)

        result = excinfo.value.result
        return f"{result.source}:{result.line}: {result.name}\n{failures_text(result.failures)}"

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.planned.case.line - 1, self.name
