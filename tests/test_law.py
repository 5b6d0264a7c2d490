"""Law profiles: which rule is in force on a day, who confirmed it, an operator's own, and what a ``law:`` section may not say."""

from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import custrules as cr
from custrules.calendars import Length
from custrules.law import CAUSES, PROFILES, RULES, Deadline, Law, shipped

TODAY = date(2026, 6, 1)
needs_yaml = pytest.mark.skipif(find_spec("yaml") is None, reason="PyYAML is not installed")


def program(law: dict[str, Any] | None, currency: str = "CNY") -> cr.Program:
    return cr.Program(id="p", zone="Asia/Shanghai", currency=currency, policies=[], law=law)


def law(section: dict[str, Any], currency: str = "CNY") -> Law:
    found = program(section, currency).law
    assert found is not None
    return found


def faults(section: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(cr.DocumentError) as caught:
        program(section)
    return [(found.code.removeprefix("document."), found.path) for found in caught.value.diagnostics]


def own(**parts: Any) -> dict[str, Any]:
    sources = {"house": {"title": "House rules", "kind": "own"}}
    return {"profile": "salon", "extends": "CN", "sources": sources, **parts}


def rule(name: str, value: str, **more: Any) -> dict[str, Any]:
    return {"rule": name, "value": value, "source": "house", **more}


# --- what a program stands under --------------------------------------------------------------------------------------


def test_a_program_without_the_section_stands_under_no_law() -> None:
    assert program(None).law is None


def test_a_named_card_holds_5000_yuan_by_the_ministrys_measures() -> None:
    found = law({"profile": "CN"}).rule("limit.named", TODAY)
    assert found is not None
    assert (found.value, found.hard, found.entry.article, found.profile) == (Decimal("5000.00"), True, "18", "CN")
    assert law({"profile": "CN"}).amount("limit.named", TODAY) == 500_000


def test_a_rule_is_in_force_from_its_first_day() -> None:
    cn = law({"profile": "CN"})
    assert cn.rule("refund.merchant.basis", date(2025, 4, 30)) is None
    assert cn.value("refund.merchant.basis", date(2025, 5, 1)) == "paid_minus_ratio"


def test_a_name_that_is_no_rule_is_a_slip_of_the_pen() -> None:
    with pytest.raises(KeyError):
        law({"profile": "CN"}).rule("limit.nmaed", TODAY)


def test_a_law_is_confirmed_by_somebody_on_a_day() -> None:
    assert law({"profile": "CN", "confirmed_by": "counsel", "confirmed_on": "2026-01-01"}).confirmed
    assert not law({"profile": "CN", "confirmed_by": "counsel"}).confirmed


def test_amounts_of_another_currency_are_no_amounts_of_this_program() -> None:
    assert law({"profile": "CN"}, "USD").amount("limit.named", TODAY) is None


def test_the_section_goes_into_the_document_and_back() -> None:
    first = program(own(rules=[rule("limit.named", "3000.00", strength="hard")], confirmed_by="me", confirmed_on="2026-01-01"))
    assert cr.Program.from_json(first.to_json()) == first
    assert pickle.loads(pickle.dumps(first)) == first
    again = cr.Program.from_json(first.to_json()).law
    assert again is not None
    assert again.value("limit.named", TODAY) == Decimal("3000.00")


def test_why_the_law_was_applied_is_told_with_its_name_and_article() -> None:
    cn = law({"profile": "CN"})
    found = cn.rule("refund.merchant.basis", TODAY)
    assert found is not None
    why = cn.reason(found, "paid_minus_list")
    assert why.code == "law.rule.applied"
    assert "Fa Shi [2025] No. 4" in cr.render(why)
    assert "（法释〔2025〕4号）" in cr.render(why, "zh")
    assert "第18(2)条" in cr.render(why, "zh")


# --- an operator's own ------------------------------------------------------------------------------------------------


def test_an_own_rule_stands_before_the_one_of_what_is_extended_while_it_is_in_force() -> None:
    mine = law(own(rules=[rule("limit.named", "3000.00", effective_from="2026-05-01", effective_to="2026-05-31")]))
    assert [mine.amount("limit.named", day) for day in (date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 31), TODAY)] == [
        500_000,
        300_000,
        300_000,
        500_000,
    ]


def test_the_later_of_two_rules_of_a_name_holds_from_its_first_day() -> None:
    mine = law(own(rules=[rule("refund.sla", "10 days"), rule("refund.sla", "5 working days", effective_from="2026-05-01")]))
    assert mine.deadline("merchant", date(2026, 4, 30)) == Deadline(10, working=False)
    assert mine.deadline("merchant", date(2026, 5, 1)) == Deadline(5, working=True)


def test_a_draft_is_told_of_and_never_applied() -> None:
    mine = law(own(sources={"house": {"title": "A draft", "kind": "draft"}}, rules=[rule("limit.named", "1.00")]))
    assert mine.amount("limit.named", TODAY) == 500_000
    assert "1.00" in [found.shown for found in mine.all_rules()]


def test_a_profile_may_stand_on_its_own() -> None:
    mine = law(own(extends=None, rules=[rule("cash_out.below", "10.00"), rule("refund.expiry.share", "90%")]) | {"extends": None})
    assert mine.rule("limit.named", TODAY) is None
    assert mine.amount("cash_out.below", TODAY) == 1_000


def test_an_issuer_that_is_no_enterprise_may_have_a_limit_of_its_own() -> None:
    rules = [rule("limit.named.other", "2000.00")]
    sole, company = law(own(rules=rules, issuer="other")), law(own(rules=rules))
    assert [found.limit(named=True, day=TODAY).value for found in (sole, company)] == [Decimal("2000.00"), Decimal("5000.00")]  # type: ignore[union-attr]  # both have one
    assert sole.limit(named=False, day=TODAY) == law({"profile": "CN"}).rule("limit.anonymous", TODAY)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("limit.named", "12.50", Decimal("12.50")),
        ("validity.named", "unlimited", "unlimited"),
        ("validity.named", "5 years", Length.parse("5 years")),
        ("refund.sla", "5 working days", Deadline(5, working=True)),
        ("refund.sla", "1 day", Deadline(1, working=False)),
        ("card.reissued", "true", True),
        ("refund.minor.fee", "cost_based", "cost_based"),
    ],
)
def test_a_value_is_read_by_the_kind_of_its_rule_and_written_back(name: str, value: str, read: object) -> None:
    found = law(own(rules=[rule(name, value)])).rule(name, TODAY)
    assert found is not None
    assert (found.value, found.shown) == (read, value)


def test_values_are_equal_by_what_they_say() -> None:
    five = Deadline(5, working=True)
    assert five == Deadline.parse("5 working days")
    assert five != Deadline(5, working=False)
    assert len({five, Deadline.parse("5 working days")}) == 1
    assert repr(five) == "Deadline.parse('5 working days')"
    assert law(own(rules=[rule("refund.sla", "5 days")])).value("refund.sla", TODAY) == Deadline(5, working=False)


def test_a_profile_that_is_not_shipped_is_not_found() -> None:
    with pytest.raises(KeyError):
        shipped("ATLANTIS")


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"profile": "CH"}, [("unknown_law", "law.profile")]),
        (own(extends="CX"), [("unknown_law", "law.extends")]),
        ({"profile": "CN", "title": "Ours"}, [("name_taken", "law.profile")]),
        (own(rules=[rule("limit.nmaed", "1.00")]), [("unknown_law_rule", "law.rules[0].rule")]),
        (own(rules=[rule("limit.named", "1.005")]), [("bad_money", "law.rules[0].value")]),
        (own(rules=[rule("limit.named", "-1")]), [("wrong_type", "law.rules[0].value")]),
        (own(rules=[rule("refund.sla", "soon")]), [("wrong_type", "law.rules[0].value")]),
        (own(rules=[rule("refund.sla", "0 days")]), [("wrong_type", "law.rules[0].value")]),
        (own(rules=[rule("refund.expiry.share", "110%")]), [("wrong_type", "law.rules[0].value")]),
        (own(rules=[rule("refund.merchant.claim_period", "soon")]), [("wrong_type", "law.rules[0].value")]),
        (own(rules=[rule("refund.merchant.claim_period", ["30 days"])]), [("wrong_type", "law.rules[0].value")]),  # type: ignore[arg-type]  # that is the fault
        (own(rules=[rule("refund.minor.fee", "some")]), [("unknown_choice", "law.rules[0].value")]),
        (own(rules=[rule("limit.named", "1.00", source="nobody")]), [("unknown_source", "law.rules[0].source")]),
        (own(rules=[rule("limit.named", "1.00")] * 2), [("rule_twice", "law.rules[1].rule")]),
        (
            own(rules=[rule("limit.named", "1.00", effective_from="2026-05-02", effective_to="2026-05-01")]),
            [("rule_upside_down", "law.rules[0].effective_to")],
        ),
        (own(currency="CNX"), [("unknown_currency", "law.currency")]),
        ({"profile": "CN", "issuer": "club"}, [("unknown_choice", "law.issuer")]),
        ({"profile": "CN", "confirmed": "yes"}, [("unknown_field", "law.confirmed")]),
    ],
)
def test_a_section_with_a_fault_is_refused_at_its_place(section: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults(section) == expected


# --- in a file beside the document ------------------------------------------------------------------------------------

BESIDE = "program: p\nzone: UTC\ncurrency: CNY\nlaw: {file: FILE, confirmed_by: me}\npolicies: []\n"
FILE = """
profile: salon
extends: CN
sources: {house: {title: House rules, kind: own}}
rules:
  - {rule: limit.named, value: 3000.00, source: house}
"""


def beside(folder: Path, file: str, text: str = FILE) -> cr.Program:
    (folder / "law.yaml").write_text(text, "utf-8")
    (folder / "p.yaml").write_text(BESIDE.replace("FILE", file), "utf-8")
    return cr.load(folder / "p.yaml")


@needs_yaml
def test_a_profile_in_a_file_becomes_part_of_the_program(tmp_path: Path) -> None:
    found = beside(tmp_path, "law.yaml")
    assert found.law is not None
    assert (found.law.name, found.law.amount("limit.named", TODAY), found.law.section.confirmed_by) == ("salon", 300_000, "me")
    assert cr.Program.from_json(found.to_json()) == found


@needs_yaml
@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("law.yaml", FILE.replace("limit.named", "limit.nmaed"), ("law.yaml", 6, 12, "unknown_law_rule")),
        ("law.yaml", FILE.replace("source: house}", "source: hous}"), ("law.yaml", 6, 49, "unknown_source")),
        ("law.yaml", FILE.replace("profile: salon", "profile: *salon"), ("law.yaml", 2, 10, "unquoted_cell")),
        ("law.yaml", "- a list", ("law.yaml", 1, 1, "missing_field")),
        ("other.yaml", FILE, ("p.yaml", 4, 13, "unreadable_file")),
        ("../law.yaml", FILE, ("p.yaml", 4, 13, "bad_file_path")),
        ("law.csv", FILE, ("p.yaml", 4, 13, "bad_file_path")),
        ("[law.yaml]", FILE, ("p.yaml", 4, 13, "wrong_type")),
        ("law.yaml, profile: CN", FILE, ("p.yaml", 4, 23, "not_with")),
        ("law.yaml, issuer: club", FILE, ("p.yaml", 4, 31, "unknown_choice")),
    ],
)
def test_a_fault_is_told_where_it_stands(tmp_path: Path, file: str, text: str, expected: tuple[str, int, int, str]) -> None:
    with pytest.raises(cr.DocumentError) as caught:
        beside(tmp_path, file, text)
    (found,) = caught.value.diagnostics
    assert (Path(found.source).name, found.line, found.column, found.code.removeprefix("document.")) == expected


@needs_yaml
def test_a_document_from_a_stranger_names_no_file() -> None:
    with pytest.raises(cr.DocumentError) as caught:
        cr.loads(BESIDE.replace("FILE", "law.yaml"))
    assert [(found.code, found.path) for found in caught.value.diagnostics] == [("document.no_law_file", "law.file")]


# --- what is shipped --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROFILES)
def test_every_rule_of_a_shipped_profile_says_where_it_stands_and_what_it_says(name: str) -> None:
    profile = shipped(name)
    for entry in profile.rules:
        assert set(entry.text) == {"en", "zh"}, entry.rule
        assert entry.confirmed != bool(entry.missing), entry.rule  # what is not confirmed says what is missing


@pytest.mark.parametrize("name", PROFILES)
def test_every_shipped_profile_can_be_named(name: str) -> None:
    assert law({"profile": name}, shipped(name).currency or "EUR").name == name


def test_every_cause_of_a_refund_has_its_rules() -> None:
    assert {f"refund.{cause}.granted" for cause in CAUSES} <= RULES.keys()


@pytest.mark.parametrize("name", PROFILES)
def test_every_source_of_a_shipped_profile_is_used(name: str) -> None:
    profile = shipped(name)
    assert {entry.source for entry in profile.rules} == {*profile.sources}


def test_california_pays_out_small_balances_of_more_from_april_2026() -> None:
    """Civil Code 1749.5(b): less than 10.00; less than 15.00 from 2026-04-01 (SB 22)."""
    california = law({"profile": "US-CA"}, "USD")
    assert [california.amount("cash_out.below", day) for day in (date(2026, 3, 31), date(2026, 4, 1))] == [1_000, 1_500]


def test_beijing_pays_what_is_asked_back_in_seven_days_within_five_and_the_rest_within_fifteen() -> None:
    beijing = law({"profile": "CN-BJ"})
    assert (beijing.deadline("cooling_off", TODAY), beijing.deadline("consumer", TODAY)) == (Deadline(5, working=False), Deadline(15, working=False))


def test_shenzhens_draft_leaves_the_national_rules_as_they_are() -> None:
    shenzhen, national = law({"profile": "CN-SZ"}), law({"profile": "CN"})
    assert shenzhen.deadline("cooling_off", TODAY) == national.deadline("cooling_off", TODAY)


def test_a_place_extends_its_country() -> None:
    assert law({"profile": "CN-SD"}).value("refund.consumer.basis", TODAY) == "paid_minus_ratio"  # Shandong art. 30
    assert law({"profile": "CN"}).value("refund.consumer.basis", TODAY) == "paid_minus_list"  # art. 19
    assert law({"profile": "CN-SD"}).amount("limit.named", TODAY) == 500_000


def test_a_model_contract_of_a_place_does_not_take_the_law_of_the_country_away() -> None:
    jiangsu = law({"profile": "CN-JS"})
    nearest, hard = jiangsu.rule("refund.cooling_off.within", TODAY), jiangsu.hard("refund.cooling_off.within", TODAY)
    assert nearest is not None
    assert hard is not None
    assert (str(nearest.value), nearest.profile, str(hard.value), hard.profile) == ("15 days", "CN-JS", "7 days", "CN")
