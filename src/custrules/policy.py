"""What a policy is and what it sees: Policy, View, Fact. What it answers stands in ``decisions``, and is named here too."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict

from custrules.branching import Branch
from custrules.calendars import Length, Window
from custrules.calendars.windows import Years
from custrules.conditions.tables import tables_in
from custrules.conditions.tree import Condition
from custrules.contacting import Contacting
from custrules.decisions import EFFECTS, Decision, Effect, Moved, Outcome, Posting, Reason, Signal, Status, Touchpoint, decided, reason
from custrules.deposits import Deposit
from custrules.errors import Diagnostic, FactsError
from custrules.evaluation import Answer
from custrules.events import AnyEvent, Event, Hold, Visit
from custrules.facts import FactType
from custrules.fields import Day, Flag, Name, Title
from custrules.given import FactsCode
from custrules.ledger import LotOrder
from custrules.measures import Measure
from custrules.orders import Order, Record
from custrules.standing import Standing
from custrules.validation import Loc, inside
from custrules.view import Fact, FactsView, View

Phase = Literal["pay", "earn", "rank", "lapse", "care"]
PHASES: tuple[Phase, ...] = get_args(Phase)


@dataclass(frozen=True, slots=True)
class StatusFact:
    """A fact that is the value of a status (subject ''); ``default`` where it was never written, ``unless`` a condition holds.

    With ``field`` it is that part of the status' data. ``granted``: a level that may be given by hand, or brought along from elsewhere;
    ``brought``: one that may be brought along only.
    """

    type: FactType
    status: str
    default: str | None = None
    unless: tuple[Condition, ...] = ()
    field: str = ""
    granted: bool = False
    brought: bool = False


@dataclass(frozen=True, slots=True)
class BalanceFact:
    """A fact that is the balance of an account, in its unit; of two buckets together, where there is another one."""

    type: FactType
    account: str
    other: str = ""


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
    readings: Mapping[str, Length | None] = field(default_factory=dict)
    birthday: str | None = None
    stores: Mapping[str, str] = field(default_factory=dict)
    profile: Mapping[str, FactType] = field(default_factory=dict)
    rates: tuple[str, ...] = ()
    calendar: Sequence[str] = ()
    working: bool = True
    """Whether the program says which days are worked."""


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
    works_with: ClassVar[Literal["points", "stored_value"]] = "points"
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

    def branches(self, view: FactsView, /) -> tuple[Branch, ...] | None:
        """What ``evaluated`` says, as branches over columns (``custrules.batch``); None: it cannot be said so."""
        return None

    def progress(self, view: View, /) -> Standing | None:
        """Where the customer stands with this policy, for ``program.progress``; None: there is nothing to tell."""
        return None

    def keeps_asks(self) -> int | None:
        """Days after its last day for which a touchpoint that it asked for is remembered; None: for ever."""
        return None

    def next_ask(self, view: View, /) -> date | None:
        """The day on which it would next ask for a contact, if nothing happens until then; None: on none that is known."""
        return None

    def still_asks(self, view: View, cycle: str, /) -> bool:
        """Whether what it asked for in a cycle, and what waits since, is still wanted: who came back is not missed any more."""
        return True

    def keeps_contacts(self) -> int | None:
        """Days for which it counts contacts that a host makes of its own accord; None: it counts none."""
        return None

    def contacting(self, category: str, channel: str, /) -> Contacting:
        """What a touchpoint that this policy asks for is for, and over what it may go."""
        return Contacting(channels=(channel,) if channel else ())

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

    def stores(self) -> str | None:
        """The form of the stored value account that this policy keeps under its id: amount, visits or period; None: it keeps none."""
        return None

    def period_end(self, starts: date) -> date | None:
        """The last day of a period that starts on a day, of a stored value account for a period."""
        return None

    def deposit(self, event: AnyEvent, view: View, /) -> Deposit | None:
        """On which terms a top-up stands that it answered; what was put in is counted by its moves. None: it answers none."""
        return None

    def admits(self, event: Visit, view: View, /) -> str | None:
        """The top-up whose period admits a visit that it answered; None: none does."""
        return None

    def given_of(self, order: Order, record: Record, backs: Sequence[int], view: View, /) -> int:
        """How much was given and not paid for, of what it paid of an order less what has gone back to each tender (``backs``)."""
        return 0

    def works_on(self) -> str | None:
        """The account that this policy works on, one of those that it ``works_with``; None: none."""
        return None

    def remembers(self) -> int:
        """Days that it may look back beyond the windows of its measures (a term)."""
        return 0

    def measured(self) -> Mapping[str, Measure]:
        """Measures that this policy needs for itself, compiled under ``<id>.<name>``; one name is one measure in all versions."""
        return {}

    def place_of(self, measure: str) -> tuple[int | str, ...]:
        """Where inside it the document says a measure that it needs for itself."""
        return ()

    def averages(self) -> Mapping[str, tuple[str, int]]:
        """Balances that it reads as averages of whole calendar months, under ``<id>.<name>``: the account or reading, and how many months
        before the last one (0: the last calendar month)."""
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

    def passing(self) -> tuple[str, ...]:
        """Names of its statuses that leave the state, subject by subject, once their last day has passed."""
        return ()

    def of_orders(self) -> tuple[str, ...]:
        """Names of its statuses that tell of orders, by id: each leaves the state once its order has, and its last day has passed, if any."""
        return ()

    def keeps_complaints(self) -> str | None:
        """The name of the status in which it keeps complaints, by id; one policy in a program does. None: it keeps none."""
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
        """The answer yes to an event: why, and what follows from it. At least one reason is needed."""
        made = effects if isinstance(effects, Moved) else tuple(effects)
        return decided(self.id, self.effective_from, event.id, "APPLIED", tuple(reasons), made)

    def declined(self, event: Event, reasons: Iterable[Reason]) -> Decision:
        """The answer no to an event, and why. At least one reason is needed."""
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
