"""How a refund comes about: the documents it takes, who approves it up to which amount, by when it is paid, who is reminded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from custrules.calendars import Length, start_of_day
from custrules.calendars.clocks import Clock
from custrules.errors import Diagnostic
from custrules.fields import Flag, Name, TextValue, read_rate, wrong_type
from custrules.money import to_units
from custrules.policies.stored_value.causes import Fine
from custrules.policy import View


class _Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")


class RefundRung(_Part):
    """Who approves refunds ``up_to`` an amount, with it; the last rung names none."""

    up_to: Fine | None = None
    by: Name


class At(TextValue):
    """When: a share of the time until a refund is to be paid (``80%``), a length after the request, or ``2 days before`` the end."""

    __slots__ = ("before", "length", "share", "text")
    grammar = "a share such as 80%, a length such as 10 days, or 2 days before"
    text: str
    share: Fraction | None
    length: Length | None
    before: Length | None

    def __init__(self, text: str, share: Fraction | None = None, length: Length | None = None, before: Length | None = None) -> None:
        self.text, self.share, self.length, self.before = text, share, length, before

    @classmethod
    def parse(cls, text: str) -> At:
        if text.endswith("%") or "/" in text:
            share = read_rate(text)
            if not 0 <= share <= 1:
                raise wrong_type(cls.grammar, text)
            return cls(text, share=share)
        if text.endswith(" before"):
            return cls(text, before=Length.parse(text.removesuffix(" before")))
        return cls(text, length=Length.parse(text))

    def day(self, asked: date, last: date | None) -> date | None:
        """The local day on which it is due; None where the end is not known and it is counted by that."""
        if self.length is not None:
            return self.length.after(asked)
        if last is None:
            return None
        if self.before is not None:
            return self.before.before(last)
        assert self.share is not None
        return asked + timedelta(days=(last - asked).days * self.share.numerator // self.share.denominator)


class RefundReminder(_Part):
    """``at`` which time a task goes ``to`` whom, while a request waits."""

    at: At
    to: Name


class RefundProcess(_Part):
    """What a request takes and who answers it.

    ``documents`` that are asked for; the ladder of ``approval``, by what the customer asks back in all within ``aggregate``;
    ``freeze_on_request``: what is asked back is held until it is decided; ``quote``: how long a quote holds; within ``sla`` it is paid.
    """

    documents: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    approval: Annotated[tuple[RefundRung, ...], Field(max_length=50)] = ()
    aggregate: Length = Length.parse("90 days")
    freeze_on_request: Flag = False
    quote: Length | None = None
    sla: Clock | None = None
    remind: Annotated[tuple[RefundReminder, ...], Field(max_length=50)] = ()

    def rung(self, units: int, scale: int) -> int | None:
        """The place of the first rung that may approve so much; None where there is no ladder."""
        for place, rung in enumerate(self.approval):
            if rung.up_to is None or units <= to_units(rung.up_to, scale, "the currency"):
                return place
        return len(self.approval) - 1 if self.approval else None

    def may_decide(self, by: str | None, place: int) -> bool:
        """Whether somebody stands at a rung or above it: ``manager``, or who she is in that role: ``manager:wang``."""
        role = (by or "").partition(":")[0]
        return any(rung.by in (by, role) for rung in self.approval[place:])

    def faults(self, path: str, scale: int) -> Iterator[Diagnostic]:
        before: Decimal | None = Decimal(-1)
        for place, rung in enumerate(self.approval):
            if before is None or (rung.up_to is not None and rung.up_to <= before):
                yield rungs_in_disorder(f"{path}.approval[{place}].up_to", rung.up_to, before)
            before = rung.up_to


def rungs_in_disorder(path: str, found: Decimal | None, before: Decimal | None) -> Diagnostic:
    """Rows by amounts that do not rise, or that follow the last one."""
    return Diagnostic("document.rungs_in_disorder", path, {"found": str(found), "before": str(before)})


def last_day(clock: Clock | None, asked: date, view: View) -> date | None:
    """The last day of a clock that starts on a day, which is not counted; None where there is none, or it is not known."""
    return clock.last_day(start_of_day(asked, view.zone), view.zone, view.working) if clock is not None else None


__all__ = ["At", "RefundProcess", "RefundReminder", "RefundRung", "last_day", "rungs_in_disorder"]
