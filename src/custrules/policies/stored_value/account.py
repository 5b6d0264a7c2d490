"""``stored_value.account``: what is paid in advance, up to which limit; a bonus that lapses, principal that never does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from custrules.calendars import ONE_DAY, Length, Span
from custrules.errors import Diagnostic
from custrules.events import Adjustment, AnyEvent, CardUpdate, Closure, Merge, NewDay, Opening
from custrules.fields import Flag, one_of
from custrules.forms import OR_NEVER
from custrules.ledger import LotPart, Move
from custrules.money import Money, to_units
from custrules.policies.stored_value.amounts import PositiveAmount, money_faults
from custrules.policies.stored_value.cards import card_status, updated
from custrules.policies.stored_value.dormancy import Dormancy, charged, next_fee, status_name
from custrules.policies.stored_value.moving import adjusted, answered
from custrules.policies.stored_value.parts import after, first, total
from custrules.policy import Decision, Known, Phase, Policy, Posting, View, reason
from custrules.state_parts import shown

Form = Literal["amount", "visits", "period"]
_FORMS = ("amount", "visits", "period")


class ValueLimits(BaseModel):
    """The most that may stand on one card, and on all cards of a member, after a top-up; ``bonus``: whether the bonus counts too."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    per_card: PositiveAmount | None = None
    per_member: PositiveAmount | None = None
    bonus: Flag = False


class ValueAccount(Policy):
    """An account paid in advance: in money (``form: amount``), in ``visits``, or for a ``period`` of some ``length``.

    ``named`` cards are of a person who is known. ``limit``: what may stand on it after a top-up, refused above. ``bonus_expiry``:
    until when a bonus can be spent after the day on which it was given; principal never lapses. There is no overdraft. When the
    customer's account is closed, principal stays what it is; the bonus is kept too, or forfeited (``on_closure``). ``dormancy``: a fee
    while it is not used, where the law allows one. While the card of it is lost nothing is spent; a new one costs a ``reissue_fee``, out of
    what is on it. An anonymous card is not replaced.
    """

    kind: ClassVar[str] = "stored_value.account"
    phase: ClassVar[Phase] = "lapse"
    hears: ClassVar[tuple[str, ...] | None] = ("new_day", "adjustment", "card_update", "opening", "merge", "closure")
    works_with: ClassVar[Literal["points", "stored_value"]] = "stored_value"
    later_fields: ClassVar[tuple[str, ...]] = ("overdraft",)

    form: Annotated[Form, one_of(*_FORMS)]
    named: Flag = True
    limit: ValueLimits | None = None
    length: Length | None = None
    on_closure: Annotated[Literal["keep", "forfeit_bonus"], one_of("keep", "forfeit_bonus")] = "keep"
    bonus_expiry: Annotated[Span | None, *OR_NEVER] = None
    dormancy: Dormancy | None = None
    reissue_fee: PositiveAmount | None = None

    # -- what the program asks of it -------------------------------------------------------------------------------

    def stores(self) -> str:
        return self.form

    def writes(self) -> tuple[str, ...]:
        return (card_status(self), *((status_name(self),) if self.dormancy is not None else ()))

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(self._faults(known))

    def _faults(self, known: Known) -> Iterator[Diagnostic]:
        if self.form == "period" and self.length is None:
            yield Diagnostic("document.missing_field", "", {"field": "length"})
        wrong = {
            "length": self.form != "period",
            "bonus_expiry": self.form == "period",
            "limit": self.form != "amount",
            "dormancy": self.form != "amount",
            "reissue_fee": self.form != "amount",
        }
        for field in (field for field, is_wrong in wrong.items() if is_wrong and getattr(self, field) is not None):
            yield Diagnostic("document.not_with", field, {"field": field, "other": f"form: {self.form}"})
        if self.limit is not None:
            for name in ("per_card", "per_member"):
                yield from money_faults(f"limit.{name}", getattr(self.limit, name), known.scale)
        yield from money_faults("reissue_fee", self.reissue_fee, known.scale)
        if self.reissue_fee is not None and not self.named:
            yield Diagnostic("document.not_with", "reissue_fee", {"field": "reissue_fee", "other": "named: false"})
        if self.dormancy is not None:
            yield from self.dormancy.faults(known.scale)

    def follows(self, before: Policy) -> list[Diagnostic]:
        same = isinstance(before, ValueAccount) and before.form == self.form
        return [] if same else [Diagnostic("document.unit_changed", "", {"since": before.effective_from.isoformat()})]

    # -- amounts ---------------------------------------------------------------------------------------------------

    def unit(self, view: View) -> tuple[str, int]:
        """What is stored, and its decimals."""
        return (view.currency, view.scale) if self.form == "amount" else ("visits", 0)

    def units(self, quantity: Decimal, view: View) -> int:
        """A quantity as it is written in smallest units; events were checked to have no more decimals."""
        return to_units(quantity, self.unit(view)[1], "the account")

    def shown(self, units: int, view: View) -> Money | int | Decimal:
        """Smallest units as people read them."""
        return shown(units, *self.unit(view))

    def bucket(self, name: str) -> str:
        return f"{self.id}.{name}"

    def given_until(self, day: date) -> date | None:
        """The last usable day of a bonus that is given on a day; None: it never lapses."""
        return self.bonus_expiry.last_day(day) if self.bonus_expiry is not None else None

    def period_end(self, starts: date) -> date | None:
        """The last day of a period that starts on a day, which counts."""
        return self.length.after(starts) - ONE_DAY if self.length is not None else None

    def postings(self, view: View) -> list[Posting]:
        """What was drafted on ``view.ledger``, as effects."""
        unit, scale = self.unit(view)
        units = ((move, move.parts[0].lot.unit if move.parts else unit) for move in view.ledger.moves)
        scales = {unit: scale, view.currency: view.scale}
        return [Posting(move.source, move.target, named, scales[named], move.quantity, move.parts) for move, named in units]

    def receive(self, view: View, source: str, paid: list[LotPart], granted: list[LotPart]) -> None:
        """Take in lots on a draft: what is owed is settled first, by what was paid before what was given."""
        debt = self.bucket("owed")
        for bucket, parts in (("principal", paid), ("bonus", granted)):
            owed = view.ledger.ledger.accounts[debt].owed
            settling, rest = first(parts, owed), after(parts, owed)
            view.ledger.post(Move(source, debt, total(settling), tuple(settling)))
            view.ledger.post(Move(source, self.bucket(bucket), total(rest), tuple(rest)))

    # -- time ------------------------------------------------------------------------------------------------------

    def due(self, view: View, /) -> date | None:
        """The day on which the next bonus lapses, or the next fee is taken."""
        bonus = view.state.ledger.accounts.get(self.bucket("bonus"))
        last = bonus.first_last_day if bonus is not None else None
        fee = next_fee(self, view) if self.dormancy is not None and bonus is not None else None
        days = ([last + ONE_DAY] if last is not None else []) + ([fee[0]] if fee is not None else [])
        return min(days, default=None)

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, CardUpdate):
            return updated(self, event, view)
        if self.form == "period":
            return None
        if isinstance(event, Adjustment):
            return adjusted(self, event, view)
        if isinstance(event, Opening | Merge | Closure):
            return answered(self, event, view)
        if not isinstance(event, NewDay):
            return None
        expired = view.ledger.expire(self.bucket("bonus"))
        reasons = [reason("stored_value.bonus.expired", amount=self.shown(expired, view), account=self.id)] if expired else []
        told, statuses = charged(self, view)
        return self.applied(event, reasons + told, [*self.postings(view), *statuses]) if expired or told else None


def account_of(view: View, name: str) -> ValueAccount | None:
    """The stored value account of a name, in the version in force on the event's day; before its first, the first."""
    found = view.account(name)
    return found if isinstance(found, ValueAccount) else None


def owed_before(account: ValueAccount, view: View) -> int:
    """What was owed before the event."""
    return view.state.ledger.accounts[account.bucket("owed")].owed
