"""``feedback.survey``: who is asked how content they are, when, not too often; and what follows from a low score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from custrules.calendars import Length, local_day
from custrules.conditions import Condition
from custrules.contacting import Contacting
from custrules.counting import name_of
from custrules.errors import Diagnostic
from custrules.event_fields import Scalar
from custrules.events import KINDS, AnyEvent, NewDay, SurveyResponse
from custrules.fields import Frozen, Name, Text, instant_text, one_of, plain
from custrules.policies.feedback.asking import LowScore, SurveyAfter
from custrules.policies.feedback.faults import survey_faults
from custrules.policy import Decision, Effect, Known, Phase, Policy, Reason, Status, Touchpoint, View, reason
from custrules.state_parts import StatusValue, TouchpointAsked

CASES = ("planned", "asked", "resting", "waits", "not_asked", "do_not_contact", "answered", "unasked", "low")
CATEGORY = "survey"
REMEMBERED = 731  # days: no rest is longer, unless one says so
FOLLOW_UP = "low:"  # what the cycles of follow-ups begin with
_MICROSECOND = timedelta(microseconds=1)


Told = tuple[Reason, list[Effect]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One ask: its cycle, the day on which it is due, and the last on which it is still worth asking."""

    cycle: str
    day: date
    last_day: date


class Survey(Policy):
    """A survey: which score it asks for, after what, and how long a customer is left in peace between any two surveys.

    Each ask stands in the status ``survey`` under its cycle: the id of the event or of the complaint that it is about, or ``every-`` and
    the first day of the period. Its value is ``waiting``, ``asked``, ``answered`` or ``skipped``.
    """

    kind: ClassVar[str] = "feedback.survey"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = None
    recorded: ClassVar[bool] = False
    reason_codes: ClassVar[tuple[str, ...]] = tuple(f"feedback.survey.{case}" for case in CASES)

    score: Name
    after: Annotated[tuple[SurveyAfter, ...], Field(max_length=50)] = ()
    when: Condition | None = None
    rest: Length | None = None
    resting: Annotated[Literal["skip", "wait"], one_of("skip", "wait")] = "skip"
    valid: Length = Length.parse("14 days")
    low: LowScore | None = None
    channels: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    template: Text = "survey"
    category: Name = CATEGORY
    status: Name = "survey"

    # -- what the program asks of it -------------------------------------------------------------------------------

    def listens_to(self) -> tuple[str, ...]:
        events = dict.fromkeys(row.event for row in self.after if row.event is not None)
        types = (name if name in KINDS else "activity" for name in events)
        return tuple(dict.fromkeys((*types, "survey_response", "new_day")))

    def event_name(self) -> str:
        return "survey_response"

    def writes(self) -> tuple[str, ...]:
        return (self.status,)

    def passing(self) -> tuple[str, ...]:
        return (self.status,)

    def keeps_asks(self) -> int:
        """For as long as any rest may look back."""
        return max(REMEMBERED, self.rest.at_most_days if self.rest is not None else 0)

    def next_ask(self, view: View, /) -> date | None:
        return self.due(view)

    def contacting(self, category: str, channel: str, /) -> Contacting:
        """An ask may go over any of its channels; who follows up uses the one of the task."""
        return Contacting(channels=self.channels if category == self.category else (channel,))

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(survey_faults(self, known))

    # -- answering -------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, SurveyResponse):
            return self._answered(event, view)
        if self.retired:
            return None
        asks = self._dues(view) if isinstance(event, NewDay) else self._begun(event, view)
        told = list(self._told(asks, view))
        return self.applied(event, [why for why, _ in told], [effect for _, effects in told for effect in effects]) if told else None

    def _told(self, asks: list[Ask], view: View) -> Iterator[Told]:
        """What becomes of asks, one after the other: the next sees that the one before was made."""
        last = self._last_asked(view)
        for ask in asks:
            if ask.day > view.day:
                yield reason("feedback.survey.planned", cycle=ask.cycle, on=ask.day), [self._waits(ask, view)]
                continue
            told = self._due_ask(ask, view, last)
            if told is not None:
                last = view.day if any(isinstance(effect, Touchpoint) for effect in told[1]) else last
                yield told

    def due(self, view: View, /) -> date | None:
        """The next day on which somebody is to be asked."""
        if self.retired:
            return None
        days = [ask.day for ask in (*self._waiting(view), *self._of_closed(view))]
        joined = view.state.joined
        days += [row.every.next_after(view.day, joined) for row in self.after if row.every is not None and joined is not None]
        return min(days, default=None)

    # -- whom to ask when ------------------------------------------------------------------------------------------

    def _begun(self, event: AnyEvent, view: View) -> list[Ask]:
        """What begins with an event: asks that wait for their day, or are due on the same one."""
        rows = [row for row in self.after if row.event == name_of(event)]
        return [self._ask(event.id if len(rows) == 1 else f"{event.id}+{row.wait}", row.wait.after(view.day)) for row in rows]

    def _ask(self, cycle: str, day: date) -> Ask:
        return Ask(cycle, day, self.valid.after(day))

    def _waits(self, ask: Ask, view: View) -> Status:
        return Status(self.status, "waiting", view.day, ask.last_day, ask.cycle, Frozen({"planned": ask.day.isoformat()}))

    def _dues(self, view: View) -> list[Ask]:
        """The asks of a day that opens, each cycle once; what was planned first goes first."""
        joined = view.state.joined
        opened = any(row.every is not None and joined is not None and row.every.asks_on(view.day, joined) for row in self.after)
        cycle = f"every-{view.day.isoformat()}"
        every = [self._ask(cycle, view.day)] if opened and (self.status, cycle) not in view.state.statuses else []
        asks = (ask for ask in (*self._waiting(view), *self._of_closed(view), *every) if ask.day <= view.day)
        return sorted(asks, key=lambda ask: (ask.last_day, ask.cycle))

    def _waiting(self, view: View) -> Iterator[Ask]:
        for (name, cycle), held in view.state.statuses.items():
            if name == self.status and held.value == "waiting" and held.until is not None:
                yield Ask(cycle, date.fromisoformat(str(held.data["planned"])), held.until)

    def _of_closed(self, view: View) -> Iterator[Ask]:
        """Asks about complaints that are closed and about which nobody was asked, while it is still worth it."""
        known = view.state.statuses if self.after else {}
        closed = [(name, subject, held.since) for (name, subject), held in known.items() if subject and held.value == "closed"]
        unasked = [row for row in closed if (self.status, row[1]) not in known]
        asks = (self._ask(subject, row.wait.after(since)) for row in self.after for name, subject, since in unasked if name == row.closed)
        yield from (ask for ask in asks if ask.last_day >= view.day)

    # -- asking ----------------------------------------------------------------------------------------------------

    def _due_ask(self, ask: Ask, view: View, last: date | None) -> Told | None:
        """An ask whose day has come: made, put off, or left out; ``last`` is the last day on which the customer was asked."""
        if view.state.do_not_contact:
            return self._skipped(ask, view, reason("feedback.survey.do_not_contact", cycle=ask.cycle))
        if self.when is not None and not view.test(self.when):
            every = ask.cycle.startswith("every-")
            return None if every else self._skipped(ask, view, reason("feedback.survey.not_asked", cycle=ask.cycle))
        if self.rest is not None and last is not None and self.rest.after(last) > view.day:
            return self._put_off(ask, view, last, self.rest.after(last))
        last_day = self.valid.after(view.day)
        data: dict[str, Scalar] = {"score": self.score, "purpose": "service", "about": ask.cycle}
        touchpoint = Touchpoint(self.template, ask.cycle, view.day, last_day, self.category, self._channel, "send", Frozen(data))
        asked: dict[str, Scalar] = {"score": self.score, "asked_on": view.day.isoformat()}
        status = Status(self.status, "asked", view.day, view.return_window.after(last_day), ask.cycle, Frozen(asked))
        return reason("feedback.survey.asked", cycle=ask.cycle, score=self.score, until=last_day), [status, touchpoint]

    @property
    def _channel(self) -> str:
        return self.channels[0] if self.channels else ""

    def _put_off(self, ask: Ask, view: View, last: date, rested: date) -> Told:
        told = {"cycle": ask.cycle, "last": last, "rested": rested}
        if self.resting == "skip" or rested > ask.last_day:
            return self._skipped(ask, view, reason("feedback.survey.resting", **told))
        return reason("feedback.survey.waits", **told), [self._waits(Ask(ask.cycle, rested, ask.last_day), view)]

    def _skipped(self, ask: Ask, view: View, why: Reason) -> Told:
        until = view.return_window.after(ask.last_day)
        return why, [Status(self.status, "skipped", view.day, until, ask.cycle, Frozen({"because": why.code.rpartition(".")[2]}))]

    def _last_asked(self, view: View) -> date | None:
        """The last day on which any survey of the program asked the customer, as far as that counts."""
        days = [asked.day for asked in view.state.touchpoints.values() if _is_survey(asked, view)]
        return max(days, default=None)

    # -- answers ---------------------------------------------------------------------------------------------------

    def _answered(self, event: SurveyResponse, view: View) -> Decision | None:
        if event.score != self.score or event.survey not in (None, self.id):
            return None
        told = {"score": self.score, "value": plain(event.value)}
        found = self._answers(event, view)
        effects: list[Effect] = []
        low = self.low is not None and view.test(self.low.when)
        if found is not None:
            cycle, held = found
            data = dict(held.data) | {"value": plain(event.value), "answered_on": view.day.isoformat(), **({"low": True} if low else {})}
            effects.append(Status(self.status, "answered", view.day, held.until, cycle, Frozen(data)))
        why = reason("feedback.survey.answered", cycle=found[0], **told) if found is not None else reason("feedback.survey.unasked", **told)
        follow_up = [self._follow_up(event, view)] if low else []
        reasons = [why, *(reason("feedback.survey.low", within=str(touched.data["deadline"]), **told) for touched in follow_up)]
        return self.applied(event, reasons, [*effects, *follow_up])

    def _answers(self, event: SurveyResponse, view: View) -> tuple[str, StatusValue] | None:
        """The ask that is answered: the one that it names, else the last that was made."""
        rows = [(cycle, held) for (name, cycle), held in view.state.statuses.items() if name == self.status and held.value == "asked"]
        if event.of is not None:
            return next(((cycle, held) for cycle, held in rows if cycle.partition("+")[0] == event.of), None)
        asked = [(held.since, cycle, held) for cycle, held in rows if held.since <= view.day]
        return max(asked, key=lambda row: row[:2])[1:] if asked else None

    def _follow_up(self, event: SurveyResponse, view: View) -> Touchpoint:
        assert self.low is not None
        task = self.low.task
        end = task.within.ends(event.occurred_at, view.zone, view.working)
        last_day = max(local_day(end - _MICROSECOND, view.zone), view.settled) if end is not None else None
        data: dict[str, Scalar] = {"score": self.score, "value": plain(event.value), "deadline": str(task.within), "purpose": "service"}
        data |= {"due_by": instant_text(end)} if end is not None else {}
        data |= {"to": task.to} if task.to is not None else {}
        cycle = f"{FOLLOW_UP}{event.id}"
        return Touchpoint(task.template, cycle, view.settled, last_day, "follow_up", task.channel, "task", Frozen(data))


def _is_survey(asked: TouchpointAsked, view: View) -> bool:
    """Whether a contact was a survey, and was made as far as anybody knows: it was sent, it was answered, or it may still be."""
    survey = view.in_force(asked.policy_id, view.day)
    if not isinstance(survey, Survey) or asked.cycle.startswith(FOLLOW_UP):
        return False
    held = view.state.statuses.get((survey.status, asked.cycle))
    return asked.counts(view.day) or (held is not None and held.value == "answered")
