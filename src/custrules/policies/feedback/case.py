"""One complaint as its status tells it: what it is about, its clocks, and what has been done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from custrules.calendars import ONE_DAY, start_of_day
from custrules.calendars.clocks import Clock
from custrules.complaints import OVER
from custrules.event_fields import Scalar
from custrules.fields import Frozen, instant_text, read_instant
from custrules.policy import Status, View
from custrules.state_parts import StatusValue

UNKNOWN = "unknown"
WITHIN, BY, AT, RULE = "_within", "_by", "_at", "_regulation"
RESERVED = (
    "category", "severity", "channel", "received_at", "started_at", "reopened", "extended", "customer_agrees", "cause", "credit", "points",
    "told", "escalated_to", "open", "suppresses",
)  # fmt: skip
"""Fields of a complaint that routes and clocks cannot be called by."""


@dataclass(frozen=True, slots=True)
class Case:
    """A complaint: its id, the stage it is in and since when, and its fields.

    Of a clock ``resolve`` these are ``resolve_within`` (how long it runs), ``resolve_by`` (a day, which is the last, or an instant before
    which it has to be done; ``unknown`` beyond what is known of working days), ``resolve`` (``met`` or ``missed``) and ``resolve_at``
    (when it was stopped).
    """

    id: str
    stage: str
    since: date
    until: date | None
    data: Mapping[str, Scalar]

    @classmethod
    def of(cls, subject: str, held: StatusValue) -> Case:
        return cls(subject, str(held.value), held.since, held.until, held.data)

    def status(self, name: str) -> Status:
        return Status(name, self.stage, self.since, self.until, self.id, Frozen(dict(self.data)))

    def said(self, **data: Scalar | None) -> Case:
        """The same with these fields; None takes one away."""
        return replace(self, data={name: value for name, value in {**self.data, **data}.items() if value is not None})

    def moved(self, stage: str, day: date) -> Case:
        return self if stage == self.stage else replace(self, stage=stage, since=day, until=None)

    @property
    def over(self) -> bool:
        return self.stage in OVER

    @property
    def started_at(self) -> datetime | None:
        """When its clocks began; None for one that came before there were any."""
        found = self.data.get("started_at")
        return read_instant(found) if found is not None else None

    @property
    def rounds(self) -> int:
        """How often it was opened again."""
        return int(self.data.get("reopened", 0))

    @property
    def key(self) -> str:
        """The cycle of what is asked for it, until it is opened again."""
        return f"{self.id}:{self.rounds}" if self.rounds else self.id

    @property
    def told(self) -> tuple[str, ...]:
        """The steps of the ladder that have been told."""
        found = self.data.get("told")
        return tuple(str(found).split(", ")) if found is not None else ()

    # -- clocks ----------------------------------------------------------------------------------------------------

    def clocks(self) -> Iterator[str]:
        return (name.removesuffix(WITHIN) for name in self.data if name.endswith(WITHIN))

    def running(self) -> Iterator[str]:
        """Clocks that have not been stopped."""
        return (name for name in self.clocks() if f"{name}{AT}" not in self.data)

    def clock(self, name: str) -> Clock:
        return Clock.parse(str(self.data[f"{name}{WITHIN}"]))

    def end(self, name: str, view: View) -> datetime | None:
        """The instant before which a clock wants it done; None where that is not known (yet)."""
        by = str(self.data.get(f"{name}{BY}", UNKNOWN))
        if by != UNKNOWN:
            return end_of(by, view.zone)
        start = self.started_at
        return self.clock(name).ends(start, view.zone, view.working) if start is not None else None

    def missed(self, name: str) -> bool:
        return self.data.get(name) == "missed"


def by_text(clock: Clock, start: datetime, view: View) -> str:
    """The end of a clock as it is kept and told: a last day where it ends with one, else an instant."""
    end = clock.ends(start, view.zone, view.working)
    if end is None:
        return UNKNOWN
    last = clock.last_day(start, view.zone, view.working)
    by_days = clock.exact is None and last is not None and end == start_of_day(last + ONE_DAY, view.zone)
    return last.isoformat() if by_days and last is not None else instant_text(end)


def end_of(by: str, zone: ZoneInfo) -> datetime:
    """The instant before which something has to be done that is due by a day or an instant."""
    return start_of_day(date.fromisoformat(by) + ONE_DAY, zone) if len(by) == 10 else read_instant(by)


def cases(view: View, name: str) -> dict[str, Case]:
    """Every complaint that the state knows, by id."""
    rows = ((subject, held) for (status, subject), held in view.state.statuses.items() if status == name and subject)
    return {subject: Case.of(subject, held) for subject, held in rows if held.value is not None}
