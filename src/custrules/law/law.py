"""The law of a program as its policies ask it: which rule is in force on a day, what it says, and where that stands.

``view.law()`` and ``program.law`` give a Law, or None where the document has no ``law:`` section. The names of rules are the keys of
``custrules.law.RULES`` (``limit.named``, ``refund.merchant.basis``, ``refund.sla`` …). No file is read here: everything was read when
the program was.

    law = view.law()
    rule = law.rule("refund.merchant.basis", view.day) if law else None
    if rule is not None and rule.hard and rule.value != basis:
        reasons.append(law.reason(rule, said=basis))       # "law.rule.applied": the law, its article, what it says and what the terms say
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from custrules.decisions import Reason, reason
from custrules.law.profile import LawEntry, LawProfile, LawSection, LawSource
from custrules.law.vocabulary import RULES, Deadline, Value
from custrules.money import Money, Rounding, rounded, scale_of, to_units


@dataclass(frozen=True, slots=True)
class LawRule:
    """One rule in force: its ``value`` (see ``custrules.law.vocabulary``), whether the terms may say otherwise, and where it stands."""

    entry: LawEntry
    source: LawSource
    profile: str
    """The profile that has it: the program's own, or one that it extends."""

    @property
    def name(self) -> str:
        return self.entry.rule

    @property
    def value(self) -> Any:
        return self.entry.value

    @property
    def hard(self) -> bool:
        return self.entry.strength == "hard"

    @property
    def confirmed(self) -> bool:
        return self.entry.confirmed

    @property
    def shown(self) -> str:
        """The value as documents write it."""
        return RULES[self.name].write(self.value)

    def law(self, lang: str = "en") -> str:
        """The name of the law."""
        return told(self.source.title, lang)

    def cited(self) -> dict[str, str]:
        """What a sentence about this rule fills in: ``law``, ``law_zh``, ``article`` ('-' where none is known), ``rule`` and ``applied``."""
        law = {"law": self.law("en"), "law_zh": self.law("zh"), "article": self.entry.article or "-"}
        return {**law, "rule": self.name, "applied": self.shown}


class Law:
    """The profile of a program with what it extends, and who confirmed it."""

    __slots__ = ("_rules", "currency", "layers", "profile_currency", "section")
    section: LawSection
    layers: tuple[LawProfile, ...]
    currency: str
    profile_currency: str

    def __init__(self, section: LawSection, layers: Sequence[LawProfile], currency: str) -> None:
        self.section, self.layers, self.currency = section, tuple(layers), currency
        self.profile_currency = next((layer.currency for layer in self.layers if layer.currency), currency)
        self._rules: dict[str, list[LawRule]] = {}
        sources = {name: source for layer in reversed(self.layers) for name, source in layer.sources.items()}
        for layer in self.layers:
            for entry in sorted(layer.rules, key=lambda entry: entry.effective_from, reverse=True):
                self._rules.setdefault(entry.rule, []).append(LawRule(entry, sources[entry.source], layer.profile))

    @property
    def name(self) -> str:
        return self.section.profile

    @property
    def confirmed(self) -> bool:
        """Whether somebody answers for this being the law of the program."""
        return self.section.confirmed_by is not None and self.section.confirmed_on is not None

    # -- asking ----------------------------------------------------------------------------------------------------

    def rule(self, name: str, day: date) -> LawRule | None:
        """The rule of a name in force on a day: the profile's own before what it extends, the later before the earlier; never a draft's.

        KeyError for a name that no profile can have.
        """
        return next(self._in_force(name, day), None)

    def hard(self, name: str, day: date) -> LawRule | None:
        """The first of these that the terms cannot take away: a model contract of a place does not take the law of the country away either."""
        return next((rule for rule in self._in_force(name, day) if rule.hard), None)

    def _in_force(self, name: str, day: date) -> Iterator[LawRule]:
        RULES[name]
        return (rule for rule in self._rules.get(name, ()) if rule.entry.holds_on(day) and rule.source.kind != "draft")

    def value(self, name: str, day: date) -> Value | None:
        rule = self.rule(name, day)
        return rule.value if rule is not None else None

    def amount(self, name: str, day: date) -> int | None:
        """The amount of a rule in smallest units of the program's currency; None where there is none, or its currency is another."""
        rule = self.rule(name, day)
        return to_units(rule.value, scale_of(self.currency), self.currency) if rule is not None and self.profile_currency == self.currency else None

    def limit(self, named: bool, day: date) -> LawRule | None:
        """The rule about the most that one card may hold (``limit.named``, ``limit.anonymous``), for the program's kind of issuer."""
        name = f"limit.{'named' if named else 'anonymous'}"
        other = self.rule(f"{name}.other", day) if self.section.issuer == "other" else None
        return other or self.rule(name, day)

    def money(self, rule: LawRule) -> Money | None:
        """The amount of a rule as Money; None where the profile's currency is not the program's."""
        return Money(rule.value, self.currency) if self.profile_currency == self.currency else None

    def deadline(self, cause: str, day: date) -> Deadline | None:
        """Within which time a refund is paid: of the cause, else of all."""
        found = self.value(f"refund.{cause}.sla", day) or self.value("refund.sla", day)
        return found if isinstance(found, Deadline) else None

    def custody(self, unused: int, day: date) -> int:
        """What is to be deposited for an unused balance of all customers, in smallest units: a share of it, rounded up, where it is above a mark."""
        share, above = self.hard("custody.share_of_unused", day), self.amount("custody.from_unused", day) or 0
        return rounded(share.value * unused, Rounding.ceil) if share is not None and unused > above else 0

    def refund_room(self, issued: int, unused: int, refunded: int, day: date) -> int | None:
        """What may still be refunded in a period, over all customers, in smallest units; None where the law has no such limit.

        ``issued`` is what was issued in the period before, ``unused`` the unused balance, ``refunded`` what was refunded in this one. Within
        one of the two limits is enough.
        """
        bases = (("refund.share_of_issue", issued), ("refund.share_of_unused", unused))
        limits = [rounded(rule.value * units, Rounding.floor) for name, units in bases if (rule := self.hard(name, day)) is not None]
        return max(max(limits) - refunded, 0) if limits else None

    def reason(self, rule: LawRule, said: object) -> Reason:
        """Why the law was applied and not what the terms say (``law.rule.applied``)."""
        return reason("law.rule.applied", **rule.cited(), said=str(said))

    # -- looking through -------------------------------------------------------------------------------------------

    def all_rules(self) -> Iterator[LawRule]:
        """Every rule of every layer, drafts too, the profile's own first."""
        for rules in self._rules.values():
            yield from rules

    def changes(self) -> list[date]:
        """The days on which some rule begins, or the one before it has ended."""
        entries = [rule.entry for rule in self.all_rules() if rule.source.kind != "draft"]
        ends = [entry.effective_to + timedelta(days=1) for entry in entries if entry.effective_to is not None]
        return sorted({entry.effective_from for entry in entries} | {*ends})


def told(text: str | Mapping[str, str], lang: str) -> str:
    """A text in one language; in the one that there is where it has only one."""
    return text if isinstance(text, str) else text.get(lang) or next(iter(text.values()), "")
