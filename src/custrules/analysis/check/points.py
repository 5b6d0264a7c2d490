"""Points: accounts whose points are never usable, filled or spent; rates, rows and caps that come to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from math import prod
from typing import cast

from custrules.analysis.check.benefits import gifted
from custrules.analysis.check.conditions import scope_of
from custrules.analysis.check.findings import Findings, Path
from custrules.analysis.check.ladders import ladder_of, unreached
from custrules.analysis.check.redemptions import check_redemptions
from custrules.analysis.check.spaces import all_of, negation
from custrules.conditions import Node
from custrules.fields import Frozen, rate_text
from custrules.money import rounded
from custrules.policies import KINDS
from custrules.policies.points import Account, Accrual, Redemption, Transfer
from custrules.policies.points.caps import Dates
from custrules.policies.points.counts import Counts
from custrules.policies.points.rates import NO_LEVEL
from custrules.policies.stored_value import TopUp
from custrules.policy import Policy
from custrules.state_parts import shown

_ANCHORS = [date(2001, 1, 1) + timedelta(days=ahead) for ahead in range(4 * 365 + 1)]


def check_points(findings: Findings) -> None:
    for account in findings.live(Account):
        _span(findings, account)
    for accrual in findings.live(Accrual):
        _rates(findings, accrual)
        with findings.bounded(findings.path(accrual, "multiply")):
            _overridden(findings, accrual)
        _earns_on_spending(findings, accrual)
        _caps(findings, accrual)
        _pointless(findings, accrual)
        _unread_switches(findings, accrual)
    check_redemptions(findings)
    _traffic(findings)


# -- accounts ----------------------------------------------------------------------------------------------------------


def _span(findings: Findings, account: Account) -> None:
    """Points that lapse before they are usable; what is said of lapsing where nothing ever lapses."""
    versions = [policy for policy in findings.rules.versions[account.id] if isinstance(policy, Account)]
    if all(version.expiry is None for version in versions):
        for field in ("grace", "suspended", "reinstatement"):
            if getattr(account, field) is not None:
                findings.warning("check.nothing_lapses", findings.path(account, field), field=field, account=account.id)
    if account.pending is None or account.expiry is None or account.pending.event is not None:
        return
    window = findings.rules.returns.window
    dates = [(day, *account.dates(day, window)) for day in _ANCHORS]
    bad = [row for row in dates if row[1] > cast("date", row[2])]
    if bad:
        day, usable, last = bad[0]
        code = "check.never_usable" if len(bad) == len(_ANCHORS) else "check.sometimes_never_usable"
        findings.warning(code, findings.path(account, "pending"), day=day, usable=usable, last=last)


def _traffic(findings: Findings) -> None:
    """Accounts into which no rule puts points, or from which none takes them though others are spent from.

    Rules of other distributions may do either, so that nothing is said beside one.
    """
    rules = findings.rules
    if any(policy.kind not in KINDS for policy in rules.parts.policies):
        return
    filled = gifted(findings) | {rules.resolve(policy.account) for policy in rules.parts.policies if isinstance(policy, Accrual)}
    filled |= {rules.resolve(policy.account) for policy in rules.parts.policies if isinstance(policy, Transfer) and policy.sell is not None}
    topped_up = (policy for policy in rules.parts.policies if isinstance(policy, TopUp) and any(row.points for row in policy.ladder))
    filled |= {rules.resolve(policy.points_account) for policy in topped_up}
    spent = {rules.resolve(policy.account) for policy in rules.parts.policies if isinstance(policy, Redemption)}
    for name in rules.accounts:
        path = findings.path(rules.versions[name][0])
        if name not in filled:
            findings.warning("check.account_never_filled", path, account=name)
        elif spent and name not in spent and not _ranks(rules.versions[name]):
            findings.info("check.account_never_spent", path, account=name)


def _ranks(versions: Iterable[Policy]) -> bool:
    """Whether what an account keeps is never meant to be spent."""
    return any(isinstance(account, Account) and account.purpose == "rank" for account in versions)


# -- rates and rows ----------------------------------------------------------------------------------------------------


def _rates(findings: Findings, accrual: Accrual) -> None:
    """Rates of levels that nobody has, and days on which nobody has a level yet."""
    ladders = ladder_of(findings)
    named = list(_named_levels(accrual))
    if not named or not ladders:
        return
    starts = findings.rules.starts[accrual.id]
    later = [day for day in starts if day > accrual.effective_from]
    force = [ladder for ladder in ladders if not later or ladder.effective_from < later[0]]
    with findings.bounded(findings.path(accrual)):
        gone = set.intersection(*(unreached(findings, ladder) | ({*findings.rules.levels} - {*ladder.names}) for ladder in force)) if force else set()
        for field, name in named:
            if name in gone:
                findings.warning("check.rate_never_used", findings.path(accrual, *field, name), level=name)
    first = ladders[0].effective_from
    everybody = all(ladder.levels[0].enter is None and not ladder.exclude for ladder in ladders)
    for field, name in named:
        if name == NO_LEVEL and everybody and first <= accrual.effective_from:
            findings.warning("check.rate_never_used", findings.path(accrual, *field, name), level=name)
    rated = {name for field, name in named if field[0] != "caps"}
    if rated and accrual.effective_from < first and NO_LEVEL not in rated:
        findings.warning(
            "check.levels_begin_later", findings.path(accrual, "effective_from"), since=accrual.effective_from, first=first, ladder=ladders[0].id
        )


def _named_levels(accrual: Accrual) -> Iterator[tuple[Path, str]]:
    """The levels that an accrual names, each with its place."""
    numbers: dict[Path, object] = {tuple(path.split(".")): rates for path, rates in accrual.rates().items()}
    numbers |= {("caps", place, "at_most"): cap.at_most for place, cap in enumerate(accrual.caps)}
    yield from ((path, name) for path, rates in numbers.items() if isinstance(rates, Frozen) for name in rates)


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


# -- caps --------------------------------------------------------------------------------------------------------------


def _caps(findings: Findings, accrual: Accrual) -> None:
    """Caps that no award of an event other than a purchase fits under."""
    least = _least(accrual)
    account = findings.rules.versions[findings.rules.kept_by[findings.rules.resolve(accrual.account)]][0]
    if accrual.event == "purchase" or not least or not isinstance(account, Account):
        return
    units = rounded(least * 10**account.scale, accrual.rounding)
    for index, cap in enumerate(accrual.caps):
        lowest = min(cap.at_most.values()) if isinstance(cap.at_most, Frozen) else cap.at_most
        if units > lowest * 10**account.scale:
            path = findings.path(accrual, "caps", index, "at_most")
            findings.warning("check.cap_below_award", path, at_most=rate_text(lowest), smallest=shown(units, account.unit, account.scale))


def _pointless(findings: Findings, accrual: Accrual) -> None:
    """Caps whose dates lie outside the version's time, and groups that nobody else is in."""
    begins, ends = _in_force(findings, accrual)
    for index, cap in enumerate(accrual.caps):
        dates = cap.per.window
        if isinstance(dates, Dates) and (dates.last < begins or (ends is not None and dates.first >= ends)):
            findings.warning("check.cap_never_applies", findings.path(accrual, "caps", index, "per"), per=str(cap.per), since=begins)
        if cap.group is not None and len(findings.rules.awards.members[cap.group]) == 1:
            findings.warning("check.group_of_one", findings.path(accrual, "caps", index, "group"), group=cap.group)


def _unread_switches(findings: Findings, accrual: Accrual) -> None:
    """Switches about amounts where nothing is earned by an amount."""
    by_amount = accrual.points_per_unit is not None or (accrual.points_per is not None and accrual.points_per.of == "amount")
    for name in ("discounts", "coupons", "tenders") if not by_amount else ():
        if getattr(accrual.counts, name) != getattr(Counts(), name):
            findings.warning("check.switch_of_no_effect", findings.path(accrual, "counts", name), switch=name)


def _in_force(findings: Findings, accrual: Accrual) -> tuple[date, date | None]:
    """The first day of a version, and that of the next one."""
    later = [day for day in findings.rules.starts[accrual.id] if day > accrual.effective_from]
    return accrual.effective_from, min(later, default=None)


def _least(accrual: Accrual) -> Fraction:
    """No award is smaller; 0 where that is not known."""
    rates = list(accrual.points.values()) if isinstance(accrual.points, Frozen) else [accrual.points or Fraction(0)]
    least = min((Fraction(rate) for rate in rates if rate), default=Fraction(0))
    factors = [row.by for row in accrual.multiply]
    if accrual.combine == "sum_of_extras":
        return least * max(Fraction(0), 1 + sum((min(by - 1, Fraction(0)) for by in factors), Fraction(0)))
    return least * prod((by for by in factors if by < 1), start=Fraction(1))
