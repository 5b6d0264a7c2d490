"""What is asked of a redemption: every limit that it fails, and the most that is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from custrules.money import Money, Rounding, rounded
from custrules.policies.points import limits as limiting
from custrules.policies.points.account import Account
from custrules.policies.points.catalogue import Reward
from custrules.policies.points.levels import at_level, level_of
from custrules.policy import Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.redemption import Redemption

_GATES = ("points.redemption.condition", "points.redemption.with_coupon", "points.redemption.not_for_level")


class Asked(NamedTuple):
    """What is asked of a redemption: smallest units of points, as an ``amount`` of an order, or for a ``quantity`` of a reward."""

    units: int
    account: Account
    amount: int | None = None
    reward: Reward | None = None
    quantity: Decimal = Decimal(1)
    price: int = 0
    coupon: bool = False


def money_of(policy: Redemption, units: int, account: Account, view: View) -> int:
    """What points are worth in smallest units of the currency, rounded down."""
    return rounded(units * worth_of(policy, account, view), Rounding.floor)


def worth_of(policy: Redemption, account: Account, view: View) -> Fraction:
    """What one smallest unit of points is worth in smallest units of the currency."""
    if policy.value is None:
        return Fraction(0)
    return policy.value.of_unit(account.scale, view.scale, at_level(policy.value.money, level_of(view), view.levels))


def failing_of(policy: Redemption, asked: Asked, view: View) -> list[Reason]:
    """Every limit that a redemption fails, each with the most that is allowed."""
    gates = list(_gates(policy, asked, view))
    account, available = asked.account, view.ledger.usable(asked.account.id)
    most = 0 if gates else most_of(policy, asked, available, view)
    told = {"asked": account.shown(asked.units), "most": account.shown(most), "account": account.id}
    failing = [reason(why.code, **{**why.params, **told}) if why.code in _GATES else why for why in gates]
    if asked.units > available:
        short = {"available": account.shown(available), "missing": account.shown(asked.units - available)}
        failing.append(reason("points.redemption.insufficient", **short, **told))
    failing += _reward_limits(asked, told) if asked.reward is not None else _money_limits(policy, asked, told, view)
    money, quantity = money_of(policy, asked.units, account, view) if asked.reward is None else 0, Fraction(asked.quantity)
    rooms = _rooms(policy, asked, view)
    return failing + [limiting.failed(room, account, view, told) for room in rooms if limiting.over(room, asked.units, money, quantity)]


def _gates(policy: Redemption, asked: Asked, view: View) -> Iterator[Reason]:
    """What closes the whole redemption, however little is asked."""
    if policy.when is not None and not view.test(policy.when):
        yield reason("points.redemption.condition")
    if asked.coupon and not policy.with_coupon:
        yield reason("points.redemption.with_coupon")
    reward = asked.reward
    if reward is None:
        return
    if reward.when is not None and not view.test(reward.when):
        yield reason("points.redemption.condition")
    if not asked.price:
        yield reason("points.redemption.not_for_level", reward=reward.name, level=level_of(view) or "none")
    if not reward.offered_on(view.day):
        yield reward.not_offered(view.day)


def _reward_limits(asked: Asked, told: Mapping[str, Any]) -> Iterator[Reason]:
    assert asked.reward is not None
    cost = asked.price * Fraction(asked.quantity)
    if asked.quantity % 1:
        yield reason("points.redemption.not_whole", reward=asked.reward.name, quantity=asked.quantity)
    elif asked.price and cost != asked.units:
        price = asked.account.shown(int(cost))
        yield reason("points.redemption.other_price", reward=asked.reward.name, quantity=int(asked.quantity), price=price, **told)


def _money_limits(policy: Redemption, asked: Asked, told: Mapping[str, Any], view: View) -> Iterator[Reason]:
    units, account = asked.units, asked.account
    if money_of(policy, units, account, view) <= 0:
        yield reason("points.redemption.worth_nothing", **told)
    if policy.minimum is not None and units < in_units_floor(policy.minimum, account):
        yield reason("points.redemption.below_minimum", minimum=policy.minimum, **told)
    maximum = _maximum(policy, account, view)
    if maximum is not None and units > maximum:
        yield reason("points.redemption.above_maximum", maximum=account.shown(maximum), **told)
    if policy.step is not None and units % in_units_floor(policy.step, account):
        yield reason("points.redemption.not_a_step", step=policy.step, **told)
    if asked.amount is not None:
        yield from _order_limits(policy, units, asked.amount, told, account, view)


def _order_limits(policy: Redemption, units: int, amount: int, told: Mapping[str, Any], account: Account, view: View) -> Iterator[Reason]:
    share = _share_of_order(policy, view)
    if share is not None and amount > share:
        part = _share(policy, view) if policy.max_share is not None else None
        yield reason("points.redemption.over_share", share=part, allowed=Money.from_minor(share, view.currency), **told)
    worth = money_of(policy, units, account, view)
    if worth != amount:
        found, expected = (Money.from_minor(minor, view.currency) for minor in (amount, worth))
        yield reason("points.redemption.amount_mismatch", found=found, expected=expected, **told)


def _share(policy: Redemption, view: View) -> Fraction:
    return at_level(policy.max_share, level_of(view), view.levels) if policy.max_share is not None else Fraction(1)


def _share_of_order(policy: Redemption, view: View) -> int | None:
    if view.order is None or (policy.max_share is None and policy.exclude_lines is None):
        return None
    lines = [line for line in view.order.lines if policy.exclude_lines is None or not view.line_matches(policy.exclude_lines, line)]
    return rounded(_share(policy, view) * sum(line.amount for line in lines), Rounding.floor)


def _maximum(policy: Redemption, account: Account, view: View) -> int | None:
    if policy.maximum is None:
        return None
    return rounded(at_level(policy.maximum, level_of(view), view.levels) * 10**account.scale, Rounding.floor)


def _rooms(policy: Redemption, asked: Asked, view: View) -> list[limiting.Room]:
    """What is left under each limit that runs over a period."""
    reward = asked.reward
    rows = [(limit, "") for limit in policy.limits] + ([(limit, reward.name) for limit in reward.limits] if reward is not None else [])
    return [limiting.room(limit, policy, of, asked.account, view) for limit, of in rows if reward is None or limit.measure != "money"]


def most_of(policy: Redemption, asked: Asked, available: int, view: View) -> int:
    """The most points that every limit allows; 0 where none are."""
    worth = worth_of(policy, asked.account, view)
    rooms = (limiting.points_within(room, worth, asked.price) for room in _rooms(policy, asked, view))
    most = min((bound for bound in rooms if bound is not None), default=available)
    most = min(most, available)
    if asked.reward is not None:
        return most - most % asked.price if asked.price else 0
    return _most_money_off(policy, most, asked, worth, view)


def _most_money_off(policy: Redemption, most: int, asked: Asked, worth: Fraction, view: View) -> int:
    account = asked.account
    share = _share_of_order(policy, view) if asked.amount is not None else None
    if share is None and asked.amount is not None and view.order is not None:
        share = view.order.amount
    if not worth:
        return 0
    if share is not None:
        most = min(most, rounded(share / worth, Rounding.floor))
    maximum = _maximum(policy, account, view)
    most = most if maximum is None else min(most, maximum)
    if policy.step is not None:
        most -= most % in_units_floor(policy.step, account)
    return most if policy.minimum is None or most >= in_units_floor(policy.minimum, account) else 0


def in_units_floor(points: Decimal, account: Account) -> int:
    """A limit in smallest units of the account."""
    return rounded(Fraction(points) * 10**account.scale, Rounding.floor)
