"""What an event names is declared: activities with their attributes, readings, the fields of a profile, statuses with their levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from custrules.calendars import known_zone
from custrules.calendars.birthdays import GRAMMAR, read_birthday
from custrules.checking.amounts import fault
from custrules.counting import ActivityType, AttributeKind, attribute_value
from custrules.errors import CalendarError, Diagnostic
from custrules.event_fields import Scalar
from custrules.events import Activity, Enrolment, Opening, ProfileUpdate, Reading, TierGrant
from custrules.fields import describe
from custrules.policy import StatusFact
from custrules.rulebook import Rulebook
from custrules.validation import nearest

CALLED = {"money": "an amount", "number": "a number", "whole": "a whole number", "text": "text", "flag": "true or false", "date": "a date"}


def activity(rules: Rulebook, event: Activity) -> Iterator[Diagnostic]:
    """An activity is declared, and so are its attributes, each with a value of its kind."""
    activities = rules.parts.declared.activities
    declared = activities.get(event.name)
    if declared is None:
        yield fault("event.unknown_activity", "name", found=event.name, known=", ".join(activities), nearest=nearest(event.name, activities))
        return
    if event.quantity is not None and declared.unit is None:
        yield fault("event.unexpected_quantity", "quantity", activity=event.name)
    for name, value in event.attributes.items():
        yield from _attribute(rules, declared, event.name, name, value)


def reading(rules: Rulebook, event: Reading) -> Iterator[Diagnostic]:
    """A reading is declared, and its value is of its kind."""
    known = rules.parts.declared.readings
    if event.name not in known:
        yield fault("event.unknown_reading", "name", found=event.name, known=", ".join(known), nearest=nearest(event.name, known))
    else:
        yield from _value(rules, ("event.bad_reading", "value", event.name), event.value, known[event.name])


def _attribute(rules: Rulebook, declared: ActivityType, activity: str, name: str, value: Scalar) -> Iterator[Diagnostic]:
    kind = declared.attributes.get(name)
    if kind is None:
        known = declared.attributes
        near = nearest(name, known)
        yield fault("event.unknown_attribute", f"attributes.{name}", field=name, activity=activity, known=", ".join(known), nearest=near)
    else:
        yield from _value(rules, ("event.bad_attribute", f"attributes.{name}", name), value, kind)


def _value(rules: Rulebook, where: tuple[str, str, str], value: Scalar, kind: AttributeKind) -> Iterator[Diagnostic]:
    """A declared value is of its kind; an amount is in the program's currency. ``where``: code, path and name for the fault."""
    code, path, name = where
    currency = str(value).partition(" ")[2] if kind == "money" else ""
    if currency and currency != rules.currency:
        yield fault("event.other_currency", path, found=currency, expected=rules.currency)
        return
    try:
        attribute_value(value, kind, rules.scale)
    except (ValueError, KeyError):
        yield fault(code, path, field=name, expected=CALLED[kind], found=describe(value))


def profile(rules: Rulebook, event: Enrolment | ProfileUpdate | Opening) -> Iterator[Diagnostic]:
    """The fields of a profile are declared; each value is of its kind, and one of the choices where there are some."""
    for name, value in event.profile.items():
        path = f"profile.{name}"
        declared = rules.parts.profile.get(name)
        if name == "zone":
            if value is not None and (not isinstance(value, str) or known_zone(value) is None):
                yield fault("event.unknown_zone", path, found=describe(value))
        elif declared is None:
            known = [*rules.parts.profile, "zone"]
            yield fault("event.unknown_profile_field", path, field=name, known=", ".join(known), nearest=nearest(name, known))
        elif value is not None and declared.values and str(value) not in declared.values:
            choices = ", ".join(declared.values[:50])
            yield fault("event.unknown_choice", path, found=describe(value), choices=choices, nearest=nearest(str(value), declared.values))
        elif value is not None and declared.birthday:
            yield from _birthday(path, name, value)
        elif value is not None:
            yield from _value(rules, ("event.bad_profile_field", path, name), value, declared.kind)


def _birthday(path: str, name: str, value: Scalar) -> Iterator[Diagnostic]:
    try:
        read_birthday(value)
    except CalendarError as error:
        yield fault(error.diagnostics[0].code, path, **error.diagnostics[0].params)
    except ValueError:
        yield fault("event.bad_profile_field", path, field=name, expected=GRAMMAR, found=describe(value))


def grant(rules: Rulebook, event: TierGrant) -> Iterator[Diagnostic]:
    """A level that is granted is one of a ladder."""
    yield from level_of(ladders(rules), event.status, event.level, ("status", "level"))


def ladders(rules: Rulebook, brought: bool = False) -> dict[str, tuple[str, ...]]:
    """The levels of each status that is granted, and where they are ``brought`` from elsewhere, of those that are only brought."""
    given = (fact for fact in rules.given.values() if isinstance(fact, StatusFact))
    return {fact.status: fact.type.values for fact in given if fact.granted or (brought and fact.brought)}


def level_of(known: Mapping[str, tuple[str, ...]], status: str, level: str, paths: tuple[str, str]) -> Iterator[Diagnostic]:
    """A status is one of a ladder, and a level one of its levels. ``paths``: where the status and the level stand in the event."""
    levels = known.get(status)
    if levels is None:
        yield fault("event.unknown_status", paths[0], found=status, known=", ".join(known), nearest=nearest(status, known))
    elif level not in levels:
        yield fault("event.unknown_level", paths[1], found=level, known=", ".join(levels), nearest=nearest(level, levels))
