"""``acme.stamps``: every tenth purchase fills a card, and a full card is worth points or a gift that waits for some days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from custrules import Decision, Fact, Policy, Purchase, Status, View
from custrules.calendars import ONE_DAY, Length
from custrules.events import AnyEvent, NewDay
from custrules.facts import FactType
from custrules.fields import Name, Whole, fault
from custrules.policies.points import Account
from custrules.policy import BalanceFact, Effect, Phase, Reason, StatusFact, reason


class Stamps(Policy):
    """A stamp card. What it counts is a measure, so that purchases that are returned take their stamps back.

    A gift is a status whose value is the gift's name while it waits, and nothing before and after; points go to an account. What
    was given stays given: a card is full again only after as many stamps more.
    """

    kind: ClassVar[str] = "acme.stamps"
    phase: ClassVar[Phase] = "earn"
    hears: ClassVar[tuple[str, ...] | None] = ("purchase", "new_day")
    reason_codes: ClassVar[tuple[str, ...]] = ("acme.stamps.stamped", "acme.stamps.points", "acme.stamps.gift", "acme.stamps.lapsed")

    stamps: Annotated[Fact[int], Field(description="The measure that counts stamps, a whole number such as purchases in all.")]
    every: Annotated[Whole, Field(description="How many stamps fill a card.")] = 10
    points: Annotated[Whole, Field(description="Points for a full card; 0 where it is worth a gift.")] = 0
    gift: Annotated[Name | None, Field(description="The gift for a full card, a name that the status takes while it waits.")] = None
    waits: Annotated[Length, Field(description="How long a gift waits; its last day is inclusive.")] = Length.parse("30 days")
    status: Annotated[Name, Field(description="The status that remembers the card.")] = "acme_stamps"

    @model_validator(mode="after")
    def _worth_one_thing(self) -> Self:
        if not 1 <= self.every <= 1000:
            raise fault("document.wrong_type", expected="a number of stamps from 1 to 1000", found=self.every)
        if (self.points > 0) == (self.gift is not None):
            raise fault("document.wrong_type", expected="either points above 0 or a gift", found=f"points {self.points}, gift {self.gift}")
        return self

    # -- what the program asks of it -------------------------------------------------------------------------------

    def writes(self) -> tuple[str, ...]:
        return (self.status,)

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        return {self.status: StatusFact(FactType("text"), self.status)}

    def works_on(self) -> str | None:
        return "points" if self.points else None

    def due(self, view: View, /) -> date | None:
        until = self._waits_until(view)
        return until + ONE_DAY if until is not None else None

    # -- deciding --------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, NewDay):
            return self._lapse(event, view)
        return self._stamp(event, view) if isinstance(event, Purchase) else None

    def _stamp(self, event: Purchase, view: View) -> Decision:
        stamps, filled = view.fact(self.stamps) or 0, self._filled(view)
        full = stamps // self.every - filled
        if full <= 0:
            return self.applied(event, [reason("acme.stamps.stamped", stamps=stamps, missing=(filled + 1) * self.every - stamps)])
        card = {"filled": filled + full}
        if self.gift is not None:
            until = self.waits.after(view.settled)
            told = reason("acme.stamps.gift", gift=self.gift, until=until)
            return self.applied(event, [told], [Status(self.status, self.gift, view.settled, until, data=card)])
        return self.applied(event, *self._points(full, view, card))

    def _points(self, full: int, view: View, card: Mapping[str, int]) -> tuple[list[Reason], list[Effect]]:
        account = view.account("points")
        assert isinstance(account, Account)
        points = full * self.points
        units = points * 10**account.scale
        account.grant(view, units, source="gratis")
        told = reason("acme.stamps.points", points=points, account=account.id)
        return [told], [*view.postings(account.id), Status(self.status, None, view.settled, data=card)]

    def _lapse(self, event: NewDay, view: View) -> Decision | None:
        until = self._waits_until(view)
        if until is None or until >= view.day:
            return None
        gone = Status(self.status, None, view.day, data={"filled": self._filled(view)})
        return self.applied(event, [reason("acme.stamps.lapsed", until=until)], [gone])

    def _filled(self, view: View) -> int:
        """How many cards were filled so far."""
        held = view.state.statuses.get((self.status, ""))
        return int(held.data["filled"]) if held is not None else 0

    def _waits_until(self, view: View) -> date | None:
        held = view.state.statuses.get((self.status, ""))
        return held.until if held is not None and held.value is not None else None
