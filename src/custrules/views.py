"""What a policy sees while one event is decided, and what a tracing step writes down."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from custrules.calendars import ONE_DAY, Length, Window
from custrules.calendars.birthdays import Birthday
from custrules.calendars.rules import DayRule
from custrules.calendars.working import WorkingTime
from custrules.conditions import BoundTable, Condition, Leaf, Node, NodeTrace, Table, TableOutcome, Trace
from custrules.counting import LineFacts
from custrules.draft import Draft
from custrules.events import AnyEvent, tick
from custrules.facts import Facts, FactType, FactValue
from custrules.law import Law
from custrules.ledger import ISSUED, LotOrder
from custrules.moment import Live, Moment, encoded
from custrules.order_lines import NOT_EARNING, OrderLine
from custrules.orders import Order, Record
from custrules.policy import Policy, View
from custrules.rates import rate_on
from custrules.rulebook import Rulebook
from custrules.standing import Standing
from custrules.state import State
from custrules.tallies import Tally

WITHOUT = NOT_EARNING | {"bonus"}


@dataclass(slots=True)
class Watch:
    """What a tracing step writes down: every condition that was tested, by whom, about which event, and what was compared.

    Of conditions on lines, of which an order may have thousands, only which of them ever held, and which did not.
    """

    tests: list[Tested] = field(default_factory=list)
    lines: set[LineTested] = field(default_factory=set)
    answers: list[Answered] = field(default_factory=list)


class Days(NamedTuple):
    """The event's local day, the day up to which time is settled, and the instant at which the event is decided."""

    day: date
    settled: date
    instant: datetime


class Tested(NamedTuple):
    """One condition as a policy tested it; ``rule`` is its place inside the policy."""

    policy_id: str
    event_id: str
    rule: str
    day: date
    trace: Trace
    version: date = date.min


class LineTested(NamedTuple):
    """Whether a condition on lines ever held, or ever failed: by policy, version and place inside the policy."""

    policy_id: str
    version: date
    rule: str
    result: bool


class Answered(NamedTuple):
    """One table that a policy read, itself or through a fact; ``rows`` are the rows that were looked at, in order."""

    policy_id: str
    event_id: str
    table: str
    day: date
    bound: BoundTable
    outcome: TableOutcome
    rows: tuple[NodeTrace, ...]


class StepView(View):
    """The view of one policy while one event is decided; without one, while it is asked for its due (``event`` is the instant then)."""

    state: State
    event: AnyEvent
    day: date
    settled: date
    instant: datetime
    order: Order | None
    before: Order | None
    currency: str
    scale: int
    zone: ZoneInfo
    levels: tuple[str, ...]
    return_window: Length
    working: WorkingTime | None
    draft: Draft | None

    def __init__(self, rules: Rulebook, state: State, event: AnyEvent | None, days: Days, policy: Policy, watch: Watch | None = None) -> None:
        self.state = state
        if event is not None:
            self.event = event
        self.day, self.settled, self.instant = days
        self.currency, self.scale, self.zone, self.levels = rules.currency, rules.scale, rules.zone, rules.levels
        self.return_window, self.working = rules.returns.window, rules.working
        self.order: Order | None = None
        self.draft: Draft | None = None
        self.before: Order | None = None
        self._record: Record | None = None
        self._rules, self._policy, self._watch = rules, policy, watch
        self._scope = rules.scopes[id(policy)]
        self._today: Moment | None = None
        self._moments: dict[tuple[date, bool, date | None], Moment] = {}

    if not TYPE_CHECKING:  # an event that is still to be made; what is no attribute at all stays an error to type checkers

        def __getattr__(self, name: str) -> Any:
            if name != "event":
                raise AttributeError(name)
            self.event = tick(self.state.customer_id, self.instant)
            return self.event

    def about(self, order: Order | None, record: Record | None, before: Order | None = None) -> StepView:
        """The same view, of an order; ``record`` is what the policy did for it, ``before`` the order before the event that follows it up."""
        self.order, self._record, self.before = order, record, before
        return self

    def again(self) -> StepView:
        """The same window, on which nothing has been drafted yet."""
        days = Days(self.day, self.settled, self.instant)
        return StepView(self._rules, self.state, self.event, days, self._policy, self._watch).about(self.order, self._record, self.before)

    @property
    def ledger(self) -> Draft:
        if self.draft is None:
            self.draft = Draft(self.state.ledger, self.day, self.settled, self.event.id, self._policy.id, self._lot_order)
        return self.draft

    def _lot_order(self, account: str) -> LotOrder:
        keeper = self.account(account)
        return keeper.lot_order() if keeper is not None else "soonest_expiry"

    def moment(self, day: date | None = None, complete: bool = False, level_since: date | None = None) -> Moment:
        """Facts as of a day; for a follow-up that this policy took part in, the recorded facts and what is kept."""
        if (day is None or day == self.day) and not complete and level_since is None:
            if self._today is None:
                self._today = self._moment(self.day)
            return self._today
        key = day or self.day, complete, level_since
        if key not in self._moments:
            self._moments[key] = self._moment(*key)
        return self._moments[key]

    def _moment(self, day: date, complete: bool = False, since: date | None = None) -> Moment:
        recorded = self._record.facts if self._record is not None else None
        amount = self.order.left if self._record is not None and self.order is not None else None
        return Moment(
            self._rules, self.state, day, self.event, scope=self._scope, recorded=recorded, amount=amount, complete=complete, level_since=since
        )

    def law(self) -> Law | None:
        return self._rules.law

    def reference_rate(self, name: str, day: date) -> Fraction | None:
        return rate_on(self._rules.rates.get(name, ()), day)

    def type_of(self, name: str) -> FactType | None:
        found = self._rules.types.get(name)
        return found or self._rules.meters[name].type if found is not None or name in self._rules.meters else None

    def horizon(self, reading: str) -> Length | None:
        return self._rules.parts.declared.horizons.get(reading)

    def _supposing(self, given: Mapping[str, FactValue], day: date, complete: bool, since: date | None) -> Moment:
        """Facts as of a day, some of them as they are given."""
        moment = self._moment(day, complete, since)
        moment.recorded = {**(moment.recorded or {}), **{name: encoded(value) for name, value in given.items()}}
        return moment

    def test(
        self,
        condition: Condition,
        on: date | None = None,
        *,
        complete: bool = False,
        level_since: date | None = None,
        given: Mapping[str, FactValue] | None = None,
    ) -> bool:
        bound = self._rules.bound[id(condition), self._scope]
        moment = self._supposing(given, on or self.day, complete, level_since) if given else self.moment(on, complete, level_since)
        if self._watch is not None:
            told = moment.trace(bound)
            rule = self._rules.rules_of[id(condition), self._scope]
            self._watch.tests.append(Tested(self._policy.id, self.event.id, rule, on or self.day, told, self._policy.effective_from))
            self._note_tables(bound.facts, moment)
            return told.result
        return moment.test(bound)

    def outcome(self, table: Table, on: date | None = None) -> TableOutcome:
        bound, moment = self._rules.bound_tables[id(table), self._scope], self.moment(on)
        if self._watch is not None:
            self._note_table(self._rules.rules_of[id(table), self._scope], bound, moment.day, moment)
            self._note_tables(bound.facts, moment)
        return bound.outcome(moment)

    def _note_tables(self, names: frozenset[str], moment: Moment) -> None:
        """The tables behind facts, as they answered; not those whose answer was recorded."""
        live = [name for name in names if moment.recorded is None or name not in moment.recorded]
        for policy_id in self._rules.tables.behind(sorted(live)):
            bound = moment.table(policy_id)
            if bound is not None:
                self._note_table(policy_id, bound, moment.day, Live(moment))

    def _note_table(self, name: str, bound: BoundTable, day: date, facts: Facts) -> None:
        assert self._watch is not None
        rows = bound.trace(facts)
        outcome = bound.decided([index for index, row in enumerate(rows) if row.result])
        self._watch.answers.append(Answered(self._policy.id, self.event.id, name, day, bound, outcome, rows))

    def next_change(self, condition: Condition | Table | str, *, complete: bool = False) -> date | None:
        moment = self.moment(None, complete)
        if isinstance(condition, str):
            return moment.next_change(condition)
        if isinstance(condition, Table):
            return moment.changes(self._rules.bound_tables[id(condition), self._scope])
        return moment.changes(self._rules.bound[id(condition), self._scope])

    def cells_change(self, cells: Sequence[Leaf]) -> date | None:
        return self.moment().changes(Node("any", tuple(cells)))

    def value(self, name: str, on: date | None = None, *, complete: bool = False) -> FactValue | None:
        moment = self.moment(on, complete)
        if self._watch is not None:
            self._note_tables(frozenset({name}), moment)
        return moment.value(name)

    def evaluable(self, condition: Condition, on: date, *, complete: bool = False, level_since: date | None = None) -> bool:
        names = self._rules.tables.roots(condition.facts)
        if on < self.settled and any(name in self._rules.given for name in names):
            return False  # statuses and balances are known as they are now only
        source = self.moment(on, complete, level_since).source
        meters = [self._rules.meters[name] for name in names if name in self._rules.meters]
        return all(meter.evaluable(source, on) for meter in meters)

    def in_force(self, policy_id: str, day: date) -> Policy | None:
        return self._rules.in_force(policy_id, day)

    def account(self, name: str) -> Policy | None:
        return self._rules.keeper(name, self.day)

    def on_account(self, name: str, day: date) -> tuple[Policy, ...]:
        return self._rules.on_account(name, day)

    def refunded(self, order: Order) -> int:
        return order.refunded(self._rules.returns.tenders)

    def born(self) -> Birthday | None:
        return self.moment().birthday()

    def record(self, policy: Policy) -> Record | None:
        return self._record if policy.id == self._policy.id else None

    def tender_back(self, kind: str) -> tuple[int, Decimal, int]:
        if self.order is None:
            return 0, Decimal(0), 0
        backs = self.order.tenders_back(self._rules.returns.tenders) if self.order.tenders else []
        rows = [(tender, back) for tender, back in zip(self.order.tenders, backs, strict=True) if tender.type == kind]
        quantity = sum((tender.quantity or Decimal(0) for tender, _ in rows), Decimal(0))
        return sum(tender.amount for tender, _ in rows), quantity, sum(back for _, back in rows)

    def tenders_back(self, kind: str, account: str) -> tuple[tuple[str | None, int, int], ...]:
        if self.order is None or not self.order.tenders:
            return ()
        rows = zip(self.order.tenders, self.order.tenders_back(self._rules.returns.tenders), strict=True)
        named = ((tender, back) for tender, back in rows if tender.type == kind)
        return tuple((each.reference, each.amount, back) for each, back in named if self._rules.resolve(each.reference or kind) == account)

    def kept_lines(self) -> Sequence[tuple[OrderLine, int]]:
        return tuple(zip(self.order.lines, self.order.kept(), strict=True)) if self.order is not None else ()

    def earning_share(self, without: Collection[str] | None = None) -> Fraction:
        if self.order is None:
            return Fraction(0)
        without = WITHOUT if without is None else without
        share = self.order.earning(self._rules.returns.tenders, without)
        counts, given_counts = "stored_value" not in without, "bonus" not in without
        if not self._rules.stores or counts == given_counts or not self.order.left:
            return share
        given = Fraction(self._given(self.order), self.order.left)
        return share - given if counts else share + given

    def _given(self, order: Order) -> int:
        """How much of what is kept of an order was paid out of what had been given."""
        backs, total = order.tenders_back(self._rules.returns.tenders), 0
        for policy_id, record in order.records.items():
            policy = self._rules.version(policy_id, record.effective_from, order.day)
            total += policy.given_of(order, record, backs, self) if policy is not None else 0
        return total

    def awarded(self, policy: Policy, window: Window | None, group: str | None = None) -> int:
        if window is None:
            return self._awarded_now(policy, group)
        return self._counted(self._rules.awards.key(policy, group), window)

    def sent(self, policy: Policy, window: Window) -> tuple[int, int]:
        units, times = self._rules.sent_tallies.get(policy.id, ("", ""))
        return self._counted(units, window), self._counted(times, window)

    def counted(self, policy: Policy, name: str, window: Window) -> int:
        return self._counted(self._rules.own_tallies.get(policy.id, {}).get(name, ""), window)

    def _counted(self, key: str, window: Window) -> int:
        """The most that stands in a tally over a window that holds ``view.day``; what was not kept counts nothing."""
        tally = self.state.activity.tally(key)
        return max(_within(tally, window, end) for end in self._ends(window)) if tally is not None else 0

    def _ends(self, window: Window) -> list[date]:
        """The days on which a window ends that holds ``view.day``: what came late counts in later ones too."""
        return [self.day] if window.kind == "this" else [self.day + ONE_DAY * ahead for ahead in range((self.settled - self.day).days + 1)]

    def _awarded_now(self, policy: Policy, group: str | None) -> int:
        """For the order that is being decided, by those asked before."""
        together = self._rules.awards.members.get(group, ()) if group is not None else (policy.id,)
        records = self.order.records if self.order is not None else {}
        return sum(records[name].moved(source=ISSUED) for name in together if name in records)

    def days_counted(self, policy: Policy, name: str, after: date, upto: date) -> list[date]:
        meter = self._rules.meters.get(f"{policy.id}.{name}")
        tally = self.state.activity.tally(meter.counted[0].key) if meter is not None else None
        return tally.days_between(after, upto) if tally is not None else []

    def named_day(self, name: str) -> DayRule | WorkingTime | None:
        return self._rules.calendar.get(name)

    def period_end(self, measure: str) -> date | None:
        window = getattr(self._rules.meters.get(measure), "window", None)
        if not isinstance(window, Window):
            return None
        if window.has_years:
            year = window.year(self.settled, self.moment(self.settled).source.standing)
            return year[1] if year is not None else None
        return window.end(self.settled) if window.kind == "this" else None

    def standing(self, status: str) -> Standing | None:
        policies = (self._rules.in_force(policy_id, self.settled) for policy_id in self._rules.versions)
        writer = next((policy for policy in policies if policy is not None and status in policy.writes()), None)
        if writer is None:
            return None
        days = Days(self.settled, self.settled, self.instant)
        return writer.progress(StepView(self._rules, self.state, None, days, writer, self._watch))

    def line_matches(self, condition: Condition, line: OrderLine) -> bool:
        result = self._rules.tests.of(self._rules.bound[id(condition), self._scope])(LineFacts(line))
        if self._watch is not None:
            rule = self._rules.rules_of[id(condition), self._scope]
            self._watch.lines.add(LineTested(self._policy.id, self._policy.effective_from, rule, result))
        return result


def _within(tally: Tally, window: Window, end: date) -> int:
    after, _ = window.bounds(end)
    return tally.total(max(end, window.end(end))) - (tally.total(after) if after is not None else 0)
