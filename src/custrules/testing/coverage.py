"""Which rules of a program fired while scenarios were played, and which never did, with their places in the document.

A rule is a policy's version, a condition in it, or a row that has no condition of its own: a level, a rate by level, a cap, a
limit, an expiry, a row of a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path as FilePath
from typing import Any, Literal

from custrules.conditions import tables_in
from custrules.documents.reading import Reading, read
from custrules.documents.tables import Files
from custrules.fields import Frozen, rate_text
from custrules.policies.points import Account, Accrual, Redemption, Transfer
from custrules.policies.points.caps import Cap
from custrules.policies.points.debt import Debt
from custrules.policies.points.limits import Limit
from custrules.policies.points.rates import NO_LEVEL
from custrules.policies.tiers import Entitlements, Ladder
from custrules.policy import Decision, Policy, Reason, Status, conditions_in
from custrules.program import Program
from custrules.validation import path_text
from custrules.views import Answered, Watch

Why = Literal["not_asked", "not_held", "not_fired"]
Path = tuple[int | str, ...]
Rule = tuple[str, date, str]  # policy, version, place inside it

# What the rules of a kind without a condition are told by: the reason codes, any of which shows that one fired.
_TOLD_BY: Mapping[type[Policy], Mapping[str, tuple[str, ...]]] = {
    Redemption: {
        "minimum": ("points.redemption.below_minimum",),
        "maximum": ("points.redemption.above_maximum",),
        "step": ("points.redemption.not_a_step",),
        "max_share": ("points.redemption.over_share",),
        "hold": ("points.hold.until",),
    },
    Account: {
        "pending": ("points.pending.matured", "points.pending.cancelled"),
        "expiry": ("points.expiry.lapsed", "points.expiry.kept"),
        "decay": ("points.expiry.decayed",),
        "reinstatement": ("points.expiry.reinstated",),
        "grace": ("points.expiry.graced",),
        "debt": ("points.debt.from_refund", "points.debt.written_off"),
    },
    Transfer: {
        "send": ("points.transfer.sent",),
        "send.minimum": ("points.transfer.below_minimum",),
        "send.maximum": ("points.transfer.above_maximum",),
        "send.fee": ("points.transfer.fee",),
        "pool": ("points.transfer.pooled",),
        "sell": ("points.sale.bought",),
        "sell.minimum": ("points.sale.below_minimum",),
        "sell.maximum": ("points.sale.above_maximum",),
    },
    Ladder: {
        "term": ("tiers.review.kept", "tiers.review.floor", *(f"tiers.downgrade.{to}" for to in ("one_level", "to_earned", "best_of"))),
        "watch": ("tiers.watch.set",),
    },
}
_OVER_LIMITS = {
    "points.redemption.over_limit": "at_most",
    "points.redemption.over_money_limit": "money",
    "points.redemption.too_often": "times",
    "points.redemption.too_many": "quantity",
}
_OF_LEGACY = ("tiers.legacy.kept", "tiers.legacy.notice", "tiers.legacy.reviewed")
_BENEFITED = ("tiers.benefit.price", "tiers.benefit.used", "tiers.gift.given")
_OWED = Debt(then="owed")  # what happens to debt unless a document says otherwise: no rule of its own
_EARNED = ("points.accrual.spend", "points.accrual.event")
_CAPPED = ("points.accrual.capped", "points.accrual.capped_together")


@dataclass(frozen=True, slots=True)
class NeverFired:
    """A rule that never fired: ``rule`` is its place inside the policy ('' for the policy itself), ``line`` and ``column`` in ``source``,
    which is the document, or the file that a table was read from.

    ``why``: a condition was ``not_asked`` or ``not_held`` (asked, and never true), anything else ``not_fired``.
    """

    policy_id: str
    effective_from: date
    rule: str
    why: Why
    line: int = 0
    column: int = 0
    source: str = ""

    def to_data(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("policy_id", "effective_from", "rule", "why", "source", "line", "column")}


@dataclass(frozen=True, slots=True)
class Covered:
    """One document: how many rules it has, how many fired, and those that never did, in document order."""

    document: str
    program: str
    total: int
    never: tuple[NeverFired, ...]

    @property
    def fired(self) -> int:
        return self.total - len(self.never)

    def to_data(self) -> dict[str, Any]:
        head = {"document": self.document, "program": self.program, "total": self.total, "fired": self.fired}
        return head | {"never": [rule.to_data() for rule in self.never]}


@dataclass(slots=True)
class Seen:
    """What was seen of one program: conditions asked and held, and rules that fired."""

    program: Program
    asked: set[Rule] = field(default_factory=set)
    fired: set[Rule] = field(default_factory=set)
    tables: dict[int, tuple[Policy, Path]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bound_tables = self.program.rulebook.bound_tables
        owners = {id(table): (policy, path) for policy in self.program.policies for path, table in tables_in(policy)}
        self.tables = {id(bound): owners[table] for (table, _), bound in bound_tables.items()}

    def note(self, watch: Watch, decisions: list[Decision]) -> None:
        for answer in watch.answers:
            self._answered(answer)
        for test in watch.tests:
            self._tested((_written_in(test.policy_id), test.version, test.rule), test.trace.result)
        for line in watch.lines:
            self._tested((line.policy_id, line.version, line.rule), line.result)
        for decision in decisions:
            self._decided(decision)

    def _answered(self, answer: Answered) -> None:
        """Rows of a table: those that were looked at, and those that its answer is made of."""
        policy, path = self.tables[id(answer.bound)]
        for number in range(len(answer.rows)):
            self._tested((policy.id, policy.effective_from, path_text((*path, "rows", number))), number in answer.outcome.rows)
        if not path:
            self._fire(policy, "")

    def _tested(self, rule: Rule, result: bool) -> None:
        self.asked.add(rule)
        if result:
            self.fired.add(rule)

    def _decided(self, decision: Decision) -> None:
        versions = self.program.rulebook.versions.get(decision.policy_id, [])
        policy = next((version for version in versions if version.effective_from == decision.effective_from), None)
        if policy is None:
            return
        self._fire(policy, *_shown_by(policy, decision, self.program.rulebook.levels))
        self._of_accounts(decision)
        if decision.outcome == "APPLIED" and policy in self.program.policies:
            self._fire(policy, "")

    def _of_accounts(self, decision: Decision) -> None:
        """What other policies' decisions show of the accounts that they work on, in any of their versions."""
        for why in decision.reasons:
            for account in self.program.rulebook.versions.get(str(why.params.get("account")), []):
                self._fire(account, *(name for name, told_by in _TOLD_BY.get(type(account), {}).items() if why.code in told_by))

    def _fire(self, policy: Policy, *rules: str) -> None:
        self.fired |= {(_written_in(policy.id), policy.effective_from, rule) for rule in rules}

    def never(self, reading: Reading) -> tuple[int, tuple[NeverFired, ...]]:
        """How many rules there are, and those that never fired."""
        rules = [(policy, rule, is_condition) for policy in self.program.policies for rule, is_condition in rules_of(policy)]
        missing = [row for row in rules if (row[0].id, row[0].effective_from, path_text(row[1])) not in self.fired]
        found = (self._never(reading, *row) for row in missing)
        return len(rules), tuple(sorted(found, key=lambda rule: (rule.line, rule.column)))

    def _never(self, reading: Reading, policy: Policy, path: Path, is_condition: bool) -> NeverFired:
        rule = path_text(path)
        asked = (policy.id, policy.effective_from, rule) in self.asked
        why: Why = "not_fired" if not is_condition else "not_held" if asked else "not_asked"
        source, line, column = reading.where((*self.program.rulebook.places[id(policy)], *path))
        return NeverFired(policy.id, policy.effective_from, rule, why, line, column, source)


class Coverage:
    """Collects what scenarios show of the programs that they are played against, by document."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def note(self, document: str, program: Program, watch: Watch, decisions: list[Decision]) -> None:
        self._seen.setdefault(document, Seen(program)).note(watch, decisions)

    def covered(self) -> tuple[Covered, ...]:
        """One answer for each document, in the order in which they were met."""
        return tuple(self._covered(document, seen) for document, seen in self._seen.items())

    @staticmethod
    def _covered(document: str, seen: Seen) -> Covered:
        path = FilePath(document)
        if not path.is_file():
            return Covered(document, seen.program.id, *seen.never(read("{}", source=document)))
        files = Files(path.parent)
        reading = replace(read(path.read_bytes(), source=document), files=files)
        for name in _csv_files(reading.data):
            files(name)
        return Covered(document, seen.program.id, *seen.never(reading))


def _csv_files(data: Any) -> Iterator[str]:
    """The CSV files that a document's tables are read from; it was loaded, so they are there."""
    if isinstance(data, Mapping):
        yield from (value for name, value in data.items() if name == "csv" and isinstance(value, str))
    for item in data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ():
        yield from _csv_files(item)


def rules_of(policy: Policy) -> Iterator[tuple[Path, bool]]:
    """Every rule of a version by its place in it, and whether it is a condition; of a retired version none."""
    if policy.retired:
        return
    conditions: list[Path] = [path for path, _ in conditions_in(policy)]
    conditions += [(*path, "rows", number) for path, table in tables_in(policy) for number in range(len(table.rows))]
    others = [path for path in _rows(policy) if path not in conditions]
    yield (), False
    yield from ((path, path in conditions) for path in sorted([*conditions, *others], key=str))


def _rows(policy: Policy) -> Iterator[Path]:
    for name in _TOLD_BY.get(type(policy), {}):
        path = tuple(name.split("."))
        if _at(policy, path) not in (None, _OWED):
            yield path
    if isinstance(policy, Ladder):
        yield from (("levels", number) for number in range(len(policy.levels)))
        yield from (("bought", number) for number, row in enumerate(policy.bought) if row.when is None)
        yield from (("rollover", number) for number in range(len(policy.rollover)))
        yield from (("legacy",) for name in policy.model_fields_set if name == "legacy")
        told = [(rank, place, row) for rank, level in enumerate(policy.levels) for place, row in enumerate(level.benefits)]
        yield from (("levels", rank, "benefits", place) for rank, place, row in told if row.kind != "service")
    if isinstance(policy, Transfer):
        yield from (("send", "limits", number) for number in range(len(policy.send.limits if policy.send is not None else ())))
        yield from (("sell", "limits", number) for number in range(len(policy.sell.limits if policy.sell is not None else ())))
    if isinstance(policy, Accrual):
        yield from (("caps", number) for number in range(len(policy.caps)))
        yield from (("bonuses", number) for number, bonus in enumerate(policy.bonuses) if bonus.when is None)
        yield from ((name, level) for name, rates in _rates(policy) for level in rates)
    if isinstance(policy, Redemption):
        yield from (("rewards", number) for number in range(len(policy.rewards)))
        yield from (path for path, _ in _limits(policy))


def _limits(policy: Redemption) -> Iterator[tuple[Path, Limit]]:
    """The limits of a redemption and of its rewards, with their places."""
    yield from ((("limits", number), limit) for number, limit in enumerate(policy.limits))
    for place, reward in enumerate(policy.rewards):
        yield from ((("rewards", place, "limits", number), limit) for number, limit in enumerate(reward.limits))


def _at(policy: Policy, path: Sequence[str]) -> object:
    """What stands at a place inside a policy; None where nothing does."""
    found: object = policy
    for name in path:
        found = getattr(found, name, None)
    return found


def _rates(policy: Accrual) -> Iterator[tuple[str, Frozen]]:
    yield from ((name, rates) for name, rates in policy.rates().items() if isinstance(rates, Frozen))


def _shown_by(policy: Policy, decision: Decision, levels: tuple[str, ...]) -> Iterator[str]:
    """The rules without a condition that a decision shows to have fired."""
    codes = set(decision.codes)
    yield from (name for name, told_by in _TOLD_BY.get(type(policy), {}).items() if codes & set(told_by))
    if isinstance(policy, Ladder):
        values = {effect.value for effect in decision.effects if isinstance(effect, Status)}
        yield from (f"levels[{number}]" for number, name in enumerate(policy.names) if name in values)
        yield from (rule for why in decision.reasons for rule in _of_ladder(policy, why))
    if isinstance(policy, Transfer):
        yield from (rule for why in decision.reasons for rule in _of_transfer(policy, why))
    if isinstance(policy, Accrual):
        yield from (rule for why in decision.reasons for rule in _of_accrual(policy, why, levels))
    if isinstance(policy, Redemption):
        yield from (rule for why in decision.reasons for rule in _of_redemption(policy, why))
    if isinstance(policy, Ladder | Entitlements):
        yield from (rule for why in decision.reasons if why.code in _BENEFITED for rule in _of_benefit(policy, why))


def _of_redemption(policy: Redemption, why: Reason) -> Iterator[str]:
    if why.code == "points.redemption.reward":
        yield from (f"rewards[{number}]" for number, reward in enumerate(policy.rewards) if reward.name == why.params["reward"])
    measure = _OVER_LIMITS.get(why.code)
    yield from (path_text(path) for path, limit in _limits(policy) if (limit.measure, str(limit.per)) == (measure, why.params.get("per")))


def _of_transfer(policy: Transfer, why: Reason) -> Iterator[str]:
    """The limits of a period that a reason tells of."""
    part, field = {
        "points.transfer.over_limit": ("send", "at_most"),
        "points.transfer.too_often": ("send", "times"),
        "points.sale.over_limit": ("sell", "at_most"),
    }.get(why.code, ("", ""))
    limits = getattr(getattr(policy, part, None), "limits", ())
    told = (why.params.get(field), why.params.get("per"))
    yield from (f"{part}.limits[{number}]" for number, limit in enumerate(limits) if (getattr(limit, field), str(limit.per)) == told)


def _of_ladder(policy: Ladder, why: Reason) -> Iterator[str]:
    if why.code.startswith("tiers.bought."):
        told = why.params["by"], why.params["level"]
        yield from (f"bought[{number}]" for number, row in enumerate(policy.bought) if (row.event, row.level) == told)
    if why.code.startswith("tiers.rollover."):
        yield from (f"rollover[{number}]" for number, row in enumerate(policy.rollover) if row.measure == why.params["measure"])
    if why.code in _OF_LEGACY:
        yield "legacy"


def _of_benefit(policy: Ladder | Entitlements, why: Reason) -> Iterator[str]:
    for rank, level in enumerate(policy.levels):
        names = [benefit.name for benefit in level.benefits] if level.name == why.params["level"] else []
        yield from (f"levels[{rank}].benefits[{place}]" for place, name in enumerate(names) if name == why.params["benefit"])


def _written_in(policy_id: str) -> str:
    """The policy of the document that a policy stands beside; itself, for most."""
    return policy_id.partition(".")[0]


def _of_accrual(policy: Accrual, why: Reason, levels: tuple[str, ...]) -> Iterator[str]:
    if why.code in _CAPPED:
        yield from (f"caps[{number}]" for number, cap in enumerate(policy.caps) if _took(cap, why))
    if why.code in _EARNED:
        yield from (f"bonuses[{number}]" for number, bonus in enumerate(policy.bonuses) if bonus.when is None)
        yield from (f"{name}.{level}" for name, rates in _rates(policy) if (level := _rate_of(rates, why.params["level"], levels)) is not None)


def _took(cap: Cap, why: Reason) -> bool:
    """Whether it is this cap that took something of an award."""
    numbers = cap.at_most.values() if isinstance(cap.at_most, Frozen) else (cap.at_most,)
    named = why.params["per"] == str(cap.per) and why.params.get("group") == cap.group
    return named and why.params["at_most"] in [rate_text(number) for number in numbers]


def _rate_of(rates: Frozen, level: str | None, levels: tuple[str, ...]) -> str | None:
    """The level whose rate a customer of a level has: its own, or the next lower one's that is named."""
    if level is None:
        return NO_LEVEL if NO_LEVEL in rates else None
    upto = levels[: levels.index(level) + 1] if level in levels else ()
    return next((name for name in reversed(upto) if name in rates), None)
