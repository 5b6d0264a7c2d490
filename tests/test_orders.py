"""Orders: what comes back of lines and tenders, in any sequence, sums exactly and is never more than is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custrules.baskets import OrderFault
from custrules.events import Purchase, Return, read_event
from custrules.ledger import ISSUED, REVERSED, Lot, LotPart, Move
from custrules.order_lines import MONEY, NOT_EARNING, OrderLine, OrderTender, price_of
from custrules.ordering import order_of
from custrules.orders import Order, Record

DAY = date(2026, 3, 31)
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
RULES = ("reverse", "pro_rata")
rules = st.sampled_from(RULES)


def order(lines: Sequence[int | OrderLine], tenders: list[tuple[str, int]] | None = None) -> Order:
    """An order of lines by amount (a, b, c …; one piece each) and of tenders."""
    rows = [line if isinstance(line, OrderLine) else OrderLine("abcdefgh"[at], None, Decimal(1), line, 0) for at, line in enumerate(lines)]
    return Order("o1", "purchase", DAY, NOON, tuple(rows), tuple(OrderTender(kind, amount) for kind, amount in tenders or []))


def back(amount: int | None = None, *lines: dict[str, Any]) -> Return:
    fields = {"amount": money(amount)} if amount is not None else {"lines": list(lines)} if lines else {}
    event = read_event({"type": "return", "id": "r1", "customer_id": "c1", "occurred_at": NOON, "of": "o1"} | fields, "CNY")
    assert isinstance(event, Return)
    return event


def money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d} CNY"


def fault_of(of: Order, event: Return) -> OrderFault:
    with pytest.raises(OrderFault) as caught:
        of.take_back(event)
    return caught.value


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Lines of some sku, amount and quantity, paid by tenders that sum to their amount."""
    lines = [
        OrderLine(draw(st.sampled_from("abc")), None, Decimal(draw(st.integers(1, 5))), draw(st.integers(0, 2000)), 0)
        for _ in range(draw(st.integers(1, 4)))
    ]
    left = sum(line.amount for line in lines)
    tenders = []
    for kind in draw(st.lists(st.sampled_from(["cash", "card", "points", "stored_value", "gift_card", "coupon"]), max_size=4)):
        amount = draw(st.integers(0, left))
        tenders.append((kind, amount))
        left -= amount
    return order(lines, [*tenders, ("card", left)] if draw(st.booleans()) or tenders else [])


asks = st.lists(
    st.one_of(
        st.integers(0, 2500).map(back),
        st.just(back()),
        st.builds(
            lambda line, quantity, amount: back(
                None, {"line": line} | ({"quantity": quantity} if quantity else {}) | ({"amount": money(amount)} if amount is not None else {})
            ),
            st.integers(1, 4),
            st.none() | st.integers(1, 3),
            st.none() | st.integers(0, 1500),
        ),
        st.builds(
            lambda sku, quantity: back(None, {"sku": sku} | ({"quantity": quantity} if quantity else {})),
            st.sampled_from("abc"),
            st.none() | st.sampled_from(["1", "2", "0.5"]),
        ),
    ),
    max_size=8,
)


def histories(of: Order, asked: list[Return]) -> Iterator[tuple[Order, Order]]:
    """The order before and after each return that is not refused."""
    for event in asked:
        try:
            after = of.take_back(event)
        except OrderFault:
            continue
        yield of, after
        of = after


# -- any sequence --------------------------------------------------------------------------------------------------------


@given(orders(), asks)
def test_never_more_comes_back_than_is_left_of_the_order_and_of_each_line(of: Order, asked: list[Return]) -> None:
    for before, after in histories(of, asked):
        assert before.returned <= after.returned <= of.amount
        assert after.amount == of.amount == after.left + after.returned
        assert sum(after.kept()) == after.left
        for line, was, kept in zip(of.lines, before.kept(), after.kept(), strict=True):
            assert 0 <= kept <= was <= line.amount
        assert all(0 <= line.quantity_left <= line.quantity for line in after.lines)


@given(orders(), asks, rules)
def test_what_goes_back_to_tenders_is_what_came_back_and_never_less_than_before(of: Order, asked: list[Return], rule: str) -> None:
    for before, after in histories(of, asked):
        backs = after.tenders_back(rule)
        for tender, was, now in zip(of.tenders, before.tenders_back(rule), backs, strict=True):
            assert 0 <= was <= now <= tender.amount
        assert sum(backs) == (after.returned if of.tenders else 0)


@given(orders(), asks, rules)
def test_when_all_is_back_every_tender_is_back(of: Order, asked: list[Return], rule: str) -> None:
    for _, after in histories(of, [*asked, back()]):
        of = after
    assert of.left == 0
    assert of.tenders_back(rule) == [tender.amount for tender in of.tenders]


@given(orders(), asks, rules)
def test_a_refund_is_what_goes_back_in_cash_and_by_card(of: Order, asked: list[Return], rule: str) -> None:
    for _, after in histories(of, asked):
        backs = zip(of.tenders, after.tenders_back(rule), strict=True)
        expected = sum(amount for tender, amount in backs if tender.type in ("cash", "card")) if of.tenders else after.returned
        assert after.refunded(rule) == expected
    assert {"cash", "card"} == MONEY


@given(orders(), asks, rules)
def test_what_earns_is_what_is_kept_of_the_tenders_that_earn(of: Order, asked: list[Return], rule: str) -> None:
    for _, after in histories(of, [back(0), *asked]):
        kept = [tender.amount - amount for tender, amount in zip(of.tenders, after.tenders_back(rule), strict=True) if tender.type not in NOT_EARNING]
        assert after.earning(rule) * after.left == (sum(kept) if of.tenders else after.left)
    assert {"points", "gift_card", "coupon"} == NOT_EARNING


@given(orders(), asks)
def test_an_order_is_read_back_after_any_returns(of: Order, asked: list[Return]) -> None:
    for _, after in histories(of, asked):
        assert Order.from_data(after.id, after.to_data()) == after


@given(orders(), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3), rules)
def test_two_partial_returns_are_one_return_of_a_line(of: Order, at: int, first: int, second: int, rule: str) -> None:
    at = min(at, len(of.lines) - 1)
    if of.lines[at].quantity < first + second:
        return
    line = {"line": at + 1}
    once = of.take_back(back(None, line | {"quantity": first + second}))
    twice = of.take_back(back(None, line | {"quantity": first})).take_back(back(None, line | {"quantity": second}))
    assert twice.lines == once.lines
    assert twice.tenders_back(rule) == once.tenders_back(rule)
    assert twice.refunded(rule) == once.refunded(rule)


@given(orders(), st.integers(0, 4000), st.integers(0, 4000), rules)
def test_two_partial_returns_of_an_amount_are_one(of: Order, first: int, second: int, rule: str) -> None:
    if first + second > of.left or not second or not first:
        return
    once, twice = of.take_back(back(first + second)), of.take_back(back(first)).take_back(back(second))
    assert twice.kept() == once.kept()
    assert twice.tenders_back(rule) == once.tenders_back(rule)


# -- hand arithmetic -----------------------------------------------------------------------------------------------------


def test_the_last_tender_named_gets_its_money_back_first() -> None:
    of = order([1000], [("cash", 300), ("card", 500), ("stored_value", 200)]).take_back(back(600))
    assert of.tenders_back("reverse") == [0, 400, 200]
    # 600 of 1000: 180, then floor or half up of 420 x 500/700 = 300, then what is left
    assert of.tenders_back("pro_rata") == [180, 300, 120]


def test_a_coupon_keeps_its_share_of_what_comes_back() -> None:
    # the coupon paid 100 of 1000: of 255 it keeps 25.5, so 26; 229 go back to the card
    of = order([1000], [("coupon", 100), ("card", 900)]).take_back(back(255))
    assert of.tenders_back("reverse") == of.tenders_back("pro_rata") == [26, 229]
    assert of.refunded("reverse") == 229


def test_two_coupons_share_what_coupons_keep() -> None:
    # coupons paid 300 of 1000: of 500 they keep 150, a third of it the first
    of = order([1000], [("coupon", 100), ("card", 700), ("coupon", 200)]).take_back(back(500))
    assert of.tenders_back("reverse") == [50, 350, 100]


def test_an_amount_is_spread_over_what_is_left_of_the_lines() -> None:
    # 100 over 300:600:100 is 30, 60, 10; after line a came back whole, another 70 over 540:90 is 60, 10
    of = order([300, 600, 100]).take_back(back(100))
    assert of.kept() == [270, 540, 90]
    of = of.take_back(back(None, {"sku": "a"})).take_back(back(70))
    assert of.kept() == [0, 480, 80]


def test_pieces_of_a_line_come_back_at_running_totals() -> None:
    # three for 10.00: one is 3.33 (6.67 are kept), the second 3.34 (3.33 are kept), the third 3.33
    of, parts = order([OrderLine("a", None, Decimal(3), 1000, 0)]), []
    for _ in range(3):
        after = of.take_back(back(None, {"sku": "a", "quantity": 1}))
        parts.append(after.returned - of.returned)
        of = after
    assert parts == [333, 334, 333]


def test_lines_of_one_sku_come_back_one_after_the_other() -> None:
    of = order([OrderLine("a", None, Decimal(2), 2000, 0), OrderLine("a", None, Decimal(1), 500, 0)])
    assert of.take_back(back(None, {"sku": "a", "quantity": 3})).returned == 2500
    assert [line.back for line in of.take_back(back(None, {"sku": "a", "amount": "21.00"})).lines] == [2000, 100]


def test_what_was_paid_by_tenders_that_do_not_earn_is_shared_over_all_that_is_kept() -> None:
    # 400 of 1000 were paid in points and by coupon: 60 % earn; after 300 came back (30 keep the coupon, 270 the card) 330 of 700
    of = order([700, 300], [("points", 300), ("coupon", 100), ("card", 600)])
    assert of.earning("reverse") == Fraction(3, 5)
    assert of.take_back(back(300)).earning("reverse") == Fraction(330, 700)
    assert order([700, 300]).earning("reverse") == 1


def test_what_earns_depends_on_which_tenders_get_their_money_back() -> None:
    # 500 of 1000 come back: all of it from the card, which leaves 100 of 500, or 300 of it, which leaves 300
    of = order([1000], [("points", 400), ("card", 600)]).take_back(back(500))
    assert of.earning("reverse") == Fraction(100, 500)
    assert of.earning("pro_rata") == Fraction(300, 500)


def test_an_amount_of_a_line_brings_back_the_pieces_that_it_stands_for() -> None:
    # four for 10.00: half the amount is two of them; half of what is left then is one
    of = order([OrderLine("a", None, Decimal(4), 1000, 0)]).take_back(back(None, {"sku": "a", "amount": "5.00"}))
    assert of.lines[0].back_quantity == 2
    assert of.take_back(back(None, {"sku": "a", "amount": "2.50"})).lines[0].back_quantity == 3


def test_pieces_that_an_amount_stands_for_are_rounded_down_at_six_decimals() -> None:
    # two pieces x 1/3 is 0.666666…
    of = order([OrderLine("a", None, Decimal(2), 300, 0)]).take_back(back(None, {"sku": "a", "amount": "1.00"}))
    assert of.lines[0].back_quantity == Decimal("0.666666")


def test_a_line_that_says_amount_and_quantity_brings_back_both() -> None:
    of = order([OrderLine("a", None, Decimal(4), 1000, 0)]).take_back(back(None, {"sku": "a", "quantity": 1, "amount": "5.00"}))
    assert (of.lines[0].back, of.lines[0].back_quantity) == (500, Decimal(1))


def test_no_amount_of_what_cost_nothing_is_no_piece_of_it() -> None:
    of = order([0]).take_back(back(None, {"sku": "a", "amount": "0.00"}))
    assert of.lines[0].back_quantity == 0


def test_a_piece_of_an_odd_amount_leaves_the_greater_half() -> None:
    # of 0.05 for two pieces, 2.5 rounded half up stay for the one that is kept
    of = order([OrderLine("a", None, Decimal(2), 5, 0)])
    assert of.take_back(back(None, {"sku": "a", "quantity": 1})).returned == 2


def test_a_piece_may_cost_nothing() -> None:
    # of 0.01 for three, two that are kept cost 0.0067, so 0.01
    of = order([OrderLine("a", None, Decimal(3), 1, 0)])
    assert of.take_back(back(None, {"sku": "a", "quantity": 1})).returned == 0


def test_a_line_without_pieces_left_gives_none_of_what_is_left_of_its_amount() -> None:
    of = order([OrderLine("a", None, Decimal(1), 700, 0), OrderLine("a", None, Decimal(1), 300, 0)])
    of = of.take_back(back(None, {"line": 1, "quantity": 1, "amount": "1.00"}))
    assert [line.back for line in of.take_back(back(None, {"sku": "a", "quantity": 1})).lines] == [100, 300]


def test_a_basket_out_of_which_nothing_was_taken_is_the_order_itself() -> None:
    of = order([700, 300]).take_back(back(50))
    assert of.after(of.basket()) is of


def test_lines_of_one_price_are_found_by_it() -> None:
    of = order([OrderLine("a", None, Decimal(2), 2000, 0), OrderLine("b", None, Decimal(1), 500, 0), OrderLine("c", None, Decimal("0.5"), 500, 0)])
    assert of.basket().of_price(price_of(1000, Decimal(1))) == [0, 2]


@pytest.mark.parametrize(("amount", "quantity"), [(10**17 + 1, Decimal(1)), (1, Decimal("90071992547.409931"))])
def test_a_price_is_exact_whatever_its_size(amount: int, quantity: Decimal) -> None:
    above, below = price_of(amount, quantity)
    assert Fraction(above, below) == Fraction(amount * 10**6, int(quantity * 10**6)) / 10**6


def test_an_order_without_tenders_was_paid_in_cash() -> None:
    of = order([1000]).take_back(back(400))
    for rule in RULES:
        assert (of.refunded(rule), of.tenders_back(rule)) == (400, [])


# -- asking for too much -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        back(1001),
        back(None, {"sku": "z"}),
        back(None, {"line": 3}),
        back(None, {"line": 0}),
        back(None, {"line": -1}),
        back(None, {"line": 1, "sku": "b"}),
        back(None, {"sku": "a", "quantity": 2}),
        back(None, {"sku": "a", "amount": "7.01"}),
        back(None, {"sku": "a", "amount": "7.00", "quantity": 2}),
        back(None, {"sku": "a"}, {"line": 1}),
        back(None, {"sku": "b"}, {"sku": "b", "amount": "0.01"}),
    ],
)
def test_asking_for_more_than_is_left_is_refused(event: Return) -> None:
    assert fault_of(order([700, 300]), event).code == "event.exceeds_order"


@pytest.mark.parametrize("event", [back(), back(1), back(0), back(None, {"line": 1}), back(None, {"sku": "a", "quantity": 1})])
def test_nothing_comes_back_twice(event: Return) -> None:
    assert fault_of(order([700, 300]).take_back(back()), event).code == "event.exceeds_order"


def test_an_order_that_cost_nothing_comes_back_once() -> None:
    of = order([0, 0]).take_back(back())
    assert of.all_gone
    assert fault_of(of, back()).code == "event.exceeds_order"


@pytest.mark.parametrize("rule", RULES)
def test_an_order_that_cost_nothing_gives_nothing_back_to_its_tenders(rule: str) -> None:
    of = order([0], [("coupon", 0), ("card", 0)]).take_back(back())
    assert (of.tenders_back(rule), of.refunded(rule)) == ([0, 0], 0)


def test_an_order_that_cost_nothing_may_come_back_line_by_line() -> None:
    of = order([0, 0]).take_back(back(None, {"line": 1}))
    assert not of.all_gone
    assert of.take_back(back(None, {"line": 2})).all_gone


def test_a_fault_says_how_much_is_left() -> None:
    of = order([700, 300]).take_back(back(400))
    fault = fault_of(of, back(601))
    assert (str(fault), fault.params) == ("event.exceeds_order", {"of": "o1", "asked": 601, "left": 600})


@pytest.mark.parametrize(
    ("line", "asked", "left"),
    [
        ({"sku": "a", "quantity": 2}, "a", 700),
        ({"sku": "a", "amount": "7.01"}, "a", 700),
        ({"line": 1, "amount": "7.01"}, "1", 700),
        ({"sku": "z"}, "z", 0),
        ({"line": 3}, "3", 0),
        ({"sku": "b"}, "b", 0),
    ],
)
def test_a_fault_of_a_line_says_what_was_asked_and_how_much_of_it_is_left(line: dict[str, Any], asked: str, left: int) -> None:
    of = order([700, 300]).take_back(back(None, {"sku": "b"}))
    assert fault_of(of, back(None, line)).params == {"of": "o1", "asked": asked, "left": left}


# -- made of events ------------------------------------------------------------------------------------------------------


def purchase(**fields: Any) -> Purchase:
    event = read_event({"type": "purchase", "id": "o1", "customer_id": "c1", "occurred_at": NOON} | fields, "CNY")
    assert isinstance(event, Purchase)
    return event


def test_an_order_given_by_its_amount_is_one_line_without_sku_or_category() -> None:
    of = order_of(purchase(amount="10.00"), DAY)
    assert of.lines == (OrderLine(None, None, Decimal(1), 1000, 0),)
    assert (of.id, of.type, of.day, of.occurred_at, of.tenders, of.list_amount) == ("o1", "purchase", DAY, NOON, (), None)


def test_an_order_has_the_lines_and_tenders_of_its_event() -> None:
    line = {"sku": "a", "category": "coffee", "quantity": "2", "amount": "10.00", "cost": "4.00"}
    tenders = [{"type": "points", "amount": "2.00", "quantity": "200"}, {"type": "coupon", "amount": "8.00", "reference": "c10"}]
    of = order_of(purchase(lines=[line], tenders=tenders, list_amount="12.00"), DAY)
    assert of.lines == (OrderLine("a", "coffee", Decimal(2), 1000, 400),)
    assert of.tenders == (OrderTender("points", 200, Decimal(200), None), OrderTender("coupon", 800, None, "c10"))
    assert of.list_amount == 1200


def test_a_line_whose_cost_is_not_given_cost_nothing() -> None:
    assert order_of(purchase(lines=[{"sku": "a", "quantity": 1, "amount": "10.00"}]), DAY).lines[0].cost == 0


# -- what policies did ---------------------------------------------------------------------------------------------------


def record() -> Record:
    lot = Lot("l1", "points", "o1", DAY, DAY, None, 100, "purchase")
    moves = (
        Move(ISSUED, "points", 70, (LotPart(lot, 70),)),
        Move(ISSUED, "points.owed", 30, (LotPart(lot, 30),)),
        Move("points", REVERSED, 20, (LotPart(lot, 20),)),
    )
    return Record(DAY, {"level": "gold", "spend": 1000, "ratio": "1/3", "vip": True}, moves)


def test_a_record_tells_what_was_moved() -> None:
    assert (record().moved(source=ISSUED), record().moved(target="points"), record().moved()) == (100, 70, 120)
    assert record().reversed == 20
    assert [part.quantity for part in record().parts(ISSUED)] == [70, 30]


def test_the_lots_of_an_order_are_those_that_came_of_it() -> None:
    own, other = (Lot(name, "points", origin, DAY, DAY, None, 100, "purchase") for name, origin in (("l1", "o1"), ("l2", "o2")))
    moves = (Move(ISSUED, "points", 100, (LotPart(own, 100),)), Move("points", REVERSED, 20, (LotPart(other, 20),)))
    assert Order("o1", "purchase", DAY, NOON, records={"earn": Record(DAY, {}, moves)}).lots() == [own]


def test_an_order_is_read_back_with_all_that_it_remembers() -> None:
    of = Order(
        "o1",
        "purchase",
        DAY,
        NOON,
        (OrderLine("a", "coffee", Decimal(1), 700, 0), OrderLine(None, None, Decimal("0.5"), 300, 100)),
        (OrderTender("points", 1000, Decimal("12.5"), "ref"),),
        spread=5,
        list_amount=0,
        tallied=("sum:spend",),
        records={"earn": record()},
        expired={"l1": 3},
        done=True,
    )
    assert Order.from_data("o1", of.to_data()) == of


def test_what_lines_and_coupons_say_beside_is_read_back() -> None:
    lines = (OrderLine("a", None, Decimal(1), 700, 0, list_amount=900, tax=100, tags=("delivery", "tax")), OrderLine("b", None, Decimal(1), 300, 0))
    of = Order("o1", "purchase", DAY, NOON, lines, (OrderTender("coupon", 1000, None, "c10", 300),))
    assert Order.from_data("o1", of.to_data()) == of
    assert [len(row) for row in of.to_data()["lines"]] == [10, 7]


def test_of_tags_an_order_keeps_those_that_say_of_which_kind_a_line_is() -> None:
    line = {"amount": "11.30", "tax": "1.30", "list_amount": "20.00", "tags": ["fragile", "top_up", "delivery"]}
    (sold,) = order_of(purchase(lines=[line]), DAY).lines
    assert (sold.tax, sold.list_amount, sold.tags) == (130, 2000, ("delivery", "top_up"))
    assert sold.is_of(frozenset({"top_up"}))
    assert not sold.is_of(frozenset({"gift_card"}))


@pytest.mark.parametrize("requalify", [True, False])
def test_a_coupon_s_minimum_is_remembered_where_coupons_are_lost(requalify: bool) -> None:
    tenders = [{"type": "coupon", "amount": "2.00", "minimum": "10.00"}, {"type": "card", "amount": "8.00"}]
    of = order_of(purchase(tenders=tenders), DAY, requalify=requalify)
    assert [tender.minimum for tender in of.tenders] == [1000 if requalify else None, None]


COUPONS = st.lists(st.tuples(st.integers(0, 400), st.one_of(st.none(), st.integers(0, 1500))), min_size=1, max_size=3)


@given(COUPONS, st.integers(0, 600), st.integers(0, 600), st.lists(st.integers(0, 300), max_size=4), st.sampled_from(("reverse", "pro_rata")))
def test_what_goes_back_is_what_came_back_whatever_coupons_are_lost(
    coupons: list[tuple[int, int | None]], cash: int, points: int, parts: list[int], rule: str
) -> None:
    rows = [OrderTender("coupon", amount, None, None, minimum) for amount, minimum in coupons]
    tenders = (OrderTender("cash", cash), *rows, OrderTender("points", points, Decimal(1)))
    total = sum(tender.amount for tender in tenders)
    of = Order("o1", "purchase", DAY, NOON, (OrderLine("a", None, Decimal(1), total, 0),), tenders)
    kept_share = replace(of, tenders=tuple(tender._replace(minimum=None) for tender in tenders))
    for part in (*parts, total):
        back = min(part, of.left)
        of, kept_share = (replace(one, spread=one.spread + back) for one in (of, kept_share))
        backs = of.tenders_back(rule)
        assert sum(backs) == of.returned
        assert all(0 <= given <= tender.amount for given, tender in zip(backs, tenders, strict=True))
        assert backs[-1] == kept_share.tenders_back(rule)[-1]  # what points get back does not hang on coupons
        assert of.refunded(rule) <= kept_share.refunded(rule)
    assert of.tenders_back(rule) == kept_share.tenders_back(rule)


def test_an_order_of_no_lines_is_read_back() -> None:
    of = Order("o1", "redemption", DAY, NOON, records={"spend": record()})
    assert Order.from_data("o1", of.to_data()) == of


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("spread", 1001, "^order o1: more came back than was sold"),
        ("spread", -1, "^order o1: more came back than was sold"),
        ("lines", [["a", None, "1", 700, 0, 701, "0"]], "^a line of which more came back than was sold"),
        ("lines", [["a", None, "1", 700, 0, 0, "2"]], "^a line of which more came back than was sold"),
        ("lines", [["a", None, "0", 700, 0, 0, "0"]], "^a line of which more came back than was sold"),
        ("lines", [["a", None, "1", -700, 0, 0, "0"]], "^a line of which more came back than was sold"),
        ("lines", [["a", None, "1", 700.0, 0, 0, "0"]], "^amounts and costs of a line are whole numbers"),
        ("lines", [[5, None, "1", 700, 0, 0, "0"]], "expected text, found int"),
        ("lines", [["a", None, "1", 700, 0, 0, "0", None, 701, []]], "^a line whose tax is not a part of its amount"),
        ("lines", [["a", None, "1", 700, 0, 0, "0", None, 0, "tax"]], "^a line whose tax is not a part of its amount, or whose tags are no list"),
        ("lines", [["a", None, "1", 700, 0, 0, "0", None, 0, [5]]], "expected text, found int"),
        ("tenders", [["card", 1000, None, 5]], "expected text, found int"),
        ("tenders", [["card", 999, None, None]], "^order o1: the tenders are not what the lines cost"),
        ("tenders", [["card", 1001, None, None], ["cash", -1, None, None]], "^order o1: the tenders are not what the lines cost"),
        ("tenders", [["card", "1000", None, None]], "expected a whole number, found str"),
        ("list_amount", "5", "expected a whole number, found str"),
        ("records", {"earn": {"effective_from": "2026-01-01", "facts": {"a": []}, "moves": []}}, "wrong_type"),
        ("type", None, "expected text, found NoneType"),
    ],
)
def test_an_order_refuses_rows_that_no_event_can_make(field: str, value: Any, says: str) -> None:
    data = order([700, 300]).to_data() | {field: value}
    with pytest.raises((ValueError, TypeError), match=says):
        Order.from_data("o1", data)
