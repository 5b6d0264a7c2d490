"""What comes from elsewhere and goes there: transfers, pools, openings, merges and closures, at their edges."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

import custrules as cr
from custrules.errors import DocumentError, EventError
from custrules.moment import Moment
from custrules.testing.histories import History, history

ACCOUNT: dict[str, Any] = {"id": "points", "kind": "points.account", "expiry": "12 months"}
LADDER: dict[str, Any] = {
    "id": "tier",
    "kind": "tiers.ladder",
    "levels": [{"name": "member"}, {"name": "gold", "enter": {"spend": ">= 500"}}],
    "term": "12 months",
    "downgrade": "one_level",
}
EARN: dict[str, Any] = {"id": "earn", "kind": "points.accrual", "points_per_unit": 1}
PAY: dict[str, Any] = {"id": "pay", "kind": "points.redemption", "value": {"points": 100, "money": "1"}}


def club(*policies: dict[str, Any], **account: Any) -> cr.Program:
    return cr.Program(
        id="club",
        zone="Asia/Shanghai",
        currency="CNY",
        profile={"household": {"type": "text"}},
        activities={"check_in": {"steps": "number"}},
        measures={
            "spend": {"sum": "spend", "window": "12 months"},
            "spend_ever": {"sum": "spend", "window": "lifetime"},
            "orders": {"count": "purchase", "window": "lifetime"},
            "mean": {"average": "purchase.amount", "window": "12 months"},
        },
        policies=[LADDER, {**ACCOUNT, **account}, EARN, PAY, *policies],
    )


def transfer(**parts: Any) -> dict[str, Any]:
    return {"id": "gifts", "kind": "points.transfer", **(parts or {"send": {}})}


def signal_of(step: cr.Step) -> cr.Signal:
    [signal] = [effect for effect in step.effects if isinstance(effect, cr.Signal)]
    return signal


def received(told: History, by: History) -> cr.Step:
    """What the receiver answers to the signal of the last step."""
    assert told.state.as_of is not None
    return by.program.step(by.state, by.program.event(signal_of(told.last).delivered(told.state.as_of)))


def faults_of(program: cr.Program, **fields: Any) -> dict[str, str]:
    head = {"id": "e", "customer_id": "ann", "occurred_at": "2026-01-10T04:00:00Z"}
    with pytest.raises(EventError) as caught:
        program.event(head | fields)
    return {fault.path: fault.code for fault in caught.value.diagnostics}


def document_faults(**parts: Any) -> dict[str, str]:
    with pytest.raises(DocumentError) as caught:
        club(transfer(**parts))
    return {fault.path: fault.code for fault in caught.value.diagnostics}


# -- the document ------------------------------------------------------------------------------------------------------


def test_a_transfer_that_offers_nothing_is_a_fault() -> None:
    with pytest.raises(DocumentError) as caught:
        club({"id": "gifts", "kind": "points.transfer"})
    assert [(fault.code, fault.params["field"]) for fault in caught.value.diagnostics] == [("document.missing_field", "send")]


@pytest.mark.parametrize(
    ("parts", "faults"),
    [
        ({"send": {"minimum": 0}}, {"policies[4].send.minimum": "document.wrong_type"}),
        ({"send": {"maximum": "1.5"}}, {"policies[4].send.maximum": "document.too_fine"}),
        ({"send": {"fee": {"points": "0.5"}}}, {"policies[4].send.fee.points": "document.too_fine"}),
        ({"send": {"fee": {"share": "101%"}}}, {"policies[4].send.fee.share": "document.wrong_type"}),
        ({"send": {"limits": [{"at_most": 5, "per": "event"}]}}, {"policies[4].send.limits[0].per": "document.wrong_type"}),
        ({"send": {"limits": [{"per": "30 days"}]}}, {"policies[4].send.limits[0]": "document.missing_field"}),
        ({"send": {"limits": [{"times": 0, "per": "30 days"}]}}, {"policies[4].send.limits[0].times": "document.wrong_type"}),
        ({"pool": {"to": "household_id"}}, {"policies[4].pool.to": "document.unknown_fact"}),
        ({"pool": {"to": "spend"}}, {"policies[4].pool.to": "document.fact_of_other_kind"}),
        ({"sell": {"lines": {"skuu": "P"}}}, {"policies[4].sell.lines.skuu": "document.unknown_fact"}),
        (
            {"sell": {"lines": {"sku": "P"}, "limits": [{"times": 2, "at_most": 5, "per": "30 days"}]}},
            {"policies[4].sell.limits[0].times": "document.not_with"},
        ),
        ({"gift": {}}, {"policies[4].gift": "document.unknown_field"}),
    ],
)
def test_what_a_transfer_cannot_mean_is_told_where_it_stands(parts: dict[str, Any], faults: dict[str, str]) -> None:
    assert document_faults(**parts) == faults


def test_two_transfers_of_one_account_are_a_fault() -> None:
    with pytest.raises(DocumentError) as caught:
        club(transfer(), {**transfer(), "id": "more"})
    assert [fault.code for fault in caught.value.diagnostics] == ["document.two_servers"]


def test_the_id_of_the_kernels_own_decisions_is_reserved() -> None:
    with pytest.raises(DocumentError) as caught:
        club({**EARN, "id": "customer"})
    assert [fault.code for fault in caught.value.diagnostics] == ["document.reserved_id"]


# -- transfers ---------------------------------------------------------------------------------------------------------


def test_a_transfer_without_a_policy_for_it_is_refused() -> None:
    ann = history(club(), "ann").on("2026-01-10").purchase("100").event("transfer", to="ben", points=50, verdict="refused")
    assert ann.last.refusal is not None
    assert ann.last.refusal.code == "event.unserved"


def test_a_signal_is_delivered_as_an_event_of_its_own_id_and_cause() -> None:
    ann = history(club(transfer()), "ann").on("2026-01-10").purchase("100")
    ann = ann.event("transfer", id="t/1", to="ben", points=50, attributes={"message": "hello"})
    event = ann.program.event(signal_of(ann.last).delivered(ann.state.as_of))  # type: ignore[arg-type]  # it has happened
    assert (event.id, event.customer_id) == ("ann/t%2F1/gifts/1", "ben")
    assert event.attributes == {"message": "hello", "caused_at": "2026-01-10T04:00:00Z"}


def test_a_signal_survives_its_json() -> None:
    ann = history(club(transfer()), "ann").on("2026-01-10").purchase("100").event("transfer", to="ben", points=50)
    [decision] = ann.last.decisions
    assert cr.Decision.from_json(decision.to_json()) == decision


def test_what_is_received_lapses_when_it_would_have_and_is_of_its_kind() -> None:
    program = club(transfer())
    ann = history(program, "ann").on("2026-01-10").purchase("100").on("2026-06-01").event("transfer", to="ben", points=50)
    ben = received(ann, history(program, "ben").on("2026-05-01").visit()).state
    [lot] = [part.lot for part in ben.ledger.accounts["points"]]
    assert (lot.day.isoformat(), str(lot.last_day), lot.source, lot.provenance) == ("2026-01-10", "2027-01-10", "purchase", "ann")


def test_a_signal_that_comes_twice_changes_nothing() -> None:
    program = club(transfer())
    ann = history(program, "ann").on("2026-01-10").purchase("100").event("transfer", to="ben", points=50)
    ben = history(program, "ben").on("2026-01-10").visit()
    once = received(ann, ben)
    again = program.step(once.state, once.event or cr.Visit(id="-", customer_id="ben", occurred_at=ann.state.as_of))
    assert (again.verdict, again.state is once.state) == ("duplicate", True)


def test_lots_that_came_from_different_customers_stay_apart() -> None:
    program = club(transfer())
    ben = history(program, "ben").on("2026-01-10").purchase("5")
    for name in ("ann", "cleo"):
        sender = history(program, name).on("2026-01-10").purchase("100").event("transfer", to="ben", points=50)
        ben = history(program, "ben", [*ben.events, program.event(signal_of(sender.last).delivered(sender.state.as_of))])  # type: ignore[arg-type]  # it has been stepped
    late = ben.day_end("2027-01-10").state  # the order has left the state: only provenance tells them apart
    assert {part.lot.provenance: part.quantity for part in late.ledger.accounts["points"]} == {"": 5, "ann": 50, "cleo": 50}


def test_the_wire_form_of_a_lot_grows_only_by_a_provenance() -> None:
    program = club(transfer())
    ann = history(program, "ann").on("2026-01-10").purchase("100").event("transfer", to="ben", points=50)
    [own] = json.loads(ann.state.to_json())["ledger"]["accounts"]["points"]["lots"]
    ben = received(ann, history(program, "ben").on("2026-01-01").visit()).state
    [theirs] = json.loads(ben.to_json())["ledger"]["accounts"]["points"]["lots"]
    assert (len(own), len(theirs), theirs[8:]) == (9, 10, ["ann", 50])
    assert cr.State.from_json(ben.to_json()) == ben


def test_a_retired_policy_sends_nothing_but_still_receives() -> None:
    program = club(transfer(), {**transfer(), "effective_from": "2026-02-01", "retired": True})
    ann = history(program, "ann").on("2026-01-31").purchase("100").event("transfer", to="ben", points=50)
    ben = history(program, "ben").on("2026-02-05").visit()
    step = program.step(ben.state, program.event(signal_of(ann.last).delivered(ben.state.as_of)))  # type: ignore[arg-type]  # it has been stepped
    assert step.state.points().available == 50
    refused = ann.on("2026-02-06").event("transfer", to="ben", points=50, verdict="refused")
    assert refused.last.refusal is not None
    assert refused.last.refusal.code == "points.transfer.retired"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"points": 5}, "event.transfer_sides"),
        ({"points": 5, "to": "ben", "sender": "ben"}, "event.transfer_sides"),
        ({"to": "ben"}, "event.transfer_of_nothing"),
        ({"to": "ben", "points": 5, "lots": [{"quantity": 5}]}, "event.transfer_sent"),
        ({"sender": "ben", "points": 5}, "event.transfer_received"),
        ({"sender": "ann", "lots": [{"quantity": 5}]}, "event.transfer_received"),
        ({"sender": "ben", "points": 6, "lots": [{"quantity": 5}]}, "event.lots_differ"),
    ],
)
def test_a_transfer_says_one_side_whole(fields: dict[str, Any], code: str) -> None:
    assert faults_of(club(transfer()), type="transfer", **fields) == {"": code}


def test_lots_from_outside_are_read_strictly() -> None:
    lots = [{"quantity": "1.5", "day": "2026-01-11"}, {"quantity": "-1"}, {"quantity": 1, "last_day": "later"}]
    assert faults_of(club(transfer()), type="transfer", sender="ben", lots=lots) == {
        "lots[1].quantity": "event.wrong_type",
        "lots[2].last_day": "event.wrong_type",
    }
    assert faults_of(club(transfer()), type="transfer", sender="ben", lots=lots[:1]) == {
        "lots[0].quantity": "event.too_many_decimals",
        "lots[0].day": "event.not_yet",
    }
    ended = [{"quantity": 1, "day": "2026-01-02", "last_day": "2026-01-01"}]
    assert faults_of(club(transfer()), type="transfer", sender="ben", lots=ended) == {"lots[0]": "event.lot_upside_down"}


def test_an_id_that_would_be_too_long_for_the_signal_is_refused() -> None:
    long = "x" * 200
    ann = history(club(transfer()), "/" * 200).on("2026-01-10").purchase("100")
    assert ann.event("transfer", id="/" * 150, to="ben", points=50, verdict="refused").last.refusal is not None
    assert ann.event("transfer", id=long, to="ben", points=50).last.accepted


def test_a_changed_history_of_the_sender_tells_the_transfer_that_could_not_be() -> None:
    program = club(transfer())
    ann = history(program, "ann").on("2026-01-10").purchase("100", id="o-1").on("2026-01-11").event("transfer", id="t-1", to="ben", points=80)
    answer = program.restate(cr.State.new("ann"), ann.events, withdraw="o-1")
    assert [(flip.event.id, flip.now) for flip in answer.flipped] == [("t-1", "refused")]
    assert answer.deltas == {"points": -20}  # 100 - 80 were there; without the order there was nothing to send


@pytest.mark.parametrize(
    ("order", "sent"),
    [("soonest_expiry", "2026-01-20"), ("oldest", "2026-01-10"), ("newest", "2026-01-30")],
)
def test_what_is_sent_goes_in_the_order_of_the_account(order: str, sent: str) -> None:
    program = club(transfer(), order=order)
    lots = [
        {"quantity": 10, "day": "2026-01-10", "last_day": "2026-12-31"},
        {"quantity": 10, "day": "2026-01-20", "last_day": "2026-06-30"},
        {"quantity": 10, "day": "2026-01-30", "last_day": "2027-01-31"},
    ]
    ann = history(program, "ann").on("2026-02-01").event("opening", balances={"points": {"lots": lots}}).event("transfer", to="ben", points=10)
    [lot] = [part.lot for part in received(ann, history(program, "ben").on("2026-02-01").visit()).state.ledger.accounts["points"]]
    assert str(lot.day) == sent


def test_what_activity_keeps_alive_can_be_sent_and_goes_on_where_it_is_kept_too() -> None:
    program = club(transfer(), expiry={"length": "1 month", "inactivity": "6 months"})
    ann = history(program, "ann").on("2026-01-10").purchase("100").on("2026-02-05").purchase("1").on("2026-03-01")
    ann = ann.event("transfer", to="ben", points=100)  # its own last day was 10 February; the purchase carries it to 5 August
    active = history(program, "ben").on("2026-03-01").purchase("7")
    idle = history(program, "ben").on("2026-03-01").visit()
    assert received(ann, active).state.points().available == 107
    assert received(ann, idle).state.points().available == 0


@pytest.mark.parametrize("parts", [{"send": {}}, {"pool": {"to": "household"}}])
def test_credits_that_only_rank_are_not_sent(parts: dict[str, Any]) -> None:
    credits = {"id": "credits", "kind": "points.account", "expiry": "never", "purpose": "rank"}
    with pytest.raises(DocumentError) as caught:
        club(credits, transfer(account="credits", **parts))
    assert [(fault.code, fault.path, fault.params["policy"]) for fault in caught.value.diagnostics] == [
        ("document.rank_account", "policies[4].purpose", "gifts")
    ]


def test_credits_that_only_rank_may_be_sold() -> None:
    credits = {"id": "credits", "kind": "points.account", "expiry": "never", "purpose": "rank"}
    program = club(credits, transfer(account="credits", sell={"lines": {"sku": "P"}, "points_per_quantity": 10}))
    ann = history(program, "ann").on("2026-01-10").purchase(lines=[{"sku": "P", "quantity": 3, "amount": "30.00"}])
    assert ann.state.points("credits").available == 30


# -- pools -------------------------------------------------------------------------------------------------------------


def test_a_pool_with_a_condition_waits_until_it_holds() -> None:
    program = club(transfer(pool={"to": "household", "when": {"day_of_month": 15}}))
    ann = history(program, "ann").on("2026-01-10").enrolment(household="home").purchase("100").day_end("2026-01-14")
    assert ann.state.points().available == 100
    assert ann.day_end("2026-01-15").state.points().available == 0


def test_who_is_a_household_of_her_own_keeps_what_she_has() -> None:
    program = club(transfer(pool={"to": "household"}))
    home = history(program, "home").on("2026-01-10").enrolment(household="home").purchase("100").day_end("2026-01-20")
    assert home.state.points().available == 100
    assert program.next_due(home.state) is not None  # the lot lapses one day


# -- openings ----------------------------------------------------------------------------------------------------------


def opened(program: cr.Program | None = None, **fields: Any) -> History:
    return history(program or club(), "ann").on("2026-01-10").event("opening", **fields)


def test_an_opening_after_another_event_is_refused() -> None:
    later = history(club(), "ann").on("2026-01-10").visit().event("opening", verdict="refused")
    assert later.last.refusal is not None
    assert later.last.refusal.code == "event.not_first"


def test_what_was_counted_before_an_opening_is_missing_and_not_nought() -> None:
    ann = opened(tallies={"spend": {"since": "2025-06-01", "days": {"2025-12-01": "40"}}}).purchase("10")
    measures = {name: value(ann, name) for name in ("spend", "spend_ever", "orders")}
    assert measures == {"spend": None, "spend_ever": None, "orders": None}
    later = ann.on("2026-06-01").purchase("5")  # the window of twelve months is known from 1 June 2025 on
    assert value(later, "spend") == 5500


def test_an_opening_that_is_complete_knows_all() -> None:
    ann = opened(tallies={"orders": {"2025-12-01": 3}}, complete=True).purchase("10")
    assert (value(ann, "spend_ever"), value(ann, "orders")) == (1000, 4)


def value(told: History, name: str) -> Any:
    assert told.state.day is not None
    return Moment(told.program.rulebook, told.state, told.state.day).value(name)


def test_a_measure_that_counts_two_things_or_the_same_twice_cannot_be_opened() -> None:
    program = club()
    day = {"2025-12-01": 1}
    assert faults_of(program, type="opening", tallies={"mean": day}) == {"tallies.mean": "event.unknown_tally"}
    assert faults_of(program, type="opening", tallies={"spend": day, "spend_ever": day}) == {"tallies.spend_ever": "event.named_twice"}
    assert faults_of(program, type="opening", tallies={"orders": {"2025-12-01": "1.5"}}) == {
        "tallies.orders.days.2025-12-01": "event.too_many_decimals"
    }


def test_an_opening_names_what_the_program_has_and_days_that_have_been() -> None:
    faults = faults_of(
        club(),
        type="opening",
        balances={"miles": 5, "points": {"lots": [{"quantity": 1, "day": "2026-01-11"}]}},
        levels={"tier": {"level": "bronze"}, "rank": "gold"},
        tallies={"spend": {"2026-01-11": 1}},
        joined="2026-02-01",
    )
    assert faults == {
        "balances.miles": "event.unknown_account",
        "balances.points.lots[0].day": "event.not_yet",
        "levels.tier.level": "event.unknown_level",
        "levels.rank": "event.unknown_status",
        "tallies.spend.days.2026-01-11": "event.not_yet",
        "joined": "event.not_yet",
    }
    over = faults_of(club(), type="opening", levels={"tier": {"level": "gold", "until": "2026-01-09"}})
    assert over == {"levels.tier.until": "event.already_over"}


def test_an_opened_level_is_reviewed_on_its_own_day_and_renewed_for_a_whole_term() -> None:
    ann = opened(levels={"tier": {"level": "gold", "since": "2024-03-05", "until": "2026-02-28"}}, complete=True).purchase("600")
    kept = ann.day_end("2026-03-01").state.tier()
    assert kept is not None
    assert (kept.name, str(kept.since), str(kept.until)) == ("gold", "2024-03-05", "2027-02-28")


def test_a_return_does_not_take_a_level_that_came_from_elsewhere() -> None:
    ann = opened(levels={"tier": "gold"}, complete=True).purchase("10").return_()
    held = ann.state.tier()
    assert held is not None
    assert held.name == "gold"


# -- merges and closures -----------------------------------------------------------------------------------------------


def merged(program: cr.Program, old: History, new: History) -> cr.Step:
    assert old.state.as_of is not None
    return received(old.event("merge", into=new.state.customer_id), new)


def test_orders_of_one_id_in_both_accounts_are_not_mixed_up() -> None:
    program = club()
    old, new = (history(program, name).on("2026-01-10").purchase("10", id="o-1") for name in ("old", "new"))
    step = merged(program, old, new)
    assert (step.verdict, step.refusal.code if step.refusal else "") == ("refused", "event.merge_meets")


def test_what_a_merge_brings_is_read_strictly() -> None:
    program = club()
    old = history(program, "old").on("2026-01-10").purchase("10", id="o-1").event("merge", into="ann")
    brought = signal_of(old.last).delivered(old.state.as_of)["brought"]  # type: ignore[arg-type]  # it has happened
    assert faults_of(program, type="merge", of="old", brought={}) == {"": "event.merge_sides"}
    assert faults_of(program, type="merge", of="old", into="ben", brought=brought) == {"": "event.merge_sides"}
    assert faults_of(program, type="merge", of="other", brought=brought) == {"brought": "event.bad_merge"}
    assert faults_of(program, type="merge", of="old", brought={**brought, "program": "another"}) == {"brought": "event.bad_merge"}
    assert faults_of(program, type="merge", of="old", brought={**brought, "closed": ["2026-01-01", ""]}) == {"brought": "event.bad_merge"}
    assert faults_of(program, type="merge", of="old", brought={**brought, "ledger": 5}) == {"brought": "event.bad_merge"}


def test_the_profile_of_a_merged_card_stays_behind() -> None:
    old = history(club(), "old").on("2026-01-10").enrolment(household="home").event("merge", into="ann")
    assert signal_of(old.last).content["brought"]["profile"] == {}


def test_points_that_are_held_keep_an_account_from_ending() -> None:
    state = history(club(), "ann").on("2026-01-10").purchase("10").state
    data = json.loads(state.to_json())
    lots = data["ledger"]["accounts"]["points"]["lots"]
    data["ledger"]["accounts"]["points"]["lots"], data["ledger"]["accounts"]["points.held"]["lots"] = [], lots
    held = cr.State.from_json(json.dumps(data))
    for fields in ({"type": "closure", "reason": "asked"}, {"type": "merge", "into": "ben"}):
        step = club().step(held, club().event({"id": "x", "customer_id": "ann", "occurred_at": "2026-01-11T04:00:00Z", **fields}))
        assert (step.verdict, step.refusal.code if step.refusal else "") == ("refused", "event.still_held")


def test_a_closed_account_asks_for_nothing_any_more() -> None:
    ann = history(club(), "ann").on("2026-01-10").purchase("600").on("2026-01-11").event("closure", reason="asked")
    assert ann.program.next_due(ann.state) is None
    later = ann.day_end("2027-12-31")
    assert later.state.tier() is None
    assert later.last.decisions == ()
    assert cr.State.from_json(later.state.to_json()).closed == ann.state.closed


def test_points_may_be_kept_until_they_lapse() -> None:
    ann = history(club(on_closure="keep"), "ann").on("2026-01-10").purchase("600").event("closure", reason="asked")
    assert ann.state.points().available == 600
    assert ann.day_end("2027-01-10").state.points().available == 600
    assert ann.day_end("2027-01-11").state.points().available == 0


def test_only_an_enrolment_opens_a_closed_account() -> None:
    ann = history(club(), "ann").on("2026-01-10").purchase("600").event("closure", reason="asked")
    for kind in ("visit", "closure", "opening", "merge"):
        fields = {"closure": {"reason": "again"}, "merge": {"into": "ben"}}.get(kind, {})
        refused = ann.event(kind, verdict="refused", **fields).last.refusal
        assert refused is not None
        assert refused.code == "event.closed"
    again = ann.on("2026-02-01").enrolment()
    assert again.state.closed is None
    assert again.purchase("5").state.points().available == 5


def test_nothing_opens_an_account_that_was_merged() -> None:
    ann = history(club(), "ann").on("2026-01-10").purchase("600", id="o-1").event("merge", into="ben")
    refused = ann.on("2026-02-01").enrolment(verdict="refused").last.refusal
    assert refused is not None
    assert (refused.code, refused.params["into"]) == ("event.closed_into", "ben")
    assert ann.on("2026-02-01").return_("o-1", verdict="refused").last.verdict == "refused"


def test_who_must_not_be_contacted_stays_so_through_a_merge() -> None:
    program = club()
    old = history(program, "old").on("2026-01-10").event("consent_update", do_not_contact=True)
    assert merged(program, old, history(program, "new").on("2026-01-10").visit()).state.do_not_contact


# -- what came later: watches, benefits, older names, readings ---------------------------------------------------------


def rated(**ladder: Any) -> cr.Program:
    levels = [
        {"name": "member", "benefits": [{"name": "tea", "quantity": 3, "per": "calendar month"}]},
        {"name": "star", "was": "gold", "enter": {"spend": ">= 100"}, "benefits": [{"name": "tea", "quantity": 3, "per": "calendar month"}]},
    ]
    own = {"id": "tier", "kind": "tiers.ladder", "levels": levels, "downgrade": "one_level", "review": {"every": "month", "day": 5}}
    return cr.Program(
        id="club",
        zone="Asia/Shanghai",
        currency="CNY",
        readings={"aum": {"type": "money"}},
        measures={
            "spend": {"sum": "spend", "window": "30 days"},
            "aum_best": {"best": "aum", "window": "12 months"},
            "aum_mean": {"average": "aum", "window": "30 days"},
            "between": {"gap": "purchase"},
        },
        policies=[{**own, **ladder}],
    )


def test_a_level_may_be_opened_by_a_name_that_it_had_before() -> None:
    ann = history(rated(), "ann").on("2026-01-10").event("opening", levels={"tier": {"level": "gold", "since": "2025-12-20"}})
    held = ann.state.tier()
    assert held is not None
    assert (held.name, str(held.since)) == ("star", "2025-12-20")


def test_a_watch_comes_with_the_level_that_it_is_about() -> None:
    program = rated(watch={"after": "1 review below", "lasts": "3 reviews"})
    old = history(program, "old").on("2026-01-10").purchase("100", id="o-1").day_end("2026-03-05").on("2026-03-06")
    watch = old.state.status("tier.watch")
    assert (watch.value, str(watch.until)) == ("watch", "2026-06-04")
    new = history(program, "new").on("2026-03-06").visit()
    joined = merged(program, old, new).state
    assert (joined.tier().name, joined.status("tier.watch")) == ("star", watch)  # type: ignore[union-attr]  # it has one
    assert cr.State.from_json(joined.to_json()) == joined


def test_what_both_cards_used_of_a_benefit_adds_up() -> None:
    program = rated()
    old = history(program, "old").on("2026-01-10").redemption(reward="tea", quantity=2)
    new = history(program, "new").on("2026-01-11").redemption(reward="tea", id="n-1")
    step = merged(program, old.on("2026-01-12"), new)
    assert "tiers.benefit.joined" in {why.code for decision in step.decisions for why in decision.reasons}
    (ladder,) = program.progress(step.state).ladders
    assert [(benefit.used, benefit.left) for benefit in ladder.benefits] == [(3, 0)]
    later = program.event({"type": "redemption", "id": "n-2", "customer_id": "new", "occurred_at": "2026-02-01T04:00:00Z", "reward": "tea"})
    assert program.step(step.state, later).accepted


def test_a_merge_brings_uses_to_a_card_that_used_nothing() -> None:
    program = rated()
    old = history(program, "old").on("2026-01-10").redemption(reward="tea", quantity=2)
    step = merged(program, old.on("2026-01-12"), history(program, "new").on("2026-01-11").visit())
    (ladder,) = program.progress(step.state).ladders
    assert [(benefit.used, benefit.left) for benefit in ladder.benefits] == [(2, 1)]


@pytest.mark.parametrize(
    ("tallies", "name", "value"),
    [
        ({"aum_best": {"2025-06-01": "900.00", "2025-09-01": "700.00"}}, "aum_best", 90000),
        ({"aum_mean": {"2025-12-01": "300.00"}}, "aum_mean", 30000),
        ({"between": {"2025-06-01": 1, "2025-06-11": 1}}, "between", 10),
    ],
)
def test_an_opening_tells_what_was_read_off_and_the_days_between(tallies: dict[str, Any], name: str, value: int) -> None:
    program = rated()
    ann = history(program, "ann").on("2026-01-10").event("opening", tallies=tallies, complete=True)
    assert Moment(program.rulebook, ann.state, ann.state.day).value(name) == value  # type: ignore[arg-type]  # it has a day


def test_an_opening_into_an_account_that_waits_is_expired_by_inactivity_and_suspended() -> None:
    account = {"expiry": {"length": "12 months", "inactivity": "6 months", "of": "check_in"}, "pending": {"until": "check_in"}}
    lots = [
        {"quantity": 30, "day": "2025-12-01", "usable_from": "2026-02-01"},
        {"quantity": 50, "day": "2025-03-01"},
    ]
    ann = history(club(**account), "ann").on("2026-01-10").event("opening", balances={"points": {"lots": lots}})
    assert (ann.state.points().available, ann.state.points().pending) == (50, 30)
    active = ann.on("2026-01-20").event("activity", name="check_in")
    assert (active.state.points().available, active.state.points().pending) == (80, 0)
    # 1 March 2025 + 12 months is 1 March 2026; the check-in of 20 January carries both to 20 July, the other lives to 1 December
    assert [active.day_end(day).state.points().available for day in ("2026-07-20", "2026-07-21", "2026-12-02")] == [80, 30, 0]


def test_what_the_survivors_activity_carries_lives_on() -> None:
    program = club(expiry={"length": "1 month", "inactivity": "6 months", "of": "check_in"})
    old = history(program, "old").on("2026-01-10").purchase("100", id="o-1").event("activity", name="check_in").on("2026-03-01")
    new = history(program, "new").on("2026-02-01").event("activity", id="n-1", name="check_in").on("2026-03-01").visit(id="n-2")
    joined = merged(program, old, new).state
    assert joined.points().available == 100  # its own last day was 10 February; the check-in of 1 February carries it to 1 August
    assert [program.advance(joined, to=datetime(2026, 8, day, 12, tzinfo=UTC)).state.points().available for day in (1, 2)] == [100, 0]


def test_what_the_absorbed_cards_activity_carries_lives_on() -> None:
    program = club(expiry={"length": "1 month", "inactivity": "6 months", "of": "check_in"})
    old = history(program, "old").on("2026-01-10").purchase("100", id="o-1").event("activity", name="check_in").on("2026-03-01")
    joined = merged(program, old, history(program, "new").on("2026-03-01").visit()).state
    assert joined.points().available == 100  # the check-in of 10 January carries it to 10 July
    assert joined.status("points_expiry").until == date(2026, 7, 10)


def test_an_account_that_is_suspended_keeps_what_an_opening_brings() -> None:
    program = club(suspended={"spend": ">= 500"})
    balances = {"points": {"lots": [{"quantity": 50, "day": "2025-03-01", "last_day": "2026-01-01"}]}}
    ann = history(program, "ann").on("2026-01-10").event("opening", balances=balances, tallies={"spend": {"2025-12-01": "600.00"}}, complete=True)
    assert ann.day_end("2026-03-01").state.points().available == 50
    assert ann.day_end("2026-12-02").state.points().available == 0  # the twelve months hold the 600.00 no more


# -- both sides or neither ---------------------------------------------------------------------------------------------


def two(id_of_second: str = "o-2") -> tuple[cr.Program, dict[str, cr.State]]:
    """Two customers, each with an order of 100.00 and so with 100 points."""
    program = club(transfer())
    old = history(program, "old").on("2026-01-10").purchase("100", id="o-1")
    return program, {"old": old.state, "new": history(program, "new").on("2026-01-11").purchase("100", id=id_of_second).state}


def asked(program: cr.Program, kind: str, **fields: Any) -> cr.Event:
    return program.event({"type": kind, "id": "e-9", "customer_id": "old", "occurred_at": "2026-01-20T04:00:00Z", **fields})


def test_two_cards_become_one_on_both_sides_at_once() -> None:
    program, states = two()
    both = program.step_together(states, asked(program, "merge", into="new"))
    assert (both.verdict, both.refusal, len(both.steps), both.undelivered) == ("accepted", None, 2, ())
    assert [both.states[name].points().available for name in ("old", "new")] == [0, 200]
    assert json.loads(both.to_json())["verdict"] == "accepted"


def test_a_merge_that_the_survivor_refuses_moves_nothing() -> None:
    program, states = two("o-1")
    both = program.step_together(states, asked(program, "merge", into="new"))
    assert both.refusal is not None
    assert (both.verdict, both.refusal.code) == ("refused", "event.merge_meets")
    assert dict(both.states) == states
    assert [step.event.customer_id for step in both.steps if step.event is not None] == ["new"]  # whose no it is


def test_a_transfer_that_the_receiver_refuses_moves_nothing() -> None:
    program, states = two()
    closed = program.event({"type": "closure", "id": "c", "customer_id": "new", "occurred_at": "2026-01-12T04:00:00Z", "reason": "moves"})
    states["new"] = program.step(states["new"], closed).state
    both = program.step_together(states, asked(program, "transfer", to="new", points=60))
    assert (both.verdict, dict(both.states)) == ("refused", states)


def test_what_the_first_side_refuses_reaches_nobody() -> None:
    program, states = two()
    both = program.step_together(states, asked(program, "transfer", to="new", points=101))
    assert both.refusal is not None
    assert both.refusal.code == "points.transfer.insufficient"
    assert dict(both.states) == states


def test_signals_to_others_are_handed_to_the_host() -> None:
    program, states = two()
    alone = program.step_together({"old": states["old"]}, asked(program, "transfer", to="new", points=60))
    assert (alone.accepted, [signal.subject for signal in alone.undelivered]) == (True, ["new"])


def test_a_signal_that_was_delivered_before_stops_nothing() -> None:
    program, states = two()
    event = asked(program, "transfer", to="new", points=60)
    after = program.step_together(states, event)
    again = program.step_together({"old": states["old"], "new": after.states["new"]}, event)
    assert (again.accepted, [step.verdict for step in again.steps]) == (True, ["accepted", "duplicate"])
    assert dict(again.states) == dict(after.states)


def test_an_event_of_none_of_the_customers_is_an_error() -> None:
    program, states = two()
    with pytest.raises(cr.StateError, match="old"):
        program.step_together({"new": states["new"]}, asked(program, "merge", into="new"))
