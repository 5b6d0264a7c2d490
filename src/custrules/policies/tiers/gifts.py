"""Points as a gift on reaching a level: given in the decision that raises it, remembered so that it is given only as often as it says.

A level is reached by what it asks for (not by a grant by hand, and not by keeping it at a review). A return that takes the level
leaves the gift, unless it says ``on_loss: take_back``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, cast

from custrules.brought import unpacked
from custrules.calendars import ONE_DAY
from custrules.event_fields import Scalar
from custrules.events import AnyEvent, Merge, Return
from custrules.fields import Frozen
from custrules.ledger import REVERSED, Lot
from custrules.money import to_units
from custrules.policies.tiers.benefits import Benefit
from custrules.policies.tiers.held import Held
from custrules.policies.tiers.rules import LevelRule
from custrules.policy import Effect, Reason, Status, View, reason
from custrules.state import EXPIRY_STATUS
from custrules.state_parts import shown


class PointsAccount(Protocol):
    """What a gift needs of the account that keeps the points."""

    id: str
    unit: str
    scale: int

    def grant(self, view: View, units: int, *, source: str) -> list[Reason]: ...


def gift_status(status: str) -> str:
    """The status that remembers gifts, one subject for each."""
    return f"{status}.gift"


@dataclass(frozen=True, slots=True)
class Given:
    """A gift as it was given for a level: when, until the end of which term, how much, and the lots' last usable day."""

    day: date
    until: date | None
    units: int
    last_day: date | None
    event: str

    def runs_on(self, day: date) -> bool:
        return self.until is None or self.until >= day

    def to_data(self, level: str) -> dict[str, Scalar]:
        days = {"until": self.until, "last_day": self.last_day}
        told: dict[str, Scalar] = {level: self.day.isoformat(), f"{level}.units": self.units, f"{level}.event": self.event}
        return told | {f"{level}.{name}": day.isoformat() for name, day in days.items() if day is not None}

    @classmethod
    def of(cls, data: Mapping[str, Any], names: Iterable[str]) -> Given | None:
        """A gift for a level, by any of the names that it had."""
        level = next((name for name in names if name in data), None)
        if level is None:
            return None
        until, last = (date.fromisoformat(data[key]) if key in data else None for key in (f"{level}.until", f"{level}.last_day"))
        return cls(date.fromisoformat(data[level]), until, int(data[f"{level}.units"]), last, str(data[f"{level}.event"]))


class Gifts:
    """The gifts of a ladder in one decision: ``effects`` and ``reasons`` to add to it."""

    levels: Sequence[LevelRule]
    view: View
    status: str
    name: str
    effects: list[Effect]
    reasons: list[Reason]

    def __init__(self, levels: Sequence[LevelRule], status: str, view: View, rank: Callable[[str], int | None]) -> None:
        """``rank`` tells the rank of a level by any name that it ever had."""
        self.levels, self.view, self.status, self.name = levels, view, status, gift_status(status)
        self.effects, self.reasons = [], []
        self._accounts: dict[str, PointsAccount] = {}
        self._written: dict[str, Status] = {}
        self._rank = rank

    def moved(self, event: AnyEvent, before: Held | None, after: Held | None) -> Gifts:
        """What a change of level brings, or takes back."""
        old, new = (held.rank if held is not None else -1 for held in (before, after))
        if isinstance(event, Merge):
            old = max(old, self._joined(event))
        if after is not None and new > old and after.reached == "earned":
            self._reached(event, self.levels[new], after)
        elif new < old and isinstance(event, Return):
            for level in self.levels[new + 1 : old + 1]:
                self._lost(level)
        self.effects += self._written.values()
        self.effects += [posting for account in self._accounts.values() for posting in self.view.postings(account.id)]
        return self

    def _joined(self, event: Merge) -> int:
        """What another card was given counts here too; the rank of the level that it brings, which was reached there."""
        if not any(True for level in self.levels for _ in _gifts(level)):
            return -1
        statuses = unpacked(event).statuses
        given = {subject: status for (name, subject), status in statuses.items() if name == self.name}
        for subject, status in given.items():
            known = self._known(subject)
            own = {key.partition(".")[0] for key in known}
            others = {key: value for key, value in status.data.items() if key.partition(".")[0] not in own}
            self._write(subject, status.value, {**others, **known})
        if given:
            self.reasons.append(reason("tiers.gift.joined", of=event.of))
        held = statuses.get((self.status, ""))
        rank = self._rank(str(held.value)) if held is not None and held.value is not None else None
        return rank if rank is not None else -1

    # -- giving ----------------------------------------------------------------------------------------------------

    def _reached(self, event: AnyEvent, level: LevelRule, held: Held) -> None:
        for benefit, points in _gifts(level):
            if not self._again(benefit, level, held) or (benefit.when is not None and not self.view.test(benefit.when)):
                continue
            account = self._account(benefit)
            units = to_units(points, account.scale, "the account")
            before = len(self.view.ledger.moves)
            over = account.grant(self.view, units, source="gratis")
            units = sum(move.quantity for move in self.view.ledger.moves[before:])
            lots = [part.lot for move in self.view.ledger.moves for part in move.parts]
            given = Given(held.since, held.until, units, lots[-1].last_day if lots else None, event.id)
            self._remember(benefit, units, given.to_data(level.name), level)
            self.reasons.append(reason("tiers.gift.given", benefit=benefit.name, level=level.name, points=points, account=account.id))
            self.reasons += over

    def _again(self, benefit: Benefit, level: LevelRule, held: Held) -> bool:
        known = self._known(benefit.name)
        if benefit.once == "ever":
            return not known
        given = Given.of(known, self._names(known, level))
        return given is None or (benefit.once == "per term" and not given.runs_on(held.since))

    # -- taking back -----------------------------------------------------------------------------------------------

    def _lost(self, level: LevelRule) -> None:
        """What a level that a return takes away had brought, while the term that it was given for runs; what expired unspent is forgiven."""
        for benefit, _ in _gifts(level):
            known = self._known(benefit.name)
            given = Given.of(known, self._names(known, level))
            if benefit.on_loss != "take_back" or given is None or not given.runs_on(self.view.day):
                continue
            account = self._account(benefit)
            if not self._lapsed(account, given):
                self.view.ledger.debit(account.id, given.units, to=REVERSED, prefer=self._lots(account, given), debt=True)
            self._remember(benefit, 0, {}, level)
            points = shown(given.units, account.unit, account.scale)
            self.reasons.append(reason("tiers.gift.taken_back", benefit=benefit.name, level=level.name, points=points, account=account.id))

    def _lapsed(self, account: PointsAccount, given: Given) -> bool:
        """Whether the points of a gift have lapsed: past their last day, and not kept by their account since then."""
        if given.last_day is None or given.last_day >= self.view.settled:
            return False
        kept = self.view.state.statuses.get((account.id + EXPIRY_STATUS, ""))
        return (kept is None or kept.value is None or kept.since > given.last_day + ONE_DAY) and not any(self._lots(account, given))

    def _lots(self, account: PointsAccount, given: Given) -> Iterator[Lot]:
        """What is left of the lots that the gift was put into."""
        accounts = self.view.state.ledger.accounts
        held = [part.lot for name in (f"{account.id}.pending", account.id) for part in accounts[name]]
        return (lot for lot in held if lot.origin == given.event and lot.source == "gratis" and lot.granted == given.units)

    # -- what is remembered ----------------------------------------------------------------------------------------

    def _account(self, benefit: Benefit) -> PointsAccount:
        account = cast("PointsAccount", self.view.account(benefit.account))
        return self._accounts.setdefault(account.id, account)

    def _known(self, name: str) -> Mapping[str, Scalar]:
        """What is remembered of a benefit, after what this decision has written."""
        known = self._written.get(name) or self.view.state.statuses.get((self.name, name))
        return known.data if known is not None else {}

    def _names(self, known: Mapping[str, Scalar], level: LevelRule) -> tuple[str, ...]:
        """The names of a level among those under which a gift is remembered."""
        names = dict.fromkeys(key.partition(".")[0] for key in known)
        return tuple(name for name in names if self._rank(name) == self.levels.index(level))

    def _remember(self, benefit: Benefit, units: int, given: Mapping[str, Scalar], level: LevelRule) -> None:
        known = self._known(benefit.name)
        names = self._names(known, level)
        others = {key: value for key, value in known.items() if key.partition(".")[0] not in names}
        self._write(benefit.name, units, {**others, **given})

    def _write(self, name: str, units: Scalar | None, data: Mapping[str, Scalar]) -> None:
        self._written[name] = Status(self.name, units, self.view.day, None, name, Frozen(data))


def _gifts(level: LevelRule) -> Iterator[tuple[Benefit, Decimal]]:
    return ((benefit, benefit.points) for benefit in level.benefits if benefit.points is not None)
