"""What a hostile reader would try: each test is a way in which value, a level or a promise could once be lost or made out of nothing."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

import pytest

import custrules as cr
from custrules.events import AnyEvent

ACCOUNT = {"id": "points", "kind": "points.account", "expiry": "12 months"}
EARN = {"id": "earn", "kind": "points.accrual", "points_per_unit": "1"}
PER_PIECE = {"id": "earn", "kind": "points.accrual", "points_per_quantity": "10"}
PER_VISIT = {"id": "visits", "kind": "points.accrual", "event": "visit", "points": "10"}
PAY = {"id": "pay", "kind": "points.redemption", "value": {"points": "100", "money": "1"}}
LADDER = {"id": "ladder", "kind": "tiers.ladder", "downgrade": "to_earned", "term": "12 months"}
BASE = {"name": "base"}
SILVER = {"name": "silver", "enter": {"spent": ">= 100"}}
GOLD = {"name": "gold", "enter": {"spent": ">= 200"}}
SPENT = {"spent": {"sum": "spend", "window": "12 months"}}
Policies = dict[str, Any]


def program(*policies: Policies, **sections: Any) -> cr.Program:
    return cr.Program(**{"id": "p", "zone": "UTC", "currency": "EUR", "policies": policies} | sections)


def ladder(*levels: Policies, **fields: Any) -> cr.Program:
    """A ladder by what was spent in 12 months; a level is held for 12 months."""
    return program({**LADDER, "levels": levels} | fields, measures=SPENT)


class Customer:
    """One customer's state in a program. Days stand for noon in UTC; events are numbered where they have no id."""

    def __init__(self, rules: cr.Program) -> None:
        self.rules, self.state, self.steps = rules, cr.State.new("c-1"), 0

    def tries(self, type_: str, day: str, **fields: Any) -> cr.Step:
        self.steps += 1
        data = {"type": type_, "id": f"e-{self.steps}", "customer_id": "c-1", "occurred_at": f"{day}T12:00:00Z"} | fields
        step = self.rules.step(self.state, self.rules.event(data))
        self.state = step.state
        return step

    def does(self, type_: str, day: str, **fields: Any) -> cr.Step:
        step = self.tries(type_, day, **fields)
        assert step.accepted, cr.render(step)
        return step

    def given(self, points: str, day: str = "2026-01-01", account: str = "points") -> None:
        self.does("adjustment", day, account=account, quantity=points, reason="a gift")

    def waits(self, day: str) -> None:
        self.state = self.rules.advance(self.state, datetime.fromisoformat(f"{day}T12:00:00Z")).state

    def has(self, account: str = "points") -> object:
        return self.state.points(account).available


def level(name: str, since: str, until: str | None) -> tuple[str, date, date | None]:
    return name, date.fromisoformat(since), date.fromisoformat(until) if until else None


def told(step: cr.Step, policy: str) -> dict[str, dict[str, Any]]:
    """The reasons of one policy's decision: parameters by code."""
    return {why.code: dict(why.params) for decision in step.decisions if decision.policy_id == policy for why in decision.reasons}


def eur(amount: str) -> cr.Money:
    return cr.Money(amount, "EUR")


def codes(error: cr.DocumentError | cr.EventError | cr.StateError) -> list[tuple[str, str]]:
    return [(fault.code, fault.path) for fault in error.diagnostics]


@pytest.mark.parametrize(
    ("account", "sections", "code"),
    [
        ({"scale": 2}, {}, "state.other_unit"),  # 10 points would read as 0.10
        ({"unit": "miles"}, {}, "state.other_unit"),
        ({}, {"currency": "JPY"}, "state.other_currency"),  # 1000 cents would read as 1000 yen
    ],
    ids=["scale", "unit", "currency"],
)
def test_a_state_is_not_read_in_another_scale_unit_or_currency(account: Policies, sections: Policies, code: str) -> None:
    customer = Customer(program(ACCOUNT, EARN))
    customer.does("purchase", "2026-01-01", amount="10.00")
    customer.rules = program({**ACCOUNT, **account}, EARN, **sections)
    asks: list[Callable[[], object]] = [lambda: customer.tries("visit", "2026-01-02"), lambda: customer.waits("2026-02-01")]
    for ask in asks:
        with pytest.raises(cr.StateError) as caught:
            ask()
        assert codes(caught.value) == [(code, "")]


def test_two_redemptions_on_one_account_do_not_load() -> None:
    # both would answer one tender, and the points would be taken twice
    with pytest.raises(cr.DocumentError) as caught:
        program(ACCOUNT, EARN, PAY, {**PAY, "id": "pay2"})
    assert codes(caught.value) == [("document.two_servers", "policies[3].kind")]


def test_of_two_accounts_a_tender_of_points_is_of_the_first() -> None:
    pays = ({**PAY, "account": "red"}, {**PAY, "id": "pay2", "account": "blue"})
    customer = Customer(program({**ACCOUNT, "id": "red"}, {**ACCOUNT, "id": "blue"}, {**EARN, "account": "red"}, *pays))
    customer.given("1000", account="red")
    customer.given("1000", account="blue")
    tenders = [{"type": "points", "amount": "1.00", "quantity": "100"}, {"type": "card", "amount": "9.00"}]
    customer.does("purchase", "2026-01-02", amount="10.00", tenders=tenders)
    assert (customer.has("red"), customer.has("blue")) == (909, 1000)  # 1000 − 100 + 9 for the 9.00 by card
    customer.does("redemption", "2026-01-03", points="100", account="blue")
    assert (customer.has("red"), customer.has("blue")) == (909, 900)


def pieces() -> tuple[object, list[object]]:
    """A history in numbers of more than five digits: the balance, and all that it answers with."""
    customer = Customer(program({**ACCOUNT, "scale": 2}, {**PER_PIECE, "points_per_quantity": "1"}, PAY))
    steps = [
        customer.does("purchase", "2026-01-01", id="o", lines=[{"sku": "a", "amount": "1234.56", "quantity": "12345.6"}]),
        customer.does("return", "2026-01-02", of="o", lines=[{"sku": "a", "quantity": "0.1"}]),
        customer.does("adjustment", "2026-01-03", account="points", quantity="1234567.89", reason="a gift"),
        customer.tries("redemption", "2026-01-04", points="9999999.99"),
    ]
    has = customer.has()
    customer.waits("2027-02-01")
    return has, [*(step.to_json() for step in steps), *map(cr.render, steps), customer.rules.digest, customer.state.to_json()]


@pytest.mark.parametrize("traps", [[], [decimal.Inexact, decimal.Rounded]], ids=["five digits", "traps"])
def test_the_hosts_decimal_context_changes_no_answer(traps: list[type[decimal.DecimalException]]) -> None:
    plain = pieces()
    assert plain[0] == Decimal("1246913.39")  # 12345.60 − 0.10 + 1234567.89
    with decimal.localcontext(decimal.Context(prec=5, traps=traps)):
        assert pieces() == plain


def test_free_lines_that_are_kept_keep_their_points() -> None:
    customer = Customer(program(ACCOUNT, PER_PIECE))
    lines = [{"sku": "a", "amount": "10.00", "quantity": "1"}, {"sku": "b", "amount": "0.00", "quantity": "5"}]
    customer.does("purchase", "2026-01-01", id="o", lines=lines)
    customer.does("return", "2026-01-02", of="o", lines=[{"sku": "a"}])
    assert customer.has() == 50  # 6 × 10, less 1 × 10
    customer.does("return", "2026-01-03", of="o")
    assert customer.has() == 0  # the five that cost nothing are still there to return


def test_an_order_that_cost_nothing_comes_back_by_pieces() -> None:
    customer = Customer(program(ACCOUNT, PER_PIECE))
    customer.does("purchase", "2026-01-01", id="o", lines=[{"sku": "b", "amount": "0.00", "quantity": "5"}])
    customer.does("return", "2026-01-02", of="o", lines=[{"sku": "b", "quantity": "1"}])
    assert customer.has() == 40  # 4 × 10


def test_points_that_are_worth_nothing_are_not_taken() -> None:
    customer = Customer(program(ACCOUNT, EARN, {**PAY, "value": {"points": "1000", "money": "1"}}))
    customer.given("100")
    tenders = [{"type": "card", "amount": "10.00"}, {"type": "points", "amount": "0.00", "quantity": "9"}]
    tried = [customer.tries("purchase", "2026-01-02", amount="10.00", tenders=tenders), customer.tries("redemption", "2026-01-02", points="9")]
    for step in tried:  # 9 ÷ 1000 = 0.009, in whole cents 0.00: nothing could give them back
        assert step.refusal is not None
        assert (step.verdict, step.refusal.code, customer.has()) == ("refused", "points.redemption.worth_nothing", 100)
    customer.does("redemption", "2026-01-02", points="10")
    assert customer.has() == 90  # 10 points are a cent


def test_a_quantity_by_sku_gives_back_only_its_own_money() -> None:
    customer = Customer(program(ACCOUNT, EARN))
    lines = [{"sku": "a", "amount": "100.00", "quantity": "1"}, {"sku": "a", "amount": "10.00", "quantity": "1"}]
    customer.does("purchase", "2026-01-01", id="o", lines=lines)
    customer.does("return", "2026-01-02", of="o", lines=[{"line": 1, "quantity": "1", "amount": "80.00"}])  # 20.00 stay as a fee
    back = customer.does("return", "2026-01-03", of="o", lines=[{"sku": "a", "quantity": "1"}])
    assert told(back, "returns")["returns.tenders.split"]["refund"] == eur("10.00")  # the one piece that is left cost 10.00
    assert customer.has() == 20  # 110 − 80 − 10


def test_late_events_do_not_walk_around_a_rolling_cap() -> None:
    customer = Customer(program(ACCOUNT, {**EARN, "caps": [{"at_most": "20", "per": "30 days"}]}))
    for day in ("2026-03-31", "2026-03-30", "2026-03-29"):
        customer.does("purchase", day, amount="20.00")
    assert customer.has() == 20  # the 30 days up to 31 March hold all three
    customer.does("purchase", "2026-04-30", amount="20.00")
    assert customer.has() == 40  # the 30 days up to 30 April begin on 1 April


def test_a_wider_tolerance_does_not_award_a_forgotten_event_again() -> None:
    customer = Customer(program(ACCOUNT, PER_VISIT, late="1 day"))
    customer.does("visit", "2026-01-01", id="v")
    customer.waits("2026-01-10")
    customer.rules = program(ACCOUNT, PER_VISIT, late="30 days")
    assert customer.tries("visit", "2026-01-01", id="v").verdict == "late"  # its id is let go of: it may have been accepted
    customer.does("visit", "2026-01-05")
    assert customer.has() == 20  # of one visit each, 10: nothing of 5 January was ever let go of


def test_what_comes_when_its_lot_has_expired_settles_no_debt() -> None:
    customer = Customer(program({**ACCOUNT, "expiry": "1 day"}, EARN))
    customer.given("-50", "2026-01-04")
    customer.does("purchase", "2026-01-02", amount="100.00")  # usable up to 3 January, and it is the fourth
    assert customer.state.points()[:4] == (0, 0, 0, 50)
    customer.waits("2026-01-06")
    assert (customer.state.points()[:4], customer.state.balance("points")) == ((0, 0, 0, 50), 0)


def test_a_refused_event_comes_back_without_a_stamp() -> None:
    customer = Customer(program(ACCOUNT, EARN, PAY))
    refused = customer.tries("redemption", "2026-01-01", points="100")
    accepted = customer.does("visit", "2026-01-01")
    assert refused.verdict == "refused"  # nothing was decided: only what is accepted is stamped
    assert refused.event is not None
    assert accepted.event is not None
    assert (refused.event.decided_at, accepted.event.decided_at) == (None, datetime(2026, 1, 1, 12, tzinfo=UTC))


def test_the_profile_of_a_state_cannot_be_changed() -> None:
    customer = Customer(program(ACCOUNT, EARN, profile={"segment": {"type": "text"}}))
    first = customer.does("profile_update", "2026-01-01", profile={"segment": "a"}).state
    before = first.to_json()
    profile: Any = customer.does("visit", "2026-01-02").state.profile  # a later state shares it
    with pytest.raises(TypeError):
        profile["segment"] = "vip"
    assert first.to_json() == before


class Rogue(cr.Policy):
    """Answers a visit with what is not exact, or is no reason."""

    kind: ClassVar[str] = "tests.rogue"
    phase: ClassVar[Literal["care"]] = "care"
    what: str

    def writes(self) -> tuple[str, ...]:
        return ("mood",)

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        half: Any = 1.5
        why: Any = "because" if self.what == "reason" else cr.Reason("tests.rogue.did")
        effects: dict[str, cr.Posting | cr.Status] = {
            "posting": cr.Posting("points.owed", "world.spent", "points", 0, half),
            "status": cr.Status("mood", half, view.day),
        }
        return self.applied(event, [why], [effects[self.what]] if self.what in effects else []) if event.type == "visit" else None


@pytest.mark.parametrize("what", ["posting", "status", "reason"])
def test_a_policy_that_answers_what_no_state_can_hold_breaks_its_contract(what: str) -> None:
    # half a smallest unit, a float as a status, bare text as a reason: no one of them could be read back
    rogue = {"id": "rogue", "kind": "tests.rogue", "what": what}
    customer = Customer(program(ACCOUNT, EARN, rogue, kinds={"tests.rogue": Rogue}))
    customer.does("purchase", "2026-01-01", amount="10.00")
    before = customer.state.to_json()
    with pytest.raises(cr.ContractError) as caught:
        customer.tries("visit", "2026-01-02", id="v")
    assert (caught.value.policy_id, caught.value.event_id, customer.state.to_json()) == ("rogue", "v", before)


@pytest.mark.parametrize("field", ["step", "minimum", "maximum"])
def test_a_limit_finer_than_the_account_does_not_load(field: str) -> None:
    with pytest.raises(cr.DocumentError) as caught:
        program(ACCOUNT, EARN, {**PAY, field: "0.5"})  # of whole points there is no half
    assert codes(caught.value) == [("document.too_fine", f"policies[2].{field}")]


@pytest.mark.parametrize("bucket", ["pending", "held", "owed"])
def test_a_bucket_is_no_account_to_adjust(bucket: str) -> None:
    with pytest.raises(cr.EventError) as caught:
        Customer(program(ACCOUNT, EARN)).given("5", account=f"points.{bucket}")  # a bucket follows from rules
    assert codes(caught.value) == [("event.unknown_account", "account")]


def test_a_return_that_finds_no_order_promises_no_cash() -> None:
    customer = Customer(program(ACCOUNT, EARN, PAY))
    customer.given("10000")
    customer.does("purchase", "2026-01-02", id="o", amount="100.00", tenders=[{"type": "points", "amount": "100.00", "quantity": "10000"}])
    reasons = told(customer.does("return", "2026-01-03", amount="100.00"), "returns")
    assert reasons["returns.matching.unmatched"] == {"amount": eur("100.00")}
    assert reasons["returns.tenders.split"] == {"refund": eur("0.00")}  # what was paid how is not known
    customer.does("return", "2026-01-03", of="o")
    assert customer.has() == 10000  # the order itself is untouched: its points go back


def test_a_lower_grant_under_a_higher_floor_is_declined() -> None:
    customer = Customer(ladder(BASE, SILVER, GOLD))
    customer.does("purchase", "2026-01-01", amount="200.00")
    customer.does("tier_grant", "2026-01-02", level="gold", until="2027-12-31", reason="a guest")
    lower = customer.does("tier_grant", "2026-01-03", level="silver", until="2026-01-31", reason="a mistake")
    assert [(decision.outcome, list(told(lower, "ladder"))) for decision in lower.decisions] == [("DECLINED", ["tiers.grant.covered"])]
    customer.waits("2027-12-31")  # the review of 2 January 2027 finds nothing spent, and a floor
    assert customer.state.tier() == level("gold", "2026-01-01", "2027-12-31")
    customer.waits("2028-01-01")
    assert customer.state.tier() == level("base", "2028-01-01", None)


def test_a_level_reached_by_a_balance_outlives_the_return_of_another_order() -> None:
    rich = {"name": "rich", "enter": {"points": ">= 150"}}
    customer = Customer(program(ACCOUNT, EARN, PAY, {**LADDER, "levels": [BASE, rich]}))
    customer.does("purchase", "2026-01-01", amount="200.00")
    customer.does("purchase", "2026-02-01", id="o", amount="5.00")
    customer.does("redemption", "2026-02-02", points="100")
    customer.does("return", "2026-02-03", of="o")
    assert customer.has() == 100  # 200 + 5 − 100 − 5, below 150: a level falls at its review only, and o did not bring it
    assert customer.state.tier() == level("rich", "2026-01-01", "2027-01-01")


@pytest.mark.parametrize("downgrade", ["to_earned", "one_level"])
def test_a_first_level_that_has_to_be_entered_can_be_lost(downgrade: str) -> None:
    returns, waits = (Customer(ladder(SILVER, GOLD, downgrade=downgrade)) for _ in range(2))
    for customer in (returns, waits):
        customer.does("purchase", "2026-01-01", id="o", amount="100.00")
    returns.does("return", "2026-01-02", of="o")
    waits.waits("2027-01-01")
    assert (returns.state.tier(), waits.state.tier()) == (None, level("silver", "2026-01-01", "2027-01-01"))
    waits.waits("2027-01-02")  # judged as of 1 January 2027, whose 12 months begin on 2 January 2026
    assert waits.state.tier() is None


def test_a_return_that_undoes_a_rise_gives_back_the_level_that_was_granted() -> None:
    customer = Customer(ladder(BASE, SILVER, GOLD))
    customer.does("tier_grant", "2026-01-01", level="silver", until="2026-12-31", reason="a guest")
    customer.does("purchase", "2026-03-01", id="o", amount="200.00")
    assert customer.state.tier() == level("gold", "2026-03-01", "2027-03-01")
    customer.does("return", "2026-04-01", of="o")
    assert customer.state.tier() == level("silver", "2026-01-01", "2026-12-31")  # 0 spent, and the grant runs on


def test_a_return_that_undoes_a_rise_gives_back_the_level_that_was_earned() -> None:
    customer = Customer(ladder(BASE, SILVER, GOLD))
    customer.does("purchase", "2026-01-01", amount="120.00")
    customer.does("purchase", "2026-03-01", id="o", amount="100.00")
    assert customer.state.tier() == level("gold", "2026-03-01", "2027-03-01")  # 220
    customer.does("return", "2026-04-01", of="o")
    assert customer.state.tier() == level("silver", "2026-01-01", "2027-01-01")  # 120, as on 1 January


@pytest.mark.parametrize(
    ("bought", "parts", "left"),
    [
        (["120.00", "100.00"], ["60.00", "40.00"], level("silver", "2026-01-01", "2027-01-01")),  # 220 → 160 → 120
        (["300.00"], ["50.00", "100.00"], level("silver", "2026-04-01", "2027-04-01")),  # 300 → 250 → 150
        (["300.00"], ["150.00", "100.00"], level("base", "2026-04-01", None)),  # 300 → 150 → 50
    ],
    ids=["the level before", "silver anew", "base"],
)
def test_two_partial_returns_leave_the_level_that_one_leaves(bought: list[str], parts: list[str], left: tuple[str, date, date | None]) -> None:
    whole = str(sum(map(Decimal, parts)))
    for returns in (parts, [whole]):
        customer = Customer(ladder(BASE, SILVER, GOLD))
        for month, amount in enumerate(bought):
            customer.does("purchase", f"2026-0{2 * month + 1}-01", id=f"o-{month}", amount=amount)
        for amount in returns:
            customer.does("return", "2026-04-01", of=f"o-{len(bought) - 1}", amount=amount)
        assert customer.state.tier() == left


def test_a_retired_ladder_still_loses_a_level_by_a_return() -> None:
    rules = {**LADDER, "levels": [BASE, SILVER]}
    customer = Customer(program(rules, {**rules, "effective_from": "2026-02-01", "retired": True}, measures=SPENT))
    customer.does("purchase", "2026-01-01", id="o", amount="100.00")
    customer.does("purchase", "2026-02-15", id="o-2", amount="10.00")
    assert customer.state.tier() == level("silver", "2026-01-01", "2027-01-01")
    customer.does("return", "2026-03-01", of="o")
    assert customer.state.tier() == level("base", "2026-03-01", None)  # 0 of 100 on 1 January, 10 now


def test_a_late_event_that_completes_a_threshold_raises_the_level_at_once() -> None:
    customer = Customer(ladder(BASE, SILVER))
    customer.does("purchase", "2026-03-10", amount="60.00")
    customer.does("purchase", "2026-03-09", amount="40.00")  # 40 on the 9th, 100 on the 10th
    assert customer.state.tier() == level("silver", "2026-03-10", "2027-03-10")


def test_a_quantity_is_taken_from_the_line_whose_money_it_gives_back() -> None:
    double = {"by": "2", "lines": {"category": "shoes"}}
    customer = Customer(program(ACCOUNT, {**EARN, "multiply_lines": [double]}))
    lines = [{"sku": "a", "amount": "100.00", "quantity": "1"}, {"sku": "a", "category": "shoes", "amount": "10.00", "quantity": "1"}]
    customer.does("purchase", "2026-01-01", id="o", lines=lines)
    customer.does("return", "2026-01-02", of="o", lines=[{"line": 1, "quantity": "1", "amount": "80.00"}])
    customer.does("return", "2026-01-03", of="o", lines=[{"sku": "a", "quantity": "1"}])
    assert customer.has() == 20  # 100 + 2 × 10, less 80, less 2 × 10 for the shoes
