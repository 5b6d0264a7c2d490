"""What a policy sees of a customer: View, and Fact, the name of a value in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, get_args
from zoneinfo import ZoneInfo

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from custrules.calendars import Length, Window
from custrules.calendars.birthdays import Birthday
from custrules.calendars.rules import DayRule
from custrules.calendars.working import WorkingTime
from custrules.conditions import Bound, BoundTable, Leaf, Trace
from custrules.conditions.hits import TableOutcome
from custrules.conditions.tables import Table
from custrules.conditions.tree import Condition
from custrules.decisions import Effect, Posting
from custrules.draft import Draft
from custrules.events import AnyEvent
from custrules.facts import FactType, FactValue
from custrules.fields import read_name, wrong_type
from custrules.law import Law
from custrules.money import Money
from custrules.order_lines import OrderLine
from custrules.orders import Order, Record
from custrules.standing import Standing
from custrules.state import State

if TYPE_CHECKING:
    from custrules.policy import Policy

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
    follow-up. ``working`` is the program's working time; None where it names none.
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
    working: WorkingTime | None
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

    def law(self) -> Law | None:
        """The law that the program stands under (see ``custrules.law.law``); None where it names none."""
        return None

    def reference_rate(self, name: str, day: date) -> Fraction | None:
        """The yearly rate of a name in ``rates:`` that holds on a day; None where there is none."""
        return None

    def type_of(self, name: str) -> FactType | None:
        """The type of a fact; None where the program has none of that name."""
        return None

    def horizon(self, reading: str) -> Length | None:
        """How far a reading looks ahead, where its declaration says so: a score that somebody else computed."""
        return None

    @abstractmethod
    def outcome(self, table: Table, on: date | None = None) -> TableOutcome:
        """What a table of this policy answers as of ``view.day``, or as of the end of another day."""

    @abstractmethod
    def next_change(self, condition: Condition | Table | str, *, complete: bool = False) -> date | None:
        """The first local day after ``view.day`` on which a condition, a table, or a fact by its name may change by time alone.

        May be early, never late.
        """

    def cells_change(self, cells: Sequence[Leaf]) -> date | None:
        """The same for cells that stand in no condition of the policy."""
        return None

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

    def tenders_back(self, kind: str, account: str) -> tuple[tuple[str | None, int, int], ...]:
        """The tenders of a kind in the order followed up that are of an account: reference, amount, and how much has gone back."""
        return ()

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
    def born(self) -> Birthday | None:
        """The customer's birthday as she gave it, out of the profile field that is one; None where it is not known."""

    def birthday(self) -> date | None:
        """The customer's day of birth by the common calendar; None where it is not known."""
        born = self.born()
        return born.born if born is not None else None

    @abstractmethod
    def kept_lines(self) -> Sequence[tuple[OrderLine, int]]:
        """The order's lines with what is kept of each, in smallest units."""

    @abstractmethod
    def earning_share(self, without: Collection[str] | None = None) -> Fraction:
        """The share of what is kept of the order that was paid by tenders that earn: all ``without`` these.

        Where it is not said, these are points, gift cards, coupons, and the bonus of stored value.
        """

    def days_counted(self, policy: Policy, name: str, after: date, upto: date) -> Sequence[date]:
        """The days after one up to another on which something was counted for a measure that a policy needs for itself, in order."""
        return ()

    def named_day(self, name: str) -> DayRule | WorkingTime | None:
        """The days that a name of the program's calendar stands for; None where it has none of that name."""
        return None

    def period_end(self, measure: str) -> date | None:
        """The last day of the qualifying or membership year, or of the running calendar period, that a measure looks at; None: of none."""
        return None

    def standing(self, status: str) -> Standing | None:
        """Where the customer stands with the policy that writes a status; None where none does."""
        return None

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
