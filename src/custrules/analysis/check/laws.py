"""What the law of a program says about it: whether somebody confirmed it, what is not known, what is to change, what the terms may not say.

A finding is called after the profile whose rule it is: ``law.cn.stored_value.limit``. None of them is legal advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from custrules.analysis.check.findings import Findings, Path
from custrules.calendars import ONE_DAY, Length
from custrules.calendars.clocks import Days
from custrules.errors import Severity
from custrules.law import Law, LawRule
from custrules.law.vocabulary import Deadline, Value
from custrules.policy import Policy

MOST_NAMES = 12
EVER = date.max
# Of two values of a rule, the one that leaves the customer worse off: a higher limit is weaker, a shorter validity too.
_LESS_IS_STRICTER = ("limit.", "dormancy.at_most", "dormancy.balance_at_most", "registration.", "payment.", "refund.share_of", "referral.")


def check_laws(findings: Findings) -> None:
    law = findings.program.law
    if law is None:
        return
    if not law.confirmed:
        findings.warning(_code(law.name, "law.profile.unconfirmed"), ("law",), profile=law.name)
    _not_known(findings, law)
    _ahead(findings, law)
    _weakened(findings, law)


def tell(findings: Findings, rule: LawRule, code: str, path: Path, severity: Severity = "warning", /, **params: object) -> None:
    """A finding of a rule, with the law, its article and what it says; under the name of the profile that has it."""
    findings.add(_code(rule.profile, code), path, severity, **rule.cited(), **params)


def _code(profile: str, code: str) -> str:
    """``law.stored_value.limit`` as a finding of one profile: ``law.cn_bj.stored_value.limit``."""
    family, _, rest = code.partition(".")
    return f"{family}.{profile.lower().replace('-', '_')}.{rest}"


def days_of(findings: Findings, policy: Policy, law: Law) -> list[date]:
    """The days within a version's time, from the day of the check where there is one, on which the law about it may be another."""
    first, last = span_of(findings, policy)
    first = max(first, findings.day or first)
    return [first, *(day for day in law.changes() if first < day <= last)] if first <= last else []


def span_of(findings: Findings, policy: Policy) -> tuple[date, date]:
    """The first and the last day on which a version is in force."""
    starts = [*findings.rules.starts[policy.id], EVER]
    later = next(after for before, after in pairwise(starts) if before == policy.effective_from)
    return policy.effective_from, later if later == EVER else later - ONE_DAY


def rules_over(findings: Findings, policy: Policy, law: Law, name: str) -> Iterator[LawRule]:
    """The rules of a name that are in force while a version is, each once."""
    seen: set[int] = set()
    for day in days_of(findings, policy, law):
        rule = law.rule(name, day)
        if rule is not None and id(rule.entry) not in seen:
            seen.add(id(rule.entry))
            yield rule


# -- the profile itself ------------------------------------------------------------------------------------------------


def _not_known(findings: Findings, law: Law) -> None:
    rules = list(law.all_rules())
    unconfirmed = sorted({rule.name for rule in rules if not rule.confirmed and rule.source.kind != "draft"})
    if unconfirmed and not law.confirmed:  # whoever confirmed the profile answers for them
        names = ", ".join(unconfirmed[:MOST_NAMES]) + (", …" if len(unconfirmed) > MOST_NAMES else "")
        findings.info(_code(law.name, "law.profile.unconfirmed_rules"), ("law",), profile=law.name, count=len(unconfirmed), rules=names)
    for name in sorted({rule.name for rule in rules if rule.source.kind == "draft"}):
        rule = next(rule for rule in rules if rule.name == name and rule.source.kind == "draft")
        tell(findings, rule, "law.profile.draft", ("law",), "info")
    if law.profile_currency != law.currency:
        findings.warning(_code(law.name, "law.profile.currency"), ("law",), profile=law.name, found=law.profile_currency, expected=law.currency)
    for name in ("refund.share_of_issue", "refund.share_of_unused", "custody.share_of_unused"):
        found = next((rule for rule in rules if rule.name == name and rule.hard), None)
        if found is not None:
            tell(findings, found, "law.profile.all_customers", ("law",), "info")


def _ahead(findings: Findings, law: Law) -> None:
    """What begins after the day of the check; and what began after the profile was confirmed."""
    if findings.day is None:
        return
    confirmed = law.section.confirmed_on
    for rule in law.all_rules():
        since = rule.entry.effective_from
        if rule.source.kind == "draft":
            continue
        if since > findings.day:
            tell(findings, rule, "law.profile.ahead", ("law",), "info", day=since)
        elif confirmed is not None and confirmed < since:
            tell(findings, rule, "law.profile.changed_since", ("law",), day=since, confirmed_on=confirmed)


def _weakened(findings: Findings, law: Law) -> None:
    """Own rules that take the place of one that cannot be agreed away, to the customer's disadvantage."""
    if not law.section.is_own:
        return
    above = Law(law.section, law.layers[1:], law.currency)
    for place, entry in enumerate(law.section.rules):
        for day in [entry.effective_from, *(day for day in above.changes() if entry.effective_from < day and entry.holds_on(day))]:
            rule = above.hard(entry.rule, day)
            if rule is not None and _is_weaker(entry.rule, entry.value, rule.value):
                tell(findings, rule, "law.profile.weakened", ("law", "rules", place, "value"), said=_written(entry.value))
                break


def _written(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_weaker(name: str, value: Value, by_law: Value) -> bool:
    if value == by_law:
        return False
    if by_law == "unlimited" or value == "unlimited":
        return by_law == "unlimited"
    if isinstance(value, Length | Days) and isinstance(by_law, Length | Days):
        return value.at_most_days < by_law.at_most_days
    if isinstance(value, Deadline) and isinstance(by_law, Deadline):
        return (value.count, value.working) > (by_law.count, by_law.working)
    if isinstance(value, bool | str) or isinstance(by_law, bool | str):
        return True
    stricter = value < by_law if name.startswith(_LESS_IS_STRICTER) else value > by_law  # type: ignore[operator]  # both are amounts, or shares
    return not stricter
