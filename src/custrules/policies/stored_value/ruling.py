"""What holds for one request: what the terms say about its cause, and what the law puts in their place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from custrules.calendars import Length
from custrules.calendars.clocks import Clock
from custrules.policies.stored_value.bases import Basis
from custrules.policies.stored_value.causes import RefundBonus, RefundCause, RefundFee, RefundInterest, RefundPayout
from custrules.policies.stored_value.reckoning import GiftTreatment
from custrules.policy import Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.refund import Refund

BEST: tuple[Basis, ...] = ("paid_minus_ratio", "paid_minus_face", "paid_minus_list")
"""Of these the one that is best for the customer counts where neither the terms nor the law name a basis."""


class Ruling(NamedTuple):
    """The terms of one refund. ``bases``: the one that comes to most for the customer counts; ``lawful`` is the law's, where it has one.

    ``pay_within``: the refund is paid before the first of these ends. ``laws``: what the law put in place of the terms, to be told where it
    made a difference.
    """

    cause: str
    bases: tuple[Basis, ...]
    lawful: Any
    within: Length | None
    not_before: Length | None
    unless: str
    below: Decimal | None
    used_share: Fraction | None
    share: Fraction
    fee: RefundFee | None
    interest: RefundInterest | None
    pay_within: tuple[Clock, ...]
    bonus: RefundBonus
    gifts: GiftTreatment
    payout: RefundPayout
    statutory: int | None
    granted: bool
    laws: tuple[Reason, ...]


class _Law:
    """What the law of a program says on a day; nothing where it names none."""

    def __init__(self, view: View, day: date) -> None:
        self.law, self.day = view.law(), day

    def rule(self, name: str, *, hard: bool = False) -> Any:
        if self.law is None:
            return None
        return self.law.hard(name, self.day) if hard else self.law.rule(name, self.day)

    def value(self, name: str, *, hard: bool = False) -> Any:
        rule = self.rule(name, hard=hard)
        return rule.value if rule is not None else None

    def amount(self, name: str) -> int | None:
        return self.law.amount(name, self.day) if self.law is not None else None

    def told(self, name: str, said: object) -> Reason:
        assert self.law is not None
        return self.law.reason(self.rule(name, hard=True) or self.rule(name), said)


def ruling(policy: Refund, name: str, view: View, day: date) -> Ruling | Reason:
    """What holds for a cause on the day of a request; or why there is no refund for it."""
    law, cause = _Law(view, day), policy.causes.listed().get(name)
    granted = bool(law.value(f"refund.{name}.granted", hard=True)) if name in _LAWFUL else False
    if cause is None and not granted:
        return _not_listed(policy, name, law)
    return _ruled(policy, name, cause or RefundCause(), law, granted=cause is None)


def _not_listed(policy: Refund, name: str, law: _Law) -> Reason:
    """The law's word about a cause that the terms do not list: that it prohibits it, or says nothing that cannot be agreed otherwise."""
    listed = ", ".join(policy.causes.listed())
    if law.value("refund.general", hard=True) == "prohibited":
        return reason("stored_value.refund.prohibited", cause=name, listed=listed, **law.rule("refund.general").cited())
    return reason("stored_value.refund.not_listed", cause=name, listed=listed)


def _ruled(policy: Refund, name: str, cause: RefundCause, law: _Law, *, granted: bool) -> Ruling:
    of = f"refund.{name}."
    laws: list[Reason] = []
    if granted:
        laws.append(law.told(f"{of}granted", "-"))
    fee = cause.fee if cause.fee is not None else policy.fee
    if fee is not None and not fee.forbidden and law.value(f"{of}fee", hard=True) == "forbidden":
        laws.append(law.told(f"{of}fee", "a fee"))
        fee = None
    within, longer = cause.within, law.value(f"{of}within", hard=True)
    if within is not None and longer is not None and longer.at_most_days > within.at_most_days:
        laws.append(law.told(f"{of}within", within))
        within = longer
    lawful = law.rule(f"{of}basis")
    bases: tuple[Basis, ...] = (cause.basis,) if cause.basis is not None else () if lawful is not None else BEST
    if lawful is not None and lawful.value not in bases and (lawful.hard or cause.basis is None):
        bases += (lawful.value,)
    return Ruling(
        cause=name,
        bases=bases,
        lawful=lawful,
        within=within if not granted else longer,
        not_before=cause.not_before or law.value("refund.top_up_age", hard=True),
        unless=cause.unless if not granted else law.value(f"{of}unless") or "none",
        below=_below(name, cause, law, laws, granted=granted),
        used_share=law.value(f"{name}.used_share", hard=True) if granted and name == "cash_out" else cause.used_share,
        share=max(cause.share, law.value(f"{of}share", hard=True) or Fraction(0)),
        fee=fee,
        interest=cause.interest or _interest(law, of),
        pay_within=tuple(_clocks(policy, cause, law, of)),
        bonus=cause.bonus or policy.bonus,
        gifts=cause.gifts or policy.gifts or law.value(f"{of}gifts") or law.value("refund.gifts") or "return_or_pay",
        payout=_payout(policy, cause, law),
        statutory=law.amount("cash_out.below"),
        granted=granted,
        laws=tuple(laws),
    )


def _below(name: str, cause: RefundCause, law: _Law, laws: list[Reason], *, granted: bool) -> Decimal | None:
    """The balance from which nothing is paid out any more: a law that has small ones paid out does not go below its own mark, nor, where only
    it grants that, beyond."""
    if name != "cash_out" or law.amount("cash_out.below") is None:
        return cause.below
    by_law: Decimal | None = law.value("cash_out.below", hard=True)
    if by_law is None or granted:
        return by_law or cause.below
    if cause.below is not None and cause.below < by_law:
        laws.append(law.told("cash_out.below", cause.below))
        return by_law
    return cause.below


def _interest(law: _Law, of: str) -> RefundInterest | None:
    rate = law.value(f"{of}interest")
    if rate in (None, "none"):
        return None
    return RefundInterest.model_validate({"rate": rate, "from": law.value(f"{of}interest_from") or "request"})


def _clocks(policy: Refund, cause: RefundCause, law: _Law, of: str) -> Iterator[Clock]:
    """Within which it is paid: what the terms say, and no later than a law that cannot be agreed otherwise; else what the law has."""
    own = cause.sla or (policy.process.sla if policy.process is not None else None) or policy.sla
    if own is not None:
        yield own
    rule = law.rule(f"{of}sla") or law.rule("refund.sla")
    if rule is not None and (own is None or rule.hard):
        yield Clock.parse(str(rule.value))


def _payout(policy: Refund, cause: RefundCause, law: _Law) -> RefundPayout:
    found = cause.payout or policy.payout
    if found is None:
        found = RefundPayout(to=law.value("refund.payout") or "original_tender")
    limit = law.value("refund.cash_up_to")
    return found.model_copy(update={"cash_up_to": limit}) if found.cash_up_to is None and limit is not None else found


_LAWFUL = ("cooling_off", "consumer", "merchant", "force_majeure", "closure", "expiry", "cash_out", "chargeback", "minor", "death")
