"""``care.contact_plan``: in which order contacts go out, over which channel, when, and which of them do not.

The plan decides nothing by itself in a step: policies ask for contacts, ``custrules.plan`` arranges what is asked for by this policy, and
``custrules.recheck`` looks once more when one is about to go out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, PlainSerializer
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from custrules.calendars import Duration
from custrules.calendars.working import TimeOfDay
from custrules.conditions import LISTS, Table
from custrules.contacting import PURPOSES
from custrules.errors import Diagnostic
from custrules.events import AnyEvent
from custrules.fields import Flag, Frozen, Name, one_of, read_name, wrong_type
from custrules.policies.care.gates import Blackout, ContactCap, Holdout, QuietHours
from custrules.policy import Decision, Known, Phase, Policy, View

TASKS = ("phone", "visit", "face_to_face")
TEN = TimeOfDay.parse("10:00")
ALL = "all"


def _windows(value: object) -> object:
    """Quiet hours by channel: one window or a list of them (an empty one: none); ``all`` is every channel that is not named."""
    if not isinstance(value, Mapping) or not value or {"from", "to"} & value.keys():
        raise wrong_type('quiet hours by channel: {sms: {from: "21:00", to: "09:00", then: defer}}', value)
    return {read_name(name): tuple(item) if isinstance(item, list | tuple) else (item,) for name, item in value.items()}


def _plain(value: Mapping[str, tuple[QuietHours, ...]]) -> dict[str, Any]:
    shown = {name: [window.model_dump(mode="json", by_alias=True) for window in windows] for name, windows in value.items()}
    return {name: windows[0] if len(windows) == 1 else windows for name, windows in shown.items()}


def _times(value: object) -> object:
    """A time of the day, or times by channel."""
    if not isinstance(value, Mapping):
        return {ALL: value}
    return {read_name(name): item for name, item in value.items()}


def _one_time(value: Mapping[str, TimeOfDay]) -> Any:
    return str(value[ALL]) if set(value) == {ALL} else {name: str(item) for name, item in value.items()}


class _OneWindow:
    """One window stands for a list of it."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        drawn = handler(schema)
        windows = drawn["additionalProperties"]
        return {**drawn, "additionalProperties": {"anyOf": [windows["items"], windows]}}


class _OneTime:
    """One time stands for that of every channel."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        drawn = handler(schema)
        return {"anyOf": [drawn["additionalProperties"], drawn]}


_shown = PlainSerializer(_plain, return_type=dict)
QuietByChannel = Annotated[Mapping[str, tuple[QuietHours, ...]], BeforeValidator(_windows), _shown, _OneWindow()]
TimeByChannel = Annotated[Mapping[str, TimeOfDay], BeforeValidator(_times), PlainSerializer(_one_time), _OneTime()]


class ContactPlan(Policy):
    """The rules of contact of a program.

    ``priority``: categories, the first goes first; others after them. What is of service passes caps, holdout, complaints and consent. ``caps``
    are judged on the day on which a contact goes out, and what has priority reserves them over all days of a plan. ``quiet_hours`` are of
    the customer's clock. ``working_days_only`` and ``tasks`` name channels: a task is something that a person does. ``channel`` is a table
    with one output, the channel; it reads facts of the customer and the contact's ``category`` and ``trigger``.
    """

    kind: ClassVar[str] = "care.contact_plan"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ()

    priority: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    send_at: TimeByChannel = Frozen({ALL: TEN})
    quiet_hours: QuietByChannel = Frozen({})
    working_days_only: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    tasks: Annotated[tuple[Name, ...], Field(max_length=50)] = TASKS
    channel: Table | None = None
    preference: Name | None = None
    caps: Annotated[tuple[ContactCap, ...], Field(max_length=50)] = ()
    combine: Annotated[Literal["all", "most_specific"], one_of("all", "most_specific")] = "all"
    blackout: Annotated[tuple[Blackout, ...], Field(max_length=50)] = ()
    greeting_day: Annotated[Literal["no_marketing", "as_usual"], one_of("no_marketing", "as_usual")] = "as_usual"
    minimum_gap: Duration | None = None
    holdout: Holdout | None = None
    merge: Flag = False

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        """None, always: a plan is made, it is not asked."""
        return None

    def keeps_contacts(self) -> int | None:
        """As long as its longest cap may look back; a gap between contacts is over in days."""
        return max((cap.per.reach for cap in self.caps), default=0) + 7

    def event_name(self) -> str | None:
        return "contact" if self.channel is not None else None

    def rank(self, category: str) -> int:
        """The place of a category in the order; those that are not named come last."""
        return self.priority.index(category) if category in self.priority else len(self.priority)

    def sent_at(self, channel: str) -> TimeOfDay:
        return self.send_at.get(channel) or self.send_at.get(ALL) or TEN

    def quiet(self, channel: str) -> tuple[QuietHours, ...]:
        return self.quiet_hours[channel] if channel in self.quiet_hours else self.quiet_hours.get(ALL, ())

    # -- what can be wrong with it ---------------------------------------------------------------------------------

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(self._faults(known))

    def _faults(self, known: Known) -> Iterator[Diagnostic]:
        for channel, windows in self.quiet_hours.items():
            for place, window in enumerate(windows):
                yield from window.faults(f"quiet_hours.{channel}" + (f"[{place}]" if len(windows) > 1 else ""))
        for place, blackout in enumerate(self.blackout):
            yield from blackout.faults(f"blackout[{place}]")
        if not known.working:
            yield from (Diagnostic("document.no_working_time", path, {"clock": path}) for path in self._by_working_days())
        if self.channel is not None:
            yield from self._table_faults(self.channel)
        yield from self._fields_of_profile(known)
        others = {policy.id for policy in known.policies if isinstance(policy, ContactPlan)} - {self.id}
        if others and self.id == max({self.id, *others}):
            yield Diagnostic("document.one_contact_plan", "", {"other": min(others)})

    def _by_working_days(self) -> Iterator[str]:
        """The places that ask which days are worked."""
        if self.working_days_only:
            yield "working_days_only"
        yield from (f"blackout[{place}].days_off" for place, blackout in enumerate(self.blackout) if blackout.days_off)

    def _table_faults(self, table: Table) -> Iterator[Diagnostic]:
        if len(table.outputs) > 1:
            yield Diagnostic("document.one_output", "channel.outputs[1]", {"hit": self.kind, "found": str(len(table.outputs))})
        if table.outputs[0].type != "text":
            yield Diagnostic("document.wrong_type", "channel.outputs[0]", {"expected": "a text, the channel", "found": table.outputs[0].type})
        if table.hit in LISTS or table.hit.startswith("COLLECT"):
            yield Diagnostic("document.unknown_choice", "channel.hit", {"found": repr(table.hit), "choices": "UNIQUE, ANY, FIRST, PRIORITY"})

    def _fields_of_profile(self, known: Known) -> Iterator[Diagnostic]:
        """Names of profile fields that the program does not declare."""
        named = {"preference": self.preference, "holdout.by": self.holdout.by if self.holdout is not None else None}
        for path, name in named.items():
            if name is not None and name not in known.facts:
                yield Diagnostic("document.unknown_fact", path, {"fact": name, "known": ", ".join(sorted(known.facts)), "nearest": ""})
            elif name is not None and known.facts[name].kind != "text":
                yield Diagnostic("document.fact_of_other_kind", path, {"fact": name, "found": known.facts[name].kind, "expected": "a text"})


__all__ = ["PURPOSES", "ContactPlan"]
