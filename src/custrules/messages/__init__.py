"""Words for codes: ``render(x, "zh")``. Sentences live in en.toml and zh.toml; ``{name}`` is all the grammar that they have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache, singledispatch
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any

from custrules.errors import Diagnostic, Faults
from custrules.policy import Decision, Reason
from custrules.shown import listed, shown

GROUP = "custrules.messages"
LANGUAGES = ("en", "zh")
ALIASED = ("event", "facts", "state", "scenario", "analysis")  # families whose codes take the words of document.* where they have none of their own

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_IN_PHRASES = ("expected", "found", "other", "per", "reason", "response", "unit", "what")

Entry = Mapping[str, str]


def render(x: object, lang: str = "en") -> str:
    """An answer of the library in words: a Reason, Decision, Step, Evaluation, Diagnostic, Explanation, Progress, Restatement, or what the
    functions that look at whole programs give (Backtest, Comparison, Metrics, Plan, Statement …). ``lang`` is en or zh.

    A code without a sentence is shown with its numbers. TypeError for what has no words, ValueError for another language.
    """
    return Speaker(_language(lang)).say(x)


def render_all(items: Iterable[object], lang: str = "en", *, plugins: bool = True) -> str:
    """One line for each; ``plugins=False`` loads no catalogue of another distribution."""
    speaker = Speaker(_language(lang), plugins)
    return "\n".join(speaker.say(item) for item in items)


def _language(lang: str) -> str:
    head = str(lang).replace("_", "-").partition("-")[0].lower()
    if head not in LANGUAGES:
        raise ValueError(f"there are words in {' and '.join(LANGUAGES)}, not in {lang!r}")
    return head


@dataclass(frozen=True, slots=True)
class Speaker:
    """Finds sentences in one language and fills them in."""

    lang: str
    plugins: bool = True

    def say(self, x: object) -> str:
        return speak(x, self)

    def word(self, name: str, params: Mapping[str, Any]) -> str:
        """One of our own fixed phrases."""
        return self.filled(_catalogue(self.lang)["words"][name], params)

    def optional(self, name: str) -> str:
        """One of our own fixed phrases that takes nothing; '' where there is none of that name."""
        return str(_catalogue(self.lang)["words"].get(name, ""))

    def entry(self, code: str) -> Entry | None:
        """The sentences of a code: ours, those of the document's code of that name, or a plug-in's."""
        own: Mapping[str, Entry] = _catalogue(self.lang)
        family, _, rest = code.partition(".")
        if code in own:
            return own[code]
        if family in ALIASED and f"document.{rest}" in own:
            return own[f"document.{rest}"]
        if family == "law" and (general := f"law.{rest.partition('.')[2]}") in own:
            return own[general]  # a finding of one profile takes the words of all
        return _of_plugins(code, self.lang) if self.plugins else None

    def sentence(self, code: str, params: Mapping[str, Any]) -> str:
        """What a code says, ``bare`` where its numbers are not known; the code and its numbers where it has no sentence."""
        entry = self.entry(code)
        if entry is None:
            told = ", ".join(f"{name}={shown(value)}" for name, value in params.items())
            return f"{code} ({told})" if told else code
        bare = "bare" in entry and not placeholders(entry["text"]) <= params.keys()
        return self.filled(entry["bare" if bare else "text"], params)

    def filled(self, text: str, params: Mapping[str, Any]) -> str:
        """``{name}`` replaced by the parameter of that name; one that is missing stays visible."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name not in params:
                return found[0]
            given = params[name]
            if name == "known":
                return listed(given)
            return shown(self._phrase(name, given if isinstance(given, str) else shown(given)))

        return _PLACEHOLDER.sub(value, text)

    def filled_whole(self, text: str, params: Mapping[str, Any]) -> str:
        """The same for a sentence that is only said when everything in it is known: '' otherwise."""
        known = all(shown(params.get(name, "")) for name in placeholders(text))
        return self.filled(text, params) if known else ""

    def _phrase(self, name: str, text: str) -> str:
        """What the library itself put into a parameter in English, in this language."""
        phrases: Mapping[str, str] = _catalogue(self.lang).get("phrases", {})
        if name not in _IN_PHRASES or not phrases:
            return text
        if text in phrases:
            return phrases[text]
        return next((said for said in (_refilled(text, *pair) for pair in _patterns(self.lang)) if said), text)


@lru_cache(maxsize=8)
def _patterns(lang: str) -> tuple[tuple[str, str], ...]:
    """Phrases with a gap, ``the field '{}'``, the longest first."""
    pairs = [pair for pair in _catalogue(lang).get("phrases", {}).items() if "{}" in pair[0]]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


def _refilled(text: str, pattern: str, said: str) -> str:
    """A phrase in the other language with what stood in its gaps, in their order; '' where it is another phrase."""
    parts = [re.escape(part) for part in pattern.split("{}")]
    found = re.fullmatch("(.+?)".join(parts), text, re.DOTALL) if all(part in text for part in pattern.split("{}")) else None
    if found is None:
        return ""
    gaps = iter(found.groups())
    return re.sub(r"\{\}", lambda _: next(gaps), said)


def placeholders(text: str) -> frozenset[str]:
    """The names that a sentence fills in."""
    return frozenset(_PLACEHOLDER.findall(text))


@lru_cache(maxsize=8)
def _catalogue(lang: str) -> Mapping[str, Any]:
    return tomllib.loads(files(__name__).joinpath(f"{lang}.toml").read_text("utf-8"))


def _of_plugins(code: str, lang: str) -> Entry | None:
    """A sentence out of the catalogue of the distribution that ships codes of this family."""
    parts = code.split(".")
    heads = (".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    return next((found[code] for head in heads if code in (found := _plugin_catalogue(head, lang))), None)


def nearest_code(code: str) -> str:
    """The code of ours that was probably meant by one that has no sentence; '' where it has one, or none is near."""
    return "" if Speaker("en").entry(code) is not None else next(iter(get_close_matches(code, _catalogue("en"), n=1, cutoff=0.6)), "")


def plugin_sentences(kind: str, lang: str) -> frozenset[str]:
    """The codes for which the distribution that ships a kind has sentences in one language."""
    parts = kind.split(".")
    heads = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return frozenset(code for head in heads for code in _plugin_catalogue(head, lang))


@lru_cache(maxsize=256)
def _plugin_catalogue(family: str, lang: str) -> Mapping[str, Entry]:
    """Empty where nobody ships one, or it cannot be read: a sentence that is missing never stops anything."""
    found: dict[str, Entry] = {}
    for point in entry_points(group=GROUP, name=family):
        try:
            found |= _sentences_in(point.load(), lang)
        except Exception:  # noqa: BLE001 - then the code itself is shown
            continue
    return {code: entry if isinstance(entry, Mapping) else {"text": str(entry)} for code, entry in found.items()}


def _sentences_in(loaded: Any, lang: str) -> Mapping[str, Any]:
    mapping = loaded if isinstance(loaded, Mapping) else getattr(loaded, "MESSAGES", None)
    if mapping is not None:
        return dict(mapping.get(lang, {}))
    package = loaded.__name__ if hasattr(loaded, "__path__") else loaded.__package__
    return tomllib.loads(files(package).joinpath(f"{lang}.toml").read_text("utf-8"))


@singledispatch
def speak(x: object, speaker: Speaker) -> str:
    """Words for one thing. Whoever defines a type that has words registers them here."""
    raise TypeError(f"{type(x).__name__} has no words: render tells what custrules answers (a step, a decision, a plan …), not what it was given")


@speak.register
def _(why: Reason, speaker: Speaker) -> str:
    return speaker.sentence(why.code, why.params)


@speak.register
def _(decision: Decision, speaker: Speaker) -> str:
    """The policy and its reasons, in one line."""
    gap = "" if speaker.lang == "zh" else " "
    told = {"policy": decision.policy_id, "reasons": gap.join(speaker.say(why) for why in decision.reasons)}
    return _PLACEHOLDER.sub(lambda found: told[found[1]], _catalogue(speaker.lang)["words"][f"decision_{decision.outcome.lower()}"])


@speak.register
def _(fault: Diagnostic, speaker: Speaker) -> str:
    """``aurora.yaml:12:22 document.unknown_field: there is no field "enterr" here. Did you mean "enter"?``"""
    place = fault.place if fault.line else " ".join(part for part in (fault.source, fault.path) if part)
    entry = speaker.entry(fault.code)
    if entry is None:
        return f"{place} {speaker.sentence(fault.code, fault.params)}".strip()
    gap = "" if speaker.lang == "zh" else " "
    sentences = [speaker.filled(entry["text"], fault.params), speaker.filled_whole(entry.get("also", ""), fault.params)]
    near = speaker.filled_whole(_catalogue(speaker.lang)["words"]["did_you_mean"], fault.params)
    sentences.append(near or speaker.filled_whole(entry.get("mend", ""), fault.params))
    return f"{place} {fault.code}: {gap.join(sentence for sentence in sentences if sentence)}".strip()


Faults.words = staticmethod(lambda faults: render_all(faults, "en", plugins=False))
