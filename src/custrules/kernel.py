"""One step: settle, pay, tally, earn, rank, lapse, care, on a fork of the state, which is kept only when the event is accepted.

The order of things is the whole of the meaning here; each policy sees the state left by those asked before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from custrules.calendars import ONE_DAY, local_day, start_of_day
from custrules.errors import ContractError, Diagnostic, StateError
from custrules.events import AnyEvent, NewDay, Purchase, Redemption, RedemptionCancelled, Return, Tick, read_scalar
from custrules.fields import Frozen
from custrules.ledger import EXPIRED, ISSUED, REVERSED, SPENT, LedgerFault, Move, escaped
from custrules.moment import Moment
from custrules.money import Money, exactly
from custrules.orders import Order, OrderFault, Record, order_of
from custrules.policy import Decision, Effect, Outcome, Phase, Policy, Posting, Reason, Status, Touchpoint, reason
from custrules.returns import Part, Wanted, find_orders
from custrules.rulebook import Rulebook
from custrules.state import State, StatusValue, TouchpointAsked
from custrules.tallying import RETURNS, returns_decision, tally_event, tally_return
from custrules.views import Asked, StepView, Watch

Verdict = Literal["accepted", "refused", "duplicate", "late"]
FORWARD: tuple[Phase, ...] = ("earn", "rank", "lapse", "care")
REVERSING: tuple[Phase, ...] = ("earn", "pay", "rank", "lapse", "care")
MAX_INSTANTS = 10_000
VALUE_TENDERS = ("points", "stored_value", "gift_card")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an event: the verdict, the new state (the old one unless accepted), the stamped event and the decisions."""

    verdict: Verdict
    state: State
    event: AnyEvent | None
    decisions: tuple[Decision, ...]
    refusal: Reason | None = None


class Due(NamedTuple):
    """What time alone asks next, in this order: the instant, whether it is an instant and not a day that opens then, which
    day or instant, and whose due it is. Two days open at one instant where the calendar left the first of them out."""

    at: datetime
    timed: bool
    when: date | datetime
    policy_id: str = ""


class Step:
    """One event being decided on a fork of the state."""

    rules: Rulebook
    before: State
    watch: Watch | None
    state: State
    instant: datetime
    day: date
    settled: date

    def __init__(self, rules: Rulebook, state: State, event: AnyEvent, watch: Watch | None = None) -> None:
        self.rules, self.before, self.event, self.watch = rules, state, event, watch
        self.state = state.fork()
        self.decisions: list[Decision] = []
        self.order: Order | None = None
        self.parts: list[Part] = []
        self.instant = event.occurred_at
        self.day = self.settled = date.min
        self.opened: datetime | None = None  # where a day has just opened: the instants of that moment are still to come

    # -- asking one policy -----------------------------------------------------------------------------------------

    def ask(self, policy: Policy, part: Part | None = None, record: Record | None = None) -> Decision | None:
        """One policy's answer, checked; a retired version gives no new ones."""
        if policy.hears is not None and self.event.type not in policy.hears:
            return None
        view = self._view(policy, part.after if part is not None else self.order, record)
        with self._guarded(policy):
            answer = policy.decide(self.event, view)
        if answer is None:
            return None
        decision = self._checked(policy, answer)
        if policy.retired and part is None and not isinstance(self.event, NewDay | Tick | Return | RedemptionCancelled):
            return policy.declined(self.event, [reason(f"{policy.kind}.retired", policy=policy.id)]) if policy.phase == "pay" else None
        return decision

    def _view(self, policy: Policy, order: Order | None = None, record: Record | None = None) -> StepView:
        return StepView(Asked(self.rules, self.state, self.event, self.day, self.settled, self.instant, order, record, self.watch), policy)

    @contextmanager
    def _guarded(self, policy: Policy) -> Iterator[None]:
        """What a policy raises, or what its answer breaks, is the policy's fault and says so."""
        try:
            yield
        except ContractError:
            raise
        except LedgerFault as fault:
            raise ContractError(policy.id, self.event.id, str(fault)) from fault
        except Exception as error:
            raise ContractError(policy.id, self.event.id, f"raised {type(error).__name__}: {error}") from error

    def _checked(self, policy: Policy, decision: object) -> Decision:
        if not isinstance(decision, Decision):
            raise ContractError(policy.id, self.event.id, f"answered with {type(decision).__name__}, not with a Decision or None")
        if (decision.policy_id, decision.event_id, decision.effective_from) != (policy.id, self.event.id, policy.effective_from):
            raise ContractError(policy.id, self.event.id, "signed its decision as another policy, version or event")
        if not decision.reasons or not all(isinstance(why, Reason) for why in decision.reasons):
            raise ContractError(policy.id, self.event.id, "gave something else than Reasons for its decision")
        if decision.outcome == "DECLINED" and decision.effects:
            raise ContractError(policy.id, self.event.id, "declined and moved something all the same")
        for effect in decision.effects:
            if not isinstance(effect, Effect):
                raise ContractError(policy.id, self.event.id, f"{type(effect).__name__} is none of the four effects")
        return decision

    # -- folding ---------------------------------------------------------------------------------------------------

    def fold(self, policy: Policy, decision: Decision, order: Order | None, first: int = 0) -> Decision:
        """Make what a decision says; the same decision with the ids of its effects."""
        effects = []
        for number, effect in enumerate(decision.effects, first):
            parts = (self.state.customer_id, self.event.id, policy.id, str(number))
            effects.append(replace(effect, id="/".join(map(escaped, parts))))
            with self._guarded(policy):
                self._fold(policy, effect, order)
            if isinstance(effect, Posting | Status):
                self.state.changed = self.state.day
        return replace(decision, effects=tuple(effects))

    def _fold(self, policy: Policy, effect: Effect, order: Order | None) -> None:
        if isinstance(effect, Posting):
            self._post(policy, effect.move, order)
        elif isinstance(effect, Status):
            self._set(policy, effect)
        elif isinstance(effect, Touchpoint):
            self._touch(policy, effect)

    def _post(self, policy: Policy, move: Move, order: Order | None) -> None:
        unusable = [part.lot for part in move.parts if move.target == SPENT and not part.lot.usable(self.settled)]
        if unusable and not move.source.endswith(".held"):
            raise ContractError(policy.id, self.event.id, f"lot {unusable[0].id} is not usable on {self.settled}")
        self.state.ledger.fold(move)
        key = self.rules.award_tallies.get(policy.id)
        if key is not None and move.source == ISSUED:
            self.state.activity.add(key, self.day, move.quantity)
        elif key is not None and move.target == REVERSED:
            self.state.activity.add(key, order.day if order is not None else self.day, -move.quantity)
        if move.target == EXPIRED:
            self._note_expired(move)

    def _note_expired(self, move: Move) -> None:
        """An order remembers how much of what it granted expired: a later reversal forgives it."""
        for lot, quantity in move.parts:
            order = self.state.orders.get(lot.origin)
            if order is not None:
                self.state.change_order(order, expired={**order.expired, lot.id: order.expired.get(lot.id, 0) + quantity})

    def _set(self, policy: Policy, status: Status) -> None:
        if status.name not in policy.writes():
            raise ContractError(policy.id, self.event.id, f"wrote the status {status.name!r}, which it does not name in writes()")
        value = None if status.value is None else read_scalar(status.value)
        data = Frozen({name: read_scalar(item) for name, item in status.data.items()})
        self.state.statuses[status.name, status.subject] = StatusValue(value, status.since, status.until, data)

    def _touch(self, policy: Policy, asked: Touchpoint) -> None:
        key = f"{policy.id}:{asked.cycle}"
        if key in self.state.touchpoints:
            raise ContractError(policy.id, self.event.id, f"asked twice in the cycle {asked.cycle!r}")
        self.state.touchpoints[key] = TouchpointAsked(policy.id, asked.cycle, asked.category, asked.channel, asked.day, asked.last_day)

    # -- time ------------------------------------------------------------------------------------------------------

    def settle(self, upto: datetime) -> None:
        """Let time pass up to an instant: every day and instant that some policy is due on, in order."""
        self.ask_dues(Due(upto, True, upto))
        self._move_to(upto, local_day(upto, self.rules.zone))

    def ask_dues(self, last: Due) -> None:
        """Ask what is due up to a day or instant, which is still asked if it is due itself."""
        instants = 0
        while self.state.as_of is not None:
            due = self._next_due()
            if due is None or due[:3] > last[:3]:
                break
            instants += isinstance(due.when, datetime)
            if instants > MAX_INSTANTS:
                raise ContractError(due.policy_id, self.event.id, f"was due at more than {MAX_INSTANTS} instants in one step")
            self.open(due.when)

    def _move_to(self, instant: datetime, day: date) -> None:
        if day != self.state.day:
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
        self._stand_at(as_of, day, Tick(customer_id=self.state.customer_id, at=as_of))
        first = self.rules.next_first_day(day)
        dues = [] if first is None else [self._day_due(first)]
        for policy in self._in_force(day):
            view = self._view(policy)
            with self._guarded(policy):
                due = policy.due(view)
                clamped = self._clamped(due, day, as_of, policy.id) if due is not None else None
            if clamped is not None:
                dues.append(clamped)
        return min(dues, key=lambda due: due[:3], default=None)

    def _day_due(self, day: date, policy_id: str = "") -> Due:
        return Due(start_of_day(day, self.rules.zone), False, day, policy_id)

    def _clamped(self, due: object, day: date, as_of: datetime, policy_id: str) -> Due:
        """A due that has passed already is asked at the next occasion: no day opens twice, no instant is asked twice."""
        if isinstance(due, datetime):
            if due.utcoffset() is None:
                raise ContractError(policy_id, self.event.id, "named a due without a time zone")
            instant = max(due.astimezone(UTC), as_of if self.opened == as_of else as_of + timedelta(microseconds=1))
            return Due(instant, True, instant, policy_id)
        if not isinstance(due, date):
            raise ContractError(policy_id, self.event.id, f"named {type(due).__name__} as its due, not a day or an instant")
        return self._day_due(max(due, day + ONE_DAY), policy_id)

    def open(self, due: date | datetime) -> None:
        """Ask every policy as a day opens, or at an instant."""
        if isinstance(due, datetime):
            self._move_to(due, local_day(due, self.rules.zone))
            self._stand_at(due, self.state.day, Tick(customer_id=self.state.customer_id, at=due))
            self.opened = None
        else:
            self.opened = start_of_day(due, self.rules.zone)
            self._move_to(self.opened, due)
            self._stand_at(self.opened, due, NewDay(customer_id=self.state.customer_id, day=due))
        for policy in self._in_force(self.day):
            decision = self.ask(policy)
            if decision is not None:
                self.decisions.append(self.fold(policy, decision, None))

    def _stand_at(self, instant: datetime, day: date | None, event: AnyEvent) -> None:
        assert day is not None
        self.instant, self.day, self.settled, self.event = instant, day, day, event
        self.order, self.parts = None, []

    def _in_force(self, day: date) -> Iterator[Policy]:
        phases = self.rules.phases(day)
        return (policy for phase in ("pay", *FORWARD) for policy in phases[phase])

    # -- an event --------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, decided_at: datetime) -> Reason | None:
        """Decide an event up to which time is settled; the reason for which it is refused, or None."""
        self.event = event
        self.instant, self.day = decided_at, local_day(event.occurred_at, self.rules.zone)
        assert self.state.day is not None
        self.settled = self.state.day
        self.order, self.parts = None, []
        if isinstance(event, Return | RedemptionCancelled):
            return self._reverse(event)
        return self._forward(event)

    def _forward(self, event: AnyEvent) -> Reason | None:
        if isinstance(event, Purchase):
            self.order = order_of(event, self.day)
        elif isinstance(event, Redemption):
            self.order = Order(event.id, event.type, self.day, event.occurred_at)
        declined, records = self._pay()
        refusal = declined[0].reasons[0] if declined else self._unserved(event, records)
        if refusal is not None:
            self.decisions = declined
            return refusal
        self.order = tally_event(self.rules, self.state, event, self.day, self.order)
        if self.order is not None:
            self.order = self.state.change_order(self.order, records=records)
        for phase in FORWARD:
            for policy in self.rules.phases(self.day)[phase]:
                self._answer(policy)
        return None

    def _pay(self) -> tuple[list[Decision], dict[str, Record]]:
        declined: list[Decision] = []
        records: dict[str, Record] = {}
        self._answered: set[str] = set()
        for policy in self.rules.phases(self.day)["pay"]:
            facts = self._snapshot(policy)
            decision = self.ask(policy)
            if decision is None:
                continue
            self._answered |= set(policy.serves)
            if decision.outcome == "DECLINED":
                declined.append(decision)
                continue
            decision = self.fold(policy, decision, self.order)
            self.decisions.append(decision)
            records |= self._recorded(policy, decision, facts)
        return declined, records

    def _snapshot(self, policy: Policy) -> dict[str, Any]:
        """The facts that a policy may read, as they are when it is asked: only what an order can be undone by."""
        if self.order is None or (policy.hears is not None and self.event.type not in policy.hears):
            return {}
        return Moment(self.rules, self.state, self.day, self.event, scope=self.rules.scopes[id(policy)]).snapshot(self.rules.reads[id(policy)])

    @staticmethod
    def _recorded(policy: Policy, decision: Decision, facts: dict[str, Any]) -> dict[str, Record]:
        moves = tuple(effect.move for effect in decision.effects if isinstance(effect, Posting))
        return {policy.id: Record(policy.effective_from, facts, moves)} if moves else {}

    def _unserved(self, event: AnyEvent, records: dict[str, Record]) -> Reason | None:
        """Value that the event brings or asks for and that no policy answered."""
        tenders = event.tenders if isinstance(event, Purchase) else ()
        asked: list[str] = [tender.type for tender in tenders if tender.type in VALUE_TENDERS]
        asked += [event.type] if type(event).brings_value else []
        missing = [what for what in asked if what not in self._answered]
        return reason("event.unserved", what=missing[0]) if missing else None

    def _answer(self, policy: Policy) -> None:
        """Ask a policy about an event that is accepted, and write down what it did for the order."""
        facts = self._snapshot(policy)
        decision = self.ask(policy)
        if decision is None:
            return
        order = self.state.orders.get(self.order.id) if self.order is not None else None
        decision = self.fold(policy, decision, order)
        self.decisions.append(decision)
        if order is not None and self.order is not None:
            order = self.state.orders[order.id]
            records = {**order.records, **self._recorded(policy, decision, facts)}
            self.order = self.state.change_order(order, records=records)

    # -- a reversing event -----------------------------------------------------------------------------------------

    def _reverse(self, event: Return | RedemptionCancelled) -> Reason | None:
        try:
            parts, unmatched = self._parts(event)
        except OrderFault as fault:
            self.decisions = []
            return reason(fault.code, **self._shown(fault.params))
        self.parts = parts
        for part in parts:
            self.state.orders[part.after.id] = part.after
        tally_return(self.rules, self.state, event, self.day, parts, unmatched)
        self._tell_returns(event, unmatched)
        for phase in REVERSING:
            for policy_id, policy in self._heard(phase):
                self._follow_up(policy_id, policy)
        return None

    def _parts(self, event: Return | RedemptionCancelled) -> tuple[list[Part], list[Wanted]]:
        if event.of is None:
            parts, unmatched = find_orders(self.rules.returns.matching, event, self.day, self.state.orders.values())
            matching = self.rules.returns.matching
            if unmatched and matching is not None and matching.unmatched == "decline":
                raise OrderFault("returns.matching.unmatched", amount=sum(wanted.amount for wanted in unmatched))
            return parts, unmatched
        order = self.state.orders.get(event.of)
        wanted = "purchase" if isinstance(event, Return) else "redemption"
        if order is None or order.type != wanted or order.occurred_at > event.occurred_at or self._closed(order):
            raise OrderFault("event.unknown_order", of=event.of)
        if isinstance(event, Return):
            return [Part(order, order.take_back(event))], []
        if order.done:
            raise OrderFault("event.exceeds_order", of=event.of, asked="1", left="0")
        return [Part(order, replace(order, done=True))], []

    def _closed(self, order: Order) -> bool:
        return self.rules.returns.window.after(order.day) < self.day

    def _shown(self, params: dict[str, Any]) -> dict[str, Any]:
        return {name: Money.from_minor(value, self.rules.currency) if isinstance(value, int) else value for name, value in params.items()}

    def _tell_returns(self, event: Return | RedemptionCancelled, unmatched: Sequence[Wanted]) -> None:
        """The kernel's own decision about a return; a touchpoint in it is taken up like any other."""
        decision = returns_decision(self.rules, event, self.state.customer_id, self.day, self.parts, unmatched)
        if decision is None:
            return
        self.decisions.append(decision)
        for effect in decision.effects:
            if isinstance(effect, Touchpoint):
                asked = TouchpointAsked(RETURNS, effect.cycle, effect.category, effect.channel, effect.day, effect.last_day)
                self.state.touchpoints[f"{RETURNS}:{effect.cycle}"] = asked

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
        signer: Policy | None = None
        for part in self.parts:
            record = self.state.orders[part.after.id].records.get(policy_id)
            policy = self.rules.version(policy_id, record.effective_from, part.before.day) if record is not None else None
            if record is None or policy is None:
                continue
            decision = self.ask(policy, Part(part.before, self.state.orders[part.after.id]), record)
            if decision is not None:
                signer = signer or policy
                first = sum(len(other.effects) for other in asked)
                asked.append(self._fold_follow_up(policy, decision, part.after.id, record, first))
        took_part = any(policy_id in part.before.records for part in self.parts)
        if not took_part and in_force is not None:
            decision = self.ask(in_force)
            asked += [self.fold(in_force, decision, None)] if decision is not None else []
        if asked:
            self.decisions.append(joined(asked))

    def _fold_follow_up(self, policy: Policy, decision: Decision, order_id: str, record: Record, first: int) -> Decision:
        decision = self.fold(policy, decision, self.state.orders[order_id], first)
        moves = tuple(effect.move for effect in decision.effects if isinstance(effect, Posting))
        order = self.state.orders[order_id]
        changed = replace(record, moves=record.moves + moves)
        self.state.change_order(order, records={**order.records, policy.id: changed})
        return decision


def joined(decisions: Sequence[Decision]) -> Decision:
    """One decision out of a policy's answers about several orders: applied when any was."""
    if len(decisions) == 1:
        return decisions[0]
    outcome: Outcome = "APPLIED" if any(decision.outcome == "APPLIED" for decision in decisions) else "DECLINED"
    latest = max(decisions, key=lambda decision: decision.effective_from)
    reasons = tuple(why for decision in decisions for why in decision.reasons)
    return replace(latest, outcome=outcome, reasons=reasons, effects=tuple(effect for decision in decisions for effect in decision.effects))


def prune(rules: Rulebook, state: State, day: date) -> None:
    """Let go of what has left the state by its dates: closed orders, old rows of tallies, ids that would be late; join like lots."""
    closed = [order.id for order in state.orders.values() if rules.returns.window.after(order.day) < day]
    for order_id in closed:
        del state.orders[order_id]
    for key, days in rules.retention.items():
        state.activity.forget(key, day - timedelta(days=days))
    state.forget_seen(start_of_day(day, rules.zone) - rules.late)
    state.ledger.merge(lambda origin: origin not in state.orders)


def adopt(rules: Rulebook, state: State) -> None:
    """Make a state one of this program: accounts that exist, tallies that are kept from now on (a new state: from the start)."""
    state.program, state.digest, state.currency = rules.id, rules.digest, rules.currency
    for name, (unit, scale) in rules.accounts.items():
        state.ledger.open(name, unit, scale)
    held_from = state.day + ONE_DAY if state.day is not None else None
    for key, counted in rules.tallies.items():
        state.activity.open(key, counted.what == "latest", held_from)
    for key in rules.award_tallies.values():
        state.activity.open(key, latest=False, held_from=held_from)


def check_state(rules: Rulebook, state: State, customer_id: str | None = None) -> None:
    """StateError for another program's state or another customer's event."""
    if not isinstance(state, State):
        raise StateError([Diagnostic("state.not_a_state", params={"found": type(state).__name__})])
    if state.program not in ("", rules.id):
        raise StateError([Diagnostic("state.other_program", params={"found": state.program, "expected": rules.id})])
    if state.currency not in ("", rules.currency):
        raise StateError([Diagnostic("state.other_currency", params={"found": state.currency, "expected": rules.currency})])
    for name, unit in rules.accounts.items():
        held = state.ledger.accounts.get(name)
        if held is not None and (held.unit, held.scale) != unit:
            found = f"{held.unit}, {held.scale}"
            raise StateError([Diagnostic("state.other_unit", params={"account": name, "found": found, "expected": f"{unit[0]}, {unit[1]}"})])
    if customer_id is not None and customer_id != state.customer_id:
        raise StateError([Diagnostic("state.other_customer", params={"found": customer_id, "expected": state.customer_id})])


@exactly
def step(rules: Rulebook, state: State, event: AnyEvent, watch: Watch | None = None) -> Result:
    """Decide one event: the state after it where it is accepted, the same state where it is not."""
    check_state(rules, state, event.customer_id)
    if isinstance(event, NewDay | Tick):
        return _time(rules, state, event, watch)
    if state.knows(event.id):
        return Result("duplicate", state, event, (), reason("event.duplicate", id=event.id))
    if state.as_of is not None and (event.occurred_at < state.as_of - rules.late or _forgotten(state, event)):
        return Result("late", state, event, (), reason("event.late", occurred_at=event.occurred_at, as_of=state.as_of))
    decided_at = _decided_at(state, event)
    arrived, event = event, event.model_copy(update={"decided_at": decided_at})
    work = Step(rules, state, event, watch)
    adopt(rules, work.state)
    work.settle(decided_at)
    _remember(rules, work.state, event)
    refusal = work.decide(event, decided_at)
    if refusal is not None:
        return Result("refused", state, arrived, tuple(work.decisions), refusal)
    return Result("accepted", work.state, event, tuple(work.decisions))


def _forgotten(state: State, event: AnyEvent) -> bool:
    """Whether ids of its time are known no more (a program that was less tolerant let them go): it may have been accepted before."""
    return state.known_from is not None and event.occurred_at <= state.known_from


def _decided_at(state: State, event: AnyEvent) -> datetime:
    """The later of when it happened and up to when time is settled; a stamp that is not before ``as_of`` is honoured."""
    as_of = state.as_of
    if event.decided_at is not None and (as_of is None or event.decided_at >= as_of):
        return event.decided_at
    return event.occurred_at if as_of is None else max(event.occurred_at, as_of)


def _remember(rules: Rulebook, state: State, event: AnyEvent) -> None:
    state.saw(event.id, event.occurred_at)
    day = local_day(event.occurred_at, rules.zone)
    if event.type == "enrolment" or state.joined is None:
        state.joined = day
    profile = getattr(event, "profile", None)
    if profile:
        state.profile = Frozen({name: value for name, value in {**state.profile, **profile}.items() if value is not None})
    if event.type == "consent_update":
        state.consent = Frozen({**state.consent, **event.consent})
        state.do_not_contact = state.do_not_contact if event.do_not_contact is None else event.do_not_contact


def _time(rules: Rulebook, state: State, event: NewDay | Tick, watch: Watch | None) -> Result:
    """A day that is sent: what lies before it is settled, then it is asked itself, due or not. An instant lets time pass up to it."""
    due: date | datetime = event.day if isinstance(event, NewDay) else event.at
    instant = start_of_day(due, rules.zone) if not isinstance(due, datetime) else due
    event = event.model_copy(update={"occurred_at": instant, "decided_at": instant})
    if state.as_of is not None and (instant <= state.as_of if isinstance(due, datetime) else state.day is not None and due <= state.day):
        return Result("duplicate", state, event, (), reason("event.duplicate", id=event.id))
    work = Step(rules, state, event, watch)
    adopt(rules, work.state)
    if isinstance(due, datetime):
        work.settle(instant)
    else:
        work.ask_dues(Due(instant, False, due - ONE_DAY))
        work.open(due)
        work.ask_dues(Due(instant, True, instant))
    return Result("accepted", work.state, event, tuple(work.decisions))


@exactly
def advance(rules: Rulebook, state: State, to: datetime) -> Result:
    """Let time pass; a state before its first event, or already there, stays the same."""
    check_state(rules, state)
    if state.as_of is None or to <= state.as_of:
        return Result("accepted", state, None, ())
    work = Step(rules, state, Tick(customer_id=state.customer_id, at=to))
    adopt(rules, work.state)
    work.settle(to)
    return Result("accepted", work.state, None, tuple(work.decisions))


@exactly
def next_due(rules: Rulebook, state: State) -> datetime | None:
    """The next instant at which time alone may change something."""
    check_state(rules, state)
    if state.as_of is None:
        return None
    work = Step(rules, state, Tick(customer_id=state.customer_id, at=state.as_of))
    adopt(rules, work.state)
    due = work.next_due()
    return due[0] if due is not None else None
