"""Programs of care with every occasion and every rule of keeping a day, alone or in pairs, and what a customer may do in a year."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

import custrules as cr
from custrules.testing.value_strategies import Data

OCCASIONS: tuple[Any, ...] = (
    "birthday",
    {"anniversary": "joined"},
    {"anniversary": "joined", "every": "1 month"},
    {"anniversary": "first_purchase", "every": "10 days"},
    {"anniversary": "ends", "every": "2 months"},
    {"anniversary": "ends"},
    {"festival": ["spring_festival", "easter", "christmas", "qixi"]},
    {"solar_term": ["立春", "start_of_summer"]},
    {"date": ["2025-06-30", "2026-02-28"]},
    {"every": "payday"},
    {"every": "working"},
    {"after": "purchase", "by": ["1 day", "3 days", "1 month"]},
    {"after": "visit", "by": ["1 day", "10 days"], "again": "parallel", "stop": "return"},
    {"after": "purchase", "by": ["2 days", "7 days"], "again": "after_end", "stop": ["visit"]},
    {"after": "visit", "by": "3 days", "again": "never"},
    {"before": "points_expiry", "by": ["30 days", "3 days"]},
    {"before": "level_end", "by": ["1 month", "7 days"]},
    {"before": "birthday", "by": ["7 days", "1 month"]},
    {"before": "bonus_expiry", "by": ["14 days", "2 days"]},
    {"before": "ends", "by": ["60 days", "1 month", "1 day"]},
    {"absent": "purchase", "for": "10 days"},
    {"absent": "visit", "for": "1 month", "repeat": "10 days"},
    {"visit_every": {"silver": "20 days", "basic": "1 month"}, "since": "purchase"},
    {"visit_every": {"when": "spend", ">= 100": "10 days", "-": "30 days"}, "since": "contact"},
    {"visit_every": {"when": "stored_value", ">= 100": "5 days", "(0..100)": "15 days"}},
    {"reachable": "next_level", "within": "50%", "by": "60 days"},
    {"status": "tier", "rises_to": ">= silver"},
)
CONDITIONS: tuple[Data, ...] = (
    {"spend": ">= 100"},
    {"tier": ">= silver"},
    {"birthday_month": True},
    {"weekday": ["monday", "sunday"]},
    {"points": ">= 50"},
    {"idle": ">= 20"},
    {"stored_value": "> 0"},
    {"consent.sms": ["marketing", "greeting"]},
)
BORN: tuple[Any, ...] = ("1996-02-29", "1990-12-31", "1970-01-01", "2000-01-31", {"lunar": "1984-12-30"}, {"lunar": "1987-06-10", "leap": True})
SKIP, LEAP = ("backward", "forward", "omit"), ("leap_if_exists", "regular", "forward", "omit", "both")
LADDER = {
    "id": "levels",
    "kind": "tiers.ladder",
    "levels": [{"name": "basic"}, {"name": "silver", "enter": {"spend": ">= 100"}}, {"name": "gold", "enter": {"spend": ">= 500"}}],
    "term": {"length": "6 months"},
    "downgrade": "one_level",
}
POINTS = (
    {"id": "points", "kind": "points.account", "expiry": "3 months"},
    {"id": "earn", "kind": "points.accrual", "points_per_unit": 1, "rounding": "floor"},
)
CARD = (
    {"id": "card", "kind": "stored_value.account", "form": "amount", "bonus_expiry": "2 months"},
    {"id": "top-up", "kind": "stored_value.top_up", "ladder": [{"pay": "100.00", "give": "10.00"}], "mode": "highest"},
    {"id": "pay", "kind": "stored_value.spending", "order": "pro_rata"},
)
NEEDED = {"tier": [LADDER], "level": [LADDER], "silver": [LADDER], "points": POINTS, "stored_value": CARD, "bonus": CARD}


class CareCase(NamedTuple):
    program: cr.Program
    events: tuple[Data, ...]


@st.composite
def triggers(draw: st.DrawFn, name: str) -> Data:
    occasion = draw(st.sampled_from(OCCASIONS))
    told = {"birthday"} if occasion == "birthday" else set(occasion)
    options: Data = {"when": draw(st.sampled_from(CONDITIONS))} if draw(st.booleans()) else {}
    options |= {"validity": draw(st.sampled_from(("0 days", "5 days", "1 month")))} if draw(st.booleans()) else {}
    if not told & {"visit_every", "reachable"} and draw(st.booleans()):
        options |= {"grace": draw(st.sampled_from(("1 day", "3 days"))), "belated": "late"}
    if occasion == "birthday" or "birthday" in str(occasion):
        options |= {"lunar_leap": draw(st.sampled_from(LEAP)), "lunar_day30": draw(st.sampled_from(SKIP))}
        options |= {"feb29": draw(st.sampled_from(SKIP)), "calendar": draw(st.sampled_from(("as_given", "solar", "lunar")))}
    if "anniversary" in told:
        options |= {"day31": draw(st.sampled_from(SKIP))} if "month" in str(occasion) else {"feb29": draw(st.sampled_from(SKIP))}
    options |= {"group": "g"} if draw(st.booleans()) else {}
    fixed = {"category": "daily", "purpose": draw(st.sampled_from(("service", "greeting", "marketing"))), "channels": ["sms"], "template": name}
    return {"id": name, "kind": "care.trigger", "occasion": occasion, **fixed, **options}


@st.composite
def programs(draw: st.DrawFn) -> cr.Program:
    """Few policies beside the triggers: what else is due on a day would hide a day that a trigger forgot."""
    drawn = [draw(triggers("one"))]
    drawn += [draw(triggers("two"))] if draw(st.booleans()) else []
    drawn += [draw(triggers("one")) | {"effective_from": draw(st.sampled_from(("2025-06-01", "2026-01-01")))}] if draw(st.booleans()) else []
    beside = [policy for word, policies in NEEDED.items() if word in str(drawn) for policy in policies]
    return cr.Program(
        id="care",
        zone=draw(st.sampled_from(("Asia/Shanghai", "America/New_York"))),
        currency="CNY",
        profile={"birthday": {"type": "birthday"}, "ends": {"type": "date"}},
        calendar={"payday": {"day_of_month": 31}, "working": {"days": "CN"}},
        measures={"spend": {"sum": "spend", "window": "6 months"}, "idle": {"since": "purchase"}},
        policies=[*{policy["id"]: policy for policy in beside}.values(), *drawn],
    )


@st.composite
def happenings(draw: st.DrawFn, program: cr.Program, number: int) -> Data:
    kinds = ["purchase", "visit", "contact", "profile_update", "consent_update", *(["top_up"] if "card" in program.rulebook.versions else [])]
    kind = draw(st.sampled_from(kinds)) if number else "enrolment"
    more: dict[str, Data] = {
        "purchase": {"amount": draw(st.sampled_from(("30.00", "95.00", "450.00")))},
        "top_up": {"amount": "100.00"},
        "consent_update": {"consent": {"sms": draw(st.sampled_from(("marketing", "greeting", "none")))}},
        "contact": {"trigger": draw(st.sampled_from(("one", "two"))), "outcome": draw(st.sampled_from(("sent", "not_sent"))), "channel": "sms"},
    }
    if kind in ("enrolment", "profile_update"):
        ends = date(2024, 2, 29) + timedelta(days=draw(st.integers(0, 900)))
        more[kind] = {"profile": {"birthday": draw(st.sampled_from(BORN)), "ends": ends.isoformat()}}
    return {"type": kind, "id": f"e{number}", "customer_id": "c", **more.get(kind, {})}


@st.composite
def care_cases(draw: st.DrawFn) -> CareCase:
    """A program, and events in order from the beginning of 2025."""
    program, events = draw(programs()), []
    at = datetime(2025, 1, draw(st.integers(1, 28)), 9, tzinfo=program.zone)
    for number in range(draw(st.integers(1, 8))):
        events.append(draw(happenings(program, number)) | {"occurred_at": at.isoformat()})
        at += timedelta(days=draw(st.sampled_from((0, 1, 2, 5, 11, 29, 60, 120))), hours=draw(st.integers(1, 9)))
    return CareCase(program, tuple(events))
