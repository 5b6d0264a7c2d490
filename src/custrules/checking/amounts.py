"""Amounts are in the program's currency; quantities are of an account that exists, and no finer or larger than it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from custrules.errors import Diagnostic
from custrules.events import Adjustment, CardUpdate, Chargeback, Hold, Purchase, TopUp, Visit
from custrules.fields import plain
from custrules.ledger import MAX_UNITS
from custrules.money import Money, from_units
from custrules.rulebook import Rulebook
from custrules.validation import nearest


def fault(code: str, path: str, **params: object) -> Diagnostic:
    """What is wrong with a place in an event; what was found is told in at most 500 characters."""
    return Diagnostic(code, path, {name: str(value)[:500] for name, value in params.items()})


def purchase(rules: Rulebook, event: Purchase) -> Iterator[Diagnostic]:
    """All amounts are in the program's currency, and points are paid with in the smallest unit of their account."""
    if event.amount.currency != rules.currency:  # one event, one currency: that is checked when it is read
        yield from amounts(rules, [*_named_amounts(event)] or [("amount", event.amount)])
    for place, tender in enumerate(event.tenders):
        if tender.quantity is not None:
            yield from quantity_of(rules, tender.reference or "points", tender.quantity, f"tenders[{place}].quantity")


def _named_amounts(event: Purchase) -> Iterator[tuple[str, Money | None]]:
    """The amounts that the event itself was given, not the one that is filled in."""
    for name in ("amount", "list_amount"):
        if name in event.model_fields_set:
            yield name, getattr(event, name)
    for place, line in enumerate(event.lines):
        for name in ("amount", "list_amount", "cost"):
            yield f"lines[{place}].{name}", getattr(line, name)
    for place, tender in enumerate(event.tenders):
        yield f"tenders[{place}].amount", tender.amount


def amounts(rules: Rulebook, named: Iterable[tuple[str, Money | None]]) -> Iterator[Diagnostic]:
    """Amounts by their paths, those that are there, are in the program's currency."""
    for path, amount in named:
        if amount is not None and amount.currency != rules.currency:
            yield fault("event.other_currency", path, found=amount.currency, expected=rules.currency)


def stored_value(rules: Rulebook, event: TopUp | Chargeback | CardUpdate | Visit | Hold) -> Iterator[Diagnostic]:
    """What an event says of a stored value account fits that account."""
    if isinstance(event, TopUp):
        yield from _top_up(rules, event)
    elif isinstance(event, Hold):
        yield from _held_value(rules, event)
    elif isinstance(event, Chargeback):
        yield from amounts(rules, [("amount", event.amount)])
    elif isinstance(event, CardUpdate):
        yield from store_name(rules, event.account)
    elif event.used is not None:
        yield from store_quantity(rules, event.of or "", event.used, "used")


def _held_value(rules: Rulebook, event: Hold) -> Iterator[Diagnostic]:
    yield from amounts(rules, [("amount", event.amount), ("list_amount", event.list_amount)])
    if event.used is not None:
        yield from store_quantity(rules, event.account or "stored_value", event.used, "used")


def _top_up(rules: Rulebook, event: TopUp) -> Iterator[Diagnostic]:
    named = [("amount", event.amount), ("list_price", event.list_price)]
    named += [(f"gifts[{place}].value", gift.value) for place, gift in enumerate(event.gifts)]
    yield from amounts(rules, named + [(f"tenders[{place}].amount", tender.amount) for place, tender in enumerate(event.tenders)])
    yield from store_name(rules, event.account)
    account = event.account or "stored_value"
    for name in ("paid", "given"):
        quantity = getattr(event, name)
        if quantity is not None:
            yield from store_quantity(rules, account, quantity, name)


def store_name(rules: Rulebook, account: str | None) -> Iterator[Diagnostic]:
    """A stored value account that is named exists."""
    if account is not None and rules.resolve(account) not in rules.stores:
        known = list(rules.stores)
        yield fault("event.unknown_account", "account", found=account, known=", ".join(known), nearest=nearest(account, known))


def store_quantity(rules: Rulebook, account: str, quantity: Decimal, path: str) -> Iterator[Diagnostic]:
    """A quantity of stored value has no more decimals than its account."""
    known = rules.stores.get(rules.resolve(account))
    if known is not None and -decimals(quantity) > known.scale:
        yield fault("event.too_many_decimals", path, found=quantity, account=account, most=known.scale)


def quantity_of(rules: Rulebook, account: str, quantity: Decimal, path: str) -> Iterator[Diagnostic]:
    """A quantity of points has no more decimals than its account, and is less than what one lot may hold."""
    known = rules.accounts.get(rules.resolve(account.partition(".")[0]))
    if known is None:
        return
    if -decimals(quantity) > known[1]:
        yield fault("event.too_many_decimals", path, found=quantity, account=account, most=known[1])
    most = from_units(MAX_UNITS, known[1])
    if quantity.copy_abs() >= most:
        yield fault("event.too_many_points", path, found=quantity, account=account, most=plain(most))


def decimals(quantity: Decimal) -> int:
    """The exponent of a quantity's last digit that is not zero (-2: two decimals); exact whatever the host's decimal context is."""
    _, digits, exponent = quantity.as_tuple()
    assert isinstance(exponent, int)
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return exponent + zeros if any(digits) else 0


def adjustment(rules: Rulebook, event: Adjustment) -> Iterator[Diagnostic]:
    """Adjustments are made to an account; what is pending, held or owed follows from its rules."""
    head, _, bucket = event.account.partition(".")
    store = rules.stores.get(rules.resolve(head))
    if store is not None and store.form != "period" and bucket in ("principal", "bonus"):
        yield from store_quantity(rules, head, event.quantity, "quantity")
        return
    if rules.resolve(event.account) not in rules.accounts:
        known = [*rules.accounts, *(f"{name}.{bucket}" for name in rules.stores for bucket in ("principal", "bonus"))]
        yield fault("event.unknown_account", "account", found=event.account, known=", ".join(known), nearest=nearest(event.account, known))
        return
    yield from quantity_of(rules, event.account, event.quantity, "quantity")
