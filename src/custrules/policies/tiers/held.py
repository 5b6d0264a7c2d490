"""A level as it is held, and how the status remembers it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from custrules.codec import canonical
from custrules.event_fields import Scalar
from custrules.state import StatusValue

Reached = Literal["base", "earned", "landed", "granted"]
NO_FLOOR = -1


@dataclass(frozen=True, slots=True)
class Held:
    """A level as it is held: how and when it was reached, its term, a floor given by hand, and the level held before it.

    The term is counted from ``anchor``, ``terms`` times. ``judged`` is the day as of which a return judges an earned level.
    ``prior`` is the level from which it rose: what a return that undoes the rise falls back to, while its own term runs.
    """

    rank: int
    since: date
    until: date | None
    reached: Reached
    anchor: date
    terms: int = 1
    judged: date | None = None
    floor: int = NO_FLOOR
    floor_until: date | None = None
    prior: Held | None = None

    def floor_on(self, day: date) -> int:
        """The rank below which the level does not fall on a day; NO_FLOOR where there is none."""
        return self.floor if self.floor_until is None or self.floor_until >= day else NO_FLOOR

    @property
    def judged_on(self) -> date:
        return self.judged or self.since

    def runs_on(self, day: date) -> bool:
        return self.until is None or self.until >= day

    def with_floor_of(self, other: Held) -> Held:
        return replace(self, floor=other.floor, floor_until=other.floor_until)

    def to_data(self, names: tuple[str, ...]) -> dict[str, Scalar]:
        """The flat data of the status: what name, since and until do not say already."""
        data: dict[str, Any] = {
            "reached": self.reached,
            "anchor": self.anchor.isoformat(),
            "terms": self.terms if self.terms > 1 else None,
            "judged": self.judged.isoformat() if self.judged else None,
            "floor": names[self.floor] if self.floor != NO_FLOOR else None,
            "floor_until": self.floor_until.isoformat() if self.floor_until else None,
            "prior": canonical(self.prior.to_row(names)).decode() if self.prior else None,
        }
        return {name: value for name, value in data.items() if value is not None}

    def to_row(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The whole of it, for a level that is not held any more."""
        until = self.until.isoformat() if self.until else None
        return {"level": names[self.rank], "since": self.since.isoformat(), "until": until, **self.to_data(names)}

    @classmethod
    def of(cls, known: StatusValue, names: tuple[str, ...]) -> Held:
        """The level that a status remembers; one that the ladder has no more counts as its first."""
        return cls._of(str(known.value), known.since, known.until, known.data, names)

    @classmethod
    def _of(cls, level: str, since: date, until: date | None, data: Mapping[str, Any], names: tuple[str, ...]) -> Held:
        prior = json.loads(data["prior"]) if "prior" in data else None
        return cls(
            _rank(level, names, 0),
            since,
            until,
            data["reached"],
            date.fromisoformat(data["anchor"]),
            int(data.get("terms", 1)),
            _day(data.get("judged")),
            _rank(data.get("floor"), names, NO_FLOOR),
            _day(data.get("floor_until")),
            cls._of(prior["level"], date.fromisoformat(prior["since"]), _day(prior["until"]), prior, names) if prior else None,
        )


def _rank(name: object, names: tuple[str, ...], otherwise: int) -> int:
    return names.index(str(name)) if name in names else otherwise


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
