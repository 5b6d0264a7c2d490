"""``feedback.complaints``: complaints are received, routed, answered in time, closed with the customer's agreement, and opened again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import Field

from custrules.calendars import local_day, start_of_day
from custrules.conditions import Table
from custrules.errors import Diagnostic
from custrules.events import AnyEvent, Complaint, ComplaintUpdate, Merge, NewDay, Tick
from custrules.facts import FactType
from custrules.fields import Frozen, Name, Text
from custrules.policies.feedback.case import Case, cases
from custrules.policies.feedback.faults import complaint_faults
from custrules.policies.feedback.rules import (
    SUPPRESSES,
    Closing,
    ComplaintClock,
    ComplaintCompensation,
    LadderStep,
    Reopening,
    WhileOpen,
)
from custrules.policies.feedback.timing import Told, due, passed
from custrules.policies.feedback.updating import Refused, received, updated
from custrules.policy import BalanceFact, Decision, Effect, Known, Phase, Policy, Status, StatusFact, View, reason

CASES = (
    "received", "unknown_category", "clock", "acknowledged", "in_progress", "extended", "escalated", "resolved", "closed", "closed_by_itself",
    "withdrawn", "reopened", "noted", "told", "missed", "missed_by_law", "compensated", "compensated_in_points", "taken_over",
    "unknown", "not_now", "unknown_cause", "needs_agreement", "cannot_reopen", "reopened_too_late", "cannot_extend", "no_compensation",
    "over_allowance",
)  # fmt: skip
Names = Annotated[tuple[Name, ...], Field(max_length=500)]


class Complaints(Policy):
    """What becomes of complaints: who looks after one, by when it is to be acknowledged and resolved, who is told when that takes long.

    A complaint is treated by the version in force on the day on which its clocks began. It stands in the status ``complaint`` under
    its id until it can be opened no more; the same status without a subject is ``open`` while any is.
    """

    kind: ClassVar[str] = "feedback.complaints"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("complaint", "complaint_update", "merge", "new_day", "tick")
    recorded: ClassVar[bool] = False
    reason_codes: ClassVar[tuple[str, ...]] = tuple(f"feedback.complaints.{case}" for case in CASES)

    categories: Names = ()
    causes: Names = ()
    route: Table | None = None
    clocks: Annotated[tuple[ComplaintClock, ...], Field(max_length=100)] = ()
    ladder: Annotated[tuple[LadderStep, ...], Field(max_length=50)] = ()
    reopen: Reopening | None = None
    close: Closing = Closing()
    while_open: WhileOpen = "no_marketing"
    compensation: ComplaintCompensation = ComplaintCompensation()
    channel: Name = "internal"
    template: Text = "complaint"
    status: Name = "complaint"

    @property
    def clock_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(clock.name for clock in self.clocks))

    def event_name(self) -> str:
        return "complaint"

    def writes(self) -> tuple[str, ...]:
        return (self.status,)

    def keeps_asks(self) -> int:
        return 0  # each cycle is of one complaint, and of one time that it was opened

    def keeps_complaints(self) -> str:
        return self.status

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        return {self.status: StatusFact(FactType("text", ("open",)), self.status)}

    def faults(self, known: Known) -> list[Diagnostic]:
        return list(complaint_faults(self, known))

    def follows(self, before: Policy) -> list[Diagnostic]:
        if not isinstance(before, Complaints) or before.status == self.status:
            return []
        return [Diagnostic("document.status_changed", "status", {"before": before.status, "found": self.status})]

    # -- time ------------------------------------------------------------------------------------------------------

    def due(self, view: View, /) -> date | datetime | None:
        """The next end of a clock, step of the ladder, or day on which something resolved is closed."""
        moments = (due(self, case, view) for case in cases(view, self.status).values())
        at = min((at for at in moments if at is not None), default=None)
        if at is None or at <= view.instant:
            return at
        day = local_day(at, view.zone)
        return day if start_of_day(day, view.zone) == at else at  # what comes as a day opens is the day's

    # -- answering -------------------------------------------------------------------------------------------------

    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        if isinstance(event, Complaint):
            return self._answered(event, view, [self._at_once(received(self, event, view), view)])
        if isinstance(event, ComplaintUpdate):
            return self._updated(event, view)
        if isinstance(event, NewDay | Tick):
            found = [(case, passed(self, case, view)) for case in cases(view, self.status).values()]
            return self._answered(event, view, [told for case, told in found if told[0] != case])
        return self._merged(event, view) if isinstance(event, Merge) else None

    def _updated(self, event: ComplaintUpdate, view: View) -> Decision | None:
        case = cases(view, self.status).get(event.of)
        if case is None:
            return self.declined(event, [reason("feedback.complaints.unknown", complaint=event.of)])
        try:
            return self._answered(event, view, [self._at_once(updated(self, case, event, view), view)])
        except Refused as refused:
            return self.declined(event, [refused.reason])

    def _at_once(self, told: Told, view: View) -> Told:
        """With what has come to be already: somebody is told at the beginning of a clock, or an event came late."""
        case, reasons, asked = told
        case, more, touched = passed(self, case, view)
        return case, reasons + more, asked + touched

    def _answered(self, event: AnyEvent, view: View, found: list[Told]) -> Decision | None:
        if not found:
            return None
        changed = {case.id: case for case, _, _ in found}
        effects: list[Effect] = [case.status(self.status) for case in changed.values()]
        effects += self._summed_up(view, cases(view, self.status) | changed)
        effects += [touchpoint for _, _, asked in found for touchpoint in asked]
        return self.applied(event, [why for _, reasons, _ in found for why in reasons], effects)

    def _merged(self, event: Merge, view: View) -> Decision | None:
        """The complaints of the other card are this customer's from now on."""
        if not event.delivered:
            return None
        effects = self._summed_up(view, cases(view, self.status))
        return self.applied(event, [reason("feedback.complaints.taken_over", of=event.of)], effects) if effects else None

    def _summed_up(self, view: View, known: Mapping[str, Case]) -> list[Status]:
        """What others look at: whether any complaint is open, and what that stops."""
        number = sum(not case.over for case in known.values())
        stops = ", ".join(SUPPRESSES[self.while_open])
        data = {"open": number, **({"suppresses": stops} if stops else {})} if number else {}
        before = view.state.statuses.get((self.status, ""))
        if before is None and not number:
            return []
        value = "open" if number else None
        if before is not None and (before.value, dict(before.data)) == (value, data):
            return []
        since = before.since if before is not None and before.value == value else view.day
        return [Status(self.status, value, since, data=Frozen(data))]
