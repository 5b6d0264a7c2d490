"""What a journal comes to month by month, held against books of its own and against states advanced to each month's end."""

from __future__ import annotations

import json
import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from properties.histories import CUSTOMER, Case, cases

import custrules as cr
from custrules.analysis import flows
from custrules.analysis.periodic import AccountMetrics, Period
from custrules.calendars import end_of_day
from custrules.errors import AnalysisError
from custrules.messages.columns import width
from custrules.policy import Posting
from custrules.replaying import Entry

SHOP: dict[str, Any] = {
    "zone": "Asia/Shanghai",
    "currency": "CNY",
    "policies": [
        {"kind": "points.account", "id": "points", "expiry": "2 months", "pending": "3 days"},
        {"kind": "points.accrual", "id": "earn", "points_per_unit": 1},
        {"kind": "points.redemption", "id": "pay", "value": {"points": 10, "money": "1"}},
    ],
}
Data = dict[str, Any]


def event(kind: str, event_id: str, at: str, customer: str = "ann", **fields: Any) -> Data:
    return {"type": kind, "id": event_id, "customer_id": customer, "occurred_at": at, **fields}


# 16:30 UTC on 31 January is 00:30 on 1 February in Shanghai
EVENTS: list[Data] = [
    event("purchase", "a1", "2026-01-10T04:00:00Z", amount="100.00"),
    event("redemption", "a2", "2026-01-31T16:30:00Z", points=30),
    event("purchase", "a3", "2026-02-27T04:00:00Z", amount="50.00"),
    event("return", "a4", "2026-02-28T04:00:00Z", of="a3"),
    event("purchase", "b1", "2026-01-20T04:00:00Z", "bob", amount="40.00"),
    event("adjustment", "b2", "2026-02-03T04:00:00Z", "bob", account="points", quantity=-5, reason="mistake"),
]
END = datetime(2026, 4, 30, 15, 59, 59, 999999, tzinfo=UTC)  # the end of April in Shanghai


@pytest.fixture(scope="module")
def shop() -> cr.Program:
    return cr.Program(id="shop", **SHOP)


def of(shop: cr.Program, events: list[Data] = EVENTS, until: datetime | None = END) -> AccountMetrics:
    (account,) = cr.metrics(shop, cr.replay(shop, events, until), until=until).accounts
    return account


def row(month: Period) -> tuple[Any, ...]:
    """Opening, what moved, outstanding and owed."""
    return month.opening, {name: units for name, units in month.moved.items() if units}, month.closing, month.owed


def test_each_month_tells_what_moved_in_it(shop: cr.Program) -> None:
    # both lots of January lapse in March: 70 of ann's are left after 10 March, 35 of bob's after 20 March
    assert {month.name: row(month) for month in of(shop).periods} == {
        "2026-01": (0, {"issued": 140}, 140, 0),
        "2026-02": (140, {"issued": 50, "redeemed": 30, "reversed": 50, "adjusted": -5}, 105, 0),
        "2026-03": (105, {"expired": 105}, 0, 0),
        "2026-04": (0, {}, 0, 0),
    }


def test_months_end_on_their_last_day_and_the_last_one_where_time_ends(shop: cr.Program) -> None:
    assert [month.last_day for month in of(shop).periods] == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    middle = of(shop, until=datetime(2026, 3, 15, 4, tzinfo=UTC)).periods[-1]
    assert (middle.last_day, row(middle)) == (date(2026, 3, 15), (105, {"expired": 70}, 35, 0))


def test_what_is_decided_after_the_end_is_left_out(shop: cr.Program) -> None:
    journal = list(cr.replay(shop, EVENTS, END))
    (account,) = cr.metrics(shop, journal, until=datetime(2026, 1, 31, 16, tzinfo=UTC) - timedelta(microseconds=1)).accounts
    assert [row(month) for month in account.periods] == [(0, {"issued": 140}, 140, 0)]


def test_without_an_end_months_go_to_the_last_posting(shop: cr.Program) -> None:
    assert [month.name for month in of(shop, until=None).periods] == ["2026-01", "2026-02"]


def test_a_late_event_counts_in_the_month_in_which_it_was_accepted(shop: cr.Program) -> None:
    late = [event("purchase", "a1", "2026-02-02T04:00:00Z", amount="10.00"), event("purchase", "a2", "2026-01-31T04:00:00Z", amount="7.00")]
    assert {month.name: row(month) for month in of(shop, late, None).periods} == {"2026-02": (0, {"issued": 17}, 17, 0)}


def test_points_that_become_owed_and_are_settled_are_told(shop: cr.Program) -> None:
    history = [
        event("purchase", "a1", "2026-01-01T04:00:00Z", amount="100.00"),
        event("redemption", "a2", "2026-01-10T04:00:00Z", points=80),
        event("return", "a3", "2026-01-20T04:00:00Z", of="a1"),
        event("purchase", "a4", "2026-02-01T04:00:00Z", amount="90.00"),
        event("visit", "a5", "2026-02-10T04:00:00Z"),
    ]
    # 20 are taken back, 80 are owed; the 90 pay them when they become usable on 5 February
    assert {month.name: row(month) for month in of(shop, history, None).periods} == {
        "2026-01": (0, {"issued": 100, "redeemed": 80, "reversed": 20, "shortfall": 80}, 0, 80),
        "2026-02": (0, {"issued": 90, "settled": 80}, 10, 0),
    }


def test_points_given_back_after_they_lapsed_come_and_go(shop: cr.Program) -> None:
    history = [
        event("purchase", "a1", "2026-01-01T04:00:00Z", amount="100.00"),
        event("redemption", "a2", "2026-02-20T04:00:00Z", points=80),
        event("redemption_cancelled", "a3", "2026-03-10T04:00:00Z", of="a2"),
    ]
    assert row(of(shop, history, None).periods[-1]) == (20, {"given_back": 80, "expired": 100}, 0, 0)


def test_an_empty_journal_has_no_months(shop: cr.Program) -> None:
    assert of(shop, []).periods == ()
    assert "Nothing moved." in cr.render(cr.metrics(shop, []))
    assert "没有任何变动。" in cr.render(cr.metrics(shop, []), "zh")


def test_the_order_of_the_journal_makes_no_difference(shop: cr.Program) -> None:
    journal = list(cr.replay(shop, EVENTS, END))
    assert cr.metrics(shop, reversed(journal), until=END).to_json() == cr.metrics(shop, journal, until=END).to_json()


def test_an_entry_that_does_not_tell_its_instant_is_refused(shop: cr.Program) -> None:
    journal = list(cr.replay(shop, EVENTS))
    for bare in ([Entry(*entry) for entry in journal], [tuple(entry) for entry in journal]):
        with pytest.raises(AnalysisError, match='"a1" of the customer "ann"') as error:
            cr.metrics(shop, bare)  # type: ignore[arg-type]  # a host may have kept bare tuples
    assert error.value.diagnostics[0].code == "analysis.no_instant"


def test_a_host_may_make_entries_of_the_steps_that_it_stored(shop: cr.Program) -> None:
    state, journal = cr.State.new("ann"), []
    for data in EVENTS[:4]:
        step = shop.step(state, shop.event(data))
        state = step.state
        journal.append(cr.Entry("ann", data["id"], step.decisions, at=step.event.decided_at if step.event else None))
    assert cr.metrics(shop, journal).to_json() == cr.metrics(shop, cr.replay(shop, EVENTS[:4])).to_json()


def test_an_entry_still_unpacks_into_three_and_keeps_its_instant(shop: cr.Program) -> None:
    entry = next(cr.replay(shop, EVENTS))
    customer_id, event_id, _ = entry
    assert (customer_id, event_id, entry.at) == ("ann", "a1", datetime(2026, 1, 10, 4, tzinfo=UTC))
    back = pickle.loads(pickle.dumps(entry))
    assert (back, back.at) == (entry, entry.at)
    with pytest.raises(AttributeError):
        entry.at = None  # type: ignore[misc]  # that is the fault


def test_postings_of_any_account_count_under_its_own_name_and_unit() -> None:
    """An account of a currency with outsides and buckets that nobody here has heard of, paid in, paid out and moved over."""
    shop = cr.Program(id="shop", **SHOP)
    moves = [("world.paid", "card.principal", 5000), ("world.issued", "card.bonus", 500), ("card.principal", "world.spent", 1200)]
    moves += [("card.bonus", "world.withdrawn", 100), ("card.principal", "pot", 300)]
    effects = tuple(Posting(source, target, "CNY", 2, units) for source, target, units in moves)
    decision = cr.Decision("card", date(2026, 1, 1), "x", "APPLIED", (cr.Reason("card.moved"),), effects)
    accounts = cr.metrics(shop, [cr.Entry("ann", "x", (decision,), at=datetime(2026, 1, 1, tzinfo=UTC))]).accounts
    card, pot = (next(one.periods[0] for one in accounts if one.account.name == name) for name in ("card", "pot"))
    yuan = {name: str(amount) for name, amount in card.moved.items() if amount}
    assert yuan == {"issued": "5.00 CNY", "redeemed": "12.00 CNY", "paid": "50.00 CNY", "withdrawn": "-1.00 CNY", "transferred": "-3.00 CNY"}
    assert (str(card.closing), str(pot.closing)) == ("39.00 CNY", "3.00 CNY")


# -- as data and in words ----------------------------------------------------------------------------------------------


def test_metrics_are_canonical_json_and_pickle(shop: cr.Program) -> None:
    found = cr.metrics(shop, cr.replay(shop, EVENTS, END), until=END)
    data = json.loads(found.to_json())
    assert json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() == found.to_json()
    assert pickle.loads(pickle.dumps(found)) == found
    january = data["accounts"][0]["periods"][0]
    assert (january["period"], january["issued"], january["outstanding"], january["owed"]) == ("2026-01", 140, 140, 0)


def test_metrics_in_english_have_a_line_for_each_month(shop: cr.Program) -> None:
    text = re.sub(" +", " ", cr.render(cr.metrics(shop, cr.replay(shop, EVENTS, END), until=END)))
    assert "shop, by month (Asia/Shanghai)\nThe last month is as of 2026-04-30." in text
    assert " period opening issued adjusted redeemed expired taken back outstanding owed" in text
    assert " 2026-02 140 50 -5 30 0 50 105 0" in text


def test_the_columns_of_chinese_metrics_are_aligned(shop: cr.Program) -> None:
    lines = cr.render(cr.metrics(shop, cr.replay(shop, EVENTS, END), until=END), "zh").splitlines()
    assert len({width(line) for line in lines if line.startswith("  ")}) == 1
    assert "期末未使用" in lines[4]


# -- against other computations ----------------------------------------------------------------------------------------


def units(value: Any, scale: int) -> int:
    return int(Decimal(str(value)).scaleb(scale))


def states_at_month_ends(case: Case, months: tuple[Period, ...]) -> Iterator[tuple[Period, cr.State]]:
    """For each month the state as it was when its last day ended: every event that was accepted by then, and time up to then."""
    for month in months:
        state, end = cr.State.new(CUSTOMER), end_of_day(month.last_day, case.program.zone)
        for one in case.events:
            step = case.program.step(state, one)
            if step.event is not None and step.accepted and step.event.decided_at is not None and step.event.decided_at > end:
                break
            state = step.state
        yield month, case.program.advance(state, end).state


def months_close_as_the_states_did(case: Case) -> None:
    """Opening is the closing of the month before; opening and what came in less what went out is closing; closing is what the state held."""
    last = max(one.occurred_at for one in case.events) + timedelta(days=70)
    accounts = cr.metrics(case.program, cr.replay(case.program, case.events, last), until=last).accounts
    account = next(one for one in accounts if one.account.name == "points")
    scale, before, owed_before = account.account.scale, 0, 0
    for month, state in states_at_month_ends(case, account.periods[:-1]):
        moved = Counter({name: units(value, scale) for name, value in month.moved.items()})
        went = moved["redeemed"] + moved["expired"] + moved["reversed"] + moved["settled"]
        came = sum(units for name, units in moved.items() if name not in (*flows.OUT, *flows.BESIDE))
        opening, closing, owed = (units(value, scale) for value in (month.opening, month.closing, month.owed))
        assert opening == before
        assert opening + came - went == closing  # what has no name of its own moves with its sign
        assert owed_before + moved["shortfall"] - moved["settled"] == owed
        ledger = state.ledger.accounts
        held = sum(ledger[name].total for name in ("points", "points.pending", "points.held")) if ledger else 0
        assert closing == held
        assert owed == (ledger["points.owed"].owed if ledger else 0)
        before, owed_before = closing, owed


@given(cases(late=True, most=20))
def test_every_month_closes_as_the_states_did(case: Case) -> None:
    months_close_as_the_states_did(case)


HISTORY: list[Data] = [
    event("purchase", "a1", "2026-01-01T04:00:00Z", CUSTOMER, amount="100.00"),
    event("redemption", "a2", "2026-01-10T04:00:00Z", CUSTOMER, points=80),
    event("redemption_cancelled", "a3", "2026-02-10T04:00:00Z", CUSTOMER, of="a2"),
    event("redemption", "a4", "2026-02-11T04:00:00Z", CUSTOMER, points=90),
    event("return", "a5", "2026-02-12T04:00:00Z", CUSTOMER, of="a1"),
    event("purchase", "a6", "2026-03-01T04:00:00Z", CUSTOMER, amount="200.00"),
    event("adjustment", "a7", "2026-03-09T04:00:00Z", CUSTOMER, account="points", quantity=7, reason="kindness"),
    event("visit", "a8", "2026-04-01T04:00:00Z", CUSTOMER),  # and what is left lapses in May
]


def by_hand(shop: cr.Program) -> Case:
    return Case({}, tuple(map(shop.event, HISTORY)), shop)


def test_the_months_of_a_history_made_by_hand_close_as_its_states_did(shop: cr.Program) -> None:
    months_close_as_the_states_did(by_hand(shop))


@pytest.mark.parametrize(
    ("table", "outside", "wrong"),
    [
        ("_LEAVES", "world.expired", "forgiven"),
        ("_LEAVES", "world.reversed", "shortfall"),
        ("_LEAVES", "world.spent", "transferred"),
        ("_ENTERS", "world.spent", "shortfall"),
        ("_ENTERS", "world.issued", "forgiven"),
    ],
)
def test_a_movement_under_a_wrong_name_is_found_out(table: str, outside: str, wrong: str, shop: cr.Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(getattr(flows, table), outside, wrong)
    with pytest.raises(AssertionError):
        months_close_as_the_states_did(by_hand(shop))


# -- what is no program, and no journal ------------------------------------------------------------------------------------

DAY = date(2026, 1, 1)
ASKED: dict[str, Callable[[Any], object]] = {
    "replay": lambda program: cr.replay(program, []),
    "metrics": lambda program: cr.metrics(program, []),
    "check": cr.check,
    "diff": lambda program: cr.diff(program, program),
    "compare": lambda program: cr.compare(program, program, []),
    "plan": lambda program: cr.plan(program, [], start=DAY),
    "statement": lambda program: cr.statement(program, []),
    "settlement": lambda program: cr.settlement(program, []),
    "backtest": lambda program: cr.backtest(program, [], cutoff=DAY, horizon="90 days"),
    "PlanIndex": lambda program: cr.PlanIndex(program, []),
    "feedback": lambda program: cr.feedback(program, []),
    "duplicates": lambda program: cr.duplicates(program, []),
    "population": lambda program: cr.population(program, []),
}


@pytest.mark.parametrize("found", [None, "club.yaml", {"id": "club"}], ids=["none", "a path", "data"])
@pytest.mark.parametrize("name", list(ASKED))
def test_what_is_no_program_is_refused_with_what_to_pass(name: str, found: object) -> None:
    with pytest.raises(cr.AnalysisError, match=r"expected a program, as load and loads give it, found (NoneType|str|dict)"):
        ASKED[name](found)


BARE = cr.Program(id="p", zone="UTC", currency="EUR", policies=[{"id": "points", "kind": "points.account", "expiry": "never"}])


def test_bare_steps_are_no_journal() -> None:
    bought = BARE.event({"type": "purchase", "id": "o", "customer_id": "c", "occurred_at": "2026-01-01T00:00:00Z", "amount": "1.00"})
    step = BARE.step(cr.State.new("c"), bought)
    for asked in (cr.metrics, lambda program, entries: cr.liability(program, entries, on=DAY)):
        with pytest.raises(cr.AnalysisError, match=r"the entries of a journal .* as replay gives them, found Step"):
            asked(BARE, [step])  # type: ignore[list-item]  # that is the fault


@pytest.mark.parametrize("found", [None, "events.jsonl", 5], ids=["none", "a path", "a number"])
def test_events_that_cannot_be_gone_through_are_refused_at_once(found: Any) -> None:
    with pytest.raises(cr.AnalysisError, match=r"events analysis.wrong_type: expected several of them"):
        cr.replay(BARE, found)
