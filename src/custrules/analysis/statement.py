"""``cr.statement``: everything that happened to one customer's stored value, with the balance after each line, and each top-up as it stands.

A merchant who withholds the records of a card may have to accept the customer's version (法释〔2025〕4号 art. 25): so nothing that moved is
left out, and every line says by which version of which rule, and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from custrules.analysis.lanes import instant_of
from custrules.analysis.passages import Passage, passages
from custrules.analysis.refusal import program_in, refuse, worded
from custrules.calendars import local_day
from custrules.codec import canonical
from custrules.deposits import Deposit
from custrules.fields import read_day
from custrules.messages import Speaker, speak
from custrules.messages.columns import table
from custrules.money import Money
from custrules.policies.stored_value import ValueAccount
from custrules.policy import Decision, Policy, Posting, Reason
from custrules.program import Program
from custrules.replaying import Given
from custrules.state import State
from custrules.state_parts import shown
from custrules.validation import read_argument

BUCKETS = ("principal", "bonus", "held", "owed")
REFUNDED = "world.refunded"
_CONSUMING = ("purchase", "visit", "return", "redemption_cancelled", "capture")

Quantity = Money | int | Decimal


class Balance(NamedTuple):
    """What an account holds, in smallest units: of visits, in visits."""

    principal: int = 0
    bonus: int = 0
    held: int = 0
    owed: int = 0

    @property
    def left(self) -> int:
        """Principal and bonus that are not held."""
        return self.principal + self.bonus


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One thing that happened. ``change`` and ``balance`` are in smallest units; ``listed`` is what was consumed at list price, ``cash`` what
    went back to the customer, both in smallest units of the currency.

    ``policy``, ``version`` and ``reference`` tell the terms by which it was decided.
    """

    day: date
    at: datetime
    event_id: str
    kind: str
    of: str | None
    channel: str | None
    change: Balance
    balance: Balance
    listed: int | None
    cash: int
    policy: str
    version: date
    reference: str
    reasons: tuple[Reason, ...]

    @property
    def face(self) -> int:
        """What was consumed of the account, negative where it came back."""
        return -(self.change.principal + self.change.bonus) if self.kind in _CONSUMING else 0


@dataclass(frozen=True, slots=True)
class StatementTopUp:
    """One top-up as it stands: what was paid and given, and what has become of it."""

    id: str
    day: date
    deposit: Deposit
    tenders: tuple[tuple[str, int, str | None], ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement of one account of one customer. ``opening`` plus every line's ``change`` is ``closing``. ``cr.render`` puts it into words."""

    program: str
    title: str | Mapping[str, str]
    customer_id: str
    account: str
    form: str
    unit: str
    scale: int
    currency: str
    first: date | None
    opening: Balance
    closing: Balance
    lines: tuple[StatementLine, ...]
    top_ups: tuple[StatementTopUp, ...]

    def amount(self, units: int) -> Quantity:
        """Smallest units of the account as people read them."""
        return shown(units, self.unit, self.scale)

    def money(self, units: int) -> Money:
        """So many smallest units of the currency."""
        return Money.from_minor(units, self.currency)

    def to_data(self) -> dict[str, Any]:
        head: dict[str, Any] = {
            "program": self.program,
            "customer_id": self.customer_id,
            "account": self.account,
            "form": self.form,
            "unit": self.unit,
        }
        head |= {"first": self.first, "opening": self._balance(self.opening), "closing": self._balance(self.closing)}
        return head | {"lines": [self._line(line) for line in self.lines], "top_ups": [self._top_up(one) for one in self.top_ups]}

    def to_json(self) -> bytes:
        """Canonical JSON: amounts as exact text."""
        return canonical(self.to_data())

    def _balance(self, balance: Balance) -> dict[str, Quantity]:
        return {name: self.amount(units) for name, units in zip(BUCKETS, balance, strict=True)}

    def _line(self, line: StatementLine) -> dict[str, Any]:
        listed = self.money(line.listed) if line.listed is not None else None
        about = {"day": line.day, "at": line.at, "event_id": line.event_id, "kind": line.kind, "of": line.of, "channel": line.channel}
        about |= {"change": self._balance(line.change), "balance": self._balance(line.balance), "listed": listed, "cash": self.money(line.cash)}
        terms = {"policy": line.policy, "version": line.version, "reference": line.reference}
        return about | terms | {"reasons": [{"code": why.code, "params": dict(why.params)} for why in line.reasons]}

    def _top_up(self, one: StatementTopUp) -> dict[str, Any]:
        deposit, money = one.deposit, self.money
        told = {
            "id": one.id,
            "day": one.day,
            "paid": money(deposit.money),
            "counted": self.amount(deposit.paid),
            "given": self.amount(deposit.granted),
        }
        told |= {"consumed": self.amount(deposit.face), "listed": money(_listed(deposit)), "expired": self.amount(deposit.expired)}
        told |= {"refunded": money(deposit.refunded), "disputed": money(deposit.disputed), "surrendered": self.amount(deposit.surrendered)}
        told |= {"starts": deposit.starts, "ends": deposit.ends}
        tenders = [{"type": kind, "amount": money(units), "reference": reference} for kind, units, reference in one.tenders]
        return told | {"tenders": tenders, "gifts": [{"item": item, "value": money(value)} for item, value in deposit.gifts]}


def statement(
    program: Program,
    history: Iterable[Given] | State,
    *,
    account: str | None = None,
    first: date | str | None = None,
    until: datetime | None = None,
) -> Statement:
    """The complete statement of one customer's stored value: every line with its balance after, its terms and its reasons.

    ``history`` holds the stored events of one customer in order of acceptance, from the first on; what was refused is left out.
    Of a State alone, the balances and the top-ups that it remembers are told, without lines. ``account`` is the first of stored value where none
    is named. Lines before the day ``first`` are in the opening balance; time runs on to
    ``until`` where that is given. AnalysisError for an account that is none of stored value, and for events of several customers.
    """
    program_in(program, "program")
    keeper = _keeper(program, account)
    begins = read_argument(read_day, first, "first", "analysis", worded) if first is not None else None
    made = _Making(program, keeper, begins)
    if isinstance(history, State):
        made.stand(program.advance(history, until).state if until is not None else history)
        return made.statement()
    for passage in passages(program, history, until):
        made.add(passage)
    return made.statement()


def _keeper(program: Program, account: str | None) -> ValueAccount:
    stores = [policy for policy in program.policies if isinstance(policy, ValueAccount)]
    wanted = program.rulebook.resolve(account or "stored_value")
    found = next((policy for policy in stores if policy.id == wanted), None)
    if found is None:
        refuse(
            "analysis.unknown_account", "account", found=str(account or "stored_value")[:40], known=", ".join(dict.fromkeys(one.id for one in stores))
        )
    return found


class _Making:
    """A statement as it grows."""

    def __init__(self, program: Program, keeper: ValueAccount, first: date | None) -> None:
        self.program, self.keeper, self.first = program, keeper, first
        self.customer: str | None = None
        self.opening = self.balance = Balance()
        self.lines: list[StatementLine] = []
        self.top_ups: dict[str, StatementTopUp] = {}

    def add(self, passage: Passage) -> None:
        if self.customer not in (None, passage.after.customer_id):
            refuse("analysis.several_customers", "history", first=self.customer, second=passage.after.customer_id)
        self.customer = passage.after.customer_id
        listed = _consumed(passage, self.keeper.id)
        for decision in passage.decisions:
            if decision.outcome == "APPLIED" and self._is_ours(decision):
                self._line(decision, passage, listed)
        self._note(passage.after)

    def stand(self, state: State) -> None:
        """What a state tells by itself."""
        accounts = state.ledger.accounts
        held = {name: accounts[f"{self.keeper.id}.{name}"] for name in BUCKETS if f"{self.keeper.id}.{name}" in accounts}
        self.customer = state.customer_id
        self.opening = self.balance = Balance(**{name: each.owed if name == "owed" else each.total for name, each in held.items()})
        self._note(state)

    def _is_ours(self, decision: Decision) -> bool:
        moved = any(self._change(effect) or self._cash(effect) for effect in decision.effects if isinstance(effect, Posting))
        return moved or any(why.params.get("account") == self.keeper.id for why in decision.reasons)

    def _line(self, decision: Decision, passage: Passage, listed: int | None) -> None:
        event = passage.event if passage.event is not None and passage.event.id == decision.event_id else None
        at = instant_of(decision.event_id, passage.at, self.program.zone) or passage.at
        change, cash = self._moved(decision)
        self.balance = Balance(*(had + by for had, by in zip(self.balance, change, strict=True)))
        day = local_day(event.occurred_at if event is not None else at, self.program.zone)
        if self.first is not None and day < self.first:
            self.opening = self.balance
            return
        policy = _version(self.program, decision)
        consuming = event is not None and event.type in _CONSUMING and any(change)
        self.lines.append(
            StatementLine(
                day=day,
                at=at,
                event_id=decision.event_id,
                kind=event.type if event is not None else "time",
                of=getattr(event, "of", None),
                channel=event.channel if event is not None else None,
                change=change,
                balance=self.balance,
                listed=listed if consuming else None,
                cash=cash,
                policy=decision.policy_id,
                version=decision.effective_from,
                reference=policy.reference if policy is not None else "",
                reasons=tuple(decision.reasons),
            )
        )

    def _moved(self, decision: Decision) -> tuple[Balance, int]:
        by: Counter[str] = Counter()
        cash = 0
        for effect in decision.effects:
            if isinstance(effect, Posting):
                by.update(self._change(effect))
                cash += self._cash(effect)
        return Balance(*(by[name] for name in BUCKETS)), cash

    def _change(self, posting: Posting) -> dict[str, int]:
        """By how much a posting changes each bucket; what is owed grows with what goes out of its account."""
        found: dict[str, int] = {}
        for name, sign in ((posting.source, -1), (posting.target, 1)):
            head, _, bucket = name.partition(".")
            if head == self.keeper.id and bucket in BUCKETS:
                found[bucket] = found.get(bucket, 0) + (-sign if bucket == "owed" else sign) * posting.units
        return found

    def _cash(self, posting: Posting) -> int:
        """Money that went back to the customer out of one of the account's top-ups."""
        ours = any(lot.origin in self.top_ups for lot, _ in posting.lots) and posting.unit == self.program.currency
        return posting.units * ((posting.target == REFUNDED) - (posting.source == REFUNDED)) if ours else 0

    def _note(self, state: State) -> None:
        """Top-ups as they stand now; one that the state has forgotten stays as it stood last."""
        for order_id in state.top_ups:
            order = state.order(order_id)
            if order is not None and order.deposit is not None and order.deposit.account == self.keeper.id:
                tenders = tuple((tender.type, tender.amount, tender.reference) for tender in order.tenders)
                self.top_ups[order.id] = StatementTopUp(order.id, order.day, order.deposit, tenders)

    def statement(self) -> Statement:
        program, keeper = self.program, self.keeper
        amount = keeper.form == "amount"
        unit, scale = (program.currency, program.rulebook.scale) if amount else ("visits", 0)
        return Statement(
            program=program.id,
            title=program.title,
            customer_id=self.customer or "",
            account=keeper.id,
            form=keeper.form,
            unit=unit,
            scale=scale,
            currency=program.currency,
            first=self.first,
            opening=self.opening,
            closing=self.balance,
            lines=tuple(self.lines),
            top_ups=tuple(sorted(self.top_ups.values(), key=lambda one: (one.day, one.id))),
        )


def _version(program: Program, decision: Decision) -> Policy | None:
    versions = (policy for policy in program.policies if policy.id == decision.policy_id.partition(".")[0])
    return next((policy for policy in versions if policy.effective_from == decision.effective_from), None)


def _listed(deposit: Deposit) -> int:
    return deposit.listed if deposit.form == "amount" else deposit.face * (deposit.list_price or 0)


def _consumed(passage: Passage, account: str) -> int | None:
    """What an event consumed of an account at list price, over all its top-ups; None where one of them is no longer known."""
    found = 0
    for order_id in passage.before.top_ups:
        before, after = (state.order(order_id) for state in (passage.before, passage.after))
        if before is None or before.deposit is None or before.deposit.account != account:
            continue
        if after is None or after.deposit is None:
            return None
        found += _listed(after.deposit) - _listed(before.deposit)
    return found


# -- in words ------------------------------------------------------------------------------------------------------------


@speak.register
def _(found: Statement, speaker: Speaker) -> str:
    lines = [speaker.word("statement_head", {"program": found.program, "customer": found.customer_id, "account": found.account})]
    lines += ["", speaker.word("statement_opening", _balances(found, found.opening))]
    for line in found.lines:
        lines += _told(found, line, speaker)
    lines += ["", speaker.word("statement_closing", _balances(found, found.closing))]
    return "\n".join([*lines, *_top_ups(found, speaker)])


def _balances(found: Statement, balance: Balance) -> dict[str, Quantity]:
    return {name: found.amount(units) for name, units in zip(BUCKETS, balance, strict=True)}


def _told(found: Statement, line: StatementLine, speaker: Speaker) -> Iterator[str]:
    """What happened and why; what it changed; the balance after it; its terms."""
    gap = "" if speaker.lang == "zh" else " "
    yield ""
    yield f"{line.day}  {gap.join(speaker.say(why) for why in line.reasons)}"
    if line.listed is not None and line.listed != line.face:
        yield f"    {speaker.word('statement_listed_line', {'listed': found.money(line.listed)})}"
    if line.cash:
        yield f"    {speaker.word('statement_cash', {'amount': found.money(line.cash)})}"
    yield f"    {speaker.word('statement_after', _balances(found, line.balance))}"
    terms = {
        "policy": line.policy,
        "version": line.version,
        "reference": line.reference or "-",
        "event": line.event_id,
        "channel": line.channel or "-",
    }
    yield f"    {speaker.word('statement_terms', terms)}"


def _top_ups(found: Statement, speaker: Speaker) -> Iterator[str]:
    names = ("top_up", "day", "paid", "given", "consumed", "listed", "expired", "refunded", "disputed", "surrendered")
    if found.top_ups:
        head = [speaker.word(f"statement_{name}", {}) for name in names]
        yield from [
            "",
            speaker.word("statement_top_ups", {}),
            *table([head, *(_row(found, one) for one in found.top_ups)], right=range(2, len(names))),
        ]


def _row(found: Statement, one: StatementTopUp) -> list[str]:
    deposit = one.deposit
    told: dict[str, Quantity] = {name: found.amount(getattr(deposit, name)) for name in ("granted", "face", "expired", "surrendered")}
    told |= {name: found.money(getattr(deposit, name)) for name in ("money", "refunded", "disputed")}
    told["listed"] = found.money(_listed(deposit))
    order = ("money", "granted", "face", "listed", "expired", "refunded", "disputed", "surrendered")
    amounts = (told[name] for name in order)
    return [one.id, one.day.isoformat(), *(str(amount.amount if isinstance(amount, Money) else amount) for amount in amounts)]
