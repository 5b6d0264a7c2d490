"""What a customer did: the tallies that are kept of it, by key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from custrules.tallies import Latest, Tally, Values

NUMBER_SCALE = 6  # decimals in which numbers (not money, not counts) are tallied

Rows = Tally | Latest | Values


class ActivityLog:
    """The tallies of one customer, by key."""

    __slots__ = ("_owner", "tallies")
    tallies: dict[str, Rows]

    def __init__(self, tallies: dict[str, Rows] | None = None) -> None:
        self.tallies = tallies if tallies is not None else {}
        self._owner = object()

    def fork(self) -> ActivityLog:
        return ActivityLog(dict(self.tallies))

    def open(self, key: str, latest: bool, held_from: date | None, each: bool = False) -> None:
        """Begin a tally that is not kept yet: of the latest values, of each single one, or of running totals."""
        if key not in self.tallies:
            number = held_from.toordinal() if held_from is not None else None
            self.tallies[key] = (Values if each else Latest if latest else Tally)(self._owner, number)

    def tally(self, key: str) -> Tally | None:
        tally = self.tallies.get(key)
        return tally if isinstance(tally, Tally) else None

    def latest(self, key: str) -> Latest | None:
        tally = self.tallies.get(key)
        return tally if isinstance(tally, Latest) else None

    def values(self, key: str) -> Values | None:
        tally = self.tallies.get(key)
        return tally if isinstance(tally, Values) else None

    def own(self, key: str) -> Rows:
        tally = self.tallies[key]
        if tally.owner is not self._owner:
            tally = self.tallies[key] = tally.copy(self._owner)
        return tally

    def add(self, key: str, day: date, quantity: int) -> None:
        tally = self.own(key)
        assert isinstance(tally, Tally)
        tally.add(day, quantity)

    def put(self, key: str, day: date, instant: str, value: int) -> None:
        latest = self.own(key)
        assert isinstance(latest, Latest)
        latest.put(day, instant, value)

    def change(self, key: str, day: date, before: int | None, after: int | None) -> None:
        values = self.own(key)
        assert isinstance(values, Values)
        values.change(day, before, after)

    def since(self, key: str, held_from: date | None) -> None:
        """Say from which day on a tally is known; None: from the beginning."""
        self.own(key).held_from = held_from.toordinal() if held_from is not None else None

    def join(self, other: ActivityLog) -> None:
        """Count what another customer did too."""
        for key, tally in other.tallies.items():
            if key not in self.tallies:
                self.tallies[key] = tally.copy(self._owner)
                continue
            own = self.own(key)
            if isinstance(own, Tally) and isinstance(tally, Tally):
                own.join(tally)
            if isinstance(own, Latest) and isinstance(tally, Latest):
                own.join(tally)
            if isinstance(own, Values) and isinstance(tally, Values):
                own.join(tally.copy(object()))

    def forget(self, key: str, upto: date) -> None:
        if key in self.tallies and self.tallies[key].forgets(upto):
            self.own(key).forget(upto)

    def to_data(self) -> dict[str, Any]:
        return {key: tally.to_data() for key, tally in self.tallies.items()}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> ActivityLog:
        log = cls()
        for key, row in data.items():
            kind: type[Tally] | type[Latest] | type[Values] = Latest if "latest" in row else Values if "values" in row else Tally
            log.tallies[str(key)] = kind.from_data(row, log._owner)
        return log
