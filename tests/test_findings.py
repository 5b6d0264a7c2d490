"""One finding to a file: what a sound document says that can hardly be meant is found at its place, and nothing else is."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sentences
from programs_helper import program_of, shared_dir

import custrules as cr

FOLDER = Path(__file__).parent / "findings"
FILES = sorted(FOLDER.iterdir())
GOLDEN = sorted(path for path in (Path(__file__).parent / "golden").glob("*.yaml") if ".scenarios." not in path.name)
DEMO = Path(cr.__file__).parent / "demo" / "program.yaml"
# What the golden programs are about: caps of single purchases, a bonus by amount, programs that only count, points worth a whole unit,
# points that are let go or live longer, a level that waits for its review.
ON_PURPOSE = {
    "stored_value_cards.yaml": ["check.unread_measure"],
    "caps.yaml": ["check.splitting"],
    "caps_shared.yaml": ["check.splitting", "check.splitting"],
    "coming_back.yaml": ["check.grace_prolongs"],
    "complaints.yaml": ["check.unread_measure"],
    "coupons_lost.yaml": ["check.splitting"],
    "earning.yaml": ["check.splitting"],
    "ladder_to_earned.yaml": ["check.level_outlives_return"],
    "matching_decline.yaml": ["check.unread_measure"],
    "matching_spend_only.yaml": ["check.unread_measure"],
    "matching_to_person.yaml": ["check.unread_measure"],
    "moving_in_and_out.yaml": ["check.unread_measure"],
    "measures.yaml": ["check.unread_measure"] * 15,
    "membership_years.yaml": ["check.unread_measure"] * 2,
    "pro_rata.yaml": ["check.unread_measure"],
    "redeemed_in_part.yaml": ["check.unread_measure"],
    "rounding.yaml": ["check.splitting_by_rounding"] * 4,
    "shortfall.yaml": ["check.writes_off_all"],
    "spending.yaml": ["check.unread_measure"],
    "stored_value.yaml": ["check.unread_measure", "check.unread_measure", "check.top_up_splitting"],
    "top_up_gifts.yaml": ["check.top_up_splitting"],
    "surveys.yaml": ["check.not_of_missing"],  # who is of no segment is asked too
    "what_counts.yaml": ["check.earned_twice", "check.pays_back_all"],
}


def expected(path: Path) -> list[str]:
    """``check.cliff 9:5 warning; …`` from the first line of the file."""
    text = path.read_text("utf-8").partition("\n")[0].removeprefix("# expect: ")
    return [] if text == "nothing" else text.split("; ")


@cache
def found_in(path: Path) -> tuple[cr.Diagnostic, ...]:
    return cr.check(cr.load(path))


def codes(text: str, **options: date) -> list[str]:
    return [finding.code for finding in cr.check(cr.loads(text), **options)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_finding_is_told_by_code_place_and_severity_and_nothing_else_is(path: Path) -> None:
    assert [f"{finding.code} {finding.line}:{finding.column} {finding.severity}" for finding in found_in(path)] == expected(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_finding_is_told_in_whole_sentences(path: Path) -> None:
    for finding in found_in(path):
        sentences.whole(finding, path)


def test_every_code_of_a_check_is_expected_of_some_file() -> None:
    source = Path(cr.__file__).parent / "analysis" / "check"
    written = {
        code for path in source.glob("*.py") if path.name != "changes.py" for code in re.findall(r'"(check\.[a-z_]+)"', path.read_text("utf-8"))
    }
    told = {one.partition(" ")[0] for path in FILES for one in expected(path)}
    assert written - told == {"check.accepted_until", "check.missing_sentence"}  # these two have tests of their own


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_program_has_no_finding_but_what_it_is_about(path: Path) -> None:
    assert [finding.code for finding in found_in(path) if finding.severity != "info"] == ON_PURPOSE.get(path.name, [])


def test_the_demos_program_has_no_finding() -> None:
    assert found_in(DEMO) == ()


# -- witnesses ---------------------------------------------------------------------------------------------------------


def awarded(text: str, *amounts: str) -> list[int]:
    """Points after each of several purchases on one day, as the engine gives them."""
    program, state, balances = cr.loads(text), cr.State.new("c"), []
    for number, amount in enumerate(amounts):
        event = {"type": "purchase", "id": f"o{number}", "customer_id": "c", "occurred_at": "2026-03-10T12:00:00+08:00", "amount": amount}
        state = program.step(state, program.event(event)).state
        balances.append(int(str(state.points().available)))
    return balances


CLIFFS = [path for path in FILES if any(one.startswith("check.cliff ") for one in expected(path))]
SPLITS = [path for path in FILES if any(one.startswith("check.splitting") for one in expected(path))]


@pytest.mark.parametrize("path", CLIFFS, ids=lambda path: path.stem)
def test_the_engine_gives_less_for_the_greater_amount_of_a_cliff(path: Path) -> None:
    params = next(finding.params for finding in found_in(path) if finding.code == "check.cliff")
    text = path.read_text("utf-8")
    assert [awarded(text, params[name])[0] for name in ("amount", "more")] == [int(params["gives"]), int(params["only"])]
    assert int(params["only"]) < int(params["gives"])


@pytest.mark.parametrize("path", SPLITS, ids=lambda path: path.stem)
def test_the_engine_gives_more_for_two_purchases_than_for_one(path: Path) -> None:
    params = next(finding.params for finding in found_in(path) if finding.code.startswith("check.splitting"))
    text = path.read_text("utf-8")
    assert awarded(text, params["one"], params["other"])[-1] == int(params["gives"])
    assert awarded(text, params["whole"])[-1] == int(params["only"])
    assert int(params["only"]) < int(params["gives"])


@pytest.mark.parametrize(
    ("name", "code", "facts"),
    [
        ("keep_stricter_than_enter", "check.keep_stricter", "spend_12m 2000.00"),
        ("level_passed_over", "check.level_passed_over", "spend_12m 3000.00"),
        ("level_skips_another", "check.level_skips", "orders_12m 20, spend_12m 0.00"),
        ("not_cell_of_a_missing_fact", "check.not_of_missing", "segment missing"),
        ("cliff_of_spend_so_far", "check.cliff", "spend_12m 0.00 + amount"),
    ],
)
def test_a_witness_is_told_in_the_words_of_the_document(name: str, code: str, facts: str) -> None:
    (params,) = [finding.params for finding in found_in(FOLDER / f"{name}.yaml") if finding.code == code]
    assert params["witness"] == facts


def test_before_the_ladder_begins_nothing_is_given_by_level() -> None:
    assert awarded((FOLDER / "rates_before_the_ladder.yaml").read_text("utf-8"), "100.00") == [0]


def test_an_order_paid_in_points_earns_what_is_told() -> None:
    path = FOLDER / "orders_paid_in_points_earn.yaml"
    program, state = cr.load(path), cr.State.new("c")
    params = next(finding.params for finding in found_in(path) if finding.code == "check.earns_on_points")
    at = {"customer_id": "c", "occurred_at": "2026-03-10T12:00:00+08:00"}
    state = program.step(state, program.event({"type": "purchase", "id": "a", "amount": "100.00", **at})).state
    before = int(str(state.points().available))
    tender = {"type": "points", "amount": params["amount"], "quantity": params["paid"]}
    paid = program.step(state, program.event({"type": "purchase", "id": "b", "amount": params["amount"], "tenders": [tender], **at}))
    assert paid.accepted
    assert int(str(paid.state.points().available)) == before - int(params["paid"]) + int(params["gives"])


@pytest.mark.parametrize(
    ("name", "asked", "told"),
    [("refund_of_more_than_was_paid", {}, "refund"), ("refund_in_part_forfeits_the_bonus", {"amount": "0.01"}, "bonus_forfeited")],
)
def test_a_refund_comes_to_what_is_told_of_it(name: str, asked: dict[str, str], told: str) -> None:
    path = FOLDER / f"{name}.yaml"
    params = next(finding.params for finding in found_in(path) if finding.code.startswith("check.refund"))
    program, state = cr.load(path), cr.State.new("c")
    at = {"customer_id": "c", "occurred_at": "2026-03-10T12:00:00+08:00"}
    state = program.step(state, program.event({"type": "top_up", "id": "t", "amount": str(params["paid"]), **at})).state
    quote = program.step(state, program.event({"type": "refund_request", "id": "r", "of": "t", "cause": "merchant", **asked, **at}))
    assert str(quote.decisions[-1].reasons[0].params[told]) == str(params["refund" if told == "refund" else "bonus"])


# -- accepted findings -------------------------------------------------------------------------------------------------

ACCEPTED = (FOLDER / "accepted.yaml").read_text("utf-8")


def test_an_acceptance_that_has_run_out_brings_its_findings_back_and_says_so() -> None:
    assert codes(ACCEPTED, on=date(2026, 12, 31)) == []
    assert sorted(codes(ACCEPTED, on=date(2027, 1, 1))) == ["check.accepted_until", "check.accepted_until", "check.cliff", "check.splitting"]


def test_without_a_day_no_acceptance_has_run_out() -> None:
    assert codes(ACCEPTED) == []


@pytest.mark.parametrize("at", ["earn", "policies[1]", "policies"])
def test_a_finding_is_accepted_at_its_policy_or_at_its_path(at: str) -> None:
    assert "check.cliff" not in codes(ACCEPTED.replace("at: earn,", f'at: "{at}",'))


@pytest.mark.parametrize("at", ["ear", "points", "policies[0]", "earn.caps"])
def test_a_finding_elsewhere_is_not_accepted(at: str) -> None:
    assert {"check.cliff", "check.accepts_nothing"} <= set(codes(ACCEPTED.replace("at: earn,", f'at: "{at}",')))


def test_what_is_accepted_is_a_part_of_the_program() -> None:
    program = cr.loads(ACCEPTED)
    again = cr.Program.from_json(program.to_json())
    assert again == program
    assert [accepted.finding for accepted in again.accept] == ["check.cliff", "check.splitting"]
    assert cr.check(again) == ()


# -- places ------------------------------------------------------------------------------------------------------------

CLIFF = (FOLDER / "cliff_of_a_multiplier.yaml").read_text("utf-8")


def test_places_are_no_part_of_what_a_program_says() -> None:
    program, moved = cr.loads(CLIFF, source="a.yaml"), cr.loads("\n\n" + CLIFF, source="b.yaml")
    assert program == moved
    assert program.digest == moved.digest
    assert [finding.place for finding in cr.check(program)[:1]] == ["a.yaml:7:5"]
    assert [finding.place for finding in cr.check(moved)[:1]] == ["b.yaml:9:5"]


def test_a_program_without_a_text_is_told_its_findings_by_path() -> None:
    revived = pickle.loads(pickle.dumps(cr.loads(CLIFF)))
    (finding, _) = cr.check(revived)
    assert (finding.path, finding.source, finding.line) == ("policies[1]", "", 0)
    assert cr.render(finding).startswith("policies[1] check.cliff: ")


# -- the hand-written programs -----------------------------------------------------------------------------------------

PROGRAMS = shared_dir()


@pytest.mark.skipif(PROGRAMS is None, reason="the hand-written programs are not here; CUSTRULES_SHARED names the folder above them")
@pytest.mark.parametrize("name", ["01_tea", "04_airline", "06_beauty", "09_club"])
def test_a_hand_written_program_has_no_cliff_no_lost_level_and_no_empty_condition(name: str) -> None:
    assert PROGRAMS is not None
    harmless = {"check.unread_measure", "check.splitting", "check.account_never_filled", "check.accepts_nothing", "check.not_of_missing"}
    harmless |= {"check.top_up_splitting"}  # a ladder that goes by its highest row
    program = program_of(PROGRAMS / f"{name}.yaml", lambda line: None)
    assert {finding.code for finding in cr.check(program) if finding.severity != "info"} <= harmless


@pytest.mark.parametrize("asked", [lambda day: cr.check(cr.load(DEMO), on=day), lambda day: cr.diff(cr.load(DEMO), cr.load(DEMO), on=day)])
def test_what_is_no_day_is_refused_by_name(asked: Callable[[Any], object]) -> None:
    with pytest.raises(cr.AnalysisError, match=r"^on analysis\.wrong_type: expected a date such as 2026-03-31"):
        asked("soon")


ASKED: list[tuple[str, Callable[[Any], object]]] = [
    ("program", cr.check),
    ("old", lambda given: cr.diff(given, cr.load(DEMO))),
    ("new", lambda given: cr.diff(cr.load(DEMO), given)),
    ("base", lambda given: cr.compare(given, cr.load(DEMO), [])),
    ("candidate", lambda given: cr.compare(cr.load(DEMO), given, [])),
    ("program", lambda given: cr.metrics(given, [])),
    ("program", lambda given: cr.breakage(given, [], on="2026-01-01")),
    ("program", lambda given: cr.liability(given, [], on="2026-01-01")),
    ("program", lambda given: cr.deferred_revenue(given, [], {}, on="2026-01-01", breakage=0)),
]


@pytest.mark.parametrize("given", [None, "program.yaml"])
@pytest.mark.parametrize(("name", "asked"), ASKED)
def test_what_is_no_program_is_refused_by_name(name: str, asked: Callable[[Any], object], given: object) -> None:
    with pytest.raises(cr.AnalysisError, match=rf"^{name} analysis\.wrong_type: expected a program"):
        asked(given)


@pytest.mark.parametrize(
    "asked",
    [
        lambda program: cr.compare(program, program, None),  # type: ignore[arg-type]  # that is the fault
        lambda program: cr.metrics(program, None),  # type: ignore[arg-type]  # that is the fault
        lambda program: cr.metrics(program, "journal.jsonl"),  # type: ignore[arg-type]  # that is the fault
        lambda program: cr.breakage(program, None, on="2026-01-01"),  # type: ignore[arg-type]  # that is the fault
        lambda program: cr.liability(program, None, on="2026-01-01"),  # type: ignore[arg-type]  # that is the fault
    ],
)
def test_what_cannot_be_gone_through_is_refused_by_name(asked: Callable[[cr.Program], object]) -> None:
    with pytest.raises(cr.AnalysisError, match=r"^(entries|events|held) analysis\.wrong_type: expected several of them"):
        asked(cr.load(DEMO))
