"""A card that is lost, found again or re-issued: what is on it is not spent meanwhile, and stays what it is, with its lots and dates.

A named card's loss can be reported and it is issued anew (法释〔2025〕4号, art. 9 and 24); whoever holds an anonymous one has what is on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from custrules.events import CardUpdate
from custrules.fields import Frozen
from custrules.ledger import FEES
from custrules.policies.stored_value.amounts import minor
from custrules.policies.stored_value.pairs import moves_of, pairs_of, taken
from custrules.policies.stored_value.parts import total
from custrules.policy import Decision, Reason, Status, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.account import ValueAccount

ACTIVE, LOST, REISSUED = "active", "lost", "reissued"


def card_status(account: ValueAccount) -> str:
    return f"{account.id}.card"


def standing(account: ValueAccount, view: View) -> str:
    """Whether the card is active, lost or reissued; one of which nothing was ever told is active."""
    known = view.state.statuses.get((card_status(account), ""))
    return str(known.value) if known is not None else ACTIVE


def lost(account: ValueAccount, view: View) -> list[Reason]:
    """Why nothing is spent of an account now: its card is lost."""
    known = view.state.statuses.get((card_status(account), ""))
    if known is None or known.value != LOST:
        return []
    return [reason("stored_value.card.is_lost", account=account.id, since=known.since)]


def updated(account: ValueAccount, event: CardUpdate, view: View) -> Decision | None:
    """What an account makes of the news of its card; None where it is another's."""
    named = view.account(event.account or "stored_value")
    if named is None or named.id != account.id:
        return None
    failing = _failing(account, event, view)
    if failing is not None:
        return account.declined(event, [failing])
    value = {"lost": LOST, "found": ACTIVE, "reissued": REISSUED}[event.stage]
    reasons = [reason(f"stored_value.card.{event.stage}", account=account.id, **({"card": event.card or "-"} if event.stage == "reissued" else {}))]
    reasons += _fee(account, view) if event.stage == "reissued" else []
    data = {} if event.card is None else {"card": event.card}
    return account.applied(event, reasons, [*account.postings(view), Status(card_status(account), value, view.day, data=Frozen(data))])


def _failing(account: ValueAccount, event: CardUpdate, view: View) -> Reason | None:
    now = standing(account, view)
    if not account.named:
        return reason("stored_value.card.anonymous", account=account.id)
    if event.stage == "lost" and now == LOST:
        return lost(account, view)[0]
    if event.stage == "found" and now != LOST:
        return reason("stored_value.card.not_lost", account=account.id)
    return None


def _fee(account: ValueAccount, view: View) -> list[Reason]:
    """What a new card costs, out of what is on it, the bonus first; never more than there is."""
    if account.reissue_fee is None:
        return []
    parts = taken(pairs_of(account, view, "fifo"), "bonus_first", minor(account.reissue_fee, view))
    for move in moves_of(parts, account, FEES):
        view.ledger.post(move)
    return [reason("stored_value.card.fee", amount=account.shown(total(parts), view), account=account.id)] if parts else []
