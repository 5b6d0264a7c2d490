"""Refunds: what the law of the program forbids in their terms, and what goes back though it was consumed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from custrules.analysis.check.findings import Findings
from custrules.analysis.check.laws import rules_over, tell
from custrules.law import Law, LawRule
from custrules.law.vocabulary import CAUSES, Deadline
from custrules.money import Money, Rounding, from_units, rounded, to_units
from custrules.policies.stored_value import Refund, Spending, TopUp
from custrules.policies.stored_value.causes import RefundCause
from custrules.policies.stored_value.ladder import TopUpRow

# The bases of a refund from the one that leaves the customer least: consumption at list price is never less than its face, its face never
# less than the share of it that was paid. What remains depends on the order of spending and is not among them.
_FROM_LEAST = ("paid_minus_list", "paid_minus_face", "paid_minus_ratio")


def check_refunds(findings: Findings) -> None:
    for policy in findings.live(Refund):
        _ignores_bonus(findings, policy)
        _forfeits_bonus(findings, policy)
        _keeps_bonus(findings, policy)
        if findings.program.law is not None:
            _Refunds(findings, policy, findings.program.law).check()


def _ignores_bonus(findings: Findings, refund: Refund) -> None:
    """What is left of the principal goes back, though the bonus was spent first."""
    spending = next((policy for policy in findings.rules.parts.policies if isinstance(policy, Spending) and policy.order == "bonus_first"), None)
    for name, cause in refund.causes.listed().items():
        if cause.basis == "face_remaining":
            _refunds_bonus(findings, refund, name)
        elif cause.basis == "principal_remaining" and spending is not None:
            findings.warning("check.refund_ignores_bonus", findings.path(refund, "causes", name, "basis"), cause=name, policy=spending.id)


def _refunds_bonus(findings: Findings, refund: Refund, cause: str) -> None:
    """The bonus that is left goes back in money: more than was paid in, where a top-up is known to bring one."""
    path, given = findings.path(refund, "causes", cause, "basis"), _given(findings, refund)
    if given is None:
        findings.warning("check.refunds_bonus", path, cause=cause)
        return
    shown = {"paid": given.paid, "bonus": given.bonus, "refund": given.paid + given.bonus}
    findings.warning(
        "check.refund_above_paid", path, cause=cause, policy=given.policy, **{name: _money(amount, findings) for name, amount in shown.items()}
    )


def _forfeits_bonus(findings: Findings, refund: Refund) -> None:
    """A refund in part, however small, ends the whole bonus of its top-up; who says ``forfeit`` is only reminded of it."""
    given = _given(findings, refund)
    if given is None:
        return
    shown = {"paid": _money(given.paid, findings), "bonus": _money(given.bonus, findings), "least": Money.from_minor(1, findings.program.currency)}
    causes = refund.causes.listed().items()
    own = [name for name, cause in causes if cause.bonus is not None and cause.bonus.treatment == "forfeit" and cause.basis != "face_remaining"]
    for name in own:
        findings.info("check.refund_forfeits_bonus", findings.path(refund, "causes", name, "bonus"), policy=given.policy, **shown)
    if refund.bonus.treatment == "forfeit" and any(cause.bonus is None and cause.basis != "face_remaining" for _, cause in causes):
        said = "bonus" in refund.model_fields_set
        tell = findings.info if said else findings.warning
        tell("check.refund_forfeits_bonus", findings.path(refund, "bonus" if said else "causes"), policy=given.policy, **shown)


def _keeps_bonus(findings: Findings, refund: Refund) -> None:
    """Almost all the money goes back in part, and the whole bonus is still spent."""
    given = _given(findings, refund)
    if given is None:
        return
    least = Money.from_minor(1, findings.program.currency)
    shown = {"paid": _money(given.paid, findings), "bonus": _money(given.bonus, findings), "refund": _money(given.paid, findings) - least}
    said = {("causes", name, "bonus"): cause.bonus for name, cause in refund.causes.listed().items()} | {("bonus",): refund.bonus}
    for path in (path for path, bonus in said.items() if bonus is not None and bonus.treatment == "keep"):
        findings.warning("check.refund_keeps_bonus", findings.path(refund, *path), policy=given.policy, **shown)


class _Given(NamedTuple):
    """A top-up that brings a bonus: what is paid for it."""

    policy: str
    paid: Decimal
    bonus: Decimal


def _given(findings: Findings, refund: Refund) -> _Given | None:
    """The first row of a ladder that gives a bonus into an account that is refunded."""
    resolve = findings.rules.resolve
    accounts = {resolve(name) for name in refund.accounts}
    top_ups = [policy for policy in findings.live(TopUp) if not accounts or resolve(policy.account) in accounts]
    rows = (_Given(policy.id, row.pay, row.give or _percent(row, findings)) for policy in top_ups for row in policy.ladder)
    return next((given for given in rows if given.bonus), None)


def _percent(row: TopUpRow, findings: Findings) -> Decimal:
    if row.percent is None:
        return Decimal(0)
    paid = to_units(row.pay, findings.rules.scale, "the currency")
    found = from_units(rounded(row.percent * paid, Rounding.floor), findings.rules.scale)
    return min(Decimal(found), row.cap) if row.cap is not None else Decimal(found)


def _money(amount: Decimal, findings: Findings) -> Money:
    return Money(amount, findings.program.currency)


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
