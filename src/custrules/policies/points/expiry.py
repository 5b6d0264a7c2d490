"""Until when points can be used: a date that each lot gets, and for how long activity carries the whole account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializerFunctionWrapHandler, WithJsonSchema, model_serializer, model_validator

from custrules.calendars import DayOfYear, Length, Span, Stretch, Window
from custrules.calendars.spans import Rounded
from custrules.errors import Diagnostic
from custrules.fields import NAME_SCHEMA, Flag, Name, one_of
from custrules.forms import short_form
from custrules.measures import Measure

EARNED, EARNED_BY_PURCHASE, GIVEN = "earned", "earned_by_purchase", "given"
_INACTIVITY = ("of", "zero_point_purchase_extends", "goodwill_extends")


_NAMES_SCHEMA: dict[str, Any] = {"anyOf": [dict(NAME_SCHEMA), {"type": "array", "items": dict(NAME_SCHEMA)}]}


def _read_events(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Expiry(BaseModel):
    """A date for each lot, inactivity of the account, or both; the later one counts.

    ``length`` after the day of accrual, or a ``day_of_year``: the first one on or after the day of accrual, or on or after
    the day that lies ``after`` it. Both are taken to the end of their period by ``rounded_to`` and may have something on top
    (``plus``). ``inactivity`` is how long any of the events ``of`` (where not said: any event that earns) carries everything.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    length: Stretch | None = None
    day_of_year: DayOfYear | None = None
    after: Stretch | None = None
    rounded_to: Annotated[Rounded, one_of("end_of_month", "end_of_quarter", "end_of_half", "end_of_year")] | None = None
    plus: Length | None = None
    inactivity: Length | None = None
    of: Annotated[tuple[Name, ...], BeforeValidator(_read_events), Field(max_length=50), WithJsonSchema(_NAMES_SCHEMA)] = ()
    zero_point_purchase_extends: Flag | None = None
    goodwill_extends: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, Span):
            return {"length": str(value.length), "rounded_to": value.rounded_to, "plus": value.plus}
        return short_form(
            cls, value, "length", "never, a span such as 12 months, {day_of_year: 12-31} or {inactivity: 12 months}", short=str | Length
        )

    @model_serializer(mode="wrap")
    def _short(self, write: SerializerFunctionWrapHandler) -> str | dict[str, Any]:
        fields: dict[str, Any] = {name: part for name, part in write(self).items() if part is not None}
        if "of" in fields and len(self.of) == 1:
            fields["of"] = self.of[0]
        return str(self.length) if set(fields) == {"length"} else fields

    def faults(self) -> Iterator[Diagnostic]:
        """Parts that do not go together, at paths inside the expiry."""
        if self.length is None and self.day_of_year is None and self.inactivity is None:
            yield Diagnostic("document.missing_field", "", {"field": "length"})
        fixed = [name for name in ("length", "rounded_to") if self.day_of_year is not None and getattr(self, name) is not None]
        for name in fixed:
            yield Diagnostic("document.not_with", name, {"field": name, "other": "day_of_year"})
        for needed, names in (("day_of_year", ("after",)), ("inactivity", _INACTIVITY)):
            if getattr(self, needed) is None and set(names) & self.model_fields_set:
                yield Diagnostic("document.missing_field", needed, {"field": needed})
        if self.zero_point_purchase_extends is not None and self.of and "purchase" not in self.of:
            params = {"field": "zero_point_purchase_extends", "other": f"of: {', '.join(self.of)}"}
            yield Diagnostic("document.not_with", "zero_point_purchase_extends", params)

    # -- dates -----------------------------------------------------------------------------------------------------

    def last_day(self, accrued: date) -> date:
        """The last usable day of what is accrued on a day, if nothing else happens."""
        if self.day_of_year is not None:
            last = self.day_of_year.on_or_after(self.after.after(accrued) if self.after is not None else accrued)
            return self.plus.after(last) if self.plus is not None else last
        if self.length is not None:
            return self._spanned(self.length).last_day(accrued)
        return self.carries(accrued)

    def carries(self, active: date) -> date:
        """Up to when activity on a day carries everything."""
        assert self.inactivity is not None
        return self._spanned(self.inactivity).last_day(active)

    def _spanned(self, length: Length) -> Span:
        return Span.model_construct(length=length, rounded_to=self.rounded_to, plus=self.plus)

    # -- activity --------------------------------------------------------------------------------------------------

    @property
    def moves(self) -> tuple[str, ...]:
        """Which tallies of what comes in tell of activity."""
        if self.inactivity is None:
            return ()
        earned = (EARNED,) if not self.of else (EARNED_BY_PURCHASE,) if "purchase" in self.of and self.zero_point_purchase_extends is False else ()
        return (*earned, GIVEN) if self.goodwill_extends else earned

    @property
    def events(self) -> tuple[str, ...]:
        """Which events are activity, whether they earned or not."""
        if self.inactivity is None:
            return ()
        if not self.of:
            return ("purchase",) if self.zero_point_purchase_extends else ()
        return tuple(name for name in self.of if name != "purchase" or self.zero_point_purchase_extends is not False)

    def measured(self) -> dict[str, Measure]:
        """Days since each of the events; and their number, which keeps their days for as long as they may carry."""
        window = Window.parse(str(self.inactivity)) if self.inactivity is not None else None
        since = {f"since {name}": Measure(since=name) for name in self.events}
        return since | {f"number of {name} in {window}": Measure(count=name, window=window) for name in self.events}

    def counted(self) -> dict[str, Window | None]:
        """The same of what comes in."""
        windows = {f"{name} in {self.inactivity}": Window.parse(str(self.inactivity)) for name in self.moves}
        return {**dict.fromkeys(self.moves), **windows}

    def facts(self) -> tuple[str, ...]:
        """Names, inside the account's own, of what tells how many days ago something was active."""
        return (*(f"since {name}" for name in self.events), *self.moves)
