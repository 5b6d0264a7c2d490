"""Holds: value set aside that is captured or let go, once; one that stands past its instant is void, whether that was asked or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from custrules.decisions import joined
from custrules.events import Capture, Void
from custrules.ledger import SPENT
from custrules.money import from_units
from custrules.order_lines import OrderLine, OrderTender
from custrules.orders import Order, Record
from custrules.policy import Decision, Policy, Reason, reason
from custrules.returns import Part
from custrules.settling import Answer, Settling
from custrules.top_ups import relist

HELD = ".held"


class Holding(Settling):
    """Settling that also knows what becomes of holds: each policy that took part in one is asked again, in the version recorded."""

    def run_out(self, instant: datetime) -> None:
        asked: dict[str, list[Decision]] = {}
        ended = sorted((until, order_id) for order_id, until in self.state.holds.items() if until <= instant)
        for _, order_id in ended:
            self._resolve(order_id, "void", asked)
        self.decisions.extend(joined(decisions) for decisions in asked.values())

    def close_hold(self, event: Capture | Void) -> Reason | None:
        """Resolve the hold that an event names; the reason for which that cannot be, or None."""
        order = self.state.order(event.of)
        fault = self._fault(order, event)
        if fault is not None:
            return fault
        asked: dict[str, list[Decision]] = {}
        self._resolve(event.of, "captured" if isinstance(event, Capture) else "void", asked)
        self.decisions.extend(joined(decisions) for decisions in asked.values())
        return None

    def _fault(self, order: Order | None, event: Capture | Void) -> Reason | None:
        if order is None or order.type != "hold" or order.occurred_at > event.occurred_at or self._gone(order):
            return reason("event.unknown_order", of=event.of)
        if order.until is not None and order.until <= self.days.instant and order.resolved != "captured":
            return reason("event.hold_over", of=event.of, until=order.until)
        if order.resolved:
            return reason("event.exceeds_order", of=event.of, asked=_asked(event, "1"), left="0")
        left = self._held(order)
        if isinstance(event, Capture) and event.quantity is not None and event.quantity > left:
            return reason("event.exceeds_order", of=event.of, asked=_asked(event, ""), left=str(left))
        return None

    def _gone(self, order: Order) -> bool:
        return bool(order.resolved) and self.rules.returns.window.after(order.day) < self.day

    def _held(self, order: Order) -> Decimal:
        """What a hold set aside, as people read it."""
        moves = [move for record in order.records.values() for move in record.moves if move.target.endswith(HELD)]
        if not moves:
            return Decimal(0)
        account = self.state.ledger.accounts[moves[0].target]
        return from_units(sum(move.quantity for move in moves), account.scale)

    def _resolve(self, order_id: str, how: str, asked: dict[str, list[Decision]]) -> None:
        """Ask each policy that took part what becomes of its share of a hold; their answers are added to ``asked``."""
        before = self.state.order(order_id)
        assert before is not None
        part = Part(before, replace(before, resolved=how))
        self.state.put_order(part.after)
        for policy_id, record in before.records.items():
            policy = self.rules.version(policy_id, record.effective_from, before.day)
            answer = self.ask(policy, part, record) if policy is not None else None
            if policy is not None and answer is not None:
                told = asked.setdefault(policy_id, [])
                told.append(self.follow(policy, answer, part, record, sum(len(decision.effects) for decision in told)))
        if how == "captured":
            self._bought(self.state.orders[order_id])
        if self.state.top_ups:
            relist(self.state, before, self.state.orders[order_id])

    def _bought(self, order: Order) -> None:
        """What was captured of money is one line that stored value paid for: it may come back in part, as a purchase does."""
        tenders = []
        for record in order.records.values():
            for move in record.moves:
                store = self.rules.stores.get(move.source.removesuffix(HELD)) if move.target == SPENT else None
                if store is not None and store.form == "amount" and move.quantity:
                    tenders.append(OrderTender("stored_value", move.quantity, None, store.name))
        if tenders:
            line = OrderLine(None, None, Decimal(1), sum(tender.amount for tender in tenders), 0)
            self.state.change_order(order, lines=(line,), tenders=tuple(tenders))

    def follow(self, policy: Policy, answer: Answer, part: Part, record: Record, first: int) -> Decision:
        """Make what a policy answers about an order that it took part in, and write it into the order."""
        order_id = part.after.id
        decision = self.fold(policy, answer, self.state.orders[order_id], first)
        order = self.state.orders[order_id]
        changed = replace(record, moves=record.moves + decision.moves)
        order = self.state.change_order(order, records={**order.records, policy.id: changed})
        self.recount(policy, answer.view, (part.before, record), (order, changed))
        return decision


def _asked(event: Capture | Void, otherwise: str) -> str:
    return str(event.quantity) if isinstance(event, Capture) and event.quantity is not None else otherwise
