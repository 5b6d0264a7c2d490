"""What the benchmarks hold against one another is the same work."""

from __future__ import annotations

from benchmarks import flatness, state_size, w4


def test_the_contestants_of_w4_come_to_the_same_balances() -> None:
    histories = [w4.history(seed) for seed in range(20)]
    w4.check(histories, [list(w4.events_of(number, happenings)) for number, happenings in enumerate(histories)])


def test_w4_earns_redeems_refuses_and_takes_back() -> None:
    histories = [w4.history(seed) for seed in range(20)]
    assert {happening.kind for happenings in histories for happening in happenings} == {w4.EARN, w4.REDEEM, w4.RETURN}
    assert any(balance.refused for balance in w4.by_integers(histories))


def test_state_a_is_small() -> None:
    assert len(state_size.state_a(days=400).to_json()) <= 24 * 1024


def test_two_years_leave_no_more_in_a_state_than_one() -> None:
    sizes = [len(flatness.lived(years).to_json()) for years in (1, 2)]
    assert sizes[1] <= sizes[0] + 64
