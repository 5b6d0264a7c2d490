"""From when points can be used: after a span, when goods can no longer be returned, or when something has happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator

from custrules.calendars import ONE_DAY, Length
from custrules.errors import Diagnostic
from custrules.events import AnyEvent
from custrules.fields import Name, one_of
from custrules.forms import short_form
from custrules.ledger import Lot
from custrules.validation import nearest

RETURN_WINDOW = "return_window"
OPEN = date.max  # of a lot that waits for an event: the day from which it is usable is not known


class Pending(BaseModel):
    """``7 days`` (the last of them inclusive), or ``until`` something: ``return_window``, or an event or activity.

    The event names its order by the attribute ``by`` (``of``: the event's own field); without ``by``, the next such event makes
    usable whatever waits. After ``time_out`` the points become usable ``otherwise``, or are cancelled. ``expiry_from`` says from
    when their expiry is counted.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    length: Length | None = None
    until: Name | None = None
    by: Name | None = None
    time_out: Length | None = None
    otherwise: Annotated[Literal["usable", "cancelled"], one_of("usable", "cancelled")] = "usable"
    expiry_from: Annotated[Literal["accrual", "usable"], one_of("accrual", "usable")] = "accrual"

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return short_form(cls, value, "length", "a length such as 7 days, {until: return_window} or {until: delivered}", short=str | Length)

    @model_serializer(mode="wrap")
    def _short(self, write: SerializerFunctionWrapHandler) -> str | dict[str, Any]:
        fields: dict[str, Any] = {name: part for name, part in write(self).items() if part is not None}
        return str(self.length) if set(fields) == {"length"} else fields

    @property
    def event(self) -> str | None:
        """The event or activity that is waited for."""
        return self.until if self.until != RETURN_WINDOW else None

    def faults(self, events: tuple[str, ...]) -> Iterator[Diagnostic]:
        if (self.length is None) == (self.until is None):
            code, params = ("missing_field", {"field": "length"}) if self.length is None else ("not_with", {"field": "until", "other": "length"})
            yield Diagnostic(f"document.{code}", "until" if self.length is not None else "", params)
        if self.event is None:
            for name in ("by", "time_out", "otherwise"):
                if name in self.model_fields_set:
                    yield Diagnostic("document.not_with", name, {"field": name, "other": f"until: {self.until}" if self.until else "length"})
            return
        if self.event not in events or self.event in _NOT_AWAITED:
            known = sorted({*events, RETURN_WINDOW} - set(_NOT_AWAITED))
            params = {"found": self.event, "known": ", ".join(known), "nearest": nearest(self.event, known)}
            yield Diagnostic("document.unknown_event", "until", params)
        if self.expiry_from == "usable":  # the day is not known when the lot gets its date, which never moves
            yield Diagnostic("document.not_with", "expiry_from", {"field": "expiry_from: usable", "other": f"until: {self.event}"})
        if self.otherwise == "cancelled" and self.time_out is None:
            yield Diagnostic("document.missing_field", "time_out", {"field": "time_out"})

    def usable_from(self, accrued: date, window: Length) -> date:
        """The first usable day of what is accrued on a day; OPEN where only an event tells."""
        length = self.length or (window if self.event is None else self.time_out if self.otherwise == "usable" else None)
        return length.after(accrued) + ONE_DAY if length is not None else OPEN

    def cancelled_on(self, lot: Lot) -> date | None:
        """The day on which a lot that still waits is cancelled."""
        waits = self.otherwise == "cancelled" and self.time_out is not None and lot.usable_from == OPEN
        return self.time_out.after(lot.day) + ONE_DAY if waits and self.time_out is not None else None

    def released(self, event: AnyEvent, lot: Lot) -> bool:
        """Whether an event (the one that is waited for) makes a lot usable."""
        if self.by is None:
            return lot.origin != event.id
        named = getattr(event, "of", None) if self.by == "of" else event.attributes.get(self.by)
        return named is not None and str(named) == lot.origin


_NOT_AWAITED = ("new_day", "tick")
