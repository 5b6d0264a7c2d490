"""What the kernel itself does when a whole customer comes, goes, or becomes one with another.

Balances and levels are the business of their policies; here are the tallies, the orders, whose card it is from now on, and the
signal that tells the survivor of a merge. It is told by decisions of the policy id ``customer``, which is reserved.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from custrules.activity import NUMBER_SCALE
from custrules.brought import packed, signal_fits, unpacked
from custrules.calendars import start_of_day
from custrules.complaints import take_over
from custrules.consenting import of_both
from custrules.counting import Counted
from custrules.events import (
    Adjustment,
    AnyEvent,
    Chargeback,
    Closure,
    Enrolment,
    Merge,
    Opening,
    RedemptionCancelled,
    RefundDecision,
    RefundPaid,
    RefundRequest,
    Return,
    Transfer,
)
from custrules.fields import Frozen, instant_text
from custrules.handing_over import keep_remainders
from custrules.money import to_units
from custrules.policy import Decision, Reason, Signal, reason
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.state_parts import Closed
from custrules.tallies import Latest
from custrules.top_ups import put_brought

CUSTOMER = "customer"  # the policy id under which the kernel tells of whole customers; reserved


def refused(before: State, state: State, event: AnyEvent) -> Reason | None:
    """Why an event cannot be decided: the account is closed, an opening is not the first, a merge or closure leaves something behind.

    ``before`` is the state before the event, ``state`` the one up to the event's time.
    """
    if before.closed is not None and not _still_heard(before.closed, event):
        into = {"into": before.closed.into} if before.closed.into else {}
        return reason("event.closed_into" if into else "event.closed", since=before.closed.day, **into)
    if isinstance(event, Opening) and before.joined is not None:
        return reason("event.not_first", joined=before.joined)
    if isinstance(event, Closure) or (isinstance(event, Merge) and not event.delivered):
        return _held(state) or _too_long(event)
    return _meets(before, event) if isinstance(event, Merge) else None


def _still_heard(closed: Closed, event: AnyEvent) -> bool:
    """What a closure leaves open: earlier orders are undone, prepaid money is asked back; an enrolment opens the account again.

    After a merge all goes to the survivor.
    """
    return not closed.into and isinstance(event, (Return, RedemptionCancelled, Chargeback, RefundRequest, RefundDecision, RefundPaid, Enrolment))


def _held(state: State) -> Reason | None:
    held = next((name for name, account in state.ledger.accounts.items() if name.endswith(".held") and account.total), None)
    return reason("event.still_held", account=held) if held is not None else None


def _too_long(event: Merge | Closure) -> Reason | None:
    fits = isinstance(event, Closure) or signal_fits(event.customer_id, event.id, CUSTOMER)
    return None if fits else reason("event.id_too_long", id=event.id)


def _meets(state: State, event: Merge) -> Reason | None:
    """Two orders of one id, or two lots of one id that an order may still undo, cannot be told apart in one account."""
    other = unpacked(event)
    same = next((order_id for order_id in other.orders if state.knows(order_id)), None)
    own = {part.lot.id for account in state.ledger.accounts.values() for part in account}
    lots = (part.lot for account in other.ledger.accounts.values() for part in account)
    same = same or next((lot.origin for lot in lots if lot.id in own and other.has_order(lot.origin)), None)
    return reason("event.merge_meets", of=event.of, id=same) if same is not None else None


def taken_in(rules: Rulebook, state: State, event: AnyEvent, day: date) -> Iterator[Decision]:
    """What changes of the customer as a whole; a decision that tells it."""
    if isinstance(event, Opening | Adjustment) and rules.stores:
        put_brought(rules, state, event, day)
    if isinstance(event, Transfer) and not event.delivered and event.account is not None and rules.resolve(event.account) in rules.stores:
        keep_remainders(state, rules.resolve(event.account))
    if isinstance(event, Opening):
        yield _opened(rules, state, event, day)
    elif isinstance(event, Merge):
        yield _absorbed(state, event, day) if event.of is None else _survives(rules, state, event, day)
    elif isinstance(event, Closure):
        state.closed = Closed(day)
        yield _told(state, event, day, reason("customer.closed", why=event.reason, approver=event.approver))
    elif isinstance(event, Enrolment) and state.closed is not None:
        since, state.closed = state.closed.day, None
        yield _told(state, event, day, reason("customer.reopened", since=since))


def _told(state: State, event: AnyEvent, day: date, why: Reason, *signals: Signal) -> Decision:
    return Decision(CUSTOMER, day, event.id, "APPLIED", (why,), signals).signed(state.customer_id)


# -- opening -----------------------------------------------------------------------------------------------------------


def _opened(rules: Rulebook, state: State, event: Opening, day: date) -> Decision:
    state.joined = event.joined or state.joined
    given = {counted.key: name for name, counted in openable(rules).items() if name in event.tallies}
    for key in state.activity.tallies:
        if key not in given and not event.complete and not key.startswith("open:"):  # what is open comes as events of its own
            state.activity.since(key, day)
    for key, name in given.items():
        _count(rules, state, key, event, name)
    return _told(state, event, day, reason("customer.opened", joined=state.joined))


def openable(rules: Rulebook) -> dict[str, Counted]:
    """The measures whose past an opening may tell, each with the one thing that it counts."""
    single = {name: rules.meters[name].counted for name in rules.parts.measures if name in rules.meters}
    return {name: counted[0] for name, counted in single.items() if len(counted) == 1 and counted[0].what != "open"}


def opened_units(rules: Rulebook, counted: Counted, quantity: Decimal) -> int:
    """A quantity of an opened tally in the smallest unit of what is counted. MoneyError where it has more decimals."""
    if counted.what == "count":
        return to_units(quantity, 0, "a count")
    scale = rules.scale if counted.type.kind == "money" else NUMBER_SCALE
    return to_units(quantity, scale, "the measure")


def _count(rules: Rulebook, state: State, key: str, event: Opening, name: str) -> None:
    tally, counted = event.tallies[name], openable(rules)[name]
    state.activity.since(key, tally.since)
    for text, quantity in tally.days.items():
        day, units = date.fromisoformat(text), opened_units(rules, counted, quantity)
        if isinstance(state.activity.tallies[key], Latest):
            state.activity.put(key, day, instant_text(start_of_day(day, rules.zone)), units)
        else:
            state.activity.add(key, day, units)


# -- merge -------------------------------------------------------------------------------------------------------------


def _absorbed(state: State, event: Merge, day: date) -> Decision:
    """The card that ends: all that is there is told to the survivor; its policies let go of the rest in this step."""
    assert event.into is not None
    content = Frozen({"of": state.customer_id, "brought": packed(state)})
    data = Frozen({**event.attributes, "caused_at": instant_text(event.occurred_at)})
    state.closed = Closed(day, event.into)
    state.let_go_of_orders()
    return _told(state, event, day, reason("customer.merged", into=event.into), Signal(event.into, "merge", data, content=content))


def _survives(rules: Rulebook, state: State, event: Merge, day: date) -> Decision:
    """The card that stays: the other's tallies are counted too, its orders can be undone here, its contacts count."""
    other = unpacked(event)
    state.activity.join(other.activity)
    for order in other.orders.values():
        state.put_order(order)
    take_over(rules, state, other, day)
    for event_id, at in other.seen.items():
        if not state.knows(event_id):
            state.saw(event_id, at)
    state.touchpoints = {**other.touchpoints, **state.touchpoints}
    state.joined = min(found for found in (state.joined, other.joined, day) if found is not None)
    state.do_not_contact = state.do_not_contact or other.do_not_contact
    state.consent, state.consents = of_both((state.consent, state.consents), (other.consent, other.consents))
    return _told(state, event, day, reason("customer.survives", of=event.of, joined=state.joined))
