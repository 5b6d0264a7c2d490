"""``cr.feedback``: what customers answered and complained about, and how complaints were handled, over a population."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from custrules.analysis.comparison_text import number_text, until_text
from custrules.analysis.periods import PERIODS, Per, first_of, name_of
from custrules.analysis.refusal import many_in, one_of, program_in
from custrules.analysis.scores import Score, Z, percent, rounded_to, score_of
from custrules.calendars import local_day
from custrules.codec import canonical
from custrules.complaints import OVER
from custrules.decisions import Status, Touchpoint
from custrules.events import Complaint, ComplaintUpdate, SurveyResponse
from custrules.fields import Frozen, read_instant
from custrules.messages import Speaker, speak
from custrules.messages.columns import table
from custrules.money import Money
from custrules.program import Program, aware
from custrules.replaying import Given, Turns, event_of
from custrules.state import State
from custrules.steps import Step

Confidence = Literal["90%", "95%", "99%"]
Key = tuple[str, str]  # customer and complaint
GROUPS = ("category", "severity", "channel", "cause")


@dataclass(frozen=True, slots=True)
class ClockFigures:
    """How a clock was kept: complaints that had it, met, missed, and still running. ``in_time`` is met out of met and missed, in percent."""

    name: str
    n: int
    met: int
    missed: int

    @property
    def running(self) -> int:
        return self.n - self.met - self.missed

    @property
    def in_time(self) -> Decimal | None:
        return percent(self.met, self.met + self.missed)

    def to_data(self) -> dict[str, Any]:
        counts = {"n": self.n, "met": self.met, "missed": self.missed, "running": self.running}
        return {"clock": self.name, **counts, "in_time": self.in_time}


@dataclass(frozen=True, slots=True)
class ComplaintFigures:
    """Complaints by what they were about and what became of them.

    ``open`` are those that were not closed or withdrawn by the end; ``groups`` counts them by category, severity, channel and cause
    ('' where it was not told). ``hours_to_resolve`` is the median from when a complaint was received to when it was resolved.
    """

    n: int
    open: int
    reopened: int
    escalated: int
    groups: Mapping[str, Mapping[str, int]]
    clocks: tuple[ClockFigures, ...]
    hours_to_resolve: Decimal | None
    credit: Money | None
    points: Decimal

    def to_data(self) -> dict[str, Any]:
        counts = {"n": self.n, "open": self.open, "reopened": self.reopened, "escalated": self.escalated}
        given = {"hours_to_resolve": self.hours_to_resolve, "credit": self.credit, "points": self.points}
        groups = {name: dict(rows) for name, rows in self.groups.items()}
        return {**counts, **given, "groups": groups, "clocks": [clock.to_data() for clock in self.clocks]}


@dataclass(frozen=True, slots=True)
class FeedbackPeriod:
    """One period, or all of it (``name`` ''): how many were asked and how many of these answered, the scores, the complaints received."""

    name: str
    asked: int
    answered: int
    scores: tuple[Score, ...]
    complaints: ComplaintFigures

    @property
    def response_rate(self) -> Decimal | None:
        """Answers to what was asked, in percent."""
        return percent(self.answered, self.asked)

    def score(self, name: str) -> Score:
        """A score by its name; of one that nobody answered nothing is known."""
        return next((score for score in self.scores if score.score == name), score_of(name, ()))

    def to_data(self) -> dict[str, Any]:
        asked = {"asked": self.asked, "answered": self.answered, "response_rate": self.response_rate}
        return {"period": self.name, **asked, "scores": [score.to_data() for score in self.scores], "complaints": self.complaints.to_data()}


@dataclass(frozen=True, slots=True)
class Feedback:
    """Surveys and complaints of a population: over all of it, and by calendar period where that was asked for."""

    program: str
    zone: str
    until: str
    per: str
    confidence: str
    total: FeedbackPeriod
    periods: tuple[FeedbackPeriod, ...]

    def to_data(self) -> dict[str, Any]:
        head = {"program": self.program, "zone": self.zone, "until": self.until or None, "per": self.per or None, "confidence": self.confidence}
        return {**head, "total": self.total.to_data(), "periods": [period.to_data() for period in self.periods]}

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, amounts and figures as exact text."""
        return canonical(self.to_data())


def feedback(
    program: Program, events: Iterable[Given], *, until: datetime | None = None, per: Per | None = None, confidence: Confidence = "95%"
) -> Feedback:
    """What customers said, over the events of many customers (grouped by customer, each one's in order of acceptance, as for ``cr.replay``).

    An answer counts in the period in which it was given, an ask (and whether it was answered) in that in which it was planned, a
    complaint in that in which it was received. Answers count whether they were asked for or not; events that are not accepted do not.
    What became of complaints is read from the status of ``feedback.complaints`` as it stands at ``until``, or at each customer's last event.
    AnalysisError for a period or confidence that there is not; EventError as ``cr.replay``.
    """
    end = aware(until, "until") if until is not None else None
    if per is not None:
        one_of(per, PERIODS, "per")
    one_of(confidence, tuple(Z), "confidence")
    program_in(program, "program")
    many_in(events, "events")
    gathered = _Gathered(program, per)
    for step in _steps(program, events, end):
        gathered.take_in(step)
    total, periods = gathered.figures(confidence)
    told = until_text(end, program.zone) if end is not None else ""
    return Feedback(program.id, program.zone.key, told, per or "", confidence, total, periods)


def _steps(program: Program, events: Iterable[Given], end: datetime | None) -> Iterator[Step]:
    """The accepted steps of many customers, each with the time that passes after their last event."""
    state: State | None = None
    turns = Turns()
    for number, given in enumerate(events):
        event = event_of(program.event, given, number)
        if state is None or state.customer_id != event.customer_id:
            yield from _ended(program, state, end)
            state = turns.begin(event.customer_id, number)
        if end is None or event.occurred_at <= end:
            step = program.step(state, event)
            state = step.state
            if step.accepted:
                yield step
    yield from _ended(program, state, end)


def _ended(program: Program, state: State | None, end: datetime | None) -> Iterator[Step]:
    if state is not None and end is not None:
        yield program.advance(state, end)


@dataclass
class _Part:
    """What is gathered for one period."""

    asked: int = 0
    answered: int = 0
    answers: dict[str, list[Decimal]] = field(default_factory=lambda: defaultdict(list))
    complaints: list[Key] = field(default_factory=list)

    def add(self, other: _Part) -> None:
        self.asked, self.answered = self.asked + other.asked, self.answered + other.answered
        for score, answers in other.answers.items():
            self.answers[score] += answers
        self.complaints += other.complaints


class _Gathered:
    """What steps come to, period by period; complaints as they stand at last."""

    def __init__(self, program: Program, per: Per | None) -> None:
        self._program, self._per = program, per
        self._parts: dict[date, _Part] = defaultdict(_Part)
        self._known: dict[Key, dict[str, Any]] = {}
        self._surveys = {policy.id for policy in program.policies if policy.kind == "feedback.survey"}
        self._status = program.rulebook.complaint_status

    def _part(self, day: date) -> _Part:
        return self._parts[first_of(day, self._per) if self._per is not None else date.min]

    def take_in(self, step: Step) -> None:
        customer_id, event = step.state.customer_id, step.event
        if isinstance(event, SurveyResponse):
            self._part(local_day(event.occurred_at, self._program.zone)).answers[event.score].append(event.value)
        elif isinstance(event, Complaint):
            self._part(local_day(event.occurred_at, self._program.zone)).complaints.append((customer_id, event.id))
            told = {"category": event.category, "severity": event.severity, "channel": event.channel}
            self._known[customer_id, event.id] = {"stage": "open", **{name: value for name, value in told.items() if value is not None}}
        elif isinstance(event, ComplaintUpdate) and not self._program.rulebook.complaint_keepers:
            self._known.get((customer_id, event.of), {}).update({"stage": event.stage} if event.stage is not None else {})
        for decision in step.decisions:
            for effect in decision.effects:
                self._effect(customer_id, decision.policy_id, effect)

    def _effect(self, customer_id: str, policy_id: str, effect: object) -> None:
        if isinstance(effect, Touchpoint) and policy_id in self._surveys and effect.outcome == "send":
            self._part(effect.day).asked += 1
        elif isinstance(effect, Status) and effect.name == self._status and (customer_id, effect.subject) in self._known:
            self._known[customer_id, effect.subject] = {**effect.data, "stage": effect.value}
        elif isinstance(effect, Status) and effect.value == "answered" and policy_id in self._surveys:
            self._part(date.fromisoformat(str(effect.data["asked_on"]))).answered += 1

    # -- summed up ---------------------------------------------------------------------------------------------------

    def figures(self, confidence: str) -> tuple[FeedbackPeriod, tuple[FeedbackPeriod, ...]]:
        whole = _Part()
        for part in self._parts.values():
            whole.add(part)
        periods = sorted(self._parts) if self._per is not None else []
        dated = (self._period(name_of(day, self._per or ""), self._parts[day], confidence) for day in periods)
        return self._period("", whole, confidence), tuple(dated)

    def _period(self, name: str, part: _Part, confidence: str) -> FeedbackPeriod:
        scores = tuple(score_of(score, answers, confidence) for score, answers in sorted(part.answers.items()))
        return FeedbackPeriod(name, part.asked, part.answered, scores, self._complaints([self._known[key] for key in part.complaints]))

    def _complaints(self, known: list[dict[str, Any]]) -> ComplaintFigures:
        groups = {name: Frozen(dict(sorted(Counter(str(row.get(name, "")) for row in known).items()))) for name in GROUPS}
        hours = sorted(Fraction(took.total_seconds()) / 3600 for row in known if (took := _took(row)) is not None)
        credits = [Money(str(row["credit"])) for row in known if "credit" in row]
        points = sum((Decimal(str(row["points"])) for row in known if "points" in row), Decimal(0))
        return ComplaintFigures(
            len(known),
            sum(row["stage"] not in OVER for row in known),
            sum("reopened" in row for row in known),
            sum("escalated_to" in row for row in known),
            Frozen(groups),
            tuple(_clocks(known)),
            _median(hours),
            sum(credits[1:], credits[0]) if credits else None,
            points,
        )


def _clocks(known: Iterable[Mapping[str, Any]]) -> Iterator[ClockFigures]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in known:
        for name in (part.removesuffix("_within") for part in row if part.endswith("_within")):
            counts[name][str(row.get(name, "running"))] += 1
    for name, found in sorted(counts.items()):
        yield ClockFigures(name, sum(found.values()), found["met"], found["missed"])


def _took(row: Mapping[str, Any]) -> timedelta | None:
    """How long a complaint took from when it was received to when it was resolved."""
    ends = row.get("resolve_at")
    return read_instant(ends) - read_instant(row["received_at"]) if ends is not None and "received_at" in row else None


def _median(hours: list[Fraction]) -> Decimal | None:
    if not hours:
        return None
    middle = len(hours) // 2
    return rounded_to(hours[middle] if len(hours) % 2 else (hours[middle - 1] + hours[middle]) / 2, 1)


# -- in words ------------------------------------------------------------------------------------------------------------


@speak.register
def _(found: Feedback, speaker: Speaker) -> str:
    """Scores, then complaints with their clocks and causes; with periods, a table of each."""
    head = {"program": found.program, "zone": found.zone, "until": found.until}
    lines = [speaker.word("feedback_head", head)] + ([speaker.word("feedback_until", head)] if found.until else [])
    rows = [*found.periods, found.total] if found.periods else [found.total]
    scores = [(row, score) for row in rows for score in row.scores]
    lines += ["", speaker.word("feedback_scores", {"confidence": found.confidence})]
    lines += _score_table(scores, speaker, bool(found.periods)) if scores else [f"  {speaker.word('feedback_nothing', {})}"]
    if found.total.asked:
        about = {"asked": found.total.asked, "answered": found.total.answered, "rate": _told(found.total.response_rate, speaker)}
        lines += [f"  {speaker.word('feedback_asked', about)}"]
    lines += ["", speaker.word("feedback_complaints", {})]
    if not found.total.complaints.n:
        return "\n".join([*lines, f"  {speaker.word('feedback_nothing', {})}"])
    lines += _complaint_table([row for row in rows if row.complaints.n], speaker, bool(found.periods))
    return "\n".join([*lines, *_clock_lines(found.total.complaints, speaker), *_group_lines(found.total.complaints, speaker)])


def _told(value: Decimal | Money | None, speaker: Speaker) -> str:
    return number_text(value) if value is not None else speaker.word("feedback_undefined", {})


def _head(names: Iterable[str], speaker: Speaker) -> list[str]:
    return [speaker.word(f"feedback_{name}", {}) for name in names]


def _named(row: FeedbackPeriod, speaker: Speaker) -> str:
    return row.name or speaker.word("feedback_total", {})


def _score_table(rows: Iterable[tuple[FeedbackPeriod, Score]], speaker: Speaker, dated: bool) -> list[str]:
    head = _head((*(("period",) if dated else ()), "score", "n", "value", "margin", "mean"), speaker)
    cells = []
    for row, score in rows:
        figures = (_told(part, speaker) for part in (score.value, score.margin, score.mean))
        cells.append([*([_named(row, speaker)] if dated else []), score.score, str(score.n), *figures])
    return table([head, *cells], right=range(1 + dated, len(head)))


def _complaint_table(rows: Iterable[FeedbackPeriod], speaker: Speaker, dated: bool) -> list[str]:
    head = _head((*(("period",) if dated else ()), "received", "open", "reopened", "escalated", "hours", "credit"), speaker)
    cells = [
        [
            *([_named(row, speaker)] if dated else []),
            *(str(number) for number in (row.complaints.n, row.complaints.open, row.complaints.reopened, row.complaints.escalated)),
            _told(row.complaints.hours_to_resolve, speaker),
            _told(row.complaints.credit, speaker) if row.complaints.credit is not None else "-",
        ]
        for row in rows
    ]
    return table([head, *cells], right=range(dated, len(head)))


def _clock_lines(found: ComplaintFigures, speaker: Speaker) -> list[str]:
    if not found.clocks:
        return []
    rows = [[clock.name, *map(str, (clock.n, clock.met, clock.missed, clock.running)), _told(clock.in_time, speaker)] for clock in found.clocks]
    return ["", *table([_head(("clock", "n", "met", "missed", "running", "in_time"), speaker), *rows], right=range(1, 6))]


def _group_lines(found: ComplaintFigures, speaker: Speaker) -> list[str]:
    lines: list[str] = []
    for name, counts in found.groups.items():
        if set(counts) == {""}:
            continue
        often = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
        rows = [[value or "-", str(number), _told(percent(number, found.n), speaker)] for value, number in often]
        lines += ["", *table([_head((name, "n", "share"), speaker), *rows], right=(1, 2))]
    return lines
