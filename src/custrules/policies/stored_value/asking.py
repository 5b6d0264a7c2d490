"""Until when a refund can be asked for, and why one cannot be: every reason, of the card and of each of its top-ups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction

from custrules.money import Rounding, rounded, to_units
from custrules.policies.stored_value.account import ValueAccount, ValueLimits
from custrules.policies.stored_value.amounts import money, share_at
from custrules.policies.stored_value.causes import RefundBonus
from custrules.policies.stored_value.history import TopUpHistory
from custrules.policies.stored_value.limits import standing
from custrules.policies.stored_value.reckoning import Reckoning, used
from custrules.policies.stored_value.requests import Request
from custrules.policies.stored_value.ruling import Ruling
from custrules.policy import Reason, View, reason

OVER = "stored_value.refund.nothing_left"


def last_day_to_ask(rule: Ruling, paid: date, view: View) -> date | None:
    """The last day of what was paid on a day; None where there is none, or it is not known (yet)."""
    ends = [window.last(paid, view.working) for window in rule.within]
    known = [end for end in ends if end is not None]
    if not known or len(known) < len(ends):
        return None
    if rule.roll == "none" or view.working is None:
        return max(known)
    return view.working.next_working(max(known)) or max(known)


def fitting_and_not(
    request: Request, rule: Ruling, account: ValueAccount, histories: Sequence[TopUpHistory], view: View, *, pooled: bool
) -> tuple[list[TopUpHistory], list[Reason]]:
    """The top-ups of which something can be asked back for this cause; what stands against it in any case; and, where there is none, why.

    Of what was paid back before, a bonus that was kept goes along with the rest; ``pooled``, it stays a part of the one ratio.
    """
    failing: dict[str, Reason] = {}
    fitting, paid_back = list[TopUpHistory](), set[str]()
    for history in histories:
        why = list(_unfit(request, rule, history, view))
        for one in why:
            failing.setdefault(one.code, one)
        if not why or ([one.code for one in why] == [OVER] and (pooled or history.bonus)):
            fitting.append(history)
            paid_back |= {history.id} if why else set()
    if len(paid_back) == len(fitting):
        fitting = []
    whole = list(_ruled_out(request, rule, account, histories, view))
    return fitting, [*whole, *([] if fitting else failing.values())]


def _ruled_out(request: Request, rule: Ruling, account: ValueAccount, histories: Sequence[TopUpHistory], view: View) -> Iterator[Reason]:
    told = {"cause": rule.cause, "account": account.id}
    if rule.unless == "experienced" and request.experienced:
        yield reason("stored_value.refund.experienced", **told)
    if account.form == "amount":
        yield from too_large(rule, _balance(account, view), account, view)
    face = sum(history.counted + history.granted for history in histories)
    gone = sum(history.face for history in histories)
    least = share_at(rule.used_share, sum(history.paid for history in histories))
    if face and Fraction(gone, face) < least:
        shown = {"face": face, "needed": rounded(least * face, Rounding.ceil), "consumed": gone}
        amounts = {name: account.shown(units, view) for name, units in shown.items()}
        yield reason("stored_value.refund.not_used_enough", share=least, used=Fraction(gone, face), **amounts, **told)


def _balance(account: ValueAccount, view: View) -> int:
    """What stands on a card, whatever top-ups are asked back: what is frozen or held is still there."""
    accounts = view.state.ledger.accounts
    return sum(accounts[account.bucket(name)].total for name in ("principal", "bonus", "held"))


def too_large(rule: Ruling, balance: int, account: ValueAccount, view: View) -> Iterator[Reason]:
    below = to_units(rule.below, view.scale, "the currency") if rule.below is not None else None
    if below is not None and balance >= below:
        told = {"cause": rule.cause, "account": account.id, "below": money(below, view)}
        yield reason("stored_value.refund.balance_too_large", balance=money(balance, view), **told)


def excess_kept(rule: Ruling, request: Request, account: ValueAccount, view: View) -> Ruling:
    """What stands above the limit of a card goes back, and the bonus that was promised for it stays, where the law says so (Zhejiang)."""
    law = view.law()
    entry = law.hard("limit.excess_refundable", request.asked) if law is not None and account.form == "amount" else None
    if law is None or entry is None or not entry.value or request.amount is None:
        return rule
    limit = law.limit(account.named, request.asked)
    most = law.money(limit) if limit is not None else None
    if most is None or request.amount > standing(account.id, ValueLimits(), view) - most.minor:
        return rule
    return rule._replace(bonus=RefundBonus(treatment="keep"), laws=(*rule.laws, law.reason(entry, rule.bonus.treatment)))


def _unfit(request: Request, rule: Ruling, history: TopUpHistory, view: View) -> Iterator[Reason]:
    told = {"cause": rule.cause, "of": history.id, "paid": history.day}
    last = last_day_to_ask(rule, history.day, view)
    if last is not None and last < request.asked:
        yield reason("stored_value.refund.too_late", last=last, **told)
    if rule.not_before is not None and rule.not_before.after(history.day) > request.asked:
        yield reason("stored_value.refund.too_early", first=rule.not_before.after(history.day), **told)
    if rule.unless == "used" and used(history):
        yield reason("stored_value.refund.used", **told)
    if history.paid <= history.refunded + history.disputed > 0 and "face_remaining" not in rule.bases:
        yield reason(OVER, **told)


def over(result: Reckoning, cause: str) -> Iterator[Reason]:
    """Nothing goes back any more of what went back before, and nothing of it is left."""
    first = result.lines[0].history
    if not result.most and all(_is_over(line.history) for line in result.lines):
        yield reason(OVER, cause=cause, of=first.id, paid=first.day)


def _is_over(history: TopUpHistory) -> bool:
    gone = history.refunded + history.disputed
    return gone > 0 and (gone >= history.paid or not history.principal + history.bonus + history.held)


__all__ = ["excess_kept", "fitting_and_not", "last_day_to_ask", "over", "too_large"]
