"""Plans of contact: a plan of many customers out of an index, against asking each customer each day; and that both say the same.

``python -m tests.benchmarks.care_plan [CUSTOMERS] [DAYS]`` runs the comparison by brute force (3,000 customers, 400 days where it is not said).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from time import process_time

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))

import custrules as cr
from benchmarks.rounds import Row
from custrules.calendars import start_of_day

DOCUMENT = """
program: care
zone: Asia/Shanghai
currency: CNY
profile: {birthday: {type: birthday}}
policies:
  - {id: birthday, kind: care.trigger, occasion: birthday, category: birthday, purpose: service, channels: [sms], template: wish}
  - {id: years, kind: care.trigger, occasion: {anniversary: joined}, category: daily, purpose: service, channels: [sms], template: years}
  - {id: after, kind: care.trigger, occasion: {after: visit, by: [3 days, 30 days], again: restart}, category: daily, purpose: service,
     channels: [sms], template: after}
"""
START = date(2026, 3, 1)
CUSTOMERS, DAYS = 3_000, 400
Asked = tuple[str, str, date]  # customer, cycle and trigger, day


def customers(program: cr.Program, count: int, seed: int = 9) -> list[cr.State]:
    """Customers with solar and lunar birthdays who joined and came by in the last year."""
    random = Random(seed)
    return [_customer(program, f"c{number:06}", random) for number in range(count)]


def _customer(program: cr.Program, name: str, random: Random) -> cr.State:
    born = date(1950, 1, 1) + timedelta(days=random.randrange(20_000))
    lunar = {"lunar": f"{random.randrange(1950, 2004)}-{random.randrange(1, 13):02}-{random.randrange(1, 30):02}"}
    state, at = cr.State.new(name), datetime.fromisoformat("2025-06-01T02:00:00+00:00") + timedelta(days=random.randrange(200))
    for kind, more in (("enrolment", {"profile": {"birthday": lunar if random.random() < 0.3 else born.isoformat()}}), ("visit", {})):
        event = {"type": kind, "id": kind, "customer_id": name, "occurred_at": at.isoformat(), **more}
        state = program.step(state, program.event(event)).state
    return program.advance(state, to=start_of_day(START - timedelta(days=1), program.zone)).state


def planned(program: cr.Program, states: Iterable[cr.State] | cr.PlanIndex, days: int) -> set[Asked]:
    return {(item.customer_id, f"{item.trigger}:{item.cycle}", item.day) for item in cr.plan(program, states, START, days=days)}


def day_by_day(program: cr.Program, states: Iterable[cr.State], days: int) -> set[Asked]:
    """The same by asking each customer on each day."""
    found: set[Asked] = set()
    for given in states:
        state = given
        for number in range(days):
            step = program.advance(state, to=start_of_day(START + timedelta(days=number), program.zone))
            state = step.state
            for decision in step.decisions:
                asked = (effect for effect in decision.effects if isinstance(effect, cr.Touchpoint))
                found |= {(state.customer_id, f"{decision.policy_id}:{effect.cycle}", effect.day) for effect in asked}
    return found


def rows(count: int = 4_000) -> list[Row]:
    """A fortnight out of an index against a loop over customers and days; outputs are compared."""
    program = cr.loads(DOCUMENT)
    states = customers(program, count)
    planned(program, states[:200], 14)  # what is read once for all: zones, calendars, rules
    foreseen, plain = cr.PlanIndex(program, states, through=START + timedelta(days=13)), cr.PlanIndex(program, states)
    at_once, arranging = _timed(lambda: planned(program, foreseen, 14))
    looked, foreseeing = _timed(lambda: planned(program, plain, 14))
    each_day, looping = _timed(lambda: day_by_day(program, states, 14))
    assert at_once == looked == each_day
    what = f"care plan, {count:,} customers x 14 days after an index: times faster than a loop over customers and days"
    return [
        (f"{what}; time foreseen by the index", f"{looping / arranging:.0f}", ">= 1000"),
        (f"{what}; time foreseen by the plan", f"{looping / foreseeing:.0f}", ""),
    ]


def _timed(run: Callable[[], set[Asked]]) -> tuple[set[Asked], float]:
    begun = process_time()
    return run(), process_time() - begun


if __name__ == "__main__":
    count, span = (int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS), (int(sys.argv[2]) if len(sys.argv) > 2 else DAYS)
    rules = cr.loads(DOCUMENT)
    everybody = customers(rules, count)
    both = planned(rules, everybody, span), day_by_day(rules, everybody, span)
    assert both[0] == both[1], sorted(both[0] ^ both[1])[:10]
    print(f"{count} customers, {span} days: the same {len(both[0])} contacts")
