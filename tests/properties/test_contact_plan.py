"""Whatever is asked for: what goes out keeps every rule of contact, and what has priority is never held back by what has not."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from custrules.calendars.working import WorkingRule, WorkingTime
from custrules.contacting import Contacting
from custrules.policies.care.arranging import Candidate, Desk, Person, Placed
from custrules.policies.care.contact_plan import ContactPlan
from custrules.policies.care.gates import Touch

START, DAYS = date(2026, 4, 27), 21  # the holiday of May 2026 lies within, and the Saturday that is worked for it
END = START + timedelta(days=DAYS - 1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
WORKING = WorkingTime(WorkingRule.model_validate({"days": "CN"}), SHANGHAI)
PRIORITY = ("birthday", "warning", "daily")
CHANNELS = ("sms", "phone", "email")
GOES = ("send", "task")


class Asked(NamedTuple):
    plan: ContactPlan
    candidates: tuple[Candidate, ...]
    made: tuple[Touch, ...]
    zone: ZoneInfo


@st.composite
def caps(draw: st.DrawFn) -> dict[str, Any]:
    per = draw(st.sampled_from(("calendar day", "calendar week", "calendar month", "2 days", "7 days", "1 month")))
    named = draw(st.sampled_from(({}, {"channel": "sms"}, {"category": "daily"}, {"purpose": "marketing"}, {"tag": "promo"})))
    more = {"exempt": ["birthday"], "counts_exempt": draw(st.booleans())} if draw(st.booleans()) else {}
    return {"at_most": draw(st.integers(0, 3)), "per": per, **named, **more}


@st.composite
def quiet(draw: st.DrawFn) -> dict[str, Any]:
    start, length = draw(st.integers(0, 23)), draw(st.integers(1, 12))
    return {"from": f"{start:02}:00", "to": f"{(start + length) % 24:02}:30", "then": draw(st.sampled_from(("defer", "advance", "drop")))}


@st.composite
def plans(draw: st.DrawFn) -> ContactPlan:
    return ContactPlan.read(
        {
            "id": "contact",
            "priority": list(PRIORITY),
            "send_at": draw(st.sampled_from(("10:00", "00:00", "02:30", "21:30"))),
            "caps": draw(st.lists(caps(), max_size=3)),
            "quiet_hours": {"all": draw(st.lists(quiet(), max_size=2))},
            "working_days_only": draw(st.sampled_from(([], ["phone"]))),
            "blackout": draw(st.sampled_from(([], [{"days": ["2026-04-29"], "then": "drop"}], [{"days_off": True, "purposes": ["marketing"]}]))),
            "greeting_day": draw(st.sampled_from(("as_usual", "no_marketing"))),
            "minimum_gap": draw(st.sampled_from(("0 minutes", "30 minutes", "4 hours"))),
            "merge": draw(st.booleans()),
        }
    )


@st.composite
def candidates(draw: st.DrawFn, number: int) -> Candidate:
    day = START + timedelta(days=draw(st.integers(0, DAYS - 1)))
    last = draw(st.sampled_from((0, 0, 2, 9, None)))
    terms = Contacting(
        draw(st.sampled_from(("service", "greeting", "marketing"))),
        (draw(st.sampled_from(CHANNELS)),),
        draw(st.integers(0, 1)),
        tags=draw(st.sampled_from(((), ("promo",)))),
        obeys=draw(st.sampled_from((True, True, False))),
    )
    return Candidate(
        f"t{number}", str(number), day, day + timedelta(days=last) if last is not None else None, draw(st.sampled_from(PRIORITY)), "x", terms
    )


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    asked = tuple(draw(candidates(number)) for number in range(draw(st.integers(1, 8))))
    days = [START - timedelta(days=draw(st.integers(0, 8))) for _ in range(draw(st.integers(0, 3)))]
    made = tuple(Touch(day, draw(st.sampled_from(CHANNELS)), draw(st.sampled_from(PRIORITY)), "marketing", ("promo",)) for day in days)
    return Asked(draw(plans()), asked, made, ZoneInfo(draw(st.sampled_from(("Asia/Shanghai", "America/New_York", "Africa/Cairo")))))


def arranged(asked: Asked) -> list[Placed]:
    consent = dict.fromkeys(CHANNELS, "marketing")
    who = Person("c", asked.zone, {}, consent, False, frozenset(), None)
    rules: defaultdict[date, ContactPlan] = defaultdict(lambda: asked.plan)
    return Desk(rules, lambda candidate, day: who, asked.made, WORKING, (START, END)).arrange(asked.candidates)


def minute(at: datetime | None, zone: ZoneInfo) -> int:
    assert at is not None
    local = at.astimezone(zone)
    return local.hour * 60 + local.minute


@given(questions())
def test_everything_that_is_asked_for_has_one_end(asked: Asked) -> None:
    placed = arranged(asked)
    ends = Counter(each.candidate.trigger for each in placed if each.outcome != "defer" or each.until == END + timedelta(days=1))
    assert ends == Counter(each.trigger for each in asked.candidates)
    sent = {each.candidate.trigger: each for each in placed if each.outcome in GOES}
    for each in placed:
        if each.outcome == "defer" and each.candidate.trigger in sent:
            assert each.until == sent[each.candidate.trigger].day
    assert all(each.candidate.last_day is None or each.day <= each.candidate.last_day for each in sent.values())
    assert all(each.day == each.at.astimezone(asked.zone).date() for each in sent.values() if each.at is not None)


@given(questions())
def test_nothing_goes_out_at_a_time_or_on_a_day_that_is_closed(asked: Asked) -> None:
    for each in arranged(asked):
        if each.outcome not in GOES:
            continue
        assert not any(window.holds(minute(each.at, asked.zone)) for window in asked.plan.quiet(each.channel))
        assert each.channel not in asked.plan.working_days_only or WORKING.is_working(each.day) is True
        for blackout in asked.plan.blackout:
            assert each.candidate.terms.purpose not in blackout.purposes or not blackout.holds(each.day, WORKING)


@given(questions())
def test_no_window_of_a_cap_holds_more_than_it_may_when_something_goes_out_that_obeys_it(asked: Asked) -> None:
    sent = [each for each in arranged(asked) if each.outcome in GOES]
    touches = [(Touch(each.day, each.channel, each.candidate.category, *_of(each)), each.candidate.terms.obeys) for each in sent]
    for cap in asked.plan.caps:
        every = [*asked.made, *(touch for touch, _ in touches)]
        for touch, obeys in touches:
            if not obeys or not cap.obeyed(touch):
                continue
            for first, last in cap.per.windows(touch.day):
                inside = [other for other in every if first <= other.day <= last and cap.about(other) and _counts(cap, other)]
                others = [other for other in inside if other is not touch]
                assert len(others) < cap.at_most or not cap.counted(touch) or _later_counted(cap, others)


def _of(each: Placed) -> tuple[Any, ...]:
    terms = each.candidate.terms
    return terms.purpose, terms.tags, terms.obeys, terms.counted and terms.obeys


def _counts(cap: Any, touch: Touch) -> bool:
    return bool(cap.counted(touch))


def _later_counted(cap: Any, others: list[Touch]) -> bool:
    """Whether some of the others do not obey the cap and may have come on top."""
    return any(not cap.obeyed(other) for other in others)


@given(questions())
def test_what_has_priority_is_not_held_back_by_what_has_not(asked: Asked) -> None:
    """Of what is asked for last in order nothing is seen by the rest, but for the silence of a day of greetings and merging."""
    plan = asked.plan.model_copy(update={"greeting_day": "as_usual"})
    order = sorted(asked.candidates, key=lambda each: (plan.rank(each.category), -each.terms.weight, each.last_day or date.max, each.trigger))
    whole = arranged(asked._replace(plan=plan))
    without = arranged(asked._replace(plan=plan, candidates=tuple(order[:-1])))
    assert [each for each in whole if each.candidate.trigger != order[-1].trigger] == without


@given(questions())
def test_the_order_in_which_contacts_are_asked_for_makes_no_difference(asked: Asked) -> None:
    assert arranged(asked) == arranged(asked._replace(candidates=asked.candidates[::-1]))


@given(questions())
def test_the_gap_is_kept_between_all_that_is_not_of_service(asked: Asked) -> None:
    gap = asked.plan.minimum_gap
    assert gap is not None
    times = sorted(each.at for each in arranged(asked) if each.at is not None and each.candidate.terms.purpose != "service")
    assert all(later - earlier >= gap.delta for earlier, later in pairwise(times))
