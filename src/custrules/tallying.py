"""What an event adds to the tallies, what a return takes out of them again (on the original day), and what is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from custrules.counting import MONEY_SUBJECTS, Counted, EventFacts, LineFacts, event_value, in_order, name_of, single
from custrules.events import AnyEvent, Chargeback, Contact, RedemptionCancelled, Return
from custrules.fields import instant_text
from custrules.ledger import escaped
from custrules.money import Money
from custrules.order_lines import OrderLine
from custrules.orders import Order
from custrules.policy import Decision, Touchpoint, reason
from custrules.returns import Part, Wanted
from custrules.rulebook import Rulebook
from custrules.state import State

RETURNS = "returns"  # the policy id under which the kernel tells of returns; reserved


def counted_in(rules: Rulebook, event: AnyEvent) -> list[Counted]:
    """What an event counts for; a contact that was not made counts for nothing."""
    if isinstance(event, Contact) and not event.counts:
        return []
    return [counted for counted in rules.counting(event.type, name_of(event)) if counted.where is None or _where(rules, counted, event)]


def tallied(counted: Iterable[Counted]) -> tuple[str, ...]:
    """The keys of tallies that a return has to correct."""
    return tuple(sorted(one.key for one in counted if one.what != "latest"))


def tally_event(rules: Rulebook, state: State, event: AnyEvent, day: date, order: Order | None, counted_in: Iterable[Counted]) -> None:
    """Count an event in what it counts for; an order is put into the state."""
    if order is not None:
        state.put_order(order)
    for counted in counted_in:
        if counted.what == "open":
            continue  # see ``complaints``
        if counted.what == "latest":
            _latest(rules, state, counted, event, day)
        elif counted.what == "each":
            worth = event_value(counted, event, rules.parts.declared) if order is None else single(counted, order, rules.returns.tenders)
            state.activity.change(counted.key, day, None, worth)
        elif order is not None:
            state.activity.add(counted.key, day, in_order(counted, order, rules.returns.tenders))
        else:
            state.activity.add(counted.key, day, event_value(counted, event, rules.parts.declared) or 0)


def _latest(rules: Rulebook, state: State, counted: Counted, event: AnyEvent, day: date) -> None:
    value = event_value(counted, event, rules.parts.declared)
    if value is not None:
        state.activity.put(counted.key, day, instant_text(event.occurred_at), value)


def tally_return(rules: Rulebook, state: State, event: AnyEvent, day: date, parts: Sequence[Part], unmatched: Iterable[Wanted]) -> None:
    """Correct the tallies of the orders touched on their own days; what found no order counts against the return's day."""
    for part in parts:
        for key in part.before.tallied:
            counted = rules.tallies.get(key)
            if counted is not None and counted.what == "each":
                before, after = (single(counted, order, rules.returns.tenders) for order in (part.before, part.after))
                state.activity.change(key, part.before.day, before, after)
            elif counted is not None:
                change = in_order(counted, part.after, rules.returns.tenders) - in_order(counted, part.before, rules.returns.tenders)
                state.activity.add(key, part.before.day, change)
    for counted in rules.tallies.values():
        if counted.subject == event.type and _where(rules, counted, event) and counted.what == "count":
            state.activity.add(counted.key, day, 1)
        elif counted.subject in MONEY_SUBJECTS and counted.what == "sum" and isinstance(event, Return) and _where(rules, counted, event):
            state.activity.add(counted.key, day, -sum(wanted.amount for wanted in unmatched if _line_fits(rules, counted, wanted)))


def _line_fits(rules: Rulebook, counted: Counted, wanted: Wanted) -> bool:
    line = OrderLine(wanted.sku, None, max(wanted.quantity, Decimal(0)), wanted.amount, 0)
    return counted.lines is None or rules.tests.of(counted.lines)(LineFacts(line))


def _where(rules: Rulebook, counted: Counted, event: AnyEvent) -> bool:
    if counted.where is None:
        return True
    return rules.tests.of(counted.where)(EventFacts(event, rules.parts.declared.attributes(event), rules.scale))


def returns_decision(
    rules: Rulebook, event: Return | RedemptionCancelled | Chargeback, customer_id: str, day: date, parts: Sequence[Part], unmatched: Sequence[Wanted]
) -> Decision | None:
    """What the kernel tells of a return: the orders found, what found none, and how the amount goes back to the tenders."""
    if not isinstance(event, Return):
        return None
    missing = sum(wanted.amount for wanted in unmatched)
    reasons = []
    if event.of is None:
        reasons += [reason("returns.matching.matched", order=part.before.id, amount=_money(rules, part.amount)) for part in parts]
        reasons += [reason("returns.matching.unmatched", amount=_money(rules, missing))] if missing else []
    back = tenders_back(rules, parts)
    refund = sum(part.after.refunded(rules.returns.tenders) - part.before.refunded(rules.returns.tenders) for part in parts)
    others = {kind: _money(rules, amount) for kind, amount in back.items() if amount and kind not in ("cash", "card")}
    reasons.append(reason("returns.tenders.split", refund=_money(rules, refund), **others))
    matching = rules.returns.matching
    effects: tuple[Touchpoint, ...] = ()
    if missing and event.of is None and matching is not None and matching.unmatched == "to_person":
        effects = (Touchpoint("return_unmatched", event.id, day, outcome="task", id=_effect_id(customer_id, event.id)),)
    return Decision(RETURNS, day, event.id, "APPLIED", tuple(reasons), effects)


def tenders_back(rules: Rulebook, parts: Sequence[Part]) -> dict[str, int]:
    """What a return gives back to each kind of tender, over all orders touched."""
    back: dict[str, int] = {}
    rule = rules.returns.tenders
    for part in parts:
        rows = zip(part.after.tenders, part.before.tenders_back(rule), part.after.tenders_back(rule), strict=True) if part.after.tenders else ()
        for tender, before, after in rows:
            back[tender.type] = back.get(tender.type, 0) + after - before
    return back


def _money(rules: Rulebook, minor: int) -> Money:
    return Money.from_minor(minor, rules.currency)


def _effect_id(customer_id: str, event_id: str) -> str:
    return "/".join((escaped(customer_id), escaped(event_id), RETURNS, "0"))
