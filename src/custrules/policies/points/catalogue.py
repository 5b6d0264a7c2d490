"""Rewards at a price in points, and money beside it where that is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.fields import Day, Name, Title
from custrules.money import Money, Rounding, rounded
from custrules.policies.points.account import Account
from custrules.policies.points.levels import NumberByLevel, PositiveByLevel, at_level, level_faults, level_of, values_of
from custrules.policies.points.limits import Limit
from custrules.policies.points.worth import money_faults
from custrules.policy import Known, Reason, View, reason


class Reward(BaseModel):
    """What points are redeemed for: ``points`` for one, and ``money`` on top, which the host collects; each may differ by level.

    It is offered from its ``first_day`` to its ``last_day``, both included, to those for whom ``when`` holds.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: Title = ""
    points: PositiveByLevel
    money: NumberByLevel | None = None
    when: Condition | None = None
    first_day: Day | None = None
    last_day: Day | None = None
    limits: Annotated[tuple[Limit, ...], Field(max_length=20)] = ()

    def price(self, account: Account, view: View) -> int:
        """What one costs in smallest units of points, at the customer's level; 0: it is not for this level."""
        return rounded(at_level(self.points, level_of(view), view.levels) * 10**account.scale, Rounding.floor)

    def cash(self, quantity: Decimal, view: View) -> Money | None:
        """What is to be paid beside the points; None where that is nothing."""
        if self.money is None:
            return None
        minor = at_level(self.money, level_of(view), view.levels) * 10**view.scale * Fraction(quantity)
        return Money.from_minor(rounded(minor, Rounding.floor), view.currency) if minor else None

    def offered_on(self, day: date) -> bool:
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)

    def not_offered(self, day: date) -> Reason:
        if self.first_day is not None and day < self.first_day:
            return reason("points.redemption.not_yet_offered", reward=self.name, first_day=self.first_day)
        return reason("points.redemption.offered_no_more", reward=self.name, last_day=self.last_day)

    def faults(self, path: str, scale: int | None, known: Known) -> Iterator[Diagnostic]:
        for level, points in values_of(self.points):
            if scale is not None and (points * 10**scale) % 1:
                yield Diagnostic("document.too_fine", _at(f"{path}.points", level), {"found": str(points), "most": str(scale)})
        for level, money in values_of(self.money) if self.money is not None else ():
            yield from money_faults(_at(f"{path}.money", level), money, known.scale)
        for field in ("points", "money"):
            yield from level_faults(f"{path}.{field}", getattr(self, field), known)
        if self.first_day is not None and self.last_day is not None and self.last_day < self.first_day:
            yield Diagnostic("document.wrong_type", f"{path}.last_day", {"expected": f"a day from {self.first_day} on", "found": str(self.last_day)})
        for place, limit in enumerate(self.limits):
            yield from limit.faults(f"{path}.limits[{place}]", True, known)


@dataclass(frozen=True, slots=True)
class Offer:
    """What one reward is to a customer: its price in points and money, what is missing to it, and why it cannot be had (nothing: it can)."""

    reward: str
    points: int | Decimal
    money: Money | None
    missing: int | Decimal
    reasons: tuple[Reason, ...] = ()

    @property
    def affordable(self) -> bool:
        return not self.missing

    @property
    def redeemable(self) -> bool:
        return not self.reasons


def _at(path: str, level: str) -> str:
    return f"{path}.{level}" if level else path
