"""The state of one customer: the fold of events and effects. Immutable to the caller; ``program.step`` makes new ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Never

from custrules.activity import ActivityLog
from custrules.codec import canonical_plain
from custrules.consenting import Consent, Consents, consents_data, read_consents
from custrules.errors import Diagnostic, StateError
from custrules.event_fields import Scalar, read_scalar
from custrules.fields import Frozen, instant_text, read_instant
from custrules.holdings import points_held, value_held, value_spendable
from custrules.ledger import Ledger, LedgerFault, text
from custrules.money import Money
from custrules.orders import Order
from custrules.sealing import Sealed, parsed
from custrules.state_parts import Closed, Level, Points, StatusValue, StoredValue, TouchpointAsked, closed_of, shown

SCHEMA_VERSION = 1
EXPIRY_STATUS = "_expiry"  # what the status of an account's expiry is called, after the account


class State:
    """Everything the program remembers of one customer. ``State.new("c-1")`` is of no program and no time.

    ``as_of`` is the instant up to which time is settled (None before the first step), ``day`` its local day, ``changed`` the last
    day on which a decision moved value or wrote a status. ``consent`` is the word that stands for each channel (marketing, greeting,
    none), ``consents`` tells for channel and purpose since when it is given, or when it was withdrawn. Two states are equal when their
    canonical JSON is.
    """

    __slots__ = (
        "_orders",
        "_sealed",
        "_seen",
        "activity",
        "adopted",
        "as_of",
        "changed",
        "closed",
        "consent",
        "consents",
        "currency",
        "customer_id",
        "day",
        "digest",
        "do_not_contact",
        "holds",
        "joined",
        "known_from",
        "ledger",
        "profile",
        "program",
        "schema_version",
        "statuses",
        "top_ups",
        "touchpoints",
    )
    activity: ActivityLog
    adopted: object
    currency: str
    customer_id: str
    digest: str
    do_not_contact: bool
    holds: dict[str, datetime]
    ledger: Ledger
    program: str
    schema_version: int
    top_ups: dict[str, None]

    def __init__(self, customer_id: str) -> None:
        self.customer_id = customer_id
        self.program = self.digest = self.currency = ""
        self.profile: Mapping[str, Scalar] = Frozen()
        self.consent: Mapping[str, str] = Frozen()
        self.consents: Consents = Frozen()
        self.do_not_contact = False
        self.joined: date | None = None
        self.ledger = Ledger()
        self._orders: dict[str, Order] = {}
        self._sealed: dict[str, Sealed] = {}  # those that nobody has asked about since they were read
        self.holds: dict[str, datetime] = {}  # of the orders: holds that run out, with the instant at which they do
        self.top_ups: dict[str, None] = {}  # of the orders: top-ups that are remembered
        self.activity = ActivityLog()
        self.statuses: dict[tuple[str, str], StatusValue] = {}
        self.touchpoints: dict[str, TouchpointAsked] = {}
        self.as_of: datetime | None = None
        self.day: date | None = None
        self.changed: date | None = None
        self.closed: Closed | None = None
        self.schema_version = SCHEMA_VERSION
        self._seen: dict[str, datetime] = {}
        self.known_from: datetime | None = None
        self.adopted = None  # by which rulebook it was made ready, in this process

    @classmethod
    def new(cls, customer_id: str) -> State:
        """A customer of whom nothing is known yet."""
        if not isinstance(customer_id, str) or not customer_id.strip():
            _refuse("state.bad_customer", found=repr(customer_id))
        return cls(customer_id)

    # -- readings --------------------------------------------------------------------------------------------------

    def points(self, account: str = "points") -> Points:
        """A points account by its id; ``points`` is also the program's first. An unknown name raises StateError."""
        found = points_held(self.ledger, self._account(account), self.day)
        return found if found is not None else self._unknown(account)

    def stored_value(self, account: str = "stored_value") -> StoredValue:
        """A stored value account by its id; ``stored_value`` is also the program's first. An unknown name raises StateError."""
        found = value_held(self.ledger, self.ledger.resolve(account), self.day)
        return found if found is not None else self._unknown(account)

    def balance(self, account: str) -> Money | int | Decimal:
        """What an account or bucket holds by its dotted name; ``.owed`` is what is owed. An unknown name raises StateError.

        A stored value account by its own name is what can be spent of it, principal and bonus."""
        spendable = value_spendable(self.ledger, self.ledger.resolve(account), self.day)
        if spendable is not None:
            return spendable
        name = self._account(account)
        held = self.ledger.accounts[name]
        units = held.owed if name.endswith(".owed") else held.total
        return shown(units, held.unit, held.scale)

    def tier(self, status: str = "tier") -> Level | None:
        """The level held; None for a customer without one (excluded, or nothing has happened yet)."""
        held = self.statuses.get((status, ""))
        if held is None and status != "tier":
            _refuse("state.unknown_status", name=status)
        return Level(str(held.value), held.since, held.until) if held is not None and held.value is not None else None

    def status(self, name: str, subject: str = "") -> StatusValue:
        """A status by name and subject. An unknown one raises StateError."""
        try:
            return self.statuses[name, subject]
        except KeyError:
            _refuse("state.unknown_status", name=f"{name}.{subject}" if subject else name)

    def consented(self, channel: str, purpose: str) -> Consent:
        """Since which day there is consent to a purpose (greeting, marketing) over a channel, and when it was withdrawn.

        Whether it stands is what ``consent`` says; both days are None where nothing is known of them.
        """
        return self.consents.get(channel, {}).get(purpose, Consent())

    def _account(self, name: str) -> str:
        found = self.ledger.resolve(name)
        return found if found in self.ledger.accounts else self._unknown(name)

    def _unknown(self, account: str) -> Never:
        unstepped = {"unstepped": self.customer_id} if self.as_of is None else {}
        _refuse("state.unknown_account", name=account, known=", ".join(sorted(self.ledger.accounts)), **unstepped)

    # -- orders ----------------------------------------------------------------------------------------------------

    @property
    def orders(self) -> dict[str, Order]:
        """Every order that can still be undone, by id."""
        if self._sealed:
            self._orders = {order_id: sealed.open(order_id) for order_id, sealed in self._sealed.items()} | self._orders
            self._sealed = {}  # last: whoever looks in between finds each order in one of the two
        return self._orders

    def order(self, order_id: str) -> Order | None:
        """One order; the others stay sealed."""
        sealed = self._sealed.get(order_id)
        found = self._orders.get(order_id)
        return sealed.open(order_id) if found is None and sealed is not None else found

    def put_status(self, key: tuple[str, str], status: StatusValue) -> None:
        """Set a status. They stay in the order in which they are stored: what goes through them finds the same in a state that was read back."""
        moved = key not in self.statuses and key < next(reversed(self.statuses), key)
        self.statuses[key] = status
        if moved:
            self.statuses = dict(sorted(self.statuses.items()))

    def put_order(self, order: Order) -> None:
        """Put an order in, or in place of what it was before."""
        if order.type == "hold":
            self._note_hold(order)
        elif order.deposit is not None:
            self.top_ups[order.id] = None
        if order.id in self._sealed:
            self.orders[order.id] = order  # in its own place
        else:
            self._orders[order.id] = order

    def _note_hold(self, order: Order) -> None:
        if order.open_hold and order.until is not None:
            self.holds[order.id] = order.until
        else:
            self.holds.pop(order.id, None)

    def has_order(self, order_id: str) -> bool:
        """Whether an order of this id can still be undone."""
        return order_id in self._sealed or order_id in self._orders

    def close_orders(self, last: date) -> list[Order]:
        """Let go of the orders of days up to one: they can be undone no more. A hold that stands is not yet done, a top-up stays longer."""
        closed = [order for order in self._orders.values() if order.day <= last and not order.stands]
        for order in closed:
            del self._orders[order.id]
        return self._close_sealed(last.isoformat()) + closed if self._sealed else closed

    def drop_order(self, order_id: str) -> None:
        """Let go of a top-up."""
        del self._orders[order_id]
        del self.top_ups[order_id]

    def _close_sealed(self, last: str) -> list[Order]:
        closed = [order_id for order_id, order in self._sealed.items() if order.day <= last]
        return [self._sealed.pop(order_id).open(order_id) for order_id in closed]

    def keep_lots(self, status: str) -> None:
        """Let the status of an account's expiry (``<account>_expiry``) be a rule of its lots: how long they are kept, when undated ones end."""
        name = status.removesuffix(EXPIRY_STATUS)
        if name == status or f"{name}.held" not in self.ledger.accounts:
            return
        told = self.statuses.get((status, ""))
        kept = None if told is None else date.max if told.value == "suspended" else told.until
        ends = told.data.get("undated_until") if told is not None else None
        self.ledger.keep(name, kept, date.fromisoformat(str(ends)) if ends is not None else None)

    # -- copies ----------------------------------------------------------------------------------------------------

    def let_go_of_orders(self) -> None:
        """Forget every order: another customer has taken them over."""
        self._orders, self._sealed, self.top_ups = {}, {}, {}

    @property
    def seen(self) -> Mapping[str, datetime]:
        """Ids of the events that would not be late by now, with when they occurred."""
        return self._seen

    def fork(self) -> State:
        """A copy that shares what it does not change; only the kernel changes one."""
        twin = State.__new__(State)
        twin.customer_id, twin.schema_version = self.customer_id, self.schema_version
        twin.program, twin.digest, twin.currency, twin.joined = self.program, self.digest, self.currency, self.joined
        twin.known_from, twin.adopted = self.known_from, self.adopted
        twin.as_of, twin.day, twin.changed, twin.closed = self.as_of, self.day, self.changed, self.closed
        twin.do_not_contact, twin.profile = self.do_not_contact, self.profile
        twin.consent, twin.consents = self.consent, self.consents
        twin.ledger, twin.activity = self.ledger.fork(), self.activity.fork()
        twin._sealed = self._sealed.copy()
        twin._orders, twin.statuses = self._orders.copy(), self.statuses.copy()  # after those that are sealed: see ``orders``
        twin.touchpoints, twin._seen = self.touchpoints.copy(), self._seen.copy()
        twin.holds, twin.top_ups = self.holds.copy(), self.top_ups.copy()
        return twin

    def knows(self, event_id: str) -> bool:
        """Whether an event of this id was accepted before, as far as the state remembers."""
        return event_id in self._seen or self.has_order(event_id)

    def saw(self, event_id: str, at: datetime) -> None:
        """Remember that an event was accepted, and when it occurred. Only the kernel calls this."""
        self._seen[event_id] = at

    def forget_seen(self, before: datetime) -> None:
        """Drop ids that would be late by now: they need not be known any more."""
        late = [at for at in self._seen.values() if at < before]
        if late:
            self.known_from = max(late)
            self._seen = {event_id: at for event_id, at in self._seen.items() if at >= before}

    def forget_statuses(self, names: Collection[str], day: date) -> None:
        """Let go of what these statuses say of a subject, where its last day lies before a day."""
        gone = [key for key, held in self.statuses.items() if key[0] in names and key[1] and held.until is not None and held.until < day]
        for key in gone:
            del self.statuses[key]

    def forget_statuses_of_orders(self, name: str, day: date) -> list[str]:
        """Let go of what a status says of orders that have left the state, where no last day keeps it; the ids of these orders."""
        told = [(key, held) for key, held in self.statuses.items() if key[0] == name and key[1] and not self.has_order(key[1])]
        gone = [key for key, held in told if held.until is None or held.until < day]
        for key in gone:
            del self.statuses[key]
        return [order for _, order in gone]

    def change_order(self, order: Order, **changes: Any) -> Order:
        """Put an order in with some fields changed; the changed order. Only the kernel calls this."""
        changed = replace(order, **changes)
        self.put_order(changed)
        return changed

    # -- wire ------------------------------------------------------------------------------------------------------

    def to_data(self) -> dict[str, Any]:
        return self._plain() | {"orders": {order_id: order.to_data() for order_id, order in self.orders.items()}}

    def _plain(self) -> dict[str, Any]:
        """All but the orders."""
        closed = {} if self.closed is None else {"closed": [self.closed.day.isoformat(), self.closed.into]}
        consents = {"consents": consents_data(self.consents)} if self.consents else {}
        return (
            closed
            | consents
            | {
                "customer_id": self.customer_id,
                "program": self.program,
                "digest": self.digest,
                "currency": self.currency,
                "profile": dict(self.profile),
                "consent": dict(self.consent),
                "do_not_contact": self.do_not_contact,
                "joined": self.joined.isoformat() if self.joined else None,
                "ledger": self.ledger.to_data(),
                "activity": self.activity.to_data(),
                "statuses": [[name, subject, status.to_data()] for (name, subject), status in sorted(self.statuses.items())],
                "touchpoints": {key: asked.to_row() for key, asked in self.touchpoints.items()},
                "as_of": instant_text(self.as_of) if self.as_of else None,
                "day": self.day.isoformat() if self.day else None,
                "changed": self.changed.isoformat() if self.changed else None,
                "known_from": instant_text(self.known_from) if self.known_from else None,
                "seen": {event_id: instant_text(at) for event_id, at in self._seen.items()},
                "schema_version": self.schema_version,
            }
        )

    def to_json(self) -> bytes:
        """Canonical JSON; ``State.from_json`` reads it back."""
        data = self._plain()
        before = canonical_plain({name: value for name, value in data.items() if name < "orders"})
        after = canonical_plain({name: value for name, value in data.items() if name > "orders"})
        return b'%b,"orders":{%b},%b' % (before[:-1], self._orders_text(), after[1:])

    def _orders_text(self) -> bytes:
        """The members of the orders' canonical object; one that is still sealed is its own text."""
        sealed = {order_id: order.text for order_id, order in self._sealed.items()}
        read = {order_id: canonical_plain(order.to_data()).decode() for order_id, order in self._orders.items()}
        members = sorted((sealed | read).items())
        return ",".join([f"{canonical_plain(order_id).decode()}:{text}" for order_id, text in members]).encode()

    @classmethod
    def from_json(cls, text: bytes | str) -> State:
        """The state whose ``to_json`` this is. StateError for anything else, and for a newer schema version."""
        data, sealed = parsed(text)
        version = data.get("schema_version") if isinstance(data, dict) else None
        if isinstance(version, int) and version > SCHEMA_VERSION:
            _refuse("state.newer_schema", found=version, known=SCHEMA_VERSION)
        if version != SCHEMA_VERSION or isinstance(version, bool):
            _refuse("state.unreadable", reason="schema_version is missing or unknown")
        try:
            state = cls._from_data(data)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, LedgerFault) as error:
            _refuse("state.unreadable", reason=f"{type(error).__name__}: {error}"[:200])
        state._sealed = sealed
        return state

    @classmethod
    def _from_data(cls, data: Mapping[str, Any]) -> State:
        state = cls.new(data["customer_id"])
        state.program, state.digest, state.currency = (text(data[name]) for name in ("program", "digest", "currency"))
        state.profile = Frozen({str(name): read_scalar(value) for name, value in data["profile"].items()})
        state.consent = Frozen({channel: text(purpose) for channel, purpose in data["consent"].items()})
        state.consents = read_consents(data["consents"]) if "consents" in data else Frozen()
        state.do_not_contact = data["do_not_contact"] is True
        state.joined = date.fromisoformat(data["joined"]) if data["joined"] is not None else None
        state.ledger = Ledger.from_data(data["ledger"])
        for order_id, order in data["orders"].items():
            state.put_order(Order.from_data(order_id, order))
        state.activity = ActivityLog.from_data(data["activity"])
        state.statuses = {(text(name), text(subject)): StatusValue.from_data(status) for name, subject, status in data["statuses"]}
        state.touchpoints = {key: TouchpointAsked.from_row(row) for key, row in data["touchpoints"].items()}
        state.as_of = read_instant(data["as_of"]) if data["as_of"] is not None else None
        state.day = date.fromisoformat(data["day"]) if data["day"] is not None else None
        state.changed = date.fromisoformat(data["changed"]) if data["changed"] is not None else None
        state.closed = closed_of(data["closed"]) if "closed" in data else None
        state.known_from = read_instant(data["known_from"]) if data["known_from"] is not None else None
        state._seen = {event_id: read_instant(at) for event_id, at in data["seen"].items()}
        for name, _ in state.statuses:
            state.keep_lots(name)
        if (state.as_of is None) != (state.day is None):
            raise ValueError("as_of and day go together")
        return state

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        at = instant_text(self.as_of) if self.as_of else "before its first step"
        return f"<State of {self.customer_id!r} in {self.program or 'no program'!r}, {at}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return State.from_json, (self.to_json(),)


def _refuse(code: str, **params: Any) -> Never:
    raise StateError([Diagnostic(code, params=params)])
