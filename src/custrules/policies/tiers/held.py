"""A level as it is held, and how the status remembers it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, NamedTuple

from custrules.codec import canonical
from custrules.event_fields import Scalar
from custrules.state_parts import StatusValue

Reached = Literal["base", "earned", "landed", "granted"]
NOBODY = -1  # the rank of a customer who has no level
OPEN = "none"  # the last day of what has none, in data
RankOf = Callable[[str], int | None]


class Floor(NamedTuple):
    """A rank below which a level does not fall, until a last day (None: ever)."""

    rank: int
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.until is None or self.until >= day

    def covers(self, other: Floor) -> bool:
        """Whether there is nothing that the other gives beside this one."""
        return self.rank >= other.rank and (self.until is None or (other.until is not None and self.until >= other.until))


@dataclass(frozen=True, slots=True)
class Held:
    """A level as it is held: how and when it was reached, its term, floors under it, and the level held before it.

    The term is counted from ``anchor``, ``terms`` times. ``judged`` is the day as of which a return judges an earned level.
    ``prior`` is the level from which it rose: what a return that undoes the rise falls back to, while its own term runs.
    ``called`` is the level's name as it was written. ``risen_from`` is the day since which the level before it was held, where that
    is not the day of joining. ``uncut`` is the last day of the term (``none``: it has no end), where a notice has cut it.
    ``kept_on`` is the day as of which a review last kept it.
    """

    rank: int
    since: date
    until: date | None
    reached: Reached
    anchor: date
    terms: int = 1
    judged: date | None = None
    floors: tuple[Floor, ...] = ()
    prior: Held | None = None
    called: str = ""
    risen_from: date | None = None
    uncut: str | None = None
    kept_on: date | None = None

    def floor_on(self, day: date) -> int:
        """The rank below which the level does not fall on a day; NOBODY where there is none."""
        found = self.best_floor(day)
        return found.rank if found is not None else NOBODY

    def best_floor(self, day: date) -> Floor | None:
        """The highest floor on a day; of several, the one that holds longest."""
        standing = [floor for floor in self.floors if floor.holds_on(day)]
        return max(standing, key=lambda floor: (floor.rank, floor.until or date.max), default=None)

    @property
    def judged_on(self) -> date:
        return self.judged or self.since

    def runs_on(self, day: date) -> bool:
        return self.until is None or self.until >= day

    def with_floors_of(self, other: Held) -> Held:
        return replace(self, floors=other.floors)

    def with_floor(self, floor: Floor, day: date) -> Held:
        """With a further floor; those that are over, or that it covers, are let go."""
        others = [other for other in self.floors if other.holds_on(day) and not floor.covers(other)]
        return replace(self, floors=tuple(sorted([*others, floor], key=lambda each: each.rank)))

    def to_data(self, names: tuple[str, ...]) -> dict[str, Scalar]:
        """The flat data of the status: what name, since and until do not say already. The highest floor stands for itself."""
        *others, highest = self.floors or (None,)
        data: dict[str, Any] = {
            "reached": self.reached,
            "anchor": self.anchor.isoformat(),
            "terms": self.terms if self.terms > 1 else None,
            "judged": self.judged.isoformat() if self.judged else None,
            "floor": names[highest.rank] if highest else None,
            "floor_until": highest.until.isoformat() if highest and highest.until else None,
            "floors": canonical([_row(floor, names) for floor in others if floor]).decode() if others else None,
            "risen_from": self.risen_from.isoformat() if self.risen_from else None,
            "uncut": self.uncut,
            "kept_on": self.kept_on.isoformat() if self.kept_on else None,
            "prior": canonical(self.prior.to_row(names)).decode() if self.prior else None,
        }
        return {name: value for name, value in data.items() if value is not None}

    def to_row(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The whole of it, for a level that is not held any more."""
        until = self.until.isoformat() if self.until else None
        return {"level": names[self.rank], "since": self.since.isoformat(), "until": until, **self.to_data(names)}

    @classmethod
    def of(cls, known: StatusValue, rank_of: RankOf) -> Held:
        """The level that a status remembers; one that the ladder has no more counts as its first."""
        return cls._of(str(known.value), known.since, known.until, known.data, rank_of)

    @classmethod
    def _of(cls, level: str, since: date, until: date | None, data: Mapping[str, Any], rank_of: RankOf) -> Held:
        prior = json.loads(data["prior"]) if "prior" in data else None
        return cls(
            rank_of(level) or 0,
            since,
            until,
            data["reached"],
            date.fromisoformat(data["anchor"]),
            int(data.get("terms", 1)),
            _day(data.get("judged")),
            tuple(_floors(data, rank_of)),
            cls._of(prior["level"], date.fromisoformat(prior["since"]), _day(prior["until"]), prior, rank_of) if prior else None,
            level,
            _day(data.get("risen_from")),
            data.get("uncut"),
            _day(data.get("kept_on")),
        )


def _row(floor: Floor, names: tuple[str, ...]) -> list[str]:
    return [names[floor.rank], floor.until.isoformat() if floor.until else OPEN]


def _floors(data: Mapping[str, Any], rank_of: RankOf) -> Iterable[Floor]:
    rows = json.loads(data["floors"]) if "floors" in data else []
    rows += [[data["floor"], data.get("floor_until", OPEN)]] if "floor" in data else []
    for level, until in rows:
        rank = rank_of(level)
        if rank is not None:
            yield Floor(rank, _day(until if until != OPEN else None))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
