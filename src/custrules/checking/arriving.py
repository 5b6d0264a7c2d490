"""What comes from elsewhere: a transfer, an opening with all that it brings, the card that another one is merged into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from custrules.adopting import check_state
from custrules.brought import unpacked
from custrules.calendars import local_day
from custrules.checking.amounts import decimals, fault, quantity_of, store_name, store_quantity
from custrules.checking.names import ladders, level_of
from custrules.errors import Diagnostic, MoneyError, StateError
from custrules.event_parts import MovedLot, OpenedBalance, OpenedTopUp
from custrules.events import AnyEvent, Merge, Opening, Transfer
from custrules.handing_over import wrong_card
from custrules.ledger import Account
from custrules.moving import openable, opened_units
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.validation import nearest


def transfer(rules: Rulebook, event: Transfer) -> Iterator[Diagnostic]:
    """What is moved between accounts is something, and fits the account that it comes to."""
    account = event.account or "points"
    if rules.resolve(account) in rules.stores or event.brought:
        yield from _card(rules, event, account)
        return
    if event.points is None and not event.back:
        yield fault("event.transfer_of_nothing", "points")
    if not event.delivered and event.points is not None:
        yield from quantity_of(rules, account, event.points, "points")
    yield from _lots(rules, event, account, event.lots, "lots")


def _card(rules: Rulebook, event: Transfer, account: str) -> Iterator[Diagnostic]:
    """A stored value account goes as a whole, and comes with all that is known of it."""
    if event.points is not None or event.back or event.lots:
        yield fault("event.transfer_of_part", "points", account=account)
    if event.brought:
        yield from store_name(rules, account)
        wrong = wrong_card(event.brought, rules.currency)
        if wrong is not None:
            yield fault("event.transfer_no_card", "brought", found=wrong)


def _lots(rules: Rulebook, event: AnyEvent, account: str, lots: Sequence[MovedLot], path: str) -> Iterator[Diagnostic]:
    """Lots that are brought were accrued by the event's day, and have no more decimals than their account."""
    today = local_day(event.occurred_at, rules.zone)
    for place, lot in enumerate(lots):
        yield from quantity_of(rules, account, lot.quantity, f"{path}[{place}].quantity")
        if lot.day is not None and lot.day > today:
            yield fault("event.not_yet", f"{path}[{place}].day", found=lot.day, day=today)


def opening(rules: Rulebook, event: Opening) -> Iterator[Diagnostic]:
    """Balances, levels and tallies are of this program, and no day of theirs is yet to come."""
    named = [rules.resolve(name) for name in event.balances]
    for place, (name, balance) in enumerate(event.balances.items()):
        if named[place] in rules.stores:
            yield from _opened_store(rules, event, name, balance)
            continue
        yield from _account(rules, name, f"balances.{name}", twice=named[place] in named[:place])
        yield from quantity_of(rules, name, balance.owed, f"balances.{name}.owed")
        yield from _lots(rules, event, name, balance.lots, f"balances.{name}.lots")
    yield from _levels(rules, event)
    yield from _past(rules, event)
    yield from _tallies(rules, event)


def _levels(rules: Rulebook, event: Opening) -> Iterator[Diagnostic]:
    today, known = local_day(event.occurred_at, rules.zone), ladders(rules, brought=True)
    for status, told in event.levels.items():
        yield from level_of(known, status, told.level, (f"levels.{status}", f"levels.{status}.level"))
        if told.until is not None and told.until < today:
            yield fault("event.already_over", f"levels.{status}.until", found=told.until, day=today)


def _past(rules: Rulebook, event: Opening) -> Iterator[Diagnostic]:
    """Since when something is so, and when it was counted, is no day to come."""
    today = local_day(event.occurred_at, rules.zone)
    days = [(f"levels.{status}.since", told.since) for status, told in event.levels.items()]
    days += [(f"tallies.{name}.since", tally.since) for name, tally in event.tallies.items()] + [("joined", event.joined)]
    days += [(f"tallies.{name}.days.{day}", date.fromisoformat(day)) for name, tally in event.tallies.items() for day in tally.days]
    for path, day in days:
        if day is not None and day > today:
            yield fault("event.not_yet", path, found=day, day=today)


def _opened_store(rules: Rulebook, event: Opening, name: str, balance: OpenedBalance) -> Iterator[Diagnostic]:
    """Top-ups that are brought have ids of their own, and no more decimals than their account."""
    today = local_day(event.occurred_at, rules.zone)
    path, store = f"balances.{name}", rules.stores[rules.resolve(name)]
    yield from store_quantity(rules, name, balance.owed, f"{path}.owed")
    for place, lot in enumerate(balance.lots):
        yield from store_quantity(rules, name, lot.quantity, f"{path}.lots[{place}].quantity")
    ids = [row.id for other in event.balances.values() for row in other.top_ups]
    for place, row in enumerate(balance.top_ups):
        at = f"{path}.top_ups[{place}]"
        if ids.count(row.id) > 1 or row.id == event.id:
            yield fault("event.named_twice", f"{at}.id", name=row.id)
        if row.day > today:
            yield fault("event.not_yet", f"{at}.day", found=row.day, day=today)
        if store.form == "visits" and row.counted is None:
            yield fault("event.missing_field", at, field="counted")
        yield from _figures(rules, name, row, at)


def _figures(rules: Rulebook, name: str, row: OpenedTopUp, at: str) -> Iterator[Diagnostic]:
    for field in ("given", "counted", "principal", "bonus"):
        quantity = getattr(row, field)
        if quantity is not None:
            yield from store_quantity(rules, name, quantity, f"{at}.{field}")
    for field in ("paid", "listed", "list_price"):
        amount = getattr(row, field)
        if amount is not None and -decimals(amount) > rules.scale:
            yield fault("event.too_many_decimals", f"{at}.{field}", found=amount, account=name, most=rules.scale)


def _account(rules: Rulebook, name: str, path: str, twice: bool) -> Iterator[Diagnostic]:
    if rules.resolve(name) not in rules.accounts:
        known = list(rules.accounts)
        yield fault("event.unknown_account", path, found=name, known=", ".join(known), nearest=nearest(name, known))
    elif twice:
        yield fault("event.named_twice", path, name=name)


def _tallies(rules: Rulebook, event: Opening) -> Iterator[Diagnostic]:
    """Each measure is one that counts one thing, no two count the same, and each quantity is one of what is counted."""
    known = openable(rules)
    keys: dict[str, str] = {}
    for name, tally in event.tallies.items():
        counted = known.get(name)
        if counted is None:
            yield fault("event.unknown_tally", f"tallies.{name}", found=name, known=", ".join(known), nearest=nearest(name, known))
            continue
        if keys.setdefault(counted.key, name) != name:
            yield fault("event.named_twice", f"tallies.{name}", name=keys[counted.key])
        for day, quantity in tally.days.items():
            try:
                opened_units(rules, counted, quantity)
            except MoneyError:
                most = 0 if counted.what == "count" else rules.scale
                yield fault("event.too_many_decimals", f"tallies.{name}.days.{day}", found=quantity, account=name, most=most)


def merge(rules: Rulebook, event: Merge) -> Iterator[Diagnostic]:
    """What a merged card brings is a state of this program, of the customer who is named, open and with nothing held."""
    try:
        other = unpacked(event)
        check_state(rules, other, event.of)
    except StateError as error:
        wrong = error.diagnostics[0]
        yield fault("event.bad_merge", "brought", reason=wrong.params.get("reason", wrong.code))
        return
    if other.program != rules.id or other.closed is not None or any(account.total for account in _held(other)):
        yield fault("event.bad_merge", "brought", reason="the state of an open account of this program, in which nothing is held")


def _held(state: State) -> list[Account]:
    return [account for name, account in state.ledger.accounts.items() if name.endswith(".held")]
