"""Histories written in Python."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

import custrules as cr
from custrules.testing import History, history
from custrules.testing.histories import UnexpectedVerdict

PROGRAM = cr.Program(
    id="shop",
    zone="Asia/Shanghai",
    currency="CNY",
    activities={"check_in": {"steps": "number"}},
    profile={"segment": {"type": "text"}},
    policies=[
        {"id": "points", "kind": "points.account", "expiry": "1 month"},
        {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
        {"id": "pay", "kind": "points.redemption", "value": {"points": 10, "money": "1"}},
    ],
)


def begun() -> History:
    return history(PROGRAM, "c-1").on("2026-01-10")


def test_a_history_reads_as_it_is_written() -> None:
    past = begun().purchase("900").redemption(300).later("2 days").return_(amount="100").day_end("2026-02-01")
    assert past.state.points().available == 500
    assert [event.id for event in past.events] == ["purchase-1", "redemption-1", "return-1"]
    assert past.state.as_of == datetime(2026, 2, 1, 15, 59, 59, 999999, tzinfo=UTC)


def test_every_call_leaves_the_history_that_it_was_called_on() -> None:
    first = begun().purchase("900")
    first.purchase("100")
    assert (len(first.steps), first.state.points().available) == (1, 900)


def test_a_day_is_its_local_noon_and_a_time_without_an_offset_is_local() -> None:
    assert begun().visit().events[0].occurred_at == datetime(2026, 1, 10, 4, tzinfo=UTC)
    assert begun().on("2026-01-10T00:30").visit().events[0].occurred_at == datetime(2026, 1, 9, 16, 30, tzinfo=UTC)
    assert begun().on("2026-01-10T00:30Z").visit().events[0].occurred_at == datetime(2026, 1, 10, 0, 30, tzinfo=UTC)
    assert begun().on(date(2026, 1, 10)).visit().events == begun().visit().events


def test_later_keeps_the_local_time_of_day() -> None:
    london = history(cr.Program(id="uk", zone="Europe/London", currency="GBP", policies=[])).on("2026-03-28T09:00").visit()
    assert london.later("1 day").visit().last.event.occurred_at == datetime(2026, 3, 29, 8, tzinfo=UTC)  # type: ignore[union-attr]  # it has been stepped
    assert london.later(timedelta(days=1)).visit().last.event.occurred_at == datetime(2026, 3, 29, 9, tzinfo=UTC)  # type: ignore[union-attr]  # it has been stepped


def test_time_that_passes_is_a_step() -> None:
    past = begun().purchase("900").advance("2026-02-11")
    assert (past.last.event, past.codes, past.state.points().available) == (None, ("points.expiry.lapsed",), 0)
    assert [decision.policy_id for decision in past.decisions] == ["earn", "points"]


def test_the_end_of_the_day_is_that_of_the_history_where_none_is_named() -> None:
    assert begun().visit().day_end().state.day == date(2026, 1, 10)


def test_an_event_that_is_refused_says_why_and_what_happened_before() -> None:
    with pytest.raises(UnexpectedVerdict) as caught:
        begun().purchase("9").redemption(300)
    text = str(caught.value)
    assert text.startswith("expected redemption-1 (2026-01-10T04:00:00Z) to be accepted, it is refused\nEvent purchase-1: accepted.\n")
    assert "291" in text.splitlines()[-1]
    assert caught.value.step.verdict == "refused"


def test_a_refusal_that_is_meant_is_said() -> None:
    past = begun().redemption(300, verdict="refused")
    assert past.codes == ("points.redemption.insufficient",)
    assert past.state.as_of is None
    assert past.events == ()


def test_a_refusal_that_does_not_come_is_an_error_too() -> None:
    with pytest.raises(UnexpectedVerdict, match="to be refused, it is accepted"):
        begun().visit(verdict="refused")


def test_any_verdict_may_be_taken() -> None:
    assert begun().purchase("5").redemption(300, verdict=None).last.verdict == "refused"


def test_what_no_policy_serves_is_told_by_the_kernels_own_code() -> None:
    bare = history(cr.Program(id="bare", zone="UTC", currency="EUR", policies=[])).on("2026-01-01")
    assert bare.redemption(1, verdict="refused").codes == ("event.unserved",)


def test_declared_activities_are_events_by_their_name() -> None:
    (event,) = begun().event("check_in", steps=10).events
    assert (event.type, event.id, dict(event.attributes)) == ("activity", "check_in-1", {"steps": 10})


def test_ids_may_be_given_and_named() -> None:
    past = begun().purchase("10", id="o-7").purchase("20").return_("o-7")
    assert past.state.points().available == 20


def test_the_other_events_have_their_words() -> None:
    past = begun().enrolment(segment="staff").profile_update(segment="vip").referral().adjustment(50).redemption(20).redemption_cancelled()
    assert [event.type for event in past.events] == ["enrolment", "profile_update", "referral", "adjustment", "redemption", "redemption_cancelled"]
    assert (past.state.profile["segment"], past.state.points().available) == ("vip", 50)


def test_events_that_are_there_already_begin_a_history() -> None:
    past = begun().purchase("10").visit()
    again = history(PROGRAM, events=past.events)
    assert again.state == past.state
    assert again.purchase("5").state.points().available == 15


def test_a_history_tells_itself() -> None:
    assert str(begun()) == "nothing has happened to c-1 yet"
    assert str(begun().visit()) == "Event visit-1: accepted."


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda: history(PROGRAM).visit(), "begins with .on"),
        (lambda: begun().on("10 January"), "neither a day"),
        (lambda: begun().on("soon"), "is no day"),
        (lambda: begun().on("2026-13-45"), "is no day"),
        (lambda: begun().day_end("someday"), "is no day"),
        (lambda: begun().later("a while"), "is no length"),
        (lambda: begun().return_(), "no purchase in this history"),
        (lambda: begun().redemption_cancelled(), "no redemption in this history"),
    ],
)
def test_misuse_is_told_with_what_to_write(broken: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        broken()  # type: ignore[operator]  # each row calls something


def test_nothing_is_last_before_the_first_step() -> None:
    with pytest.raises(LookupError, match="nothing has happened"):
        _ = begun().last
