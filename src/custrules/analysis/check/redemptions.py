"""Redemption: limits that leave nothing to be spent, rewards that nobody can reach or that are never offered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from math import ceil

from custrules.analysis.check.findings import Findings
from custrules.calendars import ONE_DAY
from custrules.fields import rate_text
from custrules.policies.points import Redemption
from custrules.policies.points.catalogue import Reward
from custrules.policies.points.levels import at_level, values_of
from custrules.policies.points.limits import Limit

Path = tuple[int | str, ...]


def check_redemptions(findings: Findings) -> None:
    for redemption in findings.live(Redemption):
        if redemption.value is not None:
            _money_off(findings, redemption)
        for place, reward in enumerate(redemption.rewards):
            _reward(findings, redemption, reward, ("rewards", place))


def _money_off(findings: Findings, redemption: Redemption) -> None:
    """Limits that leave nothing to be spent."""
    least = _least(redemption)
    for path, maximum in (*_maxima(redemption), *_limits_in_points(redemption)):
        if least > maximum:
            findings.warning("check.never_redeemable", findings.path(redemption, *path), least=rate_text(least), maximum=rate_text(maximum))


def _least(redemption: Redemption) -> Fraction:
    least, step = Fraction(redemption.minimum or 0), Fraction(redemption.step or 0)
    return max(ceil(least / step), 1) * step if step else least


def _maxima(redemption: Redemption) -> Iterator[tuple[Path, Fraction]]:
    for level, maximum in values_of(redemption.maximum) if redemption.maximum is not None else ():
        yield ("maximum", level) if level else ("maximum",), Fraction(maximum)


def _limits_in_points(redemption: Redemption) -> Iterator[tuple[Path, Fraction]]:
    """What each limit comes to in points at the most; one of nought is meant."""
    assert redemption.value is not None
    dearest = max(Fraction(money) for _, money in values_of(redemption.value.money)) / Fraction(redemption.value.points)
    limits = [(place, limit) for place, limit in enumerate(redemption.limits) if limit.measure in ("at_most", "money")]
    rows = [(place, limit.measure, level, Fraction(most)) for place, limit in limits for level, most in values_of(limit.most) if most]
    for place, measure, level, most in rows:
        yield ("limits", place, measure, *((level,) if level else ())), most / (dearest if measure == "money" else 1)


def _reward(findings: Findings, redemption: Redemption, reward: Reward, path: Path) -> None:
    _never_offered(findings, redemption, reward, path)
    for where, limit in _limits_of(redemption, reward, path):
        dear = [(level, price, most) for level, price, most in _prices(findings, reward, limit) if price > most]
        if dear and len(dear) == len(list(_prices(findings, reward, limit))):
            _, price, most = dear[0]
            told = {"reward": reward.name, "price": rate_text(price), "at_most": rate_text(most), "per": str(limit.per)}
            findings.warning("check.reward_out_of_reach", findings.path(redemption, *where), **told)


def _never_offered(findings: Findings, redemption: Redemption, reward: Reward, path: Path) -> None:
    """Days of a reward that lie outside those on which its version is in force."""
    starts = [day for day in findings.rules.starts[redemption.id] if day > redemption.effective_from]
    last = starts[0] - ONE_DAY if starts else date.max
    for field, never in (
        ("last_day", reward.last_day is not None and reward.last_day < redemption.effective_from),
        ("first_day", reward.first_day is not None and reward.first_day > last),
    ):
        if never:
            told = {"reward": reward.name, "first": redemption.effective_from, "last": last}
            findings.warning("check.reward_never_offered", findings.path(redemption, *path, field), **told)


def _limits_of(redemption: Redemption, reward: Reward, path: Path) -> Iterator[tuple[Path, Limit]]:
    rows: list[tuple[Path, Limit]] = [(("limits", place), limit) for place, limit in enumerate(redemption.limits)]
    rows += [((*path, "limits", place), limit) for place, limit in enumerate(reward.limits)]
    yield from ((where, limit) for where, limit in rows if limit.measure == "at_most")


def _prices(findings: Findings, reward: Reward, limit: Limit) -> Iterator[tuple[str | None, Fraction, Fraction]]:
    """A reward's price and what a limit allows, at every level that has a price."""
    levels = findings.rules.levels
    for level in levels or (None,):
        price = at_level(reward.points, level, levels)
        if price:
            yield level, price, at_level(limit.most, level, levels)
