"""``cr.plan``: what goes out to whom over the next days, and why the rest does not; ``cr.recheck``: once more, when one is about to go out.

A plan settles a copy of each state up to each day that has something due and keeps nothing: the touchpoints that policies ask for on these
days, and those that still wait, are arranged by the rules of contact (``care.contact_plan``). It forecasts: what customers do meanwhile
changes it, and running it again is how that is seen. Same states, same plan, whatever the order of customers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from custrules.analysis.plan import Plan, PlanItem, item_id
from custrules.analysis.refusal import one_of, refuse, worded
from custrules.calendars import ONE_DAY, known_zone, local_day, start_of_day
from custrules.contacting import PURPOSES, Contacting
from custrules.errors import Diagnostic
from custrules.events import Contact
from custrules.fields import Frozen, read_day
from custrules.policies.care import proofreading
from custrules.policies.care.arranging import Candidate, Desk, Person, Placed, Why, consented, unconsented
from custrules.policies.care.contact_plan import ContactPlan
from custrules.policies.care.gates import Touch
from custrules.policies.care.trigger import Trigger
from custrules.policy import Decision, Policy, Touchpoint
from custrules.program import Program
from custrules.state import State
from custrules.state_parts import TouchpointAsked
from custrules.validation import read_argument
from custrules.views import Days, StepView

MOST_DAYS = 1100
SUPPRESSES = "suppresses"


class PlanIndex:
    """When time next changes something for each of many customers, so that a plan of a few days looks only at those who have something due.

    Building it asks every state once; ``update`` puts in the states that have changed since.
    """

    program: Program

    def __init__(self, program: Program, states: Iterable[State]) -> None:
        self.program = program
        self._states: dict[str, State] = {}
        self._due: dict[str, datetime] = {}
        self._waiting: dict[str, date] = {}
        self._sorted: list[tuple[datetime, str]] = []
        self.update(states)

    def update(self, states: Iterable[State]) -> None:
        """Take in states that are new or have changed."""
        for state in states:
            name, due = state.customer_id, self.program.next_due(state)
            self._states[name] = state
            for known, value in ((self._due, due), (self._waiting, _waits_until(state))):
                known.pop(name, None)
                if value is not None:
                    known[name] = value  # type: ignore[assignment]  # an instant in the first, a day in the second
        self._sorted = sorted((due, name) for name, due in self._due.items())

    def looked_at(self, start: date, end: datetime) -> Iterator[State]:
        """The states that have something due up to an instant, or a contact that still waits on a day, by customer."""
        due = self._sorted[: bisect_right(self._sorted, (end, ""))]
        waiting = (name for name, last in self._waiting.items() if last >= start)
        return (self._states[name] for name in sorted({*(name for _, name in due), *waiting}))


def _waits_until(state: State) -> date | None:
    """The last day on which a contact that was asked for still makes sense; None where nothing waits."""
    return max((asked.last_day or date.max for asked in state.touchpoints.values() if asked.outcome == "asked"), default=None)


def plan(program: Program, states: State | Iterable[State] | PlanIndex, start: date, days: int = 14) -> Plan:
    """What becomes of every contact from ``start`` for so many local days of the program.

    ``states`` is one state, many, or a PlanIndex of them. A state that is settled beyond ``start`` is planned from the day on which it stands.
    AnalysisError for days that are none, or more than three years of them.
    """
    first = read_argument(read_day, start, "start", "analysis", worded)
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MOST_DAYS:
        refuse("analysis.bad_days", "days", found=str(days)[:40], most=str(MOST_DAYS))
    last = first + timedelta(days=days - 1)
    items: list[PlanItem] = []
    for state in _chosen(states, first, start_of_day(last + ONE_DAY, program.zone)):
        items += _of_customer(program, state, first, last)
    return Plan(program.id, first, last, tuple(sorted(items, key=lambda item: (item.day, item.customer_id))))


def _chosen(states: State | Iterable[State] | PlanIndex, start: date, end: datetime) -> Iterable[State]:
    if isinstance(states, PlanIndex):
        return states.looked_at(start, end)
    return [states] if isinstance(states, State) else states


def _of_customer(program: Program, state: State, first: date, last: date) -> list[PlanItem]:
    forecast = Forecast(program, state, first, last)
    rules = forecast.rules(first)
    desk = Desk(rules, forecast.person, forecast.made, program.rulebook.working, (forecast.first, last))
    return [_item(program, state.customer_id, placed) for placed in desk.arrange(forecast.candidates)]


class Settled(NamedTuple):
    """A state as it stands from a local day on."""

    day: date
    state: State


class Forecast:
    """One customer over the days of a plan if nothing happens: what is asked for, and how the state stands on each day."""

    program: Program
    first: date
    candidates: list[Candidate]
    made: list[Touch]

    def __init__(self, program: Program, state: State, first: date, last: date) -> None:
        self.program, self.first = program, max(first, state.day or first)
        self._standing = [Settled(date.min, state)]
        self.candidates = [found for key, asked in state.touchpoints.items() if (found := self._waiting(key, asked)) is not None]
        self.made = [self._touch(asked) for asked in state.touchpoints.values() if asked.outcome in ("sent", "done")]
        for decision in self._settled(state, start_of_day(last, program.zone)):
            self.candidates += [self._asked(decision, effect) for effect in decision.effects if isinstance(effect, Touchpoint)]

    def _settled(self, state: State, end: datetime) -> Iterator[Decision]:
        """The decisions of time up to an instant: it stops only where something is due."""
        while state.as_of is not None:
            due = self.program.next_due(state)
            if due is None or due > end:
                break
            step = self.program.advance(state, to=max(due, state.as_of + timedelta(microseconds=1)))
            yield from step.decisions
            state = step.state
            self._standing.append(Settled(local_day(due, self.program.zone), state))

    def rules(self, day: date) -> ContactPlan:
        """The rules of contact in force on a day; where a program has none, nothing stands in the way."""
        found = (policy for policy in self.program.rulebook.phases(day)["care"] if isinstance(policy, ContactPlan) and not policy.retired)
        return next(found, ContactPlan(id="contact"))

    def standing(self, day: date) -> State:
        """The state as it stands on a day."""
        return next(each.state for each in reversed(self._standing) if each.day <= day)

    # -- what is asked for -----------------------------------------------------------------------------------------

    def _policy(self, policy_id: str, day: date) -> Policy | None:
        rulebook = self.program.rulebook
        return rulebook.in_force(policy_id, day) if policy_id in rulebook.versions else None

    def _terms(self, policy_id: str, day: date, category: str, channel: str) -> Contacting:
        policy = self._policy(policy_id, day)
        return policy.contacting(category, channel) if policy is not None else Contacting(channels=(channel,) if channel else ())

    def _asked(self, decision: Decision, effect: Touchpoint) -> Candidate:
        terms = self._terms(decision.policy_id, effect.day, effect.category, effect.channel)
        return Candidate(
            decision.policy_id,
            effect.cycle,
            effect.day,
            effect.last_day,
            effect.category,
            effect.template,
            terms,
            effect.outcome == "task",
            str(effect.data.get("deadline", "")),
            str(effect.data.get("due_by", "")),
            effect.data,
        )

    def _waiting(self, key: str, asked: TouchpointAsked) -> Candidate | None:
        """What was asked for before and is still to be done; what had expired before the plan begins is no news."""
        if asked.reads(self.first) != "asked":
            return None
        terms = self._kept_terms(asked)
        head = asked.policy_id, asked.cycle, asked.day, asked.last_day, asked.category, asked.template, terms
        return Candidate(*head, asked.task, str(asked.data.get("deadline", "")), str(asked.data.get("due_by", "")), asked.data)

    def _touch(self, asked: TouchpointAsked) -> Touch:
        terms = self._kept_terms(asked)
        return Touch(asked.day, asked.channel, asked.category, terms.purpose, terms.tags, terms.obeys, terms.counted, asked.at)

    def _kept_terms(self, asked: TouchpointAsked) -> Contacting:
        """What a contact that was asked for is for: as it was then, whatever has become of its policy."""
        terms = self._terms(asked.policy_id, asked.day, asked.category, asked.channel)
        purpose = asked.data.get("purpose")
        if purpose not in PURPOSES:
            return terms  # of a state that was stored when asks did not tell it
        tags = str(asked.data.get("tags", ""))
        return terms._replace(purpose=purpose, tags=tuple(tags.split(", ")) if tags else (), counted="uncounted" not in asked.data)

    # -- the customer ----------------------------------------------------------------------------------------------

    def person(self, candidate: Candidate, day: date) -> Person:
        """The customer on a day, for a candidate."""
        return person_of(self.program, self.standing(day), self.rules(day), candidate, day)


def person_of(program: Program, state: State, rules: ContactPlan, candidate: Candidate, day: date) -> Person:
    """What gates look at."""
    zone = known_zone(str(state.profile.get("zone", ""))) or program.zone
    stops = (str(status.data[SUPPRESSES]) for status in state.statuses.values() if status.value is not None and SUPPRESSES in status.data)
    suppressed = frozenset(purpose.strip() for text in stops for purpose in text.split(","))
    chosen = _from_table(program, state, rules, candidate, day)
    return Person(state.customer_id, zone, state.profile, state.consent, state.do_not_contact, suppressed, chosen, state.consents)


def _from_table(program: Program, state: State, rules: ContactPlan, candidate: Candidate, day: date) -> str | None:
    """The channel that the table of the plan gives."""
    if rules.channel is None:
        return None
    at = max(state.as_of or start_of_day(day, program.zone), start_of_day(day, program.zone))
    known = {"trigger": candidate.trigger, "category": candidate.category or None}
    event = Contact(id=f"plan {day}", customer_id=state.customer_id, occurred_at=at, **known)
    view = StepView(program.rulebook, state, event, Days(day, day, at), rules)
    values = view.outcome(rules.channel).values
    found = values[rules.channel.outputs[0].name]
    return str(found) if found is not None else None


def _item(program: Program, customer_id: str, placed: Placed) -> PlanItem:
    asked = placed.candidate
    return PlanItem(
        item_id(program.id, asked.trigger, customer_id, asked.cycle),
        customer_id,
        placed.day,
        asked.trigger,
        asked.cycle,
        placed.outcome,
        asked.category,
        asked.terms.purpose,
        asked.template,
        placed.channel,
        placed.at,
        placed.until,
        asked.deadline,
        placed.reasons,
        Frozen(asked.data),
    )


# -- once more ---------------------------------------------------------------------------------------------------------


def recheck(program: Program, state: State, item: PlanItem, at: datetime) -> PlanItem:
    """Whether a planned contact may still go out at an instant: a pure question about the state then, for the host to ask before it sends.

    The answer is the same item with what becomes of it now: it may go out, is put off, or is dropped, with the reason. ``state`` is advanced to
    ``at`` for it; nothing is kept.
    """
    now = program.advance(state, to=at).state
    day = local_day(at, program.zone)
    asked = now.touchpoints.get(f"{item.trigger}:{item.cycle}")
    forecast = Forecast(program, now, day, day)
    found = next((each for each in forecast.candidates if (each.trigger, each.cycle) == (item.trigger, item.cycle)), None)
    if asked is None or found is None:
        return item.now("drop", day, "care.done_already" if asked is not None else "care.asked_no_more")
    rules = forecast.rules(day)
    desk = Desk(rules, forecast.person, forecast.made, program.rulebook.working, (day, day))
    person = forecast.person(found, day)
    if found.last_day is not None and found.last_day < day:
        return item.now("expired", day, "care.expired", last_day=found.last_day)
    stopped = desk.stopped(found, person)
    if stopped is not None:
        return item.because(stopped[0], day, stopped[1])
    if not consented(found, item.channel, person):
        return item.because("drop", day, unconsented(found, [item.channel], person))
    slot = desk.slot(found, person, item.channel, at, day)
    if isinstance(slot, Why):
        return item.because("drop" if slot.final else "defer", day, slot.reason)
    return item.going(day, slot)


# -- texts -------------------------------------------------------------------------------------------------------------


def proofread(
    program: Program, trigger: str, text: str, lang: str = "en", *, on: date | None = None, words: Mapping[str, Sequence[str]] | None = None
) -> list[Diagnostic]:
    """What the text of a message says that its trigger forbids (``taboo``, a solemn festival), or lacks (``sign``: ``{store}``).

    ``lang`` is en or zh; ``words`` are more words by taboo (promotion, new_arrivals, prying); ``on`` chooses the version of the trigger.
    AnalysisError where the program has no trigger of that name, or the language has no lexicon.
    """
    one_of(lang, ("en", "zh"), "lang")
    rulebook = program.rulebook
    found = rulebook.versions.get(trigger, [None])[-1] if on is None else rulebook.in_force(trigger, on) if trigger in rulebook.versions else None
    if not isinstance(found, Trigger):
        known = ", ".join(name for name, versions in rulebook.versions.items() if isinstance(versions[-1], Trigger))
        refuse("analysis.no_trigger", "trigger", found=str(trigger)[:40], known=known)
    return proofreading.proofread(found, text, lang, words or {})
