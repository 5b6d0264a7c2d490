"""Benefits of levels: how they are written, used up, given back, and what keeps them from being used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

import custrules as cr
from custrules.policies.tiers.benefits import BenefitPeriod, Stretch, year_since
from custrules.policies.tiers.uses import Uses
from custrules.testing import history

POINTS: dict[str, Any] = {"id": "points", "kind": "points.account", "expiry": "never"}


def club(*benefits: Mapping[str, Any], gold: list[Mapping[str, Any]] | None = None, late: str = "3 days", **ladder: Any) -> cr.Program:
    """A club whose silver level has the benefits, and whose gold level has its own."""
    levels: list[dict[str, Any]] = [{"name": "base"}, {"name": "silver", "enter": {"spend": ">= 100"}, "benefits": list(benefits)}]
    levels.append({"name": "gold", "enter": {"spend": ">= 1000"}} | ({"benefits": gold} if gold is not None else {}))
    own = {"id": "levels", "kind": "tiers.ladder", "levels": levels, "term": "12 months", "downgrade": "one_level"} | ladder
    return cr.Program(
        id="club",
        zone="Europe/London",
        currency="GBP",
        late=late,
        profile={"birthday": {"type": "birthday"}, "segment": {"type": "text", "values": ["staff", "regular"]}},
        measures={"spend": {"sum": "spend", "window": "12 months"}},
        policies=[own, POINTS],
    )


UPSIZE = {"name": "upsize", "quantity": 2, "per": "calendar month"}


def faults(*benefits: Mapping[str, Any], **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(cr.DocumentError) as caught:
        club(*benefits, **more)
    return [(fault.code, fault.path.removeprefix("policies[0].levels[1].")) for fault in caught.value.diagnostics]


# -- how they are written ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("benefit", "code", "place"),
    [
        ({"quantity": 2}, "document.missing_field", ""),
        ({"per": "calendar month"}, "document.not_with", ".per"),
        ({"quantity": 0, "per": "calendar month"}, "document.wrong_type", ".quantity"),
        ({"quantity": "2.5", "per": "calendar month"}, "document.wrong_type", ".quantity"),
        ({"quantity": 2, "per": "fortnight"}, "document.wrong_type", ".per"),
        ({"quantity": 2, "per": "calendar fortnight"}, "document.wrong_type", ".per"),
        ({"quantity": 2, "per": "calendar month", "factor": "0.9"}, "document.not_with", ".factor"),
        ({"factor": "1"}, "document.wrong_type", ".factor"),
        ({"factor": "0"}, "document.wrong_type", ".factor"),
        ({"points": 0}, "document.wrong_type", ".points"),
        ({"points": "10.5"}, "document.too_fine", ".points"),
        ({"points": 10, "account": "pionts"}, "document.unknown_account", ".account"),
        ({"points": 10, "once": "per year"}, "document.unknown_choice", ".once"),
        ({"once": "ever"}, "document.not_with", ".once"),
        ({"factor": "0.9", "on_loss": "keep"}, "document.not_with", ".on_loss"),
        ({"response": "one day"}, "document.wrong_type", ".response"),
        ({"response": "1 day", "factor": "0.9"}, "document.not_with", ".response"),
        ({"quantity": 2, "per": "calendar month", "when": {"spnd": ">= 1"}}, "document.unknown_fact", ".when.spnd"),
        ({"quantitty": 2}, "document.unknown_field", ".quantitty"),
    ],
)
def test_what_means_nothing_is_refused_at_its_place(benefit: Mapping[str, Any], code: str, place: str) -> None:
    assert (code, f"benefits[0]{place}") in faults({"name": "one", **benefit})


def test_a_level_has_a_benefit_of_a_name_once() -> None:
    assert faults(UPSIZE, UPSIZE) == [("document.name_taken", "benefits[1].name")]


def test_a_name_is_the_same_benefit_at_every_level() -> None:
    assert faults(UPSIZE, gold=[{**UPSIZE, "per": "calendar year"}]) == [
        ("document.benefit_differs", "policies[0].levels[2].benefits[0].per"),
    ]
    assert faults(UPSIZE, gold=[{"name": "upsize", "factor": "0.9"}]) == [("document.benefit_differs", "policies[0].levels[2].benefits[0]")]


def test_per_term_asks_for_terms() -> None:
    assert faults({"name": "lounge", "quantity": 1, "per": "term"}, term="none") == [("document.not_with", "benefits[0].per")]


def test_the_first_level_which_is_everybodys_has_neither_gifts_nor_terms() -> None:
    base = {"name": "base", "benefits": [{"name": "hello", "points": 10}, {"name": "lounge", "quantity": 1, "per": "term"}]}
    assert faults(levels=[base, {"name": "silver", "enter": {"spend": ">= 100"}}]) == [
        ("document.not_with", "policies[0].levels[0].benefits[0].points"),
        ("document.not_with", "policies[0].levels[0].benefits[1].per"),
    ]


def test_a_birthday_year_asks_for_a_birthday_in_the_profile() -> None:
    cake = {"name": "cake", "quantity": 1, "per": "birthday year"}
    ladder = {"id": "l", "kind": "tiers.ladder", "levels": [{"name": "base", "benefits": [cake]}], "downgrade": "one_level"}
    with pytest.raises(cr.DocumentError) as caught:
        cr.Program(id="p", zone="UTC", currency="EUR", policies=[ladder])
    assert [fault.code for fault in caught.value.diagnostics] == ["document.no_birthday"]


def test_two_ladders_do_not_give_one_reward() -> None:
    level = {"name": "base", "benefits": [UPSIZE]}
    ladders = [{"id": f"l{n}", "kind": "tiers.ladder", "levels": [level], "downgrade": "one_level", "status": f"s{n}"} for n in (1, 2)]
    with pytest.raises(cr.DocumentError) as caught:
        cr.Program(id="p", zone="UTC", currency="EUR", policies=ladders)
    assert [(fault.code, fault.params["reward"]) for fault in caught.value.diagnostics] == [("document.two_rewards", "upsize")]


def test_benefits_are_written_back_as_they_were_read() -> None:
    benefits: list[dict[str, Any]] = [
        {
            "name": "upsize",
            "title": {"en": "free upsize", "zh": "免费升杯"},
            "quantity": "2",
            "per": "calendar month",
            "when": {"segment": "regular"},
        },
        {"name": "price", "factor": "0.95"},
        {"name": "gift", "points": "20", "once": "ever", "on_loss": "take_back"},
        {"name": "hotline", "response": "24 hours"},
    ]
    program = club(*benefits)
    assert program.document_data()["policies"][0]["levels"][1]["benefits"] == benefits
    assert cr.Program.from_json(program.to_json()) == program


def test_an_event_names_points_or_a_reward() -> None:
    head = {"type": "redemption", "id": "r", "customer_id": "c", "occurred_at": "2026-01-01T12:00:00Z"}
    program = club(UPSIZE)
    for data, code in (({}, "event.redemption_of_nothing"), ({"points": 5, "quantity": 2}, "event.quantity_without_reward")):
        with pytest.raises(cr.EventError) as caught:
            program.event(head | data)
        assert [fault.code for fault in caught.value.diagnostics] == [code]
    assert program.event(head | {"reward": "upsize"}).to_json() == cr.Event.from_json(program.event(head | {"reward": "upsize"}).to_json()).to_json()


# -- periods -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per", "day", "first", "last"),
    [
        ("calendar day", date(2026, 3, 4), date(2026, 3, 4), date(2026, 3, 4)),
        ("calendar week", date(2026, 3, 4), date(2026, 3, 2), date(2026, 3, 8)),
        ("calendar month", date(2026, 2, 28), date(2026, 2, 1), date(2026, 2, 28)),
        ("calendar quarter", date(2026, 5, 1), date(2026, 4, 1), date(2026, 6, 30)),
        ("calendar half", date(2026, 6, 30), date(2026, 1, 1), date(2026, 6, 30)),
        ("calendar year", date(2026, 12, 31), date(2026, 1, 1), date(2026, 12, 31)),
        ("lifetime", date(2026, 12, 31), date(1900, 1, 1), None),
    ],
)
def test_a_period_holds_the_day_that_it_is_asked_for(per: str, day: date, first: date, last: date | None) -> None:
    assert BenefitPeriod.parse(per).on(day) == Stretch(first, last)


def test_a_birthday_on_29_february_is_kept_on_the_28th_of_other_years() -> None:
    born = date(1996, 2, 29)
    assert year_since(born, date(2026, 2, 27)) == Stretch(date(2025, 2, 28), date(2026, 2, 27))
    assert year_since(born, date(2026, 2, 28)) == Stretch(date(2026, 2, 28), date(2027, 2, 27))
    assert year_since(born, date(2028, 2, 28)) == Stretch(date(2027, 2, 28), date(2028, 2, 28))
    assert year_since(born, date(2028, 2, 29)) == Stretch(date(2028, 2, 29), date(2029, 2, 27))


def test_a_year_is_counted_from_a_birthday_that_is_still_to_come_too() -> None:
    assert year_since(date(2026, 5, 8), date(2026, 1, 1)) == Stretch(date(2025, 5, 8), date(2026, 5, 7))


def test_what_is_remembered_is_bounded() -> None:
    uses = Uses(BenefitPeriod.parse("calendar day"), {})
    day = date(2026, 1, 1)
    for _ in range(400):
        uses = uses.plus(Stretch(day, day), 1).kept_on(day)
        day = date.fromordinal(day.toordinal() + 1)
    assert len(uses.rows) == 93  # the day itself and 92 before it


# -- using and giving back ---------------------------------------------------------------------------------------------


def silver(program: cr.Program, on: str = "2026-01-05") -> Any:
    return history(program).on(on).purchase("100")


def test_a_use_without_a_level_says_so() -> None:
    levels = [{"name": "silver", "enter": {"spend": ">= 100"}, "benefits": [UPSIZE]}]
    told = history(club(levels=levels)).on("2026-01-05").event("redemption", reward="upsize", verdict="refused")
    assert told.codes == ("tiers.benefit.no_level",)


def test_a_customer_whose_first_event_is_a_use_has_everybodys_level() -> None:
    levels = [{"name": "base", "benefits": [UPSIZE]}, {"name": "silver", "enter": {"spend": ">= 100"}}]
    assert history(club(levels=levels)).on("2026-01-05").event("redemption", reward="upsize").state.status("tier.benefit", "upsize").value == 1


def test_a_benefit_costs_no_points() -> None:
    told = silver(club(UPSIZE)).event("redemption", reward="upsize", points=10, verdict="refused")
    assert told.codes == ("tiers.benefit.costs_nothing",)


def test_every_reason_that_keeps_it_from_being_used_is_told() -> None:
    told = silver(club({**UPSIZE, "when": {"segment": "regular"}})).event("redemption", reward="upsize", points=10, quantity="0.5", verdict="refused")
    assert told.codes == ("tiers.benefit.costs_nothing", "tiers.benefit.not_whole", "tiers.benefit.condition")


def test_a_use_that_comes_late_counts_in_its_own_month() -> None:
    june = silver(club(UPSIZE)).on("2026-07-01").event("redemption", reward="upsize", quantity=2)
    late = june.on("2026-06-30").event("redemption", reward="upsize", quantity=2)
    assert late.last.event.decided_at > late.last.event.occurred_at
    refused = late.event("redemption", reward="upsize", verdict="refused")
    assert refused.last.refusal.params["again"] == "2026-08-01"  # July is used up as well


def test_a_use_of_a_rolling_period_that_comes_late_is_held_against_those_after_it() -> None:
    valet = {"name": "valet", "quantity": 1, "per": "30 days"}
    used = silver(club(valet, late="40 days")).on("2026-03-31").event("redemption", reward="valet")
    assert used.on("2026-03-02").event("redemption", reward="valet", verdict="refused").codes == ("tiers.benefit.used_up",)
    used.on("2026-03-01").event("redemption", reward="valet")  # 31 March - 30 days = 1 March: outside of (1 March, 31 March]


def test_a_use_that_comes_later_than_it_is_counted_is_refused() -> None:
    used = silver(club(UPSIZE, late="300 days")).on("2026-06-10").event("visit")
    assert used.on("2026-03-09").event("redemption", reward="upsize", verdict="refused").codes == ("tiers.benefit.too_late",)
    used.on("2026-03-10").event("redemption", reward="upsize")  # 10 June - 92 days


def test_what_is_cancelled_after_its_period_gives_nothing_to_the_next() -> None:
    used = silver(club(UPSIZE)).on("2026-01-31").event("redemption", reward="upsize", quantity=2)
    february = used.on("2026-02-01").event("redemption", reward="upsize", quantity=2)
    back = february.redemption_cancelled(of="redemption-1")
    assert back.codes == ("tiers.benefit.restored",)
    assert back.event("redemption", reward="upsize", verdict="refused").codes == ("tiers.benefit.used_up",)


def test_what_is_cancelled_when_nothing_is_counted_any_more_says_so() -> None:
    used = silver(club(UPSIZE)).event("redemption", reward="upsize")
    back = used.on("2026-06-01").event("redemption", reward="upsize").redemption_cancelled(of="redemption-1")
    assert back.codes == ("tiers.benefit.over",)


def test_a_restatement_that_takes_a_use_out_lets_a_refused_one_in() -> None:
    program = club({**UPSIZE, "quantity": 1})
    used = silver(program).event("redemption", reward="upsize")
    answer = program.restate(cr.State.new("c-1"), used.events, withdraw="redemption-1")
    assert answer.state.statuses.get(("tier.benefit", "upsize")) is None
    assert program.step(answer.state, used.events[-1]).accepted


def test_a_version_that_changes_the_period_counts_anew() -> None:
    first = club(UPSIZE).document_data()["policies"][0]
    levels = [first["levels"][0], {**first["levels"][1], "benefits": [{**UPSIZE, "per": "calendar year"}]}, first["levels"][2]]
    program = cr.Program(
        id="club",
        zone="Europe/London",
        currency="GBP",
        profile={"birthday": {"type": "birthday"}, "segment": {"type": "text"}},
        measures={"spend": {"sum": "spend", "window": "12 months"}},
        policies=[first, {**first, "levels": levels, "effective_from": "2026-02-01"}, POINTS],
    )
    january = silver(program).event("redemption", reward="upsize", quantity=2)
    february = january.on("2026-02-01").event("redemption", reward="upsize", quantity=2)
    assert february.on("2026-03-01").event("redemption", reward="upsize", verdict="refused").codes == ("tiers.benefit.used_up",)
    back = february.redemption_cancelled(of="redemption-1")  # by the version that it was used under
    assert back.codes == ("tiers.benefit.over",)


def test_a_ladder_that_is_retired_gives_no_more_uses_and_still_takes_them_back() -> None:
    first = club(UPSIZE).document_data()
    retired = {**first["policies"][0], "effective_from": "2026-02-01", "retired": True}
    program = cr.Program(
        **{name: first[name] for name in ("zone", "currency", "profile", "measures")}, id="club", policies=[*first["policies"], retired]
    )
    used = silver(program).event("redemption", reward="upsize").on("2026-02-01")
    assert used.event("redemption", reward="upsize", verdict="refused").codes == ("tiers.benefit.retired",)
    assert used.redemption_cancelled().codes == ("tiers.benefit.restored",)


def test_a_ladder_of_another_status_keeps_its_uses_under_its_own_name() -> None:
    used = silver(club(UPSIZE, status="rank")).event("redemption", reward="upsize")
    assert used.state.status("rank.benefit", "upsize").value == 1


def test_a_program_without_benefits_has_no_companions() -> None:
    assert club().rulebook.companions == ()


# -- gifts -------------------------------------------------------------------------------------------------------------

GIFT = {"name": "gift", "points": 100}


def test_a_gift_is_marketing_cost() -> None:
    (part,) = silver(club(GIFT)).state.ledger.accounts["points"]
    assert (part.quantity, part.lot.source) == (100, "gratis")


def test_a_grant_by_hand_brings_no_gift() -> None:
    granted = history(club(GIFT)).on("2026-01-05").event("tier_grant", level="silver", reason="match")
    assert granted.state.points().available == 0


def test_a_gift_whose_condition_does_not_hold_is_not_given() -> None:
    assert silver(club({**GIFT, "when": {"segment": "regular"}})).state.points().available == 0


def test_a_gift_once_per_level_is_given_for_each_level_once() -> None:
    program = club({**GIFT, "once": "per level"}, gold=[{**GIFT, "once": "per level", "points": 300}])
    risen = silver(program).purchase("900", id="big")
    assert risen.state.points().available == 400
    again = risen.return_("big").purchase("900").on("2028-01-05").purchase("1000")
    assert (again.state.tier().name, again.state.points().available) == ("gold", 400)


def test_a_gift_that_is_taken_back_when_it_is_spent_is_owed() -> None:
    program = club({**GIFT, "on_loss": "take_back"})
    spent = silver(program).adjustment(-100)
    back = spent.return_()
    assert back.codes[-2:] == ("tiers.downgrade.lost", "tiers.gift.taken_back")
    assert (back.state.points().available, back.state.points().owed) == (0, 100)


def test_a_gift_that_has_lapsed_is_not_taken_back() -> None:
    data = club({**GIFT, "on_loss": "take_back"}).document_data()
    account = {**POINTS, "expiry": "1 month"}
    program = cr.Program(
        **{name: data[name] for name in ("zone", "currency", "profile", "measures")}, id="club", policies=[data["policies"][0], account]
    )
    back = silver(program).on("2026-03-01").return_()
    assert back.state.points().owed == 0


# -- what a price would be ---------------------------------------------------------------------------------------------


def test_a_price_is_told_and_nothing_is_moved() -> None:
    program = club({"name": "price", "factor": "2/3"})
    bought = silver(program).purchase("10")
    (decision,) = [decision for decision in bought.last.decisions if decision.policy_id == "levels.benefits"]
    assert decision.effects == ()
    assert decision.reasons[0].params["price"] == cr.Money("6.67", "GBP")  # 6.666...
    assert bought.state.orders["purchase-2"].amount == 1000


def test_who_has_no_price_is_told_none() -> None:
    bought = history(club({"name": "price", "factor": "0.9"})).on("2026-01-05").purchase("10")
    assert [decision.policy_id for decision in bought.last.decisions] == ["levels"]


def test_the_quantity_of_a_use_is_whole() -> None:
    assert silver(club(UPSIZE)).event("redemption", reward="upsize", quantity="2").last.event.quantity == Decimal(2)
