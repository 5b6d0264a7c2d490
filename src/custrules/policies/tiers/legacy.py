"""What happens to a level that a newer version would take: it is kept to the end of its term, on notice, or reviewed at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, model_serializer, model_validator

from custrules.calendars import ONE_DAY, Length
from custrules.events import AnyEvent, NewDay
from custrules.fields import one_of
from custrules.forms import short_form
from custrules.policies.tiers.held import OPEN, Held
from custrules.policies.tiers.judging import Case, before
from custrules.policies.tiers.position import Change, Position, Protected
from custrules.policies.tiers.rising import fallen
from custrules.policy import reason

if TYPE_CHECKING:
    from custrules.policies.tiers.ladder import Ladder

_WAYS = ("keep_until_term_end", "review_at_once")


class Legacy(BaseModel):
    """What a version does about a level that it would take: ``keep_until_term_end``, ``review_at_once``, or ``{notice: 60 days}``."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    how: Annotated[Literal["keep_until_term_end", "review_at_once"], one_of(*_WAYS)] = "keep_until_term_end"
    notice: Length | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return short_form(cls, value, "how", "keep_until_term_end, review_at_once, or {notice: 60 days}")

    @model_serializer
    def _short(self) -> str | dict[str, str]:
        return self.how if self.notice is None else {"notice": str(self.notice)}


def on_first_day(case: Case, event: AnyEvent, position: Position) -> Change:
    """The first day of a version: what becomes of a level that it would take."""
    first = case.now.effective_from
    if not isinstance(event, NewDay) or case.view.day != first or position.held is None:
        return position, []
    return judged(case, position, position.held, first)


def after_late(case: Case, event: AnyEvent, position: Position, was: Held | None) -> Change:
    """A level that was reached late, under a version that is over: as if it had been held on the first day of the next."""
    first, held = case.now.effective_from, position.held
    late = case.view.day < first <= case.view.settled
    if not late or held is None or held == was or held.since >= first:
        return position, []
    return judged(case, position, held, first)


def judged(case: Case, position: Position, held: Held, on: date) -> Change:
    now = case.now
    older = before(now, case.view)
    if now.retired or older is None or held.rank <= now.lowest or held.floor_on(on) >= held.rank or not _differs(older, now, held):
        return position, []
    if (position.legacy is not None and position.legacy.since == on) or held.since == on or case.passed(now, held, on) is not None:
        return position, []
    if now.legacy.notice is not None:
        return _on_notice(case, position, held, on, now.legacy.notice)
    if now.legacy.how == "review_at_once":
        return _reviewed(case, position, held, on)
    return _kept(case, position, held, on)


def _differs(older: Ladder, now: Ladder, held: Held) -> bool:
    """Whether a version asks for something else to enter or keep a level than the one before."""
    was = older.rank_of(held.called)
    if was is None:
        return True
    old, new = older.levels[was], now.levels[held.rank]
    return (old.enter, old.keeps) != (new.enter, new.keeps)


def _kept(case: Case, position: Position, held: Held, on: date) -> Change:
    until = held.until
    if until is None and case.now.rerates and case.now.review is not None:
        until = case.now.review.after(on - ONE_DAY) - ONE_DAY
    told = reason("tiers.legacy.kept", level=case.names[held.rank], until=until)
    return replace(position, legacy=Protected("kept", on, until)), [told]


def _on_notice(case: Case, position: Position, held: Held, on: date, notice: Length) -> Change:
    """The term is cut to the last day of the notice: then the level is judged as at the end of any term."""
    last = notice.after(on)
    if held.until is not None and held.until <= last:
        return _kept(case, position, held, on)
    uncut = held.uncut or (held.until.isoformat() if held.until is not None else OPEN)
    told = reason("tiers.legacy.notice", level=case.names[held.rank], until=last)
    return replace(position, held=replace(held, until=last, uncut=uncut), legacy=Protected("notice", on, last)), [told]


def _reviewed(case: Case, position: Position, held: Held, on: date) -> Change:
    now = case.now
    rank = max(case.lower(now, held, on, now.downgrade, lambda: (on,)), held.floor_on(on))
    if rank >= held.rank:
        return position, []
    lower = fallen(case, replace(held, prior=None), rank, on, "landed", complete=now.qualifying_year is not None)
    level, until = (case.names[lower.rank], lower.until) if lower is not None else (None, None)
    params = {"before": case.names[held.rank], "level": level, "as_of": on, "until": until}
    return replace(position, held=lower), [reason("tiers.legacy.reviewed", **params)]
