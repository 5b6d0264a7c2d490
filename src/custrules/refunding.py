"""Refunds of stored value: a request is an order that stands until it is paid or turned down; what follows it up is asked of whom it was."""

from __future__ import annotations

from custrules.counting import Counted
from custrules.decisions import Decision
from custrules.events import AnyEvent, RefundDecision, RefundPaid, RefundRequest
from custrules.holding import Holding
from custrules.orders import Order
from custrules.policy import Reason, reason
from custrules.returns import Part
from custrules.tallying import counted_in, tally_event


class Refunding(Holding):
    """Holding that also knows what follows up a request for a refund: it may be refused, and is answered in the version recorded."""

    decisions: list[Decision]

    def follows_up(self, event: AnyEvent) -> Order | None:
        """The request that an event follows up; a request of a top-up follows up none."""
        if not isinstance(event, RefundRequest | RefundDecision | RefundPaid) or event.of is None:
            return None
        order = self.state.order(event.of)
        return order if order is not None and order.type == "refund_request" else None

    def unknown(self, event: AnyEvent) -> Reason | None:
        """Why what an event about a refund names is not known: no top-up, or no request, or one that came later."""
        if not isinstance(event, RefundRequest | RefundDecision | RefundPaid) or event.of is None:
            return None
        order = self.state.order(event.of)
        wanted = ("refund_request", "top_up") if isinstance(event, RefundRequest) else ("refund_request",)
        if order is None or order.type not in wanted or order.occurred_at > event.occurred_at:
            return reason("event.unknown_order", of=event.of)
        return None

    def answer_refund(self, event: AnyEvent, order: Order) -> Reason | None:
        """Ask whoever answered a request about what follows it up; the reason for which that is refused, or None."""
        counted: list[Counted] = counted_in(self.rules, event)
        for policy_id, record in order.records.items():
            policy = self.rules.version(policy_id, record.effective_from, order.day)
            part = Part(order, order)
            answer = self.ask(policy, part, record) if policy is not None else None
            if policy is None or answer is None:
                continue
            if answer.decision.outcome == "DECLINED":
                self.decisions = [answer.decision]
                return answer.decision.reasons[0]
            self.decisions.append(self.follow(policy, answer, part, record, 0))
            tally_event(self.rules, self.state, event, self.day, None, counted)
            return None
        self.decisions = []
        return reason("event.unserved", what=event.type)
