"""Arranging contacts over the days of a plan, for one customer: a pure function of what is asked for, what was made, and the rules of contact.

By priority over the whole horizon: what has priority takes its day first, so that a cap is kept free for a birthday that comes after a daily
message. The first gate that stands in the way on the planned day is the reason that is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from custrules.calendars import ONE_DAY, at_time
from custrules.calendars.working import WorkingTime
from custrules.consenting import Consents, allows
from custrules.contacting import Contacting
from custrules.decisions import Reason, reason
from custrules.fields import Frozen
from custrules.policies.care.contact_plan import ContactPlan
from custrules.policies.care.gates import ContactCap, QuietHours, Touch, local_minute

Outcome = Literal["send", "task", "defer", "drop", "withhold", "expired"]


class Candidate(NamedTuple):
    """A contact that is asked for: by which policy, for which cycle, from which day, until which; ``asked_at`` is the instant, where it is known."""

    trigger: str
    cycle: str
    day: date
    last_day: date | None
    category: str
    template: str
    terms: Contacting
    task: bool = False
    deadline: str = ""
    due_by: str = ""
    data: Mapping[str, Any] = {}
    asked_at: datetime | None = None
    over: bool = False
    """Whether it waits, and what it was about is over."""
    asked: date | None = None
    """The day for which it was planned, where that lies before the days that are arranged."""
    id: str = ""
    """Of the contact, where it has been worked out already."""


class Person(NamedTuple):
    """What gates look at, as it stands on a day. ``suppressed`` are the purposes that an open complaint (or another status) stops."""

    customer_id: str
    zone: ZoneInfo
    profile: Mapping[str, Any]
    consent: Mapping[str, str]
    do_not_contact: bool
    suppressed: frozenset[str]
    chosen: str | None
    """The channel that the table of the plan gives for the candidate asked about."""
    consents: Consents = Frozen()
    """Since when there is consent, or when it was withdrawn."""
    closed: date | None = None
    """The day since which the account is closed, where it is."""


PersonOn = Callable[[Candidate, date], Person]
"""The customer as she stands on a day, for a candidate."""


class Placed(NamedTuple):
    """What becomes of a candidate on a day."""

    candidate: Candidate
    day: date
    outcome: Outcome
    channel: str
    at: datetime | None
    until: date | None
    reasons: tuple[Reason, ...]


class Why(NamedTuple):
    """Why a day will not do; ``final``: no other day is looked for; ``resumes``: the minute of another day at which quiet hours are over."""

    reason: Reason
    final: bool = False
    resumes: int | None = None


class Desk:
    """One customer's contacts from ``start`` to ``end``; ``made`` are contacts that count already, ``rules`` those of contact in force on a day."""

    rules: Mapping[date, ContactPlan]
    person: PersonOn
    working: WorkingTime | None
    start: date
    end: date
    made: list[Touch]
    placed: list[Placed]

    def __init__(
        self, rules: Mapping[date, ContactPlan], person: PersonOn, made: Sequence[Touch], working: WorkingTime | None, span: tuple[date, date]
    ) -> None:
        self.rules, self.person, self.working = rules, person, working
        self.start, self.end = span
        self.made = list(made)
        self.placed: list[Placed] = []
        self._greeted: set[date] = set()

    def arrange(self, candidates: Iterable[Candidate]) -> list[Placed]:
        """What becomes of each candidate on each day, in order of days and priority."""
        queue = sorted((self._upto_now(each) for each in candidates), key=self._order)
        self._greeted |= {each.day for each in queue if self._greets(each)}
        for candidate in queue:
            self._place(candidate)
        return sorted(self.placed, key=lambda each: (each.day, self._order(each.candidate), each.outcome == "defer"))

    def _upto_now(self, candidate: Candidate) -> Candidate:
        return candidate._replace(day=max(candidate.day, self.start), asked=candidate.asked or candidate.day)

    def _order(self, candidate: Candidate) -> tuple[Any, ...]:
        last = candidate.last_day or date.max
        rank = self.rules[candidate.day].rank(candidate.category)
        return rank, -candidate.terms.weight, last, candidate.trigger, candidate.day, candidate.cycle

    def _is_task(self, candidate: Candidate, channel: str | None, day: date) -> bool:
        return candidate.task or (channel or next(iter(candidate.terms.channels), "")) in self.rules[day].tasks

    def _greets(self, candidate: Candidate) -> bool:
        """Whether it is a greeting that the customer is to get on its day, as far as nothing stops it for good, where that matters."""
        if self.rules[candidate.day].greeting_day == "as_usual":
            return False
        if candidate.terms.purpose != "greeting" or self._is_task(candidate, None, candidate.day):
            return False
        if candidate.over or (candidate.last_day is not None and candidate.last_day < candidate.day):
            return False
        person = self.person(candidate, candidate.day)
        return self.stopped(candidate, person) is None and channel_of(self.rules[candidate.day], candidate, person) is not None

    # -- one candidate ---------------------------------------------------------------------------------------------

    def _place(self, candidate: Candidate) -> None:
        if candidate.last_day is not None and candidate.last_day < candidate.day:
            self._note(candidate, "expired", (reason("care.expired", last_day=candidate.last_day),))
            return
        if candidate.over:
            self._note(candidate, "drop", (reason("care.asked_no_more"),))
            return
        plan, person = self.rules[candidate.day], self.person(candidate, candidate.day)
        stopped = self.stopped(candidate, person)
        if stopped is not None:
            self._note(candidate, stopped[0], (stopped[1],))
            return
        channel = channel_of(plan, candidate, person)
        if channel is None:
            self._note(candidate, "drop", (unconsented(candidate, channels_of(plan, candidate, person), person),))
            return
        into = self.merged_into(candidate, channel)
        if into is not None:
            self._note(candidate, "drop", (reason("care.merged", into=into),))
            return
        self._find_day(candidate, person, channel)

    def merged_into(self, candidate: Candidate, channel: str) -> str | None:
        """The trigger of the greeting, of the same day, that stands for this one too: planned, or made already."""
        if not self.rules[candidate.day].merge or candidate.terms.purpose != "greeting" or self._is_task(candidate, channel, candidate.day):
            return None
        days = (candidate.day, candidate.asked or candidate.day)
        return next((each.trigger for each in self.made if each.day in days and self._was_greeting(each)), None)

    def _was_greeting(self, touch: Touch) -> bool:
        return touch.purpose == "greeting" and touch.channel not in self.rules[touch.day].tasks

    def stopped(self, candidate: Candidate, person: Person) -> tuple[Outcome, Reason] | None:
        """What stops a contact for good, whatever the day."""
        terms = candidate.terms
        if terms.statutory:
            return None
        if person.do_not_contact:
            return "drop", reason("care.do_not_contact")
        if terms.purpose == "service":
            return None
        if person.closed is not None:
            return "drop", reason("care.closed", day=person.closed)
        if terms.purpose in person.suppressed:
            return "drop", reason("care.complaint.open", purpose=terms.purpose)
        holdout = self.rules[candidate.day].holdout
        if holdout is not None and candidate.category not in holdout.exempt and holdout.holds(person.customer_id, person.profile):
            return "withhold", reason("care.holdout", salt=holdout.salt)
        return None

    def _find_day(self, candidate: Candidate, person: Person, channel: str) -> None:
        """The first day that will do, from the planned one to the last on which the contact makes sense."""
        day, asked_at = candidate.day, candidate.asked_at
        if asked_at is not None:  # of the customer's clock it may be a later day already
            day = max(day, min(asked_at.astimezone(person.zone).date(), candidate.last_day or self.end, self.end))
        at = _not_before(asked_at, at_time(day, self.rules[day].sent_at(channel).minutes, person.zone))
        found = self.slot(candidate, person, channel, at, day)
        if not isinstance(found, Why):
            self._go_out(candidate, channel, day, found)
            return
        later = self._later(candidate, person, channel, day, found)
        until = later[0] if isinstance(later, tuple) else later
        outcome: Outcome = "defer" if until is not None else "drop"
        self.placed.append(Placed(candidate, candidate.day, outcome, channel, None, until, (found.reason,)))
        if isinstance(later, tuple):
            self._go_out(candidate, channel, *later)

    def _later(self, candidate: Candidate, person: Person, channel: str, day: date, first: Why) -> tuple[date, datetime] | date | None:
        """The next day that will do and its instant; the day after the plan where none of it does; None: it makes no sense any more."""
        last, why, resumes = min(candidate.last_day or self.end, self.end), first, first.resumes
        while not why.final and day < last:
            day += ONE_DAY
            minute = resumes if resumes is not None else self.rules[day].sent_at(channel).minutes
            found = self.slot(candidate, person, channel, _not_before(candidate.asked_at, at_time(day, minute, person.zone)), day)
            if not isinstance(found, Why):
                return day, found
            why, resumes = found, found.resumes if found.resumes is not None else resumes
        beyond = candidate.last_day is None or candidate.last_day > self.end
        return last + ONE_DAY if beyond and not why.final else None

    def again(self, candidate: Candidate, person: Person, channel: str, at: datetime, day: date) -> Placed:
        """What becomes of it if it is to go out at an instant: it goes, is put off to a later instant or day, or is dropped."""
        found = self.slot(candidate, person, channel, at, day)
        if not isinstance(found, Why) and found == at:
            self._go_out(candidate, channel, day, at)
            return self.placed[-1]
        if not isinstance(found, Why) and found > at:
            return Placed(candidate, day, "defer", channel, found, day, (self._why_later(channel, at, person.zone, day),))
        why = found if isinstance(found, Why) else Why(self._why_later(channel, at, person.zone, day))  # before now is too late
        later = self._later(candidate, person, channel, day, why)
        until = later[0] if isinstance(later, tuple) else later
        return Placed(candidate, day, "defer" if until is not None else "drop", channel, None, until, (why.reason,))

    def _why_later(self, channel: str, at: datetime, zone: ZoneInfo, day: date) -> Reason:
        window = self._asleep(channel, at, zone, day)
        return self._too_soon(day) if window is None else _quiet(channel, window)

    def _go_out(self, candidate: Candidate, channel: str, day: date, at: datetime) -> None:
        task = self._is_task(candidate, channel, day)
        told = reason("care.planned.task" if task else "care.planned.send", channel=channel, category=candidate.category)
        reasons = (told, *self._unsure(channel, day))
        self.placed.append(Placed(candidate, day, "task" if task else "send", channel, at, None, reasons))
        self.made.append(_touch(candidate, channel, day, at))
        if candidate.terms.purpose == "greeting" and not task:
            self._greeted.add(day)

    def _unsure(self, channel: str, day: date) -> Iterator[Reason]:
        """What is said beside of a day of which nobody knows yet whether it is worked: it looks like one."""
        if channel in self.rules[day].working_days_only and self.working is not None and self.working.is_working(day) is None:
            yield reason("care.working_day.unknown", channel=channel, day=day)

    def _note(self, candidate: Candidate, outcome: Outcome, reasons: tuple[Reason, ...]) -> None:
        self.placed.append(Placed(candidate, candidate.day, outcome, "", None, None, reasons))

    # -- one day ---------------------------------------------------------------------------------------------------

    def slot(self, candidate: Candidate, person: Person, channel: str, at: datetime, day: date) -> datetime | Why:
        """The instant from ``at`` on at which a contact may go out on a day, or why it may not."""
        if candidate.terms.statutory:
            return at
        closed = next(self._closed(candidate, channel, day), None)
        if closed is not None:
            return closed
        awake = waking(self.rules[day], channel, person.zone, at, day)
        if isinstance(awake, Why):
            return awake
        touch = _touch(candidate, channel, day)
        full = next((cap for cap in self._caps(touch) if not cap.has_room(touch, self.made)), None)
        if full is not None:
            told = {"channel": channel, "category": candidate.category, "tag": full.tag or ""}
            return Why(reason(full.code, at_most=full.at_most, per=str(full.per), **told))
        return self._apart(candidate, channel, awake, person.zone, day)

    def _closed(self, candidate: Candidate, channel: str, day: date) -> Iterator[Why]:
        """What closes a whole day."""
        plan, purpose = self.rules[day], candidate.terms.purpose
        for blackout in plan.blackout:
            if purpose in blackout.purposes and blackout.holds(day, self.working):
                yield Why(reason("care.blackout", name=blackout.name or "", day=day), final=blackout.then == "drop")
        if channel in plan.working_days_only and self.working is not None:
            works = self.working.is_working(day)
            if works is False or (works is None and not self.working.likely(day)):
                yield Why(reason("care.working_day" if works is False else "care.working_day.unknown", channel=channel, day=day))
        if plan.greeting_day == "no_marketing" and purpose == "marketing" and (day in self._greeted or self._was_greeted(day)):
            yield Why(reason("care.taboo.greeted_today", day=day))

    def _was_greeted(self, day: date) -> bool:
        return any(touch.day == day and self._was_greeting(touch) for touch in self.made)

    def _caps(self, touch: Touch) -> list[ContactCap]:
        """The caps that a contact obeys: all of them, or those that name the most."""
        plan = self.rules[touch.day]
        caps = [cap for cap in plan.caps if cap.obeyed(touch)]
        if plan.combine == "all" or not caps:
            return caps
        most = max(cap.named for cap in caps)
        return [cap for cap in caps if cap.named == most]

    def _apart(self, candidate: Candidate, channel: str, at: datetime, zone: ZoneInfo, day: date) -> datetime | Why:
        """The first instant from ``at`` that keeps the minimum gap to everything that goes out; what is of service neither keeps nor asks it."""
        gap = self.rules[day].minimum_gap
        if gap is None or candidate.terms.purpose == "service":
            return at
        for other in sorted(each.at for each in self.made if each.at is not None and each.purpose != "service"):
            if abs(other - at) < gap.delta:
                at = other + gap.delta
        late = self._asleep(channel, at, zone, day) is not None or at.astimezone(zone).date() != day
        return Why(self._too_soon(day)) if late else at

    def _too_soon(self, day: date) -> Reason:
        return reason("care.minimum_gap", gap=str(self.rules[day].minimum_gap))

    def _asleep(self, channel: str, at: datetime, zone: ZoneInfo, day: date) -> QuietHours | None:
        minute = local_minute(at, zone)
        return next((window for window in self.rules[day].quiet(channel) if window.holds(minute)), None)


def _not_before(asked_at: datetime | None, at: datetime) -> datetime:
    return at if asked_at is None or asked_at <= at else asked_at


def _touch(candidate: Candidate, channel: str, day: date, at: datetime | None = None) -> Touch:
    terms = candidate.terms
    return Touch(day, channel, candidate.category, terms.purpose, terms.tags, terms.obeys, terms.counted, at, candidate.trigger)


def _quiet(channel: str, window: QuietHours) -> Reason:
    return reason("care.quiet_hours", channel=channel, start=str(window.from_), end=str(window.to))


def channel_of(plan: ContactPlan, candidate: Candidate, person: Person) -> str | None:
    """The channel: the first of those that may be taken to which there is consent."""
    return next((channel for channel in channels_of(plan, candidate, person) if consented(candidate, channel, person)), None)


def channels_of(plan: ContactPlan, candidate: Candidate, person: Person) -> list[str]:
    """What the table gives, then what the customer prefers, then the trigger's order."""
    channels = candidate.terms.channels
    if person.chosen is None and plan.preference is None:
        return [*channels] or [""]
    wanted = [person.chosen, person.profile.get(plan.preference) if plan.preference is not None else None]
    order = [channel for channel in wanted if channel is not None and (not channels or channel in channels or channel == person.chosen)]
    return [*dict.fromkeys([*(str(channel) for channel in order), *channels])] or [""]


def consented(candidate: Candidate, channel: str, person: Person) -> bool:
    """Service needs no consent; greeting and marketing need the customer's to that channel."""
    terms = candidate.terms
    return terms.purpose == "service" or terms.statutory or allows(person.consent.get(channel), terms.purpose)


def unconsented(candidate: Candidate, channels: Sequence[str], person: Person) -> Reason:
    """Why there is no consent to any of some channels: withdrawn last on which day, or never given."""
    purpose = candidate.terms.purpose
    days = {channel: consent.withdrawn for channel in channels if (consent := person.consents.get(channel, {}).get(purpose)) is not None}
    withdrawn = [(day, channel) for channel, day in days.items() if day is not None]
    if not withdrawn:
        return reason("care.consent.none", purpose=purpose, channels=", ".join(channels))
    day, channel = max(withdrawn)
    return reason("care.consent.withdrawn", purpose=purpose, channel=channel, day=day)


def waking(plan: ContactPlan, channel: str, zone: ZoneInfo, at: datetime, day: date) -> datetime | Why:
    """The instant outside quiet hours at which a contact of a day goes out, or why that day will not do."""
    seen: list[QuietHours] = []  # windows may follow one another, and push back into one another
    while (window := next((each for each in plan.quiet(channel) if each.holds(local_minute(at, zone))), None)) is not None:
        moved = _moved(window, at, zone, day) if window not in seen else None
        if window.then == "drop" or moved is None:
            return Why(_quiet(channel, window), window.then == "drop", _first_free(plan, channel, [window, *seen]))
        seen.append(window)
        at = moved
    return at


def _first_free(plan: ContactPlan, channel: str, windows: Sequence[QuietHours]) -> int | None:
    """The minute of a day at which one of some windows has ended and no other holds."""
    ends = [window.to.minutes for window in windows]
    return next((minute for minute in ends if not any(each.holds(minute) for each in plan.quiet(channel))), None)


def _moved(window: QuietHours, at: datetime, zone: ZoneInfo, day: date) -> datetime | None:
    """The instant before or after a quiet window, on the same day; None: there is none on that day."""
    evening = local_minute(at, zone) >= window.from_.minutes
    if window.then == "advance" and evening and window.from_.minutes > 0:
        return at_time(day, window.from_.minutes, zone) - timedelta(minutes=1)
    if evening and window.from_.minutes > window.to.minutes:
        return None
    return at_time(day, window.to.minutes, zone)
