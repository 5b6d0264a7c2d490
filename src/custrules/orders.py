"""What is needed to undo an event exactly: lines and tenders not yet returned, and what each policy did then.

Amounts are whole numbers of the currency's smallest unit. A returned amount is split over lines and tenders by running
totals, so that parts always sum to the whole (``money.split``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from custrules.baskets import Basket, OrderFault
from custrules.deposits import Deposit
from custrules.event_fields import read_scalar
from custrules.events import Return
from custrules.fields import instant_text, read_instant
from custrules.ledger import EXPIRED, REVERSED, Lot, LotPart, Move, text, whole
from custrules.money import Rounding, rounded, split
from custrules.order_lines import MONEY, NOT_EARNING, OrderLine, OrderTender

_WHOLE = Fraction(1)
_NONE: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Record:
    """What one policy did for an event: its version, the facts it could read, and every move made for the order since."""

    effective_from: date
    facts: Mapping[str, Any]
    moves: tuple[Move, ...] = ()

    def moved(self, source: str | None = None, target: str | None = None) -> int:
        """How much was moved in all, from a source or to a target."""
        return sum(move.quantity for move in self.moves if source in (None, move.source) and target in (None, move.target))

    def parts(self, source: str) -> Iterator[LotPart]:
        """The lots that were moved out of a source."""
        return (part for move in self.moves if move.source == source for part in move.parts)

    @property
    def reversed(self) -> int:
        return self.moved(target=REVERSED)

    def unforgiven(self, expired: Mapping[str, int]) -> dict[str, int]:
        """What of each lot expired unspent, less what was forgiven already."""
        left = dict(expired)
        for move in self.moves:
            if move.source == EXPIRED and move.target == REVERSED:
                for lot, quantity in move.parts:
                    left[lot.id] = left.get(lot.id, 0) - quantity
        return left

    def to_data(self) -> dict[str, Any]:
        moves = [move.to_row() for move in self.moves]
        return {"effective_from": self.effective_from.isoformat(), "facts": dict(self.facts), "moves": moves}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Record:
        facts = {name: None if value is None else read_scalar(value) for name, value in data["facts"].items()}
        return cls(date.fromisoformat(data["effective_from"]), facts, tuple([Move.from_row(row) for row in data["moves"]]))


@dataclass(frozen=True, slots=True)
class Order:
    """An event that moved value. ``spread`` is what came back as a mere amount, shared over what is left of all lines.

    A hold stands until the instant ``until`` (None: without end), and then or before is ``resolved``: captured or void. A top-up has a
    ``deposit``.
    """

    id: str
    type: str
    day: date
    occurred_at: datetime
    lines: tuple[OrderLine, ...] = ()
    tenders: tuple[OrderTender, ...] = ()
    spread: int = 0
    list_amount: int | None = None
    tallied: tuple[str, ...] = ()
    records: Mapping[str, Record] = field(default_factory=dict)
    expired: Mapping[str, int] = field(default_factory=dict)
    done: bool = False
    until: datetime | None = None
    resolved: str = ""
    deposit: Deposit | None = None

    @property
    def stands(self) -> bool:
        """Whether it is kept though its window has closed: a hold or a request that stands, a top-up."""
        return self.open_hold or self.open_request or self.deposit is not None

    @property
    def open_request(self) -> bool:
        """Whether it asks for a refund that nobody has decided or paid yet."""
        return self.type == "refund_request" and not self.done

    @property
    def open_hold(self) -> bool:
        """Whether it is a hold of which nothing has become yet: such an order is kept for as long as it stands."""
        return self.type == "hold" and not self.resolved

    @property
    def reward(self) -> OrderLine | None:
        """What a redemption was for: its line, which costs no money; None where it is money off."""
        return self.lines[0] if self.type == "redemption" and self.lines else None

    @property
    def amount(self) -> int:
        return sum([line.amount for line in self.lines])

    @property
    def returned(self) -> int:
        return sum([line.back for line in self.lines]) + self.spread

    @property
    def left(self) -> int:
        return sum([line.amount - line.back for line in self.lines]) - self.spread

    def lots(self) -> list[Lot]:
        """The lots that came of it."""
        moves = (move for record in self.records.values() for move in record.moves)
        return [part.lot for move in moves for part in move.parts if part.lot.origin == self.id]

    @property
    def unforgiven(self) -> dict[str, int]:
        """What of each lot that came of it expired unspent, less what returns have forgiven."""
        left = dict(self.expired)
        for record in self.records.values():
            left = record.unforgiven(left)
        return left

    def kept(self) -> list[int]:
        """What is left of each line's amount."""
        lefts = [line.left for line in self.lines]
        return [left - share for left, share in zip(lefts, split(self.spread, lefts), strict=True)] if self.spread else lefts

    @property
    def all_gone(self) -> bool:
        """Whether nothing is left to come back; of what cost nothing, no quantity."""
        return self.done if not self.lines else not self.left and not any(line.quantity_left for line in self.lines if not line.amount)

    @property
    def coupons(self) -> int:
        return sum(tender.amount for tender in self.tenders if tender.type == "coupon")

    def tenders_back(self, rule: str) -> list[int]:
        """How much of each tender has gone back in all, for what has come back so far; coupons keep their share.

        ``reverse``: from the last tender named to the first; ``pro_rata``: in proportion to their amounts.
        """
        backs = self._shares_back(rule)
        lost = self._coupons_lost(backs)
        return self._charged(backs, lost, rule) if lost else backs

    def _shares_back(self, rule: str) -> list[int]:
        """The same as long as every coupon keeps its share."""
        if not self.tenders:
            return []
        net = self.returned - self._coupon_share()
        payable = [0 if tender.type == "coupon" else tender.amount for tender in self.tenders]
        backs = split(net, payable) if rule == "pro_rata" else _filled(net, payable[::-1])[::-1]
        return [
            back if tender.type != "coupon" else self._coupon_part(index)
            for index, (tender, back) in enumerate(zip(self.tenders, backs, strict=True))
        ]

    def _coupon_share(self) -> int:
        """The part of what came back that coupons had paid for; a running total, rounded half up."""
        return rounded(Fraction(self.coupons * self.returned, self.amount), Rounding.half_up) if self.coupons and self.amount else 0

    def _coupon_part(self, index: int) -> int:
        amounts = [tender.amount if tender.type == "coupon" else 0 for tender in self.tenders]
        return split(self._coupon_share(), amounts)[index]

    def _coupons_lost(self, backs: Sequence[int]) -> int:
        """What of coupons is left whose minimum is not kept any more, as far as cash and cards can be charged with it."""
        if all(tender.minimum is None for tender in self.tenders):
            return 0
        left, rows = self.left, list(zip(self.tenders, backs, strict=True))
        lost = sum(tender.amount - back for tender, back in rows if tender.minimum is not None and left < tender.minimum)
        return min(lost, sum(back for tender, back in rows if tender.type in MONEY))

    def _charged(self, backs: list[int], lost: int, rule: str) -> list[int]:
        """So much less goes back in cash and cards, and so much more to the coupons that are lost."""
        money = [tender.amount if tender.type in MONEY else 0 for tender in self.tenders]
        coupons = [tender.amount - back if (tender.minimum or 0) > self.left else 0 for tender, back in zip(self.tenders, backs, strict=True)]
        less = sum(back for tender, back in zip(self.tenders, backs, strict=True) if tender.type in MONEY) - lost
        filled = split(less, money) if rule == "pro_rata" else _filled(less, money[::-1])[::-1]
        rows = zip(self.tenders, backs, filled, split(lost, coupons), strict=True)
        return [new if tender.type in MONEY else back + more for tender, back, new, more in rows]

    def refunded(self, rule: str) -> int:
        """What has gone back in cash or card in all; an order that names no tenders was paid in cash."""
        if not self.tenders:
            return self.returned
        return sum(back for tender, back in zip(self.tenders, self.tenders_back(rule), strict=True) if tender.type in MONEY)

    def earning(self, rule: str, without: Collection[str] = NOT_EARNING) -> Fraction:
        """The share of what is kept that was paid by tenders that earn: the same for every line, shared by amount. An order that
        names no tenders was paid in cash; a coupon that is lost paid its share all the same."""
        if not self.tenders or not self.left:
            return _WHOLE if "cash" not in without else Fraction(0)
        paid = zip(self.tenders, self._shares_back(rule), strict=True)
        return Fraction(sum(tender.amount - back for tender, back in paid if tender.type not in without), self.left)

    # -- returns ---------------------------------------------------------------------------------------------------

    def take_back(self, event: Return) -> Order:
        """This order after a return that names it; OrderFault when it asks for more than is left."""
        if event.lines:
            basket = self.basket()
            for line in event.lines:
                basket.give(line)
            return self.after(basket)
        amount = event.amount.minor if event.amount is not None else self.left
        if amount > self.left or self.all_gone:
            raise OrderFault("event.exceeds_order", of=self.id, asked=amount, left=self.left)
        if amount == self.left:
            return self.all_back()
        return replace(self, spread=self.spread + amount)

    def basket(self) -> Basket:
        """Its lines as they stand, for something to be taken out of them."""
        return Basket(self.id, self.settled().lines)

    def after(self, basket: Basket) -> Order:
        """The order as what is left in its basket; the same one where nothing was taken."""
        return replace(self, lines=tuple(basket.lines), spread=0) if basket.changed else self

    def all_back(self) -> Order:
        lines = tuple(line._replace(back=line.amount, back_quantity=line.quantity) for line in self.lines)
        return replace(self, lines=lines, spread=0)

    def settled(self) -> Order:
        """The same order with what was spread written to its lines."""
        if not self.spread:
            return self
        lines = tuple(line._replace(back=line.amount - kept) for line, kept in zip(self.lines, self.kept(), strict=True))
        return replace(self, lines=lines, spread=0)

    # -- wire ------------------------------------------------------------------------------------------------------

    def to_data(self) -> dict[str, Any]:
        data: dict[str, Any] = {"type": self.type, "day": self.day.isoformat(), "occurred_at": instant_text(self.occurred_at)}
        if self.lines:
            data["lines"] = [line.to_row() for line in self.lines]
        if self.tenders:
            data["tenders"] = [tender.to_row() for tender in self.tenders]
        if self.tallied:
            data["tallied"] = list(self.tallied)
        if self.records:
            data["records"] = {policy: record.to_data() for policy, record in self.records.items()}
        if self.list_amount is not None:
            data["list_amount"] = self.list_amount
        if self.spread:
            data["spread"] = self.spread
        if self.expired:
            data["expired"] = dict(self.expired)
        if self.done:
            data["done"] = self.done
        if self.type == "hold":
            data["until"] = instant_text(self.until) if self.until is not None else None
        if self.open_request:
            data["open"] = True  # no text of an order that is done: it stays what it is, however old
        if self.resolved:
            data["resolved"] = self.resolved
        if self.deposit is not None:
            data["deposit"] = self.deposit.to_data()
        return data

    @classmethod
    def from_data(cls, event_id: str, data: Mapping[str, Any]) -> Order:
        read = data.get
        lines = tuple([OrderLine.from_row(row) for row in read("lines", ())])
        tenders = tuple([OrderTender.from_row(row) for row in read("tenders", ())])
        order = cls(
            event_id,
            text(data["type"]),
            date.fromisoformat(data["day"]),
            read_instant(data["occurred_at"]),
            lines,
            tenders,
            whole(read("spread", 0)),
            whole(data["list_amount"]) if "list_amount" in data else None,
            tuple([text(key) for key in read("tallied", ())]),
            {policy: Record.from_data(row) for policy, row in read("records", _NONE).items()},
            {lot: whole(quantity) for lot, quantity in data["expired"].items()} if "expired" in data else {},
            read("done", False) is True,
            read_instant(data["until"]) if read("until") is not None else None,
            text(read("resolved", "")),
            Deposit.from_data(data["deposit"]) if "deposit" in data else None,
        )
        if order.spread and not 0 <= order.spread <= sum(line.left for line in lines):
            raise ValueError(f"order {event_id}: more came back than was sold")
        paid = [tender.amount for tender in tenders]
        if paid and (min(paid) < 0 or (lines and sum(paid) != order.amount)):
            raise ValueError(f"order {event_id}: the tenders are not what the lines cost")
        return order


def _filled(amount: int, sizes: Sequence[int]) -> list[int]:
    """Pour an amount into vessels of given sizes, one after the other."""
    parts = []
    for size in sizes:
        parts.append(min(amount, size))
        amount -= parts[-1]
    return parts
