"""What several verbs are asked for in the same words: a day."""

from __future__ import annotations

from datetime import date

from pydantic_core import PydanticCustomError

from custrules.cli.output import Misuse
from custrules.fields import read_day


def day_asked(text: str | None, misread: str) -> date:
    """A day as it is written, or this machine's where none is asked for. ``misread``: the key of what is said about another text."""
    if text is None:
        return date.today()  # noqa: DTZ011 - the machine's own day is what is meant
    try:
        return read_day(text)
    except PydanticCustomError:
        raise Misuse(misread, found=text) from None
