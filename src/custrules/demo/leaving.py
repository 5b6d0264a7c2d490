"""Who of the gift shop's customers is at risk on the last day, and why: another program over the same transactions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from custrules.cli.output import Output
from custrules.cli.passing import end_of
from custrules.demo.figures import HERE, LAST_DAY
from custrules.demo.telling import in_language
from custrules.events import AnyEvent
from custrules.messages.columns import grouped, table
from custrules.moment import Moment
from custrules.money import Money
from custrules.policies.churn import Flag
from custrules.policy import Decision, Reason
from custrules.program import Program, load
from custrules.replaying import replay
from custrules.state import State

AT_RISK = "at-risk.program.yaml"
SHOWN = 3  # customers, those who spent most


@dataclass(frozen=True, slots=True)
class Leaver:
    """A customer who is flagged on the last day: at which level, since when, what was spent in two years, and the signals that fired."""

    customer_id: str
    level: str
    since: date
    spent: Money
    why: tuple[Reason, ...]

    def to_data(self) -> dict[str, Any]:
        why = [reason.to_data() for reason in self.why]
        return {"customer_id": self.customer_id, "level": self.level, "since": self.since, "spent": self.spent, "why": why}


@dataclass(frozen=True, slots=True)
class Leaving:
    """How many customers there are, how many of them at which level, those flagged who spent most, and everybody's state on the last day."""

    customers: int
    levels: dict[str, int]
    most: tuple[Leaver, ...]
    states: tuple[State, ...]

    def to_data(self) -> dict[str, Any]:
        return {"customers": self.customers, "levels": self.levels, "most": [one.to_data() for one in self.most]}


def at_risk_program() -> Program:
    return load(str(HERE.joinpath(AT_RISK)))


def leaving(program: Program, events: Iterable[AnyEvent], last_day: date = LAST_DAY) -> Leaving:
    """One pass: the flag of every customer on the last day, with the reasons of its last change."""
    told: dict[str, Decision] = {}
    states: list[State] = []
    for customer_id, _, decisions in replay(program, events, end_of(last_day.isoformat(), program.zone), states.append):
        for decision in decisions:
            if not set(decision.codes).isdisjoint(_CHANGES):
                told[customer_id] = decision
    (flag,) = (policy for policy in program.policies if isinstance(policy, Flag))
    found = [one for state in states if (one := _leaver(program, flag, state, told)) is not None]
    levels = {name: sum(one.level == name for one in found) for name in reversed(flag.names)}
    most = sorted(found, key=lambda one: (-one.spent.minor, one.customer_id))[:SHOWN]
    return Leaving(len(states), levels, tuple(most), tuple(states))


_CHANGES = frozenset(("churn.flag.raised", "churn.flag.rose", "churn.flag.eased", "churn.flag.causes"))


def _leaver(program: Program, flag: Flag, state: State, told: dict[str, Decision]) -> Leaver | None:
    held = state.statuses.get((flag.status, ""))
    if held is None or held.value is None or state.day is None:
        return None
    spent = Moment(program.rulebook, state, state.day).value("spend_24m")
    fired = tuple(why for why in told[state.customer_id].reasons if "signal" in why.params and why.code != "churn.signal.not_evaluable")
    return Leaver(state.customer_id, str(held.value), held.since, Money.from_minor(spent if isinstance(spent, int) else 0, program.currency), fired)


def told_of(output: Output, program: Program, found: Leaving) -> Iterator[str]:
    """How many are at risk, and of those who spent most, why."""
    (flag,) = (policy for policy in program.policies if isinstance(policy, Flag))
    titles = {level.name: in_language(level.title, output.lang) for level in flag.levels}
    yield output.heading(output.say("demo_leaving", file=AT_RISK))
    counts = ", ".join(f"{titles[name]} {grouped(count)}" for name, count in found.levels.items())
    yield "  " + output.say("demo_leaving_counts", counts=counts, customers=grouped(found.customers))
    for one in found.most:
        yield from table([[one.customer_id, titles[one.level], one.since.isoformat(), f"{grouped(one.spent.amount)} {one.spent.currency}"]])
        yield from (f"    {output.render(why)}" for why in one.why)
