"""Experiments: a changed program, and what the same events come to under both."""

from __future__ import annotations

import gc
import json
import pickle
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from properties.histories import CUSTOMER, Case, cases
from properties.programs import made

import custrules as cr
from custrules.analysis.comparison import AccountFigures, Comparison, Figure, Movement
from custrules.errors import AnalysisError
from custrules.messages.columns import width

SHOP: dict[str, Any] = {
    "program": "shop",
    "zone": "Europe/London",
    "currency": "GBP",
    "profile": {"kind": {"type": "text", "values": ["trade", "home"]}, "city": {"type": "text"}},
    "measures": {"spend": {"sum": "spend", "window": "12 months"}},
    "policies": [
        {
            "kind": "tiers.ladder",
            "id": "levels",
            "levels": [{"name": "member"}, {"name": "gold", "enter": {"spend": ">= 100"}}],
            "term": "12 months",
            "downgrade": "one_level",
        },
        {"kind": "points.account", "id": "points", "expiry": "6 months"},
        {"kind": "points.accrual", "id": "earn", "points_per_unit": {"member": 1, "gold": 2}},
        {"kind": "points.redemption", "id": "pay", "value": {"points": 10, "money": "1"}},
    ],
}
POINTS = {"type": "points", "amount": "3.00", "quantity": 30}
GOLD_FROM_80 = [{"name": "member"}, {"name": "gold", "enter": {"spend": ">= 80"}}]

Data = dict[str, Any]


def program(**sections: Any) -> cr.Program:
    data = {**SHOP, **sections}
    return cr.Program(id=data["program"], **{name: value for name, value in data.items() if name != "program"})


def event(kind: str, event_id: str, customer: str, day: str, **fields: Any) -> Data:
    return {"type": kind, "id": event_id, "customer_id": customer, "occurred_at": f"2026-{day}T12:00:00Z", **fields}


# ann (trade) buys for 60.00 and then for 30.00; bob (home) for 150.00; cat (no kind) for 85.00, then for 10.00, and returns the second
EVENTS: list[Data] = [
    event("enrolment", "a0", "ann", "01-01", profile={"kind": "trade"}),
    event("purchase", "a1", "ann", "01-10", amount="60.00"),
    event("purchase", "a2", "ann", "02-10", amount="30.00"),
    event("enrolment", "b0", "bob", "01-01", profile={"kind": "home"}),
    event("purchase", "b1", "bob", "03-01", amount="150.00"),
    event("purchase", "c1", "cat", "03-01", amount="85.00"),
    event("purchase", "c2", "cat", "03-02", amount="10.00"),
    event("return", "c3", "cat", "03-03", of="c2"),
]
END = datetime(2026, 3, 31, 22, 59, 59, 999999, tzinfo=UTC)  # the end of March in London


@pytest.fixture(scope="module")
def shop() -> cr.Program:
    return program()


@pytest.fixture(scope="module")
def easier(shop: cr.Program) -> cr.Program:
    return shop.revise("levels", levels=GOLD_FROM_80)


@pytest.fixture(scope="module")
def found(shop: cr.Program, easier: cr.Program) -> Comparison:
    return cr.compare(shop, easier, EVENTS, until=END, by="kind")


def figures(account: AccountFigures) -> dict[str, tuple[Any, Any, Any]]:
    """Every figure that is not nothing under both programs."""
    both = {**account.moved, **account.held}
    return {name: (one.base, one.candidate, one.difference) for name, one in both.items() if one.base or one.candidate}


def pairs(movement: Movement) -> dict[tuple[str | None, str | None], int]:
    return {(row.base, row.candidate): row.customers for row in movement.rows}


# -- a changed program -------------------------------------------------------------------------------------------------


def test_a_revised_program_decides_by_the_new_field(shop: cr.Program) -> None:
    changed = shop.revise("earn", points_per_unit="3")
    states = cr.replay(changed, EVENTS[:2]).collect().states
    assert states["ann"].points().available == 180


def test_the_original_of_a_revised_program_stays_as_it_was(shop: cr.Program) -> None:
    before = shop.to_json()
    shop.revise("levels", levels=GOLD_FROM_80)
    assert shop.to_json() == before


def test_revising_nothing_gives_an_equal_program(shop: cr.Program) -> None:
    assert shop.revise("earn") == shop


def test_none_takes_a_field_out(shop: cr.Program) -> None:
    longer = shop.revise("pay", minimum=50)
    assert longer != shop
    assert longer.revise("pay", minimum=None) == shop


def test_a_field_that_has_no_default_cannot_be_taken_out(shop: cr.Program) -> None:
    with pytest.raises(cr.DocumentError) as error:
        shop.revise("points", expiry=None)
    assert [(fault.code, fault.path) for fault in error.value.diagnostics] == [("document.missing_field", "policies[points].expiry")]


@pytest.mark.parametrize("value", ["abc", 1.5, {"member": "x"}])
def test_a_faulty_field_is_told_at_its_policy(value: object, shop: cr.Program) -> None:
    with pytest.raises(cr.DocumentError) as error:
        shop.revise("earn", points_per_unit=value)
    assert {fault.path.split(".")[0] for fault in error.value.diagnostics} == {"policies[earn]"}
    assert str(error.value).startswith("policies[earn].points_per_unit")


def test_an_unknown_field_names_the_nearest(shop: cr.Program) -> None:
    with pytest.raises(cr.DocumentError, match=r"policies\[earn\]\.point_per_unit .*Did you mean \"points_per_unit\"") as error:
        shop.revise("earn", point_per_unit=2)
    assert error.value.diagnostics[0].code == "document.unknown_field"


def test_a_fault_that_arises_elsewhere_is_told_where_it_arises(shop: cr.Program) -> None:
    with pytest.raises(cr.DocumentError) as error:
        shop.revise("levels", levels=[{"name": "member"}, {"name": "silver", "enter": {"spend": ">= 100"}}])
    assert {fault.path.split("]")[0] for fault in error.value.diagnostics} == {"policies[earn"}


def test_an_unknown_policy_names_the_nearest(shop: cr.Program) -> None:
    with pytest.raises(cr.DocumentError, match=r"there is no policy 'eran'.*Did you mean \"earn\"") as error:
        shop.revise("eran", points_per_unit=2)
    assert error.value.diagnostics[0].code == "document.unknown_policy"


TWO_VERSIONS = [*SHOP["policies"], {**SHOP["policies"][2], "effective_from": "2026-03-01", "points_per_unit": 5}]


def test_every_version_is_revised_unless_one_is_named() -> None:
    changed = program(policies=TWO_VERSIONS).revise("earn", points_per_unit="3")
    assert [policy.points_per_unit for policy in changed.policies if policy.id == "earn"] == [3, 3]  # type: ignore[attr-defined]  # an accrual


@pytest.mark.parametrize("first_day", ["2026-03-01", date(2026, 3, 1)])
def test_one_version_is_revised_by_its_first_day(first_day: date | str) -> None:
    before = program(policies=TWO_VERSIONS)
    changed = before.revise("earn", effective_from=first_day, points_per_unit="3")
    assert changed.policies[4].points_per_unit == 3  # type: ignore[attr-defined]  # an accrual
    assert changed.policies[:4] == before.policies[:4]


def test_a_version_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(cr.DocumentError, match="Versions: 1900-01-01, 2026-03-01") as error:
        program(policies=TWO_VERSIONS).revise("earn", effective_from="2026-04-01", points_per_unit=1)
    assert error.value.diagnostics[0].code == "document.unknown_version"


@pytest.mark.parametrize("first_day", ["spring", 7])
def test_a_first_day_that_is_no_day_is_a_typed_error(first_day: Any, shop: cr.Program) -> None:
    with pytest.raises(cr.DocumentError) as error:
        shop.revise("earn", effective_from=first_day)
    assert error.value.diagnostics[0].path == "effective_from"


def test_a_fault_of_every_version_is_told_once_and_of_one_with_its_first_day() -> None:
    with pytest.raises(cr.DocumentError) as error:
        program(policies=TWO_VERSIONS).revise("earn", points_per_unit="x")
    assert [fault.path for fault in error.value.diagnostics] == ["policies[earn].points_per_unit"]
    with pytest.raises(cr.DocumentError) as error:
        program(policies=TWO_VERSIONS).revise("earn", effective_from="2026-03-01", points_per_unit="x")
    assert [fault.path for fault in error.value.diagnostics] == ["policies[earn 2026-03-01].points_per_unit"]


# -- who moves, and what it costs --------------------------------------------------------------------------------------


def test_customers_are_counted_by_their_level_under_both_programs(found: Comparison) -> None:
    (movement,) = found.total.levels
    assert movement.status == "tier"
    # ann: 90 in all, cat: 85 after the return; both reach 80 and not 100. bob: 150.
    assert pairs(movement) == {("gold", "gold"): 1, ("member", "gold"): 2}
    assert movement.moved == 2


def test_points_are_told_under_both_programs_with_their_difference(found: Comparison) -> None:
    # base: 60 + 30, 150, 85 + 10, of which the return takes 10; candidate: cat holds gold when c2 comes, so that it earns 20
    (account,) = found.total.accounts
    assert figures(account) == {"issued": (335, 345, 10), "reversed": (10, 20, 10), "usable": (325, 325, 0)}


def test_money_that_is_refunded_is_told(found: Comparison) -> None:
    assert found.total.money["refunds"] == Figure(cr.Money("10.00", "GBP"), cr.Money("10.00", "GBP"), cr.Money("0.00", "GBP"))


def test_segments_are_told_in_the_declared_order_and_those_without_a_value_last(found: Comparison) -> None:
    assert [segment.value for segment in found.segments] == ["trade", "home", None]
    assert [segment.part.customers for segment in found.segments] == [1, 1, 1]
    assert [segment.part.affected for segment in found.segments] == [1, 0, 1]
    assert [pairs(segment.part.levels[0]) for segment in found.segments] == [{("member", "gold"): 1}, {("gold", "gold"): 1}, {("member", "gold"): 1}]


def test_segments_add_up_to_the_total(found: Comparison) -> None:
    for name in ("customers", "affected", "events", "differing"):
        assert sum(getattr(segment.part, name) for segment in found.segments) == getattr(found.total, name)
    issued = [segment.part.accounts[0].moved["issued"].candidate for segment in found.segments]
    assert sum(int(str(one)) for one in issued) == found.total.accounts[0].moved["issued"].candidate


def test_a_value_that_changes_is_that_of_the_closing_profile(shop: cr.Program, easier: cr.Program) -> None:
    later = [*EVENTS[:3], event("profile_update", "a3", "ann", "02-11", profile={"kind": "home"})]
    assert [segment.value for segment in cr.compare(shop, easier, later, by="kind").segments] == ["home"]


def test_identical_programs_do_not_differ(shop: cr.Program) -> None:
    same = cr.compare(shop, program(), EVENTS, until=END)
    assert not same.differs
    assert same.total.most_affected == ()
    assert all(one.difference == 0 for one in same.total.accounts[0].moved.values())
    assert "Nothing differs." in cr.render(same)
    assert "没有任何差异。" in cr.render(same, "zh")


def test_no_events_at_all_are_a_comparison_of_nobody(shop: cr.Program, easier: cr.Program) -> None:
    nobody = cr.compare(shop, easier, [])
    assert (nobody.total.customers, nobody.total.events, nobody.differs) == (0, 0, False)
    assert nobody.total.levels[0].rows == ()
    assert json.loads(nobody.to_json())["total"]["customers"] == 0


# -- time --------------------------------------------------------------------------------------------------------------


def test_events_after_the_end_are_left_out_with_customers_who_have_no_others(shop: cr.Program, easier: cr.Program) -> None:
    early = cr.compare(shop, easier, EVENTS, until=datetime(2026, 2, 1, tzinfo=UTC))
    assert early.left_out == 5
    assert early.total.customers == 2, "cat had not come yet"
    assert early.total.events == 3
    assert figures(early.total.accounts[0]) == {"issued": (60, 60, 0), "usable": (60, 60, 0)}


def test_time_passes_to_the_end_under_both_programs(shop: cr.Program) -> None:
    shorter = shop.revise("points", expiry="1 month")
    late = cr.compare(shop, shorter, EVENTS[:3], until=datetime(2026, 7, 20, tzinfo=UTC))
    # base: the 60 of 10 January lapse after 10 July, the 30 of 10 February are there until 10 August
    assert figures(late.total.accounts[0]) == {"issued": (90, 90, 0), "expired": (60, 90, 30), "usable": (30, 0, -30)}


def test_without_an_end_both_programs_are_read_at_the_same_instant(shop: cr.Program) -> None:
    """A redemption that one program refuses on 20 July lets time pass there all the same: what lapsed on the way lapsed under both."""
    nothing_to_spend = shop.revise("pay", minimum=1000)
    spends = [*EVENTS[:3], event("redemption", "a3", "ann", "07-20", points=10)]
    one = cr.compare(shop, nothing_to_spend, spends)
    assert figures(one.total.accounts[0]) == {"issued": (90, 90, 0), "redeemed": (10, 0, -10), "expired": (60, 60, 0), "usable": (20, 30, 10)}
    assert one.total.money["money_off"] == Figure(cr.Money("1.00", "GBP"), cr.Money("0.00", "GBP"), cr.Money("-1.00", "GBP"))


def test_money_off_that_is_cancelled_is_told_as_undone(shop: cr.Program) -> None:
    events = [
        event("purchase", "a1", "ann", "01-10", amount="60.00"),
        event("redemption", "a2", "ann", "01-11", points=20),
        event("redemption_cancelled", "a3", "ann", "01-12", of="a2"),
        event("purchase", "a4", "ann", "01-13", amount="10.00", tenders=[POINTS, {"type": "card", "amount": "7.00"}]),
        event("return", "a5", "ann", "01-14", of="a4"),
    ]
    money = cr.compare(shop, shop, events).total.money
    assert {name: str(figure.base) for name, figure in money.items()} == {
        "money_off": "5.00 GBP",
        "money_off_undone": "5.00 GBP",
        "refunds": "7.00 GBP",
    }


# -- what was decided differently --------------------------------------------------------------------------------------


def test_an_event_whose_decisions_differ_only_in_numbers_differs(shop: cr.Program) -> None:
    double = cr.compare(shop, shop.revise("earn", points_per_unit={"member": 2, "gold": 4}), EVENTS[:2])
    (customer,) = double.total.most_affected
    (one,) = customer.events
    assert one.event_id == "a1"
    assert one.day == date(2026, 1, 10)
    assert [answer.decisions[0].reasons[0].params["points"] for answer in (one.base, one.candidate)] == [60, 120]
    assert [len(answer.decisions) for answer in (one.base, one.candidate)] == [1, 1], "the level is decided alike, and left out"


def test_another_first_day_of_the_same_rule_is_no_difference(shop: cr.Program) -> None:
    policies = [{**policy, "effective_from": "2020-01-01"} for policy in SHOP["policies"]]
    assert not cr.compare(shop, program(policies=policies), EVENTS, until=END).differs


def test_what_time_alone_decided_differently_stands_on_its_day(shop: cr.Program) -> None:
    shorter = shop.revise("points", expiry="5 months")
    (customer,) = cr.compare(shop, shorter, EVENTS[1:2], until=datetime(2026, 7, 31, tzinfo=UTC)).total.most_affected
    # the lot itself says when it lapses; then it lapses on 11 June and not on 11 July
    assert [(one.event_id, one.day.isoformat()) for one in customer.events] == [
        ("a1", "2026-01-10"),
        ("day:2026-06-11", "2026-06-11"),
        ("day:2026-07-11", "2026-07-11"),
    ]
    assert [len(one.candidate.decisions) for one in customer.events] == [1, 1, 0]


def test_decisions_of_the_same_words_tell_the_lots_that_differ(shop: cr.Program) -> None:
    text = re.sub(" +", " ", cr.render(cr.compare(shop, shop.revise("points", expiry="5 months"), EVENTS[1:2])))
    assert text.count("earn: 60 points for this purchase (account points, level member, multiplied by 1).") == 2
    assert " world.issued → points: 60 (usable 2026-01-10 to 2026-07-10)\n candidate" in text
    assert text.endswith(" world.issued → points: 60 (usable 2026-01-10 to 2026-06-10)")


def test_decisions_of_the_same_words_tell_the_statuses_that_differ() -> None:
    basic = {"kind": "tiers.ladder", "id": "levels", "levels": [{"name": "member"}], "downgrade": "one_level"}
    one, other = (program(policies=[{**basic, "status": name}], measures={}) for name in ("tier", "rank"))
    text = re.sub(" +", " ", cr.render(cr.compare(one, other, EVENTS[1:2])))
    assert (
        " tier: member reached=base anchor=2026-01-10 (until -)\n candidate levels: Everybody begins as member.\n rank: member reached=base" in text
    )


def test_the_most_affected_come_in_the_order_that_is_named(shop: cr.Program) -> None:
    """First another level, then the balance that lies furthest apart, then more events, then the id."""
    both = shop.revise("levels", levels=GOLD_FROM_80).revise("earn", points_per_unit={"member": 2, "gold": 3})
    spread = [
        event("purchase", "d1", "dan", "01-10", amount="150.00"),  # gold under both: 150 and 300 points
        event("purchase", "e1", "eve", "01-10", amount="20.00"),
        event("purchase", "e2", "eve", "01-11", amount="20.00"),  # 40 and 80 points, two events
        event("purchase", "f1", "flo", "01-10", amount="40.00"),  # 40 and 80 points, one event
        event("purchase", "g1", "gus", "01-10", amount="85.00"),  # another level; 85 and 170 points
        event("purchase", "h1", "hal", "01-10", amount="40.00"),
    ]
    ranked = cr.compare(shop, both, spread)
    assert [customer.customer_id for customer in ranked.total.most_affected] == ["gus", "dan", "eve", "flo", "hal"]
    assert [customer.customer_id for customer in cr.compare(shop, both, spread, top=2).total.most_affected] == ["gus", "dan"]
    assert cr.compare(shop, both, spread, top=0).total.affected == 5
    assert Comparison.order == ("levels", "balances", "events", "customer_id")


def test_of_many_differing_events_all_are_counted_and_the_first_kept(shop: cr.Program) -> None:
    many = [event("purchase", f"p{number}", "ann", f"01-{number:02d}", amount="1.00") for number in range(1, 29)]
    (customer,) = cr.compare(shop, shop.revise("earn", points_per_unit=7), many).total.most_affected
    assert customer.differing == 28
    assert [one.event_id for one in customer.events] == [f"p{number}" for number in range(1, 21)]
    assert "… and 25 more" in cr.render(cr.compare(shop, shop.revise("earn", points_per_unit=7), many))


# -- refused here, accepted there --------------------------------------------------------------------------------------


def test_an_event_that_one_program_refuses_is_told_with_its_reason(shop: cr.Program) -> None:
    strict = shop.revise("pay", minimum=50)
    spends = [*EVENTS[:2], event("redemption", "a9", "ann", "01-11", points=20)]
    one = cr.compare(shop, strict, spends).total
    (refusals,) = one.refused
    assert (refusals.under, refusals.code, refusals.events) == ("candidate", "points.redemption.below_minimum", 1)
    assert [(event.customer_id, event.event_id) for event in refusals.first] == [("ann", "a9")]
    assert cr.render(cr.compare(shop, strict, spends)).count("20 points asked for") == 2, "once as refused, once for the customer"
    (difference,) = one.most_affected[0].events
    assert (difference.base.verdict, difference.candidate.verdict) == ("accepted", "refused")


def test_an_event_with_a_field_that_one_program_does_not_declare_is_not_accepted_there(shop: cr.Program) -> None:
    poorer = program(profile={"city": {"type": "text"}})
    for base, candidate, side in ((shop, poorer, "candidate"), (poorer, shop, "base")):
        found = cr.compare(base, candidate, EVENTS, by="kind")
        (refusals,) = found.total.refused
        assert (refusals.under, refusals.code, refusals.events) == (side, "event.unknown_profile_field", 2)
        assert [segment.value for segment in found.segments] == ["trade", "home", None], "the other program knows it"
        assert "not an event of this program:" in cr.render(found)


def test_an_event_object_that_one_program_cannot_take_is_told_too(shop: cr.Program) -> None:
    poorer = program(profile={})
    (refusals,) = cr.compare(shop, poorer, map(shop.event, EVENTS)).total.refused
    assert refusals.under == "candidate"


def test_an_event_that_neither_program_can_read_is_named(shop: cr.Program, easier: cr.Program) -> None:
    with pytest.raises(cr.EventError) as error:
        cr.compare(shop, easier, [*EVENTS, event("purchase", "x", "zoe", "03-01", amount="a lot")])
    assert error.value.diagnostics[0].path == "events[8].amount"


@pytest.mark.parametrize(("text", "place"), [("{bad", "events[1]:1:2 event.syntax"), (5, "events[1] event.wrong_type")])
def test_what_is_no_event_at_all_is_named(text: Any, place: str, shop: cr.Program, easier: cr.Program) -> None:
    with pytest.raises(cr.EventError) as error:
        cr.compare(shop, easier, [EVENTS[0], text])
    assert str(error.value).startswith(place)


def test_an_event_object_that_fits_neither_program_is_named(shop: cr.Program, easier: cr.Program) -> None:
    yen = program(currency="JPY").event(event("purchase", "x", "zoe", "03-01", amount="500"))
    with pytest.raises(cr.EventError) as error:
        cr.compare(shop, easier, [yen])
    assert error.value.diagnostics[0].path == "events[0].amount"


def test_a_customer_who_comes_back_is_named(shop: cr.Program, easier: cr.Program) -> None:
    with pytest.raises(cr.EventError) as error:
        cr.compare(shop, easier, [*EVENTS, event("visit", "a9", "ann", "03-05")])
    assert [(fault.code, fault.path) for fault in error.value.diagnostics] == [("event.customer_came_back", "events[8].customer_id")]


# -- programs that have little in common -------------------------------------------------------------------------------


def test_levels_of_other_names_are_told_as_each_program_calls_them(shop: cr.Program) -> None:
    policies = [{**SHOP["policies"][0], "levels": [{"name": "blue"}, {"name": "black", "enter": {"spend": ">= 100"}}]}, SHOP["policies"][1]]
    (movement,) = cr.compare(shop, program(policies=policies), EVENTS, until=END).total.levels
    assert pairs(movement) == {("gold", "black"): 1, ("member", "blue"): 2}
    assert (movement.base, movement.candidate) == (("member", "gold"), ("blue", "black"))


def test_a_ladder_that_only_one_program_has_gives_no_level_under_the_other(shop: cr.Program) -> None:
    bare = program(policies=[*SHOP["policies"][1:2], {"kind": "points.accrual", "id": "earn", "points_per_unit": 1}], measures={})
    there = cr.compare(bare, shop, EVENTS, until=END)
    assert pairs(there.total.levels[0]) == {(None, "gold"): 1, (None, "member"): 2}
    assert "no level" in cr.render(there)
    rows = json.loads(there.to_json())["total"]["levels"][0]["customers"]
    assert {"base": "none", "candidate": "gold", "customers": 1} in rows


def test_an_account_that_the_candidate_adds_is_nothing_under_base(shop: cr.Program) -> None:
    stars = {"kind": "points.account", "id": "stars", "unit": "star", "scale": 1, "expiry": "never"}
    give = {"kind": "points.accrual", "id": "stars_earn", "account": "stars", "points_per_unit": "0.1"}
    one = cr.compare(shop, program(policies=[*SHOP["policies"], stars, give]), EVENTS, until=END).total
    assert [account.account.name for account in one.accounts] == ["points", "stars"]
    # a tenth of 60 + 30 + 150 + 85 + 10, less that of the 10 returned
    assert figures(one.accounts[1]) == {
        "issued": (Decimal("0.0"), Decimal("33.5"), Decimal("33.5")),
        "reversed": (Decimal("0.0"), Decimal("1.0"), Decimal("1.0")),
        "usable": (Decimal("0.0"), Decimal("32.5"), Decimal("32.5")),
    }


def test_an_account_of_other_decimals_is_counted_in_the_finer_ones(shop: cr.Program) -> None:
    finer = shop.revise("points", scale=2).revise("earn", points_per_unit="0.25")
    (account,) = cr.compare(shop, finer, EVENTS[:2]).total.accounts
    assert figures(account)["issued"] == (Decimal("60.00"), Decimal("15.00"), Decimal("-45.00"))


def test_an_account_of_another_unit_is_another_account(shop: cr.Program) -> None:
    (points, stars) = cr.compare(shop, shop.revise("points", unit="star"), EVENTS[:2]).total.accounts
    assert (points.account.unit, stars.account.unit) == ("points", "star")
    assert figures(points)["issued"] == (60, 0, -60)
    assert figures(stars)["issued"] == (0, 60, 60)


def test_programs_of_two_currencies_are_refused(shop: cr.Program) -> None:
    with pytest.raises(AnalysisError, match="GBP and CNY") as error:
        cr.compare(shop, program(currency="CNY"), [])
    assert error.value.diagnostics[0].code == "analysis.other_currency"


def test_programs_of_two_zones_are_compared_and_it_is_said(shop: cr.Program) -> None:
    far = cr.compare(shop, program(zone="Asia/Shanghai"), EVENTS, until=END)
    assert "The programs differ in zone: base Europe/London, candidate Asia/Shanghai." in cr.render(far)
    assert json.loads(far.to_json())["candidate"]["zone"] == "Asia/Shanghai"


# -- misuse ------------------------------------------------------------------------------------------------------------


def test_a_field_that_no_program_declares_names_the_nearest(shop: cr.Program) -> None:
    with pytest.raises(AnalysisError, match='Did you mean "kind"') as error:
        cr.compare(shop, shop, [], by="kinds")
    assert error.value.diagnostics[0].code == "analysis.unknown_field"


@pytest.mark.parametrize("top", [-1, 1001, True, "3", 2.0])
def test_a_number_of_customers_that_is_none_is_refused(top: Any, shop: cr.Program) -> None:
    with pytest.raises(AnalysisError, match="a whole number from 0 to 1000"):
        cr.compare(shop, shop, [], top=top)


def test_an_end_without_an_offset_is_refused(shop: cr.Program) -> None:
    with pytest.raises(cr.EventError):
        cr.compare(shop, shop, [], until=datetime(2026, 3, 31))  # noqa: DTZ001 - that is the fault


def test_a_field_of_very_many_values_is_refused_before_memory_fills(shop: cr.Program) -> None:
    crowd = (event("enrolment", f"e{number}", f"c{number}", "01-01", profile={"city": f"town {number}"}) for number in range(1001))
    with pytest.raises(AnalysisError, match="more than 1000 values"):
        cr.compare(shop, shop, crowd, by="city")


# -- as data and in words ----------------------------------------------------------------------------------------------


def test_a_comparison_is_canonical_json_and_pickles(found: Comparison) -> None:
    text = found.to_json()
    assert json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() == text
    assert pickle.loads(pickle.dumps(found)).to_json() == text
    assert not any(isinstance(value, float) for value in walk(json.loads(text)))


def walk(data: Any) -> Iterator[Any]:
    if isinstance(data, dict | list):
        for item in data.values() if isinstance(data, dict) else data:
            yield from walk(item)
    else:
        yield data


def test_the_same_comparison_has_the_same_bytes(found: Comparison, shop: cr.Program, easier: cr.Program) -> None:
    again = cr.compare(shop, easier, map(easier.event, EVENTS), until=END, by="kind")
    assert again.to_json() == found.to_json()


def test_a_comparison_in_english_tells_everything(found: Comparison) -> None:
    text = re.sub(" +", " ", cr.render(found))
    for words in (
        "As of 2026-03-31.",
        "Customers: 3; affected: 2. Events: 8. Events and days answered differently: 4.",
        "customers who close at another level: 2",
        "issued 335 345 +10",
        "cat tier member → gold; events and days answered differently: 3",
        "base earn: 10 points for this purchase (account points, level member, multiplied by 1).",
        "kind: trade (customers: 1; affected: 1; events and days answered differently: 1)",
        "kind: none (customers: 1; affected: 1; events and days answered differently: 3)",
    ):
        assert words in text
    assert "{" not in text


def test_the_columns_of_a_chinese_comparison_are_aligned(found: Comparison) -> None:
    lines = cr.render(found, "zh").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("points（points）"))
    assert len({width(line) for line in lines[start + 1 : start + 5]}) == 1
    assert "{" not in "".join(lines)


# -- against other computations ----------------------------------------------------------------------------------------


def held(states: Iterable[cr.State]) -> Counter[str]:
    """What ledgers hold, bucket by bucket."""
    sums: Counter[str] = Counter()
    for state in states:
        for name, account in state.ledger.accounts.items():
            sums[name] += account.total + account.owed
    return +sums


@given(cases(late=True, most=15))
def test_what_is_held_is_what_the_states_of_a_replay_hold(case: Case) -> None:
    candidate = made({**case.document, "late": "1 day"})
    until = max(event.occurred_at for event in case.events)
    found = cr.compare(case.program, candidate, case.events, until=until)
    state = cr.replay(candidate, case.events, until=until).collect().states[CUSTOMER]
    account = next(one for one in found.total.accounts if one.account.name == "points")
    expected = held([state])
    names = {"usable": "points", "pending": "points.pending", "held": "points.held", "owed": "points.owed"}
    scale = account.account.scale
    assert {name: int(Decimal(str(figure.candidate)).scaleb(scale)) for name, figure in account.held.items()} == {
        name: expected[bucket] for name, bucket in names.items()
    }


@given(cases(late=True, most=15))
def test_a_program_compared_with_itself_never_differs(case: Case) -> None:
    assert not cr.compare(case.program, case.program, case.events).differs


@given(cases(late=True, most=15))
def test_turning_a_comparison_round_turns_every_difference_round(case: Case) -> None:
    other = made({**case.document, "late": "0 days"})
    there, back = cr.compare(case.program, other, case.events), cr.compare(other, case.program, case.events)
    assert there.total.differing == back.total.differing
    for one, two in zip(there.total.accounts, back.total.accounts, strict=True):
        assert figures(one) == {name: (after, before, -difference) for name, (before, after, difference) in figures(two).items()}
    assert {(row.candidate, row.base, row.customers) for row in there.total.levels[0].rows} == set(back.total.levels[0].rows)


def test_nothing_is_kept_of_customers_who_are_done_and_touched_little(shop: cr.Program, easier: cr.Program) -> None:
    alive: list[int] = []

    def crowd() -> Iterator[Data]:
        for number in range(200):
            yield event("purchase", "1", f"c{number}", "01-01", amount="90.00")
            if number in (50, 199):
                gc.collect()
                alive.append(sum(isinstance(one, cr.State | cr.Decision) for one in gc.get_objects()))

    found = cr.compare(shop, easier, crowd(), top=3)
    assert found.total.affected == 200
    assert alive[0] == alive[1]


def test_a_day_that_is_sent_opens_in_the_zone_of_the_base_program() -> None:
    """The end of 31 March in New York is 04:00 on 1 April in UTC, where the first of April has a name already."""
    shop = program(zone="America/New_York")
    days = [event("visit", "v", "ann", "03-30"), {"type": "new_day", "customer_id": "ann", "day": "2026-03-31"}]
    days += [{"type": "new_day", "customer_id": "ann", "day": "2026-04-01"}]
    found = cr.compare(shop, shop, days, until=datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC))
    assert (found.total.events, found.left_out) == (2, 1)


def test_flags_and_numbers_are_segments_by_their_text(shop: cr.Program) -> None:
    fields = {"vip": {"type": "flag"}, "children": {"type": "whole"}}
    family = program(profile=fields)
    profiles: list[Data] = [{"vip": True}, {"children": 2}, {"children": "2"}]
    crowd = [event("enrolment", f"e{number}", f"c{number}", "01-01", profile=profile) for number, profile in enumerate(profiles)]
    assert [(one.value, one.part.customers) for one in cr.compare(family, family, crowd, by="vip").segments] == [("true", 1), (None, 2)]
    assert [(one.value, one.part.customers) for one in cr.compare(family, family, crowd, by="children").segments] == [("2", 2), (None, 1)]
