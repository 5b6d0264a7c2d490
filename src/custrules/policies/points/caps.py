"""Caps: the most that may be awarded per event, period or campaign, alone or together with other accruals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from custrules.calendars import ONE_DAY, Window, calendar_period
from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.fields import Name, TextValue, one_of, read_day, wrong_type
from custrules.policies.points.account import Account
from custrules.policies.points.rates import Rates, level_faults, level_of, named_at
from custrules.policy import Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.accrual import Accrual

Over = Literal["clip", "soft", "decline"]
NOT_PERIODS = ("qualifying year", "membership year", "since level")


class Dates(Window):
    """The days from a first to a last one, both inclusive; whoever asks on another day is outside."""

    __slots__ = ("first", "last")
    first: date
    last: date

    def __init__(self, first: date, last: date) -> None:
        super().__init__("this", f"{first}..{last}")
        self.first, self.last = first, last

    @classmethod
    def parse(cls, text: str) -> Self:
        first, dots, last = text.partition("..")
        days = cls(read_day(first), read_day(last)) if dots else None
        if days is None or days.first > days.last:
            raise wrong_type(Period.grammar, text)
        return days

    def bounds(self, day: date) -> tuple[date | None, date]:
        return self.first - ONE_DAY, day

    def end(self, day: date) -> date:
        return self.last

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def at_most_days(self) -> int:
        return (self.last - self.first).days + 1


class Period(TextValue):
    """What a cap runs over: ``event``, ``calendar day|week|month|quarter|half|year``, a rolling length such as ``30 days``,
    dates such as ``2026-06-01..2026-06-30`` (outside which the cap asks nothing), or ``campaign``: all that was ever awarded.

    ``day`` says the same as ``calendar day``, and ``lifetime`` the same as ``campaign``.
    """

    __slots__ = ("text", "window")
    grammar = "event, a calendar period such as calendar month, a length such as 30 days, dates such as 2026-06-01..2026-06-30, or campaign"
    text: str
    window: Window | None

    def __init__(self, text: str, window: Window | None) -> None:
        self.text, self.window = text, window

    @classmethod
    def parse(cls, text: str) -> Self:
        text = calendar_period(text)
        if text == "event":
            return cls(text, None)
        if ".." in text:
            return cls(text, Dates.parse(text))
        text = "campaign" if text == "lifetime" else text
        named = {"calendar day": "1 day", "campaign": "lifetime"}
        if text in NOT_PERIODS or text.startswith("last "):
            raise wrong_type(cls.grammar, text)
        try:
            return cls(text, Window.parse(named.get(text, f"this {text}" if text.startswith("calendar ") else text)))
        except PydanticCustomError:
            raise wrong_type(cls.grammar, text) from None

    def holds(self, day: date) -> bool:
        """Whether a cap over it asks anything on a day."""
        return not isinstance(self.window, Dates) or self.window.holds(day)


class Cap(BaseModel):
    """At most so many points per period, for everybody or by level (one that is not named has the next lower one's, below the
    first there is no cap); only ``when`` a condition holds. A ``group`` is shared: its awards are those of all accruals with a cap in it.

    ``over``: ``clip`` gives what is left, ``soft`` lets the last award overshoot, ``decline`` gives nothing of an award that does not fit.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    at_most: Rates
    per: Period
    over: Annotated[Over, one_of("clip", "soft", "decline")] = "clip"
    group: Name | None = None
    when: Condition | None = None

    def most(self, level: str | None, levels: tuple[str, ...]) -> Fraction | None:
        """The most that a level may be given; None: as much as it likes."""
        return named_at(self.at_most, level, levels)

    def told(self, account: Account, most: Fraction, lost: int) -> Reason:
        """What it took of an award, in words."""
        numbers = {"at_most": most, "per": str(self.per), "lost": account.shown(lost)}
        if self.group is not None:
            return reason("points.accrual.capped_together", group=self.group, **numbers)
        return reason("points.accrual.capped", **numbers)


class Room(NamedTuple):
    """A cap that applies to an award: its number, and what of it is left, in smallest units."""

    cap: Cap
    most: Fraction
    left: Fraction


def rooms(accrual: Accrual, view: View, account: Account) -> Iterator[Room]:
    """The caps of an accrual that apply to what happens now, in document order."""
    for cap in accrual.caps:
        most = cap.at_most if isinstance(cap.at_most, Fraction) else cap.most(level_of(view), view.levels)
        if most is None or not cap.per.holds(view.day) or (cap.when is not None and not view.test(cap.when)):
            continue
        done = view.awarded(accrual, cap.per.window, cap.group) if cap.per.window is not None or cap.group is not None else 0
        yield Room(cap, most, max(most * 10**account.scale - done, Fraction(0)))


def under(over: Over, wanted: Fraction, room: Fraction) -> Fraction:
    if wanted <= room:
        return wanted
    if over == "soft":
        return wanted if room > 0 else Fraction(0)
    return room if over == "clip" else Fraction(0)


def tallied_days(caps: Iterable[Cap]) -> int | None:
    """For how many days awards are tallied, so that caps know their room; None: not at all."""
    days = [cap.per.window.at_most_days or 0 for cap in caps if cap.per.window is not None]
    return max(days) if days else None


def groups(caps: tuple[Cap, ...]) -> dict[str, int]:
    """The groups that caps are in, each with the days for which its awards are tallied."""
    named = dict.fromkeys(cap.group for cap in caps if cap.group is not None)
    return {group: tallied_days(cap for cap in caps if cap.group == group) or 0 for group in named}


def faults_of(caps: tuple[Cap, ...], event: str, levels: tuple[str, ...]) -> Iterator[Diagnostic]:
    for place, cap in enumerate(caps):
        yield from level_faults(f"caps[{place}].at_most", cap.at_most, levels)
        if cap.group is not None and cap.per.window is None and event != "purchase":
            yield Diagnostic("document.not_with", f"caps[{place}].group", {"field": "group", "other": f"event: {event}, per: event"})
