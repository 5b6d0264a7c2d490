"""``custrules compare``: what it prints, its exit codes, and what it says to a person's mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from custrules.__main__ import main

pytest.importorskip("yaml")

DOCUMENT = """
program: shop
zone: Europe/London
currency: GBP
profile: {kind: {type: text, values: [trade, home]}}
measures:
  spend_12m: {sum: spend, window: 12 months}
policies:
  - id: levels
    kind: tiers.ladder
    levels: [{name: member}, {name: silver, enter: {spend_12m: ">= 100"}}]
    term: 12 months
    downgrade: one_level
  - {id: points, kind: points.account, expiry: 6 months}
  - {id: earn, kind: points.accrual, points_per_unit: 1}
"""
Data = dict[str, Any]


def event(kind: str, event_id: str, customer: str, day: str, **fields: Any) -> Data:
    return {"type": kind, "id": event_id, "customer_id": customer, "occurred_at": f"2026-{day}T12:00:00Z", **fields}


# ann buys for 60.00 and 30.00, bob for 150.00: under the other program silver begins at 80, and ann reaches it
ANN = [event("purchase", "a1", "ann", "01-10", amount="60.00"), event("purchase", "a2", "ann", "02-10", amount="30.00")]
BOB = [event("enrolment", "b0", "bob", "01-01", profile={"kind": "home"}), event("purchase", "b1", "bob", "03-01", amount="150.00")]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(DOCUMENT, "utf-8")
    (tmp_path / "other.yaml").write_text(DOCUMENT.replace(">= 100", ">= 80"), "utf-8")
    write(tmp_path / "events.jsonl", [*ANN, *BOB])
    return tmp_path


def write(path: Path, events: list[Data]) -> str:
    path.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    return str(path)


def compare(shop: Path, *more: str, candidate: str = "other.yaml", events: str = "events.jsonl") -> int:
    return main(["compare", str(shop / "base.yaml"), str(shop / candidate), str(shop / events), *more])


def as_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_what_differs_is_told_and_is_fine(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(shop) == 0
    out = re.sub(" +", " ", capsys.readouterr().out)
    assert out.startswith(f"{shop / 'base.yaml'} → {shop / 'other.yaml'}\n")
    assert "Customers: 2; affected: 1. Events: 4. Events and days answered differently: 1." in out
    assert " ann tier member → silver; events and days answered differently: 1\n" in out
    assert "candidate levels: silver is reached (before: member), held until 2027-02-10." in out


def test_that_nothing_differs_is_told_and_is_fine(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(shop, candidate="base.yaml") == 0
    assert "Nothing differs." in capsys.readouterr().out


def test_a_comparison_in_chinese(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(shop, "--lang", "zh") == 0
    assert "客户 2，其中受影响 1；事件 4；判定不同的事件与日期：1。" in capsys.readouterr().out


def test_a_comparison_as_json_has_the_figures(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(shop, "--format", "json", "--by", "kind", "--until", "2026-02-28") == 0
    data = as_json(capsys)
    assert data["differs"] is True
    assert data["left_out"] == 1
    assert data["total"]["accounts"][0]["moved"]["issued"] == {"base": 90, "candidate": 90, "difference": 0}
    assert {"base": "member", "candidate": "silver", "customers": 1} in data["total"]["levels"][0]["customers"]
    assert [(segment["value"], segment["affected"]) for segment in data["segments"]] == [("home", 0), (None, 1)]


def test_a_day_ends_in_the_zone_of_the_base_program(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "far.yaml").write_text(DOCUMENT.replace("Europe/London", "Asia/Shanghai"), "utf-8")
    assert compare(shop, "--until", "2026-02-28", candidate="far.yaml") == 0
    out = capsys.readouterr().out
    assert "As of 2026-02-28." in out
    assert "The programs differ in zone" in out


def test_the_number_of_customers_told_is_asked_for(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(shop, "--top", "0", "--format", "json") == 0
    total = as_json(capsys)["total"]
    assert (total["affected"], total["most_affected"]) == (1, [])


def test_several_files_are_read_one_after_the_other(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bob = write(shop / "bob.jsonl", BOB)
    write(shop / "ann.jsonl", ANN)
    assert compare(shop, bob, "--format", "json", events="ann.jsonl") == 0
    assert as_json(capsys)["total"]["customers"] == 2


def test_a_customer_who_comes_back_in_another_file_is_told_with_line_and_remedy(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = write(shop / "again.jsonl", [event("visit", "a3", "ann", "02-11")])
    assert compare(shop, again) == 2
    err = capsys.readouterr().err
    assert f"{again}:1 customer_id event.customer_came_back" in err
    assert "--sort" in err
    assert compare(shop, again, "--sort") == 0


def test_a_faulty_event_is_told_with_its_file_and_line(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = write(shop / "bad.jsonl", [*ANN, event("purchase", "x", "zoe", "03-01", amount="much")])
    assert compare(shop, events="bad.jsonl") == 2
    assert f"{bad}:3 amount event.bad_money" in capsys.readouterr().err


def test_an_event_that_only_one_document_declares_is_told_as_not_accepted(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    poorer = DOCUMENT.replace("profile: {kind: {type: text, values: [trade, home]}}\n", "")
    (shop / "poorer.yaml").write_text(poorer, "utf-8")
    assert compare(shop, candidate="poorer.yaml") == 0
    out = capsys.readouterr().out
    assert "Not accepted under candidate alone: 1\n  bob b0: profile.kind event.unknown_profile_field" in out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--by", "kinds"], 'Did you mean "kind"?'),
        (["--top", "-1"], "a whole number from 0 to 1000"),
        (["--until", "soon"], "--until takes a day"),
    ],
)
def test_an_option_that_cannot_be_done_is_misuse(more: list[str], words: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(shop, *more) == 2
    assert words in capsys.readouterr().err


def test_documents_of_two_currencies_are_misuse(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "yuan.yaml").write_text(DOCUMENT.replace("GBP", "CNY"), "utf-8")
    assert compare(shop, "--lang", "zh", candidate="yuan.yaml") == 2
    assert "两份规则的币种不同：GBP 和 CNY。" in capsys.readouterr().err


def test_a_faulty_candidate_is_misuse(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "bad.yaml").write_text(DOCUMENT.replace("points_per_unit: 1", "points_per_unt: 1"), "utf-8")
    assert compare(shop, candidate="bad.yaml") == 2
    assert "points_per_unit" in capsys.readouterr().err


def test_a_missing_file_is_named(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(shop, events="gone.jsonl") == 2
    assert "There is no file" in capsys.readouterr().err


def test_files_without_events_collect_nothing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop / "none.jsonl", [])
    assert compare(shop, events="none.jsonl") == 5
    assert "There are no events" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["compare"], ["compare", "a.yaml"], ["compare", "a.yaml", "b.yaml"], ["compare", "a", "b", "c", "--top", "x"]])
def test_a_comparison_that_is_not_whole_is_misuse(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().err.startswith("usage: custrules")


def test_standard_input_is_read_once_only(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(shop / "base.yaml"), str(shop / "other.yaml"), "-", "-"]) == 2
    assert capsys.readouterr().err == "Standard input (-) can be read once only. Name it once.\n"
