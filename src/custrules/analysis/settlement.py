"""``cr.settlement``: what shops owe one another for cards that were topped up in one and spent in another.

The shop that took the money owes it to the shop that delivered. All of it is exact: of each top-up the running total is rounded, so that a
card that is used up settles what was paid for it, to the smallest unit; between two shops only the difference is paid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from custrules.analysis.flows import postings_of
from custrules.analysis.passages import Passage, passages
from custrules.analysis.periods import PERIODS, Per, first_of, name_of
from custrules.analysis.refusal import one_of, program_in
from custrules.calendars import local_day
from custrules.codec import canonical
from custrules.deposits import Deposit
from custrules.events import AnyEvent
from custrules.messages import Speaker, speak
from custrules.messages.columns import table
from custrules.money import Money, Rounding, rounded
from custrules.policies.stored_value import ValueAccount
from custrules.policy import Posting
from custrules.program import Program
from custrules.replaying import Given

By = Literal["ratio", "principal", "face"]
BY = ("ratio", "principal", "face")
UNKNOWN = ""
SPENT, REFUNDED, PAID = "world.spent", "world.refunded", "paid"


class Claim(NamedTuple):
    """So much, in smallest units, that the ``debtor`` owes the ``creditor`` for one period."""

    period: str
    debtor: str
    creditor: str
    units: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What shops owe one another. ``claims`` are netted pair by pair and period by period; a shop that nobody named is ''.

    ``nets`` are each shop's claims less its debts: over all shops they come to zero. ``cr.render`` puts it into words.
    """

    program: str
    currency: str
    per: str
    by: str
    claims: tuple[Claim, ...]

    @property
    def periods(self) -> tuple[str, ...]:
        """The periods in which anything is owed, in order."""
        return tuple(dict.fromkeys(claim.period for claim in self.claims))

    def nets(self, period: str | None = None) -> Mapping[str, Money]:
        """What each shop gets (negative: pays) for a period, or for all of them together."""
        found: Counter[str] = Counter()
        for claim in self.claims:
            if period in (None, claim.period):
                found[claim.creditor] += claim.units
                found[claim.debtor] -= claim.units
        return {shop: self.money(found[shop]) for shop in sorted(found)}

    def money(self, units: int) -> Money:
        """So many smallest units of the currency."""
        return Money.from_minor(units, self.currency)

    def to_data(self) -> dict[str, Any]:
        claims = [{"period": one.period, "debtor": one.debtor, "creditor": one.creditor, "amount": self.money(one.units)} for one in self.claims]
        nets = {period: dict(self.nets(period)) for period in self.periods}
        return {"program": self.program, "per": self.per, "by": self.by, "claims": claims, "nets": nets}

    def to_json(self) -> bytes:
        """Canonical JSON: amounts as exact text."""
        return canonical(self.to_data())


def settlement(
    program: Program,
    events: Iterable[Given],
    *,
    shop: str = "channel",
    per: Per = "month",
    by: By = "ratio",
    until: datetime | None = None,
) -> Settlement:
    """What shops owe one another for stored value that was paid in at one and consumed, or paid back, at another.

    ``events`` are the stored events of all customers, each customer's together and in order of acceptance. ``shop`` is where an event says
    in which shop it happened: its ``channel``, or one of its ``attributes``. ``per`` is month, quarter, half or year, by the local day of
    the consumption. ``by`` is what the shop that delivered gets: ``ratio`` of each unit consumed the part of it that was paid (so that both
    bear the bonus), ``principal`` what of it was principal, ``face`` all of it (the shop that gave the bonus bears it). A refund that one
    shop pays is owed to it by the shop that took the money. Visits are settled by ratio. Returns are settled where they happen; what banks
    take back is not settled between shops.
    """
    program_in(program, "program")
    one_of(per, PERIODS, "per")
    one_of(by, BY, "by")
    tally = _Tally(program, shop, per, by)
    for passage in passages(program, events, until):
        tally.add(passage)
    return Settlement(program.id, program.currency, per, by, tuple(_netted(tally.owed, per)))


class _Source(NamedTuple):
    """Where a top-up was paid in, and what it was."""

    shop: str
    deposit: Deposit


class _Tally:
    """What one shop owes another, period by period, as histories pass."""

    def __init__(self, program: Program, shop: str, per: str, by: str) -> None:
        self.program, self.shop, self.per, self.by = program, shop, per, by
        self.accounts = {policy.id for policy in program.policies if isinstance(policy, ValueAccount)}
        self.owed: Counter[tuple[date, str, str]] = Counter()
        self.customer: str | None = None
        self.sources: dict[str, _Source] = {}
        self.face: Counter[str] = Counter()
        self.settled: Counter[str] = Counter()

    def add(self, passage: Passage) -> None:
        if passage.after.customer_id != self.customer:
            self.customer = passage.after.customer_id
            self.sources, self.face, self.settled = {}, Counter(), Counter()
        self._note(passage)
        if passage.event is None:
            return
        here, day = self._shop_of(passage.event), local_day(passage.event.occurred_at, self.program.zone)
        for origin, consumed, principal, refunded in self._moved(passage):
            source = self.sources.get(origin)
            if source is not None:
                units = self._worth(origin, source.deposit, consumed, principal) + refunded
                if units and source.shop != here:
                    self.owed[first_of(day, self.per), source.shop, here] += units

    def _shop_of(self, event: AnyEvent) -> str:
        found = event.channel if self.shop == "channel" else event.attributes.get(self.shop)
        return str(found) if found is not None else UNKNOWN

    def _note(self, passage: Passage) -> None:
        for order_id in passage.after.top_ups:
            if order_id not in self.sources:
                order = passage.after.order(order_id)
                if order is not None and order.deposit is not None:
                    event = passage.event
                    here = self._shop_of(event) if event is not None and event.id == order_id else UNKNOWN
                    self.sources[order_id] = _Source(here, order.deposit)

    def _moved(self, passage: Passage) -> Iterator[tuple[str, int, int, int]]:
        """Of each top-up: what was consumed of it (negative: came back), how much of that was principal, and the money that was refunded."""
        consumed: Counter[str] = Counter()
        principal: Counter[str] = Counter()
        refunded: Counter[str] = Counter()
        own = [decision for decision in passage.decisions if passage.event is not None and decision.event_id == passage.event.id]
        for posting in (posting for decision in own for posting in postings_of(decision)):
            for lot, quantity in posting.lots:
                used = quantity * self._used(posting)
                consumed[lot.origin] += used
                principal[lot.origin] += used if lot.source == PAID else 0
                refunded[lot.origin] += quantity * ((posting.target == REFUNDED) - (posting.source == REFUNDED))
        for origin in dict.fromkeys([*consumed, *refunded]):
            yield origin, consumed[origin], principal[origin], refunded[origin]

    def _used(self, posting: Posting) -> int:
        """Whether a posting consumes value of an account of stored value (1), gives it back (-1), or neither."""
        there = (posting.source.partition(".")[0] in self.accounts, posting.target.partition(".")[0] in self.accounts)
        return (there[0] and posting.target == SPENT) - (there[1] and posting.source == SPENT)

    def _worth(self, origin: str, deposit: Deposit, consumed: int, principal: int) -> int:
        """What the consumption of so much of a top-up is settled at."""
        if self.by != "ratio" and deposit.form == "amount":
            return consumed if self.by == "face" else principal
        self.face[origin] += consumed
        whole = deposit.paid + deposit.granted
        target = rounded(Fraction(deposit.money * self.face[origin], whole), Rounding.half_up) if whole else 0
        units, self.settled[origin] = target - self.settled[origin], target
        return units


def _netted(owed: Mapping[tuple[date, str, str], int], per: str) -> Iterator[Claim]:
    """Between two shops only the difference of a period is owed."""
    pairs: Counter[tuple[date, str, str]] = Counter()
    for (first, debtor, creditor), units in owed.items():
        one, other = sorted((debtor, creditor))
        pairs[first, one, other] += units if debtor == one else -units
    for first, one, other in sorted(pairs):
        units = pairs[first, one, other]
        debtor, creditor = (one, other) if units > 0 else (other, one)
        if units:
            yield Claim(name_of(first, per), debtor, creditor, abs(units))


# -- in words ------------------------------------------------------------------------------------------------------------


@speak.register
def _(found: Settlement, speaker: Speaker) -> str:
    lines = [speaker.word("settlement_head", {"program": found.program, "by": found.by})]
    if not found.claims:
        return "\n".join([*lines, "", speaker.word("settlement_nothing", {})])
    head = [speaker.word(f"settlement_{name}", {}) for name in ("period", "debtor", "creditor", "amount")]
    rows = [[one.period, _shop(one.debtor, speaker), _shop(one.creditor, speaker), str(found.money(one.units))] for one in found.claims]
    lines += ["", *table([head, *rows], right=(3,))]
    head = [speaker.word(f"settlement_{name}", {}) for name in ("period", "shop", "net")]
    nets = [[period, _shop(shop, speaker), str(net)] for period in found.periods for shop, net in found.nets(period).items()]
    return "\n".join([*lines, "", *table([head, *nets], right=(2,))])


def _shop(name: str, speaker: Speaker) -> str:
    return name or speaker.word("settlement_unknown", {})
