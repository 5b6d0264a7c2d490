"""Options of different parts together, at their edges: nothing is won or lost by combining them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

import custrules as cr
from custrules.settling import Settling
from custrules.testing.histories import History, history

GIFT = {"name": "welcome", "points": 1000, "once": "ever"}
SPEND: dict[str, Any] = {"id": "pay", "kind": "points.redemption", "value": {"points": 100, "money": "1"}}
SALE: dict[str, Any] = {"id": "gifts", "kind": "points.transfer", "sell": {"lines": {"sku": "P"}, "points_per_quantity": 1}}
ACTIVITIES = ("fee", "delivered", "call", "idle")
POINTS = {"sku": "P", "quantity": 500, "amount": "10.00"}


def shop(*policies: dict[str, Any], **account: Any) -> cr.Program:
    return cr.Program(
        id="shop",
        zone="Europe/London",
        currency="GBP",
        activities={name: {} for name in ACTIVITIES},
        measures={"spend": {"sum": "spend", "window": "12 months"}},
        policies=[
            *policies,
            {"id": "points", "kind": "points.account", "expiry": "never", **account},
            {"id": "earn", "kind": "points.accrual", "points_per_unit": 1, "exclude_lines": {"sku": "P"}},
            SPEND,
        ],
    )


def ladder(*benefits: dict[str, Any]) -> dict[str, Any]:
    levels = [{"name": "member"}, {"name": "gold", "enter": {"spend": ">= 100"}, "benefits": list(benefits)}]
    return {"id": "tier", "kind": "tiers.ladder", "levels": levels, "term": "12 months", "downgrade": "one_level"}


def delivered(told: History, by: History) -> History:
    """The history of the customer to whom the signal of the last step goes."""
    assert told.at is not None
    [signal] = [effect for effect in told.last.effects if isinstance(effect, cr.Signal)]
    step = by.program.step(by.state, by.program.event(signal.delivered(told.at)))
    assert step.accepted
    return History(by.program, step.state, told.at, (*by.steps, step))


def merged(old: History, new: History) -> History:
    """The history of a card that takes in another one."""
    return delivered(old.event("merge", into=new.state.customer_id), new)


def level_of(told: History) -> str:
    held = told.state.tier()
    return held.name if held is not None else ""


# -- what lapses and comes back ----------------------------------------------------------------------------------------


def test_what_a_return_forgave_is_not_reinstated() -> None:
    program = shop(expiry="1 month", reinstatement={"within": "30 days", "event": "visit", "last_day": "1 month"})
    lapsed = history(program).on("2026-01-10").purchase("100", id="o").on("2026-02-12")
    returned = lapsed.return_("o")
    assert "points.expiry.forgone" in returned.codes
    assert returned.visit().state.points().available == 0


def test_what_is_kept_of_an_order_is_reinstated_after_a_return_in_part() -> None:
    program = shop(expiry="1 month", reinstatement={"within": "30 days", "event": "visit", "last_day": "1 month"})
    lapsed = history(program).on("2026-01-10").purchase("100", id="o").on("2026-02-12")
    assert lapsed.return_("o", amount="40").visit().state.points().available == 60
    assert lapsed.visit().state.points().available == 100


def test_what_withered_is_forgiven_when_the_goods_come_back() -> None:
    program = shop(decay={"share": "50%", "per": "week"})
    withered = history(program).on("2026-01-10").purchase("100", id="o").on("2026-01-12")  # a Monday
    assert withered.return_("o").state.points()[:4] == (0, 0, 0, 0)


HELD_OR_SPENT = [("hold", "void"), ("redemption", "redemption_cancelled")]


@pytest.mark.parametrize(("taken", "undone"), HELD_OR_SPENT)
def test_a_return_forgives_alike_whether_a_hold_or_a_redemption_was_undone_before_or_after_it(taken: str, undone: str) -> None:
    """The points lapse while they are held (or spent): what they were taken back for is owed no more once they come back as nothing."""
    bought = history(shop(expiry="1 month")).on("2026-01-10").purchase("100", id="o").event(taken, id="t", points=100)
    before = bought.on("2026-02-12").event(undone, of="t").return_("o")
    after = bought.return_("o").on("2026-02-12").event(undone, of="t")
    assert before.state.points()[:4] == after.state.points()[:4] == (0, 0, 0, 0)
    assert "points.debt.forgiven" in after.codes


def test_no_more_is_forgiven_than_a_return_left_owed() -> None:
    """60 of 100 are held in two holds; a return of 70 finds 40 and leaves 30 owed: of 60 that lapse, 30 are forgiven, once."""
    bought = history(shop(expiry="1 month")).on("2026-01-10").purchase("100", id="o").hold(20, id="h").hold(40, id="i").return_("o", amount="70")
    assert bought.state.points().owed == 30
    first = bought.on("2026-02-12").adjustment(-5).void("h")
    assert first.state.points().owed == 15
    both = first.void("i")
    assert both.state.points().owed == 5
    assert both.return_("o").state.points().owed == 5  # the other 30 of it lapsed unspent


def test_what_lapsed_while_it_was_held_forgives_no_debt_of_another_kind() -> None:
    held = history(shop(expiry="1 month")).on("2026-01-10").purchase("100", id="o").hold(100, id="h").adjustment(-30)
    assert held.on("2026-02-12").void("h").state.points()[:4] == (0, 0, 0, 30)


def test_points_live_again_once_though_they_go_to_another_customer_and_come_back() -> None:
    back = {"within": "30 days", "event": "visit", "last_day": "1 month"}
    program = shop({"id": "gifts", "kind": "points.transfer", "send": {}}, expiry="1 month", reinstatement=back)
    ann = history(program, "ann").on("2026-01-10").purchase("100").on("2026-02-12").visit()
    sent = ann.event("transfer", to="bob", points=100)
    bob = delivered(sent, history(program, "bob").on("2026-02-12").purchase("1"))
    again = delivered(bob.event("transfer", to="ann", points=100, back=True), sent)
    assert again.state.points().available == 100
    assert again.on("2026-03-15").visit().state.points().available == 0
    assert bob.on("2026-03-15").visit().state.points().available == 1  # her own, of 12 February


# -- points for money --------------------------------------------------------------------------------------------------


def test_points_whose_money_comes_back_go_back() -> None:
    bought = history(shop(SALE)).on("2026-01-10").purchase(id="o", lines=[POINTS])
    assert bought.return_("o", amount="2.50").state.points().available == 375
    assert bought.return_("o", amount="9.99").state.points().available == 0  # 500 x 0.01 / 10.00 is half a point


def test_points_go_back_alike_by_money_and_by_pieces() -> None:
    bought = history(shop(SALE)).on("2026-01-10").purchase(id="o", lines=[{**POINTS, "quantity": 3, "amount": "10.00"}])
    piece = {"sku": "P", "quantity": 1}
    assert bought.return_("o", lines=[piece]).state.points().available == 2  # of 10.00, 6.67 are kept
    assert bought.return_("o", lines=[piece]).return_("o", lines=[piece]).state.points().available == 1
    mixed = bought.return_("o", amount="5.00").return_("o", lines=[{"sku": "P", "amount": "0.01"}])
    assert mixed.return_("o", amount="2.50").state.points().available == 0  # 3 x 2.49 / 10.00


def test_points_that_were_bought_and_spent_are_kept_back_from_the_refund() -> None:
    bought = history(shop(SALE, debt="from_refund")).on("2026-01-10").purchase(id="o", lines=[POINTS]).redemption(500)
    returned = bought.return_("o")
    [told] = [why for decision in returned.last.decisions for why in decision.reasons if why.code == "points.debt.from_refund"]
    assert told.params["refund"] == cr.Money("5.00", "GBP")
    assert returned.state.points().owed == 0


def test_points_that_were_bought_and_spent_are_never_written_off() -> None:
    bought = history(shop(SALE, debt="write_off")).on("2026-01-10").purchase(id="o", lines=[POINTS]).redemption(500)
    assert bought.return_("o").state.points().owed == 500


# -- two cards ---------------------------------------------------------------------------------------------------------


def test_points_that_activity_kept_are_kept_when_two_cards_become_one() -> None:
    program = shop(expiry={"inactivity": "12 months"})
    old = history(program, "old").on("2024-01-10").purchase("100").on("2024-12-10").purchase("10").on("2025-11-10").purchase("1")
    new = history(program, "new").on("2026-01-20").purchase("150")
    both = merged(old.on("2026-02-01"), new)
    assert both.state.points().available == 261
    assert both.advance("2027-01-20").state.points().available == 261
    assert both.advance("2027-01-21").state.points().available == 0


def test_points_that_activity_kept_settle_what_the_survivor_owes() -> None:
    program = shop(expiry={"inactivity": "12 months"})
    old = history(program, "old").on("2024-12-10").purchase("100").on("2025-11-10").purchase("1")
    new = history(program, "new").on("2026-01-20").adjustment(-30)
    points = merged(old.on("2026-02-01"), new).state.points()
    assert (points.available, points.owed) == (71, 0)


def test_a_gift_is_not_given_again_for_a_level_that_another_card_brings() -> None:
    program = shop(ladder(GIFT))
    old = history(program, "old").on("2026-01-10").purchase("100", id="o")
    new = history(program, "new").on("2026-01-11").purchase("5")
    both = merged(old.on("2026-01-12"), new)
    assert level_of(both) == "gold"
    assert both.state.points().available == 1105


def test_a_gift_once_in_a_life_is_remembered_from_another_card() -> None:
    program = shop(ladder(GIFT))
    old = history(program, "old").on("2026-01-10").purchase("100", id="o").return_("o")
    new = history(program, "new").on("2026-01-11").purchase("5")
    both = merged(old.on("2026-01-12"), new)
    assert both.purchase("100").state.points().available == 1105


def test_two_cards_that_reach_a_level_together_have_its_gift() -> None:
    program = shop(ladder(GIFT))
    old, new = (history(program, name).on("2026-01-10").purchase("60", id=name) for name in ("old", "new"))
    assert merged(old, new).state.points().available == 1120


def test_benefits_that_another_card_has_used_are_used() -> None:
    program = shop(ladder({"name": "cake", "quantity": 2, "per": "calendar month"}, {"name": "wash", "quantity": 1, "per": "10 days"}))
    old = history(program, "old").on("2026-01-10").purchase("100", id="o").redemption(reward="cake").redemption(reward="wash")
    new = history(program, "new").on("2026-01-11").purchase("100", id="n")
    both = merged(old.on("2026-01-12"), new)
    last = both.redemption(reward="cake", id="c").redemption(reward="cake", id="d", verdict="refused")
    assert last.codes == ("tiers.benefit.used_up",)
    assert both.redemption(reward="wash", id="w", verdict="refused").codes == ("tiers.benefit.used_up",)


def test_what_another_card_let_lapse_not_long_ago_may_come_back() -> None:
    program = shop(expiry="1 month", reinstatement={"within": "30 days", "event": "visit", "last_day": "1 month"})
    old = history(program, "old").on("2026-01-10").purchase("100", id="o").on("2026-02-12").visit().on("2026-02-13").purchase("7", id="n")
    old = old.on("2026-03-15")  # the 100 have lapsed for good, the 7 will come back
    new = history(program, "new").on("2026-02-14").purchase("20", id="m")
    both = merged(old.on("2026-03-16"), new)
    assert both.state.points().available == 0
    assert both.visit().state.points().available == 27
    assert merged(old.on("2026-03-16"), history(program, "new")).visit().state.points().available == 7


def test_points_that_lived_again_do_not_live_again_on_another_card() -> None:
    program = shop(expiry="1 month", reinstatement={"within": "30 days", "event": "visit", "last_day": "1 month"})
    old = history(program, "old").on("2024-01-10").purchase("100").on("2024-02-12").visit()  # its order will have closed by 2026
    program = program.revise("points", reinstatement={"within": "30 days", "event": "visit", "last_day": "24 months"})
    old = history(program, "old").on("2024-01-10").purchase("100").on("2024-02-12").visit()
    both = merged(old.on("2026-01-10"), history(program, "new").on("2026-01-09").purchase("5"))
    assert both.state.points().available == 105
    assert both.on("2026-02-13").visit().state.points().available == 5


def test_what_withers_is_carried_on_from_another_card() -> None:
    """50% of 1 a month, rounded down: half a point is carried on either card, and together they make one."""
    program = shop(decay={"share": "50%", "per": "month"})
    old, new = (history(program, name).on("2026-01-10").purchase("1", id=name).on("2026-02-10") for name in ("old", "new"))
    assert merged(old, new).advance("2026-03-01").state.points().available == 0  # 1/2 + 1/2 + 50% of 2
    assert merged(old, history(program, "new").on("2026-02-10").purchase("1")).advance("2026-03-01").state.points().available == 1


# -- gifts and activity ------------------------------------------------------------------------------------------------


def test_a_gift_that_activity_keeps_is_taken_back_with_its_level() -> None:
    program = shop(ladder({"name": "welcome", "points": 1000, "on_loss": "take_back"}), expiry={"inactivity": "1 month"})
    active = history(program).on("2026-01-10").purchase("100", id="o").on("2026-02-05").purchase("1").on("2026-03-01").purchase("1")
    assert active.return_("o").state.points().available == 2


def test_progress_lives_through_the_days_to_come_a_few_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many days some measure changes on, and however many statuses an account writes in between."""
    program = shop(ladder(), decay={"share": "1%", "per": "day", "rounding": "ceil"})
    state = history(program).on("2026-01-01")
    for _ in range(40):
        state = state.purchase("2").later("3 days")
    opened, right = list[object](), Settling.open

    def counted(self: Settling, due: date | datetime) -> None:
        opened.append(due)
        right(self, due)

    monkeypatch.setattr(Settling, "open", counted)
    goal = program.progress(state.state).ladders[0].next
    assert goal is not None
    assert len(goal.drops) > 10
    assert len(opened) < 4 * 366


# -- findings ----------------------------------------------------------------------------------------------------------


def test_an_activity_that_only_brings_a_level_or_points_back_is_read() -> None:
    bought = {**ladder(), "bought": [{"event": "fee", "level": "gold", "length": "3 months"}]}
    back = {"within": "9 days", "event": "call", "last_day": "9 days"}
    program = shop(bought, pending={"until": "delivered"}, expiry="1 month", reinstatement=back)
    assert [found.params["name"] for found in cr.check(program) if found.code == "check.unread"] == ["idle"]


@pytest.mark.parametrize(("purpose", "missed"), [("rank", False), ("spend", True)])
def test_credits_that_only_rank_are_not_missed_where_points_are_spent(purpose: str, missed: bool) -> None:
    account = {"id": "miles", "kind": "points.account", "expiry": "never", "purpose": purpose}
    fly = {"id": "fly", "kind": "points.accrual", "account": "miles", "points_per_unit": 1}
    other = {**SPEND, "account": "cash"}
    cash = {"id": "cash", "kind": "points.account", "expiry": "never"}
    program = cr.Program(id="air", zone="UTC", currency="GBP", policies=[cash, account, fly, {**fly, "id": "earn", "account": "cash"}, other])
    assert ("check.account_never_spent" in {found.code for found in cr.check(program)}) == missed


def test_a_gift_once_per_level_is_remembered_by_every_name_of_the_level() -> None:
    first = ladder({**GIFT, "once": "per level"})
    second, third = ({**first, "effective_from": f"2026-0{month}-01"} for month in (2, 3))
    for version, was, name in ((second, "gold", "best"), (third, "best", "top")):
        version["levels"] = [first["levels"][0], {**first["levels"][1], "name": name, "was": was}]
    reached = history(shop(first, second, third)).on("2026-01-05").purchase("100", id="a").return_("a")
    again = reached.on("2026-03-05").purchase("100")
    assert level_of(again) == "top"
    assert again.state.points().available == 1100


def test_a_level_reached_by_what_rolled_over_is_lost_when_that_is_returned() -> None:
    levels = [{"name": "member"}, {"name": "silver", "enter": {"year": ">= 100"}}, {"name": "gold", "enter": {"year": ">= 300"}}]
    rollover = [{"measure": "year", "above": "level_held", "from_level": "silver"}]
    term = {"length": "14 months", "from": "end_of_qualifying_year"}
    rules = {"qualifying_year": "calendar", "term": term, "downgrade": "one_level", "rollover": rollover, "levels": levels}
    year = {"sum": "spend", "window": "qualifying year"}
    program = cr.Program(id="air", zone="UTC", currency="GBP", measures={"year": year}, policies=[{"id": "tier", "kind": "tiers.ladder", **rules}])
    carried = history(program).on("2025-06-01").purchase("100", id="a").on("2025-12-30").purchase("150", id="b").on("2026-01-02")
    gold = carried.purchase("150", id="c")  # and 150 of 2025
    assert level_of(gold) == "gold"
    assert level_of(gold.return_("b")) == "silver"
    assert level_of(gold.purchase("150", id="d").return_("b")) == "gold"


@pytest.mark.parametrize("account", [{"expiry": "1 month", "suspended": {"tier": "gold"}}, {"expiry": {"inactivity": "12 months"}}])
def test_the_liability_of_a_journal_counts_points_that_are_kept_beyond_their_last_days(account: dict[str, Any]) -> None:
    program = shop(ladder(), **account)
    told = history(program).on("2026-01-10").purchase("100").on("2026-12-20").purchase("1").on("2027-01-05").visit()
    done = cr.replay(program, told.events).collect()
    [found] = cr.liability(program, done.journal, on="2027-01-05").accounts
    [held] = cr.liability(program, [told.state], on="2027-01-05").accounts
    assert (found.outstanding, held.outstanding) == (101, 101)


# -- closed accounts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("on_closure", "left"), [("forfeit", 0), ("keep", 60)])
def test_what_comes_back_after_a_closure_is_forfeited_where_all_the_rest_was(on_closure: str, left: int) -> None:
    spent = history(shop(on_closure=on_closure)).on("2026-01-10").purchase("100", id="o").redemption(60, id="r").return_("o", amount="40")
    closed = spent.event("closure", reason="moved away")
    back = closed.redemption_cancelled("r")
    assert ("points.closure.forfeited" in back.codes) == (left == 0)
    assert back.enrolment().state.points().available == left


# -- more than an account can hold -------------------------------------------------------------------------------------


def codes(program: cr.Program, **fields: Any) -> list[tuple[str, str]]:
    with pytest.raises(cr.EventError) as caught:
        program.event({"id": "e", "customer_id": "c-1", "occurred_at": "2026-01-10T12:00:00Z", **fields})
    return [(fault.code, fault.path) for fault in caught.value.diagnostics]


def test_an_award_beyond_what_an_account_can_hold_is_cut_and_told() -> None:
    """An account holds less than 10^17 smallest units: with 6 decimals, less than 10^11 points."""
    program = shop(scale=6).revise("earn", points_per_unit="1000000")
    bought = history(program).on("2026-01-10").purchase("1000000000000", id="o")
    assert "points.account.full" in bought.codes
    assert str(bought.state.points().available) == "99999999999.999999"
    again = bought.purchase("100")
    assert again.state.points().available == bought.state.points().available
    assert cr.State.from_json(again.state.to_json()) == again.state
    assert bought.return_("o").state.points()[:4] == (0, 0, 0, 0)


def test_points_that_an_account_cannot_take_are_not_given_by_hand_nor_sold() -> None:
    program = shop(SALE, scale=6)
    full = history(program).on("2026-01-10").adjustment("99999999999")
    assert full.adjustment("1.5").codes == ("points.account.full",)
    assert full.adjustment("-1").adjustment("1.5").state.points().available == 99999999999.5
    assert full.purchase(lines=[POINTS], verdict="refused").codes == ("points.account.full",)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"type": "adjustment", "account": "points", "quantity": "-100000000000", "reason": "r"}, "quantity"),
        ({"type": "redemption", "points": "100000000000"}, "points"),
        ({"type": "hold", "points": "100000000000"}, "points"),
        ({"type": "transfer", "to": "bob", "points": "100000000000"}, "points"),
        ({"type": "transfer", "sender": "bob", "lots": [{"quantity": "100000000000"}]}, "lots[0].quantity"),
        (
            {"type": "opening", "balances": {"points": {"lots": [{"quantity": "1"}, {"quantity": "100000000000"}]}}},
            "balances.points.lots[1].quantity",
        ),
    ],
)
def test_an_event_of_more_points_than_a_lot_can_hold_is_refused_as_it_is_read(fields: dict[str, Any], path: str) -> None:
    assert codes(shop(scale=6), **fields) == [("event.too_many_points", path)]
