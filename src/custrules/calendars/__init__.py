"""Local days, spans and windows. The only place that uses python-dateutil and zoneinfo."""

from custrules.calendars.days import (
    ONE_DAY,
    MissingZoneData,
    add_months,
    anniversary,
    at_time,
    end_of_day,
    known_zone,
    local_day,
    start_of_day,
)
from custrules.calendars.spans import DayOfYear, Duration, Length, Span, Stretch
from custrules.calendars.windows import Window, calendar_period

__all__ = [
    "ONE_DAY",
    "DayOfYear",
    "Duration",
    "Length",
    "MissingZoneData",
    "Span",
    "Stretch",
    "Window",
    "add_months",
    "anniversary",
    "at_time",
    "calendar_period",
    "end_of_day",
    "known_zone",
    "local_day",
    "start_of_day",
]
