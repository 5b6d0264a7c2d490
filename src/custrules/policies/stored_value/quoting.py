"""What a request comes to as things stand: each component, the rule and the law behind it, and until when that holds; or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from custrules.calendars import ONE_DAY
from custrules.money import rounded, split, to_units
from custrules.policies.stored_value.account import ValueAccount
from custrules.policies.stored_value.amounts import money
from custrules.policies.stored_value.asking import excess_kept, fitting_and_not, last_day_to_ask, over, too_large
from custrules.policies.stored_value.bases import Basis, Served
from custrules.policies.stored_value.charges import year_share
from custrules.policies.stored_value.history import TopUpHistory
from custrules.policies.stored_value.payout import below_minimum
from custrules.policies.stored_value.process import last_day
from custrules.policies.stored_value.reckoning import Line, Reckoning, Terms, reckoned, visits_for
from custrules.policies.stored_value.requests import CANCELLED, REJECTED, Request, requests_of
from custrules.policies.stored_value.ruling import Ruling
from custrules.policy import Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.stored_value.refund import Refund


class Quote(NamedTuple):
    """A refund as it is offered: what it comes to by which basis, the interest up to a day, and the days that matter."""

    result: Reckoning
    basis: Basis
    rule: Ruling
    interest: int
    no_rate: str
    holds_until: date
    pay_by: date | None
    unknown: bool
    rung: int | None
    laws: tuple[Reason, ...]
    minimum_overridden: bool

    @property
    def total(self) -> int:
        """What is paid out, interest with it."""
        return self.result.net + self.interest


def quoted(
    policy: Refund, request: Request, rule: Ruling, account: ValueAccount, histories: Sequence[TopUpHistory], view: View, until: date
) -> Quote | list[Reason]:
    """The quote for a request, with interest up to a day; or every reason why there is none."""
    fitting, failing = fitting_and_not(request, rule, account, histories, view, pooled=policy.top_ups == "pooled")
    if not fitting:
        return failing
    rule = excess_kept(rule, request, account, view)
    best = [(basis, _reckoned(request, _terms(policy, request, rule, basis, view), account, fitting)) for basis in _bases(policy, rule, account)]
    basis, result = max(best, key=lambda row: (row[1].most, row[0] == best[0][0]))
    failing += _wrong(request, rule, result, account, view)
    if failing:
        return failing
    laws = rule.laws
    if rule.lawful is not None and rule.lawful.hard and basis == rule.lawful.value and result.most > best[0][1].most:
        law = view.law()
        laws += (law.reason(rule.lawful, best[0][0]),) if law is not None else ()
    interest, no_rate = _interest(policy, request, rule, result, view, until)
    days = [last_day(clock, request.asked, view) for clock in rule.pay_within]
    known = [day for day in days if day is not None]
    minimum = to_units(rule.payout.minimum, view.scale, "the currency") if rule.payout.minimum is not None else None
    overridden = below_minimum(result.net, minimum, rule.statutory)[1]
    return Quote(
        result=result,
        basis=basis,
        rule=rule,
        interest=interest,
        no_rate=no_rate,
        holds_until=_holds_until(policy, rule, result, account, min(known, default=None), view),
        pay_by=min(known, default=None),
        unknown=bool(days) and not known,
        rung=policy.process.rung(_in_all(policy, request, view) + result.net, view.scale) if policy.process is not None else None,
        laws=laws,
        minimum_overridden=overridden,
    )


def _reckoned(request: Request, terms: Terms, account: ValueAccount, histories: Sequence[TopUpHistory]) -> Reckoning:
    """All that is left, or the part that is asked for; of visits, an amount is as many of them as come to it."""
    if account.form != "visits" or request.amount is None:
        return reckoned(histories, terms, request.amount, request.visits)
    return reckoned(histories, terms, visits=visits_for(histories, terms, request.amount))


# -- what stands against it ---------------------------------------------------------------------------------------------


def _wrong(request: Request, rule: Ruling, result: Reckoning, account: ValueAccount, view: View) -> Iterator[Reason]:
    told = {"cause": rule.cause, "account": account.id}
    yield from over(result, rule.cause)
    if account.form != "amount":  # visits and days have no balance in money but what they come to
        yield from too_large(rule, result.most, account, view)
    if request.amount is not None and request.amount > result.most:
        yield reason("stored_value.refund.exceeds", amount=money(request.amount, view), most=money(result.most, view), **told)
    if account.form == "period" and (request.visits is not None or (request.amount is not None and request.amount < result.most)):
        yield reason("stored_value.refund.not_in_part", form=account.form, **told)
    elif request.visits is not None and account.form != "visits":
        yield reason("stored_value.refund.no_visits", visits=request.visits, form=account.form, **told)
    if account.form == "visits":
        yield from _wrong_visits(request, result, told, view)
    minimum = to_units(rule.payout.minimum, view.scale, "the currency") if rule.payout.minimum is not None else None
    if below_minimum(result.net, minimum, rule.statutory)[0]:
        yield reason("stored_value.refund.below_minimum", refund=money(result.net, view), minimum=money(minimum or 0, view), **told)


def _wrong_visits(request: Request, result: Reckoning, told: dict[str, str], view: View) -> Iterator[Reason]:
    if request.visits is not None and request.visits > result.there:
        yield reason("stored_value.refund.exceeds_visits", visits=request.visits, most=result.there, **told)
    if request.amount is not None and request.amount < result.gross:
        shown = {"amount": money(request.amount, view), "above": money(result.gross, view)}
        yield reason("stored_value.refund.not_whole_visits", visits=result.visits or result.there, **shown, **told)


# -- terms -------------------------------------------------------------------------------------------------------------


def _bases(policy: Refund, rule: Ruling, account: ValueAccount) -> tuple[Basis, ...]:
    """A period is refunded by its days, unless it is asked back at once and unused."""
    if account.form == "period" and not rule.within:
        return (policy.period_card.basis,)
    return rule.bases


def _terms(policy: Refund, request: Request, rule: Ruling, basis: Basis, view: View) -> Terms:
    card = policy.period_card
    served = Served(request.asked, request.stopped, request.absent if card.own_absence == "credited" else 0, card.by)
    return Terms(
        basis,
        served,
        pooled=policy.top_ups == "pooled",
        bonus=rule.bonus.treatment,
        convert=rule.bonus.convert,
        gifts=rule.gifts,
        returned=request.returned,
        fee=rule.fee.terms(view.scale) if rule.fee is not None else None,
        rounding=policy.rounding,
        share=rule.share,
        ladder=policy.ladder_of(request.account, view) if rule.bonus.treatment == "requalify" else None,
    )


def _interest(policy: Refund, request: Request, rule: Ruling, result: Reckoning, view: View, until: date) -> tuple[int, str]:
    """Interest on what each top-up gives back, rounded once; and the name of a rate that is not known."""
    terms = rule.interest
    if terms is None:
        return 0, ""
    fees = split(result.fee, [line.gross for line in result.lines]) if result.fee else [0] * len(result.lines)
    exact = Fraction(0)
    for line, fee in zip(result.lines, fees, strict=True):
        rate = terms.fixed if terms.fixed is not None else view.reference_rate(terms.rate, line.history.day)
        if rate is None:
            return 0, terms.rate
        since = {"payment": line.history.day, "rescission": min(request.rescinded or request.asked, request.asked)}.get(terms.from_, request.asked)
        since = max(since, line.history.day)  # no money bears interest before it was paid
        if until > since:
            exact += (line.gross - line.kept - fee) * rate * year_share(since, until, policy.day_count)
    return rounded(exact, policy.rounding), ""


def _in_all(policy: Refund, request: Request, view: View) -> int:
    """What the customer has asked back besides, within the time that counts together: an amount is not split to be approved lower down."""
    assert policy.process is not None
    others = (other for other in requests_of(view, policy.status) if other.id != request.id and other.value not in (REJECTED, CANCELLED))
    return sum(other.refund for other in others if policy.process.aggregate.after(other.asked) >= request.asked)


def _holds_until(policy: Refund, rule: Ruling, result: Reckoning, account: ValueAccount, pay_by: date | None, view: View) -> date:
    """The last day on which the same request comes to the same, if nothing is bought meanwhile."""
    if account.form == "period" and not rule.within:
        return view.day
    known = (last_day_to_ask(rule, line.history.day, view) for line in result.lines)
    lasts = [day for day in known if day is not None]
    if policy.process is not None and policy.process.quote is not None:
        lasts.append(policy.process.quote.after(view.day))
    elif pay_by is not None:
        lasts.append(pay_by)
    last = max(min(lasts, default=view.day), view.day)
    law = view.law()
    changes = [day - ONE_DAY for day in law.changes() if day > view.day] if law is not None else []
    last = min([last, *changes])
    while last > view.day and view.in_force(policy.id, last) is not policy:
        last -= ONE_DAY
    return last


# -- told --------------------------------------------------------------------------------------------------------------


def told(policy: Refund, request: Request, quote: Quote, account: ValueAccount, view: View) -> list[Reason]:
    """A quote as reasons: what it comes to and by which rule, then every component that is not nothing."""
    result, lines = quote.result, quote.result.lines
    forfeited = sum(line.bonus - line.paid_out for line in lines)
    head = {"cause": request.cause, "account": account.id}
    reasons = [
        reason(
            "stored_value.refund.quote",
            refund=money(result.net, view),
            gross=money(result.gross, view),
            paid=money(sum(line.history.paid for line in lines), view),
            deducted=money(result.total("deducted"), view),
            bonus_forfeited=account.shown(forfeited, view),
            basis=quote.basis,
            policy=policy.id,
            version=policy.effective_from,
            reference=policy.reference or "-",
            holds_until=quote.holds_until,
            **head,
        ),
        *(_of_line(line, account, view) for line in lines if line.most or not line.history.refunded),
        *quote.laws,
        *_behind(quote),
        *_components(policy, quote, head, view),
    ]
    return reasons + list(_next(request, quote, view))


def _behind(quote: Quote) -> Iterator[Reason]:
    """The law behind a basis, whether the terms say the same or better."""
    rule = quote.rule.lawful
    if rule is not None:
        yield reason("stored_value.refund.law", basis=quote.basis, strength=rule.entry.strength, **rule.cited())


def _of_line(line: Line, account: ValueAccount, view: View) -> Reason:
    history = line.history
    counts: dict[str, Any] = {"granted": account.shown(history.granted, view), "face": account.shown(history.face, view)}
    amounts = {"paid": history.paid, "listed": history.listed, "deducted": line.deducted, "before": history.refunded + history.disputed}
    return reason(
        "stored_value.refund.of_top_up",
        of=history.id,
        gross=money(line.gross, view),
        **counts,
        **{name: money(units, view) for name, units in amounts.items()},
    )


def _components(policy: Refund, quote: Quote, head: dict[str, str], view: View) -> Iterator[Reason]:
    result = quote.result
    if result.visits:
        yield reason("stored_value.refund.of_visits", visits=result.visits, left=result.there - result.visits, **head)
    if result.kept:
        yield reason("stored_value.refund.bonus_used", kept=money(result.kept, view), **head)
    for line in result.lines:
        if line.gifts:
            yield reason("stored_value.refund.gifts_kept", gifts=money(line.gifts, view), of=line.history.id)
    if result.total("converted"):
        yield reason("stored_value.refund.bonus_converted", converted=money(result.total("converted"), view), **head)
    if result.fee:
        yield reason("stored_value.refund.fee", fee=money(result.fee, view), gross=money(result.gross, view), **head)
    terms = quote.rule.interest
    if terms is not None and not quote.no_rate:
        told = {"interest": money(quote.interest, view), "total": money(quote.total, view)}
        yield reason("stored_value.refund.interest", rate=terms.rate, since=terms.from_, day_count=policy.day_count, **told)
    if quote.no_rate:
        yield reason("stored_value.refund.no_rate", rate=quote.no_rate)
    if quote.minimum_overridden:
        yield reason("stored_value.refund.minimum_overridden", refund=money(result.net, view), below=money(quote.rule.statutory or 0, view))


def _next(request: Request, quote: Quote, view: View) -> Iterator[Reason]:
    if request.missing:
        yield reason("stored_value.refund.documents_missing", missing=", ".join(request.missing), cause=request.cause)
    if request.approver is not None:
        yield reason("stored_value.refund.to_approve", by=request.approver, refund=money(quote.result.net, view))
    if quote.pay_by is not None:
        yield reason("stored_value.refund.pay_by", pay_by=quote.pay_by)
    elif quote.unknown:
        yield reason("stored_value.refund.pay_by_unknown", asked=request.asked)
