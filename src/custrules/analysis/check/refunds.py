"""Refunds: what the law of the program forbids in their terms, and what goes back though it was consumed."""

from __future__ import annotations

from collections.abc import Iterator

from custrules.analysis.check.findings import Findings
from custrules.analysis.check.laws import rules_over, tell
from custrules.law import Law, LawRule
from custrules.law.vocabulary import CAUSES, Deadline
from custrules.money import Money
from custrules.policies.stored_value import Refund, Spending
from custrules.policies.stored_value.causes import RefundCause

# The bases of a refund from the one that leaves the customer least: consumption at list price is never less than its face, its face never
# less than the share of it that was paid. What remains depends on the order of spending and is not among them.
_FROM_LEAST = ("paid_minus_list", "paid_minus_face", "paid_minus_ratio")


def check_refunds(findings: Findings) -> None:
    for policy in findings.rules.parts.policies:
        if isinstance(policy, Refund) and not policy.retired:
            _ignores_bonus(findings, policy)
            if findings.program.law is not None:
                _Refunds(findings, policy, findings.program.law).check()


def _ignores_bonus(findings: Findings, refund: Refund) -> None:
    """What is left of the principal goes back, though the bonus was spent first."""
    spending = next((policy for policy in findings.rules.parts.policies if isinstance(policy, Spending) and policy.order == "bonus_first"), None)
    for name, cause in refund.causes.listed().items():
        if cause.basis == "face_remaining":
            findings.warning("check.refunds_bonus", findings.path(refund, "causes", name, "basis"), cause=name)
        elif cause.basis == "principal_remaining" and spending is not None:
            findings.warning("check.refund_ignores_bonus", findings.path(refund, "causes", name, "basis"), cause=name, policy=spending.id)


class _Refunds:
    """The terms of refunds against the rules in force while they are."""

    def __init__(self, findings: Findings, refund: Refund, law: Law) -> None:
        self.findings, self.refund, self.law = findings, refund, law
        self.causes = refund.causes.listed()

    def check(self) -> None:
        for name in CAUSES:
            cause = self.causes.get(name)
            if cause is None:
                self._missing(name)
            else:
                self._prohibited(name)
                self._fee(name, cause)
                self._basis(name, cause)
                self._window(name, cause)
                self._deadline(name, cause)
        self._minimum()

    def _rules(self, name: str) -> Iterator[LawRule]:
        return rules_over(self.findings, self.refund, self.law, name)

    def _path(self, *steps: str) -> tuple[int | str, ...]:
        return self.findings.path(self.refund, *steps)

    def _missing(self, name: str) -> None:
        for rule in self._rules(f"refund.{name}.granted"):
            if rule.value:
                code = "law.stored_value.cause_granted" if rule.hard else "law.stored_value.cause_missing"
                tell(self.findings, rule, code, self._path("causes"), "info", cause=name)
                return

    def _prohibited(self, name: str) -> None:
        for rule in self._rules("refund.general"):
            if rule.hard and rule.value == "prohibited" and not any(found.value for found in self._rules(f"refund.{name}.granted")):
                tell(self.findings, rule, "law.stored_value.prohibited", self._path("causes", name), cause=name)
                return

    def _fee(self, name: str, cause: RefundCause) -> None:
        own = cause.fee is not None
        fee = cause.fee if own else self.refund.fee
        if fee is None or fee.forbidden:
            return
        for rule in self._rules(f"refund.{name}.fee"):
            if rule.hard and rule.value == "forbidden":
                tell(self.findings, rule, "law.stored_value.fee", self._path("causes", name, "fee") if own else self._path("fee"), cause=name)
                return

    def _basis(self, name: str, cause: RefundCause) -> None:
        for rule in self._rules(f"refund.{name}.basis"):
            known = cause.basis in _FROM_LEAST and rule.value in _FROM_LEAST
            if rule.hard and known and _FROM_LEAST.index(cause.basis) < _FROM_LEAST.index(rule.value):
                tell(self.findings, rule, "law.stored_value.basis", self._path("causes", name, "basis"), cause=name, said=cause.basis)
                return

    def _window(self, name: str, cause: RefundCause) -> None:
        for rule in self._rules(f"refund.{name}.within"):
            if rule.hard and cause.within is not None and cause.within.at_most_days < rule.value.at_most_days:
                tell(self.findings, rule, "law.stored_value.window", self._path("causes", name, "within"), cause=name, said=cause.within)
                break
        for rule in self._rules(f"refund.{name}.unless"):
            if cause.unless == "used" and rule.value != "used":
                tell(self.findings, rule, "law.stored_value.unless", self._path("causes", name, "unless"), "info", cause=name, said=cause.unless)
                break

    def _deadline(self, name: str, cause: RefundCause) -> None:
        own = cause.sla or (self.refund.process.sla if self.refund.process is not None else None) or self.refund.sla
        found = [*self._rules(f"refund.{name}.sla")] or [*self._rules("refund.sla")]
        said = _days(str(own)) if own is not None else None
        for rule in found:
            if said is not None and _calendar(said) > _calendar(rule.value):
                path = self._path("causes", name, "sla") if cause.sla is not None else self._path()
                tell(self.findings, rule, "law.stored_value.deadline", path, "warning" if rule.hard else "info", cause=name, said=own)
                return

    def _minimum(self) -> None:
        """A least payout, where the law gives small balances back."""
        payout = self.refund.payout
        if payout is not None and payout.minimum is not None:
            for rule in self._rules("cash_out.below"):
                tell(
                    self.findings,
                    rule,
                    "law.stored_value.minimum",
                    self._path("payout"),
                    "info",
                    said=Money(payout.minimum, self.findings.program.currency),
                )
                return


def _calendar(deadline: Deadline) -> int:
    """Calendar days that it takes at least: a week has five working days."""
    return deadline.count + 2 * ((deadline.count - 1) // 5) if deadline.working else deadline.count


def _days(text: str) -> Deadline | None:
    """A clock of whole days; None for one that is measured otherwise."""
    count, _, unit = text.partition(" ")
    return Deadline.parse(text) if count.isdigit() and unit.removesuffix("s") in ("day", "working day") else None
