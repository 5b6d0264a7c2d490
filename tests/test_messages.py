"""Words for codes: every code has a sentence in both languages, filled in by name and by nothing else."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import pytest

import custrules as cr
from custrules import messages
from custrules.errors import Diagnostic
from custrules.messages import Speaker, render_all
from custrules.policy import reason

SOURCE = Path(str(files("custrules")))
FAMILIES = (
    "analysis",
    "check",
    "churn",
    "document",
    "event",
    "facts",
    "law",
    "lifecycle",
    "points",
    "profile",
    "returns",
    "scenario",
    "segments",
    "state",
    "stored_value",
    "table",
    "tiers",
)
CODE = re.compile(rf"({'|'.join(FAMILIES)})(\.[a-z_]+){{1,2}}")
MAKERS = {
    "Diagnostic",
    "reason",
    "Reason",
    "fault",
    "_fault",
    "_refuse",
    "OrderFault",
    "note",
    "add",
    "info",
    "warning",
    "_tell",
    "_told",
    "end",
    "throw_away",
    "refuse",
    "_note",
}
PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
NOT_SENTENCES = ("words", "phrases")


@cache
def catalogue(lang: str) -> dict[str, Any]:
    return tomllib.loads(files("custrules.messages").joinpath(f"{lang}.toml").read_text("utf-8"))


@cache
def sentences(lang: str) -> dict[str, dict[str, str]]:
    return {code: entry for code, entry in catalogue(lang).items() if code not in NOT_SENTENCES}


def codes_in(tree: ast.AST) -> Iterator[str]:
    """Codes that stand as text among the arguments of what makes faults and reasons."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) in MAKERS:
            for argument in call.args:
                for leaf in ast.walk(argument):
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) and CODE.fullmatch(leaf.value):
                        yield leaf.value


@cache
def trees() -> tuple[ast.Module, ...]:
    return tuple(ast.parse(path.read_text("utf-8")) for path in SOURCE.rglob("*.py"))


@cache
def codes_in_source() -> set[str]:
    return {code for tree in trees() for code in codes_in(tree)}


# --- the catalogues ---------------------------------------------------------------------------------------------------


def test_english_and_chinese_have_the_same_codes() -> None:
    assert sentences("en").keys() == sentences("zh").keys()


def test_english_and_chinese_have_the_same_words() -> None:
    assert catalogue("en")["words"].keys() == catalogue("zh")["words"].keys()


@pytest.mark.parametrize("code", sorted(sentences("en")))
def test_a_sentence_has_the_same_parts_and_placeholders_in_both_languages(code: str) -> None:
    english, chinese = sentences("en")[code], sentences("zh")[code]
    assert english.keys() == chinese.keys()
    for part in english:
        assert sorted(PLACEHOLDER.findall(english[part])) == sorted(PLACEHOLDER.findall(chinese[part])), part


@pytest.mark.parametrize("code", sorted(codes_in_source()))
def test_every_code_in_the_source_has_a_sentence(code: str) -> None:
    assert Speaker("en", plugins=False).entry(code) is not None


def test_the_search_for_codes_finds_what_it_looks_for() -> None:
    found = codes_in_source()
    assert {"document.two_writers", "document.wrong_type", "event.late", "returns.tenders.split", "state.newer_schema", "document.merge_key"} <= found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_sentences_stand_in_the_order_of_their_codes(lang: str) -> None:
    codes = list(sentences(lang))
    assert codes == sorted(codes)


def test_every_sentence_that_is_not_chinese_stays_out_of_the_chinese_catalogue() -> None:
    for code, entry in sentences("zh").items():
        for part, text in entry.items():
            assert re.search("[\u4e00-\u9fff]", text), (code, part)
            assert not re.search(r"[,.!?] ?$", text), (code, part)


def test_every_fixed_phrase_has_as_many_gaps_in_chinese_as_in_english() -> None:
    for english, chinese in catalogue("zh")["phrases"].items():
        assert english.count("{}") == chinese.count("{}")


def constant(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def written(node: ast.AST | None) -> str:
    """A text with "text" in each of its gaps; '' for anything else, and for one that is gaps alone."""
    if isinstance(node, ast.JoinedStr):
        parts = [constant(part) for part in node.values]
        return "".join(part or "text" for part in parts) if re.search("[a-z]{3}", "".join(parts)) else ""
    return constant(node)


EXPECTED = {"wrong_type": 0, "BadCell": 0, "within": 1, "short_form": 3, "self._made_of": 3}  # which argument says what is expected


def expectations_in_source() -> set[str]:
    """What fields, cells and scenarios expect, as they say it in English."""
    found = set()
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                place = EXPECTED.get(called, len(node.args))
                found |= {written(argument) for argument in node.args[place : place + 1]}
            if isinstance(node, ast.keyword) and node.arg == "expected":
                found.add(written(node.value))
            elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "grammar" for target in node.targets):
                found.add(constant(node.value))
    return found - {""}


@pytest.mark.parametrize("expected", sorted(expectations_in_source() - {"owed"}))
def test_every_expectation_of_a_field_is_chinese_in_chinese(expected: str) -> None:
    assert re.search("[\u4e00-\u9fff]", Speaker("zh").filled("{expected}", {"expected": expected}))


# --- filling in -------------------------------------------------------------------------------------------------------


def test_a_parameter_is_filled_in_by_name() -> None:
    assert cr.render(reason("event.duplicate", id="o1")) == "The event o1 is known already."
    assert cr.render(reason("event.duplicate", id="o1"), "zh") == "事件 o1 已经登记过。"


def test_a_parameter_that_is_missing_stays_visible() -> None:
    assert cr.render(reason("event.duplicate")) == "The event {id} is known already."


def test_a_parameter_never_becomes_a_placeholder_itself() -> None:
    assert cr.render(reason("event.exceeds_order", of="{left}", asked=1, left=2)).startswith("More is asked back of the order {left} than")


@pytest.mark.parametrize("evil", ["{id.__class__}", "{id!r}", "{id:>10}", "{0}", "{}"])
def test_a_sentence_knows_no_attribute_conversion_or_format(evil: str) -> None:
    assert Speaker("en").filled(evil, {"id": "x", "0": "y"}) == evil


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (cr.Money("12.50", "CNY"), "12.50 CNY"),
        (Decimal("1E+2"), "100"),
        (date(2026, 3, 31), "2026-03-31"),
        (True, "true"),
        (None, "-"),
        (7, "7"),
    ],
)
def test_values_are_shown_as_people_read_them(value: Any, text: str) -> None:
    assert Speaker("en").filled("{x}", {"x": value}) == text


def test_a_very_long_value_is_cut() -> None:
    assert len(Speaker("en").filled("{x}", {"x": "a" * 100_000})) == 200


def test_a_code_without_a_sentence_is_shown_with_its_numbers() -> None:
    assert cr.render(reason("nobody.knows.this", points=5)) == "nobody.knows.this (points=5)"


def test_an_event_code_without_its_own_sentence_takes_the_words_of_the_document() -> None:
    assert (
        cr.render(Diagnostic("event.missing_field", "amount", {"field": "amount"}))
        == 'amount event.missing_field: the field "amount" is missing here.'
    )


def test_another_language_is_refused() -> None:
    with pytest.raises(ValueError, match="en and zh"):
        cr.render(reason("event.late"), "fr")


@pytest.mark.parametrize("lang", ["zh", "zh-CN", "zh_Hans_CN"])
def test_every_spelling_of_chinese_is_understood(lang: str) -> None:
    assert cr.render(reason("event.duplicate", id="o1"), lang) == "事件 o1 已经登记过。"


def test_what_has_no_words_is_refused() -> None:
    with pytest.raises(TypeError, match="int has no words"):
        cr.render(5)


# --- faults -----------------------------------------------------------------------------------------------------------

UNKNOWN = {"field": "enterr", "known": "enter, keep", "nearest": "enter"}


def test_a_fault_says_where_what_and_how_to_mend_it() -> None:
    fault = Diagnostic("document.unknown_field", "policies[0].enterr", UNKNOWN, "aurora.yaml", 12, 22)
    assert cr.render(fault) == 'aurora.yaml:12:22 document.unknown_field: there is no field "enterr" here. Did you mean "enter"?'
    assert cr.render(fault, "zh") == "aurora.yaml:12:22 document.unknown_field: 这里没有字段“enterr”。是不是想写“enter”？"


def test_where_no_word_is_near_the_known_ones_are_told() -> None:
    fault = Diagnostic("document.unknown_field", "xyz", UNKNOWN | {"nearest": ""}, "aurora.yaml", 12, 22)
    assert cr.render(fault).endswith("Known here are: enter, keep.")


def test_a_fault_without_a_line_is_told_with_its_path() -> None:
    assert cr.render(Diagnostic("document.empty_rule", "calendar.x", source="a.yaml")).startswith("a.yaml calendar.x document.empty_rule: ")


def test_a_fault_without_a_sentence_is_told_with_its_place_and_numbers() -> None:
    assert cr.render(Diagnostic("nobody.knows", "a.b", {"n": 5})) == "a.b nobody.knows (n=5)"


def test_a_sentence_about_something_unknown_is_left_out() -> None:
    assert (
        cr.render(Diagnostic("document.repeated_key", "a", {"key": "a"}))
        == 'a document.repeated_key: the key "a" stands here a second time. Keep one of them.'
    )
    told = cr.render(Diagnostic("document.repeated_key", "a", {"key": "a", "first_line": 3}))
    assert told == 'a document.repeated_key: the key "a" stands here a second time. It stands on line 3 already. Keep one of them.'


def test_what_the_library_says_in_english_inside_a_sentence_is_chinese_in_chinese() -> None:
    fault = Diagnostic("document.wrong_type", "late", {"expected": "a duration such as 3 days or 24 hours", "found": "'x'"})
    assert cr.render(fault, "zh") == "late document.wrong_type: 应为时长，如 3 days 或 24 hours，实际是 'x'。"


def test_a_phrase_with_a_gap_keeps_what_stands_in_it() -> None:
    fault = Diagnostic("document.not_available", "rates", {"what": "the section 'rates'"})
    assert cr.render(fault, "zh") == "rates document.not_available: 本版本还不支持段“rates”。"


def test_a_name_that_reads_like_a_phrase_is_not_translated() -> None:
    assert "“text”" in cr.render(Diagnostic("document.unknown_field", "text", {"field": "text"}), "zh")


def test_many_faults_are_told_one_to_a_line() -> None:
    faults = [Diagnostic("document.empty_rule", name) for name in "ab"]
    assert [line[0] for line in render_all(faults).splitlines()] == ["a", "b"]


# --- sentences of others ----------------------------------------------------------------------------------------------


class Point:
    """An entry point of a distribution that ships sentences."""

    def __init__(self, loaded: Any) -> None:
        self.loaded = loaded

    def load(self) -> Any:
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return self.loaded


def shipped(monkeypatch: pytest.MonkeyPatch, family: str, loaded: Any) -> None:
    messages._plugin_catalogue.cache_clear()
    monkeypatch.setattr(messages, "entry_points", lambda group, name: [Point(loaded)] if name == family else [])


@pytest.fixture(autouse=True)
def _forget_catalogues() -> Iterator[None]:
    yield
    messages._plugin_catalogue.cache_clear()


def test_a_plug_in_brings_its_sentences_as_a_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped(monkeypatch, "acme_a", {"en": {"acme_a.coffee.free": "A free coffee for {name}."}})
    assert cr.render(reason("acme_a.coffee.free", name="Ann")) == "A free coffee for Ann."


def test_a_plug_in_brings_its_sentences_as_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    class Module:
        MESSAGES: ClassVar[Any] = {"zh": {"acme_b.coffee.free": {"text": "{name} 的免费咖啡。"}}}

    shipped(monkeypatch, "acme_b", Module)
    assert cr.render(reason("acme_b.coffee.free", name="安"), "zh") == "安 的免费咖啡。"


def test_a_plug_in_brings_its_sentences_beside_a_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "acme_words"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "en.toml").write_text('["acme_c.coffee.free"]\ntext = "Free."\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    shipped(monkeypatch, "acme_c", importlib.import_module("acme_words"))
    assert cr.render(reason("acme_c.coffee.free")) == "Free."


def test_a_plug_in_that_cannot_be_read_never_stops_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped(monkeypatch, "acme_d", RuntimeError("broken"))
    assert cr.render(reason("acme_d.coffee.free")) == "acme_d.coffee.free"


def test_our_own_codes_never_look_at_plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped(monkeypatch, "event", {"en": {"event.duplicate": "hijacked"}})
    assert cr.render(reason("event.duplicate", id="o1")) == "The event o1 is known already."


def test_words_without_plug_ins_load_none(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped(monkeypatch, "acme_e", {"en": {"acme_e.x.y": "hello"}})
    assert render_all([reason("acme_e.x.y")], plugins=False) == "acme_e.x.y"
