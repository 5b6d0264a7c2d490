"""When a survey asks: after an event, after a complaint was closed, or as a period begins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from custrules.calendars import Length, Stretch, add_months
from custrules.calendars.clocks import Clock
from custrules.calendars.spans import start_of_period
from custrules.conditions import Condition
from custrules.fields import Name, Text, TextValue, fault, wrong_type

MONTHS: Mapping[str, int] = {"month": 1, "quarter": 3, "half_year": 6, "half": 6, "year": 12}


class Every(TextValue):
    """``quarter``: on the first day of each; ``90 days``: so long after joining, and again and again."""

    __slots__ = ("length", "text")
    grammar = "week, month, quarter, half_year, year, or a length such as 90 days"
    length: Length | None
    text: str

    def __init__(self, text: str, length: Length | None = None) -> None:
        self.text, self.length = text, length

    @classmethod
    def parse(cls, text: str) -> Self:
        if text in MONTHS or text == "week":
            return cls(text)
        try:
            length = Length.parse(text)
        except PydanticCustomError as error:
            raise error if error.type != "document.wrong_type" else wrong_type(cls.grammar, text) from None
        return cls(str(length), length)

    def next_after(self, day: date, joined: date) -> date:
        """The first day after ``day`` on which it asks."""
        if self.length is not None:
            times = max((day - joined).days // self.length.at_most_days, 1)
            while self.length.after(joined, times) <= day:
                times += 1
            return self.length.after(joined, times)
        if self.text == "week":
            return day + timedelta(days=7 - day.weekday())
        months = MONTHS[self.text]
        return add_months(start_of_period(day, months), months)

    def asks_on(self, day: date, joined: date) -> bool:
        return self.next_after(day - timedelta(days=1), joined) == day


_WORDS = ("event", "closed", "every", "by")


class SurveyAfter(BaseModel):
    """What a customer is asked after: ``{attendance: 1 day}``, ``{closed: complaint, by: 1 day}`` or ``{every: quarter}``."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"additionalProperties": {"type": "string"}, "maxProperties": 2}
    )

    event: Name | None = None
    closed: Name | None = None
    every: Every | None = None
    by: Stretch | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_event(cls, value: Any) -> Any:
        """``{attendance: 1 day}`` names the event by its key."""
        if isinstance(value, Mapping) and len(value) == 1 and not value.keys() & {*_WORDS}:
            ((event, by),) = value.items()
            return {"event": event, "by": by}
        return value

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        named = [name for name in ("event", "closed", "every") if getattr(self, name) is not None]
        if len(named) != 1:
            raise fault("document.one_occasion", found=", ".join(named) or "none")
        if self.every is not None and self.by is not None:
            raise fault("document.not_with", field="by", other="every")
        if self.closed is not None and self.by is not None and not self.wait.days and not self.wait.months:
            raise wrong_type("at least a day after something is closed", str(self.by))
        return self

    @model_serializer
    def _short(self) -> dict[str, str]:
        if self.event is not None:
            return {self.event: str(self.wait)}
        if self.closed is not None:
            return {"closed": self.closed, "by": str(self.wait)}
        return {"every": str(self.every)}

    @property
    def wait(self) -> Length:
        """How long after it somebody is asked: the next day, where that is not said."""
        return self.by if self.by is not None else ONE_DAY_LATER


ONE_DAY_LATER = Stretch.parse("1 day")


class FollowUpTask(BaseModel):
    """Who is to do something about a low score: over which channel, within which time."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    channel: Name
    within: Clock
    template: Text = "survey_follow_up"
    to: Name | None = None


def _cell_of_value(value: object) -> object:
    """A cell alone is one of the score's value."""
    return {"value": value} if isinstance(value, str | int) and not isinstance(value, bool) else value


class LowScore(BaseModel):
    """Which answers are low, and what is done about them: ``{when: "<= 2", task: {channel: phone, within: 24 hours}}``."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    when: Annotated[Condition, BeforeValidator(_cell_of_value, json_schema_input_type=Condition | str | int)]
    task: FollowUpTask
