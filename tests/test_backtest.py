"""What a flag would have said on a day, held against who came back."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import custrules as cr
from custrules.__main__ import main
from custrules.analysis.confusion import Confusion

FLAG = {"id": "churn", "kind": "churn.flag", "levels": [{"name": "low"}, {"name": "high"}]}
INACTIVE = {"name": "inactivity", "level": "low", "of": "purchase"}
CUTOFF, HORIZON = "2025-06-30", "60 days"  # up to 29 August


def program(*signals: dict[str, Any], **fields: Any) -> cr.Program:
    flag = {**FLAG, "signals": list(signals) or [INACTIVE], **fields}
    measures = {"idle": {"since": "purchase"}}
    activities: dict[str, Any] = {"slip": {}}
    return cr.Program(id="shop", zone="UTC", currency="EUR", measures=measures, activities=activities, policies=[flag])


def bought(customer: str, *days: str) -> list[dict[str, Any]]:
    return [
        {"type": "purchase", "id": f"{customer}{day}", "customer_id": customer, "occurred_at": f"{day}T12:00:00Z", "amount": "10.00"} for day in days
    ]


HISTORY = [
    *bought("a", "2025-01-01"),  # silent for 180 days, and gone: flagged, rightly
    *bought("b", "2025-01-01", "2025-08-29"),  # comes back on the last day that counts: flagged, wrongly
    *bought("c", "2025-06-01", "2025-08-30"),  # one day too late: gone, and not flagged
    *bought("d", "2025-06-01", "2025-07-01"),  # rightly left alone
    *bought("g", "2025-01-01", "2025-06-30", "2025-07-10"),  # bought on the day of the cutoff itself: not silent at its end
    *bought("late", "2025-07-05"),
]


def test_the_flag_is_judged_at_the_end_of_the_cutoff_and_held_against_who_came_back() -> None:
    found = cr.backtest(program(), HISTORY, CUTOFF, HORIZON)
    assert (found.tp, found.fp, found.fn, found.tn) == (1, 1, 1, 2)
    assert (found.customers, found.left_out, found.last_day, found.returned) == (5, 1, date(2025, 8, 29), ("purchase",))
    # 3 of 5 right; 1 of 2 flagged gone; 1 of 2 gone flagged; (1 x 2 - 1 x 1) / sqrt(2 x 2 x 3 x 3) = 1/6; 2 of 3 who came back not flagged
    figures = (found.base_rate, found.accuracy, found.precision, found.recall, found.flag_share, found.mcc)
    assert figures == tuple(map(Decimal, ("0.4000", "0.6000", "0.5000", "0.5000", "0.4000", "0.1667")))
    assert found.specificity == Decimal("0.6667")


def test_changes_are_counted_up_to_the_cutoff_over_the_days_that_customers_were_known() -> None:
    found = cr.backtest(program(), HISTORY, CUTOFF, HORIZON)
    # a, b and g were flagged on 27 March; g leaves on 1 July only. 3 x 181 + 2 x 30 days; 3 x 365 / 603
    assert (found.changes, found.customer_days, found.changes_per_customer_year) == (3, 603, Decimal("1.8159"))


@pytest.mark.parametrize("horizon", ["60 days", 60, timedelta(days=60)])
def test_a_horizon_is_a_length_or_a_number_of_days(horizon: Any) -> None:
    assert cr.backtest(program(), HISTORY, date(2025, 6, 30), horizon).horizon == 60
    assert cr.backtest(program(), HISTORY, CUTOFF, "2 months").last_day == date(2025, 8, 30)


def test_what_was_not_known_by_the_cutoff_is_no_past() -> None:
    """A purchase of 20 June that was only recorded in July would have spared the customer the flag."""
    late = [*bought("a", "2025-01-01"), bought("a", "2025-06-20")[0] | {"recorded_at": "2025-07-03T12:00:00Z"}]
    assert cr.backtest(program(), late, CUTOFF, HORIZON).tp == 1


def test_who_closed_the_account_is_neither_here_nor_gone() -> None:
    closed = {"type": "closure", "id": "x", "customer_id": "f", "occurred_at": "2025-05-01T12:00:00Z", "reason": "moved"}
    found = cr.backtest(program(), [*HISTORY, *bought("f", "2025-01-01"), closed], CUTOFF, HORIZON)
    assert (found.customers, found.closed) == (5, 1)


def test_each_cause_is_told_with_those_whom_no_other_flagged() -> None:
    slips = {"name": "slips", "level": "high", "count": "slip", "window": "90 days", "at_least": 1}
    score = {"name": "model", "level": "high", "when": {"idle": "> 1000"}}
    slip = {"type": "activity", "name": "slip", "id": "s", "customer_id": "a", "occurred_at": "2025-06-01T12:00:00Z"}
    visit = {"type": "visit", "id": "v", "customer_id": "z", "occurred_at": "2025-06-01T12:00:00Z"}
    found = cr.backtest(program(INACTIVE, slips, score), [*bought("a", "2025-01-01"), slip, *HISTORY[1:], visit], CUTOFF, HORIZON)
    inactive, slipped, model = found.causes
    assert (inactive.cause, inactive.flagged, inactive.gone, inactive.alone, inactive.not_evaluable) == ("inactivity", 2, 1, 1, 1)
    assert (slipped.flagged, slipped.gone, slipped.alone, slipped.precision) == (1, 1, 0, Decimal("1.0000"))
    assert (model.flagged, model.precision, model.not_evaluable) == (0, None, 1)
    assert (
        cr.backtest(program(INACTIVE, slips), [*bought("a", "2025-01-01"), slip, *HISTORY[1:]], CUTOFF, HORIZON, level="high").confusion.flagged == 1
    )


def test_any_condition_can_be_held_against_the_same_history() -> None:
    found = cr.backtest(program(), HISTORY, CUTOFF, HORIZON, flag={"idle": "> 84"})
    assert (found.tp, found.fp, found.fn, found.tn, found.changes, found.flag) == (1, 1, 1, 2, None, "idle > 84")
    everybody = cr.backtest(program(), HISTORY, CUTOFF, HORIZON, flag={"idle": ">= 0"})
    assert (everybody.confusion.total, everybody.flag_share, everybody.mcc) == (5, Decimal("1.0000"), Decimal("0.0000"))


def test_somebody_comes_back_by_the_events_that_are_named() -> None:
    visit = {"type": "visit", "id": "v", "customer_id": "a", "occurred_at": "2025-07-20T12:00:00Z"}
    events = [*bought("a", "2025-01-01"), visit, *HISTORY[1:]]
    assert cr.backtest(program(), events, CUTOFF, HORIZON).tp == 1
    assert cr.backtest(program(), events, CUTOFF, HORIZON, returned=["visit", "purchase"]).tp == 0


def test_gates_count_too() -> None:
    """Two confirmations on Mondays: flagged on the second Monday after 26 March, 7 April, and not by the end of 1 April."""
    gated = program(evaluate={"every": "week"}, enter={"confirm": 2})
    assert cr.backtest(gated, HISTORY, "2025-04-01", HORIZON).confusion.flagged == 0
    assert cr.backtest(gated, HISTORY, "2025-04-07", HORIZON).confusion.flagged == 3


# -- figures --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "mcc"),
    [
        ((1, 0, 0, 1), "1.0000"),
        ((0, 1, 1, 0), "-1.0000"),
        ((5, 5, 0, 0), "0.0000"),  # everybody is flagged
        ((5, 0, 5, 0), "0.0000"),  # everybody went
        ((6, 2, 1, 3), "0.4781"),  # (18 - 2) / sqrt(8 x 7 x 5 x 4) = 16 / 33.4664
    ],
)
def test_the_correlation_is_taken_in_decimals(counts: tuple[int, int, int, int], mcc: str) -> None:
    assert Confusion(*counts).mcc == Decimal(mcc)


def test_a_share_of_nothing_is_none() -> None:
    empty = Confusion()
    assert empty.figures() == dict.fromkeys(("base_rate", "accuracy", "precision", "recall", "specificity", "mcc", "flag_share"))
    assert Confusion(fn=3, tn=2).precision is None


def test_no_float_leaves_a_backtest() -> None:
    found = cr.backtest(program(), fit_history(), "2025-06-30", "60 days", fit=True)
    assert json.loads(found.to_json(), parse_float=lambda text: pytest.fail(f"{text} is a float"))["confusion"]["tp"] == found.tp


# -- fitting --------------------------------------------------------------------------------------------------------------


def fit_history() -> list[dict[str, Any]]:
    """Regulars every ten days all year, and others who come three times in a row and never again."""
    days = [date(2025, 1, 1) + timedelta(days=10 * number) for number in range(25)]
    steady = [event for name in ("r1", "r2", "r3") for event in bought(name, *(day.isoformat() for day in days))]
    gone = [event for number in range(1, 8) for event in bought(f"x{number}", f"2025-02-0{number}", f"2025-02-1{number}", f"2025-02-2{number}")]
    return steady + gone


def test_thresholds_are_chosen_on_the_past_and_change_no_more_than_they_must() -> None:
    """The middle of the past is 1 April: those who went have been silent for some 35 days by then, the regulars for at most ten."""
    tried = {"floor": ["14 days", "28 days", "84 days"], "times_own_gap": ["3", "5"]}
    found = cr.backtest(program(), fit_history(), "2025-06-30", "60 days", fit=tried)
    assert found.fitted is not None
    assert (found.fitted.cutoff, found.fitted.horizon, found.fitted.tried) == (date(2025, 4, 1), 90, 6)
    assert dict(found.fitted.before) == {"times_own_gap": "3", "floor": "84 days", "cap": "182 days", "fallback": "84 days"}
    assert dict(found.fitted.values) == {"times_own_gap": "3", "floor": "14 days", "cap": "182 days", "fallback": "84 days"}  # 3 x 10 = 30 < 35
    assert (found.fitted.past_before.tp, found.fitted.past.tp, found.fitted.past.fp) == (0, 7, 0)
    (flag,) = found.fitted.program.document_data()["policies"]
    assert flag["signals"][0]["floor"] == "14 days"
    assert cr.Program.from_json(found.fitted.program.to_json()) == found.fitted.program


@pytest.mark.parametrize("target", ["accuracy", "mcc"])
def test_what_comes_after_the_cutoff_changes_no_threshold(target: str) -> None:
    events = fit_history()
    kept = [event for event in events if event["occurred_at"] < "2025-07-01"]
    moved = (
        kept + [event | {"id": f"{event['id']}-again", "occurred_at": "2025-07-02T12:00:00Z"} for event in kept if event["customer_id"] == "x7"][:1]
    )
    told = kept[-1] | {"id": "told-later", "occurred_at": "2025-05-02T12:00:00Z", "recorded_at": "2025-07-05T12:00:00Z"}
    chosen = [
        dict(found.fitted.values) | {"past": found.fitted.past}
        for history in (events, kept, moved, [*kept, told])
        if (found := cr.backtest(program(), history, "2025-06-30", "60 days", fit=True, target=target)).fitted is not None
    ]
    assert len(chosen) == 4
    assert all(one == chosen[0] for one in chosen)


def test_another_signal_is_left_as_it_is_by_a_fit_and_counts() -> None:
    slips = {"name": "slips", "level": "high", "count": "slip", "window": "90 days", "at_least": 1}
    slip = {"type": "activity", "name": "slip", "id": "s", "customer_id": "r1", "occurred_at": "2025-03-20T12:00:00Z"}
    events = sorted([*fit_history(), slip], key=lambda event: (event["customer_id"], event["occurred_at"]))
    found = cr.backtest(program(slips, INACTIVE), events, "2025-06-30", "60 days", fit={"floor": [14, 84]})
    assert found.fitted is not None
    assert (found.fitted.past.tp, found.fitted.past.fp) == (7, 1)
    assert [signal["name"] for signal in found.fitted.program.document_data()["policies"][0]["signals"]] == ["slips", "inactivity"]


# -- what is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "code", "path"),
    [
        ({"cutoff": "30.06.2025"}, "analysis.wrong_type", "cutoff"),
        ({"horizon": "soon"}, "analysis.wrong_type", "horizon"),
        ({"horizon": 0}, "analysis.wrong_type", "horizon"),
        ({"horizon": True}, "analysis.wrong_type", "horizon"),
        ({"flag": "chrun"}, "analysis.unknown_flag", "flag"),
        ({"flag": {"idel": "> 84"}}, "analysis.unknown_fact", "flag.idel"),
        ({"flag": {"idle": "=> 84"}}, "analysis.bad_condition", "flag.idle"),
        ({"level": "huge"}, "analysis.unknown_level", "level"),
        ({"returned": "purchas"}, "analysis.unknown_event", "returned"),
        ({"cutoff": "2020-01-01"}, "analysis.nobody", "events"),
        ({"target": "luck"}, "analysis.unknown_choice", "target"),
        ({"fit": {"luck": [1]}}, "analysis.unknown_choice", "fit.luck"),
        ({"fit": {"floor": ["soon"]}}, "analysis.wrong_type", "fit.floor"),
        ({"fit": {"times_own_gap": [0]}}, "analysis.wrong_type", "fit.times_own_gap"),
        ({"fit": {"floor": []}}, "analysis.too_many_combinations", "fit"),
        ({"fit": True, "flag": {"idle": "> 84"}}, "analysis.nothing_to_fit", "fit"),
        ({"fit": True, "cutoff": "2025-01-20"}, "analysis.past_too_short", "fit"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_place(asked: dict[str, Any], code: str, path: str) -> None:
    with pytest.raises(cr.AnalysisError) as told:
        cr.backtest(program(), HISTORY, **({"cutoff": CUTOFF, "horizon": HORIZON} | asked))
    assert [(fault.code, fault.path) for fault in told.value.diagnostics] == [(code, path)]


def test_a_program_without_a_flag_or_with_two_has_to_be_told_which() -> None:
    plain = cr.Program(id="shop", zone="UTC", currency="EUR", policies=[])
    two = cr.Program(
        id="shop", zone="UTC", currency="EUR", policies=[{**FLAG, "id": name, "status": name, "signals": [INACTIVE]} for name in ("one", "two")]
    )
    for rules in (plain, two):
        with pytest.raises(cr.AnalysisError, match="which flag"):
            cr.backtest(rules, HISTORY, CUTOFF, HORIZON)
    assert cr.backtest(two, HISTORY, CUTOFF, HORIZON, flag="two").tp == 1
    later = program(effective_from="2025-07-01")
    with pytest.raises(cr.AnalysisError, match="not in force"):
        cr.backtest(later, HISTORY, CUTOFF, HORIZON)


def test_a_customer_who_comes_back_after_another_is_an_error_with_its_place() -> None:
    with pytest.raises(cr.EventError, match=r"events\[10\]"):
        cr.backtest(program(), [*HISTORY[:-1], *bought("a", "2025-07-01")], CUTOFF, HORIZON)


# -- words and the command line -------------------------------------------------------------------------------------------


def test_the_words_tell_counts_figures_causes_and_the_fit() -> None:
    found = cr.backtest(program(), fit_history(), "2025-06-30", "60 days", fit={"floor": ["14 days"]})
    english, chinese = cr.render(found), cr.render(found, "zh")
    assert "churn at the end of 2025-06-30, held against the 60 days up to 2025-08-29." in english
    assert "10 customers, 7 of whom did not come back (purchase): a base rate of 0.7000." in english
    assert "floor                   84 days   14 days" in english
    assert "客户 10 人，其中 7 人未再来（purchase），基准流失率 0.7000。" in chinese


@pytest.fixture
def files(tmp_path: Path) -> Path:
    pytest.importorskip("yaml")
    (tmp_path / "shop.json").write_bytes(program().to_json())
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in fit_history()), "utf-8")
    return tmp_path


def asked(files: Path, *more: str) -> int:
    head = ["backtest", str(files / "shop.json"), "--events", str(files / "events.jsonl")]
    return main([*head, "--cutoff", "2025-06-30", "--horizon", "60 days", *more])


def test_the_verb_prints_what_the_function_tells(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(files, "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(cr.backtest(program(), fit_history(), "2025-06-30", "60 days").to_json())
    assert asked(files, "--lang", "zh") == 0
    assert "基准流失率" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["fitted.yaml", "fitted.json"])
def test_a_fitted_program_is_written_as_a_document_that_says_the_same(files: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(files, "--fit", "--write", str(files / name)) == 0
    fitted = cr.backtest(program(), fit_history(), "2025-06-30", "60 days", fit=True).fitted
    assert fitted is not None
    assert cr.load(files / name) == fitted.program
    assert asked(files, "--fit", "--write", str(files / name)) == 2
    assert "is there already" in capsys.readouterr().err


def test_misuse_is_told_and_ends_with_2(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(files, "--write", str(files / "x.yaml")) == 2
    assert asked(files, "--flag", "nothing") == 2
    assert "--write writes a fitted program" in (told := capsys.readouterr().err)
    assert "there is no churn.flag 'nothing'" in told


def test_limits_in_months_and_none_are_fitted_like_any() -> None:
    found = cr.backtest(program(), fit_history(), "2025-06-30", "60 days", fit={"floor": ["1 month", "3 months"], "fallback": ["none", "2 months"]})
    assert found.fitted is not None
    assert (found.fitted.tried, found.fitted.values["floor"]) == (4, "1 month")  # 28 days from 21 February, and 3 x 10 is less
    assert (found.fitted.past.tp, found.fitted.past.fp) == (7, 0)


def test_events_are_sorted_when_asked_and_their_faults_have_a_place(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (files / "events.jsonl").read_text("utf-8").splitlines()
    (files / "events.jsonl").write_text("\n".join([*lines[40:], *lines[:40]]) + "\n", "utf-8")
    assert asked(files) == 2
    assert "--sort" in capsys.readouterr().err
    assert asked(files, "--sort") == 0
