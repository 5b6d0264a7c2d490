"""What is wrong with a trigger inside its program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from custrules.calendars.festivals import FESTIVALS
from custrules.errors import Diagnostic
from custrules.policy import Known
from custrules.validation import nearest

if TYPE_CHECKING:
    from custrules.policies.care.trigger import Trigger

OF_BIRTHDAYS = ("lunar_leap", "lunar_day30", "calendar", "sentinels")
KNOWN_ENDS = ("birthday", "level_end", "tier.until")


def faults_of(trigger: Trigger, known: Known) -> Iterator[Diagnostic]:
    found = list(trigger.occasion.faults())
    yield from found
    if found:
        return
    yield from _birthdays(trigger, known)
    yield from _names(trigger, known)
    yield from _fields(trigger)
    yield from _solemn(trigger)


def _birthdays(trigger: Trigger, known: Known) -> Iterator[Diagnostic]:
    about = trigger.occasion.birthday or trigger.occasion.before == "birthday"
    if about and known.birthday is None:
        yield Diagnostic("care.no_birthday", "occasion")
    if not about:
        for name in OF_BIRTHDAYS:
            if name in trigger.model_fields_set:
                yield Diagnostic("document.not_with", name, {"field": name, "other": trigger.occasion.kind})
    if "feb29" in trigger.model_fields_set and not about and trigger.occasion.anniversary is None:
        yield Diagnostic("document.not_with", "feb29", {"field": "feb29", "other": trigger.occasion.kind})
    if "day31" in trigger.model_fields_set and not _of_months(trigger):
        yield Diagnostic("document.not_with", "day31", {"field": "day31", "other": trigger.occasion.kind})


def _of_months(trigger: Trigger) -> bool:
    """Whether it is kept in other months than that of the day itself."""
    return trigger.occasion.anniversary is not None and trigger.occasion.interval.months % 12 > 0


def _names(trigger: Trigger, known: Known) -> Iterator[Diagnostic]:
    occasion = trigger.occasion
    if occasion.kind == "every" and occasion.every not in known.calendar:
        yield _unknown("care.unknown_day", "occasion.every", occasion.every or "", known.calendar)
    if occasion.anniversary is not None:
        yield from _anchor(occasion.anniversary, known)
    if occasion.before is not None:
        yield from _end(occasion.before, known)
    if occasion.status is not None and occasion.status not in known.facts:
        yield _unknown("document.unknown_fact", "occasion.status", occasion.status, known.facts, "fact")
    elif occasion.status is not None and known.facts[occasion.status].kind not in ("level", "text"):
        found = known.facts[occasion.status].kind
        yield Diagnostic("document.fact_of_other_kind", "occasion.status", {"fact": occasion.status, "found": found, "expected": "a level or a text"})
    if (occasion.reachable is not None or occasion.before in ("level_end", "tier.until")) and not known.levels:
        yield Diagnostic("care.no_levels", "occasion")


def _anchor(name: str, known: Known) -> Iterator[Diagnostic]:
    dates = [fact for fact, kind in known.facts.items() if kind.kind == "date"]
    if name.startswith("first_") and name not in dates:
        event = name.removeprefix("first_")
        if event not in known.events:
            yield _unknown("care.unknown_event", "occasion.anniversary", event, known.events)
    elif name not in dates:
        yield _unknown("care.unknown_date", "occasion.anniversary", name, [*dates, "first_purchase"])


def _end(name: str, known: Known) -> Iterator[Diagnostic]:
    dates = [fact for fact, kind in known.facts.items() if kind.kind == "date"]
    bonus = ["bonus_expiry"] if any(policy.kind == "stored_value.account" for policy in known.policies) else []
    ends = [*KNOWN_ENDS, *dates, *(f"{account}_expiry" for account in known.accounts), *bonus]
    if name not in ends:
        yield _unknown("care.unknown_date", "occasion.before", name, ends)


def _unknown(code: str, path: str, name: str, known: Iterable[str], param: str = "name") -> Diagnostic:
    names = sorted(known)
    return Diagnostic(code, path, {param: name, "known": ", ".join(names), "nearest": nearest(name, names)})


def _fields(trigger: Trigger) -> Iterator[Diagnostic]:
    if trigger.belated is not None and trigger.grace is None:
        yield Diagnostic("care.belated_without_grace", "belated")
    if trigger.occasion.kind in ("visit_every", "reachable") and trigger.grace is not None:
        yield Diagnostic("document.not_with", "grace", {"field": "grace", "other": trigger.occasion.kind})


def _solemn(trigger: Trigger) -> Iterator[Diagnostic]:
    """Nobody is greeted on a solemn festival by mistake."""
    named = [name for name in trigger.occasion.festival or () if FESTIVALS[name].solemn]
    if named and not trigger.solemn and trigger.purpose != "service":
        yield Diagnostic("care.solemn_festival", "occasion.festival", {"festival": ", ".join(named)})
