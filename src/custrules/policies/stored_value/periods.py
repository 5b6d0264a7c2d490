"""Periods that run on a day: which top-up paid for each, and whether it is asked back meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from custrules.policies.stored_value.account import ValueAccount
from custrules.policies.stored_value.requests import standing_of
from custrules.policy import View


class Period(NamedTuple):
    """A period that runs; ``request`` is the one by which it is asked back, ``frozen`` whether it admits nobody meanwhile."""

    top_up: str
    ends: date
    request: str | None
    frozen: bool


def periods(account: ValueAccount, view: View, only: str | None = None) -> list[Period]:
    """The periods of an account that run on the day of the event, or that of one top-up only: first those that are not asked back."""
    return sorted(_running(account, view, only), key=lambda period: (period.frozen, period.request is not None))


def _running(account: ValueAccount, view: View, only: str | None) -> Iterator[Period]:
    """None that was paid back."""
    kept = [order for order in (view.state.order(order_id) for order_id in view.state.top_ups) if order is not None]
    for order in sorted(kept, key=lambda order: (order.day, order.occurred_at, order.id)):
        found = order.deposit if only in (None, order.id) else None
        if found is None or found.account != account.id or found.starts is None or found.ends is None:
            continue
        if found.starts <= view.day <= found.ends and not found.disputed and not found.refunded:
            request, frozen = standing_of(view, account.id, order.id) or (None, False)
            yield Period(order.id, found.ends, request, frozen)
