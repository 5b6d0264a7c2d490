"""Sections: what is declared and not read, titles in one language only, versions that change nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from custrules.analysis.check.findings import Findings, Path
from custrules.measures import UntilMeter
from custrules.messages import LANGUAGES, plugin_sentences
from custrules.policies import KINDS
from custrules.policies.points import Account
from custrules.policies.tiers import Ladder
from custrules.policy import Policy

WHO_SOMEBODY_IS = ("birthday", "phone", "subject")  # profile fields of these types are the host's, whether a rule reads them or not


def check_sections(findings: Findings) -> None:
    _unread(findings)
    _titles(findings)
    _plugin_words(findings)
    _versions(findings)


# -- declared and not read ---------------------------------------------------------------------------------------------


def _unread(findings: Findings) -> None:
    parts, read = findings.rules.parts, _read(findings)
    for name in parts.measures:
        if name not in read:
            findings.add_of_name("check.unread_measure", ("measures", name), name=name)
    kept = {name for name, spec in findings.program.document_data().get("profile", {}).items() if spec["type"] in WHO_SOMEBODY_IS}
    for section in ("profile", "calendar"):
        for name in getattr(parts, section):
            if name not in read | kept:
                findings.add_of_name("check.unread", (section, name), "info", name=name, section=section)
    earning = {policy.event_name() for policy in parts.policies}
    counted = {counted.subject for meter in findings.rules.meters.values() for counted in meter.counted}
    for name in parts.declared.activities:
        if name not in earning | counted | _awaited(findings):
            findings.add_of_name("check.unread", ("activities", name), "info", name=name, section="activities")
    counted = {counted.subject for name, meter in findings.rules.meters.items() if name in parts.measures for counted in meter.counted}
    for name in parts.declared.readings:
        if name not in earning | counted | read:
            findings.add_of_name("check.unread", ("readings", name), "info", name=name, section="readings")


def _awaited(findings: Findings) -> set[str]:
    """Events that bring a level, make points usable or bring them back."""
    policies = findings.rules.parts.policies
    found = {row.event for ladder in policies if isinstance(ladder, Ladder) for row in ladder.bought}
    for account in (policy for policy in policies if isinstance(policy, Account)):
        found |= {part.event for part in (account.pending, account.reinstatement) if part is not None and part.event is not None}
    return found


def _read(findings: Findings) -> set[str]:
    """Facts that some policy reads, or a measure that is itself a part of another."""
    rules = findings.rules
    read = {name for policy in rules.parts.policies for name in policy.reads()}
    for _ in range(2):  # a ratio may be made of differences
        read |= {
            part for name, measure in rules.parts.measures.items() if name in read for part in (*(measure.ratio or ()), *(measure.difference or ()))
        }
    read |= {meter.field for meter in rules.meters.values() if isinstance(meter, UntilMeter)}
    if rules.birthday is not None and any(name.startswith("birthday_") for name in read):
        read.add(rules.birthday)
    return read


# -- words -------------------------------------------------------------------------------------------------------------


def _titles(findings: Findings) -> None:
    """Titles that say something in one language and nothing in the other."""
    titles = list(_all_titles(findings))
    bilingual = any(isinstance(title, Mapping) and len(title) == len(LANGUAGES) for _, title in titles)
    for path, title in titles:
        if isinstance(title, Mapping):
            for language in (language for language in LANGUAGES if language not in title):
                findings.warning("check.missing_translation", path, language=language, title=next(iter(title.values())))
        elif title and bilingual:
            findings.info("check.untranslated", path, title=title)


def _all_titles(findings: Findings) -> Iterator[tuple[Path, object]]:
    yield ("title",), findings.program.title
    for policy in findings.rules.parts.policies:
        yield findings.path(policy, "title"), policy.title
        if isinstance(policy, Ladder):
            yield from ((findings.path(policy, "levels", rank, "title"), level.title) for rank, level in enumerate(policy.levels))


def _plugin_words(findings: Findings) -> None:
    """Sentences of other distributions that one language lacks."""
    for kind, policy in {policy.kind: policy for policy in findings.rules.parts.policies if policy.kind not in KINDS}.items():
        codes = {language: plugin_sentences(kind, language) for language in LANGUAGES}
        for language in LANGUAGES:
            lacking = sorted(set().union(*codes.values()) - codes[language])
            if lacking:
                findings.warning("check.missing_sentence", findings.path(policy, "kind"), kind=kind, language=language, codes=", ".join(lacking[:10]))


# -- versions ----------------------------------------------------------------------------------------------------------


def _versions(findings: Findings) -> None:
    for policies in findings.rules.versions.values():
        if policies[0].retired:
            findings.warning("check.retired_from_start", findings.path(policies[0], "retired"), id=policies[0].id)
        for before, after in pairwise(policies):
            if _same(before, after):
                findings.warning("check.version_says_the_same", findings.path(after), id=after.id, since=before.effective_from)


def _same(before: Policy, after: Policy) -> bool:
    return before.model_copy(update={"effective_from": after.effective_from}) == after
