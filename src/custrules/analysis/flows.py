"""What postings come to, account by account: how much was issued, redeemed, expired, reversed …, and what is there in the end.

Every quantity that enters or leaves an account has one name, by the outside that it comes from or goes to. ``opening`` plus what
is in ``INTO`` less what is in ``OUT`` (other names count with their sign) is what the account holds at the end; ``owed`` is what
was owed before plus ``shortfall`` less ``settled``. ``forgiven`` moves nothing: it had expired already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from custrules.events import AnyEvent, Capture, RedemptionCancelled
from custrules.ledger import ADJUSTED, EXPIRED, ISSUED, REVERSED, SPENT, WORLD, Lot
from custrules.money import Money, Rounding, rounded
from custrules.policy import Decision, Posting
from custrules.program import Program
from custrules.state import State

INTO = ("issued", "given_back", "adjusted")
OUT = ("redeemed", "expired", "reversed", "settled")
BESIDE = ("shortfall", "forgiven")
FLOWS = (*INTO, *OUT, *BESIDE)
BALANCES = ("usable", "pending", "held", "owed")
MONEY = ("money_off", "money_off_undone", "refunds")

_ENTERS = {ISSUED: "issued", SPENT: "given_back", ADJUSTED: "adjusted", EXPIRED: "reinstated"}
_LEAVES = {SPENT: "redeemed", EXPIRED: "expired", REVERSED: "reversed"}
_MOVED = "transferred"


class Account(NamedTuple):
    """An account by its id, with what it counts."""

    name: str
    unit: str
    scale: int


class Flow(NamedTuple):
    """So many smallest units that entered, left or were owed by an account, under their name."""

    account: Account
    name: str
    units: int


class PartFlow(NamedTuple):
    """So much of a flow as is of one lot; ``lot`` is None where a posting names none: what becomes owed is of no lot."""

    account: Account
    name: str
    units: int
    lot: Lot | None


class Accounts:
    """The accounts of a program, and which of them each policy works on: a posting between two outsides names none."""

    known: tuple[Account, ...]
    of_policy: dict[str, str]

    def __init__(self, program: Program) -> None:
        rules = program.rulebook
        stores = ((store.name, store.unit, store.scale) for store in rules.stores.values() if store.form != "period")
        self.known = tuple(Account(*row) for row in (*((name, *unit) for name, unit in rules.accounts.items()), *stores))
        self.of_policy = {policy.id: rules.resolve(name) for policy in program.policies if (name := policy.works_on()) is not None}
        self.of_policy |= {name: name for name in rules.stores}
        self.of_policy |= {policy.id: opened[0] for policy in program.policies if (opened := policy.opens()) is not None}

    def flows(self, decisions: Iterable[Decision]) -> Iterator[Flow]:
        """Everything that decisions moved."""
        for decision in decisions:
            of_policy = self.of_policy.get(decision.policy_id, "")
            for posting in postings_of(decision):
                yield from (Flow(Account(account, posting.unit, posting.scale), name, units) for account, name, units in _flows(posting, of_policy))

    def parts(self, decision: Decision) -> Iterator[PartFlow]:
        """Everything that a decision moved, lot by lot."""
        of_policy = self.of_policy.get(decision.policy_id, "")
        for posting in postings_of(decision):
            for name, flow, units in _flows(posting, of_policy):
                yield from _parted(Account(name, posting.unit, posting.scale), flow, posting, units)

    def balances(self, state: State) -> Iterator[Flow]:
        """What a state holds, by bucket: ``usable`` is the account itself."""
        for name, held in state.ledger.accounts.items():
            head, _, bucket = name.partition(".")
            if bucket:
                units = held.owed if bucket == "owed" else held.total
            else:
                units = state.ledger.usable(name, state.day) if state.day is not None else 0
            yield Flow(Account(head, held.unit, held.scale), bucket or "usable", units)


def postings_of(decision: Decision) -> Iterator[Posting]:
    """What a decision moves."""
    return (effect for effect in decision.effects if isinstance(effect, Posting))


def change(name: str, units: int) -> int:
    """By how much a flow changes what its account holds."""
    return -units if name in OUT else 0 if name in BESIDE else units


def _parted(account: Account, name: str, posting: Posting, units: int) -> Iterator[PartFlow]:
    sign, left = (1, units) if units > 0 else (-1, -units)
    for lot, quantity in posting.lots:
        left -= quantity
        yield PartFlow(account, name, sign * quantity, lot)
    if left:
        yield PartFlow(account, name, sign * left, None)


def _flows(posting: Posting, of_policy: str) -> Iterator[tuple[str, str, int]]:
    source, target = posting.source, posting.target
    if source.startswith(WORLD) and target.startswith(WORLD):
        for name in _between(source, target) if of_policy else ():
            yield of_policy, name, posting.units
        return
    if not source.startswith(WORLD):
        yield from _leaving(source, target, posting.units)
    if not target.startswith(WORLD):
        yield from _entering(source, target, posting.units)


def _between(source: str, target: str) -> tuple[str, ...]:
    """Between two outsides: spent points given back though they had expired, and expired ones that need not be taken back."""
    if (source, target) == (EXPIRED, REVERSED):
        return ("forgiven",)
    return ("given_back", "expired") if (source, target) == (SPENT, EXPIRED) else ()


def _leaving(source: str, target: str, units: int) -> Iterator[tuple[str, str, int]]:
    head = _head(source)
    if source.endswith(".owed"):
        yield head, "shortfall", units
    elif target in _LEAVES:
        yield head, _LEAVES[target], units
    elif target.startswith(WORLD):
        yield head, _outside(target), -units
    elif _head(target) != head:
        yield head, _MOVED, -units


def _entering(source: str, target: str, units: int) -> Iterator[tuple[str, str, int]]:
    head = _head(target)
    if source.startswith(WORLD):
        name = _ENTERS.get(source) or _outside(source)
        yield head, name, -units if name in OUT else units
    elif _head(source) != head or source.endswith(".owed"):
        yield head, _MOVED, units
    if target.endswith(".owed"):
        yield head, "settled", units


def _head(account: str) -> str:
    return account.partition(".")[0]


def _outside(name: str) -> str:
    """An outside that has no name here goes by its own."""
    return name.removeprefix(WORLD)


# -- money ---------------------------------------------------------------------------------------------------------------


class MoneyFlows:
    """Money that one customer's decisions gave and took: reasons tell it, for it moves in no account."""

    paid: dict[str, _Paid]

    def __init__(self) -> None:
        self.paid = {}

    def of(self, event: AnyEvent | None, decisions: Iterable[Decision]) -> Counter[str]:
        """``money_off`` by points, ``money_off_undone`` by returns and cancellations, ``refunds`` in cash or card; in smallest units."""
        sums: Counter[str] = Counter()
        points = back = Fraction(0)
        for decision in decisions:
            for why in decision.reasons if decision.outcome == "APPLIED" else ():
                if why.code == "points.redemption.paid":
                    sums["money_off"] += _minor(why.params["money"])
                    points += Fraction(why.params["points"])
                elif why.code == "points.redemption.returned":
                    back += Fraction(why.params["points"])
                elif why.code == "returns.tenders.split":
                    sums["refunds"] += _minor(why.params["refund"])
                    sums["money_off_undone"] += _minor(why.params.get("points"))
        if event is not None and sums["money_off"]:
            self.paid[event.of if isinstance(event, Capture) else event.id] = _Paid(sums["money_off"], points)
        if isinstance(event, RedemptionCancelled) and event.of in self.paid:
            before = self.paid[event.of]
            after = self.paid[event.of] = before._replace(back=before.back + back)
            sums["money_off_undone"] += after.undone - before.undone
        return sums


class _Paid(NamedTuple):
    """Money off by a redemption, for so many points, of which some came back."""

    money: int
    points: Fraction
    back: Fraction = Fraction(0)

    @property
    def undone(self) -> int:
        return rounded(self.money * self.back / self.points, Rounding.floor) if self.points else self.money


def _minor(amount: object) -> int:
    return amount.minor if isinstance(amount, Money) else 0
