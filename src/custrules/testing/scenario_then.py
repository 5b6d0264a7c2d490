"""What is expected after a step: a subset match with exact numbers. Each key is bound to its meaning before anything is played."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from custrules.fields import describe
from custrules.messages import LANGUAGES
from custrules.program import Program
from custrules.testing import scenario_checks as checks
from custrules.testing.scenario_checks import PLANNED, Check
from custrules.testing.scenario_events import PLAN, Stage
from custrules.testing.scenario_file import Case, Page, Path
from custrules.testing.scenario_readings import NONE, Mismatch, Names, compared, number
from custrules.testing.scenario_run import Answer
from custrules.validation import nearest

VERDICTS = ("accepted", "refused", "duplicate", "late")
ABOUT_EVENTS = ("refused", "declined", "verdict")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One key of a ``then``, bound to its meaning. ``status`` names the status that it is about, where it is about one."""

    path: Path
    key: str
    customer: str
    check: Check
    status: str = ""


class Binder:
    """Binds the ``then`` of every stage; faults are noted on the page."""

    page: Page
    case: Case
    names: Names

    def __init__(self, page: Page, case: Case, program: Program) -> None:
        self.page, self.case, self.names = page, case, Names(program)

    def expectations(self, stage: Stage) -> list[Expectation]:
        path = (*stage.path, "then")
        found = [bound for key, value in stage.then.items() for bound in self._entry(stage, key, value, (*path, key))]
        told = {bound.key for bound in found}
        if stage.happenings and not told & {*ABOUT_EVENTS}:
            found.insert(0, Expectation((*stage.path, "when"), "verdict", stage.customer or "", checks.accepted))
        return found

    def _entry(self, stage: Stage, key: str, value: Any, path: Path) -> Iterator[Expectation]:
        if self.case.several and key in self.case.customers:
            inside = self.page.mapping(value, path, f"what is expected of {key}", self.case.row)
            for name, item in inside.items():
                yield from self._bound(stage, name, item, (*path, name), key)
        elif stage.customer is not None or not self.case.several:
            yield from self._bound(stage, key, value, path, stage.customer or next(iter(self.case.customers)))
        else:
            self._note(path, "unknown_choice", key=True, found=repr(key), choices=", ".join(self.case.customers))

    def _note(self, path: Path, code: str, /, *, key: bool = False, **params: object) -> None:
        self.page.note(path, code, key=key, row=self.case.row, **params)

    def _bound(self, stage: Stage, key: str, value: Any, path: Path, customer: str) -> Iterator[Expectation]:
        if key == PLAN and stage.plan is None:
            self._note(path, "not_with", key=True, field=key, other=stage.title)
            return
        if key in ABOUT_EVENTS and not stage.happenings and not self.case.several:
            self._note(path, "not_with", key=True, field=key, other=stage.title)
            return
        maker = OWN_KEYS.get(key)
        check = maker(self, value, path) if maker is not None else self._reading(key, value, path)
        if check is not None:
            status = key.partition(".")[0] if not self.names.is_account(key) and self.names.is_status(key) else ""
            yield Expectation(path, key, customer, check, status)

    # -- readings --------------------------------------------------------------------------------------------------

    def _reading(self, key: str, value: Any, path: Path) -> Check | None:
        if not isinstance(value, str):
            self._note(path, "wrong_type", expected=f"what {key} is, in one word or number", found=describe(value))
        elif self.names.is_account(key):
            return self._number(value, path, lambda answer: self.names.balance(answer.shown, key))
        elif self.names.is_measure(key) or self.names.is_output(key):
            return self._measure(key.removeprefix("measure."), value, path)
        elif self.names.is_next(key):
            return lambda answer: compared(value, self.names.next_ask(answer.shown, key))
        elif self.names.is_status(key):
            return lambda answer: self._status(key, value, answer)
        elif "." in key:
            known = self.names.all
            self._note(path, "unknown_choice", key=True, found=repr(key), choices=", ".join(known), nearest=nearest(key, known))
        else:
            return lambda answer: self._parameter(key, value, answer)
        return None

    def _status(self, key: str, value: str, answer: Answer) -> Mismatch | None:
        """A status; one of requests alone (``refund``), by its bare name, is a parameter of the step's reasons where they have one."""
        told = "." not in key and (key, "") not in answer.shown.statuses and any(key in why.params for why in answer.reasons)
        return self._parameter(key, value, answer) if told else checks.status(key, value, answer.shown, self.names.program.zone)

    def _number(self, value: str, path: Path, read: Callable[[Answer], Any]) -> Check | None:
        if number(value) is None:
            self._note(path, "wrong_type", expected="a number such as 12 or 12.50", found=describe(value))
            return None
        return lambda answer: compared(value, read(answer))

    def _measure(self, name: str, value: str, path: Path) -> Check | None:
        kind = self.names.program.rulebook.types[name].kind
        if value != NONE and kind in ("money", "number", "whole"):
            return self._number(value, path, lambda answer: self.names.measure(answer.shown, name))
        return lambda answer: compared(value, self.names.measure(answer.shown, name))

    def _parameter(self, key: str, value: str, answer: Answer) -> Mismatch | None:
        """A parameter of the step's reasons; where several carry it, any may match."""
        found = [why.params[key] for why in answer.reasons if key in why.params]
        if not found:
            told = sorted({name for why in answer.reasons for name in why.params})
            known = f"known here: {', '.join((*self.names.all, *told))}"
            return Mismatch(value, f"nothing is called {key!r}, and no reason of this step has a parameter of that name; {known}")
        mismatches = [compared(value, item) for item in found]
        return None if None in mismatches else mismatches[0]

    # -- keys of their own -----------------------------------------------------------------------------------------

    def _code(self, value: Any, path: Path) -> str | None:
        if isinstance(value, str) and "." in value:
            return value
        self._note(path, "wrong_type", expected="a reason code such as points.redemption.insufficient", found=describe(value))
        return None

    def _refused(self, value: Any, path: Path) -> Check | None:
        code = self._code(value, path)
        return None if code is None else lambda answer: checks.refused(code, answer)

    def _declined(self, value: Any, path: Path) -> Check | None:
        code = self._code(value, path)
        return None if code is None else lambda answer: checks.declined(code, answer)

    def _because(self, value: Any, path: Path) -> Check | None:
        rows = [(value, path)] if isinstance(value, str) else [(item, (*path, index)) for index, item in enumerate(self._list(value, path))]
        codes = [self._code(item, place) for item, place in rows]
        return lambda answer: checks.because([code for code in codes if code is not None], answer)

    def _list(self, value: Any, path: Path) -> list[Any]:
        if isinstance(value, list) and value:
            return value
        self._note(path, "wrong_type", expected="one, or a list of them", found=describe(value))
        return []

    def _unchanged(self, value: Any, path: Path) -> Check | None:
        names = [value] if isinstance(value, str) else self._list(value, path)
        for index, name in enumerate(names):
            readable = (self.names.is_account, self.names.is_measure, self.names.is_output, self.names.is_status)
            if not (isinstance(name, str) and any(test(name) for test in readable)):
                place = path if isinstance(value, str) else (*path, index)
                every = self.names.all
                self._note(place, "unknown_choice", found=describe(name), choices=", ".join(every), nearest=nearest(str(name), every))
        return lambda answer: checks.unchanged(self.names, names, answer)

    def _says(self, value: Any, path: Path) -> Check | None:
        said = self.page.mapping(value, path, "sentences by language: {en: ..., zh: ...}", self.case.row)
        self.page.only(said, path, LANGUAGES, row=self.case.row)
        texts = {language: str(text) for language, text in said.items() if language in LANGUAGES}
        return lambda answer: checks.says(texts, answer)

    def _verdict(self, value: Any, path: Path) -> Check | None:
        if value in VERDICTS:
            return lambda answer: checks.verdict(str(value), answer)
        self._note(path, "unknown_choice", found=describe(value), choices=", ".join(VERDICTS), nearest=nearest(str(value), VERDICTS))
        return None

    def _touchpoints(self, value: Any, path: Path) -> Check | None:
        names = self._names_of(value, path)
        return lambda answer: checks.touchpoints(names, answer)

    def _absent(self, value: Any, path: Path) -> Check | None:
        names = self._names_of(value, path)
        return lambda answer: checks.absent(names, answer)

    def _names_of(self, value: Any, path: Path) -> list[str]:
        """Templates or categories of touchpoints."""
        names = [value] if isinstance(value, str) else self._list(value, path)
        for index, name in enumerate(names):
            if not isinstance(name, str):
                place = path if isinstance(value, str) else (*path, index)
                self._note(place, "wrong_type", expected="the template or category of a touchpoint", found=describe(name))
        return [str(name) for name in names]

    def _task(self, value: Any, path: Path) -> Check | None:
        if isinstance(value, str):
            return lambda answer: checks.task(value, answer)
        self._note(path, "wrong_type", expected="the template of a task", found=describe(value))
        return None

    def _planned(self, value: Any, path: Path) -> Check | None:
        rows = self._list(value, path)
        for index, row in enumerate(rows):
            told = self.page.mapping(row, (*path, index), "an item of the plan: {day: 2026-05-05, trigger: birthday, outcome: send}", self.case.row)
            self.page.only(told, (*path, index), PLANNED, row=self.case.row)
        wanted = [row for row in rows if isinstance(row, Mapping)]
        return lambda answer: checks.planned(wanted, answer)


OWN_KEYS: Mapping[str, Callable[[Binder, Any, Path], Check | None]] = {
    "refused": Binder._refused,
    "declined": Binder._declined,
    "because": Binder._because,
    "unchanged": Binder._unchanged,
    "says": Binder._says,
    "verdict": Binder._verdict,
    "task": Binder._task,
    "absent": Binder._absent,
    "touchpoints": Binder._touchpoints,
    "plan": Binder._planned,
}
