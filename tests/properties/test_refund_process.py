"""Whatever is asked, decided, bought, disputed and paid in between: value is neither made nor lost, and nobody is paid twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custrules as cr
from custrules.ledger import WORLD

pytest.importorskip("yaml")

CAUSES = "{merchant: {basis: BASIS, interest: {rate: 4%, from: payment}}, consumer: {basis: paid_minus_list, fee: {percent: 3%, min: 2.00}}}"
PROGRAM = """
program: p
zone: Asia/Shanghai
currency: CNY
policies:
  - {id: card, kind: stored_value.account, form: amount, bonus_expiry: 40 days}
  - {id: top-up, kind: stored_value.top_up, ladder: [{pay: 50.00, give: 10.00}, {pay: 100.00, give: 33.33}], mode: highest}
  - {id: spend, kind: stored_value.spending, order: ORDER, top_ups: AMONG}
  - {id: refund, kind: stored_value.refund, causes: CAUSES, top_ups: POOLED, bonus: BONUS, process: PROCESS}
"""
PROCESSES = (
    "{freeze_on_request: true, sla: 5 days, remind: [{at: 50%, to: boss}]}",
    "{approval: [{up_to: 60.00, by: boss}, {by: chief}]}",
    "{documents: [id_card], freeze_on_request: true, approval: [{by: boss}]}",
    "{sla: 3 days}",
)
KINDS = (
    "top_up",
    "spend",
    "spend",
    "spend",
    "return",
    "ask",
    "ask",
    "ask",
    "complete",
    "decide",
    "decide",
    "pay",
    "pay",
    "pay",
    "dispute",
    "wait",
    "wait",
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    basis = draw(st.sampled_from(("paid_minus_ratio", "paid_minus_face", "principal_remaining")))
    words = {
        "CAUSES": CAUSES.replace("BASIS", basis),
        "ORDER": draw(st.sampled_from(("principal_first", "bonus_first", "pro_rata"))),
        "AMONG": draw(st.sampled_from(("fifo", "lifo"))),
        "POOLED": draw(st.sampled_from(("each", "pooled"))),
        "BONUS": draw(st.sampled_from(("forfeit", "surrender_pro_rata", "requalify"))),
        "PROCESS": draw(st.sampled_from(PROCESSES)),
    }
    text = PROGRAM
    for word, value in words.items():
        text = text.replace(word, value)
    return text


@dataclass
class Player:
    """A customer who does what the numbers say, as far as it is accepted."""

    program: cr.Program
    state: cr.State
    now: datetime
    number: int = 0

    def __post_init__(self) -> None:
        self.events: list[Any] = []
        self.steps: list[cr.Step] = []
        self.top_ups: list[str] = []
        self.bought: list[str] = []
        self.asked: list[str] = []

    def do(self, kind: str, **fields: Any) -> bool:
        self.number += 1
        self.now += timedelta(minutes=7)
        head = {"type": kind, "id": f"e{self.number}", "customer_id": "c", "occurred_at": self.now}
        step = self.program.step(self.state, self.program.event(head | fields))
        if step.accepted:
            self.state = step.state
            self.events.append(step.event)
            self.steps.append(step)
        return step.accepted

    def play(self, kind: str, one: int, two: int) -> None:
        getattr(self, f"_{kind}")(one, two)

    def _top_up(self, one: int, two: int) -> None:
        card, cash = (20, 50, 70, 120)[one % 4], (0, 30)[two % 2]
        if self.do("top_up", tenders={"card": f"{card}.00", **({"cash": f"{cash}.00"} if cash else {})}):
            self.top_ups.append(f"e{self.number}")

    def _spend(self, one: int, two: int) -> None:
        amount = ("1.00", "33.34", "60.00", "7.77")[one % 4]
        listed = {"list_amount": f"{float(amount) + 5:.2f}"} if two % 2 else {}
        if self.do("purchase", amount=amount, tenders={"stored_value": amount}, **listed):
            self.bought.append(f"e{self.number}")

    def _return(self, one: int, two: int) -> None:
        if self.bought:
            self.do("return", of=self.bought[one % len(self.bought)], **({"amount": "1.00"} if two % 2 else {}))

    def _ask(self, one: int, two: int) -> None:
        of = {"of": self.top_ups[one % len(self.top_ups)]} if self.top_ups and two % 3 else {"account": "card"}
        part = {"amount": ("5.00", "20.01")[one % 2]} if two % 5 == 0 else {}
        if self.do("refund_request", cause=("merchant", "consumer")[two % 2], **of, **part):
            self.asked.append(f"e{self.number}")

    def _complete(self, one: int, two: int) -> None:
        if self.asked:
            self.do("refund_request", of=self.asked[one % len(self.asked)], cause=("merchant", "consumer")[two % 2], documents=["id_card"])

    def _decide(self, one: int, two: int) -> None:
        if self.asked:
            self.do("refund_decision", of=self.asked[-1 - one % len(self.asked)], approved=two % 4 != 0, by=("boss", "chief")[two % 2])

    def _pay(self, one: int, two: int) -> None:
        if self.asked:
            self.do("refund_paid", of=self.asked[-1 - one % len(self.asked)])

    def _dispute(self, one: int, two: int) -> None:
        if self.top_ups:
            self.do("chargeback", of=self.top_ups[one % len(self.top_ups)], dispute=("opened", "opened", "won", "lost")[two % 4])

    def _wait(self, one: int, two: int) -> None:
        self.now += timedelta(days=(1, 3, 10, 45)[one % 4])


MOVES = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 23), st.integers(0, 59)), min_size=8, max_size=30)


def played(text: str, moves: list[tuple[str, int, int]]) -> Player:
    player = Player(cr.loads(text), cr.State.new("c"), datetime(2026, 4, 1, 4, tzinfo=UTC))
    player.play("top_up", 2, 1)
    for kind, one, two in moves:
        player.play(kind, one, two)
    return player


def totals(player: Player) -> Counter[str]:
    """What every account and outside has gained, over all postings."""
    found: Counter[str] = Counter()
    for step in player.steps:
        for effect in step.effects:
            if isinstance(effect, cr.Posting):
                found[effect.source] -= effect.units
                found[effect.target] += effect.units
    return found


@given(programs(), MOVES)
def test_value_is_neither_made_nor_lost(text: str, moves: list[tuple[str, int, int]]) -> None:
    player = played(text, moves)
    found = totals(player)
    for name, account in player.state.ledger.accounts.items():
        assert found[name] == (-account.owed if name.endswith(".owed") else account.total), name
    assert sum(found.values()) == 0
    assert all(name.startswith(WORLD) or name in player.state.ledger.accounts for name in found)


@given(programs(), MOVES)
def test_no_more_goes_back_than_was_paid_in(text: str, moves: list[tuple[str, int, int]]) -> None:
    player = played(text, moves)
    for name in player.top_ups:
        order = player.state.order(name)
        assert order is not None
        deposit = order.deposit
        assert deposit is not None
        assert 0 <= deposit.refunded + deposit.disputed <= deposit.money
    paid = [
        why.params["refund"].minor for step in player.steps for found in step.decisions for why in found.reasons if why.code.endswith("refund.paid")
    ]
    assert sum(paid) <= sum(event.amount.minor for event in player.events if event.type == "top_up")


@given(programs(), MOVES)
def test_what_is_frozen_is_what_open_requests_hold(text: str, moves: list[tuple[str, int, int]]) -> None:
    player = played(text, moves)
    held = player.state.ledger.accounts["card.held"].total
    statuses = {subject: status for (name, subject), status in player.state.statuses.items() if name == "refund"}
    frozen = [subject for subject, status in statuses.items() if status.data.get("frozen")]
    assert (held > 0) == bool(frozen)
    assert all(statuses[subject].value in ("requested", "incomplete", "approved") for subject in frozen)
    for subject, status in statuses.items():
        order = player.state.order(subject)
        assert order is not None
        assert order.open_request == (status.value in ("requested", "incomplete", "approved"))


@given(programs(), MOVES)
def test_the_history_replays_to_the_state_through_json(text: str, moves: list[tuple[str, int, int]]) -> None:
    player = played(text, moves)
    state = cr.State.new("c")
    for event in player.events:
        state = player.program.step(cr.State.from_json(state.to_json()), cr.Event.from_json(event.to_json())).state
    assert state == player.state


@given(programs(), MOVES)
def test_asking_daily_changes_nothing(text: str, moves: list[tuple[str, int, int]]) -> None:
    player = played(text, moves)
    last = player.now + timedelta(days=12)
    daily = cr.State.new("c")
    for event in player.events:
        while daily.as_of is not None and daily.as_of + timedelta(days=1) < event.occurred_at:
            daily = player.program.advance(daily, to=daily.as_of + timedelta(days=1)).state
        daily = player.program.step(daily, event).state
    for ahead in range(12):
        daily = player.program.advance(daily, to=player.now + timedelta(days=ahead)).state
    assert player.program.advance(daily, to=last).state == player.program.advance(player.state, to=last).state
