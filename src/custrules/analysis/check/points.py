"""Points: accounts whose points are never usable, filled or spent; rates, rows and caps that come to nothing."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from math import ceil, prod
from typing import cast

from custrules.analysis.check.benefits import gifted
from custrules.analysis.check.conditions import scope_of
from custrules.analysis.check.findings import Findings
from custrules.analysis.check.ladders import ladder_of, unreached
from custrules.analysis.check.spaces import all_of, negation
from custrules.conditions import Node
from custrules.fields import Frozen, rate_text
from custrules.money import rounded
from custrules.policies import KINDS
from custrules.policies.points import Account, Accrual, Redemption
from custrules.policies.points.evaluating import NO_LEVEL
from custrules.state import shown

RATES = ("points_per_unit", "points_per_quantity", "points")
_ANCHORS = [date(2001, 1, 1) + timedelta(days=ahead) for ahead in range(4 * 365 + 1)]


def check_points(findings: Findings) -> None:
    for account in findings.rules.parts.policies:
        if isinstance(account, Account) and not account.retired:
            _span(findings, account)
    for accrual in findings.rules.parts.policies:
        if isinstance(accrual, Accrual) and not accrual.retired:
            _rates(findings, accrual)
            with findings.bounded(findings.path(accrual, "multiply")):
                _overridden(findings, accrual)
            _earns_on_spending(findings, accrual)
            _caps(findings, accrual)
    for redemption in findings.rules.parts.policies:
        if isinstance(redemption, Redemption):
            _limits(findings, redemption)
    _traffic(findings)


# -- accounts ----------------------------------------------------------------------------------------------------------


def _span(findings: Findings, account: Account) -> None:
    """Points that lapse before they are usable."""
    if account.pending is None or account.expiry is None:
        return
    bad = [day for day in _ANCHORS if account.usable_from(day) > cast("date", account.last_day(day))]
    if bad:
        day = bad[0]
        dates = {"day": day, "usable": account.usable_from(day), "last": account.last_day(day)}
        code = "check.never_usable" if len(bad) == len(_ANCHORS) else "check.sometimes_never_usable"
        findings.warning(code, findings.path(account, "pending"), **dates)


def _traffic(findings: Findings) -> None:
    """Accounts into which no rule puts points, or from which none takes them though others are spent from.

    Rules of other distributions may do either, so that nothing is said beside one.
    """
    rules = findings.rules
    if any(policy.kind not in KINDS for policy in rules.parts.policies):
        return
    filled = gifted(findings) | {rules.resolve(policy.account) for policy in rules.parts.policies if isinstance(policy, Accrual)}
    spent = {rules.resolve(policy.account) for policy in rules.parts.policies if isinstance(policy, Redemption)}
    for name in rules.accounts:
        path = findings.path(rules.versions[name][0])
        if name not in filled:
            findings.warning("check.account_never_filled", path, account=name)
        elif spent and name not in spent:
            findings.info("check.account_never_spent", path, account=name)


# -- rates and rows ----------------------------------------------------------------------------------------------------


def _rates(findings: Findings, accrual: Accrual) -> None:
    """Rates of levels that nobody has, and days on which nobody has a level yet."""
    ladders = ladder_of(findings)
    named = [(field, name) for field in RATES if isinstance(getattr(accrual, field), Frozen) for name in getattr(accrual, field)]
    if not named or not ladders:
        return
    starts = findings.rules.starts[accrual.id]
    later = [day for day in starts if day > accrual.effective_from]
    force = [ladder for ladder in ladders if not later or ladder.effective_from < later[0]]
    with findings.bounded(findings.path(accrual)):
        gone = set.intersection(*(unreached(findings, ladder) | ({*findings.rules.levels} - {*ladder.names}) for ladder in force)) if force else set()
        for field, name in named:
            if name in gone:
                findings.warning("check.rate_never_used", findings.path(accrual, field, name), level=name)
    first = ladders[0].effective_from
    everybody = all(ladder.levels[0].enter is None and not ladder.exclude for ladder in ladders)
    for field, name in named:
        if name == NO_LEVEL and everybody and first <= accrual.effective_from:
            findings.warning("check.rate_never_used", findings.path(accrual, field, name), level=name)
    if accrual.effective_from < first and NO_LEVEL not in {name for _, name in named}:
        findings.warning(
            "check.levels_begin_later", findings.path(accrual, "effective_from"), since=accrual.effective_from, first=first, ladder=ladders[0].id
        )


def _overridden(findings: Findings, accrual: Accrual) -> None:
    """Rows of multiply that are never the best of those that hold, nor the only one."""
    if accrual.combine != "best":
        return
    space = findings.possible(scope_of(accrual))
    rows = [findings.rules.bound[id(row.when), accrual.event] for row in accrual.multiply]
    for index, row in enumerate(accrual.multiply):
        better = [rows[other] for other, one in enumerate(accrual.multiply) if one.by > row.by or (one.by == row.by and other < index)]
        if better and not space.never(rows[index]) and space.never(all_of(rows[index], negation(Node("any", tuple(better))))):
            findings.warning("check.multiplier_overridden", findings.path(accrual, "multiply", index), by=rate_text(row.by))


def _earns_on_spending(findings: Findings, accrual: Accrual) -> None:
    if accrual.event == "redemption":
        findings.warning("check.earns_on_redemption", findings.path(accrual, "event"), account=accrual.account)


def _limits(findings: Findings, redemption: Redemption) -> None:
    """Limits that leave nothing to be spent."""
    least, step = Fraction(redemption.minimum or 0), Fraction(redemption.step or 0)
    if step:
        least = max(ceil(least / step), 1) * step
    if redemption.maximum is not None and least > redemption.maximum:
        findings.warning("check.never_redeemable", findings.path(redemption, "maximum"), least=rate_text(least), maximum=redemption.maximum)


# -- caps --------------------------------------------------------------------------------------------------------------


def _caps(findings: Findings, accrual: Accrual) -> None:
    """Caps that no award of an event other than a purchase fits under."""
    least = _least(accrual)
    account = findings.rules.versions[findings.rules.kept_by[findings.rules.resolve(accrual.account)]][0]
    if accrual.event == "purchase" or not least or not isinstance(account, Account):
        return
    units = rounded(least * 10**account.scale, accrual.rounding)
    for index, cap in enumerate(accrual.caps):
        if units > cap.at_most * 10**account.scale:
            path = findings.path(accrual, "caps", index, "at_most")
            findings.warning("check.cap_below_award", path, at_most=cap.at_most, smallest=shown(units, account.unit, account.scale))


def _least(accrual: Accrual) -> Fraction:
    """No award is smaller; 0 where that is not known."""
    rates = list(accrual.points.values()) if isinstance(accrual.points, Frozen) else [accrual.points or Fraction(0)]
    least = min((Fraction(rate) for rate in rates if rate), default=Fraction(0))
    factors = [row.by for row in accrual.multiply]
    if accrual.combine == "sum_of_extras":
        return least * max(Fraction(0), 1 + sum((min(by - 1, Fraction(0)) for by in factors), Fraction(0)))
    return least * prod((by for by in factors if by < 1), start=Fraction(1))
