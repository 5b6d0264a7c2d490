"""Points that wither away little by little, and points that come back after they have expired."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules.calendars import ONE_DAY, Length, Window
from custrules.codec import canonical
from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.fields import Name, Rate, one_of, rate_text, read_rate
from custrules.ledger import Lot, LotPart
from custrules.money import Rounding, rounded
from custrules.policies.points.debt import Limit
from custrules.policies.points.expiry import Expiry
from custrules.policies.points.levels import read_share
from custrules.validation import nearest

LAPSED, DECAY = "lapsed", "decay"  # subjects of the status of an account's expiry
_PERIODS = ("day", "week", "month", "quarter", "half", "year")


class Decay(BaseModel):
    """A ``share`` of what can be spent, ``at_least`` so many points, goes as each period opens (weeks on Monday) ``when`` a condition holds.

    The running total of what is due is rounded, so that small balances wither too. What expires soonest goes first.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    share: Annotated[Rate, BeforeValidator(read_share)]
    per: Annotated[Literal["day", "week", "month", "quarter", "half", "year"], one_of(*_PERIODS)]
    at_least: Limit | None = None
    when: Condition | None = None
    rounding: Annotated[Rounding, one_of(*Rounding)] = Rounding.floor

    def opens(self, day: date) -> bool:
        """Whether a period begins on a day."""
        return self.next_opening(day - ONE_DAY) == day

    def next_opening(self, day: date) -> date:
        """The first day after a day on which a period begins."""
        if self.per == "day":
            return day + ONE_DAY
        return Window.parse(f"this calendar {self.per}").end(day) + ONE_DAY

    def taken(self, usable: int, carried: Fraction, scale: int) -> tuple[int, Fraction]:
        """How much of so much goes, in smallest units, and what is carried to the next period."""
        due = carried + self.share * usable
        whole = max(rounded(due, self.rounding), 0)
        least = rounded(Fraction(self.at_least or 0) * 10**scale, Rounding.ceil)
        if least > whole or whole >= usable:
            return min(max(least, whole), usable), Fraction(0)
        return whole, due - whole


class Reinstatement(BaseModel):
    """What expired ``within`` a length lives again when an ``event`` comes or ``when`` a condition comes true, up to the day ``last_day`` says.

    With both, when such an event comes while the condition holds. A lot lives again once.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    within: Length
    event: Name | None = None
    when: Condition | None = None
    last_day: Expiry

    def faults(self, events: Sequence[str]) -> Iterator[Diagnostic]:
        if self.event is None and self.when is None:
            yield Diagnostic("document.missing_field", "", {"field": "when"})
        if self.event is not None and (self.event not in events or self.event in ("new_day", "tick")):
            params = {"found": self.event, "known": ", ".join(sorted(events)), "nearest": nearest(self.event, events)}
            yield Diagnostic("document.unknown_event", "event", params)

    def first_day(self, day: date) -> date:
        """The first day of lapsing that is not too long ago on a day."""
        return self.within.before(day)


class Lapsed(NamedTuple):
    """A part of a lot that expired, and the day on which it did."""

    part: LotPart
    on: date

    def to_text(self) -> str:
        return canonical([*self.part.to_row(), self.on.isoformat()]).decode()

    @classmethod
    def of(cls, text: str) -> Lapsed:
        *lot, left, on = json.loads(text)
        return cls(LotPart(Lot.from_row(lot), int(left)), date.fromisoformat(on))


def remembered(data: Mapping[str, Any]) -> list[Lapsed]:
    """The lots that a status remembers, in the order in which they lapsed."""
    return [Lapsed.of(str(text)) for _, text in sorted(data.items())]


def to_remember(lapsed: Iterable[Lapsed]) -> dict[str, str]:
    return {f"lot{place:04}": row.to_text() for place, row in enumerate(lapsed)}


def carried_of(data: Mapping[str, Any]) -> Fraction:
    """What of the running total was rounded away so far; negative where too much was taken."""
    text = str(data.get("carried", "0"))
    carried = read_rate(text.removeprefix("-"))
    return -carried if text.startswith("-") else carried


def to_carry(carried: Fraction) -> dict[str, str]:
    return {"carried": rate_text(carried)} if carried else {}
