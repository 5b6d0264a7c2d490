"""What the statuses of a ladder say of a customer, before a decision and after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from custrules.fields import Frozen
from custrules.policies.tiers.held import Held
from custrules.policies.tiers.judging import Case
from custrules.policy import Reason, Status
from custrules.state import State
from custrules.state_parts import StatusValue

WATCH, LEGACY, ROLLOVER = "watch", "legacy", "rollover"


class Watched(NamedTuple):
    """Reviews in a row that found a level too low (``below``), and the grace that they set (``watch``), until a last day."""

    value: str
    since: date
    until: date | None
    first: date
    reviews: int
    last: date

    def data(self) -> dict[str, Any]:
        return {"first": self.first.isoformat(), "reviews": self.reviews, "last": self.last.isoformat()}

    @classmethod
    def of(cls, known: StatusValue) -> Watched:
        data = known.data
        first, last = date.fromisoformat(str(data["first"])), date.fromisoformat(str(data["last"]))
        return cls(str(known.value), known.since, known.until, first, int(str(data["reviews"])), last)


class Protected(NamedTuple):
    """A level that a newer version would take: it is ``kept`` to the end of its term, or, on ``notice``, until a last day."""

    value: str
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Position:
    """The level held, how often in a row it was found too low, and whether it is held under an older version's terms."""

    held: Held | None
    watch: Watched | None = None
    legacy: Protected | None = None

    @classmethod
    def of(cls, case: Case) -> Position:
        return cls(case.held(), *beside(case.view.state, case.ladder.status))

    @property
    def running(self) -> tuple[str, ...]:
        """What stands beside the level."""
        return tuple(name for name, part in ((WATCH, self.watch), (LEGACY, self.legacy)) if part is not None)

    def settled(self, before: Position) -> Position:
        """A watch, and the protection of older terms, end with the level that they are about."""
        was, now = before.held, self.held
        if was is not None and (now is None or (now.rank, now.since) != (was.rank, was.since)):
            watch = self.watch if self.watch != before.watch else None
            return replace(self, watch=watch, legacy=self.legacy if self.legacy != before.legacy else None)
        return self

    def statuses(self, before: Position, case: Case) -> Iterator[Status]:
        """What has to be written."""
        name, day = case.ladder.status, case.view.day
        known = case.view.state.statuses.get((name, ""))
        told = Status(name, None, day)
        if self.held is not None:
            told = Status(name, case.names[self.held.rank], self.held.since, self.held.until, data=self.held.to_data(case.names))
        if known is None or (known.value, known.since, known.until, known.data) != (told.value, told.since, told.until, Frozen(told.data)):
            yield told
        if self.watch != before.watch:
            watch = self.watch
            yield (
                Status(f"{name}.{WATCH}", watch.value, watch.since, watch.until, data=watch.data()) if watch else Status(f"{name}.{WATCH}", None, day)
            )
        if self.legacy != before.legacy:
            legacy = self.legacy
            yield Status(f"{name}.{LEGACY}", *legacy) if legacy else Status(f"{name}.{LEGACY}", None, day)


def beside(state: State, status: str) -> tuple[Watched | None, Protected | None]:
    """What stands beside a level in a state: a watch, and the protection of older terms."""
    watch, legacy = (_written(state, f"{status}.{name}") for name in (WATCH, LEGACY))
    protected = Protected(str(legacy.value), legacy.since, legacy.until) if legacy is not None else None
    return Watched.of(watch) if watch is not None else None, protected


def _written(state: State, name: str) -> StatusValue | None:
    known = state.statuses.get((name, ""))
    return known if known is not None and known.value is not None else None


Change = tuple[Position, list[Reason]]
"""The position that a part of the rules leaves, and why; without reasons it is the one that it was given."""
