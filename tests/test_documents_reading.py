"""Reading documents: every scalar as its text, every place true, every fault a diagnostic."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custrules.documents.reading import Format, Reading, read
from custrules.errors import MissingExtra
from custrules.messages import render

DATA = st.recursive(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz", min_size=1, max_size=4), inner, max_size=3),
    max_leaves=12,
)


def faults(text: str | bytes, format: Format = "yaml") -> list[tuple[str, int, int]]:
    return [(fault.code, fault.line, fault.column) for fault in read(text, format=format).diagnostics]


def yaml(text: str) -> Any:
    reading = read(text, format="yaml")
    assert reading.diagnostics == ()
    return reading.data


def the_cell(text: str) -> tuple[str, str, str, int, int]:
    """found, mend, write and place of the one unquoted cell."""
    (fault,) = read(text, format="yaml").diagnostics
    assert fault.code == "document.unquoted_cell"
    return str(fault.params["found"]), str(fault.params["mend"]), str(fault.params["write"]), fault.line, fault.column


# --- what is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["21:00", "NO", "yes", "on", "0.1", "010", "1_000", "2026-01-01", "true", "0x10", "1e3", ".nan", "< 200", "(0..5)"])
def test_a_plain_yaml_scalar_is_handed_over_as_it_is_written(word: str) -> None:
    assert yaml(f"a: {word}\nb: [{word}]\n") == {"a": word, "b": [word]}


def test_a_quoted_word_is_never_an_empty_value() -> None:
    assert yaml('a: ""\nb: \'null\'\nc: "~"\n') == {"a": "", "b": "null", "c": "~"}


def test_a_literal_block_keeps_its_lines() -> None:
    assert yaml("table: |\n  a | b\n  - | >= 5\n") == {"table": "a | b\n- | >= 5\n"}


def test_a_cell_in_block_style_needs_no_quotes_when_yaml_reads_it_whole() -> None:
    assert yaml("channel: not(app, web)\nshare: (0.5..0.7]\n") == {"channel": "not(app, web)", "share": "(0.5..0.7]"}


def test_a_list_of_paths_upwards_is_no_interval() -> None:
    assert yaml("program: [../aurora.yaml]\n") == {"program": ["../aurora.yaml"]}


@pytest.mark.parametrize("text", ['{"a": [12.50, true, -1e5, "b"]}', 'a = [12.50, true, -1e5, "b"]', "a: [12.50, true, -1e5, b]"])
def test_the_three_languages_say_the_same(text: str) -> None:
    format: Format = "json" if text[0] == "{" else "toml" if "=" in text else "yaml"
    assert read(text, format=format) == Reading({"a": ["12.50", "true", "-1e5", "b"]}, (), "")


def test_toml_dates_and_whole_numbers_become_text() -> None:
    reading = read("a = 2026-01-02\nb = 1_000\nc = false\nd = 07:30:00\n[t]\ne = 2026-01-02T03:04:05Z\n", format="toml")
    assert reading.data == {"a": "2026-01-02", "b": "1000", "c": "false", "d": "07:30:00", "t": {"e": "2026-01-02T03:04:05+00:00"}}


def test_an_empty_toml_text_is_an_empty_document() -> None:
    assert read("", format="toml") == Reading({}, (), "")


@pytest.mark.parametrize(
    ("source", "text"), [("a.yml", "{a: b}"), ("a.JSON", '{"a": "b"}'), ("a.toml", "a = 'b'"), ("", '{"a": "b"}'), ("x", "a: b")]
)
def test_the_format_is_told_by_the_suffix_or_by_the_text(source: str, text: str) -> None:
    assert read(text, source=source) == Reading({"a": "b"}, (), source)


@pytest.mark.parametrize("format", ["json", "yaml"])
@given(data=DATA)
def test_json_text_is_read_back_as_the_data_it_was_written_from(format: Format, data: Any) -> None:
    assert read(json.dumps(data), format=format) == Reading(data, (), "")


@given(st.text(st.sampled_from(list("ab:- \n>[](){},.\"'&*!%@|#?~<\t0")), max_size=40), st.sampled_from(["yaml", "json", "toml"]))
@example("? - a: &x >\n", "yaml")
@example("a: >1\n&b", "yaml")
def test_no_text_raises_and_every_fault_has_its_place(text: str, format: Format) -> None:
    reading = read(text, format=format, source="s")
    assert all(fault.source == "s" and fault.line >= 1 and fault.column >= 1 for fault in reading.diagnostics)
    assert reading == read(text.encode(), format=format, source="s")


# --- places -----------------------------------------------------------------------------------------------------------

PLACED = "# 头\n标题: {en: A, zh: 极}\nlevels:\n  - {name: a}\n  - name: b\n    keep: {x: '1'}\n"


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("标题", "zh"), (2, 17), (2, 13)),
        (("levels", 0, "name"), (4, 12), (4, 6)),
        (("levels", 1), (5, 5), (5, 5)),
        (("levels", 1, "keep", "x"), (6, 15), (6, 12)),
    ],
)
def test_yaml_places_count_characters_from_one(path: tuple[str | int, ...], value: tuple[int, int], key: tuple[int, int]) -> None:
    reading = read("\ufeff" + PLACED, format="yaml")
    assert (reading.place(path), reading.place(path, key=True)) == (value, key)


def test_a_path_that_is_not_there_has_its_nearest_ancestors_place() -> None:
    assert read(PLACED, format="yaml").place(("levels", 1, "keep", "y", 3)) == (6, 11)


def test_nothing_read_has_no_place() -> None:
    assert read("a: 'b", format="yaml").place(("a",)) == (0, 0)


def test_an_alias_stands_where_it_is_written_and_its_content_at_the_anchor() -> None:
    reading = read("a: &x\n  k: v\nb: *x\n", format="yaml")
    assert (reading.place(("b",)), reading.place(("b", "k"))) == ((3, 4), (2, 6))


def test_windows_line_ends_count_once() -> None:
    assert [read(text, format="json").place(("b",)) for text in ('{"a": 1,\r\n "b": 2}', '{"a": 1,\r "b": 2}')] == [(2, 7), (2, 7)]


TOML = 'a = 1\n[b."c d"]\nx = [1, {y = 2, z.w = 3}]\n[[p]]\nid = 1\n[[p]]\nid = 2\n[p.q]\n r = """\n[no]"""\ns = 0\n'


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("a",), (1, 5), (1, 1)),
        (("b", "c d", "x", 1, "y"), (3, 14), (3, 10)),
        (("b", "c d", "x", 1, "z", "w"), (3, 23), (3, 19)),
        (("p", 1, "id"), (7, 6), (7, 1)),
        (("p", 1, "q", "r"), (9, 6), (9, 2)),
        (("p", 1, "q", "s"), (11, 5), (11, 1)),
    ],
)
def test_toml_places_follow_tables_and_inline_values(path: tuple[str | int, ...], value: tuple[int, int], key: tuple[int, int]) -> None:
    reading = read(TOML, format="toml")
    assert (reading.place(path), reading.place(path, key=True)) == (value, key)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: !!int 5\n", ("document.tag", 1, 4)),
        ("a: !x {b: c}\n", ("document.tag", 1, 4)),
        ("a: {b: c}\n<<: {d: e}\n", ("document.merge_key", 2, 1)),
        ("a: b\nc: d\na: e\n", ("document.repeated_key", 3, 1)),
        ("? [a, b]\n: c\n", ("document.bad_key", 1, 3)),
        ("? \n: c\n", ("document.bad_key", 1, 2)),
        ("a: b\n---\nc: d\n", ("document.several", 2, 1)),
        ("a: b\n  \nc:\n", ("document.empty_value", 3, 1)),
        ("a: ~\n", ("document.empty_value", 1, 4)),
        ("a: [b, null]\n", ("document.empty_value", 1, 8)),
        ("- a\n-\n", ("document.empty_value", 2, 1)),
        ("", ("document.empty_value", 1, 1)),
        ("a: &x [b, *x]\n", ("document.recursive_alias", 1, 11)),
        ('a: "\\ud800"\n', ("document.bad_character", 1, 4)),
        ("a: b\nc\0: d\n", ("document.bad_character", 2, 2)),
        ('a: "\\UFFFFFFFF"\n', ("document.syntax", 1, 7)),
        ("a: 'b\n", ("document.syntax", 1, 4)),
        ("a:\n\t- b\n", ("document.syntax", 2, 1)),
        ("a: b\n  c: d\n", ("document.syntax", 2, 4)),
        ("a: {b: c\nd: e\n", ("document.syntax", 2, 2)),
        ("a: [b, c\n", ("document.syntax", 1, 4)),
    ],
)
def test_yaml_that_is_refused_says_what_and_where(text: str, expected: tuple[str, int, int]) -> None:
    assert faults(text) == [expected]


def test_a_repeated_key_names_the_line_of_the_first_and_keeps_its_value() -> None:
    reading = read("a: b\nc: d\na: e\n", format="yaml")
    assert (reading.data, dict(reading.diagnostics[0].params)) == ({"a": "b", "c": "d"}, {"key": "a", "first_line": 1})


def test_all_faults_are_told_at_once_in_the_order_of_the_text() -> None:
    text = "a: @b\nc:\nd: >= 5\ne: !t f\nd: [1..2)\ng: VIP: gold\n"
    assert [code.removeprefix("document.") for code, _, _ in faults(text)] == [
        "unquoted_cell", "empty_value", "unquoted_cell", "tag", "repeated_key", "unquoted_cell", "unquoted_cell",
    ]  # fmt: skip


def test_a_fault_has_its_path_and_source() -> None:
    (fault,) = read("a:\n  - {b: >= 5}\n", source="x.yaml").diagnostics
    assert (fault.path, fault.place) == ("a[0].b", "x.yaml:2:9")


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ('{"a": 010}', 1, 7, "a number does not begin with 0"),
        ('{"a": 1,\n}', 1, 8, "a comma stands before the closing bracket"),
        ("[1, // x\n2]", 1, 5, "JSON has no comments"),
        ('{"a" 1}', 1, 6, "expected ':' after the key"),
        ("{'a': 1}", 1, 2, "expected a key in double quotes"),
        ("['a']", 1, 2, "texts stand in double quotes"),
        ('["a\n"]', 1, 2, "the text does not end on its line"),
        ('["\\x"]', 1, 3, "unknown escape after a backslash"),
        ("[1 2]", 1, 4, "expected ',' or ']'"),
        ('{"a": .5}', 1, 7, "not a number as JSON writes it"),
        ("{}\n{}", 2, 1, "text follows the end of the document"),
        ('{"a": ', 1, 7, "the document ends too early"),
        ('{"a": >= 5}', 1, 7, "expected a value"),
    ],
)
def test_json_that_is_none_says_why_and_where(text: str, line: int, column: int, reason: str) -> None:
    (fault,) = read(text, format="json").diagnostics
    assert (fault.code, fault.line, fault.column, fault.params["reason"]) == ("document.syntax", line, column, reason)


def test_json_notes_every_fault_that_is_not_of_syntax() -> None:
    text = '{"a": null, "b": NaN,\n "a": "\\ud83d", "b": -Infinity, "c": "\\ud83d\\ude00"}'
    assert faults(text, "json") == [
        ("document.empty_value", 1, 7), ("document.not_a_number", 1, 18), ("document.repeated_key", 2, 2),
        ("document.bad_character", 2, 7), ("document.repeated_key", 2, 17), ("document.not_a_number", 2, 22),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = nan\n", ("document.not_a_number", 2, 5)),
        ("a = -inf\n", ("document.not_a_number", 1, 5)),
        ("a = \n", ("document.syntax", 1, 5)),
        ("a = 1\nb 2\n", ("document.syntax", 2, 3)),
        ("a = 1\nb = " + "1" * 5000, ("document.syntax", 2, 5)),
        ("a = 0x" + "f" * 5000, ("document.syntax", 1, 5)),
    ],
)
def test_toml_that_is_refused_says_what_and_where(text: str, expected: tuple[str, int, int]) -> None:
    assert faults(text, "toml") == [expected]


def test_the_text_nan_in_quotes_is_a_text() -> None:
    assert read("a = 'nan'", format="toml") == Reading({"a": "nan"}, (), "")


def test_bytes_that_are_no_utf8_are_refused_with_their_line() -> None:
    assert faults(b"\xef\xbb\xbfa: b\nc\xc3\xa9: \xff\n") == [("document.not_utf8", 2, 5)]


# --- cells without their quotes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found", "mend", "column"),
    [
        ("a: >= 200", ">= 200", "comparison", 4),
        ("a: > 200  # x", "> 200", "comparison", 4),
        ("a: >2", ">2", "comparison", 4),
        ("a: != app", "!= app", "comparison", 4),
        ("{a: >= 200, b: c}", ">= 200", "comparison", 5),
        ("{>= 3000: b}", ">= 3000", "comparison", 2),
        ("{a: not(app, web)}", "not(app, web)", "not", 5),
        ("[not([1..2], x), y]", "not([1..2], x)", "not", 2),
        ("a: [300..1000)", "[300..1000)", "interval", 4),
        ("{a: [300..1000), b: [c, d]}", "[300..1000)", "interval", 5),
        ("{a: [300..1000]}", "[300..1000]", "interval", 5),
        ("{a: (300..1000]}", "(300..1000]", "interval", 5),
        ("a: ]300..1000[", "]300..1000[", "interval", 4),
        ("a: -", "-", "dash", 4),
        ("{a: -, b: c}", "-", "dash", 5),
        ("[a, - , b]", "-", "dash", 5),
        ("- -", "-", "dash", 3),
        ("a: VIP: gold", "VIP: gold", "colon", 4),
        ("- a: VIP: gold # x", "VIP: gold", "colon", 6),
        ("{b: c, a: VIP: gold}", "VIP: gold", "colon", 11),
        ("a: %20", "%20", "indicator", 4),
        ("a: @home", "@home", "indicator", 4),
        ("@a: home", "@a", "indicator", 1),
        ("a: `b`", "`b`", "indicator", 4),
        ("a: *bold*", "*bold*", "indicator", 4),
        ("a: *gold coins", "*gold coins", "indicator", 4),
        ("a: &gold", "&gold", "indicator", 4),
        ("a: & co", "& co", "indicator", 4),
        ("a: !important", "!important", "indicator", 4),
    ],
)
def test_a_cell_without_its_quotes_is_told_with_the_way_to_write_it(text: str, found: str, mend: str, column: int) -> None:
    assert the_cell(f"# x\n{text}\n") == (found, mend, f'"{found}"', 2, column)


def test_a_cell_that_holds_quotes_is_written_in_single_ones() -> None:
    assert the_cell('a: >= "it\'s"\n')[2] == "'>= \"it''s\"'"


def test_a_cell_without_its_quotes_is_read_as_it_was_meant() -> None:
    text = "a: [1..2)\nb: {c: not(x, y), d: -, e: (0..1]}\nf: VIP: gold\ng: [h, i]\n"
    assert read(text, format="yaml").data == {
        "a": "[1..2)", "b": {"c": "not(x, y)", "d": "-", "e": "(0..1]"}, "f": "VIP: gold", "g": ["h", "i"],
    }  # fmt: skip


def test_a_block_cell_after_a_broken_interval_is_not_blamed() -> None:
    assert faults("a: [1..2)\nchannel: not(app, web)\n") == [("document.unquoted_cell", 1, 4)]


def test_very_many_such_cells_are_answered_in_part() -> None:
    found = read("\n".join(f"k{number}: @x" for number in range(200)), format="yaml")
    assert (found.data, {fault.code for fault in found.diagnostics}) == ({}, {"document.unquoted_cell"})
    assert [fault.line for fault in found.diagnostics][:30] == list(range(1, 31))


# --- limits -----------------------------------------------------------------------------------------------------------

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("format", "text", "code"),
    [
        ("yaml", "[" * 100_000, "document.too_deep"),
        ("yaml", "{a: " * 100_000, "document.too_deep"),
        ("yaml", "- " * 100_000, "document.too_deep"),
        ("json", "[" * 100_000, "document.too_deep"),
        ("json", '{"a":' * 100_000, "document.too_deep"),
        ("toml", "a = " + "[" * 100_000, "document.too_deep"),
        ("toml", "a = " + "{a=" * 100_000, "document.too_deep"),
        ("toml", "a." * 100_000 + "a = 1", "document.too_deep"),
        ("toml", "[" + "a." * 100_000 + "a]", "document.too_deep"),
        ("yaml", BOMB, "document.too_many_aliases"),
        ("yaml", "- &a [x]\n" + "- *a\n" * 21, "document.too_many_aliases"),
        ("yaml", "- &a [" + "x," * 6000 + "]\n- *a\n- *a\n", "document.too_many_aliases"),
        ("yaml", "&a " + "[" * 30 + "x" + "]" * 30 + "\n", ""),
        ("yaml", "- &a " + "[" * 25 + "x" + "]" * 25 + "\n- " + "[" * 25 + "*a" + "]" * 25, "document.too_deep"),
        ("yaml", "a: " + "x" * 20_001, "document.too_large"),
        ("yaml", "#" * (2 * 1024 * 1024 + 1), "document.too_large"),
        ("json", "[" + "1," * 200_001 + "1]", "document.too_many_nodes"),
        ("yaml", "[" + "~," * 1_001 + "x]", "document.too_many_faults"),
    ],
)
def test_what_is_too_much_is_refused_soon(format: Format, text: str, code: str) -> None:
    started = time.monotonic()
    codes = {fault.code for fault in read(text, format=format).diagnostics}
    assert (code in codes) if code else not codes
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("text", ["[a" + " " * 2_000_000 + "x", "a: @" + " " * 2_000_000 + "x", "[" + "a.." * 600_000, "[" + "&a ," * 400_000])
def test_a_very_long_line_is_read_in_linear_time(text: str) -> None:
    started = time.monotonic()
    assert read(text, format="yaml").diagnostics
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(("format", "opening", "closing"), [("yaml", "[", "]"), ("json", "[", "]"), ("toml", "a = [", "]")])
def test_forty_levels_are_allowed_and_one_more_is_not(format: Format, opening: str, closing: str) -> None:
    outer = 1 if format == "toml" else 0
    allowed, refused = (opening + "[" * inner + '"x"' + "]" * inner + closing for inner in (39 - outer, 40 - outer))
    assert (faults(allowed, format), [code for code, _, _ in faults(refused, format)]) == ([], ["document.too_deep"])


# --- the optional package ---------------------------------------------------------------------------------------------


def test_without_pyyaml_the_pip_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "custrules.documents.yaml_text", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'custrules\[yaml\]'"):
        read("a: b", format="yaml")


def test_json_and_toml_are_read_without_loading_pyyaml() -> None:
    code = "import sys; from custrules.documents.reading import read; read('{}'); read('', format='toml'); assert 'yaml' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- syntax in both languages ------------------------------------------------------------------------------------------

MISTAKES = [
    "a: [1, 2\nb: 3\n",
    "a: {b: 1 c: 2}\n",
    'a: "never closed\n',
    'a: "\\q"\n',
    'a: "\\x0"\n',
    "a: |9x\n  text\n",
    "a: 1\n...\nb: 2\n",
    "? a\n? b: c: ? d\n",
    "a: b: ? c\n",
    "a: - ? b\n",
    "%YAML 3\n---\na: 1\n",
    "%TAG ! x\n%TAG ! y\n---\na: 1\n",
    "%bad\n",
    "a: [,]\n",
    "a: {,}\n",
    "a: ]\n",
    'a: "x\n---\ny"\n',
    "a:\n\t- b\n",
    "- a\nb: c\n",
    "a\nb: c\n",
    "a: b\n  c: d\n",
    "a: &\n",
    "a: 'b' c\n",
]


def syntax_in_chinese(text: str) -> list[str]:
    return [render(fault, "zh") for fault in read(text, source="s.yaml", format="yaml").diagnostics if fault.code == "document.syntax"]


@pytest.mark.parametrize("text", MISTAKES)
def test_a_syntax_fault_is_told_in_our_own_words_in_both_languages(text: str) -> None:
    for said in syntax_in_chinese(text):
        words = re.sub(r"^s\.yaml:\d+:\d+ document\.syntax", "", said)
        assert not re.search("[A-Za-z]{3,}", words.replace("YAML", "")), said


@given(st.text("ab:-[]{},'\"|>?&*!%@`#\\ \n\t", max_size=25))
def test_no_syntax_fault_is_told_in_the_words_of_the_yaml_reader(text: str) -> None:
    for said in syntax_in_chinese(text):
        assert not re.search("[A-Za-z]{3,}", said.partition("document.syntax")[2].replace("YAML", "")), said
