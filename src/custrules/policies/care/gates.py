"""What stands between a contact that is asked for and the customer: quiet hours, caps, blackout days, the holdout. Fields and their arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from custrules.calendars import ONE_DAY, Length, calendar_period
from custrules.calendars.festivals import FESTIVALS, festivals_on
from custrules.calendars.spans import end_of_period, start_of_period
from custrules.calendars.working import TimeOfDay, WorkingTime
from custrules.contacting import PURPOSES, Purpose
from custrules.errors import Diagnostic
from custrules.fields import Day, Flag, Name, Rate, Text, TextValue, one_of, read_whole, wrong_type
from custrules.forms import within
from custrules.validation import nearest

_MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}
LONGEST_QUIET = 20 * 60  # minutes: there must be room to send anything at all


class Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class QuietHours(Part):
    """A window of the customer's clock in which nothing is sent, from its first minute up to its last: ``defer`` to its end, ``advance`` to
    just before it, or ``drop``."""

    from_: Annotated[TimeOfDay, Field(alias="from")]
    to: TimeOfDay
    then: Annotated[Literal["defer", "advance", "drop"], one_of("defer", "advance", "drop")] = "defer"

    @property
    def minutes(self) -> int:
        return (self.to.minutes - self.from_.minutes) % (24 * 60)

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day lies inside."""
        if self.from_.minutes < self.to.minutes:
            return self.from_.minutes <= minute < self.to.minutes
        return minute >= self.from_.minutes or minute < self.to.minutes

    def faults(self, path: str) -> Iterator[Diagnostic]:
        if not 0 < self.minutes <= LONGEST_QUIET:
            params = {"start": str(self.from_), "end": str(self.to), "most": str(LONGEST_QUIET // 60)}
            yield Diagnostic("document.quiet_hours", path, params)


class CapPeriod(TextValue):
    """``calendar day|week|month|quarter|half|year``, or a rolling length such as ``7 days``. Weeks begin on Monday."""

    __slots__ = ("length", "name", "text")
    grammar = "a calendar period such as calendar week, or a length such as 7 days"
    name: str
    length: Length | None
    text: str

    def __init__(self, text: str, name: str, length: Length | None = None) -> None:
        self.text, self.name, self.length = text, name, length

    @classmethod
    def parse(cls, text: str) -> Self:
        text = calendar_period(text)
        word = text.removeprefix("calendar ")
        if word != text and word in ("day", "week", *_MONTHS):
            return cls(text, word)
        try:
            length = Length.parse(text)
        except PydanticCustomError:
            raise wrong_type(cls.grammar, text) from None
        if not length.at_most_days:
            raise wrong_type(cls.grammar, text)
        return cls(str(length), "", length)

    def windows(self, day: date) -> Iterator[tuple[date, date]]:
        """First and last day of every window that holds a day."""
        if self.length is None:
            yield self._period(day)
            return
        last = day
        while self.length.before(last) < day:
            yield self.length.before(last) + ONE_DAY, last
            last += ONE_DAY

    def _period(self, day: date) -> tuple[date, date]:
        if self.name == "day":
            return day, day
        if self.name == "week":
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=6)
        return start_of_period(day, _MONTHS[self.name]), end_of_period(day, _MONTHS[self.name])

    @property
    def reach(self) -> int:
        """Days before a day that may lie in one window with it."""
        if self.length is not None:
            return self.length.at_most_days
        return {"day": 1, "week": 7}.get(self.name, 0) or _MONTHS[self.name] * 31


class Touch(NamedTuple):
    """A contact that was made, or is planned: what caps count."""

    day: date
    channel: str
    category: str
    purpose: str
    tags: tuple[str, ...] = ()
    obeys: bool = True
    counts: bool = True
    at: datetime | None = None
    trigger: str = ""


_at_least_nothing = within(read_whole, "a whole number of contacts, 0 or more", lambda number: number >= 0)


class ContactCap(Part):
    """At most so many contacts in a period: over all of them, or over those of the channel, category, purpose or tag that is named.

    Contacts of service neither obey a cap nor count towards it, nor do the categories that are ``exempt``; with ``counts_exempt`` those
    categories count all the same. A trigger may say of itself that it does not obey caps (``obeys_caps``) or does not count.
    """

    at_most: Annotated[int, BeforeValidator(_at_least_nothing)]
    per: CapPeriod
    channel: Name | None = None
    category: Name | None = None
    purpose: Annotated[Purpose | None, one_of(*PURPOSES)] = None
    tag: Name | None = None
    exempt: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    counts_exempt: Flag = False

    @property
    def named(self) -> int:
        """How much it names: the more, the more specific it is."""
        return sum(part is not None for part in (self.channel, self.category, self.purpose, self.tag))

    @property
    def code(self) -> str:
        """The reason that it gives: by the channel where it names one that has a sentence of its own."""
        if self.channel is not None:
            return f"care.cap.{self.channel}" if self.channel in CHANNELS else "care.cap.channel"
        if self.category is not None:
            return "care.cap.category"
        if self.tag is not None:
            return "care.cap.tag"
        return "care.cap.purpose" if self.purpose is not None else "care.cap.total"

    def about(self, touch: Touch) -> bool:
        """Whether it names such contacts."""
        named = ((self.channel, touch.channel), (self.category, touch.category), (self.purpose, touch.purpose))
        return all(mine in (None, theirs) for mine, theirs in named) and (self.tag is None or self.tag in touch.tags)

    def obeyed(self, touch: Touch) -> bool:
        return self.about(touch) and touch.obeys and touch.purpose != "service" and touch.category not in self.exempt

    def counted(self, touch: Touch) -> bool:
        return self.about(touch) and touch.counts and touch.purpose != "service" and (self.counts_exempt or touch.category not in self.exempt)

    def has_room(self, touch: Touch, made: Iterable[Touch]) -> bool:
        """Whether one more contact leaves every window that holds its day within the cap."""
        days = [other.day for other in made if self.counted(other)]
        return all(sum(first <= day <= last for day in days) < self.at_most for first, last in self.per.windows(touch.day))


CHANNELS = ("phone", "sms", "wechat", "email", "app", "push", "post", "visit", "whatsapp", "line")
"""Channels whose caps have a reason code of their own."""


class Blackout(Part):
    """Days on which nothing of some purposes is sent: ``days``, ``festivals``, or all ``days_off`` of the working calendar."""

    name: Text | None = None
    days: Annotated[tuple[Day, ...], Field(max_length=1000)] = ()
    festivals: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    days_off: Flag = False
    purposes: Annotated[tuple[Annotated[Purpose, one_of(*PURPOSES)], ...], Field(min_length=1, max_length=3)] = ("greeting", "marketing")
    then: Annotated[Literal["defer", "drop"], one_of("defer", "drop")] = "defer"

    def holds(self, day: date, working: WorkingTime | None) -> bool:
        if day in self.days or (self.festivals and set(festivals_on(day)) & set(self.festivals)):
            return True
        return self.days_off and working is not None and working.is_working(day) is False

    def faults(self, path: str) -> Iterator[Diagnostic]:
        if not self.days and not self.festivals and not self.days_off:
            yield Diagnostic("document.missing_field", path, {"field": "days"})
        for place, name in enumerate(self.festivals):
            if name not in FESTIVALS:
                params = {"found": name, "choices": ", ".join(FESTIVALS), "nearest": nearest(name, FESTIVALS)}
                yield Diagnostic("document.unknown_choice", f"{path}.festivals[{place}]", params)


class Holdout(Part):
    """Customers who are left alone, so that the effect of care can be measured: a ``share`` of all, chosen by a hash of ``salt`` and the
    customer (or of a profile field ``by`` which those have in common who must not be told apart: a phone number, a household)."""

    share: Annotated[Rate, Field(gt=0, le=1)]
    salt: Text
    by: Name | None = None
    exempt: Annotated[tuple[Name, ...], Field(max_length=50)] = ()

    def holds(self, customer_id: str, profile: Mapping[str, Any]) -> bool:
        unit = profile.get(self.by) if self.by is not None else None
        text = f"{self.salt}|{customer_id if unit is None else unit}"
        place = int.from_bytes(sha256(text.encode()).digest()[:8], "big")
        return Fraction(place, 2**64) < self.share


def local_minute(at: datetime, zone: ZoneInfo) -> int:
    """The minute of the day that a clock shows."""
    local = at.astimezone(zone)
    return local.hour * 60 + local.minute
