"""Scenario files: what they may say, what is wrong with them and where, and what a failure tells."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from custrules import Decision, Policy, Program, ScenarioError, View, loads
from custrules.documents.reading import read
from custrules.events import AnyEvent
from custrules.messages.columns import width
from custrules.testing.scenario_report import Failure, ScenarioResult, aligned, report
from custrules.testing.scenarios import collect, main_test, run

GOLDEN = Path(__file__).parent / "golden"
PROGRAM = """
program: shop
zone: Asia/Shanghai
currency: CNY
profile: {birthday: {type: birthday}, phone: {type: phone}, segment: {type: text, values: [staff, regular]}}
activities: {check_in: {city: text}, flight: {quantity: miles}}
calendar: {member_day: {day_of_month: 8}}
measures:
  spent: {sum: spend, window: lifetime}
  orders: {count: purchase, window: 12 months}
  mean: {average: purchase.amount, window: lifetime}
  share: {ratio: [orders, flights]}
  flights: {count: flight, window: 12 months}
policies:
  - id: levels
    kind: tiers.ladder
    levels: [{name: member}, {name: gold, enter: {spent: ">= 1000"}}]
    term: 12 months
    downgrade: one_level
    exclude: [{when: {segment: staff}, reason: not rated}]
  - {id: points, kind: points.account, expiry: never}
  - {id: award, kind: points.account, expiry: never}
  - {id: earn, kind: points.accrual, points_per_unit: 1}
  - {id: fly, kind: points.accrual, account: award, event: flight, points_per_quantity: 1}
  - {id: pay-with-points, kind: points.redemption, value: {points: 100, money: 1.00}, minimum: 200}
"""


@pytest.fixture(scope="module")
def shop() -> Program:
    return loads(PROGRAM, source="shop.yaml")


def results(program: Program, scenarios: str) -> list[ScenarioResult]:
    return run("shop.scenarios.yaml", text=scenarios, program=program)


def failures(program: Program, *lines: str) -> tuple[Failure, ...]:
    """The failures of one scenario, of which the lines below its name are given."""
    (result,) = results(program, "\n".join(["scenarios:", "  - name: it", *(f"    {line}" for line in lines)]))
    return result.failures


def missed(program: Program, *lines: str) -> list[tuple[str, str, str]]:
    return [(failure.path, failure.expected, failure.got) for failure in failures(program, *lines)]


def faults(program: Program, *lines: str) -> list[tuple[str, int, int]]:
    """Codes and places of the faults of one scenario; its first line stands in line 3, its first column is 5."""
    with pytest.raises(ScenarioError) as caught:
        failures(program, *lines)
    return [(fault.code, fault.line, fault.column) for fault in caught.value.diagnostics]


# -- what happens ------------------------------------------------------------------------------------------------------


def test_a_scenario_may_begin_with_a_plan(shop: Program) -> None:
    (planned,) = collect("s.yaml", text="scenarios: [{name: n, steps: [{when: {plan: {from: 2026-03-01}}}]}]", program=shop)
    assert planned.script.stages[0].instant.isoformat() == "2026-02-28T16:00:00+00:00"  # Shanghai is at UTC+8
    assert not failures(shop, "steps: [{when: {plan: {from: 2026-03-01}}}]")


def test_a_date_without_a_time_is_noon_of_the_local_day(shop: Program) -> None:
    (planned,) = collect("s.yaml", text="scenarios: [{name: n, steps: [{when: {visit: {at: 2026-03-01}}}]}]", program=shop)
    assert planned.script.stages[0].instant.isoformat() == "2026-03-01T04:00:00+00:00"  # Shanghai is at UTC+8


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-04-08T23:59", "2026-04-08T15:59:00+00:00"),
        ("2026-04-08 23:59:30", "2026-04-08T15:59:30+00:00"),
        ("2026-04-08T23:59+00:00", "2026-04-08T23:59:00+00:00"),
        ("2026-04-08T23:59:00Z", "2026-04-08T23:59:00+00:00"),
    ],
)
def test_a_time_without_an_offset_is_local_and_with_one_it_is_as_it_is(written: str, instant: str, shop: Program) -> None:
    text = f'scenarios: [{{name: n, steps: [{{when: {{advance: "{written}"}}}}]}}]'
    (planned,) = collect("s.yaml", text=text, program=shop)
    assert planned.script.stages[0].instant.isoformat() == instant


def test_the_end_of_a_day_is_its_last_instant(shop: Program) -> None:
    (planned,) = collect("s.yaml", text="scenarios: [{name: n, steps: [{when: {day_end: 2026-03-01}}]}]", program=shop)
    assert planned.script.stages[0].instant.isoformat() == "2026-03-01T15:59:59.999999+00:00"


def moments(program: Program, event: str) -> list[tuple[str, str]]:
    (planned,) = collect("s.yaml", text=f"scenarios: [{{name: n, given: [{event}], steps: [{{when: {{day_end: 2030-01-01}}}}]}}]", program=program)
    zone = program.zone
    return [(happening.event.id, happening.instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")) for happening in planned.script.given]


def test_repeats_are_counted_from_the_anchor_and_have_ids_of_their_own(shop: Program) -> None:
    assert moments(shop, "{visit: {id: v, at: 2026-01-31, every: month, times: 3}}") == [
        ("v", "2026-01-31 12:00"),
        ("v-2", "2026-02-28 12:00"),
        ("v-3", "2026-03-31 12:00"),
    ]


@pytest.mark.parametrize(
    ("every", "last"), [("day", "2026-01-02"), ("3 days", "2026-01-04"), ("week", "2026-01-08"), ("2 months", "2026-03-01"), ("year", "2027-01-01")]
)
def test_an_event_is_repeated_by_days_weeks_months_or_years(every: str, last: str, shop: Program) -> None:
    assert moments(shop, f"{{visit: {{at: 2026-01-01T09:30, every: {every}, times: 2}}}}") == [
        ("visit-1", "2026-01-01 09:30"),
        ("visit-1-2", f"{last} 09:30"),
    ]


def test_until_is_the_last_day_of_a_repeat(shop: Program) -> None:
    assert [at for _, at in moments(shop, "{visit: {at: 2026-01-01, every: week, until: 2026-01-15}}")] == [
        "2026-01-01 12:00",
        "2026-01-08 12:00",
        "2026-01-15 12:00",
    ]


def test_ids_are_made_up_where_there_is_none_and_avoid_those_that_are_written(shop: Program) -> None:
    assert [name for name, _ in moments(shop, "{visit: {at: 2026-01-01}}, {visit: {id: visit-2, at: 2026-01-02}}, {visit: {at: 2026-01-03}}")] == [
        "visit-1",
        "visit-2",
        "visit-3",
    ]


def test_a_grants_until_is_its_own_and_no_repeat(shop: Program) -> None:
    assert failures(
        shop,
        "given: [{tier_grant: {at: 2026-01-01, level: gold, until: 2026-06-30, reason: r}}]",
        "steps: [{when: {day_end: 2026-01-01}, then: {tier: gold, tier.until: 2026-06-30}}]",
    ) == ()  # fmt: skip


def test_points_pay_what_the_other_tenders_leave(shop: Program) -> None:
    text = "scenarios: [{name: n, steps: [{when: {purchase: {at: 2026-01-01, amount: 60.00, tenders: {points: 1200, card: 48.00}}}}]}]"
    (planned,) = collect("s.yaml", text=text, program=shop)
    tenders = planned.script.stages[0].happenings[0].event.model_dump(mode="json")["tenders"]
    assert [(tender["type"], tender["amount"], tender["quantity"]) for tender in tenders] == [
        ("points", "12.00 CNY", "1200"),
        ("card", "48.00 CNY", None),
    ]


def test_customers_who_do_nothing_have_readings_all_the_same(shop: Program) -> None:
    assert failures(
        shop,
        "customers: {ann: {}, bob: {birthday: 1990-01-01}}",
        "steps: [{when: {visit: {customer: ann, at: 2026-01-01}}, then: {bob: {points: 0, tier: member, measure.spent: 0}}}]",
    ) == ()  # fmt: skip


def test_time_runs_on_for_everybody_though_the_event_is_refused(shop: Program) -> None:
    assert failures(
        shop,
        "customers: {ann: {}, bob: {}}",
        "given: [{purchase: {customer: bob, at: 2026-01-10, amount: 1000.00}}]",
        "steps:",
        "  - when: {redemption: {customer: ann, points: 300, at: 2027-01-11}}",
        "    then: {refused: points.redemption.insufficient, bob: {tier.until: 2028-01-10, because: tiers.review.kept}}",
    ) == ()  # fmt: skip


def test_a_friends_keys_are_the_phone_of_the_customer_of_that_name(shop: Program) -> None:
    steps = "[{when: {referral: {customer: ann, friend: bob, at: 2026-01-01}}}]"
    text = f"scenarios: [{{name: n, customers: {{ann: {{}}, bob: {{phone: '138', segment: staff}}}}, steps: {steps}}}]"
    (planned,) = collect("s.yaml", text=text, program=shop)
    assert planned.script.stages[0].happenings[0].event.model_dump(mode="json")["friend_keys"] == {"phone": "138"}


def test_consent_and_do_not_contact_are_given_at_the_first_instant(shop: Program) -> None:
    text = "scenarios: [{name: n, customer: {consent: {sms: marketing}, do_not_contact: true}, steps: [{when: {visit: {at: 2026-01-01}}}]}]"
    (planned,) = collect("s.yaml", text=text, program=shop)
    assert [(happening.event.type, happening.instant) for happening in planned.script.opening] == [
        ("profile_update", planned.script.stages[0].instant),
        ("consent_update", planned.script.stages[0].instant),
    ]
    assert planned.run().passed


def test_what_is_given_must_be_accepted_and_a_refusal_says_why(shop: Program) -> None:
    lines = ("given: [{redemption: {points: 300, at: 2026-01-01}}]", "steps: [{when: {day_end: 2026-01-01}, then: {points: 5}}]")
    (failure,) = failures(shop, *lines)
    assert (failure.path, failure.expected, failure.got) == ("given[0].redemption", "accepted", "refused (points.redemption.insufficient)")
    assert [why.code for why in failure.why] == ["points.redemption.insufficient"]
    assert (failure.line, failure.column) == (3, 14)


def test_a_quote_is_not_kept_and_its_balances_are_those_before_it(shop: Program) -> None:
    assert missed(
        shop,
        "steps:",
        "  - {when: {quote: {purchase: {id: p, at: 2026-01-01, amount: 9.00}}}, then: {points: 9}}",
        "  - {when: {purchase: {id: p, at: 2026-01-01, amount: 9.00}}, then: {verdict: accepted, points: 9}}",
    ) == [("steps[0].then.points", "9", "0")]


# -- what is expected --------------------------------------------------------------------------------------------------

BOUGHT = "given: [{purchase: {id: p, at: 2026-01-10, amount: 999.99}}, {flight: {at: 2026-01-10, quantity: 3, every: day, times: 3}}]"


def then(expected: str) -> tuple[str, str]:
    return BOUGHT, f"steps: [{{when: {{purchase: {{at: 2026-01-13, amount: 0.01}}}}, then: {expected}}}]"


@pytest.mark.parametrize(
    "expected",
    [
        "{points: 999, points.pending: 0, points.held: 0, points.owed: 0, award: 9}",
        "{tier: gold, tier.since: 2026-01-13, tier.until: 2027-01-13, tier.reached: earned}",
        "{tier.floor: none}",
        "{measure.spent: 1000.00, measure.orders: 2, measure.flights: 3, measure.share: 2/3}",
        "{measure.mean: 500, measure.spent: 1000}",
        "{because: tiers.upgrade.reached}",
        "{because: [tiers.upgrade.reached, points.accrual.nothing]}",
        "{declined: points.accrual.nothing, verdict: accepted}",
        "{level: gold, before: member, policy: earn}",
        "{unchanged: [points, points.pending, award, measure.flights]}",
        "{unchanged: [award, tier.floor]}",
        "{unchanged: award}",
        "{award: 9, verdict: accepted, measure.orders: 2.0}",
        '{says: {en: "gold", zh: "gold"}}',
    ],
)
def test_an_expectation_that_is_met(expected: str, shop: Program) -> None:
    assert failures(shop, *then(expected)) == ()


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("{points: 998}", ("points", "998", "999", "+1")),
        ("{award: 9.5}", ("award", "9.5", "9", "-0.5")),
        ("{measure.spent: 1000.01}", ("measure.spent", "1000.01", "1000.00", "-0.01")),
        ("{measure.share: 0.6667}", ("measure.share", "0.6667", "2/3", "-1/30000")),
        ("{measure.spent: none}", ("measure.spent", "none", "1000.00", "")),
        ("{tier: member}", ("tier", "member", "gold", "")),
        ("{tier: none}", ("tier", "none", "gold", "")),
        ("{tier: absent}", ("tier", "absent", "gold since 2026-01-13 until 2027-01-13, anchor 2026-01-13, reached earned", "")),
        ("{tier.until: none}", ("tier.until", "none", "2027-01-13", "")),
        ("{tier.colour: red}", ("tier.colour", "red", "there is no field 'colour'; known here: since, until, anchor, reached", "")),
        ("{verdict: late}", ("verdict", "late", "accepted", "")),
        ("{refused: event.late}", ("refused", "refused: event.late", "accepted", "")),
        ("{declined: event.late}", ("declined", "declined: event.late", "declined: points.accrual.nothing", "")),
        ("{because: [event.late, tiers.upgrade.reached]}", ("because", "event.late", "points.accrual.nothing, tiers.upgrade.reached", "")),
        ("{before: gold}", ("before", "gold", "member", "")),
        ("{unchanged: [award, measure.spent]}", ("unchanged", "measure.spent 999.99", "measure.spent 1000.00", "+0.01")),
        ("{task: call}", ("task", "call", "no task", "")),
        ('{says: {en: "platinum"}}', ("says", "en: platinum", "", "")),
    ],
)
def test_an_expectation_that_is_missed_tells_what_there_is(expected: str, told: tuple[str, str, str, str], shop: Program) -> None:
    (failure,) = failures(shop, *then(expected))
    key, wanted, got, delta = told
    assert (failure.path, failure.expected, failure.delta) == (f"steps[0].then.{key}", wanted, delta)
    assert failure.got == got or key == "says"
    assert "tiers.upgrade.reached" in [why.code for why in failure.why]


def test_a_level_that_is_missed_is_explained_by_what_its_ladder_tested_and_measures(shop: Program) -> None:
    (failure,) = failures(shop, *then("{tier: member}"))
    assert failure.facts == (
        "exclude[0].when on 2026-01-13: segment staff: none -> false",
        "levels[1].enter on 2026-01-13: spent >= 1000: 1000.00 -> true",
        "measure.spent = 1000.00",
    )


def test_an_average_of_money_is_shown_half_up(shop: Program) -> None:
    given = "given: [{purchase: {at: 2026-01-10, amount: 0.01}}]"
    step = "steps: [{when: {purchase: {at: 2026-01-10, amount: 0.02}}, then: {measure.mean: 0.02}}]"  # 0.015
    assert failures(shop, given, step) == ()


def test_a_name_that_nothing_has_is_told_with_what_there_is(shop: Program) -> None:
    (failure,) = failures(shop, *then("{refnd: 3.00}"))
    assert failure.got.startswith("nothing is called 'refnd'")
    assert all(name in failure.got for name in ("points.owed", "award", "tier", "measure.share", "level"))


def test_where_several_reasons_carry_a_parameter_any_may_match(shop: Program) -> None:
    given = "given: [{adjustment: {account: points, at: 2026-01-01, quantity: 100, reason: r}}]"
    step = "steps: [{when: {redemption: {points: 150, at: 2026-01-02}}, then: {refused: points.redemption.below_minimum, minimum: 200, missing: 50}}]"
    assert failures(shop, given, step) == ()


def test_an_excluded_customer_has_no_level_but_has_the_status(shop: Program) -> None:
    lines = ("customer: {segment: staff}", "steps: [{when: {visit: {at: 2026-01-02}}, then: {tier: none, tier.until: none}}]")
    assert failures(shop, *lines) == ()
    assert [got for _, _, got in missed(shop, lines[0], lines[1].replace("tier: none", "tier: absent"))] == ["none since 2026-01-02 until none"]


def test_a_refusal_that_the_step_does_not_speak_of_is_a_failure(shop: Program) -> None:
    assert missed(shop, "steps: [{when: {redemption: {points: 200, at: 2026-01-02}}, then: {points: 0}}]") == [
        ("steps[0].when", "accepted", "refused (points.redemption.insufficient)")
    ]


def test_unchanged_covers_the_buckets_below_an_account_and_the_fields_of_a_status(shop: Program) -> None:
    lines = (
        "steps: [{when: {adjustment: {account: points, at: 2026-01-02, quantity: -5, reason: r}}, then: {unchanged: [points]}},",
        "        {when: {tier_grant: {at: 2026-01-03, level: gold, reason: r}}, then: {unchanged: [tier]}}]",
    )
    first, second = missed(shop, *lines)
    assert first == ("steps[0].then.unchanged", "points.owed 0", "points.owed 5")
    assert second[1].startswith("tier member since 2026-01-02 until none")
    assert second[2].startswith("tier gold since 2026-01-03 until none")


def test_in_a_step_of_several_customers_a_bare_key_is_about_the_events_own(shop: Program) -> None:
    assert missed(
        shop,
        "customers: {ann: {}, bob: {}}",
        "steps: [{when: {purchase: {customer: bob, at: 2026-01-02, amount: 5.00}}, then: {points: 4, ann: {points: 1}}}]",
    ) == [("steps[0].then.points", "4", "5"), ("steps[0].then.ann.points", "1", "0")]


# -- what is wrong with a file -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("stpes: []",), [("scenario.unknown_field", 3, 5), ("scenario.missing_field", 2, 5)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, than: {points: 0}}]",), [("scenario.unknown_field", 3, 47)]),
        (("steps: [{then: {points: 0}}]",), [("scenario.missing_field", 3, 13)]),
        (("steps: [{when: {vist: {at: 2026-01-01}}}]",), [("scenario.unknown_event", 3, 21)]),
        (("steps: [{when: {visit: {id: v}}}]",), [("scenario.missing_field", 3, 28)]),
        (("steps: [{when: {visit: {at: 2026-02-30}}}]",), [("scenario.wrong_type", 3, 33)]),
        (("steps: [{when: {visit: {at: 2026-01-01, wen: 1}}}]",), [("event.unknown_field", 3, 45)]),
        (("steps: [{when: {purchase: {at: 2026-01-01, amount: 1_000}}}]",), [("event.bad_money", 3, 56)]),
        (("steps: [{when: {purchase: {at: 2026-01-01, amount: 9.00, tenders: {card: 8.00x}}}}]",), [("event.bad_money", 3, 78)]),
        (("steps: [{when: {check_in: {at: 2026-01-01, town: 上海}}}]",), [("event.unknown_attribute", 3, 48)]),
        (("customer: {birtday: 1990-01-01}", "steps: [{when: {visit: {at: 2026-01-01}}}]"), [("event.unknown_profile_field", 3, 16)]),
        (("steps: [{when: {visit: {at: 2026-01-01, customer: ann}}}]",), [("scenario.unknown_choice", 3, 55)]),
        (("steps: [{when: {visit: {at: 2026-01-01}, day_end: 2026-01-01}}]",), [("scenario.wrong_type", 3, 20)]),
        (("steps: [{when: {visit: {at: 2026-01-01, every: month}}}]",), [("scenario.wrong_type", 3, 28)]),
        (("steps: [{when: {visit: {at: 2026-01-01, times: 3}}}]",), [("scenario.not_with", 3, 45)]),
        (("steps: [{when: {visit: {at: 2026-01-01, every: fortnight, times: 3}}}]",), [("scenario.wrong_type", 3, 52)]),
        (("steps: [{when: {day_end: 2026-01-02}}, {when: {day_end: 2026-01-01}}]",), [("scenario.wrong_type", 3, 61)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {points: many}}]",), [("scenario.wrong_type", 3, 62)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {points.pendng: 0}}]",), [("scenario.unknown_choice", 3, 54)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {measure.spend: 0}}]",), [("scenario.unknown_choice", 3, 54)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {unchanged: [point]}}]",), [("scenario.unknown_choice", 3, 66)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {verdict: fine}}]",), [("scenario.unknown_choice", 3, 63)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {says: {fr: oui}}}]",), [("scenario.unknown_field", 3, 61)]),
        (("steps: [{when: {day_end: 2026-01-01}, then: {refused: event.late}}]",), [("scenario.not_with", 3, 50)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {tier: $tier}}]",), [("scenario.missing_field", 2, 5)]),
        (("steps: [{when: {visit: at}}]",), [("scenario.wrong_type", 3, 28)]),
        (("given: [at]", "steps: [{when: {visit: {at: 2026-01-01}}}]"), [("scenario.wrong_type", 3, 13)]),
        (("given: visit", "steps: [{when: {visit: {at: 2026-01-01}}}]"), [("scenario.wrong_type", 3, 12)]),
        (("tags: [[a]]", "steps: [{when: {visit: {at: 2026-01-01}}}]"), [("scenario.wrong_type", 3, 12)]),
        (("customers: {}", "steps: [{when: {day_end: 2026-01-01}}]"), [("scenario.wrong_type", 3, 16)]),
        (("customers: {1a: {}}", "steps: [{when: {day_end: 2026-01-01}}]"), [("scenario.bad_name", 3, 17)]),
        (("customer: {}", "customers: {a: {}}", "steps: [{when: {day_end: 2026-01-01}}]"), [("scenario.not_with", 3, 5)]),
        (("steps: [{when: {quote: {visit: {at: 2026-01-01, every: day, times: 2}}}}]",), [("scenario.not_with", 3, 28)]),
        (("steps: [{when: {visit: {at: 2026-01-01, every: day, times: 0}}}]",), [("scenario.wrong_type", 3, 64)]),
        (("steps: [{when: {visit: {at: 2026-01-01, every: day, times: x}}}]",), [("scenario.wrong_type", 3, 64)]),
        (("steps: [{when: {visit: {at: 2026-01-02, every: day, until: 2026-01-01}}}]",), [("scenario.wrong_type", 3, 64)]),
        (("steps: [{when: {visit: {at: 2026-01-02, every: 90 years, times: 3}}}]",), [("scenario.wrong_type", 3, 52)]),
        (("steps: [{when: {visit: {at: 2026-01-02, id: ''}}}]",), [("event.wrong_type", 3, 49)]),
        (("steps: [{when: {purchase: {at: 2026-01-02, tenders: [{type: card, amount: x}]}}}]",), [("event.bad_money", 3, 79)]),
        (("steps: [{when: {day_end: tomorrow}}]",), [("scenario.wrong_type", 3, 30)]),
        (("steps: [{when: {plan: {days: 3}}}]",), [("scenario.missing_field", 3, 27)]),
        (("steps: [{when: {plan: {from: 2026-01-01, days: 0}}}]",), [("scenario.wrong_type", 3, 52)]),
        (("steps: [{when: {plan: {from: 2026-01-01, until: 3}}}]",), [("scenario.unknown_field", 3, 46)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {plan: []}}]",), [("scenario.not_with", 3, 54)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {because: code}}]",), [("scenario.wrong_type", 3, 63)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {unchanged: {}}}]",), [("scenario.wrong_type", 3, 65)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {points: [1]}}]",), [("scenario.wrong_type", 3, 62)]),
        (("steps: [{when: {visit: {at: 2026-01-01}}, then: {task: [1]}}]",), [("scenario.wrong_type", 3, 60)]),
        (("steps: [{when: {purchase: {at: 2026-01-01, amount: 9.00x, tenders: {points: 100}}}}]",), [("event.bad_money", 3, 56)]),
    ],
)
def test_a_fault_has_a_code_a_line_and_a_column(lines: tuple[str, ...], expected: list[tuple[str, int, int]], shop: Program) -> None:
    assert sorted(faults(shop, *lines)) == sorted(expected)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (("steps: [{when: {check: {}}}]",), "the step 'check'"),
        (("subjects: {cafe: {kind: partner}}", "steps: [{when: {visit: {customer: cafe, at: 2026-01-01}}}]"), "the kind 'partner'"),
        (("steps: [{when: {tick: {at: 2026-01-01}}}]",), "the event 'tick' in a scenario (write day_end or advance)"),
    ],
)
def test_what_does_not_exist_yet_is_refused_and_never_ignored(lines: tuple[str, ...], what: str, shop: Program) -> None:
    with pytest.raises(ScenarioError) as caught:
        failures(shop, *lines)
    assert [(fault.code, fault.params["what"]) for fault in caught.value.diagnostics] == [("scenario.not_available", what)]
    assert all(fault.line and fault.column for fault in caught.value.diagnostics)


def test_all_faults_are_told_at_once(shop: Program) -> None:
    codes = [code for code, _, _ in faults(shop, "tag: [x]", "steps: [{when: {vist: {at: 1}}}, {when: {visit: {at: 1}}, then: {points: x}}]")]
    assert codes == ["scenario.unknown_field", "scenario.unknown_event", "scenario.wrong_type"]


def test_a_scenario_without_a_name_is_a_fault(shop: Program) -> None:
    with pytest.raises(ScenarioError) as caught:
        results(shop, "scenarios: [{steps: [{when: {visit: {at: 2026-01-01}}}]}, {name: [a], steps: [{when: {visit: {at: 2026-01-01}}}]}]")
    assert [(fault.code, fault.line) for fault in caught.value.diagnostics] == [("scenario.missing_field", 1), ("scenario.wrong_type", 1)]


def test_two_scenarios_of_one_name_are_a_fault(shop: Program) -> None:
    with pytest.raises(ScenarioError) as caught:
        results(shop, "scenarios:\n" + "  - {name: it, steps: [{when: {visit: {at: 2026-01-01}}}]}\n" * 2)
    assert [(fault.code, fault.line) for fault in caught.value.diagnostics] == [("scenario.name_taken", 3)]


def test_an_event_of_several_customers_says_whose_it_is(shop: Program) -> None:
    assert faults(shop, "customers: {ann: {}, bob: {}}", "steps: [{when: {visit: {at: 2026-01-01}}}]") == [("scenario.missing_field", 4, 28)]


def test_a_step_of_time_says_of_whom_something_is_expected(shop: Program) -> None:
    assert faults(shop, "customers: {ann: {}, bob: {}}", "steps: [{when: {day_end: 2026-01-01}, then: {points: 0}}]") == [
        ("scenario.unknown_choice", 4, 50)
    ]


# -- examples ----------------------------------------------------------------------------------------------------------

ROWS = (
    "given: [{purchase: {at: 2026-01-01, amount: $amount}}]",
    "steps: [{when: {day_end: 2026-01-01}, then: {points: $points}}]",
)


def outcomes(program: Program, *lines: str) -> list[tuple[str, int, bool]]:
    found = results(program, "\n".join(["scenarios:", "  - name: it", *(f"    {line}" for line in (*ROWS, *lines))]))
    return [(result.name, result.line, result.passed) for result in found]


def test_a_table_gives_a_scenario_for_every_row_at_its_line(shop: Program) -> None:
    lines = ("examples: |", "  amount | points", "", "  # a remark", "  1.00   | 1", "  2.00   | 3")
    assert outcomes(shop, *lines) == [("it [amount=1.00 points=1]", 9, True), ("it [amount=2.00 points=3]", 10, False)]


def test_bars_may_frame_a_table(shop: Program) -> None:
    lines = ("examples: |", "  | amount | points |", "  | 1.00 | 1 |")
    assert outcomes(shop, *lines) == [("it [amount=1.00 points=1]", 7, True)]


def test_examples_may_be_a_list_of_mappings(shop: Program) -> None:
    lines = ("examples:", "  - {amount: 1.00, points: 1}", "  - {points: 3, amount: 2.00}")
    assert outcomes(shop, *lines) == [("it [amount=1.00 points=1]", 6, True), ("it [points=3 amount=2.00]", 7, False)]


def test_equal_rows_are_told_apart(shop: Program) -> None:
    lines = ("examples: |", "  amount | points", "  1.00 | 1", "  1.00 | 1")
    assert [name for name, _, _ in outcomes(shop, *lines)] == ["it [amount=1.00 points=1]", "it [amount=1.00 points=1] #2"]


def test_a_cell_that_begins_with_a_bracket_is_flow_yaml(shop: Program) -> None:
    text = """
scenarios:
  - name: it
    customer: $customer
    steps: [{when: {visit: {at: 2026-01-01}}, then: {because: $why, tier: $tier}}]
    examples: |
      customer         | tier   | why
      {segment: staff} | none   | [tiers.exclusion.applied]
      {}               | member | [tiers.start.base]
"""
    assert [result.failures[0].path for result in results(shop, text)] == ["steps[0].then.because"] * 2  # told at the first instant, not by the visit
    assert all(len(result.failures) == 1 for result in results(shop, text))


def row_faults(program: Program, *lines: str) -> list[tuple[str, int, int]]:
    return faults(program, *ROWS, *lines)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("examples: |", "  amount | points", "  1.00x  | 1"), [("event.bad_money", 7, 7)]),
        (("examples: |", "  amount | points", "  1.00 | one"), [("scenario.wrong_type", 7, 14)]),
        (("examples: |", "  amount | points", "  1.00"), [("scenario.wrong_type", 7, 7), ("scenario.wrong_type", 5, 15)]),
        (("examples: |", "  amount | point", "  1.00 | 1"), [("scenario.unknown_choice", 5, 15), ("scenario.unknown_choice", 4, 58)]),
        (("examples: |", "  amount | points", "  1.00 | [1"), [("scenario.syntax", 7, 14)]),
        (("examples: [{amount: 1.00, points: 1}, {amount: 2.00}]",), [("scenario.wrong_type", 5, 43)]),
        (("examples: 5",), [("scenario.wrong_type", 5, 15)]),
        (("examples: {amount: 1}",), [("scenario.wrong_type", 5, 15)]),
    ],
)
def test_a_fault_of_a_row_stands_at_its_cell(lines: tuple[str, ...], expected: list[tuple[str, int, int]], shop: Program) -> None:
    assert set(expected) <= set(row_faults(shop, *lines))


# -- files and programs ------------------------------------------------------------------------------------------------

ONE = "program: {program}\nscenarios: [{{name: n, steps: [{{when: {{purchase: {{at: 2026-01-01, amount: 5.00}}}}, then: {{points: {points}}}}}]}}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "shop.yaml").write_text(PROGRAM, "utf-8")
    (tmp_path / "programs" / "double.yaml").write_text(
        PROGRAM.replace("program: shop", "program: double").replace("per_unit: 1", "per_unit: 2"), "utf-8"
    )
    return tmp_path


def write(folder: Path, program: str, points: int = 5, name: str = "shop") -> Path:
    path = folder / f"{name}.scenarios.yaml"
    path.write_text(ONE.format(program=program, points=points), "utf-8")
    return path


def test_a_program_is_looked_for_beside_the_file(folder: Path) -> None:
    (result,) = run(write(folder, "programs/shop.yaml"))
    assert (result.program, result.line, result.passed) == ("shop", 2, True)


def test_each_scenario_runs_against_each_program(folder: Path) -> None:
    found = run(write(folder, "[programs/shop.yaml, programs/double.yaml]"))
    assert [(result.program, result.passed) for result in found] == [("shop", True), ("double", False)]
    assert [planned.name for planned in collect(folder / "shop.scenarios.yaml")] == ["n (shop)", "n (double)"]


def test_a_program_that_is_not_there_is_a_fault_at_its_path(folder: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        run(write(folder, "shop.yaml"))
    (fault,) = caught.value.diagnostics
    assert (fault.code, fault.line, fault.column) == ("scenario.wrong_type", 1, 10)


def test_the_faults_of_a_program_have_their_own_places(folder: Path) -> None:
    (folder / "programs" / "shop.yaml").write_text(PROGRAM + "colour: red\n", "utf-8")
    with pytest.raises(ScenarioError) as caught:
        run(write(folder, "programs/shop.yaml"))
    assert [(Path(fault.source).name, fault.code) for fault in caught.value.diagnostics] == [("shop.yaml", "document.unknown_field")]


def test_an_answer_that_a_policy_cannot_give_is_a_failure_and_no_crash() -> None:
    class Broken(Policy):
        kind: ClassVar[str] = "acme.broken"

        def decide(self, event: AnyEvent, view: View, /) -> Decision | None:
            raise ValueError("broken")

    program = Program(id="b", zone="UTC", currency="EUR", policies=[Broken(id="it")], kinds={"acme.broken": Broken})
    (failure,) = failures(program, "steps: [{when: {visit: {at: 2026-01-01}}}]")
    assert failure.got.startswith("ContractError: policy 'it'")


def test_a_file_without_program_is_a_fault_unless_one_is_given(shop: Program) -> None:
    text = "scenarios: [{name: n, steps: [{when: {visit: {at: 2026-01-01}}}]}]"
    assert run("s.yaml", text=text, program=[shop])[0].passed
    with pytest.raises(ScenarioError) as caught:
        run("s.yaml", text=text)
    assert [fault.params["field"] for fault in caught.value.diagnostics] == ["program"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "program: [a",
        "scenarios: 5",
        "program: {a: b}\nscenarios: []",
        "program: x\nscenarios: [7]",
        "program: []\nscenarios: []",
        "program: x",
    ],
)
def test_a_text_that_is_no_scenario_file_is_told(text: str) -> None:
    with pytest.raises(ScenarioError):
        run("s.yaml", text=text)


# -- the command line --------------------------------------------------------------------------------------------------


def test_all_passed_is_exit_0(folder: Path) -> None:
    write(folder, "programs/shop.yaml")
    text, code = main_test([folder])
    assert code == 0
    assert text.splitlines()[-1] == "1 scenarios: 1 passed, 0 failed"


def test_a_failure_is_exit_1_and_told_in_chinese_too(folder: Path) -> None:
    write(folder, "programs/shop.yaml", 6)
    text, code = main_test([folder], lang="zh")
    assert code == 1
    assert "失败" in text
    assert "steps[0].then.points  6     5     -1" in text  # two columns for each Chinese character


def test_what_cannot_be_read_is_exit_2_and_the_others_run_all_the_same(folder: Path) -> None:
    write(folder, "programs/shop.yaml")
    write(folder, "nowhere.yaml", name="bad")
    text, code = main_test([folder, folder / "missing"])
    assert code == 2
    assert "bad.scenarios.yaml:1:10 scenario.wrong_type" in text
    assert f"{folder / 'missing'}: no such file or folder" in text
    assert "1 passed" in text


def test_nothing_collected_is_exit_5(folder: Path) -> None:
    assert main_test([folder]) == ("no scenarios found", 5)


def test_an_unknown_language_is_exit_2(folder: Path) -> None:
    assert main_test([folder], lang="fr")[1] == 2


def test_results_as_json_are_data(folder: Path) -> None:
    path = write(folder, "programs/shop.yaml", 6)
    text, code = main_test([path], format="json")
    data = json.loads(text)
    assert (code, data["passed"], data["failed"], data["faults"]) == (1, 0, 1, [])
    (failure,) = data["results"][0]["failures"]
    assert {name: failure[name] for name in ("path", "expected", "got", "delta", "line")} == {
        "path": "steps[0].then.points",
        "expected": "6",
        "got": "5",
        "delta": "-1",
        "line": 2,
    }


# -- the report --------------------------------------------------------------------------------------------------------


def test_chinese_takes_two_columns_and_combining_marks_none() -> None:
    assert (width("金卡"), width("e\u0301"), width("ab")) == (4, 1, 2)


def test_columns_are_aligned_by_what_they_take_on_a_terminal() -> None:
    assert aligned([["金卡", "1"], ["gold", "2"], ["a", "3"]]) == ["金卡  1", "gold  2", "a     3"]


def test_a_long_cell_does_not_widen_its_column() -> None:
    assert aligned([["x" * 60, "1"], ["ab", "2"]]) == ["x" * 60 + "  1", "ab  2"]


def test_a_report_names_the_program_where_a_file_runs_against_several() -> None:
    found = [ScenarioResult("n", program, "s.yaml", 3) for program in ("one", "two")]
    assert report(found).splitlines() == ["s.yaml", "  ok      3: n (one)", "  ok      3: n (two)", "2 scenarios: 2 passed, 0 failed"]


# -- the golden scenarios ----------------------------------------------------------------------------------------------


def changed(value: str) -> str:
    """A value that is certainly another one."""
    digits = value.lstrip("-").replace(".", "")
    return (
        f"{value}1" if digits.isdigit() and "." in value else f"1{value.lstrip('-')}" if digits.isdigit() else "none" if value != "none" else "gone"
    )


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, item in value.items() if isinstance(value, dict) else ():
        if key in READINGS and isinstance(item, str) and not item.startswith("$"):
            yield (*path, key)
        yield from leaves(item, (*path, key))


READINGS = (
    "tier",
    "tier.until",
    "tier.since",
    "points",
    "points.owed",
    "points.pending",
    "measure.spent",
    "refund",
    "waiting",
    "monthly",
    "best",
    "clip",
)


def altered(scenario: dict[str, Any]) -> set[str]:
    """Change every number and level that a scenario expects; the places of all of them."""
    found = set()
    for number, step in enumerate(scenario["steps"]):
        for *above, last in leaves(step.get("then", {})):
            place = step["then"]
            for key in above:
                place = place[key]
            place[last] = changed(place[last])
            found.add(f"steps[{number}]." + ".".join(("then", *above, last)))
    return found


def test_every_number_and_level_that_the_golden_scenarios_expect_can_fail() -> None:
    for file in sorted(GOLDEN.glob("*.scenarios.yaml")):
        data = copy.deepcopy(read(file.read_bytes(), source=file.name).data)
        wanted = {scenario["name"]: altered(scenario) for scenario in data["scenarios"]}
        for result in run(file, text=json.dumps(data, ensure_ascii=False)):
            places = wanted[result.name.partition(" [")[0]]  # behind it: the example
            assert places <= {failure.path for failure in result.failures}, (file.name, result.name)
