"""The facts of one customer as they stand on one local day, for one event; recorded facts in place of live ones where given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any

from custrules.calendars.birthdays import Birthday, read_birthday
from custrules.calendars.rules import (
    WEEKDAYS,
    birthday_month,
    birthday_today,
    birthday_week,
    festival_of,
    next_difference,
    season_of,
    term_of,
    tomorrow,
)
from custrules.calendars.windows import Standing
from custrules.codec import scalar_text
from custrules.conditions import Bound, BoundTable, TableOutcome, Trace, next_change, trace
from custrules.counting import EventFacts, attribute_value, exact, name_of
from custrules.event_fields import Scalar
from custrules.events import AnyEvent
from custrules.facts import FactType, FactValue
from custrules.fields import rate_text, read_day, read_rate
from custrules.measures import SinceMeter, Source
from custrules.naming import BIRTHDAY_FACTS, CONSENT, NO_CONSENT
from custrules.policy import BalanceFact, StatusFact
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.tabling import TableFact

TIER = ("tier", "")
ROLLOVER = "tier.rollover"
_OF_DAYS: Mapping[str, Callable[[date], FactValue | None]] = {"festival": festival_of, "solar_term": term_of, "season": season_of}
_BIRTHDAYS: Mapping[str, Callable[[Birthday, date], bool]] = dict(zip(BIRTHDAY_FACTS, (birthday_today, birthday_week, birthday_month), strict=True))


class Moment:
    """Facts as of ``day``: ``recorded`` ones first, then the event's own, then live ones of ``state``.

    ``scope`` names the event (or activity) whose fields conditions may read; where another event is decided they are missing.
    ``amount`` is what is kept of an order that is asked about again. ``complete``: qualifying years are the last complete one, not
    the running one. ``level_since`` stands for the day since which the level is held.
    """

    rules: Rulebook
    state: State
    day: date
    recorded: Mapping[str, Any] | None
    amount: int | None
    complete: bool
    level_since: date | None
    channel: str | None
    event_names: Mapping[str, FactType]
    _scoped: AnyEvent | None
    _source: Source | None
    _event: EventFacts | None

    def __init__(
        self,
        rules: Rulebook,
        state: State,
        day: date,
        event: AnyEvent | None = None,
        *,
        scope: str | None = None,
        recorded: Mapping[str, Any] | None = None,
        amount: int | None = None,
        complete: bool = False,
        level_since: date | None = None,
    ) -> None:
        self.rules, self.state, self.day, self.recorded, self.amount = rules, state, day, recorded, amount
        self.complete, self.level_since = complete, level_since
        self.channel = event.channel if event is not None else None
        self._scoped = event if event is not None and scope is not None and name_of(event) == scope else None
        self.event_names = rules.event_types(scope)
        self._source = self._event = None
        self._answers: dict[str, TableOutcome] = {}

    @property
    def source(self) -> Source:
        """What measures read."""
        if self._source is None:
            self._source = self._with_standing() if self.rules.asks_standing else Source(self.state.activity, self._profile_date)
        return self._source

    def _with_standing(self) -> Source:
        state = self.state
        return Source(state.activity, self._profile_date, self._standing(), partial(carried, state), state.changed)

    def _standing(self) -> Standing:
        """What windows depend on beside the day."""
        tier = self.state.statuses.get(TIER)
        since = tier.since if tier is not None and tier.value is not None else None
        return Standing(self.state.joined, self.level_since or since, self.rules.qualifying_years(self.day), self.complete)

    @property
    def event(self) -> EventFacts | None:
        """The fields of the event that the conditions are about; None where another event is decided."""
        if self._event is None and self._scoped is not None:
            self._event = EventFacts(self._scoped, self.rules.parts.declared.attributes(self._scoped), self.rules.scale)
        return self._event

    def value(self, name: str) -> FactValue | None:
        """A fact by name; None where it is missing."""
        if self.recorded is not None and name in self.recorded and name != "amount":
            held = self.recorded[name]
            return decoded(held, self.type_of(name)) if held is not None else None
        if name in self.event_names:
            return self._of_event(name)
        return self.live(name) if name in self.rules.types or name in self.rules.meters else None

    def _of_event(self, name: str) -> FactValue | None:
        """A field of the event that the conditions are about; of an order, what is kept of its amount."""
        if name == "amount" and self.amount is not None:
            return self.amount
        if self.event is None:
            return self.channel if name == "channel" else None
        return self.event.value(name)

    def type_of(self, name: str) -> FactType | None:
        return self.event_names.get(name) or self.rules.types.get(name)

    def live(self, name: str) -> FactValue | None:
        """A fact as the state has it, whatever was recorded."""
        meter = self.rules.meters.get(name)
        if meter is not None:
            return meter.value(self.source, self.day)
        if name in self.rules.parts.profile:
            return self._profile(name)
        if name in self.rules.calendar:
            return self.rules.calendar[name].holds(self.day)
        tabled = self.rules.tables.facts.get(name)
        if tabled is not None:
            return self._of_table(tabled)
        given = self.rules.given.get(name)
        if isinstance(given, StatusFact):
            return self._status(name, given)
        if isinstance(given, BalanceFact):
            return self._balance(given)
        return self._built_in(name)

    def _built_in(self, name: str) -> FactValue | None:
        state, day = self.state, self.day
        if name in _BIRTHDAYS:
            born = self.birthday()
            return born is not None and _BIRTHDAYS[name](born, day)
        if name in _OF_DAYS:
            return _OF_DAYS[name](day)
        if name.startswith(CONSENT):
            return state.consent.get(name.removeprefix(CONSENT), NO_CONSENT)
        plain: dict[str, FactValue | None] = {
            "weekday": WEEKDAYS[day.weekday()],
            "day_of_month": day.day,
            "month": day.month,
            "zone": str(state.profile.get("zone", self.rules.zone.key)),
            "joined": state.joined,
            "do_not_contact": state.do_not_contact,
        }
        return plain[name]

    def _profile(self, name: str) -> FactValue | None:
        value = self.state.profile.get(name)
        if value is not None and self.rules.parts.profile[name].birthday:
            return read_birthday(value).born
        return attribute_value(value, self.rules.parts.profile[name].kind, self.rules.scale) if value is not None else None

    def _profile_date(self, name: str) -> date | None:
        found = self._profile(name)
        return found if isinstance(found, date) else None

    def birthday(self) -> Birthday | None:
        """The customer's birthday, where the program has such a profile field and it is filled in."""
        value = self.state.profile.get(self.rules.birthday) if self.rules.birthday else None
        return read_birthday(value) if value is not None else None

    def _status(self, name: str, given: StatusFact) -> FactValue | None:
        held = self.state.statuses.get((given.status, ""))
        if held is not None:
            return held.value if not given.field else self._of_status(held.data.get(given.field), given.type)
        giver = self.rules.in_force(self.rules.given_by[name], self.day)
        told = giver.gives().get(name) if giver is not None else None
        given = told if isinstance(told, StatusFact) else given
        return None if giver is None or any(self.test(self.rules.bound[id(when), None]) for when in given.unless) else given.default

    @staticmethod
    def _of_status(value: Scalar | None, kind: FactType) -> FactValue | None:
        """A part of a status' data as a fact."""
        return decoded(value, kind) if value is not None else None

    def _balance(self, given: BalanceFact) -> int | Fraction:
        if given.other:
            parts = [self._balance(BalanceFact(given.type, account)) for account in (given.account, given.other)]
            return exact(sum((Fraction(part) for part in parts), Fraction(0)))
        name = self.state.ledger.resolve(given.account)
        account = self.state.ledger.accounts.get(name)
        if account is None:
            return 0
        # As of the day before the one that opens, what lapses as it opens is still there: a level is reviewed before.
        units = account.owed if name.endswith(".owed") else account.total - sum(part.quantity for part in account.expired(self.day))
        return units if given.type.kind == "money" else exact(Fraction(units, 10**account.scale))

    # -- tables ----------------------------------------------------------------------------------------------------

    def table(self, policy_id: str) -> BoundTable | None:
        """The version of a table in force on the day; None before its first, and while a version is retired."""
        policy = self.rules.in_force(policy_id, self.day)
        return self.rules.bound_tables[id(policy), None] if policy is not None and not policy.retired else None

    def _of_table(self, fact: TableFact) -> FactValue | None:
        table = self.table(fact.policy_id)
        if table is None:
            return None
        if fact.policy_id not in self._answers:
            self._answers[fact.policy_id] = table.outcome(Live(self))
        found = self._answers[fact.policy_id].values.get(fact.output)
        return found if not isinstance(found, tuple) else None  # a list is no fact

    # -- time ------------------------------------------------------------------------------------------------------

    def next_change(self, name: str) -> date | None:
        """The first day after ``day`` on which time alone may change a fact.

        Statuses and balances change by decisions only. One that was made after the policy that reads them had been asked
        is seen by it when the next day opens.
        """
        meter = self.rules.meters.get(name)
        if meter is not None:
            return meter.next_change(self.source, self.day)
        if name in self.rules.tables.facts:
            table = self.table(self.rules.tables.facts[name].policy_id)
            return next_change(table, self) if table is not None else None
        if name in self.rules.given:
            return tomorrow(self.day) if self.state.changed is not None and self.state.changed >= self.day else None
        if name in self.rules.calendar:
            return next_difference(self.rules.calendar[name].holds, self.day)
        if name in _BIRTHDAYS:
            born = self.birthday()
            return next_difference(lambda day: _BIRTHDAYS[name](born, day), self.day) if born is not None else None
        if name in _OF_DAYS:
            return next_difference(_OF_DAYS[name], self.day)
        if name in ("weekday", "day_of_month"):
            return tomorrow(self.day)
        return next_difference(lambda day: day.month, self.day) if name == "month" else None

    def grows(self, name: str) -> tuple[date, int] | None:
        """Of a fact that is one more each day until something happens: the day, and its value then. None for any other."""
        meter = self.rules.meters.get(name)
        if not isinstance(meter, SinceMeter) or name in self.event_names or (self.recorded is not None and name in self.recorded):
            return None
        value = meter.grown(self.source, self.day)
        return (self.day, value) if value is not None else None

    # -- conditions ------------------------------------------------------------------------------------------------

    def test(self, bound: Bound) -> bool:
        return self.rules.tests.of(bound)(self)

    def trace(self, bound: Bound) -> Trace:
        return trace(bound, self)

    def changes(self, bound: Bound | BoundTable) -> date | None:
        return next_change(bound, self)

    def snapshot(self, names: Sequence[str]) -> dict[str, Any]:
        """The values of facts as they are recorded with an order; what is missing stays missing, whatever comes later."""
        values = {name: self.value(name) for name in names}
        return {name: encoded(value) if value is not None else None for name, value in values.items()}


class Live:
    """The facts of a moment that are no event's and were not recorded: those that the tables of a program read."""

    __slots__ = ("_moment",)
    _moment: Moment

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def value(self, name: str) -> FactValue | None:
        return self._moment.live(name)

    def next_change(self, name: str) -> date | None:
        return self._moment.next_change(name)


def carried(state: State, measure: str, first_day: date) -> int | Fraction:
    """What a rollover adds to a measure in the qualifying year that begins on a day; 0 where nothing was carried over.

    Kept in the data of the status ``tier.rollover`` of the measure, by the year's first day: {"2027-01-01": 2000}.
    """
    kept = state.statuses.get((ROLLOVER, measure))
    amount = kept.data.get(first_day.isoformat()) if kept is not None else None
    if amount is None or isinstance(amount, bool):
        return 0
    return amount if isinstance(amount, int) else exact(_fraction(str(amount)))


def encoded(value: FactValue) -> Any:
    """A fact as a scalar of canonical JSON."""
    if isinstance(value, Fraction):
        return rate_text(value)
    return scalar_text(value) if isinstance(value, date) else value


def decoded(value: FactValue | None, kind: FactType | None) -> FactValue | None:
    """A recorded scalar as the fact of its type."""
    if kind is None or not isinstance(value, str) or kind.kind in ("text", "level"):
        return value
    if kind.kind == "date":
        return read_day(value)
    return exact(_fraction(value))


def _fraction(text: str) -> Fraction:
    return -read_rate(text[1:]) if text.startswith("-") else read_rate(text)
