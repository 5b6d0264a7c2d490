"""What a complaints policy is made of: clocks, the ladder of who is told, reopening, closing, and who may give what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_serializer, model_validator

from custrules.calendars import Length
from custrules.calendars.clocks import Clock
from custrules.conditions import Condition
from custrules.errors import Diagnostic
from custrules.fields import Day, Name, Number, Text, one_of, rate_text, read_rate
from custrules.forms import within

MOST_SHARE = 100  # a hundred times the length of a clock
ENDS: Mapping[str, str] = {"acknowledge": "acknowledged", "resolve": "resolved", "close": "closed", "escalate": "escalated"}
"""Which stage stops a clock that is called so."""
ClockEnd = Literal["acknowledged", "escalated", "resolved", "closed"]
CLOCK_ENDS = ("acknowledged", "escalated", "resolved", "closed")


class ComplaintClock(BaseModel):
    """By when something is to be done about a complaint: ``{name: acknowledge, within: 24 hours}``.

    Of several of one name, a complaint has the one that came into force last by the day on which it starts, of those whose ``when``
    holds; the first of them where several came on one day. It runs until the stage ``until``, or a later one.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: Name
    within: Clock
    extended: Clock | None = None
    until: Annotated[ClockEnd | None, one_of(*CLOCK_ENDS)] = None
    when: Condition | None = None
    effective_from: Day = date(1900, 1, 1)
    regulation: Text | None = None

    @property
    def ends_with(self) -> str:
        """The stage that stops it."""
        return self.until or ENDS.get(self.name, "resolved")


_read_share = within(read_rate, "a share of the clock such as 50%", lambda number: 0 <= number <= MOST_SHARE)


def share_text(share: Fraction) -> str:
    """A share as people write it: ``50%``."""
    return f"{rate_text(share * 100)}%"


Share = Annotated[
    Fraction, BeforeValidator(_read_share), PlainSerializer(share_text, return_type=str), WithJsonSchema({"type": ["string", "number"]})
]


class LadderStep(BaseModel):
    """Who is told once so much of a clock has run and it has not been stopped: ``{at: 50%, tell: team_lead}``."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    at: Share
    tell: Name
    of: Name | None = None
    channel: Name = "internal"
    template: Text | None = None

    def label(self) -> str:
        """What it is called in the complaint's status."""
        clock = f" {self.of}" if self.of is not None else ""
        return f"{self.tell} {share_text(self.at)}{clock}"


class Reopening(BaseModel):
    """For how long a complaint can be opened again once it is closed: ``30 days``, or ``{within: 30 days}``; with the last day."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    within: Length

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"within": value} if isinstance(value, str | Length) else value

    @model_serializer
    def _short(self) -> str:
        return str(self.within)


CLOSINGS: Mapping[str, bool] = {"with_agreement": True, "customer_agrees": True, "at_will": False}
"""How a complaint is closed, in one word: whether the customer has to agree."""


class Closing(BaseModel):
    """How a complaint is closed: ``with_agreement`` of the customer (``customer_agrees`` says the same), ``at_will``; with ``after``, it
    closes by itself so long after it was resolved, unless the customer has said no."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    needs: Annotated[Literal["with_agreement", "customer_agrees", "at_will"], one_of(*CLOSINGS)] = "at_will"
    after: Length | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"needs": value} if value in CLOSINGS or not value[:1].isdigit() else {"after": value}
        return {"after": value} if isinstance(value, Length) else value

    @model_serializer
    def _short(self) -> str | dict[str, str]:
        if self.after is None:
            return self.needs
        return {"needs": self.needs, "after": str(self.after)}

    @property
    def agreed(self) -> bool:
        """Whether the customer has to agree."""
        return CLOSINGS[self.needs]


class Allowance(BaseModel):
    """Up to how much, over the whole of a complaint, somebody may give: ``{up_to: 50.00, by: agent}``; without ``up_to``, anything."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    up_to: Number | None = None
    by: Name

    def allows(self, total: Fraction) -> bool:
        return self.up_to is None or total <= Fraction(self.up_to)


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, Mapping | Allowance) else value


Allowances = Annotated[
    tuple[Allowance, ...],
    BeforeValidator(_one_or_many, json_schema_input_type=Allowance | list[Allowance]),
    Field(min_length=1, max_length=20),
]


class ComplaintCompensation(BaseModel):
    """Who may give how much for a complaint, in money (``credit``) and in points; what is not said may not be given."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    credit: Allowances | None = None
    points: Allowances | None = None

    def faults(self, scale: int) -> Iterator[Diagnostic]:
        for index, row in enumerate(self.credit or ()):
            if row.up_to is not None and (Fraction(row.up_to) * 10**scale).denominator != 1:
                yield Diagnostic("document.bad_money", f"compensation.credit[{index}].up_to", {"reason": f"at most {scale} decimals"})


SUPPRESSES: Mapping[str, tuple[str, ...]] = {
    "no_marketing": ("marketing",),
    "suppress_marketing": ("marketing",),
    "service_only": ("marketing", "greeting"),
    "as_usual": (),
}
"""Which purposes of contact an open complaint stops, in one word."""
WhileOpen = Annotated[Literal["no_marketing", "suppress_marketing", "service_only", "as_usual"], one_of(*SUPPRESSES)]
