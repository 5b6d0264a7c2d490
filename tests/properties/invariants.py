"""What holds for every program and every history: each check walks one case and fails with an AssertionError."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import custrules as cr
from custrules.calendars import ONE_DAY, local_day, start_of_day
from custrules.events import AnyEvent
from custrules.ledger import EXPIRED, REVERSED, Lot
from custrules.policies.points import Account as PointsAccount
from custrules.policies.points import Accrual
from custrules.policies.points.caps import Cap
from custrules.policies.tiers import Ladder
from custrules.policy import Decision, Posting
from custrules.tallies import Tally
from custrules.testing.walks import Passing, Walk, walked
from custrules.views import Days, StepView
from properties import books
from properties.amends import Amend, Replay, changed_by_hand, replayed_with_verdicts, taken_up, without_contacts
from properties.histories import CUSTOMER, Case
from properties.toys import KINDS

MICROSECOND = timedelta(microseconds=1)
FALLEN = {"tiers.downgrade.one_level", "tiers.downgrade.to_earned", "tiers.downgrade.best_of"}


def told(decisions: Iterable[Decision]) -> list[bytes]:
    return [decision.to_json() for decision in decisions]


# -- replay, prefixes, round trips -------------------------------------------------------------------------------------


def stepping_is_replay(case: Case) -> None:
    """One event after another gives what one pass gives: the journal and the closing state, byte for byte."""
    steps = [step for _, step in walked(case.program, case.events)]
    replayed = cr.replay(case.program, [event.to_json() for event in case.events]).collect()
    assert [told(entry.decisions) for entry in replayed.journal] == [told(step.decisions) for step in steps]
    assert replayed.states[CUSTOMER].to_json() == steps[-1].state.to_json()


def a_prefix_gives_a_prefix(case: Case) -> None:
    """What comes later changes nothing of the journal before it, nor of any state that was handed out."""
    whole = [told(entry.decisions) for entry in cr.replay(case.program, case.events)]
    for length in {1, len(case.events) // 2, len(case.events) - 1}:
        assert [told(entry.decisions) for entry in cr.replay(case.program, case.events[:length])] == whole[:length]
    handed_out = [(state, state.to_json()) for state, _ in walked(case.program, case.events)]
    assert all(state.to_json() == before for state, before in handed_out)


def round_trips_lose_nothing(case: Case) -> None:
    """JSON and pickle give back the same program, events, states, decisions and steps; and the state's copy steps alike."""
    program = cr.Program.from_json(case.program.to_json(), kinds=KINDS)
    assert program.to_json() == case.program.to_json() == pickle.loads(pickle.dumps(case.program)).to_json()
    for state, step in walked(case.program, case.events):
        copy = cr.State.from_json(state.to_json())
        assert copy.to_json() == state.to_json() == pickle.loads(pickle.dumps(state)).to_json()
        assert running_totals(copy) == running_totals(state)
        assert program.step(copy, cr.Event.from_json(step.event.to_json() if step.event else b"")).to_json() == step.to_json()
        assert cr.Step.from_json(step.to_json()).to_json() == step.to_json()
        assert cr.Step.from_json(step.to_json()) == step
        for decision in step.decisions:
            assert Decision.from_json(decision.to_json()) == decision == pickle.loads(pickle.dumps(decision))


# -- time --------------------------------------------------------------------------------------------------------------


def time_makes_no_difference(case: Case, how: Passing) -> None:
    """Events in order: NewDay daily, sometimes or never, or advance now and then: the same state, the same decisions."""
    plain, other = Walk(case.program, cr.State.new(CUSTOMER)), Walk(case.program, cr.State.new(CUSTOMER))
    for event in case.events:
        other.pass_time(event.occurred_at, how)
        assert plain.event(event).verdict == other.event(event).verdict
    if plain.state.as_of is None:
        return
    end = max(plain.state.as_of, other.state.as_of or plain.state.as_of) + timedelta(days=100)
    other.pass_time(end, how)
    for walk in (plain, other):
        walk.advance(end)
    assert told(other.decisions) == told(plain.decisions)
    assert other.state.to_json() == plain.state.to_json()


def stored_events_replay_to_the_stored_state(case: Case, how: Passing) -> None:
    """After any mix of step, NewDay and advance, with events that come late: what was stored replays to what was held."""
    walk = Walk(case.program, cr.State.new(CUSTOMER))
    for event in case.events:
        walk.pass_time(event.occurred_at, how)
        walk.event(event)
    if walk.state.as_of is None:
        return
    until = walk.state.as_of + timedelta(days=3)
    walk.advance(until)
    again = Walk(case.program, cr.State.new(CUSTOMER))
    for event in walk.stored:
        assert again.event(event).event == event, "a stamp is honoured"
    again.advance(until)
    assert told(again.decisions) == told(walk.decisions)
    assert again.state.to_json() == walk.state.to_json()


def a_restatement_is_a_replay(case: Case, how: Passing, amends: list[Amend]) -> None:
    """After any mix of step, advance and restate: the state is what the changed history replays to, but for contacts, which stay."""
    walk = Walk(case.program, cr.State.new(CUSTOMER))
    for event in case.events:
        walk.pass_time(event.occurred_at, how)
        walk.event(event)
    for amend in amends:
        asked = taken_up(amend, walk)
        if asked is None:
            continue
        answer = case.program.restate(cr.State.new(CUSTOMER), walk.stored, current=walk.state, **asked)
        history = changed_by_hand(walk.stored, answer, asked.get("withdraw")) if answer.accepted else walk.stored
        again = replayed_with_verdicts(case.program, history, answer.state.as_of)
        assert without_contacts(answer.state) == without_contacts(again.state)
        assert walk.state.touchpoints.keys() <= answer.state.touchpoints.keys()
        assert set(answer.state.touchpoints) == {*walk.state.touchpoints, *again.state.touchpoints}
        walk.stored, walk.state = history, answer.state


def a_restatement_tells_every_difference(case: Case, amends: list[Amend]) -> None:
    """What it tells, put upon what was before, is what is now: balances, statuses and decisions; and what it does not tell is the same."""
    walk = Walk(case.program, cr.State.new(CUSTOMER))
    for event in case.events:
        walk.event(event)
    for amend in amends:
        asked = taken_up(amend, walk)
        if asked is None:
            continue
        before = replayed_with_verdicts(case.program, walk.stored, None)
        answer = case.program.restate(cr.State.new(CUSTOMER), walk.stored, **asked)
        if not answer.accepted:
            assert (answer.deltas, answer.statuses, answer.decisions, answer.flipped) == ({}, (), (), ())
            continue
        history = changed_by_hand(walk.stored, answer, asked.get("withdraw"))
        ends = [state.as_of for state in (before.state, answer.state) if state.as_of is not None]
        end = max(ends, default=None)
        now, then = (replayed_with_verdicts(case.program, events, end) for events in (history, walk.stored))
        _tells_the_difference(answer, then, now)
        walk.stored, walk.state = history, answer.state


def _tells_the_difference(answer: cr.Restatement, before: Replay, now: Replay) -> None:
    old, new = balances(before.state), balances(now.state)
    told = {name: _units(now.state, before.state, name, quantity) for name, quantity in answer.deltas.items()}
    assert {name: new.get(name, 0) - old.get(name, 0) for name in {*old, *new} if new.get(name, 0) != old.get(name, 0)} == told
    statuses = dict(before.state.statuses) | {(change.name, change.subject): change.now for change in answer.statuses if change.now is not None}
    for change in answer.statuses:
        assert change.before == before.state.statuses.get((change.name, change.subject))
        if change.now is None:
            del statuses[change.name, change.subject]
    assert statuses == now.state.statuses
    flipped = {key for key, verdict in now.verdicts.items() if before.verdicts.get(key, verdict) != verdict}
    assert flipped == {flip.event.id for flip in answer.flipped}
    rest = {key: told for key, told in before.decisions.items() if key not in {_key(change.before) for change in answer.decisions if change.before}}
    rest |= {_key(change.now): without_touchpoints(change.now) for change in answer.decisions if change.now}
    assert {key: without_touchpoints(decision) for key, decision in rest.items()} == {
        key: without_touchpoints(decision) for key, decision in now.decisions.items()
    }


def _key(decision: Decision) -> tuple[str, str]:
    return decision.event_id, decision.policy_id


def _units(now: cr.State, before: cr.State, name: str, quantity: Any) -> int:
    scale = (now.ledger.accounts.get(name) or before.ledger.accounts[name]).scale
    return int((quantity.amount if isinstance(quantity, cr.Money) else quantity) * 10**scale)


def without_touchpoints(decision: Decision) -> Decision:
    return replace(decision, effects=tuple(effect for effect in decision.effects if not isinstance(effect, cr.Touchpoint)))


def lasting(program: cr.Program, state: cr.State) -> dict[tuple[str, str], Any]:
    """The statuses that nothing but a decision takes away; others leave the state once their last day has passed."""
    return {key: held for key, held in state.statuses.items() if key[0] not in program.rulebook.passing}


def next_due_is_never_late(case: Case) -> None:
    """Between now and the next due day nothing is decided, however many days are asked; and it lies ahead."""
    for _, step in walked(case.program, case.events):
        state, due = step.state, case.program.next_due(step.state)
        if state.as_of is None or state.day is None:
            continue
        assert due is None or due > state.as_of
        upto = due or start_of_day(state.day + timedelta(days=60), case.program.zone)
        days = {state.day + ONE_DAY * number for number in (1, 2, 3, 7, 15, 29, 45)} | {local_day(upto, case.program.zone) - ONE_DAY}
        for day in sorted(day for day in days if state.day < day and start_of_day(day, case.program.zone) < upto):
            asked = case.program.step(state, cr.NewDay(customer_id=CUSTOMER, day=day))
            assert asked.accepted
            assert asked.decisions == (), asked.decisions
            assert lasting(case.program, asked.state) == lasting(case.program, state)
        if due is not None:
            assert case.program.advance(state, due - MICROSECOND).decisions == ()


# -- verdicts that change nothing --------------------------------------------------------------------------------------


def a_duplicate_changes_nothing(case: Case) -> None:
    """An event that was accepted is known when it comes again: at once, and at the end, when it may be late by then."""
    state = cr.State.new(CUSTOMER)
    accepted: list[AnyEvent] = []
    for before, step in walked(case.program, case.events):
        again = case.program.step(step.state, step.event or case.events[0]) if step.accepted else None
        if again is not None and step.event is not None:
            assert again.state is step.state
            assert again.decisions == ()
            assert again.verdict == ("duplicate" if step.event.occurred_at >= (before.as_of or step.event.occurred_at) else again.verdict)
            accepted.append(step.event)
        state = step.state
    for event in accepted:
        again = case.program.step(state, event)
        assert again.verdict in ("duplicate", "late")
        assert again.state is state


def a_refusal_changes_nothing(case: Case) -> None:
    """Unless it is accepted, an event leaves the very state that was given, and only declines are told."""
    for before, step in walked(case.program, case.events):
        if step.accepted:
            continue
        assert step.state is before
        assert step.refusal is not None
        assert all(decision.outcome == "DECLINED" for decision in step.decisions)
        again = case.program.step(before, step.event or case.events[0])
        assert (again.verdict, told(again.decisions)) == (step.verdict, told(step.decisions))


# -- value -------------------------------------------------------------------------------------------------------------


def told_apart(lot: Lot) -> tuple[Any, ...]:
    """What rules can tell of a lot, whatever it was joined with: once two are usable, nobody asks since when."""
    return lot.unit, lot.last_day, lot.source


class Book:
    """A little ledger of its own, kept from postings alone: what each account holds, by what rules can tell of a lot."""

    def __init__(self) -> None:
        self.held: Counter[tuple[Any, ...]] = Counter()
        self.owed: Counter[str] = Counter()
        self.last_days: dict[str, date | None] = {}

    def post(self, posting: Posting) -> None:
        lots = sum(part.quantity for part in posting.lots)
        for name, sign in ((posting.source, -1), (posting.target, 1)):
            if name.endswith(".owed"):
                self.owed[name] -= sign * posting.units
            elif not name.startswith("world."):
                assert lots == posting.units
                for lot, quantity in posting.lots:
                    self.held[name, *told_apart(lot)] += sign * quantity
        for lot, _ in posting.lots:
            assert self.last_days.setdefault(lot.id, lot.last_day) == lot.last_day, "a lot's last usable day has moved"

    def agrees(self, state: cr.State) -> None:
        held: Counter[tuple[Any, ...]] = Counter()
        for name, account in state.ledger.accounts.items():
            assert account.owed == self.owed[name]
            for lot, quantity in account:
                held[name, *told_apart(lot)] += quantity
        assert held == +self.held
        assert not -self.held


def postings_add_up(case: Case) -> None:
    """Opening and what came in less what went out is closing, account by account, from the journal's postings alone."""
    book = Book()
    for _, step in walked(case.program, case.events):
        for effect in step.effects if step.accepted else ():
            if isinstance(effect, Posting):
                book.post(effect)
        book.agrees(step.state)


def a_last_day_never_moves(case: Case) -> None:
    """Whatever moves it, and whatever it is joined with: a lot's last usable day is the one that it was granted with."""
    lasts: dict[str, date | None] = {}
    for _, step in walked(case.program, case.events):
        moved = [part.lot for effect in step.effects if isinstance(effect, Posting) for part in effect.lots]
        held = [part.lot for account in step.state.ledger.accounts.values() for part in account]
        for lot in (*moved, *held):
            assert lasts.setdefault(lot.id, lot.last_day) == lot.last_day


def no_usable_lots_beside_debt(case: Case) -> None:
    """Who owes points has none to spend."""
    for _, step in walked(case.program, case.events):
        state = step.state
        if state.day is not None and state.ledger.accounts["points.owed"].owed:
            assert state.ledger.usable("points", state.day) == 0


def nothing_expired_is_held(case: Case) -> None:
    """Once time is settled past a lot's last usable day, no account holds it any more."""
    for before, step in walked(case.program, case.events):
        state = step.state
        in_order = step.event is not None and step.event.occurred_at >= (before.as_of or step.event.occurred_at)
        if step.accepted and in_order and state.day is not None:
            for name in ("points", "points.pending"):
                account = state.ledger.accounts[name]
                assert not any(account.lapsed(part.lot, state.day) for part in account)


def nothing_lives_again_twice(case: Case) -> None:
    """Of a lot no more comes back after it had expired than was granted: what came back once has lapsed for good."""
    again = Counter[str]()
    for _, step in walked(case.program, case.events):
        for effect in step.effects if step.accepted else ():
            if isinstance(effect, Posting) and effect.source == EXPIRED and effect.target != REVERSED:
                for lot, quantity in effect.move.parts:
                    again[lot.first_id] += quantity
                    assert again[lot.first_id] <= lot.granted


# -- levels that do not fall yet ---------------------------------------------------------------------------------------


def ladder_on(program: cr.Program, policy_id: str, day: date) -> Ladder | None:
    """The version of a ladder in force on a day."""
    found = program.rulebook.in_force(policy_id, day)
    return found if isinstance(found, Ladder) else None


def no_level_falls_before_its_grace(case: Case) -> None:
    """Where levels without a term are watched, a review takes one only when a watch that was set, and not lifted, is over."""
    until: dict[str, str] = {}
    for _, step in walked(case.program, case.events):
        if isinstance(step.event, cr.Merge):
            return  # another card may bring its own watch
        for decision in step.decisions:
            told = {why.code: why.params for why in decision.reasons}
            if decision.event_id.startswith("day:") and told.keys() & FALLEN:
                day = date.fromisoformat(decision.event_id.removeprefix("day:"))
                ladder = ladder_on(case.program, decision.policy_id, day)
                if ladder is not None and ladder.watch is not None and ladder.term is None:
                    assert day.isoformat() > until.pop(decision.policy_id, "never")
            if "tiers.watch.lifted" in told:
                until.pop(decision.policy_id, None)
            if "tiers.watch.set" in told:
                until[decision.policy_id] = str(told["tiers.watch.set"]["until"])


def a_new_version_takes_no_level_before_its_time(case: Case) -> None:
    """Where a level is kept to the end of its term, or to that of a notice, the first day of a version does not take it."""
    for version in case.program.policies:
        if isinstance(version, Ladder) and version.legacy.how != "review_at_once" and not version.exclude:
            opens = start_of_day(version.effective_from, case.program.zone)
            state = cr.State.new(CUSTOMER)
            for event in case.events:
                if event.occurred_at < opens and (state.as_of is None or event.occurred_at >= state.as_of):
                    state = case.program.step(state, event).state
            _stands_as_it_opens(case.program, version, state, opens)


def _stands_as_it_opens(program: cr.Program, version: Ladder, state: cr.State, opens: datetime) -> None:
    if state.as_of is None or state.as_of >= opens:
        return
    eve = program.advance(state, opens - MICROSECOND).state
    was, now = eve.tier(), program.advance(eve, opens).state.tier()
    ended = was is None or (was.until is not None and was.until < version.effective_from)
    if not ended and not (version.rerates and version.review is not None and version.review.holds(version.effective_from)):
        assert was is not None
        assert now is not None
        assert (version.rank_of(now.name) or 0) >= (version.rank_of(was.name) or 0)


def balances(state: cr.State) -> dict[str, int]:
    return {name: account.owed if name.endswith(".owed") else account.total for name, account in state.ledger.accounts.items()}


def tallies(state: cr.State) -> dict[str, Any]:
    """What measures count, day by day, and what the caps have counted."""
    return {key: tally.to_data() for key, tally in state.activity.tallies.items()}


def running_totals(state: cr.State) -> dict[str, list[int]]:
    """What each tally of sums and counts comes to by the end of each day that it keeps, from the very beginning."""
    return {key: tally.totals for key, tally in state.activity.tallies.items() if isinstance(tally, Tally)}


def follow(program: cr.Program, state: cr.State, **fields: Any) -> cr.Step:
    """One more event at the state's own instant."""
    return program.step(state, program.event({"customer_id": CUSTOMER, "occurred_at": state.as_of, **fields}))


def earned_now(program: cr.Program, state: cr.State) -> str | None:
    """The highest level whose ``enter`` holds as of the state's day."""
    assert state.day is not None
    ladder = program.rulebook.in_force("tier", state.day)
    assert isinstance(ladder, Ladder)
    assert state.as_of is not None
    instant = cr.Tick(customer_id=CUSTOMER, at=state.as_of)
    view = StepView(program.rulebook, state, instant, Days(state.day, state.day, state.as_of), ladder)
    names = [level.name for level in ladder.levels if level.enter is None or view.test(level.enter)]
    return names[-1] if names else None


def bought_and_returned_is_nothing(case: Case, amount: str = "100") -> None:
    """A purchase and its return at one instant leave every lot, every debt and every tally as they were.

    The level too, where it is one that is earned at that instant: one that was held longer than it was earned (by a term
    or a soft landing) is judged anew by the return, if the purchase had raised it. And where balances and statuses are no part
    of what it takes: they have no past, so that a level is not judged backwards by them. A gift for a level reached is left aside.
    """
    state = closing_of(case)
    if state is None:
        return
    bought = follow(case.program, state, type="purchase", id="bought", amount=amount)
    if not bought.accepted or any("tiers.gift.given" in decision.codes for decision in bought.decisions):
        return
    back = follow(case.program, bought.state, type="return", id="back", of="bought")
    assert back.accepted, back.refusal
    assert back.state.ledger.to_data() == state.ledger.to_data()
    assert tallies(back.state) == tallies(state)
    before, after = state.tier(), back.state.tier()
    ladder = case.program.rulebook.in_force("tier", state.day or date.min)
    judged = isinstance(ladder, Ladder) and ladder.lost_on_return == "at_once" and ladder.reads().isdisjoint(case.program.rulebook.given)
    if judged and before is not None and before.name == earned_now(case.program, state):
        assert after is not None
        assert after.name == before.name


def returned_later_is_never_bought(case: Case, days: int = 10) -> None:
    """A purchase that comes back days later leaves every tally as if it had not been made: it is taken out of its own day."""
    state = closing_of(case)
    bought = follow(case.program, state, type="purchase", id="bought", amount="100") if state is not None else None
    if state is None or state.as_of is None or bought is None or not bought.accepted:
        return
    later = case.program.advance(bought.state, state.as_of + timedelta(days=days)).state
    back = follow(case.program, later, type="return", id="back", of="bought")
    if back.accepted:
        without = case.program.advance(state, state.as_of + timedelta(days=days)).state
        spent = [key for key in tallies(without) if not key.startswith(("awarded:", "count:return"))]  # the return itself is counted
        assert {key: tallies(back.state)[key] for key in spent} == {key: tallies(without)[key] for key in spent}


def closing_of(case: Case) -> cr.State | None:
    state = None
    for _, step in walked(case.program, case.events):
        state = step.state
    return state if state is not None and state.as_of is not None else None


def two_partial_returns_are_one(case: Case, part: str = "little") -> None:
    """What is left of any order comes back in two parts or at once: the same balances, tallies, and refund in all.

    Not where each return has a limit of its own: what it pays out, or what may be written off at once.
    """
    state = closing_of(case)
    account = case.program.rulebook.keeper("points", state.day) if state is not None and state.day is not None else None
    if isinstance(account, PointsAccount) and (account.debt.then == "from_refund" or (account.debt.at_most is not None and not account.debt.per)):
        return
    for order in (state.orders if state is not None else {}).values():
        if state is None or order.type != "purchase" or order.left < 2 or state.as_of is None or order.occurred_at > state.as_of:
            continue
        first = cr.Money.from_minor(max(1, order.left * (3 if part == "much" else 1) // 4), case.program.currency)
        whole = follow(case.program, state, type="return", id="whole", of=order.id)
        one = follow(case.program, state, type="return", id="one", of=order.id, amount=first)
        if not whole.accepted:
            assert whole.refusal is not None
            assert whole.refusal.code == "event.unknown_order"
            continue
        two = follow(case.program, one.state, type="return", id="two", of=order.id)
        assert one.accepted
        assert two.accepted
        assert balances(two.state) == balances(whole.state)
        assert tallies(two.state) == tallies(whole.state)
        assert refund_of(one) + refund_of(two) == refund_of(whole)


def refund_of(step: cr.Step) -> int:
    """What the kernel tells to give back in cash or card, in smallest units."""
    return sum(why.params["refund"].minor for decision in step.decisions for why in decision.reasons if why.code == "returns.tenders.split")


def unmatched_of(step: cr.Step) -> int:
    return sum(why.params["amount"].minor for decision in step.decisions for why in decision.reasons if why.code == "returns.matching.unmatched")


def paid_in_money(event: AnyEvent) -> int:
    if not isinstance(event, cr.Purchase):
        return 0
    if not event.tenders:
        return event.amount.minor
    return sum(tender.amount.minor for tender in event.tenders if tender.type in ("cash", "card"))


def refunds_never_exceed_payments(case: Case) -> None:
    """Over all returns of an order no more goes back in money than was paid in money; over all orders, too."""
    paid: dict[str, int] = {}
    refunded: Counter[str] = Counter()
    for _, step in walked(case.program, case.events):
        event = step.event
        if not step.accepted or event is None:
            continue
        if isinstance(event, cr.Purchase):
            paid[event.id] = paid_in_money(event)
        elif isinstance(event, cr.Return):
            refunded[event.of or ""] += refund_of(step) - unmatched_of(step)
        assert all(refunded[order] <= paid[order] for order in refunded if order)
        assert sum(refunded.values()) <= sum(paid.values())


def in_period(period: str, day: date, other: date) -> bool:
    """Whether another day's awards count against a day's cap."""
    if period == "campaign":
        return True
    if ".." in period:
        first, last = map(date.fromisoformat, period.split(".."))
        return first <= other <= last
    if period == "30 days":
        return timedelta(0) <= day - other < timedelta(days=30)
    same: dict[str, Any] = {
        "calendar day": day == other,
        "calendar week": day.isocalendar()[:2] == other.isocalendar()[:2],
        "calendar month": (day.year, day.month) == (other.year, other.month),
    }
    return bool(same[period])


class Awarded:
    """What each policy has awarded, less reversals on their orders' days, in smallest units; by day, and for the last event."""

    program: cr.Program
    days: dict[str, date]
    by_day: dict[str, Counter[date]]
    now: dict[str, tuple[str, int]]

    def __init__(self, program: cr.Program) -> None:
        self.program, self.days, self.by_day, self.now = program, {}, {}, {}
        self.scale = program.rulebook.accounts["points"][1]

    def note(self, event: AnyEvent, decision: Decision) -> None:
        policy = self.program.rulebook.in_force(decision.policy_id, self.days[event.id])
        if not isinstance(policy, Accrual) or decision.event_id != event.id:
            return
        by_day, day = self.by_day.setdefault(policy.id, Counter()), self.days[event.id]
        for why in decision.reasons:
            if why.code == "points.reversal.return":
                by_day[self.days[str(why.params["order"])]] -= int(why.params["points"] * 10**self.scale)
        issued = sum(effect.units for effect in decision.effects if isinstance(effect, Posting) and effect.source == "world.issued")
        if issued:
            by_day[day] += issued
            self.now[policy.id] = event.id, issued
            level = next(why.params["level"] for why in decision.reasons if "level" in why.params)
            self._check(policy, event, day, level)

    def _check(self, policy: Accrual, event: AnyEvent, day: date, level: str | None) -> None:
        for cap in policy.caps:
            most = self._most(cap, event, day, level)
            if most is not None:
                held = self._held(policy, cap, event.id, day)
                assert held <= most * 10**self.scale, f"{held} awarded, at most {most} per {cap.per}"

    def _most(self, cap: Cap, event: AnyEvent, day: date, level: str | None) -> Fraction | None:
        """What a cap allows here; None where it does not apply, or may be overshot."""
        if cap.over == "soft" or (".." in str(cap.per) and not in_period(str(cap.per), day, day)):
            return None
        asked = {"channel": event.channel == "app", "day_of_month": day.day < 15}
        if cap.when is not None and not all(asked[name] for name in cap.when.facts):
            return None
        if isinstance(cap.at_most, Fraction):
            return cap.at_most
        levels = self.program.rulebook.levels
        named = [name for name in levels[: levels.index(level) + 1] if name in cap.at_most] if level is not None else []
        return cap.at_most[named[-1]] if named else None

    def _held(self, policy: Accrual, cap: Cap, event_id: str, day: date) -> int:
        versions = [one for one in self.program.policies if isinstance(one, Accrual)]
        together = {one.id for one in versions if cap.group in [other.group for other in one.caps]} if cap.group is not None else {policy.id}
        if str(cap.per) == "event":
            return sum(self.now[name][1] for name in together if self.now.get(name, ("", 0))[0] == event_id)
        return sum(units for name in together for other, units in self.by_day.get(name, {}).items() if in_period(str(cap.per), day, other))


def awards_never_exceed_caps(case: Case) -> None:
    """Events in order: after each award, what a cap's period holds (less reversals, on their orders' days) is within the cap."""
    awarded = Awarded(case.program)
    for _, step in walked(case.program, case.events):
        if step.accepted and step.event is not None:
            awarded.days[step.event.id] = local_day(step.event.occurred_at, case.program.zone)
            for decision in step.decisions:
                awarded.note(step.event, decision)


def effect_ids_are_unique(case: Case) -> None:
    """An effect's id is the host's key: it never comes twice, and neither do a policy and an event."""
    steps = [step for _, step in walked(case.program, case.events)]
    ids = [effect.id for step in steps if step.accepted for effect in step.effects]
    assert len(ids) == len(set(ids))
    signed = [(decision.policy_id, decision.event_id) for step in steps if step.accepted for decision in step.decisions]
    assert len(signed) == len(set(signed))


# -- accounting ----------------------------------------------------------------------------------------------------------


def the_books_close(case: Case) -> None:
    """Opening and what came in less what went out is closing, by account, source, vintage and expiry, and that is what states hold."""
    books.books_close(case)
