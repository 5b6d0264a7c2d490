"""Refunds that were reckoned by hand from the articles and the arithmetic, through the document alone: what goes back, or why nothing does.

Each row says where its figure comes from. A, G, f and L are what was paid, given, consumed, and consumed at list price.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import custrules as cr
from custrules.testing import History, history

LAW = "law: {profile: %s, confirmed_by: counsel, confirmed_on: 2026-01-01}"
WORKED = "calendar: {working: {days: CN}}"
WEEKDAYS = "calendar: {working: {days: weekdays}}"


def program(causes: str, *, head: str = "", currency: str = "CNY", zone: str = "Asia/Shanghai", **parts: str) -> cr.Program:
    """An account, its top-ups, spending and refunds; ``parts`` are the fields of each, as they are written."""
    rows = {"card": "form: amount", "top_up": "", "spend": "order: principal_first", "refund": ""} | parts
    kinds = {"card": "account", "top_up": "top_up", "spend": "spending"}
    text = "".join(f"  - {{id: {id}, kind: stored_value.{kind}{', ' * bool(rows[id])}{rows[id]}}}\n" for id, kind in kinds.items())
    terms = f"  - {{id: refund, kind: stored_value.refund, causes: {causes}{', ' * bool(rows['refund'])}{rows['refund']}}}\n"
    return cr.loads(f"program: shop\nzone: {zone}\ncurrency: {currency}\n{head}\npolicies:\n{text}{terms}")


def paid(rules: cr.Program, day: str, amount: str, **fields: Any) -> History:
    return history(rules).on(day).event("top_up", id="t1", amount=amount, **fields)


def spent(ann: History, day: str, amount: str, **fields: Any) -> History:
    return ann.on(day).purchase(amount, tenders={"stored_value": amount}, **fields)


def quote(ann: History, day: str, cause: str, **fields: Any) -> str:
    """What a refund of the card comes to; or the codes for which there is none."""
    asked = ann.on(day).event("refund_request", cause=cause, account="card", verdict=None, **fields)
    if not asked.last.accepted:
        return " ".join(code.removeprefix("stored_value.refund.") for code in asked.codes)
    return str(next(why.params["refund"].amount for found in asked.last.decisions for why in found.reasons if "refund" in why.params))


# -- until when ----------------------------------------------------------------------------------------------------------


# 7 days of 1 June 2026 end on Monday 8 June (SPC 2025/4 art. 14; Civil Code 201); UK: 14 days; Jiangsu's model contract: 15 days. Singapore: 5
# working days of Thursday 1 January 2026 are 2, 5, 6, 7 and 8 January.
@pytest.mark.parametrize(
    ("profile", "currency", "day", "last", "after"),
    [
        ("CN", "CNY", "2026-06-01", "2026-06-08", "2026-06-09"),
        ("CN-JS", "CNY", "2026-06-01", "2026-06-16", "2026-06-17"),
        ("CN-BJ", "CNY", "2024-06-01", "2024-06-10", "2024-06-11"),  # 8 June 2024 is a Saturday
        ("UK", "GBP", "2026-01-01", "2026-01-15", "2026-01-16"),
        ("SG", "SGD", "2026-01-01", "2026-01-08", "2026-01-09"),
    ],
)
def test_terms_that_do_not_say_until_when_take_the_days_of_the_law(profile: str, currency: str, day: str, last: str, after: str) -> None:
    ann = paid(program("{cooling_off: {}}", head=f"{LAW % profile}\n{WEEKDAYS}", currency=currency), day, "100.00")
    assert quote(ann, last, "cooling_off") == "100.00"
    assert quote(ann, after, "cooling_off") == "too_late"


def test_what_nobody_limits_is_not_limited() -> None:
    ann = paid(program("{cooling_off: {basis: paid_minus_face}}", head=LAW % "HK", currency="HKD"), "2026-01-01", "100.00")
    assert quote(ann, "2026-12-31", "cooling_off") == "100.00"


def test_beijing_had_its_seven_days_before_the_country_did() -> None:
    ann = paid(program("{consumer: {basis: paid_minus_list}}", head=LAW % "CN-BJ"), "2024-06-01", "1000.00")
    assert quote(ann, "2024-06-08", "cooling_off") == "1000.00"
    assert quote(ann, "2024-06-09", "cooling_off") == "too_late"


# 30 September 2026 + 5 working days: 8, 9, 10 (a Saturday that is worked), 12 and 13 October.
@pytest.mark.parametrize(("day", "expected"), [("2026-10-13", "100.00"), ("2026-10-14", "too_late")])
def test_a_window_may_count_working_days(day: str, expected: str) -> None:
    rules = program("{cooling_off: {basis: paid_minus_face, within: 5 working days}}", head=WORKED)
    assert quote(paid(rules, "2026-09-30", "100.00"), day, "cooling_off") == expected


def test_working_days_that_are_not_decreed_yet_turn_nobody_away() -> None:
    rules = program("{cooling_off: {basis: paid_minus_face, within: 5 working days}}", head=WORKED)
    assert quote(paid(rules, "2026-12-30", "100.00"), "2027-01-20", "cooling_off") == "100.00"


def test_working_days_need_a_calendar() -> None:
    with pytest.raises(cr.DocumentError) as told:
        program("{cooling_off: {basis: paid_minus_face, within: 5 working days}}")
    assert [fault.code for fault in told.value.diagnostics] == ["document.no_working_time"]


# Civil Code 203. Paid on 24 September 2026: 1 October, then the holiday until 7 October, so 8 October. Paid on 1 February: Sunday 8, so Monday 9.
# Paid on 7 February: 14 February is a Saturday that is worked. Without a calendar no day is known to be a holiday.
@pytest.mark.parametrize(
    ("head", "day", "last", "after"),
    [
        (WORKED, "2026-09-24", "2026-10-08", "2026-10-09"),
        (WORKED, "2026-02-01", "2026-02-09", "2026-02-10"),
        (WORKED, "2026-02-07", "2026-02-14", "2026-02-15"),
        ("", "2026-09-24", "2026-10-01", "2026-10-02"),
    ],
)
def test_a_last_day_that_is_a_holiday_is_the_first_day_after_it(head: str, day: str, last: str, after: str) -> None:
    ann = paid(program("{consumer: {basis: paid_minus_face}}", head=f"{LAW % 'CN'}\n{head}"), day, "100.00")
    assert quote(ann, last, "cooling_off") == "100.00"
    assert quote(ann, after, "cooling_off") == "too_late"


def test_terms_may_roll_the_last_day_themselves() -> None:
    rules = program("{cooling_off: {basis: paid_minus_face, within: 7 days, roll: next_working_day}}", head=WEEKDAYS)
    ann = paid(rules, "2026-01-03", "100.00")  # a Saturday; 10 January is one too, so Monday 12
    assert quote(ann, "2026-01-12", "cooling_off") == "100.00"
    assert quote(ann, "2026-01-13", "cooling_off") == "too_late"


def test_every_reason_against_a_refund_is_told() -> None:
    rules = program("{cooling_off: {basis: paid_minus_face, within: 7 days, unless: used, used_share: 60%, below: 100.00}}")
    ann = spent(paid(rules, "2026-01-01", "1000.00"), "2026-01-02", "100.00")
    assert quote(ann, "2026-02-01", "cooling_off").split() == ["balance_too_large", "not_used_enough", "too_late", "used"]
    ann = spent(paid(program("{cash_out: {basis: paid_minus_face, used_share: 60%}}"), "2026-01-01", "1000.00"), "2026-01-02", "100.00")
    assert quote(ann, "2026-02-01", "cash_out", amount="950.00").split() == ["not_used_enough", "exceeds"]


# -- shares --------------------------------------------------------------------------------------------------------------


# Korea's standard terms: 60 % used, 80 % of a face up to 10,000; expired 90 %, from 16 September 2025 95 % above 50,000.
@pytest.mark.parametrize(
    ("amount", "used", "expected"),
    [
        ("50000", "29999", "not_used_enough"),
        ("50000", "30000", "20000"),
        ("10000", "7999", "not_used_enough"),
        ("10000", "8000", "2000"),
        ("10001", "6001", "4000"),  # 6001/10001 = 60.004 %
    ],
)
def test_korea_pays_out_what_is_left_once_enough_is_used(amount: str, used: str, expected: str) -> None:
    rules = program("{cash_out: {}}", head=LAW % "KR", currency="KRW", zone="Asia/Seoul")
    assert quote(spent(paid(rules, "2026-01-01", amount), "2026-01-02", used), "2026-02-01", "cash_out") == expected


def test_who_has_not_used_enough_is_told_how_much_it_takes() -> None:
    rules = program("{cash_out: {used_share: 60%}}")
    ann = spent(paid(rules, "2026-01-01", "99.99"), "2026-01-02", "10.00").on("2026-02-01")
    refusal = ann.event("refund_request", cause="cash_out", verdict="refused").last.refusal
    assert refusal is not None
    assert cr.render(refusal) == (
        "The cause cash_out is for cards of which at least 60.00 CNY of 99.99 CNY are used; 10.00 CNY are (account card)."  # 59.994
    )


@pytest.mark.parametrize(
    ("amount", "day", "expected"),
    [("60000", "2025-09-16", "57000"), ("60000", "2025-09-15", "54000"), ("50000", "2026-04-02", "45000"), ("30000", "2026-04-02", "27000")],
)
def test_korea_pays_back_a_share_of_what_expired(amount: str, day: str, expected: str) -> None:
    rules = program("{expiry: {}}", head=LAW % "KR", currency="KRW", zone="Asia/Seoul")
    assert quote(paid(rules, "2025-01-01", amount), day, "expiry") == expected


def test_terms_may_have_shares_by_what_was_paid() -> None:
    rules = program("{expiry: {basis: principal_remaining, share: [{up_to: 500.00, share: 90%}, {share: 95%}]}}")
    for amount, expected in (("500.00", "450.00"), ("500.01", "475.01"), ("33.33", "30.00")):  # 475.0095; 29.997
        assert quote(paid(rules, "2026-01-01", amount), "2026-02-01", "expiry") == expected


def test_shares_read_back_as_they_were_written() -> None:
    rules = program(
        "{expiry: {share: 90%}, cash_out: {used_share: [{up_to: 10.00, share: 80%}, {share: 60%}], unless: none, within: 5 days, roll: none}}"
    )
    assert cr.loads(rules.to_json().decode()) == rules
    assert quote(paid(rules, "2026-01-01", "100.00"), "2026-02-01", "cash_out").split() == ["not_used_enough", "too_late"]


# -- cards above the limit -----------------------------------------------------------------------------------------------


# SV-T10: Zhejiang, a seller that is no enterprise: 2000 a named card; 2600 with a bonus of 300 were sold.
@pytest.mark.parametrize(("amount", "principal", "bonus"), [("600.00", "2000.00", "300.00"), ("600.01", "1999.99", "0.00")])
def test_zhejiang_gives_back_what_is_above_the_limit_and_lets_the_bonus_be(amount: str, principal: str, bonus: str) -> None:
    head = "law: {profile: CN-ZJ, issuer: other, confirmed_by: counsel, confirmed_on: 2026-01-01}"
    ann = paid(program("{consumer: {basis: paid_minus_list}}", head=head), "2026-01-01", "2600.00", given="300.00")
    ann = ann.on("2026-02-01").event("refund_request", id="r1", of="t1", cause="consumer", amount=amount).event("refund_paid", of="r1")
    assert ann.state.stored_value()[:2] == (cr.Money(principal, "CNY"), cr.Money(bonus, "CNY"))


def test_a_bonus_that_is_kept_stays_with_a_refund_in_part_and_goes_with_the_whole() -> None:
    rules = program("{consumer: {basis: paid_minus_face, bonus: keep}}")
    ann = paid(rules, "2026-01-01", "1000.00", given="200.00").on("2026-02-01")
    part = ann.event("refund_request", id="r1", of="t1", cause="consumer", amount="999.99").event("refund_paid", of="r1")
    assert part.state.stored_value()[:2] == (cr.Money("0.01", "CNY"), cr.Money("200.00", "CNY"))
    whole = part.event("refund_request", id="r2", of="t1", cause="consumer").event("refund_paid", of="r2")
    assert whole.state.stored_value()[:2] == (cr.Money("0.00", "CNY"), cr.Money("0.00", "CNY"))


# -- one ratio, one rounding ---------------------------------------------------------------------------------------------


# 4.27 + 5.34 and 5.08 + 0.00: A/(A+G) = 9.35/14.69. Used 0.76 and 5.08: 9.35 - 5.84 x 9.35/14.69 = 5.63289, so 5.63. Each by itself: 4.27 - 0.48373 =
# 3.78627 (3.79) and 5.08 - 3.23338 = 1.84662 (1.85), a cent too much.
def test_what_is_pooled_is_rounded_once() -> None:
    rules = program("{merchant: {basis: paid_minus_ratio}}", spend="order: principal_first, top_ups: lifo", refund="top_ups: pooled")
    ann = paid(rules, "2026-01-01", "4.27", given="5.34").on("2026-01-02").event("top_up", id="t2", amount="5.08")
    assert quote(spent(ann, "2026-01-03", "5.84"), "2026-02-01", "merchant") == "5.63"


# 500 + 50 and 1000 + 200, 700 used, the oldest first: 1500 - 700 x 1500/1750 = 900. The second top-up bears 150 of it: 871.43; the first, of which
# nothing is left in the account, the other 28.57.
def test_a_pool_in_parts_comes_to_the_whole() -> None:
    rules = program("{merchant: {basis: paid_minus_ratio}}", spend="order: pro_rata", refund="top_ups: pooled")
    ann = paid(rules, "2026-01-01", "500.00", given="50.00").on("2026-01-02").event("top_up", id="t2", amount="1000.00", given="200.00")
    ann = spent(ann, "2026-01-03", "700.00").on("2026-02-01")
    assert quote(ann, "2026-02-01", "merchant") == "900.00"
    part = ann.event("refund_request", id="r1", cause="merchant", amount="871.43").event("refund_paid", of="r1")
    assert quote(part, "2026-02-02", "merchant") == "28.57"
    whole = part.event("refund_request", id="r2", cause="merchant").event("refund_paid", of="r2")
    assert quote(whole, "2026-02-02", "merchant") == "nothing_left"


# 1000 + 200, the bonus lapsed, 1000 used: 1000 - 1000 x 1000/1200 = 166.67, though nothing is left on the card.
def test_what_an_expired_bonus_makes_go_back_goes_back_in_parts_too() -> None:
    rules = program("{merchant: {basis: paid_minus_ratio}}", card="form: amount, bonus_expiry: 30 days")
    ann = spent(paid(rules, "2026-01-01", "1000.00", given="200.00"), "2026-01-02", "1000.00").on("2026-03-01")
    assert quote(ann, "2026-03-01", "merchant") == "166.67"
    part = ann.event("refund_request", id="r1", cause="merchant", amount="100.00").event("refund_paid", of="r1")
    assert quote(part, "2026-03-01", "merchant") == "66.67"


def test_a_bonus_that_was_kept_goes_with_the_rest_of_the_card() -> None:
    rules = program("{consumer: {basis: paid_minus_face, bonus: keep}}")
    ann = (
        paid(rules, "2026-01-01", "100.00", given="10.00").on("2026-01-02").event("top_up", id="t2", amount="100.00", given="20.00").on("2026-02-01")
    )
    part = ann.event("refund_request", id="r1", cause="consumer", amount="100.00").event("refund_paid", of="r1")  # the newest first: all of t2
    assert part.state.stored_value()[:2] == (cr.Money("100.00", "CNY"), cr.Money("30.00", "CNY"))
    whole = part.event("refund_request", id="r2", cause="consumer").event("refund_paid", of="r2")
    assert whole.state.stored_value()[:2] == (cr.Money("0.00", "CNY"), cr.Money("0.00", "CNY"))


# -- cards for a period --------------------------------------------------------------------------------------------------

GYM = """
program: gym
zone: Asia/Shanghai
currency: CNY
policies:
  - {id: card, kind: stored_value.account, form: period, length: 365 days}
  - {id: top-up, kind: stored_value.top_up}
  - {id: spend, kind: stored_value.spending, order: principal_first}
  - {id: refund, kind: stored_value.refund, causes: {cooling_off: {basis: BASIS, within: 7 days}}}
"""


@pytest.mark.parametrize("basis", ["paid_minus_list", "paid_minus_ratio", "principal_remaining"])
def test_a_card_for_a_period_goes_back_whole_within_the_seven_days_and_by_its_days_once_it_was_used(basis: str) -> None:
    ann = paid(cr.loads(GYM.replace("BASIS", basis)), "2026-01-01", "3650.00", starts="2026-01-01")
    assert quote(ann, "2026-01-05", "cooling_off") == "3650.00"
    used = ann.on("2026-01-03").event("visit", of="card")
    assert quote(used, "2026-01-05", "cooling_off") == "3600.00"  # 5 of 365 days are served: 3650 x 360/365


def test_the_card_that_was_paid_first_admits_first_whatever_the_top_ups_are_called() -> None:
    ann = paid(cr.loads(GYM.replace("BASIS", "paid_minus_list")), "2026-01-01", "100.00", starts="2026-01-01")
    ann = ann.event("top_up", id="t0", amount="100.00", starts="2026-01-01").event("top_up", id="t10", amount="100.00", starts="2026-01-01")
    stored = History(ann.program, cr.State.from_json(ann.state.to_json()), ann.at, ann.steps)
    first, again = (one.on("2026-01-02").event("visit", id="v1", of="card").state.to_json() for one in (ann, stored))
    assert first == again


def test_a_state_that_was_stored_names_the_same_request_as_one_that_was_not() -> None:
    rules = program("{consumer: {basis: paid_minus_face}}")
    ann = paid(rules, "2026-01-01", "100.00").event("top_up", id="t2", amount="100.00").on("2026-02-01")
    ann = ann.event("refund_request", id="r2", of="t1", cause="consumer").event("refund_request", id="r12", of="t2", cause="consumer")
    stored = History(rules, cr.State.from_json(ann.state.to_json()), ann.at, ann.steps)
    refusals = [one.event("refund_request", cause="consumer", verdict="refused").last.refusal for one in (ann, stored)]
    assert refusals[0] == refusals[1]
    assert refusals[0] is not None
    assert refusals[0].params["of"] == "r12"  # as they are stored, by id


def test_own_rules_may_count_working_days_too() -> None:
    rule = "rules: [{rule: refund.cooling_off.within, value: 3 working days, strength: hard, source: club}]"
    own = f"law: {{profile: salon, extends: CN, confirmed_by: c, confirmed_on: 2026-01-01, sources: {{club: {{title: Guild, kind: own}}}}, {rule}}}"
    rules = program("{consumer: {}}", head=f"{own}\n{WORKED}")
    assert quote(paid(rules, "2026-06-05", "100.00"), "2026-06-10", "cooling_off") == "100.00"  # Friday: 8, 9, 10 June
    weaker = [finding.code for finding in cr.check(rules)]
    assert "law.cn.profile.weakened" in weaker  # 3 working days are 5 days at most, the law has 7


# -- Europe --------------------------------------------------------------------------------------------------------------


# Directive 2009/110/EC art. 11: at any time and at par. 50 + 10, 20 used of the principal; a withdrawal of the contract is another matter.
@pytest.mark.parametrize(
    ("cause", "expected"), [("consumer", "30.00"), ("closure", "30.00"), ("cash_out", "30.00"), ("expiry", "30.00"), ("cooling_off", "not_listed")]
)
def test_electronic_money_goes_back_at_par_whatever_the_reason(cause: str, expected: str) -> None:
    ann = paid(program("{chargeback: {}}", head=LAW % "EU", currency="EUR", zone="Europe/Paris"), "2026-01-01", "50.00", given="10.00")
    assert quote(spent(ann, "2026-01-02", "20.00"), "2026-02-01", cause) == expected


# -- California ----------------------------------------------------------------------------------------------------------


def test_california_keeps_nothing_of_a_small_balance() -> None:
    rules = program(
        "{consumer: {basis: paid_minus_face}}", head=LAW % "US-CA", currency="USD", zone="America/Los_Angeles", refund="fee: {fixed: 2.00}"
    )
    ann = paid(rules, "2026-01-01", "8.50")
    assert quote(ann, "2026-04-02", "cash_out") == "8.50"
    assert quote(ann, "2026-04-02", "consumer") == "6.50"


@pytest.mark.parametrize(("at", "expected"), [("2026-03-31T23:59:00-07:00", "balance_too_large"), ("2026-04-01T00:00:00-07:00", "12.00")])
def test_california_pays_out_below_fifteen_from_the_first_of_april_of_its_own_day(at: str, expected: str) -> None:
    rules = program("{consumer: {basis: paid_minus_face}}", head=LAW % "US-CA", currency="USD", zone="America/Los_Angeles")
    assert quote(paid(rules, "2026-01-01", "12.00"), at, "cash_out") == expected


def test_the_law_changed_on_its_day() -> None:
    law = program("{consumer: {}}", head=LAW % "CN").law
    assert law is not None
    assert [str(law.value("refund.cooling_off.within", date(2025, *day))) for day in ((4, 30), (5, 1))] == ["None", "7 days"]
