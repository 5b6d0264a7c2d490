"""Rules that are wrong on purpose: each is one way to break one invariant, which has to find it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import strategies as st

import custrules as cr
from custrules import kernel, orders, restating, reversing, settling, tallying
from custrules.activity import ActivityLog
from custrules.analysis import flows
from custrules.analysis.journals import Vintages
from custrules.draft import Draft
from custrules.events import AnyEvent
from custrules.kernel import Result
from custrules.ledger import Account, Lot, LotPart, Move
from custrules.moment import Moment
from custrules.orders import Order, Record
from custrules.policies.points import Account as PointsAccount
from custrules.policies.points import passing
from custrules.policies.points.lapsing import Decay
from custrules.policies.tiers import Ladder
from custrules.policies.tiers import ladder as ladder_module
from custrules.policies.tiers import legacy as legacy_module
from custrules.policies.tiers import reviews as reviews_module
from custrules.policies.tiers.judging import Case as Judged
from custrules.policy import Decision
from custrules.replaying import Replay
from custrules.rulebook import Rulebook
from custrules.settling import Due, Settling
from custrules.state import State
from custrules.tallies import Tally
from custrules.testing.strategies import histories
from custrules.testing.walks import Passing
from custrules.views import StepView
from properties import invariants, toys
from properties.amends import Amend, amends
from properties.histories import CUSTOMER, Case, cases
from properties.programs import made

ONE = timedelta(days=1)
ANY, IN_ORDER = st.tuples(cases(late=True)), st.tuples(cases())
SPENDING = ("purchase", "purchase", "adjustment", "redemption", "redemption_cancelled", "return")
RETURNS = st.tuples(cases(kinds=("purchase", "return")))
SHARING = st.tuples(cases(kinds=("purchase",)))
GIVEN_BACK = st.tuples(cases(kinds=SPENDING))
DAILY = st.tuples(cases(most=12), st.just(Passing(every=1)))
MIXED = st.tuples(cases(late=True), st.builds(Passing, hours=st.tuples(st.integers(0, 60), st.integers(0, 400))))


CANCELLED = st.tuples(cases(most=8, kinds=("adjustment", "redemption", "redemption_cancelled")))
LATE = st.builds(Amend, st.just("late"), st.integers(0, 2), st.sampled_from((1, 24)), st.just("100"))
AMENDED = st.tuples(cases(most=6, kinds=("purchase", "redemption")), st.just(Passing()), st.tuples(LATE))
TOLD = st.tuples(cases(late=True, most=12), amends(2))


HEAD: dict[str, Any] = {
    "program": "club",
    "zone": "Europe/London",
    "currency": "GBP",
    "returns": {"window": "90 days"},
    "activities": {"check_in": {}},
    "measures": {
        "orders": {"count": "purchase", "window": "20 days"},
        "year": {"sum": "spend", "window": "qualifying year"},
        "idle": {"since": "purchase"},
    },
}
LEVELS = [{"name": "basic"}, {"name": "silver", "enter": {"orders": ">= 1"}}]
BY_YEAR = [{"name": "basic"}, {"name": "silver", "enter": {"year": ">= 100"}}]


def club(kinds: tuple[str, ...], *policies: dict[str, Any], how: Passing | None = None) -> st.SearchStrategy[Any]:
    """Histories of one small program that is about one thing, for a rule that generated programs seldom come near."""
    earn = {"id": "earn", "kind": "points.accrual", "points_per_unit": 1}
    account = (
        [] if any(policy["kind"] == "points.account" for policy in policies) else [{"id": "points", "kind": "points.account", "expiry": "never"}]
    )
    document = {**HEAD, "policies": [*policies, *account, earn]}
    program = made(document)
    told = histories(program, customer_id=CUSTOMER, kinds=kinds, min_size=2, max_size=10)
    found = st.builds(lambda events: Case(document, events, program), told)
    return st.tuples(found) if how is None else st.tuples(found, st.just(how))


def ladder(**fields: Any) -> dict[str, Any]:
    return {"id": "tier", "kind": "tiers.ladder", "levels": LEVELS, "term": "none", "downgrade": "one_level", **fields}


def account(**fields: Any) -> dict[str, Any]:
    return {"id": "points", "kind": "points.account", "expiry": "20 days", **fields}


WATCH = {"after": "2 reviews below", "lasts": "2 reviews"}
DUE_DAILY = Passing(every=1)
WATCHED = club(("purchase", "visit"), ladder(review={"every": "month", "day": 5}, watch=WATCH))
STRICTER = [{"name": "basic"}, {"name": "silver", "enter": {"orders": ">= 9"}}]
RAISED = club(
    ("purchase", "visit"),
    ladder(term="12 months"),
    ladder(term="12 months", levels=STRICTER, effective_from="2026-07-01", legacy="keep_until_term_end"),
)
CARRIED = club(
    ("purchase", "visit"),
    ladder(levels=BY_YEAR, term={"length": "14 months", "from": "end_of_qualifying_year"}, qualifying_year="calendar")
    | {"rollover": [{"measure": "year", "above": "level_held", "from_level": "silver"}]},
    how=DUE_DAILY,
)
SUSPENDED = club(("purchase", "visit"), account(suspended={"idle": "< 40"}), how=DUE_DAILY)
WITHERING = club(("purchase", "visit"), account(expiry="never", decay={"share": "10%", "per": "month"}), how=DUE_DAILY)
COMING_BACK = club(("purchase", "activity"), account(reinstatement={"within": "20 days", "event": "check_in", "last_day": "10 days"}))


@dataclass(frozen=True)
class Mutant:
    """A wrong rule, the invariant that it breaks, and the cases among which one shows it."""

    name: str
    check: Callable[..., None]
    among: st.SearchStrategy[Any]
    patch: Callable[[pytest.MonkeyPatch], None]


def _with(toy: str, how: Passing) -> st.SearchStrategy[Any]:
    return st.tuples(cases(most=6, wanted=toy, kinds=("visit", "purchase")), st.just(how))


def changed(owner: Any, name: str, wrong: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """A patch that puts ``wrong(right, ...)`` in the place of a function."""
    right = vars(owner)[name] if isinstance(owner, type) else getattr(owner, name)

    def mutated(*args: Any, **kwargs: Any) -> Any:
        return wrong(right, *args, **kwargs)

    return lambda patch: patch.setattr(owner, name, mutated)


def _property(owner: type, name: str, wrong: Callable[[Any], Any]) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(owner, name, property(wrong))


# -- replay and the wire -----------------------------------------------------------------------------------------------


def _in_order_of_occurrence(right: Any, self: Replay, program: cr.Program, events: Iterable[Any], *rest: Any) -> None:
    right(self, program, sorted((program.event(event) for event in events), key=lambda event: event.occurred_at), *rest)


def _shared_tally(right: Any, self: ActivityLog, key: str) -> Any:
    return self.tallies[key]


def _without_spread(right: Any, self: Order) -> dict[str, Any]:
    return {name: value for name, value in right(self).items() if name != "spread"}


def _without_cut(right: Any, self: Tally) -> dict[str, Any]:
    return {name: value for name, value in right(self).items() if name != "base"}


# -- time --------------------------------------------------------------------------------------------------------------


def _a_day_late(right: Any, self: cr.Policy, view: cr.View) -> date | datetime | None:
    due = right(self, view)
    return due + ONE if due is not None else None


def _never_read_again(right: Any, self: Moment, name: str) -> date | None:
    found: date | None = None if name in self.rules.given else right(self, name)
    return found


def _never_at_once(right: Any, self: Settling, due: Any, view: cr.View, policy_id: str) -> Due:
    self.opened = None
    found: Due = right(self, due, view, policy_id)
    return found


def _pruned_now_and_then(right: Any, rules: Rulebook, state: State, day: date) -> None:
    if state.as_of is None or day.toordinal() % 2:
        right(rules, state, day)


def _stamp_ignored(right: Any, state: State, event: AnyEvent) -> datetime:
    return event.occurred_at if state.as_of is None else max(event.occurred_at, state.as_of)


def _only_reviews(right: Any, self: Ladder, view: cr.View) -> date | None:
    held = Judged.of(self, view).held()
    return held.until + ONE if held is not None and held.until is not None else None


def _falls_at_once(right: Any, case: Judged, rule: Any, position: Any, held: Any) -> Any:
    """A watched level falls at the first review that finds it too low."""
    return reviews_module._rated_lower(case, position, held, case.ladder.downgrade, lambda: iter((case.view.day,)))


def _reviewed_as_it_opens(right: Any, case: Judged, position: Any, held: Any, on: date) -> Any:
    """A level that should be kept to the end of its term is judged by the new version's first day."""
    return legacy_module._reviewed(case, position, held, on)


def _years_not_awaited(right: Any, self: Ladder, case: Judged, rank: int) -> list[date | None]:
    """Nothing waits for the day on which a qualifying year opens."""
    days: list[date | None] = right(self, case, rank)
    return days[:-1] if self.rollover else days


def _only_last_days(right: Any, account: PointsAccount, view: cr.View) -> Iterator[date]:
    """What keeps or withers points is looked at only when something lapses or becomes usable."""
    for bucket in ("", ".pending"):
        last = view.state.ledger.accounts[account.id + bucket].first_last_day
        if last is not None:
            yield last + ONE


def _lives_again(right: Any, self: Lot, last_day: date | None) -> Lot:
    """What came back once is not told apart."""
    return self._replace(last_day=last_day)


# -- verdicts ----------------------------------------------------------------------------------------------------------


def _settled_all_the_same(right: Any, rules: Rulebook, state: State, event: AnyEvent, *rest: Any) -> Result:
    result: Result = right(rules, state, event, *rest)
    if result.verdict != "refused" or result.event is None:
        return result
    return result._replace(state=kernel.advance(rules, state, event.occurred_at).state)


# -- value -------------------------------------------------------------------------------------------------------------


def _lost(right: Any, self: Account, place: int, *rest: Any) -> bool:
    before = self.parts[place - 1 : place]
    joined: bool = right(self, place, *rest)
    if joined:
        self.parts[place - 1 : place] = before
    return joined


def _joined_whatever_their_expiry(patch: pytest.MonkeyPatch) -> None:
    def join_left(self: Account, place: int, closed: object, day: date) -> bool:
        if not 0 < place < len(self.parts):
            return False
        (key, left), (_, right) = self.parts[place - 1 : place + 1]
        self.parts[place - 1 : place + 1] = [(key, LotPart(left.lot, left.quantity + right.quantity))]
        return True

    patch.setattr(Account, "_join_left", join_left)
    patch.setattr(Account, "_has_twin", lambda self, place, key: len(self.parts) > 1)


def _renewed(right: Any, self: Draft, account: str, parts: Iterable[LotPart], *rest: Any, **named: Any) -> Any:
    def longer(lot: Lot) -> Lot:
        return lot._replace(last_day=lot.last_day + 30 * ONE if lot.last_day is not None else None)

    return right(self, account, [LotPart(longer(lot), quantity) for lot, quantity in parts], *rest, **named)


def _debt_left_alone(right: Any, self: Draft, source: str, account: str, parts: Iterable[LotPart]) -> None:
    chosen = tuple(parts)
    self.post(Move(source, account, sum(part.quantity for part in chosen), chosen))


def _a_day_longer(right: Any, self: Lot, day: date) -> bool:
    return self.last_day is not None and self.last_day + ONE < day


def _one_kept(right: Any, self: Draft, account: str, quantity: int, *rest: Any) -> Any:
    return right(self, account, max(1, quantity - 1), *rest)


def _level_kept(right: Any, case: Judged, event: AnyEvent, position: Any) -> Any:
    return position, []


def _on_the_day_of_the_return(right: Any, rules: Rulebook, state: State, event: AnyEvent, day: date, parts: Any, unmatched: Any) -> None:
    moved = [replace(part, before=replace(part.before, day=day)) for part in parts]
    right(rules, state, event, day, moved, unmatched)


def _all_numbered_nought(right: Any, self: Settling, *args: Any) -> Decision:
    decision: Decision = right(self, *args)
    return replace(decision, effects=tuple(replace(effect, id=effect.id.rpartition("/")[0] + "/0") for effect in decision.effects))


def _at_the_end(right: Any, history: Any, event: AnyEvent, known: int | None) -> Any:
    change = right(history, event, known)
    rest = tuple(other for other in change.after if other.id != event.id)
    return change._replace(after=(*rest, change.event), place=len(rest))


def _as_it_came(right: Any, event: AnyEvent, decided_at: datetime) -> AnyEvent:
    return event.model_copy(update={"decided_at": max(decided_at, event.occurred_at + ONE)})


def _without_what_is_gone(right: Any, before: Any, now: Any, kept: Any) -> Any:
    return (change for change in right(before, now, kept) if change.now is not None)


def _never_flipped(right: Any, *rest: Any) -> Any:
    return ()


# -- accounting --------------------------------------------------------------------------------------------------------


def _of_the_first_lot(right: Any, *args: Any) -> Iterator[Any]:
    return islice(right(*args), 1)


def _of_its_own_day(right: Any, self: Vintages, account: Any, lot: Lot, wanted: int) -> list[tuple[date, int]]:
    days = self._days(account, lot)
    days[lot.day] = days.get(lot.day, 0) - wanted
    return [(lot.day, wanted)]


MUTANTS = (
    Mutant("replay goes by when things happened", invariants.stepping_is_replay, ANY, changed(Replay, "__init__", _in_order_of_occurrence)),
    Mutant("states share their tallies", invariants.a_prefix_gives_a_prefix, ANY, changed(ActivityLog, "own", _shared_tally)),
    Mutant("JSON drops what came back as an amount", invariants.round_trips_lose_nothing, RETURNS, changed(Order, "to_data", _without_spread)),
    Mutant("JSON drops what was forgotten of a tally", invariants.round_trips_lose_nothing, ANY, changed(Tally, "to_data", _without_cut)),
    Mutant("an account is due one day late", invariants.time_makes_no_difference, DAILY, changed(PointsAccount, "due", _a_day_late)),
    Mutant(
        "a timer is due one day late",
        invariants.time_makes_no_difference,
        _with("timer", Passing(every=1)),
        lambda patch: patch.setattr(toys.Timer, "due", toys.LateTimer.due),
    ),
    Mutant("a changed status is not read again", invariants.time_makes_no_difference, DAILY, changed(Moment, "next_change", _never_read_again)),
    Mutant(
        "an instant waits where a day opens",
        invariants.time_makes_no_difference,
        _with("midnight", Passing(every=1)),
        changed(Settling, "_clamped", _never_at_once),
    ),
    Mutant(
        "what leaves depends on when time was settled", invariants.time_makes_no_difference, DAILY, changed(settling, "prune", _pruned_now_and_then)
    ),
    Mutant("a stamp is ignored", invariants.stored_events_replay_to_the_stored_state, MIXED, changed(kernel, "_decided_at", _stamp_ignored)),
    Mutant("a late event is put at the end", invariants.a_restatement_is_a_replay, AMENDED, changed(restating, "_moved", _at_the_end)),
    Mutant("a late event is stamped a day later", invariants.a_restatement_is_a_replay, AMENDED, changed(restating, "_stamped", _as_it_came)),
    Mutant(
        "contacts are forgotten",
        invariants.a_restatement_is_a_replay,
        st.tuples(cases(most=3, wanted="greeting"), st.just(Passing()), st.just([Amend("withdraw", 0, 0)])),
        changed(restating, "_with_contacts", lambda right, state, kept: state),
    ),
    Mutant(
        "what is decided no more is not told",
        invariants.a_restatement_tells_every_difference,
        TOLD,
        changed(restating, "_decision_changes", _without_what_is_gone),
    ),
    Mutant(
        "no flipped event is told",
        invariants.a_restatement_tells_every_difference,
        st.tuples(cases(most=5, kinds=("purchase", "return")), st.just([Amend("withdraw", 0, 0)])),
        changed(restating, "_flips", _never_flipped),
    ),
    Mutant("a ladder is due for reviews alone", invariants.next_due_is_never_late, ANY, changed(Ladder, "due", _only_reviews)),
    Mutant("ids are not remembered", invariants.a_duplicate_changes_nothing, ANY, changed(State, "saw", lambda right, *rest: None)),
    Mutant("a refusal keeps the time settled", invariants.a_refusal_changes_nothing, ANY, changed(kernel, "step", _settled_all_the_same)),
    Mutant("lots that are joined are lost", invariants.postings_add_up, ANY, changed(Account, "_join_left", _lost)),
    Mutant("lots are joined whatever their expiry", invariants.postings_add_up, GIVEN_BACK, _joined_whatever_their_expiry),
    Mutant("what is given back lives longer", invariants.a_last_day_never_moves, CANCELLED, changed(Draft, "give_back", _renewed)),
    Mutant("a credit settles no debt", invariants.no_usable_lots_beside_debt, ANY, changed(Draft, "settle", _debt_left_alone)),
    Mutant("a lot lives a day longer", invariants.nothing_expired_is_held, ANY, changed(Lot, "expired", _a_day_longer)),
    Mutant("a reversal leaves a point", invariants.bought_and_returned_is_nothing, ANY, changed(Draft, "take_back", _one_kept)),
    Mutant("a level survives every return", invariants.bought_and_returned_is_nothing, ANY, changed(ladder_module, "after_return", _level_kept)),
    Mutant(
        "a return counts on its own day",
        invariants.returned_later_is_never_bought,
        ANY,
        changed(reversing, "tally_return", _on_the_day_of_the_return),
    ),
    Mutant("a reversal forgets those before it", invariants.two_partial_returns_are_one, ANY, _property(Record, "reversed", lambda self: 0)),
    Mutant(
        "coupons are refunded",
        invariants.refunds_never_exceed_payments,
        RETURNS,
        lambda patch: patch.setattr(orders, "MONEY", {"cash", "card", "coupon"}),
    ),
    Mutant("caps forget what was awarded", invariants.awards_never_exceed_caps, IN_ORDER, changed(StepView, "awarded", lambda right, *rest: 0)),
    Mutant("a posting counts for its first lot alone", invariants.the_books_close, GIVEN_BACK, changed(flows, "_parted", _of_the_first_lot)),
    Mutant("joined lots are all of the oldest's day", invariants.the_books_close, GIVEN_BACK, changed(Vintages, "_taken", _of_its_own_day)),
    Mutant(
        "caps forget their groups",
        invariants.awards_never_exceed_caps,
        SHARING,
        changed(StepView, "awarded", lambda right, view, policy, window, group=None: right(view, policy, window)),
    ),
    Mutant(
        "a watched level falls at the first low review",
        invariants.no_level_falls_before_its_grace,
        WATCHED,
        changed(reviews_module, "_watched", _falls_at_once),
    ),
    Mutant(
        "a level is judged on the first day of a version",
        invariants.a_new_version_takes_no_level_before_its_time,
        RAISED,
        changed(legacy_module, "_kept", _reviewed_as_it_opens),
    ),
    Mutant(
        "no year is awaited for what rolls over",
        invariants.time_makes_no_difference,
        CARRIED,
        changed(Ladder, "_due_for_new", _years_not_awaited),
    ),
    Mutant("nobody looks at what keeps points", invariants.time_makes_no_difference, SUSPENDED, changed(passing, "days", _only_last_days)),
    Mutant("points wither whenever a day opens", invariants.time_makes_no_difference, WITHERING, changed(Decay, "opens", lambda *_: True)),
    Mutant("what came back comes back again", invariants.nothing_lives_again_twice, COMING_BACK, changed(Lot, "renewed", _lives_again)),
    Mutant("effects are not numbered", invariants.effect_ids_are_unique, ANY, changed(Settling, "fold", _all_numbered_nought)),
)


def unsorted_tallies() -> None:
    """Let the order of a set into the state: what another hash seed makes different."""
    vars(tallying)["sorted"] = lambda keys: list(set(keys))
