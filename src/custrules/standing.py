"""Where a customer stands with one policy, as the policy tells it: what is held, what may be aimed at, what there is to use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from custrules.calendars import Duration
from custrules.conditions import Condition
from custrules.decisions import Reason
from custrules.fields import Frozen, rate_text
from custrules.money import Money

AimKind = Literal["reach", "keep", "reward"]


@dataclass(frozen=True, slots=True)
class Aim:
    """A level to reach or keep, or a reward: the ``condition`` that has to hold (None: none) and, of a reward, its ``points``.

    ``on`` is the day as of whose end it is judged (None: as things stand), ``by`` the day on which that is done (None: at once),
    ``deadline`` the last day on which something may be done for it (None: none is known). ``opens``: it is judged as the day opens, and
    holds from it. ``complete``: qualifying years are the last complete one, which ends on the day ``year``; once that is over, only what
    ``running`` asks of the year after it can still be enough. ``met``: whether it is, where the condition does not tell it alone.
    ``account`` is the one that the points are taken from; ``money`` is paid beside them, and ``closed`` tells what else stands against it.
    """

    kind: AimKind
    name: str
    condition: Condition | None = None
    on: date | None = None
    by: date | None = None
    deadline: date | None = None
    points: Decimal | None = None
    account: str = "points"
    opens: bool = False
    complete: bool = False
    year: date | None = None
    running: Condition | None = None
    met: bool | None = None
    money: Money | None = None
    closed: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """A status that stands beside a level: its ``name`` (watch, legacy), what it says, since when and until which last day."""

    name: str
    value: str
    since: date
    until: date | None = None

    def to_data(self) -> dict[str, Any]:
        return {"name": self.name, "value": self.value, "since": self.since, "until": self.until}


@dataclass(frozen=True, slots=True)
class Entitled:
    """A benefit that a customer has: of uses, how many, used and left (None: the birthday that they are counted from is not known),
    for which period, and when there are some again.

    ``holds``: whether its condition does, as things stand. ``until`` is the last day of the period (None: a rolling one, or for
    ever), ``again`` the day on which it can be used again, where nothing is left.
    """

    name: str
    kind: Literal["uses", "price", "gift", "service"]
    holds: bool = True
    title: str | Mapping[str, str] = ""
    quantity: int | None = None
    used: int | None = None
    left: int | None = None
    per: str = ""
    until: date | None = None
    again: date | None = None
    factor: Fraction | None = None
    points: Decimal | None = None
    response: Duration | None = None

    def counted(self, quantity: int, used: int | None, left: int | None, per: str, until: date | None, again: date | None) -> Entitled:
        return replace(self, quantity=quantity, used=used, left=left, per=per, until=until, again=again)

    def to_data(self) -> dict[str, Any]:
        title = dict(self.title) if isinstance(self.title, Frozen) else self.title
        told = {"name": self.name, "kind": self.kind, "holds": self.holds, "title": title}
        if self.quantity is not None:
            told |= {"quantity": self.quantity, "used": self.used, "left": self.left, "per": self.per, "until": self.until, "again": self.again}
        texts = {"factor": rate_text(self.factor) if self.factor is not None else None, "points": self.points, "response": self.response}
        return told | {name: str(value) for name, value in texts.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Standing:
    """What one policy tells of a customer. ``of`` is the policy that it belongs to, where that is another.

    ``level``, ``since``, ``until``: what is held, and what stands ``beside`` it; ``why``: for which reason nothing is held. ``review``
    is the next day on which it is judged.
    """

    of: str = ""
    level: str | None = None
    since: date | None = None
    until: date | None = None
    why: Reason | None = None
    review: date | None = None
    aims: tuple[Aim, ...] = ()
    benefits: tuple[Entitled, ...] = ()
    beside: tuple[Beside, ...] = ()
