"""How much may be redeemed in a period: points, money off, times, or pieces of one reward. What is cancelled leaves its room again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from custrules.calendars import Window
from custrules.errors import Diagnostic
from custrules.money import Money, Rounding, rounded
from custrules.policies.points.account import Account
from custrules.policies.points.caps import Period
from custrules.policies.points.levels import CountByLevel, Levelled, NumberByLevel, at_level, level_faults, level_of
from custrules.policy import Known, Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.redemption import Redemption

MEASURES = ("at_most", "money", "times", "quantity")


class LimitPeriod(Period):
    """What a limit runs over: a cap's periods, and ``lifetime``."""

    __slots__ = ()
    grammar = "event, lifetime, a calendar period such as calendar month, or a length such as 30 days"

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(text, Window.parse(text)) if text == "lifetime" else super().parse(text)


class Limit(BaseModel):
    """At most so many points (``at_most``), so much ``money`` off, so many ``times``, or, of one reward, such a ``quantity`` in a period."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    at_most: NumberByLevel | None = None
    money: NumberByLevel | None = None
    times: CountByLevel | None = None
    quantity: CountByLevel | None = None
    per: LimitPeriod

    @property
    def measure(self) -> str:
        """What it measures; ``at_most`` where it says nothing, which is a fault."""
        return next((name for name in MEASURES if getattr(self, name) is not None), "at_most")

    @property
    def most(self) -> Levelled:
        """The most, in what it measures."""
        found: Levelled | None = getattr(self, self.measure)
        return found if found is not None else 0

    def faults(self, path: str, of_reward: bool, known: Known) -> Iterator[Diagnostic]:
        named = [name for name in MEASURES if getattr(self, name) is not None]
        if len(named) != 1:
            yield Diagnostic("document.one_limit", path, {"found": ", ".join(named) or "none", "known": ", ".join(MEASURES)})
        for name in named:
            if name == ("money" if of_reward else "quantity"):
                yield Diagnostic("document.not_with", f"{path}.{name}", {"field": name, "other": "rewards" if of_reward else "limits of no reward"})
            yield from level_faults(f"{path}.{name}", getattr(self, name), known)


class Room(NamedTuple):
    """What is left under one limit: in smallest units of what it measures, out of how much, and how much was used."""

    limit: Limit
    left: Fraction
    most: Fraction
    used: int


def tally_name(limit: Limit, reward: str = "") -> str:
    return f"{reward}.{limit.measure}" if reward else limit.measure


def windows_of(limits: Mapping[str, list[Limit]]) -> dict[str, tuple[Window, ...]]:
    """The tallies that limits read, and over which windows; ``limits`` by reward, '' for those of the policy."""
    found: dict[str, tuple[Window, ...]] = {}
    for reward, rows in limits.items():
        for limit in rows:
            if limit.per.window is not None:
                name = tally_name(limit, reward)
                found[name] = (*found.get(name, ()), limit.per.window)
    return found


def room(limit: Limit, policy: Redemption, reward: str, account: Account, view: View) -> Room:
    used = view.counted(policy, tally_name(limit, reward), limit.per.window) if limit.per.window is not None else 0
    scale = {"at_most": account.scale, "money": view.scale}.get(limit.measure, 0)
    most = at_level(limit.most, level_of(view), view.levels) * 10**scale
    return Room(limit, max(most - used, Fraction(0)), most, used)


def points_within(found: Room, worth: Fraction, price: int) -> int | None:
    """The most smallest units of points that a limit leaves; None where it sets no bound to them. A ``price`` is that of one piece."""
    measure, left = found.limit.measure, found.left
    if measure == "at_most":
        return rounded(left, Rounding.floor)
    if measure == "money":
        return rounded(left / worth, Rounding.floor) if worth else None
    if measure == "quantity":
        return rounded(left, Rounding.floor) * price
    return None if left >= 1 else 0


def over(found: Room, units: int, money: int, quantity: Fraction) -> bool:
    """Whether what is asked is more than a limit leaves."""
    asked: dict[str, int | Fraction] = {"at_most": units, "money": money, "times": 1, "quantity": quantity}
    return asked[found.limit.measure] > found.left


def failed(found: Room, account: Account, view: View, told: Mapping[str, object]) -> Reason:
    """The reason that names a limit which what is asked does not keep."""
    limit, per = found.limit, str(found.limit.per)
    most = rounded(found.most, Rounding.floor)
    if limit.measure == "at_most":
        return reason("points.redemption.over_limit", at_most=account.shown(most), used=account.shown(found.used), per=per, **told)
    if limit.measure == "money":
        allowed, used = (Money.from_minor(minor, view.currency) for minor in (most, found.used))
        return reason("points.redemption.over_money_limit", allowed=allowed, used=used, per=per, **told)
    code = "points.redemption.too_often" if limit.measure == "times" else "points.redemption.too_many"
    return reason(code, at_most=most, used=found.used, per=per, **told)
