"""What stopped people who read the first page only: each of these now says what is meant, in both languages, or simply works."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import custrules as cr
from custrules.__main__ import main

CARE = """
program: care
zone: Asia/Shanghai
currency: CNY
profile: {birthday: {type: birthday}}
policies:
  - {id: birthday, kind: care.trigger, occasion: birthday, category: birthday, purpose: service, channels: [sms], template: wish}
  - {id: contact, kind: care.contact_plan}
"""
SHOP = """
program: shop
zone: Europe/London
currency: GBP
policies:
  - {id: points, kind: points.account, expiry: never}
  - {id: earn, kind: points.accrual, points_per_unit: 1}
"""


def faults(call: Callable[[], Any]) -> tuple[str, str]:
    """The message of an error, and its faults in Chinese."""
    with pytest.raises(cr.CustrulesError) as caught:
        call()
    return str(caught.value), "\n".join(cr.render(fault, "zh") for fault in getattr(caught.value, "diagnostics", ()))


def born(day: str) -> cr.State:
    event = {"type": "enrolment", "id": "e", "customer_id": "ann", "occurred_at": "2026-01-02T02:00:00Z", "profile": {"birthday": day}}
    program = cr.loads(CARE)
    return program.step(cr.State.new("ann"), program.event(event)).state


# -- amounts and texts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "english", "chinese"),
    [
        (12.5, "a float is not exact", "浮点数不精确：请写成文本 '12.5'"),
        ("12.505", "more decimals than GBP", "12.505 的小数位数多于 GBP 允许的位数（2 位）"),
        ("abc", "'abc' is not an amount", "'abc' 不是金额"),
    ],
)
def test_why_an_amount_cannot_be_read_is_told_in_the_language_of_the_reader(amount: object, english: str, chinese: str) -> None:
    event = {"type": "purchase", "id": "o", "customer_id": "c", "occurred_at": "2026-03-05T10:00:00Z", "amount": amount}
    told = faults(lambda: cr.loads(SHOP).event(event))
    assert english in told[0]
    assert chinese in told[1]


def test_a_text_that_is_no_json_is_said_to_be_none_in_chinese() -> None:
    assert "这不是 JSON" in faults(lambda: cr.loads(SHOP).event("nonsense"))[1]


@pytest.mark.parametrize("name", ["shop.yaml", "folder/shop.json", "SHOP.TOML"])
def test_the_name_of_a_file_is_not_taken_for_its_text(name: str) -> None:
    english, chinese = faults(lambda: cr.loads(name))
    assert "Read a file with load" in english
    assert "读文件请用 load" in chinese


def test_a_mapping_is_neither_a_text_nor_a_path() -> None:
    given: Any = {"program": "x"}
    for reader in (cr.load, cr.loads):
        english, chinese = faults(lambda reader=reader: reader(given))  # type: ignore[misc]  # the loop's own reader
        assert "custrules.Program(...) takes data" in english
        assert "数据请交给 custrules.Program(...)" in chinese


# -- documents ---------------------------------------------------------------------------------------------------------


def test_a_missing_field_says_which_words_it_takes() -> None:
    text = SHOP + '  - {id: levels, kind: tiers.ladder, levels: [{name: a}, {name: b, enter: {month: ">= 2"}}]}\n'
    english, chinese = faults(lambda: cr.loads(text))
    assert english.endswith('the field "downgrade" is missing here. It is one of: one_level, to_earned, best_of.')
    assert chinese.endswith("可选：one_level, to_earned, best_of。")


def test_a_bare_name_where_a_mapping_is_meant_is_shown_as_one() -> None:
    text = SHOP + "  - {id: levels, kind: tiers.ladder, downgrade: one_level, levels: [member, gold]}\n"
    english, chinese = faults(lambda: cr.loads(text))
    assert "expected a mapping such as {name: gold}, found 'gold'" in english
    assert "应为映射，如 {name: gold}" in chinese


def test_money_that_is_summed_under_another_word_is_probably_spend() -> None:
    text = SHOP + "measures: {year: {sum: amount, window: 12 months}}\n"
    assert 'Did you mean "spend"?' in faults(lambda: cr.loads(text))[0]


def test_a_long_list_of_names_ends_after_a_name() -> None:
    names = [f"name_{number:03}" for number in range(200)]
    told = cr.render(cr.Diagnostic("document.unknown_fact", params={"found": "x", "fact": "x", "known": ", ".join(names), "nearest": ""}))
    shown = told.partition("Known here are: ")[2].removesuffix(", ….").split(", ")
    assert len(told) < 1000
    assert shown == names[: len(shown)]


# -- states ------------------------------------------------------------------------------------------------------------


def test_what_is_wrong_with_a_state_is_a_sentence() -> None:
    program = cr.loads(SHOP)
    english, chinese = faults(lambda: cr.State.new("ann").points())
    assert english.endswith('Nothing has happened to "ann" yet: step a first event; an enrolment will do.')
    assert "尚未受理过任何事件" in chinese
    bought = {"type": "purchase", "id": "o", "customer_id": "ann", "occurred_at": "2026-03-05T10:00:00Z", "amount": "5.00"}
    state = program.step(cr.State.new("ann"), program.event(bought)).state
    assert "Accounts: points" in faults(lambda: state.points("pts"))[0]
    assert "state.statuses.get" in faults(lambda: state.status("churn"))[0]


# -- plans -------------------------------------------------------------------------------------------------------------


def test_a_plan_takes_the_states_of_a_replay_by_customer() -> None:
    program, state = cr.loads(CARE), born("1990-03-05")
    by_customer = cr.plan(program, {"ann": state}, date(2026, 3, 1))
    assert by_customer == cr.plan(program, [state], date(2026, 3, 1))
    assert [(item.day, item.trigger) for item in by_customer] == [(date(2026, 3, 5), "birthday")]


@pytest.mark.parametrize("states", ["ann", 5, ["ann"], None])
def test_a_plan_of_what_are_no_states_is_refused(states: Any) -> None:
    faulty = faults(lambda: cr.plan(cr.loads(CARE), states, date(2026, 3, 1)))
    assert "states analysis.wrong_type" in faulty[0]
    assert "应为" in faulty[1]


def test_a_calendar_is_stamped_with_an_instant_and_updates_the_bytes_of_an_earlier_one() -> None:
    plan = cr.plan(cr.loads(CARE), born("1990-03-05"), date(2026, 3, 1))
    stamp = datetime(2026, 3, 1, 8, tzinfo=UTC)
    first = plan.to_ics(stamp)
    assert plan.to_ics(stamp, previous=first.decode()) == first  # a text that was read from the file will do
    path: Any = "plan.ics"
    assert "the bytes that to_ics gave before" in faults(lambda: plan.to_ics(stamp, previous=path))[0]
    assert "no time zone" in faults(lambda: plan.to_ics(stamp.replace(tzinfo=None)))[0]


@pytest.fixture
def salon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "care.yaml").write_text(CARE, "utf-8")
    event = {"type": "enrolment", "id": "e", "customer_id": "ann", "occurred_at": "2026-01-02T02:00:00Z", "profile": {"birthday": "1990-03-05"}}
    (tmp_path / "events.jsonl").write_text(json.dumps(event) + "\n", "utf-8")
    return tmp_path


PLAN = ["plan", "care.yaml", "--events", "events.jsonl", "--start", "2026-03-01"]


def test_the_verb_plan_writes_a_calendar_and_updates_it(salon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PLAN, "--ics", "care.ics"]) == 0
    assert capsys.readouterr().out.endswith("\nThe calendar stands in care.ics.\n")
    written = (salon / "care.ics").read_bytes()
    assert written.count(b"BEGIN:VEVENT") == 1
    assert main([*PLAN, "--ics", "care.ics"]) == 0
    assert (salon / "care.ics").read_bytes() == written, "nothing has moved"
    (salon / "events.jsonl").write_text((salon / "events.jsonl").read_text("utf-8").replace("1990-03-05", "1990-09-05"), "utf-8")
    assert main([*PLAN, "--ics", "care.ics", "--format", "json"]) == 0
    assert b"STATUS:CANCELLED" in (salon / "care.ics").read_bytes()
    assert sorted(path.name for path in salon.iterdir()) == ["care.ics", "care.yaml", "events.jsonl"]


def test_the_verb_plan_ends_with_sums(salon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PLAN, "--lang", "zh"]) == 0
    assert capsys.readouterr().out.endswith("\n\n合计\n  提出者    结果  渠道  次数\n  birthday  发送  sms      1\n")
    assert main([*PLAN, "--days", "2"]) == 0
    assert "In all" not in capsys.readouterr().out, "nobody is to be contacted"


def test_the_verb_plan_leaves_a_file_that_is_no_calendar(salon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PLAN, "--ics", "care.yaml"]) == 2
    assert (salon / "care.yaml").read_text("utf-8") == CARE
    assert "care.yaml is there already" in capsys.readouterr().err


# -- the command line --------------------------------------------------------------------------------------------------


def test_compare_takes_events_as_the_other_verbs_do(salon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "care.yaml", "care.yaml", "--events", "events.jsonl"]) == 0
    named = capsys.readouterr().out
    assert main(["compare", "care.yaml", "care.yaml", "events.jsonl"]) == 0
    assert capsys.readouterr().out == named
    assert main(["compare", "care.yaml", "care.yaml"]) == 2
    assert capsys.readouterr().err.endswith("\nName at least one file of events.\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "缺少必填的参数：DOC, --events"),
        (["care.yaml", "--events"], "参数 --events 后面要写一个值"),
        (["care.yaml", "--events", "e.jsonl", "--days", "x"], "参数 --days 应为整数，不是 'x'"),
        (["care.yaml", "--events", "e.jsonl", "--nothing"], "不认识的参数：--nothing"),
    ],
)
def test_a_slip_on_the_command_line_is_told_in_chinese(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *arguments, "--lang", "zh"]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.startswith("用法：custrules")


def test_help_has_no_english_left_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", "--lang", "zh", "--help"])
    told = capsys.readouterr().out
    assert not [word for word in ("usage", "positional", "options", "show", "exit") if word in told]


def test_a_check_that_has_something_to_tell_does_not_say_fine(salon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ladder = "  - {id: top-up, kind: stored_value.top_up, ladder: [{pay: 500.00, give: 50.00}, {pay: 1000.00, give: 150.00}], mode: highest}\n"
    text = SHOP + "  - {id: card, kind: stored_value.account, form: amount}\n" + ladder
    (salon / "card.yaml").write_text(text + "  - {id: spend, kind: stored_value.spending, order: principal_first}\n", "utf-8")
    assert main(["check", "card.yaml"]) == 0
    told = capsys.readouterr().out
    assert "check.top_up_splitting" in told
    assert told.endswith("card.yaml: fine; for information: 1. Program shop, 5 policies.\n")


def test_a_reason_code_that_nobody_has_is_told_with_the_one_that_is_meant(salon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = "{when: {redemption: {at: 2026-03-01, points: 5}}, then: {refused: points.redemption.insuficient}}"
    (salon / "a.scenarios.yaml").write_text(f"program: shop.yaml\nscenarios:\n  - name: a slip\n    steps: [{steps}]\n", "utf-8")
    (salon / "shop.yaml").write_text(SHOP + "  - {id: spend, kind: points.redemption, value: {points: 100, money: 1.00}}\n", "utf-8")
    assert main(["test", "a.scenarios.yaml"]) == 1
    assert "there is no reason points.redemption.insuficient; is points.redemption.insufficient meant?" in capsys.readouterr().out


def test_a_reason_without_its_numbers_says_what_it_knows() -> None:
    why = cr.Reason("churn.inactivity.own_gap", {"signal": "silence", "level": "at_risk"})
    assert cr.render(why) == "silence: silent for longer than the own mean gap allows."
    assert cr.render(why, "zh") == "silence：沉默时间超过本人平均间隔的倍数。"


# -- tables ------------------------------------------------------------------------------------------------------------


def test_a_relation_of_duckdb_is_answered_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    from custrules import batch  # noqa: PLC0415 - needs an extra

    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"] or ["pyarrow"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    levels = '[{name: member}, {name: gold, enter: {orders: ">= 2"}}]'
    text = SHOP + f"  - {{id: levels, kind: tiers.ladder, downgrade: one_level, levels: {levels}}}\n"
    program = cr.loads(text + "measures: {orders: {count: purchase, window: 12 months}}\n")
    table = duckdb.sql("select * from (values (1::bigint), (2)) t(orders)")
    assert batch.columns(program, "levels").answers(table).select("orders, levels").fetchall() == [(1, "member"), (2, "gold")]
