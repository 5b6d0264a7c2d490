"""``stored_value.refund``: what goes back of stored value and why; from the request to the payment, each an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from custrules import events
from custrules.calendars.clocks import Clock
from custrules.errors import Diagnostic
from custrules.fields import Name, one_of
from custrules.money import Rounding
from custrules.policies.stored_value import following, thaw
from custrules.policies.stored_value.account import ValueAccount, account_of
from custrules.policies.stored_value.bases import BASES, Basis
from custrules.policies.stored_value.causes import BonusTerms, FeeOrNone, PayoutTerms, RefundBonus, RefundCause, RefundCauses, RefundFee, money_faults
from custrules.policies.stored_value.charges import DAY_COUNTS, DayCount
from custrules.policies.stored_value.history import TopUpHistory, histories
from custrules.policies.stored_value.process import RefundProcess, rungs_in_disorder
from custrules.policies.stored_value.reckoning import GiftTreatment
from custrules.policies.stored_value.top_up import TopUp
from custrules.policy import Decision, Known, Phase, Policy, View


def _read_day_count(value: object) -> object:
    """As it is written elsewhere too: actual/365, ACT/365, 365."""
    text = str(value).lower().replace("actual", "act")
    return f"act/{text}" if text in ("365", "360") else text


def _read_own_absence(value: object) -> object:
    """As contracts put it too: days away bring no refund, or they do."""
    return {"no_refund": "counts", "not_refunded": "counts", "none": "counts", "refund": "credited", "refunded": "credited"}.get(str(value), value)


class PeriodCard(BaseModel):
    """How a card for a period is refunded: by which ``basis``, counted ``by`` day or by months begun; whether days on which the customer
    was absent count as served (``own_absence: counts``, also written ``no_refund``) or not (``credited``, ``refunded``)."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    basis: Annotated[Basis, one_of(*BASES)] = "time_pro_rata"
    own_absence: Annotated[Literal["counts", "credited"], one_of("counts", "credited"), BeforeValidator(_read_own_absence)] = "counts"
    by: Annotated[Literal["day", "month"], one_of("day", "month")] = "day"


class Refund(Policy):
    """Stored value goes back in money, for a cause that is listed, or that the law grants.

    ``accounts``: of which accounts (all of the program where none is named). Of several ``top_ups``, ``each`` has its own ratio, or all
    ``pooled`` one. ``fee``, ``bonus``, ``gifts``, ``payout`` and ``sla`` hold for causes that do not say otherwise. ``rounding`` is that
    of what a top-up gives back, as a running total. Nothing leaves the account before the refund is paid.
    """

    kind: ClassVar[str] = "stored_value.refund"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = (
        "refund_request",
        "refund_decision",
        "refund_paid",
        "chargeback",
        "merge",
        "closure",
        "transfer",
        "new_day",
    )
    serves: ClassVar[tuple[str, ...]] = ("refund_request",)
    works_with: ClassVar[Literal["points", "stored_value"]] = "stored_value"

    accounts: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    top_ups: Annotated[Literal["each", "pooled"], one_of("each", "pooled")] = "each"
    causes: RefundCauses
    period_card: PeriodCard = PeriodCard()
    day_count: Annotated[DayCount, one_of(*DAY_COUNTS), BeforeValidator(_read_day_count)] = "act/365"
    rounding: Annotated[Rounding, one_of(*Rounding)] = Rounding.half_up
    fee: FeeOrNone | None = None
    gifts: Annotated[GiftTreatment, one_of("return_or_pay", "discretionary", "none")] | None = None
    bonus: BonusTerms = RefundBonus()
    payout: PayoutTerms | None = None
    sla: Clock | None = None
    process: RefundProcess | None = None
    status: Name = "refund"

    # -- what the program asks of it -------------------------------------------------------------------------------

    def writes(self) -> tuple[str, ...]:
        return (self.status,)

    def of_orders(self) -> tuple[str, ...]:
        """A request that is over is forgotten with its order; one that was paid not before it counts no more towards who approves the next."""
        return (self.status,)

    def companions(self) -> tuple[Policy, ...]:
        """What lets go of frozen value before a bank takes it back."""
        return (thaw.beside(self),)

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(self._faults(known))

    def follows(self, before: Policy) -> list[Diagnostic]:
        if not isinstance(before, Refund) or before.status == self.status:
            return []
        return [Diagnostic("document.status_changed", "status", {"before": before.status, "found": self.status})]

    def _faults(self, known: Known) -> Iterator[Diagnostic]:
        for name, cause in self.causes.listed().items():
            yield from money_faults(cause, f"causes.{name}", known.scale)
            yield from _fee_faults(cause.fee, f"causes.{name}.fee")
            yield from _rate_faults(cause, f"causes.{name}", known)
            yield from _row_faults(cause, f"causes.{name}")
            if cause.roll == "next_working_day" and not known.working:
                yield Diagnostic("document.no_working_time", f"causes.{name}.roll", {"clock": cause.roll})
            if cause.basis == "time_pro_rata" and "period" not in self._forms(known):
                yield Diagnostic("document.no_period", f"causes.{name}.basis")
        yield from _fee_faults(self.fee, "fee")
        if self.process is not None:
            yield from self.process.faults("process", known.scale)
        for place, account in enumerate(self.accounts):
            if known.stores and account not in known.stores and account != "stored_value":
                yield Diagnostic("document.unknown_account", f"accounts[{place}]", {"account": account, "known": ", ".join(known.stores)})

        yield from self._meets(known)

    def _forms(self, known: Known) -> set[str]:
        """The forms of the accounts that it refunds."""
        return {form for name, form in known.stores.items() if not self.accounts or name in self.accounts}

    def _meets(self, known: Known) -> Iterator[Diagnostic]:
        """Another policy that refunds the same account: both would."""
        for other in known.policies:
            if other is self or other.id == self.id:
                return
            if isinstance(other, Refund) and (not self.accounts or not other.accounts or {*self.accounts} & {*other.accounts}):
                shared = next((name for name in self.accounts if name in other.accounts), "stored_value")
                params = {"what": "refund_request", "first": other.id, "second": self.id, "account": shared}
                yield Diagnostic("document.two_servers", "id", params)
                return

    # -- deciding --------------------------------------------------------------------------------------------------

    def due(self, view: View, /) -> date | None:
        return following.next_day(self, view)

    def decide(self, event: events.AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, events.NewDay):
            return following.reminded(self, event, view)
        if isinstance(event, events.Chargeback):
            return following.charged_back(self, event, view)
        if isinstance(event, events.Merge | events.Closure | events.Transfer):
            return following.left(self, event, view)
        if isinstance(event, events.RefundRequest):
            return following.requested(self, event, view)
        if isinstance(event, events.RefundDecision):
            return following.decided(self, event, view)
        return following.paid(self, event, view) if isinstance(event, events.RefundPaid) else None

    # -- of which top-ups ------------------------------------------------------------------------------------------

    def keeps(self, account: ValueAccount, view: View) -> bool:
        """Whether an account is one of those that it refunds."""
        named = (view.account(name) for name in self.accounts)
        return not self.accounts or any(found is not None and found.id == account.id for found in named)

    def covered(self, event: events.RefundRequest, view: View) -> tuple[ValueAccount, list[TopUpHistory]] | None:
        """The account and the top-ups that a request is about; None: it is another's."""
        name = event.account or "stored_value"
        if event.of is not None:
            order = view.state.order(event.of)
            if order is None or order.deposit is None:
                return None
            name = order.deposit.account
        return self.top_ups_of(name, event.of, view)

    def top_ups_of(self, name: str, of: str | None, view: View) -> tuple[ValueAccount, list[TopUpHistory]] | None:
        account = account_of(view, name)
        if account is None or not self.keeps(account, view):
            return None
        return account, [history for history in histories(view, account.id) if of in (None, history.id)]

    def ladder_of(self, account: str, view: View) -> Callable[[int], int] | None:
        """What a payment would bring by the ladder that is in force."""
        found = next((policy for policy in view.on_account(account, view.day) if isinstance(policy, TopUp)), None)
        return (lambda paid: found.bonus_for(paid, view)) if found is not None else None


def _fee_faults(fee: RefundFee | None, path: str) -> Iterator[Diagnostic]:
    if fee is not None:
        yield from (Diagnostic(fault.code, f"{path}.{fault.path}", fault.params) for fault in fee.faults())


def _row_faults(cause: RefundCause, path: str) -> Iterator[Diagnostic]:
    """Shares by what was paid that do not rise."""
    for field, rows in (("used_share", cause.used_share), ("share", cause.share)):
        for place, (before, row) in enumerate(pairwise(rows or ()), 1):
            if before.up_to is None or (row.up_to is not None and row.up_to <= before.up_to):
                yield rungs_in_disorder(f"{path}.{field}[{place}].up_to", row.up_to, before.up_to)


def _rate_faults(cause: RefundCause, path: str, known: Known) -> Iterator[Diagnostic]:
    rate = cause.interest.rate if cause.interest is not None and cause.interest.fixed is None else None
    if rate is not None and rate not in known.rates:
        yield Diagnostic("document.unknown_rate", f"{path}.interest.rate", {"rate": rate, "known": ", ".join(known.rates) or "-"})
