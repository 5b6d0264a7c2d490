"""What happens in a case, read against a program: events with their instants, and steps that let time pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, Literal, TypeVar

from pydantic_core import PydanticCustomError

from custrules.analysis.planning import MOST_DAYS
from custrules.calendars import Length, end_of_day, local_day, start_of_day
from custrules.documents.document import LATER_EVENTS
from custrules.documents.faults import steps_of
from custrules.errors import EventError
from custrules.events import KINDS, AnyEvent
from custrules.fields import MAX_YEAR, check_year, describe, instant_text, read_day, read_instant, read_whole
from custrules.program import Program
from custrules.testing.scenario_fields import as_written, mappings_in, tenders_of
from custrules.testing.scenario_file import ONE, Case, Page, Path
from custrules.testing.scenario_opening import opening_data
from custrules.validation import nearest

REPEAT_FIELDS = ("every", "times", "until")
LATER_STEPS = ("check",)
PLAN = "plan"
NOTHING_YET = datetime(1, 1, 1, tzinfo=UTC)
PLAN_FIELDS = ("from", "days")
TIME_STEPS = ("day_end", "advance")
CUSTOMER_FIELDS = ("consent", "do_not_contact")
MOST_REPEATS = 5000
NOON = time(12)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event that is to be stepped, and its place in the file."""

    event: AnyEvent
    path: Path

    @property
    def instant(self) -> datetime:
        return self.event.occurred_at


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: its events in order (none: time only passes up to ``instant``), and what is expected then; ``plan``: first day and how many."""

    path: Path
    kind: Literal["event", "quote", "time", "plan"]
    title: str
    instant: datetime
    happenings: tuple[Happening, ...]
    then: Mapping[str, Any]
    plan: tuple[date, int] | None = None

    @property
    def customer(self) -> str | None:
        """Whose event it is; None where only time passes."""
        return self.happenings[0].event.customer_id if self.happenings else None


@dataclass(frozen=True, slots=True)
class Script:
    """A case against a program: what opens it, what is given, and its stages."""

    opening: tuple[Happening, ...]
    given: tuple[Happening, ...]
    stages: tuple[Stage, ...]


def script_of(page: Page, case: Case, program: Program) -> Script:
    """The script of a case. Faults are noted on the page; with a fault the script has gaps and must not be played."""
    return _Writer(page, case, program).script()


class _Unreadable(Exception):
    """Noted on the page already."""


class _Writer:
    def __init__(self, page: Page, case: Case, program: Program) -> None:
        self.page, self.case, self.program = page, case, program
        self.activities = program.rulebook.parts.declared.activities
        self.known = [name for name in KINDS if name not in ("activity", "new_day", "tick")]
        self.taken = {str(item["id"]) for item in mappings_in((case.given, case.steps)) if isinstance(item.get("id"), str)}
        self.count: dict[str, int] = {}
        self.settled = NOTHING_YET

    def script(self) -> Script:
        path = self.case.path
        given = [found for index, item in enumerate(self.case.given) for found in self._given(item, (*path, "given", index))]
        stages = [stage for index, step in enumerate(self.case.steps) if (stage := self._stage(step, (*path, "steps", index)))]
        instants = [instant for name in self.case.openings if (instant := self._opening_at(name)) is not None]
        instants += [found.instant for found in given] + [min((*(h.instant for h in stage.happenings), stage.instant)) for stage in stages]
        opening = self._opening(min(instants)) if instants else ()
        return Script(tuple(opening), tuple(given), tuple(stages))

    def _note(self, path: Path, code: str, /, *, key: bool = False, **params: object) -> None:
        self.page.note(path, code, key=key, row=self.case.row, **params)

    # -- customers -------------------------------------------------------------------------------------------------

    def _opening(self, first: datetime) -> list[Happening]:
        """What is known of each customer, as events at the first instant: so that everybody has readings from the start."""
        events = []
        for name, data in self.case.customers.items():
            path: Path = (*self.case.path, "customers", name) if self.case.several else (*self.case.path, "customer")
            head = {"customer_id": name, "occurred_at": first}
            if name in self.case.openings:
                opened, place = self._opened(name, first, data)
                events += self._read({"type": "opening", "id": f"opening of {name}", **head, **opened}, place, self.case.openings[name][0])
            profile = {field: value for field, value in data.items() if field not in CUSTOMER_FIELDS}
            consent = {field: value for field, value in data.items() if field in CUSTOMER_FIELDS}
            if name not in self.case.openings:
                events += self._read({"type": "profile_update", "id": f"profile of {name}", **head, "profile": profile}, path)
            if consent:
                events += self._read({"type": "consent_update", "id": f"consent of {name}", **head, **consent}, path)
        return events

    def _opening_at(self, name: str) -> datetime | None:
        data, path = self.case.openings[name]
        if "at" in data and len(self.case.customers) > 1:
            self._note((*path, "at"), "not_with", key=True, field="at", other="several customers, who open together")
        try:
            return self._instant(data["at"], (*path, "at")) if "at" in data else None
        except _Unreadable:
            return None

    def _opened(self, name: str, first: datetime, profile: Mapping[str, Any]) -> tuple[dict[str, Any], Path]:
        """The opening of a customer: at its own time where it says one, else at the first instant, with what is known of her."""
        data, path = self.case.openings[name]
        at = self._opening_at(name) or first
        event = opening_data(self.program, data, path, self.page, self._note, local_day(at, self.program.zone))
        own = {field: value for field, value in profile.items() if field not in CUSTOMER_FIELDS}
        told = event.get("profile", {})
        return {"occurred_at": at, **event, "profile": {**own, **told} if isinstance(told, Mapping) else told}, path

    # -- given and steps -------------------------------------------------------------------------------------------

    def _given(self, item: object, path: Path) -> list[Happening]:
        data = self.page.mapping(item, path, "an event: {purchase: {at: ..., amount: ...}}", self.case.row)
        try:
            return self._happenings(*self._single(data, path, "an event"), path) if data else []
        except _Unreadable:
            return []

    def _stage(self, step: Mapping[str, Any], path: Path) -> Stage | None:
        if "when" not in step:
            return None
        expected = "an event, or one of day_end, advance, quote"
        when = self.page.mapping(step["when"], (*path, "when"), expected, self.case.row)
        then = self.page.mapping(step.get("then", {}), (*path, "then"), "a mapping of what is expected", self.case.row)
        try:
            return self._when(*self._single(when, (*path, "when"), expected), path, then) if when else None
        except _Unreadable:
            return None

    def _single(self, data: Mapping[str, Any], path: Path, expected: str) -> tuple[str, Any]:
        if len(data) != 1:
            self._note(path, "wrong_type", expected=f"exactly one: {expected}", found=", ".join(data))
            raise _Unreadable
        return next(iter(data.items()))

    def _when(self, name: str, value: Any, path: Path, then: Mapping[str, Any]) -> Stage:
        place = (*path, "when", name)
        if name in LATER_STEPS:
            self.page.unavailable(place, f"the step '{name}'", self.case.row)
            raise _Unreadable
        if name in TIME_STEPS:
            return self._time(name, value, path, then)
        if name == PLAN:
            return self._plan(value, path, then)
        if name != "quote":
            found = tuple(self._happenings(name, value, (*path, "when")))
            return Stage(path, "event", name, found[-1].instant, found, then)
        inside = self.page.mapping(value, place, "an event", self.case.row)
        kind, fields = self._single(inside, place, "an event")
        happening, *more = self._happenings(kind, fields, place)
        if more:
            self._note(place, "not_with", field="every", other="quote")
            raise _Unreadable
        return Stage(path, "quote", f"quote {kind}", happening.instant, (happening,), then)

    def _time(self, name: str, value: Any, path: Path, then: Mapping[str, Any]) -> Stage:
        place = (*path, "when", name)
        instant = end_of_day(self._day(value, place), self.program.zone) if name == "day_end" else self._instant(value, place)
        if instant < self.settled:
            at = instant_text(self.settled)
            self._note(place, "wrong_type", expected=f"an instant that is not before the steps above, which end at {at}", found=describe(value))
            raise _Unreadable
        self.settled = instant
        return Stage(path, "time", f"{name} {value}", instant, (), then)

    def _plan(self, value: Any, path: Path, then: Mapping[str, Any]) -> Stage:
        """Contacts planned from a day on; no time passes."""
        place = (*path, "when", PLAN)
        data = self.page.mapping(value, place, "a first day and how many: {from: 2026-05-05, days: 14}", self.case.row)
        self.page.only(data, place, PLAN_FIELDS, row=self.case.row)
        if "from" not in data:
            self._note((*place, "from"), "missing_field", field="from")
            raise _Unreadable
        first = self._day(data["from"], (*place, "from"))
        try:
            days = read_whole(data.get("days", 14))
        except PydanticCustomError:
            days = 0
        if not 1 <= days <= MOST_DAYS:
            self._note((*place, "days"), "wrong_type", expected="a number of days from 1 to 1100", found=describe(data.get("days")))
            raise _Unreadable
        if self.settled == NOTHING_YET:
            self.settled = start_of_day(first, self.program.zone)
        return Stage(path, "plan", f"plan {first}", self.settled, (), then, (first, days))

    # -- one event -------------------------------------------------------------------------------------------------

    def _happenings(self, name: str, fields: Any, path: Path) -> list[Happening]:
        """An event as it is written, once or as often as it is repeated."""
        place = (*path, name)
        self._check_name(name, place)
        data = self.page.mapping(fields, place, "a mapping of fields: {at: ..., id: ...}", self.case.row)
        if not isinstance(fields, Mapping):
            raise _Unreadable
        if "at" not in data:
            self._note((*place, "at"), "missing_field", field="at")
            raise _Unreadable
        first = self._instant(data["at"], (*place, "at"))
        event = self._event(name, data, place)
        base = event["id"]
        found = []
        for number, instant in enumerate(self._instants(data, first, place), 1):
            repeated = {**event, "occurred_at": instant, "id": base if number == 1 else self._free(f"{base}-{number}")}
            found += self._read(repeated, place, data)
        if not found:
            raise _Unreadable
        self.settled = max(self.settled, *(happening.instant for happening in found))
        return found

    def _check_name(self, name: str, place: Path) -> None:
        if name in self.known or name in self.activities:
            return
        if name in LATER_EVENTS:
            self.page.unavailable(place, f"the event '{name}'", self.case.row)
        elif name in ("new_day", "tick"):
            self.page.unavailable(place, f"the event '{name}' in a scenario (write day_end or advance)", self.case.row)
        else:
            known = [*self.known, *self.activities, *TIME_STEPS, "quote"]
            self._note(place, "unknown_event", key=True, found=name, known=", ".join(known), nearest=nearest(name, known))
        raise _Unreadable

    def _event(self, name: str, data: Mapping[str, Any], place: Path) -> dict[str, Any]:
        """An event's data but for its instant, in the form that the program reads."""
        repeats = REPEAT_FIELDS if "every" in data else ("times",) if "times" in data else ()
        fields = {key: value for key, value in data.items() if key not in ("at", "id", "customer", *repeats)}
        event: dict[str, Any] = {"type": name, "id": data["id"] if "id" in data else self._made_up(name), "customer_id": self._customer(data, place)}
        if name in self.activities:
            own: dict[str, Any] = {key: fields.pop(key) for key in ("quantity", "channel", "recorded_at") if key in fields}
            return {**event, "type": "activity", "name": name, **own, "attributes": fields}
        if "tenders" in fields:
            fields["tenders"] = tenders_of(fields)
        if name == "referral" and "friend_keys" not in fields:
            fields["friend_keys"] = self._keys_of(fields.get("friend"))
        return event | fields

    def _customer(self, data: Mapping[str, Any], place: Path) -> str:
        if "customer" not in data:
            if self.case.several:
                self._note((*place, "customer"), "missing_field", field="customer")
                raise _Unreadable
            return ONE
        name = data["customer"]
        if not isinstance(name, str) or name not in self.case.customers:
            known = ", ".join(self.case.customers)
            self._note((*place, "customer"), "unknown_choice", found=describe(name), choices=known, nearest=nearest(str(name), self.case.customers))
            raise _Unreadable
        return name

    def _keys_of(self, friend: object) -> dict[str, Any]:
        """By what a friend who is a customer of this scenario can be known: the profile fields of type phone."""
        declared = self.program.document_data().get("profile", {})
        phones = [name for name, spec in declared.items() if spec.get("type") == "phone"]
        profile = self.case.customers.get(str(friend), {})
        return {name: profile[name] for name in phones if name in profile}

    def _made_up(self, name: str) -> str:
        self.count[name] = self.count.get(name, 0) + 1
        made = f"{name}-{self.count[name]}"
        return self._made_up(name) if made in self.taken else made

    def _free(self, wanted: str) -> str:
        """An id that no other event of the scenario has."""
        while wanted in self.taken:
            wanted += "'"
        return wanted

    def _read(self, event: Mapping[str, Any], place: Path, written: Mapping[str, Any] | None = None) -> list[Happening]:
        try:
            return [Happening(self.program.event(event), place)]
        except EventError as error:
            for fault in error.diagnostics:
                steps = as_written(steps_of(fault.path, event), written)
                named = bool(steps) and fault.params.get("field") == steps[-1]
                self.page.add((*place, *steps), replace(fault, path=""), key=named, row=self.case.row)
            return []

    # -- instants --------------------------------------------------------------------------------------------------

    def _instants(self, data: Mapping[str, Any], first: datetime, place: Path) -> Iterator[datetime]:
        """The instants of an event that is repeated: counted from the anchor, at the same time of the local day."""
        if "every" not in data:
            if "times" in data:
                self._note((*place, "times"), "not_with", key=True, field="times", other="an event without every")
                raise _Unreadable
            yield first
            return
        every = self._length(data["every"], (*place, "every"))
        times, until = self._bounds(data, place)
        local = first.astimezone(self.program.zone)
        if until < local.date():
            self._note((*place, "until"), "wrong_type", expected=f"a day that is not before {local.date()}", found=until)
            raise _Unreadable
        for number in range(times):
            day = self._repeated(every, local.date(), number, place)
            if day > until:
                break
            yield datetime.combine(day, local.time(), self.program.zone)

    def _repeated(self, every: Length, anchor: date, number: int, place: Path) -> date:
        try:
            return check_year(every.after(anchor, number))
        except (PydanticCustomError, ValueError, OverflowError):
            self._note((*place, "every"), "wrong_type", expected=f"repeats that end before {MAX_YEAR + 1}", found=f"{number + 1} times {every}")
            raise _Unreadable from None

    def _bounds(self, data: Mapping[str, Any], place: Path) -> tuple[int, date]:
        if ("times" in data) == ("until" in data):
            self._note(place, "wrong_type", expected="every with either times or until", found=", ".join(data))
            raise _Unreadable
        if "until" in data:
            return MOST_REPEATS, self._day(data["until"], (*place, "until"))
        times = self._whole(data["times"], (*place, "times"))
        if not 1 <= times <= MOST_REPEATS:
            self._note((*place, "times"), "wrong_type", expected=f"a number from 1 to {MOST_REPEATS}", found=times)
            raise _Unreadable
        return times, date.max

    def _length(self, value: object, path: Path) -> Length:
        return self._made_of(_length, value, path, "month, day, week, year, or a length such as 3 days")

    def _whole(self, value: object, path: Path) -> int:
        return self._made_of(read_whole, value, path, "a whole number such as 12")

    def _day(self, value: object, path: Path) -> date:
        return self._made_of(read_day, value, path, "a date such as 2026-03-31")

    def _instant(self, value: object, path: Path) -> datetime:
        """A date is noon of that local day; a time without an offset is local; with one it is as it is."""

        def read(value: object) -> datetime:
            if len(str(value)) == 10:
                return datetime.combine(read_day(value), NOON, self.program.zone).astimezone(UTC)
            found = check_year(datetime.fromisoformat(str(value)))
            return read_instant(found if found.tzinfo is not None else found.replace(tzinfo=self.program.zone))

        return self._made_of(read, value, path, "a date such as 2026-03-31, or with a time: 2026-03-31T10:00")

    def _made_of(self, read: Callable[[object], T], value: object, path: Path, expected: str) -> T:
        """What a reader makes of a value; what it cannot read is noted with what was ``expected``."""
        try:
            return read(value)
        except (PydanticCustomError, ValueError, OverflowError):
            self._note(path, "wrong_type", expected=expected, found=describe(value))
            raise _Unreadable from None


def _length(value: object) -> Length:
    text = str(value)
    return Length.parse(text if text[:1].isdigit() else f"1 {text}")
