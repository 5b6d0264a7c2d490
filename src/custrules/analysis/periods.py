"""Calendar periods by which figures are told: their first days and their names (2026-03, 2026-Q1, 2026-H1, 2026)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

from custrules.calendars import ONE_DAY, add_months

Per = Literal["month", "quarter", "half", "year"]
PERIODS: dict[str, int] = {"month": 1, "quarter": 3, "half": 6, "year": 12}


def first_of(day: date, per: str) -> date:
    """The first day of the period in which a day lies."""
    months = PERIODS[per]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def last_of(first: date, per: str) -> date:
    return add_months(first, PERIODS[per]) - ONE_DAY


def name_of(first: date, per: str) -> str:
    """What a period is called, by its first day."""
    if per == "month":
        return first.isoformat()[:7]
    part = (first.month - 1) // PERIODS[per] + 1
    return f"{first.year:04}" if per == "year" else f"{first.year:04}-{'Q' if per == 'quarter' else 'H'}{part}"


def between(first: date, last: date, per: str) -> Iterator[date]:
    """The first days of the periods from one day's to another's."""
    start = first_of(first, per)
    while start <= last:
        yield start
        start = add_months(start, PERIODS[per])
