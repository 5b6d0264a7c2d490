"""Restatement: late, corrected and withdrawn events; what they change; what is refused, and with which words."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

import custrules as cr
from custrules import events
from custrules.policy import Phase, reason

POLICIES: list[dict[str, Any]] = [
    {
        "id": "levels",
        "kind": "tiers.ladder",
        "levels": [{"name": "member"}, {"name": "silver", "enter": {"spend": ">= 100"}}],
        "term": "1 month",
        "downgrade": "one_level",
    },
    {"id": "points", "kind": "points.account", "expiry": "2 months"},
    {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
    {"id": "pay", "kind": "points.redemption", "value": {"points": 10, "money": "1"}},
]


class Thanks(cr.Policy):
    """A visit asks for a thank-you, once a month."""

    kind: ClassVar[str] = "toy.thanks"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("visit",)

    def decide(self, event: events.AnyEvent, view: cr.View, /) -> cr.Decision | None:
        cycle = view.day.strftime("%Y-%m")
        if f"{self.id}:{cycle}" in view.state.touchpoints:
            return self.declined(event, [reason("toy.thanked", policy=self.id)])
        return self.applied(event, [reason("toy.thanks", policy=self.id)], [cr.Touchpoint("thanks", cycle, view.day)])


def program(policies: list[dict[str, Any]] | None = None, **sections: Any) -> cr.Program:
    sections = {"measures": {"spend": {"sum": "spend", "window": "30 days"}}, **sections}
    return cr.Program(
        id="shop", zone="UTC", currency="GBP", policies=POLICIES if policies is None else policies, kinds={Thanks.kind: Thanks}, **sections
    )


SHOP = program()
CARE = program([*POLICIES, {"id": "thanks", "kind": "toy.thanks"}])


def day(number: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, 1, hour, tzinfo=UTC) + timedelta(days=number - 1)


def purchase(event_id: str, at: datetime, amount: str, customer: str = "c") -> events.AnyEvent:
    return SHOP.event({"type": "purchase", "id": event_id, "customer_id": customer, "occurred_at": at, "amount": amount})


def redemption(event_id: str, at: datetime, points: int) -> events.AnyEvent:
    return SHOP.event({"type": "redemption", "id": event_id, "customer_id": "c", "occurred_at": at, "points": points})


def visit(event_id: str, at: datetime) -> events.AnyEvent:
    return SHOP.event({"type": "visit", "id": event_id, "customer_id": "c", "occurred_at": at})


def stored(*given: events.AnyEvent, of: cr.Program = SHOP, opening: cr.State | None = None) -> tuple[cr.State, list[events.AnyEvent]]:
    """The state after some events, and the events as a host stores them."""
    state, kept = opening or NEW, []
    for event in given:
        step = of.step(state, event)
        assert step.accepted, step.refusal
        assert step.event is not None
        state = step.state
        kept.append(step.event)
    return state, kept


NEW = cr.State.new("c")
BUYS = (purchase("a", day(1), "60"), purchase("b", day(10), "30"))


def replayed(history: list[events.AnyEvent], of: cr.Program = SHOP) -> cr.State:
    return cr.replay(of, history).collect().states["c"]


# -- late events -------------------------------------------------------------------------------------------------------


def test_a_late_event_is_put_in_at_its_own_time_and_stamped_so() -> None:
    _, history = stored(*BUYS)
    late = SHOP.restate(NEW, history, purchase("late", day(5), "45"))
    assert late.accepted
    assert late.event is not None
    assert late.event.decided_at == late.event.occurred_at == day(5)
    assert late.place == 1
    assert late.state == replayed([history[0], late.event, history[1]])


def test_a_late_event_tells_what_to_book_and_what_else_is_decided() -> None:
    _, history = stored(*BUYS)
    late = SHOP.restate(NEW, history, purchase("late", day(5), "45"))
    assert late.deltas == {"points": 45}  # 60 + 45 + 30; silver from day 5, which earns no more
    assert [(change.name, change.before and change.before.value, change.now and change.now.value) for change in late.statuses] == [
        ("tier", "member", "silver")
    ]
    assert {(decision.policy_id, decision.event_id) for decision in late.added} == {("earn", "late"), ("levels", "late")}
    assert [change.now.event_id for change in late.changed if change.now] == ["b"]  # bought as silver, it says so now
    assert late.removed == ()
    assert late.flipped == ()


def test_a_late_event_stands_behind_what_was_decided_at_the_same_instant() -> None:
    _, history = stored(*BUYS)
    assert SHOP.restate(NEW, history, purchase("late", day(1), "1")).place == 1
    assert SHOP.restate(NEW, history, purchase("late", day(10), "1")).place == 2


def test_an_event_that_comes_after_all_others_is_a_step() -> None:
    state, history = stored(*BUYS)
    event = purchase("new", day(12), "5")
    assert SHOP.restate(NEW, history, event).state == SHOP.step(state, event).state


def test_a_history_may_begin_with_an_event_that_came_late() -> None:
    _, history = stored(*BUYS)
    first = SHOP.restate(NEW, history, purchase("first", day(1) - timedelta(days=40), "7"))
    assert first.place == 0
    assert first.event is not None
    assert first.state == replayed([first.event, *history])


def test_events_are_taken_as_data_and_as_json_too() -> None:
    _, history = stored(*BUYS)
    late = purchase("late", day(5), "45")
    plain = SHOP.restate(NEW, [event.to_json() for event in history], {**late.model_dump(), "amount": "45"})
    assert plain == SHOP.restate(NEW, history, late)


def test_time_that_was_sent_stays_where_it_was() -> None:
    state, history = stored(BUYS[0])
    sent = SHOP.step(state, cr.NewDay(customer_id="c", day=day(5).date()))
    assert sent.event is not None
    history = [*history, sent.event]
    late = SHOP.restate(NEW, history, purchase("late", day(5, 0), "45"))  # at the very instant at which that day opens
    assert late.place == 2
    assert late.flipped == ()


def test_a_late_event_that_is_refused_at_its_time_changes_nothing() -> None:
    state, history = stored(*BUYS)
    late = SHOP.restate(NEW, history, redemption("late", day(5), 70))  # 60 points are there on day 5
    assert (late.verdict, late.refusal and late.refusal.code) == ("refused", "points.redemption.insufficient")
    assert late.state == state
    assert late.event is not None
    assert late.event.decided_at is None
    assert (late.deltas, late.statuses, late.decisions, late.flipped) == ({}, (), (), ())


def test_a_quicker_answer_to_a_late_event_would_have_been_the_same() -> None:
    """Whenever it is learned: the state is that of a history in which it came in time."""
    first, last = BUYS
    between = purchase("late", day(5), "45")
    in_time, _ = stored(first, between, last)
    _, history = stored(first, last)
    assert SHOP.restate(NEW, history, between).state == in_time


def test_an_opening_may_stand_inside_the_history() -> None:
    opening, before = stored(BUYS[0])
    _, after = stored(BUYS[1], opening=opening)
    late = SHOP.restate(opening, after, purchase("late", day(5), "45"))
    assert late.event is not None
    assert late.state == replayed([*before, late.event, *after])


# -- corrections and withdrawals ---------------------------------------------------------------------------------------


def test_a_correction_takes_the_old_events_place() -> None:
    _, history = stored(*BUYS)
    corrected = SHOP.restate(NEW, history, purchase("a", day(1), "20"))
    assert corrected.deltas == {"points": -40}
    assert (corrected.place, corrected.replaced) == (0, history[0])
    assert corrected.event is not None
    assert corrected.event.decided_at == history[0].decided_at
    assert corrected.state == replayed([corrected.event, history[1]])


def test_a_correction_of_an_event_that_was_accepted_late_keeps_its_stamp() -> None:
    state, kept = stored(BUYS[0])
    advanced = SHOP.advance(state, day(4)).state
    step = SHOP.step(advanced, purchase("b", day(3), "30"))
    assert step.event is not None
    corrected = SHOP.restate(NEW, [*kept, step.event], purchase("b", day(3), "31"))
    assert corrected.event is not None
    assert corrected.event.decided_at == day(4)


def test_a_correction_of_the_time_moves_the_event_to_its_own_time() -> None:
    _, history = stored(*BUYS)
    moved = SHOP.restate(NEW, history, purchase("a", day(11), "60"))
    assert moved.place == 1
    assert moved.event is not None
    assert moved.event.decided_at == day(11)
    assert moved.state == replayed([history[1], moved.event])


@pytest.mark.parametrize("again", ["same", "learned later"])
def test_a_known_event_of_equal_content_is_a_duplicate(again: str) -> None:
    state, history = stored(*BUYS)
    event = history[0] if again == "same" else BUYS[0].model_copy(update={"recorded_at": day(30)})
    known = SHOP.restate(NEW, history, event)
    assert (known.verdict, known.refusal and known.refusal.code) == ("duplicate", "event.duplicate")
    assert known.state == state
    assert known.event == history[0]
    assert known.decisions == ()


def test_a_withdrawn_event_never_was() -> None:
    _, history = stored(*BUYS)
    out = SHOP.restate(NEW, history, withdraw="a")
    assert out.event is None
    assert out.replaced == history[0]
    assert out.state == replayed([history[1]])
    assert out.deltas == {"points": -60}
    assert {decision.event_id for decision in out.removed} == {"a"}


def test_the_only_event_can_be_withdrawn() -> None:
    _, history = stored(BUYS[0])
    assert SHOP.restate(NEW, history, withdraw="a").state == NEW


def test_a_correction_that_is_refused_leaves_the_old_event_standing() -> None:
    state, history = stored(BUYS[0], redemption("r", day(2), 50))
    refused = SHOP.restate(NEW, history, redemption("r", day(2), 500))
    assert (refused.verdict, refused.state) == ("refused", state)


# -- what follows from it ----------------------------------------------------------------------------------------------


def test_an_event_that_is_refused_now_stands_in_flipped() -> None:
    _, history = stored(BUYS[0], redemption("r", day(2), 50))
    out = SHOP.restate(NEW, history, withdraw="a")
    assert [(flip.event.id, flip.before, flip.now, flip.refusal and flip.refusal.code) for flip in out.flipped] == [
        ("r", "accepted", "refused", "points.redemption.insufficient")
    ]
    assert out.deltas == {"points": -10}


def test_an_event_that_is_accepted_again_stands_in_flipped_too() -> None:
    _, history = stored(BUYS[0], redemption("r", day(2), 50))
    again = SHOP.restate(NEW, [history[1]], BUYS[0])  # the purchase was withdrawn, the redemption was left in the history
    assert [(flip.event.id, flip.before, flip.now, flip.refusal) for flip in again.flipped] == [("r", "refused", "accepted", None)]
    assert again.state == replayed(history)


def test_a_return_of_a_withdrawn_purchase_is_refused_now() -> None:
    back = SHOP.event({"type": "return", "id": "back", "customer_id": "c", "occurred_at": day(3), "of": "a"})
    _, history = stored(*BUYS[:1], back)
    (flip,) = SHOP.restate(NEW, history, withdraw="a").flipped
    assert flip.refusal is not None
    assert flip.refusal.code == "event.unknown_order"


def test_time_runs_on_to_where_the_current_state_stands() -> None:
    state, history = stored(*BUYS)
    current = SHOP.advance(state, day(70)).state  # on 2 May the points of day 1 have lapsed, on 11 May those of day 10
    late = SHOP.restate(NEW, history, purchase("late", day(5), "45"), current=current)
    assert late.state.as_of == current.as_of
    assert late.event is not None
    assert late.state == SHOP.advance(replayed([history[0], late.event, history[1]]), day(70)).state
    assert late.deltas == {}  # the late points have lapsed as well (5 March + 2 months = 5 May)
    assert "day:2026-05-06" in {decision.event_id for decision in late.added}


def test_without_a_current_state_both_sides_are_compared_where_the_later_one_ends() -> None:
    _, history = stored(BUYS[0], visit("v", day(70)))
    out = SHOP.restate(NEW, history, withdraw="v")
    assert out.state == replayed(history[:1])
    assert out.deltas == {}  # the points of day 1 have lapsed by day 70, with the visit or without it


# -- contacts ----------------------------------------------------------------------------------------------------------


def test_a_contact_that_was_asked_for_stays_when_its_event_is_withdrawn() -> None:
    state, history = stored(visit("v", day(3)), of=CARE)
    out = CARE.restate(NEW, history, withdraw="v")
    assert out.state.touchpoints == state.touchpoints
    later = CARE.step(out.state, visit("w", day(20)))
    assert not any(isinstance(effect, cr.Touchpoint) for effect in later.effects)


def test_a_cycle_that_was_taken_is_not_asked_again_by_an_earlier_event() -> None:
    state, history = stored(visit("v", day(3)), of=CARE)
    late = CARE.restate(NEW, history, visit("u", day(2)))
    told = [effect for decision in (*late.added, *(change.now for change in late.changed)) if decision for effect in decision.effects]
    assert not any(isinstance(effect, cr.Touchpoint) for effect in told)
    assert late.state.touchpoints == state.touchpoints  # planned for the 3rd, as it was asked


def test_a_contact_of_a_new_cycle_is_told() -> None:
    _, history = stored(visit("v", day(3)), of=CARE)
    late = CARE.restate(NEW, history, visit("u", day(3) - timedelta(days=10)))
    assert [effect.cycle for decision in late.added for effect in decision.effects if isinstance(effect, cr.Touchpoint)] == ["2026-02"]


def test_nothing_changes_for_a_duplicate_and_time_still_runs_on() -> None:
    state, history = stored(*BUYS)
    current = SHOP.advance(state, day(20)).state
    assert SHOP.restate(NEW, history, BUYS[0], current=current).state == current


def test_an_empty_history_takes_its_first_event() -> None:
    first = SHOP.restate(NEW, [], BUYS[0])
    assert first.state == stored(BUYS[0])[0]
    assert first.deltas == {"points": 60}


def test_a_refusal_leaves_a_new_customer_new() -> None:
    refused = SHOP.restate(NEW, [], redemption("r", day(1), 5), current=NEW)
    assert (refused.verdict, refused.state) == ("refused", NEW)


def test_contacts_of_the_current_state_outlive_a_second_restatement() -> None:
    state, history = stored(visit("v", day(3)), BUYS[1], of=CARE)
    first = CARE.restate(NEW, history, withdraw="v", current=state)
    second = CARE.restate(NEW, history[1:], purchase("late", day(5), "1"), current=first.state)
    assert second.state.touchpoints == state.touchpoints


# -- what is refused ---------------------------------------------------------------------------------------------------


def two() -> list[events.AnyEvent]:
    return stored(*BUYS)[1]


OPENED = stored(BUYS[0])[0]
MISTAKES: list[tuple[str, str, Callable[[], object]]] = [
    ("event.not_stamped", "history[1].decided_at", lambda: SHOP.restate(NEW, [two()[0], BUYS[1]], withdraw="a")),
    ("event.out_of_order", "history[1]", lambda: SHOP.restate(NEW, two()[::-1], withdraw="a")),
    ("event.repeated_id", "history[1].id", lambda: SHOP.restate(NEW, [two()[0], two()[0]], withdraw="a")),
    ("event.before_opening", "history[0]", lambda: SHOP.restate(OPENED, two(), withdraw="b")),
    ("event.before_opening", "history[0]", lambda: SHOP.restate(SHOP.advance(OPENED, day(12)).state, two()[1:], withdraw="b")),
    ("event.before_opening", "event", lambda: SHOP.restate(OPENED, two()[1:], purchase("late", day(1, 3), "1"))),
    ("event.before_opening", "event", lambda: SHOP.restate(OPENED, two()[1:], purchase("a", day(5), "1"))),
    ("event.before_opening", "event", lambda: SHOP.restate(OPENED, two()[1:], purchase("b", day(1, 3), "30"))),
    ("event.not_in_history", "withdraw", lambda: SHOP.restate(NEW, two(), withdraw="nobody")),
    ("event.not_in_history", "withdraw", lambda: SHOP.restate(OPENED, two()[1:], withdraw="a")),
    ("event.not_restated", "event", lambda: SHOP.restate(NEW, two(), cr.NewDay(customer_id="c", day=day(3).date()))),
    ("event.event_or_withdraw", "", lambda: SHOP.restate(NEW, two())),
    ("event.event_or_withdraw", "", lambda: SHOP.restate(NEW, two(), BUYS[0], withdraw="a")),
    ("event.other_currency", "history[0].amount", lambda: SHOP.restate(NEW, [dollars()], withdraw="a")),
    ("event.unknown_type", "event.type", lambda: SHOP.restate(NEW, two(), {"type": "dance"})),
]


def dollars() -> events.AnyEvent:
    return cr.Purchase(id="a", customer_id="c", occurred_at=day(1), decided_at=day(1), amount=cr.Money("1", "USD"))


@pytest.mark.parametrize(("code", "path", "call"), MISTAKES, ids=[f"{code}-{number}" for number, (code, _, _) in enumerate(MISTAKES)])
def test_what_does_not_fit_is_told_with_its_place(code: str, path: str, call: Callable[[], object]) -> None:
    with pytest.raises(cr.EventError) as caught:
        call()
    assert [(fault.code, fault.path) for fault in caught.value.diagnostics] == [(code, path)]


def test_another_customers_event_is_told_with_its_place() -> None:
    with pytest.raises(cr.StateError) as caught:
        SHOP.restate(NEW, [*two(), purchase("x", day(11), "1", customer="d").model_copy(update={"decided_at": day(11)})], withdraw="a")
    assert [(fault.code, fault.path) for fault in caught.value.diagnostics] == [("state.other_customer", "history[2].customer_id")]
    with pytest.raises(cr.StateError):
        SHOP.restate(NEW, two(), purchase("x", day(11), "1", customer="d"))


def test_a_current_state_of_another_customer_is_refused() -> None:
    with pytest.raises(cr.StateError):
        SHOP.restate(NEW, two(), withdraw="a", current=cr.State.new("d"))


# -- on the wire, and in words -----------------------------------------------------------------------------------------


def restatements() -> list[cr.Restatement]:
    _, history = stored(BUYS[0], redemption("r", day(2), 50), BUYS[1])
    _, visits = stored(visit("v", day(3)), of=CARE)
    return [
        SHOP.restate(NEW, history, withdraw="a"),
        SHOP.restate(NEW, history, purchase("a", day(1), "120")),
        SHOP.restate(NEW, history, history[0]),
        SHOP.restate(NEW, history, redemption("late", day(2), 500)),
        CARE.restate(NEW, visits, visit("u", day(2))),
    ]


@pytest.mark.parametrize("number", range(5))
def test_a_restatement_comes_back_from_json_and_pickle(number: int) -> None:
    restatement = restatements()[number]
    assert cr.Restatement.from_json(restatement.to_json()) == restatement
    assert pickle.loads(pickle.dumps(restatement)).to_json() == restatement.to_json()


@pytest.mark.parametrize("text", ["{}", "[]", "7", '{"state": 1}', "x"])
def test_what_is_no_restatement_is_told(text: str) -> None:
    with pytest.raises(cr.StateError):
        cr.Restatement.from_json(text)


def test_a_verdict_that_there_is_not_is_told() -> None:
    text = restatements()[2].to_json().replace(b'"verdict":"duplicate"', b'"verdict":"perhaps"')
    with pytest.raises(cr.StateError, match="perhaps"):
        cr.Restatement.from_json(text)


def test_amounts_of_points_with_decimals_come_back_exact() -> None:
    fine = program([POLICIES[0], {**POLICIES[1], "scale": 2}, *POLICIES[2:]])
    _, history = stored(purchase("a", day(1), "0.55"), of=fine)
    out = fine.restate(NEW, history, withdraw="a")
    assert str(out.deltas["points"]) == "-0.55"
    assert cr.Restatement.from_json(out.to_json()).deltas == out.deltas


def test_a_restatement_has_words() -> None:
    out, corrected, known, refused, _ = restatements()
    lines = cr.render(out).splitlines()
    assert lines[0] == "Event a: taken out."
    assert lines[1].startswith("  ! Event r had been accepted and is refused now: ")
    assert "  points: 10 less" in lines
    assert "  No more on a:" in lines
    assert cr.render(corrected).splitlines()[0] == "Event a: corrected."
    assert "  points: 60 more" in cr.render(corrected)
    assert cr.render(known) == "Event a: known already, nothing changes. The event a is known already."
    assert cr.render(refused).startswith("Event late: refused, nothing changes. ")


def test_a_restatement_has_chinese_words() -> None:
    out, corrected, _, _, _ = restatements()
    assert cr.render(out, "zh").splitlines()[0] == "事件 a：已撤销。"
    assert "points：减少 10" in cr.render(out, "zh")
    assert "tier：member" in cr.render(corrected, "zh")
    assert all("{" not in line for line in cr.render(corrected, "zh").splitlines())


def test_a_status_that_is_gone_has_words() -> None:
    _, history = stored(BUYS[0])
    out = SHOP.restate(NEW, history, withdraw="a")
    assert [change.kind for change in out.statuses] == ["removed"]
    assert "  tier: member (2026-03-01–) → -" in cr.render(out).splitlines()


def test_changes_say_of_which_kind_they_are() -> None:
    _, corrected, *_ = restatements()
    assert {change.kind for change in corrected.decisions} == {"changed"}
    (status,) = corrected.statuses
    assert status.kind == "changed"
    assert status.now is not None
    assert status.now.value == "silver"
