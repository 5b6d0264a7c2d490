"""Passing time: a local day opens, an instant is reached."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Literal, Self

from pydantic import model_validator

from custrules.event_fields import Id
from custrules.events.base import Event, like
from custrules.fields import MAX_YEAR, MIN_YEAR, Day, Instant, instant_text

_UNSET = datetime(2000, 1, 1, tzinfo=UTC)  # passing time has no instant of its own before its program's zone is known


class NewDay(Event):
    """A local day opens. Its id is ``day:`` and the day; hosts call ``advance``, or send one to have a day asked."""

    type: Literal["new_day"] = "new_day"
    id: Id = ""
    occurred_at: Instant = _UNSET
    day: Day

    @model_validator(mode="after")
    def _named_after_its_day(self) -> Self:
        object.__setattr__(self, "id", f"day:{self.day.isoformat()}")
        if "occurred_at" not in self.model_fields_set:
            object.__setattr__(self, "occurred_at", datetime.combine(self.day, time(), UTC))
        return self


class Tick(Event):
    """An instant is reached. Its id is ``at:`` and the instant."""

    type: Literal["tick"] = "tick"
    id: Id = ""
    occurred_at: Instant = _UNSET
    at: Instant

    @model_validator(mode="after")
    def _named_after_its_instant(self) -> Self:
        object.__setattr__(self, "id", f"at:{instant_text(self.at)}")
        object.__setattr__(self, "occurred_at", self.at)
        return self


_A_DAY = NewDay(customer_id="-", day=date(2000, 1, 1))
_AN_INSTANT = Tick(customer_id="-", at=_UNSET)


def new_day(customer_id: str, day: date) -> NewDay:
    """``NewDay(customer_id=..., day=...)`` out of values that are known to be good."""
    if not MIN_YEAR <= day.year <= MAX_YEAR:
        return NewDay(customer_id=customer_id, day=day)  # which says what is wrong
    occurred_at = datetime.combine(day, time(), UTC)
    values = {"customer_id": customer_id, "day": day, "id": f"day:{day.isoformat()}", "occurred_at": occurred_at}
    return like(_A_DAY, values, {"customer_id", "day"})


def tick(customer_id: str, at: datetime) -> Tick:
    """``Tick(customer_id=..., at=...)`` out of values that are known to be good: an instant in UTC."""
    if not MIN_YEAR <= at.year <= MAX_YEAR:
        return Tick(customer_id=customer_id, at=at)  # which says what is wrong
    values = {"customer_id": customer_id, "at": at, "id": f"at:{instant_text(at)}", "occurred_at": at}
    return like(_AN_INSTANT, values, {"customer_id", "at"})
