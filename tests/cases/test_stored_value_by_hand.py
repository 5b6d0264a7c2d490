"""Stored value that was reckoned by hand: every basis after every order of spending, in parts, with fees, interest, debts and disputes.

A, G, f and L are what was paid, given, consumed, and consumed at list price; the arithmetic stands beside each figure.
"""

from __future__ import annotations

from typing import Any

import pytest

import custrules as cr
from cases.test_refunds_by_hand import LAW, WORKED, paid, program, quote, spent
from custrules.testing import History, history

BASES = (
    "{consumer: {basis: paid_minus_list}, merchant: {basis: paid_minus_ratio}, closure: {basis: paid_minus_face},"
    " death: {basis: principal_remaining}, minor: {basis: face_remaining}}"
)
CAUSES = ("merchant", "closure", "consumer", "death", "minor")


def ladder(*rows: tuple[str, str]) -> str:
    return "ladder: [" + ", ".join(f"{{pay: {pay}, give: {give}}}" for pay, give in rows) + "], mode: highest"


def stands(ann: History) -> tuple[str, ...]:
    return tuple(str(ann.state.balance(f"card.{name}").amount) for name in ("principal", "bonus", "held", "owed"))  # type: ignore[union-attr]  # money


def refunded(ann: History, day: str, cause: str, **fields: Any) -> History:
    """A refund that is asked for and paid on one day."""
    number = f"r{len(ann.steps)}"
    return ann.on(day).event("refund_request", id=number, cause=cause, **fields).event("refund_paid", of=number)


def said(ann: History, name: str, code: str = "") -> str:
    """A figure of the last step."""
    reasons = (why for found in ann.last.decisions for why in found.reasons if code in why.code)
    value = next(why.params[name] for why in reasons if name in why.params)
    return str(value.amount if isinstance(value, cr.Money) else value)


# -- every basis, after every order --------------------------------------------------------------------------------------


# ratio, face, list, principal left, principal and bonus left.
@pytest.mark.parametrize(
    ("order", "currency", "paid_in", "given", "used", "listed", "expected"),
    [
        # 1000 + 200, 300 at 375: 1000 - 300 x 1000/1200; 1000 - 300; 1000 - 375; 1000 - 300, 1000 - 100, 1000 - 250; 1200 - 300
        ("principal_first", "CNY", "1000.00", "200.00", "300.00", "375.00", ("750.00", "700.00", "625.00", "700.00", "900.00")),
        ("bonus_first", "CNY", "1000.00", "200.00", "300.00", "375.00", ("750.00", "700.00", "625.00", "900.00", "900.00")),
        ("pro_rata", "CNY", "1000.00", "200.00", "300.00", "375.00", ("750.00", "700.00", "625.00", "750.00", "900.00")),
        # more than was paid is used: 1000 - 1100 x 5/6 = 83.33; never below nought; 0, 100 and 83.33 of principal are left; 100 of both
        ("principal_first", "CNY", "1000.00", "200.00", "1100.00", "1100.00", ("83.33", "0.00", "0.00", "0.00", "100.00")),
        ("bonus_first", "CNY", "1000.00", "200.00", "1100.00", "1100.00", ("83.33", "0.00", "0.00", "100.00", "100.00")),
        ("pro_rata", "CNY", "1000.00", "200.00", "1100.00", "1100.00", ("83.33", "0.00", "0.00", "83.33", "100.00")),
        # 777.77 + 33.33, 123.45: 777.77 - 123.45 x 777.77/811.10 = 777.77 - 118.3771 = 659.39
        ("pro_rata", "CNY", "777.77", "33.33", "123.45", "123.45", ("659.39", "654.32", "654.32", "659.39", "687.65")),
        # yen have no decimals: 1000 - 500 x 1000/1500 = 666.67; dinars three: 10 - 1.001 x 10/13.333 = 9.249231
        ("pro_rata", "JPY", "1000", "500", "500", "500", ("667", "500", "500", "667", "1000")),
        ("pro_rata", "KWD", "10.000", "3.333", "1.001", "1.250", ("9.249", "8.999", "8.750", "9.249", "12.332")),
        # a visit to the shop that one never made: nothing is used
        ("bonus_first", "CNY", "500.00", "80.00", "", "", ("500.00", "500.00", "500.00", "500.00", "580.00")),
    ],
)
def test_each_basis_after_each_order(order: str, currency: str, paid_in: str, given: str, used: str, listed: str, expected: tuple[str, ...]) -> None:
    ann = paid(program(BASES, currency=currency, spend=f"order: {order}"), "2026-01-01", paid_in, given=given)
    if used:
        ann = spent(ann, "2026-01-02", used, list_amount=listed)
    assert tuple(quote(ann, "2026-02-01", cause) for cause in CAUSES) == expected


# SV-R18 with other numbers: 300 + 30, 700 + 210, 200 + 0; 350.00 used, the oldest or the newest first. Each: 300 - 330 x 10/11 = 0,
# 700 - 20 x 10/13 = 684.62, 200: 884.62; the other way 200 - 200, 700 - 150 x 10/13 = 584.62, 300: 884.62. Pooled: 1200 - 350 x 1200/1440 = 908.33.
@pytest.mark.parametrize(
    ("among", "how", "expected"), [("fifo", "each", "884.62"), ("lifo", "each", "884.62"), ("fifo", "pooled", "908.33"), ("lifo", "pooled", "908.33")]
)
def test_several_top_ups_have_each_its_own_ratio_or_one(among: str, how: str, expected: str) -> None:
    rules = program(BASES, spend=f"order: pro_rata, top_ups: {among}", refund=f"top_ups: {how}")
    ann = paid(rules, "2026-01-01", "300.00", given="30.00").on("2026-01-02").event("top_up", id="t2", amount="700.00", given="210.00")
    ann = spent(ann.on("2026-01-03").event("top_up", id="t3", amount="200.00"), "2026-01-04", "350.00")
    assert quote(ann, "2026-02-01", "merchant") == expected


def test_of_top_ups_under_two_ladders_each_has_what_it_was_given() -> None:
    rules = cr.loads("""
program: shop
zone: Asia/Shanghai
currency: CNY
policies:
  - {id: card, kind: stored_value.account, form: amount}
  - {id: top-up, kind: stored_value.top_up, ladder: [{pay: 1000.00, give: 200.00}], mode: highest}
  - {id: top-up, kind: stored_value.top_up, effective_from: 2026-03-01, ladder: [{pay: 1000.00, give: 100.00}], mode: highest}
  - {id: spend, kind: stored_value.spending, order: bonus_first}
  - {id: refund, kind: stored_value.refund, causes: {consumer: {basis: paid_minus_ratio}}}
  - {id: refund, kind: stored_value.refund, effective_from: 2026-05-01, causes: {consumer: {basis: paid_minus_face, fee: {percent: 10%}}}}
""")
    ann = paid(rules, "2026-02-28", "1000.00").on("2026-03-01").event("top_up", id="t2", amount="1000.00")
    ann = spent(ann, "2026-03-02", "600.00")  # the bonus, 200 and 100, then 300 of the first principal: f = 500 and 100
    assert quote(ann, "2026-04-30", "consumer") == "1492.42"  # 1000 - 500 x 1000/1200 + 1000 - 100 x 1000/1100 = 583.33 + 909.09
    assert quote(ann, "2026-05-01", "consumer") == "1260.00"  # (500 + 900) x 0.9
    asked = ann.on("2026-04-30").event("refund_request", id="r1", cause="consumer").on("2026-05-03").event("refund_paid", of="r1")
    assert said(asked, "amount", "refund.paid") == "1492.42"  # by the terms that it was asked under


# -- what comes back -----------------------------------------------------------------------------------------------------


# 1000 + 200, 300 pro rata (250 + 50), 120 of it come back: as if 180 had been bought, 150 + 30.
def test_what_was_returned_was_not_consumed() -> None:
    ann = paid(program(BASES, spend="order: pro_rata"), "2026-01-01", "1000.00", given="200.00").on("2026-01-02")
    ann = ann.purchase("300.00", id="p1", tenders={"stored_value": "300.00"}, list_amount="375.00").on("2026-01-03").return_(of="p1", amount="120.00")
    assert stands(ann)[:2] == ("850.00", "170.00")
    # 1000 - 180 x 5/6; 1000 - 180; 1000 - 180 x 375/300
    assert [quote(ann, "2026-02-01", cause) for cause in CAUSES[:3]] == ["850.00", "820.00", "775.00"]


@pytest.mark.parametrize("order", ["principal_first", "bonus_first", "pro_rata"])
def test_three_thirds_that_come_back_are_the_whole(order: str) -> None:
    ann = paid(program(BASES, spend=f"order: {order}"), "2026-01-01", "7.00", given="3.33").on("2026-01-02")
    ann = ann.purchase("10.00", id="p1", tenders={"stored_value": "10.00"})
    for part in ("3.33", "3.34", "3.33"):
        ann = ann.return_(of="p1", amount=part)
    assert stands(ann) == ("7.00", "3.33", "0.00", "0.00")


# 60 of the card and 40 by bank card; half comes back: the bank card first, or each its share.
@pytest.mark.parametrize(("how", "after_one"), [("reverse", "50.00"), ("pro_rata", "70.00")])
def test_a_mixed_payment_comes_back_by_the_rule_of_the_program(how: str, after_one: str) -> None:
    ann = paid(program(BASES, head=f"returns: {{tenders: {how}}}"), "2026-01-01", "100.00").on("2026-01-02")
    ann = ann.purchase("100.00", id="p1", tenders={"stored_value": "60.00", "card": "40.00"}).return_(of="p1", amount="50.00")
    assert stands(ann)[0] == after_one
    assert stands(ann.return_(of="p1", amount="50.00"))[0] == "100.00"


# The 200 of list price of an order that the card pays in part counts in its part: 375 x 200/300 = 250.
def test_the_list_price_of_a_mixed_payment_is_shared() -> None:
    ann = paid(program(BASES), "2026-01-01", "1000.00").on("2026-01-02")
    ann = ann.purchase("300.00", list_amount="375.00", tenders={"stored_value": "200.00", "card": "100.00"})
    assert quote(ann, "2026-02-01", "consumer") == "750.00"


def test_what_was_held_and_captured_in_part_is_consumed_in_part() -> None:
    ann = paid(program(BASES, spend="order: pro_rata"), "2026-01-01", "1000.00", given="200.00").on("2026-01-02")
    ann = ann.event("hold", id="h1", amount="120.00", list_amount="150.00")
    assert quote(ann, "2026-01-02", "merchant") == "900.00"  # what is held counts as consumed: 1000 - 120 x 5/6
    ann = ann.on("2026-01-03").event("capture", of="h1", amount="60.00")
    assert [quote(ann, "2026-02-01", cause) for cause in CAUSES[:3]] == ["950.00", "940.00", "925.00"]  # 60 x 5/6, 60, 60 x 150/120


# -- parts, tenders, fees ------------------------------------------------------------------------------------------------


# 1000 + 333, 100 used: 1000 - 75.01875 = 924.98, whatever went back before.
def test_two_refunds_in_part_are_one_to_the_cent() -> None:
    ann = spent(paid(program(BASES, spend="order: pro_rata"), "2026-01-01", "1000.00", given="333.00"), "2026-01-02", "100.00")
    assert quote(ann, "2026-02-01", "merchant") == "924.98"
    assert quote(refunded(ann, "2026-02-01", "merchant", amount="300.33"), "2026-02-02", "merchant") == "624.65"


# SV-R19 to R21 with other numbers: 600 of 2000 + 500 are asked back; 1400 would have brought 200. requalify: 300 go, 200 stay. Once the bonus
# was spent, the 300 are kept back in money. surrender: 500 x 600/2000 = 150 go.
@pytest.mark.parametrize(
    ("bonus", "used", "cash", "left"),
    [
        ("requalify", "", "600.00", ("1400.00", "200.00")),
        ("requalify", "500.00", "300.00", ("1400.00", "0.00")),
        ("surrender_pro_rata", "", "600.00", ("1400.00", "350.00")),
        ("surrender_pro_rata", "500.00", "450.00", ("1400.00", "0.00")),
        ("forfeit", "", "600.00", ("1400.00", "0.00")),
        ("keep", "", "600.00", ("1400.00", "500.00")),
    ],
)
def test_a_part_takes_its_bonus_along(bonus: str, used: str, cash: str, left: tuple[str, str]) -> None:
    rows = ladder(("500.00", "80.00"), ("1000.00", "200.00"), ("2000.00", "500.00"))
    ann = paid(program(BASES, top_up=rows, spend="order: bonus_first", refund=f"bonus: {bonus}"), "2026-01-01", "2000.00")
    ann = spent(ann, "2026-01-02", used) if used else ann
    ann = refunded(ann, "2026-02-01", "death", of="t1", amount="600.00")
    assert said(ann, "amount", "refund.paid") == cash
    assert stands(ann)[:2] == left


# {convert: 50%}: 700 of principal and half of 200; by the face 1000 - 300 and 100; by the ratio 750 and 100. Never more than was paid.
@pytest.mark.parametrize(
    ("cause", "used", "expected"), [("death", "300.00", "800.00"), ("closure", "300.00", "800.00"), ("merchant", "300.00", "850.00")]
)
def test_a_bonus_that_is_converted_is_worth_its_share(cause: str, used: str, expected: str) -> None:
    ann = paid(program(BASES, refund="bonus: {convert: 50%}"), "2026-01-01", "1000.00", given="200.00")
    assert quote(ann, "2026-02-01", cause) == "1000.00"
    assert quote(spent(ann, "2026-01-02", used), "2026-02-01", cause) == expected


# 2 % of it, at least 5, at most 50; 1.5 % and 3.00, at least 10; never more than it. A second part costs what is left of the whole's: 14 - 5.
@pytest.mark.parametrize(
    ("fee", "amount", "expected"),
    [
        ("{percent: 2%, min: 5.00, max: 50.00}", "700.00", "686.00"),
        ("{percent: 2%, min: 5.00, max: 50.00}", "249.99", "244.99"),  # 4.9998, so 5.00
        ("{percent: 2%, min: 5.00, max: 50.00}", "2500.01", "2450.01"),
        ("{percent: 2%, min: 5.00, max: 50.00}", "4.99", "0.00"),
        ("{percent: 1.5%, fixed: 3.00, min: 10.00}", "1133.34", "1113.34"),  # 17.0001 + 3 = 20.00
        ("{percent: 1.5%, fixed: 3.00, min: 10.00}", "333.33", "323.33"),  # 5.00 + 3, so 10
        ("forbidden", "700.00", "700.00"),
    ],
)
def test_a_fee_has_its_bounds_and_never_eats_more_than_there_is(fee: str, amount: str, expected: str) -> None:
    assert quote(paid(program(f"{{consumer: {{basis: paid_minus_face, fee: {fee}}}}}"), "2026-01-01", amount), "2026-02-01", "consumer") == expected


def test_the_fees_of_two_parts_are_that_of_the_whole() -> None:
    ann = paid(program("{consumer: {basis: paid_minus_face, fee: {percent: 2%, min: 5.00, max: 50.00}}}"), "2026-01-01", "700.00")
    first = refunded(ann, "2026-02-01", "consumer", of="t1", amount="100.00")
    assert said(first, "amount", "refund.paid") == "95.00"
    assert quote(first, "2026-02-02", "consumer") == "591.00"  # 600 - (14 - 5)


@pytest.mark.parametrize(("split", "expected"), [("pro_rata", {"card": 42000, "cash": 28000}), ("lifo", {"card": 30000, "cash": 40000})])
def test_a_refund_goes_back_to_the_tenders(split: str, expected: dict[str, int]) -> None:
    rules = program("{consumer: {basis: paid_minus_face}}", refund=f"payout: {{to: original_tender, split: {split}}}")
    ann = history(rules).on("2026-01-01").event("top_up", id="t1", tenders={"card": "600.00", "cash": "400.00"})
    ann = refunded(ann, "2026-02-01", "consumer", of="t1", amount="700.00")
    reasons = [why for found in ann.last.decisions for why in found.reasons if why.code.endswith("to_tender")]
    assert {why.params["tender"]: why.params["amount"].minor for why in reasons} == expected


# -- interest ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "since", "until", "rate", "expected"),
    [
        ("act/365", "2024-02-01", "2024-03-01", "3.00%", "23.84"),  # 10000 x 0.03 x 29/365
        ("act/360", "2024-02-01", "2024-03-01", "3.00%", "24.17"),  # x 29/360
        ("act/act", "2023-12-01", "2024-02-01", "3.65%", "61.92"),  # 365 x (31/365 + 31/366)
        ("30/360", "2026-01-31", "2026-03-31", "3.60%", "60.00"),  # two months of 30 days
        ("30e/360", "2026-01-31", "2026-02-28", "3.60%", "28.00"),  # from the 30th to the 28th
    ],
)
def test_interest_is_counted_by_its_convention(count: str, since: str, until: str, rate: str, expected: str) -> None:
    rules = program(f"{{consumer: {{basis: paid_minus_face, interest: {{rate: {rate}, from: request}}}}}}", refund=f"day_count: {count}")
    ann = paid(rules, "2023-11-01", "10000.00").on(since).event("refund_request", id="r1", cause="consumer").on(until).event("refund_paid", of="r1")
    assert said(ann, "interest", "refund.paid") == expected


# SPC art. 16 and 17: the rate when the contract was made, from the rescission: 750 x 3.45 % x 60/365 = 4.2534; a day later 3.00 %: 3.6986.
@pytest.mark.parametrize(("day", "expected"), [("2025-05-19", "4.25"), ("2025-05-20", "3.70")])
def test_interest_runs_at_the_rate_of_the_day_of_the_contract(day: str, expected: str) -> None:
    head = "rates: {lpr_1y: {2024-10-21: 3.45%, 2025-05-20: 3.00%}}"
    rules = program("{merchant: {basis: paid_minus_ratio, interest: {rate: lpr_1y, from: rescission}}}", head=head)
    ann = spent(paid(rules, day, "1000.00", given="200.00"), "2025-06-02", "300.00")
    ann = ann.on("2026-05-01").event("refund_request", id="r1", of="t1", cause="merchant", rescinded="2026-04-01")
    assert said(ann.on("2026-05-31").event("refund_paid", of="r1"), "interest", "refund.paid") == expected


# From the payment: 100 for 59 days and 100 for 28, rounded once: 87 x 100 x 0.03/365 = 0.7151; of each by itself 0.48 + 0.23.
def test_the_interest_of_two_top_ups_is_rounded_once() -> None:
    rules = program("{consumer: {basis: paid_minus_face, interest: {rate: 3.00%, from: payment}}}")
    ann = paid(rules, "2026-01-01", "100.00").on("2026-02-01").event("top_up", id="t2", amount="100.00")
    ann = ann.on("2026-02-10").event("refund_request", id="r1", cause="consumer").on("2026-03-01").event("refund_paid", of="r1")
    assert said(ann, "interest", "refund.paid") == "0.72"


# -- banks ---------------------------------------------------------------------------------------------------------------


# 1000 + 200, 300 pro rata (250 + 50); the bank takes 400: 400 of 750 and 200 x 400/1000 = 80 of 150. Then 1000 - 250 - 400; 1000 - 300 - 400.
def test_a_dispute_in_part_takes_its_share_of_the_bonus() -> None:
    ann = spent(paid(program(BASES, spend="order: pro_rata"), "2026-01-01", "1000.00", given="200.00"), "2026-01-02", "300.00")
    ann = ann.on("2026-01-03").event("chargeback", of="t1", amount="400.00")
    assert stands(ann) == ("350.00", "70.00", "0.00", "0.00")
    assert [quote(ann, "2026-02-01", cause) for cause in CAUSES[:2]] == ["350.00", "300.00"]
    won = ann.on("2026-01-04").event("chargeback", of="t1", dispute="won")
    assert stands(won) == ("750.00", "150.00", "0.00", "0.00")


# 300 of 1000 were used and are owed; 500 come in: 200 are left, and what is left reaches no row of 500. Gross it does.
@pytest.mark.parametrize(("on", "bonus"), [("net", "0.00"), ("gross", "80.00")])
def test_a_debt_comes_first_and_the_rest_reaches_the_ladder(on: str, bonus: str) -> None:
    rules = program(BASES, top_up=f"{ladder(('500.00', '80.00'))}, bonus_on: {on}")
    ann = spent(paid(rules, "2026-01-01", "400.00"), "2026-01-02", "300.00").on("2026-01-03").event("chargeback", of="t1")
    assert stands(ann) == ("0.00", "0.00", "0.00", "300.00")
    ann = ann.on("2026-01-04").event("top_up", id="t2", amount="500.00")
    assert stands(ann) == ("200.00", bonus, "0.00", "0.00")


def test_what_settled_a_debt_is_consumed() -> None:
    ann = spent(paid(program(BASES), "2026-01-01", "1000.00"), "2026-01-02", "300.00").on("2026-01-03").event("chargeback", of="t1")
    ann = ann.on("2026-01-04").event("top_up", id="t2", amount="500.00")
    assert [quote(ann, "2026-02-01", cause) for cause in CAUSES[:4]] == ["200.00"] * 4  # 500 - 300, by whatever basis


# -- the law -------------------------------------------------------------------------------------------------------------

TERMS = "{consumer: {}, merchant: {basis: paid_minus_list, fee: {percent: 2%}}}"


# 1000 + 200, 300 used at 400. Before 1 May 2025 the terms hold: 600 less 2 %; from then on 1000 - 250, without a fee (art. 18 and 15). Where the
# consumer is the cause: at list (art. 19), in Shandong by the ratio; without a law, what is best for her.
@pytest.mark.parametrize(
    ("profile", "day", "cause", "expected"),
    [
        ("CN", "2025-04-30", "merchant", "588.00"),
        ("CN", "2025-05-01", "merchant", "750.00"),
        ("CN", "2026-02-01", "consumer", "600.00"),
        ("CN-SD", "2026-02-01", "consumer", "750.00"),
        ("", "2026-02-01", "consumer", "750.00"),
        ("CN", "2026-02-01", "force_majeure", "750.00"),
        ("CN", "2026-02-01", "minor", "750.00"),
        ("CN", "2026-02-01", "death", "not_listed"),
        ("CN-BJ", "2025-04-30", "merchant", "735.00"),  # Beijing had the original offer hold before, and nothing said about fees
    ],
)
def test_what_the_law_says_about_a_cause_holds_from_its_day(profile: str, day: str, cause: str, expected: str) -> None:
    ann = paid(program(TERMS, head=LAW % profile if profile else ""), "2025-01-01", "1000.00", given="200.00")
    assert quote(spent(ann, "2025-01-02", "300.00", list_amount="400.00"), day, cause) == expected


# SV-C08 with other days: 5 days of a cooling-off in Beijing, 15 otherwise; Zhejiang pays within 5 where the merchant is the cause; terms that say
# later give way to a rule that cannot be agreed otherwise.
@pytest.mark.parametrize(
    ("profile", "sla", "cause", "pay_by"),
    [
        ("CN-BJ", "", "cooling_off", "2026-06-08"),
        ("CN-BJ", "", "consumer", "2026-06-18"),
        ("CN-BJ", "sla: 30 days", "cooling_off", "2026-06-08"),
        ("CN-BJ", "sla: 30 days", "consumer", "2026-07-03"),
        ("CN-ZJ", "sla: 10 days", "merchant", "2026-06-08"),
        ("CN", "sla: 5 working days", "merchant", "2026-06-10"),  # Wednesday 3 June: 4, 5, 8, 9, 10
    ],
)
def test_a_refund_is_paid_within_the_shorter_of_terms_and_law(profile: str, sla: str, cause: str, pay_by: str) -> None:
    rules = program("{cooling_off: {}, consumer: {}, merchant: {}}", head=f"{LAW % profile}\n{WORKED}", refund=sla)
    asked = paid(rules, "2026-06-01", "1000.00").on("2026-06-03").event("refund_request", cause=cause, of="t1")
    assert said(asked, "pay_by") == pay_by


# Paid on 1 and on 6 June, 300 used of the first: on 8 June both can be asked back, 700 + 2000, on 9 June the second alone.
def test_each_top_up_has_its_own_seven_days() -> None:
    ann = paid(program("{cooling_off: {basis: paid_minus_list}}", head=LAW % "CN"), "2026-06-01", "1000.00")
    ann = spent(ann.on("2026-06-06").event("top_up", id="t2", amount="2000.00"), "2026-06-07", "300.00")
    assert [quote(ann, day, "cooling_off") for day in ("2026-06-08", "2026-06-09")] == ["2700.00", "2000.00"]


@pytest.mark.parametrize(("by", "expected"), [("2027-03-10", "3560.00"), ("2028-02-29", "0.00")])
def test_a_year_from_march_before_a_leap_day_has_366_days(by: str, expected: str) -> None:
    rules = program("{consumer: {basis: time_pro_rata}}", card="form: period, length: 1 year")
    assert quote(paid(rules, "2027-03-01", "3660.00", starts="2027-03-01"), by, "consumer") == expected  # 10 of 366 days at 10.00


def test_gifts_of_one_kind_are_one_task() -> None:
    row = "ladder: [{pay: 1000.00, gifts: [{item: mug, value: 30.00}]}], mode: per_multiple"
    ann = paid(
        program("{consumer: {basis: paid_minus_face, gifts: discretionary}, merchant: {basis: paid_minus_face}}", top_up=row), "2026-01-01", "2500.00"
    )
    assert quote(ann, "2026-02-01", "merchant") == "2440.00"  # two mugs are kept back
    asked = ann.on("2026-02-01").event("refund_request", cause="consumer", of="t1")
    (task,) = [effect for effect in asked.last.effects if isinstance(effect, cr.Touchpoint)]
    assert (task.template, task.data["value"], task.data["number"]) == ("gift_mug", "60.00 CNY", 2)
