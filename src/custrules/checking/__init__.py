"""Whether an event fits a program: its currency, and that what it names is declared. Every fault is found, each with its path."""

from __future__ import annotations

from custrules.checking.amounts import adjustment, amounts, purchase, quantity_of, stored_value
from custrules.checking.arriving import merge, opening, transfer
from custrules.checking.names import activity, grant, profile, reading
from custrules.errors import Diagnostic
from custrules.events import (
    Activity,
    Adjustment,
    AnyEvent,
    CardUpdate,
    Chargeback,
    ComplaintUpdate,
    Enrolment,
    Hold,
    Merge,
    Opening,
    ProfileUpdate,
    Purchase,
    Reading,
    Redemption,
    Return,
    TierGrant,
    TopUp,
    Transfer,
    Visit,
)
from custrules.rulebook import Rulebook


def faults_of(rules: Rulebook, event: AnyEvent) -> list[Diagnostic]:
    """Everything that keeps an event from being one of this program's; nothing, for most events, and cheaply so."""
    if isinstance(event, Purchase):
        return [*purchase(rules, event)] if event.tenders or event.amount.currency != rules.currency else []
    if isinstance(event, Return):
        return [*amounts(rules, [("amount", event.amount), *((f"lines[{place}].amount", line.amount) for place, line in enumerate(event.lines))])]
    if isinstance(event, TopUp | Chargeback | CardUpdate | Visit) or (isinstance(event, Hold) and event.points is None):
        return [*stored_value(rules, event)]
    if isinstance(event, Activity):
        return [*activity(rules, event)]
    if isinstance(event, Reading):
        return [*reading(rules, event)]
    if isinstance(event, Transfer):
        return [*transfer(rules, event)]
    if isinstance(event, Opening):
        return [*opening(rules, event), *profile(rules, event)]
    if isinstance(event, Merge):
        return [*merge(rules, event)] if event.of is not None else []
    if isinstance(event, Enrolment | ProfileUpdate):
        return [*profile(rules, event)]
    if isinstance(event, Redemption | Hold):
        return [*quantity_of(rules, event.account or "points", event.points, "points")] if event.points is not None else []
    if isinstance(event, Adjustment):
        return [*adjustment(rules, event)]
    if isinstance(event, ComplaintUpdate):
        return [*amounts(rules, [("credit", event.credit)])]
    return [*grant(rules, event)] if isinstance(event, TierGrant) else []
