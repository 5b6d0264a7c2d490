"""``diff``: what a document says differently than an earlier one, field by field, and what that means for states and history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from custrules.analysis.check.findings import day_of
from custrules.analysis.refusal import program_in
from custrules.errors import Diagnostic, Severity
from custrules.money import exactly
from custrules.policies.tiers import Ladder
from custrules.policy import Policy
from custrules.program import Program
from custrules.validation import path_text

Path = tuple[int | str, ...]
WORDS_ONLY = frozenset({"title", "note", "reference"})  # of a policy: they decide nothing
_HEAD = ("program", "title", "zone", "currency", "late", "returns")
_NAMED = ("profile", "activities", "calendar", "measures")
_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Change(Diagnostic):
    """One thing that the new document says differently: told like a Diagnostic, at its place in the new text.

    What is gone has its place in the old one. ``info`` is the change itself, ``warning`` what follows from it and is easily overlooked.
    """


@exactly
def diff(old: Program, new: Program, *, on: date | None = None) -> tuple[Change, ...]:
    """What changed from one program to the next, in the order of the new document; nothing where both say the same.

    With ``on``, versions that are new and begin before that day are told, and a version that had not begun by then may change freely.
    AnalysisError where it is no day, and for what is no program.
    """
    program_in(old, "old")
    program_in(new, "new")
    return tuple(_Comparison(old, new, day_of(on)).changes())


class _Comparison:
    old: Program
    new: Program
    on: date | None

    def __init__(self, old: Program, new: Program, on: date | None) -> None:
        self.old, self.new, self.on = old, new, on
        self.before, self.after = old.document_data(), new.document_data()

    def changes(self) -> Iterator[Change]:
        yield from self._head()
        for section in _NAMED:
            yield from self._fields(self.before.get(section, {}), self.after.get(section, {}), (section,), (section,))
        yield from self._measures()
        yield from self._policies()
        yield from self._fields(self.before.get("accept", []), self.after.get("accept", []), ("accept",), ("accept",))

    def _told(self, code: str, path: Path, severity: Severity = "info", /, *, gone: bool = False, **params: object) -> Change:
        program = self.old if gone else self.new
        texts = {name: str(value) for name, value in params.items()}
        return Change(code, path_text(path), texts, *program.place(path, key=True), severity)

    # -- the head and the sections ---------------------------------------------------------------------------------

    def _head(self) -> Iterator[Change]:
        for name in _HEAD:
            yield from self._value(self.before.get(name, _ABSENT), self.after.get(name, _ABSENT), (name,), (name,))
        for name in ("program", "currency"):
            if self.before[name] != self.after[name]:
                yield self._told("check.changed_for_states", (name,), "warning", field=name, before=self.before[name], after=self.after[name])

    def _measures(self) -> Iterator[Change]:
        """Measures that look back further than the states that are stored remember."""
        old, new = self.old.rulebook, self.new.rulebook
        for name, meter in new.meters.items():
            lacking = [counted.key for counted in meter.counted if counted.key not in old.tallies]
            if lacking:
                yield self._told("check.lacks_data", ("measures", name), "warning", name=name)
            elif any((meter.reach or 0) > old.retention[counted.key] for counted in meter.counted):
                held = min(old.retention[counted.key] for counted in meter.counted)
                yield self._told("check.window_grows", ("measures", name), "warning", name=name, reach=meter.reach, held=held)

    # -- policies --------------------------------------------------------------------------------------------------

    def _policies(self) -> Iterator[Change]:
        olds = {(policy.id, policy.effective_from): index for index, policy in enumerate(self.old.policies)}
        news = {(policy.id, policy.effective_from): index for index, policy in enumerate(self.new.policies)}
        for key, index in news.items():
            if key in olds:
                yield from self._version(olds[key], index)
            else:
                yield from self._new_version(self.new.policies[index], index)
        for key, index in olds.items():
            if key not in news:
                yield from self._lost_version(self.old.policies[index], index)
        yield from self._vanished()

    def _version(self, before: int, after: int) -> Iterator[Change]:
        policy = self.new.policies[after]
        changes = list(self._fields(self.before["policies"][before], self.after["policies"][after], ("policies", after), (policy.id,), before))
        yield from changes
        fields = {change.params["field"].removeprefix(f"{policy.id}.").partition(".")[0] for change in changes}
        began = self.on is None or policy.effective_from <= self.on
        if fields - WORDS_ONLY and began:
            yield self._told("check.version_rewritten", ("policies", after), "warning", id=policy.id, since=policy.effective_from)

    def _new_version(self, policy: Policy, index: int) -> Iterator[Change]:
        known = any(other.id == policy.id for other in self.old.policies)
        yield self._told(
            "check.version_added" if known else "check.policy_added", ("policies", index), id=policy.id, kind=policy.kind, since=policy.effective_from
        )
        if self.on is not None and policy.effective_from < self.on:
            yield self._told("check.begins_in_the_past", ("policies", index), "warning", id=policy.id, since=policy.effective_from, day=self.on)

    def _lost_version(self, policy: Policy, index: int) -> Iterator[Change]:
        known = any(other.id == policy.id for other in self.new.policies)
        code = "check.version_gone" if known else "check.policy_gone"
        yield self._told(code, ("policies", index), "warning", gone=True, id=policy.id, kind=policy.kind, since=policy.effective_from)

    def _vanished(self) -> Iterator[Change]:
        """Levels and accounts that somebody may hold."""
        levels = _levels(self.new)
        for (ladder, name), path in _levels(self.old).items():
            if (ladder, name) not in levels:
                yield self._told("check.level_gone", path, "warning", gone=True, level=name, ladder=ladder)
        accounts = self.new.rulebook.accounts
        for name, (unit, scale) in self.old.rulebook.accounts.items():
            index = next(index for index, policy in enumerate(self.old.policies) if policy.id == self.old.rulebook.kept_by[name])
            if name not in accounts:
                yield self._told("check.account_gone", ("policies", index), "warning", gone=True, account=name)
            elif accounts[name] != (unit, scale):
                found = f"{accounts[name][0]}, {accounts[name][1]}"
                yield self._told(
                    "check.changed_for_states", ("policies", index), "warning", gone=True, field=name, before=f"{unit}, {scale}", after=found
                )

    # -- field by field --------------------------------------------------------------------------------------------

    def _fields(self, before: Any, after: Any, path: Path, called: Path, old_index: int | None = None) -> Iterator[Change]:
        """Both are mappings, or lists; ``path`` is the place in the new text, ``called`` how people call it."""
        olds, news = dict(_parts(before)), dict(_parts(after))
        for key in [*news, *(key for key in olds if key not in news)]:
            step, inner = news.get(key, olds.get(key, (key, None)))
            one, other = olds.get(key, (key, _ABSENT))[1], news.get(key, (key, _ABSENT))[1]
            yield from self._value(one, inner if key in news else other, (*path, step), (*called, key), old_index)

    def _value(self, before: Any, after: Any, path: Path, called: Path, old_index: int | None = None) -> Iterator[Change]:
        if before == after:
            return
        if (isinstance(before, Mapping) and isinstance(after, Mapping)) or (isinstance(before, list) and isinstance(after, list)):
            yield from self._fields(before, after, path, called, old_index)
            return
        field = path_text(called)
        if before is _ABSENT:
            yield self._told("check.field_added", path, field=field, after=_flow(after))
        elif after is _ABSENT:
            old = ("policies", old_index, *path[2:]) if old_index is not None else path
            yield self._told("check.field_gone", old, gone=True, field=field, before=_flow(before))
        else:
            yield self._told("check.field_changed", path, field=field, before=_flow(before), after=_flow(after))


def _levels(program: Program) -> dict[tuple[str, str], Path]:
    found: dict[tuple[str, str], Path] = {}
    ladders = [(index, policy) for index, policy in enumerate(program.policies) if isinstance(policy, Ladder)]
    for index, ladder in ladders:
        for rank, level in enumerate(ladder.levels):
            for called in (level.name, *level.was):
                found.setdefault((ladder.id, called), ("policies", index, "levels", rank))
    return found


def _parts(value: Any) -> Iterator[tuple[int | str, tuple[int | str, Any]]]:
    """The parts of a mapping or a list: how people call each, its step in the text, and itself. Entries that have names go by them."""
    if isinstance(value, Mapping):
        yield from ((key, (key, part)) for key, part in value.items())
        return
    names = [str(part["name"]) for part in value if isinstance(part, Mapping) and "name" in part]
    named = len(set(names)) == len(value)
    for index, part in enumerate(value):
        yield names[index] if named else index, (index, part)


def _flow(value: Any) -> str:
    """A value on one line, as documents write it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flow(part) for part in value) + "]"
    return str(value)
