"""The page of law profiles, out of the profiles themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from custrules.law import CAUSES, PROFILES, RULES, LawEntry, LawProfile, LawSource, shipped, told
from custrules.law.vocabulary import Kind
from docs.reading import Words

Lines = Iterator[str]
Table = Callable[[Iterable[str], Iterable[Iterable[str]]], Lines]


def law_profiles(said: Words, table: Table) -> Lines:
    """Names of rules, then every shipped profile with its sources and rules."""
    texts = said.texts["law"]
    yield f"## {texts['headings']['names']}"
    yield ""
    head = [texts["words"]["rule"], texts["words"]["value"], said.texts["meaning"]]
    general = [name for name in RULES if name in texts["rules"]]
    yield from table(head, ([f"`{name}`", _value(RULES[name], said), texts["rules"][name]] for name in general))
    yield f"## {texts['headings']['of_causes']}"
    yield ""
    yield texts["words"]["causes"].format(said.texts["comma"].join(f"`{cause}`" for cause in CAUSES))
    yield ""
    kinds = {what: RULES[f"refund.{CAUSES[0]}.{what}"] for what in texts["causes"]}
    yield from table(head, ([f"`{what}`", _value(kind, said), texts["causes"][what]] for what, kind in kinds.items()))
    assert {*general, *(f"refund.{cause}.{what}" for cause in CAUSES for what in kinds)} == RULES.keys()
    yield texts["words"]["legal"]
    yield ""
    for name in PROFILES:
        yield from _profile(shipped(name), said, table)


def _value(kind: Kind, said: Words) -> str:
    return said.texts["comma"].join(f"`{choice}`" for choice in kind.choices) or str(said.texts["law"]["values"][kind.name])


def _profile(profile: LawProfile, said: Words, table: Table) -> Lines:
    words = said.texts["law"]["words"]
    yield f"## {profile.profile}"
    yield ""
    about = [f"{told(profile.title, said.lang)}{said.texts['stop']}"]
    about += [words["extends"].format(profile.extends)] if profile.extends else []
    about += [words["amounts"].format(profile.currency)] if profile.currency else []
    about += [told(profile.note, said.lang)] if profile.note else []
    yield " ".join(about)
    yield ""
    head = [words["source"], words["kind"], words["days"], words["read"]]
    yield from table(head, (_source(name, source, said) for name, source in profile.sources.items()))
    head = [words["rule"], words["value"], words["strength"], words["days"], words["where"], words["says"]]
    yield from table(head, (_rule(entry, profile, said) for entry in profile.rules))


def _source(name: str, source: LawSource, said: Words) -> list[str]:
    texts = said.texts["law"]
    since = texts["words"]["since"].format(source.in_force.isoformat()) if source.in_force else said.texts["nothing"]
    read = texts["read"][source.read] + (f"{said.texts['stop']} {told(source.note, said.lang)}" if source.note else "")
    return [f"`{name}` {told(source.title, said.lang)}", texts["kinds"][source.kind], since, read]


def _rule(entry: LawEntry, profile: LawProfile, said: Words) -> list[str]:
    words = said.texts["law"]["words"]
    draft = profile.sources[entry.source].kind == "draft"
    where = " ".join(part for part in (f"`{entry.source}`", entry.article) if part)
    says = [told(entry.text, said.lang)]
    says += [words["draft"]] if draft else []
    says += [words["unconfirmed"].format(told(entry.missing, said.lang))] if not entry.confirmed else []
    return [f"`{entry.rule}`", f"`{RULES[entry.rule].write(entry.value)}`", entry.strength, _days(entry, said), where, " ".join(says)]


def _days(entry: LawEntry, said: Words) -> str:
    words = said.texts["law"]["words"]
    since = [words["since"].format(entry.effective_from.isoformat())] if entry.effective_from.year > 1900 else []
    until = [words["until"].format(entry.effective_to.isoformat())] if entry.effective_to is not None else []
    return " ".join([*since, *until]) or str(words["always"])
