"""The customer's statement of stored value: every line with its balance, its terms and its reasons; closing is what the state holds."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import custrules as cr
from custrules.analysis.statement import BUCKETS, Balance

CARD: list[dict[str, Any]] = [
    {"id": "card", "kind": "stored_value.account", "form": "amount", "bonus_expiry": "6 months", "reference": "Terms, §3"},
    {
        "id": "top-up",
        "kind": "stored_value.top_up",
        "ladder": [{"pay": "500.00", "give": "80.00"}, {"pay": "1000.00", "give": "200.00"}],
        "mode": "largest_first",
        "reference": "Terms, §4",
    },
    {"id": "spend", "kind": "stored_value.spending", "order": "pro_rata", "reference": "Terms, §5"},
]
LESSONS: list[dict[str, Any]] = [
    {"id": "lessons", "kind": "stored_value.account", "form": "visits"},
    {"id": "buy", "kind": "stored_value.top_up", "account": "lessons"},
    {"id": "use", "kind": "stored_value.spending", "account": "lessons", "order": "principal_first"},
]


def program(policies: list[dict[str, Any]]) -> cr.Program:
    return cr.Program(id="tea", zone="Asia/Shanghai", currency="CNY", policies=policies)


def event(kind: str, id: str, day: str, customer: str = "ann", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "id": id, "customer_id": customer, "occurred_at": f"{day}T12:00:00+08:00", **fields}


def paid(id: str, day: str, amount: str, list_amount: str | None = None, **fields: Any) -> dict[str, Any]:
    more = {"list_amount": list_amount} if list_amount else {}
    return event("purchase", id, day, amount=amount, tenders=[{"type": "stored_value", "amount": amount}], **more, **fields)


TEA = [
    event("top_up", "t1", "2026-04-01", amount="1000.00", channel="east"),
    paid("p1", "2026-04-10", "300.00", "375.00", channel="west"),
    event("return", "r1", "2026-04-12", of="p1", amount="120.00"),
]
MIDNIGHT = datetime.fromisoformat("2026-10-03T00:00:00+08:00")


def numbers(statement: cr.Statement) -> list[tuple[str, tuple[int, ...], tuple[int, ...], int | None]]:
    return [(line.event_id, tuple(line.change)[:2], tuple(line.balance)[:2], line.listed) for line in statement.lines]


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_every_line_has_its_change_the_balance_after_it_and_the_list_price() -> None:
    """1000 + 200. 300 pro rata 1000:200 are 250 + 50, at list 375. Of 300, 120 come back: 100 + 20, at list 375 x 120/300 = 150."""
    assert numbers(cr.statement(program(CARD), TEA)) == [
        ("t1", (100_000, 20_000), (100_000, 20_000), None),
        ("p1", (-25_000, -5_000), (75_000, 15_000), 37_500),
        ("r1", (10_000, 2_000), (85_000, 17_000), -15_000),
    ]


def test_a_line_tells_where_by_which_terms_and_why() -> None:
    _, line, _ = cr.statement(program(CARD), TEA).lines
    assert (line.day, line.kind, line.channel, line.face) == (date(2026, 4, 10), "purchase", "west", 30_000)
    assert (line.policy, line.version, line.reference) == ("spend", date(1900, 1, 1), "Terms, §5")
    assert [why.code for why in line.reasons] == ["stored_value.spending.paid"]


def test_each_top_up_is_told_as_it_stands() -> None:
    (one,) = cr.statement(program(CARD), TEA).top_ups
    deposit = one.deposit
    assert (one.id, one.day, deposit.money, deposit.granted, deposit.face, deposit.listed) == (
        "t1",
        date(2026, 4, 1),
        100_000,
        20_000,
        18_000,
        22_500,
    )


def test_a_bonus_that_lapses_is_a_line_of_its_own() -> None:
    """Given on 1 April for six months: its last day is 1 October."""
    line = cr.statement(program(CARD), TEA, until=MIDNIGHT).lines[-1]
    assert (line.day, line.kind, tuple(line.change)[:2], tuple(line.balance)[:2]) == (date(2026, 10, 2), "time", (0, -17_000), (85_000, 0))


def test_lines_before_a_day_are_in_the_opening_balance() -> None:
    later = cr.statement(program(CARD), TEA, first="2026-04-12")
    assert (later.opening, [line.event_id for line in later.lines]) == (Balance(75_000, 15_000), ["r1"])
    assert later.closing == cr.statement(program(CARD), TEA).closing == Balance(85_000, 17_000)


def test_visits_are_told_in_visits_and_at_the_list_price_of_one() -> None:
    history = [
        event("top_up", "t1", "2026-04-01", amount="2000.00", paid="10", given="2", list_price="250.00"),
        event("visit", "v1", "2026-04-05", of="lessons", used="3"),
    ]
    found = cr.statement(program(LESSONS), history)
    assert numbers(found) == [("t1", (10, 2), (10, 2), None), ("v1", (-3, 0), (7, 2), 75_000)]  # 3 x 250.00
    assert (found.unit, found.amount(found.closing.left)) == ("visits", 9)


def test_what_was_refused_is_no_line() -> None:
    refused = paid("p2", "2026-04-13", "5000.00")
    assert cr.statement(program(CARD), [*TEA, refused]).to_json() == cr.statement(program(CARD), TEA).to_json()


def test_a_disputed_top_up_leaves_what_is_owed() -> None:
    """1000 + 200, of which 180 are consumed: 850 + 170 go, 150 + 30 of what was consumed are owed."""
    found = cr.statement(program(CARD), [*TEA, event("chargeback", "c1", "2026-05-01", of="t1")])
    line = found.lines[-1]
    assert (line.kind, line.change) == ("chargeback", Balance(-85_000, -17_000, 0, 18_000))
    assert found.closing == Balance(0, 0, 0, 18_000)


REFUND = {"id": "refund", "kind": "stored_value.refund", "causes": {"merchant": {"basis": "paid_minus_ratio"}}}
PAID_OUT = [
    event("refund_request", "q1", "2026-05-02", of="t1", cause="merchant"),
    event("refund_paid", "q2", "2026-05-03", of="q1"),
]


def test_a_refund_is_told_with_the_money_that_went_back() -> None:
    """180 of 1200 are consumed: 1000 - 180 x 1000/1200 = 850 go back, and 170 of the bonus lapse."""
    found = cr.statement(program([*CARD, REFUND]), [*TEA, *PAID_OUT])
    asked, paid_out = found.lines[-2:]
    assert (asked.kind, asked.cash, asked.change) == ("refund_request", 0, Balance())
    assert (paid_out.kind, paid_out.cash, paid_out.change) == ("refund_paid", 85_000, Balance(-85_000, -17_000))
    assert found.closing == Balance()
    assert found.top_ups[0].deposit.refunded == 85_000
    assert "    Refunded, before fees and interest: 850.00 CNY" in cr.render(found)


# --- in words and JSON ------------------------------------------------------------------------------------------------


def test_it_is_told_in_words_of_two_languages() -> None:
    found = cr.statement(program(CARD), TEA)
    english, chinese = cr.render(found), cr.render(found, "zh")
    assert "2026-04-10  300.00 CNY out of the account card" in english
    assert "    At list price: 375.00 CNY\n    Balance: principal 750.00 CNY, bonus 150.00 CNY, held 0.00 CNY, owed 0.00 CNY\n" in english
    assert "Closing balance: principal 850.00 CNY" in english
    assert "储值对账单" in chinese
    assert "按原价计：375.00 CNY" in chinese
    assert "期末余额：本金 850.00 CNY，赠送金 170.00 CNY" in chinese


def test_json_holds_every_line_and_top_up() -> None:
    data = json.loads(cr.statement(program(CARD), TEA).to_json())
    assert [line["event_id"] for line in data["lines"]] == ["t1", "p1", "r1"]
    assert data["lines"][1]["listed"] == "375.00 CNY"
    assert (data["top_ups"][0]["paid"], data["top_ups"][0]["consumed"]) == ("1000.00 CNY", "180.00 CNY")
    assert data["closing"] == {"principal": "850.00 CNY", "bonus": "170.00 CNY", "held": "0.00 CNY", "owed": "0.00 CNY"}


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_statement_is_of_one_customer() -> None:
    with pytest.raises(cr.AnalysisError, match="of ann and of ben"):
        cr.statement(program(CARD), [TEA[0], event("top_up", "t2", "2026-04-02", "ben", amount="500.00")])


def test_an_account_that_is_not_there_is_named() -> None:
    with pytest.raises(cr.AnalysisError, match="called crad"):
        cr.statement(program(CARD), TEA, account="crad")


def test_a_first_day_that_is_none_is_refused() -> None:
    with pytest.raises(cr.AnalysisError):
        cr.statement(program(CARD), TEA, first="12 April")


def test_a_state_alone_tells_its_balances_and_top_ups() -> None:
    tea = program(CARD)
    state = cr.replay(tea, TEA).collect().states["ann"]
    alone, whole = cr.statement(tea, state), cr.statement(tea, TEA)
    assert (alone.customer_id, alone.lines, alone.opening) == ("ann", (), alone.closing)
    assert (alone.closing, alone.top_ups) == (whole.closing, whole.top_ups)
    assert cr.statement(tea, state, until=MIDNIGHT).closing == cr.statement(tea, TEA, until=MIDNIGHT).closing
    assert cr.statement(tea, cr.State.new("ben")).closing == Balance()


def test_a_statement_of_no_history_is_empty() -> None:
    found = cr.statement(program(CARD), [])
    assert (found.customer_id, found.lines, found.closing) == ("", (), Balance())


# --- closing is what the state holds ----------------------------------------------------------------------------------

DOINGS = st.lists(
    st.tuples(st.sampled_from(["top_up", "buy", "return", "dispute", "won", "wait"]), st.integers(1, 150_000), st.integers(0, 40)), max_size=12
)


def story(doings: list[tuple[str, int, int]]) -> list[dict[str, Any]]:
    """A history out of what was drawn: follow-ups of the last purchase, disputes of the last top-up."""
    day, last, events = date(2026, 1, 1), {"buy": "", "top_up": ""}, []
    for number, (what, minor, days) in enumerate(doings):
        day = date.fromordinal(day.toordinal() + days)
        when, amount, id = day.isoformat(), f"{minor // 100}.{minor % 100:02}", f"e{number}"
        if what == "top_up":
            events.append(event("top_up", id, when, amount=amount))
        elif what == "buy":
            events.append(paid(id, when, amount))
        elif what == "return":
            events.append(event("return", id, when, of=last["buy"] or "none", amount=amount))
        elif what in ("dispute", "won"):
            events.append(event("chargeback", id, when, of=last["top_up"] or "none", dispute="opened" if what == "dispute" else "won"))
        last |= {what: id} if what in last else {}
    return events


@settings(deadline=None, max_examples=40)
@given(DOINGS, st.sampled_from(["pro_rata", "bonus_first", "principal_first"]))
def test_the_closing_balance_is_what_the_state_holds(doings: list[tuple[str, int, int]], order: str) -> None:
    tea = program([*CARD[:2], CARD[2] | {"order": order}])
    history = story(doings)
    until = datetime.fromisoformat("2027-12-31T00:00:00+08:00")
    found = cr.statement(tea, history, until=until)
    for state in cr.replay(tea, history, until).collect().states.values():
        accounts = state.ledger.accounts
        held = [accounts[f"card.{name}"] for name in BUCKETS] if "card.principal" in accounts else []
        assert tuple(found.closing) == tuple(
            [each.owed if name == "owed" else each.total for name, each in zip(BUCKETS, held, strict=False)] or [0] * 4
        )
    moved = [sum(numbers) for numbers in zip(found.opening, *(line.change for line in found.lines), strict=True)]
    assert tuple(moved) == tuple(found.closing)
