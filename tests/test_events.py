"""Events: every kind on the wire and back, every fault at once with its path, and what is refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from custrules.errors import Diagnostic, EventError
from custrules.event_fields import read_scalar
from custrules.events import (
    KINDS,
    MAX_LINES,
    Adjustment,
    ConsentUpdate,
    Enrolment,
    Event,
    Line,
    NewDay,
    Purchase,
    Return,
    Tender,
    Tick,
    Visit,
    moneys_in,
    read_event,
    total_of,
)
from custrules.fields import Frozen
from custrules.money import Money

AT = "2026-03-31T10:00:00+08:00"
BASE = {"id": "e1", "customer_id": "c1", "occurred_at": AT}
FULL = BASE | {
    "recorded_at": "2026-03-31T03:00:00Z",
    "decided_at": "2026-03-31T04:00:00.000001Z",
    "channel": "app",
    "attributes": {"city": "上海", "visits": 3, "vip": True, "share": "0.10"},
}
LINE = {
    "sku": "s1",
    "category": "coffee",
    "quantity": "2.5",
    "amount": "10.00",
    "list_amount": "12.00",
    "cost": "4.00",
    "tags": ["gift", "new"],
}
TENDERS = [
    {"type": "points", "amount": "2.00", "quantity": 200},
    {"type": "coupon", "amount": "3.00", "reference": "c10"},
    {"type": "gift_card", "amount": "1.00", "reference": "g1"},
    {"type": "card", "amount": "4.00"},
    {"type": "cash", "amount": "0.00"},
    {"type": "stored_value", "amount": "0"},
]
EXAMPLES: dict[str, dict[str, Any]] = {
    "refund_request": {"cause": "merchant", "of": "t1", "amount": "12.50", "stopped": "2026-03-01", "documents": ["id_card"], "absent": 3},
    "refund_decision": {"of": "r1", "approved": True, "by": "manager", "reason": "as agreed"},
    "card_update": {"stage": "reissued", "account": "card", "card": "8800-2"},
    "refund_paid": {"of": "r1", "amount": "12.50"},
    "enrolment": {"profile": {"birthday": "1990-05-20", "segment": None, "children": 2}},
    "profile_update": {"profile": {"segment": None}},
    "consent_update": {"consent": {"sms": "marketing", "email": "none"}, "do_not_contact": True},
    "purchase": {"amount": "10.00", "lines": [LINE], "tenders": TENDERS, "list_amount": "12.00"},
    "return": {"of": "o1", "lines": [{"line": 1, "quantity": "0.5"}, {"sku": "s2", "amount": "1.25"}], "amount": "1.25"},
    "redemption": {"points": "1200.5", "account": "points", "reward": "mug", "quantity": "2"},
    "redemption_cancelled": {"of": "r1"},
    "hold": {"points": "300", "account": "points", "until": "2026-04-30T10:00:00Z"},
    "capture": {"of": "h1", "points": "200"},
    "void": {"of": "h1"},
    "transfer": {
        "sender": "c2",
        "points": "15",
        "lots": [
            {"quantity": "10", "day": "2026-01-01", "last_day": "2026-12-31", "usable_from": "2026-01-08", "source": "purchase", "provenance": "c3"},
            {"quantity": "5", "day": "2026-01-02", "last_day": "never"},
        ],
    },
    "top_up": {
        "amount": "100.00",
        "account": "card",
        "tenders": [{"type": "card", "amount": "60.00"}, {"type": "cash", "amount": "40.00"}],
        "paid": "80",
        "given": "16",
        "list_price": "150.00",
        "starts": "2026-04-01",
        "gifts": [{"item": "mug", "value": "30.00"}],
        "priority": 1,
    },
    "chargeback": {"of": "t1", "amount": "12.50", "dispute": "won"},
    "opening": {
        "balances": {"points": {"lots": [{"quantity": "10", "day": "2026-01-01"}], "owed": "3"}},
        "levels": {"tier": {"level": "gold", "since": "2025-06-01", "until": "2026-05-31"}},
        "tallies": {"spend": {"since": "2025-01-01", "days": {"2025-06-01": "12.50"}}},
        "complete": True,
        "joined": "2019-03-01",
        "profile": {"segment": "staff"},
    },
    "merge": {"of": "c2", "brought": {"customer_id": "c2", "ledger": {"accounts": [1, None, True]}}},
    "closure": {"reason": "asked for", "approver": "Ann"},
    "referral": {"friend": "c2", "friend_keys": {"phone": "…1234"}},
    "visit": {"of": "lessons", "used": "2"},
    "attendance": {"activity": "regatta"},
    "survey_response": {"score": "nps", "value": "9", "survey": "survey", "of": "a1", "comment": "well done"},
    "complaint": {"category": "billing", "severity": "high", "about": "o1", "text": "charged twice"},
    "complaint_update": {
        "of": "k1",
        "stage": "resolved",
        "customer_agrees": True,
        "cause": "double_posting",
        "credit": "12.50",
        "points": "100",
        "by": "agent",
        "note": "called back",
    },
    "contact": {"trigger": "daily-call", "cycle": "2026-03", "outcome": "not_sent", "category": "daily", "reason": "no number"},
    "activity": {"name": "check_in", "quantity": "-1.5"},
    "reading": {"name": "aum", "value": "12500.00"},
    "adjustment": {"account": "points.pending", "quantity": "-5", "reason": "goodwill", "approver": "Ann"},
    "tier_grant": {"level": "gold", "until": "2026-12-31", "reason": "friend of the house", "approver": "Ann", "status": "tier"},
    "new_day": {"day": "2026-03-31"},
    "tick": {"at": AT},
}


def read(kind: str, **fields: Any) -> Any:
    return read_event({"type": kind} | BASE | fields, "CNY")


def timed(kind: str) -> bool:
    return kind in ("new_day", "tick")


def example(kind: str) -> Any:
    return read_event({"type": kind, "customer_id": "c1"} | EXAMPLES[kind] if timed(kind) else {"type": kind} | FULL | EXAMPLES[kind], "CNY")


def faults_of(data: Any, currency: str | None = "CNY") -> dict[str, str]:
    """The path and code of every fault."""
    with pytest.raises(EventError) as caught:
        read_event(data, currency)
    return {fault.path: fault.code for fault in caught.value.diagnostics}


def fault_of(kind: str, **fields: Any) -> Diagnostic:
    with pytest.raises(EventError) as caught:
        read(kind, **fields)
    [fault] = caught.value.diagnostics
    return fault


# -- on the wire ---------------------------------------------------------------------------------------------------------


def test_every_kind_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_event_is_read_back_from_its_json(kind: str) -> None:
    event = example(kind)
    back = Event.from_json(event.to_json())
    assert back == event
    assert type(back) is KINDS[kind]
    assert back.to_json() == event.to_json()


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_event_pickles(kind: str) -> None:
    assert pickle.loads(pickle.dumps(example(kind))) == example(kind)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_event_may_be_read_from_an_event(kind: str) -> None:
    assert read_event(example(kind)) == example(kind)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_event_hashes_and_does_not_change(kind: str) -> None:
    event = example(kind)
    assert hash(event) == hash(example(kind))
    with pytest.raises(ValidationError):
        event.customer_id = "c2"


@pytest.mark.parametrize("kind", [kind for kind in EXAMPLES if not timed(kind)])
def test_everything_that_was_given_is_in_the_json(kind: str) -> None:
    written = json.loads(example(kind).to_json())
    assert {"type", *FULL, *EXAMPLES[kind]} - set(written) <= {"status"}  # which is at its default
    assert written["occurred_at"] == "2026-03-31T02:00:00Z"
    assert written["attributes"] == FULL["attributes"]


def test_json_is_canonical() -> None:
    text = read("visit", attributes={"b": 1, "a": 2}).to_json()
    written = {"type": "visit", "id": "e1", "customer_id": "c1", "occurred_at": "2026-03-31T02:00:00Z", "attributes": {"a": 2, "b": 1}}
    assert text.decode() == json.dumps(written, sort_keys=True, separators=(",", ":"))


def test_numbers_of_json_are_exact() -> None:
    line = '{"amount":"0.30 CNY","quantity":0.1}'
    text = f'{{"type":"purchase","id":"o1","customer_id":"c1","occurred_at":"2026-03-31T02:00:00Z","lines":[{line}]}}'
    event = Event.from_json(text)
    assert isinstance(event, Purchase)
    assert event.lines[0].quantity == Decimal("0.1")


def test_a_mapping_that_is_no_dict_is_read_too() -> None:
    assert read_event(Frozen({"type": "visit"} | BASE)) == read("visit")


# -- faults --------------------------------------------------------------------------------------------------------------


def test_every_fault_is_told_at_once_with_its_path() -> None:
    wrong = {
        "type": "purchase",
        "id": "",
        "occurred_at": "2026-03-31T10:00:00",
        "recorded_at": "soon",
        "colour": "red",
        "attributes": [],
        "lines": [{"amount": 1.5}, {"amount": "1.00", "quantity": 0, "prize": 1}, "line"],
        "tenders": [{"type": "cheque", "amount": "1.001"}],
    }
    assert faults_of(wrong) == {
        "id": "event.wrong_type",
        "customer_id": "event.missing_field",
        "occurred_at": "event.naive_instant",
        "recorded_at": "event.wrong_type",
        "colour": "event.unknown_field",
        "attributes": "event.wrong_type",
        "lines[0].amount": "event.bad_money",
        "lines[1].quantity": "event.wrong_type",
        "lines[1].prize": "event.unknown_field",
        "lines[2]": "event.wrong_type",
        "tenders[0].type": "event.unknown_choice",
        "tenders[0].amount": "event.bad_money",
    }


def test_an_unknown_field_says_which_was_meant() -> None:
    fault = fault_of("purchase", amout="1.00", amount="1.00")
    assert (fault.code, fault.path, fault.params["nearest"]) == ("event.unknown_field", "amout", "amount")
    fault = fault_of("purchase", lines=[{"amount": "1.00", "quantiti": 1}])
    assert (fault.path, fault.params["nearest"]) == ("lines[0].quantiti", "quantity")


@pytest.mark.parametrize(("kind", "nearest"), [("purchas", "purchase"), ("Visit", "visit"), ("spin_the_wheel", ""), (5, "")])
def test_an_unknown_type_says_which_was_meant(kind: Any, nearest: str) -> None:
    fault = fault_of(kind)
    assert (fault.code, fault.path, fault.params["nearest"]) == ("event.unknown_type", "type", nearest)


def test_an_event_without_a_type_is_told_that_it_is_missing() -> None:
    with pytest.raises(EventError) as caught:
        read_event({"id": "1", "customer_id": "c"})
    assert [(fault.code, fault.params["field"]) for fault in caught.value.diagnostics] == [("event.missing_field", "type")]


def test_a_type_that_is_no_text_is_unknown() -> None:
    assert fault_of(["visit"]).code == "event.unknown_type"  # type: ignore[arg-type]  # what JSON may hold


def test_a_type_of_a_million_characters_is_refused_at_once() -> None:
    assert fault_of("visit" * 1_000_000).params["nearest"] == ""


@pytest.mark.parametrize("data", [None, 5, "visit", [], [BASE]])
def test_what_is_no_mapping_is_no_event(data: Any) -> None:
    assert faults_of(data) == {"": "event.wrong_type"}


def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(EventError):
        read_event({"type": "visit", 5: 6} | BASE)


@pytest.mark.parametrize("field", ["occurred_at", "recorded_at", "decided_at"])
@pytest.mark.parametrize("value", ["2026-03-31T10:00:00", datetime(2026, 3, 31, 10)])  # noqa: DTZ001 - naive on purpose
def test_a_naive_instant_is_refused_at_its_place(field: str, value: Any) -> None:
    fault = fault_of("visit", **{field: value})
    assert (fault.code, fault.path) == ("event.naive_instant", field)


@pytest.mark.parametrize("year", ["0001", "1899", "2200", "9999"])
@pytest.mark.parametrize("offset", ["+14:00", "-12:00", "Z"])
def test_an_instant_of_another_age_is_refused(year: str, offset: str) -> None:
    assert fault_of("visit", occurred_at=f"{year}-06-15T10:00:00{offset}").code == "event.year_out_of_range"


def test_an_instant_that_could_not_be_read_back_is_refused() -> None:
    assert fault_of("visit", occurred_at=datetime(1900, 1, 1, tzinfo=timezone(timedelta(hours=14)))).code == "event.year_out_of_range"


@pytest.mark.parametrize("value", [1.5, float("nan"), float("inf")])
@pytest.mark.parametrize("place", ["amount", "list_amount"])
def test_a_float_is_no_amount(place: str, value: float) -> None:
    assert faults_of({"type": "purchase", "amount": "1.00"} | BASE | {place: value}) == {place: "event.bad_money"}


@pytest.mark.parametrize("value", [0.5, float("nan"), None, [], {}, Decimal("NaN"), Decimal("1E+999999"), "\ud800", "a" * 2001, 10**18, b"x"])
def test_an_attribute_is_a_flat_exact_value(value: Any) -> None:
    assert fault_of("visit", attributes={"a": value}).path == "attributes"


def test_a_fault_in_a_very_long_number_is_told_like_any_other() -> None:
    assert fault_of("visit", attributes={"a": 10**100_000}).path == "attributes"
    assert fault_of("redemption", points=10**100_000).path == "points"
    assert fault_of("return", of="o1", lines=[{"line": 10**100_000}]).path == "lines[0].line"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Decimal("1.50"), "1.50"),
        (Money("12.50 CNY"), "12.50 CNY"),
        (date(2026, 3, 31), "2026-03-31"),
        (datetime(2026, 3, 31, 10, tzinfo=timezone(timedelta(hours=8))), "2026-03-31T02:00:00Z"),
        (True, True),
        (-5, -5),
        ("text", "text"),
    ],
)
def test_a_flat_value_is_kept_as_its_exact_text(value: Any, kept: Any) -> None:
    assert read_scalar(value) == kept
    assert type(read_scalar(value)) is type(kept)


@pytest.mark.parametrize("text", ['{"type":"visit","type":"visit"}', '{"a":NaN}', "[" * 100_000, b"\xff", "", "{"])
def test_json_that_cannot_be_trusted_is_refused(text: Any) -> None:
    with pytest.raises(EventError):
        Event.from_json(text)


def test_huge_json_is_refused() -> None:
    with pytest.raises(EventError):
        Event.from_json(b'{"type":"visit","x":"' + b"a" * (64 * 1024 * 1024) + b'"}')


@pytest.mark.parametrize("identity", ["", "  ", "a" * 201, "a\n", "\u200b", 5, [], "\ud800"])
@pytest.mark.parametrize("field", ["id", "customer_id", "channel"])
def test_an_id_is_printable_and_not_long(field: str, identity: Any) -> None:
    assert fault_of("visit", **{field: identity}).path == field


@pytest.mark.parametrize("identity", ["day:2026-03-31", "at:2026-03-31T10:00:00Z", "day:"])
def test_ids_of_passing_time_are_reserved(identity: str) -> None:
    assert fault_of("visit", id=identity).code == "event.reserved_id"


def test_an_event_is_not_decided_before_it_happened() -> None:
    assert fault_of("visit", decided_at="2026-03-31T01:59:59Z").code == "event.decided_too_early"
    assert read("visit", decided_at=AT).decided_at == read("visit").occurred_at


# -- purchases -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields", [{"amount": "6.00"}, {"lines": [{"amount": "2.00"}, {"amount": "4.00"}]}, {"tenders": {"card": "5.00", "cash": "1.00"}}, {"amount": 6}]
)
def test_the_amount_of_an_order_is_given_or_the_sum_of_its_parts(fields: dict[str, Any]) -> None:
    assert read("purchase", **fields).amount == Money("6.00", "CNY")


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "6.00", "lines": [{"amount": "5.99"}]},
        {"amount": "6.00", "tenders": {"card": "6.01"}},
        {"lines": [{"amount": "6.00"}], "tenders": {"card": "5.00"}},
    ],
)
def test_amounts_that_differ_are_refused(fields: dict[str, Any]) -> None:
    fault = fault_of("purchase", **fields)
    assert (fault.code, fault.path) == ("event.amounts_differ", "")


def test_an_order_without_any_amount_is_refused() -> None:
    assert fault_of("purchase").code == "event.no_amount"
    assert fault_of("purchase", lines=[], tenders=[]).code == "event.no_amount"
    assert fault_of("purchase", amount=None).code == "event.bad_money"


@pytest.mark.parametrize(
    "fields", [{"amount": "-1.00"}, {"lines": [{"amount": "-1.00"}, {"amount": "2.00"}]}, {"tenders": {"card": "-1.00", "cash": "2.00"}}]
)
def test_a_negative_amount_is_refused(fields: dict[str, Any]) -> None:
    assert fault_of("purchase", **fields).code == "event.negative_amount"


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "1.00 EUR", "list_amount": "1.00 CNY"},
        {"lines": [{"amount": "1.00 CNY"}, {"amount": "1.00 EUR"}]},
        {"lines": [{"amount": "1.00 CNY", "cost": "1.00 EUR"}]},
        {"amount": "1.00 CNY", "tenders": {"card": "1.00 EUR"}},
    ],
)
def test_currencies_never_mix_in_one_event(fields: dict[str, Any]) -> None:
    assert fault_of("purchase", **fields).code == "event.currencies_mixed"


def test_an_amount_without_a_currency_needs_the_programs() -> None:
    assert faults_of({"type": "purchase", "amount": "1.00"} | BASE, None) == {"amount": "event.bad_money"}


def test_a_sum_that_is_too_large_is_told_as_bad_money() -> None:
    lines = [{"amount": "9999999999999999.99"}, {"amount": "0.01"}]
    assert fault_of("purchase", lines=lines).code == "event.bad_money"


def test_tenders_in_mapping_form_keep_their_order() -> None:
    tenders = {"cash": "1.00", "coupon": {"reference": "c10", "amount": "2.00"}, "card": "3.00"}
    event = read("purchase", tenders=tenders)
    assert [(tender.type, str(tender.amount), tender.reference) for tender in event.tenders] == [
        ("cash", "1.00 CNY", None),
        ("coupon", "2.00 CNY", "c10"),
        ("card", "3.00 CNY", None),
    ]
    back = Event.from_json(event.to_json())
    assert isinstance(back, Purchase)
    assert back.tenders == event.tenders


@pytest.mark.parametrize("tender", [{"type": "points", "amount": "1.00"}, {"type": "card", "amount": "1.00", "quantity": 100}])
def test_points_and_nothing_else_say_how_many(tender: dict[str, Any]) -> None:
    fault = fault_of("purchase", tenders=[tender])
    assert (fault.code, fault.path) == ("event.points_quantity", "tenders[0]")


@pytest.mark.parametrize("tax", ["1.01", "-0.01"])
def test_the_tax_of_a_line_is_a_part_of_its_amount(tax: str) -> None:
    fault = fault_of("purchase", lines=[{"amount": "1.00", "tax": tax}])
    assert (fault.code, fault.path) == ("event.tax_above_amount", "lines[0]")


def test_a_coupon_and_nothing_else_names_a_minimum() -> None:
    fault = fault_of("purchase", tenders=[{"type": "card", "amount": "1.00", "minimum": "1.00"}])
    assert (fault.code, fault.path) == ("event.minimum_of_a_coupon", "tenders[0]")


@pytest.mark.parametrize(
    "part", [{"lines": [{"amount": "1.00", "tax": "0.10 EUR"}]}, {"tenders": [{"type": "coupon", "amount": "1", "minimum": "9 EUR"}]}]
)
def test_tax_and_minimum_are_of_the_order_s_currency(part: dict[str, Any]) -> None:
    assert fault_of("purchase", **part).code == "event.currencies_mixed"


@pytest.mark.parametrize("quantity", ["0", "-1", "0.0000001", "1000000000000", 0.5, True, "1e3", Decimal("1E-7")])
def test_a_quantity_is_positive_with_at_most_six_decimals(quantity: Any) -> None:
    assert fault_of("purchase", lines=[{"amount": "1.00", "quantity": quantity}]).path == "lines[0].quantity"


def test_a_quantity_is_read_alike_whatever_the_precision_of_the_hosts_decimals() -> None:
    with localcontext() as context:
        context.prec = 3
        event = read("purchase", lines=[{"amount": "1.00", "quantity": "123456789012.123456"}])
    assert event.lines[0].quantity == Decimal("123456789012.123456")


@pytest.mark.parametrize("tags", ["gift", [5], [""], ["\ud800"], ["a" * 201], ["tag"] * 201, {}])
def test_tags_are_a_list_of_words(tags: Any) -> None:
    assert fault_of("purchase", lines=[{"amount": "1.00", "tags": tags}]).path == "lines[0].tags"


def test_an_order_of_ten_thousand_lines_is_read() -> None:
    event = read("purchase", lines=[{"amount": "0.01"}] * MAX_LINES)
    assert MAX_LINES == 10_000
    assert event.amount == Money("100.00", "CNY")


@pytest.mark.parametrize("kind", ["purchase", "return"])
@pytest.mark.parametrize("count", [10_001, 300_000])
def test_more_than_ten_thousand_lines_are_refused(kind: str, count: int) -> None:
    fault = fault_of(kind, lines=[{"amount": "0.01", "sku": "a"}] * count)
    assert (fault.code, fault.path, fault.params["limit"]) == ("event.wrong_length", "lines", 10_000)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_every_amount_of_an_event_is_found(amounts: list[int]) -> None:
    lines = tuple(Line(amount=Money.from_minor(minor, "EUR"), cost=Money.from_minor(minor + 1, "EUR")) for minor in amounts)
    event = Purchase(id="o1", customer_id="c1", occurred_at=datetime(2026, 1, 1, tzinfo=UTC), lines=lines)
    assert total_of(lines) == event.amount
    assert sorted(money.minor for money in moneys_in(event)) == sorted([sum(amounts), *amounts, *(minor + 1 for minor in amounts)])
    assert moneys_in(read("visit")) == []


# -- returns -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "event.return_of_nothing"),
        ({"lines": [{"sku": "a"}]}, "event.return_needs_amounts"),
        ({"lines": [{"line": 1, "amount": "1.00"}]}, "event.return_needs_amounts"),
        ({"of": "o1", "lines": [{"amount": "1.00"}]}, "event.return_names_no_line"),
        ({"of": "o1", "amount": "-1.00"}, "event.negative_amount"),
        ({"of": "o1", "lines": [{"line": 1, "amount": "-1.00"}]}, "event.negative_amount"),
        ({"of": "o1", "amount": "2.00", "lines": [{"line": 1, "amount": "1.00"}]}, "event.amounts_differ"),
        ({"of": "o1", "lines": [{"line": 1, "amount": "1.00"}, {"line": 2, "amount": "1.00 EUR"}]}, "event.currencies_mixed"),
    ],
)
def test_a_return_says_what_comes_back(fields: dict[str, Any], code: str) -> None:
    assert fault_of("return", **fields).code == code


@pytest.mark.parametrize(
    "fields",
    [{"of": "o1"}, {"of": "o1", "amount": "1.00"}, {"amount": "1.00"}, {"lines": [{"sku": "a", "amount": "1.00"}]}, {"lines": [{"amount": "1.00"}]}],
)
def test_all_of_an_order_an_amount_or_lines_come_back(fields: dict[str, Any]) -> None:
    assert isinstance(read("return", **fields), Return)


# -- others --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["no", "yes", "on", 1, 0, "True"])
def test_do_not_contact_is_true_or_false_and_nothing_that_looks_like_it(value: Any) -> None:
    assert fault_of("consent_update", do_not_contact=value).path == "do_not_contact"


def test_consent_is_for_marketing_or_none() -> None:
    assert fault_of("consent_update", consent={"sms": "yes"}).path == "consent.sms"
    assert read("consent_update").do_not_contact is None


FROZEN: list[Callable[[], Mapping[str, Any]]] = [
    lambda: ConsentUpdate.model_validate(BASE | {"consent": {"sms": "none"}}).consent,
    lambda: Enrolment.model_validate(BASE | {"profile": {"sms": "none"}}).profile,
    lambda: Visit.model_validate(BASE | {"attributes": {"sms": "none"}}).attributes,
]


@pytest.mark.parametrize("make", FROZEN)
def test_what_an_event_holds_does_not_change(make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        make()["sms"] = "marketing"


@pytest.mark.parametrize("size", [201, 100_000])
@pytest.mark.parametrize(("kind", "field"), [("visit", "attributes"), ("enrolment", "profile")])
def test_an_event_brings_at_most_two_hundred_values(kind: str, field: str, size: int) -> None:
    assert fault_of(kind, **{field: {f"a{number}": 1 for number in range(size)}}).code == "event.too_many"


def test_passing_time_is_named_after_its_day_or_instant() -> None:
    assert NewDay(customer_id="c1", day=date(2026, 3, 31)).id == "day:2026-03-31"
    tick = Tick(customer_id="c1", at=datetime(2026, 3, 31, 10, tzinfo=timezone(timedelta(hours=8))))
    assert (tick.id, tick.occurred_at) == ("at:2026-03-31T02:00:00Z", datetime(2026, 3, 31, 2, tzinfo=UTC))


def test_a_day_that_is_decided_in_its_zone_is_read_back() -> None:
    start = datetime(2026, 3, 30, 16, tzinfo=UTC)  # midnight in Shanghai
    event = NewDay(customer_id="c1", day=date(2026, 3, 31), occurred_at=start, decided_at=start)
    assert Event.from_json(event.to_json()) == event


def test_a_correction_by_hand_says_why() -> None:
    assert fault_of("adjustment", account="points", quantity=5, reason=" ").path == "reason"
    event = read("adjustment", account="points", quantity=5, reason="goodwill")
    assert isinstance(event, Adjustment)
    assert event.quantity == 5


def test_parts_of_an_order_refuse_what_they_do_not_know() -> None:
    for part in (Line, Tender):
        with pytest.raises(ValidationError):
            part.model_validate({"type": "cash", "amount": Money("1.00 CNY"), "colour": "red"})
