"""From the request to the payment: what each event makes of a refund, and what time does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from custrules import events
from custrules.calendars import ONE_DAY
from custrules.fields import Frozen
from custrules.orders import Record
from custrules.policies.stored_value.account import ValueAccount
from custrules.policies.stored_value.amounts import money
from custrules.policies.stored_value.cards import lost
from custrules.policies.stored_value.history import TopUpHistory
from custrules.policies.stored_value.paying import freeze, frozen_parts, paid_to, pay_out, release, settle_debt, thawed, unfreeze
from custrules.policies.stored_value.quoting import Quote, quoted, told
from custrules.policies.stored_value.requests import (
    APPROVED,
    CANCELLED,
    INCOMPLETE,
    PAID_OUT,
    REJECTED,
    REQUESTED,
    Request,
    added,
    asked,
    request_of,
    requests_of,
)
from custrules.policies.stored_value.ruling import Ruling, ruling
from custrules.policies.stored_value.thaw import covers
from custrules.policy import Decision, Effect, Reason, Touchpoint, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.refund import Refund

# -- asking ------------------------------------------------------------------------------------------------------------


def requested(policy: Refund, event: events.RefundRequest, view: View) -> Decision | None:
    """A request that is made, or one that is completed."""
    record = view.record(policy)
    if record is not None and event.of is not None:
        return _completed(policy, event, record, view)
    covered = policy.covered(event, view)
    if covered is None:
        return None
    account, rows = covered
    failing = lost(account, view) if event.cause == "cash_out" else []
    if failing:
        return policy.declined(event, failing)
    open_ones = [other for other in requests_of(view, policy.status) if any(covers(other, row.id, view) for row in rows)]
    if open_ones:
        return policy.declined(event, [reason("stored_value.refund.already_open", of=open_ones[0].id, value=open_ones[0].value)])
    if not rows:
        return policy.declined(event, [reason("stored_value.refund.nothing_left", cause=event.cause, of=account.id, paid="-")])
    return _offered(policy, event, asked(event, account.id, view.day), account, rows, view)


def _completed(policy: Refund, event: events.RefundRequest, record: Record, view: View) -> Decision | None:
    request, found = _standing(policy, str(event.of), view)
    if request is None or found is None:
        return None
    if not request.open or (request.value == APPROVED and not _fell_through(policy, request, found, view)):
        return policy.declined(event, [_over(request)])
    if request.cause != event.cause:
        return policy.declined(event, [reason("stored_value.refund.other_cause", of=request.id, cause=request.cause, asked=event.cause)])
    account, rows = found
    return _offered(policy, event, added(request, event), account, thawed(rows, frozen_parts(record, account)), view)


def _standing(policy: Refund, request_id: str, view: View) -> tuple[Request | None, tuple[ValueAccount, list[TopUpHistory]] | None]:
    request = request_of(view, policy.status, request_id)
    return request, policy.top_ups_of(request.account, request.of, view) if request is not None else None


def _offered(policy: Refund, event: events.AnyEvent, request: Request, account: ValueAccount, rows: Sequence[TopUpHistory], view: View) -> Decision:
    """The quote for a request as it stands, and the request as it is kept from now on."""
    rule = ruling(policy, request.cause, view, request.asked)
    quote = quoted(policy, request, rule, account, rows, view, view.day) if isinstance(rule, Ruling) else [rule]
    if not isinstance(quote, Quote):
        return policy.declined(event, quote)
    process = policy.process
    missing = tuple(name for name in process.documents if name not in request.documents) if process is not None else ()
    freezes = process is not None and process.freeze_on_request  # quoted anew, what has come since is held too
    frozen = freeze(account, [line.history.id for line in quote.result.lines], view) if freezes else 0
    request = request._replace(
        value=INCOMPLETE if missing else REQUESTED,
        missing=missing,
        refund=quote.result.net,
        gross=quote.result.gross,
        holds_until=quote.holds_until,
        pay_by=quote.pay_by,
        unknown=quote.unknown,
        approver=process.approval[quote.rung].by if process is not None and quote.rung is not None else None,
        approved_by=None,
        frozen=request.frozen or frozen > 0 or (freezes and account.form == "period"),  # a period admits nobody meanwhile
        since=request.since or view.day,
    )
    reasons = told(policy, request, quote, account, view)
    if freezes and account.form == "period":
        reasons.append(reason("stored_value.refund.suspended", account=account.id))
    elif frozen:
        reasons.append(reason("stored_value.refund.frozen", frozen=account.shown(frozen, view), account=account.id))
    return policy.applied(event, reasons, [*account.postings(view), request.status(policy.status, view), *_gift_tasks(request, quote, view, policy)])


def _gift_tasks(request: Request, quote: Quote, view: View, policy: Refund) -> Iterator[Touchpoint]:
    """What is to become of gifts in kind is for a person to say (法释〔2025〕4号, art. 21)."""
    for line in quote.result.lines if quote.rule.gifts == "discretionary" else ():
        values: dict[str, list[int]] = {}
        for item, value in line.history.gifts if line.closes else ():
            values.setdefault(item, []).append(value)
        for item, found in values.items():
            cycle = f"{request.id}:{line.history.id}:{item}"
            if f"{policy.id}:{cycle}" not in view.state.touchpoints:
                told = {"request": request.id, "top_up": line.history.id, "item": item, "value": str(money(sum(found), view))}
                data = Frozen(told | ({"number": len(found)} if len(found) > 1 else {}))
                yield Touchpoint(f"gift_{item}", cycle, view.day, quote.pay_by, outcome="task", data=data)


def _over(request: Request) -> Reason:
    return reason("stored_value.refund.decided", of=request.id, value=request.value)


# -- deciding ----------------------------------------------------------------------------------------------------------


def decided(policy: Refund, event: events.RefundDecision, view: View) -> Decision | None:
    request, found = _standing(policy, event.of, view)
    if request is None or found is None:
        return None
    failing = list(_undecidable(policy, event, request, found, view))
    if failing:
        return policy.declined(event, failing)
    account, _ = found
    who = {"of": request.id, "by": event.by or "-", "why": event.reason or "-"}
    if event.approved:
        request = request._replace(value=APPROVED, approved_by=event.by, since=view.day)
        why = reason("stored_value.refund.approved", refund=money(request.refund, view), **who)
        return policy.applied(event, [why], [request.status(policy.status, view)])
    reasons = [reason("stored_value.refund.rejected", **who)]
    if request.frozen:
        _release(policy, account, view)
        reasons.append(reason("stored_value.refund.released", of=request.id, account=account.id))
    request = request._replace(value=REJECTED, frozen=False, since=view.day)
    return policy.applied(event, reasons, [*account.postings(view), request.status(policy.status, view)])


def _undecidable(
    policy: Refund, event: events.RefundDecision, request: Request, found: tuple[ValueAccount, list[TopUpHistory]], view: View
) -> Iterator[Reason]:
    if not request.open or (request.value == APPROVED and (event.approved or not _fell_through(policy, request, found, view))):
        yield _over(request)
        return
    process = policy.process
    if process is not None and process.approval:
        place = next((place for place, rung in enumerate(process.approval) if rung.by == request.approver), 0) if event.approved else 0
        if not process.may_decide(event.by, place):
            yield reason(
                "stored_value.refund.not_authorised", by=event.by or "-", approver=process.approval[place].by, refund=money(request.refund, view)
            )
    if event.approved:
        if request.missing:
            yield reason("stored_value.refund.documents_missing", missing=", ".join(request.missing), cause=request.cause)
        quote = _again(policy, request, found, view)
        yield from [quote] if isinstance(quote, Reason) else []


def _fell_through(policy: Refund, request: Request, found: tuple[ValueAccount, list[TopUpHistory]], view: View) -> bool:
    """Whether a request does not come to the same any more: what was approved cannot be paid then, and is quoted anew, or turned down."""
    return isinstance(_again(policy, request, found, view), Reason)


def _again(policy: Refund, request: Request, found: tuple[ValueAccount, list[TopUpHistory]], view: View) -> Quote | Reason:
    """The same request reckoned again, on its own terms; a reason where it does not come to the same any more."""
    account, rows = found
    rule = ruling(policy, request.cause, view, request.asked)
    if not isinstance(rule, Ruling):
        return rule
    quote = quoted(policy, request, rule, account, thawed(rows, frozen_parts(view.record(policy), account)), view, view.day)
    if not isinstance(quote, Quote):
        return quote[0]
    if (quote.result.net, quote.result.gross) != (request.refund, request.gross):
        return reason("stored_value.refund.stale", of=request.id, quoted=money(request.refund, view), refund=money(quote.result.net, view))
    return quote


def _release(policy: Refund, account: ValueAccount, view: View) -> None:
    release(account, frozen_parts(view.record(policy), account), view)


# -- paying ------------------------------------------------------------------------------------------------------------


def paid(policy: Refund, event: events.RefundPaid, view: View) -> Decision | None:
    request, found = _standing(policy, event.of, view)
    if request is None or found is None:
        return None
    why = _unpayable(request)
    quote = why or _again(policy, request, found, view)
    if isinstance(quote, Reason):
        return policy.declined(event, [quote])
    account, _ = found
    owed = view.ledger.owed(account.id) if account.form == "amount" else 0
    due = quote.total - min(owed, quote.result.net)
    if event.amount is not None and event.amount.minor != due:
        return policy.declined(event, [reason("stored_value.refund.other_amount", of=request.id, amount=event.amount, due=money(due, view))])
    return _settled(policy, event, request, account, quote, view)


def _unpayable(request: Request) -> Reason | None:
    if not request.open:
        return _over(request)
    if request.missing:
        return reason("stored_value.refund.documents_missing", missing=", ".join(request.missing), cause=request.cause)
    if request.value != APPROVED and request.approver is not None:
        return reason("stored_value.refund.not_approved", of=request.id, approver=request.approver)
    return None


def _settled(policy: Refund, event: events.RefundPaid, request: Request, account: ValueAccount, quote: Quote, view: View) -> Decision:
    settled = settle_debt(account, quote.result.net, view)
    unfreeze(account, frozen_parts(view.record(policy), account), view)
    pay_out(account, quote.result.lines, view)
    amounts = {"refund": quote.result.net, "interest": quote.interest, "amount": quote.total - settled}
    shown = {name: money(units, view) for name, units in amounts.items()}
    forfeited = account.shown(sum(line.bonus - line.paid_out for line in quote.result.lines), view)
    reasons = [reason("stored_value.refund.paid", of=request.id, cause=request.cause, account=account.id, bonus_forfeited=forfeited, **shown)]
    if settled:
        reasons.append(reason("stored_value.refund.debt_settled", settled=money(settled, view), account=account.id))
    reasons += paid_to(quote, settled, view)
    request = request._replace(value=PAID_OUT, frozen=False, since=view.day)
    counts = policy.process.aggregate.after(request.asked) if policy.process is not None and policy.process.approval else None
    return policy.applied(event, reasons, [*account.postings(view), request.status(policy.status, view, counts)])


# -- disputes ----------------------------------------------------------------------------------------------------------


def charged_back(policy: Refund, event: events.Chargeback, view: View) -> Decision | None:
    """A bank takes back what is asked back here: the request is over. What was frozen has been let go of before (see ``thaw``)."""
    if event.dispute != "opened":
        return None
    over = [request for request in requests_of(view, policy.status) if covers(request, event.of, view)]
    if not over:
        return None
    reasons = [reason("stored_value.refund.charged_back", of=request.id, top_up=event.of) for request in over]
    return policy.applied(event, reasons, [one._replace(value=CANCELLED, frozen=False, since=view.day).status(policy.status, view) for one in over])


def left(policy: Refund, event: events.Merge | events.Closure | events.Transfer, view: View) -> Decision | None:
    """Nobody's account ends while a refund is asked for and not decided."""
    if not isinstance(event, events.Closure) and event.delivered:
        return None
    open_ones = [request for request in requests_of(view, policy.status) if request.open]
    if isinstance(event, events.Transfer):
        named = view.account(event.account or "")
        open_ones = [request for request in open_ones if named is not None and request.account == named.id]
    if not open_ones:
        return None
    return policy.declined(event, [reason("stored_value.refund.still_open", of=one.id, value=one.value) for one in open_ones])


# -- time --------------------------------------------------------------------------------------------------------------


def _tasks(policy: Refund, request: Request, view: View) -> Iterator[tuple[date, str, Touchpoint | None]]:
    """What an open request still asks for by time alone: the day, the cycle, and the task; the last of them that it is overdue."""
    terms = view.in_force(policy.id, request.asked)
    process = getattr(terms, "process", None)
    for place, reminder in enumerate(process.remind if process is not None else ()):
        day, cycle = reminder.at.day(request.asked, request.pay_by), f"{request.id}:{place}"
        if day is not None and f"{policy.id}:{cycle}" not in view.state.touchpoints:
            data = Frozen({"request": request.id, "to": reminder.to, "pay_by": request.pay_by.isoformat() if request.pay_by else "unknown"})
            yield day, cycle, Touchpoint("refund_reminder", cycle, view.day, request.pay_by, outcome="task", data=data)
    if request.pay_by is not None and request.overdue is None:
        yield request.pay_by + ONE_DAY, f"{request.id}:overdue", None


def next_day(policy: Refund, view: View) -> date | None:
    days = (day for request in requests_of(view, policy.status) if request.open for day, _, _ in _tasks(policy, request, view))
    return min(days, default=None)


def reminded(policy: Refund, event: events.NewDay, view: View) -> Decision | None:
    """Reminders whose day has come, and requests whose time is over."""
    reasons: list[Reason] = []
    effects: list[Effect] = []
    for request in requests_of(view, policy.status):
        for day, cycle, task in _tasks(policy, request, view) if request.open else ():
            if day > view.day:
                continue
            told_of = {"of": request.id, "refund": money(request.refund, view), "pay_by": request.pay_by or "-"}
            if task is not None:
                reasons.append(reason("stored_value.refund.reminder", to=str(task.data["to"]), **told_of))
                effects.append(task)
                continue
            reasons.append(reason("stored_value.refund.overdue", **told_of))
            data = Frozen({"request": request.id, "pay_by": str(request.pay_by)})
            effects.append(Touchpoint("refund_overdue", cycle, view.day, outcome="task", data=data))
            effects.append(request._replace(overdue=view.day).status(policy.status, view))
    return policy.applied(event, reasons, effects) if reasons else None


__all__ = ["charged_back", "decided", "left", "next_day", "paid", "reminded", "requested"]
