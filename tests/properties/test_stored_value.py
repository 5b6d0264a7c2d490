"""Stored value over generated programs and histories: what is put in is what is left and what became of it; each law with a wrong rule."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import custrules as cr
from custrules.accounts import Account
from custrules.deposits import Deposit
from custrules.holding import Holding
from custrules.ledger import GRANTED, PAID, LotPart, Move
from custrules.policies.stored_value import giving_back
from custrules.policies.stored_value.account import ValueAccount
from custrules.policies.stored_value.parts import first
from custrules.testing.moves import kinds_for
from custrules.testing.program_strategies import made
from custrules.testing.strategies import histories, passings
from custrules.testing.value_strategies import Data, cards
from custrules.testing.walks import Passing
from properties import invariants
from properties.histories import CUSTOMER, Case

EXAMPLES = 8 if os.environ.get("CUSTRULES_HYPOTHESIS") == "few" else 25
KINDS = ("top_up", "top_up", "purchase", "purchase", "return", "hold", "capture", "void", "visit", "redemption_cancelled", "adjustment")
few = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def documents(draw: st.DrawFn) -> Data:
    return {
        "program": "purse",
        "zone": "Asia/Shanghai",
        "currency": draw(st.sampled_from(("CNY", "JPY", "KWD"))),  # scales 2, 0 and 3
        "returns": {"tenders": draw(st.sampled_from(("reverse", "pro_rata"))), "window": draw(st.sampled_from(("366 days", "30 days")))},
        "policies": [
            *draw(cards()),
            {"id": "points", "kind": "points.account", "expiry": "never"},
            {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
        ],
    }


@st.composite
def purses(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS, most: int = 20) -> Case:
    document = draw(documents())
    program = made(document)
    possible = kinds_for(program)
    chosen = tuple(kind for kind in kinds if kind in possible)
    return Case(document, draw(histories(program, customer_id=CUSTOMER, kinds=chosen, min_size=2, max_size=most)), program)


REFUNDS = ("refund_request", "refund_request", "refund_decision", "refund_paid")
ALL = (*KINDS, "chargeback", "opening", "merge", "closure", *REFUNDS)


def states(case: Case) -> Iterator[cr.State]:
    state = cr.State.new(CUSTOMER)
    for event in case.events:
        state = case.program.step(state, event).state
        yield state


def buckets(state: cr.State, account: str) -> dict[str, Account]:
    return {name: state.ledger.accounts[f"{account}.{name}"] for name in ("principal", "bonus", "held")}


def deposits(state: cr.State) -> Iterator[tuple[str, Deposit]]:
    for order_id in state.top_ups:
        order = state.order(order_id)
        assert order is not None
        assert order.deposit is not None
        yield order_id, order.deposit


# -- laws --------------------------------------------------------------------------------------------------------------


def a_top_up_adds_up(case: Case) -> None:
    """What was put in is what is left, what was consumed, and what lapsed or was given up."""
    for state in states(case):
        for order_id, deposit in deposits(state):
            if deposit.form == "period":
                continue
            held = buckets(state, deposit.account).values()
            left = sum(part.quantity for bucket in held for part in bucket if part.lot.origin == order_id)
            assert left == deposit.paid + deposit.granted - deposit.face - deposit.expired - deposit.surrendered


def no_bonus_becomes_principal(case: Case) -> None:
    for state in states(case):
        for account in ("card", "lessons"):
            if f"{account}.principal" in state.ledger.accounts:
                found = buckets(state, account)
                assert all(part.lot.source == PAID and part.lot.last_day is None for part in found["principal"])
                assert all(part.lot.source == GRANTED for part in found["bonus"])


def a_hold_resolves_once(case: Case) -> None:
    """What is held is what holds that stand have set aside."""
    for state in states(case):
        for account in ("card", "lessons"):
            bucket = f"{account}.held"
            if bucket in state.ledger.accounts:
                standing = [order for order in state.orders.values() if order.open_hold]
                moves = [move for order in standing for record in order.records.values() for move in record.moves]
                assert state.ledger.accounts[bucket].total == sum(move.quantity for move in moves if move.target == bucket)


def nothing_usable_stands_beside_a_debt(case: Case) -> None:
    for state in states(case):
        for account in ("card", "lessons"):
            if f"{account}.owed" in state.ledger.accounts and state.ledger.accounts[f"{account}.owed"].owed:
                assert state.day is not None
                assert [state.ledger.usable(f"{account}.{name}", state.day) for name in ("principal", "bonus")] == [0, 0]


def bought(case: Case, state: cr.State, share: int, number: str) -> tuple[cr.Step | None, Any]:
    """A purchase of a share (in tenths) of what can be spent, paid with stored value; None where there is nothing."""
    principal, bonus, *_ = state.stored_value("card")
    minor = (principal.minor + bonus.minor) * share // 10  # type: ignore[union-attr]  # of money
    if not minor or state.as_of is None:
        return None, None
    amount = str(cr.Money.from_minor(minor, case.program.rulebook.currency).amount)
    head = {"customer_id": CUSTOMER, "occurred_at": state.as_of}
    event = {"type": "purchase", "id": number, "amount": amount, "list_amount": amount, "tenders": {"stored_value": amount}}
    return case.program.step(state, case.program.event({**head, **event})), minor


def told(state: cr.State) -> tuple[Any, ...]:
    """Balances, lots, and what top-ups have consumed."""
    accounts = {name: ([(lot.id, left) for lot, left in held], held.owed) for name, held in state.ledger.accounts.items() if name.startswith("card")}
    return accounts, [(order_id, deposit.face, deposit.listed) for order_id, deposit in deposits(state)]


def spending_and_returning_is_nothing(case: Case) -> None:
    """A purchase that comes back leaves every lot and every top-up as it was; in two parts as in one."""
    *_, state = states(case)
    if state.closed is not None or state.as_of is None:  # nothing was accepted
        return
    for share in (10, 3):
        step, minor = bought(case, state, share, f"bought-{share}")
        if step is None or not step.accepted:
            continue
        part = str(cr.Money.from_minor(minor // 3, case.program.rulebook.currency).amount)
        head = {"customer_id": CUSTOMER, "occurred_at": state.as_of, "type": "return", "of": f"bought-{share}"}
        whole = case.program.step(step.state, case.program.event({**head, "id": "all"})).state
        assert told(whole) == told(state)
        if minor // 3:
            one = case.program.step(step.state, case.program.event({**head, "id": "part", "amount": part})).state
            assert told(case.program.step(one, case.program.event({**head, "id": "rest"})).state) == told(state)


def a_dispute_that_is_won_is_nothing(case: Case) -> None:
    """Opened and won at once: every balance is as it was, where nothing was owed before and no other top-up had to pay."""
    *_, state = states(case)
    for order_id, deposit in list(deposits(state)):
        owed = state.ledger.accounts[f"{deposit.account}.owed"].owed if deposit.form != "period" else 0
        if owed or deposit.disputed or deposit.form != "amount" or len(state.top_ups) > 1:
            continue
        head = {"customer_id": CUSTOMER, "occurred_at": state.as_of, "type": "chargeback", "of": order_id}
        opened = case.program.step(state, case.program.event({**head, "id": "dispute"}))
        if opened.accepted:
            won = case.program.step(opened.state, case.program.event({**head, "id": "decision", "dispute": "won"})).state
            assert told(won) == told(state)


@few
@given(purses())
def test_a_top_up_adds_up(case: Case) -> None:
    a_top_up_adds_up(case)


@few
@given(purses(ALL))
def test_no_bonus_becomes_principal_and_no_debt_stands_beside_value(case: Case) -> None:
    no_bonus_becomes_principal(case)
    nothing_usable_stands_beside_a_debt(case)


@few
@given(purses(("top_up", "hold", "capture", "void", "purchase", "return", "chargeback", "redemption_cancelled")))
def test_a_hold_of_stored_value_resolves_once(case: Case) -> None:
    a_hold_resolves_once(case)


@few
@given(purses(("top_up", "top_up", "purchase", "return", "adjustment", "hold")))
def test_spending_and_returning_is_nothing(case: Case) -> None:
    spending_and_returning_is_nothing(case)


@few
@given(purses(("top_up", "purchase", "return"), most=8))
def test_a_dispute_that_is_won_is_nothing(case: Case) -> None:
    a_dispute_that_is_won_is_nothing(case)


@few
@given(purses(ALL), passings())
def test_programs_with_stored_value_keep_the_laws_of_every_program(case: Case, how: Passing) -> None:
    invariants.stepping_is_replay(case)
    invariants.a_prefix_gives_a_prefix(case)
    invariants.round_trips_lose_nothing(case)
    invariants.time_makes_no_difference(case, how)
    invariants.stored_events_replay_to_the_stored_state(case, how)
    invariants.next_due_is_never_late(case)
    invariants.a_duplicate_changes_nothing(case)
    invariants.a_refusal_changes_nothing(case)
    invariants.postings_add_up(case)
    invariants.a_last_day_never_moves(case)
    invariants.effect_ids_are_unique(case)


# -- wrong rules -------------------------------------------------------------------------------------------------------


def played(order: str, *events: Data) -> Case:
    """A history of one purse: 1000.00 with a bonus of 200.00, and what is given."""
    document: Data = {
        "program": "purse",
        "zone": "Asia/Shanghai",
        "currency": "CNY",
        "policies": [
            {"id": "card", "kind": "stored_value.account", "form": "amount"},
            {"id": "top-up", "kind": "stored_value.top_up", "ladder": [{"pay": 1000, "give": 200}], "mode": "highest"},
            {"id": "spend", "kind": "stored_value.spending", "order": order},
        ],
    }
    program = made(document)
    rows: list[Data] = [{"type": "top_up", "amount": "1000.00"}, *events]
    heads = ({"id": f"e{number}", "customer_id": CUSTOMER, "occurred_at": f"2026-04-01T{number:02}:00:00Z"} for number in range(1, len(rows) + 1))
    return Case(document, tuple(program.event({**head, **row}) for head, row in zip(heads, rows, strict=True)), program)


PAY: Data = {"type": "purchase", "amount": "300.00", "tenders": {"stored_value": "300.00"}}
BACK: Data = {"type": "return", "of": "e2"}
HOLD: Data = {"type": "hold", "amount": "300.00"}


def test_the_law_of_buckets_finds_a_bonus_that_comes_back_as_principal(monkeypatch: pytest.MonkeyPatch) -> None:
    case = played("bonus_first", PAY, BACK)
    no_bonus_becomes_principal(case)
    receive = ValueAccount.receive
    monkeypatch.setattr(ValueAccount, "receive", lambda self, view, source, paid, granted: receive(self, view, source, [*paid, *granted], []))
    with pytest.raises(cr.ContractError, match="only what was paid enters"):
        no_bonus_becomes_principal(case)
    monkeypatch.setattr(Account, "only", property(lambda self: "", lambda self, value: None))
    with pytest.raises(AssertionError):
        no_bonus_becomes_principal(played("bonus_first", PAY, BACK))


def test_the_law_of_holds_finds_one_that_is_captured_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    case = played("principal_first", HOLD, HOLD, {"type": "capture", "of": "e2"}, {"type": "capture", "of": "e2"})
    a_hold_resolves_once(case)
    monkeypatch.setattr(Holding, "_fault", lambda self, order, event: None)
    with pytest.raises(AssertionError):
        a_hold_resolves_once(case)


def test_the_law_of_returns_finds_one_that_gives_back_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    case = played("pro_rata", PAY)
    spending_and_returning_is_nothing(case)
    monkeypatch.setattr(giving_back, "first", lambda parts, quantity: first(parts, max(quantity, 1)))
    with pytest.raises(AssertionError):
        spending_and_returning_is_nothing(case)


def test_the_law_of_top_ups_finds_consumption_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    case = played("principal_first", PAY)
    a_top_up_adds_up(case)
    monkeypatch.setattr(Deposit, "after", lambda self, move, order_id, day: self)
    with pytest.raises(AssertionError):
        a_top_up_adds_up(case)


def test_the_law_of_debts_finds_value_that_does_not_settle_them(monkeypatch: pytest.MonkeyPatch) -> None:
    case = played("principal_first", PAY, {"type": "chargeback", "of": "e1"}, {"type": "top_up", "amount": "100.00"})
    nothing_usable_stands_beside_a_debt(case)

    def straight(self: ValueAccount, view: Any, source: str, paid: list[LotPart], granted: list[LotPart]) -> None:
        for bucket, parts in (("principal", paid), ("bonus", granted)):
            view.ledger.post(Move(source, self.bucket(bucket), sum(part.quantity for part in parts), tuple(parts)))

    monkeypatch.setattr(ValueAccount, "receive", straight)
    with pytest.raises(AssertionError):
        nothing_usable_stands_beside_a_debt(case)


def test_the_law_of_disputes_finds_one_that_gives_back_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    case = played("bonus_first", PAY)
    a_dispute_that_is_won_is_nothing(case)
    monkeypatch.setattr("custrules.policies.stored_value.disputes._outstanding", lambda record: iter(()))
    with pytest.raises(AssertionError):
        a_dispute_that_is_won_is_nothing(case)
