"""What is wrong with a flag inside its program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from custrules.errors import Diagnostic
from custrules.facts import FactType
from custrules.policies.churn.cells import band_faults
from custrules.policies.churn.levels import level_faults
from custrules.policies.churn.signals import Signal
from custrules.policy import Known
from custrules.validation import nearest

if TYPE_CHECKING:
    from custrules.policies.churn.flag import Flag

NUMBER, WHOLE = FactType("number"), FactType("whole")


def flag_faults(flag: Flag, known: Known) -> Iterator[Diagnostic]:
    """Every fault, at paths that begin at the flag's fields."""
    yield from flag.evaluate.faults()
    yield from level_faults(flag.levels)
    for index, signal in enumerate(flag.signals):
        path = f"signals[{index}]"
        yield from signal.faults(path)
        yield from _level(flag, signal, path)
        yield from _facts(signal, path, known)
        yield from _cells(signal, path, known)
    for index, action in enumerate(flag.actions):
        yield from action.faults(f"actions[{index}]")


def _level(flag: Flag, signal: Signal, path: str) -> Iterator[Diagnostic]:
    if signal.level not in flag.names:
        params = {"found": signal.level, "known": ", ".join(flag.names), "nearest": nearest(signal.level, flag.names)}
        yield Diagnostic("document.unknown_level", f"{path}.level", params)


def _facts(signal: Signal, path: str, known: Known) -> Iterator[Diagnostic]:
    """The facts that a signal names are there, and of the right kind."""
    for field in ("score", "usage", "external", "ends"):
        name = getattr(signal, field)
        if name is None:
            continue
        kind = known.facts.get(name)
        if field == "external":
            yield from _external(name, f"{path}.external", known)
        elif kind is None:
            params = {"fact": name, "nearest": nearest(name, known.facts), "known": ", ".join(sorted(known.facts))}
            yield Diagnostic("document.unknown_fact", f"{path}.{field}", params)
        elif field == "ends" and kind.kind != "date":
            yield Diagnostic("document.fact_of_other_kind", f"{path}.ends", {"fact": name, "found": kind.kind, "expected": "date"})
    names = (*known.accounts, *(name for name, form in known.stores.items() if form != "period"), *known.readings)
    if signal.balance is not None and signal.balance not in names:
        params = {"account": signal.balance, "known": ", ".join(names), "nearest": nearest(signal.balance, names)}
        yield Diagnostic("document.unknown_account", f"{path}.balance", params)


def _external(name: str, path: str, known: Known) -> Iterator[Diagnostic]:
    """A score of somebody else's is a reading that says for how long it looks ahead. What cannot be read at all is told elsewhere."""
    if name not in known.readings and name in known.events:
        params = {"found": name, "known": ", ".join(known.readings) or "none", "nearest": nearest(name, known.readings)}
        yield Diagnostic("document.unknown_reading", path, params)
    elif name in known.readings and known.readings[name] is None:
        yield Diagnostic("document.no_horizon", path, {"reading": name})


def _cells(signal: Signal, path: str, known: Known) -> Iterator[Diagnostic]:
    """Every cell fits what it is about."""
    fact = signal.score or signal.usage or signal.external
    kind = known.facts.get(fact or "")
    if signal.band is not None and kind is not None:
        yield from band_faults(signal.band, fact or "", kind, f"{path}.band")
    amounts = FactType("money", scale=known.scale) if signal.decline in ("spend", "margin") else NUMBER
    for field, of in (("ratio", NUMBER), ("month_average_ratio", NUMBER), ("base", amounts)):
        cell = getattr(signal, field)
        if cell is not None:
            yield from band_faults(cell, field, of, f"{path}.{field}")
    for cell, _ in signal.cells:
        yield from band_faults(cell, signal.of or "", WHOLE, f"{path}.bands")
