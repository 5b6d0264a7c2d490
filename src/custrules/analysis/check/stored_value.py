"""Stored value: what the law of the program forbids in its terms, bonuses that reward splitting a payment, points that are earned twice."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any, NamedTuple

from custrules.analysis.check.findings import Findings
from custrules.analysis.check.laws import EVER, days_of, rules_over, span_of, tell
from custrules.calendars import ONE_DAY, Length
from custrules.law import Law, LawRule
from custrules.law.vocabulary import CAUSES
from custrules.money import Money, from_units, to_units
from custrules.policies.points import Accrual
from custrules.policies.stored_value import Refund, TopUp, ValueAccount
from custrules.policies.stored_value.dormancy import PERIODS, Dormancy
from custrules.policies.stored_value.ladder import TopUpRow, reached
from custrules.policy import Policy

MOST_STEPS = 60


def check_stored_value(findings: Findings) -> None:
    law = findings.program.law
    live = [policy for policy in findings.rules.parts.policies if not policy.retired]
    for policy in live:
        if isinstance(policy, ValueAccount) and law is not None:
            _limits(findings, policy, law)
            _bonus(findings, policy, law)
            _closing(findings, policy, law)
            _dormancy(findings, policy, law)
        elif isinstance(policy, TopUp):
            with findings.bounded(findings.path(policy, "ladder")):
                _splitting(findings, policy)
    _earned_twice(findings, live)
    if law is not None:
        _no_refund(findings, law, live)


# -- accounts ----------------------------------------------------------------------------------------------------------


def _limits(findings: Findings, account: ValueAccount, law: Law) -> None:
    """What may stand on a card after a top-up; a limit of the member is one of each card."""
    if account.form != "amount" or law.profile_currency != law.currency:
        return
    said = account.limit.per_card or account.limit.per_member if account.limit is not None else None
    for rule in _limits_over(findings, account, law):
        if said is None:
            tell(findings, rule, "law.stored_value.no_limit", findings.path(account), account=account.id)
            return
        if said > rule.value:
            tell(findings, rule, "law.stored_value.limit", findings.path(account, "limit"), account=account.id, said=_money(said, findings))
            return
        counts = law.rule("limit.counts_bonus", max(rule.entry.effective_from, account.effective_from))
        if counts is not None and counts.hard and counts.value and account.limit is not None and not account.limit.bonus:
            tell(findings, counts, "law.stored_value.limit_bonus", findings.path(account, "limit"), account=account.id)
            return


def _limits_over(findings: Findings, account: ValueAccount, law: Law) -> Iterator[LawRule]:
    for day in days_of(findings, account, law):
        rule = law.limit(account.named, day)
        if rule is not None and rule.hard:
            yield rule


def _money(amount: Decimal, findings: Findings) -> Money:
    return Money(amount, findings.program.currency)


def _bonus(findings: Findings, account: ValueAccount, law: Law) -> None:
    """A bonus that lapses before the law lets what is on a card lapse, where it speaks of bonus too."""
    if account.bonus_expiry is None:
        return
    for rule in rules_over(findings, account, law, f"validity.{'named' if account.named else 'anonymous'}"):
        covered = law.value("validity.covers_bonus", max(rule.entry.effective_from, account.effective_from))
        too_short = not isinstance(rule.value, Length) or account.bonus_expiry.at_most_days < rule.value.at_most_days
        if covered and rule.hard and too_short:
            tell(findings, rule, "law.stored_value.bonus_expiry", findings.path(account, "bonus_expiry"), account=account.id)
            return


def _dormancy(findings: Findings, account: ValueAccount, law: Law) -> None:
    """A fee on a card that is not used: whether there may be one, how soon, how often, how much, and on which balances."""
    terms = account.dormancy
    if terms is None:
        return
    for name, field in _DORMANCY.items():
        path = findings.path(account, "dormancy", *([field] if field in terms.model_fields_set else []))
        for rule in rules_over(findings, account, law, f"dormancy.{name}"):
            if rule.hard and name == "fee" and rule.value == "forbidden":
                tell(findings, rule, "law.stored_value.dormancy_fee", path, account=account.id)
                break
            if rule.hard and name != "fee" and _beyond(terms, name, rule, findings):
                said = getattr(terms, field)
                tell(findings, rule, "law.stored_value.dormancy", path, account=account.id, field=field, said=str(said if said is not None else "-"))
                break


_DORMANCY = {"fee": "fee", "after": "after", "per": "per", "at_most": "fee", "balance_at_most": "below"}


def _beyond(terms: Dormancy, name: str, rule: LawRule, findings: Findings) -> bool:
    """Whether terms say less for the customer than a rule: sooner, more often, more, of more balances."""
    if name == "after":
        return terms.after.at_most_days < int(rule.value.at_most_days)
    if name == "per":
        return PERIODS[terms.per].at_most_days < int(rule.value.at_most_days)
    if findings.program.law is None or findings.program.law.profile_currency != findings.program.currency:
        return False
    if name == "at_most":
        return terms.fee > Decimal(rule.value)
    return terms.below is None or terms.below - from_units(1, findings.rules.scale) > Decimal(rule.value)


def _closing(findings: Findings, account: ValueAccount, law: Law) -> None:
    """An account that is retired is announced before; without a day, until when that is to be done."""
    _, last = span_of(findings, account)
    after = findings.rules.in_force(account.id, last + ONE_DAY) if last != EVER else None
    if after is None or not after.retired:
        return
    rule = law.rule("closing.notice", last)
    if rule is not None:
        by = rule.value.before(last + ONE_DAY)
        late = findings.day is not None and by < findings.day
        path = findings.path(after, "retired")
        tell(findings, rule, "law.stored_value.notice", path, "warning" if late else "info", account=account.id, by=by, day=last + ONE_DAY)


# -- top-ups -----------------------------------------------------------------------------------------------------------


class _Scale(NamedTuple):
    """What the rows of a ladder ask of a view."""

    scale: int
    currency: str


def _splitting(findings: Findings, top_up: TopUp) -> None:
    """Two payments that bring more together than one of their sum; told as meant where the sum is above the last row.

    The bonus jumps only where a row begins, or another multiple of one fits, so that a pair of such amounts is a witness where there is any
    among amounts up to twice the last row.
    """
    rows = [row for row in top_up.ladder if not row.first]
    view: Any = _Scale(findings.rules.scale, findings.program.currency)

    def bonus(paid: int) -> int:
        return sum(found.row.bonus(found.paid, found.times, top_up.rounding, view) for found in reached(rows, top_up.mode, paid, view))

    steps = sorted(set(_steps(rows, view.scale)))[:MOST_STEPS]
    last = max((to_units(row.pay, view.scale, "the ladder") for row in rows), default=0)
    pairs = sorted(((first, other) for first, other in product(steps, steps) if first <= other), key=sum)
    found = next(((first, other) for first, other in pairs if bonus(first) + bonus(other) > bonus(first + other)), None)
    if found is None:
        return
    first, other = found
    amounts = {"first": first, "second": other, "both": first + other, "apart": bonus(first) + bonus(other), "together": bonus(first + other)}
    told = {name: from_units(units, view.scale) for name, units in amounts.items()}
    findings.add("check.top_up_splitting", findings.path(top_up, "ladder"), "info" if first + other > last else "warning", **told)


def _steps(rows: list[TopUpRow], scale: int) -> Iterator[int]:
    for row in rows:
        pay = to_units(row.pay, scale, "the ladder")
        yield from (pay * times for times in (1, 2, 3) if pay)
        if row.cap is not None and row.percent:
            yield max(pay, -(-to_units(row.cap, scale, "the ladder") * row.percent.denominator // row.percent.numerator))


# -- points ------------------------------------------------------------------------------------------------------------


def _earned_twice(findings: Findings, live: list[Policy]) -> None:
    """Points on paying in, and on spending what was paid in; on buying a gift card, and on paying with one."""
    stores = any(isinstance(policy, ValueAccount) for policy in live)
    by_account: dict[str, list[Accrual]] = {}
    for accrual in (policy for policy in live if isinstance(policy, Accrual)):
        by_account.setdefault(findings.rules.resolve(accrual.account), []).append(accrual)
    for accruals in by_account.values():
        bought = [accrual for accrual in accruals if accrual.event == "purchase"]
        on_top_up = [accrual for accrual in accruals if accrual.event == "top_up"] + [accrual for accrual in bought if accrual.counts.top_ups]
        on_spending = [accrual for accrual in bought if "stored_value" not in accrual.counts.not_earning]
        if stores and on_top_up and on_spending:
            findings.warning("check.earned_twice", findings.path(on_top_up[0]), first=on_top_up[0].id, second=on_spending[0].id, what="stored_value")
        cards = [accrual for accrual in bought if accrual.counts.gift_cards]
        paid = [accrual for accrual in bought if "gift_card" not in accrual.counts.not_earning]
        if cards and paid:
            findings.warning("check.earned_twice", findings.path(cards[0], "counts"), first=cards[0].id, second=paid[0].id, what="gift_card")


# -- refunds ------------------------------------------------------------------------------------------------------------


def _no_refund(findings: Findings, law: Law, live: list[Policy]) -> None:
    """Stored value that the law gives back for some cause, and no policy that does."""
    accounts = [policy for policy in live if isinstance(policy, ValueAccount)]
    if not accounts or any(isinstance(policy, Refund) for policy in live):
        return
    for cause in CAUSES:
        for rule in rules_over(findings, accounts[0], law, f"refund.{cause}.granted"):
            if rule.hard and rule.value:
                tell(findings, rule, "law.stored_value.no_refund", findings.path(accounts[0]), account=accounts[0].id, cause=cause)
                return
