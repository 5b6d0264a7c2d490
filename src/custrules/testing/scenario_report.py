"""What came of scenarios, as data and as a text in English or Chinese whose columns stay aligned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custrules.messages import nearest_code, render
from custrules.messages.columns import padded, width
from custrules.policy import Reason

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "place": "place",
        "expected": "expected",
        "got": "got",
        "delta": "delta",
        "why": "why",
        "passed": "ok",
        "failed": "FAILED",
        "summary": "{total} scenarios: {passed} passed, {failed} failed",
        "none": "no scenarios found",
        "faults": "cannot be read:",
        "no_reason": "there is no reason {code}; is {near} meant?",
    },
    "zh": {
        "place": "位置",
        "expected": "预期",
        "got": "实际",
        "delta": "差额",
        "why": "原因",
        "passed": "通过",
        "failed": "失败",
        "summary": "测试用例 {total} 个：通过 {passed} 个，失败 {failed} 个",
        "none": "没有找到测试用例",
        "faults": "无法读取：",
        "no_reason": "没有原因代码 {code}，是不是 {near}？",
    },
}
LONGEST_COLUMN = 44


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met: where it stands (``path`` inside its scenario, ``line``, ``column``), what was expected and what was
    got, the difference of two numbers, and why: the reasons of the step's decisions, and the measures that a level is decided by."""

    path: str
    expected: str
    got: str
    delta: str = ""
    line: int = 0
    column: int = 0
    title: str = ""
    why: tuple[Reason, ...] = ()
    facts: tuple[str, ...] = ()

    def to_data(self) -> dict[str, Any]:
        names = ("path", "expected", "got", "delta", "line", "column", "title")
        told = {name: getattr(self, name) for name in names}
        return told | {"why": [why.to_data() for why in self.why], "facts": list(self.facts)}


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What came of one scenario (one row of its examples) against one program. ``line`` is its line in ``source``."""

    name: str
    program: str
    source: str
    line: int
    tags: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.failures

    def to_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names = ("name", "program", "source", "line", "passed")
        lists = {"tags": list(self.tags), "failures": [failure.to_data() for failure in self.failures]}
        return {name: getattr(self, name) for name in names} | lists


# -- as text -----------------------------------------------------------------------------------------------------------


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns; a cell that is too long does not widen its column, what follows it goes on."""
    widths = [max((width(row[place]) for row in rows if width(row[place]) <= LONGEST_COLUMN), default=0) for place in range(len(rows[0]))]
    return ["  ".join(padded(cell, columns) for cell, columns in zip(row, widths, strict=True)).rstrip() for row in rows]


def failures_text(failures: Sequence[Failure], lang: str = "en") -> str:
    """A table of failures under each step, then why."""
    lines: list[str] = []
    for title, group in _by_title(failures):
        lines += [f"{title}"] if title else []
        lines += [f"  {line}" for line in _table(group, lang)]
        lines += [f"  {WORDS[lang]['why']}: {line}" for line in _why(group, lang)]
    return "\n".join(lines)


def _by_title(failures: Sequence[Failure]) -> list[tuple[str, list[Failure]]]:
    groups: dict[str, list[Failure]] = {}
    for failure in failures:
        groups.setdefault(failure.title, []).append(failure)
    return list(groups.items())


def _table(failures: Sequence[Failure], lang: str) -> list[str]:
    words = WORDS[lang]
    head = [words[name] for name in ("place", "expected", "got", "delta")]
    rows = [[f"{failure.line}: {failure.path}", failure.expected, failure.got, failure.delta] for failure in failures]
    return aligned([head, *rows])


def _why(failures: Iterable[Failure], lang: str) -> list[str]:
    told = [line for failure in failures for line in (*(render(why, lang) for why in failure.why), *failure.facts, *_misspelt(failure, lang))]
    return list(dict.fromkeys(told))


def _misspelt(failure: Failure, lang: str) -> Iterator[str]:
    """Codes that were expected and that nobody has, each with the one that was probably meant."""
    if {"refused", "declined", "because"} & set(re.split(r"[.\[]", failure.path)):
        for code in re.findall(r"[a-z_]+(?:\.[a-z0-9_]+)+", failure.expected):
            if near := nearest_code(code):
                yield WORDS[lang]["no_reason"].format(code=code, near=near)


def report(results: Sequence[ScenarioResult], lang: str = "en") -> str:
    """All results by file, failures in full, and a last line that counts them."""
    words = WORDS[lang]
    lines: list[str] = []
    several = {result.source for result in results if len({other.program for other in results if other.source == result.source}) > 1}
    mark = max(width(words["passed"]), width(words["failed"]))
    for source in dict.fromkeys(result.source for result in results):
        lines.append(source)
        for result in (found for found in results if found.source == source):
            word = words["passed"] if result.passed else words["failed"]
            against = f" ({result.program})" if source in several else ""
            lines.append(f"  {padded(word, mark)}  {result.line}: {result.name}{against}")
            lines += [f"    {line}" for line in failures_text(result.failures, lang).splitlines()]
    failed = sum(not result.passed for result in results)
    lines.append(words["summary"].format(total=len(results), passed=len(results) - failed, failed=failed))
    return "\n".join(lines)
