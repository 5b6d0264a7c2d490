"""Customer records: what is missing, what cannot be right, the score, what to ask for next, who may be the same."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime
from typing import Any

import pytest

import custrules as cr
from custrules.policies.profile import CHECKS, AskWhen, Quality, normalised
from custrules.policies.profile.checks import SENTINEL_DATES, is_sentinel
from custrules.testing import check_policy

DAY = date(2026, 6, 1)
FIELDS: list[dict[str, Any]] = [
    {"name": "phone", "weight": 40, "required": True, "check": "cn_mobile"},
    {"name": "birthday", "weight": 30, "check": "birthday"},
    {"name": "email", "weight": 20, "check": "email"},
    {"name": "city", "weight": 10},
]
PROFILE = {
    "phone": {"type": "phone"},
    "birthday": {"type": "birthday"},
    "email": {"type": "text"},
    "city": {"type": "text"},
    "limit": {"type": "money"},
}


def quality(**more: Any) -> dict[str, Any]:
    return {"id": "record", "kind": "profile.quality", "fields": FIELDS, **more}


def program(*policies: dict[str, Any], **sections: Any) -> cr.Program:
    return cr.Program(**{"id": "shop", "zone": "Asia/Shanghai", "currency": "CNY", "profile": PROFILE, **sections}, policies=list(policies))


def known(shop: cr.Program, customer: str = "c", day: str = "2026-06-01", **profile: Any) -> cr.State:
    head = {"type": "enrolment", "id": f"e-{customer}", "customer_id": customer, "occurred_at": f"{day}T04:00:00Z"}
    return shop.step(cr.State.new(customer), shop.event({**head, "profile": profile})).state


def updated(shop: cr.Program, state: cr.State, id: str, **profile: Any) -> cr.Step:
    head = {"type": "profile_update", "id": id, "customer_id": "c", "occurred_at": "2026-06-02T04:00:00Z"}
    return shop.step(state, shop.event({**head, "profile": profile}))


def told(state: cr.State) -> tuple[Any, dict[str, Any]]:
    held = state.status("profile")
    return held.value, dict(held.data)


def faults(*policies: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(cr.DocumentError) as caught:
        program(*policies)
    return [(found.code, found.path) for found in caught.value.diagnostics]


# -- score and grade -----------------------------------------------------------------------------------------------------


def test_the_score_is_the_share_of_the_weights_that_is_there_and_valid() -> None:
    shop = program(quality())
    assert told(known(shop)) == ("incomplete", {"score": "0", "missing": 4, "invalid": 0})
    assert told(known(shop, phone="138 0013 8000", city="Shanghai")) == ("usable", {"score": "0.5", "missing": 2, "invalid": 0})  # (40 + 10) / 100
    assert told(known(shop, phone="138 0013 8000", email="a@b")) == ("usable", {"score": "0.4", "missing": 2, "invalid": 1})
    full = {"phone": "+86 138-0013-8000", "birthday": "1990-05-20", "email": "ann@example.com", "city": "上海"}
    assert told(known(shop, **full)) == ("complete", {"score": "1", "missing": 0, "invalid": 0})


def test_the_score_is_an_exact_share() -> None:
    fields = [{"name": name} for name in ("phone", "email", "city")]
    assert told(known(program(quality(fields=fields)), city="Bern"))[1]["score"] == "1/3"


def test_a_required_field_that_is_invalid_makes_a_record_incomplete() -> None:
    assert told(known(program(quality()), phone="12345", city="Bern"))[0] == "incomplete"


def test_sentinels_and_placeholders_are_missing_not_wrong() -> None:
    shop = program(quality())
    assert told(known(shop, birthday="1900-01-01", city="未知", email="N/A")) == ("incomplete", {"score": "0", "missing": 4, "invalid": 0})


def test_what_changed_is_told_with_what_is_lacking() -> None:
    shop = program(quality())
    step = updated(shop, known(shop, phone="13800138000", email="a@b"), "u", city="Bern")
    (why,) = step.decisions[0].reasons
    assert dict(why.params) == {"status": "profile", "grade": "usable", "score": "0.5", "missing": "birthday", "invalid": "email"}
    assert updated(shop, step.state, "v", city="Basel").decisions == ()


def test_a_birthday_that_lies_ahead_is_invalid_until_its_day() -> None:
    shop = program(quality(fields=[{"name": "birthday", "check": "birthday"}]))
    state = known(shop, birthday="2026-06-10")
    assert told(state)[1] == {"score": "0", "missing": 0, "invalid": 1}
    assert shop.next_due(state) == datetime(2026, 6, 9, 16, tzinfo=UTC)
    after = shop.advance(state, datetime(2026, 6, 10, 4, tzinfo=UTC)).state
    assert told(after)[0] == "complete"


def test_the_grade_and_its_parts_are_facts() -> None:
    gate = {"id": "gate", "kind": "table", "inputs": ["profile", "profile.score"], "outputs": ["x"], "rows": [[">= usable", ">= 80%", "yes"]]}
    shop = program(quality(), gate)
    assert shop.evaluate("gate", {"profile": "complete", "profile.score": "0.9"}).value == {"x": "yes"}


def test_a_record_is_graded_on_facts_alone() -> None:
    shop = program(quality())
    facts = {"phone": "13800138000", "birthday": "1990-05-20", "email": None, "city": "Bern"}
    assert (shop.evaluate("record", facts).value, shop.evaluate("record", facts).codes) == ("usable", ("profile.quality.scored",))


# -- what to ask for next ------------------------------------------------------------------------------------------------


def test_the_heaviest_required_field_is_asked_for_first_while_the_score_is_low() -> None:
    shop = program(quality(ask_when="< 80%"))
    assert told(known(shop))[1]["ask"] == "phone"
    assert told(known(shop, phone="13800138000"))[1]["ask"] == "birthday"
    assert "ask" not in told(known(shop, phone="13800138000", birthday="1990-05-20", city="Bern"))[1]  # 80 %: not below


def test_the_score_may_be_named_out_of_a_hundred() -> None:
    shop = program(quality(ask_when="< 80"))
    assert told(known(shop, phone="13800138000"))[1]["ask"] == "birthday"


def test_a_field_may_be_asked_for_at_an_event_and_stands_until_it_is_good() -> None:
    shop = program(quality(ask_when="visit"))
    state = known(shop, phone="13800138000")
    assert "ask" not in told(state)[1]
    visit = {"type": "visit", "id": "v", "customer_id": "c", "occurred_at": "2026-06-01T05:00:00Z"}
    state = shop.step(state, shop.event(visit)).state
    assert told(state)[1]["ask"] == "birthday"
    state = updated(shop, state, "u", city="Bern").state
    assert told(state)[1]["ask"] == "birthday"
    assert "ask" not in told(updated(shop, state, "w", birthday="1990-05-20").state)[1]


# -- checks --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (
            "phone",
            ["+41 44 668 18 00", "0044 20 7946 0958", "(02) 9374-4000", "13800138000", "１３８００１３８０００"],
            ["123456", "call me", "+", "1" * 16, "0000000", "++4144668", "12345678x"],
        ),
        (
            "cn_mobile",
            ["13800138000", "+86 138 0013 8000", "0086-19912345678", "8613800138000"],
            ["12800138000", "1380013800", "+44 7911 123456", "02161234567"],
        ),
        (
            "email",
            ["ann@example.com", "a.b+c@mail.example.co.uk", "ANN@EXAMPLE.COM"],
            [
                "ann",
                "ann@",
                "@example.com",
                "a..b@example.com",
                ".a@example.com",
                "a@example",
                "a@-x.com",
                "a@x-.com",
                "a@b@c.com",
                "a b@example.com",
                "a@1.2",
                "x" * 65 + "@example.com",
                "a@" + "x" * 64 + ".com",
            ],
        ),
        ("date", [date(2030, 1, 1)], ["2030-01-01", 3]),
        ("past", [DAY], [date(2026, 6, 2)]),
        ("birthday", [DAY, date(1906, 1, 1)], [date(2026, 6, 2), date(1905, 12, 31)]),
        (
            "cn_id",
            ["11010519491231002X", "11010519491231002x"],
            ["110105194912310021", "11010519491331002X", "1101051949123100", "11010520991231002X"],
        ),
        ("filled", ["x", 0, False], []),
    ],
)  # the identity number is the example of GB 11643-1999
def test_a_check_tells_what_can_be_right(check: str, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not CHECKS[check](value, DAY)] == []
    assert [value for value in bad if CHECKS[check](value, DAY)] == []


@pytest.mark.parametrize("value", [*sorted(SENTINEL_DATES), "Unknown", " n/a ", "ＮＵＬＬ", "不详"])
def test_a_sentinel_stands_for_nothing(value: Any) -> None:
    assert is_sentinel(value)
    assert normalised(value, "filled") is None


def test_what_somebody_may_mean_is_no_sentinel() -> None:
    real: list[Any] = [date(1990, 1, 1), date(2000, 1, 1), "Nulles", 0, ""]
    assert [value for value in real if is_sentinel(value)] == []


# -- duplicates ----------------------------------------------------------------------------------------------------------


def test_customers_with_one_key_are_told_in_the_order_in_which_they_came() -> None:
    shop = program(quality(duplicates=["phone", ["city", "birthday"]]))
    states = [
        known(shop, "a", phone="138 0013 8000", city="Bern", birthday="1990-05-20"),
        known(shop, "b", phone="+8613800138000", city="unknown", birthday="1990-05-20"),
        known(shop, "c", city="ＢＥＲＮ ", birthday="1990-05-20"),
        known(shop, "d", phone="123", city="Bern", birthday="1900-01-01"),
        known(shop, "e", phone="123", city="Bern"),
        cr.State.new("f"),
    ]
    found = cr.duplicates(shop, states)
    assert [(one.key, one.value, one.customers) for one in found] == [
        (("phone",), ("13800138000",), ("a", "b")),
        (("city", "birthday"), ("bern", "1990-05-20"), ("a", "c")),
    ]
    assert found[0].to_json() == b'{"customers":["a","b"],"key":["phone"],"value":["13800138000"]}'


def test_a_closed_account_is_nobodys_duplicate() -> None:
    shop = program(quality(duplicates=["city"]))
    first, second = known(shop, "a", city="Bern"), known(shop, "b", city="Bern")
    closure = {"type": "closure", "id": "x", "customer_id": "a", "occurred_at": "2026-06-02T04:00:00Z", "reason": "asked"}
    assert cr.duplicates(shop, [shop.step(first, shop.event(closure)).state, second]) == ()


def test_duplicates_need_a_policy_that_says_by_what() -> None:
    for shop, policy, code in ((program(quality()), "", "analysis.no_keys"), (program(quality(duplicates=["city"])), "x", "analysis.unknown_choice")):
        with pytest.raises(cr.AnalysisError) as caught:
            cr.duplicates(shop, [], policy)
        assert [found.code for found in caught.value.diagnostics] == [code]


# -- faults, contract ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"fields": []}, [("document.too_few", "policies[0].fields")]),
        ({"fields": [{"name": "fone"}]}, [("document.unknown_choice", "policies[0].fields[0].name")]),
        ({"fields": [{"name": "city"}, {"name": "city"}]}, [("document.name_taken", "policies[0].fields[1].name")]),
        ({"fields": [{"name": "limit", "check": "phone"}]}, [("document.fact_of_other_kind", "policies[0].fields[0].check")]),
        ({"fields": [{"name": "city", "check": "regex"}]}, [("document.unknown_choice", "policies[0].fields[0].check")]),
        ({"fields": [{"name": "city", "weight": 0}]}, [("document.wrong_type", "policies[0].fields")]),
        ({"fields": [{"name": "city", "weight": -1}, {"name": "email"}]}, [("document.wrong_type", "policies[0].fields[0].weight")]),
        ({"ask_when": "visitt"}, [("document.unknown_choice", "policies[0].ask_when")]),
        ({"ask_when": "< lots"}, [("document.wrong_type", "policies[0].ask_when")]),
        ({"ask_when": "[1.."}, [("document.bad_cell", "policies[0].ask_when")]),
        ({"duplicates": ["limit"]}, [("document.unknown_choice", "policies[0].duplicates[0]")]),
        ({"duplicates": "phone"}, [("document.wrong_type", "policies[0].duplicates")]),
    ],
)
def test_a_fault_is_told_with_its_place(more: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults(quality(**more)) == expected


def test_when_to_ask_is_a_value_like_any_other() -> None:
    cell, event = AskWhen.parse("< 80%"), AskWhen.parse("visit")
    assert repr(cell) == "AskWhen.parse('< 80%')"
    assert (cell == AskWhen.parse("< 80%"), cell == event, len({cell, AskWhen.parse("< 80%"), event})) == (True, False, 2)


def test_quality_keeps_the_contract_of_policies() -> None:
    fields = [{"name": "segment", "weight": 2, "required": True}, {"name": "birthday", "check": "birthday"}]
    check_policy(
        Quality.read({"id": "q", "fields": fields, "ask_when": "< 1", "duplicates": [["segment", "birthday"]]}), examples=6, skip=("descriptions",)
    )
    check_policy(Quality.read({"id": "q", "fields": fields, "ask_when": "purchase"}), examples=6, skip=("descriptions",))


def test_a_program_with_records_comes_back_from_json_and_pickle() -> None:
    shop = program(quality(ask_when="< 80%", duplicates=["phone", ["city", "birthday"]]))
    assert cr.Program.from_json(shop.to_json()) == shop
    assert pickle.loads(pickle.dumps(shop)) == shop
