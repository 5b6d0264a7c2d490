"""Triggers of care: when they ask, once a cycle, until which day; the cases of care that are about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cases.covering import covers

import custrules as cr
from custrules.calendars import local_day, start_of_day
from custrules.calendars.lunar import LunarDate
from custrules.policies.care import Trigger
from custrules.policies.care.occasion import Occasion
from custrules.testing import check_policy
from custrules.testing.scenario_readings import Names

CARE: dict[str, Any] = {case["id"]: case for case in json.loads((Path(__file__).parent / "cases" / "care_cases.json").read_text("utf-8"))}
USUAL = {"category": "daily", "purpose": "service", "channels": ["wechat"], "template": "x"}
CNY = {"id": "points", "kind": "points.account", "expiry": "never"}


def program(*triggers: Mapping[str, Any], zone: str = "Asia/Shanghai", **sections: Any) -> cr.Program:
    profile = {"birthday": {"type": "birthday"}, "end": {"type": "date"}, "wedding": {"type": "date"}}
    policies = [{"id": f"t{place}", "kind": "care.trigger", **USUAL, **trigger} for place, trigger in enumerate(triggers, 1)]
    measures = {"spend": {"sum": "spend", "window": "12 months"}}
    named: dict[str, Any] = {"profile": profile, "measures": measures, "activities": {"service": {}}} | sections
    return cr.Program(id="p", zone=zone, currency="CNY", policies=[CNY, *policies, *named.pop("policies", ())], **named)


class Life:
    """One customer, stepped along; ``asked`` are the touchpoints as (day on which they were asked, trigger, cycle, last day)."""

    def __init__(self, program: cr.Program, hour: str = "12:00") -> None:
        self.program, self.state, self.hour = program, cr.State.new("c"), hour
        self.asked: list[tuple[str, str, str, str]] = []
        self.touchpoints: list[cr.Touchpoint] = []

    def event(self, kind: str, day: str, **fields: Any) -> Life:
        at = datetime.fromisoformat(f"{day}T{self.hour}").replace(tzinfo=self.program.zone)
        data = {"type": kind, "id": f"{kind}-{day}", "customer_id": "c", "occurred_at": at, **fields}
        step = self.program.step(self.state, self.program.event(data))
        assert step.accepted, step.refusal
        return self._note(step)

    def until(self, day: str) -> Life:
        """The end of a day."""
        end = datetime.fromisoformat(f"{day}T23:59:59").replace(tzinfo=self.program.zone)
        return self._note(self.program.advance(self.state, to=end))

    def _note(self, step: cr.Step) -> Life:
        self.state = step.state
        for decision in step.decisions:
            for effect in decision.effects:
                if isinstance(effect, cr.Touchpoint):
                    self.touchpoints.append(effect)
                    self.asked.append((effect.day.isoformat(), decision.policy_id, effect.cycle, str(effect.last_day)))
        return self

    @property
    def days(self) -> list[str]:
        return [day for day, *_ in self.asked]


def born(birthday: object, trigger: Mapping[str, Any] | None = None, zone: str = "Asia/Shanghai") -> Life:
    life = Life(program({"occasion": "birthday", **(trigger or {})}, zone=zone))
    return life.event("enrolment", "2025-12-01", profile={"birthday": birthday})


# -- birthdays -----------------------------------------------------------------------------------------------------------


def test_a_birthday_is_asked_for_as_its_day_opens_and_only_then() -> None:
    life = born("1990-05-20").until("2027-12-31")
    assert life.asked == [("2026-05-20", "t1", "2026", "2026-05-20"), ("2027-05-20", "t1", "2027", "2027-05-20")]
    assert life.touchpoints[0].data["purpose"] == "service"


def test_a_birthday_that_becomes_known_on_the_day_is_asked_for_at_once() -> None:
    life = Life(program({"occasion": "birthday"})).event("enrolment", "2026-05-20", profile={"birthday": "1990-05-20"})
    assert life.days == ["2026-05-20"]


@covers("BD-SOLAR-LEAD-TIME")
def test_a_lead_is_taken_from_the_day_on_which_the_birthday_is_kept() -> None:
    case = CARE["BD-SOLAR-LEAD-TIME"]
    ahead = {"occasion": {"before": "birthday", "by": "7 days"}, "feb29": "forward"}
    life = born(case["given"]["birth_date"], ahead).until("2026-03-02")
    assert life.days == [case["then"]["fire_date"]]
    assert life.touchpoints[0].data["end"] == case["then"]["occurrence"]


@pytest.mark.parametrize(
    ("birthday", "options", "days"),
    [
        # kept on 16 February 2026, 5 February 2027 (29th days of lunar months of 29), seven days earlier
        ({"lunar": "1984-12-30"}, {}, ["2026-02-09", "2027-01-29"]),
        # 29 February in 2028 and 2032 alone
        ("1996-02-29", {"feb29": "omit"}, ["2028-02-22", "2032-02-22"]),
        # in the plain and in the leap sixth month of 2025, on 4 July and 3 August, and on 23 July 2026
        ({"lunar": "1987-06-10", "leap": True}, {"lunar_leap": "both"}, ["2025-06-27", "2025-07-27", "2026-07-16"]),
        ("1990-05-20", {"by": ["400 days"]}, ["2026-04-15", "2027-04-16", "2028-04-15"]),  # 20 May of the next year, less 400 days
    ],
)
def test_a_lead_to_a_birthday_comes_again_every_year(birthday: object, options: dict[str, Any], days: list[str]) -> None:
    ahead = {"occasion": {"before": "birthday", "by": options.pop("by", "7 days")}, **options}
    life = Life(program(ahead)).event("enrolment", f"{int(days[0][:4]) - 1}-12-30", profile={"birthday": birthday})
    first, last = days[0], days[-1]
    assert [day for day in life.until(last).days if day >= first] == days


@covers("BD-SENTINEL")
def test_days_that_stand_for_an_empty_field_are_no_birthdays_unless_it_is_said() -> None:
    case = CARE["BD-SENTINEL"]
    found = {}
    for customer in case["given"]["customers"]:
        verified: dict[str, Any] = {"sentinels": []} if customer.get("quality") == "verified" else {}
        profile = {"birthday": customer["birth_date"]} if customer["birth_date"] is not None else {}
        life = Life(program({"occasion": "birthday", **verified})).event("enrolment", "2026-12-01", profile=profile)
        found[customer["id"]] = life.until(case["when"]["plan_date"]).days
    assert [name for name, days in found.items() if days] == case["then"]["due"]


@covers("CAP-REELIGIBILITY-YEAR")
def test_a_lunar_birthday_comes_once_a_lunar_year_however_few_days_have_passed() -> None:
    case = CARE["CAP-REELIGIBILITY-YEAR"]
    life = born({"lunar": "1985-08-15"}).until("2027-12-31")
    assert life.days == [case["given"]["last_sent"], case["when"]["candidate"]]
    assert (date.fromisoformat(life.days[1]) - date.fromisoformat(life.days[0])).days == case["then"]["elapsed_days"]
    assert [cycle for _, _, cycle, _ in life.asked] == ["lunar 2026", "lunar 2027"]


@covers("DEDUPE-SOLAR-AND-LUNAR")
def test_a_programme_says_by_which_calendar_birthdays_are_kept() -> None:
    case = CARE["DEDUPE-SOLAR-AND-LUNAR"]
    solar = case["given"]["birth_date"]  # 1985-02-20 is the first day of its lunar year
    assert born(solar, {"calendar": "lunar"}).until("2026-12-31").days == [case["then"]["send"][0][:10]]
    assert born(solar).until("2026-12-31").days == ["2026-02-20"]
    assert born({"lunar": "1985-01-01"}, {"calendar": "solar"}).until("2026-12-31").days == ["2026-02-20"]


def test_with_both_a_day_of_a_leap_month_is_kept_twice_in_its_year() -> None:
    life = Life(program({"occasion": "birthday", "lunar_leap": "both"})).event(
        "enrolment", "2024-12-01", profile={"birthday": {"lunar": "1987-06-10", "leap": True}}
    )
    assert life.until("2026-12-31").days == ["2025-07-04", "2025-08-03", "2026-07-23"]


@covers("DEDUPE-DOB-CORRECTED")
def test_a_birthday_that_is_corrected_after_the_greeting_is_not_greeted_again() -> None:
    life = born("1990-11-20").until("2026-11-20").event("profile_update", "2026-11-21", profile={"birthday": "1990-11-25"})
    assert life.until("2026-12-31").days == ["2026-11-20"]
    assert life.until("2027-12-31").days == ["2026-11-20", "2027-11-25"]


@covers("DEDUPE-DOB-CORRECTED-BEFORE")
def test_a_birthday_that_is_corrected_before_is_greeted_on_the_new_day() -> None:
    case = CARE["DEDUPE-DOB-CORRECTED-BEFORE"]
    life = born("1990-11-25").event("profile_update", case["given"]["dob_changed_on"], profile={"birthday": "1990-11-23"})
    assert life.until("2026-12-31").days == [case["then"]["planned"]]


@covers("DEDUPE-RULE-EDIT")
def test_a_next_version_of_a_trigger_does_not_ask_again() -> None:
    later = {
        "id": "t1",
        "kind": "care.trigger",
        **USUAL,
        "occasion": "birthday",
        "template": "other",
        "validity": "5 days",
        "effective_from": "2026-05-21",
    }
    life = Life(program({"occasion": "birthday", "validity": "5 days"}, policies=[later]))
    life.event("enrolment", "2026-01-01", profile={"birthday": "1990-05-20"}).until("2026-12-31")
    assert [touchpoint.template for touchpoint in life.touchpoints] == ["x"]


@covers("DEDUPE-TWO-RULES-SAME-TOPIC")
def test_of_a_group_the_first_whose_condition_holds_has_the_cycle() -> None:
    vip = {"occasion": "birthday", "group": "birthday", "when": {"spend": ">= 1000"}}
    everyone = {"occasion": "birthday", "group": "birthday"}
    rich = Life(program(vip, everyone)).event("enrolment", "2026-01-01", profile={"birthday": "1990-05-20"})
    rich.event("purchase", "2026-02-01", amount="1000.00").until("2026-12-31")
    poor = Life(program(vip, everyone)).event("enrolment", "2026-01-01", profile={"birthday": "1990-05-20"}).until("2026-12-31")
    assert [trigger for _, trigger, *_ in rich.asked] == ["t1"]
    assert [trigger for _, trigger, *_ in poor.asked] == ["t2"]


@pytest.mark.parametrize(
    ("solar", "days"),
    [
        ("1985-02-20", ["2026-02-17", "2027-02-06"]),  # the first day of its lunar year: kept on Spring Festival, before 20 February
        ("1985-02-19", ["2026-02-16", "2027-02-05"]),  # the last one of the lunar year before: in the common calendar of the same year
        ("1990-12-31", ["2026-12-23", "2027-12-12"]),  # the 15th of the eleventh month; that of 2025 was on 3 January 2026
    ],
)
def test_in_a_group_a_birthday_by_either_calendar_is_one_birthday(solar: str, days: list[str]) -> None:
    both = [{"occasion": "birthday", "calendar": calendar, "group": "birthday"} for calendar in ("lunar", "solar")]
    life = Life(program(*both)).event("enrolment", "2026-01-10", profile={"birthday": solar}).until("2027-12-31")
    assert life.days == days
    assert [cycle for _, _, cycle, _ in life.asked] == ["birthday/2026", "birthday/2027"]


@covers("TZ-MOVED-CUSTOMER")
def test_a_customer_who_moves_to_another_zone_is_not_greeted_again() -> None:
    life = born("1990-05-20").until("2026-05-20").event("profile_update", "2026-05-21", profile={"zone": "America/Los_Angeles"})
    assert life.until("2026-12-31").days == ["2026-05-20"]


@covers("TZ-SKIPPED-DAY")
def test_a_birthday_on_a_day_that_the_calendar_left_out_is_asked_for_as_the_next_one_opens() -> None:
    case = CARE["TZ-SKIPPED-DAY"]
    life = Life(program({"occasion": "birthday"}, zone="Pacific/Apia")).event("enrolment", "2011-12-01", profile={"birthday": "1990-12-30"})
    first, after = case["when"]["run_local_dates"]
    assert life.until(first).days == []
    assert life.until(after).days == ["2011-12-30"]  # both days open at one instant: start_of_day is the same
    apia = ZoneInfo("Pacific/Apia")
    assert start_of_day(date(2011, 12, 30), apia) == start_of_day(date.fromisoformat(case["then"]["due_on"]), apia)


@covers("TZ-LOCAL-DATE", "TZ-EXTREMES")
@pytest.mark.parametrize("name", ["TZ-LOCAL-DATE", "TZ-EXTREMES"])
def test_a_day_is_the_one_of_its_zone(name: str) -> None:
    case = CARE[name]
    instant = datetime.fromisoformat(case["when"]["run_at"])
    found = {customer["id"]: local_day(instant, ZoneInfo(customer["tz"])).isoformat() for customer in case["given"]["customers"]}
    assert found == case["then"]["local_dates"]


@covers("TZ-MIDNIGHT-GAP")
def test_a_day_may_begin_at_one_o_clock() -> None:
    case = CARE["TZ-MIDNIGHT-GAP"]
    assert start_of_day(date.fromisoformat(case["given"]["day"]), ZoneInfo(case["given"]["tz"])).isoformat() == case["then"]["utc"]


@covers("BD-UTC-TIMESTAMP-CHINA-DST")
def test_a_birthday_that_was_kept_as_an_instant_is_a_day_of_its_zone_not_of_an_offset() -> None:
    case = CARE["BD-UTC-TIMESTAMP-CHINA-DST"]
    stored = datetime.fromisoformat(case["given"]["stored"].replace("Z", "+00:00"))
    assert local_day(stored, ZoneInfo("Asia/Shanghai")).isoformat() == case["then"]["Asia/Shanghai"]
    assert local_day(stored, ZoneInfo("Etc/GMT-8")).isoformat() == case["then"]["fixed_utc+8"]


# -- anniversaries, named days, dates ------------------------------------------------------------------------------------


@covers("ANNIV-ANCHOR-NOT-CHAINED")
def test_anniversaries_of_29_february_are_counted_from_the_day_itself() -> None:
    case = CARE["ANNIV-ANCHOR-NOT-CHAINED"]
    life = Life(program({"occasion": {"anniversary": "joined"}})).event("enrolment", case["given"]["member_since"])
    assert life.until("2028-12-31").days == case["then"]["occurrences"]


@covers("ANNIV-MONTHLY-31")
def test_months_are_added_to_the_31st_and_not_to_one_another() -> None:
    case = CARE["ANNIV-MONTHLY-31"]
    life = Life(program({"occasion": {"anniversary": "joined", "every": "1 month"}})).event("enrolment", case["given"]["member_since"])
    assert life.until("2026-07-31").days == case["then"]["occurrences"]


@covers("RSCALE-GREG-FWD")
def test_months_without_a_31st_are_kept_as_the_trigger_says() -> None:
    case = CARE["RSCALE-GREG-FWD"]
    monthly = {"occasion": {"anniversary": "joined", "every": "1 month"}}
    days = {rule: Life(program({**monthly, "day31": rule})).event("enrolment", "2014-01-31").until("2014-05-31").days for rule in KEPT}
    first, *forward = case["then"]["instances"]  # the first instance is the day itself, which is no anniversary
    assert (first, forward) == ("2014-01-31", [*days["forward"][:-1]])
    assert days == {
        "backward": ["2014-02-28", "2014-03-31", "2014-04-30", "2014-05-31"],
        "forward": ["2014-03-01", "2014-03-31", "2014-05-01", "2014-05-31"],
        "omit": ["2014-03-31", "2014-05-31"],
    }


KEPT = ("backward", "forward", "omit")


def test_of_longer_intervals_the_31st_of_december_is_kept_by_the_same_rule() -> None:
    # 31 December 2025 + 2, 4, 6 months: 28 February, 30 April, 30 June; the 31st of August and of October are there
    every = {"occasion": {"anniversary": "joined", "every": "2 months"}, "day31": "forward"}
    assert Life(program(every)).event("enrolment", "2025-12-31").until("2026-12-31").days == [
        "2026-03-01", "2026-05-01", "2026-07-01", "2026-08-31", "2026-10-31", "2026-12-31",
    ]  # fmt: skip


def test_the_first_purchase_has_anniversaries_and_a_date_of_the_profile() -> None:
    life = Life(program({"occasion": {"anniversary": "first_purchase"}}, {"occasion": {"anniversary": "wedding"}, "feb29": "omit"}))
    life.event("enrolment", "2025-01-01", profile={"wedding": "2020-02-29"}).event("purchase", "2025-03-10", amount="1.00").event(
        "purchase", "2025-04-10", amount="1.00"
    )
    assert [(day, trigger) for day, trigger, *_ in life.until("2028-03-01").asked] == [
        ("2026-03-10", "t1"), ("2027-03-10", "t1"), ("2028-02-29", "t2"),
    ]  # fmt: skip


def test_dates_and_named_days_are_asked_for_on_the_day() -> None:
    days = program(
        {"occasion": {"date": ["2026-11-11", "2026-06-18"]}},
        {"occasion": {"every": "pay_day"}},
        {"occasion": {"every": "working"}, "when": {"weekday": "saturday"}},
        calendar={"pay_day": {"day_of_month": "15"}, "working": {"days": "CN"}},
    )
    life = Life(days).event("enrolment", "2026-06-01").until("2026-11-30")
    assert [day for day, trigger, *_ in life.asked if trigger == "t1"] == ["2026-06-18", "2026-11-11"]
    assert [day for day, trigger, *_ in life.asked if trigger == "t2"] == [f"2026-{month:02}-15" for month in range(6, 12)]
    assert [day for day, trigger, *_ in life.asked if trigger == "t3"] == ["2026-10-10"]  # the one Saturday that is worked


# -- follow-ups ----------------------------------------------------------------------------------------------------------


@covers("FU-D1-3-7-30")
def test_follow_ups_count_days() -> None:
    case = CARE["FU-D1-3-7-30"]
    steps = [f"{days} day{'s' if days > 1 else ''}" for days in case["given"]["offsets"]]
    life = Life(program({"occasion": {"after": "purchase", "by": steps}})).event("purchase", case["given"]["purchase_date"], amount="1.00")
    assert life.until("2026-12-31").days == case["then"]["dates"]


@covers("FU-CALENDAR-DAY-NOT-24H")
def test_a_day_after_an_event_at_night_is_the_next_day() -> None:
    life = Life(program({"occasion": {"after": "visit", "by": "1 day"}}), hour="21:00").event("visit", "2026-03-02")
    assert life.until("2026-03-31").days == ["2026-03-03"]


@covers("FU-EXIT-REFUND")
def test_a_sequence_ends_with_an_event_that_stops_it() -> None:
    case = CARE["FU-EXIT-REFUND"]
    life = Life(program({"occasion": {"after": "purchase", "by": ["1 day", "3 days", "7 days", "30 days"], "stop": "return"}}))
    life.event("purchase", case["given"]["purchase_date"], amount="1.00").event("return", case["given"]["refund_date"], of="purchase-2026-03-01")
    assert life.until("2026-12-31").days == case["then"]["sent"]


@covers("FU-REENTRY-ONLY-AFTER-EXIT")
@pytest.mark.parametrize(
    ("again", "days"),
    [
        # visits on 1 and 5 March, steps after 1, 3, 7 and 30 days; then one on 10 April, when all have ended
        ("after_end", ["2026-03-02", "2026-03-04", "2026-03-08", "2026-03-31", "2026-04-11", "2026-04-13", "2026-04-17", "2026-05-10"]),
        ("never", ["2026-03-02", "2026-03-04", "2026-03-08", "2026-03-31"]),
        (
            "restart",
            [
                "2026-03-02",
                "2026-03-04",
                "2026-03-06",
                "2026-03-08",
                "2026-03-12",
                "2026-04-04",
                "2026-04-11",
                "2026-04-13",
                "2026-04-17",
                "2026-05-10",
            ],
        ),
        (
            "parallel",
            [
                "2026-03-02",
                "2026-03-04",
                "2026-03-06",
                "2026-03-08",
                "2026-03-08",
                "2026-03-12",
                "2026-03-31",
                "2026-04-04",
                "2026-04-11",
                "2026-04-13",
                "2026-04-17",
                "2026-05-10",
            ],
        ),
    ],
)
def test_a_further_event_does_what_again_says(again: str, days: list[str]) -> None:
    life = Life(program({"occasion": {"after": "visit", "by": ["1 day", "3 days", "7 days", "30 days"], "again": again}}))
    life.event("visit", "2026-03-01").event("visit", "2026-03-05").event("visit", "2026-04-10")
    assert life.until("2026-12-31").days == days


def test_a_step_is_open_until_the_next_one_and_three_days_at_most() -> None:
    life = Life(program({"occasion": {"after": "visit", "by": ["1 day", "3 days", "30 days"]}})).event("visit", "2026-03-01").until("2026-04-30")
    assert [last for *_, last in life.asked] == ["2026-03-03", "2026-03-07", "2026-04-03"]


def test_an_event_that_is_told_late_is_followed_up_while_that_is_open() -> None:
    life = Life(program({"occasion": {"after": "visit", "by": ["1 day", "7 days"]}})).event("enrolment", "2026-02-01").until("2026-03-03")
    life.event("visit", "2026-03-01")
    assert life.asked == [("2026-03-03", "t1", "2026-03-01/1 day", "2026-03-05")]


# -- absence, visits, deadlines ------------------------------------------------------------------------------------------


@covers("LTNS-90", "LTNS-RESET")
def test_an_absence_is_asked_about_once_and_ends_with_a_visit() -> None:
    case = CARE["LTNS-90"]
    away = program({"occasion": {"absent": "visit", "for": "90 days"}})
    life = Life(away).event("visit", case["given"]["last_visit"]).until("2027-12-31")
    assert life.asked == [(case["when"]["today"], "t1", case["given"]["last_visit"], "None")]
    assert life.touchpoints[0].data["days"] == case["then"]["days"]
    back = Life(away).event("visit", "2026-08-23").event("visit", CARE["LTNS-RESET"]["given"]["visit"]).until("2026-11-21")
    assert back.days == []


def test_an_absence_may_be_asked_about_again_and_again() -> None:
    life = Life(program({"occasion": {"absent": "visit", "for": "60 days", "repeat": "30 days"}})).event("visit", "2026-01-01").until("2026-06-01")
    assert life.days == ["2026-03-02", "2026-04-01", "2026-05-01", "2026-05-31"]


BANDS = {"when": "points", ">= 10000": "15 days", "[5000..10000)": "30 days", "[1000..5000)": "60 days", "[0..1000)": "90 days"}


def called(balance: str, day: str = "2026-11-01") -> Life:
    every = {"occasion": {"visit_every": BANDS, "since": "contact"}, "channels": ["phone"]}
    account = [CNY | {"scale": 2}] if "." in balance else [CNY]
    made = program(every)
    if "." in balance:
        made = cr.Program(id="p", zone="Asia/Shanghai", currency="CNY", policies=[*account, {"id": "t1", "kind": "care.trigger", **USUAL, **every}])
    life = Life(made).event("adjustment", "2026-10-01", account="points", quantity=balance, reason="opening", approver="x")
    return life.event("contact", day, trigger="t1", channel="phone")


def next_of(life: Life) -> str:
    return str(Names(life.program).next_ask(life.state, "t1.next"))


@covers("RV-BALANCE-10000", "RV-BALANCE-9999.99", "RV-BALANCE-1000")
@pytest.mark.parametrize("name", ["RV-BALANCE-10000", "RV-BALANCE-9999.99", "RV-BALANCE-1000"])
def test_the_more_there_is_the_sooner_somebody_calls(name: str) -> None:
    case = CARE[name]
    assert next_of(called(str(case["given"]["balance"]))) == case["then"]["next_due"]


@covers("RV-BALANCE-DOWN")
def test_a_lower_balance_moves_the_next_call() -> None:
    case = CARE["RV-BALANCE-DOWN"]
    life = called("12000")
    assert next_of(life) == "2026-11-16"
    life.event("adjustment", case["given"]["changed"], account="points", quantity="-11100", reason="spent", approver="x")
    assert next_of(life) == case["then"]["next_due"]
    assert "2026-11-16" not in life.until("2027-02-01").days
    assert case["then"]["next_due"] in life.days


@covers("RV-NEVER-CALLED")
def test_who_was_never_called_is_called_so_long_after_the_last_visit_or_the_day_of_joining() -> None:
    case = CARE["RV-NEVER-CALLED"]
    life = Life(program({"occasion": {"visit_every": BANDS, "since": "contact"}, "channels": ["phone"]}))
    life.event("adjustment", "2026-11-01", account="points", quantity="6000", reason="opening", approver="x")
    assert next_of(life) == "2026-12-01"  # joined on 1 November
    life.event("visit", case["given"]["last_service"])
    assert next_of(life) == case["then"]["next_due"]
    life.event("contact", "2026-11-20", channel="sms")
    assert next_of(life) == case["then"]["next_due"]  # a message is no call


def test_a_call_that_was_not_made_is_due_again_and_again() -> None:
    life = called("10000").until("2026-12-31")
    assert [asked for asked in life.asked if asked[2].startswith("2026-11-01")][:3] == [
        ("2026-11-16", "t1", "2026-11-01+1", "2026-11-30"),
        ("2026-12-01", "t1", "2026-11-01+2", "2026-12-15"),
        ("2026-12-16", "t1", "2026-11-01+3", "2026-12-30"),
    ]


@covers("EXP-WARRANTY-MONTHS")
def test_a_deadline_is_asked_about_so_long_before() -> None:
    case = CARE["EXP-WARRANTY-MONTHS"]
    life = Life(program({"occasion": {"before": "end", "by": "30 days"}}))
    life.event("enrolment", case["given"]["purchase"], profile={"end": case["then"]["warranty_end"]}).until("2026-12-31")
    assert life.asked == [(case["then"]["notice"], "t1", "2026-02-28/30 days", "2026-02-28")]


def test_a_deadline_that_becomes_known_late_is_asked_about_at_once_and_only_by_its_running_step() -> None:
    life = Life(program({"occasion": {"before": "end", "by": ["30 days", "7 days"]}}))
    life.event("enrolment", "2026-05-28", profile={"end": "2026-06-01"}).until("2026-12-31")
    assert life.asked == [("2026-05-28", "t1", "2026-06-01/7 days", "2026-06-01")]


# -- conditions, validity, grace, contacts -------------------------------------------------------------------------------


def test_an_ask_waits_for_its_condition_as_long_as_it_is_valid() -> None:
    rich = {"occasion": "birthday", "when": {"spend": ">= 100"}, "validity": "3 days"}
    life = born("1990-05-20", rich).event("purchase", "2026-05-22", amount="100.00")
    assert life.asked == [("2026-05-22", "t1", "2026", "2026-05-23")]
    late = born("1990-05-20", rich).event("purchase", "2026-05-24", amount="100.00").until("2026-12-31")
    assert late.asked == []


def test_what_is_asked_in_the_days_of_grace_says_so() -> None:
    late = {"occasion": "birthday", "when": {"spend": ">= 100"}, "grace": "2 days", "belated": "belated_wish"}
    life = born("1990-05-20", late).event("purchase", "2026-05-21", amount="100.00")
    assert life.touchpoints[0].data["belated"] == "belated_wish"
    assert life.asked[0][3] == "2026-05-22"


@covers("CATCHUP-FIRST-RUN")
def test_nothing_is_asked_for_that_lay_before_the_customer_or_the_trigger() -> None:
    before = {
        "id": "t1",
        "kind": "care.trigger",
        **USUAL,
        "occasion": {"after": "visit", "by": "1 day"},
        "validity": "10 days",
        "effective_from": "2026-03-05",
    }
    life = Life(program(policies=[before])).event("visit", "2026-03-01").until("2026-12-31")
    assert life.asked == []
    new = Life(program({"occasion": {"festival": "spring_festival"}, "validity": "10 days"})).event("enrolment", "2026-02-20").until("2026-12-31")
    assert new.asked == []


@covers("CATCHUP-OUT-OF-ORDER")
def test_a_day_that_is_sent_late_asks_for_nothing() -> None:
    life = born("1990-11-20").until("2026-11-21")
    step = life.program.step(life.state, cr.NewDay(customer_id="c", day=date(2026, 11, 19)))
    assert step.verdict == "duplicate"
    assert not step.effects


@covers("DEDUPE-CONCURRENT-WORKERS")
def test_two_workers_give_the_same_ask_the_same_id() -> None:
    life = born("1990-05-20")
    day = datetime(2026, 5, 20, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
    one, other = (life.program.advance(life.state, to=day) for _ in range(2))
    assert [effect.id for effect in one.effects] == [effect.id for effect in other.effects] == ["c/day:2026-05-20/t1/0"]


def test_what_was_not_sent_is_asked_for_again_on_the_next_day_while_it_is_open() -> None:
    life = born("1990-05-20", {"validity": "3 days"}).until("2026-05-20").event("contact", "2026-05-20", trigger="t1", outcome="not_sent")
    assert life.days == ["2026-05-20"]
    assert life.until("2026-05-21").days == ["2026-05-20", "2026-05-21"]
    life.event("contact", "2026-05-22", trigger="t1", outcome="sent")
    assert life.until("2026-12-31").days == ["2026-05-20", "2026-05-21"]


def test_who_signs_stands_with_the_ask_and_a_call_is_a_task() -> None:
    life = born("1990-05-20", {"sign": ["store", "adviser"], "channels": ["phone"]}).until("2026-05-20")
    touchpoint = life.touchpoints[0]
    assert (touchpoint.outcome, touchpoint.channel, touchpoint.data["sign"]) == ("task", "phone", "store, adviser")


def test_a_retired_trigger_asks_for_nothing() -> None:
    later = {"id": "t1", "kind": "care.trigger", **USUAL, "occasion": "birthday", "retired": True, "effective_from": "2026-05-01"}
    life = Life(program({"occasion": "birthday"}, policies=[later])).event("enrolment", "2026-01-01", profile={"birthday": "1990-05-20"})
    assert life.until("2026-12-31").asked == []


def test_a_welcome_is_for_rising_not_for_falling() -> None:
    levels = [{"name": "member"}, {"name": "silver", "enter": {"spend": ">= 100"}}, {"name": "gold", "enter": {"spend": ">= 500"}}]
    ladder = {"id": "levels", "kind": "tiers.ladder", "levels": levels, "term": {"length": "12 months"}, "downgrade": "one_level"}
    made = program({"occasion": {"status": "tier", "rises_to": ">= silver"}}, policies=[ladder])
    # a policy is asked in document order inside its phase, and the ladder's phase comes first
    life = Life(made).event("purchase", "2026-01-01", amount="100.00").event("purchase", "2026-02-01", amount="400.00")
    assert [(day, touchpoint.data["value"]) for day, touchpoint in zip(life.days, life.touchpoints, strict=True)] == [
        ("2026-01-01", "silver"),
        ("2026-02-01", "gold"),
    ]
    assert life.until("2028-01-01").days == ["2026-01-01", "2026-02-01"]


# -- documents -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trigger", "code", "path"),
    [
        ({"occasion": {}}, "care.one_occasion", "occasion"),
        ({"occasion": {"festival": "中秋", "date": "2026-01-01"}}, "care.one_occasion", "occasion"),
        ({"occasion": {"after": "visit"}}, "document.missing_field", "occasion.by"),
        ({"occasion": {"festival": "中秋", "by": "1 day"}}, "document.not_with", "occasion.by"),
        ({"occasion": {"after": "vist", "by": "1 day"}}, "document.unknown_subject", "occasion.after"),
        ({"occasion": {"after": "visit", "by": "1 day", "stop": "nothing"}}, "document.unknown_subject", "occasion.stop"),
        ({"occasion": {"absent": "vist", "for": "1 day"}}, "document.unknown_subject", "occasion.absent"),
        ({"occasion": {"visit_every": "7 days", "since": "vist"}}, "document.unknown_subject", "occasion.since"),
        ({"occasion": {"every": "pay_day"}}, "care.unknown_day", "occasion.every"),
        ({"occasion": {"anniversary": "joind"}}, "care.unknown_date", "occasion.anniversary"),
        ({"occasion": {"anniversary": "first_nothing"}}, "care.unknown_event", "occasion.anniversary"),
        ({"occasion": {"anniversary": "joined", "every": "sometimes"}}, "document.wrong_type", "occasion.every"),
        ({"occasion": {"before": "the_end", "by": "1 day"}}, "care.unknown_date", "occasion.before"),
        ({"occasion": {"before": "level_end", "by": "1 day"}}, "care.no_levels", "occasion"),
        ({"occasion": {"reachable": "next_level", "within": "10%"}}, "care.no_levels", "occasion"),
        ({"occasion": {"reachable": "next_level", "within": "100%"}}, "document.wrong_type", "occasion.within"),
        ({"occasion": {"reachable": "next_level", "within": "0"}}, "document.wrong_type", "occasion.within"),
        ({"occasion": {"status": "spend", "rises_to": ">= 5"}}, "document.fact_of_other_kind", "occasion.status"),
        ({"occasion": {"festival": "清明"}, "purpose": "greeting"}, "care.solemn_festival", "occasion.festival"),
        ({"occasion": "birthday", "belated": "late"}, "care.belated_without_grace", "belated"),
        ({"occasion": {"festival": "中秋"}, "lunar_leap": "omit"}, "document.not_with", "lunar_leap"),
        ({"occasion": {"festival": "中秋"}, "feb29": "omit"}, "document.not_with", "feb29"),
        ({"occasion": "birthday", "day31": "omit"}, "document.not_with", "day31"),
        ({"occasion": {"anniversary": "joined"}, "day31": "omit"}, "document.not_with", "day31"),
        ({"occasion": {"anniversary": "joined", "every": "24 months"}, "day31": "omit"}, "document.not_with", "day31"),
        ({"occasion": {"anniversary": "joined", "every": "10 days"}, "day31": "omit"}, "document.not_with", "day31"),
        ({"occasion": {"visit_every": "7 days"}, "grace": "1 day"}, "document.not_with", "grace"),
    ],
)
def test_a_trigger_that_means_nothing_is_told_with_its_place(trigger: dict[str, Any], code: str, path: str) -> None:
    with pytest.raises(cr.DocumentError) as caught:
        program(trigger)
    assert [(found.code, found.path) for found in caught.value.diagnostics] == [(code, f"policies[1].{path}")]


def test_a_birthday_needs_a_field_of_the_profile() -> None:
    with pytest.raises(cr.DocumentError) as caught:
        program({"occasion": "birthday"}, profile={})
    assert [found.code for found in caught.value.diagnostics] == ["care.no_birthday"]


def test_a_solemn_festival_may_be_marked_with_a_template_that_is_fit_for_it() -> None:
    life = Life(program({"occasion": {"festival": "清明"}, "purpose": "greeting", "solemn": True})).event("enrolment", "2026-01-01")
    assert life.until("2026-12-31").days == ["2026-04-05"]


@pytest.mark.parametrize(
    "occasion",
    [
        "birthday",
        {"anniversary": "joined", "every": "1 month"},
        {"festival": ["spring_festival", "mid_autumn"]},
        {"solar_term": "立春"},
        {"date": "2026-11-11"},
        {"after": "visit", "by": ["1 day", "3 days"], "again": "parallel", "stop": "return"},
        {"absent": "visit", "for": "60 days", "repeat": "30 days"},
        {"visit_every": {"gold": "20 days", "silver": "30 days"}, "since": "contact"},
        {"visit_every": {"when": "points", ">= 100": "15 days", "-": "30 days"}},
        {"visit_every": "7 days"},
        {"reachable": "next_level", "within": "1/10", "by": "60 days"},
        {"status": "tier", "rises_to": ">= silver"},
    ],
)
def test_an_occasion_is_written_as_it_was_read(occasion: object) -> None:
    read = Occasion.model_validate(occasion)
    written = read.model_dump(mode="json", by_alias=True)
    assert written == (occasion if occasion != {"reachable": "next_level", "within": "1/10", "by": "60 days"} else {**occasion, "within": "0.1"})
    assert Occasion.model_validate(written) == read


@pytest.mark.parametrize(
    "occasion",
    [
        "Birthday",
        5,
        [],
        {"after": "visit", "by": []},
        {"visit_every": {}},
        {"visit_every": {"when": "points"}},
        {"visit_every": {"when": "points", ">=": "1 day"}},
    ],
)
def test_no_other_word_is_an_occasion(occasion: object) -> None:
    with pytest.raises(ValueError):
        Occasion.model_validate(occasion)


@pytest.mark.parametrize("channels", [[], "sms", ["sms", "sms"], [5]])
def test_channels_are_a_list_of_names(channels: object) -> None:
    with pytest.raises(ValueError):
        Trigger.read({"id": "t", "occasion": "birthday", **USUAL, "channels": channels})


CONTRACT = [
    "birthday",
    {"anniversary": "first_purchase"},
    {"after": "purchase", "by": ["1 day", "7 days"], "again": "after_end"},
    {"before": "points_expiry", "by": ["30 days", "7 days"]},
    {"absent": "purchase", "for": "10 days", "repeat": "1 month"},
    {"visit_every": {"when": "points", ">= 100": "15 days", "-": "30 days"}, "since": "contact"},
    {"status": "tier", "rises_to": ">= silver"},
    {"reachable": "next_level", "within": "30%"},
]


@pytest.mark.parametrize("occasion", CONTRACT, ids=lambda occasion: occasion if isinstance(occasion, str) else next(iter(occasion)))
def test_a_trigger_keeps_the_contract_of_policies(occasion: object) -> None:
    check_policy(Trigger.read({"id": "care", "occasion": occasion, **USUAL}), examples=5, skip=("descriptions",))


def test_lunar_dates_are_told_in_the_cycle() -> None:
    assert born({"lunar": "1987-06-10", "leap": True}).until("2026-12-31").asked == [("2026-07-23", "t1", "lunar 2026", "2026-07-23")]
    assert LunarDate(1987, 6, 10, True).leap


def test_what_was_asked_long_ago_leaves_the_state() -> None:
    life = born("1990-05-20").until("2029-12-31")
    assert len(life.asked) == 4
    assert sorted(life.state.touchpoints) == ["t1:2028", "t1:2029"]  # 20 May 2027 lies 956 days back, 20 May 2028 590
    absent = Life(program({"occasion": {"absent": "visit", "for": "60 days"}})).event("visit", "2020-01-01").until("2029-12-31")
    assert len(absent.state.touchpoints) == 1  # it has no last day


def test_check_takes_what_a_trigger_waits_for_as_read() -> None:
    waiting = program(
        {"occasion": {"before": "end", "by": "7 days"}}, {"occasion": {"anniversary": "wedding"}}, {"occasion": "birthday"}, measures={}
    )
    assert [finding.path for finding in cr.check(waiting) if finding.code == "check.unread"] == ["activities.service"]


def test_a_birthday_by_the_lunar_calendar_needs_a_day_of_its_table() -> None:
    assert born("1900-01-15", {"calendar": "lunar"}).until("2026-12-31").days == ["2026-01-15"]  # the table begins on 31 January 1900


def test_a_birthday_that_nobody_knows_is_never_kept() -> None:
    life = Life(program({"occasion": "birthday"}, {"occasion": {"before": "birthday", "by": "1 day"}})).event("enrolment", "2026-01-01")
    assert life.until("2027-12-31").asked == []
    assert next_of(life) == "None"


def test_anniversaries_may_be_days_apart_and_need_a_day_to_count_from() -> None:
    life = Life(program({"occasion": {"anniversary": "joined", "every": "100 days"}}, {"occasion": {"anniversary": "wedding"}})).event(
        "enrolment", "2026-01-01"
    )
    assert life.until("2026-12-31").days == ["2026-04-11", "2026-07-20", "2026-10-28"]  # 1 January + 100, 200, 300 days


def test_a_date_that_has_passed_and_terms_beyond_the_table_are_over() -> None:
    past = Life(program({"occasion": {"date": "2026-06-18"}}, {"occasion": {"solar_term": "立春"}}, {"occasion": {"festival": "中秋"}}))
    past.event("enrolment", "2026-06-19").until("2026-06-30")
    assert next_of(past) == "None"
    late = (
        Life(program({"occasion": {"solar_term": "立春"}}, {"occasion": {"festival": "中秋"}})).event("enrolment", "2101-03-01").until("2103-01-01")
    )
    assert late.asked == []


def test_what_is_said_of_a_validity_holds_for_every_occasion() -> None:
    made = program(
        {"occasion": {"before": "end", "by": ["30 days", "7 days"]}, "validity": "2 days"},
        {"occasion": {"visit_every": "10 days"}, "validity": "1 day"},
        {"occasion": {"absent": "visit", "for": "20 days"}, "validity": "3 days"},
    )
    life = Life(made).event("enrolment", "2026-03-01", profile={"end": "2026-04-30"}).event("visit", "2026-03-01").until("2026-04-30")
    asked = {trigger: [(day, last) for day, which, _, last in life.asked if which == trigger] for trigger in ("t1", "t2", "t3")}
    assert asked["t1"] == [("2026-03-31", "2026-04-02"), ("2026-04-23", "2026-04-25")]
    assert asked["t2"][:2] == [("2026-03-11", "2026-03-12"), ("2026-03-21", "2026-03-22")]
    assert asked["t3"] == [("2026-03-21", "2026-03-24")]


def test_a_level_that_is_near_asks_only_so_long_before_the_end_where_that_is_said() -> None:
    year = {"spend": {"sum": "spend", "window": "qualifying year"}}
    levels = [{"name": "member"}, {"name": "silver", "enter": {"spend": ">= 100"}}]
    ladder = {"id": "levels", "kind": "tiers.ladder", "levels": levels, "term": "none", "downgrade": "to_earned", "qualifying_year": "calendar"}
    made = program(
        {"occasion": {"reachable": "next_level", "within": "10%", "by": "60 days"}}, measures=year, policies=[{**ladder, "review": {"every": "year"}}]
    )
    life = Life(made).event("purchase", "2026-03-01", amount="95.00").until("2026-12-31")
    assert life.asked == [("2026-11-01", "t1", "silver/2026-12-31", "2026-12-31")]  # 31 December less 60 days is 1 November
    assert life.touchpoints[0].data["end"] == "2026-12-31"


@pytest.mark.parametrize("taboo", ["promotion", ["gossip"], [1]])
def test_taboos_are_named(taboo: object) -> None:
    with pytest.raises(ValueError):
        Trigger.read({"id": "t", "occasion": "birthday", **USUAL, "taboo": taboo})


@pytest.mark.parametrize("sentinels", ["1900-01-01", ["yesterday"]])
def test_sentinels_are_dates(sentinels: object) -> None:
    with pytest.raises(ValueError):
        Trigger.read({"id": "t", "occasion": "birthday", **USUAL, "sentinels": sentinels})


@pytest.mark.parametrize(
    "occasion",
    [
        {"visit_every": {"when": "points", "-": 5}},
        {"status": "tier", "rises_to": {"tier": "gold"}},
        {"after": "visit", "by": 5},
        {"date": []},
        {"before": 5, "by": "1 day"},
    ],
)
def test_a_part_that_cannot_be_read_is_refused(occasion: object) -> None:
    with pytest.raises(ValueError):
        Occasion.model_validate(occasion)


def test_bands_may_be_lists_and_one_length_for_everybody() -> None:
    segment: dict[str, Any] = {"segment": {"type": "text", "values": ["a", "b", "c"]}, "birthday": {"type": "birthday"}}
    made = program({"occasion": {"visit_every": {"when": "segment", "[a, b]": "10 days", "-": "30 days"}}}, profile=segment)
    few = Life(made).event("enrolment", "2026-01-01", profile={"segment": "b"})
    rest = Life(made).event("enrolment", "2026-01-01", profile={"segment": "c"})
    assert (next_of(few), next_of(rest)) == ("2026-01-11", "2026-01-31")
    assert cr.loads(made.to_json()) == made


def test_an_unknown_status_is_told_with_its_place() -> None:
    with pytest.raises(cr.DocumentError) as caught:
        program({"occasion": {"status": "rank", "rises_to": "gold"}})
    assert {found.code for found in caught.value.diagnostics} == {"document.unknown_fact"}


def test_bonuses_of_several_cards_that_end_on_one_day_are_told_in_their_own_units() -> None:
    cards = [
        {"id": "card", "kind": "stored_value.account", "form": "amount", "bonus_expiry": "2 months"},
        {"id": "baths", "kind": "stored_value.account", "form": "visits", "bonus_expiry": "2 months"},
        {"id": "top-up", "kind": "stored_value.top_up", "account": "card", "ladder": [{"pay": "100.00", "give": "10.00"}], "mode": "highest"},
        {"id": "buy", "kind": "stored_value.top_up", "account": "baths"},
    ]
    life = Life(program({"occasion": {"before": "bonus_expiry", "by": "7 days"}}, policies=cards))
    life.event("top_up", "2026-01-01", amount="100.00", account="card")
    life.event("top_up", "2026-01-01", id="t2", amount="100.00", paid=10, given=2, account="baths").until("2026-04-30")
    assert [touchpoint.data["quantity"] for touchpoint in life.touchpoints] == ["10.00 CNY, 2"]


def test_the_end_of_a_bonus_is_told_of_before() -> None:
    card = [
        {"id": "card", "kind": "stored_value.account", "form": "amount", "bonus_expiry": "2 months"},
        {"id": "top-up", "kind": "stored_value.top_up", "ladder": [{"pay": "100.00", "give": "10.00"}], "mode": "highest"},
        {"id": "spend", "kind": "stored_value.spending", "order": "pro_rata"},
    ]
    life = Life(program({"occasion": {"before": "bonus_expiry", "by": "7 days"}}, policies=card))
    life.event("top_up", "2026-01-01", amount="100.00").until("2026-04-30")
    assert life.days == ["2026-02-22"]  # the bonus can be spent through 1 March
