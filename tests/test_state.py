"""States: readings, the wire, and malformed JSON of every kind."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custrules.errors import StateError
from custrules.ledger import ISSUED, REVERSED, SPENT, Lot, LotPart, Move
from custrules.money import Money
from custrules.order_lines import OrderLine, OrderTender
from custrules.orders import Order, Record
from custrules.state import SCHEMA_VERSION, State
from custrules.state_parts import Level, LotLeft, StatusValue, TouchpointAsked, shown

DAY = date(2026, 3, 31)
NOON = datetime(2026, 3, 31, 4, tzinfo=UTC)


def lot(name: str, quantity: int, last: date | None, usable: date = DAY, unit: str = "points") -> Lot:
    return Lot(name, unit, f"event {name}", DAY, usable, last, quantity, "purchase")


SOON, LATER, GONE, NEVER = lot("l1", 100, date(2026, 4, 30)), lot("l2", 50, date(2026, 4, 30)), lot("l3", 7, date(2026, 3, 30)), lot("l4", 30, None)
PENDING, HELD = lot("l5", 11, None, date(2026, 4, 14)), lot("l6", 13, None)
RECORD = Record(DAY, {"level": "gold", "spend": 1000}, (Move(ISSUED, "points", 100, (LotPart(SOON, 100),)),))


def full() -> State:
    """A state in which everything that can be remembered is."""
    state = State.new("c-1")
    state.program, state.digest = "aurora", "abc"
    state.profile, state.consent, state.do_not_contact = {"birthday": "1990-05-20", "children": 2, "vip": True}, {"sms": "none"}, True
    state.joined, state.as_of, state.day = DAY, NOON, DAY
    state.ledger.open("points", "points", 0)
    state.ledger.open("card", "CNY", 2)
    for bucket, one in [("points", SOON), ("points", LATER), ("points", GONE), ("points", NEVER), ("points.pending", PENDING), ("points.held", HELD)]:
        state.ledger.fold(Move(ISSUED, bucket, one.granted, (LotPart(one, one.granted),)))
    state.ledger.fold(Move("points", SPENT, 40, (LotPart(SOON, 40),)))
    state.ledger.fold(Move("card.owed", REVERSED, 250))
    lines = (OrderLine("a", "coffee", Decimal(2), 1000, 400, 200, Decimal("0.4")), OrderLine(None, None, Decimal(1), 500, 0))
    tenders = (OrderTender("points", 200, Decimal(200)), OrderTender("coupon", 300, None, "c10"), OrderTender("card", 1000))
    records = {"earn": RECORD}
    state.orders["o1"] = Order("o1", "purchase", DAY, NOON, lines, tenders, 100, 1600, ("sum:spend",), records, {"l3": 1})
    state.orders["r1"] = Order("r1", "redemption", DAY, NOON, done=True)
    state.activity.open("sum:spend", latest=False, held_from=None)
    state.activity.open("latest:aum", latest=True, held_from=DAY)
    for day, quantity in [(DAY, 1000), (date(2026, 1, 1), 500), (date(2025, 1, 1), 1)]:
        state.activity.add("sum:spend", day, quantity)
    state.activity.forget("sum:spend", date(2025, 6, 1))
    state.activity.put("latest:aum", DAY, "2026-03-31T04:00:00Z", 5)
    state.statuses["tier", ""] = StatusValue("gold", DAY, date(2027, 3, 31), {"reason": "spend", "spend": 5})
    state.statuses["complaint", "k1"] = StatusValue(None, DAY)
    state.touchpoints["care:2026"] = TouchpointAsked("care", "2026", "birthday", "sms", DAY, date(2026, 4, 2))
    state.touchpoints["care:2025"] = TouchpointAsked("care", "2025", "birthday", "sms", date(2025, 5, 20), None, "sent")
    state.saw("o1", NOON)
    return state


def code_of(read: Callable[[], object]) -> str:
    with pytest.raises(StateError) as caught:
        read()
    [fault] = caught.value.diagnostics
    return fault.code


# -- on the wire ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [full, lambda: State.new("c-1")])
def test_a_state_is_read_back_from_its_json(make: Callable[[], State]) -> None:
    state = make()
    back = State.from_json(state.to_json())
    assert back == state
    assert back.to_json() == state.to_json()
    assert hash(back) == hash(state)


def test_everything_is_as_it_was() -> None:
    back = State.from_json(full().to_json())
    for name in ("profile", "consent", "do_not_contact", "joined", "orders", "statuses", "touchpoints", "as_of", "day", "program", "digest"):
        assert getattr(back, name) == getattr(full(), name), name
    assert back.points() == full().points()
    assert back.knows("o1")


def test_a_state_pickles() -> None:
    assert pickle.loads(pickle.dumps(full())) == full()


def test_json_does_not_depend_on_the_order_in_which_things_were_put() -> None:
    state, other = State.new("c-1"), State.new("c-1")
    state.profile, other.profile = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    for name, subject in [("tier", ""), ("complaint", "k1"), ("complaint", "k0")]:
        state.statuses[name, subject] = StatusValue("x", DAY)
    for name, subject in [("complaint", "k0"), ("tier", ""), ("complaint", "k1")]:
        other.statuses[name, subject] = StatusValue("x", DAY)
    assert state.to_json() == other.to_json()
    assert state == other


@pytest.mark.parametrize("other", [State.new("c-2"), "c-1", None])
def test_states_differ_where_their_json_does(other: object) -> None:
    assert State.new("c-1") != other


def test_a_newer_schema_is_refused() -> None:
    data = full().to_data() | {"schema_version": SCHEMA_VERSION + 1}
    assert code_of(lambda: State.from_json(json.dumps(data))) == "state.newer_schema"


@pytest.mark.parametrize("version", [None, "1", 0, -1, True, 1.0, [], {}])
def test_an_unknown_schema_is_refused(version: Any) -> None:
    data = full().to_data() | {"schema_version": version}
    assert code_of(lambda: State.from_json(json.dumps(data))) == "state.unreadable"


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "5", '"state"', "{}", b"\xff", "[" * 100_000, '{"a":1,"a":1}', '{"a":NaN}', None, 5])
def test_what_is_no_state_is_a_state_error(text: Any) -> None:
    with pytest.raises(StateError):
        State.from_json(text)


# -- malformed -----------------------------------------------------------------------------------------------------------

VALID = json.loads(full().to_json())
JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    7,
    10**18,
    1.5,
    "",
    "x",
    "2026-03-31",
    "9" * 30,
    "\x00",
    [],
    [[]],
    [None],
    ["a", "b"],
    {},
    {"a": 1},
    {"latest": [[1, 2]]},
]
JUNK += [[[[0, 0]]], {"rows": [0, 0]}, "0001-01-01T00:00:00+14:00"]


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(node, dict | list):
        for key, inner in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(inner, (*path, key))


def changed(path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    data = copy.deepcopy(VALID)
    parent = data
    for part in path[:-1]:
        parent = parent[part]
    change(parent, path[-1])
    return data


def replaced(path: tuple[Any, ...], value: Any) -> Any:
    return changed(path, lambda parent, key: parent.__setitem__(key, value)) if path else value


PLACES = [path for path in places(VALID) if path]


def use(state: State) -> None:
    """Everything that may be read of a state that was accepted."""
    assert State.from_json(state.to_json()) == state
    for name in state.ledger.accounts:
        state.balance(name)
        try:
            state.points(name)
        except StateError:
            assert any(f"{name}.{bucket}" not in state.ledger.accounts for bucket in ("pending", "held", "owed"))
    for order in state.orders.values():
        order.kept()
        for rule in ("reverse", "pro_rata"):
            order.tenders_back(rule)
            order.earning(rule)
            order.refunded(rule)
    for key in state.activity.tallies:
        tally, latest = state.activity.tally(key), state.activity.latest(key)
        if tally is not None:
            tally.between(None, DAY)
            tally.between(DAY, DAY)
            tally.first_after(DAY)
            tally.last_upto(DAY)
        if latest is not None:
            latest.upto(DAY)
            latest.first_after(DAY)
    for asked in state.touchpoints.values():
        asked.reads(DAY)
    state.tier()
    repr(state)


def read_or_refuse(data: Any) -> None:
    try:
        state = State.from_json(json.dumps(data))
    except StateError:
        return
    use(state)


@pytest.mark.parametrize("value", JUNK, ids=lambda value: repr(value)[:20])
def test_a_state_with_any_node_replaced_is_refused_or_can_be_used(value: Any) -> None:
    for path in PLACES:
        read_or_refuse(replaced(path, value))


def test_a_state_with_any_node_left_out_is_refused_or_can_be_used() -> None:
    for path in PLACES:
        read_or_refuse(changed(path, lambda parent, key: parent.__delitem__(key)))


def test_a_state_with_any_row_given_twice_is_refused_or_can_be_used() -> None:
    for path in PLACES:
        if isinstance(path[-1], int):
            read_or_refuse(changed(path, lambda parent, key: parent.insert(key, parent[key])))


@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(JUNK) | st.integers(-(10**19), 10**19) | st.text(max_size=12)), min_size=2, max_size=4
    )
)
def test_a_state_with_several_nodes_replaced_is_refused_or_can_be_used(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    data = copy.deepcopy(VALID)
    for path, value in changes:
        parent = data
        try:
            for part in path[:-1]:
                parent = parent[part]
            parent[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    read_or_refuse(data)


@given(st.binary(max_size=40), st.integers(0, len(full().to_json())), st.integers(0, 40))
def test_bytes_out_of_place_are_refused_or_can_be_used(noise: bytes, at: int, cut: int) -> None:
    text = full().to_json()
    try:
        state = State.from_json(text[:at] + noise + text[at + cut :])
    except StateError:
        return
    use(state)


REFUSED: list[tuple[tuple[Any, ...], Any]] = [
    (("program",), None),
    (("profile",), []),
    (("profile", "children"), [1]),
    (("consent", "sms"), None),
    (("joined",), "yesterday"),
    (("as_of",), "2026-03-31T04:00:00"),
    (("as_of",), None),
    (("day",), None),
    (("ledger", "accounts", "points", "scale"), 10**9),
    (("ledger", "accounts", "points", "unit"), None),
    (("ledger", "accounts", "points", "owed"), -1),
    (("ledger", "accounts", "points", "lots", 0, 8), 0),
    (("ledger", "accounts", "points", "lots", 0, 8), -5),
    (("ledger", "accounts", "points", "lots", 0, 3), "2026-02-30"),
    (("orders", "o1", "spread"), 10**6),
    (("orders", "o1", "lines", 0, 5), 1001),
    (("orders", "o1", "lines", 0, 2), "0"),
    (("orders", "o1", "records", "earn", "facts"), None),
    (("orders", "o1", "tenders", 0), ["card"]),
    (("orders", "o1", "tenders", 2, 1), 999),
    (("orders", "o1", "tenders", 2, 1), -1000),
    (("ledger", "accounts", "card.owed", "owed"), 10**18),
    (("activity", "sum:spend", "rows"), [0, 5]),
    (("activity", "sum:spend", "cut"), 10**8),
    (("statuses", 0, 0), 5),
    (("statuses", 0, 2, "since"), None),
    (("touchpoints", "care:2026", 6), None),
    (("touchpoints", "care:2026", 5), ""),
    (("seen", "o1"), "soon"),
]


@pytest.mark.parametrize(("path", "value"), REFUSED, ids=lambda part: repr(part)[:40])
def test_a_value_that_no_step_can_have_made_is_refused(path: tuple[Any, ...], value: Any) -> None:
    assert code_of(lambda: State.from_json(json.dumps(replaced(path, value)))) == "state.unreadable"


@pytest.mark.parametrize("customer", ["", " ", 5, None])
def test_a_state_is_of_a_customer(customer: Any) -> None:
    assert code_of(lambda: State.from_json(json.dumps(VALID | {"customer_id": customer}))) == "state.bad_customer"


def test_a_tally_of_more_digits_than_any_amount_is_read_back() -> None:
    state = full()
    state.activity.add("sum:spend", DAY, 10**25)
    assert State.from_json(state.to_json()) == state


@pytest.mark.parametrize("name", sorted(VALID))
def test_no_part_of_a_state_may_be_missing(name: str) -> None:
    assert code_of(lambda: State.from_json(json.dumps({key: value for key, value in VALID.items() if key != name}))).startswith("state.")


# -- readings ------------------------------------------------------------------------------------------------------------


def test_points_are_read_as_they_stand() -> None:
    points = full().points("points")
    # of l1 60 are left; l3 has expired and is in the account until it is swept
    assert (points.available, points.pending, points.held, points.owed) == (60 + 50 + 30, 11, 13, 0)
    assert points.expiring == ((date(2026, 3, 30), 7), (date(2026, 4, 30), 110))
    assert [(left.origin, left.quantity) for left in points.lots] == [("event l3", 7), ("event l1", 60), ("event l2", 50), ("event l4", 30)]
    assert points.lots[0] == LotLeft(7, "event l3", DAY, date(2026, 3, 30))


def test_a_balance_is_read_by_its_dotted_name_and_as_money_where_it_is_money() -> None:
    state = full()
    assert [state.balance(name) for name in ("points", "points.pending", "points.held", "points.owed")] == [147, 11, 13, 0]
    assert state.balance("card.owed") == Money("2.50", "CNY")
    assert state.points("card").owed == Money("2.50", "CNY")


@pytest.mark.parametrize(
    ("units", "unit", "scale", "value"), [(1250, "CNY", 2, Money("12.50", "CNY")), (125, "stars", 1, Decimal("12.5")), (125, "points", 0, 125)]
)
def test_units_are_shown_as_people_read_them(units: int, unit: str, scale: int, value: Any) -> None:
    found = shown(units, unit, scale)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("name", ["miles", "", "points.pending.x", "world.issued"])
def test_an_unknown_account_never_reads_as_zero(name: str) -> None:
    assert code_of(lambda: full().points(name)) == "state.unknown_account"
    assert code_of(lambda: full().balance(name)) == "state.unknown_account"


@pytest.mark.parametrize("name", ["points.pending", "points.held", "points.owed"])
def test_a_bucket_is_no_account(name: str) -> None:
    assert code_of(lambda: full().points(name)) == "state.unknown_account"


def test_a_state_before_its_first_step_has_no_accounts() -> None:
    assert code_of(lambda: State.new("c-1").points()) == "state.unknown_account"


def test_a_level_is_read_with_its_days() -> None:
    assert full().tier() == Level("gold", DAY, date(2027, 3, 31))
    assert State.new("c-1").tier() is None
    assert code_of(lambda: full().tier("rank")) == "state.unknown_status"


def test_a_status_is_read_by_name_and_subject() -> None:
    assert full().status("complaint", "k1") == StatusValue(None, DAY)
    assert full().status("tier").value == "gold"
    for name, subject in [("complaint", ""), ("complaint", "k2"), ("tiers", "")]:
        assert code_of(lambda name=name, subject=subject: full().status(name, subject)) == "state.unknown_status"  # type: ignore[misc]  # bound per round


@pytest.mark.parametrize(("day", "reads"), [(date(2026, 4, 2), "asked"), (date(2026, 4, 3), "expired")])
def test_a_contact_that_was_asked_for_expires_after_its_last_day(day: date, reads: str) -> None:
    assert full().touchpoints["care:2026"].reads(day) == reads
    assert full().touchpoints["care:2025"].reads(day) == "sent"


@pytest.mark.parametrize("customer", ["", "  ", None, 5])
def test_a_customer_has_a_name(customer: Any) -> None:
    assert code_of(lambda: State.new(customer)) == "state.bad_customer"


def test_a_state_shows_whose_it_is() -> None:
    assert repr(full()) == "<State of 'c-1' in 'aurora', 2026-03-31T04:00:00Z>"
    assert "no program" in repr(State.new("c-1"))


# -- copies --------------------------------------------------------------------------------------------------------------


def test_a_fork_changes_alone() -> None:
    state = full()
    before = state.to_json()
    fork = state.fork()
    assert fork == state
    fork.ledger.fold(Move("points", SPENT, 60, (LotPart(SOON, 60),)))
    fork.activity.add("sum:spend", DAY, 5)
    fork.change_order(fork.orders["o1"], done=True)
    fork.statuses["tier", ""] = StatusValue("silver", DAY)
    fork.touchpoints.clear()
    fork.saw("o2", NOON)
    assert state.to_json() == before != fork.to_json()


def test_ids_are_known_from_what_was_seen_and_from_orders() -> None:
    state = full()
    assert [state.knows(name) for name in ("o1", "r1", "o2")] == [True, True, False]
    state.saw("o2", NOON)
    state.forget_seen(NOON)
    assert state.knows("o2")
    state.forget_seen(datetime(2026, 4, 1, tzinfo=UTC))
    assert [state.knows(name) for name in ("o1", "o2")] == [True, False]


def test_statuses_stand_in_the_order_in_which_they_are_stored() -> None:
    state = State.new("c-1")
    for name, subject in (("tier", ""), ("survey", "b"), ("survey", "a"), ("churn", ""), ("survey", "b")):
        state.put_status((name, subject), StatusValue("x", date(2026, 3, 1), None))
    assert list(state.statuses) == [("churn", ""), ("survey", "a"), ("survey", "b"), ("tier", "")]
