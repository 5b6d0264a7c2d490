"""What a level entitles to, as it is written: uses per period, a price factor, a gift on reaching it, a service.

A benefit is one of these: uses (``quantity`` per period), a ``factor`` on prices, ``points`` as a gift, or a service, which has
a name and perhaps a ``response`` time. A level has the benefits that it names itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from custrules.calendars import ONE_DAY, Duration, Length, Window, add_months, calendar_period
from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.fields import Name, Number, Rate, TextValue, Title, Whole, one_of, read_decimal, read_rate, read_whole, wrong_type
from custrules.forms import within
from custrules.policy import Known
from custrules.validation import nearest

if TYPE_CHECKING:
    from custrules.policies.tiers.ladder import Ladder
    from custrules.policies.tiers.rules import LevelRule

Once = Literal["per term", "per level", "ever"]
OnLoss = Literal["keep", "take_back"]
BenefitKind = Literal["uses", "price", "gift", "service"]
ANCHORED = ("birthday year", "membership year", "qualifying year", "term", "lifetime")
FIRST_DAY = date(1900, 1, 1)


class Stretch(NamedTuple):
    """The days from the first to the last (None: no end) that one allowance is for."""

    start: date
    last: date | None

    def meets(self, other: Stretch) -> bool:
        return (self.last is None or other.start <= self.last) and (other.last is None or self.start <= other.last)

    def holds(self, day: date) -> bool:
        return self.start <= day and (self.last is None or day <= self.last)


class BenefitPeriod(TextValue):
    """What an allowance is for: a calendar period, a birthday, membership or qualifying year, the level's term, a life, or a rolling length."""

    __slots__ = ("length", "text", "window")
    grammar = "calendar day (week, month, quarter, half, year), birthday year, membership year, qualifying year, term, lifetime, or 30 days"
    text: str
    window: Window | None
    length: Length | None

    def __init__(self, text: str, window: Window | None = None, length: Length | None = None) -> None:
        self.text, self.window, self.length = text, window, length

    @classmethod
    def parse(cls, text: str) -> Self:
        text = calendar_period(text)
        if text in (*ANCHORED, "calendar day"):
            return cls(text)
        try:
            if text.startswith("calendar "):
                return cls(text, window=Window.parse(f"this {text}"))
            length = Length.parse(text)
            return cls(str(length), length=length)
        except PydanticCustomError:
            raise wrong_type(cls.grammar, text) from None

    def on(self, day: date, anchor: date | None = None) -> Stretch:
        """The calendar period, year since the anchor, or life that holds a day."""
        before = self.window.bounds(day)[0] if self.window is not None else None
        if self.window is not None and before is not None:
            return Stretch(before + ONE_DAY, self.window.end(day))
        if anchor is not None:
            return year_since(anchor, day)
        return Stretch(day, day) if self.text == "calendar day" else Stretch(FIRST_DAY, None)


def year_since(anchor: date, day: date) -> Stretch:
    """The year from anniversary to anniversary that holds a day; 29 February is kept on the 28th of other years."""
    years = day.year - anchor.year
    years -= add_months(anchor, 12 * years) > day
    return Stretch(add_months(anchor, 12 * years), add_months(anchor, 12 * (years + 1)) - ONE_DAY)


_times = within(read_whole, "a whole number from 1 to 1000000", lambda number: 1 <= number <= 1_000_000)
_factor = within(read_rate, "a factor above 0 and below 1", lambda number: 0 < number < 1)
_gift = within(read_decimal, "a number above zero", lambda number: number > 0)


class Benefit(BaseModel):
    """One thing that a level entitles to, ``when`` a condition holds.

    ``quantity`` uses ``per`` period, taken by a redemption that names it as its reward. ``factor``: the share of the price that is
    paid, told and never applied. ``points``: credited when the level is reached, ``once`` per term, per level or ever. ``response``:
    within which time an answer comes.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: Title = ""
    quantity: Annotated[Whole, BeforeValidator(_times)] | None = None
    per: BenefitPeriod | None = None
    factor: Annotated[Rate, BeforeValidator(_factor)] | None = None
    points: Annotated[Number, BeforeValidator(_gift)] | None = None
    once: Annotated[Once, one_of("per term", "per level", "ever")] = "per term"
    on_loss: Annotated[OnLoss, one_of("keep", "take_back")] = "keep"
    account: Name = "points"
    response: Duration | None = None
    when: Condition | None = None

    @property
    def kind(self) -> BenefitKind:
        if self.quantity is not None:
            return "uses"
        return "price" if self.factor is not None else "gift" if self.points is not None else "service"


# -- what is wrong with the benefits of a ladder -----------------------------------------------------------------------

_OF_A_GIFT = ("once", "on_loss", "account")
_WHAT = ("quantity", "factor", "points", "response")  # no two of these go together


def benefit_faults(ladder: Ladder, known: Known) -> Iterator[Diagnostic]:
    """Fields that do not go together, names that mean two things, what the program does not have."""
    first: dict[str, tuple[str, Benefit]] = {}
    for rank, level in enumerate(ladder.levels):
        names: set[str] = set()
        for place, benefit in enumerate(level.benefits):
            path = f"levels[{rank}].benefits[{place}]"
            if benefit.name in names:
                yield Diagnostic("document.name_taken", f"{path}.name", {"name": benefit.name})
            names.add(benefit.name)
            yield from _alone(benefit, path)
            yield from _at_level(benefit, path, level, ladder)
            yield from _in_program(benefit, path, known)
            yield from _as_before(benefit, path, *first.setdefault(benefit.name, (level.name, benefit)))


def _alone(benefit: Benefit, path: str) -> Iterator[Diagnostic]:
    given = [name for name in _WHAT if getattr(benefit, name) is not None]
    for one, other in pairwise(given):
        yield Diagnostic("document.not_with", f"{path}.{other}", {"field": other, "other": one})
    if benefit.quantity is not None and benefit.per is None:
        yield Diagnostic("document.missing_field", path, {"field": "per"})
    if benefit.quantity is None and benefit.per is not None:
        yield Diagnostic("document.not_with", f"{path}.per", {"field": "per", "other": "a benefit without quantity"})
    for name in _OF_A_GIFT if benefit.points is None else ():
        if name in benefit.model_fields_set:
            yield Diagnostic("document.not_with", f"{path}.{name}", {"field": name, "other": "a benefit without points"})


def _at_level(benefit: Benefit, path: str, level: LevelRule, ladder: Ladder) -> Iterator[Diagnostic]:
    """A gift needs a level that is reached, ``per: term`` one that has terms, a qualifying year a ladder that says how they run."""
    everybodys, has_term = level.enter is None, ladder.term is not None
    if benefit.points is not None and everybodys:
        yield Diagnostic("document.not_with", f"{path}.points", {"field": "points", "other": "a level without enter"})
    if str(benefit.per) == "term" and (everybodys or not has_term):
        other = "a level without enter" if has_term else "a ladder without term"
        yield Diagnostic("document.not_with", f"{path}.per", {"field": "per: term", "other": other})
    if str(benefit.per) == "qualifying year" and ladder.qualifying_year is None:
        yield Diagnostic("document.missing_field", "", {"field": "qualifying_year"})


def _in_program(benefit: Benefit, path: str, known: Known) -> Iterator[Diagnostic]:
    if str(benefit.per) == "birthday year" and not known.birthday:
        yield Diagnostic("document.no_birthday", f"{path}.per", {})
    if benefit.points is None:
        return
    scale = known.scales.get(benefit.account)
    if scale is None:
        code = "document.unknown_account" if known.accounts else "document.no_account"
        params = {"account": benefit.account, "known": ", ".join(known.accounts), "nearest": nearest(benefit.account, known.accounts)}
        yield Diagnostic(code, f"{path}.account" if "account" in benefit.model_fields_set else f"{path}.points", params)
    elif (benefit.points * 10**scale) % 1:
        yield Diagnostic("document.too_fine", f"{path}.points", {"found": str(benefit.points), "most": str(scale)})


def _as_before(benefit: Benefit, path: str, level: str, first: Benefit) -> Iterator[Diagnostic]:
    """A name is one benefit at every level: of one kind, its uses counted over one kind of period."""
    for field in ("kind", "per", "once"):
        if getattr(benefit, field) != getattr(first, field):
            at = path if field == "kind" else f"{path}.{field}"
            yield Diagnostic("document.benefit_differs", at, {"name": benefit.name, "level": level, "field": field})
            return
