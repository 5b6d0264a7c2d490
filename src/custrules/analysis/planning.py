"""``cr.plan``: what goes out to whom over the next days, and why the rest does not; ``cr.recheck``: once more, when one is about to go out.

A plan settles a copy of each state up to each day that has something due and keeps nothing: the touchpoints that policies ask for on these
days, and those that still wait, are arranged by the rules of contact (``care.contact_plan``). It forecasts: what customers do meanwhile
changes it, and running it again is how that is seen. Same states, same plan, whatever the order of customers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from custrules.analysis.foreseeing import Ahead, PlanIndex, terms_of
from custrules.analysis.plan import Plan, PlanItem, item_id
from custrules.analysis.refusal import one_of, program_in, refuse, states_in, worded
from custrules.calendars import end_of_day, known_zone, local_day, start_of_day
from custrules.contacting import PURPOSES, Contacting
from custrules.errors import Diagnostic
from custrules.events import Contact
from custrules.fields import Frozen, read_day
from custrules.policies.care import proofreading
from custrules.policies.care.arranging import Candidate, Desk, Person, Placed, channels_of, consented, unconsented
from custrules.policies.care.contact_plan import ContactPlan
from custrules.policies.care.gates import Touch
from custrules.policies.care.trigger import Trigger
from custrules.program import Program, aware
from custrules.state import State
from custrules.state_parts import TouchpointAsked
from custrules.validation import read_argument
from custrules.views import Days, StepView

MOST_DAYS = 1100
AHEAD = 13  # days that are looked at for another one, when a contact may not go out now
SUPPRESSES = "suppresses"
NO_RULES = ContactPlan(id="contact")


def plan(program: Program, states: State | Iterable[State] | Mapping[str, State] | PlanIndex, start: date, days: int = 14) -> Plan:
    """What becomes of every contact from ``start`` for so many local days of the program.

    ``states`` is one state, many (a list, or a replay's by customer), or a PlanIndex of them. A state that is
    settled beyond ``start`` is planned from the day on which it stands.
    AnalysisError for days that are none, or more than three years of them, and for an index of another program.
    """
    program_in(program, "program")
    first = read_argument(read_day, start, "start", "analysis", worded)
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MOST_DAYS:
        refuse("analysis.bad_days", "days", found=str(days)[:40], most=str(MOST_DAYS))
    last = first + timedelta(days=days - 1)
    items: list[PlanItem] = []
    horizon, rules = Horizon.of(program, first, last), RulesOn(program)
    for ahead in _chosen(program, states, horizon):
        items += _of_customer(ahead, rules, horizon)
    return Plan(program.id, first, last, tuple(sorted(items, key=lambda item: (item.day, item.customer_id))))


def _chosen(program: Program, states: State | Iterable[State] | Mapping[str, State] | PlanIndex, horizon: Horizon) -> Iterable[Ahead]:
    if isinstance(states, PlanIndex):
        if states.program != program:
            refuse("analysis.wrong_type", "states", expected="an index that was built for this program", found="an index of another one")
        return states.looked_at(horizon.first, horizon.end)
    return (Ahead(program, state) for state in states_in(states))


class Horizon(NamedTuple):
    """The local days of a plan, and the last instant of the last of them."""

    first: date
    last: date
    end: datetime

    @classmethod
    def of(cls, program: Program, first: date, last: date) -> Horizon:
        return cls(first, last, end_of_day(last, program.zone))


class RulesOn(dict[date, ContactPlan]):
    """The rules of contact in force on a day; where a program has none, nothing stands in the way."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program

    def __missing__(self, day: date) -> ContactPlan:
        asked = self.program.rulebook.phases(day)["care"]
        found = next((policy for policy in asked if isinstance(policy, ContactPlan) and not policy.retired), NO_RULES)
        self[day] = found
        return found


def _of_customer(ahead: Ahead, rules: RulesOn, horizon: Horizon) -> list[PlanItem]:
    forecast = Forecast(ahead, rules, horizon)
    if not forecast.candidates:
        return []
    program = ahead.program
    desk = Desk(rules, forecast.person, forecast.made, program.rulebook.working, (forecast.first, horizon.last))
    return [_item(program, ahead.state.customer_id, placed) for placed in desk.arrange(forecast.candidates)]


class Forecast:
    """One customer over the days of a plan if nothing happens: what is asked for, and how the state stands on each day."""

    ahead: Ahead
    program: Program
    rules: RulesOn
    first: date
    zone: ZoneInfo
    candidates: list[Candidate]
    made: list[Touch]

    def __init__(self, ahead: Ahead, rules: RulesOn, horizon: Horizon) -> None:
        self.ahead, self.program, self.rules = ahead, ahead.program, rules
        state, end = ahead.state, horizon.end
        ahead.reach(end)
        self.first = max(horizon.first, state.day or horizon.first)
        self.zone = zone_of(self.program, state)
        asked = state.touchpoints
        self.candidates = [found for each in asked.values() if (found := self._waiting(each)) is not None]
        self.candidates += [each.candidate for each in ahead.foreseen if each.at <= end]
        self.made = [self._touch(each) for each in asked.values() if each.outcome in ("sent", "done")]

    def _waiting(self, asked: TouchpointAsked) -> Candidate | None:
        """What was asked for before and is still to be done; what had expired before the plan begins is no news."""
        return self.candidate(asked, self.first) if asked.reads(self.first) == "asked" else None

    def candidate(self, asked: TouchpointAsked, day: date) -> Candidate:
        """A contact that was asked for, to be arranged from where the customer stands on a day: not before that."""
        head = asked.policy_id, asked.cycle, asked.day, asked.last_day, asked.category, asked.template, self._kept_terms(asked)
        told = str(asked.data.get("deadline", "")), str(asked.data.get("due_by", "")), asked.data
        return Candidate(*head, asked.task, *told, self.ahead.state.as_of, over=not self._stands(asked, day))

    def _stands(self, asked: TouchpointAsked, day: date) -> bool:
        """Whether what waits is still wanted by the policy that asked for it, in the version by which it did."""
        rulebook, state = self.program.rulebook, self.ahead.on(day)
        policy = rulebook.in_force(asked.policy_id, asked.day) if asked.policy_id in rulebook.versions else None
        if policy is None or state.as_of is None:
            return True
        at = max(state.as_of, start_of_day(day, self.program.zone))
        return policy.still_asks(StepView(rulebook, state, None, Days(day, day, at), policy), asked.cycle)

    def _touch(self, asked: TouchpointAsked) -> Touch:
        terms = self._kept_terms(asked)
        day = local_day(asked.at, self.zone) if asked.at is not None else asked.day  # of the customer's clock, as planned days are
        return Touch(day, asked.channel, asked.category, terms.purpose, terms.tags, terms.obeys, terms.counted, asked.at, asked.policy_id)

    def _kept_terms(self, asked: TouchpointAsked) -> Contacting:
        """What a contact that was asked for is for: as it was then, whatever has become of its policy."""
        terms = terms_of(self.program, asked.policy_id, asked.day, asked.category, asked.channel)
        purpose = asked.data.get("purpose")
        if purpose not in PURPOSES:
            return terms  # of a state that was stored when asks did not tell it
        tags = str(asked.data.get("tags", ""))
        return terms._replace(purpose=purpose, tags=tuple(tags.split(", ")) if tags else (), counted="uncounted" not in asked.data)

    # -- the customer ----------------------------------------------------------------------------------------------

    def person(self, candidate: Candidate, day: date) -> Person:
        """The customer on a day, for a candidate."""
        return person_of(self.program, self.ahead.on(day), self.rules[day], candidate, day)


def zone_of(program: Program, state: State) -> ZoneInfo:
    """The customer's time zone, else the program's."""
    named = state.profile.get("zone")
    return program.zone if named is None else known_zone(str(named)) or program.zone


def person_of(program: Program, state: State, rules: ContactPlan, candidate: Candidate, day: date) -> Person:
    """What gates look at."""
    stops = [str(status.data[SUPPRESSES]) for status in state.statuses.values() if status.value is not None and SUPPRESSES in status.data]
    suppressed = frozenset(purpose.strip() for text in stops for purpose in text.split(","))
    chosen = _from_table(program, state, rules, candidate, day)
    closed = state.closed.day if state.closed is not None else None
    known = state.profile, state.consent, state.do_not_contact
    return Person(state.customer_id, zone_of(program, state), *known, suppressed, chosen, state.consents, closed)


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
        asked.id or item_id(program.id, asked.trigger, customer_id, asked.cycle),
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
        asked.data if isinstance(asked.data, Frozen) else Frozen(asked.data),
    )


# -- once more ---------------------------------------------------------------------------------------------------------


def recheck(program: Program, state: State, item: PlanItem, at: datetime) -> PlanItem:
    """Whether a planned contact may still go out at an instant: a pure question about the state then, for the host to ask before it sends.

    The answer is the same item with what becomes of it now: it may go out, is put off (``until`` another day, or to a later time ``at`` of this
    one), or is dropped, with the reason. ``state`` is advanced to ``at`` for it; nothing is kept. EventError for an ``at`` without a zone.
    """
    program_in(program, "program")
    at = aware(at, "at")
    now = program.advance(state, to=at).state
    day = local_day(at, zone_of(program, now))  # the customer's own day, on which a plan places it
    asked = now.touchpoints.get(f"{item.trigger}:{item.cycle}")
    if asked is None or asked.outcome != "asked":
        return item.now("drop", day, "care.done_already" if asked is not None else "care.asked_no_more")
    if asked.last_day is not None and asked.last_day < day:
        return item.now("expired", day, "care.expired", last_day=asked.last_day)
    rules = RulesOn(program)
    forecast = Forecast(Ahead(program, now), rules, Horizon.of(program, day, day))
    found = forecast.candidate(asked, day)
    if found.over:
        return item.now("drop", day, "care.asked_no_more")
    desk = Desk(rules, forecast.person, forecast.made, program.rulebook.working, (day, day + timedelta(days=AHEAD)))
    person = forecast.person(found, day)
    stopped = desk.stopped(found, person)
    if stopped is not None:
        return item.because(stopped[0], day, stopped[1])
    channels = [item.channel] if item.channel else channels_of(rules[day], found, person)
    channel = next((each for each in channels if consented(found, each, person)), None)
    if channel is None:
        return item.because("drop", day, unconsented(found, channels, person))
    into = desk.merged_into(found, channel)
    if into is not None:
        return item.now("drop", day, "care.merged", into=into)
    return item.after(desk.again(found, person, channel, at, day))


# -- texts -------------------------------------------------------------------------------------------------------------


def proofread(
    program: Program, trigger: str, text: str, lang: str = "en", *, on: date | None = None, words: Mapping[str, Sequence[str]] | None = None
) -> list[Diagnostic]:
    """What the text of a message says that its trigger forbids (``taboo``, a solemn festival), or lacks (``sign``: ``{store}``).

    ``lang`` is en or zh; ``words`` are more words by taboo (promotion, new_arrivals, prying); ``on`` chooses the version of the trigger.
    AnalysisError where the program has no trigger of that name, or the language has no lexicon.
    """
    program_in(program, "program")
    one_of(lang, ("en", "zh"), "lang")
    rulebook = program.rulebook
    found = rulebook.versions.get(trigger, [None])[-1] if on is None else rulebook.in_force(trigger, on) if trigger in rulebook.versions else None
    if not isinstance(found, Trigger):
        known = ", ".join(name for name, versions in rulebook.versions.items() if isinstance(versions[-1], Trigger))
        refuse("analysis.no_trigger", "trigger", found=str(trigger)[:40], known=known)
    return proofreading.proofread(found, text, lang, words or {})
