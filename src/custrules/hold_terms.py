"""How long a hold stands that does not say so itself."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict

from custrules.calendars import Duration
from custrules.fields import wrong_type


class LongerThanNothing(Duration):
    """A duration above nought."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        found = super().parse(text)
        if not found.delta:
            raise wrong_type("a duration above nought such as 30 minutes", text)
        return found


class HoldTerms(BaseModel):
    """How long a hold stands that does not say so itself: ``length`` after it began."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    length: LongerThanNothing
