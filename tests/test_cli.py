"""The command line: what each verb prints, in both languages and as JSON, its exit codes, and what it says to a person's mistakes."""

import gzip
import io
import json
import lzma
import os
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import custrules as cr
from custrules.__main__ import main
from custrules.calendars.days import MissingZoneData
from custrules.cli import passing
from custrules.cli.output import Output
from custrules.messages.columns import padded, table, width

pytest.importorskip("yaml")

DOCUMENT = """
program: shop
title: {en: The Shop, zh: 小店}
zone: Europe/London
currency: GBP
defaults: {effective_from: 2020-01-01}
returns: {window: 90 days}
profile: {birthday: {type: birthday}}
measures:
  spend_12m: {sum: spend, window: 12 months}
policies:
  - id: levels
    kind: tiers.ladder
    levels: [{name: member}, {name: silver, enter: {spend_12m: ">= 100"}}]
    term: 12 months
    downgrade: one_level
  - id: points
    kind: points.account
    expiry: 6 months
    pending: 14 days
  - id: earn
    kind: points.accrual
    points_per_unit: 1
"""


def purchase(event_id: str, customer: str, at: str, amount: str, **more: str) -> dict[str, str]:
    return {"type": "purchase", "id": event_id, "customer_id": customer, "occurred_at": at, "amount": amount, **more}


# ann buys for 60.00 and 30.00 and returns the first: 30 points are left; bob buys for 150.00 and is silver; his second event is a duplicate
EVENTS: list[dict[str, str]] = [
    purchase("a1", "ann", "2026-01-10T12:00:00Z", "60.00"),
    purchase("a2", "ann", "2026-02-10T12:00:00Z", "30.00"),
    {"type": "return", "id": "a3", "customer_id": "ann", "occurred_at": "2026-02-11T12:00:00Z", "of": "a1"},
    purchase("b1", "bob", "2026-03-01T12:00:00Z", "150.00"),
    purchase("b1", "bob", "2026-03-01T12:00:00Z", "150.00"),
]


def words_of(lang: str) -> dict[str, str]:
    table: dict[str, str] = tomllib.loads(files("custrules.cli").joinpath("words.toml").read_text("utf-8"))[lang]
    return table


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(DOCUMENT, "utf-8")
    write(tmp_path / "events.jsonl", EVENTS)
    return tmp_path


def write(path: Path, events: list[dict[str, str]]) -> str:
    path.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    return str(path)


def replay_of(folder: Path, events: str, *more: str) -> int:
    return main(["replay", str(folder / "shop.yaml"), "--events", events, *more])


def explain_of(folder: Path, *more: str) -> int:
    return main(["explain", str(folder / "shop.yaml"), "--events", str(folder / "events.jsonl"), *more])


def as_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    called = [sys.executable, "-m", "custrules", *arguments]
    return subprocess.run(called, cwd=cwd, env={**os.environ, **environment}, capture_output=True, encoding="utf-8", check=False)


# -- misuse ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [[], ["dance"], ["check"], ["replay", "x.yaml"], ["explain", "x.yaml", "--events", "y.jsonl"], ["test"]])
def test_a_command_that_is_not_whole_is_misuse(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().err.startswith("usage: custrules")


@pytest.mark.parametrize("argv", [["check", "--lang", "fr", "x.yaml"], ["check", "--format", "xml", "x.yaml"], ["check", "--la", "zh", "x.yaml"]])
def test_an_unknown_language_form_or_abbreviation_is_misuse(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().out == ""


def test_help_speaks_the_language_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--lang", "zh", "--help"]) == 0
    assert "重放" in capsys.readouterr().out


def test_the_language_may_stand_before_the_verb_or_after_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "zh", "check", str(shop / "shop.yaml")]) == 0
    before = capsys.readouterr().out
    assert main(["check", str(shop / "shop.yaml"), "--lang", "zh"]) == 0
    assert "没有问题" in before
    assert capsys.readouterr().out == before


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"custrules {cr.__version__}\n"


@pytest.mark.parametrize(("lang", "words"), [("en", "There is no file"), ("zh", "没有文件")])
@pytest.mark.parametrize("verb", ["check", "replay", "explain", "test"])
def test_a_missing_file_is_named_and_is_misuse(verb: str, lang: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "gone.yaml")
    more = {"replay": ["--events", "x.jsonl"], "explain": ["--events", "x.jsonl", "--customer", "ann"]}.get(verb, [])
    assert main([verb, missing, *more, "--lang", lang]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert missing in captured.err


def test_a_folder_in_place_of_a_document_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_a_file_in_place_of_the_folder_of_the_demo_is_misuse(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--dir", str(shop / "shop.yaml")]) == 2
    assert "is a file, not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_missing_extra_prints_its_pip_line(lang: str, shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "custrules.documents.yaml_text", raising=False)
    assert main(["check", str(shop / "shop.yaml"), "--lang", lang]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "pip install 'custrules[yaml]'" in captured.err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (cr.ContractError("theirs", "a1", "raised ValueError"), "broke its contract: policy 'theirs' on event 'a1'"),
        (MissingZoneData("Europe/London"), "pip install tzdata"),
        (PermissionError(13, "Permission denied", "shop.yaml"), "shop.yaml cannot be opened: permission denied"),
        (OSError(28, "No space left on device", "shop.yaml"), "shop.yaml: No space left on device"),
    ],
)
def test_what_the_machine_or_a_plug_in_does_wrong_is_a_sentence(
    error: Exception, words: str, shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(cr.Program, "step", failing)
    assert replay_of(shop, str(shop / "events.jsonl")) == 2
    assert words in capsys.readouterr().err


# -- check -------------------------------------------------------------------------------------------------------------


def test_a_sound_document_is_fine(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(shop / "shop.yaml")]) == 0
    assert "fine. Program shop, 3 policies" in capsys.readouterr().out


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Two faults: line 14 asks with the unknown field ``entre``, line 18 with an unknown kind."""
    path = tmp_path / "faulty.yaml"
    path.write_text(DOCUMENT.replace("silver, enter:", "silver, entre:").replace("kind: points.account", "kind: points.acount"), "utf-8")
    return path


@pytest.mark.parametrize(("lang", "words"), [("en", "Did you mean"), ("zh", "是不是想写")])
def test_every_fault_of_a_document_is_told_with_its_place(lang: str, words: str, faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(faulty), "--lang", lang]) == 1
    out = capsys.readouterr().out
    assert f"{faulty}:14:" in out
    assert f"{faulty}:18:" in out
    assert words in out


def test_faults_as_json_are_diagnostics_with_their_sentence(faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(faulty), "--format", "json"]) == 1
    rows = as_json(capsys)
    assert {row["code"] for row in rows} >= {"document.unknown_field", "document.unknown_kind"}
    assert all(row["text"].startswith(f"{faulty}:{row['line']}:{row['column']} {row['code']}") for row in rows)


def test_a_sound_document_as_json_is_an_empty_list(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(shop / "shop.yaml"), "--format", "json"]) == 0
    assert as_json(capsys) == []


def test_several_documents_are_all_checked(shop: Path, faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(faulty), str(shop / "shop.yaml")]) == 1
    assert "shop.yaml: fine" in capsys.readouterr().out


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Sound, with a finding: who pays 100.00 gets less than who pays 99.99."""
    path = tmp_path / "odd.yaml"
    path.write_text(DOCUMENT + '    multiply: [{by: 2, when: {amount: "< 100"}}]\n', "utf-8")
    return path


@pytest.mark.parametrize(("lang", "words"), [("en", "who pays 100.00 gets 100 points, who pays 99.99 gets 199"), ("zh", "发现 2 个问题")])
def test_what_can_hardly_be_meant_is_told_with_its_place(lang: str, words: str, odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(odd), "--lang", lang]) == 1
    out = capsys.readouterr().out
    assert f"{odd}:21:" in out
    assert words in out


def test_findings_as_json_have_their_severity_and_witness(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(odd), "--format", "json"]) == 1
    (row, _) = as_json(capsys)
    assert (row["code"], row["severity"], row["params"]["more"]) == ("check.cliff", "warning", "100.00")


def test_information_alone_is_fine(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = shop / "shop.yaml"
    path.write_text(DOCUMENT + "    bonuses: [{points: 1}]\n", "utf-8")
    assert main(["check", str(path)]) == 0
    out = capsys.readouterr().out
    assert "check.splitting_by_design" in out
    assert "shop.yaml: fine" in out


def test_an_acceptance_is_judged_on_the_day_asked_for(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accepted = "".join(f"  - {{finding: check.{name}, reason: wanted, until: 2026-12-31}}\n" for name in ("cliff", "splitting"))
    odd.write_text(odd.read_text("utf-8") + "accept:\n" + accepted, "utf-8")
    assert main(["check", str(odd), "--on", "2026-12-31"]) == 0
    assert main(["check", str(odd), "--on", "2027-01-01"]) == 1
    assert main(["check", str(odd), "--on", "tomorrow"]) == 2
    assert "--on takes a day" in capsys.readouterr().err


def test_a_diff_says_what_changed_and_what_follows_from_it(shop: Path, odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--diff", str(shop / "shop.yaml"), str(odd)]) == 1
    out = capsys.readouterr().out
    assert "earn.multiply is now [{by: 2, when: {amount: < 100}}]" in out
    assert "check.version_rewritten" in out
    assert "changes: 1" in out


def test_a_diff_of_the_same_says_so(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(shop / "shop.yaml")
    assert main(["check", "--diff", path, path]) == 0
    assert "nothing changed" in capsys.readouterr().out


def test_a_diff_takes_two_documents(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--diff", str(shop / "shop.yaml")]) == 2
    assert "--diff takes two documents" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"program: \xff\xfe", b"", b"\x00", b"policies: [", b"- a\n- b\n"])
def test_a_text_that_is_no_document_is_a_finding_and_no_traceback(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    assert main(["check", str(path)]) == 1
    assert "document." in capsys.readouterr().out


def test_a_faulty_document_is_misuse_where_a_sound_one_is_needed(shop: Path, faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(faulty), "--events", str(shop / "events.jsonl")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{faulty}:14:" in captured.err


# -- explain -----------------------------------------------------------------------------------------------------------


def test_the_last_event_of_a_customer_is_explained(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_of(shop, "--customer", "ann") == 0
    out = capsys.readouterr().out
    assert out.startswith("Customer ann, 2026-02-11: return a3\n")
    assert "points: 0 usable, 30 pending, 0 owed" in out


def test_an_event_is_explained_by_what_was_known_before_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # 60.00 + 30.00 of the 100.00 that make silver: 10.00 are missing; the first 60 points are usable from 25 January
    assert explain_of(shop, "--customer", "ann", "--event", "a2") == 0
    out = capsys.readouterr().out
    assert "purchase a2  30.00 GBP" in out
    assert "10.00 GBP" in out.partition("Near misses")[2]
    assert "points: 60 usable, 30 pending, 0 owed" in out


def test_an_explanation_in_chinese(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_of(shop, "--customer", "ann", "--event", "a2", "--lang", "zh") == 0
    out = capsys.readouterr().out
    assert out.startswith("客户 ann，2026-02-10：消费 a2")
    assert "还差 10.00 GBP" in out


def test_an_explanation_as_json_holds_near_misses_and_progress(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_of(shop, "--customer", "ann", "--event", "a2", "--format", "json") == 0
    data = as_json(capsys)
    assert (data["customer_id"], data["event"]["id"], data["explanation"]["verdict"]) == ("ann", "a2", "accepted")
    assert [miss["gap"] for miss in data["explanation"]["near_misses"]] == ["10.00 GBP"]
    assert data["progress"]["ladders"][0]["next"]["level"] == "silver"


def test_events_of_other_customers_need_not_be_grouped_to_explain_one(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop / "events.jsonl", [EVENTS[0], EVENTS[3], EVENTS[1]])
    assert explain_of(shop, "--customer", "ann") == 0
    assert "purchase a2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"), [(["--customer", "eve"], "no event of the customer eve"), (["--customer", "ann", "--event", "b1"], "has no event b1")]
)
def test_a_customer_or_event_that_is_not_there_is_misuse(more: list[str], words: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_of(shop, *more) == 2
    assert words in capsys.readouterr().err


def test_an_event_that_is_refused_is_explained_too(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop / "events.jsonl", [{"type": "return", "id": "r1", "customer_id": "ann", "occurred_at": "2026-02-11T12:00:00Z", "of": "gone"}])
    assert explain_of(shop, "--customer", "ann") == 0
    assert "refused. The order gone is unknown" in capsys.readouterr().out


def test_an_event_without_an_amount_is_named_by_its_type(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop / "events.jsonl", [{"type": "visit", "id": "v1", "customer_id": "ann", "occurred_at": "2026-02-11T12:00:00Z"}])
    assert explain_of(shop, "--customer", "ann") == 0
    assert capsys.readouterr().out.startswith("Customer ann, 2026-02-11: visit v1\n")


# -- replay ------------------------------------------------------------------------------------------------------------


def test_a_replay_sums_up_verdicts_levels_and_points(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # ann: 60 + 30 points, 60 taken back; bob: 150. All are usable by 31 March (1 March + 14 days)
    assert replay_of(shop, str(shop / "events.jsonl"), "--until", "2026-03-31", "--format", "json") == 0
    data = as_json(capsys)
    assert (data["program"], data["until"], data["customers"]) == ("shop", "2026-03-31", 2)
    assert data["events"] == {"total": 5, "accepted": 4, "duplicate": 1}
    assert data["refusals"] == {"event.duplicate": 1}
    assert data["levels"] == {"tier": {"silver": 1, "member": 1}}
    points = {name: value for name, value in data["accounts"]["points"].items() if value}
    assert points == {"issued": 240, "taken_back": 60, "usable": 180}


def test_what_is_issued_is_spent_taken_back_expired_or_still_there(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # by 10 August ann's 30 points of 10 February are on their last day; by 11 August they are gone
    for day, usable, expired in (("2026-08-10", 180, 0), ("2026-08-11", 150, 30), ("2026-09-02", 0, 180)):
        assert replay_of(shop, str(shop / "events.jsonl"), "--until", day, "--format", "json") == 0
        points = as_json(capsys)["accounts"]["points"]
        assert (points["usable"], points["expired"]) == (usable, expired)


def test_every_movement_of_points_is_summed_under_its_name(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # 100 points, 70 spent and given back, 50 spent; 100.00 come back, of whose points 50 are left: 50 are owed; 20 added by hand settle as much
    (shop / "shop.yaml").write_text(DOCUMENT + "  - {id: pay, kind: points.redemption, value: {points: 100, money: 1.00}}\n", "utf-8")
    at = "2026-02-{:02}T12:00:00Z".format
    by_hand = {"account": "points", "quantity": "20", "reason": "sorry"}
    own = [
        purchase("p", "ann", "2026-01-10T12:00:00Z", "100.00"),
        {"type": "redemption", "id": "s1", "customer_id": "ann", "occurred_at": at(1), "points": "70"},
        {"type": "redemption_cancelled", "id": "c1", "customer_id": "ann", "occurred_at": at(2), "of": "s1"},
        {"type": "redemption", "id": "s2", "customer_id": "ann", "occurred_at": at(3), "points": "50"},
        {"type": "return", "id": "r", "customer_id": "ann", "occurred_at": at(4), "of": "p"},
        {"type": "adjustment", "id": "j", "customer_id": "ann", "occurred_at": at(5), **by_hand},
    ]
    assert replay_of(shop, write(shop / "own.jsonl", own), "--format", "json") == 0
    points = {name: value for name, value in as_json(capsys)["accounts"]["points"].items() if value}
    assert points == {"issued": 100, "spent": 120, "given_back": 70, "taken_back": 50, "adjusted": 20, "settled": 20, "owed": 30}


def test_points_that_lapsed_before_a_return_are_forgiven(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "shop.yaml").write_text(DOCUMENT.replace("expiry: 6 months", "expiry: 1 month"), "utf-8")
    own = [EVENTS[0], {"type": "return", "id": "r", "customer_id": "ann", "occurred_at": "2026-03-01T12:00:00Z", "of": "a1"}]
    assert replay_of(shop, write(shop / "own.jsonl", own), "--format", "json") == 0
    points = {name: value for name, value in as_json(capsys)["accounts"]["points"].items() if value}
    assert points == {"issued": 60, "expired": 60, "forgiven": 60}


def test_points_taken_by_hand_count_against_those_added(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = {"type": "adjustment", "customer_id": "ann", "account": "points", "reason": "sorry"}
    own = [
        {**head, "id": "j1", "occurred_at": "2026-02-01T12:00:00Z", "quantity": "20"},
        {**head, "id": "j2", "occurred_at": "2026-02-02T12:00:00Z", "quantity": "-5"},
    ]
    assert replay_of(shop, write(shop / "own.jsonl", own), "--format", "json") == 0
    points = as_json(capsys)["accounts"]["points"]
    assert (points["adjusted"], points["usable"]) == (15, 15)


def test_what_was_left_out_is_said_in_words(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay_of(shop, str(shop / "events.jsonl"), "--until", "2026-02-10") == 0
    assert "3 events after that were left out." in capsys.readouterr().out


def test_events_after_the_day_are_left_out_and_counted(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay_of(shop, str(shop / "events.jsonl"), "--until", "2026-02-10", "--format", "json") == 0
    data = as_json(capsys)
    assert data["events"] == {"total": 2, "accepted": 2, "after_until": 3}
    assert data["customers"] == 1


def test_an_instant_may_be_named_in_place_of_a_day(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay_of(shop, str(shop / "events.jsonl"), "--until", "2026-02-10T13:00:00+01:00", "--format", "json") == 0
    assert as_json(capsys)["events"]["total"] == 2


@pytest.mark.parametrize("until", ["tomorrow", "2026-02-30", "2026-02-10T12:00:00", "9999-12-31", "2026-2-1"])
def test_an_until_that_is_no_day_or_instant_is_misuse(until: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay_of(shop, str(shop / "events.jsonl"), "--until", until) == 2
    assert until in capsys.readouterr().err


@pytest.mark.parametrize(("lang", "words"), [("en", ["accepted", "taken back", "silver"]), ("zh", ["受理", "扣回", "2 位客户"])])
def test_a_replay_in_words(lang: str, words: list[str], shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay_of(shop, str(shop / "events.jsonl"), "--lang", lang) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in words)
    assert "\x1b" not in out


def test_a_customer_who_comes_back_is_told_with_line_and_remedy(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(shop / "mixed.jsonl", [EVENTS[0], EVENTS[3], EVENTS[1]])
    assert replay_of(shop, path) == 2
    err = capsys.readouterr().err
    assert f"{path}:3 customer_id event.customer_came_back" in err
    assert "--sort" in err


def test_sorting_groups_the_events(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(shop / "mixed.jsonl", [EVENTS[1], EVENTS[3], EVENTS[2], EVENTS[0]])
    assert replay_of(shop, path, "--sort", "--format", "json") == 0
    data = as_json(capsys)
    assert data["events"] == {"total": 4, "accepted": 4}
    assert data["accounts"]["points"]["taken_back"] == 60


def test_the_journal_has_every_event_with_its_verdict(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay_of(shop, str(shop / "events.jsonl"), "--until", "2026-12-31", "--journal", str(shop / "journal.jsonl")) == 0
    rows = [json.loads(line) for line in (shop / "journal.jsonl").read_text("utf-8").splitlines()]
    assert [(row["event_id"], row["verdict"]) for row in rows if row["customer_id"] == "bob"][:2] == [("b1", "accepted"), ("b1", "duplicate")]
    assert [row["event_id"] for row in rows if row["customer_id"] == "ann"] == ["a1", "a2", "a3", ""]
    assert capsys.readouterr().err == ""


def test_the_states_that_are_written_can_be_read_and_stepped_on(shop: Path) -> None:
    assert replay_of(shop, str(shop / "events.jsonl"), "--states", str(shop / "states.jsonl")) == 0
    states = [cr.State.from_json(line) for line in (shop / "states.jsonl").read_bytes().splitlines()]
    assert [state.customer_id for state in states] == ["ann", "bob"]
    program = cr.load(shop / "shop.yaml")
    assert program.step(states[1], program.event(purchase("b2", "bob", "2026-03-02T12:00:00Z", "1.00"))).accepted


def test_a_failed_replay_leaves_the_journal_of_before(shop: Path) -> None:
    journal = shop / "journal.jsonl"
    journal.write_text("before", "utf-8")
    path = write(shop / "bad.jsonl", [EVENTS[0], {"type": "nothing"}])
    assert replay_of(shop, path, "--journal", str(journal)) == 2
    assert journal.read_text("utf-8") == "before"
    assert not list(shop.glob("*.part"))


@pytest.mark.parametrize("target", ["events.jsonl", "shop.yaml"])
def test_what_is_read_is_not_written_over(target: str, shop: Path) -> None:
    before = (shop / target).read_bytes()
    assert replay_of(shop, str(shop / "events.jsonl"), "--journal", str(shop / target)) == 2
    assert (shop / target).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content"), [("none.jsonl", ""), ("none.jsonl", "\n\n"), ("none.csv", ""), ("none.csv", "type,id,customer_id,occurred_at\n")]
)
def test_a_file_without_events_collects_nothing(name: str, content: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / name).write_text(content, "utf-8")
    assert replay_of(shop, str(shop / name)) == 5
    assert "no events" in capsys.readouterr().err


# -- files of events ---------------------------------------------------------------------------------------------------


def test_compressed_events_are_read(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (shop / "events.jsonl").read_bytes()
    (shop / "events.jsonl.gz").write_bytes(gzip.compress(content))
    (shop / "events.jsonl.xz").write_bytes(lzma.compress(content))
    for name in ("events.jsonl.gz", "events.jsonl.xz"):
        assert replay_of(shop, str(shop / name), "--format", "json") == 0
        assert as_json(capsys)["events"]["total"] == 5


@pytest.mark.parametrize("suffix", ["gz", "xz"])
@pytest.mark.parametrize("cut", [b"not compressed at all", None])
def test_a_damaged_file_is_misuse(suffix: str, cut: bytes | None, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (shop / "events.jsonl").read_bytes()
    whole = gzip.compress(content) if suffix == "gz" else lzma.compress(content)
    path = shop / f"events.jsonl.{suffix}"
    path.write_bytes(whole[:-20] if cut is None else cut)
    assert replay_of(shop, str(path)) == 2
    assert f"{path} is damaged" in capsys.readouterr().err


CSV = """type,id,customer_id,occurred_at,amount,of,profile.birthday,tenders.card
enrolment,a0,ann,2026-01-09T12:00:00Z,,,1990-05-20,
purchase,a1,ann,2026-01-10T12:00:00Z,60.00,,,
purchase,a2,ann,2026-02-10T12:00:00Z,,,,30.00
return,a3,ann,2026-02-11T12:00:00Z,,a1,,

purchase,b1,bob,2026-03-01T12:00:00Z,150.00,,,
"""


def test_a_row_of_a_csv_file_is_an_event(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "events.csv").write_text("\ufeff" + CSV, "utf-8")
    assert replay_of(shop, str(shop / "events.csv"), "--format", "json", "--states", str(shop / "states.jsonl")) == 0
    data = as_json(capsys)
    assert data["events"] == {"total": 5, "accepted": 5}
    assert (data["accounts"]["points"]["issued"], data["accounts"]["points"]["taken_back"]) == (240, 60)
    ann = cr.State.from_json((shop / "states.jsonl").read_bytes().splitlines()[0])
    assert ann.profile == {"birthday": "1990-05-20"}


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (CSV.replace("amount", "ammount", 1), ":1:1 event.unknown_field", 'Did you mean "amount"?'),
        (CSV.replace(",of,", ",amount,", 1), ":1:1 event.repeated_key", "amount"),
        (CSV.replace("customer_id", "channel", 1), ":1:1 event.missing_field", "customer_id"),
        (CSV.replace("60.00,,,", "60.00"), ":3:1 event.wrong_length", "5 entries"),
        (CSV.replace("60.00", "sixty"), ":3 amount event.bad_money", "sixty"),
        (CSV.replace("2026-01-10T12:00:00Z", "2026-01-10"), ":3 occurred_at event.", "2026-01-10"),
        (CSV.replace("purchase,b1", '"purchase"x,b1'), ":7:1 event.syntax", "cannot be read"),
    ],
)
def test_a_fault_in_a_csv_file_is_told_with_its_line(content: str, place: str, words: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "events.csv").write_text(content, "utf-8")
    assert replay_of(shop, str(shop / "events.csv")) == 2
    err = capsys.readouterr().err
    assert f"events.csv{place}" in err
    assert words in err


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('{"type": "purchase",', ":2:21 event.syntax"),
        ('{"type": "purchas"}', ":2 type event.unknown_type"),
        ("[]", ":2:1 event.wrong_type"),
        (
            '{"type": "purchase", "id": "x", "customer_id": "ann", "occurred_at": "2026-01-10T12:00:00Z", "amount": "1.005"}',
            ":2 amount event.bad_money",
        ),
        ('{"id": "x", "id": "y"}', "event.repeated_key"),
        ('{"amount": NaN}', "event.not_a_number"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_faulty_event_is_told_with_its_line(lang: str, line: str, place: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = shop / "bad.jsonl"
    path.write_text(json.dumps(EVENTS[0]) + "\n" + line + "\n", "utf-8")
    assert replay_of(shop, str(path), "--lang", lang) == 2
    err = capsys.readouterr().err
    assert str(path) in err
    assert place in err


def test_a_csv_file_that_is_not_utf_8_says_so(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"purchase,b{number},bob,2026-03-01T12:00:00Z,1.00,,,\n" for number in range(2, 1000))
    (shop / "latin.csv").write_bytes((CSV + rows).encode() + b"purchase,caf\xe9,bob,2026-03-10T12:00:00Z,1.00,,,\n")
    assert replay_of(shop, str(shop / "latin.csv")) == 2
    assert "latin.csv:1006:1 event.not_utf8" in capsys.readouterr().err


def test_a_line_of_json_that_is_not_utf_8_is_told_with_its_line(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = shop / "latin.jsonl"
    path.write_bytes(json.dumps(EVENTS[0]).encode() + b"\n" + b'{"type": "caf\xe9"}\n')
    assert replay_of(shop, str(path)) == 2
    assert f"{path}:2:1 event.not_utf8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"), [("events.parquet", "Parquet cannot be read"), ("events.xlsx", "tells no format"), ("events", "tells no format")]
)
def test_a_file_of_another_format_is_misuse(name: str, words: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / name).write_bytes(b"PAR1")
    assert replay_of(shop, str(shop / name)) == 2
    assert words in capsys.readouterr().err


# -- test --------------------------------------------------------------------------------------------------------------

SCENARIO = """
program: shop.yaml
scenarios:
  - name: silver
    given: [{purchase: {at: 2026-01-10, amount: 100.00}}]
    steps: [{when: {day_end: 2026-01-10}, then: {tier: silver}}]
"""


@pytest.mark.parametrize(("content", "code"), [(SCENARIO, 0), (SCENARIO.replace("amount: 100.00", "amount: 99.99"), 1)])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_scenarios_pass_or_are_findings(content: str, code: int, lang: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "shop.scenarios.yaml").write_text(content, "utf-8")
    assert main(["test", str(shop), "--lang", lang]) == code
    assert "shop.scenarios.yaml" in capsys.readouterr().out


def test_results_of_scenarios_as_json(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "shop.scenarios.yaml").write_text(SCENARIO, "utf-8")
    assert main(["test", str(shop / "shop.scenarios.yaml"), "--format", "json"]) == 0
    assert as_json(capsys)["passed"] == 1


def test_a_folder_without_scenarios_collects_nothing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(shop)]) == 5
    capsys.readouterr()


# -- as a process ------------------------------------------------------------------------------------------------------


def test_exit_codes_of_the_process_are_those_of_the_verb(shop: Path, faulty: Path) -> None:
    (shop / "none.jsonl").touch()
    codes = [
        run("check", "shop.yaml", cwd=shop).returncode,
        run("check", str(faulty), cwd=shop).returncode,
        run("check", "gone.yaml", cwd=shop).returncode,
        run("replay", "shop.yaml", "--events", "none.jsonl", cwd=shop).returncode,
    ]
    assert codes == [0, 1, 2, 5]


def test_messages_go_to_stderr_and_results_to_stdout(shop: Path) -> None:
    wrong = run("check", "gone.yaml", cwd=shop)
    assert (wrong.stdout, wrong.stderr) == ("", "There is no file gone.yaml.\n")
    right = run("check", "shop.yaml", cwd=shop)
    assert (right.stdout, right.stderr) == ("shop.yaml: fine. Program shop, 3 policies.\n", "")


def test_chinese_is_written_where_the_terminal_has_no_letters_for_it(shop: Path) -> None:
    answer = run("check", "shop.yaml", "--lang", "zh", cwd=shop, PYTHONIOENCODING="ascii")
    assert answer.returncode == 0
    assert "\\u6ca1\\u6709" in answer.stdout


def test_a_closed_pipe_ends_quietly(shop: Path) -> None:
    write(shop / "many.jsonl", [purchase(f"p{n}", f"c{n}", "2026-01-10T12:00:00Z", "1.00") for n in range(20)])
    command = [sys.executable, "-m", "custrules", "replay", "shop.yaml", "--events", "many.jsonl"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        answer = subprocess.run(command, cwd=shop, stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)
    assert (answer.returncode, answer.stderr) == (141, b"")


def test_nothing_is_said_after_the_pipe_was_closed(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def closed(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(Output, "line", closed)
    monkeypatch.setattr("custrules.__main__.silence", lambda: None)
    assert main(["check", str(shop / "shop.yaml")]) == 141
    assert capsys.readouterr().err == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_counts_what_passes_and_wipes_itself_away() -> None:
    err = Terminal()
    assert list(Output(io.StringIO(), err).counted(range(600))) == list(range(600))
    assert err.getvalue() == "\r250 events …\r500 events …\r\x1b[K"


def test_an_interruption_ends_quietly(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(passing.Summary, "note", interrupted)
    assert replay_of(shop, str(shop / "events.jsonl"), "--journal", str(shop / "journal.jsonl")) == 130
    assert capsys.readouterr().err == "Interrupted.\n"
    assert not list(shop.glob("journal.jsonl*"))


def test_events_are_read_from_standard_input(shop: Path) -> None:
    command = [sys.executable, "-m", "custrules", "replay", "shop.yaml", "--events", "-", "--format", "json"]
    answer = subprocess.run(command, cwd=shop, input=(shop / "events.jsonl").read_bytes(), capture_output=True, check=True)
    assert json.loads(answer.stdout)["events"]["total"] == 5


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_is_for_terminals_without_no_color(no_color: str, coloured: bool, shop: Path) -> None:
    import pty  # noqa: PLC0415 - not on every platform

    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm"}
    command = [sys.executable, "-m", "custrules", "replay", "shop.yaml", "--events", "events.jsonl"]
    subprocess.run(command, cwd=shop, env=environment, stdout=theirs, stderr=subprocess.DEVNULL, check=True)
    os.close(theirs)
    written = os.read(ours, 10_000)
    os.close(ours)
    assert (b"\x1b[1m" in written) is coloured


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_progress_is_shown_where_stderr_is_a_terminal(shop: Path) -> None:
    import pty  # noqa: PLC0415 - not on every platform

    write(shop / "many.jsonl", [purchase(f"p{n}", f"c{n}", "2026-01-10T12:00:00Z", "1.00") for n in range(300)])
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "custrules", "replay", "shop.yaml", "--events", "many.jsonl"]
    answer = subprocess.run(command, cwd=shop, stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    written = os.read(ours, 10_000)
    os.close(ours)
    assert b"250 events" in written
    assert b"250 events" not in answer.stdout


def test_the_library_alone_does_not_load_the_command_line() -> None:
    told = "import sys, custrules; custrules.Program; print([name for name in sys.modules if name.startswith('custrules.cli')])"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_both_languages_say_the_same_things_about_the_same_values() -> None:
    gaps = {lang: {key: sorted(re.findall(r"{(\w+)}", text)) for key, text in words_of(lang).items()} for lang in ("en", "zh")}
    assert gaps["en"] == gaps["zh"]


# -- columns -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "columns"), [("gold", 4), ("金卡", 4), ("ｇ", 2), ("e\u0301", 1), ("", 0)])
def test_wide_characters_take_two_columns(text: str, columns: int) -> None:
    assert width(text) == columns


def test_a_table_is_aligned_on_both_sides() -> None:
    assert table([["金", "1"], ["gold", "20"]], right=(1,), indent="") == ["金     1", "gold  20"]


def test_a_text_that_is_too_long_is_not_cut() -> None:
    assert padded("platinum", 3) == "platinum"


# -- refusals as JSON --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "place"),
    [
        (["explain", "shop.yaml", "--events", "events.jsonl", "--customer", "nobody"], "command.no_customer", None),
        (["replay", "gone.yaml", "--events", "events.jsonl"], "command.file_missing", None),
        (["replay", "broken.yaml", "--events", "events.jsonl"], "document.unknown_zone", ("broken.yaml", 4)),
        (["compare", "broken.yaml", "shop.yaml", "events.jsonl"], "document.unknown_zone", ("broken.yaml", 4)),
        (["check", "shop.yaml", "--on", "soon"], "command.bad_on", None),
        (["check", "--diff", "shop.yaml"], "command.diff_of_two", None),
        (["record", "shop.yaml", "--events", "mixed.jsonl", "--customer", "ann"], "event.bad_money", ("mixed.jsonl", 2)),
        (["replay", "shop.yaml", "--events", "mixed.jsonl"], "event.bad_money", ("mixed.jsonl", 2)),
        (["replay", "shop.yaml", "--events", "unsorted.jsonl"], "event.customer_came_back", ("unsorted.jsonl", 3)),
        (["test"], "command.no_paths", None),
    ],
)
def test_what_is_refused_is_json_where_json_is_asked_for(
    arguments: list[str],
    code: str,
    place: tuple[str, int] | None,
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(shop)
    Path("broken.yaml").write_text(DOCUMENT.replace("zone: Europe/London", "zone: [1]"), "utf-8")
    write(Path("mixed.jsonl"), [EVENTS[0], EVENTS[1] | {"amount": "much"}])
    write(Path("unsorted.jsonl"), [EVENTS[0], EVENTS[3], EVENTS[1]])
    for lang in ("en", "zh"):
        assert main([*arguments, "--format", "json", "--lang", lang]) != 0
        told = capsys.readouterr()
        assert told.out == ""
        found = next(fault for fault in json.loads(told.err)["faults"] if fault["code"] == code)
        assert bool(re.search("[\u4e00-\u9fff]", found["text"])) == (lang == "zh")
        assert place is None or (Path(found["source"]).name, found["line"]) == place
