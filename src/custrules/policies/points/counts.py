"""What of a purchase counts: which lines, how much of each, and what was paid by which tender."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, WithJsonSchema

from custrules.fields import FLAG_SCHEMA, Flag, Frozen, describe, fault, read_flag, wrong_type
from custrules.order_lines import NOT_EARNING, OrderLine, listed_at
from custrules.orders import Order

TENDERS = ("cash", "card", "stored_value", "bonus", "points", "gift_card")


def _read_tenders(value: object) -> Frozen:
    """Switches by tender; a tender that is not named keeps its default."""
    if not isinstance(value, Mapping) or not value:
        raise wrong_type("switches by tender, such as {gift_card: true}", value)
    for name in value:
        if name not in TENDERS:
            raise fault("document.unknown_choice", found=describe(name), choices=", ".join(TENDERS))
    return Frozen({name: read_flag(switch) for name, switch in value.items()})


_TENDERS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {name: dict(FLAG_SCHEMA) for name in TENDERS},
    "additionalProperties": False,
    "minProperties": 1,
}
Tenders = Annotated[
    Mapping[str, bool],
    PlainValidator(_read_tenders),
    PlainSerializer(lambda value: {name: "true" if switch else "false" for name, switch in value.items()}, return_type=dict),
    WithJsonSchema(_TENDERS_SCHEMA),
]


class Counts(BaseModel):
    """Switches of what earns. A line is delivery, tax, a gift_card or a top_up by its category or one of its tags.

    By default what was asked for counts, tax and delivery with it, as far as money and the principal of stored value paid it: not what
    its bonus, coupons, points and gift cards paid, and no gift cards and top-ups that were bought. ``discounts: true`` counts list prices.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    discounts: Flag = False
    coupons: Flag = False
    tax: Flag = True
    delivery: Flag = True
    gift_cards: Flag = False
    top_ups: Flag = False
    tenders: Tenders = Frozen()

    @property
    def as_charged(self) -> bool:
        """Whether what was asked for a line counts, no more and no less."""
        return self.tax and not self.discounts

    @cached_property
    def left_out(self) -> frozenset[str]:
        """The kinds of lines that do not count."""
        kinds = {"tax": self.tax, "delivery": self.delivery, "gift_card": self.gift_cards, "top_up": self.top_ups}
        return frozenset(kind for kind, counts in kinds.items() if not counts)

    @cached_property
    def not_earning(self) -> frozenset[str]:
        """The tenders of which what they paid does not count."""
        off = {name for name, switch in self.tenders.items() if not switch} | (set() if self.coupons else {"coupon"})
        on = {name for name, switch in self.tenders.items() if switch} | ({"coupon"} if self.coupons else set())
        return frozenset((NOT_EARNING | {"bonus"} | off) - on)

    def amount(self, line: OrderLine, kept: int, order: Order | None) -> Fraction | int:
        """What counts of a line of which so much is kept, in smallest units, whoever paid for it."""
        counted: Fraction | int = kept
        if self.discounts:
            counted = _listed(line, order) * line.share_kept(kept)
        if not self.tax and line.tax:
            counted = Fraction(counted) * (line.amount - line.tax) / line.amount
        return counted


def _listed(line: OrderLine, order: Order | None) -> Fraction:
    if order is None:
        return listed_at(line, 0, None, 1)
    return listed_at(line, order.amount, order.list_amount, len(order.lines))
