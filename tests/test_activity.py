"""Tallies by local day: totals by brute force, corrections, what is forgotten, and the latest value."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custrules.activity import ActivityLog
from custrules.tallies import Latest, Tally, Values

DAY = date(2026, 1, 1)
rows = st.lists(st.tuples(st.integers(0, 20), st.integers(-5, 5)), max_size=25)


def on(number: int) -> date:
    return DAY + timedelta(days=number)


def tally_of(counted: list[tuple[int, int]], held_from: int | None = None) -> Tally:
    tally = Tally(None, on(held_from).toordinal() if held_from is not None else None)
    for day, quantity in counted:
        tally.add(on(day), quantity)
    return tally


def brute(counted: list[tuple[int, int]], after: int | None, upto: int) -> int:
    return sum(quantity for day, quantity in counted if (after is None or day > after) and day <= upto)


# -- totals --------------------------------------------------------------------------------------------------------------


@given(rows, st.integers(-1, 21), st.integers(-1, 21))
def test_a_total_is_the_sum_of_what_was_counted_in_whatever_order(counted: list[tuple[int, int]], one: int, other: int) -> None:
    after, upto = sorted((one, other))
    tally = tally_of(counted)
    assert tally.total(on(upto)) == tally.between(None, on(upto)) == brute(counted, None, upto)
    assert tally.between(on(after), on(upto)) == brute(counted, after, upto)


@given(rows)
def test_a_day_that_comes_to_nothing_leaves_no_row(counted: list[tuple[int, int]]) -> None:
    sums = {day: sum(quantity for other, quantity in counted if other == day) for day, _ in counted}
    assert tally_of(counted).days == [on(day).toordinal() for day in sorted(sums) if sums[day]]


@given(rows)
def test_the_order_of_counting_makes_no_difference(counted: list[tuple[int, int]]) -> None:
    assert tally_of(counted).to_data() == tally_of(counted[::-1]).to_data()


@given(rows, st.integers(-1, 21))
def test_the_days_beside_a_day_are_found(counted: list[tuple[int, int]], day: int) -> None:
    tally = tally_of(counted)
    present = sorted(other for other in range(21) if brute(counted, other - 1, other))
    assert tally.first_after(on(day)) == next((on(other) for other in present if other > day), None)
    assert tally.last_upto(on(day)) == next((on(other) for other in reversed(present) if other <= day), None)
    assert tally.first_after(None) == next((on(other) for other in present), None)


def test_a_correction_changes_its_own_day_and_every_later_total() -> None:
    tally = tally_of([(1, 5), (3, 5), (1, -2)])
    assert [tally.total(on(day)) for day in (0, 1, 2, 3)] == [0, 3, 3, 8]


# -- what is forgotten ---------------------------------------------------------------------------------------------------


@given(rows, st.integers(0, 20), st.integers(-1, 21), st.integers(0, 21))
def test_a_window_that_reaches_behind_what_was_forgotten_is_not_evaluable_and_never_smaller(
    counted: list[tuple[int, int]], upto: int, after: int, width: int
) -> None:
    tally = tally_of(counted)
    tally.forget(on(upto))
    found = tally.between(on(after), on(after + width))
    assert found in (None, brute(counted, after, after + width))
    assert found is not None or tally.cut is not None
    if after >= upto:
        assert found is not None
    assert tally.between(None, on(21)) == brute(counted, None, 21)


@given(rows, st.integers(0, 20), st.integers(0, 20))
def test_what_is_forgotten_is_decided_by_days_and_not_by_how_often(counted: list[tuple[int, int]], one: int, other: int) -> None:
    first, second = sorted((one, other))
    twice, once = tally_of(counted), tally_of(counted)
    assert twice.forgets(on(first)) == (len(twice.days) > 0 and twice.days[0] <= on(first).toordinal())
    twice.forget(on(first))
    twice.forget(on(second))
    once.forget(on(second))
    assert twice.to_data() == once.to_data()
    assert not once.forgets(on(second))


@given(rows, rows, st.integers(0, 20))
def test_a_correction_of_a_forgotten_day_still_counts_in_the_total(counted: list[tuple[int, int]], more: list[tuple[int, int]], upto: int) -> None:
    tally = tally_of(counted)
    tally.forget(on(upto))
    for day, quantity in more:
        tally.add(on(day), quantity)
    assert tally.total(on(21)) == brute(counted + more, None, 21)
    for after in range(upto, 21):
        assert tally.between(on(after), on(21)) == brute(counted + more, after, 21)


@given(rows, st.integers(0, 20))
def test_the_last_day_counted_is_known_though_it_was_forgotten(counted: list[tuple[int, int]], upto: int) -> None:
    tally, whole = tally_of(counted), tally_of(counted)
    tally.forget(on(upto))
    assert tally.last_upto(on(21)) == whole.last_upto(on(21))


@given(rows, st.integers(0, 20), st.integers(-1, 21), st.integers(-1, 21))
def test_a_tally_that_began_later_counts_from_its_first_day_and_says_so(counted: list[tuple[int, int]], start: int, one: int, other: int) -> None:
    after, upto = sorted((one, other))
    tally = tally_of(counted, held_from=start)
    found = tally.between(on(after), on(upto))
    assert found == (brute(counted, after, upto) if after >= start - 1 else None)
    assert tally.between(None, on(upto)) is None


@given(rows, st.integers(0, 20), st.none() | st.integers(0, 5))
def test_a_tally_is_read_back_from_its_rows(counted: list[tuple[int, int]], upto: int, start: int | None) -> None:
    tally = tally_of(counted, held_from=start)
    tally.forget(on(upto))
    data = tally.to_data()
    back = Tally.from_data(data, None)
    assert back.to_data() == data
    assert [back.total(on(day)) for day in range(22)] == [tally.total(on(day)) for day in range(22)]


def test_a_copy_changes_alone() -> None:
    tally = tally_of([(1, 5)])
    copy = tally.copy(None)
    copy.add(on(1), 1)
    assert (tally.total(on(1)), copy.total(on(1))) == (5, 6)


# -- the latest value ----------------------------------------------------------------------------------------------------

values = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 9), st.integers(-5, 5)), max_size=15)


def latest_of(counted: list[tuple[int, int, int]]) -> Latest:
    latest = Latest(None)
    for day, hour, value in counted:
        latest.put(on(day), f"{on(day)}T0{hour}:00:00Z", value)
    return latest


def last_upto(counted: list[tuple[int, int, int]], upto: int) -> tuple[date, int] | None:
    """The value of the last instant up to the end of a day; of one instant, the one that was told last."""
    known = [(day, hour, index, value) for index, (day, hour, value) in enumerate(counted) if day <= upto]
    return (on(max(known)[0]), max(known)[3]) if known else None


@given(values, st.integers(-1, 11))
def test_the_latest_value_is_that_of_the_last_instant_in_whatever_order_they_came(counted: list[tuple[int, int, int]], upto: int) -> None:
    latest = latest_of(counted)
    assert latest.upto(on(upto)) == last_upto(counted, upto)
    assert latest.first_after(on(upto)) == min((on(day) for day, _, _ in counted if day > upto), default=None)


@given(values, st.integers(0, 10), st.integers(0, 10))
def test_the_value_that_is_carried_forward_is_not_forgotten(counted: list[tuple[int, int, int]], one: int, other: int) -> None:
    first, second = sorted((one, other))
    twice, once = latest_of(counted), latest_of(counted)
    for upto in (first, second):
        twice.forget(on(upto))
    once.forget(on(second))
    assert twice.to_data() == once.to_data()
    assert not once.forgets(on(second))
    for day in range(second, 11):
        assert once.upto(on(day)) == last_upto(counted, day)


@given(values, values, st.integers(0, 10))
def test_a_value_that_comes_late_changes_nothing_that_is_carried_forward(
    counted: list[tuple[int, int, int]], more: list[tuple[int, int, int]], upto: int
) -> None:
    latest = latest_of(counted)
    latest.forget(on(upto))
    for day, hour, value in more:
        latest.put(on(day), f"{on(day)}T0{hour}:00:00Z", value)
    for day in range(upto, 11):
        assert latest.upto(on(day)) == last_upto(counted + more, day)


@given(values, st.integers(0, 10))
def test_latest_values_are_read_back_from_their_rows(counted: list[tuple[int, int, int]], upto: int) -> None:
    latest = latest_of(counted)
    latest.forget(on(upto))
    assert Latest.from_data(latest.to_data(), None).to_data() == latest.to_data()


# -- the log -------------------------------------------------------------------------------------------------------------


def log_of_two() -> ActivityLog:
    log = ActivityLog()
    log.open("count:visit", latest=False, held_from=None)
    log.open("latest:aum", latest=True, held_from=on(0))
    log.add("count:visit", on(1), 2)
    log.put("latest:aum", on(1), "2026-01-02T00:00:00Z", 5)
    return log


def test_a_fork_of_the_log_changes_alone() -> None:
    log = log_of_two()
    before = log.to_data()
    fork = log.fork()
    fork.add("count:visit", on(1), 1)
    fork.put("latest:aum", on(2), "2026-01-03T00:00:00Z", 6)
    fork.forget("count:visit", on(9))
    assert log.to_data() == before != fork.to_data()


def test_a_tally_is_opened_once() -> None:
    log = log_of_two()
    log.open("count:visit", latest=False, held_from=on(9))
    tally = log.tally("count:visit")
    assert tally is not None
    assert tally.held_from is None


def test_a_tally_is_found_by_its_key_and_kind() -> None:
    log = log_of_two()
    assert log.tally("latest:aum") is None
    assert log.latest("count:visit") is None
    assert log.tally("nothing") is None
    log.forget("nothing", on(1))


def test_the_log_is_read_back() -> None:
    data = log_of_two().to_data()
    assert ActivityLog.from_data(data).to_data() == data


@pytest.mark.parametrize(
    "data",
    [
        {"rows": [5, 1, -1, 2]},
        {"rows": [5, 1, 0, 2]},
        {"rows": [0, 1]},
        {"rows": [-1, 1, 2, 1]},
        {"rows": [10**9, 1]},
        {"rows": [1, 1, 10**9, 1]},
        {"rows": [5, 1], "cut": 5},
        {"rows": [], "held_from": -1},
        {"rows": [], "cut": 0},
        {"rows": [5, "1"]},
        {"rows": [5, 1, 1]},
        {"rows": [[5, 1]]},
        {"rows": {"5": 1}},
        {"rows": "51"},
        {"rows": [True, 1]},
        {"rows": [5, None]},
        {"latest": [[5, "x", 1], [4, "x", 1]]},
        {"latest": [[5, 5, 1]]},
        {"latest": [[5, "x", None]]},
        {"latest": [[5, "x", 1]], "cut": "4"},
        {},
    ],
)
def test_rows_that_no_counting_can_make_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        ActivityLog.from_data({"key": data})


# -- single values -------------------------------------------------------------------------------------------------------

changes = st.lists(st.tuples(st.integers(0, 20), st.none() | st.integers(0, 3), st.none() | st.integers(0, 3)), max_size=20)


def values_of(made: list[tuple[int, int | None, int | None]], held_from: int | None = None) -> tuple[Values, list[tuple[int, int]]]:
    """The values after some changes, and the same as a list: a change takes away what is there, or nothing."""
    values, kept = Values(None, on(held_from).toordinal() if held_from is not None else None), list[tuple[int, int]]()
    for day, before, after in made:
        if before is not None and (day, before) not in kept:
            continue
        values.change(on(day), before, after)
        if held_from is None or day >= held_from:
            kept = [*kept[: kept.index((day, before))], *kept[kept.index((day, before)) + 1 :]] if before is not None else kept
            kept += [(day, after)] if after is not None else []
    return values, kept


@given(changes, st.none() | st.integers(-1, 21), st.integers(-1, 21), st.none() | st.integers(0, 10))
def test_the_most_is_that_of_the_values_that_stand(
    made: list[tuple[int, int | None, int | None]], after: int | None, upto: int, held_from: int | None
) -> None:
    values, kept = values_of(made, held_from)
    inside = [value for day, value in kept if (after is None or day > after) and day <= upto]
    assert values.most(on(after) if after is not None else None, on(upto)) == max(inside, default=None)
    assert values.days == sorted({on(day).toordinal() for day, _ in kept})


@given(changes, st.integers(0, 20), st.integers(0, 21))
def test_of_days_that_were_let_go_the_most_is_kept(made: list[tuple[int, int | None, int | None]], gone: int, upto: int) -> None:
    values, kept = values_of(made)
    values.forget(on(gone))
    assert values.most(None, on(20)) == max((value for _, value in kept), default=None)
    if values.reaches(on(upto), on(21)):
        assert values.most(on(upto), on(21)) == max((value for day, value in kept if day > upto), default=None)


@given(changes, st.integers(0, 20), st.none() | st.integers(0, 5))
def test_values_are_read_back_from_their_data(made: list[tuple[int, int | None, int | None]], gone: int, held_from: int | None) -> None:
    values, _ = values_of(made, held_from)
    values.forget(on(gone))
    assert Values.from_data(values.to_data(), None).to_data() == values.to_data()


def test_an_event_of_a_day_that_was_let_go_still_counts_among_all() -> None:
    values, _ = values_of([(3, None, 2)])
    values.forget(on(5))
    values.change(on(1), None, 9)
    assert (values.days, values.most(None, on(20)), values.reaches(on(2), on(20)), values.reaches(None, on(2))) == ([], 9, False, False)


@pytest.mark.parametrize("rows", [[[5, 1], [4, 1]], [[5]], [[5, "1"]], [[0, 1]], [5], [[5, 1.5]]])
def test_values_that_are_none_are_refused(rows: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Values.from_data({"values": rows}, None)


# -- how long a value stood ----------------------------------------------------------------------------------------------

readings = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), max_size=8, unique_by=lambda row: row[0])


@given(readings, st.none() | st.integers(-1, 21), st.integers(-1, 21), st.none() | st.integers(0, 15))
def test_spans_are_the_days_on_which_each_value_stood(read: list[tuple[int, int]], after: int | None, upto: int, gone: int | None) -> None:
    latest = Latest(None)
    for day, value in read:
        latest.put(on(day), "", value)
    if gone is not None:
        latest.forget(on(gone))
    start = on(after) if after is not None else None
    if not latest.reaches(start):
        return
    stood = [max((row for row in read if row[0] <= day), default=None) for day in range(after + 1 if after is not None else 0, upto + 1) if day >= 0]
    values = [row[1] for row in stood if row is not None]
    assert [value for value, days in latest.spans(start, on(upto)) for _ in range(days)] == values
