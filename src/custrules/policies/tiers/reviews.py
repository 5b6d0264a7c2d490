"""How a level is kept and lost: at the end of its term, on the days of the reviews, by a watch, or by a return."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from custrules.calendars import ONE_DAY
from custrules.events import AnyEvent, NewDay, Return
from custrules.fields import TextValue, one_of, read_whole, wrong_type
from custrules.policies.tiers.held import OPEN, Floor, Held
from custrules.policies.tiers.judging import Case, Passed
from custrules.policies.tiers.position import Change, Position, Watched
from custrules.policies.tiers.rising import fallen
from custrules.policies.tiers.rollover import corrected
from custrules.policies.tiers.rules import Downgrade
from custrules.policy import Reason, reason

MAX_REVIEWS = 120
LIFTED = "one review at or above"


class Reviews(TextValue):
    """A number of reviews: ``3 reviews``."""

    __slots__ = ("number",)
    grammar = "a number of reviews such as 3 reviews"
    ending: ClassVar[str] = ""
    number: int

    def __init__(self, number: int) -> None:
        self.number = number

    @classmethod
    def parse(cls, text: str) -> Self:
        head, _, rest = text.partition(" ")
        try:
            number = read_whole(head)
        except PydanticCustomError:
            raise wrong_type(cls.grammar, text) from None
        if rest not in (f"review{cls.ending}", f"reviews{cls.ending}") or not 1 <= number <= MAX_REVIEWS:
            raise wrong_type(cls.grammar, text)
        return cls(number)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and str(other) == str(self)

    def __hash__(self) -> int:
        return hash(self.number)

    def __str__(self) -> str:
        return f"{self.number} review{'s' if self.number != 1 else ''}{self.ending}"


class ReviewsBelow(Reviews):
    """A number of reviews in a row that found a level too low: ``3 reviews below``."""

    __slots__ = ()
    grammar = "a number of reviews such as 3 reviews below"
    ending: ClassVar[str] = " below"


class Watch(BaseModel):
    """Grace before a level falls: so many low reviews in a row (``after``) set a watch, which ``lasts`` so many reviews more.

    One review at or above the level lifts it. At its end ``then`` says what is left; as ``downgrade``, where it does not.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    after: ReviewsBelow
    lasts: Reviews
    lifted_by: Annotated[Literal["one review at or above"], one_of(LIFTED)] = "one review at or above"
    then: Downgrade | None = None


# -- the end of a term -------------------------------------------------------------------------------------------------


def term_ended(case: Case, event: AnyEvent, position: Position) -> Change:
    """The end of a term: judged as of its last day by the version in force on that day."""
    held = position.held
    if not isinstance(event, NewDay) or held is None or held.until is None or held.until >= case.view.day:
        return position, []
    last = held.until
    judge = case.version(last)
    passed = case.passed(judge, held, last)
    if passed is not None:
        return _kept(case, position, held, last, passed)
    rank = case.lower(judge, held, last, judge.downgrade, lambda: _review_days(case, held, last))
    if rank >= held.rank:
        return _kept(case, position, held, last, Passed(complete=judge.qualifying_year is not None))
    floor = held.best_floor(case.view.day)
    if floor is not None and rank < floor.rank:
        return _on_floor(case, position, held, floor)
    lower = fallen(case, replace(held, prior=None), rank, last, "landed", complete=judge.qualifying_year is not None)
    return replace(position, held=lower), [_fell(case, held, lower, judge.downgrade, last)]


def _kept(case: Case, position: Position, held: Held, last: date, passed: Passed) -> Change:
    """A level that stands: to the end of a term that a notice had cut, or for the next one."""
    reached = "earned" if held.reached == "granted" else held.reached
    kept = replace(held, reached=reached, prior=None, kept_on=last, uncut=None)
    term = case.ladder.term
    if held.uncut is not None:
        kept = replace(kept, until=None if held.uncut == OPEN else date.fromisoformat(held.uncut))
    elif term is None:
        kept = replace(kept, until=None)
    else:
        until, terms = term.renewed(held.anchor, held.terms, last, case.course, complete=passed.complete)
        kept = replace(kept, until=until, terms=terms)
    told = reason("tiers.review.kept", level=case.names[held.rank], until=kept.until)
    return replace(position, held=kept, legacy=None), [told]


def _on_floor(case: Case, position: Position, held: Held, floor: Floor) -> Change:
    kept = replace(held, rank=floor.rank, until=floor.until, reached="granted", prior=None, uncut=None)
    return replace(position, held=kept), [reason("tiers.review.floor", level=case.names[floor.rank])]


def _fell(case: Case, held: Held, lower: Held | None, downgrade: Downgrade, on: date) -> Reason:
    level, until = (case.names[lower.rank], lower.until) if lower is not None else (None, None)
    return reason(f"tiers.downgrade.{downgrade.to}", before=case.names[held.rank], level=level, as_of=on, until=until)


def _review_days(case: Case, held: Held, last: date) -> Iterator[date]:
    """The review days since the level was reached, or last kept, up to a day."""
    review = case.ladder.review
    return review.between((held.kept_on or held.since) + ONE_DAY, last) if review is not None else iter((last,))


# -- the days of the reviews -------------------------------------------------------------------------------------------


def rerated(case: Case, event: AnyEvent, position: Position) -> Change:
    """A review day of a ladder whose levels have no term, or are watched: measures as of the day when it opens."""
    ladder, held, day = case.ladder, position.held, case.view.day
    if not isinstance(event, NewDay) or ladder.review is None or not ladder.review.holds(day) or not ladder.rerates:
        return position, []
    if held is None or held.since == day or held.rank <= case.now.lowest or (position.legacy is not None and position.legacy.value == "notice"):
        return position, []
    if held.floor_on(day) >= held.rank:
        return _off_watch(position, reason("tiers.review.floor", level=case.names[held.rank]))
    if case.passed(ladder, held, day) is not None:
        return _off_watch(position, _recovered(case, held, position.watch))
    if ladder.watch is not None:
        return _watched(case, ladder.watch, position, held)
    return _rated_lower(case, position, held, ladder.downgrade, lambda: iter((day,)))


def _off_watch(position: Position, told: Reason) -> Change:
    return (replace(position, watch=None), [told]) if position.watch is not None else (position, [])


def _recovered(case: Case, held: Held, watch: Watched | None) -> Reason:
    lifted = watch is not None and watch.value == "watch"
    return reason(f"tiers.watch.{'lifted' if lifted else 'recovered'}", level=case.names[held.rank])


def _rated_lower(case: Case, position: Position, held: Held, downgrade: Downgrade, days: Callable[[], Iterator[date]]) -> Change:
    """A review day takes a level, or a part of it: never below a floor."""
    day = case.view.day
    rank = max(case.lower(case.ladder, held, day, downgrade, days), held.floor_on(day))
    if rank >= held.rank:
        return _off_watch(position, reason("tiers.watch.kept", level=case.names[held.rank], measure=downgrade.measure))
    lower = fallen(case, replace(held, prior=None), rank, day, "landed")
    return replace(position, held=lower), [_fell(case, held, lower, downgrade, day)]


def _watched(case: Case, rule: Watch, position: Position, held: Held) -> Change:
    """A low review: one more in a row, the watch that they set, or, after its last day, the end of it."""
    known, day, level = position.watch, case.view.day, case.names[held.rank]
    if known is not None and known.last == day:
        return position, []
    if known is not None and known.value == "watch":
        return _under_watch(case, rule, position, held, known)
    reviews = known.reviews + 1 if known is not None else 1
    first = known.first if known is not None else day
    if reviews < rule.after.number:
        below = Watched("below", first, None, first, reviews, day)
        return replace(position, watch=below), [reason("tiers.watch.below", level=level, reviews=reviews, after=rule.after.number)]
    until = _end(case, rule)
    watch = Watched("watch", day, until, first, reviews, day)
    return replace(position, watch=watch), [reason("tiers.watch.set", level=level, reviews=reviews, until=until)]


def _under_watch(case: Case, rule: Watch, position: Position, held: Held, watch: Watched) -> Change:
    """A low review within the grace is one of its own; the first after its last day ends it."""
    day = case.view.day
    if watch.until is None or watch.until >= day:
        counted = watch._replace(reviews=watch.reviews + 1, last=day)
        told = reason("tiers.watch.running", level=case.names[held.rank], reviews=counted.reviews, until=watch.until)
        return replace(position, watch=counted), [told]
    days = _days_since(case, watch.first)
    then, reasons = _rated_lower(case, position, held, rule.then or case.ladder.downgrade, lambda: iter(days))
    return then, [reason("tiers.watch.ended", level=case.names[held.rank], since=watch.since), *reasons]


def _days_since(case: Case, first: date) -> list[date]:
    """The review days since the first low one, today's with them."""
    review = case.ladder.review
    return list(review.between(first, case.view.day)) if review is not None else []


def _end(case: Case, rule: Watch) -> date | None:
    """The last day of a watch that is set today: the one before the last of its reviews."""
    review = case.ladder.review
    return review.later(case.view.day, rule.lasts.number) - ONE_DAY if review is not None else None


# -- returns -----------------------------------------------------------------------------------------------------------


def after_return(case: Case, event: AnyEvent, position: Position) -> Change:
    """A return that takes away what a level was reached by takes the level: judged as of that day, and now."""
    held, day = position.held, case.view.day
    if not isinstance(event, Return) or held is None or held.reached != "earned" or case.ladder.lost_on_return == "at_review":
        return position, []
    earned_now = case.earned(day, held, corrected(case, event, held, day))
    earned = max(_earned_then(case, event, held), earned_now, held.floor_on(day))
    if earned >= held.rank:
        return position, []
    left = _left(case, event, held, earned)
    told = reason("tiers.downgrade.lost", before=case.names[held.rank], level=case.names[left.rank] if left else None, since=held.since)
    return replace(position, held=left), [told]


def _left(case: Case, event: AnyEvent, held: Held, earned: int) -> Held | None:
    """What stands when a level is lost: the one held before the rise, while its term runs, or what is earned, if that is more."""
    prior = held.prior
    while prior is not None and not _stands(case, event, prior):
        prior = prior.prior
    if prior is not None and prior.rank >= earned:
        return prior.with_floors_of(held)
    return fallen(case, replace(held, prior=prior), earned, case.view.day, "earned", judged=held.judged_on)


def _stands(case: Case, event: AnyEvent, prior: Held) -> bool:
    """Whether a level that was held before still would be: by its term, and, unless a review kept it, by what it was reached by."""
    if not prior.runs_on(case.view.day):
        return False
    return prior.reached != "earned" or prior.terms > 1 or _earned_then(case, event, prior) >= prior.rank


def _earned_then(case: Case, event: AnyEvent, held: Held) -> int:
    """The rank earned on the day the level was reached, as the tallies stand now; where they reach back no more, the rank held."""
    day = held.judged_on
    judge, since = case.version(day), _since_before(case, held)
    conditions = [level.enter for level in judge.levels if level.enter is not None]
    if not all(case.view.evaluable(condition, day, level_since=since) for condition in conditions):
        return held.rank
    return case.translated(judge, case.entered(judge, day, since=since, given=corrected(case, event, held, day)))


def _since_before(case: Case, held: Held) -> date | None:
    """Since when the level was held from which this one rose."""
    return held.prior.since if held.prior is not None else held.risen_from or case.view.state.joined
