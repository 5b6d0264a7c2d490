"""The sections of a document as a program is built of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from custrules.calendars.rules import DayRule
from custrules.calendars.working import WorkingRule
from custrules.counting import AttributeKind, Declarations
from custrules.law import Law
from custrules.measures import Measure
from custrules.policy import Policy
from custrules.rates import Series
from custrules.returns import ReturnsRule


@dataclass(frozen=True, slots=True)
class ProfileField:
    """A declared profile field: how it is kept, and its closed set of values where there is one."""

    kind: AttributeKind
    values: tuple[str, ...] = ()
    birthday: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """The sections of a document, each already valid in itself."""

    id: str
    zone: ZoneInfo
    currency: str
    scale: int
    late: timedelta
    returns: ReturnsRule
    profile: Mapping[str, ProfileField]
    declared: Declarations
    calendar: Mapping[str, DayRule]
    measures: Mapping[str, Measure]
    policies: Sequence[Policy]
    paths: Sequence[tuple[int | str, ...]] = field(default_factory=tuple)
    law: Law | None = None
    working: WorkingRule | None = None
    rates: Mapping[str, Series] = field(default_factory=dict)
