"""What can be read of a customer after a step, by the names that scenarios use; and comparing it with what is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from custrules.calendars import ONE_DAY, end_of_day, local_day, start_of_day
from custrules.explaining import Compared, Rule
from custrules.fields import plain, rate_text, read_instant, read_rate
from custrules.moment import Moment
from custrules.money import Money, Rounding, rounded
from custrules.policy import Policy
from custrules.program import Program
from custrules.state import State
from custrules.state_parts import StatusValue
from custrules.testing.scenario_run import Answer
from custrules.views import Days, StepView

BUCKETS = ("pending", "held", "owed")
VALUE_BUCKETS = ("principal", "bonus", "held", "owed")
NONE, ABSENT = "none", "absent"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Expected one thing, got another; ``delta`` where both are numbers."""

    expected: str
    got: str
    delta: str = ""


class Names:
    """What can be read of a customer in one program: accounts, statuses, measures and what tables give."""

    program: Program
    accounts: tuple[str, ...]
    aliases: tuple[str, ...]
    own_stores: tuple[str, ...]
    stores: tuple[str, ...]
    measures: tuple[str, ...]
    statuses: tuple[str, ...]

    def __init__(self, program: Program) -> None:
        rules = program.rulebook
        self.program, self.accounts = program, tuple(rules.accounts)
        self.aliases = (*self.accounts, *(("points",) if self.accounts and "points" not in self.accounts else ()))
        self.own_stores = tuple(store.name for store in rules.stores.values() if store.form != "period")
        self.stores = (*self.own_stores, *(alias for alias, name in rules.first.items() if name in self.own_stores))
        self.measures = (*rules.parts.measures, *rules.parts.declared.readings)
        self.statuses = tuple(dict.fromkeys(name for policy in program.policies for name in policy.writes()))

    def is_account(self, name: str) -> bool:
        head, dot, bucket = name.partition(".")
        if head in self.stores:
            return not dot or bucket in VALUE_BUCKETS
        return head in self.aliases and (not dot or bucket in BUCKETS)

    def below(self, account: str) -> list[str]:
        """An account and its buckets; a bucket is by itself."""
        if "." in account:
            return [account]
        return [account, *(f"{account}.{bucket}" for bucket in (VALUE_BUCKETS if account in self.stores else BUCKETS))]

    def is_measure(self, name: str) -> bool:
        head, _, rest = name.partition(".")
        return head == "measure" and rest in self.measures

    def is_output(self, name: str) -> bool:
        """Whether this is the output of a table, ``desk.owner``."""
        return name in self.program.rulebook.tables.facts

    def is_status(self, name: str) -> bool:
        return bool(_status_names(name, self.statuses))

    def is_next(self, name: str) -> bool:
        """Whether this is the day on which a policy would next ask for a contact, ``follow-up.next``."""
        return name in self.nexts

    @property
    def nexts(self) -> list[str]:
        asking = (policy for policy in self.program.policies if type(policy).next_ask is not Policy.next_ask)
        return list(dict.fromkeys(f"{policy.id}.next" for policy in asking))

    @property
    def all(self) -> list[str]:
        accounts = [*self.aliases, *self.stores]
        buckets = [bucket for name in accounts for bucket in self.below(name)[1:]]
        return [
            *accounts,
            *buckets,
            *self.statuses,
            *self.nexts,
            *(f"measure.{name}" for name in self.measures),
            *self.program.rulebook.tables.facts,
        ]

    # -- reading ---------------------------------------------------------------------------------------------------

    def balance(self, state: State, name: str) -> Any:
        """What can be spent of an account, or what one of its buckets holds."""
        return state.balance(name) if "." in name or name in self.stores else state.points(name).available

    def measure(self, state: State, name: str) -> Any:
        """A measure, or what a table gives, as of the state's day: money as Money (an average half up), numbers exact; None where it is missing."""
        rules = self.program.rulebook
        if state.day is None:
            return None
        value = Moment(rules, state, state.day).value(name)
        if isinstance(value, int | Fraction) and rules.types[name].kind == "money":
            return Money.from_minor(rounded(Fraction(value), Rounding.half_up), rules.currency)
        return value

    def next_ask(self, state: State, name: str) -> date | None:
        """The day on which a policy would next ask for a contact, as things stand."""
        rules = self.program.rulebook
        if state.day is None or state.as_of is None:
            return None
        policy = rules.in_force(name.removesuffix(".next"), state.day)
        if policy is None:
            return None
        return policy.next_ask(StepView(rules, state, None, Days(state.day, state.day, state.as_of), policy))

    # -- why -------------------------------------------------------------------------------------------------------

    def explained(self, status: str, answer: Answer) -> tuple[str, ...]:
        """What a failure about a status is explained by: the conditions that its writer tested in this step, then the measures it reads."""
        writers = [policy for policy in self.program.policies if status in policy.writes()]
        measures = {name for policy in writers for name in policy.reads() if name in self.measures}
        facts = [f"measure.{name} = {shown(self.measure(answer.shown, name))}" for name in sorted(measures)]
        return (*self._traced({policy.id for policy in writers}, answer), *facts)

    def _traced(self, writers: set[str], answer: Answer) -> Iterator[str]:
        for state, event in answer.asked:
            entries = self.program.explain(state, event).entries
            for tested in (rule for entry in entries if entry.policy_id in writers for rule in entry.tested):
                for leaf in _leaves(tested.tree):
                    yield f"{tested.rule} on {tested.day}: {leaf.fact} {leaf.cell}: {shown(leaf.observed)} -> {shown(leaf.result)}"


def _leaves(tree: Rule) -> Iterator[Compared]:
    if isinstance(tree, Compared):
        yield tree
    else:
        for child in tree.children:
            yield from _leaves(child)


def _status_names(name: str, known: Iterable[str]) -> list[str]:
    """The names of statuses with which a name begins."""
    return [status for status in known if name == status or name.startswith(f"{status}.")]


def status_part(state: State, name: str) -> tuple[StatusValue | None, str]:
    """``tier``, ``tier.until``, ``tier.watch.until``, ``complaint.c1``, ``complaint.c1.resolve_by``, ``churn.inactivity.days``: the status that
    is meant, and the field of it. Names of statuses may have dots themselves; the longest that is there is meant."""
    status = max(_status_names(name, {known for known, _ in state.statuses}), key=len, default=name.partition(".")[0])
    rest = name.removeprefix(status).removeprefix(".").split(".") if name != status else []
    subject, field = "", ""
    if rest and (rest in (["since"], ["until"]) or (status, rest[0]) not in state.statuses):
        field = ".".join(rest)
    elif rest:
        subject, field = rest[0], ".".join(rest[1:])
    return state.statuses.get((status, subject)), field


# -- comparing ---------------------------------------------------------------------------------------------------------


def number(value: object) -> Fraction | None:
    """The exact number that a value is or is written as; of money its amount; None for anything else."""
    if isinstance(value, Money):
        return Fraction(value.amount)
    if isinstance(value, bool) or not isinstance(value, int | Decimal | Fraction | str):
        return None
    try:
        text = value.removeprefix("-") if isinstance(value, str) else value
        found = read_rate(text)
    except PydanticCustomError:
        return None
    return -found if isinstance(value, str) and value.startswith("-") else found


def shown(value: object) -> str:
    """A value as a person writes it in a scenario."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return plain(value.amount)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Fraction):
        return rate_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def compared(expected: str, got: object) -> Mismatch | None:
    """Numbers by their value, everything else by its text; an amount that was kept as text with its currency, as an amount."""
    if expected == shown(got):
        return None
    wanted = number(expected)
    found = number(_amount_in(got))
    if wanted is None or found is None:
        return Mismatch(expected, shown(got))
    return None if wanted == found else Mismatch(expected, shown(got), signed(found - wanted))


def same_moment(expected: str, got: object, zone: ZoneInfo) -> bool:
    """Whether a day or a local time is written for an instant that is kept, or an end of a day for the day."""
    try:
        wanted = datetime.fromisoformat(expected) if len(expected) > len("2026-03-31") else date.fromisoformat(expected)
        kept = read_instant(got) if isinstance(got, str) and got.endswith("Z") else date.fromisoformat(str(got))
    except (PydanticCustomError, ValueError):
        return False
    if not isinstance(wanted, datetime):
        return isinstance(kept, datetime) and local_day(kept, zone) == wanted
    at = wanted if wanted.tzinfo is not None else wanted.replace(tzinfo=zone)
    return at == kept if isinstance(kept, datetime) else at in (end_of_day(kept, zone), start_of_day(kept + ONE_DAY, zone))


def _amount_in(got: object) -> object:
    """The amount of a text such as ``12.50 CNY``."""
    head, gap, currency = got.partition(" ") if isinstance(got, str) else ("", "", "")
    return head if gap and len(currency) == 3 and currency.isupper() else got


def signed(delta: Fraction) -> str:
    return f"+{rate_text(delta)}" if delta > 0 else rate_text(delta)
