"""What may stand on a card, and on all cards of a member, after a top-up."""

from __future__ import annotations

from collections.abc import Iterator

from custrules.events import TopUp
from custrules.policies.stored_value.account import ValueAccount, ValueLimits, owed_before
from custrules.policies.stored_value.amounts import minor, money
from custrules.policy import Reason, View, reason

_TOP_UP = {"card": "stored_value.top_up.over_card", "member": "stored_value.top_up.over_member"}
_TRANSFER = {"card": "stored_value.transfer.over_card", "member": "stored_value.transfer.over_member"}


def over_limits(account: ValueAccount, bonus: int, event: TopUp, view: View) -> Iterator[Reason]:
    """Every limit that a top-up would go beyond, with the most that may be paid in."""
    for name, most, room in _beyond(account, event.amount.minor, bonus, view):
        told = {"amount": event.amount, "account": account.id, "limit": money(most, view), "most": money(max(room, 0), view)}
        yield reason(_TOP_UP[name], **told)


def card_over_limits(account: ValueAccount, paid: int, bonus: int, view: View) -> Iterator[Reason]:
    """Every limit that a card which comes from another customer would go beyond."""
    for name, most, _ in _beyond(account, paid, bonus, view):
        told = {"amount": money(paid, view), "account": account.id, "limit": money(most, view)}
        yield reason(_TRANSFER[name], **told)


def _beyond(account: ValueAccount, paid: int, bonus: int, view: View) -> Iterator[tuple[str, int, int]]:
    """The limits that so much more goes beyond: which, the most that may stand there, and how much there is room for."""
    limits = account.limit
    if limits is None or account.form != "amount":
        return
    owed = min(owed_before(account, view), paid)
    given = bonus if limits.bonus else 0
    for name, most, names in _limited(account, limits, view):
        there = sum(standing(each, limits, view) for each in names)
        if there + paid - owed + given > most:
            yield name, most, most - there + owed - given


def _limited(account: ValueAccount, limits: ValueLimits, view: View) -> Iterator[tuple[str, int, list[str]]]:
    if limits.per_card is not None:
        yield "card", minor(limits.per_card, view), [account.id]
    if limits.per_member is not None:
        yield "member", minor(limits.per_member, view), [name.removesuffix(".principal") for name in _cards(view)]


def _cards(view: View) -> Iterator[str]:
    """The principal of every account in money."""
    accounts = view.state.ledger.accounts
    return (name for name, held in accounts.items() if name.endswith(".principal") and held.unit == view.currency)


def standing(account: str, limits: ValueLimits, view: View) -> int:
    """What stands on a card, what is held with it."""
    accounts = view.ledger.ledger.accounts
    held = sum(part.quantity for part in accounts[f"{account}.held"] if limits.bonus or part.lot.source == "paid")
    return accounts[f"{account}.principal"].total + held + (view.ledger.usable(f"{account}.bonus") if limits.bonus else 0)
