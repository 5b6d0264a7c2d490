"""Lots, moves and drafts: every check of the fold, the order of debits, debt, conservation, and what becomes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custrules.draft import Debit, Draft, GivenBack, Reversal
from custrules.ledger import (
    EXPIRED,
    ISSUED,
    MAX_UNITS,
    REVERSED,
    SPENT,
    WORLD,
    Account,
    Ledger,
    LedgerFault,
    Lot,
    LotPart,
    Move,
    escaped,
    text,
    whole,
)

DAY = date(2026, 1, 1)
BUCKETS = ("points", "points.pending", "points.held", "points.owed")


def later(days: int) -> date:
    return DAY + timedelta(days=days)


def lot(name: str, quantity: int = 100, last: int | None = None, day: int = 0, unit: str = "points", usable: int = 0) -> Lot:
    return Lot(name, unit, f"event {name}", later(day), later(usable), later(last) if last is not None else None, quantity, "purchase")


def ledger_with(*lots: Lot, bucket: str = "points", owed: int = 0) -> Ledger:
    ledger = Ledger()
    ledger.open("points", "points", 0)
    for one in lots:
        ledger.fold(Move(ISSUED, bucket, one.granted, (LotPart(one, one.granted),)))
    if owed:
        ledger.fold(Move("points.owed", SPENT, owed))
    return ledger


def draft_on(ledger: Ledger, settled: int = 0, event: str = "e1") -> Draft:
    return Draft(ledger, later(settled), later(settled), event, "earn")


def held(ledger: Ledger, account: str = "points") -> dict[str, int]:
    return {part.lot.id: part.quantity for part in ledger.accounts[account]}


def whole_of(*lots: Lot) -> tuple[LotPart, ...]:
    return tuple(LotPart(one, one.granted) for one in lots)


# -- every check of the fold can fail ------------------------------------------------------------------------------------

A, B, C = lot("a"), lot("b"), lot("c")
OF_EUROS = lot("euros", unit="EUR")


@pytest.mark.parametrize(
    ("move", "says"),
    [
        (Move("points", "card", 100, whole_of(A)), "there is no account card"),
        (Move("points", SPENT, 0), "more than nothing"),
        (Move("points", SPENT, -100, (LotPart(A, -100),)), "more than nothing"),
        (Move("points", "gifts", 100, whole_of(A)), "one unit"),
        (Move("points", SPENT, 100, whole_of(OF_EUROS)), "one unit"),
        (Move("points", SPENT, 100), "the lots sum to 0"),
        (Move("points", SPENT, 100, (LotPart(A, 99),)), "the lots sum to 99"),
        (Move("points.owed", "points", 5), "the lots sum to 0"),
        (Move("points.owed", SPENT, 5, (LotPart(A, 4),)), "the lots sum to 4"),
        (Move("points", SPENT, 50, (LotPart(A, 60), LotPart(B, -10))), "without taking any of it"),
        (Move(ISSUED, "points", MAX_UNITS, (LotPart(A, MAX_UNITS),)), f"less than {MAX_UNITS} smallest units of a lot"),
        (Move(ISSUED, "points", 60, (LotPart(A, 60), LotPart(lot("stranger"), 0))), "without taking any of it"),
        (Move("points", SPENT, 101, (LotPart(A, 101),)), "lot a has 100 left, 101 were taken"),
        (Move("points", SPENT, 100, whole_of(lot("stranger"))), "lot stranger has 0 left"),
        (Move("points.pending", SPENT, 100, whole_of(A)), "lot a has 0 left"),
        (Move(ISSUED, "points.owed", 11), "settled by more than is owed"),
        (Move(ISSUED, "points.owed", True), "a whole number of smallest units, not bool"),
        (Move("points.owed", SPENT, 1.0), "a whole number of smallest units, not float"),  # type: ignore[arg-type]  # that is the fault
    ],
)
def test_a_move_that_cannot_be_made_says_why(move: Move, says: str) -> None:
    ledger = ledger_with(A, B, owed=10)
    ledger.open("gifts", "gifts", 0)
    with pytest.raises(LedgerFault, match=says):
        ledger.fold(move)


def test_a_move_takes_from_one_account_and_puts_into_another() -> None:
    ledger = ledger_with(A, B)
    ledger.fold(Move("points", "points.held", 130, (LotPart(A, 100), LotPart(B, 30))))
    assert held(ledger) == {"b": 70}
    assert held(ledger, "points.held") == {"a": 100, "b": 30}


def test_a_debt_rises_by_what_leaves_it_and_falls_by_what_enters() -> None:
    ledger = ledger_with(owed=30)
    assert ledger.accounts["points.owed"].owed == 30
    ledger.fold(Move(ISSUED, "points.owed", 20))
    assert ledger.accounts["points.owed"].owed == 10


def test_the_smallest_debt_is_one_unit() -> None:
    assert ledger_with(owed=1).accounts["points.owed"].owed == 1


def test_a_fork_changes_alone() -> None:
    ledger = ledger_with(A)
    fork = ledger.fork()
    fork.fold(Move("points", SPENT, 40, (LotPart(A, 40),)))
    assert (held(ledger), held(fork)) == ({"a": 100}, {"a": 60})
    ledger.fold(Move(ISSUED, "points", 100, whole_of(B)))
    assert held(fork) == {"a": 60}


# -- reading -------------------------------------------------------------------------------------------------------------


def test_an_expired_lot_is_unusable_though_it_was_not_swept() -> None:
    ledger = ledger_with(lot("a", 100, last=10), lot("b", 7), lot("c", 1, usable=11))
    assert [ledger.usable("points", later(day)) for day in (0, 10, 11)] == [107, 107, 8]
    assert ledger.accounts["points"].total == 108


def test_points_also_names_the_first_points_account() -> None:
    ledger = Ledger()
    ledger.open("miles", "miles", 0)
    ledger.open("stars", "stars", 0)
    assert [ledger.resolve(name) for name in ("points", "points.held", "miles", "stars.owed", "other")] == [
        "miles",
        "miles.held",
        "miles",
        "stars.owed",
        "other",
    ]


def test_an_account_called_points_is_itself() -> None:
    ledger = Ledger()
    ledger.open("points", "points", 0)
    assert ledger.resolve("points.pending") == "points.pending"


# -- credit --------------------------------------------------------------------------------------------------------------


def test_a_credit_becomes_a_lot() -> None:
    draft = draft_on(ledger_with())
    draft.credit("points", 50, last_day=later(30), source="purchase")
    [move] = draft.moves
    assert (move.source, move.target, move.quantity) == (ISSUED, "points", 50)
    assert move.parts == (LotPart(Lot("e1/earn/0", "points", "e1", DAY, DAY, later(30), 50, "purchase"), 50),)


@pytest.mark.parametrize(("owed", "settled", "kept"), [(20, 20, 30), (50, 50, 0), (80, 50, 0), (0, 0, 50)])
def test_a_credit_settles_debt_first(owed: int, settled: int, kept: int) -> None:
    draft = draft_on(ledger_with(owed=owed))
    draft.credit("points", 50, last_day=None)
    assert (draft.owed("points"), draft.usable("points")) == (owed - settled, kept)
    assert [(move.target, move.quantity) for move in draft.moves] == [
        (target, quantity) for target, quantity in (("points.owed", settled), ("points", kept)) if quantity
    ]


def test_what_is_usable_only_later_is_pending_whole_and_settles_debt_when_it_matures() -> None:
    draft = draft_on(ledger_with(owed=20))
    draft.credit("points", 50, last_day=None, usable_from=later(14))
    assert (held(draft.ledger, "points.pending"), draft.owed("points")) == ({"e1/earn/0": 50}, 20)
    early = draft_on(draft.ledger, settled=13)
    assert (early.mature("points"), early.moves) == (0, [])
    ripe = draft_on(draft.ledger, settled=14)
    assert ripe.mature("points") == 50
    assert (ripe.owed("points"), ripe.usable("points"), held(ripe.ledger, "points.pending")) == (0, 30, {})


def test_a_credit_that_came_late_is_usable_when_its_day_has_been_settled() -> None:
    draft = Draft(ledger_with(), DAY, later(20), "e1", "earn")
    draft.credit("points", 50, last_day=None, usable_from=later(14))
    assert draft.usable("points") == 50


def test_a_credit_that_came_too_late_to_be_of_use_settles_nothing() -> None:
    draft = Draft(ledger_with(owed=10), DAY, later(20), "e1", "earn")
    draft.credit("points", 100, last_day=later(19))
    assert (held(draft.ledger), draft.owed("points"), draft.usable("points")) == ({"e1/earn/0": 100}, 10, 0)
    assert [(move.source, move.target, move.quantity) for move in draft.moves] == [(ISSUED, "points", 100)]


def test_a_credit_is_a_gift_where_nothing_else_is_said() -> None:
    draft = draft_on(ledger_with())
    draft.credit("points", 100, last_day=None)
    assert [part.lot.source for part in draft.ledger.accounts["points"]] == ["gratis"]


def test_a_credit_of_nothing_is_no_move() -> None:
    draft = draft_on(ledger_with())
    draft.credit("points", 0, last_day=None)
    assert draft.moves == []


def test_lots_of_one_decision_have_names_of_their_own() -> None:
    draft = draft_on(ledger_with(owed=10), event="a/b")
    for _ in range(3):
        draft.credit("points", 50, last_day=None)
    assert len(held(draft.ledger)) == 3
    assert {name.rpartition("/")[0] for name in held(draft.ledger)} == {"a%2Fb/earn"}


def test_a_slash_inside_a_name_is_escaped_so_that_no_two_names_meet() -> None:
    assert escaped("a/b") != escaped("a%2Fb")
    assert "/" not in escaped("a/b%/")


# -- debit ---------------------------------------------------------------------------------------------------------------

ORDERED = [lot("k", last=5, day=3), lot("b", last=9, day=1), lot("x", last=9, day=2), lot("y", last=9, day=2), lot("a", day=0), lot("c", day=1)]


@pytest.mark.parametrize("order", [ORDERED, ORDERED[::-1], ORDERED[3:] + ORDERED[:3]])
def test_the_soonest_to_expire_goes_first_then_the_oldest_then_by_id_and_what_never_expires_last(order: Sequence[Lot]) -> None:
    draft = draft_on(ledger_with(*order))
    draft.debit("points", 600, to=SPENT)
    assert [part.lot.id for part in draft.moves[0].parts] == ["k", "b", "x", "y", "a", "c"]


def test_preferred_lots_go_before_all_others() -> None:
    draft = draft_on(ledger_with(*ORDERED))
    assert draft.debit("points", 250, to=REVERSED, prefer=[ORDERED[5], ORDERED[3]]) == Debit(250, 0, 0)
    assert [(part.lot.id, part.quantity) for move in draft.moves for part in move.parts] == [("c", 100), ("y", 100), ("k", 50)]


def test_preferred_lots_are_taken_while_they_are_pending_too() -> None:
    pending = lot("p", usable=14)
    draft = draft_on(ledger_with(pending, bucket="points.pending"))
    assert draft.debit("points", 30, to=REVERSED, prefer=[pending]) == Debit(30, 0, 0)
    assert draft.moves == [Move("points.pending", REVERSED, 30, (LotPart(pending, 30),))]


def test_pending_lots_that_are_not_preferred_are_not_taken() -> None:
    draft = draft_on(ledger_with(lot("p", usable=14), bucket="points.pending"))
    assert draft.debit("points", 30, to=SPENT) == Debit(0, 0, 30)


def test_a_debit_takes_no_expired_lot_though_it_was_not_swept() -> None:
    draft = draft_on(ledger_with(lot("a", last=5), lot("b", 10)), settled=6)
    assert draft.debit("points", 30, to=SPENT) == Debit(10, 0, 20)


@pytest.mark.parametrize(("debt", "answer"), [(False, Debit(100, 0, 20)), (True, Debit(100, 20, 0))])
def test_what_is_not_there_is_missing_or_owed(debt: bool, answer: Debit) -> None:
    draft = draft_on(ledger_with(A))
    assert draft.debit("points", 120, to=REVERSED, debt=debt) == answer
    assert draft.owed("points") == answer.owed


def test_a_debit_takes_part_of_a_lot() -> None:
    draft = draft_on(ledger_with(A))
    assert draft.debit("points", 30, to=SPENT, debt=True) == Debit(30, 0, 0)
    assert held(draft.ledger) == {"a": 70}


def test_debt_is_settled_out_of_the_first_lots_and_all_others_are_kept() -> None:
    ledger = ledger_with(lot("a", 60), lot("b", 40), lot("c", 30), bucket="points.held", owed=70)
    draft = draft_on(ledger)
    draft.settle("points.held", "points", list(ledger.accounts["points.held"]))
    assert (held(draft.ledger), draft.owed("points")) == ({"b": 30, "c": 30}, 0)


def test_a_draft_knows_its_own_moves_on_its_own_ledger() -> None:
    ledger = ledger_with(A)
    draft = draft_on(ledger)
    draft.debit("points", 60, to=SPENT)
    [move] = draft.moves
    assert draft.made([move], ledger)
    assert not draft.made([move], ledger_with(A))
    for others in ([], [move, move], [Move(*move)]):
        assert not draft.made(others, ledger)


def test_the_ledger_itself_is_not_changed_by_a_draft() -> None:
    ledger = ledger_with(A)
    draft_on(ledger).debit("points", 30, to=SPENT)
    assert held(ledger) == {"a": 100}


def test_lots_lapse_on_the_day_after_their_last() -> None:
    ledger = ledger_with(lot("a", 40, last=5), lot("b", 60, last=6), lot("c", 1))
    assert draft_on(ledger, settled=5).expire("points") == 0
    draft = draft_on(ledger, settled=6)
    assert draft.expire("points") == 40
    assert [(move.target, move.quantity) for move in draft.moves] == [(EXPIRED, 40)]
    assert held(draft.ledger) == {"b": 60, "c": 1}


# -- reversals -----------------------------------------------------------------------------------------------------------


def test_a_reversal_takes_its_own_lots_then_forgives_what_expired_of_them_then_takes_others_then_owes() -> None:
    own, other = lot("own", 40, last=20), lot("other", 30)
    draft = draft_on(ledger_with(own, other))
    # 100 are reversed: 40 of the own lot, 15 that had expired of it, 30 of the other, and 15 are owed
    assert draft.take_back("points", 100, [own], {"own": 15}) == Reversal(taken=70, forgiven=15, owed=15)
    assert (draft.usable("points"), draft.owed("points")) == (0, 15)
    assert [(move.source, move.target, move.quantity) for move in draft.moves] == [
        ("points", REVERSED, 40),
        (EXPIRED, REVERSED, 15),
        ("points", REVERSED, 30),
        ("points.owed", REVERSED, 15),
    ]


def test_no_more_is_forgiven_than_is_still_to_be_reversed() -> None:
    own = lot("own", 40, last=20)
    assert draft_on(ledger_with(own)).take_back("points", 45, [own], {"own": 100}) == Reversal(taken=40, forgiven=5, owed=0)
    assert draft_on(ledger_with(own)).take_back("points", 30, [own], {"own": 100}) == Reversal(taken=30, forgiven=0, owed=0)


def test_what_is_forgiven_is_told_by_lot_and_is_no_more_than_is_to_be_reversed() -> None:
    first, second, third = lot("a", 40, last=1), lot("b", 40, last=2), lot("c", 40, last=3)
    draft = draft_on(ledger_with(), settled=9)
    assert draft.take_back("points", 50, [first, second, third], {"a": 10, "b": 25, "c": 40}) == Reversal(taken=0, forgiven=50, owed=0)
    assert draft.moves == [Move(EXPIRED, REVERSED, quantity, (LotPart(one, quantity),)) for one, quantity in ((first, 10), (second, 25), (third, 15))]


def test_what_expired_before_it_is_given_back_is_told_by_lot() -> None:
    dead = LotPart(lot("dead", 20, last=4), 15)
    draft = draft_on(ledger_with(), settled=5)
    draft.give_back("points", [dead])
    assert draft.moves == [Move(SPENT, EXPIRED, 15, (dead,))]


def test_what_is_given_back_has_its_own_expiry_again_and_settles_debt() -> None:
    alive, dead = lot("alive", 50, last=9), lot("dead", 20, last=4)
    draft = draft_on(ledger_with(owed=10), settled=5)
    assert draft.give_back("points", [LotPart(alive, 50), LotPart(dead, 20)]) == GivenBack((LotPart(dead, 20),), 0)
    assert (held(draft.ledger), draft.owed("points")) == ({"alive": 40}, 0)
    assert [(move.source, move.target, move.quantity) for move in draft.moves] == [
        (SPENT, EXPIRED, 20),
        (SPENT, "points.owed", 10),
        (SPENT, "points", 40),
    ]


# -- random sequences ----------------------------------------------------------------------------------------------------

acts = st.lists(
    st.tuples(
        st.sampled_from(["credit", "later", "debit", "owe", "hold", "free", "time"]),
        st.integers(1, 50),
        st.none() | st.integers(0, 12),
    ),
    max_size=30,
)


def act(draft: Draft, kind: str, quantity: int, number: int | None, settled: int) -> None:
    last = later(settled + number) if number is not None else None
    if kind == "credit":
        draft.credit("points", quantity, last_day=last)
    elif kind == "later":
        draft.credit("points", quantity, last_day=None, usable_from=later(settled + 1 + (number or 0)))
    elif kind in ("debit", "owe"):
        draft.debit("points", quantity, to=SPENT, debt=kind == "owe")
    elif kind == "hold":
        draft.debit("points", quantity, to="points.held")
    elif kind == "free":
        draft.settle("points.held", "points", list(draft.ledger.accounts["points.held"]))
    else:
        draft.expire("points.held")
        draft.expire("points")
        draft.mature("points")


@given(acts)
def test_opening_plus_in_less_out_is_closing_and_no_usable_lots_stand_beside_debt(steps: list[tuple[str, int, int | None]]) -> None:
    ledger, settled = ledger_with(), 0
    flow: Counter[str] = Counter()
    for index, (kind, quantity, number) in enumerate(steps):
        settled += (number or 1) if kind == "time" else 0
        draft = draft_on(ledger, settled, event=f"e{index}")
        act(draft, kind, quantity, number, settled)
        for move in draft.moves:
            flow[move.source] -= move.quantity
            flow[move.target] += move.quantity
            ledger.fold(move)
        assert ledger.to_data() == draft.ledger.to_data()
        assert not (ledger.usable("points", later(settled)) and ledger.accounts["points.owed"].owed)
    for name in BUCKETS[:3]:
        assert ledger.accounts[name].total == flow[name] >= 0
        assert all(part.quantity > 0 for part in ledger.accounts[name])
    assert ledger.accounts["points.owed"].owed == -flow["points.owed"]
    assert sum(flow.values()) == 0
    assert {name for name in flow if not name.startswith(WORLD)} <= set(BUCKETS)


@given(acts)
def test_a_ledger_is_read_back_from_its_rows(steps: list[tuple[str, int, int | None]]) -> None:
    draft = draft_on(ledger_with())
    for kind, quantity, number in steps:
        act(draft, kind, quantity, number, 0)
    data = draft.ledger.to_data()
    assert Ledger.from_data(data).to_data() == data


def read_back(*parts: LotPart, scale: int = 0, owed: int = 0) -> Ledger:
    """A ledger out of rows in the order given."""
    account = {"unit": "points", "scale": scale, "owed": owed, "lots": [part.to_row() for part in parts]}
    return Ledger.from_data({"first": {"points": "points"}, "accounts": {"points": account}})


@pytest.mark.parametrize("order", [(A, B, C), (C, A, B), (B, A, C)])
def test_rows_are_read_in_any_order(order: Sequence[Lot]) -> None:
    ledger = read_back(*whole_of(*order))
    assert list(held(ledger)) == ["a", "b", "c"]
    assert ledger.usable("points", DAY) == 300


def test_rows_of_one_lot_are_read_as_their_sum() -> None:
    assert held(read_back(LotPart(A, 60), LotPart(A, 40), LotPart(B, 5))) == {"a": 100, "b": 5}


def test_a_ledger_that_was_read_back_waits_for_lots_to_become_usable() -> None:
    ledger = read_back(*whole_of(A, lot("b", usable=3)))
    assert [ledger.usable("points", later(days)) for days in (0, 2, 3)] == [100, 100, 200]


def test_lots_that_were_read_back_become_one() -> None:
    ledger = read_back(*whole_of(A, B))
    ledger.merge(lambda origin: True, DAY)
    assert held(ledger) == {"a": 200}


def test_a_ledger_that_was_read_back_is_changed_in_place_and_its_fork_alone() -> None:
    ledger = read_back(*whole_of(A))
    account = ledger.accounts["points"]
    assert ledger.own("points") is account
    fork = ledger.fork()
    assert fork.own("points") is not account
    assert fork.own("points") is fork.own("points")


def test_numbers_of_a_ledger_that_was_read_are_within_their_bounds() -> None:
    most = MAX_UNITS - 1
    lots = [LotPart(lot(name, most), most) for name in "abcdefghij"]
    assert read_back(*lots).usable("points", DAY) == 10 * most
    assert read_back(scale=18, owed=10**18 - 1).accounts["points"].owed == 10**18 - 1


@pytest.mark.parametrize(
    ("parts", "numbers"),
    [
        ([LotPart(A, MAX_UNITS)], {}),
        ([LotPart(lot(name), MAX_UNITS - 1) for name in "abcdefghij"] + [LotPart(lot("k"), 10)], {}),
        ([], {"owed": 10**18}),
        ([], {"owed": -1}),
        ([], {"scale": 19}),
        ([], {"scale": -1}),
    ],
)
def test_numbers_of_a_ledger_beyond_their_bounds_are_refused(parts: list[LotPart], numbers: dict[str, int]) -> None:
    with pytest.raises((ValueError, LedgerFault)):
        read_back(*parts, **numbers)


# -- what becomes one ----------------------------------------------------------------------------------------------------


def merged(*lots: Lot, open_origins: frozenset[str] = frozenset()) -> dict[str, int]:
    ledger = ledger_with(*lots)
    ledger.merge(lambda origin: origin not in open_origins, later(0))
    return held(ledger)


def test_lots_that_nothing_can_tell_apart_become_one() -> None:
    ledger = ledger_with(lot("a", 10, last=9), lot("b", 20, last=9), lot("c", 30, last=9, day=1))
    ledger.merge(lambda origin: True, later(0))
    [part] = ledger.accounts["points"]
    assert (part.lot.id, part.quantity, part.lot.granted) == ("a", 60, 60)


@pytest.mark.parametrize(
    "other",
    [
        lot("b", last=8),
        lot("b"),
        lot("b", last=9, usable=1),
        lot("b", last=9)._replace(source="gratis"),
    ],
)
def test_lots_that_a_rule_can_tell_apart_stay_apart(other: Lot) -> None:
    assert merged(lot("a", last=9), other) == {"a": 100, "b": 100}


def test_lots_become_one_once_both_are_usable() -> None:
    ledger = ledger_with(lot("a", last=9), lot("b", last=9, usable=1))
    for day, lots in ((0, 2), (1, 1)):
        ledger.merge(lambda origin: True, later(day))
        assert len(list(ledger.accounts["points"])) == lots


def test_lots_become_one_when_what_stood_between_them_has_gone() -> None:
    between = lot("b", last=9)._replace(source="gratis")
    ledger = ledger_with(lot("a", last=9), between, lot("c", last=9))
    ledger.merge(lambda origin: True, later(0))
    ledger.fold(Move("points", SPENT, 100, (LotPart(between, 100),)))
    ledger.merge(lambda origin: True, later(0))
    assert [(part.lot.id, part.quantity) for part in ledger.accounts["points"]] == [("a", 200)]


def test_lots_become_one_when_their_order_closes() -> None:
    lots = [lot("a", last=9), lot("b", last=9)]
    ledger = ledger_with(*lots)
    ledger.merge(lambda origin: origin != "event b", later(0))
    assert len(list(ledger.accounts["points"])) == 2
    ledger.merge(lambda origin: True, later(0), lots[1:])
    assert [(part.lot.id, part.quantity) for part in ledger.accounts["points"]] == [("a", 200)]


def test_a_lot_becomes_one_with_all_that_are_like_it_on_both_sides() -> None:
    lots = [lot(name) for name in "abcde"]
    ledger = ledger_with(*lots)
    ledger.merge(lambda origin: False, later(0))
    ledger.merge(lambda origin: True, later(0), lots[2:3])
    assert held(ledger) == {"a": 500}


def test_lots_that_an_order_may_still_undo_stay_apart() -> None:
    lots = [lot("a"), lot("b"), lot("c")]
    assert merged(*lots, open_origins=frozenset({"event b"})) == {"a": 100, "b": 100, "c": 100}
    assert merged(*lots, open_origins=frozenset({"event a"})) == {"a": 100, "b": 200}


@given(st.lists(st.tuples(st.integers(1, 50), st.sampled_from([None, 5, 9]), st.integers(0, 2), st.booleans()), max_size=12), st.integers(0, 200))
def test_becoming_one_changes_no_balance_and_no_debit(rows: list[tuple[int, int | None, int, bool]], wanted: int) -> None:
    lots = [lot(f"l{index}", quantity, last, day) for index, (quantity, last, day, _) in enumerate(rows)]
    still_open = {one.origin for one, (_, _, _, is_open) in zip(lots, rows, strict=True) if is_open}
    plain, joined = ledger_with(*lots), ledger_with(*lots)
    joined.merge(lambda origin: origin not in still_open, later(0))
    for settled in (0, 6, 10):
        assert joined.usable("points", later(settled)) == plain.usable("points", later(settled))
        answers = [draft_on(ledger, settled).debit("points", wanted, to=SPENT) for ledger in (plain, joined)]
        assert answers[0] == answers[1]
    assert {part.lot for part in plain.accounts["points"] if part.lot.origin in still_open} <= {part.lot for part in joined.accounts["points"]}


# -- rows ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [A, lot("b", last=9), OF_EUROS])
def test_a_lot_and_a_move_are_read_back_from_their_rows(one: Lot) -> None:
    assert Lot.from_row(one.to_row()) == one
    move = Move("points", SPENT, 5, (LotPart(one, 5),))
    assert Move.from_row(move.to_row()) == move


@pytest.mark.parametrize(("place", "value"), [(0, 5), (1, None), (2, 5), (6, "100"), (6, True), (7, None)])
def test_a_row_of_a_lot_holds_text_and_what_was_granted(place: int, value: Any) -> None:
    row = A.to_row()
    row[place] = value
    with pytest.raises(TypeError, match="a lot's id, unit, origin and source are text, what was granted is a whole number"):
        Lot.from_row(row)


@pytest.mark.parametrize(("value", "found"), [(1.0, "float"), ("1", "str"), (True, "bool"), (None, "NoneType"), ([], "list")])
def test_a_row_holds_whole_numbers(value: Any, found: str) -> None:
    with pytest.raises(TypeError, match=f"expected a whole number, found {found}"):
        whole(value)


@pytest.mark.parametrize(("value", "found"), [(1, "int"), (None, "NoneType"), ([], "list"), (b"a", "bytes")])
def test_a_row_holds_text(value: Any, found: str) -> None:
    with pytest.raises(TypeError, match=f"expected text, found {found}"):
        text(value)


@pytest.mark.parametrize("change", [{"scale": -1}, {"scale": 10**9}, {"owed": -1}, {"lots": [[*A.to_row(), 0]]}])
def test_a_ledger_refuses_rows_that_no_move_can_make(change: dict[str, Any]) -> None:
    data = ledger_with(A).to_data()
    data["accounts"]["points"] |= change
    with pytest.raises(ValueError, match="account points"):
        Ledger.from_data(data)


def test_an_account_tells_what_remains_of_a_lot() -> None:
    account = Account("points", 0, None)
    account.change(A, 5)
    assert (account.remaining(A), account.remaining(B), account.total) == (5, 0, 5)
