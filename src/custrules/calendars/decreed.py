"""Working days that are decreed: of mainland China out of our own table, of other countries through the package ``holidays``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any, Protocol

from custrules.errors import MissingExtra

EXTRA = "holidays"
TABLE = "tables/working_cn.toml"


class Decreed(Protocol):
    """The working days of a country as far as they are known."""

    @property
    def first(self) -> date:
        """The first day that is known."""

    @property
    def last(self) -> date:
        """The last day that is known."""

    def works(self, day: date) -> bool:
        """Whether a known day is worked."""


@dataclass(frozen=True, slots=True)
class Table:
    """Monday to Friday, but for the days off and the days worked in their place."""

    first: date
    last: date
    off: frozenset[date]
    worked: frozenset[date]

    def works(self, day: date) -> bool:
        return day not in self.off if day.weekday() < 5 else day in self.worked


@dataclass(frozen=True, slots=True)
class Packaged:
    """What the package ``holidays`` says of a country, or of a part of one."""

    first: date
    last: date
    days: Any

    def works(self, day: date) -> bool:
        return bool(self.days.is_working_day(day))


@lru_cache(maxsize=64)
def country(code: str) -> Decreed | None:
    """The working days of a country (``CN``, ``US``) or of a part of one (``DE-BY``); None where there is none of that code.

    MissingExtra for another country than China where the package ``holidays`` is not installed.
    """
    return _china() if code == "CN" else _packaged(*code.partition("-")[::2])


def _china() -> Table:
    data = tomllib.loads(files(__package__).joinpath(TABLE).read_text("utf-8"))
    years = {int(year): rows for year, rows in data.items() if year.isdigit()}
    off, worked = (
        frozenset(date.fromisoformat(f"{year}-{text}") for year, rows in years.items() for text in rows[name]) for name in ("off", "worked")
    )
    return Table(date.fromisoformat(data["first"]), date.fromisoformat(data["last"]), off, worked)


def _packaged(code: str, part: str) -> Packaged | None:
    try:
        import holidays  # noqa: PLC0415 - the one door of an optional package
    except ImportError:
        raise MissingExtra(f"the working days of {code}", EXTRA) from None
    try:
        found = holidays.country_holidays(code, subdiv=part or None)
    except NotImplementedError:
        return None
    return Packaged(date(type(found).start_year, 1, 1), date(type(found).end_year, 12, 31), found)
