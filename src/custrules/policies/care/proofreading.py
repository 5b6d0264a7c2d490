"""Reading the text of a message for what its trigger forbids: taboos, cheer on a solemn day, wording that some mind, a missing signature.

The texts themselves are the host's: a trigger names a template. This reads one against the trigger, in the tests of the host or before it sends.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from custrules.calendars.festivals import FESTIVALS
from custrules.errors import Diagnostic
from custrules.policies.care.trigger import Trigger


@lru_cache(maxsize=1)
def lexicon() -> Mapping[str, Any]:
    """The words by heading: zh and en, and wording that is discouraged with what to write instead."""
    return tomllib.loads(files("custrules.policies.care").joinpath("lexicon.toml").read_text("utf-8"))


def proofread(trigger: Trigger, text: str, lang: str, own: Mapping[str, Sequence[str]]) -> list[Diagnostic]:
    """What a text must not carry, or should; errors, and warnings where opinions differ."""
    return [*_taboos(trigger, text, lang, own), *_cheer(trigger, text, lang), *_discouraged(text), *_unsigned(trigger, text)]


def _taboos(trigger: Trigger, text: str, lang: str, own: Mapping[str, Sequence[str]]) -> Iterator[Diagnostic]:
    for taboo in trigger.taboo:
        found = list(words_in(text, [*lexicon()[taboo][lang], *own.get(taboo, ())], lang))
        if found:
            yield Diagnostic("care.text_taboo", trigger.template, {"trigger": trigger.id, "taboo": taboo, "found": ", ".join(found)})


def _cheer(trigger: Trigger, text: str, lang: str) -> Iterator[Diagnostic]:
    """Nobody is wished a happy day of the dead."""
    solemn = [name for name in trigger.occasion.festival or () if FESTIVALS[name].solemn]
    found = list(words_in(text, lexicon()["cheer"][lang], lang)) if solemn else []
    if found:
        yield Diagnostic("care.text_cheer", trigger.template, {"festival": ", ".join(solemn), "found": ", ".join(found)})


def _discouraged(text: str) -> Iterator[Diagnostic]:
    longest = sorted(lexicon()["discouraged"].items(), key=lambda pair: -len(pair[0]))
    found = next(((word, better) for word, better in longest if word in text), None)
    if found is not None:
        params = {"found": found[0], "better": found[1]}
        yield Diagnostic("care.text_discouraged", "", params, severity="warning")


def _unsigned(trigger: Trigger, text: str) -> Iterator[Diagnostic]:
    """A placeholder for each part of the signature: {store}, {adviser}."""
    missing = [name for name in trigger.sign or () if f"{{{name}}}" not in text]
    if missing:
        yield Diagnostic("care.text_unsigned", trigger.template, {"missing": ", ".join(f"{{{name}}}" for name in missing)})


def words_in(text: str, words: Sequence[str], lang: str) -> Iterator[str]:
    """Those of some words that stand in a text, each once."""
    lowered = text.casefold()
    for word in dict.fromkeys(words):
        sought = word.casefold()
        if sought in lowered if lang == "zh" else re.search(_whole(sought), lowered):
            yield word


def _whole(word: str) -> str:
    """A word as a whole: no letter before or after it, where it begins or ends with one itself."""
    before, after = (r"\b" if end.isalnum() else "" for end in (word[0], word[-1]))
    return f"{before}{re.escape(word)}{after}"
