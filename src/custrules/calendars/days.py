"""The one local day of a program: instants, days, and months counted from an anchor."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from custrules.errors import MissingExtra

ONE_DAY = timedelta(days=1)
MACHINE_NAMES = ("localtime", "posixrules")  # files beside the zones that mean another zone on each machine


class MissingZoneData(MissingExtra):
    """The machine has no time-zone data."""

    msg: str
    args: tuple[Any, ...]

    def __init__(self, name: str) -> None:
        super().__init__(name, "tzdata")
        self.msg = f"no time-zone data for {name!r} on this machine. Install it with: pip install tzdata"
        self.args = (self.msg,)

    def __reduce__(self) -> tuple[type[MissingZoneData], tuple[str]]:
        return type(self), (self.what,)


def known_zone(name: str) -> ZoneInfo | None:
    """The zone of that IANA name; None when there is no such name; MissingZoneData when the machine has none at all."""
    if name in MACHINE_NAMES:
        return None
    try:
        return ZoneInfo(name)
    except Exception:  # noqa: BLE001 - zoneinfo raises a different type for each way in which a name can be odd
        try:
            ZoneInfo("Etc/GMT")
        except Exception:  # noqa: BLE001 - as above
            raise MissingZoneData(name) from None
        return None


@lru_cache(maxsize=16384)
def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC. Where midnight does not exist the day begins when the clocks jump."""
    return _first_showing(datetime(day.year, day.month, day.day, tzinfo=zone), zone)


@lru_cache(maxsize=16384)
def at_time(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which a local day's clock shows so many minutes after midnight, or has jumped over that time.

    1440 minutes are the start of the next day.
    """
    if minutes >= 24 * 60:
        return start_of_day(day + ONE_DAY, zone)
    return _first_showing(datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=zone), zone)


def _first_showing(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clocks of a zone show a time; where they jump over it, when they do."""
    first = wall.astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return first
    return _end_of_gap(wall.replace(tzinfo=None), wall.replace(fold=1).astimezone(UTC), first, zone)


def _end_of_gap(wall: datetime, before: datetime, upto: datetime, zone: ZoneInfo) -> datetime:
    """The first whole second after ``before`` whose clock has come to ``wall``; clocks jump once up to ``upto``."""

    def shows(seconds: int) -> datetime:
        return (before + timedelta(seconds=seconds)).astimezone(zone).replace(tzinfo=None)

    offset = bisect_left(range(int((upto - before).total_seconds())), True, key=lambda seconds: shows(seconds) >= wall)
    return before + timedelta(seconds=offset)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The local day of an instant. Days follow one another even where clocks are turned back over midnight."""
    day = instant.astimezone(zone).date()
    return day + ONE_DAY if instant >= start_of_day(day + ONE_DAY, zone) else day


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last instant of a local day: one microsecond before the next begins."""
    return start_of_day(day + ONE_DAY, zone) - timedelta(microseconds=1)


@lru_cache(maxsize=16384)
def add_months(day: date, months: int) -> date:
    """``day`` plus (or minus) whole months, clamped at the end of the month."""
    return day + relativedelta(months=months)


def anniversary(born: date, year: int) -> date:
    """The day in ``year`` on which a solar date is kept; 29 February is kept on the 28th of other years."""
    return add_months(born, 12 * (year - born.year))
