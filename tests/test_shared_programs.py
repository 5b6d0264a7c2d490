"""The hand-written whole programs, as far as the families they need are there."""

import json
from datetime import date
from pathlib import Path

import pytest
from programs_helper import program_of, scenarios_of, shared_dir

import custrules as cr
from custrules.calendars import end_of_day
from custrules.documents.reading import read
from custrules.testing import history
from custrules.testing.scenarios import Planned, collect

PROGRAMS = shared_dir()
needs_programs = pytest.mark.skipif(PROGRAMS is None, reason="the hand-written programs are not here; CUSTRULES_SHARED names the folder above them")


@needs_programs
def test_the_tea_programs_scenario_of_levels_and_points_passes_unchanged() -> None:
    assert PROGRAMS is not None
    (first,) = whole("01_tea", "多倍积分取最高")
    assert first.case.tags == ("points", "tier", "return", "expiry")
    assert first.run().failures == ()


@needs_programs
def test_the_telecom_programs_old_silver_is_kept_to_the_end_of_its_term() -> None:
    (first,) = whole("03_telecom", "老银卡延用到会员身份到期")
    assert first.run().failures == ()


@needs_programs
def test_the_telecom_programs_bands_have_their_edges() -> None:
    found = whole("03_telecom", "档位边界与排除")
    assert len(found) == 9
    assert [planned.name for planned in found if planned.run().failures] == []


@needs_programs
def test_the_telecom_programs_flag_day_by_day_up_to_the_call() -> None:
    """The scenario of a day's work without its plan of contacts: 50.00 in April after 120.00 a month is 0.41667, in (0.3..0.5]."""
    assert PROGRAMS is not None
    program = program_of(PROGRAMS / "03_telecom.yaml")
    state = cr.State.new("c")
    head = {"customer_id": "c", "type": "activity", "name": "bill"}
    for day, amount in (("2014-01-31", "120.00"), ("2014-02-28", "120.00"), ("2014-03-31", "120.00"), ("2014-04-30", "50.00")):
        bill = head | {"id": day, "occurred_at": f"{day}T12:00:00+08:00", "attributes": {"amount": amount}}
        state = program.step(state, program.event(bill)).state
    tier = state.tier()
    assert tier is not None
    assert tier.name == "silver"
    decided = []
    for number in range(1, 7):
        assert ("churn", "") not in state.statuses or number == 6
        step = program.advance(state, end_of_day(date(2014, 5, number), program.zone))
        decided += [found for found in step.decisions if found.policy_id == "churn"]
        state = step.state
    (raised,) = decided
    assert raised.event_id == "day:2014-05-05"
    assert raised.codes == ("churn.flag.raised", "churn.signal.condition", "churn.action.asked")
    assert (state.status("churn").value, state.status("churn").since) == ("critical", date(2014, 5, 5))
    (call,) = [effect for effect in raised.effects if isinstance(effect, cr.Touchpoint)]
    assert (call.outcome, call.channel, call.template, call.category, call.day, call.last_day) == (
        "task", "phone", "retention_call", "churn_warning", date(2014, 5, 5), date(2014, 5, 5),
    )  # fmt: skip
    assert (call.data["deadline"], call.data["due_by"], call.data["purpose"]) == ("24 hours", "2014-05-05T16:00:00Z", "greeting")


@needs_programs
def test_the_airline_programs_surplus_rolls_over_and_lands_softly() -> None:
    (first,) = whole("04_airline", "rollover, soft landing")
    assert first.run().failures == ()


@needs_programs
def test_the_airline_programs_levels_take_segments_or_miles() -> None:
    found = whole("04_airline", "segments or miles")
    assert len(found) == 6
    assert [planned.name for planned in found if planned.run().failures] == []


@needs_programs
def test_the_tea_programs_top_ups_are_decomposed() -> None:
    found = without_quotes("01_tea", "2500 拆档赠送")
    assert len(found) == 4
    assert [planned.name for planned in found if planned.run().failures] == []


@needs_programs
def test_the_tea_programs_card_is_topped_up_spent_given_back_to_and_quoted_by_cause() -> None:
    (found,) = whole("01_tea", "充1000送200")
    assert len(found.case.steps) == 5
    assert found.run().failures == ()


@needs_programs
def test_the_tea_programs_cooling_off_ends_with_the_seventh_day() -> None:
    (found,) = whole("01_tea", "七日内未使用全额退")
    assert len(found.case.steps) == 2
    assert found.run().failures == ()


@needs_programs
def test_the_beauty_programs_refund_is_quoted_by_two_causes() -> None:
    (found,) = only_quotes("06_beauty", "余额越高跟进越勤")
    assert len(found.case.steps) == 2
    assert found.run().failures == ()


def only_quotes(stem: str, name: str) -> list[Planned]:
    """The cases of one scenario with what it asks beside what happens; of what happens nothing is expected."""
    assert PROGRAMS is not None
    program, path = program_of(PROGRAMS / f"{stem}.yaml"), PROGRAMS / f"{stem}.scenarios.yaml"
    (scenario,) = [one for one in read(path.read_bytes(), source=path.name).data["scenarios"] if one["name"].startswith(name)]
    happens = [step["when"] for step in scenario["steps"] if not {"quote", "day_end"} & {*step["when"]}]
    asked = [step for step in scenario["steps"] if "quote" in step["when"]]
    text = json.dumps({"scenarios": [{**scenario, "given": [*scenario["given"], *happens], "steps": asked}]})
    return collect(path.with_suffix(".json"), text=text, program=program)


def without_quotes(stem: str, name: str) -> list[Planned]:
    """The cases of one scenario, by how its name begins, without what it asks beside what happens."""
    assert PROGRAMS is not None
    program, path = program_of(PROGRAMS / f"{stem}.yaml"), PROGRAMS / f"{stem}.scenarios.yaml"
    (scenario,) = [one for one in read(path.read_bytes(), source=path.name).data["scenarios"] if one["name"].startswith(name)]
    steps = [step for step in scenario["steps"] if "quote" not in step["when"]]
    return collect(path.with_suffix(".json"), text=json.dumps({"scenarios": [{**scenario, "steps": steps}]}), program=program)


@needs_programs
def test_the_telecom_programs_second_complaint_in_three_months_is_critical() -> None:
    assert PROGRAMS is not None
    program = program_of(PROGRAMS / "03_telecom.yaml", lambda line: None)
    once = history(program).on("2014-01-20").profile_update(account_type="normal").complaint(id="k1")
    twice = once.on("2014-03-20").complaint(id="k2")  # evaluated on the 5th: 5 January to 5 April
    assert [("churn", "") in customer.day_end("2014-04-05").state.statuses for customer in (once, twice)] == [False, True]
    assert twice.day_end("2014-04-05").state.status("churn").value == "critical"


@needs_programs
def test_the_club_programs_survey_asks_after_an_event_and_by_the_quarter_but_not_too_often() -> None:
    assert PROGRAMS is not None
    program = program_of(PROGRAMS / "09_club.yaml", lambda line: None)
    customer = history(program).on("2026-05-20").attendance("regatta", id="a1").day_end("2026-05-21")
    assert customer.state.status("survey", "a1").value == "asked"
    sent = customer.contact("survey", channel="wechat").day_end("2026-07-01")
    assert sent.state.status("survey", "every-2026-07-01").value == "skipped"  # 21 May + 90 days: 19 August
    assert sent.day_end("2026-10-01").state.status("survey", "every-2026-10-01").value == "asked"


def whole(stem: str, name: str) -> list[Planned]:
    """The cases of one scenario, of which nothing was dropped: by how its name begins."""
    assert PROGRAMS is not None
    told: list[str] = []
    program = program_of(PROGRAMS / f"{stem}.yaml")
    found = [planned for planned in scenarios_of(PROGRAMS / f"{stem}.scenarios.yaml", program, told.append) if planned.name.startswith(name)]
    places = {planned.case.path[1] for planned in found}
    assert [line for line in told if any(f"dropped scenarios[{place}]" in line for place in places)] == []
    return found


@needs_programs
@pytest.mark.parametrize(
    ("stem", "name", "count"),
    [("03_telecom", "生日 > 预警", 1), ("06_beauty", "闰月生日与中秋生日", 5), ("06_beauty", "余额越高跟进越勤", 1)],
)
def test_the_programs_care_comes_in_its_order_on_its_days(stem: str, name: str, count: int) -> None:
    found = whole(stem, name)
    assert len(found) == count
    assert [planned.name for planned in found if planned.run().failures] == []


PROGRAM = """
program: half-built
zone: Asia/Shanghai
currency: CNY
games: {dice: 6}
calendar: {feast: {month: 2, festival: spring_festival}}
policies:
  - {id: points, kind: points.account, expiry: never}
  - {id: earn, kind: points.accrual, points_per_unit: 1}
  - {id: draw, kind: rewards.draw, opens: 2026-03-01}
  - id: levels
    kind: tiers.ladder
    levels: [{name: regular}]
    downgrade: one_level
"""
SCENARIOS = """
program: half-built.yaml
scenarios:
  - name: what is there
    given: [{purchase: {at: 2026-03-01, amount: 7.00}}]
    steps: [{when: {day_end: 2026-03-01}, then: {points: 7, tier: regular, draw.entries: 0}}]
  - name: what is not
    given: [{sign_up: {at: 2026-03-01, activity: feast}}]
    steps: [{when: {day_end: 2026-03-01}, then: {points: 0}}]
"""


def test_what_does_not_exist_yet_is_dropped_and_told(tmp_path: Path) -> None:
    (tmp_path / "half-built.yaml").write_text(PROGRAM, "utf-8")
    told: list[str] = []
    program = program_of(tmp_path / "half-built.yaml", told.append)
    assert [policy.id for policy in program.policies] == ["points", "earn", "levels"]
    assert sorted(told) == [
        "half-built.yaml: dropped games (document.unknown_field)",
        "half-built.yaml: dropped policies[2] draw (document.not_available)",
    ]


def test_scenarios_that_need_what_was_dropped_are_dropped_and_told(tmp_path: Path) -> None:
    (tmp_path / "half-built.yaml").write_text(PROGRAM, "utf-8")
    (tmp_path / "half-built.scenarios.yaml").write_text(SCENARIOS, "utf-8")
    program = program_of(tmp_path / "half-built.yaml", lambda line: None)
    told: list[str] = []
    (left,) = scenarios_of(tmp_path / "half-built.scenarios.yaml", program, told.append)
    assert left.name == "what is there"
    assert left.run().passed
    assert sorted(told) == [
        "half-built.scenarios.yaml: dropped scenarios[0].steps[0].then.draw.entries (scenario.unknown_choice)",
        "half-built.scenarios.yaml: dropped scenarios[1] what is not (scenario.not_available)",
    ]
