"""What is missing to the next level, to keep this one and to a reward, with dates; which benefits there are; what time alone will bring.

Policies say where a customer stands (``Policy.progress``); what is to come is not computed but lived through: time passes on a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from custrules import kernel
from custrules.adopting import check_state
from custrules.calendars import ONE_DAY, local_day, start_of_day
from custrules.explaining import Rule, Value, missing, rule_of, standings
from custrules.fields import MAX_YEAR, read_instant
from custrules.ledger import EXPIRED
from custrules.measures import of_years
from custrules.moment import Moment
from custrules.money import Money, exactly
from custrules.policies.points import Account
from custrules.policy import Decision, Policy, Posting, Status
from custrules.rulebook import Rulebook
from custrules.shown import shown_value
from custrules.standing import Aim, Standing
from custrules.standings import AccountProgress, Drop, Goal, LadderProgress, LevelChange, Progress, RewardProgress
from custrules.state import State

AHEAD = timedelta(days=366)  # how far it is looked ahead, or past the end of a term that lies further off
FARTHEST = timedelta(days=1200)
MOST_DROPS = 12  # of one fact


@exactly
def progress(rules: Rulebook, state: State, until: date | None = None) -> Progress:
    """See ``Program.progress``."""
    check_state(rules, state)
    if state.day is None or state.as_of is None or state.closed is not None:
        return Progress(state.customer_id, state.day, ())
    return _Telling(rules, state, state.day, until).told()


class _Telling:
    """One customer's progress, as it is put together."""

    day: date
    until: date

    def __init__(self, rules: Rulebook, state: State, day: date, until: date | None) -> None:
        self.rules, self.state, self.day = rules, state, day
        self.now = Moment(rules, state, day)
        self.standings = list(standings(rules, state))
        self.until = until if until is not None else self._horizon()
        self.to_come = list(self._lived_through())
        self._later: dict[date, State] = {}

    def told(self) -> Progress:
        rows = [(policy, standing) for policy, standing in self.standings if not standing.of]
        ladders = tuple(self._ladder(policy, standing) for policy, standing in rows if policy.phase == "rank")
        rewards = tuple(self._reward(policy, aim) for policy, standing in rows for aim in standing.aims if aim.kind == "reward")
        accounts = tuple(self._account(name) for name in self.rules.accounts)
        return Progress(self.state.customer_id, self.day, ladders, accounts, rewards, self.until)

    # -- what is to come -------------------------------------------------------------------------------------------

    def _horizon(self) -> date:
        """A year on, or the day after the end of a term that is further off."""
        ends = [standing.until + ONE_DAY for _, standing in self.standings if standing.until is not None]
        return min(max([self.day + AHEAD, *ends]), self.day + FARTHEST, date(MAX_YEAR, 12, 1))

    def _lived_through(self) -> Iterator[tuple[date, Decision]]:
        """What time alone decides on a copy, up to the horizon."""
        if self.until > self.day:
            for decision in kernel.advance(self.rules, self.state, start_of_day(self.until, self.rules.zone)).decisions:
                yield self._day_of(decision), decision

    def _day_of(self, decision: Decision) -> date:
        kind, _, when = decision.event_id.partition(":")
        return date.fromisoformat(when) if kind == "day" else local_day(read_instant(when), self.rules.zone)

    # -- levels ----------------------------------------------------------------------------------------------------

    def _ladder(self, policy: Policy, standing: Standing) -> LadderProgress:
        goals = {aim.kind: self._goal(policy, aim) for aim in reversed(standing.aims)}
        benefits = tuple(benefit for _, other in self.standings if other.of == policy.id for benefit in other.benefits)
        held = LadderProgress(policy.id, standing.level, standing.since, standing.until, goals.get("reach"), goals.get("keep"))
        held = replace(held, why=standing.why, review=standing.review, beside=standing.beside)
        return replace(held, coming=tuple(self._changes(policy)), benefits=benefits)

    def _changes(self, policy: Policy) -> Iterator[LevelChange]:
        written = policy.writes()[:1]
        for day, decision in self.to_come:
            for effect in decision.effects if decision.policy_id == policy.id else ():
                if isinstance(effect, Status) and (effect.name, effect.subject) == (*written, ""):
                    level = str(effect.value) if effect.value is not None else None
                    yield LevelChange(day, level, effect.until, decision.reasons)

    def _goal(self, policy: Policy, aim: Aim) -> Goal:
        since = aim.on + ONE_DAY if aim.on is not None and not aim.opens else aim.by or self.day
        if aim.condition is None:
            return Goal(aim.name, True, aim.by, (), None, since, aim.deadline)
        aim = self._by_its_year(aim)
        tree = self._compared(policy, aim)
        met = self._met(policy, aim, tree)
        drops = tuple(self._drops(aim.condition.facts if aim.condition is not None else (), aim.by))
        gone = [drop.on - ONE_DAY for drop in drops if not _number(drop.after)]
        lacks = tuple(missing(tree)) if not met else ()
        return Goal(aim.name, met, aim.by, lacks, tree, since, aim.deadline or min(gone, default=None), drops)

    def _compared(self, policy: Policy, aim: Aim) -> Rule:
        assert aim.condition is not None
        moment = Moment(self.rules, self._state_on(aim.on), aim.on, complete=aim.complete) if aim.on is not None else self.now
        return rule_of(moment.trace(self.rules.bound[id(aim.condition), self.rules.scopes[id(policy)]]), self.rules.currency)

    def _by_its_year(self, aim: Aim) -> Aim:
        """An aim that is judged by a qualifying year: by then, or, once that year is over, by the running one; others are as they are."""
        if not aim.complete or aim.condition is None or aim.year is None:
            return aim
        if not any(of_years(self.rules.meters[fact]) for fact in aim.condition.facts if fact in self.rules.meters):
            return replace(aim, complete=False)
        if aim.year >= self.day:
            return replace(aim, deadline=aim.year)
        return replace(aim, condition=aim.running or aim.condition, complete=False)

    def _met(self, policy: Policy, aim: Aim, tree: Rule) -> bool:
        """What the policy says of an aim, once what time alone decides by then (a rollover) is counted; else what its condition says."""
        if aim.met is None:
            return tree.result
        state = self._state_on(aim.on) if aim.on is not None else self.state
        told = (standing for other, standing in standings(self.rules, state) if other.id == policy.id) if state is not self.state else ()
        later = (other for standing in told for other in standing.aims if (other.kind, other.name, other.on) == (aim.kind, aim.name, aim.on))
        met = next(later, aim).met
        return aim.met if met is None else met

    def _drops(self, facts: Iterable[str], upto: date | None) -> Iterator[Drop]:
        """When what measures count now leaves their windows, up to the day on which it is judged."""
        last = min(upto, self.until) if upto is not None else self.until
        for fact in sorted(fact for fact in facts if fact in self.rules.meters):
            yield from self._of_fact(fact, last)

    def _of_fact(self, fact: str, last: date) -> Iterator[Drop]:
        kind, moment, told = self.rules.meters[fact].type, self.now, 0
        for _ in range(4 * MOST_DROPS):
            on = moment.next_change(fact)
            if on is None or on > last or told == MOST_DROPS:
                return
            then = Moment(self.rules, self._state_on(on), on)
            before, after = moment.value(fact), then.value(fact)
            moment = then
            if isinstance(before, int | Fraction) and isinstance(after, int | Fraction) and after < before:
                values = (shown_value(value, kind, self.rules.currency) for value in (before, after, before - after))
                told += 1
                yield Drop(fact, on, *values)

    def _state_on(self, day: date) -> State:
        """The state as time alone leaves it when a day opens; where nothing is decided by then that measures read, as it is now."""
        written = [when for when, decision in self.to_come if when <= day and any(isinstance(effect, Status) for effect in decision.effects)]
        if not written:
            return self.state
        if written[-1] not in self._later:
            to = start_of_day(day, self.rules.zone)
            before = [state for state in self._later.values() if state.as_of is not None and state.as_of <= to]
            nearest = max(before, key=lambda state: state.as_of or to, default=self.state)
            self._later[written[-1]] = kernel.advance(self.rules, nearest, to).state
        return self._later[written[-1]]

    # -- points and rewards ----------------------------------------------------------------------------------------

    def _account(self, name: str) -> AccountProgress:
        points = self.state.points(name)
        keeper = self.rules.keeper(name, self.day)
        purpose = keeper.purpose if isinstance(keeper, Account) else "spend"
        told = AccountProgress(name, points.available, points.pending, points.owed, purpose=purpose)
        lapsing, usable = dict[date, Any](), dict[date, Any]()
        for day, posting in self._postings():
            if posting.target == EXPIRED and posting.source in (name, f"{name}.pending"):
                lapsing[day - ONE_DAY] = lapsing.get(day - ONE_DAY, 0) + posting.quantity
            elif posting.source == f"{name}.pending" and posting.target in (name, f"{name}.owed"):
                usable[day] = usable.get(day, 0) + posting.quantity
        return replace(told, expiring=tuple(sorted(lapsing.items())), usable=tuple(sorted(usable.items())))

    def _postings(self) -> Iterator[tuple[date, Posting]]:
        return ((day, effect) for day, decision in self.to_come for effect in decision.effects if isinstance(effect, Posting))

    def _reward(self, policy: Policy, aim: Aim) -> RewardProgress:
        tree = self._compared(policy, aim) if aim.condition is not None else None
        short = None
        if aim.points is not None:
            available = Decimal(str(self.state.points(aim.account).available))
            short = max(Decimal(0), aim.points - available)
        met = not short and not aim.closed and (tree is None or tree.result)
        lacks = tuple(missing(tree)) if tree is not None else ()
        return RewardProgress(policy.id, aim.name, met, aim.points, short, lacks, tree, aim.money, aim.closed)


def _number(value: Value) -> Fraction | None:
    if isinstance(value, Money):
        return Fraction(value.minor)
    return Fraction(str(value)) if value is not None and not isinstance(value, bool | date) else None
