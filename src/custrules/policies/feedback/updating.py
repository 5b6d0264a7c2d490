"""What becomes of a complaint: received, moved from stage to stage, compensated, closed, opened again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from custrules.calendars import local_day
from custrules.complaints import told as fields_of
from custrules.event_fields import Scalar
from custrules.events import Complaint, ComplaintUpdate
from custrules.facts import FactValue
from custrules.fields import Frozen, instant_text, plain
from custrules.money import Money
from custrules.policies.feedback.case import AT, BY, RULE, WITHIN, Case, by_text
from custrules.policies.feedback.rules import Allowances, ComplaintClock
from custrules.policies.feedback.timing import CATEGORY, WORTH_TELLING, Told, closed, rungs, told, version_of
from custrules.policy import Reason, Touchpoint, View, reason

if TYPE_CHECKING:
    from custrules.policies.feedback.complaints import Complaints

ORDER = ("open", "reopened", "acknowledged", "in_progress", "extended", "escalated", "resolved", "closed")
STOPS = {"acknowledged": 1, "escalated": 2, "resolved": 3, "closed": 4, "withdrawn": 4}
"""How far along a stage is: it stops the clocks of those before it, too."""
FROM: Mapping[str, tuple[str, ...]] = {"resolved": ("closed", "withdrawn", "reopened"), "closed": ("reopened",), "withdrawn": ("reopened",)}
"""Where a complaint can go from a stage; from any other, everywhere but to ``reopened``."""


class Refused(Exception):
    """An update that cannot be: the reason says why."""

    reason: Reason

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.reason = reason(f"feedback.complaints.{code}", **params)


# -- receiving ---------------------------------------------------------------------------------------------------------


def received(policy: Complaints, event: Complaint, view: View) -> Told:
    """A complaint is taken in: who looks after it, and by when."""
    case = Case(event.id, "open", view.day, None, {**fields_of(event), "received_at": instant_text(event.occurred_at)})
    case = case.said(**_routed(policy, view))
    case = started(policy, case, event.occurred_at, view)
    owner = case.data.get("owner", "-")
    reasons = [reason("feedback.complaints.received", complaint=case.id, category=event.category, owner=owner)]
    if policy.categories and event.category not in policy.categories:
        reasons.append(reason("feedback.complaints.unknown_category", category=event.category, known=", ".join(policy.categories)))
    reasons += [reason("feedback.complaints.clock", complaint=case.id, clock=name, by=case.data[f"{name}{BY}"]) for name in case.clocks()]
    return case, reasons, [_task(policy, case, view)]


def _routed(policy: Complaints, view: View) -> dict[str, Scalar]:
    if policy.route is None:
        return {}
    found = view.outcome(policy.route).values
    return {name: value for name, value in found.items() if isinstance(value, str | int)}


def _task(policy: Complaints, case: Case, view: View) -> Touchpoint:
    """The complaint as a task for whom it was routed to, up to the end of the clock that ends first."""
    ends = [local_day(end, view.zone) for name in case.running() if (end := case.end(name, view)) is not None]
    last_day = max(min(ends), view.settled) if ends else view.settled + WORTH_TELLING
    to = str(case.data.get("owner", case.data.get("queue", "")))
    data: dict[str, Scalar] = {"complaint": case.id, "purpose": "service", **({"to": to} if to else {})}
    data |= {f"{name}{BY}": case.data[f"{name}{BY}"] for name in case.clocks()}
    return Touchpoint(policy.template, case.key, view.settled, last_day, CATEGORY, policy.channel, "task", Frozen(data))


def started(policy: Complaints, case: Case, start: datetime, view: View) -> Case:
    """All clocks of a complaint begin."""
    case = case.said(**{f"{name}{part}": None for name in policy.clock_names for part in (WITHIN, BY, AT, RULE, "")})
    case = case.said(started_at=instant_text(start), told=None, extended=None)
    for name in policy.clock_names:
        clock = chosen(policy, case, name, start, view)
        if clock is not None:
            by = by_text(clock.within, start, view)
            case = case.said(**{f"{name}{WITHIN}": str(clock.within), f"{name}{BY}": by, f"{name}{RULE}": clock.regulation})
    return case


def chosen(policy: Complaints, case: Case, name: str, start: datetime, view: View) -> ComplaintClock | None:
    """The clock of a name that a complaint has: the latest that is in force and whose condition holds."""
    day = local_day(start, view.zone)
    told = facts_of(case)
    fitting = [
        clock
        for clock in policy.clocks
        if clock.name == name and clock.effective_from <= day and (clock.when is None or view.test(clock.when, given=told))
    ]
    return max(fitting, key=lambda clock: clock.effective_from, default=None)


def facts_of(case: Case) -> dict[str, FactValue]:
    """The fields of the complaint itself, for conditions that are asked again later."""
    return {name: case.data[name] for name in ("category", "severity", "channel") if name in case.data}


# -- updating ----------------------------------------------------------------------------------------------------------


def updated(policy: Complaints, case: Case, event: ComplaintUpdate, view: View) -> Told:
    """What an update makes of a complaint; Refused where it cannot be."""
    _check_cause(policy, event)
    case, reasons = _compensated(policy, case, event, view)
    agrees = event.customer_agrees
    case = case.said(cause=event.cause, customer_agrees=agrees) if event.cause is not None else case
    case = case.said(customer_agrees=agrees) if agrees is not None else case
    stage = _stage(case, event)
    if stage is None:
        return case, [*reasons, *([] if reasons else [reason("feedback.complaints.noted", complaint=case.id)])], []
    if stage not in FROM.get(case.stage, tuple(name for name in (*ORDER[2:], "withdrawn"))):
        raise Refused("not_now", complaint=case.id, stage=stage, held=case.stage)
    moves = {"closed": _close, "withdrawn": _withdraw, "reopened": _reopen, "extended": _extend, "escalated": _escalate}
    case, why, asked = moves.get(stage, _move)(policy, case, event, stage, view)
    return case, reasons + why, asked


def _stage(case: Case, event: ComplaintUpdate) -> str | None:
    """The stage that an update asks for; a customer who answers that she agrees, or not, closes what is resolved, or opens it again."""
    if event.stage is None and case.stage == "resolved" and event.customer_agrees is not None:
        return "closed" if event.customer_agrees else "reopened"
    return event.stage


def _check_cause(policy: Complaints, event: ComplaintUpdate) -> None:
    if policy.causes and event.cause is not None and event.cause not in policy.causes:
        raise Refused("unknown_cause", cause=event.cause, known=", ".join(policy.causes))


def _stopped(policy: Complaints, case: Case, event: ComplaintUpdate, stage: str, view: View) -> Case:
    """Clocks that a stage stops: in time where it came before their end."""
    version = version_of(policy, case, view)
    for name in tuple(case.running()):
        ends_with = next((clock.ends_with for clock in version.clocks if clock.name == name), "resolved")
        if STOPS.get(stage, 0) >= STOPS[ends_with]:
            end = case.end(name, view)
            met = end is None or event.occurred_at < end
            case = case.said(**{f"{name}{AT}": instant_text(event.occurred_at), name: "met" if met else "missed"})
    return case


def _move(policy: Complaints, case: Case, event: ComplaintUpdate, stage: str, view: View) -> Told:
    case = _stopped(policy, case, event, stage, view).moved(stage, view.day)
    return case, [reason(f"feedback.complaints.{stage}", complaint=case.id)], []


def _close(policy: Complaints, case: Case, event: ComplaintUpdate, stage: str, view: View) -> Told:
    if policy.close.agreed and case.data.get("customer_agrees") is not True:
        raise Refused("needs_agreement", complaint=case.id)
    case, why = closed(policy, _stopped(policy, case, event, stage, view), view, "feedback.complaints.closed")
    return case, why, []


def _withdraw(policy: Complaints, case: Case, event: ComplaintUpdate, stage: str, view: View) -> Told:
    gone, _ = closed(policy, _stopped(policy, case, event, stage, view), view, "feedback.complaints.closed")
    withdrawn = Case(gone.id, "withdrawn", gone.since, gone.until, gone.data)
    return withdrawn, [reason("feedback.complaints.withdrawn", complaint=case.id)], []


def _reopen(policy: Complaints, case: Case, event: ComplaintUpdate, stage: str, view: View) -> Told:
    """Its clocks begin anew."""
    if case.over:
        if policy.reopen is None:
            raise Refused("cannot_reopen", complaint=case.id)
        last = policy.reopen.within.after(case.since)
        if view.day > last:
            raise Refused("reopened_too_late", complaint=case.id, until=last)
    case = case.said(reopened=case.rounds + 1, customer_agrees=None).moved("reopened", view.day)
    case = started(policy, case, event.occurred_at, view)
    return case, [reason("feedback.complaints.reopened", complaint=case.id, times=case.rounds)], [_task(policy, case, view)]


def _extend(policy: Complaints, case: Case, event: ComplaintUpdate, stage: str, view: View) -> Told:
    """Clocks that can be extended run longer, from when they began; those that have run out already stay missed."""
    start = case.started_at
    extended: list[Reason] = []
    version = version_of(policy, case, view)
    for name in tuple(case.running()) if start is not None and "extended" not in case.data else ():
        clock = chosen(version, case, name, start, view) if start is not None else None
        if clock is not None and clock.extended is not None and start is not None and not case.missed(name):
            by = by_text(clock.extended, start, view)
            case = case.said(**{f"{name}{WITHIN}": str(clock.extended), f"{name}{BY}": by})
            extended.append(reason("feedback.complaints.extended", complaint=case.id, clock=name, by=by))
    if not extended:
        raise Refused("cannot_extend", complaint=case.id)
    return case.said(extended=True).moved(stage, view.day), extended, []


def _escalate(policy: Complaints, case: Case, event: ComplaintUpdate, stage: str, view: View) -> Told:
    """The next step of the ladder is told at once."""
    case = _stopped(policy, case, event, stage, view).moved(stage, view.day)
    coming = sorted(rungs(policy, case, view), key=lambda rung: (rung.step.at, rung.step.label()))
    moved = reason("feedback.complaints.escalated", complaint=case.id)
    if not coming:
        return case, [moved], []
    case, why, asked = told(case, coming[0], view)
    return case, [moved, *why], asked


# -- compensation ------------------------------------------------------------------------------------------------------


def _compensated(policy: Complaints, case: Case, event: ComplaintUpdate, view: View) -> tuple[Case, list[Reason]]:
    rule = policy.compensation
    reasons: list[Reason] = []
    if event.credit is not None:
        before = Money(str(case.data["credit"])) if "credit" in case.data else Money.from_minor(0, view.currency)
        total = before + event.credit
        _check_allowed(rule.credit, Fraction(total.amount), event, case, "credit", str(event.credit))
        case = case.said(credit=str(total))
        reasons.append(reason("feedback.complaints.compensated", complaint=case.id, given=event.credit, total=total, by=event.by or "-"))
    if event.points is not None:
        points = Fraction(str(case.data.get("points", 0))) + Fraction(event.points)
        _check_allowed(rule.points, points, event, case, "points", plain(event.points))
        shown = str(points) if points.denominator == 1 else plain(event.points.__class__(points.numerator) / points.denominator)
        case = case.said(points=shown)
        given = plain(event.points)
        reasons.append(reason("feedback.complaints.compensated_in_points", complaint=case.id, given=given, total=shown, by=event.by or "-"))
    return case, reasons


def _check_allowed(rows: Allowances | None, total: Fraction, event: ComplaintUpdate, case: Case, kind: str, given: str) -> None:
    if not rows:
        raise Refused("no_compensation", complaint=case.id, kind=kind)
    own = [row for row in rows if row.by == event.by]
    if any(row.allows(total) for row in own):
        return
    who = ", ".join(_who_may(rows, total)) or "-"
    raise Refused("over_allowance", complaint=case.id, given=given, by=event.by or "-", ask=who)


def _who_may(rows: Allowances, total: Fraction) -> Iterator[str]:
    return (row.by for row in rows if row.allows(total))
