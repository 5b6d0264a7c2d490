"""Where a refund goes: back to the tenders that paid the top-up, cumulatively, so that none is ever paid back more than it paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from custrules.money import split
from custrules.policies.stored_value.history import TopUpHistory

TenderSplit = Literal["pro_rata", "lifo"]


class Paid(NamedTuple):
    """So much to one tender of one top-up."""

    top_up: str
    tender: str
    reference: str | None
    amount: int


def to_tenders(history: TopUpHistory, gross: int, net: int, how: TenderSplit) -> list[Paid]:
    """What of a refund of one top-up goes back to each of its tenders: the shares of ``gross``, of which ``net`` is left after fees.

    ``pro_rata`` shares by what each tender paid; ``lifo`` fills the last tender first. A charged-back card has been paid already.
    """
    room = _room(history)
    before, after = (_shares(room, amount, how) for amount in (history.refunded, history.refunded + gross))
    parts = [after_one - before_one for after_one, before_one in zip(after, before, strict=True)]
    theirs = min(net, sum(parts))  # bonus that is paid out goes back to none of them
    left = split(theirs, parts) if theirs else [0] * len(parts)
    paid = [Paid(history.id, kind, reference, amount) for (kind, _, reference), amount in zip(history.tenders, left, strict=True) if amount]
    return paid + ([Paid(history.id, "other", None, net - theirs)] if net > theirs else [])


def _room(history: TopUpHistory) -> list[int]:
    """What each tender has paid, less what was charged back: to cards before others."""
    room, disputed = [amount for _, amount, _ in history.tenders], history.disputed
    places = range(len(room))
    for place in sorted(places, key=lambda place: history.tenders[place][0] != "card"):
        taken = min(disputed, room[place])
        room[place], disputed = room[place] - taken, disputed - taken
    return room


def _shares(room: Sequence[int], amount: int, how: TenderSplit) -> list[int]:
    """A running total over the tenders."""
    amount = min(amount, sum(room))
    if how == "pro_rata":
        return split(amount, room) if amount else [0] * len(room)
    shares = [0] * len(room)
    for place in reversed(range(len(room))):
        shares[place] = min(amount, room[place])
        amount -= shares[place]
    return shares


def in_cash(amount: int, limit: int | None) -> bool:
    """Whether a refund may be paid in cash: up to and with the limit."""
    return limit is not None and amount <= limit


def below_minimum(amount: int, minimum: int | None, statutory: int | None) -> tuple[bool, bool]:
    """Whether a refund is too small to be paid, and whether a statute that has smaller balances paid out says it is paid all the same."""
    small = minimum is not None and amount < minimum
    overridden = small and statutory is not None and amount < statutory
    return small and not overridden, overridden
