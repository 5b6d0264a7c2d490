"""What the law of a program says about its terms, under the name of the profile whose rule it is; and bonuses that reward splitting."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from cases.covering import covers
from programs_helper import program_of, shared_dir

import custrules as cr

TODAY = date(2026, 6, 1)
CN = {"profile": "CN", "confirmed_by": "counsel", "confirmed_on": "2026-01-01"}
CARD: dict[str, Any] = {"id": "card", "kind": "stored_value.account", "form": "amount", "limit": {"per_card": "5000.00"}}
LADDER: dict[str, Any] = {"id": "top-up", "kind": "stored_value.top_up", "mode": "largest_first", "ladder": [{"pay": "1000.00", "give": "200.00"}]}
SPEND: dict[str, Any] = {"id": "spend", "kind": "stored_value.spending", "order": "pro_rata"}
CAUSES: dict[str, Any] = {
    "cooling_off": {"basis": "paid_minus_list", "within": "7 days"},
    "consumer": {"basis": "paid_minus_list"},
    "merchant": {"basis": "paid_minus_ratio"},
    "closure": {"basis": "paid_minus_ratio", "fee": "forbidden"},
    "force_majeure": {"basis": "paid_minus_ratio"},
    "minor": {"basis": "paid_minus_ratio"},
    "expiry": {"basis": "paid_minus_ratio"},
}
REFUND: dict[str, Any] = {"id": "refund", "kind": "stored_value.refund", "sla": "15 days", "causes": CAUSES}


def program(*policies: dict[str, Any], law: dict[str, Any] | None = None, currency: str = "CNY", accept: Any = None) -> cr.Program:
    section, working = law if law is not None else CN, {"working": {"days": "CN"}}
    return cr.Program(id="p", zone="Asia/Shanghai", currency=currency, policies=policies, law=section, accept=accept, calendar=working)


def found(*policies: dict[str, Any], on: date | None = TODAY, **options: Any) -> list[tuple[str, str, str]]:
    """The findings about stored value and its law, but for what is told of every profile: code, path and severity."""
    codes = ("law.", "check.top_up", "check.refund", "check.earned", "check.accept")
    findings = [finding for finding in cr.check(program(*policies, **options), on=on) if finding.code.startswith(codes)]
    return [(one.code, one.path, one.severity) for one in findings if not one.code.endswith((".unconfirmed_rules", ".no_refund", ".draft"))]


def own(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    sources = {"house": {"title": {"en": "House rules", "zh": "店规"}, "kind": "own"}}
    return {**CN, "profile": "salon", "extends": "CN", "sources": sources, "rules": [{"source": "house", **rule} for rule in rules], **more}


# --- accounts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ({"limit": {"per_card": "5000.00"}}, []),  # MOFCOM 9/2012: a named card up to 5,000, with it
        ({"limit": {"per_card": "5000.01"}}, [("law.cn.stored_value.limit", "policies[0].limit", "warning")]),
        ({"limit": {"per_member": "10000.00"}}, [("law.cn.stored_value.limit", "policies[0].limit", "warning")]),
        ({"limit": {"per_card": "5000.00", "per_member": "10000.00"}}, []),  # two cards
        ({"limit": {"per_card": "1000.00"}, "named": "false"}, []),  # an anonymous one up to 1,000
        ({"limit": {"per_card": "1000.01"}, "named": "false"}, [("law.cn.stored_value.limit", "policies[0].limit", "warning")]),
        ({"limit": None}, [("law.cn.stored_value.no_limit", "policies[0]", "warning")]),
    ],
)
def test_a_card_holds_no_more_than_the_law_lets_it(account: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert found({name: value for name, value in (CARD | account).items() if value is not None}) == expected


def test_an_accepted_finding_comes_back_when_the_acceptance_has_run_out() -> None:
    card = CARD | {"limit": {"per_member": "10000.00"}}
    accept = [{"finding": "law.cn.stored_value.limit", "at": "card.limit", "reason": "filed", "until": "2026-12-31"}]
    assert found(card, accept=accept, on=date(2026, 12, 31)) == []
    assert sorted(code for code, _, _ in found(card, accept=accept, on=date(2027, 1, 1))) == ["check.accepted_until", "law.cn.stored_value.limit"]


def test_an_acceptance_of_what_is_lawful_accepts_nothing() -> None:
    accept = [{"finding": "law.cn.stored_value.limit", "at": "card.limit", "reason": "filed", "until": "2026-12-31"}]
    assert found(CARD, accept=accept) == [("check.accepts_nothing", "accept[0]", "warning")]


def test_a_finding_is_called_after_the_profile_whose_rule_it_is() -> None:
    card = CARD | {"limit": {"per_card": "4000.00"}}
    assert found(card, law={**CN, "profile": "CN-ZJ"}) == []
    assert found(card, law={**CN, "profile": "CN-ZJ", "issuer": "other"}) == [("law.cn_zj.stored_value.limit", "policies[0].limit", "warning")]
    assert [code for code, _, _ in found(CARD | {"limit": {"per_card": "5001.00"}}, law={**CN, "profile": "CN-ZJ"})] == ["law.cn.stored_value.limit"]
    assert [code for code, _, _ in found(card, law=own({"rule": "limit.named", "value": "3000.00", "strength": "hard"}))] == [
        "law.salon.stored_value.limit"
    ]


def test_a_rule_that_the_terms_may_change_forbids_nothing() -> None:
    rules = own({"rule": "limit.named", "value": "3000.00", "strength": "default"}, extends=None)
    assert found(CARD, law={name: value for name, value in rules.items() if value is not None}) == []


def test_a_limit_of_another_currency_is_none() -> None:
    codes = found(CARD | {"limit": {"per_card": "9000.00"}}, currency="USD")
    assert codes == [("law.cn.profile.currency", "law", "warning")]


def test_a_law_that_changes_while_a_version_is_in_force_is_found() -> None:
    law = own({"rule": "limit.named", "value": "3000.00", "strength": "hard", "effective_from": "2026-09-01"})
    codes = [("law.salon.profile.ahead", "law", "info"), ("law.salon.stored_value.limit", "policies[0].limit", "warning")]
    assert sorted(found(CARD, law=law)) == codes
    later = CARD | {"effective_from": "2026-09-01", "limit": {"per_card": "3000.00"}}
    assert found(CARD, later, law=law) == codes[:1]


def test_a_law_that_counts_the_bonus_asks_the_limit_to_count_it_too() -> None:
    law = own({"rule": "limit.counts_bonus", "value": "true", "strength": "hard"})
    assert found(CARD, law=law) == [("law.salon.stored_value.limit_bonus", "policies[0].limit", "warning")]
    assert found(CARD | {"limit": {"per_card": "5000.00", "bonus": "true"}}, law=law) == []


def test_a_bonus_that_lapses_too_early_is_found_where_the_law_speaks_of_bonus() -> None:
    card = CARD | {"bonus_expiry": "6 months"}
    assert found(card) == []
    law = own({"rule": "validity.covers_bonus", "value": "true"})
    assert found(card, law=law) == [("law.cn.stored_value.bonus_expiry", "policies[0].bonus_expiry", "warning")]


def test_an_account_that_ends_is_announced_before() -> None:
    """Thirty days before 2026-08-01 are 2026-07-02."""
    ended = CARD | {"effective_from": "2026-08-01", "retired": "true"}
    assert found(CARD, ended, on=date(2026, 7, 2)) == [("law.cn.stored_value.notice", "policies[1].retired", "info")]
    assert found(CARD, ended, on=date(2026, 7, 3)) == [("law.cn.stored_value.notice", "policies[1].retired", "warning")]


def test_stored_value_that_nobody_pays_back_is_found() -> None:
    codes = [finding.code for finding in cr.check(program(CARD, LADDER, SPEND), on=TODAY)]
    assert "law.cn.stored_value.no_refund" in codes


def test_a_program_without_a_law_has_no_such_findings() -> None:
    plain = cr.Program(id="p", zone="UTC", currency="CNY", policies=[CARD])
    assert [finding for finding in cr.check(plain, on=TODAY) if finding.code.startswith("law.")] == []


# --- the profile ------------------------------------------------------------------------------------------------------


def test_a_profile_that_nobody_confirmed_is_told() -> None:
    assert found(CARD, law={"profile": "CN"}) == [("law.cn.profile.unconfirmed", "law", "warning")]


def test_what_began_after_the_confirmation_is_told() -> None:
    """California: 15.00 from 2026-04-01."""
    law = {"profile": "US-CA", "confirmed_by": "counsel", "confirmed_on": "2026-01-01"}
    assert found(law=law, currency="USD", on=date(2026, 3, 31)) == [("law.us_ca.profile.ahead", "law", "info")]
    assert found(law=law, currency="USD", on=date(2026, 4, 1)) == [("law.us_ca.profile.changed_since", "law", "warning")]
    assert found(law=law, currency="USD", on=None) == []


def test_a_draft_and_what_is_not_confirmed_are_told() -> None:
    codes = {finding.code for finding in cr.check(program(law={"profile": "CN-SZ"}))}
    assert {"law.cn_sz.profile.draft", "law.cn_sz.profile.unconfirmed_rules", "law.cn_sz.profile.unconfirmed"} <= codes
    confirmed = {finding.code for finding in cr.check(program(law={**CN, "profile": "CN-SZ"}))}
    assert "law.cn_sz.profile.unconfirmed_rules" not in confirmed


def test_limits_over_all_customers_are_told_to_be_out_of_reach() -> None:
    law = {**CN, "profile": "JP"}
    codes = [finding.params["rule"] for finding in cr.check(program(law=law, currency="JPY")) if finding.code == "law.jp.profile.all_customers"]
    assert sorted(codes) == ["custody.share_of_unused", "refund.share_of_issue", "refund.share_of_unused"]


@pytest.mark.parametrize(
    ("rule", "weaker"),
    [
        ({"rule": "limit.named", "value": "6000.00"}, True),
        ({"rule": "limit.named", "value": "3000.00"}, False),
        ({"rule": "validity.named", "value": "5 years"}, True),
        ({"rule": "validity.anonymous", "value": "2 years"}, True),
        ({"rule": "validity.anonymous", "value": "unlimited"}, False),
        ({"rule": "closing.notice", "value": "60 days"}, False),
        ({"rule": "refund.merchant.granted", "value": "false"}, True),
        ({"rule": "refund.merchant.basis", "value": "paid_minus_list"}, True),
        ({"rule": "refund.merchant.fee", "value": "forbidden"}, False),
        ({"rule": "closing.notice", "value": "10 days"}, True),
        ({"rule": "refund.sla", "value": "30 days"}, False),  # a default that the terms may change
        ({"rule": "limit.named", "value": "6000.00", "effective_to": "2012-10-31"}, False),  # before there was a limit
    ],
)
def test_an_own_rule_that_weakens_what_cannot_be_agreed_away_is_found(rule: dict[str, Any], weaker: bool) -> None:
    codes = [one for one in found(law=own(rule)) if one[0].endswith("weakened")]
    assert codes == ([("law.cn.profile.weakened", "law.rules[0].value", "warning")] if weaker else [])


def test_deadlines_and_shares_are_weaker_when_they_are_longer_or_less() -> None:
    beijing = own({"rule": "refund.cooling_off.sla", "value": "5 working days"}, extends="CN-BJ")
    assert ("law.cn_bj.profile.weakened", "law.rules[0].value", "warning") in found(law=beijing)
    japan = own({"rule": "custody.share_of_unused", "value": "40%"}, extends="JP")
    assert ("law.jp.profile.weakened", "law.rules[0].value", "warning") in found(law=japan, currency="JPY")
    more = own({"rule": "custody.share_of_unused", "value": "60%"}, extends="JP")
    assert [one for one in found(law=more, currency="JPY") if "weakened" in one[0]] == []


def test_a_finding_names_the_law_in_two_languages() -> None:
    finding = next(one for one in cr.check(program(CARD | {"limit": {"per_card": "6000.00"}}), on=TODAY) if one.code == "law.cn.stored_value.limit")
    assert "may hold 6000.00 CNY after a top-up, by law at most 5000.00" in cr.render(finding)
    assert "单用途商业预付卡管理办法" in cr.render(finding, "zh")
    assert "第18条" in cr.render(finding, "zh")


# --- ladders and points -----------------------------------------------------------------------------------------------


@covers("SV-T07")
def test_a_ladder_in_which_two_payments_bring_more_than_one_is_found() -> None:
    """SV-T07: 500 brings 100, 1000 brings 150; twice 500 bring 200."""
    ladder = {"mode": "highest", "ladder": [{"pay": "500.00", "give": "100.00"}, {"pay": "1000.00", "give": "150.00"}]}
    assert found(CARD, LADDER | ladder) == [("check.top_up_splitting", "policies[1].ladder", "warning")]
    finding = next(one for one in cr.check(program(CARD, LADDER | ladder)) if one.code == "check.top_up_splitting")
    assert [finding.params[name] for name in ("first", "second", "apart", "together")] == ["500.00", "500.00", "200.00", "150.00"]


@pytest.mark.parametrize(
    ("ladder", "severity"),
    [
        ({"mode": "largest_first", "ladder": [{"pay": "500.00", "give": "80.00"}, {"pay": "1000.00", "give": "200.00"}]}, None),
        ({"mode": "highest", "ladder": [{"pay": "500.00", "give": "80.00"}, {"pay": "1000.00", "give": "200.00"}]}, "info"),  # above 1000 only
        ({"mode": "highest", "ladder": [{"pay": "500.00", "give": "80.00"}, {"pay": "5000.00", "give": "200.00"}]}, "warning"),
        ({"mode": "per_multiple", "ladder": [{"pay": "1000.00", "give": "200.00"}]}, None),
        ({"mode": "highest", "ladder": [{"pay": "0.00", "percent": "10%"}]}, None),
        ({"mode": "highest", "ladder": [{"pay": "0.00", "percent": "10%", "cap": "50.00"}]}, "info"),  # 500 and 500 bring 100
        ({"mode": "largest_first", "ladder": [{"pay": "500.00", "give": "100.00"}, {"pay": "1000.00", "give": "150.00"}]}, "warning"),
    ],
)
def test_only_a_ladder_that_rewards_splitting_is_found(ladder: dict[str, Any], severity: str | None) -> None:
    assert [told for _, _, told in found(CARD, LADDER | ladder)] == ([severity] if severity else [])


def test_points_on_paying_in_and_on_spending_are_points_twice() -> None:
    points = [{"id": "points", "kind": "points.account", "expiry": "never"}]
    spent = {"id": "earn", "kind": "points.accrual", "points_per_unit": "1"}
    paid_in = {"id": "more", "kind": "points.accrual", "event": "top_up", "points": "10"}
    assert ("check.earned_twice", "policies[2]", "warning") in found(CARD, *points, paid_in, spent)
    principal_off = spent | {"counts": {"tenders": {"stored_value": "false"}}}
    assert [code for code, _, _ in found(CARD, *points, paid_in, principal_off)] == []
    cards = spent | {"counts": {"gift_cards": "true", "tenders": {"gift_card": "true"}}}
    assert ("check.earned_twice", "policies[2].counts", "warning") in found(CARD, *points, cards)


# --- refunds ----------------------------------------------------------------------------------------------------------


def refund(causes: dict[str, Any] | None = None, **more: Any) -> list[tuple[str, str, str]]:
    given = {name: cause for name, cause in (CAUSES | (causes or {})).items() if cause is not None}
    return found(CARD, REFUND | {"causes": given} | more)


def test_terms_that_follow_the_law_have_no_findings() -> None:
    assert refund() == []


@pytest.mark.parametrize(
    ("causes", "code", "path", "severity"),
    [
        ({"merchant": None}, "cause_granted", "causes", "info"),
        ({"consumer": None}, "cause_missing", "causes", "info"),
        ({"merchant": {"basis": "paid_minus_list"}}, "basis", "causes.merchant.basis", "warning"),
        ({"merchant": {"basis": "paid_minus_ratio", "fee": {"percent": "2%"}}}, "fee", "causes.merchant.fee", "warning"),
        ({"cooling_off": {"basis": "paid_minus_list", "within": "3 days"}}, "window", "causes.cooling_off.within", "warning"),
        ({"cooling_off": {"basis": "paid_minus_list", "within": "7 days", "unless": "used"}}, "unless", "causes.cooling_off.unless", "info"),
        ({"consumer": {"basis": "paid_minus_list", "sla": "16 days"}}, "deadline", "causes.consumer.sla", "info"),
        ({"consumer": {"basis": "paid_minus_list", "sla": "12 working days"}}, "deadline", "causes.consumer.sla", "info"),  # 16 days at least
    ],
)
def test_terms_that_the_law_does_not_allow_are_found(causes: dict[str, Any], code: str, path: str, severity: str) -> None:
    assert refund(causes) == [(f"law.cn.stored_value.{code}", f"policies[1].{path}", severity)]


@pytest.mark.parametrize(
    "cause",
    [
        {"consumer": {"basis": "paid_minus_list", "fee": {"percent": "2%"}}},
        {"consumer": {"basis": "paid_minus_ratio"}},
        {"cooling_off": {"basis": "paid_minus_list", "within": "30 days"}},
        {"consumer": {"basis": "paid_minus_list", "sla": "11 working days"}},  # 15 days at least
        {"consumer": {"basis": "paid_minus_list", "sla": "48 hours"}},
    ],
)
def test_terms_that_are_better_or_free_are_not(cause: dict[str, Any]) -> None:
    assert refund(cause) == []


def test_a_fee_of_all_causes_is_found_where_it_is_written() -> None:
    assert {(code, path) for code, path, _ in refund({"closure": {"basis": "paid_minus_ratio"}}, fee={"fixed": "5.00"})} == {
        ("law.cn.stored_value.fee", "policies[1].fee")
    }


def test_where_refunds_are_prohibited_only_what_the_law_excepts_may_be_listed() -> None:
    """Japan, Payment Services Act art. 20: an issuer who ends must pay back; otherwise it may not."""
    terms = REFUND | {"causes": {"closure": {"basis": "principal_remaining"}, "consumer": {"basis": "paid_minus_face"}}}
    card = CARD | {"limit": {"per_card": "50000"}}
    codes = [one for one in found(card, terms, law={**CN, "profile": "JP"}, currency="JPY") if "all_customers" not in one[0]]
    assert ("law.jp.stored_value.prohibited", "policies[1].causes.consumer", "warning") in codes
    assert [path for code, path, _ in codes if code.endswith("prohibited")] == ["policies[1].causes.consumer"]


def test_a_least_payout_gives_way_to_a_cash_out_by_law() -> None:
    """SV-R17: California pays out less than 15.00, whatever the terms' minimum."""
    terms = REFUND | {"causes": {"cash_out": {"basis": "principal_remaining"}}, "payout": {"to": "original_tender", "minimum": "10.00"}}
    law = {"profile": "US-CA", "confirmed_by": "counsel", "confirmed_on": "2026-05-01"}
    codes = found(CARD, terms, law=law, currency="USD")
    assert ("law.us_ca.stored_value.minimum", "policies[1].payout", "info") in codes


def test_a_refund_of_what_is_left_ignores_a_bonus_that_is_spent_first() -> None:
    """SV-E02: 1000 + 200, spend 200 of the bonus, and 1000 go back."""
    terms = REFUND | {"causes": CAUSES | {"consumer": {"basis": "principal_remaining"}}}
    first = SPEND | {"order": "bonus_first"}
    assert found(CARD, first, terms) == [("check.refund_ignores_bonus", "policies[2].causes.consumer.basis", "warning")]
    assert found(CARD, SPEND, terms) == []
    paid_out = REFUND | {"causes": CAUSES | {"consumer": {"basis": "face_remaining"}}}
    assert found(CARD, SPEND, paid_out) == [("check.refunds_bonus", "policies[2].causes.consumer.basis", "warning")]


# --- a whole program --------------------------------------------------------------------------------------------------

PROGRAMS = shared_dir()


@pytest.mark.skipif(PROGRAMS is None, reason="the hand-written programs are not here; CUSTRULES_SHARED names the folder above them")
def test_the_beauty_programs_limit_is_accepted_to_the_end_of_the_year() -> None:
    assert PROGRAMS is not None
    beauty = program_of(PROGRAMS / "06_beauty.yaml", lambda line: None)
    codes = {day: [finding.code for finding in cr.check(beauty, on=day)] for day in (date(2026, 12, 31), date(2027, 1, 1))}
    assert "law.cn.stored_value.limit" not in codes[date(2026, 12, 31)]
    assert {"law.cn.stored_value.limit", "check.accepted_until"} <= {*codes[date(2027, 1, 1)]}
    assert "check.accepts_nothing" not in codes[date(2026, 12, 31)]


@pytest.mark.skipif(PROGRAMS is None, reason="the hand-written programs are not here; CUSTRULES_SHARED names the folder above them")
def test_the_tea_programs_terms_keep_to_the_law() -> None:
    assert PROGRAMS is not None
    tea = program_of(PROGRAMS / "01_tea.yaml", lambda line: None)
    assert [finding.code for finding in cr.check(tea, on=TODAY) if finding.code.startswith("law.") and finding.severity != "info"] == []
