"""What a customer of a scenario brings along: ``opening: {points: 1000, tier: gold}``, as the event that the program reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from custrules.calendars import ONE_DAY
from custrules.moving import openable
from custrules.program import Program
from custrules.testing.scenario_file import Page, Path
from custrules.validation import nearest

EVENT_FIELDS = ("at", "balances", "levels", "tallies", "complete", "joined", "profile")
Note = Callable[..., None]


def opening_data(program: Program, data: Mapping[str, Any], path: Path, page: Page, note: Note, day: date) -> dict[str, Any]:
    """The fields of the event: by what each name stands for, an account (with ``.owed``), a level or a measure; or as the event has them.

    Nothing else happened before, unless ``complete: false`` says so. A measure given as a mere number was counted on the day before.
    """
    event: dict[str, Any] = {"complete": True} | {name: value for name, value in data.items() if name in EVENT_FIELDS and name != "at"}
    parts: dict[str, dict[str, Any]] = {name: dict(_mapping(page, event.get(name, {}), (*path, name))) for name in ("balances", "levels", "tallies")}
    for name, value in data.items():
        if name not in EVENT_FIELDS and not _place(program, name, value, parts, day):
            _unknown(program, name, (*path, name), note)
    return event | {name: part for name, part in parts.items() if part}


def _mapping(page: Page, value: Any, path: Path) -> Mapping[str, Any]:
    return page.mapping(value, path, "a mapping of names to what is brought")


def _place(program: Program, name: str, value: Any, parts: dict[str, dict[str, Any]], day: date) -> bool:
    """Put what is told under the field that it belongs to; whether there is one."""
    rules = program.rulebook
    head, _, bucket = name.partition(".")
    if head == "measure" or name in openable(rules):
        measure = bucket if head == "measure" else name
        parts["tallies"][measure] = value if isinstance(value, Mapping) else {(day - ONE_DAY).isoformat(): value}
        return measure in openable(rules)
    if rules.resolve(head) in rules.stores and bucket in ("", "principal", "bonus", "owed"):
        return _place_value(bucket, value, parts["balances"].setdefault(head, {}))
    if rules.resolve(head) in rules.accounts and bucket in ("", "owed"):
        balance = parts["balances"].setdefault(head, {})
        told = value if isinstance(value, Mapping) else {"owed": value} if bucket else _lots(value)
        parts["balances"][head] = {**balance, **told}
        return True
    if name in _statuses(program):
        parts["levels"][name] = value
        return True
    return False


def _place_value(bucket: str, value: Any, balance: dict[str, Any]) -> bool:
    """Stored value is brought by its buckets: principal was paid, the bonus granted."""
    if isinstance(value, Mapping):
        balance |= value
    elif bucket == "owed":
        balance["owed"] = value
    else:
        source = {"source": "granted" if bucket == "bonus" else "paid"}
        balance["lots"] = [*balance.get("lots", []), *({**row, **source} for row in _lots(value).get("lots", []))]
    return True


def _lots(value: Any) -> dict[str, Any]:
    rows = value if isinstance(value, list) else [{"quantity": value}]
    return {} if value in ("0", 0) else {"lots": rows}


def _statuses(program: Program) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for policy in program.policies for name in policy.writes()))


def _unknown(program: Program, name: str, path: Path, note: Note) -> None:
    known = [*EVENT_FIELDS, *program.rulebook.accounts, *_statuses(program), *openable(program.rulebook)]
    note(path, "unknown_choice", key=True, found=repr(name), choices=", ".join(known), nearest=nearest(name, known))
