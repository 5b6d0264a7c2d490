"""Liability, breakage and deferred revenue: published examples, and journals small enough to work out by hand."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from cases.covering import covers

import custrules as cr
from custrules.analysis.liability import AccountLiability
from custrules.errors import AnalysisError

Data = dict[str, Any]
CLUB: Data = {
    "zone": "UTC",
    "currency": "GBP",
    "policies": [
        {"kind": "points.account", "id": "points", "expiry": "3 months"},
        {"kind": "points.accrual", "id": "earn", "points_per_unit": 1},
        {"kind": "points.accrual", "id": "visits", "event": "visit", "points": 10},
        {"kind": "points.redemption", "id": "pay", "value": {"points": 100, "money": "1.00"}},
    ],
}


def event(kind: str, event_id: str, day: str, customer: str = "ann", **fields: Any) -> Data:
    return {"type": kind, "id": event_id, "customer_id": customer, "occurred_at": f"{day}T12:00:00Z", **fields}


def program(*changes: Data) -> cr.Program:
    """The club, with policies of the same id changed or others added."""
    policies = {policy["id"]: policy for policy in CLUB["policies"]}
    for change in changes:
        policies[change["id"]] = {**policies.get(change["id"], {}), **change}
    return cr.Program(id="club", zone="UTC", currency="GBP", policies=list(policies.values()))


def instant(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(hours=23, minutes=59)


def journal(club: cr.Program, events: list[Data], until: str) -> list[cr.Entry]:
    return list(cr.replay(club, events, instant(until)))


def pounds(amount: str) -> cr.Money:
    return cr.Money(amount, "GBP")


# ann's 300 of January: 50 taken back, 100 used, 150 lapse on 11 April; bob's 80 of March run to 1 June, ann's 10 to 20 May
EVENTS = [
    event("purchase", "a-1", "2026-01-10", amount="300.00"),
    event("return", "a-2", "2026-01-20", of="a-1", amount="50.00"),
    event("visit", "a-4", "2026-02-20"),
    event("redemption", "a-3", "2026-03-05", points=100),
    event("purchase", "b-1", "2026-03-01", "bob", amount="80.00"),
]


# -- liability ---------------------------------------------------------------------------------------------------------


def liability(on: str, events: list[Data] = EVENTS, **asked: Any) -> AccountLiability:
    club = program()
    return cr.liability(club, journal(club, events, on), on=on, **asked).accounts[0]


def test_a_liability_is_outstanding_times_value_less_breakage() -> None:
    # 150 + 10 + 80 = 240 points at 0.01 are 2.40; a fifth is never claimed
    found = liability("2026-03-10", breakage="20%")
    assert (found.outstanding, found.value, found.face, found.amount) == (240, Fraction(1, 100), pounds("2.40"), pounds("1.92"))


def test_a_value_may_be_given_and_be_finer_than_the_smallest_coin() -> None:
    assert liability("2026-03-10", value="0.0095").amount == pounds("2.28")
    assert liability("2026-03-10", value=pounds("0.02")).amount == pounds("4.80")
    assert liability("2026-03-10", value={"points": Fraction(1, 3)}).amount == pounds("80.00")


def test_points_that_lapsed_are_outstanding_no_more() -> None:
    # usable up to 10 April inclusive: three months after 10 January
    assert [liability(day).outstanding for day in ("2026-04-10", "2026-04-11")] == [240, 90]


def test_outstanding_points_are_told_by_source_vintage_and_days_left() -> None:
    # on 10 March: 31 days to 10 April, 71 to 20 May, 83 to 1 June
    found = liability("2026-03-10", limits=(31, 80))
    assert {key: row.points for key, row in found.by("source").items()} == {"purchase": 230, "gratis": 10}
    assert {key: row.points for key, row in found.by("vintage").items()} == {"2026-01": 150, "2026-02": 10, "2026-03": 80}
    assert {key: row.points for key, row in found.by("expiry").items()} == {"31": 150, "80": 10, "later": 80}
    assert {key: row.points for key, row in liability("2026-03-10", per="quarter").by("vintage").items()} == {"2026-Q1": 240}


def test_the_rows_sum_to_the_rounded_whole() -> None:
    # thirds of a penny: 150, 10 and 80 points at 1/300 are 0.50, 0.0333 and 0.2666; together 0.80
    found = liability("2026-03-10", value="1/300")
    assert found.amount == pounds("0.80")
    assert sum(row.amount.minor for row in found.rows if row.amount) == 80


def test_the_rounding_is_named() -> None:
    # 240 points at 1/1000 with a seventh never claimed: 0.2057
    assert [liability("2026-03-10", value="1/1000", breakage="1/7", rounding=name).amount for name in ("floor", "ceil", "half_up")] == [
        pounds("0.20"),
        pounds("0.21"),
        pounds("0.21"),
    ]


def test_points_that_never_expire_have_a_bucket_of_their_own() -> None:
    club = program({"id": "points", "expiry": "never"})
    (found,) = cr.liability(club, journal(club, EVENTS, "2026-03-10"), on="2026-03-10").accounts
    assert {key: row.points for key, row in found.by("expiry").items()} == {"never": 240}


def test_what_customers_owe_is_not_netted() -> None:
    events = [
        event("purchase", "a-1", "2026-01-10", amount="100.00"),
        event("redemption", "a-2", "2026-01-11", points=100),
        event("return", "a-3", "2026-01-12", of="a-1"),
        event("purchase", "b-1", "2026-01-12", "bob", amount="30.00"),
    ]
    found = liability("2026-01-20", events)
    assert (found.outstanding, found.owed, found.amount) == (30, 100, pounds("0.30"))


def test_states_are_advanced_to_the_day_and_tell_the_same() -> None:
    club = program()
    states = cr.replay(club, EVENTS).collect().states.values()
    from_states = cr.liability(club, states, on="2026-04-20", breakage="20%").accounts[0]
    assert from_states.outstanding == 90
    assert from_states == liability("2026-04-20", breakage="20%")


def test_a_state_of_a_later_day_is_refused() -> None:
    club = program()
    states = cr.replay(club, EVENTS, instant("2026-04-20")).collect().states.values()
    with pytest.raises(AnalysisError, match="stands at 2026-04-20, after 2026-04-19") as error:
        cr.liability(club, states, on=date(2026, 4, 19))
    assert error.value.diagnostics[0].code == "analysis.later_state"


def test_nobody_holds_anything() -> None:
    (found,) = cr.liability(program(), [], on="2026-01-01").accounts
    assert (found.outstanding, found.amount, found.rows) == (0, pounds("0.00"), ())


def test_credits_that_nothing_redeems_have_no_amount() -> None:
    club = program({"kind": "points.account", "id": "credits", "unit": "credits", "expiry": "never"}, {"id": "visits", "account": "credits"})
    points, credits = cr.liability(club, journal(club, EVENTS, "2026-03-10"), on="2026-03-10").accounts
    assert (points.outstanding, points.amount) == (230, pounds("2.30"))
    assert (credits.outstanding, credits.value, credits.amount) == (10, None, None)


def test_credits_that_only_rank_are_no_liability_whatever_they_are_said_to_be_worth() -> None:
    club = program({"kind": "points.account", "id": "credits", "expiry": "never", "purpose": "rank"}, {"id": "visits", "account": "credits"})
    told = cr.liability(club, journal(club, EVENTS, "2026-03-10"), on="2026-03-10", value={"points": "0.01", "credits": "0.01"}).accounts
    assert [(found.outstanding, found.amount) for found in told] == [(230, pounds("2.30")), (10, None)]


def test_what_is_held_or_kept_beyond_its_last_day_is_outstanding_and_not_breakage() -> None:
    # ann's 300 run to 10 April; 100 of them are held; bob is active in April, which carries his 80 to July
    events = [
        event("purchase", "a-1", "2026-01-10", amount="300.00"),
        event("hold", "a-2", "2026-04-01", points=100),
        event("purchase", "b-1", "2026-01-10", "bob", amount="80.00"),
        event("visit", "b-2", "2026-04-01", "bob"),
    ]
    kept = {"id": "points", "expiry": {"length": "3 months", "inactivity": "3 months", "of": "visit"}}
    club = program(kept, {"id": "visits", "event": "referral"})
    done = cr.replay(club, events, instant("2026-04-30")).collect()
    for held in (done.journal, done.states.values()):
        assert cr.liability(club, held, on="2026-04-30").accounts[0].outstanding == 180
    (cohort,) = cr.breakage(club, done.journal, on="2026-04-30").accounts[0].cohorts
    assert (cohort.lapsed, cohort.left, cohort.over, cohort.rate) == (200, 180, False, Fraction(1))


def test_points_worth_different_amounts_by_level_need_a_value() -> None:
    levels = {"kind": "tiers.ladder", "id": "levels", "levels": [{"name": "base"}, {"name": "gold"}], "downgrade": "one_level"}
    levels["levels"][1]["enter"] = {"points": ">= 10"}  # type: ignore[index]  # the second level
    club = program(levels, {"id": "pay", "value": {"points": 100, "money": {"base": "1.00", "gold": "2.00"}}})
    with pytest.raises(AnalysisError, match="by level") as error:
        cr.liability(club, journal(club, EVENTS, "2026-03-10"), on="2026-03-10")
    assert error.value.diagnostics[0].code == "analysis.several_values"
    assert cr.liability(club, [], on="2026-03-10", value="0.01").accounts[0].amount == pounds("0.00")


@pytest.mark.parametrize(
    ("asked", "code", "path"),
    [
        ({"breakage": "120%"}, "analysis.wrong_type", "breakage"),
        ({"breakage": 0.2}, "analysis.wrong_type", "breakage"),
        ({"value": "-1"}, "analysis.wrong_type", "value.points"),
        ({"value": {"miles": "0.01"}}, "analysis.unknown_account", "value"),
        ({"value": cr.Money("0.01", "USD")}, "analysis.other_currency", "value.points"),
        ({"limits": (90, 30)}, "analysis.wrong_type", "limits"),
        ({"per": "week"}, "analysis.unknown_choice", "per"),
        ({"rounding": "up"}, "analysis.unknown_choice", "rounding"),
        ({"on": "yesterday"}, "analysis.wrong_type", "on"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: Data, code: str, path: str) -> None:
    with pytest.raises(AnalysisError) as error:
        cr.liability(program(), [], **{"on": "2026-01-01", **asked})
    assert [(fault.code, fault.path) for fault in error.value.diagnostics] == [(code, path)]


# -- vintages ----------------------------------------------------------------------------------------------------------


def test_lots_that_became_one_keep_their_vintages_in_a_journal() -> None:
    # never-expiring points of January and February are one lot once no return can undo them; 130 then come out of the oldest
    club = program({"id": "points", "expiry": "never"})
    events = [
        event("purchase", "a-1", "2024-01-10", amount="100.00"),
        event("purchase", "a-2", "2024-02-10", amount="70.00"),
        event("redemption", "a-3", "2026-03-05", points=130),
    ]
    found = cr.liability(club, journal(club, events, "2026-03-10"), on="2026-03-10").accounts[0]
    assert {key: row.points for key, row in found.by("vintage").items()} == {"2024-02": 40}


def test_a_customer_who_comes_back_is_refused_where_vintages_are_asked_for() -> None:
    club = program()
    entries = [*journal(club, EVENTS[:1], "2026-01-10"), *journal(club, EVENTS[4:], "2026-03-10"), *journal(club, EVENTS[2:3], "2026-03-10")]
    assert cr.metrics(club, entries, by="source").accounts[0].periods
    with pytest.raises(AnalysisError, match='"ann" comes back'):
        cr.metrics(club, entries, by="vintage")


def test_a_journal_without_its_beginning_is_refused_where_vintages_are_asked_for() -> None:
    club = program()
    with pytest.raises(AnalysisError, match='more leaves the account "points"') as error:
        cr.breakage(club, journal(club, EVENTS[:4], "2026-03-10")[1:], on="2026-03-10")
    assert error.value.diagnostics[0].code == "analysis.incomplete_journal"


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_metrics_by_quarter_and_source() -> None:
    club = program()
    (account,) = cr.metrics(club, journal(club, EVENTS, "2026-06-30"), until=instant("2026-06-30"), per="quarter", by="source").accounts
    assert [(row.name, row.opening, row.closing) for row in account.periods] == [("2026-Q1", 0, 240), ("2026-Q2", 240, 0)]
    assert {group.key["source"]: [row.closing for row in group.periods] for group in account.groups} == {"gratis": [10, 0], "purchase": [230, 0]}
    assert [group.periods[1].moved["expired"] for group in account.groups] == [10, 230]


@pytest.mark.parametrize(("per", "names"), [("half", ["2026-H1", "2026-H2"]), ("year", ["2026"])])
def test_periods_are_named(per: Any, names: list[str]) -> None:
    club = program()
    (account,) = cr.metrics(club, journal(club, EVENTS, "2026-07-01"), until=instant("2026-07-01"), per=per).accounts
    assert [row.name for row in account.periods] == names


def test_figures_reconcile_with_the_states_in_which_the_journal_ended() -> None:
    club = program()
    done = cr.replay(club, EVENTS, instant("2026-03-31")).collect()
    figures = cr.metrics(club, done.journal, by=("source", "expiry"))
    assert figures.reconcile(club, done.states.values()) == ()
    missing = figures.reconcile(club, [done.states["ann"]])
    assert [(found.what, dict(found.key), found.figures, found.states) for found in missing] == [
        ("outstanding", {}, 240, 160),
        ("outstanding", {"source": "purchase", "expiry": "2026-06"}, 80, 0),
    ]


@pytest.mark.parametrize("asked", [{"per": "week"}, {"by": "level"}, {"by": ("source", "colour")}])
def test_periods_and_groups_that_there_are_not_are_refused(asked: Data) -> None:
    with pytest.raises(AnalysisError) as error:
        cr.metrics(program(), [], **asked)
    assert error.value.diagnostics[0].code == "analysis.unknown_choice"


@covers("SV-A06")
def test_opening_and_what_came_in_less_what_went_out_is_closing() -> None:
    # 10,000 + 2,000 - 1,500 - 300 - 200 + 50 = 10,050, of which the 50 are given back by a cancelled redemption
    club = program({"id": "points", "expiry": "6 months"})
    events = [
        event("adjustment", "a-1", "2025-12-31", account="points", quantity=9700, reason="brought over"),
        event("adjustment", "b-1", "2025-08-10", "bob", account="points", quantity=300, reason="brought over"),  # up to 10 February
        event("purchase", "a-2", "2026-02-01", amount="1800.00"),
        event("purchase", "a-3", "2026-02-02", amount="200.00"),
        event("return", "a-4", "2026-02-03", of="a-3"),
        event("redemption", "a-5", "2026-02-04", points=1450),
        event("redemption", "a-6", "2026-02-04", points=50),
        event("redemption_cancelled", "a-7", "2026-02-05", of="a-6"),
    ]
    events = [one for one in events if one["customer_id"] == "ann"] + [one for one in events if one["customer_id"] == "bob"]
    done = cr.replay(club, events, instant("2026-02-28")).collect()
    february = cr.metrics(club, done.journal, until=instant("2026-02-28")).accounts[0].periods[-1]
    moved = {name: units for name, units in february.moved.items() if units}
    assert moved == {"issued": 2000, "redeemed": 1500, "expired": 300, "reversed": 200, "given_back": 50}
    assert (february.opening, february.closing) == (10_000, 10_050)
    held = sum(lot.quantity for state in done.states.values() for lot in state.points().lots)  # type: ignore[misc]  # whole points
    assert held == 10_050


# -- breakage ----------------------------------------------------------------------------------------------------------


def test_breakage_is_what_lapsed_of_the_vintages_that_are_over() -> None:
    # of January's 300, 50 were taken back, 100 used, 150 lapsed: 150 / 250; the others run on
    club = program()
    (account,) = cr.breakage(club, journal(club, EVENTS, "2026-04-30"), on="2026-04-30").accounts
    assert [(cohort.vintage, cohort.source, cohort.left, cohort.over) for cohort in account.cohorts] == [
        ("2026-01", "purchase", 0, True),
        ("2026-02", "gratis", 10, False),
        ("2026-03", "purchase", 80, False),
    ]
    assert account.rate == Fraction(3, 5)
    assert (account.rate_of("purchase"), account.rate_of("gratis")) == (Fraction(3, 5), None)


def test_the_breakage_of_cohorts_may_be_the_breakage_of_a_liability() -> None:
    # 90 points at 0.01, of which two fifths are expected to be used
    club = program()
    entries = journal(club, EVENTS, "2026-04-30")
    found = cr.liability(club, entries, on="2026-04-30", breakage=cr.breakage(club, entries, on="2026-04-30"))
    assert found.accounts[0].amount == pounds("0.36")


def test_before_anything_has_lapsed_there_is_no_rate() -> None:
    club = program()
    entries = journal(club, EVENTS, "2026-03-10")
    found = cr.breakage(club, entries, on="2026-03-10")
    assert found.accounts[0].rate is None
    with pytest.raises(AnalysisError) as error:
        cr.liability(club, entries, on="2026-03-10", breakage=found)
    assert error.value.diagnostics[0].code == "analysis.nothing_lapsed"


def test_points_given_back_after_they_lapsed_count_as_lapsed() -> None:
    club = program()
    events = [
        event("purchase", "a-1", "2026-01-10", amount="100.00"),
        event("redemption", "a-2", "2026-04-01", points=80),
        event("redemption_cancelled", "a-3", "2026-04-20", of="a-2"),
    ]
    (cohort,) = cr.breakage(club, journal(club, events, "2026-04-30"), on="2026-04-30").accounts[0].cohorts
    assert (cohort.used, cohort.lapsed, cohort.rate) == (0, 100, Fraction(1))


def test_a_return_of_points_that_were_used_is_a_reversal_of_their_own_vintage() -> None:
    # January's 100 are used and then returned: February's 60 pay 60 of them, 40 are owed and paid by March's 50
    club = program()
    events = [
        event("purchase", "a-1", "2026-01-10", amount="100.00"),
        event("redemption", "a-2", "2026-01-11", points=100),
        event("purchase", "a-3", "2026-02-10", amount="60.00"),
        event("return", "a-4", "2026-02-20", of="a-1"),
        event("purchase", "a-5", "2026-03-10", amount="50.00"),
    ]
    (account,) = cr.breakage(club, journal(club, events, "2026-03-10"), on="2026-03-10").accounts
    assert [(cohort.vintage, cohort.issued, cohort.reversed, cohort.used, cohort.left) for cohort in account.cohorts] == [
        ("2026-01", 100, 100, 0, 0),
        ("2026-02", 60, 0, 60, 0),
        ("2026-03", 50, 0, 40, 10),
    ]


def test_what_is_taken_back_of_lapsed_points_did_not_lapse() -> None:
    # half of a purchase of 100 comes back when its points had lapsed: 50 of them should never have been issued
    club = program()
    events = [event("purchase", "a-1", "2026-01-10", amount="100.00"), event("return", "a-2", "2026-04-20", of="a-1", amount="50.00")]
    (cohort,) = cr.breakage(club, journal(club, events, "2026-04-30"), on="2026-04-30").accounts[0].cohorts
    assert (cohort.issued, cohort.reversed, cohort.lapsed, cohort.left) == (100, 50, 50, 0)


# -- the published examples ---------------------------------------------------------------------------------------------


def whole(amount: int) -> cr.Money:
    return cr.Money.from_minor(amount, "JPY")  # the examples count in whole currency units


@covers("SV-A01")
def test_ifrs_15_illustrative_example_52_divides_the_price() -> None:
    # products 100,000 and 10,000 points at 1 x 95% = 9,500
    shares = cr.allocate(whole(100_000), {"products": whole(100_000), "points": whole(9_500)})
    assert shares == {"products": whole(91_324), "points": whole(8_676)}


@covers("SV-A01")
def test_ifrs_15_illustrative_example_52_recognises_with_a_changed_expectation() -> None:
    # 8,676 x 4,500 / 9,500 = 4,110; 8,676 x 8,500 / 9,700 = 7,603, less 4,110; 1,073 are left
    years = cr.recognise(whole(8_676), [(4_500, 9_500), (8_500, 9_700)])
    assert years == (whole(4_110), whole(3_493))
    assert whole(8_676) - years[0] - years[1] == whole(1_073)


@covers("SV-A02", "SV-A03")
@pytest.mark.parametrize(("expected", "third_year"), [(9_900, 3_552), (9_200, 4_140)], ids=["10A: more are used", "10B: fewer are used"])
def test_kpmg_handbook_example_10(expected: int, third_year: int) -> None:
    # 9,000 were deferred; 4,500 points are used of 9,700 expected, then 8,500 of what is expected by then
    assert cr.recognise(whole(9_000), [(4_500, 9_700), (8_500, expected)]) == (whole(4_175), whole(third_year))


@covers("SV-A05")
def test_a_price_that_buys_more_than_it_says_is_revenue_by_share() -> None:
    # 1,000.00 buy 1,200.00 of value: 300.00 of it are 250.00 of revenue; where 5% are never used, 300 / 1,140
    assert cr.recognise(pounds("1000.00"), [(300, 1200)]) == (pounds("250.00"),)
    assert cr.recognise(pounds("1000.00"), [(300, 1140)]) == (pounds("263.16"),)


def test_what_is_recognised_never_exceeds_what_was_deferred_and_sums_to_it() -> None:
    parts = cr.recognise(pounds("10.00"), [(1, 3), (2, 3), (3, 3), (5, 3)])
    assert [str(part.amount) for part in parts] == ["3.33", "3.34", "3.33", "0.00"]


def test_an_allocation_of_nothing_or_of_two_currencies_is_refused() -> None:
    with pytest.raises(AnalysisError):
        cr.allocate(pounds("10.00"), {"goods": pounds("0.00")})
    with pytest.raises(AnalysisError):
        cr.allocate(pounds("10.00"), {"goods": whole(1)})
    with pytest.raises(AnalysisError):
        cr.recognise(pounds("10.00"), [(1, 3)], rounding="up")


# -- deferred revenue of a journal ---------------------------------------------------------------------------------------

ROUND = {"id": "points", "expiry": "12 months"}


def deferred(events: list[Data], on: str, prices: dict[tuple[str, str], cr.Money], *changes: Data, **asked: Any) -> list[tuple[str, ...]]:
    club = program(*changes)
    found = cr.deferred_revenue(club, journal(club, events, on), prices, on=on, **asked)
    names = ("opening", "deferred", "reversed", "recognised", "catch_up", "closing")
    return [(period.name, *(str(getattr(period, name).amount) for name in names)) for period in found.periods]


def test_a_journal_reproduces_example_52_at_a_hundredth_of_its_size() -> None:
    # 1,000.00 buy 10,000 points worth 0.01 each at 5% breakage: 1,000 x 95 / 1,095 = 86.76 are deferred; 4,500 used of 9,500 in the first
    # year are 41.10; 8,500 of 9,700 in the second 76.03, of which 34.93 are new; catch-up: 4,500 / 9,700 instead of / 9,500 is -0.85
    events = [
        event("purchase", "a-1", "2026-03-01", amount="1000.00"),
        event("redemption", "a-2", "2026-09-01", points=4500),
        event("redemption", "a-3", "2027-09-01", points=4000),
    ]
    rows = deferred(
        events,
        "2027-12-31",
        {("ann", "a-1"): pounds("1000.00")},
        {"id": "points", "expiry": "36 months"},
        {"id": "earn", "points_per_unit": 10},
        breakage={"2026-01-01": "5%", "2027-01-01": "3%"},
        per="year",
    )
    assert rows == [
        ("2026", "0.00", "86.76", "0.00", "41.10", "0.00", "45.66"),
        ("2027", "45.66", "0.00", "0.00", "34.93", "-0.85", "10.73"),
    ]


def test_what_is_left_when_points_lapse_is_revenue_then() -> None:
    # 100.00 buy 100 points worth 1.00: 100 / 101 = 0.99 deferred; nobody uses them; usable to 31 January 2027
    rows = deferred([event("purchase", "a-1", "2026-01-31", amount="100.00")], "2027-02-28", {("ann", "a-1"): pounds("100.00")}, ROUND, breakage=0)
    assert rows[0] == ("2026-01", "0.00", "0.99", "0.00", "0.00", "0.00", "0.99")
    assert rows[-2:] == [
        ("2027-01", "0.99", "0.00", "0.00", "0.00", "0.00", "0.99"),
        ("2027-02", "0.99", "0.00", "0.00", "0.99", "0.00", "0.00"),
    ]


def test_a_return_takes_its_share_out_of_what_was_deferred() -> None:
    # half of the points of 0.99 go back: 0.495 stay, half up 0.50
    events = [event("purchase", "a-1", "2026-01-31", amount="100.00"), event("return", "a-2", "2026-02-03", of="a-1", amount="50.00")]
    assert deferred(events, "2026-02-28", {("ann", "a-1"): pounds("100.00")}, ROUND, breakage=0)[-1] == (
        *("2026-02", "0.99", "0.00", "0.49", "0.00", "0.00", "0.50"),
    )


def test_a_return_of_points_that_were_used_takes_their_revenue_back() -> None:
    events = [
        event("purchase", "a-1", "2026-01-31", amount="100.00"),
        event("redemption", "a-2", "2026-02-01", points=100),
        event("return", "a-3", "2026-03-01", of="a-1"),
    ]
    assert deferred(events, "2026-03-31", {("ann", "a-1"): pounds("100.00")}, ROUND, breakage=0)[1:] == [
        ("2026-02", "0.99", "0.00", "0.00", "0.99", "0.00", "0.00"),
        ("2026-03", "0.00", "0.00", "0.99", "-0.99", "0.00", "0.00"),
    ]


def test_gratis_points_defer_nothing() -> None:
    assert deferred([event("visit", "a-1", "2026-01-31")], "2026-02-28", {}, ROUND, breakage=0) == []


SALE = {"kind": "points.transfer", "id": "sale", "sell": {"lines": {"sku": "P"}, "points_per_quantity": 100}}


def test_points_that_were_bought_defer_what_was_paid_for_them() -> None:
    # 300 points for 6.00, beside goods for 100.00 whose own 100 points are worth 1.00: 100 / 101 = 0.99, and 6.00 of the sale
    lines = [{"sku": "P", "quantity": 3, "amount": "6.00", "category": "points"}, {"sku": "A", "amount": "100.00", "category": "goods"}]
    events = [event("purchase", "a-1", "2026-01-31", amount="106.00", lines=lines), event("redemption", "a-2", "2026-02-01", points=400)]
    earn = {"id": "earn", "exclude_lines": {"category": "points"}}
    rows = deferred(events, "2026-02-28", {("ann", "a-1"): pounds("106.00")}, ROUND, SALE, earn, breakage=0)
    assert rows == [("2026-01", "0.00", "6.99", "0.00", "0.00", "0.00", "6.99"), ("2026-02", "6.99", "0.00", "0.00", "6.99", "0.00", "0.00")]


def test_points_that_were_bought_are_told_apart_in_a_liability() -> None:
    events = [event("purchase", "a-1", "2026-01-31", lines=[{"sku": "P", "quantity": 3, "amount": "6.00"}])]
    club = program(SALE, {"id": "earn", "exclude_lines": {"sku": "P"}})
    (found,) = cr.liability(club, journal(club, events, "2026-02-01"), on="2026-02-01").accounts
    assert {source: row.points for source, row in found.by("source").items()} == {"bought": 300}


def test_two_awards_of_one_purchase_share_its_price() -> None:
    # 100 points to each of two accounts, worth 1.00 each: 100 x 2 / 102 = 1.9608, of which either account has 0.98
    club = program(
        ROUND,
        {"kind": "points.account", "id": "more", "expiry": "12 months"},
        {"kind": "points.accrual", "id": "earn_more", "account": "more", "points_per_unit": 1},
    )
    entries = journal(club, [event("purchase", "a-1", "2026-01-31", amount="100.00")], "2026-01-31")
    value = {"points": "0.01", "more": "0.01"}
    found = cr.deferred_revenue(club, entries, {("ann", "a-1"): pounds("100.00")}, on="2026-01-31", breakage=0, value=value)
    assert found.periods[0].closing == pounds("1.96")


def test_a_purchase_without_a_price_is_refused() -> None:
    with pytest.raises(AnalysisError, match='no price for the purchase "a-1"') as error:
        deferred(EVENTS, "2026-03-31", {}, breakage=0)
    assert error.value.diagnostics[0].code == "analysis.no_price"
    with pytest.raises(AnalysisError, match="different currencies"):
        deferred(EVENTS[:1], "2026-03-31", {("ann", "a-1"): whole(300)}, breakage=0)
    with pytest.raises(AnalysisError, match="shares by first day"):
        deferred(EVENTS[:1], "2026-03-31", {}, breakage={})


# -- as data and in words ------------------------------------------------------------------------------------------------


def answers() -> list[Any]:
    club = program()
    entries = journal(club, EVENTS, "2026-04-30")
    prices = {("ann", "a-1"): pounds("300.00"), ("bob", "b-1"): pounds("80.00")}
    return [
        cr.metrics(club, entries, per="quarter", by=("source", "vintage", "expiry")),
        cr.breakage(club, entries, on="2026-04-30"),
        cr.liability(club, entries, on="2026-04-30", breakage="1/3"),
        cr.deferred_revenue(club, entries, prices, on="2026-04-30", breakage="1/3"),
    ]


@pytest.mark.parametrize("number", range(4))
def test_answers_are_canonical_json_and_pickle(number: int) -> None:
    found = answers()[number]
    data = json.loads(found.to_json())
    assert json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() == found.to_json()
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", ["accrued in", "Breakage over", "At 0.01 a point", "recognised"]), ("zh", ["累积于", "未行使比例", "每分 0.01", "确认收入"])],
)
def test_answers_have_words_in_both_languages(lang: str, words: list[str]) -> None:
    told = [cr.render(found, lang) for found in answers()]
    assert all(word in text for word, text in zip(words, told, strict=True))


def test_the_text_of_a_liability_names_its_buckets() -> None:
    # on 30 April: 20 days to 20 May, 32 to 1 June
    lines = [line.split() for line in cr.render(answers()[2]).splitlines() if line.startswith(("  purchase", "  gratis"))]
    assert lines == [["gratis", "2026-02", "0-30", "10", "0.07"], ["purchase", "2026-03", "31-90", "80", "0.53"]]


def test_answers_about_nothing_say_so() -> None:
    club = program()
    assert "Nothing moved." in cr.render(cr.deferred_revenue(club, [], {}, on="2026-01-01", breakage=0))
    assert "没有任何变动。" in cr.render(cr.breakage(club, [], on="2026-01-01"), "zh")
    assert "0" in cr.render(cr.liability(club, [], on="2026-01-01"))
