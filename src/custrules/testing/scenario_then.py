"""What is expected after a step: a subset match with exact numbers. Each key is bound to its meaning before anything is played."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pydantic_core import PydanticCustomError

from custrules.fields import describe, plain, rate_text, read_rate
from custrules.messages import LANGUAGES, render
from custrules.moment import Moment
from custrules.money import Money, Rounding, rounded
from custrules.policy import Reason, Touchpoint
from custrules.program import Program
from custrules.state import State, StatusValue
from custrules.testing.scenario_events import Stage
from custrules.testing.scenario_file import Case, Page, Path
from custrules.testing.scenario_run import Answer
from custrules.validation import nearest

LATER_KEYS = ("plan", "absent")
VERDICTS = ("accepted", "refused", "duplicate", "late")
ABOUT_EVENTS = ("refused", "declined", "verdict")
BUCKETS = ("pending", "held", "owed")
NONE, ABSENT = "none", "absent"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Expected one thing, got another; ``delta`` where both are numbers."""

    expected: str
    got: str
    delta: str = ""


Check = Callable[[Answer], Mismatch | None]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One key of a ``then``, bound to its meaning. ``status`` names the status that it is about, where it is about one."""

    path: Path
    key: str
    customer: str
    check: Check
    status: str = ""


class Names:
    """What can be read of a customer in one program: accounts, statuses and measures."""

    program: Program
    accounts: tuple[str, ...]
    aliases: tuple[str, ...]
    measures: tuple[str, ...]
    statuses: tuple[str, ...]

    def __init__(self, program: Program) -> None:
        rules = program.rulebook
        self.program, self.accounts = program, tuple(rules.accounts)
        self.aliases = (*self.accounts, *(("points",) if self.accounts and "points" not in self.accounts else ()))
        self.measures = tuple(rules.meters)
        self.statuses = tuple(dict.fromkeys(name for policy in program.policies for name in policy.writes()))

    def is_account(self, name: str) -> bool:
        head, dot, bucket = name.partition(".")
        return head in self.aliases and (not dot or bucket in BUCKETS)

    def is_measure(self, name: str) -> bool:
        head, _, rest = name.partition(".")
        return head == "measure" and rest in self.measures

    def is_status(self, name: str) -> bool:
        return name.partition(".")[0] in self.statuses

    @property
    def all(self) -> list[str]:
        buckets = [f"{name}.{bucket}" for name in self.aliases for bucket in BUCKETS]
        return [*self.aliases, *buckets, *self.statuses, *(f"measure.{name}" for name in self.measures)]

    # -- reading ---------------------------------------------------------------------------------------------------

    def balance(self, state: State, name: str) -> Any:
        """What can be spent of an account, or what one of its buckets holds."""
        return state.balance(name) if "." in name else state.points(name).available

    def measure(self, state: State, name: str) -> Any:
        """A measure as of the state's day: money as Money (an average half up), numbers exact; None where it is missing."""
        rules = self.program.rulebook
        if state.day is None:
            return None
        value = Moment(rules, state, state.day).value(name)
        if value is not None and rules.types[name].kind == "money":
            return Money.from_minor(rounded(Fraction(value), Rounding.half_up), rules.currency)  # type: ignore[arg-type]  # money is a number
        return value

    def facts_of(self, status: str, state: State) -> tuple[str, ...]:
        """The measures that the writer of a status reads, as they stand: what a failure about it is explained by."""
        readers = [policy for policy in self.program.policies if status in policy.writes()]
        names = {name for policy in readers for name in policy.reads() if name in self.measures}
        return tuple(f"measure.{name} = {shown(self.measure(state, name))}" for name in sorted(names))


def status_part(state: State, name: str) -> tuple[StatusValue | None, str]:
    """``tier``, ``tier.until``, ``complaint.c1``, ``complaint.c1.resolve_by``: the status that is meant, and the field of it."""
    status, *rest = name.split(".")
    subject, field = "", ""
    if len(rest) == 1 and (rest[0] in ("since", "until") or (status, rest[0]) not in state.statuses):
        field = rest[0]
    elif rest:
        subject, field = rest[0], ".".join(rest[1:])
    return state.statuses.get((status, subject)), field


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
            found.insert(0, Expectation((*stage.path, "when"), "verdict", stage.customer or "", _accepted))
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
        if key in LATER_KEYS:
            self.page.unavailable(path, f"the field '{key}'", self.case.row)
            return
        if key in ABOUT_EVENTS and not stage.happenings:
            self._note(path, "not_with", key=True, field=key, other=stage.title)
            return
        maker = _KEYS.get(key)
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
        elif self.names.is_measure(key):
            return self._measure(key.partition(".")[2], value, path)
        elif self.names.is_status(key):
            return lambda answer: _status_check(key, value, answer.shown)
        elif "." in key:
            known = self.names.all
            self._note(path, "unknown_choice", key=True, found=repr(key), choices=", ".join(known), nearest=nearest(key, known))
        else:
            return lambda answer: self._parameter(key, value, answer)
        return None

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
        return None if code is None else lambda answer: _refused_check(code, answer)

    def _declined(self, value: Any, path: Path) -> Check | None:
        code = self._code(value, path)
        return None if code is None else lambda answer: _declined_check(code, answer)

    def _because(self, value: Any, path: Path) -> Check | None:
        rows = [(value, path)] if isinstance(value, str) else [(item, (*path, index)) for index, item in enumerate(self._list(value, path))]
        codes = [self._code(item, place) for item, place in rows]
        return lambda answer: _because_check([code for code in codes if code is not None], answer)

    def _list(self, value: Any, path: Path) -> list[Any]:
        if isinstance(value, list) and value:
            return value
        self._note(path, "wrong_type", expected="one, or a list of them", found=describe(value))
        return []

    def _unchanged(self, value: Any, path: Path) -> Check | None:
        names = [value] if isinstance(value, str) else self._list(value, path)
        for index, name in enumerate(names):
            known = isinstance(name, str) and (self.names.is_account(name) or self.names.is_measure(name) or self.names.is_status(name))
            if not known:
                place = path if isinstance(value, str) else (*path, index)
                every = self.names.all
                self._note(place, "unknown_choice", found=describe(name), choices=", ".join(every), nearest=nearest(str(name), every))
        return lambda answer: _unchanged_check(self.names, names, answer)

    def _says(self, value: Any, path: Path) -> Check | None:
        said = self.page.mapping(value, path, "sentences by language: {en: ..., zh: ...}", self.case.row)
        self.page.only(said, path, LANGUAGES, row=self.case.row)
        texts = {language: str(text) for language, text in said.items() if language in LANGUAGES}
        return lambda answer: _says_check(texts, answer)

    def _verdict(self, value: Any, path: Path) -> Check | None:
        if value in VERDICTS:
            return lambda answer: _verdict_check(str(value), answer)
        self._note(path, "unknown_choice", found=describe(value), choices=", ".join(VERDICTS), nearest=nearest(str(value), VERDICTS))
        return None

    def _task(self, value: Any, path: Path) -> Check | None:
        if isinstance(value, str):
            return lambda answer: _task_check(value, answer)
        self._note(path, "wrong_type", expected="the template of a task", found=describe(value))
        return None


_KEYS: Mapping[str, Callable[[Binder, Any, Path], Check | None]] = {
    "refused": Binder._refused,
    "declined": Binder._declined,
    "because": Binder._because,
    "unchanged": Binder._unchanged,
    "says": Binder._says,
    "verdict": Binder._verdict,
    "task": Binder._task,
}


# -- comparing ---------------------------------------------------------------------------------------------------------


def number(value: object) -> Fraction | None:
    """The exact number that a value is or is written as; of money its amount; None for anything else."""
    if isinstance(value, Money):
        return Fraction(value.amount)
    if isinstance(value, bool) or not isinstance(value, int | Decimal | Fraction | str):
        return None
    try:
        text = value.removeprefix("-") if isinstance(value, str) else value
        found = read_rate(text)
    except PydanticCustomError:
        return None
    return -found if isinstance(value, str) and value.startswith("-") else found


def shown(value: object) -> str:
    """A value as a person writes it in a scenario."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return plain(value.amount)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Fraction):
        return rate_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def compared(expected: str, got: object) -> Mismatch | None:
    """Numbers by their value, everything else by its text; an amount that was kept as text with its currency, as an amount."""
    if expected == shown(got):
        return None
    wanted = number(expected)
    found = number(_amount_in(got))
    if wanted is None or found is None:
        return Mismatch(expected, shown(got))
    return None if wanted == found else Mismatch(expected, shown(got), _signed(found - wanted))


def _amount_in(got: object) -> object:
    """The amount of a text such as ``12.50 CNY``."""
    head, gap, currency = got.partition(" ") if isinstance(got, str) else ("", "", "")
    return head if gap and len(currency) == 3 and currency.isupper() else got


def _signed(delta: Fraction) -> str:
    return f"+{rate_text(delta)}" if delta > 0 else rate_text(delta)


# -- checks ------------------------------------------------------------------------------------------------------------


def _codes(reasons: list[Reason]) -> str:
    return ", ".join(dict.fromkeys(why.code for why in reasons)) or "nothing"


def _accepted(answer: Answer) -> Mismatch | None:
    """A step that says nothing about it expects its event to be accepted."""
    other = next((step for step in answer.steps if not step.accepted), None)
    if other is None:
        return None
    why = f" ({other.refusal.code})" if other.refusal is not None else ""
    return Mismatch("accepted", f"{other.verdict}{why}")


def _verdict_check(expected: str, answer: Answer) -> Mismatch | None:
    got = list(dict.fromkeys(step.verdict for step in answer.steps))
    return None if got == [expected] else Mismatch(expected, ", ".join(got) or "no event of this customer")


def _refused_check(code: str, answer: Answer) -> Mismatch | None:
    """The event was refused, and for this: the refusal, or any reason of the declines."""
    refused = [step for step in answer.steps if not step.accepted]
    if not refused:
        return Mismatch(f"refused: {code}", "accepted")
    reasons = [step.refusal for step in refused if step.refusal is not None]
    reasons += [why for step in refused for decision in step.decisions for why in decision.reasons]
    return None if code in {why.code for why in reasons} else Mismatch(f"refused: {code}", f"refused: {_codes(reasons)}")


def _declined_check(code: str, answer: Answer) -> Mismatch | None:
    declined = [why for decision in answer.decisions if decision.outcome == "DECLINED" for why in decision.reasons]
    return None if code in {why.code for why in declined} else Mismatch(f"declined: {code}", f"declined: {_codes(declined)}")


def _because_check(codes: list[str], answer: Answer) -> Mismatch | None:
    told = {why.code for why in answer.reasons}
    missing = [code for code in codes if code not in told]
    return Mismatch(", ".join(missing), _codes(answer.reasons)) if missing else None


def _unchanged_check(names: Names, wanted: list[str], answer: Answer) -> Mismatch | None:
    before = {key: value for name in wanted for key, value in _covered(names, name, answer.before).items()}
    after = {key: value for name in wanted for key, value in _covered(names, name, answer.shown).items()}
    changed = [key for key in dict.fromkeys((*before, *after)) if before.get(key) != after.get(key)]
    if not changed:
        return None
    told = [", ".join(f"{key} {shown(values.get(key))}" for key in changed) for values in (before, after)]
    first = changed[0]
    old, new = number(before.get(first)), number(after.get(first))
    delta = _signed(new - old) if len(changed) == 1 and old is not None and new is not None else ""
    return Mismatch(told[0], told[1], delta)


def _covered(names: Names, name: str, state: State) -> dict[str, Any]:
    """An account with its buckets, a status with its subjects and fields, or a measure."""
    if names.is_account(name):
        below = [name] if "." in name else [name, *(f"{name}.{bucket}" for bucket in BUCKETS)]
        return {key: names.balance(state, key) for key in below}
    if names.is_measure(name):
        return {name: names.measure(state, name.partition(".")[2])}
    if "." in name:
        held, field = status_part(state, name)
        return {name: str(held) if not field else _field_of(held, field)}
    return {f"{key[0]}.{key[1]}".rstrip("."): _told(held) for key, held in state.statuses.items() if key[0] == name}


def _told(held: StatusValue) -> str:
    data = "".join(f", {name} {shown(value)}" for name, value in sorted(held.data.items()))
    return f"{shown(held.value)} since {held.since} until {shown(held.until)}{data}"


def _field_of(held: StatusValue | None, field: str) -> Any:
    """A field of a status; None where there is no such status, or no such field."""
    if held is None:
        return None
    return getattr(held, field) if field in ("since", "until") else held.data.get(field)


def _status_check(key: str, value: str, state: State) -> Mismatch | None:
    held, field = status_part(state, key)
    if value == ABSENT:
        return Mismatch(ABSENT, _told(held)) if held is not None else None
    if field and field not in ("since", "until") and (held is None or field not in held.data):
        known = ("since", "until", *sorted(held.data if held is not None else ()))
        return None if value == NONE else Mismatch(value, f"there is no field {field!r}; known here: {', '.join(known)}")
    got = _field_of(held, field) if field else held.value if held is not None else None
    return compared(value, got)


def _says_check(texts: Mapping[str, str], answer: Answer) -> Mismatch | None:
    """A sentence of the step's reasons is this text, or contains it."""
    for language, text in texts.items():
        sentences = [render(why, language) for why in answer.reasons]
        if not any(text in sentence for sentence in sentences):
            return Mismatch(f"{language}: {text}", " / ".join(sentences) or "nothing")
    return None


def _task_check(template: str, answer: Answer) -> Mismatch | None:
    tasks = [effect.template for effect in answer.effects if isinstance(effect, Touchpoint) and effect.outcome == "task"]
    return None if template in tasks else Mismatch(template, ", ".join(tasks) or "no task")
