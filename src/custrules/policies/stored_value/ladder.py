"""What a top-up brings beside its amount: rows of a ladder, and how often each of them counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from custrules.calendars import Span
from custrules.errors import Diagnostic
from custrules.fields import Flag, Name, Rate, Whole, read_whole
from custrules.forms import within
from custrules.money import Rounding, rounded
from custrules.policies.stored_value.amounts import AnyAmount, PositiveAmount, minor, money_faults
from custrules.policy import View

Mode = Literal["highest", "per_multiple", "largest_first"]
MODES = ("highest", "per_multiple", "largest_first")


class GiftRow(BaseModel):
    """A gift in kind, and what it is fairly worth."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    item: Name
    value: AnyAmount


_count = within(read_whole, "a whole number from 1 to 1000", lambda count: 1 <= count <= 1000)


class CouponPack(BaseModel):
    """So many coupons of one kind, good for a length from the day of the top-up on, each worth a ``value``: what a refund keeps back for it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    coupon: Name
    count: Annotated[Whole, BeforeValidator(_count)] = 1
    value: AnyAmount
    valid: Span


class TopUpRow(BaseModel):
    """For ``pay`` and more: a bonus to ``give``, or ``percent`` of what was paid, at most ``cap``; ``gifts`` in kind, ``points``, ``coupons``.

    ``first``: only for the first top-up that a member ever makes.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    pay: AnyAmount
    give: AnyAmount | None = None
    percent: Rate | None = None
    cap: PositiveAmount | None = None
    gifts: Annotated[tuple[GiftRow, ...], Field(max_length=20)] = ()
    points: PositiveAmount | None = None
    coupons: Annotated[tuple[CouponPack, ...], Field(max_length=20)] = ()
    first: Flag = False

    def faults(self, path: str, known_scale: int) -> Iterator[Diagnostic]:
        for name, amount in (("pay", self.pay), ("give", self.give), ("cap", self.cap)):
            yield from money_faults(f"{path}.{name}", amount, known_scale)
        for place, gift in enumerate(self.gifts):
            yield from money_faults(f"{path}.gifts[{place}].value", gift.value, known_scale)
        for place, pack in enumerate(self.coupons):
            yield from money_faults(f"{path}.coupons[{place}].value", pack.value, known_scale)
        if self.give is not None and self.percent is not None:
            yield Diagnostic("document.not_with", f"{path}.percent", {"field": "percent", "other": "give"})
        if self.cap is not None and self.percent is None:
            yield Diagnostic("document.missing_field", path, {"field": "percent"})

    def bonus(self, paid: int, times: int, rounding: Rounding, view: View) -> int:
        """What it gives for an amount that counts so many times."""
        if self.percent is None:
            return minor(self.give or Decimal(0), view) * times
        found = rounded(self.percent * Fraction(paid), rounding)
        return min(found, minor(self.cap, view)) if self.cap is not None else found


class Reached(NamedTuple):
    """A row that counts, how often, and for how much of what was paid."""

    row: TopUpRow
    times: int
    paid: int


def reached(rows: Iterable[TopUpRow], mode: Mode | None, paid: int, view: View) -> list[Reached]:
    """The rows that an amount reaches.

    ``highest``: the highest one, once. ``per_multiple``: the highest one, as often as it fits. ``largest_first``: the highest one as
    often as it fits, then the next with what is left, and so on.
    """
    ladder = sorted(((minor(row.pay, view), row) for row in rows), key=lambda pair: pair[0], reverse=True)
    found, left = [], paid
    for pay, row in ladder:
        if pay > left:
            continue
        times = left // pay if mode != "highest" and pay else 1
        found.append(Reached(row, times, left if mode == "highest" or not pay else times * pay))
        if mode != "largest_first" or not pay:
            break
        left -= times * pay
    return found


def ladder_faults(rows: Sequence[TopUpRow], scale: int) -> Iterator[Diagnostic]:
    seen: set[tuple[Decimal, bool]] = set()
    for place, row in enumerate(rows):
        yield from row.faults(f"ladder[{place}]", scale)
        if (row.pay, row.first) in seen:
            yield Diagnostic("document.name_taken", f"ladder[{place}].pay", {"name": str(row.pay)})
        seen.add((row.pay, row.first))
    yield from _coupon_faults(rows)


def _coupon_faults(rows: Sequence[TopUpRow]) -> Iterator[Diagnostic]:
    """One name is one kind of coupon: of one value, good for as long wherever it stands; and no gift in kind."""
    known: dict[str, CouponPack] = {}
    gifts = {gift.item for row in rows for gift in row.gifts}
    for place, row in enumerate(rows):
        for number, pack in enumerate(row.coupons):
            first = known.setdefault(pack.coupon, pack)
            if pack.coupon in gifts or (first.value, first.valid) != (pack.value, pack.valid):
                yield Diagnostic("document.name_taken", f"ladder[{place}].coupons[{number}].coupon", {"name": pack.coupon})


__all__ = ["MODES", "CouponPack", "GiftRow", "Mode", "Reached", "TopUpRow", "ladder_faults", "reached"]
