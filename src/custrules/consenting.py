"""Consent by channel and purpose: since which day it stands, and on which it was withdrawn.

Consent to ``marketing`` allows greetings as well, consent to ``greeting`` allows greetings alone, ``none`` withdraws both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from custrules.fields import Frozen
from custrules.ledger import text

NONE = "none"
ALLOWED_BY: Mapping[str, tuple[str, ...]] = {"greeting": ("greeting", "marketing"), "marketing": ("marketing",)}
"""The words that allow a purpose. What is of service needs none."""


class Consent(NamedTuple):
    """What is known of consent to one purpose over one channel.

    ``since``: the day since which it is given (None: not known, or never given); ``withdrawn``: the day on which it was withdrawn or
    refused (None: it was not).
    """

    since: date | None = None
    withdrawn: date | None = None

    @property
    def last(self) -> date:
        """The day of what was said last."""
        return max(self.since or date.min, self.withdrawn or date.min)


Consents = Mapping[str, Mapping[str, Consent]]
"""By channel, then by purpose: greeting, marketing."""
Side = tuple[Mapping[str, str], Consents]
"""The words that stand by channel, and the days."""


class Said(NamedTuple):
    """What stands for one purpose: whether there is consent, and the days of it."""

    given: bool
    days: Consent | None

    @property
    def last(self) -> date:
        return self.days.last if self.days is not None else date.min


def allows(word: str | None, purpose: str) -> bool:
    """Whether the word that stands for a channel allows a purpose."""
    return word in ALLOWED_BY.get(purpose, ())


def said(words: Mapping[str, str], known: Consents, update: Mapping[str, str], day: date) -> Side:
    """Words and days after an update of a day. What was said later already stands: an update that comes late does not undo it."""
    found_words, found_days = dict(words), dict(known)
    for channel, word in update.items():
        before = {purpose: _told((words, known), channel, purpose) or Said(False, None) for purpose in ALLOWED_BY}
        after = {purpose: old if old.last > day else _after(old, allows(word, purpose), day, word) for purpose, old in before.items()}
        found_words[channel] = word_of({purpose: each.given for purpose, each in after.items()})
        found_days[channel] = Frozen({purpose: each.days for purpose, each in after.items() if each.days is not None})
    return Frozen(found_words), Frozen({channel: kept for channel, kept in found_days.items() if kept})


def _after(old: Said, given: bool, day: date, word: str) -> Said:
    """What stands for a purpose once a word is said: given anew, withdrawn or refused on that day, or as it was."""
    if given == old.given and not (word == NONE and old.days is None):
        return old
    return Said(given, Consent(day) if given else Consent(old.days.since if old.days is not None else None, day))


def word_of(given: Mapping[str, bool]) -> str:
    """The one word for what is given."""
    return "marketing" if given["marketing"] else "greeting" if given["greeting"] else NONE


def of_both(mine: Side, theirs: Side) -> Side:
    """Words and days of two cards of one person: what was said later counts; of one day, or where a day is not known, the refusal."""
    words, days = dict(mine[0]), dict(mine[1])
    for channel, word in theirs[0].items():
        picked = {purpose: _picked(_told(mine, channel, purpose), _told(theirs, channel, purpose)) for purpose in ALLOWED_BY}
        words[channel] = word_of({purpose: said.given for purpose, said in picked.items()}) if channel in words else word
        days[channel] = Frozen({purpose: said.days for purpose, said in picked.items() if said.days is not None})
    return Frozen(words), Frozen({channel: kept for channel, kept in days.items() if kept})


def _told(side: Side, channel: str, purpose: str) -> Said | None:
    words, days = side
    return Said(allows(words[channel], purpose), days.get(channel, {}).get(purpose)) if channel in words else None


def _picked(one: Said | None, two: Said | None) -> Said:
    if one is None or two is None:
        return one or two or Said(False, None)
    unclear = one.last == two.last or date.min in (one.last, two.last)
    if one.given != two.given and unclear:
        return two if one.given else one
    return one if one.last >= two.last else two


def consents_data(consents: Consents) -> dict[str, Any]:
    """As a state keeps them: ``{"sms": {"marketing": ["2026-03-01", null]}}``."""
    return {
        channel: {purpose: [day.isoformat() if day is not None else None for day in kept] for purpose, kept in purposes.items()}
        for channel, purposes in consents.items()
    }


def read_consents(data: Mapping[str, Any]) -> Consents:
    return Frozen({text(channel): Frozen({text(name): _read(row) for name, row in purposes.items()}) for channel, purposes in data.items()})


def _read(row: list[Any]) -> Consent:
    since, withdrawn = (date.fromisoformat(day) if day is not None else None for day in row)
    return Consent(since, withdrawn)
