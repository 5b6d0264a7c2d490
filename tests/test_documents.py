"""Documents: sections, versions, defaults, kinds; every fault at once with its place; programs go back to documents."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict
from toys import AURORA, Gate, Greeting, aurora
from toys import KINDS as TOYS

import custrules as cr
from custrules.documents import kinds as kinds_module
from custrules.documents.faults import steps_of, true_path
from custrules.policies import KINDS, LATER_KINDS, built_in

HEAD = "program: p\nzone: UTC\ncurrency: CNY\n"


def faults(text: str, **options: Any) -> list[tuple[str, int, int]]:
    with pytest.raises(cr.DocumentError) as caught:
        cr.loads(text, **{"format": "yaml", "kinds": TOYS} | options)
    return [(fault.code.removeprefix("document."), fault.line, fault.column) for fault in caught.value.diagnostics]


def fault(text: str, **options: Any) -> cr.Diagnostic:
    with pytest.raises(cr.DocumentError) as caught:
        cr.loads(text, **{"format": "yaml", "kinds": TOYS} | options)
    (only,) = caught.value.diagnostics
    return only


def program(sections: str = "", policies: str = "policies: []\n") -> cr.Program:
    return cr.loads(HEAD + sections + policies, format="yaml", kinds=TOYS)


# --- what a document says ---------------------------------------------------------------------------------------------


def test_a_document_gives_a_program() -> None:
    club = aurora()
    assert (club.id, club.currency, club.zone) == ("aurora", "CNY", ZoneInfo("Asia/Shanghai"))
    assert club.title == {"en": "Aurora Club", "zh": "极光会"}
    assert [policy.id for policy in club.policies] == ["honour", "points", "earn", "earn", "greet"]


def test_defaults_are_given_to_every_policy_that_does_not_say_its_own() -> None:
    assert [(str(policy.effective_from), policy.reference) for policy in aurora().policies[1:4]] == [
        ("2026-01-01", "Member terms 2026"),
        ("2026-01-01", "Member terms 2026"),
        ("2026-07-01", "Notice of 1 June"),
    ]


def test_a_document_without_a_format_is_format_1() -> None:
    assert program() == program("custrules: 1\n")


def test_three_formats_say_the_same_thing() -> None:
    data = aurora().document_data()
    toml = """\
program = "p"
zone = "UTC"
currency = "CNY"
[[policies]]
id = "greet"
kind = "toys.greeting"
rate = 1.15
when = { weekday = "monday" }
"""
    as_json = cr.loads(json.dumps(data, ensure_ascii=False), format="json", kinds=TOYS)
    assert as_json == aurora()
    yaml = program(policies="policies: [{id: greet, kind: toys.greeting, rate: 1.15, when: {weekday: monday}}]\n")
    assert cr.loads(toml, source="p.toml", kinds=TOYS) == yaml


def test_a_number_is_read_from_its_text_and_never_from_a_float() -> None:
    (greeting,) = program(policies="policies: [{id: g, kind: toys.greeting, rate: 0.1}]\n").policies
    assert isinstance(greeting, Greeting)
    assert greeting.rate is not None
    assert (greeting.rate.numerator, greeting.rate.denominator) == (1, 10)


@pytest.mark.parametrize("spelling", ["010", "1_000", "0x10", "1e3", "NO", "21:00", "+1"])
def test_yaml_guesses_are_no_numbers(spelling: str) -> None:
    assert faults(f"{HEAD}policies: [{{id: g, kind: toys.greeting, rate: {spelling}}}]\n") == [("wrong_type", 4, 47)]


def test_the_word_no_is_text_where_text_is_asked_for() -> None:
    (greeting,) = program(policies="policies: [{id: g, kind: toys.greeting, words: NO}]\n").policies
    assert isinstance(greeting, Greeting)
    assert greeting.words == "NO"


def test_a_profile_field_is_kept_as_its_kind() -> None:
    kept = program("profile: {b: {type: birthday}, p: {type: phone}, s: {type: subject}, m: {type: money}}\n").rulebook.parts.profile
    assert {name: (field.kind, field.birthday) for name, field in kept.items()} == {
        "b": ("date", True),
        "p": ("text", False),
        "s": ("text", False),
        "m": ("money", False),
    }


def test_an_activity_declares_attributes_and_the_unit_of_its_quantity() -> None:
    declared = aurora().rulebook.parts.declared.activities
    assert declared["flight"].unit == "km"
    assert declared["check_in"].attributes == {"city": "text", "fee": "money", "indoors": "flag", "on_day": "date", "stars": "whole"}


def test_an_activity_may_declare_nothing() -> None:
    assert program("activities: {wave: {}}\n").rulebook.parts.declared.activities["wave"].attributes == {}


def test_late_and_returns_have_their_defaults() -> None:
    rules = program().rulebook
    assert (str(rules.late), str(rules.returns.window), rules.returns.tenders) == ("3 days, 0:00:00", "366 days", "reverse")


def test_a_file_is_read_by_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"program": "p", "zone": "UTC", "currency": "CNY", "policies": []}')
    (tmp_path / "p.yml").write_text(HEAD + "policies: []\n")
    assert cr.load(tmp_path / "p.json") == cr.load(str(tmp_path / "p.yml"))


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"\xef\xbb\xbf" + (HEAD + "policies: []\n").encode())
    assert cr.load(tmp_path / "p.yaml").id == "p"


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        cr.load(tmp_path / "nowhere.yaml")


def test_a_fault_in_a_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(HEAD + "policies: []\nspeed: 3\n")
    with pytest.raises(cr.DocumentError, match=r'p\.yaml:5:1 document\.unknown_field: there is no field "speed" here'):
        cr.load(tmp_path / "p.yaml")


# --- back again -------------------------------------------------------------------------------------------------------


def test_a_program_goes_to_its_document_and_back_unchanged() -> None:
    club = aurora()
    again = cr.Program.from_json(club.to_json(), kinds=TOYS)
    assert again == club
    assert again.policies == club.policies
    assert (again.digest, again.to_json()) == (club.digest, club.to_json())


def test_a_document_leaves_defaults_out_but_for_the_day_and_the_source() -> None:
    (data,) = program(policies="policies: [{id: g, kind: toys.greeting, words: hello}]\n").document_data()["policies"]
    assert data == {"kind": "toys.greeting", "id": "g", "effective_from": "1900-01-01", "reference": ""}


def test_a_document_begins_a_policy_with_its_kind() -> None:
    assert next(iter(aurora().document_data()["policies"][0])) == "kind"


def test_sections_at_their_default_are_left_out() -> None:
    assert program("late: 3 days\nreturns: {window: 366 days}\nprofile: {}\n").document_data() == {
        "custrules": 1,
        "program": "p",
        "zone": "UTC",
        "currency": "CNY",
        "policies": [],
    }


def test_plain_data_of_a_document_is_plain() -> None:
    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(item) for key, item in value.items())
        return all(map(plain, value)) if isinstance(value, list) else type(value) in (str, int, bool)

    assert plain(aurora().document_data())


LENGTHS = st.builds(lambda count, unit: f"{count} {unit}", st.integers(2, 90), st.sampled_from(["days", "weeks", "months"]))
MEASURES = st.builds(
    lambda aggregate, window: {aggregate: "purchase" if aggregate == "count" else "spend", "window": window},
    st.sampled_from(["count", "sum"]),
    LENGTHS,
)
RATES = st.one_of(st.integers(1, 50).map(str), st.builds(lambda top, bottom: f"{top}/{bottom}", st.integers(1, 9), st.integers(1, 9)))
GREETINGS = st.fixed_dictionaries(
    {"kind": st.just("toys.greeting")},
    optional={
        "words": st.text("abcde 你好:,#'\"", min_size=1, max_size=8),
        "rate": RATES,
        "when": st.fixed_dictionaries({"m0": st.sampled_from([">= 5", "[1..9)", "not(3)", "-"])}),
    },
)


@given(st.lists(MEASURES, min_size=1, max_size=3), st.lists(GREETINGS, max_size=3), LENGTHS.filter(lambda text: "months" not in text))
def test_any_document_goes_to_a_program_and_back_unchanged(measures: list[Any], greetings: list[Any], late: str) -> None:
    policies = [{"id": f"g{place}", "status": f"s{place}", **greeting} for place, greeting in enumerate(greetings)]
    named = {f"m{place}": measure for place, measure in enumerate(measures)}
    made = cr.Program(id="p", zone="UTC", currency="CNY", policies=policies, measures=named, late=late, kinds=TOYS)
    again = cr.Program.from_json(made.to_json(), kinds=TOYS)
    assert again == made
    assert again.policies == made.policies


# --- every fault at once ----------------------------------------------------------------------------------------------


def test_faults_of_all_sections_are_told_at_once_in_the_order_of_the_text() -> None:
    text = """\
program: 7days
zone: Mars/Olympus
currency: YUAN
late: soon
profile: {age: {type: int}}
activities: {check_in: {city: string}}
calendar: {pay_day: {day_of_month: 32}}
measures: {m: {sum: spend, window: a year}}
policies:
  - {id: g, kind: toys.greeting, rate: x}
  - {id: h, kind: toys.gretting}
surprise: 1
"""
    assert faults(text) == [
        ("wrong_type", 1, 10),
        ("unknown_zone", 2, 7),
        ("unknown_currency", 3, 11),
        ("wrong_type", 4, 7),
        ("unknown_choice", 5, 23),
        ("unknown_choice", 6, 31),
        ("wrong_type", 7, 36),
        ("wrong_type", 8, 36),
        ("wrong_type", 10, 40),
        ("unknown_kind", 11, 19),
        ("unknown_field", 12, 1),
    ]


def test_findings_of_the_second_pass_are_told_with_those_of_the_first() -> None:
    text = HEAD + "late: soon\npolicies:\n  - {id: g, kind: toys.greeting, when: {spend_12: 5}}\n"
    assert faults(text) == [("wrong_type", 4, 7), ("unknown_fact", 6, 41)]


def test_an_unknown_field_is_told_at_its_key_and_a_missing_one_at_its_mapping() -> None:
    assert faults(HEAD + "policies:\n  - {kind: toys.greeting, wrods: hi}\n") == [("missing_field", 5, 5), ("unknown_field", 5, 27)]


def test_a_place_deep_inside_is_true() -> None:
    measures = "measures:\n  m: {count: purchase, window: 1 month}\n"
    when = '    when:\n      any:\n        - {m: "> 5"}\n        - {m: ">= x"}\n'
    text = HEAD + measures + "policies:\n  - id: g\n    kind: toys.greeting\n" + when
    found = fault(text)
    assert (found.code, found.path, found.line, found.column) == ("document.bad_cell", "policies[0].when.any[1].m", 12, 15)


def test_a_fact_with_a_dot_is_told_at_its_key() -> None:
    found = fault(HEAD + "policies:\n  - {id: g, kind: toys.greeting, when: {card.bonus: 5}}\n")
    assert (found.code, found.path, found.column) == ("document.unknown_fact", "policies[0].when.card.bonus", 41)


def test_a_measure_that_is_broken_makes_no_unknown_facts() -> None:
    text = HEAD + "measures: {m: {sum: spend, window: x}, r: {ratio: [m, m]}}\npolicies: [{id: g, kind: toys.greeting, when: {m: 5}}]\n"
    assert faults(text) == [("wrong_type", 4, 36)]


def test_a_profile_field_that_is_broken_makes_no_unknown_facts() -> None:
    text = HEAD + "profile: {seg: {tipe: text}}\npolicies: [{id: g, kind: toys.greeting, when: {seg: a}}]\n"
    assert faults(text) == [("missing_field", 4, 16), ("unknown_field", 4, 17)]


def test_a_ladder_that_is_broken_makes_no_unknown_levels() -> None:
    text = HEAD + (
        "policies:\n"
        "  - {id: l, kind: tiers.ladder, levels: [{name: a}], downgrade: never}\n"
        "  - {id: points, kind: points.account, expiry: never}\n"
        "  - {id: e, kind: points.accrual, points_per_unit: {a: 1}}\n"
        "  - {id: g, kind: toys.greeting, when: {tier: a}}\n"
    )
    assert faults(text) == [("unknown_choice", 5, 65)]


def test_an_account_that_is_broken_leaves_nobody_without_an_account() -> None:
    text = HEAD + (
        "policies:\n  - {id: points, kind: points.account}\n  - {id: e, kind: points.accrual, points: 1}\n"
        '  - {id: g, kind: toys.greeting, when: {points: ">= 5"}}\n'
    )
    assert faults(text) == [("missing_field", 5, 5)]


def test_an_activity_that_is_broken_makes_no_unknown_subjects() -> None:
    assert faults(HEAD + "activities: {bill: money}\nmeasures: {m: {sum: bill, window: 1 month}}\npolicies: []\n") == [("wrong_type", 4, 20)]


def test_an_unknown_currency_brings_no_complaint_about_decimals() -> None:
    text = "program: p\nzone: UTC\ncurrency: XYZ\nmeasures: {m: {sum: spend, window: 1 month}}\n"
    assert faults(text + 'policies: [{id: g, kind: toys.greeting, when: {m: ">= 0.005"}}]\n') == [("unknown_currency", 3, 11)]


def test_a_fault_of_the_text_is_not_told_a_second_time_by_its_value() -> None:
    assert faults(HEAD + "late:\npolicies: []\n") == [("empty_value", 4, 1)]


def test_a_cell_without_quotes_does_not_hide_the_other_faults() -> None:
    text = HEAD + "late: soon\npolicies:\n  - id: g\n    kind: toys.greeting\n    when: {m: [300..1000)}\n"
    assert faults(text) == [("wrong_type", 4, 7), ("unknown_fact", 8, 12), ("unquoted_cell", 8, 15)]


def test_a_text_that_cannot_be_read_to_its_end_brings_no_follow_ups() -> None:
    assert [(code, line) for code, line, _ in faults("program: p\nzone: {\n")] == [("syntax", 2)]


def test_one_fault_is_told_once() -> None:
    text = HEAD + "profile: {zone: {type: text}}\npolicies: []\n"
    assert faults(text) == [("name_taken", 4, 11)]


def test_faults_in_code_have_a_path_and_no_line() -> None:
    with pytest.raises(cr.DocumentError) as caught:
        cr.Program(id="p", zone="UTC", currency="CNY", policies=[{"id": "g", "kind": "toys.greeting", "rate": 0.5}], kinds=TOYS)
    (found,) = caught.value.diagnostics
    assert (found.code, found.path, found.line) == ("document.wrong_type", "policies[0].rate", 0)
    assert "float" in found.params["found"]


def test_a_document_that_is_no_mapping_is_one_fault() -> None:
    assert faults("[a, b]\n") == [("wrong_type", 1, 1)]


@pytest.mark.parametrize("words", ["on", "off", "yes", "no", "y", "n", "all", "any", "not"])
def test_a_name_that_others_read_as_something_else_is_refused(words: str) -> None:
    assert faults(HEAD + f"measures: {{{words}: {{sum: spend, window: 1 month}}}}\npolicies: []\n") == [("reserved_name", 4, 12)]


@pytest.mark.parametrize("name", ["zone", "joined", "consent", "do_not_contact", "weekday", "birthday_today"])
def test_a_profile_field_never_takes_a_built_in_name(name: str) -> None:
    assert ("name_taken", 4, 34) in faults(
        HEAD
        + f"profile: {{b: {{type: birthday}}, {name}: {{type: text}}}}\npolicies: []\n".replace("b: {type: birthday}, ", "b: {type: birthday},   ")
    )


@pytest.mark.parametrize("name", ["purchase", "spend", "complaint", "new_day"])
def test_an_activity_never_takes_the_name_of_an_event(name: str) -> None:
    assert faults(HEAD + f"activities: {{{name}: {{}}}}\npolicies: []\n") == [("name_taken", 4, 14)]


# --- kinds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_ours_is_a_class_that_says_so(kind: str) -> None:
    found = built_in(kind)
    assert found is not None
    assert kinds_module.verified(kind, found, "custrules") is found


@pytest.mark.parametrize("kind", LATER_KINDS)
def test_a_kind_of_a_later_version_is_told_apart_from_a_slip_of_the_pen(kind: str) -> None:
    found = fault(HEAD + f"policies: [{{id: x, kind: {kind}}}]\n")
    assert (found.code, found.params["what"]) == ("document.not_available", f"the kind '{kind}'")


def test_a_kind_with_a_slip_of_the_pen_is_told_with_its_nearest() -> None:
    assert fault(HEAD + "policies: [{id: x, kind: point.account}]\n").params["nearest"] == "points.account"


def offered(monkeypatch: pytest.MonkeyPatch, value: str, count: int = 1) -> None:
    """As if installed distributions offered the kind acme.hello."""

    class Point(EntryPoint):
        dist: Any = None  # type: ignore[misc]  # it has one only where it is installed

    points = [Point("acme.hello", value, kinds_module.GROUP) for _ in range(count)]
    for place, point in enumerate(points):
        object.__setattr__(point, "dist", type("Dist", (), {"name": f"acme-{place}", "version": "1.4"}))
    monkeypatch.setattr(kinds_module, "entry_points", lambda group, name: points if name == "acme.hello" else [])


class Hello(Greeting):
    kind: ClassVar[str] = "acme.hello"


class Shouting(Greeting):
    kind: ClassVar[str] = "acme.shout"


class NoPhase(Greeting):
    kind: ClassVar[str] = "acme.hello"
    phase: ClassVar[Any] = "whenever"


class Undecided(cr.Policy):
    kind: ClassVar[str] = "acme.hello"


class Open(Greeting):
    kind: ClassVar[str] = "acme.hello"
    model_config: ClassVar[ConfigDict] = {"extra": "ignore"}


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    path = tmp_path / "acme.yaml"
    path.write_text(HEAD + "policies: [{id: h, kind: acme.hello}]\n")
    return path


def test_load_finds_a_kind_among_the_entry_points(monkeypatch: pytest.MonkeyPatch, acme: Path) -> None:
    offered(monkeypatch, "test_documents:Hello")
    assert [type(policy).__name__ for policy in cr.load(acme).policies] == ["Hello"]


def test_loads_never_looks_at_entry_points(monkeypatch: pytest.MonkeyPatch, acme: Path) -> None:
    offered(monkeypatch, "test_documents:Hello")
    assert fault(acme.read_text()).code == "document.unknown_kind"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("test_documents:Shouting", "says kind 'acme.shout'"),
        ("test_documents:NoPhase", "phase 'whenever'"),
        ("test_documents:Undecided", "no method decide"),
        ("test_documents:Open", "unknown fields pass"),
        ("test_documents:HEAD", "not a subclass"),
        ("test_documents:Nothing", "AttributeError"),
        ("no_such_module:Hello", "ModuleNotFoundError"),
    ],
)
def test_a_plug_in_that_breaks_the_contract_is_named_with_its_version(monkeypatch: pytest.MonkeyPatch, acme: Path, value: str, said: str) -> None:
    offered(monkeypatch, value)
    with pytest.raises(cr.DocumentError) as caught:
        cr.load(acme)
    (found,) = caught.value.diagnostics
    assert (found.code, found.params["maker"], found.line, found.column) == ("document.bad_plugin", "acme-0 1.4", 4, 26)
    assert said in found.params["reason"]


def test_a_kind_that_two_distributions_offer_is_refused(monkeypatch: pytest.MonkeyPatch, acme: Path) -> None:
    offered(monkeypatch, "test_documents:Hello", count=2)
    with pytest.raises(cr.DocumentError, match=r"acme-0 1\.4 and acme-1 1\.4"):
        cr.load(acme)


def test_a_class_in_the_table_of_kinds_is_verified_too() -> None:
    assert fault(HEAD + "policies: [{id: h, kind: acme.hello}]\n", kinds={"acme.hello": Gate}).code == "document.bad_plugin"


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "data", "steps"),
    [
        ("a.b[1].c", {"a": {"b": [0, {"c": 1}]}}, ("a", "b", 1, "c")),
        ("when.card.bonus", {"when": {"card.bonus": 1}}, ("when", "card.bonus")),
        ("when.card.bonus", {"when": {"card": {"bonus": 1}}}, ("when", "card", "bonus")),
        ("a.missing", {"a": {}}, ("a", "missing")),
        ("", {}, ()),
        ("..", {"": 1}, ("", "")),
    ],
)
def test_the_text_of_a_path_is_read_against_the_data(text: str, data: Any, steps: tuple[Any, ...]) -> None:
    assert steps_of(text, data)[: len(steps)] == steps if text != ".." else steps_of(text, data) is not None


@given(st.text(".[]a0 ", max_size=12), st.dictionaries(st.text(".[]a", max_size=3), st.just(1), max_size=3))
def test_reading_a_path_always_ends(text: str, data: dict[str, int]) -> None:
    assert len(steps_of(text, data)) <= len(text) + 1


def test_steps_that_are_not_in_the_data_are_left_out_of_a_place() -> None:
    assert true_path(("levels", 0, "function-before", "name"), {"levels": [{"name": 1}]}) == ("levels", 0, "name")
    assert true_path(("levels", 0, "length"), {"levels": [{}]}) == ("levels", 0, "length")


# --- work is bounded --------------------------------------------------------------------------------------------------


def data(**sections: Any) -> str:
    return json.dumps({"program": "p", "zone": "UTC", "currency": "CNY", "policies": []} | sections)


def test_a_mapping_with_thousands_of_keys_is_refused_as_a_whole() -> None:
    policy = {"id": "g", "kind": "toys.greeting"} | {f"field{n}": "1" for n in range(60_000)}
    assert [code for code, _, _ in faults(data(policies=[policy]), format="json")] == ["too_many"]


def test_no_more_than_a_thousand_faults_are_told() -> None:
    policy = {"id": "g", "kind": "toys.greeting"} | {f"field{n}": "1" for n in range(400)}
    found = faults(data(policies=[policy] * 200), format="json")
    assert (len(found), found[-1][0]) == (1001, "too_many_faults")


def test_thousands_of_unknown_facts_are_not_all_looked_up() -> None:
    when = {"any": [{f"fact{n}x{m}": "1" for m in range(20)} for n in range(9)]}
    policies = [{"id": f"g{n}", "kind": "toys.greeting", "status": f"s{n}", "when": when} for n in range(400)]
    found = faults(data(policies=policies), format="json")
    assert (len(found), found[-1][0]) == (1001, "too_many_faults")


def test_thousands_of_unknown_levels_are_not_all_looked_up() -> None:
    rates = {f"level{n}x": 1 for n in range(490)}
    policies: list[Any] = [{"id": "l", "kind": "tiers.ladder", "levels": [{"name": "member"}], "downgrade": "one_level"}]
    policies.append({"id": "points", "kind": "points.account", "expiry": "never"})
    policies += [{"id": f"e{n}", "kind": "points.accrual", "points_per_unit": rates} for n in range(200)]
    found = faults(data(policies=policies), format="json")
    assert (len(found), found[-1][0]) == (1001, "too_many_faults")


def test_too_many_attributes_and_policies_are_refused() -> None:
    activity = {f"a{n}": "text" for n in range(101)}
    assert [code for code, _, _ in faults(data(activities={"wave": activity}), format="json")] == ["too_many"]
    policy = {"id": "g", "kind": "toys.greeting"}
    assert [code for code, _, _ in faults(data(policies=[policy] * 2001), format="json")] == ["too_many"]


def test_too_many_entries_of_a_section_are_refused() -> None:
    measures = "".join(f"  m{n}: {{sum: spend, window: 1 month}}\n" for n in range(501))
    assert faults(HEAD + "measures:\n" + measures + "policies: []\n") == [("too_many", 5, 3)]


def test_aurora_is_the_program_that_the_tests_think_it_is() -> None:
    assert AURORA.count("  - id:") == len(aurora().policies)
