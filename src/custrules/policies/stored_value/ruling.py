"""What holds for one request: what the terms say about its cause, and what the law puts in their place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from custrules.calendars import Length
from custrules.calendars.clocks import Clock, Days
from custrules.money import to_units
from custrules.policies.stored_value.amounts import Shares, share_at
from custrules.policies.stored_value.bases import Basis
from custrules.policies.stored_value.causes import RefundBonus, RefundCause, RefundFee, RefundInterest, RefundPayout, Roll, ShareRow
from custrules.policies.stored_value.reckoning import GiftTreatment
from custrules.policy import Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.refund import Refund

BEST: tuple[Basis, ...] = ("paid_minus_ratio", "paid_minus_face", "paid_minus_list")
"""Of these the one that is best for the customer counts where neither the terms nor the law name a basis."""


class Ruling(NamedTuple):
    """The terms of one refund. ``bases``: the one that comes to most for the customer counts; ``lawful`` is the law's, where it has one.

    ``within``: it can be asked for until the last of these ends, and where that is no working day, until what it may ``roll`` to.
    ``pay_within``: the refund is paid before the first of these ends. ``laws``: what the law put in place of the terms, to be told where it
    made a difference.
    """

    cause: str
    bases: tuple[Basis, ...]
    lawful: Any
    within: tuple[Days, ...]
    roll: Roll
    not_before: Length | None
    unless: str
    below: Decimal | None
    used_share: Shares
    share: Shares
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
        self.law, self.day, self.scale = view.law(), day, view.scale

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
    lawful = law.rule(f"{of}basis")
    bases: tuple[Basis, ...] = (cause.basis,) if cause.basis is not None else () if lawful is not None else BEST
    if lawful is not None and lawful.value not in bases and (lawful.hard or cause.basis is None):
        bases += (lawful.value,)
    return Ruling(
        cause=name,
        bases=bases,
        lawful=lawful,
        within=_within(cause, law, of, laws, granted=granted),
        roll=cause.roll or law.value("refund.roll") or "none",
        not_before=cause.not_before or law.value("refund.top_up_age", hard=True),
        unless=cause.unless or law.value(f"{of}unless") or "none",
        below=_below(name, cause, law, laws, granted=granted),
        used_share=_used_share(name, cause, law, granted=granted),
        share=_share(cause, law, of),
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


def _within(cause: RefundCause, law: _Law, of: str, laws: list[Reason], *, granted: bool) -> tuple[Days, ...]:
    """Until when: the terms', and the law's where they are silent or it cannot be agreed otherwise; of both, what ends later."""
    found: list[Days] = [cause.within] if cause.within is not None else []
    by_law: Days | None = law.value(f"{of}within", hard=granted or bool(found))
    if by_law is not None and by_law not in found:
        if found and by_law.at_most_days > found[0].at_most_days:
            laws.append(law.told(f"{of}within", found[0]))
        found.append(by_law)
    return tuple(found)


def _used_share(name: str, cause: RefundCause, law: _Law, *, granted: bool) -> Shares:
    """How much has to be used before: as agreed, else what the law says of cards of such a face."""
    if cause.used_share is not None or name != "cash_out":
        return _rows(cause.used_share or (), law)
    whole, small = (law.value(f"cash_out.{field}", hard=granted) for field in ("used_share", "used_share_small"))
    face = law.amount("cash_out.small_face")
    rows: Shares = ((face, small),) if small is not None and face is not None else ()
    return (*rows, (None, whole)) if whole is not None else rows


def _share(cause: RefundCause, law: _Law, of: str) -> Shares:
    """The part that is paid: as agreed, but no less than a law that cannot be agreed otherwise; where nothing is, what the law says."""
    least = _lawful_share(law, of, hard=True)
    if cause.share is None:
        return least or _lawful_share(law, of) or ((None, Fraction(1)),)
    own = _rows(cause.share, law)
    marks = sorted({up_to for up_to, _ in (*own, *least) if up_to is not None})
    return tuple((mark, max(share_at(own, mark), share_at(least, mark))) for mark in (*marks, None))


def _lawful_share(law: _Law, of: str, *, hard: bool = False) -> Shares:
    whole, large, face = law.value(f"{of}share", hard=hard), law.value(f"{of}share_large", hard=hard), law.amount(f"{of}large_face")
    if whole is None:
        return ()
    return ((face, whole), (None, large)) if large is not None and face is not None else ((None, whole),)


def _rows(rows: tuple[ShareRow, ...], law: _Law) -> Shares:
    return tuple((to_units(row.up_to, law.scale, "the currency") if row.up_to is not None else None, row.share) for row in rows)


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
