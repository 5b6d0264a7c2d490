"""One step: settle, pay, tally, earn, rank, lapse, care, on a fork of the state, which is kept only when the event is accepted.

The order of things is the whole of the meaning here; each policy sees the state left by those asked before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Literal, NamedTuple

from custrules.adopting import adopt, check_state
from custrules.calendars import ONE_DAY, local_day, start_of_day
from custrules.complaints import noted
from custrules.consenting import said
from custrules.contacts import contacted
from custrules.events import (
    AnyEvent,
    Capture,
    Chargeback,
    Complaint,
    ComplaintUpdate,
    Contact,
    Enrolment,
    Hold,
    NewDay,
    Opening,
    ProfileUpdate,
    Purchase,
    RedemptionCancelled,
    Return,
    Tender,
    Tick,
    Transfer,
    Visit,
    Void,
    stamped,
    tick,
)
from custrules.fields import Frozen
from custrules.handing_over import put_card
from custrules.money import exactly
from custrules.moving import refused, taken_in
from custrules.ordering import begun
from custrules.orders import Order, Record
from custrules.policy import Decision, Phase, Policy, Reason, reason
from custrules.returns import Part
from custrules.reversing import Reversing
from custrules.rulebook import Rulebook
from custrules.settling import FORWARD, Answer, Due
from custrules.state import State
from custrules.tallying import counted_in, tallied, tally_event
from custrules.top_ups import admitted, deposited, relist
from custrules.views import Days, Watch

Verdict = Literal["accepted", "refused", "duplicate", "late"]
LEAVING: tuple[Phase, ...] = ("rank", "lapse", "care")  # who ends an account with an event earns nothing by it
_REVERSED, _TIME, _PROFILED = (
    (Return, RedemptionCancelled, Chargeback),
    (NewDay, Tick),
    (Enrolment, ProfileUpdate, Opening),
)  # faster to ask than a union
_CLOSING = (Capture, Void)
VALUE_TENDERS = ("points", "stored_value", "gift_card")


class Result(NamedTuple):
    """What became of an event: the verdict, the new state (the old one unless accepted), the stamped event and the decisions."""

    verdict: Verdict
    state: State
    event: AnyEvent | None
    decisions: tuple[Decision, ...]
    refusal: Reason | None = None


class Step(Reversing):
    """One event being decided on a fork of the state, once time is settled up to it."""

    event: AnyEvent
    order: Order | None
    days: Days
    day: date
    settled: date
    parts: list[Part]
    decisions: list[Decision]
    heard: Mapping[Phase, tuple[Policy, ...]]

    # -- an event --------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, day: date, decided_at: datetime) -> Reason | None:
        """Decide an event of a local day, up to which time is settled; the reason for which it is refused, or None."""
        assert self.state.day is not None
        self.event, self.day, self.settled = event, day, self.state.day
        self.days = Days(day, self.settled, decided_at)
        self.order, self.parts = None, []
        refusal = refused(self.before, self.state, event) or self.unknown(event)
        if refusal is not None:
            self.decisions = []
            return refusal
        if isinstance(event, _REVERSED):
            return self.reverse(event)
        request = self.follows_up(event)
        if request is not None:
            return self._refund(event, request)
        return self._close(event) if isinstance(event, _CLOSING) else self._forward(event)

    def _forward(self, event: AnyEvent) -> Reason | None:
        counted = counted_in(self.rules, event)
        self.records: dict[str, Record] = {}
        self.order = begun(event, self.day, tallied(counted), self.records, requalify=self.rules.returns.coupons == "requalify")
        self.heard = self.rules.hearing(self.day, event.type)
        if isinstance(event, Transfer) and event.brought:
            meets = put_card(self.state, self.rules.resolve(event.account or "stored_value"), event.brought)
            if meets is not None:
                self.decisions = []
                return meets
        declined, records = self._pay()
        refusal = declined[0].reasons[0] if declined else self._unserved(event)
        if refusal is not None:
            self.decisions = declined
            return refusal
        self.records.update(records)
        tally_event(self.rules, self.state, event, self.day, self.order, counted)
        if self.order is not None and self.state.top_ups:
            relist(self.state, None, self.order)
        self._note(event)
        self.decisions += taken_in(self.rules, self.state, event, self.day)
        for phase in FORWARD if self.state.closed is None else LEAVING:
            for policy in self.heard[phase]:
                self._answer(policy)
        return None

    def _note(self, event: AnyEvent) -> None:
        """What the state keeps of contacts and complaints, whatever policies there are."""
        if isinstance(event, Contact):
            contacted(self.state, event, self.day, self.rules.asks_kept)
        elif isinstance(event, Complaint | ComplaintUpdate) and self.rules.open_tallies:
            keepers = self.rules.complaint_keepers
            kept = any(policy.id in keepers and not policy.retired for policy in self.heard["care"])
            noted(self.rules, self.state, event, self.day, kept=kept)

    def _pay(self) -> tuple[list[Decision], dict[str, Record]]:
        declined: list[Decision] = []
        records: dict[str, Record] = {}
        self._answered: set[tuple[str, str | None]] = set()
        for policy in self.heard["pay"]:
            answer = self.ask(policy)
            if answer is None:
                continue
            account = policy.works_on()
            self._answered |= {(kind, self.rules.resolve(account) if account is not None else None) for kind in policy.serves}
            if answer.decision.outcome == "DECLINED":
                declined.append(answer.decision)
                continue
            record = self._record(policy, answer)
            if self.order is not None and self.order.type == "top_up":
                self.order = deposited(self.order, policy.deposit(self.event, answer.view), answer.decision, self.settled)
            if self.order is not None and isinstance(self.event, Visit):
                self.order = admitted(self.state, self.order, policy.admits(self.event, answer.view))
            self.decisions.append(self.fold(policy, answer, self.order))
            if record is not None and self.order is not None:
                records[policy.id] = record
                if isinstance(event := self.event, Hold):
                    self.order = replace(self.order, until=policy.holds_until(event))
                self.recount(policy, answer.view, None, (self.order, record))
        return declined, records

    def _record(self, policy: Policy, answer: Answer) -> Record | None:
        """What an order can be undone by: the moves, of a reward perhaps none, and the facts that the policy might read when it was asked.

        What lapses or becomes usable on its occasion is no part of it.
        """
        moves = answer.decision.moves if self.order is not None and policy.recorded and policy.phase != "lapse" else ()
        reward = self.order.reward if self.order is not None and policy.phase == "pay" else None
        served = reward is not None and reward.sku in policy.gives_rewards()
        served = served or (self.order is not None and self.order.open_request and policy.phase == "pay")
        if not moves and not served:
            return None
        return Record(policy.effective_from, answer.view.moment().snapshot(self.rules.reads[id(policy)]), moves)

    def _unserved(self, event: AnyEvent) -> Reason | None:
        """Value that the event brings or asks for and that no policy answered."""
        tenders = event.tenders if isinstance(event, Purchase) else ()
        brings = event.brings_value or (isinstance(event, Visit) and event.of is not None)
        if not tenders and not brings:
            return None
        kinds = {kind for kind, _ in self._answered}
        asked = {kind for kind, account in self._answered if account is None}
        missing: list[str] = [
            tender.type for tender in tenders if tender.type in VALUE_TENDERS and tender.type not in asked and not self._paid(tender)
        ]
        missing += [event.type] if brings and event.type not in kinds else []
        return reason("event.unserved", what=missing[0]) if missing else None

    def _paid(self, tender: Tender) -> bool:
        """Whether a policy answered for a tender: one that works on the account which it names, or is of."""
        return (tender.type, self.rules.resolve(tender.reference or tender.type)) in self._answered

    def _answer(self, policy: Policy) -> None:
        """Ask a policy about an event that is accepted, and write down what it did for the order."""
        answer = self.ask(policy)
        if answer is None:
            return
        record = self._record(policy, answer)
        self.decisions.append(self.fold(policy, answer, self.order))
        if self.order is not None:
            self.order = self.state.order(self.order.id)
        if record is not None:
            self.records[policy.id] = record

    def _refund(self, event: AnyEvent, request: Order) -> Reason | None:
        """What follows up a request for a refund, then those who hear of it."""
        refusal = self.answer_refund(event, request)
        heard = self.rules.hearing(self.day, event.type)
        for policy in (policy for phase in FORWARD for policy in heard[phase]) if refusal is None else ():
            self._answer(policy)
        return refusal

    # -- an event that resolves a hold -----------------------------------------------------------------------------

    def _close(self, event: Capture | Void) -> Reason | None:
        """A hold that is known and stands is captured or let go: that cannot be refused any more."""
        refusal = self.close_hold(event)
        if refusal is not None:
            self.decisions = []
            return refusal
        tally_event(self.rules, self.state, event, self.day, None, counted_in(self.rules, event))
        heard = self.rules.hearing(self.day, event.type)
        for policy in (policy for phase in FORWARD for policy in heard[phase]):
            self._answer(policy)
        return None


@exactly
def step(rules: Rulebook, state: State, event: AnyEvent, watch: Watch | None = None) -> Result:
    """Decide one event: the state after it where it is accepted, the same state where it is not."""
    check_state(rules, state, event.customer_id)
    if isinstance(event, _TIME):
        return _time(rules, state, event, watch)
    if state.knows(event.id):
        return Result("duplicate", state, event, (), reason("event.duplicate", id=event.id))
    if state.as_of is not None and (event.occurred_at < state.as_of - rules.late or _forgotten(state, event)):
        return Result("late", state, event, (), reason("event.late", occurred_at=event.occurred_at, as_of=state.as_of))
    decided_at = _decided_at(state, event)
    arrived, event = event, stamped(event, decided_at)
    work = Step(rules, state, event, watch)
    adopt(rules, work.state)
    day = local_day(event.occurred_at, rules.zone)
    work.settle(decided_at, day if decided_at == event.occurred_at else None)
    _remember(work.state, event, day)
    refusal = work.decide(event, day, decided_at)
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


def _remember(state: State, event: AnyEvent, day: date) -> None:
    state.saw(event.id, event.occurred_at)
    if event.type == "enrolment" or state.joined is None:
        state.joined = day
    if isinstance(event, _PROFILED) and event.profile:
        profile = event.profile
        state.profile = Frozen({name: value for name, value in {**state.profile, **profile}.items() if value is not None})
    if event.type == "consent_update":
        state.consent, state.consents = said(state.consent, state.consents, event.consent, day)
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


def advance(rules: Rulebook, state: State, to: datetime, watch: Watch | None = None) -> Result:
    """Let time pass; a state before its first event, or already there, stays the same."""
    check_state(rules, state)
    if state.as_of is None or to <= state.as_of:
        return Result("accepted", state, None, ())
    return passing(rules, state, to, watch)[0]


@exactly
def passing(rules: Rulebook, state: State, to: datetime, watch: Watch | None = None) -> tuple[Result, datetime | None]:
    """Let time pass up to a later instant, and when time has something to ask next: one look at what is due for both."""
    work = Step(rules, state, tick(state.customer_id, to), watch)
    adopt(rules, work.state)
    coming = work.settle(to)
    return Result("accepted", work.state, None, tuple(work.decisions)), coming[0] if coming is not None else None


@exactly
def next_due(rules: Rulebook, state: State) -> datetime | None:
    """The next instant at which time alone may change something."""
    check_state(rules, state)
    if state.as_of is None:
        return None
    work = Step(rules, state, tick(state.customer_id, state.as_of))
    adopt(rules, work.state)
    due = work.next_due()
    return due[0] if due is not None else None
