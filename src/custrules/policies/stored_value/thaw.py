"""What is frozen for a refund is let go of before a bank takes it back: a dispute finds it where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from custrules.events import AnyEvent, Chargeback
from custrules.fields import Name
from custrules.policies.stored_value.account import account_of
from custrules.policies.stored_value.paying import frozen_parts, release
from custrules.policies.stored_value.requests import Request, requests_of
from custrules.policy import Decision, Phase, Policy, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.refund import Refund


class Thaw(Policy):
    """The part of a ``stored_value.refund`` that answers a dispute before stored value is taken back."""

    kind: ClassVar[str] = "stored_value.refund"
    phase: ClassVar[Phase] = "earn"
    hears: ClassVar[tuple[str, ...] | None] = ("chargeback",)
    recorded: ClassVar[bool] = False

    id: str
    refund: Name
    status: Name

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if not isinstance(event, Chargeback) or event.dispute != "opened":
            return None
        for request in requests_of(view, self.status):
            if request.frozen and covers(request, event.of, view):
                return self._let_go(event, request, view)
        return None

    def _let_go(self, event: Chargeback, request: Request, view: View) -> Decision | None:
        order, account = view.state.order(request.id), account_of(view, request.account)
        record = order.records.get(self.refund) if order is not None else None
        if account is None or record is None:
            return None
        release(account, frozen_parts(record, account), view)
        why = reason("stored_value.refund.released", of=request.id, account=account.id)
        return self.applied(event, [why], account.postings(view))


def beside(refund: Refund) -> Thaw:
    """What stands beside one version of a refund."""
    head = {"effective_from": refund.effective_from, "retired": refund.retired, "reference": refund.reference}
    return Thaw(id=f"{refund.id}.thaw", **head, refund=refund.id, status=refund.status)


def covers(request: Request, top_up: str, view: View) -> bool:
    """Whether an open request is about a top-up."""
    if not request.open:
        return False
    if request.of is not None:
        return request.of == top_up
    order = view.state.order(top_up)
    return order is not None and order.deposit is not None and order.deposit.account == request.account
