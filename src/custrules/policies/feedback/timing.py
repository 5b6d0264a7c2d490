"""What time does to complaints: clocks run out, people are told, what is resolved is closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from custrules.calendars import ONE_DAY, local_day, start_of_day
from custrules.event_fields import Scalar
from custrules.fields import Frozen
from custrules.policies.feedback.case import BY, RULE, Case
from custrules.policies.feedback.rules import LadderStep, share_text
from custrules.policy import Reason, Touchpoint, View, reason

if TYPE_CHECKING:
    from custrules.policies.feedback.complaints import Complaints

CATEGORY = "complaint"
WORTH_TELLING = timedelta(days=30)  # for which a task is worth doing that has no end of its own
Told = tuple[Case, list[Reason], list[Touchpoint]]


class Rung(NamedTuple):
    """A step of the ladder for one complaint: which clock it looks at, and when it is told (None: not known yet)."""

    step: LadderStep
    clock: str
    at: datetime | None


def version_of(policy: Complaints, case: Case, view: View) -> Complaints:
    """The version by which a complaint is treated: the one in force on the day on which its clocks began."""
    start = case.started_at
    found = view.in_force(policy.id, local_day(start, view.zone)) if start is not None else None
    return found if isinstance(found, type(policy)) else policy


def rungs(policy: Complaints, case: Case, view: View) -> Iterator[Rung]:
    """The steps of the ladder that are still to come: whose clock runs, and that nobody was told of."""
    start = case.started_at
    if start is None:
        return
    running = tuple(case.running())
    for step in version_of(policy, case, view).ladder:
        clock = step.of or main_clock(case)
        if clock in running and step.label() not in case.told:
            yield Rung(step, clock, case.clock(clock).at_share(start, step.at, view.zone, view.working))


def main_clock(case: Case) -> str:
    """The clock that a ladder looks at where it names none: ``resolve``, else the last."""
    names = tuple(case.clocks())
    return "resolve" if "resolve" in names or not names else names[-1]


def told(case: Case, rung: Rung, view: View) -> Told:
    """Somebody is told."""
    step = rung.step
    labels = ", ".join((*case.told, step.label()))
    told: dict[str, Scalar] = {"complaint": case.id, "to": step.tell, "clock": rung.clock, "at": share_text(step.at), "purpose": "service"}
    told |= {"due_by": case.data[f"{rung.clock}{BY}"]}
    template, last_day = step.template or step.tell, view.settled + WORTH_TELLING
    touchpoint = Touchpoint(template, f"{case.key}:{step.label()}", view.settled, last_day, CATEGORY, step.channel, "task", Frozen(told))
    why = reason("feedback.complaints.told", complaint=case.id, to=step.tell, share=share_text(step.at), clock=rung.clock)
    return case.said(told=labels, escalated_to=step.tell), [why], [touchpoint]


def passed(policy: Complaints, case: Case, view: View) -> Told:
    """What has come to be by the instant of the view."""
    reasons: list[Reason] = []
    asked: list[Touchpoint] = []
    if case.over:
        return case, reasons, asked
    for rung in sorted((rung for rung in rungs(policy, case, view) if _come(rung.at, view)), key=lambda rung: (rung.at, rung.step.label())):
        case, why, touched = told(case, rung, view)
        reasons, asked = reasons + why, asked + touched
    for name in case.running():
        if not case.missed(name) and _come(case.end(name, view), view):
            case = case.said(**{name: "missed"})
            rule = {"regulation": case.data[f"{name}{RULE}"]} if f"{name}{RULE}" in case.data else {}
            code = "feedback.complaints.missed_by_law" if rule else "feedback.complaints.missed"
            reasons.append(reason(code, complaint=case.id, clock=name, by=case.data[f"{name}{BY}"], **rule))
    closing = closes_on(policy, case, view)
    if closing is not None and closing <= view.settled:
        case, why = closed(policy, case, view, "feedback.complaints.closed_by_itself")
        reasons += why
    return case, reasons, asked


def _come(at: datetime | None, view: View) -> bool:
    return at is not None and at <= view.instant


def closes_on(policy: Complaints, case: Case, view: View) -> date | None:
    """The day on which a complaint that is resolved closes by itself."""
    rule = version_of(policy, case, view).close.after
    if rule is None or case.stage != "resolved" or case.data.get("customer_agrees") is False:
        return None
    return rule.after(case.since) + ONE_DAY


def closed(policy: Complaints, case: Case, view: View, code: str) -> tuple[Case, list[Reason]]:
    """A complaint that is closed: until when it can be opened again, and until when the state keeps it."""
    day = view.day
    again = policy.reopen.within.after(day) if policy.reopen is not None else None
    kept = max(view.return_window.after(day), again or day)
    gone = Case(case.id, "closed", day, kept, case.data)
    return gone, [reason(code, complaint=case.id)]


def due(policy: Complaints, case: Case, view: View) -> datetime | None:
    """When time next does something to a complaint."""
    if case.over:
        return None
    ends = [case.end(name, view) for name in case.running() if not case.missed(name)]
    steps = [rung.at for rung in rungs(policy, case, view)]
    closing = closes_on(policy, case, view)
    days = [start_of_day(closing, view.zone)] if closing is not None else []
    return min((at for at in (*ends, *steps, *days) if at is not None), default=None)
