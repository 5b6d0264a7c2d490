"""What a refund comes to: the reference cases (cases/refund_cases.json, with their sources) and what they leave open."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from cases.covering import covers
from reckoning_examples import DAY, after, cents, period, refund, shown, top_up, visits

from custrules.money import Rounding
from custrules.policies.stored_value.bases import Served
from custrules.policies.stored_value.charges import DAY_COUNTS, FeeTerms, interest, year_share
from custrules.policies.stored_value.history import TopUpHistory
from custrules.policies.stored_value.payout import below_minimum, in_cash, to_tenders
from custrules.policies.stored_value.reckoning import Terms, used, visits_for

PLAIN = top_up("1000", "200", face="300")  # nobody says out of which bucket: these bases do not look
PRO_RATA = top_up("1000", "200", face="300", bonus_used="50")
BONUS_FIRST = top_up("1000", "200", face="300", bonus_used="200")
PRINCIPAL_FIRST = top_up("1000", "200", face="300")
TWO_PERCENT: dict[str, Any] = {"share": Fraction(1, 50), "least": cents("5"), "most": cents("50")}


# -- bases -----------------------------------------------------------------------------------------------------------------


@covers("SV-R02", "SV-R03")
def test_what_remains_of_the_principal_depends_on_the_order_in_which_it_was_spent() -> None:
    found = [shown(refund(one, basis="principal_remaining").net) for one in (PRINCIPAL_FIRST, PRO_RATA, BONUS_FIRST)]
    assert found == ["700.00", "750.00", "900.00"]


@covers("SV-R04", "SV-R05")
@pytest.mark.parametrize("history", [PRINCIPAL_FIRST, PRO_RATA, BONUS_FIRST], ids=["principal", "pro_rata", "bonus"])
def test_the_other_bases_do_not(history: TopUpHistory) -> None:
    # 300 x 1000/1200 = 250; without a discount list price is face
    bases = {"paid_minus_ratio": "750.00", "paid_minus_face": "700.00", "paid_minus_list": "700.00"}
    assert {basis: shown(refund(history, basis=basis).net) for basis in bases} == bases
    assert shown(refund(history).lines[0].deducted) == "250.00"


@covers("SV-R06")
def test_the_consumers_own_fault_is_reckoned_at_list_price() -> None:
    history = top_up("1000", face="300", listed="375")  # 300 / 0.8
    assert [shown(refund(history, basis=basis).net) for basis in ("paid_minus_list", "paid_minus_ratio")] == ["625.00", "700.00"]


@covers("refund-law-art18", "refund-law-art20")
def test_the_articles_with_other_figures() -> None:
    # 1000 + 200: 600 cost 600 x 1000/1200; 1100 at list price are more than was paid, and nobody may claim the rest
    assert shown(refund(top_up("1000", "200", face="600")).net) == "500.00"
    assert refund(top_up("1000", "200", face="1100"), basis="paid_minus_list").net == 0


@covers("SV-R07")
def test_a_refund_is_never_below_nought_and_nobody_is_asked_for_more() -> None:
    history = top_up("1000", "200", face="1100", bonus_used="200")
    assert refund(history, basis="paid_minus_list").net == 0
    assert shown(refund(history).lines[0].deducted) == "916.67"


@covers("SV-R08")
def test_three_thousand_with_a_thousand_given() -> None:
    history = top_up("3000", "1000", face="3594")
    found = refund(history)
    assert [shown(found.lines[0].deducted), shown(found.net)] == ["2695.50", "304.50"]
    assert refund(history, basis="paid_minus_list").net == 0


@covers("SV-R09")
def test_classes_at_half_price_count_as_bought_or_at_list_price_by_whose_fault_it_is() -> None:
    # ten classes for 2000: three at 200 and two at 100 were taken, which cost 200 each at list price
    history = top_up("2000", face="800", listed="1000")
    assert shown(refund(history, basis="paid_minus_list").net) == "1000.00"
    assert shown(refund(history).net) == "1200.00"


@covers("SV-R18")
def test_two_top_ups_with_different_ratios_have_three_answers() -> None:
    first, second = top_up("500", "50"), top_up("1000", "200")
    fifo = [top_up("500", "50", face="550", bonus_used="50"), top_up("1000", "200", face="150")]
    lifo = [first, top_up("1000", "200", face="700")]
    assert shown(refund(*fifo).net) == "875.00"  # 1500 - 550 x 500/550 - 150 x 1000/1200
    assert shown(refund(*fifo, pooled=True).net) == "900.00"  # 1500 - 700 x 1500/1750
    assert shown(refund(*lifo, pooled=True).net) == "900.00"
    assert shown(refund(*lifo).net) == "916.67"  # 1500 - 700 x 1000/1200
    assert refund(first, second).net == cents("1500")


def test_what_one_top_up_of_a_pool_cannot_bear_the_others_do() -> None:
    # 100 + 100 given, all 200 used; 200 + 0 untouched: 300/400 for each unit, 150 in all, of which the first bears 100
    rows = [top_up("100", "100", face="200", bonus_used="100"), top_up("200")]
    found = refund(*rows, pooled=True)
    assert [shown(line.gross) for line in found.lines] == ["0.00", "150.00"]


@covers("SV-R23")
def test_the_exact_remainder_is_rounded_once() -> None:
    assert shown(refund(top_up("1000", "333", face="100")).net) == "924.98"  # 1000 - 75.01875
    history = top_up("1000", "333", face="100")
    rounded = [shown(refund(history, rounding=Rounding(name)).net) for name in ("floor", "ceil", "half_even")]
    assert rounded == ["924.98", "924.99", "924.98"]


@covers("SV-R35")
def test_bonus_that_was_used_given_up_in_money_is_paid_minus_face() -> None:
    left = refund(BONUS_FIRST, basis="principal_remaining").net - cents("200")
    assert left == refund(BONUS_FIRST, basis="paid_minus_face").net == cents("700")


def test_bonus_that_expired_unused_was_granted_all_the_same() -> None:
    # 1000 - 300 x 1000/1200, though nothing of the 200 is left
    assert shown(refund(PRINCIPAL_FIRST._replace(bonus=0, bonus_expired=cents("200"))).net) == "750.00"


def test_what_is_held_counts_as_consumed_until_it_is_let_go() -> None:
    held = top_up("1000", "200")._replace(principal=cents("700"), held=cents("300"))
    assert shown(refund(held).net) == "750.00"
    assert shown(refund(held, basis="paid_minus_list").net) == "700.00"


def test_face_remaining_pays_out_bonus() -> None:
    assert shown(refund(PRINCIPAL_FIRST, basis="face_remaining").net) == "900.00"
    assert shown(refund(top_up("1000", "200"), basis="face_remaining").net) == "1200.00"


# -- visits ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("basis", "net"),
    # 9300 for 80 lessons and 16 more, 20 used: 20 x 9300/96 = 1937.50; 20 x 9300/80 = 2325; at 150 each 3000
    [("paid_minus_ratio", "7362.50"), ("paid_minus_face", "6975.00"), ("paid_minus_list", "6300.00"), ("principal_remaining", "6975.00")],
)
def test_visits_are_counted_and_money_is_refunded(basis: str, net: str) -> None:
    assert shown(refund(visits("9300", 80, 16, used=20, list_price="150", listed="3000"), basis=basis).net) == net


def test_without_a_list_price_a_visit_costs_what_was_paid_for_it_without_those_given() -> None:
    assert shown(refund(visits("9300", 80, 16, used=20), basis="paid_minus_list").net) == "6975.00"


def test_a_held_visit_costs_its_list_price() -> None:
    held = visits("1000", 10, used=2, list_price="150", listed="300")._replace(held=1, principal=7)
    assert shown(refund(held, basis="paid_minus_list").net) == "550.00"  # 1000 - 3 x 150


# -- periods ---------------------------------------------------------------------------------------------------------------

YEAR = period("3600", date(2026, 1, 1), date(2026, 12, 31))


@covers("SV-R29")
def test_a_card_of_a_year_that_is_closed_after_three_months() -> None:
    # by months 9/12; the merchant's last day was 31 March
    assert shown(refund(YEAR, basis="time_pro_rata", on=date(2026, 4, 1), stopped=date(2026, 4, 1), by="month").net) == "2700.00"


@covers("SV-R30")
def test_the_day_of_the_request_is_served() -> None:
    ninetieth = date(2026, 1, 1) + timedelta(days=89)
    assert shown(refund(YEAR, basis="time_pro_rata", on=ninetieth).net) == "2712.33"  # 3600 x 275/365


@covers("SV-R31")
def test_the_day_on_which_the_merchant_stopped_is_not() -> None:
    # a hundred days were served, fifty later it was rescinded: 3600 x 265/365, not 3600 x 215/365
    start = date(2026, 1, 1)
    asked = start + timedelta(days=149)
    assert shown(refund(YEAR, basis="time_pro_rata", on=asked, stopped=start + timedelta(days=100)).net) == "2613.70"
    assert shown(refund(YEAR, basis="time_pro_rata", on=asked).net) == "2120.55"


def test_a_period_that_has_not_begun_is_refunded_whole_and_one_that_is_over_not_at_all() -> None:
    assert refund(YEAR, basis="time_pro_rata", on=date(2025, 12, 31)).net == cents("3600")
    assert refund(YEAR, basis="time_pro_rata", on=date(2027, 1, 1)).net == 0
    assert refund(YEAR, basis="time_pro_rata", on=date(2025, 11, 30), by="month").net == cents("3600")


def test_what_has_no_period_is_served() -> None:
    assert refund(top_up("100"), basis="time_pro_rata").net == 0


def test_days_of_absence_are_not_served_where_the_rules_say_so() -> None:
    assert shown(refund(YEAR, basis="time_pro_rata", on=date(2026, 3, 31), absent=90).net) == "3600.00"


def test_a_month_begins_on_the_day_of_the_month_on_which_the_first_did() -> None:
    card = period("1200", date(2026, 1, 31), date(2027, 1, 30))
    found = [shown(refund(card, basis="time_pro_rata", on=day, by="month").net) for day in (date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 31))]
    assert found == ["1100.00", "1000.00", "900.00"]  # the second month begins on 28 February, the third on 31 March


# -- fees ------------------------------------------------------------------------------------------------------------------


@covers("SV-R13", "SV-R14", "SV-R15")
@pytest.mark.parametrize(
    ("gross", "fee", "charged"),
    [("700", TWO_PERCENT, "14.00"), ("100", TWO_PERCENT, "5.00"), ("5000", TWO_PERCENT, "50.00"), ("3.00", {"fixed": cents("5")}, "3.00")],
)
def test_a_fee_is_a_share_within_its_bounds_and_never_more_than_what_is_refunded(gross: str, fee: dict[str, Any], charged: str) -> None:
    found = refund(top_up(gross), fee=FeeTerms(**fee))
    assert shown(found.fee) == charged
    assert found.net == cents(gross) - cents(charged)


def test_two_refunds_in_part_cost_what_one_in_full_costs() -> None:
    terms = FeeTerms(**TWO_PERCENT)
    parts = [terms.between(0, cents("60"), Rounding.half_up), terms.between(cents("60"), cents("700"), Rounding.half_up)]
    assert [shown(part) for part in parts] == ["5.00", "9.00"]


# -- interest --------------------------------------------------------------------------------------------------------------


@covers("SV-R27")
def test_interest_of_thirty_days() -> None:
    since = date(2026, 3, 1)
    until = since + timedelta(days=30)
    assert interest(cents("750"), Fraction(3, 100), since, until, "act/365", Rounding.half_up) == cents("1.85")
    assert interest(cents("700"), Fraction(15, 1000), since, until, "act/365", Rounding.half_up) == cents("0.86")
    assert interest(cents("750"), Fraction(3, 100), until, since, "act/365", Rounding.half_up) == 0


@pytest.mark.parametrize(
    ("since", "until", "shares"),
    [
        # 365 days; of 30/360 eleven months and 29 days from 30 (31) January to 29 December; half a leap year
        (date(2025, 3, 1), date(2026, 3, 1), {"act/365": "1", "act/360": "365/360", "act/act": "1", "30/360": "1", "30e/360": "1"}),
        (date(2024, 1, 1), date(2024, 7, 1), {"act/365": "182/365", "act/360": "182/360", "act/act": "182/366", "30/360": "1/2", "30e/360": "1/2"}),
        (date(2026, 1, 31), date(2026, 3, 31), {"act/365": "59/365", "30/360": "60/360", "30e/360": "60/360"}),
        (date(2026, 1, 15), date(2026, 3, 31), {"30/360": "76/360", "30e/360": "75/360"}),
        # one day of 2023 and 365 of 2024: 1/365 + 365/366
        (date(2023, 12, 31), date(2024, 12, 31), {"act/act": "133591/133590", "act/365": "366/365"}),
    ],
)
def test_a_stretch_of_days_is_the_share_of_a_year_that_its_day_count_defines(since: date, until: date, shares: dict[str, str]) -> None:
    assert {count: year_share(since, until, count) for count in DAY_COUNTS if count in shares} == {
        count: Fraction(share) for count, share in shares.items()
    }


# -- partial refunds, bonus ------------------------------------------------------------------------------------------------


def ladder(paid: int) -> int:
    """充500送80，充1000送200."""
    return cents("200") if paid >= cents("1000") else cents("80") if paid >= cents("500") else 0


@covers("SV-R21")
def test_a_partial_refund_takes_the_bonus_with_it_in_proportion() -> None:
    (line,) = (found := refund(top_up("1000", "200"), amount="400", bonus="surrender_pro_rata", basis="principal_remaining")).lines
    assert (shown(found.net), shown(line.principal), shown(line.bonus)) == ("400.00", "400.00", "80.00")


def test_a_partial_refund_leaves_the_bonus_of_what_is_still_paid_in() -> None:
    # 600 are left, for which 80 are given: 120 are given up, out of the bonus or, where that is used, out of the money
    kept = refund(top_up("1000", "200"), amount="400", bonus="requalify", ladder=ladder, basis="principal_remaining")
    assert (shown(kept.net), shown(kept.lines[0].bonus), kept.kept) == ("400.00", "120.00", 0)
    spent = refund(top_up("1000", "200", face="200", bonus_used="200"), amount="400", bonus="requalify", ladder=ladder, basis="principal_remaining")
    assert (shown(spent.net), shown(spent.lines[0].principal), shown(spent.kept)) == ("280.00", "400.00", "120.00")


def test_bonus_that_expired_is_not_asked_back_in_money() -> None:
    gone = top_up("1000", "200")._replace(bonus=0, bonus_expired=cents("200"))
    assert refund(gone, bonus="surrender_pro_rata", basis="principal_remaining").kept == 0


def test_bonus_that_a_basis_prices_already_is_not_asked_back_twice() -> None:
    assert refund(BONUS_FIRST, bonus="surrender_pro_rata").kept == 0


def test_what_is_left_of_the_bonus_lapses_with_a_refund() -> None:
    full, partial = refund(PRO_RATA), refund(PRO_RATA, amount="10")
    assert [shown(found.lines[0].bonus) for found in (full, partial)] == ["150.00", "150.00"]


def test_bonus_may_be_turned_into_money_but_never_into_more_than_was_paid() -> None:
    half: dict[str, Any] = {"bonus": "convert", "convert": Fraction(1, 2)}
    assert shown(refund(PRO_RATA, **half).net) == "825.00"  # 750 + 150/2
    assert shown(refund(top_up("1000", "200"), **half).net) == "1000.00"
    first = refund(PRO_RATA, amount="800", **half)
    assert shown(first.lines[0].bonus) == "100.00"  # 50 above what remains of the money are 100 of bonus


def test_principal_that_pays_for_bonus_used_is_told_apart_from_what_goes_back() -> None:
    (line,) = refund(BONUS_FIRST, basis="paid_minus_face").lines
    assert (shown(line.principal), shown(line.spent)) == ("900.00", "200.00")


def test_an_amount_is_taken_of_the_newest_top_up_first() -> None:
    found = refund(top_up("500"), top_up("1000"), amount="1200")
    assert [shown(line.gross) for line in found.lines] == ["200.00", "1000.00"]
    assert [line.closes for line in found.lines] == [False, True]


def test_an_amount_above_what_there_is_is_lowered_to_it() -> None:
    assert refund(PLAIN, amount="800").gross == cents("750")


# -- gifts ---------------------------------------------------------------------------------------------------------------


@covers("SV-R32")
def test_a_gift_is_returned_or_paid_for() -> None:
    history = top_up("1000")._replace(gifts=(("tumbler", cents("80")),))
    assert shown(refund(history, gifts="return_or_pay").net) == "920.00"
    assert shown(refund(history, gifts="return_or_pay", returned=("tumbler",)).net) == "1000.00"
    assert shown(refund(history, gifts="discretionary").net) == "1000.00"


# -- payout ----------------------------------------------------------------------------------------------------------------

TWO = top_up("1000")._replace(tenders=(("card", cents("600"), "c-1"), ("cash", cents("400"), None)))


@covers("SV-R25")
def test_a_refund_is_shared_by_what_each_tender_paid() -> None:
    assert [shown(part.amount) for part in to_tenders(TWO, cents("700"), cents("700"), "pro_rata")] == ["420.00", "280.00"]


def test_or_the_last_tender_is_filled_first() -> None:
    found = to_tenders(TWO, cents("700"), cents("700"), "lifo")
    assert [(part.tender, part.reference, shown(part.amount)) for part in found] == [("card", "c-1", "300.00"), ("cash", None, "400.00")]


def test_a_fee_comes_out_of_every_share() -> None:
    assert [shown(part.amount) for part in to_tenders(TWO, cents("700"), cents("686"), "pro_rata")] == ["411.60", "274.40"]


def test_a_card_that_was_charged_back_gets_nothing_more() -> None:
    found = to_tenders(TWO._replace(disputed=cents("600")), cents("400"), cents("400"), "pro_rata")
    assert [(part.tender, shown(part.amount)) for part in found] == [("cash", "400.00")]
    assert to_tenders(TWO, 0, 0, "lifo") == []


@covers("SV-R26")
def test_cash_up_to_and_with_the_limit() -> None:
    assert [in_cash(cents(amount), cents("100")) for amount in ("100.00", "100.01")] == [True, False]
    assert not in_cash(1, None)


@covers("SV-R17")
def test_a_statute_that_has_small_balances_paid_out_overrides_a_minimum() -> None:
    assert below_minimum(cents("8.50"), cents("10"), cents("15")) == (False, True)
    assert below_minimum(cents("8.50"), cents("10"), None) == (True, False)
    assert below_minimum(cents("10"), cents("10"), cents("15")) == (False, False)


def test_bonus_that_was_used_is_a_use() -> None:
    assert used(BONUS_FIRST)
    assert not used(top_up("1000", "200"))


def test_a_refund_in_part_leaves_enough_for_what_is_kept_back_later() -> None:
    # 1000 of which 100 would be enough for the 200: withdrawing 900 would cost nothing, and the last 100 cannot bear 200
    history = top_up("1000", "200", face="200", bonus_used="200")
    terms: dict[str, Any] = {"basis": "principal_remaining", "bonus": "requalify", "ladder": lambda paid: cents("200") if paid >= cents("100") else 0}
    first = refund(history, amount="900", **terms)
    second = refund(after(history, first), **terms)
    assert (shown(first.kept), shown(second.kept)) == ("100.00", "100.00")
    assert first.net + second.net == refund(history, **terms).net == cents("800")


# -- visits in part --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("basis", ["paid_minus_ratio", "paid_minus_face", "principal_remaining", "face_remaining"])
@pytest.mark.parametrize("bonus", ["forfeit", "surrender_pro_rata"])
def test_visits_in_part_are_in_all_what_they_would_have_been_at_once(basis: str, bonus: str) -> None:
    card = visits("100.00", 7, 3, used=2)
    whole = refund(card, basis=basis).net
    first = refund(card, basis=basis, bonus=bonus, visits=2)
    rest = refund(after(card, first), basis=basis, bonus=bonus)
    assert first.gross + rest.gross == whole
    closed = after(after(card, first), rest)
    assert (closed.principal, closed.bonus) == (0, 0)


def test_a_visit_takes_its_share_of_what_all_would_bring() -> None:
    card = visits("100.00", 7, 3, used=2)
    # 100 x 8/10 = 80 for the five paid ones that are left: 16 each; the three given ones lapse with the first of them
    first = refund(card, visits=1)
    assert (shown(first.gross), first.lines[0].principal, first.lines[0].bonus) == ("16.00", 1, 3)
    # 3 x 16/100 = 0.48 of the given ones
    some = refund(card, visits=1, bonus="surrender_pro_rata")
    assert (some.lines[0].principal, some.lines[0].bonus) == (1, 0)
    # 3 x 64/100 = 1.92
    more = refund(card, visits=4, bonus="surrender_pro_rata")
    assert (more.lines[0].principal, more.lines[0].bonus) == (4, 2)


def test_visits_that_were_given_go_back_where_no_others_are_left() -> None:
    card = visits("100.00", 7, 3, used=8)
    first = refund(card, visits=1)  # 100 x 2/10 = 20 for two
    assert (shown(first.gross), first.lines[0].principal, first.lines[0].bonus, first.there) == ("10.00", 0, 2, 2)
    kept = refund(card, visits=1, bonus="surrender_pro_rata")
    assert (shown(kept.gross), kept.lines[0].bonus) == ("10.00", 1)


def test_visits_of_several_cards_are_of_the_newest_first() -> None:
    old, new = visits("100.00", 10)._replace(id="old"), visits("60.00", 3)
    part = refund(old, new, visits=5)
    assert [(line.history.id, shown(line.gross), line.principal, line.closes) for line in part.lines] == [
        ("old", "20.00", 2, False),
        ("t1", "60.00", 3, True),
    ]
    assert [shown(line.gross) for line in refund(old, new, visits=1).lines] == ["0.00", "20.00"]
    assert refund(old, new, visits=99) == refund(old, new)  # whoever asks compares


def test_bonus_visits_that_are_paid_out_are_worth_as_much_as_others() -> None:
    card = visits("70.00", 7, 3, used=2)
    part = refund(card, basis="face_remaining", visits=6)  # 5 + 3 are left at 10.00
    assert (shown(part.gross), part.lines[0].principal, part.lines[0].bonus, part.lines[0].paid_out) == ("60.00", 5, 1, 1)


def test_the_least_number_of_visits_that_come_to_an_amount() -> None:
    card, terms = visits("100.00", 7, 3, used=2), Terms("paid_minus_ratio", Served(DAY))
    assert [visits_for([card], terms, cents(amount)) for amount in ("0.01", "16.00", "16.01", "64.00", "80.00")] == [1, 1, 2, 4, 5]
