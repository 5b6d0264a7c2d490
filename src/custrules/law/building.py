"""A ``law:`` section -> the Law of the program, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from custrules.errors import Diagnostic, MoneyError
from custrules.fields import describe
from custrules.law.law import Law
from custrules.law.profile import LawProfile, LawSection
from custrules.law.shipped import PROFILES, shipped
from custrules.law.vocabulary import AMOUNT, RULES
from custrules.money import Money
from custrules.validation import nearest

Path = tuple[int | str, ...]


def law_of(section: LawSection, currency: str) -> tuple[Law | None, list[tuple[Path, Diagnostic]]]:
    """The law that a section names or writes out; None, and every fault at its path inside the section, where there are any."""
    faults = [*_faults(section, currency)]
    return (None, faults) if faults else (Law(section, _layers(section), currency), [])


def _layers(section: LawSection) -> list[LawProfile]:
    """The section's own profile, where it writes one out, and what it extends, the nearest first."""
    layers: list[LawProfile] = [section] if section.is_own else []
    name = section.extends if section.is_own else section.profile
    while name is not None:
        layers.append(shipped(name))
        name = layers[-1].extends
    return layers


def _faults(section: LawSection, currency: str) -> Iterator[tuple[Path, Diagnostic]]:
    if not section.is_own:
        yield from _unknown(section.profile, "profile")
        return
    if section.profile in PROFILES:
        yield ("profile",), Diagnostic("document.name_taken", params={"name": section.profile})
    unknown = [*_unknown(section.extends, "extends")] if section.extends is not None else []
    yield from unknown
    known = {*section.sources} | ({name for layer in _layers(section)[1:] for name in layer.sources} if not unknown else set())
    for place, entry in enumerate(section.rules):
        if entry.source not in known and not unknown:
            params = {"found": describe(entry.source), "known": ", ".join(sorted(known)), "nearest": nearest(entry.source, known)}
            yield ("rules", place, "source"), Diagnostic("document.unknown_source", params=params)
        if entry.effective_to is not None and entry.effective_to < entry.effective_from:
            params = {"first": entry.effective_from.isoformat(), "last": entry.effective_to.isoformat()}
            yield ("rules", place, "effective_to"), Diagnostic("document.rule_upside_down", params=params)
        if any((other.rule, other.effective_from) == (entry.rule, entry.effective_from) for other in section.rules[:place]):
            params = {"rule": entry.rule, "day": entry.effective_from.isoformat()}
            yield ("rules", place, "rule"), Diagnostic("document.rule_twice", params=params)
    yield from _amounts(section, section.currency or _currency_above(section, bool(unknown)) or currency)


def _unknown(name: str, field: str) -> Iterator[tuple[Path, Diagnostic]]:
    if name not in PROFILES:
        params = {"found": describe(name), "known": ", ".join(PROFILES), "nearest": nearest(name.upper(), PROFILES)}
        yield (field,), Diagnostic("document.unknown_law", params=params)


def _currency_above(section: LawSection, unknown: bool) -> str | None:
    return None if unknown else next((layer.currency for layer in _layers(section)[1:] if layer.currency), None)


def _amounts(section: LawSection, currency: str) -> Iterator[tuple[Path, Diagnostic]]:
    """Amounts have no more decimals than their currency."""
    for place, entry in enumerate(section.rules):
        if RULES[entry.rule] is AMOUNT:
            try:
                Money(entry.value, currency)
            except MoneyError as error:
                yield ("rules", place, "value"), Diagnostic("document.bad_money", params={"reason": str(error)})
