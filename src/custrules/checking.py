"""Whether an event fits a program: its currency, and that what it names is declared. Every fault is found, each with its path."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from custrules.calendars import known_zone
from custrules.counting import ActivityType, AttributeKind, attribute_value
from custrules.errors import Diagnostic
from custrules.event_fields import Scalar
from custrules.events import Activity, Adjustment, AnyEvent, Enrolment, ProfileUpdate, Purchase, Reading, Redemption, Return, TierGrant
from custrules.fields import describe
from custrules.policy import StatusFact
from custrules.rulebook import Rulebook
from custrules.validation import nearest

CALLED = {"money": "an amount", "number": "a number", "whole": "a whole number", "text": "text", "flag": "true or false", "date": "a date"}


def faults_of(rules: Rulebook, event: AnyEvent) -> list[Diagnostic]:
    """Everything that keeps an event from being one of this program's; nothing, for most events, and cheaply so."""
    if isinstance(event, Purchase):
        return [*_purchase(rules, event)] if event.tenders or event.amount.currency != rules.currency else []
    if isinstance(event, Return):
        return [*_amounts(rules, [("amount", event.amount), *((f"lines[{place}].amount", line.amount) for place, line in enumerate(event.lines))])]
    if isinstance(event, Activity):
        return [*_activity(rules, event)]
    if isinstance(event, Reading):
        return [*_reading(rules, event)]
    if isinstance(event, Enrolment | ProfileUpdate):
        return [*_profile(rules, event)]
    if isinstance(event, Redemption):
        return [*_quantity(rules, event.account or "points", event.points, "points")] if event.points is not None else []
    if isinstance(event, Adjustment):
        return [*_adjustment(rules, event)]
    return [*_grant(rules, event)] if isinstance(event, TierGrant) else []


def _fault(code: str, path: str, **params: object) -> Diagnostic:
    return Diagnostic(code, path, {name: str(value)[:500] for name, value in params.items()})


# -- amounts and quantities --------------------------------------------------------------------------------------------


def _purchase(rules: Rulebook, event: Purchase) -> Iterator[Diagnostic]:
    if event.amount.currency != rules.currency:  # one event, one currency: that is checked when it is read
        yield from _amounts(rules, [*_named_amounts(event)] or [("amount", event.amount)])
    for place, tender in enumerate(event.tenders):
        if tender.quantity is not None:
            yield from _quantity(rules, "points", tender.quantity, f"tenders[{place}].quantity")


def _named_amounts(event: Purchase) -> Iterator[tuple[str, Any]]:
    """The amounts that the event itself was given, not the one that is filled in."""
    for name in ("amount", "list_amount"):
        if name in event.model_fields_set:
            yield name, getattr(event, name)
    for place, line in enumerate(event.lines):
        for name in ("amount", "list_amount", "cost"):
            yield f"lines[{place}].{name}", getattr(line, name)
    for place, tender in enumerate(event.tenders):
        yield f"tenders[{place}].amount", tender.amount


def _amounts(rules: Rulebook, named: list[tuple[str, Any]]) -> Iterator[Diagnostic]:
    for path, amount in named:
        if amount is not None and amount.currency != rules.currency:
            yield _fault("event.other_currency", path, found=amount.currency, expected=rules.currency)


def _quantity(rules: Rulebook, account: str, quantity: Decimal, path: str) -> Iterator[Diagnostic]:
    """A quantity of points has no more decimals than its account."""
    known = rules.accounts.get(rules.resolve(account.partition(".")[0]))
    if known is not None and -decimals(quantity) > known[1]:
        yield _fault("event.too_many_decimals", path, found=quantity, account=account, most=known[1])


def decimals(quantity: Decimal) -> int:
    """The exponent of a quantity's last digit that is not zero (-2: two decimals); exact whatever the host's decimal context is."""
    _, digits, exponent = quantity.as_tuple()
    assert isinstance(exponent, int)
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return exponent + zeros if any(digits) else 0


def _adjustment(rules: Rulebook, event: Adjustment) -> Iterator[Diagnostic]:
    """Adjustments are made to an account; what is pending, held or owed follows from its rules."""
    if rules.resolve(event.account) not in rules.accounts:
        known = list(rules.accounts)
        yield _fault("event.unknown_account", "account", found=event.account, known=", ".join(known), nearest=nearest(event.account, known))
        return
    yield from _quantity(rules, event.account, event.quantity, "quantity")


# -- names -------------------------------------------------------------------------------------------------------------


def _activity(rules: Rulebook, event: Activity) -> Iterator[Diagnostic]:
    activities = rules.parts.declared.activities
    declared = activities.get(event.name)
    if declared is None:
        yield _fault("event.unknown_activity", "name", found=event.name, known=", ".join(activities), nearest=nearest(event.name, activities))
        return
    if event.quantity is not None and declared.unit is None:
        yield _fault("event.unexpected_quantity", "quantity", activity=event.name)
    for name, value in event.attributes.items():
        yield from _attribute(rules, declared, event.name, name, value)


def _reading(rules: Rulebook, event: Reading) -> Iterator[Diagnostic]:
    known = rules.parts.declared.readings
    if event.name not in known:
        yield _fault("event.unknown_reading", "name", found=event.name, known=", ".join(known), nearest=nearest(event.name, known))
    else:
        yield from _value(rules, ("event.bad_reading", "value", event.name), event.value, known[event.name])


def _attribute(rules: Rulebook, declared: ActivityType, activity: str, name: str, value: Scalar) -> Iterator[Diagnostic]:
    kind = declared.attributes.get(name)
    if kind is None:
        known = declared.attributes
        near = nearest(name, known)
        yield _fault("event.unknown_attribute", f"attributes.{name}", field=name, activity=activity, known=", ".join(known), nearest=near)
    else:
        yield from _value(rules, ("event.bad_attribute", f"attributes.{name}", name), value, kind)


def _value(rules: Rulebook, where: tuple[str, str, str], value: Scalar, kind: AttributeKind) -> Iterator[Diagnostic]:
    """A declared value is of its kind; an amount is in the program's currency. ``where``: code, path and name for the fault."""
    code, path, name = where
    currency = str(value).partition(" ")[2] if kind == "money" else ""
    if currency and currency != rules.currency:
        yield _fault("event.other_currency", path, found=currency, expected=rules.currency)
        return
    try:
        attribute_value(value, kind, rules.scale)
    except (ValueError, KeyError):
        yield _fault(code, path, field=name, expected=CALLED[kind], found=describe(value))


def _profile(rules: Rulebook, event: Enrolment | ProfileUpdate) -> Iterator[Diagnostic]:
    for name, value in event.profile.items():
        path = f"profile.{name}"
        declared = rules.parts.profile.get(name)
        if name == "zone":
            if value is not None and (not isinstance(value, str) or known_zone(value) is None):
                yield _fault("event.unknown_zone", path, found=describe(value))
        elif declared is None:
            known = [*rules.parts.profile, "zone"]
            yield _fault("event.unknown_profile_field", path, field=name, known=", ".join(known), nearest=nearest(name, known))
        elif value is not None and declared.values and str(value) not in declared.values:
            choices = ", ".join(declared.values[:50])
            yield _fault("event.unknown_choice", path, found=describe(value), choices=choices, nearest=nearest(str(value), declared.values))
        elif value is not None:
            yield from _value(rules, ("event.bad_profile_field", path, name), value, declared.kind)


def _grant(rules: Rulebook, event: TierGrant) -> Iterator[Diagnostic]:
    ladders = {given.status: given.type.values for given in rules.given.values() if isinstance(given, StatusFact) and given.type.kind == "level"}
    levels = ladders.get(event.status)
    if levels is None:
        yield _fault("event.unknown_status", "status", found=event.status, known=", ".join(ladders), nearest=nearest(event.status, ladders))
    elif event.level not in levels:
        yield _fault("event.unknown_level", "level", found=event.level, known=", ".join(levels), nearest=nearest(event.level, levels))
