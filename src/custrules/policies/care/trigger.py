"""``care.trigger``: whom to contact, when and why: one contact is asked for each time that an occasion occurs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema

from custrules.calendars import ONE_DAY, Stretch, Window
from custrules.calendars.birthdays import Day31, Feb29, Keeping, LunarDay30, LunarLeap
from custrules.conditions import Condition
from custrules.contacting import Contacting
from custrules.counting import name_of
from custrules.errors import Diagnostic
from custrules.event_fields import Scalar
from custrules.events import AnyEvent, Contact
from custrules.fields import DAY_SCHEMA, Flag, Frozen, Name, Text, Whole, one_of, read_day, read_name, wrong_type
from custrules.measures import Measure
from custrules.policies.care.contact_plan import TASKS
from custrules.policies.care.faults import faults_of
from custrules.policies.care.happening import CONTACT, VISITED, Absence, Deadlines, FollowUps, NearLevels, Rises, Visits
from custrules.policies.care.occasion import Occasion
from custrules.policies.care.occurring import (
    Anniversaries,
    Birthdays,
    Calendar,
    Dates,
    Festivals,
    NamedDays,
    Occurrence,
    Occurring,
    SolarTerms,
)
from custrules.policy import Decision, Effect, Known, Phase, Policy, Reason, Status, Touchpoint, View, reason

Purpose = Literal["service", "greeting", "marketing"]
Taboo = Literal["promotion", "new_arrivals", "prying"]
TABOOS: tuple[Taboo, ...] = ("promotion", "new_arrivals", "prying")
SENTINELS = (date(1900, 1, 1), date(1970, 1, 1))
"""Days that forms and imports write where no birthday is known."""
_OF_KIND: Mapping[str, type[Occurring]] = {
    "birthday": Birthdays,
    "anniversary": Anniversaries,
    "festival": Festivals,
    "solar_term": SolarTerms,
    "date": Dates,
    "every": NamedDays,
    "after": FollowUps,
    "before": Deadlines,
    "absent": Absence,
    "visit_every": Visits,
    "reachable": NearLevels,
    "status": Rises,
}
REMEMBERED = 800  # days: longer than any cycle is open again, a birthday that is corrected among them
_PROFILED = ("enrolment", "profile_update", "opening")


def _read_names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not 0 < len(value) <= 20 or len(set(map(str, value))) != len(value):
        raise wrong_type("a list of names, each once: [wechat, sms]", value)
    return tuple(map(read_name, value))


def _read_taboos(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not set(map(str, value)) <= set(TABOOS):
        raise wrong_type("a list of promotion, new_arrivals, prying", value)
    return tuple(map(str, value))


def _read_days(value: object) -> tuple[date, ...]:
    if not isinstance(value, list | tuple):
        raise wrong_type("a list of dates", value)
    return tuple(map(read_day, value))


_NAMES = WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 20})
NameList = Annotated[tuple[str, ...], PlainValidator(_read_names), PlainSerializer(list), _NAMES]


class Trigger(Policy):
    """Asks for one contact each time that its ``occasion`` occurs, once a cycle.

    A cycle is a year of the calendar in which a birthday is kept, the day since which somebody is absent, the event and step of a
    follow-up: never a time that has run since the last contact. An ask has a last day: the planned one with ``validity`` and
    ``grace``. It is asked for on the first day from the planned one on on which ``when`` holds; days on which nobody asked are caught
    up by settlement. Triggers of one ``group`` share their cycles: the first in the document whose ``when`` holds has them.
    """

    kind: ClassVar[str] = "care.trigger"
    phase: ClassVar[Phase] = "care"
    recorded: ClassVar[bool] = False
    reason_codes: ClassVar[tuple[str, ...]] = (*(kind.code for kind in _OF_KIND.values()), "care.trigger.noted")

    occasion: Occasion
    purpose: Annotated[Literal["service", "greeting", "marketing"], one_of("service", "greeting", "marketing")]
    category: Name
    channels: NameList
    template: Text
    when: Condition | None = None
    validity: Stretch | None = None
    grace: Stretch | None = None
    belated: Text | None = None
    group: Name | None = None
    feb29: Annotated[Feb29, one_of("backward", "forward", "omit")] = "backward"
    lunar_leap: Annotated[LunarLeap, one_of("leap_if_exists", "regular", "forward", "omit", "both")] = "leap_if_exists"
    lunar_day30: Annotated[LunarDay30, one_of("backward", "forward", "omit")] = "backward"
    day31: Annotated[Day31, one_of("backward", "forward", "omit")] = "backward"
    calendar: Annotated[Literal["as_given", "solar", "lunar"], one_of("as_given", "solar", "lunar")] = "as_given"
    sentinels: Annotated[
        tuple[date, ...],
        BeforeValidator(_read_days),
        PlainSerializer(lambda days: [day.isoformat() for day in days]),
        WithJsonSchema({"type": "array", "items": dict(DAY_SCHEMA), "maxItems": 20}),
    ] = SENTINELS
    sign: NameList | None = None
    taboo: Annotated[
        tuple[str, ...],
        PlainValidator(_read_taboos),
        PlainSerializer(list),
        WithJsonSchema({"type": "array", "items": {"enum": list(TABOOS)}, "uniqueItems": True}),
    ] = ()
    solemn: Flag = False
    weight: Whole = 0
    statutory: Flag = False
    tags: NameList | None = None
    obeys_caps: Flag = True
    counts_towards_caps: Flag | None = None

    # -- what it is ------------------------------------------------------------------------------------------------

    @property
    def occurring(self) -> Occurring:
        return _OF_KIND[self.occasion.kind](self)

    @property
    def keeping(self) -> Keeping:
        return Keeping(self.feb29, self.lunar_leap, self.lunar_day30)

    @property
    def noted_as(self) -> str:
        """The status in which it notes the first of something, the sequence that runs, or the level that it last saw.

        Another version may wait for something else, and then has another status.
        """
        occasion = self.occasion
        what = occasion.anniversary or (f"sequence_{occasion.after}" if occasion.after is not None else f"seen_{occasion.status}")
        return f"{self.id}.{what}"

    @property
    def notes(self) -> bool:
        """Whether it has to remember something of its own."""
        occasion = self.occasion
        first = occasion.anniversary is not None and occasion.anniversary.startswith("first_")
        return first or occasion.again in ("after_end", "never") or occasion.status is not None

    def writes(self) -> tuple[str, ...]:
        return (self.noted_as,) if self.notes else ()

    def contacting(self, category: str, channel: str, /) -> Contacting:
        return Contacting(self.purpose, self.channels, self.weight, self.statutory, self.tags or (), self.obeys_caps, self.counted)

    @property
    def counted(self) -> bool:
        """Whether caps count its contacts: where it is not said, those that obey caps."""
        return self.obeys_caps if self.counts_towards_caps is None else self.counts_towards_caps

    def measured(self) -> Mapping[str, Measure]:
        occasion = self.occasion
        if not occasion.kind:
            return {}
        occurring = self.occurring
        if isinstance(occurring, FollowUps) and occasion.steps:
            window = Window.parse(f"{occurring.reach + 1} days")
            return {occurring.counted(name): Measure(count=name, window=window) for name in (occurring.event, *(occasion.stop or ()))}
        if isinstance(occurring, Visits) and occurring.since == CONTACT:
            spoken = Condition.of({"channel": list(self.channels)})
            return {occurring.last: Measure(since=CONTACT, where=spoken), VISITED: Measure(since="visit")}
        if isinstance(occurring, Absence | Visits):
            return {occurring.last: Measure(since=occurring.event)}
        return {}

    def place_of(self, measure: str) -> tuple[int | str, ...]:
        occasion = self.occasion
        if occasion.after is not None:
            return "occasion", "after" if measure.startswith(f"{occasion.after}_within_") else "stop"
        return "occasion", "absent" if occasion.absent is not None else "since"

    def listens_to(self) -> tuple[str, ...] | None:
        """Everything where a condition may come to hold at any time; else days, and what may make an occasion of the day itself."""
        if self.when is not None or self.occasion.kind in ("reachable", "status"):
            return None
        first = (self.occasion.anniversary or "").removeprefix("first_")
        events = {self.occasion.after, first if self.occasion.anniversary is not None else None} - {None}
        declared = ("activity",) if events else ()
        return ("new_day", *_PROFILED, *declared, *(name for name in events if name))

    def reads(self) -> frozenset[str]:
        occasion = self.occasion
        dates = {name for name in (occasion.anniversary, occasion.before, occasion.status) if name is not None}
        born = {"birthday_today"} if occasion.birthday or occasion.before == "birthday" else set()
        return super().reads() | born | {name for name in dates if "_expiry" not in name and name not in ("birthday", "level_end")}

    def keeps_asks(self) -> int:
        return REMEMBERED

    # -- asking ----------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if self.retired or (isinstance(event, Contact) and event.trigger == self.id and event.outcome == "not_sent"):
            return None  # what was not sent may be asked for again, from the next day on
        status = self._status(event, view) if self.notes else None
        asks = list(self._asks(view))
        if status is None and not asks:
            return None
        noted = [] if status is None or asks else [reason("care.trigger.noted", trigger=self.id, value=status.value)]
        effects: list[Effect] = [*([status] if status is not None else []), *(self._touchpoint(ask, view) for ask in asks)]
        return self.applied(event, [*noted, *(self._why(ask) for ask in asks)], effects)

    def _asks(self, view: View) -> Iterable[Occurrence]:
        """What is to be asked for now."""
        found = [occurrence for occurrence in self.occurring.open(view, view.settled) if self._is_new(occurrence, view)]
        if not found or (self.when is not None and not view.test(self.when, view.settled)):
            return ()
        return {occurrence.cycle: occurrence for occurrence in found}.values()

    def _is_new(self, occurrence: Occurrence, view: View) -> bool:
        """Whether its cycle is free, and it lies after the customer joined and the trigger came into force (a deadline to come always does)."""
        joined = view.state.joined
        before = (joined is not None and occurrence.planned < joined) or view.in_force(self.id, occurrence.planned) is None
        if before and not self.occurring.looks_ahead:
            return False
        asked = view.state.touchpoints.get(f"{self.id}:{self._cycle(occurrence)}")
        return (asked is None or not asked.takes_cycle) and not (self.group is not None and self._taken(occurrence, view))

    def _taken(self, occurrence: Occurrence, view: View) -> bool:
        cycle = self._cycle(occurrence)
        return any(asked.cycle == cycle and asked.takes_cycle for asked in view.state.touchpoints.values())

    def _cycle(self, occurrence: Occurrence) -> str:
        """Of a group its name stands before the cycle, so that no other policy has the same by chance."""
        return f"{self.group}/{occurrence.cycle}" if self.group is not None else occurrence.cycle

    def _touchpoint(self, ask: Occurrence, view: View) -> Touchpoint:
        channel = self.channels[0] if len(self.channels) == 1 else ""
        outcome = "task" if all(name in TASKS for name in self.channels) else "send"
        told: dict[str, Scalar] = {"purpose": self.purpose, **ask.data}
        if self.sign is not None:
            told["sign"] = ", ".join(self.sign)
        if self.tags is not None:
            told["tags"] = ", ".join(self.tags)
        if not self.counted:
            told["uncounted"] = True
        if self.belated is not None and self.grace is not None and ask.last_day is not None and view.settled > self._on_time(ask):
            told["belated"] = self.belated
        return Touchpoint(self.template, self._cycle(ask), view.settled, ask.last_day, self.category, channel, outcome, Frozen(told))

    def _on_time(self, ask: Occurrence) -> date:
        """The last day before grace begins."""
        return self.validity.after(ask.planned) if self.validity is not None else ask.planned

    def _why(self, ask: Occurrence) -> Reason:
        last_day = ask.last_day if ask.last_day is not None else "open"
        return reason(self.occurring.code, trigger=self.id, planned=ask.planned, last_day=last_day, **{"occasion": _occasion(ask), **_plain(ask)})

    # -- remembering -----------------------------------------------------------------------------------------------

    def _status(self, event: AnyEvent, view: View) -> Status | None:
        kept = view.state.statuses.get((self.noted_as, ""))
        if self.occasion.status is not None:
            return self.seen(view)
        name = self.occasion.after or (self.occasion.anniversary or "").removeprefix("first_")
        if name_of(event) != name:
            return None
        if kept is not None and kept.value is not None and (self.occasion.again != "after_end" or not self._is_over(view, str(kept.value))):
            return None
        return Status(self.noted_as, view.day.isoformat(), view.day)

    def _is_over(self, view: View, begun: str) -> bool:
        """Whether the sequence that began on a day has had its last step before the day of the event."""
        return self.occasion.steps[-1].after(date.fromisoformat(begun)) < view.day

    def seen(self, view: View) -> Status | None:
        """The value of the status as it is now, where it is another than was seen last; ``rose`` since when it stands by rising."""
        name, today = self.occasion.status or "", view.settled
        value, kind = view.value(name, today), view.type_of(name)
        kept = view.state.statuses.get((self.noted_as, ""))
        if not isinstance(value, str) or kind is None or (kept is not None and kept.value == value):
            return None
        before = str(kept.value) if kept is not None else None
        held = view.state.statuses.get((name, ""))
        new = held is not None and held.since >= today
        rose = new and (before is None or kind.kind != "level" or before not in kind.values or kind.rank(value) > kind.rank(before))
        return Status(self.noted_as, value, today, None, "", Frozen({"rose": today.isoformat()} if rose else {}))

    # -- time ------------------------------------------------------------------------------------------------------

    def due(self, view: View, /) -> date | None:
        if self.retired:
            return None
        today = view.day
        days = [self.occurring.next_day(view, today)]
        if any(self._is_new(occurrence, view) for occurrence in self.occurring.open(view, today)):
            waits = self.when is not None and not view.test(self.when, today)
            days.append(view.next_change(self.when) if waits and self.when is not None else today + ONE_DAY)
        return min((day for day in days if day is not None), default=None)

    def next_ask(self, view: View, /) -> date | None:
        """The first day on which a contact would be asked for, by the condition as it stands."""
        today, occurring = view.day, self.occurring
        if any(self._is_new(occurrence, view) for occurrence in occurring.open(view, today)):
            return today
        if isinstance(occurring, Visits):
            return occurring.planned_next(view, today)
        day = occurring.next_day(view, today)
        if isinstance(occurring, Calendar):
            while day is not None and not any(self._is_new(occurrence, view) for occurrence in occurring.open(view, day)):
                later = occurring.next_day(view, day)
                day = later if later is None or (later - today) < timedelta(days=800) else None
        return day

    def still_asks(self, view: View, cycle: str, /) -> bool:
        """While its occasion stands; whether ``when`` holds is asked once, as it asks."""
        return self.occurring.stands(view, view.day, cycle.removeprefix(f"{self.group}/") if self.group is not None else cycle)

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(faults_of(self, known))


def _occasion(ask: Occurrence) -> str:
    """What the ask is about, in one word."""
    for name in ("festival", "solar_term", "day", "after", "before", "absent", "level", "value", "since"):
        if name in ask.data:
            return str(ask.data[name])
    return ask.cycle


def _plain(ask: Occurrence) -> dict[str, Scalar]:
    return {name: value for name, value in ask.data.items() if name in ("step", "days", "every", "number")}
