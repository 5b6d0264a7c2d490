"""Time: what one step works on, asking a policy, making what it answers, and letting days and instants open.

The order of things is the whole of the meaning here; each policy sees the state left by those asked before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from custrules.averages import note_balances
from custrules.brought import tells
from custrules.calendars import ONE_DAY, local_day, start_of_day
from custrules.complaints import count_change
from custrules.contacts import asked_for
from custrules.draft import Draft
from custrules.errors import ContractError
from custrules.event_fields import read_scalar
from custrules.events import AnyEvent, Chargeback, NewDay, RedemptionCancelled, Return, Tick, Transfer, new_day, tick
from custrules.fields import Frozen
from custrules.ledger import DECAYED, EXPIRED, FORFEITED, ISSUED, REVERSED, SPENT, TRANSFERRED, WORLD, LedgerFault, Move
from custrules.orders import Order, Record
from custrules.own_tallies import counted_move, side_of
from custrules.policy import PHASES, Decision, Effect, Phase, Policy, Posting, Reason, Status, Touchpoint, View, reason
from custrules.pruning import prune
from custrules.returns import Part
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.state_parts import StatusValue
from custrules.top_ups import note_top_up
from custrules.views import Days, StepView, Watch

FORWARD: tuple[Phase, ...] = ("earn", "rank", "lapse", "care")
LAPSED = (EXPIRED, FORFEITED, DECAYED)
MAX_INSTANTS = 10_000
OPEN_REFUND = ("requested", "incomplete", "approved")  # what the status of a refund that is not over says
_ALWAYS = (NewDay, Tick, Return, RedemptionCancelled, Chargeback)  # what a retired policy still answers


class Due(NamedTuple):
    """What time alone asks next, in this order: the instant, whether it is an instant and not a day that opens then, which
    day or instant, and whose due it is. Two days open at one instant where the calendar left the first of them out."""

    at: datetime
    timed: bool
    when: date | datetime
    policy_id: str = ""


class Answer(NamedTuple):
    """A policy's decision, and the view in which it was made."""

    decision: Decision
    view: StepView


class Settling:
    """A fork of a state on which time is settled, one policy asked after the other."""

    rules: Rulebook
    before: State
    event: AnyEvent
    watch: Watch | None
    state: State
    days: Days
    day: date
    settled: date
    decisions: list[Decision]

    def __init__(self, rules: Rulebook, state: State, event: AnyEvent, watch: Watch | None = None) -> None:
        self.rules, self.before, self.event, self.watch = rules, state, event, watch
        self.state = state.fork()
        self.decisions: list[Decision] = []
        self.order: Order | None = None
        self.parts: list[Part] = []
        self.day = self.settled = date.min
        self.days = Days(date.min, date.min, event.occurred_at)
        self.opened: datetime | None = None  # where a day has just opened: the instants of that moment are still to come

    # -- asking one policy -----------------------------------------------------------------------------------------

    def ask(self, policy: Policy, part: Part | None = None, record: Record | None = None) -> Answer | None:
        """One policy's answer, checked, with the view that it had; a retired version gives no new ones."""
        view = self._view(policy).about(part.after if part is not None else self.order, record, part.before if part is not None else None)
        try:
            answer = policy.decide(self.event, view)
        except ContractError:
            raise
        except Exception as error:
            raise self._blamed(policy, error) from error
        if answer is None:
            return None
        decision = self.checked(policy, answer)
        if policy.retired and part is None and not isinstance(self.event, _ALWAYS) and not tells(self.event):
            retired = policy.declined(self.event, [reason(f"{policy.kind}.retired", policy=policy.id)]) if policy.phase == "pay" else None
            return Answer(retired, view) if retired is not None else None
        return Answer(decision, view)

    def _view(self, policy: Policy) -> StepView:
        return StepView(self.rules, self.state, self.event, self.days, policy, self.watch)

    def _blamed(self, policy: Policy, error: Exception, event: AnyEvent | None = None) -> ContractError:
        """What a policy raises, or what its answer breaks, is the policy's fault and says so."""
        told = str(error) if isinstance(error, LedgerFault) else f"raised {type(error).__name__}: {error}"
        return ContractError(policy.id, (event or self.event).id, told)

    def checked(self, policy: Policy, decision: object) -> Decision:
        if not isinstance(decision, Decision):
            raise ContractError(policy.id, self.event.id, f"answered with {type(decision).__name__}, not with a Decision or None")
        if decision.policy_id != policy.id or decision.event_id != self.event.id or decision.effective_from != policy.effective_from:
            raise ContractError(policy.id, self.event.id, "signed its decision as another policy, version or event")
        if not decision.reasons or not all(isinstance(why, Reason) for why in decision.reasons):
            raise ContractError(policy.id, self.event.id, "gave something else than Reasons for its decision")
        if decision.outcome == "DECLINED" and (decision.moves if decision.moves_alone else decision.effects):
            raise ContractError(policy.id, self.event.id, "declined and moved something all the same")
        for effect in () if decision.moves_alone else decision.effects:
            if not isinstance(effect, Effect):
                raise ContractError(policy.id, self.event.id, f"{type(effect).__name__} is none of the four effects")
        return decision

    # -- folding ---------------------------------------------------------------------------------------------------

    def fold(self, policy: Policy, answer: Answer, order: Order | None, first: int = 0) -> Decision:
        """Make what a decision says; the same decision with the ids of its effects."""
        decision = answer.decision
        try:
            if decision.moves_alone:
                self._post(policy, decision.moves, order, answer.view.draft)
            else:
                for effect in decision.effects:
                    self._fold(policy, effect, order)
        except ContractError:
            raise
        except Exception as error:
            raise self._blamed(policy, error) from error
        return decision.signed(self.state.customer_id, first)

    def _fold(self, policy: Policy, effect: Effect, order: Order | None) -> None:
        if isinstance(effect, Posting):
            self._post(policy, (effect.move,), order)
        elif isinstance(effect, Status):
            self._set(policy, effect)
            self.state.changed = self.state.day
        elif isinstance(effect, Touchpoint):
            self._touch(policy, effect)

    def _post(self, policy: Policy, moves: Sequence[Move], order: Order | None, draft: Draft | None = None) -> None:
        """Make moves on the ledger; where they are those of a draft on it, the draft has checked and made them already."""
        made = draft is not None and draft.made(moves, self.state.ledger)
        for move in moves:
            if (move.target == SPENT or move.target.endswith(".held")) and not (move.source.endswith(".held") or move.source.startswith(WORLD)):
                self._check_usable(policy, move)
            if not made:
                self.state.ledger.fold(move)
            if self.state.top_ups and move.parts:
                note_top_up(self.state, move, self.settled)
            if self.rules.awards.keys:
                self._count_award(policy, move, order)
            if move.target == TRANSFERRED and self.rules.sent_tallies:
                self._count_sent(policy, move)
            if self.rules.counted_moves:
                self._count_move(policy, move, order)
            if move.target in LAPSED:
                self._note_expired(move, 1)
            elif move.source == EXPIRED and move.target != REVERSED:
                self._note_expired(move, -1)  # it lives again
        if made and draft is not None:
            self.state.ledger = draft.release()
        if moves:
            self.state.changed = self.state.day

    def _check_usable(self, policy: Policy, move: Move) -> None:
        held = self.state.ledger.accounts[move.source]
        for part in move.parts:
            if part.lot.usable_from > self.settled or held.lapsed(part.lot, self.settled):
                raise ContractError(policy.id, self.event.id, f"lot {part.lot.id} is not usable on {self.settled}")

    def recount(self, policy: Policy, view: View, before: tuple[Order, Record] | None, after: tuple[Order, Record]) -> None:
        """Bring a policy's own tallies from what its part in an order came to before to what it comes to now, on the order's day."""
        keys = self.rules.own_tallies.get(policy.id)
        if not keys:
            return
        was, now = policy.comes_to(*before, view) if before is not None else {}, policy.comes_to(*after, view)
        for name, key in keys.items():
            self.state.activity.add(key, after[0].day, now.get(name, 0) - was.get(name, 0))

    def _count_award(self, policy: Policy, move: Move, order: Order | None) -> None:
        """What a policy that has caps awards and takes back is tallied."""
        keys = self.rules.awards.keys.get(policy.id, ()) if move.source == ISSUED or move.target == REVERSED else ()
        for key in keys:
            if move.source == ISSUED:
                self.state.activity.add(key, self.day, move.quantity)
            else:
                self.state.activity.add(key, order.day if order is not None else self.day, -move.quantity)

    def _count_sent(self, policy: Policy, move: Move) -> None:
        """What a customer sends of her own accord is tallied, where its policy has limits; not what goes back, nor what is pooled."""
        keys = self.rules.sent_tallies.get(policy.id)
        if keys is not None and isinstance(self.event, Transfer) and not self.event.back:
            self.state.activity.add(keys[0], self.day, move.quantity)
            self.state.activity.add(keys[1], self.day, 1)

    def _count_move(self, policy: Policy, move: Move, order: Order | None) -> None:
        """What comes into an account that looks at it (by what it came from), less what is taken back, and what is written off is tallied."""
        account = self.rules.resolve(policy.works_on() or side_of(move))
        for name in self.rules.counted_moves.get(account, ()):
            quantity = counted_move(name, policy, move, order.type if order is not None else self.event.type)
            if quantity:
                self.state.activity.add(f"{name}:{account}", order.day if quantity < 0 and order is not None else self.day, quantity)

    def _note_expired(self, move: Move, sign: int) -> None:
        """An order remembers how much of what it granted is expired, withered or forfeited: a later reversal forgives it."""
        for lot, quantity in move.parts:
            order = self.state.order(lot.origin)
            if order is not None and order.deposit is None:  # which tells it itself
                left = order.expired.get(lot.first_id, 0) + sign * quantity
                self.state.change_order(order, expired={**order.expired, lot.first_id: left})

    def _set(self, policy: Policy, status: Status) -> None:
        if status.name not in policy.writes():
            raise ContractError(policy.id, self.event.id, f"wrote the status {status.name!r}, which it does not name in writes()")
        value = None if status.value is None else read_scalar(status.value)
        data = Frozen({name: read_scalar(item) for name, item in status.data.items()})
        before = self.state.statuses.get((status.name, status.subject))
        self.state.put_status((status.name, status.subject), StatusValue(value, status.since, status.until, data))
        if before is not None and status.name == self.rules.complaint_status:
            count_change(self.rules, self.state, status.subject, before, self.day)
        self.state.keep_lots(status.name)
        order = self.state.order(status.subject) if status.subject else None
        if order is not None and order.type == "refund_request" and order.done == (value in OPEN_REFUND):
            self.state.change_order(order, done=not order.done)

    def _touch(self, policy: Policy, asked: Touchpoint) -> None:
        key = f"{policy.id}:{asked.cycle}"
        before = self.state.touchpoints.get(key)
        if before is not None and before.ahead and before.takes_cycle:
            return  # it has been made
        if before is not None and before.takes_cycle:
            raise ContractError(policy.id, self.event.id, f"asked twice in the cycle {asked.cycle!r}")
        self.state.touchpoints[key] = asked_for(policy.id, asked)

    # -- time ------------------------------------------------------------------------------------------------------

    def settle(self, upto: datetime, day: date | None = None) -> Due | None:
        """Let time pass up to an instant (of a local day, where that is known): every day and instant that some policy is due on, in order.

        The answer is what is due next.
        """
        coming = self.ask_dues(Due(upto, True, upto))
        self._move_to(upto, day or local_day(upto, self.rules.zone))
        return coming

    def ask_dues(self, last: Due) -> Due | None:
        """Ask what is due up to a day or instant, which is still asked if it is due itself; what is due after it is the answer."""
        instants = 0
        while self.state.as_of is not None:
            due = self._next_due()
            if due is None or due[:3] > last[:3]:
                return due
            instants += isinstance(due.when, datetime)
            if instants > MAX_INSTANTS:
                asked = tick(self.state.customer_id, self.state.as_of).id
                raise ContractError(due.policy_id, asked, f"was due at more than {MAX_INSTANTS} instants in one step")
            self.open(due.when)
        return None

    def _move_to(self, instant: datetime, day: date) -> None:
        if day != self.state.day:
            if self.rules.balances:
                note_balances(self.rules.balances, self.state)
            self.state.day = day
            prune(self.rules, self.state, day)
        self.state.as_of = instant

    def next_due(self) -> Due | None:
        """When time alone next has something to ask."""
        return self._next_due() if self.state.as_of is not None else None

    def _next_due(self) -> Due | None:
        day, as_of = self.state.day, self.state.as_of
        assert day is not None
        assert as_of is not None
        days = Days(day, day, as_of)
        first = self.rules.next_first_day(day)
        dues = [] if first is None else [self._day_due(first)]
        if self.state.holds:
            ends = max(min(self.state.holds.values()), as_of if self.opened == as_of else as_of + timedelta(microseconds=1))
            dues.append(Due(ends, True, ends))
        for policy in self.rules.with_due(day):
            if self.state.closed is not None and policy.phase != "lapse":
                continue
            due = self._due_of(policy, days)
            if due is not None:
                dues.append(due)
        return min(dues, key=lambda due: due[:3]) if len(dues) > 1 else dues[0] if dues else None

    def _due_of(self, policy: Policy, days: Days) -> Due | None:
        view = StepView(self.rules, self.state, None, days, policy)  # what is asked for a due is no part of what is explained
        try:
            due = policy.due(view)
            return self._clamped(due, view, policy.id) if due is not None else None
        except ContractError:
            raise
        except Exception as error:
            raise self._blamed(policy, error, view.event) from error

    def _day_due(self, day: date, policy_id: str = "") -> Due:
        return Due(start_of_day(day, self.rules.zone), False, day, policy_id)

    def _clamped(self, due: object, view: View, policy_id: str) -> Due:
        """A due that has passed already is asked at the next occasion: no day opens twice, no instant is asked twice."""
        if isinstance(due, datetime):
            as_of = view.instant
            if due.utcoffset() is None:
                raise ContractError(policy_id, view.event.id, "named a due without a time zone")
            instant = max(due.astimezone(UTC), as_of if self.opened == as_of else as_of + timedelta(microseconds=1))
            return Due(instant, True, instant, policy_id)
        if not isinstance(due, date):
            raise ContractError(policy_id, view.event.id, f"named {type(due).__name__} as its due, not a day or an instant")
        return self._day_due(due if due > view.day else view.day + ONE_DAY, policy_id)

    def open(self, due: date | datetime) -> None:
        """Ask every policy as a day opens, or at an instant."""
        if isinstance(due, datetime):
            self._move_to(due, local_day(due, self.rules.zone))
            self._stand_at(due, self.state.day, tick(self.state.customer_id, due))
            self.opened = None
            self.run_out(due)
        else:
            self.opened = start_of_day(due, self.rules.zone)
            self._move_to(self.opened, due)
            self._stand_at(self.opened, due, new_day(self.state.customer_id, due))
        heard = self.rules.hearing(self.day, self.event.type)
        phases: tuple[Phase, ...] = PHASES if self.state.closed is None else ("lapse",)  # of a closed account, what is left lapses
        for policy in (policy for phase in phases for policy in heard[phase]):
            answer = self.ask(policy)
            if answer is not None:
                self.decisions.append(self.fold(policy, answer, None))

    def run_out(self, instant: datetime) -> None:
        """Let go of the holds that stood until an instant."""

    def _stand_at(self, instant: datetime, day: date | None, event: AnyEvent) -> None:
        assert day is not None
        self.days = Days(day, day, instant)
        self.day, self.settled, self.event = day, day, event
        self.order, self.parts = None, []
