"""What becomes of a shortfall: points that a return takes back are gone already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeGuard

from pydantic import BaseModel, BeforeValidator, ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator

from custrules.calendars import Window
from custrules.errors import Diagnostic
from custrules.events import AnyEvent, Return
from custrules.fields import Number, Text, one_of, read_decimal
from custrules.forms import short_form, within
from custrules.ledger import ISSUED, REFUND, REVERSED, WRITTEN_OFF, LotPart, Move
from custrules.money import Money, Rounding, rounded
from custrules.orders import Order, Record
from custrules.policies.points.worth import Value
from custrules.policy import Known, Policy, Reason, View, reason

if TYPE_CHECKING:
    from custrules.policies.points.account import Account

Then = Literal["owed", "from_refund", "write_off"]
_THEN = ("owed", "from_refund", "write_off")
_OF = {"value": "from_refund", "at_most": "write_off", "per": "write_off", "approver": "write_off"}
_read_most = within(read_decimal, "a number that is not negative", lambda number: number >= 0)
Limit = Annotated[Number, BeforeValidator(_read_most)]


class Debt(BaseModel):
    """``owed``: settled out of the next points. ``from_refund``: their worth is kept back from what the return pays out in cash or card.
    ``write_off``: let go, ``at_most`` so many points ``per`` window (an event, where not said). What is left is owed.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    then: Annotated[Then, one_of(*_THEN)]
    value: Value | None = None
    at_most: Limit | None = None
    per: Window | None = None
    approver: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return short_form(cls, value, "then", "owed, from_refund, write_off, or {then: write_off, at_most: 500}")

    @model_serializer(mode="wrap")
    def _short(self, write: SerializerFunctionWrapHandler) -> str | dict[str, Any]:
        fields: dict[str, Any] = {name: part for name, part in write(self).items() if part is not None}
        return self.then if set(fields) == {"then"} else fields

    def __str__(self) -> str:
        return self.then

    def faults(self, account: str, known: Known) -> Iterator[Diagnostic]:
        for name, then in _OF.items():
            if getattr(self, name) is not None and self.then != then:
                yield Diagnostic("document.not_with", name, {"field": name, "other": f"then: {self.then}"})
        if self.per is not None and self.at_most is None:
            yield Diagnostic("document.missing_field", "at_most", {"field": "at_most"})
        if self.then == "from_refund" and self.value is None and not any(_value_of(policy) for policy in working_on(account, known)):
            yield Diagnostic("document.no_point_value", "", {"account": account})
        if self.value is not None:
            yield from self.value.faults(known)

    @property
    def tally(self) -> str | None:
        """What is written off within the window; None where that is not asked."""
        return f"written_off in {self.per}" if self.per is not None else None


def relieved(account: Account, view: View, event: AnyEvent, record: Record, owed: int) -> list[Reason]:
    """What becomes of the debt that a reversal has just left, as postings on the draft; and the reasons for it."""
    if not isinstance(event, Return) or view.order is None or account.debt.then == "owed":
        return []
    owed = min(max(owed - _owed_again(view.order, account.id), 0), view.ledger.owed(account.id))
    if account.debt.then == "from_refund":
        return _from_refund(account, view, view.order, record, owed) if not event.withdrawal else []
    return _written_off(account, view, owed)


def _owed_again(order: Order, account: str) -> int:
    """Debt that the order's awards had settled: as far as it was not owed again yet, it is by this return, and nothing else pays for it."""
    debt = f"{account}.owed"
    moves = [move for record in order.records.values() for move in record.moves]
    settled = sum(move.quantity for move in moves if move.source == ISSUED and move.target == debt)
    return max(settled - sum(move.quantity for move in moves if move.source == debt), 0)


def owed_for(account: str, expired: Sequence[LotPart], view: View) -> int:
    """How much of lots that come back, and have expired meanwhile, a return had asked for in vain: it would have been forgiven.

    Whatever else of such a lot has expired since that return counts first, for it was forgiven then.
    """
    gone = Counter[str]()
    for lot, quantity in expired:
        gone[lot.first_id] += quantity
    orders = {part.lot.origin: view.state.order(part.lot.origin) for part in expired}
    return sum(_asked_in_vain(record, order, account, gone) for order in orders.values() if order is not None for record in order.records.values())


def _asked_in_vain(record: Record, order: Order, account: str, gone: Mapping[str, int]) -> int:
    lots = {part.lot.first_id for part in record.parts(ISSUED)}
    unforgiven = record.unforgiven(order.expired)
    owed = sum(move.quantity for move in record.moves if (move.source, move.target) == (f"{account}.owed", REVERSED))
    return max(min(sum(gone[lot] for lot in lots), owed - sum(unforgiven.get(lot, 0) for lot in lots)), 0)


def _from_refund(account: Account, view: View, order: Order, record: Record, owed: int) -> list[Reason]:
    """The worth of the shortfall, as far as this return pays out: kept back from the refund, rounded down over all returns of the order."""
    worth, before = _worth(account, view, order), view.before or order
    refund = view.refunded(order) - view.refunded(before) - _kept_back(view, order) + _kept_back(view, before)
    points = min(owed, rounded(refund / worth, Rounding.floor) if worth else 0)
    if points <= 0:
        return []
    view.ledger.post(Move(REFUND, f"{account.id}.owed", points))
    own = _covered(record, account.id)
    kept = _money(own + points, worth) - _money(own, worth)
    told = {"taken": Money.from_minor(kept, view.currency), "refund": Money.from_minor(refund - kept, view.currency)}
    return [reason("points.debt.from_refund", points=account.shown(points), account=account.id, **told)]


def _kept_back(view: View, order: Order) -> int:
    """What was kept back for points from all refunds of an order."""
    rows = [(record, move.target.removesuffix(".owed")) for record in order.records.values() for move in record.moves if move.source == REFUND]
    accounts = {(id(record), name): (record, view.account(name)) for record, name in rows}
    return sum(_money(_covered(record, name), _worth(keeper, view, order)) for (_, name), (record, keeper) in accounts.items() if _keeps(keeper))


def _keeps(policy: Policy | None) -> TypeGuard[Account]:
    return isinstance(getattr(policy, "debt", None), Debt)


def _covered(record: Record, account: str) -> int:
    return sum(move.quantity for move in record.moves if move.source == REFUND and move.target == f"{account}.owed")


def _money(points: int, worth: Fraction) -> int:
    return rounded(points * worth, Rounding.floor)


def _worth(account: Account, view: View, order: Order) -> Fraction:
    """What one smallest unit of points is worth in smallest units of money: by the account's own value, or that of its redemption then.

    Where it differs by level it is the least: no more is kept back than the points would have been worth to anybody.
    """
    value = account.debt.value or next(filter(None, map(_value_of, view.on_account(account.id, order.day))), None)
    return value.of_unit(account.scale, view.scale, value.least) if value is not None else Fraction(0)


def _value_of(policy: Policy) -> Value | None:
    value = getattr(policy, "value", None)
    return value if isinstance(value, Value) else None


def working_on(account: str, known: Known) -> Iterator[Policy]:
    """The policies of a program that work on an account; ``points`` is also its first."""
    first = next(iter(known.accounts), None)
    for policy in known.policies:
        name = policy.works_on()
        if name == account or (name == "points" and account == first and "points" not in {one.id for one in known.policies}):
            yield policy


def _written_off(account: Account, view: View, owed: int) -> list[Reason]:
    debt = account.debt
    room = owed
    if debt.at_most is not None:
        used = int(str(view.value(f"{account.id}.{debt.tally}", view.settled) or 0)) if debt.tally is not None else 0
        room = rounded(Fraction(debt.at_most) * 10**account.scale, Rounding.floor) - used
    points = min(owed, max(room, 0))
    if points <= 0:
        return []
    view.ledger.post(Move(WRITTEN_OFF, f"{account.id}.owed", points))
    return [reason("points.debt.written_off", points=account.shown(points), account=account.id, approver=debt.approver)]
