"""The boundaries of a program as scenarios: just outside and just inside every mark that can be reached, and what value does.

What is expected is what the engine answers. It is written down for a person to confirm, and to notice when it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from custrules.assigning import Assigning
from custrules.calendars import ONE_DAY
from custrules.conditions import Bound, Leaf
from custrules.documents.writing import Flow
from custrules.policies.points import Account, Accrual, Redemption
from custrules.policies.tiers import Ladder
from custrules.policy import Policy, conditions_in
from custrules.program import Program
from custrules.rulebook import LINE_FIELDS
from custrules.testing.scenario_reach import NEEDED, Edge, Reach, Setting, clauses, edges
from custrules.testing.scenario_readings import shown
from custrules.testing.scenario_writing import Filled, Filler, Scenario
from custrules.validation import path_text

Say = Callable[..., str]


def boundaries(program: Program, say: Say) -> list[Scenario]:
    """Scenarios that pass as they are; ``say`` puts their names into words. Of each mark a pair, and only where the answers differ."""
    return list(_Boundaries(program, say).scenarios())


class _Boundaries:
    def __init__(self, program: Program, say: Say) -> None:
        self.program, self.say = program, say
        self.filler, self.reach = Filler(program), Reach(program)
        self.rules = program.rulebook
        self.names: set[str] = set()

    def scenarios(self) -> Iterator[Scenario]:
        for policy in self._in_force():
            if isinstance(policy, Ladder):
                yield from self._levels(policy)
            elif isinstance(policy, Accrual):
                yield from self._conditions(policy)
            elif isinstance(policy, Redemption):
                yield from self._redemptions(policy)
            elif isinstance(policy, Account):
                yield from self._expiry(policy)
            elif isinstance(policy, Assigning):
                yield from self._assigned(policy)
        yield from self._return()

    def _in_force(self) -> list[Policy]:
        phases = self.rules.phases(self.reach.start)
        found = [policy for phase in phases.values() for policy in phase if not policy.retired]
        return sorted(found, key=lambda policy: list(self.rules.versions).index(policy.id))

    # -- writing ---------------------------------------------------------------------------------------------------

    def _filled(self, name: str, given: list[Flow], whens: list[Flow], profile: dict[str, str], tag: str) -> Filled | None:
        scenario: Scenario = {"name": self._free(name), "tags": ["boundary", tag]}
        scenario |= {"customer": Flow(profile)} if profile else {}
        scenario |= {"given": given} if given else {}
        return self.filler.filled({**scenario, "steps": [{"when": when} for when in whens]})

    def _free(self, name: str) -> str:
        """A name that no other scenario of the file has."""
        number, free = 1, name
        while free in self.names:
            number += 1
            free = f"{name} ({number})"
        return free

    def _kept(self, *filled: Filled) -> Iterator[Scenario]:
        for one in filled:
            self.names.add(one.scenario["name"])
            yield one.scenario

    def _pair(self, name: str, edge: Edge, make: Callable[[str, Any], Filled | None]) -> Iterator[Scenario]:
        """Both sides of an edge, where they come out differently."""
        sides = (make(self._side(name, edge, inside=False), edge.outside), make(self._side(name, edge, inside=True), edge.inside))
        outside, inside = sides
        if inside is not None and outside is not None and self._told(inside) != self._told(outside):
            yield from self._kept(outside, inside)

    def _side(self, name: str, edge: Edge, inside: bool) -> str:
        told = {"name": name, "fact": edge.leaf.fact, "cell": edge.leaf.cell, "value": self._value(edge, inside)}
        word = "inside" if inside else "outside" if edge.outside is not None else "otherwise"
        return self.say(f"boundary_{word}", **told)

    def _value(self, edge: Edge, inside: bool) -> str:
        value = edge.inside if inside else edge.outside
        if edge.leaf.type.kind == "money" and isinstance(value, int):
            return self.reach.money(value)
        if edge.leaf.type.kind == "level" and isinstance(value, int):
            return edge.leaf.type.values[value] if 0 <= value < len(edge.leaf.type.values) else "-"
        return shown(value) if value is not None else "-"

    @staticmethod
    def _told(filled: Filled) -> tuple[Any, ...]:
        return tuple(step.get("then") for step in filled.scenario["steps"][-1:])

    # -- levels ----------------------------------------------------------------------------------------------------

    def _levels(self, ladder: Ladder) -> Iterator[Scenario]:
        for level in ladder.levels:
            for field, condition in (("enter", level.enter), ("keep", level.keep)):
                if condition is None:
                    continue
                make = self._entering if field == "enter" else self._keeping
                name = self.say(f"boundary_{field}", level=level.name, policy=ladder.id)
                for clause, edge in _marks(self.rules.bound[id(condition), None]):
                    yield from self._pair(name, edge, partial(make, ladder, level.name, clause, edge))
        for number, row in enumerate(ladder.exclude):
            name = self.say("boundary_rule", policy=ladder.id, rule=f"exclude[{number}].when")
            for clause, edge in _marks(self.rules.bound[id(row.when), None]):
                yield from self._pair(name, edge, partial(self._as_it_ends, "tier", clause, edge))

    def _assigned(self, policy: Assigning) -> Iterator[Scenario]:
        """Bands and stages: both sides of every mark of theirs, as the customer is at the end of the day."""
        for path, condition in conditions_in(policy):
            name = self.say("boundary_rule", policy=policy.id, rule=path_text(path))
            for clause, edge in _marks(self.rules.bound[id(condition), None]):
                yield from self._pair(name, edge, partial(self._as_it_ends, policy.kind.partition(".")[0], clause, edge))

    def _as_it_ends(self, tag: str, clause: tuple[Leaf, ...], edge: Edge, name: str, value: Any) -> Filled | None:
        setting = self._setting(clause, edge, value)
        if setting is None:
            return None
        end = Flow({"day_end": setting.day.isoformat()})
        return self._filled(name, self.reach.events(setting), [end], setting.profile, tag)

    def _entering(self, ladder: Ladder, level: str, clause: tuple[Leaf, ...], edge: Edge, name: str, value: Any) -> Filled | None:
        setting = self._setting(clause, edge, value)
        if setting is None:
            return None
        rows = self.reach.events(setting)
        end = self._end(ladder, setting, bool(rows))
        given, last = (rows, []) if end else (rows[:-1], rows[-1:])
        filled = self._filled(name, given, [*last, *end], setting.profile, "tier")
        return filled if filled is not None and (value != edge.inside or self._held(filled, ladder) == level) else None

    @staticmethod
    def _end(ladder: Ladder, setting: Setting, something_happens: bool) -> list[Flow]:
        """The day on which the level is decided, where that is not the last event's instant."""
        if ladder.review is not None:
            return [Flow({"day_end": ladder.review.after(setting.day).isoformat()})]
        if setting.points:  # levels are asked before an account takes up what is given by hand: they see it as the next day opens
            return [Flow({"day_end": (setting.day + ONE_DAY).isoformat()})]
        return [] if something_happens else [Flow({"day_end": setting.day.isoformat()})]

    def _held(self, filled: Filled, ladder: Ladder) -> str | None:
        held = filled.state.statuses.get((ladder.status, ""))
        return str(held.value) if held is not None and held.value is not None else None

    def _keeping(self, ladder: Ladder, level: str, clause: tuple[Leaf, ...], edge: Edge, name: str, value: Any) -> Filled | None:
        """The level is given by hand for a day of its own term, and what keeps it is done on the term's last day."""
        setting = self._setting(clause, edge, value)
        if setting is None or ladder.term is None or setting.day != self.reach.start:
            return None
        last = ladder.term.last_day(setting.day)
        fields = {"level": level, "until": last.isoformat(), "reason": "boundary", **({"status": ladder.status} if ladder.status != "tier" else {})}
        grant = Flow({"tier_grant": Flow(at=setting.day.isoformat(), **fields)})
        rows = [grant, *self.reach.events(setting, last)]
        ends = [Flow({"day_end": day.isoformat()}) for day in (last, last + ONE_DAY)]
        filled = self._filled(name, rows, ends, setting.profile, "tier")
        return filled if filled is not None and (value != edge.inside or self._held(filled, ladder) == level) else None

    def _setting(self, clause: tuple[Leaf, ...], edge: Edge, value: Any) -> Setting | None:
        """The other cells of a clause inside their first edge, this one at a value."""
        firsts = [(leaf, next(edges(leaf), None)) for leaf in clause if leaf is not edge.leaf]
        if any(first is None for _, first in firsts):
            return None
        setting = self.reach.setting([*((leaf, first.inside) for leaf, first in firsts if first is not None), (edge.leaf, value)])
        if setting is not None and value is None and setting.day == self.reach.start:
            inside = self.reach.setting([(edge.leaf, edge.inside)])
            setting.day = inside.day - ONE_DAY if inside is not None and inside.day != self.reach.start else setting.day
        return setting

    # -- accrual ---------------------------------------------------------------------------------------------------

    def _conditions(self, accrual: Accrual) -> Iterator[Scenario]:
        for path, condition in conditions_in(accrual):
            bound = self.rules.bound[id(condition), self.rules.scopes[id(accrual)]]
            name = self.say("boundary_rule", policy=accrual.id, rule=path_text(path))
            lines = any(part in LINE_FIELDS for part in path)
            for clause, edge in _marks(bound):
                make = self._of_lines if lines else self._earning
                yield from self._pair(name, edge, partial(make, accrual, clause, edge))

    def _earning(self, accrual: Accrual, clause: tuple[Leaf, ...], edge: Edge, name: str, value: Any) -> Filled | None:
        setting = self._setting(clause, edge, value)
        if setting is None or (accrual.event != "purchase" and setting.amount is not None):
            return None
        amount = self.reach.money(setting.amount if setting.amount is not None else 100 * 10**self.rules.scale)
        fields = {"amount": amount} if accrual.event == "purchase" else NEEDED.get(accrual.event, {})
        when = Flow({accrual.event: Flow(at=setting.day.isoformat(), **fields)})
        return self._filled(name, self.reach.events(setting), [when], setting.profile, "points")

    def _of_lines(self, accrual: Accrual, clause: tuple[Leaf, ...], edge: Edge, name: str, value: Any) -> Filled | None:
        """One line that fits, or does not, by its sku or category."""
        if len(clause) != 1 or edge.leaf.fact not in ("sku", "category"):
            return None
        line = Flow({**({edge.leaf.fact: shown(value)} if value is not None else {}), "amount": self.reach.money(100 * 10**self.rules.scale)})
        return self._filled(name, [], [Flow({"purchase": Flow(at=self.reach.start.isoformat(), lines=[line])})], {}, "points")

    # -- value -----------------------------------------------------------------------------------------------------

    def _redemptions(self, redemption: Redemption) -> Iterator[Scenario]:
        """The least that can be redeemed, one step less, more than there is, and what is no step."""
        if redemption.value is None:
            return
        one = Decimal(1)
        step = redemption.step or one
        least = max(redemption.minimum or one, step, redemption.value.points)
        least += (step - least % step) % step
        rows = [("first", least, least), ("below", least, least - step), ("more", least, least + step)]
        rows += [("uneven", 2 * least, least + one)] if step > one else []
        rows += [("above", redemption.maximum + step, redemption.maximum + step)] if isinstance(redemption.maximum, Decimal) else []
        for key, held, asked in rows:
            name = self.say(f"boundary_redeem_{key}", policy=redemption.id, points=shown(asked))
            filled = self._redeemed(redemption, name, held, asked) if asked > 0 else None
            yield from self._kept(filled) if filled is not None else ()

    def _redeemed(self, redemption: Redemption, name: str, held: Decimal, asked: Decimal) -> Filled | None:
        at, account = self.reach.start.isoformat(), self.rules.resolve(redemption.account)
        own = {} if account == self.rules.resolve("points") else {"account": account}
        given = Flow({"adjustment": Flow(at=at, account=account, quantity=shown(held), reason="boundary")})
        return self._filled(name, [given], [Flow({"redemption": Flow(at=at, points=shown(asked), **own)})], {}, "redemption")

    def _expiry(self, account: Account) -> Iterator[Scenario]:
        """Points given by hand on a day: their last usable day, and the day after it."""
        last = account.given_until(self.reach.start)
        if last is None:
            return
        given = Flow({"adjustment": Flow(at=self.reach.start.isoformat(), account=account.id, quantity="100", reason="boundary")})
        ends = [Flow({"day_end": day.isoformat()}) for day in (last, last + ONE_DAY)]
        filled = self._filled(self.say("boundary_expiry", policy=account.id, last=last.isoformat()), [given], ends, {}, "expiry")
        yield from self._kept(filled) if filled is not None else ()

    def _return(self) -> Iterator[Scenario]:
        """A purchase of 100 and its return, in two parts."""
        at, later = self.reach.start, self.reach.start + ONE_DAY
        hundred, part = (self.reach.money(number * 10**self.rules.scale) for number in (100, 30))
        given = [Flow({"purchase": Flow(id="bought", at=at.isoformat(), amount=hundred)})]
        whens = [Flow({"return": Flow(at=later.isoformat(), of="bought", **amount)}) for amount in ({"amount": part}, {})]
        filled = self._filled(self.say("boundary_return"), given, whens, {}, "return")
        yield from self._kept(filled) if filled is not None else ()


def _marks(bound: Bound) -> Iterator[tuple[tuple[Leaf, ...], Edge]]:
    """Every edge of every cell, each once, with the way in which the cell matters."""
    seen: set[tuple[str, str, Any]] = set()
    for clause, leaf in ((each, leaf) for each in clauses(bound) for leaf in each):
        for edge in edges(leaf):
            key = leaf.fact, leaf.cell, edge.inside
            if key not in seen:
                seen.add(key)
                yield clause, edge
