"""Orders that stay sealed in a state that was read: nobody can tell, and nothing is let in that would be refused otherwise."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

import custrules as cr
from custrules import sealing
from custrules.sealing import split

START = datetime(2026, 1, 30, 2, tzinfo=UTC)
PROGRAM = cr.Program(
    id="sealed",
    zone="Asia/Shanghai",
    currency="CNY",
    returns={"window": "30 days"},
    profile={"segment": {"type": "text"}},
    measures={"spend": {"sum": "spend", "window": "30 days"}},
    policies=[
        {"id": "points", "kind": "points.account", "expiry": "12 months"},
        {"id": "earn", "kind": "points.accrual", "points_per_unit": 1, "when": {"all": [{"spend": ">= 0"}, {"segment": "not(vip)"}]}},
        {"id": "extra", "kind": "points.accrual", "points": 5},
        {"id": "pay", "kind": "points.redemption", "value": {"points": 1, "money": "0.01"}},
    ],
)


def bought(number: int, **fields: object) -> cr.Event:
    at = START + timedelta(number)
    return PROGRAM.event({"type": "purchase", "id": f"o{number}", "customer_id": "c", "occurred_at": at, "amount": "10.50", **fields})


def lived(*events: cr.Event) -> cr.State:
    state = cr.State.new("c")
    for event in events:
        step = PROGRAM.step(state, event)
        assert step.accepted
        state = step.state
    return state


def text_of(*events: cr.Event) -> str:
    return lived(*events).to_json().decode()


TEXT = text_of(bought(1), bought(2), bought(3))


def read(text: str) -> bytes | str:
    """What reading a text comes to: its canonical form, or the codes of its faults; every order is opened."""
    try:
        state = cr.State.from_json(text)
    except cr.StateError as error:
        return ", ".join(fault.code for fault in error.diagnostics)
    assert json.dumps(state.to_data()["orders"], sort_keys=True) == json.dumps(json.loads(state.to_json())["orders"], sort_keys=True)
    return state.to_json()


def read_unsealed(text: str, monkeypatch: pytest.MonkeyPatch) -> bytes | str:
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "split", lambda text: None)
        return read(text)


def test_orders_of_which_nothing_came_back_are_sealed() -> None:
    found = split(TEXT)
    assert found is not None
    assert list(found.sealed) == ["o1", "o2", "o3"]


def test_a_state_with_sealed_orders_is_the_state_that_was_written() -> None:
    state = cr.State.from_json(TEXT)
    assert state.to_json() == TEXT.encode()
    assert state.orders == lived(bought(1), bought(2), bought(3)).orders


def test_a_return_opens_the_one_order_that_it_names() -> None:
    back = PROGRAM.event({"type": "return", "id": "r", "customer_id": "c", "occurred_at": START + timedelta(4), "of": "o2"})
    sealed, plain = PROGRAM.step(cr.State.from_json(TEXT), back), PROGRAM.step(lived(bought(1), bought(2), bought(3)), back)
    assert sealed.accepted
    assert sealed.to_json() == plain.to_json()


def test_a_known_order_is_a_duplicate_though_it_is_sealed() -> None:
    assert PROGRAM.step(cr.State.from_json(TEXT), bought(1)).verdict == "duplicate"


def test_orders_that_cannot_be_sealed_stand_beside_those_that_can() -> None:
    tenders = [{"type": "cash", "amount": "5.00"}, {"type": "card", "amount": "5.50"}]
    text = text_of(bought(1), bought(2, tenders=tenders), bought(3))
    found = split(text)
    assert found is not None
    assert list(found.sealed) == ["o1"]
    assert list(cr.State.from_json(text).orders) == ["o1", "o2", "o3"]
    assert cr.State.from_json(text).to_json() == text.encode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"o2":{"day"', '"o1":{"day"'),  # an id twice
        ('{"segment":null,"spend":', '{"spend":null,"spend":'),  # a fact twice
        ('{"segment":null,"spend":', '{"zzz":null,"spend":'),  # facts out of order
        ('"records":{"earn":', '"records":{"extra":'),  # a policy twice
        ('"records":{"earn":', '"records":{"pay":'),  # policies out of order
        ('"day":"2026-01-31"', '"day":"2026-02-30"'),
        ('"day":"2026-01-31"', '"day":"20260131"'),
        ('1050,0,0,"0"]', '1050,0,1051,"0"]'),
        ('1050,0,0,"0"]', '1050,0,0,"0.0"]'),
        ('"1",1050', '"0",1050'),
        ('"1",1050', '"01",1050'),
        ('"1",1050', "1,1050"),
        ('"1",1050', '"1",-0'),
        ('"1",1050', '"1",1050.0'),
        ("T02:00:00Z", "T24:00:00Z"),
        ("T02:00:00Z", "T10:00:00+08:00"),
        ('"type":"purchase"}', '"type":"purchase","type":"purchase"}'),
        ('"type":"purchase"}', '"type":"purchase","other":1}'),
        ('"type":"purchase"}', '"type":"purchase" }'),
        ('"type":"purchase"}', '"type":"\\u0070urchase"}'),
        ('"type":"purchase"}', '"type":"purch\tase"}'),
        ('"type":"purchase"}', '"type":"purch\ud800ase"}'),
        ('"orders":{', '"profile":{'),
        ('"orders":{', '"orders":{"~1~":0,'),
        ('"profile":{}', '"profile":{"orders":{}}'),
    ],
)
def test_a_changed_text_is_read_or_refused_as_if_nothing_could_be_sealed(before: str, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert before in TEXT
    text = TEXT.replace(before, after, 1)
    assert read(text) == read_unsealed(text, monkeypatch)


@pytest.mark.parametrize("place", ["activity", "profile", "consent", "ledger"])
def test_orders_that_stand_elsewhere_are_not_taken_for_the_customers(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.loads(TEXT)
    data[place]["orders"], data["orders"] = data["orders"], {}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    assert read(text) == read_unsealed(text, monkeypatch)


def test_damaged_texts_are_read_or_refused_as_if_nothing_could_be_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = Random(5)
    start = TEXT.index('"orders":{')
    pieces = ['"', ",", ":", "{", "}", "[", "]", "0", "9", "null", " ", "-", ".", "\\", "o1", "earn", "facts", '"x":1,']
    for _ in range(1500):
        first = dice.randrange(start, len(TEXT))
        text = TEXT[:first] + dice.choice(pieces) * dice.randrange(2) + TEXT[first + dice.choice((0, 1, 1, 2, 5)) :]
        assert read(text) == read_unsealed(text, monkeypatch), text
