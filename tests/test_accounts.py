"""What accounts of points can say: expiry, pending, debt and the rest, at the edges that golden scenarios do not show."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

import custrules as cr
from custrules.policies.points import Account

HEAD: dict[str, Any] = {
    "id": "shop",
    "zone": "UTC",
    "currency": "CNY",
    "activities": {"check_in": {"order": "text"}},
    "measures": {"spend": {"sum": "spend", "window": "12 months"}, "idle": {"since": "purchase"}},
}
EARN = {"id": "earn", "kind": "points.accrual", "points_per_unit": 1}
PAY = {"id": "pay", "kind": "points.redemption", "value": {"points": 100, "money": "1.00"}}


def shop(*accounts: Mapping[str, Any], others: tuple[Mapping[str, Any], ...] = (EARN, PAY), **sections: Any) -> cr.Program:
    policies = [{"id": "points", "kind": "points.account", **account} for account in accounts]
    return cr.Program(**{**HEAD, **sections}, policies=[*policies, *others])


def faults(**account: Any) -> list[tuple[str, str]]:
    """Codes and places of what is wrong with an account."""
    with pytest.raises(cr.DocumentError) as caught:
        shop(account)
    return [(found.code, found.path.removeprefix("policies[0]").removeprefix(".")) for found in caught.value.diagnostics]


class Customer:
    """Somebody to whom things happen at noon."""

    def __init__(self, program: cr.Program) -> None:
        self.program, self.state = program, cr.State.new("c")
        self.number = 0

    def does(self, type: str, day: str, **fields: Any) -> cr.Step:
        self.number += 1
        event = {"type": type, "id": f"e{self.number}", "customer_id": "c", "occurred_at": f"{day}T12:00:00Z", **fields}
        step = self.program.step(self.state, self.program.event(event))
        assert step.accepted, step.refusal
        self.state = step.state
        return step

    def waits(self, day: str) -> cr.Step:
        step = self.program.advance(self.state, to=datetime.fromisoformat(day).replace(tzinfo=UTC))
        self.state = step.state
        return step

    @property
    def points(self) -> Any:
        return self.state.points()


def told(step: cr.Step, code: str) -> list[dict[str, Any]]:
    return [dict(why.params) for decision in step.decisions for why in decision.reasons if why.code == code]


# -- documents ---------------------------------------------------------------------------------------------------------

FORMS: list[dict[str, Any]] = [
    {"expiry": "never"},
    {"expiry": "12 months"},
    {"expiry": "0 days"},
    {"expiry": {"day_of_year": "12-31", "after": "12 months", "plus": "1 month"}},
    {"expiry": {"inactivity": "12 months", "of": "check_in", "goodwill_extends": "true"}},
    {"expiry": {"length": "12 months", "rounded_to": "end_of_year", "inactivity": "6 months", "of": ["check_in", "purchase"]}},
    {"expiry": "never", "pending": "7 days"},
    {"expiry": "never", "pending": {"until": "check_in", "by": "order", "time_out": "7 days", "otherwise": "cancelled"}},
    {"expiry": "never", "pending": {"until": "return_window", "expiry_from": "usable"}},
    {"expiry": "never", "debt": "from_refund"},
    {"expiry": "never", "debt": {"then": "from_refund", "value": {"points": "100", "money": "1.00"}}},
    {"expiry": "never", "debt": {"then": "write_off", "at_most": "500", "per": "this calendar year", "approver": "finance"}},
    {"expiry": "never", "order": "oldest"},
    {"expiry": "1 month", "grace": "7 days", "suspended": {"spend": ">= 100"}},
    {"expiry": "never", "decay": {"share": "0.05", "per": "week", "at_least": "5", "when": {"idle": ">= 30"}, "rounding": "half_up"}},
    {"expiry": "1 month", "reinstatement": {"within": "10 days", "event": "check_in", "last_day": {"day_of_year": "12-31"}}},
    {"expiry": "1 month", "adjustments": {"expiry": "30 days", "without_approver": "50"}},
]


@pytest.mark.parametrize("account", FORMS, ids=lambda account: str(account)[:60])
def test_an_account_is_written_back_as_it_was_read(account: dict[str, Any]) -> None:
    program = shop(account)
    written = program.document_data()["policies"][0]
    assert {name: value for name, value in written.items() if name in account} == account
    assert cr.Program.from_json(program.to_json()).to_json() == program.to_json() == pickle.loads(pickle.dumps(program)).to_json()


@pytest.mark.parametrize(
    ("account", "wrong"),
    [
        ({"expiry": {}}, [("document.missing_field", "expiry")]),
        ({"expiry": {"rounded_to": "end_of_year"}}, [("document.missing_field", "expiry")]),
        ({"expiry": {"day_of_year": "12-31", "rounded_to": "end_of_year"}}, [("document.not_with", "expiry.rounded_to")]),
        ({"expiry": {"length": "1 month", "of": "check_in"}}, [("document.missing_field", "expiry.inactivity")]),
        (
            {"expiry": {"inactivity": "1 month", "of": "check_in", "zero_point_purchase_extends": "true"}},
            [("document.not_with", "expiry.zero_point_purchase_extends")],
        ),
        ({"expiry": {"day_of_year": "02-30"}}, [("document.wrong_type", "expiry.day_of_year")]),
        ({"expiry": {"day_of_year": "2-3"}}, [("document.wrong_type", "expiry.day_of_year")]),
        ({"expiry": 12}, [("document.wrong_type", "expiry")]),
        ({"expiry": "never", "pending": {}}, [("document.missing_field", "pending")]),
        ({"expiry": "never", "pending": "0 days"}, [("document.wrong_type", "pending.length")]),
        ({"expiry": "never", "pending": {"length": "1 day", "until": "check_in"}}, [("document.not_with", "pending.until")]),
        ({"expiry": "never", "pending": {"until": "return_window", "time_out": "1 day"}}, [("document.not_with", "pending.time_out")]),
        ({"expiry": "never", "pending": {"until": "new_day"}}, [("document.unknown_event", "pending.until")]),
        ({"expiry": "never", "pending": {"until": "check_in", "expiry_from": "usable"}}, [("document.not_with", "pending.expiry_from")]),
        ({"expiry": "never", "pending": {"until": "check_in", "otherwise": "cancelled"}}, [("document.missing_field", "pending.time_out")]),
        ({"expiry": "never", "debt": {"then": "owed", "at_most": "5"}}, [("document.not_with", "debt.at_most")]),
        ({"expiry": "never", "debt": {"then": "write_off", "per": "1 month"}}, [("document.missing_field", "debt.at_most")]),
        ({"expiry": "never", "debt": {"then": "write_off", "at_most": "-1"}}, [("document.wrong_type", "debt.at_most")]),
        (
            {"expiry": "never", "debt": {"then": "from_refund", "value": {"points": "1", "money": "0.001"}}},
            [("document.bad_money", "debt.value.money")],
        ),
        ({"expiry": "never", "order": "dearest"}, [("document.unknown_choice", "order")]),
        ({"expiry": "never", "decay": {"share": "0", "per": "week"}}, [("document.wrong_type", "decay.share")]),
        ({"expiry": "never", "decay": {"share": "5%", "per": "fortnight"}}, [("document.unknown_choice", "decay.per")]),
        ({"expiry": "1 month", "reinstatement": {"within": "1 day", "last_day": "1 day"}}, [("document.missing_field", "reinstatement")]),
        (
            {"expiry": "1 month", "reinstatement": {"within": "1 day", "event": "chek_in", "last_day": "1 day"}},
            [("document.unknown_event", "reinstatement.event")],
        ),
        (
            {"expiry": "1 month", "reinstatement": {"within": "1 day", "event": "check_in", "last_day": {"inactivity": "1 month"}}},
            [("document.not_with", "reinstatement.last_day.inactivity")],
        ),
        ({"expiry": "1 month", "adjustments": {"expiry": {"inactivity": "1 day"}}}, [("document.not_with", "adjustments.expiry.inactivity")]),
        ({"expiry": "1 month", "suspended": {"teir": "gold"}}, [("document.unknown_fact", "suspended.teir")]),
        ({"expiry": "1 month", "purpose": "rank"}, [("document.rank_account", "purpose")]),
        ({"expiry": {"inactivity": "1 month", "of": "sunshine"}}, [("document.unknown_subject", "")]),
    ],
    ids=lambda value: str(value)[:70] if isinstance(value, dict) else "",
)
def test_what_does_not_go_together_is_told_at_its_place(account: dict[str, Any], wrong: list[tuple[str, str]]) -> None:
    assert faults(**account) == wrong


def test_a_rank_account_beside_one_that_is_spent_is_fine() -> None:
    rank = {"id": "credits", "kind": "points.account", "expiry": "never", "purpose": "rank"}
    assert shop({"expiry": "never"}, others=(rank, EARN, PAY)).rulebook.accounts.keys() == {"points", "credits"}


def test_two_accounts_with_inactivity_write_statuses_of_their_own() -> None:
    other = {"id": "others", "kind": "points.account", "expiry": {"inactivity": "3 months"}}
    earn = {**EARN, "id": "earn-others", "account": "others"}
    customer = Customer(shop({"expiry": {"inactivity": "1 month"}}, others=(other, EARN, earn)))
    customer.does("purchase", "2026-01-10", amount="10.00")
    assert customer.state.status("points_expiry").until == date(2026, 2, 10)
    assert customer.state.status("others_expiry").until == date(2026, 4, 10)


# -- what a state says -------------------------------------------------------------------------------------------------


def test_what_is_kept_is_usable_after_a_round_trip() -> None:
    customer = Customer(shop({"expiry": {"length": "1 month", "inactivity": "6 months", "of": "check_in"}}))
    customer.does("purchase", "2026-01-10", amount="10.00")
    customer.does("activity", "2026-02-01", name="check_in")
    customer.waits("2026-06-01")
    again = cr.State.from_json(customer.state.to_json())
    assert again.points().available == 10
    assert again.points().expiring == ((date(2026, 8, 1), 10),)
    assert again.points().lots[0].last_day == date(2026, 2, 10), "the lot keeps its own date"


def test_nothing_is_expiring_while_expiry_is_suspended() -> None:
    customer = Customer(shop({"expiry": "1 month", "suspended": {"spend": ">= 100"}}))
    customer.does("purchase", "2026-01-10", amount="100.00")
    assert customer.points.expiring == ()
    customer.waits("2026-12-31")
    assert customer.points.available == 100
    step = customer.waits("2027-01-11")  # the twelve months hold the purchase no more on the 10th
    assert customer.points.available == 0
    assert [why.code for decision in step.decisions for why in decision.reasons] == ["points.expiry.resumed", "points.expiry.lapsed"]


def test_the_account_is_next_due_when_what_is_kept_lapses() -> None:
    customer = Customer(shop({"expiry": {"inactivity": "6 months"}}))
    customer.does("purchase", "2026-01-10", amount="10.00")
    assert customer.program.next_due(customer.state) == datetime(2026, 7, 11, tzinfo=UTC)


def test_an_account_that_decays_is_next_due_on_monday() -> None:
    customer = Customer(shop({"expiry": "never", "decay": {"share": "5%", "per": "week"}}))
    customer.does("purchase", "2026-01-07", amount="10.00")
    assert customer.program.next_due(customer.state) == datetime(2026, 1, 12, tzinfo=UTC)


def test_what_was_undated_has_a_last_day_once_expiry_is_switched_on() -> None:
    customer = Customer(shop({"expiry": "never"}, {"effective_from": "2026-03-01", "expiry": "6 months"}))
    customer.does("purchase", "2026-01-10", amount="10.00")
    assert customer.points.expiring == ()
    customer.waits("2026-03-01")
    assert customer.points.expiring == ((date(2026, 9, 1), 10),)
    assert customer.program.next_due(customer.state) == datetime(2026, 9, 2, tzinfo=UTC)


# -- time --------------------------------------------------------------------------------------------------------------


def test_a_day_that_is_sent_twice_withers_points_once() -> None:
    program = shop({"expiry": "never", "decay": {"share": "50%", "per": "week"}})
    customer = Customer(program)
    customer.does("purchase", "2026-01-07", amount="100.00")
    customer.waits("2026-01-12")
    account = program.rulebook.in_force("points", date(2026, 1, 12))
    assert isinstance(account, Account)
    assert customer.points.available == 50
    assert program.step(customer.state, cr.NewDay(customer_id="c", day=date(2026, 1, 12))).verdict == "duplicate"


def test_a_version_that_waits_for_nothing_more_lets_go_what_waited() -> None:
    customer = Customer(shop({"expiry": "never", "pending": {"until": "check_in"}}, {"effective_from": "2026-03-01", "expiry": "never"}))
    customer.does("purchase", "2026-01-10", amount="10.00")
    customer.waits("2026-02-28")
    assert (customer.points.available, customer.points.pending) == (0, 10)
    customer.waits("2026-03-01")
    assert (customer.points.available, customer.points.pending) == (10, 0)


def test_pending_points_that_become_usable_settle_debt_first() -> None:
    customer = Customer(shop({"expiry": "never", "pending": {"until": "check_in"}}))
    customer.does("purchase", "2026-01-10", amount="100.00")
    customer.does("adjustment", "2026-01-11", account="points", quantity=-30, reason="error")
    assert (customer.points.owed, customer.points.pending) == (30, 100)
    customer.does("activity", "2026-01-12", name="check_in")
    assert (customer.points.available, customer.points.owed, customer.points.pending) == (70, 0, 0)


def test_what_was_released_early_goes_back_with_its_goods() -> None:
    customer = Customer(shop({"expiry": "1 year", "pending": {"until": "check_in", "time_out": "30 days"}}))
    customer.does("purchase", "2026-01-10", amount="100.00")
    customer.does("purchase", "2026-01-11", amount="10.00")
    customer.does("activity", "2026-01-12", name="check_in")
    customer.does("return", "2026-01-13", of="e1")
    assert (customer.points.available, customer.points.owed) == (10, 0)
    assert [lot.origin for lot in customer.points.lots] == ["e2"]


def test_a_lot_lives_again_once_though_it_lapses_again_within_the_window() -> None:
    customer = Customer(shop({"expiry": "1 day", "reinstatement": {"within": "10 days", "event": "check_in", "last_day": "1 day"}}))
    customer.does("purchase", "2026-01-01", amount="10.00")
    customer.does("activity", "2026-01-04", name="check_in")
    assert customer.points.expiring == ((date(2026, 1, 5), 10),)
    customer.does("activity", "2026-01-07", name="check_in")
    assert customer.points.available == 0


def test_what_lives_again_settles_debt_first() -> None:
    customer = Customer(shop({"expiry": "1 day", "reinstatement": {"within": "10 days", "event": "check_in", "last_day": "1 day"}}))
    customer.does("purchase", "2026-01-01", amount="10.00")
    customer.waits("2026-01-03")
    customer.does("adjustment", "2026-01-03", account="points", quantity=-4, reason="error")
    customer.does("activity", "2026-01-04", name="check_in")
    assert (customer.points.available, customer.points.owed) == (6, 0)


# -- debt --------------------------------------------------------------------------------------------------------------


def test_two_rules_that_earn_share_one_refund() -> None:
    """10.00 pay 10 x 30 = 300 + 300 points at 0.02 each: 12.00 would be kept back from 10.00."""
    more = {"id": "more", "kind": "points.accrual", "points_per_unit": 30}
    debt = {"then": "from_refund", "value": {"points": "50", "money": "1.00"}}
    customer = Customer(shop({"expiry": "never", "debt": debt}, others=({**EARN, "points_per_unit": 30}, more, PAY)))
    customer.does("purchase", "2026-01-10", amount="10.00")
    customer.does("redemption", "2026-01-11", points=600)
    step = customer.does("return", "2026-01-12", of="e1")
    kept = told(step, "points.debt.from_refund")
    assert [(row["points"], str(row["taken"]), str(row["refund"])) for row in kept] == [
        (300, "6.00 CNY", "4.00 CNY"),
        (200, "4.00 CNY", "0.00 CNY"),
    ]
    assert customer.points.owed == 100


@pytest.mark.parametrize("debt", ["from_refund", "write_off"])
def test_debt_that_one_rule_settled_is_owed_again_though_another_rule_is_short(debt: str) -> None:
    """10 of the first 100 points settle debt; taking those 100 back reaches into the second 100, which are 10 short then."""
    customer = Customer(shop({"expiry": "never", "debt": debt}, others=(EARN, {**EARN, "id": "more"}, PAY)))
    customer.does("adjustment", "2026-01-09", account="points", quantity=-10, reason="error")
    customer.does("purchase", "2026-01-10", amount="100.00")
    customer.does("return", "2026-01-10", of="e2")
    assert (customer.points.available, customer.points.owed) == (0, 10)


def test_nothing_is_kept_back_where_no_cash_goes_back() -> None:
    customer = Customer(shop({"expiry": "never", "debt": "from_refund"}))
    customer.does("adjustment", "2026-01-09", account="points", quantity=1000, reason="start")
    customer.does("purchase", "2026-01-10", lines=[{"amount": "10.00"}], tenders={"points": {"amount": "5.00", "quantity": 500}, "card": "5.00"})
    customer.does("redemption", "2026-01-11", points=505)
    step = customer.does("return", "2026-01-12", of="e2", amount="5.00")  # to the card, from the last tender on
    assert told(step, "returns.tenders.split")[0]["refund"] == cr.Money("5.00", "CNY")
    assert told(step, "points.debt.from_refund")[0]["points"] == 5  # what is kept was paid with points: nothing of it earns
    back = customer.does("return", "2026-01-13", of="e2")
    assert told(back, "points.debt.from_refund") == []


def test_what_is_written_off_stands_in_the_metrics_and_adds_up() -> None:
    program = shop({"expiry": "never", "debt": "write_off"})
    history: list[dict[str, Any]] = [
        {"type": "purchase", "id": "p", "occurred_at": "2026-01-10T12:00:00Z", "amount": "100.00"},
        {"type": "redemption", "id": "r", "occurred_at": "2026-01-11T12:00:00Z", "points": 100},
        {"type": "return", "id": "b", "occurred_at": "2026-01-12T12:00:00Z", "of": "p"},
    ]
    collected = cr.replay(program, [program.event({**event, "customer_id": "c"}) for event in history]).collect()
    (account,) = cr.metrics(program, collected.journal).accounts
    (month,) = account.periods
    moved = {name: value for name, value in month.moved.items() if value}
    assert moved == {"issued": 100, "redeemed": 100, "shortfall": 100, "settled": 100, "written_off": 100}
    assert (month.closing, month.owed) == (0, 0)


# -- what is held ------------------------------------------------------------------------------------------------------


def held(*accounts: dict[str, Any], points: int = 60) -> Customer:
    """100 points of Saturday 10 January, so many of which are held from the same day on."""
    customer = Customer(shop(*accounts))
    customer.does("purchase", "2026-01-10", amount="100.00")
    customer.does("hold", "2026-01-10", points=points)
    return customer


def test_what_is_held_does_not_wither() -> None:
    customer = held({"expiry": "never", "decay": {"share": "50%", "per": "week"}})
    customer.waits("2026-01-12")  # Monday: half of the 40 that can be spent
    assert (customer.points.available, customer.points.held) == (20, 60)
    customer.does("void", "2026-01-13", of="e2")
    assert customer.points.available == 80
    customer.waits("2026-01-19")
    assert customer.points.available == 40


def test_what_is_held_lapses_only_when_it_is_let_go() -> None:
    customer = held({"expiry": "1 month"})
    customer.waits("2026-03-01")
    assert (customer.points.available, customer.points.held) == (0, 60)
    step = customer.does("void", "2026-03-02", of="e2")
    assert told(step, "points.hold.expired")[0]["points"] == 60
    assert (customer.points.available, customer.points.held) == (0, 0)


def test_what_is_held_can_be_taken_after_its_last_day() -> None:
    customer = held({"expiry": "1 month"})
    assert told(customer.does("capture", "2026-03-02", of="e2"), "points.redemption.paid")[0]["points"] == 60


def test_activity_carries_what_is_held_too() -> None:
    customer = held({"expiry": {"length": "1 month", "inactivity": "6 months", "of": "check_in"}})
    customer.does("activity", "2026-02-01", name="check_in")
    customer.does("void", "2026-03-02", of="e2")  # the lot's own last day was 10 February
    assert customer.points.available == 100
    customer.waits("2026-08-02")
    assert customer.points.available == 0


def test_what_is_held_and_let_go_after_the_activity_has_carried_it_lapses() -> None:
    customer = held({"expiry": {"length": "1 month", "inactivity": "3 months", "of": "check_in"}})
    customer.does("activity", "2026-02-01", name="check_in")
    customer.waits("2026-05-02")
    assert (customer.points.available, customer.points.held) == (0, 60)
    customer.does("void", "2026-05-03", of="e2")
    assert customer.points.available == 0


def test_what_is_held_is_let_go_alive_while_expiry_is_suspended() -> None:
    customer = held({"expiry": "1 month", "suspended": {"spend": ">= 100"}})
    customer.does("void", "2026-06-01", of="e2")
    assert (customer.points.available, customer.points.held) == (100, 0)
    customer.waits("2027-01-11")  # the twelve months hold the purchase no more
    assert customer.points.available == 0


def test_points_without_a_date_that_are_held_as_expiry_is_switched_on_have_its_one_full_period() -> None:
    customer = held({"expiry": "never"}, {"effective_from": "2026-03-01", "expiry": "6 months"}, points=100)
    customer.waits("2026-04-01")
    customer.does("void", "2026-04-02", of="e2")
    customer.waits("2026-09-01")
    assert customer.points.available == 100
    customer.waits("2026-09-02")
    assert customer.points.available == 0


def test_points_without_a_date_that_are_let_go_after_that_period_lapse() -> None:
    customer = held({"expiry": "never"}, {"effective_from": "2026-03-01", "expiry": "6 months"}, points=100)
    customer.does("void", "2026-10-02", of="e2")
    assert customer.points.available == 0
