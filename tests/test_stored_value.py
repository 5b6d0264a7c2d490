"""Stored value by its interface: readings of a state, top-ups as they stand, tenders, chargebacks."""

from __future__ import annotations

from typing import Any

import pytest

import custrules as cr
from custrules.events import tick
from custrules.policies.stored_value.history import TopUpHistory, histories
from custrules.policy import View
from custrules.settling import Settling

LADDER = {"ladder": [{"pay": "1000.00", "give": "200.00"}], "mode": "highest"}


def shop(
    order: str = "principal_first", *, account: dict[str, Any] | None = None, top_up: dict[str, Any] | None = None, **spending: Any
) -> cr.Program:
    return cr.Program(
        id="shop",
        zone="Asia/Shanghai",
        currency="CNY",
        policies=[
            {"id": "card", "kind": "stored_value.account", "form": "amount", **(account or {})},
            {"id": "top-up", "kind": "stored_value.top_up", **(LADDER if top_up is None else top_up)},
            {"id": "spend", "kind": "stored_value.spending", "order": order, **spending},
        ],
    )


class Customer:
    """One customer of a program, stepped event by event."""

    def __init__(self, program: cr.Program) -> None:
        self.program, self.state, self.count = program, cr.State.new("c-1"), 0
        self.step: cr.Step | None = None

    def does(self, kind: str, on: str, **fields: Any) -> cr.Step:
        self.count += 1
        head = {"id": f"e{self.count}", "customer_id": "c-1", "occurred_at": f"{on}T12:00:00+08:00"}
        step = self.program.step(self.state, self.program.event({"type": kind, **head, **fields}))
        self.state, self.step = step.state, step
        return step

    def pays(self, amount: str, on: str, **fields: Any) -> cr.Step:
        return self.does("purchase", on, amount=amount, tenders={"stored_value": amount}, **fields)

    def balance(self, name: str) -> str:
        return str(self.state.balance(name)).removesuffix(" CNY")

    def told(self, account: str = "stored_value") -> tuple[TopUpHistory, ...]:
        return histories(self.view(), account)

    def view(self) -> View:
        """The view of a policy on the state as it stands."""
        assert self.state.as_of is not None
        assert self.state.day is not None
        work = Settling(self.program.rulebook, self.state, tick("c-1", self.state.as_of))
        work.days = work.days._replace(day=self.state.day, settled=self.state.day, instant=self.state.as_of)
        return work._view(self.program.policies[0])


def customer(order: str = "principal_first", **fields: Any) -> Customer:
    return Customer(shop(order, **fields))


def test_a_state_tells_principal_bonus_held_and_lots() -> None:
    ann = customer()
    ann.does("top_up", "2026-04-01", amount="1000.00")
    principal, bonus, held, lots = ann.state.stored_value()
    assert (str(principal), str(bonus), str(held)) == ("1000.00 CNY", "200.00 CNY", "0.00 CNY")
    assert [(str(lot.quantity), lot.origin) for lot in lots] == [("1000.00 CNY", "e1"), ("200.00 CNY", "e1")]
    assert ann.state.stored_value("card") == ann.state.stored_value()
    assert ann.balance("stored_value") == "1200.00"


def test_an_unknown_account_of_stored_value_is_no_empty_one() -> None:
    ann = customer()
    ann.does("top_up", "2026-04-01", amount="1.00")
    with pytest.raises(cr.StateError, match="purse"):
        ann.state.stored_value("purse")


def test_a_top_up_is_told_with_what_was_consumed_of_it_at_its_face_and_at_list_price() -> None:
    ann = customer("pro_rata")
    ann.does("top_up", "2026-04-01", tenders={"card": "600.00", "cash": "400.00"}, gifts=[{"item": "mug", "value": "30.00"}])
    ann.pays("300.00", "2026-04-02", list_amount="375.00")
    (told,) = ann.told()
    assert (told.id, told.account, told.form, str(told.day)) == ("e1", "card", "amount", "2026-04-01")
    assert (told.paid, told.granted, told.counted) == (100_000, 20_000, 100_000)
    assert (told.face, told.listed) == (30_000, 37_500)
    assert (told.principal, told.bonus, told.held) == (75_000, 15_000, 0)
    assert told.tenders == (("card", 60_000, None), ("cash", 40_000, None))
    assert told.gifts == (("mug", 3_000),)


def test_a_return_takes_its_share_of_face_and_list_price_back() -> None:
    ann = customer("pro_rata")
    ann.does("top_up", "2026-04-01", amount="1000.00")
    ann.pays("300.00", "2026-04-02", list_amount="375.00")
    ann.does("return", "2026-04-03", of="e2", amount="100.00")
    (told,) = ann.told()
    assert (told.face, told.listed) == (20_000, 25_000)  # 200 of 300 are kept: 375 x 2/3
    ann.does("return", "2026-04-04", of="e2")
    (told,) = ann.told()
    assert (told.face, told.listed, told.principal, told.bonus) == (0, 0, 100_000, 20_000)


def test_what_was_consumed_is_remembered_when_the_purchase_is_not() -> None:
    ann = customer()
    ann.does("top_up", "2026-04-01", amount="1000.00")
    ann.pays("300.00", "2026-04-02", list_amount="375.00")
    ann.does("visit", "2027-08-01")
    assert ann.state.order("e2") is None
    (told,) = ann.told()
    assert (told.face, told.listed, told.principal) == (30_000, 37_500, 70_000)


def test_a_top_up_of_which_nothing_is_left_is_forgotten_after_its_window() -> None:
    ann = customer(top_up={})
    ann.does("top_up", "2026-04-01", amount="100.00")
    ann.pays("100.00", "2026-04-02")
    ann.does("visit", "2027-10-01")  # 18 months after the top-up, and later than 366 days after the purchase
    assert [history.id for history in ann.told()] == ["e1"]
    ann.does("visit", "2027-10-02")
    assert ann.told() == ()


def test_the_state_of_a_top_up_comes_back_from_json() -> None:
    ann = customer("pro_rata")
    ann.does("top_up", "2026-04-01", amount="1000.00", gifts=[{"item": "mug", "value": "30.00"}])
    ann.pays("300.00", "2026-04-02", list_amount="375.00")
    again = cr.State.from_json(ann.state.to_json())
    assert again == ann.state
    assert again.order("e1") == ann.state.order("e1")


def test_a_program_that_keeps_the_account_misses_nothing_of_it() -> None:
    ann = customer()
    ann.does("top_up", "2026-04-01", amount="1000.00")
    assert ann.program.gaps(ann.state).gaps == ()


# -- one order paid in many ways ---------------------------------------------------------------------------------------

MIXED = [
    {"type": "coupon", "amount": "10.00", "reference": "c10"},
    {"type": "points", "amount": "10.00", "quantity": "1000"},
    {"type": "stored_value", "amount": "50.00"},
    {"type": "cash", "amount": "30.00"},
]


def mixed(tenders: str) -> Customer:
    policies = [
        {"id": "points", "kind": "points.account", "expiry": "never"},
        {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
        {"id": "pay", "kind": "points.redemption", "value": {"points": 100, "money": "1.00"}},
        *shop("pro_rata").document_data()["policies"],
    ]
    ann = Customer(cr.Program(id="shop", zone="Asia/Shanghai", currency="CNY", returns={"tenders": tenders}, policies=policies))
    ann.does("adjustment", "2026-04-01", account="points", quantity="1000", reason="a start")
    ann.does("top_up", "2026-04-01", amount="1000.00")
    ann.does("purchase", "2026-04-02", amount="100.00", tenders=MIXED)
    return ann


@pytest.mark.parametrize(
    ("tenders", "principal", "bonus", "points"),
    [
        # of 40.00 the coupon keeps 4.00; 30.00 go back in cash and 6.00 to the card: kept 44.00 = 36.67 + 7.33; earned 36
        ("reverse", "963.33", "192.67", 36),
        # 36.00 over 10.00, 50.00 and 30.00: 400 points, 20.00 to the card (kept 30.00 = 25.00 + 5.00), 12.00 in cash; earned 25 + 18
        ("pro_rata", "975.00", "195.00", 400 + 43),
    ],
)
def test_a_return_is_shared_over_every_way_in_which_an_order_was_paid(tenders: str, principal: str, bonus: str, points: int) -> None:
    ann = mixed(tenders)
    # 50.00 x 1000 / 1200 = 41.67 of principal; what earns is that and the cash: 71.67
    assert (ann.balance("card.principal"), ann.balance("card.bonus"), ann.state.points().available) == ("958.33", "191.67", 71)
    ann.does("return", "2026-04-03", of="e3", amount="40.00")
    assert (ann.balance("card.principal"), ann.balance("card.bonus"), ann.state.points().available) == (principal, bonus, points)
    ann.does("return", "2026-04-04", of="e3")
    assert (ann.balance("card.principal"), ann.balance("card.bonus"), ann.state.points().available) == ("1000.00", "200.00", 1000)


def test_a_tender_names_the_account_that_it_is_of() -> None:
    policies = [
        *shop(top_up={}).document_data()["policies"],
        {"id": "gift", "kind": "stored_value.account", "form": "amount"},
        {"id": "gift-top-up", "kind": "stored_value.top_up", "account": "gift"},
        {"id": "gift-spend", "kind": "stored_value.spending", "account": "gift", "order": "bonus_first"},
    ]
    ann = Customer(cr.Program(id="shop", zone="Asia/Shanghai", currency="CNY", policies=policies))
    ann.does("top_up", "2026-04-01", amount="100.00")
    ann.does("top_up", "2026-04-01", amount="50.00", account="gift")
    tenders = [{"type": "stored_value", "amount": "60.00"}, {"type": "stored_value", "amount": "20.00", "reference": "gift"}]
    ann.does("purchase", "2026-04-02", amount="80.00", tenders=tenders)
    assert (ann.balance("card"), ann.balance("gift")) == ("40.00", "30.00")
    ann.does("return", "2026-04-03", of="e3", amount="30.00")  # from the last tender named to the first: 20.00 and 10.00
    assert (ann.balance("card"), ann.balance("gift")) == ("50.00", "50.00")
    assert [history.face for history in (*ann.told("card"), *ann.told("gift"))] == [5000, 0]
    refused = ann.does("purchase", "2026-04-04", amount="1.00", tenders=[{"type": "stored_value", "amount": "1.00", "reference": "purse"}])
    assert refused.refusal is not None
    assert refused.refusal.code == "event.unserved"


# -- figures -----------------------------------------------------------------------------------------------------------


def test_figures_of_stored_value_close_and_agree_with_what_is_held() -> None:
    ann = customer("pro_rata")
    head = {"customer_id": "c-1"}
    rows: list[dict[str, Any]] = [
        {"type": "top_up", "amount": "1000.00"},
        {"type": "purchase", "amount": "300.00", "tenders": [{"type": "stored_value", "amount": "300.00"}]},
        {"type": "return", "of": "e2", "amount": "120.00"},
        {"type": "hold", "amount": "20.00"},
    ]
    events = [ann.program.event({**head, "id": f"e{n}", "occurred_at": f"2026-04-0{n}T04:00:00Z", **row}) for n, row in enumerate(rows, 1)]
    done = cr.replay(ann.program, events).collect()
    figures = cr.metrics(ann.program, done.journal, by=("source",))
    (card,) = figures.accounts
    (april,) = card.periods
    assert [str(april.moved[name]) for name in ("issued", "redeemed", "given_back")] == ["1200.00 CNY", "300.00 CNY", "120.00 CNY"]
    assert str(april.closing) == "1020.00 CNY"
    assert figures.reconcile(ann.program, done.states.values()) == ()
    assert {group.key["source"]: str(group.periods[0].closing) for group in card.groups} == {"paid": "850.00 CNY", "granted": "170.00 CNY"}
    (owed,) = cr.liability(ann.program, done.states.values(), on="2026-04-30").accounts
    assert (str(owed.face), str(owed.amount)) == ("1020.00 CNY", "850.00 CNY")  # x 1000/1200
    assert {source: str(row.amount) for source, row in owed.by("source").items()} == {"granted": "141.67 CNY", "paid": "708.33 CNY"}


# -- holds that come back --------------------------------------------------------------------------------------------------


def held(order: str = "pro_rata", used: str = "300.00") -> Customer:
    """1000 + 200, of which a hold ``e2`` of 600 (800 at list price) was captured in part."""
    ann = customer(order)
    ann.does("top_up", "2026-04-01", amount="1000.00")
    ann.does("hold", "2026-04-02", amount="600.00", list_amount="800.00")
    ann.does("capture", "2026-04-02", of="e2", amount=used)
    return ann


def test_what_was_captured_and_comes_back_is_consumed_no_more_at_its_face_and_at_list_price() -> None:
    ann = held()
    (told,) = ann.told()
    assert (told.face, told.listed) == (30_000, 40_000)  # 300 of 600, which are 800 at list price
    ann.does("return", "2026-04-03", of="e2", amount="120.00")
    (told,) = ann.told()
    assert (told.face, told.listed, told.principal, told.bonus) == (18_000, 24_000, 85_000, 17_000)  # 1000 : 200
    ann.does("return", "2026-04-04", of="e2")
    (told,) = ann.told()
    assert (told.face, told.listed, told.principal, told.bonus) == (0, 0, 100_000, 20_000)


def test_a_cancelled_capture_gives_back_what_returns_have_left() -> None:
    ann = held("principal_first")
    ann.does("return", "2026-04-03", of="e2", amount="120.00")
    assert ann.does("redemption_cancelled", "2026-04-04", of="e2").accepted
    assert (ann.balance("card.principal"), ann.balance("card.bonus")) == ("1000.00", "200.00")
    refusal = ann.does("return", "2026-04-05", of="e2").refusal
    assert refusal is not None
    assert refusal.code == "event.exceeds_order"


def test_nothing_that_was_captured_is_nothing_to_return() -> None:
    ann = customer()
    ann.does("top_up", "2026-04-01", amount="1000.00")
    ann.does("hold", "2026-04-02", amount="600.00")
    for kind in ("return", "void", "return"):  # it stands, it is let go, it was
        step = ann.does(kind, "2026-04-02", of="e2")
        assert step.accepted == (kind == "void")
        assert kind == "void" or (step.refusal is not None and step.refusal.code == "event.unknown_order")


def test_a_state_with_a_capture_that_came_back_in_part_reads_back() -> None:
    ann = held()
    ann.does("return", "2026-04-03", of="e2", amount="120.00")
    assert cr.State.from_json(ann.state.to_json()) == ann.state


# -- an account that is retired --------------------------------------------------------------------------------------------


def ending() -> Customer:
    """A card that takes nothing more from 1 May on, with a top-up ``e1`` of 1000 + 200 of 1 April."""
    account = {"id": "card", "kind": "stored_value.account", "form": "amount", "bonus_expiry": "2 months"}
    program = cr.Program(
        id="shop",
        zone="Asia/Shanghai",
        currency="CNY",
        policies=[
            account,
            {**account, "effective_from": "2026-05-01", "retired": True},
            {"id": "top-up", "kind": "stored_value.top_up", **LADDER},
            {"id": "spend", "kind": "stored_value.spending", "order": "principal_first"},
            {"id": "refund", "kind": "stored_value.refund", "causes": {"closure": {"basis": "paid_minus_face"}}},
        ],
    )
    ann = Customer(program)
    ann.does("top_up", "2026-04-01", amount="1000.00")
    return ann


def test_a_retired_account_takes_no_top_up() -> None:
    ann = ending()
    assert ann.does("top_up", "2026-04-30", amount="500.00").accepted
    step = ann.does("top_up", "2026-05-01", amount="500.00")
    assert step.refusal is not None
    assert (step.verdict, step.refusal.code) == ("refused", "stored_value.account.retired")
    assert ann.balance("card.principal") == "1500.00"


def test_what_stands_on_a_retired_account_is_spent_returned_lapses_and_is_refunded() -> None:
    ann = ending()
    assert ann.pays("300.00", "2026-05-02").accepted
    ann.does("return", "2026-05-03", of="e2", amount="100.00")
    assert (ann.balance("card.principal"), ann.balance("card.bonus")) == ("800.00", "200.00")
    ann.does("visit", "2026-06-02")  # the bonus of 1 April was good until 1 June
    assert ann.balance("card.bonus") == "0.00"
    assert ann.does("refund_request", "2026-06-03", of="e1", cause="closure").accepted
    assert ann.does("refund_paid", "2026-06-04", of="e5", amount="800.00").accepted


# -- points and coupons that come with a top-up -----------------------------------------------------------------------------


def giving(*, accrual: bool = False, **row: Any) -> Customer:
    """A program whose top-ups of 1000 bring what a row says (and 500 points by an accrual)."""
    earn = [{"id": "earn", "kind": "points.accrual", "event": "top_up", "points": "500"}] if accrual else []
    program = cr.Program(
        id="shop",
        zone="Asia/Shanghai",
        currency="CNY",
        policies=[
            {"id": "card", "kind": "stored_value.account", "form": "amount"},
            {"id": "top-up", "kind": "stored_value.top_up", "ladder": [{"pay": "1000.00", **row}], "mode": "highest"},
            {"id": "spend", "kind": "stored_value.spending", "order": "principal_first"},
            {"id": "points", "kind": "points.account", "expiry": "12 months"},
            {"id": "refund", "kind": "stored_value.refund", "causes": {"merchant": {"basis": "paid_minus_face"}}},
            *earn,
        ],
    )
    return Customer(program)


def test_points_that_a_top_up_earns_are_no_bonus_of_it() -> None:
    ann = giving(accrual=True, give="200.00")
    ann.does("top_up", "2026-04-01", amount="1000.00")
    (told,) = ann.told()
    assert (told.granted, told.bonus) == (20_000, 20_000)
    ann.does("chargeback", "2026-04-02", of="e1")
    assert ann.balance("card.owed") == "0.00"  # nothing of it was consumed


def test_points_of_a_ladder_go_back_by_a_running_total() -> None:
    ann = giving(points="100")
    ann.does("top_up", "2026-04-01", amount="1000.00")
    for number, left in enumerate((67, 34, 1)):  # 100 x 333/1000, 666/1000, 999/1000, each rounded down
        ann.does("refund_request", "2026-04-02", of="e1", cause="merchant", amount="333.00")
        ann.does("refund_paid", "2026-04-03", of=f"e{2 * number + 2}")
        assert ann.state.points().available == left
    assert ann.state.status("top-up.points", "e1").data["kept"] == 1


def test_a_card_that_is_merged_takes_along_what_top_ups_brought() -> None:
    ann = giving(points="100", coupons=[{"coupon": "tea", "count": 3, "value": "8.00", "valid": "30 days"}])
    ann.does("top_up", "2026-04-01", amount="1000.00")
    bob = ann.program.event({"type": "enrolment", "id": "b", "customer_id": "c-2", "occurred_at": "2026-04-01T12:00:00+08:00"})
    states = {"c-1": ann.state, "c-2": ann.program.step(cr.State.new("c-2"), bob).state}
    merge = {"type": "merge", "id": "m", "customer_id": "c-1", "occurred_at": "2026-04-02T12:00:00+08:00", "into": "c-2"}
    both = ann.program.step_together(states, ann.program.event(merge))
    assert both.accepted
    taken = {"type": "chargeback", "id": "x", "customer_id": "c-2", "occurred_at": "2026-04-03T12:00:00+08:00", "of": "e1"}
    after = ann.program.step(both.states["c-2"], ann.program.event(taken)).state
    assert after.points().available == 0
    assert after.status("top-up.coupons", "e1:tea").value == "withdrawn"


def test_a_state_with_coupons_reads_back() -> None:
    ann = giving(points="100", coupons=[{"coupon": "tea", "value": "8.00", "valid": "30 days"}])
    ann.does("top_up", "2026-04-01", amount="1000.00")
    assert cr.State.from_json(ann.state.to_json()) == ann.state
    (told,) = ann.told()
    assert told.gifts == (("tea", 800),)


def test_a_capture_of_money_is_not_cancelled_by_points_or_pieces() -> None:
    for part in ({"points": "1"}, {"quantity": 1}):
        refusal = held().does("redemption_cancelled", "2026-04-03", of="e2", **part).refusal
        assert refusal is not None
        assert refusal.code == "event.cancelled_whole"


# -- what is owed for it ---------------------------------------------------------------------------------------------------


def test_each_unit_of_stored_value_stands_for_the_share_of_it_that_was_paid() -> None:
    ann = customer("pro_rata")
    ann.does("top_up", "2026-04-01", amount="1000.00")  # and 200.00
    ann.does("top_up", "2026-04-01", amount="100.00")  # and nothing
    ann.pays("300.00", "2026-04-02")  # 250.00 and 50.00 of the first
    ann.does("hold", "2026-04-03", amount="60.00")  # 50.00 and 10.00
    (card,) = [found for found in cr.liability(ann.program, [ann.state], on="2026-04-30").accounts if found.account.name == "card"]
    # 900 of 1200 that cost 1000, and 100: 900 x 1000/1200 + 100
    assert (str(card.outstanding), str(card.face), str(card.amount)) == ("1000.00 CNY", "1000.00 CNY", "850.00 CNY")
    shares = card.by("source")
    # 750.00 of principal x 1000/1200 and 100.00; 150.00 of bonus x 1000/1200
    assert {name: str(one.amount) for name, one in shares.items()} == {"granted": "125.00 CNY", "paid": "725.00 CNY"}
    assert "850.00 CNY were paid" in cr.render(cr.liability(ann.program, [ann.state], on="2026-04-30"))


def test_visits_stand_for_what_one_of_them_cost() -> None:
    ann = Customer(shop(account={"form": "visits"}, top_up={}))
    ann.does("top_up", "2026-04-01", amount="100.00", paid="7", given="5")
    ann.does("visit", "2026-04-02", of="card", used="3")
    (card,) = [found for found in cr.liability(ann.program, [ann.state], on="2026-04-30").accounts if found.account.name == "card"]
    assert (card.outstanding, card.face, str(card.amount)) == (9, None, "75.00 CNY")  # 100 x 9/12


def test_a_journal_does_not_know_what_was_paid() -> None:
    ann = customer()
    head = {"customer_id": "c-1", "occurred_at": "2026-04-01T04:00:00Z", "id": "t"}
    done = cr.replay(ann.program, [ann.program.event({"type": "top_up", "amount": "1000.00", **head})]).collect()
    (card,) = [found for found in cr.liability(ann.program, done.journal, on="2026-04-30").accounts if found.account.name == "card"]
    assert (str(card.outstanding), str(card.face), card.amount) == ("1200.00 CNY", "1200.00 CNY", None)
