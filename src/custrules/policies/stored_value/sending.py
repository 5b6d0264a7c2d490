"""A whole card that goes to another customer: two events, as with points; lots, their dates and what they are stay what they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from custrules.brought import signal_fits
from custrules.events import Transfer
from custrules.fields import Frozen, frozen, instant_text
from custrules.handing_over import packed_card, unpacked_card
from custrules.ledger import EXPIRED, TRANSFERRED, LotPart, Move
from custrules.policies.stored_value.account import ValueAccount
from custrules.policies.stored_value.cards import lost
from custrules.policies.stored_value.limits import card_over_limits
from custrules.policies.stored_value.parts import total
from custrules.policy import Decision, Reason, Signal, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.spending import Spending


def transferred(policy: Spending, event: Transfer, account: ValueAccount, view: View) -> Decision | None:
    """Either side of a transfer; None where it is of another account."""
    named = view.account(event.account or "")
    if named is None or named.id != account.id:
        return None
    return _received(policy, event, account, view) if event.delivered else _sent(policy, event, account, view)


def _sent(policy: Spending, event: Transfer, account: ValueAccount, view: View) -> Decision:
    accounts = view.ledger.ledger.accounts
    paid, granted = (list(accounts[account.bucket(name)].spendable(view.settled)) for name in ("principal", "bonus"))
    failing = [*_failing(policy, event, account, [*paid, *granted], view)]
    if failing:
        return policy.declined(event, failing)
    content = frozen({"account": account.id, "sender": view.state.customer_id, "brought": packed_card(view.state, account.id, paid, granted)})
    for bucket, parts in (("principal", paid), ("bonus", granted)):
        view.ledger.post(Move(account.bucket(bucket), TRANSFERRED, total(parts), tuple(parts)))
    data = Frozen({**event.attributes, "caused_at": instant_text(event.occurred_at)})
    told = reason("stored_value.transfer.sent", to=event.to, account=account.id, **_shown(account, paid, granted, view))
    return policy.applied(event, [told], [*account.postings(view), Signal(str(event.to), "transfer", data, content=content)])


def _failing(policy: Spending, event: Transfer, account: ValueAccount, parts: list[LotPart], view: View) -> Iterator[Reason]:
    yield from lost(account, view)
    if account.form != "amount":
        yield reason("stored_value.transfer.form", account=account.id, form=account.form)
    if event.to == event.customer_id:
        yield reason("points.transfer.to_self", to=event.to)
    if not signal_fits(event.customer_id, event.id, policy.id):
        yield reason("event.id_too_long", id=event.id)
    orders = (view.state.order(order_id) for order_id in view.state.top_ups)
    deposits = (order.deposit for order in orders if order is not None)
    contested = any(deposit is not None and deposit.account == account.id and deposit.contested for deposit in deposits)
    if view.ledger.owed(account.id) or view.ledger.ledger.accounts[account.bucket("held")].total or contested:
        yield reason("stored_value.transfer.not_free", account=account.id)
    if not parts:
        yield reason("stored_value.transfer.nothing", account=account.id)


def _received(policy: Spending, event: Transfer, account: ValueAccount, view: View) -> Decision:
    _, paid, granted = unpacked_card(event.brought)
    bonus = view.ledger.ledger.accounts[account.bucket("bonus")]
    lapsed = [part for part in granted if bonus.lapsed(part.lot, view.settled)]
    over = list(card_over_limits(account, total(list(paid)), total(list(granted)) - total(lapsed), view))
    if over:
        return policy.declined(event, over)
    view.ledger.post(Move(TRANSFERRED, EXPIRED, total(lapsed), tuple(lapsed)))
    account.receive(view, TRANSFERRED, list(paid), [part for part in granted if part not in lapsed])
    told = reason("stored_value.transfer.received", sender=event.sender, account=account.id, **_shown(account, list(paid), list(granted), view))
    return policy.applied(event, [told], account.postings(view))


def _shown(account: ValueAccount, paid: list[LotPart], granted: list[LotPart], view: View) -> dict[str, object]:
    return {"principal": account.shown(total(paid), view), "bonus": account.shown(total(granted), view)}
