"""The signals of a flag as documents write them: each has a name (the cause), a level, and what it looks at.

What a signal looks at is said by one field, its head; which other fields go with it stands in ``FORMS``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from custrules.calendars import Length, Window
from custrules.conditions import Cell, Condition, read_cell
from custrules.errors import Diagnostic
from custrules.fields import RATE_SCHEMA, WHOLE_SCHEMA, Name, Text, rate_text, read_rate, read_whole
from custrules.forms import within
from custrules.measures import Measure
from custrules.policies.churn.cells import Band, Bands

RHYTHM = Window.parse("36 months")  # how far back a customer's own gaps are looked at
LEAST_GAPS = 2
_positive = within(read_rate, "a rate above 0", lambda number: number > 0)
_at_least_one = within(read_whole, "a whole number from 1 to 10000", lambda number: 1 <= number <= 10_000)


Times = Annotated[Fraction, BeforeValidator(_positive), PlainSerializer(rate_text, return_type=str), WithJsonSchema(dict(RATE_SCHEMA))]
Number = Annotated[int, BeforeValidator(_at_least_one), PlainSerializer(str, return_type=str), WithJsonSchema(dict(WHOLE_SCHEMA))]


class Limit(Length):
    """A length, or ``none``: there is no such limit."""

    __slots__ = ()
    grammar = "a length such as 84 days, or none"

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(0, 0, text) if text == "none" else super().parse(text)

    def __bool__(self) -> bool:
        return self.text != "none"


TIMES, FLOOR, CAP, FALLBACK = Fraction(3), Limit.parse("84 days"), Limit.parse("182 days"), Limit.parse("84 days")
"""The defaults of inactivity. Measured on five sets of real transactions as good as Pareto/NBD: see docs/explanation/why-not-p-alive.md."""


class Activation(BaseModel):
    """A customer is activated by ``times`` of an event (purchase) ``within`` so long of joining."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    of: Text
    times: Number = 2
    within: Length


class Signal(BaseModel):
    """A cause for which a customer is flagged, and the level that it asks for.

    Inactivity: ``of``, with ``times_own_gap``, ``floor``, ``cap``, ``fallback`` (days since the last such event > clip(times × the own
    mean gap, floor, cap); below two gaps the fallback), or with ``bands`` by how many there were. Others: ``activation``, ``decline``,
    ``count``, ``score``, ``usage``, ``ends``, ``balance``, ``external``, or ``when`` alone. ``when`` beside another narrows it.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: Name
    level: Name
    when: Condition | None = None
    of: Text | None = None
    times_own_gap: Times | None = None
    floor: Limit | None = None
    cap: Limit | None = None
    fallback: Limit | None = None
    least_gaps: Number | None = None
    bands: Bands | None = None
    window: Window | None = None
    activation: Activation | None = None
    decline: Text | None = None
    recent: Length | None = None
    earlier: Length | None = None
    base: Band | None = None
    ratio: Band | None = None
    count: Text | None = None
    at_least: Number | None = None
    score: Name | None = None
    usage: Name | None = None
    external: Name | None = None
    band: Band | None = None
    no_older_than: Length | None = None
    ends: Name | None = None
    within: Length | None = None
    balance: Text | None = None
    month_average_ratio: Band | None = None

    @property
    def head(self) -> str:
        """The field that says what it looks at; '' where none does, or several do (see ``faults``)."""
        heads = [name for name in FORMS if getattr(self, name) is not None]
        return heads[0] if len(heads) == 1 else "when" if not heads and self.when is not None else ""

    @property
    def rhythm(self) -> Window:
        return self.window or RHYTHM

    # -- inactivity, with its defaults ----------------------------------------------------------------------------------

    @property
    def times(self) -> Fraction:
        return TIMES if self.times_own_gap is None else self.times_own_gap

    @property
    def shortest(self) -> Limit:
        return FLOOR if self.floor is None else self.floor

    @property
    def longest(self) -> Limit:
        return CAP if self.cap is None else self.cap

    @property
    def instead(self) -> Limit:
        """The threshold of customers whose own rhythm is not known."""
        return FALLBACK if self.fallback is None else self.fallback

    # -- the measures that it needs for itself ------------------------------------------------------------------------

    @property
    def since(self) -> str:
        return named("since", self.of)

    @property
    def gap(self) -> str:
        told = () if self.least_gaps is None else ("of", self.least_gaps)
        return named("gap", self.of, *(() if self.window is None else (self.window,)), *told)

    @property
    def number(self) -> str:
        """How many events there were within the window: of banded inactivity, and of ``count``."""
        return named("count", self.of or self.count, *(() if self.window is None else (self.window,)))

    @property
    def started(self) -> str:
        assert self.activation is not None
        return named("count", self.activation.of, "lifetime")

    @property
    def recently(self) -> str:
        return named("recent", self.decline, self.recent)

    @property
    def before(self) -> str:
        return named("earlier", self.decline, self.earlier, self.recent)

    @property
    def cells(self) -> list[tuple[Cell, Length]]:
        """The bands of inactivity, in the order written."""
        return [(read_cell(text), length) for text, length in (self.bands or {}).items()]

    @property
    def spans(self) -> Fraction:
        """How many times as long the earlier time of a decline is as the recent one."""
        assert self.recent is not None
        assert self.earlier is not None
        return Fraction(self.earlier.months or self.earlier.days, self.recent.months or self.recent.days)

    @property
    def read(self) -> str:
        """How long ago an external score was read."""
        return named("since", self.external)

    @property
    def held(self) -> tuple[str, str]:
        """The averages of a balance: of the last calendar month, and of the one before."""
        return named("balance", self.balance, "last month"), named("balance", self.balance, "month before")

    def measured(self) -> Mapping[str, Measure]:
        """Its own measures by name; of a balance none, which is no event."""
        made = _MEASURED.get(self.head)
        return made(self) if made is not None and not self.missing else {}

    # -- faults of its own --------------------------------------------------------------------------------------------

    @property
    def facts(self) -> frozenset[str]:
        """The facts of the program that it reads."""
        named = frozenset(name for name in (self.score, self.usage, self.external, self.ends) if name is not None)
        return named | (self.when.facts if self.when is not None else frozenset())

    @property
    def missing(self) -> list[str]:
        """Fields that its head needs."""
        form = FORMS.get(self.head)
        return [name for name in form.needs if getattr(self, name) is None] if form is not None else []

    def faults(self, path: str) -> Iterator[Diagnostic]:
        """What does not go together."""
        heads = [name for name in FORMS if getattr(self, name) is not None]
        if len(heads) > 1 or not (heads or self.when is not None):
            yield Diagnostic("document.one_head", path, {"known": ", ".join((*FORMS, "when")), "found": ", ".join(heads) or "none"})
            return
        form = FORMS[heads[0]] if heads else Form()
        told = self.head
        for name in self.model_fields_set - {"name", "level", "when", told} - {*form.needs, *form.takes}:
            if getattr(self, name) is not None:
                yield Diagnostic("document.not_with", f"{path}.{name}", {"field": name, "other": told})
        for name in self.missing:
            yield Diagnostic("document.missing_field", path, {"field": name})
        yield from self._clash(path)

    def _clash(self, path: str) -> Iterator[Diagnostic]:
        if self.bands is not None:
            for name in ("times_own_gap", "floor", "cap", "fallback", "least_gaps"):
                if getattr(self, name) is not None:
                    yield Diagnostic("document.not_with", f"{path}.{name}", {"field": name, "other": "bands"})
        floor, cap = self.shortest, self.longest
        if self.of is not None and self.bands is None and floor and cap and floor.at_most_days > cap.at_most_days:
            params = {"expected": f"a floor of at most the cap, {cap}", "found": str(floor)}
            yield Diagnostic("document.wrong_type", f"{path}.floor" if self.floor else f"{path}.cap", params)
        if self.recent is not None and self.earlier is not None and bool(self.recent.months) != bool(self.earlier.months):
            expected = f"as {self.recent}, in months or in days"
            yield Diagnostic("document.wrong_type", f"{path}.earlier", {"expected": expected, "found": str(self.earlier)})


@dataclass(frozen=True, slots=True)
class Form:
    """Which fields go with a head: those that it needs, and those that it may take."""

    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


FORMS: Mapping[str, Form] = {
    "of": Form(takes=("times_own_gap", "floor", "cap", "fallback", "least_gaps", "bands", "window")),
    "activation": Form(),
    "decline": Form(("recent", "earlier", "ratio"), ("base",)),
    "count": Form(("window", "at_least")),
    "score": Form(("band",)),
    "usage": Form(("band",)),
    "external": Form(("band",), ("no_older_than",)),
    "ends": Form(("within",)),
    "balance": Form(("month_average_ratio",)),
}


def named(*words: object) -> str:
    """The name of a measure that a signal needs for itself: it says what is measured, so that one name is one measure."""
    return "_".join(str(word) for word in words).replace(" ", "_").replace(".", "_")


def _inactivity(signal: Signal) -> Mapping[str, Measure]:
    since = {signal.since: Measure(since=signal.of)}
    if signal.bands is not None:
        return since | {signal.number: Measure(count=signal.of, window=signal.rhythm)}
    return since | {signal.gap: Measure(gap=signal.of, window=signal.rhythm, base=f">= {signal.least_gaps or LEAST_GAPS}")}


def _activation(signal: Signal) -> Mapping[str, Measure]:
    assert signal.activation is not None
    return {signal.started: Measure(count=signal.activation.of, window=Window.parse("lifetime"))}


def _decline(signal: Signal) -> Mapping[str, Measure]:
    assert signal.recent is not None
    recent, earlier = (Window.parse(str(length)) for length in (signal.recent, signal.earlier))
    of = str(signal.decline)
    if of in _COUNTED:
        return {signal.recently: Measure(count=of, window=recent), signal.before: Measure(count=of, window=earlier, skip=signal.recent)}
    return {signal.recently: Measure(sum=of, window=recent), signal.before: Measure(sum=of, window=earlier, skip=signal.recent)}


def _count(signal: Signal) -> Mapping[str, Measure]:
    return {signal.number: Measure(count=signal.count, window=signal.window)}


def _external(signal: Signal) -> Mapping[str, Measure]:
    return {signal.read: Measure(since=signal.external)}


_COUNTED = ("purchase", "visit", "redemption")  # events that are counted where others are summed: they bring no number of their own
_MEASURED = {"of": _inactivity, "activation": _activation, "decline": _decline, "count": _count, "external": _external}
