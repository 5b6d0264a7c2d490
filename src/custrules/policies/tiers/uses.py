"""How often a benefit was used, as its status remembers it: a count for each stretch of days that an allowance is for.

A row is written with the stretch that was current when the benefit was used. What is used of an allowance are the rows that meet
its own stretch: so a birthday that is moved, or a level that is reached anew, opens no second allowance for days that had one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from custrules.event_fields import Scalar
from custrules.fields import Frozen
from custrules.policies.tiers.benefits import BenefitPeriod, Stretch
from custrules.state_parts import StatusValue

KEPT = timedelta(days=92)  # for which the counts of a stretch are kept after its end: events that come later still are refused
PER = "per"


@dataclass(frozen=True, slots=True)
class Uses:
    """Counts by stretch, the earliest first; of a rolling period each day is a stretch of its own."""

    per: BenefitPeriod
    rows: Mapping[Stretch, int]

    @classmethod
    def of(cls, known: StatusValue | None, per: BenefitPeriod) -> Uses:
        """What a status remembers; nothing where it counted over another kind of period."""
        data = known.data if known is not None else {}
        if data.get(PER) != str(per):
            return cls(per, {})
        return cls(per, {_stretch(key): int(count) for key, count in data.items() if key != PER})

    def during(self, stretch: Stretch) -> int:
        return sum(count for row, count in self.rows.items() if row.meets(stretch))

    def plus(self, stretch: Stretch, quantity: int) -> Uses:
        rows = {**self.rows, stretch: self.rows.get(stretch, 0) + quantity}
        return replace(self, rows=dict(sorted(rows.items(), key=lambda row: _order(row[0]))))

    def less(self, day: date, quantity: int) -> tuple[Uses, int]:
        """Without so many uses of a day; how many of them were still counted."""
        found = [row for row, count in self.rows.items() if row.holds(day) and count]
        if not found:
            return self, 0
        restored = min(quantity, self.rows[found[-1]])
        rows = {row: count - restored * (row == found[-1]) for row, count in self.rows.items()}
        return replace(self, rows={row: count for row, count in rows.items() if count}), restored

    def kept_on(self, settled: date) -> Uses:
        """Without the stretches that ended too long ago to be asked for."""
        first = oldest(settled)
        reach = self.per.length.before(first) if self.per.length is not None else first
        return replace(self, rows={row: count for row, count in self.rows.items() if row.last is None or row.last >= reach})

    def to_data(self) -> Mapping[str, Scalar]:
        return Frozen({PER: str(self.per), **{_key(row): count for row, count in self.rows.items()}})


def oldest(settled: date) -> date:
    """The first day of which a use may still be counted."""
    return settled - KEPT


def _order(row: Stretch) -> tuple[date, date]:
    return row.start, row.last or date.max


def _key(row: Stretch) -> str:
    return f"{row.start.isoformat()}/{row.last.isoformat() if row.last else ''}"


def _stretch(key: str) -> Stretch:
    start, _, last = key.partition("/")
    return Stretch(date.fromisoformat(start), date.fromisoformat(last) if last else None)
