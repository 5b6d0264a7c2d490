"""What a policy is and what it sees: Policy, View, Fact. What it answers stands in ``decisions``, and is named here too."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar, cast, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from custrules.calendars import Length, Window
from custrules.calendars.windows import Years
from custrules.conditions import Bound, BoundTable, Trace
from custrules.conditions.hits import TableOutcome
from custrules.conditions.tables import Table, tables_in
from custrules.conditions.tree import Condition
from custrules.decisions import EFFECTS, Decision, Effect, Moved, Outcome, Posting, Reason, Signal, Status, Touchpoint, decided, reason
from custrules.draft import Draft
from custrules.errors import Diagnostic, FactsError
from custrules.evaluation import Answer
from custrules.events import AnyEvent, Event, Hold
from custrules.facts import FactType, FactValue
from custrules.fields import Day, Flag, Name, Title, read_name, wrong_type
from custrules.given import FactsCode
from custrules.ledger import LotOrder
from custrules.measures import Measure
from custrules.money import Money
from custrules.order_lines import OrderLine
from custrules.orders import Order, Record
from custrules.standing import Standing
from custrules.state import State
from custrules.validation import Loc, inside

Phase = Literal["pay", "earn", "rank", "lapse", "care"]
PHASES: tuple[Phase, ...] = get_args(Phase)
T = TypeVar("T")


class Fact(Generic[T]):
    """The name of a fact of type T, as a field of a policy: ``base: Fact[Money]``; ``view.fact(self.base)`` reads it.

    The loader checks that the program has a fact of that name and type.
    """

    __slots__ = ("kind", "name")
    KINDS: ClassVar[dict[Any, tuple[str, ...]]] = {
        Money: ("money",),
        int: ("whole",),
        Decimal: ("number", "whole"),
        Fraction: ("number", "whole"),
        str: ("text", "level"),
        bool: ("flag",),
        date: ("date",),
    }
    kind: type[T]
    name: str

    def __init__(self, name: str, kind: type[T]) -> None:
        self.name, self.kind = name, kind

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        (kind,) = get_args(source)

        def read(value: object) -> Fact[Any]:
            if isinstance(value, Fact):
                return value
            try:
                parts = str(value).split(".")
                return cls(".".join(read_name(part) for part in parts), kind)
            except PydanticCustomError:
                raise wrong_type("the name of a fact", value) from None

        return core_schema.no_info_plain_validator_function(read, serialization=core_schema.to_string_ser_schema(when_used="always"))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string"}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fact) and (self.name, self.kind) == (other.name, other.kind)

    def __hash__(self) -> int:
        return hash((self.name, self.kind))

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Fact({self.name!r})"


class View(ABC):
    """The read-only window of a policy on one customer inside one program, while one event is decided.

    ``day`` is the event's local day: it chooses versions, tally days and lot dates. ``settled`` is the local day up to
    which time is settled (later than ``day`` for an event that came late): it tells what is usable. ``instant`` is when
    the event is decided. ``order`` is the one that the event is, or follows up, as it stands now; ``before`` as it stood before a
    follow-up.
    """

    state: State
    event: AnyEvent
    day: date
    settled: date
    instant: datetime
    currency: str
    scale: int
    zone: ZoneInfo
    levels: tuple[str, ...]
    return_window: Length
    order: Order | None
    before: Order | None

    @property
    @abstractmethod
    def ledger(self) -> Draft:
        """A draft on the customer's ledger: ``credit`` and ``debit`` build the postings of this decision."""

    @abstractmethod
    def test(
        self,
        condition: Condition,
        on: date | None = None,
        *,
        complete: bool = False,
        level_since: date | None = None,
        given: Mapping[str, FactValue] | None = None,
    ) -> bool:
        """Whether a condition holds as of ``view.day``, or as of the end of another day.

        ``complete``: windows ``qualifying year`` are the last year that ended on or before that day, not the running one.
        ``level_since`` stands for the day since which the level is held, in windows ``since level``. ``given`` are values
        that stand in for facts.
        """

    def type_of(self, name: str) -> FactType | None:
        """The type of a fact; None where the program has none of that name."""
        return None

    @abstractmethod
    def outcome(self, table: Table, on: date | None = None) -> TableOutcome:
        """What a table of this policy answers as of ``view.day``, or as of the end of another day."""

    @abstractmethod
    def next_change(self, condition: Condition | Table, *, complete: bool = False) -> date | None:
        """The first local day after ``view.day`` on which a condition or table may change by time alone (may be early, never late)."""

    @abstractmethod
    def value(self, name: str, on: date | None = None, *, complete: bool = False) -> FactValue | None:
        """A fact by name as it is kept inside: money in smallest units, numbers exact; None where it is missing."""

    @abstractmethod
    def evaluable(self, condition: Condition, on: date, *, complete: bool = False, level_since: date | None = None) -> bool:
        """Whether every measure that a condition reads reaches back far enough as of a day."""

    @abstractmethod
    def in_force(self, policy_id: str, day: date) -> Policy | None:
        """The version of a policy in force on a day; None before its first."""

    @abstractmethod
    def on_account(self, name: str, day: date) -> tuple[Policy, ...]:
        """The policies in force on a day that work on an account, in document order."""

    @abstractmethod
    def refunded(self, order: Order) -> int:
        """What has gone back of an order in cash or card in all, in smallest units."""

    @abstractmethod
    def record(self, policy: Policy) -> Record | None:
        """What a policy did for the order that this event follows up; None where it took no part."""

    @abstractmethod
    def tender_back(self, kind: str) -> tuple[int, Decimal, int]:
        """Of all tenders of a kind in the order followed up: amount, quantity, and how much of the amount has gone back."""

    @abstractmethod
    def awarded(self, policy: Policy, window: Window | None, group: str | None = None) -> int:
        """What a policy, or its whole ``group``, has awarded (less reversals) on the days of a window as of ``view.day``, in smallest units.

        Without a window: what has been awarded for the order that is being decided.
        """

    @abstractmethod
    def counted(self, policy: Policy, name: str, window: Window) -> int:
        """What stands in a policy's own tally on the days of a window as of ``view.day``."""

    @abstractmethod
    def sent(self, policy: Policy, window: Window) -> tuple[int, int]:
        """What was sent by a policy on the days of a window as of ``view.day``: smallest units, and how often."""

    @abstractmethod
    def line_matches(self, condition: Condition, line: OrderLine) -> bool:
        """Whether a condition on lines (sku, category, quantity, amount) holds for a line."""

    @abstractmethod
    def account(self, name: str) -> Policy | None:
        """The version in force on ``view.day`` of the policy that keeps an account; before its first, the first."""

    @abstractmethod
    def birthday(self) -> date | None:
        """The customer's birthday, out of the profile field that is one; None where it is not known."""

    @abstractmethod
    def kept_lines(self) -> Sequence[tuple[OrderLine, int]]:
        """The order's lines with what is kept of each, in smallest units."""

    @abstractmethod
    def earning_share(self, without: Collection[str] | None = None) -> Fraction:
        """The share of what is kept of the order that was paid by tenders that earn: all ``without`` these.

        Where it is not said, these are points, gift cards and coupons.
        """

    def postings(self, account: str = "points") -> list[Effect]:
        """What was drafted on ``view.ledger`` of an account and its buckets, as effects of the decision."""
        held = self.ledger.ledger.accounts[self.ledger.resolve(account)]
        return [Posting(move.source, move.target, held.unit, held.scale, move.quantity, move.parts) for move in self.ledger.moves]

    def fact(self, fact: Fact[T]) -> T | None:
        """A declared fact in its public type: Money, Decimal, int, str, bool or date; None where it is missing."""
        raw = self.value(fact.name)
        if raw is None:
            return None
        if fact.kind is Money:
            if isinstance(raw, Fraction) and raw.denominator != 1:
                raise TypeError(f"{fact.name} is not a whole number of smallest units: read it with view.value")
            return cast("T", Money.from_minor(int(cast("int", raw)), self.currency))
        if fact.kind in (Decimal, Fraction):
            exact = Fraction(cast("Fraction", raw))
            return cast("T", exact if fact.kind is Fraction else Decimal(exact.numerator) / Decimal(exact.denominator))
        return cast("T", raw)


class FactsView(View):
    """The view of a policy that is asked about given facts: of no customer, who has no history."""

    @abstractmethod
    def bound(self, condition: Condition) -> Bound:
        """A condition of the policy, typed against the facts."""

    @abstractmethod
    def bound_table(self, table: Table) -> BoundTable:
        """A table of the policy, typed against the facts."""

    @abstractmethod
    def trace(self, condition: Condition) -> Trace:
        """What every cell of a condition says."""


@dataclass(frozen=True, slots=True)
class StatusFact:
    """A fact that is the value of a status (subject ''); ``default`` where it was never written, ``unless`` a condition holds."""

    type: FactType
    status: str
    default: str | None = None
    unless: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class BalanceFact:
    """A fact that is the balance of an account, in its unit."""

    type: FactType
    account: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a program knows when its policies are checked against one another."""

    levels: tuple[str, ...]
    accounts: tuple[str, ...]
    events: tuple[str, ...]
    scale: int
    scales: Mapping[str, int] = field(default_factory=dict)
    policies: Sequence[Policy] = ()
    measures: Mapping[str, Measure] = field(default_factory=dict)
    facts: Mapping[str, FactType] = field(default_factory=dict)
    birthday: str | None = None


class Policy(BaseModel):
    """One rule of a program: its fields are its document, ``decide`` its one pure method.

    Subclasses set ``kind`` ("points.accrual"), ``phase`` and ``hears`` (event types; None: all), and, in phase ``pay``,
    which value they ``serve`` (tender types, or the types of events that ask for value). ``reason_codes`` may list every code
    that they give: ``custrules.testing.check_policy`` then looks for each one's sentences, seen or not. ``recorded``: whether an
    order notes what the policy moved and read, for what undoes it. ``decide`` answers with a Decision, or None where the event is
    not its business; it never raises, reads no clock and keeps nothing.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str] = ""
    phase: ClassVar[Phase] = "earn"
    hears: ClassVar[tuple[str, ...] | None] = None
    serves: ClassVar[tuple[str, ...]] = ()
    reason_codes: ClassVar[tuple[str, ...]] = ()
    recorded: ClassVar[bool] = True
    later_fields: ClassVar[tuple[str, ...]] = ()

    id: Name
    effective_from: Day = date(1900, 1, 1)
    reference: str = ""
    title: Title = ""
    retired: Flag = False
    note: str = ""

    @abstractmethod
    def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
        """The answer to an event, or None."""

    def due(self, view: View, /) -> date | datetime | None:
        """The next day or instant at which this policy must be asked though nothing happens; may be early, never late."""
        return None

    def evaluated(self, view: FactsView, /) -> Answer:
        """The answer to given facts: what a step of a new customer with these facts would decide. FactsError where facts alone do not tell."""
        raise FactsError([Diagnostic("facts.not_evaluable", "", {"policy": self.id, "kind": self.kind})])

    def asks(self, view: FactsView, /) -> frozenset[str]:
        """Names of the facts that ``evaluated`` reads; the given facts are these and no others."""
        return self.reads()

    def write_evaluation(self, code: FactsCode, view: FactsView, /) -> bool:
        """Writes a function of given facts that returns the Evaluation ``evaluated`` stands for; False: there is none, and it is asked itself."""
        return False

    def progress(self, view: View, /) -> Standing | None:
        """Where the customer stands with this policy, for ``program.progress``; None: there is nothing to tell."""
        return None

    def companions(self) -> tuple[Policy, ...]:
        """Policies that answer in other phases for this version, under ids of their own (``<id>.<name>``); no part of the document."""
        return ()

    def gives_rewards(self) -> tuple[str, ...]:
        """Names of the rewards that a redemption may name to this policy; one policy for each name in a program."""
        return ()

    def reads(self) -> frozenset[str]:
        """Names of the facts that this policy may read: those of its conditions, tables and Fact fields."""
        return frozenset(_facts_in(self))

    def listens_to(self) -> tuple[str, ...] | None:
        """Types of the events about which this policy is asked: ``hears``, unless its fields narrow that."""
        return self.hears

    def event_name(self) -> str | None:
        """The event type (or declared activity) whose fields the conditions of this policy may read; None: no event's."""
        return None

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        """Facts that this policy gives to the conditions of others."""
        return {}

    def writes(self) -> tuple[str, ...]:
        """Names of the statuses that this policy writes; one writer per name in a program."""
        return ()

    def opens(self) -> tuple[str, str, int] | None:
        """The points account that this policy keeps: its name, unit and scale."""
        return None

    def works_on(self) -> str | None:
        """The account that this policy works on; None: none."""
        return None

    def remembers(self) -> int:
        """Days that it may look back beyond the windows of its measures (a term)."""
        return 0

    def measured(self) -> Mapping[str, Measure]:
        """Measures that this policy needs for itself, compiled under ``<id>.<name>``; one name is one measure in all versions."""
        return {}

    def qualifying_years(self) -> Years | None:
        """How qualifying years run in a program with this policy; None: it does not say."""
        return None

    def counts_moves(self) -> Mapping[str, Window | None]:
        """Tallies of what comes into the account that this policy keeps: ``earned``, ``earned_by_purchase``, ``given``, ``written_off``.

        Each is read as ``<id>.<name>``: days since the last of it, or, with a window, how much; the window then stands in the name.
        """
        return {}

    def lot_order(self) -> LotOrder:
        """Which lots of the account that this policy keeps are spent first."""
        return "soonest_expiry"

    def counts_awards(self) -> int | None:
        """Days for which its own awards are tallied, for its caps; None: not at all."""
        return None

    def tallies(self) -> Mapping[str, tuple[Window, ...]]:
        """Tallies of its own, by name, and the windows over which it reads them (``view.counted``)."""
        return {}

    def comes_to(self, order: Order, record: Record, view: View, /) -> Mapping[str, int]:
        """What its part in an order, as it stands, comes to in each of its tallies; counted on the order's day."""
        return {}

    def answers_for(self) -> tuple[str, ...]:
        """Which value of its account it answers for: ``serves``, unless its fields say it more exactly. No two policies answer for the same."""
        return self.serves

    def spends(self) -> bool:
        """Whether what it takes out of its account is given for something, or to somebody: credits that only rank never are."""
        return bool(self.serves)

    def holds_until(self, event: Hold, /) -> datetime | None:
        """The instant at which a hold that it answered runs out; None: it stands until it is captured or let go."""
        return event.until

    def counts_sent(self) -> int | None:
        """Days for which what is sent by it is tallied, for its limits; None: not at all."""
        return None

    def award_groups(self) -> Mapping[str, int]:
        """Groups with whose other policies its awards are tallied together, each with the days for which they are."""
        return {}

    def faults(self, known: Known) -> list[Diagnostic]:
        """What is wrong with this policy inside its program, at paths that begin at its fields."""
        return []

    def follows(self, before: Policy) -> list[Diagnostic]:
        """What is wrong with this policy as the next version of another."""
        return []

    def applied(self, event: Event, reasons: Iterable[Reason], effects: Iterable[Effect] | Moved = ()) -> Decision:
        made = effects if isinstance(effects, Moved) else tuple(effects)
        return decided(self.id, self.effective_from, event.id, "APPLIED", tuple(reasons), made)

    def declined(self, event: Event, reasons: Iterable[Reason]) -> Decision:
        return decided(self.id, self.effective_from, event.id, "DECLINED", tuple(reasons))

    @classmethod
    def read(cls, data: Mapping[str, Any], currency: str | None = None) -> Self:
        """A policy out of its document form (without ``kind``)."""
        return cls.model_validate(data, context={"currency": currency})


def conditions_in(value: object, path: Loc = ()) -> list[tuple[Loc, Condition]]:
    """Every condition inside a policy (or a part of one) with its path."""
    return inside(value, Condition, path)


def fact_fields(value: object, path: Loc = ()) -> list[tuple[Loc, Fact[Any]]]:
    """Every Fact field inside a policy with its path."""
    return inside(value, Fact, path)


def _facts_in(policy: Policy) -> set[str]:
    names = {fact for _, condition in conditions_in(policy) for fact in condition.facts}
    names |= {fact for _, table in tables_in(policy) for fact in table.inputs}
    return names | {fact.name for _, fact in fact_fields(policy)}


__all__ = [
    "EFFECTS",
    "PHASES",
    "BalanceFact",
    "Decision",
    "Effect",
    "Fact",
    "FactsView",
    "Known",
    "Moved",
    "Outcome",
    "Phase",
    "Policy",
    "Posting",
    "Reason",
    "Signal",
    "Status",
    "StatusFact",
    "Touchpoint",
    "View",
    "conditions_in",
    "fact_fields",
    "reason",
]
