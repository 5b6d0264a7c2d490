"""Whether an event fits a program: its currency, and that what it names is declared. Every fault is found, each with its path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from custrules.adopting import check_state
from custrules.brought import unpacked
from custrules.calendars import known_zone, local_day
from custrules.calendars.birthdays import GRAMMAR, read_birthday
from custrules.counting import ActivityType, AttributeKind, attribute_value
from custrules.errors import CalendarError, Diagnostic, MoneyError, StateError
from custrules.event_fields import Scalar
from custrules.event_parts import MovedLot, OpenedBalance
from custrules.events import (
    Activity,
    Adjustment,
    AnyEvent,
    CardUpdate,
    Chargeback,
    ComplaintUpdate,
    Enrolment,
    Hold,
    Merge,
    Opening,
    ProfileUpdate,
    Purchase,
    Reading,
    Redemption,
    Return,
    TierGrant,
    TopUp,
    Transfer,
    Visit,
)
from custrules.fields import describe, plain
from custrules.handing_over import wrong_card
from custrules.ledger import MAX_UNITS, Account
from custrules.money import from_units
from custrules.moving import openable, opened_units
from custrules.policy import StatusFact
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.validation import nearest

CALLED = {"money": "an amount", "number": "a number", "whole": "a whole number", "text": "text", "flag": "true or false", "date": "a date"}


def faults_of(rules: Rulebook, event: AnyEvent) -> list[Diagnostic]:
    """Everything that keeps an event from being one of this program's; nothing, for most events, and cheaply so."""
    if isinstance(event, Purchase):
        return [*_purchase(rules, event)] if event.tenders or event.amount.currency != rules.currency else []
    if isinstance(event, Return):
        return [*_amounts(rules, [("amount", event.amount), *((f"lines[{place}].amount", line.amount) for place, line in enumerate(event.lines))])]
    if isinstance(event, TopUp | Chargeback | CardUpdate | Visit) or (isinstance(event, Hold) and event.points is None):
        return [*_stored_value(rules, event)]
    if isinstance(event, Activity):
        return [*_activity(rules, event)]
    if isinstance(event, Reading):
        return [*_reading(rules, event)]
    if isinstance(event, Transfer):
        return [*_transfer(rules, event)]
    if isinstance(event, Opening):
        return [*_opening(rules, event), *_profile(rules, event)]
    if isinstance(event, Merge):
        return [*_merge(rules, event)] if event.of is not None else []
    if isinstance(event, Enrolment | ProfileUpdate):
        return [*_profile(rules, event)]
    if isinstance(event, Redemption | Hold):
        return [*_quantity(rules, event.account or "points", event.points, "points")] if event.points is not None else []
    if isinstance(event, Adjustment):
        return [*_adjustment(rules, event)]
    if isinstance(event, ComplaintUpdate):
        return [*_amounts(rules, [("credit", event.credit)])]
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


def _stored_value(rules: Rulebook, event: TopUp | Chargeback | CardUpdate | Visit | Hold) -> Iterator[Diagnostic]:
    if isinstance(event, TopUp):
        yield from _top_up(rules, event)
    elif isinstance(event, Hold):
        yield from _held_value(rules, event)
    elif isinstance(event, Chargeback):
        yield from _amounts(rules, [("amount", event.amount)])
    elif isinstance(event, CardUpdate):
        yield from _store_name(rules, event.account)
    elif event.used is not None:
        yield from _store_quantity(rules, event.of or "", event.used, "used")


def _held_value(rules: Rulebook, event: Hold) -> Iterator[Diagnostic]:
    yield from _amounts(rules, [("amount", event.amount), ("list_amount", event.list_amount)])
    if event.used is not None:
        yield from _store_quantity(rules, event.account or "stored_value", event.used, "used")


def _top_up(rules: Rulebook, event: TopUp) -> Iterator[Diagnostic]:
    amounts = [("amount", event.amount), ("list_price", event.list_price)]
    amounts += [(f"gifts[{place}].value", gift.value) for place, gift in enumerate(event.gifts)]
    yield from _amounts(rules, amounts + [(f"tenders[{place}].amount", tender.amount) for place, tender in enumerate(event.tenders)])
    yield from _store_name(rules, event.account)
    account = event.account or "stored_value"
    for name in ("paid", "given"):
        quantity = getattr(event, name)
        if quantity is not None:
            yield from _store_quantity(rules, account, quantity, name)


def _store_name(rules: Rulebook, account: str | None) -> Iterator[Diagnostic]:
    if account is not None and rules.resolve(account) not in rules.stores:
        known = list(rules.stores)
        yield _fault("event.unknown_account", "account", found=account, known=", ".join(known), nearest=nearest(account, known))


def _store_quantity(rules: Rulebook, account: str, quantity: Decimal, path: str) -> Iterator[Diagnostic]:
    """A quantity of stored value has no more decimals than its account."""
    known = rules.stores.get(rules.resolve(account))
    if known is not None and -decimals(quantity) > known.scale:
        yield _fault("event.too_many_decimals", path, found=quantity, account=account, most=known.scale)


def _quantity(rules: Rulebook, account: str, quantity: Decimal, path: str) -> Iterator[Diagnostic]:
    """A quantity of points has no more decimals than its account, and is less than what one lot may hold."""
    known = rules.accounts.get(rules.resolve(account.partition(".")[0]))
    if known is None:
        return
    if -decimals(quantity) > known[1]:
        yield _fault("event.too_many_decimals", path, found=quantity, account=account, most=known[1])
    most = from_units(MAX_UNITS, known[1])
    if quantity.copy_abs() >= most:
        yield _fault("event.too_many_points", path, found=quantity, account=account, most=plain(most))


def decimals(quantity: Decimal) -> int:
    """The exponent of a quantity's last digit that is not zero (-2: two decimals); exact whatever the host's decimal context is."""
    _, digits, exponent = quantity.as_tuple()
    assert isinstance(exponent, int)
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return exponent + zeros if any(digits) else 0


def _adjustment(rules: Rulebook, event: Adjustment) -> Iterator[Diagnostic]:
    """Adjustments are made to an account; what is pending, held or owed follows from its rules."""
    head, _, bucket = event.account.partition(".")
    store = rules.stores.get(rules.resolve(head))
    if store is not None and store.form != "period" and bucket in ("principal", "bonus"):
        yield from _store_quantity(rules, head, event.quantity, "quantity")
        return
    if rules.resolve(event.account) not in rules.accounts:
        known = [*rules.accounts, *(f"{name}.{bucket}" for name in rules.stores for bucket in ("principal", "bonus"))]
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


def _profile(rules: Rulebook, event: Enrolment | ProfileUpdate | Opening) -> Iterator[Diagnostic]:
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
        elif value is not None and declared.birthday:
            yield from _birthday(path, name, value)
        elif value is not None:
            yield from _value(rules, ("event.bad_profile_field", path, name), value, declared.kind)


def _birthday(path: str, name: str, value: Scalar) -> Iterator[Diagnostic]:
    try:
        read_birthday(value)
    except CalendarError as error:
        yield _fault(error.diagnostics[0].code, path, **error.diagnostics[0].params)
    except ValueError:
        yield _fault("event.bad_profile_field", path, field=name, expected=GRAMMAR, found=describe(value))


def _grant(rules: Rulebook, event: TierGrant) -> Iterator[Diagnostic]:
    yield from _level(rules, event.status, "status", event.level, "level")


def _level(rules: Rulebook, status: str, status_path: str, level: str, path: str, brought: bool = False) -> Iterator[Diagnostic]:
    ladders = {
        given.status: given.type.values
        for given in rules.given.values()
        if isinstance(given, StatusFact) and (given.granted or (brought and given.brought))
    }
    levels = ladders.get(status)
    if levels is None:
        yield _fault("event.unknown_status", status_path, found=status, known=", ".join(ladders), nearest=nearest(status, ladders))
    elif level not in levels:
        yield _fault("event.unknown_level", path, found=level, known=", ".join(levels), nearest=nearest(level, levels))


# -- what comes from elsewhere -----------------------------------------------------------------------------------------


def _transfer(rules: Rulebook, event: Transfer) -> Iterator[Diagnostic]:
    account = event.account or "points"
    if rules.resolve(account) in rules.stores or event.brought:
        yield from _card(rules, event, account)
        return
    if event.points is None and not event.back:
        yield _fault("event.transfer_of_nothing", "points")
    if not event.delivered and event.points is not None:
        yield from _quantity(rules, account, event.points, "points")
    yield from _lots(rules, event, account, event.lots, "lots")


def _card(rules: Rulebook, event: Transfer, account: str) -> Iterator[Diagnostic]:
    """A stored value account goes as a whole, and comes with all that is known of it."""
    if event.points is not None or event.back or event.lots:
        yield _fault("event.transfer_of_part", "points", account=account)
    if event.brought:
        yield from _store_name(rules, account)
        wrong = wrong_card(event.brought, rules.currency)
        if wrong is not None:
            yield _fault("event.transfer_no_card", "brought", found=wrong)


def _lots(rules: Rulebook, event: AnyEvent, account: str, lots: Sequence[MovedLot], path: str) -> Iterator[Diagnostic]:
    """Lots that are brought were accrued by the event's day, and have no more decimals than their account."""
    today = local_day(event.occurred_at, rules.zone)
    for place, lot in enumerate(lots):
        yield from _quantity(rules, account, lot.quantity, f"{path}[{place}].quantity")
        if lot.day is not None and lot.day > today:
            yield _fault("event.not_yet", f"{path}[{place}].day", found=lot.day, day=today)


def _opening(rules: Rulebook, event: Opening) -> Iterator[Diagnostic]:
    today = local_day(event.occurred_at, rules.zone)
    named = [rules.resolve(name) for name in event.balances]
    for place, (name, balance) in enumerate(event.balances.items()):
        if named[place] in rules.stores:
            yield from _opened_store(rules, event, name, balance)
            continue
        yield from _account(rules, name, f"balances.{name}", twice=named[place] in named[:place])
        yield from _quantity(rules, name, balance.owed, f"balances.{name}.owed")
        yield from _lots(rules, event, name, balance.lots, f"balances.{name}.lots")
    for status, told in event.levels.items():
        yield from _level(rules, status, f"levels.{status}", told.level, f"levels.{status}.level", brought=True)
        if told.until is not None and told.until < today:
            yield _fault("event.already_over", f"levels.{status}.until", found=told.until, day=today)
    later = [(f"levels.{status}.since", told.since) for status, told in event.levels.items()]
    later += [(f"tallies.{name}.since", tally.since) for name, tally in event.tallies.items()] + [("joined", event.joined)]
    later += [(f"tallies.{name}.days.{day}", date.fromisoformat(day)) for name, tally in event.tallies.items() for day in tally.days]
    for path, day in later:
        if day is not None and day > today:
            yield _fault("event.not_yet", path, found=day, day=today)
    yield from _tallies(rules, event)


def _opened_store(rules: Rulebook, event: Opening, name: str, balance: OpenedBalance) -> Iterator[Diagnostic]:
    """Top-ups that are brought have ids of their own, and no more decimals than their account."""
    today = local_day(event.occurred_at, rules.zone)
    path, store = f"balances.{name}", rules.stores[rules.resolve(name)]
    yield from _store_quantity(rules, name, balance.owed, f"{path}.owed")
    for place, lot in enumerate(balance.lots):
        yield from _store_quantity(rules, name, lot.quantity, f"{path}.lots[{place}].quantity")
    ids = [row.id for other in event.balances.values() for row in other.top_ups]
    for place, row in enumerate(balance.top_ups):
        at = f"{path}.top_ups[{place}]"
        if ids.count(row.id) > 1 or row.id == event.id:
            yield _fault("event.named_twice", f"{at}.id", name=row.id)
        if row.day > today:
            yield _fault("event.not_yet", f"{at}.day", found=row.day, day=today)
        if store.form == "visits" and row.counted is None:
            yield _fault("event.missing_field", at, field="counted")
        for field in ("given", "counted", "principal", "bonus"):
            quantity = getattr(row, field)
            if quantity is not None:
                yield from _store_quantity(rules, name, quantity, f"{at}.{field}")
        for field in ("paid", "listed", "list_price"):
            amount = getattr(row, field)
            if amount is not None and -decimals(amount) > rules.scale:
                yield _fault("event.too_many_decimals", f"{at}.{field}", found=amount, account=name, most=rules.scale)


def _account(rules: Rulebook, name: str, path: str, twice: bool) -> Iterator[Diagnostic]:
    if rules.resolve(name) not in rules.accounts:
        known = list(rules.accounts)
        yield _fault("event.unknown_account", path, found=name, known=", ".join(known), nearest=nearest(name, known))
    elif twice:
        yield _fault("event.named_twice", path, name=name)


def _tallies(rules: Rulebook, event: Opening) -> Iterator[Diagnostic]:
    """Each measure is one that counts one thing, no two count the same, and each quantity is one of what is counted."""
    known = openable(rules)
    keys: dict[str, str] = {}
    for name, tally in event.tallies.items():
        counted = known.get(name)
        if counted is None:
            yield _fault("event.unknown_tally", f"tallies.{name}", found=name, known=", ".join(known), nearest=nearest(name, known))
            continue
        if keys.setdefault(counted.key, name) != name:
            yield _fault("event.named_twice", f"tallies.{name}", name=keys[counted.key])
        for day, quantity in tally.days.items():
            try:
                opened_units(rules, counted, quantity)
            except MoneyError:
                most = 0 if counted.what == "count" else rules.scale
                yield _fault("event.too_many_decimals", f"tallies.{name}.days.{day}", found=quantity, account=name, most=most)


def _merge(rules: Rulebook, event: Merge) -> Iterator[Diagnostic]:
    """What a merged card brings is a state of this program, of the customer who is named, open and with nothing held."""
    try:
        other = unpacked(event)
        check_state(rules, other, event.of)
    except StateError as error:
        fault = error.diagnostics[0]
        yield _fault("event.bad_merge", "brought", reason=fault.params.get("reason", fault.code))
        return
    if other.program != rules.id or other.closed is not None or any(account.total for account in _held(other)):
        yield _fault("event.bad_merge", "brought", reason="the state of an open account of this program, in which nothing is held")


def _held(state: State) -> list[Account]:
    return [account for name, account in state.ledger.accounts.items() if name.endswith(".held")]
