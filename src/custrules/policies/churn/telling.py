"""What a decision of a flag says and writes: the level and why, the signals with their numbers, the streaks that run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from custrules.codec import scalar_text
from custrules.event_fields import Scalar
from custrules.money import Money
from custrules.policies.churn.assessing import Assessment
from custrules.policies.churn.hysteresis import ENTER, PENDING, Position, data_of
from custrules.policies.churn.judging import Finding
from custrules.policy import Reason, Status, Touchpoint, View, reason

if TYPE_CHECKING:
    from custrules.policies.churn.flag import Flag


def reasons_of(flag: Flag, before: Position, after: Position, found: Assessment, asked: Sequence[Touchpoint]) -> list[Reason]:
    """Why something changes; nothing where nothing does."""
    reasons = [*_moved(flag, before, after), *_streaks(flag, before, after)]
    if after.flagged and (after.rank, after.causes) != (before.rank, before.causes):
        reasons += found.reasons
    return reasons + [reason("churn.action.asked", template=touch.template, channel=touch.channel) for touch in asked]


def _moved(flag: Flag, before: Position, after: Position) -> Iterator[Reason]:
    old, new = (flag.names[position.rank] if position.flagged else None for position in (before, after))
    if not before.flagged and after.flagged:
        yield reason("churn.flag.raised", level=new)
    elif before.flagged and not after.flagged:
        code = "churn.flag.ended" if flag.retired else "churn.flag.left"
        yield reason(code, before=old, since=before.raised)
    elif after.rank != before.rank:
        yield reason("churn.flag.rose" if after.rank > before.rank else "churn.flag.eased", before=old, level=new)
    elif after.causes != before.causes:
        yield reason("churn.flag.causes", level=new, causes=", ".join(after.causes))


def _streaks(flag: Flag, before: Position, after: Position) -> Iterator[Reason]:
    """What begins to be confirmed, and what was not; a streak that ended in a change of level is told by that."""
    begun = [name for name in after.streaks if name not in before.streaks]
    if begun:
        entering = any(name.startswith(ENTER) for name in begun)
        gate = flag.entering if entering else flag.leaving
        yield reason("churn.flag.pending" if entering else "churn.flag.easing", confirm=gate.confirm)
    elif after.rank == before.rank and set(before.streaks) - set(after.streaks):
        yield reason("churn.flag.unconfirmed")


def statuses_of(flag: Flag, before: Position, after: Position, found: Assessment, view: View) -> Iterator[Status]:
    """What has to be written: the flag where its level or causes change, the streaks where one begins or ends."""
    if (after.rank, after.causes) != (before.rank, before.causes):
        level = flag.names[after.rank] if after.flagged else None
        told = data_of(after, dict(_numbers(found))) if after.flagged else {}
        yield Status(flag.status, level, after.since or view.day, data=told)  # type: ignore[arg-type]  # they are scalars
    if dict(after.streaks) != dict(before.streaks):
        streaks = {name: since.isoformat() for name, since in after.streaks.items()}
        first = min(after.streaks.values(), default=view.day)
        yield Status(f"{flag.status}.{PENDING}", _way(after) if streaks else None, first, data=streaks)


def _way(position: Position) -> str:
    """Whether more is to be confirmed, or less."""
    return ENTER if any(name.startswith(ENTER) for name in position.streaks) else "leave"


def _numbers(found: Assessment) -> Iterator[tuple[str, Scalar]]:
    """The numbers of every signal that fired, under its name; of several of one name, those of the highest level."""
    by_name: dict[str, Finding] = {}
    for one in found.fired:
        by_name[one.signal.name] = one
    for name, one in by_name.items():
        yield from ((f"{name}.{key}", _scalar(value)) for key, value in one.params.items())


def _scalar(value: Any) -> Scalar:
    return scalar_text(value) if isinstance(value, Fraction | Money | date) or not isinstance(value, str | int | bool) else value
