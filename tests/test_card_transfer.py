"""A whole card goes to another customer: lots, dates, what was paid and what was given stay what they were, and so does what a refund comes to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_stored_value import LADDER, Customer

import custrules as cr

CAUSES = {"merchant": {"basis": "paid_minus_ratio"}, "consumer": {"basis": "paid_minus_list"}}


def program(form: str = "amount", order: str = "principal_first") -> cr.Program:
    top_up = {"id": "top-up", "kind": "stored_value.top_up", **(LADDER if form == "amount" else {})}
    policies: list[dict[str, Any]] = [
        {"id": "card", "kind": "stored_value.account", "form": form, **({"bonus_expiry": "6 months"} if form == "amount" else {})},
        top_up,
        {"id": "spend", "kind": "stored_value.spending", "order": order},
        {"id": "refund", "kind": "stored_value.refund", "causes": CAUSES},
    ]
    return cr.Program(id="shop", zone="Asia/Shanghai", currency="CNY", policies=policies)


class Holder(Customer):
    def __init__(self, shop: cr.Program, name: str = "c-1") -> None:
        super().__init__(shop)
        self.name, self.state = name, cr.State.new(name)

    def does(self, kind: str, on: str, **fields: Any) -> cr.Step:
        self.count += 1
        head = {"id": f"{self.name}-{self.count}", "customer_id": self.name, "occurred_at": f"{on}T12:00:00+08:00"}
        return self.takes({"type": kind, **head, **fields})

    def takes(self, data: dict[str, Any]) -> cr.Step:
        step = self.program.step(self.state, self.program.event(data))
        self.state, self.step = step.state, step
        return step

    def sends(self, other: Holder, on: str) -> cr.Step:
        step = self.does("transfer", on, to=other.name, account="card")
        assert step.accepted, step.refusal
        (signal,) = (effect for decision in step.decisions for effect in decision.effects if isinstance(effect, cr.Signal))
        assert self.state.as_of is not None
        return other.takes(signal.delivered(self.state.as_of))

    def quoted(self, cause: str, on: str) -> str:
        """What a refund of all would come to."""
        event = {"type": "refund_request", "id": "q", "customer_id": self.name, "occurred_at": f"{on}T12:00:00+08:00", "cause": cause}
        step = self.program.step(self.state, self.program.event(event))
        if not step.accepted:
            return "0.00 CNY"
        return next(str(why.params["refund"]) for found in step.decisions for why in found.reasons if why.code == "stored_value.refund.quote")


def pair(order: str = "principal_first") -> tuple[Holder, Holder]:
    """1000.00 and a bonus of 200.00, of which 300.00 are spent that were 375.00 at list price; and somebody else."""
    shop = program(order=order)
    ann, ben = Holder(shop, "ann"), Holder(shop, "ben")
    ann.does("top_up", "2026-04-01", amount="1000.00")
    ann.pays("300.00", "2026-04-02", list_amount="375.00")
    return ann, ben


def test_a_card_that_is_sent_keeps_its_lots_and_what_a_refund_of_it_comes_to() -> None:
    ann, ben = pair()
    lots = ann.state.stored_value().lots
    assert (ann.quoted("merchant", "2026-04-03"), ann.quoted("consumer", "2026-04-03")) == ("750.00 CNY", "625.00 CNY")  # 1000 - 300 x 1000/1200
    assert ann.sends(ben, "2026-04-03").accepted
    assert (ann.balance("card"), ben.balance("card.principal"), ben.balance("card.bonus")) == ("0.00", "700.00", "200.00")
    assert ben.state.stored_value().lots == lots
    assert (ben.quoted("merchant", "2026-04-04"), ben.quoted("consumer", "2026-04-04")) == ("750.00 CNY", "625.00 CNY")
    assert (ann.quoted("merchant", "2026-04-04"), ann.quoted("consumer", "2026-04-04")) == ("0.00 CNY", "0.00 CNY")


@pytest.mark.parametrize("order", ["principal_first", "bonus_first", "pro_rata"])
def test_a_return_after_the_transfer_gives_the_sender_no_more_than_it_would_have(order: str) -> None:
    ann, ben = pair(order)
    ann.sends(ben, "2026-04-03")
    ann.does("return", "2026-04-04", of="ann-2", amount="100.00")
    assert ann.balance("card") == "100.00"
    # without the transfer 200.00 would be consumed: 1000 - 200 x 1000/1200 = 833.33; ben's 750.00 and 250 - 200 x 250/300 = 83.33
    assert (ben.quoted("merchant", "2026-04-05"), ann.quoted("merchant", "2026-04-05")) == ("750.00 CNY", "83.33 CNY")


def test_a_card_that_comes_back_is_what_it_was() -> None:
    ann, ben = pair()
    was = ann.told()
    ann.sends(ben, "2026-04-03")
    assert ben.sends(ann, "2026-04-04").accepted
    assert [row._replace(at=None) for row in ann.told()] == [row._replace(at=None) for row in was]
    assert ann.quoted("merchant", "2026-04-05") == "750.00 CNY"


def test_a_bonus_lapses_on_the_day_on_which_it_would_have_lapsed() -> None:
    ann, ben = pair()
    ann.sends(ben, "2026-09-01")
    ben.does("visit", "2026-10-01")
    assert ben.balance("card.bonus") == "200.00"  # six months from 1 April
    ben.does("visit", "2026-10-02")
    assert (ben.balance("card.principal"), ben.balance("card.bonus")) == ("700.00", "0.00")


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("card_update", {"stage": "lost"}, "stored_value.card.is_lost"),
        ("hold", {"amount": "1.00"}, "stored_value.transfer.not_free"),
        ("chargeback", {"of": "ann-1", "amount": "10.00"}, "stored_value.transfer.not_free"),
        ("refund_request", {"cause": "merchant"}, "stored_value.refund.still_open"),
    ],
)
def test_a_card_of_which_something_is_not_settled_stays(kind: str, fields: dict[str, Any], code: str) -> None:
    ann, _ = pair()
    assert ann.does(kind, "2026-04-03", **fields).accepted
    step = ann.does("transfer", "2026-04-04", to="ben", account="card")
    assert step.refusal is not None
    assert step.refusal.code == code


def test_an_empty_card_and_one_sent_to_oneself_stay() -> None:
    ann, ben = pair()
    for to, code in (("ann", "points.transfer.to_self"),):
        step = ann.does("transfer", "2026-04-04", to=to, account="card")
        assert step.refusal is not None
        assert step.refusal.code == code
    step = ben.does("transfer", "2026-04-04", to="ann", account="card")
    assert step.refusal is not None
    assert step.refusal.code == "stored_value.transfer.nothing"


def test_a_card_for_visits_does_not_go_to_another_customer() -> None:
    ann = Holder(program("visits"), "ann")
    ann.does("top_up", "2026-04-01", amount="100.00", paid="10")
    step = ann.does("transfer", "2026-04-04", to="ben", account="card")
    assert step.refusal is not None
    assert step.refusal.code == "stored_value.transfer.form"


@pytest.mark.parametrize("fields", [{"points": "5"}, {"back": True}])
def test_a_part_of_a_card_is_no_transfer(fields: dict[str, Any]) -> None:
    ann, _ = pair()
    with pytest.raises(cr.EventError, match="whole card"):
        ann.does("transfer", "2026-04-04", to="ben", account="card", **fields)


def test_what_is_brought_has_to_be_a_card() -> None:
    ann, _ = pair()
    with pytest.raises(cr.EventError, match="no card"):
        ann.does("transfer", "2026-04-04", sender="ben", account="card", brought={"orders": {}})


@pytest.mark.parametrize("name", ["paid", "granted"])
def test_a_card_brings_no_bonus_as_principal(name: str) -> None:
    ann, ben = pair()
    step = ann.does("transfer", "2026-04-03", to="ben", account="card")
    (signal,) = (effect for decision in step.decisions for effect in decision.effects if isinstance(effect, cr.Signal))
    assert ann.state.as_of is not None
    told = json.loads(ann.program.event(signal.delivered(ann.state.as_of)).to_json())
    told["brought"][name] = told["brought"]["granted" if name == "paid" else "paid"]
    with pytest.raises(cr.EventError, match="lots that are not"):
        ben.takes(told)


def test_a_top_up_of_an_id_that_is_there_already_is_told_apart() -> None:
    ann, ben = pair()
    event = {"type": "top_up", "id": "ann-1", "customer_id": "ben", "occurred_at": "2026-04-01T12:00:00+08:00", "amount": "1000.00"}
    ben.takes(event)
    step = ann.sends(ben, "2026-04-03")
    assert step.refusal is not None
    assert step.refusal.code == "event.transfer_meets"


def test_what_comes_settles_what_is_owed_first() -> None:
    ann, ben = pair()
    ben.does("top_up", "2026-04-01", amount="100.00")
    ben.pays("100.00", "2026-04-02")
    ben.does("chargeback", "2026-04-03", of="ben-1")
    assert ben.balance("card.owed") == "100.00"
    ann.sends(ben, "2026-04-04")
    assert (ben.balance("card.owed"), ben.balance("card.principal")) == ("0.00", "600.00")


def test_a_card_that_is_sent_reads_back_as_it_was_written() -> None:
    shop = program()
    data = {"type": "transfer", "id": "x", "customer_id": "a", "occurred_at": "2026-01-01T00:00:00Z", "to": "b", "account": "card"}
    event = shop.event(data)
    assert shop.event(event.model_dump()) == shop.event(event.model_dump(mode="json")) == event


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ({"per_card": "1199.99"}, "stored_value.transfer.over_card"),  # 500 and the 700 that are left of the principal
        ({"per_member": "1199.99"}, "stored_value.transfer.over_member"),
        ({"per_card": "1399.99", "bonus": True}, "stored_value.transfer.over_card"),  # and 200 of bonus
    ],
)
def test_a_card_that_is_too_much_for_the_receiver_stays_with_the_sender(limit: dict[str, Any], code: str) -> None:
    shop = program().revise("card", limit=limit).revise("top-up", ladder=[{"pay": "1000.00", "give": "200.00"}])
    ann, ben = Holder(shop, "ann"), Holder(shop, "ben")
    ann.does("top_up", "2026-04-01", amount="1000.00")
    ann.pays("300.00", "2026-04-02")
    ben.does("top_up", "2026-04-01", amount="500.00")
    data = {"type": "transfer", "id": "x", "customer_id": "ann", "occurred_at": "2026-04-03T12:00:00+08:00", "to": "ben", "account": "card"}
    states = {"ann": ann.state, "ben": ben.state}
    both = shop.step_together(states, shop.event(data))
    assert both.refusal is not None
    assert both.refusal.code == code
    assert dict(both.states) == states


def test_a_card_that_just_fits_is_received() -> None:
    shop = program().revise("card", limit={"per_card": "1200.00"})
    ann, ben = Holder(shop, "ann"), Holder(shop, "ben")
    ann.does("top_up", "2026-04-01", amount="1000.00")
    ann.pays("300.00", "2026-04-02")
    ben.does("top_up", "2026-04-01", amount="500.00")
    assert ann.sends(ben, "2026-04-03").accepted
    assert ben.balance("card.principal") == "1200.00"
