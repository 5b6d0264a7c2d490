"""What shops owe one another: cards that were topped up in one shop and spent in another; nets come to zero."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_statement import CARD, LESSONS, event, paid, program

import custrules as cr
from custrules.analysis.settlement import Claim


def topped_up(id: str, day: str, amount: str, shop: str | None, customer: str = "ann", **fields: Any) -> dict[str, Any]:
    return event("top_up", id, day, customer, amount=amount, **({"channel": shop} if shop else {}), **fields)


def spent(id: str, day: str, amount: str, shop: str, **fields: Any) -> dict[str, Any]:
    return paid(id, day, amount, channel=shop, **fields)


ONE = [topped_up("t1", "2026-04-01", "1000.00", "east"), spent("p1", "2026-04-10", "300.00", "west")]


def claims(history: list[dict[str, Any]], **options: Any) -> list[tuple[str, str, str, int]]:
    return [tuple(claim) for claim in cr.settlement(program(CARD), history, **options).claims]  # type: ignore[misc]  # their four fields


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_by_ratio_the_shop_that_delivered_gets_the_part_that_was_paid() -> None:
    """1000 + 200: of 300 that are consumed, 300 x 1000/1200 = 250 were paid."""
    assert claims(ONE) == [("2026-04", "east", "west", 25_000)]


def test_by_face_the_shop_that_gave_the_bonus_bears_it() -> None:
    assert claims(ONE, by="face") == [("2026-04", "east", "west", 30_000)]


def test_by_principal_it_is_what_the_order_of_spending_says() -> None:
    first = program([*CARD[:2], CARD[2] | {"order": "bonus_first"}])
    found = cr.settlement(first, ONE, by="principal")
    assert found.claims == (Claim("2026-04", "east", "west", 10_000),)  # 300 = 200 of the bonus and 100 of the principal


def test_what_is_spent_where_it_was_paid_in_is_nobodys_claim() -> None:
    assert claims([ONE[0], spent("p1", "2026-04-10", "300.00", "east")]) == []


def test_a_return_takes_the_claim_back_where_it_happens() -> None:
    """180 of the 300 stay: 180 x 1000/1200 = 150."""
    assert claims([*ONE, event("return", "r1", "2026-04-12", of="p1", amount="120.00", channel="west")]) == [("2026-04", "east", "west", 15_000)]


def test_a_refund_is_owed_to_the_shop_that_pays_it() -> None:
    """300 of 1200 are consumed in west: 250. The 750 that north pays back had been paid in in east."""
    refund = {"id": "refund", "kind": "stored_value.refund", "causes": {"merchant": {"basis": "paid_minus_ratio"}}}
    history = [
        *ONE,
        event("refund_request", "q1", "2026-05-02", of="t1", cause="merchant", channel="north"),
        event("refund_paid", "q2", "2026-05-03", of="q1", channel="north"),
    ]
    found = cr.settlement(program([*CARD, refund]), history)
    assert found.claims == (Claim("2026-04", "east", "west", 25_000), Claim("2026-05", "east", "north", 75_000))


def test_time_that_passes_is_nobodys_claim() -> None:
    until = datetime.fromisoformat("2027-01-01T00:00:00+08:00")  # the bonus has lapsed by then
    assert claims(ONE, until=until) == claims(ONE)


def test_between_two_shops_only_the_difference_of_a_period_is_owed() -> None:
    """ann: 250 from east to west. ben: 580 for 500 in west, 290 in east are 290 x 500/580 = 250; so nothing in April, and 250 in May."""
    ben = [
        topped_up("t2", "2026-04-02", "500.00", "west", "ben"),
        event("purchase", "p2", "2026-04-20", "ben", amount="290.00", channel="east", tenders=[{"type": "stored_value", "amount": "290.00"}]),
        event("purchase", "p3", "2026-05-20", "ben", amount="290.00", channel="east", tenders=[{"type": "stored_value", "amount": "290.00"}]),
    ]
    assert claims([*ONE, *ben]) == [("2026-05", "west", "east", 25_000)]
    assert claims([*ONE, *ben], per="year") == [("2026", "west", "east", 25_000)]  # 500 less 250


def test_a_card_that_is_used_up_settles_what_was_paid_for_it_to_the_cent() -> None:
    """100.01 without a ladder's bonus but 33.34 given: three parts of 44.45 each are rounded as one running total."""
    policies = [CARD[0], {"id": "top-up", "kind": "stored_value.top_up"}, CARD[2]]
    history = [topped_up("t1", "2026-04-01", "100.01", "east", given="33.34")]
    history += [spent(f"p{number}", "2026-04-02", "44.45", "west") for number in range(3)]
    found = cr.settlement(program(policies), history)
    assert found.claims == (Claim("2026-04", "east", "west", 10_001),)


def test_visits_are_settled_by_their_share_of_the_money() -> None:
    """2000 for 10 + 2: three visits are 2000 x 3/12 = 500."""
    history = [
        topped_up("t1", "2026-04-01", "2000.00", "east", paid="10", given="2", list_price="250.00"),
        event("visit", "v1", "2026-04-05", of="lessons", used="3", channel="west"),
    ]
    assert [claim.units for claim in cr.settlement(program(LESSONS), history).claims] == [50_000]


def test_the_shop_may_stand_in_an_attribute_and_one_that_nobody_named_is_told() -> None:
    history = [event("top_up", "t1", "2026-04-01", amount="1000.00", attributes={"store": "east"}), spent("p1", "2026-04-10", "300.00", "west")]
    found = cr.settlement(program(CARD), history, shop="store")
    assert found.claims == (Claim("2026-04", "east", "", 25_000),)
    assert "(shop not named)" in cr.render(found)


def test_it_is_told_in_words_of_two_languages_and_in_json() -> None:
    found = cr.settlement(program(CARD), ONE)
    assert "2026-04  east  west        250.00 CNY" in cr.render(found)
    assert "付款门店" in cr.render(found, "zh")
    assert cr.render(cr.settlement(program(CARD), [])).endswith("Nothing is owed.")
    data = json.loads(found.to_json())
    assert data["claims"] == [{"period": "2026-04", "debtor": "east", "creditor": "west", "amount": "250.00 CNY"}]
    assert data["nets"] == {"2026-04": {"east": "-250.00 CNY", "west": "250.00 CNY"}}


@pytest.mark.parametrize(("option", "value"), [("per", "week"), ("by", "half")])
def test_what_is_no_choice_is_refused(option: str, value: str) -> None:
    with pytest.raises(cr.AnalysisError):
        cr.settlement(program(CARD), ONE, **{option: value})  # type: ignore[arg-type]  # that is the fault


def test_a_customer_who_comes_back_is_refused_with_the_place() -> None:
    with pytest.raises(cr.EventError) as caught:
        cr.settlement(program(CARD), [ONE[0], topped_up("t2", "2026-04-02", "1.00", "east", "ben"), ONE[1]])
    assert caught.value.diagnostics[0].path == "events[2].customer_id"


# --- nets come to zero ------------------------------------------------------------------------------------------------

SHOPS = st.sampled_from(["east", "west", "north"])
DOINGS = st.lists(st.tuples(st.sampled_from(["top_up", "buy", "return"]), st.integers(1, 90_000), st.integers(0, 30), SHOPS), max_size=10)


@settings(deadline=None, max_examples=40)
@given(DOINGS, st.sampled_from(["ratio", "principal", "face"]))
def test_over_all_shops_every_period_comes_to_zero(doings: list[tuple[str, int, int, str]], by: Any) -> None:
    day, bought, history = 0, "none", []
    for number, (what, minor, days, shop) in enumerate(doings):
        day += days
        when, amount, id = f"2026-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}", f"{minor // 100}.{minor % 100:02}", f"e{number}"
        if day >= 336:
            break
        if what == "top_up":
            history.append(topped_up(id, when, amount, shop))
        elif what == "buy":
            history.append(spent(id, when, amount, shop))
            bought = id
        else:
            history.append(event("return", id, when, of=bought, amount=amount, channel=shop))
    found = cr.settlement(program(CARD), history, by=by)
    assert all(claim.units > 0 and claim.debtor != claim.creditor for claim in found.claims)
    for period in (None, *found.periods):
        assert sum(net.minor for net in found.nets(period).values()) == 0
