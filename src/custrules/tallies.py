"""What is counted by local day: running totals, the latest value of a kind, and what single events were worth.

A tally keeps a row a day for as long as some measure may look back; older rows become one base. ``held_from`` is the
first day it was kept (None: from the start), ``cut`` the last day whose row is gone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import date
from itertools import accumulate
from operator import lt, sub
from typing import Any

from custrules.ledger import text, whole

LAST_DAY = date.max.toordinal()


class Tally:
    """Running totals by day: ``total(day)`` is everything counted up to the end of that day."""

    __slots__ = ("base", "cut", "days", "held_from", "owner", "totals")
    base: int
    held_from: int | None
    owner: object

    def __init__(self, owner: object, held_from: int | None = None) -> None:
        self.owner, self.held_from = owner, held_from
        self.cut: int | None = None
        self.base = 0
        self.days: list[int] = []
        self.totals: list[int] = []

    def copy(self, owner: object) -> Tally:
        twin = Tally(owner, self.held_from)
        twin.cut, twin.base, twin.days, twin.totals = self.cut, self.base, list(self.days), list(self.totals)
        return twin

    def add(self, day: date, quantity: int) -> None:
        """Count a quantity (negative: correct one) on a day; a day that comes to nothing leaves no row."""
        number = day.toordinal()
        if not quantity or (self.held_from is not None and number < self.held_from):
            return
        self.count(number, quantity)

    def count(self, number: int, quantity: int) -> None:
        """Count a quantity on a day that is given by its number, however far back it is known."""
        if self.cut is not None and number <= self.cut:
            self.base += quantity
            self.totals = [total + quantity for total in self.totals]
            return
        place = bisect_left(self.days, number)
        if place == len(self.days) or self.days[place] != number:
            self.days.insert(place, number)
            self.totals.insert(place, self._before(place))
        for later in range(place, len(self.totals)):
            self.totals[later] += quantity
        if self.totals[place] == self._before(place):
            del self.days[place], self.totals[place]

    def _before(self, place: int) -> int:
        return self.totals[place - 1] if place else self.base

    def total(self, day: date) -> int:
        return self._before(bisect_right(self.days, day.toordinal()))

    def between(self, after: date | None, upto: date) -> int | None:
        """What was counted on the days after the first up to the second; None where the tally does not reach back."""
        if not self.reaches(after, upto):
            return None
        return self.total(upto) - (self.total(after) if after is not None else 0)

    def each(self, after: date | None, upto: date) -> list[tuple[date, int]]:
        """The days within bounds on which something was counted, and what."""
        first = bisect_right(self.days, after.toordinal()) if after is not None else 0
        places = range(first, bisect_right(self.days, upto.toordinal()))
        return [(date.fromordinal(self.days[place]), self.totals[place] - self._before(place)) for place in places]

    def reaches(self, after: date | None, upto: date | None = None) -> bool:
        """Whether everything after a day is known, and how much there was up to another."""
        if upto is not None and self.cut is not None and upto.toordinal() < self.cut:
            return False
        if after is None:
            return self.held_from is None
        number = after.toordinal()
        return (self.cut is None or number >= self.cut) and (self.held_from is None or number >= self.held_from - 1)

    def keeps_all(self) -> bool:
        """Whether every row is still there, from the start."""
        return self.held_from is None and self.cut is None

    def first_after(self, after: date | None) -> date | None:
        place = bisect_right(self.days, after.toordinal()) if after is not None else 0
        return date.fromordinal(self.days[place]) if place < len(self.days) else None

    def last_upto(self, day: date) -> date | None:
        """The last day up to ``day`` on which something was counted."""
        place = bisect_right(self.days, day.toordinal())
        number = self.days[place - 1] if place else self.cut
        return date.fromordinal(number) if number is not None and number <= day.toordinal() else None

    def forget(self, upto: date) -> None:
        """Fold the rows up to a day into the base."""
        place = bisect_right(self.days, upto.toordinal())
        if place:
            self.cut, self.base = self.days[place - 1], self.totals[place - 1]
            del self.days[:place], self.totals[:place]

    def forgets(self, upto: date) -> bool:
        return bool(self.days) and self.days[0] <= upto.toordinal()

    def join(self, other: Tally) -> None:
        """Count what another tally counted too; both are known only as far back as the shorter one is."""
        cuts = [tally.cut for tally in (self, other) if tally.cut is not None]
        if cuts:
            self.forget(date.fromordinal(max(cuts)))
        held = [tally.held_from for tally in (self, other) if tally.held_from is not None]
        self.held_from = max(held, default=None)
        self.cut = max(cuts, default=None)
        self.base += other.base
        self.totals = [total + other.base for total in self.totals]
        for number, counted in other.counted():
            self.count(number, counted)

    def days_between(self, after: date, upto: date) -> list[date]:
        """The days after one up to another on which something was counted that still stands."""
        first, last = bisect_right(self.days, after.toordinal()), bisect_right(self.days, upto.toordinal())
        before = [self.totals[first - 1] if first else self.base, *self.totals[first:last]]
        return [date.fromordinal(day) for day, was, now in zip(self.days[first:last], before, self.totals[first:last], strict=False) if now > was]

    def counted(self) -> list[tuple[int, int]]:
        """The days that it keeps (as numbers of the calendar), each with what was counted on it."""
        return list(zip(self.days, map(sub, self.totals, (self.base, *self.totals)), strict=False))

    def to_data(self) -> dict[str, Any]:
        """``rows`` in one run: the first day's number and what was counted, then, of each later day, how long after and how much."""
        days, totals = self.days, self.totals
        rows = [0] * (2 * len(days))
        rows[::2] = map(sub, days, (0, *days))
        rows[1::2] = map(sub, totals, (self.base, *totals))
        extras = {"base": self.base, "cut": self.cut, "held_from": self.held_from}
        return {"rows": rows} | {name: value for name, value in extras.items() if value}

    @classmethod
    def from_data(cls, data: Mapping[str, Any], owner: object) -> Tally:
        tally = cls(owner, whole(data["held_from"]) if "held_from" in data else None)
        tally.cut = whole(data["cut"]) if "cut" in data else None
        tally.base = whole(data.get("base", 0))
        rows = data["rows"]
        if not isinstance(rows, list) or len(rows) % 2 or not {int}.issuperset(map(type, rows)):
            raise TypeError("the rows of a tally are pairs of whole numbers")
        gaps = rows[::2]
        if min(gaps[1:], default=1) <= 0:
            raise ValueError("the rows of a tally are in order of days")
        tally.days = list(accumulate(gaps))
        tally.totals = list(accumulate(rows[1::2], initial=tally.base))[1:]
        _check_days(tally.held_from, tally.cut, [*tally.days[:1], *tally.days[-1:]] if len(gaps) > 1 else tally.days)
        return tally


class Latest:
    """The latest value of each day, by instant; rows of (day, instant as text, value)."""

    __slots__ = ("cut", "held_from", "owner", "rows")
    held_from: int | None
    owner: object

    def __init__(self, owner: object, held_from: int | None = None) -> None:
        self.owner, self.held_from = owner, held_from
        self.cut: int | None = None
        self.rows: list[tuple[int, str, int]] = []

    def copy(self, owner: object) -> Latest:
        twin = Latest(owner, self.held_from)
        twin.cut, twin.rows = self.cut, list(self.rows)
        return twin

    def put(self, day: date, instant: str, value: int) -> None:
        number = day.toordinal()
        place = bisect_left(self.rows, (number,))
        if place < len(self.rows) and self.rows[place][0] == number:
            if self.rows[place][1] <= instant:
                self.rows[place] = (number, instant, value)
        elif self.cut is None or number > self.cut:
            self.rows.insert(place, (number, instant, value))

    def upto(self, day: date) -> tuple[date, int] | None:
        place = bisect_left(self.rows, (day.toordinal() + 1,))
        return (date.fromordinal(self.rows[place - 1][0]), self.rows[place - 1][2]) if place else None

    def first_after(self, after: date) -> date | None:
        place = bisect_left(self.rows, (after.toordinal() + 1,))
        return date.fromordinal(self.rows[place][0]) if place < len(self.rows) else None

    def reaches(self, after: date | None) -> bool:
        """Whether the value of every day after a day is known: from the start, or from one that was there by the first of them."""
        if self.held_from is None and self.cut is None:
            return True
        first = next((day for day, _, _ in self.rows if self.held_from is None or day >= self.held_from), None)
        return after is not None and first is not None and first <= after.toordinal() + 1

    def spans(self, after: date | None, upto: date) -> list[tuple[int, int]]:
        """The values that stood on the days after the first up to the second, and on how many of them; days before the first value have none."""
        start = after.toordinal() + 1 if after is not None else 1
        ends = [day for day, _, _ in self.rows[1:]] + [LAST_DAY + 1]
        found = [(value, min(end, upto.toordinal() + 1) - max(day, start)) for (day, _, value), end in zip(self.rows, ends, strict=False)]
        return [(value, days) for value, days in found if days > 0]

    def forget(self, upto: date) -> None:
        """Drop rows up to a day, but for the last of them, which is carried forward."""
        place = bisect_left(self.rows, (upto.toordinal() + 1,)) - 1
        if place > 0:
            self.cut = self.rows[place - 1][0]
            del self.rows[:place]

    def forgets(self, upto: date) -> bool:
        return len(self.rows) > 1 and self.rows[1][0] <= upto.toordinal()

    def join(self, other: Latest) -> None:
        """The later value of each day, of both."""
        held = [latest.held_from for latest in (self, other) if latest.held_from is not None]
        self.held_from = max(held, default=None)
        for number, instant, value in other.rows:
            self.put(date.fromordinal(number), instant, value)

    def to_data(self) -> dict[str, Any]:
        extras = {"cut": self.cut, "held_from": self.held_from}
        return {"latest": [list(row) for row in self.rows]} | {name: value for name, value in extras.items() if value}

    @classmethod
    def from_data(cls, data: Mapping[str, Any], owner: object) -> Latest:
        latest = cls(owner, whole(data["held_from"]) if "held_from" in data else None)
        latest.cut = whole(data["cut"]) if "cut" in data else None
        latest.rows = [(whole(day), text(instant), whole(value)) for day, instant, value in data["latest"]]
        _check_days(latest.held_from, latest.cut, [day for day, _, _ in latest.rows])
        return latest


class Values:
    """What each single event of a day was worth, smallest first; of days whose rows are gone only the most of all."""

    __slots__ = ("base", "cut", "days", "held_from", "owner", "values")
    base: int | None
    cut: int | None
    days: list[int]
    held_from: int | None
    owner: object
    values: list[tuple[int, ...]]

    def __init__(self, owner: object, held_from: int | None = None) -> None:
        self.owner, self.held_from = owner, held_from
        self.cut = self.base = None
        self.days, self.values = [], []

    def copy(self, owner: object) -> Values:
        twin = Values(owner, self.held_from)
        twin.cut, twin.base, twin.days, twin.values = self.cut, self.base, list(self.days), list(self.values)
        return twin

    def change(self, day: date, before: int | None, after: int | None) -> None:
        """Put one event's value in the place of another (None: there was none, or is none any more)."""
        number = day.toordinal()
        if before == after or (self.held_from is not None and number < self.held_from):
            return
        if self.cut is not None and number <= self.cut:
            self.base = max((value for value in (self.base, after) if value is not None), default=None)
            return
        place = bisect_left(self.days, number)
        if place == len(self.days) or self.days[place] != number:
            self.days.insert(place, number)
            self.values.insert(place, ())
        kept = list(self.values[place])
        if before in kept:
            kept.remove(before)
        self.values[place] = tuple(sorted([*kept, *([after] if after is not None else [])]))
        if not self.values[place]:
            del self.days[place], self.values[place]

    def most(self, after: date | None, upto: date) -> int | None:
        """The most that a single event was worth on the days after the first up to the second; None where there was none."""
        first = bisect_right(self.days, after.toordinal()) if after is not None else 0
        best = [row[-1] for row in self.values[first : bisect_right(self.days, upto.toordinal())]]
        return max([*best, *([self.base] if after is None and self.base is not None else [])], default=None)

    def reaches(self, after: date | None, upto: date) -> bool:
        if after is None:
            return self.held_from is None and (self.cut is None or upto.toordinal() >= self.cut)
        number = after.toordinal()
        return (self.cut is None or number >= self.cut) and (self.held_from is None or number >= self.held_from - 1)

    def first_after(self, after: date | None) -> date | None:
        place = bisect_right(self.days, after.toordinal()) if after is not None else 0
        return date.fromordinal(self.days[place]) if place < len(self.days) else None

    def forget(self, upto: date) -> None:
        """Drop rows up to a day, but for the most that was among them."""
        place = bisect_right(self.days, upto.toordinal())
        if place:
            self.cut, gone = self.days[place - 1], [row[-1] for row in self.values[:place]]
            self.base = max([*gone, *([self.base] if self.base is not None else [])])
            del self.days[:place], self.values[:place]

    def forgets(self, upto: date) -> bool:
        return bool(self.days) and self.days[0] <= upto.toordinal()

    def join(self, other: Values) -> None:
        """What single events of both were worth; both are known only as far back as the shorter one is."""
        cuts = [values.cut for values in (self, other) if values.cut is not None]
        for values in (self, other) if cuts else ():
            values.forget(date.fromordinal(max(cuts)))
        held = [values.held_from for values in (self, other) if values.held_from is not None]
        self.held_from, self.cut = max(held, default=None), max(cuts, default=None)
        self.base = max((value for value in (self.base, other.base) if value is not None), default=None)
        for number, row in zip(other.days, other.values, strict=True):
            for value in row:
                self.change(date.fromordinal(number), None, value)

    def to_data(self) -> dict[str, Any]:
        extras = {"base": self.base, "cut": self.cut, "held_from": self.held_from}
        rows = [[day, *values] for day, values in zip(self.days, self.values, strict=True)]
        return {"values": rows} | {name: value for name, value in extras.items() if value is not None}

    @classmethod
    def from_data(cls, data: Mapping[str, Any], owner: object) -> Values:
        values = cls(owner, whole(data["held_from"]) if "held_from" in data else None)
        values.cut = whole(data["cut"]) if "cut" in data else None
        values.base = whole(data["base"]) if "base" in data else None
        for day, first, *others in data["values"]:
            values.days.append(whole(day))
            values.values.append(tuple(sorted(map(whole, (first, *others)))))
        _check_days(values.held_from, values.cut, values.days)
        return values


def _check_days(held_from: int | None, cut: int | None, days: list[int]) -> None:
    """ValueError where the days of a tally are out of order, or none of the calendar's."""
    in_order = [cut, *days] if cut is not None else days
    if not all(map(lt, in_order, in_order[1:])):
        raise ValueError("the rows of a tally are in order of days")
    if not all(1 <= day <= LAST_DAY for day in (*in_order[:1], *in_order[-1:], held_from) if day is not None):
        raise ValueError("a day of a tally is none of the calendar's")
