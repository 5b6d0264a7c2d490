"""An event that undoes: a return, a cancelled redemption, a chargeback. The orders that it touches are followed up, each by its record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from custrules.baskets import OrderFault
from custrules.contacts import asked_for
from custrules.decisions import joined
from custrules.events import Chargeback, RedemptionCancelled, Return
from custrules.ledger import SPENT
from custrules.money import Money, from_units
from custrules.orders import Order, Record
from custrules.policy import Decision, Phase, Policy, Reason, Touchpoint, reason
from custrules.refunding import Refunding
from custrules.returns import Part, Wanted, find_orders
from custrules.settling import Answer
from custrules.tallying import RETURNS, returns_decision, tally_return
from custrules.top_ups import disputed, relist, unvisited

REVERSING: tuple[Phase, ...] = ("earn", "pay", "rank", "lapse", "care")
CLOSED: tuple[Phase, ...] = ("earn", "pay", "lapse")  # what still answers once an account is closed


class Reversing(Refunding):
    """Refunding that also undoes: every policy that took part in what is undone is asked again, and those in force that hear of it."""

    def reverse(self, event: Return | RedemptionCancelled | Chargeback) -> Reason | None:
        """Undo what an event asks back; the reason for which it is refused, or None."""
        try:
            parts, unmatched = self._parts(event)
        except OrderFault as fault:
            self.decisions.clear()
            return reason(fault.code, **self._shown(fault.params))
        self.parts = parts
        for part in parts:
            self.state.put_order(part.after)
        tally_return(self.rules, self.state, event, self.day, parts, unmatched)
        self._tell_returns(event, unmatched)
        for phase in REVERSING if self.state.closed is None else CLOSED:
            for policy_id, policy in self._heard(phase):
                self._follow_up(policy_id, policy)
        for part in parts if self.state.top_ups else ():
            relist(self.state, part.before, self.state.orders[part.after.id])
            if part.after.done:
                unvisited(self.state, part.before)
        return None

    def _parts(self, event: Return | RedemptionCancelled | Chargeback) -> tuple[list[Part], list[Wanted]]:
        if isinstance(event, Chargeback):
            return [disputed(self.state, self.rules.returns, event, self.day)], []
        if event.of is None:
            parts, unmatched = find_orders(self.rules.returns.matching, event, self.day, self.state.orders.values())
            matching = self.rules.returns.matching
            if unmatched and matching is not None and matching.unmatched == "decline":
                raise OrderFault("returns.matching.unmatched", amount=sum(wanted.amount for wanted in unmatched))
            return parts, unmatched
        order = self.state.order(event.of)
        wanted = "purchase" if isinstance(event, Return) else "redemption"
        if order is None or wanted not in _undone_as(order) or order.occurred_at > event.occurred_at or self._closed(order):
            raise OrderFault("event.unknown_order", of=event.of)
        if isinstance(event, Return):
            after = order.take_back(event)
            return [Part(order, replace(after, done=after.all_gone) if order.type == "hold" else after)], []
        return [Part(order, self._cancelled(order, event))], []

    def _cancelled(self, order: Order, event: RedemptionCancelled) -> Order:
        """A redemption after all that is left of it, or a part, was cancelled. OrderFault where less is left, or it is not told so."""
        if order.done:
            raise OrderFault("event.exceeds_order", of=order.id, asked=str(event.points or event.quantity or 1), left="0")
        asked, by = (event.points, "points") if event.points is not None else (Decimal(event.quantity or 0), "quantity")
        if not asked:
            return replace(order.all_back() if order.type == "hold" else order, done=True)
        if order.type == "hold" and order.lines:
            raise OrderFault("event.cancelled_whole", of=order.id)
        if (by == "quantity") != bool(order.lines):
            raise OrderFault("event.cancelled_otherwise", of=order.id, found=by, expected="quantity" if order.lines else "points")
        left = order.lines[0].quantity_left if order.lines else self._points_left(order, asked)
        if asked > left:
            raise OrderFault("event.exceeds_order", of=order.id, asked=str(asked), left=str(left))
        lines = tuple([line._replace(back_quantity=line.back_quantity + asked) for line in order.lines])
        return replace(order, lines=lines, done=asked == left)

    def _points_left(self, order: Order, asked: Decimal) -> Decimal:
        """What was spent and did not come back yet, as people read it. OrderFault for a number that has more decimals."""
        spent = [(move, record) for record in order.records.values() for move in record.moves if move.target == SPENT]
        if not spent:
            return Decimal(0)
        account = spent[0][0].source.removesuffix(".held")
        scale = self.state.ledger.accounts[account].scale
        if (asked * 10**scale) % 1:
            raise OrderFault("event.too_many_decimals", account=account, found=str(asked), most=str(scale))
        return from_units(sum(move.quantity for move, _ in spent) - sum(record.moved(source=SPENT) for record in order.records.values()), scale)

    def _closed(self, order: Order) -> bool:
        return self.rules.returns.window.after(order.day) < self.day

    def _shown(self, params: dict[str, Any]) -> dict[str, Any]:
        return {name: Money.from_minor(value, self.rules.currency) if isinstance(value, int) else value for name, value in params.items()}

    def _tell_returns(self, event: Return | RedemptionCancelled | Chargeback, unmatched: Sequence[Wanted]) -> None:
        """The kernel's own decision about a return; a touchpoint in it is taken up like any other."""
        decision = returns_decision(self.rules, event, self.state.customer_id, self.day, self.parts, unmatched)
        if decision is None:
            return
        self.decisions.append(decision)
        for effect in decision.effects:
            if isinstance(effect, Touchpoint):
                self.state.touchpoints[f"{RETURNS}:{effect.cycle}"] = asked_for(RETURNS, effect)

    def _heard(self, phase: Phase) -> Iterator[tuple[str, Policy | None]]:
        """Policy ids of a phase, in document order: those in force, and those that only the orders touched remember."""
        in_force = {policy.id: policy for policy in self.rules.phases(self.day)[phase]}
        recorded = {policy_id for part in self.parts for policy_id in part.before.records}
        for policy_id, versions in self.rules.versions.items():
            if policy_id in in_force or (policy_id in recorded and versions[0].phase == phase):
                yield policy_id, in_force.get(policy_id)

    def _follow_up(self, policy_id: str, in_force: Policy | None) -> None:
        """Ask about each order touched the version recorded there; a policy that took part in none, the version in force, once."""
        asked: list[Decision] = []
        for part in self.parts:
            record = self.state.orders[part.after.id].records.get(policy_id) or _blank(part, in_force)
            policy = self.rules.version(policy_id, record.effective_from, part.before.day) if record is not None else None
            if record is None or policy is None:
                continue
            answer = self._asked_again(policy, Part(part.before, self.state.orders[part.after.id]), record)
            if answer is not None:
                first = sum(len(other.effects) for other in asked)
                asked.append(self.follow(policy, answer, part, record, first))
        took_part = any(policy_id in part.before.records for part in self.parts)
        if not took_part and in_force is not None:
            answer = self._asked_again(in_force)
            asked += [self.fold(in_force, answer, None)] if answer is not None else []
        if asked:
            self.decisions.append(joined(asked))

    def _asked_again(self, policy: Policy, part: Part | None = None, record: Record | None = None) -> Answer | None:
        """A policy's answer to a reversing event, if it hears of such events at all."""
        return self.ask(policy, part, record) if policy.hears is None or self.event.type in policy.hears else None


def _blank(part: Part, in_force: Policy | None) -> Record | None:
    """What is recorded of a top-up that was brought from elsewhere: nothing yet; the version in force answers for it."""
    brought = part.before.deposit is not None and not part.before.records
    return Record(in_force.effective_from, {}) if brought and in_force is not None else None


def _undone_as(order: Order) -> tuple[str, ...]:
    """What an order is undone as: a hold that was captured is a redemption, of money a purchase too; a visit that was used of a card is a
    redemption."""
    if order.type == "visit":
        return ("redemption",)
    if order.type != "hold":
        return (order.type,)
    if order.resolved != "captured":
        return ()
    return ("redemption", "purchase") if order.lines else ("redemption",)
