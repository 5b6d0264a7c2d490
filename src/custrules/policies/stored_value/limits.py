"""What may stand on a card, and on all cards of a member, after a top-up."""

from __future__ import annotations

from collections.abc import Iterator

from custrules.events import TopUp
from custrules.policies.stored_value.account import ValueAccount, ValueLimits, owed_before
from custrules.policies.stored_value.amounts import minor, money
from custrules.policy import Reason, View, reason

_CODES = {"card": "stored_value.top_up.over_card", "member": "stored_value.top_up.over_member"}


def over_limits(account: ValueAccount, bonus: int, event: TopUp, view: View) -> Iterator[Reason]:
    """Every limit that a top-up would go beyond, with the most that may be paid in."""
    limits = account.limit
    if limits is None or account.form != "amount":
        return
    owed = min(owed_before(account, view), event.amount.minor)
    comes = event.amount.minor - owed + (bonus if limits.bonus else 0)
    for name, most, names in _limited(account, limits, view):
        there = sum(standing(each, limits, view) for each in names)
        if there + comes > most:
            room = max(most - there + owed - (bonus if limits.bonus else 0), 0)
            told = {"amount": event.amount, "account": account.id, "limit": money(most, view), "most": money(room, view)}
            yield reason(_CODES[name], **told)


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
